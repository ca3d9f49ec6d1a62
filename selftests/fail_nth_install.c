// SPDX-License-Identifier: GPL-2.0
/*
 * Installs, failed at each of their points: see fail_nth.h. The batch is longer
 * than what the module handles at a time; several of its elements need a frame.
 */
#include "fail_nth.h"

#define BATCH		40
#define FRESH_EVERY	7	/* of a batch's elements one needs a frame */
#define FRESH_FIRST	3
#define INSTALL_VA	(64 * PAGE)
#define LARGE_PAGES	4	/* of the 2 MiB page at TAIL, in real memory */

static struct {
	struct vmmu_install install;
	struct vmmu_install_op ops[BATCH];
	__u8 outcomes[BATCH];
} told;

/* The entry that element @i stores; the guest's memory, as it is now. */
static __u64 *entry_of(struct scene *s, unsigned int i)
{
	struct vmmu_install_op *op = &told.ops[i];
	__u64 table = s->table;

	if (op->level == 2)
		table = *guest_slot(&s->g, op->va, 3) & PTE_ADDRESS;
	return guest_entry(&s->g, table, index_at(op->va, op->level));
}

static bool needs_frame(unsigned int i)
{
	return i % FRESH_EVERY == FRESH_FIRST;
}

/* Element 0 replaces a mapping, the others are new ones. */
static const char *prepare_install(struct scene *s)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		__u64 ra = needs_frame(i) ? FRESH : s->g.data;

		told.ops[i] = (struct vmmu_install_op){
			.va = INSTALL_VA + i * PAGE,
			.value = (ra + i % BACKED * PAGE) | PTE_ALL,
			.level = 1,
		};
	}
	*entry_of(s, 0) = s->g.data | PTE_P;
	return NULL;
}

/* The last element maps a large page. */
static const char *prepare_provide(struct scene *s)
{
	prepare_install(s);
	told.ops[BATCH - 1] = (struct vmmu_install_op){
		.va = GIB, .level = 2, .value = TAIL | PTE_PS | PTE_ALL,
	};
	return NULL;
}

static int do_install_with(struct scene *s, __u32 flags)
{
	memset(told.outcomes, POISON8, sizeof(told.outcomes));
	return _install(s->g.space, flags, told.ops, BATCH, told.outcomes,
			&told.install);
}

static int do_install(struct scene *s)
{
	return do_install_with(s, 0);
}

static int do_install_stop(struct scene *s)
{
	return do_install_with(s, VMMU_INSTALL_STOP);
}

static int do_install_atomic(struct scene *s)
{
	return do_install_with(s, VMMU_INSTALL_ATOMIC);
}

static int do_install_provide(struct scene *s)
{
	return do_install_with(s, VMMU_INSTALL_PROVIDE);
}

static int do_install_all(struct scene *s)
{
	return do_install_with(s, VMMU_INSTALL_ATOMIC | VMMU_INSTALL_STOP |
				  VMMU_INSTALL_PROVIDE);
}

/* Assert by text that elements below @done are in force, the others not. */
static const char *entries_wrong(struct scene *s, __u32 done,
				 const struct state *now)
{
	__u32 i;

	for (i = 0; i < BATCH; i++) {
		const struct vmmu_install_op *op = &told.ops[i];
		__u64 old = i ? 0 : s->g.data | PTE_P;

		if (*entry_of(s, i) != (i < done ? op->value : old))
			return i < done ? "an element is not in force" :
					  "an element is in force";
		if (i < done && needs_frame(i) && op->level == 1 &&
		    !frames_within(now, op->value & PTE_ADDRESS, PAGE))
			return "a mapped page has no frame";
	}
	return NULL;
}

/* Frames may be more, even those of elements that are not in force. */
static const char *judge_install(struct scene *s, __u32 done,
				 const struct state *was,
				 const struct state *now)
{
	const char *wrong = entries_wrong(s, done, now);

	if (wrong)
		return wrong;
	if (done && now->vm.sequence != was->vm.sequence + 1)
		return "sequence has not moved with the changed entry";
	if (memcmp(was->translated, now->translated,
		   PAGES * sizeof(*was->translated)))
		return "translations differ";
	if (frames_within(now, TAIL, LARGE_PAGES * PAGE) &&
	    told.ops[BATCH - 1].level == 1)
		return "a frame has come";
	return rest_differs(was, now) ?:
	       real_differs(was, now, FRESH, REAL - FRESH, s->g.next);
}

static const char *worked_install(struct scene *s, const struct state *was,
				  const struct state *now)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (told.outcomes[i] != VMMU_OUTCOME_PAGE)
			return "an outcome is missing";
	if (told.install.done != BATCH || told.install.index != BATCH ||
	    told.install.reason)
		return "not all is told to be done";
	return judge_install(s, BATCH, was, now);
}

static const char *worked_provide(struct scene *s, const struct state *was,
				  const struct state *now)
{
	if (frames_within(now, TAIL, LARGE_PAGES * PAGE) != LARGE_PAGES)
		return "the large page lacks a frame";
	return worked_install(s, was, now);
}

/* Of a structure that did not come back: all or nothing. */
static __u32 done_untold(struct scene *s)
{
	return *entry_of(s, 0) == told.ops[0].value ? BATCH : 0;
}

static const char *failed_install(struct scene *s, int ret,
				  const struct state *was,
				  const struct state *now)
{
	const struct vmmu_install *i = &told.install;

	if (i->done == POISON32)
		return ret == -EFAULT ?
		       judge_install(s, done_untold(s), was, now) :
		       "done was not written";
	if (i->index != i->done)
		return "index is not behind done";
	if (i->reason != (ret == -ENOMEM ? VMMU_REASON_NOFRAME : 0))
		return "the reason does not go with the errno";
	return judge_install(s, i->done, was, now);
}

static const char *failed_atomic(struct scene *s, int ret,
				 const struct state *was,
				 const struct state *now)
{
	const struct vmmu_install *i = &told.install;
	__u64 moved = now->vm.sequence - was->vm.sequence;

	if (i->done == POISON32)
		return failed_install(s, ret, was, now);
	if (i->done)
		return "done tells of elements that were put back";
	if (i->reason == VMMU_REASON_NOFRAME && ret != -ENOMEM)
		return "the reason does not go with the errno";
	/* Once for the changed entry, and once for each that was put back. */
	if (moved != (i->index ? i->index + 1 : 0))
		return "sequence has not moved with the changes";
	return judge_install(s, 0, was, now);
}

FIXTURE_VARIANT_ADD(fail_nth, INSTALL)
{
	.run = do_install, .prepare = prepare_install, .worked = worked_install,
	.failed = failed_install,
};

FIXTURE_VARIANT_ADD(fail_nth, INSTALL_stop)
{
	.run = do_install_stop, .prepare = prepare_install,
	.worked = worked_install, .failed = failed_install,
};

FIXTURE_VARIANT_ADD(fail_nth, INSTALL_atomic)
{
	.run = do_install_atomic, .prepare = prepare_install,
	.worked = worked_install, .failed = failed_atomic,
};

FIXTURE_VARIANT_ADD(fail_nth, INSTALL_provide)
{
	.run = do_install_provide, .prepare = prepare_provide,
	.worked = worked_provide, .failed = failed_install,
};

FIXTURE_VARIANT_ADD(fail_nth, INSTALL_all_flags)
{
	.run = do_install_all, .prepare = prepare_provide,
	.worked = worked_provide, .failed = failed_atomic,
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
