/* A block by the table of settings: what is unknown, misplaced, repeated, missing, and which reader gets what. */
#include "daemon/config_read.h"

#include <errno.h>

/* How many arguments a type takes. */
static const struct {
	unsigned char min, max;
	bool is_block;
} shapes[CW_TYPE_COUNT] = {
	[CW_TYPE_BLOCK] = {0, 0, true},
	[CW_TYPE_NAMED] = {1, 1, true},
	[CW_TYPE_INCLUDE] = {1, 1, false},
	[CW_TYPE_BOOL] = {1, 1, false},
	[CW_TYPE_NUMBER] = {1, 1, false},
	[CW_TYPE_DURATION] = {1, 1, false},
	[CW_TYPE_CHOICE] = {1, 1, false},
	[CW_TYPE_HOST] = {1, 1, false},
	[CW_TYPE_HOSTS] = {1, 1, false},
	[CW_TYPE_DOMAINS] = {1, 1, false},
	[CW_TYPE_WILD_DOMAINS] = {1, 1, false},
	[CW_TYPE_FILE] = {1, 1, false},
	[CW_TYPE_LISTEN] = {2, 3, false},
	[CW_TYPE_LOG] = {1, 2, false},
	[CW_TYPE_DNS_SERVER] = {1, 1, false},
	[CW_TYPE_PEER] = {1, 1, false},
	[CW_TYPE_ACCESS] = {1, 2, false},
	[CW_TYPE_PATTERN] = {2, 2, false},
	[CW_TYPE_BEHAVIOR] = {1, 2, false},
	[CW_TYPE_SOURCE] = {1, CW_CONF_ARGS_MAX, false},
	[CW_TYPE_ZONE] = {1, 1, false},
	[CW_TYPE_ROUTE] = {1, 4, false},
};

/* The block that is read. */
struct block {
	enum cw_context context;
	const struct cw_setting *settings;
	size_t count;
	unsigned zone_type;
	const struct cw_conf_node *seen[CW_SETTINGS_MAX]; /* the first directive of each setting */
};

/* Where the type is not known, everything may stand: one mistake is reported once. */
static bool stands_in_zone(const struct cw_setting *s, unsigned zone_type)
{
	return s->zone_types == 0 || zone_type == CW_ZONE_DEFAULT ||
	       (s->zone_types & 1u << zone_type);
}

/* ---- names that do not belong ---- */

/* A setting that belongs elsewhere: the context where it does, or CW_CONTEXT_COUNT. */
static enum cw_context other_context(struct cw_str name)
{
	const struct cw_setting *settings;
	enum cw_context context;
	size_t count, i;

	for (context = CW_IN_FILE; context < CW_CONTEXT_COUNT; context++) {
		settings = cw_schema_settings(context, &count);
		for (i = 0; i < count; i++)
			if (cw_str_eq(name, cw_str_of(settings[i].name)))
				return context;
	}
	return CW_CONTEXT_COUNT;
}

static void report_unknown(
	struct cw_reader *r, const struct block *b, const struct cw_conf_node *node)
{
	const char *names[CW_SETTINGS_MAX + 1] = {NULL}, *nearest;
	struct cw_str name = node->keyword.text;
	int len = (int)(name.len > CW_NAME_MAX ? CW_NAME_MAX : name.len);
	enum cw_context other = other_context(name);
	size_t i, n = 0;

	if (other != CW_CONTEXT_COUNT) {
		cw_read_error(r, node, &node->keyword,
			"\"%.*s\" does not belong here; it stands in %s", len, name.p,
			cw_schema_context_name(other));
		return;
	}
	for (i = 0; i < b->count; i++)
		if (stands_in_zone(&b->settings[i], b->zone_type))
			names[n++] = b->settings[i].name;
	nearest = cw_diag_nearest(name, names);
	cw_read_error(r, node, &node->keyword, "unknown setting \"%.*s\" in %s%s%s%s", len, name.p,
		cw_schema_context_name(b->context), nearest ? "; did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
}

static void report_zone_type(struct cw_reader *r, const struct block *b, const struct cw_setting *s,
	const struct cw_conf_node *node)
{
	struct cw_buf types = {0};
	enum cw_zone_type t;

	for (t = CW_ZONE_NEIGHBOR; t <= CW_ZONE_XMPP; t++)
		if (s->zone_types & 1u << t)
			cw_buf_printf(&types, "%s%s", types.len ? ", " : "", cw_zone_type_name(t));
	cw_read_error(r, node, &node->keyword,
		"\"%s\" belongs to zones of type %.*s; this one is %s", s->name,
		CW_STR_ARG(cw_buf_str(&types)), cw_zone_type_name((enum cw_zone_type)b->zone_type));
	cw_buf_finish(&types);
}

/* The row of a directive; NULL: there is none, which is reported when `report`. */
static const struct cw_setting *find(
	struct cw_reader *r, const struct block *b, const struct cw_conf_node *node, bool report)
{
	const struct cw_setting *elsewhere = NULL;
	size_t i;

