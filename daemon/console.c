/*
 * What the commands share.
 */
#include "daemon/console.h"

#include "core/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

int cw_console_error(const char *command, const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "causeway %s: ", command);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	return CW_EXIT_ERROR;
}

int cw_console_load_file(struct cw_config **out, const char *path)
{
	struct cw_diag diag = {0};
	struct cw_config *config = NULL;
	int r = cw_config_load(&config, path, &diag);

	if (diag.errors)
		cw_diag_print(&diag, stderr);
	if (r)
		(void)fprintf(stderr, "causeway: %s\n", strerror(-r));
	if (r || diag.errors) {
		cw_config_destroy(config);
		cw_diag_finish(&diag);
		return CW_EXIT_ERROR;
	}
	cw_diag_finish(&diag);
	*out = config;
	return 0;
}

int cw_console_load(struct cw_config **out, const struct cw_options *options)
{
	return cw_console_load_file(out, cw_options_config(options));
}

/* All of `in`, but no more than `max_bytes` and one. */
static int read_all(struct cw_buf *b, FILE *in, size_t max_bytes)
{
	char piece[4096];
	size_t n;

	do {
		n = fread(piece, 1, sizeof(piece), in);
		cw_buf_add(b, cw_str_make(piece, n));
	} while (n == sizeof(piece) && b->len <= max_bytes && !b->error);
	if (ferror(in))
		return errno ? -errno : -EIO;
	return b->len > max_bytes ? -EFBIG : b->error;
}

int cw_console_read_file(
	struct cw_str *out, const char *command, const char *path, size_t max_bytes)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "rb");
	struct cw_buf b = {0};
	char *copy = NULL;
	int r = in ? read_all(&b, in, max_bytes) : -errno;

	if (!r) {
		copy = cw_str_dup(cw_buf_str(&b));
		r = copy ? 0 : -ENOMEM;
	}
	if (!r)
		*out = cw_str_make(copy, b.len);
	if (in && !is_stdin)
		(void)fclose(in);
	cw_buf_finish(&b);
	return r ? cw_console_error(command, "%s: %s", path, strerror(-r)) : 0;
}

int cw_console_finish(const char *command, int r, int status)
{
	if (r)
		return cw_console_error(command, "%s", strerror(-r));
	if (fflush(stdout) || ferror(stdout))
		return cw_console_error(command, "the output could not be written");
	return status;
}

bool cw_console_colours(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
}
