/*
 * Whole conversations, one row each: what comes in, what the machine says to do, what it sends.
 * Ours is always a.test, the peer b.test.
 */
#include "xmpp/negotiation.h"

#include "tests/support_c/xml_chunk.h"
#include "tests/unit/unit.h"
#include "xmpp/parser.h"

#include <errno.h>
#include <stdio.h>

/* ---- certificates ---- */

static struct cw_identity_name name_a[] = {{CW_IDENTITY_DNS, CW_STR("a.test")}};
static struct cw_identity_name name_b[] = {{CW_IDENTITY_DNS, CW_STR("b.test")}};
static struct cw_identity_name name_c[] = {{CW_IDENTITY_DNS, CW_STR("c.test")}};
static const struct cw_identity of_a = {.names = name_a, .n_names = 1};
static const struct cw_identity of_b = {.names = name_b, .n_names = 1};
static const struct cw_identity of_c = {.names = name_c, .n_names = 1};

static const struct cw_xmpp_security_facts trusted_a = {true, NULL, &of_a};
static const struct cw_xmpp_security_facts trusted_b = {true, NULL, &of_b};
static const struct cw_xmpp_security_facts trusted_c = {true, NULL, &of_c};
static const struct cw_xmpp_security_facts self_signed_a = {true, "untrusted", &of_a};
static const struct cw_xmpp_security_facts self_signed_b = {true, "untrusted", &of_b};
static const struct cw_xmpp_security_facts revoked_b = {true, "revoked", &of_b};
static const struct cw_xmpp_security_facts no_certificate = {true, "no-certificate", NULL};

/* ---- terms ---- */

#define TERMS(security, certificates, external)                                                    \
	{                                                                                          \
		CW_XMPP_##security, CW_XMPP_##certificates, .sasl_external = (external)            \
	}

static const struct cw_xmpp_terms required = TERMS(REQUIRED, NAMED, true);
static const struct cw_xmpp_terms required_trusted = TERMS(REQUIRED, TRUSTED, true);
static const struct cw_xmpp_terms required_any = TERMS(REQUIRED, ANY, true);
static const struct cw_xmpp_terms required_dialback = TERMS(REQUIRED, NAMED, false);
static const struct cw_xmpp_terms optional = TERMS(OPTIONAL, NAMED, true);
static const struct cw_xmpp_terms none = TERMS(NONE, NAMED, true);

/* ---- what is on the wire ---- */

#define XMLNS                                                                                      \
	"xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "                   \
	"xmlns:db='jabber:server:dialback'"
#define HEADER(rest)      "<?xml version='1.0'?><stream:stream " XMLNS rest ">"
#define OURS              HEADER(" from='a.test' to='b.test' version='1.0'")
#define ANSWER            HEADER(" from='a.test' to='b.test' id='ID' version='1.0'")
#define THEIRS            HEADER(" from='b.test' to='a.test' version='1.0'")
#define THEIRS_OLD        HEADER(" from='b.test' to='a.test'")
#define THEIR_ANSWER      HEADER(" from='b.test' to='a.test' id='1' version='1.0'")
#define END               "</stream:stream>"
#define FEATURES(inner)   "<stream:features>" inner "</stream:features>"
#define STARTTLS          "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define STARTTLS_OFFER    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>"
#define STARTTLS_REQUIRED "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
#define PROCEED           "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define TLS_FAILURE       "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SASL(name, inner) "<" name " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" inner "</" name ">"
#define SASL_EMPTY(name)  "<" name " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define MECHANISMS        SASL("mechanisms", "<mechanism>EXTERNAL</mechanism>")
#define AUTH(text)                                                                                 \
	"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" text "</auth>"
#define A_TEST         "YS50ZXN0" /* base64 */
#define B_TEST         "Yi50ZXN0"
#define DIALBACK       "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
#define DIALBACK_ALONE "<dialback xmlns='urn:xmpp:features:dialback'/>"
#define BIDI_OFFER     "<bidi xmlns='urn:xmpp:features:bidi'/>"
#define BIDI           "<bidi xmlns='urn:xmpp:bidi'/>"
#define SM             "<sm xmlns='urn:xmpp:sm:3'/>"
#define CLAIM          "<db:result from='b.test' to='a.test'>key</db:result>"
#define VERIFY         "<db:verify from='b.test' to='a.test' id='1'>key</db:verify>"
#define STREAM_ERROR(condition)                                                                    \
	"<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"               \
	"</stream:error></stream:stream>"
#define STREAM_ERROR_TEXT(condition, text)                                                         \
	"<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"               \
	"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>" text                    \
	"</text></stream:error></stream:stream>"
#define NEEDS_TLS   STREAM_ERROR_TEXT("policy-violation", "TLS is required")
#define NOT_OFFERED "we require TLS, the partner does not offer it"

#define OPEN_FEATURES   FEATURES(BIDI_OFFER DIALBACK SM)
#define PROVED_FEATURES FEATURES(MECHANISMS BIDI_OFFER DIALBACK SM)
#define AUTHED_FEATURES FEATURES(DIALBACK SM)

