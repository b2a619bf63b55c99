/* What expat says, made events of the parser: the header, first-level elements, the end, refusals. */
#include "xmpp/parser_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEPT_ATTRIBUTES 5

/* xml:lang, as expat names it */
static const char lang_name[] = CW_XMPP_NS_XML "\x1flang\x1fxml";

static const struct cw_str no_bytes;

static uint64_t place_behind(const struct cw_xmpp_parser *p)
{
	return cw_xmpp_parser_place(p) + (uint64_t)XML_GetCurrentByteCount(p->expat);
}

int cw_xmpp_parser_fail_at(struct cw_xmpp_parser *p, int error, const char *what, uint64_t where)
{
	if (!p->error) {
		p->error = error;
		snprintf(p->problem, sizeof(p->problem), "%s at byte %" PRIu64, what, where);
	}
	return p->error;
}

/* From a handler of expat. */
static void fail(struct cw_xmpp_parser *p, int error, const char *what)
{
	cw_xmpp_parser_fail_at(p, error, what, cw_xmpp_parser_place(p));
	XML_StopParser(p->expat, XML_FALSE);
}

/* ---- names and attributes ---- */

/* Split expat's "name", "uri name" or "uri name prefix". */
static void split_name(struct cw_str whole, struct cw_str *ns, struct cw_str *name)
{
	size_t end = cw_str_find(whole, CW_XMPP_SEPARATOR);

	*ns = no_bytes;
	*name = whole;
	if (end == whole.len)
		return;
	*ns = cw_str_make(whole.p, end);
	*name = cw_str_from(whole, end + 1);
	name->len = cw_str_find(*name, CW_XMPP_SEPARATOR);
}

/* Whether expat's name is `local` in `ns`; `has_prefix`: it was written with one. */
static bool is_name(const char *name, const char *ns, const char *local, bool *has_prefix)
{
	size_t ns_len = strlen(ns), local_len = strlen(local);

	if (strncmp(name, ns, ns_len) != 0 || name[ns_len] != CW_XMPP_SEPARATOR)
		return false;
	name += ns_len + 1;
	if (strncmp(name, local, local_len) != 0)
		return false;
	*has_prefix = name[local_len] == CW_XMPP_SEPARATOR;
	return *has_prefix || name[local_len] == '\0';
}

/* Copy the values of some attributes into p->values. Returns: whether there was memory. */
static bool keep_values(struct cw_xmpp_parser *p, const char **attributes,
	const char *const names[KEPT_ATTRIBUTES], struct cw_str *const out[KEPT_ATTRIBUTES])
{
	const char *value;
	size_t used = 0;

	cw_buf_clear(&p->values);
	for (int i = 0; i < KEPT_ATTRIBUTES; i++)
		*out[i] = no_bytes;
	for (; attributes[0]; attributes += 2) {
		for (int i = 0; i < KEPT_ATTRIBUTES; i++) {
			if (attributes[0][0] != names[i][0] || strcmp(attributes[0], names[i]) != 0)
				continue;
			*out[i] = cw_str_of(attributes[1]);
			break;
		}
	}
	for (int i = 0; i < KEPT_ATTRIBUTES; i++)
		cw_buf_add(&p->values, *out[i]);
	/* a value that is there but empty must not be taken for a missing one */
	cw_buf_add_char(&p->values, '\0');
	if (p->values.error)
		return false;
	for (int i = 0; i < KEPT_ATTRIBUTES; i++) {
		value = out[i]->p;
		if (!value)
			continue;
		out[i]->p = p->values.data + used;
		used += out[i]->len;
	}
	return true;
}

static bool has_too_many_attributes(struct cw_xmpp_parser *p)
{
	unsigned n = p->n_declared + (unsigned)XML_GetSpecifiedAttributeCount(p->expat) / 2;

	p->n_declared = 0;
	if (n > CW_XMPP_ATTRIBUTES_MAX)
		fail(p, CW_XMPP_PARSER_E_POLICY, "too many attributes");
	return n > CW_XMPP_ATTRIBUTES_MAX;
}

/* ---- prefixes of the header ---- */

/* What every stream of ours declares, too. */
static bool is_common_prefix(const char *prefix, const char *uri)
{
	return (strcmp(prefix, "stream") == 0 && strcmp(uri, CW_XMPP_NS_STREAMS) == 0) ||
	       (strcmp(prefix, "db") == 0 && strcmp(uri, CW_XMPP_NS_DIALBACK) == 0);
}

