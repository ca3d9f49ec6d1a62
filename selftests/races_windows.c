// SPDX-License-Identifier: GPL-2.0
/*
 * Windows while what they show changes: an access that begins after the call
 * that took a page away has returned must find the page's successor. An owner
 * has a few virtual pages show ever new real pages, by all the ways that there
 * are; others read and write through windows of two spaces with one root, of
 * which some come and go.
 */
#include "vmmu_window_race.h"

#define VIRTUAL		4	/* virtual pages */
#define TURNS		12	/* real pages that take turns as these */
#define OTHERS		16	/* from here on, pages that are discarded */

/*
 * @peer: another space with the same root
 * @slots: the last-level entries of the virtual pages
 * @shows: the real page of each
 * @next: the real pages that none shows, in the order of their use
 * @marks: what writers had left in each of those when it was taken away
 */
static struct {
	int peer;
	__u64 *slots[VIRTUAL];
	unsigned int shows[VIRTUAL], next[TURNS - VIRTUAL];
	__u64 marks[TURNS];
} own;

/* Entries are with and without Accessed and Dirty, and so prefilled or not. */
static __u64 entry_for(struct worker *w, unsigned int page)
{
	static const __u64 ad[] = { 0, PTE_A, PTE_A | PTE_D };

	return page_ra(w->r, page) | PTE_ALL | ad[dice(&w->seed, 3)];
}

/* Change an entry by a call, or by one that clears it and one that fills it. */
static void by_install(struct worker *w, unsigned int v, __u64 entry)
{
	struct race *r = w->r;
	struct vmmu_install_op ops[2] = {
		{ .va = v * PAGE, .level = 1 },
		{ .va = v * PAGE, .level = 1, .value = entry },
	};
	unsigned int first = !!dice(&w->seed, 3);
	int space = dice(&w->seed, 2) ? r->g.space : own.peer;
	struct vmmu_install i;

	if (_install(space, 0, ops + first, 2 - first, NULL, &i))
		failed(w, "install", i.index);
}

/* Change it by a store, and invalidate it, and it alone or among others. */
static void by_invalidate(struct worker *w, unsigned int v, __u64 entry)
{
	int spaces[2] = { w->r->g.space, own.peer }, i;
	__u64 va = 0, bytes = 0, flags = VMMU_INVALIDATE_ALL;

	if (dice(&w->seed, 4)) {
		va = v * PAGE + dice(&w->seed, PAGE);
		bytes = dice(&w->seed, 2) ? 1 : PAGES * PAGE;
		flags = 0;
	}
	store(own.slots[v], entry);
	for (i = 0; i < 2; i++)
		if (_invalidate(spaces[i], flags, va, bytes))
			failed(w, "invalidate", va);
}

/* The owner: what no page shows any more is its own again, and stays so. */
static void renew_virtual(struct worker *w, unsigned int v,
			  void (*change)(struct worker *w, unsigned int v,
					 __u64 entry))
{
	struct race *r = w->r;
	unsigned int old = own.shows[v], new = own.next[0];
	__u64 generation = ++r->generation, *page = real_words(r, new);

	if (load(page + MARK) != own.marks[new])
		failed(w, "a write to a page that is gone", load(page + MARK));
	tag_page(page, tag_of(r, v, generation));
	change(w, v, entry_for(w, new));
	store(&r->floor[v], generation);
	own.shows[v] = new;
	memmove(own.next, own.next + 1, sizeof(own.next) - sizeof(*own.next));
	own.next[ARRAY_SIZE(own.next) - 1] = old;
	own.marks[old] = load(real_words(r, old) + MARK);
	w->done++;
}

static void remap_pages(struct worker *w)
{
	while (running(w))
		renew_virtual(w, dice(&w->seed, VIRTUAL), by_install);
}

static void invalidate_pages(struct worker *w)
{
	while (running(w))
		renew_virtual(w, dice(&w->seed, VIRTUAL), by_invalidate);
}

static void read_windows(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *windows[2] = {
		window_of(r->g.space, 0, VIRTUAL),
		window_of(own.peer, 0, VIRTUAL),
	};

	if (!windows[0] || !windows[1])
		return failed(w, "mmap", errno);
	while (running(w))
		check_window(w, r, windows[dice(&w->seed, 2)],
			     dice(&w->seed, VIRTUAL));
	munmap(windows[0], VIRTUAL * PAGE);
	munmap(windows[1], VIRTUAL * PAGE);
}

static void write_windows(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *at = window_of(r->g.space, 0, VIRTUAL);

	while (at && running(w)) {
		int v = dice(&w->seed, VIRTUAL);

		/* Mostly a read comes first, and the write is an upgrade. */
		if (dice(&w->seed, 4))
			check_window(w, r, at, v);
		guard(store(at + v * PAGE + MARK * 8, w->done++));
		check_window(w, r, at, v);
	}
	munmap(at, VIRTUAL * PAGE);
}

