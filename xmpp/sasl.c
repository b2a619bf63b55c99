/* Over base64url, which certs/digest has: two letters and the padding are all that differs. */
#include "xmpp/sasl.h"

#include "certs/digest.h"

#include <errno.h>

#define PADDED(len) (((len) + 2) / 3 * 4)

static void exchange(char *text, size_t len, const char from[static 2], const char to[static 2])
{
	for (size_t i = 0; i < len; i++)
		for (size_t k = 0; k < 2; k++)
			if (text[i] == from[k]) {
				text[i] = to[k];
				break;
			}
}

void cw_xmpp_sasl_write(struct cw_buf *out, struct cw_str bytes)
{
	char text[PADDED(CW_XMPP_SASL_MAX)];
	size_t len = CW_BASE64URL_LEN(bytes.len);

	if (bytes.len == 0) {
		cw_buf_add_char(out, '=');
		return;
	}
	if (bytes.len > CW_XMPP_SASL_MAX) {
		if (!out->error)
			out->error = -EMSGSIZE;
		return;
	}
	cw_base64url_encode(text, (const uint8_t *)bytes.p, bytes.len);
	exchange(text, len, "-_", "+/");
	while (len < PADDED(bytes.len))
		text[len++] = '=';
	cw_buf_add(out, cw_str_make(text, len));
}

int cw_xmpp_sasl_read(char room[static CW_XMPP_SASL_MAX], size_t *len, struct cw_str text)
{
	char copy[PADDED(CW_XMPP_SASL_MAX)];

	text = cw_str_trim(text);
	if (cw_str_eq(text, cw_str_of("="))) {
		*len = 0;
		return 0;
	}
	if (text.len % 4 != 0 || text.len > sizeof(copy))
		return -EINVAL;
	for (size_t padding = 0; padding < 2 && text.len > 0 && text.p[text.len - 1] == '=';
		padding++)
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '-' || text.p[i] == '_')
			return -EINVAL;
		copy[i] = text.p[i];
	}
	exchange(copy, text.len, "+/", "-_");
	return cw_base64url_decode(
		       (uint8_t *)room, CW_XMPP_SASL_MAX, len, cw_str_make(copy, text.len))
		       ? -EINVAL
		       : 0;
}
