/* The grammar of configuration files: a tree or errors with their places. */
#include "core/conf.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

/* ---- the tree, written so that a test can compare it ---- */

static void write_word(FILE *f, const struct cw_conf_word *w)
{
	fprintf(f, w->quoted ? "<%" CW_STR_FMT ">" : "%" CW_STR_FMT, CW_STR_ARG(w->text));
}

static void write_nodes(FILE *f, const struct cw_conf_node *n)
{
	size_t i;

	for (; n; n = n->next) {
		write_word(f, &n->keyword);
		for (i = 0; i < n->n_args; i++) {
			fputc('|', f);
			write_word(f, &n->args[i]);
		}
		if (n->has_block) {
			fputc('{', f);
			write_nodes(f, n->children);
			fputc('}', f);
		}
		fputc(';', f);
	}
}

static char *tree_text(const struct cw_conf *conf)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	write_nodes(f, conf->root);
	fclose(f);
	return text;
}

/* All messages as "LINE:COLUMN+WIDTH text" lines. */
static char *diag_text(const struct cw_diag *diag)
{
	char *text = NULL;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	for (i = 0; i < diag->count; i++)
		fprintf(f, "%u:%u+%u %s\n", diag->entries[i].place.line,
			diag->entries[i].place.column, diag->entries[i].place.width,
			diag->entries[i].message);
	fclose(f);
	return text;
}

/* Parse a heap copy of exact length, so that a read behind the end is seen. */
static struct cw_conf *parse(struct cw_str text, struct cw_diag *diag)
{
	struct cw_str copy = heap_copy(text);
	struct cw_conf *conf = NULL;

	ck_assert_int_eq(cw_conf_parse(&conf, "test", copy, diag), 0);
	heap_free(copy); /* the tree has its own */
	return conf;
}

static const struct tree_case {
	const char *name, *text, *tree;
} tree_cases[] = {
	{"empty", "", ""},
	{"only blanks and comments", " \t\n# all\n\n  # of it", ""},
	{"words", "listen sip  tls 0.0.0.0:5061 # x\n", "listen|sip|tls|0.0.0.0:5061;"},
	{"no newline at the end", "a b", "a|b;"},
	{"CR LF", "a b\r\nc\r\n", "a|b;c;"},
	{"a byte order mark",
		"\xef\xbb\xbf"
		"a b\n",
		"a|b;"},
	{"semicolons", "a b; c d;; e;\n;", "a|b;c|d;e;"},
	{"a semicolon ends a bare word", "a b;c", "a|b;c;"},
	{"a block", "zone z {\n type dns\n name x\n}\nb", "zone|z{type|dns;name|x;};b;"},
	{"a block on one line", "zone im { type xmpp; peer 127.0.0.2:5269 }",
		"zone|im{type|xmpp;peer|127.0.0.2:5269;};"},
	{"an empty block", "a { }", "a{};"},
	{"two blocks on one line", "a { b } c { d }", "a{b;};c{d;};"},
	{"a block that ends with a semicolon", "a { b };c", "a{b;};c;"},
	{"braces next to a semicolon", "a { b;};{x", "a{b;};{x;"},
	{"nested", "a{ b {\nc { d }\n e\n}", "a{|b{c{d;};e;};"},
	{"braces inside words are letters", "p \\d{2,4}@x\\.y {2} a{ }b",
		"p|\\d{2,4}@x\\.y|{2}|a{|}b;"},
	{"backslashes are letters", "p a\\ \\\\", "p|a\\|\\\\;"},
	{"a number sign inside a word", "a b#c #d", "a|b#c;"},
	{"quotes inside a word are letters", "a b'c' d\"e", "a|b'c'|d\"e;"},
	{"single quotes", "rule 'IMP Public to IMP' { }", "rule|<IMP Public to IMP>{};"},
	{"a quote in single quotes", "a 'it''s' '''' ''", "a|<it's>|<'>|<>;"},
	{"single quotes are literal", "a '\\.\\d;{ } # \"'", "a|<\\.\\d;{ } # \">;"},
	{"double quotes", "a \"b c\" \"x\\\"y\\\\z\" \"\"", "a|<b c>|<x\"y\\z>|<>;"},
	{"quotes end at a semicolon", "a 'b';c \"d\";", "a|<b>;c|<d>;"},
	{"quoted braces are words", "a '{' b '}'", "a|<{>|b|<}>;"},
	{"a quoted keyword", "'a b' c", "<a b>|c;"},
	{"UTF-8", "rule \xc3\x9c\xe2\x82\xac\xf0\x9f\x98\x80 x",
		"rule|\xc3\x9c\xe2\x82\xac\xf0\x9f\x98\x80|x;"},
	{"a quoted include is a word", "'include' x", "<include>|x;"},
};

