// SPDX-License-Identifier: GPL-2.0
/*
 * Shadow page tables, the removing half: what is to be zapped is gathered,
 * neighbours are merged, and nothing is zapped where nothing was ever noted.
 */
#include <linux/mm.h>

#include "shadow.h"
#include "trace.h"

/* Pages between two ranges that cost less to zap than a range of their own. */
#define MERGE_GAP	12

/* All of a space's pages, by number. */
#define LAST_PAGE	(~0ULL >> PAGE_SHIFT)

static u64 page_of(struct vmmu_va va)
{
	return va.value >> PAGE_SHIFT;
}

static u64 owner_page(u64 owner)
{
	return sign_extend64(owner, VMMU_OWNER_PAGE_BITS - 1) & LAST_PAGE;
}

static u64 owner_space(u64 owner)
{
	return owner >> VMMU_OWNER_PAGE_BITS;
}

/* One range of one space. A space without windows has nothing to zap. */
static void zap(struct vmmu_space *space, u64 first, u64 last)
{
	lockdep_assert_held(&space->vm->lock);

	if (!mapping_mapped(space->mapping))
		return;
	vmmu_count(space, VMMU_ZAPS);
	trace_vmmu_zap(space->vm->id, space->id, first, last);
	unmap_mapping_pages(space->mapping, first, last - first + 1, false);
}

static void zap_ranges(struct vmmu_zap *zaps, struct vmmu_space *space)
{
	if (mapping_mapped(space->mapping))
		vmmu_count(space, VMMU_FLUSHES);
	/* Under another format the same entries serve other addresses. */
	if (space->format != zaps->space->format) {
		zap(space, 0, LAST_PAGE);
		return;
	}
	for (unsigned int i = 0; i < zaps->nr; i++)
		zap(space, zaps->ranges[i].first, zaps->ranges[i].last);
}

/* A range that is zapped at once, by itself. */
static void zap_now(struct vmmu_space *space, u64 first, u64 last)
{
	if (mapping_mapped(space->mapping))
		vmmu_count(space, VMMU_FLUSHES);
	zap(space, first, last);
}

void vmmu_zap_flush(struct vmmu_zap *zaps)
{
	struct vmmu_space *space, *peer;

	if (zaps->all) {
		list_for_each_entry(space, &zaps->all->spaces, link)
			zap_now(space, 0, LAST_PAGE);
		zaps->all = NULL;
		zaps->nr = 0;
	}
	if (!zaps->nr)
		return;
	zap_ranges(zaps, zaps->space);
	list_for_each_entry(peer, &zaps->space->peers, peers)
		zap_ranges(zaps, peer);
	zaps->nr = 0;
}

/* Whether two ranges overlap, or are so near that one zap is cheaper. */
static bool near(u64 first, u64 last, u64 other_first, u64 other_last)
{
	return first <= other_last + 1 + MERGE_GAP &&
	       other_first <= last + 1 + MERGE_GAP;
}

static void add(struct vmmu_zap *zaps, struct vmmu_space *space, u64 first,
		u64 last)
{
	if (zaps->space != space)
		vmmu_zap_flush(zaps);
	zaps->space = space;
	for (unsigned int i = 0; i < zaps->nr; i++) {
		u64 *have_first = &zaps->ranges[i].first;
		u64 *have_last = &zaps->ranges[i].last;

		if (!near(first, last, *have_first, *have_last))
			continue;
		*have_first = min(*have_first, first);
		*have_last = max(*have_last, last);
		return;
	}
	if (zaps->nr == VMMU_ZAP_RANGES)
		vmmu_zap_flush(zaps);
	zaps->ranges[zaps->nr].first = first;
	zaps->ranges[zaps->nr].last = last;
	zaps->nr++;
}

static bool noted(const unsigned long *word, u64 number)
{
	return test_bit(number % BITS_PER_LONG, word);
}

/* Whether a window of the space may have PTEs below this entry of its table. */
static bool shadowed_below(const struct vmmu_space *space, struct vmmu_va va,
			   unsigned int level)
{
	return noted(&space->shadowed[level],
		     va.value >> vmmu_format_shift(space->format, level));
}

/* Likewise, of the space or a peer, all of one format. */
static bool shadowed_anywhere(struct vmmu_space *space, struct vmmu_va va,
			      unsigned int level)
{
	struct vmmu_space *peer;

	if (shadowed_below(space, va, level))
		return true;
	list_for_each_entry(peer, &space->peers, peers)
		if (shadowed_below(peer, va, level))
			return true;
	return false;
}

static bool peers_differ(struct vmmu_space *space)
{
	struct vmmu_space *peer;

	list_for_each_entry(peer, &space->peers, peers)
		if (peer->format != space->format)
			return true;
	return false;
}

