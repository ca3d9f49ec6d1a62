/* SPDX-License-Identifier: GPL-2.0 */
/* Real memory, as its owner uses it: mapped, populated, discarded. */
#ifndef VMMU_REALMEM_H
#define VMMU_REALMEM_H

#include "object.h"

struct vm_area_struct;

/* Map real memory at offset ra. -EINVAL: private, or beyond its end. */
int vmmu_realmem_mmap(struct vmmu_vm *vm, struct vm_area_struct *vma);

/*
 * Give a frame to each of the real pages from @first to @end, exclusive. @done
 * counts pages. Returns -ENOMEM, or -EINTR after a fatal signal.
 */
int vmmu_realmem_populate(struct vmmu_vm *vm, u64 first, u64 end, u64 *done);

/*
 * Take the frames of these pages away: no host PTE refers to them on return.
 * Returns -EINTR after a fatal signal, -EIO when the VM is found dead.
 */
int vmmu_realmem_discard(struct vmmu_vm *vm, u64 first, u64 end, u64 *done);

/* Address-space operations of a VM's inode, whose pages the frames are. */
extern const struct address_space_operations vmmu_realmem_aops;

#endif /* VMMU_REALMEM_H */
