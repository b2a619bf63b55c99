#include "admin/xconfiguration.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#define RULES "xConfiguration Zones Policy SearchRules "

/* Statements are shown as "LINE:NUMBER:key=value", "LINE:NUMBER!" and "LINE:transform", with a blank between. */
static const struct statement_case {
	const char *name;
	struct cw_str text;
	const char *statements;
} statement_cases[] = {
	{"empty", CW_STR(""), ""},
	{"as printed", CW_STR("*c " RULES "Rule 3 Pattern String: \".*@x\\.example\"\r\n"),
		"1:3:Pattern String=.*@x\\.example"},
	{"as typed", CW_STR("\n  xconfiguration zones POLICY searchrules rule 12 priority:100"),
		"2:12:priority=100"},
	{"no value", CW_STR("*c " RULES "Rule 3 Pattern Replace: \n"), "1:3:Pattern Replace="},
	{"an empty value", CW_STR(RULES "Rule 3 Pattern Replace: \"\""), "1:3:Pattern Replace="},
	{"quotes and colons in a value", CW_STR(RULES "Rule 3 Name: \"a: \"b\" c\"\n"),
		"1:3:Name=a: \"b\" c"},
	{"a value without quotes", CW_STR(RULES "Rule 3 Source Name: far \"away\"  \n"),
		"1:3:Source Name=far \"away\""},
	{"several on a line",
		CW_STR("*c " RULES "Rule 3 Mode: \"AnyAlias\" *c " RULES
		       "Rule 3 Pattern Replace: *c " RULES "Rule 4 Name: \"x\"  " RULES
		       "Rule 5 Name: y\n"),
		"1:3:Mode=AnyAlias 1:3:Pattern Replace= 1:4:Name=x 1:5:Name=y"},
	{"other settings",
		CW_STR("*c xConfiguration Zones Policy Mode: \"SearchRules\"\n"
		       "*c xConfiguration Zones Zone 7 Type: \"DNS\"\nOK\n"),
		""},
	{"a question", CW_STR(RULES "\n" RULES "Rule\n" RULES "Rule 3\n"), ""},
	{"a word that begins like one", CW_STR("axConfiguration xConfigurations " RULES "\n"), ""},
	{"an open quote", CW_STR(RULES "Rule 3 Name: \"x\n"), "1:3!"},
	{"text behind a quote", CW_STR(RULES "Rule 3 Name: \"x\" <-- look\n"), "1:3!"},
	{"a lone quote", CW_STR(RULES "Rule 3 Name: \"\n"), "1:3!"},
	{"no colon", CW_STR(RULES "Rule 3 Name x\n"), "1:3!"},
	{"no key", CW_STR(RULES "Rule 3 : x\n"), "1:3!"},
	{"no number", CW_STR(RULES "Rule x Name: x\n" RULES "Rule: x\n" RULES "Rules 3 Name: x\n"),
		"1:0! 2:0! 3:0!"},
	{"a number out of range", CW_STR(RULES "Rule 0 Name: x\n" RULES "Rule 1000000 Name: x\n"),
		"1:0! 2:0!"},
	{"a statement in a value", CW_STR(RULES "Rule 3 Name: \"a " RULES "Rule 4 Name: b\"\n"),
		"1:3! 1:4:Name=b\""},
	{"a command that adds a rule", CW_STR("xCommand SearchRuleAdd Name: \"x\"\n"), "1:0!"},
	{"transforms",
		CW_STR("xConfiguration Transform 1 Priority: 1\nxCommand TransformAdd Pattern: x\n"
		       "xConfiguration Transform\n"),
		"1:transform 2:transform"},
	{"bytes", CW_STR("\0x\xff\n" RULES "Rule 3 Name: \"\xe9\0\"\n"), "2:3:Name=\xe9?"},
};

START_TEST(reads_statements)
{
	const struct statement_case *c = &statement_cases[_i];
	struct cw_str text = heap_copy(c->text);
	struct cw_xconfiguration reading = {.text = text, .line = 1};
	struct cw_xstatement s;
	char *shown;
	size_t i, len;
	FILE *out = open_memstream(&shown, &len);

	ck_assert_ptr_nonnull(out);
	while (cw_xconfiguration_next(&reading, &s)) {
		fprintf(out, "%s%u:", ftell(out) ? " " : "", s.line);
		switch (s.kind) {
		case CW_XSTATEMENT_RULE:
			fprintf(out, "%u:%" CW_STR_FMT "=", s.number, CW_STR_ARG(s.key));
			for (i = 0; i < s.value.len; i++)
				(void)fputc(s.value.p[i] ? s.value.p[i] : '?', out);
			break;
		case CW_XSTATEMENT_BROKEN:
			fprintf(out, "%u!", s.number);
			break;
		case CW_XSTATEMENT_TRANSFORM:
			(void)fputs("transform", out);
			break;
		}
	}
	(void)fclose(out);
	ck_assert_msg(strcmp(shown, c->statements) == 0, "%s: got %s", c->name, shown);
	free(shown);
	heap_free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xconfiguration");
	TCase *tcase = tcase_create("xconfiguration");

	ADD_ROWS(tcase, reads_statements, statement_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
