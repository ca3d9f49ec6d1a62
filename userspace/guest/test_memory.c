// SPDX-License-Identifier: GPL-2.0
/* Tests of pages and page tables, and of the demo's checks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static void alloc_all_then_none(void)
{
	struct page use = { .use = PAGE_TABLE };
	struct guest guest;
	uint64_t ra, n;

	boot(&guest, 16);
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

	boot(&guest, 16);
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

static void shared_page_stays_until_the_last_user_goes(void)
{
	struct page use = { .use = PAGE_MEMORY };
	struct guest guest;
	uint64_t ra;

	boot(&guest, 16);
	expect(!pages_alloc(&guest.pages, &use, &ra));
	expect(!pages_share(&guest.pages, ra));
	guest.memory[ra] = 1;
	expect(!pages_free(&guest.pages, ra));
	expect(guest.memory[ra] == 1);
	expect(guest.pages.nr_free == 14);
	expect(!pages_free(&guest.pages, ra));
	expect(nr_real_entries(&guest) == 0);
	expect(guest.pages.nr_free == 15);
	guest_halt(&guest);
}

static void bad_page_is_refused(void)
{
	struct page use = { .use = PAGE_TABLE };
	struct guest guest;
	uint64_t ra;

	boot(&guest, 16);
	expect(!pages_alloc(&guest.pages, &use, &ra));
	expect(pages_free(&guest.pages, 0) == -EINVAL);
	expect(pages_free(&guest.pages, ra + 8) == -EINVAL);
	expect(pages_free(&guest.pages, 16 * PAGE_BYTES) == -EINVAL);
	expect(pages_share(&guest.pages, 0) == -EINVAL);
	expect(pages_share(&guest.pages, ra + PAGE_BYTES) == -EINVAL);
	expect(!pages_free(&guest.pages, ra));
	expect(pages_free(&guest.pages, ra) == -EINVAL);
	expect(guest.pages.nr_free == 15);
	guest_halt(&guest);
}

static void tables_are_shared_by_neighbours(void)
{
	struct table_change change = { 0 };
	struct program *program;
	struct guest guest;
	uint64_t ra;

	boot(&guest, 64);
	program = start(&guest, PROBE_WAIT);
	expect(!table_plan(program, 0x40000000UL, 0x30000, VMMU_RIGHT_READ,
			   &change));
	expect(change.nr == levels);
	expect(!table_install(program, &change));
	expect(change.done == levels);
	expect(!table_look(program, 0x40000000UL, &ra) && ra == 0x30000);
	change = (struct table_change){ 0 };
	expect(!table_plan(program, 0x40001000UL, 0x31000, VMMU_RIGHT_READ,
			   &change));
	expect(change.nr == 1);
	expect(table_entry_ra(program, &change.ops[0]) == 0x31000);
	guest_halt(&guest);
}

/* Two pages are planned, the first one beyond real memory: no hypercall does that. */
static void install_that_stops_is_given_up(void)
{
	bool stores = way == WAY_STORES || way == WAY_LAZY;
	struct table_change change = { 0 };
	struct program *program;
	struct guest guest;
	uint64_t before;

	boot(&guest, 64);
	program = start(&guest, PROBE_WAIT);
	before = guest.pages.nr_free;
	expect(!table_plan(program, 0, 64 * PAGE_BYTES, 0, &change));
	expect(!table_plan(program, 1UL << 39, 0x30000, 0, &change));
	expect(change.nr == levels + 4);
	expect(guest.pages.nr_free == before - (levels - 1) - 3);
	expect(table_install(program, &change) == (stores ? 0 : -ENXIO));
	expect(change.done == (stores ? levels + 4 : levels - 1));
	/* Tables that are in force stay: they are the page table's. */
	expect(guest.pages.nr_free == before - (levels - 1) - (stores ? 3 : 0));
	guest_halt(&guest);
}

static void plan_without_memory_keeps_nothing(void)
{
	struct table_change change = { 0 };
	struct program *program;
	struct guest guest;
	uint64_t before;

	boot(&guest, 4);
	program = start(&guest, PROBE_WAIT);
	before = guest.pages.nr_free;
	expect(before == 2);
	expect(table_plan(program, 0, 0x3000, 0, &change) == -ENOMEM);
	expect(guest.pages.nr_free == before && !change.nr);
	guest_halt(&guest);
}

static void memory_runs_out_for_one(void)
{
	struct program *first, *second;
	struct guest guest;

	/*
	 * Room for one, its tables, text, stack and two pages of data, and for
	 * the other one's without data: they take turns.
	 */
	boot(&guest, 1 + levels + 4 + levels + 1);
	first = start(&guest, PROBE_STORE_TWO);
	second = start(&guest, PROBE_STORE_TWO);
	expect(!guest_run(&guest));
	expect(first->state == PROGRAM_WAITING);
	expect(second->state == PROGRAM_KILLED);
	expect(strstr(second->obituary, "no memory"));
	expect(nr_real_entries(&guest) == levels + 4);
	guest_halt(&guest);
}

/* The demo's own checks must notice a host that says something else. */
static void other_frames_are_noticed(void)
{
	struct checks checks;
	struct program *program;
	struct guest guest;
	struct end end;

	program = run_probe(&guest, 64, PROBE_WAIT);
	expect(!checks_init(&checks, &guest));
	if (checks.frames_shown) {
		expect(!check_end(&checks, program, TEXT_START, &end));
		expect(!check_real_map(&checks, &guest));
		expect(checks.passed == 4 + levels + 2);
		expect(!checks.failed);
		close(checks.pagemap);
		checks.pagemap = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		expect(!check_end(&checks, program, TEXT_START, &end));
		expect(checks.failed == 1);
		expect(!check_real_map(&checks, &guest));
		expect(checks.failed == 1 + levels + 2);
	}
	checks_exit(&checks);
	guest_halt(&guest);
}

/* They must notice, too, a window that has kept more than the table grants. */
static void stale_window_is_noticed(void)
{
	struct checks checks;
	struct program *program;
	struct guest guest;
	uint64_t entry_ra;

	program = run_probe(&guest, 64, PROBE_WAIT);
	expect(!checks_init(&checks, &guest));
	expect(!check_windows(&checks, &guest));
	expect(checks.windows == 1 && checks.host_entries >= 2);
	expect(!checks.failed);
	/* By a plain store, and without an invalidation; one that traps needs none. */
	expect(!vmmu_table_find(&program->table, TEXT_START, 1, &entry_ra));
	expect(!vmmu_table_store(&program->table, entry_ra, 0));
	expect(!check_windows(&checks, &guest));
	expect(checks.failed == (way != WAY_STORES));
	expect(!vmmu_invalidate(program->space, TEXT_START, 1));
	expect(!check_windows(&checks, &guest));
	expect(checks.failed == (way != WAY_STORES));
	checks_exit(&checks);
	guest_halt(&guest);
}

const struct test memory_tests[] = {
	TEST(alloc_all_then_none),
	TEST(free_page_is_zero_and_has_no_frame),
	TEST(shared_page_stays_until_the_last_user_goes),
	TEST(bad_page_is_refused),
	TEST(tables_are_shared_by_neighbours),
	TEST(install_that_stops_is_given_up),
	TEST(plan_without_memory_keeps_nothing),
	TEST(memory_runs_out_for_one),
	TEST(other_frames_are_noticed),
	TEST(stale_window_is_noticed),
	{ }
};
