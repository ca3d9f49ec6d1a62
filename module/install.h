/* SPDX-License-Identifier: GPL-2.0 */
/* Installing page-table entries: the only code that changes both levels. */
#ifndef VMMU_INSTALL_H
#define VMMU_INSTALL_H

#include "ptpage.h"
#include "trapq.h"

/* Elements of a batch that are applied at a time. */
#define VMMU_BATCH_STAGE	64U

/* How an install came about. */
enum vmmu_cause {
	VMMU_CAUSE_HYPERCALL,
	VMMU_CAUSE_ROLLBACK,
	VMMU_CAUSE_STORE,
	VMMU_CAUSE_REREAD,
	VMMU_CAUSE_DISCARD,
};

/**
 * struct vmmu_change - a change of an entry
 * @entry: the entry's real address.
 * @old: what it was.
 * @new: what it becomes.
 * @cause: how it came about.
 * @named: the first of @uses is what a hypercall names.
 * @nr_uses: number of @uses.
 * @uses: what it serves for.
 * @holds: tables that are ready to be referred to.
 */
struct vmmu_change {
	struct vmmu_ra entry;
	u64 old;
	u64 new;
	enum vmmu_cause cause;
	bool named;
	unsigned int nr_uses;
	struct vmmu_use uses[VMMU_MAX_USES + 1];
	struct vmmu_holds holds;
};

/**
 * struct vmmu_ask - monitors that are asked before an install, one after the
 *	other; starts out as { }
 * @queue: where, a reference, until it has answered.
 * @waiter: how that is waited for.
 * @answered: id of the last space whose monitor has allowed what follows; 0: none.
 * @entry: the entry.
 * @old: what it was then.
 * @new: what it may become.
 */
struct vmmu_ask {
	struct vmmu_trapq *queue;
	struct vmmu_waiter waiter;
	u64 answered;
	struct vmmu_ra entry;
	u64 old;
	u64 new;
};

/**
 * struct vmmu_batch - a batch of installs under way
 * @space: the space it is for.
 * @flags: VMMU_INSTALL_*.
 * @done: elements that are in force.
 * @reason: why the last element stopped the batch, if it did.
 * @level: the level at which the reason was found.
 * @undo: ATOMIC: what to put back, room for every element; else NULL.
 * @change: the change that is under way.
 * @ask: who is asked about it.
 * @zap: what is to be zapped before vm->lock is dropped.
 * @walk: stands at the table page last found, so neighbours cost no walk.
 * @sequence: the invalidation sequence when it was found.
 * @walk_valid: whether one was found.
 */
struct vmmu_batch {
	struct vmmu_space *space;
	u32 flags;
	u32 done;
	enum vmmu_reason reason;
	u32 level;
	struct vmmu_undo *undo;
	struct vmmu_change change;
	struct vmmu_ask ask;
	struct vmmu_zap zap;

	struct vmmu_walk walk;
	u64 sequence;
	bool walk_valid;
};

/**
 * struct vmmu_undo - how to take an install back
 * @entry: the entry's real address.
 * @old: what it was.
 * @new: what it became.
 * @va: the address by which it was named.
 * @level: its level.
 */
struct vmmu_undo {
	struct vmmu_ra entry;
	u64 old;
	u64 new;
	struct vmmu_va va;
	u32 level;
};

/* For changes that are not zeroed to start with: it holds nothing yet. */
static inline void vmmu_change_start(struct vmmu_change *change)
{
	change->holds.nr = 0;
}

/*
 * A change of the entry at @entry. Its uses are those in TRAPPING spaces, and
 * @named, if it is not NULL. Caller holds vm->lock, as for all of the following.
 */
void vmmu_change_init(struct vmmu_change *change, struct vmmu_vm *vm,
		      struct vmmu_ra entry, enum vmmu_cause cause,
		      const struct vmmu_use *named);

