/*
 * A tap: sentences about one subject (a partner's domain) for whoever listens at run time: an
 * administrator who traces that partner.
 *
 * What is said is also a debug line of the tap's area. With no listener, and without that level,
 * saying something costs a comparison.
 */
#ifndef CW_CORE_TAP_H
#define CW_CORE_TAP_H

#include "core/list.h"
#include "core/log.h"

#define CW_TAP_LINE_MAX 1024 /* bytes with NUL of a sentence; a longer one is cut */

/* Embed it; fields are private. */
struct cw_tap {
	struct cw_list listeners;
	const char *area;
	struct cw_log_field tag;
};

/* Who listens; embed it. */
struct cw_tap_listener {
	struct cw_list link;
	struct cw_str subject; /* compared caseless (ASCII); borrowed while it listens */
	/*
	 * A sentence was said about the subject: any bytes, without the newline. It may stop
	 * listening here.
	 */
	void (*heard)(void *arg, struct cw_str line);
	void *arg;
};

/*
 * Begin without listeners. `area`: of the debug lines; `tag`: a field that all of them carry
 * behind event= (its name NULL: none).
 */
void cw_tap_init(struct cw_tap *tap, const char *area, struct cw_log_field tag);

/* Listen from now on. */
void cw_tap_listen(struct cw_tap *tap, struct cw_tap_listener *listener);

/* Listen no more; harmless on a zeroed listener. */
void cw_tap_leave(struct cw_tap_listener *listener);

/* Whether anybody listens at all, or it is logged. NULL for the tap: nobody. */
static inline bool cw_tap_is_open(const struct cw_tap *tap)
{
	return tap && (!cw_list_empty(&tap->listeners) || cw_log_wanted(CW_LOG_DEBUG, tap->area));
}

/*
 * Whether what is said about `subject` is heard or logged: guards work done only for that. NULL
 * for the tap: no.
 */
bool cw_tap_wanted(const struct cw_tap *tap, struct cw_str subject);

/* Say it, by a printf format. Use the macro below. */
void cw_tap_write(struct cw_tap *tap, struct cw_str subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * cw_tap_say(tap, subject, format, ...): the arguments are not even looked at while nobody
 * listens.
 */
#define cw_tap_say(tap, ...)                                                                       \
	do {                                                                                       \
		if (cw_tap_is_open(tap))                                                           \
			cw_tap_write(tap, __VA_ARGS__);                                            \
	} while (0)

#endif
