/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest that rows measure: a VM with one space, whose tables map NR_PAGES
 * virtual pages from VA on, in one piece, to the real pages from DATA on.
 */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <stdint.h>

#include "vmmu.h"
#include "bench.h"

#define REAL_BYTES	(64UL << 20)
#define NR_PAGES	4096UL		/* eight page tables */
#define VA		(1UL << 30)
#define DATA		(16UL << 20)
#define OTHER		(40UL << 20)	/* as many more real pages */

struct guest {
	int vm, space;
	/* Real memory and the window onto all the pages, mapped. */
	char *memory, *window;
};

/*
 * Make a guest: @flags of its space; with frames behind all its real pages. The
 * last level's entries are zero. Returns 0 or -errno.
 */
int guest_make(struct guest *guest, uint32_t flags);

/* Write its tables to the guest's real memory at @memory. */
void guest_build_tables(void *memory);

/* Map the window. */
int guest_window(struct guest *guest);

/* Where virtual page @index is, and the real address of its entry. */
static inline uint64_t page_va(unsigned long index)
{
	return VA + index * PAGE;
}

static inline uint64_t entry_ra(unsigned long index)
{
	return 3 * PAGE + index * sizeof(uint64_t);
}

static inline volatile uint64_t *entry_of(struct guest *guest, unsigned long index)
{
	return (volatile uint64_t *)(guest->memory + entry_ra(index));
}

/*
 * Install for @nr pages from @first on, the real page at @ra and those behind
 * it, or nothing if @ra is 0, by hypercalls of @batch.
 */
int guest_install(struct guest *guest, unsigned long first, unsigned long nr,
		  uint64_t ra, unsigned int batch);

/* The operations that guest_install() issues, made and issued apart. */
void guest_ops(struct vmmu_install_op *ops, unsigned long first,
	       unsigned long nr, uint64_t ra);
int guest_issue(struct guest *guest, const struct vmmu_install_op *ops,
		unsigned long nr, unsigned int batch);

#endif /* BENCH_GUEST_H */
