/*
 * The index of a rule set: a hash table of literals, and the residue.
 *
 * The hash of a text c[0], c[1], ... is the sum of c[i] * power[i], the powers being those of an odd number modulo 2^64. With the
 * sums up to each byte of the alias at hand, the hash of any part of it is a difference times an inverse power. Texts that collide do no
 * harm, since candidates are asked; that strangers cannot look for collisions is for the random key, the number, to see to.
 *
 * Tables of the bytes, and of the pairs of bytes, with which literals begin say for nearly every place in the alias that none begins
 * there; they fit the first-level cache. For the others they say how long the literals are. The sums are made when there is a first
 * literal to look up, which for most aliases that no rule matches there is not.
 */
#include "dialplan/index.h"

#include "dialplan/alias.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define PAIRS         1024u       /* a power of two */
#define MARK_LAST     0x80000000u /* on the last rule of a list */
#define NO_RULE       UINT32_MAX
#define SLOTS_MIN     16u
#define DOMAIN_MIN    4 /* bytes from an @ on for which what stands before it is left aside */
#define MIX           0x9e3779b97f4a7c15u
#define ALL_ZONE_BITS UINT64_MAX

/* A literal in the table: the rules that hold it. */
struct slot {
	uint32_t tag;   /* of its hash */
	uint32_t rules; /* where its list begins in `lists`, plus 1; 0: an empty slot */
};

/* A rule without a literal, and what is asked before it is a candidate. */
struct residue {
	uint64_t zones;    /* bits of the source zone's index modulo 64 */
	uint64_t first[2]; /* of the ASCII bytes, those that the alias may begin with */
	uint32_t rule;
	uint16_t min_len;
	unsigned char required; /* 0: none */
	uint8_t protocols;      /* bits of enum cw_protocol */
	bool configured_zones;  /* not from the zone `default` */
	bool authenticated;
};

struct cw_index {
	const struct cw_search_rule *const *rules;
	struct slot *slots;
	uint32_t *lists;
	struct residue *residue;
	size_t n_residue;
	unsigned shift; /* from a hash to its slot */
	uint64_t slot_mask;
	/* bit n: there is a literal of n + 1 bytes */
	uint64_t whole_lengths;      /* here modulo 64 */
	uint64_t begin_lengths[256]; /* by its first byte */
	uint64_t end_lengths[256];   /* by its last byte */
	uint64_t lengths[PAIRS];     /* anywhere, by its first two bytes */
	/* by the first byte, of either case: whether there is a literal */
	bool has_end[256], has_anywhere[256];
	uint64_t power[CW_ALIAS_MAX + 1], inverse[CW_ALIAS_MAX + 1];
};

/* ---- hashes ---- */

static unsigned char lower(char c)
{
	return (unsigned char)cw_char_lower(c);
}

static unsigned pair_of(unsigned char a, unsigned char b)
{
	return ((unsigned)a << 5 ^ b) & (PAIRS - 1);
}

/* Literals of different places differ, too. */
static uint64_t mix(uint64_t sum, enum cw_literal_place place, size_t len)
{
	uint64_t x = sum + ((uint64_t)len << 2 | place) * MIX;

	x ^= x >> 32;
	x *= MIX;
	x ^= x >> 29;
	return x * MIX;
}

static uint64_t hash_literal(const struct cw_index *x, struct cw_literal literal)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < literal.text.len; i++)
		sum += (lower(literal.text.p[i]) + 1u) * x->power[i];
	return mix(sum, literal.place, literal.text.len);
}

static int make_powers(struct cw_index *x)
{
	uint64_t number, inverse;
	size_t i;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -EIO;
	/* 5 modulo 8: of the longest period */
	number = (number & ~(uint64_t)7) | 5;
	/* Newton: each step doubles the bits that are right, of which there are 3 */
	for (inverse = number, i = 0; i < 5; i++)
		inverse *= 2 - number * inverse;
	x->power[0] = x->inverse[0] = 1;
	for (i = 1; i <= CW_ALIAS_MAX; i++) {
		x->power[i] = x->power[i - 1] * number;
		x->inverse[i] = x->inverse[i - 1] * inverse;
	}
	return 0;
}

/* ---- what of a rule is looked up ---- */

