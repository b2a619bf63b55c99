/* Log lines: built on the stack, written with one write, or held back to be written with others. */
#include "core/log.h"

#include "core/decimal.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES  8192 /* one line; what does not fit is cut */
#define HELD_MAX_BYTES  65536
#define EVENT_MAX_BYTES 48
#define RATES_MAX       64 /* kinds of lines that one second tells apart; the rest share the last */

static const char *const level_names[] = {
	[CW_LOG_ERROR] = "error",
	[CW_LOG_WARN] = "warn",
	[CW_LOG_INFO] = "info",
	[CW_LOG_DEBUG] = "debug",
};

/* Lines of one kind in the current second. */
struct rate {
	enum cw_log_level level;
	unsigned lines; /* 0: a free slot */
	char area[CW_LOG_AREA_MAX];
	char event[EVENT_MAX_BYTES];
};

struct area_level {
	char area[CW_LOG_AREA_MAX];
	size_t len;
	enum cw_log_level level;
};

static struct {
	enum cw_log_level level;   /* of areas without one of their own */
	enum cw_log_level highest; /* of all: most debug calls end at this comparison */
	struct area_level areas[CW_LOG_AREAS_MAX];
	size_t n_areas;
	void (*sink)(void *arg, struct cw_str line);
	void *sink_arg;
	void (*due)(void *arg); /* NULL: no line is held back */
	void *due_arg;
	size_t n_held;
	char held[HELD_MAX_BYTES];
	time_t second; /* that `stamp` and `rates` are about */
	char stamp[24];
	struct rate rates[RATES_MAX];
} state = {.level = CW_LOG_INFO, .highest = CW_LOG_INFO};

struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
};

bool cw_log_wanted(enum cw_log_level level, const char *area)
{
	if (level > state.highest)
		return false;

	enum cw_log_level limit = state.level;
	size_t best = 0;

	for (size_t i = 0; i < state.n_areas; i++) {
		const struct area_level *a = &state.areas[i];

		if (a->len > best && strncmp(area, a->area, a->len) == 0 &&
			(area[a->len] == '\0' || area[a->len] == '.')) {
			best = a->len;
			limit = a->level;
		}
	}
	return level <= limit;
}

static void line_char(struct line *l, char c)
{
	if (l->len < sizeof(l->data) - 1) /* the last byte is the newline's */
		l->data[l->len++] = c;
}

static void line_bytes(struct line *l, const char *p, size_t len)
{
	size_t room = sizeof(l->data) - 1 - l->len;

	if (len > room)
		len = room;
	memcpy(l->data + l->len, p, len);
	l->len += len;
}

static void line_text(struct line *l, const char *text)
{
	line_bytes(l, text, strlen(text));
}

