/* SPDX-License-Identifier: GPL-2.0 */
/* Handlers of the calls that work on a space's page table. */
#ifndef VMMU_SPACE_CALLS_H
#define VMMU_SPACE_CALLS_H

#include "ioctl.h"

long vmmu_space_install(struct vmmu_call *call);
long vmmu_space_translate(struct vmmu_call *call);
long vmmu_space_explain(struct vmmu_call *call);
long vmmu_space_mappings(struct vmmu_call *call);

#endif /* VMMU_SPACE_CALLS_H */
