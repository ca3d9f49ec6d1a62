/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the module builds for. Kbuild looks
 * into the kernel's headers and defines VMMU_HAVE_*.
 */
#ifndef VMMU_COMPAT_H
#define VMMU_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>

static inline void vmmu_inode_init_times(struct inode *inode)
{
#ifdef VMMU_HAVE_SIMPLE_INODE_INIT_TS
	simple_inode_init_ts(inode);
#else
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
	inode->i_atime = inode->i_ctime;
#endif
}

#ifndef VMMU_HAVE_VM_FLAGS_SET
/* For a VMA that is being made, in ->mmap. */
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

#endif /* VMMU_COMPAT_H */
