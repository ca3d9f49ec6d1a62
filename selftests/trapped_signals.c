// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores and signals: each store is made once, however many signals
 * come in between and however many threads there are; and a signal's frame on a
 * page table is the kernel's store, whatever instruction it has interrupted.
 */
#include <pthread.h>
#include <sys/rseq.h>
#include <sys/time.h>

#include "vmmu_trapped.h"

#define ADDS	10000
#define THREADS	2
/* For the first signal of a storm, in ms. */
#define PATIENCE	10000

FIXTURE(signals) {
	struct trapped t;
};

FIXTURE_VARIANT(signals) {
	bool table;
};

FIXTURE_VARIANT_ADD(signals, ordinary) { false };
FIXTURE_VARIANT_ADD(signals, table) { true };

FIXTURE_SETUP(signals)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, variant->table);
}

FIXTURE_TEARDOWN(signals)
{
	trapped_drop(&self->t);
}

static volatile unsigned int nr_signals;
static volatile uintptr_t lowest, highest, fpstate;

static void count(int sig, siginfo_t *si, void *context)
{
	uintptr_t frame = (uintptr_t)context;

	nr_signals++;
	fpstate = (uintptr_t)((ucontext_t *)context)->uc_mcontext.fpregs;
	if (!lowest || frame < lowest)
		lowest = frame;
	if (frame > highest)
		highest = frame;
}

/* Signals in quick succession: @flags of their handler. */
static int storm_begin(int flags)
{
	struct sigaction act = {
		.sa_sigaction = count, .sa_flags = flags | SA_SIGINFO,
	};
	struct itimerval often = { { 0, 200 }, { 0, 200 } };

	nr_signals = 0;
	lowest = 0;
	highest = 0;
	return sigaction(SIGALRM, &act, NULL) ?:
	       setitimer(ITIMER_REAL, &often, NULL);
}

static void storm_end(void)
{
	struct itimerval never = { };

	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
}

/* A fast machine makes all its stores before the first signal: no, until @until. */
static bool still_quiet(__u64 until)
{
	return !nr_signals && now_ms() < until;
}

/* Add 1 to @entry, in a way of several; false: the entry was not @old. */
static bool add_one(__u64 *entry, unsigned int way, __u64 old)
{
	__u64 one = 1, was = old;

	switch (way % 6) {
	case 0:
		asm volatile("incq %0" : "+m" (*entry) : : "cc");
		return true;
	case 1:
		asm volatile("addq $1, %0" : "+m" (*entry) : : "cc");
		return true;
	case 2:
		asm volatile("lock subq $-1, %0" : "+m" (*entry) : : "cc");
		return true;
	case 3:
		asm volatile("lock xaddq %0, %1"
			     : "+r" (one), "+m" (*entry) : : "cc");
		return one == old;
	case 4:
		asm volatile("lock cmpxchgq %2, %1"
			     : "+a" (was), "+m" (*entry)
			     : "r" (old + 1) : "cc");
		return was == old;
	default:
		was = old + 1;
		asm volatile("xchgq %0, %1" : "+r" (was), "+m" (*entry));
		return was == old;
	}
}

TEST_F(signals, storm)
{
	struct trapped *t = &self->t;
	unsigned int nr = rounds(ADDS) * 6, i;
	__u64 until = now_ms() + PATIENCE;

	ASSERT_EQ(0, storm_begin(SA_RESTART));
	for (i = 0; i < nr || still_quiet(until); i++)
		ASSERT_TRUE(add_one(t->entry, i, i));
	storm_end();
	printf("# %u signals\n", nr_signals);
	ASSERT_EQ(i, load(t->entry));
	ASSERT_NE(0, nr_signals);
	expect_state(t, 0, CLOSED);
}

/*
 * @way: 0: lock add; 1: xadd; 2: cmpxchg until it succeeds; 3: a lock by bts,
 *	and an add under it
 */
