/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page-table pages: which real pages are tables of a VM's TRAPPING spaces, at
 * which level, and how often; and their write protection.
 *
 * A page that serves as a table has a use for each (format, level) at which it
 * does. A use counts the entries that refer to it; all spaces with one root are
 * one more. The only one that does is known, so the addresses that a table
 * translates are known, too, as long as there is one way down to it.
 *
 * Entries are followed as if no address bit of theirs were reserved, since that
 * depends on a space's mode: some page may be taken for a table that is none.
 *
 *	state		real map entry		its contents are
 *	closed		TABLE			what was established
 *	open		TABLE, WRITABLE		compared with a snapshot later
 *	pinned		TABLE, WRITABLE		likewise, once nobody holds it
 *
 * A closed page is writable through no mapping at all: WRITABLE is looked at
 * under the page lock before a writable PTE is granted, and in windows before
 * the sequence is looked at again. An open page comes to be closed by being
 * protected first, and compared then.
 *
 * Nothing here allocates under vm->lock: what is missing is told by -ENODATA, to
 * be made without it.
 */
#ifndef VMMU_PTPAGE_H
#define VMMU_PTPAGE_H

#include "shadow.h"

/* Formats times levels: uses that a page can have. */
#define VMMU_MAX_USES		10

/**
 * struct vmmu_ptkey - a table: a page, and what it serves as
 * @index: the real page.
 * @format: under which format.
 * @level: at which level.
 */
struct vmmu_ptkey {
	u64 index;
	const struct vmmu_format *format;
	unsigned int level;
};

/**
 * struct vmmu_ptpage - a real page that is a page table
 * @index: the real page.
 * @uses: what it serves as, never empty; struct vmmu_ptuse.
 * @link: in ptpages.open or pinned, unless it is closed.
 * @snapshot: what was established, unless it is closed.
 * @unknown: it is open without a snapshot, and nothing is established.
 * @pinned: it is on ptpages.pinned.
 * @leaks: while it was open, windows may have got PTEs through it.
 */
struct vmmu_ptpage {
	u64 index;
	struct list_head uses;
	struct list_head link;
	u64 *snapshot;
	bool unknown;
	bool pinned;
	bool leaks;
};

/**
 * struct vmmu_ptuse - what a page serves as
 * @link: in page->uses.
 * @todo: in ptpages.unscanned or dying, or in neither.
 * @page: the page.
 * @format: under which format.
 * @level: at which level.
 * @scanned: entries, the first ones, whose tables are referred to.
 * @holds: references of those who are about to make an entry.
 * @roots: spaces whose root it is.
 * @space: one of them.
 * @parents: number of entries that refer to it, and one for all @roots.
 * @parent: of all of those the entry's real address, or VMMU_PTPAGE_ROOT, by XOR.
 * @seen_roots: what an audit has counted of @roots.
 * @seen_parents: likewise, of @parents.
 * @seen_parent: likewise, of @parent.
 */
struct vmmu_ptuse {
	struct list_head link;
	struct list_head todo;
	struct vmmu_ptpage *page;
	const struct vmmu_format *format;
	unsigned int level;
	unsigned int scanned;
	unsigned long holds;
	unsigned long roots;
	struct vmmu_space *space;
	unsigned long parents;
	u64 parent;

	unsigned long seen_roots;
	unsigned long seen_parents;
	u64 seen_parent;
};

/* In use->parent: what is no entry's address. */
#define VMMU_PTPAGE_ROOT	1ULL

/**
 * struct vmmu_ptspare - memory for one more use; starts out as { }
 * @index: the page that it is for.
 * @page: used if the page has none.
 * @use: the use.
 * @charged: a page's worth was charged, for many of them.
 */
struct vmmu_ptspare {
	u64 index;
	struct vmmu_ptpage *page;
	struct vmmu_ptuse *use;
	bool charged;
};

