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
static void flip_roots(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t = {};

	while (running(w)) {
		int which = w->done++ & 1;

		if (_set_root(r->g.space, r->roots[which]) ||
		    _translate(r->g.space, 0, READ, PAGE, &t) ||
		    t.ra != page_ra(r, which))
			failed(w, "not the new root's page", t.ra);
	}
}

static void watch_roots(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t;

	while (running(w)) {
		if (_translate(r->g.space, SET_AD, READ, PAGE, &t) ||
		    (t.ra != page_ra(r, 0) && t.ra != page_ra(r, 1)))
			failed(w, "neither root's page", t.ra);
		w->done++;
	}
}

static void use_spaces(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t = {};
	struct vmmu_space_create c;

	while (running(w)) {
		if (_space_create(r->g.vm, FORMAT4, r->roots[0], MODE(0), &c) ||
		    _translate(c.fd, 0, READ, PAGE, &t) ||
		    t.ra != page_ra(r, 0))
			failed(w, "a new space", t.ra);
		close(c.fd);
		w->done++;
	}
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
	run_workers(r, race_ms(),
		    { flip_roots, "roots set" },
		    { watch_roots, "translations" },
		    { use_spaces, "spaces created, used and closed" });
	ASSERT_EQ(1, vm_info(r->g.vm).nr_spaces);
}

/*
 * A mode is taken as a whole. A fetch from a no-execute page is refused for
 * its NX with NXE, and without for its reserved bit; the codes differ in all.
 */
static void flip_modes(struct worker *w)
{
	struct race *r = w->r;

	while (running(w)) {
		__u64 bits = w->done++ & 1 ? VMMU_MODE_NXE : 0;

		if (_set_mode(r->g.space, bits, 0, bits ? 52 : 40))
			failed(w, "set_mode", bits);
	}
}

static void watch_modes(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t = {};
	__u32 nx = VMMU_PF_P | VMMU_PF_I, reserved = VMMU_PF_P | VMMU_PF_RSVD;

	while (running(w)) {
		if (_translate(r->g.space, 0, FETCH, PAGE, &t))
			failed(w, "translate", 0);
		if (!(t.reason == VMMU_REASON_NX && t.error_code == nx) &&
		    !(t.reason == VMMU_REASON_RESERVED &&
		      t.error_code == reserved))
			failed(w, "neither mode", t.reason << 8 | t.error_code);
		w->done++;
	}
}

static void watch_info(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_space_info i;

	while (running(w)) {
		if (_space_info(r->g.space, &i) ||
		    i.mode.maxphyaddr != (i.mode.bits ? 52 : 40))
			failed(w, "a torn mode", i.mode.bits);
		w->done++;
	}
}

TEST_F(races, modes)
{
	struct race *r = self->r;

	guest_map(&r->g, PAGE, 1, page_ra(r, 0) | PTE_P | PTE_NX);
	set_mode(r->g.space, VMMU_MODE_NXE, 0, 52);
	run_workers(r, race_ms(),
		    { flip_modes, "modes set" },
		    { watch_modes, "translations" },
		    { watch_info, "modes read" });
}

/*
 * The guest counts in bits that the processor ignores, and clears A and D,
 * while translations set them: no count is lost.
 */
#define COUNT	BIT_ULL(52)

static void count_in_entry(struct worker *w)
{
	struct race *r = w->r;
	__u64 *leaf = guest_slot(&r->g, PAGE, 1);
	__u64 *upper = guest_slot(&r->g, PAGE, 2);

	while (running(w)) {
		__atomic_fetch_add(leaf, COUNT, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(leaf, ~(PTE_A | PTE_D), __ATOMIC_SEQ_CST);
		__atomic_fetch_add(upper, COUNT, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(upper, ~PTE_A, __ATOMIC_SEQ_CST);
		w->done++;
		if (*leaf >> 52 != w->done % 128 ||
		    *upper >> 52 != w->done % 128)
			failed(w, "a lost store", *leaf);
		if (w->done % 128 == 127) {	/* no carry into NX */
			__atomic_fetch_and(leaf, COUNT - 1, __ATOMIC_SEQ_CST);
			__atomic_fetch_and(upper, COUNT - 1, __ATOMIC_SEQ_CST);
			w->done++;
		}
	}
}

static void mark_entry(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t = {};

	while (running(w)) {
		if (_translate(r->g.space, SET_AD, WRITE, PAGE, &t) ||
		    t.ra != page_ra(r, 0))
			failed(w, "translate", t.reason);
		w->done++;
	}
}

TEST_F(races, marks)
{
	struct race *r = self->r;

	guest_map(&r->g, PAGE, 1, page_ra(r, 0) | PTE_ALL);
	run_workers(r, race_ms(),
		    { count_in_entry, "stores beside marks" },
		    { mark_entry, "translations that mark" });
}

TEST_HARNESS_MAIN
