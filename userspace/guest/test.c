// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the guest OS, part by part, in VMs of their own. Prints TAP.
 *
 * They want /dev/vmmu, and look at what the guest OS does from outside: by its
 * notes on real pages, the real map table, and the page table in real memory.
 * Lines "MISMATCH" come from the test of the demo's checks.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define SKIP	4	/* kselftest's exit status for a test that cannot run */

static int dev;
static uint32_t format;
static unsigned int levels;

static jmp_buf end_of_test;

static void __attribute__((noreturn)) fail(int line, const char *what)
{
	printf("# line %d: not true: %s\n", line, what);
	longjmp(end_of_test, 1);
}

/* If it is not so, the test that runs has failed and ends. */
#define expect(what) ((what) ? (void)0 : fail(__LINE__, #what))

static bool boot(struct guest *guest, uint64_t nr_pages)
{
	return !guest_boot(guest, dev, 1, nr_pages * PAGE_BYTES, format);
}

static unsigned int nr_real_entries(const struct guest *guest)
{
	struct vmmu_vm_info info;

	return vmmu_vm_info(guest->vm, &info) ? UINT32_MAX : info.frames;
}

static void alloc_all_then_none(void)
{
	struct page use = { .use = PAGE_TABLE };
	struct guest guest;
	uint64_t ra, n;

	expect(boot(&guest, 16));
	expect(guest.pages.nr_free == 15);
	for (n = 1; n < 16; n++) {
		expect(!pages_alloc(&guest.pages, &use, &ra));
		expect(ra == n * PAGE_BYTES);
	}
	expect(pages_alloc(&guest.pages, &use, &ra) == -ENOMEM);
	expect(guest.pages.nr_free == 0);
	guest_halt(&guest);
}

static void free_page_is_zero_and_has_no_frame(void)
{
	struct page use = { .use = PAGE_TABLE };
	struct guest guest;
	uint64_t a, b, again;

	expect(boot(&guest, 16));
	expect(!pages_alloc(&guest.pages, &use, &a));
	expect(!pages_alloc(&guest.pages, &use, &b));
	memcpy(guest.memory + a, "left behind", 12);
	expect(nr_real_entries(&guest) == 1);
	expect(!pages_free(&guest.pages, a));
	expect(nr_real_entries(&guest) == 0);
	expect(!pages_alloc(&guest.pages, &use, &again));
	expect(again == a);
	expect(!guest.memory[a]);
	guest_halt(&guest);
}

static void bad_free_is_refused(void)
{
	struct page use = { .use = PAGE_TABLE };
	struct guest guest;
	uint64_t ra;

	expect(boot(&guest, 16));
	expect(!pages_alloc(&guest.pages, &use, &ra));
	expect(pages_free(&guest.pages, 0) == -EINVAL);
	expect(pages_free(&guest.pages, ra + 8) == -EINVAL);
	expect(pages_free(&guest.pages, 16 * PAGE_BYTES) == -EINVAL);
	expect(!pages_free(&guest.pages, ra));
	expect(pages_free(&guest.pages, ra) == -EINVAL);
	expect(guest.pages.nr_free == 15);
	guest_halt(&guest);
}

static const struct insn idle[] = { { .op = OP_WAIT } };

static void tables_are_shared_by_neighbours(void)
{
	struct table_change change;
	struct program *program;
	struct guest guest;

	expect(boot(&guest, 64));
	expect(!program_create(&guest, 1, idle, 1, &program));
	expect(!table_plan(program, 0x40000000UL, 0x30000, VMMU_RIGHT_READ,
			   &change));
	expect(change.nr == levels);
	expect(!table_install(program, &change));
	expect(change.outcomes[levels - 1] == VMMU_OUTCOME_PAGE);
	expect(!table_plan(program, 0x40001000UL, 0x31000, VMMU_RIGHT_READ,
			   &change));
	expect(change.nr == 1);
	expect(table_entry_ra(program, &change.ops[0]) == 0x31000);
	guest_halt(&guest);
}

static void plan_without_memory_keeps_nothing(void)
{
	struct table_change change;
	struct program *program;
	struct guest guest;
	uint64_t before;

	expect(boot(&guest, 4));
	expect(!program_create(&guest, 1, idle, 1, &program));
	before = guest.pages.nr_free;
	expect(before == 2);
	expect(table_plan(program, 0, 0x3000, 0, &change) == -ENOMEM);
	expect(guest.pages.nr_free == before);
	guest_halt(&guest);
}

