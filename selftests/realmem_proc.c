// SPDX-License-Identifier: GPL-2.0
/*
 * Real memory under what a host process may do with a mapping: ptrace, fork,
 * mremap, madvise, mlock, mprotect, futexes.
 */
#include <linux/futex.h>
#include <sys/ptrace.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)

FIXTURE(proc) {
	int dev, vm;
	unsigned char *mem;
};

FIXTURE_SETUP(proc)
{
	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	self->vm = vm_create(self->dev, REAL);
	self->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
}

FIXTURE_TEARDOWN(proc)
{
	munmap(self->mem, REAL);
	close(self->vm);
	close(self->dev);
}

/* The frame behind a mapped page, by the host and by the real map table. */
#define same_frame(at, ra) do {						\
	struct vmmu_real_map_entry __page = real_page(self->vm, ra);	\
									\
	if (!geteuid()) {						\
		ASSERT_NE(0, __page.frame);				\
		ASSERT_EQ(pagemap_frame(at), __page.frame);		\
	}								\
} while (0)

TEST_F(proc, ptrace)
{
	unsigned char byte = 0x99;
	char path[64];
	int fd;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		CHILD_CHECK(self->mem[5 * PAGE + 8] == 0x99);
		CHILD_CHECK(*(long *)(self->mem + 6 * PAGE) == 0x1122334455);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));

	errno = 0;
	EXPECT_EQ(0, ptrace(PTRACE_PEEKDATA, pid, self->mem + PAGE, 0));
	EXPECT_EQ(0, errno);
	self->mem[2 * PAGE] = 0x11;
	EXPECT_EQ(0x11, ptrace(PTRACE_PEEKDATA, pid, self->mem + 2 * PAGE, 0));
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, self->mem + 6 * PAGE,
			    0x1122334455));
	EXPECT_EQ(0x1122334455, *(long *)(self->mem + 6 * PAGE));

	sprintf(path, "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pwrite(fd, &byte, 1, (uintptr_t)self->mem + 5 * PAGE + 8));
	EXPECT_EQ(0x99, self->mem[5 * PAGE + 8]);
	ASSERT_EQ(1, pread(fd, &byte, 1, (uintptr_t)self->mem + 2 * PAGE));
	EXPECT_EQ(0x11, byte);
	close(fd);
	EXPECT_EQ(4, vm_info(self->vm).frames);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(proc, fork_shares)
{
	int to[2], from[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	self->mem[0] = 1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(self->mem[0] == 1);
		self->mem[0] = 2;
		self->mem[PAGE] = 3;
		CHILD_CHECK(write(from[1], "", 1) == 1);
		CHILD_CHECK(read(to[0], &byte, 1) == 1);
		CHILD_CHECK(self->mem[0] == 4 && self->mem[2 * PAGE] == 5);
		/* A discard by the parent reaches the child's mapping. */
		CHILD_CHECK(write(from[1], "", 1) == 1);
		CHILD_CHECK(read(to[0], &byte, 1) == 1);
		CHILD_CHECK(self->mem[0] == 0 && self->mem[PAGE] == 3);
		_exit(0);
	}
	ASSERT_EQ(1, read(from[0], &byte, 1));
	EXPECT_EQ(2, self->mem[0]);
	EXPECT_EQ(3, self->mem[PAGE]);
	self->mem[0] = 4;
	self->mem[2 * PAGE] = 5;
	ASSERT_EQ(1, write(to[1], "", 1));
	ASSERT_EQ(1, read(from[0], &byte, 1));
	discard(self->vm, 0, PAGE);
	ASSERT_EQ(1, write(to[1], "", 1));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(3, vm_info(self->vm).frames);
}

TEST_F(proc, mremap)
{
	unsigned char *view, *moved;

	view = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)view);
	view[PAGE] = 0x11;
	moved = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)moved);
	ASSERT_EQ(moved, mremap(view, 8 * PAGE, 8 * PAGE,
				MREMAP_MAYMOVE | MREMAP_FIXED, moved));
	EXPECT_EQ(0x11, moved[PAGE]);
	moved[2 * PAGE] = 0x22;
	EXPECT_EQ(0x22, self->mem[2 * PAGE]);
	same_frame(moved + PAGE, PAGE);
	EXPECT_EQ(SIGSEGV, access_read(view + PAGE));
	discard(self->vm, PAGE, PAGE);
	EXPECT_EQ(0, moved[PAGE]);

	/* Shrinking drops host pages only. */
	ASSERT_EQ(moved, mremap(moved, 8 * PAGE, PAGE, 0));
	EXPECT_EQ(SIGSEGV, access_read(moved + 2 * PAGE));
	EXPECT_EQ(0x22, self->mem[2 * PAGE]);
}

