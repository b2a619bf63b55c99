/*
 * Transactions of the proxy (RFC 3261, 17, over reliable transports: no retransmission): how they
 * are found again.
 *
 * A client transaction is found by the branch that we made, a server transaction by who sent the
 * request and the branch that it gave. What happens in them is sip/attempt (client) and sip/context
 * (server).
 */
#ifndef CW_SIP_TRANSACTION_H
#define CW_SIP_TRANSACTION_H

#include "core/buf.h"
#include "core/table.h"
#include "dialplan/request.h"
#include "sip/link.h"
#include "sip/message.h"

#define CW_BRANCH_MAX 96 /* bytes with NUL */

/* Our branch: z9hG4bKcw1.TRACE.LOOP.ID */
struct cw_branch {
	struct cw_str
		trace; /* the trace id that the request has in our logs, and in those of the next Causeway */
	uint64_t loop; /* cw_loop_hash of the request as it was received (RFC 3261, 16.6, step 8) */
	uint64_t id;   /* unique in this process */
};

/* A request that went out and waits for its answers. Embed it. */
struct cw_client_txn {
	struct cw_table_link entry;
	struct cw_list on_link; /* among link->clients */
	char branch[CW_BRANCH_MAX];
	struct cw_link *link; /* NULL when it died */
	enum cw_sip_method method;
	/* A response came that belongs to it; takes it. */
	void (*response)(void *arg, struct cw_sip_message *response);
	/*
	 * The connection died: no (further) response will come. `untouched`: the peer refused our
	 * certificate, late as TLS 1.3 has it, and so took nothing of what was written.
	 */
	void (*lost)(void *arg, bool untouched);
	void *arg;
};

struct cw_transactions {
	struct cw_table clients; /* by branch */
	struct cw_table servers; /* by cw_server_key */
	uint64_t next_id;
};

/* Begin without transactions; ids begin at a random place. */
void cw_transactions_init(struct cw_transactions *t);

/* Free the tables; the transactions must be gone. */
void cw_transactions_finish(struct cw_transactions *t);

/*
 * Write a fresh trace id, 12 hex digits: unique in this process, and unlikely to be met elsewhere. No
 * secret, so it costs no random bytes.
 */
void cw_trace_make(struct cw_transactions *t, char out[static CW_TRACE_ID_MAX]);

/* Write a fresh branch with that trace and loop hash. */
void cw_branch_make(struct cw_transactions *t, char out[static CW_BRANCH_MAX], struct cw_str trace,
	uint64_t loop_hash);

/* Read a branch. Returns: whether a Causeway made it; *out (slices of `text`) is then set. */
bool cw_branch_parse(struct cw_branch *out, struct cw_str text);

/*
 * A hash over what tells a request that looped from one that came back changed, a spiral (RFC 5393,
 * 4.2): Request-URI, From tag, To tag, Call-ID, CSeq, Proxy-Require and Routes. Vias are left out,
 * since they differ on every pass.
 */
uint64_t cw_loop_hash(const struct cw_sip_message *request);

/*
 * Write the key of a server transaction (RFC 3261, 17.2.3) into `out`: who sent it, sent-by and branch,
 * and the method, where ACK and CANCEL have that of their INVITE. A request without an RFC 3261
 * branch is known by its Call-ID, CSeq, From tag and Via instead. The sender is part of it, so that
 * nobody can cancel another's request.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_server_key(
	struct cw_buf *out, const struct cw_sip_message *request, const struct cw_link *link);

/*
 * Enter a client transaction whose branch is written, as sent on `link`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_client_txn_start(struct cw_transactions *t, struct cw_client_txn *txn, struct cw_link *link);

/* Forget it; harmless when it is not entered (zeroed). */
void cw_client_txn_stop(struct cw_transactions *t, struct cw_client_txn *txn);

/*
 * The client transaction that a response on `link` belongs to, or NULL: the branch must be ours,
 * the method fit, and the peer be the one that was asked.
 */
struct cw_client_txn *cw_client_txn_find(const struct cw_transactions *t,
	const struct cw_sip_message *response, const struct cw_link *link);

#endif
