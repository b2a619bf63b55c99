/*
 * What `causeway rules diff` prints. Removed rules and what old rules lose come first, then what new rules gain, each in the order of the rules.
 */
#include "admin/rule_diff.h"

#include "admin/grid.h"
#include "admin/locate.h"
#include "admin/text.h"
#include "core/buf.h"

#include <jansson.h>

#include <errno.h>
#include <inttypes.h>

#define DOUBTS_SHOWN 20 /* in the table; JSON holds all */

static const char *const side_names[CW_SIDES] = {[CW_SIDE_OLD] = "old", [CW_SIDE_NEW] = "new"};

static enum cw_change change_of(
	const struct cw_rule_diff *diff, int side, const struct cw_search_rule *rule)
{
	return side == CW_SIDE_OLD ? diff->changes.old_rules[rule->index]
				   : diff->changes.new_rules[rule->index];
}

/* The next rule of a side from *i on at which something changes, or NULL; *i moves behind it. */
static const struct cw_reroute *next(const struct cw_rule_diff *diff, int side, size_t *i)
{
	const struct cw_reroute *found = NULL;

	while (!found && *i < diff->reroutes.n_rules[side])
		found = diff->reroutes.by_rule[side][(*i)++];
	return found;
}

static size_t count_rules(const struct cw_rule_diff *diff)
{
	size_t i, n = 0;
	int side;

	for (side = 0; side < CW_SIDES; side++)
		for (i = 0; next(diff, side, &i);)
			n++;
	return n;
}

bool cw_rule_diff_is_same(const struct cw_rule_diff *diff)
{
	return count_rules(diff) == 0 && diff->doubts.n == 0 &&
	       !(diff->recorded && diff->recorded->changed);
}

/* "IMP:bob@x, edge:bob@x", "none" or "the request fails". */
static void add_outcome(struct cw_buf *b, const struct cw_outcome *outcome)
{
	size_t i;

	for (i = 0; i < outcome->n_targets; i++) {
		cw_buf_add(b, cw_str_of(i ? ", " : ""));
		cw_buf_add(b, outcome->targets[i].zone->name);
		cw_buf_add_char(b, ':');
		cw_buf_add(b, outcome->targets[i].alias);
	}
	if (outcome->decision == CW_DECISION_NO_RULE)
		cw_buf_add(b, cw_str_of("none"));
	if (outcome->decision == CW_DECISION_LIMIT)
		cw_buf_add(b, cw_str_of("the request fails"));
}

/* An alias may hold any byte but line ends; the table escapes what is left. */
static void add_example(struct cw_buf *b, const struct cw_reroute_example *e)
{
	if (b->len)
		cw_buf_add_char(b, '\n');
	cw_buf_add(b, e->alias);
	cw_buf_add(b, cw_str_of(" from "));
	cw_buf_add(b, e->from);
	cw_buf_printf(b, ", %s, %s%s\n  was ", cw_protocol_name(e->protocol),
		cw_variant_name(e->variant), e->authenticated ? ", authenticated" : "");
	add_outcome(b, &e->outcomes[CW_SIDE_OLD]);
	cw_buf_add(b, cw_str_of("\n  is  "));
	add_outcome(b, &e->outcomes[CW_SIDE_NEW]);
}

static int examples_cell(
	struct cw_str *out, const struct cw_reroute *reroute, struct cw_arena *arena)
{
	struct cw_buf b = {0};
	size_t i;
	int r;

	for (i = 0; i < reroute->n_examples; i++)
		add_example(&b, &reroute->examples[i]);
	r = b.error ? b.error : cw_arena_str(arena, cw_buf_str(&b), out);
	cw_buf_finish(&b);
	return r;
}

static int rule_cell(struct cw_str *out, const struct cw_search_rule *rule, struct cw_arena *arena)
{
	struct cw_str place;
	int r = cw_locate_place(&place, &rule->place, arena);

	return r ? r
		 : cw_arena_printf(arena, out, "%" CW_STR_FMT "\n%" CW_STR_FMT,
			   CW_STR_ARG(rule->name), CW_STR_ARG(place));
}

