/*
 * Rules as a rule file holds them.
 */
#include "admin/rule_file.h"

#include "admin/text.h"

const char cw_rule_file_lets_through[] =
	"what it would have stopped goes on to the rules behind it";

static void put(FILE *out, struct cw_str s)
{
	(void)fwrite(s.p, 1, s.len, out);
}

static void put_quoted(FILE *out, struct cw_str word)
{
	size_t i;

	(void)fputc('\'', out);
	for (i = 0; i < word.len; i++) {
		if (word.p[i] == '\'')
			(void)fputc('\'', out);
		(void)fputc(word.p[i], out);
	}
	(void)fputc('\'', out);
}

static bool is_plain(char c)
{
	c = cw_char_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

void cw_rule_file_word(FILE *out, struct cw_str word)
{
	size_t i = 0;

	while (i < word.len && is_plain(word.p[i]))
		i++;
	if (i == word.len && word.len)
		put(out, word);
	else
		put_quoted(out, word);
}

/* "PREFIX KEY: VALUE", the value made printable. */
static int put_setting(FILE *out, const char *prefix, const struct cw_expressway_setting *setting,
	struct cw_arena *arena)
{
	struct cw_str key, value;
	int r = cw_text_printable(&key, setting->key, arena);

	if (!r)
		r = cw_text_printable(&value, setting->value, arena);
	if (r)
		return r;
	(void)fputs(prefix, out);
	put(out, key);
	(void)fputs(": ", out);
	put(out, value);
	(void)fputc('\n', out);
	return 0;
}

/* Everything in comments, so that nothing of the rule is lost and nothing of it works. */
static int write_refused(FILE *out, const struct cw_expressway_rule *rule, struct cw_str file,
	struct cw_arena *arena)
{
	const struct cw_expressway_setting *setting;
	const struct cw_remark *remark;
	int r = 0;

	(void)fputs("# not carried over: rule ", out);
	put_quoted(out, rule->rule.name);
	(void)fputc('\n', out);
	for (remark = rule->remarks.first; remark; remark = remark->next)
		fprintf(out, "#     %" CW_STR_FMT ":%u: %" CW_STR_FMT "\n", CW_STR_ARG(file),
			remark->line, CW_STR_ARG(remark->text));
	if (rule->lets_through)
		fprintf(out, "#     %s\n", cw_rule_file_lets_through);
	(void)fputs("# it stands there as\n", out);
	for (setting = rule->settings; setting && !r; setting = setting->next)
		r = put_setting(out, "#     ", setting, arena);
	return r;
}

/* What a rule file has no setting for: the description, and the columns that are not known. */
static int write_comments(FILE *out, const struct cw_expressway_rule *rule, struct cw_str file,
	struct cw_arena *arena)
{
	const struct cw_expressway_setting *setting;
	const struct cw_remark *remark;
	int r = 0;

	for (remark = rule->remarks.first; remark; remark = remark->next)
		fprintf(out, "# %" CW_STR_FMT ":%u: %" CW_STR_FMT "\n", CW_STR_ARG(file),
			remark->line, CW_STR_ARG(remark->text));
	for (setting = rule->settings; setting && !r; setting = setting->next)
		if (setting->value.len && (setting->field == CW_EXPRESSWAY_DESCRIPTION ||
						  setting->field == CW_EXPRESSWAY_UNKNOWN))
			r = put_setting(out, "# ", setting, arena);
	return r;
}

static void write_source(FILE *out, const struct cw_expressway_rule *rule)
{
	(void)fputs("\tsource        ", out);
	switch (rule->rule.source) {
	case CW_RULE_FROM_ANY:
		(void)fputs("any", out);
		break;
	case CW_RULE_FROM_ALL_ZONES:
		(void)fputs("all-zones", out);
		break;
	case CW_RULE_FROM_NAMED:
		cw_rule_file_word(out, rule->source);
		break;
	}
	(void)fputc('\n', out);
}

static void write_pattern(FILE *out, const struct cw_expressway_rule *rule)
{
	fprintf(out, "\tpattern       %s ", cw_pattern_type_name(rule->type));
	put_quoted(out, rule->pattern);
	fprintf(out, "\n\tbehavior      %s", cw_behavior_name(rule->rule.behavior));
	if (rule->rule.behavior == CW_BEHAVIOR_REPLACE) {
		(void)fputc(' ', out);
		put_quoted(out, rule->replacement);
	}
	(void)fputc('\n', out);
}

static void write_rule(FILE *out, const struct cw_expressway_rule *rule)
{
	static const char *const modes[] = {
		[CW_RULE_PATTERN] = "pattern",
		[CW_RULE_ANY_ALIAS] = "any-alias",
		[CW_RULE_ANY_IP] = "any-ip",
	};
	const struct cw_search_rule *r = &rule->rule;

	(void)fputs("rule ", out);
	put_quoted(out, r->name);
	fprintf(out, " {\n\tpriority      %u\n\tstate         %s\n\tprotocol      sip\n",
		r->priority, r->enabled ? "enabled" : "disabled");
	fprintf(out, "\tvariant       %s\n", cw_rule_variant_name(r->variant));
	write_source(out, rule);
	fprintf(out, "\tauthenticated %s\n\tmode          %s\n", r->authenticated ? "yes" : "no",
		modes[r->mode]);
	if (r->mode == CW_RULE_PATTERN)
		write_pattern(out, rule);
	fprintf(out, "\ton-match      %s\n\ttarget        ", r->stop ? "stop" : "continue");
	cw_rule_file_word(out, rule->target);
	(void)fputs("\n}\n", out);
}

int cw_rule_file_write(FILE *out, const struct cw_expressway_rule *rule, struct cw_str file,
	struct cw_arena *arena)
{
	int r;

	if (rule->refused)
		return write_refused(out, rule, file, arena);
	r = write_comments(out, rule, file, arena);
	if (!r)
		write_rule(out, rule);
	return r;
}
