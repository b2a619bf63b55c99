/*
 * What is agreed on a stream before stanzas flow: headers, features, STARTTLS, SASL EXTERNAL,
 * bidi, the offer of stream management. RFC 6120, 4 to 6, 13.7; XEP-0178, XEP-0220 (feature),
 * XEP-0288, XEP-0198 (offer), XEP-0368.
 *
 * Sans I/O: events go in by calls, each of which appends to `out` what is to be sent and says
 * what to do next. One for each stream, for its whole life; it is told of each new header.
 *
 *   initiating: start -> header -> features -> [START_TLS -> secured -> header -> features]
 *               -> [EXTERNAL -> RESTART -> header -> features] -> OPEN or READY
 *   receiving:  header (features sent) -> [START_TLS -> secured -> header (features sent)]
 *               -> [EXTERNAL -> RESTART -> header (features sent)];
 *               OPEN as soon as dialback may come, READY behind EXTERNAL
 *
 * Where the terms require TLS, nothing is agreed in clear: neither OPEN nor READY nor NOT_MINE
 * comes before it. Where TLS was tried, its failure is the end: there is no way back to clear.
 */
#ifndef CW_XMPP_NEGOTIATION_H
#define CW_XMPP_NEGOTIATION_H

#include "core/buf.h"
#include "xmpp/certificate.h"
#include "xmpp/element.h"

#define CW_XMPP_STREAM_ID_BYTES 16  /* random; written as hex */
#define CW_XMPP_STREAM_ID_MAX   256 /* bytes of an id that a peer chose */
#define CW_XMPP_AUTH_TRIES      3   /* attempts at EXTERNAL on one stream */

struct cw_xmpp_header;

enum cw_negotiation_role {
	CW_NEGOTIATION_INITIATING,
	CW_NEGOTIATION_RECEIVING
};

/* What the caller does next, after sending `out`. */
enum cw_negotiation_step {
	CW_NEGOTIATION_WAIT, /* for the next event */
	/* `out` leaves in clear, then TLS begins, with a new parser; then cw_negotiation_secured */
	CW_NEGOTIATION_START_TLS,
	/*
	 * A new stream begins on the connection: a new parser BEFORE `out` is sent. (Initiating:
	 * `out` holds the new header.)
	 */
	CW_NEGOTIATION_RESTART,
	/*
	 * All is agreed but who the peer is: dialback. Initiating: once. Receiving: each time that
	 * features were sent which allow dialback.
	 */
	CW_NEGOTIATION_OPEN,
	/*
	 * `local` and `remote` are authenticated by EXTERNAL. Initiating: stanzas may be sent.
	 * Receiving: the peer's may be accepted.
	 */
	CW_NEGOTIATION_READY,
	/*
	 * The element is none of negotiation's: a stream error at any time; behind OPEN or READY
	 * dialback, stream management, or what nobody knows.
	 */
	CW_NEGOTIATION_NOT_MINE,
	/*
	 * `out` holds the stream error (and </stream:stream>), where one can be said; send it and
	 * close. `reason` says why.
	 */
	CW_NEGOTIATION_FAIL,
};

enum cw_negotiation_state {
	CW_NEGOTIATION_INIT,   /* before start; with TLS from the first byte, before it is up */
	CW_NEGOTIATION_HEADER, /* waits for the peer's header */
	/* initiating: waits for the peer's features; receiving: sent those that only offer TLS */
	CW_NEGOTIATION_FEATURES,
	CW_NEGOTIATION_PROCEED, /* initiating: sent <starttls/> */
	CW_NEGOTIATION_TLS,     /* the handshake runs */
	/* initiating: sent <auth/>; receiving: sent <challenge/>, as the <auth/> held nothing */
	CW_NEGOTIATION_SASL,
	CW_NEGOTIATION_DONE, /* open or ready */
	CW_NEGOTIATION_FAILED,
};

