// SPDX-License-Identifier: GPL-2.0
/*
 * Spaces: registered page tables, from birth to end, and their settings. The
 * calls that work on the table's contents are in space_calls.c.
 */
#include <linux/file.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "emulate_ask.h"
#include "fs.h"
#include "info.h"
#include "ledger.h"
#include "memory.h"
#include "ptpage.h"
#include "space.h"
#include "space_calls.h"
#include "trapfd.h"
#include "trapq.h"
#include "window.h"

static struct vmmu_space *space_of(struct vmmu_call *call)
{
	return call->file->private_data;
}

static int check_mode(const struct vmmu_format *format,
		      const struct vmmu_mode *mode)
{
	if (mode->bits & ~format->mode_bits || mode->reserved[0] ||
	    mode->reserved[1])
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
	lockdep_assert_held_write(&space->vm->lock);

	WRITE_ONCE(space->mode, vmmu_mode_pack(mode));
	WRITE_ONCE(space->reserved, space->format->reserved(mode));
}

/* Where records of a kind go, as enum vmmu_delivery. */
static u32 delivery_of(struct vmmu_space *space, u32 kind)
{
	struct vmmu_destination *delivery = &space->delivery[kind];
	struct vmmu_trapq *queue;
	bool open;

	rcu_read_lock();
	queue = rcu_dereference(delivery->queue);
	open = queue && !READ_ONCE(queue->closed);
	rcu_read_unlock();
	if (kind == VMMU_TRAP_FAULT)
		return open ? VMMU_DELIVER_RECORD : VMMU_DELIVER_SIGNAL;
	if (!open)
		return VMMU_DELIVER_NONE;
	return READ_ONCE(delivery->asks) ? VMMU_DELIVER_ASK :
					   VMMU_DELIVER_NOTIFY;
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
	info->delivery = delivery_of(space, VMMU_TRAP_FAULT);
	info->reserved = 0;
	return 0;
}

/* Join the ring of the VM's spaces with this root. */
static void join_peers(struct vmmu_space *space)
{
	struct vmmu_space *other;

	lockdep_assert_held_write(&space->vm->lock);

	list_for_each_entry(other, &space->vm->spaces, link) {
		if (other != space && other->root == space->root) {
			list_add(&space->peers, &other->peers);
			return;
		}
	}
}

static long set_root(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_set_root *args = call->arg;
	int err;

	if (args->flags)
		return -EOPNOTSUPP;
	if (!vmmu_page_aligned(args->root))
		return -EINVAL;
	err = vmmu_ptpage_hold_root(space, args->root);
	if (err)
		return err;
	down_write(&space->vm->lock);
	err = check_root(args->root, vmmu_mode_unpack(space->mode).maxphyaddr);
	if (!err) {
		vmmu_ptpage_drop_root(space);
		WRITE_ONCE(space->root, args->root);
		list_del_init(&space->peers);
		join_peers(space);
		vmmu_ptpage_add_root(space);
		vmmu_zap_space(space);
	}
	up_write(&space->vm->lock);
	vmmu_ptpage_release_root(space, args->root);
	/* The old one's tables; the new one may lie beyond real memory. */
	vmmu_ptpage_reap(space->vm);
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
	if (!err && vmmu_mode_pack(&args->mode) != space->mode) {
		put_mode(space, &args->mode);
		vmmu_zap_space(space);
	}
	up_write(&space->vm->lock);
	return err;
}

/* From now on records go to @queue, whose reference is the space's then. */
static void put_queue(struct vmmu_space *space, u32 kind,
		      struct vmmu_trapq *queue, bool asks)
{
	struct vmmu_destination *delivery = &space->delivery[kind];
	struct vmmu_vm *vm = space->vm;
	struct vmmu_trapq *old;

	down_write(&vm->lock);
	if (queue)
		vmmu_trapq_bind(queue);
	WRITE_ONCE(delivery->asks, asks);
	old = rcu_replace_pointer(delivery->queue, queue,
				  lockdep_is_held(&vm->lock));
	if (kind != VMMU_TRAP_FAULT)
		WRITE_ONCE(vm->nr_listeners,
			   vm->nr_listeners + !!queue - !!old);
	vmmu_asker_forget(vm);
	up_write(&vm->lock);
	if (old) {
		vmmu_trapq_unbind(old, space->id, kind);
		vmmu_trapq_put(old);
	}
}

