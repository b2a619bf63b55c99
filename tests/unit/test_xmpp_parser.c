#include "xmpp/parser.h"

#include "core/buf.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define HEADER                                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                               \
	"xmlns:stream='http://etherx.jabber.org/streams' from='b.test' to='a.test' "               \
	"version='1.0'>"
#define HEADER_SAYS "header jabber:server from=b.test to=a.test version=1.0\n"
/* one that declares more */
#define RICH                                                                                       \
	"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:p='urn:p' "  \
	"xmlns:q='urn:q' xmlns:stream='http://etherx.jabber.org/streams' id='1' xml:lang='de'>"
#define RICH_SAYS "header jabber:server id=1 lang=de dialback\n"

/* ---- what a parser says, in words ---- */

static void add_value(struct cw_buf *out, const char *name, struct cw_str value)
{
	if (!value.p)
		return;
	cw_buf_printf(out, " %s=", name);
	cw_buf_add(out, value);
}

static void add_element(struct cw_buf *out, const struct cw_xmpp_element *e)
{
	cw_buf_printf(out, "(%" CW_STR_FMT ":%" CW_STR_FMT, CW_STR_ARG(e->ns), CW_STR_ARG(e->name));
	for (size_t i = 0; i < e->n_attributes; i++)
		cw_buf_printf(out, " %" CW_STR_FMT "%s%" CW_STR_FMT "=%" CW_STR_FMT,
			CW_STR_ARG(e->attributes[i].ns), e->attributes[i].ns.len > 0 ? ":" : "",
			CW_STR_ARG(e->attributes[i].name), CW_STR_ARG(e->attributes[i].value));
	if (e->text.len > 0)
		cw_buf_printf(out, " [%" CW_STR_FMT "]", CW_STR_ARG(e->text));
	for (const struct cw_xmpp_element *c = e->children; c; c = c->next)
		add_element(out, c);
	cw_buf_add_char(out, ')');
}

static void add_header(struct cw_buf *out, const struct cw_xmpp_header *h)
{
	cw_buf_add(out, cw_str_of("header "));
	cw_buf_add(out, h->default_ns);
	add_value(out, "from", h->from);
	add_value(out, "to", h->to);
	add_value(out, "id", h->id);
	add_value(out, "version", h->version);
	add_value(out, "lang", h->lang);
	cw_buf_add(out, cw_str_of(h->has_dialback_ns ? " dialback" : ""));
}

static void add_stanza(struct cw_buf *out, const struct cw_xmpp_stanza *s)
{
	static const char *const kinds[] = {"message", "presence", "iq"};

	ck_assert_uint_le(s->start_tag_bytes, s->bytes.len);
	cw_buf_add(out, cw_str_of(kinds[s->kind]));
	add_value(out, "from", s->from);
	add_value(out, "to", s->to);
	add_value(out, "id", s->id);
	add_value(out, "type", s->type);
	add_value(out, "lang", s->lang);
	add_value(out, "header_lang", s->header_lang);
	for (size_t i = 0; i < s->n_inherited; i++) {
		cw_buf_add(out, cw_str_of(" xmlns:"));
		cw_buf_add(out, s->inherited[i].name);
		cw_buf_add_char(out, '=');
		cw_buf_add(out, s->inherited[i].value);
	}
	cw_buf_add(out, cw_str_of(s->has_default_ns ? " own-ns " : " "));
	cw_buf_add(out, cw_str_make(s->bytes.p, s->start_tag_bytes));
	cw_buf_add_char(out, '|');
	cw_buf_add(out, cw_str_from(s->bytes, s->start_tag_bytes));
}

/* Take all events there are, one a line. Returns: the parser's error. */
static int say_events(struct cw_xmpp_parser *parser, struct cw_buf *out)
{
	struct cw_xmpp_event event;
	int r;

	for (;;) {
		r = cw_xmpp_parser_next(parser, &event);
		if (r || event.kind == CW_XMPP_EVENT_NONE)
			return r;
		if (event.kind == CW_XMPP_EVENT_HEADER)
			add_header(out, &event.header);
		else if (event.kind == CW_XMPP_EVENT_STANZA)
			add_stanza(out, &event.stanza);
		else if (event.kind == CW_XMPP_EVENT_ELEMENT)
			add_element(out, event.element);
		else
			cw_buf_add(out, cw_str_of("end"));
		cw_buf_add_char(out, '\n');
	}
}