/* Embed it. `out`, `reason` and what stands above the line may be read. Zeroed is finished. */
struct cw_negotiation {
	enum cw_negotiation_role role;
	enum cw_negotiation_state state;
	struct cw_buf out; /* to send; the caller clears it */
	/* FAIL: in words: "we require TLS, the partner does not offer it" */
	char reason[CW_XMPP_REFUSAL_MAX];
	/* prepared domains; of a receiving stream from the header, NULL where it says none */
	char *local, *remote;
	char *stream_id;             /* of this stream: made by the receiving side */
	bool peer_speaks_1_0;        /* version 1.0: features follow */
	bool offers_sm;              /* initiating: the peer's last features offer XEP-0198 */
	bool offers_dialback_errors; /* initiating: <errors/>: more pairs may share the stream */
	bool is_bidi;          /* both agreed on XEP-0288; of use once the peer is authenticated */
	bool is_authenticated; /* by EXTERNAL */
	struct cw_xmpp_security_facts facts; /* of TLS; borrowed from the connection */

	/* Borrowed; may be replaced by the caller when they change. */
	const struct cw_xmpp_terms *terms;
	/*
	 * Receiving; set by the caller before cw_negotiation_header: the name in it may not
	 * federate, so EXTERNAL must not prove it.
	 */
	bool is_remote_refused;
	/* ---- private ---- */
	bool can_tls, we_have_certificate, tls_at_once;
	bool is_header_sent;  /* ours, on the stream of the moment */
	bool allows_dialback; /* initiating: the peer knows it */
	bool offers_external; /* receiving: our last features did */
	bool has_claims;      /* receiving: a pair was claimed: too late for TLS and EXTERNAL */
	unsigned auth_tries;
};

struct cw_negotiation_settings {
	enum cw_negotiation_role role;
	/*
	 * TLS from the first byte (XEP-0368): cw_negotiation_secured comes before start or header
	 */
	bool is_secure;
	bool can_tls;                /* we have a certificate at all */
	bool we_have_certificate;    /* initiating: one that names `local`: EXTERNAL may be tried */
	struct cw_str local, remote; /* initiating: the pair, prepared; copied */
	const struct cw_xmpp_terms *terms; /* initiating; borrowed */
};

/*
 * Begin; the machine waits for its first event.
 *
 * Returns: 0; -ENOMEM, when it is as if zeroed.
 */
int cw_negotiation_init(struct cw_negotiation *n, const struct cw_negotiation_settings *settings);

/* Free what it holds; zeroed and NULL are fine. */
void cw_negotiation_finish(struct cw_negotiation *n);

/* Initiating: write our header. */
enum cw_negotiation_step cw_negotiation_start(struct cw_negotiation *n);

/*
 * The peer's header. `local` and `remote` are its `to` and `from` (on an initiating stream its
 * `from` and `to` are not looked at), prepared, empty where it has none or they cannot be
 * prepared. Receiving: `terms` are those for `remote` (the general ones where it is empty), or
 * NULL where the header's `to` is no name of ours: host-unknown; `stream_id` is a fresh one.
 * Initiating: both are NULL.
 */
enum cw_negotiation_step cw_negotiation_header(struct cw_negotiation *n,
	const struct cw_xmpp_header *header, struct cw_str local, struct cw_str remote,
	const struct cw_xmpp_terms *terms, const char *stream_id);

/* A first-level element that is no stanza. */
enum cw_negotiation_step cw_negotiation_element(
	struct cw_negotiation *n, const struct cw_xmpp_element *e);

/*
 * TLS is up. Initiating: judges the certificate and, unless start is yet to come, writes the
 * header.
 */
enum cw_negotiation_step cw_negotiation_secured(
	struct cw_negotiation *n, const struct cw_xmpp_security_facts *facts);

/*
 * Write a stream error and the end (RFC 6120, 4.9.3), for the caller's own refusals; behind a
 * header, where none was sent. `text`: for people, or NULL. The machine has then failed; once it
 * has, this writes nothing.
 */
void cw_negotiation_write_error(struct cw_negotiation *n, const char *condition, const char *text);

/* "init", "header", ... */
const char *cw_negotiation_state_name(enum cw_negotiation_state state);

#endif
