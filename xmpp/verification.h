/*
 * Questions to the authoritative server of a domain (XEP-0220, 2.2): did you make this key? They go over the outbound towards the domain, on the
 * stream that we opened to where *our* routes or DNS say its server is, never to an address that the peer named.
 */
#ifndef CW_XMPP_VERIFICATION_H
#define CW_XMPP_VERIFICATION_H

#include "xmpp/dialback.h"
#include "xmpp/outbound.h"

#define CW_VERIFICATION_MS  20000 /* for the answer, the connection included */
#define CW_VERIFICATION_MAX 64    /* that pend towards one domain */

struct cw_verification;

/* How it ended; `why` in words. Only CW_DIALBACK_VALID proves anything. */
typedef void cw_verification_done(void *arg, enum cw_dialback_type type, const char *why);

/*
 * Ask the server of `remote` whether it made `key` for the stream `id` from it to `local`. `done` runs once, from the loop.
 *
 * Returns: 0 and *out set (gone when `done` begins); -ENOMEM; -ENOBUFS when too many pend.
 */
int cw_verification_begin(struct cw_verification **out, struct cw_xmpp *xmpp, struct cw_str local,
	struct cw_str remote, struct cw_str id, struct cw_str key, cw_verification_done *done,
	void *arg);

/* Forget it: `done` does not run. NULL is fine. */
void cw_verification_cancel(struct cw_verification *v);

/* ---- for the outbound ---- */

/* Ask what was not asked yet, where the stream is up. */
void cw_verification_send_all(struct cw_outbound *o);

/* The stream ended: ask all again on the next one. */
void cw_verification_unsent(struct cw_outbound *o);

/* An answer came; one that nobody asked for is reported and changes nothing. */
void cw_verification_answered(struct cw_outbound *o, const struct cw_dialback_element *answer);

/* No answer will come. */
void cw_verification_fail_all(struct cw_outbound *o, const char *why);

/* The same for those that are too old. */
void cw_verification_fail_late(struct cw_outbound *o, uint64_t now_ms);

#endif
