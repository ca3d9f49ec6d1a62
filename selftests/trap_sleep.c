// SPDX-License-Identifier: GPL-2.0
/*
 * What ends a thread's sleep but an answer: signals of all kinds, the end of
 * the monitor or of the space, another delivery.
 */
#include <sys/eventfd.h>

#include "vmmu_trap.h"
#include "vmmu_uring.h"

FIXTURE(sleep) {
	struct trapped t;
	struct touch touches[4];
};

FIXTURE_SETUP(sleep)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
}

FIXTURE_TEARDOWN(sleep)
{
	trapped_drop(&self->t);
}

#define sleep_in(i) do {						\
	int __n = (i);							\
									\
	touch_sleeps(self->t.trap, &self->touches[__n],			\
		     self->t.w + (__n + 1) * PAGE, READ);		\
} while (0)

/* Fork a child that reads page 1 of the window, and wait until it sleeps. */
#define child_sleeps(...) ({						\
	pid_t __pid = fork();						\
									\
	ASSERT_LE(0, __pid);						\
	if (!__pid) {							\
		signal(SIGSEGV, SIG_DFL);				\
		prctl(PR_SET_DUMPABLE, 0);				\
		__VA_ARGS__;						\
		_exit(self->t.w[PAGE] == 0xc3 ? 0 : 1);			\
	}								\
	asleep(self->t.trap, 1);					\
	__pid;								\
})

/*
 * @u: a ring whose results come when the thread passes through the kernel
 * @event: a file that a request in the ring waits for
 * @state: 1: the request is made; 2: the thread is to go on
 */
struct asynchronous {
	struct touch touch;
	struct uring u;
	int event, state;
};

static void *touch_with_work(void *arg)
{
	struct asynchronous *a = arg;
	struct io_uring_sqe poll = {
		.opcode = IORING_OP_POLL_ADD, .fd = a->event,
		.poll32_events = POLLIN,
	};

	if (uring_submit(&a->u, poll, 0))
		return NULL;
	touching = &a->touch;
	a->touch.sig = sigsetjmp(a->touch.env, 1);
	if (!a->touch.sig) {
		__atomic_store_n(&a->state, 1, __ATOMIC_SEQ_CST);
		/* No system calls from here on. */
		while (__atomic_load_n(&a->state, __ATOMIC_SEQ_CST) != 2)
			;
		__atomic_load_n(a->touch.at, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&a->touch.done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* What the kernel has to do for a thread is done before it sleeps. */
TEST_F(sleep, work_comes_first)
{
	struct trapped *t = &self->t;
	struct asynchronous a = {};

	for (int i = 0; i < 10; i++) {
		__u64 one = 1;

		a.event = eventfd(0, EFD_CLOEXEC);
		a.state = 0;
		a.touch = (struct touch){ .at = t->w + PAGE, .kind = READ };
		if (uring_make(&a.u, IORING_SETUP_COOP_TASKRUN) < 0)
			SKIP(return, "io_uring is not to be had");
		ASSERT_EQ(0, pthread_create(&a.touch.thread, NULL,
					    touch_with_work, &a));
		ASSERT_TRUE(comes_true(__atomic_load_n(&a.state,
						       __ATOMIC_SEQ_CST) == 1));
		ASSERT_EQ(8, write(a.event, &one, 8));
		__atomic_store_n(&a.state, 2, __ATOMIC_SEQ_CST);
		asleep(t->trap, 1);
		ASSERT_TRUE(comes_true(uring_has_result(&a.u)));
		ASSERT_EQ(POLLIN, uring_result(&a.u));
		answer(t->trap, record(t->trap).cookie, SIGNAL);
		ASSERT_EQ(SIGSEGV, touch_end(&a.touch));
		uring_drop(&a.u);
		close(a.event);
	}
}

static int handled;

static void note_signal(int sig)
{
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

/* The handler runs, then the access is made again, by a record of its own. */
TEST_F(sleep, handler)
{
	struct trapped *t = &self->t;
	struct touch *touch = self->touches;
	struct vmmu_trap_record old = {}, r;

	signal(SIGUSR1, note_signal);
	sleep_in(0);
	for (int i = 1; i <= 6; i++) {
		/* Whether the record was read makes no difference to it. */
		if (i % 2)
			old = record(t->trap);
		ASSERT_EQ(0, pthread_kill(touch->thread, SIGUSR1));
		ASSERT_TRUE(comes_true(records_made(t->trap) == 1U + i));
		ASSERT_EQ(i, handled);
		asleep(t->trap, 1);
		err_answer(ENOENT, t->trap, old.cookie, RETRY);
		balanced(t->trap, 1);
	}
	ASSERT_EQ(3, trap_info(t->trap).withdrawn);
	ASSERT_EQ(3, trap_info(t->trap).read);
	r = record(t->trap);
	ASSERT_LT(old.cookie, r.cookie);
	ASSERT_EQ(VA + PAGE, r.va);
	map_page(t, 1, t->a | PTE_ALL);
	answer(t->trap, r.cookie, RETRY);
	ASSERT_EQ(0, touch_end(touch));
}

/* Signals that mean nothing to the thread do not wake it. */
TEST_F(sleep, other_signals)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r;
	pid_t pid;

	pid = child_sleeps({
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		signal(SIGUSR2, SIG_IGN);
	});
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, kill(pid, SIGUSR1));
		ASSERT_EQ(0, kill(pid, SIGUSR2));
		ASSERT_EQ(0, kill(pid, SIGCHLD));
		ASSERT_EQ(0, kill(pid, SIGCONT));
		sleep_ms(2);
	}
	ASSERT_EQ(1, records_made(t->trap));
	asleep(t->trap, 1);
	r = record(t->trap);
	map_page(t, 1, t->a | PTE_ALL);
	answer(t->trap, r.cookie, RETRY);
	ASSERT_EQ(0, child_end(pid));
}

TEST_F(sleep, killed)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV, SIGKILL };
	struct trapped *t = &self->t;

	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++) {
		pid_t pid = child_sleeps();
		__u64 cookie = 0;

		if (i % 2)
			cookie = record(t->trap).cookie;
		ASSERT_EQ(0, kill(pid, signals[i]));
		ASSERT_EQ(128 + signals[i], child_end(pid));
		ASSERT_EQ(0, sleepers(t->trap));
		err_answer(ENOENT, t->trap, cookie, RETRY);
		balanced(t->trap, 0);
	}
	ASSERT_EQ(2, trap_info(t->trap).withdrawn);
	ASSERT_EQ(2, trap_info(t->trap).read);
}

