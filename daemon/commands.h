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

/*
 * causeway run: the daemon in the foreground. SIGHUP reloads, SIGUSR1 prints the counters, SIGTERM and SIGINT end it.
 *
 * Returns: 0 after it was told to end; 1 when it cannot run; 2 when the configuration is wrong.
 */
int cw_command_run(const struct cw_options *options);

#endif
