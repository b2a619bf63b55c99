/*
 * Small cryptography for tokens and names of things: HMAC, random bytes, base64url, comparison in constant time.
 */
#ifndef CW_CERTS_DIGEST_H
#define CW_CERTS_DIGEST_H

#include "core/str.h"

#define CW_SHA256_BYTES 32
#define CW_SHA1_BYTES   20

/*
 * HMAC-SHA-256 (RFC 2104) of `data` under `key`, into out[CW_SHA256_BYTES].
 *
 * Returns: 0; -EIO when the library fails.
 */
int cw_hmac_sha256(struct cw_str key, struct cw_str data, uint8_t *out);

/*
 * SHA-256 of `data` into out[CW_SHA256_BYTES].
 *
 * Returns: 0; -EIO when the library fails.
 */
int cw_sha256(struct cw_str data, uint8_t *out);

/*
 * SHA-1 of the parts, one behind the other, into out[CW_SHA1_BYTES]; for what prescribes it (XEP-0114), and for nothing else. A
 * secret among the parts is not copied.
 *
 * Returns: 0; -EIO when the library fails.
 */
int cw_sha1(const struct cw_str *parts, size_t n_parts, uint8_t *out);

/*
 * Fill `out` with `len` bytes nobody can guess.
 *
 * Returns: 0; -EIO.
 */
int cw_random_bytes(uint8_t *out, size_t len);

/* Whether both hold the same `len` bytes, in a time that does not tell where they differ. */
bool cw_secret_eq(const uint8_t *a, const uint8_t *b, size_t len);

/* Characters that cw_base64url_encode writes for `len` bytes (no padding, no NUL). */
#define CW_BASE64URL_LEN(len) (((len)*4 + 2) / 3)

/* Write `len` bytes as base64url without padding (RFC 4648, 5) into `out`, which has room for CW_BASE64URL_LEN(len). */
void cw_base64url_encode(char *out, const uint8_t *in, size_t len);

/*
 * Read base64url without padding into `out`, which has room for `room` bytes. Only the canonical form is read.
 *
 * Returns: 0 and *len set; -EINVAL for any other byte or form; -EMSGSIZE when `room` is too small.
 */
int cw_base64url_decode(uint8_t *out, size_t room, size_t *len, struct cw_str in);

#endif
