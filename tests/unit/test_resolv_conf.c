#include "net/resolv_conf.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const struct file_case {
	const char *name, *text;
	const char *servers;
} file_cases[] = {
	{"one", "nameserver 192.0.2.1\n", "192.0.2.1:53"},
	{"more, in order", "nameserver 192.0.2.2\nnameserver 2001:db8::1\n",
		"192.0.2.2:53 [2001:db8::1]:53"},
	{"blanks, a carriage return, no newline at the end",
		"  nameserver\t 192.0.2.1 \r\nnameserver 192.0.2.2", "192.0.2.1:53 192.0.2.2:53"},
	{"comments and other lines",
		"# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nsearch example.com\noptions "
		"ndots:5\nnameserver 192.0.2.1 # office\n",
		"192.0.2.1:53"},
	{"other keywords that begin so", "nameservers 192.0.2.1\nnameserver 192.0.2.2\n",
		"192.0.2.2:53"},
	{"not an address", "nameserver dns.example\nnameserver 192.0.2.2\n", "192.0.2.2:53"},
	{"six at most",
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver "
		"192.0.2.4\n"
		"nameserver 192.0.2.5\nnameserver 192.0.2.6\nnameserver 192.0.2.7\n",
		"192.0.2.1:53 192.0.2.2:53 192.0.2.3:53 192.0.2.4:53 192.0.2.5:53 192.0.2.6:53"},
	{"none", "search example.com\n", "127.0.0.1:53"},
	{"empty", "", "127.0.0.1:53"},
};

static void describe(char *out, size_t room, const struct cw_dns_servers *servers)
{
	char text[CW_ADDRESS_TEXT_MAX];
	size_t len = 0;

	for (size_t i = 0; i < servers->n; i++) {
		cw_address_format(&servers->addresses[i], text);
		len += (size_t)snprintf(out + len, room - len, "%s%s", i ? " " : "", text);
	}
}

START_TEST(reads_servers)
{
	const struct file_case *c = &file_cases[_i];
	char path[] = "/tmp/test_resolv_conf.XXXXXX";
	struct cw_dns_servers servers = {.n = 99};
	char text[512];
	int fd = mkstemp(path);
	int r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, c->text, strlen(c->text)), (ssize_t)strlen(c->text));
	close(fd);
	r = cw_resolv_conf_read(&servers, path);
	unlink(path);
	ck_assert_msg(r == 0, "%s: return", c->name);
	describe(text, sizeof(text), &servers);
	ck_assert_msg(strcmp(text, c->servers) == 0, "%s: %s", c->name, text);
}
END_TEST

START_TEST(does_without_a_file)
{
	struct cw_dns_servers servers = {.n = 99};
	char text[64];

	ck_assert_int_eq(cw_resolv_conf_read(&servers, "/nonexistent/resolv.conf"), 0);
	describe(text, sizeof(text), &servers);
	ck_assert_str_eq(text, "127.0.0.1:53");
	servers.n = 99;
	ck_assert_int_eq(cw_resolv_conf_read(&servers, "/dev/null/resolv.conf"), -ENOTDIR);
	ck_assert_uint_eq(servers.n, 99);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolv_conf");
	TCase *tcase = tcase_create("resolv_conf");

	ADD_ROWS(tcase, reads_servers, file_cases);
	tcase_add_test(tcase, does_without_a_file);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
