/*
 * Regex to syntax tree, by recursive descent. It follows what PCRE2 10.42 does, in the order in which it does it; quoting and comments
 * may stand anywhere, also between an atom and its quantifier.
 */
#include "dialplan/syntax.h"

#include "dialplan/syntax_cursor.h"

#include <errno.h>

#define REPEAT_MAX 65535 /* PCRE2's */

struct reader {
	struct cw_syntax_cursor cursor;
	struct cw_arena *arena;
	/* nodes whose parent is not made yet; each has taken a byte of the regex, except for the first of its group */
	const struct cw_syntax **stack;
	size_t n_stack;
	unsigned depth;
};

struct quantifier {
	uint32_t min, max;
	bool is_possessive;
};

static int read_choice(struct reader *r, size_t offset);

/* Push a node like `node`. */
static int push(struct reader *r, const struct cw_syntax *node)
{
	struct cw_syntax *made = cw_arena_alloc(r->arena, sizeof(*made));

	if (!made)
		return -ENOMEM;
	*made = *node;
	r->stack[r->n_stack++] = made;
	return 0;
}

/* Make the nodes from `base` on the children of one node. One node stands for itself. */
static int collapse(struct reader *r, size_t base, enum cw_syntax_kind kind, size_t offset)
{
	size_t n = r->n_stack - base;
	struct cw_syntax node = {.kind = kind, .offset = offset};
	const struct cw_syntax **children;

	if (n == 1)
		return 0;
	if (n == 0)
		return push(r, &(struct cw_syntax){.kind = CW_SYNTAX_EMPTY, .offset = offset});
	children = cw_arena_alloc(r->arena, n * sizeof(*children));
	if (!children)
		return -ENOMEM;
	memcpy(children, r->stack + base, n * sizeof(*children));
	node.children = children;
	node.n_children = n;
	r->n_stack = base;
	return push(r, &node);
}

/* Put a node above the last one. */
static int wrap(struct reader *r, struct cw_syntax node)
{
	const struct cw_syntax **child = cw_arena_alloc(r->arena, sizeof(*child));

	if (!child)
		return -ENOMEM;
	*child = r->stack[--r->n_stack];
	node.children = child;
	node.n_children = 1;
	return push(r, &node);
}

/* Step over what is no part of the pattern: borders of quoting, and comments. */
static int skip_nothing(struct cw_syntax_cursor *c)
{
	size_t end;

	for (;;) {
		if (cw_syntax_is_next(c, "\\E")) {
			c->is_quoted = false;
			c->at += 2;
		} else if (!c->is_quoted && cw_syntax_is_next(c, "\\Q")) {
			c->is_quoted = true;
			c->at += 2;
		} else if (!c->is_quoted && cw_syntax_is_next(c, "(?#")) {
			end = cw_str_find(cw_str_from(c->in, c->at), ')');
			if (end == c->in.len - c->at)
				return cw_syntax_refuse(c, "has a comment without end");
			c->at += end + 1;
		} else {
			return 0;
		}
	}
}

/* Whether {n}, {n,} or {n,m} is next; anything else in braces is literal text. */
static bool is_counted(const struct cw_syntax_cursor *c)
{
	size_t n = 1;
	bool had_comma = false;

	if (cw_syntax_peek(c, 0) != '{' || cw_syntax_peek(c, 1) == ',' ||
		cw_syntax_peek(c, 1) == '}')
		return false;
	for (;; n++) {
		if (cw_syntax_peek(c, n) == '}')
			return true;
		if (cw_syntax_peek(c, n) == ',' && !had_comma)
			had_comma = true;
		else if (cw_syntax_peek(c, n) < '0' || cw_syntax_peek(c, n) > '9')
			return false;
	}
}

/*
 * Whether braces are next that PCRE2 takes for literal text up to version 10.42, and for a quantifier since: {,n} and
 * blanks between the numbers.
 */
static bool is_doubtful(const struct cw_syntax_cursor *c)
{
	bool has_doubt = false;
	size_t n = 1;
	char next;

	if (c->is_quoted || cw_syntax_peek(c, 0) != '{')
		return false;
	for (;; n++) {
		next = cw_syntax_peek(c, n);
		if (next == '}')
			return has_doubt;
		if (next == ' ' || next == '\t' || (next == ',' && n == 1))
			has_doubt = true;
		else if (next != ',' && (next < '0' || next > '9'))
			return false;
	}
}

