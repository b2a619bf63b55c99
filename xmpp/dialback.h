/*
 * Server dialback on one stream (XEP-0220; keys: XEP-0185). Sans I/O.
 *
 * A stream carries *pairs* (from, to), each proved by itself. Receiving side: the peer claims a
 * pair (db:result); whether the name is allowed is the caller's to judge; then the authoritative
 * server of `from` is asked on another stream (db:verify), and the claim is answered. Initiating
 * side: we claim pairs and send verifications.
 */
#ifndef CW_XMPP_DIALBACK_H
#define CW_XMPP_DIALBACK_H

#include "core/buf.h"
#include "core/list.h"
#include "xmpp/element.h"

#define CW_DIALBACK_PENDING_MAX 8    /* claims of one stream that are not answered yet */
#define CW_DIALBACK_PAIRS_MAX   1000 /* proved pairs of one stream */
#define CW_DIALBACK_KEY_MAX     256  /* bytes of a key that a peer chose */
#define CW_DIALBACK_ID_MAX      256  /* bytes of a stream id that a peer chose */
#define CW_DIALBACK_KEY_HEX     64   /* bytes of a key of ours */

/*
 * The key for a stream: hex(HMAC-SHA256(hex(SHA256(secret)), "receiving originating streamid")),
 * NUL-terminated. Names are prepared.
 *
 * Returns: 0; -EIO when the library fails; -ENOMEM.
 */
int cw_dialback_key(char out[static CW_DIALBACK_KEY_HEX + 1], struct cw_str secret,
	struct cw_str receiving, struct cw_str originating, struct cw_str stream_id);

/*
 * Whether `key` is that key, in a time that does not tell where it differs; false when it cannot
 * be computed.
 */
bool cw_dialback_key_is(struct cw_str secret, struct cw_str receiving, struct cw_str originating,
	struct cw_str stream_id, struct cw_str key);

/* ---- elements ---- */

enum cw_dialback_kind {
	CW_DIALBACK_CLAIM,         /* <db:result>key</db:result> */
	CW_DIALBACK_CLAIM_ANSWER,  /* <db:result type=.../> */
	CW_DIALBACK_VERIFY,        /* <db:verify id=...>key</db:verify> */
	CW_DIALBACK_VERIFY_ANSWER, /* <db:verify id=... type=.../> */
};

enum cw_dialback_type {
	CW_DIALBACK_VALID,
	CW_DIALBACK_INVALID,
	CW_DIALBACK_ERROR
};

/* One db: element, read. */
struct cw_dialback_element {
	enum cw_dialback_kind kind;
	struct cw_str from, to;     /* as they stand, not prepared */
	struct cw_str id;           /* of verifications and their answers */
	struct cw_str key;          /* of claims and verifications, without blanks around it */
	enum cw_dialback_type type; /* of answers */
	struct cw_str condition;    /* of an error: "item-not-found"; empty: none was said */
};

/*
 * Read a first-level element.
 *
 * Returns: 0 and *out set (slices of `e`); -EINVAL: no such element, or without from, to or id
 * where it needs them, or an id that is too long, or a type that nobody knows. A key that is missing or
 * too long is empty: one that nobody made, which is a matter of answers and no fault in the stream.
 */
int cw_dialback_read(struct cw_dialback_element *out, const struct cw_xmpp_element *e);

/* Append <db:result>key</db:result>. Names are prepared, here and below; errors are `out`'s. */
void cw_dialback_write_claim(
	struct cw_buf *out, struct cw_str from, struct cw_str to, struct cw_str key);

/* Append <db:verify>: whether that key was made for the stream `id`. */
void cw_dialback_write_verify(struct cw_buf *out, struct cw_str from, struct cw_str to,
	struct cw_str id, struct cw_str key);

/*
 * Append the answer to a claim, to a verification. `condition`: of an error, a stanza error
 * condition (RFC 6120, 8.3.3), written with the error type that fits it; else not looked at.
 */
void cw_dialback_write_claim_answer(struct cw_buf *out, struct cw_str from, struct cw_str to,
	enum cw_dialback_type type, const char *condition);
void cw_dialback_write_verify_answer(struct cw_buf *out, struct cw_str from, struct cw_str to,
	struct cw_str id, enum cw_dialback_type type, const char *condition);

/* ---- the pairs of a stream ---- */

enum cw_pair_state {
	CW_PAIR_NONE,
	CW_PAIR_PENDING, /* claimed, not answered */
	CW_PAIR_VALID,   /* proved; it may be claimed anew and pend besides */
};

/* Embed it. The counts may be read. */
struct cw_dialback_pairs {
	struct cw_list list; /* the one asked for last is the first */
	size_t n_pending, n_valid;
};

/* Begin without pairs. Allocates nothing. */
void cw_dialback_pairs_init(struct cw_dialback_pairs *pairs);

/* Free all pairs; it is then as after cw_dialback_pairs_init. Zeroed is fine. */
void cw_dialback_pairs_finish(struct cw_dialback_pairs *pairs);

/* State of a pair of prepared names. */
enum cw_pair_state cw_dialback_pairs_state(
	struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to);

/*
 * A claim begins. A pair that is valid stays so and pends anew.
 *
 * Returns: 0; -EEXIST: it is pending already; -E2BIG: CW_DIALBACK_PENDING_MAX are, or no more
 * could be proved; -ENOMEM.
 */
int cw_dialback_pairs_claim(struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to);

/*
 * A pending claim was answered. One that failed leaves nothing, even if the pair was valid before.
 *
 * Returns: 0; -ENOENT: nobody asked (an answer that was not pending changes nothing:
 * CVE-2012-3525); -E2BIG: CW_DIALBACK_PAIRS_MAX are proved already, and this one is forgotten.
 */
int cw_dialback_pairs_settle(
	struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to, bool is_valid);

/*
 * A pair was proved another way (EXTERNAL, the address of the own server).
 *
 * Returns: 0; -E2BIG: CW_DIALBACK_PAIRS_MAX are proved already; -ENOMEM.
 */
int cw_dialback_pairs_add(struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to);

/* Call `each` for all pairs; it must not change them. */
void cw_dialback_pairs_each(const struct cw_dialback_pairs *pairs,
	void (*each)(void *arg, struct cw_str from, struct cw_str to, enum cw_pair_state state),
	void *arg);

#endif
