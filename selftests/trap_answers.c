// SPDX-License-Identifier: GPL-2.0
/*
 * Answers to records: which are taken, what is malformed, and what a verdict
 * does to the thread.
 */
#include <sys/stat.h>

#include "vmmu_trap.h"

#define ANSWER	sizeof(struct vmmu_trap_answer)

FIXTURE(answers) {
	struct trapped t;
	struct touch touches[8];
};

FIXTURE_SETUP(answers)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
}

FIXTURE_TEARDOWN(answers)
{
	trapped_drop(&self->t);
}

#define sleep_in(i) do {						\
	int __n = (i);							\
									\
	touch_sleeps(self->t.trap, &self->touches[__n],			\
		     self->t.w + (__n + 1) * PAGE, READ);		\
} while (0)

TEST_F(answers, to_whom)
{
	struct trapped *t = &self->t;
	int other = trap_create(t->g.vm);
	struct vmmu_trap_record r;

	err_answer(ENOENT, t->trap, 0, RETRY);
	err_answer(ENOENT, t->trap, 1, RETRY);
	sleep_in(0);
	/* The record was not read: nobody can know it. */
	err_answer(ENOENT, t->trap, 1, RETRY);
	r = record(t->trap);
	ASSERT_EQ(1, r.cookie);
	err_answer(ENOENT, t->trap, 2, RETRY);
	err_answer(ENOENT, t->trap, -1, RETRY);
	err_answer(ENOENT, other, r.cookie, RETRY);
	ASSERT_EQ(0, trap_info(t->trap).answered);
	map_page(t, 1, t->a | PTE_ALL);
	answer(t->trap, r.cookie, RETRY);
	ASSERT_EQ(0, touch_end(&self->touches[0]));
	err_answer(ENOENT, t->trap, r.cookie, RETRY);
	ASSERT_EQ(1, trap_info(t->trap).answered);
	close(other);
}

#define err_written(e, bytes) do {					\
	ASSERT_EQ(-1, write(self->t.trap, a, bytes));			\
	ASSERT_EQ((e), errno);						\
} while (0)

TEST_F(answers, malformed)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_answer a[2];
	struct vmmu_trap_record r;

	sleep_in(0);
	r = record(t->trap);
	a[0] = (struct vmmu_trap_answer){ .cookie = r.cookie, .verdict = RETRY };
	a[1] = a[0];
	for (size_t bytes = 0; bytes < 2 * ANSWER; bytes++)
		if (bytes != ANSWER)
			err_written(EINVAL, bytes);
	a[0].verdict = 0;
	err_written(EINVAL, ANSWER);
	a[0].verdict = 3;
	err_written(EINVAL, ANSWER);
	a[0].verdict = RETRY;
	a[0].reserved = 1;
	err_written(EOPNOTSUPP, ANSWER);
	a[0].reserved = 0;
	a[0].value = 1ULL << 63;
	err_written(EOPNOTSUPP, ANSWER);
	a[0].value = 0;
	ASSERT_EQ(-1, write(t->trap, t->w + 9 * PAGE, ANSWER));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(1, trap_info(t->trap).waiting);
	ASSERT_EQ(0, trap_info(t->trap).answered);
	ASSERT_EQ(ANSWER, write(t->trap, a, ANSWER));
}

/* The files' other calls and ways. */
TEST_F(answers, other_calls)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_create c;
	struct vmmu_trap_info i;
	struct stat st;

	ASSERT_EQ(FD_CLOEXEC, fcntl(t->trap, F_GETFD));
	ASSERT_EQ(0, fstat(t->trap, &st));
	fails_with(ENOTTY, _trap_create(t->trap, &c));
	fails_with(ENOTTY, _trap_info(t->g.vm, &i));
	fails_with(EBADF, _set_delivery(t->g.space, VMMU_DELIVER_RECORD, -1));
	fails_with(EBADF, _set_delivery(t->g.space, VMMU_DELIVER_RECORD, 0));
	fails_with(EBADF, _set_delivery(t->g.space, VMMU_DELIVER_RECORD,
					t->g.vm));
	fails_with(EINVAL, _set_delivery(t->g.space, 2, t->trap));
	ASSERT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, t->trap,
				   0));
	ASSERT_EQ(ENODEV, errno);
	ASSERT_EQ(VMMU_DELIVER_RECORD, space_info(t->g.space).delivery);
	ASSERT_EQ(1, trap_info(t->trap).nr_spaces);
}

TEST_F(answers, of_another_vm)
{
	struct trapped *t = &self->t;
	int vm = vm_create(t->g.dev, MIB), trap = trap_create(vm);

	fails_with(EINVAL, _set_delivery(t->g.space, VMMU_DELIVER_RECORD,
					 trap));
	ASSERT_EQ(0, trap_info(trap).nr_spaces);
	ASSERT_EQ(1, trap_info(t->trap).nr_spaces);
	/* It holds its VM. */
	close(vm);
	ASSERT_NE(0, trap_info(trap).vm_id);
	close(trap);
}

