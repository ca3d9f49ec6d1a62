/* SPDX-License-Identifier: GPL-2.0 */
/* Handlers of the calls that read and write guest-virtual memory. */
#ifndef VMMU_MEMORY_H
#define VMMU_MEMORY_H

#include "ioctl.h"

long vmmu_memory_read(struct vmmu_call *call);
long vmmu_memory_write(struct vmmu_call *call);
long vmmu_memory_cmpxchg(struct vmmu_call *call);

#endif /* VMMU_MEMORY_H */
