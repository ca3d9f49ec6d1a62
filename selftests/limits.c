// SPDX-License-Identifier: GPL-2.0
/*
 * What a user may cost: RLIMIT_MEMLOCK of the VM's creator. And what a user may
 * see: frame numbers are for those who had CAP_SYS_ADMIN and have it now.
 */
#include <sched.h>
#include <sys/uio.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(64 * MIB)
#define LIMIT	(4 * MIB)

FIXTURE(limits) {
	int dev;
};

FIXTURE_SETUP(limits)
{
	if (geteuid())
		SKIP(return, "needs root, to become another user");
	self->dev = dev_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, limit_memlock(LIMIT));
}

FIXTURE_TEARDOWN(limits)
{
	become_root();
	close(self->dev);
}

/* Assert that the VM holds what it may, and hardly less. */
#define at_limit(vm) do {						\
	struct vmmu_vm_info __at = vm_info(vm);				\
									\
	ASSERT_EQ(LIMIT, __at.limit_bytes);				\
	ASSERT_GE(LIMIT, __at.charged_bytes);				\
	ASSERT_LE(LIMIT - 8 * PAGE, __at.charged_bytes);		\
	ASSERT_LE(__at.frames * PAGE + __at.tables * PAGE,		\
		  __at.charged_bytes);					\
} while (0)

TEST_F(limits, populate)
{
	struct vmmu_vm_info i;
	__u64 done;
	int vm;

	ASSERT_EQ(0, become_nobody());
	vm = vm_create(self->dev, REAL);
	ASSERT_EQ(-ENOMEM, _range(vm, VMMU_IOC_POPULATE, 0, REAL, &done));
	at_limit(vm);
	i = vm_info(vm);
	EXPECT_EQ(i.frames * PAGE, done);
	EXPECT_EQ(12, real_page(vm, done - PAGE).page_shift);
	EXPECT_EQ(0, real_page(vm, done).page_shift);

	/* Where nothing is missing nothing is refused. */
	populate(vm, 0, done);
	ASSERT_EQ(-ENOMEM, _range(vm, VMMU_IOC_POPULATE, 0, done + PAGE, &done));
	EXPECT_EQ(i.frames * PAGE, done);
	vm_unchanged(i, vm);

	/* What is given back can be had again. */
	discard(vm, 0, MIB);
	populate(vm, 0, MIB / 2);
	EXPECT_EQ(i.frames - MIB / PAGE / 2, vm_info(vm).frames);
	EXPECT_GE(i.charged_bytes, vm_info(vm).charged_bytes + MIB / 2);
	close(vm);
}

/* The charge is a user's, not a VM's, and comes back when the VM goes. */
TEST_F(limits, two_vms_share_it)
{
	int one, two, tries;
	__u64 done, first;

	ASSERT_EQ(0, become_nobody());
	first = info(self->dev).memlock_bytes;
	ASSERT_EQ(LIMIT, first);
	one = vm_create(self->dev, REAL);
	populate(one, 0, LIMIT / 2);
	two = vm_create(self->dev, REAL);
	ASSERT_EQ(-ENOMEM, _range(two, VMMU_IOC_POPULATE, 0, LIMIT, &done));
	EXPECT_LT(LIMIT / 4, done);
	EXPECT_GT(LIMIT / 2, done);
	EXPECT_GE(LIMIT, vm_info(one).charged_bytes +
			 vm_info(two).charged_bytes);
	EXPECT_GT(8 * PAGE, info(self->dev).memlock_bytes);

	close(one);
	for (tries = 0; tries < 200; tries++) {
		if (info(self->dev).memlock_bytes >= LIMIT / 2)
			break;
		sleep_ms(10);
	}
	ASSERT_GT(200, tries);
	populate(two, 0, LIMIT / 2 + LIMIT / 4);
	close(two);
	for (tries = 0; tries < 200; tries++) {
		if (info(self->dev).memlock_bytes == first)
			break;
		sleep_ms(10);
	}
	ASSERT_EQ(first, info(self->dev).memlock_bytes);
}

