// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl: look at /dev/vmmu, its VMs, their page tables and memory, and images.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct command {
	const char *name;
	const char *summary;	/* NULL: another name of a command */
	command_fn *run;
} commands[] = {
	{ "info", "what the module can do", info_run },
	{ "list", "every VM on this host and who holds it", list_run },
	{ "show", "all about a VM or a space, or what is at an address",
	  show_run },
	{ "walk", "translate addresses in another process's space, explained",
	  walk_run },
	{ "dump", "a VM's real map table, or a space's page table", dump_run },
	{ "read", "guest-virtual memory, as a hex dump", read_run },
	{ "write", "change guest-virtual memory", write_run },
	{ "who", "which virtual addresses map a real page", who_run },
	{ "stat", "what a VM or a space has been through, once or by interval",
	  stat_run },
	{ "trap", "show installs as they happen", trap_run },
	{ "check", "have the module check a VM's windows and page tables",
	  check_run },
	{ "audit", NULL, check_run },	/* what check was called before */
	{ "image", "translate addresses in a file that holds a guest's memory",
	  image_run },
};

static void help(FILE *out)
{
	size_t i;

	fputs("Usage: vmmuctl COMMAND [OPTION...] [ARGUMENT...]\n\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].summary)
			fprintf(out, "  %-8s%s\n", commands[i].name,
				commands[i].summary);
	fputs("\n`vmmuctl COMMAND --help` documents a command; vmmuctl(1) all of them.\n"
	      "`vmmuctl --version` prints the version.\n\n" CLI_EXIT_HELP, out);
}

/*
 * Make descriptors 0 to 2 exist, so that no file opened later takes the place
 * of a closed stdout. Writes to a stand-in for stdout fail, as they should.
 */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[32];	/* as getopt_long() shall call it */

	snprintf(name, sizeof(name), "vmmuctl %s", command->name);
	argv[0] = name;
	return finish_output(command->run(argc, argv));
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	size_t i;

	open_standard_files();
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help")) {
		help(stdout);
		return finish_output(CLI_OK);
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("vmmuctl " VMMUCTL_VERSION);
		return finish_output(CLI_OK);
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	if (!*name) {
		help(stderr);
		return CLI_USAGE;
	}
	return complain("%s: no such command; `vmmuctl --help` lists them",
			name);
}
