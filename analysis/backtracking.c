/*
 * The search for aliases that are expensive to match.
 *
 * A regex takes long where one text can be read in many ways and all of them fail: rounds of a
 * repeat whose text could as well be rounds of another one around it or next to it. A cheap look at
 * the tree says whether there are such repeats (in a usual pattern there are none, and it is not
 * matched at all); the matching itself says the rest.
 */
#include "analysis/backtracking.h"

#include "regular/sample.h"

#include <errno.h>

#define WIDE_MIN     8  /* rounds more or less that make a repeat count */
#define SIDE_BY_SIDE 3  /* repeats; among two, 64 bytes can be shared out in too few ways */
#define FORKS_MIN    10 /* choices that double the ways: 2^10 is a tenth of the match limit */
#define REPEATS_MAX  16 /* of one pattern that are tried */
#define SETS_MAX     8  /* repeated sets of bytes that bytes to try are taken from */
#define BYTES_MAX    16 /* and such bytes */
#define ROUNDS_MIN   2  /* in an alias that is tried */

/* ---- a look at the tree ---- */

/* Repeats side by side in words of a node: at its begin, at its end, and the most anywhere. */
struct chain {
	size_t first, last, most;
	bool is_open; /* nothing in the node must stand between repeats on either side */
};

struct shape {
	size_t n_forks;
	bool is_nested; /* a repeat or a choice in a repeat */
};

static bool is_repeating(const struct cw_syntax *node)
{
	return node->kind == CW_SYNTAX_REPEAT && node->max > 1;
}

static bool is_wide(const struct cw_syntax *node)
{
	return node->kind == CW_SYNTAX_REPEAT && node->max - node->min >= WIDE_MIN;
}

static void read_shape(struct shape *shape, const struct cw_syntax *node, bool is_inside)
{
	bool is_fork = node->kind == CW_SYNTAX_CHOICE ||
		       (node->kind == CW_SYNTAX_REPEAT && node->min != node->max);
	size_t i;

	shape->n_forks += is_fork;
	shape->is_nested |= is_fork && is_inside;
	for (i = 0; i < node->n_children; i++)
		read_shape(shape, node->children[i], is_inside || is_repeating(node));
}

static size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static struct chain read_chain(const struct cw_syntax *node);

static struct chain read_chain_of_sequence(const struct cw_syntax *node)
{
	struct chain all = {.is_open = true}, c;
	size_t i;

	for (i = 0; i < node->n_children; i++) {
		c = read_chain(node->children[i]);
		all.most = max_size(max_size(all.most, c.most), all.last + c.first);
		if (all.is_open)
			all.first += c.first;
		all.last = c.is_open ? all.last + c.last : c.last;
		all.is_open &= c.is_open;
	}
	return all;
}

static struct chain read_chain(const struct cw_syntax *node)
{
	struct chain all = {.is_open = true}, c;
	size_t i;

	if (node->kind == CW_SYNTAX_SEQUENCE)
		return read_chain_of_sequence(node);
	all.is_open = node->kind != CW_SYNTAX_BYTES;
	for (i = 0; i < node->n_children; i++) {
		c = read_chain(node->children[i]);
		all.first = max_size(all.first, c.first);
		all.last = max_size(all.last, c.last);
		all.most = max_size(all.most, c.most);
		all.is_open = i ? all.is_open || c.is_open : c.is_open;
	}
	if (node->kind == CW_SYNTAX_REPEAT && node->min == 0)
		all.is_open = true;
	if (is_wide(node) && node->children[0]->kind == CW_SYNTAX_BYTES)
		all = (struct chain){1, 1, 1, true};
	return all;
}

static bool is_suspicious(const struct cw_syntax *tree)
{
	struct shape shape = {0};

	read_shape(&shape, tree, false);
	return shape.is_nested || shape.n_forks >= FORKS_MIN ||
	       read_chain(tree).most >= SIDE_BY_SIDE;
}

/* ---- the search ---- */