/* A batch goes up to what is in error. */
TEST_F(answers, batch)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r[4];
	struct vmmu_trap_answer a[4] = {};
	int i;

	for (i = 0; i < 4; i++) {
		sleep_in(i);
		map_page(t, i + 1, t->a | PTE_ALL);
	}
	ASSERT_EQ((ssize_t)sizeof(r), read(t->trap, r, sizeof(r)));
	for (i = 0; i < 4; i++) {
		a[i].cookie = r[i].cookie;
		a[i].verdict = RETRY;
	}
	a[2].cookie = 1000;
	ASSERT_EQ(2 * ANSWER, write(t->trap, a, sizeof(a)));
	ASSERT_EQ(0, touch_end(&self->touches[0]));
	ASSERT_EQ(0, touch_end(&self->touches[1]));
	ASSERT_EQ(2, trap_info(t->trap).waiting);
	ASSERT_EQ(-1, write(t->trap, a + 2, 2 * ANSWER));
	ASSERT_EQ(ENOENT, errno);
	a[2].cookie = r[2].cookie;
	a[2].verdict = SIGNAL;
	ASSERT_EQ(2 * ANSWER, write(t->trap, a + 2, 2 * ANSWER));
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[2]));
	ASSERT_EQ(0, touch_end(&self->touches[3]));
	ASSERT_EQ(4, trap_info(t->trap).answered);
}

/* A handler finds what a CPU would tell. */
TEST_F(answers, signal_with_a_handler)
{
	static const __u64 modes[] = { 0, VMMU_MODE_CPL3 };
	struct touch *touch = self->touches;
	struct trapped *t = &self->t;

	for (unsigned int i = 0; i < 2; i++) {
		set_mode(t->g.space, VMMU_MODE_WP | VMMU_MODE_NXE | modes[i],
			 0, 52);
		for (__u32 kind = READ; kind <= FETCH; kind++) {
			struct vmmu_trap_record r;

			touch_start(touch, t->w + 3 * PAGE + 40 + kind, kind);
			r = record(t->trap);
			answer(t->trap, r.cookie, SIGNAL);
			ASSERT_EQ(SIGSEGV, touch_end(touch));
			ASSERT_EQ(SEGV_MAPERR, touch->code);
			ASSERT_EQ((void *)touch->at, touch->address);
			ASSERT_EQ((uintptr_t)touch->at, touch->cr2);
			ASSERT_EQ(r.error_code, touch->error);
			ASSERT_EQ((i ? VMMU_PF_U : 0) |
				  (kind == WRITE ? VMMU_PF_W : 0) |
				  (kind == FETCH ? VMMU_PF_I : 0), touch->error);
		}
	}
	/* Another code than the host's: the page is there, but read-only. */
	map_page(t, 3, t->a | PTE_P | PTE_U);
	touch_start(touch, t->w + 3 * PAGE, WRITE);
	answer(t->trap, record(t->trap).cookie, SIGNAL);
	ASSERT_EQ(SIGSEGV, touch_end(touch));
	ASSERT_EQ(VMMU_PF_P | VMMU_PF_W | VMMU_PF_U, touch->error);
}

/* The call for faults tells the thread the same as the record did. */
TEST_F(answers, fault_call)
{
	struct touch *touch = self->touches;
	struct trapped *t = &self->t;

	*touch = (struct touch){
		.at = t->w + 5, .kind = WRITE, .space = t->g.space,
	};
	ASSERT_EQ(0, pthread_create(&touch->thread, NULL, touch_run, touch));
	answer(t->trap, record(t->trap).cookie, SIGNAL);
	ASSERT_EQ(SIGSEGV, touch_end(touch));
	ASSERT_EQ(1, touch->fault.recorded);
	ASSERT_EQ(VA + 5, touch->fault.va);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT, touch->fault.result.reason);
	ASSERT_EQ(VMMU_PF_W, touch->fault.result.error_code);
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

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void prepare_ignored_and_blocked(void)
{
	prepare_ignored();
	prepare_blocked();
}

/* Without a handler that may run, the signal kills. */
TEST_F(answers, signal_that_kills)
{
	static void (*const prepare[])(void) = {
		prepare_default, prepare_ignored, prepare_blocked,
		prepare_ignored_and_blocked,
	};
	struct trapped *t = &self->t;

	for (unsigned int i = 0; i < ARRAY_SIZE(prepare); i++) {
		struct vmmu_trap_record r;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			prctl(PR_SET_DUMPABLE, 0);
			prepare[i]();
			t->w[PAGE] = 1;
			_exit(0);
		}
		r = record(t->trap);
		ASSERT_EQ(pid, r.tid);
		answer(t->trap, r.cookie, SIGNAL);
		ASSERT_EQ(128 + SIGSEGV, child_end(pid)) TH_LOG("%u", i);
		balanced(t->trap, 0);
	}
}

/* Nor is the first process of a PID namespace spared. */
TEST_F(answers, signal_that_kills_an_init)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r;
	pid_t pid;

	if (geteuid())
		SKIP(return, "needs root, for a PID namespace");
	pid = fork_namespace();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_DUMPABLE, 0);
		prepare_default();
		CHILD_CHECK(getpid() == 1);
		t->w[PAGE] = 1;
		_exit(0);
	}
	r = record(t->trap);
	/* As the reader knows it. */
	ASSERT_EQ(pid, r.tid);
	answer(t->trap, r.cookie, SIGNAL);
	ASSERT_EQ(128 + SIGSEGV, child_end(pid));
}

TEST_HARNESS_MAIN
