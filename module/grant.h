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
 * The query's flags for accesses through the space's windows. A host PTE can't
 * express that a page may be fetched from, but not read.
 */
u32 vmmu_grant_flags(struct vmmu_space *space);

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
