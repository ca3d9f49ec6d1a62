// SPDX-License-Identifier: GPL-2.0
/*
 * x86-64 paging with 4 and 5 levels (Intel SDM volume 3, 4.5): how entries are
 * laid out. The two formats differ in their number of levels only.
 */
#include <errno.h>

#include "table_format.h"

#define X86_P		(1ULL << 0)
#define X86_W		(1ULL << 1)
#define X86_U		(1ULL << 2)
#define X86_PWT		(1ULL << 3)
#define X86_PCD		(1ULL << 4)
#define X86_A		(1ULL << 5)
#define X86_D		(1ULL << 6)
#define X86_PS		(1ULL << 7)	/* upper levels: a large page */
#define X86_PAT		(1ULL << 7)	/* level 1 */
#define X86_G		(1ULL << 8)
#define X86_PAT_LARGE	(1ULL << 12)
#define X86_KEY_SHIFT	59
#define X86_NR_KEYS	16
#define X86_NX		(1ULL << 63)

#define X86_TOP_PAGE_LEVEL	3	/* the highest level with pages */

static const uint8_t level_shift[] = { 0, 12, 21, 30, 39, 48, 57 };

/* The address bits, 51 to 12 or more, of an entry that maps 2^shift bytes. */
static uint64_t address_mask(unsigned int shift)
{
	return ((1ULL << 52) - 1) & ~((1ULL << shift) - 1);
}

static bool is_leaf(unsigned int level, uint64_t value)
{
	return level == 1 || (level <= X86_TOP_PAGE_LEVEL && value & X86_PS);
}

static uint64_t leaf_bits(unsigned int level,
			  const struct vmmu_table_entry *entry)
{
	uint64_t bits = (uint64_t)entry->pkey << X86_KEY_SHIFT;

	if (entry->flags & VMMU_TABLE_DIRTY)
		bits |= X86_D;
	if (entry->flags & VMMU_TABLE_GLOBAL)
		bits |= X86_G;
	if (level > 1)
		bits |= X86_PS;
	return bits;
}

static int encode(unsigned int level, const struct vmmu_table_entry *entry,
		  uint64_t *value)
{
	bool leaf = entry->flags & VMMU_TABLE_LEAF;
	unsigned int shift = leaf ? level_shift[level] : 12;
	uint64_t bits = X86_P | entry->ra;

	if (entry->ra & ~address_mask(shift))
		return -EINVAL;
	if (leaf && (level > X86_TOP_PAGE_LEVEL || entry->page_shift != shift ||
		     entry->pkey >= X86_NR_KEYS))
		return -EINVAL;
	if (!leaf && level == 1)
		return -EINVAL;
	if (entry->rights & VMMU_RIGHT_WRITE)
		bits |= X86_W;
	if (entry->rights & VMMU_RIGHT_USER)
		bits |= X86_U;
	if (!(entry->rights & VMMU_RIGHT_EXEC))
		bits |= X86_NX;
	if (entry->flags & VMMU_TABLE_ACCESSED)
		bits |= X86_A;
	if (leaf)
		bits |= leaf_bits(level, entry);
	*value = bits;
	return 0;
}

static void decode(unsigned int level, uint64_t value,
		   struct vmmu_table_entry *entry)
{
	if (!(value & X86_P))
		return;
	entry->flags = VMMU_TABLE_PRESENT;
	entry->rights = VMMU_RIGHT_READ;
	if (value & X86_W)
		entry->rights |= VMMU_RIGHT_WRITE;
	if (value & X86_U)
		entry->rights |= VMMU_RIGHT_USER;
	if (!(value & X86_NX))
		entry->rights |= VMMU_RIGHT_EXEC;
	if (value & X86_A)
		entry->flags |= VMMU_TABLE_ACCESSED;
	if (!is_leaf(level, value)) {
		entry->ra = value & address_mask(12);
		return;
	}
	entry->flags |= VMMU_TABLE_LEAF;
	entry->page_shift = level_shift[level];
	entry->ra = value & address_mask(entry->page_shift);
	entry->pkey = value >> X86_KEY_SHIFT & (X86_NR_KEYS - 1);
	if (value & X86_D)
		entry->flags |= VMMU_TABLE_DIRTY;
	if (value & X86_G)
		entry->flags |= VMMU_TABLE_GLOBAL;
}

static uint64_t attributes(unsigned int level, uint64_t value)
{
	return value & ~address_mask(level_shift[level]);
}

static void describe_leaf(unsigned int level, uint64_t value, struct text *text)
{
	unsigned int key = value >> X86_KEY_SHIFT & (X86_NR_KEYS - 1);

	if (value & X86_D)
		vmmu_text_word(text, "D");
	if (level > 1)
		vmmu_text_word(text, "PS");
	if (value & (level > 1 ? X86_PAT_LARGE : X86_PAT))
		vmmu_text_word(text, "PAT");
	if (value & X86_G)
		vmmu_text_word(text, "G");
	if (key)
		vmmu_text_add(text, " key=%u", key);
}

static void describe(unsigned int level, uint64_t value, struct text *text)
{
	vmmu_text_word(text, "P");
	if (value & X86_W)
		vmmu_text_word(text, "W");
	if (value & X86_U)
		vmmu_text_word(text, "U");
	if (value & X86_PWT)
		vmmu_text_word(text, "PWT");
	if (value & X86_PCD)
		vmmu_text_word(text, "PCD");
	if (value & X86_A)
		vmmu_text_word(text, "A");
	if (is_leaf(level, value))
		describe_leaf(level, value, text);
	else if (value & X86_PS)
		vmmu_text_word(text, "PS(reserved)");
	if (value & X86_NX)
		vmmu_text_word(text, "NX");
}

const struct table_format vmmu_table_x86_64_4level = {
	.name = "x86-64-4level",
	.level_names = { "", "PTE", "PDE", "PDPTE", "PML4E" },
	.levels = 4,
	.entry_bytes = 8,
	.sign_extended = true,
	.shift = { 0, 12, 21, 30, 39, 48 },
	.encode = encode,
	.decode = decode,
	.attributes = attributes,
	.describe = describe,
};

const struct table_format vmmu_table_x86_64_5level = {
	.name = "x86-64-5level",
	.level_names = { "", "PTE", "PDE", "PDPTE", "PML4E", "PML5E" },
	.levels = 5,
	.entry_bytes = 8,
	.sign_extended = true,
	.shift = { 0, 12, 21, 30, 39, 48, 57 },
	.encode = encode,
	.decode = decode,
	.attributes = attributes,
	.describe = describe,
};