/* ---- rows ---- */

#define WAIT      CW_NEGOTIATION_WAIT
#define START_TLS CW_NEGOTIATION_START_TLS
#define RESTART   CW_NEGOTIATION_RESTART
#define OPEN      CW_NEGOTIATION_OPEN
#define READY     CW_NEGOTIATION_READY
#define NOT_MINE  CW_NEGOTIATION_NOT_MINE
#define FAIL      CW_NEGOTIATION_FAIL

/* One event: a header or an element that comes in; or start, or TLS that is up. */
struct event {
	const char *in; /* NULL: the end of the row */
	enum cw_negotiation_step step;
	const char *out;
	const struct cw_xmpp_security_facts *facts; /* of "secured" */
};

#define EVENTS_MAX 12

struct conversation {
	const char *name;
	const struct cw_xmpp_terms *terms;
	bool tls_at_once, no_tls, no_certificate, is_refused;
	const char *reason;                                       /* of the failure */
	bool is_bidi, is_authenticated, offers_sm, offers_errors; /* in the end */
	struct event events[EVENTS_MAX];
};

static const struct conversation initiating[] = {
	{"EXTERNAL on STARTTLS", &required, .is_authenticated = true, .is_bidi = true,
		.offers_sm = true, .offers_errors = true,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_REQUIRED), WAIT, STARTTLS}, {PROCEED, START_TLS, ""},
			{"secured", WAIT, OURS, &trusted_b}, {THEIR_ANSWER, WAIT, ""},
			{PROVED_FEATURES, WAIT, BIDI AUTH(A_TEST)},
			{SASL_EMPTY("success"), RESTART, OURS}, {THEIR_ANSWER, WAIT, ""},
			{AUTHED_FEATURES, READY, ""}, {CLAIM, NOT_MINE, ""}}},
	{"EXTERNAL with a challenge", &required, .is_authenticated = true,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_OFFER DIALBACK), WAIT, STARTTLS},
			{PROCEED, START_TLS, ""}, {"secured", WAIT, OURS, &trusted_b},
			{THEIR_ANSWER, WAIT, ""}, {FEATURES(MECHANISMS), WAIT, AUTH(A_TEST)},
			{SASL_EMPTY("challenge"), WAIT, SASL_EMPTY("response")},
			{SASL_EMPTY("success"), RESTART, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(""), READY, ""}}},
	{"direct TLS, dialback behind a failure of EXTERNAL", &required, .tls_at_once = true,
		.is_bidi = true, .offers_sm = true, .offers_errors = true,
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""}, {PROVED_FEATURES, WAIT, BIDI AUTH(A_TEST)},
			{SASL("failure", "<not-authorized/>"), OPEN, ""}, {CLAIM, NOT_MINE, ""}}},
	{"failure of EXTERNAL without dialback", &required, .tls_at_once = true,
		.reason = "the partner does not accept our certificate: not-authorized",
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
			 "xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>",
				WAIT, ""},
			{FEATURES(MECHANISMS), WAIT, AUTH(A_TEST)},
			{SASL("failure", "<not-authorized/>"), FAIL,
				STREAM_ERROR("unsupported-feature")}}},
	{"two challenges", &required, .tls_at_once = true,
		.reason = "the partner sent what was not due (state: sasl)",
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""}, {FEATURES(MECHANISMS), WAIT, AUTH(A_TEST)},
			{SASL_EMPTY("challenge"), WAIT, SASL_EMPTY("response")},
			{SASL_EMPTY("challenge"), FAIL, STREAM_ERROR("unsupported-stanza-type")}}},
	{"self-signed peer: dialback, no bidi", &required, .tls_at_once = true, .offers_sm = true,
		.offers_errors = true,
		.events = {{"secured", WAIT, "", &self_signed_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""}, {PROVED_FEATURES, OPEN, ""}}},
	{"EXTERNAL is not ours to use", &required_dialback, .tls_at_once = true, .is_bidi = true,
		.offers_sm = true, .offers_errors = true,
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""}, {PROVED_FEATURES, OPEN, BIDI}}},
	{"no certificate for EXTERNAL", &required, .tls_at_once = true, .no_certificate = true,
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""}, {FEATURES(MECHANISMS DIALBACK_ALONE), OPEN, ""}}},
	{"another mechanism is not EXTERNAL", &required, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""},
			{FEATURES(SASL("mechanisms", "<mechanism>PLAIN</mechanism>")), OPEN, ""}}},
	{"certificate of another name", &required, .reason = "its certificate does not name b.test",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_REQUIRED), WAIT, STARTTLS}, {PROCEED, START_TLS, ""},
			{"secured", FAIL,
				OURS STREAM_ERROR_TEXT(
					"not-authorized", "certificate does not name b.test"),
				&trusted_c}}},
	{"certificate of another name, any will do", &required_any, .offers_errors = true,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_REQUIRED), WAIT, STARTTLS}, {PROCEED, START_TLS, ""},
			{"secured", WAIT, OURS, &trusted_c}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(MECHANISMS BIDI_OFFER DIALBACK), OPEN, ""}}},
	{"self-signed where it must be trusted", &required_trusted, .tls_at_once = true,
		.reason = "its certificate is not trusted",
		.events = {{"secured", FAIL,
			OURS STREAM_ERROR_TEXT("not-authorized", "certificate is not trusted"),
			&self_signed_b}}},
	{"revoked where it must be trusted", &required_trusted, .tls_at_once = true,
		.reason = "its certificate is revoked",
		.events = {{"secured", FAIL,
			OURS STREAM_ERROR_TEXT("not-authorized", "certificate is revoked"),
			&revoked_b}}},
	{"no certificate", &required, .tls_at_once = true, .reason = "it shows no certificate",
		.events = {{"secured", FAIL,
			OURS STREAM_ERROR_TEXT("not-authorized", "shows no certificate"),
			&no_certificate}}},
	{"TLS required, not offered", &required, .offers_errors = true, .reason = NOT_OFFERED,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(DIALBACK), FAIL, NEEDS_TLS}}},
	{"TLS required, the peer is old", &required, .reason = NOT_OFFERED,
		.events = {{"start", WAIT, OURS},
			{HEADER(" from='b.test' id='1'"), FAIL, NEEDS_TLS}}},
	{"TLS required, and none is ours", &required, .no_tls = true,
		.reason = "we require TLS, but have no certificate",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_OFFER), FAIL, NEEDS_TLS}}},
	{"TLS optional, offered", &optional, .offers_errors = true,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_OFFER DIALBACK), WAIT, STARTTLS}}},
	{"TLS optional, not offered", &optional, .offers_errors = true, .offers_sm = true,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{PROVED_FEATURES, OPEN, ""}}},
	{"TLS optional, refused: no way back", &optional, .offers_errors = true,
		.reason = "the partner offers TLS, but does not begin it",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_OFFER DIALBACK), WAIT, STARTTLS},
			{TLS_FAILURE, FAIL, NEEDS_TLS}}},
	{"TLS optional, the peer is old", &optional,
		.events = {{"start", WAIT, OURS}, {HEADER(" from='b.test' id='1'"), OPEN, ""}}},
	{"an old peer without dialback", &optional,
		.reason = "the partner offers no way to prove ourselves that we can take",
		.events = {{"start", WAIT, OURS},
			{"<stream:stream xmlns='jabber:server' "
			 "xmlns:stream='http://etherx.jabber.org/streams' id='1'>",
				FAIL, STREAM_ERROR("unsupported-feature")}}},
	{"a header without id", &optional, .reason = "the partner's header has no id",
		.events = {{"start", WAIT, OURS}, {HEADER(" version='1.0'"), WAIT, ""},
			{FEATURES(""), FAIL, STREAM_ERROR("bad-format")}}},
	{"a header without id behind EXTERNAL", &required, .tls_at_once = true,
		.is_authenticated = true, .reason = "the partner's header has no id",
		.events = {{"secured", WAIT, "", &trusted_b}, {"start", WAIT, OURS},
			{THEIR_ANSWER, WAIT, ""}, {FEATURES(MECHANISMS), WAIT, AUTH(A_TEST)},
			{SASL_EMPTY("success"), RESTART, OURS},
			{HEADER(" version='1.0'"), WAIT, ""},
			{FEATURES(""), FAIL, STREAM_ERROR("bad-format")}}},
	{"no TLS, required by the peer", &none,
		.reason = "the partner requires TLS, we do not use it",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_REQUIRED DIALBACK_ALONE), FAIL,
				STREAM_ERROR("unsupported-feature")}}},
	{"no TLS, the only offer of the peer", &none,
		.reason = "the partner requires TLS, we do not use it",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_OFFER), FAIL, STREAM_ERROR("unsupported-feature")}}},
	{"no TLS of ours, required by the peer", &optional, .no_tls = true,
		.reason = "the partner requires TLS, we have no certificate",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_REQUIRED), FAIL, STREAM_ERROR("unsupported-feature")}}},
	{"no TLS, offered by the peer", &none,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_OFFER DIALBACK_ALONE), OPEN, ""}}},
	{"what comes before features", &optional,
		.reason = "the partner sent what was not due (state: features)",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{CLAIM, FAIL, STREAM_ERROR("unsupported-stanza-type")}, {CLAIM, FAIL, ""},
			{"start", FAIL, ""}, {THEIR_ANSWER, FAIL, ""}}},
	{"success that nobody tried for", &required,
		.reason = "the partner sent what was not due (state: features)",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{SASL_EMPTY("success"), FAIL, STREAM_ERROR("unsupported-stanza-type")}}},
	{"success in place of TLS", &required,
		.reason = "the partner sent what was not due (state: proceed)",
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{FEATURES(STARTTLS_REQUIRED), WAIT, STARTTLS},
			{SASL_EMPTY("success"), FAIL, STREAM_ERROR("unsupported-stanza-type")}}},
	{"the peer's error is not answered", &required,
		.events = {{"start", WAIT, OURS}, {THEIR_ANSWER, WAIT, ""},
			{"<stream:error><host-unknown "
			 "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
				NOT_MINE, ""}}},
	{"started before TLS that was to come first", &required, .tls_at_once = true,
		.reason = "the partner sent what was not due (state: init)",
		.events = {{"start", FAIL, ""}}},
};

