// SPDX-License-Identifier: GPL-2.0
/*
 * Batches against their elements, one by one: of two VMs with the same page tables
 * one gets INSTALLs of many elements, the other one each element by a call of its
 * own, half of the time with a monitor that wants to see each. An ATOMIC batch that
 * fails is put back there by hand. They end in the same state:
 *
 *  - What the call says, but for counts of what it put back.
 *  - Every word of real memory, and which real pages have frames. The batch may have
 *    given frames to pages that the failed element and those behind it map; putting back by
 *    hand, to those that the old entries map.
 *  - The flags of the real map, but for ACCESSED and DIRTY of pages that were mapped
 *    in windows ahead, which depends on when the call looks.
 *  - What addresses translate to in each space, and what windows show: the tag of
 *    the real page which the table maps now, or a fault.
 *
 * LAZY spaces may show what was replaced by way of another address or root, until
 * they are invalidated. So they are, but those with one root where tables are a tree.
 *
 * VMMU_SEED=number in the environment makes other batches.
 */
#include "vmmu_trap_calls.h"
#include "vmmu_twins_check.h"

#define BATCHES		60

FIXTURE(twins) {
	struct twins t;
	int dev;
};

FIXTURE_VARIANT(twins) {
	unsigned int traps;
};

FIXTURE_VARIANT_ADD(twins, lazy) { 0 };
FIXTURE_VARIANT_ADD(twins, trapping) { BIT_ULL(MAIN) | BIT_ULL(PEER) };
FIXTURE_VARIANT_ADD(twins, other_traps) { BIT_ULL(OTHER) };
FIXTURE_VARIANT_ADD(twins, all_trap) { BIT_ULL(SPACES) - 1 };

static void make_space(struct twins *t, struct twin *v, int i)
{
	struct vmmu_space_create c = {
		.size = sizeof(c),
		.flags = t->traps & 1 << i ? VMMU_SPACE_TRAPPING : VMMU_SPACE_LAZY,
		.format = i == WIDE ? FORMAT5 : FORMAT4,
		.root = (i == OTHER ? OTHER_ROOT : ROOT) * PAGE,
		.mode = MODE(t->bits[i]),
	};

	CHECK(t, !call(v->vm, VMMU_IOC_SPACE_CREATE, &c));
	v->spaces[i] = c.fd;
	v->windows[i] = _window(c.fd, 0, DIRS * 2 * MIB, PROT_READ | PROT_WRITE);
	CHECK(t, v->windows[i] != MAP_FAILED);
}

FIXTURE_SETUP(twins)
{
	const char *seed = getenv("VMMU_SEED");
	struct twins *t = &self->t;

	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	t->random = seed ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15;
	printf("# VMMU_SEED=%#llx\n", t->random);
	t->traps = variant->traps;
	for (int i = 0; i < SPACES; i++)
		t->bits[i] = VMMU_MODE_WP | (i == PEER ? 0 : VMMU_MODE_NXE);
	each_twin(t) {
		v->vm = vm_create(self->dev, REAL);
		v->trap = trap_create(v->vm);
		v->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			      v->vm, 0);
		ASSERT_NE(MAP_FAILED, (void *)v->mem);
		for (int i = 0; i < SPACES; i++)
			make_space(t, v, i);
	}
	build_tree(t);
	access_prepare();
	ASSERT_EQ(0, t->broken);
}

FIXTURE_TEARDOWN(twins)
{
	each_twin(&self->t) {
		munmap(v->mem, REAL);
		for (int i = 0; i < SPACES; i++) {
			munmap(v->windows[i], DIRS * 2 * MIB);
			close(v->spaces[i]);
		}
		close(v->trap);
		close(v->vm);
	}
	close(self->dev);
}

/* An entry before an element changes it: where, and what it says; 0: nowhere. */
static __u64 find_entry(struct twins *t, const struct vmmu_install_op *op, __u64 *value)
{
	struct vmmu_step steps[5];
	struct vmmu_explain e;

	if (t->flags & VMMU_INSTALL_BY_RA) {
		if (op->va >= REAL)
			return 0;
		*value = load(single(t)->mem + (op->va & ~7ULL));
		return op->va;
	}
	CHECK(t, !_explain(single(t)->spaces[t->space], 0, READ, op->va, steps, 5,
			   &e));
	for (__u32 i = 0; i < e.done && !t->broken; i++) {
		if (steps[i].level != op->level)
			continue;
		*value = steps[i].value;
		return steps[i].ra;
	}
	return 0;
}

struct undo {
	__u64 ra, old;
};

/* By calls where these name the same entries still. */
static void put_back(struct twins *t, const struct undo *undo, unsigned int done)
{
	struct twin *v = single(t);

	while (done--) {
		struct vmmu_install_op op = t->ops[done];
		struct vmmu_install i;

		op.value = undo[done].old;
		if (t->stale)
			store(v->mem + undo[done].ra, op.value);
		else
			CHECK(t, !_install(v->spaces[t->space],
					   t->flags & VMMU_INSTALL_BY_RA, &op,
					   1, NULL, &i));
	}
}

/* The elements one by one, to the first that fails; what a batch would say of it. */
static int install_singly(struct twins *t, __u8 *outcomes, struct vmmu_install *all,
			  struct undo *undo)
{
	bool atomic = t->flags & VMMU_INSTALL_ATOMIC;
	struct twin *v = single(t);
	unsigned int k;
	int ret = 0;

