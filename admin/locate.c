/*
 * What `causeway locate` prints.
 */
#include "admin/locate.h"

#include "admin/grid.h"
#include "admin/text.h"

#include <jansson.h>

#include <errno.h>

#define PLACE_COLUMN_MAX 32 /* longer places stand below the reason, or the reason had no room */
#define NAME_COLUMN_MAX  28

static const enum cw_grid_style verdict_styles[] = {
	[CW_VERDICT_MATCH] = CW_GRID_GOOD,
	[CW_VERDICT_NO_MATCH] = CW_GRID_PLAIN,
	[CW_VERDICT_SKIPPED] = CW_GRID_FAINT,
	[CW_VERDICT_NOT_REACHED] = CW_GRID_FAINT,
	[CW_VERDICT_LIMIT] = CW_GRID_BAD,
};

int cw_locate_place(struct cw_str *out, const struct cw_place *place, struct cw_arena *arena)
{
	if (place->file)
		return cw_arena_printf(arena, out, "%s:%u", place->file, place->line);
	*out = cw_str_make("", 0);
	return 0;
}

static int print_field(FILE *out, const char *name, struct cw_str value, struct cw_arena *arena)
{
	struct cw_str text;
	int r = cw_text_printable(&text, value, arena);

	if (!r)
		(void)fprintf(out, "%-10s %" CW_STR_FMT "\n", name, CW_STR_ARG(text));
	return r;
}

/* What was asked, and what the transforms made of it. */
static int print_request(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	struct cw_arena *arena)
{
	struct cw_str text;
	int r = print_field(out, "alias", request->alias, arena);

	if (r)
		return r;
	r = cw_arena_printf(arena, &text, "%" CW_STR_FMT ", %s; %s, variant %s",
		CW_STR_ARG(request->from->name),
		request->authenticated ? "authenticated" : "not authenticated",
		cw_protocol_name(request->protocol), cw_variant_name(request->variant));
	if (!r)
		r = print_field(out, "from", text, arena);
	if (r || !plan->transform)
		return r;
	r = cw_locate_place(&text, &plan->transform->place, arena);
	if (!r)
		r = cw_arena_printf(arena, &text,
			"%" CW_STR_FMT ", by '%" CW_STR_FMT "' %" CW_STR_FMT,
			CW_STR_ARG(plan->alias), CW_STR_ARG(plan->transform->name),
			CW_STR_ARG(text));
	return r ? r : print_field(out, "transform", text, arena);
}

/* Whether the places of all rules are short enough for a column of their own. */
static bool places_fit(const struct cw_str *places, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cw_text_columns(places[i]) > PLACE_COLUMN_MAX)
			return false;
	return true;
}

/* An explained plan: every rule, and why. */
static int print_reasons(FILE *out, const struct cw_plan *plan, const struct cw_str *places,
	struct cw_arena *arena, bool colours)
{
	static const struct cw_grid_column columns[] = {
		{"PRIO", 5, true},
		{"VERDICT", 11, false},
		{"RULE", NAME_COLUMN_MAX, false},
		{"WHY", 0, false},
		{"WHERE", PLACE_COLUMN_MAX, false},
	};
	bool fit = places_fit(places, plan->n_considered);
	struct cw_grid grid;
	size_t i;
	int r;

	cw_grid_init(&grid, arena, columns, fit ? 5 : 4);
	for (i = 0; i < plan->n_considered; i++) {
		const struct cw_considered *c = &plan->considered[i];
		struct cw_str cells[] = {{NULL, 0}, cw_str_of(cw_verdict_name(c->verdict)),
			c->rule->name, c->reason, places[i]};

		r = cw_arena_printf(arena, &cells[0], "%u", c->rule->priority);
		if (!r && !fit)
			r = cw_arena_printf(arena, &cells[3], "%" CW_STR_FMT "\n%" CW_STR_FMT,
				CW_STR_ARG(c->reason), CW_STR_ARG(places[i]));
		if (r)
			return r;
		cw_grid_add(&grid, verdict_styles[c->verdict], cells);
	}
	return cw_grid_print(&grid, out, colours);
}

/* A decided plan: the rules that matched, without words. */
static int print_matches(FILE *out, const struct cw_plan *plan, const struct cw_str *places,
	struct cw_arena *arena, bool colours)
{
	static const struct cw_grid_column columns[] = {
		{"PRIO", 5, true},
		{"VERDICT", 11, false},
		{"RULE", NAME_COLUMN_MAX, false},
		{"WHERE", 0, false},
	};
	struct cw_grid grid;
	size_t i;
	int r;