/*
 * Store a guest's page-table entry, and establish in the real map table what
 * it maps; a REREAD was stored already. Returns -EAGAIN if the entry is not what
 * the change says; -ENOENT if something is missing that vmmu_change_provide()
 * provides. The outcome is that of the first use, if there is one. Caller holds vm->lock for
 * writing, flushes @zap before it lets go, and ends the change without it.
 */
int vmmu_install(struct vmmu_vm *vm, struct vmmu_change *change,
		 struct vmmu_zap *zap, enum vmmu_outcome *outcome);

/*
 * Provide what an install needs: the table page's frame, that of each 4 KiB page
 * that the new entry maps, or with @large of a larger one that it maps by its first
 * use, too; and the tables that it refers to, for TRAPPING spaces. Returns -ENOMEM,
 * or -EINTR after a fatal signal. Caller holds no lock; uses are to be found again,
 * then.
 */
int vmmu_change_provide(struct vmmu_vm *vm, struct vmmu_change *change,
			bool large);

/* Part of that: give each real page of a mapping its frame, if it lies in real memory. */
int vmmu_install_provide(struct vmmu_realmap *realmap,
			 const struct vmmu_entry *entry);

/* Count it for the space that it is about, or for the VM: not for one alone. */
void vmmu_change_count(struct vmmu_vm *vm, const struct vmmu_change *change,
		       enum vmmu_count what);

/* What storing @value would establish by this use of the entry. */
enum vmmu_outcome vmmu_use_classify(struct vmmu_vm *vm,
				    const struct vmmu_use *use, u64 value,
				    struct vmmu_entry *entry);

/* Tell monitors about a change that was made. Caller holds vm->lock. */
void vmmu_install_notify(struct vmmu_vm *vm, const struct vmmu_change *change);

/* Whether some monitor is to be asked before a change. Caller holds vm->lock. */
bool vmmu_install_concerns(struct vmmu_vm *vm, const struct vmmu_change *change);

/* Make the change what was allowed, if there are answers for just this. */
void vmmu_install_recall(struct vmmu_change *change, struct vmmu_ask *ask);

/*
 * Then, whether there is a monitor to be asked, which has not answered yet. Caller
 * holds vm->lock.
 */
bool vmmu_install_asks(struct vmmu_vm *vm, const struct vmmu_change *change,
		       struct vmmu_ask *ask);

/*
 * Then, ask it. 0: look again; -EPERM: it has denied the change; -EINTR: a signal
 * came first. Caller holds no lock.
 */
int vmmu_install_ask(struct vmmu_ask *ask);

/* It was denied: count that. Caller holds vm->lock. */
void vmmu_install_denied(struct vmmu_vm *vm, const struct vmmu_ask *ask);

/* After the last attempt: let go of what was provided. Caller holds no lock. */
void vmmu_change_end(struct vmmu_vm *vm, struct vmmu_change *change);

/*
 * Apply @nr elements, one after the other, and note the outcome of each.
 * Returns 0, or what stopped the batch: -ENXIO (batch->reason and level say
 * why), -EPERM (likewise), -EINVAL or -EOPNOTSUPP (the element is malformed),
 * -ENOMEM, -EINTR.
 * Takes vm->lock; the elements and outcomes are the kernel's memory.
 */
int vmmu_install_batch(struct vmmu_batch *batch,
		       const struct vmmu_install_op *ops, unsigned int nr,
		       u8 *outcomes);

/*
 * Part of that, for as many elements as there are that need nothing but to be
 * stored to one last-level table, that where the batch's walk stands, or by real
 * addresses the one that they are in. Returns how many.
 */
unsigned int vmmu_install_run(struct vmmu_batch *batch,
			      const struct vmmu_install_op *ops,
			      unsigned int nr, u8 *outcomes);

/* ATOMIC: put back what the batch did, newest first; done becomes 0. */
void vmmu_install_rollback(struct vmmu_batch *batch);

#endif /* VMMU_INSTALL_H */
