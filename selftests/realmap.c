// SPDX-License-Identifier: GPL-2.0
/* VMMU_IOC_REAL_MAP: reading the real map table. */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(4 * GIB)
#define END	(~0ULL)

/* Real pages that have a frame: neighbours, and both sides of each table. */
static const __u64 backed[] = {
	0, PAGE, 2 * MIB - PAGE, 2 * MIB, 2 * MIB + PAGE, 100 * MIB,
	GIB - PAGE, GIB, 3 * GIB, REAL - PAGE,
};

#define NR	ARRAY_SIZE(backed)

FIXTURE(realmap) {
	int dev, vm;
	struct vmmu_vm_info before;
};

FIXTURE_SETUP(realmap)
{
	unsigned int i;

	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	self->vm = vm_create(self->dev, REAL);
	for (i = 0; i < NR; i++)
		populate(self->vm, backed[i], PAGE);
	self->before = vm_info(self->vm);
	ASSERT_EQ(NR, self->before.frames);
}

FIXTURE_TEARDOWN(realmap)
{
	close(self->vm);
	close(self->dev);
}

TEST_F(realmap, all)
{
	struct vmmu_real_map_entry e[NR + 2];
	struct vmmu_real_map m;
	unsigned int i, j;

	memset(e, POISON8, sizeof(e));
	ASSERT_EQ(0, _real_map(self->vm, 0, END, NR + 2, e, &m));
	ASSERT_EQ(NR, m.done);
	EXPECT_EQ(REAL, m.ra);
	EXPECT_EQ(END, m.last);
	EXPECT_EQ(NR + 2, m.nr);
	for (i = 0; i < NR; i++) {
		ASSERT_EQ(backed[i], e[i].ra);
		ASSERT_EQ(12, e[i].page_shift);
		ASSERT_TRUE(e[i].flags & VMMU_REAL_WRITABLE);
		ASSERT_EQ(0, e[i].flags & ~(VMMU_REAL_WRITABLE |
			VMMU_REAL_ACCESSED | VMMU_REAL_DIRTY |
			VMMU_REAL_FRAME_HIDDEN));
		for (j = 0; !geteuid() && j < i; j++)
			ASSERT_NE(e[j].frame, e[i].frame);
	}
	EXPECT_TRUE(all_bytes(e + NR, POISON8, 2 * sizeof(e[0])));
}

TEST_F(realmap, restarted)
{
	struct vmmu_real_map_entry e[NR];
	struct vmmu_real_map m;
	unsigned int nr;

	for (nr = 1; nr <= 4; nr++) {
		unsigned int seen = 0, i;
		__u64 ra = 0;

		while (ra < REAL) {
			ASSERT_EQ(0, _real_map(self->vm, ra, END, nr, e, &m));
			ASSERT_GE(nr, m.done);
			ASSERT_LT(ra, m.ra);
			ASSERT_GE(REAL, m.ra);
			ASSERT_TRUE(m.done == nr || m.ra == REAL);
			for (i = 0; i < m.done; i++)
				ASSERT_EQ(backed[seen++], e[i].ra);
			ra = m.ra;
		}
		ASSERT_EQ(NR, seen);
	}
	vm_unchanged(self->before, self->vm);
}

TEST_F(realmap, last_is_inclusive)
{
	struct vmmu_real_map_entry e[NR];
	struct vmmu_real_map m;
	unsigned int i, j;

	for (i = 0; i < NR; i++) {
		for (j = i; j < NR; j++) {
			ASSERT_EQ(0, _real_map(self->vm, backed[i], backed[j],
					       NR, e, &m));
			ASSERT_EQ(j - i + 1, m.done);
			ASSERT_EQ(backed[i], e[0].ra);
			ASSERT_EQ(backed[j], e[m.done - 1].ra);
			ASSERT_LT(backed[j], m.ra);
		}
		if (i && backed[i] - backed[i - 1] > PAGE) {
			ASSERT_EQ(0, _real_map(self->vm, backed[i - 1] + PAGE,
					       backed[i] - 1, NR, e, &m));
			ASSERT_EQ(0, m.done);
			ASSERT_LE(backed[i], m.ra);
		}
	}
}

