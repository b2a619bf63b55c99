/* Any bytes as a configuration, settings and all: errors with places, or what `check` and `run` work with. Never a crash. */
#include "daemon/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What everybody who uses a configuration without errors relies on. */
static void check_promises(const struct cw_config *c)
{
	const struct cw_search_rule *const *rules;
	size_t n, i;

	if (c->n_zones == 0 || c->zones[0]->type != CW_ZONE_DEFAULT)
		abort();
	for (i = 0; i < c->n_zones; i++)
		if (c->zones[i]->index != i || c->zones[i]->name.p[c->zones[i]->name.len] != '\0' ||
			(c->zones[i]->type == CW_ZONE_NEIGHBOR && c->zones[i]->n_verify == 0))
			abort();
	rules = cw_ruleset_rules(c->rules, &n);
	for (i = 0; i < n; i++)
		if (!rules[i]->target || rules[i]->target->index == 0 ||
			(rules[i]->mode == CW_RULE_PATTERN) != (rules[i]->pattern != NULL))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;
	struct cw_diag diag = {0};
	struct cw_config *config;

	if (!sink)
		sink = fopen("/dev/null", "w");
	if (!sink ||
		cw_config_parse(&config, "fuzz", cw_str_make((const char *)data, size), &diag) != 0)
		abort();
	if (diag.errors == 0)
		check_promises(config);
	cw_config_require(config, CW_SEVERITY_ERROR, &diag);
	cw_config_analyse(config, &diag);
	cw_diag_print(&diag, sink);
	cw_config_destroy(config);
	cw_diag_finish(&diag);
	return 0;
}
