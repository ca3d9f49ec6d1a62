/* SPDX-License-Identifier: GPL-2.0 */
/* The command line that the benchmark's programs share. */
#ifndef BENCH_CLI_H
#define BENCH_CLI_H

#include <stdbool.h>

/**
 * struct cli - a program that measures things by name
 * @program: its name.
 * @about: what it does, for --help.
 * @repeats: how often it measures each by default.
 * @name: of thing number i, from 0 on; NULL behind the last.
 * @what: what it measures, in words.
 * @act: measure it and print the result; false: that failed.
 */
struct cli {
	const char *program;
	const char *about;
	unsigned int repeats;
	const char *(*name)(unsigned int i);
	const char *(*what)(unsigned int i);
	bool (*act)(unsigned int i, unsigned int repeats);
};

/* Do what the arguments say. Returns the exit status. */
int cli_run(const struct cli *cli, int argc, char **argv);

#endif /* BENCH_CLI_H */
