// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that become page tables while they are mapped, written and dirty: in
 * mappings of two processes, in windows of several spaces. From then on none of
 * them is writable.
 */
#include "vmmu_protect.h"

#define VA2	(VA + 2 * MIB)	/* the new table's */
#define SEEN	(VA + PAGE)	/* where a window shows the page itself */

/*
 * @p: the guest, whose tables trap already or not
 * @q: the same, with the page that becomes a table as its table
 * @lazy: a LAZY space with a root of its own
 * @maps: mappings of the page; from 2 on, windows that show it
 */
FIXTURE(become) {
	struct protect p, q;
	int lazy;
	unsigned char *maps[4];
};

enum way { REGISTERED, HYPERCALL, STORED, OPENED, BY_KERNEL, ROOT };

FIXTURE_VARIANT(become) {
	enum way way;
};

FIXTURE_VARIANT_ADD(become, registered) { REGISTERED };
FIXTURE_VARIANT_ADD(become, hypercall) { HYPERCALL };
FIXTURE_VARIANT_ADD(become, stored) { STORED };
FIXTURE_VARIANT_ADD(become, opened) { OPENED };
FIXTURE_VARIANT_ADD(become, by_kernel) { BY_KERNEL };
FIXTURE_VARIANT_ADD(become, root) { ROOT };

/* A LAZY space whose SEEN is the page at @ra. */
#define lazy_space(g, ra) ({						\
	struct guest *__g = (g);					\
	__u64 __was = __g->root, __page = (ra);				\
	int __space;							\
									\
	__g->root = guest_page(__g);					\
	guest_map(__g, SEEN, 1, __page | PTE_ALL);			\
	__space = space_create(__g->vm, FORMAT4, __g->root, BITS);	\
	__g->root = __was;						\
	__space;							\
})

/* Everybody has the page, and has written to it. */
FIXTURE_SETUP(become)
{
	struct protect *p = &self->p, *q = &self->q;
	struct guest *g = &p->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	protect_make(p, dev);
	q->table = guest_page(g);
	guest_map(g, SEEN, 1, q->table | PTE_ALL);
	guest_slot(g, VA2, 2);
	self->lazy = lazy_space(g, q->table);
	if (variant->way != REGISTERED)
		tables_trap(p);
	self->maps[0] = g->mem + q->table;
	self->maps[1] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			     g->vm, q->table);
	ASSERT_NE(MAP_FAILED, (void *)self->maps[1]);
	self->maps[2] = window(g->space, SEEN, PAGE);
	self->maps[3] = window(self->lazy, SEEN, PAGE);
	for (int i = 0; i < 4; i++)
		store(self->maps[i] + 8 + 8 * i, 0);
	q->pte = (__u64 *)self->maps[0] + index_at(VA2, 1);
	store(q->pte, p->a | PTE_ALL);
	ASSERT_EQ(DATA, real_flags(g->vm, q->table));
}

FIXTURE_TEARDOWN(become)
{
	if (self->q.w)
		munmap(self->q.w, PAGE);
	close(self->lazy);
	protect_drop(&self->p);
}

/* Now it is a table, and was none a moment ago. */
#define becomes_table(way) do {						\
	struct protect *__b = &self->p, *__q = &self->q;		\
	struct guest *__g = &__b->g;					\
	__u64 *__pde = guest_slot(__g, VA2, 2);				\
	__u64 __entry = __q->table | PTE_ALL;				\
									\
	switch (way) {							\
	case REGISTERED:						\
		store(__pde, __entry);					\
		tables_trap(__b);					\
		break;							\
	case HYPERCALL:							\
		install_one(__g->space, VA2, 2, __entry);		\
		break;							\
	case STORED:							\
		set(__pde, __entry);					\
		break;							\
	case OPENED:							\
		set_unknown(__pde, __entry);				\
		ASSERT_EQ(DATA, real_flags(__g->vm, __q->table));	\
		break;							\
	case BY_KERNEL:							\
		ASSERT_EQ(0, set_by_kernel(__pde, __entry));		\
		ASSERT_EQ(DATA, real_flags(__g->vm, __q->table));	\
		break;							\
	case ROOT:							\
		__g->root = guest_page(__g);				\
		guest_map(__g, VA, 2, __b->table | PTE_ALL);		\
		guest_map(__g, VA2, 2, __entry);			\
		set_root(__g->space, __g->root);			\
		ASSERT_EQ(CLOSED, real_flags(__g->vm, __q->table));	\
		break;							\
	}								\
	__q->g = __b->g;						\
	__q->a = __b->a;						\
	__q->b = __b->b;						\
	__q->w = window(__g->space, VA2, PAGE);				\
	ASSERT_EQ(TAG_A, load(__q->w));					\
	ASSERT_EQ(CLOSED, real_flags(__g->vm, __q->table));		\
} while (0)

