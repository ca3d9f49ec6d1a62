/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The audit: is every host PTE of every window granted by both levels, and is every
 * page table of TRAPPING spaces known, and protected from stores?
 */
#ifndef VMMU_AUDIT_H
#define VMMU_AUDIT_H

#include "object.h"

/* VMMU_IOC_AUDIT on a VM. */
long vmmu_audit(struct vmmu_vm *vm, struct vmmu_audit *args);

#endif /* VMMU_AUDIT_H */
