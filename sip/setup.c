#include "sip/setup.h"

#define TLS_PORT 5061
#define TCP_PORT 5060

const struct cw_zone *cw_sip_setup_zone(const struct cw_sip_setup *setup, struct cw_str name)
{
	for (size_t i = 0; i < setup->n_zones; i++)
		if (cw_str_eq(setup->zones[i]->name, name))
			return setup->zones[i];
	return NULL;
}

unsigned cw_sip_setup_port(const struct cw_sip_setup *setup, enum cw_zone_transport transport)
{
	if (transport == CW_ZONE_TCP)
		return setup->tcp_port ? setup->tcp_port : TCP_PORT;
	return setup->tls_port ? setup->tls_port : TLS_PORT;
}
