// SPDX-License-Identifier: GPL-2.0
/*
 * Calls against each other. One thread decides what each virtual page maps, and
 * says so before and after; whatever the others are told must be that.
 */
#include "vmmu_race.h"

FIXTURE(races) {
	struct race *r;		/* two, of different VMs */
};

FIXTURE_SETUP(races)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	races_make(self->r, dev);
	guest_slot(&self->r->g, 0, 1);
}

FIXTURE_TEARDOWN(races)
{
	races_drop(self->r);
}

#define BATCH		8	/* installs in a call */
#define UNMAPPED	PAGES	/* instead of a page */

/*
 * What a virtual page maps: the page before the change that is under way, the
 * page after it, and the number of changes; both are alike between changes.
 */
static __u64 want_of(unsigned int old, unsigned int new, __u64 changes)
{
	return changes << 16 | old << 8 | new;
}

/* Whether @page is right, if @want was read before it was asked for. */
static bool right_page(struct race *r, unsigned int k, __u64 want,
		       unsigned int page)
{
	if (want != __atomic_load_n(&r->want[k], __ATOMIC_SEQ_CST))
		return page <= UNMAPPED;
	return page == (want >> 8 & 0xff) || page == (want & 0xff);
}

static void read_wants(struct race *r, __u64 wants[PAGES])
{
	int k;

	for (k = 0; k < PAGES; k++)
		wants[k] = __atomic_load_n(&r->want[k], __ATOMIC_SEQ_CST);
}

/* The page that an answer names; beyond UNMAPPED: none that there is. */
static unsigned int page_of(struct race *r, const struct vmmu_translation *t)
{
	if (t->reason == VMMU_REASON_NOT_PRESENT)
		return UNMAPPED;
	if (!(t->flags & VMMU_TRANSLATED) || t->ra % PAGE ||
	    t->ra < page_ra(r, 0) || t->ra >= page_ra(r, PAGES))
		return UNMAPPED + 1;
	return (t->ra - page_ra(r, 0)) / PAGE;
}

static void install_pages(struct worker *w)
{
	struct race *r = w->r;

	while (running(w)) {
		__u32 flags = dice(&w->seed, 2) ? VMMU_INSTALL_ATOMIC : 0;
		struct vmmu_install_op ops[BATCH] = {};
		unsigned int new[BATCH], k;
		struct vmmu_translation t;
		struct vmmu_install i;

		for (k = 0; k < BATCH; k++) {
			unsigned int page = k * 8 + dice(&w->seed, 8);
			__u64 was = r->want[page];

			new[k] = dice(&w->seed, PAGES + 1);
			ops[k].va = page * PAGE;
			ops[k].level = 1;
			ops[k].value = new[k] == UNMAPPED ? 0 :
				       page_ra(r, new[k]) | PTE_ALL;
			__atomic_store_n(&r->want[page],
					 want_of(was & 0xff, new[k],
						 (was >> 16) + 1),
					 __ATOMIC_SEQ_CST);
		}
		if (_install(r->g.space, flags, ops, BATCH, NULL, &i))
			failed(w, "install", i.reason);
		for (k = 0; k < BATCH; k++) {
			__u64 *want = &r->want[ops[k].va / PAGE];

			__atomic_store_n(want, want_of(new[k], new[k],
						       (*want >> 16) + 1),
					 __ATOMIC_SEQ_CST);
			if (_translate(r->g.space, 0, READ, ops[k].va, &t) ||
			    page_of(r, &t) != new[k])
				failed(w, "installed, but not there", t.ra);
			w->done++;
		}
	}
}

static void translate_pages(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t[PAGES];
	__u64 wants[PAGES];
	__u32 done, k;

	while (running(w)) {
		__u32 flags = (dice(&w->seed, 2) ? SET_AD : 0) |
			      (dice(&w->seed, 2) ? PROVIDE : 0);

		read_wants(r, wants);
		if (_translate_many(r->g.space, flags, WRITE, NULL, 0, PAGES, t,
				    &done) || done != PAGES)
			failed(w, "translate", done);
		for (k = 0; k < PAGES; k++) {
			if (!right_page(r, k, wants[k], page_of(r, &t[k])))
				failed(w, "a wrong page", t[k].ra);
			if ((flags & PROVIDE) &&
			    t[k].reason == VMMU_REASON_NOT_BACKED)
				failed(w, "not provided", t[k].reason);
			w->done++;
		}
	}
}

