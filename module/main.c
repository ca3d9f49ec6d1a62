// SPDX-License-Identifier: GPL-2.0
/*
 * vmmu: a virtual MMU. See uapi/linux/vmmu.h for what it offers.
 *
 * Table of contents, top layer first; calls go down only:
 *
 *	main		the device
 *	vm, space	the files, with the calls on them
 *	trapfd		the file that records are read from
 *	window		maps spaces: the host's MMU translates
 *	info		what the module can do
 *	audit		looks for host PTEs that nothing grants, and for page tables
 *			that are not known or protected
 *	ledger		what VMs and spaces have been through
 *	memory		reads and writes guest-virtual memory
 *	realmem		real memory: mapped, populated, discarded
 *	reverse		tells who has a frame, and who maps a real page
 *	fs		the files' inodes
 *	ioctl		the way in and out of a call
 *	emulate		makes trapped stores as installs; with emulate_ask, after
 *			a monitor was asked
 *	fault		delivers guest page faults
 *	grant		what both levels let a host PTE allow
 *	settle		closes page tables again that were open to stores
 *	install		stores page-table entries: changes both levels; with
 *			install_run, runs of a batch, and with install_record,
 *			the monitors are told or asked
 *	translate	asks both levels
 *	ptpage		which real pages are page tables of TRAPPING spaces; with
 *			ptpage_protect, their protection, and ptpage_audit
 *	shadow		host PTEs of windows: inserted, zapped
 *	trapq		queues of records and their waiters
 *	object		what a VM and a space are; the order of locks
 *	walk		walks a guest's page table
 *	realmap		the real map table: real page -> frame
 *	frame		allocates and charges frames
 *	format_*	page-table formats
 *	store		what an instruction stores; store_decode finds that out
 *	word, addr	words of real memory; addresses
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "fault.h"
#include "fs.h"
#include "frame.h"
#include "info.h"
#include "ioctl.h"
#include "vm.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static const struct vmmu_row device_rows[] = {
	VMMU_INFO_ROW,
	VMMU_ROW(VMMU_IOC_VM_CREATE, vmmu_vm_create, vmmu_vm_create, id,
		 .writes = true),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vmmu_ioctl(file, cmd, arg, device_rows, ARRAY_SIZE(device_rows),
			  false);
}

static int device_open(struct inode *inode, struct file *file)
{
	return vmmu_fs_pin();
}

static int device_release(struct inode *inode, struct file *file)
{
	vmmu_fs_unpin();
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmmu",
	.mode = 0600,
	.fops = &device_fops,
};

static int __init vmmu_init(void)
{
	return misc_register(&device);
}

static void __exit vmmu_exit(void)
{
	misc_deregister(&device);
	vmmu_fault_exit();
	vmmu_frame_exit();
}

module_init(vmmu_init);
module_exit(vmmu_exit);

MODULE_DESCRIPTION("Virtual MMU: two-level address translation for userspace guests");
MODULE_VERSION(VMMU_VERSION);
MODULE_LICENSE("GPL");
