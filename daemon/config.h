/*
 * The configuration as the program uses it: read, checked, resolved. Immutable; a reload reads a new one and swaps it whole.
 */
#ifndef CW_DAEMON_CONFIG_H
#define CW_DAEMON_CONFIG_H

#include "certs/context.h"
#include "core/arena.h"
#include "core/diag.h"
#include "core/log.h"
#include "dialplan/ruleset.h"
#include "dialplan/zone.h"
#include "net/address.h"
#include "sip/policy.h"
#include "xmpp/policy.h"

#define CW_CONFIG_LISTENERS_MAX 64

enum cw_listener_kind {
	CW_LISTEN_SIP_TLS,
	CW_LISTEN_SIP_TCP,
	CW_LISTEN_XMPP,  /* STARTTLS */
	CW_LISTEN_XMPPS, /* TLS from the first byte */
};

struct cw_config_listener {
	enum cw_listener_kind kind;
	struct cw_address address;
	struct cw_place place;
};

/* A line of `log`. */
struct cw_config_log_level {
	const char *area; /* "": all that have no line of their own */
	enum cw_log_level level;
};

/* The block `xmpp`. */
struct cw_xmpp_settings {
	bool is_configured;            /* there is one */
	struct cw_xmpp_policy *policy; /* what follows from it; NULL: there is none */
	struct cw_xmpp_block block;
	bool wildcards;                   /* *.NAME may stand on the lists */
	const char *dialback_secret_file; /* NULL: a secret in memory only */
	struct cw_place place;
	/* of the block's domains and chat nodes, one for each */
	const struct cw_place *domain_places, *chat_node_places;
};

/* All that it holds lives in its arena, or is freed by cw_config_destroy. Text is NUL-terminated, paths are resolved. */
struct cw_config {
	struct cw_arena arena;
	const char *path;   /* as it was named */
	const char **files; /* all that were read, in order, ending in NULL */
	struct cw_str
		hostname; /* empty when it is missing: an error of run and check (cw_config_require) */
	bool has_hostname, has_tls; /* it stands in the file, right or wrong */
	struct cw_place begin;      /* the first directive; of an empty file its first byte */
	const struct cw_config_listener *listeners;
	size_t n_listeners;
	const struct cw_config_log_level *log_levels;
	size_t n_log_levels;
	const struct cw_tls_settings *tls; /* the first is the default */
	size_t n_tls;
	const struct cw_address *dns_servers; /* none: the system's */
	size_t n_dns_servers;
	const char *token_key_file; /* NULL: a key in memory only */
	const char *control_socket; /* NULL: none */
	const struct cw_zone *const
		*zones; /* in file order; [0] is the zone `default`, index is cw_zone.index */
	size_t n_zones;
	struct cw_sip_policy policy;
	struct cw_pattern **patterns; /* of policy.access, owned */
	size_t n_patterns;
	struct cw_ruleset *rules; /* sealed */
	struct cw_xmpp_settings xmpp;
};

/*
 * Read `path` and all that it includes. Opens no key, certificate or socket. All problems go to `diag`, with their places: errors, and
 * warnings about what this version reads but does not do. Whoever gets a configuration looks at diag->errors before using it: with errors it
 * holds what could be read.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_config_load(struct cw_config **out, const char *path, struct cw_diag *diag);

/*
 * The same for text in memory; `name` stands for the file.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_config_parse(
	struct cw_config **out, const char *name, struct cw_str text, struct cw_diag *diag);

/* Free it with its rules; NULL is fine. */
void cw_config_destroy(struct cw_config *config);

/* The zone of that name, `default` among them, or NULL. */
const struct cw_zone *cw_config_zone(const struct cw_config *config, struct cw_str name);

/* What the daemon cannot do without, beyond what every command needs: errors in `diag`. A missing tls block is of severity `no_tls`. */
void cw_config_require(
	const struct cw_config *config, enum cw_severity no_tls, struct cw_diag *diag);

/*
 * Open the certificates, keys and token keys that the configuration names, to see what is wrong with them: errors and warnings in `diag`.
 * Nothing is kept, and a token file that is absent is not made: what is looked at then is whether it could be.
 */
void cw_config_try_files(const struct cw_config *config, struct cw_diag *diag);

/* Log from now on what the configuration asks for: info, where it says nothing. */
void cw_config_apply_log_levels(const struct cw_config *config);

/* What is allowed but doubtful: warnings in `diag`. For `check`. */
void cw_config_analyse(const struct cw_config *config, struct cw_diag *diag);

/* Of this, what the federation by XMPP is about. */
void cw_config_analyse_xmpp(const struct cw_config *config, struct cw_diag *diag);

/* Local names that none of our certificates carries: warnings in `diag`. */
void cw_config_check_xmpp_certificates(
	const struct cw_config *config, const struct cw_tls *tls, struct cw_diag *diag);

#endif
