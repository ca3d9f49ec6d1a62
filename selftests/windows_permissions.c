// SPDX-License-Identifier: GPL-2.0
/*
 * Every rule of x86-64 paging by real loads, stores and jumps through a window,
 * against a model of the processor (x86_model.h). A point is a state of the page
 * table and a mode; there accesses of each kind are made, one after the other,
 * so that what one has left in the host's page table is there for the next.
 * Each is granted or refused as the model says, meets the real page that the
 * model names, and sets A and D where the model does. Refusals are told exactly.
 *
 *	sweep	one entry takes all 256 values of (P W U NX PS RSVD A D) at
 *		each level, the others grant all
 *	cross	combinations of W, U and NX over all levels; pages of each size
 *	around	page after page, so that faults bring their neighbours along
 *
 * From point to point either the entries change or the mode does. VMMU_SEED=number
 * in the environment gives other random numbers.
 */
#include "vmmu_points.h"

FIXTURE(windows_permissions) {
	struct run run;
};

FIXTURE_VARIANT(windows_permissions) {
	__u32 format;
	__u64 va;
};

FIXTURE_VARIANT_ADD(windows_permissions, four) {
	.format = FORMAT4, .va = 0x0000123440000000 | OFFSET,
};

FIXTURE_VARIANT_ADD(windows_permissions, five) {
	.format = FORMAT5, .va = 0xff56789ac0000000 | OFFSET,
};

FIXTURE_SETUP(windows_permissions)
{
	struct run *run = &self->run;
	const char *seed = getenv("VMMU_SEED");
	int dev = dev_open(), level, page;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	run->random = seed ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15;
	printf("# VMMU_SEED=%#llx\n", run->random);
	run->random ^= variant->va;
	guest_make(&run->g, dev, REAL, variant->format, 0);
	run->va = variant->va;
	for (level = run->g.levels; level >= 1; level--)
		run->slots[level] = (unsigned char *)
			guest_slot(&run->g, run->va, level) - run->g.mem;
	for (page = 0; page < RUN; page++) {
		fill_page(run, page_at(run, 1) + page * PAGE);
		fill_page(run, page_at(run, 2) + page * PAGE);
		fill_page(run, page_at(run, 3) + OFFSET + page * PAGE);
	}
	run->model = (struct model){
		.mem = calloc(1, REAL), .bytes = REAL, .root = run->g.root,
		.levels = run->g.levels,
	};
	ASSERT_NE(NULL, run->model.mem);
	memcpy(run->model.mem, run->g.mem, run->g.next);
	run->window = window(run->g.space, run->va, RUN * PAGE);
	run->modes_and = ~0U;
	access_prepare();
}

FIXTURE_TEARDOWN(windows_permissions)
{
	struct run *run = &self->run;

	printf("# %lu points, %lu accesses: %lu granted, %lu refused by the host\n",
	       run->points, run->accesses, run->granted, run->by_host);
	guest_drop(&run->g);
	close(run->g.dev);
}

/* Assert that an expression does not tell of anything wrong. */
#define as_modelled(expression) do {					\
	const char *__wrong = (expression);				\
									\
	ASSERT_EQ(NULL, __wrong) TH_LOG("%s", __wrong);			\
} while (0)

TEST_F(windows_permissions, sweep)
{
	struct run *run = &self->run;
	unsigned int i, levels = run->g.levels, all = 256 * levels;
	int level;

	ASSERT_EQ(0, put_mode(run));
	shuffle(run, run->items, all);
	for (i = 0; i < rounds(all); i++) {
		unsigned int item = run->items[i];
		int swept = item % levels + 1;
		__u64 values[6], e = model_attributes(item / levels);
		__u64 ad = rnd(run, 2) ? PTE_A | PTE_D : 0;

		for (level = 1; level <= (int)levels; level++)
			values[level] = permissive(run, level) |
					some_ad(run, ad);
		values[swept] = e | refers_to(run, swept, swept == 1 ||
					      (e & PTE_PS));
		/* Entries that are present and well-formed are rare. */
		as_modelled(points(run, values, (item / levels & 0x21) == 1 ?
				   9 : 1));
	}
	ASSERT_TRUE(modes_covered(run));
	ASSERT_LT(run->accesses / 20, run->granted);
}

