#include "sip/grammar.h"

#include "sip/address.h"
#include "sip/lex.h"

#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/su_alloc.h>

#include <errno.h>
#include <stdlib.h>

#define SCRATCH_BYTES 1024 /* on the stack; longer values are copied to the heap */
#define HOME_BYTES    2048 /* Sofia's memory for one header, on the stack; it goes on on the heap */

#define SEEN_BITS 64

/* What was seen of the headers that may stand there once: a bit for each place in sip_t. */
struct seen {
	uint64_t bits[sizeof(sip_t) / sizeof(void *) / SEEN_BITS + 1];
};

static bool is_repeated(struct seen *seen, const msg_href_t *ref)
{
	size_t place = ref->hr_offset / sizeof(void *);
	uint64_t bit = UINT64_C(1) << (place % SEEN_BITS);
	bool before;

	if (ref->hr_class->hc_kind != msg_kind_single)
		return false;
	before = seen->bits[place / SEEN_BITS] & bit;
	seen->bits[place / SEEN_BITS] |= bit;
	return before;
}

/*
 * Put the value into `scratch` (value.len + 1 bytes) as Sofia reads it. It takes NUL for an end and refuses "name=" without a value, both of which are
 * valid or at least in use: a quoted-pair of a control byte becomes one of a letter, and a '=' with nothing behind it a blank. Folds become blanks.
 */
static void normalise(char *scratch, struct cw_str value)
{
	bool quoted = false;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];
		size_t next;

		if (c == '\r' || c == '\n') {
			c = ' ';
		} else if (quoted && c == '\\' && i + 1 < value.len) {
			scratch[i++] = '\\';
			c = (unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f ? 'x'
										   : value.p[i];
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == '=' && !quoted) {
			next = cw_sip_skip_blanks(value, i + 1);
			if (next == value.len || value.p[next] == ';' || value.p[next] == ',')
				c = ' ';
		}
		scratch[i] = c;
	}
	scratch[value.len] = '\0';
}

/* One try of Sofia's parser on `scratch`, which it changes. */
static int parse(msg_hclass_t *class, char *scratch, size_t len)
{
	union {
		su_home_t home;
		char bytes[HOME_BYTES];
	} area;
	su_home_t *home = su_home_auto(&area, sizeof(area));
	msg_header_t *header;
	int r = -ENOMEM;

	if (!home)
		return -ENOMEM;
	errno = 0;
	header = msg_header_alloc(home, class, 0);
	if (header) {
		r = class->hc_parse(home, header, scratch, (isize_t)len) < 0
			    ? CW_GRAMMAR_E_MALFORMED
			    : 0;
		if (r && errno == ENOMEM)
			r = -ENOMEM;
	}
	su_home_deinit(home);
	return r;
}

/*
 * Sofia takes blanks and a second '@' in URIs, empty values of lists and words between them; one of those in a Contact could lead a later request of the
 * dialog elsewhere at each hop. So addresses are read here.
 */
static bool holds_addresses(const msg_hclass_t *class)
{
	return class == sip_contact_class || class == sip_path_class ||
	       class == sip_refer_to_class || class == sip_referred_by_class ||
	       class == sip_service_route_class;
}

/* Of these Sofia keeps the text as it is, whatever it is. */
static bool is_free_text(const msg_hclass_t *class)
{
	return class == sip_user_agent_class || class == sip_server_class ||
	       class == sip_subject_class || class == sip_organization_class;
}

static int check_addresses(const msg_hclass_t *class, struct cw_str value)
{
	static const struct cw_str all = CW_STR("*");
	struct cw_sip_address address;
	struct cw_str one;
	size_t at = 0;

	if (class == sip_contact_class && cw_str_eq(value, all))
		return 0;
	while (cw_sip_list_next(value, &at, &one))
		if (cw_sip_address_parse(&address, one))
			return CW_GRAMMAR_E_MALFORMED;
	return 0;
}

static int check_value(msg_hclass_t *class, struct cw_str value)
{
	char stack[SCRATCH_BYTES];
	char *scratch = value.len < sizeof(stack) ? stack : malloc(value.len + 1);
	int r = CW_GRAMMAR_E_MALFORMED;

	if (!scratch)
		return -ENOMEM;
	/* Nearly all values need no help; those that fail without it get it. */
	if (cw_sip_find_control(value, 0) == value.len) {
		if (value.len > 0)
			memcpy(scratch, value.p, value.len);
		scratch[value.len] = '\0';
		r = parse(class, scratch, value.len);
	}
	if (r == CW_GRAMMAR_E_MALFORMED) {
		normalise(scratch, value);
		r = parse(class, scratch, value.len);
	}
	if (scratch != stack)
		free(scratch);
	return r;
}

/*
 * Headers that sip/message.c has read wholly itself, as strictly; asking Sofia again would cost half as much as all the rest. CSeq must not come here in any
 * case: Sofia refuses unknown methods that are shorter than a known one with the same first letter ("SERVICE", for "SUBSCRIBE").
 */
static bool is_read_elsewhere(enum cw_sip_header_id id)
{
	static const bool read[CW_HDR_COUNT] = {
		[CW_HDR_CALL_ID] = true,
		[CW_HDR_CONTENT_LENGTH] = true,
		[CW_HDR_CSEQ] = true,
		[CW_HDR_FROM] = true,
		[CW_HDR_MAX_FORWARDS] = true,
		[CW_HDR_RECORD_ROUTE] = true,
		[CW_HDR_ROUTE] = true,
		[CW_HDR_TO] = true,
		[CW_HDR_VIA] = true,
	};

	return read[id];
}

/* Whether there are more than `max` of `c` in `s`, which takes counting only where there could be. */
static bool has_more(struct cw_str s, char c, size_t max)
{
	return s.len > max && cw_str_count(s, c) > max;
}

int cw_sip_grammar_check(
	const struct cw_sip_line *lines, size_t n_lines, const struct cw_sip_line **bad)
{
	const msg_mclass_t *classes = sip_default_mclass();
	struct seen seen = {{0}};
	int r = 0;

	for (size_t i = 0; i < n_lines && r == 0; i++) {
		const struct cw_sip_line *line = &lines[i];
		const msg_href_t *ref;

		if (is_read_elsewhere(line->id))
			continue;
		ref = msg_find_hclass(classes, line->whole.p, NULL);
		/* mc_error: a name longer than Sofia's tables can hold, so none of theirs. */
		if (!ref || ref == classes->mc_unknown || ref == classes->mc_error)
			continue;
		if (is_repeated(&seen, ref))
			r = CW_GRAMMAR_E_REPEATED;
		else if (has_more(line->value, ',', CW_SIP_LINE_COMMAS_MAX) ||
			 has_more(line->value, ';', CW_SIP_LINE_SEMICOLONS_MAX))
			r = CW_GRAMMAR_E_LONG;
		else if (holds_addresses(ref->hr_class))
			r = check_addresses(ref->hr_class, line->value);
		else if (!is_free_text(ref->hr_class))
			r = check_value(ref->hr_class, line->value);
		if (r > 0)
			*bad = line;
	}
	return r;
}
