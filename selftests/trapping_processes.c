// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables are protected from other processes, too: children, processes that
 * were given the VM, debuggers. Each process has its own mappings and windows,
 * and what one of them stores all of them see at once.
 */
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "vmmu_protect.h"

/*
 * Another process, which does as it is told.
 * @to, @from: where it is told, and where it answers
 * @at: the entry, and @w: a window from VA on, in its address space
 */
struct other {
	pid_t pid;
	int to, from;
	__u64 *at;
	unsigned char *w;
};

struct order {
	enum { KNOWN, UNKNOWN, BY_KERNEL, LOOK } what;
	__u64 value;
};

FIXTURE(proc) {
	struct protect p;
	struct other o;
};

FIXTURE_SETUP(proc)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	protect_make(&self->p, dev);
	self->o.to = -1;
}

/* The other process ends when it can't be told anything any more. */
FIXTURE_TEARDOWN(proc)
{
	if (self->o.to >= 0) {
		close(self->o.to);
		EXPECT_EQ(0, child_wait(self->o.pid));
		close(self->o.from);
	}
	protect_drop(&self->p);
}

/* Obey. An answer is what the window shows, or 0: nothing. */
static void obey(struct other *o, int in, int out)
{
	struct order order;

	while (read(in, &order, sizeof(order)) == sizeof(order)) {
		__u64 answer = 0;

		if (order.what == KNOWN)
			set(o->at, order.value);
		else if (order.what == UNKNOWN)
			set_unknown(o->at, order.value);
		else if (order.what == BY_KERNEL)
			CHILD_CHECK(!set_by_kernel(o->at, order.value));
		else if (!access_read(o->w))
			answer = load(o->w);
		CHILD_CHECK(write(out, &answer, 8) == 8);
	}
	_exit(0);
}

static __u64 tell(struct other *o, int what, __u64 value)
{
	struct order order = { what, value };
	__u64 answer = ~0ULL;

	if (write(o->to, &order, sizeof(order)) != sizeof(order) ||
	    read(o->from, &answer, 8) != 8)
		return ~0ULL;
	return answer;
}

/* A child with what it has to know already. */
static int start(struct other *o, void (*prepare)(struct other *o, int sock),
		 int sock)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	o->pid = fork();
	if (!o->pid) {
		close(in[1]);
		close(out[0]);
		if (prepare)
			prepare(o, sock);
		obey(o, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	o->to = in[1];
	o->from = out[0];
	return o->pid < 0 ? -1 : 0;
}

/* Both store, by turns, and both look. At the end the entry is that of page a. */
static int trap_each_other(struct protect *p, struct other *o)
{
	__u64 a = p->a | PTE_ALL, b = p->b | PTE_ALL;

	for (int i = 0; i < 3; i++) {
		tell(o, KNOWN, b);
		if (broken(!shows(p, TAG_B), i))
			return __LINE__;
		if (broken(tell(o, LOOK, 0) == TAG_B, i))
			return __LINE__;
		set(p->pte, a);
		if (broken(tell(o, LOOK, 0) == TAG_A, i))
			return __LINE__;
		tell(o, UNKNOWN, b);
		if (broken(real_flags(p->g.vm, p->table) == OPEN, i))
			return __LINE__;
		if (broken(!shows(p, TAG_B), i))
			return __LINE__;
		if (broken(tell(o, LOOK, 0) == TAG_B, i))
			return __LINE__;
		set_unknown(p->pte, a);
		if (broken(tell(o, LOOK, 0) == TAG_A, i))
			return __LINE__;
		/* Open in both. */
		set_unknown(p->pte, b);
		tell(o, KNOWN, 0);
		if (broken(real_flags(p->g.vm, p->table) == OPEN, i))
			return __LINE__;
		if (broken(tell(o, LOOK, 0) == 0, i))
			return __LINE__;
		if (broken(access_read(p->w) == SIGSEGV, i))
			return __LINE__;
		tell(o, BY_KERNEL, a);
		if (broken(real_flags(p->g.vm, p->table) == OPEN, i))
			return __LINE__;
		set(p->pte, b);
		if (broken(tell(o, LOOK, 0) == TAG_B, i))
			return __LINE__;
		if (broken(!shows(p, TAG_B), i))
			return __LINE__;
		tell(o, KNOWN, a);
		if (broken(!shows(p, TAG_A), i))
			return __LINE__;
	}
	return traps_at(p, p->pte);
}

/* Likewise, where the other one has a LAZY window: a closed table's. */
static int trap_lazy_other(struct protect *p, struct other *o)
{
	__u64 a = p->a | PTE_ALL, b = p->b | PTE_ALL;

	for (int i = 0; i < 3; i++) {
		tell(o, KNOWN, b);
		if (broken(tell(o, LOOK, 0) == TAG_B, i))
			return __LINE__;
		if (broken(!shows(p, TAG_B), i))
			return __LINE__;
		set(p->pte, a);
		if (broken(tell(o, LOOK, 0) == TAG_A, i))
			return __LINE__;
		tell(o, i & 1 ? UNKNOWN : BY_KERNEL, b);
		if (broken(real_flags(p->g.vm, p->table) == OPEN, i))
			return __LINE__;
		if (broken(!shows(p, TAG_B), i))
			return __LINE__;
		if (broken(tell(o, LOOK, 0) == TAG_B, i))
			return __LINE__;
		tell(o, KNOWN, a);
		if (broken(tell(o, LOOK, 0) == TAG_A, i))
			return __LINE__;
	}
	return traps_at(p, p->pte);
}

#define trap_both() do {						\
	ASSERT_EQ(0, trap_each_other(&self->p, &self->o));		\
	ASSERT_EQ(0, traps_at(&self->p, self->p.pte));			\
} while (0)

