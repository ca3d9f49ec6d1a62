// SPDX-License-Identifier: GPL-2.0
/*
 * Memory cgroups: a VM's memory is charged to whoever causes it, comes back
 * when the VM goes, and running out is an error of the call or a SIGBUS of the
 * access, never a killed task.
 */
#include "vmmu_guest.h"
#include "vmmu_memcg.h"

#define REAL	(64 * MIB)
#define LIMIT	(24 * MIB)

FIXTURE(memcg) {
	int dev;
	struct memcg m;
};

FIXTURE_SETUP(memcg)
{
	const char *why;

	if (geteuid())
		SKIP(return, "needs root, to make a cgroup");
	self->dev = dev_open();
	ASSERT_LE(0, self->dev);
	why = memcg_make(&self->m, LIMIT);
	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(memcg)
{
	memcg_drop(&self->m);
	close(self->dev);
}

/*
 * Run @work(@what) in a child inside the group. Its own memory is there beforehand,
 * so that what runs out is what the module asks for. Neither it nor any other task
 * of the group must be killed.
 */
#define in_group(work, what) do {					\
	pid_t __pid = fork();						\
									\
	ASSERT_LE(0, __pid);						\
	if (!__pid) {							\
		CHILD_CHECK(!memcg_put(self->m.group, "cgroup.procs",	\
				       "0"));				\
		CHILD_CHECK(!mlockall(MCL_CURRENT));			\
		work(what);						\
		_exit(0);						\
	}								\
	ASSERT_EQ(0, child_wait(__pid));				\
	ASSERT_EQ(0, memcg_number(self->m.group, "memory.events",	\
				  "oom_kill "));			\
} while (0)

/* Wait for memory to be given back: asynchronous by nature. */
static bool drained(const char *group)
{
	int tries;

	for (tries = 0; tries < 500; tries++) {
		if (memcg_number(group, "memory.current", "") < 2 * (long long)MIB)
			return true;
		sleep_ms(10);
	}
	return false;
}

static void populate_all(int vm)
{
	__u64 done;

	CHILD_CHECK(gives(ENOMEM, _range(vm, VMMU_IOC_POPULATE, 0, REAL,
					 &done)));
	CHILD_CHECK(done >= LIMIT / 2 && done < LIMIT);
}

static void populate_some(int vm)
{
	__u64 done;

	CHILD_CHECK(!_range(vm, VMMU_IOC_POPULATE, 0, LIMIT / 2, &done));
}

TEST_F(memcg, populate)
{
	int vm = vm_create(self->dev, REAL);
	struct vmmu_vm_info i;
	long long now;

	in_group(populate_all, vm);
	i = vm_info(vm);
	EXPECT_LE(LIMIT / 2 / PAGE, i.frames);
	EXPECT_GT(LIMIT / PAGE, i.frames);

	/* Charged to the group of whoever asked, and for as long as it is. */
	now = memcg_number(self->m.group, "memory.current", "");
	EXPECT_LE((long long)(i.frames * PAGE), now);
	populate(vm, 0, REAL);
	EXPECT_GE(now, memcg_number(self->m.group, "memory.current", ""));
	discard(vm, 0, REAL);
	EXPECT_TRUE(drained(self->m.group));

	in_group(populate_some, vm);
	EXPECT_LE((long long)LIMIT / 2,
		  memcg_number(self->m.group, "memory.current", ""));
	close(vm);
	EXPECT_TRUE(drained(self->m.group));
}

/*
 * Each SIGBUS makes the kernel charge its own record of the signal, limit or
 * not, which lets a page more through every now and then: so not all of the
 * accesses after the first refusal are refused.
 */
static void touch_all(int vm)
{
	unsigned char *mem;
	int refused = 0, tries;
	__u64 at;

	mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	CHILD_CHECK(mem != MAP_FAILED);
	for (at = 0; at < REAL; at += 2 * MIB)	/* for the host's page tables */
		CHILD_CHECK(!access_write(mem + at, 1));
	CHILD_CHECK(!access_write(mem + REAL - PAGE, 1));
	for (at = 0; at < REAL; at += PAGE)
		if (access_write(mem + at, 1))
			break;
	CHILD_CHECK(at >= LIMIT / 2 && at < LIMIT);
	CHILD_CHECK(access_address == mem + at);
	for (tries = 0; tries < 40; tries++) {
		int sig = access_write(mem + at + tries * PAGE, 1);

		CHILD_CHECK(!sig || sig == SIGBUS);
		refused += sig == SIGBUS;
	}
	CHILD_CHECK(refused > 5);
	CHILD_CHECK(!access_write(mem, 2));
}

TEST_F(memcg, fault)
{
	int vm = vm_create(self->dev, REAL);

	in_group(touch_all, vm);
	close(vm);
	EXPECT_TRUE(drained(self->m.group));
}

static void install_without_frame(struct guest *g)
{
	struct vmmu_install_op op = {
		.va = 0x1000, .level = 1, .value = g->data | PTE_ALL,
	};
	struct vmmu_translation t;
	struct vmmu_install i;
	__u64 done;

	CHILD_CHECK(_range(g->vm, VMMU_IOC_POPULATE, 0, g->data, &done) ==
		    -ENOMEM);
	CHILD_CHECK(_install(g->space, 0, &op, 1, NULL, &i) == -ENOMEM);
	CHILD_CHECK(!i.done && !i.index);
	CHILD_CHECK(i.reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(_translate(g->space, PROVIDE, READ, 4 * MIB, &t) ==
		    -ENOMEM);
	CHILD_CHECK(!_translate(g->space, 0, READ, 4 * MIB, &t));
	CHILD_CHECK(t.reason == VMMU_REASON_NOT_BACKED);
}

TEST_F(memcg, install_and_translate)
{
	struct guest g;

	guest_make(&g, self->dev, REAL, FORMAT4, 0);
	guest_map(&g, 4 * MIB, 1, g.data | PTE_ALL);
	guest_slot(&g, 0x1000, 1);
	/* The child must not have it mapped: it locks what it has. */
	ASSERT_EQ(0, madvise(g.mem, g.bytes, MADV_DONTFORK));
	in_group(install_without_frame, &g);
	EXPECT_EQ(0, *guest_slot(&g, 0x1000, 1));
	EXPECT_EQ(VMMU_REASON_NONE,
		  translate(g.space, PROVIDE, READ, 4 * MIB).reason);
	guest_drop(&g);
	EXPECT_TRUE(drained(self->m.group));
}

/*
 * A VM's inode and file are allocated by the kernel, which invokes the OOM killer for
 * the last of the memory rather than fail; it must not find the child.
 */
static void create_many(int dev)
{
	struct rlimit many = { 100000, 100000 };
	struct vmmu_space_create s;
	struct vmmu_vm_create c;
	int ret = 0, nr;

	CHILD_CHECK(!setrlimit(RLIMIT_NOFILE, &many));
	CHILD_CHECK(!write_text("/proc/self/oom_score_adj", "-1000"));
	for (nr = 0; !ret && nr < 100000; nr++) {
		ret = _vm_create(dev, REAL, &c);
		if (!ret)
			ret = _space_create(c.fd, FORMAT4, 0, MODE(0), &s);
	}
	CHILD_CHECK(gives(ENOMEM, ret));
	CHILD_CHECK(nr > 100);
}

/* VMs and spaces themselves are charged, too; they run out cleanly and come back. */
TEST_F(memcg, objects)
{
	in_group(create_many, self->dev);
	EXPECT_TRUE(drained(self->m.group));
}

TEST_HARNESS_MAIN
