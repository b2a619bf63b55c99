/*
 * Patterns: plain comparisons, and regexes by PCRE2.
 */
#include "dialplan/pattern.h"

#include "dialplan/alias.h"
#include "dialplan/literal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define JIT_STACK_MIN (32u << 10)
#define LITERAL       (-1)
#define COMPILE_OPTIONS                                                                            \
	(PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_CASELESS | PCRE2_DOLLAR_ENDONLY |              \
		PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C)

/* A part of a replacement: literal text, or a group's. */
struct piece {
	int group; /* 0 to 9, or LITERAL */
	struct cw_str text;
};

/* On the heap of its own, because the code is compiled further behind a const pattern. */
struct regex {
	pcre2_code *code;
	bool jit_tried;
};

struct cw_pattern {
	enum cw_pattern_type type;
	enum cw_behavior behavior;
	struct cw_str text, replacement; /* both in `memory`, as is the next */
	struct cw_str literal;           /* of a regex: what every match holds; may be empty */
	struct regex *regex;             /* NULL unless the type is regex */
	struct piece *pieces;            /* of a replacement */
	size_t n_pieces;
	char *memory;
};

/* Where a text was matched: groups as pairs of offsets, of which the first is the whole match. */
struct span {
	size_t from, to;
};

/* What PCRE2 works in; made by the first regex and kept for the life of the process. */
static struct {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack; /* NULL is fine: the machine's stack, 32 KiB of it */
} scratch;

static const char *const type_names[] = {
	[CW_PATTERN_EXACT] = "exact",
	[CW_PATTERN_PREFIX] = "prefix",
	[CW_PATTERN_SUFFIX] = "suffix",
	[CW_PATTERN_REGEX] = "regex",
	[CW_PATTERN_ANY] = "any",
};

static const char *const behavior_names[] = {
	[CW_BEHAVIOR_LEAVE] = "leave",
	[CW_BEHAVIOR_STRIP] = "strip",
	[CW_BEHAVIOR_REPLACE] = "replace",
};

static int make_scratch(void)
{
	if (!scratch.data)
		scratch.data = pcre2_match_data_create(CW_PATTERN_GROUPS, NULL);
	if (!scratch.data)
		return -ENOMEM;
	if (scratch.context)
		return 0;
	scratch.context = pcre2_match_context_create(NULL);
	if (!scratch.context)
		return -ENOMEM;
	(void)pcre2_set_match_limit(scratch.context, CW_PATTERN_MATCH_LIMIT);
	(void)pcre2_set_heap_limit(scratch.context, CW_PATTERN_HEAP_KIB);
	scratch.stack = pcre2_jit_stack_create(JIT_STACK_MIN, CW_PATTERN_STACK_MAX, NULL);
	pcre2_jit_stack_assign(scratch.context, NULL, scratch.stack);
	return 0;
}

__attribute__((format(printf, 4, 5))) static int invalid(
	struct cw_pattern_error *error, bool in_replacement, size_t offset, const char *format, ...)
{
	va_list args;

	error->in_replacement = in_replacement;
	error->offset = offset;
	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return CW_PATTERN_E_INVALID;
}

static int compile_regex(struct cw_pattern *p, struct cw_pattern_error *error)
{
	char message[sizeof(error->text)];
	PCRE2_SIZE offset;
	char *literal;
	int code;

	p->regex = calloc(1, sizeof(*p->regex));
	if (!p->regex || make_scratch())
		return -ENOMEM;
	p->regex->code = pcre2_compile(
		(PCRE2_SPTR)p->text.p, p->text.len, COMPILE_OPTIONS, &code, &offset, NULL);
	if (p->regex->code) {
		literal = p->memory + p->text.len + 1 + p->replacement.len;
		p->literal = cw_str_make(literal, cw_literal_find(literal, p->text));
		return 0;
	}
	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	(void)pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof(message));
	/* PCRE2 10.42 counts one byte too far where a verb is not closed */
	offset = offset < p->text.len ? offset : p->text.len;
	return invalid(error, false, offset, "%s", message);
}

/* How many groups a replacement may name, besides \0. */
static unsigned count_groups(const struct cw_pattern *p)
{
	uint32_t n = 0;

	if (p->regex)
		(void)pcre2_pattern_info(p->regex->code, PCRE2_INFO_CAPTURECOUNT, &n);
	return n;
}

