#include "daemon/service.h"

#include "certs/keyring.h"
#include "certs/secret_file.h"
#include "core/log.h"
#include "core/stats.h"
#include "daemon/config.h"
#include "daemon/control.h"
#include "net/dns.h"
#include "net/listener.h"
#include "sip/proxy.h"
#include "xmpp/federation.h"

#include <malloc.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* A configuration and what the SIP and the XMPP side see of it; freed when neither needs it any more. */
struct generation {
	struct cw_config *config;
	struct cw_sip_setup setup;
	struct cw_xmpp_setup xmpp;
	unsigned users; /* sides */
};

struct listening {
	enum cw_listener_kind kind;
	struct cw_address asked; /* as configured; the port may be 0 */
	struct cw_listener *listener;
};

struct listening_set {
	struct listening items[CW_CONFIG_LISTENERS_MAX];
	size_t count;
};

/* What is read out of files that the configuration names. */
struct secrets {
	struct cw_tls *tls; /* NULL where the configuration has none */
	struct cw_keyring keyring;
	struct cw_secret dialback;
};

struct cw_service {
	struct cw_loop *loop;
	char *path;
	struct cw_stats *stats;
	struct cw_admission *admission;
	struct cw_admission *xmpp_admission; /* strangers are fewer there */
	struct cw_dns *dns;
	struct cw_address
		dns_servers[CW_DNS_SERVERS_MAX]; /* that it was made with; none: the system's */
	size_t n_dns_servers;
	struct secrets secrets;
	struct generation *generation;
	struct listening_set listening;
	struct cw_sip *sip;
	struct cw_xmpp *xmpp;
	unsigned n_stopping; /* sides with something under way, when told to stop */
	void (*stopped)(void *arg);
	void *stopped_arg;
	uint64_t *reloads, *reloads_refused;
	struct cw_control control;
};

/*
 * What a large configuration was read with, and one that is no longer used, are hundreds of megabytes
 * in small pieces, which the C library would keep for the process.
 */
static void give_memory_back(void)
{
	(void)malloc_trim(0);
}

static bool is_sip(enum cw_listener_kind kind)
{
	return kind == CW_LISTEN_SIP_TLS || kind == CW_LISTEN_SIP_TCP;
}

static void destroy_generation(struct generation *g)
{
	if (!g)
		return;
	cw_config_destroy(g->config);
	free(g);
	give_memory_back();
}

/* One side does not need it any more. */
static void release_generation(void *arg)
{
	struct generation *g = arg;

	if (--g->users == 0)
		destroy_generation(g);
}

static void fill_setups(struct generation *g)
{
	const struct cw_config *config = g->config;

	g->setup = (struct cw_sip_setup){
		.hostname = config->hostname,
		.zones = config->zones,
		.n_zones = config->n_zones,
		.rules = config->rules,
		.policy = &config->policy,
		.unused = release_generation,
		.arg = g,
	};
	g->xmpp = (struct cw_xmpp_setup){
		.policy = config->xmpp.policy,
		.zones = config->zones,
		.n_zones = config->n_zones,
		.rules = config->rules,
		.unused = release_generation,
		.arg = g,
	};
	for (size_t i = 0; i < config->n_listeners; i++)
		g->xmpp.is_listening |= !is_sip(config->listeners[i].kind);
}

/*
 * Returns: 0 and *out set; -EINVAL with the reasons in `diag`; -ENOMEM.
 */
static int load_generation(struct generation **out, const char *path, struct cw_diag *diag)
{
	struct generation *g = calloc(1, sizeof(*g));
	int r = g ? cw_config_load(&g->config, path, diag) : -ENOMEM;

	if (!r) {
		cw_config_require(g->config, CW_SEVERITY_ERROR, diag);
		if (diag->errors) {
			cw_config_try_files(g->config, diag); /* all that is wrong, in one print */
			r = -EINVAL;
		}
	}
	if (r) {
		destroy_generation(g);
		return r;
	}
	fill_setups(g);
	give_memory_back();
	*out = g;
	return 0;
}

static bool stands_in(const struct listening_set *set, const struct listening *l)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].listener == l->listener)
			return true;
	return false;
}

/* One of `set` that listens as wanted and is not `taken` yet: port 0 may be wanted twice. */
static struct listening *find_listening(struct listening_set *set,
	const struct cw_config_listener *wanted, const struct listening_set *taken)
{
	for (size_t i = 0; i < set->count; i++) {
		struct listening *l = &set->items[i];

		if (l->kind == wanted->kind && cw_address_same_host(&l->asked, &wanted->address) &&
			cw_address_port(&l->asked) == cw_address_port(&wanted->address) &&
			!stands_in(taken, l))
			return l;
	}
	return NULL;
}

