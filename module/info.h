/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMMU_INFO_H
#define VMMU_INFO_H

#include "ioctl.h"

#define VMMU_VERSION	"0.1"

/* VMMU_IOC_INFO, on any file. */
long vmmu_info(struct vmmu_call *call);

#define VMMU_INFO_ROW							\
	VMMU_ROW(VMMU_IOC_INFO, vmmu_info, vmmu_info, module_version,	\
		 .writes = true, .asks = true)

#endif /* VMMU_INFO_H */
