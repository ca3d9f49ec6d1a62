// SPDX-License-Identifier: GPL-2.0
/* What threads do: to one VM, to a VM each, and to the kernel itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "threads.h"

/* How often the quick ones are done: no run should be over in a moment. */
#define ROUNDS	16

static struct guest guests[MOST_THREADS];
static unsigned int nr_threads, nr_guests;

/* What each thread does its work upon; the rest of its pages is left alone. */
static unsigned long part(void)
{
	return NR_PAGES / nr_threads;
}

static struct guest *guest_of(unsigned int thread)
{
	return &guests[nr_guests > 1 ? thread : 0];
}

/* The thread's first page, and first operation. */
static unsigned long first_of(unsigned int thread)
{
	return thread * part();
}

static int make_guests(unsigned int threads, unsigned int nr, uint32_t flags)
{
	nr_threads = threads;
	nr_guests = nr;
	for (unsigned int i = 0; i < nr; i++) {
		int ret = guest_make(&guests[i], flags);

		if (ret)
			return ret;
	}
	return 0;
}

static int begin_one(unsigned int nr)
{
	return make_guests(nr, 1, VMMU_SPACE_LAZY);
}

static int begin_each(unsigned int nr)
{
	return make_guests(nr, nr, VMMU_SPACE_LAZY);
}

static int begin_mapped(unsigned int nr)
{
	return begin_one(nr) ?: guest_install(guests, 0, NR_PAGES, DATA, 512);
}

static int begin_window(unsigned int nr)
{
	return begin_mapped(nr) ?: guest_window(guests);
}

static int begin_one_trapping(unsigned int nr)
{
	return make_guests(nr, 1, VMMU_SPACE_TRAPPING);
}

static int begin_each_trapping(unsigned int nr)
{
	return make_guests(nr, nr, VMMU_SPACE_TRAPPING);
}

static int forget(void)
{
	return vmmu_invalidate_all(guests->space);
}

/* Downwards, where nothing is mapped ahead. */
static void dirty_pages(char *memory, unsigned int thread, unsigned long nr)
{
	while (nr--)
		dirty(memory + (first_of(thread) + nr) * PAGE);
}

static int run_fault(unsigned int thread)
{
	dirty_pages(guests->window, thread, part());
	return 0;
}

static int run_translate(unsigned int thread)
{
	struct vmmu_translation result;

	for (unsigned long i = 0; i < ROUNDS * part(); i++) {
		unsigned long page = first_of(thread) + i % part();
		int ret = vmmu_translate(guests->space, page_va(page),
					 VMMU_ACCESS_READ, VMMU_TRANSLATE_USER,
					 &result);

		if (ret || result.ra != DATA + page * PAGE)
			return ret ?: -EIO;
	}
	return 0;
}

static struct vmmu_install_op ops[NR_PAGES], no_ops[NR_PAGES];

static int uninstall(void)
{
	for (unsigned int i = 0; i < nr_guests; i++) {
		int ret = guest_install(&guests[i], 0, NR_PAGES, 0, 512);

		if (ret)
			return ret;
	}
	guest_ops(ops, 0, NR_PAGES, DATA);
	guest_ops(no_ops, 0, NR_PAGES, 0);
	return 0;
}

static int run_install(unsigned int thread)
{
	const unsigned long first = first_of(thread);
	int ret = 0;

	for (unsigned int i = 0; !ret && i < ROUNDS; i++)
		ret = guest_issue(guest_of(thread), (i % 2 ? no_ops : ops) + first,
				  part(), 64);
	return ret;
}

static int run_stores(unsigned int thread)
{
	const unsigned long first = first_of(thread);

	for (unsigned long i = first; i < first + part(); i++)
		*entry_of(guest_of(thread), i) = ENTRY(DATA + i * PAGE);
	return 0;
}

static char *shared;

static int begin_memfd(unsigned int nr)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	nr_threads = nr;
	if (fd < 0 || ftruncate(fd, NR_PAGES * PAGE))
		return -errno;
	shared = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, fd, 0);
	return shared == MAP_FAILED ? -errno : 0;
}

static int take_away(void)
{
	return madvise(shared, NR_PAGES * PAGE, MADV_DONTNEED) ? -errno : 0;
}

static int run_memory(unsigned int thread)
{
	dirty_pages(shared, thread, part());
	return 0;
}

/* Hand-offs between threads take long, where processors are emulated. */
static int run_uffd(unsigned int thread)
{
	dirty_pages(shared, thread, part() / 8);
	return 0;
}

static int uffd;

/* Answer faults one after the other, until the process ends. */
static void *answer_faults(void *unused)
{
	static char page[PAGE] __attribute__((aligned(4096)));
	struct uffd_msg message;

	(void)unused;
	while (read(uffd, &message, sizeof(message)) == sizeof(message)) {
		struct uffdio_copy copy = {
			.dst = message.arg.pagefault.address & -PAGE,
			.src = (uintptr_t)page,
			.len = PAGE,
		};

		/* Whoever faulted would wait for ever. */
		if (ioctl(uffd, UFFDIO_COPY, &copy))
			_exit(1);
	}
	return NULL;
}

static int begin_uffd(unsigned int nr)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range.len = NR_PAGES * PAGE,
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pthread_t thread;

	nr_threads = nr;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		return -errno;
	shared = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	range.range.start = (uintptr_t)shared;
	if (ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &range))
		return -errno;
	return -pthread_create(&thread, NULL, answer_faults, NULL);
}

static int begin_plain(unsigned int nr)
{
	nr_threads = nr;
	return 0;
}

static int run_plain(unsigned int thread)
{
	static char pages[MOST_THREADS][PAGE] __attribute__((aligned(4096)));

	for (unsigned int i = 0; i < 64 * ROUNDS; i++)
		load_words(pages[thread]);
	return 0;
}

const struct load loads[] = {
	{ .name = "threads_plain",
	  .what = "loads from memory of its own, which nothing can slow down but the machine",
	  .begin = begin_plain, .run = run_plain },
	{ .name = "threads_window_fault",
	  .what = "write faults in a window, which the threads share",
	  .begin = begin_window, .prepare = forget, .run = run_fault },
	{ .name = "threads_translate", .what = "translations of one va each, in one space",
	  .begin = begin_mapped, .run = run_translate },
	{ .name = "threads_install_vms",
	  .what = "hypercalls that install or remove 64 entries, a VM a thread",
	  .begin = begin_each, .prepare = uninstall, .run = run_install },
	{ .name = "threads_install",
	  .what = "hypercalls that install or remove 64 entries, all in one space",
	  .begin = begin_one, .prepare = uninstall, .run = run_install },
	{ .name = "threads_trapped_store_vms",
	  .what = "stores to page tables that trap, a VM a thread",
	  .begin = begin_each_trapping, .prepare = uninstall, .run = run_stores },
	{ .name = "threads_trapped_store",
	  .what = "stores to page tables that trap, all in one space",
	  .begin = begin_one_trapping, .prepare = uninstall, .run = run_stores },
	{ .name = "threads_memfd_fault", .what = "write faults on resident pages of a memfd",
	  .begin = begin_memfd, .prepare = take_away, .run = run_memory },
	{ .name = "threads_uffd",
	  .what = "missing faults that one more thread answers, by userfaultfd",
	  .note = "with one thread at work, the thread that answers has a CPU for itself",
	  .begin = begin_uffd, .prepare = take_away, .run = run_uffd },
	{ }
};
