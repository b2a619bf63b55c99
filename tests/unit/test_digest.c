#include "certs/digest.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static void ck_hex(const char *name, const uint8_t *bytes, size_t len, const char *expected)
{
	char hex[2 * 64 + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	ck_assert_msg(strcmp(hex, expected) == 0, "%s: %s", name, hex);
}

/* RFC 4231, 4.2, 4.3, 4.7 (a key longer than a block) */
static const struct hmac_case {
	const char *name;
	char key_byte;
	size_t key_len;
	const char *key, *data, *mac;
} hmac_cases[] = {
	{"case 1", 0x0b, 20, NULL, "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"case 2", 0, 0, "Jefe", "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{"case 6", (char)0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{"empty key and data", 0, 0, "", "",
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

START_TEST(makes_macs)
{
	const struct hmac_case *c = &hmac_cases[_i];
	char filled[131];
	struct cw_str key, data = heap_copy(cw_str_of(c->data));
	uint8_t mac[CW_SHA256_BYTES];

	memset(filled, c->key_byte, sizeof(filled));
	key = heap_copy(c->key ? cw_str_of(c->key) : cw_str_make(filled, c->key_len));
	ck_assert_int_eq(cw_hmac_sha256(key, data, mac), 0);
	ck_hex(c->name, mac, sizeof(mac), c->mac);
	heap_free(key);
	heap_free(data);
}
END_TEST

START_TEST(takes_null_as_empty)
{
	struct cw_str null = {NULL, 0};
	uint8_t out[CW_SHA256_BYTES];

	ck_assert_int_eq(cw_hmac_sha256(null, null, out), 0);
	ck_hex("hmac", out, sizeof(out), hmac_cases[3].mac);
	ck_assert_int_eq(cw_sha256(null, out), 0);
	ck_hex("sha256", out, sizeof(out),
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(hashes)
{
	uint8_t out[CW_SHA256_BYTES];

	/* FIPS 180-2, B.1 */
	ck_assert_int_eq(cw_sha256(cw_str_of("abc"), out), 0);
	ck_hex("abc", out, sizeof(out),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(hashes_parts)
{
	const struct cw_str parts[] = {CW_STR("a"), {NULL, 0}, CW_STR("bc")};
	uint8_t out[CW_SHA1_BYTES];

	/* FIPS 180-2, A.1 */
	ck_assert_int_eq(cw_sha1(parts, N_ELEMENTS(parts), out), 0);
	ck_hex("abc", out, sizeof(out), "a9993e364706816aba3e25717850c26c9cd0d89d");
	ck_assert_int_eq(cw_sha1(NULL, 0, out), 0);
	ck_hex("nothing", out, sizeof(out), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}
END_TEST

START_TEST(random_bytes_differ)
{
	uint8_t a[32] = {0}, b[32] = {0};

	ck_assert_int_eq(cw_random_bytes(a, sizeof(a)), 0);
	ck_assert_int_eq(cw_random_bytes(b, sizeof(b)), 0);
	ck_assert(memcmp(a, b, sizeof(a)) != 0);
	ck_assert_int_eq(cw_random_bytes(a, SIZE_MAX), -EIO);
}
END_TEST

START_TEST(compares_secrets)
{
	const uint8_t a[] = {1, 2, 3}, b[] = {1, 2, 4};

	ck_assert(cw_secret_eq(a, a, sizeof(a)));
	ck_assert(!cw_secret_eq(a, b, sizeof(a)));
	ck_assert(cw_secret_eq(a, b, 2));
}
END_TEST

/* RFC 4648, 10, without padding; and the two characters of its table 2 */
static const struct base64_case {
	const char *name, *text, *bytes;
	int rc;
} base64_cases[] = {
	{"nothing", "", "", 0},
	{"one byte", "Zg", "f", 0},
	{"two bytes", "Zm8", "fo", 0},
	{"three bytes", "Zm9v", "foo", 0},
	{"six bytes", "Zm9vYmFy", "foobar", 0},
	{"minus and underscore", "-_-_", "\xfb\xff\xbf", 0},
	{"plus is of the other alphabet", "+_-_", NULL, -EINVAL},
	{"slash is of the other alphabet", "-/-_", NULL, -EINVAL},
	{"padding", "Zg==", NULL, -EINVAL},
	{"a blank", "Zm 9", NULL, -EINVAL},
	{"a newline at the end", "Zm9\n", NULL, -EINVAL},
	{"one character alone", "Zm9vY", NULL, -EINVAL},
	{"bits left over in one byte", "Zh", NULL, -EINVAL},
	{"bits left over in two bytes", "Zm9", NULL, -EINVAL},
	{"seven bytes do not fit", "Zm9vYmFyYg", NULL, -EMSGSIZE},
};

START_TEST(reads_base64url)
{
	const struct base64_case *c = &base64_cases[_i];
	struct cw_str in = heap_copy(cw_str_of(c->text));
	uint8_t out[6] = {0x55, 0x55, 0x55, 0x55, 0x55, 0x55};
	size_t len = 99;

	ck_assert_msg(cw_base64url_decode(out, sizeof(out), &len, in) == c->rc, "%s", c->name);
	if (c->rc) {
		ck_assert_msg(len == 99 && out[0] == 0x55, "%s: output touched", c->name);
	} else {
		ck_assert_msg(len == strlen(c->bytes), "%s: length", c->name);
		ck_assert_msg(memcmp(out, c->bytes, len) == 0, "%s: bytes", c->name);
	}
	heap_free(in);
}
END_TEST

START_TEST(reads_what_it_writes)
{
	uint8_t bytes[67], back[67];

	ck_assert_int_eq(cw_random_bytes(bytes, sizeof(bytes)), 0);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		size_t text_len = CW_BASE64URL_LEN(len), back_len;
		char *text = malloc(text_len + 1);

		ck_assert_ptr_nonnull(text);
		text[text_len] = '!';
		cw_base64url_encode(text, bytes, len);
		ck_assert_int_eq(text[text_len], '!');
		ck_assert_int_eq(
			cw_base64url_decode(back, len, &back_len, cw_str_make(text, text_len)), 0);
		ck_assert_uint_eq(back_len, len);
		ck_assert(memcmp(back, bytes, len) == 0);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tcase = tcase_create("digest");

	ADD_ROWS(tcase, makes_macs, hmac_cases);
	tcase_add_test(tcase, takes_null_as_empty);
	tcase_add_test(tcase, hashes);
	tcase_add_test(tcase, hashes_parts);
	tcase_add_test(tcase, random_bytes_differ);
	tcase_add_test(tcase, compares_secrets);
	ADD_ROWS(tcase, reads_base64url, base64_cases);
	tcase_add_test(tcase, reads_what_it_writes);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
