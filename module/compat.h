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

#ifndef VMMU_HAVE_PTE_MKWRITE_NOVMA
static inline pte_t pte_mkwrite_novma(pte_t pte)
{
	return pte_mkwrite(pte);
}
#endif

#ifndef VMMU_HAVE_VMA_START_WRITE
/* Faults take mmap_lock, which the caller holds for writing. */
static inline void vma_start_write(struct vm_area_struct *vma)
{
}
#endif

/* Offsets of files are unsigned: a flag of the file, later of its operations. */
#ifdef FOP_UNSIGNED_OFFSET
#define VMMU_UNSIGNED_OFFSET	.fop_flags = FOP_UNSIGNED_OFFSET,
#define VMMU_FMODE_UNSIGNED	0
#else
#define VMMU_UNSIGNED_OFFSET
#define VMMU_FMODE_UNSIGNED	FMODE_UNSIGNED_OFFSET
#endif

#endif /* VMMU_COMPAT_H */
