#include "core/list.h"

#include "tests/unit/unit.h"

struct item {
	int number;
	struct cw_list link;
};

static int number_of(struct cw_list *link)
{
	return cw_container_of(link, struct item, link)->number;
}

/* Whether the list holds the numbers whose digits `expected` has, in that order. */
static bool holds(struct cw_list *head, const char *expected)
{
	struct cw_list *pos;

	cw_list_for_each (pos, head) {
		if (*expected++ - '0' != number_of(pos))
			return false;
	}
	return *expected == '\0';
}

START_TEST(keeps_order)
{
	struct item items[] = {{1, {0}}, {2, {0}}, {3, {0}}};
	struct cw_list head;

	cw_list_init(&head);
	ck_assert(cw_list_empty(&head));
	for (size_t i = 0; i < N_ELEMENTS(items); i++)
		cw_list_append(&head, &items[i].link);
	ck_assert(holds(&head, "123"));
	cw_list_remove(&items[1].link);
	ck_assert(holds(&head, "13"));
	cw_list_append(&head, &items[1].link);
	ck_assert(holds(&head, "132"));
}
END_TEST

START_TEST(removing_twice_is_harmless)
{
	struct item items[] = {{1, {0}}, {2, {0}}};
	struct cw_list head;

	cw_list_init(&head);
	cw_list_append(&head, &items[0].link);
	cw_list_append(&head, &items[1].link);
	cw_list_remove(&items[0].link);
	cw_list_remove(&items[0].link);
	ck_assert(cw_list_empty(&items[0].link));
	ck_assert(holds(&head, "2"));
}
END_TEST

START_TEST(the_safe_walk_survives_removal)
{
	struct item items[] = {{1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};
	struct cw_list head, *pos, *tmp;

	cw_list_init(&head);
	for (size_t i = 0; i < N_ELEMENTS(items); i++)
		cw_list_append(&head, &items[i].link);
	cw_list_for_each_safe(pos, tmp, &head)
	{
		if (number_of(pos) % 2 == 0)
			cw_list_remove(pos);
	}
	ck_assert(holds(&head, "13"));
	cw_list_for_each_safe(pos, tmp, &head) cw_list_remove(pos);
	ck_assert(cw_list_empty(&head));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tcase = tcase_create("list");

	tcase_add_test(tcase, keeps_order);
	tcase_add_test(tcase, removing_twice_is_harmless);
	tcase_add_test(tcase, the_safe_walk_survives_removal);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