static bool is_plain(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void line_escaped(struct line *l, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	if (c == '"' || c == '\\') {
		line_char(l, '\\');
		line_char(l, (char)c);
	} else if (c == '\n') {
		line_text(l, "\\n");
	} else if (c == '\r') {
		line_text(l, "\\r");
	} else if (c == '\t') {
		line_text(l, "\\t");
	} else if (c < 0x20 || c > 0x7e) {
		line_text(l, "\\x");
		line_char(l, digits[c >> 4]);
		line_char(l, digits[c & 15]);
	} else {
		line_char(l, (char)c);
	}
}

/* A value: bare when a reader can tell where it ends, else quoted and escaped; "..." says that it was cut. */
static void line_value(struct line *l, struct cw_str s, bool is_quoted)
{
	bool is_cut = s.len > CW_LOG_VALUE_MAX;
	bool is_bare = s.len > 0 && !is_quoted;

	if (is_cut)
		s.len = CW_LOG_VALUE_MAX;
	for (size_t i = 0; i < s.len && is_bare; i++)
		is_bare = is_plain((unsigned char)s.p[i]);
	if (is_bare) {
		line_bytes(l, s.p, s.len);
	} else {
		line_char(l, '"');
		for (size_t i = 0; i < s.len; i++)
			line_escaped(l, (unsigned char)s.p[i]);
	}
	if (is_cut)
		line_text(l, "...");
	if (!is_bare)
		line_char(l, '"');
}

static void line_number(struct line *l, int64_t number)
{
	char room[CW_DECIMAL_MAX];
	struct cw_str digits =
		cw_decimal(room, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);

	if (number < 0)
		line_char(l, '-');
	line_bytes(l, digits.p, digits.len);
}

static void line_begin(struct line *l, long milliseconds, enum cw_log_level level, const char *area)
{
	char fraction[] = ".000Z ";

	fraction[1] = (char)('0' + milliseconds / 100 % 10);
	fraction[2] = (char)('0' + milliseconds / 10 % 10);
	fraction[3] = (char)('0' + milliseconds % 10);
	l->len = 0;
	line_text(l, state.stamp);
	line_text(l, fraction);
	line_text(l, level_names[level]);
	line_char(l, ' ');
	line_text(l, area);
}

static void line_field(struct line *l, const struct cw_log_field *f)
{
	line_char(l, ' ');
	line_text(l, f->name);
	line_char(l, '=');
	if (f->kind == CW_LOG_INT)
		line_number(l, f->num);
	else
		line_value(l, f->str, f->kind == CW_LOG_QUOTED);
}

void cw_log_flush(void)
{
	if (state.n_held > 0) {
		/* nobody is left to tell when stderr is gone */
		ssize_t written = write(STDERR_FILENO, state.held, state.n_held);

		(void)written;
	}
	state.n_held = 0;
}

static void line_end(struct line *l, enum cw_log_level level)
{
	bool is_first;

	l->data[l->len++] = '\n';
	if (state.sink) {
		state.sink(state.sink_arg, cw_str_make(l->data, l->len));
		return;
	}
	if (l->len > sizeof(state.held) - state.n_held)
		cw_log_flush();
	is_first = state.n_held == 0;
	memcpy(state.held + state.n_held, l->data, l->len);
	state.n_held += l->len;
	if (!state.due || level <= CW_LOG_WARN)
		cw_log_flush();
	else if (is_first)
		state.due(state.due_arg);
}

/* A second is over: say what it left out, forget its counts, and print the new one. */
static void begin_second(struct line *l, const struct timespec *now)
{
	struct tm tm;

	for (size_t i = 0; i < RATES_MAX; i++) {
		struct rate *r = &state.rates[i];

		if (r->lines > CW_LOG_BURST) {
			struct cw_log_field fields[] = {
				cw_kz("event", "suppressed"),
				cw_ki("lines", r->lines - CW_LOG_BURST),
				cw_kz("of", r->event),
			};

			line_begin(l, 999, r->level, r->area);
			for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
				line_field(l, &fields[k]);
			line_end(l, r->level);
		}
		r->lines = 0;
	}
	state.second = now->tv_sec;
	if (!gmtime_r(&now->tv_sec, &tm) ||
		strftime(state.stamp, sizeof(state.stamp), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		state.stamp[0] = '\0';
}

/* The first bytes of `s`, as a string. */
static void clip(char *out, size_t size, struct cw_str s)
{
	size_t len = s.len < size - 1 ? s.len : size - 1;

	if (len > 0)
		memcpy(out, s.p, len);
	out[len] = '\0';
}

static bool is_over_rate(enum cw_log_level level, const char *area, struct cw_str event)
{
	char short_area[CW_LOG_AREA_MAX], short_event[EVENT_MAX_BYTES];
	size_t i = 0;

	clip(short_area, sizeof(short_area), cw_str_of(area));
	clip(short_event, sizeof(short_event), event);
	for (; i < RATES_MAX; i++) {
		struct rate *r = &state.rates[i];

		if (r->lines == 0 || i == RATES_MAX - 1) {
			if (r->lines == 0) {
				r->level = level;
				memcpy(r->area, short_area, sizeof(r->area));
				memcpy(r->event, short_event, sizeof(r->event));
			}
			break;
		}
		if (r->level == level && strcmp(r->area, short_area) == 0 &&
			strcmp(r->event, short_event) == 0)
			break;
	}
	return ++state.rates[i].lines > CW_LOG_BURST;
}

void cw_log_write(enum cw_log_level level, const char *area, const struct cw_log_field *fields)
{
	int saved_errno = errno;
	struct timespec now = {0};
	struct cw_str event = {NULL, 0};
	struct line l;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != state.second)
		begin_second(&l, &now);
	if (fields[0].name && fields[0].kind == CW_LOG_STR && strcmp(fields[0].name, "event") == 0)
		event = fields[0].str;
	if (level <= CW_LOG_WARN && is_over_rate(level, area, event))
		goto out;

	line_begin(&l, now.tv_nsec / 1000000, level, area);
	for (const struct cw_log_field *f = fields; f->name; f++)
		line_field(&l, f);
	line_end(&l, level);
out:
	errno = saved_errno;
}

static void find_highest(void)
{
	state.highest = state.level;
	for (size_t i = 0; i < state.n_areas; i++) {
		if (state.areas[i].level > state.highest)
			state.highest = state.areas[i].level;
	}
}

int cw_log_set_level(const char *area, enum cw_log_level level)
{
	if (!area) {
		state.level = level;
		state.n_areas = 0;
		find_highest();
		return 0;
	}

	size_t i = 0;

	while (i < state.n_areas && strcmp(state.areas[i].area, area) != 0)
		i++;
	if (i == CW_LOG_AREAS_MAX)
		return -ENOSPC;

	struct area_level *a = &state.areas[i];

	clip(a->area, sizeof(a->area), cw_str_of(area));
	a->len = strlen(a->area);
	a->level = level;
	if (i == state.n_areas)
		state.n_areas++;
	find_highest();
	return 0;
}

void cw_log_hold(void (*due)(void *arg), void *arg)
{
	cw_log_flush();
	state.due = due;
	state.due_arg = arg;
}

void cw_log_set_sink(void (*sink)(void *arg, struct cw_str line), void *arg)
{
	state.sink = sink;
	state.sink_arg = arg;
}

int cw_log_level_parse(struct cw_str name, enum cw_log_level *out)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (cw_str_eq(name, cw_str_of(level_names[i]))) {
			*out = (enum cw_log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}
