#include "sip/message.h"

#include "sip/address.h"
#include "sip/grammar.h"
#include "sip/lex.h"
#include "sip/reject.h"
#include "sip/start_line.h"

#include <errno.h>
#include <stdlib.h>

/* What is under way: the message is complete but for its const arrays, which are written through these. */
struct parse {
	struct cw_sip_message *m;
	struct cw_sip_via *vias;
	struct cw_sip_route *routes, *record_routes;
	size_t max_vias, max_routes, max_record_routes; /* room in them */
	uint32_t repeated; /* a bit for the id of each header with more than one line */
	struct cw_sip_reject *reject;
};

_Static_assert(CW_HDR_COUNT <= 32, "more headers than bits");

static int reject_header(struct cw_sip_reject *out, const char *what, struct cw_str name)
{
	static const size_t longest = 60;
	int len = (int)(name.len < longest ? name.len : longest);

	return cw_sip_reject_say(out, 400, "%s %.*s header", what, len, name.p);
}

/*
 * Cut the head into its lines. The array has room for CW_SIP_HEADER_LINES_MAX.
 *
 * The framing has seen to CRLF and control bytes, except that a control byte may stand behind a backslash anywhere.
 */
static int index_lines(struct cw_str head, struct cw_sip_line *lines, size_t *n_lines,
	size_t *head_len, struct cw_sip_reject *out)
{
	size_t at = cw_str_find(head, '\n') + 1, n = 0;
	struct cw_sip_raw_line raw;

	if (at < 2 || at > head.len || head.p[at - 2] != '\r')
		return cw_sip_reject_say(out, 400, "Malformed start line");
	if (at < head.len && (head.p[at] == ' ' || head.p[at] == '\t'))
		return cw_sip_reject_say(out, 400, "Folded start line");
	while (cw_sip_line_next(head, &at, &raw)) {
		if (n == CW_SIP_HEADER_LINES_MAX)
			return cw_sip_reject_say(
				out, 400, "More than %d header lines", CW_SIP_HEADER_LINES_MAX);
		if (raw.name.len == 0)
			return cw_sip_reject_say(out, 400, "Malformed header line %zu", n + 1);
		lines[n].id = cw_sip_header_id(raw.name);
		lines[n].name = raw.name;
		lines[n].value = raw.value;
		lines[n].whole = raw.whole;
		n++;
	}
	if (head.len - at < 2 || head.p[at] != '\r' || head.p[at + 1] != '\n')
		return cw_sip_reject_say(out, 400, "Headers without end");
	*n_lines = n;
	*head_len = at + 2;
	return 0;
}

/* Add an upper bound of the values in a line to *n, which does not grow above what is allowed. */
static void count_values(size_t *n, struct cw_str list)
{
	*n += 1 + cw_str_count(list, ',');
	if (*n > CW_SIP_LIST_MAX)
		*n = CW_SIP_LIST_MAX;
}

/* How much room the lists need. */
static void count_lists(struct parse *p, const struct cw_sip_line *lines, size_t n_lines)
{
	for (size_t i = 0; i < n_lines; i++) {
		if (lines[i].id == CW_HDR_VIA)
			count_values(&p->max_vias, lines[i].value);
		else if (lines[i].id == CW_HDR_ROUTE)
			count_values(&p->max_routes, lines[i].value);
		else if (lines[i].id == CW_HDR_RECORD_ROUTE)
			count_values(&p->max_record_routes, lines[i].value);
	}
}

/* A slice of the frame becomes the same slice of the copy. */
static struct cw_str moved(struct cw_str s, const char *from, const char *to)
{
	return cw_str_make(to + (s.p - from), s.len);
}

