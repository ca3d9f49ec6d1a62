/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A place where O_DIRECT works, for tests.
 */
#ifndef VMMU_DIRECT_H
#define VMMU_DIRECT_H

#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

/*
 * Whether files there take the flag, if at all, but may be copied all the same:
 * what an overlay lies on can't be told.
 */
static inline bool is_memory(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) || fs.f_type == TMPFS_MAGIC ||
	       fs.f_type == RAMFS_MAGIC ||
	       fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/*
 * A file for O_DIRECT: a spare disk, or a file where the file system knows it,
 * asked in this order. -1 when there is none.
 */
static inline int direct_file(const char **where)
{
	static const char * const dirs[] = { "$OUT", "/var/tmp", "/tmp", "." };
	unsigned int i;
	int fd;

	*where = "/dev/vda";
	fd = open(*where, O_RDWR | O_DIRECT | O_CLOEXEC);
	for (i = 0; fd < 0 && i < sizeof(dirs) / sizeof(*dirs); i++) {
		char path[4096];

		*where = i ? dirs[i] : getenv("OUT");
		if (!*where || is_memory(*where))
			continue;
		snprintf(path, sizeof(path), "%s/vmmu-direct-%d", *where,
			 getpid());
		fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
		unlink(path);
	}
	return fd;
}

#endif /* VMMU_DIRECT_H */
