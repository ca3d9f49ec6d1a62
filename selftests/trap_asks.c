// SPDX-License-Identifier: GPL-2.0
/*
 * Installs that a monitor is asked about: what becomes of them.
 */
#include "vmmu_trap_installs.h"

/**
 * struct install - an install that a thread makes
 * @self: where
 * @how: by what
 * @value: the entry
 * @touch: what it met, for stores
 * @flags: of the call, for hypercalls, @ret its return value, and @i what else it
 *	says
 */
struct install {
	struct _test_data_installs *self;
	__u32 how, flags;
	__u64 value;
	struct touch touch;
	struct vmmu_install i;
	int ret, done;
	pthread_t thread;
};

static void *install_run(void *arg)
{
	struct install *s = arg;
	struct vmmu_install_op op = {
		.va = VA, .value = s->value, .level = 1,
	};
	struct touch *t = &s->touch;

	if (s->how == HYPERCALL) {
		s->ret = asserted(_install(s->self->g.space, s->flags, &op, 1,
					   NULL, &s->i));
	} else {
		touching = t;
		t->sig = sigsetjmp(t->env, 1);
		if (!t->sig)
			set(s->self->pte, s->value);
		touching = NULL;
	}
	__atomic_store_n(&s->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

#define install_start_by(s, by, entry, with) do {			\
	struct install *__s = (s);					\
									\
	*__s = (struct install){					\
		.self = self, .how = (by), .value = (entry),		\
		.flags = (with),					\
	};								\
	ASSERT_EQ(0, pthread_create(&__s->thread, NULL, install_run,	\
				    __s));				\
} while (0)

#define install_start(s, by, entry)	install_start_by(s, by, entry, 0)

#define install_ends(s) do {						\
	struct install *__e = (s);					\
									\
	ASSERT_TRUE(comes_true(__atomic_load_n(&__e->done,		\
					       __ATOMIC_SEQ_CST)));	\
	pthread_join(__e->thread, NULL);				\
} while (0)

#define answer_by(trap, cookie, verdict, value)				\
	ASSERT_EQ(0, _answer_by(trap, cookie, verdict, value))

static const __u32 ways[] = { HYPERCALL, STORE };

TEST_F(installs, allowed)
{
	for (int i = 0; i < 2; i++) {
		__u64 was = *self->pte, is = (i ? self->b : self->a) | PTE_ALL;
		struct vmmu_trap_record r;
		struct install s;

		deliver(self->g.space, ways[i], ASK, self->trap);
		ASSERT_EQ(ASK, delivery(self->g.space, ways[i]));
		install_start(&s, ways[i], is);
		r = record(self->trap);
		tells(&r, ways[i], was, is);
		ASSERT_EQ(VMMU_TRAP_WAITS, r.flags);
		ASSERT_EQ(was, *self->pte);
		ASSERT_EQ(1, trap_info(self->trap).waiting);
		answer(self->trap, r.cookie, ALLOW);
		install_ends(&s);
		ASSERT_EQ(0, s.ret | s.touch.sig);
		ASSERT_EQ(is, *self->pte);
		ASSERT_EQ(i ? 0xbbbb : 0xaaaa, load(self->w));
		ASSERT_EQ(1 + i, trap_info(self->trap).made);
	}
}

TEST_F(installs, denied)
{
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_ALL;
	struct vmmu_trap_record r;
	struct vmmu_fault f;
	struct install s;

	set(self->pte, b);
	for (int i = 0; i < 2; i++) {
		deliver(self->g.space, ways[i], ASK, self->trap);
		install_start(&s, ways[i], a);
		r = record(self->trap);
		answer(self->trap, r.cookie, DENY);
		install_ends(&s);
		ASSERT_EQ(b, *self->pte & ~(PTE_A | PTE_D));
		ASSERT_EQ(0xbbbb, load(self->w));
		ASSERT_EQ(1 + i, ledger(self->g.vm).refusals);
	}
	ASSERT_EQ(SIGSEGV, s.touch.sig);
	ASSERT_EQ(SEGV_ACCERR, s.touch.code);
	ASSERT_EQ((void *)self->pte, s.touch.address);

	install_start(&s, HYPERCALL, a);
	r = record(self->trap);
	answer(self->trap, r.cookie, DENY);
	install_ends(&s);
	fails_with(EPERM, s.ret);
	ASSERT_EQ(0, s.i.done | s.i.index);
	ASSERT_EQ(VMMU_REASON_DENIED, s.i.reason);
	ASSERT_EQ(1, s.i.level);

	/* The reason is told to the thread, once. */
	s.touch = (struct touch){ .at = (void *)self->pte };
	f = (struct vmmu_fault){ .size = sizeof(f) };
	ASSERT_EQ(-ENOENT, _fault(self->g.space, self->pte, WRITE, &f));
}

