/* causeway check: the configuration as `run` would read it, and what is wrong or doubtful about it. */
#include "daemon/commands.h"

#include "admin/rule_analysis.h"
#include "admin/text.h"
#include "analysis/analysis.h"
#include "daemon/console.h"
#include "daemon/dns_check.h"

#include <jansson.h>

#include <errno.h>

#define EXIT_CLEAN    0
#define EXIT_WARNINGS 1
#define EXIT_ERRORS   2

static json_t *entry_json(const struct cw_diag_entry *e)
{
	const char *severity = e->severity == CW_SEVERITY_ERROR ? "error" : "warning";

	if (!e->place.file)
		return json_pack("{s:s, s:s}", "severity", severity, "message", e->message);
	return json_pack("{s:s, s:o, s:i, s:i, s:s}", "severity", severity, "file",
		cw_text_json(cw_str_of(e->place.file)), "line", (int)e->place.line, "column",
		(int)e->place.column, "message", e->message);
}

static int print_json(const char *path, const struct cw_config *config, struct cw_diag *diag)
{
	size_t n_rules, i;
	json_t *messages = json_array(), *report;
	int r = 0;

	(void)cw_ruleset_rules(config->rules, &n_rules);
	cw_diag_sort(diag);
	for (i = 0; i < diag->count; i++)
		json_array_append_new(messages, entry_json(&diag->entries[i]));
	report = json_pack("{s:o, s:I, s:I, s:I, s:I, s:o}", "file", cw_text_json(cw_str_of(path)),
		"errors", (json_int_t)diag->errors, "warnings", (json_int_t)diag->warnings, "zones",
		(json_int_t)config->n_zones - 1, "rules", (json_int_t)n_rules, "messages",
		messages);
	if (!report || (json_dumpf(report, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) &&
			       !ferror(stdout)))
		r = -ENOMEM;
	json_decref(report);
	putchar('\n');
	return r;
}

static void print_text(const char *path, const struct cw_config *config, const struct cw_diag *diag,
	size_t n_notes)
{
	size_t n_rules;

	cw_diag_print(diag, stderr);
	if (diag->errors)
		return;
	(void)cw_ruleset_rules(config->rules, &n_rules);
	printf("%s: %s (listeners: %zu, zones: %zu, rules: %zu)\n", path,
		diag->warnings ? "usable, with warnings" : "good", config->n_listeners,
		config->n_zones - 1, n_rules);
	if (n_notes)
		printf("notes on the rules: %zu (causeway rules analyse)\n", n_notes);
}

/* Add what is wrong with the rules, and count what is only worth knowing. */
static int analyse_rules(const struct cw_config *config, struct cw_diag *diag, size_t *n_notes)
{
	struct cw_arena arena = {0};
	struct cw_findings findings = {.arena = &arena};
	const struct cw_finding *f;
	struct cw_str line;
	size_t i;
	int r = cw_analysis_run(&findings, config->rules, config->zones, config->n_zones);

	for (i = 0; !r && i < findings.count; i++) {
		f = &findings.all[i];
		if (f->level == CW_FINDING_NOTE)
			continue;
		r = cw_rule_analysis_line(&line, f, &arena);
		if (!r)
			cw_diag_add(diag, CW_SEVERITY_WARNING, &f->rule->place, "%" CW_STR_FMT,
				CW_STR_ARG(line));
	}
	*n_notes = findings.count - findings.warnings;
	cw_arena_finish(&arena);
	return r;
}

int cw_command_check(const struct cw_options *options)
{
	const char *path = cw_options_config(options);
	struct cw_config *config;
	struct cw_diag diag = {0};
	size_t n_notes = 0;
	int status, r = 0;

	if (cw_config_load(&config, path, &diag) != 0) {
		cw_diag_finish(&diag);
		return cw_console_error("check", "out of memory");
	}
	cw_config_require(config, CW_SEVERITY_WARNING, &diag);
	cw_config_try_files(config, &diag);
	if (diag.errors == 0) {
		cw_config_analyse(config, &diag);
		r = analyse_rules(config, &diag, &n_notes);
		if (!r && options->value[CW_OPTION_DNS])
			r = cw_dns_check(config, &diag);
	}

	status = diag.errors ? EXIT_ERRORS : diag.warnings ? EXIT_WARNINGS : EXIT_CLEAN;
	if (!r && options->value[CW_OPTION_JSON])
		r = print_json(path, config, &diag);
	else if (!r)
		print_text(path, config, &diag, n_notes);
	cw_config_destroy(config);
	cw_diag_finish(&diag);
	return cw_console_finish("check", r, status);
}
