#include "xmpp/jid.h"

#include "tests/unit/unit.h"

#include <errno.h>

static struct cw_arena arena;

static void begin(void)
{
	cw_arena_init(&arena, 0);
}

static void end(void)
{
	cw_arena_finish(&arena);
}

static void ck_part(const char *name, struct cw_str part, const char *expected)
{
	ck_assert_msg(cw_str_eq(part, cw_str_of(expected)), "%s: '%.*s' where '%s' is expected",
		name, CW_STR_ARG(part), expected ? expected : "");
}

/* A bare domain has nothing but `domain`; NULL there: malformed. */
static const struct jid_case {
	const char *name, *text, *local, *domain, *resource;
} jid_cases[] = {
	{"domain", "a.test", NULL, "a.test", NULL},
	{"local part", "u@a.test", "u", "a.test", NULL},
	{"resource", "u@a.test/r", "u", "a.test", "r"},
	{"resource of a domain", "a.test/r", NULL, "a.test", "r"},
	{"slash and at in a resource", "a.test/r/s@t", NULL, "a.test", "r/s@t"},
	{"at in a resource only", "a.test/u@b.test", NULL, "a.test", "u@b.test"},
	{"resource keeps its case", "a.test/Work PC", NULL, "a.test", "Work PC"},
	{"resource of blanks", "a.test/ ", NULL, "a.test", " "},
	{"upper case", "User@A.Test/R", "user", "a.test", "R"},
	{"marks in a local part", "a.b+c=d_e!#$%*()@a.test", "a.b+c=d_e!#$%*()", "a.test", NULL},
	{"escaped at (XEP-0106)", "a\\40b@a.test", "a\\40b", "a.test", NULL},
	{"local part in Latin",
		"\xc3\x9c"
		"ber@a.test",
		"\xc3\xbc"
		"ber",
		"a.test", NULL},
	{"composed", "u\xcc\x88@a.test", "\xc3\xbc", "a.test", NULL},
	{"sharp s of a local part", "\xc3\x9f@a.test", "ss", "a.test", NULL},
	{"fullwidth local part", "\xef\xbc\xb5@a.test", "u", "a.test", NULL},
	{"soft hyphen vanishes",
		"a\xc2\xad"
		"b@a.test",
		"ab", "a.test", NULL},
	{"Hebrew local part", "\xd7\x90@a.test", "\xd7\x90", "a.test", NULL},
	{"resource in Latin keeps its case", "a.test/\xc3\x9c", NULL, "a.test", "\xc3\x9c"},
	{"unassigned in a resource", "a.test/\xcd\xb8", NULL, "a.test", "\xcd\xb8"},
	{"a nickname with a face", "a.test/\xf0\x9f\xa6\x84", NULL, "a.test", "\xf0\x9f\xa6\x84"},
	{"fullwidth slash in a resource", "a.test/\xef\xbc\x8f", NULL, "a.test", "/"},
	{"domain in Latin",
		"u@B\xc3\x9c"
		"CHER.test",
		"u", "xn--bcher-kva.test", NULL},

	{"nothing", "", NULL, NULL, NULL},
	{"no domain", "u@", NULL, NULL, NULL},
	{"no domain before a resource", "u@/r", NULL, NULL, NULL},
	{"resource alone", "/r", NULL, NULL, NULL},
	{"empty local part", "@a.test", NULL, NULL, NULL},
	{"empty resource", "u@a.test/", NULL, NULL, NULL},
	{"two ats", "u@v@a.test", NULL, NULL, NULL},
	{"local part that vanishes", "\xc2\xad@a.test", NULL, NULL, NULL},
	{"resource that vanishes", "a.test/\xc2\xad", NULL, NULL, NULL},
	{"blank in a local part", "u v@a.test", NULL, NULL, NULL},
	{"quote", "u\"v@a.test", NULL, NULL, NULL},
	{"ampersand", "u&v@a.test", NULL, NULL, NULL},
	{"apostrophe", "u'v@a.test", NULL, NULL, NULL},
	{"colon", "u:v@a.test", NULL, NULL, NULL},
	{"less", "u<v@a.test", NULL, NULL, NULL},
	{"greater", "u>v@a.test", NULL, NULL, NULL},
	{"fullwidth at in a local part", "u\xef\xbc\xa0v@a.test", NULL, NULL, NULL},
	{"small at in a local part", "u\xef\xb9\xabv@a.test", NULL, NULL, NULL},
	{"fullwidth slash in a local part", "u\xef\xbc\x8fv@a.test", NULL, NULL, NULL},
	{"account-of, which holds a slash", "\xe2\x84\x80@a.test", NULL, NULL, NULL},
	{"control in a local part", "u\tv@a.test", NULL, NULL, NULL},
	{"DEL in a local part", "u\x7fv@a.test", NULL, NULL, NULL},
	{"control in a resource", "a.test/r\n", NULL, NULL, NULL},
	{"DEL in a resource", "a.test/\x7f", NULL, NULL, NULL},
	{"C1 control in a resource", "a.test/\xc2\x85", NULL, NULL, NULL},
	{"bidi: both directions in a local part",
		"\xd7\x90"
		"a@a.test",
		NULL, NULL, NULL},
	{"bidi: both directions in a resource",
		"a.test/\xd7\x90"
		"a",
		NULL, NULL, NULL},
	{"bidi: a mark that turns the direction", "u\xe2\x80\xae@a.test", NULL, NULL, NULL},
	{"unassigned in a local part", "\xcd\xb8@a.test", NULL, NULL, NULL},
	{"assigned after Unicode 3.2", "\xc8\xb7@a.test", NULL, NULL, NULL},
	{"private use", "\xee\x80\x80@a.test", NULL, NULL, NULL},
	{"no character", "\xef\xbf\xbf@a.test", NULL, NULL, NULL},
	{"bad UTF-8 in a local part", "\xff@a.test", NULL, NULL, NULL},
	{"overlong UTF-8 of a slash", "u\xc0\xaf@a.test", NULL, NULL, NULL},
	{"surrogate in a resource", "a.test/\xed\xa0\x80", NULL, NULL, NULL},
	{"truncated UTF-8 in a resource", "a.test/\xe2\x82", NULL, NULL, NULL},
};

