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

static bool all_of(struct cw_str s, unsigned char class)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(cw_sip_char_classes[(unsigned char)s.p[i]] & class))
			return false;
	return true;
}

bool cw_sip_is_token(struct cw_str s)
{
	return s.len > 0 && all_of(s, CW_SIP_CHAR_TOKEN);
}

size_t cw_sip_find_control(struct cw_str s, size_t at)
{
	/* Eight bytes at once; a group with a candidate (a byte below 0x20, or 0x7f) is looked at one by one. */
	static const uint64_t ones = UINT64_C(0x0101010101010101),
			      highs = UINT64_C(0x8080808080808080);

	while (at < s.len) {
		size_t end = at + 8;

		if (end <= s.len) {
			uint64_t group, below_blank, del;

			memcpy(&group, s.p + at, 8);
			below_blank = (group - ones * 0x20) & ~group & highs;
			del = group ^ (ones * 0x7f);
			del = (del - ones) & ~del & highs;
			if (!(below_blank | del)) {
				at = end;
				continue;
			}
		} else {
			end = s.len;
		}
		for (; at < end; at++) {
			unsigned char c = (unsigned char)s.p[at];

			if ((c < 0x20 && c != '\t') || c == 0x7f)
				return at;
		}
	}
	return s.len;
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
	end = find_separator(list, *at, ',', true);
	*value = cw_str_trim(cw_str_make(list.p + *at, end - *at));
	*at = end + 1;
	return true;
}

bool cw_sip_param_next(struct cw_str params, size_t *at, struct cw_sip_lex_param *out)
{
	struct cw_str text;
	size_t end, equals;

	if (*at == 0) {
		size_t first = cw_sip_skip_blanks(params, 0);

		if (first == params.len)
			return false;
		if (params.p[first] == ';')
			*at = first + 1;
	}
	if (*at > params.len)
		return false;

	end = find_separator(params, *at, ';', false);
	text = cw_str_make(params.p + *at, end - *at);
	equals = cw_str_find(text, '=');
	out->has_value = equals < text.len;
	out->name = cw_str_trim(cw_str_make(text.p, equals));
	out->value = cw_str_trim(cw_str_from(text, equals + 1));
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

bool cw_sip_params_valid(struct cw_str params)
{
	struct cw_sip_lex_param param;
	size_t at = 0;

	while (cw_sip_param_next(params, &at, &param)) {
		if (!cw_sip_is_token(param.name))
			return false;
		if (param.value.len > 0 && param.value.p[0] == '"') {
			if (cw_sip_skip_quoted(param.value, 0) != param.value.len)
				return false;
		} else if (!all_of(param.value, CW_SIP_CHAR_VALUE)) {
			return false;
		}
	}
	return true;
}

/* The end of the line that begins at `at`, behind its LF. */
static size_t line_end(struct cw_str head, size_t at)
{
	const char *lf = memchr(head.p + at, '\n', head.len - at);

	return lf ? (size_t)(lf - head.p) + 1 : head.len;
}

bool cw_sip_line_next(struct cw_str head, size_t *at, struct cw_sip_raw_line *out)
{
	size_t end, colon;

	if (*at >= head.len || head.p[*at] == '\r' || head.p[*at] == '\n')
		return false;
	end = line_end(head, *at);
	while (end < head.len && (head.p[end] == ' ' || head.p[end] == '\t'))
		end = line_end(head, end);

	out->whole = cw_str_make(head.p + *at, end - *at);
	colon = cw_str_find(out->whole, ':');
	if (colon < out->whole.len) {
		out->name = cw_str_trim(cw_str_make(out->whole.p, colon));
		out->value = cw_str_trim(cw_str_from(out->whole, colon + 1));
	} else {
		out->name = cw_str_make(out->whole.p, 0);
		out->value = cw_str_trim(out->whole);
	}
	*at = end;
	return true;
}
