// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of one thread, and of two at once: how they scale is printed. Faults
 * take no lock that all of a VM share; the host's own are per VMA since 6.12,
 * and one for each process before.
 */
#include <pthread.h>

#include "vmmu_window.h"

#define NR	8192		/* pages */
#define FRAMES	64
#define VA	(1 * GIB)

/*
 * @w: the window, from the thread's first page on
 * @nr: pages that it touches
 * @wrong: how many of them showed something else
 */
struct toucher {
	unsigned char *w;
	int nr;
	unsigned long wrong;
};

/* Downwards, where nothing is mapped ahead. */
static void *touch(void *data)
{
	struct toucher *t = data;

	for (int i = t->nr - 1; i >= 0; i--)
		t->wrong += load(t->w + i * PAGE) != (unsigned int)i % FRAMES;
	return NULL;
}

/* Microseconds that @nr threads take to touch all pages, which nobody has yet. */
static long measure(unsigned char *w, int nr, unsigned long *wrong)
{
	struct timespec start, end;
	struct toucher t[2];
	pthread_t threads[2];

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < nr; i++) {
		t[i] = (struct toucher){ w + NR / nr * i * PAGE, NR / nr };
		pthread_create(&threads[i], NULL, touch, &t[i]);
	}
	for (int i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		*wrong += t[i].wrong;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - start.tv_sec) * 1000000 +
	       (end.tv_nsec - start.tv_nsec) / 1000 + 1;
}

/* Best of a few: others use the machine, too. */
#define measure_best(nr) ({						\
	long __best = 0;						\
									\
	for (int __i = 0; __i < 5; __i++) {				\
		long __took;						\
									\
		invalidate_all(g.space);				\
		__took = measure(w, nr, &wrong);			\
		ASSERT_EQ(NR, audit(g.vm).checked);			\
		if (!__i || __took < __best)				\
			__best = __took;				\
	}								\
	__best;								\
})

TEST(scaling)
{
	unsigned long wrong = 0;
	int dev = dev_open();
	unsigned char *w;
	struct guest g;
	long one, two;

	ASSERT_LE(0, dev);
	guest_make(&g, dev, 64 * MIB, FORMAT4, VMMU_MODE_WP);
	for (int n = 0; n < NR; n++) {
		__u64 ra = g.data + n % FRAMES * PAGE;

		guest_map(&g, VA + n * PAGE, 1, ra | PTE_ALL);
		store(g.mem + ra, n % FRAMES);
	}
	w = window(g.space, VA, NR * PAGE);
	measure(w, 1, &wrong);	/* makes the host's tables */
	one = measure_best(1);
	two = measure_best(2);
	printf("# %d faults: %ld us by one thread, %ld us by two: %.2f times as many at once\n",
	       NR, one, two, (double)one / two);
	ASSERT_EQ(0, wrong);
	audit_clean(g.vm);
	guest_drop(&g);
	close(dev);
}

TEST_HARNESS_MAIN
