/*
 * The tag was read by xmpp/parser: it is well-formed, and only the places in it are looked for
 * here.
 */
#include "xmpp/start_tag.h"

#include "xmpp/escape.h"

static bool is_name_end(char c)
{
	return cw_char_is_space(c) || c == '=' || c == '/' || c == '>';
}

static size_t skip_space(struct cw_str tag, size_t i)
{
	while (i < tag.len && cw_char_is_space(tag.p[i]))
		i++;
	return i;
}

static size_t skip_name(struct cw_str tag, size_t i)
{
	while (i < tag.len && !is_name_end(tag.p[i]))
		i++;
	return i;
}

/* The next attribute from byte *i on, which is moved behind it. Returns: false at the tag's end. */
static bool next_attribute(
	struct cw_str tag, size_t *i, struct cw_str *name, struct cw_str *raw_value)
{
	size_t begin = skip_space(tag, *i), end = skip_name(tag, begin), quote;

	if (end == begin)
		return false;
	*name = cw_str_make(tag.p + begin, end - begin);
	quote = skip_space(tag, end);       /* at the "=" */
	quote = skip_space(tag, quote + 1); /* at the opening quote */
	if (quote + 1 >= tag.len)
		return false;
	*raw_value = cw_str_from(tag, quote + 1);
	raw_value->len = cw_str_find(*raw_value, tag.p[quote]);
	*i = quote + 1 + raw_value->len + 1;
	return true;
}

static void write_inherited(
	struct cw_buf *out, const struct cw_xmpp_stanza *stanza, const struct cw_xmpp_edits *edits)
{
	for (size_t i = 0; i < stanza->n_inherited; i++) {
		cw_buf_add(out, cw_str_of(" xmlns:"));
		cw_buf_add(out, stanza->inherited[i].name);
		cw_buf_add(out, cw_str_of("='"));
		cw_xmpp_escape(out, stanza->inherited[i].value);
		cw_buf_add_char(out, '\'');
	}
	if (stanza->header_lang.len > 0)
		cw_xmpp_escape_attribute(out, "xml:lang", stanza->header_lang);
	if (edits->to.len > 0 && !stanza->to.p)
		cw_xmpp_escape_attribute(out, "to", edits->to);
}

/* What an attribute's value becomes; NULL: it stays. */
static const struct cw_str *edit_of(struct cw_str name, const struct cw_xmpp_edits *edits)
{
	if (edits->to.len > 0 && cw_str_eq(name, cw_str_of("to")))
		return &edits->to;
	if (edits->default_ns.len > 0 && cw_str_eq(name, cw_str_of("xmlns")))
		return &edits->default_ns;
	return NULL;
}

void cw_xmpp_start_tag_write(
	struct cw_buf *out, const struct cw_xmpp_stanza *stanza, const struct cw_xmpp_edits *edits)
{
	struct cw_str bytes = stanza->bytes, tag = cw_str_make(bytes.p, stanza->start_tag_bytes);
	struct cw_str name, value;
	size_t i = skip_name(tag, 1), copied = i;

	if (stanza->n_inherited == 0 && stanza->header_lang.len == 0 && edits->to.len == 0 &&
		(edits->default_ns.len == 0 || !stanza->has_default_ns)) {
		cw_buf_add(out, bytes);
		return;
	}
	cw_buf_add(out, cw_str_make(bytes.p, copied));
	write_inherited(out, stanza, edits);
	while (next_attribute(tag, &i, &name, &value)) {
		const struct cw_str *edit = edit_of(name, edits);

		if (!edit)
			continue;
		cw_buf_add(
			out, cw_str_make(bytes.p + copied, (size_t)(value.p - bytes.p) - copied));
		cw_xmpp_escape(out, *edit);
		copied = (size_t)(value.p - bytes.p) + value.len;
	}
	cw_buf_add(out, cw_str_from(bytes, copied));
}
