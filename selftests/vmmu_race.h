/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads against each other for a while, over two VMs. What a thread finds
 * wrong it counts; a test fails by the count.
 */
#ifndef VMMU_RACE_H
#define VMMU_RACE_H

#include <pthread.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(8 * MIB)
#define PAGES	64		/* that the races are about */
#define RUN_MS	2000

/* What the threads of a test share. */
struct race {
	struct guest g;
	__u64 tag;		/* of this VM; | index is a page's */
	int stop;
	unsigned long errors, rounds[4];
	__u64 roots[2];
};

static inline __u64 page_ra(struct race *r, int i)
{
	return r->g.data + i * PAGE;
}

static inline bool running(struct race *r)
{
	return !__atomic_load_n(&r->stop, __ATOMIC_RELAXED);
}

static inline void failed(struct race *r, const char *what, __u64 value)
{
	if (__atomic_fetch_add(&r->errors, 1, __ATOMIC_RELAXED) < 5)
		fprintf(stderr, "# %s: %llx\n", what,
			(unsigned long long)value);
}

static inline unsigned int dice(unsigned int *seed, unsigned int sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % sides;
}

/* Run threads for a while; their errors fail the test. */
#define run_threads(of, ...) do {					\
	void *(*__fn[])(void *) = { __VA_ARGS__ };			\
	pthread_t __threads[ARRAY_SIZE(__fn)];				\
	struct race *__r = (of);					\
	unsigned int __i;						\
									\
	for (__i = 0; __i < ARRAY_SIZE(__fn); __i++) {			\
		ASSERT_EQ(0, pthread_create(&__threads[__i], NULL,	\
					    __fn[__i], __r));		\
	}								\
	sleep_ms(RUN_MS);						\
	__atomic_store_n(&__r[0].stop, 1, __ATOMIC_RELAXED);		\
	__atomic_store_n(&__r[1].stop, 1, __ATOMIC_RELAXED);		\
	for (__i = 0; __i < ARRAY_SIZE(__fn); __i++)			\
		pthread_join(__threads[__i], NULL);			\
	ASSERT_EQ(0, __r[0].errors + __r[1].errors);			\
	printf("# rounds: %lu %lu %lu %lu\n", __r[0].rounds[0],		\
	       __r[0].rounds[1], __r[0].rounds[2], __r[0].rounds[3]);	\
	for (__i = 0; __i < ARRAY_SIZE(__fn) && __i < 4; __i++) {	\
		ASSERT_LT(0, __r[0].rounds[__i]);			\
	}								\
} while (0)

/* Two guests, whose pages' tags differ, in memory that children share. */
#define races_make(made, device) do {					\
	struct race *__two;						\
	int __n, __dev = (device);					\
									\
	__two = mmap(NULL, 2 * sizeof(*__two), PROT_READ | PROT_WRITE,	\
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);		\
	ASSERT_NE(MAP_FAILED, (void *)__two);				\
	for (__n = 0; __n < 2; __n++) {					\
		guest_make(&__two[__n].g, __dev, REAL, FORMAT4, 0);	\
		__two[__n].tag = (__n + 1) * 0x1111111111110000;	\
	}								\
	(made) = __two;							\
} while (0)

static inline void races_drop(struct race *r)
{
	guest_drop(&r[0].g);
	guest_drop(&r[1].g);
	close(r->g.dev);
}

#endif /* VMMU_RACE_H */
