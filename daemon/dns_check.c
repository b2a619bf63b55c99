/* All questions at once; what their answers mean is said when the last one is there, in the order of the names. */
#include "daemon/dns_check.h"

#include "core/log.h"
#include "core/stats.h"
#include "net/dns.h"
#include "xmpp/servers.h"

#include <errno.h>

/* The SRV records that partners look for. */
enum service_kind {
	XMPP,
	XMPP_DIRECT,
	SIP,
};

static const struct cw_str prefixes[] = {
	[XMPP] = CW_STR("_xmpp-server._tcp."),
	[XMPP_DIRECT] = CW_STR("_xmpps-server._tcp."),
	[SIP] = CW_STR("_sipfederationtls._tcp."),
};

struct question {
	struct check *check;
	struct cw_str name;
	enum cw_dns_status status; /* CW_DNS_TIMEOUT until it is answered */
};

struct target {
	struct question addresses;
	uint16_t port;
};

struct service {
	struct question srv;
	/* of XMPP: the addresses of the name itself, asked where there is no record */
	struct question fallback;
	struct cw_str domain;
	struct target *targets;
	size_t n_targets;
	enum service_kind kind;
};

/* A name of ours. */
struct name {
	struct cw_str name;
	const struct cw_place *place; /* of its `domain` or `chat-node`, or of the rule */
	bool is_sip;
	struct service services[2];
	size_t n_services;
};

struct check {
	const struct cw_config *config;
	struct cw_diag *diag;
	struct cw_arena arena;
	struct cw_loop *loop;
	struct cw_stats *stats;
	struct cw_dns *dns;
	struct cw_timer *deadline;
	struct name *names;
	size_t n_names;
	size_t n_open; /* questions */
	size_t n_unanswered;
	const struct question *unanswered; /* the first of them */
	int error;                         /* -ENOMEM once memory was short */
};

/* ---- the names ---- */

static void add_name(struct check *c, struct cw_str name, const struct cw_place *place, bool is_sip)
{
	if (c->n_names < CW_DNS_CHECK_NAMES_MAX)
		c->names[c->n_names] =
			(struct name){.name = name, .place = place, .is_sip = is_sip};
	c->n_names++;
}

static void add_xmpp_names(struct check *c)
{
	const struct cw_xmpp_settings *x = &c->config->xmpp;

	for (size_t i = 0; i < x->block.domains.count; i++)
		add_name(c, x->block.domains.items[i], &x->domain_places[i], false);
	for (size_t i = 0; i < x->block.chat_nodes.count; i++)
		add_name(c, x->block.chat_nodes.items[i], &x->chat_node_places[i], false);
}

/* The domain that all aliases of a pattern are in, when it says so plainly; else empty. */
static struct cw_str domain_of(const struct cw_pattern *pattern)
{
	static const struct cw_str at = CW_STR("@"), none = CW_STR("");
	struct cw_literal literals[CW_NEED_LITERALS];
	struct cw_str needs = cw_pattern_needs(pattern), end = cw_pattern_text(pattern);

	if (cw_pattern_type(pattern) == CW_PATTERN_REGEX) {
		if (cw_literal_next(&needs, literals) != 1 || needs.len > 0 ||
			literals[0].place != CW_LITERAL_END)
			return none;
		end = literals[0].text;
	} else if (cw_pattern_type(pattern) != CW_PATTERN_SUFFIX) {
		return none;
	}
	return cw_str_starts(end, at) ? cw_str_from(end, at.len) : none;
}

/*
 * Whether a rule takes what strangers send to a server that we know. On a system that is not at the border none does: its
 * DNS need not be the world's.
 */
static bool lets_strangers_in(const struct check *c, const struct cw_search_rule *rule)
{
	if (!rule->enabled || rule->protocol == CW_RULE_XMPP || rule->mode != CW_RULE_PATTERN ||
		rule->target->type != CW_ZONE_NEIGHBOR)
		return false;
	for (size_t i = 0; i < rule->n_sources; i++)
		if (rule->sources[i] == c->config->zones[0])
			return true;
	return false;
}

static bool has_sip_name(const struct check *c, struct cw_str name)
{
	for (size_t i = 0; i < c->n_names && i < CW_DNS_CHECK_NAMES_MAX; i++)
		if (c->names[i].is_sip && cw_str_case_eq(c->names[i].name, name))
			return true;
	return false;
}

