// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, counted again: every table that a root or a table refers to
 * must be known, with exactly as many parents as there are, and protected.
 */
#include <linux/sched/signal.h>

#include "ptpage.h"

static void count_roots(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	bool top = use->level == use->format->levels;
	struct vmmu_space *space;
	unsigned long nr = 0;

	list_for_each_entry(space, &vm->spaces, link) {
		if (!top)
			break;
		nr += vmmu_space_traps(space) && space->format == use->format &&
		      vmmu_ra_index(vmmu_ra(space->root)) == use->page->index;
	}
	use->seen_roots = nr;
	use->seen_parents = nr ? 1 : 0;
	use->seen_parent = nr ? VMMU_PTPAGE_ROOT : 0;
}

/* Count what a table's entries refer to. Returns whether all of that is known. */
static bool count_entries(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	bool known = true;

	for (unsigned int i = 0; i < use->scanned; i++) {
		struct vmmu_ptuse *child;

		if (!vmmu_ptpage_child(vm, use, i, &child))
			continue;
		if (!child) {
			known = false;
			continue;
		}
		child->seen_parents++;
		child->seen_parent ^= vmmu_ra_of_index(use->page->index).value +
				      i * sizeof(u64);
	}
	return known;
}

static bool as_counted(const struct vmmu_ptuse *use)
{
	return use->parents == use->seen_parents &&
	       use->parent == use->seen_parent &&
	       use->roots == use->seen_roots &&
	       (use->parents || use->holds || !list_empty(&use->todo));
}

/* A page that is not open is a table that can't be written. */
static bool protected(struct vmmu_vm *vm, const struct vmmu_ptpage *page)
{
	u64 entry = vmmu_realmap_lookup(&vm->realmap, page->index);

	if (!entry)
		return true;
	return entry & VMMU_REALMAP_TABLE &&
	       (!list_empty(&page->link) || !(entry & VMMU_REALMAP_WRITABLE));
}

/* The first pass: what refers to a table from outside of all tables. */
static bool begin(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	struct vmmu_ptuse *use;

	list_for_each_entry(use, &page->uses, link)
		count_roots(vm, use);
	return true;
}

/* The second one: what this page's entries refer to. Returns whether it is right. */
static bool count(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	bool right = protected(vm, page);
	struct vmmu_ptuse *use;

	list_for_each_entry(use, &page->uses, link)
		right &= count_entries(vm, use);
	return right;
}

/* The last one: whether that is known of the page. */
static bool compare(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	bool right = true;
	struct vmmu_ptuse *use;

	list_for_each_entry(use, &page->uses, link)
		right &= as_counted(use);
	return right;
}

unsigned long vmmu_ptpage_audit(struct vmmu_vm *vm, u64 *first_wrong)
{
	static bool (*const passes[])(struct vmmu_vm *, struct vmmu_ptpage *) = {
		begin, count, compare,
	};
	unsigned long index, nr, wrong = 0;
	struct vmmu_ptpage *page;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < ARRAY_SIZE(passes); i++) {
		nr = 0;
		xa_for_each(&vm->ptpages.pages, index, page) {
			if (!passes[i](vm, page) && !wrong++)
				*first_wrong = index;
			nr++;
			cond_resched();
			if (fatal_signal_pending(current))
				return 0;
		}
	}
	if (nr != vm->ptpages.nr && !wrong++)
		*first_wrong = 0;
	return wrong;
}
