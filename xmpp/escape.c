#include "xmpp/escape.h"

/* Blanks other than the space, too: a reader of attributes would make spaces of them. */
static const char *const replacements[] = {
	['\t'] = "&#9;",
	['\n'] = "&#10;",
	['\r'] = "&#13;",
	['"'] = "&quot;",
	['&'] = "&amp;",
	['\''] = "&apos;",
	['<'] = "&lt;",
	['>'] = "&gt;",
};

void cw_xmpp_escape(struct cw_buf *out, struct cw_str text)
{
	size_t plain = 0; /* begin of what is copied as it is */

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		const char *replacement =
			c < sizeof(replacements) / sizeof(*replacements) ? replacements[c] : NULL;

		if (!replacement)
			continue;
		cw_buf_add(out, cw_str_make(text.p + plain, i - plain));
		cw_buf_add(out, cw_str_of(replacement));
		plain = i + 1;
	}
	cw_buf_add(out, cw_str_from(text, plain));
}

void cw_xmpp_escape_attribute(struct cw_buf *out, const char *name, struct cw_str value)
{
	cw_buf_add_char(out, ' ');
	cw_buf_add(out, cw_str_of(name));
	cw_buf_add(out, cw_str_of("='"));
	cw_xmpp_escape(out, value);
	cw_buf_add_char(out, '\'');
}