/* Leave of a literal the part that stands in the table. */
static void clip(struct cw_literal *l)
{
	size_t at = cw_str_find(l->text, '@');

	switch (l->place) {
	case CW_LITERAL_ANYWHERE:
		/* domains differ more than what stands before them, and few places in an alias hold an @ */
		if (at + DOMAIN_MIN <= l->text.len)
			l->text = cw_str_from(l->text, at);
		break;
	case CW_LITERAL_END:
		if (l->text.len > CW_LITERAL_MAX)
			l->text = cw_str_from(l->text, l->text.len - CW_LITERAL_MAX);
		return;
	case CW_LITERAL_WHOLE:
		/* what is longer than any alias is never found, as it should be */
		if (l->text.len > CW_ALIAS_MAX)
			l->text.len = CW_ALIAS_MAX;
		return;
	case CW_LITERAL_BEGIN:
		break;
	}
	if (l->text.len > CW_LITERAL_MAX)
		l->text.len = CW_LITERAL_MAX;
}

/* The needs of a rule, one after the other. */
struct reading {
	struct cw_str needs;
	bool is_plain; /* the pattern's text is the only one */
	struct cw_literal any_of[CW_NEED_LITERALS];
	size_t n;
};

static void read_rule(struct reading *r, const struct cw_search_rule *rule)
{
	*r = (struct reading){0};
	if (rule->mode != CW_RULE_PATTERN)
		return;
	r->needs = cw_pattern_needs(rule->pattern);
	r->any_of[0].text = cw_pattern_text(rule->pattern);
	r->is_plain = true;
	switch (cw_pattern_type(rule->pattern)) {
	case CW_PATTERN_EXACT:
		r->any_of[0].place = CW_LITERAL_WHOLE;
		break;
	case CW_PATTERN_PREFIX:
		r->any_of[0].place = CW_LITERAL_BEGIN;
		break;
	case CW_PATTERN_SUFFIX:
		r->any_of[0].place = CW_LITERAL_END;
		break;
	case CW_PATTERN_REGEX:
	case CW_PATTERN_ANY:
		r->is_plain = false;
		break;
	}
}

/* Go to the next need; false: there is none. */
static bool next_need(struct reading *r)
{
	size_t i;

	r->n = r->is_plain ? 1 : cw_literal_next(&r->needs, r->any_of);
	r->is_plain = false;
	for (i = 0; i < r->n; i++)
		clip(&r->any_of[i]);
	return r->n > 0;
}

/* ---- building ---- */

/* A literal while the table is built. */
struct count {
	uint64_t hash;
	uint32_t rules;  /* that hold it */
	uint32_t chosen; /* of them, those that are looked up by it */
	uint32_t at;     /* where its list is filled */
};

struct builder {
	struct cw_index *index;
	size_t n_rules;
	struct count *counts; /* open addressing; `rules` is 0 where it is free */
	size_t n_slots, n_counts;
	uint8_t *chosen; /* of each rule: the number of its need, from 1; 0: residue */
	size_t n_listed;
};

static struct count *find_count(struct builder *b, uint64_t hash)
{
	size_t i = (size_t)(hash >> 32) & (b->n_slots - 1);

	while (b->counts[i].rules && b->counts[i].hash != hash)
		i = (i + 1) & (b->n_slots - 1);
	return &b->counts[i];
}

/* Room for the literals of one more need: at most half of the slots are taken. */
static int reserve(struct builder *b, size_t n)
{
	struct count *old = b->counts;
	size_t i, n_old = b->n_slots;

	if ((b->n_counts + n) * 2 <= b->n_slots)
		return 0;
	b->n_slots = n_old ? n_old * 2 : (size_t)CW_NEED_LITERALS * 4;
	b->counts = calloc(b->n_slots, sizeof(*b->counts));
	if (!b->counts) {
		b->counts = old;
		return -ENOMEM;
	}
	for (i = 0; i < n_old; i++)
		if (old[i].rules)
			*find_count(b, old[i].hash) = old[i];
	free(old);
	return 0;
}

/* Count in how many rules each literal stands. */
static int count_rule(struct builder *b, const struct cw_search_rule *rule)
{
	struct reading r;
	struct count *c;
	uint64_t hash;
	size_t i;

	for (read_rule(&r, rule); next_need(&r);) {
		if (reserve(b, r.n))
			return -ENOMEM;
		for (i = 0; i < r.n; i++) {
			hash = hash_literal(b->index, r.any_of[i]);
			c = find_count(b, hash);
			b->n_counts += c->rules == 0;
			c->hash = hash;
			c->rules++;
		}
	}
	return 0;
}

