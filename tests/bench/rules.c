/*
 * What a decision costs at 10 to 100,000 rules, next to asking every rule's regex in turn (PCRE2 with JIT) in the same run; what
 * loading them takes, and what they hold. It measures and judges nothing: machines differ, ratios within one run tell.
 */
#include "daemon/config.h"
#include "dialplan/plan.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <malloc.h>
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS      7
#define ALIASES     4096 /* different ones, half of them hits of late rules */
#define ROUND_NS    30e6 /* the index decides for so long in a round, at least */
#define ZONES       8
#define CONFIG_SIZE 100000
#define TEXT_MAX    120

static struct cw_zone zones[ZONES];

/* The kinds of rules, as administrators write them. # is the number of a rule, $ that of an alias. */
static const struct kind {
	enum cw_pattern_type type;
	const char *pattern;
	const char *linear; /* the same as a regex */
	const char *alias;  /* that it matches; NULL: it is not asked for */
} kinds[] = {
	{CW_PATTERN_REGEX, ".*@partner#\\.example", NULL, "jo.user$@partner#.example"},
	{CW_PATTERN_REGEX, ".*@partner#\\.example(;.*)?", NULL, "al.user$@partner#.example;gruu"},
	{CW_PATTERN_SUFFIX, "@partner#.example", ".*@partner#\\.example",
		"b.user$@partner#.example"},
	{CW_PATTERN_REGEX, ".*@partner#\\.example(;.*)?", NULL, "c.user$@partner#.example"},
	{CW_PATTERN_PREFIX, "room-#-", "room-#-.*", NULL},
	{CW_PATTERN_REGEX, "(.*)@(im|chat)\\.partner#\\.example", NULL,
		"d.user$@chat.partner#.example"},
	{CW_PATTERN_EXACT, "help@partner#.example", "help@partner#\\.example", NULL},
	{CW_PATTERN_REGEX, ".*@partner#\\.example", NULL, "e.user$@partner#.example"},
};

/* Rules without a literal that the index can look up, or with a common one. None matches an alias of the above. */
static const char *const residue[] = {"[a-z]+\\d+@.*", "(.*)\\.sip\\..*", "\\+?[0-9]{3,15}",
	"[a-z]+\\.[a-z]{1,9}\\d?\\.[a-z]+@.*"};

/* A rule set, and the same rules as plain regexes. */
struct bench {
	struct cw_ruleset *set;
	size_t n, per_residue; /* every how many rules one is of the residue; 0: none */
	pcre2_code **codes;
	struct {
		char text[TEXT_MAX];
		struct cw_request request;
	} aliases[ALIASES];
	double load_ms, kib;
};

static void *or_exit(void *p)
{
	if (p)
		return p;
	fprintf(stderr, "out of memory, or a rule that does not compile\n");
	exit(1);
}

static double now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

static double in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)(m.uordblks + m.hblkhd);
}

