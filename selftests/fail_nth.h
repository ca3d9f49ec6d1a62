/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fail each point of a call in turn: the first allocation or copy in it, then
 * the second, until it works with none left to fail. After each failure all
 * that can be asked of a VM must be what it was, or as far on as the call says.
 *
 * A verb is a function that makes the call, and a row: FIXTURE_VARIANT_ADD(). Its
 * scene is a VM, which is made anew whenever a run has changed it.
 */
#ifndef FAIL_NTH_H
#define FAIL_NTH_H

#include <linux/capability.h>

#include "fail_nth_state.h"

#define NTH_MAX		5000		/* points that a call may have */
#define LIMIT		(16 * MIB)	/* RLIMIT_MEMLOCK meanwhile */

FIXTURE(fail_nth) {
	int dev, nth;
};

/*
 * @run: makes the call; 0 or -errno, -EFAULT for a SIGBUS
 * @prepare: what a new scene needs besides
 * @settle: after each run, before the state is looked at: checks its answer,
 *	and lets go of what it made
 * @worked, @failed: judge what a run has changed; NULL: it may change nothing
 * @errnos: that the call may fail with; none: ENOMEM and EFAULT
 * @pointless: it need not have any point
 *
 * All but @run give NULL, or what is wrong.
 */
FIXTURE_VARIANT(fail_nth) {
	int (*run)(struct scene *s);
	const char *(*prepare)(struct scene *s);
	const char *(*settle)(struct scene *s, int ret);
	const char *(*worked)(struct scene *s, const struct state *was,
			      const struct state *now);
	const char *(*failed)(struct scene *s, int ret,
			      const struct state *was,
			      const struct state *now);
	int errnos[4];
	bool pointless;
};

#define fail_nth_verb FIXTURE_VARIANT(fail_nth)

/* Point by point: what came of it. */
struct tally {
	unsigned int points, nomem, fault, other, harmless;
};

/* /proc/self/fail-nth, or -errno. */
static inline int nth_open(void)
{
	int fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* From here on the @n-th point that this thread comes to fails. */
static inline void nth_begin(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, length, 0) != length)
		abort();
}

/* Whether it came to it. To ask can be the point, and so can be to end it. */
static inline bool nth_end(int fd)
{
	char text[16] = "";
	bool met = pread(fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	while (pwrite(fd, "0", 1, 0) != 1)
		met = false;
	return met;
}

/* Stay root, who alone may fail points, but be bounded as other users are. */
static inline int give_up_memlock_right(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &header, caps))
		return -1;
	caps[0].effective &= ~(1U << CAP_IPC_LOCK);
	if (syscall(SYS_capset, &header, caps))
		return -1;
	return limit_memlock(LIMIT);
}

/*
 * What is to fail: allocations that may sleep, single pages and those of users,
 * too, without a word in the kernel's log. Nothing fails but by fail-nth.
 */
static struct nth_setting {
	const char *path, *value;
	char was[16];
} nth_settings[] = {
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/verbose", "0" },
	{ "failslab/task-filter", "Y" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_page_alloc/task-filter", "Y" },
	{ "fail_usercopy/verbose", "0" },
	{ "fail_usercopy/task-filter", "Y" },
};

static const char *nth_unset;	/* a setting that could not be made */

static inline void nth_settings_make(void)
{
	char path[96];
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(nth_settings); i++) {
		struct nth_setting *set = &nth_settings[i];

		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", set->path);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || read(fd, set->was, sizeof(set->was) - 1) < 1 ||
		    write(fd, set->value, strlen(set->value)) < 1)
			nth_unset = set->path;
		close(fd);
	}
}

static inline void nth_settings_restore(void)
{
	char path[96];
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(nth_settings); i++) {
		struct nth_setting *set = &nth_settings[i];

		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", set->path);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && *set->was)
			write(fd, set->was, strlen(set->was));
		close(fd);
	}
}

/*
 * A program's main(): skips it as a whole where nothing can be failed, and puts
 * the settings back however its tests end. -l lists them anywhere.
 */
static inline int nth_main(int argc, char **argv)
{
	int status, nth = nth_open();

	if (nth == -ENOENT && (argc < 2 || strcmp(argv[1], "-l"))) {
		puts("TAP version 13");
		puts("1..0 # SKIP no /proc/self/fail-nth: no fault injection");
		return KSFT_SKIP;
	}
	close(nth);
	nth_settings_make();
	status = test_harness_run(argc, argv);
	nth_settings_restore();
	return status;
}

/* The scene, without what the verb needs besides. */
#define scene_make(made, device) do {					\
	struct scene *__s = (made);					\
	int __device = (device);					\
	__u64 __i;							\
									\
	__s->fd = -1;							\
	__s->at = NULL;							\
	__s->room = room_of(__device);					\
	guest_make(&__s->g, __device, REAL, FORMAT4, VMMU_MODE_NXE);	\
	for (__i = 0; __i < PAGES; __i++) {				\
		__u64 __ra = __s->g.data + (__i ^ 1) * PAGE;		\
									\
		guest_map(&__s->g, __i * PAGE, 1, __ra | PTE_ALL);	\
	}								\
	guest_map(&__s->g, GIB, 2, 0);					\
	__s->table = *guest_slot(&__s->g, 0, 2) & PTE_ADDRESS;		\
	for (__i = 0; __i < BACKED; __i++)				\
		memset(__s->g.mem + __s->g.data + __i * PAGE, __i + 1, 64);\
} while (0)

