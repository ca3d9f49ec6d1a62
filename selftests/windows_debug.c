// SPDX-License-Identifier: GPL-2.0
/*
 * Windows under ptrace(), /proc/PID/mem and in core dumps; and which ways lead
 * to a space's file.
 */
#include <elf.h>
#include <sys/ptrace.h>

#include "vmmu_trap.h"

FIXTURE(debug) {
	struct trapped t;
	pid_t pid;		/* a traced child that is stopped */
	int mem;		/* its memory */
};

/* The same pages as in windows_kernel.c; the child can't be asked. */
FIXTURE_SETUP(debug)
{
	struct trapped *t = &self->t;
	int dev = dev_open();
	char path[64];

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(t, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
	guest_map(&t->g, VA, 1, t->a | PTE_ALL);
	guest_map(&t->g, VA + PAGE, 1, t->b | PTE_ALL);
	guest_map(&t->g, VA + 2 * PAGE, 1, t->a | PTE_P | PTE_U);
	guest_map(&t->g, VA + 4 * PAGE, 1, t->g.bytes | PTE_ALL);
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", self->pid);
	self->mem = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->mem);
}

FIXTURE_TEARDOWN(debug)
{
	ASSERT_EQ(0, trap_info(self->t.trap).made);
	close(self->mem);
	kill(self->pid, SIGKILL);
	child_wait(self->pid);
	trapped_drop(&self->t);
}

static long peek(pid_t pid, void *at)
{
	errno = 0;
	return ptrace(PTRACE_PEEKDATA, pid, at, 0);
}

TEST_F(debug, peek_and_poke)
{
	struct guest *g = &self->t.g;
	unsigned char *w = self->t.w;
	pid_t pid = self->pid;

	ASSERT_EQ(0xaac3, peek(pid, w));
	ASSERT_EQ(0, errno);
	ASSERT_EQ(0xaac3, peek(pid, w + 2 * PAGE));
	ASSERT_EQ(0, *guest_slot(g, VA, 1) & (PTE_A | PTE_D));
	ASSERT_EQ(0, ptrace(PTRACE_POKEDATA, pid, w + 8, 0x1234));
	ASSERT_EQ(0x1234, load(g->mem + self->t.a + 8));
	ASSERT_EQ(PTE_A | PTE_D, *guest_slot(g, VA, 1) & (PTE_A | PTE_D));
	/* Across pages, which are not neighbours in real memory. */
	ASSERT_EQ(0, ptrace(PTRACE_POKEDATA, pid, w + PAGE - 4,
			    0x1111111122222222));
	ASSERT_EQ(0x22222222, load(g->mem + self->t.a + PAGE - 8) >> 32);
	ASSERT_EQ(0x11111111, load(g->mem + self->t.b) & 0xffffffff);
	ASSERT_EQ(0x1111111122222222, peek(pid, w + PAGE - 4));
	/* No right of the guest's, no access: not even to a debugger. */
	ASSERT_EQ(-1, ptrace(PTRACE_POKEDATA, pid, w + 2 * PAGE, 1));
	ASSERT_EQ(EIO, errno);
	for (int i = 3; i < 6; i++) {
		ASSERT_EQ(-1, peek(pid, w + i * PAGE));
		ASSERT_EQ(EIO, errno);
		ASSERT_EQ(-1, ptrace(PTRACE_POKEDATA, pid, w + i * PAGE, 1));
		ASSERT_EQ(EIO, errno);
	}
	/* A look gives no page its frame. */
	guest_map(g, VA + 6 * PAGE, 1, (self->t.b + PAGE) | PTE_ALL);
	ASSERT_EQ(0, peek(pid, w + 6 * PAGE));
	ASSERT_EQ(0, errno);
	ASSERT_EQ(0, real_page(g->vm, self->t.b + PAGE).page_shift);
	set_mode(g->space, VMMU_MODE_CPL3, 0, 52);
	install_one(g->space, VA, 1, self->t.a | PTE_P | PTE_W);
	ASSERT_EQ(-1, peek(pid, w));
	ASSERT_EQ(EIO, errno);
}

TEST_F(debug, mem)
{
	struct guest *g = &self->t.g;
	unsigned char *w = self->t.w, buffer[4 * PAGE];
	int i;

	for (i = 0; i < 4; i++)
		memset(buffer + i * PAGE, i + 1, PAGE);
	ASSERT_EQ(2 * PAGE, pwrite(self->mem, buffer, 4 * PAGE, (uintptr_t)w));
	ASSERT_TRUE(all_bytes(g->mem + self->t.a, 1, PAGE));
	ASSERT_TRUE(all_bytes(g->mem + self->t.b, 2, PAGE));
	memset(buffer, 0, sizeof(buffer));
	ASSERT_EQ(3 * PAGE, pread(self->mem, buffer, 4 * PAGE, (uintptr_t)w));
	ASSERT_TRUE(all_bytes(buffer + PAGE, 2, PAGE));
	ASSERT_TRUE(all_bytes(buffer + 2 * PAGE, 1, PAGE));
	ASSERT_EQ(-1, pread(self->mem, buffer, 1, (uintptr_t)w + 3 * PAGE));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(-1, pwrite(self->mem, buffer, 1, (uintptr_t)w + 2 * PAGE));
	ASSERT_EQ(EIO, errno);
	/* By our own rights in the window, too, when it is our own. */
	i = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, mprotect(w, PAGE, PROT_READ));
	ASSERT_EQ(-1, pwrite(i, buffer, 1, (uintptr_t)w));
	ASSERT_EQ(EIO, errno);
	ASSERT_EQ(1, pread(i, buffer, 1, (uintptr_t)w));
	ASSERT_EQ(1, buffer[0]);
	close(i);
}

