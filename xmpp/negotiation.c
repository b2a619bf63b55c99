#include "xmpp/negotiation.h"

#include "core/log.h"
#include "xmpp/escape.h"
#include "xmpp/jid.h"
#include "xmpp/parser.h"
#include "xmpp/sasl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[] = {
	[CW_NEGOTIATION_INIT] = "init",
	[CW_NEGOTIATION_HEADER] = "header",
	[CW_NEGOTIATION_FEATURES] = "features",
	[CW_NEGOTIATION_PROCEED] = "proceed",
	[CW_NEGOTIATION_TLS] = "tls",
	[CW_NEGOTIATION_SASL] = "sasl",
	[CW_NEGOTIATION_DONE] = "done",
	[CW_NEGOTIATION_FAILED] = "failed",
};

static const char tls_not_offered[] = "we require TLS, the partner does not offer it";
static const char tls_not_ours[] = "we require TLS, but have no certificate";
static const char stream_end[] = "</stream:stream>";

const char *cw_negotiation_state_name(enum cw_negotiation_state state)
{
	return state_names[state];
}

/* ---- what we write ---- */

static bool is_secure(const struct cw_negotiation *n)
{
	return n->facts.is_secure;
}

static void add(struct cw_negotiation *n, const char *text)
{
	cw_buf_add(&n->out, cw_str_of(text));
}

/*
 * The version is the lower of both sides' (RFC 6120, 4.7.5): none where the peer's header has
 * none.
 */
static void write_header(struct cw_negotiation *n)
{
	add(n, "<?xml version='1.0'?><stream:stream xmlns='" CW_XMPP_NS_SERVER
	       "' xmlns:stream='" CW_XMPP_NS_STREAMS "' xmlns:db='" CW_XMPP_NS_DIALBACK "'");
	if (n->local)
		cw_xmpp_escape_attribute(&n->out, "from", cw_str_of(n->local));
	if (n->remote)
		cw_xmpp_escape_attribute(&n->out, "to", cw_str_of(n->remote));
	if (n->role == CW_NEGOTIATION_RECEIVING && n->stream_id)
		cw_xmpp_escape_attribute(&n->out, "id", cw_str_of(n->stream_id));
	if (n->role == CW_NEGOTIATION_INITIATING || n->peer_speaks_1_0 || !n->stream_id)
		add(n, " version='1.0'");
	add(n, ">");
	n->is_header_sent = true;
}

/* Nothing may be said while TLS begins: it would go out in clear. */
static bool can_speak(const struct cw_negotiation *n)
{
	return is_secure(n) || (n->state != CW_NEGOTIATION_TLS && !n->tls_at_once);
}

static void write_error(struct cw_negotiation *n, const char *condition, const char *text)
{
	if (!can_speak(n))
		return;
	if (!n->is_header_sent)
		write_header(n);
	cw_buf_printf(
		&n->out, "<stream:error><%s xmlns='" CW_XMPP_NS_STREAM_ERRORS "'/>", condition);
	if (text) {
		add(n, "<text xmlns='" CW_XMPP_NS_STREAM_ERRORS "' xml:lang='en'>");
		cw_xmpp_escape(&n->out, cw_str_of(text));
		add(n, "</text>");
	}
	add(n, "</stream:error>");
	add(n, stream_end);
}

/* ---- states ---- */

static void enter(struct cw_negotiation *n, enum cw_negotiation_state to)
{
	cw_debug("xmpp.stream", cw_kz("event", "negotiation"), cw_kz("local", n->local),
		cw_kz("remote", n->remote), cw_kz("from", state_names[n->state]),
		cw_kz("to", state_names[to]));
	n->state = to;
}

static enum cw_negotiation_step fail_silently(struct cw_negotiation *n, const char *reason)
{
	snprintf(n->reason, sizeof(n->reason), "%s", reason);
	enter(n, CW_NEGOTIATION_FAILED);
	return CW_NEGOTIATION_FAIL;
}

