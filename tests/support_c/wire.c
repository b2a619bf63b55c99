#include "tests/support_c/wire.h"

#include "core/log.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>

static void on_log(void *arg, struct cw_str line)
{
	struct wire *w = arg;

	cw_buf_add(&w->log, line);
	if (w->loop)
		cw_loop_stop(w->loop);
}

static bool holds(struct cw_str line, const char *text)
{
	struct cw_str wanted = cw_str_of(text);

	for (size_t i = 0; i + wanted.len <= line.len; i++) {
		if (cw_str_starts(cw_str_from(line, i), wanted))
			return true;
	}
	return false;
}

unsigned wire_count_log(const struct wire *w, const char *text)
{
	struct cw_str rest = cw_buf_str(&w->log);
	unsigned n = 0;

	while (rest.len > 0) {
		size_t end = cw_str_find(rest, '\n');

		n += holds(cw_str_make(rest.p, end), text);
		rest = cw_str_from(rest, end + 1);
	}
	return n;
}

static void on_opened(struct cw_connection *c, void *arg)
{
	struct wire_end *end = arg;
	const struct cw_identity *identity = cw_connection_identity(c);

	ck_assert_ptr_eq(c, end->c);
	ck_assert(cw_connection_is_open(c));
	end->opened++;
	if (identity)
		snprintf(end->subject, sizeof(end->subject), "%s", identity->subject);
	cw_loop_stop(end->wire->loop);
	if (end->on_opened)
		end->on_opened(end);
}

static size_t on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	struct wire_end *end = arg;

	ck_assert_ptr_eq(c, end->c);
	ck_assert_uint_gt(bytes.len, 0);
	end->received++;
	cw_loop_stop(end->wire->loop);
	if (end->on_received)
		return end->on_received(end, bytes);
	cw_buf_add(&end->in, bytes);
	return bytes.len;
}

static void on_drained(struct cw_connection *c, void *arg)
{
	struct wire_end *end = arg;

	ck_assert_ptr_eq(c, end->c);
	ck_assert(!cw_connection_is_full(c));
	end->drained++;
	cw_loop_stop(end->wire->loop);
	if (end->on_drained)
		end->on_drained(end);
}

static void on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end how, const char *detail)
{
	struct wire_end *end = arg;

	ck_assert_ptr_eq(c, end->c);
	ck_assert_uint_eq(end->closed, 0);
	ck_assert(!cw_connection_is_open(c));
	end->closed++;
	end->end = how;
	snprintf(end->detail, sizeof(end->detail), "%s", detail);
	cw_loop_stop(end->wire->loop);
	if (end->on_closed)
		end->on_closed(end);
	end->c = NULL;
}

static const struct cw_connection_handler handler = {
	.opened = on_opened,
	.received = on_received,
	.drained = on_drained,
	.closed = on_closed,
};

static struct wire_end *create_end(struct wire *w)
{
	struct wire_end *end = calloc(1, sizeof(*end));

	ck_assert_ptr_nonnull(end);
	end->wire = w;
	return end;
}

static void *on_accepted(struct cw_connection *c, void *arg)
{
	struct wire *w = arg;
	struct wire_end *end = create_end(w);

	ck_assert_uint_lt(w->n_accepted, WIRE_ENDS_MAX);
	end->c = c;
	w->accepted[w->n_accepted++] = end;
	cw_loop_stop(w->loop);
	if (w->settings.on_accepted && !w->settings.on_accepted(end)) {
		end->c = NULL;
		return NULL;
	}
	return end;
}

struct wire *wire_create(const struct wire_settings *settings)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct cw_listener_settings listen = {.handler = &handler, .accepted = on_accepted};

	ck_assert_ptr_nonnull(w);
	w->settings = *settings;
	w->current = settings->server;
	cw_log_set_sink(on_log, w);
	ck_assert_int_eq(cw_loop_create(&w->loop), 0);
	w->admission = cw_admission_create();
	ck_assert_ptr_nonnull(w->admission);
	ck_assert_int_eq(cw_address_parse(&listen.address, cw_str_of("127.0.0.1:0")), 0);
	listen.tls = &w->current;
	listen.admission = w->admission;
	listen.handshake_ms = settings->handshake_ms;
	listen.idle_ms = settings->idle_ms;
	listen.full_ms = settings->full_ms;
	listen.demand = settings->server_demand;
	listen.opens_late = settings->opens_late;
	listen.arg = w;
	ck_assert_int_eq(cw_listener_create(&w->listener, w->loop, &listen), 0);
	return w;
}

static void destroy_ends(struct wire_end **ends, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ends[i]->c)
			cw_connection_abandon(ends[i]->c);
		cw_buf_finish(&ends[i]->in);
		free(ends[i]);
	}
}

void wire_destroy(struct wire *w)
{
	destroy_ends(w->accepted, w->n_accepted);
	destroy_ends(w->dialled, w->n_dialled);
	cw_listener_destroy(w->listener);
	cw_admission_destroy(w->admission);
	cw_loop_destroy(w->loop);
	cw_log_set_sink(NULL, NULL);
	cw_buf_finish(&w->log);
	free(w);
}

struct wire_end *wire_dial(struct wire *w, const struct cw_connection_dial *how)
{
	struct cw_connection_dial dial = how ? *how : (struct cw_connection_dial){0};
	struct wire_end *end = create_end(w);

	ck_assert_uint_lt(w->n_dialled, WIRE_ENDS_MAX);
	if (dial.address.len == 0)
		dial.address = *cw_listener_address(w->listener);
	if (!dial.tls)
		dial.tls = w->settings.client;
	if (dial.demand == CW_TLS_VERIFIED)
		dial.demand = w->settings.client_demand;
	if (dial.full_ms == 0)
		dial.full_ms = w->settings.full_ms;
	if (dial.local_name.len == 0)
		dial.local_name = cw_str_of(w->settings.local_name);
	if (dial.server_name.len == 0)
		dial.server_name = cw_str_of(w->settings.server_name);
	if (dial.connect_timeout_ms == 0)
		dial.connect_timeout_ms = 20000;
	ck_assert_int_eq(cw_connection_dial(&end->c, w->loop, &dial, &handler, end), 0);
	w->dialled[w->n_dialled++] = end;
	return end;
}
