// SPDX-License-Identifier: GPL-2.0
/*
 * What windows map ahead of accesses, and what they zap: faults and zaps are
 * counted. Nothing is mapped ahead whose Accessed bit the guest has not set.
 */
#include <sys/resource.h>

#include "vmmu_window.h"

#define NR	512
#define VA	(4 * MIB)

FIXTURE(ahead) {
	struct guest g;
	unsigned char *w;
	struct vmmu_install_op ops[NR];
};

FIXTURE_SETUP(ahead)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, 16 * MIB, FORMAT4, VMMU_MODE_WP);
	/* A multiple of 2 MiB on both sides, so that a table covers it. */
	self->w = mmap(NULL, 4 * MIB, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->w);
	self->w = (void *)(((uintptr_t)self->w + 2 * MIB - 1) & -(2 * MIB));
	ASSERT_EQ(self->w, mmap(self->w, 2 * MIB, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, self->g.space, VA));
	for (int i = 0; i < NR; i++)
		self->ops[i] = (struct vmmu_install_op){
			.va = VA + i * PAGE, .level = 1,
			.value = self->g.data + i * PAGE,
		};
	guest_slot(&self->g, VA, 1);
}

FIXTURE_TEARDOWN(ahead)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Faults that an access to each of the pages takes. */
static long touch(unsigned char *w, int nr, bool write)
{
	long before = faults();

	for (int i = 0; i < nr; i++)
		if (write)
			store(w + i * PAGE, i);
		else
			load(w + i * PAGE);
	return faults() - before;
}

#define set_bits(bits) do {						\
	for (int __n = 0; __n < NR; __n++)				\
		self->ops[__n].value =					\
			(self->ops[__n].value & PTE_ADDRESS) | (bits);	\
} while (0)

/* Upper levels get their Accessed bits by a first access. */
#define warm_up() do {							\
	install_one(self->g.space, VA, 1, self->g.data | PTE_ALL);	\
	load(self->w);							\
	install_one(self->g.space, VA, 1, 0);				\
} while (0)

TEST_F(ahead, installed_pages_are_there)
{
	warm_up();
	set_bits(PTE_ALL | PTE_A | PTE_D);
	install(self->g.space, 0, self->ops, NR);
	ASSERT_GT(8, touch(self->w, NR, true));
	/* Moved in one batch: zapped, and there again. */
	for (int i = 0; i < NR; i++)
		self->ops[i].value ^= MIB;
	install(self->g.space, 0, self->ops, NR);
	ASSERT_GT(8, touch(self->w, NR, true));
	for (int i = 0; i < NR; i += 37)
		oracle(&self->g, self->w + i * PAGE, VA + i * PAGE, 0);
}

/*
 * What is mapped ahead by another table of the guest's goes with that, though its
 * first page had no frame.
 */
TEST_F(ahead, behind_a_page_without_a_frame)
{
	const __u64 va = VA + MIB;	/* another table's from the middle on */

	ASSERT_EQ(self->w, mmap(self->w, 2 * MIB, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, self->g.space, va));
	for (int i = 0; i < NR / 2 + 4; i++)
		guest_map(&self->g, va + i * PAGE, 1,
			  (self->g.data + i * PAGE) | PTE_ALL | PTE_A);
	for (unsigned int level = 2; level <= 4; level++)
		*guest_slot(&self->g, VA + 2 * MIB, level) |= PTE_A;
	populate(self->g.vm, self->g.data, NR * PAGE);
	discard(self->g.vm, self->g.data + NR / 2 * PAGE, PAGE);
	touch(self->w, NR / 2, false);
	ASSERT_EQ(0, touch(self->w + (NR / 2 + 1) * PAGE, 1, false));
	install_one(self->g.space, VA + 2 * MIB, 2, 0);
	ASSERT_EQ(SIGSEGV, access_read(self->w + (NR / 2 + 1) * PAGE));
}

/* Written pages take a fault each to set Dirty. */
TEST_F(ahead, dirty_is_earned)
{
	warm_up();
	set_bits(PTE_ALL | PTE_A);
	install(self->g.space, 0, self->ops, NR);
	ASSERT_GT(8, touch(self->w, NR, false));
	for (int i = 0; i < NR; i++)
		ASSERT_EQ(0, *guest_slot(&self->g, VA + i * PAGE, 1) & PTE_D);
	ASSERT_LE(NR, touch(self->w, NR, true));
	for (int i = 0; i < NR; i++)
		ASSERT_EQ(PTE_D, *guest_slot(&self->g, VA + i * PAGE, 1) & PTE_D);
}

