#include "core/stats.h"

#include "tests/unit/unit.h"

/* What is printed, as a string that the caller frees. */
static char *printed(const struct cw_stats *stats)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	cw_stats_print(stats, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

START_TEST(counts_and_prints_in_order)
{
	struct cw_stats *stats = cw_stats_create();
	uint64_t *b = cw_stats_counter(stats, "sip.b");
	uint64_t *a = cw_stats_counter(stats, "sip.a");

	*b += 2;
	(*a)++;
	*cw_stats_counter(stats, "sip.b") += 3;
	ck_assert_ptr_eq(cw_stats_counter(stats, "sip.a"), a);
	ck_assert_uint_eq(cw_stats_value(stats, "sip.b"), 5);
	ck_assert_uint_eq(cw_stats_value(stats, "sip"), 0);

	char *text = printed(stats);

	ck_assert_str_eq(text, "sip.a 1\nsip.b 5\n");
	free(text);
	(void)cw_stats_counter(stats, "relay");
	text = printed(stats);
	ck_assert_str_eq(text, "relay 0\nsip.a 1\nsip.b 5\n");
	free(text);
	cw_stats_destroy(stats);
}
END_TEST

START_TEST(pointers_stay_valid)
{
	struct cw_stats *stats = cw_stats_create();
	uint64_t *first = cw_stats_counter(stats, "first");
	char name[32];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "rule.%d", i);
		*cw_stats_counter(stats, name) = (uint64_t)i;
	}
	*first = 7;
	ck_assert_uint_eq(cw_stats_value(stats, "first"), 7);
	ck_assert_uint_eq(cw_stats_value(stats, "rule.999"), 999);
	cw_stats_destroy(stats);
}
END_TEST

START_TEST(prints_nothing_when_empty)
{
	struct cw_stats *stats = cw_stats_create();
	char *text = printed(stats);

	ck_assert_str_eq(text, "");
	free(text);
	cw_stats_destroy(stats);
	cw_stats_destroy(NULL);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	alloc_fail_at(1);
	struct cw_stats *stats = cw_stats_create();
	ck_assert(alloc_fail_reached());
	ck_assert_ptr_null(stats);

	for (unsigned n = 1;; n++) {
		stats = cw_stats_create();
		alloc_fail_at(n);
		uint64_t *c = cw_stats_counter(stats, "sip.a");
		bool reached = alloc_fail_reached();

		ck_assert_ptr_nonnull(c);
		(*c)++;
		ck_assert_uint_eq(cw_stats_value(stats, "sip.a"), reached ? 0 : 1);

		char *text = printed(stats);

		ck_assert_str_eq(text, reached ? "" : "sip.a 1\n");
		free(text);
		cw_stats_destroy(stats);
		if (!reached)
			break;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");

	tcase_add_test(tcase, counts_and_prints_in_order);
	tcase_add_test(tcase, pointers_stay_valid);
	tcase_add_test(tcase, prints_nothing_when_empty);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
