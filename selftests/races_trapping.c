// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables that trap, while everybody stores to them: each virtual page has
 * an owner, who has it show ever new real pages, and by a way of its own: stores
 * that are known and that are not, through real memory and through windows, the
 * kernel's, and calls. Nobody invalidates. What a window shows is no page that an
 * owner had replaced before.
 */
#include "vmmu_window_race.h"
#include "vmmu_trap_calls.h"
#include "vmmu_trapping.h"

#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define OWNED	8	/* virtual pages: half of them below each of two tables */
#define HALF	(OWNED / 2)
#define TURNS	4	/* real pages that take turns as one of them */

/*
 * @slots: the entries of the virtual pages, and
 * @by_window: in a window that shows the tables
 * @tables: the two tables
 * @space: a TRAPPING space that stays, or -1
 * @generation: of each virtual page
 * @turn: which of its real pages is next, and
 * @marks: what writers had left in each when it was replaced
 */
static struct {
	__u64 *slots[OWNED], *by_window[OWNED];
	__u64 tables[2];
	int space;
	__u64 generation[OWNED];
	unsigned int turn[OWNED];
	__u64 marks[OWNED][TURNS];
} own;

/* The virtual address of a virtual page: in the order of the tables' entries. */
static __u64 va_of(int v)
{
	return v / HALF * 2 * MIB + v * PAGE;
}

static unsigned int real_page_of(int v, unsigned int turn)
{
	return v * TURNS + turn % TURNS;
}

/* All of it in one window, where the page @v is at va_of(v). */
static unsigned char *whole_window(int space)
{
	return window_of(space, 0, 1024);
}

static void check_owned(struct worker *w, const unsigned char *window, int v)
{
	check_window(w, w->r, window + v / HALF * 2 * MIB, v);
}

/* Eight bytes at once, by an instruction that is not known. */
static void put_unknown(void *at, __u64 value)
{
	asm volatile("movq %0, %%xmm0\n\tmovq %%xmm0, (%1)"
		     : : "r" (value), "r" (at) : "xmm0", "memory");
}

static void put_known(void *at, __u64 value)
{
	__atomic_store_n((__u64 *)at, value, __ATOMIC_RELAXED);
}

/* The kernel may copy byte by byte: so that which says P comes last. */
static void put_by_kernel(void *at, __u64 value)
{
	static int pipes[2] = { -1, -1 };
	char *byte = at, zero = 0;

	if ((pipes[0] < 0 && pipe2(pipes, O_CLOEXEC)) ||
	    write(pipes[1], &zero, 1) != 1 || read(pipes[0], byte, 1) != 1 ||
	    write(pipes[1], (char *)&value + 1, 7) != 7 ||
	    read(pipes[0], byte + 1, 7) != 7 ||
	    write(pipes[1], &value, 1) != 1 || read(pipes[0], byte, 1) != 1)
		perror("# put_by_kernel");
}

/* The owner of @v: what it shows no more is the owner's own again. */
static void renew(struct worker *w, int v, void *at,
		  void (*put)(void *at, __u64 value))
{
	static const __u64 ad[] = { 0, PTE_A, PTE_A | PTE_D };
	unsigned int now = own.turn[v]++ % TURNS, next = (now + 1) % TURNS;
	__u64 *page = real_words(w->r, real_page_of(v, next));
	__u64 entry = page_ra(w->r, real_page_of(v, next)) | PTE_ALL;

	if (load(page + MARK) != own.marks[v][next])
		failed(w, "a write to a page that is gone", load(page + MARK));
	tag_page(page, tag_of(w->r, v, ++own.generation[v]));
	entry |= ad[dice(&w->seed, 3)];
	if (put) {
		put(at, entry);
	} else {
		struct vmmu_install_op op = {
			.va = va_of(v), .level = 1, .value = entry,
		};
		struct vmmu_install i;

		if (_install(own.space, 0, &op, 1, NULL, &i))
			failed(w, "install", i.index);
	}
	store(&w->r->floor[v], own.generation[v]);
	page = real_words(w->r, real_page_of(v, now));
	own.marks[v][now] = load(page + MARK);
	w->done++;
}

static void store_known(struct worker *w)
{
	while (running(w)) {
		int v = dice(&w->seed, 2) * HALF;

		renew(w, v, own.slots[v], put_known);
	}
}

static void store_unknown(struct worker *w)
{
	while (running(w)) {
		int v = 1 + dice(&w->seed, 2) * HALF;

		renew(w, v, own.slots[v], put_unknown);
		if (!dice(&w->seed, 4))
			sched_yield();
	}
}

/* Both, through a window that shows the table; which is gone for a moment. */
static void store_by_window(struct worker *w)
{
	while (running(w)) {
		int v = 2 + dice(&w->seed, 2) * HALF;

		renew(w, v, own.by_window[v],
		      dice(&w->seed, 2) ? put_known : put_unknown);
	}
}

