/*
 * What `causeway rules analyse` prints.
 */
#include "admin/rule_analysis.h"

#include "admin/text.h"

#include <jansson.h>

#include <errno.h>

#define OTHERS_SHOWN 6 /* places of other rules in text; JSON holds them all */

static const char *const level_names[] = {
	[CW_FINDING_NOTE] = "note",
	[CW_FINDING_WARNING] = "warning",
};

/* "bob@x.example from default, sip, ms-imp, authenticated" */
static int write_witness(
	struct cw_str *out, const struct cw_request *witness, struct cw_arena *arena)
{
	struct cw_str text;
	int r = cw_arena_printf(arena, &text, "%" CW_STR_FMT " from %" CW_STR_FMT ", %s, %s%s",
		CW_STR_ARG(witness->alias), CW_STR_ARG(witness->from->name),
		cw_protocol_name(witness->protocol), cw_variant_name(witness->variant),
		witness->authenticated ? ", authenticated" : "");

	return r ? r : cw_text_printable(out, text, arena);
}

/* "shadowed: rule 'b' is never reached: ..." */
static int write_message(
	struct cw_str *out, const struct cw_finding *finding, struct cw_arena *arena)
{
	struct cw_str text;
	int r = cw_arena_printf(arena, &text, "%s: rule '%s' %" CW_STR_FMT,
		cw_finding_kind_name(finding->kind), finding->rule->name.p,
		CW_STR_ARG(finding->message));

	return r ? r : cw_text_printable(out, text, arena);
}

int cw_rule_analysis_line(
	struct cw_str *out, const struct cw_finding *finding, struct cw_arena *arena)
{
	const struct cw_place *place;
	struct cw_str witness;
	size_t i;
	int r = write_message(out, finding, arena);

	for (i = 0; !r && i < finding->n_others && i < OTHERS_SHOWN; i++) {
		place = &finding->others[i]->place;
		r = cw_arena_printf(arena, out, "%" CW_STR_FMT "%s%s:%u", CW_STR_ARG(*out),
			i ? ", " : " (", place->file, place->line);
	}
	if (!r && finding->n_others)
		r = cw_arena_printf(arena, out, "%" CW_STR_FMT "%s)", CW_STR_ARG(*out),
			i < finding->n_others ? ", ..." : "");
	if (r || finding->witness.alias.len == 0)
		return r;
	r = write_witness(&witness, &finding->witness, arena);
	return r ? r
		 : cw_arena_printf(arena, out, "%" CW_STR_FMT "; witness: %" CW_STR_FMT,
			   CW_STR_ARG(*out), CW_STR_ARG(witness));
}

static int print_finding(FILE *out, const struct cw_finding *finding, struct cw_arena *arena)
{
	const struct cw_search_rule *rule;
	struct cw_str text;
	size_t i;
	int r = write_message(&text, finding, arena);

	if (r)
		return r;
	(void)fprintf(out, "%s:%u: %s: %" CW_STR_FMT "\n", finding->rule->place.file,
		finding->rule->place.line, level_names[finding->level], CW_STR_ARG(text));
	for (i = 0; i < finding->n_others && i < OTHERS_SHOWN; i++) {
		rule = finding->others[i];
		r = cw_text_printable(&text, rule->name, arena);
		if (r)
			return r;
		(void)fprintf(out, "        rule '%" CW_STR_FMT "': %s:%u\n", CW_STR_ARG(text),
			rule->place.file, rule->place.line);
	}
	if (i < finding->n_others)
		(void)fprintf(out, "        and %zu more\n", finding->n_others - i);
	if (finding->witness.alias.len == 0)
		return 0;
	r = write_witness(&text, &finding->witness, arena);
	if (!r)
		(void)fprintf(out, "        witness: %" CW_STR_FMT "\n", CW_STR_ARG(text));
	return r;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

int cw_rule_analysis_print(
	FILE *out, const struct cw_findings *findings, size_t n_rules, struct cw_arena *arena)
{
	size_t notes, i;
	int r = 0;

	for (i = 0; !r && i < findings->count; i++)
		r = print_finding(out, &findings->all[i], arena);
	notes = findings->count - findings->warnings;
	(void)fprintf(out, "%zu rule%s: %zu warning%s, %zu note%s\n", n_rules, plural(n_rules),
		findings->warnings, plural(findings->warnings), notes, plural(notes));
	return r;
}

static json_t *rule_json(const struct cw_search_rule *rule)
{
	return json_pack("{s:o, s:o, s:i}", "rule", cw_text_json(rule->name), "file",
		cw_text_json(cw_str_of(rule->place.file)), "line", (int)rule->place.line);
}

static json_t *witness_json(const struct cw_request *witness)
{
	if (witness->alias.len == 0)
		return json_null();
	return json_pack("{s:o, s:o, s:s, s:s, s:b}", "alias", cw_text_json(witness->alias), "from",
		cw_text_json(witness->from->name), "protocol", cw_protocol_name(witness->protocol),
		"variant", cw_variant_name(witness->variant), "authenticated",
		(int)witness->authenticated);
}

static json_t *finding_json(const struct cw_finding *finding)
{
	json_t *by = json_array();
	size_t i;

	for (i = 0; i < finding->n_others; i++)
		(void)json_array_append_new(by, rule_json(finding->others[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:i, s:o, s:o, s:o}", "kind",
		cw_finding_kind_name(finding->kind), "level", level_names[finding->level], "rule",
		cw_text_json(finding->rule->name), "file",
		cw_text_json(cw_str_of(finding->rule->place.file)), "line",
		(int)finding->rule->place.line, "by", by, "witness",
		witness_json(&finding->witness), "message", cw_text_json(finding->message));
}

int cw_rule_analysis_print_json(
	FILE *out, const struct cw_findings *findings, size_t n_rules, const char *file)
{
	json_t *all = json_array(), *report;
	size_t i;
	int r = 0;

	for (i = 0; i < findings->count && !r; i++)
		r = json_array_append_new(all, finding_json(&findings->all[i]));
	report = json_pack("{s:o, s:I, s:I, s:I, s:o}", "file", cw_text_json(cw_str_of(file)),
		"rules", (json_int_t)n_rules, "warnings", (json_int_t)findings->warnings, "notes",
		(json_int_t)(findings->count - findings->warnings), "findings", all);
	if (r || !report ||
		(json_dumpf(report, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) && !ferror(out)))
		r = -ENOMEM;
	json_decref(report);
	(void)fputc('\n', out);
	return r;
}
