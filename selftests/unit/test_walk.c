// SPDX-License-Identifier: GPL-2.0
/* Walks: the moves, their end, the rights they gather, the bits they set. */
#include "kselftest_harness.h"

#include "memory.h"
#include "walk.h"

#define PWU	7ULL
#define PS	(1ULL << 7)
#define ROOT	0x1000ULL
#define VA	0x0000123456789abcULL

FIXTURE(walk)
{
	struct vmmu_realmap *realmap;
	struct vmmu_walk walk;
	struct vmmu_mode mode;
	u64 *entry[6];		/* by level, of VA */
};

FIXTURE_VARIANT(walk)
{
	const struct vmmu_format *format;
};

FIXTURE_VARIANT_ADD(walk, four_levels)
{
	.format = &vmmu_format_x86_64_4level,
};

FIXTURE_VARIANT_ADD(walk, five_levels)
{
	.format = &vmmu_format_x86_64_5level,
};

/* Tables for VA at 0x1000, 0x2000, ...; the page at 0x20000. */
FIXTURE_SETUP(walk)
{
	u64 table = ROOT;

	self->realmap = calloc(1, sizeof(*self->realmap));
	ASSERT_NE(NULL, self->realmap);
	self->mode = (struct vmmu_mode){
		.bits = VMMU_MODE_WP | VMMU_MODE_NXE,
		.maxphyaddr = 40,
	};
	for (unsigned int level = variant->format->levels; level; level--) {
		struct vmmu_ra ra = vmmu_format_entry_ra(variant->format,
				vmmu_ra(table), vmmu_va(VA), level);

		self->entry[level] = memory_word(self->realmap, ra.value);
		table += VMMU_PAGE_BYTES;
		*self->entry[level] = (level > 1 ? table : 0x20000) | PWU;
	}
	vmmu_walk_init(&self->walk, self->realmap, variant->format,
		       vmmu_ra(ROOT), &self->mode);
}

FIXTURE_TEARDOWN(walk)
{
	free(self->realmap);
}

static struct vmmu_verdict walk_for(struct vmmu_walk *walk, u64 va, u32 access,
				    bool user)
{
	struct vmmu_access_kind kind = { access, user };

	vmmu_walk_start(walk, vmmu_va(va));
	vmmu_walk_down(walk);
	return vmmu_walk_judge(walk, kind);
}

TEST_F(walk, reaches_the_page)
{
	struct vmmu_step steps[VMMU_MAX_LEVELS];
	struct vmmu_verdict verdict = walk_for(&self->walk, VA,
					       VMMU_ACCESS_WRITE, true);

	EXPECT_EQ(VMMU_REASON_NONE, verdict.reason);
	EXPECT_EQ(1, verdict.level);
	EXPECT_EQ(0x20abc, vmmu_walk_ra(&self->walk).value);
	EXPECT_EQ(0xf, vmmu_walk_rights(&self->walk));
	EXPECT_EQ(variant->format->levels, self->walk.nr_steps);
	EXPECT_EQ(variant->format->levels, self->realmap->loads);
	EXPECT_EQ(0, self->realmap->changes);
	vmmu_walk_explain(&self->walk, steps);
	for (unsigned int i = 0; i < self->walk.nr_steps; i++) {
		unsigned int level = variant->format->levels - i;

		EXPECT_EQ(level, steps[i].level);
		EXPECT_EQ(*self->entry[level], steps[i].value);
		EXPECT_EQ(0xf, steps[i].rights);
	}
}

TEST_F(walk, stops_at_each_level)
{
	for (unsigned int level = 1; level <= variant->format->levels; level++) {
		u64 good = *self->entry[level];
		struct vmmu_verdict verdict;

		*self->entry[level] = good & ~1ULL;
		verdict = walk_for(&self->walk, VA, VMMU_ACCESS_WRITE, true);
		EXPECT_EQ(VMMU_REASON_NOT_PRESENT, verdict.reason);
		EXPECT_EQ(level, verdict.level);
		EXPECT_TRUE(verdict.fault);
		EXPECT_EQ(6, verdict.error_code);

		*self->entry[level] = good | 1ULL << 45;
		verdict = walk_for(&self->walk, VA, VMMU_ACCESS_READ, false);
		EXPECT_EQ(VMMU_REASON_RESERVED, verdict.reason);
		EXPECT_EQ(level, verdict.level);
		EXPECT_EQ(9, verdict.error_code);

		*self->entry[level] = (1ULL << 39) | PWU;
		verdict = walk_for(&self->walk, VA, VMMU_ACCESS_READ, true);
		if (level > 1) {
			EXPECT_EQ(VMMU_REASON_TABLE_BEYOND_REAL,
				  verdict.reason);
			EXPECT_EQ(level - 1, verdict.level);
			EXPECT_FALSE(verdict.fault);
		} else {
			EXPECT_EQ(VMMU_REASON_NONE, verdict.reason);
		}
		*self->entry[level] = good;
	}
}