static bool keep_copy(struct cw_str *out, struct cw_str s)
{
	char *copy = malloc(s.len);

	if (!copy)
		return false;
	memcpy(copy, s.p, s.len);
	*out = cw_str_make(copy, s.len);
	return true;
}

static void free_copy(struct cw_str copy)
{
	free((char *)(uintptr_t)copy.p);
}

static void free_prefix(struct cw_xmpp_prefix *x)
{
	free_copy(x->name);
	free_copy(x->uri);
	free(x);
}

static bool add_prefix(struct cw_xmpp_parser *p, const char *name, const char *uri)
{
	struct cw_xmpp_prefix *x = calloc(1, sizeof(*x));

	if (!x)
		return false;
	if (!keep_copy(&x->name, cw_str_of(name)) || !keep_copy(&x->uri, cw_str_of(uri))) {
		free_prefix(x);
		return false;
	}
	x->next = p->prefixes;
	p->prefixes = x;
	return true;
}

static void declared_by_header(struct cw_xmpp_parser *p, const char *prefix, const char *uri)
{
	if (!prefix) {
		if (uri && strcmp(uri, CW_XMPP_NS_SERVER) == 0)
			p->default_ns = CW_XMPP_NS_SERVER;
		else if (uri && strcmp(uri, CW_XMPP_NS_COMPONENT) == 0)
			p->default_ns = CW_XMPP_NS_COMPONENT;
		return;
	}
	if (++p->n_prefixes > CW_XMPP_PREFIXES_MAX) {
		fail(p, CW_XMPP_PARSER_E_POLICY, "too many prefixes");
		return;
	}
	p->has_dialback_ns |= strcmp(uri, CW_XMPP_NS_DIALBACK) == 0;
	if (!is_common_prefix(prefix, uri) && !add_prefix(p, prefix, uri))
		fail(p, -ENOMEM, "out of memory");
}

static void count_redeclared(struct cw_xmpp_parser *p, const char *name, int by)
{
	for (struct cw_xmpp_prefix *x = p->prefixes; x; x = x->next)
		if (cw_str_eq(x->name, cw_str_of(name)))
			x->redeclared += (unsigned)by;
}

static void XMLCALL on_declared(void *arg, const char *prefix, const char *uri)
{
	struct cw_xmpp_parser *p = arg;

	if (p->error)
		return;
	p->n_declared++;
	if (p->depth == 0)
		declared_by_header(p, prefix, uri);
	else if (prefix)
		count_redeclared(p, prefix, 1);
	else
		p->declares_default = true;
}

static void XMLCALL on_undeclared(void *arg, const char *prefix)
{
	struct cw_xmpp_parser *p = arg;

	if (prefix && p->depth > 0 && !p->error)
		count_redeclared(p, prefix, -1);
}

/* Of expat's names only those with a prefix have two separators. */
static void use_prefix_of(struct cw_xmpp_parser *p, const char *name)
{
	struct cw_str prefix = cw_str_of(name);
	size_t end;

	for (int i = 0; i < 2; i++) {
		end = cw_str_find(prefix, CW_XMPP_SEPARATOR);
		if (end == prefix.len)
			return;
		prefix = cw_str_from(prefix, end + 1);
	}
	for (struct cw_xmpp_prefix *x = p->prefixes; x; x = x->next)
		if (cw_str_eq(x->name, prefix) && x->redeclared == 0)
			x->is_used = true;
}

static void use_prefixes(struct cw_xmpp_parser *p, const char *name, const char **attributes)
{
	if (!p->prefixes)
		return;
	use_prefix_of(p, name);
	for (; attributes[0]; attributes += 2)
		use_prefix_of(p, attributes[0]);
}

static void gather_inherited(struct cw_xmpp_parser *p)
{
	size_t n = 0;

	for (struct cw_xmpp_prefix *x = p->prefixes; x; x = x->next) {
		if (x->is_used)
			p->inherited[n++] =
				(struct cw_xmpp_attribute){.name = x->name, .value = x->uri};
		x->is_used = false;
	}
	p->stanza.inherited = p->inherited;
	p->stanza.n_inherited = n;
}

/* ---- the header ---- */

/* What is needed of the header as long as the stream lives. Returns: whether there was memory. */
static bool keep_header(struct cw_xmpp_parser *p)
{
	size_t n = 0;

	for (struct cw_xmpp_prefix *x = p->prefixes; x; x = x->next)
		n++;
	if (n > 0) {
		p->inherited = malloc(n * sizeof(*p->inherited));
		if (!p->inherited)
			return false;
		XML_SetEndNamespaceDeclHandler(p->expat, on_undeclared);
	}
	if (p->header.lang.len > 0 && !keep_copy(&p->header_lang, p->header.lang))
		return false;
	return keep_copy(&p->header_tag, cw_str_make(cw_xmpp_parser_at(p, cw_xmpp_parser_place(p)),
						 (size_t)(p->taken - cw_xmpp_parser_place(p))));
}