/* Feed `in` in pieces of `step` bytes until something is wrong. Returns: the error. */
static int feed(struct cw_xmpp_parser *parser, struct cw_str in, size_t step, struct cw_buf *out)
{
	int r = 0;

	for (size_t i = 0; i < in.len && !r; i += step) {
		struct cw_str piece = cw_str_from(in, i);

		if (piece.len > step)
			piece.len = step;
		piece = heap_copy(piece);
		r = cw_xmpp_parser_feed(parser, piece);
		heap_free(piece);
		if (!r)
			r = say_events(parser, out);
	}
	return r;
}

static struct cw_xmpp_parser *create(void)
{
	struct cw_xmpp_parser *parser = NULL;

	ck_assert_int_eq(cw_xmpp_parser_create(&parser), 0);
	return parser;
}

static void ck_says(const char *name, struct cw_str in, size_t step, const char *expected)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf out = {0};
	int r;

	cw_xmpp_parser_set_authenticated(parser);
	r = feed(parser, in, step, &out);
	if (r) {
		cw_buf_add(&out, cw_str_of(cw_xmpp_parser_condition(r)));
		ck_assert_msg(cw_xmpp_parser_problem(parser)[0] != '\0', "%s: no problem", name);
		ck_assert_int_eq(cw_xmpp_parser_feed(parser, cw_str_of("<a/>")), r);
		ck_assert_int_eq(say_events(parser, &out), r);
	}
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(expected)),
		"%s, %zu at a time:\n%" CW_STR_FMT "\nwhere this is expected:\n%s", name, step,
		CW_STR_ARG(cw_buf_str(&out)), expected);
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&out);
}

/* ---- conversations ---- */

