// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables that somebody holds: a page in a pipe is one. It can't be closed;
 * what lies under it follows the contract of a LAZY space until it is let go of,
 * and is looked at again then.
 */
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "vmmu_protect.h"
#include "vmmu_trap_calls.h"

#define MANY	40	/* tables, more than are looked at in one go */

FIXTURE(pins) {
	struct protect p;
	int pipe[2];
};

FIXTURE_SETUP(pins)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	protect_make(&self->p, dev);
	ASSERT_EQ(0, pipe(self->pipe));
	ASSERT_LE(64 * PAGE, fcntl(self->pipe[1], F_SETPIPE_SZ, 64 * PAGE));
}

FIXTURE_TEARDOWN(pins)
{
	close(self->pipe[0]);
	close(self->pipe[1]);
	protect_drop(&self->p);
}

/* Put the page at @ra into the pipe, and take it out again. */
#define hold(ra) do {							\
	struct iovec __iov = { self->p.g.mem + (ra), PAGE };		\
									\
	ASSERT_EQ(PAGE, vmsplice(self->pipe[1], &__iov, 1, 0));		\
} while (0)

#define let_go() do {							\
	char __page[PAGE];						\
									\
	ASSERT_EQ(PAGE, read(self->pipe[0], __page, PAGE));		\
} while (0)

static __u32 state(struct protect *p)
{
	return real_flags(p->g.vm, p->table);
}

/* While it is held: stores work, and are in force after an invalidation. */
#define lazy_for_now(of) do {						\
	struct protect *__p = (of);					\
									\
	for (int __i = 0; __i < 4; __i++) {				\
		__u64 __page = __i & 1 ? __p->a : __p->b;		\
									\
		if (__i & 2)						\
			set_unknown(__p->pte, __page | PTE_ALL);	\
		else							\
			set(__p->pte, __page | PTE_ALL);		\
		invalidate(__p->g.space, VA, PAGE);			\
		ASSERT_EQ(__i & 1 ? TAG_A : TAG_B, load(__p->w));	\
		ASSERT_EQ(OPEN, state(__p));				\
	}								\
} while (0)

/* To be held does not open it: what matters is who may write. */
TEST_F(pins, closed)
{
	struct protect *p = &self->p;

	tables_trap(p);
	hold(p->table);
	ASSERT_EQ(CLOSED, state(p));
	ASSERT_EQ(TAG_A, load(p->w));
	set(p->pte, p->b | PTE_ALL);
	ASSERT_EQ(0, shows(p, TAG_B));
	set(p->pte, p->a | PTE_ALL);
	ASSERT_EQ(0, shows(p, TAG_A));
	let_go();
	ASSERT_EQ(0, traps_at(p, p->pte));
}

TEST_F(pins, opened)
{
	struct protect *p = &self->p;

	tables_trap(p);
	for (int i = 0; i < 3; i++) {
		set_unknown(p->pte, p->a | PTE_ALL);
		hold(p->table);
		ASSERT_EQ(TAG_A, load(p->w));
		lazy_for_now(p);
		/* The last change is not invalidated. */
		set(p->pte, p->b | PTE_ALL);
		load(p->w);
		let_go();
		/* The first use: of a page that no host PTE is for. */
		ASSERT_EQ(SIGSEGV, access_read(p->w + PAGE));
		ASSERT_EQ(0, shows(p, TAG_B));
		ASSERT_EQ(0, traps_at(p, p->pte));
	}
}

/* Uses that tell, each of which closes what can be closed. */
TEST_F(pins, first_use)
{
	struct protect *p = &self->p;
	struct vmmu_mapping mapping;
	struct vmmu_translation t;
	struct vmmu_step steps[4];
	struct vmmu_mappings m;
	struct vmmu_explain e;
	__u64 value;

	tables_trap(p);
	for (int use = 0; use < 5; use++) {
		set_unknown(p->pte, p->a | PTE_ALL);
		hold(p->table);
		ASSERT_EQ(TAG_A, load(p->w));
		ASSERT_EQ(OPEN, state(p));
		set(p->pte, p->b | PTE_ALL);
		let_go();
		if (use == 0) {
			t = translate(p->g.space, 0, READ, VA);
			ASSERT_EQ(p->b, t.ra);
		} else if (use == 1) {
			ASSERT_EQ(0, _explain(p->g.space, 0, READ, VA, steps, 4,
					      &e));
			ASSERT_EQ(p->b, e.result.ra);
		} else if (use == 2) {
			ASSERT_EQ(0, _mappings(p->g.space, VA, VA + PAGE - 1, 1,
					       &mapping, &m));
			ASSERT_EQ(p->b, mapping.ra);
		} else if (use == 3) {
			install_one(p->g.space, VA + 5 * PAGE, 1,
				    p->a | PTE_ALL);
		} else {
			struct vmmu_memory r = {
				.size = sizeof(r), .va = VA, .bytes = 8,
				.buffer = (uintptr_t)&value,
			};

			ASSERT_EQ(0, call(p->g.space, VMMU_IOC_READ, &r));
			ASSERT_EQ(TAG_B, value);
		}
		ASSERT_EQ(CLOSED, state(p)) TH_LOG("use %d", use);
		ASSERT_EQ(0, shows(p, TAG_B)) TH_LOG("use %d", use);
		ASSERT_EQ(0, traps_at(p, p->pte));
	}
}

