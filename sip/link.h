/*
 * A SIP connection: messages in, bytes out. Frames and parses what comes, answers what is
 * malformed, keeps the deadlines of the stream.
 *
 * Made by dialling or by a listener, owned by the loop until `closed` returns. Transactions that
 * depend on it stand in its lists, so that they are failed (never freed) when it dies.
 */
#ifndef CW_SIP_LINK_H
#define CW_SIP_LINK_H

#include "core/list.h"
#include "net/connection.h"
#include "sip/framing.h"
#include "sip/message.h"
#include "sip/setup.h"

#define CW_LINK_FIRST_MESSAGE_MS   10000 /* from an incoming connection */
#define CW_LINK_PARTIAL_MESSAGE_MS 20000

struct cw_link;

struct cw_link_handler {
	/* The connection is open and its peer's chain verified. */
	void (*opened)(struct cw_link *link, void *arg);
	/* A message came; takes it. */
	void (*message)(struct cw_link *link, void *arg, struct cw_sip_message *message);
	/* A request was malformed and was answered (or could not be), or a response was: for the books. */
	void (*malformed)(struct cw_link *link, void *arg, const struct cw_sip_reject *reject,
		bool is_response);
	/* The end; the link is freed when it returns. */
	void (*closed)(
		struct cw_link *link, void *arg, enum cw_connection_end end, const char *detail);
};

struct cw_link {
	struct cw_connection *connection;
	const struct cw_link_handler *handler;
	void *arg;
	struct cw_sip_framer framer;
	bool incoming;
	bool got_message; /* the first one came */
	bool broken;      /* the stream is garbage: nothing more is read from it */
	bool in_partial;  /* the deadline of a partial message runs */

	/* The owner's: */
	struct cw_list entry; /* among all links */
	uint64_t serial;      /* ascending in that list, from 1 */
	uint64_t since_ms;    /* it is in that list */
	uint64_t requests_in, requests_out;
	struct cw_sip_setup *setup; /* that `zone` belongs to */
	const struct cw_zone *zone; /* where requests on it come from; NULL before it is open */
	const struct cw_zone *dialled_for; /* the zone that it leads to; NULL: it came in */
	bool denied;                       /* it leads out, but no request may come in on it */
	bool retired; /* its zone does not want it any more: it stays for `clients` alone */
	struct cw_list servers; /* requests that came on it and were not answered yet */
	struct cw_list clients; /* requests that went out on it and were not answered yet */
	struct cw_list feeders; /* links that wait until this one has room */
	struct cw_list feeding; /* our place among the feeders of another one */
	char remote[CW_ADDRESS_TEXT_MAX];
};

/*
 * Dial.
 *
 * Returns: 0 and *out set; -ENOMEM; another negative errno of cw_connection_dial.
 */
int cw_link_dial(struct cw_link **out, struct cw_loop *loop, const struct cw_connection_dial *how,
	const struct cw_link_handler *handler, void *arg);

/*
 * Take a connection that a listener accepted, whose handler is cw_link_connection_handler.
 *
 * Returns: the link, which is the argument for that handler; NULL when memory is short.
 */
struct cw_link *cw_link_accept(
	struct cw_connection *connection, const struct cw_link_handler *handler, void *arg);

/* For the listener of connections that become links. */
extern const struct cw_connection_handler cw_link_connection_handler;

/*
 * Queue bytes. `source` (may be NULL) is the link that they came from: it is not read any more
 * while this one is full.
 *
 * Returns: 0; a negative errno of cw_connection_send.
 */
int cw_link_send(struct cw_link *link, struct cw_str bytes, struct cw_link *source);

/*
 * Whether both have the same verified peer: the same certificate, or without TLS the same remote
 * host.
 */
bool cw_link_same_peer(const struct cw_link *a, const struct cw_link *b);

/*
 * End it at once and free it: no callback comes. What stands in its lists must be gone. NULL is
 * fine.
 */
void cw_link_abandon(struct cw_link *link);

/* Close it when what is queued has left; `closed` follows. */
void cw_link_close(struct cw_link *link);

#endif
