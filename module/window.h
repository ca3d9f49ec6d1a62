/* SPDX-License-Identifier: GPL-2.0 */
/* Windows: host mappings of a space, whose pages are the program's memory. */
#ifndef VMMU_WINDOW_H
#define VMMU_WINDOW_H

#include "ioctl.h"
#include "object.h"

struct vm_area_struct;

/*
 * Map a space at offset va. -EINVAL: private, or the range is not canonical or
 * crosses the hole; -EIO.
 */
int vmmu_window_mmap(struct vmmu_space *space, struct vm_area_struct *vma);

/*
 * Map pages that were just installed into the caller's own windows, as far as
 * that takes no waiting, no memory of ours, and no Accessed or Dirty bit that
 * the guest has not set. Caller holds no lock.
 */
void vmmu_window_prefill(struct vmmu_space *space,
			 const struct vmmu_install_op *ops, const u8 *outcomes,
			 unsigned int nr);

/* VMMU_IOC_FAULT on a space. */
long vmmu_window_explain_fault(struct vmmu_call *call);

/* VMMU_IOC_INVALIDATE on a space. */
long vmmu_window_invalidate(struct vmmu_call *call);

/* The space that a VMA is a window of; NULL: it is none. */
struct vmmu_space *vmmu_window_space(const struct vm_area_struct *vma);

/* The virtual address behind an address in a window. */
struct vmmu_va vmmu_window_va(const struct vm_area_struct *vma,
			      unsigned long address);

#endif /* VMMU_WINDOW_H */
