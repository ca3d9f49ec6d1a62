/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An x86-64 processor's paging, for comparison: what Intel's SDM, volume 3,
 * says in 4.5 (4-level and 5-level paging), 4.6 (access rights), 4.7 (page
 * faults) and 4.8 (accessed and dirty), sentence by sentence, over an array
 * of bytes; and by which name linux/vmmu.h calls the rule that forbids an
 * access. It shares nothing with the module.
 */
#ifndef X86_MODEL_H
#define X86_MODEL_H

#include <stdbool.h>
#include <string.h>

#include "vmmu_guest.h"

struct model {
	unsigned char *mem;	/* real memory; A and D are set in here */
	__u64 bytes;		/* of it */
	__u64 root;
	int levels;
	__u64 bits;		/* VMMU_MODE_* */
	__u32 pkru;
	int maxphyaddr;
};

enum model_end {
	MODEL_OK,		/* the access is made, at ra */
	MODEL_FAULT,		/* a page fault with error_code */
	MODEL_GP,		/* the address is not canonical */
	MODEL_NO_TABLE,		/* a table lies beyond real memory */
	MODEL_NO_PAGE,		/* the page lies beyond real memory, at ra */
};

struct model_access {
	__u64 va;
	int access;		/* VMMU_ACCESS_* */
	bool user, set_ad;
};

struct model_result {
	enum model_end end;
	int reason;		/* VMMU_REASON_* */
	int level;		/* at which it was found; the leaf's for NONE */
	__u32 error_code;
	__u64 ra;
	int page_shift;
	__u32 rights;		/* VMMU_RIGHT_* */
};

/*
 * An entry's bits, of which bit i of @value stands for the i-th of these eight;
 * RSVD is reserved if real addresses are narrower than 50 bits.
 */
static inline __u64 model_attributes(unsigned int value)
{
	static const __u64 bit[8] = {
		PTE_P, PTE_W, PTE_U, PTE_NX, PTE_PS, BIT_ULL(49), PTE_A, PTE_D,
	};
	__u64 e = 0;
	int i;

	for (i = 0; i < 8; i++)
		if (value & 1 << i)
			e |= bit[i];
	return e;
}

static inline bool model_canonical(const struct model *m, __u64 va)
{
	int bits = m->levels == 5 ? 57 : 48;
	__u64 upper = va >> (bits - 1);

	return upper == 0 || upper == (1ULL << (65 - bits)) - 1;
}

/* Bits @from to @to, inclusive. */
static inline __u64 model_mask(int from, int to)
{
	return from > to ? 0 : (~0ULL >> (63 - to)) & (~0ULL << from);
}

/* Tables 4-14 to 4-20: which bits of a present entry must be zero. */
static inline __u64 model_reserved(const struct model *m, int level, __u64 e)
{
	__u64 reserved = model_mask(m->maxphyaddr, 51);

	if (!(m->bits & VMMU_MODE_NXE))
		reserved |= 1ULL << 63;
	if (level == 5 || level == 4)
		reserved |= 1ULL << 7;
	if (level == 3 && (e & 1ULL << 7))
		reserved |= model_mask(13, 29);
	if (level == 2 && (e & 1ULL << 7))
		reserved |= model_mask(13, 20);
	return reserved;
}

/* 4.7: the error code, but for P, RSVD and PK. */
static inline __u32 model_cause(const struct model *m,
				const struct model_access *a)
{
	__u32 code = 0;

	if (a->access == VMMU_ACCESS_WRITE)
		code |= 1 << 1;
	if (a->user)
		code |= 1 << 2;
	if (a->access == VMMU_ACCESS_FETCH &&
	    (m->bits & (VMMU_MODE_NXE | VMMU_MODE_SMEP)))
		code |= 1 << 4;
	return code;
}

/* 4.6.2: does the protection key of a user-mode address forbid the access? */
static inline bool model_key_forbids(const struct model *m,
				     const struct model_access *a, int key)
{
	bool ad = m->pkru >> (2 * key) & 1;
	bool wd = m->pkru >> (2 * key + 1) & 1;

	if (!(m->bits & VMMU_MODE_PKE) || a->access == VMMU_ACCESS_FETCH)
		return false;
	if (ad)
		return true;
	return wd && a->access == VMMU_ACCESS_WRITE &&
	       (a->user || (m->bits & VMMU_MODE_WP));
}

/* 4.6.1: may the access be made, keys aside? W, U, X: what all levels grant. */
static inline bool model_allows(const struct model *m,
				const struct model_access *a, bool w, bool u,
				bool x)
{
	if (a->user) {
		/* User-mode accesses, to user-mode addresses only. */
		if (!u)
			return false;
		if (a->access == VMMU_ACCESS_READ)
			return true;
		if (a->access == VMMU_ACCESS_WRITE)
			return w;
		return !(m->bits & VMMU_MODE_NXE) || x;
	}
	if (a->access == VMMU_ACCESS_FETCH) {
		if (u && (m->bits & VMMU_MODE_SMEP))
			return false;
		return !(m->bits & VMMU_MODE_NXE) || x;
	}
	if (u && (m->bits & VMMU_MODE_SMAP) && !(m->bits & VMMU_MODE_AC))
		return false;
	if (a->access == VMMU_ACCESS_READ)
		return true;
	return !(m->bits & VMMU_MODE_WP) || w;
}

