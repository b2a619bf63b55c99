/*
 * Sets of bytes, as 256 bits.
 */
#include "dialplan/byte_set.h"

#define N_WORDS 4

void cw_byte_set_add_range(struct cw_byte_set *set, unsigned char from, unsigned char to)
{
	unsigned byte;

	for (byte = from; byte <= to; byte++)
		cw_byte_set_add(set, (unsigned char)byte);
}

void cw_byte_set_add_folded(struct cw_byte_set *set, unsigned char from, unsigned char to)
{
	unsigned byte;

	for (byte = from; byte <= to; byte++) {
		cw_byte_set_add(set, (unsigned char)byte);
		if ((byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z'))
			cw_byte_set_add(set, (unsigned char)(byte ^ ('a' ^ 'A')));
	}
}

void cw_byte_set_add_all(struct cw_byte_set *set, const struct cw_byte_set *other)
{
	unsigned i;

	for (i = 0; i < N_WORDS; i++)
		set->bits[i] |= other->bits[i];
}

void cw_byte_set_keep(struct cw_byte_set *set, const struct cw_byte_set *other)
{
	unsigned i;

	for (i = 0; i < N_WORDS; i++)
		set->bits[i] &= other->bits[i];
}

void cw_byte_set_negate(struct cw_byte_set *set)
{
	unsigned i;

	for (i = 0; i < N_WORDS; i++)
		set->bits[i] = ~set->bits[i];
}

bool cw_byte_set_is_empty(const struct cw_byte_set *set)
{
	return !(set->bits[0] | set->bits[1] | set->bits[2] | set->bits[3]);
}

bool cw_byte_set_eq(const struct cw_byte_set *a, const struct cw_byte_set *b)
{
	unsigned i;

	for (i = 0; i < N_WORDS; i++)
		if (a->bits[i] != b->bits[i])
			return false;
	return true;
}
