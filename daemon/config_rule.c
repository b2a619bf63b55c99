/* Search rules and transforms. */
#include "daemon/config_read.h"

#include <errno.h>

/* ---- patterns ---- */

void cw_read_pattern(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_pattern_draft *draft)
{
	static const char *const names[] = {"exact", "prefix", "suffix", "regex", NULL};
	const char *nearest;

	if (cw_pattern_type_parse(node->args[0].text, &draft->type) == 0) {
		draft->pattern = node;
		return;
	}
	nearest = cw_diag_nearest(node->args[0].text, names);
	cw_read_error(r, node, &node->args[0],
		"pattern: expected exact, prefix, suffix or regex%s%s%s",
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

void cw_read_behavior(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_pattern_draft *draft)
{
	static const struct {
		const char *word;
		enum cw_behavior behavior;
		size_t n_args;
	} behaviors[] = {
		{"leave", CW_BEHAVIOR_LEAVE, 1},
		{"strip", CW_BEHAVIOR_STRIP, 1},
		{"replace", CW_BEHAVIOR_REPLACE, 2},
	};
	size_t i;

	for (i = 0; i < sizeof(behaviors) / sizeof(behaviors[0]); i++) {
		if (!cw_str_eq(node->args[0].text, cw_str_of(behaviors[i].word)) ||
			node->n_args != behaviors[i].n_args)
			continue;
		draft->behavior_node = node;
		draft->behavior = behaviors[i].behavior;
		return;
	}
	cw_read_error(r, node, &node->args[0], "behavior: expected leave, strip or replace TEXT");
}

/* The word from byte `offset` of its text on, so that the caret stands there; quotes and what they quote are counted. */
static struct cw_conf_word word_at(
	const struct cw_conf_node *node, const struct cw_conf_word *word, size_t offset)
{
	const struct cw_place place = cw_conf_place(node, word);
	struct cw_str source = place.source;
	struct cw_conf_word at = *word;
	size_t p = word->column - 1 - place.source_from, end = p + word->width;
	char quote = p < source.len ? source.p[p] : '\0';

	if (word->quoted) {
		for (p++; offset > 0 && p + 1 < end && p + 1 < source.len; offset--, p++)
			if ((quote == '\'' && source.p[p] == '\'') ||
				(quote == '"' && source.p[p] == '\\'))
				p++;
	} else {
		p += offset;
	}
	if (p >= end)
		p = end - 1;
	at.column = (uint32_t)(place.source_from + p) + 1;
	at.width = 1;
	return at;
}

struct cw_pattern *cw_read_compile(struct cw_reader *r, const struct cw_pattern_draft *draft)
{
	const struct cw_conf_node *behavior = draft->behavior_node, *node = draft->pattern;
	struct cw_str replacement = {NULL, 0};
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	struct cw_conf_word at;
	int rc;

	if (draft->behavior == CW_BEHAVIOR_STRIP && draft->type != CW_PATTERN_PREFIX &&
		draft->type != CW_PATTERN_SUFFIX) {
		cw_read_error(r, behavior, &behavior->args[0],
			"strip takes a matched prefix or suffix off; the pattern is %s",
			cw_pattern_type_name(draft->type));
		return NULL;
	}
	if (draft->behavior == CW_BEHAVIOR_REPLACE)
		replacement = behavior->args[1].text;
	rc = cw_pattern_create(
		&pattern, draft->type, node->args[1].text, draft->behavior, replacement, &error);
	if (rc == 0)
		return pattern;
	if (rc < 0) {
		r->error = rc;
		return NULL;
	}
	if (error.in_replacement)
		node = behavior;
	at = word_at(node, &node->args[1], error.offset);
	cw_read_error(r, node, &at, "%s", error.text);
	return NULL;
}

/* ---- sources ---- */

static void add_source(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, struct cw_search_rule *rule)
{
	const struct cw_zone *zone = cw_read_zone_name(r, node, word, true), **items;
	size_t i;

	if (!zone)
		return;
	for (i = 0; i < rule->n_sources; i++) {
		if (rule->sources[i] == zone) {
			cw_read_error(r, node, word, "this zone stands here twice");
			return;
		}
	}
	items = cw_read_grow(r, rule->sources, rule->n_sources, sizeof(const struct cw_zone *));
	if (!items)
		return;
	items[rule->n_sources++] = zone;
	rule->sources = items;
}

void cw_read_source(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_search_rule *rule)
{
	static const struct cw_str any = CW_STR("any"), all_zones = CW_STR("all-zones");
	size_t i;

	for (i = 0; i < node->n_args; i++) {
		bool is_any = cw_str_eq(node->args[i].text, any);

		if (!is_any && !cw_str_eq(node->args[i].text, all_zones))
			continue;
		if (node->n_args > 1) {
			cw_read_error(r, node, &node->args[i],
				"\"%.*s\" stands alone or not at all",
				CW_STR_ARG(node->args[i].text));
			return;
		}
		rule->source = is_any ? CW_RULE_FROM_ANY : CW_RULE_FROM_ALL_ZONES;
		return;
	}
	rule->source = CW_RULE_FROM_NAMED;
	for (i = 0; i < node->n_args; i++)
		add_source(r, node, &node->args[i], rule);
}

/* ---- the blocks ---- */

/* The pattern of a rule: there with mode pattern, and only then. Whether all is as it should be. */
static bool compile_for_mode(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_rule_draft *draft)
{
	static const char *const mode_names[] = {"pattern", "any-alias", "any-ip"};
	struct cw_pattern_draft *p = &draft->pattern;

	if (draft->rule.mode == CW_RULE_PATTERN) {
		if (!p->pattern) {
			cw_read_error(r, node, &node->keyword, "\"pattern\" is missing in a rule");
			return false;
		}
		draft->rule.pattern = cw_read_compile(r, p);
		return draft->rule.pattern != NULL;
	}
	if (p->pattern)
		cw_read_error(r, p->pattern, &p->pattern->keyword, "mode %s takes no pattern",
			mode_names[draft->rule.mode]);
	if (p->behavior != CW_BEHAVIOR_LEAVE)
		cw_read_error(r, p->behavior_node, &p->behavior_node->args[0],
			"mode %s leaves the alias as it is; behavior needs a pattern",
			mode_names[draft->rule.mode]);
	return !p->pattern && p->behavior == CW_BEHAVIOR_LEAVE;
}

void cw_read_rule(struct cw_reader *r, const struct cw_conf_node *node)
{
	size_t errors_before = r->diag->errors;
	struct cw_rule_draft draft;
	struct cw_named *named;

	(void)cw_read_name(r, &r->rules, "rule", node, &named);
	cw_read_defaults(r, CW_IN_RULE, &draft, sizeof(draft));
	cw_read_block(r, CW_IN_RULE, node, node->children, &draft, 0, false);
	if (r->diag->errors != errors_before && !draft.pattern.pattern)
		return; /* what is missing may be what was wrong */
	if (!compile_for_mode(r, node, &draft))
		return;
	draft.rule.name = cw_read_copy(r, node->args[0].text);
	draft.rule.enabled = draft.enabled;
	draft.rule.stop = draft.stop;
	draft.rule.behavior = draft.pattern.behavior;
	draft.rule.place = cw_read_place(r, node, &node->keyword);
	if (r->error || r->diag->errors != errors_before ||
		cw_ruleset_add_rule(r->config->rules, &draft.rule) != 0) {
		cw_pattern_destroy(draft.rule.pattern);
		if (r->diag->errors == errors_before)
			r->error = -ENOMEM;
	}
}

void cw_read_transform(struct cw_reader *r, const struct cw_conf_node *node)
{
	size_t errors_before = r->diag->errors;
	struct cw_transform_draft draft;
	struct cw_named *named;

	(void)cw_read_name(r, &r->transforms, "transform", node, &named);
	cw_read_defaults(r, CW_IN_TRANSFORM, &draft, sizeof(draft));
	cw_read_block(r, CW_IN_TRANSFORM, node, node->children, &draft, 0, false);
	if (!draft.pattern.pattern)
		return; /* reported as missing or wrong */
	draft.transform.pattern = cw_read_compile(r, &draft.pattern);
	if (!draft.transform.pattern)
		return;
	draft.transform.name = cw_read_copy(r, node->args[0].text);
	draft.transform.enabled = draft.enabled;
	draft.transform.place = cw_read_place(r, node, &node->keyword);
	if (r->error || r->diag->errors != errors_before ||
		cw_ruleset_add_transform(r->config->rules, &draft.transform) != 0) {
		cw_pattern_destroy(draft.transform.pattern);
		if (r->diag->errors == errors_before)
			r->error = -ENOMEM;
	}
}
