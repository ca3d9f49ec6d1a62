// SPDX-License-Identifier: GPL-2.0
/* Copies call structures in and out; knows no call and no object. */
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "ioctl.h"

static const struct vmmu_row *find_row(unsigned int cmd,
				       const struct vmmu_row *rows,
				       unsigned int nr_rows)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= nr_rows || cmd != _IO(VMMU_IOC_TYPE, nr))
		return NULL;
	rows += array_index_nospec(nr, nr_rows);
	return rows->handler ? rows : NULL;
}

int vmmu_call_reserve(struct vmmu_call *call)
{
	call->new_fd = get_unused_fd_flags(O_CLOEXEC);
	return call->new_fd < 0 ? call->new_fd : 0;
}

/* Give the caller the file that was made, or let go of it. */
static void settle(struct vmmu_call *call, long err)
{
	if (call->new_fd < 0)
		return;
	if (!err) {
		fd_install(call->new_fd, call->new_file);
		return;
	}
	put_unused_fd(call->new_fd);
	if (call->new_file)
		fput(call->new_file);
}

long vmmu_ioctl(struct file *file, unsigned int cmd, unsigned long arg,
		const struct vmmu_row *rows, unsigned int nr_rows, bool dead)
{
	const struct vmmu_row *row = find_row(cmd, rows, nr_rows);
	void __user *user = (void __user *)arg;
	/* As much as the row has is copied in, or cleared. */
	u64 buffer[VMMU_MAX_CALL_BYTES / sizeof(u64)] __uninitialized;
	struct vmmu_call call = { .file = file, .arg = buffer, .new_fd = -1 };
	u32 bytes;
	long err;

	if (!row)
		return -ENOTTY;
	if (dead && !row->asks)
		return -EIO;
	if (get_user(bytes, (u32 __user *)user))
		return -EFAULT;
	if (bytes < row->min_bytes)
		return -EINVAL;
	if (bytes > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(buffer, row->bytes, user, bytes);
	if (err)
		return err;

	err = row->handler(&call);
	/* Progress is reported after a failure, too. */
	if (row->writes && copy_to_user(user, buffer, min(bytes, row->bytes)))
		err = -EFAULT;
	settle(&call, err);
	return err;
}