START_TEST(prepares)
{
	const struct jid_case *c = &jid_cases[_i];
	struct cw_str text = heap_copy(cw_str_of(c->text));
	struct cw_jid jid = {{NULL, 77}, {NULL, 77}, {NULL, 77}};
	int r = cw_jid_prepare(&jid, text, &arena);

	ck_assert_msg(r == (c->domain ? 0 : CW_JID_E_MALFORMED), "%s: %d", c->name, r);
	if (c->domain) {
		ck_part(c->name, jid.local, c->local);
		ck_part(c->name, jid.domain, c->domain);
		ck_part(c->name, jid.resource, c->resource);
	} else {
		ck_assert_msg(jid.local.len == 77 && jid.domain.len == 77 && jid.resource.len == 77,
			"%s: output touched", c->name);
	}
	heap_free(text);
}
END_TEST

static const struct domain_case {
	const char *name, *text, *prepared; /* NULL: malformed */
} domain_cases[] = {
	{"plain", "im.a.test", "im.a.test"},
	{"one label", "localhost", "localhost"},
	{"digits and hyphens", "3-com.4u.x-1", "3-com.4u.x-1"},
	{"number before the last label", "1.2.3.4.test", "1.2.3.4.test"},
	{"upper case", "IM.A.TEST", "im.a.test"},
	{"trailing dot", "a.test.", "a.test"},
	{"trailing ideographic dot", "a.test\xe3\x80\x82", "a.test"},
	{"ideographic dot", "a\xe3\x80\x82test", "a.test"},
	{"fullwidth letters", "\xef\xbd\x81.test", "a.test"},
	{"A-label", "xn--bcher-kva.test", "xn--bcher-kva.test"},
	{"A-label in upper case", "XN--BCHER-KVA.test", "xn--bcher-kva.test"},
	{"U-label",
		"b\xc3\xbc"
		"cher.test",
		"xn--bcher-kva.test"},
	{"decomposed U-label",
		"bu\xcc\x88"
		"cher.test",
		"xn--bcher-kva.test"},
	{"non-transitional: sharp s stays", "fa\xc3\x9f.test", "xn--fa-hia.test"},
	{"final sigma stays", "\xcf\x82.test", "xn--3xa.test"},
	{"soft hyphen vanishes",
		"a\xc2\xad"
		"b.test",
		"ab.test"},
	{"Hebrew", "\xd7\x90.test", "xn--4db.test"},

	{"nothing", "", NULL},
	{"a dot", ".", NULL},
	{"leading dot", ".a.test", NULL},
	{"two dots", "a..test", NULL},
	{"two trailing dots", "a.test..", NULL},
	{"trailing dots of two kinds", "a.test\xe3\x80\x82.", NULL},
	{"label that vanishes", "a.\xc2\xad.test", NULL},
	{"leading hyphen", "-a.test", NULL},
	{"trailing hyphen", "a-.test", NULL},
	{"hyphens third and fourth", "ab--c.test", NULL},
	{"underscore", "a_b.test", NULL},
	{"blank", "a b.test", NULL},
	{"blank before", " a.test", NULL},
	{"newline behind", "a.test\n", NULL},
	{"wildcard", "*.test", NULL},
	{"at", "u@a.test", NULL},
	{"slash", "a.test/r", NULL},
	{"port", "a.test:5269", NULL},
	{"percent", "a%2etest", NULL},
	{"fullwidth at",
		"u\xef\xbc\xa0"
		"a.test",
		NULL},
	{"fullwidth slash", "a.test\xef\xbc\x8fr", NULL},
	{"care-of, which holds a slash", "\xe2\x84\x85.test", NULL},
	{"IPv4", "127.0.0.1", NULL},
	{"IPv4 with a trailing dot", "127.0.0.1.", NULL},
	{"IPv4 in one number", "2130706433", NULL},
	{"IPv4 in fullwidth digits", "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.\xef\xbc\x91", NULL},
	{"IPv4 with ideographic dots",
		"127\xe3\x80\x82"
		"0\xe3\x80\x82"
		"0\xe3\x80\x82"
		"1",
		NULL},
	{"IPv6", "::1", NULL},
	{"IPv6 in brackets", "[::1]", NULL},
	{"A-label of nothing", "xn--.test", NULL},
	{"A-label of ASCII", "xn--abc-.test", NULL},
	{"A-label that is no punycode", "xn--a\xc3\xbc.test", NULL},
	{"A-label of what is not prepared", "xn--wca.test", NULL},
	{"A-label of a fullwidth at", "xn--ab-iw3n.test", NULL},
	{"bidi: both directions", "a\xd7\x90.test", NULL},
	{"joiner where none may be",
		"a\xe2\x80\x8d"
		"b.test",
		NULL},
	{"unassigned", "\xcd\xb8.test", NULL},
	{"leading combining mark",
		"\xcc\x88"
		"a.test",
		NULL},
	{"bad UTF-8", "\xff.test", NULL},
	{"truncated UTF-8", "a.tes\xc3", NULL},
};

