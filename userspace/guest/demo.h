/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the demo share: colours, looking at the real map table,
 * and counting checks. The guest OS itself (guest.h) knows nothing of it.
 */
#ifndef DEMO_H
#define DEMO_H

#include "guest.h"

/* Each kind of address has a colour. All are "" when colours are off. */
enum ink { PLAIN, VIRTUAL, REAL, FRAME, TITLE, GOOD, BAD };

void ink_on(void);
const char *ink(enum ink which);
void paint(enum ink ink, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void draw_title(const char *title);
void draw_legend(void);
int draw_guest(const struct guest *guest);
int draw_trees(const struct guest *guest);

/*
 * The checks of the demo.
 * @pagemap: /proc/self/pagemap, open; -1 when it cannot be read
 * @frames_shown: the module tells frame numbers, so they can be checked
 * @windows: windows whose host page-table entries the module has checked
 * @host_entries: and how many of these that were
 */
struct checks {
	int pagemap;
	bool frames_shown;
	unsigned int windows;
	unsigned int host_entries;
	unsigned int passed;
	unsigned int failed;
};

int checks_init(struct checks *checks, const struct guest *guest);
void checks_exit(struct checks *checks);
bool check(struct checks *checks, bool holds, const char *what);

/* An entry of a real map table; no entry when @present is false. */
struct real_entry {
	bool present;
	bool hidden;
	uint64_t frame;
};

int look_real(const struct guest *guest, uint64_t ra, struct real_entry *entry);
const char *frame_text(const struct real_entry *entry, char text[24]);

/* Where a virtual address ends. */
struct end {
	uint64_t ra;
	struct real_entry real;
};

int check_end(struct checks *checks, const struct program *program,
	      uint64_t va, struct end *end);
int check_real_map(struct checks *checks, const struct guest *guest);
int count_real_map(const struct guest *guest, unsigned int *nr);
int check_windows(struct checks *checks, const struct guest *guest);

/*
 * Shows each install as it happens.
 * @slow: faults to be shown in slow motion, before the others get a line each
 * @quiet: show nothing, check only
 * @nr: faults so far
 * @err: the first error of looking at the real map table
 * @before: real map entries of the pages in fault->change, before the install
 */
struct steps {
	struct watcher watcher;
	struct checks *checks;
	unsigned int slow;
	bool quiet;
	unsigned int nr;
	int err;
	struct real_entry before[VMMU_TABLE_MAX_LEVELS];
};

void steps_init(struct steps *steps, struct checks *checks, unsigned int slow,
		bool quiet);

/* ends.c: where the addresses end */

#define NR_GUESTS	2
#define NR_PROGRAMS	3

/* In the first page of the stack. */
#define STACK_VA	(STACK_END - 8UL)

struct cast {
	struct guest guests[NR_GUESTS];
	unsigned int nr_guests;
	struct program *programs[NR_PROGRAMS];
};

int show_ends(struct checks *checks, const struct cast *cast);
int show_note(struct checks *checks, const struct program *program,
	      struct end *end);

/* acts.c: what happens, in this order */

struct demo {
	const char *programs;	/* the folder with their files */
	uint32_t format;
	bool verbose;
	bool quiet;
	struct cast cast;
	struct checks checks;
	struct steps steps;
};

int act_boot(struct demo *demo, int dev);
int act_run(struct demo *demo);
int act_figure(struct demo *demo);
int act_fork(struct demo *demo);
int act_stack(struct demo *demo);
int act_wild(struct demo *demo);
int act_exit(struct demo *demo);

#endif /* DEMO_H */