static void explain_pages(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_step steps[4];
	struct vmmu_explain e;

	while (running(w)) {
		unsigned int k = dice(&w->seed, PAGES);
		__u64 want = __atomic_load_n(&r->want[k], __ATOMIC_SEQ_CST);

		if (_explain(r->g.space, 0, READ, k * PAGE, steps,
			     ARRAY_SIZE(steps), &e) || e.done != 4 ||
		    steps[0].ra != r->g.root)
			failed(w, "explain", e.done);
		else if (!right_page(r, k, want, page_of(r, &e.result)))
			failed(w, "a wrong page", e.result.ra);
		else if ((e.result.flags & VMMU_TRANSLATED) &&
			 (steps[3].value & PTE_ADDRESS) != e.result.ra)
			failed(w, "not what the last step says", e.result.ra);
		w->done++;
	}
}

static void list_mappings(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_mapping out[PAGES];
	struct vmmu_mappings m;
	__u64 wants[PAGES];
	__u32 i;

	while (running(w)) {
		unsigned int pages[PAGES], k;

		read_wants(r, wants);
		if (_mappings(r->g.space, 0, PAGES * PAGE - 1, PAGES, out, &m))
			failed(w, "mappings", m.va);
		for (k = 0; k < PAGES; k++)
			pages[k] = UNMAPPED;
		for (i = 0; i < m.done; i++) {
			for (k = 0; k < out[i].bytes / PAGE; k++)
				pages[(out[i].va / PAGE + k) % PAGES] =
					(out[i].ra - page_ra(r, 0)) / PAGE + k;
		}
		for (k = 0; k < PAGES; k++)
			if (!right_page(r, k, wants[k], pages[k]))
				failed(w, "a wrong page", pages[k]);
		w->done += m.done;
	}
}

/* The table is in order, and no frame of it is there twice. */
static void read_real_map(struct worker *w)
{
	static struct vmmu_real_map_entry e[REAL / PAGE];
	struct race *r = w->r;
	struct vmmu_real_map m;
	__u32 i;

	while (running(w)) {
		if (_real_map(r->g.vm, 0, ~0ULL, REAL / PAGE, e, &m) ||
		    m.ra != REAL)
			failed(w, "real_map", m.ra);
		for (i = 0; i < m.done; i++, w->done++)
			if (e[i].ra % PAGE || e[i].ra >= REAL ||
			    (i && e[i].ra <= e[i - 1].ra) ||
			    (!geteuid() && !e[i].frame))
				failed(w, "an entry", e[i].ra);
	}
}

static void give_and_take(struct worker *w)
{
	struct race *r = w->r;
	__u64 done;

	while (running(w)) {
		int first = dice(&w->seed, PAGES);
		int nr = 1 + dice(&w->seed, PAGES - first);
		unsigned long cmd = dice(&w->seed, 2) ? VMMU_IOC_DISCARD :
							VMMU_IOC_POPULATE;

		if (_range(r->g.vm, cmd, page_ra(r, first), nr * PAGE, &done) ||
		    done != nr * PAGE)
			failed(w, "populate or discard", done);
		w->done++;
	}
}

TEST_F(races, install_against_questions)
{
	struct race *r = self->r;
	int k;

	for (k = 0; k < PAGES; k++)
		r->want[k] = want_of(UNMAPPED, UNMAPPED, 0);
	run_workers(r, race_ms(),
		    { install_pages, "installs" },
		    { translate_pages, "translations" },
		    { explain_pages, "explanations" },
		    { list_mappings, "mappings listed" },
		    { read_real_map, "real map entries read" },
		    { give_and_take, "populates and discards" });
	consistent(r->g.vm);
}

/*
 * An install is coherent at once, for a batch of translations that is under
 * way, too: its answers from then on are the new ones.
 */
struct batch {
	struct race *r;
	__u32 access;
	__u64 *vas;
	struct vmmu_translation *results;
	__u32 nr, done;
	int ret;
};

static void *translate_batch(void *arg)
{
	struct batch *b = arg;

	b->ret = _translate_many(b->r->g.space, 0, b->access, b->vas, 0, b->nr,
				 b->results, &b->done);
	return NULL;
}