/**
 * struct vmmu_use - what a page-table entry serves for
 * @space: a space whose table it belongs to; NULL: several may.
 * @format: its format.
 * @va: an address that it takes part in translating; 0, if several spaces may.
 * @level: the level at which it does.
 * @reserved: bits of it that are reserved there; where several spaces have the
 *	same root, or may get there, those that all of them reserve.
 *
 * One entry can serve in several spaces, and at several levels.
 */
struct vmmu_use {
	struct vmmu_space *space;
	const struct vmmu_format *format;
	struct vmmu_va va;
	unsigned int level;
	u64 reserved;
};

/**
 * struct vmmu_holds - tables that are ready to be referred to; starts out as { }
 * @nr: how many.
 * @keys: which.
 */
struct vmmu_holds {
	unsigned int nr;
	struct vmmu_ptkey keys[VMMU_MAX_USES];
};

void vmmu_ptpage_init(struct vmmu_vm *vm);

/* The VM has no spaces any more. */
void vmmu_ptpage_exit(struct vmmu_vm *vm);

/* vmmu_ptpage_find() of a page that was not found recently. */
struct vmmu_ptpage *vmmu_ptpage_look_up(struct vmmu_vm *vm, u64 index);

static inline struct vmmu_ptpage **vmmu_ptpage_recent(struct vmmu_vm *vm,
						      u64 index)
{
	return &vm->ptpages.recent[index % VMMU_PTPAGES_RECENT];
}

/* The page, if it is a page table; NULL: it is none. Caller holds vm->lock. */
static inline struct vmmu_ptpage *vmmu_ptpage_find(struct vmmu_vm *vm, u64 index)
{
	struct vmmu_ptpage *page = READ_ONCE(*vmmu_ptpage_recent(vm, index));

	lockdep_assert_held(&vm->lock);

	return page && page->index == index ? page :
					      vmmu_ptpage_look_up(vm, index);
}

/*
 * Have a table and all below it tracked and protected, until it is released
 * again. Returns -ENOMEM, or -EINTR after a fatal signal. Caller holds no lock.
 */
int vmmu_ptpage_hold(struct vmmu_vm *vm, const struct vmmu_ptkey *key);
void vmmu_ptpage_release(struct vmmu_vm *vm, const struct vmmu_ptkey *key);

/*
 * Likewise, what is going to be the root of a space. Nothing happens to a LAZY
 * one's, or beyond real memory, here and below.
 */
int vmmu_ptpage_hold_root(struct vmmu_space *space, u64 root);
void vmmu_ptpage_release_root(struct vmmu_space *space, u64 root);

/*
 * A table that is held is the space's root from now on, or is no more. Caller
 * holds vm->lock for writing, and calls vmmu_ptpage_reap() without it.
 */
void vmmu_ptpage_add_root(struct vmmu_space *space);
void vmmu_ptpage_drop_root(struct vmmu_space *space);

/*
 * What an entry serves for in TRAPPING spaces: up to VMMU_MAX_USES uses, none if
 * no space gets there. Caller holds vm->lock.
 */
unsigned int vmmu_ptpage_uses(struct vmmu_vm *vm, struct vmmu_ra entry,
			      struct vmmu_use *uses);

/* Count what happened to a page table, for its space or the VM. Likewise. */
void vmmu_ptpage_count(struct vmmu_vm *vm, u64 index, enum vmmu_count what);

/*
 * The tables that @new in this entry would refer to, and what is established
 * does not: to be held before it is stored. Caller holds vm->lock.
 */
void vmmu_ptpage_wanted(struct vmmu_vm *vm, struct vmmu_ra entry, u64 new,
			struct vmmu_holds *wanted);

/* Whether all of these are held. */
bool vmmu_ptpage_held(const struct vmmu_holds *holds,
		      const struct vmmu_holds *wanted);

/* Hold them; -ENOMEM, -EINTR: none is. Let go of them. Caller holds no lock. */
int vmmu_ptpage_hold_all(struct vmmu_vm *vm, struct vmmu_holds *holds);
void vmmu_ptpage_release_all(struct vmmu_vm *vm, struct vmmu_holds *holds);

