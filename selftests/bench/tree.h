/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's page table of any size, at real address 0, that maps virtual
 * addresses from 0 on. Its last level's entries are one behind the other.
 */
#ifndef BENCH_TREE_H
#define BENCH_TREE_H

#include <stdint.h>

#include "vmmu.h"
#include "bench.h"

#define ENTRIES		512UL

/**
 * struct tree - a VM with a page table
 * @vm: file descriptor.
 * @space: file descriptor, once tree_space() has made it.
 * @nr_tables: number of tables of the last level.
 * @first: the real page of the first of them.
 * @bytes: of all tables together; real memory behind it is free.
 * @memory: real memory's beginning, those bytes of it.
 */
struct tree {
	int vm, space;
	unsigned long nr_tables, first, bytes;
	char *memory;
};

/*
 * Make a VM of @real_bytes and the upper levels of a page table that has room
 * for @nr_tables of the last level, up to 512 * 512. Returns 0 or -errno.
 */
int tree_make(struct tree *tree, uint64_t real_bytes, unsigned long nr_tables);

/* Store the entries of the last level's tables from @from to @to, exclusive. */
void tree_link(struct tree *tree, unsigned long from, unsigned long to);

/* Register the page table, as @flags say. */
int tree_space(struct tree *tree, uint32_t flags);

/* End the VM, but for its windows. */
void tree_drop(struct tree *tree);

/* The operations that map @nr virtual pages from @page on to @ra and behind. */
void tree_ops(struct vmmu_install_op *ops, unsigned long page, unsigned long nr,
	      uint64_t ra);

/* Map them, by hypercalls. */
int tree_map(struct tree *tree, unsigned long page, unsigned long nr,
	     uint64_t ra);

/* The last level's entry of a virtual page. */
static inline volatile uint64_t *tree_entry(struct tree *tree, unsigned long page)
{
	return (volatile uint64_t *)(tree->memory + tree->first * PAGE) + page;
}

#endif /* BENCH_TREE_H */
