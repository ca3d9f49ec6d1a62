// SPDX-License-Identifier: GPL-2.0
/*
 * Windows while frames are discarded, tables, roots and modes change, and
 * rights are given and taken: through every window that shows them.
 */
#include "vmmu_window_race.h"

#define HOT		4	/* real pages that the discards are about */
#define BATCH		64	/* entries that are stored and put back */

/* Another space, whose table maps the same pages as the first one's. */
static int other;

/* All that show the pages: two addresses of one space, and another space. */
static unsigned char *show_pages(struct worker *w)
{
	struct race *r = w->r;

	switch (dice(&w->seed, 3)) {
	case 0:
		return window_of(r->g.space, 0, HOT);
	case 1:
		return window_of(r->g.space, PAGES * PAGE, HOT);
	default:
		return window_of(other, 0, HOT);
	}
}

static void renew_hot_pages(struct worker *w)
{
	while (running(w)) {
		int first = dice(&w->seed, HOT);

		renew_pages(w, w->r, first, 1 + dice(&w->seed, HOT - first));
	}
}

/* A few windows at a time, so that a page has one owner, or several. */
static void look_through_windows(struct worker *w, bool writes)
{
	struct race *r = w->r;
	int i, n;

	while (running(w)) {
		unsigned char *two[2] = { show_pages(w), show_pages(w) };

		if (!two[0] || !two[1])
			return failed(w, "mmap", errno);
		for (n = 0; n < 50 && running(w); n++) {
			unsigned char *at = two[dice(&w->seed, 2)];

			i = dice(&w->seed, HOT);
			if (writes)
				store(at + i * PAGE + MARK * 8, 1);
			check_page(w, r, at, i);
		}
		munmap(two[0], HOT * PAGE);
		munmap(two[1], HOT * PAGE);
	}
}

static void read_through_windows(struct worker *w)
{
	look_through_windows(w, false);
}

static void write_through_windows(struct worker *w)
{
	look_through_windows(w, true);
}

/* Installs of what is there already but for its marks: prefilled, or zapped. */
static void install_again(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *at = window_of(r->g.space, 0, HOT);

	while (at && running(w)) {
		struct vmmu_install_op ops[HOT] = {};
		struct vmmu_install done;
		int i;

		for (i = 0; i < HOT; i++)
			ops[i] = (struct vmmu_install_op){
				.va = i * PAGE, .level = 1,
				.value = page_ra(r, i) | PTE_ALL | PTE_A |
					 (dice(&w->seed, 2) ? PTE_D : 0),
			};
		if (_install(r->g.space, 0, ops, HOT, NULL, &done))
			failed(w, "install", done.index);
		check_page(w, r, at, dice(&w->seed, HOT));
	}
	munmap(at, HOT * PAGE);
}

static void map_hot_pages(struct guest *g, struct race *r)
{
	int i;

	for (i = 0; i < HOT; i++) {
		guest_map(g, i * PAGE, 1, page_ra(r, i) | PTE_ALL);
		guest_map(g, (PAGES + i) * PAGE, 1, page_ra(r, i) | PTE_ALL);
	}
}

/* A second table of the same VM, and its space in @other. */
#define second_space(of) do {						\
	struct race *__s = (of);					\
	struct guest __g = __s->g;					\
									\
	__g.next += MIB;						\
	__g.root = guest_page(&__g);					\
	map_hot_pages(&__s->g, __s);					\
	map_hot_pages(&__g, __s);					\
	other = space_create(__g.vm, FORMAT4, __g.root, VMMU_MODE_WP);	\
} while (0)

TEST_F(races, discard_against_windows)
{
	second_space(self->r);
	run_workers(self->r, race_ms(),
		    { renew_hot_pages, "pages renewed" },
		    { read_through_windows, "reads through windows" },
		    { audit_windows, "audits" },
		    { write_through_windows, "writes through windows" },
		    { install_again, "reads after installs" });
}

