/*
 * Expat with a window on the bytes.
 *
 * Bytes of a stream are counted from 0; the window holds those from `base` to `end`, at least from
 * the begin of the element or tag that is not complete yet. Expat gets them in pieces, up to
 * `given`. It is suspended at the end of each first-level element, which makes it pull.
 *
 * Expat remembers every element's and attribute's name that it ever saw, and never gives back its
 * buffers: a peer could fill the memory with names. So it is put away between two elements after
 * RENEW_BYTES (or at rest), and a new one reads the header's tag again.
 */
#include "xmpp/parser_private.h"

#include <errno.h>
#include <stdlib.h>

#define PIECE_BYTES                                                                                \
	1024 /* for expat at once; its buffer is twice that, and grows only for longer tags */
#define RENEW_BYTES 65536
#define WINDOW_MIN  512
#define KEEP_BYTES  1024 /* larger buffers are freed when they are empty */
#define HELD_SMALL_BYTES                                                                           \
	64 /* of a token that is no tag: may be scanned anew as often as bytes come */

/* ---- expat's life ---- */

static int create_expat(struct cw_xmpp_parser *p)
{
	XML_Parser x = XML_ParserCreateNS("UTF-8", CW_XMPP_SEPARATOR);

	if (!x)
		return cw_xmpp_parser_fail_at(p, -ENOMEM, "out of memory", p->given);
	XML_SetReturnNSTriplet(x, 1);
#ifdef HAVE_REPARSE_DEFERRAL
	/* its own way out of that CVE holds whole elements back until more bytes come */
	XML_SetReparseDeferralEnabled(x, XML_FALSE);
#endif
	/* it was read before, by another one: only memory can be missing */
	if (p->header_tag.p &&
		XML_Parse(x, p->header_tag.p, (int)p->header_tag.len, 0) != XML_STATUS_OK) {
		XML_ParserFree(x);
		return cw_xmpp_parser_fail_at(p, -ENOMEM, "out of memory", p->given);
	}
	cw_xmpp_parser_listen(p, x);
	p->expat = x;
	p->born = p->given;
	p->origin = p->given - p->header_tag.len; /* may wrap, and so does what is added to it */
	return 0;
}

/* Between two elements: the next one is read by another. */
static void put_away_expat(struct cw_xmpp_parser *p)
{
	XML_ParserFree(p->expat);
	p->expat = NULL;
	p->is_suspended = false;
	p->given = p->consumed = p->taken;
}

/* ---- what expat gets ---- */

/*
 * Look for the end of the tag that expat could not take. Before it is there expat gets nothing:
 * libexpat 2.5 would scan the tag from its begin for every piece (CVE-2023-52425).
 */
static bool find_tag_end(struct cw_xmpp_parser *p, uint64_t *end)
{
	if (p->tag != p->consumed || p->scanned <= p->tag) {
		p->tag = p->consumed;
		p->scanned = p->tag + 1;
		p->quote = '\0';
	}
	for (; p->scanned < p->end; p->scanned++) {
		char c = *cw_xmpp_parser_at(p, p->scanned);

		if (p->quote) {
			if (c == p->quote)
				p->quote = '\0';
		} else if (c == '"' || c == '\'') {
			p->quote = c;
		} else if (c == '>' || c == '<') {
			/* the second: it is none, and expat says so */
			*end = p->scanned + 1;
			return true;
		}
	}
	return false;
}

/* Whether an incomplete token is one that is refused anyway: then its end need not be awaited. */
static bool is_refused_early(struct cw_xmpp_parser *p)
{
	static const struct cw_str declaration = CW_STR("<?xml");
	struct cw_str token =
		cw_str_make(cw_xmpp_parser_at(p, p->consumed), (size_t)(p->end - p->consumed));
	const char *what = NULL;

	if (token.len >= 6 && p->consumed == 0 && cw_str_starts(token, declaration) &&
		cw_char_is_space(token.p[5]))
		return false;
	if (cw_str_starts(token, cw_str_of("<?")) && (p->consumed > 0 || token.len >= 6))
		what = "a processing instruction";
	else if (cw_str_starts(token, cw_str_of("<!-")))
		what = "a comment";
	else if (cw_str_starts(token, cw_str_of("<!D")))
		what = "a document type";
	if (what)
		cw_xmpp_parser_fail_at(p, CW_XMPP_PARSER_E_RESTRICTED, what, p->consumed);
	else if (p->depth == 0 && token.p[0] != '<' && !cw_char_is_space(token.p[0]))
		cw_xmpp_parser_fail_at(p, CW_XMPP_PARSER_E_XML, "no header", p->consumed);
	return p->error;
}

/* Whether a token that is no tag may go on: a reference, or white space before the header. */
static bool may_go_on(const struct cw_xmpp_parser *p)
{
	uint64_t held = p->given - p->consumed;
	struct cw_str more =
		cw_str_make(cw_xmpp_parser_at(p, p->given), (size_t)(p->end - p->given));

	return held < HELD_SMALL_BYTES || more.len >= held || cw_str_find(more, ';') < more.len ||
	       cw_str_find(more, '<') < more.len;
}

