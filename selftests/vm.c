// SPDX-License-Identifier: GPL-2.0
/* A VM as an object: its file, sizes, ids, fdinfo, lifetime, passing on. */
#include <sys/stat.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"
#include "vmmu_trap_calls.h"

FIXTURE(vm) {
	int dev;
};

FIXTURE_SETUP(vm)
{
	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(vm)
{
	close(self->dev);
}

TEST_F(vm, sizes)
{
	__u64 good[] = { PAGE, 2 * PAGE, MIB, GIB - PAGE, 4 * GIB, TIB,
			 TIB + PAGE, 64 * TIB - PAGE, 64 * TIB };
	__u64 bad[] = { 0, 1, PAGE - 1, PAGE + 1, MIB + 2048, 64 * TIB + PAGE,
			64 * TIB + 1, 1ULL << 52, 1ULL << 63, ~0ULL,
			~0ULL - PAGE + 1 };
	int files = open_files();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		int vm = vm_create(self->dev, good[i]);
		struct vmmu_vm_info v = vm_info(vm);

		ASSERT_EQ(good[i], v.real_bytes);
		ASSERT_EQ(0, v.frames);
		ASSERT_EQ(0, v.nr_spaces);
		ASSERT_EQ(0, v.state & VMMU_VM_DEAD);
		ASSERT_GT(64 * KIB, v.tables * PAGE);
		close(vm);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		err_vm_create(EINVAL, self->dev, bad[i]);
	ASSERT_EQ(files, open_files());
}

TEST_F(vm, ids_are_unique)
{
	__u64 ids[100];
	int vms[100];
	int i, j;

	for (i = 0; i < 100; i++) {
		struct vmmu_vm_create c;

		ASSERT_EQ(0, _vm_create(self->dev, MIB, &c));
		vms[i] = c.fd;
		ids[i] = c.id;
		ASSERT_EQ(c.id, vm_info(c.fd).id);
		for (j = 0; j < i; j++)
			ASSERT_NE(ids[j], ids[i]);
	}
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(ids[i], vm_info(vms[i]).id);
		close(vms[i]);
	}
}

TEST_F(vm, files)
{
	int vm[2] = { vm_create(self->dev, MIB), vm_create(self->dev, MIB) };
	int fds[4] = { vm[0], vm[1], space_create(vm[0], FORMAT4, PAGE, 0),
		       space_create(vm[0], FORMAT5, PAGE, 0) };
	struct stat st[4];
	char path[64], link[64] = {};
	int i, j;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(FD_CLOEXEC, fcntl(fds[i], F_GETFD));
		ASSERT_EQ(0, fstat(fds[i], &st[i]));
		ASSERT_EQ(st[0].st_dev, st[i].st_dev);
		for (j = 0; j < i; j++)
			ASSERT_NE(st[j].st_ino, st[i].st_ino);
		sprintf(path, "/proc/self/fd/%d", fds[i]);
		memset(link, 0, sizeof(link));
		ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
		EXPECT_STREQ(i < 2 ? "vmmu:[vm]" : "vmmu:[space]", link);

		/* These are neither streams nor files with a size. */
		EXPECT_EQ(-1, read(fds[i], link, 1));
		EXPECT_EQ(-1, write(fds[i], link, 1));
		EXPECT_NE(0, ftruncate(fds[i], PAGE));
	}
}

TEST_F(vm, fdinfo)
{
	int vm = vm_create(self->dev, 64 * MIB);
	int space = space_create(vm, FORMAT4, 3 * PAGE, VMMU_MODE_WP);
	int five = space_create(vm, FORMAT5, 0, 0);
	struct vmmu_vm_info v;
	char mode[256];

	populate(vm, 4 * PAGE, 3 * PAGE);
	discard(vm, 4 * PAGE, PAGE);
	v = vm_info(vm);

	EXPECT_EQ(v.id, fdinfo_u64(vm, "vmmu-vm"));
	EXPECT_EQ(64 * MIB, fdinfo_u64(vm, "vmmu-real-bytes"));
	EXPECT_EQ(2, fdinfo_u64(vm, "vmmu-frames"));
	EXPECT_EQ(v.tables, fdinfo_u64(vm, "vmmu-tables"));
	EXPECT_EQ(2, fdinfo_u64(vm, "vmmu-spaces"));
	EXPECT_EQ(v.charged_bytes, fdinfo_u64(vm, "vmmu-charged-bytes"));
	EXPECT_EQ(v.sequence, fdinfo_u64(vm, "vmmu-sequence"));
	EXPECT_EQ(v.zaps, fdinfo_u64(vm, "vmmu-zaps"));
	ASSERT_NE(NULL, fdinfo_text(vm, "vmmu-state"));
	EXPECT_STREQ("live", fdinfo_text(vm, "vmmu-state"));

	EXPECT_EQ(space_info(space).id, fdinfo_u64(space, "vmmu-space"));
	EXPECT_EQ(v.id, fdinfo_u64(space, "vmmu-of-vm"));
	ASSERT_NE(NULL, fdinfo_text(space, "vmmu-format"));
	EXPECT_STREQ("x86-64-4level", fdinfo_text(space, "vmmu-format"));
	ASSERT_NE(NULL, fdinfo_text(five, "vmmu-format"));
	EXPECT_STREQ("x86-64-5level", fdinfo_text(five, "vmmu-format"));
	EXPECT_EQ(3 * PAGE, fdinfo_u64(space, "vmmu-root"));
	ASSERT_NE(NULL, fdinfo_text(space, "vmmu-kind"));
	EXPECT_STREQ("lazy", fdinfo_text(space, "vmmu-kind"));

	/* The mode shows, and a change of it does. */
	ASSERT_NE(NULL, fdinfo_text(space, "vmmu-mode"));
	snprintf(mode, sizeof(mode), "%s", fdinfo_text(space, "vmmu-mode"));
	set_mode(space, VMMU_MODE_WP | VMMU_MODE_NXE, 0, 52);
	EXPECT_STRNE(mode, fdinfo_text(space, "vmmu-mode"));

	close(five);
	close(space);
	EXPECT_EQ(0, fdinfo_u64(vm, "vmmu-spaces"));
	EXPECT_EQ(NULL, fdinfo_text(self->dev, "vmmu-vm"));
}

