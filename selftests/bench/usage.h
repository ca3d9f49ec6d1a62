/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What memory is in use, by the machine's free memory. That, not slab counters
 * or a memory cgroup, because it leaves nothing out: neither pages that are no
 * slab's, nor what slabs lose, nor what is charged to nobody. Make some objects
 * before, which fill what gaps slabs have, then many, and divide.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

/* KiB in use by everything; -errno. */
long usage_all(void);

/* KiB of page tables of the host. */
long usage_host_tables(void);

/*
 * What @usage says once caches are dropped, and the kernel has freed what it was
 * going to free.
 */
long usage_settled(long (*usage)(void));

#endif /* BENCH_USAGE_H */
