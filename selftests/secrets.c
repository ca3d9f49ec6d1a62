// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody who may not learns a frame number, by any path. A test as root knows
 * the frames behind real memory by the host's account (pagemap), and looks for
 * them in all that the caller in question can have: answers of calls, fdinfo,
 * pagemap, tracefs, the kernel's log.
 */
#include <sched.h>
#include <sys/klog.h>

#include "vmmu_secrets.h"

/* To be told that a guess is right, or that it is wrong, would be enough. */
static bool guesses_are_answered(const __u64 *frames, struct guest *g)
{
	__u64 ra;
	int n;

	if (!_real_of_frame(g->vm, frames[0], &ra))
		return true;
	for (n = 0; n < NR; n++) {
		CHILD_CHECK(gives(EPERM, _real_of_frame(g->vm, frames[n],
							&ra)));
		CHILD_CHECK(gives(EPERM, _real_of_frame(g->vm, n, &ra)));
		CHILD_CHECK(ra == POISON64);
	}
	return false;
}

/*
 * Every answer that the calls give, in one buffer; for a caller who may see
 * frames this finds them, or the test would prove nothing.
 */
static bool calls_tell_frame(const __u64 *frames, struct guest *g)
{
	static struct {
		struct vmmu_info info;
		struct vmmu_vm_info vm;
		struct vmmu_space_info space;
		struct vmmu_real_map_entry entries[2 * NR];
		struct vmmu_translation results[NR], one;
		struct vmmu_explain explain[NR];
		struct vmmu_step steps[NR][5];
		struct vmmu_mapping mappings[NR];
		struct vmmu_real_map real_map;
		struct vmmu_mappings m;
		struct vmmu_memory memory;
		struct vmmu_cmpxchg cmpxchg;
		struct vmmu_mapper mappers[NR];
		struct vmmu_mappers who;
		char page[PAGE];
	} told;
	bool tells;
	__u32 done;
	int n;

	memset(&told, 0, sizeof(told));
	CHILD_CHECK(!_info(g->vm, &told.info));
	CHILD_CHECK(!_vm_info(g->vm, &told.vm));
	CHILD_CHECK(!_space_info(g->space, &told.space));
	CHILD_CHECK(!_real_map(g->vm, 0, ~0ULL, 2 * NR, told.entries,
			       &told.real_map));
	CHILD_CHECK(told.real_map.done >= NR);
	CHILD_CHECK(!_translate_many(g->space, PROVIDE, READ, NULL, VA, NR,
				     told.results, &done));
	CHILD_CHECK(!_translate(g->space, SET_AD, WRITE, VA, &told.one));
	for (n = 0; n < NR; n++)
		CHILD_CHECK(!_explain(g->space, 0, READ, VA + n * PAGE,
				      told.steps[n], 5, &told.explain[n]));
	CHILD_CHECK(!_mappings(g->space, 0, ~0ULL, NR, told.mappings, &told.m));
	CHILD_CHECK(!_memory(g->space, VMMU_IOC_READ, 0, VA, told.page, PAGE,
			     &told.memory));
	CHILD_CHECK(!_cmpxchg(g->space, 0, VA, 8, 1, 2, &told.cmpxchg));
	CHILD_CHECK(!_mappers(g->vm, g->data, 0, 0, NR, told.mappers,
			      &told.who));
	tells = holds_frame(frames, &told, sizeof(told)) ||
		fdinfo_names_frame(frames, g->vm) ||
		fdinfo_names_frame(frames, g->space);
	CHILD_CHECK(guesses_are_answered(frames, g) == tells);
	return tells;
}

/* Assert that the caller learns frames from the calls, or that he does not. */
#define calls_tell(expected) do {					\
	bool __want = (expected);					\
									\
	ASSERT_EQ(__want, calls_tell_frame(self->frames, &self->g));	\
	ASSERT_EQ(__want, !!(vm_info(self->g.vm).state &		\
			     VMMU_VM_FRAMES_SHOWN));			\
} while (0)

TEST_F(secrets, root_sees_them)
{
	make_secret();
	calls_tell(true);
}

TEST_F(secrets, made_by_root_used_by_nobody)
{
	make_secret();
	ASSERT_EQ(0, become_nobody());
	calls_tell(false);
}

TEST_F(secrets, made_by_nobody_used_by_root)
{
	ASSERT_EQ(0, become_nobody());
	make_secret();
	calls_tell(false);
	ASSERT_EQ(0, become_root());
	calls_tell(false);
}

/* The capability counts, not the user. */
TEST_F(secrets, root_without_the_capability)
{
	make_secret();
	calls_tell(true);
	ASSERT_EQ(0, drop_capability(CAP_SYS_ADMIN));
	calls_tell(false);
}

/* As a set-user-ID program does: create, then be somebody else for good. */
TEST_F(secrets, dropped_for_good)
{
	pid_t pid;

	make_secret();
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
		CHILD_CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
		CHILD_CHECK(!calls_tell_frame(self->frames, &self->g));
		_exit(0);
	}
	ASSERT_EQ(0, child_wait(pid));
}