/* One piece of memory for the message, its arrays and its bytes; lines and bytes are filled in. */
static int allocate(struct parse *p, struct cw_str frame, size_t head_len,
	const struct cw_sip_line *lines, size_t n_lines)
{
	struct cw_sip_message *m;
	struct cw_sip_line *copies;
	size_t memory;
	char *bytes;

	count_lists(p, lines, n_lines);
	memory = sizeof(*m) + n_lines * sizeof(*lines) + p->max_vias * sizeof(*p->vias) +
		 (p->max_routes + p->max_record_routes) * sizeof(*p->routes) + frame.len;
	m = malloc(memory);
	if (!m)
		return -ENOMEM;
	memset(m, 0, sizeof(*m));
	m->memory = memory;
	copies = (struct cw_sip_line *)(m + 1);
	p->vias = (struct cw_sip_via *)(copies + n_lines);
	p->routes = (struct cw_sip_route *)(p->vias + p->max_vias);
	p->record_routes = p->routes + p->max_routes;
	bytes = (char *)(p->record_routes + p->max_record_routes);

	memcpy(bytes, frame.p, frame.len);
	for (size_t i = 0; i < n_lines; i++) {
		copies[i].id = lines[i].id;
		copies[i].name = moved(lines[i].name, frame.p, bytes);
		copies[i].value = moved(lines[i].value, frame.p, bytes);
		copies[i].whole = moved(lines[i].whole, frame.p, bytes);
		if (m->first[lines[i].id] == 0)
			m->first[lines[i].id] = (uint8_t)(i + 1);
		else
			p->repeated |= UINT32_C(1) << lines[i].id;
	}
	m->bytes = cw_str_make(bytes, frame.len);
	m->head = cw_str_make(bytes, head_len);
	m->body = cw_str_from(m->bytes, head_len);
	m->start_line = cw_str_make(bytes, cw_str_find(m->head, '\n') - 1);
	m->lines = copies;
	m->n_lines = n_lines;
	m->vias = p->vias;
	m->routes = p->routes;
	m->record_routes = p->record_routes;
	m->max_forwards = -1;
	p->m = m;
	return 0;
}

/* What every message has once, what it may have once. */
static int check_presence(struct parse *p)
{
	static const struct rule {
		enum cw_sip_header_id id;
		bool needed;
	} rules[] = {
		{CW_HDR_CALL_ID, true},
		{CW_HDR_CONTENT_LENGTH, true},
		{CW_HDR_CONTENT_TYPE, false},
		{CW_HDR_CSEQ, true},
		{CW_HDR_EVENT, false},
		{CW_HDR_FROM, true},
		{CW_HDR_MAX_FORWARDS, false},
		{CW_HDR_TO, true},
	};
	const struct cw_sip_message *m = p->m;

	if (m->first[CW_HDR_VIA] == 0)
		return cw_sip_reject_say(p->reject, 400, "Missing Via header");
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];

		if (m->first[rule->id] == 0 && rule->needed)
			return cw_sip_reject_say(
				p->reject, 400, "Missing %s header", cw_sip_header_name(rule->id));
		if (p->repeated & UINT32_C(1) << rule->id)
			return cw_sip_reject_say(p->reject, 400, "More than one %s header",
				cw_sip_header_name(rule->id));
	}
	return 0;
}

static int parse_vias(struct parse *p)
{
	struct cw_sip_message *m = p->m;

	for (size_t i = m->first[CW_HDR_VIA]; i > 0 && i <= m->n_lines; i++) {
		const struct cw_sip_line *line = &m->lines[i - 1];
		struct cw_str value;
		size_t at = 0;

		if (line->id != CW_HDR_VIA)
			continue;
		while (cw_sip_list_next(line->value, &at, &value)) {
			if (m->n_vias == p->max_vias)
				return cw_sip_reject_say(
					p->reject, 400, "More than %d Via values", CW_SIP_LIST_MAX);
			if (cw_sip_via_parse(&p->vias[m->n_vias], value))
				return cw_sip_reject_say(p->reject, 400, "Malformed Via header");
			p->vias[m->n_vias++].line = i - 1;
		}
	}
	/* RFC 4475, 3.1.1.9: a branch that is nothing but the magic cookie tells no transactions apart. */
	if (m->is_request && cw_str_case_eq(m->vias[0].branch, cw_str_of("z9hG4bK")))
		return cw_sip_reject_say(p->reject, 400, "Empty branch in the topmost Via");
	return 0;
}

