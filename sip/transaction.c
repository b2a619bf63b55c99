#include "sip/transaction.h"

#include "certs/digest.h"

#define BRANCH_PREFIX   "z9hG4bKcw1."
#define BRANCH_HEX      16
#define TRACE_HEX       12
#define FINGERPRINT_KEY 16 /* characters of a fingerprint that tell senders apart */

/* Odd, so that it maps ids one to one; large, so that neighboring ids look nothing alike in a log. */
#define TRACE_SPREAD UINT64_C(0x9e3779b97f4a7c15)

static const struct cw_str branch_prefix = CW_STR(BRANCH_PREFIX);
static const struct cw_str magic_cookie = CW_STR("z9hG4bK");

void cw_transactions_init(struct cw_transactions *t)
{
	cw_table_init(&t->clients);
	cw_table_init(&t->servers);
	if (cw_random_bytes((uint8_t *)&t->next_id, sizeof(t->next_id)))
		t->next_id = 1;
}

void cw_transactions_finish(struct cw_transactions *t)
{
	cw_table_finish(&t->clients);
	cw_table_finish(&t->servers);
}

static char *put_hex(char *out, size_t digits, uint64_t value)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = digits; i-- > 0; value >>= 4)
		out[i] = hex[value & 15];
	return out + digits;
}

void cw_trace_make(struct cw_transactions *t, char out[static CW_TRACE_ID_MAX])
{
	*put_hex(out, TRACE_HEX, t->next_id++ * TRACE_SPREAD) = '\0';
}

void cw_branch_make(struct cw_transactions *t, char out[static CW_BRANCH_MAX], struct cw_str trace,
	uint64_t loop_hash)
{
	char *p = out;

	if (trace.len >= CW_TRACE_ID_MAX)
		trace.len = CW_TRACE_ID_MAX - 1;
	memcpy(p, branch_prefix.p, branch_prefix.len);
	p += branch_prefix.len;
	memcpy(p, trace.p, trace.len);
	p += trace.len;
	*p++ = '.';
	p = put_hex(p, BRANCH_HEX, loop_hash);
	*p++ = '.';
	p = put_hex(p, BRANCH_HEX, t->next_id++);
	*p = '\0';
}

/* Returns: whether `s` is exactly BRANCH_HEX lower-case hex digits. */
static bool get_hex(uint64_t *out, struct cw_str s)
{
	uint64_t value = 0;

	if (s.len != BRANCH_HEX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

bool cw_branch_parse(struct cw_branch *out, struct cw_str text)
{
	struct cw_branch b;
	size_t dot;

	if (!cw_str_starts(text, branch_prefix))
		return false;
	text = cw_str_from(text, branch_prefix.len);
	dot = cw_str_find(text, '.');
	if (dot == 0 || dot >= CW_TRACE_ID_MAX || text.len != dot + 2 + 2 * BRANCH_HEX)
		return false;
	b.trace = cw_str_make(text.p, dot);
	for (size_t i = 0; i < dot; i++)
		if (!((text.p[i] >= '0' && text.p[i] <= '9') ||
			    (text.p[i] >= 'a' && text.p[i] <= 'f')))
			return false;
	text = cw_str_from(text, dot + 1);
	if (text.p[BRANCH_HEX] != '.' || !get_hex(&b.loop, cw_str_make(text.p, BRANCH_HEX)) ||
		!get_hex(&b.id, cw_str_from(text, BRANCH_HEX + 1)))
		return false;
	*out = b;
	return true;
}

/* FNV-1a with a separator, so that two fields cannot run into each other. */
static uint64_t mix(uint64_t hash, struct cw_str s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return (hash ^ 0xff) * 0x100000001b3u;
}

uint64_t cw_loop_hash(const struct cw_sip_message *request)
{
	const struct cw_sip_line *proxy_require =
		cw_sip_message_find(request, CW_HDR_PROXY_REQUIRE);
	uint64_t hash = 0xcbf29ce484222325u;

	hash = mix(hash, request->request_uri.text);
	hash = mix(hash, request->from_tag);
	hash = mix(hash, request->to_tag);
	hash = mix(hash, request->call_id);
	hash = mix(hash, cw_str_make((const char *)&request->cseq, sizeof(request->cseq)));
	hash = mix(hash, request->method_name);
	if (proxy_require)
		hash = mix(hash, proxy_require->value);
	for (size_t i = 0; i < request->n_routes; i++)
		hash = mix(hash, request->routes[i].text);
	return hash;
}

/* The blank in front can be part of no field but the last. */
static void add_field(struct cw_buf *out, struct cw_str field)
{
	cw_buf_add_char(out, ' ');
	cw_buf_add(out, field);
}

int cw_server_key(
	struct cw_buf *out, const struct cw_sip_message *request, const struct cw_link *link)
{
	static const struct cw_str invite = CW_STR("INVITE");
	const struct cw_identity *identity = cw_connection_identity(link->connection);
	const struct cw_sip_via *via = &request->vias[0];
	bool of_invite = request->method == CW_SIP_ACK || request->method == CW_SIP_CANCEL;
	char host[CW_ADDRESS_TEXT_MAX];

	cw_buf_clear(out);
	if (identity) {
		cw_buf_add(out, cw_str_make(identity->fingerprint, FINGERPRINT_KEY));
	} else {
		cw_address_format_host(cw_connection_remote(link->connection), host);
		cw_buf_add(out, cw_str_of(host));
	}
	add_field(out, of_invite ? invite : request->method_name);
	if (cw_str_starts(via->branch, magic_cookie)) {
		add_field(out, via->host);
		add_field(out, cw_str_make((const char *)&via->port, sizeof(via->port)));
		add_field(out, via->branch);
	} else {
		add_field(out, request->call_id);
		add_field(out, request->from_tag);
		add_field(out, cw_str_make((const char *)&request->cseq, sizeof(request->cseq)));
		add_field(out, via->text);
	}
	return out->error;
}

int cw_client_txn_start(struct cw_transactions *t, struct cw_client_txn *txn, struct cw_link *link)
{
	int r = cw_table_insert(&t->clients, &txn->entry, cw_str_of(txn->branch));

	if (r)
		return r;
	txn->link = link;
	cw_list_append(&link->clients, &txn->on_link);
	link->requests_out++;
	return 0;
}

void cw_client_txn_stop(struct cw_transactions *t, struct cw_client_txn *txn)
{
	if (!txn->entry.key.p)
		return;
	cw_table_remove(&t->clients, &txn->entry);
	txn->entry.key = (struct cw_str){NULL, 0};
	if (txn->link)
		cw_list_remove(&txn->on_link);
	txn->link = NULL;
}

struct cw_client_txn *cw_client_txn_find(const struct cw_transactions *t,
	const struct cw_sip_message *response, const struct cw_link *link)
{
	struct cw_table_link *entry = cw_table_find(&t->clients, response->vias[0].branch);
	struct cw_client_txn *txn;

	if (!entry)
		return NULL;
	txn = cw_container_of(entry, struct cw_client_txn, entry);
	if (txn->method != response->method)
		return NULL;
	/* Its peer may answer over another connection, a stranger may not. */
	if (txn->link != link && !(txn->link && cw_link_same_peer(txn->link, link)))
		return NULL;
	return txn;
}
