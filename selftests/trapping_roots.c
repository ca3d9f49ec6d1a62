// SPDX-License-Identifier: GPL-2.0
/*
 * The roots of TRAPPING spaces: several of them, of one format or two, that change,
 * and share tables; and tables that refer to themselves.
 */
#include "vmmu_tree.h"

/* Page 0 is a root like others; one beyond real memory is none. */
TEST_F(tree, roots)
{
	struct guest *g = &self->g;
	unsigned char *w;

	g->root = 0;
	guest_map(g, VA, 1, g->data | PTE_ALL);
	g->space = trapping_space(g->vm, FORMAT4, 0, BITS);
	w = window(g->space, VA, PAGE);
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(4, count_tables(g->vm));
	set_root(g->space, g->bytes);
	nothing_left(g->vm);
	ASSERT_EQ(SIGSEGV, access_read(w));
	close(trapping_space(g->vm, FORMAT5, 1ULL << 51, BITS));
	set_root(g->space, 0);
	ASSERT_EQ(CLOSED, real_flags(g->vm, 0));
	ASSERT_EQ(0xaaaa, load(w));
	set_root(g->space, 0);
	ASSERT_EQ(4, count_tables(g->vm));
	set(g, 0, 0, 0);
	ASSERT_EQ(1, count_tables(g->vm));
	ASSERT_EQ(SIGSEGV, access_read(w));
	munmap(w, PAGE);
}

/* The tables of one root are let go, those of the other come. */
TEST_F(tree, set_root)
{
	struct guest *g = &self->g;
	__u64 roots[2], *ptes[2];
	unsigned char *w;

	for (int i = 0; i < 2; i++) {
		roots[i] = guest_page(g);
		g->root = roots[i];
		ptes[i] = guest_slot(g, VA, 1);
		*ptes[i] = (g->data + i * PAGE) | PTE_ALL;
	}
	g->space = trapping_space(g->vm, FORMAT4, roots[0], BITS);
	w = window(g->space, VA, PAGE);
	for (int i = 0; i < 20; i++) {
		__u64 here = roots[i % 2], there = roots[!(i % 2)];

		set_root(g->space, here);
		ASSERT_EQ(i % 2 ? 0xbbbb : 0xaaaa, load(w));
		ASSERT_EQ(CLOSED, real_flags(g->vm, here));
		ASSERT_EQ(DATA, real_flags(g->vm, there));
		ASSERT_EQ(4, count_tables(g->vm));
		*ptes[i % 2] = (g->data + !(i % 2) * PAGE) | PTE_ALL;
		ASSERT_EQ(i % 2 ? 0xaaaa : 0xbbbb, load(w));
		*ptes[i % 2] = (g->data + i % 2 * PAGE) | PTE_ALL;
	}
	/* What fails leaves all as it is. */
	err_set_root(EINVAL, g->space, 1ULL << 52);
	err_set_root(EINVAL, g->space, roots[0] + 8);
	ASSERT_EQ(4, count_tables(g->vm));
	ASSERT_EQ(0xbbbb, load(w));
	munmap(w, PAGE);
}

/* Which tables there are does not depend on the mode. */
TEST_F(tree, set_mode)
{
	struct guest *g = &self->g;
	__u64 *pde, *pte;
	unsigned char *w;

	guest_map(g, VA, 1, g->data | PTE_ALL);
	pde = guest_slot(g, VA, 2);
	pte = guest_slot(g, VA, 1);
	*pde |= PTE_NX;
	g->space = trapping_space(g->vm, FORMAT4, g->root, BITS);
	w = window(g->space, VA, PAGE);
	ASSERT_EQ(0xaaaa, load(w));
	for (int i = 0; i < 20; i++) {
		/* Malformed, and followed all the same. */
		set_mode(g->space, VMMU_MODE_WP, 0, 52);
		ASSERT_EQ(4, count_tables(g->vm));
		ASSERT_EQ(SIGSEGV, access_read(w));
		*pte = (g->data + i % 2 * PAGE) | PTE_ALL;
		ASSERT_EQ(CLOSED, real_flags(g->vm, (unsigned char *)pte -
					     g->mem));
		set_mode(g->space, BITS, 0, 52);
		ASSERT_EQ(i % 2 ? 0xbbbb : 0xaaaa, load(w));
	}
	err_set_mode(EINVAL, g->space, BITS, 0, 53);
	munmap(w, PAGE);
}

