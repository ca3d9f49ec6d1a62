/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Points of the permission matrix, for real accesses through a window: a state
 * of the page table and a mode, each put into force in the guest and in the
 * model of a processor (x86_model.h), and accesses whose every effect is
 * compared. What is wrong comes as a text, or NULL.
 */
#ifndef VMMU_POINTS_H
#define VMMU_POINTS_H

#include "vmmu_access.h"
#include "vmmu_window.h"
#include "x86_model.h"

#define REAL	(16 * MIB)
#define KEY	5
#define RUN	64		/* pages of the window */
#define MODES	1024		/* 7 mode bits, 2 of PKRU, 1 for the width */
#define MAX_ITEMS (8 * 8 * 8 * 8 * 8)

/*
 * The window begins here in a page of 1 GiB, which is at real address 0, and at
 * LARGE is its page of 2 MiB: so pages of each size lead to real memory of their
 * own.
 */
#define OFFSET	(12 * MIB)
#define LARGE	(10 * MIB)

/* Offsets in a page, of code, of what is read, and of what is written. */
#define CODE	0x40
#define WORD	0x80
#define SLOT	0x800

/*
 * @slots: real addresses of the entries for @va, by level
 * @empty: the window has no PTE
 * @modes: all in random order; @next_mode is the next one's index
 * @modes_or, @modes_and: of those that there were
 * @text: what went wrong
 */
struct run {
	struct guest g;
	struct model model;
	unsigned char *window;
	__u64 va, slots[6], random;
	bool empty;
	unsigned int modes[MODES], next_mode, modes_or, modes_and;
	unsigned int items[MAX_ITEMS];
	unsigned long points, accesses, granted, by_host, brought;
	char text[300];
};

static inline __u64 rnd(struct run *run, __u64 below)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return (run->random >> 20) % below;
}

/* The numbers below @nr in random order. */
static inline void shuffle(struct run *run, unsigned int *list, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		unsigned int other = rnd(run, i + 1);

		list[i] = list[other];
		list[other] = i;
	}
}

/* Where the 4 KiB, 2 MiB or 1 GiB that an entry of @level may map begin. */
static inline __u64 page_at(const struct run *run, int level)
{
	return level == 1 ? run->g.data : level == 2 ? LARGE : 0;
}

/* What an entry of @level refers to: a table, or a page. */
static inline __u64 refers_to(const struct run *run, int level, bool leaf)
{
	if (leaf)
		return page_at(run, level) | PTE_PKEY(KEY);
	return run->slots[level - 1] & ~(PAGE - 1);
}

static inline __u64 permissive(const struct run *run, int level)
{
	return refers_to(run, level, level == 1) | PTE_ALL;
}

/* An entry's A and D at random, as far as @which has them. */
static inline __u64 some_ad(struct run *run, __u64 which)
{
	return (rnd(run, 2) ? PTE_A : 0) | (rnd(run, 2) ? PTE_D : 0) | which;
}

/* The real page at @ra tells itself from all others. */
static inline void fill_page(struct run *run, __u64 ra)
{
	access_code(run->g.mem + ra + CODE, ra / PAGE);
	store(run->g.mem + ra + WORD, ~ra);
}

/* Set the next mode. */
static inline int put_mode(struct run *run)
{
	struct model *m = &run->model;
	unsigned int mode;

	if (run->next_mode % MODES == 0)
		shuffle(run, run->modes, MODES);
	mode = run->modes[run->next_mode++ % MODES];
	run->modes_or |= mode;
	run->modes_and &= mode;
	m->bits = mode & 127;
	m->pkru = (mode >> 7 & 3) << (2 * KEY);
	if (rnd(run, 2))	/* other keys don't matter */
		m->pkru |= ~(3U << (2 * KEY));
	m->maxphyaddr = mode >> 9 ? 46 : 52;
	run->empty = true;
	return _set_mode(run->g.space, m->bits, m->pkru, m->maxphyaddr);
}

