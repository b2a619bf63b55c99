/* JIDs: what is plain ASCII is looked at here, all else is ICU's. */
#include "xmpp/jid.h"

#include <unicode/uidna.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <errno.h>

#define LABEL_MAX 63 /* bytes of one part of a domain (RFC 1035, 2.3.4) */

/* Where the parts of a JID are, as they stand (RFC 7622, 3.1). A separator with nothing beside it is there, too. */
struct split {
	struct cw_str local, domain, resource;
	bool has_local, has_resource;
};

static struct split split(struct cw_str text)
{
	struct cw_str bare = cw_str_make(text.p, cw_str_find(text, '/'));
	size_t at = cw_str_find(bare, '@');
	struct split s = {
		.domain = bare,
		.resource = cw_str_from(text, bare.len + 1),
		.has_local = at < bare.len,
		.has_resource = bare.len < text.len,
	};

	if (s.has_local) {
		s.local = cw_str_make(bare.p, at);
		s.domain = cw_str_from(bare, at + 1);
	}
	return s;
}

struct cw_str cw_jid_raw_domain(struct cw_str text)
{
	return split(text).domain;
}

static int failure_of(UErrorCode status)
{
	return status == U_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EIO;
}

/* ---- domains ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether a label is as ICU would leave it. Two hyphens, third and fourth, begin an A-label or nothing good: ICU judges. */
static bool is_plain_label(struct cw_str label)
{
	if (label.len == 0 || label.len > LABEL_MAX || label.p[0] == '-' ||
		label.p[label.len - 1] == '-')
		return false;
	if (label.len >= 4 && label.p[2] == '-' && label.p[3] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.p[i];

		if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-')
			return false;
	}
	return true;
}

static bool is_plain_domain(struct cw_str domain)
{
	for (;;) {
		size_t dot = cw_str_find(domain, '.');

		if (!is_plain_label(cw_str_make(domain.p, dot)))
			return false;
		if (dot == domain.len)
			return true;
		domain = cw_str_from(domain, dot + 1);
	}
}

/* Whether the last label is a number, as that of no name and of every IPv4 address is. (IPv6 has bytes that names have not.) */
static bool is_address(struct cw_str domain)
{
	size_t i = domain.len;

	while (i > 0 && is_digit(domain.p[i - 1]))
		i--;
	return i < domain.len && (i == 0 || domain.p[i - 1] == '.');
}

/* The one instance of ICU's IDNA; it is never closed. */
static int open_idna(const UIDNA **out)
{
	static UIDNA *idna;
	UErrorCode status = U_ZERO_ERROR;

	if (!idna)
		idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI |
					       UIDNA_CHECK_CONTEXTJ |
					       UIDNA_NONTRANSITIONAL_TO_ASCII,
			&status);
	*out = idna;
	return idna ? 0 : failure_of(status);
}

/* What ICU makes of a domain, in `room`. It may have put dots where there were none, one at the end among them. */
static int to_ascii(
	struct cw_str *out, struct cw_str domain, char room[static CW_JID_DOMAIN_MAX + 1])
{
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode status = U_ZERO_ERROR;
	const UIDNA *idna = NULL;
	int r = open_idna(&idna);

	if (r)
		return r;

	int32_t len = uidna_nameToASCII_UTF8(
		idna, domain.p, (int32_t)domain.len, room, CW_JID_DOMAIN_MAX + 1, &info, &status);

	if (status == U_MEMORY_ALLOCATION_ERROR)
		return -ENOMEM;
	/* what is wrong with the name stands in info.errors alone: the status is good, and there is text */
	if (U_FAILURE(status) || info.errors)
		return CW_JID_E_MALFORMED;
	*out = cw_str_make(room, (size_t)len);
	if (out->len > 0 && room[out->len - 1] == '.')
		out->len--;
	return 0;
}

int cw_jid_prepare_domain(struct cw_str *out, struct cw_str domain, struct cw_arena *arena)
{
	char room[CW_JID_DOMAIN_MAX + 1]; /* with a trailing dot */
	struct cw_str prepared = domain;
	bool is_plain = is_plain_domain(domain);

	if (domain.len == 0 || domain.len > CW_JID_PART_MAX)
		return CW_JID_E_MALFORMED;
	if (!is_plain) {
		int r = to_ascii(&prepared, domain, room);

		if (r)
			return r;
	}
	if (prepared.len > CW_JID_DOMAIN_MAX || is_address(prepared))
		return CW_JID_E_MALFORMED;
	if (!is_plain)
		return cw_arena_str(arena, prepared, out);
	*out = prepared;
	return 0;
}

