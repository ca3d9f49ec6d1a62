// SPDX-License-Identifier: GPL-2.0
/*
 * "When a guest OS establishes a valid mapping entry in its page table, it
 * traps to the hypervisor, which then establishes the corresponding mapping in
 * that VM's real map table." Here is where that happens, however it came.
 *
 * Installs are serialized by vm->lock; the guest's own stores to the same
 * entries are not, and are met with a compare-and-exchange.
 */
#include <linux/sched/signal.h>

#include "install.h"
#include "trace.h"

/*
 * Stand at the table that holds the entry for @va at @level. The table page
 * last found is remembered; it is good for as long as vm->lock is held and the
 * sequence stands still, since no other install or discard can come between.
 */
static void find_table(struct vmmu_batch *batch, struct vmmu_va va,
		       unsigned int level)
{
	struct vmmu_walk *walk = &batch->walk;
	u64 sequence = vmmu_realmap_sequence(walk->realmap);

	if (batch->walk_valid && batch->sequence == sequence &&
	    vmmu_walk_move(walk, va, level))
		return;
	vmmu_walk_start(walk, va);
	while (walk->level > level && vmmu_walk_step(walk))
		;
	batch->walk_valid = true;
	batch->sequence = sequence;
}

/* Find the entry that op->level and op->va name; -ENXIO: there is none. */
static int find_entry(struct vmmu_batch *batch,
		      const struct vmmu_install_op *op, struct vmmu_ra *entry)
{
	struct vmmu_walk *walk = &batch->walk;

	find_table(batch, vmmu_va(op->va), op->level);
	batch->level = walk->level;
	batch->reason = walk->reason;
	if (!walk->reason && walk->level > op->level)
		batch->reason = VMMU_REASON_LARGE_PAGE;
	else if (!walk->reason &&
		 vmmu_ra_index(walk->table) >= walk->realmap->nr_pages)
		batch->reason = VMMU_REASON_TABLE_BEYOND_REAL;
	if (batch->reason)
		return -ENXIO;
	*entry = vmmu_format_entry_ra(walk->format, walk->table, walk->va,
				      op->level);
	return 0;
}

/* What storing @value would establish at this level of this space. */
static enum vmmu_outcome classify(const struct vmmu_space *space, u64 value,
				  unsigned int level, struct vmmu_entry *entry)
{
	enum vmmu_entry_kind kind =
		space->format->decode(value, level, space->reserved, entry);

	if (kind == VMMU_ENTRY_ABSENT)
		return VMMU_OUTCOME_CLEARED;
	if (kind == VMMU_ENTRY_RESERVED)
		return VMMU_OUTCOME_RESERVED;
	if (vmmu_ra_index(entry->ra) >= space->vm->realmap.nr_pages)
		return VMMU_OUTCOME_BEYOND_REAL;
	return kind == VMMU_ENTRY_PAGE ? VMMU_OUTCOME_PAGE : VMMU_OUTCOME_TABLE;
}

/*
 * Give every real page of a mapping its frame: a 4 KiB page always, a larger
 * one when asked to. The part that lies beyond real memory gets none.
 */
static int provide_page(struct vmmu_realmap *realmap,
			const struct vmmu_entry *entry, u32 flags)
{
	u64 first = vmmu_ra_index(entry->ra);
	u64 nr = BIT_ULL(entry->page_shift - VMMU_PAGE_SHIFT);

	if (nr > 1 && !(flags & VMMU_INSTALL_PROVIDE))
		return 0;
	if (nr == 1)
		return vmmu_realmap_provide(realmap, first);
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

static bool was_present(const struct vmmu_use *use, u64 old)
{
	struct vmmu_entry entry;

	return classify(use->space, old, use->level, &entry) !=
	       VMMU_OUTCOME_CLEARED;
}

int vmmu_install(struct vmmu_vm *vm, struct vmmu_ra entry, u64 old, u64 new,
		 enum vmmu_cause cause, u32 flags, const struct vmmu_use *uses,
		 unsigned int nr_uses, enum vmmu_outcome *outcome)
{
	struct vmmu_realmap *realmap = &vm->realmap;
	bool changes = false;
	int err;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < nr_uses; i++) {
		const struct vmmu_use *use = &uses[i];
		struct vmmu_entry decoded;
		enum vmmu_outcome what = classify(use->space, new, use->level,
						  &decoded);

		if (what == VMMU_OUTCOME_PAGE && cause != VMMU_CAUSE_ROLLBACK) {
			err = provide_page(realmap, &decoded, flags);
			if (err)
				return err;
		}
		if (old != new && was_present(use, old))
			changes = true;
		if (!i)
			*outcome = what;
	}

	if (!vmmu_word_cmpxchg(realmap, entry, old, new)) {
		/* Another value; or a table page that has no frame yet. */
		if (cause == VMMU_CAUSE_ROLLBACK)
			return -EAGAIN;
		err = vmmu_realmap_provide(realmap, vmmu_ra_index(entry));
		return err ? err : -EAGAIN;
	}
	if (changes)
		vmmu_realmap_invalidate(realmap);
	trace_vmmu_install(vm->id, uses[0].space->id, uses[0].va.value,
			   uses[0].level, entry.value, old, new, cause,
			   *outcome);
	return 0;
}

