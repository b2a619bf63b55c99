/*
 * A file of one secret: the text of its only line, without blanks at its ends. For dialback keys
 * (XEP-0185) and components (XEP-0114).
 */
#ifndef CW_CERTS_SECRET_FILE_H
#define CW_CERTS_SECRET_FILE_H

#include "core/diag.h"
#include "core/str.h"

#define CW_SECRET_MAX 1024 /* bytes of the file */
#define CW_SECRET_MIN 16   /* bytes of a secret that we may choose: what others must not guess */

struct cw_secret {
	char text[CW_SECRET_MAX];
	size_t len; /* 0: there is none */
};

/*
 * Read a secret that somebody else chose.
 *
 * Returns: 0 and *secret set; -EINVAL when the file holds no secret or is open to others (its group
 * may read it, no more); another negative errno. The reason is in `diag`.
 */
int cw_secret_file_read(struct cw_secret *secret, const char *path, struct cw_diag *diag);

/*
 * Read a secret of ours, of CW_SECRET_MIN bytes at least; where there is no file, make it (mode
 * 0600) with 32 random bytes as base64url. NULL: a fresh secret in memory only.
 *
 * Returns: as cw_secret_file_read; -EIO without random bytes.
 */
int cw_secret_file_load(struct cw_secret *secret, const char *path, struct cw_diag *diag);

/* Overwrite it. */
void cw_secret_finish(struct cw_secret *secret);

/* Its text, borrowed. */
static inline struct cw_str cw_secret_str(const struct cw_secret *secret)
{
	return cw_str_make(secret->text, secret->len);
}

#endif
