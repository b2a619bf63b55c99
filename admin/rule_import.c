/*
 * Search rules of an Expressway into a rule file: read, named, written.
 */
#include "admin/rule_import.h"

#include "admin/csv.h"
#include "admin/expressway_rule.h"
#include "admin/rule_file.h"
#include "admin/text.h"
#include "admin/xconfiguration.h"
#include "core/table.h"

#include <errno.h>

/* A rule of the import, in order of reading. */
struct imported {
	struct imported *next;
	struct cw_table_link link; /* by number, where rules have one */
	struct cw_expressway_rule rule;
};

/* A name that is taken, of a rule or of a zone. */
struct taken {
	struct taken *next;
	struct cw_table_link link;
	struct cw_str name;
	unsigned copies; /* rules that were called so */
};

/* A column of a table. */
struct column {
	enum cw_expressway_field field;
	struct cw_str heading;
	const char *near; /* of an unknown one: what may be meant */
};

struct import {
	struct cw_rule_import *result;
	FILE *out, *remarks;
	struct cw_str file; /* printable */
	struct cw_arena arena;
	struct imported *first, *last;
	size_t n_rules;
	struct cw_table numbers, names, zones;
	struct taken *first_zone, *last_zone;
	struct cw_remarks general; /* about the file, not about a rule */
	struct column columns[CW_CSV_CELLS_MAX];
	size_t n_columns;
	bool lacks_criterion; /* no column for one of those that restrict a rule */
};

static int unreadable(struct import *im, const char *why)
{
	im->result->unreadable = why;
	return CW_RULE_IMPORT_E_UNREADABLE;
}

static int new_rule(
	struct import *im, unsigned line, unsigned number, struct cw_expressway_rule **out)
{
	struct imported *imported = cw_arena_alloc(&im->arena, sizeof(*imported));
	struct cw_str key;

	if (im->n_rules == CW_RULE_IMPORT_RULES_MAX)
		return unreadable(im, "it holds more than 20,000 rules");
	if (!imported)
		return -ENOMEM;
	imported->rule.line = line;
	imported->rule.number = number;
	key = cw_str_make((const char *)&imported->rule.number, sizeof(number));
	if (number && cw_table_insert(&im->numbers, &imported->link, key) != 0)
		return -ENOMEM;
	if (im->last)
		im->last->next = imported;
	else
		im->first = imported;
	im->last = imported;
	im->n_rules++;
	*out = &imported->rule;
	return 0;
}

/* ---- what the command line prints ---- */

static int numbered_rule(
	struct import *im, const struct cw_xstatement *s, struct cw_expressway_rule **out)
{
	struct cw_str key = {(const char *)&s->number, sizeof(s->number)};
	struct cw_table_link *link = cw_table_find(&im->numbers, key);

	if (!link)
		return new_rule(im, s->line, s->number, out);
	*out = &cw_container_of(link, struct imported, link)->rule;
	return 0;
}

/* A statement about search rules that cannot be read: with its rule it would lose a criterion. */
static int add_broken(struct import *im, const struct cw_xstatement *s)
{
	static const struct cw_str key = CW_STR("statement");
	struct cw_expressway_rule *rule;
	struct cw_str shown;
	int r = cw_text_shown(&shown, s->raw, &im->arena);

	if (!r && s->number == 0)
		return cw_remarks_add(&im->general, &im->arena, s->line,
			"this statement cannot be read: %" CW_STR_FMT, CW_STR_ARG(shown));
	if (!r)
		r = numbered_rule(im, s, &rule);
	if (r)
		return r;
	rule->refused = true;
	r = cw_expressway_rule_set(rule, CW_EXPRESSWAY_UNKNOWN, key, s->raw, s->line, &im->arena);
	return r ? r
		 : cw_remarks_add(&rule->remarks, &im->arena, s->line,
			   "a statement about it cannot be read: %" CW_STR_FMT, CW_STR_ARG(shown));
}

