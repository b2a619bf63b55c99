/*
 * The response context (RFC 3261, 16.2): one request from its arrival until its last answer has
 * gone back.
 *
 * It owns the request's message, its arena, the plan and the search, and the server transaction; it
 * books the fate and writes the log line. Its life: created (the request is in the books) -> routed
 * to targets or rejected -> answered -> (INVITE: lingers for the ACK or for further 2xx) -> gone.
 */
#ifndef CW_SIP_CONTEXT_H
#define CW_SIP_CONTEXT_H

#include "relay/relay.h"
#include "sip/attempt.h"
#include "sip/stack.h"
#include "sip/token.h"

#define CW_TIMER_H_MS                                                                              \
	32000 /* RFC 3261, 17.2.1: how long a non-2xx answer waits for its ACK; RFC 6026: how long 2xx pass */

#define CW_CONTEXT_ROOM 1024 /* bytes; holds what an ordinary request needs */

enum cw_context_state {
	CW_CONTEXT_CHECKING,  /* it is looked at, maybe with a question to DNS under way */
	CW_CONTEXT_SEARCHING, /* targets are tried */
	CW_CONTEXT_ACCEPTED,  /* INVITE: 2xx went back; further ones pass for 32 s */
	CW_CONTEXT_COMPLETED, /* INVITE: another final answer went back; the ACK is awaited */
};

struct cw_context {
	struct cw_sip *sip;
	struct cw_list entry; /* in sip->contexts */
	struct cw_arena arena;
	enum cw_context_state state;
	char trace[CW_TRACE_ID_MAX];
	uint64_t started_ms;

	/* The server transaction */
	struct cw_sip_message *message; /* NULL when completed: nothing needs it then */
	struct cw_table_link
		server;         /* in sip->transactions.servers; not for what is never answered */
	struct cw_link *link;   /* it came on; NULL once that died */
	struct cw_list on_link; /* among link->servers */
	struct cw_sip_setup *setup;
	const struct cw_zone *from;
	char sender[65]; /* fingerprint of the sender's certificate; empty without TLS */
	struct cw_address remote;
	char to_tag[17]; /* of our own answers */
	bool answerable; /* neither ACK nor BENOTIFY */
	struct cw_timer *linger;

	/* The decision */
	struct cw_request request;
	struct cw_plan plan;
	struct cw_target token_target; /* the plan's only one when the dialog's token decided */
	size_t drop_routes;            /* how many leading Routes are ours */
	bool drop_last_route;      /* a strict router was before us: the last Route became ... */
	struct cw_str request_uri; /* ... this Request-URI; else empty */
	struct cw_token token;     /* of this dialog, when by_token */
	bool by_token;
	struct cw_dns_query *sender_query;
	struct cw_str sender_domain; /* that the sender is being checked for; empty: it is not */

	/* The search */
	struct cw_relay relay;
	struct cw_attempt attempt;
	struct cw_sip_message *best;     /* the best final answer so far (RFC 3261, 16.7, step 6) */
	const struct cw_zone *best_from; /* whose answer that is */
	unsigned status;                 /* of the final answer that went back; 0: none yet */
	bool booked;                     /* its fate is in the books */

	_Alignas(max_align_t) char room[CW_CONTEXT_ROOM]; /* what the arena hands out first */
};

/*
 * Take a request into the books, with the key of its server transaction. Takes `message` on success.
 *
 * Returns: 0 and *out set, listed in sip->contexts; -ENOMEM.
 */
int cw_context_create(struct cw_context **out, struct cw_sip *sip, struct cw_link *link,
	struct cw_sip_message *message, struct cw_str key);

/* Send it along the plan, which has at least one target. */
void cw_context_search(struct cw_context *ctx);

/*
 * End it with an answer of our own (silently, when none is due): `phrase` says what is wrong,
 * `headers` are further whole lines. Before the search alone.
 */
void cw_context_reject(
	struct cw_context *ctx, unsigned status, struct cw_str phrase, struct cw_str headers);

/* End it with a 200 of our own: it was meant for us. */
void cw_context_accept(struct cw_context *ctx, struct cw_str headers);

/* A CANCEL for it came (and was answered): RFC 3261, 16.10. */
void cw_context_cancel(struct cw_context *ctx);

/* The ACK for a non-2xx answer came. */
void cw_context_acknowledged(struct cw_context *ctx);

/* A provisional or, after the first, a further 2xx answer came from the far side; takes it. */
void cw_context_pass(
	struct cw_context *ctx, struct cw_sip_message *response, const struct cw_zone *from);

/*
 * A final answer came from below; takes it. The one that ends the search goes back whatever came
 * before; of those that do not, the best is kept.
 */
void cw_context_offer(struct cw_context *ctx, struct cw_sip_message *response,
	const struct cw_zone *from, bool ends_search);

/* Its connection died: answers will go another way. */
void cw_context_link_lost(struct cw_context *ctx);

/* End it, since the daemon stops: 503. */
void cw_context_abort(struct cw_context *ctx);

#endif