/* How many rules hold one of the literals of a need. */
static uint64_t count_need(struct builder *b, const struct reading *r)
{
	uint64_t rules = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		rules += find_count(b, hash_literal(b->index, r->any_of[i]))->rules;
	return rules;
}

/* Of a rule's needs, the one whose literals are the rarest. Nearly all rules have but one. */
static void choose_need(struct builder *b, size_t number, const struct cw_search_rule *rule)
{
	uint64_t rules, best = UINT64_MAX;
	struct reading r;
	unsigned need = 0;

	for (read_rule(&r, rule); next_need(&r);) {
		need++;
		rules = need == 1 && r.needs.len == 0 ? 0 : count_need(b, &r);
		if (rules < best) {
			best = rules;
			b->chosen[number] = (uint8_t)need;
		}
	}
}

/* The literals by which a rule is looked up; none for the residue. */
static void read_chosen(const struct builder *b, size_t number, struct reading *r)
{
	unsigned need;

	read_rule(r, b->index->rules[number]);
	for (need = 0; need < b->chosen[number]; need++)
		(void)next_need(r);
	if (need == 0)
		r->n = 0;
}

static void note_byte(bool *table, unsigned char byte)
{
	table[byte] = true;
	if (byte >= 'a' && byte <= 'z')
		table[byte - 'a' + 'A'] = true;
}

static void note_length(struct cw_index *x, struct cw_literal l)
{
	uint64_t bit = (uint64_t)1 << ((l.text.len - 1) & 63);

	switch (l.place) {
	case CW_LITERAL_WHOLE:
		x->whole_lengths |= bit;
		break;
	case CW_LITERAL_BEGIN:
		x->begin_lengths[lower(l.text.p[0])] |= bit;
		break;
	case CW_LITERAL_END:
		note_byte(x->has_end, lower(l.text.p[0]));
		x->end_lengths[lower(l.text.p[l.text.len - 1])] |= bit;
		break;
	case CW_LITERAL_ANYWHERE:
		note_byte(x->has_anywhere, lower(l.text.p[0]));
		x->lengths[pair_of(lower(l.text.p[0]), lower(l.text.p[1]))] |= bit;
		break;
	}
}

/* Lay out the lists: how long each is, where it begins. */
static int lay_out(struct builder *b)
{
	struct reading r;
	uint32_t at = 0;
	size_t i, k;

	for (i = 0; i < b->n_rules; i++) {
		read_chosen(b, i, &r);
		for (k = 0; k < r.n; k++) {
			find_count(b, hash_literal(b->index, r.any_of[k]))->chosen++;
			note_length(b->index, r.any_of[k]);
		}
		b->n_listed += r.n;
	}
	for (i = 0; i < b->n_slots; i++) {
		b->counts[i].at = at;
		at += b->counts[i].chosen;
	}
	b->index->lists = calloc(b->n_listed + 1, sizeof(*b->index->lists));
	return b->index->lists ? 0 : -ENOMEM;
}

/* Fill the lists, each in the order of the rules. A literal that stands twice in a need brings its rule twice. */
static void fill_lists(struct builder *b)
{
	struct reading r;
	struct count *c;
	size_t i, k;

	for (i = 0; i < b->n_rules; i++) {
		read_chosen(b, i, &r);
		for (k = 0; k < r.n; k++) {
			c = find_count(b, hash_literal(b->index, r.any_of[k]));
			b->index->lists[c->at++] = (uint32_t)i;
		}
	}
}

/* Make the table of the literals by which rules are looked up. */
static int make_slots(struct builder *b)
{
	struct cw_index *x = b->index;
	size_t i, at, n = 0, n_slots = SLOTS_MIN;
	unsigned bits = 4;
	uint64_t hash;

	for (i = 0; i < b->n_slots; i++)
		n += b->counts[i].chosen > 0;
	for (; n_slots < n * 2; n_slots *= 2)
		bits++;
	x->slots = calloc(n_slots, sizeof(*x->slots));
	if (!x->slots)
		return -ENOMEM;
	x->shift = 64 - bits;
	x->slot_mask = n_slots - 1;
	for (i = 0; i < b->n_slots; i++) {
		if (b->counts[i].chosen == 0)
			continue;
		x->lists[b->counts[i].at - 1] |= MARK_LAST;
		hash = b->counts[i].hash;
		for (at = (size_t)(hash >> x->shift); x->slots[at].rules;
			at = (at + 1) & x->slot_mask)
			;
		x->slots[at].tag = (uint32_t)hash;
		x->slots[at].rules = b->counts[i].at - b->counts[i].chosen + 1;
	}
	return 0;
}

