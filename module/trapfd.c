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

#define NOTE_PAGES	DIV_ROUND_UP(VMMU_TRAPQ_NOTES *			\
				     sizeof(struct vmmu_trap_note), PAGE_SIZE)

static void uncharge_notes(struct vmmu_account *account, unsigned int nr)
{
	while (nr--)
		vmmu_account_uncharge(account);
}

static bool charge_notes(struct vmmu_account *account)
{
	for (unsigned int i = 0; i < NOTE_PAGES; i++) {
		if (!vmmu_account_charge(account)) {
			uncharge_notes(account, i);
			return false;
		}
	}
	return true;
}

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

/* Frame numbers are for those who may see them, when they read. */
static int copy_record(struct vmmu_vm *vm, char __user *user,
		       const struct vmmu_trap_record *record)
{
	struct vmmu_trap_record copy = *record;

	if (copy.kind != VMMU_TRAP_FAULT && !vmmu_vm_frames_shown(vm)) {
		copy.frame = 0;
		copy.flags |= VMMU_TRAP_FRAME_HIDDEN;
	}
	return copy_to_user(user, &copy, sizeof(copy)) ? -EFAULT : 0;
}

/* As many whole records as there are and fit; waits for the first one. */
static ssize_t trap_read(struct file *file, char __user *buffer, size_t bytes,
			 loff_t *offset)
{
	const size_t each = sizeof(struct vmmu_trap_record);
	struct trap *trap = file->private_data;
	struct vmmu_taken taken;
	size_t done = 0;
	__poll_t events;
	int err;

	if (bytes < each)
		return -EINVAL;
	while (bytes - done >= each) {
		if (vmmu_trapq_take(trap->queue, &taken)) {
			if (copy_record(trap->vm, buffer + done,
					&taken.record)) {
				vmmu_trapq_untake(trap->queue, &taken);
				return done ?: -EFAULT;
			}
			vmmu_trapq_taken(&taken);
			done += each;
			cond_resched();
			continue;
		}
		events = vmmu_trapq_poll(trap->queue);
		/* A record may have come, and then the last space gone. */
		if (!done && events & EPOLLIN)
			continue;
		if (done || events & EPOLLHUP)
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
	if (answer->reserved ||
	    (answer->value && answer->verdict != VMMU_VERDICT_REWRITE))
		return -EOPNOTSUPP;
	if (answer->verdict < VMMU_VERDICT_RETRY ||
	    answer->verdict > VMMU_VERDICT_REWRITE)
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
	bool charged;

	if (!trap)
		return 0;
	charged = trap->queue->notes;
	vmmu_trapq_close(trap->queue);
	if (charged)
		uncharge_notes(&trap->vm->account, NOTE_PAGES);
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

/* Make room for notes, and charge it. */
static int make_notes(struct trap *trap)
{
	struct vmmu_account *account = &trap->vm->account;
	bool made = false;
	int err = 0;

	if (READ_ONCE(trap->queue->notes))
		return 0;
	if (!charge_notes(account))
		return -ENOMEM;
	err = vmmu_trapq_make_notes(trap->queue, &made);
	if (!made)
		uncharge_notes(account, NOTE_PAGES);
	return err;
}

struct vmmu_trapq *vmmu_trapfd_queue(struct vmmu_vm *vm, int fd, bool notes)
{
	struct file *file = fget(fd);
	struct vmmu_trapq *queue = NULL;
	struct trap *trap;
	int err = 0;

	if (!file)
		return ERR_PTR(-EBADF);
	trap = file->f_op == &trap_fops ? file->private_data : NULL;
	if (!trap)
		err = -EBADF;
	else if (trap->vm != vm)
		err = -EINVAL;
	else if (notes)
		err = make_notes(trap);
	if (!err) {
		queue = trap->queue;
		kref_get(&queue->ref);
	}
	fput(file);
	return err ? ERR_PTR(err) : queue;
}
