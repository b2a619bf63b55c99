#include "certs/secret_file.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 1100

static char folder[] = "/tmp/test_secret_file.XXXXXX";
static char path[64];

static void make_folder(void)
{
	strcpy(folder, "/tmp/test_secret_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secret", folder);
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

static const struct secret_case {
	const char *name;
	struct cw_str text;
	mode_t mode;
	const char *secret;  /* NULL: it is refused */
	const char *message; /* then, a part of it */
	bool is_weak;        /* too short for one of ours */
} secret_cases[] = {
	{"a line", CW_STR("correct horse battery\n"), 0600, "correct horse battery", NULL, false},
	{"without its end", CW_STR("0123456789abcdef"), 0640, "0123456789abcdef", NULL, false},
	{"blanks around it", CW_STR("\t 0123456789abcdef \r\n\n"), 0400, "0123456789abcdef", NULL,
		false},
	{"no comment", CW_STR("# 0123456789abcdef"), 0600, "# 0123456789abcdef", NULL, false},
	{"short", CW_STR("hunter2\n"), 0600, "hunter2", NULL, true},
	{"empty", CW_STR(""), 0600, NULL, "holds no secret", false},
	{"blank", CW_STR(" \n\n"), 0600, NULL, "holds no secret", false},
	{"two lines", CW_STR("0123456789abcdef\nmore\n"), 0600, NULL, "more than a line", false},
	{"no text", CW_STR("0123456789abcdef\0"), 0600, NULL, "more than a line", false},
	{"open to others", CW_STR("0123456789abcdef"), 0604, NULL, "lets others", false},
	{"writable by its group", CW_STR("0123456789abcdef"), 0660, NULL, "lets others", false},
};

static void check_refusal(const char *name, const char *part, int r, const struct cw_secret *secret,
	const struct cw_diag *diag)
{
	ck_assert_msg(r == -EINVAL && diag->errors == 1, "%s: return", name);
	ck_assert_msg(secret->len == 99, "%s: output touched", name);
	ck_assert_str_eq(diag->entries[0].place.file, path);
	ck_assert_msg(
		strstr(diag->entries[0].message, part), "%s: %s", name, diag->entries[0].message);
}

/* What was read, or why it was not. */
static void check(const struct secret_case *c, bool is_ours)
{
	struct cw_secret secret = {.len = 99};
	struct cw_diag diag = {0};
	const char *part = is_ours && c->is_weak ? "too short" : c->message;
	int r = is_ours ? cw_secret_file_load(&secret, path, &diag)
			: cw_secret_file_read(&secret, path, &diag);

	if (part) {
		check_refusal(c->name, part, r, &secret, &diag);
	} else {
		ck_assert_msg(r == 0 && diag.errors == 0, "%s: return", c->name);
		ck_assert_msg(cw_str_eq(cw_secret_str(&secret), cw_str_of(c->secret)), "%s: secret",
			c->name);
	}
	cw_secret_finish(&secret);
	cw_diag_finish(&diag);
}

START_TEST(reads_files)
{
	const struct secret_case *c = &secret_cases[_i];

	write_file(c->text, c->mode);
	check(c, false);
	check(c, true);
}
END_TEST

START_TEST(bounds_a_file)
{
	static char text[TEXT_MAX];
	struct cw_secret secret;
	struct cw_diag diag = {0};

	memset(text, 'x', sizeof(text));
	write_file(cw_str_make(text, CW_SECRET_MAX), 0600);
	ck_assert_int_eq(cw_secret_file_read(&secret, path, &diag), 0);
	ck_assert_uint_eq(secret.len, CW_SECRET_MAX);
	write_file(cw_str_make(text, CW_SECRET_MAX + 1), 0600);
	ck_assert_int_eq(cw_secret_file_read(&secret, path, &diag), -EINVAL);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].message, "longer than 1024"));
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(makes_a_file_once)
{
	struct cw_secret first, second;
	struct cw_diag diag = {0};
	struct stat st;

	ck_assert_int_eq(cw_secret_file_load(&first, path, &diag), 0);
	ck_assert_uint_eq(first.len, 43);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777u, 0600);
	ck_assert_int_eq(cw_secret_file_load(&second, path, &diag), 0);
	ck_assert(cw_str_eq(cw_secret_str(&first), cw_secret_str(&second)));
	ck_assert_uint_eq(diag.errors, 0);
}
END_TEST

START_TEST(makes_one_in_memory)
{
	struct cw_secret first, second;
	struct cw_diag diag = {0};

	ck_assert_int_eq(cw_secret_file_load(&first, NULL, &diag), 0);
	ck_assert_int_eq(cw_secret_file_load(&second, NULL, &diag), 0);
	ck_assert_uint_eq(first.len, 43);
	ck_assert(!cw_str_eq(cw_secret_str(&first), cw_secret_str(&second)));
	cw_secret_finish(&first);
	for (size_t i = 0; i < sizeof(first); i++)
		ck_assert_uint_eq(((unsigned char *)&first)[i], 0);
}
END_TEST

START_TEST(says_what_cannot_be_done)
{
	struct cw_secret secret = {.len = 99};
	struct cw_diag diag = {0};

	ck_assert_int_eq(cw_secret_file_read(&secret, path, &diag), -ENOENT);
	ck_assert_int_eq(
		cw_secret_file_load(&secret, "/nonexistent/folder/secret", &diag), -ENOENT);
	ck_assert_int_eq(cw_secret_file_load(&secret, folder, &diag), -EINVAL);
	ck_assert_uint_eq(diag.errors, 3);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].message, "cannot be opened: No such file"));
	ck_assert_ptr_nonnull(strstr(diag.entries[1].message, "cannot be made: No such file"));
	ck_assert_ptr_nonnull(strstr(diag.entries[2].message, "is no regular file"));
	ck_assert_uint_eq(secret.len, 99);
	cw_diag_finish(&diag);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secret_file");
	TCase *tc = tcase_create("secret_file");

	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	ADD_ROWS(tc, reads_files, secret_cases);
	tcase_add_test(tc, bounds_a_file);
	tcase_add_test(tc, makes_a_file_once);
	tcase_add_test(tc, makes_one_in_memory);
	tcase_add_test(tc, says_what_cannot_be_done);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