static const struct conversation {
	const char *name, *in, *says;
} conversations[] = {
	{"header", HEADER, HEADER_SAYS},
	{"white space before the header",
		" \n <stream:stream xmlns='jabber:server' "
		"xmlns:stream='http://etherx.jabber.org/streams'>",
		"header jabber:server\n"},
	{"component",
		"<s:stream xmlns='jabber:component:accept' "
		"xmlns:s='http://etherx.jabber.org/streams' id=''>"
		"<handshake>ab</handshake><iq xmlns='jabber:component:accept'/>"
		"<message xmlns='jabber:server'/>",
		"header jabber:component:accept id=\n(jabber:component:accept:handshake [ab])\n"
		"iq own-ns <iq xmlns='jabber:component:accept'/>|\n(jabber:server:message)\n"},
	{"end", HEADER "</stream:stream>", HEADER_SAYS "end\n"},
	{"white space behind the end", HEADER "</stream:stream> \n", HEADER_SAYS "end\n"},
	{"header and end in one",
		"<stream:stream xmlns='jabber:server' "
		"xmlns:stream='http://etherx.jabber.org/streams' to='a&amp;b'/>",
		"header jabber:server to=a&b\nend\n"},
	{"message",
		HEADER "<message from='x@b.test/r' to='y@a.test' id='1' "
		       "type='chat'><body>a&lt;</body></message>\n",
		HEADER_SAYS "message from=x@b.test/r to=y@a.test id=1 type=chat "
			    "<message from='x@b.test/r' to='y@a.test' id='1' "
			    "type='chat'>|<body>a&lt;</body></message>\n"},
	{"all kinds", HEADER "<iq/><presence></presence>\n <message/> ",
		HEADER_SAYS "iq <iq/>|\npresence <presence>|</presence>\nmessage <message/>|\n"},
	{"CDATA", HEADER "<iq><![CDATA[<<>&]]></iq>",
		HEADER_SAYS "iq <iq>|<![CDATA[<<>&]]></iq>\n"},
	{"values are unescaped",
		HEADER "<iq id='&lt;&#x41;&quot;' to=\"'\" from='' \n type = 'a>b'/>",
		HEADER_SAYS "iq from= to=' id=<A\" type=a>b <iq id='&lt;&#x41;&quot;' to=\"'\" "
			    "from='' \n type = 'a>b'/>|\n"},
	{"attributes of other namespaces are others",
		HEADER "<iq xmlns:x='u' x:id='1' x:lang='2' id='3' lang='4' xml:lang='5'/>",
		HEADER_SAYS "iq id=3 lang=5 <iq xmlns:x='u' x:id='1' x:lang='2' id='3' lang='4' "
			    "xml:lang='5'/>|\n"},
	{"an own namespace", HEADER "<iq xmlns='jabber:server'/><iq/>",
		HEADER_SAYS "iq own-ns <iq xmlns='jabber:server'/>|\niq <iq/>|\n"},
	{"other namespaces are elements", HEADER "<iq xmlns='u'/><iq xmlns=''><a/></iq><iq/>",
		HEADER_SAYS "(u:iq)\n(:iq(:a))\niq <iq/>|\n"},
	{"trees",
		HEADER "<stream:features><starttls xmlns='t'><required/></starttls>"
		       "<m xmlns='s'> <n>EXTER</n>NAL<n>&amp;</n>!</m></stream:features><x/>",
		HEADER_SAYS "(http://etherx.jabber.org/streams:features(t:starttls(t:required))"
			    "(s:m [ NAL!](s:n [EXTER])(s:n [&])))\n(jabber:server:x)\n"},
	{"attributes of trees", HEADER "<a xmlns='u' xmlns:z='v' b='1' z:c='&#10;2' d=''/>",
		HEADER_SAYS "(u:a b=1 v:c=\n2 d=)\n"},
	{"text of trees in bits", HEADER "<a>\n\nb\n&lt;<![CDATA[c&]]>\r\n</a>",
		HEADER_SAYS "(jabber:server:a [\n\nb\n<c&\n])\n"},
	{"dialback", RICH "<db:result from='b' to='a'>k</db:result>",
		RICH_SAYS "(jabber:server:dialback:result from=b to=a [k])\n"},
	{"the common prefixes are no matter", RICH "<iq xml:lang='en'><db:a/><stream:b/></iq>",
		RICH_SAYS "iq lang=en <iq xml:lang='en'>|<db:a/><stream:b/></iq>\n"},
	{"a prefix is inherited", RICH "<iq><p:a/></iq><iq/>",
		RICH_SAYS "iq header_lang=de xmlns:p=urn:p <iq>|<p:a/></iq>\n"
			  "iq header_lang=de <iq/>|\n"},
	{"by an attribute", RICH "<iq p:a=''/><iq><a q:a=''/></iq>",
		RICH_SAYS "iq header_lang=de xmlns:p=urn:p <iq p:a=''/>|\n"
			  "iq header_lang=de xmlns:q=urn:q <iq>|<a q:a=''/></iq>\n"},
	{"all of them", RICH "<iq xml:lang=''><q:a><p:a/></q:a></iq>",
		RICH_SAYS
		"iq lang= xmlns:q=urn:q xmlns:p=urn:p <iq xml:lang=''>|<q:a><p:a/></q:a></iq>\n"},
	{"unless the stanza declares it", RICH "<iq xmlns:p='x'><p:a/></iq>",
		RICH_SAYS "iq header_lang=de <iq xmlns:p='x'>|<p:a/></iq>\n"},
	{"or its child", RICH "<iq><p:a xmlns:p='x'><p:b/></p:a></iq>",
		RICH_SAYS "iq header_lang=de <iq>|<p:a xmlns:p='x'><p:b/></p:a></iq>\n"},
	{"but the child's sibling inherits", RICH "<iq><p:a xmlns:p='x'/><p:b/></iq>",
		RICH_SAYS "iq header_lang=de xmlns:p=urn:p <iq>|<p:a xmlns:p='x'/><p:b/></iq>\n"},
	{"and the next stanza", RICH "<iq xmlns:p='x'/><iq><p:b/></iq>",
		RICH_SAYS "iq header_lang=de <iq xmlns:p='x'/>|\n"
			  "iq header_lang=de xmlns:p=urn:p <iq>|<p:b/></iq>\n"},
	{"common prefixes of other namespaces",
		"<s:stream xmlns='jabber:server' xmlns:db='x' xmlns:stream='y' "
		"xmlns:s='http://etherx.jabber.org/streams'><iq><db:a/><stream:b/><s:c/></iq>",
		"header jabber:server\niq xmlns:s=http://etherx.jabber.org/streams xmlns:stream=y "
		"xmlns:db=x <iq>|<db:a/><stream:b/><s:c/></iq>\n"},
	{"a line feed in a namespace", HEADER "<iq xmlns:p='a&#10;stream'><p:b/></iq>",
		HEADER_SAYS "iq <iq xmlns:p='a&#10;stream'>|<p:b/></iq>\n"},
	{"UTF-8", HEADER "<iq id='\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80'/>",
		HEADER_SAYS "iq id=\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 "
			    "<iq id='\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80'/>|\n"},
	{"UTF-8 is declared",
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><stream:stream xmlns='jabber:server' "
		"xmlns:stream='http://etherx.jabber.org/streams'>",
		"header jabber:server\n"},

	{"not XML", "GET / HTTP/1.1\r\n", "not-well-formed"},
	{"TLS", "\x16\x03\x01", "not-well-formed"},
	{"ends cross", HEADER "<a><b></a></b>", HEADER_SAYS "not-well-formed"},
	{"a tag in a tag", HEADER "<iq <iq/>", HEADER_SAYS "not-well-formed"},
	{"attribute twice", HEADER "<iq id='1' id='2'/>", HEADER_SAYS "not-well-formed"},
	{"the same attribute by two prefixes", HEADER "<iq xmlns:a='u' xmlns:b='u' a:c='' b:c=''/>",
		HEADER_SAYS "not-well-formed"},
	{"text between elements", HEADER "<iq/> x <iq/>", HEADER_SAYS "iq <iq/>|\nnot-well-formed"},
	{"reference between elements", HEADER "&lt;", HEADER_SAYS "not-well-formed"},
	{"CDATA between elements", HEADER "<![CDATA[x]]>", HEADER_SAYS "not-well-formed"},
	{"a second root", HEADER "</stream:stream><stream:stream>",
		HEADER_SAYS "end\nnot-well-formed"},
	{"text behind the end", HEADER "</stream:stream> x", HEADER_SAYS "end\nnot-well-formed"},
	{"another separator's trick", HEADER "<iq xmlns:p='u&#31;iq'/>",
		HEADER_SAYS "not-well-formed"},
	{"a control character", HEADER "<iq>\x01</iq>", HEADER_SAYS "not-well-formed"},
	{"U+FFFF", HEADER "<iq>\xef\xbf\xbf</iq>", HEADER_SAYS "not-well-formed"},

	{"DTD", "<!DOCTYPE stream:stream>", "restricted-xml"},
	{"DTD with entities", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>",
		"restricted-xml"},
	{"DTD within", HEADER "<!DOCTYPE a>", HEADER_SAYS "restricted-xml"},
	{"processing instruction", HEADER "<?php x ?>", HEADER_SAYS "restricted-xml"},
	{"one before the header", "<?xml-stylesheet?>", "restricted-xml"},
	{"in a stanza", HEADER "<iq><?a?></iq>", HEADER_SAYS "restricted-xml"},
	{"a second declaration", HEADER "<?xml version='1.0'?>", HEADER_SAYS "restricted-xml"},
	{"comment", HEADER "<!-- don't -->", HEADER_SAYS "restricted-xml"},
	{"comment before the header", "<!---->", "restricted-xml"},
	{"comment in a stanza", HEADER "<iq><!--\n--></iq>", HEADER_SAYS "restricted-xml"},
	{"entity", HEADER "<iq>&evil;</iq>", HEADER_SAYS "restricted-xml"},
	{"entity in a value", HEADER "<iq id='&nbsp;'/>", HEADER_SAYS "restricted-xml"},

	{"another encoding is declared", "<?xml version='1.0' encoding='ISO-8859-1'?>",
		"unsupported-encoding"},
	{"an encoding that nobody knows", "<?xml version='1.0' encoding='x'?>",
		"unsupported-encoding"},
	{"UTF-16 by its mark", "\xff\xfe", "unsupported-encoding"},
	{"UTF-16 by its mark, too", "\xfe\xff", "unsupported-encoding"},
	{"a mark of UTF-8", "\xef\xbb\xbf" HEADER, "unsupported-encoding"},
	{"ISO 8859-1", HEADER "<iq>\xfc </iq>", HEADER_SAYS "unsupported-encoding"},
	{"overlong", HEADER "<iq id='\xc0\xaf'/>", HEADER_SAYS "unsupported-encoding"},
	{"overlong by three", HEADER "<iq id='\xe0\x80\xaf'/>", HEADER_SAYS "unsupported-encoding"},
	{"a surrogate", HEADER "<iq>\xed\xa0\x80</iq>", HEADER_SAYS "unsupported-encoding"},
	{"above U+10FFFF", HEADER "<iq>\xf4\x90\x80\x80</iq>", HEADER_SAYS "unsupported-encoding"},
	{"a lone continuation", HEADER "\x80", HEADER_SAYS "unsupported-encoding"},

	{"another root",
		"<stream:features xmlns='jabber:server' "
		"xmlns:stream='http://etherx.jabber.org/streams'>",
		"invalid-namespace"},
	{"another namespace of streams",
		"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/'>",
		"invalid-namespace"},
	{"a client's stream",
		"<stream:stream xmlns='jabber:client' "
		"xmlns:stream='http://etherx.jabber.org/streams'>",
		"invalid-namespace"},
	{"no default namespace", "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
		"invalid-namespace"},
	{"a stream without a prefix", "<stream xmlns='http://etherx.jabber.org/streams'>",
		"invalid-namespace"},

	{"undeclared prefix", HEADER "<q:message/>", HEADER_SAYS "bad-namespace-prefix"},
	{"undeclared prefix of a child", HEADER "<iq><q:a/></iq>",
		HEADER_SAYS "bad-namespace-prefix"},
	{"undeclared prefix of an attribute", HEADER "<iq q:a=''/>",
		HEADER_SAYS "bad-namespace-prefix"},
	{"undeclared prefix of the header", "<stream:stream xmlns='jabber:server'>",
		"bad-namespace-prefix"},
	{"a prefix undone", HEADER "<iq xmlns:p=''/>", HEADER_SAYS "bad-namespace-prefix"},
	{"the prefix xmlns", HEADER "<iq xmlns:xmlns='u'/>", HEADER_SAYS "bad-namespace-prefix"},
	{"the prefix xml", HEADER "<iq xmlns:xml='u'/>", HEADER_SAYS "bad-namespace-prefix"},
	{"a prefix that ended", HEADER "<iq xmlns:p='u'/><iq p:a=''/>",
		HEADER_SAYS "iq <iq xmlns:p='u'/>|\nbad-namespace-prefix"},
	{"a stanza by its prefix", HEADER "<s:iq xmlns:s='jabber:server'/>",
		HEADER_SAYS "bad-namespace-prefix"},
};