/* Whether records of a kind can be delivered so. */
static bool delivers(u32 kind, u32 delivery)
{
	switch (delivery) {
	case VMMU_DELIVER_SIGNAL:
	case VMMU_DELIVER_RECORD:
		return kind == VMMU_TRAP_FAULT;
	case VMMU_DELIVER_ASK:
		return kind == VMMU_TRAP_HYPERCALL || kind == VMMU_TRAP_STORE;
	default:
		return kind != VMMU_TRAP_FAULT && kind < VMMU_TRAP_KINDS &&
		       delivery <= VMMU_DELIVER_NOTIFY;
	}
}

static long set_delivery(struct vmmu_call *call)
{
	struct vmmu_space *space = space_of(call);
	struct vmmu_set_delivery *args = call->arg;
	u32 kind = args->kind ?: VMMU_TRAP_FAULT, delivery = args->delivery;
	struct vmmu_trapq *queue = NULL;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	if (!delivers(kind, delivery))
		return -EINVAL;
	if (delivery != VMMU_DELIVER_SIGNAL && delivery != VMMU_DELIVER_NONE) {
		queue = vmmu_trapfd_queue(space->vm, args->trap,
					  delivery == VMMU_DELIVER_NOTIFY);
		if (IS_ERR(queue))
			return PTR_ERR(queue);
	}
	put_queue(space, kind, queue, delivery == VMMU_DELIVER_ASK);
	return 0;
}

static long get_delivery(struct vmmu_call *call)
{
	struct vmmu_get_delivery *args = call->arg;

	if (args->flags)
		return -EOPNOTSUPP;
	if (!args->kind || args->kind >= VMMU_TRAP_KINDS)
		return -EINVAL;
	args->delivery = delivery_of(space_of(call), args->kind);
	return 0;
}

static long ledger(struct vmmu_call *call)
{
	return vmmu_ledger_of_space(space_of(call), call->arg);
}

static const struct vmmu_row space_rows[] = {
	VMMU_INFO_ROW,
	VMMU_ROW(VMMU_IOC_SPACE_INFO, space_info, vmmu_space_info, va_bits,
		 .writes = true, .asks = true),
	VMMU_ROW(VMMU_IOC_SET_ROOT, set_root, vmmu_set_root, root),
	VMMU_ROW(VMMU_IOC_SET_MODE, set_mode, vmmu_set_mode, mode),
	VMMU_ROW(VMMU_IOC_INSTALL, vmmu_space_install, vmmu_install, outcomes,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_TRANSLATE, vmmu_space_translate, vmmu_translate,
		 result, .writes = true),
	VMMU_ROW(VMMU_IOC_EXPLAIN, vmmu_space_explain, vmmu_explain, result,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_MAPPINGS, vmmu_space_mappings, vmmu_mappings,
		 mappings, .writes = true),
	VMMU_ROW(VMMU_IOC_READ, vmmu_memory_read, vmmu_memory, result,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_WRITE, vmmu_memory_write, vmmu_memory, result,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_CMPXCHG, vmmu_memory_cmpxchg, vmmu_cmpxchg, result,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_INVALIDATE, vmmu_window_invalidate, vmmu_invalidate,
		 bytes),
	VMMU_ROW(VMMU_IOC_FAULT, vmmu_window_explain_fault, vmmu_fault, result,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_SET_DELIVERY, set_delivery, vmmu_set_delivery, trap),
	VMMU_ROW(VMMU_IOC_GET_DELIVERY, get_delivery, vmmu_get_delivery,
		 delivery, .writes = true, .asks = true),
	VMMU_ROW(VMMU_IOC_LEDGER, ledger, vmmu_ledger, refusals,
		 .writes = true, .asks = true),
};

static long space_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vmmu_space *space = file->private_data;

	return vmmu_ioctl(file, cmd, arg, space_rows, ARRAY_SIZE(space_rows),
			  READ_ONCE(space->vm->dead));
}

/* Others see the space from now on. A TRAPPING one's table is scanned first. */
static int link_space(struct vmmu_space *space)
{
	struct vmmu_vm *vm = space->vm;
	int err = vmmu_ptpage_hold_root(space, space->root);

	if (err)
		return err;
	down_write(&vm->lock);
	space->id = ++vm->last_space_id;
	join_peers(space);
	vmmu_ptpage_add_root(space);
	list_add_tail(&space->link, &vm->spaces);
	WRITE_ONCE(vm->nr_spaces, vm->nr_spaces + 1);
	up_write(&vm->lock);
	vmmu_ptpage_release_root(space, space->root);
	return 0;
}

