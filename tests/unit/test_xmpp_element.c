/* Questions to an element. */
#include "xmpp/element.h"

#include "tests/unit/unit.h"

static const struct cw_xmpp_attribute attributes[] = {
	{CW_STR(CW_XMPP_NS_XML), CW_STR("from"), CW_STR("of another namespace")},
	{CW_STR(""), CW_STR("from"), CW_STR("a.example")},
};
static struct cw_xmpp_element second = {.ns = CW_STR(CW_XMPP_NS_TLS), .name = CW_STR("starttls")};
static struct cw_xmpp_element first = {
	.ns = CW_STR("urn:x"), .name = CW_STR("starttls"), .next = &second};
static const struct cw_xmpp_element element = {
	.ns = CW_STR(CW_XMPP_NS_STREAMS),
	.name = CW_STR("features"),
	.attributes = attributes,
	.n_attributes = 2,
	.children = &first,
};

START_TEST(is_what_namespace_and_name_say)
{
	ck_assert(cw_xmpp_element_is(&element, CW_XMPP_NS_STREAMS, "features"));
	ck_assert(!cw_xmpp_element_is(&element, CW_XMPP_NS_TLS, "features"));
	ck_assert(!cw_xmpp_element_is(&element, CW_XMPP_NS_STREAMS, "error"));
}
END_TEST

START_TEST(attribute_of_another_namespace_is_another)
{
	struct cw_str from = cw_xmpp_element_attribute(&element, "from");

	ck_assert(cw_str_eq(from, cw_str_of("a.example")));
	ck_assert_ptr_null(cw_xmpp_element_attribute(&element, "to").p);
}
END_TEST

START_TEST(child_is_found_by_namespace)
{
	ck_assert_ptr_eq(cw_xmpp_element_child(&element, CW_XMPP_NS_TLS, "starttls"), &second);
	ck_assert_ptr_eq(cw_xmpp_element_child(&element, "urn:x", NULL), &first);
	ck_assert_ptr_null(cw_xmpp_element_child(&element, "urn:x", "other"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_element");
	TCase *tcase = tcase_create("xmpp_element");

	tcase_add_test(tcase, is_what_namespace_and_name_say);
	tcase_add_test(tcase, attribute_of_another_namespace_is_another);
	tcase_add_test(tcase, child_is_found_by_namespace);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
