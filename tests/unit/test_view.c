#include "core/view.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static const struct cw_view_column columns[] = {
	{"name", "NAME", CW_VIEW_TEXT},
	{"age_s", "AGE", CW_VIEW_SECONDS},
};

/* Objects with keys 2, 4, 6, ...; those in `gone` are not there any more. */
struct objects {
	unsigned n;
	uint64_t gone;
};

static void object_rows(void *arg, struct cw_view_walk *walk)
{
	const struct objects *o = arg;

	for (unsigned i = 1; i <= o->n; i++) {
		struct cw_view_cell cells[] = {cw_view_text("object"), cw_view_number(i)};

		if (2 * i != o->gone && !cw_view_row(walk, 2 * (uint64_t)i, cells))
			return;
	}
}

/* Takes `room` rows. */
struct taker {
	struct cw_view_sink sink;
	unsigned room;
	char taken[64];
};

static bool take(struct cw_view_sink *sink, const struct cw_view_cell *cells)
{
	struct taker *t = cw_container_of(sink, struct taker, sink);
	size_t len = strlen(t->taken);

	ck_assert(cw_str_eq(cells[0].text, cw_str_of("object")));
	ck_assert_uint_gt(t->room, 0);
	(void)snprintf(t->taken + len, sizeof(t->taken) - len, "%u ", (unsigned)cells[1].number);
	return --t->room > 0;
}

START_TEST(goes_on_behind_the_row_where_it_stopped)
{
	struct objects objects = {.n = 5};
	struct taker t = {.sink = {take}, .room = 2};
	struct cw_view_walk walk = {.sink = &t.sink};

	object_rows(&objects, &walk);
	ck_assert_str_eq(t.taken, "1 2 ");
	ck_assert(walk.is_full);

	/* asked while it is full, the sink is left alone */
	object_rows(&objects, &walk);
	ck_assert_str_eq(t.taken, "1 2 ");

	/* the row where it stopped goes, one comes */
	objects = (struct objects){.n = 6, .gone = 4};
	t.room = 10;
	walk.is_full = false;
	object_rows(&objects, &walk);
	ck_assert_str_eq(t.taken, "1 2 3 4 5 6 ");
	ck_assert(!walk.is_full);
}
END_TEST

START_TEST(finds_all_views_of_a_name)
{
	struct cw_views views;
	struct cw_view sip = {.name = "connections", .columns = columns, .n_columns = 2};
	struct cw_view zones = {.name = "zones", .columns = columns, .n_columns = 2};
	struct cw_view xmpp = {.name = "connections", .columns = columns, .n_columns = 1};
	struct cw_view unused = {0};
	struct cw_str name = cw_str_of("connections");

	cw_views_init(&views);
	ck_assert_ptr_null(cw_views_next(&views, name, NULL));
	cw_views_add(&views, &sip);
	cw_views_add(&views, &zones);
	cw_views_add(&views, &xmpp);
	ck_assert_ptr_eq(cw_views_next(&views, name, NULL), &sip);
	ck_assert_ptr_eq(cw_views_next(&views, name, &sip), &xmpp);
	ck_assert_ptr_null(cw_views_next(&views, name, &xmpp));
	ck_assert_ptr_null(cw_views_next(&views, cw_str_of("connection"), NULL));
	cw_views_remove(&sip);
	ck_assert_ptr_eq(cw_views_next(&views, name, NULL), &xmpp);
	cw_views_remove(&unused);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view");
	TCase *tc = tcase_create("view");

	tcase_add_test(tc, goes_on_behind_the_row_where_it_stopped);
	tcase_add_test(tc, finds_all_views_of_a_name);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
