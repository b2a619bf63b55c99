#include "sip/via.h"

#include "sip/lex.h"
#include "sip/uri.h"

#include <errno.h>

/* Read a token at *at and leave *at behind it and the blanks that follow. */
static struct cw_str take_token(struct cw_str value, size_t *at)
{
	size_t begin = *at, end = cw_sip_skip_token(value, begin);

	*at = cw_sip_skip_blanks(value, end);
	return cw_str_make(value.p + begin, end - begin);
}

static bool take_slash(struct cw_str value, size_t *at)
{
	if (*at >= value.len || value.p[*at] != '/')
		return false;
	*at = cw_sip_skip_blanks(value, *at + 1);
	return true;
}

/* Check all parameters and pick those that a proxy uses. Each of these may stand there once. */
static int take_params(struct cw_sip_via *via)
{
	static const struct cw_str branch = CW_STR("branch"), received = CW_STR("received"),
				   rport = CW_STR("rport");
	struct cw_sip_lex_param param;
	bool has_branch = false, has_received = false;
	size_t at = 0;

	while (cw_sip_param_next(via->params, &at, &param)) {
		bool *seen;

		if (!param.is_valid)
			return -EINVAL;
		if (cw_str_case_eq(param.name, branch)) {
			seen = &has_branch;
			via->branch = param.value;
		} else if (cw_str_case_eq(param.name, received)) {
			seen = &has_received;
			via->received = param.value;
		} else if (cw_str_case_eq(param.name, rport)) {
			seen = &via->has_rport;
		} else {
			continue;
		}
		if (*seen)
			return -EINVAL;
		*seen = true;
	}
	return 0;
}

int cw_sip_via_parse(struct cw_sip_via *out, struct cw_str value)
{
	struct cw_sip_via via = {.text = value};
	struct cw_str protocol, version;
	size_t at = 0, end;

	protocol = take_token(value, &at);
	if (protocol.len == 0 || !take_slash(value, &at))
		return -EINVAL;
	version = take_token(value, &at);
	if (version.len == 0 || !take_slash(value, &at))
		return -EINVAL;
	via.transport = take_token(value, &at);
	if (via.transport.len == 0 || at == 0 || !cw_sip_is_blank(value.p[at - 1]))
		return -EINVAL;
	if (cw_sip_hostport_parse(cw_str_from(value, at), true, &via.host, &via.port, &end))
		return -EINVAL;

	via.params = cw_str_trim(cw_str_from(value, at + end));
	if (via.params.len > 0 && (via.params.p[0] != ';' || take_params(&via)))
		return -EINVAL;
	*out = via;
	return 0;
}

void cw_sip_via_add_received(
	struct cw_buf *out, const struct cw_sip_via *via, struct cw_str host, uint16_t port)
{
	static const struct cw_str received = CW_STR("received"), rport = CW_STR("rport");
	const char *end = via->text.p + via->text.len, *copied = via->text.p;
	struct cw_sip_lex_param param;
	bool is_marked = false;
	size_t at = 0;

	while (cw_sip_param_next(via->params, &at, &param)) {
		bool is_received = cw_str_case_eq(param.name, received);

		if (!is_received && !cw_str_case_eq(param.name, rport))
			continue;
		cw_buf_add(out, cw_str_make(copied, (size_t)(param.name.p - copied)));
		copied = param.has_value ? param.value.p + param.value.len
					 : param.name.p + param.name.len;
		cw_buf_add(out, is_received ? received : rport);
		cw_buf_add_char(out, '=');
		if (is_received)
			cw_buf_add(out, host);
		else
			cw_buf_add_number(out, port);
		is_marked |= is_received;
	}
	cw_buf_add(out, cw_str_make(copied, (size_t)(end - copied)));
	if (!is_marked) {
		cw_buf_add(out, cw_str_of(";received="));
		cw_buf_add(out, host);
	}
}