/* All values of Route or of Record-Route. */
static int parse_routes(struct parse *p, enum cw_sip_header_id id, struct cw_sip_route *routes,
	size_t max_routes, size_t *n_routes)
{
	const struct cw_sip_message *m = p->m;
	struct cw_sip_address address;

	for (size_t i = m->first[id]; i > 0 && i <= m->n_lines; i++) {
		const struct cw_sip_line *line = &m->lines[i - 1];
		struct cw_str value;
		size_t at = 0;

		if (line->id != id)
			continue;
		while (cw_sip_list_next(line->value, &at, &value)) {
			if (*n_routes == max_routes)
				return cw_sip_reject_say(p->reject, 400, "More than %d %s values",
					CW_SIP_LIST_MAX, cw_sip_header_name(id));
			if (cw_sip_address_parse(&address, value) || !address.bracketed)
				return cw_sip_reject_say(p->reject, 400, "Malformed %s header",
					cw_sip_header_name(id));
			routes[*n_routes] = (struct cw_sip_route){value, address.uri, i - 1};
			(*n_routes)++;
		}
	}
	return 0;
}

static struct cw_str value_of(const struct cw_sip_message *m, enum cw_sip_header_id id)
{
	return m->first[id] > 0 ? m->lines[m->first[id] - 1].value : cw_str_make(NULL, 0);
}

/* From or To. */
static int parse_party(
	struct parse *p, enum cw_sip_header_id id, struct cw_sip_uri *uri, struct cw_str *tag)
{
	struct cw_sip_address address;

	if (cw_sip_address_parse(&address, value_of(p->m, id)))
		return cw_sip_reject_say(
			p->reject, 400, "Malformed %s header", cw_sip_header_name(id));
	if (address.n_tags > 1 || (address.n_tags == 1 && !cw_sip_is_token(address.tag)))
		return cw_sip_reject_say(
			p->reject, 400, "Malformed tag in %s header", cw_sip_header_name(id));
	*uri = address.uri;
	*tag = address.tag;
	return 0;
}

/* RFC 3261, 25.1: word [ "@" word ]. */
static bool is_call_id(struct cw_str s)
{
	static const char others[] = "()<>:\\\"/[]?{}";
	size_t n_ats = 0;

	for (size_t i = cw_sip_skip_token(s, 0); i < s.len; i = cw_sip_skip_token(s, i + 1)) {
		if (s.p[i] == '@' && i > 0 && i + 1 < s.len)
			n_ats++;
		else if (!memchr(others, s.p[i], sizeof(others) - 1))
			return false;
	}
	return s.len > 0 && n_ats <= 1;
}

static int parse_cseq(struct parse *p)
{
	struct cw_sip_message *m = p->m;
	struct cw_str value = value_of(m, CW_HDR_CSEQ), method;
	uint64_t number;
	size_t digits = 0;

	while (digits < value.len && value.p[digits] >= '0' && value.p[digits] <= '9')
		digits++;
	method = cw_str_trim(cw_str_from(value, digits));
	if (digits == value.len || !cw_sip_is_blank(value.p[digits]) || !cw_sip_is_token(method))
		return cw_sip_reject_say(p->reject, 400, "Malformed CSeq header");
	if (cw_str_to_u64(cw_str_make(value.p, digits), CW_SIP_CSEQ_MAX, &number))
		return cw_sip_reject_say(p->reject, 400, "CSeq number out of range");
	if (!m->is_request) {
		m->method_name = method;
		m->method = cw_sip_method_find(method);
	} else if (!cw_str_eq(method, m->method_name)) {
		return cw_sip_reject_say(p->reject, 400, "CSeq method does not match the request");
	}
	m->cseq = (uint32_t)number;
	return 0;
}

static int parse_single_values(struct parse *p)
{
	struct cw_sip_message *m = p->m;
	struct cw_str forwards = value_of(m, CW_HDR_MAX_FORWARDS);
	uint64_t number;
	int r;

	r = parse_party(p, CW_HDR_FROM, &m->from, &m->from_tag);
	if (!r)
		r = parse_party(p, CW_HDR_TO, &m->to, &m->to_tag);
	if (!r)
		r = parse_cseq(p);
	if (r)
		return r;
	m->call_id = value_of(m, CW_HDR_CALL_ID);
	if (!is_call_id(m->call_id))
		return cw_sip_reject_say(p->reject, 400, "Malformed Call-ID header");
	/* Whoever cut the stream: the next hop cuts it by this number. */
	if (cw_str_to_u64(value_of(m, CW_HDR_CONTENT_LENGTH), SIZE_MAX, &number) ||
		number != m->body.len)
		return cw_sip_reject_say(p->reject, 400, "Content-Length does not match the body");
	if (m->first[CW_HDR_MAX_FORWARDS] > 0) {
		if (cw_str_to_u64(forwards, CW_SIP_MAX_FORWARDS_MAX, &number))
			return cw_sip_reject_say(p->reject, 400, "Malformed Max-Forwards header");
		m->max_forwards = (int)number;
	}
	m->content_type = value_of(m, CW_HDR_CONTENT_TYPE);
	m->event = value_of(m, CW_HDR_EVENT);
	m->event = cw_str_trim(cw_str_make(m->event.p, cw_str_find(m->event, ';')));
	return 0;
}

