// SPDX-License-Identifier: GPL-2.0
/* VMMU_IOC_TRANSLATE of arrays and ranges, and VMMU_IOC_EXPLAIN. */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)
#define NR	1000
#define BASE	0x600000000000ULL

FIXTURE(many) {
	struct guest g;
	__u32 most;		/* NR, or what one call takes */
	struct vmmu_translation *results;
	__u64 *vas;
};

FIXTURE_SETUP(many)
{
	int dev = dev_open();
	__u64 i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, FORMAT4, 0);
	self->most = info(dev).max_batch < NR ? info(dev).max_batch : NR;
	self->results = malloc(NR * sizeof(*self->results));
	self->vas = malloc(NR * sizeof(*self->vas));
	ASSERT_TRUE(self->results && self->vas);
	memset(self->results, POISON8, NR * sizeof(*self->results));

	/* Pages in reverse order, every seventh missing. */
	for (i = 0; i < NR; i++)
		if (i % 7)
			guest_map(&self->g, BASE + i * PAGE, 1, PTE_ALL |
				  (self->g.data + (NR - i) * PAGE));
}

FIXTURE_TEARDOWN(many)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Assert the answer for the i-th page of the fixture. */
#define page_answer(t, i) do {						\
	struct vmmu_translation __p = (t);				\
	__u64 __i = (i);						\
									\
	ASSERT_EQ(__i % 7 ? VMMU_REASON_NOT_BACKED :			\
		  VMMU_REASON_NOT_PRESENT, __p.reason);			\
	ASSERT_EQ(1, __p.level);					\
	ASSERT_EQ(0, __p.reserved);					\
	if (__i % 7)							\
		ASSERT_EQ(self->g.data + (NR - __i) * PAGE, __p.ra);	\
} while (0)

TEST_F(many, array)
{
	__u32 i, n;

	for (n = 1; n <= self->most; n = n * 3 + 1) {
		for (i = 0; i < n; i++)
			self->vas[i] = BASE + i * 389 % NR * PAGE;
		memset(self->results, POISON8, NR * sizeof(*self->results));
		translate_many(self->g.space, 0, READ, self->vas, POISON64, n,
			       self->results);
		for (i = 0; i < n; i++)
			page_answer(self->results[i], i * 389 % NR);
		if (n < NR)
			ASSERT_TRUE(all_bytes(self->results + n, POISON8,
					      sizeof(*self->results)));
	}
}

TEST_F(many, range)
{
	__u32 i;

	translate_many(self->g.space, 0, READ, NULL, BASE, self->most,
		       self->results);
	for (i = 0; i < self->most; i++)
		page_answer(self->results[i], i);

	/* The offset within the first page is in every answer. */
	translate_many(self->g.space, 0, READ, NULL, BASE + 0x123, 300,
		       self->results);
	for (i = 0; i < 300; i++)
		if (i % 7)
			ASSERT_EQ(self->g.data + (NR - i) * PAGE + 0x123,
				  self->results[i].ra);
}

/* One element by results, too, and a mix of everything in one array. */
TEST_F(many, mixed_array)
{
	__u64 vas[] = { BASE + PAGE, 1ULL << 47, 0, ~0ULL, BASE + PAGE, 42ULL };
	struct vmmu_translation t[7];

	memset(t, POISON8, sizeof(t));
	translate_many(self->g.space, USER, WRITE, vas, 0, 6, t);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED, t[0].reason);
	EXPECT_EQ(VMMU_REASON_NONCANONICAL, t[1].reason);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t[2].reason);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t[3].reason);
	EXPECT_EQ(0, memcmp(&t[0], &t[4], sizeof(t[0])));
	EXPECT_EQ(0, memcmp(&t[2], &t[5], sizeof(t[0])));
	EXPECT_TRUE(all_bytes(&t[6], POISON8, sizeof(t[6])));

	translate_many(self->g.space, 0, READ, vas, 0, 1, t + 6);
	page_answer(t[6], 1);
}