/*
 * The entry was @old and is @new now; what it wanted is held. Caller holds vm->lock for
 * writing, and calls vmmu_ptpage_reap() without it.
 */
void vmmu_ptpage_establish(struct vmmu_vm *vm, struct vmmu_ra entry, u64 old,
			   u64 new);

/* What was established in an entry of a page table. Caller holds vm->lock. */
u64 vmmu_ptpage_established(struct vmmu_vm *vm, struct vmmu_ptpage *page,
			    unsigned int i);

/*
 * Look at the entries of new tables: -EAGAIN after a part of the work, -ENODATA
 * if @spare is to be filled. Caller holds vm->lock for writing.
 */
int vmmu_ptpage_scan(struct vmmu_vm *vm, struct vmmu_ptspare *spare);
int vmmu_ptspare_fill(struct vmmu_vm *vm, struct vmmu_ptspare *spare);
void vmmu_ptspare_free(struct vmmu_vm *vm, struct vmmu_ptspare *spare);

/*
 * Forget tables that nothing refers to any more; what lies below them, too. Takes as
 * long as it takes: nobody else would. Caller holds no lock.
 */
void vmmu_ptpage_reap(struct vmmu_vm *vm);

/*
 * Let a page table be written through mappings, until it is closed: have all
 * zapped that windows have through it. -ENOMEM. Caller holds no lock but a
 * fault's.
 */
int vmmu_ptpage_open(struct vmmu_vm *vm, u64 index);

/*
 * A window is going to get PTEs, maybe through pages that are open now. Comes after
 * the sequence was read; otherwise as above.
 */
void vmmu_ptpage_leak(struct vmmu_vm *vm);

/*
 * Open a page table whose entries can't be followed now; they are looked at when
 * it is closed. Nothing happens to other pages. Caller holds vm->lock for writing.
 */
void vmmu_ptpage_forget(struct vmmu_vm *vm, u64 index);

/* Part of that: it is open, and without a snapshot. */
void vmmu_ptpage_lose(struct vmmu_vm *vm, struct vmmu_ptpage *page);

/*
 * Write-protect a page table, everywhere. False: somebody holds the page, if only
 * a fault that waits for vm->lock, and it is open. Caller holds vm->lock for
 * writing.
 */
bool vmmu_ptpage_protect(struct vmmu_vm *vm, struct vmmu_ptpage *page);

/* An open page is not to be waited for any more: it is pinned. Likewise. */
void vmmu_ptpage_pin(struct vmmu_vm *vm, struct vmmu_ptpage *page);

/*
 * An open page that was protected is what was established; if there was no
 * snapshot, its entries are to be scanned before. Likewise.
 */
void vmmu_ptpage_close(struct vmmu_vm *vm, struct vmmu_ptpage *page);

/* Have the entries of a page looked at that was opened without a snapshot. */
void vmmu_ptpage_rescan(struct vmmu_vm *vm, struct vmmu_ptpage *page);

/* A page table that has lost its frame is zeroes, and closed. Likewise. */
void vmmu_ptpage_wipe(struct vmmu_vm *vm, u64 index);

/* Pinned pages that nobody holds any more are open ones again. Likewise. */
void vmmu_ptpage_unpin(struct vmmu_vm *vm);

/*
 * The table that an entry of a table refers to, as it is established; NULL: it is
 * not known. False: to none. Caller holds vm->lock.
 */
bool vmmu_ptpage_child(struct vmmu_vm *vm, const struct vmmu_ptuse *use,
		       unsigned int i, struct vmmu_ptuse **child);

/*
 * Count everything again. Returns how many pages are wrong, and names the first; 0
 * after a fatal signal. Caller holds vm->lock for writing.
 */
unsigned long vmmu_ptpage_audit(struct vmmu_vm *vm, u64 *first_wrong);

#endif /* VMMU_PTPAGE_H */