TEST_F(realmap, refusals)
{
	struct vmmu_real_map_entry e[4];
	struct { __u64 ra, last; __u32 nr; } bad[] = {
		{ 1, END, 4 }, { 2048, END, 4 }, { PAGE - 1, END, 4 },
		{ PAGE, PAGE - 1, 4 }, { 2 * PAGE, 0, 4 }, { 0, END, 0 },
		{ 0, END, info(self->dev).max_batch + 1 }, { 0, END, ~0U },
	};
	unsigned int i;

	memset(e, POISON8, sizeof(e));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmmu_real_map m = {
			.size = sizeof(m),
			.ra = bad[i].ra,
			.last = bad[i].last,
			.nr = bad[i].nr,
			.done = POISON32,
			.entries = (uintptr_t)e,
		};

		err_call(EINVAL, self->vm, VMMU_IOC_REAL_MAP, &m);
		ASSERT_TRUE(all_bytes(e, POISON8, sizeof(e)));
	}
	vm_unchanged(self->before, self->vm);
}

/* Entries that can not be written: those before stand, and done counts them. */
TEST_F(realmap, bad_entries)
{
	struct vmmu_real_map_entry *e, *end;
	struct vmmu_real_map m;
	char *pages;
	unsigned int i;

	ASSERT_EQ(-EFAULT, _real_map(self->vm, 0, END, NR, NULL, &m));
	ASSERT_EQ(0, m.done);
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_NONE));
	end = (struct vmmu_real_map_entry *)(pages + PAGE);
	e = end - 5;
	memset(e, POISON8, 5 * sizeof(*e));
	ASSERT_EQ(-EFAULT, _real_map(self->vm, 0, END, NR, e, &m));
	ASSERT_GE(5, m.done);
	for (i = 0; i < m.done; i++)
		ASSERT_EQ(backed[i], e[i].ra);
	/* From here the rest can be asked for. */
	ASSERT_GE(backed[m.done], m.ra);
	ASSERT_LE(m.done ? backed[m.done - 1] : 0, m.ra);
	vm_unchanged(self->before, self->vm);
}

/* The frames are those that the host itself shows for our mapping. */
TEST_F(realmap, frames_are_the_hosts)
{
	struct vmmu_real_map_entry e[NR];
	struct vmmu_real_map m;
	unsigned char *mem;
	unsigned int i;

	if (geteuid())
		SKIP(return, "needs root, to see frame numbers");
	mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	for (i = 0; i < NR; i++)
		mem[backed[i]] = i;
	ASSERT_EQ(0, _real_map(self->vm, 0, END, NR, e, &m));
	ASSERT_EQ(NR, m.done);
	for (i = 0; i < NR; i++) {
		ASSERT_EQ(0, e[i].flags & VMMU_REAL_FRAME_HIDDEN);
		ASSERT_NE(0, e[i].frame);
		ASSERT_EQ(pagemap_frame(mem + backed[i]), e[i].frame);
		ASSERT_EQ(VMMU_REAL_ACCESSED | VMMU_REAL_DIRTY,
			  e[i].flags & (VMMU_REAL_ACCESSED | VMMU_REAL_DIRTY));
	}
	munmap(mem, REAL);
}

TEST_F(realmap, empty)
{
	int vm = vm_create(self->dev, PAGE);
	struct vmmu_real_map_entry e;
	struct vmmu_real_map m;

	memset(&e, POISON8, sizeof(e));
	ASSERT_EQ(0, _real_map(vm, 0, END, 1, &e, &m));
	EXPECT_EQ(0, m.done);
	EXPECT_EQ(PAGE, m.ra);
	EXPECT_TRUE(all_bytes(&e, POISON8, sizeof(e)));

	populate(vm, 0, PAGE);
	ASSERT_EQ(0, _real_map(vm, 0, END, 1, &e, &m));
	EXPECT_EQ(1, m.done);
	EXPECT_EQ(PAGE, m.ra);
	discard(vm, 0, PAGE);
	ASSERT_EQ(0, _real_map(vm, 0, 0, 1, &e, &m));
	EXPECT_EQ(0, m.done);
	close(vm);
}

TEST_HARNESS_MAIN
