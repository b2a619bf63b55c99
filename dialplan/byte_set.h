/*
 * Sets of bytes.
 */
#ifndef CW_DIALPLAN_BYTE_SET_H
#define CW_DIALPLAN_BYTE_SET_H

#include <stdbool.h>
#include <stdint.h>

struct cw_byte_set {
	uint64_t bits[4];
};

/* Whether `byte` is in the set. */
static inline bool cw_byte_set_has(const struct cw_byte_set *set, unsigned char byte)
{
	return set->bits[byte / 64] >> byte % 64 & 1;
}

/* Put `byte` into the set. */
static inline void cw_byte_set_add(struct cw_byte_set *set, unsigned char byte)
{
	set->bits[byte / 64] |= UINT64_C(1) << byte % 64;
}

/* Put the bytes from `from` to `to`, both included, into the set. */
void cw_byte_set_add_range(struct cw_byte_set *set, unsigned char from, unsigned char to);

/* The same, each ASCII letter of them in both cases. */
void cw_byte_set_add_folded(struct cw_byte_set *set, unsigned char from, unsigned char to);

/* Put all of `other` into the set. */
void cw_byte_set_add_all(struct cw_byte_set *set, const struct cw_byte_set *other);

/* Keep only what is in `other`, too. */
void cw_byte_set_keep(struct cw_byte_set *set, const struct cw_byte_set *other);

/* Take what is in the set out, and what is not in. */
void cw_byte_set_negate(struct cw_byte_set *set);

/* Whether nothing is in the set. */
bool cw_byte_set_is_empty(const struct cw_byte_set *set);

/* Whether both hold the same. */
bool cw_byte_set_eq(const struct cw_byte_set *a, const struct cw_byte_set *b);

#endif
