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

/*
 * causeway connections: every connection of the running daemon.
 *
 * Returns: 0, or 2 for an error.
 */
int cw_command_connections(const struct cw_options *options);

/*
 * causeway locate: where an alias or a message goes, and why.
 *
 * Returns: 0 at least one target, 1 none, 2 an error.
 */
int cw_command_locate(const struct cw_options *options);

/*
 * causeway pattern: one pattern on one alias.
 *
 * Returns: 0 it matches, 1 it does not, 2 an error.
 */
int cw_command_pattern(const struct cw_options *options);

/*
 * causeway rules diff: what changes its way from one configuration to another.
 *
 * Returns: 0 nothing, 1 something, 2 an error.
 */
int cw_command_rules_diff(const struct cw_options *options);

/*
 * causeway rules import: an Expressway's search rules as a rule file.
 *
 * Returns: 0 all carried over, 1 something was not, 2 it cannot be read.
 */
int cw_command_rules_import(const struct cw_options *options);

/*
 * causeway rules list: transforms and rules in the order in which they are asked.
 *
 * Returns: 0, or 2 for an error.
 */
int cw_command_rules_list(const struct cw_options *options);

/*
 * causeway rules test: whether requests go where files of tests say.
 *
 * Returns: 0 all passed, 1 some failed, 2 an error.
 */
int cw_command_rules_test(const struct cw_options *options);

/*
 * causeway rules analyse: rules that are never reached, that say what others say, or that most likely do not say what was meant.
 *
 * Returns: 0 no warnings, 1 some, 2 an error.
 */
int cw_command_rules_analyse(const struct cw_options *options);

/*
 * causeway status: whether what the running daemon does is active.
 *
 * Returns: 0 all is, 1 something is not, 2 an error.
 */
int cw_command_status(const struct cw_options *options);

/*
 * causeway trace: what the running daemon says to one partner and hears from it, as it happens.
 *
 * Returns: 0 when the time is over, 2 an error.
 */
int cw_command_trace(const struct cw_options *options);

#endif
