// SPDX-License-Identifier: GPL-2.0
/*
 * Windows as memory for system calls: what copies goes by the guest's rights,
 * and what wants the pages themselves is refused. Nothing of it waits for a
 * monitor. Debuggers are in windows_debug.c.
 */
#include <linux/futex.h>
#include <sys/uio.h>

#include "vmmu_direct.h"
#include "vmmu_trap.h"
#include "vmmu_uring.h"

FIXTURE(kernel) {
	struct trapped t;
	int fd;			/* a file of two pages, of 0x11 and 0x22 */
};

FIXTURE_VARIANT(kernel) {
	__u32 delivery;
};

FIXTURE_VARIANT_ADD(kernel, signal) { VMMU_DELIVER_SIGNAL };
FIXTURE_VARIANT_ADD(kernel, record) { VMMU_DELIVER_RECORD };

/*
 * The window's first pages: 0 and 1 may be written, 2 only be read, 3 is not
 * there, 4 is beyond real memory, 5 no-execute, from 6 on nothing.
 */
FIXTURE_SETUP(kernel)
{
	struct trapped *t = &self->t;
	unsigned char page[PAGE];
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(t, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
	ASSERT_EQ(0, _set_delivery(t->g.space, variant->delivery, t->trap));
	guest_map(&t->g, VA, 1, t->a | PTE_ALL);
	guest_map(&t->g, VA + PAGE, 1, t->b | PTE_ALL);
	guest_map(&t->g, VA + 2 * PAGE, 1, t->a | PTE_P | PTE_U);
	guest_map(&t->g, VA + 4 * PAGE, 1, t->g.bytes | PTE_ALL);
	guest_map(&t->g, VA + 5 * PAGE, 1, t->b | PTE_ALL | PTE_NX);
	self->fd = memfd_create("vmmu", MFD_CLOEXEC);
	ASSERT_LE(0, self->fd);
	memset(page, 0x11, PAGE);
	ASSERT_EQ(PAGE, write(self->fd, page, PAGE));
	memset(page, 0x22, PAGE);
	ASSERT_EQ(PAGE, write(self->fd, page, PAGE));
}

/* The kernel neither made a record nor waited. */
FIXTURE_TEARDOWN(kernel)
{
	ASSERT_EQ(0, trap_info(self->t.trap).made);
	close(self->fd);
	trapped_drop(&self->t);
}

#define fails(e, expression) do {					\
	ASSERT_EQ(-1, (long)(expression));				\
	ASSERT_EQ((e), errno);						\
} while (0)

TEST_F(kernel, read)
{
	struct guest *g = &self->t.g;
	unsigned char *w = self->t.w;

	ASSERT_EQ(2 * PAGE, pread(self->fd, w, 2 * PAGE, 0));
	ASSERT_TRUE(all_bytes(g->mem + self->t.a, 0x11, PAGE));
	ASSERT_TRUE(all_bytes(g->mem + self->t.b, 0x22, PAGE));
	ASSERT_EQ(PTE_A | PTE_D, *guest_slot(g, VA, 1) & (PTE_A | PTE_D));
	/* As far as it goes, and what does not go is left alone. */
	ASSERT_EQ(PAGE - 100, pread(self->fd, w + PAGE + 100, 2 * PAGE, 0));
	ASSERT_TRUE(all_bytes(g->mem + self->t.b + 100, 0x11, PAGE - 100));
	ASSERT_TRUE(all_bytes(g->mem + self->t.a, 0x11, PAGE));
	fails(EFAULT, pread(self->fd, w + 2 * PAGE, PAGE, PAGE));
	fails(EFAULT, pread(self->fd, w + 3 * PAGE, 1, 0));
	fails(EFAULT, pread(self->fd, w + 4 * PAGE, PAGE, 0));
	fails(EFAULT, pread(self->fd, w + 63 * PAGE, PAGE, 0));
	ASSERT_TRUE(all_bytes(g->mem + self->t.a, 0x11, PAGE));
	ASSERT_EQ(0, *guest_slot(g, VA + 2 * PAGE, 1) & PTE_D);
	/* The window's own rights hold for the kernel, too. */
	ASSERT_EQ(0, mprotect(w, PAGE, PROT_READ));
	fails(EFAULT, pread(self->fd, w, 1, PAGE));
	ASSERT_EQ(0, mprotect(w, PAGE, PROT_NONE));
	fails(EFAULT, pwrite(self->fd, w, 1, PAGE));
}

