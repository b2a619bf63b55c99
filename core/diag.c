/* Collecting and printing what is wrong with a file that a person wrote. */
#include "core/diag.h"

#include <stdarg.h>
#include <stdlib.h>

#define MESSAGE_MAX 512 /* bytes of one message; a word of the file can be 64 KiB */
#define CLOSE_MAX   64  /* longer names have no neighbours */

static const char *const severity_names[] = {
	[CW_SEVERITY_WARNING] = "warning",
	[CW_SEVERITY_ERROR] = "error",
};

void cw_diag_finish(struct cw_diag *diag)
{
	size_t i;

	for (i = 0; i < diag->count; i++) {
		/* The collection made these copies itself; the struct is const for its readers. */
		free((void *)(uintptr_t)diag->entries[i].place.file);
		free((void *)(uintptr_t)diag->entries[i].place.source.p);
		free(diag->entries[i].message);
	}
	free(diag->entries);
	*diag = (struct cw_diag){0};
}

/* The length of the UTF-8 sequence at `p`, or 0 when it is malformed, overlong, a surrogate or a control character. */
static size_t printable_len(const unsigned char *p, size_t len)
{
	uint32_t c;
	size_t n, i;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
		(c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

/* Make `len` bytes fit for a terminal and for JSON: what is no printable UTF-8 becomes a question mark. */
static void make_printable(char *text, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		n = printable_len((const unsigned char *)text + i, len - i);
		if (n == 0)
			text[i] = '?';
		i += n ? n : 1;
	}
}

void cw_place_clip(struct cw_place *place)
{
	size_t before = place->column - 1 - place->source_from;
	size_t cut = before - CW_DIAG_SOURCE_MAX / 2;

	if (place->source.len > CW_DIAG_SOURCE_MAX && before > CW_DIAG_SOURCE_MAX / 2) {
		place->source = cw_str_from(place->source, cut);
		place->source_from += cut;
	}
	if (place->source.len > CW_DIAG_SOURCE_MAX)
		place->source.len = CW_DIAG_SOURCE_MAX;
}

/* Keep a copy of `from` in *to; of a long source line only what stands around the place. */
static int copy_place(struct cw_diag_entry *to, const struct cw_place *from)
{
	struct cw_place place = *from;
	char *file, *source = NULL;

	file = cw_str_dup(cw_str_of(from->file));
	if (!file)
		return -1;
	if (place.line) {
		cw_place_clip(&place);
		source = cw_str_dup(place.source);
		if (!source) {
			free(file);
			return -1;
		}
	}
	to->place = place;
	to->place.file = file;
	to->place.source.p = source;
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Put the finished entry at the end. */
static int keep(struct cw_diag *diag, struct cw_diag_entry *e)
{
	size_t capacity = diag->capacity ? diag->capacity * 2 : 8;
	struct cw_diag_entry *grown;
	size_t i;

	if (diag->count == diag->capacity) {
		grown = realloc(diag->entries, capacity * sizeof(*grown));
		if (!grown)
			return -1;
		diag->entries = grown;
		diag->capacity = capacity;
	}
	e->file_rank = diag->count;
	for (i = 0; i < diag->count; i++) {
		if (same_file(diag->entries[i].place.file, e->place.file)) {
			e->file_rank = diag->entries[i].file_rank;
			break;
		}
	}
	diag->entries[diag->count++] = *e;
	diag->kept[e->severity]++;
	return 0;
}

void cw_diag_add(struct cw_diag *diag, enum cw_severity severity, const struct cw_place *place,
	const char *format, ...)
{
	struct cw_diag_entry e = {.severity = severity};
	char message[MESSAGE_MAX];
	va_list args;

	if (severity == CW_SEVERITY_ERROR)
		diag->errors++;
	else
		diag->warnings++;
	if (diag->kept[severity] >= CW_DIAG_MAX) {
		diag->dropped++;
		return;
	}

	va_start(args, format);
	if (vsnprintf(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	va_end(args);
	make_printable(message, strlen(message));

	e.message = cw_str_dup(cw_str_of(message));
	if (!e.message)
		goto dropped;
	if (place && place->file && copy_place(&e, place) < 0)
		goto dropped;
	if (keep(diag, &e) == 0)
		return;
	free((void *)(uintptr_t)e.place.file);
	free((void *)(uintptr_t)e.place.source.p);
dropped:
	free(e.message);
	diag->dropped++;
}

static bool before(const struct cw_diag_entry *a, const struct cw_diag_entry *b)
{
	if (a->file_rank != b->file_rank)
		return a->file_rank < b->file_rank;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line;
	return a->place.column < b->place.column;
}

void cw_diag_sort(struct cw_diag *diag)
{
	struct cw_diag_entry e;
	size_t i, k;

	/* By insertion: stable, and there are a few hundred at most. */
	for (i = 1; i < diag->count; i++) {
		e = diag->entries[i];
		for (k = i; k > 0 && before(&e, &diag->entries[k - 1]); k--)
			diag->entries[k] = diag->entries[k - 1];
		diag->entries[k] = e;
	}
}

/* The source line and below it the caret, in columns as a terminal shows them: one for each character, tabs as tabs. */
static void print_source(const struct cw_diag_entry *e, FILE *out)
{
	const unsigned char *p = (const unsigned char *)e->place.source.p;
	size_t len = e->place.source.len;
	size_t at = e->place.column - 1 - e->place.source_from;
	size_t i, n, width = e->place.width ? e->place.width : 1;

	for (i = 0; i < len; i += n ? n : 1) {
		n = p[i] == '\t' ? 1 : printable_len(p + i, len - i);
		if (n)
			fwrite(p + i, 1, n, out);
		else
			fputc('?', out);
	}
	fputc('\n', out);
	for (i = 0; i < at && i < len; i += n ? n : 1) {
		n = printable_len(p + i, len - i);
		fputc(p[i] == '\t' ? '\t' : ' ', out);
	}
	fputc('^', out);
	for (i = at; i < len && i - at < width; i += n ? n : 1) {
		n = printable_len(p + i, len - i);
		if (i > at)
			fputc('~', out);
	}
	fputc('\n', out);
}

static void print_entry(const struct cw_diag_entry *e, FILE *out)
{
	if (e->place.file && e->place.line)
		fprintf(out, "%s:%u:%u: ", e->place.file, e->place.line, e->place.column);
	else if (e->place.file)
		fprintf(out, "%s: ", e->place.file);
	fprintf(out, "%s: %s\n", severity_names[e->severity], e->message);
	if (e->place.file && e->place.line)
		print_source(e, out);
}

void cw_diag_print(const struct cw_diag *diag, FILE *out)
{
	struct cw_diag sorted = *diag;
	size_t i;

	sorted.entries = calloc(diag->count + 1, sizeof(*sorted.entries));
	if (sorted.entries) {
		for (i = 0; i < diag->count; i++)
			sorted.entries[i] = diag->entries[i];
		cw_diag_sort(&sorted);
	}
	for (i = 0; i < diag->count; i++)
		print_entry(sorted.entries ? &sorted.entries[i] : &diag->entries[i], out);
	free(sorted.entries);

	if (diag->errors + diag->warnings == 0)
		return;
	fprintf(out, "%zu error%s, %zu warning%s", diag->errors, diag->errors == 1 ? "" : "s",
		diag->warnings, diag->warnings == 1 ? "" : "s");
	if (diag->dropped)
		fprintf(out, " (%zu of them not shown)", diag->dropped);
	fputc('\n', out);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edits (insert, delete, replace, swap of neighbours) that lead from a to b; more than `limit` is answered as limit + 1.
 * Three rows of the usual table: the one before the last is for the swap.
 */
static size_t distance(struct cw_str a, struct cw_str b, size_t limit)
{
	size_t rows[3][CLOSE_MAX + 1], i, k, cost, best;
	size_t *prev2 = rows[0], *prev = rows[1], *row = rows[2], *spare;

	if (a.len > b.len + limit || b.len > a.len + limit)
		return limit + 1;
	for (k = 0; k <= b.len; k++)
		prev[k] = k;
	for (i = 1; i <= a.len; i++) {
		row[0] = best = i;
		for (k = 1; k <= b.len; k++) {
			cost = cw_char_lower(a.p[i - 1]) != cw_char_lower(b.p[k - 1]);
			row[k] = smaller(smaller(prev[k], row[k - 1]) + 1, prev[k - 1] + cost);
			if (i > 1 && k > 1 &&
				cw_char_lower(a.p[i - 1]) == cw_char_lower(b.p[k - 2]) &&
				cw_char_lower(a.p[i - 2]) == cw_char_lower(b.p[k - 1]))
				row[k] = smaller(row[k], prev2[k - 2] + 1);
			best = smaller(best, row[k]);
		}
		if (best > limit)
			return limit + 1;
		spare = prev2;
		prev2 = prev;
		prev = row;
		row = spare;
	}
	return prev[b.len];
}

const char *cw_diag_nearest(struct cw_str given, const char *const *names)
{
	size_t limit = given.len / 3 ? given.len / 3 : 1, d;
	const char *nearest = NULL;
	struct cw_str name;

	if (given.len < 2 || given.len > CLOSE_MAX)
		return NULL;
	for (; *names; names++) {
		name = cw_str_of(*names);
		if (name.len > CLOSE_MAX)
			continue;
		d = distance(given, name, limit);
		if (d <= limit) {
			nearest = *names;
			if (d == 0)
				break;
			limit = d -
				1; /* only a nearer one replaces it: the first of equals stands */
		}
	}
	return nearest;
}
