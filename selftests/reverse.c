// SPDX-License-Identifier: GPL-2.0
/*
 * Reverse questions: VMMU_IOC_REAL_OF_FRAME against the real map table, and
 * VMMU_IOC_MAPPERS against what the test itself mapped.
 */
#include "vmmu_debug.h"
#include "vmmu_proc.h"

#define REAL	(4 * MIB)
#define MAX	512

FIXTURE(reverse) {
	struct guest g;
	__u64 target;			/* the page that is asked about */
	struct vmmu_mapper got[MAX];
	unsigned int nr;
};

FIXTURE_SETUP(reverse)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, FORMAT4, VMMU_MODE_NXE);
	self->target = self->g.data + 7 * PAGE;
}

FIXTURE_TEARDOWN(reverse)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

static bool sees_frames(int vm)
{
	struct vmmu_vm_info i;

	return !_vm_info(vm, &i) && (i.state & VMMU_VM_FRAMES_SHOWN);
}

TEST_F(reverse, frames)
{
	int other = vm_create(self->g.dev, REAL);
	__u64 ra, frame;

	if (!sees_frames(self->g.vm))
		SKIP(return, "needs CAP_SYS_ADMIN");
	populate(self->g.vm, 0, REAL);
	populate(other, 0, MIB);
	for (ra = 0; ra < REAL; ra += PAGE) {
		frame = real_page(self->g.vm, ra).frame;
		ASSERT_NE(0, frame);
		ASSERT_EQ(ra, real_of_frame(self->g.vm, frame));
		err_real_of_frame(ENOENT, other, frame);
	}

	frame = real_page(self->g.vm, self->target).frame;
	discard(self->g.vm, self->target, PAGE);
	err_real_of_frame(ENOENT, self->g.vm, frame);
	close(other);
}

/* Every frame number that a machine may have, and some that none has. */
TEST_F(reverse, other_frames)
{
	static const __u64 odd[] = {
		~0ULL, 1ULL << 63, 1ULL << 52, (1ULL << 52) - 1, 1ULL << 40,
		1ULL << 36, 0x5a5a5a5a5a5a5a5a,
	};
	__u64 frame, ra, found = 0, expected = 0, step = 20 / rounds(20);
	unsigned int i;

	if (!sees_frames(self->g.vm))
		SKIP(return, "needs CAP_SYS_ADMIN");
	populate(self->g.vm, 0, REAL);
	for (i = 0; i < ARRAY_SIZE(odd); i++)
		err_real_of_frame(ENOENT, self->g.vm, odd[i]);
	for (ra = 0; ra < REAL; ra += PAGE)
		expected += !(real_page(self->g.vm, ra).frame % step);
	for (frame = 0; frame < 4 * GIB / PAGE; frame += step) {
		int err = _real_of_frame(self->g.vm, frame, &ra);

		if (err) {
			ASSERT_EQ(-ENOENT, err);
			continue;
		}
		ASSERT_EQ(frame, real_page(self->g.vm, ra).frame);
		found++;
	}
	ASSERT_EQ(expected, found);
}

/* Neither whoever lost the right, nor root in a VM made without it. */
TEST_F(reverse, needs_the_right)
{
	__u64 frame, ra;
	int vm;

	if (!sees_frames(self->g.vm))
		SKIP(return, "needs CAP_SYS_ADMIN");
	populate(self->g.vm, 0, PAGE);
	frame = real_page(self->g.vm, 0).frame;
	ASSERT_EQ(0, become_nobody());
	fails_with(EPERM, _real_of_frame(self->g.vm, frame, &ra));
	ASSERT_EQ(POISON64, ra);
	fails_with(EPERM, _real_of_frame(self->g.vm, ~0ULL, &ra));
	vm = vm_create(self->g.dev, PAGE);
	ASSERT_EQ(0, become_root());
	populate(vm, 0, PAGE);
	fails_with(EPERM, _real_of_frame(vm, frame, &ra));
	ASSERT_EQ(0, real_of_frame(self->g.vm, frame));
	close(vm);
}

