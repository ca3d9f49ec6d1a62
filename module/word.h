/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words of real memory, which is where guests keep their page tables: the one
 * thing that walks need from below. The real map table provides them in the
 * module; a test in userspace provides its own.
 */
#ifndef VMMU_WORD_H
#define VMMU_WORD_H

#include "addr.h"

struct vmmu_realmap;

/*
 * Read the aligned word at @ra, once. A page without a frame reads as zeroes.
 * Returns false when @ra is beyond real memory.
 */
bool vmmu_word_load(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		    u64 *value);

/**
 * struct vmmu_realmap_near - what was used last
 * @region: which part of real memory, counted in tables of the real map.
 * @table: its last-level table.
 */
struct vmmu_realmap_near {
	u64 region;
	const u64 *table;
};

/* Where nothing was used yet: no part has that number. */
#define VMMU_REALMAP_NEAR_NONE	{ .region = ~0ULL }

/* As vmmu_word_load(), and cheaper where the last one was near. */
#ifndef __KERNEL__
bool vmmu_word_load_near(struct vmmu_realmap *realmap,
			 struct vmmu_realmap_near *near, struct vmmu_ra ra,
			 u64 *value);
#endif	/* there it is inline, in realmap.h */

/*
 * The page of words that @ra lies in, for as long as the caller holds
 * rcu_read_lock(); NULL: it has no frame, or is beyond real memory. Others may
 * change them at any time.
 */
const u64 *vmmu_word_page(struct vmmu_realmap *realmap, struct vmmu_ra ra);

/*
 * Change the aligned word at @ra from @old to @new. Returns false, and
 * changes nothing, when it is not @old, or when its page has no frame.
 */
bool vmmu_word_cmpxchg(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		       u64 old, u64 new);

#endif /* VMMU_WORD_H */