TEST_F(many, range_over_the_hole)
{
	struct vmmu_translation t[4];
	__u32 done;
	int i;

	guest_map(&self->g, 0x7ffffffff000, 1, self->g.data | PTE_ALL);
	translate_many(self->g.space, 0, READ, NULL, 0x7fffffffe000, 4, t);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t[0].reason);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED, t[1].reason);
	for (i = 2; i < 4; i++) {
		EXPECT_EQ(VMMU_REASON_NONCANONICAL, t[i].reason);
		EXPECT_EQ(0, t[i].flags);
	}
	guest_map(&self->g, 0xffff800000000000, 1, self->g.data | PTE_ALL);
	translate_many(self->g.space, 0, READ, NULL, 0xffff7ffffffff000, 2, t);
	EXPECT_EQ(VMMU_REASON_NONCANONICAL, t[0].reason);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED, t[1].reason);

	/* To the very end, but not around it. */
	translate_many(self->g.space, 0, READ, NULL, -2 * PAGE, 2, t);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t[1].reason);
	translate_many(self->g.space, 0, READ, NULL, -1ULL, 1, t);
	memset(t, POISON8, sizeof(t));
	EXPECT_EQ(-EINVAL, _translate_many(self->g.space, 0, READ, NULL,
					   -2 * PAGE, 3, t, &done));
	EXPECT_EQ(POISON32, done);
	EXPECT_EQ(-EINVAL, _translate_many(self->g.space, 0, READ, NULL,
					   -1ULL, 2, t, &done));
	EXPECT_TRUE(all_bytes(t, POISON8, sizeof(t)));
}

TEST_F(many, provide)
{
	struct vmmu_vm_info before = vm_info(self->g.vm);
	__u32 i, want = 0;

	translate_many(self->g.space, PROVIDE, READ, NULL, BASE, 500,
		       self->results);
	for (i = 0; i < 500; i++) {
		if (!(i % 7))
			continue;
		want++;
		ASSERT_EQ(VMMU_REASON_NONE, self->results[i].reason);
		ASSERT_TRUE(self->results[i].flags & VMMU_TRANSLATED_BACKED);
		ASSERT_EQ(real_page(self->g.vm, self->results[i].ra).frame,
			  self->results[i].frame);
	}
	EXPECT_EQ(before.frames + want, vm_info(self->g.vm).frames);
	EXPECT_EQ(before.sequence, vm_info(self->g.vm).sequence);
}

TEST_F(many, refused)
{
	__u32 bad[] = { 3, 4, 0x80000000, ~0U };
	struct vmmu_translation t[2];
	__u32 done, i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(-EINVAL, _translate(self->g.space, 0, bad[i], 0, t));
		ASSERT_TRUE(all_bytes(t, POISON8, sizeof(t[0])));
	}

	EXPECT_EQ(-EINVAL, _translate_many(self->g.space, 0, READ, self->vas,
					   0, 0, t, &done));
	EXPECT_EQ(POISON32, done);
	/* Several answers have no room in the structure. */
	EXPECT_EQ(-EINVAL, _translate_many(self->g.space, 0, READ, self->vas,
					   0, 2, NULL, &done));
	EXPECT_EQ(POISON32, done);
}

/* Bad memory in the middle: done tells how many answers there are. */
TEST_F(many, partly_bad_memory)
{
	struct vmmu_translation *results;
	char *pages;
	__u32 done, i, at, n = 300;
	__u64 *vas;

	pages = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + 4 * PAGE, 4 * PAGE, PROT_NONE));

	/* The answers' memory ends after @at of them. */
	for (at = 0; at < 130; at += at < 3 ? 1 : 43) {
		results = (struct vmmu_translation *)(pages + 4 * PAGE) - at;
		memset(pages, POISON8, 4 * PAGE);
		ASSERT_EQ(-EFAULT, _translate_many(self->g.space, 0, READ,
						   NULL, BASE, n, results,
						   &done));
		ASSERT_GE(at, done);
		for (i = 0; i < done; i++)
			page_answer(results[i], i);
	}

	/* The addresses' memory does. */
	for (at = 0; at < 200; at += at < 3 ? 1 : 63) {
		vas = (__u64 *)(pages + 4 * PAGE) - at;
		for (i = 0; i < at; i++)
			vas[i] = BASE + i * PAGE;
		memset(self->results, POISON8, NR * sizeof(*self->results));
		ASSERT_EQ(-EFAULT, _translate_many(self->g.space, 0, READ, vas,
						   0, n, self->results, &done));
		ASSERT_GE(at, done);
		for (i = 0; i < done; i++)
			page_answer(self->results[i], i);
		ASSERT_TRUE(all_bytes(self->results + at, POISON8,
				      (n - at) * sizeof(*self->results)));
	}
}

