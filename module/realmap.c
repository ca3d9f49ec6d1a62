// SPDX-License-Identifier: GPL-2.0
/*
 * The real map table: see realmap.h for what it stores. It owns one reference
 * to each frame it holds, and is called by whoever gives a real page a frame
 * or takes it away. It never removes a host PTE: that is its callers' part.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "realmap.h"
#include "trace.h"

/* Empty entries that vmmu_realmap_next() steps over in one call. */
#define NEXT_BUDGET	4096

void vmmu_realmap_init(struct vmmu_realmap *realmap, u64 vm_id, u64 nr_pages,
		       struct vmmu_account *account,
		       struct address_space *mapping)
{
	*realmap = (struct vmmu_realmap){
		.vm_id = vm_id,
		.nr_pages = nr_pages,
		.height = 1,
		.account = account,
		.mapping = mapping,
	};
	while (nr_pages > BIT_ULL(VMMU_REALMAP_INDEX_BITS * realmap->height))
		realmap->height++;
}

static u64 *slot_in(u64 *table, u64 index, unsigned int level)
{
	index >>= VMMU_REALMAP_INDEX_BITS * (level - 1);
	return &table[index % VMMU_REALMAP_ENTRIES];
}

u64 vmmu_realmap_next(struct vmmu_realmap *realmap, u64 *index, u64 last)
{
	unsigned int budget = NEXT_BUDGET;

	last = min(last, realmap->nr_pages - 1);
	while (*index <= last && budget--) {
		u64 entry = READ_ONCE(realmap->root);
		unsigned int level = realmap->height;

		for (; level && entry && !(entry & VMMU_REALMAP_BLOCK); level--)
			entry = READ_ONCE(*slot_in(vmmu_realmap_table(entry), *index,
						   level));
		if (entry & VMMU_REALMAP_PRESENT)
			return level ? vmmu_realmap_page_of_block(entry, *index,
							  VMMU_REALMAP_INDEX_BITS * level) :
				       entry;
		*index = ((*index >> (VMMU_REALMAP_INDEX_BITS * level)) + 1) <<
			 (VMMU_REALMAP_INDEX_BITS * level);
	}
	*index = min(*index, last + 1);
	return 0;
}

/* The table below an upper-level slot; made if need be. NULL: no memory. */
static u64 *provide_table(struct vmmu_realmap *realmap, u64 *slot)
{
	u64 entry = READ_ONCE(*slot);
	u64 *table;

	if (entry)
		return vmmu_realmap_table(entry);
	table = vmmu_table_alloc(realmap->account);
	if (!table)
		return NULL;
	entry = cmpxchg64(slot, 0, virt_to_phys(table) | VMMU_REALMAP_PRESENT);
	if (entry) {
		vmmu_table_free(realmap->account, table);
		return vmmu_realmap_table(entry);
	}
	atomic_long_inc(&realmap->tables);
	return table;
}

/* The last-level slot of @index; tables are made if need be. NULL: no memory. */
static u64 *provide_slot(struct vmmu_realmap *realmap, u64 index)
{
	u64 *slot = &realmap->root;

	for (unsigned int level = realmap->height; level; level--) {
		u64 *table = provide_table(realmap, slot);

		if (!table)
			return NULL;
		slot = slot_in(table, index, level);
	}
	return slot;
}

/*
 * Store @entry for the real page @index, where there is none. Returns -EEXIST
 * where there is one, and -ENOMEM. Somebody else's walk that meets the entry
 * sees the frame's contents: cmpxchg orders them.
 */
static int set(struct vmmu_realmap *realmap, u64 index, u64 entry)
{
	u64 *slot = provide_slot(realmap, index);
	u64 old, new, seen;

	if (!slot)
		return -ENOMEM;
	seen = READ_ONCE(*slot);
	do {
		old = seen;
		if (old & VMMU_REALMAP_PRESENT)
			return -EEXIST;
		new = entry;
		if (old & VMMU_REALMAP_TABLE)
			new ^= VMMU_REALMAP_TABLE | VMMU_REALMAP_WRITABLE;
		seen = cmpxchg64(slot, old, new);
	} while (seen != old);
	atomic_long_inc(&realmap->frames);
	trace_vmmu_realmap_set(realmap->vm_id, index, new);
	return 0;
}