START_TEST(says_the_same_however_it_is_cut)
{
	static const size_t steps[] = {1, 2, 3, 7, 64, 100000};
	const struct conversation *c = &conversations[_i];

	for (size_t i = 0; i < N_ELEMENTS(steps); i++)
		ck_says(c->name, cw_str_of(c->in), steps[i], c->says);
}
END_TEST

/* NUL cannot stand in a row of the table. */
START_TEST(refuses_nul)
{
	static const char nul[] = HEADER "<iq>\0</iq>", wide[] = "<\0?\0x\0m\0l\0",
			  wide_be[] = "\0<\0?";

	ck_says("NUL", cw_str_make(nul, sizeof(nul) - 1), 1000, HEADER_SAYS "not-well-formed");
	ck_says("NUL", cw_str_make(nul, sizeof(nul) - 1), 1, HEADER_SAYS "not-well-formed");
	ck_says("UTF-16", cw_str_make(wide, sizeof(wide) - 1), 100, "unsupported-encoding");
	ck_says("UTF-16", cw_str_make(wide, sizeof(wide) - 1), 1, "unsupported-encoding");
	ck_says("UTF-16", cw_str_make(wide_be, sizeof(wide_be) - 1), 100, "unsupported-encoding");
	ck_says("UTF-16", cw_str_make(wide_be, sizeof(wide_be) - 1), 1, "unsupported-encoding");
}
END_TEST