/* The entry at @level for a page of the window, in @mem. */
static inline __u64 *entry_in(const struct run *run, unsigned char *mem,
			      int level, unsigned int page)
{
	return (__u64 *)(mem + run->slots[level]) + (level == 1 ? page : 0);
}

/* Store to an entry, and to the model's. */
static inline void put_entry(struct run *run, int level, unsigned int page,
			     __u64 value)
{
	*entry_in(run, run->model.mem, level, page) = value;
	store(entry_in(run, run->g.mem, level, page), value);
}

/*
 * Install the entries for the first page: the way down is opened first, and then
 * they are installed from the last level up, since some end the way.
 */
static inline int install_entries(struct run *run, const __u64 *values)
{
	int level, levels = run->g.levels;
	struct vmmu_install_op ops[10];
	struct vmmu_install i;

	for (level = 1; level <= levels; level++) {
		ops[levels - level] = (struct vmmu_install_op){
			.va = run->va, .level = level,
			.value = permissive(run, level),
		};
		ops[levels + level - 1] = (struct vmmu_install_op){
			.va = run->va, .level = level, .value = values[level],
		};
		*entry_in(run, run->model.mem, level, 0) = values[level];
	}
	run->empty = false;	/* what is installed may be mapped at once */
	return _install(run->g.space, 0, ops, 2 * levels, NULL, &i);
}

/* Change the entries for the first page in one of three ways. */
static inline int put_entries(struct run *run, const __u64 *values)
{
	int level, how = rnd(run, 4);

	if (how < 2)
		return install_entries(run, values);
	for (level = 1; level <= run->g.levels; level++)
		put_entry(run, level, 0, values[level]);
	run->empty = true;
	if (how == 2)
		return _invalidate(run->g.space, 0, run->va, PAGE);
	return _invalidate(run->g.space, VMMU_INVALIDATE_ALL, 0, 0);
}

/*
 * What the model says, and the exception of windows: the host can't grant a
 * fetch without a read, so such a page is refused, and nothing is set.
 */
static inline struct model_result expected(const struct run *run,
					   struct model_access a)
{
	struct model_access read = a;
	struct model_result readable, r;

	read.access = READ;
	read.set_ad = false;
	model_translate(&run->model, &read, &readable);
	a.set_ad = readable.end == MODEL_OK;
	model_translate(&run->model, &a, &r);
	if (r.end == MODEL_OK && readable.end != MODEL_OK)
		r.reason = VMMU_REASON_EXECUTE_ONLY;
	return r;
}

/* Compare what VMMU_IOC_FAULT tells. */
static inline const char *fault_differs(const struct model_result *want,
					const struct vmmu_fault *f)
{
	const struct vmmu_translation *t = &f->result;

	if (t->reason != want->reason)
		return "reason";
	if (t->level != want->level)
		return "level";
	if (t->error_code != want->error_code)
		return "error code";
	if (t->flags != (want->end == MODEL_FAULT ? VMMU_PAGE_FAULT : 0))
		return "flags";
	if (f->recorded && (t->ra || t->frame || t->page_shift || t->rights))
		return "fields of a fault";
	return NULL;
}

/*
 * After a refusal. The host refuses by itself only fetches, from pages that are
 * mapped; then there is no record, and the rest is judged by a walk, as it is
 * when the record has been read.
 */
static inline const char *refusal_differs(struct run *run, void *at, __u32 kind,
					  const struct model_result *want,
					  const struct access_result *got)
{
	bool host = got->code == SEGV_ACCERR;
	const char *what;
	struct vmmu_fault f;
	int i;

	if (got->signal != SIGSEGV || got->address != at)
		return "signal";
	if (host && (kind != FETCH || run->empty))
		return "signal code";
	run->by_host += host;
	for (i = 0; i < 2; i++) {
		if (_fault(run->g.space, at, kind, &f))
			return "call";
		if (f.recorded != (!host && !i))
			return "record";
		if (f.va != run->va + ((unsigned char *)at - run->window))
			return "address";
		what = fault_differs(want, &f);
		if (what)
			return what;
	}
	return NULL;
}

