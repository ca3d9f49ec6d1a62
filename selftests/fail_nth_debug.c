// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of debuggers, failed at each of their points: see fail_nth.h.
 */
#include "fail_nth.h"
#include "vmmu_debug.h"

#define MEMORY_BYTES	(6 * PAGE)	/* from the last backed pages on */
#define MEMORY_FIRST	(BACKED - 2)

static struct {
	struct vmmu_memory memory;
	struct vmmu_cmpxchg cmpxchg;
	struct vmmu_mappers mappers;
	struct vmmu_mapper found[4];
	unsigned char buffer[MEMORY_BYTES];
	__u64 ra;
} told;

/* Where virtual page @i is mapped. */
static unsigned char *page_at(struct scene *s, unsigned int i)
{
	return s->g.mem + s->g.data + (i ^ 1) * PAGE;
}

static int do_memory(struct scene *s, unsigned long cmd)
{
	return _memory(s->g.space, cmd, 0, MEMORY_FIRST * PAGE, told.buffer,
		       MEMORY_BYTES, &told.memory);
}

static int do_read(struct scene *s)
{
	memset(told.buffer, POISON8, MEMORY_BYTES);
	return do_memory(s, VMMU_IOC_READ);
}

static const char *settle_read(struct scene *s, int ret)
{
	__u64 done = told.memory.done;

	if (done == POISON64)
		return ret == -EFAULT ? NULL : "done was not written";
	if (done > MEMORY_BYTES || (!ret && done != MEMORY_BYTES))
		return "done is not what was asked for";
	if (done && memcmp(told.buffer, page_at(s, MEMORY_FIRST), 64))
		return "other contents";
	if (done < MEMORY_BYTES &&
	    !all_bytes(told.buffer + done, POISON8, MEMORY_BYTES - done))
		return "more was written than done tells";
	return NULL;
}

static int do_write(struct scene *s)
{
	memset(told.buffer, 'w', MEMORY_BYTES);
	return do_memory(s, VMMU_IOC_WRITE);
}

/* Pages are written as far as done tells, and no page further. */
static const char *judge_write(struct scene *s, const struct state *was,
			       const struct state *now, __u64 done)
{
	__u64 ra = s->g.data + MEMORY_FIRST * PAGE, i;

	for (i = 0; i < MEMORY_BYTES / PAGE; i++) {
		__u64 at = s->g.data + ((MEMORY_FIRST + i) ^ 1) * PAGE;
		unsigned char *page = s->g.mem + at;

		if (!frames_within(now, at, PAGE)) {
			if (i < done / PAGE)
				return "a page that was written has no frame";
		} else if (all_bytes(page, 'w', PAGE) != (i < done / PAGE)) {
			return "done is not what was written";
		}
	}
	if (was->vm.sequence != now->vm.sequence)
		return "sequence differs";
	return rest_differs(was, now) ?:
	       real_differs(was, now, ra, MEMORY_BYTES, 0);
}

static const char *worked_write(struct scene *s, const struct state *was,
				const struct state *now)
{
	return judge_write(s, was, now, told.memory.done);
}

static const char *failed_write(struct scene *s, int ret,
				const struct state *was,
				const struct state *now)
{
	__u64 done = told.memory.done;

	if (done == POISON64)	/* all of it, or nothing */
		done = *page_at(s, MEMORY_FIRST) == 'w' ? MEMORY_BYTES : 0;
	else if (ret == -ENOMEM &&
		 told.memory.result.reason != VMMU_REASON_NOFRAME)
		return "the result does not say NOFRAME";
	return judge_write(s, was, now, done);
}

FIXTURE_VARIANT_ADD(fail_nth, READ)
{
	.run = do_read, .settle = settle_read, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, WRITE)
{
	.run = do_write, .worked = worked_write, .failed = failed_write,
};

/* Of a page that has no frame yet. */
static int do_cmpxchg(struct scene *s)
{
	return _cmpxchg(s->g.space, 0, BACKED * PAGE, 8, 0, 42, &told.cmpxchg);
}

static const char *judge_cmpxchg(struct scene *s, const struct state *was,
				 const struct state *now, bool swapped)
{
	__u64 ra = s->g.data + (BACKED ^ 1) * PAGE;
	__u64 value = frames_within(now, ra, PAGE) ?
		      *(__u64 *)page_at(s, BACKED) : 0;

	if (value != (swapped ? 42 : 0))
		return "the value is not as the answer tells";
	return rest_differs(was, now) ?: real_differs(was, now, ra, PAGE, 0);
}

static const char *worked_cmpxchg(struct scene *s, const struct state *was,
				  const struct state *now)
{
	if (told.cmpxchg.swapped != 1 || told.cmpxchg.seen)
		return "not swapped";
	return judge_cmpxchg(s, was, now, true);
}

static const char *failed_cmpxchg(struct scene *s, int ret,
				  const struct state *was,
				  const struct state *now)
{
	bool backed = frames_within(now, s->g.data + (BACKED ^ 1) * PAGE, PAGE);

	if (ret == -ENOMEM)
		return told.cmpxchg.result.reason == VMMU_REASON_NOFRAME ?
		       differs(was, now) : "the result does not say NOFRAME";
	/* It is the answer that got lost, or else nothing was done. */
	return judge_cmpxchg(s, was, now, backed);
}

FIXTURE_VARIANT_ADD(fail_nth, CMPXCHG)
{
	.run = do_cmpxchg, .worked = worked_cmpxchg, .failed = failed_cmpxchg,
};

/* The frame that is asked for. */
static const char *prepare_frame(struct scene *s)
{
	struct vmmu_real_map_entry e = {};
	struct vmmu_real_map m;

	s->at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->at == MAP_FAILED ||
	    _real_map(s->g.vm, s->g.data, s->g.data, 1, &e, &m) || !e.frame)
		return "no frame";
	*(__u64 *)s->at = e.frame;
	return NULL;
}

static int do_real_of_frame(struct scene *s)
{
	return _real_of_frame(s->g.vm, *(__u64 *)s->at, &told.ra);
}

static const char *settle_real_of_frame(struct scene *s, int ret)
{
	return told.ra == (ret ? POISON64 : s->g.data) ? NULL :
							 "a wrong real page";
}

FIXTURE_VARIANT_ADD(fail_nth, REAL_OF_FRAME)
{
	.run = do_real_of_frame, .prepare = prepare_frame,
	.settle = settle_real_of_frame, .errnos = { EFAULT },
};

static int do_mappers(struct scene *s)
{
	memset(told.found, POISON8, sizeof(told.found));
	return _mappers(s->g.vm, s->g.data, 0, 0, ARRAY_SIZE(told.found),
			told.found, &told.mappers);
}

static const char *settle_mappers(struct scene *s, int ret)
{
	__u32 done = told.mappers.done;

	if (done == POISON32)
		return ret == -EFAULT ? NULL : "done was not written";
	if (done > 1 || (!ret && (done != 1 || told.mappers.more)))
		return "not the one that there is";
	if (done && told.found[0].va != PAGE)
		return "a wrong address";
	return all_bytes(told.found + done, POISON8,
			 sizeof(*told.found) * (4 - done)) ?
	       NULL : "more was written than done tells";
}

FIXTURE_VARIANT_ADD(fail_nth, MAPPERS)
{
	.run = do_mappers, .settle = settle_mappers, .errnos = { EFAULT },
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
