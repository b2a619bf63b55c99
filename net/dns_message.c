/* Writing queries, and reading answers with udns. */
#include "net/dns_message.h"

#include <udns.h>

#include <errno.h>
#include <stdlib.h>

#define TYPE_AND_CLASS_BYTES 4
#define SOA_NUMBERS_BYTES    20

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int cw_dns_question_init(struct cw_dns_question *out, enum cw_dns_type type, struct cw_str name)
{
	struct cw_dns_question q = {.type = type};
	size_t label = 0;

	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > CW_DNS_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < name.len; i++) {
		char c = cw_char_lower(name.p[i]);

		if (c == '.' && label > 0)
			label = 0;
		else if (!is_name_char(c) || ++label > CW_DNS_LABEL_MAX)
			return -EINVAL;
		q.name[i] = c;
	}
	if (label == 0)
		return -EINVAL;
	*out = q;
	return 0;
}

/* The question section. Returns its length. */
static size_t write_question(uint8_t *out, const struct cw_dns_question *question)
{
	int len = dns_sptodn(question->name, out, DNS_MAXDN);
	uint8_t *end;

	if (len <= 0) /* cw_dns_question_init lets nothing through that has no wire form */
		return 0;
	end = dns_put16(out + len, (unsigned)question->type);
	end = dns_put16(end, DNS_C_IN);
	return (size_t)(end - out);
}

size_t cw_dns_query_write(uint8_t out[static CW_DNS_QUERY_BYTES],
	const struct cw_dns_question *question, uint16_t id, bool edns)
{
	uint8_t *p = out;

	memset(out, 0, DNS_HSIZE);
	dns_put16(out + DNS_H_QID, id);
	out[DNS_H_F1] = DNS_HF1_RD;
	out[DNS_H_QDCNT2] = 1;
	p += DNS_HSIZE;
	p += write_question(p, question);
	if (edns) { /* RFC 6891, 6.1.2 */
		out[DNS_H_ARCNT2] = 1;
		*p++ = 0;
		p = dns_put16(p, DNS_T_OPT);
		p = dns_put16(p, CW_DNS_UDP_BYTES);
		p = dns_put32(p, 0);
		p = dns_put16(p, 0);
	}
	return (size_t)(p - out);
}

struct cw_dns_records *cw_dns_records_create(enum cw_dns_status status, uint32_t ttl_s)
{
	struct cw_dns_records *records = calloc(1, sizeof(*records));

	if (!records)
		return NULL;
	records->status = status;
	records->ttl_s = ttl_s;
	records->bytes = sizeof(*records);
	return records;
}

/* RFC 2181, 8: a TTL with the highest bit set is 0. */
static uint32_t sane_ttl(uint32_t ttl_s, uint32_t max_s)
{
	if (ttl_s > INT32_MAX)
		return 0;
	return ttl_s < max_s ? ttl_s : max_s;
}

/* What is being read. */
struct reader {
	const struct cw_dns_question *question;
	const uint8_t *packet, *end;
	const uint8_t *type; /* behind the name of the question section, where udns begins */
	uint8_t name[DNS_MAXDN];
	struct cw_dns_reply *out;
};

static void fail(struct cw_dns_reply *out, const char *problem)
{
	out->kind = CW_DNS_REPLY_FAILED;
	out->problem = problem;
}

static void finish(struct cw_dns_reply *out, struct cw_dns_records *records)
{
	if (!records) {
		fail(out, "no memory");
		return;
	}
	out->kind = CW_DNS_REPLY_FINAL;
	out->records = records;
}

/* The last field of a start of authority, behind two names and four numbers. Returns false when it is broken. */
static bool read_soa_minimum(const struct reader *rd, const struct dns_rr *soa, uint32_t *out)
{
	const uint8_t *at = soa->dnsrr_dptr;
	uint8_t name[DNS_MAXDN];

	for (int i = 0; i < 2; i++) {
		if (dns_getdn(rd->packet, &at, rd->end, name, sizeof(name)) <= 0)
			return false;
	}
	if (soa->dnsrr_dend - at != SOA_NUMBERS_BYTES)
		return false;
	*out = dns_get32(soa->dnsrr_dend - 4);
	return true;
}

/*
 * RFC 2308, 5: how long an absence holds is the smaller one of the SOA's TTL and its last field. Without SOA it should not
 * be kept at all; the few seconds of a failure keep a flood of questions off the server.
 */