static void *denied_thread(void *arg)
{
	struct install *s = arg;
	struct vmmu_fault f;

	install_run(s);
	s->ret = _fault(s->self->g.space, s->self->pte, WRITE, &f);
	if (f.result.reason != VMMU_REASON_DENIED || !f.recorded ||
	    f.va != s->self->entry || f.result.level != 1)
		s->ret = 1;
	if (_fault(s->self->g.space, s->self->pte, WRITE, &f) != -ENOENT)
		s->ret = 2;
	return NULL;
}

TEST_F(installs, reason)
{
	struct vmmu_trap_record r;
	struct install s = {
		.self = self, .how = STORE, .value = self->a | PTE_ALL,
	};

	deliver(self->g.space, STORE, ASK, self->trap);
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, denied_thread, &s));
	r = record(self->trap);
	answer(self->trap, r.cookie, DENY);
	pthread_join(s.thread, NULL);
	ASSERT_EQ(0, s.ret);
	ASSERT_EQ(SIGSEGV, s.touch.sig);
	ASSERT_EQ(0, *self->pte);
}

TEST_F(installs, rewritten)
{
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_P | PTE_U;
	struct vmmu_trap_record r;
	struct install s;

	for (int i = 0; i < 2; i++) {
		set(self->pte, 0);
		deliver(self->g.space, ways[i], ASK, self->trap);
		install_start(&s, ways[i], a);
		r = record(self->trap);
		answer_by(self->trap, r.cookie, REWRITE, b);
		install_ends(&s);
		ASSERT_EQ(0, s.ret | s.touch.sig);
		ASSERT_EQ(b, *self->pte);
		ASSERT_EQ(0xbbbb, load(self->w));
		ASSERT_EQ(SIGSEGV, access_write(self->w, 1));
		deliver(self->g.space, ways[i], NONE, -1);
	}
}

/* What the monitor makes of an entry is judged as the entry itself would be. */
TEST_F(installs, rewritten_under_stop)
{
	__u64 beyond = self->g.bytes | PTE_ALL;
	struct vmmu_trap_record r;
	struct install s;

	deliver(self->g.space, HYPERCALL, ASK, self->trap);
	install_start_by(&s, HYPERCALL, self->a | PTE_ALL, VMMU_INSTALL_STOP);
	r = record(self->trap);
	answer_by(self->trap, r.cookie, REWRITE, beyond);
	install_ends(&s);
	fails_with(ENXIO, s.ret);
	ASSERT_EQ(VMMU_REASON_BEYOND_REAL, s.i.reason);
	ASSERT_EQ(0, *self->pte);
	install_start(&s, HYPERCALL, self->a | PTE_ALL);
	r = record(self->trap);
	answer_by(self->trap, r.cookie, REWRITE, beyond);
	install_ends(&s);
	ASSERT_EQ(0, s.ret);
	ASSERT_EQ(beyond, *self->pte);
}