static bool is_quantifier(const struct cw_syntax_cursor *c)
{
	char next = cw_syntax_peek(c, 0);

	return !c->is_quoted && (next == '*' || next == '+' || next == '?' || is_counted(c));
}

/* Read the number at the cursor. */
static int read_number(struct cw_syntax_cursor *c, uint32_t *out)
{
	struct cw_str rest = cw_str_from(c->in, c->at);
	uint64_t number;

	rest.len = cw_str_find(rest, '}');
	rest.len = cw_str_find(rest, ',');
	if (cw_str_to_u64(rest, REPEAT_MAX, &number))
		return cw_syntax_refuse(c, "has a number that is too large");
	*out = (uint32_t)number;
	c->at += rest.len;
	return 0;
}

static int read_counted(struct cw_syntax_cursor *c, struct quantifier *q)
{
	int r;

	c->at++;
	r = read_number(c, &q->min);
	if (r)
		return r;
	q->max = q->min;
	if (cw_syntax_peek(c, 0) == ',') {
		c->at++;
		q->max = CW_SYNTAX_UNBOUNDED;
		r = cw_syntax_peek(c, 0) == '}' ? 0 : read_number(c, &q->max);
	}
	if (r)
		return r;
	if (q->min > q->max)
		return cw_syntax_refuse(c, "has a repeat that is out of order");
	c->at++;
	return 0;
}

/* Read the quantifier at the cursor, with what makes it lazy or possessive. */
static int read_quantifier(struct cw_syntax_cursor *c, struct quantifier *q)
{
	char sign = cw_syntax_peek(c, 0);
	int r = 0;

	if (sign == '{') {
		r = read_counted(c, q);
	} else {
		q->min = sign == '+';
		q->max = sign == '?' ? 1 : CW_SYNTAX_UNBOUNDED;
		c->at++;
	}
	if (!r)
		r = skip_nothing(c);
	if (r)
		return r;
	q->is_possessive = !c->is_quoted && cw_syntax_peek(c, 0) == '+';
	if (q->is_possessive || (!c->is_quoted && cw_syntax_peek(c, 0) == '?'))
		c->at++;
	return 0;
}

/* Repeat the last node, when a quantifier follows. */
static int repeat(struct reader *r)
{
	struct cw_syntax node = {.kind = CW_SYNTAX_REPEAT};
	struct quantifier q;
	bool is_byte;
	int rc = skip_nothing(&r->cursor);

	if (rc || !is_quantifier(&r->cursor))
		return rc;
	node.offset = r->cursor.at;
	rc = read_quantifier(&r->cursor, &q);
	if (rc)
		return rc;
	is_byte = r->stack[r->n_stack - 1]->kind == CW_SYNTAX_BYTES;
	node.min = q.min;
	node.max = q.max;
	rc = wrap(r, node);
	/* so many bytes leave nothing to give back */
	if (rc || !q.is_possessive || (is_byte && q.min == q.max))
		return rc;
	node.kind = CW_SYNTAX_ATOMIC;
	return wrap(r, node);
}

static int push_byte(struct reader *r)
{
	struct cw_syntax node = {.kind = CW_SYNTAX_BYTES, .offset = r->cursor.at};
	unsigned char byte = (unsigned char)r->cursor.in.p[r->cursor.at++];

	cw_byte_set_add_folded(&node.set, byte, byte);
	return push(r, &node);
}

static int push_any(struct reader *r)
{
	struct cw_syntax node = {.kind = CW_SYNTAX_BYTES, .offset = r->cursor.at++};

	cw_byte_set_add(&node.set, '\n');
	cw_byte_set_negate(&node.set);
	return push(r, &node);
}

static int push_class(struct reader *r)
{
	struct cw_syntax node = {.kind = CW_SYNTAX_BYTES, .offset = r->cursor.at};
	int rc = cw_syntax_read_class(&r->cursor, &node.set);

	return rc ? rc : push(r, &node);
}

