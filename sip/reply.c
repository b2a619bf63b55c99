/* Messages of our own: answers, and the CANCEL and ACK that follow an INVITE. */
#include "sip/address.h"
#include "sip/lex.h"
#include "sip/rewrite.h"

#include <errno.h>

#define OUR_MAX_FORWARDS 70 /* RFC 3261, 8.1.1.6 */

static void add_status_line(struct cw_buf *out, const struct cw_sip_reply *reply)
{
	cw_buf_add(out, cw_str_of("SIP/2.0 "));
	cw_buf_add_number(out, reply->status);
	cw_buf_add_char(out, ' ');
	cw_buf_add(out,
		reply->phrase.len > 0 ? reply->phrase : cw_str_of(cw_sip_phrase(reply->status)));
	cw_buf_add(out, cw_str_of("\r\n"));
}

static void add_end(struct cw_buf *out, const struct cw_sip_reply *reply)
{
	cw_buf_add(out, reply->headers);
	cw_buf_add(out, cw_str_of("Content-Length: 0\r\n\r\n"));
}

/* The line as it stands, with the Via in it marked. */
static void add_marked_via(struct cw_buf *out, struct cw_str whole, const struct cw_sip_via *via,
	const struct cw_sip_reply *reply)
{
	const char *end = via->text.p + via->text.len;

	cw_buf_add(out, cw_str_make(whole.p, (size_t)(via->text.p - whole.p)));
	cw_sip_via_add_received(out, via, reply->received, reply->rport);
	cw_buf_add(out, cw_str_make(end, (size_t)(whole.p + whole.len - end)));
}

/* The To line, with our tag behind its value. */
static void add_tagged_to(struct cw_buf *out, struct cw_str whole, struct cw_str value,
	const struct cw_sip_reply *reply)
{
	if (reply->to_tag.len == 0 || reply->status == 100) {
		cw_buf_add(out, whole);
		return;
	}
	cw_buf_add(out, cw_str_make(whole.p, (size_t)(value.p + value.len - whole.p)));
	cw_buf_add(out, cw_str_of(";tag="));
	cw_buf_add(out, reply->to_tag);
	cw_buf_add(out, cw_str_of("\r\n"));
}

int cw_sip_reply_build(
	struct cw_buf *out, const struct cw_sip_message *request, const struct cw_sip_reply *reply)
{
	static const enum cw_sip_header_id copied[] = {
		CW_HDR_FROM, CW_HDR_TO, CW_HDR_CALL_ID, CW_HDR_CSEQ};

	add_status_line(out, reply);
	for (size_t i = 0; i < request->n_lines; i++) {
		const struct cw_sip_line *line = &request->lines[i];

		if (line->id != CW_HDR_VIA)
			continue;
		if (i == request->vias[0].line && reply->received.len > 0)
			add_marked_via(out, line->whole, &request->vias[0], reply);
		else
			cw_buf_add(out, line->whole);
	}
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
		const struct cw_sip_line *line = cw_sip_message_find(request, copied[i]);

		if (copied[i] == CW_HDR_TO && request->to_tag.len == 0)
			add_tagged_to(out, line->whole, line->value, reply);
		else
			cw_buf_add(out, line->whole);
	}
	add_end(out, reply);
	return out->error;
}

/* Whether a line can be sent back: CRLF at its end and in folds only, no control bytes. */
static bool is_clean(struct cw_str whole)
{
	for (size_t i = 0; i < whole.len; i++) {
		unsigned char c = (unsigned char)whole.p[i];

		if (c == '\r' ? i + 1 == whole.len || whole.p[i + 1] != '\n'
			      : c == '\n' && (i == 0 || whole.p[i - 1] != '\r'))
			return false;
		if (c == 0x7f || (c < 0x20 && !cw_sip_is_blank((char)c)))
			return false;
	}
	return whole.len > 2 && whole.p[whole.len - 1] == '\n';
}

/* The next line with that header that can be sent back. */
static bool next_line(
	struct cw_str head, size_t *at, enum cw_sip_header_id id, struct cw_sip_raw_line *line)
{
	while (cw_sip_line_next(head, at, line))
		if (cw_sip_header_id(line->name) == id && is_clean(line->whole))
			return true;
	return false;
}

