/* Transport addresses as text and as what they mean. */
#include "net/address.h"

#include "core/decimal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The scope of "fe80::1%eth0": an interface's name or number. */
static int parse_scope(struct cw_str text, uint32_t *out)
{
	char name[IF_NAMESIZE];
	uint64_t number;

	if (cw_str_to_u64(text, UINT32_MAX, &number) == 0 && number > 0) {
		*out = (uint32_t)number;
		return 0;
	}
	if (text.len == 0 || text.len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text.p, text.len);
	name[text.len] = '\0';
	*out = if_nametoindex(name);
	return *out ? 0 : -EINVAL;
}

static int make_v6(struct cw_address *out, struct cw_str host, uint16_t port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	char text[INET6_ADDRSTRLEN];
	size_t scope = cw_str_find(host, '%');

	if (scope < host.len && parse_scope(cw_str_from(host, scope + 1), &in6.sin6_scope_id))
		return -EINVAL;
	if (scope >= sizeof(text) || memchr(host.p, '\0', host.len))
		return -EINVAL;
	memcpy(text, host.p, scope);
	text[scope] = '\0';
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return -EINVAL;
	*out = (struct cw_address){.sa.in6 = in6, .len = sizeof(in6)};
	return 0;
}

/* As inet_pton reads it: four numbers without leading zeros. */
static bool parse_v4(struct cw_str text, struct in_addr *out)
{
	uint8_t bytes[4];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		size_t begin = at;
		unsigned number = 0;

		for (; at < text.len && at < begin + 3 && is_digit(text.p[at]); at++)
			number = number * 10 + (unsigned)(text.p[at] - '0');
		if (at == begin || number > UINT8_MAX || (text.p[begin] == '0' && at > begin + 1))
			return false;
		bytes[i] = (uint8_t)number;
		if (i + 1 < sizeof(bytes) && (at == text.len || text.p[at++] != '.'))
			return false;
	}
	if (at < text.len)
		return false;
	memcpy(out, bytes, sizeof(bytes));
	return true;
}

static int make_v4(struct cw_address *out, struct cw_str host, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (!parse_v4(host, &in.sin_addr))
		return -EINVAL;
	*out = (struct cw_address){.sa.in = in, .len = sizeof(in)};
	return 0;
}

int cw_address_make(struct cw_address *out, struct cw_str host, uint16_t port)
{
	if (host.len == 0)
		return -EINVAL;
	if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		return make_v6(out, cw_str_make(host.p + 1, host.len - 2), port);
	if (cw_str_find(host, ':') < host.len)
		return make_v6(out, host, port);
	return make_v4(out, host, port);
}

int cw_address_parse(struct cw_address *out, struct cw_str text)
{
	size_t colon = text.len;
	struct cw_str host;
	uint64_t port;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || cw_str_to_u64(cw_str_from(text, colon), UINT16_MAX, &port))
		return -EINVAL;
	host = cw_str_make(text.p, colon - 1);
	/* "::1:5061" could be read in two ways: IPv6 needs its brackets here. */
	if (host.len > 0 && host.p[0] != '[' && cw_str_find(host, ':') < host.len)
		return -EINVAL;
	return cw_address_make(out, host, (uint16_t)port);
}

/* For each request one is written, so without printf. */
static void format_v4(const struct in_addr *in, char *out)
{
	char room[CW_DECIMAL_MAX];
	uint8_t bytes[4];

	memcpy(bytes, in, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		struct cw_str number = cw_decimal(room, bytes[i]);

		memcpy(out, number.p, number.len);
		out += number.len;
		*out++ = '.';
	}
	out[-1] = '\0';
}

void cw_address_format_host(const struct cw_address *a, char out[static CW_ADDRESS_TEXT_MAX])
{
	char text[INET6_ADDRSTRLEN];

	if (a->sa.any.sa_family == AF_INET) {
		format_v4(&a->sa.in.sin_addr, out);
	} else if (a->sa.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->sa.in6.sin6_addr, text, sizeof(text));
		if (a->sa.in6.sin6_scope_id != 0)
			snprintf(out, CW_ADDRESS_TEXT_MAX, "%s%%%u", text,
				(unsigned)a->sa.in6.sin6_scope_id);
		else
			memcpy(out, text, sizeof(text));
	} else {
		memcpy(out, "-", 2);
	}
}

