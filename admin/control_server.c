/* The control socket: requests in, lines of JSON out. */
#include "admin/control_server.h"

#include "admin/text.h"
#include "core/log.h"
#include "net/local_listener.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>

#define ROWS_OF_A_TURN 64 /* of one answer, then other events have their turn */

static const char *const kind_names[] = {
	[CW_VIEW_TEXT] = "text",
	[CW_VIEW_NUMBER] = "number",
	[CW_VIEW_SECONDS] = "seconds",
	[CW_VIEW_BYTES] = "bytes",
};

struct cw_control_server {
	struct cw_control_server_settings settings;
	struct cw_local_listener *listener;
	struct cw_list sessions;
};

/* One connection. */
struct session {
	struct cw_list link;
	struct cw_control_server *server;
	struct cw_connection *connection;
	bool has_request;

	/* view */
	char name[CW_CONTROL_REQUEST_MAX];
	size_t nth;       /* of the views of that name: a number, since a view may go in between */
	bool has_columns; /* of that one */
	struct cw_view_walk walk;
	struct cw_view_sink sink;
	unsigned n_rows; /* of this turn */
	struct cw_deferred turn;

	/* trace */
	char subject[CW_CONTROL_REQUEST_MAX];
	struct cw_tap_listener listener;
	uint64_t left_out; /* sentences, since the last one that there was room for */
};

/* ---- lines ---- */

/*
 * Send {name: value}; takes the reference to `value`, which may be NULL for want of memory.
 *
 * Returns: 0; -ENOMEM; -ENOBUFS when there is no room; -EPIPE.
 */
static int send_line(struct session *s, const char *name, json_t *value)
{
	json_t *line = json_pack("{s:o}", name, value);
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	int r = -ENOMEM;

	json_decref(line);
	if (text) {
		size_t len = strlen(text);

		text[len] = '\n'; /* in the place of its NUL */
		r = cw_connection_send(s->connection, cw_str_make(text, len + 1));
	}
	free(text);
	return r;
}

/* Say what is wrong, and that was all. */
static void refuse(struct session *s, const char *why)
{
	(void)send_line(s, "error", json_string(why));
	cw_connection_close(s->connection);
}

/* ---- view ---- */

static const struct cw_view *current_view(const struct session *s)
{
	const struct cw_views *views = s->server->settings.views;
	const struct cw_view *view = cw_views_next(views, cw_str_of(s->name), NULL);

	for (size_t i = 0; view && i < s->nth; i++)
		view = cw_views_next(views, cw_str_of(s->name), view);
	return view;
}

static json_t *columns_json(const struct cw_view *view)
{
	json_t *columns = json_array();

	for (size_t i = 0; columns && i < view->n_columns; i++) {
		const struct cw_view_column *c = &view->columns[i];

		if (json_array_append_new(
			    columns, json_pack("{s:s, s:s?, s:s}", "name", c->name, "title",
					     c->title, "kind", kind_names[c->kind]))) {
			json_decref(columns);
			return NULL;
		}
	}
	return columns;
}

static json_t *row_json(const struct cw_view *view, const struct cw_view_cell *cells)
{
	json_t *row = json_object();

	for (size_t i = 0; row && i < view->n_columns; i++) {
		const struct cw_view_column *c = &view->columns[i];
		json_t *value = c->kind == CW_VIEW_TEXT ? cw_text_json(cells[i].text)
							: json_integer((json_int_t)cells[i].number);

		if (json_object_set_new(row, c->name, value)) {
			json_decref(row);
			return NULL;
		}
	}
	return row;
}

/* There was room before it, and there may be none behind it. */
static bool on_row(struct cw_view_sink *sink, const struct cw_view_cell *cells)
{
	struct session *s = cw_container_of(sink, struct session, sink);

	if (send_line(s, "row", row_json(current_view(s), cells))) {
		refuse(s, "out of memory");
		return false;
	}
	return ++s->n_rows < ROWS_OF_A_TURN && !cw_connection_is_full(s->connection);
}

/* Go through the view where it was left. Returns: whether it is done. */
static bool go_through(struct session *s, const struct cw_view *view)
{
	if (!s->has_columns && send_line(s, "columns", columns_json(view))) {
		refuse(s, "out of memory");
		return false;
	}
	s->has_columns = true;
	s->walk.is_full = false;
	view->rows(view->arg, &s->walk);
	return !s->walk.is_full;
}

static void finish_view(struct session *s)
{
	(void)send_line(s, "end", json_true());
	cw_connection_close(s->connection);
}

/*
 * Send as many rows as may be sent in this turn; when the connection is full, on_drained goes on.
 */
static void on_turn(void *arg)
{
	struct session *s = arg;
	const struct cw_view *view = current_view(s);

	s->n_rows = 0;
	while (view && !cw_connection_is_full(s->connection) && go_through(s, view)) {
		s->nth++;
		s->has_columns = false;
		s->walk = (struct cw_view_walk){.sink = &s->sink};
		view = current_view(s);
	}
	if (!cw_connection_is_open(s->connection))
		return;
	if (!view)
		finish_view(s);
	else if (!cw_connection_is_full(s->connection))
		cw_loop_defer(s->server->settings.loop, &s->turn);
}

