#include "xmpp/element.h"

bool cw_xmpp_element_is(const struct cw_xmpp_element *e, const char *ns, const char *name)
{
	return cw_str_eq(e->name, cw_str_of(name)) && cw_str_eq(e->ns, cw_str_of(ns));
}

struct cw_str cw_xmpp_element_attribute(const struct cw_xmpp_element *e, const char *name)
{
	const struct cw_str wanted = cw_str_of(name);

	for (size_t i = 0; i < e->n_attributes; i++) {
		const struct cw_xmpp_attribute *a = &e->attributes[i];

		if (a->ns.len == 0 && cw_str_eq(a->name, wanted))
			return a->value;
	}
	return (struct cw_str){NULL, 0};
}

const struct cw_xmpp_element *cw_xmpp_element_child(
	const struct cw_xmpp_element *e, const char *ns, const char *name)
{
	for (const struct cw_xmpp_element *c = e->children; c; c = c->next)
		if (cw_str_eq(c->ns, cw_str_of(ns)) &&
			(!name || cw_str_eq(c->name, cw_str_of(name))))
			return c;
	return NULL;
}
