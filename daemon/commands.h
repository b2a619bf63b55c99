/*
 * The commands of the program: each takes its options and returns the exit status.
 */
#ifndef CW_DAEMON_COMMANDS_H
#define CW_DAEMON_COMMANDS_H

struct cw_options;

/*
 * causeway check: read the configuration as `run` would, analyse it, print what is found.
 *
 * Returns: 0 when it is clean, 1 with warnings only, 2 with errors.
 */
int cw_command_check(const struct cw_options *options);

#endif
