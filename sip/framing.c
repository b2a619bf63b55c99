#include "sip/framing.h"

#include "sip/lex.h"

#include <errno.h>

static void broken(struct cw_sip_frame *out, struct cw_str s, unsigned status, const char *reason)
{
	struct cw_str head = cw_str_make(
		s.p, s.len < CW_SIP_HEADERS_MAX_BYTES ? s.len : CW_SIP_HEADERS_MAX_BYTES);
	size_t at = 0, last = 0;

	/* Whole lines, up to the empty one if it has come. */
	while (at < head.len) {
		size_t end = at + cw_str_find(cw_str_from(head, at), '\n');

		if (end == head.len)
			break;
		last = end + 1;
		if (end - at <= 1)
			break;
		at = end + 1;
	}
	out->kind = CW_FRAME_BROKEN;
	out->message = cw_str_make(head.p, last);
	out->head_len = last;
	out->status = status;
	out->reason = reason;
}

/* Whether the line from `begin` to the CR at `end` holds a control byte other than HTAB and what a backslash announces. */
static bool holds_control(struct cw_str s, size_t begin, size_t end)
{
	/* The CR is one too: none is looked for behind it. */
	size_t at = cw_sip_find_control(s, begin);

	for (; at < end; at = cw_sip_find_control(s, at + 1))
		if (s.p[at] == '\r' || at == begin || s.p[at - 1] != '\\')
			return true;
	return false;
}

/* Whether a start line could be one of SIP, so that it is worth an answer: "SIP/..." or "... SIP/...". */
static bool looks_like_sip(struct cw_str line)
{
	static const struct cw_str version = CW_STR("SIP/");

	for (size_t at = 0; at < line.len; at += cw_str_find(cw_str_from(line, at), ' ') + 1)
		if (cw_str_case_starts(cw_str_from(line, at), version))
			return true;
	return false;
}

static bool is_content_length(struct cw_str line)
{
	static const struct cw_str name = CW_STR("Content-Length"), compact = CW_STR("l");
	char first = line.len > 0 ? cw_char_lower(line.p[0]) : '\0';
	struct cw_str written;

	if (first != 'c' && first != 'l')
		return false;
	written = cw_str_trim(cw_str_make(line.p, cw_str_find(line, ':')));
	return cw_str_case_eq(written, name) || cw_str_case_eq(written, compact);
}

/*
 * Take note of the line that ends with the LF at `lf`; `clean`: its CR is the first control byte in it.
 *
 * Returns: NULL; or what is wrong with it, *status being what to answer.
 */
static const char *take_line(
	struct cw_sip_framer *f, struct cw_str s, size_t lf, bool clean, unsigned *status)
{
	size_t begin = f->line_start, end = lf - 1;
	struct cw_str line;

	*status = 400;
	if (lf == begin || s.p[end] != '\r')
		return "Line ends without CR";
	line = cw_str_make(s.p + begin, end - begin);
	if (begin == 0 && (!looks_like_sip(line) || (!clean && cw_sip_find_control(s, 0) < end))) {
		*status = 0;
		return "Not SIP";
	}
	if (begin > 0 && !clean && holds_control(s, begin, end))
		return "Control character in header";
	if (begin > 0 && is_content_length(line)) {
		f->n_lengths++;
		f->length_at = f->line_start;
	}
	return NULL;
}

/* The head is whole: read its Content-Length. */
static bool take_length(struct cw_sip_framer *f, struct cw_str s, struct cw_sip_frame *out)
{
	struct cw_sip_raw_line line;
	size_t at = f->length_at;
	uint64_t length;
	int r;

	if (f->n_lengths != 1) {
		broken(out, s, 400,
			f->n_lengths == 0 ? "Missing Content-Length"
					  : "More than one Content-Length");
		return false;
	}
	cw_sip_line_next(cw_str_make(s.p, f->head_len), &at, &line);
	r = cw_str_to_u64(line.value, CW_SIP_BODY_MAX_BYTES, &length);
	if (r) {
		if (r == -ERANGE)
			broken(out, s, 413, "Body too large");
		else
			broken(out, s, 400, "Malformed Content-Length");
		return false;
	}
	f->body_len = (size_t)length;
	return true;
}