/* ---- limits ---- */

/* `times` times `text`. */
static void repeat(struct cw_buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		cw_buf_add(out, cw_str_of(text));
}

/* A stream whose measure is `size`: of bytes, elements, attributes, or prefixes. */
typedef void build_fn(struct cw_buf *out, size_t size);

static void build_stanza(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of(HEADER "<iq>"));
	repeat(out, "x", size - 9);
	cw_buf_add(out, cw_str_of("</iq>"));
}

static void build_element(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of(HEADER "<qi>"));
	repeat(out, "x", size - 9);
	cw_buf_add(out, cw_str_of("</qi>"));
}

/* The tag is full of what could end it. */
static void build_tag(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of(HEADER "<iq id='"));
	repeat(out, ">", size - 11);
	cw_buf_add(out, cw_str_of("'/>"));
}

static void build_depth(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of(HEADER "<iq>"));
	repeat(out, "<a>", size - 1);
	repeat(out, "</a>", size - 1);
	cw_buf_add(out, cw_str_of("</iq>"));
}

static void build_depth_of_tree(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of(HEADER));
	repeat(out, "<a>", size);
	repeat(out, "</a>", size);
}

static void build_attributes(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of(HEADER "<iq><b xmlns='c'"));
	for (size_t i = 1; i < size; i++)
		cw_buf_printf(out, " %s%zu='%zu'", i % 2 ? "xmlns:a" : "b", i, i);
	cw_buf_add(out, cw_str_of("/></iq>"));
}

