/*
 * An XML stream as a stranger may send it. The first four bytes are sizes of pieces, the rest is
 * the stream.
 *
 * What must hold: how the bytes were cut, and whether the parser rested in between, makes no
 * difference to the events; a stanza that leaves into a stream of ours reads there as it did in its
 * own.
 */
#include "xmpp/start_tag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define N_SIZES 4

/*
 * Ends whatever is open: before that, the parser may wait for more or know already that it is
 * wrong.
 */
static const struct cw_str ending = CW_STR(";>'>\">-->?>");

static const struct cw_str our_header =
	CW_STR("<stream:stream xmlns='" CW_XMPP_NS_SERVER "' xmlns:db='" CW_XMPP_NS_DIALBACK
	       "' xmlns:stream='" CW_XMPP_NS_STREAMS "'>");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static struct cw_xmpp_parser *create(void)
{
	struct cw_xmpp_parser *parser = NULL;

	require(cw_xmpp_parser_create(&parser) == 0, "memory");
	cw_xmpp_parser_set_authenticated(parser);
	return parser;
}

/* A copy of exact length, so that a sanitizer sees a read past its end. */
static int feed(struct cw_xmpp_parser *parser, struct cw_str bytes)
{
	char *copy = malloc(bytes.len + (bytes.len == 0));
	int r;

	require(copy, "memory");
	if (bytes.len > 0)
		memcpy(copy, bytes.p, bytes.len);
	r = cw_xmpp_parser_feed(parser, cw_str_make(copy, bytes.len));
	free(copy);
	return r;
}

/* ---- a stanza in a stream of ours ---- */

static void require_same(struct cw_str a, struct cw_str b, const char *what)
{
	require((a.p == NULL) == (b.p == NULL) && cw_str_eq(a, b), what);
}

static void require_reads(struct cw_str bytes, const struct cw_xmpp_stanza *original,
	struct cw_str to, struct cw_str lang)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_xmpp_event event = {0};
	int r;

	require(feed(parser, our_header) == 0 && feed(parser, bytes) == 0, "feeds");
	require(cw_xmpp_parser_next(parser, &event) == 0, "our header");
	r = cw_xmpp_parser_next(parser, &event);
	if (r != CW_XMPP_PARSER_E_POLICY) { /* what it inherited may take it to a limit */
		const struct cw_xmpp_stanza *s = &event.stanza;

		require(r == 0 && event.kind == CW_XMPP_EVENT_STANZA, "a stanza");
		require(s->kind == original->kind, "its kind");
		require_same(s->from, original->from, "from");
		require_same(s->to, to, "to");
		require_same(s->id, original->id, "id");
		require_same(s->type, original->type, "type");
		require_same(s->lang, lang, "lang");
		require(cw_str_eq(s->bytes, bytes), "all of its bytes");
		require(s->n_inherited == 0 && s->header_lang.len == 0, "it needs nothing more");
		require(!cw_xmpp_parser_has_input(parser), "nothing else");
	}
	cw_xmpp_parser_destroy(parser);
}

static void try_stanza(const struct cw_xmpp_stanza *stanza)
{
	struct cw_xmpp_edits edits = {.default_ns = cw_str_of(CW_XMPP_NS_SERVER)};
	struct cw_str lang = stanza->header_lang.len > 0 ? stanza->header_lang : stanza->lang;
	struct cw_buf out = {0};

	require(stanza->bytes.p[stanza->start_tag_bytes - 1] == '>', "the end of its first tag");
	cw_xmpp_start_tag_write(&out, stanza, &edits);
	require(out.error == 0, "writes");
	require_reads(cw_buf_str(&out), stanza, stanza->to, lang);
	edits.to = cw_str_of("<a@'b\">\n");
	cw_buf_clear(&out);
	cw_xmpp_start_tag_write(&out, stanza, &edits);
	require_reads(cw_buf_str(&out), stanza, edits.to, lang);
	cw_buf_finish(&out);
}

/* ---- events ---- */

