// SPDX-License-Identifier: GPL-2.0
/*
 * VMs: real memory of a size, and its real map table. Every call on a VM's
 * file starts here. A VM is as old as its file; mappings and spaces hold that.
 */
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "fs.h"
#include "info.h"
#include "ledger.h"
#include "ptpage.h"
#include "realmem.h"
#include "reverse.h"
#include "space.h"
#include "trapfd.h"
#include "vm.h"

/* Real-map entries that are staged on the stack at a time. */
#define STAGE	32

static atomic64_t last_vm_id;

static struct vmmu_vm *vm_of(struct vmmu_call *call)
{
	return call->file->private_data;
}

static u64 limit_bytes(struct vmmu_vm *vm)
{
	unsigned long limit = vm->account.limit;

	return limit == ULONG_MAX ? ~0ULL : (u64)limit << PAGE_SHIFT;
}

static u64 charged_bytes(struct vmmu_vm *vm)
{
	return (u64)atomic_long_read(&vm->account.pages) << PAGE_SHIFT;
}

static long vm_info(struct vmmu_call *call)
{
	struct vmmu_vm *vm = vm_of(call);
	struct vmmu_vm_info *info = call->arg;

	if (info->flags)
		return -EOPNOTSUPP;
	info->id = vm->id;
	info->real_bytes = vm->real_bytes;
	info->state = (READ_ONCE(vm->dead) ? VMMU_VM_DEAD : 0) |
		      (vmmu_vm_frames_shown(vm) ? VMMU_VM_FRAMES_SHOWN : 0);
	info->nr_spaces = READ_ONCE(vm->nr_spaces);
	info->frames = atomic_long_read(&vm->realmap.frames);
	info->tables = atomic_long_read(&vm->realmap.tables);
	info->charged_bytes = charged_bytes(vm);
	info->limit_bytes = limit_bytes(vm);
	info->sequence = vmmu_realmap_sequence(&vm->realmap);
	info->zaps = vmmu_ledger_count(vm, VMMU_ZAPS);
	return 0;
}

/* Check a range of real memory, and turn it into pages. */
static int check_range(struct vmmu_vm *vm, const struct vmmu_range *args,
		       u64 *first, u64 *end)
{
	if (args->flags)
		return -EOPNOTSUPP;
	if (!vmmu_page_aligned(args->ra) || !vmmu_page_aligned(args->bytes) ||
	    !args->bytes || args->ra >= vm->real_bytes ||
	    args->bytes > vm->real_bytes - args->ra)
		return -EINVAL;
	*first = vmmu_ra_index(vmmu_ra(args->ra));
	*end = *first + (args->bytes >> PAGE_SHIFT);
	return 0;
}

static long populate(struct vmmu_call *call)
{
	struct vmmu_range *args = call->arg;
	u64 first, end, done = 0;
	int err = check_range(vm_of(call), args, &first, &end);

	if (err)
		return err;
	err = vmmu_realmem_populate(vm_of(call), first, end, &done);
	args->done = done << PAGE_SHIFT;
	return err;
}

static long discard(struct vmmu_call *call)
{
	struct vmmu_range *args = call->arg;
	u64 first, end, done = 0;
	int err = check_range(vm_of(call), args, &first, &end);

	if (err)
		return err;
	err = vmmu_realmem_discard(vm_of(call), first, end, &done);
	args->done = done << PAGE_SHIFT;
	return err;
}

static void fill_real_map_entry(u64 index, u64 entry, bool frames_shown,
				struct vmmu_real_map_entry *out)
{
	*out = (struct vmmu_real_map_entry){
		.ra = vmmu_ra_of_index(index).value,
		.frame = frames_shown ? vmmu_realmap_pfn(entry) : 0,
		.flags = (frames_shown ? 0 : VMMU_REAL_FRAME_HIDDEN) |
			 (entry & VMMU_REALMAP_WRITABLE ?
				VMMU_REAL_WRITABLE : 0) |
			 (entry & VMMU_REALMAP_ACCESSED ?
				VMMU_REAL_ACCESSED : 0) |
			 (entry & VMMU_REALMAP_TABLE ? VMMU_REAL_TABLE : 0) |
			 (entry & VMMU_REALMAP_DIRTY ? VMMU_REAL_DIRTY : 0),
		.page_shift = PAGE_SHIFT,
	};
}

