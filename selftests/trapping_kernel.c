// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel itself stores to page tables: for system calls, for itself,
 * for devices, for debuggers. Nothing of it is known; the page is opened.
 */
#include <sys/random.h>
#include <sys/uio.h>

#include "vmmu_direct.h"
#include "vmmu_protect.h"
#include "vmmu_uring.h"

#define SEEN	(VA + 8 * PAGE)	/* where the window shows the table */

/*
 * @p: the guest
 * @page: a page like the table, but that its first entry is that of page b
 * @fd: a file with this page
 * @seen: the table in the window
 */
FIXTURE(kernel) {
	struct protect p;
	__u64 *page;
	int fd;
	__u64 *seen;
};

FIXTURE_SETUP(kernel)
{
	struct protect *p = &self->p;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	protect_make(p, dev);
	guest_map(&p->g, SEEN, 1, p->table | PTE_ALL);
	self->fd = memfd_create("vmmu", MFD_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->page = aligned_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->page);
	memcpy(self->page, p->g.mem + p->table, PAGE);
	self->page[0] = p->b | PTE_ALL;
	ASSERT_EQ(PAGE, write(self->fd, self->page, PAGE));
	ASSERT_EQ(0, index_at(VA, 1));
	tables_trap(p);
	self->seen = (__u64 *)(p->w + 8 * PAGE);
}

FIXTURE_TEARDOWN(kernel)
{
	close(self->fd);
	free(self->page);
	protect_drop(&self->p);
}

/* Something was stored: the page is open until its change has come about. */
#define stored(of) do {							\
	struct protect *__p = (of);					\
									\
	ASSERT_EQ(OPEN, real_flags(__p->g.vm, __p->table));		\
	ASSERT_EQ(0, shows(__p, TAG_B));				\
	set(__p->pte, __p->a | PTE_ALL);				\
	ASSERT_EQ(0, shows(__p, TAG_A));				\
} while (0)

TEST_F(kernel, read)
{
	struct protect *p = &self->p;
	struct iovec parts[2] = { { p->pte, 4 }, { (char *)p->pte + 4, 4 } };

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(PAGE, pread(self->fd, p->pte, PAGE, 0));
		stored(p);
		ASSERT_EQ(PAGE, pread(self->fd, self->seen, PAGE, 0));
		stored(p);
		ASSERT_EQ(3, pread(self->fd, p->pte, 3, 0));
		stored(p);
		ASSERT_EQ(8, preadv(self->fd, parts, 2, 0));
		stored(p);
		ASSERT_EQ(0, traps_at(p, p->pte));
		ASSERT_EQ(0, traps_at(p, self->seen));
	}
}

TEST_F(kernel, socket)
{
	struct protect *p = &self->p;
	int socks[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(PAGE, write(socks[0], self->page, PAGE));
		ASSERT_EQ(PAGE, recv(socks[1], i & 1 ? self->seen : p->pte,
				     PAGE, MSG_WAITALL));
		stored(p);
	}
	close(socks[0]);
	close(socks[1]);
}

/* It is all the same what is stored: the table is closed, and the page found. */
TEST_F(kernel, answers)
{
	struct protect *p = &self->p;
	struct vmmu_translation *t = (void *)(p->pte + 64);
	struct vmmu_install_op op = { .va = VA, .value = p->b | PTE_ALL,
				      .level = 1 };
	struct vmmu_install in;
	__u32 done;

	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(8, getrandom(p->pte + 16, 8, 0));
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID,
					   (void *)(p->pte + 16)));
		ASSERT_EQ(0, shows(p, TAG_A));
		/* The answer of a call that settled before. */
		ASSERT_EQ(0, _translate_many(p->g.space, 0, READ, NULL, VA, 4,
					     t, &done));
		ASSERT_EQ(p->a, t->ra);
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(0, _install(p->g.space, 0, &op, 1,
				      (__u8 *)(p->pte + 32), &in));
		stored(p);
	}
}

TEST_F(kernel, direct)
{
	struct protect *p = &self->p;
	const char *where;
	int fd = direct_file(&where);

	if (fd < 0)
		SKIP(return, "no file system or disk here knows O_DIRECT");
	TH_LOG("O_DIRECT on %s", where);
	ASSERT_EQ(PAGE, pwrite(fd, self->page, PAGE, 0));
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(PAGE, pread(fd, p->pte, PAGE, 0));
		stored(p);
		/* To write it to a file changes nothing. */
		ASSERT_EQ(PAGE, pwrite(fd, p->pte, PAGE, PAGE));
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(0, traps_at(p, p->pte));
	}
	close(fd);
}