#define each_traps() do {						\
	for (int __i = 0; __i < 4; __i++) {				\
		ASSERT_EQ(0, traps_at(&self->q,				\
				      (__u64 *)self->maps[__i] +	\
				      index_at(VA2, 1)))		\
			TH_LOG("mapping %d", __i);			\
	}								\
} while (0)

TEST_F(become, mapped)
{
	becomes_table(variant->way);
	each_traps();
	each_traps();
}

/* What another process still has the right to write to. */
TEST_F(become, mapped_by_child)
{
	struct protect *q = &self->q;
	__u64 a = self->p.a | PTE_ALL, b = self->p.b | PTE_ALL;
	int to[2], from[2];
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (int i = 0; i < 4; i++)
			store(self->maps[i] + 8 + 8 * i, 0);
		CHILD_CHECK(write(from[1], &byte, 1) == 1);
		for (int i = 0; i < 8; i++) {
			__u64 *at = (__u64 *)self->maps[i % 4];

			CHILD_CHECK(read(to[0], &byte, 1) == 1);
			set(at + index_at(VA2, 1), b);
			CHILD_CHECK(write(from[1], &byte, 1) == 1);
		}
		_exit(0);
	}
	ASSERT_EQ(1, read(from[0], &byte, 1));
	becomes_table(variant->way);
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(1, write(to[1], &byte, 1));
		ASSERT_EQ(1, read(from[0], &byte, 1));
		ASSERT_EQ(CLOSED, real_flags(q->g.vm, q->table));
		ASSERT_EQ(0, shows(q, TAG_B)) TH_LOG("store %d", i);
		set(q->pte, a);
		ASSERT_EQ(0, shows(q, TAG_A));
	}
	ASSERT_EQ(0, child_wait(pid));
	each_traps();
}

/* It is a table no more, then one again. */
TEST_F(become, again)
{
	struct guest *g = &self->p.g;
	__u64 *pde, entry = self->q.table | PTE_ALL;

	becomes_table(variant->way);
	pde = guest_slot(g, VA2, 2);
	for (int round = 0; round < 3; round++) {
		set(pde, 0);
		ASSERT_EQ(DATA, real_flags(g->vm, self->q.table));
		ASSERT_EQ(SIGSEGV, access_read(self->q.w));
		for (int i = 0; i < 4; i++) {
			set_unknown(self->maps[i] + 8 + 8 * i, 2 * i);
			ASSERT_EQ(2 * i, load(self->maps[i] + 8 + 8 * i));
		}
		ASSERT_EQ(DATA, real_flags(g->vm, self->q.table));
		set(self->q.pte, self->p.a | PTE_ALL);
		if (round & 1)
			set_unknown(pde, entry);
		else
			set(pde, entry);
		ASSERT_EQ(TAG_A, load(self->q.w));
		each_traps();
	}
	/* While it is open. */
	set_unknown(self->q.pte, self->p.b | PTE_ALL);
	set(pde, 0);
	ASSERT_EQ(SIGSEGV, access_read(self->q.w));
	ASSERT_EQ(DATA, real_flags(g->vm, self->q.table));
	set(pde, entry);
	ASSERT_EQ(TAG_B, load(self->q.w));
	each_traps();
}

/* At a second level, by an entry of its own, too. */
TEST_F(become, at_two_levels)
{
	struct protect *q = &self->q;
	__u64 entry = q->table | PTE_ALL;

	becomes_table(variant->way);
	set(guest_slot(&self->p.g, VA, 3) + 1, entry);
	ASSERT_EQ(CLOSED, real_flags(q->g.vm, q->table));
	each_traps();
	set(guest_slot(&self->p.g, VA2, 2), 0);
	ASSERT_EQ(CLOSED, real_flags(q->g.vm, q->table));
	ASSERT_EQ(SIGSEGV, access_read(q->w));
	set_unknown(guest_slot(&self->p.g, VA2, 2), entry);
	ASSERT_EQ(TAG_A, load(q->w));
	set(guest_slot(&self->p.g, VA, 3) + 1, 0);
	ASSERT_EQ(CLOSED, real_flags(q->g.vm, q->table));
	each_traps();
}

TEST_HARNESS_MAIN