TEST_F(windows_permissions, cross)
{
	struct run *run = &self->run;
	unsigned int i, levels = run->g.levels;
	int level, leaf;

	ASSERT_EQ(0, put_mode(run));
	shuffle(run, run->items, 1U << (3 * levels));
	for (i = 0; i < rounds(2048); i++) {
		__u64 values[6], ad = rnd(run, 2) ? PTE_A | PTE_D : 0;

		leaf = rnd(run, 4);
		for (level = 1; level <= (int)levels; level++) {
			unsigned int bits = run->items[i] >> 3 * (level - 1);
			bool large = level == leaf && level > 1;

			values[level] = PTE_P | (bits & 1 ? PTE_W : 0) |
				(bits & 2 ? PTE_U : 0) |
				(bits & 4 ? PTE_NX : 0) |
				refers_to(run, level, large || level == 1) |
				(large ? PTE_PS : 0) | some_ad(run, ad);
		}
		as_modelled(points(run, values, 2));
	}
	ASSERT_TRUE(modes_covered(run));
	ASSERT_LT(0, run->by_host);
	ASSERT_LT(run->accesses / 20, run->granted);
}

/* An entry's rights: in one of @bad cases anything, else all but for NX. */
static __u64 some_rights(struct run *run, unsigned int bad)
{
	if (rnd(run, bad) == 0)
		return model_attributes(rnd(run, 256)) & ~PTE_PS;
	return PTE_ALL | some_ad(run, PTE_A) | (rnd(run, 8) ? 0 : PTE_NX);
}

/* Map the window's pages by an entry each, or as parts of a large page. */
static int put_run(struct run *run, int leaf, unsigned int bad)
{
	unsigned int page;
	int level;

	for (level = run->g.levels; level > 1; level--)
		put_entry(run, level, 0, level == leaf ?
			  refers_to(run, level, true) | PTE_P | PTE_PS |
			  some_rights(run, bad) :
			  permissive(run, level) | PTE_A);
	for (page = 0; page < RUN; page++)
		put_entry(run, 1, page, (refers_to(run, 1, true) +
					 page * PAGE) | some_rights(run, bad));
	run->empty = true;
	return _invalidate(run->g.space, VMMU_INVALIDATE_ALL, 0, 0);
}

/* One page after the other, often by the same kind of access; then any. */
static const char *touch_run(struct run *run)
{
	struct vmmu_audit audit = {};
	__u32 i, kind = rnd(run, 3);
	const char *what;

	for (i = 0; i < 2 * RUN; i++) {
		if (rnd(run, 8) == 0)
			kind = rnd(run, 3);
		what = wrong(run, i < RUN ? i : rnd(run, RUN), kind);
		if (!what)
			what = tables_differ(run);
		if (!what && i == 8 && _audit(run->g.vm, &audit))
			what = "audit";
		if (what)
			return what;
	}
	run->brought += audit.checked > 9;
	return NULL;
}

/*
 * In a third of the runs every page grants all but for NX, in a third some do
 * not, in a third many.
 */
TEST_F(windows_permissions, around)
{
	static const unsigned int bad[] = { ~0U, 32, 4 };
	struct run *run = &self->run;
	unsigned int i;

	for (i = 0; i < rounds(60); i++) {
		run->points += RUN;
		ASSERT_EQ(0, put_mode(run));
		ASSERT_EQ(0, put_run(run, i % 3 + 1, bad[i / 3 % 3]));
		as_modelled(touch_run(run));
		audit_clean(run->g.vm);
	}
	printf("# in %lu of %u runs faults brought pages along\n",
	       run->brought, i);
	ASSERT_LE(i / 20, run->brought);
	ASSERT_LT(run->accesses / 20, run->granted);
}

TEST_HARNESS_MAIN