/* Two spaces have one root; what one leaves, the other keeps. */
TEST_F(tree, two_on_one_root)
{
	struct guest *g = &self->g;
	__u64 *pte, charged = 0;
	unsigned char *w[2];
	int spaces[2];

	guest_map(g, VA, 1, g->data | PTE_ALL);
	pte = guest_slot(g, VA, 1);
	for (int first = 0; first < 2; first++) {
		for (int i = 0; i < 2; i++) {
			spaces[i] = trapping_space(g->vm, FORMAT4, g->root,
						   BITS);
			w[i] = window(spaces[i], VA, PAGE);
			ASSERT_EQ(0xaaaa, load(w[i]));
			if (!i)
				charged = charged_for_tables(g->vm);
		}
		ASSERT_EQ(charged, charged_for_tables(g->vm));
		munmap(w[first], PAGE);
		close(spaces[first]);
		ASSERT_EQ(4, count_tables(g->vm));
		*pte = (g->data + PAGE) | PTE_ALL;
		ASSERT_EQ(0xbbbb, load(w[!first]));
		*pte = g->data | PTE_ALL;
		ASSERT_EQ(0xaaaa, load(w[!first]));
		munmap(w[!first], PAGE);
		close(spaces[!first]);
		nothing_left(g->vm);
	}
}

/* What is malformed to one of them is none the less an install in the other. */
TEST_F(tree, modes_differ)
{
	struct guest *g = &self->g;
	__u64 *pte, ra = g->data + 16 * PAGE;

	guest_map(g, VA, 1, 0);
	pte = guest_slot(g, VA, 1);
	for (int i = 0; i < 2; i++) {
		int first = trapping_space(g->vm, FORMAT4, g->root,
					   i ? BITS : VMMU_MODE_WP);
		int second = trapping_space(g->vm, FORMAT4, g->root,
					    i ? VMMU_MODE_WP : BITS);

		discard(g->vm, ra, PAGE);
		*pte = ra | PTE_ALL | PTE_NX;
		ASSERT_EQ(DATA, real_flags(g->vm, ra));
		*pte = 0;
		/* And now it is malformed to all. */
		close(i ? first : second);
		discard(g->vm, ra, PAGE);
		*pte = ra | PTE_ALL | PTE_NX;
		ASSERT_EQ(~0U, real_flags(g->vm, ra));
		*pte = 0;
		close(i ? second : first);
	}
}

/* A root of 4 levels is a table of level 4 to one of 5. */
TEST_F(tree, formats_share)
{
	struct guest *g = &self->g;
	__u64 high = BIT_ULL(48), root5, *pte;
	unsigned char *w4, *w5;
	int four, five;

	guest_map(g, VA, 1, g->data | PTE_ALL);
	pte = guest_slot(g, VA, 1);
	root5 = guest_page(g);
	set(g, root5, 1, g->root | PTE_ALL);
	for (int i = 0; i < 2; i++) {
		four = trapping_space(g->vm, FORMAT4, g->root, BITS);
		five = trapping_space(g->vm, FORMAT5, root5, BITS);
		w4 = window(four, VA, PAGE);
		w5 = window(five, high + VA, PAGE);
		ASSERT_EQ(0xaaaa, load(w4));
		ASSERT_EQ(0xaaaa, load(w5));
		ASSERT_EQ(5, count_tables(g->vm));
		*pte = (g->data + PAGE) | PTE_ALL;
		ASSERT_EQ(0xbbbb, load(w4));
		ASSERT_EQ(0xbbbb, load(w5));
		/* By the kernel, so that the page is opened. */
		((volatile __u8 *)pte)[1] ^= PAGE >> 8;
		ASSERT_EQ(0xaaaa, load(w4));
		ASSERT_EQ(0xaaaa, load(w5));
		munmap(i ? w4 : w5, PAGE);
		close(i ? four : five);
		ASSERT_EQ(i ? 5 : 4, count_tables(g->vm));
		*pte = (g->data + PAGE) | PTE_ALL;
		ASSERT_EQ(0xbbbb, load(i ? w5 : w4));
		*pte = g->data | PTE_ALL;
		ASSERT_EQ(0xaaaa, load(i ? w5 : w4));
		munmap(i ? w5 : w4, PAGE);
		close(i ? five : four);
		nothing_left(g->vm);
	}
}

