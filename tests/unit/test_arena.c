#include "core/arena.h"

#include "tests/unit/unit.h"

#include <errno.h>

static const size_t sizes[] = {0, 1, 7, 8, 100, 2048, 5000, 40000, 3, 100000, 16};

static bool is_filled(const char *p, size_t size, char with)
{
	for (size_t i = 0; i < size; i++) {
		if (p[i] != with)
			return false;
	}
	return true;
}

START_TEST(hands_out_zeroed_aligned_memory)
{
	struct cw_arena a = {0};
	char *pieces[N_ELEMENTS(sizes) * 20];
	size_t n = 0;

	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
			char *p = cw_arena_alloc(&a, sizes[i]);

			ck_assert_ptr_nonnull(p);
			ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
			ck_assert(is_filled(p, sizes[i], 0));
			memset(p, (int)n, sizes[i]);
			pieces[n++] = p;
		}
	}
	/* what came later left the earlier pieces alone, and they are all different */
	for (size_t i = 0; i < n; i++) {
		ck_assert(is_filled(pieces[i], sizes[i % N_ELEMENTS(sizes)], (char)i));
		if (i > 0)
			ck_assert_ptr_ne(pieces[i], pieces[i - 1]);
	}
	cw_arena_finish(&a);
}
END_TEST

static const struct limit_case {
	const char *name;
	size_t max_bytes, first, second;
	bool first_fits, second_fits;
} limit_cases[] = {
	{"no limit", 0, 1 << 20, 1 << 20, true, true},
	{"below one chunk", 1024, 500, 600, true, false},
	{"first too large", 1024, 2000, 100, false, true},
	{"second chunk shortened to the limit", 3000, 1900, 900, true, true},
	{"both together too large", 100000, 60000, 60000, true, false},
	{"size that overflows", 0, SIZE_MAX, SIZE_MAX - 8, false, false},
};

START_TEST(keeps_its_limit)
{
	const struct limit_case *c = &limit_cases[_i];
	struct cw_arena a;

	cw_arena_init(&a, c->max_bytes);
	ck_assert_msg(
		(cw_arena_alloc(&a, c->first) != NULL) == c->first_fits, "%s: first", c->name);
	ck_assert_msg(
		(cw_arena_alloc(&a, c->second) != NULL) == c->second_fits, "%s: second", c->name);
	ck_assert_msg(c->max_bytes == 0 || a.total <= c->max_bytes, "%s: total", c->name);
	cw_arena_finish(&a);
	ck_assert_uint_eq(a.max_bytes, c->max_bytes);
}
END_TEST

START_TEST(starts_again_after_finish)
{
	struct cw_arena a;

	cw_arena_init(&a, 4096);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(cw_arena_alloc(&a, 3000));
		ck_assert_ptr_null(cw_arena_alloc(&a, 3000));
		cw_arena_finish(&a);
	}
	cw_arena_finish(&a);
}
END_TEST

START_TEST(begins_with_borrowed_room)
{
	_Alignas(max_align_t) char room[256];
	struct cw_arena a;

	memset(room, 'x', sizeof(room));
	for (int round = 0; round < 2; round++) {
		cw_arena_init_in(&a, room, sizeof(room), 1024);
		char *first = cw_arena_alloc(&a, 100);
		char *second = cw_arena_alloc(&a, 200);

		ck_assert(first >= room && first + 100 <= room + sizeof(room));
		ck_assert(second < room || second >= room + sizeof(room));
		for (size_t i = 0; i < 100; i++)
			ck_assert_int_eq(first[i], 0);
		memset(first, 'x', 100);
		ck_assert_ptr_null(cw_arena_alloc(&a, 1024));
		cw_arena_finish(&a);
		ck_assert_uint_eq(a.total, 0);
	}
}
END_TEST

START_TEST(copies_text)
{
	struct cw_arena a = {0};
	struct cw_str in = heap_copy(cw_str_make("a\0b", 3)), out = {0};

	ck_assert_int_eq(cw_arena_str(&a, in, &out), 0);
	heap_free(in);
	ck_assert_uint_eq(out.len, 3);
	ck_assert_mem_eq(out.p, "a\0b", 4);
	ck_assert_int_eq(cw_arena_str(&a, cw_str_of(NULL), &out), 0);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_str_eq(out.p, "");
	ck_assert_int_eq(cw_arena_printf(&a, &out, "%s=%d", "port", 5061), 0);
	ck_assert_str_eq(out.p, "port=5061");
	ck_assert_uint_eq(out.len, 9);
	ck_assert_int_eq(
		cw_arena_join(&a, &out,
			(const struct cw_str[]){CW_STR("sip:"), {NULL, 0}, CW_STR("a@b")}, 3),
		0);
	ck_assert_str_eq(out.p, "sip:a@b");
	ck_assert_uint_eq(out.len, 7);
	ck_assert_int_eq(cw_arena_join(&a, &out, NULL, 0), 0);
	ck_assert_str_eq(out.p, "");
	cw_arena_finish(&a);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_arena a = {0};
	struct cw_str out = cw_str_of("untouched");

	alloc_fail_at(1);
	int r = cw_arena_str(&a, cw_str_of("text"), &out);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	alloc_fail_at(1);
	r = cw_arena_join(&a, &out, (const struct cw_str[]){CW_STR("text")}, 1);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	alloc_fail_at(1);
	r = cw_arena_printf(&a, &out, "text");
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_str_eq(out.p, "untouched");
	ck_assert_uint_eq(a.total, 0);
	ck_assert_int_eq(cw_arena_str(&a, cw_str_of("text"), &out), 0);
	cw_arena_finish(&a);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");

	tcase_add_test(tcase, hands_out_zeroed_aligned_memory);
	ADD_ROWS(tcase, keeps_its_limit, limit_cases);
	tcase_add_test(tcase, starts_again_after_finish);
	tcase_add_test(tcase, begins_with_borrowed_room);
	tcase_add_test(tcase, copies_text);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