/* Up to where expat may see the bytes now, `given` for not at all; the limits of a token. */
static uint64_t token_limit(struct cw_xmpp_parser *p)
{
	uint64_t limit = p->given + PIECE_BYTES, tag_end = p->end;
	const char *token;
	bool is_complete;

	if (limit > p->end)
		limit = p->end;
	if (p->given == p->consumed || p->given == p->end)
		return limit;
	token = cw_xmpp_parser_at(p, p->consumed);
	if (token[0] != '<' || token[1] == '!')
		is_complete = may_go_on(p);
	else
		is_complete = find_tag_end(p, &tag_end);
	if (is_refused_early(p))
		return p->given;
	if (tag_end - p->consumed > CW_XMPP_TOKEN_MAX) {
		cw_xmpp_parser_fail_at(
			p, CW_XMPP_PARSER_E_POLICY, "a tag that is too long", p->consumed);
		return p->given;
	}
	if (!is_complete)
		return p->given;
	return token[0] == '<' && tag_end > limit ? tag_end : limit;
}

/* The same with the limits of a first-level element. */
static uint64_t limit(struct cw_xmpp_parser *p)
{
	uint64_t to = token_limit(p), most;

	if (p->depth < 2)
		return to;
	most = p->element + (p->is_stanza ? CW_XMPP_STANZA_MAX : CW_XMPP_ELEMENT_MAX);
	if (to <= most)
		return to;
	if (p->given >= most)
		cw_xmpp_parser_fail_at(
			p, CW_XMPP_PARSER_E_POLICY, "an element that is too long", p->element);
	return most > p->given ? most : p->given;
}

/* Expat tells encodings apart by the first two bytes, whatever it was told. */
static bool is_other_encoding(const struct cw_xmpp_parser *p)
{
	const char *first = p->window;

	return p->base == 0 && p->given < 2 && p->end > p->given &&
	       (first[0] == '\0' || first[0] == '\xfe' || first[0] == '\xff' ||
		       first[0] == '\xef' || (p->end > 1 && first[1] == '\0'));
}

/* What expat's answer means. Returns: 0 or the error. */
static int settle(struct cw_xmpp_parser *p, enum XML_Status status)
{
	if (status == XML_STATUS_ERROR || p->error)
		return cw_xmpp_parser_refuse(p);
	p->is_suspended = status == XML_STATUS_SUSPENDED;
	if (p->is_suspended)
		return 0;
	p->consumed = cw_xmpp_parser_place(p);
	p->kept = p->depth > 1 ? p->element : p->consumed;
	return 0;
}

/* Let expat go on, if there is anything for it. Returns: 0 and whether it did; the error. */
static int advance(struct cw_xmpp_parser *p, bool *did)
{
	uint64_t to;
	int r;

	*did = true;
	if (p->is_suspended)
		return settle(p, XML_ResumeParser(p->expat));
	if (is_other_encoding(p))
		return cw_xmpp_parser_fail_at(p, CW_XMPP_PARSER_E_ENCODING, "another encoding", 0);
	to = limit(p);
	*did = to > p->given;
	if (!*did || p->error)
		return p->error;
	r = p->expat ? 0 : create_expat(p);
	if (r)
		return r;

	const char *piece = cw_xmpp_parser_at(p, p->given);
	int len = (int)(to - p->given);

	p->given = to;
	return settle(p, XML_Parse(p->expat, piece, len, 0));
}

/* ---- the window ---- */

/* Room for `more` bytes behind the end. */
static int reserve(struct cw_xmpp_parser *p, size_t more)
{
	size_t live = (size_t)(p->end - p->kept), gone = (size_t)(p->kept - p->base);
	size_t capacity = p->capacity ? p->capacity : WINDOW_MIN;
	char *window;

	if (more <= p->capacity - gone - live)
		return 0;
	/* moving must be paid for by as many bytes that went */
	if (gone >= live && live + more <= p->capacity) {
		memmove(p->window, p->window + gone, live);
		p->base = p->kept;
		return 0;
	}
	if (more > SIZE_MAX / 4 - live)
		return -ENOMEM;
	while (capacity < live + more)
		capacity *= 2;
	if (capacity == p->capacity)
		capacity *= 2;
	window = malloc(capacity);
	if (!window)
		return -ENOMEM;
	if (live > 0)
		memcpy(window, p->window + gone, live);
	free(p->window);
	p->window = window;
	p->capacity = capacity;
	p->base = p->kept;
	return 0;
}

static void free_window(struct cw_xmpp_parser *p)
{
	free(p->window);
	p->window = NULL;
	p->capacity = 0;
	p->base = p->end;
}

/* Large buffers go when they are empty. */
static void trim_buffers(struct cw_xmpp_parser *p)
{
	if (p->depth > 1)
		return;
	if (p->kept == p->end && p->capacity > KEEP_BYTES)
		free_window(p);
	if (p->values.capacity > KEEP_BYTES)
		cw_buf_finish(&p->values);
}

