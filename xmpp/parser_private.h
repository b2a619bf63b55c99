/* What the two files of the parser share: parser.c, bytes to expat; parser_events.c, what expat says. */
#ifndef CW_XMPP_PARSER_PRIVATE_H
#define CW_XMPP_PARSER_PRIVATE_H

#include "core/arena.h"
#include "core/buf.h"
#include "xmpp/parser.h"

#include <expat.h>

#define CW_XMPP_SEPARATOR   '\x1f' /* in no URI, as in no XML: CVE-2022-25236 */
#define CW_XMPP_PROBLEM_MAX 96     /* bytes with NUL */

/* A prefix that only the header declares. */
struct cw_xmpp_prefix {
	struct cw_xmpp_prefix *next;
	struct cw_str name, uri;
	unsigned redeclared; /* by elements that are open */
	bool is_used;        /* in the stanza that is open */
};

/* An open element of a tree. */
struct cw_xmpp_node {
	struct cw_xmpp_element element; /* first: children are linked by it */
	struct cw_xmpp_node *parent;
	struct cw_xmpp_element **tail; /* where its next child goes */
	char *text;
	size_t text_capacity;
};

struct cw_xmpp_parser {
	XML_Parser expat; /* NULL: put away */
	uint64_t origin;  /* of expat's counting */
	uint64_t born;    /* `given` when it was created */
	bool is_suspended;

	char *window;
	size_t capacity;
	uint64_t base, end;    /* what is in it */
	uint64_t kept;         /* what must stay in it begins here */
	uint64_t given;        /* to expat, up to here */
	uint64_t consumed;     /* by it: the begin of what it could not take yet */
	uint64_t taken;        /* by events */
	uint64_t tag, scanned; /* the incomplete tag, how far its end was looked for */
	char quote;            /* that is open there, or NUL */

	/* what the header left */
	struct cw_str header_tag; /* its bytes */
	struct cw_str header_lang;
	const char *default_ns;
	bool has_dialback_ns;
	size_t n_prefixes;
	struct cw_xmpp_prefix *prefixes;
	struct cw_xmpp_attribute *inherited; /* room for all prefixes */

	/* where it stands */
	bool is_authenticated, is_ended, is_end_told, has_told;
	enum cw_xmpp_event_kind ready;
	unsigned depth;        /* open elements, the stream's among them */
	unsigned n_declared;   /* namespaces, by the tag that is being read */
	bool declares_default; /* it has an xmlns='...' */
	uint64_t element;      /* begin of the first-level element that is open */
	bool is_stanza;        /* it is one */
	struct cw_xmpp_stanza stanza;
	struct cw_xmpp_header header;
	struct cw_buf values;      /* of attributes of these two */
	struct cw_xmpp_node *node; /* the innermost open one of a tree */
	struct cw_arena arena;
	struct cw_xmpp_element *tree;

	int error;
	char problem[CW_XMPP_PROBLEM_MAX];
};

/* The byte at a place that is in the window. */
static inline const char *cw_xmpp_parser_at(const struct cw_xmpp_parser *p, uint64_t place)
{
	return p->window + (place - p->base);
}

/* The place of what expat reports: the event in a handler, else the begin of what it could not take. */
static inline uint64_t cw_xmpp_parser_place(const struct cw_xmpp_parser *p)
{
	return p->origin + (uint64_t)XML_GetCurrentByteIndex(p->expat);
}

/*
 * Note what is wrong, if nothing was before.
 *
 * Returns: the error that is noted.
 */
int cw_xmpp_parser_fail_at(struct cw_xmpp_parser *p, int error, const char *what, uint64_t where);

/*
 * Expat failed: note why.
 *
 * Returns: the error that is noted.
 */
int cw_xmpp_parser_refuse(struct cw_xmpp_parser *p);

/* Have expat tell all that makes events of the parser, and all that is refused. */
void cw_xmpp_parser_listen(struct cw_xmpp_parser *p, XML_Parser expat);

/* Free what the header left, and the tree. */
void cw_xmpp_parser_forget_events(struct cw_xmpp_parser *p);

#endif
