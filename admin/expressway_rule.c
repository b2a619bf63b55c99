/*
 * Search rules of an Expressway in our terms.
 */
#include "admin/expressway_rule.h"

#include "admin/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define REASON_MAX 256 /* bytes of what is told about a setting */

/* One translation on its way. */
struct translation {
	struct cw_expressway_rule *rule;
	struct cw_arena *arena;
	int error;
	bool is_void; /* no request can come that the rule would match */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	c = cw_char_lower(c);
	return (c >= 'a' && c <= 'z') || is_digit(c);
}

/* ---- the rule as it was read, and what is told about it ---- */

int cw_expressway_rule_set(struct cw_expressway_rule *rule, enum cw_expressway_field field,
	struct cw_str key, struct cw_str value, unsigned line, struct cw_arena *arena)
{
	struct cw_expressway_setting *setting = cw_arena_alloc(arena, sizeof(*setting));
	const struct cw_expressway_setting *first =
		field < CW_EXPRESSWAY_FIELDS ? rule->said[field] : NULL;
	struct cw_str shown;

	if (!setting)
		return -ENOMEM;
	*setting = (struct cw_expressway_setting){
		.field = field, .key = key, .value = value, .line = line};
	if (rule->last_setting)
		rule->last_setting->next = setting;
	else
		rule->settings = setting;
	rule->last_setting = setting;
	if (field < CW_EXPRESSWAY_FIELDS && !first)
		rule->said[field] = setting;
	if (!first || cw_str_eq(first->value, value))
		return 0;
	rule->refused = true;
	if (cw_text_shown(&shown, key, arena) != 0)
		return -ENOMEM;
	return cw_remarks_add(&rule->remarks, arena, line,
		"%" CW_STR_FMT ": it is set in line %u to another value", CW_STR_ARG(shown),
		first->line);
}

/* Tell about a setting. */
__attribute__((format(printf, 3, 4))) static void tell(
	struct translation *t, const struct cw_expressway_setting *setting, const char *format, ...)
{
	struct cw_str key, value, reason;
	char text[REASON_MAX];
	va_list args;
	int r = t->error;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!r)
		r = cw_text_shown(&key, setting->key, t->arena);
	if (!r)
		r = cw_text_shown(&value, setting->value, t->arena);
	if (!r)
		r = cw_text_printable(&reason, cw_str_of(text), t->arena);
	if (!r)
		r = cw_remarks_add(&t->rule->remarks, t->arena, setting->line,
			"%" CW_STR_FMT " \"%" CW_STR_FMT "\": %" CW_STR_FMT, CW_STR_ARG(key),
			CW_STR_ARG(value), CW_STR_ARG(reason));
	t->error = r;
}

/* Refuse the rule for a setting. */
static void refuse(
	struct translation *t, const struct cw_expressway_setting *setting, const char *why)
{
	t->rule->refused = true;
	tell(t, setting, "%s", why);
}

/* Refuse the rule for what it does not say. */
static void refuse_silence(struct translation *t, const char *what)
{
	t->rule->refused = true;
	if (!t->error)
		t->error = cw_remarks_add(
			&t->rule->remarks, t->arena, t->rule->line, "it does not say %s", what);
}

/* ---- settings ---- */

/* Whether any text may be the value of a field: there "-" does not stand for nothing. */
static bool is_text(enum cw_expressway_field field)
{
	return field == CW_EXPRESSWAY_NAME || field == CW_EXPRESSWAY_PATTERN ||
	       field == CW_EXPRESSWAY_REPLACE;
}

/* A setting that is said, or NULL. */
static const struct cw_expressway_setting *said(
	const struct translation *t, enum cw_expressway_field field)
{
	const struct cw_expressway_setting *setting = t->rule->said[field];

	if (!setting || cw_str_trim(setting->value).len == 0)
		return NULL;
	return !is_text(field) && cw_expressway_says_nothing(setting->value) ? NULL : setting;
}

/* Read a setting that is one of some words; *value keeps its default when it is not said. */
static void read_word(struct translation *t, enum cw_expressway_field field, int *value)
{
	const struct cw_expressway_setting *setting = said(t, field);

	if (setting && !cw_expressway_word(field, setting->value, value))
		refuse(t, setting, "this value is not known");
}

