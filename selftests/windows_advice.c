// SPDX-License-Identifier: GPL-2.0
/*
 * What a process may ask the host's memory management to do with a window:
 * advice, locks, accounts. Most of it is refused or does nothing; whatever it
 * does, a window shows the same pages with the same rights afterwards.
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include "vmmu_window.h"

#define VA		0x400000ULL
#define NR_PAGES	8

FIXTURE(advice) {
	struct guest g;
	unsigned char *w;
	__u64 pages;
};

/*
 * Each page shows another one of data. The even ones may be written; of the
 * odd ones 1 and 5 are read-only, 3 and 7 no-execute.
 */
FIXTURE_SETUP(advice)
{
	struct guest *g = &self->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(g, dev, 4 * MIB, FORMAT4, VMMU_MODE_WP | VMMU_MODE_NXE);
	self->pages = g->data;
	for (int i = 0; i < NR_PAGES; i++) {
		store(g->mem + self->pages + i * PAGE, i << 8 | 0xc3);
		guest_map(g, VA + i * PAGE, 1, (self->pages + i * PAGE) |
			  (i % 2 ? PTE_P : PTE_ALL) |
			  (i % 4 == 3 ? PTE_NX : 0));
	}
	self->w = window(g->space, VA, NR_PAGES * PAGE);
}

FIXTURE_TEARDOWN(advice)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Assert that the window shows what it should, and nothing more. */
#define unharmed() do {							\
	struct guest *__g = &self->g;					\
	int __i;							\
									\
	audit_clean(__g->vm);						\
	for (__i = 0; __i < NR_PAGES; __i++) {				\
		unsigned char *__page = self->w + __i * PAGE;	\
									\
		ASSERT_EQ(0, access_kind(__page, READ)) TH_LOG("%d", __i);\
		ASSERT_EQ(__i << 8 | 0xc3, load(__page));			\
		ASSERT_EQ(__i % 2 ? SIGSEGV : 0,			\
			  access_kind(__page, WRITE)) TH_LOG("%d", __i);	\
		ASSERT_EQ(__i % 4 == 3 ? SIGSEGV : 0,			\
			  access_kind(__page, FETCH)) TH_LOG("%d", __i);	\
		if (__i % 2 == 0)					\
			oracle(__g, __page, VA + __i * PAGE, 0);		\
	}								\
	audit_clean(__g->vm);						\
} while (0)

/* With what each advice ends: 0 or an errno, or another that may come. */
static const struct advice {
	const char *name;
	int advice, error, other;
} advices[] = {
	{ "NORMAL", MADV_NORMAL, 0, 0 },
	{ "RANDOM", MADV_RANDOM, 0, 0 },
	{ "SEQUENTIAL", MADV_SEQUENTIAL, 0, 0 },
	{ "WILLNEED", MADV_WILLNEED, 0, 0 },
	{ "DONTNEED", MADV_DONTNEED, EINVAL, EINVAL },
	{ "DONTNEED_LOCKED", 24, EINVAL, EINVAL },
	{ "FREE", MADV_FREE, EINVAL, EINVAL },
	/* A file without ->fallocate(), which is no regular file either. */
	{ "REMOVE", MADV_REMOVE, ENODEV, ENODEV },
	{ "DONTFORK", MADV_DONTFORK, 0, 0 },
	{ "DOFORK", MADV_DOFORK, 0, 0 },
	{ "WIPEONFORK", MADV_WIPEONFORK, EINVAL, EINVAL },
	{ "KEEPONFORK", MADV_KEEPONFORK, 0, 0 },
	/* A kernel without KSM knows no such advice. */
	{ "MERGEABLE", MADV_MERGEABLE, 0, EINVAL },
	{ "UNMERGEABLE", MADV_UNMERGEABLE, 0, EINVAL },
	/* Nor one without huge pages such as these; they have no effect. */
	{ "HUGEPAGE", MADV_HUGEPAGE, 0, EINVAL },
	{ "NOHUGEPAGE", MADV_NOHUGEPAGE, 0, EINVAL },
	{ "COLLAPSE", 25, EINVAL, EINVAL },
	{ "DONTDUMP", MADV_DONTDUMP, 0, 0 },
	{ "DODUMP", MADV_DODUMP, EINVAL, EINVAL },
	{ "COLD", MADV_COLD, EINVAL, EINVAL },
	{ "PAGEOUT", MADV_PAGEOUT, EINVAL, EINVAL },
	{ "POPULATE_READ", MADV_POPULATE_READ, EINVAL, EINVAL },
	{ "POPULATE_WRITE", MADV_POPULATE_WRITE, EINVAL, EINVAL },
};

static int advise(unsigned char *w, int advice)
{
	return madvise(w, NR_PAGES * PAGE, advice) ? errno : 0;
}

TEST_F(advice, madvise)
{
	__u64 frames;

	unharmed();
	frames = vm_info(self->g.vm).frames;
	for (unsigned int i = 0; i < ARRAY_SIZE(advices); i++) {
		const struct advice *a = &advices[i];
		int error = advise(self->w, a->advice);

		ASSERT_TRUE(error == a->error || error == a->other)
			TH_LOG("%s: %s", a->name, strerror(error));
		unharmed();
		ASSERT_EQ(frames, vm_info(self->g.vm).frames);
	}
}