/* Half an answer is none: it does not leave. */
static enum cw_negotiation_step no_memory(struct cw_negotiation *n)
{
	cw_buf_clear(&n->out);
	return fail_silently(n, "memory is short");
}

/* The one way out of an event that did not fail. */
static enum cw_negotiation_step go(
	struct cw_negotiation *n, enum cw_negotiation_state to, enum cw_negotiation_step step)
{
	if (n->out.error)
		return no_memory(n);
	if (to != n->state)
		enter(n, to);
	return step;
}

static enum cw_negotiation_step fail(
	struct cw_negotiation *n, const char *condition, const char *text, const char *reason)
{
	if (n->state == CW_NEGOTIATION_FAILED)
		return CW_NEGOTIATION_FAIL;
	write_error(n, condition, text);
	if (n->out.error)
		return no_memory(n);
	return fail_silently(n, reason);
}

static enum cw_negotiation_step fail_unexpected(struct cw_negotiation *n)
{
	char reason[CW_XMPP_REFUSAL_MAX];

	snprintf(reason, sizeof(reason), "the partner sent what was not due (state: %s)",
		state_names[n->state]);
	return fail(n, "unsupported-stanza-type", NULL, reason);
}

static enum cw_negotiation_step fail_without_tls(struct cw_negotiation *n)
{
	return fail(n, "policy-violation", "TLS is required",
		n->can_tls ? tls_not_offered : tls_not_ours);
}

static bool uses_tls(const struct cw_negotiation *n)
{
	return n->can_tls && n->terms && n->terms->security != CW_XMPP_NONE;
}

static bool must_have_tls(const struct cw_negotiation *n)
{
	return !is_secure(n) && n->terms && n->terms->security == CW_XMPP_REQUIRED;
}

/* ---- both roles ---- */

/*
 * What was learnt of a stream is void on the next one of the connection (RFC 6120, 5.4.3.3,
 * 6.4.6).
 */
static void forget_stream(struct cw_negotiation *n)
{
	free(n->stream_id);
	n->stream_id = NULL;
	n->is_header_sent = false;
	n->peer_speaks_1_0 = n->allows_dialback = n->offers_external = false;
	n->offers_sm = n->offers_dialback_errors = false;
}

/*
 * A certificate that the terms do not accept ends the stream (RFC 6120, 13.7.2). The refusal
 * speaks of the peer ("its certificate ..."); without the first word it is fit for the peer.
 */
static bool refuse_certificate(struct cw_negotiation *n)
{
	char room[CW_XMPP_REFUSAL_MAX];
	const char *refusal =
		cw_xmpp_certificate_refusal(n->terms, &n->facts, cw_str_of(n->remote), room);
	const char *blank = refusal ? strchr(refusal, ' ') : NULL;

	if (!refusal)
		return false;
	fail(n, "not-authorized", blank ? blank + 1 : refusal, refusal);
	return true;
}

static bool is_proved_by_certificate(const struct cw_negotiation *n)
{
	return is_secure(n) && n->remote &&
	       cw_xmpp_certificate_proves(n->terms, &n->facts, cw_str_of(n->remote));
}

/* ---- initiating ---- */

static enum cw_negotiation_step send_header(struct cw_negotiation *n, enum cw_negotiation_step step)
{
	write_header(n);
	return go(n, CW_NEGOTIATION_HEADER, step);
}

enum cw_negotiation_step cw_negotiation_start(struct cw_negotiation *n)
{
	if (n->role != CW_NEGOTIATION_INITIATING || n->state != CW_NEGOTIATION_INIT ||
		(n->tls_at_once && !is_secure(n)))
		return fail_unexpected(n);
	return send_header(n, CW_NEGOTIATION_WAIT);
}

struct features {
	bool tls, tls_required;
	bool external;
	bool dialback, dialback_errors;
	bool bidi, sm;
};

static bool is_external(const struct cw_xmpp_element *mechanism)
{
	return cw_xmpp_element_is(mechanism, CW_XMPP_NS_SASL, "mechanism") &&
	       cw_str_eq(cw_str_trim(mechanism->text), cw_str_of("EXTERNAL"));
}

