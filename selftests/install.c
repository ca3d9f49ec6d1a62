// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_INSTALL, entry by entry: outcomes, what stops it, frames there and
 * then, the sequence. install_batch.c has progress and atomicity, install_heavy.c
 * large pages, size and load.
 */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)
#define STOP	VMMU_INSTALL_STOP

FIXTURE(install) {
	struct guest g;
	int space, levels;
};

FIXTURE_VARIANT(install) {
	__u32 format;
};

FIXTURE_VARIANT_ADD(install, four) {
	.format = FORMAT4,
};

FIXTURE_VARIANT_ADD(install, five) {
	.format = FORMAT5,
};

FIXTURE_SETUP(install)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, variant->format, 0);
	self->space = self->g.space;
	self->levels = self->g.levels;
}

FIXTURE_TEARDOWN(install)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/*
 * A whole path in one batch, from nothing: each element uses the table that
 * the one before it established, in pages that had no frame.
 */
TEST_F(install, a_path_from_nothing)
{
	struct vmmu_vm_info before = vm_info(self->g.vm), after;
	struct vmmu_install_op ops[5] = {};
	struct vmmu_install i;
	__u8 outcomes[6];
	int level, n = self->levels;

	ASSERT_EQ(0, before.frames);
	for (level = n; level >= 1; level--) {
		struct vmmu_install_op *op = &ops[n - level];

		op->va = 0x123456789000;
		op->level = level;
		op->value = (level + 10) * PAGE | PTE_ALL;
	}
	memset(outcomes, POISON8, sizeof(outcomes));
	ASSERT_EQ(0, _install(self->space, 0, ops, n, outcomes, &i));
	EXPECT_EQ(n, i.done);
	EXPECT_EQ(n, i.index);
	EXPECT_EQ(VMMU_REASON_NONE, i.reason);
	for (level = n; level > 1; level--)
		EXPECT_EQ(VMMU_OUTCOME_TABLE, outcomes[n - level]);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, outcomes[n - 1]);
	EXPECT_EQ(POISON8, outcomes[n]);

	/* The root, the tables, and the page have frames now, no more. */
	after = vm_info(self->g.vm);
	EXPECT_EQ(n + 1, after.frames);
	EXPECT_EQ(before.sequence, after.sequence);
	EXPECT_EQ(12, real_page(self->g.vm, 11 * PAGE).page_shift);
	EXPECT_EQ(11 * PAGE + 0x42,
		  translate(self->space, 0, READ, 0x123456789042).ra);
	EXPECT_EQ(VMMU_REASON_NONE,
		  translate(self->space, 0, READ, 0x123456789042).reason);
	for (level = n; level >= 1; level--) {
		__u64 *slot = guest_slot(&self->g, 0x123456789000, level);

		EXPECT_EQ((level + 10) * PAGE | PTE_ALL, *slot);
		*slot = 0;
		EXPECT_TRUE(all_bytes((void *)((uintptr_t)slot & -PAGE), 0,
				      PAGE));
		*slot = (level + 10) * PAGE | PTE_ALL;
	}
}

TEST_F(install, a_page_gets_its_frame_at_once)
{
	struct guest *g = &self->g;
	struct vmmu_translation t;
	__u64 frame;

	guest_slot(g, 0x1000, 1);
	EXPECT_EQ(VMMU_OUTCOME_PAGE,
		  install_one(self->space, 0x1000, 1, g->data | PTE_P));
	frame = real_page(g->vm, g->data).frame;
	EXPECT_EQ(12, real_page(g->vm, g->data).page_shift);
	t = translate(self->space, 0, READ, 0x1000);
	EXPECT_TRUE(t.flags & VMMU_TRANSLATED_BACKED);
	EXPECT_EQ(frame, t.frame);
	EXPECT_TRUE(all_bytes(g->mem + g->data, 0, PAGE));
	g->mem[g->data] = 0x11;

	/* One that has a frame keeps it and its contents. */
	EXPECT_EQ(VMMU_OUTCOME_PAGE,
		  install_one(self->space, 0x2000, 1, g->data | PTE_P));
	EXPECT_EQ(frame, real_page(g->vm, g->data).frame);
	EXPECT_EQ(0x11, g->mem[g->data]);
}

