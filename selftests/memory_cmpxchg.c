// SPDX-License-Identifier: GPL-2.0
/* VMMU_IOC_CMPXCHG: guest-virtual memory, compared and exchanged. */
#include <pthread.h>

#include "vmmu_debug.h"
#include "vmmu_proc.h"

#define REAL	(2 * MIB)
#define VA	0x7000000000ULL
#define ADDS	20000

FIXTURE(cmpxchg) {
	struct guest g;
	unsigned char *page;
};

FIXTURE_SETUP(cmpxchg)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, FORMAT4, VMMU_MODE_WP);
	guest_map(&self->g, VA, 1, self->g.data | PTE_ALL);
	self->page = self->g.mem + self->g.data;
}

FIXTURE_TEARDOWN(cmpxchg)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Each width at each place of a word; the neighbours stay as they were. */
TEST_F(cmpxchg, widths)
{
	unsigned int bytes, at, i;
	__u64 was;

	for (bytes = 1; bytes <= 8; bytes *= 2) {
		__u64 mask = ~0ULL >> (64 - 8 * bytes);
		__u64 old = POISON64 & mask, new = 0x123456789abcdef0 & mask;

		for (at = 0; at < 16; at += bytes) {
			memset(self->page, POISON8, 24);
			ASSERT_EQ(0, mem_cmpxchg(self->g.space, USER, VA + at,
						 bytes, old ^ 1, new, &was));
			ASSERT_EQ(old, was);
			ASSERT_TRUE(all_bytes(self->page, POISON8, 24));
			ASSERT_EQ(1, mem_cmpxchg(self->g.space, USER, VA + at,
						 bytes, old, new, &was));
			ASSERT_EQ(old, was);
			ASSERT_EQ(0, memcmp(self->page + at, &new, bytes));
			for (i = 0; i < 24; i++)
				if (i < at || i >= at + bytes)
					ASSERT_EQ(POISON8, self->page[i]);
		}
	}
}

/* It is a write, whether it exchanges or not. */
TEST_F(cmpxchg, is_a_write)
{
	__u64 *leaf = guest_slot(&self->g, VA, 1), was;
	__u64 frames = vm_info(self->g.vm).frames;
	struct vmmu_cmpxchg c;

	ASSERT_EQ(0, mem_cmpxchg(self->g.space, 0, VA, 8, 1, 2, &was));
	ASSERT_EQ(0, was);
	ASSERT_EQ(frames + 1, vm_info(self->g.vm).frames);
	ASSERT_EQ(0, *leaf & (PTE_A | PTE_D));
	ASSERT_EQ(0, mem_cmpxchg(self->g.space, SET_AD, VA, 8, 1, 2, &was));
	ASSERT_EQ(PTE_A | PTE_D, *leaf & (PTE_A | PTE_D));

	*leaf &= ~PTE_W;
	fails_with(ENXIO, _cmpxchg(self->g.space, 0, VA, 8, 1, 2, &c));
	ASSERT_EQ(VMMU_REASON_WRITE, c.result.reason);
	ASSERT_EQ(1, c.result.level);
	ASSERT_EQ(0, c.swapped);
	ASSERT_EQ(0, c.seen);
	ASSERT_EQ(0, *self->page);
}

TEST_F(cmpxchg, refused)
{
	static const struct { __u64 va; __u32 bytes; __u64 old, new; } bad[] = {
		{ VA, 0, 0, 0 }, { VA, 3, 0, 0 }, { VA, 5, 0, 0 },
		{ VA, 16, 0, 0 }, { VA, 1U << 31, 0, 0 }, { VA, ~0U, 0, 0 },
		{ VA + 1, 2, 0, 0 }, { VA + 2, 4, 0, 0 }, { VA + 4, 8, 0, 0 },
		{ VA + PAGE - 1, 2, 0, 0 },
		{ VA, 1, 256, 0 }, { VA, 1, 0, 256 }, { VA, 2, 1 << 16, 0 },
		{ VA, 2, 0, 1 << 16 }, { VA, 4, 1ULL << 32, 0 },
		{ VA, 4, 0, 1ULL << 63 },
	};
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmmu_cmpxchg c = {
			.size = sizeof(c), .va = bad[i].va,
			.bytes = bad[i].bytes, .expected = bad[i].old,
			.desired = bad[i].new, .swapped = POISON32,
			.seen = POISON64,
		};

		err_call(EINVAL, self->g.space, VMMU_IOC_CMPXCHG, &c);
	}
	for (bit = 0; bit < 32; bit++) {
		struct vmmu_cmpxchg c = {
			.size = sizeof(c), .flags = 1U << bit, .va = VA,
			.bytes = 8,
		};

		if (!(c.flags & (USER | SET_AD)))
			err_call(EOPNOTSUPP, self->g.space, VMMU_IOC_CMPXCHG,
				 &c);
	}
	ASSERT_EQ(0, *self->page);
}

struct adder {
	int space;
	unsigned int adds, misses;
};

static void *add_by_calls(void *context)
{
	struct adder *a = context;
	struct vmmu_cmpxchg c;
	__u64 value = 0;
	unsigned int n = 0;

	while (n < a->adds) {
		CHILD_CHECK(!_cmpxchg(a->space, 0, VA, 4, value,
				      (__u32)(value + 1), &c));
		n += c.swapped;
		a->misses += !c.swapped;
		value = c.swapped ? (__u32)(value + 1) : c.seen;
	}
	return NULL;
}

/* Two threads add by calls, one by instructions: nothing is lost. */
TEST_F(cmpxchg, is_atomic)
{
	__u32 *counter = (__u32 *)self->page, adds = rounds(ADDS), n;
	struct adder a[2] = {
		{ .space = self->g.space, .adds = adds },
		{ .space = self->g.space, .adds = adds },
	};
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, add_by_calls,
					    &a[i]));
	for (n = 0; n < adds; n++) {
		__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
		if (!(n % 16))
			sched_yield();
	}
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("# %u adds, %u had to try again\n", 3 * adds,
	       a[0].misses + a[1].misses);
	ASSERT_EQ(3 * adds, *counter);
}

TEST_HARNESS_MAIN
