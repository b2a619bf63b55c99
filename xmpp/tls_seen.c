#include "xmpp/tls_seen.h"

#include <stdlib.h>

struct entry {
	struct cw_table_link link;
	struct cw_list by_age;
	char name[];
};

void cw_tls_seen_init(struct cw_tls_seen *seen)
{
	cw_table_init(&seen->names);
	cw_list_init(&seen->by_age);
}

static void drop(struct cw_tls_seen *seen, struct entry *e)
{
	cw_table_remove(&seen->names, &e->link);
	cw_list_remove(&e->by_age);
	free(e);
}

static struct entry *oldest(struct cw_tls_seen *seen)
{
	return cw_container_of(seen->by_age.next, struct entry, by_age);
}

void cw_tls_seen_finish(struct cw_tls_seen *seen)
{
	while (!cw_list_empty(&seen->by_age))
		drop(seen, oldest(seen));
	cw_table_finish(&seen->names);
}

bool cw_tls_seen_has(const struct cw_tls_seen *seen, struct cw_str name)
{
	return cw_table_find(&seen->names, name) != NULL;
}

void cw_tls_seen_add(struct cw_tls_seen *seen, struct cw_str name)
{
	struct entry *e;

	if (cw_tls_seen_has(seen, name))
		return;
	if (seen->names.count >= CW_TLS_SEEN_MAX)
		drop(seen, oldest(seen));
	e = calloc(1, sizeof(*e) + name.len);
	if (!e)
		return;
	if (name.len > 0)
		memcpy(e->name, name.p, name.len);
	cw_list_init(&e->by_age);
	if (cw_table_insert(&seen->names, &e->link, cw_str_make(e->name, name.len)) != 0) {
		free(e);
		return;
	}
	cw_list_append(&seen->by_age, &e->by_age);
}