static const struct conversation receiving[] = {
	{"EXTERNAL on STARTTLS", &required, .is_authenticated = true, .is_bidi = true,
		.events = {{THEIRS, WAIT, ANSWER FEATURES(STARTTLS_REQUIRED)},
			{STARTTLS, START_TLS, PROCEED}, {"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES}, {BIDI, WAIT, ""},
			{AUTH(B_TEST), RESTART, SASL_EMPTY("success")},
			{THEIRS, READY, ANSWER AUTHED_FEATURES}, {CLAIM, NOT_MINE, ""},
			{AUTH("="), NOT_MINE, ""}, {BIDI, NOT_MINE, ""}}},
	{"EXTERNAL without identity", &required, .tls_at_once = true, .is_authenticated = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH("="), RESTART, SASL_EMPTY("success")},
			{THEIRS, READY, ANSWER AUTHED_FEATURES}}},
	{"EXTERNAL of a name in capitals", &required, .tls_at_once = true, .is_authenticated = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH("\n  Qi5URVNU\n"), RESTART, SASL_EMPTY("success")},
			{THEIRS, READY, ANSWER AUTHED_FEATURES}}},
	{"EXTERNAL that must be asked", &required, .tls_at_once = true, .is_authenticated = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH(""), WAIT, SASL_EMPTY("challenge")},
			{SASL("response", B_TEST), RESTART, SASL_EMPTY("success")},
			{THEIRS, READY, ANSWER AUTHED_FEATURES}}},
	{"EXTERNAL that is given up", &required, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH(""), WAIT, SASL_EMPTY("challenge")},
			{SASL_EMPTY("abort"), WAIT, SASL("failure", "<aborted/>")},
			{CLAIM, NOT_MINE, ""}}},
	{"attempts at EXTERNAL", &required, .tls_at_once = true,
		.reason = "the partner's attempts at EXTERNAL fail",
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH(A_TEST), WAIT, SASL("failure", "<invalid-authzid/>")},
			{AUTH("%"), WAIT, SASL("failure", "<incorrect-encoding/>")},
			{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>", FAIL,
				SASL("failure", "<invalid-mechanism/>") STREAM_ERROR_TEXT(
					"policy-violation", "too many attempts to authenticate")}}},
	{"EXTERNAL of a self-signed peer", &required, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &self_signed_b},
			{THEIRS, OPEN, ANSWER OPEN_FEATURES},
			{AUTH(B_TEST), WAIT, SASL("failure", "<not-authorized/>")},
			{CLAIM, NOT_MINE, ""}}},
	{"EXTERNAL of a name that may not federate", &required, .tls_at_once = true,
		.is_refused = true,
		.events = {{"secured", WAIT, "", &trusted_b}, {THEIRS, OPEN, ANSWER OPEN_FEATURES},
			{AUTH(B_TEST), WAIT, SASL("failure", "<not-authorized/>")}}},
	{"EXTERNAL that is switched off", &required_dialback, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &trusted_b}, {THEIRS, OPEN, ANSWER OPEN_FEATURES},
			{AUTH(B_TEST), WAIT, SASL("failure", "<not-authorized/>")}}},
	{"EXTERNAL in clear", &optional,
		.events = {{THEIRS, OPEN, ANSWER FEATURES(STARTTLS_OFFER BIDI_OFFER DIALBACK SM)},
			{AUTH(B_TEST), WAIT, SASL("failure", "<encryption-required/>")}}},
	{"EXTERNAL behind a claim", &required, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES}, {CLAIM, NOT_MINE, ""},
			{AUTH(B_TEST), WAIT, SASL("failure", "<not-authorized/>")}}},
	{"another name behind EXTERNAL", &required, .tls_at_once = true, .is_authenticated = true,
		.reason = "the partner's header names others than it was authenticated for",
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH(B_TEST), RESTART, SASL_EMPTY("success")},
			{HEADER(" from='c.test' to='a.test' version='1.0'"), FAIL,
				ANSWER STREAM_ERROR("invalid-from")}}},
	{"no names behind EXTERNAL", &required, .tls_at_once = true, .is_authenticated = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES},
			{AUTH(B_TEST), RESTART, SASL_EMPTY("success")},
			{HEADER(" version='1.0'"), READY, ANSWER AUTHED_FEATURES}}},
	{"no from: dialback alone", &required, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &trusted_b},
			{HEADER(" to='a.test' version='1.0'"), OPEN,
				HEADER(" from='a.test' id='ID' version='1.0'") OPEN_FEATURES}}},
	{"certificate of another name", &required, .tls_at_once = true,
		.reason = "its certificate does not name b.test",
		.events = {{"secured", WAIT, "", &trusted_c},
			{THEIRS, FAIL,
				ANSWER STREAM_ERROR_TEXT(
					"not-authorized", "certificate does not name b.test")}}},
	{"certificate of another name, any will do", &required_any, .tls_at_once = true,
		.events = {{"secured", WAIT, "", &trusted_c},
			{THEIRS, OPEN, ANSWER OPEN_FEATURES}}},
	{"claim where TLS is required", &required, .reason = NOT_OFFERED,
		.events = {{THEIRS, WAIT, ANSWER FEATURES(STARTTLS_REQUIRED)},
			{CLAIM, FAIL, NEEDS_TLS}}},
	{"verification where TLS is required", &required, .reason = NOT_OFFERED,
		.events = {{THEIRS, WAIT, ANSWER FEATURES(STARTTLS_REQUIRED)},
			{VERIFY, FAIL, NEEDS_TLS}}},
	{"EXTERNAL where TLS is required", &required, .reason = NOT_OFFERED,
		.events = {{THEIRS, WAIT, ANSWER FEATURES(STARTTLS_REQUIRED)},
			{AUTH("="), FAIL, NEEDS_TLS}}},
	{"an old peer where TLS is required", &required, .reason = NOT_OFFERED,
		.events = {{THEIRS_OLD, FAIL,
			HEADER(" from='a.test' to='b.test' id='ID'") NEEDS_TLS}}},
	{"TLS required, and none is ours", &required, .no_tls = true,
		.reason = "we require TLS, but have no certificate",
		.events = {{THEIRS, FAIL, ANSWER NEEDS_TLS}}},
	{"an old peer", &optional,
		.events = {{THEIRS_OLD, OPEN, HEADER(" from='a.test' to='b.test' id='ID'")},
			{CLAIM, NOT_MINE, ""}}},
	{"version 0.9", &optional,
		.events = {{HEADER(" from='b.test' to='a.test' version='0.9'"), OPEN,
			HEADER(" from='a.test' to='b.test' id='ID'")}}},
	{"a later version", &none,
		.events = {{HEADER(" from='b.test' to='a.test' version='11.2'"), OPEN,
			ANSWER OPEN_FEATURES}}},
	{"bidi in clear is void behind TLS", &optional,
		.events = {{THEIRS, OPEN, ANSWER FEATURES(STARTTLS_OFFER BIDI_OFFER DIALBACK SM)},
			{BIDI, WAIT, ""}, {STARTTLS, START_TLS, PROCEED}}},
	{"TLS behind a claim", &optional,
		.reason = "the partner begins TLS where it was not offered",
		.events = {{THEIRS, OPEN, ANSWER FEATURES(STARTTLS_OFFER BIDI_OFFER DIALBACK SM)},
			{VERIFY, NOT_MINE, ""}, {CLAIM, NOT_MINE, ""},
			{STARTTLS, FAIL, TLS_FAILURE END}}},
	{"TLS in TLS", &required, .tls_at_once = true,
		.reason = "the partner begins TLS where it was not offered",
		.events = {{"secured", WAIT, "", &trusted_b},
			{THEIRS, OPEN, ANSWER PROVED_FEATURES}, {STARTTLS, FAIL, TLS_FAILURE END}}},
	{"TLS where there is none", &none,
		.reason = "the partner begins TLS where it was not offered",
		.events = {{THEIRS, OPEN, ANSWER OPEN_FEATURES},
			{STARTTLS, FAIL, TLS_FAILURE END}}},
	{"a name that is not ours", NULL, .reason = "the partner asks for a name that is not ours",
		.events = {{THEIRS, FAIL, ANSWER STREAM_ERROR("host-unknown")}}},
	{"clear bytes where TLS comes first", &required, .tls_at_once = true,
		.reason = "the partner sent what was not due (state: init)",
		.events = {{THEIRS, FAIL, ""}}},
	{"an element while TLS begins", &required,
		.reason = "the partner sent what was not due (state: tls)",
		.events = {{THEIRS, WAIT, ANSWER FEATURES(STARTTLS_REQUIRED)},
			{STARTTLS, START_TLS, PROCEED}, {CLAIM, FAIL, ""}}},
	{"a second header", &none, .reason = "the partner sent what was not due (state: done)",
		.events = {{THEIRS, OPEN, ANSWER OPEN_FEATURES},
			{THEIRS, FAIL, STREAM_ERROR("unsupported-stanza-type")}}},
	{"not for the receiving side", &none,
		.reason = "the partner sent what was not due (state: header)",
		.events = {{"start", FAIL,
			HEADER(" version='1.0'") STREAM_ERROR("unsupported-stanza-type")}}},
};

