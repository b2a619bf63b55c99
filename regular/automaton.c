/*
 * Patterns to syntax trees to automata.
 */
#include "regular/automaton.h"

#include "regular/dfa.h"

#include <errno.h>
#include <stdlib.h>

#define DFA_BYTES (512u << 10) /* of sets made in advance */
#define DFA_STEPS (4u << 20)   /* taken to make them */

#define DECIMAL "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define IPV4    DECIMAL "(?:\\." DECIMAL "){3}"
#define HEX     "[\\da-f]{1,4}"
#define PORT    ":0*(?:\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])"
/* as far as the groups in front of :: leave room for those behind it, and that for one at least of zeros */
#define IPV6_TAIL(n_hex, n_ipv4)                                                                   \
	"::(?:" HEX "(?::" HEX "){0," n_hex "}|(?:" HEX ":){0," n_ipv4 "}" IPV4 ")?"

struct cw_automaton {
	struct cw_nfa *nfa;
	struct cw_dfa dfa;
	bool is_complete; /* the dfa is */
	const char *inexact;
};

/* Make the sets in advance, unless they are too many. */
static int complete(struct cw_automaton *automaton)
{
	struct cw_budget budget = {.left = DFA_BYTES, .steps = DFA_STEPS};
	int r = cw_dfa_init(&automaton->dfa, automaton->nfa, &budget);

	if (!r)
		r = cw_dfa_complete(&automaton->dfa);
	automaton->is_complete = r == 0;
	if (r != CW_DFA_E_SPENT)
		return r;
	cw_dfa_finish(&automaton->dfa);
	automaton->dfa = (struct cw_dfa){0};
	return 0;
}

static int create(struct cw_automaton **out, const struct cw_syntax *tree, const char **why)
{
	struct cw_automaton *made = calloc(1, sizeof(*made));
	int r;

	if (!made)
		return -ENOMEM;
	r = cw_nfa_create(&made->nfa, tree, &made->inexact);
	if (!r)
		r = complete(made);
	if (!r) {
		*out = made;
		return 0;
	}
	cw_automaton_destroy(made);
	if (r != CW_NFA_E_LARGE)
		return r;
	*why = "is too large for an automaton";
	return CW_AUTOMATON_E_OUTSIDE;
}

int cw_automaton_of_regex(struct cw_automaton **out, struct cw_str regex, const char **why)
{
	struct cw_syntax_error error;
	const struct cw_syntax *tree;
	struct cw_arena arena = {0};
	int r = cw_syntax_read(&tree, regex, &arena, &error);

	if (!r) {
		r = create(out, tree, why);
	} else if (r == CW_SYNTAX_E_UNKNOWN) {
		*why = error.what;
		r = CW_AUTOMATON_E_OUTSIDE;
	}
	cw_arena_finish(&arena);
	return r;
}

/* A sequence of `before`, the bytes of `text` and `behind`, of which either may be NULL. */
static int create_text(struct cw_automaton **out, const struct cw_syntax *before,
	struct cw_str text, const struct cw_syntax *behind, const char **why)
{
	struct cw_syntax *bytes = calloc(text.len + 1, sizeof(*bytes));
	const struct cw_syntax **children = calloc(text.len + 2, sizeof(*children));
	struct cw_syntax tree = {.kind = CW_SYNTAX_SEQUENCE, .children = children};
	size_t i;
	int r = -ENOMEM;

	if (!bytes || !children)
		goto done;
	if (before)
		children[tree.n_children++] = before;
	for (i = 0; i < text.len; i++) {
		bytes[i].kind = CW_SYNTAX_BYTES;
		cw_byte_set_add_folded(
			&bytes[i].set, (unsigned char)text.p[i], (unsigned char)text.p[i]);
		children[tree.n_children++] = &bytes[i];
	}
	if (behind)
		children[tree.n_children++] = behind;
	r = create(out, &tree, why);
done:
	free(bytes);
	free(children);
	return r;
}

int cw_automaton_of_text(struct cw_automaton **out, struct cw_str text, const char **why)
{
	return create_text(out, NULL, text, NULL, why);
}

