// SPDX-License-Identifier: GPL-2.0
/*
 * Translations, failed at each of their points: see fail_nth.h. The array is
 * longer than what the module handles at a time; some of its pages have no frame.
 */
#include "fail_nth.h"

static struct {
	struct vmmu_explain explain;
	struct vmmu_step steps[8];
	struct vmmu_translation results[PAGES];
	__u32 done;
} told;

/* Addresses one after the other, of which the last few have no frame. */
static int do_translate_array(struct scene *s, __u32 flags, __u32 access)
{
	__u64 vas[PAGES];
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		vas[i] = i * PAGE;
	memset(told.results, POISON8, sizeof(told.results));
	return _translate_many(s->g.space, flags, access, vas, 0, PAGES,
			       told.results, &told.done);
}

static int do_translate(struct scene *s)
{
	return do_translate_array(s, USER, READ);
}

static int do_translate_provide(struct scene *s)
{
	return do_translate_array(s, PROVIDE, WRITE);
}

static int do_translate_mark(struct scene *s)
{
	return do_translate_array(s, SET_AD, WRITE);
}

static int do_translate_one(struct scene *s)
{
	told.done = POISON32;
	return _translate(s->g.space, PROVIDE, READ, BACKED * PAGE,
			  told.results);
}

/* Answers are written as far as done tells, and they are right. */
static const char *answers_wrong(struct scene *s, int ret)
{
	__u32 i, done = told.done == POISON32 ? 0 : told.done;

	for (i = 0; i < done; i++)
		if (told.results[i].ra != s->g.data + (i ^ 1) * PAGE ||
		    !(told.results[i].flags & VMMU_TRANSLATED))
			return "a wrong answer";
	if (ret == -ENOMEM && told.results[done].reason != VMMU_REASON_NOFRAME)
		return "no answer says NOFRAME";
	return !ret && done != PAGES ? "not all was answered" : NULL;
}

static const char *settle_translate(struct scene *s, int ret)
{
	return answers_wrong(s, ret);
}

/* Frames come with the answers; those of one stage may be ahead of them. */
static const char *judge_provide(struct scene *s, const struct state *was,
				 const struct state *now, __u32 done)
{
	__u64 ra = s->g.data + BACKED * PAGE, bytes = (PAGES - BACKED) * PAGE;
	__u32 i;

	for (i = BACKED; i < done; i++)
		if (!frames_within(now, s->g.data + (i ^ 1) * PAGE, PAGE))
			return "an answered page has no frame";
	if (was->vm.sequence != now->vm.sequence)
		return "sequence differs";
	return rest_differs(was, now) ?:
	       real_differs(was, now, ra, bytes, 0);
}

static const char *worked_provide_all(struct scene *s, const struct state *was,
				      const struct state *now)
{
	return judge_provide(s, was, now, PAGES);
}

static const char *failed_provide(struct scene *s, int ret,
				  const struct state *was,
				  const struct state *now)
{
	return judge_provide(s, was, now,
			     told.done == POISON32 ? 0 : told.done);
}

/* Just the page asked for; a structure that did not come back tells nothing. */
static const char *judge_one(struct scene *s, const struct state *was,
			     const struct state *now, bool backed)
{
	__u64 ra = s->g.data + (BACKED ^ 1) * PAGE;

	if (backed && !frames_within(now, ra, PAGE))
		return "an answered page has no frame";
	return rest_differs(was, now) ?:
	       real_differs(was, now, ra, PAGE, 0);
}

static const char *worked_one(struct scene *s, const struct state *was,
			      const struct state *now)
{
	return judge_one(s, was, now, true);
}

static const char *failed_one(struct scene *s, int ret,
			      const struct state *was, const struct state *now)
{
	if (ret == -ENOMEM)
		return told.results[0].reason == VMMU_REASON_NOFRAME ?
		       differs(was, now) : "no answer says NOFRAME";
	return judge_one(s, was, now, false);
}

/* A and D are set in the table, and nothing else is. */
static const char *judge_mark(struct scene *s, const struct state *was,
			      const struct state *now, __u32 done)
{
	const __u64 marks = PTE_A | PTE_D;
	__u32 i;

	for (i = 0; i < PAGES; i++) {
		__u64 entry = *guest_entry(&s->g, s->table, i);

		if ((entry & ~marks) != ((s->g.data + (i ^ 1) * PAGE) | PTE_ALL))
			return "an entry differs";
		if (i < done && (entry & marks) != marks)
			return "an answered page lacks A or D";
	}
	return now->vm.frames == was->vm.frames ? miscounts(was, now) :
						  "frames differ";
}

static const char *worked_mark(struct scene *s, const struct state *was,
			       const struct state *now)
{
	return judge_mark(s, was, now, PAGES);
}

static const char *failed_mark(struct scene *s, int ret,
			       const struct state *was,
			       const struct state *now)
{
	return judge_mark(s, was, now, told.done == POISON32 ? 0 : told.done);
}

FIXTURE_VARIANT_ADD(fail_nth, TRANSLATE)
{
	.run = do_translate, .settle = settle_translate, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, TRANSLATE_provide)
{
	.run = do_translate_provide, .settle = settle_translate,
	.worked = worked_provide_all, .failed = failed_provide,
};

FIXTURE_VARIANT_ADD(fail_nth, TRANSLATE_set_ad)
{
	.run = do_translate_mark, .settle = settle_translate,
	.worked = worked_mark, .failed = failed_mark, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, TRANSLATE_one)
{
	.run = do_translate_one, .worked = worked_one, .failed = failed_one,
};

static int do_explain_with(struct scene *s, __u32 flags, __u64 va)
{
	memset(told.steps, POISON8, sizeof(told.steps));
	return _explain(s->g.space, flags, READ, va, told.steps,
			ARRAY_SIZE(told.steps), &told.explain);
}

static int do_explain(struct scene *s)
{
	return do_explain_with(s, 0, 0);
}

static int do_explain_provide(struct scene *s)
{
	return do_explain_with(s, PROVIDE, BACKED * PAGE);
}

static const char *settle_explain(struct scene *s, int ret)
{
	__u32 done = told.explain.done, nr = 0;

	while (nr < ARRAY_SIZE(told.steps) && told.steps[nr].ra != POISON64)
		nr++;
	if (done == POISON32)
		return ret == -EFAULT ? NULL : "done was not written";
	if (done != nr)
		return "done is not what was written";
	return done == (ret ? 0 : s->g.levels) ? NULL : "not each level's step";
}

static const char *failed_explain(struct scene *s, int ret,
				  const struct state *was,
				  const struct state *now)
{
	if (ret == -ENOMEM)
		return told.explain.result.reason == VMMU_REASON_NOFRAME ?
		       differs(was, now) : "the answer does not say NOFRAME";
	return judge_one(s, was, now, false);
}

FIXTURE_VARIANT_ADD(fail_nth, EXPLAIN)
{
	.run = do_explain, .settle = settle_explain, .errnos = { EFAULT },
};

FIXTURE_VARIANT_ADD(fail_nth, EXPLAIN_provide)
{
	.run = do_explain_provide, .settle = settle_explain,
	.worked = worked_one, .failed = failed_explain,
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
