// SPDX-License-Identifier: GPL-2.0
/* The device node and VMMU_IOC_INFO: what the module says it can do. */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

FIXTURE(info) {
	int dev;
};

FIXTURE_SETUP(info)
{
	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(info)
{
	close(self->dev);
}

TEST_F(info, node)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->dev, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(10, major(st.st_rdev));

	/* It is neither memory nor a stream. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
				   self->dev, 0));
	EXPECT_EQ(-1, read(self->dev, &st, 1));
	EXPECT_EQ(-1, write(self->dev, &st, 1));
}

TEST_F(info, answers)
{
	struct vmmu_info i = info(self->dev);

	EXPECT_EQ(sizeof(i), i.size);
	EXPECT_EQ(0, i.flags);
	EXPECT_EQ(VMMU_API_VERSION, i.api_version);
	EXPECT_EQ(12, i.page_shift);
	EXPECT_EQ(1ULL << FORMAT4 | 1ULL << FORMAT5, i.formats);
	EXPECT_EQ(VMMU_FEATURE_POPULATE | VMMU_FEATURE_REAL_MAP |
		  VMMU_FEATURE_INSTALL | VMMU_FEATURE_TRANSLATE |
		  VMMU_FEATURE_MAPPINGS | VMMU_FEATURE_MEMORY |
		  VMMU_FEATURE_REVERSE | VMMU_FEATURE_WINDOWS |
		  VMMU_FEATURE_TRAPS | VMMU_FEATURE_AUDIT |
		  VMMU_FEATURE_TRAPPING, i.features);
	EXPECT_EQ(0, i.vm_flags);
	EXPECT_EQ(64 * TIB, i.max_real_bytes);
	EXPECT_LE(512, i.max_batch);
	EXPECT_EQ(5, i.max_levels);
	EXPECT_NE(0, i.module_version[0]);
	EXPECT_LT(strnlen((char *)i.module_version, sizeof(i.module_version)),
		  sizeof(i.module_version));
}

/* What is announced is there, and what is not is refused. */
TEST_F(info, space_flags_are_true)
{
	struct vmmu_info i = info(self->dev);
	int vm = vm_create(self->dev, MIB);

	ASSERT_EQ(VMMU_SPACE_TRAPPING, i.space_flags);
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct vmmu_space_create c = {
			.size = sizeof(c),
			.flags = 1U << bit,
			.format = FORMAT4,
			.fd = -1,
			.root = PAGE,
			.mode = MODE(0),
		};

		if (!(i.space_flags >> bit & 1)) {
			err_call(EOPNOTSUPP, vm, VMMU_IOC_SPACE_CREATE, &c);
			continue;
		}
		ASSERT_EQ(0, call(vm, VMMU_IOC_SPACE_CREATE, &c));
		ASSERT_EQ(c.flags, space_info(c.fd).space_flags);
		close(c.fd);
	}
	EXPECT_EQ(0, vm_info(vm).nr_spaces);
	close(vm);
}

/* Every format that is announced works, every other one is refused. */
TEST_F(info, formats_are_true)
{
	struct vmmu_info i = info(self->dev);
	int vm = vm_create(self->dev, MIB);
	__u32 f;

	for (f = 0; f < 64; f++) {
		struct vmmu_space_create c;
		int ret = _space_create(vm, f, PAGE, MODE(0), &c);

		if (i.formats >> f & 1) {
			ASSERT_EQ(0, ret) TH_LOG("format %u", f);
			ASSERT_LE(space_info(c.fd).levels, i.max_levels);
			close(c.fd);
		} else {
			ASSERT_EQ(-EOPNOTSUPP, ret) TH_LOG("format %u", f);
		}
	}
	close(vm);
}

TEST_F(info, max_batch_is_true)
{
	__u32 most = info(self->dev).max_batch;
	struct vmmu_translation *results;
	struct vmmu_vm_info before;
	struct guest g;
	__u32 done;

	guest_make(&g, self->dev, 4 * MIB, FORMAT4, 0);
	results = malloc((most + 1ULL) * sizeof(*results));
	ASSERT_NE(NULL, results);
	before = vm_info(g.vm);

	translate_many(g.space, 0, READ, NULL, 0, most, results);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, results[most - 1].reason);

	results[0].reason = POISON8;
	EXPECT_EQ(-EINVAL, _translate_many(g.space, 0, READ, NULL, 0, most + 1,
					   results, &done));
	EXPECT_EQ(POISON32, done);
	EXPECT_EQ(POISON8, results[0].reason);
	vm_unchanged(before, g.vm);
	free(results);
	guest_drop(&g);
}

TEST_F(info, memlock)
{
	int dev = self->dev;
	struct vmmu_vm_info i;
	int vm;

	if (geteuid())
		SKIP(return, "needs root, to become another user");

	EXPECT_EQ(~0ULL, info(dev).memlock_bytes);

	ASSERT_EQ(0, limit_memlock(3 * MIB));
	EXPECT_EQ(~0ULL, info(dev).memlock_bytes);	/* CAP_IPC_LOCK */

	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(3 * MIB, info(dev).memlock_bytes);

	vm = vm_create(dev, MIB);
	populate(vm, 0, 16 * PAGE);
	i = vm_info(vm);
	EXPECT_EQ(3 * MIB, i.limit_bytes);
	EXPECT_LE(16 * PAGE, i.charged_bytes);
	EXPECT_EQ(3 * MIB - i.charged_bytes, info(dev).memlock_bytes);

	/* Less than what is charged already leaves nothing, not a wrap. */
	ASSERT_EQ(0, limit_memlock(8 * PAGE));
	EXPECT_EQ(0, info(dev).memlock_bytes);

	ASSERT_EQ(0, limit_memlock(RLIM_INFINITY));
	EXPECT_EQ(~0ULL, info(dev).memlock_bytes);
	close(vm);
	ASSERT_EQ(0, become_root());
}

TEST_HARNESS_MAIN
