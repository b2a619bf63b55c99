/*
 * The alias of a request: scheme off, unreserved characters of the user part decoded, the rest as it stands.
 */
#include "dialplan/alias.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	c = cw_char_lower(c);
	return c >= 'a' && c <= 'z';
}

/* RFC 3261, 25.1: unreserved = alphanum / mark. */
static bool is_unreserved(char c)
{
	return is_digit(c) || is_alpha(c) || (c != '\0' && strchr("-_.!~*'()", c));
}

static int hex_value(char c)
{
	c = cw_char_lower(c);
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cw_alias_is_usable(struct cw_str text)
{
	if (text.len == 0 || text.len > CW_ALIAS_MAX)
		return false;
	return !memchr(text.p, '\0', text.len) && !memchr(text.p, '\r', text.len) &&
	       !memchr(text.p, '\n', text.len);
}

/* What cw_alias_is_usable found wrong, as an answer. */
static int check_usable(struct cw_str text)
{
	if (text.len > CW_ALIAS_MAX)
		return CW_ALIAS_E_LENGTH;
	return cw_alias_is_usable(text) ? 0 : CW_ALIAS_E_SYNTAX;
}

/* Whether `s` (what follows a colon) is a port number and then the end or what may follow a port. */
static bool begins_with_port(struct cw_str s)
{
	size_t n = 0;
	uint64_t port;

	while (n < s.len && is_digit(s.p[n]))
		n++;
	if (cw_str_to_u64(cw_str_make(s.p, n), UINT16_MAX, &port))
		return false;
	return n == s.len || s.p[n] == ';' || s.p[n] == '?';
}

static bool is_one_of(struct cw_str word, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cw_str_case_eq(word, cw_str_of(words[i])))
			return true;
	return false;
}

/*
 * Split the scheme off `uri`: what stands before the first colon, if it can be one. What a person types without a scheme has none:
 * `host:5061` is a host, except that what is known to be a scheme is never taken for one (`sip:5061`, `tel:911`).
 *
 * Returns: 0 with *rest set; CW_ALIAS_E_SCHEME.
 */
static int split_scheme(struct cw_str *scheme, struct cw_str *rest, struct cw_str uri)
{
	static const char *const routed[] = {"sip", "sips", "xmpp", "im", "pres"};
	static const char *const not_routed[] = {"tel"};
	struct cw_str word = {uri.p, 0};

	while (word.len < uri.len &&
		(is_alpha(uri.p[word.len]) || is_digit(uri.p[word.len]) ||
			(uri.p[word.len] != '\0' && strchr("+-.", uri.p[word.len]))))
		word.len++;
	*scheme = cw_str_make(uri.p, 0);
	*rest = uri;
	if (word.len == 0 || word.len == uri.len || uri.p[word.len] != ':' || !is_alpha(uri.p[0]))
		return 0;
	if (is_one_of(word, routed, sizeof(routed) / sizeof(routed[0]))) {
		*scheme = word;
		*rest = cw_str_from(uri, word.len + 1);
		return 0;
	}
	if (is_one_of(word, not_routed, sizeof(not_routed) / sizeof(not_routed[0])))
		return CW_ALIAS_E_SCHEME;
	return begins_with_port(cw_str_from(uri, word.len + 1)) ? 0 : CW_ALIAS_E_SCHEME;
}

/*
 * The byte that `s`, which is well encoded, begins with, decoded when it is an unreserved character; *used says how many bytes
 * it took.
 */
static char decode_first(struct cw_str s, size_t *used)
{
	char c = s.p[0] == '%' ? (char)(hex_value(s.p[1]) * 16 + hex_value(s.p[2])) : '\0';

	*used = is_unreserved(c) ? 3 : 1;
	return is_unreserved(c) ? c : s.p[0];
}

/* Whether every `%` begins an encoded byte. */
static bool is_well_encoded(struct cw_str s)
{
	size_t at;

	for (at = cw_str_find(s, '%'); at < s.len;
		at += 3 + cw_str_find(cw_str_from(s, at + 3), '%'))
		if (at + 2 >= s.len || hex_value(s.p[at + 1]) < 0 || hex_value(s.p[at + 2]) < 0)
			return false;
	return true;
}