TEST_F(kernel, io_uring)
{
	struct protect *p = &self->p;
	struct uring ring;
	int err = uring_make(&ring, 0), pipes[2];

	if (err)
		SKIP(return, "no io_uring here");
	ASSERT_EQ(0, pipe(pipes));
	for (int i = 0; i < 6; i++) {
		/* From a file at once; from a pipe later; by a worker. */
		struct io_uring_sqe sqe = {
			.opcode = IORING_OP_READ,
			.fd = i % 3 ? pipes[0] : self->fd,
			.addr = (uintptr_t)(i & 1 ? self->seen : p->pte),
			.len = PAGE,
			.flags = i % 3 == 2 ? IOSQE_ASYNC : 0,
		};

		ASSERT_EQ(0, uring_submit(&ring, sqe, 0));
		ASSERT_EQ(0, i % 3 ? shows(p, TAG_A) : 0);
		if (i % 3)
			ASSERT_EQ(PAGE, write(pipes[1], self->page, PAGE));
		while (!uring_has_result(&ring))
			syscall(SYS_io_uring_enter, ring.fd, 0, 1,
				IORING_ENTER_GETEVENTS, NULL, 0);
		ASSERT_EQ(PAGE, uring_result(&ring));
		stored(p);
	}
	uring_drop(&ring);
}

/* The debugger's calls, which go through both levels without a mapping. */
TEST_F(kernel, debugger)
{
	struct protect *p = &self->p;
	__u64 b = p->b | PTE_ALL, value;
	struct vmmu_memory m = { .size = sizeof(m), .va = SEEN, .bytes = 8 };
	struct vmmu_cmpxchg c = { .size = sizeof(c), .va = SEEN, .bytes = 8 };

	for (int i = 0; i < 3; i++) {
		m.buffer = (uintptr_t)&value;
		m.bytes = 8;
		ASSERT_EQ(0, call(p->g.space, VMMU_IOC_READ, &m));
		ASSERT_EQ(p->a | PTE_ALL, value & ~(PTE_A | PTE_D));
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->table));
		m.buffer = (uintptr_t)&b;
		ASSERT_EQ(0, call(p->g.space, VMMU_IOC_WRITE, &m));
		stored(p);
		m.bytes = 2;
		ASSERT_EQ(0, call(p->g.space, VMMU_IOC_WRITE, &m));
		stored(p);
		c.expected = load(p->pte);
		c.desired = b;
		ASSERT_EQ(0, call(p->g.space, VMMU_IOC_CMPXCHG, &c));
		ASSERT_EQ(1, c.swapped);
		stored(p);
		c.expected = ~0ULL;
		ASSERT_EQ(0, call(p->g.space, VMMU_IOC_CMPXCHG, &c));
		ASSERT_EQ(0, c.swapped);
		ASSERT_EQ(0, shows(p, TAG_A));
		/* Into the table, read through the table. */
		m.buffer = (uintptr_t)(p->pte + 16);
		m.bytes = 64;
		ASSERT_EQ(0, call(p->g.space, VMMU_IOC_READ, &m));
		ASSERT_EQ(p->pte[0], p->pte[16]);
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(TAG_A, load(p->w + 16 * PAGE));
	}
}

/* /proc/PID/mem goes through windows, too; process_vm_writev() does not. */
TEST_F(kernel, proc_mem)
{
	struct protect *p = &self->p;
	__u64 b = p->b | PTE_ALL, value;
	struct iovec local = { &b, 8 }, remote = { self->seen, 8 };
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(8, pwrite(fd, &b, 8, (uintptr_t)self->seen));
		stored(p);
		ASSERT_EQ(8, pread(fd, &value, 8, (uintptr_t)self->seen));
		ASSERT_EQ(p->a | PTE_ALL, value & ~(PTE_A | PTE_D));
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->table));
		ASSERT_EQ(8, pwrite(fd, &b, 8, (uintptr_t)p->pte));
		stored(p);
		ASSERT_EQ(-1, process_vm_writev(getpid(), &local, 1, &remote, 1,
						0));
		ASSERT_EQ(0, shows(p, TAG_A));
		remote.iov_base = p->pte;
		ASSERT_EQ(8, process_vm_writev(getpid(), &local, 1, &remote, 1,
					       0));
		stored(p);
		remote.iov_base = self->seen;
		ASSERT_EQ(0, traps_at(p, p->pte));
		ASSERT_EQ(0, traps_at(p, self->seen));
	}
	close(fd);
}

TEST_HARNESS_MAIN