/* Whether a window may map the real page at @ra at this page of its own. */
static bool owned_at(struct vmmu_space *space, struct vmmu_ra ra, u64 page)
{
	u64 entry = vmmu_realmap_lookup(&space->vm->realmap, vmmu_ra_index(ra));
	u64 owner = entry ? vmmu_frame_owner(vmmu_realmap_page(entry)) : 0;

	return owner == VMMU_OWNER_MANY || (owner && owner_page(owner) == page);
}

/* Whether a window of the space or a peer may have PTEs through an entry. */
static bool shadowed_through(struct vmmu_space *space, struct vmmu_va va,
			     unsigned int level, u64 value)
{
	struct vmmu_entry entry;

	switch (vmmu_format_decode(space->format, value, level, space->reserved, &entry)) {
	case VMMU_ENTRY_ABSENT:
		return false;
	case VMMU_ENTRY_RESERVED:
		/* Not to us; a peer's mode may allow it. */
		return !list_empty(&space->peers);
	default:
		break;
	}
	/* Under a peer's format it serves other addresses, at another level. */
	if (peers_differ(space))
		return true;
	return level > 1 ? shadowed_anywhere(space, va, level) :
			   owned_at(space, entry.ra, page_of(va));
}

void vmmu_zap_entry(struct vmmu_zap *zaps, struct vmmu_space *space,
		    struct vmmu_va va, unsigned int level, u64 old)
{
	unsigned int shift = vmmu_format_shift(space->format, level);
	u64 others = BIT_ULL(shift - PAGE_SHIFT) - 1;
	u64 page = page_of(va);

	lockdep_assert_held_write(&space->vm->lock);

	if (!mapping_mapped(space->mapping) && list_empty(&space->peers))
		return;
	if (shadowed_through(space, va, level, old))
		add(zaps, space, page & ~others, page | others);
}

void vmmu_zap_table(struct vmmu_zap *zaps, struct vmmu_space *space,
		    struct vmmu_va va, unsigned int level)
{
	const struct vmmu_format *format = space->format;
	u64 page = page_of(va), others;

	lockdep_assert_held_write(&space->vm->lock);

	if (level == format->levels) {
		add(zaps, space, 0, LAST_PAGE);
		return;
	}
	if (!peers_differ(space) && !shadowed_anywhere(space, va, level + 1))
		return;
	others = BIT_ULL(vmmu_format_shift(format, level + 1) - PAGE_SHIFT) - 1;
	add(zaps, space, page & ~others, page | others);
}

void vmmu_zap_vm(struct vmmu_zap *zaps, struct vmmu_vm *vm)
{
	lockdep_assert_held_write(&vm->lock);

	zaps->all = vm;
}

static struct vmmu_space *find_space(struct vmmu_vm *vm, u64 id)
{
	struct vmmu_space *space;

	list_for_each_entry(space, &vm->spaces, link)
		if (space->id == id)
			return space;
	return NULL;
}

void vmmu_zap_frame(struct vmmu_zap *zaps, struct vmmu_vm *vm,
		    struct page *frame)
{
	u64 owner = vmmu_frame_owner(frame);
	struct vmmu_space *space = zaps->space;

	lockdep_assert_held_write(&vm->lock);

	if (!owner || zaps->all)
		return;
	if (owner == VMMU_OWNER_MANY) {
		vmmu_zap_vm(zaps, vm);
		return;
	}
	if (!space || space->id != owner_space(owner))
		space = find_space(vm, owner_space(owner));
	if (!space)
		return;
	add(zaps, space, owner_page(owner), owner_page(owner));
}

/* Whether a window of the space may have PTEs in this range. */
static bool shadowed_within(const struct vmmu_space *space,
			    struct vmmu_va first, struct vmmu_va last)
{
	unsigned int shift = vmmu_format_shift(space->format, 2);
	u64 region = first.value >> shift, end = (last.value >> shift) + 1;

	if (end - region >= BITS_PER_LONG)
		return true;
	for (; region < end; region++)
		if (noted(&space->shadowed[2], region))
			return true;
	return false;
}

void vmmu_zap_range(struct vmmu_space *space, struct vmmu_va first,
		    struct vmmu_va last)
{
	const struct vmmu_format *format = space->format;

	for (unsigned int level = 2; level <= format->levels; level++) {
		unsigned int shift = vmmu_format_shift(format, level);
		u64 others = BIT_ULL(shift) - 1;

		if (noted(&space->large[level], first.value >> shift))
			first = vmmu_va(first.value & ~others);
		if (noted(&space->large[level], last.value >> shift))
			last = vmmu_va(last.value | others);
	}
	if (shadowed_within(space, first, last))
		zap_now(space, page_of(first), page_of(last));
}

void vmmu_zap_space(struct vmmu_space *space)
{
	lockdep_assert_held_write(&space->vm->lock);

	/* Who notes something from here on looks at the sequence afterwards. */
	memset(space->shadowed, 0, sizeof(space->shadowed));
	memset(space->large, 0, sizeof(space->large));
	vmmu_realmap_invalidate(&space->vm->realmap);
	zap_now(space, 0, LAST_PAGE);
}