static void build_prefixes(struct cw_buf *out, size_t size)
{
	cw_buf_add(out, cw_str_of("<stream:stream xmlns='jabber:server' "
				  "xmlns:stream='http://etherx.jabber.org/streams'"));
	for (size_t i = 1; i < size; i++)
		cw_buf_printf(out, " xmlns:p%zu='%zu'", i, i);
	cw_buf_add(out, cw_str_of("><iq/>"));
}

static const struct limit {
	const char *name;
	build_fn *build;
	size_t max;
} limits[] = {
	{"bytes of a stanza", build_stanza, CW_XMPP_STANZA_MAX},
	{"bytes of an element", build_element, CW_XMPP_ELEMENT_MAX},
	{"bytes of a tag", build_tag, CW_XMPP_TOKEN_MAX},
	{"depth", build_depth, CW_XMPP_DEPTH_MAX},
	{"depth of a tree", build_depth_of_tree, CW_XMPP_DEPTH_MAX},
	{"attributes", build_attributes, CW_XMPP_ATTRIBUTES_MAX},
	{"prefixes of the header", build_prefixes, CW_XMPP_PREFIXES_MAX},
};

static void ck_limit(const struct limit *l, size_t size, size_t step, int expected)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf in = {0}, out = {0};
	int r;

	l->build(&in, size);
	cw_xmpp_parser_set_authenticated(parser);
	r = feed(parser, cw_buf_str(&in), step, &out);
	ck_assert_msg(r == expected, "%s, %zu, %zu at a time: %d (%s)", l->name, size, step, r,
		cw_xmpp_parser_problem(parser));
	if (!r)
		ck_assert_uint_eq(cw_str_count(cw_buf_str(&out), '\n'), 2);
	cw_buf_finish(&in);
	cw_buf_finish(&out);
	cw_xmpp_parser_destroy(parser);
}

START_TEST(keeps_limits)
{
	static const size_t steps[] = {1, 113, 4096, 1 << 20};
	const struct limit *l = &limits[_i];

	for (size_t i = 0; i < N_ELEMENTS(steps); i++) {
		ck_limit(l, l->max, steps[i], 0);
		ck_limit(l, l->max + 1, steps[i], CW_XMPP_PARSER_E_POLICY);
	}
}
END_TEST

/* It must not be waited for the end of what is too long already. */
START_TEST(refuses_endless_tags)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf in = {0}, out = {0};

	cw_xmpp_parser_set_authenticated(parser);
	cw_buf_add(&in, cw_str_of(HEADER "<iq id='"));
	repeat(&in, "x", CW_XMPP_TOKEN_MAX);
	ck_assert_int_eq(feed(parser, cw_buf_str(&in), 1000, &out), CW_XMPP_PARSER_E_POLICY);
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&in);
	cw_buf_finish(&out);
}
END_TEST