/* Cut the replacement into literal text and groups. */
static int compile_replacement(struct cw_pattern *p, struct cw_pattern_error *error)
{
	unsigned groups = count_groups(p);
	struct cw_str in = p->replacement;
	size_t at = 0, slash;
	char c;

	p->pieces = calloc(in.len + 1, sizeof(*p->pieces));
	if (!p->pieces)
		return -ENOMEM;
	while (at < in.len) {
		slash = at + cw_str_find(cw_str_from(in, at), '\\');
		if (slash > at)
			p->pieces[p->n_pieces++] = (struct piece){LITERAL, {in.p + at, slash - at}};
		if (slash == in.len)
			break;
		c = '\0';
		if (slash + 1 < in.len)
			c = in.p[slash + 1];
		if (c == '\\')
			p->pieces[p->n_pieces++] = (struct piece){LITERAL, {in.p + slash + 1, 1}};
		else if (c >= '0' && c <= '9' && (unsigned)(c - '0') <= groups)
			p->pieces[p->n_pieces++] = (struct piece){c - '0', {NULL, 0}};
		else if (c >= '0' && c <= '9')
			return invalid(error, true, slash,
				"\\%c stands for a group, but the pattern has %u", c, groups);
		else
			return invalid(error, true, slash,
				"expected a digit or another backslash behind the backslash");
		at = slash + 2;
	}
	return 0;
}

/* Whether type, text and behavior go together. */
static int check(const struct cw_pattern *p, struct cw_pattern_error *error)
{
	if (p->type == CW_PATTERN_ANY)
		return p->behavior == CW_BEHAVIOR_LEAVE
			       ? 0
			       : invalid(error, false, 0,
					 "behavior %s needs a pattern: any matches everything",
					 behavior_names[p->behavior]);
	if (p->text.len == 0)
		return invalid(error, false, 0, "the pattern is empty");
	if (p->text.len > CW_PATTERN_MAX)
		return invalid(
			error, false, 0, "the pattern is longer than %d bytes", CW_PATTERN_MAX);
	if (p->replacement.len > CW_PATTERN_MAX)
		return invalid(error, true, 0, "the text is longer than %d bytes", CW_PATTERN_MAX);
	if (p->behavior == CW_BEHAVIOR_STRIP && p->type != CW_PATTERN_PREFIX &&
		p->type != CW_PATTERN_SUFFIX)
		return invalid(error, false, 0,
			"behavior strip takes a prefix or a suffix off; for %s use replace",
			type_names[p->type]);
	return 0;
}

int cw_pattern_create(struct cw_pattern **out, enum cw_pattern_type type, struct cw_str text,
	enum cw_behavior behavior, struct cw_str replacement, struct cw_pattern_error *error)
{
	struct cw_pattern given = {.type = type,
		.behavior = behavior,
		.text = text,
		.replacement =
			behavior == CW_BEHAVIOR_REPLACE ? replacement : (struct cw_str){NULL, 0}};
	struct cw_pattern *p;
	int r = check(&given, error);

	if (r)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = given;
	r = -ENOMEM;
	p->memory = malloc(2 * text.len + given.replacement.len + 1);
	if (!p->memory)
		goto fail;
	if (text.len)
		memcpy(p->memory, text.p, text.len);
	/* PCRE2 10.42 reads on behind the end where the pattern ends in "(*LIMIT_MATCH=" or in its digits */
	p->memory[text.len] = '\0';
	p->text.p = p->memory;
	p->replacement.p = p->memory + text.len + 1;
	if (given.replacement.len)
		memcpy(p->memory + text.len + 1, given.replacement.p, given.replacement.len);

	r = type == CW_PATTERN_REGEX ? compile_regex(p, error) : 0;
	if (!r && behavior == CW_BEHAVIOR_REPLACE)
		r = compile_replacement(p, error);
	if (r)
		goto fail;
	*out = p;
	return 0;

fail:
	cw_pattern_destroy(p);
	return r;
}

void cw_pattern_destroy(struct cw_pattern *pattern)
{
	if (!pattern)
		return;
	if (pattern->regex)
		pcre2_code_free(pattern->regex->code);
	free(pattern->regex);
	free(pattern->pieces);
	free(pattern->memory);
	free(pattern);
}

static enum cw_match match_regex(struct regex *regex, struct cw_str text)
{
	int r;

	if (!regex->jit_tried) {
		/* refused (no executable memory, too large): pcre2_match interprets, with the same limits */
		(void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
		regex->jit_tried = true;
	}
	r = pcre2_match(regex->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.len, 0, 0,
		scratch.data, scratch.context);
	if (r >= 0)
		return CW_MATCH_YES;
	return r == PCRE2_ERROR_NOMATCH ? CW_MATCH_NO : CW_MATCH_LIMIT;
}

enum cw_match cw_pattern_match(const struct cw_pattern *pattern, struct cw_str text)
{
	bool yes = false;