TEST_F(limits, fault)
{
	struct vmmu_vm_info i;
	unsigned char *mem;
	__u64 at;
	int vm;

	ASSERT_EQ(0, become_nobody());
	vm = vm_create(self->dev, REAL);
	mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	for (at = 0; at < REAL; at += PAGE)
		if (access_write(mem + at, 1))
			break;
	ASSERT_LT(at, REAL);
	ASSERT_NE(0, at % (2 * MIB));	/* no table is missing, just a frame */
	EXPECT_EQ(mem + at, access_address);
	at_limit(vm);
	i = vm_info(vm);
	EXPECT_EQ(SIGBUS, access_read(mem + at));
	EXPECT_EQ(SIGBUS, access_write(mem + at, 1));
	vm_unchanged(i, vm);
	discard(vm, 0, PAGE);
	EXPECT_EQ(0, access_write(mem + at, 1));
	EXPECT_EQ(SIGBUS, access_write(mem, 1));
	EXPECT_EQ(0, access_write(mem + PAGE, 1));
	munmap(mem, REAL);
	close(vm);
}

/* Fill a guest's lower half until it can have no frame more. */
#define exhaust(full) do {						\
	struct guest *__g = (full);					\
	__u64 __done;							\
									\
	guest_slot(__g, 0x1000, 1);					\
	ASSERT_EQ(-ENOMEM, _range(__g->vm, VMMU_IOC_POPULATE, 0,	\
				  __g->data, &__done));			\
} while (0)

TEST_F(limits, install)
{
	struct vmmu_install_op ops[3] = {
		{ .va = 0x1000, .level = 1, .value = PTE_ALL },
		{ .va = 0x2000, .level = 1 },
		{ .va = 0x3000, .level = 1, .value = PTE_ALL },
	};
	struct vmmu_vm_info before;
	struct vmmu_install i;
	struct guest g;
	__u8 outcomes[3];

	ASSERT_EQ(0, become_nobody());
	guest_make(&g, self->dev, REAL, FORMAT4, 0);
	exhaust(&g);
	before = vm_info(g.vm);
	ops[1].value = g.data | PTE_ALL;
	memset(outcomes, POISON8, 3);
	ASSERT_EQ(-ENOMEM, _install(g.space, 0, ops, 3, outcomes, &i));
	EXPECT_EQ(1, i.done);
	EXPECT_EQ(1, i.index);
	EXPECT_EQ(VMMU_REASON_NOFRAME, i.reason);
	EXPECT_EQ(1, i.level);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, outcomes[0]);
	EXPECT_EQ(POISON8, outcomes[1]);
	EXPECT_EQ(PTE_ALL, *guest_slot(&g, 0x1000, 1));
	EXPECT_EQ(0, *guest_slot(&g, 0x2000, 1));
	EXPECT_EQ(0, *guest_slot(&g, 0x3000, 1));

	/* All or nothing: the first element is put back. */
	*guest_slot(&g, 0x1000, 1) = 0;
	ASSERT_EQ(-ENOMEM, _install(g.space, VMMU_INSTALL_ATOMIC, ops, 3, NULL,
				    &i));
	EXPECT_EQ(0, i.done);
	EXPECT_EQ(1, i.index);
	EXPECT_EQ(0, *guest_slot(&g, 0x1000, 1));
	EXPECT_EQ(before.frames, vm_info(g.vm).frames);
	guest_drop(&g);
}

