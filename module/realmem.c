// SPDX-License-Identifier: GPL-2.0
/*
 * Real memory: ordinary refcounted pages of the VM's inode.
 *
 * A fault takes a frame out of the real map table under RCU, locks it, and
 * looks again: a frame that is still in the table while its page lock is held
 * stays there until the lock is dropped, so the core maps it under that lock.
 * A discard goes the other way round: it empties the entry, takes and drops
 * the page lock, so that every fault that saw the entry has mapped its page,
 * and only then removes the mappings.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "emulate.h"
#include "install.h"
#include "realmem.h"

/* Pages that a discard gathers before it removes their mappings together. */
#define DISCARD_BATCH	64

const struct address_space_operations vmmu_realmem_aops = {
	.dirty_folio = noop_dirty_folio,
};

/* Under the page lock: is @page still the frame of @index? */
static bool still_frame(struct vmmu_realmap *realmap, u64 index,
			struct page *page)
{
	u64 entry;

	rcu_read_lock();
	entry = vmmu_realmap_lookup(realmap, index);
	rcu_read_unlock();
	return entry && vmmu_realmap_page(entry) == page;
}

static int provide_for(struct vm_fault *vmf, struct vmmu_realmap *realmap)
{
	struct vmmu_payer payer = vmmu_payer_begin(vmf->vma->vm_mm);
	int err = vmmu_realmap_provide(realmap, vmf->pgoff);

	vmmu_payer_end(payer);
	return err;
}

static vm_fault_t realmem_fault(struct vm_fault *vmf)
{
	struct vmmu_vm *vm = vmf->vma->vm_private_data;
	struct vmmu_realmap *realmap = &vm->realmap;

	/* Each further round means that a discard came in between. */
	while (!fatal_signal_pending(current)) {
		struct page *page = vmmu_realmap_get(realmap, vmf->pgoff);

		if (!page) {
			if (provide_for(vmf, realmap))
				return VM_FAULT_SIGBUS;
			continue;
		}
		lock_page(page);
		if (!still_frame(realmap, vmf->pgoff, page)) {
			unlock_page(page);
			put_page(page);
			cond_resched();
			continue;
		}
		if (PageHWPoison(page)) {
			unlock_page(page);
			put_page(page);
			return VM_FAULT_HWPOISON;
		}
		vmmu_realmap_mark(realmap, vmf->pgoff, VMMU_REALMAP_ACCESSED);
		vmf->page = page;
		return VM_FAULT_LOCKED;
	}
	return VM_FAULT_SIGBUS;
}

/*
 * Whether a writable PTE may be granted: looked at under the page lock. -ENOENT:
 * @page is not the frame of @index any more; -EPERM: it is a page table.
 */
static int grant_write(struct vmmu_realmap *realmap, u64 index,
		       struct page *page)
{
	u64 entry;

	rcu_read_lock();
	entry = vmmu_realmap_lookup(realmap, index);
	rcu_read_unlock();
	if (!entry || vmmu_realmap_page(entry) != page)
		return -ENOENT;
	if (!(entry & VMMU_REALMAP_WRITABLE))
		return -EPERM;
	vmmu_realmap_mark(realmap, index, VMMU_REALMAP_DIRTY);
	return 0;
}

/*
 * The first write through a PTE comes here, and each one to a page table.
 * mprotect() may make a dirty PTE writable again without us, so who protects a
 * page makes its PTEs clean.
 */
static vm_fault_t realmem_page_mkwrite(struct vm_fault *vmf)
{
	struct vmmu_vm *vm = vmf->vma->vm_private_data;
	struct vmmu_ra ra = vmmu_ra_add(vmmu_ra_of_index(vmf->pgoff),
					offset_in_page(vmf->real_address));
	struct vmmu_payer payer;
	vm_fault_t ret;
	int err;

	/* Each further round means that an open page was closed in between. */
	do {
		lock_page(vmf->page);
		err = grant_write(&vm->realmap, vmf->pgoff, vmf->page);
		if (!err)
			return VM_FAULT_LOCKED;
		unlock_page(vmf->page);
		if (err == -ENOENT)
			return VM_FAULT_NOPAGE;
		payer = vmmu_payer_begin(vmf->vma->vm_mm);
		ret = vmmu_emulate_store(vmf, vm, ra, NULL);
		vmmu_payer_end(payer);
		if (ret)
			return ret;
		cond_resched();
	} while (!fatal_signal_pending(current));
	return VM_FAULT_SIGBUS;
}

/* With this operation 6.12 runs faults under the VMA's lock alone. */
static vm_fault_t realmem_map_pages(struct vm_fault *vmf, pgoff_t start,
				    pgoff_t end)
{
	return 0;
}

