// SPDX-License-Identifier: GPL-2.0
/*
 * The calls as a 32-bit process makes them: through int $0x80, by the same
 * structures, whose addresses are below 4 GiB.
 */
#include <assert.h>

#include "vmmu_calls.h"

#define NR_IOCTL_32	54
#define NR_GETPID_32	20

static long call32(long nr, long a, long b, void *c)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static long ioctl32(int fd, unsigned long cmd, void *arg)
{
	return seen(cmd, call32(NR_IOCTL_32, fd, cmd, arg));
}

static void ill(int sig)
{
	_exit(1);
}

/* Whether this kernel has system calls of 32-bit processes. */
static bool has_32_bit(void)
{
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, ill);
		_exit(call32(NR_GETPID_32, 0, 0, NULL) != getpid());
	}
	return !child_wait(pid);
}

struct low {
	struct vmmu_info info;
	struct vmmu_vm_create create;
	struct vmmu_range range;
	struct vmmu_space_create space;
	struct vmmu_install_op op;
	struct vmmu_install install;
	struct vmmu_translate translate;
	struct vmmu_translation result;
	__u64 va;
	__u8 outcome;
};

/* Every 64-bit field lies where a 32-bit compiler puts it, too. */
static_assert(!(sizeof(struct vmmu_info) % 8), "padding");
static_assert(!(sizeof(struct vmmu_range) % 8), "padding");
static_assert(!(sizeof(struct vmmu_mode) % 8), "padding");
static_assert(offsetof(struct vmmu_space_create, mode) == 24, "padding");
static_assert(offsetof(struct vmmu_translate, result) == 48, "padding");
static_assert(offsetof(struct vmmu_explain, result) == 40, "padding");
static_assert(sizeof(struct vmmu_translation) == 32, "padding");
static_assert(sizeof(struct vmmu_install_op) == 24, "padding");
static_assert(sizeof(struct vmmu_mapping) == 48, "padding");

TEST(every_kind_of_call)
{
	int dev = dev_open(), vm;
	struct low *l;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	if (!has_32_bit())
		SKIP(return, "this kernel runs no 32-bit processes");
	l = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)l);

	l->info.size = sizeof(l->info);
	ASSERT_EQ(0, ioctl32(dev, VMMU_IOC_INFO, &l->info));
	EXPECT_EQ(64 * TIB, l->info.max_real_bytes);

	l->create.size = sizeof(l->create);
	l->create.real_bytes = 8 * GIB;
	ASSERT_EQ(0, ioctl32(dev, VMMU_IOC_VM_CREATE, &l->create));
	vm = l->create.fd;
	EXPECT_EQ(8 * GIB, vm_info(vm).real_bytes);

	l->range = (struct vmmu_range){
		.size = sizeof(l->range), .ra = 5 * GIB, .bytes = PAGE,
	};
	ASSERT_EQ(0, ioctl32(vm, VMMU_IOC_POPULATE, &l->range));
	EXPECT_EQ(PAGE, l->range.done);
	EXPECT_EQ(12, real_page(vm, 5 * GIB).page_shift);

	l->space = (struct vmmu_space_create){
		.size = sizeof(l->space), .format = FORMAT4, .root = 6 * GIB,
		.mode = MODE(0),
	};
	ASSERT_EQ(0, ioctl32(vm, VMMU_IOC_SPACE_CREATE, &l->space));

	l->op = (struct vmmu_install_op){
		.va = 0xffff800000000000, .level = 4,
		.value = (6 * GIB) | PTE_ALL | PTE_A,
	};
	l->outcome = POISON8;
	l->install = (struct vmmu_install){
		.size = sizeof(l->install), .nr = 1, .ops = (uintptr_t)&l->op,
		.outcomes = (uintptr_t)&l->outcome,
	};
	ASSERT_EQ(0, ioctl32(l->space.fd, VMMU_IOC_INSTALL, &l->install));
	EXPECT_EQ(1, l->install.done);
	EXPECT_EQ(VMMU_OUTCOME_TABLE, l->outcome);

	l->va = 0xffff804020100123;	/* the entry, through itself */
	l->translate = (struct vmmu_translate){
		.size = sizeof(l->translate), .nr = 1,
		.vas = (uintptr_t)&l->va, .results = (uintptr_t)&l->result,
	};
	ASSERT_EQ(0, ioctl32(l->space.fd, VMMU_IOC_TRANSLATE, &l->translate));
	EXPECT_EQ(1, l->translate.done);
	EXPECT_EQ(VMMU_REASON_NONE, l->result.reason);
	EXPECT_EQ(6 * GIB + 0x123, l->result.ra);
	l->va = 0xffff800000000123;
	ASSERT_EQ(0, ioctl32(l->space.fd, VMMU_IOC_TRANSLATE, &l->translate));
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, l->result.reason);

	EXPECT_EQ(-EFAULT, ioctl32(dev, VMMU_IOC_INFO, NULL));
	EXPECT_EQ(-ENOTTY, ioctl32(dev, VMMU_IOC_VM_INFO, &l->info));
	close(l->space.fd);
	close(vm);
	close(dev);
}

