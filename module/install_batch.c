// SPDX-License-Identifier: GPL-2.0
/*
 * Batches of installs: hypercalls. Elements are applied one after the other, each by
 * vmmu_install(), or as many as can be by vmmu_install_run(); an ATOMIC batch that fails
 * is taken back.
 */
#include <linux/sched/signal.h>

#include "install.h"

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
	vmmu_count(batch->space, VMMU_WALKS);
	vmmu_walk_to(walk, level);
}

/* The entry at a real address, in some page table of a TRAPPING space. */
static int find_entry_at(struct vmmu_batch *batch,
			 const struct vmmu_install_op *op, struct vmmu_ra *entry)
{
	struct vmmu_vm *vm = batch->space->vm;

	*entry = vmmu_ra(op->va);
	if (vmmu_ptpage_uses(vm, *entry, batch->change.uses))
		return 0;
	batch->reason = VMMU_REASON_NOT_A_TABLE;
	batch->level = 0;
	return -ENXIO;
}

/* Find the entry that op->level and op->va name; -ENXIO: there is none. */
static int find_entry(struct vmmu_batch *batch,
		      const struct vmmu_install_op *op, struct vmmu_ra *entry)
{
	struct vmmu_walk *walk = &batch->walk;

	if (batch->flags & VMMU_INSTALL_BY_RA)
		return find_entry_at(batch, op, entry);
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

static void note_undo(struct vmmu_batch *batch, struct vmmu_ra entry, u64 old,
		      const struct vmmu_install_op *op)
{
	if (batch->undo)
		batch->undo[batch->done] = (struct vmmu_undo){
			.entry = entry,
			.old = old,
			.new = batch->change.new,
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
		       const struct vmmu_install_op *op, bool provided)
{
	const struct vmmu_change *change = &batch->change;
	enum vmmu_reason reason = VMMU_REASON_NONE;
	struct vmmu_entry decoded;
	enum vmmu_outcome what;

	if (!(batch->flags & (VMMU_INSTALL_STOP | VMMU_INSTALL_PROVIDE)))
		return 0;
	what = vmmu_use_classify(batch->space->vm, &change->uses[0],
				 change->new, &decoded);
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

/* A change of an entry; @level: 0 if it was named by its real address. */
static void init_change(struct vmmu_batch *batch, struct vmmu_ra entry,
			enum vmmu_cause cause, struct vmmu_va va,
			unsigned int level)
{
	const struct vmmu_space *space = batch->space;
	struct vmmu_use use = { };

	if (level) {
		unsigned int shift = vmmu_format_shift(space->format, level);

		use = (struct vmmu_use){
			.space = batch->space,
			.format = space->format,
			.va = vmmu_va(va.value >> shift << shift),
			.level = level,
			.reserved = space->reserved,
		};
	}
	vmmu_change_init(&batch->change, space->vm, entry, cause,
			 level ? &use : NULL);
}

/* Store an entry as the batch has found it; see try_apply(). */
static int try_store(struct vmmu_batch *batch, const struct vmmu_install_op *op,
		     bool provided, enum vmmu_outcome *outcome)
{
	struct vmmu_change *change = &batch->change;
	struct vmmu_vm *vm = batch->space->vm;
	int err;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		vmmu_word_load(&vm->realmap, change->entry, &change->old);
		change->new = op->value;
		vmmu_install_recall(change, &batch->ask);
		err = check_flags(batch, op, provided);
		if (err)
			return err;
		if (vmmu_install_asks(vm, change, &batch->ask))
			return -EINPROGRESS;
		err = vmmu_install(vm, change, &batch->zap, outcome);
	} while (err == -EAGAIN);
	if (!err)
		note_undo(batch, change->entry, change->old, op);
	return err;
}

/*
 * Find the entry and store it. -ENOENT: something is to be provided first;
 * -EINPROGRESS: somebody is to be asked.
 */
static int try_apply(struct vmmu_batch *batch, const struct vmmu_install_op *op,
		     bool provided, enum vmmu_outcome *outcome)
{
	struct vmmu_ra entry;
	int err;

	err = find_entry(batch, op, &entry);
	if (err)
		return err;
	init_change(batch, entry, VMMU_CAUSE_HYPERCALL, vmmu_va(op->va),
		    op->level);
	return try_store(batch, op, provided, outcome);
}

static int check_op(const struct vmmu_batch *batch,
		    const struct vmmu_install_op *op)
{
	const struct vmmu_space *space = batch->space;

	if (op->reserved)
		return -EOPNOTSUPP;
	if (batch->flags & VMMU_INSTALL_BY_RA)
		return op->level || op->va % sizeof(u64) ||
		       op->va >= space->vm->real_bytes ? -EINVAL : 0;
	return !op->level || op->level > space->format->levels ? -EINVAL : 0;
}

/*
 * Where an element lacked a frame those behind it will, too: give them theirs as long
 * as the lock is dropped. Errors are for the elements to meet.
 */
static void provide_ahead(const struct vmmu_batch *batch,
			  const struct vmmu_install_op *ops, unsigned int nr)
{
	const struct vmmu_space *space = batch->space;
	struct vmmu_realmap *realmap = &space->vm->realmap;
	u64 reserved = READ_ONCE(space->reserved);

	for (unsigned int i = 0; i < nr; i++) {
		struct vmmu_entry entry;

		if (ops[i].level != 1 || ops[i].reserved ||
		    vmmu_format_decode(space->format, ops[i].value, 1, reserved,
				       &entry) != VMMU_ENTRY_PAGE ||
		    vmmu_install_provide(realmap, &entry))
			break;
	}
}

/* What the first element waits for, without the lock. */
static int wait_for(struct vmmu_batch *batch, int what,
		    const struct vmmu_install_op *ops, unsigned int nr)
{
	int err;

	if (what == -EINPROGRESS)
		return vmmu_install_ask(&batch->ask);
	err = vmmu_change_provide(batch->space->vm, &batch->change,
				  batch->flags & VMMU_INSTALL_PROVIDE);
	/* Not if some of them may be refused. */
	if (!err && ops->level == 1 &&
	    !(batch->flags & (VMMU_INSTALL_STOP | VMMU_INSTALL_ATOMIC)) &&
	    !READ_ONCE(batch->space->vm->nr_listeners))
		provide_ahead(batch, ops + 1, nr - 1);
	return err;
}

/*
 * Let go of the tables that an element held, and forget those that it took away: to the
 * next one they must not count. Drops vm->lock for that.
 */
static void end_element(struct vmmu_batch *batch)
{
	struct vmmu_vm *vm = batch->space->vm;

	if (!batch->change.holds.nr && list_empty(&vm->ptpages.dying))
		return;
	vmmu_zap_flush(&batch->zap);
	up_write(&vm->lock);
	vmmu_change_end(vm, &batch->change);
	down_write(&vm->lock);
}

/*
 * Apply the first element. What it needs is provided with the lock dropped, since that
 * can take any time; then everything is looked at again.
 */
static int apply(struct vmmu_batch *batch, const struct vmmu_install_op *op,
		 unsigned int nr, enum vmmu_outcome *outcome)
{
	struct vmmu_vm *vm = batch->space->vm;
	bool provided = false;
	int err, what;

	err = check_op(batch, op);
	if (err)
		return err;
	batch->ask.answered = 0;
	for (;;) {
		what = try_apply(batch, op, provided, outcome);
		err = what;
		if (err != -ENOENT && err != -EINPROGRESS)
			break;
		vmmu_zap_flush(&batch->zap);
		up_write(&vm->lock);
		err = wait_for(batch, what, op, nr);
		/* A monitor may make something larger of it. */
		provided = what == -ENOENT;
		down_write(&vm->lock);
		if (err)
			break;
	}
	if (err == -ENOMEM || err == -EPERM) {
		batch->reason = err == -EPERM ? VMMU_REASON_DENIED :
						VMMU_REASON_NOFRAME;
		batch->level = op->level;
	}
	if (err == -EPERM)
		vmmu_install_denied(vm, &batch->ask);
	end_element(batch);
	return err;
}

/* Apply elements that come as a run; 0: the first is to be applied by itself. */
static unsigned int apply_run(struct vmmu_batch *batch,
			      const struct vmmu_install_op *ops,
			      unsigned int nr, u8 *outcomes)
{
	bool by_ra = batch->flags & VMMU_INSTALL_BY_RA;

	if (ops->level != (by_ra ? 0 : 1) || fatal_signal_pending(current))
		return 0;
	if (!by_ra)
		find_table(batch, vmmu_va(ops->va), 1);
	return vmmu_install_run(batch, ops, nr, outcomes);
}

int vmmu_install_batch(struct vmmu_batch *batch,
		       const struct vmmu_install_op *ops, unsigned int nr,
		       u8 *outcomes)
{
	struct vmmu_vm *vm = batch->space->vm;
	int err = 0;

	down_write(&vm->lock);
	for (unsigned int i = 0; i < nr && !err;) {
		enum vmmu_outcome outcome = VMMU_OUTCOME_NONE;
		unsigned int run = apply_run(batch, &ops[i], nr - i,
					     &outcomes[i]);

		i += run;
		if (run)
			continue;
		batch->reason = VMMU_REASON_NONE;
		err = apply(batch, &ops[i], nr - i, &outcome);
		if (!err) {
			outcomes[i++] = outcome;
			batch->done++;
		}
		/* It may have served for many spaces. */
		cond_resched();
	}
	vmmu_zap_flush(&batch->zap);
	up_write(&vm->lock);
	vmmu_ptpage_reap(vm);
	return err;
}

/*
 * Put one entry back, unless it was stored to meanwhile. That Accessed or
 * Dirty was set in it is no store of the guest's. -ENOENT: as vmmu_install().
 */
static int try_put_back(struct vmmu_batch *batch, const struct vmmu_undo *undo)
{
	struct vmmu_change *change = &batch->change;
	struct vmmu_vm *vm = batch->space->vm;
	enum vmmu_outcome outcome;
	int err;

	init_change(batch, undo->entry, VMMU_CAUSE_ROLLBACK, undo->va,
		    undo->level);
	change->new = undo->old;
	do {
		vmmu_word_load(&vm->realmap, undo->entry, &change->old);
		if ((change->old ^ undo->new) &
		    ~batch->space->format->marks)
			return 0;
		err = vmmu_install(vm, change, &batch->zap, &outcome);
	} while (err == -EAGAIN);
	return err;
}

/* This must not fail, though it refers to tables that were forgotten. */
static void put_back(struct vmmu_batch *batch, const struct vmmu_undo *undo)
{
	if (!try_put_back(batch, undo))
		return;
	vmmu_ptpage_forget(batch->space->vm, vmmu_ra_index(undo->entry));
	try_put_back(batch, undo);
}

void vmmu_install_rollback(struct vmmu_batch *batch)
{
	struct vmmu_vm *vm = batch->space->vm;

	down_write(&vm->lock);
	while (batch->done) {
		put_back(batch, &batch->undo[--batch->done]);
		end_element(batch);
		cond_resched();
	}
	vmmu_zap_flush(&batch->zap);
	up_write(&vm->lock);
	vmmu_ptpage_reap(vm);
}
