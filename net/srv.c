/* The order of SRV records. */
#include "net/srv.h"

/* Move records[from] to the place `to` before it; what stands between moves up by one. */
static void move_down(struct cw_srv *records, size_t from, size_t to)
{
	struct cw_srv moved = records[from];

	memmove(&records[to + 1], &records[to], (from - to) * sizeof(*records));
	records[to] = moved;
}

/* Priorities upwards; of one priority those without weight first, so that they have a chance at all (RFC 2782, "Usage rules"). */
static void sort(struct cw_srv *records, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		size_t to = i;

		while (to > 0 &&
			(records[to - 1].priority > records[i].priority ||
				(records[to - 1].priority == records[i].priority &&
					records[to - 1].weight > 0 && records[i].weight == 0)))
			to--;
		move_down(records, i, to);
	}
}

/* Shuffle `n` records of one priority by weight. */
static void shuffle(struct cw_srv *records, size_t n, uint32_t (*random)(uint32_t below))
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += records[i].weight;
	for (size_t first = 0; first + 1 < n; first++) {
		uint32_t chosen = random(sum + 1); /* 0 to the sum, both ends included */
		uint32_t running = records[first].weight;
		size_t i = first;

		while (running < chosen && i + 1 < n)
			running += records[++i].weight;
		sum -= records[i].weight;
		move_down(records, i, first);
	}
}

void cw_srv_order(struct cw_srv *records, size_t n, uint32_t (*random)(uint32_t below))
{
	size_t first = 0;

	sort(records, n);
	for (size_t i = 1; i <= n; i++) {
		if (i < n && records[i].priority == records[first].priority)
			continue;
		shuffle(&records[first], i - first, random);
		first = i;
	}
}
