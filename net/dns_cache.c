/* The cache of DNS answers. */
#include "net/dns_cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void cw_dns_cache_init(struct cw_dns_cache *cache)
{
	cw_table_init(&cache->table);
	cw_list_init(&cache->ages);
	cache->bytes = 0;
}

static bool is_kept(const struct cw_dns_entry *entry)
{
	return entry->lookup || !cw_list_empty(&entry->waiters);
}

static void forget(struct cw_dns_cache *cache, struct cw_dns_entry *entry)
{
	if (entry->records)
		cache->bytes -= entry->records->bytes;
	free(entry->records);
	entry->records = NULL;
}

static void destroy(struct cw_dns_cache *cache, struct cw_dns_entry *entry)
{
	forget(cache, entry);
	cw_table_remove(&cache->table, &entry->link);
	cw_list_remove(&entry->age);
	free(entry);
}

void cw_dns_cache_drop(struct cw_dns_cache *cache, struct cw_dns_entry *entry)
{
	assert(!is_kept(entry));
	destroy(cache, entry);
}

void cw_dns_cache_finish(struct cw_dns_cache *cache)
{
	while (!cw_list_empty(&cache->ages))
		destroy(cache, cw_container_of(cache->ages.next, struct cw_dns_entry, age));
	cw_table_finish(&cache->table);
}

/* Make room: the oldest go, those that are kept are passed over. */
static void trim(struct cw_dns_cache *cache)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &cache->ages)
	{
		struct cw_dns_entry *entry = cw_container_of(pos, struct cw_dns_entry, age);

		if (cache->table.count <= CW_DNS_CACHE_MAX &&
			cache->bytes <= CW_DNS_CACHE_BYTES_MAX)
			return;
		if (!is_kept(entry))
			destroy(cache, entry);
	}
}

static struct cw_dns_entry *find(const struct cw_dns_cache *cache, struct cw_str key)
{
	struct cw_table_link *link = cw_table_find(&cache->table, key);

	return link ? cw_container_of(link, struct cw_dns_entry, link) : NULL;
}

int cw_dns_cache_get(struct cw_dns_cache *cache, struct cw_dns_entry **out,
	const struct cw_dns_question *question, uint64_t now_ms)
{
	size_t name_len = strlen(question->name);
	char key[1 + CW_DNS_NAME_MAX];
	struct cw_dns_entry *entry;

	key[0] = (char)question->type;
	memcpy(key + 1, question->name, name_len);
	entry = find(cache, cw_str_make(key, 1 + name_len));
	if (entry) {
		if (entry->records && now_ms >= entry->expires_ms && !is_kept(entry))
			forget(cache, entry);
		*out = entry;
		return 0;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->question = *question;
	memcpy(entry->key, key, 1 + name_len);
	cw_list_init(&entry->waiters);
	if (cw_table_insert(&cache->table, &entry->link, cw_str_make(entry->key, 1 + name_len))) {
		free(entry);
		return -ENOMEM;
	}
	trim(cache); /* before the new one is in the list, or it could be the one to go */
	cw_list_append(&cache->ages, &entry->age);
	*out = entry;
	return 0;
}

void cw_dns_cache_store(struct cw_dns_cache *cache, struct cw_dns_entry *entry,
	struct cw_dns_records *records, uint64_t now_ms)
{
	forget(cache, entry);
	entry->records = records;
	entry->expires_ms = now_ms + (uint64_t)records->ttl_s * 1000;
	cache->bytes += records->bytes;
	cw_list_remove(&entry->age);
	trim(cache);
	cw_list_append(&cache->ages, &entry->age);
}