static struct features read_features(const struct cw_xmpp_element *e)
{
	const struct cw_xmpp_element *tls = cw_xmpp_element_child(e, CW_XMPP_NS_TLS, "starttls");
	const struct cw_xmpp_element *mechanisms =
		cw_xmpp_element_child(e, CW_XMPP_NS_SASL, "mechanisms");
	const struct cw_xmpp_element *dialback =
		cw_xmpp_element_child(e, CW_XMPP_NS_DIALBACK_FEATURE, "dialback");
	struct features f = {
		.tls = tls != NULL,
		.dialback = dialback != NULL,
		.bidi = cw_xmpp_element_child(e, CW_XMPP_NS_BIDI_FEATURE, "bidi") != NULL,
		.sm = cw_xmpp_element_child(e, CW_XMPP_NS_SM, "sm") != NULL,
	};

	/* alone it is required, too (RFC 6120, 5.3.1) */
	if (tls)
		f.tls_required = cw_xmpp_element_child(tls, CW_XMPP_NS_TLS, "required") ||
				 (e->children == tls && !tls->next);
	for (const struct cw_xmpp_element *m = mechanisms ? mechanisms->children : NULL; m;
		m = m->next)
		f.external |= is_external(m);
	if (dialback)
		f.dialback_errors =
			cw_xmpp_element_child(dialback, CW_XMPP_NS_DIALBACK_FEATURE, "errors");
	return f;
}

/*
 * Whether EXTERNAL is the way; the peer must have proved itself to us, too, or it would be asked
 * for nothing at all.
 */
static bool try_external(struct cw_negotiation *n, const struct features *f)
{
	if (!f->external || !n->terms->sasl_external || !n->we_have_certificate ||
		n->auth_tries > 0 || !is_proved_by_certificate(n))
		return false;
	n->auth_tries++;
	add(n, "<auth xmlns='" CW_XMPP_NS_SASL "' mechanism='EXTERNAL'>");
	cw_xmpp_sasl_write(&n->out, cw_str_of(n->local));
	add(n, "</auth>");
	return true;
}

/* An id is missed only here: a peer that ends the stream at once may have left it out. */
static enum cw_negotiation_step agree(struct cw_negotiation *n, enum cw_negotiation_step step)
{
	if (!n->stream_id) /* there is no dialback key without it */
		return fail(n, "bad-format", NULL, "the partner's header has no id");
	return go(n, CW_NEGOTIATION_DONE, step);
}

static enum cw_negotiation_step open_for_dialback(struct cw_negotiation *n, const char *otherwise)
{
	if (!n->allows_dialback)
		return fail(n, "unsupported-feature", NULL, otherwise);
	return agree(n, CW_NEGOTIATION_OPEN);
}

/* All that TLS could give is there. */
static enum cw_negotiation_step authenticate(struct cw_negotiation *n, const struct features *f)
{
	if (n->is_authenticated)
		return agree(n, CW_NEGOTIATION_READY);
	/*
	 * XEP-0288, 2.2: before authentication. What comes back on the stream is proved by the
	 * peer's certificate alone
	 */
	if (f->bidi && is_proved_by_certificate(n)) {
		add(n, "<bidi xmlns='" CW_XMPP_NS_BIDI "'/>");
		n->is_bidi = true;
	}
	if (try_external(n, f))
		return go(n, CW_NEGOTIATION_SASL, CW_NEGOTIATION_WAIT);
	return open_for_dialback(
		n, "the partner offers no way to prove ourselves that we can take");
}

