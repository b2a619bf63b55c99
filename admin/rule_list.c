/*
 * What `causeway rules list` prints.
 */
#include "admin/rule_list.h"

#include "admin/grid.h"
#include "admin/locate.h"
#include "core/buf.h"

#include <errno.h>

/* Which zones a rule asks for. */
static void add_source(struct cw_buf *b, const struct cw_search_rule *rule)
{
	size_t i;

	switch (rule->source) {
	case CW_RULE_FROM_ANY:
		return;
	case CW_RULE_FROM_ALL_ZONES:
		cw_buf_add(b, cw_str_of("from all zones, "));
		return;
	case CW_RULE_FROM_NAMED:
		break;
	}
	cw_buf_add(b, cw_str_of("from "));
	for (i = 0; i < rule->n_sources; i++) {
		cw_buf_add(b, cw_str_of(i ? " or " : ""));
		cw_buf_add(b, rule->sources[i]->name);
	}
	cw_buf_add(b, cw_str_of(", "));
}

static void add_pattern(struct cw_buf *b, const struct cw_pattern *pattern)
{
	cw_buf_printf(b, "%s '", cw_pattern_type_name(cw_pattern_type(pattern)));
	cw_buf_add(b, cw_pattern_text(pattern));
	cw_buf_add_char(b, '\'');
}

/* What becomes of a matching alias; nothing for leave. */
static void add_behavior(struct cw_buf *b, const struct cw_pattern *pattern)
{
	enum cw_behavior behavior = cw_pattern_behavior(pattern);

	if (behavior == CW_BEHAVIOR_LEAVE)
		return;
	cw_buf_printf(b, "; %s", cw_behavior_name(behavior));
	if (behavior != CW_BEHAVIOR_REPLACE)
		return;
	cw_buf_add(b, cw_str_of(" '"));
	cw_buf_add(b, cw_pattern_replacement(pattern));
	cw_buf_add_char(b, '\'');
}

static void add_criteria(struct cw_buf *b, const struct cw_search_rule *rule)
{
	if (rule->protocol != CW_RULE_SIP)
		cw_buf_printf(b, "protocol %s, ", cw_rule_protocol_name(rule->protocol));
	add_source(b, rule);
	if (rule->variant != CW_RULE_ANY_VARIANT)
		cw_buf_printf(b, "variant %s, ", cw_rule_variant_name(rule->variant));
	if (rule->authenticated)
		cw_buf_add(b, cw_str_of("authenticated, "));
	switch (rule->mode) {
	case CW_RULE_PATTERN:
		add_pattern(b, rule->pattern);
		break;
	case CW_RULE_ANY_ALIAS:
		cw_buf_add(b, cw_str_of("any alias but IP addresses"));
		break;
	case CW_RULE_ANY_IP:
		cw_buf_add(b, cw_str_of("any IP address"));
		break;
	}
}

/* Move what was built into the arena. */
static int finish(struct cw_buf *b, struct cw_str *out, struct cw_arena *arena)
{
	int r = b->error ? b->error : cw_arena_str(arena, cw_buf_str(b), out);

	cw_buf_finish(b);
	return r;
}

static int rule_cells(
	struct cw_str *cells, const struct cw_search_rule *rule, struct cw_arena *arena)
{
	struct cw_str place;
	struct cw_buf b = {0};
	int r = cw_locate_place(&place, &rule->place, arena);

	if (r)
		return r;
	cw_buf_add(&b, cw_str_of(rule->enabled ? "" : "disabled; "));
	add_criteria(&b, rule);
	if (rule->pattern)
		add_behavior(&b, rule->pattern);
	cw_buf_add(&b, cw_str_of(rule->stop ? "; stop\n" : "\n"));
	cw_buf_add(&b, place);
	cells[1] = rule->name;
	cells[3] = rule->target->name;
	r = finish(&b, &cells[2], arena);
	return r ? r : cw_arena_printf(arena, &cells[0], "%u", rule->priority);
}

static int print_rules(
	FILE *out, const struct cw_ruleset *set, struct cw_arena *arena, bool colours)
{
	static const struct cw_grid_column columns[] = {
		{"PRIO", 5, true},
		{"RULE", 28, false},
		{"MATCHES", 0, false},
		{"TARGET", 20, false},
	};
	const struct cw_search_rule *const *rules;
	struct cw_str cells[4];
	struct cw_grid grid;
	size_t i, n;
	int r;

	rules = cw_ruleset_rules(set, &n);
	cw_grid_init(&grid, arena, columns, 4);
	for (i = 0; i < n; i++) {
		r = rule_cells(cells, rules[i], arena);
		if (r)
			return r;
		cw_grid_add(&grid, rules[i]->enabled ? CW_GRID_PLAIN : CW_GRID_FAINT, cells);
	}
	return cw_grid_print(&grid, out, colours);
}

static int transform_cells(
	struct cw_str *cells, const struct cw_transform *transform, struct cw_arena *arena)
{
	struct cw_str place;
	struct cw_buf b = {0};
	int r = cw_locate_place(&place, &transform->place, arena);

	if (r)
		return r;
	cw_buf_add(&b, cw_str_of(transform->enabled ? "" : "disabled; "));
	add_pattern(&b, transform->pattern);
	add_behavior(&b, transform->pattern);
	cw_buf_add_char(&b, '\n');
	cw_buf_add(&b, place);
	cells[1] = transform->name;
	r = finish(&b, &cells[2], arena);
	return r ? r : cw_arena_printf(arena, &cells[0], "%u", transform->priority);
}

static int print_transforms(
	FILE *out, const struct cw_ruleset *set, struct cw_arena *arena, bool colours)
{
	static const struct cw_grid_column columns[] = {
		{"PRIO", 5, true},
		{"TRANSFORM", 28, false},
		{"REWRITES", 0, false},
	};
	const struct cw_transform *const *transforms;
	struct cw_str cells[3];
	struct cw_grid grid;
	size_t i, n;
	int r;

	transforms = cw_ruleset_transforms(set, &n);
	if (n == 0)
		return 0;
	cw_grid_init(&grid, arena, columns, 3);
	for (i = 0; i < n; i++) {
		r = transform_cells(cells, transforms[i], arena);
		if (r)
			return r;
		cw_grid_add(&grid, transforms[i]->enabled ? CW_GRID_PLAIN : CW_GRID_FAINT, cells);
	}
	r = cw_grid_print(&grid, out, colours);
	(void)fputc('\n', out);
	return r;
}

int cw_rule_list_print(
	FILE *out, const struct cw_ruleset *set, struct cw_arena *arena, bool colours)
{
	int r = print_transforms(out, set, arena, colours);

	return r ? r : print_rules(out, set, arena, colours);
}
