// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the guest OS, part by part, in VMs of their own. Prints TAP.
 *
 *     test [--levels 4|5] [--tables WAY] [NAME...]
 *
 * Runs only the tests whose names contain a NAME, only with page tables of that
 * many levels, and only with those that are changed in this way.
 *
 * They want /dev/vmmu, and look at what the guest OS does from outside: by its
 * notes on real pages, the real map table, and the page table in real memory.
 * Lines "MISMATCH" come from the test of the demo's checks.
 */
#include <getopt.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#define SKIP	4	/* kselftest's exit status for a test that cannot run */

int dev;
uint32_t format;
unsigned int levels;
enum vmmu_delivery delivery;
enum way way;

static jmp_buf end_of_test;

void fail(int line, const char *what)
{
	printf("# line %d: not true: %s\n", line, what);
	longjmp(end_of_test, 1);
}

void boot(struct guest *guest, uint64_t nr_pages)
{
	struct guest_plan plan = {
		.number = 1,
		.real_bytes = nr_pages * PAGE_BYTES,
		.format = format,
		.delivery = delivery,
		.way = way,
	};

	expect(!guest_boot(guest, dev, &plan));
}

const char *program_path(const char *name)
{
	static char path[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

	expect(length > 0 && length < PATH_MAX);
	path[length] = '\0';
	sprintf(strrchr(path, '/'), "/programs/%.32s", name);
	return path;
}

struct program *start(struct guest *guest, enum probe probe)
{
	struct program *program;

	expect(!program_create(guest, program_path("probe"), probe, &program));
	return program;
}

struct program *run_probe(struct guest *guest, uint64_t nr_pages,
			  enum probe probe)
{
	struct program *program;

	boot(guest, nr_pages);
	program = start(guest, probe);
	expect(!guest_run(guest));
	if (program->state == PROGRAM_KILLED)
		printf("# %s\n", program->obituary);
	return program;
}

unsigned int nr_real_entries(const struct guest *guest)
{
	struct vmmu_vm_info info;

	return vmmu_vm_info(guest->vm, &info) ? UINT32_MAX : info.frames;
}

unsigned int nr_wrong(const struct guest *guest)
{
	struct vmmu_audit audit;

	if (vmmu_audit(guest->vm, &audit))
		return UINT32_MAX;
	return audit.wrong + audit.tables_wrong;
}

static const struct test * const lists[] = {
	memory_tests, program_tests, fork_tests, host_tests, library_tests,
};

static bool passes(void (*test)(void))
{
	if (setjmp(end_of_test))
		return false;
	test();
	return true;
}

static bool wanted(const struct test *test, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (strstr(test->name, *names))
			return true;
	return false;
}

/* Run all tests with what is set now: how many have failed. */
static unsigned int run_all(char **names, unsigned int *nr)
{
	const struct test *test;
	unsigned int failed = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (test = lists[i]; test->name; test++) {
			bool passed;

			if (!wanted(test, names))
				continue;
			passed = passes(test->run);
			failed += !passed;
			printf("%s %u - %s, %u levels, %ss, %s\n",
			       passed ? "ok" : "not ok", ++*nr, test->name,
			       levels, vmmu_delivery_name(delivery),
			       way_names[way]);
		}
	}
	return failed;
}

/* What is wanted only; 0 levels, no way: all. */
struct selection {
	unsigned int levels;
	const char *way;
	char **names;
};

/* Take the value of an option; a message if there is no such one. */
static bool select_levels(const char *text, struct selection *selection)
{
	selection->levels = strtoul(text, NULL, 10);
	if (!strcmp(text, "4") || !strcmp(text, "5"))
		return true;
	fprintf(stderr, "test: --levels: `%s' is neither 4 nor 5\n", text);
	return false;
}

static bool select_way(const char *text, struct selection *selection)
{
	unsigned int i;

	selection->way = text;
	for (i = 0; i < NR_WAYS; i++)
		if (!strcmp(text, way_names[i]))
			return true;
	fprintf(stderr, "test: --tables: `%s' is no way to change them\n", text);
	return false;
}

static bool select_tests(int argc, char **argv, struct selection *selection)
{
	static const struct option longs[] = {
		{ "levels", required_argument, NULL, 'l' },
		{ "tables", required_argument, NULL, 't' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "l:t:", longs, NULL)) != -1) {
		bool taken = false;

		if (c == 'l')
			taken = select_levels(optarg, selection);
		else if (c == 't')
			taken = select_way(optarg, selection);
		if (!taken)
			return false;
	}
	selection->names = argv + optind;
	return true;
}

/* Page tables of 4 levels go with records, those of 5 with signals. */
static unsigned int run_selected(const struct selection *selection,
				 unsigned int *nr)
{
	unsigned int failed = 0;

	for (way = 0; way < NR_WAYS; way++) {
		if (selection->way && strcmp(selection->way, way_names[way]))
			continue;
		for (levels = 4; levels <= 5; levels++) {
			if (selection->levels && selection->levels != levels)
				continue;
			format = levels == 4 ? VMMU_FORMAT_X86_64_4LEVEL :
					       VMMU_FORMAT_X86_64_5LEVEL;
			delivery = levels == 4 ? VMMU_DELIVER_RECORD :
						 VMMU_DELIVER_SIGNAL;
			failed += run_all(selection->names, nr);
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct selection selection = { 0 };
	unsigned int nr = 0, failed;

	if (!select_tests(argc, argv, &selection))
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("TAP version 13");
	dev = vmmu_open(NULL);
	if (dev < 0) {
		printf("1..0 # SKIP %s: %s\n", VMMU_DEVICE, strerror(-dev));
		return SKIP;
	}
	failed = run_selected(&selection, &nr);
	printf("1..%u\n", nr);
	if (!nr)
		fputs("test: no test has such a name\n", stderr);
	close(dev);
	return failed || !nr ? EXIT_FAILURE : EXIT_SUCCESS;
}
