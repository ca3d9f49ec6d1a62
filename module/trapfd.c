// SPDX-License-Identifier: GPL-2.0
/*
 * The trap file: a door to a trap queue, which outlives it as long as spaces
 * and sleeping threads know it. It holds its VM's file.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fs.h"
#include "info.h"
#include "trapfd.h"
#include "trapq.h"

/**
 * struct trap - a trap file
 * @vm: its VM, whose file it holds.
 * @queue: its queue, a reference.
 */
struct trap {
	struct vmmu_vm *vm;
	struct vmmu_trapq *queue;
};

static long trap_info(struct vmmu_call *call)
{
	struct trap *trap = call->file->private_data;
	struct vmmu_trap_info *info = call->arg;

	if (info->flags)
		return -EOPNOTSUPP;
	info->vm_id = trap->vm->id;
	vmmu_trapq_info(trap->queue, info);
	return 0;
}

static const struct vmmu_row trap_rows[] = {
	VMMU_INFO_ROW,
	VMMU_ROW(VMMU_IOC_TRAP_INFO, trap_info, vmmu_trap_info, vm_id,
		 .writes = true, .asks = true),
};

static long trap_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct trap *trap = file->private_data;

	return vmmu_ioctl(file, cmd, arg, trap_rows, ARRAY_SIZE(trap_rows),
			  READ_ONCE(trap->vm->dead));
}

/* As many whole records as there are and fit; waits for the first one. */
static ssize_t trap_read(struct file *file, char __user *buffer, size_t bytes,
			 loff_t *offset)
{
	struct trap *trap = file->private_data;
	struct vmmu_trap_record record;
	size_t done = 0;
	int err;

	if (bytes < sizeof(record))
		return -EINVAL;
	while (bytes - done >= sizeof(record)) {
		if (vmmu_trapq_take(trap->queue, &record)) {
			if (copy_to_user(buffer + done, &record,
					 sizeof(record))) {
				vmmu_trapq_untake(trap->queue, record.cookie);
				return done ?: -EFAULT;
			}
			done += sizeof(record);
			continue;
		}
		if (done || vmmu_trapq_poll(trap->queue) & EPOLLHUP)
			break;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = vmmu_trapq_wait_readable(trap->queue);
		if (err)
			return err;
	}
	return done;
}

static int check_answer(const struct vmmu_trap_answer *answer)
{
	if (answer->reserved || answer->value)
		return -EOPNOTSUPP;
	if (answer->verdict != VMMU_VERDICT_RETRY &&
	    answer->verdict != VMMU_VERDICT_SIGNAL)
		return -EINVAL;
	return 0;
}

/* Whole answers, in order, up to the first that is in error. */
static ssize_t trap_write(struct file *file, const char __user *buffer,
			  size_t bytes, loff_t *offset)
{
	struct trap *trap = file->private_data;
	struct vmmu_trap_answer answer;
	size_t done;

	if (!bytes || bytes % sizeof(answer))
		return -EINVAL;
	for (done = 0; done < bytes; done += sizeof(answer)) {
		int err = 0;

		if (copy_from_user(&answer, buffer + done, sizeof(answer)))
			err = -EFAULT;
		if (!err)
			err = check_answer(&answer);
		if (!err)
			err = vmmu_trapq_answer(trap->queue, &answer);
		if (err)
			return done ?: err;
		cond_resched();
	}
	return done;
}

static __poll_t trap_poll(struct file *file, poll_table *wait)
{
	struct trap *trap = file->private_data;

	poll_wait(file, &trap->queue->readers, wait);
	return vmmu_trapq_poll(trap->queue) | EPOLLOUT | EPOLLWRNORM;
}

static int trap_release(struct inode *inode, struct file *file)
{
	struct trap *trap = file->private_data;

	if (!trap)
		return 0;
	vmmu_trapq_close(trap->queue);
	vmmu_trapq_put(trap->queue);
	fput(trap->vm->file);
	kfree(trap);
	return 0;
}

static void trap_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct trap *trap = file->private_data;
	struct vmmu_trap_info info = { };

	vmmu_trapq_info(trap->queue, &info);
	seq_printf(m, "vmmu-trap-of-vm:\t%llu\n", trap->vm->id);
	seq_printf(m, "vmmu-records:\t%llu made, %llu read, %llu withdrawn, %llu overflowed, %llu answered\n",
		   info.made, info.read, info.withdrawn, info.overflowed,
		   info.answered);
	seq_printf(m, "vmmu-waiting:\t%u\n", info.waiting);
}

static const struct file_operations trap_fops = {
	.owner = THIS_MODULE,
	.read = trap_read,
	.write = trap_write,
	.poll = trap_poll,
	.unlocked_ioctl = trap_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = trap_release,
	.show_fdinfo = trap_show_fdinfo,
	.llseek = noop_llseek,
};

static struct trap *trap_alloc(struct vmmu_vm *vm)
{
	struct trap *trap = kzalloc(sizeof(*trap), GFP_KERNEL_ACCOUNT |
				    __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	if (!trap)
		return NULL;
	trap->queue = vmmu_trapq_alloc();
	if (!trap->queue) {
		kfree(trap);
		return NULL;
	}
	trap->vm = vm;
	get_file(vm->file);
	return trap;
}

long vmmu_trapfd_create(struct vmmu_vm *vm, struct vmmu_call *call)
{
	struct vmmu_trap_create *args = call->arg;
	struct trap *trap;
	int err;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	err = vmmu_call_reserve(call);
	if (err)
		return err;
	call->new_file = vmmu_fs_file("[trap]", &trap_fops, NULL, vm->file);
	if (IS_ERR(call->new_file)) {
		err = PTR_ERR(call->new_file);
		call->new_file = NULL;
		return err;
	}
	trap = trap_alloc(vm);
	if (!trap)
		return -ENOMEM;
	call->new_file->private_data = trap;
	args->fd = call->new_fd;
	return 0;
}

struct vmmu_trapq *vmmu_trapfd_queue(struct vmmu_vm *vm, int fd)
{
	struct file *file = fget(fd);
	struct vmmu_trapq *queue;
	struct trap *trap;

	if (!file)
		return ERR_PTR(-EBADF);
	trap = file->f_op == &trap_fops ? file->private_data : NULL;
	if (!trap) {
		queue = ERR_PTR(-EBADF);
	} else if (trap->vm != vm) {
		queue = ERR_PTR(-EINVAL);
	} else {
		queue = trap->queue;
		kref_get(&queue->ref);
	}
	fput(file);
	return queue;
}
