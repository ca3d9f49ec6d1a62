/* SPDX-License-Identifier: GPL-2.0 */
/* Trapped stores: a write to a page table is made as an install. */
#ifndef VMMU_EMULATE_H
#define VMMU_EMULATE_H

#include "translate.h"

struct vm_fault;

/*
 * A write to a protected page table, in a fault that may sleep and holds no lock
 * of ours. The instruction is executed here, and stepped over, if it is a user's
 * and known; otherwise the page is opened. @ra is where the write goes. If it was
 * found by a walk, @query is what found it. Returns what the fault returns; 0: the
 * page is open, and the host PTE is to be granted.
 */
vm_fault_t vmmu_emulate_store(struct vm_fault *vmf, struct vmmu_vm *vm,
			      struct vmmu_ra ra, const struct vmmu_query *query);

#endif /* VMMU_EMULATE_H */
