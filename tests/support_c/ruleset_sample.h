/* A small rule set for the tests of what is printed about rule sets. */
#ifndef TESTS_SUPPORT_C_RULESET_SAMPLE_H
#define TESTS_SUPPORT_C_RULESET_SAMPLE_H

#include "dialplan/ruleset.h"

#define SAMPLE_ZONES 4

/* The zones `default`, IMP (trusted), edge and "far away", in this order. */
extern const struct cw_zone *const sample_zones[SAMPLE_ZONES];

/*
 * Seven rules and two transforms, as if read from "rules/sample.rules" (or `file`); see ruleset_sample.c.
 *
 * Returns: the sealed set, owned by the caller; NULL when memory is short.
 */
struct cw_ruleset *sample_ruleset(const char *file);

#endif