	for (i = 0; i < b->count; i++) {
		if (!cw_str_eq(node->keyword.text, cw_str_of(b->settings[i].name)))
			continue;
		if (b->context != CW_IN_ZONE || stands_in_zone(&b->settings[i], b->zone_type))
			return &b->settings[i];
		elsewhere = &b->settings[i];
	}
	if (elsewhere && report)
		report_zone_type(r, b, elsewhere, node);
	else if (report)
		report_unknown(r, b, node);
	return NULL;
}

/* ---- shape and repetition ---- */

static bool has_right_shape(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, bool report)
{
	const struct cw_conf_word *at = &node->keyword;
	struct cw_buf arguments = {0};
	bool is_right = node->n_args >= shapes[s->type].min &&
			node->n_args <= shapes[s->type].max &&
			node->has_block == shapes[s->type].is_block;

	if (is_right || !report)
		return is_right;
	if (node->n_args > shapes[s->type].max)
		at = &node->args[shapes[s->type].max];
	cw_setting_arguments(s, &arguments);
	if (arguments.len == 0 && !shapes[s->type].is_block)
		cw_buf_add(&arguments, cw_str_of("nothing"));
	cw_read_error(r, node, at, "expected: %s %.*s%s%s", s->name,
		CW_STR_ARG(cw_buf_str(&arguments)),
		arguments.len && shapes[s->type].is_block ? " " : "",
		shapes[s->type].is_block ? "{ ... }" : "");
	cw_buf_finish(&arguments);
	return false;
}

/* Whether it may stand here: the first of its name, or repeatable. */
static bool is_first(struct cw_reader *r, struct block *b, const struct cw_setting *s,
	const struct cw_conf_node *node, bool report)
{
	const struct cw_conf_node **seen = &b->seen[s - b->settings];
	struct cw_place first;

	if (!*seen) {
		*seen = node;
		return true;
	}
	if (s->flags & CW_SETTING_REPEATABLE)
		return true;
	if (report) {
		first = cw_conf_place(*seen, &(*seen)->keyword);
		cw_read_error(r, node, &node->keyword,
			"\"%s\" stands here twice; the first one is in %s:%u", s->name, first.file,
			first.line);
	}
	return false;
}

/* ---- the settings that are no plain values ---- */

/* Whether `a` is all addresses of b's family, or the same: then the kernel refuses the second one to the same port. */
static bool includes(const struct cw_address *a, const struct cw_address *b)
{
	static const struct cw_str any_ip4 = CW_STR("0.0.0.0"), any_ip6 = CW_STR("::");
	struct cw_address any;

	if (cw_address_same_host(a, b))
		return true;
	return a->sa.any.sa_family == b->sa.any.sa_family &&
	       cw_address_make(&any, a->sa.any.sa_family == AF_INET6 ? any_ip6 : any_ip4, 0) == 0 &&
	       cw_address_same_host(a, &any);
}

static void read_listen(struct cw_reader *r, const struct cw_conf_node *node)
{
	static const struct {
		const char *protocol, *transport;
		enum cw_listener_kind kind;
	} kinds[] = {
		{"sip", "tls", CW_LISTEN_SIP_TLS},
		{"sip", "tcp", CW_LISTEN_SIP_TCP},
		{"xmpp", NULL, CW_LISTEN_XMPP},
		{"xmpps", NULL, CW_LISTEN_XMPPS},
	};
	const struct cw_conf_word *where = &node->args[node->n_args - 1];
	struct cw_config_listener listener = {0}, *items;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (cw_str_eq(node->args[0].text, cw_str_of(kinds[i].protocol)) &&
			(kinds[i].transport ? node->n_args == 3 &&
						      cw_str_eq(node->args[1].text,
							      cw_str_of(kinds[i].transport))
					    : node->n_args == 2))
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0])) {
		cw_read_error(r, node, &node->args[0],
			"expected: listen sip tls ADDRESS:PORT, sip tcp, xmpp or xmpps");
		return;
	}
	listener.kind = kinds[i].kind;
	if (cw_address_parse(&listener.address, where->text) != 0) {
		cw_read_error(r, node, where,
			"expected an address and a port, such as 0.0.0.0:5061 or [::]:5061");
		return;
	}
	for (i = 0; i < r->n_listeners; i++) {
		if (cw_address_port(&listener.address) != 0 &&
			cw_address_port(&r->listeners[i].address) ==
				cw_address_port(&listener.address) &&
			(includes(&r->listeners[i].address, &listener.address) ||
				includes(&listener.address, &r->listeners[i].address))) {
			cw_read_error(r, node, where,
				"this address is listened on already, by %s:%u",
				r->listeners[i].place.file, r->listeners[i].place.line);
			return;
		}
	}
	if (r->n_listeners == CW_CONFIG_LISTENERS_MAX) {
		cw_read_error(
			r, node, &node->keyword, "more than %d listeners", CW_CONFIG_LISTENERS_MAX);
		return;
	}
	listener.place = cw_read_place(r, node, &node->args[0]);
	items = cw_read_grow(r, r->listeners, r->n_listeners, sizeof(*items));
	if (!items)
		return;
	items[r->n_listeners++] = listener;
	r->listeners = items;
}

