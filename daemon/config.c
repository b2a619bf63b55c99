/* The configuration: from a file to settings that are checked. */
#include "daemon/config.h"

#include "daemon/config_read.h"

#include <errno.h>
#include <stdlib.h>

static void reader_init(struct cw_reader *r, struct cw_config *config, struct cw_diag *diag)
{
	*r = (struct cw_reader){.config = config, .diag = diag};
	cw_arena_init(&r->scratch, 0);
	cw_table_init(&r->zones);
	cw_table_init(&r->rules);
	cw_table_init(&r->transforms);
	cw_table_init(&r->partners);
	cw_table_init(&r->domains);
}

static void reader_finish(struct cw_reader *r)
{
	cw_table_finish(&r->zones);
	cw_table_finish(&r->rules);
	cw_table_finish(&r->transforms);
	cw_table_finish(&r->partners);
	cw_table_finish(&r->domains);
	cw_arena_finish(&r->scratch);
}

/* Hand over what was read. */
static void hand_over(struct cw_reader *r, const struct cw_file_draft *draft)
{
	struct cw_config *c = r->config;

	c->hostname = draft->hostname;
	c->control_socket = draft->control_socket;
	c->listeners = r->listeners;
	c->n_listeners = r->n_listeners;
	c->log_levels = r->log_levels;
	c->n_log_levels = r->n_log_levels;
	c->tls = r->tls;
	c->n_tls = r->n_tls;
	c->dns_servers = r->dns_servers;
	c->n_dns_servers = r->n_dns_servers;
	c->zones = (const struct cw_zone *const *)r->zone_list;
	c->n_zones = r->n_zones;
	c->policy.access = r->access;
	c->policy.n_access = c->n_patterns;
	c->policy.hosting_providers = draft->hosting_providers.items;
	c->policy.n_hosting_providers = draft->hosting_providers.count;
	c->policy.partners = r->partner_list;
	c->policy.n_partners = r->n_partners;
	c->policy.sender_check = draft->sender_check;
}

static void copy_files(struct cw_reader *r, const struct cw_conf *tree)
{
	struct cw_config *c = r->config;
	size_t i;

	c->files = cw_read_alloc(r, (tree->n_files + 1) * sizeof(*c->files));
	for (i = 0; c->files && i < tree->n_files; i++)
		c->files[i] = cw_read_copy(r, cw_str_of(tree->files[i])).p;
}

/* What stands there and is wrong was complained of already: it must not be called missing as well. */
static void note_presence(
	struct cw_config *config, const struct cw_conf *tree, const struct cw_diag *diag)
{
	static const struct cw_str hostname = CW_STR("hostname"), tls = CW_STR("tls");
	const struct cw_conf_node *node;

	/* nor what would have stood in a file that cannot be read */
	config->has_hostname = config->has_tls = !tree->root && diag->errors;
	for (node = tree->root; node; node = node->next) {
		config->has_hostname |= cw_str_eq(node->keyword.text, hostname);
		config->has_tls |= cw_str_eq(node->keyword.text, tls);
	}
}

/* Read the tree. Returns 0 or -ENOMEM. */
static int read_tree(struct cw_config *config, const struct cw_conf *tree, struct cw_diag *diag)
{
	struct cw_file_draft draft;
	struct cw_reader r;
	int error;

	reader_init(&r, config, diag);
	copy_files(&r, tree);
	note_presence(config, tree, diag);
	config->begin = tree->root
				? cw_read_place(&r, tree->root, &tree->root->keyword)
				: (struct cw_place){.file = config->path, .line = 1, .column = 1};
	cw_read_default_zone(&r);
	cw_read_defaults(&r, CW_IN_FILE, &draft, sizeof(draft));
	if (!r.error)
		cw_read_block(&r, CW_IN_FILE, NULL, tree->root, &draft, 0, false);
	if (!r.error)
		cw_read_block(&r, CW_IN_FILE, NULL, tree->root, &draft, 0, true);
	cw_read_zones_end(&r, draft.hostname);
	cw_read_xmpp_end(&r);
	hand_over(&r, &draft);
	error = r.error;
	reader_finish(&r);
	return error ? error : cw_ruleset_seal(config->rules);
}

/* Make a configuration of a tree, which is freed. */
static int from_tree(
	struct cw_config **out, const char *path, struct cw_conf *tree, struct cw_diag *diag)
{
	struct cw_config *config = calloc(1, sizeof(*config));
	struct cw_str path_copy;
	int rc = -ENOMEM;

	if (config) {
		cw_arena_init(&config->arena, 0);
		config->rules = cw_ruleset_create();
	}
	if (config && config->rules)
		rc = cw_arena_str(&config->arena, cw_str_of(path), &path_copy);
	if (rc == 0) {
		config->path = path_copy.p;
		rc = read_tree(config, tree, diag);
	}
	cw_conf_destroy(tree);
	if (rc) {
		cw_config_destroy(config);
		return rc;
	}
	*out = config;
	return 0;
}

int cw_config_load(struct cw_config **out, const char *path, struct cw_diag *diag)
{
	struct cw_conf *tree;
	int rc = cw_conf_load(&tree, path, diag);

	return rc ? rc : from_tree(out, path, tree, diag);
}

int cw_config_parse(
	struct cw_config **out, const char *name, struct cw_str text, struct cw_diag *diag)
{
	struct cw_conf *tree;
	int rc = cw_conf_parse(&tree, name, text, diag);

	return rc ? rc : from_tree(out, name, tree, diag);
}

void cw_config_destroy(struct cw_config *config)
{
	size_t i;

	if (!config)
		return;
	for (i = 0; i < config->n_patterns; i++)
		cw_pattern_destroy(config->patterns[i]);
	cw_xmpp_policy_destroy(config->xmpp.policy);
	cw_ruleset_destroy(config->rules);
	cw_arena_finish(&config->arena);
	free(config);
}

const struct cw_zone *cw_config_zone(const struct cw_config *config, struct cw_str name)
{
	size_t i;

	for (i = 0; i < config->n_zones; i++)
		if (cw_str_eq(config->zones[i]->name, name))
			return config->zones[i];
	return NULL;
}
