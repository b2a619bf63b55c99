/*
 * Escapes and classes, as PCRE2 reads them with its own tables (those of the C locale).
 */
#include "dialplan/syntax_cursor.h"

#define BYTE_MAX 0xffu

/* What an escape stands for. */
struct escape {
	enum cw_syntax_kind kind;
	bool is_byte; /* kind CW_SYNTAX_BYTES: it names this one byte, not yet folded */
	unsigned char byte;
	struct cw_byte_set set;
};

/* The state of a class: whether the last byte may begin a range, or has begun one. */
struct range {
	enum {
		RANGE_NO,
		RANGE_POSSIBLE,
		RANGE_BEGUN
	} state;
	unsigned char from;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool is_word(char c)
{
	return is_digit(c) || (cw_char_lower(c) >= 'a' && cw_char_lower(c) <= 'z') || c == '_';
}

static int hex_value(char c)
{
	c = cw_char_lower(c);
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int cw_syntax_refuse(const struct cw_syntax_cursor *c, const char *what)
{
	*c->error = (struct cw_syntax_error){what, c->at};
	return CW_SYNTAX_E_UNKNOWN;
}

int cw_syntax_skip_name(struct cw_syntax_cursor *c, char end)
{
	size_t n = 0;

	while (is_word(cw_syntax_peek(c, n)))
		n++;
	if (n == 0 || c->at + n >= c->in.len || cw_syntax_peek(c, n) != end)
		return cw_syntax_refuse(c, "has a name that is not understood");
	c->at += n + 1;
	return 0;
}

/* The set of \d, \w, \s, \h, \v and, in upper case, all but that; \N is all but the newline. */
static bool find_escape_set(char letter, struct cw_byte_set *set)
{
	bool is_negated = letter >= 'A' && letter <= 'Z';

	*set = (struct cw_byte_set){{0}};
	switch (is_negated ? cw_char_lower(letter) : letter) {
	case 'd':
		cw_byte_set_add_range(set, '0', '9');
		break;
	case 'w':
		cw_byte_set_add_range(set, '0', '9');
		cw_byte_set_add_folded(set, 'a', 'z');
		cw_byte_set_add(set, '_');
		break;
	case 's':
		cw_byte_set_add_range(set, '\t', '\r');
		cw_byte_set_add(set, ' ');
		break;
	case 'h':
		cw_byte_set_add(set, '\t');
		cw_byte_set_add(set, ' ');
		cw_byte_set_add(set, 0xa0);
		break;
	case 'v':
		cw_byte_set_add_range(set, '\n', '\r');
		cw_byte_set_add(set, 0x85);
		break;
	case 'n':
		cw_byte_set_add(set, '\n');
		break;
	default:
		return false;
	}
	if (is_negated)
		cw_byte_set_negate(set);
	return true;
}

/* The byte of an escape that always names the same one; 0: it does not. */
static unsigned char find_escape_byte(char letter)
{
	switch (letter) {
	case 'a':
		return '\a';
	case 'e':
		return 0x1b;
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* Read digits up to a closing brace; `base` is 8 or 16. */
static int read_braced(struct cw_syntax_cursor *c, int base, struct escape *out)
{
	unsigned value = 0;
	size_t n = 1;
	int digit;

	for (;; n++) {
		digit = hex_value(cw_syntax_peek(c, n));
		if (digit < 0 || digit >= base)
			break;
		value = value * (unsigned)base + (unsigned)digit;
		if (value > BYTE_MAX)
			return cw_syntax_refuse(c, "names a byte above 255");
	}
	if (n == 1 || cw_syntax_peek(c, n) != '}')
		return cw_syntax_refuse(c, "has an escape that is not understood");
	c->at += n + 1;
	out->byte = (unsigned char)value;
	return 0;
}

/* Read up to two hexadecimal digits, or some in braces. */
static int read_hex(struct cw_syntax_cursor *c, struct escape *out)
{
	unsigned value = 0;
	int n;

	if (cw_syntax_peek(c, 0) == '{')
		return read_braced(c, 16, out);
	for (n = 0; n < 2 && hex_value(cw_syntax_peek(c, 0)) >= 0; n++, c->at++)
		value = value * 16 + (unsigned)hex_value(cw_syntax_peek(c, 0));
	out->byte = (unsigned char)value;
	return 0;
}

/* Read up to three octal digits. */
static int read_octal(struct cw_syntax_cursor *c, struct escape *out)
{
	unsigned value = 0;
	int n;

	for (n = 0; n < 3 && is_octal(cw_syntax_peek(c, 0)); n++, c->at++)
		value = value * 8 + (unsigned)(cw_syntax_peek(c, 0) - '0');
	if (value > BYTE_MAX)
		return cw_syntax_refuse(c, "names a byte above 255");
	out->byte = (unsigned char)value;
	return 0;
}

/* Read \cX, the cursor behind the c. */
static int read_control(struct cw_syntax_cursor *c, struct escape *out)
{
	char letter = cw_syntax_peek(c, 0);

	if (letter < ' ' || letter > '~')
		return cw_syntax_refuse(c, "has an escape that is not understood");
	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	out->byte = (unsigned char)letter ^ 0x40;
	c->at++;
	return 0;
}

/* Read what begins with a digit: a reference where the number is small or there are that many groups already, else octal. */
static int read_digits(struct cw_syntax_cursor *c, bool is_in_class, struct escape *out)
{
	char first = cw_syntax_peek(c, 0);
	uint64_t number;
	size_t n = 0;

	if (first == '0' || (is_in_class && is_octal(first)))
		return read_octal(c, out);
	if (is_in_class) {
		out->byte = (unsigned char)first;
		c->at++;
		return 0;
	}
	while (is_digit(cw_syntax_peek(c, n)))
		n++;
	if (cw_str_to_u64(cw_str_make(c->in.p + c->at, n), UINT16_MAX, &number))
		return cw_syntax_refuse(c, "has an escape that is not understood");
	if (number >= 10 && first < '8' && number > c->n_groups)
		return read_octal(c, out);
	c->at += n;
	out->is_byte = false;
	out->kind = CW_SYNTAX_REFERENCE;
	return 0;
}

/* Read \g{name}, \g{-1}, \g1 and their like, the cursor behind the g. */
static int read_g(struct cw_syntax_cursor *c, struct escape *out)
{
	bool is_braced = cw_syntax_peek(c, 0) == '{';
	char sign = cw_syntax_peek(c, is_braced);

	out->is_byte = false;
	out->kind = CW_SYNTAX_REFERENCE;
	if (sign == '<' || sign == '\'')
		return cw_syntax_refuse(c, "has a recursion");
	c->at += (size_t)is_braced + (sign == '+' || sign == '-');
	if (is_braced)
		return cw_syntax_skip_name(c, '}');
	if (!is_digit(cw_syntax_peek(c, 0)))
		return cw_syntax_refuse(c, "has an escape that is not understood");
	while (is_digit(cw_syntax_peek(c, 0)))
		c->at++;
	return 0;
}

/* Read \k{name} and its like, the cursor behind the k. */
static int read_k(struct cw_syntax_cursor *c, struct escape *out)
{
	char begin = cw_syntax_peek(c, 0);

	if (begin != '{' && begin != '<' && begin != '\'')
		return cw_syntax_refuse(c, "has an escape that is not understood");
	out->is_byte = false;
	out->kind = CW_SYNTAX_REFERENCE;
	c->at++;
	return cw_syntax_skip_name(c, begin == '{' ? '}' : begin == '<' ? '>' : begin);
}

/* Escapes that are places, not bytes. */
static bool find_place(char letter, struct escape *out)
{
	switch (letter) {
	case 'A':
	case 'G':
		out->kind = CW_SYNTAX_BEGIN;
		break;
	case 'Z':
	case 'z':
		out->kind = CW_SYNTAX_END;
		break;
	case 'B':
	case 'b':
		out->kind = CW_SYNTAX_LOOK;
		break;
	default:
		return false;
	}
	out->is_byte = false;
	return true;
}

/* Read an escape, the cursor behind its letter; only what is the same inside and outside of a class. */
static int read_common(struct cw_syntax_cursor *c, char letter, struct escape *out)
{
	if (!is_word(letter) || letter == '_') {
		out->byte = (unsigned char)letter;
		return 0;
	}
	if (letter != 'N' && letter != 'n' && find_escape_set(letter, &out->set)) {
		out->is_byte = false;
		return 0;
	}
	out->byte = find_escape_byte(letter);
	if (out->byte)
		return 0;
	switch (letter) {
	case 'c':
		return read_control(c, out);
	case 'o':
		if (cw_syntax_peek(c, 0) == '{')
			return read_braced(c, 8, out);
		break;
	case 'x':
		return read_hex(c, out);
	case 'K':
		return cw_syntax_refuse(c, "has a \\K");
	case 'R':
	case 'X':
		return cw_syntax_refuse(c, "has a \\R or \\X");
	case 'P':
	case 'p':
		return cw_syntax_refuse(c, "has a Unicode property");
	default:
		break;
	}
	return cw_syntax_refuse(c, "has an escape that is not understood");
}

/* Read the escape at the cursor; \Q and \E are the caller's. */
static int read_escape(struct cw_syntax_cursor *c, bool is_in_class, struct escape *out)
{
	char letter = cw_syntax_peek(c, 1);

	if (c->at + 1 >= c->in.len)
		return cw_syntax_refuse(c, "ends in a backslash");
	*out = (struct escape){.kind = CW_SYNTAX_BYTES, .is_byte = true};
	c->at++;
	if (is_digit(letter))
		return read_digits(c, is_in_class, out);
	c->at++;
	if (is_in_class && (letter == 'b' || letter == 'g')) {
		out->byte = letter == 'b' ? '\b' : 'g';
		return 0;
	}
	if (is_in_class)
		return read_common(c, letter, out);
	if (find_place(letter, out))
		return 0;
	if (letter == 'N' && cw_syntax_peek(c, 0) == '{')
		return cw_syntax_refuse(c, "has an escape that is not understood");
	if (letter == 'N') {
		out->is_byte = false;
		(void)find_escape_set(letter, &out->set);
		return 0;
	}
	if (letter == 'g')
		return read_g(c, out);
	return letter == 'k' ? read_k(c, out) : read_common(c, letter, out);
}

int cw_syntax_read_escape(
	struct cw_syntax_cursor *c, enum cw_syntax_kind *kind, struct cw_byte_set *set)
{
	struct escape escape;
	int r = read_escape(c, false, &escape);

	if (r)
		return r;
	if (escape.is_byte)
		cw_byte_set_add_folded(&escape.set, escape.byte, escape.byte);
	*kind = escape.kind;
	*set = escape.set;
	return 0;
}

/* Where the [:name:] at the cursor ends (its second colon); 0 when it is none. [.x.] and [=x=] are told by their own byte. */
static size_t find_posix_end(const struct cw_syntax_cursor *c)
{
	char mark = cw_syntax_peek(c, 1);
	size_t i;

	if (cw_syntax_peek(c, 0) != '[' || (mark != ':' && mark != '.' && mark != '='))
		return 0;
	for (i = c->at + 2; i + 1 < c->in.len; i++) {
		if (c->in.p[i] == '\\' && (c->in.p[i + 1] == ']' || c->in.p[i + 1] == '\\'))
			i++;
		else if (c->in.p[i] == ']' || (c->in.p[i] == '[' && c->in.p[i + 1] == mark))
			return 0;
		else if (c->in.p[i] == mark && c->in.p[i + 1] == ']')
			return i;
	}
	return 0;
}

/* Add the bytes of a POSIX class; caseless, [:upper:] and [:lower:] are [:alpha:]. */
static bool find_posix_set(struct cw_str name, struct cw_byte_set *set)
{
	static const struct {
		const char *name;
		unsigned char ranges
			[8]; /* pairs of first and last, up to a pair of zeros that is not the first */
	} classes[] = {
		{"alnum", "09AZaz"},
		{"alpha", "AZaz"},
		{"ascii", {0, 0x7f}},
		{"blank", "\t\t  "},
		{"cntrl", {0, 0x1f, 0x7f, 0x7f}},
		{"digit", "09"},
		{"graph", "!~"},
		{"lower", "AZaz"},
		{"print", " ~"},
		{"punct", "!/:@[`{~"},
		{"space", "\t\r  "},
		{"upper", "AZaz"},
		{"word", "09AZaz__"},
		{"xdigit", "09AFaf"},
	};
	size_t i, pair;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!cw_str_eq(name, cw_str_of(classes[i].name)))
			continue;
		*set = (struct cw_byte_set){{0}};
		for (pair = 0; pair < sizeof(classes[i].ranges) && classes[i].ranges[pair + 1];
			pair += 2)
			cw_byte_set_add_range(
				set, classes[i].ranges[pair], classes[i].ranges[pair + 1]);
		return true;
	}
	return false;
}

/* Read the [:name:] at the cursor that ends at `end`. */
static int read_posix(
	struct cw_syntax_cursor *c, size_t end, struct cw_byte_set *set, struct range *range)
{
	bool is_negated = cw_syntax_peek(c, 2) == '^';
	size_t begin = c->at + 2 + is_negated;
	struct cw_byte_set found;

	if (range->state == RANGE_BEGUN || cw_syntax_peek(c, 1) != ':' ||
		!find_posix_set(cw_str_make(c->in.p + begin, end - begin), &found))
		return cw_syntax_refuse(c, "has a class that is not understood");
	if (is_negated)
		cw_byte_set_negate(&found);
	cw_byte_set_add_all(set, &found);
	c->at = end + 2;
	range->state = RANGE_NO;
	return 0;
}

/* Take one byte into the class: as itself, as the begin of what may become a range, or as the end of one. */
static int take_byte(struct cw_syntax_cursor *c, unsigned char byte, struct cw_byte_set *set,
	struct range *range)
{
	if (range->state == RANGE_BEGUN && range->from > byte)
		return cw_syntax_refuse(c, "has a range that is out of order");
	cw_byte_set_add_folded(set, range->state == RANGE_BEGUN ? range->from : byte, byte);
	range->state = range->state == RANGE_BEGUN ? RANGE_NO : RANGE_POSSIBLE;
	range->from = byte;
	return 0;
}

/* Take the escape at the cursor into the class. */
static int take_escape(struct cw_syntax_cursor *c, struct cw_byte_set *set, struct range *range)
{
	struct escape escape;
	int r = read_escape(c, true, &escape);

	if (r)
		return r;
	if (escape.is_byte)
		return take_byte(c, escape.byte, set, range);
	if (range->state == RANGE_BEGUN)
		return cw_syntax_refuse(c, "has a class that is not understood");
	cw_byte_set_add_all(set, &escape.set);
	range->state = RANGE_NO;
	return 0;
}

/* Read one item of a class. */
static int read_class_item(struct cw_syntax_cursor *c, struct cw_byte_set *set, struct range *range)
{
	size_t posix_end;

	if (cw_syntax_is_next(c, "\\E")) {
		c->is_quoted = false;
		c->at += 2;
		return 0;
	}
	if (!c->is_quoted && cw_syntax_is_next(c, "\\Q")) {
		c->is_quoted = true;
		c->at += 2;
		return 0;
	}
	if (!c->is_quoted) {
		posix_end = find_posix_end(c);
		if (posix_end)
			return read_posix(c, posix_end, set, range);
		if (cw_syntax_peek(c, 0) == '\\')
			return take_escape(c, set, range);
		if (cw_syntax_peek(c, 0) == '-' && range->state == RANGE_POSSIBLE) {
			range->state = RANGE_BEGUN;
			c->at++;
			return 0;
		}
	}
	return take_byte(c, (unsigned char)c->in.p[c->at++], set, range);
}

/* Step over the begin of a class: a ^ and what quotes nothing. */
static bool skip_class_begin(struct cw_syntax_cursor *c)
{
	bool is_negated = false;

	for (;;) {
		if (cw_syntax_is_next(c, "\\Q\\E")) {
			c->at += 4;
		} else if (cw_syntax_is_next(c, "\\E")) {
			c->at += 2;
		} else if (!is_negated && cw_syntax_peek(c, 0) == '^') {
			is_negated = true;
			c->at++;
		} else {
			return is_negated;
		}
	}
}

int cw_syntax_read_class(struct cw_syntax_cursor *c, struct cw_byte_set *set)
{
	struct range range = {RANGE_NO, 0};
	bool is_negated, is_first = true;
	int r;

	*set = (struct cw_byte_set){{0}};
	if (cw_syntax_is_next(c, "[[:<:]]") || cw_syntax_is_next(c, "[[:>:]]"))
		return cw_syntax_refuse(c, "has a class that is not understood");
	if (find_posix_end(c))
		return cw_syntax_refuse(c, "has a class that is not understood");
	c->at++;
	is_negated = skip_class_begin(c);
	for (; c->at < c->in.len; is_first = false) {
		if (cw_syntax_peek(c, 0) == ']' && !c->is_quoted && !is_first) {
			c->at++;
			if (range.state == RANGE_BEGUN)
				cw_byte_set_add(set, '-');
			if (is_negated)
				cw_byte_set_negate(set);
			return 0;
		}
		r = read_class_item(c, set, &range);
		if (r)
			return r;
	}
	return cw_syntax_refuse(c, "has a class without end");
}