static int add_statement(struct import *im, const struct cw_xstatement *s)
{
	enum cw_expressway_field field = cw_expressway_field(s->key);
	struct cw_expressway_rule *rule;
	struct cw_str shown;
	int r = numbered_rule(im, s, &rule);

	if (!r)
		r = cw_expressway_rule_set(rule, field, s->key, s->value, s->line, &im->arena);
	if (r || field != CW_EXPRESSWAY_UNKNOWN || s->value.len == 0)
		return r;
	/* it may be a criterion */
	rule->refused = true;
	r = cw_text_shown(&shown, s->key, &im->arena);
	return r ? r
		 : cw_remarks_add(&rule->remarks, &im->arena, s->line,
			   "%" CW_STR_FMT ": this setting is not known", CW_STR_ARG(shown));
}

static int read_statements(struct import *im, struct cw_str text)
{
	struct cw_xconfiguration reading = {.text = text, .line = 1};
	bool has_transforms = false;
	struct cw_xstatement s;
	int r = 0;

	while (!r && cw_xconfiguration_next(&reading, &s)) {
		switch (s.kind) {
		case CW_XSTATEMENT_RULE:
			r = add_statement(im, &s);
			break;
		case CW_XSTATEMENT_BROKEN:
			r = add_broken(im, &s);
			break;
		case CW_XSTATEMENT_TRANSFORM:
			if (!has_transforms)
				r = cw_remarks_add(&im->general, &im->arena, s.line,
					"transforms are not carried over: what they make of "
					"an alias, the rules do not see");
			has_transforms = true;
			break;
		}
	}
	return r;
}

/* ---- a table ---- */

/* Take a line "sep=;", with which spreadsheets name the separator, off the text. */
static void skip_separator_line(struct cw_csv *csv)
{
	static const struct cw_str mark = CW_STR("sep=");
	struct cw_str line = {csv->text.p, cw_str_find(csv->text, '\n')};

	if (!cw_str_case_starts(line, mark))
		return;
	csv->text = cw_str_from(csv->text, line.len + 1);
	csv->line++;
}

/* How many fields a record names, as the heading of a table. */
static size_t count_fields(const struct cw_csv_record *record)
{
	bool is_there[CW_EXPRESSWAY_FIELDS] = {false};
	enum cw_expressway_field field;
	size_t i, n = 0;

	for (i = 0; i < record->n_cells && !record->broken; i++) {
		field = cw_expressway_field(record->cells[i]);
		if (field < CW_EXPRESSWAY_FIELDS && !is_there[field]) {
			is_there[field] = true;
			n++;
		}
	}
	return is_there[CW_EXPRESSWAY_TARGET] || is_there[CW_EXPRESSWAY_PATTERN] ? n : 0;
}

/* Read the heading with the separator that makes most of it. Returns: 1 when it is one of search rules; 0; -ENOMEM. */
static int read_heading(
	struct import *im, struct cw_csv *csv, struct cw_str text, struct cw_csv_record *heading)
{
	static const char separators[] = {',', ';', '\t'};
	struct cw_csv_record record;
	struct cw_csv reading;
	size_t i, n, best = 1;
	int r;

	for (i = 0; i < sizeof(separators); i++) {
		reading = (struct cw_csv){.text = text, .line = 1, .separator = separators[i]};
		skip_separator_line(&reading);
		r = cw_csv_next(&reading, &record, &im->arena);
		if (r <= 0)
			return r;
		n = count_fields(&record);
		if (n > best) {
			best = n;
			*heading = record;
			*csv = reading;
		}
	}
	return best > 1;
}

/* Whether a column is for one of two fields. */
static bool has_column(
	const struct import *im, enum cw_expressway_field field, enum cw_expressway_field other)
{
	size_t i;

	for (i = 0; i < im->n_columns; i++)
		if (im->columns[i].field == field || im->columns[i].field == other)
			return true;
	return false;
}

