// SPDX-License-Identifier: GPL-2.0
/*
 * TRAPPING spaces: which pages are known as page tables, that a plain store to
 * one is an install, and what becomes of stores that are not known.
 */
#include "vmmu_trapping.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)

FIXTURE(trapping) {
	struct guest g;
	__u64 a, b;		/* two real pages with tags in them */
};

FIXTURE_SETUP(trapping)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, 4 * MIB, FORMAT4, BITS);
	self->a = self->g.data;
	self->b = self->g.data + PAGE;
	store(self->g.mem + self->a, 0xaaaa);
	store(self->g.mem + self->b, 0xbbbb);
}

FIXTURE_TEARDOWN(trapping)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* The page of the table that translates @va at @level. */
static __u64 table_of(struct guest *g, __u64 va, int level)
{
	return (unsigned char *)guest_slot(g, va, level) - g->mem;
}

static __u32 state(struct guest *g, __u64 va, int level)
{
	return real_flags(g->vm, table_of(g, va, level));
}

static void set(void *at, __u64 value)
{
	__atomic_store_n((__u64 *)at, value, __ATOMIC_RELAXED);
}

TEST_F(trapping, registered)
{
	struct guest *g = &self->g;

	guest_map(g, VA, 1, self->a | PTE_ALL);
	ASSERT_EQ(DATA, real_flags(g->vm, g->root));
	guest_traps(g, BITS);
	ASSERT_EQ(CLOSED, real_flags(g->vm, g->root));
	ASSERT_EQ(CLOSED, state(g, VA, 3));
	ASSERT_EQ(CLOSED, state(g, VA, 2));
	ASSERT_EQ(CLOSED, state(g, VA, 1));
	ASSERT_EQ(DATA, real_flags(g->vm, self->a));

	close(g->space);
	ASSERT_EQ(DATA, real_flags(g->vm, g->root));
	ASSERT_EQ(DATA, state(g, VA, 1));
	set(g->mem + g->root, 0);
	g->space = space_create(g->vm, FORMAT4, g->root, BITS);
}

TEST_F(trapping, store)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1);
	unsigned char *w;

	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(SIGSEGV, access_read(w));

	set(pte, self->a | PTE_ALL);
	ASSERT_EQ(self->a | PTE_ALL, *pte);
	ASSERT_EQ(CLOSED, state(g, VA, 1));
	ASSERT_EQ(0xaaaa, load(w));

	/* At once, without an invalidation. */
	set(pte, self->b | PTE_ALL);
	ASSERT_EQ(0xbbbb, load(w));
	set(pte, 0);
	ASSERT_EQ(SIGSEGV, access_read(w));
	set(pte, self->b | PTE_ALL);
	store(w, 1);
	ASSERT_EQ(PTE_A | PTE_D, *pte & (PTE_A | PTE_D));
	*pte &= ~PTE_D;
	ASSERT_EQ(0, *pte & PTE_D);
	store(w, 2);
	ASSERT_EQ(PTE_D, *pte & PTE_D);
	ASSERT_EQ(CLOSED, state(g, VA, 1));
}

/* The page that is mapped gets its frame by the store. */
TEST_F(trapping, frame)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), ra = g->data + 16 * PAGE;

	guest_traps(g, BITS);
	ASSERT_EQ(~0U, real_flags(g->vm, ra));
	set(pte, ra | PTE_ALL);
	ASSERT_EQ(DATA, real_flags(g->vm, ra));
}

TEST_F(trapping, tables_come_and_go)
{
	struct guest *g = &self->g;
	__u64 *pde = guest_slot(g, VA, 2), table = guest_page(g);
	__u64 *pte = (__u64 *)(g->mem + table);
	unsigned char *w;

	set(pte, self->a | PTE_ALL);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(DATA, real_flags(g->vm, table));
	set(pde, table | PTE_ALL);
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	ASSERT_EQ(0xaaaa, load(w));
	set(pte, self->b | PTE_ALL);
	ASSERT_EQ(0xbbbb, load(w));
	set(pde, 0);
	ASSERT_EQ(DATA, real_flags(g->vm, table));
	ASSERT_EQ(SIGSEGV, access_read(w));
	set(pte, self->a | PTE_ALL);
	set(pde, table | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
}

/* Two bytes at a time: the page is opened, and closed before it is used. */
TEST_F(trapping, unknown_instruction)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), table = table_of(g, VA, 1);
	__u64 entry = self->a | PTE_ALL;
	unsigned char *w;

	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	for (int i = 0; i < 4; i++)
		((volatile __u16 *)pte)[i] = entry >> 16 * i;
	ASSERT_EQ(OPEN, real_flags(g->vm, table));
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	((volatile __u8 *)pte)[1] ^= PAGE >> 8;
	ASSERT_EQ(OPEN, real_flags(g->vm, table));
	ASSERT_EQ(0xbbbb, load(w));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
}

