// SPDX-License-Identifier: GPL-2.0
/*
 * Long calls about TRAPPING spaces, and kill -9: nothing is left of one that did
 * not come to its end, and the next one does.
 */
#include "vmmu_killed.h"
#include "vmmu_trapping.h"

#define BITS		VMMU_MODE_WP
#define NR_MIDDLE	rounds(64)	/* tables of 512 tables each */

/*
 * A second root, below which there are many tables: those of the last level have
 * no frames. Returns its real address.
 */
static __u64 many_tables(struct guest *g)
{
	__u64 root = guest_page(g), upper = guest_page(g), last = g->data;

	load(g->mem + g->root);
	*guest_entry(g, root, 0) = upper | PTE_ALL;
	for (unsigned int i = 0; i < NR_MIDDLE; i++) {
		__u64 middle = guest_page(g);

		*guest_entry(g, upper, i) = middle | PTE_ALL;
		for (unsigned int j = 0; j < 512; j++, last += PAGE)
			*guest_entry(g, middle, j) = last | PTE_ALL;
	}
	return root;
}

static bool later(unsigned int ms)
{
	sleep_ms(ms);
	return true;
}

/* As much is charged as before, and no real page is a table but those of @root. */
#define as_before(was, nr) do {						\
	struct vmmu_vm_info *__w = (was);				\
									\
	audit_clean(self->g.vm);					\
	ASSERT_EQ((nr), audit(self->g.vm).tables);			\
	ASSERT_EQ(__w->nr_spaces, vm_info(self->g.vm).nr_spaces);	\
	/* The real map's tables stay. */				\
	ASSERT_EQ(__w->charged_bytes - __w->tables * PAGE,		\
		  vm_info(self->g.vm).charged_bytes -			\
		  vm_info(self->g.vm).tables * PAGE);			\
} while (0)

TEST_F(killed, space_create)
{
	struct vmmu_space_create *c = &self->s->arg.space_create;
	__u64 root = many_tables(&self->g);
	struct vmmu_vm_info was = vm_info(self->g.vm);
	int space;

	interrupt(self->g.vm, VMMU_IOC_SPACE_CREATE, later(20), {
		*c = (struct vmmu_space_create){
			.size = sizeof(*c), .flags = VMMU_SPACE_TRAPPING,
			.format = FORMAT4, .fd = -1, .root = root,
			.mode = MODE(BITS),
		};
	});
	ASSERT_EQ(-1, c->fd);
	as_before(&was, 0);
	space = trapping_space(self->g.vm, FORMAT4, root, BITS);
	ASSERT_EQ(2 + NR_MIDDLE * 513, audit(self->g.vm).tables);
	audit_clean(self->g.vm);
	close(space);
	as_before(&was, 0);
}

TEST_F(killed, set_root)
{
	struct vmmu_set_root *r = &self->s->arg.set_root;
	__u64 root = many_tables(&self->g);
	int space = trapping_space(self->g.vm, FORMAT4, self->g.root, BITS);
	struct vmmu_vm_info was = vm_info(self->g.vm);

	interrupt(space, VMMU_IOC_SET_ROOT, later(20), {
		*r = (struct vmmu_set_root){
			.size = sizeof(*r), .root = root,
		};
	});
	ASSERT_EQ(self->g.root, space_info(space).root);
	as_before(&was, 1);
	ASSERT_EQ(0, _set_root(space, root));
	ASSERT_EQ(2 + NR_MIDDLE * 513, audit(self->g.vm).tables);
	ASSERT_EQ(0, _set_root(space, self->g.root));
	as_before(&was, 1);
	close(space);
}

/* What was stored unseen is looked at by any call; whose end is not its end. */
TEST_F(killed, settling)
{
	struct vmmu_invalidate *i = &self->s->arg.invalidate;
	__u64 root = many_tables(&self->g);
	int space = trapping_space(self->g.vm, FORMAT4, self->g.root, BITS);
	struct vmmu_vm_info was = vm_info(self->g.vm);
	__u64 *slot = guest_entry(&self->g, self->g.root, 1);
	__u64 entry = *guest_entry(&self->g, root, 0);

	interrupt(space, VMMU_IOC_INVALIDATE, later(20), {
		for (int n = 0; n < 4; n++)
			((volatile __u16 *)slot)[n] = 0;
		ASSERT_EQ(0, _invalidate(space, VMMU_INVALIDATE_ALL, 0, 0));
		for (int n = 0; n < 4; n++)
			((volatile __u16 *)slot)[n] = entry >> 16 * n;
		*i = (struct vmmu_invalidate){
			.size = sizeof(*i), .flags = VMMU_INVALIDATE_ALL,
		};
	});
	audit_clean(self->g.vm);
	ASSERT_EQ(0, _invalidate(space, VMMU_INVALIDATE_ALL, 0, 0));
	ASSERT_EQ(2 + NR_MIDDLE * 513, audit(self->g.vm).tables);
	ASSERT_EQ(CLOSED, real_flags(self->g.vm, self->g.root));
	ASSERT_EQ(0, access_store(slot, 0));
	as_before(&was, 1);
	close(space);
}

TEST_HARNESS_MAIN