START_TEST(reads_a_tree)
{
	const struct tree_case *c = &tree_cases[_i];
	struct cw_diag diag = {0};
	struct cw_conf *conf = parse(cw_str_of(c->text), &diag);
	char *tree = tree_text(conf), *messages = diag_text(&diag);

	ck_assert_msg(diag.errors + diag.warnings == 0, "%s: %s", c->name, messages);
	ck_assert_msg(strcmp(tree, c->tree) == 0, "%s: %s", c->name, tree);
	free(tree);
	free(messages);
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
}
END_TEST

#define ESCAPE  "unknown escape: \"...\" knows \\\" and \\\\ only; write a pattern in '...'\n"
#define OPEN    "this quote is not closed on its line\n"
#define BLANK   "a blank, \";\" or the end of the line must follow the quote\n"
#define CLOSED  "this block is never closed: a \"}\" is missing before the end of the file\n"
#define CONTROL "a control character; only tab and line ends may stand here\n"
#define UTF8    "not UTF-8 text, or a control character\n"
#define INCLUDE                                                                                    \
	"include takes one argument: the name of a file, or a pattern such as rules/*.rules\n"

static const struct error_case {
	const char *name, *text;
	size_t len; /* 0: strlen */
	const char *messages, *tree;
} error_cases[] = {
	{"another escape", "a \"x\\.y\" b", 0, "1:5+2 " ESCAPE, "a|<x.y>|b;"},
	{"every escape is reported", "a \"\\d\\w\"", 0, "1:4+2 " ESCAPE "1:6+2 " ESCAPE, "a|<dw>;"},
	{"an open quote ends with its line", "a 'b c\nd", 0, "1:3+4 " OPEN, "a|<b c>;d;"},
	{"an open double quote", "a \"b\\\"", 0, "1:3+4 " OPEN, "a|<b\">;"},
	{"an escape at the end", "a \"b\\", 0, "1:3+3 " OPEN, "a|<b\\>;"},
	{"a word glued to a quote", "a 'b'c", 0, "1:6+1 " BLANK, "a|<b>|c;"},
	{"a comment glued to a quote", "a \"b\"# c", 0, "1:6+1 " BLANK, "a|<b>;"},
	{"a brace glued to a quote", "a 'b'{\n}", 0, "1:6+1 " BLANK, "a|<b>{};"},
	{"a brace too many", "a\n} b", 0, "2:1+1 \"}\" closes no block\n", "a;b;"},
	{"a block left open", "a {\n b {\n c\n}", 0, "1:3+1 " CLOSED, "a{b{c;};};"},
	{"two blocks left open", "a {\n b {", 0, "2:4+1 " CLOSED "1:3+1 " CLOSED, "a{b{};};"},
	{"a brace on the next line", "zone x\n{\n type dns\n}\n", 0,
		"2:1+1 \"{\" must stand on the line of its keyword\n", "zone|x{type|dns;};"},
	{"a block without keyword", "{ a }\nb", 0, "1:1+1 \"{\" without a keyword before it\n",
		"b;"},
	{"a block after a block", "a { } { b { c } }\nd", 0,
		"1:7+1 \"{\" without a keyword before it\n", "a{};d;"},
	{"NUL", "a\0b\nc", 5, "1:2+1 a NUL byte: this is not a text file\n", NULL},
	{"a control character", "ab\x01", 0, "1:3+1 " CONTROL, NULL},
	{"DEL", "a '\x7f'", 0, "1:4+1 " CONTROL, NULL},
	{"CR inside a line", "a\rb\n", 0, "1:2+1 " CONTROL, NULL},
	{"CR at the end of the file", "a\r", 0, "1:2+1 " CONTROL, NULL},
	{"in a comment, too", "# a\x1b\nb", 0, "1:4+1 " CONTROL, "b;"},
	{"once a line", "\x01\x01\n\x01", 0, "1:1+1 " CONTROL "2:1+1 " CONTROL, NULL},
	{"Latin-1",
		"a \xfc"
		"b",
		0, "1:3+1 " UTF8, NULL},
	{"overlong UTF-8", "a \xc0\xaf \xe0\x80\xaf", 0, "1:3+1 " UTF8, NULL},
	{"overlong in three bytes", "\xe0\x80\xaf", 0, "1:1+1 " UTF8, NULL},
	{"a surrogate", "\xed\xa0\x80", 0, "1:1+1 " UTF8, NULL},
	{"beyond Unicode", "\xf4\x90\x80\x80", 0, "1:1+1 " UTF8, NULL},
	{"a C1 control character", "\xc2\x85", 0, "1:1+1 " UTF8, NULL},
	{"UTF-8 cut off", "a\xe2\x82", 0, "1:2+1 " UTF8, NULL},
	{"include without argument", "include\na", 0, "1:1+7 " INCLUDE, "a;"},
	{"include of two", "include a b", 0, "1:1+7 " INCLUDE, ""},
	{"include of nothing", "include ''", 0, "1:1+7 " INCLUDE, ""},
	{"include without a match", "a; include no/such/*.file; b", 0,
		"1:12+14 no file matches \"no/such/*.file\"\n", "a;b;"},
	{"include with a block", "include x { a }", 0, "1:11+1 include takes no block\n", NULL},
	{"a closing brace that is part of a word", "a { b \\d{2} 'c}'\n d e}\n f g}\n", 0,
		"1:3+1 this block is never closed: the \"}\" in line 2 belongs to a word; put a "
		"blank before it\n",
		"a{b|\\d{2}|<c}>;d|e};f|g};};"},
	{"all of them", "a \"\\d\"\n}\nb 'c\n{", 0,
		"1:4+2 " ESCAPE "2:1+1 \"}\" closes no block\n3:3+2 " OPEN
		"4:1+1 \"{\" must stand on the line of its keyword\n4:1+1 " CLOSED,
		NULL},
};

