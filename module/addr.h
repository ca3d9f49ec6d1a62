/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses. A virtual and a real address are structures of one member, so
 * that the compiler tells them apart; they are made from and turned into
 * numbers here and nowhere else. Real pages are 4 KiB in every format.
 */
#ifndef VMMU_ADDR_H
#define VMMU_ADDR_H

#include "types.h"

#define VMMU_PAGE_SHIFT		12
#define VMMU_PAGE_BYTES		BIT_ULL(VMMU_PAGE_SHIFT)

struct vmmu_va {
	u64 value;
};

struct vmmu_ra {
	u64 value;
};

static inline struct vmmu_va vmmu_va(u64 value)
{
	return (struct vmmu_va){ value };
}

static inline struct vmmu_ra vmmu_ra(u64 value)
{
	return (struct vmmu_ra){ value };
}

static inline struct vmmu_ra vmmu_ra_add(struct vmmu_ra ra, u64 bytes)
{
	return vmmu_ra(ra.value + bytes);
}

/* The real page that @ra lies in, as an index into real memory. */
static inline u64 vmmu_ra_index(struct vmmu_ra ra)
{
	return ra.value >> VMMU_PAGE_SHIFT;
}

static inline struct vmmu_ra vmmu_ra_of_index(u64 index)
{
	return vmmu_ra(index << VMMU_PAGE_SHIFT);
}

static inline u64 vmmu_ra_offset(struct vmmu_ra ra)
{
	return ra.value & (VMMU_PAGE_BYTES - 1);
}

/* The first address of the real page that @ra lies in. */
static inline struct vmmu_ra vmmu_ra_page(struct vmmu_ra ra)
{
	return vmmu_ra(ra.value & ~(VMMU_PAGE_BYTES - 1));
}

static inline bool vmmu_page_aligned(u64 value)
{
	return !(value & (VMMU_PAGE_BYTES - 1));
}

#endif /* VMMU_ADDR_H */