static void describe_pattern(struct residue *e, const struct cw_pattern *pattern)
{
	struct cw_pattern_filter filter = cw_pattern_filter(pattern);

	e->min_len = (uint16_t)filter.min_len;
	e->required = filter.required;
	if (filter.first)
		memcpy(e->first, filter.first, sizeof(e->first));
}

static struct residue describe(uint32_t number, const struct cw_search_rule *rule)
{
	struct residue e = {.rule = number,
		.zones = ALL_ZONE_BITS,
		.first = {UINT64_MAX, UINT64_MAX},
		.configured_zones = rule->source == CW_RULE_FROM_ALL_ZONES,
		.authenticated = rule->authenticated};
	size_t i;

	if (rule->protocol != CW_RULE_XMPP)
		e.protocols |= 1 << CW_PROTOCOL_SIP;
	if (rule->protocol != CW_RULE_SIP)
		e.protocols |= 1 << CW_PROTOCOL_XMPP;
	if (rule->source == CW_RULE_FROM_NAMED)
		for (e.zones = 0, i = 0; i < rule->n_sources; i++)
			e.zones |= (uint64_t)1 << rule->sources[i]->index % 64;
	if (rule->mode == CW_RULE_PATTERN)
		describe_pattern(&e, rule->pattern);
	return e;
}

static int make_residue(struct builder *b)
{
	struct cw_index *x = b->index;
	size_t i, n = 0;

	for (i = 0; i < b->n_rules; i++)
		n += x->rules[i]->enabled && b->chosen[i] == 0;
	x->residue = calloc(n + 1, sizeof(*x->residue));
	if (!x->residue)
		return -ENOMEM;
	for (i = 0; i < b->n_rules; i++)
		if (x->rules[i]->enabled && b->chosen[i] == 0)
			x->residue[x->n_residue++] = describe((uint32_t)i, x->rules[i]);
	return 0;
}

static int build(struct builder *b)
{
	size_t i;
	int r = reserve(b, 1);

	b->chosen = calloc(b->n_rules + 1, 1);
	if (!b->chosen)
		return -ENOMEM;
	for (i = 0; !r && i < b->n_rules; i++)
		if (b->index->rules[i]->enabled)
			r = count_rule(b, b->index->rules[i]);
	for (i = 0; !r && i < b->n_rules; i++)
		if (b->index->rules[i]->enabled)
			choose_need(b, i, b->index->rules[i]);
	if (!r)
		r = lay_out(b);
	if (r)
		return r;
	fill_lists(b);
	r = make_slots(b);
	return r ? r : make_residue(b);
}

int cw_index_create(
	struct cw_index **out, const struct cw_search_rule *const *rules, size_t n_rules)
{
	struct builder b = {.index = calloc(1, sizeof(struct cw_index)), .n_rules = n_rules};
	int r;

	if (!b.index)
		return -ENOMEM;
	b.index->rules = rules;
	r = make_powers(b.index);
	if (!r)
		r = build(&b);
	free(b.counts);
	free(b.chosen);
	if (r) {
		cw_index_destroy(b.index);
		return r;
	}
	*out = b.index;
	return 0;
}

void cw_index_destroy(struct cw_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index->lists);
	free(index->residue);
	free(index);
}

/* ---- finding ---- */

/* An alias that is looked up. */
struct search {
	struct cw_candidates *found;
	struct cw_arena *arena;
	struct cw_str alias;
	int error;
	bool has_sums;
	uint64_t sums[CW_ALIAS_MAX + 1]; /* sums[i]: of the first i bytes, in lower case */
};

static int compare_cursors(const void *a, const void *b)
{
	const struct cw_index_cursor *x = a, *y = b;

	return x->next < y->next ? -1 : x->next > y->next;
}

