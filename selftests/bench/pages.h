/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plain memory that rows measure: mappings of a process, without vmmu. They are
 * writable, and in pages of 4 KiB, as vmmu's are.
 */
#ifndef BENCH_PAGES_H
#define BENCH_PAGES_H

#include "bench.h"

/* Map @nr anonymous pages, none of which is present. Returns 0 or -errno. */
int memory_anonymous(char **memory, unsigned long nr);

/*
 * Make a memfd of @nr pages, all resident, the first word of each its index in
 * the file. Returns it, or -errno.
 */
int memory_file(unsigned long nr);

/* Map @nr pages of @file, shared, none of which is present. */
int memory_map(int file, char **memory, unsigned long nr);

/* Write to each of @nr pages. */
void memory_write(char *memory, unsigned long nr);

/* Make none of @nr pages present, and free those that are anonymous. */
int memory_drop(char *memory, unsigned long nr);

/* memory_drop(), and let the kernel end what that puts off. */
int memory_drop_settled(char *memory, unsigned long nr);

#endif /* BENCH_PAGES_H */
