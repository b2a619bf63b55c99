#include "net/srv.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#define RECORDS_MAX 4

/* A random source that is told what to say. */
static const uint32_t *script;
static uint32_t asked[RECORDS_MAX];
static size_t n_asked;

static uint32_t scripted(uint32_t below)
{
	ck_assert_uint_lt(n_asked, RECORDS_MAX);
	asked[n_asked] = below;
	return script[n_asked++];
}

/* A row's records are a, b, c, d in the order of the wire. */
static const struct order_case {
	const char *name;
	size_t n;
	struct {
		uint16_t priority, weight;
	} records[RECORDS_MAX];
	uint32_t script[RECORDS_MAX];
	const char *order;
	size_t n_asked;
	uint32_t asked[RECORDS_MAX];
} order_cases[] = {
	{"none", 0, {{0}}, {0}, "", 0, {0}},
	{"one needs no chance", 1, {{10, 5}}, {0}, "a", 0, {0}},
	{"priorities upwards", 3, {{20, 1}, {10, 1}, {30, 1}}, {0}, "bac", 0, {0}},
	{"0 takes the first", 3, {{1, 10}, {1, 20}, {1, 30}}, {0, 0}, "abc", 2, {61, 51}},
	{"the last number of the first", 3, {{1, 10}, {1, 20}, {1, 30}}, {10, 20}, "abc", 2,
		{61, 51}},
	{"the first number of the second", 3, {{1, 10}, {1, 20}, {1, 30}}, {11, 0}, "bac", 2,
		{61, 41}},
	{"the highest number", 3, {{1, 10}, {1, 20}, {1, 30}}, {60, 30}, "cba", 2, {61, 31}},
	{"weight 0 stands first and is taken by 0", 3, {{1, 10}, {1, 0}, {1, 5}}, {0, 0}, "bac", 2,
		{16, 16}},
	{"weight 0 is not taken by 1", 3, {{1, 10}, {1, 0}, {1, 5}}, {1, 0}, "abc", 2, {16, 6}},
	{"no weights at all", 3, {{1, 0}, {1, 0}, {1, 0}}, {0, 0}, "abc", 2, {1, 1}},
	{"each priority has a lot of its own", 4, {{2, 1}, {1, 1}, {2, 1}, {1, 1}}, {2, 0}, "dbac",
		2, {3, 3}},
	{"the sum does not overflow", 3, {{1, 65535}, {1, 65535}, {1, 65535}}, {196605, 65536},
		"cba", 2, {196606, 131071}},
};

START_TEST(orders)
{
	const struct order_case *c = &order_cases[_i];
	struct cw_srv *records = calloc(c->n + 1, sizeof(*records));
	char order[RECORDS_MAX + 1] = "";

	ck_assert_ptr_nonnull(records);
	for (size_t i = 0; i < c->n; i++) {
		records[i].priority = c->records[i].priority;
		records[i].weight = c->records[i].weight;
		records[i].port = (uint16_t)i;
	}
	script = c->script;
	n_asked = 0;
	cw_srv_order(records, c->n, scripted);
	for (size_t i = 0; i < c->n; i++)
		order[i] = (char)('a' + records[i].port);
	ck_assert_msg(strcmp(order, c->order) == 0, "%s: %s", c->name, order);
	ck_assert_msg(n_asked == c->n_asked, "%s: asked %zu times", c->name, n_asked);
	for (size_t i = 0; i < n_asked; i++)
		ck_assert_msg(asked[i] == c->asked[i], "%s: asked for %u", c->name, asked[i]);
	free(records);
}
END_TEST

/* Numbers that are the same in each run (a linear congruential generator). */
static uint32_t repeatable(uint32_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

START_TEST(shares_by_weight)
{
	enum {
		ROUNDS = 30000
	};
	static const uint16_t weights[] = {0, 10, 20, 70};
	unsigned first[4] = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct cw_srv records[4];

		for (uint16_t k = 0; k < 4; k++)
			records[k] = (struct cw_srv){.weight = weights[k], .port = k};
		cw_srv_order(records, 4, repeatable);
		first[records[0].port]++;
	}
	/* of 101 numbers the record without weight has one */
	ck_assert_uint_ge(first[0], ROUNDS / 101 / 2);
	ck_assert_uint_le(first[0], ROUNDS / 101 * 2);
	for (size_t k = 1; k < 4; k++) {
		ck_assert_uint_ge(first[k], ROUNDS / 100u * weights[k] * 9 / 10);
		ck_assert_uint_le(first[k], ROUNDS / 100u * weights[k] * 11 / 10);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("srv");
	TCase *tcase = tcase_create("srv");

	ADD_ROWS(tcase, orders, order_cases);
	tcase_add_test(tcase, shares_by_weight);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
