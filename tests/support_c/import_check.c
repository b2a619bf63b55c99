#include "tests/support_c/import_check.h"

#include "core/buf.h"
#include "daemon/config.h"

/* The zones that the head names, as blocks. */
static void add_zones(struct cw_buf *b, struct cw_str file)
{
	static const struct cw_str mark = CW_STR("#     zone "), end = CW_STR(" { type dns }\n"),
				   comment = CW_STR("#");
	struct cw_str line;

	while (cw_str_starts(file, comment)) {
		line = cw_str_make(file.p, cw_str_find(file, '\n'));
		if (cw_str_starts(line, mark)) {
			cw_buf_add(b, cw_str_from(line, 2));
			cw_buf_add(b, end);
		}
		file = cw_str_from(file, line.len + 1);
	}
}

bool import_check(struct cw_str file, size_t n_rules)
{
	struct cw_diag diag = {0};
	struct cw_config *config;
	struct cw_buf text = {0};
	size_t n = 0;
	bool is_right;

	cw_buf_add(&text, cw_str_of("hostname h.example\n"));
	add_zones(&text, file);
	cw_buf_add(&text, file);
	if (text.error || cw_config_parse(&config, "imported", cw_buf_str(&text), &diag) != 0)
		return false;
	(void)cw_ruleset_rules(config->rules, &n);
	is_right = diag.errors == 0 && n == n_rules;
	if (!is_right) {
		cw_diag_print(&diag, stderr);
		fprintf(stderr, "%zu rules of %zu in\n%" CW_STR_FMT, n, n_rules,
			CW_STR_ARG(cw_buf_str(&text)));
	}
	cw_config_destroy(config);
	cw_diag_finish(&diag);
	cw_buf_finish(&text);
	return is_right;
}