/* What a hypercall installs while the page is held is no news afterwards. */
TEST_F(pins, hypercall)
{
	struct protect *p = &self->p;
	struct vmmu_ledger l;

	tables_trap(p);
	set_unknown(p->pte, p->a | PTE_ALL);
	hold(p->table);
	ASSERT_EQ(TAG_A, load(p->w));
	ASSERT_EQ(OPEN, state(p));
	l = ledger(p->g.space);
	install_one(p->g.space, VA, 1, p->b | PTE_ALL | PTE_A | PTE_D);
	ASSERT_EQ(TAG_B, load(p->w));
	ASSERT_EQ(OPEN, state(p));
	let_go();
	translate(p->g.space, 0, READ, VA);
	ASSERT_EQ(CLOSED, state(p));
	ASSERT_EQ(l.by_hypercall + 1, ledger(p->g.space).by_hypercall);
	ASSERT_EQ(l.by_reread, ledger(p->g.space).by_reread);
}

/*
 * Pinned for DMA, as the memory is where sockets of AF_XDP receive. Since Linux 6.5
 * the kernel refuses to pin pages so whose owner wants to know of writes.
 */
TEST_F(pins, for_dma)
{
	struct protect *p = &self->p;
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)p->g.mem + p->table,
		.len = PAGE,
		.chunk_size = PAGE,
	};
	int s = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), ret;

	if (s < 0)
		SKIP(return, "no AF_XDP here: %s", strerror(errno));
	tables_trap(p);
	ret = setsockopt(s, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg));
	if (ret && errno == EFAULT) {
		TH_LOG("the kernel refuses to pin the page");
		ASSERT_EQ(0, shows(p, TAG_A));
		close(s);
		return;
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(OPEN, state(p));
	ASSERT_EQ(TAG_A, load(p->w));
	ASSERT_EQ(OPEN, state(p));
	lazy_for_now(p);
	/* The last change is not invalidated. */
	set(p->pte, p->b | PTE_ALL);
	close(s);
	/* The kernel lets go of the page later, when nobody looks. */
	for (int i = 0; i < 1000 && state(p) == OPEN; i++) {
		usleep(10000);
		ASSERT_EQ(SIGSEGV, access_read(p->w + PAGE));
	}
	ASSERT_EQ(0, shows(p, TAG_B));
	ASSERT_EQ(0, traps_at(p, p->pte));
}

/* Held and writable when it becomes a table: nothing is known of it. */
TEST_F(pins, when_registered)
{
	struct protect *p = &self->p;

	store(p->pte, p->a | PTE_ALL);
	hold(p->table);
	guest_traps(&p->g, BITS);
	ASSERT_EQ(OPEN, state(p));
	p->w = window(p->g.space, VA, WINDOW);
	ASSERT_EQ(TAG_A, load(p->w));
	lazy_for_now(p);
	let_go();
	ASSERT_EQ(SIGSEGV, access_read(p->w + PAGE));
	ASSERT_EQ(0, shows(p, TAG_A));
	ASSERT_EQ(0, traps_at(p, p->pte));
}

/* In a table that is held: what it refers to is not known, either. */
TEST_F(pins, upper_level)
{
	struct protect *p = &self->p;
	__u64 *pde = guest_slot(&p->g, VA, 2), entry;
	__u64 middle = ((unsigned char *)pde - p->g.mem) & ~(PAGE - 1);

	store(p->pte, p->a | PTE_ALL);
	hold(middle);
	guest_traps(&p->g, BITS);
	p->w = window(p->g.space, VA, WINDOW);
	ASSERT_EQ(OPEN, real_flags(p->g.vm, middle));
	ASSERT_EQ(DATA, state(p));
	ASSERT_EQ(TAG_A, load(p->w));
	set(p->pte, p->b | PTE_ALL);
	invalidate(p->g.space, VA, PAGE);
	ASSERT_EQ(TAG_B, load(p->w));
	let_go();
	ASSERT_EQ(SIGSEGV, access_read(p->w + PAGE));
	ASSERT_EQ(CLOSED, real_flags(p->g.vm, middle));
	ASSERT_EQ(0, shows(p, TAG_B));
	ASSERT_EQ(0, traps_at(p, p->pte));

	/* Opened, then held: what was established is known. */
	entry = load(pde);
	set_unknown(pde, entry);
	hold(middle);
	ASSERT_EQ(TAG_A, load(p->w));
	ASSERT_EQ(CLOSED, state(p));
	set(pde, 0);
	invalidate_all(p->g.space);
	ASSERT_EQ(SIGSEGV, access_read(p->w));
	set(pde, entry);
	ASSERT_EQ(TAG_A, load(p->w));
	set(pde, 0);
	let_go();
	invalidate_all(p->g.space);
	ASSERT_EQ(SIGSEGV, access_read(p->w));
	ASSERT_EQ(DATA, state(p));
	ASSERT_EQ(CLOSED, real_flags(p->g.vm, middle));
	set(pde, entry);
	ASSERT_EQ(0, shows(p, TAG_A));
}

