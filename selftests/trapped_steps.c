// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores under a debugger: by single steps, with breakpoints and
 * watchpoints of the processor, and with the trap flag set by the program
 * itself. Each stops where it does when the stores are to an ordinary page.
 */
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "vmmu_trapped.h"
#include "trapped_asm.h"

#define VALUE		0x1122334455667788ULL

#define NR_STORES	4

/* The stores, what follows them, and what the entry is afterwards. */
static unsigned char *const at[] = {
	store_1, store_2, store_3, store_4, stores_end,
};

static const __u64 after[] = { VALUE, VALUE + 1, VALUE, 1 };

/* @child: is about to execute the first of the stores */
FIXTURE(steps) {
	struct trapped t;
	pid_t child;
};

FIXTURE_VARIANT(steps) {
	bool table;
};

FIXTURE_VARIANT_ADD(steps, ordinary) { false };
FIXTURE_VARIANT_ADD(steps, table) { true };

static void run_stores(__u64 *entry)
{
	asm volatile("jmp stores" : : "D" (entry), "S" (VALUE) : "memory");
	__builtin_unreachable();
}

/* A child that stops before the first of the stores. */
static pid_t start_child(__u64 *entry)
{
	pid_t child = fork();
	int status;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		run_stores(entry);
	}
	if (child < 0 || waitpid(child, &status, 0) != child ||
	    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
		return -1;
	return child;
}

FIXTURE_SETUP(steps)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, variant->table);
	self->child = start_child(self->t.entry);
	ASSERT_LT(0, self->child);
}

FIXTURE_TEARDOWN(steps)
{
	kill(self->child, SIGKILL);
	child_wait(self->child);
	trapped_drop(&self->t);
}

/* Let the child go on, to its next stop: where it is then, or -errno. */
static long go_on(pid_t child, int request)
{
	struct user_regs_struct regs;
	int status;

	if (ptrace(request, child, 0, 0))
		return -errno;
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return -ECHILD;
	if (WSTOPSIG(status) != SIGTRAP)
		return -WSTOPSIG(status);
	if (ptrace(PTRACE_GETREGS, child, 0, &regs))
		return -errno;
	return regs.rip;
}

static int set_debug(pid_t child, int number, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, child,
		      offsetof(struct user, u_debugreg[number]), value) ?
	       -errno : 0;
}

/* Of the latest stop, which debug registers it is about; it is forgotten. */
static long why_stopped(pid_t child)
{
	size_t dr6 = offsetof(struct user, u_debugreg[6]);
	long bits = ptrace(PTRACE_PEEKUSER, child, dr6, 0);

	ptrace(PTRACE_POKEUSER, child, dr6, 0);
	return bits & 0xf;
}

/* The debugger does not look: they are trapped as any others. */
TEST_F(steps, none)
{
	struct trapped *t = &self->t;

	ASSERT_EQ((long)stores_end + 1, go_on(self->child, PTRACE_CONT));
	ASSERT_EQ(after[NR_STORES - 1], load(t->entry));
	expect_state(t, 0, CLOSED);
}

TEST_F(steps, single)
{
	struct trapped *t = &self->t;

	for (int i = 0; i < NR_STORES; i++) {
		ASSERT_EQ((long)at[i + 1],
			  go_on(self->child, PTRACE_SINGLESTEP));
		ASSERT_EQ(after[i], load(t->entry));
		expect_state(t, 0, OPEN);
		settle(t);
	}
	ASSERT_EQ((long)stores_end + 1, go_on(self->child, PTRACE_CONT));
}

/* One step, and the rest in one go: it is trapped again. */
TEST_F(steps, one)
{
	struct trapped *t = &self->t;

	ASSERT_EQ((long)at[1], go_on(self->child, PTRACE_SINGLESTEP));
	settle(t);
	ASSERT_EQ((long)stores_end + 1, go_on(self->child, PTRACE_CONT));
	ASSERT_EQ(after[NR_STORES - 1], load(t->entry));
	expect_state(t, 0, CLOSED);
}

/*
 * A breakpoint on each store: it stops there once, and not again when it goes on.
 */
TEST_F(steps, breakpoints)
{
	struct trapped *t = &self->t;

	for (int i = 0; i < NR_STORES; i++)
		ASSERT_EQ(0, set_debug(self->child, i, (unsigned long)at[i]));
	ASSERT_EQ(0, set_debug(self->child, 7, 0x55));
	for (int i = 0; i < NR_STORES; i++) {
		ASSERT_EQ((long)at[i], go_on(self->child, PTRACE_CONT));
		ASSERT_EQ(1 << i, why_stopped(self->child));
		ASSERT_EQ(i ? after[i - 1] : 0, load(t->entry));
	}
	ASSERT_EQ((long)stores_end + 1, go_on(self->child, PTRACE_CONT));
	ASSERT_EQ(after[NR_STORES - 1], load(t->entry));
}

/* How many stores the child stops behind, up to the first that it does not. */
static int watch_stores(struct trapped *t, pid_t child)
{
	int i;

	if (set_debug(child, 0, (unsigned long)t->entry) ||
	    set_debug(child, 7, 0x90001))	/* writes of 8 */
		return -1;
	for (i = 0; i < NR_STORES; i++)
		if (go_on(child, PTRACE_CONT) != (long)at[i + 1] ||
		    why_stopped(child) != 1 || load(t->entry) != after[i])
			return i;
	return go_on(child, PTRACE_CONT) == (long)stores_end + 1 ? i : -1;
}

/*
 * A watchpoint on the entry: it stops behind each store. An emulated processor
 * overlooks the watchpoint of a locked one at times, in ordinary memory too, if the
 * host is busy: so it stops behind both of those once in ten times.
 */
TEST_F(steps, watchpoint)
{
	struct trapped *t = &self->t;
	int tries = 1, seen;

	for (;;) {
		seen = watch_stores(t, self->child);
		if ((seen != 1 && seen != 2) || tries++ == 10)
			break;
		kill(self->child, SIGKILL);
		child_wait(self->child);
		self->child = start_child(t->entry);
		ASSERT_LT(0, self->child);
	}
	ASSERT_EQ(NR_STORES, seen);
	if (tries > 1)
		printf("# %d tries\n", tries);
}

static unsigned char *stopped[16];
static int nr_stopped;

static void note_stop(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	if (nr_stopped < 16)
		stopped[nr_stopped] = (void *)uc->uc_mcontext.gregs[REG_RIP];
	nr_stopped++;
}

/* The trap flag, set and cleared by the program. */
TEST_F(steps, trap_flag)
{
	struct sigaction act = {
		.sa_sigaction = note_stop, .sa_flags = SA_SIGINFO,
	};
	struct trapped *t = &self->t;

	ASSERT_EQ(0, sigaction(SIGTRAP, &act, NULL));
	nr_stopped = 0;
	asm volatile("call flagged"
		     : : "D" (t->entry), "S" (VALUE)
		     : "cc", "memory", "rax", "rcx", "rdx", "r8", "r9", "r10",
		       "r11");
	signal(SIGTRAP, SIG_DFL);
	ASSERT_EQ(5, nr_stopped);
	ASSERT_EQ(&flagged_1[0], stopped[0]);
	ASSERT_EQ(&flagged_2[0], stopped[1]);
	ASSERT_EQ(&flagged_3[0], stopped[2]);
	ASSERT_EQ(&flagged_4[0], stopped[3]);
	ASSERT_EQ(VALUE + 1, load(t->entry));
	expect_state(t, 0, OPEN);
}

TEST_HARNESS_MAIN