static void store_by_kernel(struct worker *w)
{
	int v = OWNED - 1;

	while (running(w)) {
		renew(w, v, own.slots[v], put_by_kernel);
		if (dice(&w->seed, 4))
			sched_yield();
	}
}

static void install_entries(struct worker *w)
{
	while (running(w)) {
		renew(w, HALF - 1, NULL, NULL);
		sched_yield();
	}
}

/* Look through a window of the space that stays, and write through it. */
static void use_window(struct worker *w)
{
	unsigned char *at = whole_window(own.space);

	while (at && running(w)) {
		int v = dice(&w->seed, OWNED);

		check_owned(w, at, v);
		if (!dice(&w->seed, 4))
			guard(store(at + va_of(v) + MARK * 8, w->done));
		check_owned(w, at, v);
	}
	munmap(at, 1024 * PAGE);
}

/* TRAPPING spaces come and go; what they show while they are there is right. */
static void register_spaces(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_space_create c;
	unsigned char *at;

	while (running(w)) {
		if (_trapping_space(r->g.vm, FORMAT4, r->g.root, BITS, &c))
			return failed(w, "space", errno);
		at = whole_window(c.fd);
		if (dice(&w->seed, 2))
			_set_root(c.fd, r->g.root);
		close(c.fd);
		for (int i = dice(&w->seed, 64); at && i; i--)
			check_owned(w, at, dice(&w->seed, OWNED));
		munmap(at, 1024 * PAGE);
	}
}

/* The first table's page is taken away now and then: all is unmapped. */
static void discard_table(struct worker *w)
{
	__u64 done;

	while (running(w)) {
		if (_range(w->r->g.vm, VMMU_IOC_DISCARD, own.tables[0], PAGE,
			   &done))
			failed(w, "discard", done);
		w->done++;
		sleep_ms(1 + dice(&w->seed, 4));
	}
}

/* Children look, too, through a window that they inherit. */
static void fork_children(struct worker *w)
{
	unsigned char *at = whole_window(own.space);

	while (at && running(w)) {
		pid_t pid = fork();

		if (!pid) {
			w->wrong = 0;
			for (int i = 0; i < 100; i++)
				check_owned(w, at, dice(&w->seed, OWNED));
			_exit(!!w->wrong);
		}
		if (pid < 0 || child_wait(pid))
			failed(w, "a child", pid);
		w->done++;
	}
	munmap(at, 1024 * PAGE);
}

/* Host PTEs of real memory come and go, so that stores fault in many ways. */
static void change_mappings(struct worker *w)
{
	unsigned char *mem = w->r->g.mem;

	while (running(w)) {
		unsigned char *page = mem + own.tables[dice(&w->seed, 2)];

		switch (dice(&w->seed, 3)) {
		case 0:
			madvise(page, PAGE, MADV_DONTNEED);
			break;
		case 1:
			load(page);
			break;
		default:
			mprotect(page, PAGE, PROT_READ | PROT_WRITE |
				 (dice(&w->seed, 2) ? PROT_EXEC : 0));
		}
		w->done++;
	}
}

/* Monitors that are told or asked of installs, answer perhaps, and go. */
static void come_and_go(struct worker *w)
{
	struct vmmu_trap_record r;
	struct vmmu_trap_create c;

	while (running(w)) {
		if (_trap_create(w->r->g.vm, &c)) {
			failed(w, "trap create", errno);
			break;
		}
		fcntl(c.fd, F_SETFL, O_RDWR | O_NONBLOCK);
		for (__u32 kind = VMMU_TRAP_HYPERCALL;
		     kind <= VMMU_TRAP_DISCARD; kind++) {
			bool asks = kind <= VMMU_TRAP_STORE &&
				    dice(&w->seed, 2);

			if (_deliver(own.space, kind, asks ? VMMU_DELIVER_ASK :
				     VMMU_DELIVER_NOTIFY, c.fd))
				failed(w, "deliver", errno);
		}
		for (int i = dice(&w->seed, 4); i; i--) {
			usleep(dice(&w->seed, 400));
			if (read(c.fd, &r, sizeof(r)) == sizeof(r) &&
			    r.flags & VMMU_TRAP_WAITS)
				_answer(c.fd, r.cookie, VMMU_VERDICT_ALLOW);
		}
		close(c.fd);
		w->done++;
	}
}

/* Each virtual page shows a page of its own; its tables trap, or will. */
#define owners_start(of, stays) do {					\
	struct race *__o = (of);					\
	int __v;							\
									\
	for (__v = 0; __v < OWNED; __v++) {				\
		own.slots[__v] = guest_slot(&__o->g, va_of(__v), 1);	\
		own.tables[__v / HALF] = ((unsigned char *)		\
			own.slots[__v] - __o->g.mem) & ~(PAGE - 1);	\
		tag_page(real_words(__o, real_page_of(__v, 0)),		\
			 tag_of(__o, __v, ++own.generation[__v]));	\
		store(own.slots[__v], PTE_ALL |				\
		      page_ra(__o, real_page_of(__v, 0)));		\
	}								\
	own.space = (stays) ? trapping_space(__o->g.vm, FORMAT4,	\
					     __o->g.root, BITS) : -1;	\
	windows_of_tables(__o);						\
} while (0)