/* Let go what the event before needed. */
static void release(struct cw_xmpp_parser *p)
{
	if (!p->has_told)
		return;
	p->has_told = false;
	p->kept = p->taken;
	if (p->tree) {
		p->tree = NULL;
		cw_arena_finish(&p->arena);
	}
	if (p->expat && p->depth == 1 && p->given - p->born >= RENEW_BYTES)
		put_away_expat(p);
}

/* ---- the interface ---- */

int cw_xmpp_parser_create(struct cw_xmpp_parser **out)
{
	struct cw_xmpp_parser *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*out = p;
	return 0;
}

void cw_xmpp_parser_destroy(struct cw_xmpp_parser *p)
{
	if (!p)
		return;
	if (p->expat)
		XML_ParserFree(p->expat);
	cw_xmpp_parser_forget_events(p);
	free(p->window);
	free(p);
}

void cw_xmpp_parser_set_authenticated(struct cw_xmpp_parser *p)
{
	p->is_authenticated = true;
}

int cw_xmpp_parser_feed(struct cw_xmpp_parser *p, struct cw_str bytes)
{
	int r;

	if (p->error)
		return p->error;
	release(p);
	if (!p->is_authenticated && bytes.len > CW_XMPP_PREAUTH_MAX - p->end)
		return cw_xmpp_parser_fail_at(
			p, CW_XMPP_PARSER_E_POLICY, "too much before authentication", p->end);
	if (bytes.len == 0)
		return 0;
	if (p->kept == p->end)
		p->base = p->end;
	r = reserve(p, bytes.len);
	if (r)
		return cw_xmpp_parser_fail_at(p, r, "out of memory", p->end);
	memcpy(p->window + (p->end - p->base), bytes.p, bytes.len);
	p->end += bytes.len;
	return 0;
}

/* Hand over what is ready. */
static void tell(struct cw_xmpp_parser *p, struct cw_xmpp_event *event)
{
	event->kind = p->ready;
	p->ready = CW_XMPP_EVENT_NONE;
	p->has_told = true;
	if (event->kind == CW_XMPP_EVENT_HEADER)
		event->header = p->header;
	if (event->kind == CW_XMPP_EVENT_ELEMENT)
		event->element = p->tree;
	if (event->kind == CW_XMPP_EVENT_STANZA) {
		p->stanza.bytes = cw_str_make(
			cw_xmpp_parser_at(p, p->element), (size_t)(p->taken - p->element));
		event->stanza = p->stanza;
	}
}

/* Behind </stream:stream>. */
static int next_after_end(struct cw_xmpp_parser *p)
{
	if (cw_xmpp_parser_has_input(p))
		return cw_xmpp_parser_fail_at(
			p, CW_XMPP_PARSER_E_XML, "something behind the end of the stream", p->kept);
	p->kept = p->end;
	return 0;
}

int cw_xmpp_parser_next(struct cw_xmpp_parser *p, struct cw_xmpp_event *event)
{
	bool goes_on = true;
	int r = p->error;

	release(p);
	while (!r && goes_on && p->ready == CW_XMPP_EVENT_NONE && !p->is_ended)
		r = advance(p, &goes_on);
	if (!r && p->ready == CW_XMPP_EVENT_NONE && p->is_ended) {
		if (p->is_end_told)
			r = next_after_end(p);
		else
			p->ready = CW_XMPP_EVENT_END;
		p->is_end_told = true;
	}
	if (r)
		return r;
	if (p->ready != CW_XMPP_EVENT_NONE) {
		tell(p, event);
		return 0;
	}
	trim_buffers(p);
	event->kind = CW_XMPP_EVENT_NONE;
	return 0;
}

bool cw_xmpp_parser_has_input(const struct cw_xmpp_parser *p)
{
	uint64_t from = p->has_told ? p->taken : p->kept;

	return from < p->end &&
	       cw_str_trim(cw_str_make(cw_xmpp_parser_at(p, from), (size_t)(p->end - from))).len >
		       0;
}

void cw_xmpp_parser_rest(struct cw_xmpp_parser *p)
{
	release(p);
	if (p->error || p->depth != 1 || p->ready != CW_XMPP_EVENT_NONE || p->kept < p->end)
		return;
	if (p->expat) {
		p->taken = p->end;
		put_away_expat(p);
	}
	free_window(p);
	cw_buf_finish(&p->values);
}

const char *cw_xmpp_parser_problem(const struct cw_xmpp_parser *p)
{
	return p->problem;
}

const char *cw_xmpp_parser_condition(int error)
{
	switch (error) {
	case CW_XMPP_PARSER_E_RESTRICTED:
		return "restricted-xml";
	case CW_XMPP_PARSER_E_ENCODING:
		return "unsupported-encoding";
	case CW_XMPP_PARSER_E_NAMESPACE:
		return "invalid-namespace";
	case CW_XMPP_PARSER_E_PREFIX:
		return "bad-namespace-prefix";
	case CW_XMPP_PARSER_E_POLICY:
		return "policy-violation";
	default:
		return "not-well-formed";
	}
}