static bool is_in_table(const struct translation *t)
{
	return t->rule->number == 0;
}

/* Whether a value can stand in a rule file as it is. */
static bool is_writable(struct translation *t, struct cw_str text)
{
	struct cw_str printable = text;

	if (!t->error)
		t->error = cw_text_printable(&printable, text, t->arena);
	return cw_str_eq(printable, text);
}

/* What the names of zones may not be: words of rule files. */
static bool is_reserved(struct cw_str name)
{
	static const char *const reserved[] = {"default", "any", "all-zones", "none"};
	size_t i;

	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (cw_str_eq(name, cw_str_of(reserved[i])))
			return true;
	return false;
}

/* Read the name of a zone that somebody made. */
static void read_zone(
	struct translation *t, const struct cw_expressway_setting *setting, struct cw_str *out)
{
	struct cw_str name = cw_str_trim(setting->value);

	if (is_reserved(name))
		refuse(t, setting, "no zone can be called so; give it another name");
	else if (name.len > CW_EXPRESSWAY_NAME_MAX)
		refuse(t, setting, "the name of a zone has at most 128 bytes");
	else if (!is_writable(t, name))
		refuse(t, setting, "a name is text in UTF-8 without control characters");
	else
		*out = name;
}

/* Nothing registers with us: what an Expressway knows of registered devices, no request can match. */
static void refuse_local(struct translation *t, const struct cw_expressway_setting *setting)
{
	t->is_void = true;
	refuse(t, setting, "nothing registers with Causeway, so that no request comes from there");
}

static void read_named_source(struct translation *t, const struct cw_expressway_setting *setting)
{
	static const struct cw_str default_zone = CW_STR("default");
	int value = -1;

	t->rule->rule.source = CW_RULE_FROM_NAMED;
	(void)cw_expressway_word(CW_EXPRESSWAY_SOURCE_NAME, setting->value, &value);
	if (is_in_table(t) && cw_str_case_eq(cw_str_trim(setting->value), default_zone))
		value = CW_EXPRESSWAY_DEFAULT_ZONE;
	if (value == CW_EXPRESSWAY_DEFAULT_ZONE)
		t->rule->source = default_zone;
	else if (value >= 0)
		refuse_local(t, setting);
	else
		read_zone(t, setting, &t->rule->source);
}

static void read_source(struct translation *t)
{
	const struct cw_expressway_setting *mode = said(t, CW_EXPRESSWAY_SOURCE),
					   *zone = said(t, CW_EXPRESSWAY_SOURCE_NAME);
	int source = CW_EXPRESSWAY_FROM_ANY; /* Expressway's default */

	if (!mode && zone && is_in_table(t)) {
		mode = zone; /* the column of zones stands alone */
		zone = NULL;
	}
	if (!mode && zone) {
		refuse(t, zone, "it does not say whether the source is named");
		return;
	}
	if (mode && !cw_expressway_word(CW_EXPRESSWAY_SOURCE, mode->value, &source)) {
		if (is_in_table(t) && (!zone || cw_str_eq(zone->value, mode->value)))
			read_named_source(t, mode);
		else
			refuse(t, mode, "this value is not known");
		return;
	}
	t->rule->rule.source =
		source == CW_EXPRESSWAY_FROM_ALL_ZONES ? CW_RULE_FROM_ALL_ZONES : CW_RULE_FROM_ANY;
	if (source == CW_EXPRESSWAY_FROM_LOCAL_ZONE)
		refuse_local(t, mode);
	else if (source == CW_EXPRESSWAY_FROM_NAMED && !zone)
		refuse(t, mode, "it does not say which zone");
	else if (source == CW_EXPRESSWAY_FROM_NAMED)
		read_named_source(t, zone);
	else if (zone && is_in_table(t))
		refuse(t, zone, "the rule names a zone, and says that it is for others too");
}

