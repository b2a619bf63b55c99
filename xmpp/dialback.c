#include "xmpp/dialback.h"

#include "certs/digest.h"
#include "xmpp/escape.h"

#include <errno.h>
#include <stdlib.h>

/* ---- keys ---- */

static void write_hex(char out[static 2 * CW_SHA256_BYTES], const uint8_t *bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CW_SHA256_BYTES; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
}

_Static_assert(CW_DIALBACK_KEY_HEX == 2 * CW_SHA256_BYTES, "a key is one HMAC in hex");

int cw_dialback_key(char out[static CW_DIALBACK_KEY_HEX + 1], struct cw_str secret,
	struct cw_str receiving, struct cw_str originating, struct cw_str stream_id)
{
	struct cw_buf text = {0};
	uint8_t digest[CW_SHA256_BYTES];
	char secret_hex[CW_DIALBACK_KEY_HEX];
	int r;

	cw_buf_add(&text, receiving);
	cw_buf_add_char(&text, ' ');
	cw_buf_add(&text, originating);
	cw_buf_add_char(&text, ' ');
	cw_buf_add(&text, stream_id);
	r = text.error;
	if (!r)
		r = cw_sha256(secret, digest);
	if (!r) {
		write_hex(secret_hex, digest);
		r = cw_hmac_sha256(
			cw_str_make(secret_hex, sizeof(secret_hex)), cw_buf_str(&text), digest);
	}
	cw_buf_finish(&text);
	if (r)
		return r;
	write_hex(out, digest);
	out[CW_DIALBACK_KEY_HEX] = '\0';
	return 0;
}

bool cw_dialback_key_is(struct cw_str secret, struct cw_str receiving, struct cw_str originating,
	struct cw_str stream_id, struct cw_str key)
{
	char expected[CW_DIALBACK_KEY_HEX + 1];

	return key.len == CW_DIALBACK_KEY_HEX &&
	       cw_dialback_key(expected, secret, receiving, originating, stream_id) == 0 &&
	       cw_secret_eq((const uint8_t *)expected, (const uint8_t *)key.p, CW_DIALBACK_KEY_HEX);
}

/* ---- reading ---- */

static const char *const type_names[] = {
	[CW_DIALBACK_VALID] = "valid",
	[CW_DIALBACK_INVALID] = "invalid",
	[CW_DIALBACK_ERROR] = "error",
};

static bool read_type(enum cw_dialback_type *out, struct cw_str name)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(*type_names); i++) {
		if (!cw_str_eq(name, cw_str_of(type_names[i])))
			continue;
		*out = (enum cw_dialback_type)i;
		return true;
	}
	return false;
}

static struct cw_str read_condition(const struct cw_xmpp_element *e)
{
	const struct cw_xmpp_element *error = cw_xmpp_element_child(e, CW_XMPP_NS_SERVER, "error");
	const struct cw_xmpp_element *c =
		error ? cw_xmpp_element_child(error, CW_XMPP_NS_STANZA_ERRORS, NULL) : NULL;

	while (c && cw_xmpp_element_is(c, CW_XMPP_NS_STANZA_ERRORS, "text"))
		c = c->next;
	return c && cw_str_eq(c->ns, cw_str_of(CW_XMPP_NS_STANZA_ERRORS)) ? c->name
									  : cw_str_of(NULL);
}

