#include "certs/keyring.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 32 bytes of 0 */
#define Z "__________________________________________8" /* 32 bytes of 0xff */

static char folder[] = "/tmp/test_keyring.XXXXXX";
static char path[64];

static void make_folder(void)
{
	strcpy(folder, "/tmp/test_keyring.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/token.keys", folder);
}

static void remove_folder(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* fails when a temporary file was left behind */
}

static void write_file(struct cw_str text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text.p, 1, text.len, f), text.len);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static const struct file_case {
	const char *name, *text;
	size_t n_keys;
	unsigned first_id, last_id;
	unsigned line, column; /* of the first error; 0 where the file as a whole is wrong */
	const char *message;   /* NULL: the file is right */
} file_cases[] = {
	{"one key", "7 " A "\n", 1, 7, 7, 0, 0, NULL},
	{"without a newline at the end", "7 " A, 1, 7, 7, 0, 0, NULL},
	{"the first one signs", "# rotated\n\n  255\t" Z "  # new\r\n0 " A "\n", 2, 255, 0, 0, 0,
		NULL},
	{"eight keys", "0 " A "\n1 " A "\n2 " A "\n3 " A "\n4 " A "\n5 " A "\n6 " A "\n7 " A "\n",
		8, 0, 7, 0, 0, NULL},
	{"nine keys",
		"0 " A "\n1 " A "\n2 " A "\n3 " A "\n4 " A "\n5 " A "\n6 " A "\n7 " A "\n8 " A "\n",
		0, 0, 0, 9, 1, "too many keys"},
	{"empty", "", 0, 0, 0, 0, 0, "holds no key"},
	{"only comments", "# none\n", 0, 0, 0, 0, 0, "holds no key"},
	{"number too large", "256 " A, 0, 0, 0, 1, 1, "0 to 255"},
	{"no number", A " 1", 0, 0, 0, 1, 1, "0 to 255"},
	{"no key", "\n12 ", 0, 0, 0, 2, 4, "32 bytes"},
	{"key too short", "1 AAAA", 0, 0, 0, 1, 3, "32 bytes"},
	{"key too long", "1 " A "AAAA", 0, 0, 0, 1, 3, "32 bytes"},
	{"another spelling of the key", "1 __________________________________________9", 0, 0, 0, 1,
		3, "32 bytes"},
	{"a third word", "1 " A " x", 0, 0, 0, 1, 47, "end of the line"},
	{"a number twice", "1 " A "\n1 " Z, 0, 0, 0, 2, 1, "stands above"},
};

