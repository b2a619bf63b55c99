/*
 * The mandatory literal of a regex: text that every match must hold, so that its absence is a plain no-match.
 *
 * It keeps the expensive question from being asked where the answer is known, and keeps a pattern that would exceed its match limit from
 * failing requests that it cannot match.
 */
#ifndef CW_DIALPLAN_LITERAL_H
#define CW_DIALPLAN_LITERAL_H

#include "core/str.h"

/*
 * Find the longest run of bytes that every text which `regex` matches holds, compared caseless (ASCII). Only what is certain is said:
 * of groups, alternatives, inline options and verbs nothing, so that many a regex has none. The regex must be one that compiles.
 *
 * Writes it in lower case to `out`, which has room for regex.len bytes. Returns: its length, 0 when there is none.
 */
size_t cw_literal_find(char *out, struct cw_str regex);

/* Whether `text` holds `literal` (in lower case), caseless (ASCII). Everything holds the empty literal. */
bool cw_literal_is_in(struct cw_str literal, struct cw_str text);

#endif
