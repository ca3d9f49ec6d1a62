// SPDX-License-Identifier: GPL-2.0
/*
 * Sleepers as processes: forked, in another PID namespace, traced, in the
 * middle of execve() and exit; and the module, which they keep.
 */
#include <sys/ptrace.h>
#include <sys/user.h>

#include "vmmu_trap.h"

FIXTURE(proc) {
	struct trapped t;
	struct touch touch;
};

FIXTURE_SETUP(proc)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
}

FIXTURE_TEARDOWN(proc)
{
	trapped_drop(&self->t);
}

/* What a child does that is to sleep in page 1 of the window. */
static void child_touches(struct trapped *t)
{
	signal(SIGSEGV, SIG_DFL);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(t->w[PAGE] == 0xc3 ? 0 : 1);
}

#define child_sleeps() ({						\
	pid_t __pid = fork();						\
									\
	ASSERT_LE(0, __pid);						\
	if (!__pid)							\
		child_touches(&self->t);				\
	asleep(self->t.trap, 1);					\
	__pid;								\
})

/* The windows are the child's, too, and so are its faults. */
TEST_F(proc, fork)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r;
	pid_t pids[3], pid;
	int i;

	for (i = 0; i < 3; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			child_touches(t);
		asleep(t->trap, i + 1);
	}
	for (i = 0; i < 3; i++) {
		r = record(t->trap);
		ASSERT_EQ(pids[i], r.tid);
		ASSERT_EQ(VA + PAGE, r.va);
		if (i == 2)
			map_page(t, 1, t->a | PTE_ALL);
		answer(t->trap, r.cookie, i == 2 ? RETRY : SIGNAL);
		ASSERT_EQ(i == 2 ? 0 : 128 + SIGSEGV, child_end(pids[i]));
	}
	/* A child's answer counts as much. */
	touch_sleeps(t->trap, &self->touch, t->w + 2 * PAGE, READ);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(!_record(t->trap, &r));
		CHILD_CHECK(!_answer(t->trap, r.cookie, SIGNAL));
		_exit(0);
	}
	ASSERT_EQ(0, child_end(pid));
	ASSERT_EQ(SIGSEGV, touch_end(&self->touch));
}

/* One child sleeps in a namespace; another, in it, too, reads what we did. */
TEST_F(proc, pid_namespace)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r;
	pid_t pid;

	if (geteuid())
		SKIP(return, "needs root, for a PID namespace");
	pid = fork_namespace();
	ASSERT_LE(0, pid);
	if (!pid) {
		pid_t child;

		CHILD_CHECK(getpid() == 1);
		child = fork();
		CHILD_CHECK(child > 0 || !child);
		if (!child)
			child_touches(t);
		CHILD_CHECK(child == 2);
		CHILD_CHECK(!_record(t->trap, &r));
		CHILD_CHECK(r.tid == 2);
		CHILD_CHECK(!_answer(t->trap, r.cookie, RETRY));
		/* Now for the parent: its thread has no number here. */
		CHILD_CHECK(comes_true(records_made(t->trap) == 3));
		CHILD_CHECK(!_record(t->trap, &r));
		CHILD_CHECK(r.tid == 0);
		CHILD_CHECK(!_answer(t->trap, r.cookie, SIGNAL));
		_exit(child_end(child));
	}
	/* The grandchild faults once more; here it has another number. */
	ASSERT_TRUE(comes_true(records_made(t->trap) == 2));
	r = record(t->trap);
	ASSERT_LT(2, r.tid);
	ASSERT_NE(pid, r.tid);
	ASSERT_EQ(0, kill(r.tid, 0));
	touch_start(&self->touch, t->w + 2 * PAGE, READ);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touch));
	map_page(t, 1, t->a | PTE_ALL);
	answer(t->trap, r.cookie, RETRY);
	ASSERT_EQ(0, child_end(pid));
}

