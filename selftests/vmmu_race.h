/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads against each other for a while, over two VMs. Each thread counts what
 * it did and what it found wrong; a test fails by a single wrong answer, and by
 * a thread that came to nothing.
 *
 * Pages are tagged: VM, page and generation in one word. The owner of a VM's
 * pages takes one away and fills its successor, which has a higher generation;
 * then it raises the page's floor. Whoever reads the floor and then the page
 * must see zeroes, or that very page in a generation not below it: anything
 * else is another page, another VM's, or one that is gone.
 */
#ifndef VMMU_RACE_H
#define VMMU_RACE_H

#include <pthread.h>
#include <sched.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(8 * MIB)
#define PAGES	64		/* that the races are about */

/* What all tests together may take, if VMMU_RACE_SECONDS does not say. */
#define RACE_SECONDS	120
/* Milliseconds more, at most, until every thread has done something. */
#define RACE_PATIENCE	15000

#define TAG_VM_SHIFT	60
#define TAG_PAGE_SHIFT	48
#define TAG_GENERATION	(BIT_ULL(TAG_PAGE_SHIFT) - 1)

/*
 * @g: the VM, and a space of it
 * @number: the VM's, 1 or 2
 * @stop: the time is up
 * @generation: the newest of any page
 * @floor: of each page, see above
 * @epoch: of each page; odd while its owner is about to take it away
 * @want: of each virtual page, what it maps: see want_of()
 * @roots: of a test that changes roots
 */
struct race {
	struct guest g;
	__u64 number;
	int stop;
	__u64 generation, floor[PAGES], epoch[PAGES], want[PAGES];
	__u64 roots[2];
};

/*
 * @run: what the thread does
 * @what: it counts
 * @done, @wrong: how many, and how many of them wrong
 */
struct worker {
	void (*run)(struct worker *w);
	const char *what;
	struct race *r;		/* two, of different VMs */
	unsigned long done, wrong;
	unsigned int seed;
};

static inline __u64 page_ra(struct race *r, int i)
{
	return r->g.data + i * PAGE;
}

static inline bool running(struct worker *w)
{
	return !__atomic_load_n(&w->r->stop, __ATOMIC_RELAXED);
}

static inline void failed(struct worker *w, const char *what, __u64 value)
{
	if (w->wrong++ < 5)
		fprintf(stderr, "# %s: %s: %llx\n", w->what, what,
			(unsigned long long)value);
}

static inline unsigned int dice(unsigned int *seed, unsigned int sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % sides;
}

/* Milliseconds for a test: its share of the time, with delays and without. */
static inline unsigned int race_ms(void)
{
	const char *text = getenv("VMMU_RACE_SECONDS");
	unsigned int seconds = text ? atoi(text) : 0;

	return (seconds ?: RACE_SECONDS) * 1000 / (2 * RACES);
}

static inline __u64 tag_of(struct race *r, int page, __u64 generation)
{
	return r->number << TAG_VM_SHIFT | (__u64)page << TAG_PAGE_SHIFT |
	       generation;
}

/* Look at page @i through a mapping of all pages of @r. */
static inline void check_page(struct worker *w, struct race *r,
			      const unsigned char *view, int i)
{
	__u64 floor = __atomic_load_n(&r->floor[i], __ATOMIC_SEQ_CST);
	const __u64 *page = (const __u64 *)(view + i * PAGE);
	int word = w->seed & 1 ? 511 : 0;
	__u64 seen = __atomic_load_n(page + word, __ATOMIC_SEQ_CST);

	w->done++;
	if (!seen)
		return;
	if (seen >> TAG_PAGE_SHIFT != tag_of(r, i, 0) >> TAG_PAGE_SHIFT)
		failed(w, "another page", seen);
	else if ((seen & TAG_GENERATION) < floor)
		failed(w, "a page that is gone", seen);
}

static inline __u64 vm_sequence(int vm)
{
	struct vmmu_vm_info i;

	return _vm_info(vm, &i) ? 0 : i.sequence;
}

/* Its owner takes pages away, sees that they are gone, and fills new ones. */
static inline void renew_pages(struct worker *w, struct race *r, int first,
			       int nr)
{
	__u64 done, before = vm_sequence(r->g.vm);
	bool filled = false;
	int i;

	for (i = first; i < first + nr; i++) {
		__atomic_fetch_add(&r->epoch[i], 1, __ATOMIC_SEQ_CST);
		filled |= r->floor[i];
	}
	if (_range(r->g.vm, VMMU_IOC_DISCARD, page_ra(r, first), nr * PAGE,
		   &done))
		failed(w, "discard", done);
	if (filled && vm_sequence(r->g.vm) == before)
		failed(w, "the sequence stands still", before);
	for (i = first; i < first + nr; i++) {
		__u64 *page = (__u64 *)(r->g.mem + page_ra(r, i));
		__u64 tag = tag_of(r, i, ++r->generation);
		__u64 seen = __atomic_load_n(page, __ATOMIC_SEQ_CST);

		if (seen)
			failed(w, "a discarded page has data", seen);
		__atomic_store_n(page, tag, __ATOMIC_SEQ_CST);
		__atomic_store_n(page + 511, tag, __ATOMIC_SEQ_CST);
		__atomic_store_n(&r->floor[i], tag & TAG_GENERATION,
				 __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&r->epoch[i], 1, __ATOMIC_SEQ_CST);
		w->done++;
	}
}