struct adder {
	pthread_t thread;
	__u64 *entry;
	unsigned int nr, way;
};

static void *add_many(void *arg)
{
	struct adder *adder = arg;
	__u64 *entry = adder->entry, was, one;
	unsigned char busy;

	for (unsigned int i = 0; i < adder->nr; i++) {
		switch (adder->way) {
		case 0:
			asm volatile("lock addq $1, %0"
				     : "+m" (*entry) : : "cc");
			break;
		case 1:
			one = 1;
			asm volatile("lock xaddq %0, %1"
				     : "+r" (one), "+m" (*entry) : : "cc");
			break;
		case 2:
			was = __atomic_load_n(entry, __ATOMIC_RELAXED);
			while (!__atomic_compare_exchange_n(entry, &was,
							    was + 1, false,
							    __ATOMIC_SEQ_CST,
							    __ATOMIC_SEQ_CST))
				;
			break;
		default:
			do {
				asm volatile("lock btsq $0, %1"
					     : "=@ccc" (busy), "+m" (entry[1])
					     : : "memory");
				if (busy)
					sched_yield();
			} while (busy);
			asm volatile("addq $1, %0" : "+m" (*entry) : : "cc");
			asm volatile("lock btrq $0, %0"
				     : "+m" (entry[1]) : : "cc", "memory");
			break;
		}
	}
	return NULL;
}

TEST_F(signals, threads)
{
	struct trapped *t = &self->t;
	unsigned int nr = rounds(ADDS);
	struct adder adders[THREADS];

	ASSERT_EQ(0, storm_begin(SA_RESTART));
	for (unsigned int way = 0; way < 4; way++) {
		store(t->entry, 0);
		for (int i = 0; i < THREADS; i++) {
			adders[i] = (struct adder){
				.entry = t->entry, .nr = nr, .way = way,
			};
			ASSERT_EQ(0, pthread_create(&adders[i].thread, NULL,
						    add_many, &adders[i]));
		}
		for (int i = 0; i < THREADS; i++)
			pthread_join(adders[i].thread, NULL);
		ASSERT_EQ(THREADS * nr, load(t->entry))
			TH_LOG("way %u", way);
	}
	storm_end();
	printf("# %u signals\n", nr_signals);
	expect_state(t, 0, CLOSED);
}

/* The stack that signals come on: all of the pages, but for the entry's. */
static int move_stack(struct trapped *t)
{
	stack_t stack = {
		.ss_sp = t->pages + PAGE,
		.ss_size = (TRAPPED_PAGES - 1) * PAGE,
	};

	return sigaltstack(&stack, NULL);
}

static void rest_stack(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	sigaltstack(&none, NULL);
}

/* The frames were on the pages. */
#define expect_frames(t) do {						\
	uintptr_t __first = (uintptr_t)(t)->pages + PAGE;		\
									\
	ASSERT_LE(__first, lowest);					\
	ASSERT_GT(__first + (TRAPPED_PAGES - 1) * PAGE, highest);	\
} while (0)

/* A signal in a system call, with the frame on tables that are closed. */
TEST_F(signals, frame)
{
	struct trapped *t = &self->t;

	ASSERT_EQ(0, move_stack(t));
	ASSERT_EQ(0, storm_begin(SA_ONSTACK));
	storm_end();
	for (int i = 0; i < 20; i++) {
		struct sigaction act = {
			.sa_sigaction = count,
			.sa_flags = SA_SIGINFO | SA_ONSTACK,
		};
		unsigned int before = nr_signals;

		settle(t);
		ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
		raise(SIGUSR1);
		ASSERT_EQ(before + 1, nr_signals);
		expect_state(t, TRAPPED_PAGES - 1, OPEN);
		expect_state(t, 0, CLOSED);
	}
	rest_stack();
	expect_frames(t);
}