/* What a rule is for if its table does not say: told, since whoever made the table may have left out what did not fit. */
static int tell_of_criteria(struct import *im, unsigned line)
{
	bool source = has_column(im, CW_EXPRESSWAY_SOURCE, CW_EXPRESSWAY_SOURCE_NAME),
	     authentication =
		     has_column(im, CW_EXPRESSWAY_AUTHENTICATION, CW_EXPRESSWAY_AUTHENTICATION),
	     variant = has_column(im, CW_EXPRESSWAY_VARIANT, CW_EXPRESSWAY_VARIANT);
	int r = 0;

	im->lacks_criterion = !source || !authentication || !variant;
	if (!source)
		r = cw_remarks_add(&im->general, &im->arena, line,
			"there is no column for the source: the rules are for any");
	if (!r && !authentication)
		r = cw_remarks_add(&im->general, &im->arena, line,
			"there is no column for authentication: the rules do not ask for it");
	return r;
}

static int set_columns(struct import *im, const struct cw_csv_record *heading)
{
	struct column *column;
	struct cw_str shown;
	size_t i;
	int r = 0;

	im->n_columns = heading->n_cells;
	for (i = 0; i < heading->n_cells && !r; i++) {
		column = &im->columns[i];
		column->heading = heading->cells[i];
		column->field = cw_expressway_field(column->heading);
		if (column->field != CW_EXPRESSWAY_UNKNOWN || column->heading.len == 0)
			continue;
		column->near = cw_expressway_field_near(column->heading);
		r = cw_text_shown(&shown, column->heading, &im->arena);
		if (!r)
			r = cw_remarks_add(&im->general, &im->arena, heading->line,
				"unknown column \"%" CW_STR_FMT "\"%s%s%s", CW_STR_ARG(shown),
				column->near ? "; did you mean \"" : "",
				column->near ? column->near : "", column->near ? "\"?" : "");
	}
	return r ? r : tell_of_criteria(im, heading->line);
}

/* Set what a record says. Returns: 0 and why the rule must be refused, or NULL, in *why; -ENOMEM. */
static int set_cells(struct import *im, struct cw_expressway_rule *rule,
	const struct cw_csv_record *record, const char **why)
{
	const struct column *column;
	size_t i;
	int r = 0;

	*why = record->broken;
	for (i = 0; i < record->n_cells && !*why && !r; i++) {
		column = i < im->n_columns ? &im->columns[i] : NULL;
		if (record->cells[i].len == 0)
			continue;
		if (!column || column->heading.len == 0)
			*why = "it has a cell without a heading";
		else if (column->field == CW_EXPRESSWAY_UNKNOWN &&
			 (column->near || im->lacks_criterion))
			*why = "it says something in a column that is not known and may be a "
			       "criterion";
		else
			r = cw_expressway_rule_set(rule, column->field, column->heading,
				record->cells[i], record->line, &im->arena);
	}
	return r;
}

static int add_record(struct import *im, const struct cw_csv_record *record)
{
	static const struct cw_str key = CW_STR("record");
	struct cw_expressway_rule *rule;
	const char *why;
	int r = new_rule(im, record->line, 0, &rule);

	if (!r)
		r = set_cells(im, rule, record, &why);
	if (r || !why)
		return r;
	rule->refused = true;
	r = cw_expressway_rule_set(
		rule, CW_EXPRESSWAY_UNKNOWN, key, record->raw, record->line, &im->arena);
	return r ? r : cw_remarks_add(&rule->remarks, &im->arena, record->line, "%s", why);
}

