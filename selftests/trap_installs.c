// SPDX-License-Identifier: GPL-2.0
/*
 * Installs as records: what a monitor is told, however an install comes, and what
 * becomes of one that it is asked about.
 */
#include "vmmu_trap.h"
#include "vmmu_trapping.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)

#define HYPERCALL	VMMU_TRAP_HYPERCALL
#define STORE		VMMU_TRAP_STORE
#define REREAD		VMMU_TRAP_REREAD
#define DISCARDED	VMMU_TRAP_DISCARD
#define NOTIFY		VMMU_DELIVER_NOTIFY
#define ASK		VMMU_DELIVER_ASK
#define NONE		VMMU_DELIVER_NONE

#define ALLOW		VMMU_VERDICT_ALLOW
#define DENY		VMMU_VERDICT_DENY
#define REWRITE		VMMU_VERDICT_REWRITE

/*
 * @trap: where records of the guest's installs go
 * @pte: the entry for VA, at real address @entry
 * @w: a window onto VA
 */
FIXTURE(installs) {
	struct guest g;
	int trap;
	__u64 a, b, entry;
	__u64 *pte;
	unsigned char *w;
};

FIXTURE_SETUP(installs)
{
	struct guest *g = &self->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(g, dev, 4 * MIB, FORMAT4, BITS);
	self->a = g->data;
	self->b = g->data + PAGE;
	store(g->mem + self->a, 0xaaaa);
	store(g->mem + self->b, 0xbbbb);
	self->pte = guest_slot(g, VA, 1);
	self->entry = (unsigned char *)self->pte - g->mem;
	guest_traps(g, BITS);
	self->trap = trap_create(g->vm);
	self->w = window(g->space, VA, 4 * PAGE);
	touch_signals();
}

FIXTURE_TEARDOWN(installs)
{
	struct vmmu_trap_info i;

	ASSERT_EQ(0, _trap_info(self->trap, &i));
	ASSERT_EQ(0, i.waiting);
	close(self->trap);
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* A record of an install of the entry for VA by this process's main thread. */
#define tells(r, how, was, is) do {					\
	struct vmmu_trap_record *__w = (r);				\
	__u64 __is = (is), __ra = __is & PTE_ADDRESS;			\
									\
	ASSERT_EQ((how), __w->kind);					\
	ASSERT_EQ(space_info(self->g.space).id, __w->space);		\
	ASSERT_EQ(VA, __w->va);						\
	ASSERT_EQ(1, __w->level);					\
	ASSERT_EQ(self->entry, __w->entry);				\
	ASSERT_EQ((was), __w->old);					\
	ASSERT_EQ(__is, __w->new);					\
	ASSERT_EQ(__is & PTE_P ? VMMU_OUTCOME_PAGE :			\
		  VMMU_OUTCOME_CLEARED, __w->outcome);			\
	ASSERT_EQ(__is & PTE_P ? __ra : 0, __w->ra);			\
	ASSERT_EQ(__is & PTE_P ? pagemap_frame(self->g.mem + __ra) : 0,	\
		  __w->frame);						\
	ASSERT_EQ(0, __w->access | __w->error_code | __w->reason);	\
	ASSERT_EQ(0, __w->reserved);					\
} while (0)

static void set(void *at, __u64 value)
{
	__atomic_store_n((__u64 *)at, value, __ATOMIC_RELAXED);
}

TEST_F(installs, told_of_stores)
{
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_ALL;
	struct vmmu_trap_record r, next;

	deliver(self->g.space, STORE, NOTIFY, self->trap);
	ASSERT_EQ(NOTIFY, delivery(self->g.space, STORE));
	ASSERT_EQ(NONE, delivery(self->g.space, HYPERCALL));
	set(self->pte, a);
	r = record(self->trap);
	tells(&r, STORE, 0, a);
	ASSERT_EQ(0, r.flags);
	ASSERT_EQ(syscall(SYS_gettid), r.tid);

	/* Neither Accessed and Dirty, nor an entry that is not present. */
	ASSERT_EQ(0, access_write(self->w, 1));
	set(self->pte, b);
	next = record(self->trap);
	tells(&next, STORE, a | PTE_A | PTE_D, b);
	ASSERT_LT(r.cookie, next.cookie);
	set(self->pte, b | PTE_A);
	set(self->pte, 0);
	r = record(self->trap);
	tells(&r, STORE, b | PTE_A, 0);
	set(self->pte, 0x1234 << 12);
	set(self->pte, a);
	r = record(self->trap);
	tells(&r, STORE, 0x1234 << 12, a);

	deliver(self->g.space, STORE, NONE, -1);
	set(self->pte, b);
	ASSERT_EQ(trap_info(self->trap).made, trap_info(self->trap).read);
	ASSERT_EQ(5, ledger(self->g.space).by_store - 2);
	ASSERT_EQ(4, ledger(self->g.space).records);
}

