// SPDX-License-Identifier: GPL-2.0
/*
 * Guest page faults as signals: what SIGSEGV and the call for faults tell, and
 * that a handler can mend what was missing.
 */
#include <pthread.h>
#include <ucontext.h>

#include "vmmu_window.h"

#define VA		0x400000ULL
#define NR_PAGES	64
#define NOTES		32	/* faults that a space remembers */

FIXTURE(signal) {
	struct guest g;
	unsigned char *w;
	__u64 a;
};

/* What the latest signal told; and what the handler does. */
static struct {
	struct guest *g;
	unsigned char *w;
	__u64 entry;		/* mends what is missing by this; 0: by P */
	int plain;		/* by a plain store */
	int times, code;
	void *address;
	__u32 access;
	struct vmmu_fault fault;
} seen_by;

static void mend(int sig, siginfo_t *si, void *context)
{
	ucontext_t *u = context;
	struct vmmu_install_op op = { .level = 1, .value = seen_by.entry };
	struct vmmu_install i;
	__u32 code = u->uc_mcontext.gregs[REG_ERR];

	seen_by.times++;
	seen_by.code = si->si_code;
	seen_by.address = si->si_addr;
	seen_by.access = code & VMMU_PF_I ? FETCH :
			 code & VMMU_PF_W ? WRITE : READ;
	if (_fault(seen_by.g->space, si->si_addr, seen_by.access,
		   &seen_by.fault))
		_exit(97);
	op.va = seen_by.fault.va & ~(PAGE - 1);
	if (!seen_by.entry)
		*guest_slot(seen_by.g, op.va, 1) |= PTE_P;
	else if (seen_by.plain)
		guest_map(seen_by.g, op.va, 1, seen_by.entry);
	else if (_install(seen_by.g->space, 0, &op, 1, NULL, &i))
		_exit(96);
}

FIXTURE_SETUP(signal)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, 4 * MIB, FORMAT4,
		   VMMU_MODE_WP | VMMU_MODE_NXE);
	guest_slot(&self->g, VA, 1);
	self->a = self->g.data;
	memset(self->g.mem + self->a, 0xc3, PAGE);
	self->w = window(self->g.space, VA, NR_PAGES * PAGE);
	memset(&seen_by, 0, sizeof(seen_by));
	seen_by.g = &self->g;
	seen_by.w = self->w;
	seen_by.entry = self->a | PTE_ALL;
}

FIXTURE_TEARDOWN(signal)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

static void handle(int flags)
{
	struct sigaction act = {
		.sa_sigaction = mend, .sa_flags = SA_SIGINFO | flags,
	};

	sigaction(SIGSEGV, &act, NULL);
}

/* Assert what the call for faults tells. */
#define told(at, kind, was_recorded, why, error) do {			\
	unsigned char *__at = (at);					\
	struct vmmu_fault __f = fault(self->g.space, __at, kind);	\
									\
	ASSERT_EQ((was_recorded), __f.recorded);			\
	ASSERT_EQ(VA + (__at - self->w), __f.va);			\
	ASSERT_EQ((why), __f.result.reason);				\
	ASSERT_EQ((error), __f.result.error_code);			\
} while (0)

/* Through whichever window of the space, at whichever address of a page. */
TEST_F(signal, exact_address)
{
	static const unsigned int offsets[] = { 0, 1, 8, 0xfff };
	struct guest *g = &self->g;
	unsigned char *windows[3] = {
		self->w, window(g->space, VA, 8 * PAGE),
		window(g->space, VA - 4 * PAGE, 16 * PAGE) + 4 * PAGE,
	};

	for (int i = 0; i < 3; i++) {
		for (unsigned int k = 0; k < ARRAY_SIZE(offsets); k++) {
			unsigned char *at = windows[i] + 3 * PAGE + offsets[k];
			struct vmmu_fault f;

			ASSERT_EQ(SIGSEGV, access_read(at));
			ASSERT_EQ((void *)at, access_address);
			ASSERT_EQ(SIGSEGV, access_write(at, 1));
			ASSERT_EQ((void *)at, access_address);
			f = fault(g->space, at, WRITE);
			ASSERT_EQ(1, f.recorded);
			ASSERT_EQ(VA + 3 * PAGE + offsets[k], f.va);
			/* A fault belongs to the va, whichever the window. */
			f = fault(g->space, windows[0] + 3 * PAGE + offsets[k],
				  READ);
			ASSERT_EQ(1, f.recorded);
		}
	}
}

/* Of an access that crosses into a page, what counts is the page. */
TEST_F(signal, across_pages)
{
	__u64 value;

	guest_map(&self->g, VA, 1, self->a | PTE_ALL);
	handle(0);
	value = load(self->w + PAGE - 3);
	ASSERT_EQ(1, seen_by.times);
	ASSERT_EQ((void *)(self->w + PAGE), seen_by.address);
	ASSERT_EQ(VA + PAGE, seen_by.fault.va);
	ASSERT_EQ(1, seen_by.fault.recorded);
	ASSERT_EQ(0xc3c3c3c3c3c3c3c3, value);
}

