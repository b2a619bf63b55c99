/*
 * One connection: TCP, or TLS over TCP, made by dialling or by a listener. Bytes in, bytes out, deadlines, bounds.
 *
 * Life: created -> `opened` once (TCP connected and, with TLS, handshake done and the peer's chain judged) -> `received` and `drained` any
 * number of times -> `closed` exactly once; the connection is freed when `closed` returns, and only then. `closed` comes also when it never opened. No callback runs
 * inside a call of the owner: all come from the loop. With cw_connection_abandon no callback comes any more. A plain one may turn to TLS while it is
 * open (cw_connection_start_tls); then it is `opened` once more.
 *
 * What is sent within a turn of the loop leaves in one write at its end. When more than CW_CONNECTION_QUEUE_MAX bytes wait, cw_connection_is_full
 * says so: the owner stops what feeds it (cw_connection_pause on the source) until `drained`. Beyond twice that nothing more is taken, and one that
 * stays full for CW_CONNECTION_FULL_MS is ended.
 */
#ifndef CW_NET_CONNECTION_H
#define CW_NET_CONNECTION_H

#include "certs/context.h"
#include "certs/identity.h"
#include "core/str.h"
#include "net/address.h"
#include "net/loop.h"

#define CW_CONNECTION_QUEUE_MAX (1u << 20) /* output bytes, then it is full */
#define CW_CONNECTION_INPUT_MAX                                                                    \
	(2u << 20) /* unconsumed input bytes, then it is closed (the framing has tighter limits) */
#define CW_CONNECTION_HANDSHAKE_MS 10000
#define CW_CONNECTION_IDLE_MS      600000
#define CW_CONNECTION_DEAD_PEER_MS                                                                 \
	20000 /* without a sign of life from a peer that owes one, or that takes nothing: TCP_USER_TIMEOUT */
#define CW_CONNECTION_FULL_MS                                                                      \
	10000 /* until one that is full has room again: whoever reads slower holds others up */
#define CW_CONNECTION_LINGER_MS 5000 /* for what is queued to leave after cw_connection_close */

struct cw_connection;

enum cw_connection_end {
	CW_END_CLOSED,    /* by us, after what was queued had left */
	CW_END_PEER,      /* by the peer (EOF) */
	CW_END_LOST,      /* an error of the socket or of TLS records; see `detail` */
	CW_END_REFUSED,   /* could not connect; see `detail` */
	CW_END_HANDSHAKE, /* TLS: no agreement, or a certificate was not accepted; see `detail` */
	CW_END_CONNECT_TIMEOUT,
	CW_END_HANDSHAKE_TIMEOUT,
	CW_END_DEADLINE, /* the owner's cw_connection_set_deadline passed; `detail` is its name */
	CW_END_IDLE,
	CW_END_OVERFLOW, /* CW_CONNECTION_INPUT_MAX, or what the listener's connections may hold together */
	CW_END_FULL, /* it stayed full for too long: the peer does not take what is queued */
};

/* "closed", "peer", "lost", "refused", "handshake", "connect-timeout", "handshake-timeout", "deadline", "idle", "overflow" or "full". */
const char *cw_connection_end_name(enum cw_connection_end end);

struct cw_connection_handler {
	/* It is open; or, a second time, it has turned to TLS, and all that was queued before has left. */
	void (*opened)(struct cw_connection *c, void *arg);
	/* All input that was not consumed yet, as one run of bytes. Returns: how many bytes were consumed; it is called again when more come. */
	size_t (*received)(struct cw_connection *c, void *arg, struct cw_str bytes);
	/* It was full and has room again. */
	void (*drained)(struct cw_connection *c, void *arg);
	/*
	 * The end. `detail` is text for the log: "revoked", "certificate expired (peer's alert)", "Connection refused"; it may be empty. A handshake that failed
	 * was logged: net.tls event=handshake-failed problem=… (a name of cw_tls_verify_problem, or "alert", "protocol", "eof", "lost", "timeout"). With TLS 1.3 the
	 * dialling side is `opened` first and learns of the refusal of its certificate afterwards: also CW_END_HANDSHAKE.
	 */
	void (*closed)(
		struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail);
};

/* How to dial. Everything is copied. */
struct cw_connection_dial {
	struct cw_address address;
	struct cw_tls *tls;          /* NULL: plain TCP */
	struct cw_str local_name;    /* which of our certificates to show */
	struct cw_str server_name;   /* SNI */
	enum cw_tls_demand demand;   /* of the peer's certificate */
	unsigned connect_timeout_ms; /* for TCP and handshake together */
	unsigned idle_ms;            /* 0: CW_CONNECTION_IDLE_MS */
	unsigned full_ms;            /* 0: CW_CONNECTION_FULL_MS */
};