static int push_place(struct reader *r, enum cw_syntax_kind kind)
{
	return push(r, &(struct cw_syntax){.kind = kind, .offset = r->cursor.at++});
}

/* Push what the escape at the cursor stands for. */
static int push_escape(struct reader *r, bool *is_repeatable)
{
	struct cw_syntax node = {.offset = r->cursor.at};
	int rc = cw_syntax_read_escape(&r->cursor, &node.kind, &node.set);

	*is_repeatable = node.kind == CW_SYNTAX_BYTES || node.kind == CW_SYNTAX_REFERENCE;
	return rc ? rc : push(r, &node);
}

/* Read the rest of a group, the cursor behind what begins it. */
static int read_content(struct reader *r, size_t offset)
{
	int rc;

	if (r->depth == CW_SYNTAX_DEPTH_MAX)
		return cw_syntax_refuse(&r->cursor, "has groups that are nested too deeply");
	r->depth++;
	rc = read_choice(r, offset);
	if (rc)
		return rc;
	r->depth--;
	if (cw_syntax_peek(&r->cursor, 0) != ')')
		return cw_syntax_refuse(&r->cursor, "has a group without end");
	r->cursor.at++;
	return 0;
}

static int read_capture(struct reader *r, size_t offset)
{
	r->cursor.n_groups++;
	return read_content(r, offset);
}

static int read_named(struct reader *r, size_t prefix_len, char end, size_t offset)
{
	int rc;

	r->cursor.at += prefix_len;
	rc = cw_syntax_skip_name(&r->cursor, end);
	return rc ? rc : read_capture(r, offset);
}

/* Read a look-around, and forget what it looks for. */
static int read_look(struct reader *r, size_t prefix_len, size_t offset)
{
	int rc;

	r->cursor.at += prefix_len;
	rc = read_content(r, offset);
	if (rc)
		return rc;
	r->n_stack--;
	return push(r, &(struct cw_syntax){.kind = CW_SYNTAX_LOOK, .offset = offset});
}

static int read_atomic(struct reader *r, size_t offset)
{
	int rc;

	r->cursor.at += 3;
	rc = read_content(r, offset);
	return rc ? rc : wrap(r, (struct cw_syntax){.kind = CW_SYNTAX_ATOMIC, .offset = offset});
}

static int read_named_reference(struct reader *r, size_t offset)
{
	int rc;

	r->cursor.at += 4;
	rc = cw_syntax_skip_name(&r->cursor, ')');
	if (rc)
		return rc;
	return push(r, &(struct cw_syntax){.kind = CW_SYNTAX_REFERENCE, .offset = offset});
}

/* Refuse the group at the cursor, which begins with "(?". */
static int refuse_group(const struct cw_syntax_cursor *c)
{
	static const struct {
		const char *begin, *what;
	} groups[] = {
		{"(?(", "has a condition"},
		{"(?*", "has a look-around that is not understood"},
		{"(?<*", "has a look-around that is not understood"},
		{"(?C", "has a callout"},
		{"(?&", "has a recursion"},
		{"(?+", "has a recursion"},
		{"(?P>", "has a recursion"},
		{"(?R", "has a recursion"},
		{"(?|", "has a branch reset"},
	};
	char third = cw_syntax_peek(c, 2), fourth = cw_syntax_peek(c, 3);
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (cw_syntax_is_next(c, groups[i].begin))
			return cw_syntax_refuse(c, groups[i].what);
	if ((third >= '0' && third <= '9') || (third == '-' && fourth >= '0' && fourth <= '9'))
		return cw_syntax_refuse(c, "has a recursion");
	return cw_syntax_refuse(c, "has options inside");
}

