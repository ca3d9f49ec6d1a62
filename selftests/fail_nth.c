// SPDX-License-Identifier: GPL-2.0
/*
 * Each call on the three files, failed at each of its points: see fail_nth.h.
 */
#include "fail_nth.h"

/* Answers of the calls, and what a run told. */
static struct {
	struct vmmu_vm_create vm;
	struct vmmu_space_create space;
	struct vmmu_range range;
	struct vmmu_real_map map;
	struct vmmu_mappings mappings;
	struct vmmu_real_map_entry entries[ENTRIES_MAX];
	struct vmmu_mapping runs[PAGES + 60];
} told;

static int do_info_device(struct scene *s)
{
	struct vmmu_info i;

	return _info(s->g.dev, &i);
}

static int do_info_vm(struct scene *s)
{
	struct vmmu_info i;

	return _info(s->g.vm, &i);
}

static int do_info_space(struct scene *s)
{
	struct vmmu_info i;

	return _info(s->g.space, &i);
}

FIXTURE_VARIANT_ADD(fail_nth, INFO_device)
{
	.run = do_info_device,
};

FIXTURE_VARIANT_ADD(fail_nth, INFO_vm)
{
	.run = do_info_vm,
};

FIXTURE_VARIANT_ADD(fail_nth, INFO_space)
{
	.run = do_info_space,
};

static int do_vm_create(struct scene *s)
{
	return _vm_create(s->g.dev, REAL, &told.vm);
}

static const char *settle_vm_create(struct scene *s, int ret)
{
	struct vmmu_vm_info i;

	if (ret)
		return told.vm.fd == POISON32 ? NULL : "a descriptor came back";
	if (_vm_info(told.vm.fd, &i) || i.id != told.vm.id)
		return "the VM does not answer";
	return close(told.vm.fd) ? "no descriptor came back" : NULL;
}

static int do_space_create(struct scene *s)
{
	return _space_create(s->g.vm, FORMAT5, s->g.root, MODE(0), &told.space);
}

static const char *settle_space_create(struct scene *s, int ret)
{
	struct vmmu_space_info i;

	if (ret)
		return told.space.fd == POISON32 ? NULL :
						   "a descriptor came back";
	if (_space_info(told.space.fd, &i) || i.id != told.space.id)
		return "the space does not answer";
	return close(told.space.fd) ? "no descriptor came back" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, VM_CREATE)
{
	.run = do_vm_create, .settle = settle_vm_create,
};

FIXTURE_VARIANT_ADD(fail_nth, SPACE_CREATE)
{
	.run = do_space_create, .settle = settle_space_create,
};

static int do_vm_info(struct scene *s)
{
	struct vmmu_vm_info i;

	return _vm_info(s->g.vm, &i);
}

static int do_space_info(struct scene *s)
{
	struct vmmu_space_info i;

	return _space_info(s->g.space, &i);
}

FIXTURE_VARIANT_ADD(fail_nth, VM_INFO)
{
	.run = do_vm_info, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, SPACE_INFO)
{
	.run = do_space_info, .errnos = { EFAULT },
};

static int do_set_root(struct scene *s)
{
	return _set_root(s->g.space, s->g.data);
}

static const char *worked_set_root(struct scene *s, const struct state *was,
				   const struct state *now)
{
	return now->space.root == s->g.data ? real_differs(was, now, 0, 0, 0) :
					      "another root";
}

static int do_set_mode(struct scene *s)
{
	return _set_mode(s->g.space, VMMU_MODE_WP, 0, 40);
}

static const char *worked_set_mode(struct scene *s, const struct state *was,
				   const struct state *now)
{
	if (now->space.mode.bits != VMMU_MODE_WP ||
	    now->space.mode.maxphyaddr != 40)
		return "another mode";
	return real_differs(was, now, 0, 0, 0);
}

FIXTURE_VARIANT_ADD(fail_nth, SET_ROOT)
{
	.run = do_set_root, .worked = worked_set_root, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, SET_MODE)
{
	.run = do_set_mode, .worked = worked_set_mode, .errnos = { EFAULT },
};

/* Pages done by a call whose structure may not have come back: then 0 or @all. */
static __u64 pages_done(__u64 done, const struct state *now, __u64 ra,
			unsigned int all, bool gives)
{
	if (done != POISON64)
		return done / PAGE;
	return (frames_within(now, ra, all * PAGE) == all) == gives ? all : 0;
}

static int do_range(struct scene *s, unsigned long cmd, __u64 ra,
		    unsigned int nr_pages)
{
	told.range = (struct vmmu_range){
		.size = sizeof(told.range),
		.ra = ra,
		.bytes = nr_pages * PAGE,
		.done = POISON64,
	};
	return call(s->g.vm, cmd, &told.range);
}

#define POPULATED	6

static int do_populate(struct scene *s)
{
	return do_range(s, VMMU_IOC_POPULATE, FRESH, POPULATED);
}

