// SPDX-License-Identifier: GPL-2.0
/*
 * How an entry of a page table changes.
 *
 * Whatever a guest OS does to its page tables, in the end an entry gets another
 * value. On a machine of its own that is a store, and the processor learns of it
 * when it walks the table the next time. In a VM somebody else has to learn of
 * it, too: the hypervisor, which owes the real page a physical frame, and which
 * makes the host's MMU translate as the table says. There are four ways to let
 * it know, and here is all that differs between them:
 *
 *     stores	   *entry = value. The guest OS does what it would do on a
 *		   machine, and knows nothing of a hypervisor. Its page tables are
 *		   write-protected, so that the store traps; the module decodes
 *		   the instruction, does what it would have done, gives the page
 *		   its frame, and lets the guest OS go on behind the store.
 *
 *     hypercalls  The guest OS knows that it is in a VM, and asks the module to
 *		   change the entry: VMMU_IOC_INSTALL. That is a trap as well,
 *		   but one that says what is wanted.
 *
 *     batches	   The same call takes many entries. They are gathered until they
 *		   are needed, and that is before a program runs again.
 *
 *     lazy	   *entry = value, and nothing traps. The module finds the entry
 *		   when a program gets there, and the page gets its frame then.
 *		   But what a window was granted before, it keeps, as a processor
 *		   does in its TLB. So the guest OS has to say where an entry that
 *		   was present has changed: VMMU_IOC_INVALIDATE, its invlpg.
 *
 * With the first three, windows follow before the next instruction: no
 * invalidation is needed, though to make one would do no harm.
 */
#include "guest.h"

const char * const way_names[NR_WAYS] = {
	[WAY_STORES] = "stores",
	[WAY_HYPERCALLS] = "hypercalls",
	[WAY_BATCHES] = "batches",
	[WAY_LAZY] = "lazy",
};

/* How the module is to be told of a page table; hypercalls do with either. */
uint32_t entries_space(enum way way)
{
	return way == WAY_STORES ? VMMU_SPACE_TRAPPING : VMMU_SPACE_LAZY;
}

/* Where an entry lies. */
int entry_find(const struct program *program, const struct vmmu_install_op *op,
	       uint64_t *ra)
{
	return vmmu_table_find(&program->table, op->va, op->level, ra);
}

/* Just a store, of the next entry; tell what it was before. */
static int store(struct program *program, struct table_change *change,
		 uint64_t *old)
{
	const struct vmmu_install_op *op = &change->ops[change->done];
	volatile uint64_t *entry;
	uint64_t ra;
	int err = entry_find(program, op, &ra);

	if (err)
		return err;
	entry = (volatile uint64_t *)(program->guest->memory + ra);
	*old = *entry;
	*entry = op->value;
	change->done++;
	return 0;
}

/* An entry that would establish nothing is not stored (STOP): it is a mistake. */
static int set_by_hypercall(struct program *program,
			    struct table_change *change, unsigned int nr)
{
	struct vmmu_install call;
	int err = vmmu_install(program->space, &change->ops[change->done], nr,
			       VMMU_INSTALL_STOP, NULL, &call);

	program->guest->calls++;
	change->done += call.done;
	return err;
}

/*
 * Whether a processor may hold on to what an entry said: if it was present, and
 * has not just got more rights. (A processor that overlooks those faults once
 * more than it has to, and looks again.)
 */
static bool is_remembered(const struct program *program,
			  const struct vmmu_install_op *op, uint64_t value)
{
	struct vmmu_table_entry old = { 0 }, new = { 0 };

	vmmu_table_decode(program->table.format, op->level, value, &old);
	vmmu_table_decode(program->table.format, op->level, op->value, &new);
	return old.flags & VMMU_TABLE_PRESENT &&
	       (old.ra != new.ra || old.rights & ~new.rights);
}

/* For one page invalidate just that; for more, all: as a kernel reloads CR3. */
static int invalidate(struct program *program, uint64_t va, unsigned int nr)
{
	if (!nr)
		return 0;
	program->guest->calls++;
	return nr == 1 ? vmmu_invalidate(program->space, va, PAGE_BYTES) :
			 vmmu_invalidate_all(program->space);
}

static int set_lazily(struct program *program, struct table_change *change,
		      unsigned int nr)
{
	unsigned int nr_stale = 0;
	uint64_t va = 0, old;
	int err = 0, late;

	for (; nr && !err; nr--) {
		const struct vmmu_install_op *op = &change->ops[change->done];

		err = store(program, change, &old);
		if (err || !is_remembered(program, op, old))
			continue;
		va = op->va;
		/* That of a table stands for many pages. */
		nr_stale += op->level == 1 ? 1 : 2;
	}
	late = invalidate(program, va, nr_stale);
	return err ? err : late;
}

/* Change this many entries, the next ones. */
static int set(struct program *program, struct table_change *change,
	       unsigned int nr)
{
	uint64_t old;

	switch (program->guest->way) {
	case WAY_STORES:
		return store(program, change, &old);
	case WAY_LAZY:
		return set_lazily(program, change, nr);
	default:
		return set_by_hypercall(program, change, nr);
	}
}

/* What goes together: all of it, or one entry after the other. */
static unsigned int at_a_time(enum way way, unsigned int nr)
{
	return way == WAY_BATCHES || way == WAY_LAZY ? nr : 1;
}

/*
 * The one function that changes entries of a page table. On an error those
 * before change->done have changed.
 */
int entries_set(struct program *program, struct table_change *change)
{
	struct watcher *watcher = program->guest->watcher;
	bool watched = watcher && watcher->entries;
	int err = 0;

	while (change->done < change->nr && !err) {
		const struct vmmu_install_op *ops = &change->ops[change->done];
		unsigned int nr = at_a_time(program->guest->way,
					    change->nr - change->done);

		if (watched)
			watcher->entries(watcher, program, ops, nr, false);
		err = set(program, change, nr);
		if (watched)
			watcher->entries(watcher, program, ops, nr, true);
	}
	return err;
}
