/* Who may talk to us from outside: access rules, partners. */
#include "daemon/config_read.h"

#include <errno.h>

void cw_read_access(struct cw_reader *r, const struct cw_conf_node *node, bool allow)
{
	static const struct cw_str any = CW_STR("any");
	struct cw_config *config = r->config;
	struct cw_pattern_draft draft = {.pattern = node};
	struct cw_access_rule *items;
	struct cw_pattern **patterns, *pattern = NULL;
	struct cw_pattern_error error;
	int rc = 0;

	if (node->n_args == 1 && cw_str_eq(node->args[0].text, any)) {
		rc = cw_pattern_create(&pattern, CW_PATTERN_ANY, (struct cw_str){"", 0},
			CW_BEHAVIOR_LEAVE, (struct cw_str){"", 0}, &error);
		if (rc)
			r->error = -ENOMEM; /* there is nothing in it that could be wrong */
	} else if (node->n_args == 2 &&
		   cw_pattern_type_parse(node->args[0].text, &draft.type) == 0) {
		pattern = cw_read_compile(r, &draft);
	} else {
		cw_read_error(r, node, &node->args[0],
			"expected: exact, prefix, suffix or regex and a pattern, or any");
	}
	if (!pattern)
		return;

	patterns = cw_read_grow(r, config->patterns, config->n_patterns, sizeof(*patterns));
	items = cw_read_grow(r, r->access, config->n_patterns, sizeof(*items));
	if (!patterns || !items) {
		cw_pattern_destroy(pattern);
		return;
	}
	items[config->n_patterns] = (struct cw_access_rule){
		.allow = allow,
		.pattern = pattern,
		.place = cw_read_place(r, node, &node->keyword),
	};
	patterns[config->n_patterns++] = pattern;
	config->patterns = patterns;
	r->access = items;
}

void cw_read_partner(struct cw_reader *r, const struct cw_conf_node *node)
{
	struct cw_partner_draft draft = {0};
	struct cw_partner *items;
	struct cw_named *named;
	struct cw_str domain;
	bool is_new = cw_read_name(r, &r->partners, "partner", node, &named);
	size_t i;

	if (!cw_is_host_name(node->args[0].text)) {
		cw_read_error(r, node, &node->args[0], "partner: expected a domain name");
		is_new = false;
	}
	cw_read_block(r, CW_IN_PARTNER, node, node->children, &draft, 0, false);
	if (!is_new)
		return;
	domain = cw_read_copy(r, node->args[0].text);
	for (i = 0; i < draft.certificates.count; i++) {
		items = cw_read_grow(r, r->partner_list, r->n_partners, sizeof(*items));
		if (!items)
			return;
		items[r->n_partners++] = (struct cw_partner){domain, draft.certificates.items[i]};
		r->partner_list = items;
	}
}
