/* Hash tables: chains in buckets, doubled at load factor 1, under SipHash-1-3 with a random key. */
#include "core/table.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define BUCKETS_FIRST 16u /* a power of two */

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* Up to 8 bytes as a little-endian number. */
static uint64_t word_at(const char *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return le64toh(word);
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF", with 1 round a word and 3 at the end. */
static uint64_t hash_of(const uint64_t seed[2], struct cw_str key)
{
	uint64_t v[4] = {
		seed[0] ^ 0x736f6d6570736575u,
		seed[1] ^ 0x646f72616e646f6du,
		seed[0] ^ 0x6c7967656e657261u,
		seed[1] ^ 0x7465646279746573u,
	};
	size_t at = 0;

	for (; key.len - at >= 8; at += 8) {
		uint64_t word = word_at(key.p + at, 8);

		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}

	uint64_t last = (uint64_t)key.len << 56;

	if (key.len > at)
		last |= word_at(key.p + at, key.len - at);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;

	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void cw_table_init(struct cw_table *t)
{
	*t = (struct cw_table){0};
	/*
	 * Linux gives 16 bytes always, once it has booted. A table whose order strangers can
	 * foresee would be worse than no process.
	 */
	while (getrandom(t->seed, sizeof(t->seed), 0) != (ssize_t)sizeof(t->seed)) {
		if (errno != EINTR)
			abort();
	}
}

void cw_table_finish(struct cw_table *t)
{
	free(t->buckets);
	t->buckets = NULL;
	t->n_buckets = 0;
	t->count = 0;
}

static struct cw_table_link **bucket_of(const struct cw_table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->n_buckets - 1)];
}

/* Double the buckets. Chains keep their order, so that the newest of equal keys stays in front. */
static int grow(struct cw_table *t)
{
	size_t old_n = t->n_buckets;
	size_t n = old_n ? old_n * 2 : BUCKETS_FIRST;

	if (n > SIZE_MAX / sizeof(struct cw_table_link *))
		return -ENOMEM;

	struct cw_table_link **buckets = realloc(t->buckets, n * sizeof(struct cw_table_link *));

	if (!buckets)
		return -ENOMEM;
	memset(buckets + old_n, 0, (n - old_n) * sizeof(struct cw_table_link *));
	t->buckets = buckets;
	t->n_buckets = n;

	/* bucket i splits into i and i + old_n */
	for (size_t i = 0; i < old_n; i++) {
		struct cw_table_link *link = buckets[i];
		struct cw_table_link **low = &buckets[i], **high = &buckets[i + old_n];

		for (; link; link = link->next) {
			struct cw_table_link ***tail = link->hash & old_n ? &high : &low;

			**tail = link;
			*tail = &link->next;
		}
		*low = NULL;
		*high = NULL;
	}
	return 0;
}

int cw_table_insert(struct cw_table *t, struct cw_table_link *link, struct cw_str key)
{
	if (t->count >= t->n_buckets) {
		int r = grow(t);

		if (r)
			return r;
	}
	link->key = key;
	link->hash = hash_of(t->seed, key);

	struct cw_table_link **bucket = bucket_of(t, link->hash);

	link->next = *bucket;
	*bucket = link;
	t->count++;
	return 0;
}

struct cw_table_link *cw_table_find(const struct cw_table *t, struct cw_str key)
{
	if (t->count == 0)
		return NULL;

	uint64_t hash = hash_of(t->seed, key);

	for (struct cw_table_link *link = *bucket_of(t, hash); link; link = link->next) {
		if (link->hash == hash && cw_str_eq(link->key, key))
			return link;
	}
	return NULL;
}

void cw_table_remove(struct cw_table *t, struct cw_table_link *link)
{
	if (t->count == 0)
		return;
	for (struct cw_table_link **p = bucket_of(t, link->hash); *p; p = &(*p)->next) {
		if (*p == link) {
			*p = link->next;
			*link = (struct cw_table_link){0};
			t->count--;
			return;
		}
	}
}
