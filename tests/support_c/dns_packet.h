/*
 * DNS messages for tests, built record by record. Records of one section after another: answers, then authority. Names are written
 * whole, never compressed. What does not fit aborts: tests are not hostile.
 */
#ifndef TESTS_SUPPORT_C_DNS_PACKET_H
#define TESTS_SUPPORT_C_DNS_PACKET_H

#include "core/str.h"

struct dns_packet {
	uint8_t bytes[65535];
	size_t len;
};

/* Begin an answer without records to the question `name`, `type`, asked under `id`. */
void dns_packet_begin(struct dns_packet *p, uint16_t id, const char *name, unsigned type);

/* Set the response code; mark it as truncated. */
void dns_packet_set_rcode(struct dns_packet *p, unsigned rcode);
void dns_packet_set_truncated(struct dns_packet *p);

/* Add records to the answer section. `ip` is text. */
void dns_packet_add_a(struct dns_packet *p, const char *owner, uint32_t ttl_s, const char *ip);
void dns_packet_add_aaaa(struct dns_packet *p, const char *owner, uint32_t ttl_s, const char *ip);
void dns_packet_add_cname(
	struct dns_packet *p, const char *owner, uint32_t ttl_s, const char *target);
void dns_packet_add_srv(struct dns_packet *p, const char *owner, uint32_t ttl_s, unsigned priority,
	unsigned weight, unsigned port, const char *target);

/* Add any record to the answer section. */
void dns_packet_add(
	struct dns_packet *p, const char *owner, unsigned type, uint32_t ttl_s, struct cw_str data);

/* Add a start of authority to the authority section. */
void dns_packet_add_soa(
	struct dns_packet *p, const char *owner, uint32_t ttl_s, uint32_t minimum_s);

/* The message so far. */
static inline struct cw_str dns_packet_str(const struct dns_packet *p)
{
	return cw_str_make((const char *)p->bytes, p->len);
}

#endif