static enum cw_negotiation_step on_features(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	struct features f = read_features(e);

	n->offers_sm = f.sm;
	n->offers_dialback_errors = f.dialback_errors;
	n->allows_dialback |= f.dialback;
	if (is_secure(n))
		return authenticate(n, &f);
	if (f.tls && uses_tls(n)) {
		add(n, "<starttls xmlns='" CW_XMPP_NS_TLS "'/>");
		return go(n, CW_NEGOTIATION_PROCEED, CW_NEGOTIATION_WAIT);
	}
	if (must_have_tls(n))
		return fail_without_tls(n);
	if (f.tls_required)
		return fail(n, "unsupported-feature", NULL,
			n->terms->security == CW_XMPP_NONE
				? "the partner requires TLS, we do not use it"
				: "the partner requires TLS, we have no certificate");
	return authenticate(n, &f);
}

/* A peer older than version 1.0 has no features (RFC 6120, 4.7.5): dialback at once. */
static enum cw_negotiation_step on_old_peer(struct cw_negotiation *n)
{
	if (must_have_tls(n))
		return fail_without_tls(n);
	return authenticate(n, &(struct features){.tls = false});
}

static enum cw_negotiation_step on_proceed(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	if (cw_xmpp_element_is(e, CW_XMPP_NS_TLS, "proceed")) {
		forget_stream(n);
		return go(n, CW_NEGOTIATION_TLS, CW_NEGOTIATION_START_TLS);
	}
	if (cw_xmpp_element_is(e, CW_XMPP_NS_TLS, "failure"))
		return fail(n, "policy-violation", "TLS is required",
			"the partner offers TLS, but does not begin it");
	return fail_unexpected(n);
}

static enum cw_negotiation_step on_external_refused(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	const struct cw_xmpp_element *c = cw_xmpp_element_child(e, CW_XMPP_NS_SASL, NULL);
	char reason[CW_XMPP_REFUSAL_MAX];

	snprintf(reason, sizeof(reason), "the partner does not accept our certificate: %.*s",
		c && c->name.len < 64 ? (int)c->name.len : 0, c ? c->name.p : "");
	return open_for_dialback(n, reason);
}

static enum cw_negotiation_step on_sasl_answer(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	if (cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "success")) {
		forget_stream(n);
		n->is_authenticated = true;
		return send_header(n, CW_NEGOTIATION_RESTART);
	}
	if (cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "failure"))
		return on_external_refused(n, e);
	if (cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "challenge") && n->auth_tries == 1) {
		n->auth_tries++; /* all was said in <auth/>; who asks again will not be content */
		add(n, "<response xmlns='" CW_XMPP_NS_SASL "'/>");
		return go(n, CW_NEGOTIATION_SASL, CW_NEGOTIATION_WAIT);
	}
	return fail_unexpected(n);
}

/* ---- receiving ---- */

static bool allows_external(const struct cw_negotiation *n)
{
	return !n->is_authenticated && !n->is_remote_refused && n->local &&
	       n->terms->sasl_external && is_proved_by_certificate(n);
}

/* Where TLS must come first it is all that is offered. */
static void write_features(struct cw_negotiation *n)
{
	bool must_secure = must_have_tls(n);

	add(n, "<stream:features>");
	if (!is_secure(n) && uses_tls(n))
		cw_buf_printf(&n->out, "<starttls xmlns='" CW_XMPP_NS_TLS "'>%s</starttls>",
			must_secure ? "<required/>" : "");
	if (!must_secure) {
		n->offers_external = allows_external(n);
		if (n->offers_external)
			add(n, "<mechanisms xmlns='" CW_XMPP_NS_SASL
			       "'><mechanism>EXTERNAL</mechanism></mechanisms>");
		if (!n->is_authenticated)
			add(n, "<bidi xmlns='" CW_XMPP_NS_BIDI_FEATURE "'/>");
		add(n, "<dialback xmlns='" CW_XMPP_NS_DIALBACK_FEATURE "'><errors/></dialback>");
		add(n, "<sm xmlns='" CW_XMPP_NS_SM "'/>");
	}
	add(n, "</stream:features>");
}

/* Behind EXTERNAL the header must not speak for others; what it leaves out is as before. */
static bool names_authenticated_pair(
	const struct cw_negotiation *n, struct cw_str local, struct cw_str remote)
{
	return (local.len == 0 || cw_str_eq(local, cw_str_of(n->local))) &&
	       (remote.len == 0 || cw_str_eq(remote, cw_str_of(n->remote)));
}

