// SPDX-License-Identifier: GPL-2.0
/*
 * A server: requests that change their address space and work in it. Each has
 * pages of its own, half of them mapped before:
 *
 *     NEW	demand-paged, then written
 *     MOVED	mapped and written before; mapped elsewhere, then written
 *     OLD	mapped and written before; written, then unmapped
 */
#include <errno.h>

#include "end.h"

#define NEW		0UL
#define MOVED		16UL
#define OLD		24UL
#define ALL		32UL
#define NR_REQUESTS		(SPACE_PAGES / ALL)

/* What is written before the request, and by it. */
#define BEFORE(page)	((page) + 1)
#define BY_REQUEST(page)	(~(page))

static int prepare(void)
{
	int ret = unmap(&parent, 0, SPACE_PAGES);

	end_reset();
	for (unsigned long base = 0; base < SPACE_PAGES && !ret; base += ALL) {
		ret = map_home(&parent, base + MOVED, ALL - MOVED);
		if (ret)
			break;
		for (unsigned long page = base + MOVED; page < base + ALL; page++)
			words(&parent, page)->written = BEFORE(page);
	}
	settle();
	return ret;
}

static int request(unsigned long base)
{
	struct vmmu_install_op ops[OLD - MOVED];
	unsigned int nr = 0;
	int ret;

	for (unsigned long page = base + NEW; page < base + MOVED; page++)
		touch(parent.window + page * PAGE);
	for (unsigned long page = base + MOVED; page < base + OLD; page++)
		ops[nr++] = op_of(page, ENTRY(elsewhere(page)));
	ret = way->set(&parent, ops, nr);
	if (ret)
		return ret;
	for (unsigned long page = base; page < base + ALL; page++)
		words(&parent, page)->written = BY_REQUEST(page);
	return unmap(&parent, base + OLD, ALL - OLD);
}

static int run(void)
{
	int ret = 0;

	for (unsigned long i = 0; i < NR_REQUESTS && !ret; i++)
		ret = request(i * ALL);
	return ret;
}

/* What was unmapped, or is mapped no more, is in memory as it was left. */
static int check_memory(unsigned long page, uint64_t written)
{
	volatile struct words *found = words_at(memory + home(page));

	return found->data == data(home(page)) && found->written == written ?
	       0 : -EILSEQ;
}

static int check_page(unsigned long page)
{
	unsigned long place = page % ALL;

	if (place < MOVED)
		return expect(&parent, page, data(home(page)), BY_REQUEST(page));
	if (place < OLD)
		return expect(&parent, page, data(elsewhere(page)),
			      BY_REQUEST(page)) ?:
		       check_memory(page, BEFORE(page));
	return expect_nothing(parent.window, page) ?:
	       check_memory(page, BY_REQUEST(page));
}

static int check(void)
{
	int ret = expect_served(NR_REQUESTS * (MOVED - NEW), 0);

	for (unsigned long page = 0; page < SPACE_PAGES && !ret; page++)
		ret = check_page(page);
	return ret;
}

#define ROW(way, words, remark) \
	{ .name = "end_server_" #way, \
	  .what = "a request that demand-pages 16 pages, remaps 8, unmaps 8, writes 32, " words, \
	  .note = remark, .nr = NR_REQUESTS, .begin = begin_##way, \
	  .prepare = prepare, .run = run, .check = check }

const struct row end_server[] = {
	ROW(stores, "by stores that trap", NULL),
	ROW(hypercalls, "by a hypercall an entry", NULL),
	ROW(batches, "by hypercalls of all entries that are known", NULL),
	ROW(lazy, "by stores and invalidations", NULL),
	ROW(mmap, "by SIGSEGV, mmap() and munmap()",
	    "instructions make mmap() look dearer than time does"),
	ROW(uffd, "by userfaultfd, SIGBUS, UFFDIO_COPY and MADV_DONTNEED",
	    "copies pages, back to memory, too; the others only map them"),
	{ }
};
