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

u64 vmmu_grant_rights(const struct vmmu_query *query)
{
	const struct vmmu_walk *walk = &query->walk;
	u8 may = vmmu_walk_allows(walk, query->access.user);

	if (!vmmu_walk_marked(walk, false) || !(may & BIT(VMMU_ACCESS_READ)))
		return 0;
	return VMMU_GRANT_READ |
	       ((may & BIT(VMMU_ACCESS_WRITE)) && vmmu_walk_marked(walk, true) ?
			VMMU_GRANT_WRITE : 0) |
	       (may & BIT(VMMU_ACCESS_FETCH) ? VMMU_GRANT_EXEC : 0);
}

/* What the real map table allows of @rights; marks its entry accordingly. */
static inline u64 take_frame(struct vmmu_realmap *realmap, u64 index, u64 entry,
			     u64 rights)
{
	const u64 all = VMMU_REALMAP_WRITABLE | VMMU_REALMAP_ACCESSED |
			VMMU_REALMAP_DIRTY;
	u64 marks = VMMU_REALMAP_ACCESSED;

	if (likely((entry & all) == all))
		return (entry & VMMU_REALMAP_FRAME) | rights;
	if (!(entry & VMMU_REALMAP_WRITABLE))
		rights &= ~VMMU_GRANT_WRITE;
	if (rights & VMMU_GRANT_WRITE)
		marks |= VMMU_REALMAP_DIRTY;
	if ((entry & marks) != marks)
		vmmu_realmap_mark(realmap, index, marks);
	return (entry & VMMU_REALMAP_FRAME) | rights;
}

/* The grant of one page; *@rights: what the guest's page table grants. */
static u64 find_grant(struct vmmu_query *query, struct vmmu_va va, u64 *rights)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;
	struct page *frame;
	u64 index, entry;

	*rights = 0;
	if (!vmmu_walk_is_at(&query->walk, va)) {
		vmmu_walk_resume(&query->walk, va);
		vmmu_walk_down(&query->walk);
	}
	if (query->walk.reason)
		return 0;
	*rights = vmmu_grant_rights(query);
	if (!*rights)
		return 0;
	/* For pages behind it, too, whether or not this one is granted. */
	vmmu_shadow_note_walk(query->space, &query->walk);
	index = vmmu_ra_index(vmmu_walk_ra(&query->walk));
	entry = vmmu_realmap_lookup(realmap, index);
	if (!entry)
		return 0;
	frame = vmmu_realmap_page(entry);
	if (PageHWPoison(frame) ||
	    !vmmu_frame_note_owner(frame, vmmu_shadow_owner(query->space, va)))
		return 0;
	return take_frame(realmap, index, entry, *rights);
}

/* Whether an entry of level 1 maps a page. */
static bool maps_page(const struct vmmu_walk *walk, u64 value)
{
	struct vmmu_entry entry;

	return vmmu_format_decode(walk->format, value, 1, walk->reserved,
				  &entry) == VMMU_ENTRY_PAGE;
}

/*
 * Grants of the pages behind the one that the walk has ended at, which has
 * @rights, as far as their entries are in the same table and either absent or
 * like that page's, but for the address. Returns how many pages, and adds to
 * @found those that are granted anything.
 */
static unsigned int grant_alike(struct vmmu_query *query, u64 rights,
				u64 *grants, unsigned int nr,
				unsigned int *found)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;
	const struct vmmu_walk *walk = &query->walk;
	const u64 address = walk->format->address, leaf = vmmu_walk_leaf(walk);
	const u64 like = vmmu_walk_likeness(walk, 0);
	u64 owner = vmmu_shadow_owner(query->space, walk->va);
	struct vmmu_run run = vmmu_walk_run(walk);
	struct vmmu_realmap_near near = { };
	unsigned int i;

	nr = min_t(u64, nr, run.end - run.next);
	for (i = 0; i < nr; i++) {
		u64 value = READ_ONCE(run.next[i]), index, entry;
		struct page *frame;

		owner = vmmu_frame_next_owner(owner);
		grants[i] = 0;
		if (((value ^ leaf) & like) || !rights) {
			if (maps_page(walk, value))
				break;
			continue;
		}
		index = vmmu_ra_index(vmmu_ra(value & address));
		entry = vmmu_realmap_lookup_near(realmap, &near, index);
		if (!entry)
			continue;
		frame = vmmu_realmap_page(entry);
		if (PageHWPoison(frame) ||
		    !vmmu_frame_note_owner(frame, owner))
			continue;
		grants[i] = take_frame(realmap, index, entry, rights);
		++*found;
	}
	return i;
}

unsigned int vmmu_grant_pages(struct vmmu_query *query, struct vmmu_va va,
			      u64 *grants, unsigned int nr)
{
	unsigned int found = 0, i = 0;

	rcu_read_lock();
	while (i < nr) {
		u64 rights;

		grants[i] = find_grant(query, vmmu_va(va.value +
						      i * VMMU_PAGE_BYTES),
				       &rights);
		found += !!grants[i];
		i++;
		if (i < nr)
			i += grant_alike(query, rights, grants + i, nr - i,
					 &found);
	}
	rcu_read_unlock();
	return found;
}
