// SPDX-License-Identifier: GPL-2.0
/*
 * The four ways to change an entry, compared: the same work in four VMs. The guest
 * OS's part is the same in all of them but for entries.c, and so is what comes of
 * it; what differs is how often somebody has to be asked, and what that costs.
 *
 * Costs are read from the processor's time stamp counter. In a virtual machine
 * that is made for it (selftests/vm/run --icount) the counter counts the
 * instructions that the machine executes, all of them: programs, guest OS, module,
 * and the rest of Linux. Whether it does is found out, see ticks_are_instructions().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

#define REAL_BYTES	(256 * PAGE_BYTES)
#define NR_PAGES	64
#define NR_ROUNDS	2
#define NR_LOOPS	1000
#define NR_TRIES	16

/*
 * What the work has taken.
 * @entries: entries that the guest OS has changed
 * @calls: calls of the module for that
 * @ticks: of all of it
 * @entry_ticks: of changing entries
 */
struct cost {
	unsigned long entries;
	unsigned long calls;
	struct vmmu_ledger ledger;
	uint64_t ticks;
	uint64_t entry_ticks;
};

/* Counts entries that change, and the time that it takes. */
struct clock {
	struct watcher watcher;
	uint64_t start;
	struct cost cost;
};

static uint64_t ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static void watch_entries(struct watcher *watcher, const struct program *program,
			  const struct vmmu_install_op *ops, unsigned int nr,
			  bool done)
{
	struct clock *clock = (struct clock *)watcher;

	(void)program;
	(void)ops;
	if (!done) {
		clock->start = ticks();
		return;
	}
	clock->cost.entry_ticks += ticks() - clock->start;
	clock->cost.entries += nr;
}

#define TIMED(loop) ({							\
	unsigned long left = NR_LOOPS;					\
	uint64_t start = ticks();					\
									\
	asm volatile(loop : "+r" (left) : : "cc");			\
	ticks() - start;						\
})

/*
 * Loops of two and of three instructions: is each a tick? A processor that
 * counts time does the third one on the side. Interrupts may spoil some tries.
 */
static bool ticks_are_instructions(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < NR_TRIES; i++) {
		uint64_t two = TIMED("1: dec %0\n\tjnz 1b");
		uint64_t three = TIMED("1: nop\n\tdec %0\n\tjnz 1b");

		nr += two / NR_LOOPS == 2 && three - two == NR_LOOPS;
	}
	return nr > NR_TRIES / 2;
}

/* The parent waits for the child to write, and to exit; then it exits itself. */
static int run_work(struct checks *checks, struct guest *guest,
		    const struct program *parent)
{
	int err = guest_run(guest);

	check(checks, guest->nr_programs == 2 &&
	      parent->state == PROGRAM_WAITING &&
	      parent[1].state == PROGRAM_EXITED && !parent[1].status,
	      "a forked child writes copies, and finds what it has written");
	if (!err)
		err = check_windows(checks, guest);
	guest_wake(guest);
	if (!err)
		err = guest_run(guest);
	check(checks, parent->state == PROGRAM_EXITED && !parent->status,
	      "a parent has its own pages, whatever its child has written");
	check(checks, guest->pages.nr_free == guest->pages.nr - 1,
	      "what exits gives back all its pages");
	return err;
}

/* Do the work once, in a VM of its own. */
static int work(struct demo *demo, int dev, enum way way, struct cost *cost)
{
	struct guest_plan plan = {
		.number = 1,
		.real_bytes = REAL_BYTES,
		.format = demo->format,
		.delivery = VMMU_DELIVER_RECORD,
		.way = way,
	};
	struct clock clock = { .watcher = { .entries = watch_entries } };
	struct program *program;
	struct guest guest;
	char path[4096];
	uint64_t start;
	int err;

	err = guest_boot(&guest, dev, &plan);
	if (err)
		return err;
	guest.watcher = &clock.watcher;
	snprintf(path, sizeof(path), "%s/work", demo->programs);
	err = program_create(&guest, path, NR_PAGES, &program);
	start = ticks();
	if (!err)
		err = run_work(&demo->checks, &guest, program);
	clock.cost.ticks = ticks() - start;
	clock.cost.calls = guest.calls;
	if (!err)
		err = vmmu_ledger(guest.vm, &clock.cost.ledger);
	guest_halt(&guest);
	*cost = clock.cost;
	return err;
}

/* Do it more than once, and keep the round that took the least. */
static int work_again(struct demo *demo, int dev, enum way way,
		      struct cost *least)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_ROUNDS && !err; i++) {
		struct cost cost = { 0 };

		err = work(demo, dev, way, &cost);
		if (!i || cost.ticks < least->ticks)
			*least = cost;
	}
	return err;
}

static void check_costs(struct checks *checks, const struct cost *costs)
{
	enum way way;

	for (way = 0; way < NR_WAYS; way++) {
		const struct cost *cost = &costs[way];

		check(checks, cost->entries == costs[0].entries,
		      "the same work changes as many entries in each way");
		check(checks, nr_installs(&cost->ledger) ==
		      (way == WAY_LAZY ? 0 : cost->entries),
		      "all entries are installed, or lazily none");
		check(checks, cost->ledger.traps ==
		      (way == WAY_STORES ? cost->entries : 0),
		      "all stores trap in one way, and in the others none");
		check(checks, !cost->ledger.opens,
		      "the module knows each instruction that stores an entry");
	}
	check(checks, !costs[WAY_STORES].calls &&
	      costs[WAY_HYPERCALLS].calls == costs[WAY_HYPERCALLS].entries &&
	      costs[WAY_BATCHES].calls < costs[WAY_HYPERCALLS].calls,
	      "stores take no calls, hypercalls one an entry, batches fewer");
}

static void show_costs(const struct cost *costs, const char *unit)
{
	enum way way;

	draw_title("The four ways to change an entry, compared");
	printf("  The same in each: a program touches %u pages and forks; ",
	       NR_PAGES);
	printf("its child writes %u of them.\n\n", NR_PAGES / 2);
	printf("  tables     entries%49s%s\n", "", unit);
	printf("  by         changed installs traps calls walks faults zaps%15s%13s\n",
	       "in all", "for entries");
	for (way = 0; way < NR_WAYS; way++) {
		const struct cost *cost = &costs[way];
		const struct vmmu_ledger *ledger = &cost->ledger;

		printf("  %-10s %7lu %8lu %5lu %5lu %5lu %6lu %4lu %13lu %12lu\n",
		       way_names[way], cost->entries, nr_installs(ledger),
		       (uint64_t)ledger->traps, cost->calls,
		       (uint64_t)ledger->walks, (uint64_t)ledger->faults,
		       (uint64_t)ledger->zaps, cost->ticks, cost->entry_ticks);
	}
	printf("\n  Entries that the guest OS has changed, and the calls it made for that; ");
	printf("the rest is from\n  the VMs' ledgers. ");
}

int act_compare(struct demo *demo, int dev)
{
	struct cost costs[NR_WAYS] = { 0 };
	bool counted = ticks_are_instructions();
	enum way way;
	int err = 0;

	for (way = 0; way < NR_WAYS && !err; way++)
		err = work_again(demo, dev, way, &costs[way]);
	if (err)
		return err;
	check_costs(&demo->checks, costs);
	if (demo->quiet)
		return 0;
	show_costs(costs, counted ? "instructions" : "TSC ticks");
	if (counted)
		printf("Instructions: all that the machine executes, Linux included.\n");
	else
		printf("TSC ticks: time, and as uneven; `make demo` counts instructions.\n");
	return 0;
}
