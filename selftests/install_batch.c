// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_INSTALL, batches: order, how far a failed one got, all or nothing.
 */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(64 * MIB)
#define ATOMIC	VMMU_INSTALL_ATOMIC
#define NR	300
#define BASE	0x10000000ULL		/* NR pages from here have tables */
#define NOWHERE	0x700000000000ULL	/* nothing here has */

FIXTURE(batch) {
	struct guest g;
	struct vmmu_install_op ops[NR];
	__u8 outcomes[NR];
	unsigned char *was;	/* the page tables before a call */
	__u64 tables;
};

FIXTURE_SETUP(batch)
{
	int dev = dev_open(), i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, FORMAT4, 0);
	for (i = 0; i < NR; i++) {
		self->ops[i].va = BASE + i * PAGE;
		self->ops[i].level = 1;
		self->ops[i].value = (self->g.data + i * PAGE) | PTE_P;
		guest_slot(&self->g, self->ops[i].va, 1);
	}
	guest_map(&self->g, BASE, 1, 0x123456780);
	guest_map(&self->g, BASE + 5 * PAGE, 1, 5 * PAGE | PTE_P);
	self->tables = self->g.next;
	self->was = malloc(self->tables);
	ASSERT_NE(NULL, self->was);
	memset(self->outcomes, POISON8, NR);
}

FIXTURE_TEARDOWN(batch)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Note the tables; assert that they are as noted, byte by byte. */
#define note() memcpy(self->was, self->g.mem, self->tables)
#define as_noted()							\
	ASSERT_EQ(0, memcmp(self->was, self->g.mem, self->tables))

/* Assert that the elements before @count are in force and the rest are not. */
#define done_is_true(count) do {					\
	__u32 __done = (count), __k;					\
									\
	for (__k = 0; __k < NR; __k++) {				\
		__u64 *__slot = guest_slot(&self->g, BASE + __k * PAGE,	\
					   1);				\
		__u64 __at = (unsigned char *)__slot - self->g.mem;	\
									\
		ASSERT_EQ(__k < __done ? self->ops[__k].value :		\
			  *(__u64 *)(self->was + __at), *__slot)	\
			TH_LOG("element %u, done %u", __k, __done);	\
	}								\
} while (0)

/* Assert that the batch stops at an element, and all before it is in force. */
#define stops_at(where, e, why, flags) do {				\
	struct vmmu_install __i;					\
	__u32 __where = (where), __why = (why);				\
									\
	memset(self->outcomes, POISON8, NR);				\
	ASSERT_EQ(-(e), _install(self->g.space, flags, self->ops, NR,	\
				 self->outcomes, &__i));		\
	ASSERT_EQ(__where, __i.index);					\
	ASSERT_EQ(__where, __i.done);					\
	if (__why)							\
		ASSERT_EQ(__why, __i.reason);				\
	ASSERT_TRUE(all_bytes(self->outcomes + __where, POISON8,	\
			      NR - __where));				\
	done_is_true(__where);						\
} while (0)

TEST_F(batch, works)
{
	struct vmmu_vm_info before;
	struct vmmu_install i;

	note();
	before = vm_info(self->g.vm);
	ASSERT_EQ(0, _install(self->g.space, 0, self->ops, NR, self->outcomes,
			      &i));
	EXPECT_EQ(NR, i.done);
	EXPECT_EQ(NR, i.index);
	EXPECT_TRUE(all_bytes(self->outcomes, VMMU_OUTCOME_PAGE, NR));
	done_is_true(NR);
	EXPECT_EQ(before.frames + NR, vm_info(self->g.vm).frames);
	EXPECT_LT(before.sequence, vm_info(self->g.vm).sequence);
}

TEST_F(batch, in_order)
{
	__u64 *slot = guest_slot(&self->g, BASE, 1);
	int i;

	/* Everything into one entry: the last one stays. */
	for (i = 0; i < NR; i++)
		self->ops[i].va = BASE;
	install(self->g.space, 0, self->ops, NR);
	EXPECT_EQ(self->ops[NR - 1].value, *slot);
}

TEST_F(batch, stops)
{
	__u32 at[] = { 0, 1, 63, 64, 65, 128, NR - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct vmmu_install_op *op = &self->ops[at[i]], was = *op;

		note();
		op->va = NOWHERE;
		stops_at(at[i], ENXIO, VMMU_REASON_NOT_PRESENT, 0);
		*op = was;
		op->level = 0;
		stops_at(at[i], EINVAL, 0, 0);
		op->level = 5;
		stops_at(at[i], EINVAL, 0, 0);
		op->level = ~0U;
		stops_at(at[i], EINVAL, 0, 0);
		*op = was;
		op->reserved = 1;
		stops_at(at[i], EOPNOTSUPP, 0, 0);
		*op = was;
		op->value |= PTE_NX;
		stops_at(at[i], ENXIO, VMMU_REASON_RESERVED,
			 VMMU_INSTALL_STOP);
		op->value = REAL | PTE_P;
		stops_at(at[i], ENXIO, VMMU_REASON_BEYOND_REAL,
			 VMMU_INSTALL_STOP);
		*op = was;
	}
}