/* What the addresses show: one half of the pages, the other, or nothing. */
enum { FIRST, SECOND, NOTHING };

static struct {
	__u64 tables[2];	/* last-level tables */
	__u64 roots[2];
	unsigned int root, table[2], user;
} now;

static unsigned int shown(void)
{
	return now.user ? NOTHING : now.table[now.root];
}

/* One change of an upper-level entry, of the root or of the mode. */
static void change_something(struct worker *w)
{
	unsigned int what = dice(&w->seed, 3), to = dice(&w->seed, 2);
	struct race *r = w->r;
	struct vmmu_install_op op = {
		.va = 0, .level = 2, .value = now.tables[to],
	};
	struct vmmu_install i;
	int err;

	if (!what)
		now.table[now.root] = to;
	else if (what == 1)
		now.root = to;
	else
		now.user = to;
	begin_change(&r->want[0], shown());
	if (!what)
		err = _install(r->g.space, 0, &op, 1, NULL, &i);
	else if (what == 1)
		err = _set_root(r->g.space, now.roots[to]);
	else
		err = _set_mode(r->g.space, VMMU_MODE_WP |
				(to ? VMMU_MODE_CPL3 : 0), 0, 52);
	end_change(&r->want[0]);
	if (err)
		failed(w, "a change", what);
	w->done++;
	sleep_ms(dice(&w->seed, 3));	/* or nothing ever settles */
}

/* A batch that changes a table, and comes to nothing: no trace of it stays. */
static void change_and_put_back(struct worker *w)
{
	unsigned int is = shown(), to = !now.table[now.root];
	struct vmmu_install_op ops[BATCH + 1];
	struct race *r = w->r;
	struct vmmu_install i;
	int err;

	for (int n = 0; n < BATCH; n++)
		ops[n] = (struct vmmu_install_op){
			.va = 0, .level = 2, .value = now.tables[to],
		};
	/* There is no table for this one. */
	ops[BATCH] = (struct vmmu_install_op){ .va = TIB, .level = 1 };
	begin_change(&r->want[0], now.user ? NOTHING : to);
	err = _install(r->g.space, VMMU_INSTALL_ATOMIC, ops, BATCH + 1, NULL,
		       &i);
	begin_change(&r->want[0], is);
	end_change(&r->want[0]);
	if (err != -ENXIO)
		failed(w, "a batch that must fail", i.index);
	w->done++;
	sleep_ms(dice(&w->seed, 3));
}

static void change_tables(struct worker *w)
{
	while (running(w)) {
		if (dice(&w->seed, 4))
			change_something(w);
		else
			change_and_put_back(w);
	}
}

/* A write that changes nothing. */
static __u64 add_nothing(__u64 *word)
{
	return __atomic_fetch_add(word, 0, __ATOMIC_SEQ_CST);
}

/* A supervisor's pages: another generation in each half. */
static void check_tables(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *at = window_of(r->g.space, 0, HOT);

	while (at && running(w)) {
		__u64 want = load(&r->want[0]), seen = 0, *word;
		int i = dice(&w->seed, HOT);
		unsigned int is, must;
		bool allowed;

		word = (__u64 *)(at + i * PAGE);
		if (dice(&w->seed, 2))
			allowed = guard(seen = load(word));
		else
			allowed = guard(seen = add_nothing(word));
		is = !allowed ? NOTHING : seen == tag_of(r, i, FIRST) ? FIRST :
			       seen == tag_of(r, i, SECOND) ? SECOND : ~0;
		if (is > NOTHING)
			failed(w, "another page", seen);
		if (!settled(&r->want[0], want, &must))
			continue;
		w->done++;
		if (is != must)
			failed(w, "what is shown no more", seen);
	}
	munmap(at, HOT * PAGE);
}

