// SPDX-License-Identifier: GPL-2.0
/*
 * The demo: the figure of the textbook, with real frames in it.
 *
 * Two VMs run the miniature guest OS, the first with two programs and the
 * second with one. The programs do the same at the same addresses: each stores
 * a string of its own in its data, and copies it to its stack. The demo shows
 * how their page tables and the VMs' real map tables come to be, then where
 * each address has ended, and checks all of it; last, a program goes wrong.
 */
#include <errno.h>
#include <getopt.h>
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
"Run a miniature guest OS in two VMs of /dev/vmmu, and show how the virtual pages\n"
"of its programs become real pages, and those physical frames.\n"
"\n"
"  -l, --levels N     page tables of 4 (the default) or 5 levels\n"
"  -v, --verbose      every page fault in slow motion, and every page-table entry\n"
"  -q, --quiet        only where the addresses end, and the outcome\n"
"      --color        use colors; the default on a terminal, unless NO_COLOR is set\n"
"      --no-color     use none\n"
"  -d, --device FILE  the device node, default " VMMU_DEVICE "\n"
"  -h, --help         this text\n"
"\n"
"Exit status: 0 all that was shown was checked and is true; 1 a check failed;\n"
"2 bad arguments; 3 the system refused something.\n";

#define REAL_BYTES	(256 * PAGE_BYTES)
#define WILD_VA		0xdead000UL

/* Store a string and push it; go on later, and read the string again. */
static const struct insn program_1[] = {
	{ .op = OP_SET, .text = "program 1 was here" },
	{ .op = OP_STORE, .va = STRING_VA },
	{ .op = OP_STORE, .va = STACK_VA },
	{ .op = OP_WAIT },
	{ .op = OP_LOAD, .va = STRING_VA },
	{ .op = OP_WAIT },
};

/* The same, but go on with a bad pointer. */
static const struct insn program_2[] = {
	{ .op = OP_SET, .text = "program 2 was here" },
	{ .op = OP_STORE, .va = STRING_VA },
	{ .op = OP_STORE, .va = STACK_VA },
	{ .op = OP_WAIT },
	{ .op = OP_STORE, .va = WILD_VA },
	{ .op = OP_EXIT },
};

/* The same, in another VM. It looks first what its data holds: zeroes. */
static const struct insn program_3[] = {
	{ .op = OP_LOAD, .va = STRING_VA },
	{ .op = OP_SET, .text = "program 3 was here" },
	{ .op = OP_STORE, .va = STRING_VA },
	{ .op = OP_STORE, .va = STACK_VA },
	{ .op = OP_WAIT },
	{ .op = OP_EXIT },
};

struct options {
	const char *device;
	unsigned int levels;
	bool verbose;
	bool quiet;
	bool help;
};

struct demo {
	struct options options;
	struct cast cast;
	struct checks checks;
	struct steps steps;
};

/* The programs must have come to where they wait. */
static int all_wait(const struct cast *cast)
{
	unsigned int i;

	for (i = 0; i < NR_PROGRAMS; i++) {
		if (cast->programs[i]->state == PROGRAM_WAITING)
			continue;
		fprintf(stderr, "program %u did not get through: %s\n", i + 1,
			cast->programs[i]->obituary);
		return -ECANCELED;
	}
	return 0;
}

/* Boot both VMs, and create the programs. Nothing runs yet. */
static int act_boot(struct demo *demo, int dev)
{
	static const struct {
		unsigned int guest;
		const struct insn *code;
		size_t nr;
		const char *string;
	} scripts[NR_PROGRAMS] = {
		{ 0, program_1, ARRAY_SIZE(program_1), "program 1 was here" },
		{ 0, program_2, ARRAY_SIZE(program_2), "program 2 was here" },
		{ 1, program_3, ARRAY_SIZE(program_3), "program 3 was here" },
	};
	uint32_t format = demo->options.levels == 5 ?
		VMMU_FORMAT_X86_64_5LEVEL : VMMU_FORMAT_X86_64_4LEVEL;
	struct cast *cast = &demo->cast;
	unsigned int i;
	int err;

	for (i = 0; i < NR_GUESTS; i++) {
		err = guest_boot(&cast->guests[i], dev, i + 1, REAL_BYTES,
				 format);
		if (err)
			return err;
		cast->nr_guests++;
		cast->guests[i].watcher = &demo->steps.watcher;
	}
	for (i = 0; i < NR_PROGRAMS; i++) {
		err = program_create(&cast->guests[scripts[i].guest], i + 1,
				     scripts[i].code, scripts[i].nr,
				     &cast->programs[i]);
		if (err)
			return err;
		cast->strings[i] = scripts[i].string;
	}
	return checks_init(&demo->checks, &cast->guests[0]);
}

