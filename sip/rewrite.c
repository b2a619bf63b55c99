#include "sip/rewrite.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 8 /* less than 1 KiB of them, which glibc keeps at hand */

/* Where insertions at one place stand relative to each other; Record-Routes are pushed to the top. */
enum {
	ORDER_PLAIN,
	ORDER_REMOVAL = 1 << 30, /* behind what is inserted before it */
};

/* What the values of a list were edited for, so that a line's edits can be made anew. */
enum list {
	LIST_NONE,
	LIST_VIA,
	LIST_ROUTE,
};

/* Bytes of the message that give way to prefix, text and suffix. */
struct cw_sip_edit {
	size_t at, len; /* offset in the message, and how many bytes go */
	int order;
	enum list list; /* with the line */
	size_t line;
	const char *prefix, *suffix; /* static; "" for none */
	bool has_number;
	unsigned number;    /* behind the prefix */
	struct cw_str text; /* behind the number */
	const struct cw_sip_via
		*marked; /* instead of all these: this Via with `text` as received */
	uint16_t rport;
};

void cw_sip_rewrite_init(struct cw_sip_rewrite *rw, const struct cw_sip_message *message)
{
	*rw = (struct cw_sip_rewrite){.message = message};
}

void cw_sip_rewrite_finish(struct cw_sip_rewrite *rw)
{
	free(rw->edits);
	rw->edits = NULL;
	rw->n_edits = rw->capacity = 0;
}

static size_t offset_of(const struct cw_sip_rewrite *rw, const char *p)
{
	return (size_t)(p - rw->message->bytes.p);
}

static bool grow(struct cw_sip_rewrite *rw)
{
	size_t capacity = rw->capacity > 0 ? rw->capacity * 2 : FIRST_CAPACITY;
	struct cw_sip_edit *edits;

	if (rw->n_edits < rw->capacity)
		return true;
	if (rw->n_edits >= CW_SIP_REWRITE_EDITS_MAX) {
		rw->error = -E2BIG;
		return false;
	}
	edits = realloc(rw->edits, capacity * sizeof(*edits));
	if (!edits) {
		rw->error = -ENOMEM;
		return false;
	}
	rw->edits = edits;
	rw->capacity = capacity;
	return true;
}

/* Put an edit in its place among the others. */
static void add(struct cw_sip_rewrite *rw, struct cw_sip_edit edit)
{
	size_t i;

	if (rw->error || !grow(rw))
		return;
	if (!edit.prefix)
		edit.prefix = "";
	if (!edit.suffix)
		edit.suffix = "";
	i = rw->n_edits++;
	while (i > 0 &&
		(rw->edits[i - 1].at > edit.at ||
			(rw->edits[i - 1].at == edit.at && rw->edits[i - 1].order > edit.order))) {
		rw->edits[i] = rw->edits[i - 1];
		i--;
	}
	rw->edits[i] = edit;
}

static void replace(struct cw_sip_rewrite *rw, struct cw_str old, struct cw_sip_edit edit)
{
	edit.at = offset_of(rw, old.p);
	edit.len = old.len;
	edit.order = ORDER_REMOVAL;
	add(rw, edit);
}

/* A header line at the begin or end of a line that is there. */
static void insert_line(
	struct cw_sip_rewrite *rw, const char *where, int order, struct cw_sip_edit edit)
{
	edit.at = offset_of(rw, where);
	edit.order = order;
	edit.suffix = "\r\n";
	add(rw, edit);
}

static struct cw_str first_via_line(const struct cw_sip_message *m)
{
	return m->lines[m->vias[0].line].whole;
}

static const char *end_of(struct cw_str s)
{
	return s.p + s.len;
}

void cw_sip_rewrite_request_uri(struct cw_sip_rewrite *rw, struct cw_str uri)
{
	replace(rw, rw->message->request_uri.text, (struct cw_sip_edit){.text = uri});
}

void cw_sip_rewrite_push_via(struct cw_sip_rewrite *rw, struct cw_str value)
{
	insert_line(rw, first_via_line(rw->message).p, ORDER_PLAIN,
		(struct cw_sip_edit){.prefix = "Via: ", .text = value});
}

void cw_sip_rewrite_via_received(struct cw_sip_rewrite *rw, struct cw_str host, uint16_t port)
{
	const struct cw_sip_via *via = &rw->message->vias[0];

	replace(rw, via->text, (struct cw_sip_edit){.marked = via, .text = host, .rport = port});
}

void cw_sip_rewrite_max_forwards(struct cw_sip_rewrite *rw, unsigned value)
{
	const struct cw_sip_line *line = cw_sip_message_find(rw->message, CW_HDR_MAX_FORWARDS);
	struct cw_sip_edit edit = {.has_number = true, .number = value};

	if (line) {
		replace(rw, line->value, edit);
		return;
	}
	edit.prefix = "Max-Forwards: ";
	insert_line(rw, end_of(first_via_line(rw->message)), ORDER_PLAIN, edit);
}

void cw_sip_rewrite_push_record_route(struct cw_sip_rewrite *rw, struct cw_str value)
{
	const struct cw_sip_line *line = cw_sip_message_find(rw->message, CW_HDR_RECORD_ROUTE);
	const char *where = line ? line->whole.p : end_of(first_via_line(rw->message));

	insert_line(rw, where, -++rw->n_pushed_record_routes,
		(struct cw_sip_edit){.prefix = "Record-Route: ", .text = value});
}

