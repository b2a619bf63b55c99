/* What every file of secrets needs. */
#include "certs/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns: `error`, to be passed on. */
static int complain(const char *path, struct cw_diag *diag, const char *what, int error)
{
	struct cw_place place = {.file = path};

	cw_diag_add(diag, CW_SEVERITY_ERROR, &place, "%s: %s", what, strerror(-error));
	return error;
}

/* Returns: -EINVAL. */
static int refuse(const char *path, struct cw_diag *diag, const char *why)
{
	struct cw_place place = {.file = path};

	cw_diag_add(diag, CW_SEVERITY_ERROR, &place, "%s", why);
	return -EINVAL;
}

/* Read up to `room` bytes. Returns: their number; a negative errno. */
static ssize_t read_all(int fd, char *buf, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, buf + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int read_open(
	char *buf, size_t room, size_t *len, const char *path, int fd, struct cw_diag *diag)
{
	struct cw_place place = {.file = path};
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return complain(path, diag, "cannot be looked at", -errno);
	if (!S_ISREG(st.st_mode))
		return refuse(path, diag, "is no regular file");
	/* a group may read it: secrets are often root's, handed to the daemon's group */
	if (st.st_mode & (S_IRWXO | S_IWGRP))
		return refuse(path, diag, "its mode lets others at it; expected 0600 or 0640");
	if (st.st_size > (off_t)room) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, &place, "is longer than %zu bytes", room);
		return -EINVAL;
	}
	n = read_all(fd, buf, room);
	if (n < 0)
		return complain(path, diag, "cannot be read", (int)n);
	*len = (size_t)n;
	return 0;
}

int cw_private_file_read(
	char *buf, size_t room, size_t *len, const char *path, struct cw_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* for a FIFO without a writer */
	int r;

	if (fd < 0)
		return complain(path, diag, "cannot be opened", -errno);
	r = read_open(buf, room, len, path, fd, diag);
	close(fd);
	return r;
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) ? -errno : 0;
}

/* Write a file beside it and give that the name: link() never replaces. */
static int make(const char *path, struct cw_str content)
{
	size_t room = strlen(path) + sizeof(".XXXXXX");
	char *temporary = malloc(room);
	int fd, r;

	if (!temporary)
		return -ENOMEM;
	snprintf(temporary, room, "%s.XXXXXX", path);
	fd = mkstemp(temporary); /* mode 0600 */
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	r = write_all(fd, content.p, content.len);
	if (close(fd) && !r)
		r = -errno;
	if (!r && link(temporary, path) && errno != EEXIST)
		r = -errno;
	unlink(temporary);
out:
	free(temporary);
	return r;
}

int cw_private_file_make(const char *path, struct cw_str content, struct cw_diag *diag)
{
	int r;

	if (access(path, F_OK) == 0 || errno != ENOENT)
		return 0; /* whatever is wrong with it is told by who reads it */
	r = make(path, content);
	return r ? complain(path, diag, "cannot be made", r) : 0;
}
