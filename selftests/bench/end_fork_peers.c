// SPDX-License-Identifier: GPL-2.0
/* Fork by what Linux has: its own, or userfaultfd. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "end_fork.h"
#include "end_uffd.h"

/* fork() copies a private address space, so the pages are anonymous memory. */
static bool is_inherited;
static int from_child[2], to_child[2];
static pid_t pid;

static int begin(bool inherited)
{
	is_inherited = inherited;
	parent.window = mmap(NULL, FORK_PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (parent.window == MAP_FAILED || pipe(from_child) || pipe(to_child) ||
	    madvise(parent.window, FORK_PAGES * PAGE,
		    inherited ? MADV_NOHUGEPAGE : MADV_DONTFORK))
		return -errno;
	return 0;
}

int fork_begin_mmap(void)
{
	return begin(true);
}

int fork_begin_process(void)
{
	return begin(false);
}

int fork_prepare_mmap(void)
{
	for (unsigned long page = 0; page < FORK_PAGES; page++) {
		words(&parent, page)->data = data(home(page));
		words(&parent, page)->written = page + 1;
	}
	settle();
	return 0;
}

/* Whether the parent, or the child that wrote, has what it should. */
static bool is_right(bool writer)
{
	for (unsigned long page = 0; page < FORK_PAGES; page++) {
		bool wrote = writer && page % WRITE_EVERY == 0;
		volatile struct words *found = words(&parent, page);

		if (found->data != data(home(page)) ||
		    found->written != (wrote ? ~page : page + 1))
			return false;
	}
	return true;
}

/* Write, tell so, and look at all only when asked to. */
static void be_child(void)
{
	char byte = 0;

	if (is_inherited)
		fork_write(&parent);
	if (write(from_child[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1)
		_exit(1);
	_exit(is_inherited && !is_right(true));
}

/* The end of the child is not a part of it. */
int fork_run_mmap(void)
{
	char byte;

	pid = fork();
	if (!pid)
		be_child();
	return pid > 0 && read(from_child[0], &byte, 1) == 1 ? 0 : -errno;
}

int fork_check_mmap(void)
{
	int status;

	if (write(to_child[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return status || !is_right(false) ? -EILSEQ : 0;
}

/* The child takes a page that it has not from its parent, which may not write it. */
static int serve_child(struct as *as, unsigned long page, uint32_t code)
{
	if (as != &child || code & VMMU_PF_P)
		return -EFAULT;
	as->entries[page] = PRESENT;
	return uffd_copy(as, page, parent.window + page * PAGE, true);
}

int fork_begin_uffd(void)
{
	return begin_uffd();
}

int fork_prepare_uffd(void)
{
	int ret = fork_prepare_parent();

	serve = serve_child;
	return ret;
}

int fork_run_uffd(void)
{
	int ret = uffd_protect(&parent, 0, FORK_PAGES) ?:
		  way->create(&child, NULL, 0);

	if (!ret)
		fork_write(&child);
	return ret;
}

/* serve_child() takes no real page for its copies. */
int fork_check_uffd(void)
{
	return expect_served(FORK_WRITES, 0) ?: fork_check();
}
