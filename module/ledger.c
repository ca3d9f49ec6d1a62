// SPDX-License-Identifier: GPL-2.0
/*
 * Ledgers. Everything is counted once, in its space, or in the VM if it is no
 * space's; a VM's ledger is a sum.
 */
#include <linux/seq_file.h>

#include "ledger.h"

/* The ledger's counts are those of struct vmmu_counts, in the same order. */
static_assert(sizeof(struct vmmu_ledger) ==
	      offsetof(struct vmmu_ledger, by_hypercall) +
	      VMMU_NR_COUNTS * sizeof(u64));

static const char *const names[VMMU_NR_COUNTS] = {
	[VMMU_BY_HYPERCALL] = "by-hypercall",
	[VMMU_BY_ROLLBACK] = "by-rollback",
	[VMMU_BY_STORE] = "by-store",
	[VMMU_BY_REREAD] = "by-reread",
	[VMMU_BY_DISCARD] = "by-discard",
	[VMMU_TRAPS] = "traps",
	[VMMU_OPENS] = "opens",
	[VMMU_CLOSES] = "closes",
	[VMMU_WALKS] = "walks",
	[VMMU_FAULTS] = "faults",
	[VMMU_PREFILLS] = "prefills",
	[VMMU_ZAPS] = "zaps",
	[VMMU_FLUSHES] = "flushes",
	[VMMU_RECORDS] = "records",
	[VMMU_REFUSALS] = "refusals",
};

static u64 read(const struct vmmu_counts *counts, unsigned int what)
{
	return atomic64_read(&counts->nr[what]);
}

static u64 sum(struct vmmu_vm *vm, unsigned int what)
{
	u64 count = read(&vm->counts, what);
	struct vmmu_space *space;

	lockdep_assert_held(&vm->lock);

	list_for_each_entry(space, &vm->spaces, link)
		count += read(&space->counts, what);
	return count;
}

u64 vmmu_ledger_count(struct vmmu_vm *vm, enum vmmu_count what)
{
	u64 count;

	down_read(&vm->lock);
	count = sum(vm, what);
	up_read(&vm->lock);
	return count;
}

long vmmu_ledger_of_vm(struct vmmu_vm *vm, struct vmmu_ledger *ledger)
{
	u64 *counts = &ledger->by_hypercall;

	if (ledger->flags)
		return -EOPNOTSUPP;
	down_read(&vm->lock);
	for (unsigned int i = 0; i < VMMU_NR_COUNTS; i++)
		counts[i] = sum(vm, i);
	up_read(&vm->lock);
	return 0;
}

long vmmu_ledger_of_space(struct vmmu_space *space, struct vmmu_ledger *ledger)
{
	u64 *counts = &ledger->by_hypercall;

	if (ledger->flags)
		return -EOPNOTSUPP;
	for (unsigned int i = 0; i < VMMU_NR_COUNTS; i++)
		counts[i] = read(&space->counts, i);
	return 0;
}

void vmmu_ledger_retire(struct vmmu_space *space)
{
	lockdep_assert_held_write(&space->vm->lock);

	for (unsigned int i = 0; i < VMMU_NR_COUNTS; i++)
		atomic64_add(read(&space->counts, i), &space->vm->counts.nr[i]);
}

void vmmu_ledger_show_vm(struct seq_file *m, struct vmmu_vm *vm)
{
	struct vmmu_ledger ledger = { };
	const u64 *counts = &ledger.by_hypercall;

	vmmu_ledger_of_vm(vm, &ledger);
	for (unsigned int i = 0; i < VMMU_NR_COUNTS; i++)
		seq_printf(m, "vmmu-%s:\t%llu\n", names[i], counts[i]);
}

void vmmu_ledger_show_space(struct seq_file *m, struct vmmu_space *space)
{
	for (unsigned int i = 0; i < VMMU_NR_COUNTS; i++)
		seq_printf(m, "vmmu-%s:\t%llu\n", names[i],
			   read(&space->counts, i));
}
