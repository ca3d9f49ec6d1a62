// SPDX-License-Identifier: GPL-2.0
/*
 * Runs of a batch: elements that name entries of one last-level table, and need
 * nothing but to be stored. They are what vmmu_install() would make of them, one
 * after the other, but that the table is looked up once, and the sequence moved
 * once, after the last. Whatever is out of the ordinary ends the run, and is left
 * to vmmu_install().
 */
#include "install.h"
#include "trace.h"

/**
 * struct run - a run under way
 * @batch: the batch.
 * @realmap: its VM's.
 * @format: the space's format.
 * @reserved: its reserved bits.
 * @test: bits that tell a page,
 * @is: and their values.
 * @words: the table.
 * @elsewhere: bits of an address that differ in another table,
 * @here: and their values.
 * @mask: of an entry's offset.
 * @near: where frames were found.
 * @undo: whether the batch may have to be undone.
 * @nr: elements that were stored.
 * @nr_outdated: of them, those that somebody may have cached before.
 * @outdated: which ones they are,
 * @old: and what their entries said.
 */
struct run {
	struct vmmu_batch *batch;
	struct vmmu_realmap *realmap;
	const struct vmmu_format *format;
	u64 reserved;
	u64 test, is;
	void *words;
	u64 elsewhere, here;
	u64 mask;
	struct vmmu_realmap_near near;
	bool undo;
	unsigned int nr;
	unsigned int nr_outdated;
	u16 outdated[VMMU_BATCH_STAGE];
	u64 old[VMMU_BATCH_STAGE];
};

/* Whether changes of the table's entries can't change the way to the table. */
static bool stays(const struct vmmu_walk *walk)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++)
		if (vmmu_ra_page(walk->steps[i].ra).value == walk->table.value)
			return false;
	return true;
}

/*
 * The words of the table where the batch's walk stands, or NULL if entries of it
 * are not to be stored in a run: monitors and tracers want to see each by itself.
 */
static void *table_words(struct vmmu_batch *batch)
{
	const struct vmmu_walk *walk = &batch->walk;
	struct vmmu_vm *vm = batch->space->vm;
	u64 index = vmmu_ra_index(walk->table), entry;

	if (walk->reason || walk->level != 1 || !stays(walk) ||
	    vm->nr_listeners || trace_vmmu_install_enabled())
		return NULL;
	if (vm->ptpages.nr && vmmu_ptpage_find(vm, index))
		return NULL;
	entry = vmmu_realmap_lookup(&vm->realmap, index);
	return entry ? vmmu_realmap_word(entry, walk->table) : NULL;
}

/* What storing @value establishes, if that is an ordinary case; else NONE. */
static enum vmmu_outcome classify(struct run *run, u64 value)
{
	struct vmmu_entry entry __uninitialized;
	u64 index;

	/* A page, as vmmu_format_decode() would tell; none is beyond real memory. */
	if (likely((value & run->test) == run->is)) {
		index = vmmu_ra_index(vmmu_ra(value & run->format->address));
		return vmmu_realmap_lookup_near(run->realmap, &run->near, index) ?
			       VMMU_OUTCOME_PAGE : VMMU_OUTCOME_NONE;
	}
	/* Zeroes are absent in every format. */
	if (!value || vmmu_format_decode(run->format, value, 1, run->reserved,
					 &entry) == VMMU_ENTRY_ABSENT)
		return VMMU_OUTCOME_CLEARED;
	return VMMU_OUTCOME_NONE;
}

/*
 * Whether somebody may have cached @old, and @new takes it back: as vmmu_install()
 * has it, it was present, and more than its marks was added to.
 */
static bool outdates(const struct run *run, u64 old, u64 new)
{
	struct vmmu_entry entry __uninitialized;

	return old && /* not absent, as zeroes are in every format */
	       (old | (new & run->format->marks)) != new &&
	       vmmu_format_decode(run->format, old, 1, run->reserved,
				  &entry) != VMMU_ENTRY_ABSENT;
}

