/*
 * causeway trace: one partner, as it happens.
 */
#include "daemon/commands.h"

#include "admin/text.h"
#include "daemon/inquiry.h"
#include "xmpp/jid.h"

#include <jansson.h>

#include <errno.h>
#include <time.h>

#define NAME        "trace"
#define REQUEST_MAX (sizeof("trace ") + CW_JID_DOMAIN_MAX)
#define SECONDS_MAX 86400

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long to listen: *end_ms is 0 for ever. Returns: 0, or the exit status. */
static int read_duration(const struct cw_options *options, int64_t *end_ms)
{
	const char *text = options->value[CW_OPTION_FOR];
	uint64_t seconds = 0;

	*end_ms = 0;
	if (!text)
		return 0;
	if (cw_str_to_u64(cw_str_of(text), SECONDS_MAX, &seconds) || seconds == 0)
		return cw_console_error(NAME,
			"--for is a number of seconds from 1 to %d, not \"%s\"", SECONDS_MAX, text);
	*end_ms = now_ms() + (int64_t)seconds * 1000;
	return 0;
}

/*
 * The request for the partner as the daemon calls it: a domain in A-labels; who has not said a name yet goes by the
 * address, as in `causeway connections`.
 *
 * Returns: 0, or the exit status.
 */
static int make_request(char room[static REQUEST_MAX], const char *partner)
{
	struct cw_arena arena = {0};
	struct cw_address address;
	struct cw_str s;
	int r = 0;

	if (cw_address_parse(&address, cw_str_of(partner)) == 0)
		s = cw_str_of(partner);
	else
		r = cw_jid_prepare_domain(&s, cw_str_of(partner), &arena);
	if (!r)
		(void)snprintf(room, REQUEST_MAX, "trace %" CW_STR_FMT, CW_STR_ARG(s));
	cw_arena_finish(&arena);
	if (r < 0)
		return cw_console_error(NAME, "%s", strerror(-r));
	if (r)
		return cw_console_error(NAME, "expected the domain of a partner, as in b.example; "
					      "see causeway connections");
	return 0;
}

static int print_sentence(const char *partner, struct cw_str sentence)
{
	struct cw_arena arena = {0};
	struct cw_str text;
	int r = cw_text_printable(&text, sentence, &arena);

	if (!r &&
		(printf("%s: %" CW_STR_FMT "\n", partner, CW_STR_ARG(text)) < 0 || fflush(stdout)))
		r = -EIO;
	cw_arena_finish(&arena);
	return r;
}

/* Returns: 0; a negative errno of printing; -EREMOTEIO when the daemon refused, which was said. */
static int print_line(const char *partner, const json_t *line)
{
	const json_t *said = json_object_get(line, "said");
	const json_t *left_out = json_object_get(line, "left-out");
	const json_t *error = json_object_get(line, "error");
	char text[80];

	if (json_is_string(error)) {
		cw_console_error(NAME, "the daemon says: %s", json_string_value(error));
		return -EREMOTEIO;
	}
	if (json_is_string(said))
		return print_sentence(
			partner, cw_str_make(json_string_value(said), json_string_length(said)));
	if (!left_out)
		return 0;
	(void)snprintf(text, sizeof(text), "(%lld sentences came too fast and are left out)",
		(long long)json_integer_value(left_out));
	return print_sentence(partner, cw_str_of(text));
}

/* Print what comes until `end_ms`. Returns: the exit status. */
static int listen_until(struct cw_control_client *client, const char *partner, int64_t end_ms)
{
	json_t *line;
	int64_t left_ms = -1;
	int r;

	for (;;) {
		if (end_ms) {
			left_ms = end_ms - now_ms();
			if (left_ms <= 0)
				return cw_console_finish(NAME, 0, CW_EXIT_YES);
		}
		r = cw_control_client_next(client, (int)left_ms, &line);
		if (r == -ETIMEDOUT)
			continue;
		if (r)
			return cw_inquiry_failed(NAME, r);
		r = print_line(partner, line);
		json_decref(line);
		if (r)
			return r == -EREMOTEIO ? CW_EXIT_ERROR : cw_console_finish(NAME, r, 0);
	}
}

int cw_command_trace(const struct cw_options *options)
{
	const char *partner = options->args[0];
	struct cw_control_client *client = NULL;
	char request[REQUEST_MAX];
	int64_t end_ms;
	int status = make_request(request, partner);

	if (!status)
		status = read_duration(options, &end_ms);
	if (status)
		return status;
	status = cw_inquiry_ask(&client, NAME, options, request);
	if (!status)
		status = listen_until(client, partner, end_ms);
	cw_control_client_destroy(client);
	return status;
}
