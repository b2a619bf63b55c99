/*
 * Two ends of connections over loopback for tests of net/: a loop, a listener on a free port, and for each end a record of what its
 * callbacks told.
 *
 *	struct wire *w = wire_create(&(struct wire_settings){.server = tls, .client = tls});
 *	struct wire_end *client = wire_dial(w, NULL);
 *
 *	WIRE_UNTIL(w, client->opened && w->n_accepted == 1);
 */
#ifndef TESTS_SUPPORT_C_WIRE_H
#define TESTS_SUPPORT_C_WIRE_H

#include "core/buf.h"
#include "net/connection.h"
#include "net/listener.h"

#define WIRE_ENDS_MAX 256

struct wire;

struct wire_end {
	struct wire *wire;
	struct cw_connection *c;                    /* NULL once `closed` ran */
	unsigned opened, received, drained, closed; /* how often each callback ran */
	enum cw_connection_end end;
	char detail[160];
	char subject[256]; /* of the peer, when it opened; empty: none */
	struct cw_buf in;  /* what was received and not handed to `on_received` */

	/* What a test wants done inside the callbacks; NULL: nothing. */
	void (*on_opened)(struct wire_end *end);
	size_t (*on_received)(struct wire_end *end, struct cw_str bytes);
	void (*on_drained)(struct wire_end *end);
	void (*on_closed)(struct wire_end *end);
};

struct wire_settings {
	struct cw_tls *server, *client; /* NULL: plain TCP */
	const char *server_name;        /* SNI; NULL: none */
	const char *local_name;
	enum cw_tls_demand server_demand, client_demand;
	bool opens_late;
	unsigned handshake_ms, idle_ms, full_ms; /* full_ms: of both sides */
	/* Set up an end that was accepted; false: drop it. */
	bool (*on_accepted)(struct wire_end *end);
};

struct wire {
	struct wire_settings settings;
	struct cw_tls *current; /* what the listener reads at each accept */
	struct cw_loop *loop;
	struct cw_admission *admission;
	struct cw_listener *listener;
	struct wire_end *accepted[WIRE_ENDS_MAX], *dialled[WIRE_ENDS_MAX];
	size_t n_accepted, n_dialled;
	struct cw_buf log; /* all log lines since wire_create */
};

/* Make one, listening on 127.0.0.1. What goes wrong ends the test. */
struct wire *wire_create(const struct wire_settings *settings);

/* Abandon what is still connected and free all. */
void wire_destroy(struct wire *w);

/* Dial the listener, or `how` with what is zero in it filled in (address, TLS, names, a timeout of 20 s). */
struct wire_end *wire_dial(struct wire *w, const struct cw_connection_dial *how);

/* How many log lines hold `text`. */
unsigned wire_count_log(const struct wire *w, const char *text);

/* Run the loop until `condition` holds; Check's timeout is the bound. It is tested after each callback of an end. */
#define WIRE_UNTIL(w, condition)                                                                   \
	do {                                                                                       \
		while (!(condition))                                                               \
			ck_assert_int_eq(cw_loop_run((w)->loop), 0);                               \
	} while (0)

#endif
