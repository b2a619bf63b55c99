/*
 * Findings about rules.
 */
#include "analysis/finding.h"

#include <errno.h>
#include <stdlib.h>

static const char *const kind_names[] = {
	[CW_FINDING_UNREACHABLE] = "unreachable",
	[CW_FINDING_SHADOWED] = "shadowed",
	[CW_FINDING_DUPLICATE] = "duplicate",
	[CW_FINDING_OVERLAP] = "overlap",
	[CW_FINDING_UNDECIDED] = "not-decided",
	[CW_FINDING_UNESCAPED_DOT] = "unescaped-dot",
	[CW_FINDING_STRAY_BLANK] = "stray-blank",
	[CW_FINDING_OPEN] = "open",
	[CW_FINDING_NO_NOTIFY] = "no-notify-rule",
	[CW_FINDING_CATASTROPHIC] = "catastrophic",
};

int cw_findings_add(struct cw_findings *findings, const struct cw_finding *finding)
{
	size_t wanted = findings->capacity ? findings->capacity * 2 : 16;
	struct cw_finding *moved;

	if (findings->count == findings->capacity) {
		moved = cw_arena_alloc(findings->arena, wanted * sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		if (findings->count)
			memcpy(moved, findings->all, findings->count * sizeof(*moved));
		findings->all = moved;
		findings->capacity = wanted;
	}
	findings->all[findings->count++] = *finding;
	findings->warnings += finding->level == CW_FINDING_WARNING;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct cw_finding *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule->index < y->rule->index ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

void cw_findings_sort(struct cw_findings *findings)
{
	if (findings->count)
		qsort(findings->all, findings->count, sizeof(*findings->all), compare);
}

const char *cw_finding_kind_name(enum cw_finding_kind kind)
{
	return kind_names[kind];
}