static void add_raw_via(struct cw_buf *out, const struct cw_sip_raw_line *line, bool is_topmost,
	const struct cw_sip_reply *reply)
{
	struct cw_sip_via via;
	struct cw_str value;
	size_t at = 0;

	if (is_topmost && reply->received.len > 0 && cw_sip_list_next(line->value, &at, &value) &&
		cw_sip_via_parse(&via, value) == 0)
		add_marked_via(out, line->whole, &via, reply);
	else
		cw_buf_add(out, line->whole);
}

static void add_raw_to(
	struct cw_buf *out, const struct cw_sip_raw_line *line, const struct cw_sip_reply *reply)
{
	struct cw_sip_lex_param tag;
	struct cw_sip_address to;

	if (cw_sip_address_parse(&to, line->value) == 0 &&
		!cw_sip_param_find(to.params, "tag", &tag))
		add_tagged_to(out, line->whole, line->value, reply);
	else
		cw_buf_add(out, line->whole);
}

int cw_sip_reply_build_raw(struct cw_buf *out, struct cw_str head, const struct cw_sip_reply *reply)
{
	static const enum cw_sip_header_id copied[] = {
		CW_HDR_FROM, CW_HDR_TO, CW_HDR_CALL_ID, CW_HDR_CSEQ};
	size_t begin = cw_str_find(head, '\n') + 1, at = begin;
	struct cw_sip_raw_line line;
	bool is_topmost = true;

	if (!cw_sip_is_answerable(head) || !next_line(head, &at, CW_HDR_VIA, &line))
		return -EINVAL;
	add_status_line(out, reply);
	do {
		add_raw_via(out, &line, is_topmost, reply);
		is_topmost = false;
	} while (next_line(head, &at, CW_HDR_VIA, &line));

	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
		at = begin;
		if (!next_line(head, &at, copied[i], &line))
			continue;
		if (copied[i] == CW_HDR_TO)
			add_raw_to(out, &line, reply);
		else
			cw_buf_add(out, line.whole);
	}
	add_end(out, reply);
	return out->error;
}

/* The first line of a header in bytes of our own making. */
static struct cw_sip_raw_line sent_line(struct cw_str sent, enum cw_sip_header_id id)
{
	size_t at = cw_str_find(sent, '\n') + 1;
	struct cw_sip_raw_line line;

	if (next_line(sent, &at, id, &line))
		return line;
	return (struct cw_sip_raw_line){0};
}

static void add_routes(struct cw_buf *out, struct cw_str sent)
{
	size_t at = cw_str_find(sent, '\n') + 1;
	struct cw_sip_raw_line line;

	while (next_line(sent, &at, CW_HDR_ROUTE, &line))
		cw_buf_add(out, line.whole);
}

static size_t leading_digits(struct cw_str s)
{
	size_t n = 0;

	while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n;
}

int cw_sip_follow_up_build(
	struct cw_buf *out, struct cw_str sent, const struct cw_sip_message *response)
{
	static const struct cw_str invite = CW_STR("INVITE ");
	const char *method = response ? "ACK" : "CANCEL";
	struct cw_sip_raw_line cseq = sent_line(sent, CW_HDR_CSEQ),
			       via = sent_line(sent, CW_HDR_VIA);
	struct cw_str topmost = {0}, start_line = cw_str_make(sent.p, cw_str_find(sent, '\n') + 1);
	size_t at = 0;

	if (!cw_str_starts(sent, invite) || start_line.len > sent.len || via.value.len == 0)
		return -EINVAL;
	cw_sip_list_next(via.value, &at, &topmost);

	cw_buf_add(out, cw_str_of(method));
	cw_buf_add(out, cw_str_from(start_line, invite.len - 1));
	cw_buf_add(out, cw_str_of("Via: "));
	cw_buf_add(out, topmost);
	cw_buf_add(out, cw_str_of("\r\n"));
	add_routes(out, sent);
	cw_buf_printf(out, "Max-Forwards: %d\r\n", OUR_MAX_FORWARDS);
	cw_buf_add(out, sent_line(sent, CW_HDR_FROM).whole);
	cw_buf_add(out, response ? cw_sip_message_find(response, CW_HDR_TO)->whole
				 : sent_line(sent, CW_HDR_TO).whole);
	cw_buf_add(out, sent_line(sent, CW_HDR_CALL_ID).whole);
	cw_buf_add(out, cw_str_of("CSeq: "));
	cw_buf_add(out, cw_str_make(cseq.value.p, leading_digits(cseq.value)));
	cw_buf_printf(out, " %s\r\n", method);
	cw_buf_add(out, cw_str_of("Content-Length: 0\r\n\r\n"));
	return out->error;
}
