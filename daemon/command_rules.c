/*
 * causeway rules analyse, rules import, rules list and rules test.
 */
#include "daemon/commands.h"

#include "admin/rule_analysis.h"
#include "admin/rule_import.h"
#include "admin/rule_list.h"
#include "admin/rule_test.h"
#include "analysis/analysis.h"
#include "daemon/console.h"

#include <stdlib.h>

#define TEST_FILE_MAX (64u << 20) /* bytes of a file of rule tests */

int cw_command_rules_import(const struct cw_options *options)
{
	const char *path = options->args[0];
	struct cw_rule_import result;
	struct cw_str text;
	int r, status = cw_console_read_file(&text, "rules import", path, CW_RULE_IMPORT_BYTES_MAX);

	if (status)
		return status;
	r = cw_rule_import(&result, stdout, stderr, path, text);
	free((void *)(uintptr_t)text.p);
	if (r == CW_RULE_IMPORT_E_UNREADABLE)
		return cw_console_error("rules import", "%s: %s", path, result.unreadable);
	return cw_console_finish("rules import", r, result.remarks ? CW_EXIT_NO : CW_EXIT_YES);
}

int cw_command_rules_list(const struct cw_options *options)
{
	struct cw_arena arena = {0};
	struct cw_config *config;
	int r = cw_console_load(&config, options);

	if (r)
		return r;
	r = cw_rule_list_print(stdout, config->rules, &arena, cw_console_colours());
	cw_arena_finish(&arena);
	cw_config_destroy(config);
	return cw_console_finish("rules list", r, CW_EXIT_YES);
}

/* Run one file. Returns: 0, or CW_EXIT_ERROR when it cannot be read or holds lines that cannot. */
static int run_file(struct cw_rule_test *test, const char *path)
{
	struct cw_diag diag = {0};
	struct cw_str text;
	int r, status = cw_console_read_file(&text, "rules test", path, TEST_FILE_MAX);

	if (status)
		return status;
	r = cw_rule_test_run(test, path, text, &diag);
	(void)fflush(stdout);
	if (diag.errors)
		cw_diag_print(&diag, stderr);
	status = diag.errors ? CW_EXIT_ERROR : 0;
	cw_diag_finish(&diag);
	free((void *)(uintptr_t)text.p);
	return r ? cw_console_error("rules test", "%s", strerror(-r)) : status;
}

int cw_command_rules_test(const struct cw_options *options)
{
	struct cw_rule_test test = {.out = stdout, .colours = cw_console_colours()};
	struct cw_config *config;
	size_t i;
	int r = 0, status = cw_console_load(&config, options);

	if (status)
		return status;
	test.set = config->rules;
	test.zones = config->zones;
	test.n_zones = config->n_zones;
	for (i = 0; i < options->n_args; i++)
		if (run_file(&test, options->args[i]))
			status = CW_EXIT_ERROR;
	if (options->value[CW_OPTION_COVERAGE])
		r = cw_rule_test_print_coverage(&test);
	(void)printf("%zu passed, %zu failed\n", test.passed, test.failed);
	if (!status && test.failed)
		status = CW_EXIT_NO;
	cw_rule_test_finish(&test);
	cw_config_destroy(config);
	return cw_console_finish("rules test", r, status);
}

int cw_command_rules_analyse(const struct cw_options *options)
{
	struct cw_arena arena = {0};
	struct cw_findings findings = {.arena = &arena};
	struct cw_config *config;
	size_t n_rules;
	int r, status = cw_console_load(&config, options);

	if (status)
		return status;
	(void)cw_ruleset_rules(config->rules, &n_rules);
	r = cw_analysis_run(&findings, config->rules, config->zones, config->n_zones);
	if (!r && options->value[CW_OPTION_JSON])
		r = cw_rule_analysis_print_json(
			stdout, &findings, n_rules, cw_options_config(options));
	else if (!r)
		r = cw_rule_analysis_print(stdout, &findings, n_rules, &arena);
	status = findings.warnings ? CW_EXIT_NO : CW_EXIT_YES;
	cw_arena_finish(&arena);
	cw_config_destroy(config);
	return cw_console_finish("rules analyse", r, status);
}
