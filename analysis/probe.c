/*
 * Questions about patterns, asked of their languages.
 */
#include "analysis/probe.h"

#include <assert.h>

static const char *const forms[] = {
	/*
	 * the user has no dot: `.*imp1\.uc\.example.*` matches any domain if the user is called so.
	 * RFC 2606, 2: .invalid is nobody's
	 */
	[CW_PROBE_STRANGE] = "([a-z0-9]+@)?[a-z0-9]+\\.invalid",
	[CW_PROBE_USER] = "[^@;\\s]+@([a-z0-9-]+\\.)*[a-z][a-z0-9-]*([:;][^@\\s]*)?",
	[CW_PROBE_HOST] = "([a-z0-9-]+\\.)*[a-z][a-z0-9-]*([:;][^@\\s]*)?",
};

void cw_probe_finish(struct cw_probe *probe)
{
	size_t i;

	for (i = 0; i < CW_PROBE_FORMS; i++)
		cw_automaton_destroy(probe->forms[i]);
	*probe = (struct cw_probe){0};
}

/* Whether no alias of the form holds the literal. */
static bool lacks(enum cw_probe_form form, struct cw_str literal)
{
	static const struct cw_str domain = CW_STR(".invalid");
	size_t dot = cw_str_find(literal, '.');

	switch (form) {
	case CW_PROBE_STRANGE:
		return dot < literal.len && !cw_str_case_starts(domain, cw_str_from(literal, dot));
	case CW_PROBE_HOST:
		return cw_str_find(literal, '@') < literal.len;
	case CW_PROBE_USER:
		return false;
	}
	return false;
}

/*
 * Whether the pattern needs what no alias of the form holds: of most patterns that answers the
 * question, and costs nothing.
 */
static bool is_plainly_none(enum cw_probe_form form, const struct cw_pattern *pattern)
{
	struct cw_str needs = cw_pattern_needs(pattern);
	struct cw_literal any_of[CW_NEED_LITERALS];
	size_t n, i;

	if (cw_pattern_type(pattern) != CW_PATTERN_REGEX)
		return lacks(form, cw_pattern_text(pattern));
	while ((n = cw_literal_next(&needs, any_of)) > 0) {
		for (i = 0; i < n && lacks(form, any_of[i].text); i++)
			;
		if (i == n)
			return true;
	}
	return false;
}

/* Look for an alias that both match. */
static int search(struct cw_probe *probe, enum cw_probe_form form, const struct cw_pattern *pattern,
	struct cw_arena *arena, enum cw_language_answer *answer, struct cw_str *alias)
{
	struct cw_automaton *automaton = NULL;
	const struct cw_automaton *both[2];
	const struct cw_language_query query = {.in = both, .n_in = 2};
	const char *why;
	int r = cw_automaton_of_pattern(&automaton, pattern, &why);

	if (r == CW_AUTOMATON_E_OUTSIDE)
		*answer = CW_LANGUAGE_LIMIT;
	if (r)
		return r == CW_AUTOMATON_E_OUTSIDE ? 0 : r;
	both[0] = automaton;
	both[1] = probe->forms[form];
	r = cw_language_find(&query, arena, answer, alias);
	cw_automaton_destroy(automaton);
	return r;
}

int cw_probe_find(struct cw_probe *probe, enum cw_probe_form form, const struct cw_pattern *pattern,
	struct cw_arena *arena, enum cw_language_answer *answer, struct cw_str *alias)
{
	const char *why;
	int r = 0;

	if (is_plainly_none(form, pattern)) {
		*answer = CW_LANGUAGE_NONE;
		return 0;
	}
	if (!probe->forms[form])
		r = cw_automaton_of_regex(&probe->forms[form], cw_str_of(forms[form]), &why);
	assert(r <= 0);
	if (!r)
		r = search(probe, form, pattern, arena, answer, alias);
	/* an automaton that is not exact finds what the pattern may not match */
	if (!r && *answer == CW_LANGUAGE_FOUND && cw_pattern_match(pattern, *alias) != CW_MATCH_YES)
		*answer = CW_LANGUAGE_LIMIT;
	return r;
}
