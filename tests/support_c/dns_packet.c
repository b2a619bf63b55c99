/* Building DNS messages. */
#include "tests/support_c/dns_packet.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define HEADER_BYTES 12
#define NAME_BYTES   256

static void add_bytes(struct dns_packet *p, const void *bytes, size_t len)
{
	if (len > sizeof(p->bytes) - p->len)
		abort();
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void add16(struct dns_packet *p, unsigned value)
{
	uint8_t bytes[2];

	put16(bytes, value);
	add_bytes(p, bytes, sizeof(bytes));
}

static void add32(struct dns_packet *p, uint32_t value)
{
	add16(p, value >> 16);
	add16(p, value & 0xffff);
}

/* The wire form of a name ("" and "." are the root). Returns its length. */
static size_t encode_name(uint8_t out[static NAME_BYTES], const char *name)
{
	size_t len = 0;

	while (*name && strcmp(name, ".") != 0) {
		size_t label = strcspn(name, ".");

		if (label > 63 || len + label + 2 > NAME_BYTES)
			abort();
		out[len++] = (uint8_t)label;
		memcpy(out + len, name, label);
		len += label;
		name += label + (name[label] == '.');
	}
	out[len++] = 0;
	return len;
}

static void add_name(struct dns_packet *p, const char *name)
{
	uint8_t bytes[NAME_BYTES];

	add_bytes(p, bytes, encode_name(bytes, name));
}

static void count(struct dns_packet *p, size_t field)
{
	put16(p->bytes + field, (unsigned)(p->bytes[field] << 8 | p->bytes[field + 1]) + 1);
}

void dns_packet_begin(struct dns_packet *p, uint16_t id, const char *name, unsigned type)
{
	static const uint8_t header[HEADER_BYTES] = {0, 0, 0x81, 0x80, 0, 1};

	p->len = 0;
	add_bytes(p, header, sizeof(header));
	put16(p->bytes, id);
	add_name(p, name);
	add16(p, type);
	add16(p, 1);
}

void dns_packet_set_rcode(struct dns_packet *p, unsigned rcode)
{
	p->bytes[3] = (uint8_t)((p->bytes[3] & 0xf0u) | rcode);
}

void dns_packet_set_truncated(struct dns_packet *p)
{
	p->bytes[2] |= 2;
}

static void add_record(
	struct dns_packet *p, const char *owner, unsigned type, uint32_t ttl_s, struct cw_str data)
{
	add_name(p, owner);
	add16(p, type);
	add16(p, 1);
	add32(p, ttl_s);
	add16(p, (unsigned)data.len);
	add_bytes(p, data.p, data.len);
}

void dns_packet_add(
	struct dns_packet *p, const char *owner, unsigned type, uint32_t ttl_s, struct cw_str data)
{
	count(p, 6);
	add_record(p, owner, type, ttl_s, data);
}

static void add_address(
	struct dns_packet *p, const char *owner, unsigned type, uint32_t ttl_s, const char *ip)
{
	unsigned char bytes[16];
	int family = type == 1 ? AF_INET : AF_INET6;

	if (inet_pton(family, ip, bytes) != 1)
		abort();
	dns_packet_add(p, owner, type, ttl_s,
		cw_str_make((const char *)bytes, family == AF_INET ? 4 : 16));
}

void dns_packet_add_a(struct dns_packet *p, const char *owner, uint32_t ttl_s, const char *ip)
{
	add_address(p, owner, 1, ttl_s, ip);
}

void dns_packet_add_aaaa(struct dns_packet *p, const char *owner, uint32_t ttl_s, const char *ip)
{
	add_address(p, owner, 28, ttl_s, ip);
}

void dns_packet_add_cname(
	struct dns_packet *p, const char *owner, uint32_t ttl_s, const char *target)
{
	uint8_t bytes[NAME_BYTES];
	size_t len = encode_name(bytes, target);

	dns_packet_add(p, owner, 5, ttl_s, cw_str_make((const char *)bytes, len));
}

void dns_packet_add_srv(struct dns_packet *p, const char *owner, uint32_t ttl_s, unsigned priority,
	unsigned weight, unsigned port, const char *target)
{
	uint8_t bytes[6 + NAME_BYTES];
	size_t len = 6 + encode_name(bytes + 6, target);

	put16(bytes, priority);
	put16(bytes + 2, weight);
	put16(bytes + 4, port);
	dns_packet_add(p, owner, 33, ttl_s, cw_str_make((const char *)bytes, len));
}

void dns_packet_add_soa(struct dns_packet *p, const char *owner, uint32_t ttl_s, uint32_t minimum_s)
{
	struct dns_packet *data = calloc(1, sizeof(*data));

	if (!data)
		abort();
	add_name(data, "ns.example");
	add_name(data, "hostmaster.example");
	for (uint32_t i = 0; i < 4; i++)
		add32(data, i);
	add32(data, minimum_s);
	count(p, 8);
	add_record(p, owner, 6, ttl_s, dns_packet_str(data));
	free(data);
}