/* Windows by which stores go: of a LAZY space whose pages are the tables. */
static void windows_of_tables(struct race *r)
{
	__u64 was = r->g.root;
	struct vmmu_space_create c;
	unsigned char *at;

	r->g.root = guest_page(&r->g);
	for (int i = 0; i < 2; i++)
		guest_map(&r->g, i * PAGE, 1, own.tables[i] | PTE_ALL);
	if (_space_create(r->g.vm, FORMAT4, r->g.root, MODE(BITS), &c))
		return;
	at = window_of(c.fd, 0, 2);
	close(c.fd);
	r->g.root = was;
	for (int v = 0; v < OWNED; v++)
		own.by_window[v] = (__u64 *)(at + v / HALF * PAGE) +
				   index_at(va_of(v), 1);
}

/* All has settled: the windows, the table and the tables' state agree. */
#define settled_down(of) do {						\
	struct race *__r = (of);					\
	int __v, __vm = __r->g.vm;					\
	int __s = trapping_space(__vm, FORMAT4, __r->g.root, BITS);	\
	unsigned char *__at = whole_window(__s);			\
	struct vmmu_translation __t;					\
									\
	for (__v = 0; __v < OWNED; __v++)				\
		renew(&(struct worker){ .r = __r, .what = "the end" },	\
		      __v, own.slots[__v], put_known);			\
	for (__v = 0; __v < OWNED; __v++) {				\
		__t = translate(__s, 0, READ, va_of(__v));		\
		ASSERT_EQ(*own.slots[__v] & PTE_ADDRESS, __t.ra);	\
		ASSERT_EQ(tag_of(__r, __v, own.generation[__v]),	\
			  load(__at + va_of(__v)));			\
	}								\
	audit_clean(__vm);						\
	for (__v = 0; __v < 2; __v++) {					\
		ASSERT_EQ(CLOSED, real_flags(__vm, own.tables[__v]));	\
	}								\
	ASSERT_EQ(CLOSED, real_flags(__vm, __r->g.root));		\
	munmap(__at, 1024 * PAGE);					\
	close(__s);							\
	if (own.space >= 0)						\
		close(own.space);					\
	for (__v = 0; __v < 2; __v++) {					\
		ASSERT_EQ(DATA, real_flags(__vm, own.tables[__v]));	\
	}								\
	ASSERT_EQ(DATA, real_flags(__vm, __r->g.root));			\
} while (0)

TEST_F(races, known_stores_against_windows)
{
	owners_start(self->r, true);
	run_workers(self->r, race_ms(),
		    { store_known, "known stores" },
		    { use_window, "accesses through a window" },
		    { install_entries, "installs" });
	settled_down(self->r);
}

TEST_F(races, unknown_stores_against_windows)
{
	owners_start(self->r, true);
	run_workers(self->r, race_ms(),
		    { store_unknown, "unknown stores" },
		    { use_window, "accesses through a window" });
	settled_down(self->r);
}

TEST_F(races, stores_against_windows)
{
	owners_start(self->r, true);
	run_workers(self->r, race_ms(),
		    { store_known, "known stores" },
		    { use_window, "accesses through a window" },
		    { store_unknown, "unknown stores" },
		    { store_by_window, "stores by windows" },
		    { store_by_kernel, "the kernel's stores" });
	settled_down(self->r);
}

TEST_F(races, stores_against_registration)
{
	owners_start(self->r, false);
	run_workers(self->r, race_ms(),
		    { store_known, "known stores" },
		    { register_spaces, "reads while spaces come and go" },
		    { store_unknown, "unknown stores" },
		    { store_by_kernel, "the kernel's stores" });
	settled_down(self->r);
}

TEST_F(races, stores_against_mappings)
{
	owners_start(self->r, true);
	run_workers(self->r, race_ms(),
		    { store_known, "known stores" },
		    { change_mappings, "changes of mappings" },
		    { store_unknown, "unknown stores" },
		    { use_window, "accesses through a window" });
	settled_down(self->r);
}

TEST_F(races, stores_against_monitors)
{
	owners_start(self->r, true);
	run_workers(self->r, race_ms(),
		    { store_known, "known stores" },
		    { store_unknown, "unknown stores" },
		    { install_entries, "installs" },
		    { come_and_go, "monitors" });
	settled_down(self->r);
}

TEST_F(races, stores_against_everything)
{
	owners_start(self->r, true);
	run_workers(self->r, race_ms(),
		    { store_known, "known stores" },
		    { store_unknown, "unknown stores" },
		    { use_window, "accesses through a window" },
		    { store_by_window, "stores by windows" },
		    { install_entries, "installs" },
		    { register_spaces, "reads while spaces come and go" },
		    { discard_table, "tables discarded" },
		    { fork_children, "children" },
		    { store_by_kernel, "the kernel's stores" });
	settled_down(self->r);
}

TEST_HARNESS_MAIN