/*
 * Whether the start line, whose end has not come yet, holds what no start line holds, in the bytes from `from` on. A stranger to the protocol is told apart
 * by its first bytes: it may never send an LF.
 */
static bool is_strange(struct cw_str s, size_t from)
{
	/* The last byte may be the CR of the line's end; then it is looked at next time. */
	size_t begin = from > 0 ? from - 1 : 0, end = s.p[s.len - 1] == '\r' ? s.len - 1 : s.len;

	return cw_sip_find_control(cw_str_make(s.p, end), begin) < end;
}

/*
 * The place of the LF that ends the line under way, s.len when it has not come. Nearly always the
 * first control byte in a line is its CR: then the line is `clean`.
 */
static size_t find_line_end(const struct cw_sip_framer *f, struct cw_str s, bool *clean)
{
	size_t control = cw_sip_find_control(s, f->scanned);

	if (control + 1 < s.len && s.p[control] == '\r' && s.p[control + 1] == '\n') {
		*clean = f->scanned == f->line_start;
		return control + 1;
	}
	*clean = false;
	return control + cw_str_find(cw_str_from(s, control), '\n');
}

/* Go on looking for the end of the head. Returns whether it is there; if not, out->kind says why. */
static bool scan_head(struct cw_sip_framer *f, struct cw_str s, struct cw_sip_frame *out)
{
	for (;;) {
		bool clean;
		size_t lf = find_line_end(f, s, &clean);
		const char *reason;
		unsigned status;

		if (f->line_start == 0 && lf == s.len && is_strange(s, f->scanned)) {
			broken(out, s, 0, "Not SIP");
			return false;
		}
		if (lf >= CW_SIP_HEADERS_MAX_BYTES) {
			broken(out, s, 513, "Headers too large");
			return false;
		}
		if (lf == s.len) {
			f->scanned = s.len;
			return false;
		}
		if (lf == f->line_start + 1 && s.p[f->line_start] == '\r') {
			f->head_len = lf + 1;
			return take_length(f, s, out);
		}
		reason = take_line(f, s, lf, clean, &status);
		if (reason) {
			broken(out, s, status, reason);
			return false;
		}
		f->line_start = f->scanned = lf + 1;
	}
}

/*
 * Skip blank lines before a message.
 *
 * Returns: whether something else follows, *at being its place; if not, `out` is complete.
 */
static bool skip_blank_lines(
	struct cw_sip_framer *f, struct cw_str input, size_t *at, struct cw_sip_frame *out)
{
	while (*at < input.len && (input.p[*at] == '\r' || input.p[*at] == '\n')) {
		if (input.p[*at] == '\r' && *at + 1 == input.len) {
			out->consumed = *at;
			return false;
		}
		if (input.p[*at] == '\n' || input.p[*at + 1] != '\n') {
			broken(out, cw_str_from(input, *at), 0, "Blank line without CRLF");
			out->consumed = input.len;
			return false;
		}
		*at += 2;
		f->had_crlf = !f->had_crlf;
		if (!f->had_crlf) {
			out->kind = CW_FRAME_PING;
			out->consumed = *at;
			return false;
		}
	}
	out->consumed = *at;
	return *at < input.len;
}

void cw_sip_frame_next(struct cw_sip_framer *framer, struct cw_str input, struct cw_sip_frame *out)
{
	size_t at = 0;
	struct cw_str s;

	*out = (struct cw_sip_frame){.kind = CW_FRAME_MORE};
	if (framer->scanned == 0 && !skip_blank_lines(framer, input, &at, out))
		return;
	framer->had_crlf = false;
	out->has_begun = true;
	s = cw_str_from(input, at);

	if (framer->head_len == 0 && !scan_head(framer, s, out)) {
		if (out->kind == CW_FRAME_BROKEN)
			out->consumed = input.len;
		return;
	}
	if (s.len - framer->head_len < framer->body_len) {
		out->complete_head = true;
		return;
	}
	out->kind = CW_FRAME_MESSAGE;
	out->message = cw_str_make(s.p, framer->head_len + framer->body_len);
	out->head_len = framer->head_len;
	out->consumed = at + out->message.len;
	*framer = (struct cw_sip_framer){0};
}
