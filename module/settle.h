/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settling: open page-table pages are closed again, and what was stored to them
 * meanwhile is established, before anything that depends on it is told or used.
 */
#ifndef VMMU_SETTLE_H
#define VMMU_SETTLE_H

#include "object.h"

/* Part of the following. */
int vmmu_settle_pages(struct vmmu_vm *vm);

/*
 * Have no page-table page of a TRAPPING space be open; those that somebody holds
 * stay writable, and what lies below them follows the LAZY contract. Returns
 * -ENOMEM, or -EINTR after a fatal signal. Caller holds no lock but a fault's.
 */
static inline int vmmu_settle_vm(struct vmmu_vm *vm)
{
	if (likely(!READ_ONCE(vm->ptpages.nr_open) &&
		   !READ_ONCE(vm->ptpages.nr_pinned)))
		return 0;
	return vmmu_settle_pages(vm);
}

/* Likewise, for what depends on this space. */
static inline int vmmu_settle(struct vmmu_space *space)
{
	return vmmu_space_traps(space) ? vmmu_settle_vm(space->vm) : 0;
}

/* Likewise, before a translation: after -ENOMEM, *@result is its answer. */
static inline int vmmu_settle_for(struct vmmu_space *space,
				  struct vmmu_translation *result)
{
	int err = vmmu_settle(space);

	if (err == -ENOMEM)
		*result = (struct vmmu_translation){
			.reason = VMMU_REASON_NOFRAME,
		};
	return err;
}

/* Whether that is to be done again; after the invalidation sequence was read. */
static inline bool vmmu_unsettled(const struct vmmu_space *space)
{
	return vmmu_space_traps(space) &&
	       READ_ONCE(space->vm->ptpages.nr_open);
}

#endif /* VMMU_SETTLE_H */
