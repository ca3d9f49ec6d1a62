// SPDX-License-Identifier: GPL-2.0
/* Fork: a child sees what its parent has, and copies what it writes. */
#include "end_fork.h"

static struct vmmu_install_op protect[FORK_PAGES], share[FORK_PAGES];

int fork_prepare_parent(void)
{
	int ret = child.window ? way->destroy(&child) : 0;

	if (!ret)
		ret = unmap(&parent, 0, FORK_PAGES);
	end_reset();
	if (!ret)
		ret = map_home(&parent, 0, FORK_PAGES);
	if (ret)
		return ret;
	for (unsigned long page = 0; page < FORK_PAGES; page++)
		words(&parent, page)->written = page + 1;
	settle();
	return 0;
}

void fork_write(struct as *as)
{
	for (unsigned long page = 0; page < FORK_PAGES; page += WRITE_EVERY)
		words(as, page)->written = ~page;
}

int fork_check(void)
{
	int ret = 0;

	for (unsigned long page = 0; page < FORK_PAGES && !ret; page++) {
		bool wrote = page % WRITE_EVERY == 0;

		/* A child by userfaultfd gets the others when it reads them. */
		touch(child.window + page * PAGE);
		ret = expect(&parent, page, data(home(page)), page + 1) ?:
		      expect(&child, page, data(home(page)),
			     wrote ? ~page : page + 1);
	}
	return ret;
}

/* Nobody may write what two see. */
static int run(void)
{
	int ret;

	for (unsigned long page = 0; page < FORK_PAGES; page++) {
		uint64_t entry = READ_ONLY(parent.entries[page]);

		protect[page] = op_of(page, entry);
		share[page] = op_of(page, entry);
	}
	ret = way->set(&parent, protect, FORK_PAGES) ?:
	      way->create(&child, share, FORK_PAGES);
	if (!ret)
		fork_write(&child);
	return ret;
}

/* Each page that the child wrote was copied, and no other, nor any twice. */
static int check(void)
{
	return expect_served(FORK_WRITES, FORK_WRITES) ?: fork_check();
}

#define WHAT	"fork of 256 pages, a quarter of which the child writes, "

#define ROW(way, words) \
	{ .name = "end_fork_" #way, .what = WHAT words ", a page", \
	  .nr = FORK_PAGES, .begin = begin_##way, \
	  .prepare = fork_prepare_parent, .run = run, .check = check }

const struct row end_fork[] = {
	ROW(stores, "by stores that trap"),
	ROW(prepared, "by stores that trap, but the child's table is filled before"),
	ROW(hypercalls, "by a hypercall an entry"),
	ROW(batches, "by a hypercall for all entries of a table"),
	ROW(lazy, "by stores, and one invalidation"),
	{ .name = "end_fork_mmap",
	  .what = WHAT "by fork() of private memory, a page",
	  .note = "a whole process is made; end_fork_process has that alone",
	  .nr = FORK_PAGES, .begin = fork_begin_mmap,
	  .prepare = fork_prepare_mmap, .run = fork_run_mmap,
	  .check = fork_check_mmap },
	{ .name = "end_fork_process",
	  .what = "fork() without these 256 pages, divided by them",
	  .note = "what end_fork_mmap has, and no other way",
	  .nr = FORK_PAGES, .begin = fork_begin_process,
	  .prepare = fork_prepare_mmap, .run = fork_run_mmap,
	  .check = fork_check_mmap },
	{ .name = "end_fork_uffd",
	  .what = WHAT "by UFFDIO_WRITEPROTECT, SIGBUS and UFFDIO_COPY, a page",
	  .note = "the child's pages are missing until it uses them",
	  .nr = FORK_PAGES, .begin = fork_begin_uffd,
	  .prepare = fork_prepare_uffd, .run = fork_run_uffd,
	  .check = fork_check_uffd },
	{ }
};