static void add_sip_names(struct check *c)
{
	size_t n_rules;
	const struct cw_search_rule *const *rules = cw_ruleset_rules(c->config->rules, &n_rules);

	for (size_t i = 0; i < n_rules; i++) {
		struct cw_str domain;

		if (!lets_strangers_in(c, rules[i]))
			continue;
		domain = domain_of(rules[i]->pattern);
		if (domain.len > 0 && !has_sip_name(c, domain))
			add_name(c, domain, &rules[i]->place, true);
	}
}

/* Returns 0 or -ENOMEM. */
static int collect_names(struct check *c)
{
	c->names = cw_arena_alloc(&c->arena, CW_DNS_CHECK_NAMES_MAX * sizeof(*c->names));
	if (!c->names)
		return -ENOMEM;
	add_xmpp_names(c);
	add_sip_names(c);
	if (c->n_names == 0)
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, NULL,
			"no \"domain\" and no rule says which domains are ours: nothing was looked "
			"up in DNS");
	if (c->n_names > CW_DNS_CHECK_NAMES_MAX) {
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, NULL,
			"of %zu names the first %d were looked up in DNS", c->n_names,
			CW_DNS_CHECK_NAMES_MAX);
		c->n_names = CW_DNS_CHECK_NAMES_MAX;
	}
	return 0;
}

/* ---- the questions ---- */

static bool is_none(enum cw_dns_status status)
{
	return status == CW_DNS_NO_NAME || status == CW_DNS_NO_DATA || status == CW_DNS_BAD_NAME;
}

static void stop_with(struct check *c, int error)
{
	c->error = error;
	cw_loop_stop(c->loop);
}

static void note_answer(struct question *q, enum cw_dns_status status)
{
	q->status = status;
	if (--q->check->n_open == 0)
		cw_loop_stop(q->check->loop);
}

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	note_answer(arg, answer->status);
}

/* Ask for SRV records of `service`, or (NULL) for addresses. */
static void ask(struct check *c, struct question *q, struct cw_str name, struct service *service,
	cw_dns_callback *done)
{
	struct cw_dns_query *query; /* none is taken back before the resolver ends */
	int r;

	*q = (struct question){.check = c, .name = name, .status = CW_DNS_TIMEOUT};
	r = service ? cw_dns_srv(&query, c->dns, name, done, service)
		    : cw_dns_addresses(&query, c->dns, name, 0, done, q);
	if (r)
		stop_with(c, r);
	else
		c->n_open++;
}

static void ask_targets(struct check *c, struct service *s, const struct cw_dns_answer *answer)
{
	s->targets = cw_arena_alloc(&c->arena, answer->n_srv * sizeof(*s->targets));
	if (!s->targets) {
		stop_with(c, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < answer->n_srv && !c->error; i++) {
		struct cw_str host;

		if (cw_arena_str(&c->arena, answer->srv[i].target, &host) != 0) {
			stop_with(c, -ENOMEM);
			return;
		}
		s->targets[i].port = answer->srv[i].port;
		s->n_targets++;
		ask(c, &s->targets[i].addresses, host, NULL, on_addresses);
	}
}

static void on_srv(void *arg, const struct cw_dns_answer *answer)
{
	struct service *s = arg;
	struct check *c = s->srv.check;

	if (answer->status == CW_DNS_OK)
		ask_targets(c, s, answer);
	else if (is_none(answer->status) && s->kind == XMPP)
		ask(c, &s->fallback, s->domain, NULL, on_addresses);
	note_answer(&s->srv, answer->status);
}

static void ask_service(struct check *c, struct name *name, enum service_kind kind)
{
	struct service *s = &name->services[name->n_services++];
	struct cw_str record;

	s->kind = kind;
	s->domain = name->name;
	if (cw_arena_join(&c->arena, &record, (const struct cw_str[]){prefixes[kind], name->name},
		    2) != 0)
		stop_with(c, -ENOMEM);
	else
		ask(c, &s->srv, record, s, on_srv);
}

static void ask_name(struct check *c, struct name *name)
{
	if (name->is_sip) {
		ask_service(c, name, SIP);
	} else {
		ask_service(c, name, XMPP);
		ask_service(c, name, XMPP_DIRECT);
	}
}

/* ---- what the answers mean ---- */

/* Whether there is an answer; of the others only the first will be told. */
static bool is_answered(struct check *c, const struct question *q)
{
	if (q->status != CW_DNS_TIMEOUT && q->status != CW_DNS_SERVFAIL)
		return true;
	c->n_unanswered++;
	if (!c->unanswered)
		c->unanswered = q;
	return false;
}

static void report_unanswered(struct check *c)
{
	const struct question *first = c->unanswered;

	if (first)
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, NULL,
			"DNS gave no answer to %zu of our questions, the first one about "
			"%" CW_STR_FMT " (%s): what they would have shown is not known",
			c->n_unanswered, CW_STR_ARG(first->name),
			cw_dns_status_name(first->status));
}