static void start_header(struct cw_xmpp_parser *p, const char *name, const char **attributes)
{
	static const char *const names[] = {"from", "to", "id", "version", lang_name};
	struct cw_xmpp_header *h = &p->header;
	struct cw_str *const values[] = {&h->from, &h->to, &h->id, &h->version, &h->lang};
	bool has_prefix;

	if (!is_name(name, CW_XMPP_NS_STREAMS, "stream", &has_prefix)) {
		fail(p, CW_XMPP_PARSER_E_NAMESPACE, "the header of something else than a stream");
		return;
	}
	if (!p->default_ns) {
		fail(p, CW_XMPP_PARSER_E_NAMESPACE, "the header of a stream of another kind");
		return;
	}
	p->taken = place_behind(p);
	if (!keep_values(p, attributes, names, values) || !keep_header(p)) {
		fail(p, -ENOMEM, "out of memory");
		return;
	}
	h->default_ns = cw_str_of(p->default_ns);
	h->has_dialback_ns = p->has_dialback_ns;
	p->ready = CW_XMPP_EVENT_HEADER;
	XML_StopParser(p->expat, XML_TRUE);
}

/* ---- trees ---- */

static void *get(struct cw_xmpp_parser *p, size_t size)
{
	void *room = cw_arena_alloc(&p->arena, size);

	if (!room)
		fail(p, -ENOMEM, "out of memory");
	return room;
}

static bool set_name(
	struct cw_xmpp_parser *p, const char *name, struct cw_str *ns, struct cw_str *local)
{
	struct cw_str whole;

	if (cw_arena_str(&p->arena, cw_str_of(name), &whole)) {
		fail(p, -ENOMEM, "out of memory");
		return false;
	}
	split_name(whole, ns, local);
	return true;
}

static bool set_attributes(
	struct cw_xmpp_parser *p, struct cw_xmpp_element *e, const char **attributes)
{
	struct cw_xmpp_attribute *a;

	while (attributes[2 * e->n_attributes])
		e->n_attributes++;
	if (e->n_attributes == 0)
		return true;
	a = get(p, e->n_attributes * sizeof(*a));
	if (!a)
		return false;
	for (size_t i = 0; i < e->n_attributes; i++) {
		if (!set_name(p, attributes[2 * i], &a[i].ns, &a[i].name))
			return false;
		if (cw_arena_str(&p->arena, cw_str_of(attributes[2 * i + 1]), &a[i].value)) {
			fail(p, -ENOMEM, "out of memory");
			return false;
		}
	}
	e->attributes = a;
	return true;
}

static void start_node(struct cw_xmpp_parser *p, const char *name, const char **attributes)
{
	struct cw_xmpp_node *n = get(p, sizeof(*n));

	if (!n || !set_name(p, name, &n->element.ns, &n->element.name) ||
		!set_attributes(p, &n->element, attributes))
		return;
	n->parent = p->node;
	n->tail = &n->element.children;
	if (n->parent) {
		*n->parent->tail = &n->element;
		n->parent->tail = &n->element.next;
	} else {
		p->tree = &n->element;
	}
	p->node = n;
}

static void end_node(struct cw_xmpp_parser *p)
{
	p->node->element.text.p = p->node->text;
	p->node = p->node->parent;
}

/* Expat hands text over in bits, down to single line feeds: room doubles. */
static void add_text(struct cw_xmpp_parser *p, const char *text, size_t len)
{
	struct cw_xmpp_node *n = p->node;
	size_t have = n->element.text.len;

	if (len > n->text_capacity - have) {
		size_t capacity = 2 * (have + len);
		char *room = get(p, capacity);

		if (!room)
			return;
		if (have > 0)
			memcpy(room, n->text, have);
		n->text = room;
		n->text_capacity = capacity;
	}
	memcpy(n->text + have, text, len);
	n->element.text.len += len;
}

static void XMLCALL on_text(void *arg, const char *text, int len)
{
	struct cw_xmpp_parser *p = arg;

	if (p->error)
		return;
	if (p->depth > 1)
		add_text(p, text, (size_t)len);
	else if (cw_str_trim(cw_str_make(text, (size_t)len)).len > 0)
		fail(p, CW_XMPP_PARSER_E_XML, "text between elements");
}

