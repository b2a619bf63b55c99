#include "tests/support_c/ruleset_sample.h"

static const struct cw_zone zone_default = {.name = CW_STR("default"), .type = CW_ZONE_DEFAULT};
static const struct cw_zone zone_imp = {
	.name = CW_STR("IMP"), .index = 1, .type = CW_ZONE_NEIGHBOR, .trusted = true};
static const struct cw_zone zone_edge = {
	.name = CW_STR("edge"), .index = 2, .type = CW_ZONE_NEIGHBOR};
static const struct cw_zone zone_far = {
	.name = CW_STR("far away"), .index = 3, .type = CW_ZONE_DNS};

const struct cw_zone *const sample_zones[SAMPLE_ZONES] = {
	&zone_default, &zone_imp, &zone_edge, &zone_far};

static const struct cw_zone *const imp_or_default[] = {&zone_imp, &zone_default};

struct sample {
	struct cw_search_rule rule;
	enum cw_pattern_type type;
	const char *pattern, *replacement;
};

static const struct sample rules[] = {
	{{.name = CW_STR("inbound"),
		 .priority = 20,
		 .enabled = true,
		 .variant = CW_RULE_MS_IMP,
		 .source = CW_RULE_FROM_NAMED,
		 .sources = imp_or_default,
		 .n_sources = 2,
		 .stop = true,
		 .target = &zone_imp},
		CW_PATTERN_REGEX, ".*@x\\.example", NULL},
	{{.name = CW_STR("short numbers"), .priority = 10, .enabled = true, .target = &zone_edge},
		CW_PATTERN_PREFIX, "9", "+49"},
	{{.name = CW_STR("old"), .priority = 10, .target = &zone_edge}, CW_PATTERN_EXACT,
		"bob@x.example", NULL},
	{{.name = CW_STR("addresses"),
		 .priority = 30,
		 .enabled = true,
		 .mode = CW_RULE_ANY_IP,
		 .source = CW_RULE_FROM_ALL_ZONES,
		 .target = &zone_far},
		CW_PATTERN_ANY, NULL, NULL},
	{{.name = CW_STR("stanzas"),
		 .priority = 30,
		 .enabled = true,
		 .protocol = CW_RULE_ANY_PROTOCOL,
		 .mode = CW_RULE_ANY_ALIAS,
		 .target = &zone_far},
		CW_PATTERN_ANY, NULL, NULL},
	{{.name = CW_STR("own people elsewhere"),
		 .priority = 31,
		 .enabled = true,
		 .authenticated = true,
		 .target = &zone_edge},
		CW_PATTERN_SUFFIX, "@y.example", NULL},
	{{.name = CW_STR("hopeless"), .priority = 40, .enabled = true, .target = &zone_imp},
		CW_PATTERN_REGEX, "(a+)+[bc]", NULL},
};

static const struct {
	struct cw_transform transform;
	const char *suffix, *replacement;
} transforms[] = {
	{{.name = CW_STR("old domain"), .priority = 1, .enabled = true}, "@old.example",
		"@x.example"},
	{{.name = CW_STR("older domain"), .priority = 2}, "@older.example", "@x.example"},
};

static struct cw_pattern *make_pattern(
	enum cw_pattern_type type, const char *text, const char *replacement)
{
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;

	(void)cw_pattern_create(&p, type, cw_str_of(text),
		replacement ? CW_BEHAVIOR_REPLACE : CW_BEHAVIOR_LEAVE, cw_str_of(replacement),
		&error);
	return p;
}

struct cw_ruleset *sample_ruleset(const char *file)
{
	struct cw_ruleset *set = cw_ruleset_create();
	unsigned line = 3;
	int r = set ? 0 : -1;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !r; i++, line += 10) {
		struct cw_search_rule rule = rules[i].rule;

		rule.place = (struct cw_place){.file = file, .line = line, .column = 6};
		if (rules[i].pattern)
			rule.pattern =
				make_pattern(rules[i].type, rules[i].pattern, rules[i].replacement);
		r = cw_ruleset_add_rule(set, &rule);
	}
	for (size_t i = 0; i < sizeof(transforms) / sizeof(transforms[0]) && !r; i++, line += 10) {
		struct cw_transform transform = transforms[i].transform;

		transform.place = (struct cw_place){.file = file, .line = line, .column = 11};
		transform.pattern = make_pattern(
			CW_PATTERN_SUFFIX, transforms[i].suffix, transforms[i].replacement);
		r = cw_ruleset_add_transform(set, &transform);
	}
	if (!r)
		r = cw_ruleset_seal(set);
	if (!r)
		return set;
	cw_ruleset_destroy(set);
	return NULL;
}
