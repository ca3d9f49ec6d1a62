/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trap files for tests: the calls about them, records and answers, and threads
 * that make an access each and may sleep in it.
 */
#ifndef VMMU_TRAP_H
#define VMMU_TRAP_H

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "vmmu_trap_calls.h"
#include "vmmu_window.h"

/* Milliseconds after which what was to happen is taken for not happening. */
#define SOON	30000

#define RETRY	VMMU_VERDICT_RETRY
#define SIGNAL	VMMU_VERDICT_SIGNAL

/* One record, which is waited for: 0, or -errno; -ENODATA when none can come. */
static inline int _record(int trap, struct vmmu_trap_record *r)
{
	ssize_t bytes;

	memset(r, POISON8, sizeof(*r));
	bytes = read(trap, r, sizeof(*r));
	if (bytes < 0)
		return -errno;
	return bytes == sizeof(*r) ? 0 : -ENODATA;
}

#define record(trap) ({							\
	struct vmmu_trap_record __r;					\
									\
	ASSERT_EQ(0, _record(trap, &__r));				\
	__r;								\
})

#define answer(trap, cookie, verdict)					\
	ASSERT_EQ(0, _answer(trap, cookie, verdict))
#define err_answer(e, trap, cookie, verdict)				\
	ASSERT_EQ(-(e), _answer(trap, cookie, verdict))

/* Wait until a condition holds: whether it does in the end. */
#define comes_true(condition) ({					\
	__u64 __until = now_ms() + SOON;				\
	bool __came;							\
									\
	while (!(__came = (condition)) && now_ms() < __until)		\
		sleep_ms(1);						\
	__came;								\
})

/* Fork the first process of a PID namespace; needs root. */
static inline pid_t fork_namespace(void)
{
	return syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
}

/* Whether a child has ended, which remains to be waited for. */
static inline bool has_ended(pid_t pid)
{
	siginfo_t si = {};

	return !waitid(P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT) &&
	       si.si_pid == pid;
}

/* A child's end as child_wait() gives it; one that does not end is killed. */
static inline int child_end(pid_t pid)
{
	bool ended = comes_true(has_ended(pid));

	if (!ended)
		kill(pid, SIGKILL);
	return ended ? child_wait(pid) : (child_wait(pid), -1);
}

/* How many threads sleep; -1: it can't be told. */
static inline int sleepers(int trap)
{
	struct vmmu_trap_info i;

	return _trap_info(trap, &i) ? -1 : (int)i.waiting;
}

static inline __u64 records_made(int trap)
{
	struct vmmu_trap_info i;

	return _trap_info(trap, &i) ? 0 : i.made;
}

/* Assert that so many threads sleep, before long. */
#define asleep(trap, nr) do {						\
	int __trap = (trap), __nr = (nr);				\
									\
	ASSERT_TRUE(comes_true(sleepers(__trap) == __nr))		\
		TH_LOG("%d sleep", sleepers(__trap));			\
} while (0)

/* Assert that the ledger of a trap file is balanced, with @left unread. */
#define balanced(trap, left) do {					\
	struct vmmu_trap_info __l = trap_info(trap);			\
	__u32 __left = (left);						\
									\
	ASSERT_EQ(__l.made, __l.read + __l.withdrawn + __l.overflowed +	\
		  __left);						\
	ASSERT_EQ(0, __l.overflowed);					\
	ASSERT_GE(__l.read, __l.answered);				\
	ASSERT_LE(__left, __l.waiting);					\
} while (0)

/**
 * struct touch - an access that a thread makes, maybe again and again
 * @at: where; of kind @kind
 * @tid: the thread, or 0 until it runs
 * @sig: what it met: 0, or a signal, of which the rest tells
 * @code: si_code
 * @address: si_addr
 * @error: the error code in the handler's context
 * @cr2: the address there
 * @space: a space that is asked afterwards what happened; 0: none
 * @fault: what it told
 * @done: whether it has ended
 */
struct touch {
	unsigned char *at;
	__u32 kind;
	int tid, sig, code, space, done;
	struct vmmu_fault fault;
	void *address;
	__u64 error, cr2;
	sigjmp_buf env;
	pthread_t thread;
};

/* The access that this thread makes. */
static __thread struct touch *touching;