/* An access that begins in a window does not go on behind the window's end. */
TEST_F(debug, end_of_a_window)
{
	struct guest *g = &self->t.g;
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	unsigned char *w, buffer[2 * PAGE];

	/* Our neighbour maps something else than the guest has there. */
	w = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)w);
	ASSERT_EQ(w, mmap(w, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED, g->space, VA));
	memset(w + PAGE, 0x99, PAGE);
	memset(buffer, 0x55, sizeof(buffer));
	ASSERT_EQ(PAGE, pwrite(mem, buffer, PAGE, (uintptr_t)w + 2048));
	ASSERT_TRUE(all_bytes(w + 2048, 0x55, PAGE));
	ASSERT_TRUE(all_bytes(w + PAGE + 2048, 0x99, 2048));
	ASSERT_EQ(0xbbc3, load(g->mem + self->t.b));
	ASSERT_EQ(PAGE, pread(mem, buffer, PAGE, (uintptr_t)w + PAGE / 2 +
			      1024));
	ASSERT_TRUE(all_bytes(buffer + 3072, 0x99, 1024));
	/* And nothing is behind it. */
	ASSERT_EQ(0, munmap(w + PAGE, 2 * PAGE));
	ASSERT_EQ(2048, pread(mem, buffer, PAGE, (uintptr_t)w + 2048));
	ASSERT_EQ(2048, pwrite(mem, buffer, PAGE, (uintptr_t)w + 2048));
	ASSERT_EQ(0xbbc3, load(g->mem + self->t.b));
	ASSERT_EQ(0, *guest_slot(g, VA + PAGE, 1) & PTE_A);
	close(mem);
}

/* What an ELF core says about the page at an address: its bytes; -1: nothing. */
static long dumped_bytes(int core, void *at)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;

	if (pread(core, &e, sizeof(e), 0) != sizeof(e))
		return -1;
	for (int i = 0; i < e.e_phnum; i++) {
		if (pread(core, &p, sizeof(p), e.e_phoff + i * sizeof(p)) !=
		    sizeof(p))
			return -1;
		if (p.p_type == PT_LOAD && p.p_vaddr <= (uintptr_t)at &&
		    (uintptr_t)at < p.p_vaddr + p.p_memsz)
			return p.p_filesz;
	}
	return -1;
}

/* Core dumps leave a guest's memory out, and nobody can have it in. */
TEST_F(debug, core_dump)
{
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned char *w = self->t.w, *plain;
	char was[256] = {}, path[64];
	int core, pattern;
	pid_t pid;

	if (!booted_for_tests() || geteuid())
		SKIP(return, "changes where cores go: only with page_poison=1");
	pattern = open("/proc/sys/kernel/core_pattern", O_RDWR | O_CLOEXEC);
	ASSERT_LT(0, read(pattern, was, sizeof(was) - 1));
	ASSERT_EQ(0, write_text("/proc/sys/kernel/core_pattern",
				"/tmp/vmmu-core.%p"));
	ASSERT_EQ(-1, madvise(w, PAGE, MADV_DODUMP));
	ASSERT_EQ(EINVAL, errno);
	plain = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)plain);
	memset(plain, 1, PAGE);
	ASSERT_EQ(0, access_read(w));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &most);
		write_text("/proc/self/coredump_filter", "0xff");
		w[0] = plain[0];
		abort();
	}
	ASSERT_EQ(128 + SIGABRT, child_wait(pid));
	write_text("/proc/sys/kernel/core_pattern", was);
	snprintf(path, sizeof(path), "/tmp/vmmu-core.%d", pid);
	core = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, core);
	unlink(path);
	ASSERT_EQ(PAGE, dumped_bytes(core, plain));
	ASSERT_EQ(0, dumped_bytes(core, w));
	ASSERT_EQ(0, dumped_bytes(core, self->t.g.mem));
	close(core);
	close(pattern);
}

/*
 * Every descriptor of a space is one to read, write and execute by: the way
 * through /proc makes no second, lesser one, and O_PATH maps nothing.
 */
TEST_F(debug, descriptors)
{
	int space = self->t.g.space, fd, sockets[2];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", space);
	for (int flags = O_RDONLY; flags <= O_RDWR; flags++) {
		ASSERT_EQ(-1, open(path, flags | O_CLOEXEC));
		ASSERT_EQ(ENXIO, errno);
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(MAP_FAILED, _window(fd, VA, PAGE, PROT_READ));
	ASSERT_EQ(EBADF, errno);
	close(fd);
	ASSERT_EQ(O_RDWR, fcntl(space, F_GETFL) & O_ACCMODE);
	/* The mode of access is not among what can be changed. */
	ASSERT_EQ(0, fcntl(space, F_SETFL, O_RDONLY | O_NONBLOCK));
	ASSERT_EQ(O_RDWR, fcntl(space, F_GETFL) & O_ACCMODE);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], space));
	fd = receive_fd(sockets[1]);
	ASSERT_LE(0, fd);
	for (int prot = PROT_NONE; prot <= RWX; prot++) {
		unsigned char *w = _window(fd, VA, PAGE, prot);

		ASSERT_NE(MAP_FAILED, (void *)w);
		ASSERT_EQ(0, mprotect(w, PAGE, RWX));
		ASSERT_EQ(0xaac3, load(w));
		munmap(w, PAGE);
	}
	for (int prot = PROT_NONE; prot <= RWX; prot++) {
		ASSERT_EQ(MAP_FAILED, mmap(NULL, PAGE, prot, MAP_PRIVATE, fd,
					   VA));
		ASSERT_EQ(EINVAL, errno);
	}
	close(fd);
}

TEST_HARNESS_MAIN
