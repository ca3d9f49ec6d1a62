// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_TRANSLATE, address by address: what is mapped, page sizes, every
 * reason with its level. permissions.c has the rest of the rules, translate_ad.c
 * what a translation changes, translate_many.c the arrays, ranges and steps.
 */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)

FIXTURE(translate) {
	struct guest g;
};

FIXTURE_VARIANT(translate) {
	__u32 format;
};

FIXTURE_VARIANT_ADD(translate, four) {
	.format = FORMAT4,
};

FIXTURE_VARIANT_ADD(translate, five) {
	.format = FORMAT5,
};

FIXTURE_SETUP(translate)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, variant->format, VMMU_MODE_NXE);
}

FIXTURE_TEARDOWN(translate)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Assert an answer that is a failure: why, at which level, with what code. */
#define fails(t, why, where, pf_flag, code) do {			\
	struct vmmu_translation __f = (t);				\
									\
	ASSERT_EQ((why), __f.reason);					\
	ASSERT_EQ((where), __f.level);					\
	ASSERT_EQ((pf_flag), __f.flags);				\
	ASSERT_EQ((code), __f.error_code);				\
	ASSERT_EQ(0, __f.frame);					\
} while (0)

#define faults(t, why, where, code)					\
	fails(t, why, where, VMMU_PAGE_FAULT, code)

/* Assert an answer that is a success. */
#define maps(t, to, where, granted) do {				\
	struct vmmu_translation __o = (t);				\
	int __level = (where);						\
									\
	ASSERT_TRUE(__o.flags & VMMU_TRANSLATED);			\
	ASSERT_FALSE(__o.flags & VMMU_PAGE_FAULT);			\
	ASSERT_EQ(__o.flags & VMMU_TRANSLATED_BACKED ?			\
		  VMMU_REASON_NONE : VMMU_REASON_NOT_BACKED, __o.reason);\
	ASSERT_EQ((to), __o.ra);					\
	ASSERT_EQ(__level, __o.level);					\
	ASSERT_EQ(12 + 9 * (__level - 1), __o.page_shift);		\
	ASSERT_EQ(VMMU_RIGHT_READ | (granted), __o.rights);		\
	ASSERT_EQ(0, __o.error_code);					\
} while (0)

#define W	VMMU_RIGHT_WRITE
#define X	VMMU_RIGHT_EXEC
#define U	VMMU_RIGHT_USER

TEST_F(translate, page_sizes)
{
	struct guest *g = &self->g;
	int s = g->space;

	guest_map(g, 0x7654321000, 1, g->data | PTE_ALL);
	guest_map(g, 0x40000000, 2, 0x400000 | PTE_P | PTE_W | PTE_PS);
	guest_map(g, 0x8000000000, 3, PTE_P | PTE_U | PTE_PS | PTE_NX);
	maps(translate(s, 0, READ, 0x7654321abc), g->data + 0xabc, 1,
	     W | X | U);
	maps(translate(s, 0, READ, 0x40000000), 0x400000, 2, W | X);
	maps(translate(s, 0, WRITE, 0x401fffff), 0x5fffff, 2, W | X);
	maps(translate(s, 0, READ, 0x8000abcdef), 0xabcdef, 3, U);
	faults(translate(s, 0, READ, 0x40200000), VMMU_REASON_NOT_PRESENT, 2,
	       0);

	/* PAT at bit 12 of a large page is no address; G and others pass. */
	guest_map(g, 0x40000000, 2, 0x400000 | PTE_P | PTE_PS |
		  PTE_LARGE_PAT | PTE_G | PTE_PWT | PTE_PCD | 7ULL << 9 |
		  0x7fULL << 52);
	maps(translate(s, 0, READ, 0x40001234), 0x401234, 2, X);
	guest_map(g, 0x7654321000, 1, g->data | PTE_P | PTE_PS);
	maps(translate(s, 0, READ, 0x7654321000), g->data, 1, X);
}

TEST_F(translate, both_halves)
{
	struct guest *g = &self->g;
	__u64 top = 1ULL << (g->levels == 5 ? 56 : 47);
	__u64 in[] = { 0, top - PAGE, -top, ~0ULL - PAGE + 1 };
	__u64 out[] = { top, -top - 1, 1ULL << 63, top * 2, top + PAGE,
			-top - PAGE, (1ULL << 63) - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in); i++)
		guest_map(g, in[i], 1, (g->data + i * PAGE) | PTE_P);
	for (i = 0; i < ARRAY_SIZE(in); i++) {
		maps(translate(g->space, 0, READ, in[i]), g->data + i * PAGE,
		     1, X);
		maps(translate(g->space, 0, READ, in[i] + PAGE - 1),
		     g->data + i * PAGE + PAGE - 1, 1, X);
	}
	for (i = 0; i < ARRAY_SIZE(out); i++)
		fails(translate(g->space, USER, WRITE, out[i]),
		      VMMU_REASON_NONCANONICAL, 0, 0, 0);

	/* Canonical comes before anything, the root's existence included. */
	set_root(g->space, REAL);
	fails(translate(g->space, 0, READ, top), VMMU_REASON_NONCANONICAL, 0,
	      0, 0);
}