/* ---- first-level elements ---- */

/* Returns: whether it is a stanza, or was refused as one. */
static bool is_stanza(struct cw_xmpp_parser *p, const char *name)
{
	static const char *const kinds[] = {[CW_XMPP_MESSAGE] = "message",
		[CW_XMPP_PRESENCE] = "presence",
		[CW_XMPP_IQ] = "iq"};
	bool has_prefix;

	for (unsigned kind = CW_XMPP_MESSAGE; kind <= CW_XMPP_IQ; kind++) {
		if (!is_name(name, p->default_ns, kinds[kind], &has_prefix))
			continue;
		if (has_prefix)
			fail(p, CW_XMPP_PARSER_E_PREFIX, "a stanza whose name has a prefix");
		p->stanza.kind = (enum cw_xmpp_stanza_kind)kind;
		return true;
	}
	return false;
}

static void start_stanza(struct cw_xmpp_parser *p, const char *name, const char **attributes)
{
	static const char *const names[] = {"from", "to", "id", "type", lang_name};
	struct cw_xmpp_stanza *s = &p->stanza;
	struct cw_str *const values[] = {&s->from, &s->to, &s->id, &s->type, &s->lang};

	if (!keep_values(p, attributes, names, values)) {
		fail(p, -ENOMEM, "out of memory");
		return;
	}
	s->start_tag_bytes = (size_t)(place_behind(p) - p->element);
	s->has_default_ns = p->declares_default;
	s->header_lang = s->lang.p ? no_bytes : p->header_lang;
	use_prefixes(p, name, attributes);
	XML_SetCharacterDataHandler(p->expat, NULL);
}

static void start_first_level(struct cw_xmpp_parser *p, const char *name, const char **attributes)
{
	p->element = cw_xmpp_parser_place(p);
	p->is_stanza = is_stanza(p, name);
	if (p->error)
		return;
	if (p->is_stanza)
		start_stanza(p, name, attributes);
	else
		start_node(p, name, attributes);
	p->declares_default = false;
}

static void end_first_level(struct cw_xmpp_parser *p)
{
	p->taken = place_behind(p);
	p->ready = p->is_stanza ? CW_XMPP_EVENT_STANZA : CW_XMPP_EVENT_ELEMENT;
	if (p->is_stanza) {
		gather_inherited(p);
		XML_SetCharacterDataHandler(p->expat, on_text);
	}
	XML_StopParser(p->expat, XML_TRUE);
}

static void XMLCALL on_start(void *arg, const char *name, const char **attributes)
{
	struct cw_xmpp_parser *p = arg;

	if (p->error || has_too_many_attributes(p))
		return;
	if (p->depth == 0)
		start_header(p, name, attributes);
	else if (p->depth == 1)
		start_first_level(p, name, attributes);
	else if (p->depth > CW_XMPP_DEPTH_MAX)
		fail(p, CW_XMPP_PARSER_E_POLICY, "too many elements within each other");
	else if (p->is_stanza)
		use_prefixes(p, name, attributes);
	else
		start_node(p, name, attributes);
	p->depth++;
}

static void XMLCALL on_end(void *arg, const char *name)
{
	struct cw_xmpp_parser *p = arg;

	(void)name;
	if (p->error)
		return;
	p->depth--;
	if (p->depth > 0 && !p->is_stanza)
		end_node(p);
	if (p->depth == 1)
		end_first_level(p);
	if (p->depth > 0)
		return;
	p->taken = place_behind(p);
	p->is_ended = true;
	XML_StopParser(p->expat, XML_TRUE);
}

/* ---- refusals ---- */

static void XMLCALL on_declaration(
	void *arg, const char *version, const char *encoding, int standalone)
{
	struct cw_xmpp_parser *p = arg;

	(void)version;
	(void)standalone;
	if (encoding && !cw_str_case_eq(cw_str_of(encoding), cw_str_of("UTF-8")))
		fail(p, CW_XMPP_PARSER_E_ENCODING, "the declaration of another encoding");
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system_id,
	const char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	fail(arg, CW_XMPP_PARSER_E_RESTRICTED, "a document type");
}

static void XMLCALL on_instruction(void *arg, const char *target, const char *data)
{
	(void)target;
	(void)data;
	fail(arg, CW_XMPP_PARSER_E_RESTRICTED, "a processing instruction");
}

static void XMLCALL on_comment(void *arg, const char *text)
{
	(void)text;
	fail(arg, CW_XMPP_PARSER_E_RESTRICTED, "a comment");
}

