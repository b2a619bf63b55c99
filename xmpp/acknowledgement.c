/* The queue of unconfirmed stanzas: all that was sent has a number, and every confirmation is one up to a number. */
#include "xmpp/acknowledgement.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void cw_xmpp_acknowledgement_init(struct cw_xmpp_acknowledgement *ack)
{
	*ack = (struct cw_xmpp_acknowledgement){0};
	cw_list_init(&ack->unconfirmed);
}

void cw_xmpp_acknowledgement_finish(struct cw_xmpp_acknowledgement *ack)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &ack->unconfirmed)
		cw_xmpp_unconfirmed_free(cw_container_of(pos, struct cw_xmpp_unconfirmed, link));
	cw_xmpp_acknowledgement_init(ack);
}

/* ---- the queue ---- */

bool cw_xmpp_acknowledgement_is_full(const struct cw_xmpp_acknowledgement *ack)
{
	return ack->n >= CW_XMPP_UNCONFIRMED_MAX ||
	       ack->held_bytes >= CW_XMPP_UNCONFIRMED_MAX_BYTES;
}

/* Copy `text` to *at and move that on; a missing text stays one. */
static struct cw_str copy(char **at, struct cw_str text)
{
	char *p = *at;

	if (!text.p)
		return text;
	memcpy(p, text.p, text.len);
	*at += text.len;
	return cw_str_make(p, text.len);
}

static struct cw_xmpp_unconfirmed *unconfirmed_create(const struct cw_xmpp_answerable *a)
{
	size_t texts_bytes = a->from.len + a->to.len + a->id.len + a->type.len;
	struct cw_xmpp_unconfirmed *stanza = malloc(sizeof(*stanza) + texts_bytes);

	if (!stanza)
		return NULL;

	char *at = stanza->texts;

	stanza->texts_bytes = texts_bytes;
	stanza->answerable = (struct cw_xmpp_answerable){
		.kind = a->kind,
		.from = copy(&at, a->from),
		.to = copy(&at, a->to),
		.id = copy(&at, a->id),
		.type = copy(&at, a->type),
	};
	return stanza;
}

static size_t held_bytes(const struct cw_xmpp_unconfirmed *stanza)
{
	return sizeof(*stanza) + stanza->texts_bytes;
}

int cw_xmpp_acknowledgement_add(struct cw_xmpp_acknowledgement *ack,
	const struct cw_xmpp_answerable *answerable, const char *trace, void *source, size_t bytes,
	uint64_t now_ms)
{
	if (cw_xmpp_acknowledgement_is_full(ack))
		return -ENOBUFS;

	struct cw_xmpp_unconfirmed *stanza = unconfirmed_create(answerable);

	if (!stanza)
		return -ENOMEM;
	stanza->sequence = ++ack->sent;
	stanza->sent_ms = now_ms;
	stanza->source = source;
	stanza->bytes = bytes;
	(void)snprintf(stanza->trace, sizeof(stanza->trace), "%s", trace);
	cw_list_append(&ack->unconfirmed, &stanza->link);
	ack->n++;
	ack->held_bytes += held_bytes(stanza);
	return 0;
}

/* The oldest, if its number is not above `last`. */
static struct cw_xmpp_unconfirmed *take(struct cw_xmpp_acknowledgement *ack, uint64_t last)
{
	if (cw_list_empty(&ack->unconfirmed))
		return NULL;

	struct cw_xmpp_unconfirmed *stanza =
		cw_container_of(ack->unconfirmed.next, struct cw_xmpp_unconfirmed, link);

	if (stanza->sequence > last)
		return NULL;
	cw_list_remove(&stanza->link);
	ack->n--;
	ack->held_bytes -= held_bytes(stanza);
	return stanza;
}

struct cw_xmpp_unconfirmed *cw_xmpp_acknowledgement_take_confirmed(
	struct cw_xmpp_acknowledgement *ack)
{
	return take(ack, ack->confirmed);
}

struct cw_xmpp_unconfirmed *cw_xmpp_acknowledgement_take_any(struct cw_xmpp_acknowledgement *ack)
{
	return take(ack, ack->sent);
}

void cw_xmpp_unconfirmed_free(struct cw_xmpp_unconfirmed *stanza)
{
	free(stanza);
}

/* ---- asking, and answers ---- */

static void confirm(struct cw_xmpp_acknowledgement *ack, uint64_t last)
{
	if (last > ack->confirmed)
		ack->confirmed = last;
}

static void asked(struct cw_xmpp_acknowledgement *ack, uint64_t now_ms)
{
	if (ack->asked_ms == 0)
		ack->asked_ms = now_ms ? now_ms : 1; /* 0 says that nothing is out */
}

bool cw_xmpp_acknowledgement_wants_request(const struct cw_xmpp_acknowledgement *ack)
{
	return ack->n > 0 && ack->asked_ms == 0;
}

void cw_xmpp_acknowledgement_enable_sm(struct cw_xmpp_acknowledgement *ack)
{
	ack->is_sm = true;
	ack->sm_base = ack->sm_confirmed = ack->sent;
	ack->received = 0;
}

void cw_xmpp_acknowledgement_disable_sm(struct cw_xmpp_acknowledgement *ack)
{
	ack->is_sm = false;
	if (ack->ping_behind == 0)
		ack->asked_ms = 0;
}

void cw_xmpp_acknowledgement_request_sent(struct cw_xmpp_acknowledgement *ack, uint64_t now_ms)
{
	asked(ack, now_ms);
}

int cw_xmpp_acknowledgement_on_a(struct cw_xmpp_acknowledgement *ack, uint32_t h)
{
	/* modulo 2^32: one that goes back is far ahead, and so more than was sent */
	uint32_t ahead = h - (uint32_t)(ack->sm_confirmed - ack->sm_base);

	if (!ack->is_sm || ahead > ack->sent - ack->sm_confirmed)
		return -EINVAL;
	ack->sm_confirmed += ahead;
	confirm(ack, ack->sm_confirmed);
	if (ack->ping_behind == 0)
		ack->asked_ms = 0;
	return 0;
}

void cw_xmpp_acknowledgement_ping_sent(
	struct cw_xmpp_acknowledgement *ack, const char *id, uint64_t now_ms)
{
	assert(strlen(id) < sizeof(ack->ping_id));
	(void)snprintf(ack->ping_id, sizeof(ack->ping_id), "%s", id);
	ack->ping_behind = ++ack->sent;
	asked(ack, now_ms);
}

void cw_xmpp_acknowledgement_ping_answered(struct cw_xmpp_acknowledgement *ack)
{
	confirm(ack, ack->ping_behind);
	ack->ping_behind = 0;
	ack->asked_ms = 0;
}

void cw_xmpp_acknowledgement_received(struct cw_xmpp_acknowledgement *ack)
{
	ack->received++;
}