/* Make @page look like a page of the VM's inode, or like nobody's. */
static void page_attach(struct page *page, struct address_space *mapping,
			u64 index)
{
	page->mapping = mapping;
	page->index = index;
}

static void page_detach(struct page *page)
{
	lock_page(page);
	page->mapping = NULL;
	unlock_page(page);
}

int vmmu_realmap_provide(struct vmmu_realmap *realmap, u64 index)
{
	struct page *page;
	int err;

	if (vmmu_realmap_lookup(realmap, index))
		return 0;
	if (index >= realmap->nr_pages)
		return -EINVAL;

	page = vmmu_frame_alloc(realmap->account);
	if (!page)
		return -ENOMEM;
	page_attach(page, realmap->mapping, index);
	err = set(realmap, index, page_to_phys(page) | VMMU_REALMAP_PRESENT |
				  VMMU_REALMAP_WRITABLE);
	if (err) {
		page_attach(page, NULL, 0);
		vmmu_frame_free(realmap->account, page);
	}
	return err == -EEXIST ? 0 : err;
}

struct page *vmmu_realmap_get(struct vmmu_realmap *realmap, u64 index)
{
	struct page *page = NULL;
	u64 entry;

	rcu_read_lock();
	entry = vmmu_realmap_lookup(realmap, index);
	if (entry && get_page_unless_zero(vmmu_realmap_page(entry)))
		page = vmmu_realmap_page(entry);
	rcu_read_unlock();
	return page;
}

/*
 * A frame knows its index, as long as it is one of this table's; the entry
 * tells whether it is. Other pages may have anything there.
 */
bool vmmu_realmap_find(struct vmmu_realmap *realmap, u64 pfn, u64 *index)
{
	struct page *page = pfn_to_online_page(pfn);
	u64 entry;

	if (!page)
		return false;
	*index = READ_ONCE(page->index);
	entry = vmmu_realmap_lookup(realmap, *index);
	return entry && vmmu_realmap_pfn(entry) == pfn;
}

/* The last-level slot of @index, or NULL where the tables do not reach. */
static u64 *find_slot(struct vmmu_realmap *realmap, u64 index)
{
	u64 *slot = &realmap->root;

	for (unsigned int level = realmap->height; level; level--) {
		u64 entry = READ_ONCE(*slot);

		if (!entry || (entry & VMMU_REALMAP_BLOCK))
			return NULL;
		slot = slot_in(vmmu_realmap_table(entry), index, level);
	}
	return slot;
}

const u64 *vmmu_realmap_find_table(struct vmmu_realmap *realmap, u64 index)
{
	const u64 *slot = index < realmap->nr_pages ?
				  find_slot(realmap, index) : NULL;

	return slot ? slot - index % VMMU_REALMAP_ENTRIES : NULL;
}

struct page *vmmu_realmap_clear(struct vmmu_realmap *realmap, u64 index)
{
	u64 *slot = find_slot(realmap, index);
	u64 entry, seen;

	if (!slot)
		return NULL;
	seen = READ_ONCE(*slot);
	do {
		entry = seen;
		if (!(entry & VMMU_REALMAP_PRESENT))
			return NULL;
		seen = cmpxchg64(slot, entry, entry & VMMU_REALMAP_TABLE);
	} while (seen != entry);
	atomic_long_dec(&realmap->frames);
	trace_vmmu_realmap_clear(realmap->vm_id, index, entry);
	vmmu_realmap_invalidate(realmap);
	return vmmu_realmap_page(entry);
}

