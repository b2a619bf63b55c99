#include "xmpp/stanza.h"

#include "tests/support_c/xml_chunk.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct cw_buf out;
static struct xml_chunk chunk;

static void begin(void)
{
	cw_buf_init(&out, 0);
	chunk = (struct xml_chunk){0};
}

static void end(void)
{
	xml_chunk_finish(&chunk);
	cw_buf_finish(&out);
}

/* What was written is one element, as expat reads it. */
static const struct cw_xmpp_element *read_one(void)
{
	ck_assert_int_eq(xml_chunk_read(&chunk, cw_buf_str(&out)), 0);
	ck_assert_uint_eq(chunk.n_elements, 1);
	return chunk.elements[0];
}

static void ck_attribute(const struct cw_xmpp_element *e, const char *name, const char *expected)
{
	struct cw_str value = cw_xmpp_element_attribute(e, name);

	if (!expected)
		ck_assert_msg(!value.p, "%s is there", name);
	else
		ck_assert_msg(value.p && cw_str_eq(value, cw_str_of(expected)), "%s is \"%.*s\"",
			name, (int)value.len, value.p ? value.p : "");
}

static struct cw_xmpp_answerable answerable(
	enum cw_xmpp_stanza_kind kind, const char *from, const char *to, const char *id)
{
	return (struct cw_xmpp_answerable){
		.kind = kind, .from = cw_str_of(from), .to = cw_str_of(to), .id = cw_str_of(id)};
}

/* RFC 6120, 8.3.3 */
static const struct condition_case {
	enum cw_xmpp_condition condition;
	const char *name, *type;
} condition_cases[] = {
	{CW_XMPP_REMOTE_SERVER_NOT_FOUND, "remote-server-not-found", "cancel"},
	{CW_XMPP_REMOTE_SERVER_TIMEOUT, "remote-server-timeout", "wait"},
	{CW_XMPP_RESOURCE_CONSTRAINT, "resource-constraint", "wait"},
	{CW_XMPP_NOT_ALLOWED, "not-allowed", "cancel"},
	{CW_XMPP_ITEM_NOT_FOUND, "item-not-found", "cancel"},
	{CW_XMPP_SERVICE_UNAVAILABLE, "service-unavailable", "cancel"},
	{CW_XMPP_JID_MALFORMED, "jid-malformed", "modify"},
	{CW_XMPP_POLICY_VIOLATION, "policy-violation", "modify"},
	{CW_XMPP_INTERNAL_SERVER_ERROR, "internal-server-error", "cancel"},
};

START_TEST(says_the_condition)
{
	const struct condition_case *c = &condition_cases[_i];
	struct cw_xmpp_answerable a = answerable(CW_XMPP_IQ, "u@a.test/r", "v@b.test", "id1");
	const struct cw_xmpp_element *e, *error, *text;

	ck_assert_str_eq(cw_xmpp_condition_name(c->condition), c->name);
	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, c->condition, "in words"), 0);
	e = read_one();
	ck_assert(cw_xmpp_element_is(e, CW_XMPP_NS_SERVER, "iq"));
	ck_attribute(e, "type", "error");
	ck_attribute(e, "from", "v@b.test");
	ck_attribute(e, "to", "u@a.test/r");
	ck_attribute(e, "id", "id1");
	error = e->children;
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_null(error->next);
	ck_assert(cw_xmpp_element_is(error, CW_XMPP_NS_SERVER, "error"));
	ck_attribute(error, "type", c->type);
	ck_assert(cw_xmpp_element_is(error->children, CW_XMPP_NS_STANZA_ERRORS, c->name));
	text = error->children->next;
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_null(text->next);
	ck_assert(cw_xmpp_element_is(text, CW_XMPP_NS_STANZA_ERRORS, "text"));
	ck_assert(cw_str_eq(text->text, cw_str_of("in words")));
	ck_assert_uint_eq(text->n_attributes, 1);
	ck_assert(cw_str_eq(text->attributes[0].ns, cw_str_of(CW_XMPP_NS_XML)));
	ck_assert(cw_str_eq(text->attributes[0].name, cw_str_of("lang")));
	ck_assert(cw_str_eq(text->attributes[0].value, cw_str_of("en")));
}
END_TEST

START_TEST(leaves_out_what_is_missing)
{
	struct cw_xmpp_answerable a = answerable(CW_XMPP_MESSAGE, NULL, "v@b.test", NULL);
	const struct cw_xmpp_element *e;

	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_REMOTE_SERVER_TIMEOUT, NULL), 0);
	e = read_one();
	ck_assert(cw_xmpp_element_is(e, CW_XMPP_NS_SERVER, "message"));
	ck_attribute(e, "from", "v@b.test");
	ck_attribute(e, "to", NULL);
	ck_attribute(e, "id", NULL);
	ck_assert_ptr_null(e->children->children->next);
}
END_TEST

