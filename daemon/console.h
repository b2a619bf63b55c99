/*
 * What the commands share: their exit statuses, and how they load, read, complain and end.
 */
#ifndef CW_DAEMON_CONSOLE_H
#define CW_DAEMON_CONSOLE_H

#include "daemon/config.h"
#include "daemon/options.h"

/* Exit statuses of the commands that ask a question. */
enum {
	CW_EXIT_YES = 0,
	CW_EXIT_NO = 1,    /* no target, no match, a failed test */
	CW_EXIT_ERROR = 2, /* usage, configuration, or the machine */
};

/*
 * Load the configuration that the options name; its errors are printed to stderr. Warnings are left to `check`.
 *
 * Returns: 0 and *out set, owned by the caller; CW_EXIT_ERROR.
 */
int cw_console_load(struct cw_config **out, const struct cw_options *options);

/*
 * The same for a configuration that the options do not name with -c.
 *
 * Returns: as above.
 */
int cw_console_load_file(struct cw_config **out, const char *path);

/*
 * Read a whole file of at most `max_bytes`; "-" is standard input. What is wrong is printed to stderr.
 *
 * Returns: 0 and *out set, to be freed by the caller; CW_EXIT_ERROR.
 */
int cw_console_read_file(
	struct cw_str *out, const char *command, const char *path, size_t max_bytes);

/*
 * End a command that printed to stdout: `status`, or CW_EXIT_ERROR with a message when `r` (an errno of printing) says that memory was short or when
 * the output could not be written.
 *
 * Returns: the exit status.
 */
int cw_console_finish(const char *command, int r, int status);

/* Print "causeway COMMAND: ..." and a newline to stderr. Returns: CW_EXIT_ERROR, for the caller to pass on. */
int cw_console_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether stdout is a terminal whose user did not turn colours off (NO_COLOR). */
bool cw_console_colours(void);

#endif
