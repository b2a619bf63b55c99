#include "sip/variant.h"

#include "sip/address.h"
#include "sip/lex.h"

/* Bounds of what is read of a body; a body beyond them counts as one with media other than IM. */
#define BODY_MAX_BYTES  65536
#define MEDIA_LINES_MAX 64
#define PARTS_MAX       16
#define DEPTH_MAX       3

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a body offers. */
struct media {
	unsigned n_im, n_other; /* media lines */
	bool has_ms_codec;
	unsigned n_parts;
};

static bool contains(struct cw_str s, struct cw_str wanted)
{
	for (size_t i = 0; i + wanted.len <= s.len; i++)
		if (cw_str_case_starts(cw_str_from(s, i), wanted))
			return true;
	return false;
}

/* The next word of a line, blanks as separators. */
static struct cw_str take_word(struct cw_str *line)
{
	size_t begin = cw_sip_skip_blanks(*line, 0), end = begin;

	while (end < line->len && !cw_sip_is_blank(line->p[end]))
		end++;
	struct cw_str word = cw_str_make(line->p + begin, end - begin);

	*line = cw_str_from(*line, end);
	return word;
}

/* m=message 5060 sip null; OCS 2005: m=x-ms-message 5060 sip ... MSRP is m=message too, but over TCP/MSRP (RFC 4975). */
static bool is_im_media(struct cw_str line)
{
	struct cw_str kind = take_word(&line);

	if (cw_str_case_eq(kind, cw_str_of("x-ms-message")))
		return true;
	take_word(&line);
	return cw_str_case_eq(kind, cw_str_of("message")) &&
	       cw_str_case_eq(take_word(&line), cw_str_of("sip"));
}

static void read_sdp(struct media *media, struct cw_str sdp)
{
	static const struct cw_str media_line = CW_STR("m="), rtpmap = CW_STR("a=rtpmap:");

	for (size_t at = 0; at < sdp.len;) {
		size_t end = at + cw_str_find(cw_str_from(sdp, at), '\n');
		struct cw_str line = cw_str_make(sdp.p + at, end - at), codec;

		at = end + 1;
		if (cw_str_starts(line, media_line)) {
			if (is_im_media(cw_str_from(line, media_line.len)))
				media->n_im++;
			else
				media->n_other++;
			if (media->n_im + media->n_other > MEDIA_LINES_MAX) {
				media->n_other++;
				return;
			}
		} else if (cw_str_starts(line, rtpmap)) {
			take_word(&line);
			codec = take_word(&line);
			media->has_ms_codec |= cw_str_case_starts(codec, cw_str_of("x-ms"));
		}
	}
}

/* Whether the media type of a Content-Type value begins like that. */
static bool type_starts(struct cw_str content_type, const char *type)
{
	return cw_str_case_starts(content_type, cw_str_of(type));
}

/* The boundary of a multipart body; empty when there is none. */
static struct cw_str find_boundary(struct cw_str content_type)
{
	struct cw_str params = cw_str_from(content_type, cw_str_find(content_type, ';'));
	struct cw_str boundary;

	if (!cw_sip_param(params, "boundary", &boundary))
		return cw_str_make(NULL, 0);
	if (boundary.len >= 2 && boundary.p[0] == '"')
		boundary = cw_str_make(boundary.p + 1, boundary.len - 2);
	return boundary;
}

/* The place of the next line "--boundary" at or behind `at`; body.len when there is none. */
static size_t find_delimiter(struct cw_str body, size_t at, struct cw_str boundary)
{
	static const struct cw_str dashes = CW_STR("--");

	while (at < body.len) {
		struct cw_str rest = cw_str_from(body, at);

		if (cw_str_starts(rest, dashes) &&
			cw_str_starts(cw_str_from(rest, dashes.len), boundary))
			return at;
		at += cw_str_find(rest, '\n') + 1;
	}
	return body.len;
}

/* The Content-Type of a part, which is left with its content. */
static struct cw_str take_part_headers(struct cw_str *part)
{
	struct cw_str type = {NULL, 0};
	struct cw_sip_raw_line line;
	size_t at = 0;

	while (cw_sip_line_next(*part, &at, &line))
		if (cw_sip_header_id(line.name) == CW_HDR_CONTENT_TYPE)
			type = line.value;
	*part = cw_str_from(*part, at);
	return type;
}

static void read_body(struct media *media, struct cw_str type, struct cw_str body)
{
	/* Parts that are still to be read, innermost last: no recursion on a peer's behalf. */
	struct {
		struct cw_str body, boundary;
		size_t at;
	} levels[DEPTH_MAX];
	size_t depth = 0;

	for (;;) {
		if (type_starts(type, "application/sdp")) {
			read_sdp(media, body);
		} else if (type_starts(type, "multipart/")) {
			struct cw_str boundary = find_boundary(type);

			if (depth == DEPTH_MAX || boundary.len == 0) {
				media->n_other++;
				return;
			}
			levels[depth].body = body;
			levels[depth].boundary = boundary;
			levels[depth++].at = find_delimiter(body, 0, boundary);
		} else if (depth == 0) {
			media->n_other += body.len > 0; /* an invitation to something else */
		}

		while (depth > 0 && levels[depth - 1].at >= levels[depth - 1].body.len)
			depth--;
		if (depth == 0)
			return;
		if (++media->n_parts > PARTS_MAX) {
			media->n_other++;
			return;
		}

		struct cw_str whole = levels[depth - 1].body;
		size_t begin = levels[depth - 1].at;
		size_t content = begin + cw_str_find(cw_str_from(whole, begin), '\n') + 1;
		size_t end = content < whole.len
				     ? find_delimiter(whole, content, levels[depth - 1].boundary)
				     : whole.len;

		levels[depth - 1].at = end;
		body = cw_str_make(whole.p + content, content < end ? end - content : 0);
		type = take_part_headers(&body);
	}
}

