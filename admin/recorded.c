/*
 * Recorded requests: a line read, its request planned by both rule sets, a difference counted.
 */
#include "admin/recorded.h"

#include "core/table.h"
#include "dialplan/alias.h"

#include <jansson.h>

#include <errno.h>
#include <stdarg.h>

struct zone_entry {
	struct cw_table_link link; /* first, so that a link is its element */
	const struct cw_zone *zone;
};

/* One file on its way. */
struct reading {
	struct cw_recorded *run;
	struct cw_table zones[CW_SIDES]; /* by name */
	struct cw_arena *arena;          /* of the line */
	struct cw_diag *diag;
	struct cw_place place; /* of the line */
};

/* Say that the line is none, at its byte number `column`. Returns: 1, for the caller to pass on. */
__attribute__((format(printf, 3, 4))) static int complain(
	struct reading *reading, size_t column, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	reading->place.column = (unsigned)column;
	if (reading->run->unreadable++ < CW_RECORDED_COMPLAINTS_MAX)
		cw_diag_add(reading->diag, CW_SEVERITY_WARNING, &reading->place, "%s", message);
	return 1;
}

/* The text under `key`, {NULL, 0} when the key is missing. Returns: 0; 1 when it is no text (and was complained of). */
static int read_text(
	struct reading *reading, const json_t *object, const char *key, struct cw_str *out)
{
	const json_t *value = json_object_get(object, key);

	*out = cw_str_make(NULL, 0);
	if (!value)
		return 0;
	if (!json_is_string(value))
		return complain(reading, 1, "\"%s\" is no text", key);
	*out = cw_str_make(json_string_value(value), json_string_length(value));
	return 0;
}

static const struct cw_zone *find_zone(const struct cw_table *zones, struct cw_str name)
{
	const struct zone_entry *entry = (const struct zone_entry *)cw_table_find(zones, name);

	return entry ? entry->zone : NULL;
}

/* Where the request comes from. A configuration that has no such zone takes its peers for strangers. */
static int read_source(struct reading *reading, const json_t *object, struct cw_crossing *crossing)
{
	bool known = false;
	int side, r = read_text(reading, object, "from", &crossing->from);

	if (r)
		return r;
	if (!crossing->from.p)
		crossing->from = cw_str_of("default");
	for (side = 0; side < CW_SIDES; side++) {
		struct cw_request *request = &crossing->requests[side];

		request->from = find_zone(&reading->zones[side], crossing->from);
		known |= request->from != NULL;
		if (!request->from)
			request->from = reading->run->sides[side].zones[0];
		request->authenticated = request->from->trusted;
	}
	return known ? 0
		     : complain(reading, 1, "no configuration has a zone \"%" CW_STR_FMT "\"",
			       CW_STR_ARG(crossing->from));
}

static int read_authentication(
	struct reading *reading, const json_t *object, struct cw_crossing *crossing)
{
	const json_t *value = json_object_get(object, "authenticated");
	int side;

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return complain(reading, 1, "\"authenticated\" is neither true nor false");
	for (side = 0; side < CW_SIDES; side++)
		crossing->requests[side].authenticated = json_is_true(value);
	return 0;
}

static int read_kind(struct reading *reading, const json_t *object, struct cw_request *request)
{
	struct cw_str protocol, variant;
	int r = read_text(reading, object, "protocol", &protocol);

	if (!r)
		r = read_text(reading, object, "variant", &variant);
	if (r)
		return r;
	request->method = cw_str_of("MESSAGE");
	if (protocol.p && cw_protocol_parse(protocol, &request->protocol))
		return complain(reading, 1, "\"protocol\" is neither sip nor xmpp");
	if (request->protocol == CW_PROTOCOL_SIP)
		request->variant = cw_variant_of_method(request->method);
	if (variant.p && cw_variant_parse(variant, &request->variant))
		return complain(
			reading, 1, "\"variant\" is none of standard, ms-imp, ms-av and ms-sip");
	return 0;
}

static int read_alias(struct reading *reading, const json_t *object, struct cw_request *request)
{
	struct cw_str text;
	int r = read_text(reading, object, "alias", &text);

	if (r)
		return r;
	r = request->protocol == CW_PROTOCOL_XMPP
		    ? cw_alias_prepare_jid(&request->alias, text)
		    : cw_alias_prepare(&request->alias, text, reading->arena);
	if (r <= 0)
		return r;
	return complain(reading, 1, "\"alias\" %s",
		r == CW_ALIAS_E_SCHEME   ? "has a scheme that is not routed"
		: r == CW_ALIAS_E_LENGTH ? "is too long"
					 : "is missing, or no alias");
}

