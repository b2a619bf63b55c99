#include "sip/peer_book.h"

#include "core/list.h"

#include <errno.h>
#include <stdlib.h>

/* A peer that is given by name. */
struct entry {
	struct cw_list link;
	struct cw_list due; /* among those that wait to be looked up */
	struct cw_peer_book *book;
	const struct cw_zone *zone;
	const struct cw_zone_peer *peer;
	struct cw_address addresses[CW_PEER_BOOK_ADDRESSES_MAX];
	size_t n_addresses;
	struct cw_dns_query *query;
};

struct cw_peer_book {
	struct cw_peer_book_settings settings;
	struct cw_timer *timer, *retry;
	struct cw_list entries;
	struct cw_list due;
	size_t n_asked; /* lookups under way */
};

static void on_addresses(void *arg, const struct cw_dns_answer *answer);

/*
 * Look up who is due, some at a time: others have questions to DNS as well. A lookup that cannot
 * begin is made up for by the next refresh.
 */
static void ask_due(struct cw_peer_book *book)
{
	while (book->n_asked < CW_PEER_BOOK_LOOKUPS_MAX && !cw_list_empty(&book->due)) {
		struct entry *e = cw_container_of(book->due.next, struct entry, due);

		cw_list_remove(&e->due);
		if (cw_dns_addresses(&e->query, book->settings.dns, e->peer->host, e->peer->port,
			    on_addresses, e))
			e->query = NULL;
		else
			book->n_asked++;
	}
}

static bool knows(const struct entry *e, const struct cw_address *address)
{
	for (size_t i = 0; i < e->n_addresses; i++)
		if (cw_address_same_host(&e->addresses[i], address))
			return true;
	return false;
}

/* Write the addresses down. Returns: whether there is one that was not known. */
static bool take(struct entry *e, const struct cw_dns_answer *answer)
{
	size_t n = answer->n_addresses < CW_PEER_BOOK_ADDRESSES_MAX ? answer->n_addresses
								    : CW_PEER_BOOK_ADDRESSES_MAX;
	bool is_new = false;

	for (size_t i = 0; i < n; i++)
		is_new |= !knows(e, &answer->addresses[i]);
	for (size_t i = 0; i < n; i++)
		e->addresses[i] = answer->addresses[i];
	e->n_addresses = n;
	return is_new;
}

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	struct entry *e = arg;
	struct cw_peer_book *book = e->book;
	bool is_new = answer->status == CW_DNS_OK && take(e, answer);

	e->query = NULL;
	book->n_asked--;
	ask_due(book);
	if (e->n_addresses == 0)
		cw_timer_start(book->retry, CW_PEER_BOOK_RETRY_MS);
	if (is_new && e->zone->transport == CW_ZONE_TCP)
		book->settings.learned(book->settings.arg);
}

/* Have all looked up that are not yet, or those alone that were never found. */
static void ask_again(struct cw_peer_book *book, bool all)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &book->entries) {
		struct entry *e = cw_container_of(pos, struct entry, link);

		if (!e->query && cw_list_empty(&e->due) && (all || e->n_addresses == 0))
			cw_list_append(&book->due, &e->due);
	}
	ask_due(book);
}

static void refresh(void *arg)
{
	struct cw_peer_book *book = arg;

	ask_again(book, true);
	cw_timer_start(book->timer, CW_PEER_BOOK_REFRESH_MS);
}

static void retry(void *arg)
{
	ask_again(arg, false);
}

/* The addresses that another book has for the same name. */
static void recall(struct entry *e, const struct cw_peer_book *before)
{
	struct cw_list *pos;

	if (!before)
		return;
	cw_list_for_each (pos, &before->entries) {
		const struct entry *old = cw_container_of(pos, struct entry, link);

		if (!cw_str_case_eq(old->peer->host, e->peer->host))
			continue;
		memcpy(e->addresses, old->addresses, sizeof(e->addresses));
		e->n_addresses = old->n_addresses;
		return;
	}
}

static int add_entry(struct cw_peer_book *book, const struct cw_zone *zone,
	const struct cw_zone_peer *peer, const struct cw_peer_book *before)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	cw_list_init(&e->due);
	e->book = book;
	e->zone = zone;
	e->peer = peer;
	recall(e, before);
	cw_list_append(&book->entries, &e->link);
	return 0;
}

static int add_zone(
	struct cw_peer_book *book, const struct cw_zone *zone, const struct cw_peer_book *before)
{
	struct cw_address literal;
	int r = 0;

	for (size_t i = 0; !r && zone->type == CW_ZONE_NEIGHBOR && i < zone->n_peers; i++)
		if (cw_address_make(&literal, zone->peers[i].host, zone->peers[i].port))
			r = add_entry(book, zone, &zone->peers[i], before);
	return r;
}

int cw_peer_book_create(struct cw_peer_book **out, const struct cw_peer_book_settings *settings,
	const struct cw_peer_book *before)
{
	const struct cw_sip_setup *setup = settings->setup;
	struct cw_peer_book *book = calloc(1, sizeof(*book));
	int r;

	if (!book)
		return -ENOMEM;
	book->settings = *settings;
	cw_list_init(&book->entries);
	cw_list_init(&book->due);
	r = cw_timer_create(&book->timer, settings->loop, refresh, book);
	if (!r)
		r = cw_timer_create(&book->retry, settings->loop, retry, book);
	for (size_t i = 0; !r && i < setup->n_zones; i++)
		r = add_zone(book, setup->zones[i], before);
	if (r) {
		cw_peer_book_destroy(book);
		return r;
	}
	if (!cw_list_empty(&book->entries))
		refresh(book);
	*out = book;
	return 0;
}

void cw_peer_book_destroy(struct cw_peer_book *book)
{
	struct cw_list *pos, *tmp;

	if (!book)
		return;
	cw_list_for_each_safe(pos, tmp, &book->entries)
	{
		struct entry *e = cw_container_of(pos, struct entry, link);

		cw_dns_cancel(e->query);
		free(e);
	}
	cw_timer_destroy(book->timer);
	cw_timer_destroy(book->retry);
	free(book);
}

bool cw_peer_book_has(const struct cw_peer_book *book, const struct cw_zone *zone,
	const struct cw_address *address)
{
	struct cw_address literal;
	struct cw_list *pos;

	for (size_t i = 0; i < zone->n_peers; i++)
		if (cw_address_make(&literal, zone->peers[i].host, zone->peers[i].port) == 0 &&
			cw_address_same_host(&literal, address))
			return true;
	if (!book)
		return false;
	cw_list_for_each (pos, &book->entries) {
		const struct entry *e = cw_container_of(pos, struct entry, link);

		if (e->zone == zone && knows(e, address))
			return true;
	}
	return false;
}