TEST_F(races, tables_against_accesses)
{
	struct race *r = self->r;
	struct guest second = r->g;
	int i, half;

	for (half = 0; half < 2; half++) {
		struct guest *g = half ? &second : &r->g;

		if (half) {
			second.next = r->g.next + MIB;
			second.root = guest_page(&second);
		}
		for (i = 0; i < HOT; i++) {
			guest_map(g, i * PAGE, 1, page_ra(r, half * HOT + i) |
				  PTE_P | PTE_W);
			tag_page(real_words(r, half * HOT + i),
				 tag_of(r, i, half ? SECOND : FIRST));
		}
		now.tables[half] = *guest_slot(g, 0, 2);
		now.roots[half] = g->root;
		now.table[half] = half;
	}
	r->want[0] = FIRST << 8 | FIRST;
	run_workers(r, race_ms(),
		    { change_tables, "changes of tables, roots, modes" },
		    { check_tables, "accesses" },
		    { audit_windows, "audits" });
}

/* Rights of one page, by the guest's table: what each state grants. */
static const struct {
	__u64 bits;
	bool granted[3];	/* READ, WRITE, FETCH */
} grants[] = {
	{ 0, { false, false, false } },
	{ PTE_P, { true, false, true } },
	{ PTE_P | PTE_NX, { true, false, false } },
	{ PTE_P | PTE_W, { true, true, true } },
	{ PTE_P | PTE_W | PTE_NX, { true, true, false } },
};

static void change_rights(struct worker *w)
{
	static const __u64 ad[] = { 0, PTE_A, PTE_A | PTE_D };
	struct race *r = w->r;

	while (running(w)) {
		unsigned int to = dice(&w->seed, ARRAY_SIZE(grants));
		struct vmmu_install_op op = {
			.va = 0, .level = 1,
			.value = page_ra(r, 0) | grants[to].bits |
				 ad[dice(&w->seed, 3)],
		};
		struct vmmu_install i;

		begin_change(&r->want[0], to);
		if (_install(r->g.space, 0, &op, 1, NULL, &i))
			failed(w, "install", i.reason);
		end_change(&r->want[0]);
		w->done++;
		sleep_ms(dice(&w->seed, 3));
	}
}

/* One access, and whether it had to be granted, or refused. */
static void check_right(struct worker *w, unsigned char *at)
{
	struct race *r = w->r;
	__u64 want = load(&r->want[0]);
	unsigned int kind = dice(&w->seed, 3), must;
	bool granted;

	if (kind == READ)
		granted = guard(load(at + 64));
	else if (kind == WRITE)
		granted = guard(store(at + 64, w->done));
	else
		granted = guard(((void (*)(void))at)());
	if (!settled(&r->want[0], want, &must))
		return;
	w->done++;
	if (granted && !grants[must].granted[kind])
		failed(w, "a right that is gone", must * 10 + kind);
	if (!granted && grants[must].granted[kind])
		failed(w, "a right that is missing", must * 10 + kind);
}

static void use_rights(struct worker *w)
{
	unsigned char *at = window_of(w->r->g.space, 0, 1);

	while (at && running(w))
		check_right(w, at);
	munmap(at, PAGE);
}

/* The host's rights are taken and given besides: that adds none. */
static void protect_window(struct worker *w)
{
	unsigned char *at = window_of(w->r->g.space, 0, 1);

	while (at && running(w)) {
		guard(load(at));
		mprotect(at, PAGE, PROT_READ);
		guard(load(at));
		mprotect(at, PAGE, RWX);
		check_right(w, at);
		w->done++;
	}
	munmap(at, PAGE);
}

TEST_F(races, rights_against_accesses)
{
	struct race *r = self->r;

	guest_map(&r->g, 0, 1, 0);
	r->g.mem[page_ra(r, 0)] = 0xc3;	/* ret */
	run_workers(r, race_ms(),
		    { change_rights, "changes of rights" },
		    { use_rights, "accesses" },
		    { protect_window, "mprotect()s, and accesses" },
		    { audit_windows, "audits" });
}

TEST_HARNESS_MAIN