/* Drop the cursors of lists that stand twice. */
static void drop_doubles(struct cw_candidates *c)
{
	size_t i, n = 0;

	qsort(c->cursors, c->n_cursors, sizeof(*c->cursors), compare_cursors);
	for (i = 0; i < c->n_cursors; i++)
		if (n == 0 || c->cursors[n - 1].next != c->cursors[i].next)
			c->cursors[n++] = c->cursors[i];
	c->n_cursors = n;
}

/* Room for one more list. Lists stand once each whenever room is made, so that it is bounded by their number. */
static int make_room(struct search *s)
{
	struct cw_candidates *c = s->found;
	struct cw_index_cursor *moved;

	if (c->n_cursors < c->capacity)
		return 0;
	drop_doubles(c);
	if (c->n_cursors <= c->capacity / 2)
		return 0;
	moved = cw_arena_alloc(s->arena, c->capacity * 2 * sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	memcpy(moved, c->cursors, c->n_cursors * sizeof(*moved));
	c->cursors = moved;
	c->capacity *= 2;
	return 0;
}

static void add_list(struct search *s, const uint32_t *list)
{
	struct cw_candidates *c = s->found;
	size_t i;

	/* the same word again and again is what hostile aliases are made of */
	for (i = 0; i < c->n_cursors && i < CW_CANDIDATES_ROOM; i++)
		if (c->cursors[i].next == list)
			return;
	if (make_room(s))
		s->error = -ENOMEM;
	else
		c->cursors[c->n_cursors++] = (struct cw_index_cursor){list, 0};
}

static void make_sums(struct search *s)
{
	const struct cw_index *x = s->found->index;
	size_t i;

	s->has_sums = true;
	s->sums[0] = 0;
	for (i = 0; i < s->alias.len; i++)
		s->sums[i + 1] = s->sums[i] + (lower(s->alias.p[i]) + 1u) * x->power[i];
}

/* Look the `len` bytes at `at` up. Two literals whose tags are the same are both taken. */
static void look_up(struct search *s, enum cw_literal_place place, size_t at, size_t len)
{
	const struct cw_index *x = s->found->index;
	uint64_t hash;
	size_t i;

	if (!s->has_sums)
		make_sums(s);
	hash = mix((s->sums[at + len] - s->sums[at]) * x->inverse[at], place, len);
	for (i = (size_t)(hash >> x->shift); x->slots[i].rules; i = (i + 1) & x->slot_mask)
		if (x->slots[i].tag == (uint32_t)hash)
			add_list(s, x->lists + x->slots[i].rules - 1);
}

/* Look up the literals of all `lengths` that begin at `at`. */
static void look_up_lengths(
	struct search *s, enum cw_literal_place place, size_t at, uint64_t lengths)
{
	size_t len;

	for (; lengths; lengths &= lengths - 1) {
		len = (size_t)__builtin_ctzll(lengths) + 1;
		if (len > s->alias.len - at)
			return;
		look_up(s, place, at, len);
	}
}

/* Look up the literals at the end. */
static void look_ends_up(struct search *s)
{
	const struct cw_index *x = s->found->index;
	uint64_t lengths = x->end_lengths[lower(s->alias.p[s->alias.len - 1])];
	size_t len;

	for (; lengths; lengths &= lengths - 1) {
		len = (size_t)__builtin_ctzll(lengths) + 1;
		if (len > s->alias.len)
			return;
		if (x->has_end[(unsigned char)s->alias.p[s->alias.len - len]])
			look_up(s, CW_LITERAL_END, s->alias.len - len, len);
	}
}

static void look_everything_up(struct search *s)
{
	const struct cw_index *x = s->found->index;
	const char *p = s->alias.p;
	size_t i;

	if (x->whole_lengths >> ((s->alias.len - 1) & 63) & 1)
		look_up(s, CW_LITERAL_WHOLE, 0, s->alias.len);
	look_up_lengths(s, CW_LITERAL_BEGIN, 0, x->begin_lengths[lower(p[0])]);
	look_ends_up(s);
	for (i = 0; i + 1 < s->alias.len; i++)
		if (x->has_anywhere[(unsigned char)p[i]])
			look_up_lengths(s, CW_LITERAL_ANYWHERE, i,
				x->lengths[pair_of(lower(p[i]), lower(p[i + 1]))]);
}

/* Whether one cursor comes before another: its rule does. */
static bool is_before(const struct cw_index_cursor *a, const struct cw_index_cursor *b)
{
	return a->rule < b->rule;
}

static void sift_down(struct cw_candidates *c, size_t at)
{
	struct cw_index_cursor moving = c->cursors[at];
	size_t child;

	for (; (child = at * 2 + 1) < c->n_cursors; at = child) {
		if (child + 1 < c->n_cursors &&
			is_before(&c->cursors[child + 1], &c->cursors[child]))
			child++;
		if (!is_before(&c->cursors[child], &moving))
			break;
		c->cursors[at] = c->cursors[child];
	}
	c->cursors[at] = moving;
}

/* Go on to the first rule of each list, and put the lists in order. */
static void begin_lists(struct cw_candidates *c)
{
	size_t i;

	if (c->n_cursors > CW_CANDIDATES_ROOM)
		drop_doubles(c);
	for (i = 0; i < c->n_cursors; i++)
		c->cursors[i].rule = *c->cursors[i].next & ~MARK_LAST;
	for (i = c->n_cursors / 2; i-- > 0;)
		sift_down(c, i);
}

int cw_index_find(struct cw_candidates *out, const struct cw_index *index,
	const struct cw_request *request, struct cw_str alias, struct cw_arena *arena)
{
	struct search s;
	unsigned char byte;
	size_t i;

	assert(alias.len > 0 && alias.len <= CW_ALIAS_MAX);
	/* all but the room */
	memset(out, 0, offsetof(struct cw_candidates, room));
	out->index = index;
	out->request = request;
	out->cursors = out->room;
	out->capacity = CW_CANDIDATES_ROOM;
	out->first = (unsigned char)alias.p[0];
	out->alias_len = alias.len;
	out->last = NO_RULE;
	s.found = out;
	s.arena = arena;
	s.alias = alias;
	s.error = 0;
	s.has_sums = false;
	for (i = 0; index->n_residue && i < alias.len; i++) {
		byte = lower(alias.p[i]);
		out->bytes[byte / 64] |= (uint64_t)1 << byte % 64;
	}
	look_everything_up(&s);
	if (s.error)
		return s.error;
	begin_lists(out);
	return 0;
}

/* ---- taking ---- */

static bool is_possible(const struct cw_candidates *c, const struct residue *e)
{
	const struct cw_zone *from = c->request->from;

	if (!(e->zones >> from->index % 64 & 1) || !(e->protocols >> c->request->protocol & 1))
		return false;
	if (c->first < 128 && !(e->first[c->first / 64] >> c->first % 64 & 1))
		return false;
	if (c->alias_len < e->min_len || (e->authenticated && !c->request->authenticated))
		return false;
	if (e->required && !(c->bytes[e->required / 64] >> e->required % 64 & 1))
		return false;
	return !e->configured_zones || from->type != CW_ZONE_DEFAULT;
}

/* The first rule of the residue that was neither taken nor passed over; NO_RULE behind the last. */
static uint32_t peek_residue(struct cw_candidates *c)
{
	const struct cw_index *x = c->index;

	while (c->residue_at < x->n_residue && !is_possible(c, &x->residue[c->residue_at]))
		c->residue_at++;
	return c->residue_at < x->n_residue ? x->residue[c->residue_at].rule : NO_RULE;
}

static void advance_first_list(struct cw_candidates *c)
{
	struct cw_index_cursor *first = &c->cursors[0];

	if (*first->next & MARK_LAST) {
		*first = c->cursors[--c->n_cursors];
	} else {
		first->next++;
		first->rule = *first->next & ~MARK_LAST;
	}
	if (c->n_cursors > 1)
		sift_down(c, 0);
}

const struct cw_search_rule *cw_candidates_next(struct cw_candidates *candidates)
{
	uint32_t listed, residue, rule;

	do {
		listed = candidates->n_cursors ? candidates->cursors[0].rule : NO_RULE;
		residue = peek_residue(candidates);
		rule = listed < residue ? listed : residue;
		if (rule == NO_RULE)
			return NULL;
		if (rule == listed)
			advance_first_list(candidates);
		else
			candidates->residue_at++;
	} while (rule == candidates->last);
	candidates->last = rule;
	return candidates->index->rules[rule];
}
