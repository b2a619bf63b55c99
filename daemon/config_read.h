/*
 * Between the files that read a configuration: the reader, the drafts that settings are put into, the steps. Nobody else includes it but the
 * table of settings, which says where in a draft each value goes.
 */
#ifndef CW_DAEMON_CONFIG_READ_H
#define CW_DAEMON_CONFIG_READ_H

#include "core/conf.h"
#include "core/table.h"
#include "daemon/config.h"
#include "daemon/schema.h"

#define CW_NAME_MAX 128 /* bytes of a zone's, a rule's or a transform's name */

/* A name that must not stand twice. */
struct cw_named {
	struct cw_table_link link;
	struct cw_place place; /* borrowed from the tree */
	void *object;          /* of a zone: the struct cw_zone */
};

/* The state of one reading. */
struct cw_reader {
	struct cw_config *config;
	struct cw_diag *diag;
	struct cw_arena scratch; /* what is needed until the reading is over */
	int error;               /* -ENOMEM once memory was short; nothing more is read then */
	struct cw_table zones, rules, transforms;
	struct cw_table partners;
	struct cw_table domains; /* of the xmpp settings, each under "SETTING NAME" */
	const char *last_file;   /* the tree's name of a file and our copy of it */
	const char *last_file_copy;
	void *defaults
		[CW_CONTEXT_COUNT]; /* drafts with every default set, made when first needed */
	const char **zone_names;    /* for the nearest one; made when first needed */

	/* what the configuration will have, growing */
	struct cw_config_listener *listeners;
	size_t n_listeners;
	struct cw_config_log_level *log_levels;
	size_t n_log_levels;
	struct cw_tls_settings *tls;
	size_t n_tls;
	struct cw_address *dns_servers;
	size_t n_dns_servers;
	struct cw_zone **zone_list;
	size_t n_zones;
	struct cw_access_rule *access; /* as many as config->patterns */
	struct cw_partner *partner_list;
	size_t n_partners;
};

struct cw_file_draft {
	struct cw_str hostname;
	struct cw_str_list hosting_providers;
	const char *control_socket;
	bool sender_check;
};

struct cw_tls_draft {
	struct cw_tls_settings settings;
	unsigned minimum; /* whether TLS 1.3 */
};

struct cw_token_draft {
	const char *key_file;
};

struct cw_zone_draft {
	struct cw_zone zone;
	struct cw_str_list verify, components;
};

struct cw_partner_draft {
	struct cw_str_list certificates;
};

/* The two settings that become a struct cw_pattern; nodes of the tree. */
struct cw_pattern_draft {
	const struct cw_conf_node *pattern, *behavior_node; /* NULL: not set */
	enum cw_pattern_type type;
	enum cw_behavior behavior;
};

struct cw_rule_draft {
	struct cw_search_rule rule;
	struct cw_pattern_draft pattern;
	unsigned enabled, stop;
};

struct cw_transform_draft {
	struct cw_transform transform;
	struct cw_pattern_draft pattern;
	unsigned enabled;
};

struct cw_xmpp_draft {
	struct cw_xmpp_block block;
	struct cw_xmpp_partner *partners; /* of the block, growing */
	bool wildcards;
	const char *dialback_secret_file;
};

/* ---- config_read.c: what all of them use ---- */

