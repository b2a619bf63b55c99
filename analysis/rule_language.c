/*
 * The languages of the rules and transforms of a set.
 */
#include "analysis/rule_language.h"

#include "core/buf.h"
#include "regular/conjunction.h"

#include <errno.h>
#include <stdlib.h>

#define PLAUSIBLE "[a-z0-9][a-z0-9._-]*@[a-z0-9-]+(\\.[a-z0-9-]+)*"

/* An automaton that was made, or why there is none; neither before it is needed. */
struct entry {
	const struct cw_automaton *automaton;
	const char *why;
};

struct cw_rule_languages {
	const struct cw_ruleset *set;
	struct entry *rules;      /* in the order of the set */
	size_t n_kept;            /* of them, made */
	struct entry *transforms; /* likewise */
	struct entry addresses;   /* aliases that are IP addresses */
	struct entry plausible;
};

struct cw_rule_languages *cw_rule_languages_create(const struct cw_ruleset *set)
{
	struct cw_rule_languages *languages = calloc(1, sizeof(*languages));
	size_t n_rules, n_transforms;

	if (!languages)
		return NULL;
	(void)cw_ruleset_rules(set, &n_rules);
	(void)cw_ruleset_transforms(set, &n_transforms);
	languages->set = set;
	languages->rules = calloc(n_rules + 1, sizeof(*languages->rules));
	languages->transforms = calloc(n_transforms + 1, sizeof(*languages->transforms));
	if (languages->rules && languages->transforms)
		return languages;
	cw_rule_languages_destroy(languages);
	return NULL;
}

static void finish_entries(struct entry *entries, size_t n)
{
	size_t i;

	for (i = 0; entries && i < n; i++) {
		cw_automaton_destroy((struct cw_automaton *)(uintptr_t)entries[i].automaton);
		entries[i] = (struct entry){NULL, NULL};
	}
}

void cw_rule_languages_trim(struct cw_rule_languages *languages)
{
	size_t n_rules;

	if (languages->n_kept <= CW_RULE_LANGUAGES_KEPT)
		return;
	(void)cw_ruleset_rules(languages->set, &n_rules);
	finish_entries(languages->rules, n_rules);
	languages->n_kept = 0;
}

void cw_rule_languages_destroy(struct cw_rule_languages *languages)
{
	size_t n_rules, n_transforms;

	if (!languages)
		return;
	(void)cw_ruleset_rules(languages->set, &n_rules);
	(void)cw_ruleset_transforms(languages->set, &n_transforms);
	finish_entries(languages->rules, n_rules);
	finish_entries(languages->transforms, n_transforms);
	finish_entries(&languages->addresses, 1);
	finish_entries(&languages->plausible, 1);
	free(languages->rules);
	free(languages->transforms);
	free(languages);
}

const struct cw_ruleset *cw_rule_languages_set(const struct cw_rule_languages *languages)
{
	return languages->set;
}

/* Keep what making an automaton answered. Returns: 0, also when there is none; -ENOMEM. */
static int keep(struct entry *entry, int r, struct cw_automaton *made, const char *why)
{
	if (r < 0)
		return r;
	entry->automaton = made;
	entry->why = r ? why : cw_automaton_inexact(made);
	return 0;
}

static int make_of_pattern(struct entry *entry, const struct cw_pattern *pattern)
{
	struct cw_automaton *made = NULL;
	const char *why = NULL;
	int r;

	if (entry->automaton || entry->why)
		return 0;
	r = cw_automaton_of_pattern(&made, pattern, &why);
	return keep(entry, r, made, why);
}

static int make_of_addresses(struct entry *entry)
{
	struct cw_automaton *made = NULL;
	int r;

	if (entry->automaton)
		return 0;
	r = cw_automaton_of_addresses(&made);
	return keep(entry, r, made, NULL);
}

/* Borrow an entry as a query. */
static int lend(const struct entry *entry, struct cw_language_query *out, const char **why)
{
	*why = entry->why;
	if (!entry->automaton)
		return CW_AUTOMATON_E_OUTSIDE;
	*out = (struct cw_language_query){.in = &entry->automaton, .n_in = 1};
	return 0;
}