/* Take out of an answer what differs from call to call. */
static void forget_names(const struct row *row)
{
	let_go(row, arg);
	if (row->cmd == VMMU_IOC_VM_CREATE) {
		arg->vm_create.fd = 0;
		arg->vm_create.id = 0;
	} else if (row->cmd == VMMU_IOC_SPACE_CREATE) {
		arg->space_create.fd = 0;
		arg->space_create.id = 0;
	} else if (row->cmd == VMMU_IOC_TRAP_CREATE) {
		arg->trap_create.fd = 0;
	} else if (row->cmd == VMMU_IOC_VM_INFO) {
		arg->vm_info.sequence = 0;
	}
}

/* Every call answers what it answers a 64-bit process. */
TEST_F(calls, same_answers)
{
	static union arg native;
	const struct row *row;

	if (!has_32_bit())
		SKIP(return, "this kernel runs no 32-bit processes");
	for (row = rows; row->name; row++) {
		int fd = file[row->file];

		fill(row);
		ASSERT_EQ(0, call(fd, row->cmd, arg));
		forget_names(row);
		native = *arg;
		fill(row);
		ASSERT_EQ(0, ioctl32(fd, row->cmd, arg))
			TH_LOG("%s", row->name);
		forget_names(row);
		ASSERT_EQ(0, memcmp(&native, arg, PAGE))
			TH_LOG("%s", row->name);
		unchanged(row);
	}
}

/* And refuses what it refuses one. */
TEST_F(calls, same_errors)
{
	const struct row *row;
	int f;

	if (!has_32_bit())
		SKIP(return, "this kernel runs no 32-bit processes");
	for (row = rows; row->name; row++) {
		int fd = file[row->file];

		fill(row);
		arg->size = (row->min_bytes ?: row->bytes) - 1;
		fails_with(EINVAL, ioctl32(fd, row->cmd, arg));
		arg->size = PAGE + 1;
		fails_with(E2BIG, ioctl32(fd, row->cmd, arg));
		arg->size = row->bytes + 1;
		arg->bytes[row->bytes] = 1;
		fails_with(E2BIG, ioctl32(fd, row->cmd, arg));
		arg->size = row->bytes;
		arg->info.flags = 1U << 31;
		fails_with(EOPNOTSUPP, ioctl32(fd, row->cmd, arg));
		fails_with(EFAULT, ioctl32(fd, row->cmd, NULL));
		fails_with(EFAULT, ioctl32(fd, row->cmd, arg->bytes + PAGE));
		fails_with(EFAULT, ioctl32(fd, row->cmd, (void *)0xfffffff8));
		for (f = 0; f < NR_FILES; f++) {
			if (is_on(row->cmd, f))
				continue;
			fails_with(ENOTTY, ioctl32(file[f], row->cmd, arg));
		}
		unchanged(row);
	}
	/* Addresses in a structure are 64 bits wide for everybody. */
	fill(row_of(VMMU_IOC_REAL_MAP));
	arg->real_map.entries |= 1ULL << 40;
	fails_with(EFAULT, ioctl32(g.vm, VMMU_IOC_REAL_MAP, arg));
}

TEST_HARNESS_MAIN
