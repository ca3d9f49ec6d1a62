// SPDX-License-Identifier: GPL-2.0
/*
 * What other system calls do with a VM's or a space's file: they are refused,
 * or do no harm. Nothing here is a promise but that the VM stays as it was.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"
#include "vmmu_trap_calls.h"

#define REAL	(4 * MIB)
#define NR	3		/* kinds of files of ours */

FIXTURE(files) {
	struct guest g;
	int fds[NR];
	struct vmmu_vm_info before;
	unsigned char *was;
};

FIXTURE_SETUP(files)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, FORMAT4, 0);
	guest_map(&self->g, PAGE, 1, self->g.data | PTE_ALL);
	memset(self->g.mem + self->g.data, 0x11, MIB);
	self->fds[0] = self->g.vm;
	self->fds[1] = self->g.space;
	self->fds[2] = trap_create(self->g.vm);
	/* A trap file's reader would wait. */
	ASSERT_EQ(0, fcntl(self->fds[2], F_SETFL, O_NONBLOCK));
	self->was = malloc(REAL);
	ASSERT_NE(NULL, self->was);
	memcpy(self->was, self->g.mem, REAL);
	self->before = vm_info(self->g.vm);
}

FIXTURE_TEARDOWN(files)
{
	close(self->fds[2]);
	guest_drop(&self->g);
	close(self->g.dev);
}

#define unharmed() do {							\
	vm_unchanged(self->before, self->g.vm);				\
	ASSERT_EQ(0, memcmp(self->was, self->g.mem, REAL));		\
	ASSERT_EQ(self->g.data,						\
		  translate(self->g.space, 0, READ, PAGE).ra);		\
	ASSERT_EQ(0, trap_info(self->fds[2]).made);			\
} while (0)

TEST_F(files, as_streams)
{
	int i, pipes[2], file = memfd_create("vmmu", 0);
	char buffer[64];
	struct iovec iov = { buffer, sizeof(buffer) };
	struct pollfd p;

	ASSERT_EQ(0, pipe(pipes));
	for (i = 0; i < NR; i++) {
		int fd = self->fds[i];

		EXPECT_EQ(-1, read(fd, buffer, 64));
		EXPECT_EQ(-1, write(fd, buffer, 64));
		EXPECT_EQ(-1, pread(fd, buffer, 64, PAGE));
		EXPECT_EQ(-1, pwrite(fd, buffer, 64, PAGE));
		EXPECT_EQ(-1, readv(fd, &iov, 1));
		EXPECT_EQ(-1, writev(fd, &iov, 1));
		EXPECT_EQ(-1, sendfile(file, fd, NULL, PAGE));
		EXPECT_EQ(-1, sendfile(fd, file, NULL, PAGE) ?: -1);
		EXPECT_EQ(-1, splice(fd, NULL, pipes[1], NULL, PAGE, 0));
		EXPECT_EQ(-1, copy_file_range(fd, NULL, file, NULL, PAGE, 0));
		EXPECT_EQ(-1, vmsplice(fd, &iov, 1, 0));
		EXPECT_EQ(-1, recv(fd, buffer, 64, 0));
		lseek(fd, PAGE, SEEK_SET);
		p = (struct pollfd){ fd, POLLIN | POLLOUT, 0 };
		EXPECT_LE(0, poll(&p, 1, 0));
		unharmed();
	}
}

TEST_F(files, as_files)
{
	int i;

	for (i = 0; i < NR; i++) {
		int fd = self->fds[i];
		struct stat st;

		EXPECT_NE(0, ftruncate(fd, 0));
		EXPECT_NE(0, ftruncate(fd, REAL));
		EXPECT_NE(0, fallocate(fd, 0, 0, PAGE));
		EXPECT_NE(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE, 0, REAL));
		EXPECT_NE(0, posix_fallocate(fd, 0, PAGE));
		fsync(fd);
		fdatasync(fd);
		syncfs(fd);
		sync_file_range(fd, 0, REAL, SYNC_FILE_RANGE_WAIT_AFTER);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
		readahead(fd, 0, REAL);
		EXPECT_NE(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
		fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND);
		fcntl(fd, F_SETFL, O_DIRECT);
		fcntl(fd, F_SETLEASE, F_WRLCK);
		fcntl(fd, F_NOTIFY, DN_MODIFY);
		EXPECT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
		fchmod(fd, 0777);
		fchown(fd, NOBODY, NOBODY);
		futimens(fd, NULL);
		fsetxattr(fd, "user.x", "x", 1, 0);
		EXPECT_EQ(0, fstat(fd, &st));
		unharmed();
	}
}

TEST_F(files, as_paths)
{
	int i, notify = inotify_init();
	char path[64], target[64];
	struct statfs fs;

	/* A kernel may be built without inotify. */
	ASSERT_EQ(!access("/proc/sys/fs/inotify", F_OK), notify >= 0);
	for (i = 0; i < NR; i++) {
		int fd = self->fds[i], again;

		EXPECT_EQ(0, fstatfs(fd, &fs));
		sprintf(path, "/proc/self/fd/%d", fd);
		/* There is no second way in. */
		EXPECT_EQ(-1, open(path, O_RDWR));
		EXPECT_EQ(-1, open(path, O_RDONLY));
		again = open(path, O_PATH);
		if (again >= 0) {
			EXPECT_EQ(-1, ioctl(again, VMMU_IOC_INFO, NULL));
			close(again);
		}
		EXPECT_NE(0, execl(path, "x", NULL));
		EXPECT_NE(0, truncate(path, 0));
		sprintf(target, "/tmp/vmmu-link-%d", getpid());
		EXPECT_NE(0, linkat(AT_FDCWD, path, AT_FDCWD, target,
				    AT_SYMLINK_FOLLOW));
		unlink(target);
		/* A watch must neither keep the file nor hold up its end. */
		if (notify >= 0)
			EXPECT_LE(0, inotify_add_watch(notify, path,
						       IN_ALL_EVENTS));
		EXPECT_NE(0, fchdir(fd));
		EXPECT_NE(0, chroot(path));
		unharmed();
	}
}

/* The ioctls that the kernel answers itself. */
TEST_F(files, as_others)
{
	unsigned long cmds[] = { FIBMAP, FIGETBSZ, FIFREEZE, FITHAW, FITRIM,
				 FICLONE, FS_IOC_GETFLAGS, FS_IOC_FIEMAP };
	unsigned char vec[REAL / PAGE];
	char buffer[4096];
	unsigned int k;
	int i;

	for (i = 0; i < NR; i++) {
		for (k = 0; k < ARRAY_SIZE(cmds); k++) {
			memset(buffer, 0, sizeof(buffer));
			ioctl(self->fds[i], cmds[k], buffer);
		}
		unharmed();
	}
	EXPECT_EQ(0, mincore(self->g.mem, REAL, vec));
	msync(self->g.mem, REAL, MS_SYNC);
	msync(self->g.mem, REAL, MS_INVALIDATE);
	unharmed();

	/* A trap file has no mapping, and a window is nobody's own. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
				   self->fds[2], 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE,
				   self->g.space, 0));
	unharmed();
}

TEST_HARNESS_MAIN
