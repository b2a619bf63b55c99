/*
 * What is known of DNS questions, for as long as it holds. No sockets; the time is the caller's.
 *
 * An entry is made when a question is first asked, filled when the answer is there, and dropped when it is the oldest and room is
 * needed. While somebody waits for it or it is being asked for, it stays.
 */
#ifndef CW_NET_DNS_CACHE_H
#define CW_NET_DNS_CACHE_H

#include "core/table.h"
#include "net/dns_message.h"

#define CW_DNS_CACHE_BYTES_MAX (16u << 20) /* of records; entries are bounded by CW_DNS_CACHE_MAX */

struct cw_dns_entry {
	struct cw_table_link link;
	struct cw_list age; /* in the cache's list, the oldest first */
	char key[1 + CW_DNS_NAME_MAX];
	struct cw_dns_question question;
	struct cw_dns_records *records; /* NULL: not known yet */
	uint64_t expires_ms;
	struct cw_list waiters; /* the owner's: not empty keeps the entry */
	void *lookup;           /* the owner's: not NULL keeps the entry */
};

/* Embed it. Fields are private, but may be read. */
struct cw_dns_cache {
	struct cw_table table;
	struct cw_list ages;
	size_t bytes;
};

/* Begin an empty cache. */
void cw_dns_cache_init(struct cw_dns_cache *cache);

/* Free all entries; nobody may wait for one any more. */
void cw_dns_cache_finish(struct cw_dns_cache *cache);

/*
 * The entry of a question, made when there is none. What it knew and is no longer true at `now_ms` is forgotten, unless somebody
 * still waits to read it.
 *
 * Returns: 0 and *out set, borrowed until the next call (or for as long as it is kept); -ENOMEM.
 */
int cw_dns_cache_get(struct cw_dns_cache *cache, struct cw_dns_entry **out,
	const struct cw_dns_question *question, uint64_t now_ms);

/* Fill an entry; takes `records`. Others may be dropped. */
void cw_dns_cache_store(struct cw_dns_cache *cache, struct cw_dns_entry *entry,
	struct cw_dns_records *records, uint64_t now_ms);

/* Drop an entry that is not kept. */
void cw_dns_cache_drop(struct cw_dns_cache *cache, struct cw_dns_entry *entry);

#endif
