/*
 * The search for aliases that reach a rule and change their way.
 */
#include "analysis/reroute_search.h"

#include "analysis/same_way.h"
#include "regular/conjunction.h"

#include <assert.h>
#include <errno.h>

#define TEXTS_MAX    8    /* aliases that are taken out one by one */
#define LITERALS_MAX 64   /* rules of which a region says whether they match */
#define STATES_MAX   2000 /* of the automata of one query together */
#define LIMIT_WORK   50   /* how much more work a query is that meets this limit */
#define DEPTH_MAX    16   /* regions in regions */

static_assert(LITERALS_MAX + TEXTS_MAX + DEPTH_MAX + 8 <= CW_CONJUNCTION_MAX, "a region fits in");

/* Aliases of which is known which rules match them and which do not. */
struct region {
	struct cw_conjunction languages;
	struct cw_way_literal literals[LITERALS_MAX];
	size_t n_literals;
};

struct search {
	struct cw_reroute_searches *shared;
	const struct cw_reroute_question *question;
	struct cw_crossing crossing; /* with the guess as its alias */
	struct cw_arena scratch;
	const struct cw_transform *via; /* guesses are what it makes; NULL: what the request says */
	struct cw_automaton *texts[TEXTS_MAX]; /* owned */
	size_t n_texts;
	size_t n_guesses;
	size_t n_found;
	bool ended;             /* nothing more is to be learnt */
	struct cw_arena *arena; /* of the answer */
	struct cw_reroute_answer answer;
};

/* What to do after a guess was planned. */
enum step {
	STEP_END,       /* there is nothing more to be learnt */
	STEP_TAKE_OUT,  /* the alias was told all that it can tell */
	STEP_NARROW,    /* go on among the aliases of which `literal` says the contrary */
	STEP_TRANSFORM, /* go on among those that `transform` does not rewrite */
	STEP_COVER,     /* it goes the same way: search where that does not hold */
};

struct verdict {
	enum step step;
	struct cw_way_literal literal;
	const struct cw_transform *transform;
	enum cw_side side;                 /* of `transform` */
	const struct cw_search_rule *rule; /* STEP_TAKE_OUT: what is said when there are too many */
	const char *why;
};

/* ---- doubts ---- */

static const char states_exceeded[] = "its automaton with those of other rules is too large";
static const char guesses_exceeded[] = "too many other rules take some of its aliases";
static const char queries_exceeded[] = "too many rules differ for a search of this length";
static const char rewriting_unknown[] =
	"the rules that take its aliases rewrite them in ways that are not compared";

/* Keep the first doubt: a clause about a rule or transform of that name, or (NULL) by itself. */
static int doubt(struct search *s, const char *kind, const char *name, const char *why)
{
	struct cw_str *out = &s->answer.doubt;

	if (out->len)
		return 0;
	return name ? cw_arena_printf(s->arena, out, "%s '%s' %s", kind, name, why)
		    : cw_arena_printf(s->arena, out, "%s", why);
}

static int doubt_rule(struct search *s, const struct cw_search_rule *rule, const char *why)
{
	return doubt(s, "the pattern of rule", rule->name.p, why);
}

/* ---- regions ---- */

static bool has_room(const struct region *region)
{
	return region->n_literals < LITERALS_MAX &&
	       region->languages.n_in < CW_CONJUNCTION_MAX - TEXTS_MAX - 2 &&
	       region->languages.n_out < CW_CONJUNCTION_MAX - TEXTS_MAX - 2;
}

/*
 * Leave of a region the aliases of which the literal holds, or more, where a language holds more than its pattern matches.
 *
 * Returns: 0; 1 with *why when that cannot be expressed; -ENOMEM.
 */
static int narrow(
	struct search *s, struct region *region, struct cw_way_literal literal, const char **why)
{
	struct cw_language_query language;
	int r = cw_rule_language(s->shared->languages[literal.side], literal.rule, &language, why);

