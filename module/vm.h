/* SPDX-License-Identifier: GPL-2.0 */
/* The VM file: its calls, its mapping, its fdinfo, its end. */
#ifndef VMMU_VM_H
#define VMMU_VM_H

#include "ioctl.h"

/* VMMU_IOC_VM_CREATE on the device. */
long vmmu_vm_create(struct vmmu_call *call);

#endif /* VMMU_VM_H */