static void read_dns_server(struct cw_reader *r, const struct cw_conf_node *node)
{
	struct cw_address address, *items;
	struct cw_zone_peer server;

	if (!cw_read_host_port(r, node->args[0].text, &server) ||
		cw_address_make(&address, server.host, server.port ? server.port : 53) != 0) {
		cw_read_error(r, node, &node->args[0],
			"expected the address of a resolver, such as 127.0.0.53:53");
		return;
	}
	if (r->n_dns_servers == CW_DNS_SERVERS_MAX) {
		cw_read_error(
			r, node, &node->keyword, "more than %d resolvers", CW_DNS_SERVERS_MAX);
		return;
	}
	items = cw_read_grow(r, r->dns_servers, r->n_dns_servers, sizeof(*items));
	if (!items)
		return;
	items[r->n_dns_servers++] = address;
	r->dns_servers = items;
}

/* Where a block names a file; the block's keyword when it does not. */
static struct cw_place file_place(
	struct cw_reader *r, const struct cw_conf_node *block, const char *setting)
{
	const struct cw_conf_node *child;

	for (child = block->children; child; child = child->next)
		if (child->n_args == 1 && cw_str_eq(child->keyword.text, cw_str_of(setting)))
			return cw_read_place(r, child, &child->args[0]);
	return cw_read_place(r, block, &block->keyword);
}

static void read_tls(struct cw_reader *r, const struct cw_conf_node *node)
{
	struct cw_tls_settings *items;
	struct cw_tls_draft draft;

	cw_read_defaults(r, CW_IN_TLS, &draft, sizeof(draft));
	cw_read_block(r, CW_IN_TLS, node, node->children, &draft, 0, false);
	draft.settings.tls13_only = draft.minimum;
	draft.settings.place = cw_read_place(r, node, &node->keyword);
	draft.settings.certificate.place = file_place(r, node, "certificate");
	draft.settings.key.place = file_place(r, node, "key");
	draft.settings.trust.place = file_place(r, node, "trust");
	draft.settings.crl.place = file_place(r, node, "crl");
	items = cw_read_grow(r, r->tls, r->n_tls, sizeof(*items));
	if (!items || !draft.settings.certificate.path || !draft.settings.key.path ||
		!draft.settings.trust.path)
		return;
	items[r->n_tls++] = draft.settings;
	r->tls = items;
}

static void read_token(struct cw_reader *r, const struct cw_conf_node *node)
{
	struct cw_token_draft draft = {0};

	cw_read_block(r, CW_IN_TOKEN, node, node->children, &draft, 0, false);
	r->config->token_key_file = draft.key_file;
}

static void read_named_block(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *draft)
{
	static const struct cw_str default_word = CW_STR("default");

	switch (s->block) {
	case CW_IN_TLS:
		read_tls(r, node);
		break;
	case CW_IN_DNS:
		cw_read_block(r, CW_IN_DNS, node, node->children, draft, 0, false);
		break;
	case CW_IN_TOKEN:
		read_token(r, node);
		break;
	case CW_IN_ZONE:
		cw_read_zone(r, node);
		break;
	case CW_IN_PARTNER:
		cw_read_partner(r, node);
		break;
	case CW_IN_ACCESS:
		if (!cw_str_eq(node->args[0].text, default_word))
			cw_read_error(r, node, &node->args[0],
				"expected: access default { ... }; other zones are known by their "
				"certificates");
		r->config->policy.has_access = true;
		cw_read_block(r, CW_IN_ACCESS, node, node->children, draft, 0, false);
		break;
	case CW_IN_RULE:
		cw_read_rule(r, node);
		break;
	case CW_IN_TRANSFORM:
		cw_read_transform(r, node);
		break;
	case CW_IN_XMPP:
		cw_read_xmpp(r, node);
		break;
	case CW_IN_XMPP_PARTNER:
		cw_read_xmpp_partner(r, node, draft);
		break;
	case CW_IN_FILE:
	case CW_CONTEXT_COUNT:
		break;
	}
}