/* The sequence grows when an entry that was present changes, only then. */
TEST_F(install, sequence)
{
	struct guest *g = &self->g;
	__u64 s, *slot = guest_slot(g, 0x1000, 1);
	__u64 present[] = { (g->data + PAGE) | PTE_P, g->data | PTE_P,
			    g->data | PTE_P | PTE_W, g->data | PTE_P, 0 };
	unsigned int i;

	s = vm_info(g->vm).sequence;
	EXPECT_EQ(VMMU_OUTCOME_CLEARED, install_one(self->space, 0x1000, 1,
						    0x123450));
	EXPECT_EQ(0x123450, *slot);
	EXPECT_EQ(VMMU_OUTCOME_CLEARED, install_one(self->space, 0x1000, 1, 0));
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, 0x1000, 1,
						 g->data | PTE_P));
	EXPECT_EQ(s, vm_info(g->vm).sequence);
	for (i = 0; i < ARRAY_SIZE(present); i++) {
		install_one(self->space, 0x1000, 1, present[i]);
		EXPECT_EQ(present[i], *slot);
		EXPECT_LT(s, vm_info(g->vm).sequence);
		s = vm_info(g->vm).sequence;
	}
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, 0x1000, 1,
						 g->data | PTE_P));
	EXPECT_EQ(s, vm_info(g->vm).sequence);

	/* An upper level's change counts as well. */
	install_one(self->space, 0x1000, self->levels, 0);
	EXPECT_LT(s, vm_info(g->vm).sequence);
}

/* What was mapped is mapped otherwise as soon as the call returns. */
TEST_F(install, remap)
{
	struct guest *g = &self->g;
	int i;

	guest_slot(g, 0x1000, 1);
	for (i = 0; i < 10; i++) {
		__u64 ra = g->data + i * PAGE;

		g->mem[ra] = i;
		install_one(self->space, 0x1000, 1, ra | PTE_P);
		ASSERT_EQ(ra, translate(self->space, 0, READ, 0x1000).ra);
	}
	EXPECT_EQ(VMMU_OUTCOME_CLEARED, install_one(self->space, 0x1000, 1, 0));
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT,
		  translate(self->space, 0, READ, 0x1000).reason);
}

TEST_F(install, missing_table)
{
	struct guest *g = &self->g;
	struct vmmu_vm_info before;
	int level, n = self->levels;

	for (level = n; level > 1; level--) {
		/* Down to @level there are tables; below it there is none. */
		*guest_slot(g, 0x1000, level) = 0;
		before = vm_info(g->vm);
		err_install_one(VMMU_REASON_NOT_PRESENT, level, self->space,
				0x1000, level - 1, g->data | PTE_P);
		if (level > 2)
			err_install_one(VMMU_REASON_NOT_PRESENT, level,
					self->space, 0x1000, 1,
					g->data | PTE_P);
		vm_unchanged(before, g->vm);
	}
}

TEST_F(install, table_beyond_real)
{
	struct guest *g = &self->g;
	struct vmmu_vm_info before;
	int level;

	for (level = self->levels; level > 1; level--) {
		*guest_slot(g, 0x1000, level) = REAL | PTE_ALL;
		before = vm_info(g->vm);
		err_install_one(VMMU_REASON_TABLE_BEYOND_REAL, level - 1,
				self->space, 0x1000, level - 1,
				g->data | PTE_P);
		vm_unchanged(before, g->vm);
		*guest_slot(g, 0x1000, level) = 0;
	}
	set_root(self->space, REAL);
	err_install_one(VMMU_REASON_TABLE_BEYOND_REAL, self->levels,
			self->space, 0x1000, self->levels, 0);
}