static void note(struct cw_buf *out, struct cw_str s)
{
	cw_buf_printf(out, s.p ? "%zu:" : "-", s.len);
	cw_buf_add(out, s);
}

static void note_element(struct cw_buf *out, const struct cw_xmpp_element *e)
{
	note(out, e->ns);
	note(out, e->name);
	note(out, e->text);
	for (size_t i = 0; i < e->n_attributes; i++) {
		note(out, e->attributes[i].ns);
		note(out, e->attributes[i].name);
		note(out, e->attributes[i].value);
	}
	for (const struct cw_xmpp_element *c = e->children; c; c = c->next) {
		cw_buf_add_char(out, '(');
		note_element(out, c);
		cw_buf_add_char(out, ')');
	}
}

static void note_stanza(struct cw_buf *out, const struct cw_xmpp_stanza *s)
{
	const struct cw_str values[] = {
		s->from, s->to, s->id, s->type, s->lang, s->header_lang, s->bytes};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		note(out, values[i]);
	for (size_t i = 0; i < s->n_inherited; i++) {
		note(out, s->inherited[i].name);
		note(out, s->inherited[i].value);
	}
	cw_buf_printf(out, "%d %zu %d", (int)s->kind, s->start_tag_bytes, s->has_default_ns);
}

static void note_event(struct cw_buf *out, const struct cw_xmpp_event *event)
{
	const struct cw_xmpp_header *h = &event->header;

	cw_buf_printf(out, "\n%d ", (int)event->kind);
	if (event->kind == CW_XMPP_EVENT_STANZA)
		note_stanza(out, &event->stanza);
	if (event->kind == CW_XMPP_EVENT_ELEMENT)
		note_element(out, event->element);
	if (event->kind == CW_XMPP_EVENT_HEADER) {
		const struct cw_str values[] = {
			h->from, h->to, h->id, h->version, h->lang, h->default_ns};

		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			note(out, values[i]);
	}
}

static int take_events(struct cw_xmpp_parser *parser, struct cw_buf *out, bool is_tried)
{
	struct cw_xmpp_event event = {0};
	int r;

	while ((r = cw_xmpp_parser_next(parser, &event)) == 0 && event.kind != CW_XMPP_EVENT_NONE) {
		note_event(out, &event);
		if (is_tried && event.kind == CW_XMPP_EVENT_STANZA)
			try_stanza(&event.stanza);
	}
	return r;
}

/* Read the stream in pieces of these sizes, in turn; all at once without. */
static void run(struct cw_str stream, const uint8_t *sizes, struct cw_buf *out)
{
	struct cw_xmpp_parser *parser = create();
	int r = 0;

	for (size_t i = 0, n = 0; i < stream.len && !r; n++) {
		struct cw_str piece = cw_str_from(stream, i);

		if (sizes && piece.len > sizes[n % N_SIZES] % 64 + 1u)
			piece.len = sizes[n % N_SIZES] % 64 + 1u;
		i += piece.len;
		r = feed(parser, piece);
		if (!r)
			r = take_events(parser, out, !sizes);
		if (sizes && sizes[0] >= 128)
			cw_xmpp_parser_rest(parser);
	}
	require(r >= 0, "memory");
	require((r == 0) == (cw_xmpp_parser_problem(parser)[0] == '\0'), "a problem in words");
	cw_buf_add(out, cw_str_of(r ? "\nfailed" : "\n"));
	cw_xmpp_parser_destroy(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_buf stream = {0}, whole = {0}, pieces = {0};

	if (size < N_SIZES)
		return 0;
	cw_buf_add(&stream, cw_str_make((const char *)data + N_SIZES, size - N_SIZES));
	cw_buf_add(&stream, ending);
	run(cw_buf_str(&stream), NULL, &whole);
	run(cw_buf_str(&stream), data, &pieces);
	require(cw_str_eq(cw_buf_str(&whole), cw_buf_str(&pieces)), "the same in pieces");
	cw_buf_finish(&stream);
	cw_buf_finish(&whole);
	cw_buf_finish(&pieces);
	return 0;
}
