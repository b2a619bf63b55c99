/* Names of headers and methods. */
#include "sip/message.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LETTERS      26

/* In alphabetical order, so that those with the same first letter are neighbors. */
static const struct cw_str headers[] = {
	[CW_HDR_OTHER] = CW_STR(""),
	[CW_HDR_CALL_ID] = CW_STR("Call-ID"),
	[CW_HDR_CONTACT] = CW_STR("Contact"),
	[CW_HDR_CONTENT_LENGTH] = CW_STR("Content-Length"),
	[CW_HDR_CONTENT_TYPE] = CW_STR("Content-Type"),
	[CW_HDR_CSEQ] = CW_STR("CSeq"),
	[CW_HDR_EVENT] = CW_STR("Event"),
	[CW_HDR_FROM] = CW_STR("From"),
	[CW_HDR_MAX_FORWARDS] = CW_STR("Max-Forwards"),
	[CW_HDR_MS_ASSERTED_VERIFICATION_LEVEL] = CW_STR("ms-asserted-verification-level"),
	[CW_HDR_MS_EDGE_PROXY_MESSAGE_TRUST] = CW_STR("ms-edge-proxy-message-trust"),
	[CW_HDR_MS_TEXT_FORMAT] = CW_STR("ms-text-format"),
	[CW_HDR_P_ASSERTED_IDENTITY] = CW_STR("P-Asserted-Identity"),
	[CW_HDR_P_PREFERRED_IDENTITY] = CW_STR("P-Preferred-Identity"),
	[CW_HDR_PROXY_REQUIRE] = CW_STR("Proxy-Require"),
	[CW_HDR_RECORD_ROUTE] = CW_STR("Record-Route"),
	[CW_HDR_REMOTE_PARTY_ID] = CW_STR("Remote-Party-ID"),
	[CW_HDR_ROUTE] = CW_STR("Route"),
	[CW_HDR_TO] = CW_STR("To"),
	[CW_HDR_USER_AGENT] = CW_STR("User-Agent"),
	[CW_HDR_VIA] = CW_STR("Via"),
};
_Static_assert(COUNT(headers) == CW_HDR_COUNT, "a header without a name");

/* The first and the last name that begin with a letter; CW_HDR_OTHER: none does. */
static const struct range {
	enum cw_sip_header_id first, last;
} by_letter[LETTERS] = {
	['c' - 'a'] = {CW_HDR_CALL_ID, CW_HDR_CSEQ},
	['e' - 'a'] = {CW_HDR_EVENT, CW_HDR_EVENT},
	['f' - 'a'] = {CW_HDR_FROM, CW_HDR_FROM},
	['m' - 'a'] = {CW_HDR_MAX_FORWARDS, CW_HDR_MS_TEXT_FORMAT},
	['p' - 'a'] = {CW_HDR_P_ASSERTED_IDENTITY, CW_HDR_PROXY_REQUIRE},
	['r' - 'a'] = {CW_HDR_RECORD_ROUTE, CW_HDR_ROUTE},
	['t' - 'a'] = {CW_HDR_TO, CW_HDR_TO},
	['u' - 'a'] = {CW_HDR_USER_AGENT, CW_HDR_USER_AGENT},
	['v' - 'a'] = {CW_HDR_VIA, CW_HDR_VIA},
};

static const enum cw_sip_header_id by_compact_name[LETTERS] = {
	['c' - 'a'] = CW_HDR_CONTENT_TYPE,
	['f' - 'a'] = CW_HDR_FROM,
	['i' - 'a'] = CW_HDR_CALL_ID,
	['l' - 'a'] = CW_HDR_CONTENT_LENGTH,
	['m' - 'a'] = CW_HDR_CONTACT,
	['o' - 'a'] = CW_HDR_EVENT,
	['t' - 'a'] = CW_HDR_TO,
	['v' - 'a'] = CW_HDR_VIA,
};

static const struct cw_str methods[] = {
	[CW_SIP_INVITE] = CW_STR("INVITE"),
	[CW_SIP_ACK] = CW_STR("ACK"),
	[CW_SIP_CANCEL] = CW_STR("CANCEL"),
	[CW_SIP_BYE] = CW_STR("BYE"),
	[CW_SIP_MESSAGE] = CW_STR("MESSAGE"),
	[CW_SIP_INFO] = CW_STR("INFO"),
	[CW_SIP_SUBSCRIBE] = CW_STR("SUBSCRIBE"),
	[CW_SIP_NOTIFY] = CW_STR("NOTIFY"),
	[CW_SIP_BENOTIFY] = CW_STR("BENOTIFY"),
	[CW_SIP_PUBLISH] = CW_STR("PUBLISH"),
	[CW_SIP_OPTIONS] = CW_STR("OPTIONS"),
	[CW_SIP_REGISTER] = CW_STR("REGISTER"),
	[CW_SIP_NEGOTIATE] = CW_STR("NEGOTIATE"),
};
_Static_assert(COUNT(methods) == CW_SIP_OTHER, "a method without a name");

enum cw_sip_header_id cw_sip_header_id(struct cw_str name)
{
	char first = name.len > 0 ? cw_char_lower(name.p[0]) : '\0';
	const struct range *range;

	if (first < 'a' || first > 'z')
		return CW_HDR_OTHER;
	if (name.len == 1)
		return by_compact_name[first - 'a'];
	range = &by_letter[first - 'a'];
	for (enum cw_sip_header_id id = range->first; id <= range->last; id++)
		if (cw_str_case_eq(name, headers[id]))
			return id;
	return CW_HDR_OTHER;
}

const char *cw_sip_header_name(enum cw_sip_header_id id)
{
	return headers[id].p;
}

enum cw_sip_method cw_sip_method_find(struct cw_str name)
{
	for (size_t i = 0; i < COUNT(methods); i++)
		if (cw_str_eq(name, methods[i]))
			return (enum cw_sip_method)i;
	return CW_SIP_OTHER;
}

bool cw_sip_is_answerable(struct cw_str bytes)
{
	static const struct cw_str never[] = {CW_STR("SIP/"), CW_STR("ACK "), CW_STR("BENOTIFY ")};

	for (size_t i = 0; i < COUNT(never); i++)
		if (cw_str_case_starts(bytes, never[i]))
			return false;
	return true;
}