/* What an XMPP connection may do without having said who it is is bounded by its stream; its idle time, too. */
static struct cw_listener_settings xmpp_settings(struct cw_service *s, enum cw_listener_kind kind)
{
	return (struct cw_listener_settings){
		.tls = kind == CW_LISTEN_XMPPS ? &s->secrets.tls : NULL,
		.demand = CW_TLS_ANY_PEER,
		.admission = s->xmpp_admission,
		.opens_late = true,
		.idle_ms = UINT_MAX,
		.full_ms = CW_XMPP_FULL_MS,
		.handler = cw_xmpp_connection_handler,
		.accepted = kind == CW_LISTEN_XMPPS ? cw_xmpp_accept_direct : cw_xmpp_accept,
		.arg = s->xmpp,
	};
}

static struct cw_listener_settings sip_settings(struct cw_service *s, enum cw_listener_kind kind)
{
	return (struct cw_listener_settings){
		.tls = kind == CW_LISTEN_SIP_TLS ? &s->secrets.tls : NULL,
		.demand = CW_TLS_VERIFIED,
		.admission = s->admission,
		.handler = cw_sip_connection_handler,
		.accepted = cw_sip_accept,
		.arg = s->sip,
	};
}

static int listen_on(
	struct cw_service *s, struct listening *l, const struct cw_config_listener *wanted)
{
	struct cw_listener_settings settings = is_sip(wanted->kind)
						       ? sip_settings(s, wanted->kind)
						       : xmpp_settings(s, wanted->kind);

	settings.address = wanted->address;
	l->kind = wanted->kind;
	l->asked = wanted->address;
	return cw_listener_create(&l->listener, s->loop, &settings);
}

static void log_listening(const struct listening *l)
{
	static const char *const kinds[] = {
		[CW_LISTEN_SIP_TLS] = "sip-tls",
		[CW_LISTEN_SIP_TCP] = "sip-tcp",
		[CW_LISTEN_XMPP] = "xmpp",
		[CW_LISTEN_XMPPS] = "xmpps",
	};
	char text[CW_ADDRESS_TEXT_MAX];

	cw_address_format(cw_listener_address(l->listener), text);
	cw_info("daemon", cw_kz("event", "listening"), cw_kz("kind", kinds[l->kind]),
		cw_kz("address", text));
}

/* End the listeners of `set` that do not stand in `keep`. */
static void close_others(struct listening_set *set, const struct listening_set *keep)
{
	for (size_t i = 0; i < set->count; i++)
		if (!stands_in(keep, &set->items[i]))
			cw_listener_destroy(set->items[i].listener);
}

/* Log those of `set` that do not stand in `old`. */
static void log_others(const struct listening_set *set, const struct listening_set *old)
{
	for (size_t i = 0; i < set->count; i++)
		if (!stands_in(old, &set->items[i]))
			log_listening(&set->items[i]);
}

/*
 * The listeners of a configuration: those that run already, and new ones.
 *
 * Returns: 0 and *out set; a negative errno with the reason in `diag`, and nothing new is left.
 */
static int open_listeners(struct cw_service *s, const struct cw_config *config,
	struct listening_set *out, struct cw_diag *diag)
{
	int result = 0;

	*out = (struct listening_set){0};
	for (size_t i = 0; i < config->n_listeners; i++) {
		const struct cw_config_listener *wanted = &config->listeners[i];
		struct listening *old = find_listening(&s->listening, wanted, out);
		struct listening *l = &out->items[out->count];
		int r = 0;

		if (old)
			*l = *old;
		else
			r = listen_on(s, l, wanted);
		if (r) {
			cw_diag_add(diag, CW_SEVERITY_ERROR, &wanted->place, "cannot listen: %s",
				strerror(-r));
			result = result ? result : r;
		} else {
			out->count++;
		}
	}
	if (result)
		close_others(out, &s->listening);
	else
		log_others(out, &s->listening);
	return result;
}

/* The ports that we name in Via and Record-Route: of the first listener of each kind. */
static void set_ports(struct cw_sip_setup *setup, const struct listening_set *set)
{
	for (size_t i = set->count; i-- > 0;) {
		const struct listening *l = &set->items[i];
		uint16_t port = cw_address_port(cw_listener_address(l->listener));

		if (l->kind == CW_LISTEN_SIP_TLS)
			setup->tls_port = port;
		else if (l->kind == CW_LISTEN_SIP_TCP)
			setup->tcp_port = port;
	}
}