/* ---- running them ---- */

static struct cw_str attribute(const struct cw_xmpp_element *e, const char *name)
{
	return cw_xmpp_element_attribute(e, name);
}

/* As the caller does it: what the stream's header says to the machine. */
static enum cw_negotiation_step take_header(struct cw_negotiation *n, const struct xml_chunk *chunk,
	const struct cw_xmpp_terms *terms, const char *stream_id)
{
	const struct cw_xmpp_header header = {
		.from = attribute(chunk->header, "from"),
		.to = attribute(chunk->header, "to"),
		.id = attribute(chunk->header, "id"),
		.version = attribute(chunk->header, "version"),
		.has_dialback_ns = chunk->declares_dialback,
	};

	return cw_negotiation_header(n, &header, header.to, header.from, terms, stream_id);
}

/* Which allocation of the machine fails in the event to come; 0: none. */
static unsigned fail_at;

static enum cw_negotiation_step take(
	struct cw_negotiation *n, const struct conversation *c, const struct event *event)
{
	bool is_receiving = n->role == CW_NEGOTIATION_RECEIVING;
	enum cw_negotiation_step step;
	struct xml_chunk chunk;

	if (strcmp(event->in, "start") == 0) {
		alloc_fail_at(fail_at);
		return cw_negotiation_start(n);
	}
	if (strcmp(event->in, "secured") == 0) {
		alloc_fail_at(fail_at);
		return cw_negotiation_secured(n, event->facts);
	}
	ck_assert_msg(
		xml_chunk_read(&chunk, cw_str_of(event->in)) == 0, "%s: %s", c->name, event->in);
	alloc_fail_at(fail_at);
	if (chunk.header)
		step = take_header(
			n, &chunk, is_receiving ? c->terms : NULL, is_receiving ? "ID" : NULL);
	else
		step = cw_negotiation_element(n, chunk.elements[0]);
	xml_chunk_finish(&chunk);
	return step;
}