TEST_F(translate, not_present)
{
	struct guest *g = &self->g;
	int level;

	for (level = g->levels; level >= 1; level--) {
		/* Whatever else it holds, an entry without P maps nothing. */
		guest_map(g, 0x1000, level, ~PTE_P);
		faults(translate(g->space, 0, READ, 0x1000),
		       VMMU_REASON_NOT_PRESENT, level, 0);
		faults(translate(g->space, USER | SET_AD, WRITE, 0x1000),
		       VMMU_REASON_NOT_PRESENT, level,
		       VMMU_PF_W | VMMU_PF_U);
		faults(translate(g->space, USER, FETCH, 0x1000),
		       VMMU_REASON_NOT_PRESENT, level, VMMU_PF_U | VMMU_PF_I);
		ASSERT_EQ(~PTE_P, *guest_slot(g, 0x1000, level));
		guest_map(g, 0x1000, level, 0);
	}
}

TEST_F(translate, reserved)
{
	struct guest *g = &self->g;
	__u64 *lowest;
	int level;

	set_mode(g->space, VMMU_MODE_NXE, 0, 51);
	guest_map(g, 0x1000, 1, g->data | PTE_P);
	lowest = guest_slot(g, 0x1000, 1);
	for (level = g->levels; level >= 1; level--) {
		__u64 *slot = guest_slot(g, 0x1000, level), was = *slot;

		*slot |= 1ULL << 51;
		faults(translate(g->space, SET_AD, READ, 0x1000),
		       VMMU_REASON_RESERVED, level, VMMU_PF_P | VMMU_PF_RSVD);
		faults(translate(g->space, SET_AD | USER, WRITE, 0x1000),
		       VMMU_REASON_RESERVED, level, VMMU_PF_P | VMMU_PF_RSVD |
		       VMMU_PF_W | VMMU_PF_U);

		/* P is looked at first. */
		*slot &= ~PTE_P;
		faults(translate(g->space, SET_AD, READ, 0x1000),
		       VMMU_REASON_NOT_PRESENT, level, 0);
		*slot = was;
	}

	/* An upper level's reserved bit is found before a lower one's lack. */
	*lowest = 0;
	*guest_slot(g, 0x1000, 3) |= 1ULL << 51;
	faults(translate(g->space, 0, READ, 0x1000), VMMU_REASON_RESERVED, 3,
	       VMMU_PF_P | VMMU_PF_RSVD);
	set_mode(g->space, VMMU_MODE_NXE, 0, 52);
}

/* The rule that is named is the first, at the highest level that has it. */
TEST_F(translate, rights_reasons)
{
	__u64 all = VMMU_MODE_NXE | VMMU_MODE_WP | VMMU_MODE_SMEP |
		    VMMU_MODE_SMAP | VMMU_MODE_PKE;
	__u32 p = VMMU_PF_P, u = VMMU_PF_U, w = VMMU_PF_W, x = VMMU_PF_I;
	struct guest *g = &self->g;
	int s = g->space, level, l;

	for (level = g->levels; level >= 1; level--) {
		guest_map(g, 0x1000, 1, g->data | PTE_ALL);
		for (l = level; l >= 1; l--)
			*guest_slot(g, 0x1000, l) &= ~PTE_W;
		set_mode(s, all, 0, 52);
		faults(translate(s, USER, WRITE, 0x1000), VMMU_REASON_WRITE,
		       level, p | u | w);
		for (l = level; l >= 1; l--)
			*guest_slot(g, 0x1000, l) |= PTE_NX;
		faults(translate(s, USER, FETCH, 0x1000), VMMU_REASON_NX,
		       level, p | u | x);
		for (l = level; l >= 1; l--)
			*guest_slot(g, 0x1000, l) &= ~PTE_U;
		faults(translate(s, USER, WRITE, 0x1000), VMMU_REASON_USER,
		       level, p | u | w);
		faults(translate(s, USER, FETCH, 0x1000), VMMU_REASON_USER,
		       level, p | u | x);
		faults(translate(s, 0, WRITE, 0x1000), VMMU_REASON_WRITE,
		       level, p | w);
		faults(translate(s, 0, FETCH, 0x1000), VMMU_REASON_NX, level,
		       p | x);
		for (l = level; l >= 1; l--) {
			*guest_slot(g, 0x1000, l) |= PTE_ALL;
			*guest_slot(g, 0x1000, l) &= ~PTE_NX;
		}
	}

	guest_map(g, 0x1000, 1, g->data | PTE_P | PTE_U | PTE_NX | PTE_PKEY(1));
	ASSERT_EQ(VMMU_REASON_SMEP, translate(s, 0, FETCH, 0x1000).reason);
	ASSERT_EQ(VMMU_REASON_SMAP, translate(s, 0, WRITE, 0x1000).reason);
	ASSERT_EQ(p | w, translate(s, 0, WRITE, 0x1000).error_code);

	/* A key that forbids is in the code even if another rule is named. */
	set_mode(s, all | VMMU_MODE_AC, 1 << 2, 52);
	ASSERT_EQ(VMMU_REASON_WRITE, translate(s, 0, WRITE, 0x1000).reason);
	ASSERT_EQ(p | w | VMMU_PF_PK,
		  translate(s, 0, WRITE, 0x1000).error_code);
	ASSERT_EQ(VMMU_REASON_PKEY, translate(s, 0, READ, 0x1000).reason);
	ASSERT_EQ(p | u | VMMU_PF_PK,
		  translate(s, USER, READ, 0x1000).error_code);
	ASSERT_EQ(VMMU_REASON_NX, translate(s, USER, FETCH, 0x1000).reason);
	ASSERT_EQ(p | u | x, translate(s, USER, FETCH, 0x1000).error_code);
}