START_TEST(reports_errors)
{
	const struct error_case *c = &error_cases[_i];
	size_t len = c->len ? c->len : strlen(c->text);
	struct cw_diag diag = {0};
	struct cw_conf *conf = parse(cw_str_make(c->text, len), &diag);
	char *tree = tree_text(conf), *messages = diag_text(&diag);

	ck_assert_msg(strcmp(messages, c->messages) == 0, "%s: %s", c->name, messages);
	ck_assert_msg(!c->tree || strcmp(tree, c->tree) == 0, "%s: %s", c->name, tree);
	free(tree);
	free(messages);
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(knows_the_place_of_every_word)
{
	struct cw_diag diag = {0};
	struct cw_conf *conf =
		parse(cw_str_of("# x\nrule 'a b' {\n\ttarget \"z\"; x\r\n}\n"), &diag);
	const struct cw_conf_node *rule = conf->root, *target = rule->children;

	struct cw_place place = cw_conf_place(rule, &rule->keyword);

	ck_assert_str_eq(place.file, "test");
	ck_assert_uint_eq(place.line, 2);
	ck_assert_uint_eq(place.column, 1);
	ck_assert_uint_eq(place.width, 4);
	ck_assert(cw_str_eq(place.source, cw_str_of("rule 'a b' {")));
	place = cw_conf_place(rule, &rule->args[0]);
	ck_assert_uint_eq(place.column, 6);
	ck_assert_uint_eq(place.width, 5); /* with its quotes */
	place = cw_conf_place(target, &target->args[0]);
	ck_assert_uint_eq(place.line, 3);
	ck_assert_uint_eq(place.column, 9);
	place = cw_conf_place(target->next, &target->next->keyword);
	ck_assert(cw_str_eq(place.source, cw_str_of("\ttarget \"z\"; x")));
	ck_assert_uint_eq(conf->n_files, 1);
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
}
END_TEST

/* ---- limits ---- */

static char *repeat(const char *what, size_t times, const char *end)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	while (times--)
		fputs(what, f);
	fputs(end, f);
	fclose(f);
	return text;
}

static void expect(const char *text, const char *messages)
{
	struct cw_diag diag = {0};
	struct cw_conf *conf = parse(cw_str_of(text), &diag);
	char *found = diag_text(&diag);

	ck_assert_str_eq(found, messages);
	free(found);
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
}

