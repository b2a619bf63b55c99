#include "sip/start_line.h"

#include "sip/lex.h"
#include "sip/reject.h"

#include <errno.h>

/* Whether `s` is "SIP/" and a version number. */
static bool is_version(struct cw_str s)
{
	static const struct cw_str sip = CW_STR("SIP/");
	struct cw_str major, minor;
	uint64_t number;
	size_t dot;

	if (!cw_str_case_starts(s, sip))
		return false;
	s = cw_str_from(s, sip.len);
	dot = cw_str_find(s, '.');
	major = cw_str_make(s.p, dot);
	minor = cw_str_from(s, dot + 1);
	return cw_str_to_u64(major, UINT64_MAX, &number) != -EINVAL &&
	       cw_str_to_u64(minor, UINT64_MAX, &number) != -EINVAL;
}

static const struct cw_str sip_2_0 = CW_STR("SIP/2.0");

/* Whether percent-encoded NUL, CR or LF stand in `s`: nobody downstream should be tempted to decode them. */
static bool hides_control(struct cw_str s)
{
	static const struct cw_str hidden[] = {CW_STR("%00"), CW_STR("%0a"), CW_STR("%0d")};

	for (size_t at = cw_str_find(s, '%'); at + 3 <= s.len; at++)
		for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
			if (cw_str_case_eq(cw_str_make(s.p + at, 3), hidden[i]))
				return true;
	return false;
}

/* Whether the proxy could know what to do with a URI of that scheme. */
static bool is_known_scheme(const struct cw_sip_uri *uri)
{
	static const struct cw_str tel = CW_STR("tel");

	return uri->host.len > 0 || cw_str_case_eq(uri->scheme, tel);
}

static int parse_request_uri(
	struct cw_sip_message *m, struct cw_str text, struct cw_sip_reject *reject)
{
	struct cw_sip_uri *uri = &m->request_uri;

	if (text.len == 0 || cw_str_find(text, ' ') < text.len ||
		cw_str_find(text, '\t') < text.len)
		return cw_sip_reject_say(reject, 400, "Blanks in the request line");
	if (text.p[0] == '<')
		return cw_sip_reject_say(reject, 400, "Request-URI in angle brackets");
	if (cw_sip_uri_parse(uri, text))
		return cw_sip_reject_say(reject, 400, "Malformed Request-URI");
	if (!is_known_scheme(uri))
		return cw_sip_reject_say(reject, 416, "Unsupported URI Scheme");
	if (uri->headers.len > 0)
		return cw_sip_reject_say(reject, 400, "Headers in the Request-URI");
	if (hides_control(text))
		return cw_sip_reject_say(reject, 400, "Control character in the Request-URI");
	return 0;
}

/* Method SP Request-URI SP SIP-Version, single blanks only (RFC 3261, 7.1). */
static int parse_request_line(struct cw_sip_message *m, struct cw_sip_reject *reject)
{
	struct cw_str line = m->start_line, version;
	size_t first = cw_str_find(line, ' '), last = line.len;
	bool is_2_0;

	m->is_request = true;
	m->method_name = cw_str_make(line.p, first);
	m->method = cw_sip_method_find(m->method_name);
	if (!cw_sip_is_token(m->method_name))
		return cw_sip_reject_say(reject, 400, "Malformed method");
	while (last > first && line.p[last - 1] != ' ')
		last--;
	version = cw_str_from(line, last);
	is_2_0 = cw_str_case_eq(version, sip_2_0);
	if (last <= first + 1 || (!is_2_0 && !is_version(version)))
		return cw_sip_reject_say(reject, 400, "Malformed request line");
	if (!is_2_0)
		return cw_sip_reject_say(reject, 505, "Version Not Supported");
	return parse_request_uri(m, cw_str_make(line.p + first + 1, last - first - 2), reject);
}

/* SIP-Version SP Status-Code SP Reason-Phrase (RFC 3261, 7.2). */
static int parse_status_line(struct cw_sip_message *m, struct cw_sip_reject *reject)
{
	static const size_t version_len = 8, code_len = 3; /* with the blank behind it; without */
	struct cw_str line = m->start_line;
	uint64_t status;

	if (line.len < version_len + code_len + 1 || line.p[version_len - 1] != ' ' ||
		line.p[version_len + code_len] != ' ' ||
		cw_str_to_u64(cw_str_make(line.p + version_len, code_len), 699, &status) ||
		status < 100)
		return cw_sip_reject_say(reject, 400, "Malformed status line");
	m->status = (unsigned)status;
	m->phrase = cw_str_from(line, version_len + code_len + 1);
	return 0;
}

int cw_sip_start_line_parse(struct cw_sip_message *message, struct cw_sip_reject *reject)
{
	static const struct cw_str sip = CW_STR("SIP/");

	if (cw_str_case_starts(message->start_line, sip_2_0))
		return parse_status_line(message, reject);
	if (cw_str_case_starts(message->start_line, sip))
		return cw_sip_reject_say(reject, 505, "Version Not Supported");
	return parse_request_line(message, reject);
}
