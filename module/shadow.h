/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shadow page tables: the host PTEs of windows. Nobody else inserts or zaps
 * them. The protocol, which needs no lock that all faults share:
 *
 *	who grants				who takes away
 *	sequence = vmmu_realmap_sequence()	change an entry of either level
 *	walk both levels			vmmu_realmap_invalidate()
 *	vmmu_shadow_note_...()			is anything noted?
 *	vmmu_shadow_insert():			zap
 *	    page-table lock, full barrier	(and only then reuse a frame)
 *	    has the sequence moved? again
 *	    fill the PTE if it is empty
 *
 * Either who grants sees that the sequence has moved, or who takes away finds
 * the note and the PTE. A present PTE never changes its frame. Whoever takes
 * away holds vm->lock until the PTEs are gone.
 */
#ifndef VMMU_SHADOW_H
#define VMMU_SHADOW_H

#include "object.h"

/* What a host PTE may grant: the frame's address, and these; 0: nothing. */
#define VMMU_GRANT_READ		BIT_ULL(0)
#define VMMU_GRANT_WRITE	BIT_ULL(1)
#define VMMU_GRANT_EXEC		BIT_ULL(2)
#define VMMU_GRANT_RIGHTS	(VMMU_GRANT_READ | VMMU_GRANT_WRITE | VMMU_GRANT_EXEC)

/* Most grants of one insertion. */
#define VMMU_GRANTS		128

/*
 * Note that pages are about to be shadowed which the tables of a walk map that has
 * ended at one of them.
 */
void vmmu_shadow_note_walk(struct vmmu_space *space,
			   const struct vmmu_walk *walk);

/* Who owns the page at @va, to be noted in its frame besides. */
static inline u64 vmmu_shadow_owner(const struct vmmu_space *space,
				    struct vmmu_va va)
{
	return vmmu_frame_make_owner(space->id, va.value >> PAGE_SHIFT);
}

/*
 * Insert the PTEs of consecutive pages from @address on, which one page-table
 * page covers, @pmd's if that is known already; PTEs that are there for the same
 * frame gain rights, others are left alone. Returns 0; -ESTALE if the first page
 * has another frame's PTE; -EAGAIN, and inserts nothing, if the sequence has
 * moved; -ENOMEM. The caller holds mmap_lock or the VMA's lock.
 */
int vmmu_shadow_insert(struct vm_area_struct *vma, unsigned long address,
		       pmd_t *pmd, struct vmmu_space *space, u64 sequence,
		       const u64 *grants, unsigned int nr);

/*
 * Zap a page that has another frame's PTE: either somebody is about to, or the
 * guest has changed the entry by a plain store, and a fault drops what is
 * cached for its address (Intel SDM volume 3, 4.10.4.1). Locks as above.
 */
void vmmu_shadow_zap_stale(struct vm_area_struct *vma, unsigned long address);

/* Ranges of one space that are merged in a struct vmmu_zap. */
#define VMMU_ZAP_RANGES		8

/**
 * struct vmmu_zap - windows' pages to be zapped; starts out as { }
 * @all: not NULL: every page of this VM's windows.
 * @space: whose, and whose peers'.
 * @nr: number of ranges.
 * @ranges: pages by number, both inclusive.
 */
struct vmmu_zap {
	struct vmmu_vm *all;
	struct vmmu_space *space;
	unsigned int nr;
	struct {
		u64 first;
		u64 last;
	} ranges[VMMU_ZAP_RANGES];
};

/* For those that are not zeroed to start with. */
static inline void vmmu_zap_start(struct vmmu_zap *zap)
{
	zap->all = NULL;
	zap->space = NULL;
	zap->nr = 0;
}

/*
 * After vmmu_realmap_invalidate(): have everything zapped that a window may
 * have got through an entry that was @old, at @level, for @va. The caller holds
 * vm->lock for writing, and calls vmmu_zap_flush() before it lets go of that.
 */
void vmmu_zap_entry(struct vmmu_zap *zap, struct vmmu_space *space,
		    struct vmmu_va va, unsigned int level, u64 old);

/*
 * Likewise, through an entry of level 1. Behind pages that are to be zapped anyway
 * one more is cheaper to zap than to ask about.
 */
static inline void vmmu_zap_page(struct vmmu_zap *zap, struct vmmu_space *space,
				 struct vmmu_va va, u64 old)
{
	u64 page = va.value >> PAGE_SHIFT;

	if (zap->nr && zap->space == space &&
	    page == zap->ranges[zap->nr - 1].last + 1)
		zap->ranges[zap->nr - 1].last = page;
	else
		vmmu_zap_entry(zap, space, va, 1, old);
}

/* Likewise, through any entry of the table of @level that translates @va. */
void vmmu_zap_table(struct vmmu_zap *zap, struct vmmu_space *space,
		    struct vmmu_va va, unsigned int level);

/* Likewise, everything in windows of this VM. */
void vmmu_zap_vm(struct vmmu_zap *zap, struct vmmu_vm *vm);

/* Likewise, the page that owns a frame which has left the real map table. */
void vmmu_zap_frame(struct vmmu_zap *zap, struct vmmu_vm *vm,
		    struct page *frame);

/* Zap what was gathered: on return no CPU uses it. */
void vmmu_zap_flush(struct vmmu_zap *zap);

/*
 * Zap what a processor drops when it invalidates this range: large pages that
 * reach into it wholly. Caller holds vm->lock; @last is inclusive.
 */
void vmmu_zap_range(struct vmmu_space *space, struct vmmu_va first,
		    struct vmmu_va last);

/* Zap all of a space; moves the sequence on itself. Caller holds vm->lock. */
void vmmu_zap_space(struct vmmu_space *space);

#endif /* VMMU_SHADOW_H */
