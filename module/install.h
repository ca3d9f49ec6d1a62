/* SPDX-License-Identifier: GPL-2.0 */
/* Installing page-table entries: the only code that changes both levels. */
#ifndef VMMU_INSTALL_H
#define VMMU_INSTALL_H

#include "shadow.h"

/* How an install came about. */
enum vmmu_cause {
	VMMU_CAUSE_HYPERCALL,
	VMMU_CAUSE_ROLLBACK,
};

/**
 * struct vmmu_use - what a page-table entry serves for
 * @space: the space whose table it belongs to.
 * @va: an address that it takes part in translating.
 * @level: the level at which it does.
 *
 * One entry can serve in several spaces, and at several levels.
 */
struct vmmu_use {
	struct vmmu_space *space;
	struct vmmu_va va;
	unsigned int level;
};

/**
 * struct vmmu_batch - a batch of installs under way
 * @space: the space it is for.
 * @flags: VMMU_INSTALL_*.
 * @done: elements that are in force.
 * @reason: why the last element stopped the batch, if it did.
 * @level: the level at which the reason was found.
 * @undo: ATOMIC: what to put back, room for every element; else NULL.
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

/*
 * Store a guest's page-table entry, and establish in the real map table what
 * it maps: the uses, of which there is at least one, must have their frames.
 * @old is the entry as the caller read it. Returns -EAGAIN if it has changed;
 * -ENOENT if a frame is missing, for vmmu_install_provide() to provide. The
 * outcome is that of the first use. Caller holds vm->lock for writing, and
 * flushes @zap before it lets go.
 */
int vmmu_install(struct vmmu_vm *vm, struct vmmu_ra entry, u64 old, u64 new,
		 enum vmmu_cause cause, const struct vmmu_use *uses,
		 unsigned int nr_uses, struct vmmu_zap *zap,
		 enum vmmu_outcome *outcome);

/*
 * Provide the frames that an install needs: the table page's, and that of each
 * 4 KiB page that the new entry maps, or with @large of larger pages, too.
 * Returns -ENOMEM, or -EINTR after a fatal signal. Caller holds no lock.
 */
int vmmu_install_provide(struct vmmu_vm *vm, struct vmmu_ra entry, u64 new,
			 const struct vmmu_use *uses, unsigned int nr_uses,
			 bool large);

/*
 * Apply @nr elements, one after the other, and note the outcome of each.
 * Returns 0, or what stopped the batch: -ENXIO (batch->reason and level say
 * why), -EINVAL or -EOPNOTSUPP (the element is malformed), -ENOMEM, -EINTR.
 * Takes vm->lock; the elements and outcomes are the kernel's memory.
 */
int vmmu_install_batch(struct vmmu_batch *batch,
		       const struct vmmu_install_op *ops, unsigned int nr,
		       u8 *outcomes);

/* ATOMIC: put back what the batch did, newest first; done becomes 0. */
void vmmu_install_rollback(struct vmmu_batch *batch);

#endif /* VMMU_INSTALL_H */