int cw_dialback_read(struct cw_dialback_element *out, const struct cw_xmpp_element *e)
{
	struct cw_str type = cw_xmpp_element_attribute(e, "type");
	bool is_answer = type.p != NULL;
	bool is_verify = cw_xmpp_element_is(e, CW_XMPP_NS_DIALBACK, "verify");
	struct cw_dialback_element d = {
		.from = cw_xmpp_element_attribute(e, "from"),
		.to = cw_xmpp_element_attribute(e, "to"),
	};

	if (!is_verify && !cw_xmpp_element_is(e, CW_XMPP_NS_DIALBACK, "result"))
		return -EINVAL;
	if (d.from.len == 0 || d.to.len == 0)
		return -EINVAL;
	if (is_verify) {
		d.id = cw_xmpp_element_attribute(e, "id");
		if (d.id.len == 0 || d.id.len > CW_DIALBACK_ID_MAX)
			return -EINVAL;
	}
	if (is_answer) { /* Prosody repeats the key in it */
		if (!read_type(&d.type, type))
			return -EINVAL;
		if (d.type == CW_DIALBACK_ERROR)
			d.condition = read_condition(e);
	} else {
		d.key = cw_str_trim(e->text);
		if (d.key.len > CW_DIALBACK_KEY_MAX)
			d.key = (struct cw_str){NULL, 0}; /* no key that anybody made */
	}
	if (is_verify)
		d.kind = is_answer ? CW_DIALBACK_VERIFY_ANSWER : CW_DIALBACK_VERIFY;
	else
		d.kind = is_answer ? CW_DIALBACK_CLAIM_ANSWER : CW_DIALBACK_CLAIM;
	*out = d;
	return 0;
}

/* ---- writing ---- */

static void begin(struct cw_buf *out, const char *tag, struct cw_str from, struct cw_str to)
{
	cw_buf_add_char(out, '<');
	cw_buf_add(out, cw_str_of(tag));
	cw_xmpp_escape_attribute(out, "from", from);
	cw_xmpp_escape_attribute(out, "to", to);
}

static void end_with_key(struct cw_buf *out, const char *tag, struct cw_str key)
{
	cw_buf_add_char(out, '>');
	cw_xmpp_escape(out, key);
	cw_buf_printf(out, "</%s>", tag);
}

/*
 * Of the conditions that come up in dialback, those that do not mean "give up" (RFC 6120, 8.3.3).
 */
static const char *error_type(const char *condition)
{
	static const char *const others[][2] = {
		{"forbidden", "auth"},
		{"not-authorized", "auth"},
		{"remote-server-timeout", "wait"},
		{"resource-constraint", "wait"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(others[i][0], condition) == 0)
			return others[i][1];
	return "cancel";
}

static void end_with_type(
	struct cw_buf *out, const char *tag, enum cw_dialback_type type, const char *condition)
{
	cw_xmpp_escape_attribute(out, "type", cw_str_of(type_names[type]));
	if (type != CW_DIALBACK_ERROR) {
		cw_buf_add(out, cw_str_of("/>"));
		return;
	}
	cw_buf_printf(out,
		"><error type='%s'><%s xmlns='" CW_XMPP_NS_STANZA_ERRORS "'/></error></%s>",
		error_type(condition), condition, tag);
}

void cw_dialback_write_claim(
	struct cw_buf *out, struct cw_str from, struct cw_str to, struct cw_str key)
{
	begin(out, "db:result", from, to);
	end_with_key(out, "db:result", key);
}

void cw_dialback_write_verify(struct cw_buf *out, struct cw_str from, struct cw_str to,
	struct cw_str id, struct cw_str key)
{
	begin(out, "db:verify", from, to);
	cw_xmpp_escape_attribute(out, "id", id);
	end_with_key(out, "db:verify", key);
}

void cw_dialback_write_claim_answer(struct cw_buf *out, struct cw_str from, struct cw_str to,
	enum cw_dialback_type type, const char *condition)
{
	begin(out, "db:result", from, to);
	end_with_type(out, "db:result", type, condition);
}

void cw_dialback_write_verify_answer(struct cw_buf *out, struct cw_str from, struct cw_str to,
	struct cw_str id, enum cw_dialback_type type, const char *condition)
{
	begin(out, "db:verify", from, to);
	cw_xmpp_escape_attribute(out, "id", id);
	end_with_type(out, "db:verify", type, condition);
}

/* ---- pairs ---- */

struct pair {
	struct cw_list link;
	bool is_pending, is_valid; /* at least one of them, but within a function */
	size_t from_len, to_len;
	char names[]; /* from, then to */
};

static struct cw_str pair_from(const struct pair *p)
{
	return cw_str_make(p->names, p->from_len);
}

static struct cw_str pair_to(const struct pair *p)
{
	return cw_str_make(p->names + p->from_len, p->to_len);
}

void cw_dialback_pairs_init(struct cw_dialback_pairs *pairs)
{
	*pairs = (struct cw_dialback_pairs){0};
	cw_list_init(&pairs->list);
}

void cw_dialback_pairs_finish(struct cw_dialback_pairs *pairs)
{
	struct cw_list *pos, *tmp;

	if (pairs->list.next) {
		cw_list_for_each_safe(pos, tmp, &pairs->list)
			free(cw_container_of(pos, struct pair, link));
	}
	cw_dialback_pairs_init(pairs);
}

/* Stanzas come in runs of one pair: the one found goes to the front. */
static struct pair *find(struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &pairs->list) {
		struct pair *p = cw_container_of(pos, struct pair, link);

		if (!cw_str_eq(pair_from(p), from) || !cw_str_eq(pair_to(p), to))
			continue;
		cw_list_remove(&p->link);
		cw_list_append(pairs->list.next, &p->link);
		return p;
	}
	return NULL;
}