/*
 * Decode the unreserved characters among the first `user_len` bytes of `in`. Malformed encoding is left alone as a whole: what is
 * decoded could make it well-formed (%4%42).
 */
static int decode_user(
	struct cw_str *out, struct cw_str in, size_t user_len, struct cw_arena *arena)
{
	struct cw_str user = {in.p, user_len};
	size_t at, used, n = 0;
	char *copy;

	*out = in;
	if (cw_str_find(user, '%') == user_len || !is_well_encoded(user))
		return 0;
	for (at = 0; at < user_len; at += used, n++)
		(void)decode_first(cw_str_from(user, at), &used);
	n += in.len - user_len;
	if (n == in.len)
		return 0;
	if (n > CW_ALIAS_MAX)
		return CW_ALIAS_E_LENGTH;
	copy = cw_arena_alloc(arena, n);
	if (!copy)
		return -ENOMEM;
	n = 0;
	for (at = 0; at < user_len; at += used)
		copy[n++] = decode_first(cw_str_from(user, at), &used);
	memcpy(copy + n, in.p + user_len, in.len - user_len);
	*out = cw_str_make(copy, n + in.len - user_len);
	return 0;
}

int cw_alias_prepare_jid(struct cw_str *out, struct cw_str jid)
{
	struct cw_str bare = {jid.p, cw_str_find(jid, '/')};
	int r = check_usable(bare);

	if (r)
		return r;
	*out = bare;
	return 0;
}

int cw_alias_prepare(struct cw_str *out, struct cw_str uri, struct cw_arena *arena)
{
	struct cw_str scheme, rest, alias;
	size_t user_len;
	int r = split_scheme(&scheme, &rest, uri);

	if (r)
		return r;
	if (cw_str_case_eq(scheme, cw_str_of("xmpp"))) {
		/* RFC 5122: `?` begins a query, and a resource is no part of an alias */
		rest.len = cw_str_find(rest, '?');
		rest.len = cw_str_find(rest, '/');
	}
	user_len = cw_str_find(rest, '@');
	r = decode_user(&alias, rest, user_len == rest.len ? 0 : user_len, arena);
	if (!r)
		r = check_usable(alias);
	if (r)
		return r;
	*out = alias;
	return 0;
}

/* What stands behind the user part, up to the parameters or headers: host and port. */
static struct cw_str host_port(struct cw_str alias)
{
	struct cw_str rest = alias;
	size_t n = cw_str_find(rest, '@');

	if (n < rest.len)
		rest = cw_str_from(rest, n + 1);
	rest.len = cw_str_find(rest, ';');
	rest.len = cw_str_find(rest, '?');
	for (n = cw_str_find(rest, '@'); n < rest.len; n = cw_str_find(rest, '@'))
		rest = cw_str_from(rest, n + 1);
	return rest;
}

struct cw_str cw_alias_host(struct cw_str alias)
{
	struct cw_str host = host_port(alias);
	size_t bracket = cw_str_find(host, ']');

	if (host.len && host.p[0] == '[' && bracket < host.len)
		host.len = bracket + 1;
	else
		host.len = cw_str_find(host, ':');
	return host;
}

bool cw_alias_is_ip(struct cw_str alias)
{
	struct cw_str authority = host_port(alias), host = cw_alias_host(alias), port;
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];
	int family = AF_INET;

	if (cw_str_find(alias, '@') < alias.len)
		return false;
	port = cw_str_from(authority, host.len);
	if (port.len && (port.p[0] != ':' || !begins_with_port(cw_str_from(port, 1))))
		return false;
	if (host.len > 2 && host.p[0] == '[') {
		family = AF_INET6;
		host = cw_str_make(host.p + 1, host.len - 2);
	}
	if (host.len == 0 || host.len >= sizeof(text) || memchr(host.p, '\0', host.len))
		return false;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	return inet_pton(family, text, address) == 1;
}