int cw_rule_language(struct cw_rule_languages *languages, const struct cw_search_rule *rule,
	struct cw_language_query *out, const char **why)
{
	struct entry *entry = &languages->addresses;
	int r;

	if (rule->mode == CW_RULE_PATTERN) {
		entry = &languages->rules[rule->index];
		languages->n_kept += !entry->automaton && !entry->why;
		r = make_of_pattern(entry, rule->pattern);
	} else {
		r = make_of_addresses(entry);
	}
	if (!r)
		r = lend(entry, out, why);
	if (!r && rule->mode == CW_RULE_ANY_ALIAS)
		*out = (struct cw_language_query){.out = out->in, .n_out = 1};
	return r;
}

int cw_rule_language_of_transform(struct cw_rule_languages *languages,
	const struct cw_transform *transform, struct cw_language_query *out, const char **why)
{
	struct entry *entry = &languages->transforms[transform->index];
	int r = make_of_pattern(entry, transform->pattern);

	return r ? r : lend(entry, out, why);
}

int cw_rule_language_within(struct cw_rule_languages *languages, const struct cw_search_rule *rule,
	const struct cw_search_rule *other, bool *yes)
{
	struct cw_conjunction rest = {.n_in = 0};
	struct cw_language_query inner, outer;
	enum cw_language_answer answer;
	struct cw_arena arena = {0};
	const char *why;
	struct cw_str word;
	int r = cw_rule_language(languages, rule, &inner, &why);

	*yes = false;
	if (!r)
		r = cw_rule_language(languages, other, &outer, &why);
	if (r || why)
		return r < 0 ? r : 0;
	cw_conjunction_add(&rest, &inner);
	cw_conjunction_add_not(&rest, &outer);
	r = cw_conjunction_find(&rest, 0, &arena, &answer, &word);
	*yes = !r && answer == CW_LANGUAGE_NONE;
	cw_arena_finish(&arena);
	return r;
}

int cw_rule_language_plausible(struct cw_rule_languages *languages, const struct cw_automaton **out)
{
	struct entry *entry = &languages->plausible;
	struct cw_automaton *made = NULL;
	const char *why;
	int r = 0;

	if (!entry->automaton) {
		r = cw_automaton_of_regex(&made, cw_str_of(PLAUSIBLE), &why);
		r = keep(entry, r, made, NULL);
	}
	if (!r)
		*out = entry->automaton;
	return r;
}

/* Write a replacement as a regex: its text, each byte as \xhh, and for a group anything. */
static void write_replacement(struct cw_buf *regex, struct cw_str text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '\\' && ++i < text.len && text.p[i] != '\\')
			cw_buf_add(regex, cw_str_of(".*"));
		else
			cw_buf_printf(regex, "\\x%02x", (unsigned)(unsigned char)text.p[i]);
	}
}

/* Aliases among which all lie that a pattern makes. */
static int make_of_rewriting(
	struct cw_automaton **out, const struct cw_pattern *pattern, const char **why)
{
	enum cw_pattern_type type = cw_pattern_type(pattern);
	struct cw_buf regex;
	int r;

	cw_buf_init(&regex, 0);
	if (type == CW_PATTERN_SUFFIX)
		cw_buf_add(&regex, cw_str_of(".*"));
	write_replacement(&regex, cw_pattern_replacement(pattern));
	if (type == CW_PATTERN_PREFIX)
		cw_buf_add(&regex, cw_str_of(".*"));
	r = regex.error ? regex.error : cw_automaton_of_regex(out, cw_buf_str(&regex), why);
	cw_buf_finish(&regex);
	return r;
}

int cw_rule_language_of_result(struct cw_automaton **out, const struct cw_transform *transform)
{
	const char *why;
	int r = cw_pattern_behavior(transform->pattern) == CW_BEHAVIOR_LEAVE
			? cw_automaton_of_pattern(out, transform->pattern, &why)
			: make_of_rewriting(out, transform->pattern, &why);

	/* not understood or too large: all aliases hold it as well */
	return r == CW_AUTOMATON_E_OUTSIDE ? cw_automaton_of_regex(out, cw_str_of(".*"), &why) : r;
}
