// SPDX-License-Identifier: GPL-2.0
/*
 * Windows and their faults, failed at each of their points: see fail_nth.h.
 */
#include "fail_nth_window.h"

static struct {
	struct vmmu_install install;
	struct vmmu_install_op ops[4];
} told;

/* Its host page tables go with it. */
static const char *settle_window(struct scene *s, int ret)
{
	munmap(s->at, MAPPED);
	return map_at(s, FIRST_VA);
}

static int do_mmap(struct scene *s)
{
	s->at = mmap(EMPTY, MAPPED, RWX, MAP_SHARED | MAP_FIXED, s->g.space, 0);
	if (s->at != MAP_FAILED)
		return 0;
	s->at = NULL;
	return -errno;
}

static const char *settle_mmap(struct scene *s, int ret)
{
	if (s->at && munmap(s->at, MAPPED))
		return "no window";
	s->at = NULL;
	return NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, window_mmap)
{
	.run = do_mmap, .settle = settle_mmap, .errnos = { ENOMEM },
};

static int do_read(struct scene *s)
{
	return access_once(s->at, READ);
}

static int do_write(struct scene *s)
{
	return access_once(s->at, WRITE);
}

static int do_fetch(struct scene *s)
{
	return access_once(s->at, FETCH);
}

static int do_read_missing(struct scene *s)
{
	return access_once(s->at + MISSING, READ);
}

static int do_write_missing(struct scene *s)
{
	return access_once(s->at + MISSING, WRITE);
}

/*
 * An access changes the page that it goes to, which may get its frame even if
 * the access fails then, and marks in tables; no more. Which addresses map what
 * is as it was.
 */
static const char *judge_access(struct scene *s, const struct state *was,
				const struct state *now)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (was->translated[i].ra != now->translated[i].ra)
			return "a translation differs";
	if (was->vm.sequence != now->vm.sequence)
		return "sequence differs";
	return rest_differs(was, now) ?:
	       real_differs(was, now, s->g.data + (BACKED - 2) * PAGE,
			    4 * PAGE, s->g.next);
}

static const char *failed_access(struct scene *s, int ret,
				 const struct state *was,
				 const struct state *now)
{
	return judge_access(s, was, now);
}

/* The page has A, and one that was written to has D. */
static const char *worked_access(struct scene *s, const struct state *was,
				 const struct state *now)
{
	__u64 missing = *guest_slot(&s->g, FIRST_VA + MISSING, 1);
	__u64 first = *guest_slot(&s->g, FIRST_VA, 1);

	if (!((missing | first) & PTE_A))
		return "Accessed is not set";
	if ((missing & PTE_A) &&
	    !frames_within(now, missing & PTE_ADDRESS, PAGE))
		return "a page that was accessed has no frame";
	return judge_access(s, was, now);
}

#define WINDOW_ACCESS(run_it, is_pointless)				\
	.run = run_it, .prepare = prepare_window,			\
	.settle = settle_window, .worked = worked_access,		\
	.failed = failed_access, .errnos = { EFAULT },			\
	.pointless = is_pointless

FIXTURE_VARIANT_ADD(fail_nth, window_read)
{
	WINDOW_ACCESS(do_read, false),
};

FIXTURE_VARIANT_ADD(fail_nth, window_write)
{
	WINDOW_ACCESS(do_write, false),
};

FIXTURE_VARIANT_ADD(fail_nth, window_fetch)
{
	WINDOW_ACCESS(do_fetch, false),
};

FIXTURE_VARIANT_ADD(fail_nth, window_read_missing)
{
	WINDOW_ACCESS(do_read_missing, false),
};

FIXTURE_VARIANT_ADD(fail_nth, window_write_missing)
{
	WINDOW_ACCESS(do_write_missing, false),
};

FIXTURE_VARIANT_ADD(fail_nth, window_write_after_read)
{
	.run = do_write, .prepare = prepare_read, .worked = worked_access,
	.failed = failed_access, .errnos = { EFAULT }, .pointless = true,
};

static int do_munmap(struct scene *s)
{
	return munmap(s->at, MAPPED) ? -errno : 0;
}

static const char *settle_munmap(struct scene *s, int ret)
{
	if (ret)
		return do_read(s) ? "the window is gone" : NULL;
	return map_at(s, FIRST_VA) ?: do_read(s) ? "no access" : NULL;
}

FIXTURE_VARIANT_ADD(fail_nth, window_munmap)
{
	.run = do_munmap, .prepare = prepare_read, .settle = settle_munmap,
	.errnos = { ENOMEM }, .pointless = true,
};

/* New pages at addresses that a window shows, of marks that let them be mapped. */
static int do_install(struct scene *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(told.ops); i++)
		told.ops[i] = (struct vmmu_install_op){
			.va = i * PAGE, .level = 1,
			.value = (s->g.data + i * PAGE) | PTE_ALL | PTE_A |
				 PTE_D,
		};
	return _install(s->g.space, 0, told.ops, ARRAY_SIZE(told.ops), NULL,
			&told.install);
}

/* Tables that were used already: entries can be mapped ahead. */
static const char *prepare_prefill(struct scene *s)
{
	struct vmmu_translation t;

	if (_translate(s->g.space, SET_AD, READ, 4 * PAGE, &t) || t.reason)
		return "no translation";
	return map_at(s, 0);
}

static const char *settle_prefill(struct scene *s, int ret)
{
	__u32 done = told.install.done, i;

	if (done == POISON32)
		return NULL;
	for (i = 0; i < done; i++)
		if (access_once(s->at + i * PAGE, READ) ||
		    s->at[i * PAGE] != i + 1)
			return "the window shows something else";
	munmap(s->at, MAPPED);
	return map_at(s, 0);
}

static const char *judge_install(struct scene *s, const struct state *was,
				 const struct state *now)
{
	bool moved = now->vm.sequence != was->vm.sequence;
	static struct state quiet;
	__u32 i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(told.ops); i++)
		nr += *guest_slot(&s->g, i * PAGE, 1) == told.ops[i].value;
	if (told.install.done != POISON32 && told.install.done != nr)
		return "done is not what is in force";
	/* Once for all of them that were stored together. */
	if (moved != !!nr)
		return "sequence has not moved with the changes";
	quiet = *now;
	quiet.vm.zaps = was->vm.zaps;
	return rest_differs(was, &quiet) ?:
	       real_differs(was, now, s->g.data, 4 * PAGE, s->g.next);
}

static const char *failed_install(struct scene *s, int ret,
				  const struct state *was,
				  const struct state *now)
{
	return judge_install(s, was, now);
}

FIXTURE_VARIANT_ADD(fail_nth, INSTALL_prefill)
{
	.run = do_install, .prepare = prepare_prefill,
	.settle = settle_prefill, .worked = judge_install,
	.failed = failed_install, .errnos = { EFAULT },
};

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
