#include "core/table.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define N_ITEMS 1000

struct item {
	struct cw_table_link link;
	char key[16];
	int number;
};

static struct item *item_of(struct cw_table_link *link)
{
	return link ? cw_container_of(link, struct item, link) : NULL;
}

static struct item *items_insert(struct cw_table *t)
{
	struct item *items = calloc(N_ITEMS, sizeof(*items));

	ck_assert_ptr_nonnull(items);
	for (int i = 0; i < N_ITEMS; i++) {
		items[i].number = i;
		(void)snprintf(items[i].key, sizeof(items[i].key), "key-%d", i);
		ck_assert_int_eq(cw_table_insert(t, &items[i].link, cw_str_of(items[i].key)), 0);
	}
	return items;
}

START_TEST(finds_what_was_put_in)
{
	struct cw_table t;

	cw_table_init(&t);
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("key-0")));

	struct item *items = items_insert(&t);

	ck_assert_uint_eq(t.count, N_ITEMS);
	ck_assert_uint_ge(t.n_buckets, N_ITEMS); /* it grew: load factor 1 */
	for (int i = 0; i < N_ITEMS; i++)
		ck_assert_ptr_eq(item_of(cw_table_find(&t, cw_str_of(items[i].key))), &items[i]);
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("key-1000")));
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("")));
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("KEY-1")));
	cw_table_finish(&t);
	free(items);
}
END_TEST

START_TEST(removes)
{
	struct cw_table t;
	struct cw_table_link nowhere = {0};

	cw_table_init(&t);
	cw_table_remove(&t, &nowhere);

	struct item *items = items_insert(&t);

	for (int i = 0; i < N_ITEMS; i += 2)
		cw_table_remove(&t, &items[i].link);
	cw_table_remove(&t, &items[0].link); /* a second time */
	cw_table_remove(&t, &nowhere);
	ck_assert_uint_eq(t.count, N_ITEMS / 2);
	for (int i = 0; i < N_ITEMS; i++) {
		struct item *found = item_of(cw_table_find(&t, cw_str_of(items[i].key)));

		ck_assert_ptr_eq(found, i % 2 ? &items[i] : NULL);
	}
	cw_table_finish(&t);
	free(items);
}
END_TEST

START_TEST(the_newest_of_equal_keys_is_found)
{
	struct cw_table t;
	struct item twins[3] = {{.number = 1}, {.number = 2}, {.number = 3}};

	cw_table_init(&t);
	for (size_t i = 0; i < N_ELEMENTS(twins); i++)
		ck_assert_int_eq(cw_table_insert(&t, &twins[i].link, cw_str_of("twin")), 0);

	struct item *items = items_insert(&t); /* growing must keep their order */

	ck_assert_int_eq(item_of(cw_table_find(&t, cw_str_of("twin")))->number, 3);
	cw_table_remove(&t, &twins[2].link);
	ck_assert_int_eq(item_of(cw_table_find(&t, cw_str_of("twin")))->number, 2);
	cw_table_remove(&t, &twins[0].link);
	ck_assert_int_eq(item_of(cw_table_find(&t, cw_str_of("twin")))->number, 2);
	cw_table_remove(&t, &twins[1].link);
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("twin")));
	cw_table_finish(&t);
	free(items);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_table t;
	struct item items[17] = {0}; /* one more than the first buckets hold */

	cw_table_init(&t);
	alloc_fail_at(1);
	int r = cw_table_insert(&t, &items[0].link, cw_str_of("a"));
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(t.count, 0);
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("a")));

	for (size_t i = 0; i < N_ELEMENTS(items) - 1; i++) {
		items[i].key[0] = (char)('a' + i);
		ck_assert_int_eq(cw_table_insert(&t, &items[i].link, cw_str_of(items[i].key)), 0);
	}
	alloc_fail_at(1);
	r = cw_table_insert(&t, &items[16].link, cw_str_of("z"));
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_ptr_null(cw_table_find(&t, cw_str_of("z")));
	for (size_t i = 0; i < N_ELEMENTS(items) - 1; i++)
		ck_assert_ptr_eq(item_of(cw_table_find(&t, items[i].link.key)), &items[i]);
	cw_table_finish(&t);
}
END_TEST

/*
 * SipHash-1-3 of 00, 01, ... under the key 00 .. 0f: values of the reference implementation, so that a slip in
 * the rounds (which would still look like a hash) shows.
 */
static const struct hash_case {
	const char *name;
	size_t len;
	uint64_t hash;
} hash_cases[] = {
	{"empty", 0, 0xabac0158050fc4dcu},
	{"one byte", 1, 0xc9f49bf37d57ca93u},
	{"seven bytes", 7, 0xd3927d989bb11140u},
	{"one word", 8, 0x369095118d299a8eu},
	{"two words less one", 15, 0xd320d86d2a519956u},
};

START_TEST(hashes_as_siphash_1_3)
{
	const struct hash_case *c = &hash_cases[_i];
	struct cw_table t;
	struct cw_table_link link = {0};
	char bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	cw_table_init(&t);
	t.seed[0] = 0x0706050403020100u;
	t.seed[1] = 0x0f0e0d0c0b0a0908u;

	struct cw_str key = heap_copy(cw_str_make(bytes, c->len));

	ck_assert_int_eq(cw_table_insert(&t, &link, key), 0);
	ck_assert_msg(link.hash == c->hash, "%s: %llx", c->name, (unsigned long long)link.hash);
	cw_table_finish(&t);
	heap_free(key);
}
END_TEST

START_TEST(seeds_differ)
{
	struct cw_table a, b;

	cw_table_init(&a);
	cw_table_init(&b);
	ck_assert_mem_ne(a.seed, b.seed, sizeof(a.seed));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");

	tcase_add_test(tcase, finds_what_was_put_in);
	tcase_add_test(tcase, removes);
	tcase_add_test(tcase, the_newest_of_equal_keys_is_found);
	tcase_add_test(tcase, copes_with_short_memory);
	ADD_ROWS(tcase, hashes_as_siphash_1_3, hash_cases);
	tcase_add_test(tcase, seeds_differ);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