START_TEST(counts_bytes_until_authenticated)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf in = {0}, out = {0};

	cw_buf_add(&in, cw_str_of(HEADER));
	while (in.len < CW_XMPP_PREAUTH_MAX)
		cw_buf_add_char(&in, ' ');
	ck_assert_int_eq(feed(parser, cw_buf_str(&in), 1000, &out), 0);
	ck_assert_int_eq(cw_xmpp_parser_feed(parser, cw_str_of(" ")), CW_XMPP_PARSER_E_POLICY);
	cw_xmpp_parser_destroy(parser);

	parser = create();
	ck_assert_int_eq(feed(parser, cw_buf_str(&in), 1000, &out), 0);
	cw_xmpp_parser_set_authenticated(parser);
	ck_assert_int_eq(feed(parser, cw_str_of(" <iq/>"), 1, &out), 0);
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&in);
	cw_buf_finish(&out);
}
END_TEST

/* ---- pulling ---- */

static enum cw_xmpp_event_kind next_kind(struct cw_xmpp_parser *parser)
{
	struct cw_xmpp_event event;

	ck_assert_int_eq(cw_xmpp_parser_next(parser, &event), 0);
	return event.kind;
}

static void ck_feed(struct cw_xmpp_parser *parser, const char *text)
{
	struct cw_str copy = heap_copy(cw_str_of(text));

	ck_assert_int_eq(cw_xmpp_parser_feed(parser, copy), 0);
	heap_free(copy);
}

START_TEST(tells_what_is_not_taken)
{
	struct cw_xmpp_parser *parser = create();

	ck_assert(!cw_xmpp_parser_has_input(parser));
	ck_feed(parser, HEADER "<a/> <b/>");
	ck_assert(cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_HEADER);
	ck_assert(cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_ELEMENT);
	ck_assert(cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_ELEMENT);
	ck_assert(!cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_NONE);
	ck_feed(parser, " \n");
	ck_assert(!cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_NONE);
	ck_feed(parser, "<");
	ck_assert(cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_NONE);
	ck_assert(cw_xmpp_parser_has_input(parser));
	ck_feed(parser, "c/>");
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_ELEMENT);
	ck_assert(!cw_xmpp_parser_has_input(parser));
	ck_feed(parser, "<iq>");
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_NONE);
	ck_assert(cw_xmpp_parser_has_input(parser));
	cw_xmpp_parser_destroy(parser);
}
END_TEST

/* Feeding must not lose what was not taken, as when reading stopped. */
START_TEST(takes_bytes_between_events)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf out = {0}, expected = {0};

	cw_xmpp_parser_set_authenticated(parser);
	ck_feed(parser, RICH "<iq id='0'><p:x/></iq>");
	ck_assert_int_eq(next_kind(parser), CW_XMPP_EVENT_HEADER);
	cw_buf_add(&expected,
		cw_str_of("iq id=0 header_lang=de xmlns:p=urn:p <iq id='0'>|<p:x/></iq>\n"));
	for (int i = 1; i < 2000; i++) {
		char text[64];
		struct cw_xmpp_event event;

		snprintf(text, sizeof(text), "<iq id='%d'><p:x/></iq>", i);
		ck_feed(parser, text);
		cw_buf_printf(&expected,
			"iq id=%d header_lang=de xmlns:p=urn:p <iq id='%d'>|<p:x/></iq>\n", i, i);
		if (i % 3 == 0)
			continue;
		ck_assert_int_eq(cw_xmpp_parser_next(parser, &event), 0);
		ck_assert_int_eq(event.kind, CW_XMPP_EVENT_STANZA);
		add_stanza(&out, &event.stanza);
		cw_buf_add_char(&out, '\n');
	}
	ck_assert_int_eq(say_events(parser, &out), 0);
	ck_assert(cw_str_eq(cw_buf_str(&out), cw_buf_str(&expected)));
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&out);
	cw_buf_finish(&expected);
}
END_TEST

