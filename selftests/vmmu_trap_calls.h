/* SPDX-License-Identifier: GPL-2.0 */
/* The calls about trap files and delivery, as in vmmu_util.h. */
#ifndef VMMU_TRAP_CALLS_H
#define VMMU_TRAP_CALLS_H

#include "vmmu_util.h"

static inline int _trap_create(int vm, struct vmmu_trap_create *c)
{
	memset(c, POISON8, sizeof(*c));
	c->size = sizeof(*c);
	c->flags = 0;
	c->reserved = 0;
	return call(vm, VMMU_IOC_TRAP_CREATE, c);
}

#define trap_create(vm) ({						\
	struct vmmu_trap_create __c;					\
									\
	ASSERT_EQ(0, _trap_create(vm, &__c));				\
	__c.fd;								\
})

static inline int _trap_info(int trap, struct vmmu_trap_info *i)
{
	memset(i, POISON8, sizeof(*i));
	i->size = sizeof(*i);
	i->flags = 0;
	return call(trap, VMMU_IOC_TRAP_INFO, i);
}

#define trap_info(trap) ({						\
	struct vmmu_trap_info __i;					\
									\
	ASSERT_EQ(0, _trap_info(trap, &__i));				\
	__i;								\
})

static inline int _set_delivery(int space, __u32 delivery, int trap)
{
	struct vmmu_set_delivery d = {
		.size = sizeof(d), .delivery = delivery, .trap = trap,
	};

	return call(space, VMMU_IOC_SET_DELIVERY, &d);
}

static inline int _deliver(int space, __u32 kind, __u32 delivery, int trap)
{
	struct vmmu_set_delivery d = {
		.size = sizeof(d), .delivery = delivery, .trap = trap,
		.kind = kind,
	};

	return call(space, VMMU_IOC_SET_DELIVERY, &d);
}

#define deliver(space, kind, delivery, trap)				\
	ASSERT_EQ(0, _deliver(space, kind, delivery, trap))

static inline int _delivery(int space, __u32 kind, __u32 *delivery)
{
	struct vmmu_get_delivery d = { .size = sizeof(d), .kind = kind };
	int ret = call(space, VMMU_IOC_GET_DELIVERY, &d);

	*delivery = d.delivery;
	return ret;
}

#define delivery(space, kind) ({					\
	__u32 __d;							\
									\
	ASSERT_EQ(0, _delivery(space, kind, &__d));			\
	__d;								\
})

static inline int _ledger(int fd, struct vmmu_ledger *l)
{
	memset(l, POISON8, sizeof(*l));
	l->size = sizeof(*l);
	l->flags = 0;
	return call(fd, VMMU_IOC_LEDGER, l);
}

#define ledger(fd) ({							\
	struct vmmu_ledger __l;						\
									\
	ASSERT_EQ(0, _ledger(fd, &__l));				\
	__l;								\
})

#define deliver_records(space, trap)					\
	ASSERT_EQ(0, _set_delivery(space, VMMU_DELIVER_RECORD, trap))
#define deliver_signals(space)						\
	ASSERT_EQ(0, _set_delivery(space, VMMU_DELIVER_SIGNAL, -1))

/* Answer a record, maybe by a value: 0 or -errno. */
static inline int _answer_by(int trap, __u64 cookie, __u32 verdict, __u64 value)
{
	struct vmmu_trap_answer a = {
		.cookie = cookie, .verdict = verdict, .value = value,
	};
	ssize_t bytes = write(trap, &a, sizeof(a));

	if (bytes < 0)
		return -errno;
	return bytes == sizeof(a) ? 0 : -EPROTO;
}

static inline int _answer(int trap, __u64 cookie, __u32 verdict)
{
	return _answer_by(trap, cookie, verdict, 0);
}

#endif /* VMMU_TRAP_CALLS_H */
