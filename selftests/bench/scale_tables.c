// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers of page-table pages of a TRAPPING space, all entries of which map some
 * page: what it costs to take them for page tables, and to let go of them.
 */
#include <unistd.h>

#include "scale.h"

#define COUNTS	{ 1 << 8, 1 << 10, 1 << 12, 1 << 14 }

/* Behind the largest page table. */
#define DATA	(96UL << 20)

static struct tree tree;

static int make_tree(void)
{
	uint64_t done;
	int ret;

	ret = tree_make(&tree, 128UL << 20, parameter) ?:
	      vmmu_populate(tree.vm, DATA, PAGE, &done);
	if (ret)
		return ret;
	tree_link(&tree, 0, parameter);
	for (unsigned long i = 0; i < parameter * ENTRIES; i++)
		*tree_entry(&tree, i) = ENTRY(DATA);
	tree.space = -1;
	return 0;
}

static int unregister(void)
{
	close(tree.space);
	settle();
	return 0;
}

static int enlist(void)
{
	return tree_space(&tree, VMMU_SPACE_TRAPPING);
}

static int enlist_settled(void)
{
	int ret = enlist();

	settle();
	return ret;
}

static int close_space(void)
{
	close(tree.space);
	return 0;
}

static int make_space(void)
{
	return make_tree() ?: enlist();
}

/* The root's entry, under which is all. */
static int store_root(uint64_t value)
{
	struct vmmu_install_op op = { .value = value, .level = 4 };

	return vmmu_install(tree.space, &op, 1, 0, NULL, NULL);
}

static int link_all(void)
{
	int ret = store_root(ENTRY(PAGE));

	settle();
	return ret;
}

static int unlink_all(void)
{
	return store_root(0);
}

static int unlink_before(void)
{
	int ret = unlink_all();

	settle();
	return ret;
}

static int link_now(void)
{
	return store_root(ENTRY(PAGE));
}

const struct sweep scale_tables[] = {
	{ { .name = "tables_register", .what = "register a TRAPPING space",
	    .begin = make_tree, .prepare = unregister, .run = enlist },
	  .parameter = "tables", .points = COUNTS, .growth = LINEAR, .limit = 1.10 },
	{ { .name = "tables_close", .what = "close a TRAPPING space",
	    .begin = make_tree, .prepare = enlist_settled, .run = close_space },
	  .parameter = "tables", .points = COUNTS, .growth = LINEAR, .limit = 1.10 },
	{ { .name = "tables_link",
	    .what = "a hypercall that makes a tree part of a TRAPPING space's",
	    .begin = make_space, .prepare = unlink_before, .run = link_now },
	  .parameter = "tables", .points = COUNTS, .growth = LINEAR, .limit = 1.10 },
	{ { .name = "tables_unlink",
	    .what = "a hypercall that removes a tree from a TRAPPING space's",
	    .begin = make_space, .prepare = link_all, .run = unlink_all },
	  .parameter = "tables", .points = COUNTS, .growth = LINEAR, .limit = 1.10 },
	{ }
};
