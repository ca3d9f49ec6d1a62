// SPDX-License-Identifier: GPL-2.0
/* Makes inodes and files for VMs and spaces; knows nothing of either. */
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/module.h>
#include <linux/pseudo_fs.h>

#include "compat.h"
#include "fs.h"

#define VMMU_FS_MAGIC	0x766d6d75	/* "vmmu" */

static struct vfsmount *vmmu_mount;
static int vmmu_mount_count;

/* What /proc/PID/fd shows: vmmu:[vm], vmmu:[space]. */
static char *dname(struct dentry *dentry, char *buffer, int bytes)
{
	char name[32];
	int length = scnprintf(name, sizeof(name), "vmmu:%pd", dentry) + 1;

	if (length > bytes)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(buffer + bytes - length, name, length);
}

static const struct dentry_operations vmmu_dentry_operations = {
	.d_dname = dname,
};

static int init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VMMU_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->dops = &vmmu_dentry_operations;
	return 0;
}

static struct file_system_type vmmu_fs_type = {
	.name = "vmmu",
	.owner = THIS_MODULE,
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

int vmmu_fs_pin(void)
{
	return simple_pin_fs(&vmmu_fs_type, &vmmu_mount, &vmmu_mount_count);
}

void vmmu_fs_unpin(void)
{
	simple_release_fs(&vmmu_mount, &vmmu_mount_count);
}

/*
 * An inode as alloc_anon_inode() makes it, but on the superblock's list: where
 * unmounting looks for what fsnotify and Landlock have attached to inodes, and
 * would wait for it in vain.
 */
static struct inode *make_inode(struct super_block *sb,
				const struct address_space_operations *aops)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	inode->i_ino = get_next_ino();
	inode->i_mode = 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_flags |= S_PRIVATE;
	inode->i_state = I_DIRTY;	/* from birth: never to be written */
	vmmu_inode_init_times(inode);
	if (aops)
		inode->i_mapping->a_ops = aops;
	return inode;
}

struct file *vmmu_fs_file(const char *name, const struct file_operations *fops,
			  const struct address_space_operations *aops,
			  struct file *beside)
{
	struct vfsmount *mount = beside ? beside->f_path.mnt : vmmu_mount;
	struct inode *inode;
	struct file *file;

	inode = make_inode(mount->mnt_sb, aops);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	if (!fops_get(fops)) {
		iput(inode);
		return ERR_PTR(-ENODEV);
	}
	file = alloc_file_pseudo(inode, mount, name, O_RDWR, fops);
	if (IS_ERR(file)) {
		fops_put(fops);
		iput(inode);
	}
	return file;
}
