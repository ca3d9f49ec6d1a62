// SPDX-License-Identifier: GPL-2.0
/*
 * Runs of a batch: elements that name entries of one last-level table, and need
 * nothing but to be stored. They are what vmmu_install() would make of them, one
 * after the other, but that the table is looked up once, and the sequence moved
 * and zaps gathered once, after the last. Whatever is out of the ordinary ends the
 * run, and is left to vmmu_install().
 */
#include "install.h"
#include "trace.h"

/**
 * struct run - a run under way
 * @batch: the batch.
 * @realmap: its VM's.
 * @table: the table,
 * @words: its words,
 * @use: and what its first entry serves for.
 * @test: bits that tell a page,
 * @is: and their values.
 * @level: the level that elements name.
 * @elsewhere: bits of an address that differ in another table,
 * @here: and their values.
 * @shift: number of bits of an address below an entry's offset.
 * @mask: the offset's bits.
 * @near: where frames were found.
 * @undo: whether the batch may have to be undone.
 * @nr: elements that were stored.
 * @nr_outdated: of them, those whose entries somebody may have cached before.
 * @outdated: where these entries are,
 * @old: and what they said.
 */
struct run {
	struct vmmu_batch *batch;
	struct vmmu_realmap *realmap;
	struct vmmu_ra table;
	void *words;
	struct vmmu_use use;
	u64 test, is;
	u32 level;
	u64 elsewhere, here;
	unsigned int shift;
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

/* Find the table by the batch's walk, and what it serves for in the batch's space. */
static bool find_walked(struct run *run, u64 va)
{
	struct vmmu_space *space = run->batch->space;
	const struct vmmu_walk *walk = &run->batch->walk;

	if (walk->reason || walk->level != 1 || !stays(walk))
		return false;
	run->level = 1;
	run->shift = VMMU_PAGE_SHIFT - ilog2(sizeof(u64));
	run->elsewhere = ~0ULL << vmmu_format_shift(space->format, 2);
	run->here = va & run->elsewhere;
	run->table = walk->table;
	run->use = (struct vmmu_use){
		.space = space,
		.format = space->format,
		.va = vmmu_va(run->here),
		.level = 1,
		.reserved = space->reserved,
	};
	return true;
}

/* Find the table by the real address of an entry. */
static void find_by_ra(struct run *run, u64 ra)
{
	run->level = 0;
	run->shift = 0;
	/* An address that is not aligned is of no table. */
	run->elsewhere = ~(VMMU_PAGE_BYTES - sizeof(u64));
	run->table = vmmu_ra_page(vmmu_ra(ra));
	run->here = run->table.value;
}

/*
 * Whether a page table of TRAPPING spaces is closed, and a last-level table of one
 * range of addresses and nothing else: then no tables and no snapshot have to follow
 * its entries, and there are no other addresses to be zapped in these spaces.
 */
static bool serves_once(struct vmmu_vm *vm, const struct vmmu_ptpage *page,
			struct vmmu_use *uses)
{
	return list_is_singular(&page->uses) && list_empty(&page->link) &&
	       vmmu_ptpage_uses(vm, vmmu_ra_of_index(page->index), uses) == 1 &&
	       uses->space && uses->level == 1;
}

/* Whether two uses are one: of this space, or of another one with the same root. */
static bool same_use(const struct vmmu_use *one, const struct vmmu_use *other)
{
	return one->format == other->format && one->va.value == other->va.value &&
	       one->space->root == other->space->root;
}

/*
 * Find the table that an element names, unless its entries are not to be stored in a
 * run: it is no ordinary table, or monitors or tracers want to see each by itself.
 */
static bool find_table(struct run *run, u64 address)
{
	struct vmmu_batch *batch = run->batch;
	struct vmmu_vm *vm = batch->space->vm;
	bool by_ra = batch->flags & VMMU_INSTALL_BY_RA;
	struct vmmu_use *uses = batch->change.uses;
	struct vmmu_ptpage *page = NULL;
	u64 entry;

	if (vm->nr_listeners || trace_vmmu_install_enabled())
		return false;
	if (by_ra)
		find_by_ra(run, address);
	else if (!find_walked(run, address))
		return false;
	if (vm->ptpages.nr)
		page = vmmu_ptpage_find(vm, vmmu_ra_index(run->table));
	if (page ? !serves_once(vm, page, uses) : by_ra)
		return false;
	if (by_ra)
		run->use = *uses;
	else if (page && !same_use(uses, &run->use))
		return false;
	entry = vmmu_realmap_lookup(run->realmap, vmmu_ra_index(run->table));
	if (!entry)
		return false;
	run->words = vmmu_realmap_table(entry);
	return true;
}

/* Where in the table the entry of an element is. */
static u64 offset_of(const struct run *run, const struct vmmu_install_op *op)
{
	return op->va >> run->shift & run->mask;
}

/* The address that the entry at an offset translates. */
static struct vmmu_va va_of(const struct run *run, u64 offset)
{
	return vmmu_va(run->use.va.value |
		       offset / sizeof(u64) << VMMU_PAGE_SHIFT);
}

/* What storing @value establishes, if that is an ordinary case; else NONE. */
static enum vmmu_outcome classify(struct run *run, u64 value)
{
	struct vmmu_entry entry __uninitialized;
	u64 index;

