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
 * Whether the remembered table page is the right one still. It is looked up
 * again once the sequence has moved, which every install and discard that
 * matters does, and when the root or the mode has changed while the lock was
 * dropped.
 */
static bool walk_holds(const struct vmmu_batch *batch)
{
	const struct vmmu_walk *walk = &batch->walk;
	const struct vmmu_space *space = batch->space;

	return batch->walk_valid &&
	       batch->sequence == vmmu_realmap_sequence(walk->realmap) &&
	       walk->root.value == space->root &&
	       vmmu_mode_pack(&walk->mode) == space->mode;
}

/* Stand at the table that holds the entry for @va at @level. */
static void find_table(struct vmmu_batch *batch, struct vmmu_va va,
		       unsigned int level)
{
	struct vmmu_walk *walk = &batch->walk;

	lockdep_assert_held_write(&batch->space->vm->lock);

	if (walk_holds(batch) && vmmu_walk_move(walk, va, level))
		return;
	vmmu_space_walk_init(batch->space, walk);
	batch->sequence = vmmu_realmap_sequence(walk->realmap);
	batch->walk_valid = true;
	vmmu_walk_start(walk, va);
	while (walk->level > level && vmmu_walk_step(walk))
		;
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
static enum vmmu_outcome classify(const struct vmmu_use *use, u64 value,
				  struct vmmu_entry *entry)
{
	const struct vmmu_space *space = use->space;
	enum vmmu_entry_kind kind =
		space->format->decode(value, use->level,
				      READ_ONCE(space->reserved), entry);

	if (kind == VMMU_ENTRY_ABSENT)
		return VMMU_OUTCOME_CLEARED;
	if (kind == VMMU_ENTRY_RESERVED)
		return VMMU_OUTCOME_RESERVED;
	if (vmmu_ra_index(entry->ra) >= space->vm->realmap.nr_pages)
		return VMMU_OUTCOME_BEYOND_REAL;
	return kind == VMMU_ENTRY_PAGE ? VMMU_OUTCOME_PAGE : VMMU_OUTCOME_TABLE;
}

/* Give each real page of a mapping its frame, if it lies in real memory. */
static int provide_page(struct vmmu_realmap *realmap,
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

int vmmu_install_provide(struct vmmu_vm *vm, struct vmmu_ra entry, u64 new,
			 const struct vmmu_use *uses, unsigned int nr_uses,
			 bool large)
{
	int err;

	might_sleep();
	err = vmmu_realmap_provide(&vm->realmap, vmmu_ra_index(entry));
	for (unsigned int i = 0; i < nr_uses && !err; i++) {
		struct vmmu_entry decoded;

		if (classify(&uses[i], new, &decoded) != VMMU_OUTCOME_PAGE)
			continue;
		if (decoded.page_shift == VMMU_PAGE_SHIFT || large)
			err = provide_page(&vm->realmap, &decoded);
	}
	return err;
}

/* Whether @use of the entry maps a 4 KiB page that has no frame. */
static bool lacks_frame(const struct vmmu_use *use, enum vmmu_outcome what,
			const struct vmmu_entry *decoded)
{
	return what == VMMU_OUTCOME_PAGE &&
	       decoded->page_shift == VMMU_PAGE_SHIFT &&
	       !vmmu_realmap_lookup(&use->space->vm->realmap,
				    vmmu_ra_index(decoded->ra));
}

/*
 * Whether somebody may have cached what the entry said before: it was present,
 * and more than its marks was added to.
 */
static bool outdates(const struct vmmu_use *use, u64 old, u64 new)
{
	struct vmmu_entry entry;

	return (old | (new & use->space->format->marks)) != new &&
	       classify(use, old, &entry) != VMMU_OUTCOME_CLEARED;
}

int vmmu_install(struct vmmu_vm *vm, struct vmmu_ra entry, u64 old, u64 new,
		 enum vmmu_cause cause, const struct vmmu_use *uses,
		 unsigned int nr_uses, struct vmmu_zap *zap,
		 enum vmmu_outcome *outcome)
{
	struct vmmu_realmap *realmap = &vm->realmap;
	bool changes = false;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < nr_uses; i++) {
		struct vmmu_entry decoded;
		enum vmmu_outcome what = classify(&uses[i], new, &decoded);

		if (cause != VMMU_CAUSE_ROLLBACK &&
		    lacks_frame(&uses[i], what, &decoded))
			return -ENOENT;
		if (outdates(&uses[i], old, new))
			changes = true;
		if (!i)
			*outcome = what;
	}
	if (!vmmu_word_cmpxchg(realmap, entry, old, new)) {
		/* Another value, or a table page without a frame? */
		if (vmmu_realmap_lookup(realmap, vmmu_ra_index(entry)))
			return -EAGAIN;
		return -ENOENT;
	}
	if (changes) {
		vmmu_realmap_invalidate(realmap);
		for (unsigned int i = 0; i < nr_uses; i++)
			vmmu_zap_entry(zap, uses[i].space, uses[i].va,
				       uses[i].level, old);
	}
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
			.va = vmmu_va(op->va),
			.level = op->level,
		};
}

/*
 * What the batch's flags ask of an element before it is stored. STOP: -ENXIO
 * if it would establish nothing. PROVIDE: -ENOENT if it maps a large page, and
 * @provided is not set yet.
 */
