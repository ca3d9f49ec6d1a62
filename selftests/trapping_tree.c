// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of a TRAPPING space: that each of its tables is known, once, for as
 * long as something refers to it, and what that costs.
 */
#include "vmmu_tree.h"

#define FAR	TIB			/* real memory where tables are far apart */
#define KILLS	30

/* Real pages with a tag, the first ones of the data. */
#define TAGGED	2

/* How many of the tables of make_tree() have frames; its last level begins there. */
#define TREE(nr)	(2 + ((nr) + 511) / 512 + TAGGED)

/*
 * A root at @root that has below it, over two levels of tables, @nr last-level
 * tables from @first on, each @apart from the one before.
 */
static void make_tree(struct guest *g, __u64 root, __u64 first, __u64 apart,
		      unsigned int nr)
{
	__u64 pdpt = guest_page(g), pd = 0;

	set(g, root, 0, pdpt | PTE_ALL);
	for (unsigned int i = 0; i < nr; i++) {
		if (!(i % 512)) {
			pd = guest_page(g);
			set(g, pdpt, i / 512, pd | PTE_ALL);
		}
		set(g, pd, i % 512, (first + i * apart) | PTE_ALL);
	}
}

static __u64 ticks(void)
{
	unsigned int low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high));
	return (__u64)high << 32 | low;
}

/* Ticks that it takes to register a tree, by table, the fewest of some times. */
#define ticks_each(g, root, nr) ({					\
	__u64 __best = ~0ULL;						\
									\
	for (int __i = 0; __i < 5; __i++) {				\
		__u64 __at = ticks();					\
		int __s = trapping_space((g)->vm, FORMAT4, root, BITS);	\
									\
		__at = ticks() - __at;					\
		if (__at < __best)					\
			__best = __at;					\
		close(__s);						\
	}								\
	(double)__best / (nr);						\
})

/* Ticks for so many instructions, the fewest of some times. */
static __u64 ticks_of_nops(bool twice)
{
	__u64 best = ~0ULL;

	for (int i = 0; i < 9; i++) {
		__u64 at = ticks();

		if (twice)
			asm volatile(".fill 2000, 1, 0x90");
		else
			asm volatile(".fill 1000, 1, 0x90");
		at = ticks() - at;
		if (at < best)
			best = at;
	}
	return best;
}

/*
 * Linear in the tables. Ticks are instructions where the VM counts those (one
 * CPU), and time otherwise, of which nothing is asked here.
 */
static bool ticks_are_instructions(void)
{
	return ticks_of_nops(true) - ticks_of_nops(false) == 1000;
}

TEST_F(tree, linear)
{
	unsigned int few = 256, many = rounds(16384);
	struct guest *g = &self->g;
	__u64 roots[2];
	double each[4];

	for (int i = 0; i < 2; i++) {
		roots[i] = guest_page(g);
		make_tree(g, roots[i], g->data + i * 64 * MIB, PAGE,
			  i ? many : few);
	}
	for (int i = 0; i < 4; i++) {
		unsigned int nr = i % 2 ? many : few;

		if (i == 2) {
			populate(g->vm, g->data, few * PAGE);
			populate(g->vm, g->data + 64 * MIB, many * PAGE);
		}
		each[i] = ticks_each(g, roots[i % 2], nr);
		printf("# %u tables%s: %.0f ticks each\n", nr,
		       i < 2 ? " without frames" : "", each[i]);
	}
	if (ticks_are_instructions()) {
		printf("# ticks are instructions: %.3f and %.3f times as many\n",
		       each[1] / each[0], each[3] / each[2]);
		EXPECT_GE(1.1, each[1] / each[0]);
		EXPECT_GE(1.1, each[3] / each[2]);
	}
	nothing_left(g->vm);
}

/* All of them are tables while the space lives, and none afterwards. */
TEST_F(tree, many_tables)
{
	unsigned int nr = rounds(16384);
	struct guest *g = &self->g;
	struct vmmu_vm_info before;
	int space;

	make_tree(g, g->root, g->data, PAGE, nr);
	before = vm_info(g->vm);
	space = trapping_space(g->vm, FORMAT4, g->root, BITS);
	ASSERT_EQ(before.frames, vm_info(g->vm).frames);
	ASSERT_EQ(TREE(nr), count_tables(g->vm));
	ASSERT_LT(0, charged_for_tables(g->vm));
	ASSERT_GE((nr + 100) / 16 * PAGE, charged_for_tables(g->vm));
	/* The others are tables once they have frames. */
	populate(g->vm, g->data, nr * PAGE);
	ASSERT_EQ(TREE(nr) - TAGGED + nr, count_tables(g->vm));
	close(space);
	nothing_left(g->vm);
}

