// SPDX-License-Identifier: GPL-2.0
/*
 * Real memory under discards: accesses through mappings that come and go, and
 * what the calls tell about frames. What is wrong, and why it would be seen,
 * is in vmmu_race.h; the rest is up to the kernel's own checks.
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

/* Through mappings that are emptied now and then, so that accesses fault. */
static void look_at_pages(struct worker *w, bool writes)
{
	unsigned char *views[2] = {
		view_of(w->r, PROT_READ | PROT_WRITE),
		view_of(w->r + 1, PROT_READ | PROT_WRITE),
	};

	if (!views[0] || !views[1])
		return failed(w, "mmap", errno);
	while (running(w)) {
		int which = dice(&w->seed, 2), i = dice(&w->seed, PAGES);
		unsigned char *page = views[which] + i * PAGE;

		if (writes)	/* beside the tags, for a writable PTE */
			__atomic_store_n(page + 64, 1, __ATOMIC_SEQ_CST);
		check_page(w, w->r + which, views[which], i);
		if (!dice(&w->seed, 512))
			madvise(page, PAGE, MADV_DONTNEED);
		if (!dice(&w->seed, 4096))
			madvise(views[which], PAGES * PAGE, MADV_DONTNEED);
	}
	munmap(views[0], PAGES * PAGE);
	munmap(views[1], PAGES * PAGE);
}

static void read_pages(struct worker *w)
{
	look_at_pages(w, false);
}

static void write_pages(struct worker *w)
{
	look_at_pages(w, true);
}

/* A mapping is made, moved, protected, opened again, cut up, and removed. */
static void change_mapping(struct worker *w)
{
	const size_t bytes = PAGES * PAGE;

	while (running(w)) {
		struct race *r = w->r + dice(&w->seed, 2);
		unsigned char *to, *view = view_of(r, PROT_READ | PROT_WRITE);
		int i = dice(&w->seed, PAGES / 2);

		to = mmap(NULL, bytes, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (!view || to == MAP_FAILED)
			return failed(w, "mmap", errno);
		check_page(w, r, view, i);
		view[i * PAGE + 72] = 1;
		mprotect(view, bytes, PROT_READ);
		check_page(w, r, view, i);
		mprotect(view, bytes, PROT_READ | PROT_WRITE);
		view = mremap(view, bytes, bytes, MREMAP_MAYMOVE |
			      MREMAP_FIXED, to);
		if (view == MAP_FAILED)
			return failed(w, "mremap", errno);
		check_page(w, r, view, i);
		mprotect(view, bytes, PROT_READ);
		check_page(w, r, view, i);
		mprotect(view + i * PAGE, bytes / 2, PROT_READ | PROT_WRITE);
		view[i * PAGE + 72] = 1;
		check_page(w, r, view, i);
		mprotect(view, bytes, PROT_READ | PROT_WRITE);
		munmap(view + i * PAGE, PAGE);
		check_page(w, r, view, PAGES - 1);
		munmap(view, bytes);
	}
}

/*
 * While no discard comes in between, the frame of a page is the same by the
 * host's page tables, by the real map table and by a translation.
 */
static void compare_frames(struct worker *w)
{
	struct race *r = w->r;
	unsigned char *view = view_of(r, PROT_READ);
	struct vmmu_real_map_entry e = {};
	struct vmmu_translation t = {};
	struct vmmu_real_map m;

	while (view && running(w)) {
		int i = dice(&w->seed, PAGES);
		__u64 epoch = __atomic_load_n(&r->epoch[i], __ATOMIC_SEQ_CST);
		__u64 mapped;

		__atomic_load_n(view + i * PAGE, __ATOMIC_SEQ_CST);
		mapped = pagemap_frame(view + i * PAGE);
		if (_real_map(r->g.vm, page_ra(r, i), page_ra(r, i) + PAGE - 1,
			      1, &e, &m) ||
		    _translate(r->g.space, 0, READ, i * PAGE, &t))
			failed(w, "a call failed", i);
		if (epoch % 2 ||
		    epoch != __atomic_load_n(&r->epoch[i], __ATOMIC_SEQ_CST))
			continue;
		w->done++;
		if (m.done != 1 || e.ra != page_ra(r, i) ||
		    t.ra != page_ra(r, i) || t.reason)
			failed(w, "no frame", i);
		else if (!geteuid() && (e.frame != mapped || t.frame != mapped))
			failed(w, "another frame", mapped);
	}
}

TEST_F(races, discard_against_accesses)
{
	struct race *r = self->r;
	int i;

	for (i = 0; i < PAGES; i++)
		guest_map(&r->g, i * PAGE, 1, page_ra(r, i) | PTE_ALL);
	run_workers(r, race_ms(),
		    { own_first, "pages renewed" },
		    { read_pages, "pages read" },
		    { write_pages, "pages written and read" },
		    { own_second, "pages of another VM renewed" },
		    { change_mapping, "pages read while mappings change" },
		    { compare_frames, "frames compared" });
	for (i = 0; i < 2; i++) {
		consistent(r[i].g.vm);
		mapped_right(&r[i]);
	}
}

/*
 * A single page, so that every round of each is a race with the other. It is
 * the discards that empty the mappings: each access after one is a fault.
 */
static void renew_page(struct worker *w)
{
	while (running(w))
		renew_pages(w, w->r, 0, 1);
}

static void read_page(struct worker *w)
{
	unsigned char *view = view_of(w->r, PROT_READ | PROT_WRITE);

	while (view && running(w))
		check_page(w, w->r, view, 0);
	if (view)
		munmap(view, PAGES * PAGE);
}

static void write_page(struct worker *w)
{
	unsigned char *view = view_of(w->r, PROT_READ | PROT_WRITE);

	while (view && running(w)) {
		__atomic_store_n(view + 64, 1, __ATOMIC_SEQ_CST);
		check_page(w, w->r, view, 0);
	}
	if (view)
		munmap(view, PAGES * PAGE);
}

TEST_F(races, discard_against_read_faults)
{
	run_workers(self->r, race_ms(),
		    { renew_page, "pages renewed" },
		    { read_page, "pages read" });
	mapped_right(self->r);
}

TEST_F(races, discard_against_write_faults)
{
	run_workers(self->r, race_ms(),
		    { renew_page, "pages renewed" },
		    { write_page, "pages written and read" });
	mapped_right(self->r);
}

/* Reads come first: the PTE is there, and is to become writable. */
static void open_page(struct worker *w)
{
	unsigned char *view = view_of(w->r, PROT_READ | PROT_WRITE);

	while (view && running(w)) {
		check_page(w, w->r, view, 0);
		__atomic_store_n(view + 64, 1, __ATOMIC_SEQ_CST);
		check_page(w, w->r, view, 0);
		madvise(view, PAGE, MADV_DONTNEED);
	}
	if (view)
		munmap(view, PAGES * PAGE);
}

TEST_F(races, discard_against_upgrades)
{
	run_workers(self->r, race_ms(),
		    { renew_page, "pages renewed" },
		    { open_page, "pages read, written and read" });
	mapped_right(self->r);
}

TEST_HARNESS_MAIN