static void log_certificate(void *arg, const char *file, const char *fingerprint, int64_t not_after)
{
	(void)arg;
	cw_info("daemon", cw_kz("event", "certificate"), cw_kz("file", file),
		cw_kz("fingerprint", fingerprint), cw_ki("not-after", not_after));
}

static void finish_secrets(struct secrets *secrets)
{
	cw_tls_destroy(secrets->tls);
	cw_keyring_finish(&secrets->keyring);
	cw_secret_finish(&secrets->dialback);
}

/*
 * Load all of them; what is wrong with any is reported.
 *
 * Returns: 0; a negative errno with the reasons in `diag`, and what was loaded is the caller's to finish.
 */
static int load_secrets(struct secrets *out, const struct cw_config *config, struct cw_diag *diag)
{
	int r = 0, r2;

	*out = (struct secrets){0};
	if (config->n_tls > 0)
		r = cw_tls_create(&out->tls, config->tls, config->n_tls, diag);
	r2 = cw_keyring_load(&out->keyring, config->token_key_file, diag);
	r = r ? r : r2;
	r2 = cw_secret_file_load(&out->dialback, config->xmpp.dialback_secret_file, diag);
	return r ? r : r2;
}

/*
 * What everything else stands on.
 *
 * Returns: 0; a negative errno with the reasons in `diag`.
 */
static int make_base(struct cw_service *s, const struct cw_config *config, struct cw_diag *diag)
{
	int r;

	s->stats = cw_stats_create();
	s->admission = cw_admission_create();
	s->xmpp_admission = cw_admission_create();
	if (!s->stats || !s->admission || !s->xmpp_admission)
		return -ENOMEM;
	cw_xmpp_set_limits(s->xmpp_admission);
	s->reloads = cw_stats_counter(s->stats, "daemon.reloads");
	s->reloads_refused = cw_stats_counter(s->stats, "daemon.reloads.refused");
	s->n_dns_servers =
		config->n_dns_servers; /* the reader takes no more than there is room for */
	for (size_t i = 0; i < s->n_dns_servers; i++)
		s->dns_servers[i] = config->dns_servers[i];
	r = cw_dns_create(&s->dns, s->loop, s->stats, s->dns_servers, s->n_dns_servers, NULL);
	if (r && r != -ENOMEM)
		cw_diag_add(diag, CW_SEVERITY_ERROR, NULL,
			"/etc/resolv.conf cannot be read, and no \"dns\" block names a server: %s",
			strerror(-r));
	return r ? r : load_secrets(&s->secrets, config, diag);
}

/*
 * SIP and XMPP: each uses the generation from then on.
 *
 * Returns: 0; -ENOMEM.
 */
static int make_sides(struct cw_service *s)
{
	struct generation *g = s->generation;
	int r = cw_sip_create(&s->sip, &(struct cw_sip_settings){
					       .loop = s->loop,
					       .dns = s->dns,
					       .tls = &s->secrets.tls,
					       .keyring = &s->secrets.keyring,
					       .stats = s->stats,
					       .setup = &g->setup,
					       .views = &s->control.views,
				       });

	if (r)
		return r;
	g->users++;
	r = cw_xmpp_create(&s->xmpp, &(struct cw_federation_settings){
					     .loop = s->loop,
					     .dns = s->dns,
					     .tls = &s->secrets.tls,
					     .secret = &s->secrets.dialback,
					     .stats = s->stats,
					     .tap = &s->control.tap,
					     .views = &s->control.views,
					     .setup = &g->xmpp,
				     });
	if (!r)
		g->users++;
	return r;
}

int cw_service_create(
	struct cw_service **out, struct cw_loop *loop, const char *path, struct cw_diag *diag)
{
	struct cw_service *s = calloc(1, sizeof(*s));
	struct listening_set set;
	int r = -ENOMEM;

	if (!s)
		return r;
	s->loop = loop;
	cw_control_init(&s->control, loop);
	s->path = cw_str_dup(cw_str_of(path));
	if (s->path)
		r = load_generation(&s->generation, path, diag);
	if (!r)
		cw_config_apply_log_levels(s->generation->config);
	if (!r)
		r = make_base(s, s->generation->config, diag);
	if (!r)
		r = make_sides(s);
	if (!r)
		r = cw_control_prepare(&s->control, s->generation->config->control_socket, diag);
	if (!r)
		r = open_listeners(s, s->generation->config, &set, diag);
	if (r) {
		cw_service_destroy(s);
		return r;
	}
	s->listening = set;
	set_ports(&s->generation->setup, &s->listening);
	cw_control_commit(&s->control);
	if (s->secrets.tls)
		cw_tls_describe(s->secrets.tls, log_certificate, NULL);
	*out = s;
	return 0;
}

