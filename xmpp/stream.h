/*
 * One XML stream on one connection, in either direction: bytes to events, negotiation, keeping time, what is sent and not yet confirmed.
 *
 * Life: accepted or dialled -> negotiating -> open (dialback may be done) -> established (a pair is proved) -> closing -> `closed`, once, from the
 * loop; then it is freed. What goes on in it is told to its owner: `inbound` for accepted streams, `outbound` and `component` for dialled ones.
 * No callback runs inside a call of the owner but those that cw_stream_dial's and cw_stream_accept's documentation names.
 */
#ifndef CW_XMPP_STREAM_H
#define CW_XMPP_STREAM_H

#include "core/table.h"
#include "net/connection.h"
#include "xmpp/acknowledgement.h"
#include "xmpp/dialback.h"
#include "xmpp/negotiation.h"

#define CW_STREAM_FIRST_MS        10000 /* until the peer's header, and for each step of the negotiation */
#define CW_STREAM_AUTHENTICATE_MS 30000 /* until somebody is authenticated on it */
#define CW_STREAM_CONFIRM_MS      500   /* after what was sent, its confirmation is asked for */
#define CW_STREAM_CONFIRM_COUNT   256   /* or when so many wait for it */
#define CW_STREAM_ANSWER_MS       30000 /* for the confirmation to come, or the peer is dead */
#define CW_STREAM_SILENCE_MS      60000 /* then a sign of life is asked for */
#define CW_STREAM_REST_MS         5000  /* without a byte, then it gives back its buffers */
#define CW_STREAM_CLOSE_MS        5000  /* for the peer's </stream:stream> */
#define CW_STREAM_PING_PREFIX     "cw-" /* ids of our pings begin so */
#define CW_STREAM_ZONE_MAX        129   /* bytes with NUL */
#define CW_STREAM_TURN_MAX                                                                         \
	256 /* events of one stream in a turn, so that one peer does not hold up the others */

struct cw_stream;
struct cw_xmpp;
struct cw_xmpp_element;
struct cw_xmpp_header;
struct cw_xmpp_parser;
struct cw_xmpp_stanza;

enum cw_stream_state {
	CW_STREAM_CONNECTING,
	CW_STREAM_NEGOTIATING,
	CW_STREAM_OPEN,        /* dialback may be done */
	CW_STREAM_ESTABLISHED, /* a pair is proved: stanzas flow */
	CW_STREAM_CLOSING,     /* </stream:stream> was sent; the peer's is waited for */
	CW_STREAM_ENDED,       /* the connection is on its way out; nothing is done any more */
};

/* How a peer was proved to be who it says. */
enum cw_stream_proof {
	CW_STREAM_UNPROVED,
	CW_STREAM_BY_DIALBACK,
	CW_STREAM_BY_EXTERNAL,
	CW_STREAM_BY_CERTIFICATE, /* the inside's */
	CW_STREAM_BY_ADDRESS,     /* the inside's */
	CW_STREAM_BY_SECRET,      /* of a component */
};

struct cw_stream_owner {
	/* A component's stream has the last three instead of what stands before `stanza`. */
	/* Receiving: the peer's header. Returns: the terms to talk on, NULL: its `to` is no name of ours. NULL on dialled streams. */
	const struct cw_xmpp_terms *(*header)(
		struct cw_stream *s, struct cw_str local, struct cw_str remote);
	/* All is agreed but who the peer is: dialback may begin. Receiving: whenever features were sent. */
	void (*open)(struct cw_stream *s);
	/* EXTERNAL has proved negotiation.local and .remote. */
	void (*proved)(struct cw_stream *s);
	void (*dialback)(struct cw_stream *s, const struct cw_xmpp_element *e);
	void (*stanza)(struct cw_stream *s, const struct cw_xmpp_stanza *stanza);
	/* A stanza that was sent has arrived. */
	void (*confirmed)(struct cw_stream *s, const struct cw_xmpp_unconfirmed *stanza);
	/* It was full and has room again. */
	void (*drained)(struct cw_stream *s);
	/* The end, in words in s->reason; freed when this returns. s->ack holds what is not confirmed. */
	void (*closed)(struct cw_stream *s);

	/* TCP is there: our header is due. */
	void (*begin)(struct cw_stream *s);
	void (*server_header)(struct cw_stream *s, const struct cw_xmpp_header *header);
	/* Anything that is no stanza. */
	void (*element)(struct cw_stream *s, const struct cw_xmpp_element *e);
};

/* Embed nowhere; all fields but those of the view are private to stream.c and its owners, who read them. */
struct cw_stream {
	struct cw_list link; /* of all streams */
	struct cw_xmpp *xmpp;
	const struct cw_stream_owner *owner;
	void *owner_arg;
	uint64_t serial; /* unique, ascending */

	enum cw_stream_state state;
	bool is_incoming;
	bool is_component;
	bool is_inside; /* the peer was proved to be the own server */
	bool is_ended_by_peer;
	bool was_open; /* it came as far as dialback */
	enum cw_stream_proof proof;
	enum cw_stream_proof inside_proof; /* of is_inside */
	struct cw_xmpp_terms own_terms;    /* of an accepted stream: those it talks on */
	struct cw_list claims; /* of an accepted stream: dialback claims that pend (claim.c) */
	struct cw_connection *connection;
	struct cw_xmpp_parser *parser;
	struct cw_negotiation negotiation;
	struct cw_dialback_pairs pairs;
	struct cw_xmpp_acknowledgement ack;

