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
static u64 narrow(struct vmmu_realmap *realmap, u64 index, u64 entry, u64 rights)
{
	u64 marks = VMMU_REALMAP_ACCESSED;

	if (!(entry & VMMU_REALMAP_WRITABLE))
		rights &= ~VMMU_GRANT_WRITE;
	if (rights & VMMU_GRANT_WRITE)
		marks |= VMMU_REALMAP_DIRTY;
	if ((entry & marks) != marks)
		vmmu_realmap_mark(realmap, index, marks);
	return rights;
}

/* The grant of a real page to @owner, who has @rights by the guest's page table. */
static __always_inline u64 grant_frame(struct vmmu_realmap *realmap,
				       struct vmmu_realmap_near *near,
				       u64 index, u64 owner, u64 rights)
{
	const u64 all = VMMU_REALMAP_WRITABLE | VMMU_REALMAP_ACCESSED |
			VMMU_REALMAP_DIRTY;
	u64 entry = vmmu_realmap_lookup_near(realmap, near, index);
	u64 frame = entry & VMMU_REALMAP_FRAME;
	struct page *page = pfn_to_page(frame >> PAGE_SHIFT);

	if (!entry || PageHWPoison(page) || !vmmu_frame_note_owner(page, owner))
		return 0;
	if (unlikely((entry & all) != all))
		rights = narrow(realmap, index, entry, rights);
	return frame | rights;
}

/* The grant of one page; *@rights: what the guest's page table grants. */
static u64 find_grant(struct vmmu_query *query, struct vmmu_va va, u64 *rights)
{
	struct vmmu_realmap_near near = VMMU_REALMAP_NEAR_NONE;
	struct vmmu_space *space = query->space;

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
	vmmu_shadow_note_walk(space, &query->walk);
	return grant_frame(&space->vm->realmap, &near,
			   vmmu_ra_index(vmmu_walk_ra(&query->walk)),
			   vmmu_shadow_owner(space, va), *rights);
}

/* Whether an entry of level 1 maps a page. */
static bool maps_page(const struct vmmu_walk *walk, u64 value)
{
	struct vmmu_entry entry;

	return vmmu_format_decode(walk->format, value, 1, walk->reserved,
				  &entry) == VMMU_ENTRY_PAGE;
}

/*
 * Pages behind the one that the walk has ended at, as far as their entries are
 * in the same table and map nothing. Returns how many.
 */
static unsigned int grant_none(const struct vmmu_walk *walk, u64 *grants,
			       unsigned int nr)
{
	struct vmmu_run run = vmmu_walk_run(walk);
	unsigned int i;

	nr = min_t(u64, nr, run.end - run.next);
	for (i = 0; i < nr && !maps_page(walk, READ_ONCE(run.next[i])); i++)
		grants[i] = 0;
	return i;
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
	const u64 step = vmmu_frame_owner_step(owner);
	struct vmmu_run run = vmmu_walk_run(walk);
	struct vmmu_realmap_near near = VMMU_REALMAP_NEAR_NONE;
	unsigned int i, none = 0;

	nr = min_t(u64, nr, run.end - run.next);
	for (i = 0; i < nr; i++) {
		u64 value = READ_ONCE(run.next[i]), grant = 0;

		owner += step;
		if (!((value ^ leaf) & like))
			grant = grant_frame(realmap, &near,
					    vmmu_ra_index(vmmu_ra(value & address)),
					    owner, rights);
		else if (maps_page(walk, value))
			break;
		grants[i] = grant;
		if (unlikely(!grant))
			none++;
	}
	*found += i - none;
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
		if (++i == nr)
			break;
		if (rights)
			i += grant_alike(query, rights, grants + i, nr - i,
					 &found);
		else
			i += grant_none(&query->walk, grants + i, nr - i);
	}
	rcu_read_unlock();
	return found;
}