/* All mappers of a page, asked for in pieces of @size. */
#define get_mappers(vm, ra, size) do {					\
	__u64 __space = 0, __va = 0;					\
	struct vmmu_mappers __a;					\
	__u32 __size = (size);						\
	int __calls = 0;						\
									\
	self->nr = 0;							\
	do {								\
		ASSERT_GT(100000, __calls++);				\
		ASSERT_GE(MAX, self->nr + __size);			\
		ASSERT_EQ(0, _mappers(vm, ra, __space, __va, __size,	\
				      self->got + self->nr, &__a));	\
		ASSERT_GE(__size, __a.done);				\
		ASSERT_GE(1, __a.more);					\
		if (__a.more)						\
			ASSERT_TRUE(__a.space > __space ||		\
				    __a.va > __va);			\
		self->nr += __a.done;					\
		__space = __a.space;					\
		__va = __a.va;						\
	} while (__a.more);						\
} while (0)

#define want_mapper(i, in, at, entry, granted, shift) do {		\
	struct vmmu_mapper *__m = &self->got[i];			\
									\
	ASSERT_EQ((in), __m->space);					\
	ASSERT_EQ((at), __m->va);					\
	ASSERT_EQ((entry), __m->attributes);				\
	ASSERT_EQ((granted), __m->rights);				\
	ASSERT_EQ((shift), __m->page_shift);				\
} while (0)

#define RWXU	(VMMU_RIGHT_READ | VMMU_RIGHT_WRITE | VMMU_RIGHT_EXEC | \
		 VMMU_RIGHT_USER)

/* In several spaces, of both formats, by pages of each size. */
TEST_F(reverse, mappers)
{
	__u64 offset = self->target % (2 * MIB), high = -(1ULL << 56);
	struct guest five = self->g;
	unsigned int size;

	guest_map(&self->g, 0x5000, 1, self->target | PTE_ALL);
	guest_map(&self->g, 0x6000, 1, (self->target + PAGE) | PTE_ALL);
	guest_map(&self->g, -PAGE, 1, self->target | PTE_P | PTE_NX);
	guest_map(&self->g, 32 * MIB, 2, REAL / 2 | PTE_P | PTE_PS | PTE_W);
	guest_map(&self->g, 512 * GIB, 3, PTE_ALL | PTE_PS | PTE_D);

	five.space = -1;
	five.next = self->g.next;
	guest_format(&five, FORMAT5, 0);
	guest_map(&five, high, 1, self->target | PTE_P);

	for (size = 1; size < 8; size++) {
		get_mappers(self->g.vm, self->target, size);
		ASSERT_EQ(5, self->nr);
		want_mapper(0, 1, 0x5000, PTE_ALL, RWXU, 12);
		want_mapper(1, 1, 32 * MIB + offset, PTE_P | PTE_PS | PTE_W,
			    VMMU_RIGHT_READ | VMMU_RIGHT_WRITE |
			    VMMU_RIGHT_EXEC, 21);
		want_mapper(2, 1, 512 * GIB + self->target,
			    PTE_ALL | PTE_PS | PTE_D, RWXU, 30);
		want_mapper(3, 1, -PAGE, PTE_P | PTE_NX, VMMU_RIGHT_READ, 12);
		want_mapper(4, 2, high, PTE_P,
			    VMMU_RIGHT_READ | VMMU_RIGHT_EXEC, 12);
	}

	/* The page of a table is a page, too: the 1 GiB one maps it. */
	get_mappers(self->g.vm, self->g.root, 8);
	ASSERT_EQ(1, self->nr);
	want_mapper(0, 1, 512 * GIB + self->g.root, PTE_ALL | PTE_PS | PTE_D,
		    RWXU, 30);
	close(five.space);
	get_mappers(self->g.vm, self->target, 8);
	ASSERT_EQ(4, self->nr);
}

/* A page that every entry of a table maps is found at every address. */
TEST_F(reverse, many)
{
	unsigned int size, i;

	for (i = 0; i < 300; i++)
		guest_map(&self->g, i * PAGE, 1, self->target | PTE_ALL);
	for (size = 1; size < 200; size += 9) {
		get_mappers(self->g.vm, self->target, size);
		ASSERT_EQ(300, self->nr);
		for (i = 0; i < 300; i++)
			ASSERT_EQ(i * PAGE, self->got[i].va);
	}
}

