#include "certs/secret_file.h"

#include "certs/digest.h"
#include "certs/private_file.h"

#include <openssl/crypto.h>

#include <errno.h>

#define RANDOM_BYTES 32
#define RANDOM_TEXT  CW_BASE64URL_LEN(RANDOM_BYTES)

_Static_assert(RANDOM_TEXT < CW_SECRET_MAX, "a secret and its newline fit");

/*
 * The file's text without blanks around it. What it says is not shown: it may be most of the
 * secret.
 */
static int take(struct cw_secret *secret, struct cw_str text, size_t min, const char *path,
	struct cw_diag *diag)
{
	struct cw_place place = {.file = path};

	text = cw_str_trim(text);
	if (text.len == 0) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, &place, "holds no secret; expected one line");
		return -EINVAL;
	}
	if (cw_str_find(text, '\n') < text.len || cw_str_find(text, '\0') < text.len) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, &place,
			"holds more than a line of text; expected the secret and nothing else");
		return -EINVAL;
	}
	if (text.len < min) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, &place,
			"the secret is too short: expected %zu bytes that nobody can guess", min);
		return -EINVAL;
	}
	memcpy(secret->text, text.p, text.len);
	secret->len = text.len;
	return 0;
}

static int read_file(struct cw_secret *secret, const char *path, size_t min, struct cw_diag *diag)
{
	char text[CW_SECRET_MAX];
	size_t len;
	int r = cw_private_file_read(text, sizeof(text), &len, path, diag);

	if (!r)
		r = take(secret, cw_str_make(text, len), min, path, diag);
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

/* A fresh secret. Returns 0 or -EIO. */
static int make(struct cw_secret *secret, struct cw_diag *diag)
{
	uint8_t bytes[RANDOM_BYTES];
	int r = cw_random_bytes(bytes, sizeof(bytes));

	if (r) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, NULL, "no random bytes for a secret");
		return r;
	}
	cw_base64url_encode(secret->text, bytes, sizeof(bytes));
	secret->len = RANDOM_TEXT;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return 0;
}

int cw_secret_file_read(struct cw_secret *secret, const char *path, struct cw_diag *diag)
{
	return read_file(secret, path, 1, diag);
}

int cw_secret_file_load(struct cw_secret *secret, const char *path, struct cw_diag *diag)
{
	struct cw_secret fresh = {.len = 0};
	int r = make(&fresh, diag);

	if (!r && path) {
		fresh.text[fresh.len] = '\n';
		r = cw_private_file_make(path, cw_str_make(fresh.text, fresh.len + 1), diag);
		if (!r)
			r = read_file(&fresh, path, CW_SECRET_MIN, diag);
	}
	if (!r)
		*secret = fresh;
	cw_secret_finish(&fresh);
	return r;
}

void cw_secret_finish(struct cw_secret *secret)
{
	OPENSSL_cleanse(secret, sizeof(*secret));
}
