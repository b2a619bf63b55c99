#include "tests/support_c/config_text.h"

#include <check.h>

struct cw_config *config_of_text(const char *name, const char *text)
{
	struct cw_config *config = NULL;
	struct cw_diag diag = {0};

	ck_assert_int_eq(cw_config_parse(&config, name, cw_str_of(text), &diag), 0);
	ck_assert_msg(diag.errors == 0, "%s: %s\n%s", name,
		diag.count ? diag.entries[0].message : "", text);
	cw_diag_finish(&diag);
	return config;
}

struct cw_dialplan config_dialplan(const struct cw_config *config)
{
	return (struct cw_dialplan){config->rules, config->zones, config->n_zones};
}