/* Read a table. Returns: 0; 1 when the text is none; CW_RULE_IMPORT_E_UNREADABLE comes with a reason; -ENOMEM. */
static int read_table(struct import *im, struct cw_str text, bool *is_table)
{
	struct cw_csv_record record;
	struct cw_csv csv;
	int r = read_heading(im, &csv, text, &record);

	*is_table = r > 0;
	if (r <= 0)
		return r;
	r = set_columns(im, &record);
	while (!r) {
		r = cw_csv_next(&csv, &record, &im->arena);
		if (r <= 0)
			return r;
		r = add_record(im, &record);
	}
	return r;
}

/* ---- names ---- */

/* Note a name. Returns: 0 with *out the entry, new or not; -ENOMEM. */
static int take_name(struct import *im, struct cw_table *names, struct cw_str name, bool *is_new,
	struct taken **out)
{
	struct cw_table_link *link = cw_table_find(names, name);
	struct taken *taken;

	*is_new = !link;
	if (link) {
		*out = cw_container_of(link, struct taken, link);
		return 0;
	}
	taken = cw_arena_alloc(&im->arena, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	taken->name = name;
	taken->copies = 1;
	*out = taken;
	return cw_table_insert(names, &taken->link, name);
}

/* Give the rule a name that no other has. */
static int make_unique(struct import *im, struct cw_expressway_rule *rule)
{
	struct cw_str given = rule->rule.name, base;
	struct taken *first, *taken;
	bool is_new;
	int r = take_name(im, &im->names, given, &is_new, &first);

	if (r || is_new)
		return r;
	base = cw_text_clip(given, CW_EXPRESSWAY_NAME_MAX - 8);
	while (!r && !is_new) {
		r = cw_arena_printf(&im->arena, &rule->rule.name, "%" CW_STR_FMT " (%u)",
			CW_STR_ARG(base), ++first->copies);
		if (!r)
			r = take_name(im, &im->names, rule->rule.name, &is_new, &taken);
	}
	return r ? r
		 : cw_remarks_add(&rule->remarks, &im->arena, rule->line,
			   "another rule has this name; here it is '%" CW_STR_FMT "'",
			   CW_STR_ARG(rule->rule.name));
}

static int name_rule(struct import *im, struct cw_expressway_rule *rule)
{
	int r = 0;

	if (rule->rule.name.len == 0) {
		r = rule->number
			    ? cw_arena_printf(&im->arena, &rule->rule.name, "rule %u", rule->number)
			    : cw_arena_printf(&im->arena, &rule->rule.name, "line %u", rule->line);
		if (!r && !rule->refused)
			r = cw_remarks_add(
				&rule->remarks, &im->arena, rule->line, "it has no name");
	}
	return r || rule->refused ? r : make_unique(im, rule);
}

static int expect_zone(struct import *im, struct cw_str name)
{
	static const struct cw_str default_zone = CW_STR("default");
	struct taken *zone;
	bool is_new;
	int r;

	if (name.len == 0 || cw_str_eq(name, default_zone))
		return 0;
	r = take_name(im, &im->zones, name, &is_new, &zone);
	if (r || !is_new)
		return r;
	if (im->last_zone)
		im->last_zone->next = zone;
	else
		im->first_zone = zone;
	im->last_zone = zone;
	return 0;
}

static int translate(struct import *im)
{
	struct imported *i;
	int r = 0;

	for (i = im->first; i && !r; i = i->next) {
		r = cw_expressway_rule_translate(&i->rule, &im->arena);
		if (!r)
			r = name_rule(im, &i->rule);
		if (!r && !i->rule.refused)
			r = expect_zone(im, i->rule.source);
		if (!r && !i->rule.refused)
			r = expect_zone(im, i->rule.target);
		im->result->refused += i->rule.refused;
		im->result->carried += !i->rule.refused;
	}
	return r;
}

/* ---- what is written ---- */

/* The remarks go to whoever asked as lines of their own. */
static void tell(
	struct import *im, const struct cw_remarks *remarks, const struct cw_expressway_rule *rule)
{
	const struct cw_remark *remark;

