/* Any bytes as a JID and as a domain: malformed, or prepared within its bounds, and then prepared for good. */
#include "xmpp/jid.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* What everybody who looks a domain up relies on. */
static void check_domain(struct cw_str domain)
{
	require(domain.len > 0 && domain.len <= CW_JID_DOMAIN_MAX);
	require(domain.p[0] != '.' && domain.p[domain.len - 1] != '.');
	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.p[i];

		require((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
	}
}

static void check_jid(const struct cw_jid *jid, struct cw_arena *arena)
{
	const struct cw_str parts[] = {jid->local, {"@", jid->local.len > 0}, jid->domain,
		{"/", jid->resource.len > 0}, jid->resource};
	struct cw_jid again;
	struct cw_str text;

	require(jid->local.len <= CW_JID_PART_MAX && jid->resource.len <= CW_JID_PART_MAX);
	require(cw_str_find(jid->local, '@') == jid->local.len);
	require(cw_str_find(jid->local, '/') == jid->local.len);
	check_domain(jid->domain);

	require(cw_arena_join(arena, &text, parts, sizeof(parts) / sizeof(parts[0])) == 0);
	require(cw_jid_prepare(&again, text, arena) == 0);
	require(cw_str_eq(again.local, jid->local));
	require(cw_str_eq(again.domain, jid->domain));
	require(cw_str_eq(again.resource, jid->resource));
}

/* A domain alone is prepared as within a JID. */
static void check_raw(const struct cw_jid *jid, struct cw_str text, struct cw_arena *arena)
{
	struct cw_str domain;

	require(cw_jid_prepare_domain(&domain, cw_jid_raw_domain(text), arena) == 0);
	require(cw_str_eq(domain, jid->domain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_str text = {(const char *)data, size}, domain;
	struct cw_arena arena = {0};
	struct cw_jid jid;

	if (cw_jid_prepare(&jid, text, &arena) == 0) {
		check_jid(&jid, &arena);
		check_raw(&jid, text, &arena);
	}
	if (cw_jid_prepare_domain(&domain, text, &arena) == 0)
		check_domain(domain);
	cw_arena_finish(&arena);
	return 0;
}
