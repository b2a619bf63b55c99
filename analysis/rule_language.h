/*
 * The languages of a rule set: which aliases each rule and each transform matches, as automata that are made when they are first needed.
 */
#ifndef CW_ANALYSIS_RULE_LANGUAGE_H
#define CW_ANALYSIS_RULE_LANGUAGE_H

#include "dialplan/ruleset.h"
#include "regular/language.h"

#define CW_RULE_LANGUAGES_KEPT 4096 /* automata of rules that are kept, some 5 KB each */

struct cw_rule_languages;

/*
 * For the rules of a sealed set, which must outlive it.
 *
 * Returns: owned by the caller; NULL when memory is short.
 */
struct cw_rule_languages *cw_rule_languages_create(const struct cw_ruleset *set);

/* Free it; NULL is fine. */
void cw_rule_languages_destroy(struct cw_rule_languages *languages);

/* Forget the automata of rules if there are more than CW_RULE_LANGUAGES_KEPT: what was borrowed is gone. */
void cw_rule_languages_trim(struct cw_rule_languages *languages);

/* The set that it was made for. */
const struct cw_ruleset *cw_rule_languages_set(const struct cw_rule_languages *languages);

/*
 * The aliases that a rule's mode and pattern match: one language, in `in`, or for mode any-alias in `out`. Borrowed until the next trim. *why is
 * NULL when it is just these, else a static clause that says why the language holds more ("has a look-around").
 *
 * Returns: 0 and *out set; CW_AUTOMATON_E_OUTSIDE with *why saying why there is none; -ENOMEM.
 */
int cw_rule_language(struct cw_rule_languages *languages, const struct cw_search_rule *rule,
	struct cw_language_query *out, const char **why);

/*
 * The aliases that a transform matches, likewise.
 *
 * Returns: as cw_rule_language.
 */
int cw_rule_language_of_transform(struct cw_rule_languages *languages,
	const struct cw_transform *transform, struct cw_language_query *out, const char **why);

/*
 * Aliases among which all lie that a transform makes, or with the behavior leave keeps as they are.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_rule_language_of_result(struct cw_automaton **out, const struct cw_transform *transform);

/*
 * Whether all aliases that `rule` matches are aliases that `other` matches.
 *
 * Returns: 0 with *yes, which is false also where it is not proved; -ENOMEM.
 */
int cw_rule_language_within(struct cw_rule_languages *languages, const struct cw_search_rule *rule,
	const struct cw_search_rule *other, bool *yes);

/*
 * Addresses as people have them, user@host, which are believed at a glance. Borrowed.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_rule_language_plausible(
	struct cw_rule_languages *languages, const struct cw_automaton **out);

#endif
