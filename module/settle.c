// SPDX-License-Identifier: GPL-2.0
/*
 * Settling: see settle.h. A page is protected first; then each entry that is not
 * what was established is an install as any other, but that it was stored already;
 * then the tables are scanned that have come by it. All of that can take long, so
 * others get vm->lock in between, and what they store traps.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>

#include "install.h"
#include "settle.h"

/* Entries that are established before others may have vm->lock. */
#define STEPS	64

/*
 * A fault holds its page while it waits for vm->lock, or for a processor: so look
 * again, without the lock in between, before a page is pinned. The first few times
 * microseconds later, then twice as long; an eighth to a quarter of a second in all.
 * If that was for nothing, other pages of the same settling get but the first few.
 */
#define LOOKS		176
#define LOOKS_ALIKE	16
#define BETWEEN_LOOKS	50
#define LONGEST_BETWEEN	1000

/**
 * struct settling - a settling under way
 * @vm: whose pages.
 * @change: the entry that is established now.
 * @zap: what is to be zapped for it.
 * @spare: memory for the tracking of another table.
 * @left: pages to be closed yet; those that are opened meanwhile can wait.
 * @held: the real page that was found to be held, @looks times in a row.
 * @looks: see @held.
 * @patience: how many times a page is looked at before it is pinned.
 * @busy: it was a moment ago.
 */
struct settling {
	struct vmmu_vm *vm;
	struct vmmu_change change;
	struct vmmu_zap zap;
	struct vmmu_ptspare spare;
	unsigned int left;
	u64 held;
	unsigned int looks;
	unsigned int patience;
	bool busy;
};

static bool protected(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	u64 entry = vmmu_realmap_lookup(&vm->realmap, page->index);

	return !(entry & VMMU_REALMAP_WRITABLE);
}

/* Establish one entry. -ENOENT: provide what is missing, then again. */
static int establish(struct settling *s, struct vmmu_ra entry, u64 old, u64 new)
{
	enum vmmu_outcome outcome;

	vmmu_change_init(&s->change, s->vm, entry, VMMU_CAUSE_REREAD, NULL);
	s->change.old = old;
	s->change.new = new;
	return vmmu_install(s->vm, &s->change, &s->zap, &outcome);
}

/* Compare a page with its snapshot. -EAGAIN: there is more to do. */
static int reread(struct settling *s, struct vmmu_ptpage *page)
{
	struct vmmu_ra entry = vmmu_ra_of_index(page->index);
	unsigned int steps = STEPS;

	for (unsigned int i = 0; i < PAGE_SIZE / sizeof(u64); i++) {
		u64 value;
		int err;

		vmmu_word_load(&s->vm->realmap, entry, &value);
		if (value != page->snapshot[i]) {
			if (!steps--)
				return -EAGAIN;
			err = establish(s, entry, page->snapshot[i], value);
			if (err)
				return err;
		}
		entry = vmmu_ra_add(entry, sizeof(u64));
	}
	return 0;
}

/* Somebody holds the page: for a moment, or for longer. */
static void be_patient(struct settling *s, struct vmmu_ptpage *page)
{
	if (s->held != page->index)
		s->looks = 0;
	s->held = page->index;
	s->busy = s->looks++ < s->patience;
	if (s->busy)
		return;
	s->patience = LOOKS_ALIKE;
	vmmu_ptpage_pin(s->vm, page);
	s->left--;
}

/* Time between looks, in microseconds. */
static unsigned int between_looks(const struct settling *s)
{
	unsigned int doubled = min(s->looks / LOOKS_ALIKE, 8U);

	return min(BETWEEN_LOOKS << doubled, LONGEST_BETWEEN);
}

/*
 * Go on with the first open page. 0: nothing is left to do. -ENOENT: the change,
 * -ENODATA: the spare, needs something; then again, as after -EAGAIN.
 */
static int step(struct settling *s)
{
	struct vmmu_ptpages *ptpages = &s->vm->ptpages;
	struct vmmu_ptpage *page =
		list_first_entry_or_null(&ptpages->open, struct vmmu_ptpage,
					 link);
	int err = 0;

	lockdep_assert_held_write(&s->vm->lock);

	if (!page || !s->left)
		return 0;
	if (!protected(s->vm, page) && !vmmu_ptpage_protect(s->vm, page)) {
		be_patient(s, page);
		return -EAGAIN;
	}
	if (page->snapshot)
		err = reread(s, page);
	else if (page->unknown)
		vmmu_ptpage_rescan(s->vm, page);
	if (!err)
		err = vmmu_ptpage_scan(s->vm, &s->spare);
	if (err)
		return err;
	vmmu_ptpage_close(s->vm, page);
	vmmu_ptpage_count(s->vm, page->index, VMMU_CLOSES);
	s->left--;
	return -EAGAIN;
}

int vmmu_settle_pages(struct vmmu_vm *vm)
{
	struct settling s = { .vm = vm, .patience = LOOKS };
	int err;

	might_sleep();
	down_write(&vm->lock);
	vmmu_ptpage_unpin(vm);
	s.left = vm->ptpages.nr_open;
	up_write(&vm->lock);
	do {
		down_write(&vm->lock);
		err = step(&s);
		vmmu_zap_flush(&s.zap);
		up_write(&vm->lock);
		if (err == -ENOENT)
			err = vmmu_change_provide(vm, &s.change, false) ?:
			      -EAGAIN;
		else if (err == -ENODATA)
			err = vmmu_ptspare_fill(vm, &s.spare) ?: -EAGAIN;
		if (s.busy)
			usleep_range(between_looks(&s), 2 * between_looks(&s));
		s.busy = false;
		cond_resched();
		if (err == -EAGAIN && fatal_signal_pending(current))
			err = -EINTR;
	} while (err == -EAGAIN);
	vmmu_change_end(vm, &s.change);
	vmmu_ptspare_free(vm, &s.spare);
	return err;
}
