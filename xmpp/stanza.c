/*
 * Stanzas by libstrophe. Version 0.12 does not survive want of memory: printing, it walks attributes by an iterator that it could
 * not make. So all that one stanza can take is got before it is begun; libstrophe is handed pieces of that, and it is freed whole.
 */
#include "xmpp/stanza.h"

#include "core/arena.h"
#include "core/list.h"

#include <strophe.h>
#include <unicode/ustring.h>

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

/* What libstrophe takes: for its structures, and for each byte of a text, which it copies, escapes (up to 6) and prints, twice. */
#define FIXED_BYTES    8192
#define BYTES_PER_BYTE 20

static const struct condition {
	const char *name, *type;
} conditions[] = {
	[CW_XMPP_REMOTE_SERVER_NOT_FOUND] = {"remote-server-not-found", "cancel"},
	[CW_XMPP_REMOTE_SERVER_TIMEOUT] = {"remote-server-timeout", "wait"},
	[CW_XMPP_RESOURCE_CONSTRAINT] = {"resource-constraint", "wait"},
	[CW_XMPP_NOT_ALLOWED] = {"not-allowed", "cancel"},
	[CW_XMPP_ITEM_NOT_FOUND] = {"item-not-found", "cancel"},
	[CW_XMPP_SERVICE_UNAVAILABLE] = {"service-unavailable", "cancel"},
	[CW_XMPP_JID_MALFORMED] = {"jid-malformed", "modify"},
	[CW_XMPP_POLICY_VIOLATION] = {"policy-violation", "modify"},
	[CW_XMPP_INTERNAL_SERVER_ERROR] = {"internal-server-error", "cancel"},
};

static const char *const kind_names[] = {
	[CW_XMPP_MESSAGE] = "message",
	[CW_XMPP_PRESENCE] = "presence",
	[CW_XMPP_IQ] = "iq",
};

const char *cw_xmpp_condition_name(enum cw_xmpp_condition condition)
{
	return conditions[condition].name;
}

bool cw_xmpp_is_answerable(const struct cw_xmpp_answerable *a)
{
	static const struct cw_str error = CW_STR("error"), get = CW_STR("get"),
				   set = CW_STR("set");

	switch (a->kind) {
	case CW_XMPP_MESSAGE:
		return !cw_str_eq(a->type, error);
	case CW_XMPP_IQ:
		return cw_str_eq(a->type, get) || cw_str_eq(a->type, set);
	case CW_XMPP_PRESENCE:
		break;
	}
	return false;
}

/* ---- libstrophe's memory ---- */

static struct cw_arena *memory; /* that libstrophe gets pieces of now */

struct piece {
	size_t size;
	_Alignas(max_align_t) char data[];
};

static void *allocate(size_t size, void *userdata)
{
	struct piece *piece = cw_arena_alloc(memory, sizeof(*piece) + size);

	(void)userdata;
	if (!piece)
		return NULL;
	piece->size = size;
	return piece->data;
}

static void *reallocate(void *old, size_t size, void *userdata)
{
	void *p = allocate(size, userdata);

	if (p && old) {
		size_t old_size = cw_container_of(old, struct piece, data)->size;

		memcpy(p, old, old_size < size ? old_size : size);
	}
	return p;
}

/* The arena frees all at once. */
static void release(void *p, void *userdata)
{
	(void)p;
	(void)userdata;
}

/* The one context, which lives as long as the process. It is silent: libstrophe knows nothing that we do not. */
static xmpp_ctx_t *get_context(void)
{
	static const xmpp_mem_t functions = {allocate, release, reallocate, NULL};
	static struct cw_arena arena;
	static xmpp_ctx_t *context;

	if (context)
		return context;
	memory = &arena;
	context = xmpp_ctx_new(&functions, NULL);
	memory = NULL;
	if (!context)
		cw_arena_finish(&arena);
	return context;
}

/* ---- building ---- */

/* A stanza in the making. After an error everything else does nothing. */
struct build {
	xmpp_ctx_t *context;
	void *room;
	struct cw_arena arena;
	int error;
};

/* Begin a stanza with `text_bytes` of texts from outside. */
static void begin(struct build *b, size_t text_bytes)
{
	size_t size = FIXED_BYTES + text_bytes * BYTES_PER_BYTE;

	*b = (struct build){.context = get_context(), .room = malloc(size)};
	if (!b->context || !b->room) {
		b->error = -ENOMEM;
		return;
	}
	cw_arena_init_in(&b->arena, b->room, size, 0);
	memory = &b->arena;
}

static bool is_utf8(struct cw_str text)
{
	UErrorCode status = U_ZERO_ERROR;

	u_strFromUTF8(NULL, 0, NULL, text.p, (int32_t)text.len, &status);
	return status != U_INVALID_CHAR_FOUND;
}