START_TEST(keeps_an_empty_id)
{
	struct cw_xmpp_answerable a = answerable(CW_XMPP_IQ, "a.test", "b.test", "");

	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_ITEM_NOT_FOUND, NULL), 0);
	ck_attribute(read_one(), "id", "");
}
END_TEST

START_TEST(escapes)
{
	const char *hard = "<\"&'>]]> \xc3\xbc\xf0\x9f\x98\x80";
	struct cw_xmpp_answerable a = answerable(CW_XMPP_MESSAGE, hard, "b.test/\"/><x y=\"", hard);
	const struct cw_xmpp_element *e;

	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_NOT_ALLOWED, hard), 0);
	e = read_one();
	ck_attribute(e, "to", hard);
	ck_attribute(e, "from", "b.test/\"/><x y=\"");
	ck_attribute(e, "id", hard);
	ck_assert(cw_str_eq(e->children->children->next->text, cw_str_of(hard)));
}
END_TEST

START_TEST(takes_names_that_no_nul_ends)
{
	struct cw_str all = cw_str_of("a.testb.testid1");
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_IQ,
		.from = cw_str_make(all.p, 6),
		.to = cw_str_make(all.p + 6, 6),
		.id = cw_str_make(all.p + 12, 3)};
	const struct cw_xmpp_element *e;

	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_ITEM_NOT_FOUND, NULL), 0);
	e = read_one();
	ck_attribute(e, "to", "a.test");
	ck_attribute(e, "from", "b.test");
	ck_attribute(e, "id", "id1");
}
END_TEST

/* What is long is printed twice, the second time into more room. */
START_TEST(prints_long_texts)
{
	static char id[65536], text[5000];
	struct cw_xmpp_answerable a = answerable(CW_XMPP_MESSAGE, "a.test", "b.test", NULL);
	const struct cw_xmpp_element *e;

	memset(id, '"', sizeof(id) - 1);
	a.id = cw_str_of(id);
	memset(text, '&', sizeof(text) - 1);
	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_ITEM_NOT_FOUND, text), 0);
	e = read_one();
	ck_assert(cw_str_eq(cw_xmpp_element_attribute(e, "id"), cw_str_of(id)));
	ck_assert(cw_str_eq(e->children->children->next->text, cw_str_of(text)));
}
END_TEST

static const struct text_case {
	const char *name;
	struct cw_str text;
	bool is_good;
} text_cases[] = {
	{"tab and newlines", CW_STR("\t\r\n"), true},
	{"greatest code point", CW_STR("\xf4\x8f\xbf\xbf"), true},
	{"DEL and C1 controls", CW_STR("\x7f\xc2\x85"), true},
	{"control character", CW_STR("a\x01"), false},
	{"escape", CW_STR("\x1b[2J"), false},
	{"NUL", CW_STR("a\0b"), false},
	{"bad UTF-8", CW_STR("\xff"), false},
	{"truncated UTF-8", CW_STR("a\xc3"), false},
	{"overlong UTF-8", CW_STR("\xc0\xbc"), false},
	{"surrogate", CW_STR("\xed\xa0\x80"), false},
	{"no character", CW_STR("\xef\xbf\xbe"), false},
	{"no character, either", CW_STR("\xef\xbf\xbf"), false},
	{"beyond Unicode", CW_STR("\xf4\x90\x80\x80"), false},
};

START_TEST(refuses_what_xml_cannot_carry)
{
	const struct text_case *c = &text_cases[_i];
	struct cw_str text = heap_copy(c->text);
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_IQ, .id = text};
	int r = cw_xmpp_stanza_error(&out, &a, CW_XMPP_ITEM_NOT_FOUND, NULL);

	ck_assert_msg(r == (c->is_good ? 0 : -EINVAL), "%s: %d", c->name, r);
	if (c->is_good)
		read_one();
	else
		ck_assert_msg(out.len == 0, "%s: something was written", c->name);
	heap_free(text);
}
END_TEST