/* Whether bytes begin with a character of UTF-8 (RFC 3629, 4), or with all of it that is there. */
static bool is_utf8(struct cw_str s)
{
	const unsigned char *b = (const unsigned char *)s.p;
	size_t len = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	unsigned char low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;

	if ((b[0] >= 0x80 && b[0] < 0xc2) || b[0] > 0xf4)
		return false;
	for (size_t i = 1; i < len && i < s.len; i++) {
		if (b[i] < low || b[i] > high)
			return false;
		low = 0x80;
		high = 0xbf;
	}
	return true;
}

/* Expat calls all of it an invalid token. */
static int refuse_token(struct cw_xmpp_parser *p)
{
	uint64_t where = cw_xmpp_parser_place(p);

	if (where < p->end &&
		!is_utf8(cw_str_make(cw_xmpp_parser_at(p, where), (size_t)(p->end - where))))
		return cw_xmpp_parser_fail_at(
			p, CW_XMPP_PARSER_E_ENCODING, "bytes that are no UTF-8", where);
	if (where >= p->kept + 2 && memcmp(cw_xmpp_parser_at(p, where - 2), "<!", 2) == 0)
		return cw_xmpp_parser_fail_at(
			p, CW_XMPP_PARSER_E_RESTRICTED, "a document type", where);
	return cw_xmpp_parser_fail_at(p, CW_XMPP_PARSER_E_XML, "not well-formed", where);
}

/* What expat has to say. Returns: the error. */
int cw_xmpp_parser_refuse(struct cw_xmpp_parser *p)
{
	static const struct {
		enum XML_Error code;
		int error;
	} errors[] = {
		{XML_ERROR_NO_MEMORY, -ENOMEM},
		{XML_ERROR_UNDEFINED_ENTITY, CW_XMPP_PARSER_E_RESTRICTED},
		{XML_ERROR_MISPLACED_XML_PI, CW_XMPP_PARSER_E_RESTRICTED},
		{XML_ERROR_UNKNOWN_ENCODING, CW_XMPP_PARSER_E_ENCODING},
		{XML_ERROR_INCORRECT_ENCODING, CW_XMPP_PARSER_E_ENCODING},
		{XML_ERROR_UNBOUND_PREFIX, CW_XMPP_PARSER_E_PREFIX},
		{XML_ERROR_UNDECLARING_PREFIX, CW_XMPP_PARSER_E_PREFIX},
		{XML_ERROR_RESERVED_PREFIX_XML, CW_XMPP_PARSER_E_PREFIX},
		{XML_ERROR_RESERVED_PREFIX_XMLNS, CW_XMPP_PARSER_E_PREFIX},
		{XML_ERROR_RESERVED_NAMESPACE_URI, CW_XMPP_PARSER_E_PREFIX},
	};
	enum XML_Error code = XML_GetErrorCode(p->expat);

	if (p->error)
		return p->error;
	if (code == XML_ERROR_INVALID_TOKEN)
		return refuse_token(p);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			return cw_xmpp_parser_fail_at(
				p, errors[i].error, XML_ErrorString(code), cw_xmpp_parser_place(p));
	return cw_xmpp_parser_fail_at(
		p, CW_XMPP_PARSER_E_XML, XML_ErrorString(code), cw_xmpp_parser_place(p));
}

/* ---- the interface to parser.c ---- */

void cw_xmpp_parser_listen(struct cw_xmpp_parser *p, XML_Parser x)
{
	XML_SetUserData(x, p);
	XML_SetElementHandler(x, on_start, on_end);
	XML_SetCharacterDataHandler(x, on_text);
	XML_SetStartNamespaceDeclHandler(x, on_declared);
	XML_SetXmlDeclHandler(x, on_declaration);
	XML_SetStartDoctypeDeclHandler(x, on_doctype);
	XML_SetProcessingInstructionHandler(x, on_instruction);
	XML_SetCommentHandler(x, on_comment);
	if (p->prefixes)
		XML_SetEndNamespaceDeclHandler(x, on_undeclared);
}

void cw_xmpp_parser_forget_events(struct cw_xmpp_parser *p)
{
	while (p->prefixes) {
		struct cw_xmpp_prefix *next = p->prefixes->next;

		free_prefix(p->prefixes);
		p->prefixes = next;
	}
	free(p->inherited);
	free_copy(p->header_tag);
	free_copy(p->header_lang);
	cw_buf_finish(&p->values);
	cw_arena_finish(&p->arena);
}