static double resident(void)
{
	FILE *f = or_exit(fopen("/proc/self/statm", "r"));
	unsigned long size = 0, pages = 0;

	if (fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	(void)fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static bool is_residue(const struct bench *b, size_t i)
{
	return b->per_residue && i % b->per_residue == b->per_residue / 2;
}

static const struct kind *kind_of(size_t i)
{
	return &kinds[i % (sizeof(kinds) / sizeof(kinds[0]))];
}

/* Write a text, with the numbers of a rule and of an alias in it. */
static void fill_in(char *out, const char *text, size_t rule, size_t alias)
{
	size_t n = 0;

	for (; *text && n + 24 < TEXT_MAX; text++) {
		if (*text == '#' || *text == '$')
			n += (size_t)sprintf(out + n, "%zu", *text == '#' ? rule : alias);
		else
			out[n++] = *text;
	}
	out[n] = '\0';
}

/* Write the pattern of rule `i`, or the regex that stands for it; returns its type. */
static enum cw_pattern_type write_pattern(const struct bench *b, size_t i, char *out, bool linear)
{
	const struct kind *kind = kind_of(i);
	const char *format = linear && kind->linear ? kind->linear : kind->pattern;

	if (is_residue(b, i)) {
		(void)snprintf(out, TEXT_MAX, "%s", residue[i / b->per_residue % 4]);
		return CW_PATTERN_REGEX;
	}
	fill_in(out, format, i, 0);
	return kind->type;
}

/* From where rule `i` takes requests: half of them from anywhere, the others from one zone each. */
static const struct cw_zone *source_of(size_t i)
{
	return i / 8 % 2 ? NULL : &zones[i / 16 % ZONES];
}

static struct cw_ruleset *make_set(const struct bench *b)
{
	static const struct cw_zone *sources[ZONES];
	struct cw_ruleset *set = or_exit(cw_ruleset_create());
	struct cw_pattern_error error;
	char text[TEXT_MAX];
	size_t i;

	for (i = 0; i < ZONES; i++)
		sources[i] = &zones[i];
	for (i = 0; i < b->n; i++) {
		struct cw_search_rule rule = {.name = cw_str_of("rule"),
			.priority = (unsigned)(i * 60000 / b->n) + 1,
			.enabled = true,
			.stop = true,
			.target = &zones[0]};
		enum cw_pattern_type type = write_pattern(b, i, text, false);

		if (source_of(i)) {
			rule.source = CW_RULE_FROM_NAMED;
			rule.sources = &sources[source_of(i)->index - 1];
			rule.n_sources = 1;
		}
		if (cw_pattern_create(&rule.pattern, type, cw_str_of(text), CW_BEHAVIOR_LEAVE,
			    cw_str_of(NULL), &error) ||
			cw_ruleset_add_rule(set, &rule))
			or_exit(NULL);
	}
	if (cw_ruleset_seal(set))
		or_exit(NULL);
	return set;
}

static void compile_linear(struct bench *b)
{
	char text[TEXT_MAX];
	PCRE2_SIZE offset;
	int error;
	size_t i;

	b->codes = or_exit(calloc(b->n, sizeof(*b->codes)));
	for (i = 0; i < b->n; i++) {
		(void)write_pattern(b, i, text, true);
		b->codes[i] = or_exit(pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
			PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_CASELESS, &error, &offset,
			NULL));
		(void)pcre2_jit_compile(b->codes[i], PCRE2_JIT_COMPLETE);
	}
}

/* Half of the aliases are of the last tenth of the rules, the others of nobody. */
static void make_aliases(struct bench *b)
{
	size_t i, rule, from = b->n - (b->n + 9) / 10;

	for (i = 0; i < ALIASES; i++) {
		struct cw_request *request = &b->aliases[i].request;

		rule = from + i / 2 * 7919 % (b->n - from);
		while (is_residue(b, rule) || !kind_of(rule)->alias)
			rule = rule + 1 < b->n ? rule + 1 : from - (from > 0);
		*request = (struct cw_request){.method = cw_str_of("MESSAGE"),
			.from = source_of(rule) ? source_of(rule) : &zones[i % ZONES]};
		fill_in(b->aliases[i].text,
			i % 2 ? kind_of(rule)->alias : "some.body$@elsewhere#.example",
			i % 2 ? rule : i * 31 % 1000, i);
		request->alias = cw_str_of(b->aliases[i].text);
	}
}

static void check(bool is_hit, const struct cw_request *request, bool expected)
{
	if (is_hit == expected)
		return;
	fprintf(stderr, "%.*s: %s\n", CW_STR_ARG(request->alias), is_hit ? "found" : "not found");
	exit(1);
}

static void decide(const struct bench *b, size_t i)
{
	const struct cw_request *request = &b->aliases[i % ALIASES].request;
	_Alignas(max_align_t) char room[1024];
	struct cw_arena arena;
	struct cw_plan plan;

	cw_arena_init_in(&arena, room, sizeof(room), 0);
	if (cw_plan_decide(&plan, b->set, request, &arena))
		or_exit(NULL);
	check(plan.decision == CW_DECISION_ROUTED, request, i % 2);
	cw_arena_finish(&arena);
}

/* What the planner did without index and literals: one regex after the other, where the source fits. */
static void decide_linearly(const struct bench *b, size_t i, pcre2_match_data *data)
{
	const struct cw_request *request = &b->aliases[i % ALIASES].request;
	bool is_hit = false;
	size_t rule;

	for (rule = 0; rule < b->n && !is_hit; rule++)
		if (!source_of(rule) || source_of(rule) == request->from)
			is_hit = pcre2_jit_match(b->codes[rule], (PCRE2_SPTR)request->alias.p,
					 request->alias.len, 0, 0, data, NULL) > 0;
	check(is_hit, request, i % 2);
}

/* One round: ns per decision of the index for misses and hits, and of the walk. */
static void measure_round(const struct bench *b, pcre2_match_data *data, size_t round, double ns[3])
{
	size_t hit, i, n, linear = b->n < 1000 ? 2000 : 2000000 / b->n;
	double begin;

	for (hit = 0; hit < 2; hit++) {
		n = 0;
		begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
		do {
			for (i = 0; i < ALIASES; i += 2)
				decide(b, i + hit);
			n += ALIASES / 2;
		} while (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin < ROUND_NS);
		ns[hit] = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)n;
	}
	begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < linear; i++)
		decide_linearly(b, round * 977 + i, data);
	ns[2] = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)linear;
}