/* Little memory, though each is far from all others. */
TEST_F(tree, far_apart)
{
	unsigned int nr = rounds(512);
	struct guest *g = &self->g, far = { .dev = g->dev };
	struct vmmu_vm_info i;
	int space;

	far.vm = vm_create(g->dev, FAR);
	far.mem = mmap(NULL, FAR, PROT_READ | PROT_WRITE, MAP_SHARED, far.vm,
		       0);
	ASSERT_NE(MAP_FAILED, (void *)far.mem);
	far.next = FAR / 2 + PAGE;
	make_tree(&far, FAR / 2, GIB, GIB, nr);
	space = trapping_space(far.vm, FORMAT4, FAR / 2, BITS);
	i = vm_info(far.vm);
	ASSERT_EQ(3, i.frames);
	/* The real map has two tables of its own for each, and little more. */
	ASSERT_GE((2ULL * nr + 16 + nr / 16) * PAGE, i.charged_bytes);
	populate(far.vm, 7 * GIB, PAGE);
	ASSERT_EQ(CLOSED, real_flags(far.vm, 7 * GIB));
	close(space);
	nothing_left(far.vm);
	munmap(far.mem, FAR);
	close(far.vm);
}

/* Discarded at any level: what was below is no table, and windows show nothing. */
TEST_F(tree, discard)
{
	struct guest *g = &self->g;
	unsigned char *w;

	guest_map(g, VA, 1, g->data | PTE_ALL);
	g->space = trapping_space(g->vm, FORMAT4, g->root, BITS);
	w = window(g->space, VA, PAGE);
	for (int level = 1; level <= 4; level++) {
		__u64 *slot = guest_slot(g, VA, level), was;
		__u64 table = ((unsigned char *)slot - g->mem) & ~(PAGE - 1);

		ASSERT_EQ(0xaaaa, load(w));
		was = *slot;
		discard(g->vm, table, PAGE);
		ASSERT_EQ(SIGSEGV, access_read(w));
		ASSERT_EQ(~0U, real_flags(g->vm, table));
		ASSERT_EQ(4 - level, count_tables(g->vm));
		/* It is a table all the same, once it has a frame. */
		populate(g->vm, table, PAGE);
		ASSERT_EQ(CLOSED, real_flags(g->vm, table));
		ASSERT_EQ(0, *slot);
		*slot = was;
		ASSERT_EQ(4, count_tables(g->vm));
		ASSERT_EQ(0xaaaa, load(w));
		/* Likewise while it is open. */
		((volatile __u8 *)slot)[4] = 0;
		ASSERT_EQ(OPEN, real_flags(g->vm, table));
		discard(g->vm, table, PAGE);
		ASSERT_EQ(SIGSEGV, access_read(w));
		*slot = was;
		ASSERT_EQ(4, count_tables(g->vm));
	}
	munmap(w, PAGE);
}

/* What a child that registers a tree tells its parent. */
struct told {
	int about, over;
};

/* Killed in the middle: nothing is left, and another one can. */
TEST_F(tree, killed)
{
	unsigned int nr = rounds(16384), in_time = 0;
	struct guest *g = &self->g;
	struct told *told = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct vmmu_space_create c;

	ASSERT_NE(MAP_FAILED, (void *)told);
	make_tree(g, g->root, g->data, PAGE, nr);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid;

		*told = (struct told){};
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			__atomic_store_n(&told->about, 1, __ATOMIC_SEQ_CST);
			_trapping_space(g->vm, FORMAT4, g->root, BITS, &c);
			__atomic_store_n(&told->over, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
		while (!__atomic_load_n(&told->about, __ATOMIC_SEQ_CST))
			;
		for (int k = i * 20000; k; k--)
			__asm__ volatile("pause");
		kill(pid, SIGKILL);
		child_wait(pid);
		in_time += !told->over;
		if (i % 2) {
			close(trapping_space(g->vm, FORMAT4, g->root, BITS));
			nothing_left(g->vm);
		}
	}
	printf("# %u of %u were killed in time\n", in_time, KILLS);
	EXPECT_LT(0, in_time);
	g->space = trapping_space(g->vm, FORMAT4, g->root, BITS);
	ASSERT_EQ(TREE(nr), count_tables(g->vm));
	munmap(told, PAGE);
}

TEST_HARNESS_MAIN
