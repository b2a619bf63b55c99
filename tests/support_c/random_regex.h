/*
 * Random regexes and texts over few letters, the same for the same seed, for comparisons of two opinions on them.
 */
#ifndef TESTS_SUPPORT_C_RANDOM_REGEX_H
#define TESTS_SUPPORT_C_RANDOM_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANDOM_REGEX_MAX 256 /* bytes, with the NUL */

/* A source of numbers; any state but 0. */
struct random_regex {
	uint64_t state;
	bool is_plain; /* leave out what is a place or not regular */
};

/* A number below `n`. */
unsigned random_regex_number(struct random_regex *random, unsigned n);

/* Write a regex that PCRE2 may or may not compile. */
void random_regex_write(struct random_regex *random, char out[RANDOM_REGEX_MAX]);

/* Write a text of less than `size` bytes, mostly of what the regexes are made of. Returns: its length. */
size_t random_regex_text(struct random_regex *random, char *out, size_t size);

#endif
