/*
 * Ask a DNS server through our resolver and print what it says.
 *
 *   lookup SERVER srv NAME        "STATUS", then a line "PRIORITY WEIGHT PORT TARGET" for each record, in the order to try
 *   lookup SERVER host NAME       "STATUS", then a line for each address
 */
#include "net/dns.h"

#include <stdio.h>
#include <stdlib.h>

static void print(void *arg, const struct cw_dns_answer *answer)
{
	char text[CW_ADDRESS_TEXT_MAX];

	printf("%s\n", cw_dns_status_name(answer->status));
	for (size_t i = 0; i < answer->n_srv; i++)
		printf("%u %u %u %s\n", answer->srv[i].priority, answer->srv[i].weight,
			answer->srv[i].port, answer->srv[i].target.p);
	for (size_t i = 0; i < answer->n_addresses; i++) {
		cw_address_format_host(&answer->addresses[i], text);
		printf("%s\n", text);
	}
	cw_loop_stop(arg);
}

static int ask(struct cw_loop *loop, struct cw_dns *dns, const char *what, const char *name)
{
	struct cw_dns_query *query;
	int r = strcmp(what, "srv") == 0
			? cw_dns_srv(&query, dns, cw_str_of(name), print, loop)
			: cw_dns_addresses(&query, dns, cw_str_of(name), 0, print, loop);

	return r ? r : cw_loop_run(loop);
}

int main(int argc, char **argv)
{
	struct cw_stats *stats = cw_stats_create();
	struct cw_address server;
	struct cw_loop *loop = NULL;
	struct cw_dns *dns = NULL;
	int status = EXIT_FAILURE;

	if (argc != 4 || cw_address_parse(&server, cw_str_of(argv[1])))
		fprintf(stderr, "usage: lookup ADDRESS:PORT srv|host NAME\n");
	else if (stats && !cw_loop_create(&loop) &&
		 !cw_dns_create(&dns, loop, stats, &server, 1, NULL) &&
		 !ask(loop, dns, argv[2], argv[3]))
		status = EXIT_SUCCESS;
	cw_dns_destroy(dns);
	cw_loop_destroy(loop);
	cw_stats_destroy(stats);
	return status;
}
