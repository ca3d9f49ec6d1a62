// SPDX-License-Identifier: GPL-2.0
/*
 * Windows onto page tables: they are as good as any mapping for the stores, and
 * never writable, whichever space they belong to.
 */
#include "vmmu_protect.h"

#define SEEN	(VA + 8 * PAGE)	/* where spaces have the table */
#define READ_ONLY (SEEN + PAGE)	/* and where they may not write it */

/*
 * @p: a guest; its space shows its own table
 * @spaces: a LAZY one and a TRAPPING one, with roots of their own
 */
FIXTURE(windows) {
	struct protect p;
	int spaces[2];
	__u64 roots[2];
};

/* Another root, which maps the table of @p, for a space that traps or not. */
#define other_space(p, at, trapping) ({					\
	struct protect *__o = (p);					\
	__u64 __was = __o->g.root, *__at = (at);			\
	int __space;							\
									\
	*__at = guest_page(&__o->g);					\
	__o->g.root = *__at;						\
	guest_map(&__o->g, SEEN, 1, __o->table | PTE_ALL);		\
	guest_map(&__o->g, READ_ONLY, 1, __o->table | PTE_P | PTE_U);	\
	__space = (trapping) ?						\
		trapping_space(__o->g.vm, FORMAT4, __o->g.root, BITS) :	\
		space_create(__o->g.vm, FORMAT4, __o->g.root, BITS);	\
	__o->g.root = __was;						\
	__space;							\
})

FIXTURE_SETUP(windows)
{
	struct protect *p = &self->p;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	protect_make(p, dev);
	guest_map(&p->g, SEEN, 1, p->table | PTE_ALL);
	guest_map(&p->g, READ_ONLY, 1, p->table | PTE_P | PTE_U);
	for (int i = 0; i < 2; i++)
		self->spaces[i] = other_space(p, &self->roots[i], i);
	tables_trap(p);
}

FIXTURE_TEARDOWN(windows)
{
	close(self->spaces[0]);
	close(self->spaces[1]);
	protect_drop(&self->p);
}

/* The entry for VA in a window of @space onto the table, or in a part of one. */
#define entry_at(space, va) ({						\
	unsigned char *__e = window(space, va, PAGE);			\
									\
	(__u64 *)__e + index_at(VA, 1);					\
})

#define traps(at) ASSERT_EQ(0, traps_at(&self->p, at))

TEST_F(windows, of_one_space)
{
	struct protect *p = &self->p;
	__u64 *in_w = (__u64 *)(p->w + 8 * PAGE) + index_at(VA, 1);

	traps(in_w);
	traps(entry_at(p->g.space, SEEN));
	traps(in_w);
	traps(p->pte);
	ASSERT_EQ(0, munmap(p->w + 9 * PAGE, PAGE));
	traps(in_w);
}

TEST_F(windows, of_several_spaces)
{
	__u64 *at[] = {
		entry_at(self->p.g.space, SEEN),
		entry_at(self->spaces[0], SEEN),
		entry_at(self->spaces[1], SEEN),
		self->p.pte,
	};

	for (int i = 0; i < 8; i++)
		traps(at[i % 4]);
	/* Opened by one, written through all, and closed in between, perhaps. */
	for (int i = 0; i < 4; i++) {
		set_unknown(at[i], 0);
		for (int k = 0; k < 4; k++)
			set(at[k], (k & 1 ? self->p.a : self->p.b) | PTE_ALL);
		ASSERT_EQ(0, shows(&self->p, TAG_A));
		for (int k = 0; k < 4; k++)
			traps(at[k]);
	}
}

/* What may not be written is not written, and opens nothing. */
TEST_F(windows, read_only)
{
	struct protect *p = &self->p;
	int spaces[] = { p->g.space, self->spaces[0], self->spaces[1] };
	__u64 before = load(p->pte);

	for (int i = 0; i < 3; i++) {
		__u64 *at = entry_at(spaces[i], READ_ONLY);
		__u64 *vma = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, spaces[i],
				  SEEN);

		ASSERT_EQ(before, load(at));
		ASSERT_EQ(before, load(vma + index_at(VA, 1)));
		ASSERT_EQ(SIGSEGV, access_write(at, 0));
		ASSERT_EQ(SIGSEGV, access_write(vma + index_at(VA, 1), 0));
		ASSERT_EQ(-1, set_by_kernel(at, 0));
		ASSERT_EQ(EFAULT, errno);
		ASSERT_EQ(-1, set_by_kernel(vma + index_at(VA, 1), 0));
		ASSERT_EQ(EFAULT, errno);
		ASSERT_EQ(before, load(p->pte));
		ASSERT_EQ(0, shows(p, TAG_A));
		/* What is stored elsewhere shows there. */
		set(p->pte, p->b | PTE_ALL);
		ASSERT_TRUE(entry_is(at, p->b | PTE_ALL));
		ASSERT_TRUE(entry_is(vma + index_at(VA, 1), p->b | PTE_ALL));
		set(p->pte, before);
		/* The right comes. */
		ASSERT_EQ(0, mprotect(vma, PAGE, PROT_READ | PROT_WRITE));
		traps(vma + index_at(VA, 1));
		ASSERT_EQ(0, mprotect(vma, PAGE, PROT_READ));
		ASSERT_EQ(SIGSEGV, access_write(vma + index_at(VA, 1), 0));
		before = load(p->pte);
	}
}

