/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Verbs that run out of memory in the middle, once by RLIMIT_MEMLOCK, once by
 * the memory cgroup. A second VM, the hog, takes what there is but for a few
 * pages. Each verb runs in a child, whose own memory is there beforehand.
 */
#ifndef VMMU_EXHAUST_H
#define VMMU_EXHAUST_H

#include "vmmu_guest.h"
#include "vmmu_memcg.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)
#define NR	256		/* pages that a verb wants */
#define LEFT	20		/* pages that the hog leaves, about */
#define MORE	(8 * MIB)	/* what there is more of afterwards */
#define HOG	GIB
#define MOST_FILES	4000		/* that a verb makes */
#define AT	0x40000000ULL	/* virtual addresses of the pages */

FIXTURE(exhausted) {
	struct memcg m;
	struct guest g;
	int hog;
	__u64 limit;
};

FIXTURE_VARIANT(exhausted) {
	bool memcg;
};

FIXTURE_VARIANT_ADD(exhausted, memlock) {
	.memcg = false,
};

FIXTURE_VARIANT_ADD(exhausted, memcg) {
	.memcg = true,
};

FIXTURE_SETUP(exhausted)
{
	const char *why;
	int dev, i;

	if (geteuid())
		SKIP(return, "needs root, to become another user and make a cgroup");
	dev = dev_open();
	ASSERT_LE(0, dev);
	self->limit = 24 * MIB;
	why = memcg_make(&self->m, self->limit);
	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, limit_memlock(variant->memcg ? RLIM_INFINITY : 16 * MIB));
	ASSERT_EQ(0, become_nobody());
	guest_make(&self->g, dev, REAL, FORMAT4, 0);
	for (i = 0; i < NR; i++)
		guest_map(&self->g, AT + i * PAGE, 1, 0);
	guest_slot(&self->g, 0, 2);
	self->hog = vm_create(dev, HOG);
	ASSERT_EQ(0, become_root());
	/* The child locks all that it has, and must not have this yet. */
	ASSERT_EQ(0, munmap(self->g.mem, REAL));
}

FIXTURE_TEARDOWN(exhausted)
{
	close(self->hog);
	guest_drop(&self->g);
	memcg_drop(&self->m);
}

/* What the child works with; all there before memory gets short. */
static struct exhausted {
	struct guest *g;
	struct memcg *m;	/* NULL: the limit is the user's */
	__u64 limit;
	int hog;
	int max;		/* the group's memory.max, opened beforehand */
	int file;		/* NR pages of 0x5a */
	void (*ready)(void);	/* what a verb needs besides; NULL: nothing */
} x;

static struct vmmu_install_op ops[NR];
static unsigned char bytes[NR * PAGE];

/* Whether the @i-th page that the verb is about has a frame. */
static inline bool backed(int i)
{
	struct vmmu_real_map_entry e = {};
	struct vmmu_real_map m;
	__u64 ra = x.g->data + i * PAGE;

	CHILD_CHECK(!_real_map(x.g->vm, ra, ra + PAGE - 1, 1, &e, &m));
	return e.page_shift;
}

/* Whether exactly the first @nr pages have frames. */
static inline bool backed_up_to(int nr)
{
	int i = 0;

	while (i < nr && backed(i))
		i++;
	while (i >= nr && i < NR && !backed(i))
		i++;
	return i == NR;
}

/* Whether exactly the first @nr entries are stored. */
static inline bool stored_up_to(int nr)
{
	int i;

	for (i = 0; i < NR; i++)
		if (*guest_slot(x.g, AT + i * PAGE, 1) !=
		    (i < nr ? ops[i].value : 0))
			return false;
	return true;
}

/* Make memory short: all is taken but for what the hog gives back. */
static inline void exhaust(void)
{
	__u64 done;

	CHILD_CHECK(gives(ENOMEM, _range(x.hog, VMMU_IOC_POPULATE, 0, HOG,
					 &done)));
	CHILD_CHECK(!_range(x.hog, VMMU_IOC_DISCARD, 0, LEFT * PAGE, &done));
}