/* An error at a word of a directive. */
void cw_read_error(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A warning there. */
void cw_read_warning(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Zeroed memory in the configuration; NULL with r->error set. */
void *cw_read_alloc(struct cw_reader *r, size_t size);

/* A copy in the configuration; empty with r->error set when memory is short. */
struct cw_str cw_read_copy(struct cw_reader *r, struct cw_str text);

/* The place of a word, all of it copied into the configuration. */
struct cw_place cw_read_place(
	struct cw_reader *r, const struct cw_conf_node *node, const struct cw_conf_word *word);

/*
 * Room for one more element behind the `count` of `items`, all in the configuration.
 *
 * Returns: the array, perhaps moved; NULL with r->error set.
 */
void *cw_read_grow(struct cw_reader *r, const void *items, size_t count, size_t size);

/*
 * Read the name of a block, at most CW_NAME_MAX bytes, and put it into `names`.
 *
 * Returns: whether it is new; else an error was reported. *out is the entry all the same, unless memory was short (NULL).
 */
bool cw_read_name(struct cw_reader *r, struct cw_table *names, const char *what,
	const struct cw_conf_node *node, struct cw_named **out);

/* Whether `host` is a host name: labels of letters, digits, - and _, not all of it numbers. */
bool cw_is_host_name(struct cw_str host);

/*
 * Read "HOST", "HOST:PORT" or "[IPV6]:PORT"; without a port it is 0.
 *
 * Returns: whether it is one; *out is a copy in the configuration.
 */
bool cw_read_host_port(struct cw_reader *r, struct cw_str text, struct cw_zone_peer *out);

/* The zone that a word names, or NULL after an error with the nearest name. */
const struct cw_zone *cw_read_zone_name(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, bool default_is_one);

/* Read a setting that is a plain value into its place in the draft; other types are not its business. */
void cw_read_value(struct cw_reader *r, const struct cw_setting *setting,
	const struct cw_conf_node *node, void *draft);

/* ---- config_block.c: a block by its table ---- */

/* A draft of `size` bytes with the defaults of its context. */
void cw_read_defaults(struct cw_reader *r, enum cw_context context, void *draft, size_t size);

/*
 * Read the directives of `node`'s block (the file's when NULL: `first` and what follows it) into `draft`. `zone_type`: the zone's, when the
 * context is CW_IN_ZONE. `late`: only the settings that are read when all zones are known, or only the others.
 */
void cw_read_block(struct cw_reader *r, enum cw_context context, const struct cw_conf_node *node,
	const struct cw_conf_node *first, void *draft, unsigned zone_type, bool late);

/* ---- the blocks ---- */

/* config_zone.c: the block of a zone. */
void cw_read_zone(struct cw_reader *r, const struct cw_conf_node *node);

/* config_zone.c: the zone `default`, which is there before all others. */
void cw_read_default_zone(struct cw_reader *r);

/* config_zone.c: add a peer. */
void cw_read_peer(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_zone_draft *draft);

/* config_zone.c: what a zone has by default once all is read. */
void cw_read_zones_end(struct cw_reader *r, struct cw_str hostname);

/* config_rule.c: the block of a rule, of a transform. */
void cw_read_rule(struct cw_reader *r, const struct cw_conf_node *node);
void cw_read_transform(struct cw_reader *r, const struct cw_conf_node *node);

/* config_rule.c: the settings that are no plain values. */
void cw_read_pattern(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_pattern_draft *draft);
void cw_read_behavior(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_pattern_draft *draft);
void cw_read_source(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_search_rule *rule);

/*
 * config_rule.c: compile a pattern; what is wrong with it is reported at the byte.
 *
 * Returns: the pattern, owned by the caller; NULL after an error.
 */
struct cw_pattern *cw_read_compile(struct cw_reader *r, const struct cw_pattern_draft *draft);

/* config_log.c: a line of `log`. */
void cw_read_log(struct cw_reader *r, const struct cw_conf_node *node);

/* config_policy.c: a line of `access`, and the block of a partner. */
void cw_read_access(struct cw_reader *r, const struct cw_conf_node *node, bool allow);
void cw_read_partner(struct cw_reader *r, const struct cw_conf_node *node);

/* config_xmpp.c: the block `xmpp`, a domain, a route, a partner's block. */
void cw_read_xmpp(struct cw_reader *r, const struct cw_conf_node *node);
void cw_read_xmpp_partner(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_xmpp_draft *xmpp);
void cw_read_domains(struct cw_reader *r, const struct cw_setting *setting,
	const struct cw_conf_node *node, struct cw_str_list *list);
void cw_read_route(struct cw_reader *r, const struct cw_conf_node *node,
	struct cw_xmpp_route_list *routes, bool has_domain);

/* config_xmpp.c: the policy that follows from the block, once all is read. */
void cw_read_xmpp_end(struct cw_reader *r);

#endif