/* An entry that serves two spaces: each is asked, about what is left to decide. */
TEST_F(installs, asked_by_two)
{
	struct guest *g = &self->g;
	int other = trapping_space(g->vm, FORMAT4, g->root, BITS);
	int trap = trap_create(g->vm);
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_ALL;

	for (int i = 0; i < 2; i++) {
		struct vmmu_trap_record r, next;
		struct install s;

		set(self->pte, 0);
		deliver(g->space, ways[i], ASK, self->trap);
		deliver(other, ways[i], ASK, trap);
		install_start(&s, ways[i], a);
		r = record(self->trap);
		ASSERT_EQ(0, trap_info(trap).waiting);
		answer_by(self->trap, r.cookie, REWRITE, b);
		next = record(trap);
		ASSERT_EQ(space_info(other).id, next.space);
		ASSERT_EQ(b, next.new);
		ASSERT_EQ(0, *self->pte);
		answer(trap, next.cookie, ALLOW);
		install_ends(&s);
		ASSERT_EQ(0, s.ret | s.touch.sig);
		ASSERT_EQ(b, *self->pte);

		install_start(&s, ways[i], a);
		r = record(self->trap);
		answer(self->trap, r.cookie, ALLOW);
		next = record(trap);
		ASSERT_EQ(a, next.new);
		answer(trap, next.cookie, DENY);
		install_ends(&s);
		ASSERT_EQ(b, *self->pte);
		ASSERT_EQ(1 + i, ledger(other).refusals);
		ASSERT_EQ(0, ledger(g->space).refusals);

		deliver(g->space, ways[i], NONE, -1);
		deliver(other, ways[i], NONE, -1);
	}
	close(trap);
	close(other);
}

/**
 * struct others - threads beside installs
 * @trap: the trap file whose records are allowed by one of them
 * @space: a space that begins and ceases to deliver there
 * @stop: when to end
 */
struct others {
	int trap, space, stop;
	unsigned int allowed, changes;
};

static void *allow_all(void *arg)
{
	struct others *o = arg;
	struct vmmu_trap_record r;

	while (!__atomic_load_n(&o->stop, __ATOMIC_SEQ_CST)) {
		if (!_record(o->trap, &r) && !_answer(o->trap, r.cookie, ALLOW))
			o->allowed++;
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct others *o = arg;

	while (!__atomic_load_n(&o->stop, __ATOMIC_SEQ_CST)) {
		if (_deliver(o->space, DISCARDED, NOTIFY, o->trap) ||
		    _deliver(o->space, DISCARDED, NONE, -1))
			break;
		o->changes++;
	}
	return NULL;
}

/* Others leave the trap file all the time: nothing goes on without an answer. */
TEST_F(installs, asked_while_others_leave)
{
	struct guest *g = &self->g;
	struct others o = {
		.trap = self->trap,
		.space = trapping_space(g->vm, FORMAT4, g->data, BITS),
	};
	struct vmmu_install_op ops[2] = {
		{ .va = VA, .value = self->a | PTE_ALL, .level = 1 },
		{ .va = VA, .value = self->b | PTE_ALL, .level = 1 },
	};
	unsigned int nr = rounds(4000), stores;
	pthread_t monitor, other;
	struct vmmu_install i;

	fcntl(self->trap, F_SETFL, O_NONBLOCK);
	deliver(g->space, HYPERCALL, ASK, self->trap);
	deliver(g->space, STORE, ASK, self->trap);
	ASSERT_EQ(0, pthread_create(&monitor, NULL, allow_all, &o));
	ASSERT_EQ(0, pthread_create(&other, NULL, come_and_go, &o));
	for (unsigned int n = 0; n < nr; n++)
		ASSERT_EQ(0, _install(g->space, 0, ops, 2, NULL, &i));
	ASSERT_TRUE(comes_true(__atomic_load_n(&o.allowed, __ATOMIC_SEQ_CST) ==
			       2 * nr));
	stores = o.allowed;
	for (unsigned int n = 0; n < nr; n++)
		set(self->pte, ops[n % 2].value);
	o.stop = 1;
	pthread_join(monitor, NULL);
	pthread_join(other, NULL);
	printf("# %u installs, %u times another came and went\n", 3 * nr,
	       o.changes);
	/* More, if what was allowed was to be asked about again. */
	stores = o.allowed - stores;
	ASSERT_LE(nr, stores);
	ASSERT_NE(0, o.changes);
	close(o.space);
}

static sigjmp_buf elsewhere;

static void go_elsewhere(int sig)
{
	siglongjmp(elsewhere, 1);
}

/* Stores until it has gone elsewhere between the answer and the store. */
static void *store_and_leave(void *arg)
{
	struct install *s = arg;

	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	if (!sigsetjmp(elsewhere, 1))
		set(s->self->pte, s->value);
	/* It has been sent, but may be late. */
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	__atomic_store_n(&s->done, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&s->done, __ATOMIC_SEQ_CST) == 1)
		usleep(100);
	if (s->done == 2)
		set(s->self->pte, s->value);
	return NULL;
}