	/* A page, as vmmu_format_decode() would tell; none is beyond real memory. */
	if (likely((value & run->test) == run->is)) {
		index = vmmu_ra_index(vmmu_ra(value & run->use.format->address));
		return vmmu_realmap_lookup_near(run->realmap, &run->near, index) ?
			       VMMU_OUTCOME_PAGE : VMMU_OUTCOME_NONE;
	}
	/* Zeroes are absent in every format. */
	if (!value || vmmu_format_decode(run->use.format, value, 1,
					 run->use.reserved,
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
	       (old | (new & run->use.format->marks)) != new &&
	       vmmu_format_decode(run->use.format, old, 1, run->use.reserved,
				  &entry) != VMMU_ENTRY_ABSENT;
}

static void note_undo(const struct run *run, const struct vmmu_install_op *op,
		      u64 offset, u64 old)
{
	struct vmmu_batch *batch = run->batch;

	batch->undo[batch->done + run->nr] = (struct vmmu_undo){
		.entry = vmmu_ra_add(run->table, offset),
		.old = old,
		.new = op->value,
		.va = vmmu_va(op->va),
		.level = op->level,
	};
}

/* Store one element; false: the run ends before it. */
static bool store(struct run *run, const struct vmmu_install_op *op,
		  u8 *outcome)
{
	u64 offset = offset_of(run, op), old, new = op->value;

	*outcome = classify(run, new);
	if (*outcome == VMMU_OUTCOME_NONE)
		return false;
	old = xchg((u64 *)(run->words + offset), new);
	if (run->undo)
		note_undo(run, op, offset, old);
	if (outdates(run, old, new)) {
		run->outdated[run->nr_outdated] = offset;
		run->old[run->nr_outdated++] = old;
	}
	run->nr++;
	return true;
}

/* The table was written to. */
static void mark_table(const struct run *run)
{
	const u64 touched = VMMU_REALMAP_ACCESSED | VMMU_REALMAP_DIRTY;
	u64 index = vmmu_ra_index(run->table);

	if ((vmmu_realmap_lookup(run->realmap, index) & touched) != touched)
		vmmu_realmap_mark(run->realmap, index, touched);
}

/* Tell everybody that entries have changed, and have zapped what was got by them. */
static void invalidate(struct run *run)
{
	struct vmmu_batch *batch = run->batch;

	vmmu_realmap_invalidate(run->realmap);
	/* Nobody else has moved it: that takes vm->lock. */
	batch->sequence = vmmu_realmap_sequence(run->realmap);
	for (unsigned int i = 0; i < run->nr_outdated; i++)
		vmmu_zap_page(&batch->zap, run->use.space,
			      va_of(run, run->outdated[i]), run->old[i]);
}

unsigned int vmmu_install_run(struct vmmu_batch *batch,
			      const struct vmmu_install_op *ops,
			      unsigned int nr, u8 *outcomes)
{
	const struct vmmu_format *format;
	struct run run __uninitialized;

	lockdep_assert_held_write(&batch->space->vm->lock);

	run.batch = batch;
	run.realmap = &batch->space->vm->realmap;
	if (!find_table(&run, ops[0].va))
		return 0;
	format = run.use.format;
	run.test = format->page_test | run.use.reserved;
	run.is = format->page_is;
	run.mask = (BIT_ULL(format->index_bits) - 1) * sizeof(u64);
	run.near = (struct vmmu_realmap_near)VMMU_REALMAP_NEAR_NONE;
	run.undo = batch->undo;
	run.nr = 0;
	run.nr_outdated = 0;
	nr = min(nr, VMMU_BATCH_STAGE);
	while (run.nr < nr) {
		const struct vmmu_install_op *op = &ops[run.nr];

		if ((op->level ^ run.level) | op->reserved ||
		    (op->va ^ run.here) & run.elsewhere ||
		    !store(&run, op, &outcomes[run.nr]))
			break;
	}
	if (!run.nr)
		return 0;
	mark_table(&run);
	if (run.nr_outdated)
		invalidate(&run);
	vmmu_count_add(run.use.space, VMMU_BY_HYPERCALL, run.nr);
	batch->done += run.nr;
	return run.nr;
}
