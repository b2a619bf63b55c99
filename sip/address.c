#include "sip/address.h"

#include "sip/lex.h"

#include <errno.h>

/* The place behind the display name; the name is empty where the URI begins at once. */
static size_t skip_display_name(struct cw_str value)
{
	size_t at = 0;

	if (value.len > 0 && value.p[0] == '"')
		return cw_sip_skip_blanks(value, cw_sip_skip_quoted(value, 0));
	while (at < value.len &&
		(cw_sip_is_token_char(value.p[at]) || cw_sip_is_blank(value.p[at])))
		at++;
	return at;
}

/* Check all parameters and pick the tag. */
static int take_params(struct cw_sip_address *address)
{
	static const struct cw_str tag = CW_STR("tag");
	struct cw_sip_lex_param param;
	size_t at = 0;

	while (cw_sip_param_next(address->params, &at, &param)) {
		if (!param.is_valid)
			return -EINVAL;
		if (cw_str_case_eq(param.name, tag)) {
			address->tag = param.value;
			address->n_tags++;
		}
	}
	return 0;
}

int cw_sip_address_parse(struct cw_sip_address *out, struct cw_str value)
{
	struct cw_sip_address address = {0};
	size_t at = skip_display_name(value), end;
	struct cw_str rest;

	if (at < value.len && value.p[at] == '<') {
		rest = cw_str_from(value, at + 1);
		end = cw_str_find(rest, '>');
		if (end == rest.len || cw_sip_uri_parse(&address.uri, cw_str_make(rest.p, end)))
			return -EINVAL;
		rest = cw_str_from(rest, end + 1);
		address.bracketed = true;
	} else {
		end = 0;
		while (end < value.len && value.p[end] != ';' && !cw_sip_is_blank(value.p[end])) {
			if (value.p[end] == ',' || value.p[end] == '?')
				return -EINVAL;
			end++;
		}
		if (cw_sip_uri_parse(&address.uri, cw_str_make(value.p, end)))
			return -EINVAL;
		rest = cw_str_from(value, end);
	}

	address.params = cw_str_trim(rest);
	if (address.params.len > 0 && (address.params.p[0] != ';' || take_params(&address)))
		return -EINVAL;
	*out = address;
	return 0;
}