TEST_F(translate, table_beyond_real)
{
	__u64 beyond[] = { REAL, REAL + PAGE, TIB, PTE_ADDRESS };
	struct guest *g = &self->g;
	unsigned int i;
	int level;

	guest_map(g, 0x1000, 1, g->data | PTE_P);
	for (level = g->levels; level >= 2; level--) {
		__u64 *slot = guest_slot(g, 0x1000, level), was = *slot;

		for (i = 0; i < ARRAY_SIZE(beyond); i++) {
			*slot = beyond[i] | PTE_ALL;
			fails(translate(g->space, SET_AD, READ, 0x1000),
			      VMMU_REASON_TABLE_BEYOND_REAL, level - 1, 0, 0);
			ASSERT_EQ(beyond[i] | PTE_ALL, *slot);
		}
		*slot = was;
	}
}

/* A page beyond real memory has an address, but nothing is there. */
#define beyond_real(at, to, where) do {					\
	struct vmmu_translation __b = translate(g->space, SET_AD | PROVIDE,\
						WRITE, at);		\
									\
	ASSERT_EQ(VMMU_REASON_BEYOND_REAL, __b.reason);			\
	ASSERT_EQ((to), __b.ra);					\
	ASSERT_EQ((where), __b.level);					\
	ASSERT_EQ(0, __b.flags);					\
	ASSERT_EQ(0, __b.frame);					\
	ASSERT_EQ(0, __b.error_code);					\
} while (0)

TEST_F(translate, page_beyond_real)
{
	struct guest *g = &self->g;
	__u64 far = PTE_ADDRESS, *slot;

	guest_map(g, 0x1000, 1, REAL | PTE_ALL);
	guest_map(g, 0x2000, 1, far | PTE_ALL);
	guest_map(g, 0x200000, 2, REAL | PTE_ALL | PTE_PS);
	guest_map(g, 0x40000000, 3, PTE_ALL | PTE_PS);
	beyond_real(0x1000ULL, REAL, 1);
	beyond_real(0x1fffULL, REAL + 0xfff, 1);
	beyond_real(0x2345ULL, far + 0x345, 1);
	beyond_real(0x234567ULL, REAL + 0x34567, 2);

	/* A large page that begins within: its first part is there. */
	beyond_real(0x40000000ULL + REAL, REAL, 3);
	maps(translate(g->space, 0, WRITE, 0x40000000 + REAL - 1), REAL - 1,
	     3, W | X | U);

	/* The rights come first, and no A or D was set for nothing. */
	slot = guest_slot(g, 0x1000, 1);
	ASSERT_EQ(REAL | PTE_ALL, *slot);
	*slot &= ~PTE_U;
	faults(translate(g->space, USER, READ, 0x1000), VMMU_REASON_USER, 1,
	       VMMU_PF_P | VMMU_PF_U);
	ASSERT_EQ(0, *guest_slot(g, 0x1000, g->levels) & (PTE_A | PTE_D));
	ASSERT_EQ(PTE_ALL | PTE_PS, *guest_slot(g, 0x40000000, 3));
}

TEST_HARNESS_MAIN
