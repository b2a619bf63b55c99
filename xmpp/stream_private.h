/*
 * Between the files of a stream: its life (stream.c), what comes in (stream_input.c), what is confirmed (stream_confirm.c), its
 * timer (stream_time.c). Nobody else includes it.
 */
#ifndef CW_XMPP_STREAM_PRIVATE_H
#define CW_XMPP_STREAM_PRIVATE_H

#include "xmpp/stack.h"
#include "xmpp/stream.h"

/* The only writer of the state. */
void cw_stream_enter(struct cw_stream *s, enum cw_stream_state state);

/* Nothing is read or sent any more but what is queued. */
void cw_stream_leave(struct cw_stream *s);

/* Read again what waited for room in this stream. */
void cw_stream_release_feeders(struct cw_stream *s);

/* The connection's callbacks. */
void cw_stream_on_opened(struct cw_connection *c, void *stream);
size_t cw_stream_on_received(struct cw_connection *c, void *stream, struct cw_str bytes);
void cw_stream_on_drained(struct cw_connection *c, void *stream);
void cw_stream_on_closed(
	struct cw_connection *c, void *stream, enum cw_connection_end end, const char *detail);

/* Events that were left for another turn: the run of `again`. */
void cw_stream_go_on(void *stream);

/* ---- stream_confirm.c ---- */

/* It is established: ask for stream management where the peer offers it. */
void cw_stream_confirm_begin(struct cw_stream *s);

/* A stanza was sent. */
void cw_stream_confirm_sent(struct cw_stream *s);

/* Ask the peer now whether what was sent arrived, or whether it lives. */
void cw_stream_confirm_ask(struct cw_stream *s);

/* An element of urn:xmpp:sm:3. */
void cw_stream_on_management(struct cw_stream *s, const struct cw_xmpp_element *e);

/* ---- stream_time.c ---- */

/* Have the timer expire at the earliest of what is due. */
void cw_stream_time_arm(struct cw_stream *s);

/* Bytes came: what reads them is in use for a while. */
void cw_stream_time_heard(struct cw_stream *s);

/* The timer's callback. */
void cw_stream_on_timer(void *stream);

#endif