static struct media read_media(const struct cw_sip_message *m)
{
	struct media media = {0};

	if (m->body.len > BODY_MAX_BYTES)
		media.n_other++;
	else
		read_body(&media, m->content_type, m->body);
	return media;
}

static bool is_presence(struct cw_str event)
{
	return cw_str_case_eq(event, cw_str_of("presence")) ||
	       cw_str_case_eq(event, cw_str_of("presence.wpending")) ||
	       cw_str_case_starts(event, cw_str_of("vnd-microsoft-"));
}

/* Lync's typing notice: <KeyboardActivity> within the first bytes of a small XML body. */
static bool is_typing(const struct cw_sip_message *m)
{
	static const size_t looked_at = 4096;
	struct cw_str begin = m->body;

	if (begin.len > looked_at)
		begin.len = looked_at;
	return type_starts(m->content_type, "application/xml") &&
	       contains(begin, cw_str_of("<KeyboardActivity"));
}

/* Whether a product of Microsoft's names itself: "UCCAPI/16.0 OC/16.0 (...)". */
static bool is_microsoft_agent(struct cw_str agent)
{
	static const struct cw_str products[] = {
		CW_STR("UCCAPI"), CW_STR("UCCP"), CW_STR("RTCC"), CW_STR("LCC"), CW_STR("OC/")};

	for (size_t i = 0; i < agent.len; i++) {
		if (i > 0 && !cw_sip_is_blank(agent.p[i - 1]) && agent.p[i - 1] != '(')
			continue;
		for (size_t k = 0; k < COUNT(products); k++)
			if (cw_str_case_starts(cw_str_from(agent, i), products[k]))
				return true;
	}
	return false;
}

static bool is_gruu(const struct cw_sip_uri *uri)
{
	struct cw_str opaque;

	return cw_sip_param(uri->params, "opaque", &opaque) &&
	       cw_str_case_starts(opaque, cw_str_of("user:epid"));
}

/* epid beside the tag, or a GRUU. */
static bool is_marked_address(const struct cw_sip_line *line)
{
	struct cw_sip_address address;
	struct cw_str epid;

	return line && cw_sip_address_parse(&address, line->value) == 0 &&
	       (cw_sip_param(address.params, "epid", &epid) || is_gruu(&address.uri));
}

static bool has_microsoft_mark(const struct cw_sip_message *m)
{
	static const struct cw_str prefix = CW_STR("ms-");
	static const enum cw_sip_header_id addresses[] = {CW_HDR_FROM, CW_HDR_TO, CW_HDR_CONTACT};

	if (is_gruu(&m->request_uri))
		return true;
	for (size_t i = 0; i < COUNT(addresses); i++)
		if (is_marked_address(cw_sip_message_find(m, addresses[i])))
			return true;
	for (size_t i = 0; i < m->n_lines; i++) {
		if (cw_str_case_starts(m->lines[i].name, prefix))
			return true;
		if (m->lines[i].id == CW_HDR_USER_AGENT && is_microsoft_agent(m->lines[i].value))
			return true;
	}
	return false;
}

/* Whether the shape of anything but an INVITE says instant messages or presence. */
static bool is_imp_shape(const struct cw_sip_message *m)
{
	if (m->method == CW_SIP_BENOTIFY || m->method == CW_SIP_MESSAGE)
		return true;
	if (m->method == CW_SIP_SUBSCRIBE || m->method == CW_SIP_NOTIFY ||
		m->method == CW_SIP_PUBLISH)
		return is_presence(m->event);
	return m->method == CW_SIP_INFO && is_typing(m);
}

enum cw_variant cw_sip_variant(const struct cw_sip_message *request)
{
	struct media media = {0};

	if (request->method == CW_SIP_ACK || request->method == CW_SIP_CANCEL)
		return CW_VARIANT_ANY;
	if (is_imp_shape(request))
		return CW_VARIANT_MS_IMP;
	if (request->method == CW_SIP_INVITE) {
		media = read_media(request);
		if (media.n_im > 0 && media.n_other == 0)
			return CW_VARIANT_MS_IMP;
		if (media.n_other > 0 && (media.has_ms_codec || has_microsoft_mark(request)))
			return CW_VARIANT_MS_AV;
	}
	if (request->to_tag.len > 0)
		return CW_VARIANT_ANY;
	return media.has_ms_codec || has_microsoft_mark(request) ? CW_VARIANT_MS_SIP
								 : CW_VARIANT_STANDARD;
}