/* A tracer interrupts the sleep, looks around, and lets it go on. */
TEST_F(proc, traced)
{
	struct trapped *t = &self->t;
	struct user_regs_struct regs;
	pid_t pid = child_sleeps();
	__u64 cookie = record(t->trap).cookie;
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, 0));
	sleep_ms(20);
	ASSERT_EQ(1, sleepers(t->trap));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, sleepers(t->trap));
		err_answer(ENOENT, t->trap, cookie, RETRY);
		ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, 0, &regs));
		ASSERT_EQ(-1, (long)regs.orig_rax);
		/* Nor does a debugger's own access wait. */
		errno = 0;
		ptrace(PTRACE_PEEKDATA, pid, t->w + PAGE, 0);
		ASSERT_EQ(EIO, errno);
		ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
		asleep(t->trap, 1);
		cookie = record(t->trap).cookie;
	}
	/* The tracer sees the signal, and may take it away. */
	answer(t->trap, cookie, SIGNAL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(SIGSEGV, WSTOPSIG(status));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	asleep(t->trap, 1);
	map_page(t, 1, t->a | PTE_ALL);
	answer(t->trap, record(t->trap).cookie, RETRY);
	ASSERT_EQ(0, child_end(pid));
}

/* A tracer that leaves, or sends the thread elsewhere. */
TEST_F(proc, traced_and_led_away)
{
	struct trapped *t = &self->t;
	struct user_regs_struct regs;
	pid_t pid = child_sleeps();
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, 0, 0));
	asleep(t->trap, 1);
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, 0, &regs));
	regs.rip = (uintptr_t)_exit;
	regs.rdi = 42;
	regs.rsp = (regs.rsp & ~15UL) - 8;
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, pid, 0, &regs));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, 0, 0));
	ASSERT_EQ(42, child_end(pid));
	ASSERT_EQ(0, sleepers(t->trap));
}

/* One thread sleeps while another replaces the program, or ends it. */
TEST_F(proc, exec_and_exit)
{
	struct trapped *t = &self->t;

	for (int ends = 0; ends < 3; ends++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			CHILD_CHECK(!_touch_start(&self->touch, t->w, READ));
			CHILD_CHECK(comes_true(sleepers(t->trap) == 1));
			if (ends == 0)
				execl("/bin/true", "true", NULL);
			if (ends == 1)
				syscall(SYS_exit_group, 0);
			abort();
		}
		ASSERT_EQ(ends == 2 ? 128 + SIGABRT : 0, child_end(pid));
		ASSERT_EQ(0, sleepers(t->trap));
		ASSERT_EQ(ends + 1, records_made(t->trap));
		balanced(t->trap, 0);
	}
}

/* The sleeper's is the main thread, and another one calls execve(). */
static void *run_true(void *arg)
{
	if (comes_true(sleepers(*(int *)arg) == 1))
		execl("/bin/true", "true", NULL);
	_exit(97);
}

TEST_F(proc, exec_by_another_thread)
{
	struct trapped *t = &self->t;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		pthread_t thread;

		CHILD_CHECK(!pthread_create(&thread, NULL, run_true, &t->trap));
		child_touches(t);
	}
	ASSERT_EQ(0, child_end(pid));
	ASSERT_EQ(0, sleepers(t->trap));
	balanced(t->trap, 0);
}

/* Only the sleeper's own mapping is left of a space; then it is killed. */
TEST_F(proc, last_holder_is_killed)
{
	struct trapped *t = &self->t;
	pid_t pid = child_sleeps();

	ASSERT_EQ(0, munmap(t->w, NR_PAGES * PAGE));
	close(t->g.space);
	record(t->trap);
	ASSERT_EQ(1, trap_info(t->trap).nr_spaces);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, child_end(pid));
	ASSERT_TRUE(comes_true(trap_info(t->trap).nr_spaces == 0));
	ASSERT_EQ(0, vm_info(t->g.vm).nr_spaces);
	t->g.space = -1;
}

TEST_F(proc, module_stays)
{
	struct trapped *t = &self->t;
	pid_t pid;

	if (geteuid())
		SKIP(return, "needs root, to remove a module");
	/* The sleeper's mapping is all that is left of it. */
	close(t->g.dev);
	pid = child_sleeps();
	ASSERT_EQ(-1, syscall(SYS_delete_module, "vmmu", O_NONBLOCK));
	ASSERT_EQ(EWOULDBLOCK, errno);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, child_end(pid));
	t->g.dev = dev_open();
}

TEST_HARNESS_MAIN