TEST_F(limits, translate)
{
	struct vmmu_translation t[3] = {};
	struct vmmu_vm_info before;
	struct vmmu_explain e;
	struct vmmu_step steps[5];
	struct guest g;
	__u32 done;

	ASSERT_EQ(0, become_nobody());
	guest_make(&g, self->dev, REAL, FORMAT4, 0);
	exhaust(&g);
	guest_map(&g, 0x1000, 1, 0 | PTE_ALL);
	guest_map(&g, 0x2000, 1, g.data | PTE_ALL);
	before = vm_info(g.vm);
	memset(t, POISON8, sizeof(t));
	ASSERT_EQ(-ENOMEM, _translate_many(g.space, PROVIDE, READ, NULL,
					   0x1000, 3, t, &done));
	EXPECT_EQ(1, done);
	EXPECT_EQ(VMMU_REASON_NONE, t[0].reason);
	EXPECT_EQ(VMMU_REASON_NOFRAME, t[1].reason);
	EXPECT_EQ(0, t[1].flags);
	EXPECT_TRUE(all_bytes(&t[2], POISON8, sizeof(t[2])));
	ASSERT_EQ(-ENOMEM, _translate(g.space, PROVIDE, READ, 0x2000, &t[0]));
	EXPECT_EQ(VMMU_REASON_NOFRAME, t[0].reason);
	ASSERT_EQ(-ENOMEM, _explain(g.space, PROVIDE, READ, 0x2000, steps, 5,
				    &e));
	EXPECT_EQ(VMMU_REASON_NOFRAME, e.result.reason);
	vm_unchanged(before, g.vm);

	EXPECT_EQ(VMMU_REASON_NOT_BACKED,
		  translate(g.space, 0, READ, 0x2000).reason);
	discard(g.vm, MIB, 8 * PAGE);
	EXPECT_EQ(VMMU_REASON_NONE,
		  translate(g.space, PROVIDE, READ, 0x2000).reason);
	guest_drop(&g);
}

/* The limit is the one at VM_CREATE, and its holder the one who created. */
TEST_F(limits, belongs_to_the_creator)
{
	int vm, free;
	__u64 done;

	ASSERT_EQ(0, become_nobody());
	vm = vm_create(self->dev, REAL);
	ASSERT_EQ(0, limit_memlock(RLIM_INFINITY));
	EXPECT_EQ(LIMIT, vm_info(vm).limit_bytes);
	ASSERT_EQ(-ENOMEM, _range(vm, VMMU_IOC_POPULATE, 0, LIMIT, &done));
	at_limit(vm);

	ASSERT_EQ(0, become_root());
	ASSERT_EQ(-ENOMEM, _range(vm, VMMU_IOC_POPULATE, 0, LIMIT, &done));
	at_limit(vm);
	free = vm_create(self->dev, REAL);
	EXPECT_EQ(~0ULL, vm_info(free).limit_bytes);

	ASSERT_EQ(0, limit_memlock(0));
	ASSERT_EQ(0, become_nobody());
	populate(free, 0, 2 * LIMIT);
	EXPECT_EQ(2 * LIMIT / PAGE, vm_info(free).frames);
	discard(vm, 0, MIB);
	populate(vm, 0, MIB);
	close(free);
	close(vm);
}

/* With nothing to charge a VM either can't be had, or gets no frame. */
TEST_F(limits, of_zero)
{
	struct vmmu_vm_create c;
	__u64 done;
	int ret;

	ASSERT_EQ(0, limit_memlock(0));
	ASSERT_EQ(0, become_nobody());
	ret = _vm_create(self->dev, REAL, &c);
	if (!ret) {
		EXPECT_EQ(-ENOMEM, _range(c.fd, VMMU_IOC_POPULATE, 0, PAGE,
					  &done));
		EXPECT_EQ(0, done);
		EXPECT_EQ(0, vm_info(c.fd).frames);
		close(c.fd);
	} else {
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_EQ(POISON32, (__u32)c.fd);
	}
}

/*
 * Frames that a pipe still holds when they are discarded stay charged to the
 * user, not to the VM, until they are let go.
 */
TEST_F(limits, detached_frames)
{
	int vm, pipes[2], tries;
	unsigned char *mem, out[8 * PAGE];
	struct iovec iov;
	__u64 before;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, become_nobody());
	vm = vm_create(self->dev, REAL);
	mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	memset(mem, 0x11, MIB);
	iov = (struct iovec){ mem, 8 * PAGE };
	ASSERT_EQ(8 * PAGE, vmsplice(pipes[1], &iov, 1, 0));
	before = info(self->dev).memlock_bytes;
	discard(vm, 0, MIB);
	EXPECT_EQ(before + MIB - 8 * PAGE, info(self->dev).memlock_bytes);
	munmap(mem, MIB);
	close(vm);
	sleep_ms(1500);
	EXPECT_GE(LIMIT - 8 * PAGE, info(self->dev).memlock_bytes);
	ASSERT_EQ(8 * PAGE, read(pipes[0], out, 8 * PAGE));
	EXPECT_TRUE(all_bytes(out, 0x11, 8 * PAGE));
	for (tries = 0; tries < 500; tries++) {
		if (info(self->dev).memlock_bytes == LIMIT)
			break;
		sleep_ms(10);
	}
	EXPECT_EQ(LIMIT, info(self->dev).memlock_bytes);
}

