/* Any bytes as rules of an Expressway: refused as a whole, or made into a rule file that loads and holds the rules that were counted. */
#include "admin/rule_import.h"

#include "tests/support_c/import_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_str text = {(const char *)data, size};
	struct cw_rule_import result;
	size_t file_len, remarks_len;
	char *file, *remarks;
	FILE *out = open_memstream(&file, &file_len),
	     *told = open_memstream(&remarks, &remarks_len);
	int r;

	require(out && told);
	r = cw_rule_import(&result, out, told, "fuzz", text);
	(void)fclose(out);
	(void)fclose(told);
	if (r) {
		require(r == CW_RULE_IMPORT_E_UNREADABLE && result.unreadable && file_len == 0);
	} else {
		require(result.carried + result.refused > 0 && result.remarks >= result.refused);
		require(result.remarks == cw_str_count(cw_str_make(remarks, remarks_len), '\n'));
		require(import_check(cw_str_make(file, file_len), result.carried));
	}
	free(file);
	free(remarks);
	return 0;
}
