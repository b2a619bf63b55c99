/* Rule sets for tests, written as a configuration. */
#ifndef TESTS_SUPPORT_C_CONFIG_TEXT_H
#define TESTS_SUPPORT_C_CONFIG_TEXT_H

#include "analysis/reroute.h"
#include "daemon/config.h"

/*
 * The configuration that `text` is, named `name`. The test fails where it is wrong.
 *
 * Returns: it, owned by the caller.
 */
struct cw_config *config_of_text(const char *name, const char *text);

/* Its part in a comparison; borrowed. */
struct cw_dialplan config_dialplan(const struct cw_config *config);

#endif
