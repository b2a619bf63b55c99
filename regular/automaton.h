/*
 * A pattern as a finite automaton over bytes: the language of aliases that it matches.
 *
 * Where a pattern is not regular (look-around, back references, atomic groups) the automaton accepts *more* than the pattern, and says so.
 * Proofs that nothing is left (language.h) hold with such an automaton on the side that must match; on the side that must not match only
 * exact ones may stand.
 *
 * An automaton is read only, once it is made. Making one costs about as much as a few questions that use it, and some milliseconds where it
 * is large: keep it.
 */
#ifndef CW_REGULAR_AUTOMATON_H
#define CW_REGULAR_AUTOMATON_H

#include "dialplan/pattern.h"

struct cw_automaton;
struct cw_dfa;
struct cw_nfa;

/* Answer of the functions that make one. */
enum {
	CW_AUTOMATON_E_OUTSIDE = 1 /* not understood, or too large */
};

/*
 * The automaton of a pattern of any type.
 *
 * Returns: 0 and *out set, owned by the caller; CW_AUTOMATON_E_OUTSIDE with *why a static clause ("has a condition", "is too large for an
 * automaton"); -ENOMEM.
 */
int cw_automaton_of_pattern(
	struct cw_automaton **out, const struct cw_pattern *pattern, const char **why);

/*
 * The automaton of a regex, or of one text (caseless), for questions of our own.
 *
 * Returns: as above.
 */
int cw_automaton_of_regex(struct cw_automaton **out, struct cw_str regex, const char **why);
int cw_automaton_of_text(struct cw_automaton **out, struct cw_str text, const char **why);

/*
 * The automaton of the aliases that are IP addresses (cw_alias_is_ip).
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_automaton_of_addresses(struct cw_automaton **out);

/* Free it; NULL is fine. */
void cw_automaton_destroy(struct cw_automaton *automaton);

/* NULL when it accepts just what the pattern matches, else a static clause that says what makes it accept more ("has a back reference"). */
const char *cw_automaton_inexact(const struct cw_automaton *automaton);

/* Whether it accepts `text`: by simulation, for tests and small questions. No text with NUL, CR or LF is. */
bool cw_automaton_accepts(const struct cw_automaton *automaton, struct cw_str text);

/* For the search (language.h): its states; and all sets of them, or NULL where there are too many to be made in advance. */
const struct cw_nfa *cw_automaton_nfa(const struct cw_automaton *automaton);
const struct cw_dfa *cw_automaton_dfa(const struct cw_automaton *automaton);

#endif
