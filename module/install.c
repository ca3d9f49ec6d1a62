// SPDX-License-Identifier: GPL-2.0
/*
 * "When a guest OS establishes a valid mapping entry in its page table, it
 * traps to the hypervisor, which then establishes the corresponding mapping in
 * that VM's real map table." Here is where that happens, however it came; for the
 * ordinary elements of a batch, install_run.c does the same in fewer steps.
 *
 * Installs are serialized by vm->lock; the guest's own stores to the same
 * entries are not, and are met with an atomic exchange.
 */
#include <linux/sched/signal.h>

#include "install.h"
#include "trace.h"

enum vmmu_outcome vmmu_use_classify(struct vmmu_vm *vm,
				    const struct vmmu_use *use, u64 value,
				    struct vmmu_entry *entry)
{
	enum vmmu_entry_kind kind =
		vmmu_format_decode(use->format, value, use->level, use->reserved, entry);

	if (kind == VMMU_ENTRY_ABSENT)
		return VMMU_OUTCOME_CLEARED;
	if (kind == VMMU_ENTRY_RESERVED)
		return VMMU_OUTCOME_RESERVED;
	if (vmmu_ra_index(entry->ra) >= vm->realmap.nr_pages)
		return VMMU_OUTCOME_BEYOND_REAL;
	return kind == VMMU_ENTRY_PAGE ? VMMU_OUTCOME_PAGE : VMMU_OUTCOME_TABLE;
}