/* What was allowed, and then not done, is to be asked about again. */
TEST_F(installs, left_undone)
{
	struct sigaction act = { .sa_handler = go_elsewhere };
	__u64 a = self->a | PTE_ALL;
	struct vmmu_trap_record r;
	int trap = trap_create(self->g.vm);
	bool left = false;

	sigaction(SIGUSR1, &act, NULL);
	for (int i = 0; i < 1000 && !left; i++) {
		struct install s = { .self = self, .value = a };

		deliver(self->g.space, STORE, ASK, self->trap);
		ASSERT_EQ(0, pthread_create(&s.thread, NULL, store_and_leave,
					    &s));
		r = record(self->trap);
		answer(self->trap, r.cookie, ALLOW);
		pthread_kill(s.thread, SIGUSR1);
		ASSERT_TRUE(comes_true(__atomic_load_n(&s.done,
						       __ATOMIC_SEQ_CST)));
		left = !load(self->pte);
		deliver(self->g.space, STORE, left ? ASK : NONE, trap);
		__atomic_store_n(&s.done, left ? 2 : 3, __ATOMIC_SEQ_CST);
		if (left) {
			r = record(trap);
			ASSERT_EQ(0, load(self->pte));
			answer(trap, r.cookie, ALLOW);
		}
		pthread_join(s.thread, NULL);
		ASSERT_EQ(a, load(self->pte));
		deliver(self->g.space, STORE, NONE, -1);
		set(self->pte, 0);
	}
	close(trap);
	if (!left)
		SKIP(return, "no signal came in between");
}

static int handled;

static void count_signal(int sig)
{
	__atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

/* A signal ends the wait; a store is made again, a call fails. */
TEST_F(installs, interrupted)
{
	struct sigaction act = { .sa_handler = count_signal };
	__u64 a = self->a | PTE_ALL;
	struct vmmu_trap_record r;
	struct install s;

	sigaction(SIGUSR1, &act, NULL);
	for (int i = 0; i < 2; i++) {
		deliver(self->g.space, ways[i], ASK, self->trap);
		install_start(&s, ways[i], a);
		r = record(self->trap);
		handled = 0;
		pthread_kill(s.thread, SIGUSR1);
		if (ways[i] == STORE) {
			__u64 cookie = r.cookie;

			r = record(self->trap);
			ASSERT_EQ(1, handled);
			ASSERT_NE(cookie, r.cookie);
			err_answer(ENOENT, self->trap, cookie, ALLOW);
			answer(self->trap, r.cookie, ALLOW);
		}
		install_ends(&s);
		ASSERT_EQ(1, handled);
	}
	ASSERT_EQ(a, *self->pte);
	ASSERT_EQ(0, s.touch.sig);

	deliver(self->g.space, STORE, NONE, -1);
	install_start(&s, HYPERCALL, 0);
	r = record(self->trap);
	pthread_kill(s.thread, SIGUSR1);
	install_ends(&s);
	fails_with(EINTR, s.ret);
	ASSERT_EQ(0, s.i.done);
	ASSERT_EQ(a, *self->pte);
}

/* When the monitor goes, installs go on. */
TEST_F(installs, monitor_goes)
{
	__u64 a = self->a | PTE_ALL;

	for (int i = 0; i < 4; i++) {
		int trap = trap_create(self->g.vm);
		struct vmmu_trap_record r;
		struct install s;

		set(self->pte, 0);
		deliver(self->g.space, ways[i % 2], ASK, trap);
		install_start(&s, ways[i % 2], a);
		r = record(trap);
		ASSERT_EQ(0, *self->pte);
		if (i < 2)
			deliver(self->g.space, ways[i % 2], NONE, -1);
		close(trap);
		install_ends(&s);
		ASSERT_EQ(0, s.ret | s.touch.sig);
		ASSERT_EQ(a, *self->pte);
		ASSERT_EQ(NONE, delivery(self->g.space, ways[i % 2]));
		ASSERT_EQ(ways[i % 2], r.kind);
	}
}

TEST_HARNESS_MAIN
