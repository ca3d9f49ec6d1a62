// SPDX-License-Identifier: GPL-2.0
/*
 * Calls and accesses against each other, a few seconds each. Every page of
 * every VM carries a tag of its own, so that a page that shows up where it
 * does not belong is seen. The rest is up to the kernel's own checks.
 */
#include "vmmu_race.h"

FIXTURE(races) {
	struct race *r;		/* two, of different VMs */
};

FIXTURE_SETUP(races)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	races_make(self->r, dev);
}

FIXTURE_TEARDOWN(races)
{
	races_drop(self->r);
}

/* Assert that counter and table of a VM agree, and that it lives. */
#define consistent(of) do {						\
	static struct vmmu_real_map_entry __e[REAL / PAGE];		\
	struct vmmu_real_map __m;					\
	int __vm = (of);						\
									\
	ASSERT_EQ(0, _real_map(__vm, 0, ~0ULL, REAL / PAGE, __e, &__m));\
	ASSERT_EQ(vm_info(__vm).frames, __m.done);			\
	ASSERT_EQ(0, vm_info(__vm).state & VMMU_VM_DEAD);		\
} while (0)

/* Assert that no host PTE refers to a frame that is no longer the page's. */
#define mapped_right(of) do {						\
	struct race *__r = (of);					\
	unsigned int __i;						\
									\
	for (__i = 0; !geteuid() && __i <= PAGES; __i++) {		\
		unsigned char *__at = __r->g.mem + page_ra(__r, __i);	\
		__u64 __frame = pagemap_frame(__at);			\
									\
		ASSERT_TRUE(!__frame || __frame ==			\
			    real_page(__r->g.vm, page_ra(__r, __i)).frame)\
			TH_LOG("page %u", __i);				\
	}								\
} while (0)

/* The one that fills pages with their tag and looks at them again. */
static void *fill_and_check(struct race *r, unsigned int seed,
			    unsigned long *rounds)
{
	while (running(r)) {
		int i = dice(&seed, PAGES), w = dice(&seed, 512);
		__u64 *page = (__u64 *)(r->g.mem + page_ra(r, i));
		__u64 now = __atomic_load_n(page + w, __ATOMIC_RELAXED);

		if (now && now != (r->tag | i))
			failed(r, "a page has a foreign tag", now);
		__atomic_store_n(page + w, r->tag | i, __ATOMIC_RELAXED);
		++*rounds;
	}
	return NULL;
}

static void *fill_first(void *arg)
{
	struct race *r = arg;

	return fill_and_check(r, 1, &r->rounds[0]);
}

static void *fill_second(void *arg)
{
	struct race *r = arg;

	return fill_and_check(r + 1, 2, &r->rounds[1]);
}

static void *discard_both(void *arg)
{
	struct race *r = arg;
	unsigned int seed = 3;
	__u64 done;

	while (running(r)) {
		struct race *of = r + dice(&seed, 2);
		int i = dice(&seed, PAGES), n = 1 + dice(&seed, PAGES - i);
		unsigned long cmd = dice(&seed, 4) ? VMMU_IOC_DISCARD :
						     VMMU_IOC_POPULATE;
		int ret = _range(of->g.vm, cmd, page_ra(of, i), n * PAGE,
				 &done);

		if (ret)
			failed(r, "populate or discard", -ret);
		r->rounds[2]++;
	}
	return NULL;
}

/* A page that was discarded by this very thread reads as zero. */
static void *discard_own(void *arg)
{
	struct race *r = arg;
	__u64 ra = page_ra(r, PAGES), done;
	__u64 *page = (__u64 *)(r->g.mem + ra);

	while (running(r)) {
		__atomic_store_n(page, ++r->rounds[3], __ATOMIC_SEQ_CST);
		_range(r->g.vm, VMMU_IOC_DISCARD, ra, PAGE, &done);
		if (__atomic_load_n(page, __ATOMIC_SEQ_CST))
			failed(r, "a discarded page has data", *page);
	}
	return NULL;
}

