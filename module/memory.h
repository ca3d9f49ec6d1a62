/* SPDX-License-Identifier: GPL-2.0 */
/* Reads and writes guest-virtual memory: handlers of calls, and for ptrace(). */
#ifndef VMMU_MEMORY_H
#define VMMU_MEMORY_H

#include "ioctl.h"
#include "object.h"

long vmmu_memory_read(struct vmmu_call *call);
long vmmu_memory_write(struct vmmu_call *call);
long vmmu_memory_cmpxchg(struct vmmu_call *call);

/*
 * Copy between guest-virtual memory and a buffer of the kernel's, as the guest's
 * program could. Returns the bytes done, or -EFAULT if not even one is. Sets
 * Accessed and Dirty for a write.
 */
int vmmu_memory_copy(struct vmmu_space *space, struct vmmu_va va, void *buffer,
		     int bytes, bool write);

#endif /* VMMU_MEMORY_H */
