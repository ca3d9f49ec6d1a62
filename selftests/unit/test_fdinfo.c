// SPDX-License-Identifier: GPL-2.0
/* vmmuctl list: what it makes of /proc, here a folder that looks like it. */
#include "cli.h"
#include "fake_cli.h"
#include "kselftest_harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "fdinfo.h"

FIXTURE(proc)
{
	char path[64];
	struct found found;
};

FIXTURE_SETUP(proc)
{
	snprintf(self->path, sizeof(self->path), "/tmp/vmmu-test-proc-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->path));
	ASSERT_EQ(0, chdir(self->path));
	ASSERT_EQ(0, mkdir("sys", 0755));
	ASSERT_EQ(0, mkdir("4711x", 0755));
}

FIXTURE_TEARDOWN(proc)
{
	char command[96];

	found_free(&self->found);
	snprintf(command, sizeof(command), "rm -rf %s", self->path);
	EXPECT_EQ(0, system(command));
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static void add_process(int pid, const char *comm)
{
	char path[64];

	snprintf(path, sizeof(path), "%d", pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%d/fd", pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%d/fdinfo", pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%d/comm", pid);
	put(path, comm);
}

static void add_fd(int pid, int fd, const char *target, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/fd/%d", pid, fd);
	if (symlink(target, path))
		abort();
	snprintf(path, sizeof(path), "%d/fdinfo/%d", pid, fd);
	put(path, text);
}

static const char vm_text[] =
	"pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1\nvmmu-vm:\t7\n"
	"vmmu-real-bytes:\t1048576\nvmmu-frames:\t3\nvmmu-tables:\t4\n"
	"vmmu-spaces:\t1\nvmmu-charged-bytes:\t28672\nvmmu-sequence:\t9\n"
	"vmmu-zaps:\t5\n"
	"vmmu-state:\tlive\n";

#define INSTALLS	"hypercall ask, store notify, reread none, discard none"

static const char space_text[] =
	"pos:\t0\nvmmu-space:\t2\nvmmu-of-vm:\t7\n"
	"vmmu-format:\tx86-64-4level\nvmmu-root:\t0x1000\n"
	"vmmu-mode:\tWP NXE CPL3 PKRU=0x0 MAXPHYADDR=40\nvmmu-kind:\tlazy\n"
	"vmmu-faults:\trecord\nvmmu-installs:\t" INSTALLS "\n";

#define LEDGER	"3 made, 2 read, 1 withdrawn, 0 overflowed, 2 answered"

static const char trap_text[] =
	"pos:\t0\nino:\t77\nvmmu-trap-of-vm:\t7\n"
	"vmmu-records:\t" LEDGER "\nvmmu-waiting:\t4\n";

TEST_F(proc, everything)
{
	add_process(200, "b\n");
	add_fd(200, 10, "vmmu:[vm]", vm_text);
	add_fd(200, 9, "vmmu:[vm]", vm_text);
	add_fd(200, 11, "vmmu:[space]", space_text);
	add_fd(200, 3, "/dev/vmmu", "pos:\t0\n");
	add_fd(200, 4, "socket:[1]", vm_text);
	add_process(30, "a\x1b[2J\n");
	add_fd(30, 5, "vmmu:[vm]", vm_text);
	ASSERT_EQ(0, found_scan(self->path, &self->found));
	ASSERT_EQ(1, self->found.nr_vms);
	EXPECT_EQ(7, self->found.vms[0].id);
	EXPECT_TRUE(self->found.vms[0].known);
	EXPECT_EQ(1048576, self->found.vms[0].real_bytes);
	EXPECT_EQ(3, self->found.vms[0].frames);
	EXPECT_EQ(9, self->found.vms[0].sequence);
	EXPECT_EQ(5, self->found.vms[0].zaps);
	EXPECT_STREQ("live", self->found.vms[0].state);
	ASSERT_EQ(2, self->found.vms[0].holders.nr);
	EXPECT_EQ(30, self->found.vms[0].holders.list[0].pid);
	/* A name can't reach the terminal with its control characters. */
	EXPECT_STREQ("a?[2J", self->found.vms[0].holders.list[0].comm);
	ASSERT_EQ(2, self->found.vms[0].holders.list[1].nr_fds);
	EXPECT_EQ(9, self->found.vms[0].holders.list[1].fds[0]);
	EXPECT_EQ(10, self->found.vms[0].holders.list[1].fds[1]);
	ASSERT_EQ(1, self->found.nr_spaces);
	EXPECT_EQ(2, self->found.spaces[0].id);
	EXPECT_EQ(0x1000, self->found.spaces[0].root);
	EXPECT_STREQ("WP NXE CPL3 PKRU=0x0 MAXPHYADDR=40",
		     self->found.spaces[0].mode);
	EXPECT_STREQ("lazy", self->found.spaces[0].kind);
	EXPECT_STREQ("record", self->found.spaces[0].delivery);
	EXPECT_STREQ(INSTALLS, self->found.spaces[0].installs);
	EXPECT_EQ(0, self->found.unreadable);
}

/* Two files of one VM, one of them held twice. */
TEST_F(proc, traps)
{
	add_process(30, "a\n");
	add_fd(30, 5, "vmmu:[trap]", trap_text);
	add_fd(30, 6, "vmmu:[trap]", "ino:\t70\nvmmu-trap-of-vm:\t7\n");
	add_process(40, "b\n");
	add_fd(40, 7, "vmmu:[trap]", trap_text);
	ASSERT_EQ(0, found_scan(self->path, &self->found));
	ASSERT_EQ(1, self->found.nr_vms);
	EXPECT_FALSE(self->found.vms[0].known);
	ASSERT_EQ(2, self->found.nr_traps);
	EXPECT_EQ(70, self->found.traps[0].inode);
	EXPECT_EQ(77, self->found.traps[1].inode);
	EXPECT_EQ(7, self->found.traps[1].vm);
	EXPECT_EQ(4, self->found.traps[1].waiting);
	EXPECT_STREQ(LEDGER, self->found.traps[1].records);
	ASSERT_EQ(2, self->found.traps[1].holders.nr);
	EXPECT_EQ(40, self->found.traps[1].holders.list[1].pid);
}

TEST_F(proc, a_space_alone)
{
	add_process(1, "init\n");
	add_fd(1, 0, "vmmu:[space]", space_text);
	ASSERT_EQ(0, found_scan(self->path, &self->found));
	ASSERT_EQ(1, self->found.nr_vms);
	EXPECT_FALSE(self->found.vms[0].known);
	EXPECT_EQ(0, self->found.vms[0].holders.nr);
	EXPECT_EQ(1, self->found.spaces[0].holders.nr);
}

/* Processes go, and descriptors become something else, between two looks. */
TEST_F(proc, vanished)
{
	add_process(1, "a\n");
	add_fd(1, 0, "vmmu:[vm]", "pos:\t0\n");
	add_fd(1, 1, "vmmu:[vm]", "");
	add_fd(1, 2, "vmmu:[vm]", vm_text);
	ASSERT_EQ(0, unlink("1/fdinfo/2"));
	ASSERT_EQ(0, mkdir("2", 0755));
	ASSERT_EQ(0, found_scan(self->path, &self->found));
	EXPECT_EQ(0, self->found.nr_vms);
	EXPECT_EQ(0, self->found.nr_spaces);
	EXPECT_EQ(0, self->found.unreadable);
}

TEST_F(proc, order)
{
	add_process(1, "a\n");
	add_fd(1, 0, "vmmu:[vm]", "vmmu-vm:\t300\n");
	add_fd(1, 1, "vmmu:[vm]", "vmmu-vm:\t20\n");
	add_fd(1, 2, "vmmu:[space]", "vmmu-space:\t5\nvmmu-of-vm:\t300\n");
	add_fd(1, 3, "vmmu:[space]", "vmmu-space:\t4\nvmmu-of-vm:\t300\n");
	add_fd(1, 4, "vmmu:[space]", "vmmu-space:\t6\nvmmu-of-vm:\t20\n");
	ASSERT_EQ(0, found_scan(self->path, &self->found));
	ASSERT_EQ(2, self->found.nr_vms);
	EXPECT_EQ(20, self->found.vms[0].id);
	ASSERT_EQ(3, self->found.nr_spaces);
	EXPECT_EQ(6, self->found.spaces[0].id);
	EXPECT_EQ(4, self->found.spaces[1].id);
	EXPECT_EQ(5, self->found.spaces[2].id);
}

TEST_F(proc, none)
{
	EXPECT_EQ(-ENOENT, found_scan("/nowhere/at/all", &self->found));
	EXPECT_EQ(0, self->found.nr_vms);
}

TEST_HARNESS_MAIN