/* Run the programs until all of them wait; steps.c shows the page faults. */
static int act_run(struct demo *demo)
{
	const char *title = "One page fault in slow motion: program 1 of VM 1 starts";
	unsigned int i;
	int err = 0;

	if (demo->options.verbose)
		title = "The page faults in slow motion";
	if (!demo->options.quiet)
		draw_title(title);
	for (i = 0; i < NR_GUESTS && !err; i++)
		err = guest_run(&demo->cast.guests[i]);
	if (!err)
		err = demo->steps.err;
	return err ? err : all_wait(&demo->cast);
}

/* The tables of a VM, as they are now. */
static int show_tables(struct demo *demo, const struct guest *guest)
{
	unsigned int nr;
	char title[96];
	int err;

	err = count_real_map(guest, &nr);
	if (err)
		return err;
	snprintf(title, sizeof(title),
		 "The tables of VM %u: %u of its %lu real pages have a frame",
		 guest->number, nr, guest->pages.nr);
	draw_title(title);
	err = draw_guest(guest);
	if (!err && demo->options.verbose)
		err = draw_trees(guest);
	return err;
}

static int act_figure(struct demo *demo)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_GUESTS && !err; i++) {
		const struct guest *guest = &demo->cast.guests[i];

		if (!demo->options.quiet)
			err = show_tables(demo, guest);
		if (!err)
			err = check_real_map(&demo->checks, guest);
	}
	return err;
}

static void show_wild(const struct program *good, const struct program *bad,
		      unsigned int before, unsigned int after)
{
	/* The obituary is long: break it at its first colon. */
	const char *details = strstr(bad->obituary, ": ");
	int headline;

	details = details ? details + 1 : bad->obituary + strlen(bad->obituary);
	headline = details - bad->obituary;
	draw_title("A wild access kills its program, and no other");
	printf("  program 2   stores to va ");
	paint(VIRTUAL, "0x%lx\n", WILD_VA);
	printf("  guest OS    kills it: %.*s\n", headline, bad->obituary);
	printf("             %s\n", details);
	printf("  guest OS    frees its real pages: the real map table of VM 1 ");
	printf("had %u entries and has %u\n", before, after);
	printf("  program 1   loads from va ");
	paint(VIRTUAL, "0x%lx", STRING_VA);
	printf(" again: \"%s\"\n", good->cpu.word);
}

/* Program 2 goes wrong; program 1, in the same VM, goes on. */
static int act_wild(struct demo *demo)
{
	struct program *good = demo->cast.programs[0];
	struct program *bad = demo->cast.programs[1];
	unsigned int before, after;
	bool killed, unharmed;
	int err;

	err = count_real_map(bad->guest, &before);
	if (err)
		return err;
	program_wake(good);
	program_wake(bad);
	err = guest_run(bad->guest);
	if (!err)
		err = count_real_map(bad->guest, &after);
	if (err)
		return err;
	killed = check(&demo->checks,
		       bad->state == PROGRAM_KILLED && after < before,
		       "the program that goes wrong is killed and its frames go back");
	unharmed = check(&demo->checks, good->state == PROGRAM_WAITING &&
			 !strcmp(good->cpu.word, demo->cast.strings[0]),
			 "the other program goes on and finds its string again");
	if (killed && unharmed && !demo->options.quiet)
		show_wild(good, bad, before, after);
	return 0;
}

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

static int run(struct demo *demo)
{
	int dev = vmmu_open(demo->options.device);
	int err;

	if (dev < 0) {
		refused(demo->options.device, dev);
		fputs("Is the module loaded? `make demo` runs this where it is.\n",
		      stderr);
		return DEMO_REFUSED;
	}
	demo->checks.pagemap = -1;
	steps_init(&demo->steps, &demo->checks,
		   demo->options.verbose ? UINT32_MAX : 1,
		   demo->options.quiet);
	if (!demo->options.quiet)
		draw_legend();
	err = act_boot(demo, dev);
	if (!err)
		err = act_run(demo);
	if (!err)
		err = act_figure(demo);
	if (!err)
		err = show_ends(&demo->checks, &demo->cast);
	if (!err)
		err = act_wild(demo);
	while (demo->cast.nr_guests)
		guest_halt(&demo->cast.guests[--demo->cast.nr_guests]);
	checks_exit(&demo->checks);
	close(dev);
	return err ? refused("the demo stopped", err) : verdict(&demo->checks);
}

static int parse(int argc, char **argv, struct options *options)
{
	enum { COLOR = 256, NO_COLOR };
	static const struct option longs[] = {
		{ "levels", required_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "color", no_argument, NULL, COLOR },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	int c;

	*options = (struct options){ .device = VMMU_DEVICE, .levels = 4 };
	while ((c = getopt_long(argc, argv, "l:vqd:h", longs, NULL)) != -1) {
		switch (c) {
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
	int status = parse(argc, argv, &demo.options);

	if (status == DEMO_OK && demo.options.help)
		printf(help_text, program_invocation_short_name);
	else if (status == DEMO_OK)
		status = run(&demo);
	if (fflush(stdout) || ferror(stdout)) {
		perror(program_invocation_short_name);
		status = DEMO_REFUSED;
	}
	return status;
}
