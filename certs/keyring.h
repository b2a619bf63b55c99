/*
 * The shared keys of Record-Route tokens: a file with a line "ID BASE64URL-OF-32-BYTES" a key, the first one signs, all of them verify (so
 * that a key can be rotated without a gap). ID is 0 to 255. `#` begins a comment.
 */
#ifndef CW_CERTS_KEYRING_H
#define CW_CERTS_KEYRING_H

#include "certs/digest.h"
#include "core/diag.h"
#include "core/str.h"

#define CW_KEYRING_KEYS_MAX 8
#define CW_KEY_BYTES        32

struct cw_key {
	uint8_t id;
	uint8_t bytes[CW_KEY_BYTES];
};

struct cw_keyring {
	struct cw_key keys[CW_KEYRING_KEYS_MAX]; /* the first one signs */
	size_t n_keys;                           /* at least 1 */
};

/*
 * Read the file at `path`; where there is none, make it (mode 0600) with one fresh key. NULL: a fresh key in memory only.
 * Messages show a wrong line with its keys blotted out. Two processes that make the file at once agree: the file appears whole, and the second reads the first one's.
 *
 * Returns: 0 and *ring set; -EINVAL with the places in `diag` when the file is wrong or open to others (its group may read it, no more); another negative errno, named in `diag`.
 */
int cw_keyring_load(struct cw_keyring *ring, const char *path, struct cw_diag *diag);

/* The key of that id, or NULL. */
const struct cw_key *cw_keyring_find(const struct cw_keyring *ring, uint8_t id);

/* Overwrite the keys. */
void cw_keyring_finish(struct cw_keyring *ring);

#endif
