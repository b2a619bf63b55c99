/* Counting incoming connections. */
#include "net/admission.h"

#include "core/table.h"

#include <stdlib.h>

#define PREFIX_V6 8 /* bytes: whoever has one IPv6 address has the whole /64 */

struct cw_admission_host {
	struct cw_table_link link;
	uint8_t key[CW_ADDRESS_HOST_BYTES];
	unsigned connections, half_open;
	size_t input;
};

struct cw_admission {
	struct cw_admission_limits limits;
	struct cw_table hosts; /* struct cw_admission_host, those with connections */
	unsigned connections, half_open;
	size_t input;
};

struct cw_admission *cw_admission_create(void)
{
	struct cw_admission *admission = calloc(1, sizeof(*admission));

	if (!admission)
		return NULL;
	admission->limits = (struct cw_admission_limits){
		.connections = CW_LISTENER_CONNECTIONS_MAX,
		.per_address = CW_LISTENER_PER_ADDRESS_MAX,
		.half_open = CW_LISTENER_HALF_OPEN_MAX,
		.half_open_total = CW_LISTENER_CONNECTIONS_MAX,
		.input = CW_LISTENER_INPUT_MAX,
		.input_per_address = CW_LISTENER_INPUT_PER_ADDRESS_MAX,
	};
	cw_table_init(&admission->hosts);
	return admission;
}

void cw_admission_set_limits(
	struct cw_admission *admission, const struct cw_admission_limits *limits)
{
	admission->limits = *limits;
}

void cw_admission_destroy(struct cw_admission *admission)
{
	if (!admission)
		return;
	cw_table_finish(&admission->hosts);
	free(admission);
}

static bool is_v6(const uint8_t *host)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(host, mapped, sizeof(mapped)) != 0;
}

/* The entry of that host, made when it is new; NULL when memory is short. */
static struct cw_admission_host *find_host(
	struct cw_admission *admission, const struct cw_address *remote)
{
	struct cw_admission_host *host;
	struct cw_table_link *found;
	uint8_t key[CW_ADDRESS_HOST_BYTES];

	cw_address_host_bytes(remote, key);
	if (is_v6(key))
		memset(key + PREFIX_V6, 0, sizeof(key) - PREFIX_V6);
	found = cw_table_find(&admission->hosts, cw_str_make((const char *)key, sizeof(key)));
	if (found)
		return cw_container_of(found, struct cw_admission_host, link);
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	memcpy(host->key, key, sizeof(key));
	if (cw_table_insert(&admission->hosts, &host->link,
		    cw_str_make((const char *)host->key, sizeof(host->key)))) {
		free(host);
		return NULL;
	}
	return host;
}

static void drop_host_if_idle(struct cw_admission *admission, struct cw_admission_host *host)
{
	if (host->connections > 0)
		return;
	cw_table_remove(&admission->hosts, &host->link);
	free(host);
}

const char *cw_admission_enter(struct cw_admission *admission, struct cw_admission_seat *seat,
	const struct cw_address *remote)
{
	const struct cw_admission_limits *limits = &admission->limits;
	struct cw_admission_host *host;
	const char *reason = NULL;

	if (admission->connections >= limits->connections)
		return "connections";
	if (admission->half_open >= limits->half_open_total)
		return "half-open-total";
	host = find_host(admission, remote);
	if (!host)
		return "memory";
	if (host->connections >= limits->per_address)
		reason = "per-address";
	else if (host->half_open >= limits->half_open)
		reason = "half-open";
	if (reason) {
		drop_host_if_idle(admission, host);
		return reason;
	}
	admission->connections++;
	admission->half_open++;
	host->connections++;
	host->half_open++;
	*seat = (struct cw_admission_seat){
		.admission = admission, .host = host, .is_half_open = true};
	return NULL;
}

void cw_admission_opened(struct cw_admission_seat *seat)
{
	if (!seat->host || !seat->is_half_open)
		return;
	seat->host->half_open--;
	seat->admission->half_open--;
	seat->is_half_open = false;
}

bool cw_admission_hold(struct cw_admission_seat *seat, size_t input)
{
	struct cw_admission *admission = seat->admission;
	struct cw_admission_host *host = seat->host;

	if (!host || input == seat->input)
		return true;
	if (input > seat->input) {
		size_t more = input - seat->input;

		if (admission->input + more > admission->limits.input ||
			host->input + more > admission->limits.input_per_address)
			return false;
	}
	admission->input += input - seat->input;
	host->input += input - seat->input;
	seat->input = input;
	return true;
}

void cw_admission_leave(struct cw_admission_seat *seat)
{
	if (!seat->host)
		return;
	cw_admission_opened(seat);
	cw_admission_hold(seat, 0);
	seat->host->connections--;
	seat->admission->connections--;
	drop_host_if_idle(seat->admission, seat->host);
	*seat = (struct cw_admission_seat){0};
}
