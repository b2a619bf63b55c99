#include "xmpp/verification.h"

#include "core/log.h"
#include "xmpp/parser.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct cw_verification {
	struct cw_list link; /* of the outbound's */
	struct cw_outbound *outbound;
	char *local, *id, *key;
	bool is_sent;
	uint64_t due_ms;
	cw_verification_done *done;
	void *arg;
};

static struct cw_verification *of(struct cw_list *link)
{
	return cw_container_of(link, struct cw_verification, link);
}

static void destroy(struct cw_verification *v)
{
	cw_list_remove(&v->link);
	free(v->local);
	free(v->id);
	free(v->key);
	free(v);
}

static size_t count(const struct cw_outbound *o)
{
	struct cw_list *pos;
	size_t n = 0;

	cw_list_for_each (pos, &o->verifications)
		n++;
	return n;
}

int cw_verification_begin(struct cw_verification **out, struct cw_xmpp *x, struct cw_str local,
	struct cw_str remote, struct cw_str id, struct cw_str key, cw_verification_done *done,
	void *arg)
{
	struct cw_outbound *o = cw_outbound_asking(x, local, remote);
	struct cw_verification *v;

	if (!o || count(o) >= CW_VERIFICATION_MAX)
		return -ENOBUFS;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	cw_list_init(&v->link);
	v->outbound = o;
	v->local = cw_str_dup(local);
	v->id = cw_str_dup(id);
	v->key = cw_str_dup(key);
	if (!v->local || !v->id || !v->key) {
		destroy(v);
		return -ENOMEM;
	}
	v->due_ms = cw_loop_now_ms(x->loop) + CW_VERIFICATION_MS;
	v->done = done;
	v->arg = arg;
	cw_list_append(&o->verifications, &v->link);
	cw_outbound_go(o);
	*out = v;
	return 0;
}

void cw_verification_cancel(struct cw_verification *v)
{
	if (v)
		destroy(v);
}

/* ---- for the outbound ---- */

static void send_one(struct cw_outbound *o, struct cw_verification *v)
{
	struct cw_buf *out = &o->xmpp->out;

	cw_tap_say(o->xmpp->tap, cw_str_of(o->remote),
		"we ask its server whether the dialback key is its own");
	cw_buf_clear(out);
	cw_dialback_write_verify(out, cw_str_of(v->local), cw_str_of(o->remote), cw_str_of(v->id),
		cw_str_of(v->key));
	v->is_sent = true;
	cw_stream_send(o->stream, cw_buf_str(out));
}

void cw_verification_send_all(struct cw_outbound *o)
{
	struct cw_list *pos, *tmp;

	if (!o->stream ||
		(o->stream->state != CW_STREAM_OPEN && o->stream->state != CW_STREAM_ESTABLISHED))
		return;
	cw_list_for_each_safe(pos, tmp, &o->verifications)
	{
		if (!of(pos)->is_sent)
			send_one(o, of(pos));
	}
}

void cw_verification_unsent(struct cw_outbound *o)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &o->verifications)
		of(pos)->is_sent = false;
}

static void finish(struct cw_verification *v, enum cw_dialback_type type, const char *why)
{
	cw_verification_done *done = v->done;
	void *arg = v->arg;

	destroy(v);
	done(arg, type, why);
}

static struct cw_verification *find(struct cw_outbound *o, const struct cw_dialback_element *answer)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &o->verifications) {
		struct cw_verification *v = of(pos);

		if (v->is_sent && cw_str_eq(cw_str_of(v->id), answer->id) &&
			cw_str_eq(cw_str_of(v->local), answer->to) &&
			cw_str_eq(cw_str_of(o->remote), answer->from))
			return v;
	}
	return NULL;
}

void cw_verification_answered(struct cw_outbound *o, const struct cw_dialback_element *answer)
{
	struct cw_verification *v = find(o, answer);
	char why[CW_XMPP_REFUSAL_MAX] = "its server knows the key";

	if (!v) {
		cw_warn("xmpp.dialback", cw_kz("event", "unasked-answer"), CW_XMPP_MODULE,
			cw_kz("partner", o->remote), cw_kz("remote", o->stream->remote_text));
		return;
	}
	cw_xmpp_parser_set_authenticated(o->stream->parser); /* it may answer as much as we ask */
	if (answer->type == CW_DIALBACK_INVALID)
		snprintf(why, sizeof(why), "its server does not know the dialback key");
	else if (answer->type == CW_DIALBACK_ERROR)
		snprintf(why, sizeof(why), "its server cannot verify the dialback key: %.*s",
			answer->condition.len < 60 ? (int)answer->condition.len : 60,
			answer->condition.p ? answer->condition.p : "");
	finish(v, answer->type, why);
}

void cw_verification_fail_all(struct cw_outbound *o, const char *why)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &o->verifications) finish(of(pos), CW_DIALBACK_ERROR, why);
}

void cw_verification_fail_late(struct cw_outbound *o, uint64_t now_ms)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &o->verifications)
	{
		if (of(pos)->due_ms <= now_ms)
			finish(of(pos), CW_DIALBACK_ERROR,
				"its server did not answer the dialback question in time");
	}
}
