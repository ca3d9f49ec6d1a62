/* SPDX-License-Identifier: GPL-2.0 */
/* Where vectors come from: at random, or made by hand. */
#ifndef ORACLE_VECTORS_H
#define ORACLE_VECTORS_H

#include "layout.h"
#include <linux/vmmu.h>

#define ENTRY_P		(1ULL << 0)
#define ENTRY_W		(1ULL << 1)
#define ENTRY_U		(1ULL << 2)
#define ENTRY_A		(1ULL << 5)
#define ENTRY_D		(1ULL << 6)
#define ENTRY_PS	(1ULL << 7)
#define ENTRY_IGNORED	(1ULL << 9)
#define ENTRY_NX	(1ULL << 63)
#define ENTRY_ADDRESS	0x000ffffffffff000ULL

/* Known differences, by their places in oracle_known[]. */
enum {
	KNOWN_RESERVED_WITHOUT_P,
	KNOWN_ACCESSED_ABOVE_FAULT,
	KNOWN_ACCESSED_GIB_PAGE,
	KNOWN_TABLE_BEYOND_RAM,
	KNOWN_PAGE_BEYOND_RAM,
	NR_KNOWN,
};

/* Index of @va's entry in a table of @level. */
static inline __u32 oracle_index(__u64 va, __u32 level)
{
	return va >> (12 + 9 * (level - 1)) & 511;
}

static inline __u64 oracle_page_ra(__u32 page)
{
	return ORACLE_ARENA + page * (__u64)ORACLE_PAGE;
}

/*
 * Make vector @number of @seed. It stands alone: every entry that its walk can
 * come to is its own, wherever the tables coincide.
 */
void oracle_make_random(struct oracle_vector *vector, __u64 seed, __u64 number,
			__u32 levels, __u32 phys_bits);

/*
 * Make the vectors that show known differences, up to @capacity of them.
 * Returns how many there are.
 */
__u32 oracle_make_directed(struct oracle_vector *vectors, __u32 capacity,
			   __u32 levels, __u32 phys_bits);

#endif /* ORACLE_VECTORS_H */
