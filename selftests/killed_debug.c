// SPDX-License-Identifier: GPL-2.0
/*
 * As killed.c, for the calls of debuggers, and for those that are short, but
 * for one thing: the user's limit is reached, and what was discarded a moment
 * ago is on its way back.
 */
#include "vmmu_killed.h"

/* Map the guest's upper half from address 0 on. */
static void map_data(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, i * PAGE, 1, (g->data + i * PAGE) | PTE_ALL);
}

TEST_F(killed, read)
{
	struct vmmu_memory *m = &self->s->arg.memory;

	map_data(&self->g);
	interrupt(self->g.space, VMMU_IOC_READ, begun(self->out), {
		*m = (struct vmmu_memory){
			.size = sizeof(*m), .bytes = self->out_bytes,
			.buffer = (uintptr_t)self->out,
		};
	});
	ASSERT_LT(0, m->done);
	ASSERT_GT(self->out_bytes, m->done);
	ASSERT_TRUE(all_bytes(self->out, 0, m->done));
	ASSERT_TRUE(all_bytes(self->out + m->done, POISON8,
			      self->out_bytes - m->done));
	ASSERT_TRUE(all_bytes(&m->result, 0, sizeof(m->result)));
}

TEST_F(killed, write)
{
	struct vmmu_memory *m = &self->s->arg.memory;
	struct guest *g = &self->g;

	map_data(g);
	interrupt(g->space, VMMU_IOC_WRITE, frames() > self->frames + 8, {
		discard(g->vm, g->data, NR * PAGE);
		*m = (struct vmmu_memory){
			.size = sizeof(*m), .bytes = self->out_bytes,
			.buffer = (uintptr_t)self->out,
		};
	});
	ASSERT_LT(0, m->done);
	ASSERT_GT(self->out_bytes, m->done);
	ASSERT_TRUE(all_bytes(g->mem + g->data, POISON8, m->done));
	ASSERT_TRUE(all_bytes(g->mem + g->data + m->done, 0,
			      self->out_bytes - m->done));
}

/* A root that maps itself everywhere: a scan never ends. */
TEST_F(killed, mappers)
{
	struct vmmu_mappers *m = &self->s->arg.mappers;
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 512; i++)
		*guest_entry(g, g->root, i) = g->root | PTE_ALL;
	interrupt(g->vm, VMMU_IOC_MAPPERS, true, {
		*m = (struct vmmu_mappers){
			.size = sizeof(*m), .ra = g->data, .nr = NR,
			.mappers = (uintptr_t)self->out,
		};
	});
	ASSERT_EQ(0, m->done);
	ASSERT_EQ(1, m->more);
	ASSERT_LT(0, m->va);
	ASSERT_EQ(1, m->space);
	ASSERT_TRUE(all_bytes(self->out, POISON8, self->out_bytes));
}

/*
 * Another user's guest, at that user's limit: 0x1000 maps a page whose frame
 * has to wait for one that the child is going to discard first. Each try has
 * to be prepared by at_the_limit().
 */
#define guest_at_limit(new) do {					\
	struct guest *__l = (new);					\
	__u64 __done;							\
									\
	ASSERT_EQ(0, limit_memlock(MIB));				\
	ASSERT_EQ(0, become_nobody());					\
	guest_make(__l, self->g.dev, 4 * MIB, FORMAT4, 0);		\
	guest_map(__l, 0x1000, 1, (__l->data + PAGE) | PTE_ALL);	\
	populate(__l->vm, __l->data, PAGE);	/* a real map table */	\
	discard(__l->vm, __l->data, PAGE);				\
	fails_with(ENOMEM, _range(__l->vm, VMMU_IOC_POPULATE, 0,	\
				  __l->data, &__done));			\
	ASSERT_EQ(0, become_root());					\
	self->s->vm = __l->vm;						\
	self->s->ra = __done - PAGE;					\
} while (0)

#define at_the_limit(at) do {					\
	struct guest *__l = (at);					\
									\
	discard(__l->vm, __l->data, 2 * PAGE);				\
	populate(__l->vm, 0, self->s->ra + PAGE);			\
} while (0)

TEST_F(killed, explain)
{
	struct vmmu_explain *e = &self->s->arg.explain;
	struct guest g;

	if (geteuid())
		SKIP(return, "needs root, to become another user");
	guest_at_limit(&g);
	interrupt(g.space, VMMU_IOC_EXPLAIN, true, {
		at_the_limit(&g);
		*e = (struct vmmu_explain){
			.size = sizeof(*e), .flags = PROVIDE, .access = READ,
			.nr = 5, .va = 0x1000,
			.steps = (uintptr_t)self->s->steps,
		};
	});
	ASSERT_EQ(0, e->done);
	ASSERT_TRUE(all_bytes(&e->result, 0, sizeof(e->result)));
	guest_drop(&g);
}

TEST_F(killed, cmpxchg)
{
	struct vmmu_cmpxchg *c = &self->s->arg.cmpxchg;
	struct guest g;

	if (geteuid())
		SKIP(return, "needs root, to become another user");
	guest_at_limit(&g);
	interrupt(g.space, VMMU_IOC_CMPXCHG, true, {
		at_the_limit(&g);
		*c = (struct vmmu_cmpxchg){
			.size = sizeof(*c), .va = 0x1000, .bytes = 8,
			.desired = 1,
		};
	});
	ASSERT_EQ(0, c->swapped);
	ASSERT_TRUE(all_bytes(&c->result, 0, sizeof(c->result)));
	guest_drop(&g);
}

TEST_HARNESS_MAIN