/* A mapping that grows beyond real memory finds nothing there. */
TEST_F(proc, mremap_beyond_the_end)
{
	struct vmmu_vm_info before;
	unsigned char *view, *moved;

	view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm,
		    REAL - PAGE);
	ASSERT_NE(MAP_FAILED, (void *)view);
	view[0] = 0x11;
	before = vm_info(self->vm);
	moved = mremap(view, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	if ((void *)moved != MAP_FAILED) {
		EXPECT_EQ(0x11, moved[0]);
		EXPECT_EQ(SIGBUS, access_read(moved + PAGE));
		EXPECT_EQ(SIGBUS, access_write(moved + 3 * PAGE, 1));
	} else {
		EXPECT_EQ(0x11, view[0]);
	}
	vm_unchanged(before, self->vm);
}

/* The kernel may forget host PTEs; the page stays in real memory. */
TEST_F(proc, madvise)
{
	struct vmmu_vm_info before;
	int advice[] = { MADV_DONTNEED, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT,
			 MADV_FREE, MADV_REMOVE, MADV_SEQUENTIAL,
			 MADV_HUGEPAGE, MADV_MERGEABLE, MADV_POPULATE_READ,
			 MADV_POPULATE_WRITE, 25 /* MADV_COLLAPSE */ };
	unsigned int i;

	memset(self->mem, 0x11, 4 * PAGE);
	before = vm_info(self->vm);
	ASSERT_EQ(0, madvise(self->mem, 4 * PAGE, MADV_DONTNEED));
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		madvise(self->mem, 4 * PAGE, advice[i]);
		ASSERT_TRUE(all_bytes(self->mem, 0x11, 4 * PAGE))
			TH_LOG("advice %d", advice[i]);
		same_frame(self->mem, 0);
		vm_unchanged(before, self->vm);
	}
}

TEST_F(proc, mlock)
{
	ASSERT_EQ(0, mlock(self->mem, 16 * PAGE));
	EXPECT_EQ(16, vm_info(self->vm).frames);
	self->mem[PAGE] = 0x11;
	same_frame(self->mem + PAGE, PAGE);
	discard(self->vm, 0, 4 * PAGE);
	EXPECT_EQ(0, self->mem[PAGE]);
	EXPECT_EQ(0, munlock(self->mem, 16 * PAGE));
	discard(self->vm, 0, REAL);
	EXPECT_EQ(0, vm_info(self->vm).frames);

	/* MAP_POPULATE is the same as touching. */
	ASSERT_NE(MAP_FAILED, mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_POPULATE, self->vm, 0));
	EXPECT_EQ(8, vm_info(self->vm).frames);
}

TEST_F(proc, mprotect)
{
	self->mem[0] = 0x11;
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, access_write(self->mem, 1));
	EXPECT_EQ(0, access_read(self->mem));
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_NONE));
	EXPECT_EQ(SIGSEGV, access_read(self->mem));
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0x11, self->mem[0]);
	EXPECT_EQ(0, access_write(self->mem, 0x22));
	EXPECT_EQ(0x22, self->mem[0]);

	/* The same for a page whose frame comes under PROT_READ. */
	ASSERT_EQ(0, mprotect(self->mem + PAGE, PAGE, PROT_READ));
	EXPECT_EQ(0, access_read(self->mem + PAGE));
	EXPECT_EQ(SIGSEGV, access_write(self->mem + PAGE, 1));
	ASSERT_EQ(0, mprotect(self->mem + PAGE, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, access_write(self->mem + PAGE, 0x33));
	same_frame(self->mem + PAGE, PAGE);
}

/* A shared futex is found by the page's identity, not by its address. */
TEST_F(proc, shared_futex)
{
	unsigned int *word, *other;
	struct timespec limit = { 10, 0 };
	int woken = 0, tries;
	pid_t pid;

	other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm,
		     3 * PAGE);
	ASSERT_NE(MAP_FAILED, (void *)other);
	word = (unsigned int *)(self->mem + 3 * PAGE);
	*word = 1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(!syscall(SYS_futex, other, FUTEX_WAIT, 1, &limit,
				     NULL, 0));
		CHILD_CHECK(__atomic_load_n(other, __ATOMIC_SEQ_CST) == 1);
		_exit(0);
	}
	for (tries = 0; !woken && tries < 5000; tries++) {
		sleep_ms(1);
		woken = syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, child_wait(pid));
}