TEST_F(ahead, accessed_is_earned)
{
	warm_up();
	set_bits(PTE_ALL);
	install(self->g.space, 0, self->ops, NR);
	ASSERT_LE(NR / 2, touch(self->w, NR / 2, false));
	for (int i = 0; i < NR; i++)
		ASSERT_EQ(i < NR / 2 ? PTE_A : 0,
			  *guest_slot(&self->g, VA + i * PAGE, 1) & PTE_A);
	ASSERT_EQ(NR / 2, audit(self->g.vm).checked);
}

/* Not installed by a call, but by stores: faults map what lies ahead. */
TEST_F(ahead, around)
{
	for (int i = 0; i < NR; i++)
		guest_map(&self->g, VA + i * PAGE, 1,
			  (self->g.data + i * PAGE) | PTE_ALL | PTE_A);
	populate(self->g.vm, self->g.data, NR * PAGE);
	ASSERT_GT(16, touch(self->w, NR, false));
	/* Where nothing can be mapped ahead each page costs its own. */
	invalidate_all(self->g.space);
	for (int i = 0; i < NR; i++)
		guest_map(&self->g, VA + i * PAGE, 1,
			  (self->g.data + i * PAGE) | PTE_ALL);
	ASSERT_LE(NR, touch(self->w, NR, false));
}

#define zaps() vm_info(self->g.vm).zaps

TEST_F(ahead, zaps_are_merged)
{
	__u64 before;

	warm_up();
	set_bits(PTE_ALL | PTE_A | PTE_D);
	install(self->g.space, 0, self->ops, NR);
	before = zaps();
	set_bits(0);
	install(self->g.space, 0, self->ops, NR);
	ASSERT_LT(before, zaps());
	/* One a stage, at most. */
	ASSERT_GE(before + NR / 32, zaps());
	ASSERT_EQ(SIGSEGV, access_read(self->w));
	ASSERT_EQ(0, audit(self->g.vm).checked);
}

/* More ranges in a batch than are gathered at a time, too far apart to merge. */
TEST_F(ahead, zaps_far_apart)
{
	const int apart = 40, nr = NR / apart;
	__u64 before;

	warm_up();
	set_bits(PTE_ALL | PTE_A | PTE_D);
	install(self->g.space, 0, self->ops, NR);
	for (int i = 0; i < nr; i++) {
		self->ops[i].va = VA + i * apart * PAGE;
		self->ops[i].value = 0;
	}
	before = zaps();
	install(self->g.space, 0, self->ops, nr);
	ASSERT_EQ(before + nr, zaps());
	for (int i = 0; i < nr * apart; i++)
		ASSERT_EQ(i % apart ? 0 : SIGSEGV,
			  access_read(self->w + i * PAGE));
}

TEST_F(ahead, nothing_is_zapped_that_was_not_there)
{
	__u64 before;

	warm_up();
	/* Pages that no window has shown: 100 to 199. */
	set_bits(PTE_ALL);
	install(self->g.space, 0, self->ops, NR);
	for (int i = 0; i < 100; i++)
		load(self->w + i * PAGE);
	before = zaps();
	for (int i = 100; i < 200; i++)
		install_one(self->g.space, VA + i * PAGE, 1, 0);
	ASSERT_EQ(before, zaps());
	discard(self->g.vm, self->g.data + 100 * PAGE, 100 * PAGE);
	ASSERT_EQ(before, zaps());
	/* Not present becoming present, and rights that are given. */
	for (int i = 100; i < 200; i++)
		install_one(self->g.space, VA + i * PAGE, 1,
			    self->ops[i].value);
	install_one(self->g.space, VA + 5 * PAGE, 1,
		    self->ops[5].value | PTE_A | PTE_D);
	ASSERT_EQ(before, zaps());
	/* Another table's entries, and addresses nobody came to. */
	install_one(self->g.space, VA + 4 * GIB, 3, 0);
	invalidate(self->g.space, 64 * MIB, MIB);
	ASSERT_EQ(before, zaps());
	install_one(self->g.space, VA + 5 * PAGE, 1, 0);
	ASSERT_EQ(before + 1, zaps());
	discard(self->g.vm, self->g.data, 64 * PAGE);
	ASSERT_GE(before + 3, zaps());
}

TEST_HARNESS_MAIN