static void read_target(struct translation *t)
{
	const struct cw_expressway_setting *zone = said(t, CW_EXPRESSWAY_TARGET);
	int value = true;

	read_word(t, CW_EXPRESSWAY_TARGET_TYPE, &value);
	if (!value)
		refuse(t, said(t, CW_EXPRESSWAY_TARGET_TYPE), "there are no policy services");
	value = CW_RULE_ANY_VARIANT;
	read_word(t, CW_EXPRESSWAY_TARGET_VARIANT, &value);
	if (value != CW_RULE_ANY_VARIANT)
		refuse(t, said(t, CW_EXPRESSWAY_TARGET_VARIANT),
			"requests are not made into another variant");
	if (!zone)
		refuse_silence(t, "to which target it leads");
	else if (!cw_expressway_word(CW_EXPRESSWAY_TARGET, zone->value, &value))
		read_zone(t, zone, &t->rule->target);
	else if (value == CW_EXPRESSWAY_DEFAULT_ZONE)
		refuse(t, zone, "the default zone is no target");
	else
		refuse(t, zone,
			"nothing registers with Causeway, so that nothing is reached there");
}

static void read_priority(struct translation *t)
{
	const struct cw_expressway_setting *setting = said(t, CW_EXPRESSWAY_PRIORITY);
	uint64_t priority = CW_PRIORITY_DEFAULT;

	if (setting && (cw_str_to_u64(cw_str_trim(setting->value), CW_PRIORITY_MAX, &priority) ||
			       priority < CW_PRIORITY_MIN))
		refuse(t, setting, "a priority is a number from 1 to 65534");
	t->rule->rule.priority = (unsigned)priority;
}

static void read_criteria(struct translation *t)
{
	struct cw_search_rule *rule = &t->rule->rule;
	int value = true;

	read_word(t, CW_EXPRESSWAY_STATE, &value);
	rule->enabled = value;
	value = true;
	read_word(t, CW_EXPRESSWAY_PROTOCOL, &value);
	if (!value) {
		t->is_void = true;
		refuse(t, said(t, CW_EXPRESSWAY_PROTOCOL), "there is no H.323");
	}
	value = CW_RULE_ANY_VARIANT;
	read_word(t, CW_EXPRESSWAY_VARIANT, &value);
	rule->variant = (enum cw_rule_variant)value;
	value = false;
	read_word(t, CW_EXPRESSWAY_AUTHENTICATION, &value);
	rule->authenticated = value;
	value = false;
	read_word(t, CW_EXPRESSWAY_PROGRESS, &value);
	rule->stop = value;
	read_priority(t);
	read_source(t);
	read_target(t);
}

/* ---- pattern and behavior ---- */

static bool is_hex(char c)
{
	c = cw_char_lower(c);
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

/*
 * Whether a pattern or replacement holds a variable, such as %ip% or %localdomain1%, for which an Expressway puts in values of its own. Two
 * hexadecimal digits are none: %2b stands for a byte of a URI.
 */
static bool has_variable(struct cw_str s)
{
	size_t i, n;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] != '%')
			continue;
		for (n = i + 1; n < s.len && (is_alnum(s.p[n]) || s.p[n] == '_');)
			n++;
		if (n == s.len || s.p[n] != '%' || n == i + 1 || is_digit(s.p[i + 1]))
			continue;
		if (n != i + 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
			return true;
	}
	return false;
}

/* A pattern or a replacement as it can be taken; false after a refusal. */
static bool read_text(struct translation *t, const struct cw_expressway_setting *setting)
{
	const char *why = NULL;

	if (has_variable(setting->value))
		why = "a variable in it would have to be replaced by its values";
	else if (!is_writable(t, setting->value))
		why = "it holds control characters, or bytes that are no UTF-8";
	if (why)
		refuse(t, setting, why);
	return !why;
}

/* Whether a replacement holds a group's number and then a digit: an Expressway may read a number of two digits. */
static bool has_long_group(struct cw_str s)
{
	size_t i;

	for (i = 0; i + 2 < s.len; i++) {
		if (s.p[i] != '\\')
			continue;
		if (is_digit(s.p[i + 1]) && is_digit(s.p[i + 2]))
			return true;
		i++; /* what is behind a backslash begins nothing */
	}
	return false;
}

