/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Grants: what both levels together let a window's host PTE allow. The one
 * place that turns a guest's rights into a host's.
 */
#ifndef VMMU_GRANT_H
#define VMMU_GRANT_H

#include "shadow.h"
#include "translate.h"

/* VMMU_TRANSLATE_* of the accesses that are made through the space's windows. */
u32 vmmu_grant_flags(struct vmmu_space *space);

/*
 * Refuse in @answer what a host PTE can't express though the guest grants it: a
 * fetch from a page that may not be read.
 */
void vmmu_grant_judge(const struct vmmu_query *query,
		      struct vmmu_translation *answer);

/*
 * What the page a query's walk stands at may be granted, by its present
 * mode: VMMU_GRANT_*. Rights to write only where Dirty is set; nothing where
 * Accessed is clear on the way.
 */
u64 vmmu_grant_rights(const struct vmmu_query *query);

/*
 * Find the grants of @nr consecutive pages from @va on, for
 * vmmu_shadow_insert(); in force while query->sequence is the VM's. Returns
 * how many of them grant anything. Neither sets A or D nor provides frames.
 */
unsigned int vmmu_grant_pages(struct vmmu_query *query, struct vmmu_va va,
			      u64 *grants, unsigned int nr);

#endif /* VMMU_GRANT_H */
