/*
 * A request as the dial plan and the relay see it, whatever its protocol.
 */
#ifndef CW_DIALPLAN_REQUEST_H
#define CW_DIALPLAN_REQUEST_H

#include "core/str.h"

struct cw_zone;

enum cw_protocol {
	CW_PROTOCOL_SIP,
	CW_PROTOCOL_XMPP,
};

/* What kind of SIP a request speaks (causeway.conf(5), "What kind of SIP a request is"). Stanzas have CW_VARIANT_STANDARD. */
enum cw_variant {
	CW_VARIANT_STANDARD,
	CW_VARIANT_MS_IMP, /* Microsoft IM and presence */
	CW_VARIANT_MS_AV,  /* Microsoft audio and video */
	CW_VARIANT_MS_SIP, /* other Microsoft SIP */
	CW_VARIANT_ANY,    /* in a dialog and undecided: matches every variant criterion */
};

#define CW_TRACE_ID_MAX 24 /* bytes with NUL */

/* Everything the dial plan asks of a request. Slices are borrowed from whoever received it. */
struct cw_request {
	enum cw_protocol protocol;
	enum cw_variant variant;
	struct cw_str method; /* "MESSAGE"; a stanza's name */
	struct cw_str alias;  /* as cw_alias_prepare made it */
	const struct cw_zone
		*from;      /* the zone it came from; never NULL (the zone `default` is one) */
	bool authenticated; /* it came from a trusted zone */
};

/* "standard", "ms-imp", "ms-av", "ms-sip" or "any". */
const char *cw_variant_name(enum cw_variant variant);

/*
 * Read a variant's name as rules and commands spell it, without "any" and "microsoft".
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_variant_parse(struct cw_str name, enum cw_variant *out);

/*
 * What the method alone says of the variant, where no message is at hand: MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH and BENOTIFY are
 * taken for ms-imp, the rest for standard.
 */
enum cw_variant cw_variant_of_method(struct cw_str method);

/*
 * Read a protocol's name: "sip" or "xmpp".
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_protocol_parse(struct cw_str name, enum cw_protocol *out);

/* "sip" or "xmpp". */
const char *cw_protocol_name(enum cw_protocol protocol);

#endif
