// SPDX-License-Identifier: GPL-2.0
/*
 * What VMMU_IOC_TRANSLATE changes, when asked to, and only then: A and D in
 * the entries it used, and a frame for a real page that has none.
 */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)

FIXTURE(translate_ad) {
	struct guest g;
};

FIXTURE_VARIANT(translate_ad) {
	__u32 format;
};

FIXTURE_VARIANT_ADD(translate_ad, four) {
	.format = FORMAT4,
};

FIXTURE_VARIANT_ADD(translate_ad, five) {
	.format = FORMAT5,
};

FIXTURE_SETUP(translate_ad)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, variant->format, VMMU_MODE_NXE);
}

FIXTURE_TEARDOWN(translate_ad)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* A and D change when asked for, on success, on what the walk used. */
TEST_F(translate_ad, accessed_and_dirty)
{
	struct guest *g = &self->g;
	__u64 vas[] = { 0x1000, 0x200000, 0x40000000 }, was[6], now;
	int leaf, access, level;

	guest_map(g, 0x1000, 1, g->data | PTE_ALL | PTE_NX);
	guest_map(g, 0x2000, 1, g->data | PTE_ALL);
	guest_map(g, 0x200000, 2, PTE_ALL | PTE_PS);
	guest_map(g, 0x40000000, 3, PTE_ALL | PTE_PS);
	for (leaf = 1; leaf <= 3; leaf++) {
		__u64 va = vas[leaf - 1];

		for (access = READ; access <= FETCH; access++) {
			bool ok = leaf > 1 || access != FETCH;

			for (level = leaf; level <= g->levels; level++) {
				*guest_slot(g, va, level) &= ~(PTE_A | PTE_D);
				was[level] = *guest_slot(g, va, level);
			}
			translate(g->space, USER, access, va);
			for (level = leaf; level <= g->levels; level++) {
				ASSERT_EQ(was[level],
					  *guest_slot(g, va, level));
			}
			translate(g->space, USER | SET_AD, access, va);
			for (level = leaf; level <= g->levels; level++) {
				now = was[level] | (ok ? PTE_A : 0);
				if (level == leaf && access == WRITE)
					now |= PTE_D;
				ASSERT_EQ(now, *guest_slot(g, va, level));
			}
		}
	}
	/* The neighbour was never used. */
	ASSERT_EQ(g->data | PTE_ALL, *guest_slot(g, 0x2000, 1));
}

TEST_F(translate_ad, backing)
{
	struct guest *g = &self->g;
	struct vmmu_vm_info before;
	struct vmmu_translation t;

	guest_map(g, 0x1000, 1, g->data | PTE_ALL);
	guest_map(g, 0x200000, 2, 0xa00000 | PTE_ALL | PTE_PS);
	before = vm_info(g->vm);
	t = translate(g->space, 0, READ, 0x1000);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED, t.reason);
	EXPECT_EQ(VMMU_TRANSLATED, t.flags);
	EXPECT_EQ(g->data, t.ra);
	EXPECT_EQ(0, t.frame);
	t = translate(g->space, SET_AD, WRITE, 0x1000);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED, t.reason);
	vm_unchanged(before, g->vm);

	/* A refusal provides nothing. */
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT,
		  translate(g->space, PROVIDE, READ, 0x3000).reason);
	vm_unchanged(before, g->vm);

	t = translate(g->space, PROVIDE, READ, 0x1000);
	EXPECT_EQ(VMMU_REASON_NONE, t.reason);
	EXPECT_TRUE(t.flags & VMMU_TRANSLATED_BACKED);
	EXPECT_EQ(real_page(g->vm, g->data).frame, t.frame);
	EXPECT_EQ(before.frames + 1, vm_info(g->vm).frames);
	EXPECT_EQ(before.sequence, vm_info(g->vm).sequence);

	/* In a large page one real page is provided, the one asked about. */
	t = translate(g->space, PROVIDE, READ, 0x203456);
	EXPECT_EQ(0xa03456, t.ra);
	EXPECT_EQ(real_page(g->vm, 0xa03000).frame, t.frame);
	EXPECT_EQ(before.frames + 2, vm_info(g->vm).frames);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED,
		  translate(g->space, 0, READ, 0x204000).reason);

	discard(g->vm, g->data, PAGE);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED,
		  translate(g->space, 0, READ, 0x1000).reason);
}

/* A table page without a frame reads as zeroes and gets none by reading. */
TEST_F(translate_ad, table_without_a_frame)
{
	struct guest *g = &self->g;
	struct vmmu_vm_info before;
	struct vmmu_translation t;

	guest_map(g, 0x1000, 1, g->data | PTE_ALL);
	discard(g->vm, *guest_slot(g, 0x1000, 2) & PTE_ADDRESS, PAGE);
	before = vm_info(g->vm);
	t = translate(g->space, SET_AD | PROVIDE, READ, 0x1000);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t.reason);
	EXPECT_EQ(1, t.level);
	vm_unchanged(before, g->vm);
	set_root(g->space, g->data + MIB);
	before.sequence++;
	t = translate(g->space, SET_AD | PROVIDE, READ, 0x1000);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t.reason);
	EXPECT_EQ(g->levels, t.level);
	vm_unchanged(before, g->vm);
}

/*
 * A table that maps itself: one entry is used at every level of the walk, and
 * as the leaf. It gets A and D, once, and the walk ends.
 */
TEST_F(translate_ad, self_map)
{
	struct guest *g = &self->g;
	__u64 va = 0, *slot = guest_entry(g, g->root, 1);
	struct vmmu_translation t;
	int level, access;

	for (level = 1; level <= g->levels; level++)
		va |= 1ULL << (12 + 9 * (level - 1));
	for (access = READ; access <= FETCH; access++) {
		*slot = g->root | PTE_ALL;
		t = translate(g->space, SET_AD, access, va);
		ASSERT_EQ(VMMU_REASON_NONE, t.reason);
		ASSERT_EQ(g->root, t.ra);
		ASSERT_EQ(1, t.level);
		ASSERT_EQ(g->root | PTE_ALL | PTE_A |
			  (access == WRITE ? PTE_D : 0), *slot);
	}
}

TEST_HARNESS_MAIN
