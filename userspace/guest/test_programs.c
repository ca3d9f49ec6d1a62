// SPDX-License-Identifier: GPL-2.0
/* Tests of programs: how they are loaded, what they may do, and how they end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

/* Run a probe that exits: with 0 if it saw what it should. */
static void succeeds(enum probe probe)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, probe);
	expect(program->state == PROGRAM_EXITED);
	expect(program->status == 0);
	expect(guest.pages.nr_free == 63);
	expect(nr_real_entries(&guest) == 0);
	guest_halt(&guest);
}

static void program_leaves_nothing_behind(void)
{
	succeeds(PROBE_STORE);
}

static void store_may_cross_pages(void)
{
	succeeds(PROBE_CROSS);
}

static void data_come_from_the_file(void)
{
	succeeds(PROBE_DATA);
}

static void registers_start_clean(void)
{
	succeeds(PROBE_CLEAN);
}

static void print_reads_by_the_programs_rights(void)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, PROBE_PRINT);
	expect(program->state == PROGRAM_EXITED);
	expect(program->status == 0);
	expect(!strcmp(program->said, "printed"));
	guest_halt(&guest);
}

static void wild_access_kills_in_words(void)
{
	static const struct {
		enum probe probe;
		const char *words;
		const char *more;
	} wild[] = {
		{ PROBE_STORE_TEXT,
		  "0x7 (P W U): a write to a page that is present but forbids it",
		  "its region \"text\" is r-x" },
		/* A signal does not tell a write from a read. */
		{ PROBE_STORE_WILD, "page that is not present",
		  "it has no region there" },
		{ PROBE_LOAD_BELOW_STACK,
		  "0x4 (U): a read from a page that is not present",
		  "it has no region there" },
		{ PROBE_JUMP_DATA,
		  "0x15 (P U I): a fetch from a page that is present but forbids it",
		  "its region \"data\" is rw-" },
		{ PROBE_JUMP_FRESH_DATA,
		  "0x14 (U I): a fetch from a page that is not present",
		  "its region \"data\" is rw-" },
		{ PROBE_LOAD_NONCANONICAL, "Segmentation fault", "" },
		{ PROBE_LOAD_BEYOND, "va 0x7fffffffe000, error code 0x4 (U)",
		  "it has no region there" },
		{ PROBE_ILLEGAL, "Illegal instruction", "" },
	};
	struct program *bad, *good;
	struct guest guest;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		boot(&guest, 64);
		good = start(&guest, PROBE_WAIT);
		bad = start(&guest, wild[i].probe);
		expect(!guest_run(&guest));
		expect(bad->state == PROGRAM_KILLED);
		printf("# %s\n", bad->obituary);
		expect(strstr(bad->obituary, wild[i].words));
		expect(strstr(bad->obituary, wild[i].more));
		expect(good->state == PROGRAM_WAITING);
		program_wake(good);
		expect(!guest_run(&guest));
		expect(good->state == PROGRAM_WAITING);
		/* The other one has its tables, text and stack. */
		expect(nr_real_entries(&guest) == levels + 2);
		guest_halt(&guest);
	}
}

static void stack_grows_to_its_floor(void)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, PROBE_STACK);
	expect(program->state == PROGRAM_WAITING);
	expect(nr_real_entries(&guest) ==
	       levels + 1 + (STACK_END - STACK_FLOOR) / PAGE_BYTES);
	expect(!nr_wrong(&guest));
	guest_halt(&guest);
}

static void text_is_loaded_page_by_page(void)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, PROBE_FAR_TEXT);
	expect(program->state == PROGRAM_WAITING);
	expect(program->regions[0].image_bytes > 2 * PAGE_BYTES);
	/* The tables, the stack, and of the text the first and the last. */
	expect(nr_real_entries(&guest) == levels + 1 + 2);
	guest_halt(&guest);
}

static void too_many_programs(void)
{
	struct program *program;
	struct guest guest;
	unsigned int i;
	uint64_t nr_free;

	boot(&guest, 64);
	for (i = 0; i < MAX_PROGRAMS; i++)
		start(&guest, PROBE_WAIT);
	nr_free = guest.pages.nr_free;
	expect(program_create(&guest, program_path("probe"), 0, &program) ==
	       -EMFILE);
	expect(guest.pages.nr_free == nr_free);
	guest_halt(&guest);
}

/* Write a copy of a program with one field changed, to a file that is new. */
static void write_copy(char *path, const char *image, size_t bytes,
		       size_t offset, uint64_t value, size_t width)
{
	char *copy = malloc(bytes);
	int fd;

	expect(copy);
	memcpy(copy, image, bytes);
	if (offset + width <= bytes)
		memcpy(copy + offset, &value, width);
	fd = mkstemp(path);
	expect(fd >= 0);
	expect(write(fd, copy, bytes) == (ssize_t)bytes);
	close(fd);
	free(copy);
}

