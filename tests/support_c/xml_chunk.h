/*
 * A piece of an XMPP stream as expat alone understands it, for tests: an opinion on what is
 * well-formed that is not the parser's under test.
 */
#ifndef TESTS_SUPPORT_C_XML_CHUNK_H
#define TESTS_SUPPORT_C_XML_CHUNK_H

#include "core/arena.h"
#include "xmpp/element.h"

#define XML_CHUNK_ELEMENTS_MAX 32

struct xml_chunk {
	const struct cw_xmpp_element
		*header; /* the stream's first tag, without children; NULL: not in this piece */
	bool declares_dialback; /* the header declares the prefix db */
	const struct cw_xmpp_element *elements[XML_CHUNK_ELEMENTS_MAX]; /* of the first level */
	size_t n_elements;
	bool has_end; /* </stream:stream> */
	struct cw_arena arena;
};

/*
 * Read whole elements of a stream, with or without its header. Without one, they stand in a
 * stream that declares what Causeway's does.
 *
 * Returns: 0 and *out set, to be given to xml_chunk_finish; -EINVAL when it is not well-formed,
 * ends within an element or has too many.
 */
int xml_chunk_read(struct xml_chunk *out, struct cw_str bytes);

/* Free what it holds. */
void xml_chunk_finish(struct xml_chunk *chunk);

#endif