/* A stopped thread does not wait for an answer; it asks again. */
TEST_F(sleep, stopped)
{
	struct trapped *t = &self->t;
	pid_t pid = child_sleeps();
	int status;

	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, sleepers(t->trap));
	balanced(t->trap, 0);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	asleep(t->trap, 1);
	map_page(t, 1, t->a | PTE_ALL);
	answer(t->trap, record(t->trap).cookie, RETRY);
	ASSERT_EQ(0, child_end(pid));
	ASSERT_EQ(2, records_made(t->trap));
}

/* Both a sleeper whose record was read and one whose was not are refused. */
TEST_F(sleep, monitor_closes)
{
	struct trapped *t = &self->t;
	int again = dup(t->trap);

	sleep_in(0);
	record(t->trap);
	sleep_in(1);
	close(t->trap);
	sleep_ms(20);
	ASSERT_EQ(2, sleepers(again));
	close(again);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(SIGSEGV, touch_end(&self->touches[i]));
		ASSERT_EQ((void *)self->touches[i].at,
			  self->touches[i].address);
	}
	/* So is everybody from now on, until there is another. */
	ASSERT_EQ(VMMU_DELIVER_SIGNAL, space_info(t->g.space).delivery);
	ASSERT_EQ(0, strcmp("signal", fdinfo_text(t->g.space, "vmmu-faults")));
	touch_start(&self->touches[2], t->w, READ);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[2]));
	t->trap = trap_create(t->g.vm);
	deliver_records(t->g.space, t->trap);
	sleep_in(0);
}

TEST_F(sleep, monitor_is_killed)
{
	struct trapped *t = &self->t;
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmmu_trap_record r;

		CHILD_CHECK(!_record(t->trap, &r));
		CHILD_CHECK(write(ready[1], "", 1) == 1);
		pause();
		_exit(0);
	}
	close(t->trap);
	for (int i = 0; i < 4; i++)
		touch_start(&self->touches[i], t->w + i * PAGE, READ);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	sleep_ms(20);
	for (int i = 0; i < 4; i++)
		ASSERT_FALSE(touch_done(&self->touches[i]));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(SIGSEGV, touch_end(&self->touches[i]));
	ASSERT_EQ(128 + SIGKILL, child_wait(pid));
	t->trap = trap_create(t->g.vm);
}

/* A space's sleepers are let go when it delivers signals; others' are not. */
TEST_F(sleep, back_to_signals)
{
	struct trapped *t = &self->t;
	int second = space_create(t->g.vm, FORMAT4, t->g.root, 0);
	unsigned char *w = window(second, VA, NR_PAGES * PAGE);
	struct vmmu_trap_record r;

	deliver_records(second, t->trap);
	sleep_in(0);
	sleep_in(1);
	touch_sleeps(t->trap, &self->touches[2], w, READ);
	r = record(t->trap);
	deliver_signals(t->g.space);
	ASSERT_EQ(VMMU_DELIVER_SIGNAL, space_info(t->g.space).delivery);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[0]));
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[1]));
	err_answer(ENOENT, t->trap, r.cookie, RETRY);
	ASSERT_EQ(1, sleepers(t->trap));
	ASSERT_EQ(1, trap_info(t->trap).nr_spaces);
	balanced(t->trap, 1);
	r = record(t->trap);
	ASSERT_EQ(space_info(second).id, r.space);
	answer(t->trap, r.cookie, SIGNAL);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[2]));
	munmap(w, NR_PAGES * PAGE);
	close(second);
}