static void init(
	struct cw_negotiation *n, const struct conversation *c, enum cw_negotiation_role role)
{
	struct cw_negotiation_settings settings = {
		.role = role,
		.is_secure = c->tls_at_once,
		.can_tls = !c->no_tls,
		.we_have_certificate = !c->no_tls && !c->no_certificate,
	};

	if (role == CW_NEGOTIATION_INITIATING) {
		settings.local = cw_str_of("a.test");
		settings.remote = cw_str_of("b.test");
		settings.terms = c->terms;
	}
	ck_assert_int_eq(cw_negotiation_init(n, &settings), 0);
	n->is_remote_refused = c->is_refused;
}

static void converse(const struct conversation *c, enum cw_negotiation_role role)
{
	struct cw_negotiation n;

	init(&n, c, role);
	for (size_t i = 0; i < EVENTS_MAX && c->events[i].in; i++) {
		const struct event *event = &c->events[i];
		enum cw_negotiation_step step = take(&n, c, event);
		struct cw_str out = cw_buf_str(&n.out);

		ck_assert_msg(cw_str_eq(out, cw_str_of(event->out)), "%s: behind %s it says %.*s",
			c->name, event->in, (int)out.len, out.p ? out.p : "");
		ck_assert_msg(step == event->step, "%s: behind %s comes step %d", c->name,
			event->in, (int)step);
		cw_buf_clear(&n.out);
	}
	ck_assert_msg(
		strcmp(n.reason, c->reason ? c->reason : "") == 0, "%s: %s", c->name, n.reason);
	ck_assert_msg(n.is_bidi == c->is_bidi, "%s: bidi", c->name);
	ck_assert_msg(n.is_authenticated == c->is_authenticated, "%s: authenticated", c->name);
	ck_assert_msg(n.offers_sm == c->offers_sm, "%s: sm", c->name);
	ck_assert_msg(n.offers_dialback_errors == c->offers_errors, "%s: errors", c->name);
	ck_assert_msg((n.state == CW_NEGOTIATION_FAILED) == (c->reason != NULL), "%s: state %s",
		c->name, cw_negotiation_state_name(n.state));
	cw_negotiation_finish(&n);
}

