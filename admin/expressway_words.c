/*
 * Words of an Expressway's search rules.
 */
#include "admin/expressway_words.h"

#include "core/diag.h"
#include "dialplan/search_rule.h"

/* Sorted; letters and digits of the keys and headings in use, in lower case. */
static const struct {
	const char *name;
	enum cw_expressway_field field;
} field_names[] = {
	{"authenticated", CW_EXPRESSWAY_AUTHENTICATION},
	{"authentication", CW_EXPRESSWAY_AUTHENTICATION},
	{"behavior", CW_EXPRESSWAY_BEHAVIOR},
	{"behaviour", CW_EXPRESSWAY_BEHAVIOR},
	{"description", CW_EXPRESSWAY_DESCRIPTION},
	{"id", CW_EXPRESSWAY_UNIMPORTANT},
	{"index", CW_EXPRESSWAY_UNIMPORTANT},
	{"mode", CW_EXPRESSWAY_MODE},
	{"mustbeauthenticated", CW_EXPRESSWAY_AUTHENTICATION},
	{"name", CW_EXPRESSWAY_NAME},
	{"onmatch", CW_EXPRESSWAY_PROGRESS},
	{"onsuccessfulmatch", CW_EXPRESSWAY_PROGRESS},
	{"pattern", CW_EXPRESSWAY_PATTERN},
	{"patternbehavior", CW_EXPRESSWAY_BEHAVIOR},
	{"patternbehaviour", CW_EXPRESSWAY_BEHAVIOR},
	{"patternreplace", CW_EXPRESSWAY_REPLACE},
	{"patternstring", CW_EXPRESSWAY_PATTERN},
	{"patterntype", CW_EXPRESSWAY_PATTERN_TYPE},
	{"priority", CW_EXPRESSWAY_PRIORITY},
	{"progress", CW_EXPRESSWAY_PROGRESS},
	{"protocol", CW_EXPRESSWAY_PROTOCOL},
	{"py", CW_EXPRESSWAY_PRIORITY},
	{"replace", CW_EXPRESSWAY_REPLACE},
	{"replacement", CW_EXPRESSWAY_REPLACE},
	{"replacestring", CW_EXPRESSWAY_REPLACE},
	{"requestmustbeauthenticated", CW_EXPRESSWAY_AUTHENTICATION},
	{"rmba", CW_EXPRESSWAY_AUTHENTICATION},
	{"rule", CW_EXPRESSWAY_NAME},
	{"rulename", CW_EXPRESSWAY_NAME},
	{"siptraffictype", CW_EXPRESSWAY_VARIANT},
	{"sipvariant", CW_EXPRESSWAY_VARIANT},
	{"source", CW_EXPRESSWAY_SOURCE},
	{"sourcemode", CW_EXPRESSWAY_SOURCE},
	{"sourcename", CW_EXPRESSWAY_SOURCE_NAME},
	{"sourcezone", CW_EXPRESSWAY_SOURCE_NAME},
	{"state", CW_EXPRESSWAY_STATE},
	{"status", CW_EXPRESSWAY_STATE},
	{"systemgenerated", CW_EXPRESSWAY_UNIMPORTANT},
	{"target", CW_EXPRESSWAY_TARGET},
	{"targetname", CW_EXPRESSWAY_TARGET},
	{"targetsipvariant", CW_EXPRESSWAY_TARGET_VARIANT},
	{"targettype", CW_EXPRESSWAY_TARGET_TYPE},
	{"targetzone", CW_EXPRESSWAY_TARGET},
	{"traffictype", CW_EXPRESSWAY_VARIANT},
	{"variant", CW_EXPRESSWAY_VARIANT},
};

#define N_FIELD_NAMES (sizeof(field_names) / sizeof(field_names[0]))

/* A value of a setting: its letters and digits in lower case. */
struct word {
	const char *word;
	int value;
};

static const struct word state_words[] = {{"enabled", true}, {"enable", true}, {"on", true},
	{"yes", true}, {"true", true}, {"disabled", false}, {"disable", false}, {"off", false},
	{"no", false}, {"false", false}, {NULL, 0}};
static const struct word yes_words[] = {{"yes", true}, {"on", true}, {"true", true}, {"no", false},
	{"off", false}, {"false", false}, {NULL, 0}};
/* The H.323 half of Any has nothing here that it could be asked for. */
static const struct word protocol_words[] = {
	{"sip", true}, {"any", true}, {"all", true}, {"h323", false}, {NULL, 0}};
static const struct word variant_words[] = {
	{"any", CW_RULE_ANY_VARIANT},
	{"all", CW_RULE_ANY_VARIANT},
	{"allsipvariants", CW_RULE_ANY_VARIANT},
	{"anysipvariant", CW_RULE_ANY_VARIANT},
	{"standard", CW_RULE_STANDARD},
	{"standards", CW_RULE_STANDARD},
	{"standardsip", CW_RULE_STANDARD},
	{"standardbased", CW_RULE_STANDARD},
	{"standardsbased", CW_RULE_STANDARD},
	{"standardsbasedsip", CW_RULE_STANDARD},
	{"microsoft", CW_RULE_MICROSOFT},
	{"anymicrosoft", CW_RULE_MICROSOFT},
	{"allmicrosoft", CW_RULE_MICROSOFT},
	{"allmicrosoftvariants", CW_RULE_MICROSOFT},
	{"allmicrosoftsipvariants", CW_RULE_MICROSOFT},
	{"msimp", CW_RULE_MS_IMP},
	{"mssipimp", CW_RULE_MS_IMP},
	{"microsoftimp", CW_RULE_MS_IMP},
	{"microsoftsipimp", CW_RULE_MS_IMP},
	{"microsoftimandp", CW_RULE_MS_IMP},
	{"microsoftsipimandp", CW_RULE_MS_IMP},
	{"microsoftimandpresence", CW_RULE_MS_IMP},
	{"microsoftsipimandpresence", CW_RULE_MS_IMP},
	{"msav", CW_RULE_MS_AV},
	{"microsoftav", CW_RULE_MS_AV},
	{"microsoftavshare", CW_RULE_MS_AV},
	{"microsoftavandshare", CW_RULE_MS_AV},
	{"microsoftsipav", CW_RULE_MS_AV},
	{"mssip", CW_RULE_MS_SIP},
	{"microsoftsip", CW_RULE_MS_SIP},
	{NULL, 0},
};
static const struct word source_words[] = {{"any", CW_EXPRESSWAY_FROM_ANY},
	{"allzones", CW_EXPRESSWAY_FROM_ALL_ZONES}, {"local", CW_EXPRESSWAY_FROM_LOCAL_ZONE},
	{"localzone", CW_EXPRESSWAY_FROM_LOCAL_ZONE}, {"named", CW_EXPRESSWAY_FROM_NAMED},
	{NULL, 0}};
