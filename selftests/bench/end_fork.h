/* SPDX-License-Identifier: GPL-2.0 */
/* What the files about fork share. */
#ifndef BENCH_END_FORK_H
#define BENCH_END_FORK_H

#include "end.h"

#define FORK_PAGES	256UL
#define WRITE_EVERY	4UL	/* the child writes a quarter of them */
#define FORK_WRITES	(FORK_PAGES / WRITE_EVERY)

/* The parent's pages hold what they shall, and it may write them. */
int fork_prepare_parent(void);

/* What the child does, and afterwards: neither sees what is not its own. */
void fork_write(struct as *as);
int fork_check(void);

/* The peers. */
int fork_begin_mmap(void);
int fork_begin_process(void);
int fork_prepare_mmap(void);
int fork_run_mmap(void);
int fork_check_mmap(void);

int fork_begin_uffd(void);
int fork_prepare_uffd(void);
int fork_run_uffd(void);
int fork_check_uffd(void);

#endif /* BENCH_END_FORK_H */
