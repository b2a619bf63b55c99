/*
 * Files of secrets: read only where nobody else can read or write them, made whole or not at all.
 */
#ifndef CW_CERTS_PRIVATE_FILE_H
#define CW_CERTS_PRIVATE_FILE_H

#include "core/diag.h"
#include "core/str.h"

/*
 * Read the file at `path`, of at most `room` bytes, into `buf`. Never waits: a FIFO is refused.
 *
 * Returns: 0 and *len set; -EINVAL when it is no regular file, open to others (its group may read
 * it, no more) or longer; another negative errno. The reason is in `diag`. The caller wipes `buf`,
 * whatever is returned.
 */
int cw_private_file_read(
	char *buf, size_t room, size_t *len, const char *path, struct cw_diag *diag);

/*
 * Make the file with that content, mode 0600, unless there is one. Two processes that do so at once
 * agree: it appears whole, and the second one's content is dropped.
 *
 * Returns: 0; a negative errno, with the reason in `diag`.
 */
int cw_private_file_make(const char *path, struct cw_str content, struct cw_diag *diag);

#endif