/* The end of a scene: nothing of it stays behind. */
#define scene_drop(made) do {						\
	struct scene *__s = (made);					\
									\
	if (__s->fd >= 0)						\
		close(__s->fd);						\
	if (__s->at)							\
		munmap(__s->at, MAPPED);				\
	guest_drop(&__s->g);						\
	ASSERT_EQ(__s->room, room_of(__s->g.dev))			\
		TH_LOG("a scene has left charges behind");		\
} while (0)

static inline bool errno_allowed(const fail_nth_verb *v, int e)
{
	int i;

	if (!v->errnos[0])
		return e == ENOMEM || e == EFAULT;
	for (i = 0; i < ARRAY_SIZE(v->errnos); i++)
		if (v->errnos[i] == e)
			return true;
	return false;
}

/* What is wrong with the state after a run; NULL: nothing. */
static inline const char *judge(const fail_nth_verb *v, struct scene *s, int ret,
				const struct state *was,
				const struct state *now)
{
	if (!ret)
		return v->worked ? v->worked(s, was, now) : differs(was, now);
	if (!errno_allowed(v, -ret))
		return "an errno that the call does not have";
	return v->failed ? v->failed(s, ret, was, now) : differs(was, now);
}

static inline void count_point(struct tally *t, int ret)
{
	t->points++;
	t->nomem += ret == -ENOMEM;
	t->fault += ret == -EFAULT;
	t->harmless += !ret;
	t->other += ret && ret != -ENOMEM && ret != -EFAULT;
}

/* Why nothing can be failed here, or NULL; becomes a user with a limit. */
static inline const char *nth_lacking(void)
{
	static char reason[128];
	int nth = nth_open();

	if (nth < 0 || geteuid())
		return "needs root";
	close(nth);
	if (nth_unset) {
		snprintf(reason, sizeof(reason), "no /sys/kernel/debug/%s",
			 nth_unset);
		return reason;
	}
	return give_up_memlock_right() ? "no RLIMIT_MEMLOCK" : NULL;
}

FIXTURE_SETUP(fail_nth)
{
	const char *lacking = nth_lacking();

	if (lacking)
		SKIP(return, "%s", lacking);
	self->nth = nth_open();
	self->dev = dev_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(fail_nth)
{
	close(self->nth);
	close(self->dev);
}

/* A scene that is ready for the verb, and its state. */
#define scene_ready(ready, device, verb, st) do {			\
	const fail_nth_verb *__v = (verb);				\
	struct scene *__t = (ready);					\
	const char *__wrong = NULL;					\
									\
	scene_make(__t, device);					\
	if (__v->prepare)						\
		__wrong = __v->prepare(__t);				\
	ASSERT_EQ(NULL, __wrong) TH_LOG("%s", __wrong);			\
	ASSERT_EQ(0, state_of(__t, st));				\
} while (0)

/* The row's name, which the harness does not tell. */
static inline const char *name_of(struct __test_metadata *test,
				  const fail_nth_verb *v)
{
	struct __fixture_variant_metadata *row = test->fixture->variant;

	while (row->data != v)
		row = row->next;
	return row->name;
}

TEST_F(fail_nth, sweep)
{
	const fail_nth_verb *v = variant;
	static struct state was, now;
	struct tally t = {};
	struct scene s;
	unsigned int n;
	bool met;
	int ret;

	scene_ready(&s, self->dev, v, &was);
	for (n = 1; n < NTH_MAX; n++) {
		const char *wrong;

		nth_begin(self->nth, n);
		ret = v->run(&s);
		met = nth_end(self->nth);
		wrong = v->settle ? v->settle(&s, ret) : NULL;
		ASSERT_EQ(0, state_of(&s, &now));
		if (!wrong)
			wrong = judge(v, &s, ret, &was, &now);
		ASSERT_EQ(NULL, wrong)
			TH_LOG("point %u, %s: %s", n, strerror(-ret), wrong);
		if (!met)
			break;
		count_point(&t, ret);
		if (memcmp(&was, &now, sizeof(was))) {
			scene_drop(&s);
			scene_ready(&s, self->dev, v, &was);
		}
	}
	scene_drop(&s);
	ASSERT_EQ(0, ret);
	printf("# %s: %u points: %u ENOMEM, %u EFAULT, %u others, %u harmless\n",
	       name_of(_metadata, v), t.points, t.nomem, t.fault, t.other, t.harmless);
	if (!v->pointless)
		ASSERT_LT(t.harmless, t.points);
}

#endif /* FAIL_NTH_H */
