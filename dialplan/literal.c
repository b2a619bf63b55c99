/*
 * The mandatory literals of a regex: a walk over its top level that gives up at the first thing it does not know.
 *
 * Packed, a literal is a byte for its place and whether it is the last of its need, a byte for its length, and its bytes.
 */
#include "dialplan/literal.h"

#define PACKED_HEAD 2
#define PACKED_LAST 0x80

/* Escapes that match a class of bytes or a place, and take no argument. */
static const char plain_escapes[] = "dDwWsShHvVRbBAzZ";

/* A run of literal bytes: where it stands in the regex, escapes included, and how many bytes it is. */
struct run {
	size_t from, to, len;
};

enum quantifier {
	ONCE,
	AT_LEAST_ONCE,
	MAYBE, /* also not at all */
	UNKNOWN,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (cw_char_lower(c) >= 'a' && cw_char_lower(c) <= 'z');
}

/* The byte at `at`, NUL behind the end. */
static char byte_at(struct cw_str s, size_t at)
{
	return at < s.len ? s.p[at] : '\0';
}

/* Whether the escape at `at` is one that is known; digits (octal, references) are where nothing depends on their length. */
static bool is_known_escape(struct cw_str s, size_t at, bool digits)
{
	char c = byte_at(s, at + 1);

	if (at + 1 >= s.len)
		return false;
	return !is_alnum(c) || strchr(plain_escapes, c) || (digits && is_digit(c));
}

/* Behind the [:name:] at `at`; 0 when it is none. */
static size_t skip_posix(struct cw_str s, size_t at)
{
	size_t i = at + 2;

	while (is_alnum(byte_at(s, i)) || byte_at(s, i) == '^')
		i++;
	return byte_at(s, at + 1) == ':' && byte_at(s, i) == ':' && byte_at(s, i + 1) == ']' ? i + 2
											     : 0;
}

/* Behind the class at `at`; 0: give up. */
static size_t skip_class(struct cw_str s, size_t at)
{
	size_t i = at + 1;

	i += byte_at(s, i) == '^';
	i += byte_at(s, i) == ']';
	while (i < s.len && s.p[i] != ']') {
		if (s.p[i] == '\\') {
			if (!is_known_escape(s, i, true))
				return 0;
			i += 2;
		} else if (s.p[i] == '[' && byte_at(s, i + 1) && strchr(":.=", byte_at(s, i + 1))) {
			i = skip_posix(s, i);
			if (i == 0)
				return 0;
		} else {
			i++;
		}
	}
	return i < s.len ? i + 1 : 0;
}

/* Behind the group at `at`, what it holds left aside; 0: give up (options, verbs and assertions reach beyond a group). */
static size_t skip_group(struct cw_str s, size_t at)
{
	size_t depth = 0, i = at;

	while (i < s.len) {
		switch (s.p[i]) {
		case '(':
			if (byte_at(s, i + 1) == '*' ||
				(byte_at(s, i + 1) == '?' && byte_at(s, i + 2) != ':'))
				return 0;
			depth++;
			i++;
			break;
		case ')':
			i++;
			if (--depth == 0)
				return i;
			break;
		case '[':
			i = skip_class(s, i);
			if (i == 0)
				return 0;
			break;
		case '\\':
			if (!is_known_escape(s, i, true))
				return 0;
			i += 2;
			break;
		default:
			i++;
		}
	}
	return 0;
}

/* Read {n}, {n,} or {n,m} at *at. */
static enum quantifier read_braces(struct cw_str s, size_t *at)
{
	size_t i = *at + 1;
	bool zero = true;

	if (!is_digit(byte_at(s, i)))
		return UNKNOWN;
	for (; is_digit(byte_at(s, i)); i++)
		zero = zero && s.p[i] == '0';
	if (byte_at(s, i) == ',')
		for (i++; is_digit(byte_at(s, i));)
			i++;
	if (byte_at(s, i) != '}')
		return UNKNOWN;
	*at = i + 1;
	return zero ? MAYBE : AT_LEAST_ONCE;
}

/* Read what may stand at *at behind an atom, with a following ? or + (lazy, possessive). */
static enum quantifier read_quantifier(struct cw_str s, size_t *at)
{
	enum quantifier q;