/* Locked instructions meet in the page, whichever mapping they go through. */
TEST_F(proc, atomics)
{
	unsigned int *a = (unsigned int *)(self->mem + PAGE), *b;
	int i;
	pid_t pid;

	b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm,
		 PAGE);
	ASSERT_NE(MAP_FAILED, (void *)b);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (i = 0; i < 100000; i++)
			__atomic_fetch_add(a, 1, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	for (i = 0; i < 100000; i++)
		__atomic_fetch_add(b, 1, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, child_wait(pid));
	EXPECT_EQ(200000, *a);
	same_frame(b, PAGE);
}

/* Memory management at work: nothing moves, and nothing is lost. */
TEST_F(proc, memory_management)
{
	static const char * const refs[] = { "1", "3", "4", "5" };
	struct vmmu_vm_info before;
	unsigned int i;

	if (info(self->dev).memlock_bytes < REAL + MIB)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	for (i = 0; i < REAL / PAGE; i++)
		memset(self->mem + i * PAGE, i % 251 + 1, PAGE);
	before = vm_info(self->vm);
	for (i = 0; i < ARRAY_SIZE(refs); i++) {
		write_text("/proc/self/clear_refs", refs[i]);
		self->mem[i * PAGE] ^= 0xff;	/* faults again, perhaps */
		self->mem[i * PAGE] ^= 0xff;
		same_frame(self->mem + i * PAGE, i * PAGE);
	}
	if (geteuid())
		SKIP(return, "needs root, to compact memory and drop caches");
	EXPECT_EQ(0, write_text("/proc/sys/vm/compact_memory", "1"));
	EXPECT_EQ(0, write_text("/proc/sys/vm/drop_caches", "3"));
	for (i = 0; i < REAL / PAGE; i++) {
		ASSERT_TRUE(all_bytes(self->mem + i * PAGE, i % 251 + 1, PAGE))
			TH_LOG("page %u", i);
	}
	same_frame(self->mem + 7 * PAGE, 7 * PAGE);
	vm_unchanged(before, self->vm);
}

/*
 * A frame with a memory error is not given out again, neither to a mapping nor
 * to anybody else after a discard. This takes a frame from the machine until
 * it is booted again: so only where the kernel was booted for tests.
 */
TEST_F(proc, poisoned_frame)
{
	if (!booted_for_tests())
		SKIP(return, "takes a frame for good: only with page_poison=1");
	memset(self->mem, 0x11, 2 * PAGE);
	if (madvise(self->mem, PAGE, MADV_HWPOISON) && errno == EPERM)
		SKIP(return, "needs root");
	madvise(self->mem, PAGE, MADV_DONTNEED);
	EXPECT_EQ(SIGBUS, access_read(self->mem));
	EXPECT_EQ(0x11, self->mem[PAGE]);
	discard(self->vm, 0, 2 * PAGE);
	EXPECT_EQ(0, access_write(self->mem, 0x22));
	EXPECT_EQ(0x22, self->mem[0]);
	EXPECT_EQ(1, vm_info(self->vm).frames);
}

/* Unmapping a part, and mapping something else over it. */
TEST_F(proc, partial_unmap)
{
	struct vmmu_vm_info before;

	memset(self->mem, 0x11, 8 * PAGE);
	before = vm_info(self->vm);
	ASSERT_EQ(0, munmap(self->mem + 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(SIGSEGV, access_read(self->mem + 2 * PAGE));
	EXPECT_EQ(0x11, self->mem[PAGE]);
	EXPECT_EQ(0x11, self->mem[4 * PAGE]);
	ASSERT_EQ(self->mem + 2 * PAGE,
		  mmap(self->mem + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, self->vm, 6 * PAGE));
	self->mem[2 * PAGE] = 0x66;
	EXPECT_EQ(0x66, self->mem[6 * PAGE]);
	vm_unchanged(before, self->vm);
	same_frame(self->mem + 2 * PAGE, 6 * PAGE);
}

TEST_HARNESS_MAIN
