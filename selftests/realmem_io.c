// SPDX-License-Identifier: GPL-2.0
/*
 * Real memory as memory for input and output: its pages are ordinary pages of
 * the host, for read() and write(), O_DIRECT, pipes, other processes.
 */
#include <sys/uio.h>

#include "vmmu_direct.h"
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)
#define LEN	(256 * KIB)

FIXTURE(io) {
	int dev, vm;
	unsigned char *mem;
	unsigned char *ref;	/* the test's own copy of what should be there */
};

FIXTURE_SETUP(io)
{
	unsigned int i;

	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	self->vm = vm_create(self->dev, REAL);
	self->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
	self->ref = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->ref);
	for (i = 0; i < LEN; i++)
		self->ref[i] = i * 7 + i / PAGE + 1;
}

FIXTURE_TEARDOWN(io)
{
	munmap(self->ref, LEN);
	munmap(self->mem, REAL);
	close(self->vm);
	close(self->dev);
}

TEST_F(io, direct)
{
	const char *where;
	int fd = direct_file(&where);
	struct vmmu_vm_info before;

	if (fd < 0)
		SKIP(return, "no file system or disk here knows O_DIRECT");
	TH_LOG("O_DIRECT on %s", where);

	/* From real memory into the file, and back into pages not touched. */
	memcpy(self->mem, self->ref, LEN);
	before = vm_info(self->vm);
	ASSERT_EQ(LEN, pwrite(fd, self->mem, LEN, 0));
	vm_unchanged(before, self->vm);
	ASSERT_EQ(LEN, pread(fd, self->mem + MIB, LEN, 0));
	EXPECT_EQ(0, memcmp(self->mem + MIB, self->ref, LEN));
	EXPECT_EQ(before.frames + LEN / PAGE, vm_info(self->vm).frames);

	/* Into pages that were only read so far, and over old data. */
	EXPECT_TRUE(all_bytes(self->mem + 2 * MIB, 0, LEN));
	ASSERT_EQ(LEN, pread(fd, self->mem + 2 * MIB, LEN, 0));
	EXPECT_EQ(0, memcmp(self->mem + 2 * MIB, self->ref, LEN));
	memset(self->mem + MIB, POISON8, LEN);
	ASSERT_EQ(LEN, pread(fd, self->mem + MIB, LEN, 0));
	EXPECT_EQ(0, memcmp(self->mem + MIB, self->ref, LEN));

	/* Pages that had no frame give zeroes to the file. */
	ASSERT_EQ(LEN, pwrite(fd, self->mem + 4 * MIB, LEN, 0));
	ASSERT_EQ(LEN, pread(fd, self->mem, LEN, 0));
	EXPECT_TRUE(all_bytes(self->mem, 0, LEN));
	close(fd);
}

TEST_F(io, direct_while_discarded)
{
	const char *where;
	int fd = direct_file(&where), round;

	if (fd < 0)
		SKIP(return, "no file system or disk here knows O_DIRECT");
	memcpy(self->mem, self->ref, LEN);
	ASSERT_EQ(LEN, pwrite(fd, self->mem, LEN, 0));
	for (round = 0; round < (int)rounds(10); round++) {
		unsigned int i;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			for (i = 0; i < 8; i++)
				CHILD_CHECK(pread(fd, self->mem + MIB, LEN,
						  0) == LEN);
			_exit(0);
		}
		for (i = 0; i < 50; i++)
			discard(self->vm, MIB, LEN);
		ASSERT_EQ(0, child_wait(pid));
		/* Each page holds the file's data or was discarded since. */
		for (i = 0; i < LEN; i += PAGE) {
			ASSERT_TRUE(!memcmp(self->mem + MIB + i, self->ref + i,
					    PAGE) ||
				    all_bytes(self->mem + MIB + i, 0, PAGE))
				TH_LOG("round %d, page %u", round, i);
		}
	}
	close(fd);
}

