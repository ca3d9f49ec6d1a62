/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest with one entry whose installs a monitor is told of, or asked about.
 */
#ifndef VMMU_TRAP_INSTALLS_H
#define VMMU_TRAP_INSTALLS_H

#include "vmmu_trap.h"
#include "vmmu_trapping.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)

#define HYPERCALL	VMMU_TRAP_HYPERCALL
#define STORE		VMMU_TRAP_STORE
#define REREAD		VMMU_TRAP_REREAD
#define DISCARDED	VMMU_TRAP_DISCARD
#define NOTIFY		VMMU_DELIVER_NOTIFY
#define ASK		VMMU_DELIVER_ASK
#define NONE		VMMU_DELIVER_NONE

#define ALLOW		VMMU_VERDICT_ALLOW
#define DENY		VMMU_VERDICT_DENY
#define REWRITE		VMMU_VERDICT_REWRITE

/*
 * @trap: where records of the guest's installs go
 * @pte: the entry for VA, at real address @entry
 * @w: a window onto VA
 */
FIXTURE(installs) {
	struct guest g;
	int trap;
	__u64 a, b, entry;
	__u64 *pte;
	unsigned char *w;
};

FIXTURE_SETUP(installs)
{
	struct guest *g = &self->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(g, dev, 4 * MIB, FORMAT4, BITS);
	self->a = g->data;
	self->b = g->data + PAGE;
	store(g->mem + self->a, 0xaaaa);
	store(g->mem + self->b, 0xbbbb);
	self->pte = guest_slot(g, VA, 1);
	self->entry = (unsigned char *)self->pte - g->mem;
	guest_traps(g, BITS);
	self->trap = trap_create(g->vm);
	self->w = window(g->space, VA, 4 * PAGE);
	touch_signals();
}

FIXTURE_TEARDOWN(installs)
{
	struct vmmu_trap_info i;

	ASSERT_EQ(0, _trap_info(self->trap, &i));
	ASSERT_EQ(0, i.waiting);
	close(self->trap);
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* A record of an install of the entry for VA by this process's main thread. */
#define tells(r, how, was, is) do {					\
	struct vmmu_trap_record *__w = (r);				\
	__u64 __is = (is), __ra = __is & PTE_ADDRESS;			\
									\
	ASSERT_EQ((how), __w->kind);					\
	ASSERT_EQ(space_info(self->g.space).id, __w->space);		\
	ASSERT_EQ(VA, __w->va);						\
	ASSERT_EQ(1, __w->level);					\
	ASSERT_EQ(self->entry, __w->entry);				\
	ASSERT_EQ((was), __w->old);					\
	ASSERT_EQ(__is, __w->new);					\
	ASSERT_EQ(__is & PTE_P ? VMMU_OUTCOME_PAGE :			\
		  VMMU_OUTCOME_CLEARED, __w->outcome);			\
	ASSERT_EQ(__is & PTE_P ? __ra : 0, __w->ra);			\
	ASSERT_EQ(__is & PTE_P ? pagemap_frame(self->g.mem + __ra) : 0,	\
		  __w->frame);						\
	ASSERT_EQ(0, __w->access | __w->error_code | __w->reason);	\
	ASSERT_EQ(0, __w->reserved);					\
} while (0)

static inline void set(void *at, __u64 value)
{
	__atomic_store_n((__u64 *)at, value, __ATOMIC_RELAXED);
}

#endif /* VMMU_TRAP_INSTALLS_H */