START_TEST(bounds_what_a_file_can_ask_for)
{
	char *text;

	text = repeat("a { ", CW_CONF_DEPTH_MAX, "b } } } } } } } } } } } } } } } }");
	expect(text, "");
	free(text);
	/* what is too deep is skipped whole, and the file goes on behind it */
	text = repeat("a { ", CW_CONF_DEPTH_MAX + 2, "b } } } } } } } } } } } } } } } } } }\n}");
	expect(text, "1:67+1 blocks are nested too deeply\n2:1+1 \"}\" closes no block\n");
	free(text);

	text = repeat(" a", CW_CONF_ARGS_MAX + 1, "");
	expect(text, "");
	free(text);
	text = repeat(" a", CW_CONF_ARGS_MAX + 3, "\n}");
	expect(text, "1:132+1 a setting takes at most 64 arguments\n2:1+1 \"}\" closes no block\n");
	free(text);

	text = repeat("a", CW_CONF_WORD_MAX, "");
	expect(text, "");
	free(text);
	text = repeat("a", CW_CONF_WORD_MAX + 1, "");
	expect(text,
		"1:1+65537 this word is longer than 64 KiB; is a quote or a newline missing?\n");
	free(text);
}
END_TEST

/* ---- files ---- */

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/cw-conf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void remove_dir(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const char *text)
{
	char command[128];
	FILE *f;

	if (strchr(name, '/')) {
		snprintf(command, sizeof(command), "mkdir -p '%.*s'",
			(int)(strrchr(name, '/') - name), name);
		ck_assert_int_eq(system(command), 0);
	}
	f = fopen(name, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void expect_load(const char *path, const char *tree, const char *messages)
{
	struct cw_diag diag = {0};
	struct cw_conf *conf = NULL;
	char *found_tree, *found;

	ck_assert_int_eq(cw_conf_load(&conf, path, &diag), 0);
	found_tree = tree_text(conf);
	found = diag_text(&diag);
	ck_assert_str_eq(found, messages);
	ck_assert_str_eq(found_tree, tree);
	free(found_tree);
	free(found);
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
}

START_TEST(includes_in_sorted_order_relative_to_the_including_file)
{
	make_dir();
	write_file("etc/main.conf", "a\ninclude rules/*.rules\nb\n");
	write_file("etc/rules/10-b.rules", "ten; include 'more words'");
	write_file("etc/rules/09-a.rules", "nine {\n include ../../abs.conf\n}\n");
	write_file("etc/rules/B.rules", "capital");
	write_file("etc/rules/.hidden.rules", "hidden");
	write_file("etc/rules/x.txt", "no");
	write_file("etc/rules/more words", "more");
	write_file("abs.conf", "abs");
	expect_load("etc/main.conf", "a;nine{abs;};ten;more;capital;b;", "");
	ck_assert_int_eq(chdir("etc"), 0);
	expect_load("main.conf", "a;nine{abs;};ten;more;capital;b;", "");
	remove_dir();
}
END_TEST

START_TEST(names_the_included_file_in_places)
{
	struct cw_diag diag = {0};
	struct cw_conf *conf;

	make_dir();
	write_file("m", "include d/*");
	write_file("d/f", "\n\n  x");
	ck_assert_int_eq(cw_conf_load(&conf, "m", &diag), 0);

	struct cw_place place = cw_conf_place(conf->root, &conf->root->keyword);

	ck_assert_str_eq(place.file, "d/f");
	ck_assert_uint_eq(place.line, 3);
	ck_assert_uint_eq(conf->n_files, 2);
	ck_assert_str_eq(conf->files[0], "m");
	ck_assert_str_eq(conf->files[1], "d/f");
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
	remove_dir();
}
END_TEST

START_TEST(takes_the_directory_of_the_including_file_literally)
{
	make_dir();
	write_file("a[b]*/m", "include *.x; include [n].y");
	write_file("a[b]*/1.x", "one");
	write_file("a[b]*/n.y", "two");
	write_file("ab-/1.x", "wrong");
	expect_load("a[b]*/m", "one;two;", "");
	remove_dir();
}
END_TEST

START_TEST(refuses_cycles_but_not_repetition)
{
	make_dir();
	write_file("m", "include a; include a");
	write_file("a", "x; include b\ny");
	write_file("b", "z");
	expect_load("m", "x;z;y;x;z;y;", "");
	write_file("b", "z\ninclude ./m");
	expect_load("m", "x;z;y;x;z;y;",
		"2:9+3 \"./m\" includes itself: it is being read already\n"
		"2:9+3 \"./m\" includes itself: it is being read already\n");
	write_file("self", "include self");
	expect_load("self", "", "1:9+4 \"self\" includes itself: it is being read already\n");
	remove_dir();
}
END_TEST

START_TEST(reports_files_that_cannot_be_read)
{
	make_dir();
	expect_load("absent", "", "0:0+0 cannot read \"absent\": No such file or directory\n");
	write_file("d/x", "");
	expect_load("d", "", "0:0+0 cannot read \"d\": Is a directory\n");
	write_file("m", "include ?\nb");
	expect_load("m", "b;",
		"1:9+1 cannot read \"d\": Is a directory\n"
		"1:9+1 \"m\" includes itself: it is being read already\n");
	remove_dir();
}
END_TEST

/* A folder that is there and cannot be read may hold rules: to go on without them is no choice. */
START_TEST(fails_where_it_cannot_look)
{
	make_dir();
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	ck_assert_int_eq(symlink("gone", "dangling.rules"), 0);
	write_file("m", "include loop/*.rules\ninclude loop/a.rules\ninclude absent/*.rules\nb\n"
			"include dangling.rules; include d*.rules");
	expect_load("m", "b;",
		"1:9+12 cannot look for \"loop/*.rules\": Too many levels of symbolic links\n"
		"2:9+12 cannot read \"loop/a.rules\": Too many levels of symbolic links\n"
		"3:9+14 no file matches \"absent/*.rules\"\n"
		"5:9+14 cannot read \"dangling.rules\": No such file or directory\n"
		"5:33+8 cannot read \"dangling.rules\": No such file or directory\n");
	remove_dir();
}
END_TEST

START_TEST(bounds_includes)
{
	char name[16], text[32];
	unsigned i;

	make_dir();
	for (i = 0; i <= CW_CONF_DEPTH_MAX + 1; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		snprintf(text, sizeof(text), "include f%u; x", i + 1);
		write_file(name, text);
	}
	write_file("f18", "y");
	expect_load("f0", "x;x;x;x;x;x;x;x;x;x;x;x;x;x;x;x;x;",
		"1:9+3 includes are nested more than 16 deep\n");
	expect_load("f2", "y;x;x;x;x;x;x;x;x;x;x;x;x;x;x;x;x;", "");

	/* blocks count through includes */
	write_file("outer", "a { a { a { a { a { a { a { a { include inner\n} } } } } } } }");
	write_file("inner", "b { b { b { b { b { b { b { b { b { c } } } } } } } } }");
	expect_load("outer", "a{a{a{a{a{a{a{a{b{b{b{b{b{b{b{b{b{};};};};};};};};};};};};};};};};};",
		"1:35+1 blocks are nested too deeply\n");
	/* and each file closes its own */
	write_file("outer", "a { include inner\n}");
	write_file("inner", "}\nb {");
	expect_load("outer", "a{b{};};", "1:1+1 \"}\" closes no block\n2:3+1 " CLOSED);
	remove_dir();
}
END_TEST

/* ---- memory ---- */

/* A message may be lost then; the tree is whole or the answer is -ENOMEM, and nothing leaks. */
START_TEST(survives_short_memory)
{
	static const char text[] = "a 'it''s' {\n b \"\\d\"; include f\n}\nc\n";
	unsigned n;

	make_dir();
	write_file("f", "x 'y''z'");
	for (n = 1;; n++) {
		struct cw_diag diag = {0};
		struct cw_conf *conf = NULL;

		alloc_fail_at(n);

		int r = cw_conf_parse(&conf, "test", cw_str_of(text), &diag);
		bool is_short = alloc_fail_reached();

		ck_assert(is_short ? r == 0 || r == -ENOMEM : r == 0);
		ck_assert((r == 0) == (conf != NULL));
		cw_conf_destroy(conf);
		cw_diag_finish(&diag);
		if (!is_short)
			break;
	}
	ck_assert_uint_gt(n, 8);
	remove_dir();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tcase = tcase_create("conf");

	ADD_ROWS(tcase, reads_a_tree, tree_cases);
	ADD_ROWS(tcase, reports_errors, error_cases);
	tcase_add_test(tcase, knows_the_place_of_every_word);
	tcase_add_test(tcase, bounds_what_a_file_can_ask_for);
	tcase_add_test(tcase, includes_in_sorted_order_relative_to_the_including_file);
	tcase_add_test(tcase, names_the_included_file_in_places);
	tcase_add_test(tcase, takes_the_directory_of_the_including_file_literally);
	tcase_add_test(tcase, refuses_cycles_but_not_repetition);
	tcase_add_test(tcase, reports_files_that_cannot_be_read);
	tcase_add_test(tcase, fails_where_it_cannot_look);
	tcase_add_test(tcase, bounds_includes);
	tcase_add_test(tcase, survives_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
