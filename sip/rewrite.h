/*
 * The edits of a proxy on the bytes of a message, and answers of our own.
 *
 * Collect the edits, then render: the result equals the message byte for byte, less these edits and no others (RFC 3261, 16.6, 16.7).
 */
#ifndef CW_SIP_REWRITE_H
#define CW_SIP_REWRITE_H

#include "core/buf.h"
#include "sip/message.h"

#define CW_SIP_REWRITE_EDITS_MAX 512 /* a Via or Route value, or a line, each */

struct cw_sip_edit;

/* Embed it. Fields are private. Texts handed in are borrowed until it was rendered. */
struct cw_sip_rewrite {
	const struct cw_sip_message *message;
	struct cw_sip_edit *edits; /* in the order of the places that they change */
	size_t n_edits, capacity;
	size_t n_popped_vias;
	int n_pushed_record_routes;
	uint64_t dropped_routes[CW_SIP_LIST_MAX / 64]; /* a bit a value */
	int error;                                     /* sticky */
};

/* Begin without edits. */
void cw_sip_rewrite_init(struct cw_sip_rewrite *rw, const struct cw_sip_message *message);

/* Free what it holds. */
void cw_sip_rewrite_finish(struct cw_sip_rewrite *rw);

/* Put another Request-URI in place. */
void cw_sip_rewrite_request_uri(struct cw_sip_rewrite *rw, struct cw_str uri);

/* Put a Via value on top, in a line of its own. */
void cw_sip_rewrite_push_via(struct cw_sip_rewrite *rw, struct cw_str value);

/* Take the topmost Via value off, with its line when nothing else stands in it; called again, the next one. */
void cw_sip_rewrite_pop_via(struct cw_sip_rewrite *rw);

/* Add (or replace) received=HOST and, if the Via has an rport parameter, rport=PORT on the Via that came on top (RFC 3261, 18.2.1; RFC 3581). */
void cw_sip_rewrite_via_received(struct cw_sip_rewrite *rw, struct cw_str host, uint16_t port);

/* Write Max-Forwards: in place of the value that is there, or as a new line behind the Vias' first line. */
void cw_sip_rewrite_max_forwards(struct cw_sip_rewrite *rw, unsigned value);

/* Put a Record-Route value on top, in a line of its own before the first Record-Route, or behind the first Via where there is none. Of two, the one pushed last is on top. */
void cw_sip_rewrite_push_record_route(struct cw_sip_rewrite *rw, struct cw_str value);

/* Take Route value `index` of message->routes off, with its line when nothing else is left in it. */
void cw_sip_rewrite_drop_route(struct cw_sip_rewrite *rw, size_t index);

/* Take all lines of a header off. */
void cw_sip_rewrite_drop_header(struct cw_sip_rewrite *rw, enum cw_sip_header_id id);

/*
 * Another status line for a response (503 from below goes up as 500).
 */
void cw_sip_rewrite_status(struct cw_sip_rewrite *rw, unsigned status, struct cw_str phrase);

/*
 * Append the edited message to `out`.
 *
 * Returns: 0; -ENOMEM; -E2BIG beyond CW_SIP_REWRITE_EDITS_MAX; -EMSGSIZE at the limit of `out`.
 */
int cw_sip_rewrite_render(const struct cw_sip_rewrite *rw, struct cw_buf *out);

/* What a response of our own needs. */
struct cw_sip_reply {
	unsigned status;
	struct cw_str phrase;   /* empty: the standard one of `status` */
	struct cw_str to_tag;   /* for a request without one, and a status above 100 */
	struct cw_str headers;  /* further whole lines with CRLF; may be empty */
	struct cw_str received; /* as cw_sip_rewrite_via_received; empty: not needed */
	uint16_t rport;
};

/*
 * Append the response to `request` (RFC 3261, 8.2.6): all Vias, From, To, Call-ID, CSeq as they stand, Content-Length 0.
 *
 * Returns: 0; -ENOMEM; -EMSGSIZE at the limit of `out`.
 */
int cw_sip_reply_build(
	struct cw_buf *out, const struct cw_sip_message *request, const struct cw_sip_reply *reply);

/*
 * The same for a head that could not be parsed, from whatever of the needed headers can be found in it.
 *
 * Returns: 0; -EINVAL when there is too little to answer (no Via, or it is an ACK or a response); -ENOMEM; -EMSGSIZE.
 */
int cw_sip_reply_build_raw(
	struct cw_buf *out, struct cw_str head, const struct cw_sip_reply *reply);

/*
 * Append the CANCEL (or the ACK for a non-2xx `response`, when that is not NULL) that belongs to an INVITE which we sent as `sent` bytes (RFC 3261, 9.1, 17.1.1.3): its
 * Request-URI, topmost Via, From, Call-ID, CSeq number and Routes; To of the INVITE, or of the response.
 *
 * Returns: 0; -ENOMEM; -EINVAL when `sent` is no INVITE.
 */
int cw_sip_follow_up_build(
	struct cw_buf *out, struct cw_str sent, const struct cw_sip_message *response);

/* The standard reason phrase of a status ("Not Found"), "Unknown" where there is none. */
const char *cw_sip_phrase(unsigned status);

#endif