static void begin_view(struct session *s, struct cw_str name)
{
	memcpy(s->name, name.p, name.len);
	s->sink.row = on_row;
	s->walk.sink = &s->sink;
	if (!current_view(s))
		refuse(s, "there is no such view");
	else
		on_turn(s);
}

/* ---- trace ---- */

static void on_heard(void *arg, struct cw_str line)
{
	struct session *s = arg;

	if (s->left_out && !send_line(s, "left-out", json_integer((json_int_t)s->left_out)))
		s->left_out = 0;
	if (s->left_out || cw_connection_is_full(s->connection) ||
		send_line(s, "said", cw_text_json(line)))
		s->left_out++;
}

static void begin_trace(struct session *s, struct cw_str subject)
{
	memcpy(s->subject, subject.p, subject.len);
	s->listener.subject = cw_str_of(s->subject);
	s->listener.heard = on_heard;
	s->listener.arg = s;
	cw_tap_listen(s->server->settings.tap, &s->listener);
	cw_info("control", cw_kz("event", "trace"), cw_ks("partner", subject));
	(void)send_line(s, "listening", cw_text_json(s->listener.subject));
}

/* ---- requests ---- */

/* What follows the word and a blank; empty: it is another word, or nothing follows. */
static struct cw_str argument(struct cw_str request, const char *word)
{
	struct cw_str begin = cw_str_of(word);

	if (!cw_str_starts(request, begin) || request.len == begin.len ||
		request.p[begin.len] != ' ')
		return cw_str_make(NULL, 0);
	return cw_str_trim(cw_str_from(request, begin.len));
}

static bool is_word(struct cw_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0;
}

static void answer(struct session *s, struct cw_str request)
{
	struct cw_str name = argument(request, "view"), subject = argument(request, "trace");

	cw_debug("control", cw_kz("event", "request"), cw_ks("request", request));
	if (is_word(name))
		begin_view(s, name);
	else if (is_word(subject))
		begin_trace(s, subject);
	else
		refuse(s, "expected \"view NAME\" or \"trace PARTNER\"");
}

/* ---- the connection ---- */

static void on_opened(struct cw_connection *c, void *arg)
{
	(void)arg;
	cw_connection_set_deadline(c, CW_CONTROL_REQUEST_MS, "request");
}

static size_t on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	struct session *s = arg;
	size_t end = cw_str_find(bytes, '\n');

	if (s->has_request)
		return bytes.len; /* nobody asked for more */
	if (end >= CW_CONTROL_REQUEST_MAX) {
		s->has_request = true;
		refuse(s, "the request is too long");
		return bytes.len;
	}
	if (end == bytes.len)
		return 0;
	s->has_request = true;
	cw_connection_set_deadline(c, 0, NULL);
	answer(s, cw_str_trim(cw_str_make(bytes.p, end)));
	return bytes.len;
}

static void on_drained(struct cw_connection *c, void *arg)
{
	struct session *s = arg;

	(void)c;
	if (s->walk.sink)
		on_turn(s);
}

static void forget(struct session *s)
{
	cw_tap_leave(&s->listener);
	cw_deferred_cancel(&s->turn);
	cw_list_remove(&s->link);
	free(s);
}

static void on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail)
{
	(void)c;
	(void)end;
	(void)detail;
	forget(arg);
}

static const struct cw_connection_handler connection_handler = {
	.opened = on_opened,
	.received = on_received,
	.drained = on_drained,
	.closed = on_closed,
};

static void *on_accepted(struct cw_connection *c, void *arg)
{
	struct cw_control_server *server = arg;
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->server = server;
	s->connection = c;
	cw_deferred_init(&s->turn, on_turn, s);
	cw_list_append(&server->sessions, &s->link);
	return s;
}

int cw_control_server_create(
	struct cw_control_server **out, const struct cw_control_server_settings *settings)
{
	struct cw_control_server *server = calloc(1, sizeof(*server));
	struct cw_local_listener_settings listen = {
		.path = settings->path,
		.handler = &connection_handler,
		.accepted = on_accepted,
		.arg = server,
	};
	int r;

	if (!server)
		return -ENOMEM;
	server->settings = *settings;
	cw_list_init(&server->sessions);
	r = cw_local_listener_create(&server->listener, settings->loop, &listen);
	if (r) {
		free(server);
		return r;
	}
	*out = server;
	return 0;
}

void cw_control_server_destroy(struct cw_control_server *server)
{
	struct cw_list *pos, *next;

	if (!server)
		return;
	cw_list_for_each_safe(pos, next, &server->sessions)
	{
		struct session *s = cw_container_of(pos, struct session, link);

		cw_connection_abandon(s->connection);
		forget(s);
	}
	cw_local_listener_destroy(server->listener);
	free(server);
}
