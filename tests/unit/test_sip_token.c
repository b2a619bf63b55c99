#include "sip/token.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static const struct cw_keyring ring = {
	.keys = {{.id = 7, .bytes = {1, 2, 3}}, {.id = 6, .bytes = {9, 9, 9}}}, .n_keys = 2};
static const struct cw_str call_id = CW_STR("1514bbbfa44b95fd@edge.ms.example");

static struct cw_token inner_to_outside(void)
{
	return (struct cw_token){
		.sides = {{.outside = false, .zone = cw_token_zone_id(cw_str_of("IMP"))},
			{.outside = true, .zone = cw_token_zone_id(cw_str_of("internet"))}},
		.variant = CW_VARIANT_MS_IMP,
		.domain = CW_STR("ms.example")};
}

/* Verify a heap copy of `text`. */
static int verify(struct cw_token *token, char *room, const char *text, size_t len,
	struct cw_str id, const struct cw_keyring *keys)
{
	struct cw_str copy = heap_copy(cw_str_make(text, len)), id_copy = heap_copy(id);
	int r = cw_token_verify(token, room, copy, id_copy, keys);

	heap_free(copy);
	heap_free(id_copy);
	return r;
}

START_TEST(reads_what_it_wrote)
{
	struct cw_token in = inner_to_outside(), out;
	char text[CW_TOKEN_TEXT_MAX], room[CW_TOKEN_DOMAIN_MAX + 1];

	in.variant = (enum cw_variant)_i;
	ck_assert_int_eq(cw_token_mint(text, &in, call_id, &ring), 0);
	ck_assert_int_eq(verify(&out, room, text, strlen(text), call_id, &ring), 0);
	ck_assert(!out.sides[0].outside && out.sides[1].outside);
	ck_assert(out.sides[0].zone == in.sides[0].zone && out.sides[1].zone == in.sides[1].zone);
	ck_assert_int_eq((int)out.variant, _i);
	ck_assert(cw_str_eq(out.domain, in.domain));
	ck_assert_ptr_eq(out.domain.p, room);
}
END_TEST

static const size_t domain_lengths[] = {0, 1, CW_TOKEN_DOMAIN_MAX, CW_TOKEN_DOMAIN_MAX + 1};

START_TEST(takes_domains_of_every_length)
{
	struct cw_token in = inner_to_outside(), out;
	char text[CW_TOKEN_TEXT_MAX], room[CW_TOKEN_DOMAIN_MAX + 1], domain[300];
	size_t len = domain_lengths[_i];

	memset(domain, 'd', sizeof(domain));
	in.domain = cw_str_make(domain, len);
	if (len > CW_TOKEN_DOMAIN_MAX) {
		ck_assert_int_eq(cw_token_mint(text, &in, call_id, &ring), -EINVAL);
		return;
	}
	ck_assert_int_eq(cw_token_mint(text, &in, call_id, &ring), 0);
	ck_assert_uint_lt(strlen(text), CW_TOKEN_TEXT_MAX);
	ck_assert_int_eq(verify(&out, room, text, strlen(text), call_id, &ring), 0);
	ck_assert(cw_str_eq(out.domain, in.domain));
}
END_TEST

START_TEST(refuses_every_changed_character)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct cw_token in = inner_to_outside(), out = {.variant = CW_VARIANT_MS_AV};
	char text[CW_TOKEN_TEXT_MAX], room[CW_TOKEN_DOMAIN_MAX + 1];

	ck_assert_int_eq(cw_token_mint(text, &in, call_id, &ring), 0);
	for (size_t i = 0; i < strlen(text); i++) {
		char was = text[i];

		for (size_t k = 0; k < sizeof(alphabet) - 1; k++) {
			if (alphabet[k] == was)
				continue;
			text[i] = alphabet[k];
			ck_assert_int_gt(verify(&out, room, text, strlen(text), call_id, &ring), 0);
		}
		text[i] = was;
	}
	ck_assert_int_eq((int)out.variant, CW_VARIANT_MS_AV);
}
END_TEST

START_TEST(refuses_every_other_length)
{
	struct cw_token in = inner_to_outside(), out;
	char text[CW_TOKEN_TEXT_MAX + 4], room[CW_TOKEN_DOMAIN_MAX + 1];
	size_t len;

	ck_assert_int_eq(cw_token_mint(text, &in, call_id, &ring), 0);
	len = strlen(text);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_gt(verify(&out, room, text, cut, call_id, &ring), 0);
	memset(text + len, 'A', 4);
	for (size_t more = 1; more <= 4; more++)
		ck_assert_int_gt(verify(&out, room, text, len + more, call_id, &ring), 0);
}
END_TEST

