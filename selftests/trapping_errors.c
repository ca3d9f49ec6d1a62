// SPDX-License-Identifier: GPL-2.0
/*
 * TRAPPING spaces without memory: what stores and calls say, that nothing is lost
 * by it, and that all goes on once there is memory again.
 */
#include "vmmu_trap.h"
#include "vmmu_trapping.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define REAL	(1024 * MIB)
#define LIMIT	(8 * MIB)
#define FILL	(64 * MIB)	/* what takes up memory is from here on */

/*
 * @pte: the entry for VA
 * @page: the entry for a page that has no frame
 * @w: a window onto VA
 */
FIXTURE(errors) {
	struct guest g;
	__u64 *pte, page;
	unsigned char *w;
};

FIXTURE_SETUP(errors)
{
	struct guest *g = &self->g;
	int dev;

	if (geteuid())
		SKIP(return, "needs root, to become another user");
	dev = dev_open();
	ASSERT_LE(0, dev);
	ASSERT_EQ(0, limit_memlock(LIMIT));
	ASSERT_EQ(0, become_nobody());
	guest_make(g, dev, REAL, FORMAT4, BITS);
	self->page = (g->data + 7 * PAGE) | PTE_ALL;
	store(g->mem + g->data, 0xaaaa);
	self->pte = guest_slot(g, VA, 1);
	guest_map(g, VA + PAGE, 1, g->data | PTE_ALL | PTE_A | PTE_D);
	guest_traps(g, BITS);
	self->w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(0xaaaa, load(self->w + PAGE));
}

FIXTURE_TEARDOWN(errors)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	become_root();
	close(self->g.dev);
}

/* There is no memory any more; then there is. */
#define exhaust() do {							\
	__u64 __done;							\
									\
	ASSERT_EQ(-ENOMEM, _range(self->g.vm, VMMU_IOC_POPULATE, FILL,	\
				  LIMIT, &__done));			\
} while (0)

#define relieve()	discard(self->g.vm, FILL, MIB)

/* Store an entry so that it is not seen. */
static void store_unseen(__u64 *at, __u64 value)
{
	for (int i = 0; i < 4; i++)
		((volatile __u16 *)at)[i] = value >> 16 * i;
}

TEST_F(errors, store)
{
	exhaust();
	ASSERT_EQ(SIGBUS, access_store(self->pte, self->page));
	ASSERT_EQ(0, *self->pte);
	ASSERT_EQ(0xaaaa, load(self->w + PAGE));
	/* What needs no memory works. */
	ASSERT_EQ(0, access_store(self->pte, self->g.data | PTE_ALL));
	ASSERT_EQ(0xaaaa, load(self->w));
	relieve();
	ASSERT_EQ(0, access_store(self->pte, self->page));
	ASSERT_EQ(self->page, *self->pte);
	ASSERT_EQ(0, load(self->w));
}

TEST_F(errors, unknown_store)
{
	int p[2];

	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(8, write(p[1], &self->page, 8));
	exhaust();
	ASSERT_EQ(SIGBUS, access_write((unsigned char *)self->pte, 1));
	ASSERT_EQ(-1, read(p[0], self->pte, 8));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(0, *self->pte);
	relieve();
	ASSERT_EQ(8, write(p[1], &self->page, 8));
	ASSERT_EQ(8, read(p[0], self->pte, 8));
	ASSERT_EQ(self->page, *self->pte);
	ASSERT_EQ(0, load(self->w));
	close(p[0]);
	close(p[1]);
}