	switch (byte_at(s, *at)) {
	case '*':
	case '?':
		q = MAYBE;
		++*at;
		break;
	case '+':
		q = AT_LEAST_ONCE;
		++*at;
		break;
	case '{':
		q = read_braces(s, at);
		break;
	default:
		return ONCE;
	}
	if (byte_at(s, *at) == '?' || byte_at(s, *at) == '+')
		++*at;
	/* a quantifier on a quantified atom */
	return byte_at(s, *at) && strchr("*+?{", byte_at(s, *at)) ? UNKNOWN : q;
}

/* Behind the atom at `at`; 0: give up. */
static size_t skip_atom(struct cw_str s, size_t at, bool *is_literal)
{
	*is_literal = false;
	switch (s.p[at]) {
	case '(':
		return skip_group(s, at);
	case '[':
		return skip_class(s, at);
	case '\\':
		*is_literal = !is_alnum(byte_at(s, at + 1));
		return is_known_escape(s, at, false) ? at + 2 : 0;
	case '.':
	case '^':
	case '$':
		return at + 1;
	case '|': /* another alternative may need nothing of this one */
	case ')':
	case '*':
	case '+':
	case '?':
	case '{':
		return 0;
	default:
		*is_literal = true;
		return at + 1;
	}
}

static void keep_longer(struct run *best, const struct run *run)
{
	if (run->len > best->len)
		*best = *run;
}

/* Pack a run without its escapes, in lower case, at most CW_LITERAL_MAX bytes of it. */
static size_t pack_run(char *out, struct cw_str s, const struct run *run)
{
	size_t i, n = 0;

	for (i = run->from; i < run->to && n < CW_LITERAL_MAX; i++) {
		if (s.p[i] == '\\')
			i++;
		out[PACKED_HEAD + n++] = cw_char_lower(s.p[i]);
	}
	if (n < CW_LITERAL_MIN)
		return 0;
	out[0] = (char)(CW_LITERAL_ANYWHERE | PACKED_LAST);
	out[1] = (char)n;
	return PACKED_HEAD + n;
}

size_t cw_literal_find(char out[static CW_NEEDS_SIZE], struct cw_str regex)
{
	struct run best = {0}, run = {0};
	size_t begin, end, at = 0;
	enum quantifier q;
	bool is_literal;

	while (at < regex.len) {
		begin = at;
		end = at = skip_atom(regex, at, &is_literal);
		if (at == 0)
			return 0;
		q = read_quantifier(regex, &at);
		if (q == UNKNOWN)
			return 0;
		if (is_literal && q != MAYBE) {
			if (run.len == 0)
				run.from = begin;
			run.to = end;
			run.len++;
		}
		if (!is_literal || q != ONCE) {
			keep_longer(&best, &run);
			run.len = 0;
		}
	}
	keep_longer(&best, &run);
	return pack_run(out, regex, &best);
}

size_t cw_literal_next(struct cw_str *needs, struct cw_literal any_of[static CW_NEED_LITERALS])
{
	size_t n = 0, len;
	bool last = needs->len == 0;
	unsigned char head;

	while (!last) {
		head = (unsigned char)needs->p[0];
		len = (unsigned char)needs->p[1];
		last = head & PACKED_LAST;
		any_of[n].place = (enum cw_literal_place)(head & ~PACKED_LAST);
		any_of[n++].text = cw_str_make(needs->p + PACKED_HEAD, len);
		*needs = cw_str_from(*needs, PACKED_HEAD + len);
	}
	return n;
}

static bool holds(struct cw_str text, struct cw_str literal)
{
	size_t i;

	for (i = 0; i + literal.len <= text.len; i++)
		if (cw_char_lower(text.p[i]) == literal.p[0] &&
			cw_bytes_case_eq(text.p + i, literal.p, literal.len))
			return true;
	return false;
}

bool cw_literal_is_in(struct cw_literal literal, struct cw_str text)
{
	switch (literal.place) {
	case CW_LITERAL_ANYWHERE:
		return holds(text, literal.text);
	case CW_LITERAL_BEGIN:
		return cw_str_case_starts(text, literal.text);
	case CW_LITERAL_END:
		return cw_str_case_ends(text, literal.text);
	case CW_LITERAL_WHOLE:
		return cw_str_case_eq(text, literal.text);
	}
	return true;
}

bool cw_literal_all_met(struct cw_str needs, struct cw_str text)
{
	struct cw_literal any_of[CW_NEED_LITERALS];
	size_t i, n;

	while ((n = cw_literal_next(&needs, any_of)) > 0) {
		for (i = 0; i < n && !cw_literal_is_in(any_of[i], text); i++)
			;
		if (i == n)
			return false;
	}
	return true;
}
