/*
 * Intrusive doubly linked lists.
 *
 * The list owns nothing by itself; the table that lists an object owns it. A struct cw_list
 * is the head when it stands in the owner and the link when it stands in an element.
 */
#ifndef CW_CORE_LIST_H
#define CW_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cw_list {
	struct cw_list *prev, *next;
};

/* The object of `type` whose member `member` is at `ptr`. */
#define cw_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Make an empty head, or a link that is in no list. */
static inline void cw_list_init(struct cw_list *l)
{
	l->prev = l->next = l;
}

/* Whether the head has no element (or the link is in no list). */
static inline bool cw_list_empty(const struct cw_list *l)
{
	return l->next == l;
}

/* Put `link` behind the last element of `head`. */
static inline void cw_list_append(struct cw_list *head, struct cw_list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Take `link` out of its list; harmless on a link that is in none. */
static inline void cw_list_remove(struct cw_list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	cw_list_init(link);
}

/* Walk `pos` (a struct cw_list *) over the links of `head`; `pos` itself must not be removed on the way. */
#define cw_list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* The same, and `pos` may be removed; `tmp` is a second struct cw_list *. */
#define cw_list_for_each_safe(pos, tmp, head)                                                      \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head);                           \
		(pos) = (tmp), (tmp) = (pos)->next)

#endif