static int add_row(struct cw_grid *grid, const struct cw_rule_diff *diff, int side,
	const struct cw_reroute *reroute, struct cw_arena *arena)
{
	struct cw_str cells[5] = {cw_str_of(side_names[side]),
		cw_str_of(cw_change_name(change_of(diff, side, reroute->rule)))};
	int r = rule_cell(&cells[2], reroute->rule, arena);

	if (!r)
		r = examples_cell(&cells[3], reroute, arena);
	if (!r && diff->recorded)
		r = cw_arena_printf(arena, &cells[4], "%" PRIu64, reroute->count);
	if (!r)
		cw_grid_add(grid, side == CW_SIDE_OLD ? CW_GRID_BAD : CW_GRID_GOOD, cells);
	return r;
}

static int print_rules(
	FILE *out, const struct cw_rule_diff *diff, struct cw_arena *arena, bool colours)
{
	static const struct cw_grid_column columns[] = {
		{"SIDE", 4, false},
		{"CHANGE", 7, false},
		{"RULE", 28, false},
		{"EXAMPLES", 0, false},
		{"REQUESTS", 10, true},
	};
	const struct cw_reroute *reroute;
	struct cw_grid grid;
	size_t i;
	int side, r = 0;

	cw_grid_init(&grid, arena, columns, diff->recorded ? 5 : 4);
	for (side = 0; side < CW_SIDES; side++) {
		for (i = 0; !r && (reroute = next(diff, side, &i)) != NULL;)
			r = add_row(&grid, diff, side, reroute, arena);
	}
	if (!r)
		r = cw_grid_print(&grid, out, colours);
	(void)fputc('\n', out);
	return r;
}

/* "not decided: 'x' rules/a.rules:3: the pattern of rule 'y' has a look-around", a line each. */
static int print_doubts(FILE *out, const struct cw_rule_diff *diff, struct cw_arena *arena)
{
	struct cw_str name, place, reason;
	size_t i;
	int r = 0;

	for (i = 0; i < diff->doubts.n && i < DOUBTS_SHOWN && !r; i++) {
		const struct cw_reroute_doubt *d = &diff->doubts.items[i];

		r = cw_text_printable(&name, d->name, arena);
		if (!r)
			r = cw_text_printable(&reason, d->reason, arena);
		if (!r)
			r = cw_locate_place(&place, d->place, arena);
		if (!r)
			(void)fprintf(out,
				"not decided: '%" CW_STR_FMT "' %" CW_STR_FMT ": %" CW_STR_FMT "\n",
				CW_STR_ARG(name), CW_STR_ARG(place), CW_STR_ARG(reason));
	}
	if (i < diff->doubts.n)
		(void)fprintf(out, "not decided: %zu more\n", diff->doubts.n - i);
	return r;
}

int cw_rule_diff_print_table(
	FILE *out, const struct cw_rule_diff *diff, struct cw_arena *arena, bool colours)
{
	const struct cw_recorded *recorded = diff->recorded;
	size_t n_rules = count_rules(diff);
	int r = n_rules ? print_rules(out, diff, arena, colours) : 0;

	if (!r)
		r = print_doubts(out, diff, arena);
	if (recorded)
		(void)fprintf(out,
			"%" PRIu64 " of %" PRIu64
			" recorded requests change their way; unreadable lines: %" PRIu64 "\n",
			recorded->changed, recorded->requests, recorded->unreadable);
	if (cw_rule_diff_is_same(diff))
		(void)fputs("nothing changes\n", out);
	else
		(void)fprintf(out, "%zu rules change the way of requests; not decided: %zu\n",
			n_rules, diff->doubts.n);
	return r;
}

/* "?" for a place that was not in a file. */
static json_t *json_file(const struct cw_place *place)
{
	return cw_text_json(cw_str_of(place->file ? place->file : "?"));
}

