/*
 * Intrusive hash tables keyed by bytes, for transactions, connections, cache entries.
 *
 * Keys come from peers, so the hash is keyed with a random seed (SipHash-1-3): nobody outside can
 * make a bucket long. The element embeds a struct cw_table_link and owns the key's bytes.
 */
#ifndef CW_CORE_TABLE_H
#define CW_CORE_TABLE_H

#include "core/list.h"
#include "core/str.h"

struct cw_table_link {
	struct cw_table_link *next;
	struct cw_str key; /* borrowed from the element; must not change while it is in the table */
	uint64_t hash;
};

/* Embed it. Fields are private, but `count` may be read. */
struct cw_table {
	struct cw_table_link **buckets;
	size_t n_buckets; /* a power of two, or 0 before the first insert */
	size_t count;
	uint64_t seed[2];
};

/* Begin an empty table with a fresh random seed. */
void cw_table_init(struct cw_table *t);

/* Free the buckets (not the elements, which the owner frees); fine on a zeroed table. */
void cw_table_finish(struct cw_table *t);

/*
 * Put an element in under `key`. The same key may stand in the table more than once; the newest is found.
 *
 * Returns: 0; -ENOMEM when the table could not grow (the element is then not in it).
 */
int cw_table_insert(struct cw_table *t, struct cw_table_link *link, struct cw_str key);

/* The newest element under `key`, or NULL. */
struct cw_table_link *cw_table_find(const struct cw_table *t, struct cw_str key);

/* Take an element out; harmless on a zeroed link that is in no table. */
void cw_table_remove(struct cw_table *t, struct cw_table_link *link);

#endif
