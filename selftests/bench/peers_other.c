// SPDX-License-Identifier: GPL-2.0
/* Other ways of Linux to trap stores, ask for frames, share pages and batch. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <liburing.h>

#include "pages.h"

#define NR_TRAPS	64UL
#define NR_PAGES	512UL	/* what one page table maps */

static char *memory;

/*
 * Stores that trap. They go to every second page of the memory, which is
 * protected as a page table is amid the memory of a guest OS: mprotect() splits
 * a mapping, and merges it again. Where the pages between can't be accessed, it
 * does neither, which is the least that it can cost.
 */
static char *trap_page(unsigned long i)
{
	return memory + 2 * i * PAGE;
}

static volatile unsigned long nr_traps;

static void on_sigsegv(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	nr_traps++;
	if (mprotect(info->si_addr, PAGE, PROT_READ | PROT_WRITE))
		_exit(1);
}

static int begin_traps(void)
{
	const struct sigaction action = {
		.sa_sigaction = on_sigsegv,
		.sa_flags = SA_SIGINFO,
	};
	int ret = memory_anonymous(&memory, 2 * NR_TRAPS);

	if (ret)
		return ret;
	memory_write(memory, 2 * NR_TRAPS);
	return sigaction(SIGSEGV, &action, NULL) ? -errno : 0;
}

static int begin_traps_apart(void)
{
	int ret = begin_traps();

	for (unsigned long i = 0; i < NR_TRAPS && !ret; i++) {
		if (mprotect(trap_page(i) + PAGE, PAGE, PROT_NONE))
			ret = -errno;
	}
	return ret;
}

static int prepare_traps(void)
{
	for (unsigned long i = 0; i < NR_TRAPS; i++) {
		if (mprotect(trap_page(i), PAGE, PROT_READ))
			return -errno;
	}
	nr_traps = 0;
	settle();
	return 0;
}

static int run_traps(void)
{
	for (unsigned long i = 0; i < NR_TRAPS; i++)
		dirty(trap_page(i));
	return nr_traps == NR_TRAPS ? 0 : -EPROTO;
}

static int pagemap;
static unsigned long pagemap_offset;

/* All of a page table is in use: what the kernel walks even for one page. */
static int begin_pagemap(void)
{
	unsigned long align = NR_PAGES * PAGE;
	int ret = memory_anonymous(&memory, 2 * NR_PAGES);

	if (ret)
		return ret;
	memory = (char *)(((uintptr_t)memory + align - 1) & -align);
	memory_write(memory, NR_PAGES);
	pagemap_offset = (uintptr_t)memory / PAGE * sizeof(uint64_t);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	return pagemap < 0 ? -errno : 0;
}

static int run_pagemap_single(void)
{
	for (unsigned long i = 4; i < NR_PAGES; i += 8) {
		uint64_t entry;

		if (pread(pagemap, &entry, sizeof(entry),
			  pagemap_offset + i * sizeof(entry)) != sizeof(entry) ||
		    !(entry >> 63))
			return -EPROTO;
	}
	return 0;
}

static int run_pagemap_bulk(void)
{
	uint64_t entries[NR_PAGES];

	return pread(pagemap, entries, sizeof(entries),
		     pagemap_offset) == sizeof(entries) &&
	       entries[NR_PAGES - 1] >> 63 ? 0 : -EPROTO;
}

/* What fork() takes, until the parent goes on. The child sleeps. */
static int fork_timed(pid_t *child, uint64_t *ticks)
{
	uint64_t start = rdtsc();

	*child = fork();
	if (!*child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	*ticks = rdtsc() - start;
	return *child < 0 ? -errno : 0;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	settle();
}

/* The least of several, with @nr pages. */
static int fork_least(unsigned long nr, uint64_t *least)
{
	int ret = memory_anonymous(&memory, nr);

	*least = UINT64_MAX;
	for (int i = 0; i < 6 && !ret; i++) {
		uint64_t ticks;
		pid_t child;

		memory_write(memory, nr);
		settle();
		ret = fork_timed(&child, &ticks);
		if (ret)
			break;
		end(child);
		if (ticks < *least)
			*least = ticks;
	}
	return munmap(memory, nr * PAGE) ? -errno : ret;
}

/* The slope: what a process costs without pages is no matter. */
static int measure_fork(double *value)
{
	uint64_t few, many;
	int ret = fork_least(NR_PAGES, &few) ?:
		  fork_least(9 * NR_PAGES, &many);

	*value = ((double)many - few) / (8 * NR_PAGES);
	return ret;
}

static int begin_cow(void)
{
	return memory_anonymous(&memory, NR_PAGES);
}

static int prepare_cow(void)
{
	static pid_t child;
	uint64_t ticks;
	int ret;

	if (child)
		end(child);
	memory_write(memory, NR_PAGES);
	ret = fork_timed(&child, &ticks);
	settle();
	return ret;
}

static int run_cow(void)
{
	memory_write(memory, NR_PAGES);
	return 0;
}

#define NR_NOPS		64U

static struct io_uring ring;

static int begin_nops(void)
{
	int ret = io_uring_queue_init(NR_NOPS, &ring, 0);

	return ret == -ENOSYS ? SKIP : ret;
}

static int run_nops(void)
{
	for (unsigned int i = 0; i < NR_NOPS; i++)
		io_uring_prep_nop(io_uring_get_sqe(&ring));
	if (io_uring_submit_and_wait(&ring, NR_NOPS) != NR_NOPS ||
	    io_uring_cq_ready(&ring) != NR_NOPS)
		return -EPROTO;
	io_uring_cq_advance(&ring, NR_NOPS);
	return 0;
}

const struct row peers_other[] = {
	{ .name = "sigsegv_trap",
	  .what = "a store to a read-only page, mprotect() in the handler of SIGSEGV",
	  .note = "the page stays writable, until it is protected again",
	  .nr = NR_TRAPS, .begin = begin_traps, .prepare = prepare_traps,
	  .run = run_traps },
	{ .name = "sigsegv_trap_apart",
	  .what = "the same where mprotect() neither splits nor merges mappings",
	  .note = "the page stays writable, until it is protected again",
	  .nr = NR_TRAPS, .begin = begin_traps_apart, .prepare = prepare_traps,
	  .run = run_traps },
	{ .name = "pagemap_single", .what = "a read of one page's entry from /proc/self/pagemap",
	  .note = "the mean over a page table; for one entry Linux 6.1 walks on to its end",
	  .nr = NR_PAGES / 8, .begin = begin_pagemap, .run = run_pagemap_single },
	{ .name = "pagemap_bulk",
	  .what = "a read of 512 pages' entries from /proc/self/pagemap, a page",
	  .nr = NR_PAGES, .begin = begin_pagemap, .run = run_pagemap_bulk },
	{ .name = "fork_page", .what = "fork(), a resident page more",
	  .measure = measure_fork },
	{ .name = "cow_break", .what = "the first write to a page that a child shares",
	  .nr = NR_PAGES, .begin = begin_cow, .prepare = prepare_cow,
	  .run = run_cow },
	{ .name = "io_uring_nop_64",
	  .what = "io_uring requests that do nothing, in batches of 64, a request",
	  .nr = NR_NOPS, .begin = begin_nops, .run = run_nops },
	{ }
};