TEST_F(kernel, write)
{
	struct guest *g = &self->t.g;
	unsigned char *w = self->t.w, page[PAGE];
	int pipes[2];

	memset(g->mem + self->t.a, 0x33, PAGE);
	memset(g->mem + self->t.b, 0x44, PAGE);
	ASSERT_EQ(3 * PAGE, pwrite(self->fd, w, 3 * PAGE, 0));
	ASSERT_EQ(PAGE, pread(self->fd, page, PAGE, 2 * PAGE));
	ASSERT_TRUE(all_bytes(page, 0x33, PAGE));
	ASSERT_EQ(0, *guest_slot(g, VA, 1) & PTE_D);
	ASSERT_EQ(100, pwrite(self->fd, w + 3 * PAGE - 100, PAGE, 0));
	fails(EFAULT, pwrite(self->fd, w + 3 * PAGE, 1, 0));
	fails(EFAULT, pwrite(self->fd, w + 4 * PAGE, 1, 0));
	/* What a guest may not fetch it may still read. */
	ASSERT_EQ(PAGE, pwrite(self->fd, w + 5 * PAGE, PAGE, 0));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(PAGE, write(pipes[1], w, PAGE));
	ASSERT_EQ(PAGE, read(pipes[0], w + PAGE, PAGE));
	ASSERT_TRUE(all_bytes(g->mem + self->t.b, 0x33, PAGE));
	fails(EFAULT, write(pipes[1], w + 3 * PAGE, PAGE));
}

/* User or supervisor: as the program in the window would be. */
TEST_F(kernel, privilege)
{
	struct guest *g = &self->t.g;
	unsigned char *w = self->t.w;

	set_mode(g->space, VMMU_MODE_WP | VMMU_MODE_CPL3, 0, 52);
	install_one(g->space, VA, 1, self->t.a | PTE_P | PTE_W);
	fails(EFAULT, pread(self->fd, w, 1, 0));
	set_mode(g->space, VMMU_MODE_WP, 0, 52);
	ASSERT_EQ(1, pread(self->fd, w, 1, 0));
	ASSERT_EQ(0x11, w[0]);
	/* A supervisor without CR0.WP writes what is read-only. */
	set_mode(g->space, 0, 0, 52);
	ASSERT_EQ(1, pread(self->fd, w + 2 * PAGE, 1, PAGE));
	ASSERT_EQ(0x22, w[0]);
}

/* Arguments of calls, the path of open() say, and our own calls'. */
TEST_F(kernel, arguments)
{
	struct trapped *t = &self->t;
	struct vmmu_info *i = (void *)(t->w + 3 * PAGE);
	struct timespec *limit = (void *)(t->w + 3 * PAGE);

	memcpy(t->w, "/dev/null", sizeof("/dev/null"));
	ASSERT_LE(0, open((char *)t->w, O_RDONLY | O_CLOEXEC));
	fails(EFAULT, open((char *)t->w + 3 * PAGE, O_RDONLY));
	fails(EFAULT, nanosleep(limit, NULL));
	fails(EFAULT, ioctl(t->g.dev, VMMU_IOC_INFO, i));
	i = (void *)t->w;
	i->size = sizeof(*i);
	i->flags = 0;
	ASSERT_EQ(0, ioctl(t->g.dev, VMMU_IOC_INFO, i));
	/* It can be read there, but not answered. */
	i = (void *)(t->w + 2 * PAGE);
	fails(EFAULT, ioctl(t->g.dev, VMMU_IOC_INFO, i));
}

TEST_F(kernel, direct)
{
	unsigned char *w = self->t.w, *real = self->t.g.mem + self->t.a;
	const char *where;
	int fd = direct_file(&where);

	if (fd < 0)
		SKIP(return, "no file system or disk here knows O_DIRECT");
	/* Real memory is what goes. */
	memset(w, 0x55, PAGE);
	ASSERT_EQ(PAGE, pwrite(fd, real, PAGE, 0))
		TH_LOG("O_DIRECT on %s", where);
	/* Whether a window's page is there or not. */
	fails(EFAULT, pread(fd, w, PAGE, 0));
	fails(EFAULT, pwrite(fd, w, PAGE, 0));
	fails(EFAULT, pread(fd, w + 3 * PAGE, PAGE, 0));
	fails(EFAULT, pwrite(fd, w + 3 * PAGE, PAGE, 0));
	ASSERT_TRUE(all_bytes(w, 0x55, PAGE));
	close(fd);
}

