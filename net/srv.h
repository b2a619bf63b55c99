/*
 * SRV records and the order in which to try them (RFC 2782).
 */
#ifndef CW_NET_SRV_H
#define CW_NET_SRV_H

#include "core/str.h"

struct cw_srv {
	uint16_t priority, weight, port;
	uint16_t mark;        /* whoever puts several answers together; it moves with the record */
	struct cw_str target; /* lower case, without trailing dot, NUL-terminated */
};

/*
 * Bring `n` records into the order in which to try them: priorities upwards, within one priority by chance, a record's
 * chance to be the next one being its weight's part of the sum; records of weight 0 come first with a very small chance.
 * `random` gives a number in [0, below).
 */
void cw_srv_order(struct cw_srv *records, size_t n, uint32_t (*random)(uint32_t below));

#endif
