// SPDX-License-Identifier: GPL-2.0
/*
 * userfaultfd: what a guest OS in a process would take for faults, and to give
 * memory its pages. The memory is 512 pages, in the order of their addresses.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pages.h"

#define NR_PAGES	512UL
#define NR_FAULTS	64UL
#define BATCH		64UL

static int uffd;
static char *memory;
static char source[BATCH * PAGE] __attribute__((aligned(4096)));
static volatile unsigned long nr_answered;	/* since prepare */

static struct uffdio_range range(unsigned long first, unsigned long nr)
{
	return (struct uffdio_range){
		.start = (uintptr_t)memory + first * PAGE,
		.len = nr * PAGE,
	};
}

/* A userfaultfd with @features that gets the faults of @mode in the memory. */
static int watch(uint64_t features, uint64_t mode)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register watched = {
		.range = range(0, NR_PAGES),
		.mode = mode,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		return errno == ENOSYS ? SKIP : -errno;
	if (ioctl(uffd, UFFDIO_API, &api))
		return errno == EINVAL ? SKIP : -errno;
	return ioctl(uffd, UFFDIO_REGISTER, &watched) ? -errno : 0;
}

static int copy(unsigned long first, unsigned long nr)
{
	struct uffdio_range to = range(first, nr);
	struct uffdio_copy copy = {
		.dst = to.start,
		.src = (uintptr_t)source,
		.len = to.len,
	};

	return ioctl(uffd, UFFDIO_COPY, &copy) ? -errno : 0;
}

static int resume(unsigned long first, unsigned long nr)
{
	struct uffdio_continue resume = { .range = range(first, nr) };

	return ioctl(uffd, UFFDIO_CONTINUE, &resume) ? -errno : 0;
}

static int protect(unsigned long first, unsigned long nr, uint64_t mode)
{
	struct uffdio_writeprotect protect = {
		.range = range(first, nr),
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &protect) ? -errno : 0;
}

static int begin_missing(void)
{
	return memory_anonymous(&memory, NR_PAGES) ?:
	       watch(0, UFFDIO_REGISTER_MODE_MISSING);
}

/* The pages are in the memfd, but not in the page table. */
static int begin_minor(void)
{
	int file = memory_file(NR_PAGES);

	if (file < 0)
		return file;
	return memory_map(file, &memory, NR_PAGES) ?:
	       watch(UFFD_FEATURE_MINOR_SHMEM, UFFDIO_REGISTER_MODE_MINOR);
}

static int prepare_dropped(void)
{
	nr_answered = 0;
	return memory_drop_settled(memory, NR_PAGES);
}

static int run_copy(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i++) {
		int ret = copy(i, 1);

		if (ret)
			return ret;
	}
	return 0;
}

static int run_copy_bulk(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i += BATCH) {
		int ret = copy(i, BATCH);

		if (ret)
			return ret;
	}
	return 0;
}

static int run_continue(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i++) {
		int ret = resume(i, 1);

		if (ret)
			return ret;
	}
	return 0;
}

static int run_continue_bulk(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i += BATCH) {
		int ret = resume(i, BATCH);

		if (ret)
			return ret;
	}
	return 0;
}

/* An access that is answered wrongly faults again, and is counted again. */
static int run_faults(void)
{
	for (unsigned long i = 0; i < NR_FAULTS; i++)
		dirty(memory + i * PAGE);
	return nr_answered == NR_FAULTS ? 0 : -EPROTO;
}

static unsigned long index_of(uint64_t address)
{
	return (address - (uintptr_t)memory) / PAGE;
}

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	nr_answered++;
	if (copy(index_of((uintptr_t)info->si_addr), 1))
		_exit(1);
}

static int begin_sigbus(void)
{
	const struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	if (sigaction(SIGBUS, &action, NULL))
		return -errno;
	return memory_anonymous(&memory, NR_PAGES) ?:
	       watch(UFFD_FEATURE_SIGBUS, UFFDIO_REGISTER_MODE_MISSING);
}

/* Answer faults, one at a time: a copy for what is missing, else the right. */
static void *answer(void *unused)
{
	struct uffd_msg message;

	(void)unused;
	while (read(uffd, &message, sizeof(message)) == sizeof(message)) {
		unsigned long index = index_of(message.arg.pagefault.address);
		int protected = message.arg.pagefault.flags &
				UFFD_PAGEFAULT_FLAG_WP;

		nr_answered++;
		if (protected ? protect(index, 1, 0) : copy(index, 1))
			break;
	}
	_exit(1);
}

static int begin_answering(void)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, answer, NULL);
}

static int begin_thread(void)
{
	return begin_missing() ?: begin_answering();
}

static int begin_wp(void)
{
	return memory_anonymous(&memory, NR_PAGES) ?:
	       watch(UFFD_FEATURE_PAGEFAULT_FLAG_WP,
		     UFFDIO_REGISTER_MODE_WP) ?:
	       begin_answering();
}

static int prepare_protected(void)
{
	int ret;

	memory_write(memory, NR_PAGES);
	ret = protect(0, NR_PAGES, UFFDIO_WRITEPROTECT_MODE_WP);
	settle();
	nr_answered = 0;
	return ret;
}

const struct row peers_uffd[] = {
	{ .name = "uffd_copy", .what = "UFFDIO_COPY of one page",
	  .nr = NR_PAGES, .begin = begin_missing, .prepare = prepare_dropped,
	  .run = run_copy },
	{ .name = "uffd_copy_bulk", .what = "UFFDIO_COPY of 64 pages, a page",
	  .nr = NR_PAGES, .begin = begin_missing, .prepare = prepare_dropped,
	  .run = run_copy_bulk },
	{ .name = "uffd_continue", .what = "UFFDIO_CONTINUE of one page of a memfd",
	  .nr = NR_PAGES, .begin = begin_minor, .prepare = prepare_dropped,
	  .run = run_continue },
	{ .name = "uffd_continue_bulk", .what = "UFFDIO_CONTINUE of 64 pages of a memfd, a page",
	  .nr = NR_PAGES, .begin = begin_minor, .prepare = prepare_dropped,
	  .run = run_continue_bulk },
	{ .name = "uffd_sigbus",
	  .what = "a fault on a missing page, UFFDIO_COPY in the handler of SIGBUS",
	  .nr = NR_FAULTS, .begin = begin_sigbus, .prepare = prepare_dropped,
	  .run = run_faults },
	{ .name = "uffd_thread", .what = "a fault on a missing page, UFFDIO_COPY in a thread",
	  .nr = NR_FAULTS, .begin = begin_thread, .prepare = prepare_dropped,
	  .run = run_faults },
	{ .name = "uffd_wp",
	  .what = "a store to a write-protected page, UFFDIO_WRITEPROTECT in a thread",
	  .note = "the page stays writable, until it is protected again",
	  .nr = NR_FAULTS, .begin = begin_wp, .prepare = prepare_protected,
	  .run = run_faults },
	{ }
};
