/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command lines of vmmuctl. Options that several commands have stand here
 * once: a row for the command's table, lines for its --help, and their values.
 */
#ifndef VMMUCTL_OPTIONS_H
#define VMMUCTL_OPTIONS_H

#include "cli.h"

/* An object of another process: its descriptor there. -1: not said. */
struct target {
	int pid;
	int fd;
};

/* What the options that commands share say, and the arguments. */
struct common {
	struct target target;
	uint32_t access;	/* enum vmmu_access */
	char privilege;		/* 'u', 's' or 0: the space's */
	bool set_ad;
	bool all;
	bool json;
	char **arguments;	/* without PID:FD */
	size_t nr_arguments;
};

#define OPTION_PID		{ "pid", required_argument, NULL, 'p' }
#define OPTION_FD		{ "fd", required_argument, NULL, 'f' }
#define OPTION_ACCESS		{ "access", required_argument, NULL, 'a' }
#define OPTION_USER		{ "user", no_argument, NULL, 'u' }
#define OPTION_SUPERVISOR	{ "supervisor", no_argument, NULL, 's' }
#define OPTION_SET_AD		{ "set-ad", no_argument, NULL, 'S' }
#define OPTION_ALL		{ "all", no_argument, NULL, 'A' }
#define OPTION_JSON		{ "json", no_argument, NULL, 'j' }
#define OPTION_HELP		{ "help", no_argument, NULL, 'h' }
#define OPTION_END		{ NULL, 0, NULL, 0 }

/* The letters of the long options without one begin here. */
#define OPTION_FIRST	256

#define TARGET_HELP \
	"PID:FD is the process that holds the file, and its descriptor there;\n" \
	"`vmmuctl list` shows both. They may also be said by options:\n\n" \
	"  -p, --pid PID       the process\n" \
	"  -f, --fd FD         the descriptor\n"

#define PRIVILEGE_HELP \
	"  -u, --user          the access is a user's\n" \
	"  -s, --supervisor    it is the supervisor's (default: as the space's CPL3\n" \
	"                      mode bit says)\n"

#define ACCESS_HELP \
	"  -a, --access r|w|x  the access to judge (default r)\n"

#define SET_AD_HELP \
	"  -S, --set-ad        set the Accessed and Dirty bits that a CPU would set\n"

#define JSON_HELP \
	"  -j, --json          one JSON object\n" \
	"  -h, --help          this text\n\n"

/* The table of a command that has --json and --help only. */
extern const struct option plain_options[];

/*
 * A command's options. @take takes the value @text of an option that is the
 * command's own and returns false after a message; NULL where there is none.
 * @check, unless NULL, takes the arguments and checks what all say together;
 * it returns an exit code. Both get the command's own options.
 */
struct command_line {
	const char *name;
	const char *help;
	const struct option *options;	/* closed by OPTION_END */
	bool (*take)(void *own, int option, const char *text);
	int (*check)(void *own);
	size_t most_arguments;		/* PID:FD aside; ~0: any number */
};

/*
 * Parse options and arguments. A command that has OPTION_PID gets its target
 * from there or from the first argument. Return -1 to go on, or the exit code.
 */
int command_line_parse(const struct command_line *line, int argc, char **argv,
		       struct common *common, void *own);

/*
 * Take the arguments from number @first on for addresses: an array, to be
 * freed in any case. Return false after a message that names @what.
 */
bool common_addresses(const struct common *common, size_t first,
		      const char *what, uint64_t **vas, size_t *nr_vas);

/* VMMU_TRANSLATE_*, for a space of this mode. */
uint32_t common_flags(const struct common *common,
		      const struct vmmu_mode *mode);

#endif /* VMMUCTL_OPTIONS_H */
