/* The resolver: callers wait for entries of the cache, lookups fill them. */
#include "net/dns.h"

#include "certs/digest.h"
#include "core/log.h"
#include "net/dns_cache.h"
#include "net/dns_exchange.h"
#include "net/resolv_conf.h"

#include <errno.h>
#include <stdlib.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define ALIASES_MAX 8 /* aliases followed by questions of our own, beyond those within an answer */
#define SECOND_FAMILY_MS                                                                           \
	500 /* how long addresses of one kind wait for those of the other (compare RFC 8305, 3) */

struct cw_dns {
	struct cw_loop *loop;
	struct cw_dns_servers servers;
	uint32_t (*random)(uint32_t below);
	struct cw_dns_cache cache;
	struct cw_list queries; /* all of callers */
	struct cw_list lookups; /* all on the wire */
	size_t n_lookups;
	struct cw_dns_counters wire;
	uint64_t *n_queries, *n_hits, *n_failures;
};

/* A question on its way to an answer, through aliases if need be. */
struct lookup {
	struct cw_list link;
	struct cw_dns *dns;
	struct cw_dns_entry *entry;
	struct cw_dns_question question; /* the entry's, or of an alias of it */
	struct cw_dns_exchange *exchange;
	struct cw_dns_records
		*failure; /* made beforehand: the entry must be filled when memory is short, too */
	unsigned aliases;
	uint32_t ttl_s; /* the smallest of the aliases */
	uint64_t begun_ms;
};

struct waiter {
	struct cw_list link; /* in the entry's list */
	struct cw_dns_query *query;
	struct cw_dns_entry *entry;
};

struct cw_dns_query {
	struct cw_list link;
	struct cw_dns *dns;
	cw_dns_callback *done;
	void *arg;
	struct waiter waiters[2]; /* SRV; or AAAA, A */
	size_t n_waiters;
	enum cw_dns_status status; /* of a question that needs no entry */
	bool is_strangers;         /* it may use only its share of what can be on the wire */
	bool is_literal;
	struct cw_address literal;
	uint16_t port;
	struct cw_deferred deferred;
	struct cw_timer *timer; /* of addresses: the second family is late */
};

/* What a callback gets, on the stack: the callback may do anything to the resolver. */
struct delivery {
	struct cw_dns_answer answer;
	struct cw_srv srv[CW_DNS_RECORDS_MAX];
	char text[CW_DNS_RECORDS_MAX][CW_DNS_NAME_MAX + 1];
	struct cw_address addresses[CW_DNS_RECORDS_MAX];
};

static const char *const status_names[] = {
	[CW_DNS_OK] = "ok",
	[CW_DNS_NO_NAME] = "no-name",
	[CW_DNS_NO_DATA] = "no-data",
	[CW_DNS_SERVFAIL] = "servfail",
	[CW_DNS_TIMEOUT] = "timeout",
	[CW_DNS_BAD_NAME] = "bad-name",
	[CW_DNS_NO_SERVICE] = "no-service",
};

void cw_dns_order(const struct cw_dns *dns, struct cw_srv *records, size_t n)
{
	cw_srv_order(records, n, dns->random);
}

const char *cw_dns_status_name(enum cw_dns_status status)
{
	return status_names[status];
}

static const char *type_name(enum cw_dns_type type)
{
	return type == CW_DNS_TYPE_SRV ? "SRV" : type == CW_DNS_TYPE_A ? "A" : "AAAA";
}

static uint32_t system_random(uint32_t below)
{
	uint64_t number = 0;

	/* without random bytes the order is merely not shared out; modulo: the bias is below 2^-32 */
	if (cw_random_bytes((uint8_t *)&number, sizeof(number)))
		return 0;
	return (uint32_t)(number % below);
}