static void program_leaves_nothing_behind(void)
{
	static const struct insn code[] = {
		{ .op = OP_STORE, .va = DATA_START },
		{ .op = OP_EXIT },
	};
	struct program *program;
	struct guest guest;

	expect(boot(&guest, 64));
	expect(!program_create(&guest, 1, code, ARRAY_SIZE(code), &program));
	expect(!guest_run(&guest));
	expect(program->state == PROGRAM_EXITED);
	expect(guest.pages.nr_free == 63);
	expect(nr_real_entries(&guest) == 0);
	guest_halt(&guest);
}

static void wild_access_kills_in_words(void)
{
	static const struct {
		struct insn insn;
		const char *words;
		const char *more;
	} wild[] = {
		{ { OP_STORE, TEXT_START, "" },
		  "0x7 (P W U): a write to a page that is present but forbids it",
		  "its region \"text\" is r-x" },
		{ { OP_STORE, 0xdead000, "" },
		  "0x6 (W U): a write to a page that is not present",
		  "it has no region there" },
		{ { OP_LOAD, STACK_FLOOR - 64, "" },
		  "0x4 (U): a read from a page that is not present",
		  "it has no region there" },
		{ { OP_JUMP, DATA_START, "" },
		  "0x15 (P U I): a fetch from a page that is present but forbids it",
		  "its region \"data\" is rw-" },
		{ { OP_JUMP, DATA_START + PAGE_BYTES, "" },
		  "0x14 (U I): a fetch from a page that is not present",
		  "its region \"data\" is rw-" },
		{ { OP_LOAD, 1UL << 63, "" }, "not canonical", "" },
		{ { OP_JUMP, TEXT_START + 512, "" }, "not an instruction", "" },
	};
	struct insn code[] = { { .op = OP_STORE, .va = DATA_START }, { 0 } };
	struct program *bad, *good;
	struct guest guest;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		code[1] = wild[i].insn;
		expect(boot(&guest, 64));
		expect(!program_create(&guest, 1, idle, 1, &good));
		expect(!program_create(&guest, 2, code, 2, &bad));
		expect(!guest_run(&guest));
		expect(bad->state == PROGRAM_KILLED);
		printf("# %s\n", bad->obituary);
		expect(strstr(bad->obituary, wild[i].words));
		expect(strstr(bad->obituary, wild[i].more));
		expect(good->state == PROGRAM_WAITING);
		guest_halt(&guest);
	}
}

static void stack_grows_to_its_floor(void)
{
	struct insn code[(STACK_END - STACK_FLOOR) / PAGE_BYTES + 1];
	struct program *program;
	struct guest guest;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(code); i++)
		code[i] = (struct insn){
			.op = OP_STORE,
			.va = STACK_END - i * PAGE_BYTES - WORD_BYTES,
		};
	code[i - 1] = (struct insn){ .op = OP_WAIT };
	expect(boot(&guest, 64));
	expect(!program_create(&guest, 1, code, i, &program));
	expect(!guest_run(&guest));
	expect(program->state == PROGRAM_WAITING);
	expect(program->regions[REGION_STACK].start == STACK_FLOOR);
	guest_halt(&guest);
}

static void store_may_cross_pages(void)
{
	static const struct insn code[] = {
		{ .op = OP_LOAD, .va = DATA_START + PAGE_BYTES },
		{ .op = OP_SET, .text = "half of it here, half of it there" },
		{ .op = OP_STORE, .va = DATA_START + PAGE_BYTES - 16 },
		{ .op = OP_SET, .text = "" },
		{ .op = OP_LOAD, .va = DATA_START + PAGE_BYTES - 16 },
		{ .op = OP_WAIT },
	};
	struct program *program;
	struct guest guest;

	expect(boot(&guest, 64));
	expect(!program_create(&guest, 1, code, ARRAY_SIZE(code), &program));
	expect(!guest_run(&guest));
	expect(!strcmp(program->cpu.word, code[1].text));
	guest_halt(&guest);
}

