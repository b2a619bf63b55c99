/*
 * The inside of a connection, shared by net/connection*.c and the listener.
 */
#ifndef CW_NET_CONNECTION_PRIVATE_H
#define CW_NET_CONNECTION_PRIVATE_H

#include "core/buf.h"
#include "net/admission.h"
#include "net/connection.h"

#include <event2/event_struct.h>

struct bufferevent;
struct ssl_st;

enum cw_connection_state {
	CW_CONNECTION_CONNECTING, /* TCP; there is no bufferevent yet */
	CW_CONNECTION_TURNING,    /* to TLS: what is queued leaves in clear, then HANDSHAKE */
	CW_CONNECTION_HANDSHAKE,  /* TLS; plain TCP passes through it on its way to `opened` */
	CW_CONNECTION_OPEN,
	CW_CONNECTION_GIVEN_UP,  /* closed by the owner, or failed, before it was open */
	CW_CONNECTION_DRAINING,  /* closed by the owner; what is queued leaves */
	CW_CONNECTION_LINGERING, /* FIN sent; waits for the peer's */
	CW_CONNECTION_ENDED,     /* no callback any more; freed at the end of the turn */
};

struct cw_connection {
	struct cw_loop *loop;
	const struct cw_connection_handler *handler;
	void *arg;

	enum cw_connection_state state;
	bool is_incoming;
	bool opens_late;   /* half-open until cw_connection_admit */
	bool is_turning;   /* from cw_connection_start_tls until it is open again */
	bool has_received; /* application bytes, so the peer has accepted our certificate */
	bool was_full;     /* `drained` is due */
	bool has_resumed;  /* input that was left is to be delivered */
	bool has_eof;    /* the peer has finished; `closed` waits until what it sent is delivered */
	unsigned paused; /* depth */
	int connect_error; /* errno of a connect() that failed at once */

	int fd;                  /* until `bev` takes it, then -1 */
	struct ssl_st *ssl;      /* NULL: plain TCP. Owned by `bev` as soon as there is one */
	struct ssl_st *next_ssl; /* while TURNING: what is to become `ssl` */
	struct event *connect;   /* while CONNECTING */
	struct bufferevent *bev; /* from HANDSHAKE on */

	struct cw_buf pending;       /* what was sent in this turn, or before `opened` */
	struct cw_deferred write;    /* of what is pending */
	struct cw_deferred turn_end; /* for what must not happen inside a call of the owner */

	/* One timer for all: armed for the earliest of these (0: none), and checked against them when it expires. */
	struct event timer;
	uint64_t armed_ms;
	uint64_t phase_ms;    /* connect, handshake or linger */
	uint64_t deadline_ms; /* the owner's */
	const char *deadline_name;
	uint64_t full_ms;   /* it must have room again */
	uint64_t active_ms; /* last bytes in or out */
	unsigned idle_ms, full_after_ms;

	struct cw_admission_seat seat;
	struct cw_identity *identity;
	struct cw_address remote, local;
};

/*
 * A connection without socket, with its timers stopped.
 *
 * Returns: the connection, owned by the caller until its socket is there; NULL when memory is short.
 */
struct cw_connection *cw_connection_create(
	struct cw_loop *loop, const struct cw_connection_handler *handler, void *arg);

/*
 * A connection from an accepted descriptor, which it takes, also on failure; so it does with `ssl` (NULL: plain).
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_connection_adopt(struct cw_connection **out, struct cw_loop *loop, int fd,
	struct ssl_st *ssl, const struct cw_connection_handler *handler);

/* Set what every TCP socket of ours has: no delay, and a dead peer noticed within CW_CONNECTION_DEAD_PEER_MS. */
void cw_connection_tune(int fd);

/* How long it may be idle, and full; 0: the default. */
void cw_connection_set_patience(struct cw_connection *c, unsigned idle_ms, unsigned full_ms);

/* Have the phase (connect, handshake with what leaves before it, linger) end in `ms`; 0: no bound. */
void cw_connection_set_phase(struct cw_connection *c, unsigned ms);

/*
 * TCP is connected: put a bufferevent on the descriptor and begin the handshake.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_connection_start(struct cw_connection *c);

/* Call `closed` and free it; touch it no more but for its state. */
void cw_connection_end(struct cw_connection *c, enum cw_connection_end end, const char *detail);

#define CW_CONNECTION_DETAIL_MAX 160 /* bytes with NUL */

/*
 * Read who the peer is, the handshake being done.
 *
 * Returns: 0; a negative errno when its certificate cannot be read, which was logged, with `detail` set. None at all is fine where any peer is.
 */
int cw_connection_tls_identify(
	struct cw_connection *c, char detail[static CW_CONNECTION_DETAIL_MAX]);

/* The handshake failed, by an event of libevent's or (what is 0) by time: log it in one line, and say why. */
void cw_connection_tls_failed(
	struct cw_connection *c, short what, char detail[static CW_CONNECTION_DETAIL_MAX]);

/* The handshake could not even begin, for `problem`: log it in one line. */
void cw_connection_tls_not_begun(
	const struct cw_connection *c, const char *problem, const char *detail);

/* The same for a connection that was open: whether it was the peer's late refusal of our certificate (TLS 1.3), which is logged. */
bool cw_connection_tls_lost(struct cw_connection *c, char detail[static CW_CONNECTION_DETAIL_MAX]);

/*
 * Write to the socket at once.
 *
 * Returns: whether it took all bytes; if not, the very same bytes must be written next, by libevent, which finds the error if there
 * is one.
 */
bool cw_connection_tls_write(struct cw_connection *c, struct cw_str bytes);

/* Whether bytes wait inside of OpenSSL: records, or a part of one. */
bool cw_connection_tls_has_input(const struct cw_connection *c);

/* Send close_notify, if the socket takes it. */
void cw_connection_tls_shutdown(struct cw_connection *c);

/* Free a session that no bufferevent owns. */
void cw_connection_tls_free(struct ssl_st *ssl);

#endif