TEST_F(installs, told_of_all_kinds)
{
	struct guest *g = &self->g;
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_ALL;
	struct vmmu_install_op ops[2] = {
		{ .va = VA, .value = b, .level = 1 },
		{ .va = VA, .value = a, .level = 9 },
	};
	struct vmmu_trap_record r;
	struct vmmu_install i;

	for (__u32 kind = HYPERCALL; kind <= DISCARDED; kind++)
		deliver(g->space, kind, NOTIFY, self->trap);
	install_one(g->space, VA, 1, a);
	r = record(self->trap);
	tells(&r, HYPERCALL, 0, a);

	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_ATOMIC, ops, 2, NULL,
				    &i));
	r = record(self->trap);
	tells(&r, HYPERCALL, a, b);
	ASSERT_EQ(0, r.flags);
	r = record(self->trap);
	tells(&r, HYPERCALL, b, a);
	ASSERT_EQ(VMMU_TRAP_ROLLBACK, r.flags);

	((volatile __u8 *)self->pte)[1] ^= PAGE >> 8;
	ASSERT_EQ(trap_info(self->trap).made, trap_info(self->trap).read);
	ASSERT_EQ(0xbbbb, load(self->w));
	r = record(self->trap);
	tells(&r, REREAD, a, b);

	discard(g->vm, self->entry & ~(PAGE - 1), PAGE);
	r = record(self->trap);
	tells(&r, DISCARDED, b | PTE_A, 0);
	balanced(self->trap, 0);
	ASSERT_EQ(2, ledger(g->space).by_hypercall);
	ASSERT_EQ(1, ledger(g->space).by_rollback);
	ASSERT_EQ(1, ledger(g->space).by_reread);
	ASSERT_EQ(1, ledger(g->space).by_discard);
	ASSERT_EQ(1, ledger(g->space).opens);
	ASSERT_EQ(1, ledger(g->space).closes);
}

/* An address anywhere in what the entry maps names it. */
TEST_F(installs, named_within)
{
	struct guest *g = &self->g;
	__u64 *pde = guest_slot(g, VA, 2), table = *pde;
	struct vmmu_trap_record r;

	deliver(g->space, HYPERCALL, NOTIFY, self->trap);
	install_one(g->space, VA + 0x123, 1, self->a | PTE_ALL);
	r = record(self->trap);
	tells(&r, HYPERCALL, 0, self->a | PTE_ALL);
	ASSERT_EQ(0, r.flags);
	for (int i = 0; i < 2; i++) {
		install_one(g->space, VA + PAGE + 1, 2, i ? table : 0);
		r = record(self->trap);
		ASSERT_EQ(VA, r.va);
		ASSERT_EQ(2, r.level);
		ASSERT_EQ(0, r.flags);
	}
}

/* Nobody reads: what there is room for is kept, in order, and the rest counted. */
TEST_F(installs, overflow)
{
	struct vmmu_trap_record *r = calloc(4096, sizeof(*r));
	struct vmmu_trap_info i;
	ssize_t nr;

	ASSERT_NE(NULL, r);
	deliver(self->g.space, STORE, NOTIFY, self->trap);
	for (int n = 1; n <= 4096; n++)
		set(self->pte + n % 512, ((__u64)n << 40) | PTE_P);
	i = trap_info(self->trap);
	ASSERT_EQ(4096, i.made);
	ASSERT_LT(0, i.overflowed);
	nr = read(self->trap, r, 4096 * sizeof(*r)) / sizeof(*r);
	ASSERT_EQ(4096 - i.overflowed, nr);
	for (int n = 0; n < nr; n++) {
		ASSERT_EQ(((__u64)(n + 1) << 40) | PTE_P, r[n].new);
		if (n)
			ASSERT_EQ(r[n - 1].cookie + 1, r[n].cookie);
	}
	set(self->pte, PTE_P);
	ASSERT_EQ(1, read(self->trap, r, 4096 * sizeof(*r)) / sizeof(*r));
	i = trap_info(self->trap);
	ASSERT_EQ(i.made, i.read + i.overflowed);
	free(r);
}

