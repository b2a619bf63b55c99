/*
 * Negotiation and dialback as strangers may drive them: the input says on which terms an initiating
 * and a receiving machine stand against each other, and then, letter by letter, what happens: one
 * is handed what the other said, or anything else, TLS comes up with this certificate or that,
 * pairs are claimed, settled and proved.
 *
 * What must hold whatever happens: nothing is agreed in clear where TLS is required; nobody is
 * authenticated by EXTERNAL without a certificate that proves the name; a pair is valid only when a
 * claim was settled or it was proved otherwise; what is sent is well-formed, behind one header a
 * stream, and after the end comes nothing.
 */
#include "xmpp/negotiation.h"

#include "tests/support_c/xml_chunk.h"
#include "xmpp/dialback.h"
#include "xmpp/parser.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* ---- the input ---- */

struct input {
	const uint8_t *data;
	size_t left;
};

/* The next letter; 0 behind the end. */
static unsigned next(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static unsigned choose(struct input *in, size_t n)
{
	return next(in) % (unsigned)n;
}

static struct cw_str next_line(struct input *in)
{
	struct cw_str rest = {(const char *)in->data, in->left};
	struct cw_str line = cw_str_make(rest.p, cw_str_find(rest, '\n'));
	size_t taken = line.len < rest.len ? line.len + 1 : line.len;

	in->data += taken;
	in->left -= taken;
	return line;
}

/* ---- what may come ---- */

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct cw_identity_name name_a[] = {{CW_IDENTITY_DNS, CW_STR("a.test")}};
static struct cw_identity_name name_b[] = {{CW_IDENTITY_DNS, CW_STR("b.test")}};
static const struct cw_identity of_a = {.names = name_a, .n_names = 1};
static const struct cw_identity of_b = {.names = name_b, .n_names = 1};

static const struct cw_xmpp_security_facts tls_facts[] = {
	{true, NULL, &of_a},
	{true, NULL, &of_b},
	{true, "untrusted", &of_a},
	{true, "revoked", &of_b},
	{true, "no-certificate", NULL},
};

static const char *const elements[] = {
	"<stream:features/>",
	"<stream:features><starttls xmlns='" CW_XMPP_NS_TLS "'/></stream:features>",
	"<stream:features><starttls xmlns='" CW_XMPP_NS_TLS "'><required/></starttls>"
	"<dialback xmlns='" CW_XMPP_NS_DIALBACK_FEATURE "'/></stream:features>",
	"<stream:features><mechanisms xmlns='" CW_XMPP_NS_SASL
	"'><mechanism>EXTERNAL</mechanism></mechanisms><bidi xmlns='" CW_XMPP_NS_BIDI_FEATURE
	"'/><dialback xmlns='" CW_XMPP_NS_DIALBACK_FEATURE
	"'><errors/></dialback><sm xmlns='" CW_XMPP_NS_SM "'/></stream:features>",
	"<starttls xmlns='" CW_XMPP_NS_TLS "'/>",
	"<proceed xmlns='" CW_XMPP_NS_TLS "'/>",
	"<failure xmlns='" CW_XMPP_NS_TLS "'/>",
	"<auth xmlns='" CW_XMPP_NS_SASL "' mechanism='EXTERNAL'>YS50ZXN0</auth>",
	"<auth xmlns='" CW_XMPP_NS_SASL "' mechanism='EXTERNAL'>=</auth>",
	"<auth xmlns='" CW_XMPP_NS_SASL "' mechanism='EXTERNAL'/>",
	"<challenge xmlns='" CW_XMPP_NS_SASL "'/>",
	"<response xmlns='" CW_XMPP_NS_SASL "'/>",
	"<success xmlns='" CW_XMPP_NS_SASL "'/>",
	"<failure xmlns='" CW_XMPP_NS_SASL "'><not-authorized/></failure>",
	"<bidi xmlns='" CW_XMPP_NS_BIDI "'/>",
	"<db:result from='a.test' to='b.test'>key</db:result>",
	"<db:verify from='a.test' to='b.test' id='1'>key</db:verify>",
	"<db:result from='b.test' to='a.test' type='valid'/>",
	"<stream:error><reset xmlns='" CW_XMPP_NS_STREAM_ERRORS "'/></stream:error>",
	"<enable xmlns='" CW_XMPP_NS_SM "'/>",
};

static const struct cw_str names[] = {
	CW_STR(""), CW_STR("a.test"), CW_STR("b.test"), CW_STR("c.test")};

static const struct cw_str versions[] = {CW_STR(""), CW_STR("1.0"), CW_STR("0.9"), CW_STR("1.x")};

/* ---- a machine and what is known of it ---- */

struct party {
	struct cw_negotiation n;
	struct cw_xmpp_terms terms;
	struct cw_dialback_pairs pairs;
	bool proved;    /* a certificate that proves the peer's name was shown */
	bool spoke;     /* on the stream of the moment */
	bool may_speak; /* TLS does not just begin */
	bool ended;
	struct cw_buf said; /* and not handed over yet */
};

static bool is_about_stream_error(const struct cw_xmpp_element *e)
{
	return e && cw_xmpp_element_is(e, CW_XMPP_NS_STREAMS, "error");
}

static void check_agreement(struct party *p, enum cw_negotiation_step step, const char *what)
{
	bool needs_tls = p->terms.security == CW_XMPP_REQUIRED;

	require(!needs_tls || p->n.facts.is_secure, what);
	if (step == CW_NEGOTIATION_READY) {
		require(p->n.is_authenticated, "ready is authenticated");
		require(p->n.local && p->n.remote, "ready has a pair");
	}
	if (step == CW_NEGOTIATION_OPEN)
		require(!p->n.is_authenticated, "open asks for authentication");
	require(p->n.stream_id && *p->n.stream_id, "there is a stream id to make a key of");
}

static void check_out(struct party *p, enum cw_negotiation_step step)
{
	struct cw_str out = cw_buf_str(&p->n.out);
	bool begins_stream =
		step == CW_NEGOTIATION_RESTART && p->n.role == CW_NEGOTIATION_INITIATING;
	struct xml_chunk chunk;

	if (begins_stream)
		p->spoke = false;
	if (out.len > 0) {
		require(!p->ended, "nothing behind the end");
		require(p->may_speak || p->n.facts.is_secure, "nothing in clear while TLS begins");
		require(xml_chunk_read(&chunk, out) == 0, "it is well-formed");
		require((chunk.header != NULL) == !p->spoke, "one header begins a stream");
		require(chunk.has_end == (step == CW_NEGOTIATION_FAIL), "an end where it fails");
		p->spoke = true;
		p->ended = chunk.has_end;
		xml_chunk_finish(&chunk);
	}
	if (step == CW_NEGOTIATION_START_TLS) {
		require(p->terms.security != CW_XMPP_NONE, "no TLS where there is none");
		require(!p->n.facts.is_secure, "no TLS in TLS");
		p->may_speak = p->spoke = false;
	}
	if (step == CW_NEGOTIATION_RESTART && !begins_stream)
		p->spoke = false;
	cw_buf_add(&p->said, out);
	cw_buf_clear(&p->n.out);
}

static void check(struct party *p, enum cw_negotiation_step step, const struct cw_xmpp_element *e)
{
	require(!p->n.is_authenticated || p->proved, "no EXTERNAL without a certificate");
	require((step == CW_NEGOTIATION_FAIL) == (p->n.state == CW_NEGOTIATION_FAILED) ||
			is_about_stream_error(e),
		"it fails once and for all");
	require((p->n.reason[0] != '\0') == (p->n.state == CW_NEGOTIATION_FAILED), "a reason");
	switch (step) {
	case CW_NEGOTIATION_OPEN:
		check_agreement(p, step, "open in clear");
		break;
	case CW_NEGOTIATION_READY:
		check_agreement(p, step, "ready in clear");
		break;
	case CW_NEGOTIATION_NOT_MINE:
		require(p->n.out.len == 0, "what is not its own is not answered");
		if (!is_about_stream_error(e))
			check_agreement(p, step, "dialback in clear");
		break;
	case CW_NEGOTIATION_WAIT:
	case CW_NEGOTIATION_START_TLS:
	case CW_NEGOTIATION_RESTART:
	case CW_NEGOTIATION_FAIL:
		break;
	}
	check_out(p, step);
}

static void secure(struct party *p, const struct cw_xmpp_security_facts *facts)
{
	bool was_due = !p->n.facts.is_secure && !p->may_speak;
	enum cw_negotiation_step step;

	step = cw_negotiation_secured(&p->n, facts);
	if (was_due && p->n.facts.is_secure)
		p->may_speak = true;
	if (p->n.remote && p->n.facts.is_secure)
		p->proved |=
			cw_xmpp_certificate_proves(&p->terms, &p->n.facts, cw_str_of(p->n.remote));
	check(p, step, NULL);
}

static void take_header(struct party *p, const struct cw_xmpp_header *header, bool is_ours)
{
	bool is_receiving = p->n.role == CW_NEGOTIATION_RECEIVING;

	/* of a stream that comes in, the certificate proves the name in its last header */
	if (is_receiving && !p->n.is_authenticated && header->from.len > 0)
		p->proved = cw_xmpp_certificate_proves(&p->terms, &p->n.facts, header->from);
	check(p,
		cw_negotiation_header(&p->n, header, header->to, header->from,
			is_receiving && is_ours ? &p->terms : NULL, is_receiving ? "ID" : NULL),
		NULL);
}

/* ---- dialback ---- */

static void read_dialback(const struct cw_xmpp_element *e)
{
	struct cw_dialback_element d, again;
	struct cw_buf out = {0};
	struct xml_chunk chunk;

	if (cw_dialback_read(&d, e) != 0)
		return;
	switch (d.kind) {
	case CW_DIALBACK_CLAIM:
		cw_dialback_write_claim(&out, d.from, d.to, d.key);
		break;
	case CW_DIALBACK_CLAIM_ANSWER:
		cw_dialback_write_claim_answer(&out, d.from, d.to, d.type, "item-not-found");
		break;
	case CW_DIALBACK_VERIFY:
		cw_dialback_write_verify(&out, d.from, d.to, d.id, d.key);
		break;
	case CW_DIALBACK_VERIFY_ANSWER:
		cw_dialback_write_verify_answer(&out, d.from, d.to, d.id, d.type, "not-allowed");
		break;
	}
	require(xml_chunk_read(&chunk, cw_buf_str(&out)) == 0, "dialback is well-formed");
	require(chunk.n_elements == 1 && cw_dialback_read(&again, chunk.elements[0]) == 0,
		"dialback reads back");
	require(again.kind == d.kind && cw_str_eq(again.from, d.from) &&
			cw_str_eq(again.to, d.to) && cw_str_eq(again.id, d.id) &&
			cw_str_eq(again.key, d.key),
		"dialback reads back the same");
	xml_chunk_finish(&chunk);
	cw_buf_finish(&out);
}

/* What the pairs must be, kept in the plainest way: of 16 names to one. */
#define PAIRS 16

struct model {
	bool pending[PAIRS], valid[PAIRS];
};

static size_t count(const bool *flags)
{
	size_t n = 0;

	for (size_t i = 0; i < PAIRS; i++)
		n += flags[i];
	return n;
}

static void move_pairs(struct input *in, struct cw_dialback_pairs *pairs, struct model *model)
{
	unsigned i = choose(in, PAIRS);
	char room[16];
	struct cw_str from = cw_str_make(room, (size_t)snprintf(room, sizeof(room), "%u", i));
	struct cw_str to = names[1];
	bool has_room = count(model->pending) < CW_DIALBACK_PENDING_MAX;
	int r;

	switch (choose(in, 4)) {
	case 0:
		r = cw_dialback_pairs_claim(pairs, from, to);
		require(r == (model->pending[i] ? -EEXIST : has_room ? 0 : -E2BIG), "claim");
		model->pending[i] |= r == 0;
		break;
	case 1:
		r = cw_dialback_pairs_settle(pairs, from, to, true);
		require(r == (model->pending[i] ? 0 : -ENOENT), "settled as valid");
		model->valid[i] |= r == 0;
		model->pending[i] = false;
		break;
	case 2:
		r = cw_dialback_pairs_settle(pairs, from, to, false);
		require(r == (model->pending[i] ? 0 : -ENOENT), "settled as invalid");
		model->valid[i] &= r != 0;
		model->pending[i] = false;
		break;
	case 3:
		require(cw_dialback_pairs_add(pairs, from, to) == 0, "proved otherwise");
		model->valid[i] = true;
		break;
	}
	require(cw_dialback_pairs_state(pairs, from, to) == (model->valid[i] ? CW_PAIR_VALID
								    : model->pending[i]
									    ? CW_PAIR_PENDING
									    : CW_PAIR_NONE),
		"state of a pair");
	require(pairs->n_pending == count(model->pending), "pending pairs");
	require(pairs->n_valid == count(model->valid), "valid pairs");
}

/* ---- what happens ---- */

static void take_element(struct party *p, const struct cw_xmpp_element *e)
{
	read_dialback(e);
	check(p, cw_negotiation_element(&p->n, e), e);
}

/* Bytes that may or may not be XML; with a header, they begin a stream. */
static void take_bytes(struct party *p, struct cw_str bytes)
{
	struct xml_chunk chunk;

	if (xml_chunk_read(&chunk, bytes) != 0)
		return;
	if (chunk.header) {
		const struct cw_xmpp_header header = {
			.from = cw_xmpp_element_attribute(chunk.header, "from"),
			.to = cw_xmpp_element_attribute(chunk.header, "to"),
			.id = cw_xmpp_element_attribute(chunk.header, "id"),
			.version = cw_xmpp_element_attribute(chunk.header, "version"),
			.has_dialback_ns = chunk.declares_dialback,
		};

		take_header(p, &header, true);
	}
	for (size_t i = 0; i < chunk.n_elements; i++)
		take_element(p, chunk.elements[i]);
	xml_chunk_finish(&chunk);
}

static void hand_over(struct party *from, struct party *to)
{
	struct cw_buf said = from->said;

	from->said = (struct cw_buf){0};
	take_bytes(to, cw_buf_str(&said));
	cw_buf_finish(&said);
}

static void take_any_header(struct input *in, struct party *p)
{
	const struct cw_xmpp_header header = {
		.from = names[choose(in, N(names))],
		.to = names[choose(in, N(names))],
		.version = versions[choose(in, N(versions))],
		.id = names[choose(in, 2)],
		.has_dialback_ns = choose(in, 2),
	};

	take_header(p, &header, choose(in, 4) > 0);
}

static void happen(struct input *in, unsigned what, struct party *a, struct party *b)
{
	struct party *p = what >= 'a' ? a : b;

	switch (what) {
	case '>':
		hand_over(a, b);
		break;
	case '<':
		hand_over(b, a);
		break;
	case 's':
	case 'S':
		check(p, cw_negotiation_start(&p->n), NULL);
		break;
	case 't':
	case 'T':
		secure(p, &tls_facts[choose(in, N(tls_facts))]);
		break;
	case 'h':
	case 'H':
		take_any_header(in, p);
		break;
	case 'e':
	case 'E':
		take_bytes(p, cw_str_of(elements[choose(in, N(elements))]));
		break;
	case 'x':
	case 'X':
		take_bytes(p, next_line(in));
		break;
	case 'f':
	case 'F':
		cw_negotiation_write_error(&p->n, "reset", choose(in, 2) ? "a < b" : NULL);
		check(p, CW_NEGOTIATION_FAIL, NULL);
		break;
	case 'r':
	case 'R':
		p->n.is_remote_refused = choose(in, 2);
		break;
	default:
		break;
	}
}

static void init(struct input *in, struct party *p, enum cw_negotiation_role role)
{
	unsigned switches;

	*p = (struct party){
		.terms =
			{
				.security = (enum cw_xmpp_security)choose(in, 3),
				.certificates = (enum cw_xmpp_certificates)choose(in, 3),
			},
	};
	switches = next(in);
	p->terms.sasl_external = switches & 1;
	p->may_speak = !(switches & 2);

	const struct cw_negotiation_settings settings = {
		.role = role,
		.is_secure = switches & 2,
		.can_tls = switches & 4,
		.we_have_certificate = switches & 8,
		.local = role == CW_NEGOTIATION_INITIATING ? names[1] : names[0],
		.remote = role == CW_NEGOTIATION_INITIATING ? names[2] : names[0],
		.terms = role == CW_NEGOTIATION_INITIATING ? &p->terms : NULL,
	};

	require(cw_negotiation_init(&p->n, &settings) == 0, "memory");
	cw_dialback_pairs_init(&p->pairs);
}

static void finish(struct party *p)
{
	cw_negotiation_finish(&p->n);
	cw_dialback_pairs_finish(&p->pairs);
	cw_buf_finish(&p->said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct model model = {0};
	struct party a, b;

	init(&in, &a, CW_NEGOTIATION_INITIATING);
	init(&in, &b, CW_NEGOTIATION_RECEIVING);
	while (in.left > 0) {
		unsigned what = next(&in);

		if (what == 'd')
			move_pairs(&in, &b.pairs, &model);
		else
			happen(&in, what, &a, &b);
	}
	finish(&a);
	finish(&b);
	return 0;
}
