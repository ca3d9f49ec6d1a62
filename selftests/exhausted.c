// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out in the middle of every call that takes some: the state is
 * what the call says was done, and when there is memory again the same call
 * does the rest.
 */
#include "vmmu_debug.h"
#include "vmmu_exhaust.h"

static struct vmmu_translation results[NR];
static __u8 outcomes[NR];

static __u64 frames(void)
{
	struct vmmu_vm_info i;

	CHILD_CHECK(!_vm_info(x.g->vm, &i));
	return i.frames;
}

static void populate_verb(void)
{
	__u64 done, first = x.g->data, all = NR * PAGE;

	CHILD_CHECK(gives(ENOMEM, _range(x.g->vm, VMMU_IOC_POPULATE, first, all,
					 &done)));
	CHILD_CHECK(!(done % PAGE) && done < all);
	CHILD_CHECK(backed_up_to(done / PAGE));
	relieve();
	CHILD_CHECK(!_range(x.g->vm, VMMU_IOC_POPULATE, first, all, &done));
	CHILD_CHECK(done == all && backed_up_to(NR));
}

static void install_verb(void)
{
	struct vmmu_install i;
	int done;

	memset(outcomes, POISON8, sizeof(outcomes));
	CHILD_CHECK(gives(ENOMEM, _install(x.g->space, 0, ops, NR, outcomes,
					   &i)));
	done = i.done;
	CHILD_CHECK(done < NR && i.index == done && i.level == 1);
	CHILD_CHECK(i.reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(stored_up_to(done) && backed_up_to(done));
	CHILD_CHECK(!done || all_bytes(outcomes, VMMU_OUTCOME_PAGE, done));
	CHILD_CHECK(all_bytes(outcomes + done, POISON8, NR - done));
	relieve();
	CHILD_CHECK(!_install(x.g->space, 0, ops + done, NR - done,
			      outcomes + done, &i));
	CHILD_CHECK(i.done == NR - done);
	CHILD_CHECK(stored_up_to(NR) && backed_up_to(NR));
	CHILD_CHECK(all_bytes(outcomes, VMMU_OUTCOME_PAGE, NR));
}

/* Nothing is in force; the frames that came meanwhile may stay. */
static void atomic_verb(void)
{
	struct vmmu_install i;

	CHILD_CHECK(gives(ENOMEM, _install(x.g->space, VMMU_INSTALL_ATOMIC, ops,
					   NR, outcomes, &i)));
	CHILD_CHECK(!i.done && i.index < NR);
	CHILD_CHECK(stored_up_to(0) && backed_up_to(i.index));
	relieve();
	CHILD_CHECK(!_install(x.g->space, VMMU_INSTALL_ATOMIC, ops, NR,
			      outcomes, &i));
	CHILD_CHECK(i.done == NR && stored_up_to(NR) && backed_up_to(NR));
}

/* A large page brings all its frames, or is not stored. */
static void provide(__u32 flags)
{
	__u64 large = x.g->data | PTE_ALL | PTE_PS, *slot, done;
	struct vmmu_install_op two[2] = {
		ops[0], { .va = 0, .level = 2, .value = large },
	};
	bool atomic = flags & VMMU_INSTALL_ATOMIC;
	struct vmmu_install i;
	__u64 before;

	slot = guest_slot(x.g, 0, 2);
	*slot = 0;
	flags |= VMMU_INSTALL_PROVIDE;
	CHILD_CHECK(gives(ENOMEM, _install(x.g->space, flags, two, 2, outcomes,
					   &i)));
	CHILD_CHECK(i.index <= 1 && i.done == (atomic ? 0 : i.index));
	/* What is to be put back needs memory, too; that fails without reason. */
	if (!atomic || i.index || i.reason)
		CHILD_CHECK(i.reason == VMMU_REASON_NOFRAME &&
			    i.level == i.index + 1);
	CHILD_CHECK(!*slot && stored_up_to(i.done));
	relieve();
	before = frames();
	CHILD_CHECK(!_install(x.g->space, flags, two, 2, outcomes, &i));
	CHILD_CHECK(i.done == 2 && *slot == large && backed_up_to(NR));
	CHILD_CHECK(frames() > before);
	/* The rest of its frames does not belong to the other verbs. */
	CHILD_CHECK(!_range(x.g->vm, VMMU_IOC_DISCARD, x.g->data, 2 * MIB,
			    &done));
	*slot = 0;
}

static void provide_verb(void)
{
	provide(0);
}

static void provide_atomic_verb(void)
{
	provide(VMMU_INSTALL_ATOMIC);
}

static void map_all(void)
{
	int i;

	for (i = 0; i < NR; i++)
		guest_map(x.g, AT + i * PAGE, 1, ops[i].value);
}

static void translate_verb(void)
{
	__u32 done, rest, i;

	memset(results, POISON8, sizeof(results));
	map_all();
	CHILD_CHECK(gives(ENOMEM, _translate_many(x.g->space, PROVIDE, WRITE,
						  NULL, AT, NR, results,
						  &done)));
	CHILD_CHECK(done < NR && backed_up_to(done));
	CHILD_CHECK(results[done].reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(all_bytes(results + done + 1, POISON8,
			      (NR - done - 1) * sizeof(*results)));
	relieve();
	CHILD_CHECK(!_translate_many(x.g->space, PROVIDE, WRITE, NULL,
				     AT + done * PAGE, NR - done,
				     results + done, &rest));
	CHILD_CHECK(done + rest == NR && backed_up_to(NR));
	for (i = 0; i < NR; i++)
		CHILD_CHECK(results[i].reason == VMMU_REASON_NONE &&
			    results[i].ra == x.g->data + i * PAGE);
}

static void explain_verb(void)
{
	struct vmmu_step steps[5];
	struct vmmu_explain e;
	int i, ret;

	map_all();
	for (i = 0, ret = 0; i < NR && !ret; i += !ret)
		ret = _explain(x.g->space, PROVIDE, READ, AT + i * PAGE, steps,
			       5, &e);
	CHILD_CHECK(gives(ENOMEM, ret) && i < NR);
	CHILD_CHECK(!e.done && e.result.reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(backed_up_to(i));
	relieve();
	for (; i < NR; i++)
		CHILD_CHECK(!_explain(x.g->space, PROVIDE, READ, AT + i * PAGE,
				      steps, 5, &e));
	CHILD_CHECK(backed_up_to(NR));
}

/* Part of a page comes only with all of its frame. */
static void memory_verb(void)
{
	struct vmmu_memory m;
	__u64 all = NR * PAGE, done;

	map_all();
	CHILD_CHECK(gives(ENOMEM, _memory(x.g->space, VMMU_IOC_WRITE, 0, AT + 8,
					  bytes, all - 16, &m)));
	done = m.done;
	CHILD_CHECK(done < all - 16 && (!done || (done + 8) % PAGE == 0));
	CHILD_CHECK(m.result.reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(backed_up_to((done + 8) / PAGE));
	relieve();
	CHILD_CHECK(!_memory(x.g->space, VMMU_IOC_WRITE, 0, AT + 8 + done,
			     bytes + done, all - 16 - done, &m));
	CHILD_CHECK(m.done == all - 16 - done && backed_up_to(NR));
	CHILD_CHECK(all_bytes(x.g->mem + x.g->data + 8, 0x5a, all - 16));
}

static void cmpxchg_verb(void)
{
	struct vmmu_cmpxchg c;
	int i, ret;

	map_all();
	for (i = 0, ret = 0; i < NR && !ret; i += !ret)
		ret = _cmpxchg(x.g->space, 0, AT + i * PAGE, 8, 0, i + 1, &c);
	CHILD_CHECK(gives(ENOMEM, ret) && i < NR);
	CHILD_CHECK(c.result.reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(backed_up_to(i));
	relieve();
	for (; i < NR; i++)
		CHILD_CHECK(!_cmpxchg(x.g->space, 0, AT + i * PAGE, 8, 0, i + 1,
				      &c) && c.swapped);
	CHILD_CHECK(backed_up_to(NR));
	for (i = 0; i < NR; i++)
		CHILD_CHECK(*(__u64 *)(x.g->mem + x.g->data + i * PAGE) ==
			    i + 1);
}

/* Spaces and VMs cost the cgroup, not the user. */
static void space_verb(void)
{
	struct vmmu_space_create c;
	struct vmmu_vm_info i;
	int ret = 0, nr, made[MOST_FILES], most = x.m ? MOST_FILES : 10;

	for (nr = 0; nr < most && !ret; nr += !ret) {
		ret = _space_create(x.g->vm, FORMAT4, 0, MODE(0), &c);
		made[nr] = c.fd;
	}
	if (x.m) {
		CHILD_CHECK(gives(ENOMEM, ret));
		CHILD_CHECK(!_vm_info(x.g->vm, &i) && i.nr_spaces == nr + 1);
		CHILD_CHECK((__u32)c.fd == POISON32 && c.id == POISON64);
		relieve();
		CHILD_CHECK(!_space_create(x.g->vm, FORMAT4, 0, MODE(0), &c));
		close(c.fd);
	}
	while (nr--)
		close(made[nr]);
}

static void vm_verb(void)
{
	struct vmmu_vm_create c;
	int ret = 0, nr, made[MOST_FILES], most = x.m ? MOST_FILES : 10;

	for (nr = 0; nr < most && !ret; nr += !ret) {
		ret = _vm_create(x.g->dev, REAL, &c);
		made[nr] = c.fd;
	}
	if (x.m) {
		CHILD_CHECK(gives(ENOMEM, ret));
		CHILD_CHECK((__u32)c.fd == POISON32 && c.id == POISON64);
		relieve();
		CHILD_CHECK(!_vm_create(x.g->dev, REAL, &c));
		close(c.fd);
	}
	while (nr--)
		close(made[nr]);
}

TEST_F(exhausted, populate)
{
	short_of_memory(populate_verb);
}

TEST_F(exhausted, install)
{
	short_of_memory(install_verb);
}

TEST_F(exhausted, atomic)
{
	short_of_memory(atomic_verb);
}

TEST_F(exhausted, provide)
{
	short_of_memory(provide_verb);
}

TEST_F(exhausted, provide_atomic)
{
	short_of_memory(provide_atomic_verb);
}

TEST_F(exhausted, translate)
{
	short_of_memory(translate_verb);
}

TEST_F(exhausted, explain)
{
	short_of_memory(explain_verb);
}

TEST_F(exhausted, memory)
{
	short_of_memory(memory_verb);
}

TEST_F(exhausted, cmpxchg)
{
	short_of_memory(cmpxchg_verb);
}

TEST_F(exhausted, space)
{
	short_of_memory(space_verb);
}

TEST_F(exhausted, vm)
{
	short_of_memory(vm_verb);
}

TEST_HARNESS_MAIN