/* A page that is all tables of both formats, at every level, and its own. */
TEST_F(tree, all_in_one)
{
	struct guest *g = &self->g;
	int four, five;

	set(g, g->root, 0, g->root | PTE_ALL);
	set(g, g->root, 511, g->root | PTE_ALL);
	for (int i = 0; i < 2; i++) {
		four = trapping_space(g->vm, FORMAT4, g->root, BITS);
		five = trapping_space(g->vm, FORMAT5, g->root, BITS);
		ASSERT_EQ(1, count_tables(g->vm));
		set(g, g->root, 0, 0);
		ASSERT_EQ(VMMU_REASON_NOT_PRESENT,
			  translate(four, 0, READ, 0).reason);
		set(g, g->root, 0, g->root | PTE_ALL);
		ASSERT_EQ(g->root, translate(five, 0, READ, 0).ra);
		close(i ? four : five);
		ASSERT_EQ(1, count_tables(g->vm));
		close(i ? five : four);
		nothing_left(g->vm);
	}
}

/* A refers to B and B to A; nothing keeps them when the root lets go. */
TEST_F(tree, ring)
{
	struct guest *g = &self->g;
	__u64 a = guest_page(g), b = guest_page(g);

	set(g, a, 3, b | PTE_ALL);
	set(g, b, 5, a | PTE_ALL);
	g->space = trapping_space(g->vm, FORMAT5, g->root, BITS);
	for (int i = 0; i < 4; i++) {
		set(g, g->root, 7, (i % 2 ? a : b) | PTE_ALL);
		ASSERT_EQ(3, count_tables(g->vm));
		/* And one that grows while it is known. */
		set(g, a, 9, g->root | PTE_ALL);
		set(g, b, 9, b | PTE_ALL);
		ASSERT_EQ(3, count_tables(g->vm));
		set(g, g->root, 7, 0);
		ASSERT_EQ(1, count_tables(g->vm));
		ASSERT_EQ(DATA, real_flags(g->vm, a));
		ASSERT_EQ(DATA, real_flags(g->vm, b));
		set(g, a, 9, 0);
		set(g, b, 9, 0);
	}
}

/* A page that comes to refer to itself, and so serves at one level after another. */
TEST_F(tree, self_map_comes)
{
	struct guest *g = &self->g;
	__u64 *slot = guest_entry(g, g->root, 511), self_va = ~0ULL << 12;

	g->space = trapping_space(g->vm, FORMAT5, g->root, BITS);
	for (int i = 0; i < 3; i++) {
		*slot = g->root | PTE_ALL;
		ASSERT_EQ(g->root, translate(g->space, 0, READ, self_va).ra);
		*slot = 0;
		ASSERT_EQ(VMMU_REASON_NOT_PRESENT,
			  translate(g->space, 0, READ, self_va).reason);
		install_one(g->space, self_va, 5, g->root | PTE_ALL);
		ASSERT_EQ(g->root, translate(g->space, 0, READ, self_va).ra);
		((volatile __u8 *)slot)[0] = 0;
		ASSERT_EQ(VMMU_REASON_NOT_PRESENT,
			  translate(g->space, 0, READ, self_va).reason);
		((volatile __u8 *)slot)[0] = PTE_ALL;
		ASSERT_EQ(g->root, translate(g->space, 0, READ, self_va).ra);
		*slot = 0;
	}
	ASSERT_EQ(1, count_tables(g->vm));
}

/* Linked by a store through a window. */
TEST_F(tree, link_by_window)
{
	struct guest *g = &self->g;
	__u64 table = guest_page(g), pd;
	unsigned char *w;

	set(g, table, index_at(VA, 1), g->data | PTE_ALL);
	pd = ((unsigned char *)guest_slot(g, VA, 2) - g->mem) & ~(PAGE - 1);
	guest_map(g, GIB, 1, pd | PTE_ALL);
	g->space = trapping_space(g->vm, FORMAT4, g->root, BITS);
	w = window(g->space, GIB, PAGE);
	for (int i = 0; i < 3; i++) {
		store(w + index_at(VA, 2) * 8, table | PTE_ALL);
		ASSERT_EQ(CLOSED, real_flags(g->vm, table));
		ASSERT_EQ(g->data, translate(g->space, 0, READ, VA).ra);
		store(w + index_at(VA, 2) * 8, 0);
		ASSERT_EQ(DATA, real_flags(g->vm, table));
	}
	munmap(w, PAGE);
}

TEST_HARNESS_MAIN
