/*
 * Statements of an Expressway's command line.
 */
#include "admin/xconfiguration.h"

#define RULE_NUMBER_MAX 999999

static const struct cw_str xconfiguration = CW_STR("xconfiguration"), xcommand = CW_STR("xcommand");

/* Take the next word off *rest; empty at its end. */
static struct cw_str take_word(struct cw_str *rest)
{
	struct cw_str word;
	size_t n = 0;

	*rest = cw_str_trim(*rest);
	while (n < rest->len && !cw_char_is_space(rest->p[n]))
		n++;
	word = cw_str_make(rest->p, n);
	*rest = cw_str_from(*rest, n);
	return word;
}

static bool is_word(struct cw_str word, const char *name)
{
	return cw_str_case_eq(word, cw_str_of(name));
}

/* Whether a statement begins at the begin of `s`. */
static bool begins(struct cw_str s)
{
	struct cw_str word = take_word(&s);

	return cw_str_case_eq(word, xconfiguration) || cw_str_case_eq(word, xcommand);
}

/* The place of the first statement in `line` from byte `from` on; line.len: there is none. */
static size_t find_begin(struct cw_str line, size_t from)
{
	size_t i;

	for (i = from; i < line.len; i++)
		if ((line.p[i] == 'x' || line.p[i] == 'X') &&
			(i == 0 || cw_char_is_space(line.p[i - 1])) && begins(cw_str_from(line, i)))
			return i;
	return line.len;
}

/* `s` without the "*c" that stands before the next statement of the line. */
static struct cw_str without_mark(struct cw_str s)
{
	static const struct cw_str mark = CW_STR(" *c");

	s = cw_str_trim(s);
	if (cw_str_case_ends(s, mark))
		s = cw_str_trim(cw_str_make(s.p, s.len - mark.len));
	return s;
}

/* Read ': VALUE'. What stands in quotes is all that is between the first and the last of them: a quote in it is not escaped. */
static bool read_value(struct cw_str s, struct cw_str *out)
{
	s = cw_str_trim(s);
	if (s.len == 0 || s.p[0] != '"') {
		*out = s;
		return true;
	}
	if (s.len < 2 || s.p[s.len - 1] != '"')
		return false;
	*out = cw_str_make(s.p + 1, s.len - 2);
	return true;
}

static bool read_rule(struct cw_str rest, struct cw_xstatement *out)
{
	uint64_t number;
	size_t colon;

	if (!is_word(take_word(&rest), "Rule") ||
		cw_str_to_u64(take_word(&rest), RULE_NUMBER_MAX, &number) != 0)
		return false;
	out->number = (unsigned)number;
	colon = cw_str_find(rest, ':');
	out->key = cw_str_trim(cw_str_make(rest.p, colon));
	return number > 0 && colon < rest.len && out->key.len &&
	       read_value(cw_str_from(rest, colon + 1), &out->value);
}

/* Whether what follows "SearchRules" asks for rules instead of setting anything: "", "Rule", "Rule 3". */
static bool is_question(struct cw_str rest)
{
	struct cw_str number;
	bool is_rule = is_word(take_word(&rest), "Rule");

	number = take_word(&rest);
	return cw_str_trim(rest).len == 0 && cw_str_find(number, ':') == number.len &&
	       (is_rule || number.len == 0);
}

/* Read one statement. Returns: whether it sets anything of rules or transforms. */
static bool read_statement(struct cw_str s, struct cw_xstatement *out)
{
	struct cw_str rest = s, word = take_word(&rest);
	bool is_command = cw_str_case_eq(word, xcommand);

	out->raw = s;
	out->number = 0;
	word = take_word(&rest);
	out->kind = CW_XSTATEMENT_TRANSFORM;
	if (is_word(word, is_command ? "TransformAdd" : "Transform"))
		return cw_str_find(rest, ':') < rest.len;
	out->kind = CW_XSTATEMENT_BROKEN;
	if (is_command)
		return is_word(word, "SearchRuleAdd");
	if (!is_word(word, "Zones") || !is_word(take_word(&rest), "Policy") ||
		!is_word(take_word(&rest), "SearchRules") || is_question(rest))
		return false;
	if (read_rule(rest, out))
		out->kind = CW_XSTATEMENT_RULE;
	return true;
}

/* Take the next statement off what is left of the line at the begin of the text; false: there is none. */
static bool take_statement(
	struct cw_xconfiguration *reading, struct cw_str line, struct cw_str *out)
{
	size_t begin = find_begin(line, 0), end;

	if (begin == line.len)
		return false;
	end = find_begin(line, begin + 1);
	*out = without_mark(cw_str_make(line.p + begin, end - begin));
	reading->text = cw_str_from(reading->text, end);
	return true;
}

bool cw_xconfiguration_next(struct cw_xconfiguration *reading, struct cw_xstatement *out)
{
	struct cw_str line, statement;

	while (reading->text.len) {
		line = cw_str_make(reading->text.p, cw_str_find(reading->text, '\n'));
		if (!take_statement(reading, line, &statement)) {
			reading->text = cw_str_from(reading->text, line.len + 1);
			reading->line++;
			continue;
		}
		out->line = reading->line;
		if (read_statement(statement, out))
			return true;
	}
	return false;
}
