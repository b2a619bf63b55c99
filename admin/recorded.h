/*
 * Recorded requests, asked of two rule sets: which of them change their way.
 *
 * One JSON object a line:
 *
 *   {"alias":"bob@x.example","from":"IMP","protocol":"sip","variant":"ms-imp","authenticated":true}
 *
 * All keys but `alias` may be left out: `from` is then the zone `default`, `protocol` sip, `variant` that of a MESSAGE (standard for protocol xmpp), and
 * a request is authenticated where its zone is trusted. Other keys are not looked at. The alias is prepared as that of a request is.
 */
#ifndef CW_ADMIN_RECORDED_H
#define CW_ADMIN_RECORDED_H

#include "analysis/reroute.h"
#include "core/diag.h"

#define CW_RECORDED_LINE_MAX       16384 /* bytes of a line */
#define CW_RECORDED_COMPLAINTS_MAX 10 /* lines that cannot be read and are said; all are counted */

/* Embed it, zeroed but for `sides`. */
struct cw_recorded {
	struct cw_dialplan sides[CW_SIDES];
	uint64_t requests;   /* that were read */
	uint64_t changed;    /* of them */
	uint64_t unreadable; /* lines that are none */
};

/*
 * Ask both sets about the lines of `text`; `name` stands for the file in messages. Requests that change their way are counted in *out under the rule that decided
 * before and under the one that decides after. Lines that cannot be read are warnings in `diag`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_recorded_run(struct cw_recorded *run, const char *name, struct cw_str text,
	struct cw_reroutes *out, struct cw_diag *diag);

#endif
