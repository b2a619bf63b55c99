/* Reading by the table of settings: names, counts, repetition, and the types that are plain values. */
#include "daemon/config_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* The most that a message says in its own words; cw_diag clips, too. */
#define MESSAGE_MAX 512

/* ---- messages and memory ---- */

static void __attribute__((format(printf, 5, 0)))
add_message(struct cw_reader *r, enum cw_severity severity, const struct cw_conf_node *node,
	const struct cw_conf_word *word, const char *format, va_list args)
{
	struct cw_place place = cw_conf_place(node, word);
	char message[MESSAGE_MAX];

	if (vsnprintf(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	cw_diag_add(r->diag, severity, &place, "%s", message);
}

void cw_read_error(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_message(r, CW_SEVERITY_ERROR, node, word, format, args);
	va_end(args);
}

void cw_read_warning(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_message(r, CW_SEVERITY_WARNING, node, word, format, args);
	va_end(args);
}

void *cw_read_alloc(struct cw_reader *r, size_t size)
{
	void *p = cw_arena_alloc(&r->config->arena, size);

	if (!p)
		r->error = -ENOMEM;
	return p;
}

struct cw_str cw_read_copy(struct cw_reader *r, struct cw_str text)
{
	struct cw_str copy = {"", 0};

	if (cw_arena_str(&r->config->arena, text, &copy) != 0)
		r->error = -ENOMEM;
	return copy;
}

struct cw_place cw_read_place(
	struct cw_reader *r, const struct cw_conf_node *node, const struct cw_conf_word *word)
{
	struct cw_place place = cw_conf_place(node, word);

	/* Rules stand by thousands in one file: its name is copied once. */
	if (place.file != r->last_file || !r->last_file_copy) {
		r->last_file = place.file;
		r->last_file_copy = cw_read_copy(r, cw_str_of(place.file)).p;
	}
	place.file = r->last_file_copy;
	cw_place_clip(&place);
	place.source = cw_read_copy(r, place.source);
	return place;
}

void *cw_read_grow(struct cw_reader *r, const void *items, size_t count, size_t size)
{
	void *grown;

	/* Full at 0 and at each power of two; the old array stays behind in the arena. */
	if (count & (count - 1))
		return (void *)(uintptr_t)items;
	grown = cw_read_alloc(r, (count ? count * 2 : 1) * size);
	if (grown && count)
		memcpy(grown, items, count * size);
	return grown;
}

/* ---- plain values ---- */

static bool is_label_char(char c)
{
	return (c >= '0' && c <= '9') || (cw_char_lower(c) >= 'a' && cw_char_lower(c) <= 'z') ||
	       c == '-' || c == '_';
}

bool cw_is_host_name(struct cw_str host)
{
	size_t i, label = 0;
	bool is_number = true; /* the last label */

	if (host.len && host.p[host.len - 1] == '.')
		host.len--;
	if (host.len == 0 || host.len > 253)
		return false;
	for (i = 0; i < host.len; i++) {
		if (host.p[i] == '.') {
			if (label == 0 || host.p[i - 1] == '-')
				return false;
			label = 0;
			is_number = true;
			continue;
		}
		if (!is_label_char(host.p[i]) || (host.p[i] == '-' && label == 0) || ++label > 63)
			return false;
		is_number = is_number && host.p[i] >= '0' && host.p[i] <= '9';
	}
	return label > 0 && host.p[host.len - 1] != '-' && !is_number;
}

bool cw_read_host_port(struct cw_reader *r, struct cw_str text, struct cw_zone_peer *out)
{
	struct cw_str host = text, port = {NULL, 0};
	struct cw_address address;
	size_t end;
	uint64_t number = 0;

	if (text.len && text.p[0] == '[') {
		end = cw_str_find(text, ']');
		if (end == text.len || (end + 1 < text.len && text.p[end + 1] != ':'))
			return false;
		host = cw_str_make(text.p + 1, end - 1);
		if (end + 1 < text.len)
			port = cw_str_from(text, end + 1);
		if (cw_str_find(host, ':') == host.len || cw_address_make(&address, host, 0) != 0)
			return false;
	} else {
		end = cw_str_find(text, ':');
		host.len = end;
		port = cw_str_from(text, end);
		if (!cw_is_host_name(host) && cw_address_make(&address, host, 0) != 0)
			return false;
	}
	if (port.len && (cw_str_to_u64(cw_str_from(port, 1), 65535, &number) != 0 || number == 0))
		return false;
	if (host.len && host.p[host.len - 1] == '.')
		host.len--;
	out->host = cw_read_copy(r, host);
	out->port = (uint16_t)number;
	return true;
}

/* A mistake in a value: what was found and what is expected. */
static void expected(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, const struct cw_conf_word *word)
{
	const char *words[CW_SETTINGS_MAX] = {NULL}, *nearest = NULL;
	struct cw_buf b = {0};
	size_t i;

	cw_setting_arguments(s, &b);
	cw_buf_add_char(&b, '\0');
	if (s->type == CW_TYPE_CHOICE) {
		for (i = 0; s->choices[i].word && i < CW_SETTINGS_MAX - 1; i++)
			words[i] = s->choices[i].word;
		nearest = cw_diag_nearest(word->text, words);
	}
	cw_read_error(r, node, word, "%s: expected %s, found \"%.*s\"%s%s%s", s->name,
		b.error ? "another value" : b.data,
		(int)(word->text.len > 100 ? 100 : word->text.len), word->text.p,
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	cw_buf_finish(&b);
}

static void read_bool(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	static const struct cw_str yes = CW_STR("yes"), no = CW_STR("no");
	const struct cw_conf_word *word = &node->args[0];

	if (cw_str_eq(word->text, yes))
		*(bool *)value = true;
	else if (cw_str_eq(word->text, no))
		*(bool *)value = false;
	else
		expected(r, s, node, word);
}

static void read_number(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	const struct cw_conf_word *word = &node->args[0];
	uint64_t number;

	if (cw_str_to_u64(word->text, s->max, &number) != 0 || number < s->min)
		expected(r, s, node, word);
	else
		*(unsigned *)value = (unsigned)number;
}

static void read_duration(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	static const struct {
		const char *unit;
		unsigned ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
	const struct cw_conf_word *word = &node->args[0];
	struct cw_str number = word->text;
	uint64_t n;
	size_t i;

	for (number.len = 0; number.len < word->text.len; number.len++)
		if (word->text.p[number.len] < '0' || word->text.p[number.len] > '9')
			break;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!cw_str_eq(cw_str_from(word->text, number.len), cw_str_of(units[i].unit)))
			continue;
		if (cw_str_to_u64(number, s->max / units[i].ms, &n) != 0 ||
			n * units[i].ms < s->min)
			break;
		*(unsigned *)value = (unsigned)n * units[i].ms;
		return;
	}
	expected(r, s, node, word);
}

static void read_choice(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	const struct cw_choice *c;

	for (c = s->choices; c->word; c++) {
		if (cw_str_eq(node->args[0].text, cw_str_of(c->word))) {
			memcpy(value, &c->value, sizeof(c->value)); /* an unsigned or an enum */
			return;
		}
	}
	expected(r, s, node, &node->args[0]);
}

static void read_host(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	struct cw_str text = node->args[0].text;

	if (!cw_is_host_name(text)) {
		cw_read_error(r, node, &node->args[0], "%s: expected a host name", s->name);
		return;
	}
	if (text.p[text.len - 1] == '.')
		text.len--;
	*(struct cw_str *)value = cw_read_copy(r, text);
}

static void read_hosts(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	struct cw_str_list *list = value;
	struct cw_str text = node->args[0].text;
	struct cw_str *items;
	size_t i;

	if (!cw_is_host_name(text)) {
		cw_read_error(
			r, node, &node->args[0], "%s: expected a host or domain name", s->name);
		return;
	}
	if (text.p[text.len - 1] == '.')
		text.len--;
	for (i = 0; i < list->count; i++) {
		if (cw_str_case_eq(list->items[i], text)) {
			cw_read_error(r, node, &node->args[0], "%s \"%.*s\" stands here twice",
				s->name, CW_STR_ARG(text));
			return;
		}
	}
	items = cw_read_grow(r, list->items, list->count, sizeof(*items));
	if (!items)
		return;
	items[list->count++] = cw_read_copy(r, text);
	list->items = items;
}

/* A path is relative to the folder of the file that says it. */
static void read_file(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	struct cw_place place = cw_conf_place(node, &node->args[0]);
	struct cw_str text = node->args[0].text, path;
	const char *slash = strrchr(place.file, '/');
	int folder_len = slash && text.len && text.p[0] != '/' ? (int)(slash - place.file) + 1 : 0;

	if (text.len == 0 || text.len > 4000) {
		expected(r, s, node, &node->args[0]);
		return;
	}
	if (s->max && text.len + (size_t)folder_len > s->max) {
		cw_read_error(r, node, &node->args[0], "%s: the path has more than %u bytes",
			s->name, s->max);
		return;
	}
	if (cw_arena_printf(&r->config->arena, &path, "%.*s%.*s", folder_len, place.file,
		    CW_STR_ARG(text)) != 0)
		r->error = -ENOMEM;
	else
		*(const char **)value = path.p;
}

/* ---- names ---- */

bool cw_read_name(struct cw_reader *r, struct cw_table *names, const char *what,
	const struct cw_conf_node *node, struct cw_named **out)
{
	const struct cw_conf_word *word = &node->args[0];
	struct cw_named *named = cw_arena_alloc(&r->scratch, sizeof(*named)), *first;
	struct cw_table_link *link;

	*out = named;
	if (!named) {
		r->error = -ENOMEM;
		return false;
	}
	named->place = cw_conf_place(node, word);
	if (word->text.len == 0 || word->text.len > CW_NAME_MAX) {
		cw_read_error(r, node, word, "a %s has a name of 1 to %d bytes", what, CW_NAME_MAX);
		return false;
	}
	link = cw_table_find(names, word->text);
	if (link) {
		first = cw_container_of(link, struct cw_named, link);
		cw_read_error(r, node, word,
			"%s \"%.*s\" stands here twice; the first one is in %s:%u", what,
			CW_STR_ARG(word->text), first->place.file, first->place.line);
		return false;
	}
	if (cw_table_insert(names, &named->link, word->text) != 0)
		r->error = -ENOMEM;
	return r->error == 0;
}

/* The nearest zone; the list of names is made for the first mistake. */
static const char *nearest_zone(struct cw_reader *r, struct cw_str given)
{
	size_t i;

	if (!r->zone_names) {
		r->zone_names =
			cw_arena_alloc(&r->scratch, (r->n_zones + 1) * sizeof(*r->zone_names));
		if (!r->zone_names)
			return NULL;
		for (i = 0; i < r->n_zones; i++)
			r->zone_names[i] = r->zone_list[i]->name.p;
	}
	return cw_diag_nearest(given, r->zone_names);
}

const struct cw_zone *cw_read_zone_name(struct cw_reader *r, const struct cw_conf_node *node,
	const struct cw_conf_word *word, bool default_is_one)
{
	struct cw_table_link *link = cw_table_find(&r->zones, word->text);
	const struct cw_zone *zone = NULL;
	const char *nearest;

	if (link)
		zone = cw_container_of(link, struct cw_named, link)->object;
	if (zone && zone->index == 0 && !default_is_one) {
		cw_read_error(r, node, word,
			"the zone \"default\" is where strangers come from: it can be a source, "
			"but no target");
		return NULL;
	}
	if (!zone) {
		nearest = nearest_zone(r, word->text);
		cw_read_error(r, node, word, "unknown zone \"%.*s\"%s%s%s",
			(int)(word->text.len > CW_NAME_MAX ? CW_NAME_MAX : word->text.len),
			word->text.p, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?" : "");
	}
	return zone;
}

static void read_zone_name(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, void *value)
{
	(void)s;
	*(const struct cw_zone **)value = cw_read_zone_name(r, node, &node->args[0], false);
}

/* ---- by type ---- */

void cw_read_value(struct cw_reader *r, const struct cw_setting *s, const struct cw_conf_node *node,
	void *draft)
{
	static void (*const readers[CW_TYPE_COUNT])(struct cw_reader *, const struct cw_setting *,
		const struct cw_conf_node *, void *) = {
		[CW_TYPE_BOOL] = read_bool,
		[CW_TYPE_NUMBER] = read_number,
		[CW_TYPE_DURATION] = read_duration,
		[CW_TYPE_CHOICE] = read_choice,
		[CW_TYPE_HOST] = read_host,
		[CW_TYPE_HOSTS] = read_hosts,
		[CW_TYPE_FILE] = read_file,
		[CW_TYPE_ZONE] = read_zone_name,
	};

	if (readers[s->type])
		readers[s->type](r, s, node, (char *)draft + s->offset);
}
