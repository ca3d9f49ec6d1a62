/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The real map table of a VM: real page -> frame. A radix tree of 512-entry
 * tables of 64-bit entries, as hardware nested tables are:
 *
 *	bits 51..12  the frame, or the next table, by its physical address
 *	bit  6       DIRTY      the frame was writable or changed by a walk
 *	bit  5       ACCESSED   the frame was mapped or walked
 *	bit  7       BLOCK      above level 1: maps a block, not a table
 *	bit  8       TABLE      a guest's page table: see ptpage.h
 *	bit  1       WRITABLE   guests may write through it
 *	bit  0       PRESENT
 *
 * The root entry is a member of the tree, so an empty one has no tables; its
 * height follows from the size of real memory. A last-level entry may have TABLE
 * alone: a page table that has no frame yet, and will not be writable.
 *
 * Read without locks: tables live as long as the tree. What an entry refers to
 * may be used under rcu_read_lock(), since a frame outlives the clearing of its
 * entry by a grace period, or under vm->lock, which clears take. Entries go
 * from empty to present by set() and from present to empty by clear(), each by
 * an atomic exchange, and never from one frame to another.
 */
#ifndef VMMU_REALMAP_H
#define VMMU_REALMAP_H

#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "frame.h"
#include "word.h"

#define VMMU_REALMAP_PRESENT	BIT_ULL(0)
#define VMMU_REALMAP_WRITABLE	BIT_ULL(1)
#define VMMU_REALMAP_ACCESSED	BIT_ULL(5)
#define VMMU_REALMAP_DIRTY	BIT_ULL(6)
#define VMMU_REALMAP_BLOCK	BIT_ULL(7)
#define VMMU_REALMAP_TABLE	BIT_ULL(8)
#define VMMU_REALMAP_FRAME	GENMASK_ULL(51, 12)

#define VMMU_REALMAP_INDEX_BITS	9
#define VMMU_REALMAP_ENTRIES	BIT(VMMU_REALMAP_INDEX_BITS)

/**
 * struct vmmu_realmap - a real map table
 * @vm_id: whose it is, for tracepoints. Fixed, as are the next four.
 * @nr_pages: size of real memory in pages.
 * @height: number of levels.
 * @account: whom tables and frames are charged to.
 * @mapping: what the frames' page->mapping is.
 * @root: the root entry.
 * @sequence: the VM's invalidation sequence.
 * @frames: number of present last-level entries.
 * @tables: number of tables.
 */
struct vmmu_realmap {
	u64 vm_id;
	u64 nr_pages;
	unsigned int height;
	struct vmmu_account *account;
	struct address_space *mapping;

	u64 root;
	atomic64_t sequence;
	atomic_long_t frames;
	atomic_long_t tables;
};

void vmmu_realmap_init(struct vmmu_realmap *realmap, u64 vm_id, u64 nr_pages,
		       struct vmmu_account *account,
		       struct address_space *mapping);

/* Free all tables and frames; nobody uses the tree any more. Never fails. */
void vmmu_realmap_destroy(struct vmmu_realmap *realmap);

/* In the kernel's alias, the table or frame that an entry refers to. */
static inline u64 *vmmu_realmap_table(u64 entry)
{
	return phys_to_virt(entry & VMMU_REALMAP_FRAME);
}

/* Likewise, the word at @ra, by its page's entry. */
static inline u64 *vmmu_realmap_word(u64 entry, struct vmmu_ra ra)
{
	return (void *)vmmu_realmap_table(entry) + vmmu_ra_offset(ra);
}

/* The entry that a 4 KiB page at @index has under a block of 1 << @shift pages. */
static inline u64 vmmu_realmap_page_of_block(u64 entry, u64 index,
					     unsigned int shift)
{
	u64 offset = index & (BIT_ULL(shift) - 1);

	return (entry & ~VMMU_REALMAP_BLOCK) + (offset << PAGE_SHIFT);
}

/*
 * The entry for the real page @index; 0: it has no frame. Where a block covers
 * it, the entry that a 4 KiB page would have.
 */
static inline u64 vmmu_realmap_lookup(struct vmmu_realmap *realmap, u64 index)
{
	unsigned int shift = VMMU_REALMAP_INDEX_BITS * realmap->height;
	u64 entry = READ_ONCE(realmap->root);

	if (unlikely(index >= realmap->nr_pages))
		return 0;
	while (shift && entry) {
		if (unlikely(entry & VMMU_REALMAP_BLOCK))
			return vmmu_realmap_page_of_block(entry, index, shift);
		shift -= VMMU_REALMAP_INDEX_BITS;
		entry = READ_ONCE(vmmu_realmap_table(entry)
				  [(index >> shift) % VMMU_REALMAP_ENTRIES]);
	}
	return entry & VMMU_REALMAP_PRESENT ? entry : 0;
}

