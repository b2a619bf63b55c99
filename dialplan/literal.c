/*
 * The mandatory literals of a regex, from its syntax tree.
 *
 * What a part of the regex can match is followed as long as it is one of a few texts: those of the parts that stand side by side
 * are multiplied out. Where it is not, what was gathered is a need, and gathering begins anew.
 *
 * Packed, a literal is a byte for its place and whether it is the last of its need, a byte for its length, and its bytes.
 */
#include "dialplan/literal.h"

#include "dialplan/syntax.h"

#include <errno.h>

#define PACKED_HEAD 2
#define PACKED_LAST 0x80

#define DEPTH_MAX  16    /* parts in parts; of what is deeper nothing is said */
#define REPEAT_MAX 4     /* times that something optional is written out */
#define ROOM_SIZE  16384 /* bytes of the tree that need no memory of the heap */

/* Some texts, in lower case. */
struct texts {
	size_t n;
	struct text {
		unsigned char len;
		char p[CW_LITERAL_MAX];
	} items[CW_NEED_LITERALS];
};

/* Texts of which one is there, each in its place. */
struct need {
	int score; /* how much it is likely to leave out */
	struct texts texts;
	enum cw_literal_place places[CW_NEED_LITERALS];
};

/* The best needs of a part of the regex, in no order. */
struct needs {
	size_t n;
	struct need items[CW_NEEDS_MAX];
};

/* ---- texts ---- */

static void only_the_empty_text(struct texts *t)
{
	t->n = 1;
	t->items[0].len = 0;
}

/* Add a text, unless it is there; false: there is no room. */
static bool add_text(struct texts *t, const char *p, size_t len)
{
	struct text *item = &t->items[t->n];
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->items[i].len == len && memcmp(t->items[i].p, p, len) == 0)
			return true;
	if (t->n == CW_NEED_LITERALS)
		return false;
	item->len = (unsigned char)len;
	memcpy(item->p, p, len);
	t->n++;
	return true;
}

/* Put each of `more` behind each text; false, and nothing is changed: they become too many or too long. */
static bool multiply(struct texts *t, const struct texts *more)
{
	const size_t n = t->n;
	size_t i, k, longest = 0, longest_more = 0;
	struct text *to;

	for (i = 0; i < n; i++)
		longest = t->items[i].len > longest ? t->items[i].len : longest;
	for (i = 0; i < more->n; i++)
		longest_more =
			more->items[i].len > longest_more ? more->items[i].len : longest_more;
	if (n * more->n > CW_NEED_LITERALS || longest + longest_more > CW_LITERAL_MAX)
		return false;
	/* from behind, so that a text is read before it is overwritten: item 0 of the copies is the text itself */
	for (k = more->n; k-- > 0;) {
		for (i = 0; i < n; i++) {
			to = &t->items[k * n + i];
			if (k > 0)
				*to = t->items[i];
			memcpy(to->p + to->len, more->items[k].p, more->items[k].len);
			to->len = (unsigned char)(to->len + more->items[k].len);
		}
	}
	t->n = n * more->n;
	return true;
}

static bool add_texts(struct texts *t, const struct texts *more)
{
	size_t i;

	for (i = 0; i < more->n; i++)
		if (!add_text(t, more->items[i].p, more->items[i].len))
			return false;
	return true;
}

/* The texts of one byte; false: too many, or none at all. */
static bool texts_of_set(struct texts *t, const struct cw_byte_set *set)
{
	uint64_t bits;
	unsigned word;
	char byte, lower;

	t->n = 0;
	for (word = 0; word < 4; word++) {
		for (bits = set->bits[word]; bits; bits &= bits - 1) {
			byte = (char)(word * 64 + (unsigned)__builtin_ctzll(bits));
			lower = cw_char_lower(byte);
			if (lower != byte && cw_byte_set_has(set, (unsigned char)lower))
				continue;
			if (!add_text(t, &lower, 1))
				return false;
		}
	}
	return t->n > 0;
}

static bool texts_of(struct texts *t, const struct cw_syntax *node, unsigned depth);

static bool texts_of_sequence(struct texts *t, const struct cw_syntax *node, unsigned depth)
{
	struct texts more;
	size_t i;

	only_the_empty_text(t);
	for (i = 0; i < node->n_children; i++)
		if (!texts_of(&more, node->children[i], depth) || !multiply(t, &more))
			return false;
	return true;
}

