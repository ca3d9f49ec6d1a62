// SPDX-License-Identifier: GPL-2.0
/*
 * What a new format costs: this file, less its tests. The toy is a textbook's
 * flat table of one level: 512 words, each
 *
 *	bits 63..12  real page
 *	bit 2        dirty
 *	bit 1        writable
 *	bit 0        valid
 *
 * for a 21-bit address space, with one rule and an error code of its own.
 */
#include "kselftest_harness.h"

#include "memory.h"
#include "walk.h"

static u64 toy_reserved(const struct vmmu_mode *mode)
{
	return 0;
}

static enum vmmu_entry_kind toy_decode(u64 value, unsigned int level,
				       u64 reserved, struct vmmu_entry *out)
{
	out->ra = vmmu_ra(value & ~0xfffULL);
	out->page_shift = VMMU_PAGE_SHIFT;
	return value & 1 ? VMMU_ENTRY_PAGE : VMMU_ENTRY_ABSENT;
}

static u8 toy_rights(u64 grants)
{
	return VMMU_RIGHT_READ | VMMU_RIGHT_EXEC | VMMU_RIGHT_USER |
	       (grants & 2 ? VMMU_RIGHT_WRITE : 0);
}

static u8 toy_allows(u64 grants, u64 leaf, const struct vmmu_mode *mode,
		     bool user)
{
	return BIT(VMMU_ACCESS_READ) | BIT(VMMU_ACCESS_FETCH) |
	       (grants & 2 ? BIT(VMMU_ACCESS_WRITE) : 0);
}

static enum vmmu_reason toy_judge(u8 rights, u64 leaf,
				  const struct vmmu_mode *mode,
				  struct vmmu_access_kind access, bool *pkey)
{
	if (access.access == VMMU_ACCESS_WRITE && !(rights & VMMU_RIGHT_WRITE))
		return VMMU_REASON_WRITE;
	return VMMU_REASON_NONE;
}

static u32 toy_error_code(enum vmmu_reason reason, bool pkey,
			  const struct vmmu_mode *mode,
			  struct vmmu_access_kind access)
{
	return reason;
}

static u64 toy_mark(u64 value, bool dirty)
{
	return value | (dirty ? 4 : 0);
}

static const struct vmmu_format toy = {
	.name = "toy",
	.id = 63,
	.levels = 1,
	.va_bits = 21,
	.index_bits = 9,
	.min_ra_bits = 64,
	.max_ra_bits = 64,
	.marks = 4,
	.page_test = 1,
	.page_is = 1,
	.address = ~0xfffULL,
	.marked = { 0, 4 },
	.reserved = toy_reserved,
	.decode = toy_decode,
	.rights = toy_rights,
	.allows = toy_allows,
	.judge = toy_judge,
	.error_code = toy_error_code,
	.mark = toy_mark,
};

FIXTURE(toy)
{
	struct vmmu_realmap *realmap;
	struct vmmu_walk walk;
};

FIXTURE_SETUP(toy)
{
	struct vmmu_mode mode = { .maxphyaddr = 64 };

	self->realmap = calloc(1, sizeof(*self->realmap));
	ASSERT_NE(NULL, self->realmap);
	*memory_word(self->realmap, 5 * 8) = 0x9000 | 3;
	*memory_word(self->realmap, 6 * 8) = 0xa000 | 1;
	vmmu_walk_init(&self->walk, self->realmap, &toy, vmmu_ra(0), &mode);
}

FIXTURE_TEARDOWN(toy)
{
	free(self->realmap);
}

static struct vmmu_verdict ask(struct vmmu_walk *walk, u64 va, u32 access)
{
	struct vmmu_access_kind kind = { access, true };

	vmmu_walk_start(walk, vmmu_va(va));
	vmmu_walk_down(walk);
	return vmmu_walk_judge(walk, kind);
}

TEST_F(toy, translates)
{
	EXPECT_EQ(0, ask(&self->walk, 0x5123, VMMU_ACCESS_WRITE).reason);
	EXPECT_EQ(0x9123, vmmu_walk_ra(&self->walk).value);
	EXPECT_TRUE(vmmu_walk_mark(&self->walk, true));
	EXPECT_EQ(0x9007, *memory_word(self->realmap, 5 * 8));
}

TEST_F(toy, refuses)
{
	struct vmmu_verdict verdict;

	verdict = ask(&self->walk, 0x6000, VMMU_ACCESS_WRITE);
	EXPECT_EQ(VMMU_REASON_WRITE, verdict.reason);
	EXPECT_EQ(VMMU_REASON_WRITE, verdict.error_code);
	verdict = ask(&self->walk, 0x7000, VMMU_ACCESS_READ);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, verdict.reason);
	verdict = ask(&self->walk, 1 << 21, VMMU_ACCESS_READ);
	EXPECT_EQ(VMMU_REASON_NONCANONICAL, verdict.reason);
}

TEST_F(toy, neighbours)
{
	ask(&self->walk, 0x5000, VMMU_ACCESS_READ);
	vmmu_walk_resume(&self->walk, vmmu_va(0x6fff));
	EXPECT_EQ(VMMU_REASON_NONE, vmmu_walk_down(&self->walk));
	EXPECT_EQ(0xafff, vmmu_walk_ra(&self->walk).value);
}

TEST_HARNESS_MAIN
