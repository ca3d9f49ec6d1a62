/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a row of the benchmark is, and what the files of rows share. Each row
 * runs in a process of its own, so its state may be static, and nobody cleans
 * up behind it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define PAGE		4096UL

/* A page-table entry: present, writable, user, accessed, dirty. */
#define ENTRY(ra)	((ra) | 0x67)

#define NR(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct row - something that is measured
 * @name: what it is called in results and on the command line.
 * @what: the operation, in words.
 * @note: what a reader of the figure must know, or NULL.
 * @unit: of the figure; NULL: instructions.
 * @nr: how many operations @run does.
 * @begin: makes what the row needs; not measured; or NULL.
 * @prepare: puts everything back before each @run; not measured; or NULL.
 * @run: the operations; what is measured is the time stamp counter over it.
 * @check: whether @run has done what it should, after each; not measured; or NULL.
 * @around: what @run does even without any operation, whose ticks do not count;
 *	or NULL.
 * @measure: measures by itself, instead of @prepare and @run, and stores the
 *	figure of one operation.
 *
 * What @run does is counted in instructions (one tick each, where the VM counts
 * them). The functions return 0 or -errno; SKIP if the kernel
 * does not have what the row needs.
 */
struct row {
	const char *name;
	const char *what;
	const char *note;
	const char *unit;
	unsigned int nr;
	int (*begin)(void);
	int (*prepare)(void);
	int (*run)(void);
	int (*check)(void);
	int (*around)(void);
	int (*measure)(double *value);
};

#define SKIP	1000

/* The files of rows, each ended by a row without a name. */
extern const struct row floors[];
extern const struct row ours[];
extern const struct row peers_uffd[];
extern const struct row peers_mmap[];
extern const struct row peers_other[];
extern const struct row memory_rows[];
extern const struct row kvm[];
extern const struct row end_paging[];
extern const struct row end_fork[];
extern const struct row end_exit[];
extern const struct row end_server[];

/**
 * struct outcome - what became of a measurement
 * @ret: 0, SKIP or -errno; -EPIPE if the process died.
 * @value: the figure of one operation.
 */
struct outcome {
	int ret;
	double value;
};

struct outcome measure_row(const struct row *row, unsigned int repeats);

/* Why it has no value, in words. */
const char *outcome_reason(const struct outcome *outcome);

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* What two calls of rdtsc() without anything in between tell. */
uint64_t rdtsc_cost(void);

/*
 * Let the kernel end what it has put off: frees after grace periods, above all.
 * Otherwise it comes while something else is measured.
 */
void settle(void);

/* Allow the process @nr files beside the few that it has. Returns 0 or -errno. */
int allow_files(unsigned int nr);

/* Read or write a byte of a page. */
static inline void touch(volatile char *page)
{
	(void)*page;
}

static inline void dirty(volatile char *page)
{
	*page = 1;
}

/* LOADS loads of words of @page, and for every eight of them a loop's turn. */
#define LOADS		8192UL

static inline void load_words(const char *page)
{
	for (unsigned long i = 0; i < LOADS / 8; i++) {
		asm volatile("mov (%0), %%rax; mov 8(%0), %%rax\n\t"
			     "mov 16(%0), %%rax; mov 24(%0), %%rax\n\t"
			     "mov 32(%0), %%rax; mov 40(%0), %%rax\n\t"
			     "mov 48(%0), %%rax; mov 56(%0), %%rax"
			     : : "r" (page) : "rax", "memory");
	}
}

#endif /* BENCH_H */
