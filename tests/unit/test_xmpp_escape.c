#include "xmpp/escape.h"

#include "tests/support_c/xml_chunk.h"
#include "tests/unit/unit.h"

static const char *const texts[] = {
	"",
	"plain",
	"<a b='c' d=\"e\">&amp;</a>",
	"]]>",
	"\ttabs,\nlines\rand  spaces ",
	"b\303\274cher.example",
};

START_TEST(reads_back_the_same)
{
	struct cw_str text = heap_copy(cw_str_of(texts[_i]));
	struct cw_buf out = {0};
	struct xml_chunk chunk;

	cw_buf_add(&out, cw_str_of("<x"));
	cw_xmpp_escape_attribute(&out, "y", text);
	cw_buf_add_char(&out, '>');
	cw_xmpp_escape(&out, text);
	cw_buf_add(&out, cw_str_of("</x>"));
	ck_assert_int_eq(out.error, 0);
	ck_assert_int_eq(xml_chunk_read(&chunk, cw_buf_str(&out)), 0);
	ck_assert_uint_eq(chunk.n_elements, 1);
	ck_assert(cw_str_eq(cw_xmpp_element_attribute(chunk.elements[0], "y"), text));
	ck_assert(cw_str_eq(chunk.elements[0]->text, text));
	xml_chunk_finish(&chunk);
	cw_buf_finish(&out);
	heap_free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_escape");
	TCase *tcase = tcase_create("xmpp_escape");

	ADD_ROWS(tcase, reads_back_the_same, texts);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
