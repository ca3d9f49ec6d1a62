// SPDX-License-Identifier: GPL-2.0
/*
 * Grants: see grant.h. A grant is found under RCU, as a translation is, and is
 * noted there, so that whoever takes the frame away knows where to look.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "grant.h"

void vmmu_grant_query_init(struct vmmu_query *query, struct vmmu_space *space,
			   u32 access, u32 flags)
{
	vmmu_query_init(query, space, access, flags | VMMU_QUERY_READABLE);
	/* Read the mode once: what the walk has, and the space may not any more. */
	query->access.user = query->walk.mode.bits & VMMU_MODE_CPL3;
}

static bool allowed(const struct vmmu_query *query, u32 access)
{
	const struct vmmu_walk *walk = &query->walk;
	struct vmmu_access_kind kind = {
		.access = access,
		.user = query->access.user,
	};
	bool pkey;

	return !walk->format->judge(vmmu_walk_rights(walk),
				    vmmu_walk_leaf(walk), &walk->mode, kind,
				    &pkey);
}

u64 vmmu_grant_rights(const struct vmmu_query *query)
{
	if (!vmmu_walk_marked(&query->walk, false) ||
	    !allowed(query, VMMU_ACCESS_READ))
		return 0;
	return VMMU_GRANT_READ |
	       (vmmu_walk_marked(&query->walk, true) &&
		allowed(query, VMMU_ACCESS_WRITE) ? VMMU_GRANT_WRITE : 0) |
	       (allowed(query, VMMU_ACCESS_FETCH) ? VMMU_GRANT_EXEC : 0);
}

static u64 find_grant(struct vmmu_query *query, struct vmmu_va va)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;
	u64 index, entry, rights, marks;
	struct page *frame;

	vmmu_walk_resume(&query->walk, va);
	if (vmmu_walk_down(&query->walk))
		return 0;
	rights = vmmu_grant_rights(query);
	if (!rights)
		return 0;
	index = vmmu_ra_index(vmmu_walk_ra(&query->walk));
	entry = vmmu_realmap_lookup(realmap, index);
	if (!entry)
		return 0;
	if (!(entry & VMMU_REALMAP_WRITABLE))
		rights &= ~VMMU_GRANT_WRITE;
	frame = vmmu_realmap_page(entry);
	if (PageHWPoison(frame) ||
	    !vmmu_shadow_note(query->space, &query->walk, frame))
		return 0;
	marks = VMMU_REALMAP_ACCESSED |
		(rights & VMMU_GRANT_WRITE ? VMMU_REALMAP_DIRTY : 0);
	if ((entry & marks) != marks)
		vmmu_realmap_mark(realmap, index, marks);
	return page_to_phys(frame) | rights;
}

unsigned int vmmu_grant_pages(struct vmmu_query *query, struct vmmu_va va,
			      u64 *grants, unsigned int nr)
{
	unsigned int found = 0;

	rcu_read_lock();
	for (unsigned int i = 0; i < nr; i++) {
		grants[i] = find_grant(query, vmmu_va(va.value +
						      i * VMMU_PAGE_BYTES));
		found += !!grants[i];
	}
	rcu_read_unlock();
	return found;
}
