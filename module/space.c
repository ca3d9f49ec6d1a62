// SPDX-License-Identifier: GPL-2.0
/*
 * Spaces: registered page tables. Every call on a space's file starts here;
 * the work is done by install.c and translate.c.
 */
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fs.h"
#include "info.h"
#include "install.h"
#include "space.h"
#include "translate.h"

/* Elements that are staged on the stack at a time. */
#define STAGE	32

#define INSTALL_FLAGS	(VMMU_INSTALL_ATOMIC | VMMU_INSTALL_STOP | \
			 VMMU_INSTALL_PROVIDE)
#define TRANSLATE_FLAGS	(VMMU_TRANSLATE_USER | VMMU_TRANSLATE_SET_AD | \
			 VMMU_TRANSLATE_PROVIDE)

static struct vmmu_space *space_of(struct vmmu_call *call)
{
	return call->file->private_data;
}

static int check_mode(const struct vmmu_format *format,
		      const struct vmmu_mode *mode)
{
	if (mode->bits & ~format->mode_bits)
		return -EOPNOTSUPP;
	if (mode->maxphyaddr < format->min_ra_bits ||
	    mode->maxphyaddr > format->max_ra_bits)
		return -EINVAL;
	return 0;
}

static int check_root(u64 root, u32 maxphyaddr)
{
	if (!vmmu_page_aligned(root) || root >> maxphyaddr)
		return -EINVAL;
	return 0;
}

static void put_mode(struct vmmu_space *space, const struct vmmu_mode *mode)
{
	WRITE_ONCE(space->mode, vmmu_mode_pack(mode));
	space->reserved = space->format->reserved(mode);
}

static long space_info(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_space_info *info = call->arg;

	if (info->flags)
		return -EOPNOTSUPP;
	info->space_flags = space->flags;
	info->format = space->format->id;
	info->root = READ_ONCE(space->root);
	info->mode = vmmu_mode_unpack(READ_ONCE(space->mode));
	info->id = space->id;
	info->vm_id = space->vm->id;
	info->real_bytes = space->vm->real_bytes;
	info->levels = space->format->levels;
	info->va_bits = space->format->va_bits;
	return 0;
}

static long set_root(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_set_root *args = call->arg;
	int err;

	if (args->flags)
		return -EOPNOTSUPP;
	down_write(&space->vm->lock);
	err = check_root(args->root, vmmu_mode_unpack(space->mode).maxphyaddr);
	if (!err)
		WRITE_ONCE(space->root, args->root);
	up_write(&space->vm->lock);
	return err;
}

static long set_mode(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_set_mode *args = call->arg;
	int err;

	if (args->flags)
		return -EOPNOTSUPP;
	err = check_mode(space->format, &args->mode);
	if (err)
		return err;
	down_write(&space->vm->lock);
	err = check_root(space->root, args->mode.maxphyaddr);
	if (!err)
		put_mode(space, &args->mode);
	up_write(&space->vm->lock);
	return err;
}

