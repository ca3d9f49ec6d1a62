// SPDX-License-Identifier: GPL-2.0
/*
 * The calls on a space that work on its page table: arguments are checked and
 * arrays are copied here, a stage at a time with no lock held; the work is
 * done by install_batch.c and translate.c.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "install.h"
#include "settle.h"
#include "space_calls.h"
#include "translate.h"
#include "window.h"

/* Elements that are staged on the stack at a time, which has no 2 KiB for them. */
#define ARRAY_STAGE	32
#define RANGE_STAGE	48
#define MAPPINGS_STAGE	16

#define INSTALL_FLAGS	(VMMU_INSTALL_ATOMIC | VMMU_INSTALL_STOP | \
			 VMMU_INSTALL_PROVIDE | VMMU_INSTALL_BY_RA)
#define TRANSLATE_FLAGS	(VMMU_TRANSLATE_USER | VMMU_TRANSLATE_SET_AD | \
			 VMMU_TRANSLATE_PROVIDE)

/* Elements of a batch, a stage at a time: copy in, apply, copy outcomes out. */
static long install_stages(struct vmmu_batch *batch,
			   const struct vmmu_install *args)
{
	const struct vmmu_install_op __user *ops = u64_to_user_ptr(args->ops);
	u8 __user *outcomes = u64_to_user_ptr(args->outcomes);
	struct vmmu_install_op stage[VMMU_BATCH_STAGE] __uninitialized;
	u8 stage_outcomes[VMMU_BATCH_STAGE] __uninitialized;

	while (batch->done < args->nr) {
		u32 first = batch->done;
		u32 nr = min_t(u32, args->nr - first, VMMU_BATCH_STAGE);
		long err;

		if (copy_from_user(stage, ops + first, nr * sizeof(*stage)))
			return -EFAULT;
		err = vmmu_settle(batch->space);
		if (err) {
			batch->reason = err == -ENOMEM ? VMMU_REASON_NOFRAME :
							 VMMU_REASON_NONE;
			batch->level = 0;
			return err;
		}
		err = vmmu_install_batch(batch, stage, nr, stage_outcomes);
		vmmu_window_prefill(batch->space, stage, stage_outcomes,
				    batch->done - first);
		if (outcomes && copy_to_user(outcomes + first, stage_outcomes,
					     batch->done - first))
			return -EFAULT;
		if (err)
			return err;
		cond_resched();
		if (batch->done < args->nr && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

long vmmu_space_install(struct vmmu_call *call)
{
	struct vmmu_install *args = call->arg;
	struct vmmu_batch batch = {
		.space = call->file->private_data,
		.flags = args->flags,
	};
	long err;

	if (args->flags & ~INSTALL_FLAGS || args->reserved)
		return -EOPNOTSUPP;
	if (!args->nr || args->nr > VMMU_MAX_BATCH)
		return -EINVAL;
	if (args->flags & VMMU_INSTALL_ATOMIC) {
		batch.undo = kvmalloc_array(args->nr, sizeof(*batch.undo),
					    GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
					    __GFP_RETRY_MAYFAIL);
		if (!batch.undo) {
			args->done = 0;
			args->index = 0;
			args->reason = VMMU_REASON_NONE;
			args->level = 0;
			return -ENOMEM;
		}
	}
	err = install_stages(&batch, args);
	args->index = batch.done;
	args->reason = err ? batch.reason : VMMU_REASON_NONE;
	args->level = args->reason ? batch.level : 0;
	if (err && batch.undo)
		vmmu_install_rollback(&batch);
	args->done = batch.done;
	kvfree(batch.undo);
	return err;
}

/* What the stages of a translation have in common: to copy answers out, and go on. */
static int copy_answers(struct vmmu_translate *args,
			const struct vmmu_translation *stage, unsigned int done,
			int err)
{
	struct vmmu_translation __user *results =
		u64_to_user_ptr(args->results);

	/* The answer that failed tells why, behind the good ones. */
	if (copy_to_user(results + args->done, stage,
			 (done + (err == -ENOMEM)) * sizeof(*stage)))
		return -EFAULT;
	args->done += done;
	if (err)
		return err;
	cond_resched();
	return args->done < args->nr && fatal_signal_pending(current) ? -EINTR :
									0;
}

static int translate_array(struct vmmu_query *query,
			   struct vmmu_translate *args)
{
	const u64 __user *vas = u64_to_user_ptr(args->vas);
	struct vmmu_translation stage[ARRAY_STAGE] __uninitialized;
	u64 stage_vas[ARRAY_STAGE] __uninitialized;
	int err = 0;

	while (args->done < args->nr && !err) {
		u32 nr = min_t(u32, args->nr - args->done, ARRAY_STAGE);
		u32 i = 0;

		if (copy_from_user(stage_vas, vas + args->done,
				   nr * sizeof(*stage_vas)))
			return -EFAULT;
		err = vmmu_settle_for(query->space, &stage[0]);
		while (!err && i < nr) {
			err = vmmu_translate(query, vmmu_va(stage_vas[i]),
					     &stage[i]);
			i += !err;
		}
		err = copy_answers(args, stage, i, err);
	}
	return err;
}

static int translate_range(struct vmmu_query *query,
			   struct vmmu_translate *args)
{
	struct vmmu_translation stage[RANGE_STAGE] __uninitialized;
	int err = 0;

	while (args->done < args->nr && !err) {
		u32 nr = min_t(u32, args->nr - args->done, RANGE_STAGE);
		u64 va = args->va + ((u64)args->done << PAGE_SHIFT);
		u32 done = 0;

		err = vmmu_settle_for(query->space, &stage[0]);
		if (!err)
			err = vmmu_translate_pages(query, vmmu_va(va), stage,
						   nr, &done);
		err = copy_answers(args, stage, done, err);
	}
	return err;
}

static int check_translate(const struct vmmu_translate *args)
{
	u64 last = args->va + ((u64)(args->nr - 1) << PAGE_SHIFT);

	if (args->flags & ~TRANSLATE_FLAGS || args->reserved)
		return -EOPNOTSUPP;
	if (args->access > VMMU_ACCESS_FETCH)
		return -EINVAL;
	if (!args->nr || args->nr > VMMU_MAX_BATCH)
		return -EINVAL;
	if (!args->vas && last < args->va)
		return -EINVAL;
	if (!args->results && args->nr > 1)
		return -EINVAL;
	return 0;
}

long vmmu_space_translate(struct vmmu_call *call)
{
	struct vmmu_translate *args = call->arg;
	struct vmmu_query query __uninitialized;
	u64 va = args->va;
	int err = check_translate(args);

	if (err)
		return err;
	args->done = 0;
	vmmu_query_init_caller(&query, call->file->private_data, args->access,
			       args->flags);
	if (args->results)
		return args->vas ? translate_array(&query, args) :
				   translate_range(&query, args);

	if (args->vas && get_user(va, (u64 __user *)u64_to_user_ptr(args->vas)))
		return -EFAULT;
	err = vmmu_settle_for(query.space, &args->result);
	if (!err)
		err = vmmu_translate(&query, vmmu_va(va), &args->result);
	if (!err)
		args->done = 1;
	return err;
}

long vmmu_space_explain(struct vmmu_call *call)
{
	struct vmmu_space *space = call->file->private_data;
	struct vmmu_explain *args = call->arg;
	struct vmmu_step steps[VMMU_MAX_LEVELS];
	struct vmmu_query query;
	int err;

	if (args->flags & ~TRANSLATE_FLAGS || args->reserved)
		return -EOPNOTSUPP;
	if (args->access > VMMU_ACCESS_FETCH)
		return -EINVAL;
	if (args->nr < space->format->levels)
		return -EINVAL;
	args->done = 0;
	err = vmmu_settle_for(space, &args->result);
	if (err)
		return err;
	vmmu_query_init_caller(&query, space, args->access, args->flags);
	err = vmmu_translate(&query, vmmu_va(args->va), &args->result);
	if (err)
		return err;
	vmmu_walk_explain(&query.walk, steps);
	if (copy_to_user(u64_to_user_ptr(args->steps), steps,
			 query.walk.nr_steps * sizeof(*steps)))
		return -EFAULT;
	args->done = query.walk.nr_steps;
	return 0;
}

long vmmu_space_mappings(struct vmmu_call *call)
{
	struct vmmu_space *space = call->file->private_data;
	struct vmmu_mappings *args = call->arg;
	struct vmmu_mapping __user *user = u64_to_user_ptr(args->mappings);
	struct vmmu_mapping stage[MAPPINGS_STAGE];
	struct vmmu_scan scan = {
		.realmap = &space->vm->realmap,
		.va = args->va,
		.last = args->last,
	};
	int err;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	if (!args->nr || args->nr > VMMU_MAX_BATCH || args->last < args->va ||
	    !vmmu_format_canonical(space->format, vmmu_va(args->va)) ||
	    !vmmu_format_canonical(space->format, vmmu_va(args->last)))
		return -EINVAL;

	args->done = 0;
	args->more = 1;
	err = vmmu_settle(space);
	if (err)
		return err;
	vmmu_space_walk_init(space, &scan.walk);
	while (args->done < args->nr && !scan.ended) {
		u32 nr = min_t(u32, args->nr - args->done, ARRAY_SIZE(stage));

		nr = vmmu_scan_mappings(&scan, stage, nr);
		if (copy_to_user(user + args->done, stage, nr * sizeof(*stage)))
			return -EFAULT;
		args->done += nr;
		args->va = scan.va;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!nr)
			break;
	}
	args->more = !scan.ended;
	return 0;
}