START_TEST(prepares_domains)
{
	const struct domain_case *c = &domain_cases[_i];
	struct cw_str text = heap_copy(cw_str_of(c->text)), out = {NULL, 77};
	int r = cw_jid_prepare_domain(&out, text, &arena);

	ck_assert_msg(r == (c->prepared ? 0 : CW_JID_E_MALFORMED), "%s: %d", c->name, r);
	if (c->prepared)
		ck_part(c->name, out, c->prepared);
	else
		ck_assert_msg(out.len == 77, "%s: output touched", c->name);
	heap_free(text);
}
END_TEST

START_TEST(refuses_nul)
{
	static const struct cw_str texts[] = {
		CW_STR("a.test\0"), CW_STR("a.te\0st"), CW_STR("u\0@a.test"), CW_STR("a.test/r\0")};
	struct cw_jid jid;

	for (size_t i = 0; i < N_ELEMENTS(texts); i++)
		ck_assert_int_eq(cw_jid_prepare(&jid, texts[i], &arena), CW_JID_E_MALFORMED);
	ck_assert_int_eq(
		cw_jid_prepare(&jid, (struct cw_str){NULL, 0}, &arena), CW_JID_E_MALFORMED);
}
END_TEST

/* Write `n` times `piece` at `at`, and a NUL. Returns where that is. */
static char *repeat(char *at, const char *piece, size_t n)
{
	for (; n > 0; n--) {
		memcpy(at, piece, strlen(piece));
		at += strlen(piece);
	}
	*at = '\0';
	return at;
}