int cw_dns_create(struct cw_dns **out, struct cw_loop *loop, struct cw_stats *stats,
	const struct cw_address *servers, size_t n_servers, uint32_t (*random)(uint32_t below))
{
	struct cw_dns *dns = calloc(1, sizeof(*dns));
	int r = 0;

	if (!dns)
		return -ENOMEM;
	dns->servers.n = n_servers < CW_DNS_SERVERS_MAX ? n_servers : CW_DNS_SERVERS_MAX;
	for (size_t i = 0; i < dns->servers.n; i++)
		dns->servers.addresses[i] = servers[i];
	if (n_servers == 0)
		r = cw_resolv_conf_read(&dns->servers, RESOLV_CONF);
	if (r) {
		free(dns);
		return r;
	}
	dns->loop = loop;
	dns->random = random ? random : system_random;
	cw_dns_cache_init(&dns->cache);
	cw_list_init(&dns->queries);
	cw_list_init(&dns->lookups);
	dns->wire.udp = cw_stats_counter(stats, "dns.wire.udp");
	dns->wire.tcp = cw_stats_counter(stats, "dns.wire.tcp");
	dns->wire.ignored = cw_stats_counter(stats, "dns.wire.ignored");
	dns->n_queries = cw_stats_counter(stats, "dns.queries");
	dns->n_hits = cw_stats_counter(stats, "dns.cache.hits");
	dns->n_failures = cw_stats_counter(stats, "dns.failures");
	*out = dns;
	return 0;
}

static void destroy_lookup(struct lookup *lookup)
{
	lookup->entry->lookup = NULL;
	lookup->dns->n_lookups--;
	cw_list_remove(&lookup->link);
	cw_dns_exchange_destroy(lookup->exchange);
	free(lookup->failure);
	free(lookup);
}

void cw_dns_destroy(struct cw_dns *dns)
{
	struct cw_list *pos, *tmp;

	if (!dns)
		return;
	cw_list_for_each_safe(pos, tmp, &dns->queries)
		cw_dns_cancel(cw_container_of(pos, struct cw_dns_query, link));
	cw_list_for_each_safe(pos, tmp, &dns->lookups)
		destroy_lookup(cw_container_of(pos, struct lookup, link));
	cw_dns_cache_finish(&dns->cache);
	free(dns);
}

/* Nothing more comes for it: take it out of every list and free it. */
void cw_dns_cancel(struct cw_dns_query *query)
{
	if (!query)
		return;
	for (size_t i = 0; i < query->n_waiters; i++)
		cw_list_remove(&query->waiters[i].link);
	cw_deferred_cancel(&query->deferred);
	cw_timer_destroy(query->timer);
	cw_list_remove(&query->link);
	free(query);
}

static void deliver_srv(
	struct delivery *d, const struct cw_dns_records *records, struct cw_dns *dns)
{
	d->answer.n_srv = records->n;
	d->answer.srv = d->srv;
	for (size_t i = 0; i < records->n; i++) {
		d->srv[i] = records->srv[i];
		memcpy(d->text[i], records->srv[i].target.p, records->srv[i].target.len + 1);
		d->srv[i].target.p = d->text[i];
	}
	cw_srv_order(d->srv, d->answer.n_srv, dns->random);
}

static void make_ip6(struct cw_address *out, const struct in6_addr *ip, uint16_t port)
{
	*out = (struct cw_address){
		.sa.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *ip},
		.len = sizeof(out->sa.in6),
	};
}

static void make_ip4(struct cw_address *out, const struct in_addr *ip, uint16_t port)
{
	*out = (struct cw_address){
		.sa.in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = *ip},
		.len = sizeof(out->sa.in),
	};
}