static inline const char *value_differs(const struct run *run, __u32 kind,
					__u64 ra, __u64 stored, __u64 found)
{
	__u64 page = ra & ~(PAGE - 1);

	if (kind == READ)
		return found == ~page ? NULL : "what was read";
	if (kind == FETCH)
		return found == page / PAGE ? NULL : "what was fetched";
	return load(run->g.mem + ra) == stored ? NULL : "what was written";
}

/* Make an access, and compare all that comes of it. */
static inline const char *access_differs(struct run *run, unsigned int page,
					 __u32 kind)
{
	static const __u64 offsets[] = { WORD, SLOT, CODE };
	__u64 offset = page * PAGE + offsets[kind];
	struct model_result want = expected(run, (struct model_access){
		.va = run->va + offset, .access = kind, .set_ad = true,
		.user = run->model.bits & VMMU_MODE_CPL3,
	});
	void *at = run->window + offset;
	struct access_result got = access_made(at, kind, ++run->accesses);
	const char *what;
	int level;

	if (want.reason && !got.signal)
		return "granted";
	if (!want.reason && got.signal)
		return "refused";
	if (want.reason)
		what = refusal_differs(run, at, kind, &want, &got);
	else
		what = value_differs(run, kind, want.ra, run->accesses,
				     got.value);
	if (what)
		return what;
	for (level = 1; level <= run->g.levels; level++)
		if (*entry_in(run, run->g.mem, level, page) !=
		    *entry_in(run, run->model.mem, level, page))
			return "A or D";
	if (!want.reason) {
		run->granted++;
		run->empty = false;
	}
	return NULL;
}

/* The same as text, with all that it depends on; NULL: as it should be. */
static inline const char *wrong(struct run *run, unsigned int page, __u32 kind)
{
	const char *what = access_differs(run, page, kind);
	int level, n;

	if (!what)
		return NULL;
	n = snprintf(run->text, sizeof(run->text),
		     "%s: access %d of page %u, bits %#llx pkru %#x width %d entries",
		     what, kind, page, run->model.bits, run->model.pkru,
		     run->model.maxphyaddr);
	for (level = run->g.levels; level >= 1; level--)
		n += snprintf(run->text + n, sizeof(run->text) - n, " %llx",
			      *entry_in(run, run->model.mem, level, page));
	return run->text;
}

/* All tables are as the model has them; at times, the host's as well. */
static inline const char *tables_differ(struct run *run)
{
	struct vmmu_audit audit = {};

	if (memcmp(run->g.mem, run->model.mem, run->g.next))
		return "an entry beside the way";
	if (run->points % 256 == 0 && (_audit(run->g.vm, &audit) ||
				       audit.wrong || audit.tables_wrong))
		return "audit";
	return NULL;
}

/*
 * The point that is in force: an access of each kind, in any order, and if one
 * was granted, the first once more.
 */
static inline const char *point(struct run *run)
{
	static const __u32 orders[6][4] = {
		{ READ, WRITE, FETCH, READ }, { READ, FETCH, WRITE, READ },
		{ WRITE, READ, FETCH, WRITE }, { WRITE, FETCH, READ, WRITE },
		{ FETCH, READ, WRITE, FETCH }, { FETCH, WRITE, READ, FETCH },
	};
	const __u32 *order = orders[rnd(run, 6)];
	unsigned long granted = run->granted;
	const char *what;
	int i;

	run->points++;
	for (i = 0; i < 3 + (run->granted != granted); i++) {
		what = wrong(run, 0, order[i]);
		if (what)
			return what;
	}
	return tables_differ(run);
}

/* Put other entries into force, and then @modes modes, one after the other. */
static inline const char *points(struct run *run, const __u64 *values,
				 int modes)
{
	const char *what;

	if (put_entries(run, values))
		return "call";
	for (what = point(run); !what && modes; modes--) {
		if (put_mode(run))
			return "call";
		what = point(run);
	}
	return what;
}

/* Each bit of a mode was set, and was clear. */
static inline bool modes_covered(const struct run *run)
{
	return run->modes_or == MODES - 1 && !run->modes_and;
}

#endif /* VMMU_POINTS_H */
