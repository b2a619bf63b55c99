/* Regexes by a grammar, each rule with its weight. */
#include "tests/support_c/random_regex.h"

#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define DEPTH_MAX         4

static const char letters[] = "aAbBc@.;";

static const char *const plain_atoms[] = {"a", "b", "c", "@", "\\.", ";", ".", "a", "b", "@",
	"[ab]", "[^a]", "[a-c]", "[^@;]", "\\w", "\\W", "[[:alpha:]]", "[\\w.]", "B", "\\x61",
	"[^\\D]", "\\d", "[.-@]"};

static const char *const other_atoms[] = {"^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "\\1",
	"\\2", "\\Qa.b\\E", "\\Q\\E", "\\E", "(?#x)", "(?i)", "{", "}", "]", "\\s", "\\h", "\\V",
	"\\N", "\\101", "\\60", "\\ca", "\\x{62}", "[]a]", "[^]a]", "[a-]", "[\\Qa-\\Eb]", "[b\\d]",
	"[[:^upper:]]", "[^[:punct:]b]", "\\@", "a{,2}", "\\g1", "\\g{-1}", "\xe4", "-"};

static const char *const quantifiers[] = {
	"*", "+", "?", "*", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "{0}", "{,1}", "*?", "+?", "??"};

static const char *const possessives[] = {"*+", "++", "?+", "{2}+"};

static const char *const plain_groups[] = {"(", "(?:", "("};

static const char *const other_groups[] = {"(?>", "(?=", "(?!", "(?<=", "(?<!", "(?i:"};

unsigned random_regex_number(struct random_regex *random, unsigned n)
{
	/* xorshift64* (S. Vigna) */
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (unsigned)((random->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

/* Append, as long as there is room for the groups to end. */
static bool append(char *out, const char *text)
{
	size_t len = strlen(out);

	if (len + strlen(text) + DEPTH_MAX >= RANDOM_REGEX_MAX)
		return false;
	memcpy(out + len, text, strlen(text) + 1);
	return true;
}

static const char *choose(struct random_regex *random, const char *const *of, size_t n)
{
	return of[random_regex_number(random, (unsigned)n)];
}

/* Whether one of `n` times it happens that something is not plain. */
static bool is_odd(struct random_regex *random, unsigned n)
{
	return !random->is_plain && random_regex_number(random, n) == 0;
}

static void write_choice(struct random_regex *random, unsigned depth, char *out);

static void write_group(struct random_regex *random, unsigned depth, char *out)
{
	const char *begin = is_odd(random, 4)
				    ? choose(random, other_groups, N_ELEMENTS(other_groups))
				    : choose(random, plain_groups, N_ELEMENTS(plain_groups));

	if (!append(out, begin))
		return;
	write_choice(random, depth + 1, out);
	memcpy(out + strlen(out), ")", 2);
}

static void write_atom(struct random_regex *random, unsigned depth, char *out)
{
	if (depth < DEPTH_MAX && random_regex_number(random, 4) == 0)
		write_group(random, depth, out);
	else if (is_odd(random, 4))
		(void)append(out, choose(random, other_atoms, N_ELEMENTS(other_atoms)));
	else
		(void)append(out, choose(random, plain_atoms, N_ELEMENTS(plain_atoms)));
	if (is_odd(random, 12))
		(void)append(out, choose(random, possessives, N_ELEMENTS(possessives)));
	else if (random_regex_number(random, 3) == 0)
		(void)append(out, choose(random, quantifiers, N_ELEMENTS(quantifiers)));
}

static void write_choice(struct random_regex *random, unsigned depth, char *out)
{
	unsigned i, k, n = 1, n_atoms;

	n += random_regex_number(random, 3) == 0;
	n += random_regex_number(random, 6) == 0;
	for (i = 0; i < n; i++) {
		(void)append(out, i ? "|" : "");
		n_atoms = random_regex_number(random, 5);
		for (k = 0; k < n_atoms; k++)
			write_atom(random, depth, out);
	}
}

void random_regex_write(struct random_regex *random, char out[RANDOM_REGEX_MAX])
{
	out[0] = '\0';
	write_choice(random, 0, out);
}

size_t random_regex_text(struct random_regex *random, char *out, size_t size)
{
	static const char rare[] = "dZ0_5 -x\xe4\t{";
	size_t len = random_regex_number(random, (unsigned)size), i;

	for (i = 0; i < len; i++) {
		out[i] = letters[random_regex_number(random, sizeof(letters) - 1)];
		if (random_regex_number(random, 8) == 0)
			out[i] = rare[random_regex_number(random, sizeof(rare) - 1)];
	}
	return len;
}