/* IPv6 and IPv4 in turn, as long as there are both (RFC 8305, 4). */
static void deliver_addresses(struct delivery *d, const struct cw_dns_query *query)
{
	static const struct cw_dns_records none;
	const struct cw_dns_records *ip6 = query->waiters[0].entry->records;
	const struct cw_dns_records *ip4 = query->waiters[1].entry->records;
	size_t n = 0;

	ip6 = ip6 ? ip6 : &none;
	ip4 = ip4 ? ip4 : &none;
	for (size_t i = 0; i < ip6->n || i < ip4->n; i++) {
		if (i < ip6->n && n < CW_DNS_RECORDS_MAX)
			make_ip6(&d->addresses[n++], &ip6->ip6[i], query->port);
		if (i < ip4->n && n < CW_DNS_RECORDS_MAX)
			make_ip4(&d->addresses[n++], &ip4->ip4[i], query->port);
	}
	d->answer.addresses = d->addresses;
	d->answer.n_addresses = n;
}

/* How much a status says when another lookup of the same host says something else: a failure beats "no such records". */
static unsigned rank(enum cw_dns_status status)
{
	static const unsigned ranks[] = {
		[CW_DNS_OK] = 5,
		[CW_DNS_TIMEOUT] = 4,
		[CW_DNS_SERVFAIL] = 3,
		[CW_DNS_NO_DATA] = 2,
		[CW_DNS_NO_NAME] = 1,
		[CW_DNS_NO_SERVICE] = 0,
		[CW_DNS_BAD_NAME] = 0,
	};

	return ranks[status];
}

static enum cw_dns_status status_of(const struct cw_dns_query *query)
{
	enum cw_dns_status status = CW_DNS_BAD_NAME;

	if (query->n_waiters == 0)
		return query->status;
	for (size_t i = 0; i < query->n_waiters; i++) {
		const struct cw_dns_records *records = query->waiters[i].entry->records;

		if (records && rank(records->status) >= rank(status))
			status = records->status;
	}
	return status;
}

/* Call back, from the loop. */
static void deliver(void *arg)
{
	struct cw_dns_query *query = arg;
	cw_dns_callback *done = query->done;
	void *done_arg = query->arg;
	struct delivery d;

	d.answer = (struct cw_dns_answer){.status = status_of(query)};
	if (query->is_literal) {
		d.addresses[0] = query->literal;
		d.answer.addresses = d.addresses;
		d.answer.n_addresses = 1;
	} else if (d.answer.status == CW_DNS_OK && query->n_waiters == 1) {
		deliver_srv(&d, query->waiters[0].entry->records, query->dns);
	} else if (d.answer.status == CW_DNS_OK) {
		deliver_addresses(&d, query);
	}
	cw_dns_cancel(query); /* the handle is gone when the callback begins */
	done(done_arg, &d.answer);
}

/* An entry that the query waits for was filled. */
static void check_query(struct cw_dns_query *query)
{
	bool is_complete = true;

	for (size_t i = 0; i < query->n_waiters; i++)
		is_complete = is_complete && query->waiters[i].entry->records;
	if (is_complete)
		cw_loop_defer(query->dns->loop, &query->deferred);
	else if (query->timer && query->n_waiters > 0 && status_of(query) == CW_DNS_OK)
		cw_timer_start(query->timer, SECOND_FAMILY_MS);
}

static void log_lookup(
	const struct lookup *lookup, const struct cw_dns_records *records, const char *problem)
{
	int64_t took_ms = (int64_t)(cw_loop_now_ms(lookup->dns->loop) - lookup->begun_ms);
	const struct cw_dns_question *question = &lookup->entry->question;

	if (records->status == CW_DNS_SERVFAIL || records->status == CW_DNS_TIMEOUT)
		cw_warn("net.dns", cw_kz("event", "failed"), cw_kz("name", question->name),
			cw_kz("type", type_name(question->type)),
			cw_kz("status", cw_dns_status_name(records->status)),
			cw_kz("reason", problem), cw_ki("ms", took_ms));
	else
		cw_debug("net.dns", cw_kz("event", "answered"), cw_kz("name", question->name),
			cw_kz("type", type_name(question->type)),
			cw_kz("status", cw_dns_status_name(records->status)),
			cw_ki("records", (int64_t)records->n), cw_ki("ttl_s", records->ttl_s),
			cw_ki("ms", took_ms));
}

