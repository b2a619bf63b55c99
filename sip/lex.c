#include "sip/lex.h"

#define TOKEN (CW_SIP_CHAR_TOKEN | CW_SIP_CHAR_VALUE)

const unsigned char cw_sip_char_classes[256] = {
	['!'] = TOKEN,
	['"'] = CW_SIP_CHAR_CUTS,
	['%'] = TOKEN,
	['\''] = TOKEN,
	['*'] = TOKEN,
	['+'] = TOKEN,
	[','] = CW_SIP_CHAR_CUTS,
	['-'] = TOKEN,
	['.'] = TOKEN,
	['/'] = CW_SIP_CHAR_VALUE,
	['0'] = TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	[':'] = CW_SIP_CHAR_VALUE,
	[';'] = CW_SIP_CHAR_CUTS,
	['<'] = CW_SIP_CHAR_CUTS,
	['='] = CW_SIP_CHAR_VALUE,
	['A'] = TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	['['] = CW_SIP_CHAR_VALUE,
	[']'] = CW_SIP_CHAR_VALUE,
	['_'] = TOKEN,
	['`'] = TOKEN,
	['a'] = TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	TOKEN,
	['~'] = TOKEN,
};

bool cw_sip_is_token(struct cw_str s)
{
	return s.len > 0 && cw_sip_skip_token(s, 0) == s.len;
}

/*
 * Whether one of eight bytes is below 0x20 or 0x7f.
 *
 * Of those below 0x80, a byte below 0x20 gets its high bit when 0x20 is taken from it, and 0x7f when
 * 1 is added. What is carried into a neighbor may mark that one too, which is an answer to be
 * verified, but never unmarks one.
 */
static bool may_hold_control(const char *bytes)
{
	static const uint64_t ones = UINT64_C(0x0101010101010101),
			      highs = UINT64_C(0x8080808080808080);
	uint64_t group;

	memcpy(&group, bytes, sizeof(group));
	return ((group - ones * 0x20) | (group + ones)) & ~group & highs;
}

size_t cw_sip_find_control(struct cw_str s, size_t at)
{
	while (at + 8 <= s.len && !may_hold_control(s.p + at))
		at += 8;
	for (; at < s.len; at++) {
		unsigned char c = (unsigned char)s.p[at];

		if (c < 0x20 ? c != '\t' : c == 0x7f)
			break;
	}
	return at;
}

size_t cw_sip_skip_quoted(struct cw_str s, size_t at)
{
	for (at++; at < s.len; at++) {
		if (s.p[at] == '"')
			return at + 1;
		if (s.p[at] != '\\')
			continue;
		at++;
		if (at < s.len && (s.p[at] == '\r' || s.p[at] == '\n'))
			break; /* a quoted-pair is never half of a fold */
	}
	return s.len + 1;
}

/* The place at or behind `at` of the next character that may end or hide something. */
static size_t skip_uncut(struct cw_str s, size_t at)
{
	while (at < s.len && !(cw_sip_char_classes[(unsigned char)s.p[at]] & CW_SIP_CHAR_CUTS))
		at++;
	return at;
}

/* The place of the next `separator` at or behind `at` that is not within quotes or, if `brackets`, within <>. */
static size_t find_separator(struct cw_str s, size_t at, char separator, bool brackets)
{
	while ((at = skip_uncut(s, at)) < s.len) {
		char c = s.p[at];

		if (c == separator)
			return at;
		if (c == '"') {
			at = cw_sip_skip_quoted(s, at);
		} else if (brackets && c == '<') {
			const char *end = memchr(s.p + at, '>', s.len - at);

			at = end ? (size_t)(end - s.p) + 1 : s.len;
		} else {
			at++;
		}
	}
	return s.len;
}

bool cw_sip_list_next(struct cw_str list, size_t *at, struct cw_str *value)
{
	size_t end;

	/* A list of n commas has n + 1 values: the place behind a final comma is s.len, behind the last value s.len + 1. */
	if (*at > list.len)
		return false;
	end = *at + cw_str_find(cw_str_from(list, *at), ',');
	if (end < list.len)
		end = find_separator(list, *at, ',', true);
	*value = cw_str_trim(cw_str_make(list.p + *at, end - *at));
	*at = end + 1;
	return true;
}

