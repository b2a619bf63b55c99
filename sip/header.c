/* Names of headers and methods. */
#include "sip/message.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct header {
	struct cw_str name;
	char compact; /* NUL: none */
} headers[] = {
	[CW_HDR_OTHER] = {CW_STR(""), '\0'},
	[CW_HDR_CALL_ID] = {CW_STR("Call-ID"), 'i'},
	[CW_HDR_CONTACT] = {CW_STR("Contact"), 'm'},
	[CW_HDR_CONTENT_LENGTH] = {CW_STR("Content-Length"), 'l'},
	[CW_HDR_CONTENT_TYPE] = {CW_STR("Content-Type"), 'c'},
	[CW_HDR_CSEQ] = {CW_STR("CSeq"), '\0'},
	[CW_HDR_EVENT] = {CW_STR("Event"), 'o'},
	[CW_HDR_FROM] = {CW_STR("From"), 'f'},
	[CW_HDR_MAX_FORWARDS] = {CW_STR("Max-Forwards"), '\0'},
	[CW_HDR_MS_ASSERTED_VERIFICATION_LEVEL] = {CW_STR("ms-asserted-verification-level"), '\0'},
	[CW_HDR_MS_EDGE_PROXY_MESSAGE_TRUST] = {CW_STR("ms-edge-proxy-message-trust"), '\0'},
	[CW_HDR_MS_TEXT_FORMAT] = {CW_STR("ms-text-format"), '\0'},
	[CW_HDR_P_ASSERTED_IDENTITY] = {CW_STR("P-Asserted-Identity"), '\0'},
	[CW_HDR_P_PREFERRED_IDENTITY] = {CW_STR("P-Preferred-Identity"), '\0'},
	[CW_HDR_PROXY_REQUIRE] = {CW_STR("Proxy-Require"), '\0'},
	[CW_HDR_RECORD_ROUTE] = {CW_STR("Record-Route"), '\0'},
	[CW_HDR_REMOTE_PARTY_ID] = {CW_STR("Remote-Party-ID"), '\0'},
	[CW_HDR_ROUTE] = {CW_STR("Route"), '\0'},
	[CW_HDR_TO] = {CW_STR("To"), 't'},
	[CW_HDR_USER_AGENT] = {CW_STR("User-Agent"), '\0'},
	[CW_HDR_VIA] = {CW_STR("Via"), 'v'},
};
_Static_assert(COUNT(headers) == CW_HDR_COUNT, "a header without a name");

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
	[CW_SIP_OTHER] = CW_STR("OTHER"),
};

enum cw_sip_header_id cw_sip_header_id(struct cw_str name)
{
	char first = name.len > 0 ? cw_char_lower(name.p[0]) : '\0';

	for (size_t i = CW_HDR_OTHER + 1; i < COUNT(headers); i++) {
		const struct header *h = &headers[i];

		if (name.len == 1 ? first && first == h->compact
				  : name.len == h->name.len && cw_str_case_eq(name, h->name))
			return (enum cw_sip_header_id)i;
	}
	return CW_HDR_OTHER;
}

const char *cw_sip_header_name(enum cw_sip_header_id id)
{
	return headers[id].name.p;
}

enum cw_sip_method cw_sip_method_find(struct cw_str name)
{
	for (size_t i = 0; i < CW_SIP_OTHER; i++)
		if (cw_str_eq(name, methods[i]))
			return (enum cw_sip_method)i;
	return CW_SIP_OTHER;
}

const char *cw_sip_method_name(enum cw_sip_method method)
{
	return methods[method].p;
}

bool cw_sip_is_answerable(struct cw_str bytes)
{
	static const struct cw_str never[] = {CW_STR("SIP/"), CW_STR("ACK "), CW_STR("BENOTIFY ")};

	for (size_t i = 0; i < COUNT(never); i++)
		if (cw_str_case_starts(bytes, never[i]))
			return false;
	return true;
}
