/* HMAC, hash, random bytes and base64url: thin over OpenSSL, so that nobody else includes it. */
#include "certs/digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <errno.h>
#include <limits.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* OpenSSL keeps errors per thread: one left behind would be read as the failure of the next connection. */
static int library_failed(void)
{
	ERR_clear_error();
	return -EIO;
}

int cw_hmac_sha256(struct cw_str key, struct cw_str data, uint8_t *out)
{
	static const uint8_t nothing; /* HMAC() takes a NULL key for "as before" */
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (key.len > INT_MAX)
		return -EIO;
	if (!HMAC(EVP_sha256(), key.p ? (const void *)key.p : &nothing, (int)key.len,
		    (const unsigned char *)data.p, data.len, mac, &len) ||
		len != CW_SHA256_BYTES)
		return library_failed();
	memcpy(out, mac, CW_SHA256_BYTES);
	return 0;
}

int cw_sha256(struct cw_str data, uint8_t *out)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(data.p, data.len, hash, &len, EVP_sha256(), NULL) != 1 ||
		len != CW_SHA256_BYTES)
		return library_failed();
	memcpy(out, hash, CW_SHA256_BYTES);
	return 0;
}

int cw_sha1(const struct cw_str *parts, size_t n_parts, uint8_t *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool is_good = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1;

	for (size_t i = 0; is_good && i < n_parts; i++)
		is_good = EVP_DigestUpdate(context, parts[i].p, parts[i].len) == 1;
	is_good = is_good && EVP_DigestFinal_ex(context, hash, &len) == 1 && len == CW_SHA1_BYTES;
	EVP_MD_CTX_free(context);
	if (!is_good)
		return library_failed();
	memcpy(out, hash, CW_SHA1_BYTES);
	return 0;
}

int cw_random_bytes(uint8_t *out, size_t len)
{
	if (len > INT_MAX || RAND_bytes(out, (int)len) != 1)
		return library_failed();
	return 0;
}

bool cw_secret_eq(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void cw_base64url_encode(char *out, const uint8_t *in, size_t len)
{
	unsigned bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | in[i]) & 0xffffu;
		n_bits += 8;
		while (n_bits >= 6) {
			n_bits -= 6;
			*out++ = alphabet[bits >> n_bits & 63];
		}
	}
	if (n_bits)
		*out = alphabet[bits << (6 - n_bits) & 63];
}

/* The value of a character, or -1. */
static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

int cw_base64url_decode(uint8_t *out, size_t room, size_t *len, struct cw_str in)
{
	size_t n = in.len / 4 * 3 + (in.len % 4 ? in.len % 4 - 1 : 0);
	unsigned bits = 0;
	unsigned n_bits = 0;

	/* all is looked at before the first byte is written */
	if (in.len % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < in.len; i++) {
		if (sextet(in.p[i]) < 0)
			return -EINVAL;
	}
	if (in.len % 4 && sextet(in.p[in.len - 1]) & (in.len % 4 == 2 ? 15 : 3))
		return -EINVAL; /* bits beyond the last byte: a second spelling of the same bytes */
	if (n > room)
		return -EMSGSIZE;
	for (size_t i = 0; i < in.len; i++) {
		bits = (bits << 6 | (unsigned)sextet(in.p[i])) & 0xffffu;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			*out++ = (uint8_t)(bits >> n_bits & 0xff);
		}
	}
	*len = n;
	return 0;
}
