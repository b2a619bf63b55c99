/* Numbers as decimal text, where printf would cost more than the rest of the work. */
#ifndef CW_CORE_DECIMAL_H
#define CW_CORE_DECIMAL_H

#include "core/str.h"

#define CW_DECIMAL_MAX 20 /* digits of the largest number */

/* The digits of `number`, which stand at the end of `room`. */
struct cw_str cw_decimal(char room[static CW_DECIMAL_MAX], uint64_t number);

#endif
