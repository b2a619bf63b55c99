#include "relay/fate.h"

static const char *const fate_names[] = {
	[CW_FATE_DELIVERED] = "delivered",
	[CW_FATE_SENT] = "sent",
	[CW_FATE_REJECTED] = "rejected",
	[CW_FATE_FAILED] = "failed",
	[CW_FATE_EXPIRED] = "expired",
	[CW_FATE_UNKNOWN] = "unknown",
};

const char *cw_fate_name(enum cw_fate fate)
{
	return fate_names[fate];
}

static uint64_t *counter(
	struct cw_stats *stats, const char *prefix, const char *group, const char *name)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s%s%s", prefix, group, name);
	return cw_stats_counter(stats, whole);
}

void cw_fates_init(struct cw_fates *fates, struct cw_stats *stats, const char *prefix)
{
	fates->received = counter(stats, prefix, "requests.", "received");
	fates->open = counter(stats, prefix, "requests.", "open");
	fates->unaccounted = counter(stats, prefix, "", "unaccounted");
	for (int i = 0; i < CW_FATE_COUNT; i++)
		fates->booked[i] = counter(stats, prefix, "fate.", fate_names[i]);
}

void cw_fates_open(struct cw_fates *fates)
{
	(*fates->received)++;
}

void cw_fates_book(struct cw_fates *fates, enum cw_fate fate)
{
	(*fates->booked[fate])++;
}

void cw_fates_settle(struct cw_fates *fates, size_t alive)
{
	uint64_t known = alive;

	for (int i = 0; i < CW_FATE_COUNT; i++)
		known += *fates->booked[i];
	*fates->open = alive;
	*fates->unaccounted = *fates->received - known;
}