static uint32_t negative_ttl(const struct reader *rd)
{
	struct dns_parse parse;
	struct dns_rr rr;
	uint32_t ttl_s = CW_DNS_FAILURE_TTL_S;
	uint32_t minimum;

	dns_initparse(&parse, NULL, rd->packet, rd->type, rd->end);
	parse.dnsp_qtyp = DNS_T_INVALID; /* all types */
	parse.dnsp_rrl = (int)(dns_numan(rd->packet) + dns_numns(rd->packet));
	while (dns_nextrr(&parse, &rr) > 0) {
		if (rr.dnsrr_typ != DNS_T_SOA)
			continue;
		if (read_soa_minimum(rd, &rr, &minimum))
			ttl_s = rr.dnsrr_ttl < minimum ? rr.dnsrr_ttl : minimum;
		break;
	}
	return sane_ttl(ttl_s, CW_DNS_NEGATIVE_TTL_S);
}

/* There is no record of the type: either the answer ends at an alias whose records it does not hold, or there is none. */
static void read_absence(struct reader *rd)
{
	struct dns_parse parse;
	struct dns_rr rr;
	struct cw_dns_question alias;
	char text[DNS_MAXNAME];

	dns_initparse(&parse, rd->name, rd->packet, rd->type, rd->end);
	if (dns_nextrr(&parse, &rr) != 0) {
		fail(rd->out, "records that cannot be read");
		return;
	}
	if (parse.dnsp_qdn == rd->name) {
		finish(rd->out, cw_dns_records_create(CW_DNS_NO_DATA, negative_ttl(rd)));
		return;
	}
	if (dns_dntop(parse.dnsp_qdn, text, sizeof(text)) <= 0 ||
		cw_dns_question_init(&alias, rd->question->type, cw_str_of(text))) {
		fail(rd->out, "an alias that is no domain name");
		return;
	}
	rd->out->kind = CW_DNS_REPLY_ALIAS;
	rd->out->ttl_s = sane_ttl(parse.dnsp_ttl, CW_DNS_TTL_MAX_S);
	memcpy(rd->out->alias, alias.name, sizeof(alias.name));
}

static size_t limit_records(int n)
{
	return n > CW_DNS_RECORDS_MAX ? CW_DNS_RECORDS_MAX : (size_t)n;
}

/* Room for `n` records of `size` and `text` bytes behind the head. */
static struct cw_dns_records *make_records(unsigned ttl_s, size_t n, size_t size, size_t text)
{
	size_t bytes = sizeof(struct cw_dns_records) + n * size + text;
	struct cw_dns_records *records = calloc(1, bytes);

	if (!records)
		return NULL;
	records->status = CW_DNS_OK;
	records->ttl_s = sane_ttl(ttl_s, CW_DNS_TTL_MAX_S);
	records->bytes = bytes;
	return records;
}

static struct cw_dns_records *copy_ip4(const struct dns_rr_a4 *from)
{
	size_t n = limit_records(from->dnsa4_nrr);
	struct cw_dns_records *records =
		make_records(from->dnsa4_ttl, n, sizeof(*from->dnsa4_addr), 0);

	if (!records)
		return NULL;
	records->n = n;
	records->ip4 = (struct in_addr *)(records + 1);
	memcpy(records->ip4, from->dnsa4_addr, n * sizeof(*records->ip4));
	return records;
}

static struct cw_dns_records *copy_ip6(const struct dns_rr_a6 *from)
{
	size_t n = limit_records(from->dnsa6_nrr);
	struct cw_dns_records *records =
		make_records(from->dnsa6_ttl, n, sizeof(*from->dnsa6_addr), 0);

	if (!records)
		return NULL;
	records->n = n;
	records->ip6 = (struct in6_addr *)(records + 1);
	memcpy(records->ip6, from->dnsa6_addr, n * sizeof(*records->ip6));
	return records;
}

/* Take over what can be used: a target that is a name, and a port. */
static void take_srv(struct cw_dns_records *records, const struct dns_srv *from, char *text)
{
	struct cw_dns_question target;
	struct cw_srv *to = &records->srv[records->n];
	size_t len;

	if (from->port == 0 || cw_dns_question_init(&target, CW_DNS_TYPE_A, cw_str_of(from->name)))
		return;
	len = strlen(target.name);
	memcpy(text, target.name, len + 1);
	to->priority = (uint16_t)from->priority;
	to->weight = (uint16_t)from->weight;
	to->port = (uint16_t)from->port;
	to->target = cw_str_make(text, len);
	records->n++;
}

static struct cw_dns_records *copy_srv(const struct dns_rr_srv *from)
{
	size_t n = limit_records(from->dnssrv_nrr);
	struct cw_dns_records *records;
	size_t text = 0;
	char *at;