/* The lookup is over: fill its entry and tell whoever waits. Takes `records`. */
static void complete(struct lookup *lookup, struct cw_dns_records *records, const char *problem)
{
	struct cw_dns *dns = lookup->dns;
	struct cw_dns_entry *entry = lookup->entry;
	struct cw_list *pos;

	log_lookup(lookup, records, problem);
	if (lookup->ttl_s < records->ttl_s)
		records->ttl_s = lookup->ttl_s;
	cw_dns_cache_store(&dns->cache, entry, records, cw_loop_now_ms(dns->loop));
	destroy_lookup(lookup);
	cw_list_for_each (pos, &entry->waiters)
		check_query(cw_container_of(pos, struct waiter, link)->query);
}

static void complete_failure(struct lookup *lookup, enum cw_dns_status status, const char *problem)
{
	struct cw_dns_records *records = lookup->failure;

	lookup->failure = NULL;
	records->status = status;
	++*lookup->dns->n_failures;
	complete(lookup, records, problem);
}

static int ask(struct lookup *lookup);

static void follow_alias(struct lookup *lookup, const struct cw_dns_reply *reply)
{
	if (++lookup->aliases > ALIASES_MAX) {
		complete_failure(lookup, CW_DNS_SERVFAIL, "too many aliases");
		return;
	}
	memcpy(lookup->question.name, reply->alias, sizeof(reply->alias));
	if (reply->ttl_s < lookup->ttl_s)
		lookup->ttl_s = reply->ttl_s;
	if (ask(lookup))
		complete_failure(lookup, CW_DNS_SERVFAIL, "no memory");
}

static void exchange_done(void *arg, struct cw_dns_reply *reply)
{
	struct lookup *lookup = arg;

	cw_dns_exchange_destroy(lookup->exchange);
	lookup->exchange = NULL;
	switch (reply->kind) {
	case CW_DNS_REPLY_FINAL:
		complete(lookup, reply->records, NULL);
		return;
	case CW_DNS_REPLY_ALIAS:
		follow_alias(lookup, reply);
		return;
	case CW_DNS_REPLY_IGNORED:
		complete_failure(lookup, CW_DNS_TIMEOUT, "no server answered in time");
		return;
	case CW_DNS_REPLY_TRUNCATED:
	case CW_DNS_REPLY_NO_EDNS:
	case CW_DNS_REPLY_FAILED:
		complete_failure(lookup, CW_DNS_SERVFAIL, reply->problem);
		return;
	}
}

static int ask(struct lookup *lookup)
{
	struct cw_dns *dns = lookup->dns;
	struct cw_dns_exchange_settings settings = {
		.servers = &dns->servers,
		.question = &lookup->question,
		.counters = &dns->wire,
		.try_ms = CW_DNS_TRY_MS,
		.deadline_ms = lookup->begun_ms + CW_DNS_DEADLINE_MS,
	};

	return cw_dns_exchange_create(
		&lookup->exchange, dns->loop, &settings, exchange_done, lookup);
}

static int start_lookup(struct cw_dns *dns, struct cw_dns_entry *entry)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return -ENOMEM;
	lookup->dns = dns;
	lookup->entry = entry;
	lookup->question = entry->question;
	lookup->ttl_s = CW_DNS_TTL_MAX_S;
	lookup->begun_ms = cw_loop_now_ms(dns->loop);
	lookup->failure = cw_dns_records_create(CW_DNS_SERVFAIL, CW_DNS_FAILURE_TTL_S);
	if (!lookup->failure || ask(lookup)) {
		free(lookup->failure);
		free(lookup);
		return -ENOMEM;
	}
	entry->lookup = lookup;
	cw_list_append(&dns->lookups, &lookup->link);
	dns->n_lookups++;
	return 0;
}