TEST_F(vm, no_descriptor_left)
{
	int vm = vm_create(self->dev, MIB);
	struct vmmu_vm_info before = vm_info(vm);
	struct vmmu_space_create c;
	struct vmmu_trap_create t;
	struct rlimit old, full;
	int next = dup(0);

	ASSERT_LE(0, next);
	close(next);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	full = old;
	full.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
	err_vm_create(EMFILE, self->dev, MIB);
	fails_with(EMFILE, _space_create(vm, FORMAT4, 0, MODE(0), &c));
	fails_with(EMFILE, _trap_create(vm, &t));
	ASSERT_EQ(POISON32, (__u32)t.fd);
	ASSERT_EQ(POISON32, (__u32)c.fd);
	ASSERT_EQ(POISON64, c.id);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	vm_unchanged(before, vm);
	close(space_create(vm, FORMAT4, 0, 0));
	close(trap_create(vm));
	vm_unchanged(before, vm);
}

/*
 * The system's limit counts for those without CAP_SYS_ADMIN. It is everybody's:
 * so only where the kernel was booted for tests.
 */
TEST_F(vm, no_file_left)
{
	int vm = vm_create(self->dev, MIB);
	char limit[32] = {};
	pid_t pid;
	int fd;

	if (geteuid() || !booted_for_tests())
		SKIP(return, "changes the system's limit of open files");
	fd = open("/proc/sys/fs/file-max", O_RDONLY | O_CLOEXEC);
	ASSERT_LT(0, read(fd, limit, sizeof(limit) - 1));
	close(fd);
	ASSERT_EQ(0, write_text("/proc/sys/fs/file-max", "0"));
	pid = fork();
	if (!pid) {
		struct vmmu_space_create s;
		struct vmmu_trap_create t;
		struct vmmu_vm_create c;
		int next = dup(0);

		close(next);
		CHILD_CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
		CHILD_CHECK(gives(ENFILE, _vm_create(self->dev, MIB, &c)));
		CHILD_CHECK((__u32)c.fd == POISON32 && c.id == POISON64);
		CHILD_CHECK(gives(ENFILE, _space_create(vm, FORMAT4, 0, MODE(0),
							&s)));
		CHILD_CHECK((__u32)s.fd == POISON32 && s.id == POISON64);
		CHILD_CHECK(gives(ENFILE, _trap_create(vm, &t)));
		CHILD_CHECK((__u32)t.fd == POISON32);
		CHILD_CHECK(dup(0) == next);
		_exit(0);
	}
	fd = pid < 0 ? -1 : child_wait(pid);
	ASSERT_EQ(0, write_text("/proc/sys/fs/file-max", limit));
	ASSERT_EQ(0, fd);
	EXPECT_EQ(0, vm_info(vm).nr_spaces);
	close(vm);
}

/* What the other end of a passed VM file does: it has the full rights. */
static void use_passed_vm(int vm)
{
	struct vmmu_space_create c;
	struct vmmu_translation t;
	unsigned char *mem;
	__u64 done;

	CHILD_CHECK(vm >= 0);
	CHILD_CHECK(!_range(vm, VMMU_IOC_POPULATE, 2 * PAGE, PAGE, &done));
	mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	CHILD_CHECK(mem != MAP_FAILED);
	CHILD_CHECK(mem[PAGE] == 0x11);
	mem[PAGE] = 0x22;
	mem[2 * PAGE] = 0x33;
	CHILD_CHECK(!_space_create(vm, FORMAT4, 0, MODE(0), &c));
	CHILD_CHECK(!_translate(c.fd, 0, READ, 0, &t));
	CHILD_CHECK(t.reason == VMMU_REASON_NOT_PRESENT);
}