static void text_is_loaded_page_by_page(void)
{
	static struct insn code[3 * PAGE_BYTES / sizeof(struct insn)];
	size_t last = ARRAY_SIZE(code) - 2;
	struct program *program;
	struct guest guest;

	code[0] = (struct insn){
		.op = OP_JUMP,
		.va = TEXT_START + last * sizeof(code[0]),
	};
	code[last] = (struct insn){ .op = OP_SET, .text = "the end" };
	code[last + 1] = (struct insn){ .op = OP_WAIT };
	expect(boot(&guest, 64));
	expect(!program_create(&guest, 1, code, last + 2, &program));
	expect(!guest_run(&guest));
	expect(!strcmp(program->cpu.word, "the end"));
	/* The tables, and of three pages of text the first and the last. */
	expect(nr_real_entries(&guest) == levels + 2);
	guest_halt(&guest);
}

static void memory_runs_out_for_one(void)
{
	static const struct insn code[] = {
		{ .op = OP_STORE, .va = DATA_START },
		{ .op = OP_STORE, .va = DATA_START + PAGE_BYTES },
		{ .op = OP_WAIT },
	};
	struct program *first, *second;
	struct guest guest;

	/* Room for one: its tables, text and two pages of data. */
	expect(boot(&guest, 1 + levels + 3 + levels));
	expect(!program_create(&guest, 1, code, ARRAY_SIZE(code), &first));
	expect(!program_create(&guest, 2, code, ARRAY_SIZE(code), &second));
	expect(!guest_run(&guest));
	expect(first->state == PROGRAM_WAITING);
	expect(second->state == PROGRAM_KILLED);
	expect(strstr(second->obituary, "no memory"));
	expect(nr_real_entries(&guest) == levels + 3);
	guest_halt(&guest);
}

/* The demo's own checks must notice a host that says something else. */
static void other_frames_are_noticed(void)
{
	struct checks checks;
	struct program *program;
	struct guest guest;
	struct end end;

	expect(boot(&guest, 64));
	expect(!program_create(&guest, 1, idle, 1, &program));
	expect(!guest_run(&guest));
	expect(!checks_init(&checks, &guest));
	if (checks.frames_shown) {
		expect(!check_end(&checks, program, TEXT_START, &end));
		expect(!check_real_map(&checks, &guest));
		expect(checks.passed == 4 + levels + 1);
		expect(!checks.failed);
		close(checks.pagemap);
		checks.pagemap = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		expect(!check_end(&checks, program, TEXT_START, &end));
		expect(checks.failed == 1);
		expect(!check_real_map(&checks, &guest));
		expect(checks.failed == 1 + levels + 1);
	}
	checks_exit(&checks);
	guest_halt(&guest);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
#define TEST(name) { #name, name }
	TEST(alloc_all_then_none),
	TEST(free_page_is_zero_and_has_no_frame),
	TEST(bad_free_is_refused),
	TEST(tables_are_shared_by_neighbours),
	TEST(plan_without_memory_keeps_nothing),
	TEST(program_leaves_nothing_behind),
	TEST(wild_access_kills_in_words),
	TEST(stack_grows_to_its_floor),
	TEST(store_may_cross_pages),
	TEST(text_is_loaded_page_by_page),
	TEST(memory_runs_out_for_one),
	TEST(other_frames_are_noticed),
};

static bool passes(void (*test)(void))
{
	if (setjmp(end_of_test))
		return false;
	test();
	return true;
}

int main(void)
{
	unsigned int n = 0, failed = 0;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("TAP version 13");
	dev = vmmu_open(NULL);
	if (dev < 0) {
		printf("1..0 # SKIP %s: %s\n", VMMU_DEVICE, strerror(-dev));
		return SKIP;
	}
	printf("1..%zu\n", 2 * ARRAY_SIZE(tests));
	for (levels = 4; levels <= 5; levels++) {
		format = levels == 5 ? VMMU_FORMAT_X86_64_5LEVEL :
				       VMMU_FORMAT_X86_64_4LEVEL;
		for (i = 0; i < ARRAY_SIZE(tests); i++) {
			bool passed = passes(tests[i].run);

			failed += !passed;
			printf("%s %u - %s, %u levels\n",
			       passed ? "ok" : "not ok", ++n, tests[i].name,
			       levels);
		}
	}
	close(dev);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