static void read_replacement(struct translation *t)
{
	const struct cw_expressway_setting *setting = said(t, CW_EXPRESSWAY_REPLACE);

	if (!setting && is_in_table(t)) /* a blank cell may be one that was forgotten */
		refuse(t, said(t, CW_EXPRESSWAY_BEHAVIOR), "it does not say by what");
	if (!setting || !read_text(t, setting))
		return;
	t->rule->replacement = setting->value;
	if (t->rule->type == CW_PATTERN_REGEX) {
		if (has_long_group(setting->value))
			refuse(t, setting, "a digit follows the number of a group");
	} else if (cw_str_find(setting->value, '\\') < setting->value.len) {
		refuse(t, setting, "a backslash stands for a group, and the pattern is no regex");
	}
}

/* What an Expressway takes and we do not. */
static void try_pattern(struct translation *t, const struct cw_expressway_setting *setting)
{
	struct cw_expressway_rule *rule = t->rule;
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	int r;

	if (rule->refused || t->error)
		return;
	r = cw_pattern_create(&pattern, rule->type, rule->pattern, rule->rule.behavior,
		rule->replacement, &error);
	if (r == 0) {
		cw_pattern_destroy(pattern);
	} else if (r < 0) {
		t->error = r;
	} else {
		rule->refused = true;
		if (error.in_replacement)
			setting = said(t, CW_EXPRESSWAY_REPLACE); /* an empty one is right */
		tell(t, setting, "%s, at byte %zu", error.text, error.offset + 1);
	}
}

static void read_pattern(struct translation *t)
{
	const struct cw_expressway_setting *pattern = said(t, CW_EXPRESSWAY_PATTERN);
	int type = CW_PATTERN_PREFIX, behavior = CW_BEHAVIOR_STRIP;

	read_word(t, CW_EXPRESSWAY_PATTERN_TYPE, &type);
	read_word(t, CW_EXPRESSWAY_BEHAVIOR, &behavior);
	if (is_in_table(t) && !said(t, CW_EXPRESSWAY_PATTERN_TYPE))
		refuse_silence(t, "of which type its pattern is");
	if (is_in_table(t) && !said(t, CW_EXPRESSWAY_BEHAVIOR))
		refuse_silence(t, "its behavior");
	t->rule->type = (enum cw_pattern_type)type;
	t->rule->rule.behavior = (enum cw_behavior)behavior;
	if (!pattern) {
		refuse_silence(t, "its pattern");
		return;
	}
	t->rule->pattern = pattern->value;
	if (read_text(t, pattern) && behavior == CW_BEHAVIOR_REPLACE)
		read_replacement(t);
	try_pattern(t, pattern);
}

static void read_mode(struct translation *t)
{
	const struct cw_expressway_setting *pattern = said(t, CW_EXPRESSWAY_PATTERN);
	int mode = CW_RULE_ANY_ALIAS; /* Expressway's default */

	read_word(t, CW_EXPRESSWAY_MODE, &mode);
	if (!said(t, CW_EXPRESSWAY_MODE)) {
		if (is_in_table(t) && pattern)
			mode = CW_RULE_PATTERN;
		else if (is_in_table(t) || pattern)
			refuse_silence(t, "its mode");
	}
	t->rule->rule.mode = (enum cw_rule_mode)mode;
	if (mode == CW_RULE_PATTERN)
		read_pattern(t);
}

/* ---- the name ---- */

static void read_name(struct translation *t)
{
	const struct cw_expressway_setting *setting = said(t, CW_EXPRESSWAY_NAME);
	struct cw_str given, name;

	if (!setting)
		return;
	given = name = cw_str_trim(setting->value);
	t->error = cw_text_printable(&name, given, t->arena);
	name = cw_text_clip(name, CW_EXPRESSWAY_NAME_MAX);
	t->rule->rule.name = name;
	if (!cw_str_eq(given, name))
		tell(t, setting, "no name for a rule: at most 128 bytes of UTF-8, no controls");
}

int cw_expressway_rule_translate(struct cw_expressway_rule *rule, struct cw_arena *arena)
{
	struct translation t = {.rule = rule, .arena = arena};

	read_name(&t);
	read_criteria(&t);
	read_mode(&t);
	rule->lets_through = rule->refused && rule->rule.stop && rule->rule.enabled && !t.is_void;
	return t.error;
}
