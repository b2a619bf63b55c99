/*
 * One SIP message: its bytes, an index over them, and what a proxy asks of it.
 *
 * The bytes are kept as they came and are never printed anew: a proxy edits them (sip/rewrite.h). Nothing malformed is accepted in a request, so that none
 * is forwarded: what a proxy uses, and all addresses, are read here, the other headers that Sofia-SIP knows are judged by its parser (sip/grammar.h), unknown ones
 * pass. Of a response only its lines and what a proxy uses of it are checked: nobody could be told what is wrong with the rest. All slices point
 * into the message, which is one piece of memory.
 */
#ifndef CW_SIP_MESSAGE_H
#define CW_SIP_MESSAGE_H

#include "core/str.h"
#include "sip/uri.h"
#include "sip/via.h"

#define CW_SIP_HEADER_LINES_MAX 200        /* header lines of one message */
#define CW_SIP_LIST_MAX         128        /* values of Via, Route or Record-Route in one message */
#define CW_SIP_CSEQ_MAX         2147483647 /* RFC 3261, 8.1.1.5 */
#define CW_SIP_MAX_FORWARDS_MAX 255

enum cw_sip_method {
	CW_SIP_INVITE,
	CW_SIP_ACK,
	CW_SIP_CANCEL,
	CW_SIP_BYE,
	CW_SIP_MESSAGE,
	CW_SIP_INFO,
	CW_SIP_SUBSCRIBE,
	CW_SIP_NOTIFY,
	CW_SIP_BENOTIFY,
	CW_SIP_PUBLISH,
	CW_SIP_OPTIONS,
	CW_SIP_REGISTER,
	CW_SIP_NEGOTIATE,
	CW_SIP_OTHER, /* UPDATE, REFER, PRACK, SERVICE and unknown ones: proxied as non-INVITE */
};

/* Headers that something here asks for by name, in alphabetical order; header.c has their names. */
enum cw_sip_header_id {
	CW_HDR_OTHER,
	CW_HDR_CALL_ID,
	CW_HDR_CONTACT,
	CW_HDR_CONTENT_LENGTH,
	CW_HDR_CONTENT_TYPE,
	CW_HDR_CSEQ,
	CW_HDR_EVENT,
	CW_HDR_FROM,
	CW_HDR_MAX_FORWARDS,
	CW_HDR_MS_ASSERTED_VERIFICATION_LEVEL,
	CW_HDR_MS_EDGE_PROXY_MESSAGE_TRUST,
	CW_HDR_MS_TEXT_FORMAT,
	CW_HDR_P_ASSERTED_IDENTITY,
	CW_HDR_P_PREFERRED_IDENTITY,
	CW_HDR_PROXY_REQUIRE,
	CW_HDR_RECORD_ROUTE,
	CW_HDR_REMOTE_PARTY_ID,
	CW_HDR_ROUTE,
	CW_HDR_TO,
	CW_HDR_USER_AGENT,
	CW_HDR_VIA,
	CW_HDR_COUNT,
};

/* One header as it stands, folding included. */
struct cw_sip_line {
	enum cw_sip_header_id id; /* compact forms have the id of the long one */
	struct cw_str name;       /* as written, without colon */
	struct cw_str value;      /* without blanks at its ends */
	struct cw_str whole;      /* the line(s) with the final CRLF */
};

/* One value of a Route or Record-Route list. */
struct cw_sip_route {
	struct cw_str text; /* the value as written: name-addr and parameters */
	struct cw_sip_uri uri;
	size_t line;
};

struct cw_sip_message {
	struct cw_str bytes;      /* all of it */
	size_t memory;            /* bytes that it takes with its index */
	struct cw_str head;       /* start line and headers with the empty line */
	struct cw_str start_line; /* without CRLF */
	struct cw_str body;

	bool is_request;
	enum cw_sip_method method; /* of a response: of its CSeq */
	struct cw_str method_name; /* as written */
	struct cw_sip_uri request_uri;
	unsigned status;      /* responses: 100 to 699 */
	struct cw_str phrase; /* responses */

	const struct cw_sip_line *lines;
	size_t n_lines;
	const struct cw_sip_via *vias; /* in order, over all lines; at least one */
	size_t n_vias;
	const struct cw_sip_route *routes, *record_routes;
	size_t n_routes, n_record_routes;

	struct cw_sip_uri from, to;
	struct cw_str from_tag, to_tag; /* empty: none */
	struct cw_str call_id;
	uint32_t cseq;
	int max_forwards;           /* -1: absent */
	struct cw_str content_type; /* empty: none */
	struct cw_str event;        /* the event package alone, without parameters; empty: none */

	uint8_t first[CW_HDR_COUNT]; /* private: the first line of each header, from 1; 0: none */
};

/* Answers of cw_sip_message_parse. */
enum {
	CW_SIP_E_REJECT =
		1, /* a request that is wrong: answer it with the reject's status and reason */
	CW_SIP_E_DROP, /* it cannot be answered (a broken response, ACK, or nothing to send an answer by) */
};

/* Why a message was not accepted. */
struct cw_sip_reject {
	unsigned status; /* 400, 414, 416, 505, ... */
	char reason
		[128]; /* reason phrase: says what is wrong ("Malformed From header"); printable ASCII */
};

/*
 * Read one framed message. The bytes are copied.
 *
 * Returns: 0 and *out set, owned by the caller; CW_SIP_E_REJECT or CW_SIP_E_DROP with *reject set; -ENOMEM.
 */
int cw_sip_message_parse(
	struct cw_sip_message **out, struct cw_str frame, struct cw_sip_reject *reject);

/* Free it; NULL is fine. */
void cw_sip_message_destroy(struct cw_sip_message *message);

/* The first line with that header, or NULL. */
const struct cw_sip_line *cw_sip_message_find(
	const struct cw_sip_message *message, enum cw_sip_header_id id);

/* The id of a header's full or compact name (caseless). */
enum cw_sip_header_id cw_sip_header_id(struct cw_str name);

/* "Call-ID", ...; "" for CW_HDR_OTHER. */
const char *cw_sip_header_name(enum cw_sip_header_id id);

/* The method of that name (methods are case-sensitive). */
enum cw_sip_method cw_sip_method_find(struct cw_str name);

/* Whether what begins with these bytes may be answered: neither a response nor an ACK or BENOTIFY. */
bool cw_sip_is_answerable(struct cw_str bytes);

#endif
