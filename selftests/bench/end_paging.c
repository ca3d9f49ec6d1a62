// SPDX-License-Identifier: GPL-2.0
/* Demand paging: each page of a program comes when it is touched. */
#include <errno.h>

#include "end.h"

#define NR_TOUCHED	SPACE_PAGES

static int prepare(void)
{
	int ret = unmap(&parent, 0, NR_TOUCHED);

	end_reset();
	settle();
	return ret;
}

/* In no order. */
static int run(void)
{
	for (unsigned long i = 0; i < NR_TOUCHED; i++)
		touch(parent.window + (i * 165 + 1) % NR_TOUCHED * PAGE);
	return 0;
}

static int check(void)
{
	if (expect_served(NR_TOUCHED, 0))
		return -EILSEQ;
	for (unsigned long page = 0; page < NR_TOUCHED; page++) {
		int ret = expect(&parent, page, data(home(page)), 0);

		if (ret)
			return ret;
	}
	return 0;
}

/* There a page is where it is in memory. */
static int check_continue(void)
{
	if (expect_served(NR_TOUCHED, 0))
		return -EILSEQ;
	for (unsigned long page = 0; page < NR_TOUCHED; page++) {
		int ret = expect(&parent, page, data(DATA + page * PAGE), 0);

		if (ret)
			return ret;
	}
	return 0;
}

#define ROW(way, verify, words, remark) \
	{ .name = "end_paging_" #way, \
	  .what = "demand paging of 512 pages, " words ", a page", \
	  .note = remark, .nr = NR_TOUCHED, .begin = begin_##way, \
	  .prepare = prepare, .run = run, .check = verify }

const struct row end_paging[] = {
	ROW(stores, check, "by stores that trap", NULL),
	ROW(hypercalls, check, "by a hypercall each", NULL),
	ROW(batches, check, "by hypercalls",
	    "a fault tells of one page, so there is nothing to batch"),
	ROW(lazy, check, "by stores, found when the access is made again", NULL),
	ROW(mmap, check, "by SIGSEGV and mmap() of a memfd's page",
	    "instructions make mmap() look dearer than time does"),
	ROW(uffd, check, "by userfaultfd, SIGBUS and UFFDIO_COPY",
	    "copies each page, which the others only map"),
	ROW(continue, check_continue, "by userfaultfd, SIGBUS and UFFDIO_CONTINUE",
	    "a page of the window can only be the file's page there"),
	{ }
};