/* Signals that interrupt stores, with their frames on other tables. */
TEST_F(signals, frames)
{
	struct trapped *t = &self->t;
	unsigned int nr = rounds(ADDS), i;
	__u64 until = now_ms() + PATIENCE;

	ASSERT_EQ(0, move_stack(t));
	ASSERT_EQ(0, storm_begin(SA_RESTART | SA_ONSTACK));
	for (i = 0; i < nr || still_quiet(until); i++) {
		ASSERT_TRUE(add_one(t->entry, i, i));
		/* So that frames meet closed pages. */
		if (i % 16 == 0)
			translate(t->g.space, 0, READ, TRAPPED_VA);
	}
	storm_end();
	rest_stack();
	printf("# %u signals\n", nr_signals);
	ASSERT_NE(0, nr_signals);
	expect_frames(t);
	ASSERT_EQ(i, load(t->entry));
	settle(t);
}

/* Bytes of code without a jump: xchg %rax,(%rdi) over and over. */
#define STRAIGHT	(6 * MIB)

static unsigned char *straight_code(void)
{
	unsigned char *code = mmap(NULL, STRAIGHT, PROT_READ | PROT_WRITE |
				   PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < STRAIGHT - 2; i++)
		code[i] = "\x48\x87\x07"[i % 3];
	memcpy(code + STRAIGHT - 2, CODE_END, 2);
	return code;
}

/*
 * Signals that interrupt stores to exactly where the kernel begins to write the
 * frame: its access is taken for each of the stores, one after the other, and
 * ends when the process is killed.
 */
TEST_F(signals, killed_in_a_frame)
{
	struct trapped *t = &self->t;
	__u64 until = now_ms() + 8500;
	pid_t pid = fork();

	if (!pid) {
		struct itimerval none = { }, once = { .it_value.tv_usec = 5000 };
		unsigned char *code = straight_code();

		if (!code || move_stack(t) || storm_begin(SA_ONSTACK))
			_exit(1);
		while (!nr_signals)
			;
		setitimer(ITIMER_REAL, &none, NULL);
		/*
		 * The next one comes while the table is closed, and stored to: where
		 * the kernel begins, the XSAVE area's header, or else the area itself.
		 */
		for (unsigned int header = 512;; header ^= 512) {
			translate(t->g.space, 0, READ, TRAPPED_VA);
			setitimer(ITIMER_REAL, &once, NULL);
			run_at(code, (void *)(fpstate + header), 0);
		}
	}
	ASSERT_LT(0, pid);
	usleep(3500000);
	ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	while (waitpid(pid, NULL, WNOHANG) != pid) {
		ASSERT_GT(until, now_ms())
			TH_LOG("a process that was killed goes on");
		usleep(1000);
	}
}

/*
 * A processor does not step over the last store of a restartable sequence if the
 * thread loses it before. So the processor has to make that store itself.
 */
TEST_F(signals, restartable)
{
	/* None of the code here lies in it. */
	static const __u32 abort[2] = { RSEQ_SIG };
	struct rseq_cs sequence = {
		.start_ip = 0x10000, .post_commit_offset = 1,
		.abort_ip = (uintptr_t)&abort[1],
	};
	struct rseq *rseq = (void *)((char *)__builtin_thread_pointer() +
				     __rseq_offset);
	struct trapped *t = &self->t;
	unsigned int opened = 0;

	if (!__rseq_size)
		SKIP(return, "this libc does not register sequences");
	for (int i = 0; i < 100; i++) {
		settle(t);
		__atomic_store_n(&rseq->rseq_cs, (uintptr_t)&sequence,
				 __ATOMIC_RELAXED);
		store(t->entry, i);
		/* The kernel forgets it where the thread was preempted outside. */
		rseq->rseq_cs = 0;
		ASSERT_EQ(i, load(t->entry));
		opened += real_flags(t->g.vm, t->ra) ==
			  (t->traps ? OPEN : DATA);
	}
	ASSERT_LT(50, opened);
}

TEST_HARNESS_MAIN
