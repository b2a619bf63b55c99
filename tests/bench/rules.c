/*
 * What a decision costs at 10 and 1,000 rules: ns per decision, and per rule asked, of rules as administrators write them.
 * It measures and judges nothing: machines differ, ratios within one run tell.
 */
#include "dialplan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_NS 200000000 /* each case runs this long, at least */

static const struct cw_zone outside = {.name = CW_STR("default"), .type = CW_ZONE_DEFAULT};
static const struct cw_zone inside = {
	.name = CW_STR("inside"), .index = 1, .type = CW_ZONE_NEIGHBOR};

/* A kind of rule; the number of the rule's partner stands between the two parts of its pattern. */
static const struct kind {
	const char *name;
	enum cw_pattern_type type;
	const char *begin, *end;
} kinds[] = {
	{"regex", CW_PATTERN_REGEX, ".*@partner", "\\.example(;.*)?"},
	{"grouped", CW_PATTERN_REGEX, "(?:.*@partner", "\\.example(;.*)?)"}, /* without a literal */
	{"suffix", CW_PATTERN_SUFFIX, "@partner", ".example"},
};

static void *or_exit(void *p)
{
	if (p)
		return p;
	fprintf(stderr, "out of memory\n");
	exit(1);
}

static struct cw_ruleset *make_set(const struct kind *kind, size_t n)
{
	struct cw_ruleset *set = or_exit(cw_ruleset_create());
	struct cw_pattern_error error;
	char text[80];
	size_t i;

	for (i = 0; i < n; i++) {
		struct cw_search_rule rule = {.name = cw_str_of("rule"),
			.priority = (unsigned)i + 1,
			.enabled = true,
			.stop = true,
			.target = &inside};

		(void)snprintf(text, sizeof(text), "%s%zu%s", kind->begin, i, kind->end);
		if (cw_pattern_create(&rule.pattern, kind->type, cw_str_of(text), CW_BEHAVIOR_LEAVE,
			    cw_str_of(NULL), &error) ||
			cw_ruleset_add_rule(set, &rule))
			or_exit(NULL);
	}
	if (cw_ruleset_seal(set))
		or_exit(NULL);
	return set;
}

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void decide(const struct cw_ruleset *set, const char *alias, size_t times)
{
	struct cw_request request = {
		.method = cw_str_of("MESSAGE"), .alias = cw_str_of(alias), .from = &outside};
	struct cw_arena arena = {0};
	struct cw_plan plan;

	for (; times; times--) {
		if (cw_plan_decide(&plan, set, &request, &arena))
			or_exit(NULL);
		cw_arena_finish(&arena);
	}
}

/* ns of CPU per decision on `alias`. */
static double measure(const struct cw_ruleset *set, const char *alias)
{
	double begin, spent;
	size_t n = 0;

	decide(set, alias, 1); /* compiles what it asks */
	begin = now_ns();
	do {
		decide(set, alias, 100);
		n += 100;
		spent = now_ns() - begin;
	} while (spent < ROUND_NS);
	return spent / (double)n;
}

int main(void)
{
	static const size_t sizes[] = {10, 1000};
	char alias[80];
	size_t k, s;

	printf("%-8s %8s %14s %14s %14s\n", "pattern", "rules", "no match ns", "last one ns",
		"per rule ns");
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct cw_ruleset *set = make_set(&kinds[k], sizes[s]);
			double none = measure(set, "somebody.longer@elsewhere.example");
			double last;

			(void)snprintf(alias, sizeof(alias), "somebody.longer@partner%zu.example",
				sizes[s] - 1);
			last = measure(set, alias);
			printf("%-8s %8zu %14.0f %14.0f %14.1f\n", kinds[k].name, sizes[s], none,
				last, none / (double)sizes[s]);
			cw_ruleset_destroy(set);
		}
	}
	return 0;
}