	*all = (struct vmmu_install){ };
	for (k = 0; k < t->nr; k++) {
		struct vmmu_install i;

		if (atomic)
			undo[k].ra = find_entry(t, &t->ops[k], &undo[k].old);
		ret = _install(v->spaces[t->space], t->flags & ~VMMU_INSTALL_ATOMIC,
			       &t->ops[k], 1, &outcomes[k], &i);
		all->reason = i.reason;
		all->level = i.level;
		CHECK(t, i.done == !ret && i.index == !ret);
		CHECK(t, ret || !atomic || undo[k].ra);
		if (ret)
			break;
	}
	all->index = k;
	all->done = k;
	if (ret && atomic) {
		put_back(t, undo, k);
		all->done = 0;
	}
	t->elements += k;
	t->failed += !!ret;
	t->absent = ret == -ENXIO;
	return ret;
}

/*
 * Which frames may differ: 1 by the failed element and those behind it, 2 by what was put
 * back; and, 4, which ACCESSED and DIRTY flags.
 */
static void find_loose(struct twins *t, __u8 loose[PAGES], const struct undo *undo,
		       unsigned int index)
{
	bool atomic = t->flags & VMMU_INSTALL_ATOMIC;

	memset(loose, t->tangled ? 4 : 0, PAGES);
	for (unsigned int i = 0; i < t->nr; i++) {
		__u64 page = (t->ops[i].value & PTE_ADDRESS) / PAGE;

		if (page < PAGES && t->ops[i].value & PTE_A)
			loose[page] |= 4;
		if (page < PAGES && i >= index && t->ops[i].level == 1 &&
		    !t->ops[i].reserved &&
		    !(t->flags & (VMMU_INSTALL_ATOMIC | VMMU_INSTALL_STOP)))
			loose[page] |= 1;
		if (atomic && i < index && index < t->nr) {
			page = (undo[i].old & PTE_ADDRESS) / PAGE;
			if (page < PAGES)
				loose[page] |= 2 | 4;
		}
	}
	for (int i = LARGE; i < PAGES; i++)
		loose[i] |= 4;
	if (!atomic || index == t->nr || !t->traps)
		return;
	/* A table that is linked again, or is open, provides for all that it maps. */
	for (int i = 0; i < PAGES; i++)
		loose[i] |= 3;
	each_twin(t)
		for (int i = 0; i < SPACES; i++) {
			struct vmmu_translation a;

			CHECK(t, !_translate(v->spaces[i], 0, READ, 0, &a));
		}
}

static void run_batch(struct twins *t)
{
	static struct undo undo[MOST];
	static __u8 outcomes[2][MOST], loose[PAGES];
	struct vmmu_install i, all;
	bool told = dice(t, 2);
	int ret, was;

	memset(outcomes, POISON8, sizeof(outcomes));
	/* These serve others at addresses that the call is not told. */
	t->stale = t->tangled || t->space == WIDE || t->space == OTHER ||
		   (t->flags & VMMU_INSTALL_BY_RA && !(t->traps & BIT_ULL(MAIN)));
	CHECK(t, !_deliver(single(t)->spaces[MAIN], VMMU_TRAP_HYPERCALL,
			   told ? VMMU_DELIVER_NOTIFY : VMMU_DELIVER_NONE,
			   told ? single(t)->trap : -1));
	was = install_singly(t, outcomes[1], &all, undo);
	ret = _install(batcher(t)->spaces[t->space], t->flags, t->ops, t->nr,
		       outcomes[0], &i);
	CHECK(t, ret == was);
	CHECK(t, i.done == all.done && i.index == all.index);
	CHECK(t, i.reason == all.reason && i.level == all.level);
	CHECK(t, !memcmp(outcomes[0], outcomes[1], MOST));
	if (t->broken)
		printf("# %d at %u, reason %u at %u; singly %d at %u, reason %u at %u\n",
		       ret, i.index, i.reason, i.level, was, all.index, all.reason,
		       all.level);
	find_loose(t, loose, undo, all.index);
	check_pages(t, loose);
	t->batches++;
}

TEST_F(twins, same_state)
{
	struct twins *t = &self->t;
	unsigned int nr = rounds(BATCHES);

	for (unsigned int n = 0; n < nr; n++) {
		if (n % 10 == 0 || (t->absent && dice(t, 6))) {
			t->tangled = n / 10 % 2;
			build_tree(t);
		}
		if (!dice(t, 4))
			random_mode(t);
		if (dice(t, 2))
			random_frames(t);
		random_batch(t);
		run_batch(t);
		check_translations(t, t->space, dice(t, 3));
		check_translations(t, dice(t, SPACES), dice(t, 3));
		invalidate_lazy(t, t->stale ? ~0U : BIT_ULL(OTHER));
		check_audit(t);
		use_some(t);
		check_audit(t);
		ASSERT_EQ(0, t->broken) TH_LOG("batch %u", n);
	}
	printf("# %lu batches, %lu failed, %lu elements, %lu uses, %lu refused\n",
	       t->batches, t->failed, t->elements, t->uses, t->refused);
}

TEST_HARNESS_MAIN
