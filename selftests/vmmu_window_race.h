/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Races through windows, in the manner of vmmu_race.h: virtual page @i shows
 * pages that are tagged as @i, in a generation not below its floor, once the
 * call has returned that took the one before away.
 */
#ifndef VMMU_WINDOW_RACE_H
#define VMMU_WINDOW_RACE_H

#include "vmmu_race.h"
#include "vmmu_window.h"

#define MARK		8	/* the word that writers write to */

FIXTURE(races) {
	struct race *r;		/* two, of different VMs */
};

/* Where an access that a window refuses goes on. */
static __thread sigjmp_buf refused_env;

static inline void access_is_refused(int sig)
{
	siglongjmp(refused_env, 1);
}

/* From now on the process's refused accesses end in guard(). */
static inline void catch_refused(void)
{
	struct sigaction act = {
		.sa_handler = access_is_refused,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGSEGV, &act, NULL);
}

/* Do an access of one statement; whether it was not refused. */
#define guard(access) ({						\
	bool __made = false;						\
									\
	if (!sigsetjmp(refused_env, 0)) {				\
		access;							\
		__made = true;						\
	}								\
	__made;								\
})

/* Two words, with which a page can be told from any other, and a `ret`. */
static inline void tag_page(void *page, __u64 tag)
{
	store(page, tag);
	store((__u64 *)page + 511, tag);
}

/* What an owner writes to pages, through real memory. */
static inline __u64 *real_words(struct race *r, int page)
{
	return (__u64 *)(r->g.mem + page_ra(r, page));
}

/* A window of all virtual pages that the tests use, or NULL. */
static inline unsigned char *window_of(int space, __u64 va, int nr)
{
	void *w = _window(space, va, nr * PAGE, RWX);

	return w == MAP_FAILED ? NULL : w;
}

/* Look at virtual page @i through a window; it may be absent for a moment. */
static inline void check_window(struct worker *w, struct race *r,
				const unsigned char *window, int i)
{
	__u64 floor = load(&r->floor[i]), seen;
	const unsigned char *word;
	bool shown;

	word = window + i * PAGE + (w->done & 1 ? 511 * 8 : 0);
	shown = guard(seen = load(word));
	if (!shown)
		return;
	w->done++;
	if (seen >> TAG_PAGE_SHIFT != tag_of(r, i, 0) >> TAG_PAGE_SHIFT)
		failed(w, "another page", seen);
	else if ((seen & TAG_GENERATION) < floor)
		failed(w, "a page that is gone", seen);
}

/* No host PTE of the VM's windows gives what both levels don't; no table is unknown. */
static inline void check_audit(struct worker *w, int vm)
{
	struct vmmu_audit a;

	if (_audit(vm, &a))
		failed(w, "audit", a.windows);
	else if (a.wrong)
		failed(w, "a wrong PTE", a.va);
	else if (a.tables_wrong)
		failed(w, "a wrong page table", a.ra);
	w->done++;
}

static inline void audit_windows(struct worker *w)
{
	while (running(w)) {
		check_audit(w, w->r->g.vm);
		sched_yield();
	}
}

/*
 * What is so now, of a number of states; and how long it has been: the state
 * before the change that is under way, that after it, and the changes.
 */
static inline void begin_change(__u64 *want, unsigned int to)
{
	__u64 was = *want;

	store(want, ((was >> 16) + 1) << 16 | (was & 0xff) << 8 | to);
}

static inline void end_change(__u64 *want)
{
	__u64 was = *want;

	store(want, ((was >> 16) + 1) << 16 | (was & 0xff) << 8 | (was & 0xff));
}

/* Whether it was one state all the while since @want was read: which one. */
static inline bool settled(const __u64 *now, __u64 want, unsigned int *state)
{
	*state = want & 0xff;
	return (want & 0xff) == (want >> 8 & 0xff) && load(now) == want;
}

FIXTURE_SETUP(races)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	races_make(self->r, dev);
	set_mode(self->r->g.space, VMMU_MODE_WP | VMMU_MODE_NXE, 0, 52);
	catch_refused();
}

FIXTURE_TEARDOWN(races)
{
	audit_clean(self->r->g.vm);
	consistent(self->r->g.vm);
	races_drop(self->r);
}

#endif /* VMMU_WINDOW_RACE_H */