/* Let the query wait for an answer, known or to be asked for. */
static int wait_for(struct cw_dns_query *query, const struct cw_dns_question *question)
{
	struct cw_dns *dns = query->dns;
	struct waiter *waiter = &query->waiters[query->n_waiters];
	size_t share = query->is_strangers ? CW_DNS_STRANGERS_MAX : CW_DNS_QUERIES_MAX;
	struct cw_dns_entry *entry;
	int r = cw_dns_cache_get(&dns->cache, &entry, question, cw_loop_now_ms(dns->loop));

	if (r)
		return r;
	if (entry->records)
		++*dns->n_hits;
	else if (!entry->lookup && dns->n_lookups >= share)
		r = -EBUSY;
	else if (!entry->lookup)
		r = start_lookup(dns, entry);
	if (r) {
		cw_dns_cache_drop(&dns->cache, entry);
		return r;
	}
	waiter->query = query;
	waiter->entry = entry;
	cw_list_append(&entry->waiters, &waiter->link);
	query->n_waiters++;
	return 0;
}

static struct cw_dns_query *make_query(struct cw_dns *dns, cw_dns_callback *done, void *arg)
{
	struct cw_dns_query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->dns = dns;
	query->done = done;
	query->arg = arg;
	cw_deferred_init(&query->deferred, deliver, query);
	cw_list_append(&dns->queries, &query->link);
	++*dns->n_queries;
	return query;
}

/* Begin to wait for an answer of each type. -EBUSY and bad names become the answer itself. */
static int begin(struct cw_dns_query *query, struct cw_str name, const enum cw_dns_type *types,
	size_t n_types)
{
	struct cw_dns_question question;
	int r = 0;

	for (size_t i = 0; i < n_types && !r; i++) {
		r = cw_dns_question_init(&question, types[i], name);
		if (!r)
			r = wait_for(query, &question);
	}
	if (r) {
		for (size_t i = 0; i < query->n_waiters; i++)
			cw_list_remove(&query->waiters[i].link);
		query->n_waiters = 0;
		query->status = r == -EINVAL ? CW_DNS_BAD_NAME : CW_DNS_SERVFAIL;
	}
	if (r == -ENOMEM)
		return r;
	check_query(query);
	return 0;
}

static int ask_srv(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str name,
	bool is_strangers, cw_dns_callback *done, void *arg)
{
	static const enum cw_dns_type types[] = {CW_DNS_TYPE_SRV};
	struct cw_dns_query *query = make_query(dns, done, arg);

	if (!query)
		return -ENOMEM;
	query->is_strangers = is_strangers;
	if (begin(query, name, types, 1)) {
		cw_dns_cancel(query);
		return -ENOMEM;
	}
	*out = query;
	return 0;
}

int cw_dns_srv(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str name,
	cw_dns_callback *done, void *arg)
{
	return ask_srv(out, dns, name, false, done, arg);
}

int cw_dns_srv_for_stranger(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str name,
	cw_dns_callback *done, void *arg)
{
	return ask_srv(out, dns, name, true, done, arg);
}

int cw_dns_addresses(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str host,
	uint16_t port, cw_dns_callback *done, void *arg)
{
	static const enum cw_dns_type types[] = {CW_DNS_TYPE_AAAA, CW_DNS_TYPE_A};
	struct cw_dns_query *query = make_query(dns, done, arg);
	int r = 0;

	if (!query)
		return -ENOMEM;
	query->port = port;
	query->is_literal = cw_address_make(&query->literal, host, port) == 0;
	if (!query->is_literal)
		r = cw_timer_create(&query->timer, dns->loop, deliver, query);
	if (!r)
		r = begin(query, host, types, query->is_literal ? 0 : 2);
	if (r) {
		cw_dns_cancel(query);
		return -ENOMEM;
	}
	*out = query;
	return 0;
}