/* The handler mends the table and returns: the access goes on. */
TEST_F(signal, mended)
{
	static const __u32 codes[] = { 0, VMMU_PF_W, VMMU_PF_I };
	int page = 0;

	handle(0);
	for (seen_by.plain = 0; seen_by.plain < 2; seen_by.plain++) {
		for (__u32 kind = READ; kind <= FETCH; kind++, page++) {
			unsigned char *at = self->w + page * PAGE + 16;

			if (kind == READ)
				(void)*(volatile char *)at;
			else if (kind == WRITE)
				*(volatile char *)at = 0xc3;
			else
				((void (*)(void))at)();
			ASSERT_EQ(page + 1, seen_by.times);
			ASSERT_EQ((void *)at, seen_by.address);
			ASSERT_EQ(SEGV_MAPERR, seen_by.code);
			ASSERT_EQ(kind, seen_by.access);
			ASSERT_EQ(1, seen_by.fault.recorded);
			ASSERT_EQ(codes[kind], seen_by.fault.result.error_code);
			ASSERT_EQ(VMMU_REASON_NOT_PRESENT,
				  seen_by.fault.result.reason);
			ASSERT_EQ(1, seen_by.fault.result.level);
			oracle(&self->g, self->w + page * PAGE,
			       VA + page * PAGE, 0);
		}
	}
}

/* A page that becomes writable only when it is written: copy on write. */
TEST_F(signal, mended_write)
{
	handle(0);
	guest_map(&self->g, VA, 1, self->a | PTE_P | PTE_U);
	ASSERT_EQ(0xc3, self->w[0]);
	ASSERT_EQ(0, seen_by.times);
	seen_by.entry = (self->a + PAGE) | PTE_ALL;
	self->w[1] = 0x77;
	ASSERT_EQ(1, seen_by.times);
	ASSERT_EQ(VMMU_REASON_WRITE, seen_by.fault.result.reason);
	ASSERT_EQ(VMMU_PF_P | VMMU_PF_W, seen_by.fault.result.error_code);
	ASSERT_EQ(0x77, self->g.mem[self->a + PAGE + 1]);
	ASSERT_EQ(0xc3, self->g.mem[self->a + 1]);
}

/* What the host refuses by itself is judged as things are now. */
TEST_F(signal, judged)
{
	unsigned char *w = self->w;

	guest_map(&self->g, VA, 1, self->a | PTE_P | PTE_NX);
	ASSERT_EQ(0, access_kind(w, READ));
	ASSERT_EQ(SIGSEGV, access_kind(w, FETCH));
	ASSERT_EQ((void *)w, access_address);
	told(w, FETCH, 0, VMMU_REASON_NX, VMMU_PF_P | VMMU_PF_I);
	/* Of a page that was never touched the module hears itself. */
	guest_map(&self->g, VA + PAGE, 1, self->a | PTE_P | PTE_NX);
	ASSERT_EQ(SIGSEGV, access_kind(w + PAGE, FETCH));
	told(w + PAGE, FETCH, 1, VMMU_REASON_NX, VMMU_PF_P | VMMU_PF_I);

	/* The window's own rights: the guest would have granted it. */
	guest_map(&self->g, VA + 2 * PAGE, 1, self->a | PTE_ALL);
	ASSERT_EQ(0, mprotect(w + 2 * PAGE, PAGE, PROT_READ));
	ASSERT_EQ(SIGSEGV, access_kind(w + 2 * PAGE, WRITE));
	told(w + 2 * PAGE, WRITE, 0, VMMU_REASON_NONE, 0);
	/* What is told without a fault leaves the table alone. */
	ASSERT_EQ(0, *guest_slot(&self->g, VA + 2 * PAGE, 1) & (PTE_A | PTE_D));
	ASSERT_EQ(0, mprotect(w + 3 * PAGE, PAGE, PROT_NONE));
	ASSERT_EQ(SIGSEGV, access_kind(w + 3 * PAGE, READ));
	told(w + 3 * PAGE, READ, 0, VMMU_REASON_NOT_PRESENT, 0);
}

/* Each fault is told once, and for its own address and access alone. */
TEST_F(signal, told_once)
{
	unsigned char *w = self->w;

	ASSERT_EQ(SIGSEGV, access_write(w + 5, 1));
	guest_map(&self->g, VA, 1, self->a | PTE_P | PTE_W);
	told(w + 5, READ, 0, VMMU_REASON_NONE, 0);
	told(w + 4, WRITE, 0, VMMU_REASON_NONE, 0);
	told(w + 5, WRITE, 1, VMMU_REASON_NOT_PRESENT, VMMU_PF_W);
	told(w + 5, WRITE, 0, VMMU_REASON_NONE, 0);
	/* The last of several: with it the others are forgotten. */
	guest_map(&self->g, VA + PAGE, 1, 0);
	ASSERT_EQ(SIGSEGV, access_write(w + PAGE, 1));
	guest_map(&self->g, VA + PAGE, 1, self->a | PTE_P);
	ASSERT_EQ(SIGSEGV, access_write(w + PAGE, 1));
	guest_map(&self->g, VA + PAGE, 1, self->a | PTE_P | PTE_W);
	told(w + PAGE, WRITE, 1, VMMU_REASON_WRITE, VMMU_PF_P | VMMU_PF_W);
	told(w + PAGE, WRITE, 0, VMMU_REASON_NONE, 0);
}

