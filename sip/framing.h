/*
 * Messages out of a stream (RFC 3261, 18.3): where one begins and ends, before anybody parses it. Sans-I/O.
 *
 * Strict, since it stands at a border: lines end in CRLF; exactly one Content-Length (or its compact form), which may be padded with blanks; no NUL and no
 * control bytes but HTAB in header lines (folding is allowed, and so is a control byte behind a backslash, of which sip/message.h sees whether it is
 * a quoted-pair). What breaks that ends the connection, after an answer where one is possible.
 */
#ifndef CW_SIP_FRAMING_H
#define CW_SIP_FRAMING_H

#include "core/str.h"

#define CW_SIP_HEADERS_MAX_BYTES 65536   /* start line and headers of one message */
#define CW_SIP_BODY_MAX_BYTES    1048576 /* body of one message */

enum cw_sip_frame_kind {
	CW_FRAME_MORE, /* nothing whole yet; `consumed` may still be above 0 (blank lines) */
	CW_FRAME_PING, /* CRLF CRLF where a message could begin (RFC 5626, 3.5.1): answer with one CRLF */
	CW_FRAME_MESSAGE, /* one message */
	CW_FRAME_BROKEN, /* not SIP, or a limit was passed: answer with `status` if it is not 0 (then `message` is the head), then close */
};

struct cw_sip_frame {
	enum cw_sip_frame_kind kind;
	size_t consumed; /* bytes of the input that are dealt with */
	struct cw_str
		message; /* start line, headers and body, in the input; BROKEN: as much of the head as came, for cw_sip_reply_build_raw, may be empty */
	size_t head_len; /* bytes of start line and headers, with the empty line */
	bool has_begun;  /* MORE: a message has begun; else there were blank lines at most */
	bool complete_head; /* MORE: the head is there and the body is awaited */
	unsigned status;    /* BROKEN: 400, 413, 513 or 0 */
	const char *reason; /* BROKEN: what is wrong, for the answer and the log; static */
};

/* What a framer remembers between calls; zeroed at the begin of a stream. Fields are private. */
struct cw_sip_framer {
	bool had_crlf;     /* a blank line was consumed: another one makes a ping */
	size_t line_start; /* of the line that has no end yet */
	size_t scanned;    /* bytes of the pending message that were looked at */
	size_t n_lengths;  /* Content-Length lines so far */
	size_t length_at;  /* where one of them begins */
	size_t head_len;   /* once the head is whole */
	size_t body_len;
};

/*
 * Look for the next message at the begin of `input` (all bytes of the stream not consumed yet). No byte is looked at twice, however small
 * the pieces are in which the input grows.
 */
void cw_sip_frame_next(struct cw_sip_framer *framer, struct cw_str input, struct cw_sip_frame *out);

#endif
