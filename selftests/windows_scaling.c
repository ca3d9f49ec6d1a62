// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of one thread, and of two at once: how they scale is printed, beside how
 * the host's own faults do in the same machine. Faults of windows take no lock
 * that all of a VM share; the host's own are per VMA since 6.12, and one for each
 * process before.
 */
#include <limits.h>
#include <pthread.h>

#include "vmmu_window.h"

#define NR	8192		/* pages */
#define RUNS	5		/* of which the best counts */
#define FRAMES	64
#define VA	(1 * GIB)

/*
 * @w: memory
 * @space: whose window it is; -1: nobody's
 * @frames: among how many frames the pages take turns, each with its number
 */
struct memory {
	unsigned char *w;
	int space;
	unsigned int frames;
};

/*
 * @w: the memory, from the thread's first page on
 * @nr: pages that it touches
 * @wrong: how many of them showed something else
 */
struct toucher {
	const struct memory *memory;
	unsigned char *w;
	int nr;
	unsigned long wrong;
};

/* Downwards, where nothing is mapped ahead. */
static void *touch(void *data)
{
	struct toucher *t = data;

	for (int i = t->nr - 1; i >= 0; i--)
		t->wrong += load(t->w + i * PAGE) != i % t->memory->frames;
	return NULL;
}

/* Microseconds that @nr threads take to touch all pages, which nobody has yet. */
static long measure(const struct memory *m, int nr, unsigned long *wrong)
{
	struct timespec start, end;
	struct toucher t[2];
	pthread_t threads[2];

	if (m->space >= 0)
		_invalidate(m->space, VMMU_INVALIDATE_ALL, 0, 0);
	else
		madvise(m->w, NR * PAGE, MADV_DONTNEED);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < nr; i++) {
		t[i] = (struct toucher){ m, m->w + NR / nr * i * PAGE, NR / nr };
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

/*
 * By one thread and by two, and the best of a few: others use the machine, too.
 * Returns how many pages showed something else.
 */
static unsigned long compare(const char *title, const struct memory *m)
{
	long took, best[3] = { 0, LONG_MAX, LONG_MAX };
	unsigned long wrong = 0;

	measure(m, 1, &wrong);	/* makes the host's tables */
	for (int i = 0; i < RUNS; i++) {
		for (int nr = 1; nr <= 2; nr++) {
			took = measure(m, nr, &wrong);
			if (took < best[nr])
				best[nr] = took;
		}
	}
	printf("# %d faults in %s: %ld us by one thread, %ld us by two: ", NR,
	       title, best[1], best[2]);
	printf("%.2f times as many at once\n", (double)best[1] / best[2]);
	return wrong;
}

TEST(scaling)
{
	struct memory m = { .frames = FRAMES };
	int dev = dev_open();
	struct guest g;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&g, dev, 64 * MIB, FORMAT4, VMMU_MODE_WP);
	for (int n = 0; n < NR; n++) {
		__u64 ra = g.data + n % FRAMES * PAGE;

		guest_map(&g, VA + n * PAGE, 1, ra | PTE_ALL);
		store(g.mem + ra, n % FRAMES);
	}
	m.space = g.space;
	m.w = window(g.space, VA, NR * PAGE);
	invalidate_all(m.space);
	ASSERT_EQ(0, compare("a window", &m));
	ASSERT_EQ(NR, audit(g.vm).checked);
	audit_clean(g.vm);
	guest_drop(&g);
	close(dev);
}

/* What the kernel and the machine make of it without a window. */
TEST(scaling_of_plain_memory)
{
	struct memory m = { .space = -1, .frames = 1 };

	m.w = mmap(NULL, NR * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	ASSERT_NE(MAP_FAILED, m.w);
	/* Fails where the kernel has no huge pages. */
	madvise(m.w, NR * PAGE, MADV_NOHUGEPAGE);
	ASSERT_EQ(0, compare("plain memory", &m));
	munmap(m.w, NR * PAGE);
}

TEST_HARNESS_MAIN