	if (r)
		return r < 0 ? r : 1;
	if (!literal.matches && *why)
		return 1;
	*why = guesses_exceeded;
	if (!has_room(region))
		return 1;
	if (literal.matches)
		cw_conjunction_add(&region->languages, &language);
	else
		cw_conjunction_add_not(&region->languages, &language);
	region->literals[region->n_literals++] = literal;
	return 0;
}

/* Whether the region says of the literal's rule that it matches, if `matches`, or that it does not. */
static bool says(const struct region *region, const struct cw_way_literal *literal, bool matches)
{
	size_t i;

	for (i = 0; i < region->n_literals; i++)
		if (region->literals[i].rule == literal->rule &&
			region->literals[i].matches == matches)
			return true;
	return false;
}

/* ---- guesses ---- */

static int query(struct search *s, const struct region *region, const struct cw_automaton *besides,
	enum cw_language_answer *answer, struct cw_str *word)
{
	struct cw_conjunction all = region->languages;
	size_t i, work;
	int r;

	for (i = 0; i < s->n_texts; i++)
		cw_conjunction_add_out(&all, s->texts[i]);
	if (besides)
		cw_conjunction_add_in(&all, besides);
	r = cw_conjunction_find(&all, STATES_MAX, &s->scratch, answer, word);
	work = all.n_in + all.n_out;
	if (!r && *answer == CW_LANGUAGE_LIMIT)
		work *= LIMIT_WORK;
	s->shared->work_left -= work < s->shared->work_left ? work : s->shared->work_left;
	return r;
}

/* Make a guess: a plausible address if there is one. Most regions are empty, so that is asked first. */
static int make_guess(struct search *s, const struct region *region,
	enum cw_language_answer *answer, struct cw_str *word)
{
	enum cw_language_answer second;
	const struct cw_automaton *plausible;
	struct cw_str better;
	int r = query(s, region, NULL, answer, word);

	if (r || *answer == CW_LANGUAGE_NONE || s->shared->work_left == 0)
		return r;
	r = cw_rule_language_plausible(s->shared->languages[CW_SIDE_OLD], &plausible);
	if (!r)
		r = query(s, region, plausible, &second, &better);
	if (r || second != CW_LANGUAGE_FOUND)
		return r;
	*answer = second;
	*word = better;
	return 0;
}

/* Put together what a transform would make `made` of. Returns: 0, or 1 when that is not known; -ENOMEM. */
static int undo_transform(struct search *s, struct cw_str made, struct cw_str *out)
{
	const struct cw_pattern *p = s->via->pattern;
	struct cw_str text = cw_pattern_text(p), put = cw_pattern_replacement(p);
	size_t kept = made.len - put.len;

	if (cw_str_find(put, '\\') < put.len || made.len < put.len)
		return 1;
	switch (cw_pattern_type(p)) {
	case CW_PATTERN_EXACT:
		*out = text;
		return 0;
	case CW_PATTERN_PREFIX:
		return cw_arena_join(&s->scratch, out,
			(const struct cw_str[]){text, cw_str_from(made, put.len)}, 2);
	case CW_PATTERN_SUFFIX:
		return cw_arena_join(&s->scratch, out,
			(const struct cw_str[]){cw_str_make(made.p, kept), text}, 2);
	case CW_PATTERN_REGEX:
	case CW_PATTERN_ANY:
		break;
	}
	return 1;
}

/* Take out one alias, which told all that it can tell. The doubt when there were too many: `why`, of a rule's pattern if there is a rule. */
static int take_out(
	struct search *s, struct cw_str alias, const struct cw_search_rule *rule, const char *why)
{
	const char *unused;
	int r = 1;

	if (s->n_texts < TEXTS_MAX)
		r = cw_automaton_of_text(&s->texts[s->n_texts], alias, &unused);
	if (r > 0) {
		s->ended = true;
		return rule ? doubt_rule(s, rule, why) : doubt(s, NULL, NULL, why);
	}
	s->n_texts += !r;
	return r;
}