/* Part of the following: the last-level table of @index, if there is one. */
const u64 *vmmu_realmap_find_table(struct vmmu_realmap *realmap, u64 index);

/* As vmmu_realmap_lookup(), and cheaper where the last one was near. */
static inline u64 vmmu_realmap_lookup_near(struct vmmu_realmap *realmap,
					   struct vmmu_realmap_near *near,
					   u64 index)
{
	u64 region = index >> VMMU_REALMAP_INDEX_BITS, entry;

	if (unlikely(near->region != region)) {
		const u64 *table = vmmu_realmap_find_table(realmap, index);

		if (!table)
			return vmmu_realmap_lookup(realmap, index);
		near->region = region;
		near->table = table;
	}
	entry = READ_ONCE(near->table[index % VMMU_REALMAP_ENTRIES]);
	return entry & VMMU_REALMAP_PRESENT ? entry : 0;
}

static inline bool vmmu_word_load_near(struct vmmu_realmap *realmap,
				       struct vmmu_realmap_near *near,
				       struct vmmu_ra ra, u64 *value)
{
	u64 entry = vmmu_realmap_lookup_near(realmap, near, vmmu_ra_index(ra));

	if (unlikely(!entry))
		return vmmu_word_load(realmap, ra, value);
	*value = READ_ONCE(*vmmu_realmap_word(entry, ra));
	return true;
}

/*
 * The first present entry from the real page *@index to @last, inclusive;
 * *@index becomes its first page. Returns 0 when there is none, with *@index
 * where to go on: @last + 1, or less after a bounded number of empty tables.
 */
u64 vmmu_realmap_next(struct vmmu_realmap *realmap, u64 *index, u64 last);

/*
 * Give the real page @index a zeroed frame if it has none. Returns 0, -ENOMEM,
 * or -EINVAL for a page beyond real memory. May sleep; takes no lock.
 */
int vmmu_realmap_provide(struct vmmu_realmap *realmap, u64 index);

/*
 * Take the frame of the real page @index away, and move the invalidation
 * sequence on. Returns the frame, whose reference the caller now owns, or NULL
 * if there was none. No host PTE may refer to it when that reference goes.
 */
struct page *vmmu_realmap_clear(struct vmmu_realmap *realmap, u64 index);

/*
 * The frame of the real page @index, with a reference that the caller owns, or
 * NULL if it has none. It may leave the table at any time.
 */
struct page *vmmu_realmap_get(struct vmmu_realmap *realmap, u64 index);

/* The real page that the frame @pfn backs, in *@index. False: none. */
bool vmmu_realmap_find(struct vmmu_realmap *realmap, u64 pfn, u64 *index);

/* Make the tables down to the entry of @index. May sleep. -ENOMEM. */
int vmmu_realmap_reserve(struct vmmu_realmap *realmap, u64 index);

/*
 * Whether the real page @index is a page table, and may be written: @state is of
 * TABLE and WRITABLE. Returns the entry, 0 if it has no frame; where the tables
 * do not reach nothing happens. The caller invalidates.
 */
u64 vmmu_realmap_set_state(struct vmmu_realmap *realmap, u64 index, u64 state);

/* Whether vmmu_realmap_reserve() has nothing to do. */
bool vmmu_realmap_reserved(struct vmmu_realmap *realmap, u64 index);

/* Set ACCESSED or DIRTY in the entry of @index, if it is present. */
void vmmu_realmap_mark(struct vmmu_realmap *realmap, u64 index, u64 bits);

/*
 * Tell everybody who cached a translation that it may be wrong now. Comes
 * after the change, and before the caller removes host PTEs that are based on
 * what was changed.
 */
void vmmu_realmap_invalidate(struct vmmu_realmap *realmap);

static inline u64 vmmu_realmap_sequence(struct vmmu_realmap *realmap)
{
	return atomic64_read_acquire(&realmap->sequence);
}

static inline u64 vmmu_realmap_pfn(u64 entry)
{
	return (entry & VMMU_REALMAP_FRAME) >> PAGE_SHIFT;
}

static inline struct page *vmmu_realmap_page(u64 entry)
{
	return pfn_to_page(vmmu_realmap_pfn(entry));
}

#endif /* VMMU_REALMAP_H */