/* Elements of a batch, STAGE at a time: copy in, apply, copy outcomes out. */
static long install_stages(struct vmmu_batch *batch,
			   const struct vmmu_install *args)
{
	const struct vmmu_install_op __user *ops = u64_to_user_ptr(args->ops);
	u8 __user *outcomes = u64_to_user_ptr(args->outcomes);
	struct vmmu_install_op stage[STAGE];
	u8 stage_outcomes[STAGE];

	while (batch->done < args->nr) {
		u32 first = batch->done;
		u32 nr = min_t(u32, args->nr - first, STAGE);
		long err;

		if (copy_from_user(stage, ops + first, nr * sizeof(*stage)))
			return -EFAULT;
		err = vmmu_install_batch(batch, stage, nr, stage_outcomes);
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

static long install(struct vmmu_call *call)
{
	struct vmmu_install *args = call->arg;
	struct vmmu_batch batch = {
		.space = space_of(call),
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
	args->level = err ? batch.level : 0;
	if (err && batch.undo)
		vmmu_install_rollback(&batch);
	args->done = batch.done;
	kvfree(batch.undo);
	return err;
}

/* Answers for an array or a range, STAGE at a time. */
static long translate_stages(struct vmmu_query *query,
			     struct vmmu_translate *args)
{
	struct vmmu_translation __user *results =
		u64_to_user_ptr(args->results);
	const u64 __user *vas = u64_to_user_ptr(args->vas);
	struct vmmu_translation stage[STAGE];
	u64 stage_vas[STAGE];

	while (args->done < args->nr) {
		u32 first = args->done;
		u32 nr = min_t(u32, args->nr - first, STAGE);
		u32 i;
		int err = 0;

		if (vas && copy_from_user(stage_vas, vas + first,
					  nr * sizeof(*stage_vas)))
			return -EFAULT;
		for (i = 0; i < nr; i++) {
			u64 va = vas ? stage_vas[i] :
				 args->va + ((u64)(first + i) << PAGE_SHIFT);

			err = vmmu_translate(query, vmmu_va(va), &stage[i]);
			if (err)
				break;
		}
		if (copy_to_user(results + first, stage, i * sizeof(*stage)))
			return -EFAULT;
		args->done += i;
		if (err)
			return err;
		cond_resched();
		if (args->done < args->nr && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
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

static long translate(struct vmmu_call *call)
{
	struct vmmu_translate *args = call->arg;
	struct vmmu_query query;
	u64 va = args->va;
	int err = check_translate(args);

	if (err)
		return err;
	args->done = 0;
	vmmu_query_init(&query, space_of(call), args->access, args->flags);
	if (args->results)
		return translate_stages(&query, args);

	if (args->vas && get_user(va, (u64 __user *)u64_to_user_ptr(args->vas)))
		return -EFAULT;
	err = vmmu_translate(&query, vmmu_va(va), &args->result);
	if (!err)
		args->done = 1;
	return err;
}

static long explain(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_explain *args = call->arg;
	struct vmmu_step steps[VMMU_MAX_LEVELS];
	struct vmmu_query query;
	u32 capacity = args->nr_steps;
	int err;

	if (args->flags & ~TRANSLATE_FLAGS)
		return -EOPNOTSUPP;
	if (args->access > VMMU_ACCESS_FETCH)
		return -EINVAL;
	if (capacity < space->format->levels)
		return -EINVAL;
	args->nr_steps = 0;
	vmmu_query_init(&query, space, args->access, args->flags);
	err = vmmu_translate(&query, vmmu_va(args->va), &args->result);
	if (err)
		return err;
	vmmu_walk_explain(&query.walk, steps);
	if (copy_to_user(u64_to_user_ptr(args->steps), steps,
			 query.walk.nr_steps * sizeof(*steps)))
		return -EFAULT;
	args->nr_steps = query.walk.nr_steps;
	return 0;
}

static long mappings(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_mappings *args = call->arg;
	struct vmmu_mapping __user *user = u64_to_user_ptr(args->mappings);
	struct vmmu_mapping stage[STAGE / 2];
	struct vmmu_scan scan = {
		.realmap = &space->vm->realmap,
		.va = args->va,
		.last = args->last,
	};

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	if (!args->nr || args->nr > VMMU_MAX_BATCH || args->last < args->va ||
	    !vmmu_format_canonical(space->format, vmmu_va(args->va)) ||
	    !vmmu_format_canonical(space->format, vmmu_va(args->last)))
		return -EINVAL;

	args->done = 0;
	args->more = 1;
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

static const struct vmmu_row space_rows[] = {
	VMMU_INFO_ROW,
	VMMU_ROW(VMMU_IOC_SPACE_INFO, space_info, vmmu_space_info, va_bits,
		 true),
	VMMU_ROW(VMMU_IOC_SET_ROOT, set_root, vmmu_set_root, root, false),
	VMMU_ROW(VMMU_IOC_SET_MODE, set_mode, vmmu_set_mode, mode, false),
	VMMU_ROW(VMMU_IOC_INSTALL, install, vmmu_install, outcomes, true),
	VMMU_ROW(VMMU_IOC_TRANSLATE, translate, vmmu_translate, result, true),
	VMMU_ROW(VMMU_IOC_EXPLAIN, explain, vmmu_explain, result, true),
	VMMU_ROW(VMMU_IOC_MAPPINGS, mappings, vmmu_mappings, mappings, true),
};

static long space_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vmmu_space *space = file->private_data;

	if (READ_ONCE(space->vm->dead) && cmd != VMMU_IOC_SPACE_INFO)
		return -EIO;
	return vmmu_ioctl(file, cmd, arg, space_rows, ARRAY_SIZE(space_rows));
}

static int space_release(struct inode *inode, struct file *file)
{
	struct vmmu_space *space = file->private_data;

	if (!space)
		return 0;
	atomic_dec(&space->vm->nr_spaces);
	fput(space->vm->file);
	kfree(space);
	return 0;
}

static void show_mode(struct seq_file *m, const struct vmmu_mode *mode)
{
	static const char *const names[] = {
		"WP", "NXE", "SMEP", "SMAP", "AC", "PKE", "CPL3",
	};

	seq_puts(m, "vmmu-mode:\t");
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (mode->bits & BIT_ULL(i))
			seq_printf(m, "%s ", names[i]);
	seq_printf(m, "PKRU=%#x MAXPHYADDR=%u\n", mode->pkru, mode->maxphyaddr);
}

static void space_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vmmu_space *space = file->private_data;
	struct vmmu_mode mode = vmmu_mode_unpack(READ_ONCE(space->mode));

	seq_printf(m, "vmmu-space:\t%llu\n", space->id);
	seq_printf(m, "vmmu-of-vm:\t%llu\n", space->vm->id);
	seq_printf(m, "vmmu-format:\t%s\n", space->format->name);
	seq_printf(m, "vmmu-kind:\t%s\n",
		   space->flags & VMMU_SPACE_TRAPPING ? "trapping" : "lazy");
	seq_printf(m, "vmmu-root:\t%#llx\n", READ_ONCE(space->root));
	show_mode(m, &mode);
}

static const struct file_operations space_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = space_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = space_release,
	.show_fdinfo = space_show_fdinfo,
	.llseek = noop_llseek,
};

/* A space that nobody knows yet, holding its VM's file. */
static struct vmmu_space *space_alloc(struct vmmu_vm *vm,
				      const struct vmmu_space_create *args)
{
	struct vmmu_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT |
					  __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	if (!space)
		return NULL;
	space->vm = vm;
	space->id = atomic64_inc_return(&vm->last_space_id);
	space->flags = args->flags;
	space->format = vmmu_format_find(args->format);
	space->root = args->root;
	put_mode(space, &args->mode);
	get_file(vm->file);
	atomic_inc(&vm->nr_spaces);
	return space;
}

long vmmu_space_create(struct vmmu_vm *vm, struct vmmu_call *call)
{
	struct vmmu_space_create *args = call->arg;
	const struct vmmu_format *format = vmmu_format_find(args->format);
	struct vmmu_space *space;
	int err;

	/* No flag yet: a TRAPPING space is not to be had, LAZY is 0. */
	if (args->flags || !format)
		return -EOPNOTSUPP;
	err = check_mode(format, &args->mode);
	if (!err)
		err = check_root(args->root, args->mode.maxphyaddr);
	if (!err)
		err = vmmu_call_reserve(call);
	if (err)
		return err;

	call->new_file = vmmu_fs_file("[space]", &space_fops, NULL, vm->file);
	if (IS_ERR(call->new_file)) {
		err = PTR_ERR(call->new_file);
		call->new_file = NULL;
		return err;
	}
	space = space_alloc(vm, args);
	if (!space)
		return -ENOMEM;
	call->new_file->private_data = space;
	args->id = space->id;
	args->fd = call->new_fd;
	return 0;
}
