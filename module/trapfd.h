/* SPDX-License-Identifier: GPL-2.0 */
/* The trap file: records are read from it, answers written to it. */
#ifndef VMMU_TRAPFD_H
#define VMMU_TRAPFD_H

#include "ioctl.h"
#include "object.h"

struct vmmu_trapq;

/* VMMU_IOC_TRAP_CREATE on the file of @vm. */
long vmmu_trapfd_create(struct vmmu_vm *vm, struct vmmu_call *call);

/*
 * The queue of the trap file @fd, a reference; with @notes it has room for records
 * that nobody waits for. -EBADF: it is no trap file; -EINVAL: it is another VM's;
 * -ENOMEM.
 */
struct vmmu_trapq *vmmu_trapfd_queue(struct vmmu_vm *vm, int fd, bool notes);

#endif /* VMMU_TRAPFD_H */