/* ---- what the planner says to a guess ---- */

static const struct cw_considered *find_considered(
	const struct cw_plan *plan, const struct cw_search_rule *rule)
{
	size_t i;

	for (i = 0; i < plan->n_considered; i++)
		if (plan->considered[i].rule == rule)
			return &plan->considered[i];
	return NULL;
}

/* The rule whose stop keeps the request from the rule in question, or NULL. */
static const struct cw_search_rule *find_blocker(
	const struct cw_plan *plan, const struct cw_search_rule *rule)
{
	const struct cw_search_rule *stop;
	size_t i;

	for (i = 0; i < plan->n_considered; i++) {
		stop = plan->considered[i].rule;
		if (stop->stop && stop->priority < rule->priority &&
			plan->considered[i].verdict == CW_VERDICT_MATCH)
			return stop;
	}
	return NULL;
}

/* Another rule without partner that decides where the request changes its way, while the one in question does not. NULL: there is none. */
static const struct cw_search_rule *find_culprit(const struct search *s, enum cw_side *side)
{
	const struct cw_alignment *alignment = s->question->alignment;
	const struct cw_search_rule *rule, *culprit = NULL;
	size_t place;
	int i;

	for (i = 0; i < CW_SIDES; i++) {
		rule = cw_crossing_rule(&s->crossing, (enum cw_side)i);
		if (rule == s->question->rule)
			return NULL;
		place = rule ? alignment->lists[i].places[rule->index] : CW_ALIGNMENT_NONE;
		if (place == CW_ALIGNMENT_NONE ||
			alignment->lists[i].partners[place] != CW_ALIGNMENT_NONE)
			continue;
		culprit = rule;
		*side = (enum cw_side)i;
	}
	return culprit;
}

/* What makes a rule's language, which was made already, hold more than its pattern matches. */
static const char *why_more(
	const struct search *s, enum cw_side side, const struct cw_search_rule *rule)
{
	struct cw_language_query language;
	const char *why = NULL;

	(void)cw_rule_language(s->shared->languages[side], rule, &language, &why);
	return why ? why : "exceeds its match limit on some aliases";
}

/* The literal that holds where `rule` does not match. Of partners the old one stands for both. */
static struct cw_way_literal without(
	const struct search *s, enum cw_side side, const struct cw_search_rule *rule)
{
	const struct cw_alignment_list *list = &s->question->alignment->lists[side];
	size_t partner = list->partners[list->places[rule->index]];

	if (side == CW_SIDE_NEW && partner != CW_ALIGNMENT_NONE)
		return (struct cw_way_literal){
			s->question->alignment->lists[CW_SIDE_OLD].rules[partner], CW_SIDE_OLD,
			false};
	return (struct cw_way_literal){rule, side, false};
}

/* Keep an example, and go on where the other set does not take it by the same rule: there it may go elsewhere. */
static int keep_found(struct search *s, struct verdict *verdict)
{
	enum cw_side side = s->question->side;
	enum cw_side across = side == CW_SIDE_OLD ? CW_SIDE_NEW : CW_SIDE_OLD;
	const struct cw_plan *plan = &s->crossing.plans[across];

	s->answer.found = true;
	if (++s->n_found < CW_REROUTE_EXAMPLES_MAX && plan->n_considered) {
		verdict->step = STEP_NARROW;
		verdict->literal = without(s, across, plan->considered[0].rule);
	}
	return cw_reroutes_add(s->shared->found, side, s->question->rule, &s->crossing, false);
}

/* The request changes its way, and reaches the rule. */
static int judge_change(struct search *s, struct verdict *verdict)
{
	enum cw_side side = CW_SIDE_OLD;
	const struct cw_search_rule *culprit = find_culprit(s, &side);

	if (!culprit)
		return keep_found(s, verdict);
	verdict->step = STEP_NARROW;
	verdict->literal = without(s, side, culprit);
	if (s->answer.other)
		return 0;
	s->answer.other = culprit;
	s->answer.other_side = side;
	return cw_reroutes_add(
		s->shared->unsure, s->question->side, s->question->rule, &s->crossing, false);
}

