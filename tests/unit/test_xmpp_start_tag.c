#include "xmpp/start_tag.h"

#include "tests/unit/unit.h"

#define HEADER                                                                                     \
	"<stream:stream xmlns='jabber:server' xmlns:p='urn:&lt;p>&apos;' xmlns:q='urn:q' "         \
	"xmlns:stream='http://etherx.jabber.org/streams' xml:lang='"

static const struct edit_case {
	const char *name, *lang, *in, *to, *default_ns, *out;
} cases[] = {
	{"nothing", "", "<iq id = '&lt;'\n />", "", "", "<iq id = '&lt;'\n />"},
	{"lang", "de", "<iq>x</iq>", "", "", "<iq xml:lang='de'>x</iq>"},
	{"lang of an empty tag", "de", "<iq/>", "", "", "<iq xml:lang='de'/>"},
	{"lang before a blank", "de", "<iq\tid='1' />", "", "", "<iq xml:lang='de'\tid='1' />"},
	{"lang of its own", "de", "<iq xml:lang=''/>", "", "", "<iq xml:lang=''/>"},
	{"lang that must be escaped", "a&quot;&apos;&lt;", "<iq/>", "", "",
		"<iq xml:lang='a&quot;&apos;&lt;'/>"},
	{"prefix", "", "<iq><p:a/></iq>", "", "", "<iq xmlns:p='urn:&lt;p&gt;&apos;'><p:a/></iq>"},
	{"prefixes and lang", "de", "<iq q:x='1'><p:a/></iq>", "", "",
		"<iq xmlns:q='urn:q' xmlns:p='urn:&lt;p&gt;&apos;' xml:lang='de' "
		"q:x='1'><p:a/></iq>"},
	{"to", "", "<iq id='1' to='a@b' from='c'><x to='a@b'/></iq>", "d@e/f'&", "",
		"<iq id='1' to='d@e/f&apos;&amp;' from='c'><x to='a@b'/></iq>"},
	{"to in other quotes", "", "<iq to  =\n\"'a'/>\"/>", "b", "", "<iq to  =\n\"b\"/>"},
	{"to that was empty", "", "<iq to=''/>", "b", "", "<iq to='b'/>"},
	{"to that was missing", "", "<iq id='1'/>", "b", "", "<iq to='b' id='1'/>"},
	{"what only looks like to", "", "<iq xmlns:x='u' x:to='1' id=' to=\"2\"' to='3' too='4'/>",
		"b", "", "<iq xmlns:x='u' x:to='1' id=' to=\"2\"' to='b' too='4'/>"},
	{"namespace", "", "<iq xmlns='jabber:server' id='1'><x xmlns='jabber:server'/></iq>", "",
		"jabber:component:accept",
		"<iq xmlns='jabber:component:accept' id='1'><x xmlns='jabber:server'/></iq>"},
	{"no namespace", "", "<iq id=' xmlns=\"\"'/>", "", "jabber:component:accept",
		"<iq id=' xmlns=\"\"'/>"},
	{"all", "de", "<iq to='a' xmlns='jabber:server'><p:x/></iq>", "b", "u",
		"<iq xmlns:p='urn:&lt;p&gt;&apos;' xml:lang='de' to='b' xmlns='u'><p:x/></iq>"},
	{"all, the other way round", "de", "<iq xmlns=\"jabber:server\" to='a'/>", "b", "u",
		"<iq xml:lang='de' xmlns=\"u\" to='b'/>"},
};

/* Read the one stanza of a stream. It lives as long as the parser. */
static struct cw_xmpp_parser *read_stanza(const struct edit_case *c, struct cw_xmpp_stanza *stanza)
{
	struct cw_xmpp_parser *parser = NULL;
	struct cw_xmpp_event event;

	ck_assert_int_eq(cw_xmpp_parser_create(&parser), 0);
	ck_assert_int_eq(cw_xmpp_parser_feed(parser, cw_str_of(HEADER)), 0);
	ck_assert_int_eq(cw_xmpp_parser_feed(parser, cw_str_of(c->lang)), 0);
	ck_assert_int_eq(cw_xmpp_parser_feed(parser, cw_str_of("'>")), 0);
	ck_assert_int_eq(cw_xmpp_parser_feed(parser, cw_str_of(c->in)), 0);
	ck_assert_int_eq(cw_xmpp_parser_next(parser, &event), 0);
	ck_assert_int_eq(event.kind, CW_XMPP_EVENT_HEADER);
	ck_assert_int_eq(cw_xmpp_parser_next(parser, &event), 0);
	ck_assert_int_eq(event.kind, CW_XMPP_EVENT_STANZA);
	*stanza = event.stanza;
	return parser;
}

START_TEST(edits_first_tags)
{
	const struct edit_case *c = &cases[_i];
	struct cw_xmpp_edits edits = {cw_str_of(c->to), cw_str_of(c->default_ns)};
	struct cw_xmpp_stanza stanza;
	struct cw_xmpp_parser *parser = read_stanza(c, &stanza);
	struct cw_buf out = {0};
	struct cw_str whole = stanza.bytes;

	stanza.bytes = heap_copy(whole);
	cw_xmpp_start_tag_write(&out, &stanza, &edits);
	ck_assert_int_eq(out.error, 0);
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(c->out)),
		"%s: %" CW_STR_FMT " where %s is expected", c->name, CW_STR_ARG(cw_buf_str(&out)),
		c->out);
	heap_free(stanza.bytes);
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_start_tag");
	TCase *tcase = tcase_create("xmpp_start_tag");

	ADD_ROWS(tcase, edits_first_tags, cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
