/*
 * Any bytes as a pattern, a replacement and an alias (one byte that selects type and behavior, then the three, parted by NUL):
 * never a crash, and what is answered holds together. A regex answers the same when it is wrapped in a group, which hides its
 * mandatory literal.
 */
#include "dialplan/pattern.h"

#include "dialplan/alias.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Take the bytes up to the next NUL off *rest. */
static struct cw_str take(struct cw_str *rest)
{
	struct cw_str taken = {rest->p, cw_str_find(*rest, '\0')};

	*rest = cw_str_from(*rest, taken.len + 1);
	return taken;
}

static void apply(const struct cw_pattern *p, struct cw_str text)
{
	enum cw_match match = CW_MATCH_NO, again = cw_pattern_match(p, text);
	struct cw_str out = {NULL, 0};
	struct cw_arena arena = {0};
	int r = cw_pattern_apply(p, text, &arena, &match, &out);

	require(r == 0 || r == -EMSGSIZE);
	require(r == 0 ? match == again : again == CW_MATCH_YES);
	if (r == 0 && match == CW_MATCH_YES)
		require(cw_alias_is_usable(out));
	cw_arena_finish(&arena);
}

/* A literal that is not mandatory would turn a yes into a no. */
static void compare_wrapped(const struct cw_pattern *p, struct cw_str regex, struct cw_str text)
{
	struct cw_pattern_error error;
	struct cw_arena arena = {0};
	struct cw_pattern *wrapped;
	struct cw_str glued;

	require(cw_arena_printf(&arena, &glued, "(?:%" CW_STR_FMT ")", CW_STR_ARG(regex)) == 0);
	/* a comment or \Q that is open at its end swallows the parenthesis */
	if (cw_pattern_create(&wrapped, CW_PATTERN_REGEX, glued, CW_BEHAVIOR_LEAVE,
		    cw_str_make("", 0), &error) == 0) {
		if (cw_pattern_match(wrapped, text) == CW_MATCH_YES)
			require(cw_pattern_match(p, text) != CW_MATCH_NO);
		else if (cw_pattern_match(wrapped, text) == CW_MATCH_NO)
			require(cw_pattern_match(p, text) != CW_MATCH_YES);
		cw_pattern_destroy(wrapped);
	}
	cw_arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_str rest, text, replacement;
	struct cw_pattern_error error;
	struct cw_pattern *p;
	int r;

	if (size == 0)
		return 0;
	rest = cw_str_make((const char *)data + 1, size - 1);
	text = take(&rest);
	replacement = take(&rest);
	r = cw_pattern_create(&p, (enum cw_pattern_type)(data[0] % 4), text,
		(enum cw_behavior)(data[0] / 4 % 3), replacement, &error);
	if (r) {
		require(r == CW_PATTERN_E_INVALID);
		require(memchr(error.text, '\0', sizeof(error.text)) != NULL);
		require(error.offset <= (error.in_replacement ? replacement.len : text.len));
		return 0;
	}
	if (cw_alias_is_usable(rest))
		apply(p, rest);
	if (cw_alias_is_usable(rest) && data[0] % 4 == CW_PATTERN_REGEX)
		compare_wrapped(p, text, rest);
	cw_pattern_destroy(p);
	return 0;
}