TEST_F(walk, a_right_is_missing_at_one_level)
{
	for (unsigned int level = 1; level <= variant->format->levels; level++) {
		u64 good = *self->entry[level];
		struct vmmu_verdict verdict;

		*self->entry[level] = good & ~2ULL;
		verdict = walk_for(&self->walk, VA, VMMU_ACCESS_WRITE, true);
		EXPECT_EQ(VMMU_REASON_WRITE, verdict.reason);
		EXPECT_EQ(level, verdict.level);
		EXPECT_EQ(7, verdict.error_code);

		*self->entry[level] = good & ~4ULL;
		verdict = walk_for(&self->walk, VA, VMMU_ACCESS_READ, true);
		EXPECT_EQ(VMMU_REASON_USER, verdict.reason);
		EXPECT_EQ(level, verdict.level);
		EXPECT_EQ(5, verdict.error_code);

		*self->entry[level] = good | 1ULL << 63;
		verdict = walk_for(&self->walk, VA, VMMU_ACCESS_FETCH, true);
		EXPECT_EQ(VMMU_REASON_NX, verdict.reason);
		EXPECT_EQ(level, verdict.level);
		EXPECT_EQ(0x15, verdict.error_code);
		*self->entry[level] = good;
	}
}

/* The reserved bit of a lower level is found before a right is judged. */
TEST_F(walk, rights_are_judged_after_the_leaf)
{
	struct vmmu_verdict verdict;

	*self->entry[variant->format->levels] &= ~4ULL;
	*self->entry[1] |= 1ULL << 50;
	verdict = walk_for(&self->walk, VA, VMMU_ACCESS_READ, true);
	EXPECT_EQ(VMMU_REASON_RESERVED, verdict.reason);
	EXPECT_EQ(13, verdict.error_code);
}

TEST_F(walk, large_pages)
{
	*self->entry[2] = 0x40000000 | PS | PWU;
	EXPECT_EQ(VMMU_REASON_NONE,
		  walk_for(&self->walk, VA, VMMU_ACCESS_READ, true).reason);
	EXPECT_EQ(21, self->walk.entry.page_shift);
	EXPECT_EQ(0x40000000 + (VA & 0x1fffff), vmmu_walk_ra(&self->walk).value);

	*self->entry[3] = 0x40000000 | PS | PWU;
	EXPECT_EQ(VMMU_REASON_NONE,
		  walk_for(&self->walk, VA, VMMU_ACCESS_READ, true).reason);
	EXPECT_EQ(30, self->walk.entry.page_shift);
	EXPECT_EQ(0x40000000 + (VA & 0x3fffffff),
		  vmmu_walk_ra(&self->walk).value);
	EXPECT_EQ(3, self->walk.level);
}

TEST_F(walk, not_canonical)
{
	struct vmmu_verdict verdict = walk_for(&self->walk, 1ULL << 63,
					       VMMU_ACCESS_READ, true);

	EXPECT_EQ(VMMU_REASON_NONCANONICAL, verdict.reason);
	EXPECT_EQ(0, verdict.level);
	EXPECT_FALSE(verdict.fault);
	EXPECT_EQ(0, self->realmap->loads);
}

TEST_F(walk, root_beyond_real_memory)
{
	self->walk.root = vmmu_ra(MEMORY_PAGES * VMMU_PAGE_BYTES);
	EXPECT_EQ(VMMU_REASON_TABLE_BEYOND_REAL,
		  walk_for(&self->walk, VA, VMMU_ACCESS_READ, true).reason);
	EXPECT_EQ(variant->format->levels, self->walk.level);
}

