/* SPDX-License-Identifier: GPL-2.0 */
/*
 * End to end: what a guest OS does for its programs, by each way to change the
 * entries of their page tables, and by what a plain process has instead.
 *
 * The program is C code of this process, which accesses a window; the guest OS is
 * the handler of the signal that an access raises where nothing is mapped. All
 * ways share the workloads and the handler. They differ in how an address space is
 * made, how entries change, and how the handler learns why an access failed.
 */
#ifndef BENCH_END_H
#define BENCH_END_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

/* An address space has one page table: its first pages are used. */
#define SPACE_PAGES	512UL

#define PRESENT		1UL
#define WRITABLE	2UL
#define READ_ONLY(entry)	((entry) & ~WRITABLE)
#define ADDRESS(entry)	((entry) & ~(PAGE - 1))

/**
 * struct as - an address space
 * @fd: ours: the space; uffd: what its faults are resolved through.
 * @window: where the program sees it; NULL if there is none.
 * @entries: its page table, of the last level. A peer has no use for one but to
 *	note what it has mapped.
 * @tables: ours: real address of the root table; the tables below follow it.
 */
struct as {
	int fd;
	char *window;
	volatile uint64_t *entries;
	uint64_t tables;
};

/**
 * struct way - how a guest OS lets entries take effect
 * @signal: which one tells of an access that fails.
 * @begin: makes the memory, all of it with frames.
 * @create: makes an address space with these entries of pages, and its window.
 * @destroy: ends both; entries may still be there.
 * @set: changes entries; windows follow before it returns.
 * @why: the error code of the access that failed at @page, of VMMU_PF_*.
 *
 * They return 0 or -errno.
 */
struct way {
	int signal;
	int (*begin)(void);
	int (*create)(struct as *as, const struct vmmu_install_op *ops,
		      unsigned int nr);
	int (*destroy)(struct as *as);
	int (*set)(struct as *as, const struct vmmu_install_op *ops,
		   unsigned int nr);
	int (*why)(struct as *as, unsigned long page, bool write, uint32_t *code);
};

extern const struct way way_stores, way_hypercalls, way_batches, way_lazy;
extern const struct way way_mmap, way_uffd, way_continue;

/* As way_stores, but a table is filled before it is known to be one. */
extern const struct way way_prepared;

/*
 * Of this process: its way, the memory that is real for the guest OS, and a
 * parent's address space and a child's.
 */
extern const struct way *way;
extern char *memory;
extern struct as parent, child;

/* Resolve a fault: map the page at home(), or copy on write, unless it is changed. */
extern int (*serve)(struct as *as, unsigned long page, uint32_t code);

/* Take a way, make the memory and the parent, and begin to serve faults. */
int begin_stores(void);
int begin_hypercalls(void);
int begin_batches(void);
int begin_lazy(void);
int begin_prepared(void);
int begin_mmap(void);
int begin_uffd(void);
int begin_continue(void);

/* The real page with a page's data, and another one: scattered, as they are in use. */
static inline uint64_t home(unsigned long page)
{
	return DATA + (page * 37 + 11) % SPACE_PAGES * PAGE;
}

static inline uint64_t elsewhere(unsigned long page)
{
	return OTHER + (page * 37 + 11) % SPACE_PAGES * PAGE;
}

/*
 * 0 if there were so many faults since end_reset(), so many of which copied a
 * page; else -EILSEQ.
 */
int expect_served(unsigned long faults, unsigned long copies);

/* Each page at home() and elsewhere() holds data(), nothing is written. */
void end_reset(void);

static inline uint64_t data(uint64_t ra)
{
	return ra ^ 0x5a5a5a5a5a5a5a5aUL;
}

/* The two words of a page. */
struct words {
	uint64_t data, written;
};

static inline volatile struct words *words_at(char *page)
{
	return (volatile struct words *)page;
}

/* The program's page. */
static inline volatile struct words *words(struct as *as, unsigned long page)
{
	return words_at(as->window + page * PAGE);
}

/* The operation that makes an entry of the last level. */
static inline struct vmmu_install_op op_of(unsigned long page, uint64_t entry)
{
	return (struct vmmu_install_op){
		.va = page_va(page), .value = entry, .level = 1,
	};
}

static inline unsigned long op_page(const struct vmmu_install_op *op)
{
	return (op->va - VA) / PAGE;
}

/* Map @nr pages from @first on at home(), writable, or unmap them. */
int map_home(struct as *as, unsigned long first, unsigned long nr);
int unmap(struct as *as, unsigned long first, unsigned long nr);

/*
 * What the program would read there, without raising a signal and without mapping
 * anything: 0, or -EFAULT if it is not mapped.
 */
int look(const void *at, struct words *words);

/* 0 if the page is mapped, with these words; else -EILSEQ. */
int expect(struct as *as, unsigned long page, uint64_t data, uint64_t written);
int expect_nothing(const char *window, unsigned long page);

#endif /* BENCH_END_H */