static int replace(char **text, struct cw_str by)
{
	char *copy = by.len > 0 ? cw_str_dup(by) : NULL;

	if (by.len > 0 && !copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static enum cw_negotiation_step answer_header(struct cw_negotiation *n)
{
	if (!n->terms)
		return fail(
			n, "host-unknown", NULL, "the partner asks for a name that is not ours");
	if (n->is_authenticated && n->is_remote_refused)
		return fail(n, "not-authorized", NULL, "the partner may not federate any more");
	if (must_have_tls(n) && (!uses_tls(n) || !n->peer_speaks_1_0))
		return fail_without_tls(n);
	if (n->remote && refuse_certificate(n))
		return CW_NEGOTIATION_FAIL;
	write_header(n);
	if (n->peer_speaks_1_0)
		write_features(n);
	if (must_have_tls(n))
		return go(n, CW_NEGOTIATION_FEATURES, CW_NEGOTIATION_WAIT);
	return go(n, CW_NEGOTIATION_DONE,
		n->is_authenticated ? CW_NEGOTIATION_READY : CW_NEGOTIATION_OPEN);
}

static enum cw_negotiation_step on_initial_header(struct cw_negotiation *n, struct cw_str local,
	struct cw_str remote, const struct cw_xmpp_terms *terms, const char *stream_id)
{
	if (replace(&n->stream_id, cw_str_of(stream_id)))
		return no_memory(n);
	n->terms = terms;
	if (n->is_authenticated) {
		if (!names_authenticated_pair(n, local, remote))
			return fail(n, "invalid-from", NULL,
				"the partner's header names others than it was authenticated for");
	} else if (replace(&n->local, local) || replace(&n->remote, remote)) {
		return no_memory(n);
	}
	return answer_header(n);
}

static enum cw_negotiation_step on_starttls(struct cw_negotiation *n)
{
	/* what was claimed in clear would be taken along */
	if (is_secure(n) || !uses_tls(n) || n->has_claims) {
		add(n, "<failure xmlns='" CW_XMPP_NS_TLS "'/>");
		add(n, stream_end);
		if (n->out.error)
			return no_memory(n);
		return fail_silently(n, "the partner begins TLS where it was not offered");
	}
	add(n, "<proceed xmlns='" CW_XMPP_NS_TLS "'/>");
	forget_stream(n);
	n->is_bidi = false;
	return go(n, CW_NEGOTIATION_TLS, CW_NEGOTIATION_START_TLS);
}

static enum cw_negotiation_step refuse_auth(struct cw_negotiation *n, const char *condition)
{
	cw_buf_printf(&n->out, "<failure xmlns='" CW_XMPP_NS_SASL "'><%s/></failure>", condition);
	if (++n->auth_tries >= CW_XMPP_AUTH_TRIES)
		return fail(n, "policy-violation", "too many attempts to authenticate",
			"the partner's attempts at EXTERNAL fail");
	return go(n, CW_NEGOTIATION_DONE, CW_NEGOTIATION_WAIT);
}

/* The identity is the header's, said again in any spelling, or not said (XEP-0178, 3). */
static const char *refuse_identity(const struct cw_negotiation *n, struct cw_str text)
{
	char room[CW_XMPP_SASL_MAX];
	struct cw_arena arena = {0};
	struct cw_str domain;
	size_t len;
	bool is_same;
	int r;

	if (cw_xmpp_sasl_read(room, &len, text))
		return "incorrect-encoding";
	if (len == 0)
		return NULL;
	r = cw_jid_prepare_domain(&domain, cw_str_make(room, len), &arena);
	is_same = r == 0 && cw_str_eq(domain, cw_str_of(n->remote));
	cw_arena_finish(&arena);
	if (r < 0)
		return "temporary-auth-failure";
	return is_same ? NULL : "invalid-authzid";
}

static enum cw_negotiation_step on_identity(struct cw_negotiation *n, struct cw_str text)
{
	const char *condition = refuse_identity(n, text);

	if (condition)
		return refuse_auth(n, condition);
	add(n, "<success xmlns='" CW_XMPP_NS_SASL "'/>");
	forget_stream(n);
	n->is_authenticated = true;
	return go(n, CW_NEGOTIATION_HEADER, CW_NEGOTIATION_RESTART);
}

static enum cw_negotiation_step on_auth(struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	struct cw_str mechanism = cw_xmpp_element_attribute(e, "mechanism");

	if (!cw_str_eq(mechanism, cw_str_of("EXTERNAL")))
		return refuse_auth(n, "invalid-mechanism");
	if (!is_secure(n))
		return refuse_auth(n, "encryption-required");
	if (!n->offers_external || n->has_claims)
		return refuse_auth(n, "not-authorized");
	if (cw_str_trim(e->text).len ==
		0) { /* no initial response: it is asked for (RFC 6120, 6.4.3) */
		add(n, "<challenge xmlns='" CW_XMPP_NS_SASL "'/>");
		return go(n, CW_NEGOTIATION_SASL, CW_NEGOTIATION_WAIT);
	}
	return on_identity(n, e->text);
}

static enum cw_negotiation_step on_response(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	if (cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "abort"))
		return refuse_auth(n, "aborted");
	if (!cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "response"))
		return fail_unexpected(n);
	return on_identity(n, e->text);
}

