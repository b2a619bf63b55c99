/*
 * Puts the table of settings into the manual page: copies it to stdout and writes, in place of a line "@zone@", what may stand in that
 * context. The page must have each context once, so that no setting can be missing from it.
 */
#include "daemon/schema.h"

#include "dialplan/zone.h"

#include <errno.h>
#include <stdio.h>

#define LINE_MAX_BYTES 4096

static const char *const markers[CW_CONTEXT_COUNT] = {
	[CW_IN_FILE] = "@file@\n",
	[CW_IN_TLS] = "@tls@\n",
	[CW_IN_DNS] = "@dns@\n",
	[CW_IN_TOKEN] = "@token@\n",
	[CW_IN_ZONE] = "@zone@\n",
	[CW_IN_PARTNER] = "@partner@\n",
	[CW_IN_ACCESS] = "@access@\n",
	[CW_IN_RULE] = "@rule@\n",
	[CW_IN_TRANSFORM] = "@transform@\n",
	[CW_IN_XMPP] = "@xmpp@\n",
	[CW_IN_XMPP_PARTNER] = "@xmpp-partner@\n",
};

/* Text that scdoc shall not read as mark-up. */
static void write_plain(const char *text)
{
	for (; *text; text++) {
		if (*text == '_' || *text == '*' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void write_zone_types(const struct cw_setting *s)
{
	const char *separator = " In zones of type ";
	enum cw_zone_type t;

	for (t = CW_ZONE_NEIGHBOR; t <= CW_ZONE_XMPP; t++) {
		if (!(s->zone_types & 1u << t))
			continue;
		printf("%s_%s_", separator, cw_zone_type_name(t));
		separator = ", ";
	}
	putchar('.');
}

static void write_setting(const struct cw_setting *s)
{
	struct cw_buf arguments = {0};

	cw_setting_arguments(s, &arguments);
	cw_buf_add_char(&arguments, '\0');
	printf("*%s* ", s->name);
	if (arguments.len > 1) {
		putchar('_');
		write_plain(arguments.data);
		putchar('_');
	}
	if (s->type == CW_TYPE_BLOCK || s->type == CW_TYPE_NAMED)
		printf(" { ... }");
	printf("\n\t%s", s->help);
	if (s->zone_types)
		write_zone_types(s);
	if (s->default_value || s->default_help) {
		printf(" Default: ");
		write_plain(s->default_value ? s->default_value : s->default_help);
		putchar('.');
	}
	if (s->flags & CW_SETTING_REQUIRED)
		printf(" Needed.");
	if (s->flags & CW_SETTING_REPEATABLE)
		printf(" Repeatable.");
	if (s->effect == CW_AT_RESTART)
		printf(" _restart_");
	printf("\n\n");
	cw_buf_finish(&arguments);
}

/* The context whose marker the line is, or CW_CONTEXT_COUNT. */
static enum cw_context find_marker(const char *line)
{
	enum cw_context context;

	for (context = CW_IN_FILE; context < CW_CONTEXT_COUNT; context++)
		if (strcmp(line, markers[context]) == 0)
			break;
	return context;
}

int main(int argc, char **argv)
{
	unsigned seen[CW_CONTEXT_COUNT] = {0};
	const struct cw_setting *settings;
	char line[LINE_MAX_BYTES];
	enum cw_context context;
	size_t count, i;
	FILE *in;

	if (argc != 2 || !(in = fopen(argv[1], "r"))) {
		fprintf(stderr, "usage: schema_man PAGE\n");
		return 2;
	}
	while (fgets(line, sizeof(line), in)) {
		context = find_marker(line);
		if (context == CW_CONTEXT_COUNT) {
			fputs(line, stdout);
			continue;
		}
		seen[context]++;
		settings = cw_schema_settings(context, &count);
		for (i = 0; i < count; i++)
			write_setting(&settings[i]);
	}
	fclose(in);
	for (context = CW_IN_FILE; context < CW_CONTEXT_COUNT; context++) {
		if (seen[context] == 1)
			continue;
		fprintf(stderr, "%s: %.*s stands there %u times, not once\n", argv[1],
			(int)strlen(markers[context]) - 1, markers[context], seen[context]);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
