/*
 * Remarks.
 */
#include "admin/remark.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int cw_remarks_add(
	struct cw_remarks *remarks, struct cw_arena *arena, unsigned line, const char *format, ...)
{
	struct cw_remark *remark = cw_arena_alloc(arena, sizeof(*remark));
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (remark && len >= 0)
		text = cw_arena_alloc(arena, (size_t)len + 1);
	if (!text)
		return -ENOMEM;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	remark->line = line;
	remark->text = cw_str_make(text, (size_t)len);
	if (remarks->last)
		remarks->last->next = remark;
	else
		remarks->first = remark;
	remarks->last = remark;
	return 0;
}