/* Dialback may come, and all that makes it unnecessary. */
static enum cw_negotiation_step on_open(struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	if (cw_xmpp_element_is(e, CW_XMPP_NS_TLS, "starttls"))
		return on_starttls(n);
	if (!n->is_authenticated && cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "auth"))
		return on_auth(n, e);
	if (!n->is_authenticated && cw_xmpp_element_is(e, CW_XMPP_NS_BIDI, "bidi")) {
		n->is_bidi = true;
		return go(n, CW_NEGOTIATION_DONE, CW_NEGOTIATION_WAIT);
	}
	n->has_claims |= cw_xmpp_element_is(e, CW_XMPP_NS_DIALBACK, "result");
	return CW_NEGOTIATION_NOT_MINE;
}

/* ---- events of both roles ---- */

/* The major number is at least 1 (RFC 6120, 4.7.5). */
static bool is_version_1(struct cw_str version)
{
	struct cw_str major = cw_str_make(version.p, cw_str_find(version, '.'));
	uint64_t number;

	return cw_str_to_u64(major, UINT32_MAX, &number) == 0 && number >= 1;
}

static enum cw_negotiation_step on_response_header(
	struct cw_negotiation *n, const struct cw_xmpp_header *header)
{
	if (header->id.len > CW_XMPP_STREAM_ID_MAX)
		return fail(
			n, "policy-violation", NULL, "the id of the partner's stream is too long");
	if (replace(&n->stream_id, header->id))
		return no_memory(n);
	n->allows_dialback = header->has_dialback_ns;
	if (!n->peer_speaks_1_0)
		return on_old_peer(n);
	return go(n, CW_NEGOTIATION_FEATURES, CW_NEGOTIATION_WAIT);
}

enum cw_negotiation_step cw_negotiation_header(struct cw_negotiation *n,
	const struct cw_xmpp_header *header, struct cw_str local, struct cw_str remote,
	const struct cw_xmpp_terms *terms, const char *stream_id)
{
	if (n->state != CW_NEGOTIATION_HEADER)
		return fail_unexpected(n);
	n->peer_speaks_1_0 = is_version_1(header->version);
	if (n->role == CW_NEGOTIATION_INITIATING)
		return on_response_header(n, header);
	return on_initial_header(n, local, remote, terms, stream_id);
}