START_TEST(initiates)
{
	converse(&initiating[_i], CW_NEGOTIATION_INITIATING);
}
END_TEST

START_TEST(receives)
{
	converse(&receiving[_i], CW_NEGOTIATION_RECEIVING);
}
END_TEST

/* ---- the caller's own refusals ---- */

START_TEST(error_stands_behind_a_header)
{
	struct cw_negotiation n;

	init(&n, &receiving[0], CW_NEGOTIATION_RECEIVING);
	cw_negotiation_write_error(&n, "connection-timeout", NULL);
	ck_assert(cw_str_eq(cw_buf_str(&n.out),
		cw_str_of(HEADER(" version='1.0'") STREAM_ERROR("connection-timeout"))));
	ck_assert_str_eq(n.reason, "connection-timeout");
	cw_buf_clear(&n.out);
	cw_negotiation_write_error(&n, "reset", "a second time");
	ck_assert_uint_eq(n.out.len, 0);
	ck_assert_str_eq(n.reason, "connection-timeout");
	cw_negotiation_finish(&n);
}
END_TEST

START_TEST(error_behind_a_header_has_none)
{
	struct cw_negotiation n;

	init(&n, &receiving[0], CW_NEGOTIATION_RECEIVING);
	take(&n, &receiving[0], &receiving[0].events[0]);
	cw_buf_clear(&n.out);
	cw_negotiation_write_error(&n, "policy-violation", "a < b");
	ck_assert(cw_str_eq(
		cw_buf_str(&n.out), cw_str_of(STREAM_ERROR_TEXT("policy-violation", "a &lt; b"))));
	ck_assert_str_eq(n.reason, "a < b");
	cw_negotiation_finish(&n);
}
END_TEST

