#include "sip/lex.h"

#include "tests/unit/unit.h"

#include <stdio.h>

/* Longer than two groups of eight bytes and one byte more. */
#define WIDTH 17

static bool is_control(int byte)
{
	return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* A heap copy of WIDTH bytes `fill`, but for `byte` at `place`. */
static struct cw_str one_among(char fill, char byte, size_t place)
{
	char bytes[WIDTH];

	memset(bytes, fill, sizeof(bytes));
	bytes[place] = byte;
	return heap_copy(cw_str_make(bytes, sizeof(bytes)));
}

/* Every byte at every place, among neighbors that a carry could go to or come from. */
START_TEST(finds_controls_at_every_place)
{
	static const char fills[] = {' ', '!', 'a', '~', '\t', '\x80', '\xff'};
	const size_t place = (size_t)_i;

	for (size_t i = 0; i < sizeof(fills); i++) {
		for (int byte = 0; byte < 256; byte++) {
			struct cw_str s = one_among(fills[i], (char)byte, place);

			for (size_t from = 0; from <= WIDTH; from++) {
				size_t expected = is_control(byte) && from <= place ? place : WIDTH;

				if (cw_sip_find_control(s, from) != expected)
					ck_abort_msg("byte %d at %zu among %#x, from %zu", byte,
						place, (unsigned)(unsigned char)fills[i], from);
			}
			heap_free(s);
		}
	}
}
END_TEST

START_TEST(finds_the_first_of_two_controls)
{
	for (size_t first = 0; first < WIDTH; first++) {
		for (size_t second = first + 1; second < WIDTH; second++) {
			char bytes[WIDTH];
			struct cw_str s;

			memset(bytes, ' ', sizeof(bytes));
			bytes[first] = '\r';
			bytes[second] = '\0';
			s = heap_copy(cw_str_make(bytes, sizeof(bytes)));
			ck_assert_uint_eq(cw_sip_find_control(s, 0), first);
			ck_assert_uint_eq(cw_sip_find_control(s, first + 1), second);
			heap_free(s);
		}
	}
}
END_TEST

static const struct param_case {
	const char *params;
	const char *
		read; /* "name", "name=value" or "!..." for one that is not valid, with blanks between */
} param_cases[] = {
	{"", ""},
	{" \t", ""},
	{";lr", "lr"},
	{"lr;ttl=1", "lr ttl=1"},
	{";branch=z9hG4bK1.[::1]:5061/=;rport", "branch=z9hG4bK1.[::1]:5061/= rport"},
	{";tag=", "tag="},
	{"; a = b ;\tc\r\n =\r\n d", "a=b c=d"},
	{";a=\"x;y=\\\"\";b", "a=\"x;y=\\\"\" b"},
	{";a=\"x;b", "!a=\"x;b"},
	{";a=\"x\"y;b", "!a=\"x\"y b"},
	{";a=b\"c;d\";e", "!a=b\"c;d\" e"},
	{";a\"b;c\";d", "!a\"b;c\" d"},
	{";", "!"},
	{";;a;", "! a !"},
	{";=b", "!=b"},
	{";a b", "!a b"},
	{";a=b c", "!a=b c"},
	{";a=b,c", "!a=b,c"},
	{";a@b=c;d", "!a@b=c d"},
	{";a=\x80", "!a=\x80"},
};

START_TEST(reads_parameters)
{
	const struct param_case *c = &param_cases[_i];
	struct cw_str params = heap_copy(cw_str_of(c->params));
	struct cw_sip_lex_param param;
	char read[64] = "";
	size_t at = 0, len = 0;

	while (cw_sip_param_next(params, &at, &param))
		len += (size_t)snprintf(read + len, sizeof(read) - len,
			"%s%s%" CW_STR_FMT "%s%" CW_STR_FMT, len > 0 ? " " : "",
			param.is_valid ? "" : "!", CW_STR_ARG(param.name),
			param.has_value ? "=" : "", CW_STR_ARG(param.value));
	ck_assert_str_eq(read, c->read);
	heap_free(params);
}
END_TEST

static const struct list_case {
	const char *list, *values; /* each in brackets */
} list_cases[] = {
	{"", "[]"},
	{" a ", "[a]"},
	{"a,b , c", "[a][b][c]"},
	{",a,", "[][a][]"},
	{"\"a,b\" <c,d>,e", "[\"a,b\" <c,d>][e]"},
	{"a,\"b,c", "[a][\"b,c]"},
	{"<a,b", "[<a,b]"},
};

START_TEST(cuts_lists)
{
	const struct list_case *c = &list_cases[_i];
	struct cw_str list = heap_copy(cw_str_of(c->list)), value;
	char values[64] = "";
	size_t at = 0, len = 0;

	while (cw_sip_list_next(list, &at, &value))
		len += (size_t)snprintf(
			values + len, sizeof(values) - len, "[%" CW_STR_FMT "]", CW_STR_ARG(value));
	ck_assert_str_eq(values, c->values);
	heap_free(list);
}
END_TEST

static const struct line_case {
	const char *head, *name, *value; /* of the first line */
	size_t whole;                    /* its bytes */
} line_cases[] = {
	{"To: <sip:b@x>\r\nFrom: a\r\n\r\n", "To", "<sip:b@x>", 15},
	{"To:b\r\n\r\n", "To", "b", 6},
	{"To \t:  b \r\n\r\n", "To", "b", 11},
	{"To:\r\n b\r\n\tc\r\nX: y\r\n\r\n", "To", "b\r\n\tc", 13},
	{"To\r\n : b\r\n\r\n", "To", "b", 10},
	{" To: b\r\n\r\n", "To", "b", 8},
	{"To:\r\n\r\n", "To", "", 5},
	{"To: b", "To", "b", 5},
	{"To: b\nX: y\n", "To", "b", 6},
	{"To: a:b\r\n\r\n", "To", "a:b", 9},
	{"To b: c\r\n\r\n", "", "To b: c", 9},
	{"T<o: c\r\n\r\n", "", "T<o: c", 8},
	{": c\r\n\r\n", "", ": c", 5},
	{"To\r\n\r\n", "", "To", 4},
};

START_TEST(cuts_lines)
{
	const struct line_case *c = &line_cases[_i];
	struct cw_str head = heap_copy(cw_str_of(c->head));
	struct cw_sip_raw_line line;
	size_t at = 0;

	ck_assert(cw_sip_line_next(head, &at, &line));
	ck_assert_msg(cw_str_eq(line.name, cw_str_of(c->name)), "%s: name", c->head);
	ck_assert_msg(cw_str_eq(line.value, cw_str_of(c->value)), "%s: value", c->head);
	ck_assert_uint_eq(line.whole.len, c->whole);
	ck_assert_ptr_eq(line.whole.p, head.p);
	ck_assert_uint_eq(at, c->whole);
	heap_free(head);
}
END_TEST

START_TEST(ends_at_the_empty_line)
{
	static const struct cw_str ends[] = {CW_STR(""), CW_STR("\r\n"), CW_STR("\n")};
	struct cw_sip_raw_line line;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t at = 0;

		ck_assert(!cw_sip_line_next(ends[i], &at, &line));
		ck_assert_uint_eq(at, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sip_lex");
	TCase *tcase = tcase_create("sip_lex");

	tcase_add_loop_test(tcase, finds_controls_at_every_place, 0, WIDTH);
	tcase_add_test(tcase, finds_the_first_of_two_controls);
	ADD_ROWS(tcase, reads_parameters, param_cases);
	ADD_ROWS(tcase, cuts_lists, list_cases);
	ADD_ROWS(tcase, cuts_lines, line_cases);
	tcase_add_test(tcase, ends_at_the_empty_line);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
