/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pseudo file system, so that each VM and each space has an inode of its own,
 * and removing the mappings of one can never touch another's.
 */
#ifndef VMMU_FS_H
#define VMMU_FS_H

#include <linux/fs.h>

/* Keep the file system mounted, for as long as VMs may be made. */
int vmmu_fs_pin(void);
void vmmu_fs_unpin(void);

/*
 * A file on a new inode. It takes a module reference by its operations.
 * @beside: a file that has the mount; NULL: the caller has pinned it.
 */
struct file *vmmu_fs_file(const char *name, const struct file_operations *fops,
			  const struct address_space_operations *aops,
			  struct file *beside);

#endif /* VMMU_FS_H */