static long real_map(struct vmmu_call *call)
{
	struct vmmu_vm *vm = vm_of(call);
	struct vmmu_real_map *args = call->arg;
	struct vmmu_real_map_entry __user *user = u64_to_user_ptr(args->entries);
	struct vmmu_real_map_entry stage[STAGE];
	u64 index = vmmu_ra_index(vmmu_ra(args->ra));
	u64 last = min(vmmu_ra_index(vmmu_ra(args->last)),
		       vm->realmap.nr_pages - 1);
	bool shown = vmmu_vm_frames_shown(vm);

	if (args->flags)
		return -EOPNOTSUPP;
	if (!vmmu_page_aligned(args->ra) || args->ra >= vm->real_bytes ||
	    args->last < args->ra || !args->nr || args->nr > VMMU_MAX_BATCH)
		return -EINVAL;

	args->done = 0;
	while (args->done < args->nr && index <= last) {
		u32 room = min_t(u32, args->nr - args->done, STAGE);
		u32 nr = 0;

		rcu_read_lock();
		while (nr < room) {
			u64 entry = vmmu_realmap_next(&vm->realmap, &index,
						      last);

			if (!entry)
				break;
			fill_real_map_entry(index++, entry, shown,
					    &stage[nr++]);
		}
		rcu_read_unlock();
		if (copy_to_user(user + args->done, stage, nr * sizeof(*stage)))
			return -EFAULT;
		args->done += nr;
		args->ra = vmmu_ra_of_index(index).value;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (index > last)
		args->ra = vm->real_bytes;
	return 0;
}

static long space_create(struct vmmu_call *call)
{
	return vmmu_space_create(vm_of(call), call);
}

static long real_of_frame(struct vmmu_call *call)
{
	return vmmu_reverse_frame(vm_of(call), call->arg);
}

static long mappers(struct vmmu_call *call)
{
	return vmmu_reverse_mappers(vm_of(call), call->arg);
}

static long trap_create(struct vmmu_call *call)
{
	return vmmu_trapfd_create(vm_of(call), call);
}

static long audit(struct vmmu_call *call)
{
	return vmmu_audit(vm_of(call), call->arg);
}

static long ledger(struct vmmu_call *call)
{
	return vmmu_ledger_of_vm(vm_of(call), call->arg);
}

static const struct vmmu_row vm_rows[] = {
	VMMU_INFO_ROW,
	VMMU_ROW(VMMU_IOC_VM_INFO, vm_info, vmmu_vm_info, sequence,
		 .writes = true, .asks = true),
	VMMU_ROW(VMMU_IOC_POPULATE, populate, vmmu_range, done,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_DISCARD, discard, vmmu_range, done,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_REAL_MAP, real_map, vmmu_real_map, entries,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_SPACE_CREATE, space_create, vmmu_space_create, id,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_REAL_OF_FRAME, real_of_frame, vmmu_real_of_frame, ra,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_MAPPERS, mappers, vmmu_mappers, mappers,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_TRAP_CREATE, trap_create, vmmu_trap_create, reserved,
		 .writes = true),
	VMMU_ROW(VMMU_IOC_AUDIT, audit, vmmu_audit, va, .writes = true),
	VMMU_ROW(VMMU_IOC_LEDGER, ledger, vmmu_ledger, refusals,
		 .writes = true, .asks = true),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vmmu_vm *vm = file->private_data;

	return vmmu_ioctl(file, cmd, arg, vm_rows, ARRAY_SIZE(vm_rows),
			  READ_ONCE(vm->dead));
}

static int mmap_real(struct file *file, struct vm_area_struct *vma)
{
	struct vmmu_vm *vm = file->private_data;

	if (READ_ONCE(vm->dead))
		return -EIO;
	return vmmu_realmem_mmap(vm, vma);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct vmmu_vm *vm = file->private_data;

	if (!vm)
		return 0;
	vmmu_ptpage_exit(vm);
	vmmu_realmap_destroy(&vm->realmap);
	vmmu_account_destroy(&vm->account);
	kfree(vm);
	return 0;
}

static void vm_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vmmu_vm *vm = file->private_data;

	seq_printf(m, "vmmu-vm:\t%llu\n", vm->id);
	seq_printf(m, "vmmu-real-bytes:\t%llu\n", vm->real_bytes);
	seq_printf(m, "vmmu-frames:\t%ld\n",
		   atomic_long_read(&vm->realmap.frames));
	seq_printf(m, "vmmu-tables:\t%ld\n",
		   atomic_long_read(&vm->realmap.tables));
	seq_printf(m, "vmmu-spaces:\t%u\n", READ_ONCE(vm->nr_spaces));
	seq_printf(m, "vmmu-charged-bytes:\t%llu\n", charged_bytes(vm));
	seq_printf(m, "vmmu-sequence:\t%llu\n",
		   vmmu_realmap_sequence(&vm->realmap));
	seq_printf(m, "vmmu-state:\t%s\n",
		   READ_ONCE(vm->dead) ? "dead" : "live");
	vmmu_ledger_show_vm(m, vm);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = mmap_real,
	.fsync = noop_fsync,
	.release = vm_release,
	.show_fdinfo = vm_show_fdinfo,
	.llseek = noop_llseek,
};

/* A VM behind a file that nobody knows yet. */
static struct vmmu_vm *vm_alloc(struct file *file, u64 real_bytes)
{
	struct vmmu_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT |
				    __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	if (!vm)
		return NULL;
	vm->id = atomic64_inc_return(&last_vm_id);
	vm->real_bytes = real_bytes;
	vm->file = file;
	vm->privileged = capable(CAP_SYS_ADMIN);
	init_rwsem(&vm->lock);
	INIT_LIST_HEAD(&vm->spaces);
	vmmu_ptpage_init(vm);
	spin_lock_init(&vm->stores.lock);
	vmmu_account_init(&vm->account);
	vmmu_realmap_init(&vm->realmap, vm->id, real_bytes >> PAGE_SHIFT,
			  &vm->account, file->f_mapping);
	return vm;
}

long vmmu_vm_create(struct vmmu_call *call)
{
	struct vmmu_vm_create *args = call->arg;
	struct vmmu_vm *vm;
	int err;

	if (args->flags || args->reserved)
		return -EOPNOTSUPP;
	if (!args->real_bytes || !vmmu_page_aligned(args->real_bytes) ||
	    args->real_bytes > VMMU_MAX_REAL_BYTES)
		return -EINVAL;
	err = vmmu_call_reserve(call);
	if (err)
		return err;
	call->new_file = vmmu_fs_file("[vm]", &vm_fops, &vmmu_realmem_aops,
				      NULL);
	if (IS_ERR(call->new_file)) {
		err = PTR_ERR(call->new_file);
		call->new_file = NULL;
		return err;
	}
	vm = vm_alloc(call->new_file, args->real_bytes);
	if (!vm)
		return -ENOMEM;
	call->new_file->private_data = vm;
	args->id = vm->id;
	args->fd = call->new_fd;
	return 0;
}