static json_t *pack_outcome(const struct cw_outcome *outcome)
{
	json_t *targets = json_array(), *item;
	size_t i;

	for (i = 0; i < outcome->n_targets; i++) {
		const struct cw_target *t = &outcome->targets[i];

		item = json_pack("{s:o, s:o, s:o}", "rule", cw_text_json(t->rule->name), "zone",
			cw_text_json(t->zone->name), "alias", cw_text_json(t->alias));
		if (json_array_append_new(targets, item)) {
			json_decref(targets);
			return NULL;
		}
	}
	return json_pack(
		"{s:s, s:o}", "decision", cw_decision_name(outcome->decision), "targets", targets);
}

static json_t *pack_examples(const struct cw_reroute *reroute)
{
	json_t *list = json_array(), *item;
	size_t i;

	for (i = 0; i < reroute->n_examples; i++) {
		const struct cw_reroute_example *e = &reroute->examples[i];

		item = json_pack("{s:o, s:o, s:s, s:s, s:b, s:o, s:o}", "alias",
			cw_text_json(e->alias), "from", cw_text_json(e->from), "protocol",
			cw_protocol_name(e->protocol), "variant", cw_variant_name(e->variant),
			"authenticated", (int)e->authenticated, "old",
			pack_outcome(&e->outcomes[CW_SIDE_OLD]), "new",
			pack_outcome(&e->outcomes[CW_SIDE_NEW]));
		if (json_array_append_new(list, item)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *pack_change(
	const struct cw_rule_diff *diff, int side, const struct cw_reroute *reroute)
{
	const struct cw_search_rule *rule = reroute->rule;
	json_t *change = json_pack("{s:o, s:o, s:I, s:s, s:s, s:o}", "rule",
		cw_text_json(rule->name), "file", json_file(&rule->place), "line",
		(json_int_t)rule->place.line, "side", side_names[side], "change",
		cw_change_name(change_of(diff, side, rule)), "examples", pack_examples(reroute));

	if (change && diff->recorded &&
		json_object_set_new(change, "count", json_integer((json_int_t)reroute->count))) {
		json_decref(change);
		return NULL;
	}
	return change;
}

static json_t *pack_changes(const struct cw_rule_diff *diff)
{
	json_t *list = json_array();
	const struct cw_reroute *reroute;
	size_t i;
	int side;

	for (side = 0; side < CW_SIDES; side++) {
		for (i = 0; (reroute = next(diff, side, &i)) != NULL;) {
			if (json_array_append_new(list, pack_change(diff, side, reroute))) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}

static json_t *pack_doubts(const struct cw_reroute_doubts *doubts)
{
	json_t *list = json_array(), *item;
	size_t i;

	for (i = 0; i < doubts->n; i++) {
		const struct cw_reroute_doubt *d = &doubts->items[i];

		item = json_pack("{s:o, s:o, s:I, s:o}", "rule", cw_text_json(d->name), "file",
			json_file(d->place), "line", (json_int_t)d->place->line, "reason",
			cw_text_json(d->reason));
		if (json_array_append_new(list, item)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *pack_recorded(const struct cw_recorded *recorded)
{
	return json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)recorded->requests, "changed",
		(json_int_t)recorded->changed, "unreadable", (json_int_t)recorded->unreadable);
}

int cw_rule_diff_print_json(FILE *out, const struct cw_rule_diff *diff)
{
	json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "old",
		cw_text_json(cw_str_of(diff->files[CW_SIDE_OLD])), "new",
		cw_text_json(cw_str_of(diff->files[CW_SIDE_NEW])), "changes", pack_changes(diff),
		"undecided", pack_doubts(&diff->doubts));
	int r = json ? 0 : -ENOMEM;

	if (!r && diff->recorded)
		r = json_object_set_new(json, "recorded", pack_recorded(diff->recorded)) ? -ENOMEM
											 : 0;
	/* whether it could be written is for whoever owns `out` to ask */
	if (!r)
		r = json_dumpf(json, out, JSON_COMPACT) && !ferror(out) ? -ENOMEM : 0;
	json_decref(json);
	(void)fputc('\n', out);
	return r;
}