/* By an install and by a store, while it is held. */
TEST_F(pins, when_it_becomes_a_table)
{
	struct protect *p = &self->p;
	__u64 *pde = guest_slot(&p->g, VA, 2), entry = load(pde);

	tables_trap(p);
	for (int i = 0; i < 3; i++) {
		set(pde, 0);
		ASSERT_EQ(DATA, state(p));
		hold(p->table);
		if (i == 0)
			set(pde, entry);
		else if (i == 1)
			install_one(p->g.space, VA, 2, entry);
		else
			set_unknown(pde, entry);
		ASSERT_EQ(TAG_A, load(p->w));
		lazy_for_now(p);
		/* It is none any more, and is one again. */
		set(pde, 0);
		ASSERT_EQ(SIGSEGV, access_read(p->w));
		ASSERT_EQ(DATA, state(p));
		set(pde, entry);
		ASSERT_EQ(TAG_A, load(p->w));
		lazy_for_now(p);
		let_go();
		ASSERT_EQ(SIGSEGV, access_read(p->w + PAGE));
		ASSERT_EQ(0, shows(p, TAG_A));
		ASSERT_EQ(0, traps_at(p, p->pte));
	}
}

/* A table without its frame is not held by whoever has the frame. */
TEST_F(pins, discard)
{
	struct protect *p = &self->p;

	tables_trap(p);
	for (int i = 0; i < 4; i++) {
		set(p->pte, p->a | PTE_ALL);
		/* Closed, open, held and open, held twice. */
		if (i)
			set_unknown(p->pte, p->b | PTE_ALL);
		if (i >= 2) {
			hold(p->table);
			ASSERT_EQ(TAG_B, load(p->w));
			ASSERT_EQ(OPEN, state(p));
			set(p->pte, p->a | PTE_ALL);
		}
		discard(p->g.vm, p->table, PAGE);
		ASSERT_EQ(SIGSEGV, access_read(p->w));
		ASSERT_EQ(0, load(p->pte));
		ASSERT_EQ(CLOSED, state(p));
		ASSERT_EQ(0, traps_at(p, p->pte));
		/* What is in the pipe is no table any more. */
		if (i == 2)
			let_go();
		ASSERT_EQ(0, traps_at(p, p->pte));
	}
	let_go();
	ASSERT_EQ(0, traps_at(p, p->pte));
}

/* The space ends, and all is as if there had been none. */
TEST_F(pins, closed_while_held)
{
	struct protect *p = &self->p;

	for (int i = 0; i < 4; i++) {
		tables_trap(p);
		if (i & 1)
			set_unknown(p->pte, p->a | PTE_ALL);
		hold(p->table);
		ASSERT_EQ(TAG_A, load(p->w));
		munmap(p->w, WINDOW);
		close(p->g.space);
		p->w = NULL;
		ASSERT_EQ(DATA, state(p));
		set(p->pte, 0);
		set_unknown(p->pte, p->b | PTE_ALL);
		if (i & 2) {
			/* And registered again, held still. */
			p->g.space = trapping_space(p->g.vm, FORMAT4, p->g.root,
						    BITS);
			ASSERT_EQ(OPEN, state(p));
			close(p->g.space);
			ASSERT_EQ(DATA, state(p));
		}
		let_go();
		p->g.space = space_create(p->g.vm, FORMAT4, p->g.root, BITS);
	}
}

/* Many of them, of which each use looks at some, when all are free again. */
TEST_F(pins, many)
{
	struct protect *p = &self->p;
	__u64 *ptes[MANY], first = VA + 2 * MIB, start;
	unsigned char *w;
	int i;

	for (i = 0; i < MANY; i++) {
		ptes[i] = guest_slot(&p->g, first + i * 2 * MIB, 1);
		store(ptes[i], p->a | PTE_ALL);
	}
	tables_trap(p);
	w = window(p->g.space, first, MANY * 2 * MIB);
	for (i = 0; i < MANY; i++) {
		set_unknown(ptes[i], p->a | PTE_ALL);
		hold((unsigned char *)ptes[i] - p->g.mem);
	}
	/* To find out that somebody holds them takes a while, but once. */
	start = now_ms();
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(TAG_A, load(w + i * 2 * MIB));
	ASSERT_GT(3000, now_ms() - start);
	for (i = 0; i < MANY; i++) {
		set(ptes[i], p->b | PTE_ALL);
		let_go();
	}
	for (i = 0; i < MANY; i += 16)
		ASSERT_EQ(SIGSEGV, access_read(p->w + PAGE));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(TAG_B, load(w + i * 2 * MIB)) TH_LOG("table %d", i);
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, (unsigned char *)ptes[i] -
					     p->g.mem)) TH_LOG("table %d", i);
	}
	munmap(w, MANY * 2 * MIB);
}

TEST_HARNESS_MAIN
