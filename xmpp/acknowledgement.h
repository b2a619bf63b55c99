/*
 * What was sent on a stream and is not known to have arrived: a bounded queue of unconfirmed stanzas, in the order in which they
 * left. They are confirmed by stream management (XEP-0198, <a h='N'/>), or by the answer to a ping that was sent behind them
 * (XEP-0199). Sans I/O; nothing is ever sent again.
 *
 * The receiving side's count, what our own <a/> says, stands here, too.
 */
#ifndef CW_XMPP_ACKNOWLEDGEMENT_H
#define CW_XMPP_ACKNOWLEDGEMENT_H

#include "core/list.h"
#include "core/str.h"
#include "xmpp/stanza.h"

#define CW_XMPP_UNCONFIRMED_MAX 4096 /* stanzas of one stream */
#define CW_XMPP_UNCONFIRMED_MAX_BYTES                                                              \
	(4u << 20)                       /* that are held for them; the last one may pass it */
#define CW_XMPP_UNCONFIRMED_TRACE_MAX 24 /* bytes of a trace id with its NUL */
#define CW_XMPP_PING_ID_MAX           40 /* bytes with NUL */

/* One unconfirmed stanza: what a bounce needs of it, not its content. One allocation with all its texts. */
struct cw_xmpp_unconfirmed {
	struct cw_list link;
	struct cw_xmpp_answerable answerable;
	uint64_t sequence; /* of all that was sent on the stream, from 1 */
	uint64_t sent_ms;
	char trace[CW_XMPP_UNCONFIRMED_TRACE_MAX];
	void *source;       /* the caller's */
	size_t bytes;       /* on the wire */
	size_t texts_bytes; /* of `texts` */
	char texts[];
};

/* Embed it. Read what is here; only the functions write. */
struct cw_xmpp_acknowledgement {
	struct cw_list unconfirmed;
	size_t n, held_bytes;  /* of what is in the queue */
	uint64_t sent;         /* stanzas that left, pings among them */
	uint64_t confirmed;    /* of these, from the first one on */
	bool is_sm;            /* XEP-0198 is on */
	uint64_t sm_base;      /* `sent` when it was enabled */
	uint64_t sm_confirmed; /* of `sent`, by the last <a/> */
	uint32_t received;     /* our h: stanzas of the peer since then, modulo 2^32 */
	uint64_t ping_behind; /* a ping is out that confirms what was sent up to here; 0: none is */
	char ping_id[CW_XMPP_PING_ID_MAX];
	uint64_t
		asked_ms; /* when the oldest ping or <r/> that is not answered left; 0: none is out */
};

/* Begin with nothing sent. Allocates nothing. */
void cw_xmpp_acknowledgement_init(struct cw_xmpp_acknowledgement *ack);

/* Forget all. What is still unconfirmed goes without a word: take it first. */
void cw_xmpp_acknowledgement_finish(struct cw_xmpp_acknowledgement *ack);

/* ---- the sending side ---- */

/* Whether there is no room for another stanza. */
bool cw_xmpp_acknowledgement_is_full(const struct cw_xmpp_acknowledgement *ack);

/*
 * A stanza leaves, of `bytes` on the wire. Everything that is a stanza is added, pings alone go to _ping_sent: the peer counts
 * them all. The texts are copied, `trace` clipped; `source` is handed back with it.
 *
 * Returns: 0; -ENOBUFS when it is full; -ENOMEM. Then the stanza must not leave.
 */
int cw_xmpp_acknowledgement_add(struct cw_xmpp_acknowledgement *ack,
	const struct cw_xmpp_answerable *answerable, const char *trace, void *source, size_t bytes,
	uint64_t now_ms);

/*
 * Stream management begins, on the side that sends <enable/>: call it as that leaves, for what follows it is counted, whenever
 * <enabled/> comes. On the side that receives it: as <enabled/> leaves. Both counts begin at 0 (XEP-0198, 4).
 */
void cw_xmpp_acknowledgement_enable_sm(struct cw_xmpp_acknowledgement *ack);

/* The peer would not have it (<failed/>): an <r/> that is out will find no answer. */
void cw_xmpp_acknowledgement_disable_sm(struct cw_xmpp_acknowledgement *ack);

/* Whether it is time to ask: something is unconfirmed, and neither a ping nor an <r/> is out. */
bool cw_xmpp_acknowledgement_wants_request(const struct cw_xmpp_acknowledgement *ack);

/* An <r/> leaves. */
void cw_xmpp_acknowledgement_request_sent(struct cw_xmpp_acknowledgement *ack, uint64_t now_ms);

/*
 * <a h='N'/> came.
 *
 * Returns: 0; -EINVAL when it confirms more than was sent, goes back, or stream management is off: a stream error, undefined-condition.
 */
int cw_xmpp_acknowledgement_on_a(struct cw_xmpp_acknowledgement *ack, uint32_t h);

/* A ping leaves, whose `id` is shorter than CW_XMPP_PING_ID_MAX. Of several that are out only the newest is known. */
void cw_xmpp_acknowledgement_ping_sent(
	struct cw_xmpp_acknowledgement *ack, const char *id, uint64_t now_ms);

/* The ping of `ping_id` was answered: all that was sent before it has arrived. */
void cw_xmpp_acknowledgement_ping_answered(struct cw_xmpp_acknowledgement *ack);

/* The next stanza that was confirmed, the caller's to free; NULL: none is left. */
struct cw_xmpp_unconfirmed *cw_xmpp_acknowledgement_take_confirmed(
	struct cw_xmpp_acknowledgement *ack);

/* The next stanza, confirmed or not, for when the stream has died; the caller's to free; NULL: none is left. */
struct cw_xmpp_unconfirmed *cw_xmpp_acknowledgement_take_any(struct cw_xmpp_acknowledgement *ack);

/* Free what was taken; NULL is fine. */
void cw_xmpp_unconfirmed_free(struct cw_xmpp_unconfirmed *stanza);

/* ---- the receiving side ---- */

/* A stanza of the peer was handled while stream management is on: one more in `received`. */
void cw_xmpp_acknowledgement_received(struct cw_xmpp_acknowledgement *ack);

#endif
