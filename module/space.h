/* SPDX-License-Identifier: GPL-2.0 */
/* The space file: its calls, its fdinfo, its end. */
#ifndef VMMU_SPACE_H
#define VMMU_SPACE_H

#include "ioctl.h"
#include "object.h"

/* VMMU_IOC_SPACE_CREATE on the file of @vm. */
long vmmu_space_create(struct vmmu_vm *vm, struct vmmu_call *call);

#endif /* VMMU_SPACE_H */