static inline void touch_refused(int sig, siginfo_t *si, void *context)
{
	struct touch *t = touching;
	ucontext_t *u = context;

	if (!t)
		_exit(98);
	t->code = si->si_code;
	t->address = si->si_addr;
	t->error = u->uc_mcontext.gregs[REG_ERR];
	t->cr2 = u->uc_mcontext.gregs[REG_CR2];
	siglongjmp(t->env, sig);
}

/* Have refused accesses of all threads end in their struct touch. */
static inline void touch_signals(void)
{
	struct sigaction act = {
		.sa_sigaction = touch_refused,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

/* Make the access in this thread. A write stores, a fetch calls, a `ret`. */
static inline int touch_now(struct touch *t)
{
	touching = t;
	__atomic_store_n(&t->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	t->sig = sigsetjmp(t->env, 1);
	if (!t->sig) {
		if (t->kind == READ)
			__atomic_load_n(t->at, __ATOMIC_SEQ_CST);
		else if (t->kind == WRITE)
			__atomic_store_n(t->at, 0xc3, __ATOMIC_RELAXED);
		else
			((void (*)(void))t->at)();
	}
	touching = NULL;
	if (t->space && _fault(t->space, t->at, t->kind, &t->fault))
		t->sig = -1;
	__atomic_store_n(&t->done, 1, __ATOMIC_SEQ_CST);
	return t->sig;
}

static inline void *touch_run(void *arg)
{
	touch_now(arg);
	return NULL;
}

static inline int _touch_start(struct touch *t, unsigned char *where,
			       __u32 kind)
{
	*t = (struct touch){ .at = where, .kind = kind };
	return pthread_create(&t->thread, NULL, touch_run, t);
}

#define touch_start(toucher, where, kind)					\
	ASSERT_EQ(0, _touch_start(toucher, where, kind))

static inline bool touch_done(struct touch *t)
{
	return __atomic_load_n(&t->done, __ATOMIC_SEQ_CST);
}

/* What the access met in the end; -1: it has not ended. */
static inline int touch_end(struct touch *t)
{
	if (!comes_true(touch_done(t)))
		return -1;
	pthread_join(t->thread, NULL);
	return t->sig;
}

/* Have a thread make an access, and wait until it sleeps in it. */
#define touch_sleeps(trap, toucher, where, kind) do {			\
	int __of = (trap), __more = sleepers(__of) + 1;			\
									\
	touch_start(toucher, where, kind);				\
	asleep(__of, __more);						\
} while (0)

/*
 * A guest whose faults make records: a window of NR_PAGES from VA on, with all
 * tables but no page, and two real pages with a word in them.
 */
#define VA		0x400000ULL
#define NR_PAGES	64

struct trapped {
	struct guest g;
	int trap;
	unsigned char *w;
	__u64 a, b;
};

#define trapped_make(made, device, bits) do {				\
	struct trapped *__p = (made);					\
									\
	guest_make(&__p->g, device, 4 * MIB, FORMAT4, bits);		\
	guest_slot(&__p->g, VA, 1);					\
	__p->a = __p->g.data;						\
	__p->b = __p->g.data + PAGE;					\
	store(__p->g.mem + __p->a, 0xaac3);				\
	store(__p->g.mem + __p->b, 0xbbc3);				\
	__p->trap = trap_create(__p->g.vm);				\
	deliver_records(__p->g.space, __p->trap);			\
	__p->w = window(__p->g.space, VA, NR_PAGES * PAGE);		\
	touch_signals();						\
} while (0)

/* Whoever still sleeps is let go by the end of the trap file. */
#define trapped_drop(dropped) do {					\
	struct trapped *__q = (dropped);				\
									\
	audit_clean(__q->g.vm);						\
	close(__q->trap);						\
	munmap(__q->w, NR_PAGES * PAGE);				\
	guest_drop(&__q->g);						\
	close(__q->g.dev);						\
} while (0)

/* Have page @i of the window map a real page. */
#define map_page(of, i, entry) do {					\
	struct trapped *__m = (of);					\
									\
	ASSERT_EQ(VMMU_OUTCOME_PAGE,					\
		  install_one(__m->g.space, VA + (i) * PAGE, 1, entry));\
} while (0)

#endif /* VMMU_TRAP_H */
