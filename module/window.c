// SPDX-License-Identifier: GPL-2.0
/*
 * Windows. A fault asks both levels, as a translation does, and inserts host
 * PTEs with the rights that they and the VMA grant; from then on the host's own
 * MMU translates. Faults take no lock of ours, but where page tables of TRAPPING
 * spaces are settled, or stored to: see object.h.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "emulate.h"
#include "fault.h"
#include "grant.h"
#include "memory.h"
#include "ptpage.h"
#include "settle.h"
#include "shadow.h"
#include "trace.h"
#include "translate.h"
#include "window.h"

/* Attempts before a fault lets others have mmap_lock, and comes back. */
#define MAX_ATTEMPTS	16

/* Pages that the second of two faults in a row maps, and the most. */
#define AROUND_FIRST	16
#define AROUND_MOST	PTRS_PER_PTE

static u32 access_of(const struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_INSTRUCTION)
		return VMMU_ACCESS_FETCH;
	return vmf->flags & FAULT_FLAG_WRITE ? VMMU_ACCESS_WRITE :
					       VMMU_ACCESS_READ;
}

struct vmmu_va vmmu_window_va(const struct vm_area_struct *vma,
			      unsigned long address)
{
	return vmmu_va(((u64)vma->vm_pgoff << PAGE_SHIFT) +
		       (address - vma->vm_start));
}

/* Pages from the fault's on that share its page-table page and its VMA. */
static unsigned int pages_ahead(const struct vm_fault *vmf)
{
	unsigned long end = pmd_addr_end(vmf->address, vmf->vma->vm_end);

	return (end - vmf->address) >> PAGE_SHIFT;
}

/*
 * How many pages to map: one, or more while faults go on where the last one
 * ended. The guess is the space's, and may be a mixture of two threads'.
 */
static unsigned int guess_around(const struct vm_fault *vmf,
				 struct vmmu_space *space)
{
	unsigned int around = READ_ONCE(space->around);

	if (READ_ONCE(space->next) != vmf->pgoff)
		return 1;
	return min3(around, (unsigned int)AROUND_MOST, pages_ahead(vmf));
}

/* Remember what came of it: @nr pages were tried, and @mapped were mapped. */
static void learn_around(const struct vm_fault *vmf, struct vmmu_space *space,
			 unsigned int nr, unsigned int mapped)
{
	unsigned int around = AROUND_FIRST;

	if (nr > 1)
		around = mapped > nr / 2 ? nr * 4 : 1;
	WRITE_ONCE(space->around, around);
	WRITE_ONCE(space->next, vmf->pgoff + max(mapped, 1U));
}

/* What a grant has if it allows an access. */
static u64 right_for(u32 access)
{
	if (access == VMMU_ACCESS_FETCH)
		return VMMU_GRANT_EXEC;
	return access == VMMU_ACCESS_WRITE ? VMMU_GRANT_WRITE : VMMU_GRANT_READ;
}

/*
 * Map the page of a fault, and others behind it, @nr at most, all as of @sequence.
 * Returns what vmmu_shadow_insert() does, of the first page; -ENOENT, and does
 * nothing, if that is not granted as it is.
 */
static int map_pages(struct vm_fault *vmf, struct vmmu_query *query,
		     u64 sequence, unsigned int nr)
{
	struct vmmu_space *space = query->space;
	struct vmmu_va va = vmmu_va((u64)vmf->pgoff << PAGE_SHIFT);
	unsigned int mapped = 0, known = 1, i, chunk;
	u64 grants[VMMU_GRANTS] __uninitialized;
	int err = 0;

	/* Nothing is looked at ahead of a page that is not granted itself. */
	vmmu_grant_pages(query, va, grants, known);
	if (!(grants[0] & right_for(query->access.access)))
		return -ENOENT;
	for (i = 0; i < nr; i += chunk) {
		unsigned int found = known;

		chunk = min(nr - i, VMMU_GRANTS);
		va = vmmu_va((vmf->pgoff + i + known) << PAGE_SHIFT);
		if (known < chunk)
			found += vmmu_grant_pages(query, va, grants + known,
						  chunk - known);
		known = 0;
		if (!found)
			break;
		err = vmmu_shadow_insert(vmf->vma, vmf->address + i * PAGE_SIZE,
					 vmf->pmd, space, sequence, grants,
					 chunk);
		if (err)
			break;
		mapped += found;
	}
	learn_around(vmf, space, nr, mapped);
	trace_vmmu_window_fault(space->vm->id, space->id,
				vmmu_window_va(vmf->vma, vmf->real_address).value,
				query->access.access, VMMU_REASON_NONE, mapped);
	return i ? 0 : err;
}

/* Whether this is a write to a page table, which may not be granted. */
static bool writes_table(const struct vmmu_query *query)
{
	return query->access.access == VMMU_ACCESS_WRITE &&
	       !(query->real_map_entry & VMMU_REALMAP_WRITABLE);
}

/*
 * Find out why the page is not granted as it is, and do something about it: set
 * Accessed and Dirty, provide a frame, open a page table. Returns 0 to map it then;
 * -EAGAIN, to make another attempt; or *@ret holds the answer, and -ENOENT.
 */