/* ---- local parts and resources ---- */

/* A profile of stringprep, and which ASCII it leaves as it is. */
struct profile {
	UStringPrepProfileType type;
	int32_t options;
	UStringPrepProfile *icu; /* opened when it is needed first, never closed */
	bool (*is_plain)(char c);
};

/* RFC 3920, A.5: no space and none of these. Letters in upper case are folded. */
static bool is_plain_local(char c)
{
	return c > ' ' && c < 0x7f && !(c >= 'A' && c <= 'Z') && !strchr("\"&'/:<>@", c);
}

/* RFC 3920, B.5: no control characters. */
static bool is_plain_resource(char c)
{
	return c >= ' ' && c < 0x7f;
}

static struct profile nodeprep = {USPREP_RFC3920_NODEPREP, USPREP_DEFAULT, NULL, is_plain_local};
static struct profile resourceprep = {
	USPREP_RFC3920_RESOURCEPREP, USPREP_ALLOW_UNASSIGNED, NULL, is_plain_resource};

static bool is_plain_part(const struct profile *profile, struct cw_str part)
{
	for (size_t i = 0; i < part.len; i++) {
		if (!profile->is_plain(part.p[i]))
			return false;
	}
	return true;
}

static int open_profile(struct profile *profile)
{
	UErrorCode status = U_ZERO_ERROR;

	if (profile->icu)
		return 0;

	UStringPrepProfile *icu = usprep_openByType(profile->type, &status);

	if (U_FAILURE(status))
		return failure_of(status);
	profile->icu = icu;
	return 0;
}

/*
 * Prepare a part by ICU. No part of CW_JID_PART_MAX bytes has more units of UTF-16 than that, so what does not fit is too long.
 * Code points that Unicode 3.2 does not assign are refused in local parts: two sides of different age would not agree who is meant. In
 * resources they are taken as they are: nicknames in rooms are full of them.
 */
static int prepare_by_icu(
	struct profile *profile, struct cw_str *out, struct cw_str part, struct cw_arena *arena)
{
	UChar wide[CW_JID_PART_MAX], prepared[CW_JID_PART_MAX];
	char bytes[CW_JID_PART_MAX];
	int32_t n_wide = 0, len = 0;
	UErrorCode status = U_ZERO_ERROR;
	int r = open_profile(profile);

	if (r)
		return r;
	/* each call does nothing once `status` is a failure; bad UTF-8 is one */
	u_strFromUTF8(wide, CW_JID_PART_MAX, &n_wide, part.p, (int32_t)part.len, &status);

	int32_t n = usprep_prepare(profile->icu, wide, n_wide, prepared, CW_JID_PART_MAX,
		profile->options, NULL, &status);

	u_strToUTF8(bytes, CW_JID_PART_MAX, &len, prepared, n, &status);
	if (status == U_MEMORY_ALLOCATION_ERROR)
		return -ENOMEM;
	if (U_FAILURE(status) || len == 0)
		return CW_JID_E_MALFORMED;
	return cw_arena_str(arena, cw_str_make(bytes, (size_t)len), out);
}

static int prepare_part(
	struct profile *profile, struct cw_str *out, struct cw_str part, struct cw_arena *arena)
{
	if (part.len == 0 || part.len > CW_JID_PART_MAX)
		return CW_JID_E_MALFORMED;
	if (!is_plain_part(profile, part))
		return prepare_by_icu(profile, out, part, arena);
	*out = part;
	return 0;
}

int cw_jid_prepare(struct cw_jid *out, struct cw_str text, struct cw_arena *arena)
{
	struct split s = split(text);
	struct cw_jid jid = {0};
	int r = cw_jid_prepare_domain(&jid.domain, s.domain, arena);

	if (!r && s.has_local)
		r = prepare_part(&nodeprep, &jid.local, s.local, arena);
	if (!r && s.has_resource)
		r = prepare_part(&resourceprep, &jid.resource, s.resource, arena);
	if (!r)
		*out = jid;
	return r;
}