/* A window that moves, is split, is inherited. */
TEST_F(windows, changed)
{
	struct protect *p = &self->p;
	unsigned char *w = window(self->spaces[0], SEEN - PAGE, 4 * PAGE), *to;
	__u64 *at;
	pid_t pid;

	to = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	at = (__u64 *)(to + PAGE) + index_at(VA, 1);
	traps((__u64 *)(w + PAGE) + index_at(VA, 1));
	set_unknown(w + PAGE, 0);
	ASSERT_EQ(to, mremap(w, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE |
			     MREMAP_FIXED, to));
	set(at, p->b | PTE_ALL);
	ASSERT_EQ(0, shows(p, TAG_B));
	traps(at);
	ASSERT_EQ(0, munmap(to + 2 * PAGE, PAGE));
	traps(at);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(!traps_at(p, at));
		CHILD_CHECK(!traps_at(p, p->pte));
		set_unknown(at, p->b | PTE_ALL);
		_exit(0);
	}
	ASSERT_EQ(0, child_wait(pid));
	ASSERT_EQ(0, shows(p, TAG_B));
	traps(at);
}

/*
 * Pages behind the one that is written are mapped along where faults go on; not
 * so through a table that is open.
 */
TEST_F(windows, neighbours)
{
	struct protect *p = &self->p;
	__u64 *seen = (__u64 *)(p->w + 8 * PAGE) + index_at(VA, 1);
	__u64 *slots = p->pte;
	int i;

	for (i = 1; i < 24; i++)
		if (i != 8 && i != 9)
			set(slots + i, p->a | PTE_ALL | PTE_A | PTE_D);
	set(slots + 8, load(slots + 8) | PTE_A | PTE_D);
	for (int round = 0; round < 4; round++) {
		/* One fault just before, and the next by an unknown store. */
		invalidate_all(p->g.space);
		set(slots + 7, 0);
		set(slots + 7, p->a | PTE_ALL | PTE_A | PTE_D);
		ASSERT_EQ(TAG_A, load(p->w + 7 * PAGE));
		set_unknown(seen + 16, p->a | PTE_ALL | PTE_A | PTE_D);
		for (i = 10; i < 24; i++)
			set(seen + i, p->b | PTE_ALL | PTE_A);
		for (i = 10; i < 24; i++) {
			ASSERT_EQ(TAG_B, load(p->w + i * PAGE))
				TH_LOG("page %d, round %d", i, round);
		}
		for (i = 10; i < 24; i++)
			set(slots + i, p->a | PTE_ALL | PTE_A);
		ASSERT_EQ(TAG_A, load(p->w + 20 * PAGE));
		ASSERT_EQ(0, shows(p, TAG_A));
	}
}

/* Two spaces, each of which has the other's table. */
TEST_F(windows, of_each_other)
{
	struct protect *p = &self->p, q = *p;
	__u64 was = p->g.root, *at;

	/* The other one's last table, as the guest's helper finds it. */
	q.g.root = self->roots[1];
	q.pte = guest_slot(&q.g, VA, 1);
	q.table = ((unsigned char *)q.pte - q.g.mem) & ~(PAGE - 1);
	q.g.space = self->spaces[1];
	q.w = window(q.g.space, VA, WINDOW);
	set(q.pte, p->a | PTE_ALL);
	ASSERT_EQ(CLOSED, real_flags(q.g.vm, q.table));
	ASSERT_EQ(was, p->g.root);
	set(p->pte + 16, q.table | PTE_ALL);
	at = (__u64 *)(p->w + 16 * PAGE) + index_at(VA, 1);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, traps_at(&q, at));
		traps(entry_at(self->spaces[1], SEEN));
	}
	/* Both open. */
	set_unknown(at, p->b | PTE_ALL);
	set_unknown(entry_at(self->spaces[1], SEEN), p->b | PTE_ALL);
	ASSERT_EQ(0, shows(&q, TAG_B));
	ASSERT_EQ(0, shows(p, TAG_B));
	munmap(q.w, WINDOW);
}

/* A window onto the root, by an entry of the root. */
TEST_F(windows, onto_the_root)
{
	struct protect *p = &self->p;
	__u64 *root = guest_entry(&p->g, p->g.root, 0), slot = 300, va;
	__u64 pml4e = root[index_at(VA, 4)] & ~(PTE_A | PTE_D);
	__u64 *at;

	set(root + slot, p->g.root | PTE_ALL);
	va = 0xffffULL << 48 | slot << 39 | slot << 30 | slot << 21 |
	     slot << 12;
	at = (__u64 *)window(p->g.space, va, PAGE);
	for (int i = 0; i < 3; i++) {
		set(at + index_at(VA, 4), 0);
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->g.root));
		ASSERT_EQ(DATA, real_flags(p->g.vm, p->table));
		ASSERT_EQ(SIGSEGV, access_read(p->w));
		set_unknown(at + index_at(VA, 4), pml4e);
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->g.root));
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->g.root));
		set_unknown(at + index_at(VA, 4), 0);
		ASSERT_EQ(SIGSEGV, access_read(p->w));
		ASSERT_EQ(0, set_by_kernel(at + index_at(VA, 4), pml4e));
		ASSERT_EQ(0, shows(p, TAG_A));
		traps(p->pte);
	}
	set_unknown(at + slot, 0);
	/* The open root is closed before the next use; at shows nothing. */
	ASSERT_EQ(0, shows(p, TAG_A));
	ASSERT_EQ(SIGSEGV, access_read(at));
}

TEST_HARNESS_MAIN