/* Whether a plan is about `alias`, as far as rules can tell. */
static bool is_about(const struct cw_plan *plan, struct cw_str alias)
{
	return cw_str_case_eq(plan->alias, alias);
}

/* The transforms made of the guess something else than it stands for. */
static int judge_transformed(struct search *s, struct cw_str word, struct verdict *verdict)
{
	int side;

	if (s->via)
		return doubt(s, "transform", s->via->name.p, "may make aliases that reach it");
	for (side = 0; side < CW_SIDES; side++) {
		if (is_about(&s->crossing.plans[side], word) || !s->crossing.plans[side].transform)
			continue;
		verdict->step = STEP_TRANSFORM;
		verdict->transform = s->crossing.plans[side].transform;
		verdict->side = (enum cw_side)side;
	}
	return 0;
}

/* Plan a guess by both sets and say what to do next. */
static int judge(struct search *s, struct cw_str word, struct verdict *verdict)
{
	const struct cw_search_rule *rule = s->question->rule;
	const struct cw_plan *plan = &s->crossing.plans[s->question->side];
	const struct cw_search_rule *blocker;
	struct cw_str alias = word;
	int r = s->via ? undo_transform(s, word, &alias) : 0;

	*verdict = (struct verdict){
		.step = STEP_TAKE_OUT,
		.literal = {rule, s->question->side, false},
		.why = guesses_exceeded,
	};
	if (r)
		return r < 0 ? r
			     : doubt(s, "transform", s->via->name.p,
				       "may make aliases that reach it");
	s->crossing.requests[CW_SIDE_OLD].alias = s->crossing.requests[CW_SIDE_NEW].alias = alias;
	r = cw_crossing_plan(&s->crossing, s->shared->sides, &s->scratch);
	if (r)
		return r;
	if (!is_about(&s->crossing.plans[CW_SIDE_OLD], word) ||
		!is_about(&s->crossing.plans[CW_SIDE_NEW], word))
		return judge_transformed(s, word, verdict);
	if (!find_considered(plan, rule)) {
		blocker = find_blocker(plan, rule);
		if (blocker) {
			verdict->step = STEP_NARROW;
			verdict->literal = without(s, s->question->side, blocker);
			return 0;
		}
		verdict->rule = rule;
		verdict->why = why_more(s, s->question->side, rule);
		return 0;
	}
	verdict->step = STEP_END;
	if (cw_crossing_differs(&s->crossing))
		return judge_change(s, verdict);
	verdict->step = STEP_COVER;
	return 0;
}

/* ---- the search ---- */

static int explore(struct search *s, const struct region *from, unsigned depth, bool *is_empty);

/* Search the part of a region where a literal holds. */
static int explore_part(struct search *s, const struct region *region,
	struct cw_way_literal literal, unsigned depth, bool *is_empty)
{
	struct region part = *region;
	const char *why;
	int r = narrow(s, &part, literal, &why);

	*is_empty = false;
	if (r < 0)
		return r;
	return r ? doubt_rule(s, literal.rule, why) : explore(s, &part, depth + 1, is_empty);
}

static struct cw_way_literal contrary(struct cw_way_literal literal)
{
	literal.matches = !literal.matches;
	return literal;
}

/* A rule that does not match the guess although the region's language of it holds it, or the other way round. NULL: there is none. */
static const struct cw_way_literal *find_contradiction(
	const struct region *region, const struct cw_same_way *way)
{
	size_t i;

	for (i = 0; i < way->n_literals; i++)
		if (says(region, &way->literals[i], !way->literals[i].matches))
			return &way->literals[i];
	return NULL;
}

/*
 * The guess goes the same way, and so does every alias of which the literals hold: search the region where one of them does not. What was found not to be
 * empty there is then left out of the rest.
 */