TEST_F(batch, bad_counts)
{
	struct vmmu_install_op *ops;
	struct vmmu_install i, was;
	__u32 most = info(self->g.dev).max_batch;

	ops = calloc(most + 1ULL, sizeof(*ops));
	ASSERT_NE(NULL, ops);
	note();
	was = (struct vmmu_install){
		.size = sizeof(was), .done = POISON32, .index = POISON32,
		.reason = POISON32, .level = POISON32, .ops = (uintptr_t)ops,
	};
	i = was;
	err_call(EINVAL, self->g.space, VMMU_IOC_INSTALL, &i);
	i.nr = most + 1;
	err_call(EINVAL, self->g.space, VMMU_IOC_INSTALL, &i);
	i.nr = ~0U;
	err_call(EINVAL, self->g.space, VMMU_IOC_INSTALL, &i);
	as_noted();
	free(ops);
}

/*
 * Memory that ends in the middle of the elements, or of the outcomes. The call
 * may stop before the bad one, but done is what it did.
 */
TEST_F(batch, partly_bad_memory)
{
	struct vmmu_install_op *ops;
	struct vmmu_install i;
	unsigned char *pages;
	__u32 at;

	pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + 2 * PAGE, 2 * PAGE, PROT_NONE));
	note();
	for (at = 0; at < NR; at += at < 2 ? 1 : 61) {
		ops = (struct vmmu_install_op *)(pages + 2 * PAGE) - at;
		memcpy(ops, self->ops, at * sizeof(*ops));
		ASSERT_EQ(-EFAULT, _install(self->g.space, 0, ops, NR, NULL,
					    &i));
		ASSERT_EQ(i.done, i.index);
		ASSERT_GE(at, i.done);
		done_is_true(i.done);
		memcpy(self->g.mem, self->was, self->tables);

		ASSERT_EQ(-EFAULT, _install(self->g.space, ATOMIC, ops, NR,
					    NULL, &i));
		ASSERT_EQ(0, i.done);
		as_noted();

		ASSERT_EQ(-EFAULT, _install(self->g.space, 0, self->ops, NR,
					    pages + 2 * PAGE - at, &i));
		ASSERT_EQ(i.done, i.index);
		done_is_true(i.done);
		memcpy(self->g.mem, self->was, self->tables);

		ASSERT_EQ(-EFAULT, _install(self->g.space, ATOMIC, self->ops,
					    NR, pages + 2 * PAGE - at, &i));
		ASSERT_EQ(0, i.done);
		as_noted();
	}
}

TEST_F(batch, all_or_nothing)
{
	__u32 at[] = { 0, 1, 64, 128, NR - 1 };
	struct vmmu_vm_info before;
	struct vmmu_install i;
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(at); k++) {
		struct vmmu_install_op *op = &self->ops[at[k]], was = *op;

		note();
		before = vm_info(self->g.vm);
		op->va = NOWHERE;
		ASSERT_EQ(-ENXIO, _install(self->g.space, ATOMIC, self->ops,
					   NR, NULL, &i));
		ASSERT_EQ(0, i.done);
		ASSERT_EQ(at[k], i.index);
		ASSERT_EQ(VMMU_REASON_NOT_PRESENT, i.reason);
		ASSERT_EQ(4, i.level);
		as_noted();
		/* What was given out in between is revoked. */
		if (at[k])
			ASSERT_LT(before.sequence,
				  vm_info(self->g.vm).sequence);
		*op = was;

		op->level = 0;
		ASSERT_EQ(-EINVAL, _install(self->g.space, ATOMIC, self->ops,
					    NR, NULL, &i));
		ASSERT_EQ(0, i.done);
		ASSERT_EQ(at[k], i.index);
		as_noted();
		*op = was;

		op->value = REAL | PTE_P;
		ASSERT_EQ(-ENXIO, _install(self->g.space,
					   ATOMIC | VMMU_INSTALL_STOP,
					   self->ops, NR, NULL, &i));
		ASSERT_EQ(0, i.done);
		ASSERT_EQ(at[k], i.index);
		as_noted();
		*op = was;
	}
	install(self->g.space, ATOMIC, self->ops, NR);
	done_is_true(NR);
}

/* One entry changed many times goes back to what it was at first. */
TEST_F(batch, all_or_nothing_in_one_entry)
{
	struct vmmu_install i;
	int k;

	note();
	for (k = 0; k < NR; k++)
		self->ops[k].va = BASE + (k & 1 ? 5 : 7) * PAGE;
	self->ops[NR - 1].va = NOWHERE;
	ASSERT_EQ(-ENXIO, _install(self->g.space, ATOMIC, self->ops, NR, NULL,
				   &i));
	EXPECT_EQ(0, i.done);
	EXPECT_EQ(NR - 1, i.index);
	as_noted();
}

/* Tables that the batch itself made are unmade, too. */
TEST_F(batch, all_or_nothing_with_tables)
{
	struct vmmu_install_op ops[] = {
		{ NOWHERE, 60 * PAGE | PTE_ALL, 4 },
		{ NOWHERE, 61 * PAGE | PTE_ALL, 3 },
		{ NOWHERE, 62 * PAGE | PTE_ALL, 2 },
		{ NOWHERE, self->g.data | PTE_ALL, 1 },
		{ NOWHERE, 0, 3 },
		{ NOWHERE, 0, 1 },
	};
	struct vmmu_install i;

	note();
	ASSERT_EQ(-ENXIO, _install(self->g.space, ATOMIC, ops, 6, NULL, &i));
	EXPECT_EQ(0, i.done);
	EXPECT_EQ(5, i.index);
	EXPECT_EQ(3, i.level);
	as_noted();
	EXPECT_TRUE(all_bytes(self->g.mem + 60 * PAGE, 0, 3 * PAGE));
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT,
		  translate(self->g.space, 0, READ, NOWHERE).reason);
	EXPECT_EQ(4, translate(self->g.space, 0, READ, NOWHERE).level);
}

TEST_HARNESS_MAIN
