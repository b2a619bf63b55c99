/* What the fuzzed configurations call in place of the C library's glob() and lstat(). */
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>

int __wrap_glob64(const char *pattern, int flags, int (*error)(const char *, int), glob_t *out);
int __wrap_lstat64(const char *path, struct stat *out);

/*
 * Includes find nothing: the bytes may not choose which files of this machine are read. Meson asks
 * for 64-bit offsets, under which the C library's functions have these names.
 */
int __wrap_glob64(const char *pattern, int flags, int (*error)(const char *, int), glob_t *out)
{
	(void)pattern;
	(void)flags;
	(void)error;
	(void)out;
	return GLOB_NOMATCH;
}

int __wrap_lstat64(const char *path, struct stat *out)
{
	(void)path;
	(void)out;
	errno = ENOENT;
	return -1;
}
