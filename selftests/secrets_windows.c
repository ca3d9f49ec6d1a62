// SPDX-License-Identifier: GPL-2.0
/*
 * As secrets.c: nothing that windows and traps tell names a frame, to nobody at
 * all, but for a question about a fault, which is a translation.
 */
#include <pthread.h>

#include "vmmu_secrets.h"
#include "vmmu_trap_calls.h"
#include "vmmu_window.h"

#define UNMAPPED	(NR * PAGE)

/* What is told when a thread's access is refused, and while it sleeps. */
static struct told {
	struct vmmu_audit audit;
	struct vmmu_fault faults[NR + 1];
	struct vmmu_trap_info trap;
	struct vmmu_trap_record record;
	struct vmmu_space_info space;
	struct vmmu_vm_info vm;
} told;

static void *read_once(void *at)
{
	return (void *)(long)access_read(at);
}

/* Have a thread sleep until it has been asked for. */
#define ask_monitor(g, at) do {						\
	struct guest *__g = (g);					\
	int __trap = trap_create(__g->vm);				\
	pthread_t __sleeper;						\
	void *__sig;							\
									\
	deliver_records(__g->space, __trap);				\
	ASSERT_EQ(0, pthread_create(&__sleeper, NULL, read_once, at));	\
	ASSERT_EQ(sizeof(told.record), read(__trap, &told.record,	\
					    sizeof(told.record)));	\
	told.trap = trap_info(__trap);					\
	ASSERT_FALSE(fdinfo_names_frame(self->frames, __trap));		\
	ASSERT_EQ(0, _answer(__trap, told.record.cookie,		\
				  VMMU_VERDICT_SIGNAL));		\
	pthread_join(__sleeper, &__sig);					\
	ASSERT_EQ((void *)SIGSEGV, __sig);				\
	deliver_signals(__g->space);					\
	close(__trap);							\
} while (0)

/* A window of all pages, with PTEs, and of one that is not mapped. */
#define look_at_windows() do {						\
	struct guest *__l = &self->g;					\
	unsigned char *__w = window(__l->space, VA, (NR + 1) * PAGE);	\
	int __n;							\
									\
	memset(&told, 0, sizeof(told));					\
	for (__n = 0; __n < NR; __n++)					\
		ASSERT_EQ(0, access_write(__w + __n * PAGE, 1));	\
	told.audit = audit(__l->vm);					\
	ASSERT_EQ(NR, told.audit.checked);				\
	ASSERT_EQ(0, told.audit.wrong);					\
	for (__n = 0; __n < NR; __n++) {				\
		/* The kernel has no page there that it would tell of. */\
		ASSERT_EQ(0, pagemap_frame(__w + __n * PAGE));		\
		told.faults[__n] = fault(__l->space, __w + __n * PAGE, READ);\
		ASSERT_EQ(VMMU_REASON_NONE,				\
			  told.faults[__n].result.reason);		\
	}								\
	ASSERT_EQ(SIGSEGV, access_read(__w + UNMAPPED));		\
	told.faults[NR] = fault(__l->space, __w + UNMAPPED, READ);	\
	ASSERT_EQ(1, told.faults[NR].recorded);				\
	ask_monitor(__l, __w + UNMAPPED);				\
	told.space = space_info(__l->space);				\
	told.vm = vm_info(__l->vm);					\
	ASSERT_FALSE(fdinfo_names_frame(self->frames, __l->space));	\
	munmap(__w, (NR + 1) * PAGE);					\
} while (0)

/* What they tell of the pages that are there is a translation. */
static bool faults_tell_frame(const __u64 *frames)
{
	bool tell = holds_frame(frames, told.faults, sizeof(told.faults));

	memset(told.faults, 0, NR * sizeof(*told.faults));
	return tell;
}

TEST_F(secrets, windows_of_nobody)
{
	ASSERT_EQ(0, become_nobody());
	make_secret();
	look_at_windows();
	ASSERT_FALSE(faults_tell_frame(self->frames));
	ASSERT_FALSE(holds_frame(self->frames, &told, sizeof(told)));
}

TEST_F(secrets, windows_of_root_used_by_nobody)
{
	make_secret();
	ASSERT_EQ(0, become_nobody());
	look_at_windows();
	ASSERT_FALSE(faults_tell_frame(self->frames));
	ASSERT_FALSE(holds_frame(self->frames, &told, sizeof(told)));
}

TEST_F(secrets, windows_of_nobody_used_by_root)
{
	ASSERT_EQ(0, become_nobody());
	make_secret();
	ASSERT_EQ(0, become_root());
	look_at_windows();
	ASSERT_FALSE(faults_tell_frame(self->frames));
	ASSERT_FALSE(holds_frame(self->frames, &told, sizeof(told)));
}

/* Who may see frames is told by questions about faults, and by nothing else. */
TEST_F(secrets, windows_of_root)
{
	make_secret();
	look_at_windows();
	ASSERT_TRUE(faults_tell_frame(self->frames));
	ASSERT_FALSE(holds_frame(self->frames, &told, sizeof(told)));
}

TEST_HARNESS_MAIN
