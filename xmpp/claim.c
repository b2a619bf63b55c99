#include "xmpp/claim.h"

#include "core/log.h"
#include "xmpp/inbound.h"
#include "xmpp/jid.h"
#include "xmpp/outbound.h"
#include "xmpp/stack.h"
#include "xmpp/verification.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_BYTES 2048

/* How many claims pend from one address; there only while any does. */
struct claimant {
	struct cw_table_link link;
	uint8_t host[CW_ADDRESS_HOST_BYTES];
	unsigned n;
};

/* A claim whose verification is under way. */
struct claim {
	struct cw_list link; /* of the stream's */
	struct cw_stream *stream;
	struct cw_verification *verification;
	struct claimant *claimant;
	char *local, *remote;
};

/* ---- how many ---- */

static struct claimant *claimant_of(struct cw_stream *s)
{
	struct cw_xmpp *x = s->xmpp;
	struct cw_table_link *link;
	struct claimant *c;
	uint8_t host[CW_ADDRESS_HOST_BYTES];

	cw_address_host_bytes(cw_connection_remote(s->connection), host);
	link = cw_table_find(&x->claimants, cw_str_make((const char *)host, sizeof(host)));
	if (link)
		return cw_container_of(link, struct claimant, link);
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	memcpy(c->host, host, sizeof(host));
	if (cw_table_insert(&x->claimants, &c->link,
		    cw_str_make((const char *)c->host, sizeof(c->host))) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

static void release(struct cw_xmpp *x, struct claimant *c)
{
	if (c->n > 0)
		return;
	cw_table_remove(&x->claimants, &c->link);
	free(c);
}

static void destroy(struct claim *c)
{
	cw_list_remove(&c->link);
	cw_verification_cancel(c->verification);
	if (c->claimant) {
		c->claimant->n--;
		release(c->stream->xmpp, c->claimant);
	}
	free(c->local);
	free(c->remote);
	free(c);
}

/* ---- answers ---- */

static void answer(struct cw_stream *s, struct cw_str local, struct cw_str remote,
	enum cw_dialback_type type, const char *condition)
{
	struct cw_buf *out = &s->xmpp->out;

	cw_buf_clear(out);
	cw_dialback_write_claim_answer(out, local, remote, type, condition);
	cw_stream_send(s, cw_buf_str(out));
}

/* A stream on which nobody is proved ends for this; on another it is one pair's matter. */
static void keep_reason(struct cw_stream *s, const char *why)
{
	if (s->proof == CW_STREAM_UNPROVED)
		cw_stream_set_reason(s, why);
}

static void refuse(struct cw_stream *s, struct cw_str local, struct cw_str remote,
	const char *condition, const char *why)
{
	(*s->xmpp->counters.claims_refused)++;
	cw_info("xmpp.dialback", cw_kz("event", "refused"), CW_XMPP_MODULE,
		cw_ks("partner", remote), cw_ks("local", local), cw_kz("remote", s->remote_text),
		cw_kz("condition", condition), cw_kz("why", why));
	cw_tap_say(s->xmpp->tap, remote, "we refuse its dialback: %s", why);
	keep_reason(s, why);
	answer(s, local, remote, CW_DIALBACK_ERROR, condition);
}

static void grant(
	struct cw_stream *s, struct cw_str local, struct cw_str remote, enum cw_stream_proof proof)
{
	(*s->xmpp->counters.claims_valid)++;
	answer(s, local, remote, CW_DIALBACK_VALID, NULL);
	cw_stream_establish(s, proof);
	if (s->negotiation.is_bidi && !s->is_inside)
		cw_outbound_borrow(s, local, remote);
}

/* ---- claims ---- */

const char *cw_claim_refusal(struct cw_stream *s, struct cw_str local, struct cw_str remote,
	char room[static CW_XMPP_REFUSAL_MAX])
{
	const struct cw_xmpp_policy *policy = s->xmpp->setup->policy;
	const struct cw_xmpp_terms *terms;
	const char *why;

	if (!policy)
		return "this configuration has no XMPP federation";
	if (s->is_inside)
		return cw_xmpp_policy_is_local(policy, remote)
			       ? NULL
			       : "the own server speaks for local names only";
	if (!cw_xmpp_policy_is_local(policy, local))
		return "the name it talks to is none of ours";
	if (cw_xmpp_policy_is_local(policy, remote))
		return "a local name comes from the zone inside only";
	why = cw_xmpp_policy_refusal(policy, remote);
	if (why)
		return why;
	terms = cw_xmpp_policy_terms(policy, remote);
	if (terms->security == CW_XMPP_REQUIRED && !s->negotiation.facts.is_secure)
		return "we require TLS, the partner does not use it";
	return cw_xmpp_certificate_refusal(terms, &s->negotiation.facts, remote, room);
}

static void on_verified(void *arg, enum cw_dialback_type type, const char *why)
{
	struct claim *c = arg;
	struct cw_stream *s = c->stream;
	struct cw_str local = cw_str_of(c->local), remote = cw_str_of(c->remote);

	c->verification = NULL;
	if (s->state != CW_STREAM_ENDED && cw_dialback_pairs_settle(&s->pairs, remote, local,
						   type == CW_DIALBACK_VALID) == 0) {
		if (type == CW_DIALBACK_VALID) {
			grant(s, local, remote, CW_STREAM_BY_DIALBACK);
		} else if (type == CW_DIALBACK_ERROR) {
			refuse(s, local, remote, "remote-server-timeout", why);
		} else {
			(*s->xmpp->counters.claims_refused)++;
			cw_info("xmpp.dialback", cw_kz("event", "invalid"), CW_XMPP_MODULE,
				cw_ks("partner", remote), cw_kz("remote", s->remote_text),
				cw_kz("why", why));
			keep_reason(s, why);
			/* other pairs of the stream have nothing to do with it: it stays */
			answer(s, local, remote, CW_DIALBACK_INVALID, NULL);
		}
	}
	destroy(c);
}

static int verify(struct cw_stream *s, struct claimant *claimant, struct cw_str local,
	struct cw_str remote, struct cw_str key)
{
	struct claim *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return r;
	cw_list_init(&c->link);
	c->stream = s;
	c->local = cw_str_dup(local);
	c->remote = cw_str_dup(remote);
	if (c->local && c->remote)
		r = cw_verification_begin(&c->verification, s->xmpp, local, remote,
			cw_str_of(s->negotiation.stream_id), key, on_verified, c);
	if (r) {
		destroy(c);
		return r;
	}
	c->claimant = claimant;
	claimant->n++;
	cw_list_append(&s->claims, &c->link);
	return 0;
}

/* A claim that may be made: ask, unless too many pend. */
static void consider(
	struct cw_stream *s, struct cw_str local, struct cw_str remote, struct cw_str key)
{
	struct claimant *claimant = claimant_of(s);
	int r = claimant ? 0 : -ENOMEM;

	if (claimant && claimant->n >= CW_CLAIMS_PER_ADDRESS_MAX)
		r = -E2BIG;
	if (!r)
		r = cw_dialback_pairs_claim(&s->pairs, remote, local);
	if (r == -EEXIST)
		return; /* the first one's answer is this one's */
	if (!r) {
		r = verify(s, claimant, local, remote, key);
		if (r)
			(void)cw_dialback_pairs_settle(&s->pairs, remote, local, false);
	}
	if (claimant)
		release(s->xmpp, claimant);
	if (r)
		refuse(s, local, remote, "resource-constraint", "too many claims pend");
}

static void on_claim(
	struct cw_stream *s, struct cw_str local, struct cw_str remote, struct cw_str key)
{
	char room[CW_XMPP_REFUSAL_MAX];
	const char *why = cw_claim_refusal(s, local, remote, room);
	bool is_ours = s->is_inside || cw_xmpp_policy_is_local(s->xmpp->setup->policy, local);

	(*s->xmpp->counters.claims)++;
	cw_tap_say(s->xmpp->tap, remote, "it claims to be %" CW_STR_FMT " (dialback)",
		CW_STR_ARG(remote));
	if (why)
		refuse(s, local, remote, is_ours ? "policy-violation" : "item-not-found", why);
	else if (!s->is_inside)
		consider(s, local, remote, key);
	else if (cw_dialback_pairs_add(&s->pairs, remote, local) == 0)
		grant(s, local, remote, s->inside_proof);
	else
		refuse(s, local, remote, "resource-constraint", "too many pairs");
}

/* ---- questions about our keys ---- */

/*
 * Did we make the key? Names that we claim towards partners are local ones, towards the inside foreign ones (xmpp-federation, rule 13). No state is needed: whoever holds the secret
 * can answer.
 */
static void on_question(struct cw_stream *s, const struct cw_dialback_element *e,
	struct cw_str ours, struct cw_str asking)
{
	bool is_local = cw_xmpp_policy_is_local(s->xmpp->setup->policy, ours);
	struct cw_buf *out = &s->xmpp->out;
	enum cw_dialback_type type = CW_DIALBACK_ERROR;

	if (is_local != s->is_inside) {
		(*s->xmpp->counters.verifications)++;
		type = cw_dialback_key_is(
			       cw_secret_str(s->xmpp->secret), asking, ours, e->id, e->key)
			       ? CW_DIALBACK_VALID
			       : CW_DIALBACK_INVALID;
	}
	cw_tap_say(s->xmpp->tap, asking,
		"it asks whether a dialback key for %" CW_STR_FMT " is ours: %s", CW_STR_ARG(ours),
		type == CW_DIALBACK_VALID     ? "yes"
		: type == CW_DIALBACK_INVALID ? "no"
					      : "not our name");
	cw_buf_clear(out);
	cw_dialback_write_verify_answer(out, ours, asking, e->id, type,
		type == CW_DIALBACK_ERROR ? "item-not-found" : NULL);
	cw_stream_send(s, cw_buf_str(out));
}

void cw_claim_element(struct cw_stream *s, const struct cw_xmpp_element *element)
{
	struct cw_dialback_element e;
	struct cw_str from, to;
	char room[ROOM_BYTES];
	struct cw_arena arena;

	cw_arena_init_in(&arena, room, sizeof(room), sizeof(room));
	if (!s->xmpp->setup->policy || cw_dialback_read(&e, element) != 0 ||
		cw_jid_prepare_domain(&from, e.from, &arena) != 0 ||
		cw_jid_prepare_domain(&to, e.to, &arena) != 0) {
		cw_stream_fail(s, "improper-addressing", "a dialback element that cannot be read");
	} else {
		switch (e.kind) {
		case CW_DIALBACK_CLAIM:
			on_claim(s, to, from, e.key);
			break;
		case CW_DIALBACK_VERIFY:
			on_question(s, &e, to, from);
			break;
		case CW_DIALBACK_CLAIM_ANSWER: /* we claim nothing on this stream: CVE-2012-3525 */
		case CW_DIALBACK_VERIFY_ANSWER:
			cw_warn("xmpp.dialback", cw_kz("event", "unasked-answer"), CW_XMPP_MODULE,
				cw_ks("partner", from), cw_kz("remote", s->remote_text));
			break;
		}
	}
	cw_arena_finish(&arena);
}

void cw_claim_forget(struct cw_stream *s)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &s->claims)
		destroy(cw_container_of(pos, struct claim, link));
}
