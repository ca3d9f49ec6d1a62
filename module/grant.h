/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Grants: what both levels together let a window's host PTE allow. The one
 * place that turns a guest's rights into a host's.
 */
#ifndef VMMU_GRANT_H
#define VMMU_GRANT_H

#include "shadow.h"
#include "translate.h"

/*
 * Set up a query about accesses through the space's windows: at the CPL that its
 * mode says, and only to pages that can be read, since a host PTE can't express
 * any others. @flags: VMMU_TRANSLATE_*, but for USER.
 */
void vmmu_grant_query_init(struct vmmu_query *query, struct vmmu_space *space,
			   u32 access, u32 flags);

/*
 * What the page a query's walk stands at may be granted, by its present
 * mode: VMMU_GRANT_*. Rights to write only where Dirty is set; nothing where
 * Accessed is clear on the way.
 */
u64 vmmu_grant_rights(const struct vmmu_query *query);

/*
 * Find the grants of @nr consecutive pages from @va on, for
 * vmmu_shadow_insert(); in force while query->sequence is the VM's. Returns
 * how many of them grant anything. Neither sets A or D nor provides frames. A walk
 * of the query that has ended at @va is not made again.
 */
unsigned int vmmu_grant_pages(struct vmmu_query *query, struct vmmu_va va,
			      u64 *grants, unsigned int nr);

#endif /* VMMU_GRANT_H */