static const struct vm_operations_struct realmem_vm_ops = {
	.fault = realmem_fault,
	.map_pages = realmem_map_pages,
	.page_mkwrite = realmem_page_mkwrite,
};

int vmmu_realmem_mmap(struct vmmu_vm *vm, struct vm_area_struct *vma)
{
	u64 nr_pages = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= vm->realmap.nr_pages ||
	    nr_pages > vm->realmap.nr_pages - vma->vm_pgoff)
		return -EINVAL;
	/*
	 * A core dump would give every page a frame. Pages of mappings that can't
	 * grow are not mlocked, either: that would hold each of them for a while,
	 * and a page table that somebody holds is not protected.
	 */
	vm_flags_set(vma, VM_DONTDUMP | VM_DONTEXPAND);
	vma->vm_private_data = vm;
	vma->vm_ops = &realmem_vm_ops;
	return 0;
}

int vmmu_realmem_populate(struct vmmu_vm *vm, u64 first, u64 end, u64 *done)
{
	for (u64 index = first; index < end; index++) {
		int err = vmmu_realmap_provide(&vm->realmap, index);

		if (err)
			return err;
		(*done)++;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* A page table is about to be gone: as if each of its entries became zero. */
static void clear_table(struct vmmu_vm *vm, u64 index)
{
	struct vmmu_ra entry = vmmu_ra_of_index(index);
	struct vmmu_change change = { };
	enum vmmu_outcome outcome;
	struct vmmu_zap zap = { };

	for (; vmmu_ra_index(entry) == index;
	     entry = vmmu_ra_add(entry, sizeof(u64))) {
		int err;

		do {
			vmmu_word_load(&vm->realmap, entry, &change.old);
			if (!change.old)
				break;
			vmmu_change_init(&change, vm, entry,
					 VMMU_CAUSE_DISCARD, NULL);
			err = vmmu_install(vm, &change, &zap, &outcome);
			cond_resched();
		} while (err == -EAGAIN);
	}
	vmmu_zap_flush(&zap);
}

/*
 * Gather frames of up to DISCARD_BATCH pages from *@index on, or up to a page
 * table, which takes long. Returns how many were taken; *@index is where to go on.
 */
static unsigned int take_frames(struct vmmu_vm *vm, u64 *index, u64 end,
				struct page **pages)
{
	unsigned int nr = 0;
	bool table = false;

	lockdep_assert_held_write(&vm->lock);

	while (nr < DISCARD_BATCH && *index < end && !table) {
		struct page *page;
		u64 entry;

		rcu_read_lock();
		entry = vmmu_realmap_next(&vm->realmap, index, end - 1);
		rcu_read_unlock();
		if (!entry)
			break;
		table = entry & VMMU_REALMAP_TABLE;
		if (table)
			clear_table(vm, *index);
		page = vmmu_realmap_clear(&vm->realmap, *index);
		if (page)
			pages[nr++] = page;
		/* An open table can be stored to, and walked, until here. */
		vmmu_ptpage_wipe(vm, (*index)++);
	}
	return nr;
}

/* Remove every trace of frames that are out of the table. */
static void release_frames(struct vmmu_vm *vm, struct page **pages,
			   unsigned int nr)
{
	struct vmmu_frame_batch batch = { };
	struct vmmu_zap zap = { };
	u64 first = pages[0]->index;
	u64 last = pages[nr - 1]->index;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < nr; i++) {
		lock_page(pages[i]);
		unlock_page(pages[i]);
	}
	unmap_mapping_pages(vm->realmap.mapping, first, last - first + 1,
			    false);
	for (unsigned int i = 0; i < nr; i++)
		vmmu_zap_frame(&zap, vm, pages[i]);
	vmmu_zap_flush(&zap);
	for (unsigned int i = 0; i < nr; i++) {
		lock_page(pages[i]);
		if (pages[i]->mapping != vm->realmap.mapping)
			vmmu_vm_kill(vm, "a frame belongs to somebody else");
		pages[i]->mapping = NULL;
		unlock_page(pages[i]);
		vmmu_frame_batch_add(&vm->account, &batch, pages[i]);
	}
	vmmu_frame_batch_free(&vm->account, &batch);
}

int vmmu_realmem_discard(struct vmmu_vm *vm, u64 first, u64 end, u64 *done)
{
	struct page *pages[DISCARD_BATCH];
	u64 index = first;

	while (index < end) {
		unsigned int nr;

		down_write(&vm->lock);
		nr = take_frames(vm, &index, end, pages);
		if (nr)
			release_frames(vm, pages, nr);
		up_write(&vm->lock);
		vmmu_ptpage_reap(vm);

		*done = index - first;
		cond_resched();
		if (READ_ONCE(vm->dead))
			return -EIO;
		if (index < end && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}