/* The targets that have no address, and how bad that is. */
static void report_targets(
	struct check *c, const struct name *name, const struct service *s, enum cw_severity none)
{
	size_t n_dead = 0;

	for (size_t i = 0; i < s->n_targets; i++)
		if (is_answered(c, &s->targets[i].addresses))
			n_dead += is_none(s->targets[i].addresses.status);
	for (size_t i = 0; i < s->n_targets; i++) {
		const struct question *q = &s->targets[i].addresses;

		if (is_none(q->status))
			cw_diag_add(c->diag, n_dead == s->n_targets ? none : CW_SEVERITY_WARNING,
				name->place,
				"%" CW_STR_FMT ", the target of %" CW_STR_FMT
				", has no address in DNS",
				CW_STR_ARG(q->name), CW_STR_ARG(s->srv.name));
	}
}

/* XMPP: partners without an SRV record try the name itself (RFC 6120, 3.2.2). */
static void report_no_xmpp_record(struct check *c, const struct name *name, const struct service *s)
{
	if (!is_answered(c, &s->fallback))
		return;
	if (s->fallback.status == CW_DNS_OK)
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, name->place,
			"there is no SRV record %" CW_STR_FMT
			" in DNS: partners can only try the address of %" CW_STR_FMT
			" itself, and Expressways do not",
			CW_STR_ARG(s->srv.name), CW_STR_ARG(name->name));
	else
		cw_diag_add(c->diag, CW_SEVERITY_ERROR, name->place,
			"there is no SRV record %" CW_STR_FMT
			" in DNS: partners do not find the name",
			CW_STR_ARG(s->srv.name));
}

static void report_no_service(struct check *c, const struct name *name, const struct service *s)
{
	cw_diag_add(c->diag, CW_SEVERITY_ERROR, name->place,
		"%" CW_STR_FMT
		" says in DNS that there is no such service (\".\"): partners do not connect",
		CW_STR_ARG(s->srv.name));
}

static void report_xmpp(struct check *c, const struct name *name, const struct service *s)
{
	if (!is_answered(c, &s->srv))
		return;
	if (is_none(s->srv.status))
		report_no_xmpp_record(c, name, s);
	else if (s->srv.status == CW_DNS_NO_SERVICE)
		report_no_service(c, name, s);
	for (size_t i = 0; i < s->n_targets; i++)
		if (s->targets[i].port != CW_XMPP_SERVER_PORT)
			cw_diag_add(c->diag, CW_SEVERITY_WARNING, name->place,
				"%" CW_STR_FMT " leads to port %d of %" CW_STR_FMT
				": some partners, Expressways among them, reach port %d alone",
				CW_STR_ARG(s->srv.name), s->targets[i].port,
				CW_STR_ARG(s->targets[i].addresses.name), CW_XMPP_SERVER_PORT);
	report_targets(c, name, s, CW_SEVERITY_ERROR);
}

static bool listens_for(const struct cw_config *config, enum cw_listener_kind kind)
{
	for (size_t i = 0; i < config->n_listeners; i++)
		if (config->listeners[i].kind == kind)
			return true;
	return false;
}

/* Without it partners use the other record: nothing here is an error. */
static void report_xmpp_direct(struct check *c, const struct name *name, const struct service *s)
{
	if (!is_answered(c, &s->srv))
		return;
	if (s->srv.status == CW_DNS_OK && !listens_for(c->config, CW_LISTEN_XMPPS))
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, name->place,
			"there is an SRV record %" CW_STR_FMT
			" in DNS, and no \"listen xmpps\": partners may try it in vain",
			CW_STR_ARG(s->srv.name));
	report_targets(c, name, s, CW_SEVERITY_WARNING);
}

