#include "sip/precheck.h"

#include "core/buf.h"
#include "sip/framing.h"

static const struct cw_str none = {NULL, 0};

/*
 * RFC 3261, 16.3, item 5: the options that we do not know, as the value of Unsupported. ms-benotify
 * is understood.
 */
static int find_unsupported(
	struct cw_str *out, const struct cw_sip_message *m, struct cw_arena *arena)
{
	static const struct cw_str known = CW_STR("ms-benotify");
	struct cw_buf options;
	int r;

	cw_buf_init(&options, CW_SIP_HEADERS_MAX_BYTES);
	for (size_t i = 0; i < m->n_lines; i++) {
		struct cw_str rest = m->lines[i].value;

		if (m->lines[i].id != CW_HDR_PROXY_REQUIRE)
			continue;
		while (rest.len) {
			size_t comma = cw_str_find(rest, ',');
			struct cw_str option = cw_str_trim(cw_str_make(rest.p, comma));

			rest = cw_str_from(rest, comma + 1);
			if (!option.len || cw_str_case_eq(option, known))
				continue;
			cw_buf_add(&options, cw_str_of(options.len ? ", " : ""));
			cw_buf_add(&options, option);
		}
	}
	r = options.error ? options.error : cw_arena_str(arena, cw_buf_str(&options), out);
	cw_buf_finish(&options);
	return r;
}

static struct cw_sip_refusal check_proxy_require(
	const struct cw_sip_message *m, struct cw_arena *arena)
{
	struct cw_str options = none, headers = none;

	if (!cw_sip_message_find(m, CW_HDR_PROXY_REQUIRE))
		return (struct cw_sip_refusal){0};
	if (find_unsupported(&options, m, arena))
		return (struct cw_sip_refusal){500, CW_STR("Out of memory"), none};
	if (options.len == 0)
		return (struct cw_sip_refusal){0};
	if (cw_arena_printf(
		    arena, &headers, "Unsupported: %" CW_STR_FMT "\r\n", CW_STR_ARG(options)))
		headers = none;
	return (struct cw_sip_refusal){420, CW_STR("Bad Extension"), headers};
}

struct cw_sip_refusal cw_sip_precheck(
	const struct cw_sip_message *request, bool ends_here, struct cw_arena *arena)
{
	/* Compression is hop by hop, whatever Max-Forwards says. */
	if (request->method == CW_SIP_NEGOTIATE)
		return (struct cw_sip_refusal){405, CW_STR("Compression is not offered"),
			CW_STR("Allow: INVITE, ACK, "
			       "CANCEL, BYE, MESSAGE, INFO, SUBSCRIBE, NOTIFY, BENOTIFY, PUBLISH, "
			       "OPTIONS\r\n")};
	if (request->max_forwards == 0 && !ends_here)
		return (struct cw_sip_refusal){483, CW_STR("Too many hops"), none};
	return check_proxy_require(request, arena);
}