TEST_F(vm, passed_over_a_socket)
{
	unsigned char *mem;
	int sock[2], vm;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		use_passed_vm(receive_fd(sock[1]));
		_exit(0);
	}
	vm = vm_create(self->dev, MIB);
	mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	mem[PAGE] = 0x11;
	ASSERT_EQ(0, send_fd(sock[0], vm));
	ASSERT_EQ(0, child_wait(pid));
	EXPECT_EQ(0x22, mem[PAGE]);
	EXPECT_EQ(0x33, mem[2 * PAGE]);
	EXPECT_EQ(2, vm_info(vm).frames);
	EXPECT_EQ(0, vm_info(vm).nr_spaces);	/* the child's is gone */
}

/* A VM taken out of another process, which made it and is then killed. */
TEST_F(vm, outlives_its_creator)
{
	struct { int vm, space; } *told;
	unsigned char *mem;
	int pidfd, vm, space;
	pid_t pid;

	told = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)told);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmmu_vm_create c;
		struct vmmu_space_create s;

		CHILD_CHECK(!_vm_create(self->dev, MIB, &c));
		mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd,
			   0);
		CHILD_CHECK(mem != MAP_FAILED);
		mem[PAGE] = 0x11;
		CHILD_CHECK(!_space_create(c.fd, FORMAT4, 0, MODE(0), &s));
		told->space = s.fd;
		__atomic_store_n(&told->vm, c.fd, __ATOMIC_RELEASE);
		pause();
		_exit(1);
	}
	while (!__atomic_load_n(&told->vm, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	ASSERT_LE(0, pidfd);
	vm = syscall(SYS_pidfd_getfd, pidfd, told->vm, 0);
	if (vm < 0 && errno == EPERM) {
		kill(pid, SIGKILL);
		child_wait(pid);
		SKIP(return, "needs the right to trace a child");
	}
	ASSERT_LE(0, vm);
	space = syscall(SYS_pidfd_getfd, pidfd, told->space, 0);
	ASSERT_LE(0, space);
	kill(pid, SIGKILL);
	ASSERT_EQ(128 + SIGKILL, child_wait(pid));

	EXPECT_EQ(vm_info(vm).id, space_info(space).vm_id);
	EXPECT_EQ(1, vm_info(vm).frames);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		use_passed_vm(vm);
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(2, vm_info(vm).frames);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT,
		  translate(space, 0, READ, 0).reason);
}

/* The space holds its VM, and with it real memory. */
TEST_F(vm, outlived_by_a_space)
{
	struct guest g;
	__u64 id;

	guest_make(&g, self->dev, MIB, FORMAT4, 0);
	id = vm_info(g.vm).id;
	guest_map(&g, 0x1000, 1, g.data | PTE_ALL);
	g.mem[g.data] = 1;
	munmap(g.mem, g.bytes);
	close(g.vm);

	EXPECT_EQ(id, space_info(g.space).vm_id);
	EXPECT_EQ(id, fdinfo_u64(g.space, "vmmu-of-vm"));
	EXPECT_EQ(g.data, translate(g.space, 0, READ, 0x1000).ra);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(g.space, 0x2000, 1,
						 (g.data + PAGE) | PTE_ALL));
	EXPECT_EQ(VMMU_REASON_NONE,
		  translate(g.space, 0, READ, 0x2000).reason);
	close(g.space);
}

TEST_F(vm, outlived_by_a_mapping)
{
	struct guest g;
	pid_t pid;

	guest_make(&g, self->dev, MIB, FORMAT4, 0);
	g.mem[g.data] = 0x11;
	close(g.space);
	close(g.vm);
	close(self->dev);
	EXPECT_EQ(0x11, g.mem[g.data]);
	g.mem[g.data + PAGE] = 0x22;		/* a new frame */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(g.mem[g.data + PAGE] == 0x22);
		g.mem[g.data + 2 * PAGE] = 0x33;
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0x33, g.mem[g.data + 2 * PAGE]);
	munmap(g.mem, g.bytes);
	self->dev = -1;
}

TEST_F(vm, not_inherited_by_exec)
{
	int vm = vm_create(self->dev, MIB);
	char path[64];
	pid_t pid;

	sprintf(path, "/proc/self/fd/%d", vm);
	ASSERT_EQ(0, access(path, F_OK));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		execlp("test", "test", "-e", path, NULL);
		_exit(99);
	}
	EXPECT_EQ(1, child_wait(pid));
}

TEST_HARNESS_MAIN