/* A monitor of one space is not told of another's tables. */
TEST_F(installs, told_of_no_other)
{
	struct guest *g = &self->g;
	__u64 root = guest_page(g), table = guest_page(g);
	__u64 *entry = guest_entry(g, root, 5);
	int other = trapping_space(g->vm, FORMAT4, root, BITS);
	struct vmmu_trap_record r;

	deliver(g->space, STORE, NOTIFY, self->trap);
	set(entry, table | PTE_ALL);
	ASSERT_EQ(1, ledger(other).by_store);
	ASSERT_EQ(0, trap_info(self->trap).made);
	set(self->pte, self->a | PTE_ALL);
	r = record(self->trap);
	tells(&r, STORE, 0, self->a | PTE_ALL);
	close(other);
}

/* A record that could not be written to the reader's memory is read the next time. */
TEST_F(installs, read_into_nothing)
{
	unsigned char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmmu_trap_record r, *room;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_NONE));
	deliver(self->g.space, STORE, NOTIFY, self->trap);
	for (__u64 n = 1; n <= 3; n++)
		set(self->pte + n, n << 40 | PTE_P);

	ASSERT_EQ(-1, read(self->trap, pages + PAGE, 3 * sizeof(r)));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(0, trap_info(self->trap).read);
	/* Room for one and a half. */
	room = (void *)(pages + PAGE - sizeof(r) - sizeof(r) / 2);
	ASSERT_EQ(sizeof(r), read(self->trap, room, 3 * sizeof(r)));
	ASSERT_EQ(1ULL << 40 | PTE_P, room->new);
	for (__u64 n = 2; n <= 3; n++) {
		r = record(self->trap);
		ASSERT_EQ(n << 40 | PTE_P, r.new);
	}
	balanced(self->trap, 0);
	munmap(pages, 2 * PAGE);
}

TEST_F(installs, frames_are_hidden)
{
	struct vmmu_trap_record r;
	pid_t pid;

	deliver(self->g.space, STORE, NOTIFY, self->trap);
	set(self->pte, self->a | PTE_ALL);
	pid = fork();
	if (!pid) {
		if (setuid(NOBODY))
			_exit(1);
		CHILD_CHECK(!_record(self->trap, &r));
		CHILD_CHECK(r.flags == VMMU_TRAP_FRAME_HIDDEN && !r.frame);
		CHILD_CHECK(r.ra == self->a);
		_exit(0);
	}
	ASSERT_EQ(0, child_wait(pid));
}

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

/* By the address of the entry: in a table that no one address names. */
TEST_F(installs, by_real_address)
{
	struct guest *g = &self->g;
	struct vmmu_install_op op = {
		.va = self->entry, .value = self->a | PTE_ALL,
	};
	struct vmmu_trap_record r;
	struct vmmu_install i;

	deliver(g->space, HYPERCALL, NOTIFY, self->trap);
	ASSERT_EQ(0, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL, &i));
	r = record(self->trap);
	tells(&r, HYPERCALL, 0, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(self->w));
	op.value = self->b | PTE_ALL;
	ASSERT_EQ(0, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL, &i));
	ASSERT_EQ(0xbbbb, load(self->w));

	op.va = self->a;
	fails_with(ENXIO, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				   &i));
	ASSERT_EQ(VMMU_REASON_NOT_A_TABLE, i.reason);
	op.va = self->entry + 4;
	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				    &i));
	op.va = g->bytes;
	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				    &i));
	op = (struct vmmu_install_op){ .va = self->entry, .level = 1 };
	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				    &i));
}

TEST_F(installs, refused_deliveries)
{
	int space = self->g.space;
	__u32 d;

	for (__u32 kind = 0; kind <= DISCARDED + 1; kind++) {
		for (__u32 how = 0; how <= ASK + 1; how++) {
			bool fault = kind <= VMMU_TRAP_FAULT;
			bool right = fault ? how <= VMMU_DELIVER_RECORD :
				     kind <= STORE ? how >= NONE && how <= ASK :
				     kind <= DISCARDED &&
				     (how == NONE || how == NOTIFY);

			if (right) {
				deliver(space, kind, how, self->trap);
				continue;
			}
			fails_with(EINVAL, _deliver(space, kind, how,
						    self->trap));
		}
		d = kind && kind <= DISCARDED ? 0 : EINVAL;
		fails_with(d, _delivery(space, kind, &d));
	}
	fails_with(EBADF, _deliver(space, STORE, NOTIFY, space));
	fails_with(EBADF, _deliver(space, STORE, ASK, -1));
}

TEST_HARNESS_MAIN
