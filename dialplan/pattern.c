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

/* What is compiled further behind a const pattern. */
struct regex {
	pcre2_code *code; /* NULL until it is first asked */
	bool has_jit;
};

/* One piece of memory: behind it stand, as far as there are, the regex, the first bytes, and the text, the replacement and the needs. */
struct cw_pattern {
	struct regex *regex;   /* NULL unless the type is regex */
	const uint64_t *first; /* NULL: not known */
	const char *text;      /* NUL-terminated */
	uint16_t text_len, replacement_len, needs_len;
	uint16_t min_len; /* of a regex: of what it matches */
	uint8_t type, behavior;
	unsigned char required; /* of a regex: a byte in lower case, 0: not known */
	bool is_literal; /* of a regex: its needs answer for it, where the text is one line */
};

/* What is found out about a regex before there is a pattern. */
struct study {
	uint64_t first[4];
	bool has_first, is_literal;
	unsigned char required;
	uint32_t min_len, groups;
	size_t needs_len;
	char needs[CW_NEEDS_SIZE];
};

/* A part of a replacement: literal text, or a group's. */
struct piece {
	int group; /* 0 to 9, or LITERAL */
	struct cw_str text;
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

/*
 * Compile a text that ends in a NUL: PCRE2 10.42 reads on behind the end where the pattern ends in "(*LIMIT_MATCH=" or in its digits.
 */
static pcre2_code *compile(const char *text, size_t len, int *error, PCRE2_SIZE *offset)
{
	return pcre2_compile((PCRE2_SPTR)text, len, COMPILE_OPTIONS, error, offset, NULL);
}

static uint32_t info(const pcre2_code *code, uint32_t what)
{
	uint32_t value = 0;

	(void)pcre2_pattern_info(code, what, &value);
	return value;
}

static void add_byte(uint64_t set[4], unsigned char byte)
{
	set[byte / 64] |= (uint64_t)1 << byte % 64;
}

static bool has_byte(const uint64_t set[4], unsigned char byte)
{
	return set[byte / 64] >> byte % 64 & 1;
}

/* The byte that a match begins with; whether PCRE2 folds its case is not said, so both are in the set. */
static void study_first(struct study *study, const pcre2_code *code)
{
	const uint8_t *bitmap = NULL;
	unsigned byte;

	if (info(code, PCRE2_INFO_FIRSTCODETYPE) == 1) {
		byte = (unsigned char)cw_char_lower((char)info(code, PCRE2_INFO_FIRSTCODEUNIT));
		study->has_first = true;
		add_byte(study->first, (unsigned char)byte);
		if (byte >= 'a' && byte <= 'z')
			add_byte(study->first, (unsigned char)(byte - 'a' + 'A'));
		return;
	}
	(void)pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, (void *)&bitmap);
	for (byte = 0; bitmap && byte < 256; byte++)
		if (bitmap[byte / 8] >> byte % 8 & 1)
			add_byte(study->first, (unsigned char)byte);
	study->has_first = bitmap != NULL;
}

/*
 * Whether PCRE2 stays within its match limit on every alias, if the regex is a literal: what it does once for each byte of the alias
 * are one step and one for each group and alternative.
 */
static bool is_cheap(struct cw_str text)
{
	size_t steps = 1 + cw_str_count(text, '(') + cw_str_count(text, '|');

	return steps * CW_ALIAS_MAX < CW_PATTERN_MATCH_LIMIT;
}

/* Find out about a regex that PCRE2 compiles. */
static int study_code(struct study *study, struct cw_str text, const pcre2_code *code)
{
	int r = cw_literal_find(&study->needs_len, &study->is_literal, study->needs, text);

	if (r)
		return r;
	study->is_literal = study->is_literal && is_cheap(text);
	study->min_len = info(code, PCRE2_INFO_MINLENGTH);
	study->groups = info(code, PCRE2_INFO_CAPTURECOUNT);
	if (study->needs_len)
		return 0;
	study_first(study, code);
	if (info(code, PCRE2_INFO_LASTCODETYPE) == 1)
		study->required =
			(unsigned char)cw_char_lower((char)info(code, PCRE2_INFO_LASTCODEUNIT));
	return 0;
}