TEST_F(io, read_and_write)
{
	int fd = memfd_create("vmmu", MFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(LEN, pwrite(fd, self->ref, LEN, 0));
	ASSERT_EQ(LEN - 3, pread(fd, self->mem + 3, LEN - 3, 3));
	EXPECT_EQ(0, memcmp(self->mem + 3, self->ref + 3, LEN - 3));
	EXPECT_TRUE(all_bytes(self->mem, 0, 3));
	EXPECT_EQ(LEN / PAGE, vm_info(self->vm).frames);

	self->mem[100] ^= 0xff;
	ASSERT_EQ(LEN, pwrite(fd, self->mem, LEN, 0));
	ASSERT_EQ(LEN, pread(fd, self->ref, LEN, 0));
	EXPECT_EQ(0, memcmp(self->mem, self->ref, LEN));

	/* The kernel reads pages without a frame as zeroes, too. */
	ASSERT_EQ(LEN, pwrite(fd, self->mem + MIB, LEN, 0));
	ASSERT_EQ(LEN, pread(fd, self->ref, LEN, 0));
	EXPECT_TRUE(all_bytes(self->ref, 0, LEN));
	close(fd);
}

/* A page in a pipe is detached by a discard: each side keeps what is its. */
TEST_F(io, vmsplice_and_discard)
{
	struct vmmu_real_map_entry old, new;
	unsigned char out[PAGE];
	struct iovec iov;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	memcpy(self->mem + 5 * PAGE, self->ref, 2 * PAGE);
	old = real_page(self->vm, 5 * PAGE);
	iov = (struct iovec){ self->mem + 5 * PAGE, PAGE };
	ASSERT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));

	/* It is the page itself that is in the pipe, not a copy. */
	self->mem[5 * PAGE] ^= 0xff;
	self->ref[0] ^= 0xff;

	discard(self->vm, 5 * PAGE, PAGE);
	EXPECT_TRUE(all_bytes(self->mem + 5 * PAGE, 0, PAGE));
	memset(self->mem + 5 * PAGE, 0x77, PAGE);
	new = real_page(self->vm, 5 * PAGE);
	if (!(new.flags & VMMU_REAL_FRAME_HIDDEN))
		EXPECT_NE(old.frame, new.frame);

	ASSERT_EQ(PAGE, read(pipes[0], out, PAGE));
	EXPECT_EQ(0, memcmp(out, self->ref, PAGE));
	EXPECT_TRUE(all_bytes(self->mem + 5 * PAGE, 0x77, PAGE));
	EXPECT_EQ(0, memcmp(self->mem + 6 * PAGE, self->ref + PAGE, PAGE));
}

/* The same when the whole VM goes away first. */
TEST_F(io, vmsplice_and_close)
{
	unsigned char out[PAGE];
	struct iovec iov;
	int pipes[2], vm;
	unsigned char *mem;

	if (info(self->dev).memlock_bytes < REAL + MIB)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	ASSERT_EQ(0, pipe(pipes));
	vm = vm_create(self->dev, MIB);
	mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	memcpy(mem, self->ref, PAGE);
	iov = (struct iovec){ mem, PAGE };
	ASSERT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
	munmap(mem, MIB);
	close(vm);
	populate(self->vm, 0, REAL);		/* may take its frame, if free */
	memset(self->mem, 0x77, REAL);
	ASSERT_EQ(PAGE, read(pipes[0], out, PAGE));
	EXPECT_EQ(0, memcmp(out, self->ref, PAGE));
}

TEST_F(io, splice_into_pipe_and_back)
{
	int in = memfd_create("vmmu", MFD_CLOEXEC), pipes[2];
	struct iovec iov = { self->mem, 8 * PAGE };
	unsigned char out[8 * PAGE];
	loff_t at = 0;

	ASSERT_LE(0, in);
	ASSERT_EQ(0, pipe(pipes));
	memcpy(self->mem, self->ref, 8 * PAGE);
	ASSERT_EQ(8 * PAGE, vmsplice(pipes[1], &iov, 1, 0));
	ASSERT_EQ(8 * PAGE, splice(pipes[0], NULL, in, &at, 8 * PAGE, 0));
	ASSERT_EQ(8 * PAGE, pread(in, out, 8 * PAGE, 0));
	EXPECT_EQ(0, memcmp(out, self->ref, 8 * PAGE));
}

TEST_F(io, another_process_reads_and_writes)
{
	struct iovec local = { self->ref, LEN };
	struct iovec remote = { self->mem + MIB, LEN };
	int ready[2], go[2];
	unsigned char *copy;
	char byte;
	pid_t pid;

	copy = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)copy);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(write(ready[1], "", 1) == 1);
		CHILD_CHECK(read(go[0], &byte, 1) == 1);
		CHILD_CHECK(!memcmp(self->mem + MIB, self->ref, LEN));
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));

	/* Pages without a frame, read from outside, are zeroes. */
	local.iov_base = copy;
	ASSERT_EQ(LEN, process_vm_readv(pid, &local, 1, &remote, 1, 0));
	EXPECT_TRUE(all_bytes(copy, 0, LEN));
	local.iov_base = self->ref;
	ASSERT_EQ(LEN, process_vm_writev(pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(0, memcmp(self->mem + MIB, self->ref, LEN));
	self->mem[MIB] = 0x42;
	local.iov_base = copy;
	ASSERT_EQ(LEN, process_vm_readv(pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(0x42, copy[0]);
	EXPECT_EQ(0, memcmp(copy + 1, self->ref + 1, LEN - 1));
	self->mem[MIB] = self->ref[0];
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(LEN / PAGE, vm_info(self->vm).frames);
}

TEST_HARNESS_MAIN
