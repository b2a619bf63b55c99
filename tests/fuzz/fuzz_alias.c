/* Any bytes as a Request-URI and as a JID: an alias that keeps its promises, or an answer. */
#include "dialplan/alias.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* What holds of every alias. */
static void check(struct cw_str alias)
{
	struct cw_str host = cw_alias_host(alias);

	require(cw_alias_is_usable(alias));
	require(host.len == 0 || (host.p >= alias.p && host.p + host.len <= alias.p + alias.len));
	require(cw_str_find(host, '@') == host.len && cw_str_find(host, ';') == host.len);
	if (cw_alias_is_ip(alias))
		require(host.len > 0 && cw_str_find(alias, '@') == alias.len);
}

/* An alias is as far decoded as it will be: preparing it again changes nothing. */
static void check_again(struct cw_str alias, struct cw_arena *arena)
{
	struct cw_str uri, again;

	require(cw_arena_printf(arena, &uri, "sip:%" CW_STR_FMT, CW_STR_ARG(alias)) == 0);
	require(cw_alias_prepare(&again, uri, arena) == 0 && cw_str_eq(again, alias));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_str in = {(const char *)data, size}, alias;
	struct cw_arena arena = {0};

	if (cw_alias_prepare(&alias, in, &arena) == 0) {
		check(alias);
		check_again(alias, &arena);
	}
	if (cw_alias_prepare_jid(&alias, in) == 0)
		check(alias);
	cw_arena_finish(&arena);
	return 0;
}
