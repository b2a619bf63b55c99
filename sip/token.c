#include "sip/token.h"

#include "core/buf.h"

#include <errno.h>

/*
 * version, key id, flags, variant, zone ids of both sides (big-endian), length of the domain, domain, HMAC. The length in front of the domain keeps fields and
 * Call-ID, over which the HMAC goes together, from flowing into each other.
 */
enum {
	VERSION = 1,
	AT_VERSION = 0,
	AT_KEY = 1,
	AT_FLAGS = 2,
	AT_VARIANT = 3,
	AT_ZONES = 4,
	ZONE_BYTES = 8,
	AT_DOMAIN_LEN = AT_ZONES + 2 * ZONE_BYTES,
	AT_DOMAIN = AT_DOMAIN_LEN + 1,
	MAC_BYTES = 16,
	MAX_BYTES = AT_DOMAIN + CW_TOKEN_DOMAIN_MAX + MAC_BYTES,
};

/* flags: which sides are outside */
enum {
	FLAG_OUTSIDE_0 = 1,
	FLAG_OUTSIDE_1 = 2,
	FLAGS_ALL = FLAG_OUTSIDE_0 | FLAG_OUTSIDE_1,
};

_Static_assert(CW_BASE64URL_LEN(MAX_BYTES) < CW_TOKEN_TEXT_MAX, "a token is longer than its room");
_Static_assert(CW_TOKEN_DOMAIN_MAX <= UINT8_MAX, "the domain's length does not fit a byte");

static void put_u64(uint8_t *out, uint64_t value)
{
	for (int i = ZONE_BYTES - 1; i >= 0; i--) {
		out[i] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get_u64(const uint8_t *in)
{
	uint64_t value = 0;

	for (int i = 0; i < ZONE_BYTES; i++)
		value = value << 8 | in[i];
	return value;
}

uint64_t cw_token_zone_id(struct cw_str zone_name)
{
	uint8_t digest[CW_SHA256_BYTES];

	/* 0 is "unknown": such a token names no zone and the rules decide. */
	return cw_sha256(zone_name, digest) ? 0 : get_u64(digest);
}

static int compute_mac(uint8_t *out, const struct cw_key *key, const uint8_t *fields, size_t len,
	struct cw_str call_id)
{
	struct cw_buf signed_bytes;
	int r;

	cw_buf_init(&signed_bytes, 0);
	cw_buf_add(&signed_bytes, cw_str_make((const char *)fields, len));
	cw_buf_add(&signed_bytes, call_id);
	r = signed_bytes.error;
	if (!r)
		r = cw_hmac_sha256(cw_str_make((const char *)key->bytes, sizeof(key->bytes)),
			cw_buf_str(&signed_bytes), out);
	cw_buf_finish(&signed_bytes);
	return r;
}

int cw_token_mint(char out[static CW_TOKEN_TEXT_MAX], const struct cw_token *token,
	struct cw_str call_id, const struct cw_keyring *ring)
{
	const struct cw_key *key = &ring->keys[0];
	uint8_t bytes[MAX_BYTES], mac[CW_SHA256_BYTES];
	size_t len = AT_DOMAIN + token->domain.len;
	int r;

	if (token->domain.len > CW_TOKEN_DOMAIN_MAX)
		return -EINVAL;
	bytes[AT_VERSION] = VERSION;
	bytes[AT_KEY] = key->id;
	bytes[AT_FLAGS] = (uint8_t)((token->sides[0].outside ? FLAG_OUTSIDE_0 : 0) |
				    (token->sides[1].outside ? FLAG_OUTSIDE_1 : 0));
	bytes[AT_VARIANT] = (uint8_t)token->variant;
	put_u64(bytes + AT_ZONES, token->sides[0].zone);
	put_u64(bytes + AT_ZONES + ZONE_BYTES, token->sides[1].zone);
	bytes[AT_DOMAIN_LEN] = (uint8_t)token->domain.len;
	if (token->domain.len > 0)
		memcpy(bytes + AT_DOMAIN, token->domain.p, token->domain.len);

	r = compute_mac(mac, key, bytes, len, call_id);
	if (r)
		return r;
	memcpy(bytes + len, mac, MAC_BYTES);
	len += MAC_BYTES;
	cw_base64url_encode(out, bytes, len);
	out[CW_BASE64URL_LEN(len)] = '\0';
	return 0;
}

int cw_token_verify(struct cw_token *token, char *domain_room, struct cw_str text,
	struct cw_str call_id, const struct cw_keyring *ring)
{
	uint8_t bytes[MAX_BYTES], mac[CW_SHA256_BYTES];
	const struct cw_key *key;
	size_t len, domain_len;
	int r;

	if (cw_base64url_decode(bytes, sizeof(bytes), &len, text) || len < AT_DOMAIN + MAC_BYTES ||
		bytes[AT_VERSION] != VERSION)
		return CW_TOKEN_E_FORM;
	domain_len = bytes[AT_DOMAIN_LEN];
	if (len != AT_DOMAIN + domain_len + MAC_BYTES || bytes[AT_FLAGS] & ~FLAGS_ALL ||
		bytes[AT_VARIANT] > CW_VARIANT_ANY)
		return CW_TOKEN_E_FORM;
	key = cw_keyring_find(ring, bytes[AT_KEY]);
	if (!key)
		return CW_TOKEN_E_KEY;
	r = compute_mac(mac, key, bytes, len - MAC_BYTES, call_id);
	if (r)
		return r;
	if (!cw_secret_eq(mac, bytes + len - MAC_BYTES, MAC_BYTES))
		return CW_TOKEN_E_FORGED;

	memcpy(domain_room, bytes + AT_DOMAIN, domain_len);
	domain_room[domain_len] = '\0';
	token->sides[0].outside = bytes[AT_FLAGS] & FLAG_OUTSIDE_0;
	token->sides[1].outside = bytes[AT_FLAGS] & FLAG_OUTSIDE_1;
	token->sides[0].zone = get_u64(bytes + AT_ZONES);
	token->sides[1].zone = get_u64(bytes + AT_ZONES + ZONE_BYTES);
	token->variant = (enum cw_variant)bytes[AT_VARIANT];
	token->domain = cw_str_make(domain_room, domain_len);
	return 0;
}