struct search {
	const struct cw_pattern *pattern;
	struct cw_byte_set sets[SETS_MAX];
	size_t n_sets;
	char bytes[BYTES_MAX]; /* that may be rounds of several repeats */
	size_t n_bytes;
	size_t n_repeats, n_tries;
	struct cw_buf before, round, rest, after, alias;
	bool is_found; /* `alias` is it */
	int error;
};

/* An alias to be tried: before, so many rounds, after. */
struct words {
	struct cw_str before, round, after;
};

static bool is_over(const struct search *s)
{
	return s->is_found || s->error || s->n_tries >= CW_BACKTRACKING_TRIES_MAX;
}

/* Make the alias of so many rounds, and whether it exceeds the limit. */
static bool exceeds(struct search *s, const struct words *w, size_t rounds)
{
	size_t i;

	cw_buf_clear(&s->alias);
	cw_buf_add(&s->alias, w->before);
	for (i = 0; i < rounds; i++)
		cw_buf_add(&s->alias, w->round);
	cw_buf_add(&s->alias, w->after);
	if (s->alias.error == -ENOMEM)
		s->error = -ENOMEM;
	s->n_tries++;
	return !s->alias.error && s->alias.len && cw_sample_is_alias(cw_buf_str(&s->alias)) &&
	       cw_pattern_match(s->pattern, cw_buf_str(&s->alias)) == CW_MATCH_LIMIT;
}

/* Try as many rounds as fit; where they are too many, find the fewest that are. */
static void try_rounds(struct search *s, const struct words *w)
{
	size_t fixed = w->before.len + w->after.len, enough, low = 0, middle;

	if (is_over(s) || fixed + ROUNDS_MIN * w->round.len > CW_BACKTRACKING_ALIAS_MAX)
		return;
	enough = w->round.len ? (CW_BACKTRACKING_ALIAS_MAX - fixed) / w->round.len : 0;
	if (!exceeds(s, w, enough))
		return;
	while (low + 1 < enough) {
		middle = low + (enough - low) / 2;
		if (exceeds(s, w, middle))
			enough = middle;
		else
			low = middle;
	}
	s->is_found = exceeds(s, w, enough);
}

static struct cw_str checked(struct search *s, const struct cw_buf *word)
{
	/* a word that is too long for an alias is cut, and then tried all the same */
	if (word->error == -ENOMEM)
		s->error = -ENOMEM;
	return cw_buf_str(word);
}

/*
 * Try a round with all ends: what must follow and a byte too many (which fails at the very end),
 * the byte and then what must follow (which fails at once, and holds what the pattern's mandatory
 * literal asks for), the byte alone.
 */
static void try_ends(struct search *s, struct cw_str before, struct cw_str round)
{
	const struct cw_str rest = cw_buf_str(&s->rest), none = {0};
	const char bytes[] = {'!', rest.len ? rest.p[0] : '-', 'a', '0'};
	struct words w = {.before = before, .round = round};
	size_t i, k;

	for (i = 0; i < sizeof(bytes); i++) {
		const struct cw_str byte = {&bytes[i], 1};
		const struct cw_str ends[][3] = {
			{rest, byte, none}, {none, byte, rest}, {none, byte, none}};

		for (k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
			cw_buf_clear(&s->after);
			cw_buf_add(&s->after, ends[k][0]);
			cw_buf_add(&s->after, ends[k][1]);
			cw_buf_add(&s->after, ends[k][2]);
			w.after = checked(s, &s->after);
			try_rounds(s, &w);
		}
	}
}

/*
 * Try the repeat at the place with rounds that are words of its child, and with bytes that other
 * repeats take, too.
 */
static void try_repeat(
	struct search *s, const struct cw_syntax *node, const struct cw_syntax_place *place)
{
	enum cw_sample repeats;
	struct cw_str before, round;
	size_t i;

	if (s->n_repeats++ >= REPEATS_MAX)
		return;
	cw_buf_clear(&s->before);
	cw_sample_add_before(&s->before, place, CW_SAMPLE_SHORTEST);
	before = checked(s, &s->before);
	cw_buf_clear(&s->rest);
	cw_sample_add_after(&s->rest, place, CW_SAMPLE_SHORTEST);
	(void)checked(s, &s->rest);
	for (repeats = CW_SAMPLE_SHORTEST; repeats <= CW_SAMPLE_ONCE; repeats++) {
		cw_buf_clear(&s->round);
		cw_sample_add(&s->round, node->children[0], repeats);
		round = checked(s, &s->round);
		if (round.len)
			try_ends(s, before, round);
	}
	for (i = 0; i < s->n_bytes && !is_over(s); i++)
		try_ends(s, before, cw_str_make(&s->bytes[i], 1));
}

