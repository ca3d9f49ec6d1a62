/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a sweep is: a row that is measured with several values of one parameter.
 */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include "tree.h"

/**
 * enum growth - what is expected of a sweep, and what its limit is of
 * @FLAT: all points are alike; most over least.
 * @LINEAR: each more costs the same; the slope of the last interval over the
 *	slope of those before.
 * @BOUND: no point is above the limit.
 */
enum growth { FLAT, LINEAR, BOUND };

#define MOST_POINTS	8

/**
 * struct sweep - a sweep
 * @row: what is measured, each time in a process of its own; it looks at
 *	parameter for the value. Its @nr may be 0: one operation.
 * @parameter: what the value is of.
 * @points: the values, growing; ended by 0.
 * @growth: what is expected.
 * @limit: the most that is good.
 */
struct sweep {
	struct row row;
	const char *parameter;
	unsigned long points[MOST_POINTS + 1];
	enum growth growth;
	double limit;
};

extern unsigned long parameter;

/* The files of sweeps, each ended by a sweep without a name. */
extern const struct sweep scale_real[];
extern const struct sweep scale_vms[];
extern const struct sweep scale_windows[];
extern const struct sweep scale_tables[];

#endif /* BENCH_SCALE_H */