/* The same before anything was touched: no advice brings in a page. */
TEST_F(advice, madvise_untouched)
{
	__u64 frames = vm_info(self->g.vm).frames;

	for (unsigned int i = 0; i < ARRAY_SIZE(advices); i++)
		advise(self->w, advices[i].advice);
	ASSERT_EQ(0, audit(self->g.vm).checked);
	ASSERT_EQ(frames, vm_info(self->g.vm).frames);
	for (int i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(0, *guest_slot(&self->g, VA + i * PAGE, 1) & PTE_A);
	unharmed();
}

/* Another process may advise, too, as far as it may anything. */
TEST_F(advice, process_madvise)
{
	struct iovec { void *at; size_t bytes; } iov = {
		self->w, NR_PAGES * PAGE
	};
	int fd = syscall(SYS_pidfd_open, getpid(), 0);

	if (geteuid())
		SKIP(return, "needs root");
	unharmed();
	ASSERT_LE(0, fd);
	ASSERT_EQ(-1, syscall(SYS_process_madvise, fd, &iov, 1, MADV_COLD, 0));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(-1, syscall(SYS_process_madvise, fd, &iov, 1, MADV_PAGEOUT,
			      0));
	ASSERT_EQ(EINVAL, errno);
	unharmed();
	close(fd);
}

/* A poisoned address is found by its page, which a window does not give. */
TEST_F(advice, hwpoison)
{
	static const int advice[] = { MADV_HWPOISON, 101 /* MADV_SOFT_OFFLINE */ };

	if (geteuid())
		SKIP(return, "needs root");
	unharmed();
	for (unsigned int i = 0; i < ARRAY_SIZE(advice); i++)
		ASSERT_NE(0, advise(self->w, advice[i]));
	unharmed();
}

TEST_F(advice, userfaultfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)self->w, NR_PAGES * PAGE },
	};
	static const __u64 modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		SKIP(return, "userfaultfd is not to be had");
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		reg.mode = modes[i];
		ASSERT_EQ(-1, ioctl(fd, UFFDIO_REGISTER, &reg));
		ASSERT_EQ(EINVAL, errno);
	}
	unharmed();
	close(fd);
}

/* Locks bring nothing in and keep nothing there. */
TEST_F(advice, mlock)
{
	unsigned char *w = self->w, *populated;
	struct guest *g = &self->g;

	ASSERT_EQ(0, mlock(w, NR_PAGES * PAGE));
	ASSERT_EQ(0, mlock2(w, NR_PAGES * PAGE, MLOCK_ONFAULT));
	populated = mmap(NULL, NR_PAGES * PAGE, RWX, MAP_SHARED | MAP_POPULATE |
			 MAP_LOCKED, g->space, VA);
	ASSERT_NE(MAP_FAILED, (void *)populated);
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	ASSERT_EQ(0, audit(g->vm).checked);
	ASSERT_EQ(2, audit(g->vm).windows);
	unharmed();
	install_one(g->space, VA, 1, (self->pages + PAGE) | PTE_P);
	ASSERT_EQ(0x1c3, load(w));
	ASSERT_EQ(0x1c3, load(populated));
	ASSERT_EQ(SIGSEGV, access_write(w, 1));
	install_one(g->space, VA, 1, 0);
	ASSERT_EQ(SIGSEGV, access_read(w));
	ASSERT_EQ(0, munlockall());
	install_one(g->space, VA, 1, self->pages | PTE_ALL);
	unharmed();
	/* The same for those that are made from now on. */
	ASSERT_EQ(0, mlockall(MCL_FUTURE));
	ASSERT_NE(NULL, window(g->space, VA, PAGE));
	ASSERT_EQ(0, munlockall());
}

/* A line of smaps about the mapping at @at: a number, or -1. */
static long smaps(void *at, const char *key)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512], start[32];
	bool found = false;
	long value = -1;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)at);
	while (f && value < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, start, strlen(start)))
			found = true;
		else if (found && !strncmp(line, key, strlen(key)))
			value = atol(line + strlen(key));
	}
	if (f)
		fclose(f);
	return value;
}

/* Windows count nowhere: their pages are counted as real memory. */
TEST_F(advice, accounts)
{
	unsigned char vec[NR_PAGES];
	char buffer[64];
	int fd;

	unharmed();
	ASSERT_EQ(0, smaps(self->w, "Rss:"));
	ASSERT_EQ(0, smaps(self->w, "Pss:"));
	ASSERT_EQ(0, smaps(self->w, "Locked:"));
	ASSERT_EQ(NR_PAGES * 4, smaps(self->w, "Size:"));
	ASSERT_EQ(0, pagemap_frame(self->w));
	ASSERT_EQ(0, mincore(self->w, NR_PAGES * PAGE, vec));
	ASSERT_TRUE(all_bytes(vec, 0, NR_PAGES));
	fd = open("/proc/self/numa_maps", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
		close(fd);
	}
	unharmed();
}

/* The kernel forgets references and soft-dirty bits; rights stay. */
TEST_F(advice, clear_refs)
{
	static const char *const what[] = { "1", "2", "3", "4", "5" };

	for (unsigned int i = 0; i < ARRAY_SIZE(what); i++) {
		unharmed();
		write_text("/proc/self/clear_refs", what[i]);
		unharmed();
		/* After this, new PTEs as well. */
		invalidate_all(self->g.space);
		unharmed();
	}
}

TEST_F(advice, msync)
{
	unsigned char *w = self->w;

	unharmed();
	ASSERT_EQ(0, msync(w, NR_PAGES * PAGE, MS_ASYNC));
	ASSERT_EQ(0, msync(w, NR_PAGES * PAGE, MS_INVALIDATE));
	/* There is nothing that it could be written to. */
	msync(w, NR_PAGES * PAGE, MS_SYNC);
	unharmed();
}

TEST_HARNESS_MAIN