/* There is memory again. A cgroup's limit only rises: nothing is reclaimed. */
static inline void relieve(void)
{
	char text[32];
	__u64 done;

	if (!x.m) {
		CHILD_CHECK(!_range(x.hog, VMMU_IOC_DISCARD, 0, MORE, &done));
		return;
	}
	x.limit += MORE;
	snprintf(text, sizeof(text), "%llu", x.limit);
	CHILD_CHECK(write(x.max, text, strlen(text)) > 0);
}

/* pread() into the pages, or pwrite() out of them: a part, then EFAULT. */
static inline void copy_until_exhausted(unsigned char *at, bool in)
{
	ssize_t all = NR * PAGE, n, rest;

	n = in ? pread(x.file, at, all, 0) : pwrite(x.file, at, all, 0);
	if (n < 0) {
		CHILD_CHECK(errno == EFAULT);
		n = 0;
	}
	CHILD_CHECK(n < all && n % PAGE == 0 && backed_up_to(n / PAGE));
	relieve();
	rest = in ? pread(x.file, at + n, all - n, n) :
		    pwrite(x.file, at + n, all - n, n);
	CHILD_CHECK(n + rest == all && backed_up_to(NR));
	CHILD_CHECK(all_bytes(x.g->mem + x.g->data, in ? 0x5a : 0, all));
}

/* Start from a guest whose pages and entries are all missing. */
static inline void start(void)
{
	__u64 done;
	int i;

	CHILD_CHECK(!_range(x.g->vm, VMMU_IOC_DISCARD, x.g->data, NR * PAGE,
			    &done));
	for (i = 0; i < NR; i++) {
		guest_map(x.g, AT + i * PAGE, 1, 0);
		ops[i] = (struct vmmu_install_op){
			.va = AT + i * PAGE, .level = 1,
			.value = (x.g->data + i * PAGE) | PTE_ALL,
		};
	}
	exhaust();
}

/* Before memory gets short: have all that the verbs themselves need. */
static inline void prepare(void)
{
	struct rlimit many = { 2 * MOST_FILES, 2 * MOST_FILES };

	memset(bytes, 0x5a, sizeof(bytes));
	x.file = syscall(SYS_memfd_create, "bytes", 0);
	CHILD_CHECK(pwrite(x.file, bytes, sizeof(bytes), 0) == sizeof(bytes));
	CHILD_CHECK(!setrlimit(RLIMIT_NOFILE, &many));
	if (x.m) {
		CHILD_CHECK(!memcg_put(x.m->group, "cgroup.procs", "0"));
		/*
		 * The kernel's part of a new file, as of any other, does not
		 * fail at a cgroup's limit but has a task killed, if it may.
		 */
		CHILD_CHECK(!write_text("/proc/self/oom_score_adj", "-1000"));
		x.max = memcg_open(x.m);
		CHILD_CHECK(x.max >= 0);
	}
	CHILD_CHECK(!mlockall(MCL_CURRENT));
	x.g->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			x.g->vm, 0);
	CHILD_CHECK(x.g->mem != MAP_FAILED);
	memset(x.g->mem + x.g->data, 1, PAGE);	/* for the host's page table */
	if (x.ready)
		x.ready();
}

/* Run one verb in a child, in the cgroup where that is the limit. */
#define short_of_memory(verb) short_of_memory_after(NULL, verb)
#define short_of_memory_after(prepared, verb) do {			\
	pid_t __pid = fork();						\
									\
	ASSERT_LE(0, __pid);						\
	if (!__pid) {							\
		x = (struct exhausted){					\
			.g = &self->g, .m = variant->memcg ? &self->m : NULL,\
			.limit = self->limit, .hog = self->hog,		\
			.ready = (prepared),				\
		};							\
		prepare();						\
		start();						\
		verb();							\
		_exit(0);						\
	}								\
	ASSERT_EQ(0, child_wait(__pid));				\
	ASSERT_EQ(0, memcg_number(self->m.group, "memory.events",	\
				  "oom_kill "));			\
} while (0)

#endif /* VMMU_EXHAUST_H */