TEST_F(install, no_table_below)
{
	struct guest *g = &self->g;

	guest_map(g, 0x200000, 2, PTE_ALL | PTE_PS);
	guest_map(g, 0x40000000, 3, PTE_ALL | PTE_PS);
	err_install_one(VMMU_REASON_LARGE_PAGE, 2, self->space, 0x200000, 1,
			g->data | PTE_P);
	err_install_one(VMMU_REASON_LARGE_PAGE, 3, self->space, 0x40000000, 2,
			0);
	err_install_one(VMMU_REASON_LARGE_PAGE, 3, self->space, 0x40000000, 1,
			0);
	guest_map(g, 0x600000, 2, g->data | PTE_ALL | PTE_NX);
	err_install_one(VMMU_REASON_RESERVED, 2, self->space, 0x600000, 1, 0);
	EXPECT_TRUE(all_bytes(g->mem + g->data, 0, PAGE));
}

/* Rights above do not matter to an install, nor does A of the tables. */
TEST_F(install, rights_do_not_matter)
{
	struct guest *g = &self->g;
	int level;

	guest_slot(g, 0x1000, 1);
	for (level = self->levels; level > 1; level--)
		*guest_slot(g, 0x1000, level) &= ~(PTE_W | PTE_U);
	set_mode(self->space, VMMU_MODE_WP, 0, 52);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, 0x1000, 1,
						 g->data | PTE_P));
	for (level = self->levels; level > 1; level--)
		EXPECT_EQ(0, *guest_slot(g, 0x1000, level) & PTE_A);
	EXPECT_EQ(g->data | PTE_P, *guest_slot(g, 0x1000, 1));
}

TEST_F(install, bad_level)
{
	__u32 bad[] = { 0, self->levels + 1, 64, ~0U };
	struct vmmu_vm_info before = vm_info(self->g.vm);
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(bad); k++) {
		struct vmmu_install_op op = { .va = 0x1000, .level = bad[k] };
		struct vmmu_install i;

		ASSERT_EQ(-EINVAL, _install(self->space, 0, &op, 1, NULL, &i));
		ASSERT_EQ(0, i.done);
		ASSERT_EQ(0, i.index);
		vm_unchanged(before, self->g.vm);
	}
}

TEST_F(install, noncanonical)
{
	__u64 top = 1ULL << (self->levels == 5 ? 56 : 47);
	struct guest *g = &self->g;

	guest_slot(g, top - PAGE, 1);
	guest_slot(g, -top, 1);
	err_install_one(VMMU_REASON_NONCANONICAL, 0, self->space, top, 1, 0);
	err_install_one(VMMU_REASON_NONCANONICAL, 0, self->space, -top - 1, 1,
			0);
	err_install_one(VMMU_REASON_NONCANONICAL, 0, self->space, 1ULL << 63,
			self->levels, 0);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, top - 1, 1,
						 g->data | PTE_P));
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, -top, 1,
						 (g->data + PAGE) | PTE_P));
	EXPECT_EQ(g->data, translate(self->space, 0, READ, top - PAGE).ra);
	EXPECT_EQ(g->data + PAGE, translate(self->space, 0, READ, -top).ra);
}

/*
 * What establishes nothing is stored all the same, as on a CPU; with STOP it
 * is not, and the batch ends there.
 */
#define establishes_nothing(at, lvl, entry, outcome, why) do {		\
	__u64 __va = (at), __value = (entry);				\
	int __level = (lvl);						\
	struct vmmu_install_op __op = {					\
		.va = __va, .value = __value, .level = __level,		\
	};								\
	__u64 *__slot = guest_slot(&self->g, __va, __level);		\
	struct vmmu_vm_info __before;					\
	struct vmmu_install __i;					\
	__u8 __outcome = POISON8;					\
									\
	*__slot = 0;							\
	__before = vm_info(self->g.vm);					\
	ASSERT_EQ(-ENXIO, _install(self->space, STOP, &__op, 1,		\
				   &__outcome, &__i));			\
	ASSERT_EQ(0, __i.done);						\
	ASSERT_EQ(0, __i.index);					\
	ASSERT_EQ((why), __i.reason);					\
	ASSERT_EQ(__level, __i.level);					\
	ASSERT_EQ(POISON8, __outcome);					\
	ASSERT_EQ(0, *__slot);						\
	ASSERT_EQ((outcome), install_one(self->space, __va, __level,	\
					 __value));			\
	ASSERT_EQ(__value, *__slot);					\
	vm_unchanged(__before, self->g.vm);				\
	*__slot = 0;							\
} while (0)

