/* One timer for all that a stream has to be in time for. It is not moved when a bound moves away: it then expires once in vain. */
#include "xmpp/parser.h"
#include "xmpp/stream_private.h"

static void earliest(uint64_t *next_ms, uint64_t ms)
{
	if (ms != 0 && (*next_ms == 0 || ms < *next_ms))
		*next_ms = ms;
}

static bool is_established(const struct cw_stream *s)
{
	return s->state == CW_STREAM_ESTABLISHED;
}

static uint64_t idle_end_ms(const struct cw_stream *s)
{
	bool may_idle = is_established(s) || s->state == CW_STREAM_OPEN;

	return may_idle && s->idle_ms != 0 ? s->last_stanza_ms + s->idle_ms : 0;
}

/* A stream that we send on: when the peer is to be asked for a sign of life. */
static uint64_t silence_end_ms(const struct cw_stream *s)
{
	bool asks = is_established(s) && (s->ping_to || s->ack.is_sm);

	return asks && s->ack.asked_ms == 0 ? s->last_heard_ms + CW_STREAM_SILENCE_MS : 0;
}

static uint64_t answer_end_ms(const struct cw_stream *s)
{
	return is_established(s) && s->ack.asked_ms != 0 ? s->ack.asked_ms + CW_STREAM_ANSWER_MS
							 : 0;
}

void cw_stream_time_arm(struct cw_stream *s)
{
	uint64_t now_ms = cw_loop_now_ms(s->xmpp->loop);
	uint64_t next_ms = 0;

	if (s->state == CW_STREAM_ENDED)
		return;
	earliest(&next_ms, s->step_ms);
	earliest(&next_ms, s->authenticate_ms);
	earliest(&next_ms, s->confirm_ms);
	earliest(&next_ms, s->rest_ms);
	earliest(&next_ms, idle_end_ms(s));
	earliest(&next_ms, silence_end_ms(s));
	earliest(&next_ms, answer_end_ms(s));
	if (next_ms == 0 || (s->armed_ms != 0 && s->armed_ms <= next_ms))
		return;
	s->armed_ms = next_ms;
	cw_timer_start(s->timer, next_ms > now_ms ? next_ms - now_ms : 0);
}

void cw_stream_await(struct cw_stream *s)
{
	s->step_ms = cw_loop_now_ms(s->xmpp->loop) + CW_STREAM_FIRST_MS;
	cw_stream_time_arm(s);
}

void cw_stream_await_none(struct cw_stream *s)
{
	s->step_ms = 0;
	cw_stream_time_arm(s);
}

void cw_stream_time_heard(struct cw_stream *s)
{
	bool was_at_rest = s->rest_ms == 0;

	s->rest_ms = cw_loop_now_ms(s->xmpp->loop) + CW_STREAM_REST_MS;
	if (was_at_rest)
		cw_stream_time_arm(s);
}

static bool is_due(uint64_t due_ms, uint64_t now_ms)
{
	return due_ms != 0 && due_ms <= now_ms;
}

/* Thousands of streams are silent most of the time. */
static void rest(struct cw_stream *s)
{
	s->rest_ms = 0;
	if (s->parser)
		cw_xmpp_parser_rest(s->parser);
}

/* A step of the negotiation, or of the closing, was not taken. */
static void end_step(struct cw_stream *s)
{
	if (s->state == CW_STREAM_CLOSING)
		cw_stream_leave(s);
	else
		cw_stream_fail(
			s, "connection-timeout", "the partner did not go on with the negotiation");
}

void cw_stream_on_timer(void *arg)
{
	struct cw_stream *s = arg;
	uint64_t now_ms = cw_loop_now_ms(s->xmpp->loop);

	s->armed_ms = 0;
	if (is_due(s->rest_ms, now_ms))
		rest(s);
	if (is_due(s->step_ms, now_ms)) {
		end_step(s);
	} else if (is_due(s->authenticate_ms, now_ms)) {
		cw_stream_fail(s, "connection-timeout", "nobody was authenticated in time");
	} else if (is_due(answer_end_ms(s), now_ms)) {
		(*s->xmpp->counters.pings_unanswered)++;
		cw_stream_abort(s, "the partner does not confirm what it is sent");
	} else if (is_due(idle_end_ms(s), now_ms)) {
		cw_stream_close(s, "idle");
	} else if (is_due(s->confirm_ms, now_ms) || is_due(silence_end_ms(s), now_ms)) {
		cw_stream_confirm_ask(s);
	}
	cw_stream_time_arm(s);
}
