#include "sip/uri.h"

#include "sip/lex.h"

#include <arpa/inet.h>
#include <errno.h>

/* Bits say where a byte may stand unescaped. */
enum {
	IN_USER = 1,
	IN_PASSWORD = 2,
	IN_PARAM = 4, /* with the separators ; and = */
	IN_HOST = 8,
	IN_HEADER = 16, /* with the separators & and = */
	IN_ANY = 32,    /* of a URI that we do not know */
};

#define ALNUM      (IN_USER | IN_PASSWORD | IN_PARAM | IN_HOST | IN_HEADER | IN_ANY)
#define UNRESERVED (ALNUM & ~IN_HOST)

static const unsigned char classes[256] = {
	['!'] = UNRESERVED,
	['#'] = IN_ANY,
	['$'] = UNRESERVED,
	['&'] = IN_USER | IN_PASSWORD | IN_PARAM | IN_HEADER | IN_ANY,
	['\''] = UNRESERVED,
	['('] = UNRESERVED,
	[')'] = UNRESERVED,
	['*'] = UNRESERVED,
	['+'] = UNRESERVED,
	[','] = IN_USER | IN_PASSWORD | IN_ANY,
	['-'] = ALNUM,
	['.'] = ALNUM,
	['/'] = IN_USER | IN_PARAM | IN_HEADER | IN_ANY,
	['0'] = ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	[':'] = IN_PARAM | IN_HEADER | IN_ANY,
	[';'] = IN_USER | IN_PARAM | IN_ANY,
	['='] = IN_USER | IN_PASSWORD | IN_PARAM | IN_HEADER | IN_ANY,
	['?'] = IN_USER | IN_HEADER | IN_ANY,
	['@'] = IN_ANY,
	['A'] = ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	['['] = IN_PARAM | IN_HEADER | IN_ANY,
	[']'] = IN_PARAM | IN_HEADER | IN_ANY,
	['_'] = ALNUM, /* no host name by RFC 1123, but inside company networks there are such */
	['a'] = ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	ALNUM,
	['~'] = UNRESERVED,
};

static bool is_hex(char c)
{
	c = cw_char_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Whether `s` holds bytes of that class and whole percent-encodings only. */
static bool all_of(struct cw_str s, unsigned char class)
{
	for (size_t i = 0; i < s.len; i++) {
		if (classes[(unsigned char)s.p[i]] & class)
			continue;
		if (class == IN_HOST || s.p[i] != '%' || s.len - i < 3 || !is_hex(s.p[i + 1]) ||
			!is_hex(s.p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* `s` holds the address with its brackets. */
static bool is_ipv6_reference(struct cw_str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.len < 4 || s.len - 2 >= sizeof(text))
		return false;
	memcpy(text, s.p + 1, s.len - 2);
	text[s.len - 2] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

/* The place behind the host at the begin of `s`; 0: there is none. */
static size_t host_end(struct cw_str s)
{
	size_t end = 0;

	if (s.len > 0 && s.p[0] == '[') {
		end = cw_str_find(s, ']');
		return end < s.len && is_ipv6_reference(cw_str_make(s.p, end + 1)) ? end + 1 : 0;
	}
	while (end < s.len && classes[(unsigned char)s.p[end]] & IN_HOST)
		end++;
	if (end > 0 && (s.p[0] == '.' || s.p[0] == '-'))
		return 0;
	return end;
}

int cw_sip_hostport_parse(
	struct cw_str text, bool blanks, struct cw_str *host, uint16_t *port, size_t *end)
{
	size_t host_len = host_end(text), at = host_len;
	unsigned number = 0;

	if (host_len == 0)
		return -EINVAL;
	if (blanks)
		at = cw_sip_skip_blanks(text, at);
	if (at < text.len && text.p[at] == ':') {
		at++;
		if (blanks)
			at = cw_sip_skip_blanks(text, at);
		for (; at < text.len && text.p[at] >= '0' && text.p[at] <= '9'; at++)
			if (number <= UINT16_MAX)
				number = number * 10 + (unsigned)(text.p[at] - '0');
		if (number == 0 || number > UINT16_MAX)
			return -EINVAL;
	} else {
		at = host_len;
	}
	*host = cw_str_make(text.p, host_len);
	*port = (uint16_t)number;
	*end = at;
	return 0;
}

/* The place of the colon behind a scheme; 0: there is none. */
static size_t scheme_end(struct cw_str text)
{
	size_t at = 0;

	while (at < text.len && text.p[at] != ':') {
		char c = cw_char_lower(text.p[at]);
		bool letter = c >= 'a' && c <= 'z';
		bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';

		if (!letter && (at == 0 || !other))
			return 0;
		at++;
	}
	return at < text.len ? at : 0;
}

/* Whether URIs of that scheme are user@host. */
static bool has_host(struct cw_str scheme)
{
	static const struct cw_str schemes[] = {
		CW_STR("sip"), CW_STR("sips"), CW_STR("im"), CW_STR("pres"), CW_STR("xmpp")};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (cw_str_case_eq(scheme, schemes[i]))
			return true;
	return false;
}

/* Read what stands before the '@' of *rest, if there is one, and leave what is behind it. */
static int parse_user(struct cw_sip_uri *uri, struct cw_str *rest)
{
	size_t at = cw_str_find(*rest, '@'), colon;
	struct cw_str info = cw_str_make(rest->p, at);

	if (at == rest->len)
		return 0;
	colon = cw_str_find(info, ':');
	uri->user = cw_str_make(info.p, colon);
	if (uri->user.len == 0 || !all_of(uri->user, IN_USER) ||
		!all_of(cw_str_from(info, colon + 1), IN_PASSWORD))
		return -EINVAL;
	*rest = cw_str_from(*rest, at + 1);
	return 0;
}

/* Whether nothing stands before, between or behind two semicolons. */
static bool has_empty_param(struct cw_str params)
{
	for (size_t i = 0; i <= params.len; i++)
		if ((i == params.len || params.p[i] == ';') && (i == 0 || params.p[i - 1] == ';'))
			return true;
	return false;
}

int cw_sip_uri_parse(struct cw_sip_uri *out, struct cw_str text)
{
	struct cw_sip_uri uri = {.text = text};
	size_t colon = scheme_end(text), end, question;
	struct cw_str rest;

	if (colon == 0)
		return -EINVAL;
	uri.scheme = cw_str_make(text.p, colon);
	rest = cw_str_from(text, colon + 1);
	if (!has_host(uri.scheme)) {
		if (rest.len == 0 || !all_of(rest, IN_ANY))
			return -EINVAL;
		*out = uri;
		return 0;
	}

	if (parse_user(&uri, &rest) ||
		cw_sip_hostport_parse(rest, false, &uri.host, &uri.port, &end))
		return -EINVAL;
	rest = cw_str_from(rest, end);
	question = cw_str_find(rest, '?');
	uri.headers = cw_str_from(rest, question + 1);
	if (question < rest.len && uri.headers.len == 0)
		return -EINVAL;
	rest.len = question;
	uri.params = cw_str_from(rest, 1);
	if (rest.len > 0 && (rest.p[0] != ';' || has_empty_param(uri.params)))
		return -EINVAL;
	if (!all_of(uri.params, IN_PARAM) || !all_of(uri.headers, IN_HEADER))
		return -EINVAL;
	*out = uri;
	return 0;
}

bool cw_sip_param(struct cw_str params, const char *name, struct cw_str *value)
{
	struct cw_sip_lex_param param;

	if (!cw_sip_param_find(params, name, &param))
		return false;
	*value = param.value;
	return true;
}