static const char *judge_populate(struct scene *s, const struct state *was,
				  const struct state *now)
{
	__u64 done = pages_done(told.range.done, now, FRESH, POPULATED, true);

	if (done > POPULATED || frames_within(now, FRESH, done * PAGE) != done)
		return "done counts pages that have no frame";
	if (frames_within(now, FRESH, GIB) != done)
		return "more was done than done tells";
	if (was->vm.sequence != now->vm.sequence)
		return "sequence differs";
	return rest_differs(was, now) ?:
	       real_differs(was, now, FRESH, done * PAGE, 0);
}

static const char *worked_populate(struct scene *s, const struct state *was,
				   const struct state *now)
{
	return told.range.done == POPULATED * PAGE ?
	       judge_populate(s, was, now) : "not all was done";
}

static const char *failed_populate(struct scene *s, int ret,
				   const struct state *was,
				   const struct state *now)
{
	if ((ret == -ENOMEM) != (told.range.done < POPULATED * PAGE))
		return "done does not go with the errno";
	return judge_populate(s, was, now);
}

FIXTURE_VARIANT_ADD(fail_nth, POPULATE)
{
	.run = do_populate, .worked = worked_populate,
	.failed = failed_populate,
};

#define DISCARD_FIRST	4
#define DISCARDED	10

static int do_discard(struct scene *s)
{
	return do_range(s, VMMU_IOC_DISCARD, s->g.data + DISCARD_FIRST * PAGE,
			DISCARDED);
}

static const char *judge_discard(struct scene *s, const struct state *was,
				 const struct state *now)
{
	__u64 ra = s->g.data + DISCARD_FIRST * PAGE;
	__u64 done = pages_done(told.range.done, now, ra, DISCARDED, false);

	if (frames_within(now, ra, DISCARDED * PAGE) != DISCARDED - done)
		return "done is not what was discarded";
	if (now->vm.sequence - was->vm.sequence != done)
		return "sequence has not moved with each frame";
	return rest_differs(was, now) ?:
	       real_differs(was, now, ra, done * PAGE, 0);
}

static const char *worked_discard(struct scene *s, const struct state *was,
				  const struct state *now)
{
	return told.range.done == DISCARDED * PAGE ?
	       judge_discard(s, was, now) : "not all was done";
}

static const char *failed_discard(struct scene *s, int ret,
				  const struct state *was,
				  const struct state *now)
{
	return judge_discard(s, was, now);
}

FIXTURE_VARIANT_ADD(fail_nth, DISCARD)
{
	.run = do_discard, .worked = worked_discard, .failed = failed_discard,
	.errnos = { EFAULT },
};

/* Of an array's elements those are written that done counts; poison follows. */
static const char *array_wrong(const void *array, size_t bytes, __u32 done,
			       __u32 capacity)
{
	const unsigned char *at = array;

	if (done > capacity)
		return "done is too large";
	if (done < capacity &&
	    !all_bytes(at + done * bytes, POISON8, (capacity - done) * bytes))
		return "more was written than done tells";
	return done && all_bytes(at, POISON8, done * bytes) ?
	       "done counts what was not written" : NULL;
}

static int do_real_map(struct scene *s)
{
	memset(told.entries, POISON8, sizeof(told.entries));
	return _real_map(s->g.vm, 0, ~0ULL, ENTRIES_MAX, told.entries,
			 &told.map);
}

static const char *settle_real_map(struct scene *s, int ret)
{
	if (told.map.done == POISON32)	/* nothing came back */
		return ret == -EFAULT ? NULL : "done was not written";
	if (!ret && (told.map.ra != REAL || told.map.done <= BACKED))
		return "not the whole table";
	if (ret && told.map.done && told.map.ra !=
	    told.entries[told.map.done - 1].ra + PAGE)
		return "not where to go on";
	return array_wrong(told.entries, sizeof(*told.entries), told.map.done,
			   ENTRIES_MAX);
}

static int do_mappings(struct scene *s)
{
	memset(told.runs, POISON8, sizeof(told.runs));
	return _mappings(s->g.space, 0, ~0ULL, ARRAY_SIZE(told.runs), told.runs,
			 &told.mappings);
}

static const char *settle_mappings(struct scene *s, int ret)
{
	if (told.mappings.done == POISON32)
		return ret == -EFAULT ? NULL : "done was not written";
	if (!ret && (told.mappings.more || told.mappings.done != PAGES))
		return "not all mappings";
	if (ret && told.mappings.va != told.mappings.done * PAGE)
		return "not where to go on";
	return array_wrong(told.runs, sizeof(*told.runs), told.mappings.done,
			   ARRAY_SIZE(told.runs));
}

FIXTURE_VARIANT_ADD(fail_nth, REAL_MAP)
{
	.run = do_real_map, .settle = settle_real_map, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, MAPPINGS)
{
	.run = do_mappings, .settle = settle_mappings, .errnos = { EFAULT },
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
