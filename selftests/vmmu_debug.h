/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of debuggers, for tests; named as vmmu_util.h says.
 */
#ifndef VMMU_DEBUG_H
#define VMMU_DEBUG_H

#include "vmmu_guest.h"

static inline int _memory(int space, unsigned long cmd, __u32 flags, __u64 va,
			  const void *buffer, __u64 bytes,
			  struct vmmu_memory *m)
{
	memset(m, POISON8, sizeof(*m));
	m->size = sizeof(*m);
	m->flags = flags;
	m->va = va;
	m->bytes = bytes;
	m->buffer = (uintptr_t)buffer;
	return call(space, cmd, m);
}

#define memory(space, cmd, flags, va, buffer, len) do {			\
	__u64 __len = (len);						\
	struct vmmu_translation __none = {};				\
	struct vmmu_memory __m;						\
									\
	ASSERT_EQ(0, _memory(space, cmd, flags, va, buffer, __len, &__m));\
	ASSERT_EQ(__len, __m.done);					\
	ASSERT_EQ(0, memcmp(&__none, &__m.result, sizeof(__none)));	\
} while (0)

#define mem_read(space, flags, va, buffer, bytes)			\
	memory(space, VMMU_IOC_READ, flags, va, buffer, bytes)
#define mem_write(space, flags, va, buffer, bytes)			\
	memory(space, VMMU_IOC_WRITE, flags, va, buffer, bytes)

static inline int _cmpxchg(int space, __u32 flags, __u64 va, __u32 bytes,
			   __u64 expected, __u64 desired,
			   struct vmmu_cmpxchg *c)
{
	memset(c, POISON8, sizeof(*c));
	c->size = sizeof(*c);
	c->flags = flags;
	c->va = va;
	c->bytes = bytes;
	c->expected = expected;
	c->desired = desired;
	return call(space, VMMU_IOC_CMPXCHG, c);
}

/* Whether the value was exchanged; what it was is in *@was. */
#define mem_cmpxchg(space, flags, va, bytes, expected, desired, was) ({	\
	struct vmmu_cmpxchg __c;					\
									\
	ASSERT_EQ(0, _cmpxchg(space, flags, va, bytes, expected, desired,\
			      &__c));					\
	ASSERT_GE(1, __c.swapped);					\
	*(was) = __c.seen;						\
	__c.swapped;							\
})

static inline int _real_of_frame(int vm, __u64 frame, __u64 *ra)
{
	struct vmmu_real_of_frame r = {
		.size = sizeof(r),
		.frame = frame,
		.ra = POISON64,
	};
	int ret = call(vm, VMMU_IOC_REAL_OF_FRAME, &r);

	*ra = r.ra;
	return ret;
}

#define real_of_frame(vm, frame) ({					\
	__u64 __ra;							\
									\
	ASSERT_EQ(0, _real_of_frame(vm, frame, &__ra));			\
	__ra;								\
})

#define err_real_of_frame(e, vm, frame) do {				\
	__u64 __ra;							\
									\
	fails_with(e, _real_of_frame(vm, frame, &__ra));		\
	ASSERT_EQ(POISON64, __ra);					\
} while (0)

static inline int _mappers(int vm, __u64 ra, __u64 space, __u64 va, __u32 nr,
			   struct vmmu_mapper *mappers, struct vmmu_mappers *m)
{
	memset(m, POISON8, sizeof(*m));
	m->size = sizeof(*m);
	m->flags = 0;
	m->ra = ra;
	m->space = space;
	m->va = va;
	m->nr = nr;
	m->reserved = 0;
	m->mappers = (uintptr_t)mappers;
	return call(vm, VMMU_IOC_MAPPERS, m);
}

#endif /* VMMU_DEBUG_H */
