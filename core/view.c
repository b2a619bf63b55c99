/* Views: walks by key, and the list of all. */
#include "core/view.h"

#include <assert.h>

bool cw_view_row(struct cw_view_walk *walk, uint64_t key, const struct cw_view_cell *cells)
{
	assert(key > 0);
	if (walk->is_full)
		return false;
	if (key <= walk->after)
		return true;
	walk->after = key;
	walk->is_full = !walk->sink->row(walk->sink, cells);
	return !walk->is_full;
}

void cw_views_init(struct cw_views *views)
{
	cw_list_init(&views->list);
}

void cw_views_add(struct cw_views *views, struct cw_view *view)
{
	assert(view->n_columns <= CW_VIEW_COLUMNS_MAX && strlen(view->name) <= CW_VIEW_NAME_MAX);
	cw_list_append(&views->list, &view->link);
}

void cw_views_remove(struct cw_view *view)
{
	if (view->link.next)
		cw_list_remove(&view->link);
}

struct cw_view *cw_views_next(
	const struct cw_views *views, struct cw_str name, const struct cw_view *before)
{
	struct cw_list *link = before ? before->link.next : views->list.next;

	for (; link != &views->list; link = link->next) {
		struct cw_view *view = cw_container_of(link, struct cw_view, link);

		if (cw_str_eq(name, cw_str_of(view->name)))
			return view;
	}
	return NULL;
}
