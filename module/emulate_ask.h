/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trapped stores that a monitor is asked about. Nobody may wait in a fault: the
 * thread gets task work, asks there, and makes its store again; the fault then
 * finds the answer.
 */
#ifndef VMMU_EMULATE_ASK_H
#define VMMU_EMULATE_ASK_H

#include "install.h"

struct vmmu_asker;

/*
 * See what a monitor has said of a change that the calling thread is about to make
 * at @address of its memory; it may have named another value, and the answer is
 * forgotten then. 0: go on. -EINPROGRESS: it is to be asked; -ENODATA: likewise, and
 * *@asker is to be allocated first. Caller holds vm->lock.
 */
int vmmu_asker_consult(struct vmmu_asker **asker, struct vmmu_vm *vm,
		       unsigned long address, struct vmmu_change *change);

/* -ENOMEM. */
int vmmu_asker_alloc(struct vmmu_asker **asker);
void vmmu_asker_free(struct vmmu_asker *asker);

/* Have the calling thread ask before it is in user mode again. */
void vmmu_asker_start(struct vmmu_asker *asker, struct vmmu_vm *vm,
		      unsigned long address);

/*
 * Whether it is about to: then what it does now is the kernel's own access, which
 * can't wait for that.
 */
bool vmmu_asker_pending(void);

/* Forget what was allowed, but not done yet: others may be asked now. */
void vmmu_asker_forget(struct vmmu_vm *vm);

/*
 * Why a store of the calling thread at @address was denied: the entry's real address
 * and level, and forget it. False: it was not.
 */
bool vmmu_asker_recall(struct vmmu_vm *vm, unsigned long address, u64 *entry,
		       u8 *level);

#endif /* VMMU_EMULATE_ASK_H */