TEST_F(install, establishes_nothing)
{
	__u64 beyond[] = { REAL, REAL + PAGE, TIB, PTE_ADDRESS };
	unsigned int i;
	int level;

	guest_slot(&self->g, 0x1000, 1);
	for (i = 0; i < ARRAY_SIZE(beyond); i++)
		establishes_nothing(0x1000, 1, beyond[i] | PTE_ALL,
				    VMMU_OUTCOME_BEYOND_REAL,
				    VMMU_REASON_BEYOND_REAL);
	establishes_nothing(0x1000, 1, self->g.data | PTE_P | PTE_NX,
			    VMMU_OUTCOME_RESERVED, VMMU_REASON_RESERVED);
	establishes_nothing(0x40200000, 2, PTE_P | PTE_PS | 1 << 13,
			    VMMU_OUTCOME_RESERVED, VMMU_REASON_RESERVED);
	establishes_nothing(0x40200000, 2, PTE_P | PTE_PS | REAL,
			    VMMU_OUTCOME_BEYOND_REAL, VMMU_REASON_BEYOND_REAL);
	establishes_nothing(0x8000000000, 3, PTE_P | PTE_PS | 1 << 29,
			    VMMU_OUTCOME_RESERVED, VMMU_REASON_RESERVED);
	establishes_nothing(0x8000000000, 3, PTE_P | PTE_PS | GIB,
			    VMMU_OUTCOME_BEYOND_REAL, VMMU_REASON_BEYOND_REAL);
	for (level = 4; level <= self->levels; level++)
		establishes_nothing(-PAGE, level, PTE_P | PTE_PS,
				    VMMU_OUTCOME_RESERVED,
				    VMMU_REASON_RESERVED);

	/* With NXE, or from 52 address bits on, these are good. */
	set_mode(self->space, VMMU_MODE_NXE, 0, 52);
	EXPECT_EQ(VMMU_OUTCOME_PAGE,
		  install_one(self->space, 0x1000, 1,
			      self->g.data | PTE_P | PTE_NX));
	set_mode(self->space, 0, 0, 40);
	establishes_nothing(0x1000, 1, self->g.data | PTE_P | 1ULL << 40,
			    VMMU_OUTCOME_RESERVED, VMMU_REASON_RESERVED);
}

/* A table that does not exist: the store stands, nothing can be under it. */
TEST_F(install, table_entry_beyond_real)
{
	__u8 outcome = install_one(self->space, 0, self->levels,
				   REAL | PTE_ALL);

	EXPECT_EQ(VMMU_OUTCOME_BEYOND_REAL, outcome);
	EXPECT_EQ(REAL | PTE_ALL, *guest_slot(&self->g, 0, self->levels));
	err_install_one(VMMU_REASON_TABLE_BEYOND_REAL, self->levels - 1,
			self->space, 0, 1, 0);
}

/* Through a table that maps itself: the va names the entry as a CPU would. */
TEST_F(install, self_map)
{
	struct guest *g = &self->g;
	__u64 va = 0, *slot;
	int level;

	*guest_entry(g, g->root, 1) = g->root | PTE_ALL;
	for (level = 1; level <= self->levels; level++)
		va |= 1ULL << (12 + 9 * (level - 1));
	/* Every level of this address is the root's entry 1. */
	slot = guest_entry(g, g->root, 1);
	EXPECT_EQ(g->root, translate(self->space, 0, READ, va).ra);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, va, 1,
						 g->root | PTE_ALL | PTE_G));
	EXPECT_EQ(g->root | PTE_ALL | PTE_G, *slot);
	va ^= 3 << 12;		/* index 2 of the last level: entry 2 */
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(self->space, va, 1,
						 g->data | PTE_ALL));
	EXPECT_EQ(g->data | PTE_ALL, *guest_entry(g, g->root, 2));
}

TEST_HARNESS_MAIN