/* What comes to be a table while nobody looks is one before it is used. */
TEST_F(trapping, table_by_unknown_instruction)
{
	struct guest *g = &self->g;
	__u64 *pde = guest_slot(g, VA, 2), table = guest_page(g);
	__u64 entry = table | PTE_ALL;
	__u64 *pte = (__u64 *)(g->mem + table);
	unsigned char *w;

	set(pte, self->a | PTE_ALL);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	for (int i = 0; i < 4; i++)
		((volatile __u16 *)pde)[i] = entry >> 16 * i;
	ASSERT_EQ(DATA, real_flags(g->vm, table));
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	ASSERT_EQ(CLOSED, state(g, VA, 2));
	set(pte, self->b | PTE_ALL);
	ASSERT_EQ(0xbbbb, load(w));
}

/* The kernel's own stores. */
TEST_F(trapping, system_call)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), table = table_of(g, VA, 1);
	__u64 entry = self->a | PTE_ALL;
	unsigned char *w;
	int p[2];

	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(8, write(p[1], &entry, 8));
	ASSERT_EQ(8, read(p[0], pte, 8));
	ASSERT_EQ(OPEN, real_flags(g->vm, table));
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	close(p[0]);
	close(p[1]);
}

/* A window onto a table page, too. */
TEST_F(trapping, by_window)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), table = table_of(g, VA, 1);
	__u64 *by_window;
	unsigned char *w;

	set(pte + 1, table | PTE_ALL);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	by_window = (__u64 *)(w + PAGE);
	set(by_window, self->a | PTE_ALL);
	ASSERT_EQ(self->a | PTE_ALL, *pte);
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	ASSERT_EQ(0xaaaa, load(w));
	set(by_window, self->b | PTE_ALL);
	ASSERT_EQ(0xbbbb, load(w));
	for (int i = 3; i >= 0; i--)
		((volatile __u16 *)by_window)[i] = (self->a | PTE_ALL) >> 16 * i;
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
}

/* A root that refers to itself. */
TEST_F(trapping, self_map)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), *root = guest_entry(g, g->root, 0);
	__u64 slot = 256, sign = 0xffffULL << 48;
	unsigned char *w, *self_w;

	set(root + slot, g->root | PTE_ALL);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	/* The page of the last-level table, and the root itself. */
	self_w = window(g->space, sign | slot << 39 |
			 (VA >> 9 & ~0xfffULL), PAGE);
	set(self_w + (VA >> 9 & 0xff8), self->a | PTE_ALL);
	ASSERT_EQ(self->a | PTE_ALL, *pte & ~PTE_A);
	ASSERT_EQ(0xaaaa, load(w));
	((volatile __u8 *)self_w)[(VA >> 9 & 0xff8) + 1] ^= PAGE >> 8;
	ASSERT_EQ(0xbbbb, load(w));
	set(root + slot, 0);
	ASSERT_EQ(SIGSEGV, access_read(self_w));
	ASSERT_EQ(0xbbbb, load(w));
}

TEST_F(trapping, hypercalls)
{
	struct guest *g = &self->g;
	__u64 table = guest_page(g);
	unsigned char *w;

	guest_slot(g, VA, 2);
	load(g->mem + table);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	install_one(g->space, VA, 2, table | PTE_ALL);
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	install_one(g->space, VA, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	install_one(g->space, VA, 2, 0);
	ASSERT_EQ(DATA, real_flags(g->vm, table));
	ASSERT_EQ(SIGSEGV, access_read(w));
}

/* Elements of a batch that change a table which windows show. */
TEST_F(trapping, batches)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), entry = table_of(g, VA, 1);
	struct vmmu_install_op ops[4] = { };
	struct vmmu_install i;
	unsigned char *w;

	set(pte, self->a | PTE_ALL);
	set(pte + 1, self->b | PTE_ALL);
	set(pte + 3, self->a | PTE_ALL);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	for (int by_ra = 0; by_ra < 2; by_ra++) {
		__u64 values[] = { self->b, self->a, self->b, 0 };
		__u32 flags = by_ra ? VMMU_INSTALL_BY_RA : 0;

		for (int n = 0; n < 4; n++) {
			/* They are in use, the other way round. */
			if (values[n ^ by_ra])
				access_read(w + n * PAGE);
			ops[n] = (struct vmmu_install_op){
				.va = by_ra ? entry + 8 * n : VA + n * PAGE,
				.level = !by_ra,
				.value = values[n ^ by_ra] ? values[n ^ by_ra] |
					 PTE_ALL : 0,
			};
		}
		ASSERT_EQ(0, _install(g->space, flags, ops, 4, NULL, &i));
		for (int n = 0; n < 4; n++) {
			__u64 page = values[n ^ by_ra];

			ASSERT_EQ(page ? 0 : SIGSEGV, access_read(w + n * PAGE));
			if (page)
				ASSERT_EQ(page == self->a ? 0xaaaa : 0xbbbb,
					  load(w + n * PAGE));
		}
		audit_clean(g->vm);
	}
}

