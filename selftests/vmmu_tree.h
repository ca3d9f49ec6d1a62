/* SPDX-License-Identifier: GPL-2.0 */
/* Trees of page tables that are known, for tests: which they are, what they cost. */
#ifndef VMMU_TREE_H
#define VMMU_TREE_H

#include "vmmu_trapping.h"

#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define VA	0x400000ULL
#define BIG	(256 * MIB)		/* real memory where tables are many */

FIXTURE(tree) {
	struct guest g;
};

/* The guest has a space only if a test makes one. */
FIXTURE_SETUP(tree)
{
	struct guest *g = &self->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	if (info(dev).memlock_bytes < BIG)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	guest_make(g, dev, BIG, FORMAT4, BITS);
	close(g->space);
	g->space = -1;
	store(g->mem + g->data, 0xaaaa);
	store(g->mem + g->data + PAGE, 0xbbbb);
}

FIXTURE_TEARDOWN(tree)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

static inline void set(struct guest *g, __u64 table, unsigned int i, __u64 value)
{
	__atomic_store_n(guest_entry(g, table, i), value, __ATOMIC_RELAXED);
}

/* What the VM has charged beyond frames and its real map: for tables. */
static inline __u64 charged_for_tables(int vm)
{
	struct vmmu_vm_info i = {};

	_vm_info(vm, &i);
	return i.charged_bytes - (i.frames + i.tables) * PAGE;
}

/* How many of the VM's frames are page tables; ~0: one is in another state. */
static inline unsigned long count_tables(int vm)
{
	static struct vmmu_real_map_entry e[4096];
	struct vmmu_real_map m = {};
	struct vmmu_vm_info info;
	unsigned long nr = 0;

	_vm_info(vm, &info);
	while (m.ra < info.real_bytes) {
		if (_real_map(vm, m.ra, ~0ULL, ARRAY_SIZE(e), e, &m))
			return ~0UL;
		for (__u32 i = 0; i < m.done; i++) {
			__u32 state = e[i].flags & (VMMU_REAL_TABLE |
						    VMMU_REAL_WRITABLE);

			if (state == OPEN || !state)
				return ~0UL;
			nr += state == CLOSED;
		}
	}
	return nr;
}

/* Nothing is a table any more. */
#define nothing_left(vm) do {						\
	int __vm = (vm);						\
									\
	ASSERT_EQ(0, count_tables(__vm));				\
	ASSERT_EQ(0, charged_for_tables(__vm));				\
} while (0)

#endif /* VMMU_TREE_H */
