#include "xmpp/stack.h"

#include "xmpp/stream.h"

size_t cw_xmpp_under_way(const struct cw_xmpp *x)
{
	return x->n_with_fate + x->n_unconfirmed;
}

void cw_xmpp_settled(struct cw_xmpp *x)
{
	if (x->stopped && cw_xmpp_under_way(x) == 0) {
		void (*stopped)(void *arg) = x->stopped;

		x->stopped = NULL;
		cw_stream_close_all(x, "Causeway stops");
		stopped(x->stopped_arg);
	}
}
