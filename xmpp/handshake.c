#include "xmpp/handshake.h"

#include "certs/digest.h"
#include "xmpp/escape.h"

void cw_xmpp_handshake_write_header(struct cw_buf *out, struct cw_str name)
{
	cw_buf_add(out, cw_str_of("<?xml version='1.0'?><stream:stream xmlns='" CW_XMPP_NS_COMPONENT
				  "' xmlns:stream='" CW_XMPP_NS_STREAMS
				  "' xmlns:db='" CW_XMPP_NS_DIALBACK "'"));
	cw_xmpp_escape_attribute(out, "to", name);
	cw_buf_add_char(out, '>');
}

int cw_xmpp_handshake_write(struct cw_buf *out, struct cw_str stream_id, struct cw_str secret)
{
	const struct cw_str parts[] = {stream_id, secret};
	uint8_t hash[CW_SHA1_BYTES];
	int r;

	if (stream_id.len == 0)
		return CW_XMPP_HANDSHAKE_E_NO_ID;
	r = cw_sha1(parts, sizeof(parts) / sizeof(parts[0]), hash);
	if (r)
		return r;
	cw_buf_add(out, cw_str_of("<handshake>"));
	for (size_t i = 0; i < sizeof(hash); i++)
		cw_buf_printf(out, "%02x", hash[i]);
	cw_buf_add(out, cw_str_of("</handshake>"));
	return 0;
}

/* The defined condition of a stream error (RFC 6120, 4.9.2); a text may stand beside it. */
static struct cw_str condition_of(const struct cw_xmpp_element *error)
{
	for (const struct cw_xmpp_element *c = error->children; c; c = c->next) {
		if (cw_str_eq(c->ns, cw_str_of(CW_XMPP_NS_STREAM_ERRORS)) &&
			!cw_str_eq(c->name, cw_str_of("text")))
			return c->name;
	}
	return (struct cw_str){NULL, 0};
}

int cw_xmpp_handshake_read(struct cw_str *condition, const struct cw_xmpp_element *e)
{
	if (cw_xmpp_element_is(e, CW_XMPP_NS_COMPONENT, "handshake"))
		return 0;
	if (!cw_xmpp_element_is(e, CW_XMPP_NS_STREAMS, "error"))
		return CW_XMPP_HANDSHAKE_E_UNEXPECTED;
	*condition = condition_of(e);
	return CW_XMPP_HANDSHAKE_E_REFUSED;
}

const char *cw_xmpp_handshake_problem(struct cw_str condition)
{
	static const struct {
		struct cw_str condition;
		const char *problem;
	} problems[] = {
		{CW_STR("conflict"), "the component is connected to the server already"},
		{CW_STR("host-unknown"), "the server does not know the component"},
		{CW_STR("not-authorized"), "the server does not take the component's secret"},
	};

	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		if (cw_str_eq(condition, problems[i].condition))
			return problems[i].problem;
	}
	return "the server refuses the component";
}
