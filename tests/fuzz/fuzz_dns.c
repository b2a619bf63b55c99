/* Any bytes as an answer: the first one chooses the type of the question, the rest is the message. What is read keeps the promises of the header. */
#include "net/dns_message.h"

#include <stdlib.h>

#define ID_BYTES 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_srv(const struct cw_srv *srv)
{
	struct cw_dns_question name;

	check(srv->port > 0 && srv->target.p[srv->target.len] == '\0');
	check(cw_dns_question_init(&name, CW_DNS_TYPE_A, srv->target) == 0);
	check(cw_str_eq(cw_str_of(name.name), srv->target));
}

static void check_records(const struct cw_dns_records *records, enum cw_dns_type type)
{
	check(records->n <= CW_DNS_RECORDS_MAX && records->ttl_s <= CW_DNS_TTL_MAX_S);
	check((records->status == CW_DNS_OK) == (records->n > 0));
	if (records->n == 0)
		return;
	check(!!records->srv == (type == CW_DNS_TYPE_SRV));
	check(!!records->ip4 == (type == CW_DNS_TYPE_A));
	check(!!records->ip6 == (type == CW_DNS_TYPE_AAAA));
	for (size_t i = 0; records->srv && i < records->n; i++)
		check_srv(&records->srv[i]);
}

static void check_reply(const struct cw_dns_reply *reply, enum cw_dns_type type)
{
	struct cw_dns_question alias;

	check(!!reply->records == (reply->kind == CW_DNS_REPLY_FINAL));
	check(!!reply->problem == (reply->kind == CW_DNS_REPLY_FAILED));
	if (reply->records)
		check_records(reply->records, type);
	if (reply->kind == CW_DNS_REPLY_ALIAS)
		check(cw_dns_question_init(&alias, type, cw_str_of(reply->alias)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum cw_dns_type types[] = {CW_DNS_TYPE_SRV, CW_DNS_TYPE_A, CW_DNS_TYPE_AAAA};
	static const struct cw_str name = CW_STR("a.example");
	struct cw_dns_question question;
	struct cw_dns_reply reply;
	uint16_t id;

	if (size < 1 + ID_BYTES)
		return 0;
	check(cw_dns_question_init(&question, types[data[0] % 3], name) == 0);
	id = (uint16_t)(data[1] << 8 | data[2]);
	cw_dns_reply_read(&reply, &question, id, cw_str_make((const char *)data + 1, size - 1));
	check_reply(&reply, question.type);
	free(reply.records);
	return 0;
}