/* Calls that find an open page, whose entry needs a frame. */
static int call_nr(struct guest *g, void *w, int nr)
{
	static struct vmmu_mapping mappings[4];
	static struct vmmu_step steps[5];
	struct vmmu_install_op op = { .va = VA + 2 * PAGE, .level = 1 };
	__u64 word, va = VA + PAGE;
	union {
		struct vmmu_install install;
		struct vmmu_translate translate;
		struct vmmu_explain explain;
		struct vmmu_mappings mappings;
		struct vmmu_memory memory;
		struct vmmu_cmpxchg cmpxchg;
		struct vmmu_fault fault;
	} a = {};

	switch (nr) {
	case 0:
		return _install(g->space, 0, &op, 1, NULL, &a.install);
	case 1:
		a.translate = (struct vmmu_translate){
			.size = sizeof(a.translate), .nr = 1, .va = va,
		};
		return call(g->space, VMMU_IOC_TRANSLATE, &a);
	case 2:
		a.explain = (struct vmmu_explain){
			.size = sizeof(a.explain), .nr = 5, .va = va,
			.steps = (uintptr_t)steps,
		};
		return call(g->space, VMMU_IOC_EXPLAIN, &a);
	case 3:
		a.mappings = (struct vmmu_mappings){
			.size = sizeof(a.mappings), .last = ~0ULL, .nr = 4,
			.mappings = (uintptr_t)mappings,
		};
		return call(g->space, VMMU_IOC_MAPPINGS, &a);
	case 4:
	case 5:
		word = 0xaaaa;
		a.memory = (struct vmmu_memory){
			.size = sizeof(a.memory), .va = va, .bytes = 8,
			.buffer = (uintptr_t)&word,
		};
		return call(g->space, nr == 4 ? VMMU_IOC_READ : VMMU_IOC_WRITE,
			    &a);
	case 6:
		a.cmpxchg = (struct vmmu_cmpxchg){
			.size = sizeof(a.cmpxchg), .va = va, .bytes = 8,
		};
		return call(g->space, VMMU_IOC_CMPXCHG, &a);
	case 7:
		return _invalidate(g->space, 0, va, PAGE);
	case 8:
		return _invalidate(g->space, VMMU_INVALIDATE_ALL, 0, 0);
	default:
		return _fault(g->space, w, READ, &a.fault);
	}
}

TEST_F(errors, calls)
{
	struct guest *g = &self->g;

	for (int nr = 0; nr < 10; nr++) {
		__u64 entry = self->page + nr * PAGE;

		store_unseen(self->pte, entry);
		ASSERT_EQ(OPEN, real_flags(g->vm, (void *)self->pte -
					   (void *)g->mem));
		exhaust();
		fails_with(ENOMEM, call_nr(g, self->w, nr));
		ASSERT_EQ(entry, *self->pte);
		ASSERT_EQ(SIGBUS, access_read(self->w + PAGE));
		relieve();
		ASSERT_EQ(0, call_nr(g, self->w, nr));
		ASSERT_EQ(0xaaaa, load(self->w + PAGE));
		ASSERT_EQ(CLOSED, real_flags(g->vm, (void *)self->pte -
					     (void *)g->mem));
		ASSERT_EQ(0, load(self->w));
		audit_clean(g->vm);
	}
}

/* The tables far off need some of the real map's. */
TEST_F(errors, registration)
{
	struct guest *g = &self->g;
	struct vmmu_space_create c;
	struct vmmu_space_info was;
	struct vmmu_vm_info before;
	__u64 far = REAL - MIB;

	exhaust();
	before = vm_info(g->vm);
	was = space_info(g->space);
	fails_with(ENOMEM, _trapping_space(g->vm, FORMAT4, far, BITS, &c));
	fails_with(ENOMEM, _set_root(g->space, far));
	ASSERT_EQ(was.root, space_info(g->space).root);
	ASSERT_EQ(before.nr_spaces, vm_info(g->vm).nr_spaces);
	ASSERT_EQ(0xaaaa, load(self->w + PAGE));
	relieve();
	ASSERT_EQ(0, _set_root(g->space, far));
	ASSERT_EQ(SIGSEGV, access_read(self->w + PAGE));
	ASSERT_EQ(DATA, real_flags(g->vm, was.root));
	ASSERT_EQ(0, _trapping_space(g->vm, FORMAT4, far, BITS, &c));
	ASSERT_EQ(0, _set_root(g->space, was.root));
	ASSERT_EQ(0xaaaa, load(self->w + PAGE));
	close(c.fd);
}

TEST_F(errors, room_for_records)
{
	struct guest *g = &self->g;
	int trap = trap_create(g->vm);

	exhaust();
	fails_with(ENOMEM, _deliver(g->space, VMMU_TRAP_STORE,
				    VMMU_DELIVER_NOTIFY, trap));
	relieve();
	deliver(g->space, VMMU_TRAP_STORE, VMMU_DELIVER_NOTIFY, trap);
	*self->pte = g->data | PTE_ALL;
	ASSERT_EQ(1, trap_info(trap).made);
	close(trap);
}

TEST_HARNESS_MAIN