TEST_F(races, discard_against_accesses)
{
	run_threads(self->r, fill_first, fill_second, discard_both,
		    discard_own);
	consistent(self->r[0].g.vm);
	consistent(self->r[1].g.vm);
	mapped_right(&self->r[0]);
	mapped_right(&self->r[1]);
}

/*
 * One thread takes a page away and fills its successor, by ever larger
 * numbers; it tells the last one that is surely there. Another looks through a
 * mapping of its own, which it empties all the time: a number smaller than
 * one it was told of before can only come from a page that is gone.
 */
static void *renew_page(void *arg)
{
	struct race *r = arg;
	__u64 *page = (__u64 *)(r->g.mem + page_ra(r, 0)), number = 0, done;

	while (running(r)) {
		_range(r->g.vm, VMMU_IOC_DISCARD, page_ra(r, 0), PAGE, &done);
		__atomic_store_n(page, ++number, __ATOMIC_SEQ_CST);
		__atomic_store_n(&r->tag, number, __ATOMIC_SEQ_CST);
		r->rounds[0]++;
	}
	return NULL;
}

static void look_at_page(struct race *r, unsigned long *rounds, int write)
{
	__u64 *view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   r->g.vm, page_ra(r, 0));
	__u64 told, seen;

	if ((void *)view == MAP_FAILED)
		return failed(r, "mmap", errno);
	while (running(r)) {
		told = __atomic_load_n(&r->tag, __ATOMIC_SEQ_CST);
		if (write)	/* beside the number, for a writable PTE */
			__atomic_store_n(view + 1, 1, __ATOMIC_SEQ_CST);
		seen = __atomic_load_n(view, __ATOMIC_SEQ_CST);
		if (seen && seen < told)
			failed(r, "a page that is gone", seen);
		madvise(view, PAGE, MADV_DONTNEED);
		++*rounds;
	}
	munmap(view, PAGE);
}

static void *read_page(void *arg)
{
	struct race *r = arg;

	look_at_page(r, &r->rounds[1], 0);
	return NULL;
}

static void *write_page(void *arg)
{
	struct race *r = arg;

	look_at_page(r, &r->rounds[2], 1);
	return NULL;
}

TEST_F(races, discard_against_faults)
{
	self->r->tag = 0;
	run_threads(self->r, renew_page, read_page);
	self->r->tag = 0;	/* the numbers begin anew */
	self->r->stop = 0;
	run_threads(self->r, renew_page, read_page, write_page);
	mapped_right(self->r);
}

/* va i is mapped to one page after another; what was installed holds. */
static void *install_pages(void *arg)
{
	struct race *r = arg;
	unsigned int seed = 4, k;

	while (running(r)) {
		struct vmmu_install_op ops[8] = {};
		struct vmmu_translation t;
		struct vmmu_install i;

		for (k = 0; k < 8; k++) {
			ops[k].va = (k * 8 + dice(&seed, 8)) * PAGE;
			ops[k].level = 1;
			ops[k].value = page_ra(r, dice(&seed, PAGES)) | PTE_ALL;
		}
		if (_install(r->g.space, 0, ops, 8, NULL, &i))
			failed(r, "install", i.reason);
		for (k = 0; k < 8; k++) {
			if (_translate(r->g.space, 0, READ, ops[k].va, &t) ||
			    t.ra != (ops[k].value & PTE_ADDRESS))
				failed(r, "installed, but not there", t.ra);
		}
		r->rounds[0]++;
	}
	return NULL;
}

