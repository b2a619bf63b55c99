/* Names that were seen with TLS. */
#include "xmpp/tls_seen.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static void add_number(struct cw_tls_seen *seen, int number)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "n%d.example", number);
	struct cw_str copy = heap_copy(cw_str_make(name, (size_t)n));

	cw_tls_seen_add(seen, copy);
	heap_free(copy);
}

START_TEST(remembers_what_was_added)
{
	struct cw_tls_seen seen;

	cw_tls_seen_init(&seen);
	ck_assert(!cw_tls_seen_has(&seen, cw_str_of("n1.example")));
	add_number(&seen, 1);
	add_number(&seen, 1);
	ck_assert(cw_tls_seen_has(&seen, cw_str_of("n1.example")));
	ck_assert(!cw_tls_seen_has(&seen, cw_str_of("n1.exampl")));
	ck_assert_uint_eq(seen.names.count, 1);
	cw_tls_seen_finish(&seen);
}
END_TEST

START_TEST(forgets_the_oldest_when_it_is_full)
{
	struct cw_tls_seen seen;

	cw_tls_seen_init(&seen);
	for (int i = 0; i <= CW_TLS_SEEN_MAX; i++)
		add_number(&seen, i);
	ck_assert_uint_eq(seen.names.count, CW_TLS_SEEN_MAX);
	ck_assert(!cw_tls_seen_has(&seen, cw_str_of("n0.example")));
	ck_assert(cw_tls_seen_has(&seen, cw_str_of("n1.example")));
	cw_tls_seen_finish(&seen);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_tls_seen");
	TCase *tcase = tcase_create("xmpp_tls_seen");

	tcase_add_test(tcase, remembers_what_was_added);
	tcase_add_test(tcase, forgets_the_oldest_when_it_is_full);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
