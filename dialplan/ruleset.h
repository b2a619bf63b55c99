/*
 * The rules and transforms of a configuration, in the order in which they are asked: an immutable snapshot.
 *
 * Built once at load and swapped whole at reload. Whoever plans with one holds no reference beyond the call; what it
 * needs later (zone, rule name) it copies or keeps the configuration that owns the snapshot.
 */
#ifndef CW_DIALPLAN_RULESET_H
#define CW_DIALPLAN_RULESET_H

#include "dialplan/index.h"

struct cw_ruleset;

/*
 * An empty rule set.
 *
 * Returns: the set, owned by the caller; NULL when memory is short.
 */
struct cw_ruleset *cw_ruleset_create(void);

/* Free it with its patterns; NULL is fine. */
void cw_ruleset_destroy(struct cw_ruleset *set);

/*
 * Add a rule (or a transform), in file order. The set takes the pattern on success.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_ruleset_add_rule(struct cw_ruleset *set, const struct cw_search_rule *rule);
int cw_ruleset_add_transform(struct cw_ruleset *set, const struct cw_transform *transform);

/*
 * Put everything in order (by priority, within one by file order), and make the index. Nothing may be added afterwards; to be called once, before planning.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_ruleset_seal(struct cw_ruleset *set);

/* The rules of a sealed set in the order in which they are asked, disabled ones among them. */
const struct cw_search_rule *const *cw_ruleset_rules(const struct cw_ruleset *set, size_t *count);

/* The transforms, likewise. */
const struct cw_transform *const *cw_ruleset_transforms(
	const struct cw_ruleset *set, size_t *count);

/* The index of the rules of a sealed set. */
const struct cw_index *cw_ruleset_index(const struct cw_ruleset *set);

#endif
