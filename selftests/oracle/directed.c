// SPDX-License-Identifier: GPL-2.0
/*
 * Vectors made by hand: each is a mapping that is good but for one thing, and
 * shows what the table in known.c tells of the emulator.
 */
#include <stdbool.h>
#include <string.h>

#include "vectors.h"

#define VA	0x0000123456789ab8ULL
#define ROOT	8
#define TARGET	1023
/* Added to an address of the arena: neither RAM nor a device is there. */
#define BEYOND	0x20000000ULL

struct list {
	struct oracle_vector *vectors;
	__u32 nr;
	__u32 capacity;
	__u32 levels;
	__u32 phys_bits;
};

/* A user's access to a user's 4 KiB page, with no A or D set anywhere. */
static struct oracle_vector *add(struct list *list, __u32 access)
{
	struct oracle_vector *vector = &list->vectors[list->nr];

	if (list->nr + 1 < list->capacity)
		list->nr++;
	memset(vector, 0, sizeof(*vector));
	vector->va = VA;
	vector->root = ROOT;
	vector->access = access;
	vector->user = true;
	vector->mode = VMMU_MODE_WP | VMMU_MODE_NXE;
	vector->written = 0x5b000000ULL << 32 | list->nr << 1;
	vector->nr = list->levels;
	for (__u32 i = 0; i < list->levels; i++) {
		__u32 level = list->levels - i;
		__u32 page = level > 1 ? ROOT + 1 + i : TARGET;

		vector->slot[level] = i;
		vector->word[i] = (ROOT + i) * 512 + oracle_index(VA, level);
		vector->entry[i] = oracle_page_ra(page) |
				   ENTRY_P | ENTRY_W | ENTRY_U;
	}
	return vector;
}

static __u64 *entry_of(struct oracle_vector *vector, __u32 level)
{
	return &vector->entry[vector->slot[level]];
}

static void show(struct oracle_vector *vector, __u32 known)
{
	vector->shows |= 1U << known;
}

/* Add @reserved bits to the entry of @level. */
static struct oracle_vector *add_reserved(struct list *list, __u32 access,
					  __u32 level, __u64 reserved)
{
	struct oracle_vector *vector = add(list, access);

	*entry_of(vector, level) |= reserved;
	show(vector, KNOWN_RESERVED_WITHOUT_P);
	if (level < list->levels)
		show(vector, KNOWN_ACCESSED_ABOVE_FAULT);
	return vector;
}

static void add_all_reserved(struct list *list, __u32 access, __u32 level)
{
	struct oracle_vector *vector;

	if (list->phys_bits < 52)
		add_reserved(list, access, level, 1ULL << 51);
	vector = add_reserved(list, access, level, ENTRY_NX);
	vector->mode &= ~VMMU_MODE_NXE;
	if (level > 3)
		add_reserved(list, access, level, ENTRY_PS);
	if (level == 2 || level == 3) {
		vector = add_reserved(list, access, level,
				      ENTRY_PS | oracle_page_ra(2));
		if (level == 3)
			show(vector, KNOWN_ACCESSED_GIB_PAGE);
	}
}

/* Take @rights from the entry of @level; P ends the walk there. */
static struct oracle_vector *add_fault(struct list *list, __u32 access,
				       __u32 level, __u64 rights)
{
	struct oracle_vector *vector = add(list, access);

	*entry_of(vector, level) &= ~rights;
	if (level < list->levels || !(rights & ENTRY_P))
		show(vector, KNOWN_ACCESSED_ABOVE_FAULT);
	return vector;
}

static void add_all_faults(struct list *list, __u32 access, __u32 level)
{
	struct oracle_vector *vector;

	add_fault(list, access, level, ENTRY_P);
	add_fault(list, access, level, ENTRY_U);
	if (access == VMMU_ACCESS_WRITE)
		add_fault(list, access, level, ENTRY_W);
	if (access == VMMU_ACCESS_FETCH) {
		vector = add_fault(list, access, level, 0);
		*entry_of(vector, level) |= ENTRY_NX;
	}
	if (level == 3) {
		vector = add_fault(list, access, level, ENTRY_U);
		*entry_of(vector, level) = oracle_page_ra(0) | ENTRY_PS |
					   ENTRY_P | ENTRY_W;
		vector->va &= ~(0x1feULL << 21);
		vector->word[vector->slot[2]] &= ~0x1fe;
		show(vector, KNOWN_ACCESSED_GIB_PAGE);
	}
}

static void add_beyond(struct list *list, __u32 access, __u32 level)
{
	struct oracle_vector *vector;

	if (access == VMMU_ACCESS_FETCH)
		return;
	vector = add(list, access);
	*entry_of(vector, level) += BEYOND;
	show(vector, level > 1 ? KNOWN_TABLE_BEYOND_RAM :
				 KNOWN_PAGE_BEYOND_RAM);
}

__u32 oracle_make_directed(struct oracle_vector *vectors, __u32 capacity,
			   __u32 levels, __u32 phys_bits)
{
	struct list list = {
		.vectors = vectors,
		.capacity = capacity,
		.levels = levels,
		.phys_bits = phys_bits,
	};

	for (__u32 access = VMMU_ACCESS_READ; access <= VMMU_ACCESS_FETCH;
	     access++) {
		add(&list, access);
		for (__u32 level = 1; level <= levels; level++) {
			add_all_reserved(&list, access, level);
			add_all_faults(&list, access, level);
			add_beyond(&list, access, level);
		}
	}
	return list.nr;
}