/* A batch that takes away a table does not find those that hang from it, twice. */
TEST_F(trapping, batch_without_table)
{
	struct guest *g = &self->g;
	struct vmmu_install_op ops[] = {
		{ .va = table_of(g, VA, 1), .value = self->a | PTE_ALL },
		{ .va = table_of(g, VA, 3) },
		{ .va = table_of(g, VA, 1), .value = self->b | PTE_ALL },
	};
	__u64 *pde = guest_slot(g, VA, 2);
	struct vmmu_install i;

	set(pde + 1, *pde);
	guest_traps(g, BITS);
	fails_with(ENXIO, _install(g->space, VMMU_INSTALL_BY_RA, ops, 3, NULL, &i));
	ASSERT_EQ(2, i.index);
	ASSERT_EQ(VMMU_REASON_NOT_A_TABLE, i.reason);
	ASSERT_EQ(self->a | PTE_ALL, *(__u64 *)(g->mem + ops[0].va));
	ASSERT_EQ(DATA, real_flags(g->vm, ops[0].va));
}

/*
 * One of two ways to a table, taken away by a batch, does not count for what follows:
 * by the other one the entry is reserved, and brings no frame.
 */
TEST_F(trapping, batch_after_a_way)
{
	struct guest *g = &self->g;
	__u64 page = guest_page(g);
	struct vmmu_install_op ops[] = {
		{ .va = VA, .level = 3 },
		{ .va = GIB, .level = 1, .value = page | PTE_ALL | PTE_NX },
	};
	struct vmmu_install i;
	__u8 outcomes[2];

	guest_slot(g, VA, 1);
	set(guest_slot(g, GIB, 2), *guest_slot(g, VA, 2));
	guest_traps(g, VMMU_MODE_WP);
	ASSERT_EQ(0, _install(g->space, 0, ops, 2, outcomes, &i));
	ASSERT_EQ(VMMU_OUTCOME_RESERVED, outcomes[1]);
	ASSERT_EQ(~0U, real_flags(g->vm, page));
}

/* One that takes away what a table is at another level, then changes the table. */
TEST_F(trapping, batch_at_two_levels)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), table = table_of(g, VA, 1);
	struct vmmu_install_op ops[] = {
		{ .va = GIB, .level = 3 },
		{ .va = VA, .level = 1, .value = self->b | PTE_ALL },
	};
	struct vmmu_install i;
	unsigned char *w;

	/* The page is a table of the other level's. */
	set(pte, self->a | PTE_ALL);
	set(guest_slot(g, GIB, 3), (table & ~(PAGE - 1)) | PTE_ALL);
	guest_traps(g, BITS);
	ASSERT_EQ(CLOSED, real_flags(g->vm, self->a));
	w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(0, _install(g->space, 0, ops, 2, NULL, &i));
	ASSERT_EQ(0xbbbb, load(w));
	ASSERT_EQ(DATA, real_flags(g->vm, self->a));
	ASSERT_EQ(DATA, real_flags(g->vm, self->b));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
}

TEST_F(trapping, discard)
{
	struct guest *g = &self->g;
	__u64 *pte = guest_slot(g, VA, 1), table = table_of(g, VA, 1);
	__u64 middle = table_of(g, VA, 2) & ~(PAGE - 1);
	unsigned char *w;

	set(pte, self->a | PTE_ALL);
	guest_traps(g, BITS);
	w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(0xaaaa, load(w));
	discard(g->vm, middle, PAGE);
	ASSERT_EQ(SIGSEGV, access_read(w));
	ASSERT_EQ(DATA, real_flags(g->vm, table));
	/* It is a table still, once it has a frame. */
	set(g->mem + middle + 8 * index_at(VA, 2), table | PTE_ALL);
	ASSERT_EQ(CLOSED, real_flags(g->vm, middle));
	ASSERT_EQ(CLOSED, real_flags(g->vm, table));
	ASSERT_EQ(0xaaaa, load(w));
}

TEST_HARNESS_MAIN
