// SPDX-License-Identifier: GPL-2.0
/*
 * The demo: the figure of the textbook, with real frames in it.
 *
 * Two VMs run the miniature guest OS, the first with two programs and the
 * second with one. Each leaves a note at the same virtual address. The demo
 * shows how their page tables and the VMs' real map tables come to be, then
 * where each address has ended, and checks all of it. Then one program forks,
 * one needs a larger stack, one goes wrong, and the rest exit (acts.c). At last
 * the ways to change a page table are compared (compare.c).
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

/* Exit status, stated in help_text. */
enum { DEMO_OK = 0, DEMO_MISMATCH = 1, DEMO_USAGE = 2, DEMO_REFUSED = 3 };

static const char help_text[] =
"Usage: %s [OPTION...]\n"
"\n"
"Run a miniature guest OS and its programs in two VMs of /dev/vmmu, and show how the\n"
"programs' virtual pages become real pages, and those physical frames.\n"
"\n"
"  -t, --tables WAY   how the guest OS changes its page tables: by stores, which trap (the\n"
"                     default), by hypercalls, one an entry, by batches of them, or lazy:\n"
"                     by stores that do not trap, and invalidations\n"
"  -l, --levels N     page tables of 4 (the default) or 5 levels\n"
"  -v, --verbose      every page fault in slow motion, and the tables of both VMs, entry\n"
"                     by entry\n"
"  -q, --quiet        only where the addresses end, and the outcome\n"
"      --color        use colors; the default on a terminal, unless NO_COLOR is set\n"
"      --no-color     use none\n"
"  -p, --programs DIR where the programs are; by default where the demo was built or\n"
"                     installed\n"
"  -d, --device FILE  the device node, default " VMMU_DEVICE "\n"
"  -h, --help         this text\n"
"\n"
"Exit status: 0 all that was shown was checked and is true; 1 a check failed;\n"
"2 bad arguments; 3 the system refused something.\n";

struct options {
	const char *device;
	const char *programs;
	unsigned int levels;
	enum way way;
	bool verbose;
	bool quiet;
	bool help;
};

static int verdict(const struct checks *checks)
{
	putchar('\n');
	if (checks->failed) {
		paint(BAD, "%u of %u checks FAILED.\n", checks->failed,
		      checks->failed + checks->passed);
		return DEMO_MISMATCH;
	}
	printf("All %u checks passed%s.\n", checks->passed,
	       checks->frames_shown ? "" : "; frames were not checked");
	return DEMO_OK;
}

static int refused(const char *what, int err)
{
	fflush(stdout);
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(-err));
	return DEMO_REFUSED;
}

/* All acts, in order; a guest that was booted is left to the caller. */
static int play(struct demo *demo, int dev)
{
	int err = act_boot(demo, dev);

	if (!err)
		err = act_run(demo);
	if (!err)
		err = act_figure(demo);
	if (!err)
		err = show_ends(&demo->checks, &demo->cast);
	if (!err)
		err = act_fork(demo);
	if (!err)
		err = act_stack(demo);
	if (!err)
		err = act_wild(demo);
	if (!err)
		err = act_exit(demo);
	if (!err)
		err = act_compare(demo, dev);
	return err ? err : demo->steps.err;
}

static int run(struct demo *demo, const struct options *options)
{
	int dev = vmmu_open(options->device);
	int err;

	if (dev < 0) {
		refused(options->device, dev);
		fputs("Is the module loaded? `make demo` runs this where it is.\n",
		      stderr);
		return DEMO_REFUSED;
	}
	demo->programs = options->programs;
	demo->format = options->levels == 5 ? VMMU_FORMAT_X86_64_5LEVEL :
					      VMMU_FORMAT_X86_64_4LEVEL;
	demo->way = options->way;
	demo->verbose = options->verbose;
	demo->quiet = options->quiet;
	demo->checks.pagemap = -1;
	steps_init(&demo->steps, &demo->checks,
		   options->verbose ? UINT32_MAX : 1, options->quiet);
	if (!options->quiet)
		draw_legend();
	err = play(demo, dev);
	while (demo->cast.nr_guests)
		guest_halt(&demo->cast.guests[--demo->cast.nr_guests]);
	checks_exit(&demo->checks);
	close(dev);
	return err ? refused("the demo stopped", err) : verdict(&demo->checks);
}

/* The folder of the programs, seen from this executable's own. */
static const char *find_programs(void)
{
	static const char * const places[] = {
		"guest/programs", "../lib/vmmu-demo",
	};
	static char path[PATH_MAX + 32];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
	char *name;
	size_t i;

	if (length <= 0 || length == PATH_MAX)
		return places[0];
	path[length] = '\0';
	name = strrchr(path, '/') + 1;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		memcpy(name, places[i], strlen(places[i]) + 1);
		if (!access(path, X_OK))
			break;
	}
	return path;
}

/* Find a way by its name; false where there is none. */
static bool parse_way(const char *name, enum way *way)
{
	for (*way = 0; *way < NR_WAYS; ++*way)
		if (!strcmp(name, way_names[*way]))
			return true;
	return false;
}

static int parse(int argc, char **argv, struct options *options)
{
	enum { COLOR = 256, NO_COLOR };
	static const struct option longs[] = {
		{ "tables", required_argument, NULL, 't' },
		{ "levels", required_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "color", no_argument, NULL, COLOR },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "programs", required_argument, NULL, 'p' },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	int c;

	*options = (struct options){ .device = VMMU_DEVICE, .levels = 4 };
	while ((c = getopt_long(argc, argv, "t:l:vqp:d:h", longs, NULL)) != -1) {
		switch (c) {
		case 't':
			if (!parse_way(optarg, &options->way)) {
				fprintf(stderr, "%s: --tables is %s\n", argv[0],
					"stores, hypercalls, batches or lazy");
				return DEMO_USAGE;
			}
			break;
		case 'l':
			if (strcmp(optarg, "4") && strcmp(optarg, "5")) {
				fprintf(stderr, "%s: --levels is 4 or 5\n",
					argv[0]);
				return DEMO_USAGE;
			}
			options->levels = *optarg - '0';
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case COLOR:
		case NO_COLOR:
			color = c == COLOR;
			break;
		case 'p':
			options->programs = optarg;
			break;
		case 'd':
			options->device = optarg;
			break;
		case 'h':
			options->help = true;
			break;
		default:
			return DEMO_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: %s: there are no arguments but options\n",
			argv[0], argv[optind]);
		return DEMO_USAGE;
	}
	if (color)
		ink_on();
	return DEMO_OK;
}

int main(int argc, char **argv)
{
	static struct demo demo;
	struct options options;
	int status = parse(argc, argv, &options);

	if (!options.programs)
		options.programs = find_programs();
	if (status == DEMO_OK && options.help)
		printf(help_text, program_invocation_short_name);
	else if (status == DEMO_OK)
		status = run(&demo, &options);
	if (fflush(stdout) || ferror(stdout)) {
		perror(program_invocation_short_name);
		status = DEMO_REFUSED;
	}
	return status;
}
