#include "sip/link.h"

#include "core/log.h"
#include "sip/rewrite.h"

#include <errno.h>
#include <stdlib.h>

static const struct cw_str pong = CW_STR("\r\n");

static struct cw_link *create(const struct cw_link_handler *handler, void *arg, bool incoming)
{
	struct cw_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->handler = handler;
	link->arg = arg;
	link->incoming = incoming;
	cw_list_init(&link->entry);
	cw_list_init(&link->servers);
	cw_list_init(&link->clients);
	cw_list_init(&link->feeders);
	cw_list_init(&link->feeding);
	return link;
}

int cw_link_dial(struct cw_link **out, struct cw_loop *loop, const struct cw_connection_dial *how,
	const struct cw_link_handler *handler, void *arg)
{
	struct cw_link *link = create(handler, arg, false);
	int r;

	if (!link)
		return -ENOMEM;
	cw_address_format(&how->address, link->remote);
	r = cw_connection_dial(&link->connection, loop, how, &cw_link_connection_handler, link);
	if (r) {
		free(link);
		return r;
	}
	*out = link;
	return 0;
}

struct cw_link *cw_link_accept(
	struct cw_connection *connection, const struct cw_link_handler *handler, void *arg)
{
	struct cw_link *link = create(handler, arg, true);

	if (!link)
		return NULL;
	link->connection = connection;
	cw_address_format(cw_connection_remote(connection), link->remote);
	return link;
}

/* Let the links go on that waited for room in this one. */
static void release_feeders(struct cw_link *link)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &link->feeders)
	{
		struct cw_link *feeder = cw_container_of(pos, struct cw_link, feeding);

		cw_list_remove(&feeder->feeding);
		cw_connection_resume(feeder->connection);
	}
}

int cw_link_send(struct cw_link *link, struct cw_str bytes, struct cw_link *source)
{
	int r = cw_connection_send(link->connection, bytes);

	/* One place in one list is enough: a source that is not read feeds nobody else either. */
	if (source && cw_list_empty(&source->feeding) && cw_connection_is_full(link->connection)) {
		cw_list_append(&link->feeders, &source->feeding);
		cw_connection_pause(source->connection);
	}
	return r;
}

bool cw_link_same_peer(const struct cw_link *a, const struct cw_link *b)
{
	const struct cw_identity *ia = cw_connection_identity(a->connection);
	const struct cw_identity *ib = cw_connection_identity(b->connection);

	if (ia || ib)
		return ia && ib && cw_identity_eq(ia, ib);
	return cw_address_same_host(
		cw_connection_remote(a->connection), cw_connection_remote(b->connection));
}

void cw_link_close(struct cw_link *link)
{
	link->broken = true;
	cw_connection_close(link->connection);
}

/* Take it out of everything that points to it. */
static void forget(struct cw_link *link)
{
	release_feeders(link);
	cw_list_remove(&link->feeding);
	cw_list_remove(&link->entry);
	if (link->setup)
		cw_sip_setup_release(link->setup);
	free(link);
}

void cw_link_abandon(struct cw_link *link)
{
	if (!link)
		return;
	cw_connection_abandon(link->connection);
	forget(link);
}

static void on_opened(struct cw_connection *c, void *arg)
{
	struct cw_link *link = arg;

	if (link->incoming)
		cw_connection_set_deadline(c, CW_LINK_FIRST_MESSAGE_MS, "first message");
	link->handler->opened(link, link->arg);
}

/* Tell the owner of a message that is wrong. */
static void report(struct cw_link *link, struct cw_str message, const struct cw_sip_reject *reject)
{
	static const struct cw_str version = CW_STR("SIP/");

	link->handler->malformed(link, link->arg, reject, cw_str_case_starts(message, version));
}

/* Answer what can be answered of a message that is wrong, and tell the owner. */
static void refuse(struct cw_link *link, struct cw_str head, const struct cw_sip_reject *reject)
{
	struct cw_buf out;

	cw_buf_init(&out, CW_SIP_HEADERS_MAX_BYTES + 1024);
	if (reject->status != 0 && cw_sip_reply_build_raw(&out, head,
					   &(struct cw_sip_reply){
						   .status = reject->status,
						   .phrase = cw_str_of(reject->reason),
						   .to_tag = CW_STR("cw-refused"),
					   }) == 0)
		cw_link_send(link, cw_buf_str(&out), link);
	cw_buf_finish(&out);
	report(link, head, reject);
}

static void deliver(struct cw_link *link, const struct cw_sip_frame *frame)
{
	struct cw_sip_message *message;
	struct cw_sip_reject reject = {0};

	switch (cw_sip_message_parse(&message, frame->message, &reject)) {
	case 0:
		link->handler->message(link, link->arg, message);
		break;
	case CW_SIP_E_REJECT:
		refuse(link, cw_str_make(frame->message.p, frame->head_len), &reject);
		break;
	case CW_SIP_E_DROP:
		reject.status = 0;
		report(link, frame->message, &reject);
		break;
	default: /* memory is short: this stream cannot go on without losing a message in silence */
		cw_error(
			"sip.link", cw_kz("event", "out-of-memory"), cw_kz("remote", link->remote));
		cw_link_close(link);
		break;
	}
}

static void give_up(struct cw_link *link, const struct cw_sip_frame *frame)
{
	struct cw_sip_reject reject = {.status = frame->status};

	snprintf(reject.reason, sizeof(reject.reason), "%s", frame->reason);
	cw_warn("sip.link", cw_kz("event", "garbage"), cw_kz("remote", link->remote),
		cw_kz("reason", frame->reason));
	refuse(link, frame->message, &reject);
	cw_link_close(link);
}

/* A message that has begun must be whole within its time, however slowly it drips. */
static void watch_partial(struct cw_link *link, bool partial)
{
	if (partial == link->in_partial)
		return;
	link->in_partial = partial;
	if (partial)
		cw_connection_set_deadline(
			link->connection, CW_LINK_PARTIAL_MESSAGE_MS, "partial message");
	else if (link->got_message || !link->incoming)
		cw_connection_set_deadline(link->connection, 0, NULL);
}

static size_t on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	struct cw_link *link = arg;
	size_t consumed = 0;
	bool partial = false;

	/*
	 * One that feeds a full link stops in the middle; the rest is delivered after the resume.
	 */
	while (!link->broken && cw_list_empty(&link->feeding)) {
		struct cw_sip_frame frame;

		cw_sip_frame_next(&link->framer, cw_str_from(bytes, consumed), &frame);
		consumed += frame.consumed;
		if (frame.kind == CW_FRAME_MORE) {
			partial = frame.has_begun;
			break;
		}
		if (frame.kind == CW_FRAME_PING) {
			cw_link_send(link, pong, link);
			continue;
		}
		watch_partial(link, false);
		if (!link->got_message) {
			link->got_message = true;
			cw_connection_set_deadline(c, 0, NULL);
		}
		if (frame.kind == CW_FRAME_BROKEN)
			give_up(link, &frame);
		else
			deliver(link, &frame);
	}
	if (link->broken)
		return bytes.len;
	watch_partial(link, partial);
	return consumed;
}

static void on_drained(struct cw_connection *c, void *arg)
{
	(void)c;
	release_feeders(arg);
}

static void on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail)
{
	struct cw_link *link = arg;

	(void)c;
	link->broken = true;
	link->handler->closed(link, link->arg, end, detail);
	forget(link);
}

const struct cw_connection_handler cw_link_connection_handler = {
	.opened = on_opened,
	.received = on_received,
	.drained = on_drained,
	.closed = on_closed,
};