static int cover(
	struct search *s, struct region *region, const struct cw_same_way *way, unsigned depth)
{
	const char *why;
	bool is_empty;
	size_t i;
	int r = 0;

	for (i = 0; i < way->n_literals && !r && !s->ended; i++) {
		/* of the many rules that do not match, most match none of the region */
		if (says(region, &way->literals[i], way->literals[i].matches) ||
			(s->shared->is_quick && !way->literals[i].matches))
			continue;
		r = explore_part(s, region, contrary(way->literals[i]), depth, &is_empty);
		if (!r && !is_empty && narrow(s, region, way->literals[i], &why) < 0)
			r = -ENOMEM;
	}
	return r;
}

/* As cover, where it can be said what makes the guess go the same way. Sets *go_on where it cannot, and the guess was taken out. */
static int try_cover(
	struct search *s, struct region *region, struct cw_str word, unsigned depth, bool *go_on)
{
	const struct cw_way_literal *wrong;
	struct cw_same_way way;
	int r = cw_same_way_find(&way, s->question->alignment, &s->crossing, &s->scratch);

	*go_on = true;
	if (r)
		return r;
	if (!way.is_known)
		return take_out(s, word, NULL, rewriting_unknown);
	wrong = find_contradiction(region, &way);
	if (wrong)
		return take_out(s, word, wrong->rule, why_more(s, wrong->side, wrong->rule));
	*go_on = false;
	return cover(s, region, &way, depth);
}

/* Go on among the aliases of which a literal holds; where that cannot be said, without the guess alone. */
static int go_on_within(struct search *s, struct region *region,
	const struct cw_way_literal *literal, struct cw_str word)
{
	const char *why;
	int r = narrow(s, region, *literal, &why);

	if (r <= 0)
		return r;
	if (s->answer.found) {
		s->ended = true;
		return 0;
	}
	r = doubt_rule(s, literal->rule, why);
	return r ? r : take_out(s, word, literal->rule, why);
}

/* Transforms that leave the alias as it is keep those behind them from it: search what they match. */
static int explore_left(struct search *s, const struct region *region,
	const struct verdict *verdict, unsigned depth)
{
	const struct cw_transform *const *transforms;
	struct cw_language_query language;
	struct region part;
	const char *why;
	bool is_empty;
	size_t i, n;
	int r = 0;

	transforms = cw_ruleset_transforms(s->shared->sides[verdict->side].rules, &n);
	for (i = 0; i < verdict->transform->index && r >= 0 && !s->ended; i++) {
		if (!transforms[i]->enabled ||
			cw_pattern_behavior(transforms[i]->pattern) != CW_BEHAVIOR_LEAVE)
			continue;
		r = cw_rule_language_of_transform(
			s->shared->languages[verdict->side], transforms[i], &language, &why);
		part = *region;
		if (r == 0 && has_room(region)) {
			cw_conjunction_add(&part.languages, &language);
			r = explore(s, &part, depth + 1, &is_empty);
		} else if (r >= 0) {
			r = doubt(s, "the pattern of transform", transforms[i]->name.p,
				r ? why : guesses_exceeded);
		}
	}
	return r < 0 ? r : 0;
}

/* Go on among the aliases that a transform does not rewrite. */
static int go_on_untransformed(struct search *s, struct region *region,
	const struct verdict *verdict, unsigned depth, struct cw_str word)
{
	struct cw_language_query language;
	const char *why;
	int r = explore_left(s, region, verdict, depth);

	if (r || s->ended)
		return r;
	r = cw_rule_language_of_transform(
		s->shared->languages[verdict->side], verdict->transform, &language, &why);
	if (r < 0)
		return r;
	if (!why && has_room(region)) {
		cw_conjunction_add_not(&region->languages, &language);
		return 0;
	}
	r = doubt(s, "the pattern of transform", verdict->transform->name.p,
		why ? why : guesses_exceeded);
	return r ? r : take_out(s, word, NULL, guesses_exceeded);
}