TEST_F(proc, child)
{
	struct protect *p = &self->p;

	tables_trap(p);
	self->o.at = p->pte;
	self->o.w = p->w;
	ASSERT_EQ(0, start(&self->o, NULL, 0));
	trap_both();
}

/* The child's PTE is dirty and writable when the page becomes a table. */
TEST_F(proc, child_from_before)
{
	struct protect *p = &self->p;

	self->o.at = p->pte;
	self->o.w = window(p->g.space, VA, PAGE);	/* of a LAZY space */
	ASSERT_EQ(0, start(&self->o, NULL, 0));
	tell(&self->o, KNOWN, p->a | PTE_ALL);
	ASSERT_EQ(TAG_A, tell(&self->o, LOOK, 0));
	tables_trap(p);
	ASSERT_EQ(0, trap_lazy_other(p, &self->o));
	munmap(self->o.w, PAGE);
}

/* The table while it is open when the child is made. */
TEST_F(proc, child_while_open)
{
	struct protect *p = &self->p;

	tables_trap(p);
	set_unknown(p->pte, p->b | PTE_ALL);
	self->o.at = p->pte;
	self->o.w = p->w;
	ASSERT_EQ(0, start(&self->o, NULL, 0));
	tell(&self->o, KNOWN, p->a | PTE_ALL);
	ASSERT_EQ(0, shows(p, TAG_A));
	trap_both();
}

/* A mapping that children don't get. */
TEST_F(proc, dontfork)
{
	struct protect *p = &self->p;
	__u64 *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  p->g.vm, p->table);

	ASSERT_EQ(0, madvise(own, PAGE, MADV_DONTFORK));
	tables_trap(p);
	set_unknown(own + index_at(VA, 1), p->b | PTE_ALL);
	self->o.at = p->pte;
	self->o.w = p->w;
	ASSERT_EQ(0, start(&self->o, NULL, 0));
	ASSERT_EQ(0, shows(p, TAG_B));
	trap_both();
	ASSERT_EQ(0, traps_at(p, own + index_at(VA, 1)));
}

/* The receiver of a VM has nothing of the sender's but two files. */
static void receive(struct other *o, int sock)
{
	int vm = receive_fd(sock), space = receive_fd(sock);
	__u64 table;

	CHILD_CHECK(read(sock, &table, 8) == 8);
	CHILD_CHECK(munmap(o->at, PAGE) == 0);
	o->at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vm, table);
	CHILD_CHECK((void *)o->at != MAP_FAILED);
	o->at += index_at(VA, 1);
	o->w = _window(space, VA, PAGE, RWX);
	CHILD_CHECK((void *)o->w != MAP_FAILED);
	close(vm);
	close(space);
}

