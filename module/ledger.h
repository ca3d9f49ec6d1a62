/* SPDX-License-Identifier: GPL-2.0 */
/* Ledgers: what VMs and spaces have been through. */
#ifndef VMMU_LEDGER_H
#define VMMU_LEDGER_H

#include "object.h"

struct seq_file;

/* VMMU_IOC_LEDGER on a VM and on a space. */
long vmmu_ledger_of_vm(struct vmmu_vm *vm, struct vmmu_ledger *ledger);
long vmmu_ledger_of_space(struct vmmu_space *space, struct vmmu_ledger *ledger);

/* How often something was, of all spaces that a VM ever had. Takes vm->lock. */
u64 vmmu_ledger_count(struct vmmu_vm *vm, enum vmmu_count what);

/* A space ends: its VM keeps what it counted. Caller holds vm->lock. */
void vmmu_ledger_retire(struct vmmu_space *space);

/* For fdinfo. */
void vmmu_ledger_show_vm(struct seq_file *m, struct vmmu_vm *vm);
void vmmu_ledger_show_space(struct seq_file *m, struct vmmu_space *space);

#endif /* VMMU_LEDGER_H */