/* A part of a JID made of `n` pieces, whether that is malformed for its length. */
static const struct length_case {
	const char *name, *before, *piece, *after;
	size_t n;
	bool is_good;
} length_cases[] = {
	{"longest local part", "", "a", "@a.test", 1023, true},
	{"local part that is too long", "", "a", "@a.test", 1024, false},
	{"longest local part to fold", "", "A", "@a.test", 1023, true},
	{"local part to fold that is too long", "", "A", "@a.test", 1024, false},
	{"longest local part in Greek", "", "\xce\xb1", "@a.test", 511, true},
	{"local part in Greek that is too long", "", "\xce\xb1", "@a.test", 512, false},
	{"local part that grows within bounds", "", "\xef\xac\x83", "@a.test", 341, true},
	{"local part that grows too long", "", "\xe1\xbe\xb7", "@a.test", 341, false},
	{"local part that grows too long in UTF-16", "", "\xef\xb7\xba", "@a.test", 341, false},
	{"longest resource", "a.test/", "a", "", 1023, true},
	{"resource that is too long", "a.test/", "a", "", 1024, false},
	{"longest resource in Greek", "a.test/", "\xce\xb1", "", 511, true},
	{"resource in Greek that is too long", "a.test/", "\xce\xb1", "", 512, false},
	{"longest label", "", "a", ".test", 63, true},
	{"label that is too long", "", "a", ".test", 64, false},
	{"label to fold that is too long", "", "A", ".test", 64, false},
	{"longest label in Latin", "", "\xc3\xbc", ".test", 57, true},
	{"label in Latin that is too long", "", "\xc3\xbc", ".test", 58, false},
	{"longest domain", "a", ".a", "", 126, true},
	{"domain that is too long", "aa", ".a", "", 126, false},
	{"longest domain to fold", "A", ".a", "", 126, true},
	{"longest domain with a trailing dot", "a", ".a", ".", 126, true},
	{"domain to fold that is too long", "AA", ".a", "", 126, false},
	{"domain that is far too long", "a", ".a", "", 2000, false},
	{"domain to fold that is far too long", "A", ".a", "", 2000, false},
};

START_TEST(bounds_lengths)
{
	const struct length_case *c = &length_cases[_i];
	static char text[8192];
	char *at = repeat(text, c->before, 1);
	struct cw_jid jid;
	int r;

	at = repeat(at, c->piece, c->n);
	repeat(at, c->after, 1);
	r = cw_jid_prepare(&jid, cw_str_of(text), &arena);
	ck_assert_msg(r == (c->is_good ? 0 : CW_JID_E_MALFORMED), "%s: %d", c->name, r);
	if (c->is_good) {
		ck_assert_msg(jid.local.len <= CW_JID_PART_MAX &&
				      jid.domain.len <= CW_JID_DOMAIN_MAX &&
				      jid.resource.len <= CW_JID_PART_MAX,
			"%s: length", c->name);
	}
}
END_TEST

START_TEST(plain_ascii_takes_no_memory)
{
	struct cw_str text = cw_str_of("user.name@im.a.test/Work PC");
	struct cw_jid jid;

	ck_assert_int_eq(cw_jid_prepare(&jid, text, &arena), 0);
	ck_assert_ptr_eq(jid.local.p, text.p);
	ck_assert_ptr_eq(jid.domain.p, text.p + 10);
	ck_assert_ptr_eq(jid.resource.p, text.p + 20);
	ck_assert_ptr_null(arena.chunks);
}
END_TEST

START_TEST(lacks_memory)
{
	static const char *const texts[] = {"U@a.test", "u@A.test", "a.test/\xc3\xbc"};
	struct cw_jid jid = {.domain = {NULL, 77}};

	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		alloc_fail_at(1);
		ck_assert_int_eq(cw_jid_prepare(&jid, cw_str_of(texts[i]), &arena), -ENOMEM);
		ck_assert(alloc_fail_reached());
		ck_assert_uint_eq(jid.domain.len, 77);
	}
}
END_TEST

static const struct raw_case {
	const char *text, *domain;
} raw_cases[] = {
	{"A.test", "A.test"},
	{"u@A.test/r", "A.test"},
	{"A.test/u@b", "A.test"},
	{"u@v@w", "v@w"},
	{"u@", ""},
	{"/r", ""},
	{"", ""},
};

START_TEST(finds_raw_domains)
{
	const struct raw_case *c = &raw_cases[_i];
	struct cw_str text = heap_copy(cw_str_of(c->text));

	ck_part(c->text, cw_jid_raw_domain(text), c->domain);
	heap_free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jid");
	TCase *tcase = tcase_create("jid");

	tcase_add_checked_fixture(tcase, begin, end);
	ADD_ROWS(tcase, prepares, jid_cases);
	ADD_ROWS(tcase, prepares_domains, domain_cases);
	tcase_add_test(tcase, refuses_nul);
	ADD_ROWS(tcase, bounds_lengths, length_cases);
	tcase_add_test(tcase, plain_ascii_takes_no_memory);
	tcase_add_test(tcase, lacks_memory);
	ADD_ROWS(tcase, finds_raw_domains, raw_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