static bool texts_of_choice(struct texts *t, const struct cw_syntax *node, unsigned depth)
{
	struct texts more;
	size_t i;

	t->n = 0;
	for (i = 0; i < node->n_children; i++)
		if (!texts_of(&more, node->children[i], depth) || !add_texts(t, &more))
			return false;
	return true;
}

static bool texts_of_repeat(struct texts *t, const struct cw_syntax *node, unsigned depth)
{
	struct texts once, times;
	uint32_t n;

	if (node->max > CW_LITERAL_MAX || (node->max > REPEAT_MAX && node->min != node->max) ||
		!texts_of(&once, node->children[0], depth))
		return false;
	only_the_empty_text(&times);
	t->n = 0;
	for (n = 0; n <= node->max; n++) {
		if (n >= node->min && !add_texts(t, &times))
			return false;
		if (n < node->max && !multiply(&times, &once))
			return false;
	}
	return true;
}

/* All texts that a node can match (and perhaps more: a look-around and an atomic group only leave out); false: too many. */
static bool texts_of(struct texts *t, const struct cw_syntax *node, unsigned depth)
{
	if (depth == DEPTH_MAX)
		return false;
	depth++;
	switch (node->kind) {
	case CW_SYNTAX_EMPTY:
	case CW_SYNTAX_BEGIN:
	case CW_SYNTAX_END:
	case CW_SYNTAX_LOOK:
		only_the_empty_text(t);
		return true;
	case CW_SYNTAX_BYTES:
		return texts_of_set(t, &node->set);
	case CW_SYNTAX_SEQUENCE:
		return texts_of_sequence(t, node, depth);
	case CW_SYNTAX_CHOICE:
		return texts_of_choice(t, node, depth);
	case CW_SYNTAX_REPEAT:
		return texts_of_repeat(t, node, depth);
	case CW_SYNTAX_ATOMIC:
		return texts_of(t, node->children[0], depth);
	case CW_SYNTAX_REFERENCE:
		break;
	}
	return false;
}

/* ---- needs ---- */

static enum cw_literal_place place_of(bool begin, bool end)
{
	if (begin)
		return end ? CW_LITERAL_WHOLE : CW_LITERAL_BEGIN;
	return end ? CW_LITERAL_END : CW_LITERAL_ANYWHERE;
}

/* Give a need its score; false: it leaves out too little to be one. */
static bool rate(struct need *need)
{
	static const int bonus[] = {[CW_LITERAL_ANYWHERE] = 0,
		[CW_LITERAL_BEGIN] = 2,
		[CW_LITERAL_END] = 2,
		[CW_LITERAL_WHOLE] = CW_LITERAL_MAX};
	int worth, worst = INT32_MAX;
	size_t i, len;

	for (i = 0; i < need->texts.n; i++) {
		len = need->texts.items[i].len;
		if (len < (need->places[i] == CW_LITERAL_WHOLE ? 1 : CW_LITERAL_MIN))
			return false;
		worth = (int)len + bonus[need->places[i]];
		worst = worth < worst ? worth : worst;
	}
	/* as many literals as are one byte's worth of text */
	need->score = worst * CW_NEED_LITERALS - (int)need->texts.n;
	return need->texts.n > 0;
}

/* Keep a need if it is among the best. */
static void keep(struct needs *needs, const struct need *need)
{
	size_t i, worst = 0;

	if (needs->n < CW_NEEDS_MAX) {
		needs->items[needs->n++] = *need;
		return;
	}
	for (i = 1; i < CW_NEEDS_MAX; i++)
		if (needs->items[i].score < needs->items[worst].score)
			worst = i;
	if (needs->items[worst].score < need->score)
		needs->items[worst] = *need;
}

static const struct need *best_of(const struct needs *needs)
{
	const struct need *best = &needs->items[0];
	size_t i;

	for (i = 1; i < needs->n; i++)
		if (needs->items[i].score > best->score)
			best = &needs->items[i];
	return best;
}

static void keep_texts(struct needs *needs, const struct texts *texts, enum cw_literal_place place)
{
	struct need need;
	size_t i;

	need.texts.n = texts->n;
	memcpy(need.texts.items, texts->items, texts->n * sizeof(texts->items[0]));
	for (i = 0; i < texts->n; i++)
		need.places[i] = place;
	if (rate(&need))
		keep(needs, &need);
}

static void find(
	struct needs *out, const struct cw_syntax *node, bool begin, bool end, unsigned depth);