#define pass_to_other() do {						\
	int __socks[2];							\
									\
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,	\
				__socks));				\
	self->o.at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE |		\
			  MAP_ANONYMOUS, -1, 0);			\
	ASSERT_EQ(0, start(&self->o, receive, __socks[1]));		\
	ASSERT_EQ(0, send_fd(__socks[0], self->p.g.vm));		\
	ASSERT_EQ(0, send_fd(__socks[0], self->p.g.space));		\
	ASSERT_EQ(8, write(__socks[0], &self->p.table, 8));		\
	close(__socks[0]);						\
	close(__socks[1]);						\
} while (0)

TEST_F(proc, passed)
{
	tables_trap(&self->p);
	pass_to_other();
	trap_both();
}

/* The other one has a LAZY space; the table traps for one with its root. */
TEST_F(proc, passed_before)
{
	struct protect *p = &self->p;

	pass_to_other();
	tell(&self->o, KNOWN, p->a | PTE_ALL);
	ASSERT_EQ(TAG_A, tell(&self->o, LOOK, 0));
	tables_trap(p);
	ASSERT_EQ(0, trap_lazy_other(p, &self->o));
}

/* The other one is the only one that is left, and then nobody. */
TEST_F(proc, spaces_of_others)
{
	struct protect *p = &self->p;

	tables_trap(p);
	pass_to_other();
	trap_both();
	munmap(p->w, WINDOW);
	p->w = NULL;
	close(p->g.space);
	ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->table));
	set(p->pte, p->b | PTE_ALL);
	ASSERT_EQ(TAG_B, tell(&self->o, LOOK, 0));
	set_unknown(p->pte, p->a | PTE_ALL);
	ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
	ASSERT_EQ(TAG_A, tell(&self->o, LOOK, 0));
	ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->table));
	close(self->o.to);
	ASSERT_EQ(0, child_wait(self->o.pid));
	self->o.to = -1;
	ASSERT_EQ(DATA, real_flags(p->g.vm, p->table));
	ASSERT_EQ(DATA, real_flags(p->g.vm, p->g.root));
	p->g.space = space_create(p->g.vm, FORMAT4, p->g.root, BITS);
}

/* Killed with stores in flight: nothing stays behind. */
TEST_F(proc, killed)
{
	struct protect *p = &self->p;
	__u64 b = p->b | PTE_ALL;

	tables_trap(p);
	for (unsigned int i = 0; i < rounds(40); i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		while (!pid) {
			set(p->pte, b);
			if (i & 1)
				set_unknown(p->pte, b);
			if (i & 2)
				set_by_kernel(p->pte, b);
			load(p->w);
		}
		sleep_ms(1 + i % 8);
		kill(pid, SIGKILL);
		ASSERT_EQ(128 + SIGKILL, child_wait(pid));
		set(p->pte, p->a | PTE_ALL);
		ASSERT_EQ(TAG_A, load(p->w));
		ASSERT_EQ(0, shows(p, TAG_A));
	}
	ASSERT_EQ(0, traps_at(p, p->pte));
}

/* By a debugger, and by whoever may be one. */
TEST_F(proc, from_outside)
{
	struct protect *p = &self->p;
	__u64 a = p->a | PTE_ALL, b = p->b | PTE_ALL;
	struct iovec local = { &b, 8 }, remote = { p->pte, 8 };
	char path[64];
	pid_t pid;
	int fd;

	tables_trap(p);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		CHILD_CHECK(load(p->w) == TAG_A);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	sprintf(path, "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(8, process_vm_writev(pid, &local, 1, &remote, 1, 0));
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
		ASSERT_EQ(0, shows(p, TAG_B));
		ASSERT_EQ(0, ptrace(PTRACE_POKEDATA, pid, p->pte, a));
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(8, pwrite(fd, &b, 8, (uintptr_t)p->pte));
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
		ASSERT_EQ(0, shows(p, TAG_B));
		/* To read it opens nothing. */
		ASSERT_EQ(8, pread(fd, &a, 8, (uintptr_t)p->pte));
		ASSERT_EQ(b, a & ~(PTE_A | PTE_D));
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->table));
		a = p->a | PTE_ALL;
		ASSERT_EQ(0, traps_at(p, p->pte));
	}
	close(fd);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	ASSERT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