static void measure(struct bench *b)
{
	double ns[3], misses[ROUNDS], hits[ROUNDS], both[ROUNDS], linear[ROUNDS], ratios[ROUNDS];
	pcre2_match_data *data = or_exit(pcre2_match_data_create(10, NULL));
	double before = in_use(), begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	size_t i;

	b->set = make_set(b);
	b->load_ms = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e6;
	b->kib = (in_use() - before) / 1024;
	compile_linear(b);
	make_aliases(b);
	for (i = 0; i < ALIASES; i++)
		decide(b, i); /* compiles what is asked */
	for (i = 0; i < ROUNDS; i++) {
		measure_round(b, data, i, ns);
		misses[i] = ns[0];
		hits[i] = ns[1];
		both[i] = (ns[0] + ns[1]) / 2;
		linear[i] = ns[2];
		ratios[i] = linear[i] / both[i];
	}
	printf("%7zu %7s %9.0f %9.0f %9.0f %11.0f %8.0f %9.1f %9.0f\n", b->n,
		b->per_residue ? "1 %" : "none", median(misses, ROUNDS), median(hits, ROUNDS),
		median(both, ROUNDS), median(linear, ROUNDS), median(ratios, ROUNDS), b->load_ms,
		b->kib);
	for (i = 0; i < b->n; i++)
		pcre2_code_free(b->codes[i]);
	free(b->codes);
	cw_ruleset_destroy(b->set);
	pcre2_match_data_free(data);
}

/* The same rules as a file: loading it is what a reload takes. */
static void write_config(const char *path, const struct bench *b)
{
	static const char *const types[] = {"exact", "prefix", "suffix", "regex"};
	FILE *f = or_exit(fopen(path, "w"));
	char text[TEXT_MAX];
	size_t i;

	fprintf(f, "hostname causeway.example\n");
	for (i = 0; i < ZONES; i++)
		fprintf(f, "zone z%zu {\n\ttype neighbor\n\tpeer h%zu.example:5061\n}\n", i, i);
	for (i = 0; i < b->n; i++) {
		enum cw_pattern_type type = write_pattern(b, i, text, false);

		fprintf(f, "rule 'partner %zu' {\n\tpriority %zu\n", i, i * 60000 / b->n + 1);
		if (source_of(i))
			fprintf(f, "\tsource z%u\n", source_of(i)->index - 1);
		fprintf(f, "\tpattern %s '%s'\n\ton-match stop\n\ttarget z0\n}\n", types[type],
			text);
	}
	if (fclose(f))
		or_exit(NULL);
}

static void measure_config(const struct bench *b)
{
	char path[] = "/tmp/causeway-bench-XXXXXX";
	double ms[3], begin, used = in_use(), pages = resident();
	struct cw_config *config;
	struct cw_diag diag = {0};
	size_t i;
	int fd = mkstemp(path);

	if (fd < 0)
		or_exit(NULL);
	write_config(path, b);
	for (i = 0; i < 3; i++) {
		begin = now_ns(CLOCK_MONOTONIC);
		if (cw_config_load(&config, path, &diag) || diag.errors)
			or_exit(NULL);
		ms[i] = (now_ns(CLOCK_MONOTONIC) - begin) / 1e6;
		if (i == 0)
			printf("\n%zu rules from a file: %.1f MB held, %.1f MB resident", b->n,
				(in_use() - used) / 1e6, (resident() - pages) / 1e6);
		cw_config_destroy(config);
	}
	printf(", loaded in %.0f ms\n", median(ms, 3));
	cw_diag_finish(&diag);
	(void)close(fd);
	(void)unlink(path);
}

int main(void)
{
	static const size_t sizes[] = {10, 1000, 10000, 100000};
	static struct bench b;
	size_t i, with_residue;

	for (i = 0; i < ZONES; i++)
		zones[i] = (struct cw_zone){.name = cw_str_of("zone"),
			.index = (unsigned)i + 1,
			.type = CW_ZONE_NEIGHBOR};
	/* first: what is resident afterwards is the configuration's and nobody else's */
	b = (struct bench){.n = CONFIG_SIZE};
	measure_config(&b);
	printf("\n%7s %7s %9s %9s %9s %11s %8s %9s %9s\n", "rules", "residue", "miss ns", "hit ns",
		"mean ns", "linear ns", "ratio", "load ms", "KiB");
	for (with_residue = 0; with_residue < 2; with_residue++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			b = (struct bench){.n = sizes[i], .per_residue = with_residue ? 100 : 0};
			if (b.n >= 100 || !with_residue)
				measure(&b);
		}
	}
	return 0;
}