static void unlink_space(struct vmmu_space *space)
{
	struct vmmu_vm *vm = space->vm;

	down_write(&vm->lock);
	vmmu_ptpage_drop_root(space);
	vmmu_ledger_retire(space);
	list_del(&space->link);
	list_del(&space->peers);
	WRITE_ONCE(vm->nr_spaces, vm->nr_spaces - 1);
	up_write(&vm->lock);
	vmmu_ptpage_reap(vm);
}

static int space_release(struct inode *inode, struct file *file)
{
	struct vmmu_space *space = file->private_data;

	if (!space)
		return 0;
	for (u32 kind = VMMU_TRAP_FAULT; kind < VMMU_TRAP_KINDS; kind++)
		put_queue(space, kind, NULL, false);
	unlink_space(space);
	fput(space->vm->file);
	kfree(space);
	return 0;
}

static int space_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vmmu_window_mmap(file->private_data, vma);
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

/* "hypercall none, store notify, ...": where installs go. */
static void show_installs(struct seq_file *m, struct vmmu_space *space)
{
	static const char *const kinds[] = {
		[VMMU_TRAP_HYPERCALL] = "hypercall",
		[VMMU_TRAP_STORE] = "store",
		[VMMU_TRAP_REREAD] = "reread",
		[VMMU_TRAP_DISCARD] = "discard",
	};
	static const char *const deliveries[] = {
		[VMMU_DELIVER_NONE] = "none",
		[VMMU_DELIVER_NOTIFY] = "notify",
		[VMMU_DELIVER_ASK] = "ask",
	};

	seq_puts(m, "vmmu-installs:\t");
	for (u32 kind = VMMU_TRAP_HYPERCALL; kind < VMMU_TRAP_KINDS; kind++)
		seq_printf(m, "%s%s %s",
			   kind == VMMU_TRAP_HYPERCALL ? "" : ", ", kinds[kind],
			   deliveries[delivery_of(space, kind)]);
	seq_putc(m, '\n');
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
	seq_printf(m, "vmmu-faults:\t%s\n",
		   delivery_of(space, VMMU_TRAP_FAULT) == VMMU_DELIVER_RECORD ?
			"record" : "signal");
	show_installs(m, space);
	seq_printf(m, "vmmu-root:\t%#llx\n", READ_ONCE(space->root));
	show_mode(m, &mode);
	vmmu_ledger_show_space(m, space);
}

static const struct file_operations space_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = space_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = space_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.release = space_release,
	.show_fdinfo = space_show_fdinfo,
	.llseek = noop_llseek,
	VMMU_UNSIGNED_OFFSET
};

/* A space that nobody knows yet. */
static struct vmmu_space *space_alloc(struct vmmu_vm *vm, struct file *file,
				      const struct vmmu_space_create *args)
{
	struct vmmu_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT |
					  __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	if (!space)
		return NULL;
	space->vm = vm;
	space->flags = args->flags;
	space->format = vmmu_format_find(args->format);
	space->root = args->root;
	space->mode = vmmu_mode_pack(&args->mode);
	space->reserved = space->format->reserved(&args->mode);
	space->mapping = file->f_mapping;
	space->around = 1;
	INIT_LIST_HEAD(&space->peers);
	spin_lock_init(&space->faults.lock);
	return space;
}

long vmmu_space_create(struct vmmu_vm *vm, struct vmmu_call *call)
{
	struct vmmu_space_create *args = call->arg;
	const struct vmmu_format *format = vmmu_format_find(args->format);
	struct vmmu_space *space;
	int err;

	if (args->flags & ~VMMU_SPACE_TRAPPING || !format)
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
	call->new_file->f_mode |= VMMU_FMODE_UNSIGNED;
	space = space_alloc(vm, call->new_file, args);
	if (!space)
		return -ENOMEM;
	err = link_space(space);
	if (err) {
		kfree(space);
		return err;
	}
	get_file(vm->file);
	call->new_file->private_data = space;
	args->id = space->id;
	args->fd = call->new_fd;
	return 0;
}