/* ---- one machine against the other ---- */

static const struct pairing {
	const char *name;
	const struct cw_xmpp_terms *a_terms, *b_terms; /* a initiates */
	const struct cw_xmpp_security_facts *a_certificate,
		*b_certificate; /* as the other sees it */
	bool tls_at_once;
	bool a_cannot_tls, b_cannot_tls;
	bool is_secure, is_authenticated, is_bidi; /* of both, in the end */
	const char *a_reason, *b_reason;           /* the first of them to fail */
} pairings[] = {
	{"CA certificates", &required_trusted, &required_trusted, &trusted_a, &trusted_b,
		.is_secure = true, .is_authenticated = true, .is_bidi = true},
	{"CA certificates, direct TLS", &required, &required, &trusted_a, &trusted_b,
		.tls_at_once = true, .is_secure = true, .is_authenticated = true, .is_bidi = true},
	{"CA certificates, one wants no EXTERNAL", &required_trusted, &required_dialback,
		&trusted_a, &trusted_b, .is_secure = true, .is_bidi = true},
	{"self-signed receiver", &required, &required, &trusted_a, &self_signed_b,
		.is_secure = true},
	{"self-signed initiator", &required, &required, &self_signed_a, &trusted_b,
		.is_secure = true, .is_bidi = true},
	{"self-signed receiver, must be trusted", &required_trusted, &required, &trusted_a,
		&self_signed_b, .a_reason = "its certificate is not trusted"},
	{"self-signed initiator, must be trusted", &required, &required_trusted, &self_signed_a,
		&trusted_b, .b_reason = "its certificate is not trusted"},
	{"another name", &required, &required_any, &trusted_a, &trusted_c,
		.a_reason = "its certificate does not name b.test"},
	{"another name, any will do", &required_any, &required_any, &trusted_c, &trusted_c,
		.is_secure = true},
	{"no TLS, not required", &optional, &none, &trusted_a, &trusted_b},
	{"no TLS, required", &required, &none, &trusted_a, &trusted_b, .a_reason = NOT_OFFERED},
	{"TLS required by the receiver, none here", &none, &required, &trusted_a, &trusted_b,
		.a_reason = "the partner requires TLS, we do not use it"},
	{"both optional", &optional, &optional, &trusted_a, &trusted_b, .is_secure = true,
		.is_authenticated = true, .is_bidi = true},
	{"both optional, one cannot", &optional, &optional, &trusted_a, &trusted_b,
		.b_cannot_tls = true},
	{"no TLS at all", &none, &none, &trusted_a, &trusted_b},
	{"revoked", &required_trusted, &required, &trusted_a, &revoked_b,
		.a_reason = "its certificate is revoked"},
	{"shows none", &required, &required, &no_certificate, &trusted_b,
		.b_reason = "it shows no certificate"},
};

struct party {
	struct cw_negotiation n;
	const struct cw_xmpp_terms *terms;
	const struct cw_xmpp_security_facts *peer;
	enum cw_negotiation_step step; /* the last that was no WAIT or NOT_MINE */
};

static void note(struct party *party, enum cw_negotiation_step step)
{
	if (step != WAIT && step != NOT_MINE)
		party->step = step;
}

static void receive(struct party *party, struct cw_str bytes)
{
	bool is_receiving = party->n.role == CW_NEGOTIATION_RECEIVING;
	struct xml_chunk chunk;

	ck_assert_msg(xml_chunk_read(&chunk, bytes) == 0, "%.*s", (int)bytes.len, bytes.p);
	if (chunk.header)
		note(party, take_header(&party->n, &chunk, is_receiving ? party->terms : NULL,
				    is_receiving ? "ID" : NULL));
	for (size_t i = 0; i < chunk.n_elements; i++)
		note(party, cw_negotiation_element(&party->n, chunk.elements[i]));
	xml_chunk_finish(&chunk);
}

static void init_party(struct party *party, const struct cw_negotiation_settings *settings,
	const struct cw_xmpp_terms *terms, const struct cw_xmpp_security_facts *peer)
{
	*party = (struct party){.terms = terms, .peer = peer};
	ck_assert_int_eq(cw_negotiation_init(&party->n, settings), 0);
	if (settings->is_secure)
		note(party, cw_negotiation_secured(&party->n, peer));
}

static bool hand_over(struct party *from, struct party *to)
{
	struct cw_buf bytes = from->n.out;

	if (bytes.len == 0)
		return false;
	from->n.out = (struct cw_buf){0};
	receive(to, cw_buf_str(&bytes));
	cw_buf_finish(&bytes);
	if (from->step == START_TLS && to->step == START_TLS) {
		from->step = to->step = WAIT;
		note(from, cw_negotiation_secured(&from->n, from->peer));
		note(to, cw_negotiation_secured(&to->n, to->peer));
	}
	return true;
}

