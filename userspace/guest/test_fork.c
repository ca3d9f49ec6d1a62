// SPDX-License-Identifier: GPL-2.0
/* Tests of fork: what is shared, what is copied, and who pays for it. */
#include <string.h>

#include "test.h"

/* What the probe stores to: its first page of zeroed data. */
static uint64_t data_page(const struct program *program)
{
	uint64_t va, ra;

	for (va = DATA_START; va < DATA_START + 8 * PAGE_BYTES;
	     va += PAGE_BYTES)
		if (!table_look(program, va, &ra))
			return va;
	expect(!"a page of data");
	return 0;
}

static uint64_t look(const struct program *program, uint64_t va)
{
	uint64_t ra = 0;

	expect(!table_look(program, va, &ra));
	return ra;
}

static uint32_t rights(const struct program *program, uint64_t va)
{
	struct vmmu_translation result;

	expect(!vmmu_translate(program->space, va, VMMU_ACCESS_READ,
			       VMMU_TRANSLATE_USER, &result));
	return result.rights;
}

static void shares_until_written(void)
{
	struct program *parent, *child;
	unsigned int frames;
	struct guest guest;
	uint64_t va, shared;

	parent = run_probe(&guest, 64, PROBE_FORK);
	child = parent + 1;
	expect(guest.nr_programs == 2);
	expect(child->number == parent->number + 1);
	expect(child->state == PROGRAM_WAITING);
	va = data_page(parent);
	shared = look(parent, va);
	expect(look(child, va) == shared);
	expect(look(child, TEXT_START) == look(parent, TEXT_START));
	expect(pages_look(&guest.pages, shared)->users == 2);
	expect(!(rights(parent, va) & VMMU_RIGHT_WRITE));
	expect(!(rights(child, va) & VMMU_RIGHT_WRITE));
	expect(rights(child, TEXT_START) & VMMU_RIGHT_EXEC);
	expect(!nr_wrong(&guest));
	/* Text, data and stack once; but the child called, so its stack. */
	frames = nr_real_entries(&guest);
	expect(frames >= 2 * levels + 3 && frames <= 2 * levels + 4);

	program_wake(child);
	expect(!guest_run(&guest));
	expect(child->state == PROGRAM_WAITING);
	expect(look(parent, va) == shared);
	expect(look(child, va) != shared);
	expect(guest.memory[shared] == 'x');
	expect(guest.memory[look(child, va)] == 'c');
	expect(pages_look(&guest.pages, shared)->users == 1);
	expect(rights(child, va) & VMMU_RIGHT_WRITE);
	expect(!(rights(parent, va) & VMMU_RIGHT_WRITE));

	/* The parent is alone now: its page becomes writable as it is. */
	program_wake(parent);
	expect(!guest_run(&guest));
	expect(look(parent, va) == shared);
	expect(guest.memory[shared] == 'p');
	expect(rights(parent, va) & VMMU_RIGHT_WRITE);
	expect(look(child, TEXT_START) == look(parent, TEXT_START));
	expect(!nr_wrong(&guest));

	guest_wake(&guest);
	expect(!guest_run(&guest));
	expect(parent->state == PROGRAM_EXITED && parent->status == 0);
	expect(child->state == PROGRAM_EXITED && child->status == 0);
	expect(guest.pages.nr_free == 63);
	expect(nr_real_entries(&guest) == 0);
	guest_halt(&guest);
}

/* What the parent leaves is the child's, without a copy. */
static void outlives_its_parent(void)
{
	struct program *parent, *child;
	struct guest guest;
	uint64_t va, ra;

	parent = run_probe(&guest, 64, PROBE_FORK_FIRST);
	child = parent + 1;
	expect(parent->state == PROGRAM_EXITED && parent->status == 0);
	expect(child->state == PROGRAM_WAITING);
	va = data_page(child);
	ra = look(child, va);
	expect(pages_look(&guest.pages, ra)->users == 1);
	expect(guest.memory[ra] == 'x');
	program_wake(child);
	expect(!guest_run(&guest));
	expect(child->state == PROGRAM_EXITED && child->status == 0);
	expect(guest.pages.nr_free == 63);
	expect(nr_real_entries(&guest) == 0);
	guest_halt(&guest);
}

static void inherits_registers(void)
{
	struct program *parent;
	struct guest guest;

	parent = run_probe(&guest, 64, PROBE_FORK_REGISTERS);
	expect(guest.nr_programs == 2);
	expect(parent[0].state == PROGRAM_EXITED && parent[0].status == 0);
	expect(parent[1].state == PROGRAM_EXITED && parent[1].status == 0);
	guest_halt(&guest);
}

static void three_generations(void)
{
	struct program *first;
	struct guest guest;
	unsigned int i;

	first = run_probe(&guest, 128, PROBE_FORK_TWICE);
	expect(guest.nr_programs == 3);
	for (i = 0; i < 3; i++) {
		expect(first[i].state == PROGRAM_WAITING);
		expect(guest.memory[look(&first[i], data_page(&first[0]))] ==
		       "abc"[i]);
	}
	expect(!nr_wrong(&guest));
	guest_wake(&guest);
	expect(!guest_run(&guest));
	for (i = 0; i < 3; i++)
		expect(first[i].state == PROGRAM_EXITED && !first[i].status);
	expect(nr_real_entries(&guest) == 0);
	guest_halt(&guest);
}

/* A fork that fails, for want of programs or of pages, leaves no trace. */
static void fails_without_a_trace(void)
{
	struct program *first;
	struct guest guest;
	unsigned int i;

	first = run_probe(&guest, 128, PROBE_FORK_FOREVER);
	expect(guest.nr_programs == MAX_PROGRAMS);
	for (i = 0; i < MAX_PROGRAMS; i++)
		expect(!program_kill(&first[i], "enough"));
	expect(guest.pages.nr_free == 127);
	guest_halt(&guest);

	/* One program, and not enough for a second one's tables. */
	first = run_probe(&guest, 1 + levels + 2 + levels - 1,
			  PROBE_FORK_FOREVER);
	expect(guest.nr_programs == 1);
	expect(first->state == PROGRAM_WAITING);
	expect(nr_real_entries(&guest) == guest.pages.nr - 1 -
	       guest.pages.nr_free);
	expect(!program_kill(first, "enough"));
	expect(guest.pages.nr_free == guest.pages.nr - 1);
	guest_halt(&guest);
}

const struct test fork_tests[] = {
	TEST(shares_until_written),
	TEST(outlives_its_parent),
	TEST(inherits_registers),
	TEST(three_generations),
	TEST(fails_without_a_trace),
	{ }
};