	cw_grid_init(&grid, arena, columns, 4);
	for (i = 0; i < plan->n_considered; i++) {
		const struct cw_considered *c = &plan->considered[i];
		struct cw_str cells[] = {{NULL, 0}, cw_str_of(cw_verdict_name(c->verdict)),
			c->rule->name, places[i]};

		r = cw_arena_printf(arena, &cells[0], "%u", c->rule->priority);
		if (r)
			return r;
		cw_grid_add(&grid, verdict_styles[c->verdict], cells);
	}
	return cw_grid_print(&grid, out, colours);
}

static int print_considered(
	FILE *out, const struct cw_plan *plan, struct cw_arena *arena, bool colours)
{
	struct cw_str *places = cw_arena_alloc(arena, plan->n_considered * sizeof(*places));
	size_t i;
	int r = places ? 0 : -ENOMEM;

	for (i = 0; i < plan->n_considered && !r; i++)
		r = cw_locate_place(&places[i], &plan->considered[i].rule->place, arena);
	if (r)
		return r;
	return plan->considered[0].reason.len ? print_reasons(out, plan, places, arena, colours)
					      : print_matches(out, plan, places, arena, colours);
}

static int print_targets(
	FILE *out, const struct cw_plan *plan, struct cw_arena *arena, bool colours)
{
	static const struct cw_grid_column columns[] = {
		{"TRY", 3, true},
		{"ZONE", NAME_COLUMN_MAX, false},
		{"ALIAS", 0, false},
	};
	struct cw_grid grid;
	struct cw_str place;
	size_t i;
	int r;

	cw_grid_init(&grid, arena, columns, 3);
	for (i = 0; i < plan->n_targets; i++) {
		const struct cw_target *t = &plan->targets[i];
		struct cw_str cells[] = {{NULL, 0}, t->zone->name, {NULL, 0}};

		r = cw_arena_printf(arena, &cells[0], "%zu", i + 1);
		if (!r)
			r = cw_locate_place(&place, &t->rule->place, arena);
		if (!r)
			r = cw_arena_printf(arena, &cells[2],
				"%" CW_STR_FMT "\nby rule '%" CW_STR_FMT "' %" CW_STR_FMT,
				CW_STR_ARG(t->alias), CW_STR_ARG(t->rule->name), CW_STR_ARG(place));
		if (r)
			return r;
		cw_grid_add(&grid, CW_GRID_PLAIN, cells);
	}
	return cw_grid_print(&grid, out, colours);
}

static int print_decision(FILE *out, const struct cw_plan *plan, struct cw_arena *arena)
{
	struct cw_str text = cw_str_of("no search rule matches");
	int r = 0;

	switch (plan->decision) {
	case CW_DECISION_ROUTED:
		r = cw_arena_printf(arena, &text, "%zu target%s%s", plan->n_targets,
			plan->n_targets == 1 ? "" : "s",
			plan->n_targets == 1 ? "" : ", tried in this order");
		break;
	case CW_DECISION_NO_RULE:
		break;
	case CW_DECISION_LIMIT:
		r = cw_arena_printf(arena, &text, "'%s' %s: the request fails", plan->limit_name,
			plan->limit_reason);
		break;
	}
	return r ? r : print_field(out, cw_decision_name(plan->decision), text, arena);
}

bool cw_locate_goes(const struct cw_plan *plan, const struct cw_locate_way *way)
{
	if (!way)
		return plan->decision == CW_DECISION_ROUTED;
	if (way->refusal)
		return false;
	return plan->decision == CW_DECISION_ROUTED ||
	       (plan->decision == CW_DECISION_NO_RULE && !way->problem);
}

static int print_way(FILE *out, const struct cw_plan *plan, const struct cw_locate_way *way,
	struct cw_arena *arena)
{
	const char *problem = way->refusal ? way->refusal : way->problem;
	struct cw_str text;
	int r;