static inline void own_pages(struct worker *w, struct race *r)
{
	while (running(w)) {
		int first = dice(&w->seed, PAGES);

		renew_pages(w, r, first, 1 + dice(&w->seed,
						  dice(&w->seed, 2) ? 1 :
						  PAGES - first));
	}
}

static inline void own_first(struct worker *w)
{
	own_pages(w, w->r);
}

static inline void own_second(struct worker *w)
{
	own_pages(w, w->r + 1);
}

/* A mapping of all tagged pages, or NULL. */
static inline unsigned char *view_of(struct race *r, int prot)
{
	void *view = mmap(NULL, PAGES * PAGE, prot, MAP_SHARED, r->g.vm,
			  page_ra(r, 0));

	return view == MAP_FAILED ? NULL : view;
}

static inline void *worker_run(void *arg)
{
	struct worker *w = arg;

	w->run(w);
	return NULL;
}

/* Start a worker on a CPU of its own, as far as there are. */
static inline int worker_start(struct worker *w, struct race *r, int number,
			       pthread_t *thread)
{
	int cpu = number % sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t cpus;

	w->r = r;
	w->seed = number + 1;
	if (pthread_create(thread, NULL, worker_run, w))
		return -1;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return pthread_setaffinity_np(*thread, sizeof(cpus), &cpus);
}

/* Whether some worker has come to nothing yet. */
static inline bool any_idle(struct worker *workers, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!__atomic_load_n(&workers[i].done, __ATOMIC_RELAXED))
			return true;
	return false;
}

/*
 * Run workers, { function, "what" }, for @ms; longer on a busy host, where some
 * may have had no turn by then. Fails the test by their counts.
 */
#define run_workers(of, ms, ...) do {					\
	struct worker __w[] = { __VA_ARGS__ };				\
	pthread_t __threads[ARRAY_SIZE(__w)];				\
	struct race *__r = (of);					\
	unsigned int __i;						\
									\
	__r->stop = 0;							\
	for (__i = 0; __i < ARRAY_SIZE(__w); __i++) {			\
		ASSERT_EQ(0, worker_start(&__w[__i], __r, __i,		\
					  &__threads[__i]));		\
	}								\
	sleep_ms(ms);							\
	for (__i = 0; __i < RACE_PATIENCE &&				\
	     any_idle(__w, ARRAY_SIZE(__w)); __i += 100)		\
		sleep_ms(100);						\
	__atomic_store_n(&__r->stop, 1, __ATOMIC_RELAXED);		\
	for (__i = 0; __i < ARRAY_SIZE(__w); __i++)			\
		pthread_join(__threads[__i], NULL);			\
	for (__i = 0; __i < ARRAY_SIZE(__w); __i++)			\
		printf("# %lu %s, %lu wrong\n", __w[__i].done,		\
		       __w[__i].what, __w[__i].wrong);			\
	for (__i = 0; __i < ARRAY_SIZE(__w); __i++) {			\
		EXPECT_EQ(0, __w[__i].wrong) TH_LOG("%s", __w[__i].what);\
		EXPECT_LT(0, __w[__i].done) TH_LOG("%s", __w[__i].what);\
	}								\
} while (0)

/* Two guests whose pages' tags differ, in memory that children share. */
#define races_make(made, device) do {					\
	struct race *__two;						\
	int __n, __dev = (device);					\
									\
	__two = mmap(NULL, 2 * sizeof(*__two), PROT_READ | PROT_WRITE,	\
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);		\
	ASSERT_NE(MAP_FAILED, (void *)__two);				\
	for (__n = 0; __n < 2; __n++) {					\
		guest_make(&__two[__n].g, __dev, REAL, FORMAT4, 0);	\
		__two[__n].number = __n + 1;				\
	}								\
	(made) = __two;							\
} while (0)

static inline void races_drop(struct race *r)
{
	guest_drop(&r[0].g);
	guest_drop(&r[1].g);
	close(r->g.dev);
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
	for (__i = 0; !geteuid() && __i < PAGES; __i++) {		\
		unsigned char *__at = __r->g.mem + page_ra(__r, __i);	\
		__u64 __frame = pagemap_frame(__at);			\
									\
		ASSERT_TRUE(!__frame || __frame ==			\
			    real_page(__r->g.vm, page_ra(__r, __i)).frame)\
			TH_LOG("page %u", __i);				\
	}								\
} while (0)

#endif /* VMMU_RACE_H */