void vmmu_realmap_mark(struct vmmu_realmap *realmap, u64 index, u64 bits)
{
	u64 *slot = find_slot(realmap, index);
	u64 old = slot ? READ_ONCE(*slot) : 0;

	while ((old & VMMU_REALMAP_PRESENT) && (old & bits) != bits) {
		u64 seen = cmpxchg64(slot, old, old | bits);

		if (seen == old)
			break;
		old = seen;
	}
}

int vmmu_realmap_reserve(struct vmmu_realmap *realmap, u64 index)
{
	return provide_slot(realmap, index) ? 0 : -ENOMEM;
}

bool vmmu_realmap_reserved(struct vmmu_realmap *realmap, u64 index)
{
	return find_slot(realmap, index);
}

u64 vmmu_realmap_set_state(struct vmmu_realmap *realmap, u64 index, u64 state)
{
	u64 *slot = find_slot(realmap, index);
	u64 old, new, seen;

	if (!slot)
		return 0;
	seen = READ_ONCE(*slot);
	do {
		old = seen;
		new = old & ~(VMMU_REALMAP_TABLE | VMMU_REALMAP_WRITABLE);
		new |= state;
		if (!(old & VMMU_REALMAP_PRESENT))
			new = state & VMMU_REALMAP_TABLE;
		seen = cmpxchg64(slot, old, new);
	} while (seen != old);
	return new & VMMU_REALMAP_PRESENT ? new : 0;
}

void vmmu_realmap_invalidate(struct vmmu_realmap *realmap)
{
	atomic64_inc_return_release(&realmap->sequence);
	smp_mb(); /* the sequence moves before any host PTE is looked for */
}

static void destroy_table(struct vmmu_realmap *realmap, u64 *table,
			  unsigned int level, struct vmmu_frame_batch *batch)
{
	for (unsigned int i = 0; i < VMMU_REALMAP_ENTRIES; i++) {
		u64 entry = table[i];

		if (!(entry & VMMU_REALMAP_PRESENT))
			continue;
		if (level > 1) {
			destroy_table(realmap, vmmu_realmap_table(entry), level - 1,
				      batch);
			continue;
		}
		page_detach(vmmu_realmap_page(entry));
		vmmu_frame_batch_add(realmap->account, batch,
				     vmmu_realmap_page(entry));
	}
	vmmu_frame_batch_free(realmap->account, batch);
	vmmu_table_free(realmap->account, table);
	cond_resched();
}

void vmmu_realmap_destroy(struct vmmu_realmap *realmap)
{
	struct vmmu_frame_batch batch = { };

	if (realmap->root)
		destroy_table(realmap, vmmu_realmap_table(realmap->root),
			      realmap->height, &batch);
}

const u64 *vmmu_word_page(struct vmmu_realmap *realmap, struct vmmu_ra ra)
{
	u64 entry = vmmu_realmap_lookup(realmap, vmmu_ra_index(ra));

	return entry ? vmmu_realmap_word(entry, vmmu_ra_page(ra)) : NULL;
}

bool vmmu_word_load(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		    u64 *value)
{
	u64 index = vmmu_ra_index(ra);
	u64 entry = vmmu_realmap_lookup(realmap, index);

	if (unlikely(!entry)) {
		*value = 0;
		return index < realmap->nr_pages;
	}
	*value = READ_ONCE(*vmmu_realmap_word(entry, ra));
	return true;
}

bool vmmu_word_cmpxchg(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		       u64 old, u64 new)
{
	const u64 touched = VMMU_REALMAP_ACCESSED | VMMU_REALMAP_DIRTY;
	u64 index = vmmu_ra_index(ra);
	u64 entry = vmmu_realmap_lookup(realmap, index);

	if (!entry || cmpxchg64(vmmu_realmap_word(entry, ra), old, new) != old)
		return false;
	if ((entry & touched) != touched)
		vmmu_realmap_mark(realmap, index, touched);
	return true;
}