	if (!way->refusal && plan->decision != CW_DECISION_NO_RULE)
		return 0;
	if (problem)
		r = cw_arena_printf(arena, &text, "nowhere: %" CW_STR_FMT ": %s",
			CW_STR_ARG(way->domain), problem);
	else if (way->zone)
		r = cw_arena_printf(arena, &text,
			"zone '%" CW_STR_FMT "': %" CW_STR_FMT " is a local domain",
			CW_STR_ARG(way->zone->name), CW_STR_ARG(way->domain));
	else
		r = cw_arena_printf(arena, &text, "the federation: %" CW_STR_FMT ", found %s",
			CW_STR_ARG(way->domain), way->how);
	return r ? r : print_field(out, way->refusal ? "refused" : "default", text, arena);
}

int cw_locate_print_table(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	const struct cw_locate_way *way, struct cw_arena *arena, bool colours)
{
	int r = print_request(out, plan, request, arena);

	if (!r && plan->n_considered) {
		(void)fputc('\n', out);
		r = print_considered(out, plan, arena, colours);
	}
	(void)fputc('\n', out);
	if (!r)
		r = print_decision(out, plan, arena);
	if (!r && plan->n_targets)
		r = print_targets(out, plan, arena, colours);
	if (!r && way)
		r = print_way(out, plan, way, arena);
	return r;
}

/* "?" for a place that was not in a file. */
static json_t *json_file(const struct cw_place *place)
{
	return cw_text_json(cw_str_of(place->file ? place->file : "?"));
}

/* Each of the two lists: an array of what `pack` makes of its elements; NULL when memory is short. */
static json_t *pack_targets(const struct cw_plan *plan)
{
	json_t *list = json_array(), *item;
	size_t i;

	for (i = 0; i < plan->n_targets; i++) {
		const struct cw_target *t = &plan->targets[i];

		item = json_pack("{s:o, s:I, s:o, s:o, s:o, s:I}", "rule",
			cw_text_json(t->rule->name), "priority", (json_int_t)t->rule->priority,
			"zone", cw_text_json(t->zone->name), "alias", cw_text_json(t->alias),
			"file", json_file(&t->rule->place), "line",
			(json_int_t)t->rule->place.line);
		if (json_array_append_new(list, item)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *pack_considered(const struct cw_plan *plan)
{
	json_t *list = json_array(), *item;
	size_t i;

	for (i = 0; i < plan->n_considered; i++) {
		const struct cw_considered *c = &plan->considered[i];

		item = json_pack("{s:o, s:I, s:s, s:o, s:o, s:I}", "rule",
			cw_text_json(c->rule->name), "priority", (json_int_t)c->rule->priority,
			"verdict", cw_verdict_name(c->verdict), "reason", cw_text_json(c->reason),
			"file", json_file(&c->rule->place), "line",
			(json_int_t)c->rule->place.line);
		if (json_array_append_new(list, item)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* NULL when memory is short. */
static json_t *pack_way(const struct cw_locate_way *way)
{
	const char *problem = way->refusal ? way->refusal : way->problem;
	const char *where = way->zone ? "inside" : "federation";

	return json_pack("{s:s, s:o, s:o, s:s?}", "way", problem ? "none" : where, "zone",
		way->zone && !problem ? cw_text_json(way->zone->name) : json_null(), "domain",
		cw_text_json(way->domain), "refusal", problem);
}

int cw_locate_print_json(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	const struct cw_locate_way *way)
{
	json_t *json = json_pack("{s:o, s:o, s:s, s:s, s:b, s:o, s:o, s:s, s:o, s:o}", "alias",
		cw_text_json(request->alias), "from", cw_text_json(request->from->name), "protocol",
		cw_protocol_name(request->protocol), "variant", cw_variant_name(request->variant),
		"authenticated", (int)request->authenticated, "transformed",
		cw_text_json(plan->alias), "transform",
		plan->transform ? cw_text_json(plan->transform->name) : json_null(), "decision",
		cw_decision_name(plan->decision), "targets", pack_targets(plan), "considered",
		pack_considered(plan));
	int r;

	if (json && way && (way->refusal || plan->decision == CW_DECISION_NO_RULE) &&
		json_object_set_new(json, "default", pack_way(way))) {
		json_decref(json);
		json = NULL;
	}
	if (!json)
		return -ENOMEM;
	/* whether it could be written is for whoever owns `out` to ask */
	r = json_dumpf(json, out, JSON_COMPACT) && !ferror(out) ? -ENOMEM : 0;
	json_decref(json);
	(void)fputc('\n', out);
	return r;
}