int cw_automaton_of_pattern(
	struct cw_automaton **out, const struct cw_pattern *pattern, const char **why)
{
	static const struct cw_syntax byte = {
		.kind = CW_SYNTAX_BYTES, .set = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}};
	static const struct cw_syntax *const bytes[] = {&byte};
	static const struct cw_syntax anything = {.kind = CW_SYNTAX_REPEAT,
		.max = CW_SYNTAX_UNBOUNDED,
		.children = bytes,
		.n_children = 1};
	struct cw_str text = cw_pattern_text(pattern);

	switch (cw_pattern_type(pattern)) {
	case CW_PATTERN_EXACT:
		return create_text(out, NULL, text, NULL, why);
	case CW_PATTERN_PREFIX:
		return create_text(out, NULL, text, &anything, why);
	case CW_PATTERN_SUFFIX:
		return create_text(out, &anything, text, NULL, why);
	case CW_PATTERN_REGEX:
		return cw_automaton_of_regex(out, text, why);
	case CW_PATTERN_ANY:
		break;
	}
	return create(out, &anything, why);
}

int cw_automaton_of_addresses(struct cw_automaton **out)
{
	/* inet_pton(3), with a port as in begins_with_port of alias.c */
	static const char regex[] =
		"(?:" IPV4 "|\\[(?:"
		"(?:" HEX ":){7}" HEX "|(?:" HEX ":){6}" IPV4 "|"
		"" IPV6_TAIL("6",
			"5") "|"
			     "" HEX IPV6_TAIL("5",
				     "4") "|"
					  "(?:" HEX ":){1}" HEX IPV6_TAIL("4",
						  "3") "|"
						       "(?:" HEX ":){2}" HEX IPV6_TAIL("3",
							       "2") "|"
								    "(?:" HEX
								    ":){3}" HEX IPV6_TAIL("2",
									    "1") "|"
										 "(?:" HEX
										 ":){4}" HEX IPV6_TAIL(
											 "1",
											 "0") "|"
											      "(?"
											      ":" HEX
											      ":){"
											      "5"
											      "}" HEX
											      "::(?"
											      ":" HEX
											      ")?|"
											      "(?"
											      ":" HEX
											      ":){"
											      "6"
											      "}" HEX
											      "::"
											      ")\\]"
											      ")(?"
											      ":" PORT
											      ")?(?"
											      ":[;?"
											      "][^@"
											      "]*)"
											      "?";
	const char *why;

	return cw_automaton_of_regex(out, cw_str_make(regex, sizeof(regex) - 1), &why);
}

void cw_automaton_destroy(struct cw_automaton *automaton)
{
	if (!automaton)
		return;
	cw_dfa_finish(&automaton->dfa);
	cw_nfa_destroy(automaton->nfa);
	free(automaton);
}

const char *cw_automaton_inexact(const struct cw_automaton *automaton)
{
	return automaton->inexact;
}

bool cw_automaton_accepts(const struct cw_automaton *automaton, struct cw_str text)
{
	const struct cw_nfa *nfa = automaton->nfa;
	uint64_t now[CW_NFA_WORDS_MAX], next[CW_NFA_WORDS_MAX];
	unsigned char byte;
	size_t i;

	memcpy(now, nfa->start, nfa->n_words * sizeof(*now));
	for (i = 0; i < text.len; i++) {
		byte = (unsigned char)text.p[i];
		if (!cw_nfa_is_usable(byte))
			return false;
		(void)cw_nfa_step(nfa, now, nfa->classes.of[byte], next);
		memcpy(now, next, nfa->n_words * sizeof(*now));
	}
	return cw_nfa_is_accepting(nfa, now);
}

const struct cw_nfa *cw_automaton_nfa(const struct cw_automaton *automaton)
{
	return automaton->nfa;
}

const struct cw_dfa *cw_automaton_dfa(const struct cw_automaton *automaton)
{
	return automaton->is_complete ? &automaton->dfa : NULL;
}