/*
 * @used: the entries on the way, root first, @nr of them
 * @w, @u, @x: what all of them grant
 */
struct model_path {
	__u64 *used[5];
	int nr;
	bool w, u, x;
};

/* Of the levels whose entry has @bit set, or clear, the highest. */
static inline int model_level(const struct model *m,
			      const struct model_path *p, int bit, bool set)
{
	int i = 0;

	while (i < p->nr && (*p->used[i] >> bit & 1) != set)
		i++;
	return m->levels - i;
}

/*
 * linux/vmmu.h, enum vmmu_reason: the first of USER, SMEP, SMAP, WRITE, NX,
 * PKEY that forbids the access, and the highest level at which it does; of
 * those that look at the page as a whole, the leaf's.
 */
static inline void model_refuse(const struct model *m,
				const struct model_access *a,
				const struct model_path *p,
				struct model_result *r)
{
	bool fetch = a->access == VMMU_ACCESS_FETCH;

	if (a->user && !p->u) {
		r->reason = VMMU_REASON_USER;
		r->level = model_level(m, p, 2, false);
	} else if (!a->user && p->u && fetch && (m->bits & VMMU_MODE_SMEP)) {
		r->reason = VMMU_REASON_SMEP;
	} else if (!a->user && p->u && !fetch && (m->bits & VMMU_MODE_SMAP) &&
		   !(m->bits & VMMU_MODE_AC)) {
		r->reason = VMMU_REASON_SMAP;
	} else if (a->access == VMMU_ACCESS_WRITE && !p->w &&
		   (a->user || (m->bits & VMMU_MODE_WP))) {
		r->reason = VMMU_REASON_WRITE;
		r->level = model_level(m, p, 1, false);
	} else if (fetch && (m->bits & VMMU_MODE_NXE) && !p->x) {
		r->reason = VMMU_REASON_NX;
		r->level = model_level(m, p, 63, true);
	} else {
		r->reason = VMMU_REASON_PKEY;
	}
}

/* Down to a page; false: the walk has ended before, as *r says. */
static inline bool model_walk(const struct model *m,
			      const struct model_access *a,
			      struct model_path *p, struct model_result *r)
{
	__u64 e, table = m->root;
	int level;

	for (level = m->levels; ; level--) {
		int shift = 12 + 9 * (level - 1);

		r->level = level;
		r->page_shift = shift;
		if (table >= m->bytes) {
			r->end = MODEL_NO_TABLE;
			r->reason = VMMU_REASON_TABLE_BEYOND_REAL;
			r->error_code = 0;
			return false;
		}
		p->used[p->nr] = (__u64 *)(m->mem + table) +
				 (a->va >> shift) % 512;
		e = *p->used[p->nr++];
		r->end = MODEL_FAULT;
		r->error_code = model_cause(m, a);
		r->reason = VMMU_REASON_NOT_PRESENT;
		if (!(e & 1))
			return false;
		r->reason = VMMU_REASON_RESERVED;
		if (e & model_reserved(m, level, e)) {
			r->error_code |= 1 << 3 | 1;
			return false;
		}
		p->w &= e >> 1 & 1;
		p->u &= e >> 2 & 1;
		p->x &= !(e >> 63);
		if (level == 1 || (level <= 3 && (e >> 7 & 1)))
			return true;
		table = e & model_mask(12, 51);
	}
}

static inline void model_translate(const struct model *m,
				   const struct model_access *a,
				   struct model_result *r)
{
	struct model_path p = { .w = true, .u = true, .x = true };
	bool key;
	__u64 e;
	int i;

	*r = (struct model_result){
		.end = MODEL_GP, .reason = VMMU_REASON_NONCANONICAL,
	};
	if (!model_canonical(m, a->va) || !model_walk(m, a, &p, r))
		return;

	e = *p.used[p.nr - 1];
	r->rights = VMMU_RIGHT_READ | (p.w ? VMMU_RIGHT_WRITE : 0) |
		    (p.u ? VMMU_RIGHT_USER : 0) | (p.x ? VMMU_RIGHT_EXEC : 0);
	r->ra = (e & model_mask(r->page_shift, 51)) |
		(a->va & model_mask(0, r->page_shift - 1));
	key = p.u && model_key_forbids(m, a, e >> 59 & 15);
	if (key || !model_allows(m, a, p.w, p.u, p.x)) {
		r->error_code |= 1 | (key ? 1 << 5 : 0);
		model_refuse(m, a, &p, r);
		return;
	}
	r->error_code = 0;
	r->reason = VMMU_REASON_BEYOND_REAL;
	if (r->ra >= m->bytes) {
		r->end = MODEL_NO_PAGE;
		return;
	}
	r->end = MODEL_OK;
	r->reason = VMMU_REASON_NONE;
	for (i = 0; a->set_ad && i < p.nr; i++)
		*p.used[i] |= 1ULL << 5;
	if (a->set_ad && a->access == VMMU_ACCESS_WRITE)
		*p.used[p.nr - 1] |= 1ULL << 6;
}

#endif /* X86_MODEL_H */
