// SPDX-License-Identifier: GPL-2.0
/*
 * Walks against what they depend on: the root, the mode and tables change under
 * them, and the guest stores into entries in which A and D are being set.
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
}

FIXTURE_TEARDOWN(races)
{
	races_drop(self->r);
}

/* Two page tables; each maps all addresses to its own half of the pages. */
static void *flip_roots(void *arg)
{
	struct race *r = arg;
	struct vmmu_translation t = {};

	while (running(r)) {
		int which = r->rounds[0]++ & 1;

		if (_set_root(r->g.space, r->roots[which]) ||
		    _translate(r->g.space, 0, READ, PAGE, &t) ||
		    t.ra != page_ra(r, which))
			failed(r, "not the new root's page", t.ra);
	}
	return NULL;
}

static void *watch_roots(void *arg)
{
	struct race *r = arg;
	struct vmmu_translation t;

	while (running(r)) {
		if (_translate(r->g.space, SET_AD, READ, PAGE, &t) ||
		    (t.ra != page_ra(r, 0) && t.ra != page_ra(r, 1)))
			failed(r, "neither root's page", t.ra);
		r->rounds[1]++;
	}
	return NULL;
}

static void *use_spaces(void *arg)
{
	struct race *r = arg;
	struct vmmu_translation t = {};
	struct vmmu_space_create c;

	while (running(r)) {
		if (_space_create(r->g.vm, FORMAT4, r->roots[0], MODE(0), &c) ||
		    _translate(c.fd, 0, READ, PAGE, &t) ||
		    t.ra != page_ra(r, 0))
			failed(r, "a new space", t.ra);
		close(c.fd);
		r->rounds[2]++;
	}
	return NULL;
}

TEST_F(races, roots)
{
	struct race *r = self->r;
	int i;

	for (i = 0; i < 2; i++) {
		r->roots[i] = r->g.root;
		guest_map(&r->g, PAGE, 1, page_ra(r, i) | PTE_P);
		r->g.root = guest_page(&r->g);
	}
	set_root(r->g.space, r->roots[0]);
	run_threads(r, flip_roots, watch_roots, use_spaces);
	ASSERT_EQ(1, vm_info(r->g.vm).nr_spaces);
}

/*
 * An install is coherent at once, for a batch of translations that is under
 * way, too: its answers from then on are the new ones.
 */
struct batch {
	struct race *r;
	__u64 *vas;
	struct vmmu_translation *results;
	__u32 nr;
};

static void *translate_batch(void *arg)
{
	struct batch *b = arg;
	__u32 done;

	if (_translate_many(b->r->g.space, 0, READ, b->vas, 0, b->nr,
			    b->results, &done) || done != b->nr)
		failed(b->r, "translate", done);
	return NULL;
}

TEST_F(races, install_against_a_batch)
{
	struct race *r = self->r;
	struct batch b = { .r = r, .nr = info(r->g.dev).max_batch };
	__u64 end = now_ms() + RUN_MS, tables[2], va = 2 * MIB;
	struct vmmu_translation *last;
	int rounds, met = 0, i;

	for (i = 0; i < 2; i++) {	/* two tables for the same addresses */
		guest_map(&r->g, va, 1, page_ra(r, i) | PTE_ALL);
		tables[i] = *guest_slot(&r->g, va, 2);
		*guest_slot(&r->g, va, 2) = 0;
	}
	b.vas = malloc(b.nr * sizeof(*b.vas));
	b.results = malloc(b.nr * sizeof(*b.results));
	ASSERT_TRUE(b.vas && b.results);
	for (i = 0; i < b.nr; i++)
		b.vas[i] = va;
	last = &b.results[b.nr - 1];
	for (rounds = 0; now_ms() < end; rounds++) {
		int which = rounds & 1;
		pthread_t thread;
		bool running;

		memset(b.results, POISON8, b.nr * sizeof(*b.results));
		ASSERT_EQ(0, pthread_create(&thread, NULL, translate_batch,
					    &b));
		while (__atomic_load_n(&b.results[0].ra, __ATOMIC_ACQUIRE) ==
		       POISON64)
			;
		install_one(r->g.space, va, 2, tables[which]);
		running = __atomic_load_n(&last[-64].ra, __ATOMIC_ACQUIRE) ==
			  POISON64;
		pthread_join(thread, NULL);
		met += running;
		ASSERT_TRUE(!running || last->ra == page_ra(r, which))
			TH_LOG("round %d: %llx", rounds, last->ra);
	}
	ASSERT_EQ(0, r->errors);
	printf("# rounds: %d, met %d\n", rounds, met);
	ASSERT_LT(0, met);
}

