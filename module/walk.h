/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A walk of a guest's page table: a structure with small moves.
 *
 *	vmmu_walk_init(&walk, realmap, format, root, mode);
 *	vmmu_walk_start(&walk, va);
 *	vmmu_walk_down(&walk)		reads an entry of each level
 *	vmmu_walk_judge(&walk, access)	may this access be made?
 *	vmmu_walk_mark(&walk, write)	sets Accessed and Dirty
 *
 * The guest may change its tables meanwhile: every entry is read once into
 * the structure, and only that copy is used. In the module the caller holds
 * rcu_read_lock() over the moves. Pure code: compiles in userspace, too.
 */
#ifndef VMMU_WALK_H
#define VMMU_WALK_H

#include "format.h"
#include "word.h"

/**
 * struct vmmu_walk_step - an entry that a walk read
 * @ra: its real address.
 * @value: its value.
 * @above: grants of the levels above it.
 */
struct vmmu_walk_step {
	struct vmmu_ra ra;
	u64 value;
	u64 above;
};

/**
 * struct vmmu_walk - where a walk is
 * @realmap: whose real memory the tables are in.
 * @format: the tables' format.
 * @mode: mode bits of the walk.
 * @reserved: the format's reserved bits under this mode.
 * @root: the root table.
 * @va: the address that is looked for.
 * @level: level of the entry that was read last, or is read next; 0: the address
 *	is not canonical, or the walk was left.
 * @table: table of that level.
 * @grants: what the entries read so far grant together, see struct
 *	vmmu_format.
 * @entry: the page that it ended at.
 * @reason: why the walk ended; NONE: at a page (or it goes on).
 * @nr_steps: number of entries read.
 * @steps: the entries, root first.
 */
struct vmmu_walk {
	struct vmmu_realmap *realmap;
	const struct vmmu_format *format;
	struct vmmu_mode mode;
	u64 reserved;
	struct vmmu_ra root;

	struct vmmu_va va;
	unsigned int level;
	struct vmmu_ra table;
	u64 grants;
	struct vmmu_entry entry;
	enum vmmu_reason reason;

	unsigned int nr_steps;
	struct vmmu_walk_step steps[VMMU_MAX_LEVELS];
};

void vmmu_walk_init(struct vmmu_walk *walk, struct vmmu_realmap *realmap,
		    const struct vmmu_format *format, struct vmmu_ra root,
		    const struct vmmu_mode *mode);

/* Begin at the root. An address that is not canonical ends the walk here. */
void vmmu_walk_start(struct vmmu_walk *walk, struct vmmu_va va);

/*
 * Begin at the lowest table that the finished walk has in common with @va:
 * neighbours cost one step. Tables above that are not read again, as by a
 * processor that caches upper-level entries; so reuse a walk only within one
 * call, and start again when the VM's invalidation sequence has moved.
 */
void vmmu_walk_resume(struct vmmu_walk *walk, struct vmmu_va va);

/*
 * For a walk that stands, without a reason, at @level, before it has read the
 * entry there: go on with @va if it uses the same table. Returns whether.
 */
bool vmmu_walk_move(struct vmmu_walk *walk, struct vmmu_va va,
		    unsigned int level);

/*
 * Read entries until the walk stands at @level, before it has read the entry
 * there, or has ended: reason says why, or NONE, with entry the page.
 */
void vmmu_walk_to(struct vmmu_walk *walk, unsigned int level);

/* To the end; returns the reason. */
static inline enum vmmu_reason vmmu_walk_down(struct vmmu_walk *walk)
{
	vmmu_walk_to(walk, 0);
	return walk->reason;
}

/*
 * Of a walk that was to go on to its end: whether that was on the way to the page
 * of @va, and it was not left.
 */
static inline bool vmmu_walk_is_at(const struct vmmu_walk *walk,
				   struct vmmu_va va)
{
	return walk->nr_steps && walk->level &&
	       !((walk->va.value ^ va.value) >> VMMU_PAGE_SHIFT);
}

/* Have the last entry read again, wherever the walk goes next. */
static inline void vmmu_walk_leave(struct vmmu_walk *walk)
{
	walk->level = 0;
}

/**
 * struct vmmu_run - entries that lie behind a walk's in the same table
 * @next: the first of them.
 * @end: behind the last.
 */
struct vmmu_run {
	const u64 *next;
	const u64 *end;
};

/*
 * The run behind a walk that has ended at an entry of level 1; else an empty one.
 * For as long as the caller holds rcu_read_lock().
 */
struct vmmu_run vmmu_walk_run(const struct vmmu_walk *walk);

/*
 * Bits that another entry of the run must share with the walk's own, which has ended
 * at a page, to be a 4 KiB page with the same rights; those of @but may differ.
 */
static inline u64 vmmu_walk_likeness(const struct vmmu_walk *walk, u64 but)
{
	return ~(walk->format->address | but) | walk->reserved;
}

/* Where va lies in real memory. After a walk that ended at a page. */
struct vmmu_ra vmmu_walk_ra(const struct vmmu_walk *walk);

/* VMMU_RIGHT_* that all entries together grant. Likewise. */
u8 vmmu_walk_rights(const struct vmmu_walk *walk);

/* The last entry read. After a walk that has read one. */
static inline u64 vmmu_walk_leaf(const struct vmmu_walk *walk)
{
	return walk->steps[walk->nr_steps - 1].value;
}

/* Tell the entries read, one by one, as userspace sees them; root first. */
void vmmu_walk_explain(const struct vmmu_walk *walk, struct vmmu_step *steps);

/**
 * struct vmmu_verdict - the answer of vmmu_walk_judge()
 * @reason: the rule that forbids the access, or NONE.
 * @level: the level at which it does; the leaf's for NONE.
 * @fault: a page fault, so that @error_code holds.
 * @error_code: VMMU_PF_*.
 */
struct vmmu_verdict {
	enum vmmu_reason reason;
	u8 level;
	bool fault;
	u32 error_code;
};

/* Accesses that may be made to the page a walk has ended at, as format->allows(). */
static inline u8 vmmu_walk_allows(const struct vmmu_walk *walk, bool user)
{
	return walk->format->allows(walk->grants, vmmu_walk_leaf(walk),
				    &walk->mode, user);
}

/* Whether the access may be made, after a walk that has ended. */
struct vmmu_verdict vmmu_walk_judge(const struct vmmu_walk *walk,
				    struct vmmu_access_kind access);

/*
 * Set Accessed in every entry on the way and, for a write, Dirty in the last,
 * each by compare-and-exchange on the entry as it was read. Returns false when
 * an entry has changed meanwhile: start the walk again.
 */
bool vmmu_walk_mark(struct vmmu_walk *walk, bool write);

/* Part of the following. */
bool vmmu_walk_all_marked(const struct vmmu_walk *walk, bool write);

/* Whether all of that is set, in the entries as they were read. */
static inline bool vmmu_walk_marked(const struct vmmu_walk *walk, bool write)
{
	const u64 *marked = walk->format->marked;

	/* What denies nothing is in the grants if all entries have it. */
	return (!(~walk->grants & marked[false]) &&
		!(write && (~vmmu_walk_leaf(walk) & marked[true]))) ||
	       vmmu_walk_all_marked(walk, write);
}

/* Whether every entry is what was read, or was marked since by this walk. */
bool vmmu_walk_holds(const struct vmmu_walk *walk);

#endif /* VMMU_WALK_H */
