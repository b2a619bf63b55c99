/* What is logged. */
#include "daemon/config_read.h"

/* The first words of all areas; one that begins otherwise is a typing error. */
static const char *const components[] = {"certs", "control", "daemon", "net", "sip", "xmpp", NULL};

static bool is_known_area(struct cw_str area)
{
	struct cw_str component = cw_str_make(area.p, cw_str_find(area, '.'));
	size_t i;

	for (i = 0; components[i]; i++)
		if (cw_str_eq(component, cw_str_of(components[i])))
			return area.len < CW_LOG_AREA_MAX && area.p[area.len - 1] != '.';
	return false;
}

static void report_area(struct cw_reader *r, const struct cw_conf_node *node)
{
	const char *nearest = cw_diag_nearest(node->args[0].text, components);

	cw_read_error(r, node, &node->args[0],
		"log: expected an area such as sip, sip.request, xmpp, net, certs or daemon%s%s%s",
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static void report_level(
	struct cw_reader *r, const struct cw_conf_node *node, const struct cw_conf_word *word)
{
	static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
	const char *nearest = cw_diag_nearest(word->text, levels);

	cw_read_error(r, node, word, "log: expected error, warn, info or debug%s%s%s",
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* Whether that area, or what has none (""), may have a level: the first, and one of not too many. */
static bool may_have_level(struct cw_reader *r, const struct cw_conf_node *node, struct cw_str area)
{
	size_t n_areas = area.len > 0, i;

	for (i = 0; i < r->n_log_levels; i++) {
		if (cw_str_eq(cw_str_of(r->log_levels[i].area), area)) {
			cw_read_error(r, node, &node->keyword, "log: this level is set twice");
			return false;
		}
		n_areas += r->log_levels[i].area[0] != '\0';
	}
	if (n_areas > CW_LOG_AREAS_MAX)
		cw_read_error(r, node, &node->keyword, "more than %d areas have a level",
			CW_LOG_AREAS_MAX);
	return n_areas <= CW_LOG_AREAS_MAX;
}

void cw_read_log(struct cw_reader *r, const struct cw_conf_node *node)
{
	const struct cw_conf_word *word = &node->args[node->n_args - 1];
	struct cw_config_log_level line = {0}, *items;
	struct cw_str area = {"", 0};

	if (node->n_args == 2)
		area = node->args[0].text;
	if (node->n_args == 2 && !is_known_area(area)) {
		report_area(r, node);
		return;
	}
	if (cw_log_level_parse(word->text, &line.level) != 0) {
		report_level(r, node, word);
		return;
	}
	if (!may_have_level(r, node, area))
		return;
	line.area = cw_read_copy(r, area).p;
	items = cw_read_grow(r, r->log_levels, r->n_log_levels, sizeof(*items));
	if (!items)
		return;
	items[r->n_log_levels++] = line;
	r->log_levels = items;
}

void cw_config_apply_log_levels(const struct cw_config *config)
{
	enum cw_log_level others = CW_LOG_INFO;
	size_t i;

	for (i = 0; i < config->n_log_levels; i++)
		if (config->log_levels[i].area[0] == '\0')
			others = config->log_levels[i].level;
	(void)cw_log_set_level(NULL, others);
	for (i = 0; i < config->n_log_levels; i++)
		if (config->log_levels[i].area[0] != '\0')
			(void)cw_log_set_level(
				config->log_levels[i].area, config->log_levels[i].level);
}