/* Spaces come and go between two calls; those that stay are all found. */
TEST_F(reverse, goes_on)
{
	int space[4];
	struct vmmu_mapper m;
	struct vmmu_mappers a;
	int i;

	guest_map(&self->g, 0x5000, 1, self->target | PTE_ALL);
	guest_map(&self->g, 0x9000, 1, self->target | PTE_ALL);
	for (i = 0; i < 4; i++)
		space[i] = space_create(self->g.vm, FORMAT4, self->g.root, 0);

	/* In the midst of space 2, which ends: 3 is begun from its start. */
	ASSERT_EQ(0, _mappers(self->g.vm, self->target, 2, 0, 1, &m, &a));
	ASSERT_EQ(1, a.done);
	ASSERT_EQ(2, m.space);
	ASSERT_EQ(2, a.space);
	ASSERT_EQ(1, a.more);
	close(space[0]);
	ASSERT_EQ(0, _mappers(self->g.vm, self->target, a.space, a.va, 1, &m,
			      &a));
	ASSERT_EQ(1, a.done);
	ASSERT_EQ(3, m.space);
	ASSERT_EQ(0x5000, m.va);

	/* Behind the last one. */
	for (i = 1; i < 4; i++)
		close(space[i]);
	ASSERT_EQ(0, _mappers(self->g.vm, self->target, a.space, a.va, 1, &m,
			      &a));
	ASSERT_EQ(0, a.done);
	ASSERT_EQ(0, a.more);
	ASSERT_EQ(0, _mappers(self->g.vm, self->target, ~0ULL, 0, 1, &m, &a));
	ASSERT_EQ(0, a.done);
	ASSERT_EQ(0, a.more);
	get_mappers(self->g.vm, self->target, 1);
	ASSERT_EQ(2, self->nr);
}

/* A table without end keeps no call for long, and a scan moves on. */
TEST_F(reverse, endless)
{
	__u64 table = self->g.root, va = 0;
	struct vmmu_mappers a;
	struct vmmu_mapper m;
	unsigned int i, calls;

	/* The root maps itself, at every level and every address. */
	for (i = 0; i < 512; i++)
		*guest_entry(&self->g, table, i) = table | PTE_ALL;
	for (calls = 0; calls < rounds(100); calls++) {
		__u64 start = now_ms();

		ASSERT_EQ(0, _mappers(self->g.vm, self->target, 1, va, 1, &m,
				      &a));
		ASSERT_GT(5000, now_ms() - start);
		ASSERT_EQ(0, a.done);
		ASSERT_EQ(1, a.more);
		ASSERT_LT(va, a.va);
		va = a.va;
	}
	for (i = 0; i < 256; i++) {
		ASSERT_EQ(0, _mappers(self->g.vm, table, 1, i * PAGE, 1, &m,
				      &a));
		ASSERT_EQ(i * PAGE, m.va);
	}
}

TEST_F(reverse, refused)
{
	static const struct { __u64 ra, space, va; __u32 nr; } bad[] = {
		{ 1, 0, 0, 1 }, { 8, 0, 0, 1 }, { REAL, 0, 0, 1 },
		{ ~0ULL << 12, 0, 0, 1 }, { 0, 0, 0, 0 }, { 0, 0, 0, ~0U },
		{ 0, 1, 1ULL << 47, 1 }, { 0, 1, 1ULL << 63, 1 },
	};
	__u32 most = info(self->g.dev).max_batch;
	struct vmmu_mapper m;
	struct vmmu_mappers a;
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(bad); i++) {
		struct vmmu_mappers b = {
			.size = sizeof(b), .nr = most + 1, .done = POISON32,
			.more = POISON32, .mappers = (uintptr_t)&m,
		};

		if (i < ARRAY_SIZE(bad)) {
			b.ra = bad[i].ra;
			b.space = bad[i].space;
			b.va = bad[i].va;
			b.nr = bad[i].nr;
		}
		err_call(EINVAL, self->g.vm, VMMU_IOC_MAPPERS, &b);
	}

	guest_map(&self->g, 0x5000, 1, self->target | PTE_ALL);
	fails_with(EFAULT, _mappers(self->g.vm, self->target, 0, 0, 1, NULL,
				    &a));
	ASSERT_EQ(0, a.done);
	ASSERT_EQ(1, a.more);
	ASSERT_GE(0x5000, a.va);
}

TEST_HARNESS_MAIN