static void note_undo(struct vmmu_batch *batch, struct vmmu_ra entry, u64 old,
		      const struct vmmu_install_op *op)
{
	if (batch->undo)
		batch->undo[batch->done] = (struct vmmu_undo){
			.entry = entry,
			.old = old,
			.new = op->value,
			.level = op->level,
		};
}

/* STOP: whether the element would establish nothing; if so, why. */
static bool stops(struct vmmu_batch *batch, const struct vmmu_install_op *op)
{
	struct vmmu_entry decoded;

	if (!(batch->flags & VMMU_INSTALL_STOP))
		return false;
	switch (classify(batch->space, op->value, op->level, &decoded)) {
	case VMMU_OUTCOME_RESERVED:
		batch->reason = VMMU_REASON_RESERVED;
		break;
	case VMMU_OUTCOME_BEYOND_REAL:
		batch->reason = VMMU_REASON_BEYOND_REAL;
		break;
	default:
		return false;
	}
	batch->level = op->level;
	return true;
}

static int apply(struct vmmu_batch *batch, const struct vmmu_install_op *op,
		 enum vmmu_outcome *outcome)
{
	struct vmmu_vm *vm = batch->space->vm;
	struct vmmu_use use = {
		.space = batch->space,
		.va = vmmu_va(op->va),
		.level = op->level,
	};
	struct vmmu_ra entry;
	u64 old;
	int err;

	if (op->reserved)
		return -EOPNOTSUPP;
	if (!op->level || op->level > batch->space->format->levels)
		return -EINVAL;
	err = find_entry(batch, op, &entry);
	if (err)
		return err;
	if (stops(batch, op))
		return -ENXIO;
	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		vmmu_word_load(&vm->realmap, entry, &old);
		err = vmmu_install(vm, entry, old, op->value,
				   VMMU_CAUSE_HYPERCALL, batch->flags, &use, 1,
				   outcome);
	} while (err == -EAGAIN);
	if (err == -ENOMEM) {
		batch->reason = VMMU_REASON_NOFRAME;
		batch->level = op->level;
	}
	if (err)
		return err;
	note_undo(batch, entry, old, op);
	return 0;
}

int vmmu_install_batch(struct vmmu_batch *batch,
		       const struct vmmu_install_op *ops, unsigned int nr,
		       u8 *outcomes)
{
	struct vmmu_vm *vm = batch->space->vm;
	int err = 0;

	down_write(&vm->lock);
	vmmu_space_walk_init(batch->space, &batch->walk);
	batch->walk_valid = false;
	for (unsigned int i = 0; i < nr && !err; i++) {
		enum vmmu_outcome outcome = VMMU_OUTCOME_NONE;

		err = apply(batch, &ops[i], &outcome);
		if (!err) {
			outcomes[i] = outcome;
			batch->done++;
		}
	}
	up_write(&vm->lock);
	return err;
}

void vmmu_install_rollback(struct vmmu_batch *batch)
{
	struct vmmu_vm *vm = batch->space->vm;

	down_write(&vm->lock);
	while (batch->done) {
		struct vmmu_undo *undo = &batch->undo[--batch->done];
		struct vmmu_use use = {
			.space = batch->space,
			.level = undo->level,
		};
		enum vmmu_outcome outcome;

		/* An entry that the guest stored to meanwhile is the guest's. */
		vmmu_install(vm, undo->entry, undo->new, undo->old,
			     VMMU_CAUSE_ROLLBACK, 0, &use, 1, &outcome);
		cond_resched();
	}
	up_write(&vm->lock);
}
