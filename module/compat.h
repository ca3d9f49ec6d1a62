/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the module builds for. Kbuild looks
 * into the kernel's headers and defines VMMU_HAVE_*.
 */
#ifndef VMMU_COMPAT_H
#define VMMU_COMPAT_H

#include <linux/fs.h>

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

#endif /* VMMU_COMPAT_H */
