/* Asking the daemon: connect, one line out, lines in. */
#include "admin/control_client.h"

#include "core/buf.h"

#include <jansson.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20) /* no row is that long */
#define READ_BYTES     16384

struct cw_control_client {
	int fd;
	struct cw_buf in;
	size_t used; /* of `in`: lines that were handed out */
};

static int connect_to(struct cw_control_client *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	return connect(c->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int send_request(const struct cw_control_client *c, const char *request)
{
	struct cw_buf line = {0};
	ssize_t n;
	int r;

	cw_buf_add(&line, cw_str_of(request));
	cw_buf_add_char(&line, '\n');
	r = line.error;
	if (!r) {
		/* far shorter than what a socket holds, so it goes out whole */
		n = send(c->fd, line.data, line.len, MSG_NOSIGNAL);
		r = n < 0 ? -errno : (size_t)n < line.len ? -EIO : 0;
	}
	cw_buf_finish(&line);
	/*
	 * The daemon may have answered and closed before it read that: its answer is there to be
	 * read.
	 */
	return r == -EPIPE ? 0 : r;
}

int cw_control_client_ask(struct cw_control_client **out, const char *path, const char *request)
{
	struct cw_control_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	cw_buf_init(&c->in, LINE_MAX_BYTES + READ_BYTES);
	c->fd = -1;
	r = connect_to(c, path);
	if (!r)
		r = send_request(c, request);
	if (r) {
		cw_control_client_destroy(c);
		return r;
	}
	*out = c;
	return 0;
}

void cw_control_client_destroy(struct cw_control_client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	cw_buf_finish(&c->in);
	free(c);
}

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Read what is there within the time. Returns: 0; -ETIMEDOUT; -ENODATA at the end; another
 * negative errno.
 */
static int read_more(struct cw_control_client *c, int ms)
{
	struct pollfd ready = {.fd = c->fd, .events = POLLIN};
	char bytes[READ_BYTES];
	ssize_t n;
	int r = poll(&ready, 1, ms);

	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = recv(c->fd, bytes, sizeof(bytes), 0);
	if (n < 0)
		return errno == ECONNRESET ? -ENODATA : -errno;
	if (n == 0)
		return -ENODATA;
	cw_buf_add(&c->in, cw_str_make(bytes, (size_t)n));
	return c->in.error;
}

/* Forget the lines that were handed out. */
static void drop_used(struct cw_control_client *c)
{
	if (c->used)
		memmove(c->in.data, c->in.data + c->used, c->in.len - c->used);
	c->in.len -= c->used;
	c->used = 0;
}

static int parse(json_t **out, struct cw_str line)
{
	json_error_t error;
	json_t *object = json_loadb(line.p, line.len, JSON_ALLOW_NUL, &error);

	if (!json_is_object(object)) {
		json_decref(object);
		return -EPROTO;
	}
	*out = object;
	return 0;
}

int cw_control_client_next(struct cw_control_client *c, int ms, json_t **out)
{
	int64_t end_ms = now_ms() + ms, left_ms;
	struct cw_str rest;
	size_t len;
	int r;

	for (;;) {
		rest = cw_str_from(cw_buf_str(&c->in), c->used);
		len = cw_str_find(rest, '\n');
		if (len < rest.len) {
			c->used += len + 1;
			return parse(out, cw_str_make(rest.p, len));
		}
		drop_used(c);
		if (c->in.len > LINE_MAX_BYTES)
			return -EPROTO;
		left_ms = end_ms - now_ms();
		r = read_more(c, ms < 0 ? -1 : left_ms > 0 ? (int)left_ms : 0);
		if (r)
			return r;
	}
}
