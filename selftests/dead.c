// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that the module has found inconsistent is dead: its calls give EIO, it
 * can still be asked what it was, and nothing of it is lost. What it takes is
 * done by a module of its own, tamper.ko, which takes a frame's page->mapping
 * away; a discard of that frame finds out.
 */
#include "vmmu_calls.h"
#include "vmmu_memory.h"
#include "vmmu_tamper.h"

/* Count the kernel's messages from where @log stands that contain @text. */
static int logged(int log, const char *text)
{
	char record[8192];
	int nr = 0;

	for (;;) {
		ssize_t bytes = read(log, record, sizeof(record) - 1);

		if (bytes < 0 && errno == EPIPE)
			continue;
		if (bytes <= 0)
			return nr;
		record[bytes] = 0;
		nr += !!strstr(record, text);
	}
}

static int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

/* Whether a dead VM still answers the call, or the call is not on it at all. */
static bool still_works(const struct row *row)
{
	switch (row->cmd) {
	case VMMU_IOC_VM_INFO:
	case VMMU_IOC_SPACE_INFO:
	case VMMU_IOC_TRAP_INFO:
	case VMMU_IOC_GET_DELIVERY:
	case VMMU_IOC_LEDGER:
		return true;
	default:
		return row->file == DEV;
	}
}

/* Assert of every call that it gives EIO, or works as ever. */
#define calls_are_dead() do {						\
	static union arg __was;						\
	const struct row *__r;						\
									\
	for (__r = rows; __r->name; __r++) {				\
		fill(__r);						\
		__was = *arg;						\
		if (still_works(__r)) {					\
			ASSERT_EQ(0, try_call(__r))			\
				TH_LOG("%s", __r->name);		\
			continue;					\
		}							\
		fails_with(EIO, try_call(__r)) TH_LOG("%s", __r->name);	\
		ASSERT_EQ(0, memcmp(&__was, arg, PAGE))			\
			TH_LOG("%s", __r->name);			\
	}								\
} while (0)

/* Make a VM and have it die of two frames, the third and fifth of @ra. */
#define die(dying, ra) do {						\
	struct guest *__d = (dying);					\
	__u64 __first = (ra), __done;					\
									\
	ASSERT_EQ(0, tamper("disown", real_page(__d->vm, __first + 2 * PAGE).frame, 0));\
	ASSERT_EQ(0, tamper("disown", real_page(__d->vm, __first + 4 * PAGE).frame, 0));\
	ASSERT_EQ(0, vm_info(__d->vm).state & VMMU_VM_DEAD);		\
	fails_with(EIO, _range(__d->vm, VMMU_IOC_DISCARD, __first,		\
			       8 * PAGE, &__done));			\
	ASSERT_GE(8 * PAGE, __done);					\
	ASSERT_TRUE(vm_info(__d->vm).state & VMMU_VM_DEAD);		\
} while (0)

/* All calls on the dead VM and its spaces; the other VM goes on as before. */
TEST_F(calls, on_a_dead_vm)
{
	struct vmmu_space_info space;
	struct guest dead;
	const char *why;
	int log, other;
	__u64 before;

	why = tamper_load();
	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, limit_memlock(GIB));
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	before = room(file[DEV]);
	guest_make(&dead, file[DEV], 4 * MIB, FORMAT4, 0);
	other = space_create(dead.vm, FORMAT5, 0, VMMU_MODE_WP);
	memset(dead.mem + dead.data, 0x11, 8 * PAGE);
	space = space_info(dead.space);
	ASSERT_GT(before, room(file[DEV]));

	log = log_open();
	ASSERT_LE(0, log);
	die(&dead, dead.data);
	file[VM] = dead.vm;
	file[SPACE] = dead.space;
	calls_are_dead();
	file[SPACE] = other;
	calls_are_dead();
	EXPECT_EQ(vm_info(dead.vm).id, fdinfo_u64(dead.vm, "vmmu-vm"));
	EXPECT_EQ(space.vm_id, space_info(dead.space).vm_id);
	EXPECT_EQ(space.root, space_info(dead.space).root);
	ASSERT_NE(NULL, fdinfo_text(dead.vm, "vmmu-state"));
	EXPECT_STREQ("dead", fdinfo_text(dead.vm, "vmmu-state"));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dead.vm,
				   0));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(2, vm_info(dead.vm).nr_spaces);

	file[VM] = g.vm;
	file[SPACE] = g.space;
	vm_unchanged(self->before, g.vm);
	fill(row_of(VMMU_IOC_POPULATE));
	ASSERT_EQ(0, try_call(row_of(VMMU_IOC_POPULATE)));
	guest_drop(&dead);
	close(other);
	EXPECT_EQ(before, wait_for_room(file[DEV], before));
	EXPECT_EQ(1, logged(log, "vmmu:"));
	close(log);
	tamper_unload();
}

/* What is mapped stays memory, while the VM lives and after it has died. */
TEST_F(calls, memory_of_a_dead_vm)
{
	struct guest dead;
	const char *why;
	__u64 before, at;
	pid_t pid;

	why = tamper_load();
	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, limit_memlock(GIB));
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	before = room(file[DEV]);
	guest_make(&dead, file[DEV], 4 * MIB, FORMAT4, 0);
	memset(dead.mem + dead.data, 0x11, 16 * PAGE);
	die(&dead, dead.data);
	close(dead.vm);
	for (at = 0; at < 16 * PAGE; at += PAGE) {
		EXPECT_EQ(0, access_read(dead.mem + dead.data + at));
		EXPECT_EQ(at < 8 * PAGE ? 0 : 0x11, dead.mem[dead.data + at]);
		EXPECT_EQ(0, access_write(dead.mem + dead.data + at, 0x22));
	}
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(all_bytes(dead.mem + dead.data + 9 * PAGE + 1,
				      0x11, PAGE - 1));
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	close(dead.space);
	munmap(dead.mem, dead.bytes);
	EXPECT_EQ(before, wait_for_room(file[DEV], before));
	tamper_unload();
}

TEST_HARNESS_MAIN