static enum cw_negotiation_step initiating_element(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	switch (n->state) {
	case CW_NEGOTIATION_FEATURES:
		if (cw_xmpp_element_is(e, CW_XMPP_NS_STREAMS, "features"))
			return on_features(n, e);
		break;
	case CW_NEGOTIATION_PROCEED:
		return on_proceed(n, e);
	case CW_NEGOTIATION_SASL:
		return on_sasl_answer(n, e);
	case CW_NEGOTIATION_DONE:
		return CW_NEGOTIATION_NOT_MINE;
	case CW_NEGOTIATION_INIT:
	case CW_NEGOTIATION_HEADER:
	case CW_NEGOTIATION_TLS:
	case CW_NEGOTIATION_FAILED:
		break;
	}
	return fail_unexpected(n);
}

static enum cw_negotiation_step receiving_element(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	switch (n->state) {
	case CW_NEGOTIATION_FEATURES:
		if (cw_xmpp_element_is(e, CW_XMPP_NS_TLS, "starttls"))
			return on_starttls(n);
		return fail_without_tls(n);
	case CW_NEGOTIATION_SASL:
		return on_response(n, e);
	case CW_NEGOTIATION_DONE:
		return on_open(n, e);
	case CW_NEGOTIATION_INIT:
	case CW_NEGOTIATION_HEADER:
	case CW_NEGOTIATION_PROCEED: /* ours is sent and done with at once */
	case CW_NEGOTIATION_TLS:
	case CW_NEGOTIATION_FAILED:
		break;
	}
	return fail_unexpected(n);
}

enum cw_negotiation_step cw_negotiation_element(
	struct cw_negotiation *n, const struct cw_xmpp_element *e)
{
	if (n->state == CW_NEGOTIATION_FAILED)
		return CW_NEGOTIATION_FAIL;
	if (cw_xmpp_element_is(e, CW_XMPP_NS_STREAMS, "error"))
		return CW_NEGOTIATION_NOT_MINE; /* an answer to it would be an error to an error */
	if (n->role == CW_NEGOTIATION_INITIATING)
		return initiating_element(n, e);
	return receiving_element(n, e);
}

enum cw_negotiation_step cw_negotiation_secured(
	struct cw_negotiation *n, const struct cw_xmpp_security_facts *facts)
{
	bool is_at_once = n->state == CW_NEGOTIATION_INIT && n->tls_at_once && !is_secure(n);

	if (!is_at_once && n->state != CW_NEGOTIATION_TLS)
		return fail_unexpected(n);
	n->facts = *facts;
	if (n->role == CW_NEGOTIATION_RECEIVING)
		return go(n, CW_NEGOTIATION_HEADER, CW_NEGOTIATION_WAIT);
	if (refuse_certificate(n))
		return CW_NEGOTIATION_FAIL;
	return is_at_once ? go(n, CW_NEGOTIATION_INIT, CW_NEGOTIATION_WAIT)
			  : send_header(n, CW_NEGOTIATION_WAIT);
}

void cw_negotiation_write_error(struct cw_negotiation *n, const char *condition, const char *text)
{
	fail(n, condition, text, text ? text : condition);
}

/* ---- life ---- */

int cw_negotiation_init(struct cw_negotiation *n, const struct cw_negotiation_settings *settings)
{
	bool waits_for_header = settings->role == CW_NEGOTIATION_RECEIVING && !settings->is_secure;

	*n = (struct cw_negotiation){
		.role = settings->role,
		.state = waits_for_header ? CW_NEGOTIATION_HEADER : CW_NEGOTIATION_INIT,
		.terms = settings->terms,
		.can_tls = settings->can_tls,
		.we_have_certificate = settings->we_have_certificate,
		.tls_at_once = settings->is_secure,
	};
	if (replace(&n->local, settings->local) || replace(&n->remote, settings->remote)) {
		cw_negotiation_finish(n);
		return -ENOMEM;
	}
	return 0;
}

void cw_negotiation_finish(struct cw_negotiation *n)
{
	if (!n)
		return;
	cw_buf_finish(&n->out);
	free(n->local);
	free(n->remote);
	free(n->stream_id);
	*n = (struct cw_negotiation){0};
}