START_TEST(reads_files)
{
	const struct file_case *c = &file_cases[_i];
	struct cw_keyring ring = {.n_keys = 99};
	struct cw_diag diag = {0};
	int r;

	write_file(cw_str_of(c->text), 0600);
	r = cw_keyring_load(&ring, path, &diag);
	if (c->message) {
		ck_assert_msg(r == -EINVAL && diag.errors == 1, "%s: return", c->name);
		ck_assert_msg(ring.n_keys == 99, "%s: output touched", c->name);
		ck_assert_str_eq(diag.entries[0].place.file, path);
		ck_assert_msg(strstr(diag.entries[0].message, c->message), "%s: %s", c->name,
			diag.entries[0].message);
		ck_assert_msg(diag.entries[0].place.line == c->line, "%s: line", c->name);
		ck_assert_msg(diag.entries[0].place.column == c->column, "%s: column", c->name);
	} else {
		ck_assert_msg(r == 0 && diag.errors == 0, "%s: return", c->name);
		ck_assert_msg(ring.n_keys == c->n_keys, "%s: number", c->name);
		ck_assert_msg(ring.keys[0].id == c->first_id, "%s: first", c->name);
		ck_assert_msg(ring.keys[c->n_keys - 1].id == c->last_id, "%s: last", c->name);
	}
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(finds_keys)
{
	struct cw_keyring ring;
	struct cw_diag diag = {0};
	uint8_t ones[CW_KEY_BYTES];

	memset(ones, 0xff, sizeof(ones));
	write_file(cw_str_of("0 " A "\n9 " Z "\n"), 0640);
	ck_assert_int_eq(cw_keyring_load(&ring, path, &diag), 0);
	ck_assert_ptr_nonnull(cw_keyring_find(&ring, 9));
	ck_assert(memcmp(cw_keyring_find(&ring, 9)->bytes, ones, sizeof(ones)) == 0);
	ck_assert_ptr_null(cw_keyring_find(&ring, 1));
	cw_keyring_finish(&ring);
	ck_assert_ptr_null(cw_keyring_find(&ring, 0));
	for (size_t i = 0; i < sizeof(ring); i++)
		ck_assert_uint_eq(((unsigned char *)&ring)[i], 0);
}
END_TEST

START_TEST(reports_all_errors_without_the_keys)
{
	struct cw_keyring ring;
	struct cw_diag diag = {0};

	write_file(
		cw_str_of("1 secretsecret\n2 " A " secretsecret\nsecretsecret 1\n3 " A "\n"), 0600);
	ck_assert_int_eq(cw_keyring_load(&ring, path, &diag), -EINVAL);
	ck_assert_uint_eq(diag.errors, 3);
	for (size_t i = 0; i < diag.count; i++) {
		ck_assert_ptr_null(strstr(diag.entries[i].message, "secret"));
		ck_assert_ptr_null(strstr(diag.entries[i].place.source.p, "secret"));
		ck_assert_ptr_null(strstr(diag.entries[i].place.source.p, A));
	}
	ck_assert_str_eq(diag.entries[0].place.source.p, "1 ************");
	cw_diag_finish(&diag);
}
END_TEST

static const struct mode_case {
	mode_t mode;
	bool fine;
} mode_cases[] = {
	{0600, true},
	{0400, true},
	{0640, true},
	{0660, false},
	{0644, false},
	{0601, false},
	{0602, false},
};

START_TEST(checks_the_mode)
{
	const struct mode_case *c = &mode_cases[_i];
	struct cw_keyring ring;
	struct cw_diag diag = {0};
	int r;

	write_file(cw_str_of("1 " A "\n"), c->mode);
	r = cw_keyring_load(&ring, path, &diag);
	ck_assert_msg(r == (c->fine ? 0 : -EINVAL), "mode %04o", (unsigned)c->mode);
	ck_assert_msg(diag.errors == (c->fine ? 0 : 1), "mode %04o", (unsigned)c->mode);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(makes_a_missing_file)
{
	struct cw_keyring first, second;
	struct cw_diag diag = {0};
	struct stat st;

	ck_assert_int_eq(cw_keyring_load(&first, path, &diag), 0);
	ck_assert_uint_eq(first.n_keys, 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777u, 0600);
	ck_assert_int_eq(cw_keyring_load(&second, path, &diag), 0);
	ck_assert(memcmp(&first, &second, sizeof(first)) == 0);
	unlink(path);
	ck_assert_int_eq(cw_keyring_load(&second, path, &diag), 0);
	ck_assert(memcmp(first.keys[0].bytes, second.keys[0].bytes, CW_KEY_BYTES) != 0);
	ck_assert_uint_eq(diag.errors, 0);
}
END_TEST

/* Each child writes the first key it got into the pipe; all must be the same. */
START_TEST(processes_agree_on_a_new_file)
{
	enum {
		CHILDREN = 8
	};
	uint8_t keys[CHILDREN][CW_KEY_BYTES];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct cw_keyring ring;
			struct cw_diag diag = {0};
			int r = cw_keyring_load(&ring, path, &diag);

			_exit(r ||
				write(ends[1], ring.keys[0].bytes, CW_KEY_BYTES) != CW_KEY_BYTES);
		}
	}
	for (int i = 0; i < CHILDREN; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(read(ends[0], keys[i], CW_KEY_BYTES), CW_KEY_BYTES);
		ck_assert(memcmp(keys[0], keys[i], CW_KEY_BYTES) == 0);
	}
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(names_what_cannot_be_read)
{
	struct cw_keyring ring;
	struct cw_diag diag = {0};
	char below[80];
	static char large[16385];

	snprintf(below, sizeof(below), "%s/absent/token.keys", folder);
	ck_assert_int_eq(cw_keyring_load(&ring, below, &diag), -ENOENT);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_str_eq(diag.entries[0].place.file, below);

	ck_assert_int_eq(cw_keyring_load(&ring, folder, &diag), -EINVAL);
	ck_assert_uint_eq(diag.errors, 2);

	ck_assert_int_eq(mkfifo(path, 0600), 0); /* nobody writes: it must not wait */
	ck_assert_int_eq(cw_keyring_load(&ring, path, &diag), -EINVAL);
	ck_assert_uint_eq(diag.errors, 3);
	unlink(path);

	memset(large, '\n', sizeof(large));
	write_file(cw_str_make(large, sizeof(large)), 0600);
	ck_assert_int_eq(cw_keyring_load(&ring, path, &diag), -EINVAL);
	ck_assert_uint_eq(diag.errors, 4);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(makes_a_key_in_memory)
{
	struct cw_keyring a, b;
	struct cw_diag diag = {0};

	ck_assert_int_eq(cw_keyring_load(&a, NULL, &diag), 0);
	ck_assert_int_eq(cw_keyring_load(&b, NULL, &diag), 0);
	ck_assert_uint_eq(a.n_keys, 1);
	ck_assert(memcmp(a.keys[0].bytes, b.keys[0].bytes, CW_KEY_BYTES) != 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keyring");
	TCase *tcase = tcase_create("keyring");

	tcase_add_checked_fixture(tcase, make_folder, remove_folder);
	ADD_ROWS(tcase, reads_files, file_cases);
	tcase_add_test(tcase, finds_keys);
	tcase_add_test(tcase, reports_all_errors_without_the_keys);
	ADD_ROWS(tcase, checks_the_mode, mode_cases);
	tcase_add_test(tcase, makes_a_missing_file);
	tcase_add_test(tcase, processes_agree_on_a_new_file);
	tcase_add_test(tcase, names_what_cannot_be_read);
	tcase_add_test(tcase, makes_a_key_in_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