static void bad_files_are_refused(void)
{
	/* Offsets are of the ELF header, and of the first program header. */
	enum { HEADER = 64 };
	static const struct {
		size_t offset, width;
		uint64_t value;
		int err;
	} bad[] = {
		{ 0, 1, 0x7e, -ENOEXEC },			/* magic */
		{ 4, 1, 1, -ENOEXEC },				/* 32 bits */
		{ 16, 2, 3, -ENOEXEC },				/* ET_DYN */
		{ 18, 2, 3, -ENOEXEC },				/* i386 */
		{ 32, 8, 1UL << 40, -ENOEXEC },			/* e_phoff */
		{ 32, 8, -8UL, -ENOEXEC },
		{ 54, 2, 32, -ENOEXEC },			/* e_phentsize */
		{ 56, 2, 65535, -ENOEXEC },			/* e_phnum */
		{ HEADER + 8, 8, 1UL << 40, -ENOEXEC },		/* p_offset */
		{ HEADER + 8, 8, 0x1001, -ENOEXEC },
		{ HEADER + 16, 8, 0x1000, -ENOEXEC },		/* p_vaddr */
		{ HEADER + 16, 8, 0x800000000000, -ENOEXEC },
		{ HEADER + 16, 8, -4096UL, -ENOEXEC },
		{ HEADER + 16, 8, DATA_START, -ENOEXEC },
		{ HEADER + 32, 8, 1UL << 40, -ENOEXEC },	/* p_filesz */
		{ HEADER + 40, 8, 0, -ENOEXEC },		/* p_memsz */
		{ HEADER + 40, 8, -1UL, -ENOEXEC },
		{ HEADER + 40, 8, DATA_START + 1 - TEXT_START, -ENOEXEC },
		{ 1UL << 40, 0, 0, 0 },				/* as it is */
	};
	struct program *program;
	char image[65536];
	struct guest guest;
	ssize_t bytes;
	size_t i;
	int fd;

	fd = open(program_path("probe"), O_RDONLY | O_CLOEXEC);
	bytes = read(fd, image, sizeof(image));
	close(fd);
	expect(bytes > 0 && bytes < (ssize_t)sizeof(image));
	boot(&guest, 64);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char path[] = "/tmp/vmmu-test-program-XXXXXX";
		int err;

		write_copy(path, image, bytes, bad[i].offset, bad[i].value,
			   bad[i].width);
		err = program_create(&guest, path, PROBE_STORE, &program);
		unlink(path);
		if (err != bad[i].err)
			printf("# file %zu: %s\n", i, strerror(-err));
		expect(err == bad[i].err);
	}
	expect(program_create(&guest, "/nowhere", 0, &program) == -ENOENT);
	expect(program_create(&guest, "/dev/null", 0, &program) == -ENOEXEC);
	expect(program_create(&guest, "/tmp", 0, &program) == -ENOEXEC);
	expect(!guest_run(&guest));
	expect(guest.pages.nr_free == 63);
	guest_halt(&guest);
}

/* A program may begin anywhere; whether it may be there is its regions' say. */
static void bad_entry_kills(void)
{
	char path[] = "/tmp/vmmu-test-program-XXXXXX";
	struct program *program;
	char image[65536];
	struct guest guest;
	ssize_t bytes;
	int fd, err;

	fd = open(program_path("probe"), O_RDONLY | O_CLOEXEC);
	bytes = read(fd, image, sizeof(image));
	close(fd);
	expect(bytes > 0);
	boot(&guest, 64);
	write_copy(path, image, bytes, 24, 0x12345678, 8);	/* e_entry */
	err = program_create(&guest, path, 0, &program);
	unlink(path);
	expect(!err);
	expect(!guest_run(&guest));
	expect(program->state == PROGRAM_KILLED);
	expect(strstr(program->obituary, "va 0x12345678, error code 0x14"));
	guest_halt(&guest);
}

const struct test program_tests[] = {
	TEST(program_leaves_nothing_behind),
	TEST(store_may_cross_pages),
	TEST(data_come_from_the_file),
	TEST(registers_start_clean),
	TEST(print_reads_by_the_programs_rights),
	TEST(wild_access_kills_in_words),
	TEST(stack_grows_to_its_floor),
	TEST(text_is_loaded_page_by_page),
	TEST(too_many_programs),
	TEST(bad_files_are_refused),
	TEST(bad_entry_kills),
	{ }
};
