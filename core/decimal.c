#include "core/decimal.h"

struct cw_str cw_decimal(char room[static CW_DECIMAL_MAX], uint64_t number)
{
	char *p = room + CW_DECIMAL_MAX;

	do {
		*--p = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return cw_str_make(p, (size_t)(room + CW_DECIMAL_MAX - p));
}