	for (remark = remarks->first; remark; remark = remark->next) {
		fprintf(im->remarks, "%" CW_STR_FMT ":%u: ", CW_STR_ARG(im->file), remark->line);
		if (rule)
			fprintf(im->remarks,
				"rule '%" CW_STR_FMT "'%s: ", CW_STR_ARG(rule->rule.name),
				rule->refused ? " is not carried over" : "");
		fprintf(im->remarks, "%" CW_STR_FMT "%s%s\n", CW_STR_ARG(remark->text),
			rule && rule->lets_through ? "; " : "",
			rule && rule->lets_through ? cw_rule_file_lets_through : "");
		im->result->remarks++;
	}
}

static void write_head(struct import *im)
{
	const struct cw_remark *remark;
	const struct taken *zone;

	fprintf(im->out,
		"# Search rules of an Expressway, from %" CW_STR_FMT
		": %zu carried over, %zu not.\n"
		"# Rules of one priority are asked in the order in which they stand here.\n",
		CW_STR_ARG(im->file), im->result->carried, im->result->refused);
	if (im->first_zone)
		(void)fputs("# The rules expect these zones in causeway.conf:\n", im->out);
	for (zone = im->first_zone; zone; zone = zone->next) {
		(void)fputs("#     zone ", im->out);
		cw_rule_file_word(im->out, zone->name);
		(void)fputc('\n', im->out);
	}
	for (remark = im->general.first; remark; remark = remark->next)
		fprintf(im->out, "# %" CW_STR_FMT ":%u: %" CW_STR_FMT "\n", CW_STR_ARG(im->file),
			remark->line, CW_STR_ARG(remark->text));
}

static int write_all(struct import *im)
{
	const struct imported *i;
	int r = 0;

	write_head(im);
	tell(im, &im->general, NULL);
	for (i = im->first; i && !r; i = i->next) {
		(void)fputc('\n', im->out);
		r = cw_rule_file_write(im->out, &i->rule, im->file, &im->arena);
		tell(im, &i->rule.remarks, &i->rule);
	}
	return r;
}

/* ---- all of it ---- */

/* Read the text in the form that it has. */
static int read_text(struct import *im, struct cw_str text)
{
	static const struct cw_str utf8_mark = CW_STR("\xef\xbb\xbf"),
				   utf16_le = CW_STR("\xff\xfe"), utf16_be = CW_STR("\xfe\xff");
	bool is_table;
	int r;

	if (text.len > CW_RULE_IMPORT_BYTES_MAX)
		return unreadable(im, "it is larger than 16 MiB");
	if (cw_str_starts(text, utf16_le) || cw_str_starts(text, utf16_be))
		return unreadable(im, "it is UTF-16; save it as UTF-8");
	if (cw_str_starts(text, utf8_mark))
		text = cw_str_from(text, utf8_mark.len);
	r = read_table(im, text, &is_table);
	if (!r && !is_table)
		r = read_statements(im, text);
	if (r || im->first)
		return r;
	return unreadable(im, is_table ? "the table holds no rule"
				       : "it holds neither a table of search rules with a heading "
					 "nor lines of xConfiguration Zones Policy SearchRules");
}

int cw_rule_import(struct cw_rule_import *result, FILE *out, FILE *remarks, const char *file,
	struct cw_str text)
{
	struct import im = {.result = result, .out = out, .remarks = remarks};
	int r;

	*result = (struct cw_rule_import){0};
	cw_table_init(&im.numbers);
	cw_table_init(&im.names);
	cw_table_init(&im.zones);
	r = cw_text_printable(&im.file, cw_str_of(file), &im.arena);
	if (!r)
		r = read_text(&im, text);
	if (!r)
		r = translate(&im);
	if (!r)
		r = write_all(&im);
	cw_table_finish(&im.numbers);
	cw_table_finish(&im.names);
	cw_table_finish(&im.zones);
	cw_arena_finish(&im.arena);
	return r;
}
