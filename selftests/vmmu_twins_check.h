/* SPDX-License-Identifier: GPL-2.0 */
/* Whether twins are in the same state, and show what their tables map. */
#ifndef VMMU_TWINS_CHECK_H
#define VMMU_TWINS_CHECK_H

#include "vmmu_twins.h"

#define USES		20
#define BOTH		(VMMU_REAL_ACCESSED | VMMU_REAL_DIRTY)
#define NO_FRAME	0x100		/* with these as flags: none */

static inline struct twin *batcher(struct twins *t)
{
	return &t->twins[0];
}

static inline struct twin *single(struct twins *t)
{
	return &t->twins[1];
}

/* The flags of all pages. */
static inline void read_real_map(struct twins *t, struct twin *v, __u32 flags[PAGES])
{
	static struct vmmu_real_map_entry entries[PAGES];
	struct vmmu_real_map m;

	for (int i = 0; i < PAGES; i++)
		flags[i] = NO_FRAME;
	CHECK(t, !_real_map(v->vm, 0, ~0ULL, PAGES, entries, &m) && m.ra == REAL);
	for (__u32 i = 0; i < m.done && !t->broken; i++)
		flags[entries[i].ra / PAGE] = entries[i].flags &
					      ~VMMU_REAL_FRAME_HIDDEN;
}

/* Frames and flags, then memory; each new page gets its tag. */
static inline void check_pages(struct twins *t, const __u8 loose[PAGES])
{
	__u32 flags[2][PAGES];

	read_real_map(t, batcher(t), flags[0]);
	read_real_map(t, single(t), flags[1]);
	for (int i = 0; i < PAGES && !t->broken; i++) {
		__u32 was = flags[0][i], is = flags[1][i];

		if ((was | is) & NO_FRAME && was != is) {
			CHECK(t, loose[i] & (was & NO_FRAME ? 2 : 1));
			both_range(t, VMMU_IOC_DISCARD, i, 1);
			flags[0][i] = NO_FRAME;
		} else if (was != NO_FRAME) {
			CHECK(t, !((was ^ is) & ~(loose[i] & 4 ? BOTH : 0)));
		}
		if (t->broken)
			printf("# page %#x: %x by batches, %x singly\n", i, was, is);
	}
	for (int i = 0; i < PAGES && !t->broken; i++) {
		__u64 *was = word_of(batcher(t), i, 0), *is = word_of(single(t), i, 0);

		if (flags[0][i] == NO_FRAME)
			continue;
		CHECK(t, !memcmp(was, is, PAGE));
		for (int k = 0; k < 512 && t->broken; k++)
			if (was[k] != is[k])
				printf("# page %#x, entry %d: %#llx by batches, %#llx singly\n",
				       i, k, was[k], is[k]);
		each_twin(t)
			if (load(word_of(v, i, TAG)) != tag_of(i))
				store(word_of(v, i, TAG), tag_of(i));
	}
}

static inline __u32 user_in(const struct twins *t, int space)
{
	return t->bits[space] & VMMU_MODE_CPL3 ? USER : 0;
}

/* What all addresses of a space translate to, frame numbers aside. */
static inline void check_translations(struct twins *t, int space, __u32 access)
{
	static struct vmmu_translation answers[2][NR_VAS];
	static __u64 vas[NR_VAS];
	__u32 done;

	for (int i = 0; i < NR_VAS; i++)
		vas[i] = va_of(i / SLOTS, i % SLOTS);
	each_twin(t) {
		struct vmmu_translation *a = answers[v - t->twins];

		CHECK(t, !_translate_many(v->spaces[space], user_in(t, space), access,
					  vas, 0, NR_VAS, a, &done) &&
			 done == NR_VAS);
		for (int i = 0; i < NR_VAS; i++)
			a[i].frame = 0;
	}
	for (int i = 0; i < NR_VAS && !t->broken; i++) {
		CHECK(t, !memcmp(&answers[0][i], &answers[1][i], sizeof(**answers)));
		if (t->broken)
			printf("# space %d, va %#llx: ra %#llx by batches, %#llx singly\n",
			       space, vas[i], answers[0][i].ra, answers[1][i].ra);
	}
}

/* An access in a window: what comes of it in one of the twins. */
static inline void use(struct twins *t, struct twin *v, int space, __u64 va, __u32 access)
{
	__u64 at = va / PAGE * PAGE + TAG * 8, now = 0;
	struct access_result got;
	struct vmmu_translation a;
	bool good;

	CHECK(t, !_translate(v->spaces[space], user_in(t, space), access, at, &a));
	good = a.reason == VMMU_REASON_NONE || a.reason == VMMU_REASON_NOT_BACKED;
	got = access_made(v->windows[space] + at, access,
			  good ? tag_of(a.ra / PAGE) : 0);
	CHECK(t, got.signal == (good ? 0 : SIGSEGV));
	if (good && !t->broken) {
		now = load(v->mem + a.ra);
		CHECK(t, now == got.value);
		if (now != tag_of(a.ra / PAGE))
			store(v->mem + a.ra, tag_of(a.ra / PAGE));
	}
	t->uses++;
	t->refused += !good;
	if (t->broken)
		printf("# twin %d, space %d, va %#llx: signal %d, %#llx, not %#llx at %#llx\n",
		       (int)(v - t->twins), space, va, got.signal, got.value, now,
		       a.ra);
}

/* Where elements were, in the space that they name, and at random. */
static inline void use_some(struct twins *t)
{
	for (unsigned int i = 0; i < 3 * USES && !t->broken; i++) {
		int space = i < USES ? t->space : dice(t, SPACES);
		__u64 va = va_of(dice(t, t->tangled ? 7 : 4), dice(t, SLOTS));
		__u32 access = dice(t, 3) ? READ : WRITE;

		if (i < 2 * USES)
			va = t->vas[dice(t, t->nr)];
		each_twin(t)
			use(t, v, space, va, access);
	}
}

static inline void check_audit(struct twins *t)
{
	each_twin(t) {
		struct vmmu_audit a;

		CHECK(t, !_audit(v->vm, &a));
		if (a.wrong || a.tables_wrong)
			printf("# twin %d, space %llu, va %#llx, table at %#llx\n",
			       (int)(v - t->twins), a.space, a.va, a.ra);
		CHECK(t, !a.wrong && !a.tables_wrong);
	}
}

#endif /* VMMU_TWINS_CHECK_H */