/*
 * Begin to connect. Failures come through `closed`.
 *
 * Returns: 0 and *out set (owned by the loop until `closed`); -ENOMEM; another negative errno when no socket could be had.
 */
int cw_connection_dial(struct cw_connection **out, struct cw_loop *loop,
	const struct cw_connection_dial *how, const struct cw_connection_handler *handler,
	void *arg);

/* How to turn to TLS. Everything is copied. */
struct cw_connection_tls {
	struct cw_tls *tls;
	struct cw_str
		local_name; /* which of our certificates to show: where we dialled; else where SNI names none of ours */
	struct cw_str server_name; /* SNI, where we dialled */
	enum cw_tls_demand demand; /* of the peer's certificate */
};

/*
 * Begin TLS on an open plain connection, on the side that dialled as its client (RFC 6120, 5.4.2.3). To be called from `received` or `opened`. What is queued leaves first, in
 * clear. Until `opened` is called again, within CW_CONNECTION_HANDSHAKE_MS, it is not open: nothing can be sent (-EPIPE), nothing is received. When the handshake fails, `closed`
 * comes with CW_END_HANDSHAKE or CW_END_HANDSHAKE_TIMEOUT.
 *
 * Input that has come in clear and was not consumed ends it with CW_END_HANDSHAKE, "bytes in clear where TLS was to begin": somebody in between could have put them there, to
 * be taken for the peer's behind the handshake (CVE-2011-0411). The owner must see to it that no byte that it did consume waits there, either.
 *
 * Returns: 0; -ENOMEM; -EALREADY when it has TLS; -EPIPE when it is not open. Unless 0, nothing has changed.
 */
int cw_connection_start_tls(struct cw_connection *c, const struct cw_connection_tls *how);

/*
 * Queue bytes; they are copied and leave at the end of this turn. Before `opened` they wait.
 *
 * Returns: 0; -ENOBUFS when twice CW_CONNECTION_QUEUE_MAX would wait; -EPIPE when it is closing, or turning to TLS; -ENOMEM. Then nothing was queued.
 */
int cw_connection_send(struct cw_connection *c, struct cw_str bytes);

/* How many bytes wait to leave. */
size_t cw_connection_queued(const struct cw_connection *c);

/* Whether more than CW_CONNECTION_QUEUE_MAX bytes wait to leave. */
bool cw_connection_is_full(const struct cw_connection *c);

/* Stop reading from it (back-pressure; calls are counted), or go on when as many resumes as pauses were asked for. Input that waits is delivered after a resume. */
void cw_connection_pause(struct cw_connection *c);
void cw_connection_resume(struct cw_connection *c);

/* Close it when what is queued has left (close_notify, then FIN), at most CW_CONNECTION_LINGER_MS from now; input is not delivered any more. `closed` comes later, from the loop. Before `opened` nothing leaves. */
void cw_connection_close(struct cw_connection *c);

/* Close it at once and free it when the loop can; no callback runs any more. */
void cw_connection_abandon(struct cw_connection *c);

/* An absolute deadline of the owner's, in `ms` from now, replacing the one before (0: none): first message, partial message. `name` (static) says which in the log. */
void cw_connection_set_deadline(struct cw_connection *c, unsigned ms, const char *name);

/* The peer of an incoming connection has proved who it is: where the listener says `opens_late`, it counts as half-open until then. Else this changes nothing. */
void cw_connection_admit(struct cw_connection *c);

/* Whether it is open: `opened` was called, and neither cw_connection_close nor `closed`; nor is it turning to TLS. */
bool cw_connection_is_open(const struct cw_connection *c);

/* Milliseconds since bytes came in or went out; 0 before it is open. */
uint64_t cw_connection_idle_ms(const struct cw_connection *c);

/*
 * The identity of the peer's certificate, verified unless CW_TLS_ANY_PEER was demanded (then see cw_connection_tls_problem); NULL without TLS, before `opened`, or when the
 * peer showed none. Borrowed from the connection.
 */
const struct cw_identity *cw_connection_identity(const struct cw_connection *c);

/* "TLSv1.3", and the cipher suite as OpenSSL names it; NULL without TLS, or before its handshake is done. */
const char *cw_connection_tls_version(const struct cw_connection *c);
const char *cw_connection_tls_cipher(const struct cw_connection *c);

/* What is wrong with the peer's certificate, as cw_tls_verify_problem says; NULL: nothing, or there is no TLS, or its handshake is not done. */
const char *cw_connection_tls_problem(const struct cw_connection *c);

/* The remote and the local address. */
const struct cw_address *cw_connection_remote(const struct cw_connection *c);
const struct cw_address *cw_connection_local(const struct cw_connection *c);

#endif