/* Read a request as both sides see it. Returns: 0; 1 when it is none (and was complained of); -ENOMEM. */
static int read_request(struct reading *reading, const json_t *object, struct cw_crossing *crossing)
{
	struct cw_request *request = &crossing->requests[CW_SIDE_OLD];
	struct cw_request *other = &crossing->requests[CW_SIDE_NEW];
	int r = read_source(reading, object, crossing);

	if (!r)
		r = read_authentication(reading, object, crossing);
	if (!r)
		r = read_kind(reading, object, request);
	if (!r)
		r = read_alias(reading, object, request);
	if (r)
		return r;
	other->protocol = request->protocol;
	other->variant = request->variant;
	other->method = request->method;
	other->alias = request->alias;
	return 0;
}

/* Count a request that changes its way. */
static int count_change(
	struct reading *reading, const struct cw_crossing *crossing, struct cw_reroutes *out)
{
	const struct cw_search_rule *rule;
	int side, r = 0;

	reading->run->changed++;
	for (side = 0; side < CW_SIDES && !r; side++) {
		rule = cw_crossing_rule(crossing, (enum cw_side)side);
		if (rule)
			r = cw_reroutes_add(out, (enum cw_side)side, rule, crossing, true);
	}
	return r;
}

static int ask(struct reading *reading, const json_t *object, struct cw_reroutes *out)
{
	struct cw_crossing crossing = {0};
	int r = read_request(reading, object, &crossing);

	if (!r)
		r = cw_crossing_plan(&crossing, reading->run->sides, reading->arena);
	if (r)
		return r > 0 ? 0 : r;
	reading->run->requests++;
	return cw_crossing_differs(&crossing) ? count_change(reading, &crossing, out) : 0;
}

static int run_line(struct reading *reading, struct cw_str line, struct cw_reroutes *out)
{
	json_error_t error;
	json_t *object;
	int r = 0;

	line = cw_str_trim(line);
	if (line.len == 0)
		return 0;
	reading->place.source = line;
	if (line.len > CW_RECORDED_LINE_MAX) {
		(void)complain(
			reading, 1, "the line is longer than %d bytes", CW_RECORDED_LINE_MAX);
		return 0;
	}
	object = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, &error);
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!object)
		(void)complain(reading, error.position > 0 ? (size_t)error.position : 1,
			"no JSON: %s", error.text);
	else if (!json_is_object(object))
		(void)complain(reading, 1, "no JSON object");
	else
		r = ask(reading, object, out);
	json_decref(object);
	return r;
}

/* Put the zones of a side into a table: a configuration may have thousands, and a file millions of lines. */
static int index_zones(
	struct cw_table *table, const struct cw_dialplan *side, struct cw_arena *arena)
{
	struct zone_entry *entries = cw_arena_alloc(arena, (side->n_zones + 1) * sizeof(*entries));
	size_t i;
	int r = entries ? 0 : -ENOMEM;

	for (i = 0; i < side->n_zones && !r; i++) {
		entries[i].zone = side->zones[i];
		r = cw_table_insert(table, &entries[i].link, side->zones[i]->name);
	}
	return r;
}

int cw_recorded_run(struct cw_recorded *run, const char *name, struct cw_str text,
	struct cw_reroutes *out, struct cw_diag *diag)
{
	static const struct cw_str byte_order_mark = CW_STR("\xef\xbb\xbf");
	struct cw_arena arena = {0}, line_arena = {0};
	struct reading reading = {
		.run = run,
		.arena = &line_arena,
		.diag = diag,
		.place = {.file = name, .width = 1},
	};
	int side, r = 0;
	size_t n;

	for (side = 0; side < CW_SIDES; side++)
		cw_table_init(&reading.zones[side]);
	for (side = 0; side < CW_SIDES && !r; side++)
		r = index_zones(&reading.zones[side], &run->sides[side], &arena);
	if (cw_str_starts(text, byte_order_mark))
		text = cw_str_from(text, byte_order_mark.len);
	while (!r && text.len) {
		n = cw_str_find(text, '\n');
		reading.place.line++;
		r = run_line(&reading, cw_str_make(text.p, n), out);
		cw_arena_finish(&line_arena);
		text = cw_str_from(text, n + 1);
	}
	for (side = 0; side < CW_SIDES; side++)
		cw_table_finish(&reading.zones[side]);
	cw_arena_finish(&arena);
	return r;
}
