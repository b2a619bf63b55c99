/*
 * causeway locate: where an alias goes.
 */
#include "daemon/commands.h"

#include "admin/locate.h"
#include "daemon/console.h"
#include "dialplan/alias.h"
#include "dialplan/plan.h"
#include "sip/framing.h"
#include "sip/message.h"
#include "sip/precheck.h"
#include "sip/variant.h"
#include "xmpp/jid.h"

#include <errno.h>
#include <stdlib.h>

#define NAME             "locate"
#define MESSAGE_FILE_MAX (CW_SIP_HEADERS_MAX_BYTES + CW_SIP_BODY_MAX_BYTES + 4096)

/* The zone --from names, else `default`. */
static int set_source(struct cw_request *request, const struct cw_config *config,
	const struct cw_options *options, struct cw_arena *arena)
{
	struct cw_str name = cw_str_of("default");
	const char **names, *near;
	size_t i;

	if (options->value[CW_OPTION_FROM])
		name = cw_str_of(options->value[CW_OPTION_FROM]);
	request->from = cw_config_zone(config, name);
	if (request->from) {
		request->authenticated =
			request->from->trusted || options->value[CW_OPTION_AUTHENTICATED] != NULL;
		return 0;
	}
	names = cw_arena_alloc(arena, (config->n_zones + 1) * sizeof(const char *));
	for (i = 0; names && i < config->n_zones; i++)
		names[i] = config->zones[i]->name.p;
	near = names ? cw_diag_nearest(name, names) : NULL;
	return cw_console_error(NAME, "unknown zone \"%s\"%s%s%s", name.p,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* What the options say of protocol, method and variant. */
static int set_kind(struct cw_request *request, const struct cw_options *options)
{
	const char *protocol = options->value[CW_OPTION_PROTOCOL];
	const char *variant = options->value[CW_OPTION_VARIANT];
	const char *method = options->value[CW_OPTION_METHOD];

	if (protocol && cw_protocol_parse(cw_str_of(protocol), &request->protocol))
		return cw_console_error(NAME, "--protocol is sip or xmpp, not \"%s\"", protocol);
	request->method = cw_str_of(method ? method : "MESSAGE");
	if (request->protocol == CW_PROTOCOL_SIP)
		request->variant = cw_variant_of_method(request->method);
	if (variant && cw_variant_parse(cw_str_of(variant), &request->variant))
		return cw_console_error(NAME,
			"--variant is standard, ms-imp, ms-av or ms-sip, not \"%s\"", variant);
	return 0;
}

/* A stanza's alias: its bare address, prepared. */
static int set_jid(struct cw_request *request, struct cw_str text, struct cw_arena *arena)
{
	struct cw_jid jid;
	int r = cw_jid_prepare(&jid, text, arena);

	if (!r && jid.local.len)
		r = cw_arena_join(arena, &text,
			(const struct cw_str[]){jid.local, CW_STR("@"), jid.domain}, 3);
	else if (!r)
		text = jid.domain;
	if (!r)
		r = cw_alias_prepare_jid(&request->alias, text);
	if (r < 0)
		return cw_console_error(NAME, "%s", strerror(-r));
	if (r)
		return cw_console_error(
			NAME, "the alias is no address of XMPP: user@domain, or a domain");
	return 0;
}

static int set_alias(struct cw_request *request, struct cw_str text, struct cw_arena *arena)
{
	int r;

	if (request->protocol == CW_PROTOCOL_XMPP)
		return set_jid(request, text, arena);
	r = cw_alias_prepare(&request->alias, text, arena);
	if (r < 0)
		return cw_console_error(NAME, "%s", strerror(-r));
	switch (r) {
	case CW_ALIAS_E_SYNTAX:
		return cw_console_error(NAME, "the alias is empty or holds a line break");
	case CW_ALIAS_E_LENGTH:
		return cw_console_error(
			NAME, "the alias is longer than %d bytes (414)", CW_ALIAS_MAX);
	case CW_ALIAS_E_SCHEME:
		return cw_console_error(NAME,
			"the alias has a scheme other than sip, sips, im, pres and xmpp (416)");
	}
	return 0;
}

/*
 * What the block `xmpp` says of a stanza to `domain`, as the relay decides: whether it may pass at
 * all, which is asked before any rule, and where it goes when no rule matches.
 */
static void set_way(struct cw_locate_way *way, const struct cw_xmpp_policy *policy,
	const struct cw_zone *from, struct cw_str domain)
{
	const struct cw_zone *inside = cw_xmpp_policy_inside(policy);

	*way = (struct cw_locate_way){.domain = domain, .how = "by DNS"};
	if (from == inside) {
		way->refusal = cw_xmpp_policy_refusal(policy, domain);
		if (cw_xmpp_policy_terms(policy, domain)->routes.count)
			way->how = "by its static routes";
	} else if (cw_xmpp_policy_is_local(policy, domain)) {
		way->zone = inside;
		if (!inside)
			way->problem = "it is a local domain, and no zone is \"inside\"";
	} else {
		way->refusal = "it is no local domain, and only the zone \"inside\" reaches others";
	}
}

/*
 * The same; *out is NULL for requests that have no such way.
 *
 * Returns: 0 and *out set; a negative errno.
 */
static int find_way(struct cw_locate_way **out, const struct cw_request *request,
	const struct cw_config *config, struct cw_arena *arena)
{
	struct cw_locate_way *way;
	struct cw_jid jid;
	int r;

	*out = NULL;
	if (request->protocol != CW_PROTOCOL_XMPP || !config->xmpp.policy)
		return 0;
	way = cw_arena_alloc(arena, sizeof(*way));
	r = way ? cw_jid_prepare(&jid, request->alias, arena) : -ENOMEM;
	if (r)
		return r < 0 ? r : -EINVAL; /* set_jid prepared it already */
	set_way(way, config->xmpp.policy, request->from, jid.domain);
	*out = way;
	return 0;
}

/* Plan as the live path does (--brief) or with reasons, and print. Returns: the exit status. */
static int plan_and_print(const struct cw_request *request, const struct cw_config *config,
	const struct cw_options *options, struct cw_arena *arena)
{
	struct cw_plan plan = {.decision = CW_DECISION_NO_RULE};
	struct cw_locate_way *way = NULL;
	int r = options->value[CW_OPTION_BRIEF]
			? cw_plan_decide(&plan, config->rules, request, arena)
			: cw_plan_explain(&plan, config->rules, request, arena);

	if (!r)
		r = find_way(&way, request, config, arena);
	if (!r && options->value[CW_OPTION_JSON])
		r = cw_locate_print_json(stdout, &plan, request, way);
	else if (!r)
		r = cw_locate_print_table(stdout, &plan, request, way, arena, cw_console_colours());
	return cw_console_finish(NAME, r, cw_locate_goes(&plan, way) ? CW_EXIT_YES : CW_EXIT_NO);
}

static int locate_alias(struct cw_request *request, const struct cw_config *config,
	const struct cw_options *options, struct cw_arena *arena)
{
	int status = set_kind(request, options);

	if (!status)
		status = set_alias(request, cw_str_of(options->args[0]), arena);
	return status ? status : plan_and_print(request, config, options, arena);
}

/*
 * Cut the first message out of a file as the wire would bring it. Returns: 0, or the exit status.
 */
static int cut_message(struct cw_str *out, struct cw_str text, const char *path)
{
	struct cw_sip_framer framer = {0};
	struct cw_sip_frame frame;

	do {
		cw_sip_frame_next(&framer, text, &frame);
		text = cw_str_from(text, frame.consumed);
	} while (frame.kind == CW_FRAME_PING ||
		 (frame.kind == CW_FRAME_MORE && frame.consumed && text.len));
	switch (frame.kind) {
	case CW_FRAME_MESSAGE:
		*out = frame.message;
		return 0;
	case CW_FRAME_BROKEN:
		return cw_console_error(
			NAME, "%s: refused before any rule: %s", path, frame.reason);
	case CW_FRAME_MORE:
	case CW_FRAME_PING:
		break;
	}
	return cw_console_error(NAME, "%s: the message is not whole: %s", path,
		frame.complete_head ? "its body is shorter than Content-Length says"
				    : "no empty line (CRLF CRLF) ends its headers");
}

/* What a parsed message asks. Returns: the exit status. */
static int locate_parsed(struct cw_request *request, const struct cw_sip_message *message,
	const struct cw_config *config, const struct cw_options *options, struct cw_arena *arena)
{
	/*
	 * Which addresses are the daemon's own is not known here; an OPTIONS to them names no user.
	 */
	bool may_end_here = message->method == CW_SIP_OPTIONS && message->request_uri.user.len == 0;
	struct cw_sip_refusal refusal;
	int status;

	if (!message->is_request)
		return cw_console_error(NAME, "a response goes back where its request came from; "
					      "rules route requests only");
	refusal = cw_sip_precheck(message, may_end_here, arena);
	if (refusal.status)
		return cw_console_error(NAME, "%s: refused before any rule: %u %" CW_STR_FMT,
			options->value[CW_OPTION_MESSAGE], refusal.status,
			CW_STR_ARG(refusal.phrase));
	request->method = message->method_name;
	request->variant = cw_sip_variant(message);
	status = set_alias(request, message->request_uri.text, arena);
	return status ? status : plan_and_print(request, config, options, arena);
}

static int locate_text(struct cw_request *request, struct cw_str text,
	const struct cw_config *config, const struct cw_options *options, struct cw_arena *arena)
{
	const char *path = options->value[CW_OPTION_MESSAGE];
	struct cw_sip_message *message;
	struct cw_sip_reject reject = {0};
	struct cw_str frame = {NULL, 0};
	int r = cut_message(&frame, text, path);

	if (r)
		return r;
	r = cw_sip_message_parse(&message, frame, &reject);
	if (r == CW_SIP_E_REJECT)
		return cw_console_error(NAME, "%s: refused before any rule: %u %s", path,
			reject.status, reject.reason);
	if (r == CW_SIP_E_DROP)
		return cw_console_error(
			NAME, "%s: dropped before any rule: %s", path, reject.reason);
	if (r)
		return cw_console_error(NAME, "%s", strerror(-r));
	r = locate_parsed(request, message, config, options, arena);
	cw_sip_message_destroy(message);
	return r;
}

static int locate_message(struct cw_request *request, const struct cw_config *config,
	const struct cw_options *options, struct cw_arena *arena)
{
	const char *path = options->value[CW_OPTION_MESSAGE];
	struct cw_str text;
	int status = cw_console_read_file(&text, NAME, path, MESSAGE_FILE_MAX);

	if (status)
		return status;
	if (cw_str_starts(cw_str_trim(text), cw_str_of("<")))
		status = cw_console_error(NAME,
			"%s: a stanza; ask with --protocol xmpp and the address in its \"to\"",
			path);
	else
		status = locate_text(request, text, config, options, arena);
	free((void *)(uintptr_t)text.p);
	return status;
}

/* Whether the options fit together. Returns: 0, or the exit status. */
static int check_options(const struct cw_options *options)
{
	bool has_message = options->value[CW_OPTION_MESSAGE] != NULL;

	if (has_message == (options->n_args == 1))
		return cw_console_error(NAME, "expected an alias or --message FILE%s",
			has_message ? ", not both" : "");
	if (has_message &&
		(options->value[CW_OPTION_PROTOCOL] || options->value[CW_OPTION_VARIANT] ||
			options->value[CW_OPTION_METHOD]))
		return cw_console_error(NAME,
			"--protocol, --variant and --method are what the message says itself");
	return 0;
}

int cw_command_locate(const struct cw_options *options)
{
	struct cw_request request = {0};
	struct cw_arena arena = {0};
	struct cw_config *config;
	int status = check_options(options);

	if (!status)
		status = cw_console_load(&config, options);
	if (status)
		return status;
	status = set_source(&request, config, options, &arena);
	if (!status && options->value[CW_OPTION_MESSAGE])
		status = locate_message(&request, config, options, &arena);
	else if (!status)
		status = locate_alias(&request, config, options, &arena);
	cw_config_destroy(config);
	cw_arena_finish(&arena);
	return status;
}