static int check_flags(struct vmmu_batch *batch,
		       const struct vmmu_install_op *op,
		       const struct vmmu_use *use, bool provided)
{
	enum vmmu_reason reason = VMMU_REASON_NONE;
	struct vmmu_entry decoded;
	enum vmmu_outcome what;

	if (!(batch->flags & (VMMU_INSTALL_STOP | VMMU_INSTALL_PROVIDE)))
		return 0;
	what = classify(use, op->value, &decoded);
	if (what == VMMU_OUTCOME_RESERVED)
		reason = VMMU_REASON_RESERVED;
	if (what == VMMU_OUTCOME_BEYOND_REAL)
		reason = VMMU_REASON_BEYOND_REAL;
	if (reason && (batch->flags & VMMU_INSTALL_STOP)) {
		batch->reason = reason;
		batch->level = op->level;
		return -ENXIO;
	}
	if (what == VMMU_OUTCOME_PAGE && !provided &&
	    decoded.page_shift > VMMU_PAGE_SHIFT &&
	    (batch->flags & VMMU_INSTALL_PROVIDE))
		return -ENOENT;
	return 0;
}

/* Find the entry and store it; -ENOENT: frames have to be provided first. */
static int try_apply(struct vmmu_batch *batch, const struct vmmu_install_op *op,
		     const struct vmmu_use *use, bool provided,
		     struct vmmu_ra *entry, enum vmmu_outcome *outcome)
{
	struct vmmu_vm *vm = batch->space->vm;
	u64 old;
	int err;

	err = find_entry(batch, op, entry);
	if (!err)
		err = check_flags(batch, op, use, provided);
	if (err)
		return err;
	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		vmmu_word_load(&vm->realmap, *entry, &old);
		err = vmmu_install(vm, *entry, old, op->value,
				   VMMU_CAUSE_HYPERCALL, use, 1, &batch->zap,
				   outcome);
	} while (err == -EAGAIN);
	if (!err)
		note_undo(batch, *entry, old, op);
	return err;
}

/*
 * Apply one element. Frames are allocated with the lock dropped, since that
 * can take any time; then everything is looked at again.
 */
static int apply(struct vmmu_batch *batch, const struct vmmu_install_op *op,
		 enum vmmu_outcome *outcome)
{
	struct vmmu_vm *vm = batch->space->vm;
	struct vmmu_use use = {
		.space = batch->space,
		.va = vmmu_va(op->va),
		.level = op->level,
	};
	bool provided = false;
	struct vmmu_ra entry;
	int err;

	if (op->reserved)
		return -EOPNOTSUPP;
	if (!op->level || op->level > batch->space->format->levels)
		return -EINVAL;
	for (;;) {
		err = try_apply(batch, op, &use, provided, &entry, outcome);
		if (err != -ENOENT)
			return err;
		vmmu_zap_flush(&batch->zap);
		up_write(&vm->lock);
		err = vmmu_install_provide(vm, entry, op->value, &use, 1,
					   batch->flags & VMMU_INSTALL_PROVIDE);
		provided = true;
		down_write(&vm->lock);
		if (err == -ENOMEM) {
			batch->reason = VMMU_REASON_NOFRAME;
			batch->level = op->level;
		}
		if (err)
			return err;
	}
}

int vmmu_install_batch(struct vmmu_batch *batch,
		       const struct vmmu_install_op *ops, unsigned int nr,
		       u8 *outcomes)
{
	struct vmmu_vm *vm = batch->space->vm;
	int err = 0;

	down_write(&vm->lock);
	for (unsigned int i = 0; i < nr && !err; i++) {
		enum vmmu_outcome outcome = VMMU_OUTCOME_NONE;

		batch->reason = VMMU_REASON_NONE;
		err = apply(batch, &ops[i], &outcome);
		if (!err) {
			outcomes[i] = outcome;
			batch->done++;
		}
	}
	vmmu_zap_flush(&batch->zap);
	up_write(&vm->lock);
	return err;
}

/*
 * Put one entry back, unless it was stored to meanwhile. That Accessed or
 * Dirty was set in it is no store of the guest's.
 */
static void put_back(struct vmmu_batch *batch, const struct vmmu_undo *undo)
{
	struct vmmu_vm *vm = batch->space->vm;
	struct vmmu_use use = {
		.space = batch->space,
		.va = undo->va,
		.level = undo->level,
	};
	u64 marks = batch->space->format->marks;
	enum vmmu_outcome outcome;
	u64 value;
	int err;

	do {
		vmmu_word_load(&vm->realmap, undo->entry, &value);
		if ((value ^ undo->new) & ~marks)
			return;
		err = vmmu_install(vm, undo->entry, value, undo->old,
				   VMMU_CAUSE_ROLLBACK, &use, 1, &batch->zap,
				   &outcome);
	} while (err == -EAGAIN);
}

void vmmu_install_rollback(struct vmmu_batch *batch)
{
	struct vmmu_vm *vm = batch->space->vm;

	down_write(&vm->lock);
	while (batch->done) {
		put_back(batch, &batch->undo[--batch->done]);
		cond_resched();
	}
	vmmu_zap_flush(&batch->zap);
	up_write(&vm->lock);
}