/* Find out about a regex, or what is wrong with it. */
static int study_regex(struct study *study, struct cw_str text, struct cw_pattern_error *error)
{
	char message[sizeof(error->text)], terminated[CW_PATTERN_MAX + 1];
	pcre2_code *code;
	PCRE2_SIZE offset;
	int r;

	if (make_scratch())
		return -ENOMEM;
	memcpy(terminated, text.p, text.len);
	terminated[text.len] = '\0';
	code = compile(terminated, text.len, &r, &offset);
	if (code) {
		r = study_code(study, text, code);
		pcre2_code_free(code);
		return r;
	}
	if (r == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	(void)pcre2_get_error_message(r, (PCRE2_UCHAR *)message, sizeof(message));
	/* PCRE2 10.42 counts one byte too far where a verb is not closed */
	offset = offset < text.len ? offset : text.len;
	return invalid(error, false, offset, "%s", message);
}

/* The first piece of what is left of a replacement that was checked, taken off. */
static struct piece next_piece(struct cw_str *left)
{
	size_t slash = cw_str_find(*left, '\\');
	struct piece piece = {LITERAL, {left->p, slash}};

	if (slash == 0) {
		piece.text = cw_str_make(left->p + 1, 1);
		if (left->p[1] != '\\')
			piece.group = left->p[1] - '0';
		slash = 2;
	}
	*left = cw_str_from(*left, slash);
	return piece;
}

/* Whether each backslash of a replacement is followed by a group that is there, or by another. */
static int check_replacement(struct cw_str in, unsigned groups, struct cw_pattern_error *error)
{
	size_t slash;
	char c;

	for (slash = cw_str_find(in, '\\'); slash < in.len;
		slash += 2 + cw_str_find(cw_str_from(in, slash + 2), '\\')) {
		c = '\0';
		if (slash + 1 < in.len)
			c = in.p[slash + 1];
		if (c == '\\' || (c >= '0' && c <= '9' && (unsigned)(c - '0') <= groups))
			continue;
		if (c >= '0' && c <= '9')
			return invalid(error, true, slash,
				"\\%c stands for a group, but the pattern has %u", c, groups);
		return invalid(error, true, slash,
			"expected a digit or another backslash behind the backslash");
	}
	return 0;
}

/* Whether a replacement that was checked asks what a group of a regex matched. */
static bool asks_for_groups(struct cw_str replacement)
{
	while (replacement.len)
		if (next_piece(&replacement).group > 0)
			return true;
	return false;
}

/* Whether type, text and behavior go together. */
static int check(enum cw_pattern_type type, struct cw_str text, enum cw_behavior behavior,
	struct cw_str replacement, struct cw_pattern_error *error)
{
	if (type == CW_PATTERN_ANY)
		return behavior == CW_BEHAVIOR_LEAVE
			       ? 0
			       : invalid(error, false, 0,
					 "behavior %s needs a pattern: any matches everything",
					 behavior_names[behavior]);
	if (text.len == 0)
		return invalid(error, false, 0, "the pattern is empty");
	if (text.len > CW_PATTERN_MAX)
		return invalid(
			error, false, 0, "the pattern is longer than %d bytes", CW_PATTERN_MAX);
	if (replacement.len > CW_PATTERN_MAX)
		return invalid(error, true, 0, "the text is longer than %d bytes", CW_PATTERN_MAX);
	if (behavior == CW_BEHAVIOR_STRIP && type != CW_PATTERN_PREFIX && type != CW_PATTERN_SUFFIX)
		return invalid(error, false, 0,
			"behavior strip takes a prefix or a suffix off; for %s use replace",
			type_names[type]);
	return 0;
}

/* Behind `at`, where `s` is copied to. */
static char *append(char *at, struct cw_str s)
{
	if (s.len)
		memcpy(at, s.p, s.len);
	return at + s.len;
}

/* A pattern with all its parts in one piece of memory; NULL when memory is short. */
static struct cw_pattern *assemble(const struct cw_pattern *draft, struct cw_str text,
	struct cw_str replacement, const struct study *study)
{
	bool is_regex = draft->type == CW_PATTERN_REGEX;
	size_t regex_at = sizeof(struct cw_pattern);
	size_t first_at = regex_at + (is_regex ? sizeof(struct regex) : 0);
	size_t text_at = first_at + (study->has_first ? sizeof(study->first) : 0);
	struct cw_pattern *p = malloc(text_at + text.len + 1 + replacement.len + study->needs_len);
	char *memory = (char *)p, *at;

	if (!p)
		return NULL;
	*p = *draft;
	if (is_regex) {
		p->regex = (struct regex *)(void *)(memory + regex_at);
		*p->regex = (struct regex){NULL, false};
	}
	if (study->has_first) {
		memcpy(memory + first_at, study->first, sizeof(study->first));
		p->first = (const uint64_t *)(void *)(memory + first_at);
	}
	p->text = memory + text_at;
	at = append(memory + text_at, text);
	*at++ = '\0';
	at = append(at, replacement);
	(void)append(at, cw_str_make(study->needs, study->needs_len));
	return p;
}

int cw_pattern_create(struct cw_pattern **out, enum cw_pattern_type type, struct cw_str text,
	enum cw_behavior behavior, struct cw_str replacement, struct cw_pattern_error *error)
{
	struct study study;
	struct cw_pattern *p;
	int r;

	if (behavior != CW_BEHAVIOR_REPLACE)
		replacement = (struct cw_str){NULL, 0};
	r = check(type, text, behavior, replacement, error);
	if (r)
		return r;
	/* all but the room for the needs */
	memset(&study, 0, offsetof(struct study, needs));
	r = type == CW_PATTERN_REGEX ? study_regex(&study, text, error) : 0;
	if (!r)
		r = check_replacement(replacement, study.groups, error);
	if (r)
		return r;
	p = assemble(&(struct cw_pattern){.type = (uint8_t)type,
			     .behavior = (uint8_t)behavior,
			     .text_len = (uint16_t)text.len,
			     .replacement_len = (uint16_t)replacement.len,
			     .needs_len = (uint16_t)study.needs_len,
			     .min_len = (uint16_t)(study.min_len < UINT16_MAX ? study.min_len
									      : UINT16_MAX),
			     .required = study.required,
			     .is_literal = study.is_literal && !asks_for_groups(replacement)},
		text, replacement, &study);
	if (!p)
		return -ENOMEM;
	*out = p;
	return 0;
}

void cw_pattern_destroy(struct cw_pattern *pattern)
{
	if (pattern && pattern->regex)
		pcre2_code_free(pattern->regex->code);
	free(pattern);
}

/* The first question to a regex. It was compiled before, so that only memory can be short. */
static bool compile_regex(const struct cw_pattern *p)
{
	struct regex *regex = p->regex;
	PCRE2_SIZE offset;
	size_t jit_size = 0;
	int error;

	regex->code = compile(p->text, p->text_len, &error, &offset);
	if (!regex->code)
		return false;
	/* refused (no executable memory, too large, (*NO_JIT)): pcre2_match interprets, with the same limits */
	(void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
	(void)pcre2_pattern_info(regex->code, PCRE2_INFO_JITSIZE, &jit_size);
	regex->has_jit = jit_size > 0;
	return true;
}

static enum cw_match ask_pcre2(const struct cw_pattern *p, struct cw_str text)
{
	PCRE2_SPTR subject = (PCRE2_SPTR)(text.p ? text.p : "");
	struct regex *regex = p->regex;
	int r;

	if (!regex->code && !compile_regex(p))
		return CW_MATCH_LIMIT;
	/* the short way leaves out checks of its arguments; without machine code it answers with an error */
	if (regex->has_jit)
		r = pcre2_jit_match(
			regex->code, subject, text.len, 0, 0, scratch.data, scratch.context);
	else
		r = pcre2_match(
			regex->code, subject, text.len, 0, 0, scratch.data, scratch.context);
	if (r >= 0)
		return CW_MATCH_YES;
	return r == PCRE2_ERROR_NOMATCH ? CW_MATCH_NO : CW_MATCH_LIMIT;
}

/* Whether `text` holds a byte, caseless. */
static bool holds_byte(struct cw_str text, unsigned char lower)
{
	size_t i = cw_str_find(text, (char)lower);

	if (i == text.len && lower >= 'a' && lower <= 'z')
		i = cw_str_find(text, (char)(lower - 'a' + 'A'));
	return i < text.len;
}

/* Whether what is known of a regex says no. */
static bool cannot_match(const struct cw_pattern *p, struct cw_str text)
{
	if (text.len < p->min_len)
		return true;
	if (p->first && text.len && !has_byte(p->first, (unsigned char)text.p[0]))
		return true;
	if (p->required && !holds_byte(text, p->required))
		return true;
	return !cw_literal_all_met(cw_pattern_needs(p), text);
}

/*
 * What `.*` does not match is a newline. Longer texts than an alias are left to PCRE2, too, so that its match limit holds for them.
 */
static bool is_line(struct cw_str text)
{
	return text.len <= CW_ALIAS_MAX && cw_str_find(text, '\n') == text.len;
}

static enum cw_match match_regex(const struct cw_pattern *p, struct cw_str text)
{
	if (cannot_match(p, text))
		return CW_MATCH_NO;
	return p->is_literal && is_line(text) ? CW_MATCH_YES : ask_pcre2(p, text);
}

enum cw_match cw_pattern_match(const struct cw_pattern *pattern, struct cw_str text)
{
	struct cw_str own = cw_pattern_text(pattern);
	bool yes = false;

	switch (cw_pattern_type(pattern)) {
	case CW_PATTERN_EXACT:
		yes = cw_str_case_eq(text, own);
		break;
	case CW_PATTERN_PREFIX:
		yes = cw_str_case_starts(text, own);
		break;
	case CW_PATTERN_SUFFIX:
		yes = cw_str_case_ends(text, own);
		break;
	case CW_PATTERN_REGEX:
		return match_regex(pattern, text);
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
		s.to = p->text_len;
	else if (p->type == CW_PATTERN_SUFFIX)
		s.from = len - p->text_len;
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

/* What a piece of the replacement stands for, after a match of `text`. */
static struct cw_str piece_text(const struct cw_pattern *p, struct piece piece, struct cw_str text)
{
	struct span s;

	if (piece.group == LITERAL)
		return piece.text;
	s = group_span(p, text.len, piece.group);
	return cw_str_make(text.p + s.from, s.to - s.from);
}

/* How long the replacement becomes. */
static size_t replacement_len(const struct cw_pattern *p, struct cw_str text)
{
	struct cw_str left = cw_pattern_replacement(p);
	size_t n = 0;

	while (left.len)
		n += piece_text(p, next_piece(&left), text).len;
	return n;
}

/* `text` with its matched part (all of it for exact and regex) taken off or replaced. */
static int rewrite(
	const struct cw_pattern *p, struct cw_str text, struct cw_arena *arena, struct cw_str *out)
{
	struct span whole = group_span(p, text.len, 0);
	size_t len = text.len - (whole.to - whole.from) + replacement_len(p, text);
	struct cw_str made, left = cw_pattern_replacement(p);
	char *at;

	if (len == 0 || len > CW_ALIAS_MAX)
		return -EMSGSIZE;
	at = cw_arena_alloc(arena, len);
	if (!at)
		return -ENOMEM;
	made = cw_str_make(at, len);
	at = append(at, cw_str_make(text.p, whole.from));
	while (left.len)
		at = append(at, piece_text(p, next_piece(&left), text));
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

	if (m == CW_MATCH_YES && cw_pattern_behavior(pattern) != CW_BEHAVIOR_LEAVE) {
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
	return (enum cw_pattern_type)pattern->type;
}

enum cw_behavior cw_pattern_behavior(const struct cw_pattern *pattern)
{
	return (enum cw_behavior)pattern->behavior;
}

struct cw_str cw_pattern_text(const struct cw_pattern *pattern)
{
	return cw_str_make(pattern->text, pattern->text_len);
}

struct cw_str cw_pattern_replacement(const struct cw_pattern *pattern)
{
	return cw_str_make(pattern->text + pattern->text_len + 1, pattern->replacement_len);
}

struct cw_str cw_pattern_needs(const struct cw_pattern *pattern)
{
	return cw_str_make(pattern->text + pattern->text_len + 1 + pattern->replacement_len,
		pattern->needs_len);
}

struct cw_pattern_filter cw_pattern_filter(const struct cw_pattern *pattern)
{
	return (struct cw_pattern_filter){pattern->min_len, pattern->required, pattern->first};
}

bool cw_pattern_jit_refused(void)
{
	PCRE2_SIZE offset;
	pcre2_code *code;
	int error;
	bool refused = false;

	code = compile("a", 1, &error, &offset);
	if (code)
		refused = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == PCRE2_ERROR_NOMEMORY;
	pcre2_code_free(code);
	return refused;
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
