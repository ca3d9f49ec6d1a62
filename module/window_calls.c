// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to windows from outside of their faults: invalidation, telling
 * about a fault or about a store to a page table that was denied, and mapping at
 * once what was just installed.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "emulate_ask.h"
#include "fault.h"
#include "grant.h"
#include "settle.h"
#include "shadow.h"
#include "window.h"

/* Windows of a space that are looked at to find the caller's. */
#define FIND_BUDGET	64

long vmmu_window_invalidate(struct vmmu_call *call)
{
	struct vmmu_space *space = call->file->private_data;
	struct vmmu_invalidate *args = call->arg;
	struct vmmu_va first = vmmu_va(args->va);
	struct vmmu_va last = vmmu_va(args->va + args->bytes - 1);
	struct vmmu_vm *vm = space->vm;
	int err;

	if (args->flags & ~VMMU_INVALIDATE_ALL)
		return -EOPNOTSUPP;
	if (args->flags & VMMU_INVALIDATE_ALL) {
		if (args->va || args->bytes)
			return -EINVAL;
		err = vmmu_settle(space);
		if (err)
			return err;
		down_write(&vm->lock);
		vmmu_zap_space(space);
		up_write(&vm->lock);
		return 0;
	}
	if (!args->bytes || last.value < first.value ||
	    !vmmu_format_canonical(space->format, first) ||
	    !vmmu_format_canonical(space->format, last))
		return -EINVAL;
	err = vmmu_settle(space);
	if (err)
		return err;
	down_write(&vm->lock);
	vmmu_realmap_invalidate(&vm->realmap);
	vmmu_zap_range(space, first, last);
	up_write(&vm->lock);
	return 0;
}

/* Where @address is in a window of the space: -ENOENT if it is in none. */
static int find_va(struct vmmu_space *space, unsigned long address,
		   struct vmmu_va *va)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int err = -ENOENT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, address);
	if (vma && vma->vm_start <= address &&
	    vmmu_window_space(vma) == space) {
		*va = vmmu_window_va(vma, address);
		err = 0;
	}
	mmap_read_unlock(mm);
	return err;
}

/* Whether the thread's store there was one to a page table, and was denied. */
static bool recall_denied(struct vmmu_vm *vm, struct vmmu_fault *args)
{
	u64 entry;
	u8 level;

	if (args->access != VMMU_ACCESS_WRITE ||
	    !vmmu_asker_recall(vm, args->address, &entry, &level))
		return false;
	args->recorded = 1;
	args->va = entry;
	args->result = (struct vmmu_translation){
		.reason = VMMU_REASON_DENIED,
		.level = level,
	};
	return true;
}

long vmmu_window_explain_fault(struct vmmu_call *call)
{
	struct vmmu_space *space = call->file->private_data;
	struct vmmu_fault *args = call->arg;
	struct vmmu_query query;
	struct vmmu_va va;
	int err;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->access > VMMU_ACCESS_FETCH)
		return -EINVAL;
	if (recall_denied(space->vm, args))
		return 0;
	err = find_va(space, args->address, &va);
	if (err)
		return err;
	args->va = va.value;
	args->recorded = vmmu_fault_recall(space, va, args->access,
					   &args->result);
	if (args->recorded)
		return 0;
	err = vmmu_settle_for(space, &args->result);
	if (err)
		return err;
	vmmu_grant_query_init(&query, space, args->access, 0);
	query.frames_shown = vmmu_vm_frames_shown(space->vm);
	return vmmu_translate(&query, va, &args->result);
}

/*
 * A window of the caller's that shows @page, or NULL. It stays, since the
 * caller holds mmap_lock; but one that is not in the address space any more
 * does not, though the inode still has it: munmap() lets others have the lock
 * for reading while it takes apart what it has removed.
 */
static struct vm_area_struct *find_window(struct vmmu_space *space, u64 page)
{
	struct address_space *mapping = space->mapping;
	unsigned int budget = FIND_BUDGET;
	struct vm_area_struct *found = NULL;
	struct rb_node *node;

	mmap_assert_locked(current->mm);

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node && budget--;
	     node = rb_next(node)) {
		struct vm_area_struct *vma =
			rb_entry(node, struct vm_area_struct, shared.rb);

		if (vma->vm_mm == current->mm && vma->vm_pgoff <= page &&
		    page - vma->vm_pgoff < vma_pages(vma) &&
		    find_vma(current->mm, vma->vm_start) == vma) {
			found = vma;
			break;
		}
	}
	i_mmap_unlock_read(mapping);
	return found;
}

/* Installs of consecutive 4 KiB pages, from the first one on. */
static unsigned int run_length(const struct vmmu_install_op *ops,
			       const u8 *outcomes, unsigned int nr)
{
	u64 page = ops[0].va >> PAGE_SHIFT;
	unsigned int i;

	for (i = 0; i < nr; i++, page++)
		if (outcomes[i] != VMMU_OUTCOME_PAGE || ops[i].level != 1 ||
		    ops[i].va >> PAGE_SHIFT != page)
			break;
	return i;
}

/* Map as many of @nr pages as one page-table page of one window covers. */
static unsigned int prefill_run(struct vmmu_query *query, u64 sequence,
				u64 page, unsigned int nr)
{
	struct vm_area_struct *vma = find_window(query->space, page);
	u64 grants[VMMU_GRANTS] __uninitialized;
	unsigned long address, end;
	unsigned int found;

	if (!vma)
		return nr;
	address = vma->vm_start + ((page - vma->vm_pgoff) << PAGE_SHIFT);
	end = pmd_addr_end(address, vma->vm_end);
	nr = min3(nr, VMMU_GRANTS, (unsigned int)((end - address) >> PAGE_SHIFT));
	if (!(vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC)))
		return nr;
	found = vmmu_grant_pages(query, vmmu_va(page << PAGE_SHIFT), grants, nr);
	if (found && !vmmu_shadow_insert(vma, address, NULL, query->space,
					 sequence, grants, nr))
		vmmu_count_add(query->space, VMMU_PREFILLS, found);
	return nr;
}

void vmmu_window_prefill(struct vmmu_space *space,
			 const struct vmmu_install_op *ops, const u8 *outcomes,
			 unsigned int nr)
{
	u64 sequence = vmmu_realmap_sequence(&space->vm->realmap);
	struct vmmu_query query __uninitialized;
	struct mm_struct *mm = current->mm;
	unsigned int i = 0;

	if (!mapping_mapped(space->mapping) || vmmu_unsettled(space) ||
	    !mmap_read_trylock(mm))
		return;
	vmmu_grant_query_init(&query, space, VMMU_ACCESS_READ, 0);
	while (i < nr) {
		unsigned int run;

		if (outcomes[i] != VMMU_OUTCOME_PAGE) {
			i++;
			continue;
		}
		run = run_length(ops + i, outcomes + i, nr - i);
		i += run ? prefill_run(&query, sequence,
				       ops[i].va >> PAGE_SHIFT, run) : 1;
	}
	mmap_read_unlock(mm);
}