/* A neighbour costs one load; an address elsewhere what it shares not. */
TEST_F(walk, resume)
{
	walk_for(&self->walk, VA, VMMU_ACCESS_READ, true);
	self->entry[1][1] = 0x21000 | 5;
	self->realmap->loads = 0;
	vmmu_walk_resume(&self->walk, vmmu_va(VA + 0x1000));
	EXPECT_EQ(VMMU_REASON_NONE, vmmu_walk_down(&self->walk));
	EXPECT_EQ(0x21abc, vmmu_walk_ra(&self->walk).value);
	EXPECT_EQ(1, self->realmap->loads);
	EXPECT_EQ(VMMU_RIGHT_READ | VMMU_RIGHT_USER | VMMU_RIGHT_EXEC,
		  vmmu_walk_rights(&self->walk));

	/* Rights come back from above. */
	vmmu_walk_resume(&self->walk, vmmu_va(VA));
	EXPECT_EQ(VMMU_REASON_NONE, vmmu_walk_down(&self->walk));
	EXPECT_EQ(0xf, vmmu_walk_rights(&self->walk));

	self->realmap->loads = 0;
	vmmu_walk_resume(&self->walk, vmmu_va(VA + (2ULL << 21)));
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, vmmu_walk_down(&self->walk));
	EXPECT_EQ(2, self->walk.level);
	EXPECT_EQ(1, self->realmap->loads);

	/* From an address that failed at level 2 back to one that does not. */
	vmmu_walk_resume(&self->walk, vmmu_va(VA));
	EXPECT_EQ(VMMU_REASON_NONE, vmmu_walk_down(&self->walk));
	EXPECT_EQ(0x20abc, vmmu_walk_ra(&self->walk).value);

	/* The other half of the address space, and no half at all. */
	vmmu_walk_resume(&self->walk, vmmu_va(~0ULL));
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, vmmu_walk_down(&self->walk));
	vmmu_walk_resume(&self->walk,
			 vmmu_va(VA | 1ULL << (variant->format->va_bits - 1)));
	EXPECT_EQ(VMMU_REASON_NONCANONICAL, vmmu_walk_down(&self->walk));
	vmmu_walk_resume(&self->walk, vmmu_va(VA));
	EXPECT_EQ(VMMU_REASON_NONE, vmmu_walk_down(&self->walk));
}

TEST_F(walk, move)
{
	unsigned int top = variant->format->levels;
	u64 hole = 1ULL << (variant->format->va_bits - 1);

	vmmu_walk_start(&self->walk, vmmu_va(VA));
	vmmu_walk_to(&self->walk, 1);
	EXPECT_TRUE(vmmu_walk_move(&self->walk, vmmu_va(VA + 0x1000), 1));
	EXPECT_FALSE(vmmu_walk_move(&self->walk, vmmu_va(VA + 0x1000), 2));
	EXPECT_FALSE(vmmu_walk_move(&self->walk, vmmu_va(VA + 0x200000), 1));

	vmmu_walk_start(&self->walk, vmmu_va(VA));
	EXPECT_TRUE(vmmu_walk_move(&self->walk, vmmu_va(0), top));
	EXPECT_FALSE(vmmu_walk_move(&self->walk, vmmu_va(~0ULL), top));
	EXPECT_FALSE(vmmu_walk_move(&self->walk, vmmu_va(hole), top));
}

TEST_F(walk, mark_reads_and_writes)
{
	unsigned int top = variant->format->levels;

	walk_for(&self->walk, VA, VMMU_ACCESS_READ, true);
	EXPECT_TRUE(vmmu_walk_mark(&self->walk, false));
	EXPECT_EQ(top, self->realmap->changes);
	for (unsigned int level = 1; level <= top; level++)
		EXPECT_EQ(0x20, *self->entry[level] & 0x60);

	walk_for(&self->walk, VA, VMMU_ACCESS_WRITE, true);
	EXPECT_TRUE(vmmu_walk_mark(&self->walk, true));
	EXPECT_EQ(top + 1, self->realmap->changes);
	EXPECT_EQ(0x60, *self->entry[1] & 0x60);
	EXPECT_EQ(0x20, *self->entry[2] & 0x60);
}

static u64 *intruded;

static void intrude(struct vmmu_realmap *realmap)
{
	if (intruded)
		*intruded = 0;
	intruded = NULL;
}

/* Somebody stores to the leaf between the walk and the marking. */
TEST_F(walk, mark_meets_a_change)
{
	walk_for(&self->walk, VA, VMMU_ACCESS_WRITE, true);
	intruded = self->entry[1];
	self->realmap->intruder = intrude;
	EXPECT_FALSE(vmmu_walk_mark(&self->walk, true));
	EXPECT_EQ(0, *self->entry[1]);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT,
		  walk_for(&self->walk, VA, VMMU_ACCESS_WRITE, true).reason);
}

TEST_HARNESS_MAIN
