/*
 * One pattern on one alias.
 */
#include "admin/pattern_trial.h"

#include "admin/text.h"

#include <errno.h>

int cw_pattern_trial_print(FILE *out, const struct cw_pattern *pattern, struct cw_str alias,
	struct cw_arena *arena, bool *matched)
{
	enum cw_match match = CW_MATCH_NO;
	struct cw_str result = alias, shown, text;
	int r = cw_pattern_apply(pattern, alias, arena, &match, &result);
	const char *says = match == CW_MATCH_YES ? "matches"
			   : match == CW_MATCH_LIMIT
				   ? "exceeds its match limit (a request would fail)"
				   : "does not match";

	if (r == -EMSGSIZE)
		says = "matches, but what becomes of the alias is empty or too long (a request "
		       "would "
		       "fail)";
	else if (r)
		return r;
	r = cw_text_printable(&shown, alias, arena);
	if (!r)
		r = cw_text_printable(&text, result, arena);
	if (r)
		return r;
	(void)fprintf(out, "alias   %" CW_STR_FMT "\n%-7s %s\n", CW_STR_ARG(shown),
		cw_pattern_type_name(cw_pattern_type(pattern)), says);
	if (match == CW_MATCH_YES)
		(void)fprintf(out, "becomes %" CW_STR_FMT "\n", CW_STR_ARG(text));
	*matched = match == CW_MATCH_YES;
	return 0;
}
