// SPDX-License-Identifier: GPL-2.0
/*
 * The frames behind guest-virtual memory: when READ, WRITE and CMPXCHG bring
 * them, what they mark, and what they say when there is none or it is bad.
 */
#include "vmmu_debug.h"
#include "vmmu_proc.h"

#define REAL	(4 * MIB)
#define VA	0x7000000000ULL
#define PAGES	8

FIXTURE(frames) {
	struct guest g;
	unsigned char buffer[PAGES * PAGE];
};

/* Have a guest with PAGES pages from VA on, none of which has a frame. */
#define make(new, dev) do {						\
	struct guest *__n = (new);					\
	int __i;							\
									\
	guest_make(__n, dev, REAL, FORMAT4, VMMU_MODE_WP);		\
	for (__i = 0; __i < PAGES; __i++)				\
		guest_map(__n, VA + __i * PAGE, 1,			\
			  (__n->data + __i * PAGE) | PTE_ALL);		\
} while (0)

FIXTURE_SETUP(frames)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	make(&self->g, dev);
}

FIXTURE_TEARDOWN(frames)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* No frame: reads as zeroes and stays so; written to, it gets one. */
TEST_F(frames, come_when_written)
{
	__u64 frames = vm_info(self->g.vm).frames;
	unsigned char *mem = self->g.mem + self->g.data;

	memset(self->buffer, POISON8, PAGES * PAGE);
	mem_read(self->g.space, 0, VA, self->buffer, PAGES * PAGE);
	ASSERT_TRUE(all_bytes(self->buffer, 0, PAGES * PAGE));
	ASSERT_EQ(frames, vm_info(self->g.vm).frames);

	mem_write(self->g.space, 0, VA + 3 * PAGE + 7, "x", 1);
	ASSERT_EQ(frames + 1, vm_info(self->g.vm).frames);
	ASSERT_EQ('x', mem[3 * PAGE + 7]);
	ASSERT_EQ(VMMU_REAL_ACCESSED | VMMU_REAL_DIRTY,
		  real_page(self->g.vm, self->g.data + 3 * PAGE).flags &
		  (VMMU_REAL_ACCESSED | VMMU_REAL_DIRTY));
}

/* Accessed and Dirty are set when asked for, and as for a translation. */
TEST_F(frames, marks)
{
	__u64 *leaf = guest_slot(&self->g, VA, 1);
	__u64 *root = guest_entry(&self->g, self->g.root, index_at(VA, 4));

	mem_read(self->g.space, 0, VA, self->buffer, 1);
	mem_write(self->g.space, 0, VA, "x", 1);
	ASSERT_EQ(0, *leaf & (PTE_A | PTE_D));
	ASSERT_EQ(0, *root & PTE_A);

	mem_read(self->g.space, SET_AD, VA, self->buffer, 1);
	ASSERT_EQ(PTE_A, *leaf & (PTE_A | PTE_D));
	ASSERT_EQ(PTE_A, *root & (PTE_A | PTE_D));

	mem_write(self->g.space, SET_AD, VA, "x", 1);
	ASSERT_EQ(PTE_A | PTE_D, *leaf & (PTE_A | PTE_D));
	ASSERT_EQ(PTE_A, *root & (PTE_A | PTE_D));
}

/* At the limit: done as far as there were frames, and gone on with later. */
TEST_F(frames, at_the_limit)
{
	struct vmmu_cmpxchg c;
	struct vmmu_memory m;
	struct guest g;
	__u64 done;

	if (geteuid())
		SKIP(return, "needs root, to become another user");
	ASSERT_EQ(0, limit_memlock(MIB));
	ASSERT_EQ(0, become_nobody());
	make(&g, self->g.dev);
	populate(g.vm, g.data + MIB, PAGE);	/* a table of the real map */
	discard(g.vm, g.data + MIB, PAGE);
	fails_with(ENOMEM, _range(g.vm, VMMU_IOC_POPULATE, 0, g.data, &done));
	ASSERT_EQ(0, become_root());
	discard(g.vm, done - 3 * PAGE, 3 * PAGE);

	memset(self->buffer, 'm', PAGES * PAGE);
	fails_with(ENOMEM, _memory(g.space, VMMU_IOC_WRITE, 0, VA + 9,
				   self->buffer, 5 * PAGE, &m));
	ASSERT_EQ(3 * PAGE - 9, m.done);
	ASSERT_EQ(VMMU_REASON_NOFRAME, m.result.reason);
	ASSERT_TRUE(all_bytes(g.mem + g.data + 9, 'm', 3 * PAGE - 9));
	ASSERT_EQ(0, real_page(g.vm, g.data + 3 * PAGE).page_shift);
	fails_with(ENOMEM, _cmpxchg(g.space, 0, VA + 3 * PAGE, 8, 0, 1, &c));
	ASSERT_EQ(VMMU_REASON_NOFRAME, c.result.reason);
	ASSERT_EQ(0, c.swapped);
	ASSERT_EQ(0, c.seen);

	/* What has no frame is read without one. */
	mem_read(g.space, 0, VA + 9, self->buffer, 5 * PAGE);
	ASSERT_TRUE(all_bytes(self->buffer, 'm', 3 * PAGE - 9));
	ASSERT_TRUE(all_bytes(self->buffer + 3 * PAGE - 9, 0, PAGE));

	discard(g.vm, 3 * MIB, MIB);
	discard(g.vm, done - 8 * PAGE, 5 * PAGE);
	mem_write(g.space, 0, VA + 9 + m.done, self->buffer, PAGE);
	guest_drop(&g);
}

/* A page that the hardware lost is not read any more; a discard mends that. */
TEST_F(frames, lost)
{
	unsigned char *page = self->g.mem + self->g.data;
	struct vmmu_cmpxchg c;
	struct vmmu_memory m;

	*page = 1;
	/* EBUSY: marked as lost, though it could not be replaced. */
	if (madvise(page, PAGE, MADV_HWPOISON) && errno != EBUSY)
		SKIP(return, "needs CAP_SYS_ADMIN and CONFIG_MEMORY_FAILURE");
	fails_with(EHWPOISON, _memory(self->g.space, VMMU_IOC_READ, 0, VA,
				      self->buffer, 1, &m));
	ASSERT_EQ(0, m.done);
	ASSERT_EQ(self->g.data, m.result.ra);
	fails_with(EHWPOISON, _memory(self->g.space, VMMU_IOC_WRITE, 0, VA,
				      self->buffer, 1, &m));
	fails_with(EHWPOISON, _cmpxchg(self->g.space, 0, VA, 8, 0, 1, &c));
	discard(self->g.vm, self->g.data, PAGE);
	mem_write(self->g.space, 0, VA, "x", 1);
	ASSERT_EQ('x', *page);
}

TEST_HARNESS_MAIN