/* A window is made, protected, opened again, moved, cut up, and removed. */
static void change_windows(struct worker *w)
{
	const size_t bytes = VIRTUAL * PAGE;

	while (running(w)) {
		struct race *r = w->r;
		unsigned char *at = window_of(r->g.space, 0, VIRTUAL), *to;
		int v = dice(&w->seed, VIRTUAL - 1);

		to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
		if (!at || to == MAP_FAILED)
			return failed(w, "mmap", errno);
		check_window(w, r, at, v);
		mprotect(at, bytes, PROT_READ);
		check_window(w, r, at, v);
		mprotect(at, bytes, RWX);
		guard(store(at + v * PAGE + MARK * 8, w->done));
		check_window(w, r, at, v);
		if (mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to) != to)
			return failed(w, "mremap", errno);
		check_window(w, r, to, v);
		/* From here on there are several mappings. */
		mprotect(to + v * PAGE, PAGE, PROT_READ);
		check_window(w, r, to, v);
		munmap(to + v * PAGE, PAGE);
		check_window(w, r, to, VIRTUAL - 1);
		munmap(to, bytes);
	}
}

/* Spaces with the same root come and go, with windows that outlive the file. */
static void change_spaces(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_space_create c;
	unsigned char *at;
	int v;

	while (running(w)) {
		if (_space_create(r->g.vm, FORMAT4, r->g.root, MODE(0), &c))
			return failed(w, "space", errno);
		at = window_of(c.fd, 0, VIRTUAL);
		if (dice(&w->seed, 2))
			_set_root(c.fd, r->g.root);
		close(c.fd);
		for (v = 0; at && v < VIRTUAL; v++)
			check_window(w, r, at, v);
		munmap(at, VIRTUAL * PAGE);
	}
}

/* A child has the same windows, and new ones of its own. */
static void fork_children(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *at = window_of(r->g.space, 0, VIRTUAL);
	int i;

	while (at && running(w)) {
		pid_t pid;

		check_window(w, r, at, dice(&w->seed, VIRTUAL));
		pid = fork();
		if (!pid) {
			unsigned char *its = window_of(own.peer, 0, VIRTUAL);

			w->wrong = 0;
			for (i = 0; i < 100; i++)
				check_window(w, r, i & 1 ? at : its,
					     dice(&w->seed, VIRTUAL));
			_exit(!!w->wrong);
		}
		if (pid < 0 || child_wait(pid))
			failed(w, "a child", pid);
		w->done++;
	}
	munmap(at, VIRTUAL * PAGE);
}

/* Discards beside all that: of pages that a window shows, too. */
static void discard_others(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *at = window_of(r->g.space, OTHERS * PAGE, 4);

	while (at && running(w)) {
		int i = OTHERS + dice(&w->seed, 4);

		renew_pages(w, r, i, 1);
		check_page(w, r, at - OTHERS * PAGE, i);
	}
	munmap(at, 4 * PAGE);
}

/* Every virtual page shows a page of generation 1; the others are mapped. */
#define owner_starts(of) do {						\
	struct race *__o = (of);					\
	unsigned int __v;						\
									\
	own.peer = space_create(__o->g.vm, FORMAT4, __o->g.root,	\
				VMMU_MODE_WP | VMMU_MODE_NXE);		\
	for (__v = 0; __v < VIRTUAL; __v++) {				\
		tag_page(real_words(__o, __v),				\
			 tag_of(__o, __v, ++__o->generation));		\
		guest_map(&__o->g, __v * PAGE, 1,			\
			  page_ra(__o, __v) | PTE_ALL);			\
		own.slots[__v] = guest_slot(&__o->g, __v * PAGE, 1);	\
		own.shows[__v] = __v;					\
	}								\
	for (; __v < TURNS; __v++)					\
		own.next[__v - VIRTUAL] = __v;				\
	for (__v = OTHERS; __v < OTHERS + 4; __v++)			\
		guest_map(&__o->g, __v * PAGE, 1,			\
			  page_ra(__o, __v) | PTE_ALL);			\
} while (0)

TEST_F(races, remap_against_reads)
{
	owner_starts(self->r);
	run_workers(self->r, race_ms(),
		    { remap_pages, "virtual pages remapped" },
		    { read_windows, "reads through windows" });
}

TEST_F(races, remap_against_writes)
{
	owner_starts(self->r);
	run_workers(self->r, race_ms(),
		    { remap_pages, "virtual pages remapped" },
		    { write_windows, "writes through windows" });
}

TEST_F(races, invalidate_against_accesses)
{
	owner_starts(self->r);
	run_workers(self->r, race_ms(),
		    { invalidate_pages, "virtual pages invalidated" },
		    { write_windows, "writes through windows" },
		    { read_windows, "reads through windows" });
}

TEST_F(races, remap_against_everything)
{
	owner_starts(self->r);
	run_workers(self->r, race_ms(),
		    { remap_pages, "virtual pages remapped" },
		    { read_windows, "reads through windows" },
		    { change_windows, "reads while windows change" },
		    { fork_children, "reads before forks, and forks" },
		    { audit_windows, "audits" },
		    { change_spaces, "reads while spaces come and go" },
		    { discard_others, "pages renewed, and read" });
}

TEST_HARNESS_MAIN
