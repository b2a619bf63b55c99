#include "net/dns_cache.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static struct cw_dns_cache cache;

static void begin(void)
{
	cw_dns_cache_init(&cache);
}

static void end(void)
{
	cw_dns_cache_finish(&cache);
}

static struct cw_dns_entry *get(enum cw_dns_type type, const char *name, uint64_t now_ms)
{
	struct cw_dns_question q;
	struct cw_dns_entry *entry;

	ck_assert_int_eq(cw_dns_question_init(&q, type, cw_str_of(name)), 0);
	ck_assert_int_eq(cw_dns_cache_get(&cache, &entry, &q, now_ms), 0);
	return entry;
}

static struct cw_dns_records *make_records(uint32_t ttl_s)
{
	struct cw_dns_records *records = cw_dns_records_create(CW_DNS_NO_DATA, ttl_s);

	ck_assert_ptr_nonnull(records);
	return records;
}

START_TEST(keeps_for_the_ttl)
{
	struct cw_dns_entry *entry = get(CW_DNS_TYPE_A, "a.example", 1000);

	ck_assert_ptr_null(entry->records);
	cw_dns_cache_store(&cache, entry, make_records(5), 1000);
	ck_assert_ptr_eq(get(CW_DNS_TYPE_A, "A.example.", 5999), entry);
	ck_assert_ptr_nonnull(entry->records);
	ck_assert_ptr_eq(get(CW_DNS_TYPE_A, "a.example", 6000), entry);
	ck_assert_ptr_null(entry->records);
	ck_assert_uint_eq(cache.bytes, 0);
}
END_TEST

START_TEST(tells_questions_apart)
{
	struct cw_dns_entry *a = get(CW_DNS_TYPE_A, "a.example", 0);

	ck_assert_ptr_ne(get(CW_DNS_TYPE_AAAA, "a.example", 0), a);
	ck_assert_ptr_ne(get(CW_DNS_TYPE_A, "b.example", 0), a);
	ck_assert_uint_eq(cache.table.count, 3);
	cw_dns_cache_drop(&cache, a);
	ck_assert_uint_eq(cache.table.count, 2);
}
END_TEST

START_TEST(does_not_forget_what_is_waited_for)
{
	struct cw_dns_entry *entry = get(CW_DNS_TYPE_A, "a.example", 0);
	struct cw_list waiter;

	cw_list_init(&waiter);
	cw_list_append(&entry->waiters, &waiter);
	cw_dns_cache_store(&cache, entry, make_records(0), 0);
	get(CW_DNS_TYPE_A, "a.example", 9999);
	ck_assert_ptr_nonnull(entry->records);
	cw_list_remove(&waiter);
	get(CW_DNS_TYPE_A, "a.example", 9999);
	ck_assert_ptr_null(entry->records);
}
END_TEST

static struct cw_dns_entry *fill(unsigned i)
{
	char name[32];
	struct cw_dns_entry *entry;

	snprintf(name, sizeof(name), "h%u.example", i);
	entry = get(CW_DNS_TYPE_A, name, 0);
	cw_dns_cache_store(&cache, entry, make_records(60), 0);
	return entry;
}

START_TEST(drops_the_oldest_entry)
{
	struct cw_dns_entry *kept = fill(0);

	kept->lookup = &cache; /* anything: it is being asked for */
	for (unsigned i = 1; i < CW_DNS_CACHE_MAX; i++)
		fill(i);
	fill(2); /* young again */
	ck_assert_uint_eq(cache.table.count, CW_DNS_CACHE_MAX);
	fill(CW_DNS_CACHE_MAX);
	ck_assert_uint_eq(cache.table.count, CW_DNS_CACHE_MAX);
	ck_assert_ptr_nonnull(get(CW_DNS_TYPE_A, "h0.example", 0)->records);
	ck_assert_ptr_nonnull(get(CW_DNS_TYPE_A, "h2.example", 0)->records);
	ck_assert_ptr_null(get(CW_DNS_TYPE_A, "h1.example", 0)->records);
	kept->lookup = NULL;
}
END_TEST

START_TEST(bounds_the_bytes)
{
	struct cw_dns_records *large = make_records(60);
	struct cw_dns_entry *entry;

	fill(0);
	large->bytes = CW_DNS_CACHE_BYTES_MAX; /* only counted */
	entry = get(CW_DNS_TYPE_SRV, "large.example", 0);
	cw_dns_cache_store(&cache, entry, large, 0);
	ck_assert_uint_eq(cache.table.count, 1);
	ck_assert_uint_eq(cache.bytes, CW_DNS_CACHE_BYTES_MAX);
	entry = fill(1);
	ck_assert_uint_eq(cache.table.count, 1);
	ck_assert_uint_eq(cache.bytes, entry->records->bytes);
}
END_TEST

START_TEST(copes_without_memory)
{
	struct cw_dns_question q;
	struct cw_dns_entry *entry = NULL;
	unsigned n;
	int r;

	ck_assert_int_eq(cw_dns_question_init(&q, CW_DNS_TYPE_A, cw_str_of("a.example")), 0);
	for (n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_dns_cache_get(&cache, &entry, &q, 0);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(entry);
		ck_assert_uint_eq(cache.table.count, 0);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(n, 3); /* the entry, the table */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dns_cache");
	TCase *tcase = tcase_create("dns_cache");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, keeps_for_the_ttl);
	tcase_add_test(tcase, tells_questions_apart);
	tcase_add_test(tcase, does_not_forget_what_is_waited_for);
	tcase_add_test(tcase, drops_the_oldest_entry);
	tcase_add_test(tcase, bounds_the_bytes);
	tcase_add_test(tcase, copes_without_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