/* A new one is neither pending nor valid: the caller makes it one of both. */
static int find_or_add(
	struct pair **out, struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to)
{
	struct pair *p = find(pairs, from, to);

	if (!p) {
		p = calloc(1, sizeof(*p) + from.len + to.len);
		if (!p)
			return -ENOMEM;
		p->from_len = from.len;
		p->to_len = to.len;
		memcpy(p->names, from.p, from.len);
		memcpy(p->names + from.len, to.p, to.len);
		cw_list_append(pairs->list.next, &p->link);
	}
	*out = p;
	return 0;
}

static void forget(struct cw_dialback_pairs *pairs, struct pair *p)
{
	if (p->is_pending)
		pairs->n_pending--;
	if (p->is_valid)
		pairs->n_valid--;
	cw_list_remove(&p->link);
	free(p);
}

enum cw_pair_state cw_dialback_pairs_state(
	struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to)
{
	const struct pair *p = find(pairs, from, to);

	if (!p)
		return CW_PAIR_NONE;
	return p->is_valid ? CW_PAIR_VALID : CW_PAIR_PENDING;
}

int cw_dialback_pairs_claim(struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to)
{
	struct pair *p = find(pairs, from, to);
	int r;

	if (p && p->is_pending)
		return -EEXIST;
	if (pairs->n_pending >= CW_DIALBACK_PENDING_MAX)
		return -E2BIG;
	if (!p && pairs->n_valid >= CW_DIALBACK_PAIRS_MAX)
		return -E2BIG;
	r = find_or_add(&p, pairs, from, to);
	if (r)
		return r;
	p->is_pending = true;
	pairs->n_pending++;
	return 0;
}

int cw_dialback_pairs_settle(
	struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to, bool is_valid)
{
	struct pair *p = find(pairs, from, to);

	if (!p || !p->is_pending)
		return -ENOENT;
	if (!is_valid) {
		forget(pairs, p);
		return 0;
	}
	if (!p->is_valid && pairs->n_valid >= CW_DIALBACK_PAIRS_MAX) {
		forget(pairs, p);
		return -E2BIG;
	}
	p->is_pending = false;
	pairs->n_pending--;
	if (!p->is_valid)
		pairs->n_valid++;
	p->is_valid = true;
	return 0;
}

int cw_dialback_pairs_add(struct cw_dialback_pairs *pairs, struct cw_str from, struct cw_str to)
{
	struct pair *p = find(pairs, from, to);
	int r;

	if (p && p->is_valid)
		return 0;
	if (pairs->n_valid >= CW_DIALBACK_PAIRS_MAX)
		return -E2BIG;
	r = find_or_add(&p, pairs, from, to);
	if (r)
		return r;
	p->is_valid = true;
	pairs->n_valid++;
	return 0;
}

void cw_dialback_pairs_each(const struct cw_dialback_pairs *pairs,
	void (*each)(void *arg, struct cw_str from, struct cw_str to, enum cw_pair_state state),
	void *arg)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &pairs->list) {
		const struct pair *p = cw_container_of(pos, struct pair, link);

		each(arg, pair_from(p), pair_to(p), p->is_valid ? CW_PAIR_VALID : CW_PAIR_PENDING);
	}
}
