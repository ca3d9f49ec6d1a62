/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest page faults: what becomes of an access that a window does not grant. A
 * signal, or a record for the monitor while the thread sleeps.
 */
#ifndef VMMU_FAULT_H
#define VMMU_FAULT_H

#include "object.h"
#include "translate.h"

struct vm_fault;

/*
 * Deliver what @answer tells about the access of a window's fault. Returns what
 * the fault returns: the kernel's own accesses fail, a user's get a signal, or
 * a record on the way back to user mode, with no lock held.
 */
vm_fault_t vmmu_fault_deliver(struct vm_fault *vmf,
			      const struct vmmu_query *query,
			      const struct vmmu_translation *answer);

/*
 * The last fault of the calling thread that was delivered as a signal for this
 * address and access, and forget it. False: it is not known (any more).
 */
bool vmmu_fault_recall(struct vmmu_space *space, struct vmmu_va va, u32 access,
		       struct vmmu_translation *answer);

/*
 * SIGSEGV to the calling thread, as the host's own fault would send it. @code:
 * si_code; @error_code: as the handler sees it.
 */
void vmmu_fault_signal(unsigned long address, int code, u32 error_code);

/* At module exit: nobody sleeps; wait for the last to have left our text. */
void vmmu_fault_exit(void);

#endif /* VMMU_FAULT_H */