static void note_undo(const struct run *run, const struct vmmu_install_op *op,
		      u64 offset, u64 old)
{
	struct vmmu_batch *batch = run->batch;

	batch->undo[batch->done + run->nr] = (struct vmmu_undo){
		.entry = vmmu_ra_add(batch->walk.table, offset),
		.old = old,
		.new = op->value,
		.va = vmmu_va(op->va),
		.level = 1,
	};
}

/* Store one element; false: the run ends before it. */
static bool store(struct run *run, const struct vmmu_install_op *op,
		  u8 *outcome)
{
	u64 offset = op->va / (VMMU_PAGE_BYTES / sizeof(u64)) & run->mask;
	u64 old, new = op->value;

	*outcome = classify(run, new);
	if (*outcome == VMMU_OUTCOME_NONE)
		return false;
	old = xchg((u64 *)(run->words + offset), new);
	if (run->undo)
		note_undo(run, op, offset, old);
	if (outdates(run, old, new)) {
		run->outdated[run->nr_outdated] = run->nr;
		run->old[run->nr_outdated++] = old;
	}
	run->nr++;
	return true;
}

/* The table was written to. */
static void mark_table(const struct vmmu_batch *batch)
{
	const u64 touched = VMMU_REALMAP_ACCESSED | VMMU_REALMAP_DIRTY;
	struct vmmu_realmap *realmap = &batch->space->vm->realmap;
	u64 index = vmmu_ra_index(batch->walk.table);

	if ((vmmu_realmap_lookup(realmap, index) & touched) != touched)
		vmmu_realmap_mark(realmap, index, touched);
}

/* Tell everybody that entries have changed, and have zapped what was got by them. */
static void invalidate(struct run *run, const struct vmmu_install_op *ops)
{
	struct vmmu_batch *batch = run->batch;
	struct vmmu_space *space = batch->space;

	vmmu_realmap_invalidate(&space->vm->realmap);
	/* Nobody else has moved it: that takes vm->lock. */
	batch->sequence = vmmu_realmap_sequence(&space->vm->realmap);
	for (unsigned int i = 0; i < run->nr_outdated; i++)
		vmmu_zap_page(&batch->zap, space,
			      vmmu_va(ops[run->outdated[i]].va), run->old[i]);
}

unsigned int vmmu_install_run(struct vmmu_batch *batch,
			      const struct vmmu_install_op *ops,
			      unsigned int nr, u8 *outcomes)
{
	const struct vmmu_space *space = batch->space;
	unsigned int index_bits = space->format->index_bits;
	struct run run __uninitialized;

	lockdep_assert_held_write(&space->vm->lock);

	run.words = table_words(batch);
	if (!run.words)
		return 0;
	run.batch = batch;
	run.realmap = &space->vm->realmap;
	run.format = space->format;
	run.reserved = space->reserved;
	run.test = run.format->page_test | run.reserved;
	run.is = run.format->page_is;
	run.elsewhere = ~0ULL << (VMMU_PAGE_SHIFT + index_bits);
	run.here = ops[0].va & run.elsewhere;
	run.mask = (BIT_ULL(index_bits) - 1) * sizeof(u64);
	run.near = (struct vmmu_realmap_near)VMMU_REALMAP_NEAR_NONE;
	run.undo = batch->undo;
	run.nr = 0;
	run.nr_outdated = 0;
	nr = min(nr, VMMU_BATCH_STAGE);
	while (run.nr < nr) {
		const struct vmmu_install_op *op = &ops[run.nr];

		if (op->level != 1 || op->reserved ||
		    (op->va & run.elsewhere) != run.here ||
		    !store(&run, op, &outcomes[run.nr]))
			break;
	}
	if (!run.nr)
		return 0;
	mark_table(batch);
	if (run.nr_outdated)
		invalidate(&run, ops);
	vmmu_count_add(batch->space, VMMU_BY_HYPERCALL, run.nr);
	batch->done += run.nr;
	return run.nr;
}