static void read_setting(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *draft)
{
	void *value = (char *)draft + s->offset;

	switch (s->type) {
	case CW_TYPE_BLOCK:
	case CW_TYPE_NAMED:
		read_named_block(r, s, node, draft);
		return;
	case CW_TYPE_INCLUDE:
		cw_read_error(r, node, &node->keyword, "write include without quotes");
		return;
	case CW_TYPE_LISTEN:
		read_listen(r, node);
		return;
	case CW_TYPE_LOG:
		cw_read_log(r, node);
		return;
	case CW_TYPE_DNS_SERVER:
		read_dns_server(r, node);
		return;
	case CW_TYPE_PEER:
		cw_read_peer(r, node, draft);
		return;
	case CW_TYPE_ACCESS:
		cw_read_access(r, node, s->min);
		return;
	case CW_TYPE_PATTERN:
		cw_read_pattern(r, node, value);
		return;
	case CW_TYPE_BEHAVIOR:
		cw_read_behavior(r, node, value);
		return;
	case CW_TYPE_SOURCE:
		cw_read_source(r, node, value);
		return;
	case CW_TYPE_ROUTE:
		cw_read_route(r, node, value, s->min);
		return;
	case CW_TYPE_DOMAINS:
	case CW_TYPE_WILD_DOMAINS:
		cw_read_domains(r, s, node, value);
		return;
	case CW_TYPE_BOOL:
	case CW_TYPE_NUMBER:
	case CW_TYPE_DURATION:
	case CW_TYPE_CHOICE:
	case CW_TYPE_HOST:
	case CW_TYPE_HOSTS:
	case CW_TYPE_FILE:
	case CW_TYPE_ZONE:
	case CW_TYPE_COUNT:
		break;
	}
	cw_read_value(r, s, node, draft);
}

/* ---- the block ---- */

static void report_missing(
	struct cw_reader *r, const struct block *b, const struct cw_conf_node *node)
{
	size_t i;

	for (i = 0; i < b->count; i++)
		if ((b->settings[i].flags & CW_SETTING_REQUIRED) && !b->seen[i] && node)
			cw_read_error(r, node, &node->keyword, "\"%s\" is missing in %s",
				b->settings[i].name, cw_schema_context_name(b->context));
}

void cw_read_block(struct cw_reader *r, enum cw_context context, const struct cw_conf_node *node,
	const struct cw_conf_node *first, void *draft, unsigned zone_type, bool late)
{
	struct block b = {.context = context, .zone_type = zone_type};
	const struct cw_conf_node *child;
	const struct cw_setting *s;
	bool is_alone;

	b.settings = cw_schema_settings(context, &b.count);
	for (child = first; child && !r->error; child = child->next) {
		s = find(r, &b, child, !late);
		if (!s)
			continue;
		/* asked both, so that one mistake does not hide the other */
		is_alone = is_first(r, &b, s, child, !late);
		if (!has_right_shape(r, s, child, !late) || !is_alone)
			continue;
		if (!(s->flags & CW_SETTING_LATE) == !late)
			read_setting(r, s, child, draft);
	}
	if (!late)
		report_missing(r, &b, node);
}

void cw_read_defaults(struct cw_reader *r, enum cw_context context, void *draft, size_t size)
{
	const struct cw_setting *settings;
	struct cw_conf_node *node;
	size_t count, i;

	memset(draft, 0, size);
	if (!r->defaults[context]) {
		r->defaults[context] = cw_arena_alloc(&r->scratch, size);
		node = cw_arena_alloc(&r->scratch, sizeof(*node) + sizeof(node->args[0]));
		if (!r->defaults[context] || !node) {
			r->defaults[context] = NULL;
			r->error = -ENOMEM;
			return;
		}
		settings = cw_schema_settings(context, &count);
		for (i = 0; i < count; i++) {
			node->args[0].text = cw_str_of(settings[i].default_value);
			if (settings[i].default_value)
				cw_read_value(r, &settings[i], node, r->defaults[context]);
		}
	}
	memcpy(draft, r->defaults[context], size);
}
