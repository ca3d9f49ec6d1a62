/* SPDX-License-Identifier: GPL-2.0 */
/* What fork by userfaultfd takes beside way_uffd. They return 0 or -errno. */
#ifndef BENCH_END_UFFD_H
#define BENCH_END_UFFD_H

#include <stdbool.h>

struct as;

/* Give a page that is missing its contents. */
int uffd_copy(struct as *as, unsigned long page, const void *from, bool writable);

/* A write to these pages is a fault from now on. */
int uffd_protect(struct as *as, unsigned long first, unsigned long nr);

#endif /* BENCH_END_UFFD_H */