static const struct word mode_words[] = {
	{"pattern", CW_RULE_PATTERN},
	{"patternmatch", CW_RULE_PATTERN},
	{"aliaspattern", CW_RULE_PATTERN},
	{"aliaspatternmatch", CW_RULE_PATTERN},
	{"anyalias", CW_RULE_ANY_ALIAS},
	{"anyip", CW_RULE_ANY_IP},
	{"anyipaddress", CW_RULE_ANY_IP},
	{NULL, 0},
};
static const struct word type_words[] = {{"exact", CW_PATTERN_EXACT}, {"prefix", CW_PATTERN_PREFIX},
	{"suffix", CW_PATTERN_SUFFIX}, {"regex", CW_PATTERN_REGEX}, {"regexp", CW_PATTERN_REGEX},
	{"regularexpression", CW_PATTERN_REGEX}, {NULL, 0}};
static const struct word behavior_words[] = {{"leave", CW_BEHAVIOR_LEAVE},
	{"strip", CW_BEHAVIOR_STRIP}, {"replace", CW_BEHAVIOR_REPLACE}, {NULL, 0}};
static const struct word progress_words[] = {{"continue", false}, {"stop", true}, {NULL, 0}};
static const struct word target_type_words[] = {
	{"zone", true}, {"policyservice", false}, {"policyserver", false}, {NULL, 0}};
static const struct word zone_words[] = {
	{"defaultzone", CW_EXPRESSWAY_DEFAULT_ZONE},
	{"localzone", CW_EXPRESSWAY_LOCAL_ZONE},
	{"defaultsubzone", CW_EXPRESSWAY_SUBZONE},
	{"traversalsubzone", CW_EXPRESSWAY_SUBZONE},
	{"clustersubzone", CW_EXPRESSWAY_SUBZONE},
	{NULL, 0},
};

static const struct word *const words[CW_EXPRESSWAY_FIELDS] = {
	[CW_EXPRESSWAY_STATE] = state_words,
	[CW_EXPRESSWAY_PROTOCOL] = protocol_words,
	[CW_EXPRESSWAY_VARIANT] = variant_words,
	[CW_EXPRESSWAY_SOURCE] = source_words,
	[CW_EXPRESSWAY_SOURCE_NAME] = zone_words,
	[CW_EXPRESSWAY_AUTHENTICATION] = yes_words,
	[CW_EXPRESSWAY_MODE] = mode_words,
	[CW_EXPRESSWAY_PATTERN_TYPE] = type_words,
	[CW_EXPRESSWAY_BEHAVIOR] = behavior_words,
	[CW_EXPRESSWAY_PROGRESS] = progress_words,
	[CW_EXPRESSWAY_TARGET] = zone_words,
	[CW_EXPRESSWAY_TARGET_TYPE] = target_type_words,
	[CW_EXPRESSWAY_TARGET_VARIANT] = variant_words,
};

static bool is_alnum(char c)
{
	c = cw_char_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether the letters and digits of `text` are `word`; a byte that is no ASCII is as good as a wrong letter. */
static bool means(struct cw_str text, const char *word)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (is_alnum(text.p[i]) && cw_char_lower(text.p[i]) == *word)
			word++;
		else if (is_alnum(text.p[i]) || (unsigned char)text.p[i] >= 0x80)
			return false;
	}
	return *word == '\0';
}

enum cw_expressway_field cw_expressway_field(struct cw_str name)
{
	size_t i;

	for (i = 0; i < N_FIELD_NAMES; i++)
		if (means(name, field_names[i].name))
			return field_names[i].field;
	return CW_EXPRESSWAY_UNKNOWN;
}

const char *cw_expressway_field_near(struct cw_str name)
{
	const char *names[N_FIELD_NAMES + 1];
	char letters[64];
	size_t i, n = 0;

	for (i = 0; i < name.len && n < sizeof(letters); i++)
		if (is_alnum(name.p[i]))
			letters[n++] = cw_char_lower(name.p[i]);
	for (i = 0; i < N_FIELD_NAMES; i++)
		names[i] = field_names[i].name;
	names[i] = NULL;
	return cw_diag_nearest(cw_str_make(letters, n), names);
}

bool cw_expressway_word(enum cw_expressway_field field, struct cw_str text, int *value)
{
	const struct word *word = field < CW_EXPRESSWAY_FIELDS ? words[field] : NULL;

	for (; word && word->word; word++) {
		if (means(text, word->word)) {
			*value = word->value;
			return true;
		}
	}
	return false;
}

bool cw_expressway_says_nothing(struct cw_str text)
{
	return means(text, "");
}
