/* SPDX-License-Identifier: GPL-2.0 */
/* Translation: virtual address -> real address -> frame, and the reason why not. */
#ifndef VMMU_TRANSLATE_H
#define VMMU_TRANSLATE_H

#include "object.h"

/*
 * In the flags of a query, beside VMMU_TRANSLATE_*: a page that may be fetched
 * from but not read is refused, as EXECUTE_ONLY.
 */
#define VMMU_QUERY_READABLE	BIT(31)

/**
 * struct vmmu_query - what is asked about a number of addresses
 * @space: the space they belong to.
 * @access: the access they are asked for.
 * @flags: VMMU_TRANSLATE_*, VMMU_QUERY_READABLE.
 * @frames_shown: whether the caller may see frame numbers.
 * @real_map_entry: the real map table's entry for the last answer, if it was
 *	translated; 0: there was none.
 * @walk: the walk of the address asked last; its neighbours start from it.
 * @sequence: the invalidation sequence when that walk began, or before.
 */
struct vmmu_query {
	struct vmmu_space *space;
	struct vmmu_access_kind access;
	u32 flags;
	bool frames_shown;
	u64 real_map_entry;

	struct vmmu_walk walk;
	u64 sequence;
};

/*
 * Set up; the mode and root are the space's present ones. Frame numbers are
 * not told.
 */
void vmmu_query_init(struct vmmu_query *query, struct vmmu_space *space,
		     u32 access, u32 flags);

/* Likewise, and frame numbers are told to those who may see them. */
void vmmu_query_init_caller(struct vmmu_query *query, struct vmmu_space *space,
			    u32 access, u32 flags);

/*
 * Translate @va. An address that does not translate is an answer; returns
 * -ENOMEM (with an answer that says so) if a frame was asked for and there is
 * none, -EINTR after a fatal signal. query->walk has the entries.
 */
int vmmu_translate(struct vmmu_query *query, struct vmmu_va va,
		   struct vmmu_translation *out);

/*
 * Likewise, @nr consecutive pages from @va on. *@done becomes the number of
 * answers; after -ENOMEM there is one more, which says so.
 */
int vmmu_translate_pages(struct vmmu_query *query, struct vmmu_va va,
			 struct vmmu_translation *out, unsigned int nr,
			 unsigned int *done);

/*
 * Likewise, for those who hold a lock that others wait for: -EAGAIN, and no
 * answer yet, when a frame was provided or an entry changed meanwhile. A walk that
 * has ended at this page is the answer's, for as long as nothing was invalidated.
 */
int vmmu_translate_once(struct vmmu_query *query, struct vmmu_va va,
			struct vmmu_translation *out);

/*
 * Whether a walk would find just the same now; marks that the query has set are
 * part of that. Caller holds vm->lock for writing.
 */
bool vmmu_query_holds(const struct vmmu_query *query);

/**
 * struct vmmu_scan - a listing of what a page table maps
 * @walk: the walk of the present address.
 * @realmap: the VM's real map table.
 * @sequence: the invalidation sequence when the walk began.
 * @va: where to go on; canonical.
 * @last: last address to look at, inclusive.
 * @ended: whether @last was reached.
 */
struct vmmu_scan {
	struct vmmu_walk walk;
	struct vmmu_realmap *realmap;
	u64 sequence;
	u64 va;
	u64 last;
	bool ended;
};

/*
 * Find up to @nr mappings from scan->va on. Returns how many; fewer than @nr
 * when the end was reached, or after a bounded number of steps.
 */
unsigned int vmmu_scan_mappings(struct vmmu_scan *scan,
				struct vmmu_mapping *mappings, unsigned int nr);

#endif /* VMMU_TRANSLATE_H */
