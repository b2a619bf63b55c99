/* The file of token keys: read whole, or made whole when it is not there. */
#include "certs/keyring.h"

#include "certs/private_file.h"

#include <openssl/crypto.h>

#include <errno.h>

#define FILE_MAX       16384 /* bytes; eight keys take 400 */
#define KEY_TEXT       CW_BASE64URL_LEN(CW_KEY_BYTES)
#define LINE_SHOWN_MAX 160 /* bytes of a line in a message */

/* What is being read, for messages. */
struct reader {
	const char *path;
	struct cw_diag *diag;
	unsigned line;
	struct cw_str text; /* of the line */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Take the next word of the line off `rest`; empty at its end or at a comment. */
static struct cw_str next_word(struct cw_str *rest)
{
	struct cw_str word;

	while (rest->len > 0 && is_blank(rest->p[0]))
		*rest = cw_str_from(*rest, 1);
	word = cw_str_make(rest->p, 0);
	if (rest->len > 0 && rest->p[0] == '#')
		return word;
	while (word.len < rest->len && !is_blank(rest->p[word.len]))
		word.len++;
	*rest = cw_str_from(*rest, word.len);
	return word;
}

/* Show the line with its keys blotted out: what is longer than a number could be one, wherever it stands. */
static void complain(const struct reader *rd, struct cw_str where, const char *message)
{
	struct cw_place place = {.file = rd->path, .line = rd->line, .width = 1};
	struct cw_str rest = rd->text;
	struct cw_str word;
	char shown[LINE_SHOWN_MAX];
	size_t len = rest.len < sizeof(shown) ? rest.len : sizeof(shown);

	memcpy(shown, rest.p, len);
	while ((word = next_word(&rest)).len > 0) {
		size_t at = (size_t)(word.p - rd->text.p);

		if (word.len > 3 && at < len)
			memset(shown + at, '*', word.len < len - at ? word.len : len - at);
	}
	place.source = cw_str_make(shown, len);
	place.column = 1 + (unsigned)(where.p - rd->text.p);
	if (where.len > 0)
		place.width = (unsigned)where.len;
	cw_diag_add(rd->diag, CW_SEVERITY_ERROR, &place, "%s", message);
}

static void read_line(struct cw_keyring *ring, struct reader *rd)
{
	struct cw_str rest = rd->text;
	struct cw_str id_word = next_word(&rest);
	struct cw_str key_word = next_word(&rest);
	struct cw_str more = next_word(&rest);
	struct cw_key key;
	uint64_t id;
	size_t len;

	if (id_word.len == 0)
		return;
	if (cw_str_to_u64(id_word, UINT8_MAX, &id)) {
		complain(rd, id_word, "expected the key's number, 0 to 255");
	} else if (cw_base64url_decode(key.bytes, sizeof(key.bytes), &len, key_word) ||
		   len != CW_KEY_BYTES) {
		complain(rd, key_word, "expected 32 bytes in base64url (43 characters)");
	} else if (more.len > 0) {
		complain(rd, more, "expected the end of the line after number and key");
	} else if (cw_keyring_find(ring, (uint8_t)id)) {
		complain(rd, id_word, "a key of this number stands above");
	} else if (ring->n_keys == CW_KEYRING_KEYS_MAX) {
		complain(rd, id_word, "too many keys, at most 8 are allowed");
	} else {
		key.id = (uint8_t)id;
		ring->keys[ring->n_keys++] = key;
	}
	OPENSSL_cleanse(&key, sizeof(key));
}

static int read_text(
	struct cw_keyring *ring, const char *path, struct cw_str text, struct cw_diag *diag)
{
	struct reader rd = {.path = path, .diag = diag};
	size_t errors = diag->errors;

	while (text.len > 0) {
		size_t end = cw_str_find(text, '\n');

		rd.line++;
		rd.text = cw_str_make(text.p, end);
		read_line(ring, &rd);
		text = cw_str_from(text, end + 1);
	}
	if (diag->errors == errors && ring->n_keys == 0)
		cw_diag_add(diag, CW_SEVERITY_ERROR, &(struct cw_place){.file = path},
			"holds no key; expected a line \"NUMBER BASE64URL-OF-32-BYTES\"");
	return diag->errors == errors ? 0 : -EINVAL;
}

static int read_file(struct cw_keyring *ring, const char *path, struct cw_diag *diag)
{
	char text[FILE_MAX];
	size_t len;
	int r = cw_private_file_read(text, sizeof(text), &len, path, diag);

	if (!r)
		r = read_text(ring, path, cw_str_make(text, len), diag);
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

/* Make the file with a fresh key, unless there is one. */
static int make_file(const char *path, struct cw_diag *diag)
{
	static const char head[] =
		"# Keys of Record-Route tokens: the first one signs, all verify.\n0 ";
	uint8_t key[CW_KEY_BYTES];
	char text[sizeof(head) - 1 + KEY_TEXT + 1];
	int r = cw_random_bytes(key, sizeof(key));

	if (r) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, NULL, "no random bytes for a token key");
		return r;
	}
	memcpy(text, head, sizeof(head) - 1);
	cw_base64url_encode(text + sizeof(head) - 1, key, sizeof(key));
	text[sizeof(text) - 1] = '\n';
	r = cw_private_file_make(path, cw_str_make(text, sizeof(text)), diag);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

static int fresh_key(struct cw_keyring *ring, struct cw_diag *diag)
{
	int r = cw_random_bytes(ring->keys[0].bytes, CW_KEY_BYTES);

	if (r) {
		cw_diag_add(diag, CW_SEVERITY_ERROR, NULL, "no random bytes for a token key");
		return r;
	}
	ring->n_keys = 1;
	return 0;
}

static int load_file(struct cw_keyring *ring, const char *path, struct cw_diag *diag)
{
	int r = make_file(path, diag);

	return r ? r : read_file(ring, path, diag);
}

int cw_keyring_load(struct cw_keyring *ring, const char *path, struct cw_diag *diag)
{
	struct cw_keyring loaded = {0};
	int r = path ? load_file(&loaded, path, diag) : fresh_key(&loaded, diag);

	if (!r)
		*ring = loaded;
	cw_keyring_finish(&loaded);
	return r;
}

const struct cw_key *cw_keyring_find(const struct cw_keyring *ring, uint8_t id)
{
	for (size_t i = 0; i < ring->n_keys; i++) {
		if (ring->keys[i].id == id)
			return &ring->keys[i];
	}
	return NULL;
}

void cw_keyring_finish(struct cw_keyring *ring)
{
	OPENSSL_cleanse(ring, sizeof(*ring));
}
