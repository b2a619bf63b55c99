#include "xmpp/answer.h"

#include "xmpp/delivery.h"
#include "xmpp/jid.h"
#include "xmpp/outbound.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

#define ROOM_BYTES 2048 /* for prepared names, in most cases without an allocation */

/* Send it at once, or let it wait; when neither can be, it is lost: an answer to it is due to nobody. */
static void dispatch(struct cw_xmpp *x, struct cw_str from, struct cw_str to,
	const struct cw_stream_parcel *parcel)
{
	const struct cw_xmpp_policy *policy = x->setup->policy;
	bool is_local = cw_xmpp_policy_is_local(policy, to);
	struct cw_target target = {.zone = is_local ? cw_xmpp_policy_inside(policy) : NULL};
	struct cw_plan plan = {.decision = CW_DECISION_ROUTED, .targets = &target, .n_targets = 1};
	struct cw_delivery_way way = {.remote = to, .bytes = parcel->bytes};
	struct cw_delivery_settings settings = {
		.plan = &plan,
		.ways = &way,
		.local = from,
		.answerable = &parcel->answerable,
		.trace = parcel->trace,
	};
	struct cw_stream *s = cw_outbound_stream(x, target.zone, from, to);

	if (s && cw_stream_send_stanza(s, parcel) == 0)
		return;
	(void)cw_delivery_begin(x, &settings);
}

void cw_answer_send(struct cw_xmpp *x, const struct cw_xmpp_answerable *a,
	enum cw_xmpp_condition condition, const char *why)
{
	static const struct cw_str error = CW_STR("error");
	struct cw_stream_parcel parcel = {
		.answerable =
			{.kind = a->kind, .from = a->to, .to = a->from, .id = a->id, .type = error},
		.trace = "",
	};
	struct cw_buf out;
	struct cw_str from, to;
	struct cw_arena arena;
	char room[ROOM_BYTES];

	if (!x->setup->policy)
		return; /* the federation was taken out of the configuration */
	cw_arena_init_in(&arena, room, sizeof(room), 0);
	cw_buf_init(&out, 0);
	if (cw_jid_prepare_domain(&from, cw_jid_raw_domain(a->to), &arena) == 0 &&
		cw_jid_prepare_domain(&to, cw_jid_raw_domain(a->from), &arena) == 0 &&
		cw_xmpp_stanza_error(&out, a, condition, why) == 0) {
		parcel.bytes = cw_buf_str(&out);
		dispatch(x, from, to, &parcel);
	}
	cw_buf_finish(&out);
	cw_arena_finish(&arena);
}