/* One guess and what comes of it. Sets *go_on when there is more to be learnt in what is left of the region. */
static int explore_once(struct search *s, struct region *region, unsigned depth,
	enum cw_language_answer *answer, bool *go_on)
{
	struct verdict verdict;
	struct cw_str word = {NULL, 0};
	int r = make_guess(s, region, answer, &word);

	*go_on = false;
	if (r || *answer == CW_LANGUAGE_NONE)
		return r;
	if (*answer == CW_LANGUAGE_LIMIT)
		return doubt(s, NULL, NULL, states_exceeded);
	r = judge(s, word, &verdict);
	if (r)
		return r;
	*go_on = true;
	switch (verdict.step) {
	case STEP_END:
		s->ended = true;
		return 0;
	case STEP_TAKE_OUT:
		return take_out(s, word, verdict.rule, verdict.why);
	case STEP_NARROW:
		return go_on_within(s, region, &verdict.literal, word);
	case STEP_TRANSFORM:
		return go_on_untransformed(s, region, &verdict, depth, word);
	case STEP_COVER:
		return try_cover(s, region, word, depth, go_on);
	}
	return 0;
}

static int explore(struct search *s, const struct region *from, unsigned depth, bool *is_empty)
{
	enum cw_language_answer answer = CW_LANGUAGE_NONE;
	struct region region = *from;
	bool go_on = true, first = true;
	int r = 0;

	*is_empty = false;
	while (!r && go_on && !s->ended) {
		if (s->shared->work_left == 0 || depth > DEPTH_MAX ||
			s->n_guesses > CW_REROUTE_GUESSES_MAX) {
			s->ended = true;
			return doubt(s, NULL, NULL,
				s->shared->work_left == 0 ? queries_exceeded : guesses_exceeded);
		}
		r = explore_once(s, &region, depth, &answer, &go_on);
		*is_empty = first && !r && answer == CW_LANGUAGE_NONE;
		s->n_guesses += answer == CW_LANGUAGE_FOUND;
		first = false;
	}
	return r;
}

/* Search all aliases that the rule matches: those that requests bring, or those that a transform makes. */
static int search_from(struct search *s, const struct cw_automaton *made)
{
	const struct cw_way_literal own = {s->question->rule, s->question->side, true};
	struct region region = {.n_literals = 0};
	const char *why;
	bool is_empty;
	int r = narrow(s, &region, own, &why);

	if (r)
		return r < 0 ? r : doubt_rule(s, own.rule, why);
	if (made)
		cw_conjunction_add_in(&region.languages, made);
	s->ended = false;
	s->n_guesses = 0;
	r = explore(s, &region, 0, &is_empty);
	while (s->n_texts)
		cw_automaton_destroy(s->texts[--s->n_texts]);
	return r;
}

static int search_made(struct search *s)
{
	struct cw_automaton *made = NULL;
	size_t i;
	int r = 0;

	for (i = 0; i < s->shared->n_transforms && !r && !s->answer.found; i++) {
		s->via = s->shared->transforms[i];
		if (cw_pattern_behavior(s->via->pattern) == CW_BEHAVIOR_LEAVE)
			continue;
		r = cw_rule_language_of_result(&made, s->via);
		if (!r)
			r = search_from(s, made);
		cw_automaton_destroy(made);
		made = NULL;
	}
	return r;
}

int cw_reroute_search(struct cw_reroute_searches *searches,
	const struct cw_reroute_question *question, struct cw_arena *arena,
	struct cw_reroute_answer *answer)
{
	struct search s = {
		.shared = searches,
		.question = question,
		.crossing = question->crossing,
		.arena = arena,
	};
	int r = search_from(&s, NULL);

	if (!r)
		r = search_made(&s);
	cw_arena_finish(&s.scratch);
	*answer = s.answer;
	return r;
}
