/*
 * Sofia-SIP's grammar as a judge of header values. This is the only place that calls Sofia for requests on the wire.
 */
#ifndef CW_SIP_GRAMMAR_H
#define CW_SIP_GRAMMAR_H

#include "sip/message.h"

/*
 * Bounds on one header line before Sofia sees it: its parser calls itself for every value of a list (a header of 64 KiB
 * of commas is a stack of 32,000 calls), and copies the parameters it has with every eighth that comes.
 */
#define CW_SIP_LINE_COMMAS_MAX     256
#define CW_SIP_LINE_SEMICOLONS_MAX 512

/* Answers of cw_sip_grammar_check; *bad is then the line. */
enum {
	CW_GRAMMAR_E_MALFORMED = 1,
	CW_GRAMMAR_E_REPEATED, /* a header that may stand there once, for the second time */
	CW_GRAMMAR_E_LONG,     /* more list values or parameters than the bounds allow */
};

/*
 * Check the values of all lines whose headers Sofia knows, and that those which may stand there once do.
 *
 * Returns: 0; a CW_GRAMMAR_E_* with *bad set; -ENOMEM.
 */
int cw_sip_grammar_check(
	const struct cw_sip_line *lines, size_t n_lines, const struct cw_sip_line **bad);

#endif