	struct cw_timer *timer;
	uint64_t step_ms;         /* the negotiation's next step is due; 0: none */
	uint64_t authenticate_ms; /* somebody must be authenticated; 0: somebody is */
	uint64_t confirm_ms;      /* a confirmation is to be asked for; 0: none */
	uint64_t rest_ms;         /* its buffers may be given back; 0: they are */
	uint64_t last_stanza_ms, last_heard_ms;
	unsigned idle_ms;         /* 0: it may be idle for ever */
	struct cw_deferred again; /* events are left for another turn */

	struct cw_list feeders;        /* streams that are not read until this one has room */
	struct cw_list feeding;        /* in such a list */
	unsigned paused;               /* depth: it is not read */
	bool is_resting;               /* one of these, until its next turn */
	uint64_t armed_ms;             /* when the timer expires; 0: it is stopped */
	char zone[CW_STREAM_ZONE_MAX]; /* the name of the zone that it leads to, for the log */
	struct cw_table_link ping;     /* while a ping is out, under its id */
	char *ping_from, *ping_to;     /* a pair between which a ping may go; NULL: none */

	char *reason; /* of the end, in words; NULL until there is one */
	enum cw_connection_end end;
	char remote_text[CW_ADDRESS_TEXT_MAX];
	uint64_t since_ms;
	uint64_t stanzas_in, stanzas_out, bytes_in, bytes_out;
};

/* How to dial. Texts are copied. */
struct cw_stream_dial {
	struct cw_address address;
	struct cw_str host; /* for the log: the server's name */
	bool is_direct_tls;
	bool is_component; /* then `remote` is its name, there is no `local` and no terms */
	struct cw_str local, remote; /* the pair of the header, prepared */
	const struct cw_xmpp_terms *terms;
	unsigned connect_timeout_ms;
	const struct cw_stream_owner *owner;
	void *owner_arg;
};

/*
 * Dial a server and negotiate with it as the initiating entity.
 *
 * Returns: 0 and *out set; -ENOMEM; another negative errno when no socket could be had.
 */
int cw_stream_dial(struct cw_stream **out, struct cw_xmpp *xmpp, const struct cw_stream_dial *how);

/*
 * Take a connection that a listener accepted.
 *
 * Returns: the stream, to be the argument of the connection's handler; NULL when memory is short.
 */
struct cw_stream *cw_stream_accept(struct cw_xmpp *xmpp, struct cw_connection *connection,
	bool is_direct_tls, const struct cw_stream_owner *owner);

/* The handler of all connections that carry streams. */
extern const struct cw_connection_handler cw_stream_connection_handler;

/* Send bytes that are no stanza (dialback, stream management). */
void cw_stream_send(struct cw_stream *s, struct cw_str bytes);

/* One stanza, ready to leave. */
struct cw_stream_parcel {
	struct cw_xmpp_answerable answerable;
	struct cw_str bytes;
	const char *trace;
	bool has_fate; /* it is a stanza of somebody else's: what becomes of it is recorded */
};

/*
 * Send a stanza and remember it until it is confirmed.
 *
 * Returns: 0; -ENOBUFS when it is full; -EPIPE when it is not established; -ENOMEM. Then nothing was sent.
 */
int cw_stream_send_stanza(struct cw_stream *s, const struct cw_stream_parcel *parcel);

/* Whether nothing more should be given to it: its output or its list of unconfirmed stanzas is full. */
bool cw_stream_is_full(const struct cw_stream *s);

/* Do not read `source`, which may be `s`, until `s` has room again. */
void cw_stream_hold_up(struct cw_stream *s, struct cw_stream *source);

/* A pair is proved: stanzas may flow, and the bounds of strangers end. */
void cw_stream_establish(struct cw_stream *s, enum cw_stream_proof proof);

/* End it as the protocol asks: </stream:stream>, and wait for the peer's. `why`: for the log. */
void cw_stream_close(struct cw_stream *s, const char *why);

/* End it with a stream error (RFC 6120, 4.9.3) and `text` for the peer and the log. */
void cw_stream_fail(struct cw_stream *s, const char *condition, const char *text);

/* End it at once; `closed` comes now. */
void cw_stream_abort(struct cw_stream *s, const char *why);

/* A pair between which pings may go, for a stream that stanzas are sent on; the first one stays. */
void cw_stream_set_ping(struct cw_stream *s, struct cw_str from, struct cw_str to);

/* An answer to the ping with that id came, sent by `from` to `to`: what was sent before that ping has arrived. */
void cw_stream_ping_answered(
	struct cw_xmpp *xmpp, struct cw_str id, struct cw_str from, struct cw_str to);

/* The peer's next step is due within CW_STREAM_FIRST_MS; or none is. */
void cw_stream_await(struct cw_stream *s);
void cw_stream_await_none(struct cw_stream *s);

/* A proof is due within CW_STREAM_AUTHENTICATE_MS: the peer may have to ask others for it. */
void cw_stream_await_proof(struct cw_stream *s);

/* The first reason of an end is the one that counts: what follows is its consequence. */
void cw_stream_set_reason(struct cw_stream *s, const char *why);

/* cw_stream_close for all streams, so that their peers know. */
void cw_stream_close_all(struct cw_xmpp *xmpp, const char *why);

/* End it and free it at once, without `closed`; for the end of the process. */
void cw_stream_abandon(struct cw_stream *s);

/* "connecting", "negotiating", "dialback", "established", "closing" or "closed". */
const char *cw_stream_state_name(enum cw_stream_state state);

/* "", "dialback", "external", "certificate", "address" or "component". */
const char *cw_stream_proof_name(enum cw_stream_proof proof);

/* The partner of a stream for people: the peer's domain, or its address where it has not said one. */
struct cw_str cw_stream_partner(const struct cw_stream *s);

#endif