TEST_F(kernel, process_vm)
{
	unsigned char *w = self->t.w, page[PAGE];
	struct iovec local = { page, PAGE }, remote = { w, PAGE };
	int go[2];
	char byte;
	pid_t pid;

	w[0] = 0x66;
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(read(go[0], &byte, 1) != 1);
	fails(EFAULT, process_vm_readv(pid, &local, 1, &remote, 1, 0));
	fails(EFAULT, process_vm_writev(pid, &local, 1, &remote, 1, 0));
	fails(EFAULT, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	ASSERT_EQ(0x66, w[0]);
	/* The caller's own side is only copied. */
	page[0] = 0x77;
	local.iov_base = w;
	remote.iov_base = page;
	ASSERT_EQ(PAGE, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	ASSERT_EQ(0x77, w[0]);
	w[0] = 0x88;
	ASSERT_EQ(PAGE, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	ASSERT_EQ(0x88, page[0]);
	local.iov_base = w + 3 * PAGE;
	fails(EFAULT, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(0, child_wait(pid));
}

/* A pipe gets no page of a window; copying out of a pipe is copying. */
TEST_F(kernel, vmsplice)
{
	unsigned char *w = self->t.w;
	struct iovec iov = { w, PAGE };
	int pipes[2];

	w[0] = 1;
	ASSERT_EQ(0, pipe(pipes));
	fails(EFAULT, vmsplice(pipes[1], &iov, 1, 0));
	fails(EFAULT, vmsplice(pipes[1], &iov, 1, SPLICE_F_GIFT));
	ASSERT_EQ(5, write(pipes[1], "hello", 5));
	ASSERT_EQ(5, vmsplice(pipes[0], &iov, 1, 0));
	ASSERT_EQ(0, memcmp(w, "hello", 5));
	ASSERT_EQ(5, write(pipes[1], "again", 5));
	iov.iov_base = w + 3 * PAGE;
	fails(EFAULT, vmsplice(pipes[0], &iov, 1, 0));
}

static long futex(void *word, int op, unsigned int value)
{
	struct timespec limit = { 0, 1000000 };

	return syscall(SYS_futex, word, op, value, &limit, NULL, 0);
}

/* Shared ones are found by their page; private ones by their address. */
TEST_F(kernel, futex)
{
	unsigned char *w = self->t.w;

	*(unsigned int *)w = 1;
	fails(EFAULT, futex(w, FUTEX_WAIT, 1));
	fails(EFAULT, futex(w, FUTEX_WAKE, 1));
	fails(ETIMEDOUT, futex(w, FUTEX_WAIT_PRIVATE, 1));
	fails(EAGAIN, futex(w, FUTEX_WAIT_PRIVATE, 2));
	ASSERT_EQ(0, futex(w, FUTEX_WAKE_PRIVATE, 1));
	fails(EFAULT, futex(w + 3 * PAGE, FUTEX_WAIT_PRIVATE, 1));
	/* What the kernel changes needs the guest's right to write. */
	ASSERT_EQ(0, *(unsigned int *)(w + 2 * PAGE + 64));
	ASSERT_EQ(0, syscall(SYS_futex, w + 64, FUTEX_LOCK_PI_PRIVATE, 0, NULL,
			     NULL, 0));
	ASSERT_EQ(0, syscall(SYS_futex, w + 64, FUTEX_UNLOCK_PI_PRIVATE, 0,
			     NULL, NULL, 0));
	fails(EFAULT, syscall(SYS_futex, w + 2 * PAGE + 64,
			      FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
}

/* Read a file through one, by a worker of the kernel if @flags say so. */
static int uring_read(struct uring *u, int fd, void *to, unsigned int bytes,
		      unsigned int flags)
{
	int err = uring_submit(u, (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = flags, .fd = fd,
		.addr = (uintptr_t)to, .len = bytes,
	}, 1);

	return err ?: uring_result(u);
}

TEST_F(kernel, io_uring)
{
	static const unsigned int flags[] = { 0, IOSQE_ASYNC };
	unsigned char *w = self->t.w;
	struct iovec iov = { w, PAGE };
	struct uring u;

	if (uring_make(&u, 0) < 0)
		SKIP(return, "io_uring is not to be had");
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		memset(w, 0, 2 * PAGE);
		ASSERT_EQ(PAGE, uring_read(&u, self->fd, w, PAGE, flags[i]));
		ASSERT_TRUE(all_bytes(w, 0x11, PAGE));
		ASSERT_EQ(50, uring_read(&u, self->fd, w + 2 * PAGE - 50, 100,
					 flags[i]));
		ASSERT_EQ(-EFAULT, uring_read(&u, self->fd, w + 2 * PAGE, 100,
					      flags[i]));
		ASSERT_EQ(-EFAULT, uring_read(&u, self->fd, w + 3 * PAGE, 100,
					      flags[i]));
	}
	fails(EFAULT, syscall(SYS_io_uring_register, u.fd,
			      IORING_REGISTER_BUFFERS, &iov, 1));
	uring_drop(&u);
}

TEST_HARNESS_MAIN