	/* RFC 2782, "Target": a single "." says that there is decidedly no such service; udns writes it as "" */
	if (from->dnssrv_nrr == 1 && from->dnssrv_srv[0].name[0] == '\0')
		return cw_dns_records_create(
			CW_DNS_NO_SERVICE, sane_ttl(from->dnssrv_ttl, CW_DNS_TTL_MAX_S));
	for (size_t i = 0; i < n; i++)
		text += strlen(from->dnssrv_srv[i].name) + 1;
	records = make_records(from->dnssrv_ttl, n, sizeof(*records->srv), text);
	if (!records)
		return NULL;
	records->srv = (struct cw_srv *)(records + 1);
	at = (char *)(records->srv + n);
	for (size_t i = 0; i < n; i++) {
		take_srv(records, &from->dnssrv_srv[i], at);
		at += strlen(from->dnssrv_srv[i].name) + 1;
	}
	return records;
}

static int parse_records(struct reader *rd, void **result)
{
	switch (rd->question->type) {
	case CW_DNS_TYPE_A:
		return dns_parse_a4(rd->name, rd->packet, rd->type, rd->end, result);
	case CW_DNS_TYPE_AAAA:
		return dns_parse_a6(rd->name, rd->packet, rd->type, rd->end, result);
	case CW_DNS_TYPE_SRV:
		return dns_parse_srv(rd->name, rd->packet, rd->type, rd->end, result);
	}
	return DNS_E_BADQUERY;
}

static struct cw_dns_records *copy_records(enum cw_dns_type type, const void *result)
{
	switch (type) {
	case CW_DNS_TYPE_A:
		return copy_ip4(result);
	case CW_DNS_TYPE_AAAA:
		return copy_ip6(result);
	case CW_DNS_TYPE_SRV:
		return copy_srv(result);
	}
	return NULL;
}

static void read_records(struct reader *rd)
{
	struct cw_dns_records *records;
	void *result = NULL;
	int r = parse_records(rd, &result);

	if (r == DNS_E_NODATA) {
		read_absence(rd);
		return;
	}
	if (r < 0) {
		fail(rd->out, r == DNS_E_NOMEM ? "no memory" : "records that cannot be read");
		return;
	}
	records = copy_records(rd->question->type, result);
	free(result);
	if (records && records->status == CW_DNS_OK && records->n == 0) {
		free(records);
		fail(rd->out, "no record that can be used");
		return;
	}
	finish(rd->out, records);
}

/* Whether the question section is what we asked, in plain bytes; letters may have changed their case. Sets the reader up. */
static bool is_our_question(struct reader *rd)
{
	uint8_t ours[DNS_MAXDN + TYPE_AND_CLASS_BYTES];
	size_t len = write_question(ours, rd->question);
	const uint8_t *theirs = rd->packet + DNS_HSIZE;

	if (len == 0 || dns_numqd(rd->packet) != 1 || (size_t)(rd->end - theirs) < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (DNS_DNLC(theirs[i]) != DNS_DNLC(ours[i]))
			return false;
	}
	memcpy(rd->name, ours, len - TYPE_AND_CLASS_BYTES);
	rd->type = theirs + len - TYPE_AND_CLASS_BYTES;
	return true;
}

/* The rcodes that speak of the name. Returns false for others. */
static bool read_verdict(struct reader *rd)
{
	switch (dns_rcode(rd->packet)) {
	case DNS_R_NOERROR:
		if (dns_tc(rd->packet))
			rd->out->kind = CW_DNS_REPLY_TRUNCATED;
		else
			read_records(rd);
		return true;
	case DNS_R_NXDOMAIN:
		finish(rd->out, cw_dns_records_create(CW_DNS_NO_NAME, negative_ttl(rd)));
		return true;
	default:
		return false;
	}
}

void cw_dns_reply_read(struct cw_dns_reply *out, const struct cw_dns_question *question,
	uint16_t id, struct cw_str packet)
{
	struct reader rd = {.question = question, .out = out};
	unsigned rcode;
	bool ours;

	*out = (struct cw_dns_reply){.kind = CW_DNS_REPLY_IGNORED};
	if (packet.len < DNS_HSIZE)
		return;
	rd.packet = (const uint8_t *)packet.p;
	rd.end = rd.packet + packet.len;
	if (dns_qid(rd.packet) != id || !dns_qr(rd.packet) || dns_opcode(rd.packet) != 0)
		return;
	rcode = dns_rcode(rd.packet);
	ours = is_our_question(&rd);
	/* a server that cannot read EDNS may not repeat the question; believing that costs nothing but EDNS */
	if ((rcode == DNS_R_FORMERR || rcode == DNS_R_NOTIMPL) &&
		(ours || dns_numqd(rd.packet) == 0)) {
		out->kind = CW_DNS_REPLY_NO_EDNS;
		return;
	}
	if (ours && !read_verdict(&rd))
		fail(out, rcode == DNS_R_REFUSED ? "refused" : "server failure");
}
