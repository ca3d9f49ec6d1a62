// SPDX-License-Identifier: GPL-2.0
/* An address space in use ends; its pages stay, as the guest OS's memory. */
#include <errno.h>

#include "end.h"

#define NR_USED	256UL

static char *window;

static int prepare(void)
{
	int ret;

	end_reset();
	/* The last run's is gone. */
	ret = parent.window ? 0 : way->create(&parent, NULL, 0);
	if (!ret)
		ret = map_home(&parent, 0, NR_USED);
	if (ret)
		return ret;
	for (unsigned long page = 0; page < NR_USED; page++)
		words(&parent, page)->written = page + 1;
	window = parent.window;
	settle();
	return 0;
}

/* As Linux does it, entry for entry. */
static int run(void)
{
	return unmap(&parent, 0, NR_USED) ?: way->destroy(&parent);
}

/* But a guest OS may let go of the table as it is. */
static int run_drop(void)
{
	return way->destroy(&parent);
}

static int check(void)
{
	for (unsigned long page = 0; page < NR_USED; page++) {
		int ret = expect_nothing(window, page);

		if (ret)
			return ret;
		if (words_at(memory + home(page))->written != page + 1)
			return -EILSEQ;
	}
	return 0;
}

#define ROW(row, way, how, words, remark) \
	{ .name = "end_exit_" #row, \
	  .what = "the end of an address space of 256 pages in use, " words ", a page", \
	  .note = remark, .nr = NR_USED, .begin = begin_##way, \
	  .prepare = prepare, .run = how, .check = check }

const struct row end_exit[] = {
	ROW(stores, stores, run, "each entry cleared by a store that traps", NULL),
	ROW(hypercalls, hypercalls, run, "each entry cleared by a hypercall", NULL),
	ROW(batches, batches, run, "all entries cleared by one hypercall", NULL),
	ROW(lazy, lazy, run, "all entries cleared by stores, and one invalidation",
	    NULL),
	ROW(drop_stores, stores, run_drop, "of a trapping space, no entry cleared",
	    "a guest OS that gives its table up as a whole"),
	ROW(drop_lazy, lazy, run_drop, "of a lazy space, no entry cleared",
	    "as end_exit_drop_stores, and the same by hypercalls and batches"),
	ROW(mmap, mmap, run, "by one munmap()", "256 mappings, one a page"),
	ROW(uffd, uffd, run, "of userfaultfd, by MADV_DONTNEED, munmap() and close()",
	    "copies each page back to memory"),
	{ }
};