/* Read what begins with a parenthesis. */
static int read_group(struct reader *r, bool *is_repeatable)
{
	struct cw_syntax_cursor *c = &r->cursor;
	size_t offset = c->at;

	*is_repeatable = true;
	if (cw_syntax_is_next(c, "(*"))
		return cw_syntax_refuse(c, "has a verb");
	if (!cw_syntax_is_next(c, "(?")) {
		c->at++;
		return read_capture(r, offset);
	}
	if (cw_syntax_is_next(c, "(?i)")) {
		/* as it is anyway */
		c->at += 4;
		*is_repeatable = false;
		return 0;
	}
	if (cw_syntax_is_next(c, "(?:") || cw_syntax_is_next(c, "(?i:")) {
		c->at += cw_syntax_peek(c, 2) == ':' ? 3 : 4;
		return read_content(r, offset);
	}
	if (cw_syntax_is_next(c, "(?=") || cw_syntax_is_next(c, "(?!"))
		return read_look(r, 3, offset);
	if (cw_syntax_is_next(c, "(?<=") || cw_syntax_is_next(c, "(?<!"))
		return read_look(r, 4, offset);
	if (cw_syntax_is_next(c, "(?>"))
		return read_atomic(r, offset);
	if (cw_syntax_is_next(c, "(?P="))
		return read_named_reference(r, offset);
	if (cw_syntax_is_next(c, "(?P<"))
		return read_named(r, 4, '>', offset);
	if (cw_syntax_is_next(c, "(?<") && cw_syntax_peek(c, 3) != '*')
		return read_named(r, 3, '>', offset);
	if (cw_syntax_is_next(c, "(?'"))
		return read_named(r, 3, '\'', offset);
	return refuse_group(c);
}

/* Read an atom, and say whether a quantifier may follow. */
static int read_atom(struct reader *r, bool *is_repeatable)
{
	*is_repeatable = true;
	if (r->cursor.is_quoted)
		return push_byte(r);
	if (is_quantifier(&r->cursor))
		return cw_syntax_refuse(&r->cursor, "has a repeat of nothing");
	if (is_doubtful(&r->cursor))
		return cw_syntax_refuse(&r->cursor, "has braces that PCRE2 reads by its version");
	switch (cw_syntax_peek(&r->cursor, 0)) {
	case '\\':
		return push_escape(r, is_repeatable);
	case '[':
		return push_class(r);
	case '(':
		return read_group(r, is_repeatable);
	case '.':
		return push_any(r);
	case '^':
		*is_repeatable = false;
		return push_place(r, CW_SYNTAX_BEGIN);
	case '$':
		*is_repeatable = false;
		return push_place(r, CW_SYNTAX_END);
	default:
		return push_byte(r);
	}
}

/* Read up to the end of an alternative, and push it. */
static int read_sequence(struct reader *r)
{
	const struct cw_syntax_cursor *c = &r->cursor;
	size_t base = r->n_stack, offset = c->at;
	bool is_repeatable;
	int rc;

	for (;;) {
		rc = skip_nothing(&r->cursor);
		if (rc)
			return rc;
		if (c->at >= c->in.len ||
			(!c->is_quoted && (c->in.p[c->at] == '|' || c->in.p[c->at] == ')')))
			return collapse(r, base, CW_SYNTAX_SEQUENCE, offset);
		rc = read_atom(r, &is_repeatable);
		if (!rc && is_repeatable)
			rc = repeat(r);
		if (rc)
			return rc;
	}
}

/* Read alternatives up to the end of the group or of the regex, and push them as one node. */
static int read_choice(struct reader *r, size_t offset)
{
	size_t base = r->n_stack;
	int rc;

	for (;;) {
		rc = read_sequence(r);
		if (rc)
			return rc;
		if (cw_syntax_peek(&r->cursor, 0) != '|')
			return collapse(r, base, CW_SYNTAX_CHOICE, offset);
		r->cursor.at++;
	}
}

int cw_syntax_read(const struct cw_syntax **out, struct cw_str regex, struct cw_arena *arena,
	struct cw_syntax_error *error)
{
	struct reader r = {.cursor = {.in = regex, .error = error}, .arena = arena};
	int rc;

	r.stack = cw_arena_alloc(arena, (regex.len + 1) * sizeof(struct cw_syntax *));
	if (!r.stack)
		return -ENOMEM;
	rc = read_choice(&r, 0);
	if (rc)
		return rc;
	if (r.cursor.at < regex.len)
		return cw_syntax_refuse(&r.cursor, "has a parenthesis that closes nothing");
	*out = r.stack[0];
	return 0;
}