/* Whether a host is the domain or below it. */
static bool is_within(struct cw_str host, struct cw_str domain)
{
	return cw_str_case_eq(host, domain) ||
	       (host.len > domain.len && cw_str_case_ends(host, domain) &&
		       host.p[host.len - domain.len - 1] == '.');
}

/* What Microsoft's edges make of the records. That there is none is no error: partners may have been told where we are. */
static void report_sip(struct check *c, const struct name *name, const struct service *s)
{
	if (!is_answered(c, &s->srv))
		return;
	if (is_none(s->srv.status))
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, name->place,
			"there is no SRV record %" CW_STR_FMT
			" in DNS: partners with Microsoft's systems do not find the domain",
			CW_STR_ARG(s->srv.name));
	else if (s->srv.status == CW_DNS_NO_SERVICE)
		report_no_service(c, name, s);
	if (s->n_targets > 1)
		cw_diag_add(c->diag, CW_SEVERITY_WARNING, name->place,
			"there are %zu SRV records %" CW_STR_FMT
			" in DNS: Microsoft's edges use one of them and ignore the others",
			s->n_targets, CW_STR_ARG(s->srv.name));
	for (size_t i = 0; i < s->n_targets; i++)
		if (!is_within(s->targets[i].addresses.name, name->name))
			cw_diag_add(c->diag, CW_SEVERITY_WARNING, name->place,
				"%" CW_STR_FMT " leads to %" CW_STR_FMT
				", which is not within the domain: Microsoft's edges refuse it",
				CW_STR_ARG(s->srv.name), CW_STR_ARG(s->targets[i].addresses.name));
	report_targets(c, name, s, CW_SEVERITY_ERROR);
}

static void report_service(struct check *c, const struct name *name, const struct service *s)
{
	switch (s->kind) {
	case XMPP:
		report_xmpp(c, name, s);
		return;
	case XMPP_DIRECT:
		report_xmpp_direct(c, name, s);
		return;
	case SIP:
		report_sip(c, name, s);
		return;
	}
}

static void report(struct check *c)
{
	for (size_t i = 0; i < c->n_names; i++)
		for (size_t k = 0; k < c->names[i].n_services; k++)
			report_service(c, &c->names[i], &c->names[i].services[k]);
	report_unanswered(c);
}

/* ---- all of it ---- */

static void on_deadline(void *arg)
{
	struct check *c = arg;

	cw_loop_stop(c->loop);
}

/* Returns 0 or a negative errno; no servers to ask is said in the diagnostics. */
static int open_resolver(struct check *c)
{
	int r = cw_loop_create(&c->loop);

	c->stats = cw_stats_create();
	if (!r && !c->stats)
		r = -ENOMEM;
	if (!r)
		r = cw_timer_create(&c->deadline, c->loop, on_deadline, c);
	if (!r) {
		r = cw_dns_create(&c->dns, c->loop, c->stats, c->config->dns_servers,
			c->config->n_dns_servers, NULL);
		if (r != 0 && r != -ENOMEM) {
			cw_diag_add(c->diag, CW_SEVERITY_WARNING, NULL,
				"/etc/resolv.conf cannot be read, and no \"dns\" block names a "
				"server: nothing was looked up");
			r = 0;
		}
	}
	return r;
}

static int look_up(struct check *c)
{
	int r = 0;

	/* what is not answered is said once, in the diagnostics */
	(void)cw_log_set_level("net.dns", CW_LOG_ERROR);
	cw_timer_start(c->deadline, CW_DNS_CHECK_DEADLINE_MS);
	for (size_t i = 0; i < c->n_names && !c->error; i++)
		ask_name(c, &c->names[i]);
	if (c->n_open > 0 && !c->error)
		r = cw_loop_run(c->loop);
	if (!r)
		r = c->error;
	if (!r)
		report(c);
	return r;
}

int cw_dns_check(const struct cw_config *config, struct cw_diag *diag)
{
	struct check c = {.config = config, .diag = diag};
	int r = collect_names(&c);

	if (!r && c.n_names > 0)
		r = open_resolver(&c);
	if (!r && c.dns)
		r = look_up(&c);
	cw_dns_destroy(c.dns); /* what is still open ends with it */
	cw_timer_destroy(c.deadline);
	cw_stats_destroy(c.stats);
	cw_loop_destroy(c.loop);
	cw_arena_finish(&c.arena);
	return r;
}
