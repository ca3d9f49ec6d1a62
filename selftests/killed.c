// SPDX-License-Identifier: GPL-2.0
/*
 * Long calls and kill -9: each ends at once with EINTR, and what was done is
 * what the structure says.
 */
#include "vmmu_killed.h"

static void prepare_range(struct shared *s, __u64 ra)
{
	s->arg.range = (struct vmmu_range){
		.size = sizeof(s->arg.range), .ra = ra, .bytes = NR * PAGE,
	};
}

TEST_F(killed, populate)
{
	struct guest *g = &self->g;
	__u64 done;

	interrupt(g->vm, VMMU_IOC_POPULATE, frames() > self->frames + 64, {
		discard(g->vm, g->data, NR * PAGE);
		prepare_range(self->s, g->data);
	});
	done = self->s->arg.range.done;
	ASSERT_LE(64 * PAGE, done);
	ASSERT_GT(NR * PAGE, done);
	ASSERT_EQ(self->frames + done / PAGE, vm_info(g->vm).frames);
	ASSERT_EQ(12, real_page(g->vm, g->data + done - PAGE).page_shift);
	ASSERT_EQ(0, real_page(g->vm, g->data + done).page_shift);
}

TEST_F(killed, discard)
{
	struct guest *g = &self->g;
	__u64 done;

	interrupt(g->vm, VMMU_IOC_DISCARD, frames() < self->frames, {
		populate(g->vm, g->data, NR * PAGE);
		prepare_range(self->s, g->data);
	});
	done = self->s->arg.range.done;
	ASSERT_LT(0, done);
	ASSERT_GT(NR * PAGE, done);
	ASSERT_EQ(self->frames - done / PAGE, vm_info(g->vm).frames);
	ASSERT_EQ(0, real_page(g->vm, g->data + done - PAGE).page_shift);
	ASSERT_EQ(12, real_page(g->vm, g->data + done).page_shift);
}

TEST_F(killed, real_map)
{
	struct guest *g = &self->g;
	struct vmmu_real_map *m = &self->s->arg.real_map;
	struct vmmu_real_map_entry *e = (void *)self->out;

	populate(g->vm, g->data, NR * PAGE);
	interrupt(g->vm, VMMU_IOC_REAL_MAP, begun(&e->page_shift), {
		*m = (struct vmmu_real_map){
			.size = sizeof(*m), .ra = g->data, .last = ~0ULL,
			.nr = NR, .entries = (uintptr_t)e,
		};
	});
	written(sizeof(*e), m->done);
	ASSERT_EQ(g->data + m->done * PAGE, m->ra);
	ASSERT_EQ(m->ra - PAGE, e[m->done - 1].ra);
}

static void prepare_install(struct shared *s, struct guest *g, __u32 flags,
			    const void *ops, void *outcomes)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, 2 * i * PAGE, 1, 0);
	s->arg.install = (struct vmmu_install){
		.size = sizeof(s->arg.install), .flags = flags, .nr = NR,
		.ops = (uintptr_t)ops, .outcomes = (uintptr_t)outcomes,
	};
}

/* Assert that the installs up to @n are in force, and no more. */
#define in_force(n) do {						\
	unsigned int __n = (n), __k;					\
									\
	for (__k = 0; __k < NR; __k++) {				\
		ASSERT_EQ(__k < __n ? self->ops[__k].value : 0,		\
			  *guest_slot(&self->g, 2 * __k * PAGE, 1))	\
			TH_LOG("element %u of %u", __k, __n);		\
	}								\
} while (0)

TEST_F(killed, install)
{
	struct guest *g = &self->g;
	struct vmmu_install *i = &self->s->arg.install;

	populate(g->vm, g->data, NR * PAGE);
	interrupt(g->space, VMMU_IOC_INSTALL, begun(self->out), {
		prepare_install(self->s, g, 0, self->ops, self->out);
	});
	ASSERT_EQ(i->done, i->index);
	ASSERT_EQ(VMMU_REASON_NONE, i->reason);
	written(1, i->done);
	in_force(i->done);
}

TEST_F(killed, install_all_or_nothing)
{
	struct guest *g = &self->g;
	struct vmmu_install *i = &self->s->arg.install;

	populate(g->vm, g->data, NR * PAGE);
	interrupt(g->space, VMMU_IOC_INSTALL, begun(self->out), {
		prepare_install(self->s, g, VMMU_INSTALL_ATOMIC, self->ops,
				self->out);
	});
	ASSERT_EQ(0, i->done);
	written(1, i->index);
	in_force(0);
}

/* One element that brings a gibibyte of frames ends in the middle, too. */
TEST_F(killed, install_of_a_large_page)
{
	struct guest *g = &self->g;
	struct vmmu_install *i = &self->s->arg.install;
	struct vmmu_install_op *op = self->ops;

	*op = (struct vmmu_install_op){
		.va = 0, .level = 3, .value = PTE_ALL | PTE_PS,
	};
	guest_slot(g, 0, 3);
	interrupt(g->space, VMMU_IOC_INSTALL, frames() > self->frames + 64, {
		discard(g->vm, g->data, g->bytes - g->data);
		*i = (struct vmmu_install){
			.size = sizeof(*i), .nr = 1,
			.flags = VMMU_INSTALL_PROVIDE, .ops = (uintptr_t)op,
		};
	});
	ASSERT_EQ(0, i->done);
	ASSERT_EQ(0, i->index);
	ASSERT_EQ(0, *guest_slot(g, 0, 3));
}

TEST_F(killed, translate)
{
	struct guest *g = &self->g;
	struct vmmu_translate *t = &self->s->arg.translate;
	struct vmmu_translation *r = (void *)self->out;
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, i * PAGE, 1, self->ops[i].value);
	interrupt(g->space, VMMU_IOC_TRANSLATE, begun(&r->page_shift), {
		*t = (struct vmmu_translate){
			.size = sizeof(*t), .nr = NR,
			.results = (uintptr_t)r,
		};
	});
	written(sizeof(*r), t->done);
	ASSERT_EQ(self->ops[t->done - 1].value & PTE_ADDRESS,
		  r[t->done - 1].ra);
}

TEST_F(killed, mappings)
{
	struct guest *g = &self->g;
	struct vmmu_mappings *m = &self->s->arg.mappings;
	struct vmmu_mapping *r = (void *)self->out;
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, self->ops[i].va, 1, self->ops[i].value);
	interrupt(g->space, VMMU_IOC_MAPPINGS, begun(&r->page_shift), {
		*m = (struct vmmu_mappings){
			.size = sizeof(*m), .last = ~0ULL, .nr = NR,
			.mappings = (uintptr_t)r,
		};
	});
	written(sizeof(*r), m->done);
	ASSERT_EQ(1, m->more);
	ASSERT_GE(self->ops[m->done].va, m->va);
	ASSERT_LT(r[m->done - 1].va, m->va);
}

TEST_HARNESS_MAIN