void cw_service_destroy(struct cw_service *s)
{
	if (!s)
		return;
	cw_control_finish(&s->control);
	close_others(&s->listening, &(struct listening_set){0});
	if (s->generation)
		s->generation->setup.replaced = true;
	if (!s->sip)
		destroy_generation(s->generation);
	cw_xmpp_destroy(s->xmpp);
	cw_sip_destroy(s->sip); /* the last user of the generation, which frees it */
	finish_secrets(&s->secrets);
	cw_dns_destroy(s->dns);
	cw_admission_destroy(s->admission);
	cw_admission_destroy(s->xmpp_admission);
	cw_stats_destroy(s->stats);
	free(s->path);
	free(s);
}

/* Whether the servers that are asked are those of the configuration: only a restart changes them. */
static bool asks_servers_of(const struct cw_service *s, const struct cw_config *config)
{
	if (s->n_dns_servers != config->n_dns_servers)
		return false;
	for (size_t i = 0; i < s->n_dns_servers; i++)
		if (!cw_address_same_host(&s->dns_servers[i], &config->dns_servers[i]) ||
			cw_address_port(&s->dns_servers[i]) !=
				cw_address_port(&config->dns_servers[i]))
			return false;
	return true;
}

/* Everything that can fail. On failure nothing of it is left. */
static int prepare_reload(struct cw_service *s, struct generation **generation,
	struct secrets *secrets, struct listening_set *set, struct cw_diag *diag)
{
	int r = load_generation(generation, s->path, diag);

	if (r)
		return r;
	r = load_secrets(secrets, (*generation)->config, diag);
	if (!r)
		r = cw_control_prepare(&s->control, (*generation)->config->control_socket, diag);
	if (!r)
		r = open_listeners(s, (*generation)->config, set, diag);
	if (r) {
		cw_control_revert(&s->control);
		finish_secrets(secrets);
		destroy_generation(*generation);
	}
	return r;
}

/* Without a file a secret lives in memory only: a new one would void dialogs, and keys that were sent. */
static void swap_secrets(
	struct cw_service *s, struct secrets *fresh, const struct cw_config *config)
{
	if (!config->token_key_file)
		fresh->keyring = s->secrets.keyring;
	if (!config->xmpp.dialback_secret_file)
		fresh->dialback = s->secrets.dialback;
	cw_tls_destroy(s->secrets.tls);
	s->secrets = *fresh;
	cw_keyring_finish(&fresh->keyring);
	cw_secret_finish(&fresh->dialback);
}

int cw_service_reload(struct cw_service *s, struct cw_diag *diag)
{
	struct generation *generation;
	struct secrets secrets;
	struct listening_set set;
	int r = prepare_reload(s, &generation, &secrets, &set, diag);

	if (r) {
		(*s->reloads_refused)++;
		return r;
	}
	if (!asks_servers_of(s, generation->config))
		cw_warn("daemon", cw_kz("event", "needs-restart"), cw_kz("setting", "dns"));
	close_others(&s->listening, &set);
	s->listening = set;
	set_ports(&generation->setup, &s->listening);
	swap_secrets(s, &secrets, generation->config);
	s->generation = generation;
	generation->users = 2;
	cw_config_apply_log_levels(generation->config);
	cw_xmpp_reload(s->xmpp, &generation->xmpp);
	cw_sip_reload(s->sip, &generation->setup);
	cw_control_commit(&s->control);
	if (s->secrets.tls)
		cw_tls_describe(s->secrets.tls, log_certificate, NULL);
	(*s->reloads)++;
	return 0;
}

/* One side has nothing under way any more. */
static void on_side_stopped(void *arg)
{
	struct cw_service *s = arg;

	if (--s->n_stopping == 0)
		s->stopped(s->stopped_arg);
}

void cw_service_stop(struct cw_service *s, void (*stopped)(void *arg), void *arg)
{
	close_others(&s->listening, &(struct listening_set){0});
	s->listening.count = 0;
	s->stopped = stopped;
	s->stopped_arg = arg;
	s->n_stopping = 2;
	cw_sip_stop(s->sip, on_side_stopped, s);
	cw_xmpp_stop(s->xmpp, on_side_stopped, s);
}

void cw_service_abort(struct cw_service *s)
{
	cw_sip_abort(s->sip);
	cw_xmpp_abort(s->xmpp);
}

void cw_service_print_stats(struct cw_service *s, FILE *out)
{
	cw_sip_settle(s->sip);
	cw_xmpp_settle(s->xmpp);
	cw_stats_print(s->stats, out);
	fflush(out);
}
