// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables that trap, when it ends: spaces and VMs are closed, and processes
 * killed, while stores to the tables are in flight. Those go on, or are made in
 * what is no table any more; nothing is left behind.
 */
#include <sys/uio.h>

#include "vmmu_window_race.h"
#include "vmmu_trapping.h"

#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)

/* A VM of a round's own: the entry of VA 0, its table, and the two spaces. */
struct closing {
	struct guest g;
	__u64 *pte, table;
	int other;		/* a LAZY one with a window onto the table */
	unsigned char *seen;
};

/* Stores of all kinds, until it is killed; by then it has no file any more. */
static void store_for_ever(struct closing *c, unsigned int seed)
{
	__u64 entries[] = {
		0, c->g.data | PTE_ALL, (c->g.data + PAGE) | PTE_ALL,
		c->table | PTE_ALL, c->g.bytes | PTE_ALL,
	};
	__u64 *pde = guest_slot(&c->g, 0, 2), was = load(pde);
	struct iovec local, remote;

	close(c->g.space);
	close(c->g.vm);
	close(c->other);
	for (;;) {
		__u64 entry = entries[dice(&seed, ARRAY_SIZE(entries))];
		__u64 *at = dice(&seed, 2) ? c->pte : (__u64 *)c->seen;

		at += dice(&seed, 4);
		switch (dice(&seed, 5)) {
		case 0:
			guard(((volatile __u16 *)at)[0] = entry);
			break;
		case 1:
			local = (struct iovec){ &entry, 8 };
			remote = (struct iovec){ at, 8 };
			process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
			break;
		case 2:
			store(pde, 0);
			store(pde, was);
			break;
		case 3:
			if (!fork())
				_exit(!guard(store(at, entry)));
			wait(NULL);
			break;
		default:
			guard(store(at, entry));
		}
	}
}

/* Looks, and writes, through a window that outlives its file. */
static void look_for_ever(struct closing *c, unsigned int seed)
{
	unsigned char *w = window_of(c->g.space, 0, 4);

	munmap(c->g.mem, c->g.bytes);
	close(c->g.space);
	close(c->g.vm);
	close(c->other);
	for (;;) {
		unsigned char *at = w + dice(&seed, 4) * PAGE;

		guard(load(at));
		if (!dice(&seed, 4))
			guard(store(at + 64, 0));
	}
}

/* A guest with its table, of which a space TRAPPING or not is made. */
#define closing_make(made, device) do {					\
	struct closing *__x = (made);					\
	__u64 __root;							\
									\
	guest_make(&__x->g, (device), REAL, FORMAT4, BITS);		\
	__x->pte = guest_slot(&__x->g, 0, 1);				\
	__x->table = (unsigned char *)__x->pte - __x->g.mem;		\
	__root = __x->g.root;						\
	__x->g.root = guest_page(&__x->g);				\
	guest_map(&__x->g, 0, 1, __x->table | PTE_ALL);			\
	__x->other = space_create(__x->g.vm, FORMAT4, __x->g.root, BITS);\
	__x->seen = window_of(__x->other, 0, 1);			\
	__x->g.root = __root;						\
	guest_traps(&__x->g, BITS);					\
} while (0)

/* What happens to a VM in use; at the end all of its spaces are closed. */
static void trouble(struct closing *c, unsigned int *seed)
{
	struct vmmu_space_create s;
	__u64 done;

	for (int i = dice(seed, 6); i; i--) {
		sleep_ms(dice(seed, 4));
		switch (dice(seed, 4)) {
		case 0:
			close(c->g.space);
			c->g.space = -1;
			if (!_trapping_space(c->g.vm, FORMAT4, c->g.root, BITS,
					     &s))
				c->g.space = s.fd;
			break;
		case 1:
			_set_root(c->g.space, c->table);
			_set_root(c->g.space, c->g.root);
			break;
		case 2:
			_range(c->g.vm, VMMU_IOC_DISCARD, c->table, PAGE, &done);
			break;
		default:
			_invalidate(c->g.space, VMMU_INVALIDATE_ALL, 0, 0);
		}
	}
	close(c->g.space);
	c->g.space = -1;
}

#define CHILDREN 3

TEST_F(races, closed_with_stores_in_flight)
{
	__u64 end = now_ms() + race_ms();
	unsigned int seed = 3, nr = 0;

	while (now_ms() < end || !nr) {
		pid_t pids[CHILDREN];
		struct closing c;

		closing_make(&c, self->r->g.dev);
		for (int i = 0; i < CHILDREN; i++) {
			pids[i] = fork();
			ASSERT_LE(0, pids[i]);
			if (!pids[i] && i == 1)
				look_for_ever(&c, ++seed);
			if (!pids[i])
				store_for_ever(&c, seed += 2);
		}
		seed += nr++;
		trouble(&c, &seed);
		if (nr & 1) {
			/* The VM lives by the mappings of who is killed. */
			guest_drop(&c.g);
			munmap(c.seen, PAGE);
			close(c.other);
		}
		for (int i = 0; i < CHILDREN; i++)
			kill(pids[i], SIGKILL);
		for (int i = 0; i < CHILDREN; i++)
			ASSERT_EQ(128 + SIGKILL, child_wait(pids[i]));
		if (nr & 1)
			continue;
		/* No space is left that traps. */
		ASSERT_EQ(1, vm_info(c.g.vm).nr_spaces);
		ASSERT_EQ(DATA, real_flags(c.g.vm, c.g.root));
		ASSERT_NE(CLOSED, real_flags(c.g.vm, c.table));
		ASSERT_NE(OPEN, real_flags(c.g.vm, c.table));
		store(c.pte, 1);
		ASSERT_EQ(1, load(c.pte));
		audit_clean(c.g.vm);
		consistent(c.g.vm);
		guest_drop(&c.g);
		munmap(c.seen, PAGE);
		close(c.other);
	}
	printf("# %u VMs closed\n", nr);
}

TEST_HARNESS_MAIN