	switch (pattern->type) {
	case CW_PATTERN_EXACT:
		yes = cw_str_case_eq(text, pattern->text);
		break;
	case CW_PATTERN_PREFIX:
		yes = cw_str_case_starts(text, pattern->text);
		break;
	case CW_PATTERN_SUFFIX:
		yes = cw_str_case_ends(text, pattern->text);
		break;
	case CW_PATTERN_REGEX:
		/* asked first, so that where it is missing the answer is no, whatever the regex would cost */
		if (!cw_literal_is_in(pattern->literal, text))
			return CW_MATCH_NO;
		return match_regex(pattern->regex, text);
	case CW_PATTERN_ANY:
		yes = true;
		break;
	}
	return yes ? CW_MATCH_YES : CW_MATCH_NO;
}

/* What group `n` of the last match holds of a text of `len` bytes. */
static struct span group_span(const struct cw_pattern *p, size_t len, int n)
{
	const PCRE2_SIZE *v;
	struct span s = {0, len};

	if (p->type == CW_PATTERN_PREFIX)
		s.to = p->text.len;
	else if (p->type == CW_PATTERN_SUFFIX)
		s.from = len - p->text.len;
	if (p->type != CW_PATTERN_REGEX || n == 0)
		return s;
	v = pcre2_get_ovector_pointer(scratch.data) + (size_t)n * 2;
	s.from = v[0];
	s.to = v[1];
	/* a group that took no part is PCRE2_UNSET, and \K in a group can end it before its start */
	if (s.from > s.to || s.to > len)
		s.from = s.to = 0;
	return s;
}

/* How long the replacement becomes. */
static size_t replacement_len(const struct cw_pattern *p, size_t len)
{
	size_t i, n = 0;
	struct span s;

	for (i = 0; i < p->n_pieces; i++) {
		s = (struct span){0, p->pieces[i].text.len};
		if (p->pieces[i].group != LITERAL)
			s = group_span(p, len, p->pieces[i].group);
		n += s.to - s.from;
	}
	return n;
}

static char *append(char *to, struct cw_str s)
{
	if (s.len)
		memcpy(to, s.p, s.len);
	return to + s.len;
}

/* `text` with its matched part (all of it for exact and regex) taken off or replaced. */
static int rewrite(
	const struct cw_pattern *p, struct cw_str text, struct cw_arena *arena, struct cw_str *out)
{
	struct span whole = group_span(p, text.len, 0), s;
	size_t i, len = text.len - (whole.to - whole.from) + replacement_len(p, text.len);
	struct cw_str made;
	char *at;

	if (len == 0 || len > CW_ALIAS_MAX)
		return -EMSGSIZE;
	at = cw_arena_alloc(arena, len);
	if (!at)
		return -ENOMEM;
	made = cw_str_make(at, len);
	at = append(at, cw_str_make(text.p, whole.from));
	for (i = 0; i < p->n_pieces; i++) {
		if (p->pieces[i].group == LITERAL) {
			at = append(at, p->pieces[i].text);
			continue;
		}
		s = group_span(p, text.len, p->pieces[i].group);
		at = append(at, cw_str_make(text.p + s.from, s.to - s.from));
	}
	(void)append(at, cw_str_from(text, whole.to));
	if (!cw_alias_is_usable(made))
		return -EMSGSIZE;
	*out = made;
	return 0;
}

int cw_pattern_apply(const struct cw_pattern *pattern, struct cw_str text, struct cw_arena *arena,
	enum cw_match *match, struct cw_str *out)
{
	enum cw_match m = cw_pattern_match(pattern, text);
	int r;

	if (m == CW_MATCH_YES && pattern->behavior != CW_BEHAVIOR_LEAVE) {
		r = rewrite(pattern, text, arena, out);
		if (r)
			return r;
	} else if (m == CW_MATCH_YES) {
		*out = text;
	}
	*match = m;
	return 0;
}

enum cw_pattern_type cw_pattern_type(const struct cw_pattern *pattern)
{
	return pattern->type;
}

enum cw_behavior cw_pattern_behavior(const struct cw_pattern *pattern)
{
	return pattern->behavior;
}

struct cw_str cw_pattern_text(const struct cw_pattern *pattern)
{
	return pattern->text;
}

struct cw_str cw_pattern_replacement(const struct cw_pattern *pattern)
{
	return pattern->replacement;
}

int cw_pattern_type_parse(struct cw_str name, enum cw_pattern_type *out)
{
	int t;

	for (t = CW_PATTERN_EXACT; t < CW_PATTERN_ANY; t++) {
		if (cw_str_eq(name, cw_str_of(type_names[t]))) {
			*out = (enum cw_pattern_type)t;
			return 0;
		}
	}
	return -EINVAL;
}

const char *cw_pattern_type_name(enum cw_pattern_type type)
{
	return type_names[type];
}

int cw_behavior_parse(struct cw_str name, enum cw_behavior *out)
{
	int b;

	for (b = CW_BEHAVIOR_LEAVE; b <= CW_BEHAVIOR_REPLACE; b++) {
		if (cw_str_eq(name, cw_str_of(behavior_names[b]))) {
			*out = (enum cw_behavior)b;
			return 0;
		}
	}
	return -EINVAL;
}

const char *cw_behavior_name(enum cw_behavior behavior)
{
	return behavior_names[behavior];
}
