/*
 * Scanning of SIP header values: what a token is, where quotes end, how lists and parameters are cut. For the files of sip/
 * only.
 *
 * Values come as they stand in the message: CR and LF occur in them only as folding (sip/framing.h sees to that), so both count
 * as blanks here. No function looks beyond its slice.
 */
#ifndef CW_SIP_LEX_H
#define CW_SIP_LEX_H

#include "core/str.h"

/* Whether `c` is a blank inside a header value: space, HTAB, or part of a fold. */
static inline bool cw_sip_is_blank(char c)
{
	return cw_char_is_space(c);
}

/* Classes of bytes; see lex.c. */
enum {
	CW_SIP_CHAR_TOKEN = 1, /* in a token (RFC 3261, 25.1) */
	CW_SIP_CHAR_VALUE = 2, /* in an unquoted parameter value: token, host, or base64 */
	CW_SIP_CHAR_CUTS = 4,  /* separates values or parameters, or begins what hides separators */
};

extern const unsigned char cw_sip_char_classes[256];

/* Whether `c` may stand in a token. */
static inline bool cw_sip_is_token_char(char c)
{
	return cw_sip_char_classes[(unsigned char)c] & CW_SIP_CHAR_TOKEN;
}

/* The place of the first byte of `s` at or behind `at` that may not stand in a token; s.len when there is none. */
static inline size_t cw_sip_skip_token(struct cw_str s, size_t at)
{
	while (at < s.len && cw_sip_is_token_char(s.p[at]))
		at++;
	return at;
}

/* Whether `s` is a token: not empty, token characters only. */
bool cw_sip_is_token(struct cw_str s);

/* The place of the first byte of `s` at or behind `at` that is no blank; s.len when there is none. */
static inline size_t cw_sip_skip_blanks(struct cw_str s, size_t at)
{
	while (at < s.len && cw_sip_is_blank(s.p[at]))
		at++;
	return at;
}

/* The place of the first control byte other than HTAB at or behind `at` (CR and LF are ones); s.len when there is none. */
size_t cw_sip_find_control(struct cw_str s, size_t at);

/* The place behind the quoted string that begins at `at` (a quote); s.len + 1 when it is never closed. */
size_t cw_sip_skip_quoted(struct cw_str s, size_t at);

/*
 * The next value of a comma list from *at on, without blanks around it; it is empty where nothing stands between commas.
 *
 * Commas within quotes and angle brackets cut nothing. *at is then behind the comma.
 *
 * Returns: whether there was one. An unclosed quote or bracket takes the rest in.
 */
bool cw_sip_list_next(struct cw_str list, size_t *at, struct cw_str *value);

/* One parameter of a list like ";lr;ttl=1". */
struct cw_sip_lex_param {
	struct cw_str name; /* empty where nothing stands between semicolons */
	struct cw_str
		value;  /* as written, with its quotes; empty: none, or nothing behind the '=' */
	bool has_value; /* there is a '=' */
	/*
	 * The name is a token, the value a quoted string or free of separators. It may be missing
	 * behind '=': Microsoft's servers write that.
	 */
	bool is_valid;
};

/* The next parameter from *at on, as cw_sip_list_next with semicolons. */
bool cw_sip_param_next(struct cw_str params, size_t *at, struct cw_sip_lex_param *out);

/* Find the parameter `name` (caseless) in `params`, and say whether it is there; as cw_sip_param, but with all of it. */
bool cw_sip_param_find(struct cw_str params, const char *name, struct cw_sip_lex_param *out);

/* A physical or folded header line, cut where a reader of raw bytes needs it. */
struct cw_sip_raw_line {
	struct cw_str name;  /* empty when no token stands before a colon */
	struct cw_str value; /* without blanks at its ends */
	struct cw_str whole; /* with its CRLF, continuation lines included */
};

/*
 * The next header line of `head` from *at on; lines end at LF, which need not stand behind a CR here.
 *
 * Returns: false at the empty line and at the end of `head`.
 */
bool cw_sip_line_next(struct cw_str head, size_t *at, struct cw_sip_raw_line *out);

#endif