static void find_in_sequence(
	struct needs *out, const struct cw_syntax *node, bool begin, bool end, unsigned depth)
{
	struct texts run, more;
	bool run_begin = begin, last;
	size_t i;

	only_the_empty_text(&run);
	for (i = 0; i < node->n_children; i++) {
		last = i + 1 == node->n_children;
		if (texts_of(&more, node->children[i], depth)) {
			if (multiply(&run, &more))
				continue;
			keep_texts(out, &run, place_of(run_begin, false));
			run = more;
		} else {
			/* what may be empty is no need, and what follows stands where it stood */
			keep_texts(out, &run, place_of(run_begin, false));
			find(out, node->children[i],
				run_begin && run.n == 1 && run.items[0].len == 0, end && last,
				depth);
			only_the_empty_text(&run);
		}
		run_begin = false;
	}
	keep_texts(out, &run, place_of(run_begin, end));
}

/* One need of each alternative, together; none if one of them has none. */
static void find_in_choice(
	struct needs *out, const struct cw_syntax *node, bool begin, bool end, unsigned depth)
{
	const struct need *best;
	struct needs needs;
	struct need all;
	size_t i;

	all.texts.n = 0;
	for (i = 0; i < node->n_children; i++) {
		needs.n = 0;
		find(&needs, node->children[i], begin, end, depth);
		if (needs.n == 0)
			return;
		best = best_of(&needs);
		if (all.texts.n + best->texts.n > CW_NEED_LITERALS)
			return;
		/* a text may stand there twice, in two places */
		memcpy(all.places + all.texts.n, best->places,
			best->texts.n * sizeof(best->places[0]));
		memcpy(all.texts.items + all.texts.n, best->texts.items,
			best->texts.n * sizeof(best->texts.items[0]));
		all.texts.n += best->texts.n;
	}
	if (rate(&all))
		keep(out, &all);
}

/* Add the needs of a node that stands at the begin or the end of the text, or both. */
static void find(
	struct needs *out, const struct cw_syntax *node, bool begin, bool end, unsigned depth)
{
	struct texts texts;

	if (depth == DEPTH_MAX)
		return;
	depth++;
	if (texts_of(&texts, node, depth)) {
		keep_texts(out, &texts, place_of(begin, end));
		return;
	}
	switch (node->kind) {
	case CW_SYNTAX_SEQUENCE:
		find_in_sequence(out, node, begin, end, depth);
		break;
	case CW_SYNTAX_CHOICE:
		find_in_choice(out, node, begin, end, depth);
		break;
	case CW_SYNTAX_REPEAT:
		/* the first time stands at the begin, and ends there only when it is the last */
		if (node->min > 0)
			find(out, node->children[0], begin, end && (node->max == 1 || !begin),
				depth);
		break;
	case CW_SYNTAX_ATOMIC:
		find(out, node->children[0], begin, end, depth);
		break;
	case CW_SYNTAX_EMPTY:
	case CW_SYNTAX_BYTES:
	case CW_SYNTAX_BEGIN:
	case CW_SYNTAX_END:
	case CW_SYNTAX_LOOK:
	case CW_SYNTAX_REFERENCE:
		break;
	}
}

/* ---- a regex that is a literal and nothing else ---- */

/* Whether a node is .*, which any text without a newline is. */
static bool is_anything(const struct cw_syntax *node)
{
	struct cw_byte_set all_but_newline = {0};

	cw_byte_set_add(&all_but_newline, '\n');
	cw_byte_set_negate(&all_but_newline);
	return node->kind == CW_SYNTAX_REPEAT && node->min == 0 &&
	       node->max == CW_SYNTAX_UNBOUNDED && node->children[0]->kind == CW_SYNTAX_BYTES &&
	       cw_byte_set_eq(&node->children[0]->set, &all_but_newline);
}

/* Whether what texts_of says of a node is all there is to it. */
static bool is_literal(const struct cw_syntax *node)
{
	size_t i;

	if (node->kind == CW_SYNTAX_EMPTY || node->kind == CW_SYNTAX_BYTES)
		return true;
	if (node->kind != CW_SYNTAX_SEQUENCE && node->kind != CW_SYNTAX_CHOICE)
		return false;
	for (i = 0; i < node->n_children && is_literal(node->children[i]); i++)
		;
	return i == node->n_children;
}