TEST_F(many, explain)
{
	struct vmmu_translation t;
	struct guest *g = &self->g;
	struct vmmu_step steps[6];
	struct vmmu_explain e;
	int level, stop;
	__u64 va = BASE + 3 * PAGE + 0x123;

	*guest_slot(g, va, 3) = (*guest_slot(g, va, 3) & ~PTE_U) | PTE_A;
	for (stop = 0; stop <= 3; stop++) {
		/* First all four entries, then ever fewer. */
		if (stop)
			*guest_slot(g, va, stop) &= ~PTE_P;
		t = translate(g->space, 0, READ, va);
		memset(steps, POISON8, sizeof(steps));
		ASSERT_EQ(0, _explain(g->space, 0, READ, va, steps, 6, &e));
		ASSERT_EQ(0, memcmp(&t, &e.result, sizeof(t)));
		ASSERT_EQ(stop ? 5 - stop : 4, e.done);
		for (level = 4; level >= (stop ? stop : 1); level--) {
			struct vmmu_step *step = &steps[4 - level];
			__u64 *slot = guest_slot(g, va, level);
			__u32 rights = VMMU_RIGHT_READ | VMMU_RIGHT_WRITE |
				       VMMU_RIGHT_EXEC;

			if (level != 3)
				rights |= VMMU_RIGHT_USER;
			if (level == stop)
				rights = 0;
			ASSERT_EQ((unsigned char *)slot - g->mem, step->ra);
			ASSERT_EQ(*slot, step->value);
			ASSERT_EQ(level, step->level);
			ASSERT_EQ(rights, step->rights);
		}
		ASSERT_TRUE(all_bytes(steps + e.done, POISON8,
				      (6 - e.done) * sizeof(steps[0])));
	}
}

/* Values have A and D as the walk left them; no walk, no steps. */
TEST_F(many, explain_details)
{
	struct guest *g = &self->g;
	struct vmmu_step steps[5];
	struct vmmu_explain e;
	__u64 va = BASE + PAGE, was = *guest_slot(g, va, 1);

	ASSERT_EQ(0, _explain(g->space, SET_AD | PROVIDE, WRITE, va, steps, 5,
			      &e));
	EXPECT_EQ(VMMU_REASON_NONE, e.result.reason);
	EXPECT_EQ(4, e.done);
	EXPECT_EQ(was | PTE_A | PTE_D, steps[3].value);
	EXPECT_EQ(was | PTE_A | PTE_D, *guest_slot(g, va, 1));
	ASSERT_EQ(0, _explain(g->space, 0, READ, va + PAGE, steps, 5, &e));
	EXPECT_EQ(0, steps[3].value & (PTE_A | PTE_D));

	ASSERT_EQ(0, _explain(g->space, 0, READ, 1ULL << 47, steps, 5, &e));
	EXPECT_EQ(VMMU_REASON_NONCANONICAL, e.result.reason);
	EXPECT_EQ(0, e.done);

	set_root(g->space, REAL);
	ASSERT_EQ(0, _explain(g->space, 0, READ, va, steps, 5, &e));
	EXPECT_EQ(VMMU_REASON_TABLE_BEYOND_REAL, e.result.reason);
	EXPECT_EQ(0, e.done);

	guest_format(g, FORMAT5, 0);
	guest_map(g, 0x1000, 3, PTE_ALL | PTE_PS);
	ASSERT_EQ(0, _explain(g->space, 0, READ, 0x1000, steps, 5, &e));
	EXPECT_EQ(3, e.done);
	EXPECT_EQ(5, steps[0].level);
	EXPECT_EQ(3, steps[2].level);
}

TEST_F(many, explain_refusals)
{
	struct guest *g = &self->g;
	struct vmmu_step steps[5];
	struct vmmu_explain e;

	memset(steps, POISON8, sizeof(steps));
	EXPECT_EQ(-EINVAL, _explain(g->space, 0, READ, BASE, steps, 3, &e));
	EXPECT_EQ(3, e.nr);
	EXPECT_EQ(POISON32, e.done);
	EXPECT_EQ(-EINVAL, _explain(g->space, 0, READ, BASE, steps, 0, &e));
	EXPECT_EQ(-EINVAL, _explain(g->space, 0, 3, BASE, steps, 5, &e));
	EXPECT_EQ(-EOPNOTSUPP, _explain(g->space, 8, READ, BASE, steps, 5, &e));
	EXPECT_TRUE(all_bytes(steps, POISON8, sizeof(steps)));
	EXPECT_TRUE(all_bytes(&e.result, POISON8, sizeof(e.result)));
	EXPECT_EQ(-EFAULT, _explain(g->space, 0, READ, BASE, NULL, 5, &e));
	guest_format(g, FORMAT5, 0);
	EXPECT_EQ(-EINVAL, _explain(g->space, 0, READ, BASE, steps, 4, &e));
}

TEST_HARNESS_MAIN
