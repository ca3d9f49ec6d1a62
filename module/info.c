// SPDX-License-Identifier: GPL-2.0
/*
 * What the module can do. Can be asked on every file, since a process may have
 * been handed a VM or a space and be unable to open the device.
 */
#include "info.h"
#include "object.h"

long vmmu_info(struct vmmu_call *call)
{
	struct vmmu_info *info = call->arg;
	unsigned long room = vmmu_account_room();

	if (info->flags)
		return -EOPNOTSUPP;
	*info = (struct vmmu_info){
		.size = info->size,
		.api_version = VMMU_API_VERSION,
		.page_shift = VMMU_PAGE_SHIFT,
		.formats = vmmu_format_all(),
		.space_flags = VMMU_SPACE_TRAPPING,
		.features = VMMU_FEATURE_POPULATE | VMMU_FEATURE_REAL_MAP |
			    VMMU_FEATURE_INSTALL | VMMU_FEATURE_TRANSLATE |
			    VMMU_FEATURE_MAPPINGS | VMMU_FEATURE_MEMORY |
			    VMMU_FEATURE_REVERSE | VMMU_FEATURE_WINDOWS |
			    VMMU_FEATURE_TRAPS | VMMU_FEATURE_AUDIT |
			    VMMU_FEATURE_TRAPPING,
		.max_real_bytes = VMMU_MAX_REAL_BYTES,
		.max_batch = VMMU_MAX_BATCH,
		.max_levels = VMMU_MAX_LEVELS,
		.memlock_bytes = room == ULONG_MAX ? ~0ULL :
						     (u64)room << PAGE_SHIFT,
		.module_version = VMMU_VERSION,
	};
	return 0;
}