/* The texts of some literals that stand side by side; false: too many, or they are no literals. */
static bool texts_of_literals(struct texts *t, const struct cw_syntax *const *nodes, size_t n)
{
	struct texts more;
	size_t i;

	only_the_empty_text(t);
	for (i = 0; i < n; i++)
		if (!is_literal(nodes[i]) || !texts_of(&more, nodes[i], 0) || !multiply(t, &more))
			return false;
	return true;
}

/* Find the one need that a regex is, if it is one, or none where it is .* alone. */
static bool find_whole(struct needs *out, const struct cw_syntax *tree)
{
	bool is_sequence = tree->kind == CW_SYNTAX_SEQUENCE, begin = true, end = true;
	const struct cw_syntax *const *parts = is_sequence ? tree->children : &tree;
	size_t n = is_sequence ? tree->n_children : 1;
	struct texts texts;

	for (; n && parts[0]->kind == CW_SYNTAX_BEGIN; n--)
		parts++;
	for (; n && is_anything(parts[0]); n--, begin = false)
		parts++;
	for (; n && parts[n - 1]->kind == CW_SYNTAX_END; n--)
		;
	for (; n && is_anything(parts[n - 1]); n--)
		end = false;
	if (n == 0)
		return !begin || !end;
	if (texts_of_literals(&texts, parts, n))
		keep_texts(out, &texts, place_of(begin, end));
	return out->n > 0;
}

static char *pack(char *at, const struct need *need)
{
	size_t i, len;

	for (i = 0; i < need->texts.n; i++) {
		len = need->texts.items[i].len;
		at[0] = (char)(need->places[i] | (i + 1 == need->texts.n ? PACKED_LAST : 0));
		at[1] = (char)len;
		memcpy(at + PACKED_HEAD, need->texts.items[i].p, len);
		at += PACKED_HEAD + len;
	}
	return at;
}

int cw_literal_find(size_t *len, bool *is_all, char out[static CW_NEEDS_SIZE], struct cw_str regex)
{
	_Alignas(max_align_t) char room[ROOM_SIZE];
	const struct cw_syntax *tree;
	struct cw_syntax_error error;
	struct needs needs;
	struct cw_arena arena;
	char *at = out;
	size_t i;
	int r;

	needs.n = 0;
	cw_arena_init_in(&arena, room, sizeof(room), 0);
	r = cw_syntax_read(&tree, regex, &arena, &error);
	*is_all = r == 0 && find_whole(&needs, tree);
	if (r == 0 && !*is_all)
		find(&needs, tree, true, true, 0);
	cw_arena_finish(&arena);
	if (r < 0)
		return r;
	for (i = 0; i < needs.n; i++)
		at = pack(at, &needs.items[i]);
	*len = (size_t)(at - out);
	return 0;
}

size_t cw_literal_next(struct cw_str *needs, struct cw_literal any_of[static CW_NEED_LITERALS])
{
	size_t n = 0, len;
	bool last = needs->len == 0;
	unsigned char head;

	while (!last) {
		head = (unsigned char)needs->p[0];
		len = (unsigned char)needs->p[1];
		last = head & PACKED_LAST;
		any_of[n].place = (enum cw_literal_place)(head & ~PACKED_LAST);
		any_of[n++].text = cw_str_make(needs->p + PACKED_HEAD, len);
		*needs = cw_str_from(*needs, PACKED_HEAD + len);
	}
	return n;
}

static bool holds(struct cw_str text, struct cw_str literal)
{
	size_t i;

	for (i = 0; i + literal.len <= text.len; i++)
		if (cw_char_lower(text.p[i]) == literal.p[0] &&
			cw_bytes_case_eq(text.p + i, literal.p, literal.len))
			return true;
	return false;
}

bool cw_literal_is_in(struct cw_literal literal, struct cw_str text)
{
	switch (literal.place) {
	case CW_LITERAL_ANYWHERE:
		return holds(text, literal.text);
	case CW_LITERAL_BEGIN:
		return cw_str_case_starts(text, literal.text);
	case CW_LITERAL_END:
		return cw_str_case_ends(text, literal.text);
	case CW_LITERAL_WHOLE:
		return cw_str_case_eq(text, literal.text);
	}
	return true;
}

bool cw_literal_all_met(struct cw_str needs, struct cw_str text)
{
	struct cw_literal any_of[CW_NEED_LITERALS];
	size_t i, n;

	while ((n = cw_literal_next(&needs, any_of)) > 0) {
		for (i = 0; i < n && !cw_literal_is_in(any_of[i], text); i++)
			;
		if (i == n)
			return false;
	}
	return true;
}
