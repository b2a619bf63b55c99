#include "tests/support_c/xml_chunk.h"

#include <expat.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define DEPTH_MAX 16
#define SEPARATOR '\n' /* no URI holds one */

static const struct cw_str given_header =
	CW_STR("<stream:stream xmlns='" CW_XMPP_NS_SERVER "' xmlns:db='" CW_XMPP_NS_DIALBACK
	       "' xmlns:stream='" CW_XMPP_NS_STREAMS "'>");

struct reader {
	struct xml_chunk *chunk;
	struct cw_xmpp_element *open[DEPTH_MAX]; /* open[0]: the stream */
	size_t depth;
	bool failed;
};

static void *get(struct reader *r, size_t size)
{
	void *p = cw_arena_alloc(&r->chunk->arena, size);

	if (!p)
		abort();
	return p;
}

static struct cw_str copy(struct reader *r, struct cw_str s)
{
	struct cw_str out;

	if (cw_arena_str(&r->chunk->arena, s, &out))
		abort();
	return out;
}

static void set_name(
	struct reader *r, const char *expat_name, struct cw_str *ns, struct cw_str *name)
{
	struct cw_str whole = copy(r, cw_str_of(expat_name));
	size_t at = cw_str_find(whole, SEPARATOR);

	*ns = at < whole.len ? cw_str_make(whole.p, at) : cw_str_of("");
	*name = at < whole.len ? cw_str_from(whole, at + 1) : whole;
}

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	struct cw_xmpp_element *e = get(r, sizeof(*e));
	struct cw_xmpp_attribute *list;
	size_t n = 0;

	if (r->depth >= DEPTH_MAX) {
		r->failed = true;
		return;
	}
	while (attributes[2 * n])
		n++;
	list = get(r, sizeof(*list) * (n + 1));
	for (size_t i = 0; i < n; i++) {
		set_name(r, attributes[2 * i], &list[i].ns, &list[i].name);
		list[i].value = copy(r, cw_str_of(attributes[2 * i + 1]));
	}
	set_name(r, name, &e->ns, &e->name);
	e->attributes = list;
	e->n_attributes = n;
	r->open[r->depth++] = e;
}

static void add_child(struct cw_xmpp_element *parent, struct cw_xmpp_element *child)
{
	struct cw_xmpp_element **last = &parent->children;

	while (*last)
		last = &(*last)->next;
	*last = child;
}

static void on_end(void *arg, const char *name)
{
	struct reader *r = arg;
	struct cw_xmpp_element *e;

	(void)name;
	if (r->failed)
		return;
	e = r->open[--r->depth];
	if (r->depth == 0)
		r->chunk->has_end = true;
	else if (r->depth > 1)
		add_child(r->open[r->depth - 1], e);
	else if (r->chunk->n_elements < XML_CHUNK_ELEMENTS_MAX)
		r->chunk->elements[r->chunk->n_elements++] = e;
	else
		r->failed = true;
}

static void on_text(void *arg, const char *text, int len)
{
	struct reader *r = arg;
	struct cw_xmpp_element *e;

	if (r->failed || r->depth == 0)
		return;
	e = r->open[r->depth - 1];

	const struct cw_str parts[] = {e->text, cw_str_make(text, (size_t)len)};

	if (cw_arena_join(&r->chunk->arena, &e->text, parts, 2))
		abort();
}

static void on_namespace(void *arg, const char *prefix, const char *uri)
{
	struct reader *r = arg;

	if (r->depth == 0 && prefix && strcmp(prefix, "db") == 0 && uri &&
		strcmp(uri, CW_XMPP_NS_DIALBACK) == 0)
		r->chunk->declares_dialback = true;
}

int xml_chunk_read(struct xml_chunk *out, struct cw_str bytes)
{
	bool has_header = cw_str_starts(bytes, cw_str_of("<?xml")) ||
			  cw_str_starts(bytes, cw_str_of("<stream:stream"));
	struct reader r = {.chunk = out};
	XML_Parser parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
	bool ok;

	if (!parser || bytes.len > INT_MAX)
		abort();
	*out = (struct xml_chunk){0};
	XML_SetUserData(parser, &r);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartNamespaceDeclHandler(parser, on_namespace);
	ok = has_header ||
	     XML_Parse(parser, given_header.p, (int)given_header.len, 0) == XML_STATUS_OK;
	ok = ok &&
	     (bytes.len == 0 || XML_Parse(parser, bytes.p, (int)bytes.len, 0) == XML_STATUS_OK);
	XML_ParserFree(parser);
	if (!ok || r.failed || r.depth != (out->has_end ? 0 : 1)) {
		xml_chunk_finish(out);
		return -EINVAL;
	}
	if (has_header)
		out->header = r.open[0];
	return 0;
}

void xml_chunk_finish(struct xml_chunk *chunk)
{
	cw_arena_finish(&chunk->arena);
	*chunk = (struct xml_chunk){0};
}