START_TEST(is_bound_to_the_call_id)
{
	struct cw_token in = inner_to_outside(), out;
	char text[CW_TOKEN_TEXT_MAX], room[CW_TOKEN_DOMAIN_MAX + 1];
	static const char *others[] = {"", "1514bbbfa44b95fd@edge.ms.exampl",
		"1514bbbfa44b95fd@edge.ms.example1", "1514BBBFA44b95fd@edge.ms.example"};

	ck_assert_int_eq(cw_token_mint(text, &in, call_id, &ring), 0);
	for (size_t i = 0; i < N_ELEMENTS(others); i++)
		ck_assert_int_eq(
			verify(&out, room, text, strlen(text), cw_str_of(others[i]), &ring),
			CW_TOKEN_E_FORGED);
}
END_TEST

/* The end of a domain must not pass for the begin of a Call-ID. */
START_TEST(keeps_domain_and_call_id_apart)
{
	struct cw_token a = inner_to_outside(), b = inner_to_outside();
	char text_a[CW_TOKEN_TEXT_MAX], text_b[CW_TOKEN_TEXT_MAX];

	a.domain = cw_str_of("ms.example");
	b.domain = cw_str_of("ms.examp");
	ck_assert_int_eq(cw_token_mint(text_a, &a, cw_str_of("x"), &ring), 0);
	ck_assert_int_eq(cw_token_mint(text_b, &b, cw_str_of("lex"), &ring), 0);
	ck_assert_str_ne(text_a + strlen(text_a) - 20, text_b + strlen(text_b) - 20);
}
END_TEST

START_TEST(follows_a_rotation_of_keys)
{
	struct cw_keyring before = {.keys = {ring.keys[1]}, .n_keys = 1};
	struct cw_keyring after = {.keys = {ring.keys[0]}, .n_keys = 1};
	struct cw_keyring same_id = {.keys = {{.id = 6, .bytes = {8}}}, .n_keys = 1};
	struct cw_token in = inner_to_outside(), out;
	char text[CW_TOKEN_TEXT_MAX], room[CW_TOKEN_DOMAIN_MAX + 1];

	ck_assert_int_eq(cw_token_mint(text, &in, call_id, &before), 0);
	ck_assert_int_eq(verify(&out, room, text, strlen(text), call_id, &ring), 0);
	ck_assert_int_eq(verify(&out, room, text, strlen(text), call_id, &after), CW_TOKEN_E_KEY);
	ck_assert_int_eq(
		verify(&out, room, text, strlen(text), call_id, &same_id), CW_TOKEN_E_FORGED);
}
END_TEST

static const char *const malformed[] = {"", "A", "AQcBAQ", "not a token", "AQ==", "\xff\xff",
	"AgcBAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

START_TEST(refuses_what_is_no_token)
{
	struct cw_token out;
	char room[CW_TOKEN_DOMAIN_MAX + 1];

	ck_assert_int_eq(verify(&out, room, malformed[_i], strlen(malformed[_i]), call_id, &ring),
		CW_TOKEN_E_FORM);
}
END_TEST

START_TEST(tells_zones_apart_by_name)
{
	uint64_t id = cw_token_zone_id(cw_str_of("IMP"));

	ck_assert(id == cw_token_zone_id(cw_str_of("IMP")));
	ck_assert(id != cw_token_zone_id(cw_str_of("imp")));
	ck_assert(id != 0);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_token in = inner_to_outside(), out;
	char text[CW_TOKEN_TEXT_MAX], room[CW_TOKEN_DOMAIN_MAX + 1];
	int r;

	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_token_mint(text, &in, call_id, &ring);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
	}
	ck_assert_int_eq(r, 0);
	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_token_verify(&out, room, cw_str_of(text), call_id, &ring);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
	}
	ck_assert_int_eq(r, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sip_token");
	TCase *tcase = tcase_create("token");

	tcase_add_loop_test(tcase, reads_what_it_wrote, 0, CW_VARIANT_ANY + 1);
	ADD_ROWS(tcase, takes_domains_of_every_length, domain_lengths);
	tcase_add_test(tcase, refuses_every_changed_character);
	tcase_add_test(tcase, refuses_every_other_length);
	tcase_add_test(tcase, is_bound_to_the_call_id);
	tcase_add_test(tcase, keeps_domain_and_call_id_apart);
	tcase_add_test(tcase, follows_a_rotation_of_keys);
	ADD_ROWS(tcase, refuses_what_is_no_token, malformed);
	tcase_add_test(tcase, tells_zones_apart_by_name);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