static void *ask(void *arg)
{
	struct vmmu_fault *f = arg;

	return (void *)(long)(call(seen_by.g->space, VMMU_IOC_FAULT, f) ?: 1);
}

/* Another thread's faults, another process's too, are not told. */
TEST_F(signal, own_faults_only)
{
	struct vmmu_fault f = {
		.size = sizeof(f), .address = (uintptr_t)self->w,
		.access = READ,
	};
	pthread_t thread;
	void *ret;
	pid_t pid;

	ASSERT_EQ(SIGSEGV, access_read(self->w));
	ASSERT_EQ(0, pthread_create(&thread, NULL, ask, &f));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(1, (long)ret);
	ASSERT_EQ(0, f.recorded);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT, f.result.reason);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(ask(&f) == (void *)1);
		CHILD_CHECK(!f.recorded);
		/* Its own it is told. */
		CHILD_CHECK(access_read(self->w) == SIGSEGV);
		CHILD_CHECK(ask(&f) == (void *)1);
		CHILD_CHECK(f.recorded == 1);
		_exit(0);
	}
	ASSERT_EQ(0, child_wait(pid));
	told(self->w, READ, 1, VMMU_REASON_NOT_PRESENT, 0);
}

/* A bounded number is remembered: the latest. */
TEST_F(signal, overflow)
{
	for (int i = 0; i <= NOTES; i++)
		access_read(self->w + i * PAGE);
	for (int i = 0; i <= NOTES; i++)
		told(self->w + i * PAGE, READ, i > 0, VMMU_REASON_NOT_PRESENT,
		     0);
	/* Those that were told make no room before their time. */
	access_read(self->w);
	told(self->w, READ, 1, VMMU_REASON_NOT_PRESENT, 0);
}

static void prepare_default(void)
{
	signal(SIGSEGV, SIG_DFL);
}

static void prepare_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
}

static void prepare_blocked(void)
{
	sigset_t set;

	handle(0);
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* A thread never loops over an access that it can't handle. */
TEST_F(signal, not_handled)
{
	static void (*const prepare[])(void) = {
		prepare_default, prepare_ignored, prepare_blocked,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(prepare); i++) {
		struct rlimit none = {};
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			setrlimit(RLIMIT_CORE, &none);
			prepare[i]();
			self->w[0] = 1;
			_exit(0);
		}
		ASSERT_EQ(128 + SIGSEGV, child_wait(pid)) TH_LOG("%u", i);
	}
}

/* Use some 40 KiB of stack. */
static __attribute__((noinline)) int recurse(int depth)
{
	volatile char page[4000];

	page[0] = depth;
	page[3999] = depth;
	return depth ? recurse(depth - 1) + page[0] - depth + 1 : page[3999];
}

static int depth_reached;

static void use_stack(void)
{
	depth_reached = recurse(10);
}

/* A program whose stack is in the window: it grows, on an alternate stack. */
TEST_F(signal, alternate_stack)
{
	static char alternate[64 * KIB];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct rlimit none = {};
	ucontext_t here, there;
	pid_t pid;

	for (int i = 0; i < NR_PAGES; i++)
		*guest_slot(&self->g, VA + i * PAGE, 1) = 0;
	guest_map(&self->g, VA + 31 * PAGE, 1, self->a | PTE_ALL);
	ASSERT_EQ(0, getcontext(&there));
	there.uc_stack.ss_sp = self->w;
	there.uc_stack.ss_size = 32 * PAGE;
	there.uc_link = &here;
	makecontext(&there, use_stack, 0);

	/* Without one the signal has nowhere to go: the kernel can't write. */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		handle(0);
		swapcontext(&here, &there);
		_exit(0);
	}
	ASSERT_EQ(128 + SIGSEGV, child_wait(pid));
	invalidate_all(self->g.space);

	ASSERT_EQ(0, sigaltstack(&stack, NULL));
	handle(SA_ONSTACK);
	seen_by.entry = 0;
	/* One page behind another: each its own. */
	for (int i = 0; i < 31; i++)
		guest_map(&self->g, VA + i * PAGE, 1,
			  (self->a + (1 + i) * PAGE) | PTE_U | PTE_W);
	ASSERT_EQ(0, swapcontext(&here, &there));
	ASSERT_EQ(10, depth_reached);
	ASSERT_LE(9, seen_by.times);
}

TEST_HARNESS_MAIN