void cw_address_format(const struct cw_address *a, char out[static CW_ADDRESS_TEXT_MAX])
{
	char host[CW_ADDRESS_TEXT_MAX];
	unsigned port = cw_address_port(a);

	cw_address_format_host(a, host);
	/* IPv6 text of 45 bytes, a scope of 11 and the port of 8 fill the room exactly; %.56s tells the compiler. */
	if (a->sa.any.sa_family == AF_INET6)
		snprintf(out, CW_ADDRESS_TEXT_MAX, "[%.55s]:%u", host, port);
	else
		snprintf(out, CW_ADDRESS_TEXT_MAX, "%.56s:%u", host, port);
}

uint16_t cw_address_port(const struct cw_address *a)
{
	if (a->sa.any.sa_family == AF_INET)
		return ntohs(a->sa.in.sin_port);
	if (a->sa.any.sa_family == AF_INET6)
		return ntohs(a->sa.in6.sin6_port);
	return 0;
}

void cw_address_host_bytes(const struct cw_address *a, uint8_t out[static CW_ADDRESS_HOST_BYTES])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(out, 0, CW_ADDRESS_HOST_BYTES);
	if (a->sa.any.sa_family == AF_INET) {
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + sizeof(mapped), &a->sa.in.sin_addr, 4);
	} else if (a->sa.any.sa_family == AF_INET6) {
		memcpy(out, &a->sa.in6.sin6_addr, CW_ADDRESS_HOST_BYTES);
	}
}

bool cw_address_same_host(const struct cw_address *a, const struct cw_address *b)
{
	uint8_t x[CW_ADDRESS_HOST_BYTES], y[CW_ADDRESS_HOST_BYTES];

	cw_address_host_bytes(a, x);
	cw_address_host_bytes(b, y);
	if (memcmp(x, y, sizeof(x)) != 0)
		return false;
	/* fe80::1 on one link is another host than fe80::1 on the next. */
	return a->sa.any.sa_family != AF_INET6 || b->sa.any.sa_family != AF_INET6 ||
	       a->sa.in6.sin6_scope_id == b->sa.in6.sin6_scope_id;
}

/* A block of addresses: the first `bits` of `prefix`. */
struct block {
	uint8_t prefix[CW_ADDRESS_HOST_BYTES];
	unsigned bits;
};

static const struct block private_v4[] = {
	{{0}, 8},                   /* "this host" (RFC 1122); 0.0.0.0 connects to loopback */
	{{10}, 8}, {{100, 64}, 10}, /* RFC 6598 */
	{{127}, 8}, {{169, 254}, 16}, {{172, 16}, 12}, {{192, 0, 0}, 24}, /* RFC 6890 */
	{{192, 168}, 16}, {{198, 18}, 15},                                /* RFC 2544 */
	{{224}, 4}, {{240}, 4}, /* reserved, with 255.255.255.255 */
};

static const struct block private_v6[] = {
	{{0}, 96},                                  /* ::, ::1 and the old IPv4-compatible form */
	{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* a NAT64 of the site's own (RFC 8215) */
	{{0xfc}, 7},
	{{0xfe, 0x80}, 10},
	{{0xfe, 0xc0}, 10}, /* site-local (RFC 3879) */
	{{0xff}, 8},
};

static bool in_block(const uint8_t *bytes, const struct block *b)
{
	size_t whole = b->bits / 8;
	unsigned rest = b->bits % 8;

	if (memcmp(bytes, b->prefix, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ b->prefix[whole]) >> (8 - rest) == 0;
}

static bool in_blocks(const uint8_t *bytes, const struct block *blocks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (in_block(bytes, &blocks[i]))
			return true;
	}
	return false;
}

bool cw_address_is_private(const struct cw_address *a)
{
	static const struct block mapped = {{[10] = 0xff, [11] = 0xff}, 96};
	static const struct block nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96}; /* RFC 6052 */
	static const struct block six_to_four = {{0x20, 0x02}, 16};       /* RFC 3056, 2 */
	uint8_t bytes[CW_ADDRESS_HOST_BYTES];

	cw_address_host_bytes(a, bytes);
	if (in_block(bytes, &mapped) || in_block(bytes, &nat64))
		return in_blocks(
			bytes + 12, private_v4, sizeof(private_v4) / sizeof(private_v4[0]));
	if (in_block(bytes, &six_to_four))
		return in_blocks(bytes + 2, private_v4, sizeof(private_v4) / sizeof(private_v4[0]));
	return in_blocks(bytes, private_v6, sizeof(private_v6) / sizeof(private_v6[0]));
}
