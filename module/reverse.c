// SPDX-License-Identifier: GPL-2.0
/*
 * Reverse questions. Nothing is kept for them: a frame knows its real page,
 * and page tables are scanned, a bounded part in a call. A scan takes a copy
 * of a space's root and mode, so the space may end meanwhile.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "reverse.h"
#include "settle.h"
#include "translate.h"

/* Runs of a page table that are staged on the stack at a time. */
#define STAGE	16

/* Scans, each of them bounded, that one call makes at most. */
#define SCANS	64

long vmmu_reverse_frame(struct vmmu_vm *vm, struct vmmu_real_of_frame *args)
{
	u64 index;

	if (args->flags)
		return -EOPNOTSUPP;
	if (!vmmu_vm_frames_shown(vm))
		return -EPERM;
	if (!vmmu_realmap_find(&vm->realmap, args->frame, &index))
		return -ENOENT;
	args->ra = vmmu_ra_of_index(index).value;
	return 0;
}

/* The first space whose id is not less than @id, or NULL. */
static struct vmmu_space *space_from(struct vmmu_vm *vm, u64 id)
{
	struct vmmu_space *space;

	lockdep_assert_held(&vm->lock);

	list_for_each_entry(space, &vm->spaces, link)
		if (space->id >= id)
			return space;
	return NULL;
}

/*
 * Begin where args->space and args->va say, or at the next space if there is
 * no such one any more. Returns -ENOENT behind the last space, and -EINVAL for
 * an address that is not canonical there.
 */
static int begin_scan(struct vmmu_vm *vm, struct vmmu_mappers *args,
		      struct vmmu_scan *scan)
{
	struct vmmu_space *space;
	int err = -ENOENT;

	down_read(&vm->lock);
	space = space_from(vm, args->space);
	if (space) {
		u64 va = space->id == args->space ? args->va : 0;

		*scan = (struct vmmu_scan){
			.realmap = &vm->realmap,
			.va = va,
			.last = vmmu_format_last(space->format),
		};
		vmmu_space_walk_init(space, &scan->walk);
		err = vmmu_format_canonical(space->format, vmmu_va(va)) ?
			0 : -EINVAL;
		if (!err) {
			args->space = space->id;
			args->va = va;
		}
	}
	up_read(&vm->lock);
	return err;
}

/* Find up to @nr mappers of @ra, at most STAGE; a run has one at most. */
static u32 find_mappers(struct vmmu_scan *scan, u64 space, u64 ra,
			struct vmmu_mapper *mappers, u32 nr)
{
	struct vmmu_mapping runs[STAGE];
	u32 found = 0;

	nr = vmmu_scan_mappings(scan, runs, min_t(u32, nr, STAGE));
	for (u32 i = 0; i < nr; i++) {
		const struct vmmu_mapping *run = &runs[i];

		if (ra < run->ra || ra - run->ra >= run->bytes)
			continue;
		mappers[found++] = (struct vmmu_mapper){
			.space = space,
			.va = run->va + (ra - run->ra),
			.attributes = run->attributes,
			.rights = run->rights,
			.page_shift = run->page_shift,
		};
	}
	return found;
}

/* Go on behind a scan. */
static void advance(struct vmmu_mappers *args, const struct vmmu_scan *scan)
{
	args->va = scan->va;
	if (scan->ended) {
		args->space++;
		args->va = 0;
	}
}

long vmmu_reverse_mappers(struct vmmu_vm *vm, struct vmmu_mappers *args)
{
	struct vmmu_mapper __user *user = u64_to_user_ptr(args->mappers);
	struct vmmu_mapper stage[STAGE];
	struct vmmu_scan scan;
	int err, settled;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	if (!vmmu_page_aligned(args->ra) || args->ra >= vm->real_bytes ||
	    !args->nr || args->nr > VMMU_MAX_BATCH)
		return -EINVAL;

	err = begin_scan(vm, args, &scan);
	if (err == -EINVAL)
		return err;

	args->done = 0;
	args->more = 1;
	settled = vmmu_settle_vm(vm);
	if (settled)
		return settled;
	for (u32 i = 0; !err && i < SCANS && args->done < args->nr; i++) {
		u32 nr = find_mappers(&scan, args->space, args->ra, stage,
				      args->nr - args->done);

		if (copy_to_user(user + args->done, stage, nr * sizeof(*stage)))
			return -EFAULT;
		args->done += nr;
		advance(args, &scan);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		err = begin_scan(vm, args, &scan);
	}
	args->more = !err;
	return 0;
}