/*
 * A mode is taken as a whole. A fetch from a no-execute page is refused for
 * its NX with NXE, and without for its reserved bit; the codes differ in all.
 */
static void *flip_modes(void *arg)
{
	struct race *r = arg;

	while (running(r)) {
		__u64 bits = r->rounds[0]++ & 1 ? VMMU_MODE_NXE : 0;

		if (_set_mode(r->g.space, bits, 0, bits ? 52 : 40))
			failed(r, "set_mode", bits);
	}
	return NULL;
}

static void *watch_modes(void *arg)
{
	struct race *r = arg;
	struct vmmu_translation t = {};
	__u32 nx = VMMU_PF_P | VMMU_PF_I, reserved = VMMU_PF_P | VMMU_PF_RSVD;

	while (running(r)) {
		if (_translate(r->g.space, 0, FETCH, PAGE, &t))
			failed(r, "translate", 0);
		if (!(t.reason == VMMU_REASON_NX && t.error_code == nx) &&
		    !(t.reason == VMMU_REASON_RESERVED &&
		      t.error_code == reserved))
			failed(r, "neither mode", t.reason << 8 | t.error_code);
		r->rounds[1]++;
	}
	return NULL;
}

static void *watch_info(void *arg)
{
	struct race *r = arg;
	struct vmmu_space_info i;

	while (running(r)) {
		if (_space_info(r->g.space, &i) ||
		    i.mode.maxphyaddr != (i.mode.bits ? 52 : 40))
			failed(r, "a torn mode", i.mode.bits);
		r->rounds[2]++;
	}
	return NULL;
}

TEST_F(races, modes)
{
	struct race *r = self->r;

	guest_map(&r->g, PAGE, 1, page_ra(r, 0) | PTE_P | PTE_NX);
	set_mode(r->g.space, VMMU_MODE_NXE, 0, 52);
	run_threads(r, flip_modes, watch_modes, watch_info);
}

/*
 * The guest counts in bits that the processor ignores, and clears A and D,
 * while translations set them: no count is lost.
 */
#define COUNT	BIT_ULL(52)

static void *count_in_entry(void *arg)
{
	struct race *r = arg;
	__u64 *leaf = guest_slot(&r->g, PAGE, 1);
	__u64 *upper = guest_slot(&r->g, PAGE, 2);

	while (running(r)) {
		__atomic_fetch_add(leaf, COUNT, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(leaf, ~(PTE_A | PTE_D), __ATOMIC_SEQ_CST);
		__atomic_fetch_add(upper, COUNT, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(upper, ~PTE_A, __ATOMIC_SEQ_CST);
		r->rounds[0]++;
		if (*leaf >> 52 != r->rounds[0] % 128 ||
		    *upper >> 52 != r->rounds[0] % 128)
			failed(r, "a lost store", *leaf);
		if (r->rounds[0] % 128 == 127) {	/* no carry into NX */
			__atomic_fetch_and(leaf, COUNT - 1, __ATOMIC_SEQ_CST);
			__atomic_fetch_and(upper, COUNT - 1, __ATOMIC_SEQ_CST);
			r->rounds[0]++;
		}
	}
	return NULL;
}

static void *mark_entry(void *arg)
{
	struct race *r = arg;
	struct vmmu_translation t = {};

	while (running(r)) {
		if (_translate(r->g.space, SET_AD, WRITE, PAGE, &t) ||
		    t.ra != page_ra(r, 0))
			failed(r, "translate", t.reason);
		r->rounds[1]++;
	}
	return NULL;
}

TEST_F(races, marks)
{
	struct race *r = self->r;

	guest_map(&r->g, PAGE, 1, page_ra(r, 0) | PTE_ALL);
	run_threads(r, count_in_entry, mark_entry);
}

TEST_HARNESS_MAIN