TEST_F(sleep, to_another_trap)
{
	struct trapped *t = &self->t;
	int other = trap_create(t->g.vm);
	struct vmmu_trap_record r;

	sleep_in(0);
	sleep_in(1);
	r = record(t->trap);
	deliver_records(t->g.space, other);
	asleep(other, 2);
	ASSERT_EQ(0, sleepers(t->trap));
	balanced(t->trap, 0);
	err_answer(ENOENT, t->trap, r.cookie, RETRY);
	/* The same one again: they ask again. */
	deliver_records(t->g.space, other);
	ASSERT_TRUE(comes_true(records_made(other) == 4));
	asleep(other, 2);
	ASSERT_EQ(1, trap_info(other).nr_spaces);
	balanced(other, 2);
	close(other);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[0]));
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[1]));
}

/* The window goes, then the space: its descriptor kept it. */
TEST_F(sleep, space_goes)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r;

	sleep_in(0);
	sleep_in(1);
	r = record(t->trap);
	ASSERT_EQ(0, munmap(t->w, NR_PAGES * PAGE));
	sleep_ms(20);
	ASSERT_EQ(2, sleepers(t->trap));
	answer(t->trap, r.cookie, RETRY);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[0]));
	close(t->g.space);
	ASSERT_EQ(SIGSEGV, touch_end(&self->touches[1]));
	ASSERT_EQ((void *)self->touches[1].at, self->touches[1].address);
	ASSERT_EQ(0, sleepers(t->trap));
	balanced(t->trap, 0);
	t->g.space = -1;
}

/* Something else where the window was: the access goes there. */
TEST_F(sleep, window_is_mapped_over)
{
	struct trapped *t = &self->t;

	sleep_in(0);
	ASSERT_EQ(t->w, mmap(t->w, NR_PAGES * PAGE, PROT_READ, MAP_FIXED |
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	answer(t->trap, record(t->trap).cookie, RETRY);
	ASSERT_EQ(0, touch_end(&self->touches[0]));
}

/* Nobody else is held up by a sleeper. */
TEST_F(sleep, others_go_on)
{
	struct trapped *t = &self->t;
	struct touch *touch = &self->touches[1];

	sleep_in(0);
	record(t->trap);
	for (unsigned int i = 0; i < rounds(40); i++) {
		unsigned char *w;

		map_page(t, 3, t->a | PTE_ALL);
		w = window(t->g.space, VA, NR_PAGES * PAGE);
		ASSERT_EQ(0xaac3, load(w + 3 * PAGE));
		ASSERT_EQ(0xaac3, load(t->w + 3 * PAGE));
		map_page(t, 3, t->b | PTE_ALL);
		ASSERT_EQ(0xbbc3, load(w + 3 * PAGE));
		ASSERT_EQ(0, mprotect(w, PAGE, PROT_READ));
		ASSERT_EQ(0, munmap(w, NR_PAGES * PAGE));
		install_one(t->g.space, VA + 3 * PAGE, 1, 0);
		invalidate_all(t->g.space);
		/* Others sleep, and wake up before it. */
		touch_sleeps(t->trap, touch, t->w + 3 * PAGE, READ);
		map_page(t, 3, t->a | PTE_ALL);
		answer(t->trap, record(t->trap).cookie, RETRY);
		ASSERT_EQ(0, touch_end(touch));
		install_one(t->g.space, VA + 3 * PAGE, 1, 0);
		ASSERT_EQ(1, sleepers(t->trap));
	}
	ASSERT_FALSE(touch_done(&self->touches[0]));
}

/* A read() of the trap file that a signal ends. */
static void *read_interrupted(void *arg)
{
	struct touch *reader = arg;
	struct vmmu_trap_record r;

	reader->tid = syscall(SYS_gettid);
	return (void *)(long)_record(reader->space, &r);
}

TEST_F(sleep, interrupted_reader)
{
	struct trapped *t = &self->t;
	struct touch reader = { .space = t->trap };
	struct sigaction act = { .sa_handler = note_signal };
	void *ret = NULL;

	for (int restart = 0; restart < 2; restart++) {
		handled = 0;
		act.sa_flags = restart ? SA_RESTART : 0;
		ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
		ASSERT_EQ(0, pthread_create(&reader.thread, NULL,
					    read_interrupted, &reader));
		/* It may come before the call: then once more. */
		while (restart ? handled < 5 :
		       pthread_tryjoin_np(reader.thread, &ret)) {
			pthread_kill(reader.thread, SIGUSR1);
			sleep_ms(5);
		}
		if (!restart)
			ASSERT_EQ(-EINTR, (long)ret);
	}
	sleep_in(0);
	ASSERT_EQ(0, pthread_join(reader.thread, &ret));
	ASSERT_EQ(0, (long)ret);
	ASSERT_EQ(1, trap_info(t->trap).read);
}

TEST_HARNESS_MAIN