/* What a caller sees of a guest whose va 0x1000 is backed. */
#define frames_shown(of, shown) do {					\
	struct guest *__g = (of);					\
	int __want = (shown);						\
	struct vmmu_real_map_entry __p = real_page(__g->vm, __g->data);	\
	struct vmmu_translation __t = translate(__g->space, 0, READ,	\
						0x1000);		\
	struct vmmu_step __steps[5];					\
	struct vmmu_explain __x;					\
									\
	ASSERT_EQ(__want, !!(vm_info(__g->vm).state &			\
			     VMMU_VM_FRAMES_SHOWN));			\
	ASSERT_EQ(12, __p.page_shift);					\
	ASSERT_EQ(!__want, !!(__p.flags & VMMU_REAL_FRAME_HIDDEN));	\
	ASSERT_EQ(__want, !!__p.frame);					\
	ASSERT_EQ(VMMU_REASON_NONE, __t.reason);			\
	ASSERT_TRUE(__t.flags & VMMU_TRANSLATED_BACKED);		\
	ASSERT_EQ(__want, !!(__t.flags & VMMU_TRANSLATED_FRAME));	\
	ASSERT_EQ(__p.frame, __t.frame);				\
	ASSERT_EQ(0, _explain(__g->space, 0, READ, 0x1000, __steps, 5,	\
			      &__x));					\
	ASSERT_EQ(__p.frame, __x.result.frame);				\
	ASSERT_EQ(__t.flags, __x.result.flags);				\
} while (0)

TEST_F(limits, frames_are_hidden)
{
	struct guest mine, theirs;

	guest_make(&mine, self->dev, MIB, FORMAT4, 0);
	guest_map(&mine, 0x1000, 1, mine.data | PTE_ALL);
	populate(mine.vm, mine.data, PAGE);
	frames_shown(&mine, 1);

	ASSERT_EQ(0, become_nobody());
	guest_make(&theirs, self->dev, MIB, FORMAT4, 0);
	guest_map(&theirs, 0x1000, 1, theirs.data | PTE_ALL);
	populate(theirs.vm, theirs.data, PAGE);
	frames_shown(&theirs, 0);
	frames_shown(&mine, 0);

	ASSERT_EQ(0, become_root());
	frames_shown(&mine, 1);
	frames_shown(&theirs, 0);
	guest_drop(&mine);
	guest_drop(&theirs);
}

/* Root of a user namespace is nobody here. */
TEST_F(limits, user_namespace)
{
	struct vmmu_vm_create c;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct vmmu_info i;
		struct vmmu_vm_info v;
		__u64 done;

		/* For good: a process with a root user may not do this. */
		CHILD_CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
		if (unshare(CLONE_NEWUSER))
			_exit(KSFT_SKIP);
		CHILD_CHECK(!_info(self->dev, &i));
		CHILD_CHECK(i.memlock_bytes == LIMIT);
		CHILD_CHECK(!_vm_create(self->dev, REAL, &c));
		CHILD_CHECK(!_vm_info(c.fd, &v));
		CHILD_CHECK(v.limit_bytes == LIMIT);
		CHILD_CHECK(!(v.state & VMMU_VM_FRAMES_SHOWN));
		CHILD_CHECK(_range(c.fd, VMMU_IOC_POPULATE, 0, REAL, &done) ==
			    -ENOMEM);
		_exit(0);
	}
	pid = child_wait(pid);
	if (pid == KSFT_SKIP)
		SKIP(return, "no user namespaces here");
	ASSERT_EQ(0, pid);
}

TEST_HARNESS_MAIN
