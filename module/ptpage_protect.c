// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, how they are protected: see ptpage.h.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

#include "ptpage.h"

/* Pinned pages that are looked at in one go. */
#define LOOK_AT		16

/* The frame, which stays: who takes it away holds vm->lock. NULL: none. */
static struct page *frame_of(struct vmmu_vm *vm, u64 index)
{
	u64 entry = vmmu_realmap_lookup(&vm->realmap, index);

	lockdep_assert_held_write(&vm->lock);

	return entry ? vmmu_realmap_page(entry) : NULL;
}

/*
 * Whether somebody has a reference that is neither ours nor a mapping's. The
 * count is read first: what is unmapped in between looks like one that is held.
 */
static bool held(struct page *page)
{
	int count = page_count(page);

	smp_rmb(); /* the count first: see above */
	/* Mappings of a single page, less one. */
	return count - atomic_read(&page->_mapcount) - 2 > 0;
}

static void unlist(struct vmmu_ptpages *ptpages, struct vmmu_ptpage *page)
{
	if (list_empty(&page->link))
		return;
	list_del_init(&page->link);
	if (page->pinned)
		WRITE_ONCE(ptpages->nr_pinned, ptpages->nr_pinned - 1);
	else
		WRITE_ONCE(ptpages->nr_open, ptpages->nr_open - 1);
}

/* The page is an open one from now on, or a pinned one. */
static void enlist(struct vmmu_ptpages *ptpages, struct vmmu_ptpage *page,
		   bool pinned)
{
	unlist(ptpages, page);
	page->pinned = pinned;
	if (pinned) {
		list_add_tail(&page->link, &ptpages->pinned);
		WRITE_ONCE(ptpages->nr_pinned, ptpages->nr_pinned + 1);
	} else {
		list_add_tail(&page->link, &ptpages->open);
		WRITE_ONCE(ptpages->nr_open, ptpages->nr_open + 1);
	}
}

/* Take write access from everybody who has it by a host PTE. */
static bool protect_frame(struct vmmu_vm *vm, struct page *frame)
{
	struct vmmu_zap zap = { };
	bool ret;

	vmmu_zap_frame(&zap, vm, frame);
	vmmu_zap_flush(&zap);
	lock_page(frame);
	folio_mkclean(page_folio(frame));
	ret = !held(frame);
	unlock_page(frame);
	return ret;
}

bool vmmu_ptpage_protect(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	struct page *frame;

	lockdep_assert_held_write(&vm->lock);

	vmmu_realmap_set_state(&vm->realmap, page->index, VMMU_REALMAP_TABLE);
	/* A frame that comes only now has never been writable. */
	frame = frame_of(vm, page->index);
	if (!frame)
		return true;
	vmmu_realmap_invalidate(&vm->realmap);
	if (protect_frame(vm, frame))
		return true;
	vmmu_realmap_set_state(&vm->realmap, page->index,
			       VMMU_REALMAP_TABLE | VMMU_REALMAP_WRITABLE);
	if (list_empty(&page->link))
		enlist(&vm->ptpages, page, false);
	/* Faults that saw no open page must not have got through this one. */
	vmmu_realmap_invalidate(&vm->realmap);
	return false;
}

void vmmu_ptpage_pin(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	lockdep_assert_held_write(&vm->lock);

	page->leaks = true;
	enlist(&vm->ptpages, page, true);
}

/* Have all zapped that windows may have got through a table. */
static void zap_below(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	struct vmmu_use uses[VMMU_MAX_USES];
	struct vmmu_zap zap = { };
	unsigned int nr = vmmu_ptpage_uses(vm, vmmu_ra_of_index(page->index),
					   uses);

	vmmu_realmap_invalidate(&vm->realmap);
	for (unsigned int i = 0; i < nr; i++) {
		if (uses[i].space)
			vmmu_zap_table(&zap, uses[i].space, uses[i].va,
				       uses[i].level);
		else
			vmmu_zap_vm(&zap, vm);
	}
	vmmu_zap_flush(&zap);
}

/*
 * Let everybody store to a table, once what windows have got through it is zapped:
 * who can store there needs no lock of ours, and expects that to be in force.
 */
static void make_writable(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	if (list_empty(&page->link))
		enlist(&vm->ptpages, page, false);
	zap_below(vm, page);
	vmmu_realmap_set_state(&vm->realmap, page->index,
			       VMMU_REALMAP_TABLE | VMMU_REALMAP_WRITABLE);
}

static void take_snapshot(struct vmmu_vm *vm, struct vmmu_ptpage *page,
			  u64 *snapshot)
{
	for (unsigned int i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		snapshot[i] = vmmu_ptpage_established(vm, page, i);
	page->snapshot = snapshot;
}

int vmmu_ptpage_open(struct vmmu_vm *vm, u64 index)
{
	u64 *snapshot = vmmu_table_alloc(&vm->account);
	struct vmmu_ptpage *page;

	if (!snapshot)
		return -ENOMEM;
	down_write(&vm->lock);
	page = vmmu_ptpage_find(vm, index);
	if (page && !page->pinned && frame_of(vm, index)) {
		if (!page->snapshot && !page->unknown) {
			take_snapshot(vm, page, snapshot);
			snapshot = NULL;
		}
		if (list_empty(&page->link))
			vmmu_ptpage_count(vm, index, VMMU_OPENS);
		make_writable(vm, page);
	}
	up_write(&vm->lock);
	if (snapshot)
		vmmu_table_free(&vm->account, snapshot);
	return 0;
}

void vmmu_ptpage_leak(struct vmmu_vm *vm)
{
	struct vmmu_ptpage *page;

	down_write(&vm->lock);
	list_for_each_entry(page, &vm->ptpages.open, link)
		page->leaks = true;
	up_write(&vm->lock);
}

static void drop_snapshot(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	if (page->snapshot)
		vmmu_table_free(&vm->account, page->snapshot);
	page->snapshot = NULL;
}

void vmmu_ptpage_lose(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	lockdep_assert_held_write(&vm->lock);

	drop_snapshot(vm, page);
	page->unknown = true;
	make_writable(vm, page);
}

void vmmu_ptpage_close(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	lockdep_assert_held_write(&vm->lock);

	unlist(&vm->ptpages, page);
	page->pinned = false;
	page->unknown = false;
	drop_snapshot(vm, page);
	if (page->leaks)
		zap_below(vm, page);
	page->leaks = false;
}

void vmmu_ptpage_unpin(struct vmmu_vm *vm)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;
	unsigned int nr = min(ptpages->nr_pinned, LOOK_AT);

	lockdep_assert_held_write(&vm->lock);

	while (nr--) {
		struct vmmu_ptpage *page =
			list_first_entry(&ptpages->pinned, struct vmmu_ptpage,
					 link);
		struct page *frame = frame_of(vm, page->index);

		enlist(ptpages, page, frame && held(frame));
	}
}
