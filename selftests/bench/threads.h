/* SPDX-License-Identifier: GPL-2.0 */
/* What several threads do at once. */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include "guest.h"

#define MOST_THREADS	8

/**
 * struct load - what each of several threads does
 * @name: what it is called in results and on the command line.
 * @what: what they do, in words.
 * @note: what a reader of the figure must know, or NULL.
 * @begin: makes what @nr threads need.
 * @prepare: puts everything back before each @run, for all; or NULL.
 * @run: the work of one thread, number @thread: the same however many there are.
 *
 * The functions return 0 or -errno.
 */
struct load {
	const char *name;
	const char *what;
	const char *note;
	int (*begin)(unsigned int nr);
	int (*prepare)(void);
	int (*run)(unsigned int thread);
};

/* Ended by one without a name. */
extern const struct load loads[];

#endif /* BENCH_THREADS_H */