int vmmu_install_provide(struct vmmu_realmap *realmap,
			 const struct vmmu_entry *entry)
{
	u64 first = vmmu_ra_index(entry->ra);
	u64 nr = BIT_ULL(entry->page_shift - VMMU_PAGE_SHIFT);

	nr = min(nr, realmap->nr_pages - first);
	for (u64 i = 0; i < nr; i++) {
		int err = vmmu_realmap_provide(realmap, first + i);

		if (err)
			return err;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

void vmmu_change_init(struct vmmu_change *change, struct vmmu_vm *vm,
		      struct vmmu_ra entry, enum vmmu_cause cause,
		      const struct vmmu_use *named)
{
	struct vmmu_use *uses = change->uses;
	unsigned int nr = 0;

	lockdep_assert_held(&vm->lock);

	change->entry = entry;
	change->cause = cause;
	change->named = named;
	if (named)
		uses[nr++] = *named;
	change->nr_uses = nr + vmmu_ptpage_uses(vm, entry, uses + nr);
}

int vmmu_change_provide(struct vmmu_vm *vm, struct vmmu_change *change,
			bool large)
{
	struct vmmu_holds wanted, had;
	int err;

	might_sleep();
	err = vmmu_realmap_provide(&vm->realmap, vmmu_ra_index(change->entry));
	for (unsigned int i = 0; i < change->nr_uses && !err; i++) {
		struct vmmu_entry decoded;

		if (vmmu_use_classify(vm, &change->uses[i], change->new, &decoded) !=
		    VMMU_OUTCOME_PAGE)
			continue;
		if (decoded.page_shift == VMMU_PAGE_SHIFT || (large && !i))
			err = vmmu_install_provide(&vm->realmap, &decoded);
	}
	if (err || !READ_ONCE(vm->ptpages.nr))
		return err;
	/*
	 * The entry's own page may serve at a lower level, too, once these tables
	 * are held, and want more then. So let go of those before only afterwards.
	 */
	down_read(&vm->lock);
	vmmu_ptpage_wanted(vm, change->entry, change->new, &wanted);
	up_read(&vm->lock);
	err = vmmu_ptpage_hold_all(vm, &wanted);
	if (err)
		return err;
	had = change->holds;
	change->holds = wanted;
	vmmu_ptpage_release_all(vm, &had);
	return 0;
}

void vmmu_change_end(struct vmmu_vm *vm, struct vmmu_change *change)
{
	vmmu_ptpage_release_all(vm, &change->holds);
	vmmu_ptpage_reap(vm);
}

/* Whether @use of the entry maps a 4 KiB page that has no frame. */
static bool lacks_frame(struct vmmu_vm *vm, enum vmmu_outcome what,
			const struct vmmu_entry *decoded)
{
	return what == VMMU_OUTCOME_PAGE &&
	       decoded->page_shift == VMMU_PAGE_SHIFT &&
	       !vmmu_realmap_lookup(&vm->realmap, vmmu_ra_index(decoded->ra));
}

/*
 * Whether somebody may have cached what the entry said before: it was present,
 * and more than its marks was added to.
 */
static bool outdates(struct vmmu_vm *vm, const struct vmmu_use *use, u64 old,
		     u64 new)
{
	struct vmmu_entry entry;

	return (old | (new & use->format->marks)) != new &&
	       vmmu_use_classify(vm, use, old, &entry) != VMMU_OUTCOME_CLEARED;
}

static bool tables_held(struct vmmu_vm *vm, const struct vmmu_change *change)
{
	struct vmmu_holds wanted __uninitialized;

	vmmu_ptpage_wanted(vm, change->entry, change->new, &wanted);
	return vmmu_ptpage_held(&change->holds, &wanted);
}

/* Whether the frames and tables are there that the entry's uses need. */
static bool ready(struct vmmu_vm *vm, const struct vmmu_change *change,
		  enum vmmu_outcome *outcome)
{
	*outcome = VMMU_OUTCOME_NONE;
	for (unsigned int i = 0; i < change->nr_uses; i++) {
		struct vmmu_entry decoded;
		enum vmmu_outcome what = vmmu_use_classify(vm, &change->uses[i],
						  change->new, &decoded);

		if (change->cause != VMMU_CAUSE_ROLLBACK &&
		    lacks_frame(vm, what, &decoded))
			return false;
		if (!i)
			*outcome = what;
	}
	return !vm->ptpages.nr || tables_held(vm, change);
}

/* Store the new value; a REREAD found it there. */
static int store(struct vmmu_vm *vm, const struct vmmu_change *change)
{
	struct vmmu_realmap *realmap = &vm->realmap;
	u64 value;

	if (change->cause == VMMU_CAUSE_REREAD) {
		vmmu_word_load(realmap, change->entry, &value);
		return value == change->new ? 0 : -EAGAIN;
	}
	if (vmmu_word_cmpxchg(realmap, change->entry, change->old, change->new))
		return 0;
	/* Another value, or a table page without a frame? */
	return vmmu_realmap_lookup(realmap, vmmu_ra_index(change->entry)) ?
		       -EAGAIN : -ENOENT;
}

/* Have zapped what was cached of the entry's old value. */
static void zap_old(struct vmmu_vm *vm, const struct vmmu_change *change,
		    struct vmmu_zap *zap)
{
	bool changes = false;

	for (unsigned int i = 0; i < change->nr_uses && !changes; i++)
		changes = outdates(vm, &change->uses[i], change->old,
				   change->new);
	if (!changes)
		return;
	vmmu_realmap_invalidate(&vm->realmap);
	for (unsigned int i = 0; i < change->nr_uses; i++) {
		const struct vmmu_use *use = &change->uses[i];

		if (use->space)
			vmmu_zap_entry(zap, use->space, use->va, use->level,
				       change->old);
		else
			vmmu_zap_vm(zap, vm);
	}
}

void vmmu_change_count(struct vmmu_vm *vm, const struct vmmu_change *change,
		       enum vmmu_count what)
{
	const struct vmmu_use *use = &change->uses[0];

	if (change->named || (change->nr_uses == 1 && use->space))
		vmmu_count(use->space, what);
	else
		vmmu_count_vm(vm, what);
}

static void count(struct vmmu_vm *vm, const struct vmmu_change *change)
{
	static const u8 counts[] = {
		[VMMU_CAUSE_HYPERCALL] = VMMU_BY_HYPERCALL,
		[VMMU_CAUSE_ROLLBACK] = VMMU_BY_ROLLBACK,
		[VMMU_CAUSE_STORE] = VMMU_BY_STORE,
		[VMMU_CAUSE_REREAD] = VMMU_BY_REREAD,
		[VMMU_CAUSE_DISCARD] = VMMU_BY_DISCARD,
	};

	vmmu_change_count(vm, change, counts[change->cause]);
}

static void trace(struct vmmu_vm *vm, const struct vmmu_change *change,
		  enum vmmu_outcome outcome)
{
	const struct vmmu_use none = { }, *use = &none;

	if (change->nr_uses)
		use = &change->uses[0];
	trace_vmmu_install(vm->id, use->space ? use->space->id : 0,
			   use->va.value, use->level, change->entry.value,
			   change->old, change->new, change->cause, outcome);
}

int vmmu_install(struct vmmu_vm *vm, struct vmmu_change *change,
		 struct vmmu_zap *zap, enum vmmu_outcome *outcome)
{
	int err;

	lockdep_assert_held_write(&vm->lock);

	if (!ready(vm, change, outcome))
		return -ENOENT;
	err = store(vm, change);
	if (err)
		return err;
	zap_old(vm, change, zap);
	vmmu_ptpage_establish(vm, change->entry, change->old, change->new);
	count(vm, change);
	trace(vm, change, *outcome);
	if (vm->nr_listeners)
		vmmu_install_notify(vm, change);
	return 0;
}
