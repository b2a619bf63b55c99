/* Reading resolv.conf. */
#include "net/resolv_conf.h"

#include <errno.h>
#include <stdio.h>

#define DNS_PORT       53
#define LINE_MAX_BYTES 512

static struct cw_str next_word(struct cw_str *rest)
{
	struct cw_str word;

	*rest = cw_str_trim(*rest);
	word = cw_str_make(rest->p, 0);
	while (word.len < rest->len && word.p[word.len] != ' ' && word.p[word.len] != '\t')
		word.len++;
	*rest = cw_str_from(*rest, word.len);
	return word;
}

static void read_line(struct cw_dns_servers *servers, struct cw_str line)
{
	static const struct cw_str nameserver = CW_STR("nameserver");
	struct cw_str keyword = next_word(&line);
	struct cw_str value = next_word(&line);

	if (servers->n < CW_DNS_SERVERS_MAX && cw_str_eq(keyword, nameserver) &&
		cw_address_make(&servers->addresses[servers->n], value, DNS_PORT) == 0)
		servers->n++;
}

int cw_resolv_conf_read(struct cw_dns_servers *out, const char *path)
{
	static const struct cw_str this_machine = CW_STR("nameserver 127.0.0.1");
	struct cw_dns_servers servers = {.n = 0};
	char line[LINE_MAX_BYTES];
	FILE *f = fopen(path, "re");

	if (!f && errno != ENOENT)
		return -errno;
	while (f && fgets(line, sizeof(line), f))
		read_line(&servers, cw_str_of(line));
	if (f)
		fclose(f);
	if (servers.n == 0)
		read_line(&servers, this_machine);
	*out = servers;
	return 0;
}
