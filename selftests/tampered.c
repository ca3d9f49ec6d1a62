// SPDX-License-Identifier: GPL-2.0
/*
 * What an audit says of page tables that are not as they should be. The module
 * never lets that happen, so tamper.ko does.
 */
#include "vmmu_protect.h"
#include "vmmu_tamper.h"

FIXTURE(tampered) {
	struct protect p;
};

FIXTURE_SETUP(tampered)
{
	int dev = dev_open();
	const char *why;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	if (!booted_for_tests())
		SKIP(return, "breaks page tables: only where nothing else runs");
	why = tamper_load();
	if (why)
		SKIP(return, "%s", why);
	protect_make(&self->p, dev);
	tables_trap(&self->p);
}

FIXTURE_TEARDOWN(tampered)
{
	protect_drop(&self->p);
	tamper_unload();
}

#define finds(p, nr, at) do {						\
	struct vmmu_audit __a = audit((p)->g.vm);			\
									\
	ASSERT_EQ(0, __a.wrong);					\
	ASSERT_EQ(nr, __a.tables_wrong);				\
	ASSERT_EQ(at, __a.ra);						\
} while (0)

/* A mapping of real memory by which a table can be written to. */
TEST_F(tampered, exposed)
{
	struct protect *p = &self->p;
	__u64 at = (uintptr_t)p->pte;

	/* Its PTE is there. */
	ASSERT_EQ(p->a | PTE_ALL | PTE_A, load(p->pte) & ~PTE_D);
	finds(p, 0, 0);
	ASSERT_EQ(0, tamper("expose", at, 0));
	finds(p, 1, p->table);
	ASSERT_EQ(0, tamper("hide", at, 0));
	finds(p, 0, 0);
	/* Pages that are no tables may be written to. */
	ASSERT_EQ(TAG_A, load(p->g.mem + p->a));
	ASSERT_EQ(0, tamper("expose", (uintptr_t)p->g.mem + p->a, 0));
	finds(p, 0, 0);
}

/* A table that nobody knows, and one that nothing refers to any more. */
TEST_F(tampered, unknown)
{
	struct protect *p = &self->p;
	__u64 frame = real_page(p->g.vm, p->g.root).frame;
	__u64 first = load(p->g.mem + p->g.root);

	ASSERT_NE(0, first & PTE_P);
	ASSERT_EQ(0, tamper("poke", frame, p->b | PTE_ALL));
	ASSERT_LT(0, audit(p->g.vm).tables_wrong);
	ASSERT_EQ(0, tamper("poke", frame, 0));
	ASSERT_LT(0, audit(p->g.vm).tables_wrong);
	ASSERT_EQ(0, tamper("poke", frame, first));
	finds(p, 0, 0);
}

TEST_HARNESS_MAIN