/* A control byte that the framing let pass must be a quoted-pair of a quoted string, and never be in a Call-ID. */
static int check_quoted_pairs(struct parse *p, const struct cw_sip_line *line)
{
	struct cw_str value = line->value;
	size_t at = 0;

	while (at < value.len) {
		unsigned char c = (unsigned char)value.p[at];

		if (c == '"' && line->id != CW_HDR_CALL_ID)
			at = cw_sip_skip_quoted(value, at);
		else if ((c < 0x20 && !cw_sip_is_blank((char)c)) || c == 0x7f)
			return reject_header(p->reject, "Control character in", line->name);
		else
			at++;
	}
	return 0;
}

static int check_control_bytes(struct parse *p)
{
	const struct cw_sip_message *m = p->m;
	int r = 0;

	if (cw_str_find(m->head, '\\') == m->head.len)
		return 0; /* then the framing has let none pass */
	for (size_t i = 0; i < m->n_lines && r == 0; i++)
		if (cw_sip_find_control(m->lines[i].value, 0) < m->lines[i].value.len)
			r = check_quoted_pairs(p, &m->lines[i]);
	return r;
}

static int check_grammar(struct parse *p)
{
	const struct cw_sip_line *bad = NULL;
	int r = cw_sip_grammar_check(p->m->lines, p->m->n_lines, &bad);

	if (r == CW_GRAMMAR_E_MALFORMED)
		return reject_header(p->reject, "Malformed", bad->name);
	if (r == CW_GRAMMAR_E_REPEATED)
		return reject_header(p->reject, "More than one", bad->name);
	if (r == CW_GRAMMAR_E_LONG)
		return reject_header(p->reject, "Too many values in", bad->name);
	return r;
}

static int parse_headers(struct parse *p)
{
	struct cw_sip_message *m = p->m;
	int r = check_presence(p);

	if (!r)
		r = check_control_bytes(p);
	if (!r)
		r = parse_vias(p);
	if (!r)
		r = parse_routes(p, CW_HDR_ROUTE, p->routes, p->max_routes, &m->n_routes);
	if (!r)
		r = parse_routes(p, CW_HDR_RECORD_ROUTE, p->record_routes, p->max_record_routes,
			&m->n_record_routes);
	if (!r)
		r = parse_single_values(p);
	if (!r && m->is_request)
		r = check_grammar(p);
	return r;
}

int cw_sip_message_parse(
	struct cw_sip_message **out, struct cw_str frame, struct cw_sip_reject *reject_out)
{
	struct cw_sip_line lines[CW_SIP_HEADER_LINES_MAX];
	struct parse p = {.reject = reject_out};
	size_t n_lines = 0, head_len = 0;
	int r;

	r = index_lines(frame, lines, &n_lines, &head_len, reject_out);
	if (!r)
		r = allocate(&p, frame, head_len, lines, n_lines);
	if (!r)
		r = cw_sip_start_line_parse(p.m, reject_out);
	if (!r)
		r = parse_headers(&p);
	if (r) {
		free(p.m);
		return r == CW_SIP_E_REJECT && !cw_sip_is_answerable(frame) ? CW_SIP_E_DROP : r;
	}
	*out = p.m;
	return 0;
}

void cw_sip_message_destroy(struct cw_sip_message *message)
{
	free(message);
}

const struct cw_sip_line *cw_sip_message_find(
	const struct cw_sip_message *message, enum cw_sip_header_id id)
{
	return message->first[id] > 0 ? &message->lines[message->first[id] - 1] : NULL;
}
