/* Counters: found by name through a table, listed in an array that is sorted when it is printed. */
#include "core/stats.h"

#include "core/table.h"

#include <inttypes.h>
#include <stdlib.h>

struct counter {
	struct cw_table_link by_name;
	uint64_t value;
	char *name;
};

struct cw_stats {
	struct cw_table by_name;
	struct counter **list;
	size_t count, capacity;
	uint64_t spare; /* takes what is counted while memory is short */
};

struct cw_stats *cw_stats_create(void)
{
	struct cw_stats *stats = calloc(1, sizeof(*stats));

	if (stats)
		cw_table_init(&stats->by_name);
	return stats;
}

static void counter_destroy(struct counter *c)
{
	if (!c)
		return;
	free(c->name);
	free(c);
}

void cw_stats_destroy(struct cw_stats *stats)
{
	if (!stats)
		return;
	for (size_t i = 0; i < stats->count; i++)
		counter_destroy(stats->list[i]);
	free(stats->list);
	cw_table_finish(&stats->by_name);
	free(stats);
}

static struct counter *find(const struct cw_stats *stats, const char *name)
{
	struct cw_table_link *link = cw_table_find(&stats->by_name, cw_str_of(name));

	return link ? cw_container_of(link, struct counter, by_name) : NULL;
}

static bool list_reserve(struct cw_stats *stats)
{
	if (stats->count < stats->capacity)
		return true;

	size_t capacity = stats->capacity ? stats->capacity * 2 : 64;
	struct counter **list = realloc(stats->list, capacity * sizeof(struct counter *));

	if (!list)
		return false;
	stats->list = list;
	stats->capacity = capacity;
	return true;
}

static struct counter *counter_create(struct cw_stats *stats, const char *name)
{
	struct counter *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->name = cw_str_dup(cw_str_of(name));
	if (!c->name || !list_reserve(stats) ||
		cw_table_insert(&stats->by_name, &c->by_name, cw_str_of(c->name))) {
		counter_destroy(c);
		return NULL;
	}
	stats->list[stats->count++] = c;
	return c;
}

uint64_t *cw_stats_counter(struct cw_stats *stats, const char *name)
{
	struct counter *c = find(stats, name);

	if (!c)
		c = counter_create(stats, name);
	return c ? &c->value : &stats->spare;
}

uint64_t cw_stats_value(const struct cw_stats *stats, const char *name)
{
	const struct counter *c = find(stats, name);

	return c ? c->value : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct counter *const *left = a;
	const struct counter *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

void cw_stats_print(const struct cw_stats *stats, FILE *out)
{
	if (stats->count > 0)
		qsort(stats->list, stats->count, sizeof(struct counter *), by_name);
	for (size_t i = 0; i < stats->count; i++)
		(void)fprintf(out, "%s %" PRIu64 "\n", stats->list[i]->name, stats->list[i]->value);
}
