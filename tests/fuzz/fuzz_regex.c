/*
 * Any bytes as a regex and an alias, parted by NUL: what is read of the regex matches what PCRE2 does. An exact automaton accepts just the
 * aliases that PCRE2 matches, another at least those; so it is with the shortest word that the automaton accepts.
 */
#include "dialplan/alias.h"
#include "regular/language.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void compare(
	const struct cw_pattern *pattern, const struct cw_automaton *automaton, struct cw_str text)
{
	enum cw_match match = cw_pattern_match(pattern, text);
	bool is_accepted = cw_automaton_accepts(automaton, text);

	if (match == CW_MATCH_YES)
		require(is_accepted);
	if (match == CW_MATCH_NO)
		require(!is_accepted || cw_automaton_inexact(automaton));
}

/* Compare with a word that the automaton accepts and the text is none of. */
static void compare_word(
	const struct cw_pattern *pattern, const struct cw_automaton *automaton, struct cw_str not )
{
	struct cw_automaton *out;
	struct cw_language_query query = {.in = &automaton,
		.n_in = 1,
		.out = (const struct cw_automaton *const *)&out,
		.n_out = 1,
		.states_max = 1000};
	enum cw_language_answer answer;
	struct cw_arena arena = {0};
	struct cw_str word;
	const char *why;

	if (cw_automaton_of_text(&out, not, &why))
		return;
	require(cw_language_find(&query, &arena, &answer, &word) == 0);
	if (answer == CW_LANGUAGE_FOUND) {
		require(cw_alias_is_usable(word));
		require(cw_automaton_accepts(automaton, word));
		require(!cw_automaton_accepts(out, word));
		compare(pattern, automaton, word);
	}
	cw_automaton_destroy(out);
	cw_arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_str regex = {(const char *)data, size}, text;
	struct cw_automaton *automaton;
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	const char *why;

	regex.len = cw_str_find(regex, '\0');
	text = cw_str_from(cw_str_make((const char *)data, size), regex.len + 1);
	if (cw_pattern_create(&pattern, CW_PATTERN_REGEX, regex, CW_BEHAVIOR_LEAVE,
		    cw_str_make("", 0), &error))
		return 0;
	if (cw_automaton_of_pattern(&automaton, pattern, &why) == 0) {
		if (cw_alias_is_usable(text))
			compare(pattern, automaton, text);
		compare_word(pattern, automaton, text);
		cw_automaton_destroy(automaton);
	}
	cw_pattern_destroy(pattern);
	return 0;
}