/* The place of the first byte at or behind `at` that may not stand in an unquoted value. */
static size_t skip_value(struct cw_str s, size_t at)
{
	while (at < s.len && cw_sip_char_classes[(unsigned char)s.p[at]] & CW_SIP_CHAR_VALUE)
		at++;
	return at;
}

/* Whether the value is a quoted string or free of separators. */
static bool is_param_value(struct cw_str value)
{
	if (value.len > 0 && value.p[0] == '"')
		return cw_sip_skip_quoted(value, 0) == value.len;
	return skip_value(value, 0) == value.len;
}

/* A parameter with blanks, quotes or bytes that do not belong there. */
static void take_odd_param(struct cw_str text, struct cw_sip_lex_param *out)
{
	size_t equals = cw_str_find(text, '=');

	out->has_value = equals < text.len;
	out->name = cw_str_trim(cw_str_make(text.p, equals));
	out->value = cw_str_trim(cw_str_from(text, equals + 1));
	out->is_valid = cw_sip_is_token(out->name) && is_param_value(out->value);
}

bool cw_sip_param_next(struct cw_str params, size_t *at, struct cw_sip_lex_param *out)
{
	struct cw_str text;
	size_t name_end, end;

	if (*at == 0) {
		size_t first = cw_sip_skip_blanks(params, 0);

		if (first == params.len)
			return false;
		if (params.p[first] == ';')
			*at = first + 1;
	}
	if (*at > params.len)
		return false;

	/* Nearly all are a token, or a token, '=' and a value of such bytes, up to the semicolon. */
	name_end = end = cw_sip_skip_token(params, *at);
	out->has_value = end < params.len && params.p[end] == '=';
	if (out->has_value)
		end = skip_value(params, end + 1);
	if (end == params.len || params.p[end] == ';') {
		text = cw_str_make(params.p + *at, end - *at);
		out->name = cw_str_make(text.p, name_end - *at);
		out->value = cw_str_from(text, out->name.len + 1);
		out->is_valid = out->name.len > 0;
	} else {
		end = find_separator(params, end, ';', false);
		take_odd_param(cw_str_make(params.p + *at, end - *at), out);
	}
	*at = end + 1;
	return true;
}

bool cw_sip_param_find(struct cw_str params, const char *name, struct cw_sip_lex_param *out)
{
	struct cw_str wanted = cw_str_of(name);
	struct cw_sip_lex_param param;
	size_t at = 0;

	while (cw_sip_param_next(params, &at, &param)) {
		if (cw_str_case_eq(param.name, wanted)) {
			*out = param;
			return true;
		}
	}
	return false;
}

/* The end of the line that begins at `at`, behind its LF. */
static size_t line_end(struct cw_str head, size_t at)
{
	const char *lf = memchr(head.p + at, '\n', head.len - at);

	return lf ? (size_t)(lf - head.p) + 1 : head.len;
}

bool cw_sip_line_next(struct cw_str head, size_t *at, struct cw_sip_raw_line *out)
{
	size_t end, name_begin, name_end, colon;

	if (*at >= head.len || head.p[*at] == '\r' || head.p[*at] == '\n')
		return false;
	end = line_end(head, *at);
	while (end < head.len && (head.p[end] == ' ' || head.p[end] == '\t'))
		end = line_end(head, end);

	out->whole = cw_str_make(head.p + *at, end - *at);
	name_begin = cw_sip_skip_blanks(out->whole, 0);
	name_end = cw_sip_skip_token(out->whole, name_begin);
	colon = cw_sip_skip_blanks(out->whole, name_end);
	if (name_end > name_begin && colon < out->whole.len && out->whole.p[colon] == ':') {
		out->name = cw_str_make(out->whole.p + name_begin, name_end - name_begin);
		out->value = cw_str_trim(cw_str_from(out->whole, colon + 1));
	} else {
		out->name = cw_str_make(out->whole.p, 0);
		out->value = cw_str_trim(out->whole);
	}
	*at = end;
	return true;
}
