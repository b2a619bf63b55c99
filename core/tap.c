/* A tap: the list of those who listen. */
#include "core/tap.h"

#include <stdarg.h>
#include <stdio.h>

void cw_tap_init(struct cw_tap *tap, const char *area, struct cw_log_field tag)
{
	cw_list_init(&tap->listeners);
	tap->area = area;
	tap->tag = tag;
}

void cw_tap_listen(struct cw_tap *tap, struct cw_tap_listener *listener)
{
	cw_list_append(&tap->listeners, &listener->link);
}

void cw_tap_leave(struct cw_tap_listener *listener)
{
	if (listener->link.next)
		cw_list_remove(&listener->link);
}

bool cw_tap_wanted(const struct cw_tap *tap, struct cw_str subject)
{
	struct cw_list *link;

	if (!tap)
		return false;
	cw_list_for_each (link, &tap->listeners) {
		if (cw_str_case_eq(
			    cw_container_of(link, struct cw_tap_listener, link)->subject, subject))
			return true;
	}
	return cw_log_wanted(CW_LOG_DEBUG, tap->area);
}

static void write_log(const struct cw_tap *tap, struct cw_str subject, struct cw_str line)
{
	if (tap->tag.name)
		cw_debug(tap->area, cw_kz("event", "said"), tap->tag, cw_ks("partner", subject),
			cw_ks("text", line));
	else
		cw_debug(tap->area, cw_kz("event", "said"), cw_ks("partner", subject),
			cw_ks("text", line));
}

void cw_tap_write(struct cw_tap *tap, struct cw_str subject, const char *format, ...)
{
	char text[CW_TAP_LINE_MAX];
	struct cw_list *link, *next;
	struct cw_str line;
	va_list args;
	int n;

	if (!cw_tap_wanted(tap, subject))
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	line = cw_str_make(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	write_log(tap, subject, line);
	cw_list_for_each_safe(link, next, &tap->listeners)
	{
		struct cw_tap_listener *l = cw_container_of(link, struct cw_tap_listener, link);

		if (cw_str_case_eq(l->subject, subject))
			l->heard(l->arg, line);
	}
}