/* Root of a user namespace has every capability, but not here. */
TEST_F(secrets, root_of_a_namespace)
{
	pid_t pid;

	make_secret();
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct __user_cap_header_struct header = {
			_LINUX_CAPABILITY_VERSION_3,
		};
		struct __user_cap_data_struct caps[2];

		CHILD_CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
		if (unshare(CLONE_NEWUSER))
			_exit(KSFT_SKIP);
		CHILD_CHECK(!syscall(SYS_capget, &header, caps));
		CHILD_CHECK(caps[0].effective >> CAP_SYS_ADMIN & 1);
		CHILD_CHECK(!calls_tell_frame(self->frames, &self->g));
		_exit(0);
	}
	pid = child_wait(pid);
	if (pid == KSFT_SKIP)
		SKIP(return, "no user namespaces here");
	ASSERT_EQ(0, pid);
}

/* What the system offers beside the calls: nothing for an ordinary user. */
TEST_F(secrets, elsewhere)
{
	static const char * const closed[] = {
		"/sys/kernel/tracing/trace", "/sys/kernel/tracing/trace_pipe",
		"/sys/kernel/debug/tracing/trace", "/proc/kcore",
		"/proc/kpageflags", "/proc/kpagecount", "/dev/mem",
	};
	int n;

	ASSERT_EQ(0, become_nobody());
	make_secret();
	for (n = 0; n < NR; n++) {
		/* Present, and no number: the kernel hides it. */
		ASSERT_EQ(0, pagemap_frame(self->g.mem + self->g.data +
					   n * PAGE));
	}
	for (n = 0; n < ARRAY_SIZE(closed); n++) {
		ASSERT_GT(0, open(closed[n], O_RDONLY | O_CLOEXEC))
			TH_LOG("%s", closed[n]);
	}
	ASSERT_GT(0, open("/dev/vmmu", O_RDWR | O_CLOEXEC));
}

/* Not even root finds one in the kernel's log. */
TEST_F(secrets, kernel_log)
{
	static char log[1 << 20];
	char *line, *next;
	int bytes;

	make_secret();
	calls_tell(true);
	discard(self->g.vm, 0, REAL);
	guest_drop(&self->g);
	bytes = klogctl(3, log, sizeof(log) - 1);	/* all of it */
	ASSERT_LT(0, bytes);
	for (line = log; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (strstr(line, "vmmu:")) {
			ASSERT_FALSE(names_frame(self->frames, line))
				TH_LOG("%s", line);
		}
	}
}

/* Fill the kernel's stack with a pattern, by calls that copy a lot to it. */
static void spray(struct guest *g)
{
	struct vmmu_install_op ops[32];
	struct vmmu_install i;

	memset(ops, POISON8, sizeof(ops));
	_install(g->space, 0, ops, 32, NULL, &i);
	_install(g->space, VMMU_INSTALL_ATOMIC, ops, 32, NULL, &i);
}

/* No byte of an answer is what happened to be on the stack. */
#define clean(what, bytes) do {						\
	const unsigned char *__at = (const unsigned char *)(what);	\
	size_t __n;							\
									\
	for (__n = 0; __n < (bytes); __n++)				\
		ASSERT_NE(POISON8, __at[__n])				\
			TH_LOG("byte %zu of " #what, __n);		\
} while (0)

TEST_F(secrets, left_on_the_stack)
{
	struct vmmu_real_map_entry entries[32] = {};
	struct vmmu_translation results[32] = {};
	struct vmmu_mapping mappings[32] = {};
	struct vmmu_step steps[5] = {};
	struct vmmu_real_map map;
	struct vmmu_mappings m;
	struct vmmu_explain e;
	unsigned int n, i;
	__u32 done;

	/* Unprivileged: a frame's number may have any byte. */
	ASSERT_EQ(0, become_nobody());
	make_secret();
	for (n = 0; n < 2 * NR; n++) {
		__u64 va = VA + n * PAGE, ra = self->g.data + n * PAGE;

		spray(&self->g);
		ASSERT_EQ(0, _real_map(self->g.vm, ra, ~0ULL, 32, entries,
				       &map));
		clean(entries, map.done * sizeof(*entries));
		spray(&self->g);
		ASSERT_EQ(0, _mappings(self->g.space, va, ~0ULL, 32, mappings,
				       &m));
		clean(mappings, m.done * sizeof(*mappings));
		for (i = 0; i < 3; i++) {
			spray(&self->g);
			ASSERT_EQ(0, _translate_many(self->g.space, 0, i, NULL,
						     va, 32, results, &done));
			clean(results, sizeof(results));
			spray(&self->g);
			ASSERT_EQ(0, _explain(self->g.space, 0, i, va, steps, 5,
					      &e));
			clean(steps, e.done * sizeof(*steps));
			clean(&e.result, sizeof(e.result));
		}
	}
}

TEST_HARNESS_MAIN
