// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char usage[] =
"usage: %s [OPTION]... [NAME]...\n\n%s\n"
"  -l, --list       print the names and what they measure\n"
"  -r, --repeats=N  measure each N times; default %u\n"
"  -h, --help       print this\n"
"\n"
"exit status: 0, or 1 if a measurement failed, 2 if the usage is wrong\n";

static void list(const struct cli *cli)
{
	for (unsigned int i = 0; cli->name(i); i++)
		printf("%-24s %s\n", cli->name(i), cli->what(i));
}

/* The number of the thing of this name, or -1. */
static int find(const struct cli *cli, const char *name)
{
	for (unsigned int i = 0; cli->name(i); i++) {
		if (!strcmp(cli->name(i), name))
			return i;
	}
	return -1;
}

static bool act_on_all(const struct cli *cli, unsigned int repeats)
{
	bool good = true;

	for (unsigned int i = 0; cli->name(i); i++)
		good &= cli->act(i, repeats);
	return good;
}

static bool act_on(const struct cli *cli, char **names, int nr,
		   unsigned int repeats)
{
	bool good = true;

	for (int i = 0; i < nr; i++)
		good &= cli->act(find(cli, names[i]), repeats);
	return good;
}

int cli_run(const struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "repeats", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	unsigned long repeats = cli->repeats;
	int option;
	char *end;

	while ((option = getopt_long(argc, argv, "lr:h", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			list(cli);
			return 0;
		case 'r':
			repeats = strtoul(optarg, &end, 10);
			if (*end || !repeats || repeats > 1000) {
				fprintf(stderr, "%s: --repeats: %s is no number from 1 to 1000\n",
					cli->program, optarg);
				return 2;
			}
			break;
		case 'h':
			printf(usage, cli->program, cli->about, cli->repeats);
			return 0;
		default:
			fprintf(stderr, "Try %s --help.\n", cli->program);
			return 2;
		}
	}
	for (int i = optind; i < argc; i++) {
		if (find(cli, argv[i]) < 0) {
			fprintf(stderr, "%s: no %s; --list shows what there is\n",
				cli->program, argv[i]);
			return 2;
		}
	}
	if (optind == argc)
		return !act_on_all(cli, repeats);
	return !act_on(cli, argv + optind, argc - optind, repeats);
}