/* Whether XML can carry the text (XML 1.0, 2.2): no controls, and neither U+FFFE nor U+FFFF. */
static bool is_xml_text(struct cw_str text)
{
	static const struct cw_str no_character = CW_STR("\xef\xbf\xbe"),
				   neither = CW_STR("\xef\xbf\xbf");

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		struct cw_str rest = cw_str_from(text, i);

		if (c < ' ' && !cw_char_is_space((char)c))
			return false;
		if (c == 0xef &&
			(cw_str_starts(rest, no_character) || cw_str_starts(rest, neither)))
			return false;
	}
	return text.len <= INT32_MAX && is_utf8(text);
}

/* What libstrophe takes: a NUL-terminated text. NULL after an error. */
static const char *text_of(struct build *b, struct cw_str text)
{
	struct cw_str copy = {NULL, 0};

	if (!b->error && !is_xml_text(text))
		b->error = -EINVAL;
	if (!b->error)
		b->error = cw_arena_str(&b->arena, text, &copy);
	return copy.p;
}

/* Note how a call of libstrophe ended: all that can fail in them is memory. */
static void note(struct build *b, int result)
{
	if (result != XMPP_EOK)
		b->error = -ENOMEM;
}

/* An element, within `parent` unless that is NULL; `ns` NULL: its parent's. */
static xmpp_stanza_t *element(
	struct build *b, xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *e = b->error ? NULL : xmpp_stanza_new(b->context);

	if (!e) {
		b->error = b->error ? b->error : -ENOMEM;
		return NULL;
	}
	note(b, xmpp_stanza_set_name(e, name));
	if (ns)
		note(b, xmpp_stanza_set_ns(e, ns));
	if (parent)
		note(b, xmpp_stanza_add_child_ex(parent, e, 0));
	return e;
}

/* Set an attribute that is not missing. */
static void set(struct build *b, xmpp_stanza_t *e, const char *name, struct cw_str value)
{
	const char *text = value.p ? text_of(b, value) : NULL;

	if (!b->error && text)
		note(b, xmpp_stanza_set_attribute(e, name, text));
}

static void add_text(struct build *b, xmpp_stanza_t *parent, const char *text)
{
	const char *checked = text_of(b, cw_str_of(text));
	xmpp_stanza_t *e = b->error ? NULL : xmpp_stanza_new(b->context);

	if (!e) {
		b->error = b->error ? b->error : -ENOMEM;
		return;
	}
	note(b, xmpp_stanza_set_text(e, checked));
	note(b, xmpp_stanza_add_child_ex(parent, e, 0));
}

/* Print the stanza and free all of it. Returns: 0; why it is not there. */
static int end(struct build *b, struct cw_buf *out, xmpp_stanza_t *stanza)
{
	char *text = NULL;
	size_t len = 0;

	if (!b->error)
		note(b, xmpp_stanza_to_text(stanza, &text, &len));
	if (!b->error) {
		cw_buf_add(out, cw_str_make(text, len));
		b->error = out->error;
	}
	memory = NULL;
	cw_arena_finish(&b->arena);
	free(b->room);
	return b->error;
}

/* Begin an answer, with up to `text_bytes` of text in it: it goes back to whom the stanza came from. */
static xmpp_stanza_t *begin_answer(
	struct build *b, const struct cw_xmpp_answerable *a, const char *type, size_t text_bytes)
{
	xmpp_stanza_t *stanza;

	begin(b, a->from.len + a->to.len + a->id.len + text_bytes);
	stanza = element(b, NULL, kind_names[a->kind], NULL);
	set(b, stanza, "type", cw_str_of(type));
	set(b, stanza, "from", a->to);
	set(b, stanza, "to", a->from);
	set(b, stanza, "id", a->id);
	return stanza;
}

int cw_xmpp_stanza_error(struct cw_buf *out, const struct cw_xmpp_answerable *a,
	enum cw_xmpp_condition condition, const char *text)
{
	struct build b;
	xmpp_stanza_t *stanza = begin_answer(&b, a, "error", cw_str_of(text).len);
	xmpp_stanza_t *error = element(&b, stanza, "error", NULL);

	set(&b, error, "type", cw_str_of(conditions[condition].type));
	element(&b, error, conditions[condition].name, CW_XMPP_NS_STANZA_ERRORS);
	if (text) {
		xmpp_stanza_t *e = element(&b, error, "text", CW_XMPP_NS_STANZA_ERRORS);

		set(&b, e, "xml:lang", cw_str_of("en"));
		add_text(&b, e, text);
	}
	return end(&b, out, stanza);
}

int cw_xmpp_stanza_ping(struct cw_buf *out, struct cw_str from, struct cw_str to, struct cw_str id)
{
	/* a question is the answer to one that goes the other way */
	const struct cw_xmpp_answerable reverse = {
		.kind = CW_XMPP_IQ, .from = to, .to = from, .id = id};
	struct build b;
	xmpp_stanza_t *stanza = begin_answer(&b, &reverse, "get", 0);

	element(&b, stanza, "ping", CW_XMPP_NS_PING);
	return end(&b, out, stanza);
}