START_TEST(rests_between_elements)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf out = {0};

	cw_xmpp_parser_rest(parser); /* nothing came yet */
	ck_assert_int_eq(feed(parser, cw_str_of(RICH "<iq><p:x/></iq> "), 100, &out), 0);
	cw_xmpp_parser_rest(parser);
	cw_xmpp_parser_rest(parser);
	ck_assert(!cw_xmpp_parser_has_input(parser));
	ck_assert_int_eq(say_events(parser, &out), 0);
	ck_assert_int_eq(feed(parser, cw_str_of("<a/><iq><q:x"), 100, &out), 0);
	cw_xmpp_parser_rest(parser); /* in the midst of a stanza: nothing happens */
	ck_assert_int_eq(feed(parser, cw_str_of("/></iq>"), 100, &out), 0);
	cw_xmpp_parser_rest(parser);
	ck_assert_int_eq(feed(parser, cw_str_of("</stream:stream>"), 100, &out), 0);
	cw_xmpp_parser_rest(parser);
	ck_assert(cw_str_eq(cw_buf_str(&out),
		cw_str_of(RICH_SAYS "iq header_lang=de xmlns:p=urn:p <iq>|<p:x/></iq>\n"
				    "(jabber:server:a)\n"
				    "iq header_lang=de xmlns:q=urn:q <iq>|<q:x/></iq>\nend\n")));
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&out);
}
END_TEST

START_TEST(says_where)
{
	struct cw_xmpp_parser *parser = create();
	struct cw_buf out = {0};

	ck_assert_int_eq(feed(parser, cw_str_of(RICH "<iq/>"), 1000, &out), 0);
	cw_xmpp_parser_rest(parser);
	ck_assert_int_eq(
		feed(parser, cw_str_of(" <!--a-->"), 1000, &out), CW_XMPP_PARSER_E_RESTRICTED);
	cw_buf_clear(&out);
	cw_buf_printf(&out, "a comment at byte %zu", strlen(RICH "<iq/> "));
	ck_assert(cw_str_eq(cw_str_of(cw_xmpp_parser_problem(parser)), cw_buf_str(&out)));
	cw_xmpp_parser_destroy(parser);
	cw_buf_finish(&out);
}
END_TEST

/*
 * Create a parser and read a stream with it. Check must not be called meanwhile: it allocates.
 * Returns: as the parser.
 */
static int create_and_read(struct cw_xmpp_parser **parser, int *n_events)
{
	struct cw_xmpp_event event = {0};
	int r = cw_xmpp_parser_create(parser);

	if (!r)
		r = cw_xmpp_parser_feed(
			*parser, cw_str_of(RICH "<iq id='1'><p:a/></iq><a b='c'>d<e/>f</a>"));
	for (*n_events = 0; !r; ++*n_events) {
		r = cw_xmpp_parser_next(*parser, &event);
		if (event.kind == CW_XMPP_EVENT_NONE)
			break;
	}
	return r;
}

START_TEST(survives_lack_of_memory)
{
	struct cw_xmpp_parser *parser;
	int r, n_events;

	for (unsigned n = 1;; n++) {
		parser = NULL;
		alloc_fail_at(n);
		r = create_and_read(&parser, &n_events);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		cw_xmpp_parser_destroy(parser);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(n_events, 3);
	cw_xmpp_parser_destroy(parser);
}
END_TEST

START_TEST(names_conditions)
{
	ck_assert_str_eq(cw_xmpp_parser_condition(CW_XMPP_PARSER_E_XML), "not-well-formed");
	ck_assert_str_eq(cw_xmpp_parser_condition(CW_XMPP_PARSER_E_POLICY), "policy-violation");
	cw_xmpp_parser_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_parser");
	TCase *tcase = tcase_create("xmpp_parser");

	ADD_ROWS(tcase, says_the_same_however_it_is_cut, conversations);
	tcase_add_test(tcase, refuses_nul);
	ADD_ROWS(tcase, keeps_limits, limits);
	tcase_add_test(tcase, refuses_endless_tags);
	tcase_add_test(tcase, counts_bytes_until_authenticated);
	tcase_add_test(tcase, tells_what_is_not_taken);
	tcase_add_test(tcase, takes_bytes_between_events);
	tcase_add_test(tcase, rests_between_elements);
	tcase_add_test(tcase, says_where);
	tcase_add_test(tcase, survives_lack_of_memory);
	tcase_add_test(tcase, names_conditions);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