static void *translate_pages(void *arg)
{
	struct race *r = arg;
	struct vmmu_translation t[PAGES];
	unsigned int seed = 5;
	__u32 done, k;

	while (running(r)) {
		__u32 flags = (dice(&seed, 2) ? SET_AD : 0) |
			      (dice(&seed, 2) ? PROVIDE : 0);

		if (_translate_many(r->g.space, flags, WRITE, NULL, 0, PAGES, t,
				    &done) || done != PAGES)
			failed(r, "translate", done);
		for (k = 0; k < PAGES; k++) {
			if (!(t[k].flags & VMMU_TRANSLATED)) {
				if (t[k].reason != VMMU_REASON_NOT_PRESENT)
					failed(r, "reason", t[k].reason);
				continue;
			}
			if (t[k].ra % PAGE || t[k].ra < page_ra(r, 0) ||
			    t[k].ra >= page_ra(r, PAGES))
				failed(r, "a foreign page", t[k].ra);
			if ((flags & PROVIDE) &&
			    t[k].reason != VMMU_REASON_NONE)
				failed(r, "not provided", t[k].reason);
		}
		r->rounds[1]++;
	}
	return NULL;
}

static void *discard_pages(void *arg)
{
	struct race *r = arg;
	unsigned int seed = 6;
	__u64 done;

	while (running(r)) {
		_range(r->g.vm, VMMU_IOC_DISCARD,
		       page_ra(r, dice(&seed, PAGES)), PAGE, &done);
		r->rounds[2]++;
	}
	return NULL;
}

TEST_F(races, install_against_translate)
{
	guest_slot(&self->r->g, 0, 1);
	run_threads(self->r, install_pages, translate_pages, discard_pages);
	consistent(self->r->g.vm);
}

/* What a child does until it is killed: everything, on both VMs and its own. */
static void wild_life(struct race *r, unsigned int seed)
{
	struct vmmu_translation t[PAGES];
	struct vmmu_vm_create c;
	struct vmmu_space_create s;
	unsigned char *mem;
	__u64 done;
	__u32 n;

	for (;;) {
		if (_vm_create(r->g.dev, REAL, &c))
			_exit(1);
		mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			   c.fd, 0);
		_space_create(c.fd, FORMAT4, 0, MODE(0), &s);
		_range(c.fd, VMMU_IOC_POPULATE, 0, MIB, &done);
		mem[dice(&seed, REAL)] = 1;
		_translate_many(s.fd, PROVIDE, READ, NULL, 0, PAGES, t, &n);
		_range(r[seed & 1].g.vm, VMMU_IOC_DISCARD, page_ra(r, 0),
		       PAGES * PAGE, &done);
		_translate_many(r->g.space, PROVIDE, READ, NULL, 0, PAGES, t,
				&n);
		r->g.mem[page_ra(r, dice(&seed, PAGES))] = 0;
		if (!dice(&seed, 4) && !fork()) {
			mem[dice(&seed, REAL)] = 2;
			_exit(0);
		}
		close(c.fd);
		if (dice(&seed, 2))
			munmap(mem, REAL);
		close(s.fd);
	}
}

TEST_F(races, killed_at_any_time)
{
	struct race *r = self->r;
	__u64 end = now_ms() + RUN_MS;
	unsigned int seed = 7, i;
	pid_t pids[3];
	int nr = 0;

	guest_slot(&r->g, 0, 1);
	for (i = 0; i < PAGES; i++)
		guest_map(&r->g, i * PAGE, 1, page_ra(r, i) | PTE_ALL);
	for (; now_ms() < end; nr++) {
		for (i = 0; i < ARRAY_SIZE(pids); i++) {
			pids[i] = fork();
			ASSERT_LE(0, pids[i]);
			if (!pids[i])
				wild_life(r, seed + i);
		}
		sleep_ms(1 + dice(&seed, 20));
		for (i = 0; i < ARRAY_SIZE(pids); i++)
			kill(pids[i], SIGKILL);
		for (i = 0; i < ARRAY_SIZE(pids); i++)
			ASSERT_EQ(128 + SIGKILL, child_wait(pids[i]));
	}
	printf("# rounds: %d\n", nr);
	consistent(r[0].g.vm);
	consistent(r[1].g.vm);
	ASSERT_EQ(1, vm_info(r[0].g.vm).nr_spaces);
	ASSERT_EQ(1, vm_info(r[1].g.vm).nr_spaces);
}

TEST_HARNESS_MAIN