static void visit(struct search *s, const struct cw_syntax *node, const struct cw_syntax_place *up)
{
	struct cw_syntax_place place = {.up = up, .parent = node};

	if (is_over(s))
		return;
	if (is_repeating(node))
		try_repeat(s, node, up);
	for (; place.child < node->n_children; place.child++)
		visit(s, node->children[place.child], &place);
}

/*
 * Words of the whole pattern, for what has many choices and no rounds: as they are, and with a byte
 * too many.
 */
static void try_whole(struct search *s, const struct cw_syntax *tree)
{
	enum cw_sample repeats;
	struct words w = {0};

	for (repeats = CW_SAMPLE_SHORTEST; repeats <= CW_SAMPLE_ONCE; repeats++) {
		cw_buf_clear(&s->before);
		cw_sample_add(&s->before, tree, repeats);
		w.before = checked(s, &s->before);
		w.after = (struct cw_str){0};
		try_rounds(s, &w);
		w.after = cw_str_make("!", 1);
		try_rounds(s, &w);
	}
}

static void collect_sets(struct search *s, const struct cw_syntax *node, bool is_inside)
{
	size_t i;

	for (i = 0; i < node->n_children; i++)
		collect_sets(s, node->children[i], is_inside || is_repeating(node));
	if (node->kind != CW_SYNTAX_BYTES || !is_inside || s->n_sets == SETS_MAX)
		return;
	for (i = 0; i < s->n_sets; i++)
		if (cw_byte_set_eq(&s->sets[i], &node->set))
			return;
	s->sets[s->n_sets++] = node->set;
}

static void add_byte(struct search *s, const struct cw_byte_set *set)
{
	char byte = (char)cw_sample_byte(set);

	if (byte != '\0' && s->n_bytes < BYTES_MAX && !memchr(s->bytes, byte, s->n_bytes))
		s->bytes[s->n_bytes++] = byte;
}

/* Bytes that one or two of the repeated sets have. */
static void choose_bytes(struct search *s)
{
	struct cw_byte_set both;
	size_t i, k;

	for (i = 0; i < s->n_sets; i++)
		add_byte(s, &s->sets[i]);
	for (i = 0; i < s->n_sets; i++)
		for (k = i + 1; k < s->n_sets; k++) {
			both = s->sets[i];
			cw_byte_set_keep(&both, &s->sets[k]);
			add_byte(s, &both);
		}
}

int cw_backtracking_find(const struct cw_pattern *pattern, const struct cw_syntax *tree,
	struct cw_arena *arena, struct cw_str *alias)
{
	struct search s = {.pattern = pattern,
		.before = {.max_bytes = CW_BACKTRACKING_ALIAS_MAX},
		.round = {.max_bytes = CW_BACKTRACKING_ALIAS_MAX},
		.rest = {.max_bytes = CW_BACKTRACKING_ALIAS_MAX},
		.after = {.max_bytes = CW_BACKTRACKING_ALIAS_MAX},
		.alias = {.max_bytes = CW_BACKTRACKING_ALIAS_MAX}};
	struct cw_str found = {0};
	int r;

	if (is_suspicious(tree)) {
		collect_sets(&s, tree, false);
		choose_bytes(&s);
		visit(&s, tree, NULL);
		try_whole(&s, tree);
	}
	r = s.error;
	if (!r && s.is_found)
		r = cw_arena_str(arena, cw_buf_str(&s.alias), &found);
	cw_buf_finish(&s.before);
	cw_buf_finish(&s.round);
	cw_buf_finish(&s.rest);
	cw_buf_finish(&s.after);
	cw_buf_finish(&s.alias);
	if (!r)
		*alias = found;
	return r;
}