START_TEST(meets_itself)
{
	const struct pairing *p = &pairings[_i];
	const struct cw_negotiation_settings a_settings = {
		.role = CW_NEGOTIATION_INITIATING,
		.is_secure = p->tls_at_once,
		.can_tls = !p->a_cannot_tls,
		.we_have_certificate = p->a_certificate->identity != NULL,
		.local = CW_STR("a.test"),
		.remote = CW_STR("b.test"),
		.terms = p->a_terms,
	};
	const struct cw_negotiation_settings b_settings = {
		.role = CW_NEGOTIATION_RECEIVING,
		.is_secure = p->tls_at_once,
		.can_tls = !p->b_cannot_tls,
	};
	enum cw_negotiation_step expected = p->is_authenticated ? READY : OPEN;
	struct party a, b;

	init_party(&a, &a_settings, p->a_terms, p->b_certificate);
	init_party(&b, &b_settings, p->b_terms, p->a_certificate);
	note(&a, cw_negotiation_start(&a.n));
	for (unsigned turns = 0; hand_over(&a, &b) || hand_over(&b, &a); turns++)
		ck_assert_msg(turns < 40, "%s: no end", p->name);

	if (p->a_reason)
		ck_assert_msg(a.step == FAIL && strcmp(a.n.reason, p->a_reason) == 0, "%s: %d %s",
			p->name, (int)a.step, a.n.reason);
	if (p->b_reason)
		ck_assert_msg(b.step == FAIL && strcmp(b.n.reason, p->b_reason) == 0, "%s: %d %s",
			p->name, (int)b.step, b.n.reason);
	if (!p->a_reason && !p->b_reason) {
		ck_assert_msg(a.step == expected && b.step == expected, "%s: %d %d", p->name,
			(int)a.step, (int)b.step);
		ck_assert_msg(a.n.facts.is_secure == p->is_secure, "%s: TLS", p->name);
		ck_assert_msg(a.n.is_bidi == p->is_bidi && b.n.is_bidi == p->is_bidi, "%s: bidi",
			p->name);
		ck_assert_msg(a.n.offers_sm && a.n.offers_dialback_errors, "%s: offers", p->name);
		ck_assert_str_eq(a.n.stream_id, b.n.stream_id);
	}
	cw_negotiation_finish(&a.n);
	cw_negotiation_finish(&b.n);
}
END_TEST

/* ---- memory ---- */

/*
 * All events before `last`, and that one with its allocation number `nth` failing.
 *
 * Returns: whether there is such an allocation.
 */
static bool fails_cleanly(
	const struct conversation *c, enum cw_negotiation_role role, size_t last, unsigned nth)
{
	struct cw_negotiation n;
	enum cw_negotiation_step step;
	bool was_reached;

	init(&n, c, role);
	for (size_t i = 0; i < last; i++) {
		take(&n, c, &c->events[i]);
		cw_buf_finish(&n.out);
	}
	fail_at = nth;
	step = take(&n, c, &c->events[last]);
	fail_at = 0;
	was_reached = alloc_fail_reached();
	if (was_reached && step == FAIL) {
		ck_assert_msg(n.out.len == 0, "%s: half an answer", c->name);
		ck_assert_msg(
			strcmp(n.reason, "memory is short") == 0, "%s: %s", c->name, n.reason);
	} else if (was_reached) { /* the one failure that is no end */
		ck_assert_msg(cw_str_eq(cw_buf_str(&n.out),
				      cw_str_of(SASL("failure", "<temporary-auth-failure/>"))),
			"%s", c->name);
	}
	cw_negotiation_finish(&n);
	return was_reached;
}

static void starve(const struct conversation *c, enum cw_negotiation_role role)
{
	for (size_t last = 0; last < EVENTS_MAX && c->events[last].in; last++)
		for (unsigned nth = 1; fails_cleanly(c, role, last, nth); nth++)
			;
}

START_TEST(initiates_with_short_memory)
{
	starve(&initiating[_i], CW_NEGOTIATION_INITIATING);
}
END_TEST

START_TEST(receives_with_short_memory)
{
	starve(&receiving[_i], CW_NEGOTIATION_RECEIVING);
}
END_TEST

START_TEST(does_not_begin_without_memory)
{
	const struct cw_negotiation_settings settings = {
		.role = CW_NEGOTIATION_INITIATING,
		.local = CW_STR("a.test"),
		.remote = CW_STR("b.test"),
		.terms = &none,
	};
	struct cw_negotiation n;
	int r;

	for (unsigned nth = 1; nth <= 2; nth++) {
		alloc_fail_at(nth);
		r = cw_negotiation_init(&n, &settings);
		ck_assert(alloc_fail_reached());
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(n.local);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_negotiation");
	TCase *tcase = tcase_create("xmpp_negotiation");

	ADD_ROWS(tcase, initiates, initiating);
	ADD_ROWS(tcase, receives, receiving);
	tcase_add_test(tcase, error_stands_behind_a_header);
	tcase_add_test(tcase, error_behind_a_header_has_none);
	ADD_ROWS(tcase, meets_itself, pairings);
	ADD_ROWS(tcase, initiates_with_short_memory, initiating);
	ADD_ROWS(tcase, receives_with_short_memory, receiving);
	tcase_add_test(tcase, does_not_begin_without_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