void cw_sip_rewrite_drop_header(struct cw_sip_rewrite *rw, enum cw_sip_header_id id)
{
	const struct cw_sip_message *m = rw->message;

	for (size_t i = m->first[id]; i > 0 && i <= m->n_lines; i++)
		if (m->lines[i - 1].id == id)
			replace(rw, m->lines[i - 1].whole, (struct cw_sip_edit){0});
}

void cw_sip_rewrite_status(struct cw_sip_rewrite *rw, unsigned status, struct cw_str phrase)
{
	static const size_t version_len = sizeof("SIP/2.0 ") - 1, code_len = 3;
	const char *code = rw->message->start_line.p + version_len;

	replace(rw, cw_str_make(code, code_len),
		(struct cw_sip_edit){.has_number = true, .number = status});
	replace(rw, rw->message->phrase, (struct cw_sip_edit){.text = phrase});
}

/* Value `i` of a list, and the line in which it stands. */
static struct cw_str list_value(
	const struct cw_sip_message *m, enum list list, size_t i, size_t *line)
{
	*line = list == LIST_VIA ? m->vias[i].line : m->routes[i].line;
	return list == LIST_VIA ? m->vias[i].text : m->routes[i].text;
}

static bool is_dropped(const struct cw_sip_rewrite *rw, enum list list, size_t i)
{
	if (list == LIST_VIA)
		return i < rw->n_popped_vias;
	return rw->dropped_routes[i / 64] & (UINT64_C(1) << (i % 64));
}

static void forget_line(struct cw_sip_rewrite *rw, enum list list, size_t line)
{
	size_t kept = 0;

	for (size_t i = 0; i < rw->n_edits; i++) {
		if (rw->edits[i].list != list || rw->edits[i].line != line)
			rw->edits[kept++] = rw->edits[i];
	}
	rw->n_edits = kept;
}

/* Make the edits of the line in which value `index` stands anew, from what is dropped by now. */
static void drop_values(struct cw_sip_rewrite *rw, enum list list, size_t index, size_t n_values)
{
	const struct cw_sip_message *m = rw->message;
	struct cw_sip_edit edit = {.list = list};
	size_t first = index, end = index, other;
	struct cw_str value;

	list_value(m, list, index, &edit.line);
	for (other = edit.line; first > 0; first--) {
		list_value(m, list, first - 1, &other);
		if (other != edit.line)
			break;
	}
	for (other = edit.line; end < n_values; end++) {
		list_value(m, list, end, &other);
		if (other != edit.line)
			break;
	}
	forget_line(rw, list, edit.line);

	for (size_t run = first; run < end;) {
		size_t run_end = run;
		const char *from, *to;

		while (run_end < end && is_dropped(rw, list, run_end))
			run_end++;
		if (run_end == run) {
			run++;
			continue;
		}
		if (run == first && run_end == end) {
			replace(rw, m->lines[edit.line].whole, edit);
			return;
		}
		/* With the comma behind the values; those at the end take the one before them. */
		value = list_value(m, list, run_end < end ? run : run - 1, &other);
		from = run_end < end ? value.p : end_of(value);
		value = list_value(m, list, run_end < end ? run_end : run_end - 1, &other);
		to = run_end < end ? value.p : end_of(value);
		replace(rw, cw_str_make(from, (size_t)(to - from)), edit);
		run = run_end;
	}
}

void cw_sip_rewrite_pop_via(struct cw_sip_rewrite *rw)
{
	if (rw->n_popped_vias < rw->message->n_vias) {
		rw->n_popped_vias++;
		drop_values(rw, LIST_VIA, rw->n_popped_vias - 1, rw->message->n_vias);
	}
}

void cw_sip_rewrite_drop_route(struct cw_sip_rewrite *rw, size_t index)
{
	rw->dropped_routes[index / 64] |= UINT64_C(1) << (index % 64);
	drop_values(rw, LIST_ROUTE, index, rw->message->n_routes);
}

int cw_sip_rewrite_render(const struct cw_sip_rewrite *rw, struct cw_buf *out)
{
	struct cw_str bytes = rw->message->bytes;
	size_t at = 0;

	if (rw->error)
		return rw->error;
	for (size_t i = 0; i < rw->n_edits; i++) {
		const struct cw_sip_edit *edit = &rw->edits[i];

		if (edit->at > at) {
			cw_buf_add(out, cw_str_make(bytes.p + at, edit->at - at));
			at = edit->at;
		}
		if (edit->at + edit->len > at)
			at = edit->at + edit->len;
		if (edit->marked) {
			cw_sip_via_add_received(out, edit->marked, edit->text, edit->rport);
			continue;
		}
		cw_buf_add(out, cw_str_of(edit->prefix));
		if (edit->has_number)
			cw_buf_add_number(out, edit->number);
		cw_buf_add(out, edit->text);
		cw_buf_add(out, cw_str_of(edit->suffix));
	}
	cw_buf_add(out, cw_str_from(bytes, at));
	return out->error;
}