static int make_ready(struct vm_fault *vmf, struct vmmu_query *query,
		      bool *opened, vm_fault_t *ret)
{
	struct vmmu_translation answer;
	int err;

	err = vmmu_translate_once(query, vmmu_window_va(vmf->vma, vmf->real_address),
				  &answer);
	if (err)
		return err;
	if (!(answer.flags & VMMU_TRANSLATED)) {
		*ret = vmmu_fault_deliver(vmf, query, &answer);
		return -ENOENT;
	}
	if (PageHWPoison(vmmu_realmap_page(query->real_map_entry))) {
		*ret = VM_FAULT_HWPOISON;
		return -ENOENT;
	}
	if (writes_table(query)) {
		*ret = vmmu_emulate_store(vmf, query->space->vm,
					  vmmu_ra(answer.ra), query);
		*opened = !*ret;
		return *ret ? -ENOENT : -EAGAIN;
	}
	return 0;
}

/*
 * One attempt: -EAGAIN, to make another, or *@ret holds the answer. Whatever
 * the answer depends on is read after the sequence. Page tables are settled
 * before, but not when the fault has opened one for its own sake: *@opened. It
 * could not get there otherwise, if its own address is translated by that.
 */
static int attempt(struct vm_fault *vmf, struct vmmu_space *space,
		   bool *opened, vm_fault_t *ret)
{
	struct vmmu_query query __uninitialized;
	unsigned int nr;
	u64 sequence;
	int err;

	*ret = VM_FAULT_SIGBUS;
	if (READ_ONCE(space->vm->dead))
		return -EIO;
	err = *opened ? 0 : vmmu_settle(space);
	if (err)
		return err;
	sequence = vmmu_realmap_sequence(&space->vm->realmap);
	if (*opened)
		vmmu_ptpage_leak(space->vm);
	else if (vmmu_unsettled(space))
		return -EAGAIN;
	vmmu_grant_query_init(&query, space, access_of(vmf),
			      VMMU_TRANSLATE_SET_AD | VMMU_TRANSLATE_PROVIDE);
	/* No more than it takes is mapped through a table that is open. */
	nr = *opened ? 1 : guess_around(vmf, space);
	err = map_pages(vmf, &query, sequence, nr);
	if (err == -ENOENT) {
		err = make_ready(vmf, &query, opened, ret);
		if (!err)
			err = map_pages(vmf, &query, sequence, nr);
		else if (err == -ENOENT)
			return 0;
	} else {
		vmmu_count(space, VMMU_WALKS);
	}
	/* What is not granted by now has changed meanwhile. */
	if (!err || err == -ENOENT) {
		*ret = VM_FAULT_NOPAGE;
		return 0;
	}
	if (err == -ESTALE) {
		vmmu_shadow_zap_stale(vmf->vma, vmf->address);
		return -EAGAIN;
	}
	return err;
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct vmmu_payer payer = vmmu_payer_begin(vmf->vma->vm_mm);
	struct vmmu_space *space = vmf->vma->vm_private_data;
	bool opened = false;
	vm_fault_t ret;
	int err;

	vmmu_count(space, VMMU_FAULTS);
	for (unsigned int i = 0; i < MAX_ATTEMPTS; i++) {
		err = attempt(vmf, space, &opened, &ret);
		if (err != -EAGAIN || fatal_signal_pending(current))
			break;
		cond_resched();
	}
	vmmu_payer_end(payer);
	if (err != -EAGAIN && err != -EINTR)
		return ret;
	/* The kernel's own access would come again at once, killed or not. */
	if (fatal_signal_pending(current) && !(vmf->flags & FAULT_FLAG_USER))
		return VM_FAULT_SIGBUS;
	return VM_FAULT_NOPAGE;
}

/* With this operation 6.12 runs faults under the VMA's lock alone. */
static vm_fault_t window_map_pages(struct vm_fault *vmf, pgoff_t start,
				   pgoff_t end)
{
	return 0;
}

/*
 * The core is about to rewrite the PTEs' rights, and knows nothing of those
 * that the guest withholds. Faults must not bring PTEs back in between.
 */
static int window_mprotect(struct vm_area_struct *vma, unsigned long start,
			   unsigned long end, unsigned long newflags)
{
	vma_start_write(vma);
	zap_vma_ptes(vma, start, end - start);
	return 0;
}

/*
 * For ptrace() and /proc/PID/mem, by the rights of the guest's program. What
 * lies behind the window's end is another mapping's.
 */
static int window_access(struct vm_area_struct *vma, unsigned long address,
			 void *buffer, int bytes, int write)
{
	if (write && !(vma->vm_flags & VM_WRITE))
		return -EFAULT;
	bytes = min_t(unsigned long, bytes, vma->vm_end - address);
	return vmmu_memory_copy(vma->vm_private_data, vmmu_window_va(vma, address),
				buffer, bytes, write);
}

static const struct vm_operations_struct window_vm_ops = {
	.fault = window_fault,
	.map_pages = window_map_pages,
	.pfn_mkwrite = window_fault,
	.mprotect = window_mprotect,
	.access = window_access,
};

int vmmu_window_mmap(struct vmmu_space *space, struct vm_area_struct *vma)
{
	u64 first = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 last = first + (vma->vm_end - vma->vm_start) - 1;

	if (READ_ONCE(space->vm->dead))
		return -EIO;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (last < first || !vmmu_format_canonical(space->format, vmmu_va(first)) ||
	    !vmmu_format_canonical(space->format, vmmu_va(last)) ||
	    (s64)(first ^ last) < 0)
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = space;
	vma->vm_ops = &window_vm_ops;
	return 0;
}

struct vmmu_space *vmmu_window_space(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &window_vm_ops ? vma->vm_private_data : NULL;
}