START_TEST(refuses_a_reason_that_xml_cannot_carry)
{
	struct cw_xmpp_answerable a = answerable(CW_XMPP_MESSAGE, "a.test", "b.test", "id1");

	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_NOT_ALLOWED, "\x1b"), -EINVAL);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(pings)
{
	const struct cw_xmpp_element *e;

	cw_buf_add(&out, cw_str_of(" ")); /* what is there stays */
	ck_assert_int_eq(cw_xmpp_stanza_ping(
				 &out, cw_str_of("a.test"), cw_str_of("b.test"), cw_str_of("cw-1")),
		0);
	e = read_one();
	ck_assert(cw_xmpp_element_is(e, CW_XMPP_NS_SERVER, "iq"));
	ck_assert_uint_eq(e->n_attributes, 4);
	ck_attribute(e, "type", "get");
	ck_attribute(e, "from", "a.test");
	ck_attribute(e, "to", "b.test");
	ck_attribute(e, "id", "cw-1");
	ck_assert(cw_xmpp_element_is(e->children, CW_XMPP_NS_PING, "ping"));
	ck_assert_ptr_null(e->children->next);
}
END_TEST

static const struct answerable_case {
	enum cw_xmpp_stanza_kind kind;
	const char *type;
	bool is_answerable;
} answerable_cases[] = {
	{CW_XMPP_MESSAGE, NULL, true},
	{CW_XMPP_MESSAGE, "chat", true},
	{CW_XMPP_MESSAGE, "groupchat", true},
	{CW_XMPP_MESSAGE, "error", false},
	{CW_XMPP_IQ, "get", true},
	{CW_XMPP_IQ, "set", true},
	{CW_XMPP_IQ, "result", false},
	{CW_XMPP_IQ, "error", false},
	{CW_XMPP_IQ, NULL, false},
	{CW_XMPP_IQ, "GET", false},
	{CW_XMPP_PRESENCE, NULL, false},
	{CW_XMPP_PRESENCE, "subscribe", false},
};

START_TEST(knows_what_may_be_answered)
{
	const struct answerable_case *c = &answerable_cases[_i];
	struct cw_xmpp_answerable a = {.kind = c->kind, .type = cw_str_of(c->type)};

	ck_assert_msg(cw_xmpp_is_answerable(&a) == c->is_answerable, "kind %d type %s",
		(int)c->kind, c->type ? c->type : "(none)");
}
END_TEST

START_TEST(lacks_memory)
{
	struct cw_xmpp_answerable a = answerable(CW_XMPP_IQ, "a.test", "b.test", "id1");
	int r;

	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_xmpp_stanza_error(&out, &a, CW_XMPP_NOT_ALLOWED, "in words");
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_uint_eq(out.len, 0);
		cw_buf_finish(&out);
	}
	ck_assert_int_eq(r, 0);
	read_one();
}
END_TEST

/* However long the texts are, what was got before the stanza was begun does for it. */
START_TEST(allocates_once)
{
	static char id[65536], text[5000];
	struct cw_xmpp_answerable a = answerable(CW_XMPP_MESSAGE, "a.test", "b.test", NULL);
	int r;

	memset(id, '"', sizeof(id) - 1);
	a.id = cw_str_of(id);
	memset(text, '"', sizeof(text) - 1);
	ck_assert_int_eq(cw_xmpp_stanza_error(&out, &a, CW_XMPP_ITEM_NOT_FOUND, text), 0);
	cw_buf_clear(&out);
	alloc_fail_at(2);
	r = cw_xmpp_stanza_error(&out, &a, CW_XMPP_ITEM_NOT_FOUND, text);
	ck_assert(!alloc_fail_reached());
	ck_assert_int_eq(r, 0);
}
END_TEST

START_TEST(passes_on_what_the_buffer_says)
{
	cw_buf_init(&out, 10);
	ck_assert_int_eq(cw_xmpp_stanza_ping(
				 &out, cw_str_of("a.test"), cw_str_of("b.test"), cw_str_of("cw-1")),
		-EMSGSIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_stanza");
	TCase *tcase = tcase_create("xmpp_stanza");

	tcase_add_checked_fixture(tcase, begin, end);
	ADD_ROWS(tcase, says_the_condition, condition_cases);
	tcase_add_test(tcase, leaves_out_what_is_missing);
	tcase_add_test(tcase, keeps_an_empty_id);
	tcase_add_test(tcase, escapes);
	tcase_add_test(tcase, takes_names_that_no_nul_ends);
	tcase_add_test(tcase, prints_long_texts);
	ADD_ROWS(tcase, refuses_what_xml_cannot_carry, text_cases);
	tcase_add_test(tcase, refuses_a_reason_that_xml_cannot_carry);
	tcase_add_test(tcase, pings);
	ADD_ROWS(tcase, knows_what_may_be_answered, answerable_cases);
	tcase_add_test(tcase, lacks_memory);
	tcase_add_test(tcase, allocates_once);
	tcase_add_test(tcase, passes_on_what_the_buffer_says);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
