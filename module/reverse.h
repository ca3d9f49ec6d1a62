/* SPDX-License-Identifier: GPL-2.0 */
/* Questions the other way round: which real page, and who maps it. */
#ifndef VMMU_REVERSE_H
#define VMMU_REVERSE_H

#include "object.h"

/* The real page that args->frame backs: see VMMU_IOC_REAL_OF_FRAME. */
long vmmu_reverse_frame(struct vmmu_vm *vm, struct vmmu_real_of_frame *args);

/* The virtual addresses that map args->ra: see VMMU_IOC_MAPPERS. */
long vmmu_reverse_mappers(struct vmmu_vm *vm, struct vmmu_mappers *args);

#endif /* VMMU_REVERSE_H */
