/*
 * The rules of a configuration in the order in which they are asked.
 */
#include "dialplan/ruleset.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct cw_ruleset {
	struct cw_search_rule
		*rules; /* in file order, with the pointers below into it once sealed */
	size_t n_rules, rules_capacity;
	struct cw_transform *transforms;
	size_t n_transforms, transforms_capacity;
	const struct cw_search_rule **rule_order;
	const struct cw_transform **transform_order;
	struct cw_index *index;
	bool sealed;
};

struct cw_ruleset *cw_ruleset_create(void)
{
	return calloc(1, sizeof(struct cw_ruleset));
}

void cw_ruleset_destroy(struct cw_ruleset *set)
{
	size_t i;

	if (!set)
		return;
	for (i = 0; i < set->n_rules; i++)
		cw_pattern_destroy(set->rules[i].pattern);
	for (i = 0; i < set->n_transforms; i++)
		cw_pattern_destroy(set->transforms[i].pattern);
	free(set->rules);
	free(set->transforms);
	free(set->rule_order);
	free(set->transform_order);
	cw_index_destroy(set->index);
	free(set);
}

/* Room for one more element behind `count`: the array, perhaps moved, or NULL with the old one kept. */
static void *grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
	size_t wanted = *capacity ? *capacity * 2 : 16;

	if (count < *capacity)
		return array;
	if (wanted > SIZE_MAX / element_size)
		return NULL;
	array = realloc(array, wanted * element_size);
	if (array)
		*capacity = wanted;
	return array;
}

int cw_ruleset_add_rule(struct cw_ruleset *set, const struct cw_search_rule *rule)
{
	struct cw_search_rule *rules;

	assert(!set->sealed);
	rules = grow(set->rules, set->n_rules, &set->rules_capacity, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	set->rules = rules;
	rules[set->n_rules++] = *rule;
	return 0;
}

int cw_ruleset_add_transform(struct cw_ruleset *set, const struct cw_transform *transform)
{
	struct cw_transform *transforms;

	assert(!set->sealed);
	transforms = grow(
		set->transforms, set->n_transforms, &set->transforms_capacity, sizeof(*transforms));
	if (!transforms)
		return -ENOMEM;
	set->transforms = transforms;
	transforms[set->n_transforms++] = *transform;
	return 0;
}

/* Within one priority the file order stands, which is the order of the addresses. */
static int compare_rules(const void *a, const void *b)
{
	const struct cw_search_rule *x = *(const struct cw_search_rule *const *)a;
	const struct cw_search_rule *y = *(const struct cw_search_rule *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int compare_transforms(const void *a, const void *b)
{
	const struct cw_transform *x = *(const struct cw_transform *const *)a;
	const struct cw_transform *y = *(const struct cw_transform *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x < y ? -1 : x > y;
}

int cw_ruleset_seal(struct cw_ruleset *set)
{
	struct cw_search_rule *rules;
	size_t i;

	assert(!set->sealed);
	/* no more will be added: up to half of a large array is free */
	rules = realloc(set->rules, (set->n_rules + 1) * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	set->rules = rules;
	set->rule_order = calloc(set->n_rules + 1, sizeof(const struct cw_search_rule *));
	set->transform_order = calloc(set->n_transforms + 1, sizeof(const struct cw_transform *));
	if (!set->rule_order || !set->transform_order)
		goto fail;
	for (i = 0; i < set->n_rules; i++)
		set->rule_order[i] = &set->rules[i];
	for (i = 0; i < set->n_transforms; i++)
		set->transform_order[i] = &set->transforms[i];
	qsort(set->rule_order, set->n_rules, sizeof(const struct cw_search_rule *), compare_rules);
	qsort(set->transform_order, set->n_transforms, sizeof(const struct cw_transform *),
		compare_transforms);
	/* the order holds pointers to const; what they point to is ours */
	for (i = 0; i < set->n_rules; i++)
		set->rules[set->rule_order[i] - set->rules].index = i;
	for (i = 0; i < set->n_transforms; i++)
		set->transforms[set->transform_order[i] - set->transforms].index = i;
	if (cw_index_create(&set->index, set->rule_order, set->n_rules))
		goto fail;
	set->sealed = true;
	return 0;

fail:
	free(set->rule_order);
	free(set->transform_order);
	set->rule_order = NULL;
	set->transform_order = NULL;
	return -ENOMEM;
}

const struct cw_search_rule *const *cw_ruleset_rules(const struct cw_ruleset *set, size_t *count)
{
	assert(set->sealed);
	*count = set->n_rules;
	return set->rule_order;
}

const struct cw_transform *const *cw_ruleset_transforms(const struct cw_ruleset *set, size_t *count)
{
	assert(set->sealed);
	*count = set->n_transforms;
	return set->transform_order;
}

const struct cw_index *cw_ruleset_index(const struct cw_ruleset *set)
{
	assert(set->sealed);
	return set->index;
}
