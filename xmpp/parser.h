/*
 * The bytes of one XML stream to its header, its first-level elements and its end (RFC 6120, 4;
 * 11). Expat reads; limits and refusals are ours.
 *
 * Pull: feed bytes, then take one event after the other until there is none. Between two events the
 * caller may destroy the parser, stop reading, or begin TLS: cw_xmpp_parser_has_input says whether
 * bytes were fed that no event has taken (RFC 6120, 5.3.1: behind <starttls/> there must be none).
 *
 * A *stanza* (message, presence or iq in the default namespace of the stream, without a prefix) is
 * not read into a tree: it comes as its bytes, as they were received from "<" to ">", and the
 * attributes of its first tag. Bytes inherit from the stream's header: what the stanza needs of
 * that (a prefix declared there and used in it, xml:lang) is named in the event, and xmpp/start_tag
 * puts it in. Every other first-level element comes as a tree.
 *
 * Refused: DTD, processing instruction (the XML declaration is none), comment, entity, undeclared
 * prefix, any encoding but UTF-8, NUL, text between first-level elements that is no white space,
 * too large, too deep, too many attributes.
 */
#ifndef CW_XMPP_PARSER_H
#define CW_XMPP_PARSER_H

#include "xmpp/element.h"

#define CW_XMPP_PREAUTH_MAX    16384  /* bytes of a stream before anybody is authenticated on it */
#define CW_XMPP_STANZA_MAX     262144 /* bytes of one stanza */
#define CW_XMPP_ELEMENT_MAX    16384  /* bytes of any other first-level element */
#define CW_XMPP_TOKEN_MAX      65536  /* bytes of one tag */
#define CW_XMPP_DEPTH_MAX      64     /* elements within each other, the first-level one being 1 */
#define CW_XMPP_ATTRIBUTES_MAX 64     /* of one element, namespace declarations among them */
#define CW_XMPP_PREFIXES_MAX   16     /* declared in the stream's header */

struct cw_xmpp_parser;

enum {
	CW_XMPP_PARSER_E_XML = 1,    /* not-well-formed */
	CW_XMPP_PARSER_E_RESTRICTED, /* restricted-xml */
	CW_XMPP_PARSER_E_ENCODING,   /* unsupported-encoding, or bytes that are no UTF-8 */
	CW_XMPP_PARSER_E_NAMESPACE,  /* invalid-namespace: the header of something else */
	CW_XMPP_PARSER_E_PREFIX, /* bad-namespace-prefix: not declared, or on a stanza's own name */
	CW_XMPP_PARSER_E_POLICY, /* policy-violation: one of the limits */
};

/* The stream header (RFC 6120, 4.7). Empty (p NULL) where an attribute is missing. */
struct cw_xmpp_header {
	struct cw_str from, to, id, version, lang;
	struct cw_str default_ns; /* CW_XMPP_NS_SERVER or CW_XMPP_NS_COMPONENT */
	bool has_dialback_ns;     /* a prefix of CW_XMPP_NS_DIALBACK was declared */
};

struct cw_xmpp_stanza {
	enum cw_xmpp_stanza_kind kind;
	struct cw_str from, to, id, type,
		lang;           /* values of its attributes; empty (p NULL) where missing */
	struct cw_str bytes;    /* as received, from "<" to ">" */
	size_t start_tag_bytes; /* of them, the first tag with its ">" or "/>" */
	/*
	 * Prefixes (name) that it uses and the header declares, and their URIs (value). Without
	 * `stream` and `db` of the usual URIs, which every stream of ours declares.
	 */
	const struct cw_xmpp_attribute *inherited;
	size_t n_inherited;
	struct cw_str header_lang; /* xml:lang of the header, where it has none of its own */
	bool has_default_ns;       /* its first tag has an xmlns='...' of its own */
};

enum cw_xmpp_event_kind {
	CW_XMPP_EVENT_NONE, /* all that was fed is taken, or too little is there */
	CW_XMPP_EVENT_HEADER,
	CW_XMPP_EVENT_STANZA,
	CW_XMPP_EVENT_ELEMENT,
	CW_XMPP_EVENT_END, /* </stream:stream> */
};

/*
 * Valid until the next call on the parser. Of what stands behind `kind`, what it names is set and
 * nothing else.
 */
struct cw_xmpp_event {
	enum cw_xmpp_event_kind kind;
	struct cw_xmpp_header header;
	struct cw_xmpp_stanza stanza;
	const struct cw_xmpp_element *element;
};

/* Returns: 0 and *out set, owned by the caller; -ENOMEM. */
int cw_xmpp_parser_create(struct cw_xmpp_parser **out);

/* Free it; NULL is fine. */
void cw_xmpp_parser_destroy(struct cw_xmpp_parser *parser);

/* From now on stanzas may come: CW_XMPP_PREAUTH_MAX does not count any more. */
void cw_xmpp_parser_set_authenticated(struct cw_xmpp_parser *parser);

/*
 * Give it more bytes (copied).
 *
 * Returns: 0; -ENOMEM; CW_XMPP_PARSER_E_POLICY; what cw_xmpp_parser_next failed with before.
 * Anything wrong with the XML is told by cw_xmpp_parser_next.
 */
int cw_xmpp_parser_feed(struct cw_xmpp_parser *parser, struct cw_str bytes);

/*
 * Take the next event.
 *
 * Returns: 0 and *event set; a CW_XMPP_PARSER_E_* or -ENOMEM, after which the parser is of no use
 * and returns the same again.
 */
int cw_xmpp_parser_next(struct cw_xmpp_parser *parser, struct cw_xmpp_event *event);

/* Whether bytes were fed that no event has taken; white space does not count. */
bool cw_xmpp_parser_has_input(const struct cw_xmpp_parser *parser);

/*
 * The stream is idle: give back all memory but what the header left, if it is between two elements
 * and has no input. The next bytes cost some microseconds more.
 */
void cw_xmpp_parser_rest(struct cw_xmpp_parser *parser);

/* What was wrong, in words for the log: "a comment at byte 211"; borrowed. */
const char *cw_xmpp_parser_problem(const struct cw_xmpp_parser *parser);

/* The stream error condition that says a CW_XMPP_PARSER_E_* to the peer (RFC 6120, 4.9.3). */
const char *cw_xmpp_parser_condition(int error);

#endif
