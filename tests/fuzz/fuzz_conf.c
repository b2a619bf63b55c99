/* Any bytes as a configuration file: a tree or errors with places inside the text, never a crash. */
#include "core/conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct cw_conf_node *n, struct cw_diag *diag)
{
	size_t i;

	for (; n; n = n->next) {
		for (i = 0; i < n->n_args; i++) {
			struct cw_place place = cw_conf_place(n, &n->args[i]);

			if (place.line == 0 || place.column == 0 || place.width == 0)
				abort();
			cw_diag_add(diag, CW_SEVERITY_WARNING, &place, "%" CW_STR_FMT,
				CW_STR_ARG(n->args[i].text));
		}
		visit(n->children, diag);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;
	struct cw_diag diag = {0};
	struct cw_conf *conf;

	if (!sink)
		sink = fopen("/dev/null", "w");
	if (!sink ||
		cw_conf_parse(&conf, "fuzz", cw_str_make((const char *)data, size), &diag) != 0)
		abort();
	visit(conf->root, &diag);
	cw_diag_print(&diag, sink);
	cw_conf_destroy(conf);
	cw_diag_finish(&diag);
	return 0;
}