/* Elements of @va: as many as take a fifth of a second, but not too few. */
static bool make_batch(struct batch *b, struct race *r, __u32 access, __u64 va,
		       __u32 most)
{
	__u64 start, took;

	b->r = r;
	b->access = access;
	b->vas = malloc(most * sizeof(*b->vas));
	b->results = malloc(most * sizeof(*b->results));
	if (!b->vas || !b->results)
		return false;
	for (__u32 i = 0; i < most; i++)
		b->vas[i] = va;
	start = now_ms();
	b->nr = 256;
	translate_batch(b);
	took = now_ms() - start + 1;
	b->nr = took > 200 ? 256 : 256 * 200 / took;
	if (b->nr > most)
		b->nr = most;
	return true;
}

/* Until its first answers are there. */
static bool begin_batch(struct batch *b, pthread_t *thread)
{
	memset(b->results, POISON8, b->nr * sizeof(*b->results));
	if (pthread_create(thread, NULL, translate_batch, b))
		return false;
	while (__atomic_load_n(&b->results[0].ra, __ATOMIC_ACQUIRE) == POISON64)
		;
	return true;
}

/* Whether elements are still to come. */
static bool batch_runs(struct batch *b)
{
	return __atomic_load_n(&b->results[b->nr - 65].ra, __ATOMIC_ACQUIRE) ==
	       POISON64;
}

static void drop_batch(struct batch *b)
{
	free(b->vas);
	free(b->results);
}

TEST_F(races, install_against_a_batch)
{
	__u64 end = now_ms() + race_ms(), tables[2], va = 2 * MIB;
	struct race *r = self->r;
	struct vmmu_translation *last;
	int rounds, met = 0, i;
	struct batch b;

	for (i = 0; i < 2; i++) {	/* two tables for the same addresses */
		guest_map(&r->g, va, 1, page_ra(r, i) | PTE_ALL);
		tables[i] = *guest_slot(&r->g, va, 2);
		*guest_slot(&r->g, va, 2) = 0;
	}
	ASSERT_TRUE(make_batch(&b, r, READ, va, info(r->g.dev).max_batch));
	last = &b.results[b.nr - 1];
	for (rounds = 0; now_ms() < end || !met; rounds++) {
		int which = rounds & 1;
		pthread_t thread;
		bool running;

		ASSERT_TRUE(begin_batch(&b, &thread));
		install_one(r->g.space, va, 2, tables[which]);
		running = batch_runs(&b);
		pthread_join(thread, NULL);
		met += running;
		ASSERT_EQ(0, b.ret);
		ASSERT_TRUE(!running || last->ra == page_ra(r, which))
			TH_LOG("round %d: %llx", rounds, last->ra);
	}
	printf("# %d installs, %d of them within a batch, 0 wrong\n", rounds,
	       met);
	drop_batch(&b);
}

/*
 * Nobody has cached what was refused: a plain store that grants it counts at once,
 * in a LAZY space, too.
 */
TEST_F(races, store_against_a_batch)
{
	__u64 end = now_ms() + race_ms(), va = 2 * MIB, leaf, *pte;
	struct race *r = self->r;
	struct vmmu_translation *last;
	int rounds, met = 0;
	struct batch b;

	leaf = page_ra(r, 0) | (PTE_ALL & ~PTE_W);
	ASSERT_EQ(0, _set_mode(r->g.space, VMMU_MODE_WP, 0, 52));
	guest_map(&r->g, va, 1, leaf);
	pte = guest_slot(&r->g, va, 1);
	ASSERT_TRUE(make_batch(&b, r, WRITE, va, info(r->g.dev).max_batch));
	last = &b.results[b.nr - 1];
	for (rounds = 0; now_ms() < end || !met; rounds++) {
		pthread_t thread;
		bool running;

		install_one(r->g.space, va, 1, leaf);
		ASSERT_TRUE(begin_batch(&b, &thread));
		__atomic_store_n(pte, leaf | PTE_W, __ATOMIC_SEQ_CST);
		running = batch_runs(&b);
		pthread_join(thread, NULL);
		met += running;
		ASSERT_EQ(0, b.ret);
		ASSERT_EQ(VMMU_REASON_WRITE, b.results[0].reason);
		ASSERT_TRUE(!running || last->flags & VMMU_TRANSLATED)
			TH_LOG("round %d: reason %d", rounds, last->reason);
	}
	printf("# %d stores, %d of them within a batch, 0 wrong\n", rounds,
	       met);
	drop_batch(&b);
}

TEST_HARNESS_MAIN
