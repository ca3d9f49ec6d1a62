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

/*
 * An entry of a real map table; no entry when @present is false.
 * @hidden: the module does not tell the frame
 * @protected: a page table, which stores can't reach unnoticed
 */
struct real_entry {
	bool present;
	bool hidden;
	bool protected;
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
int host_frame(const struct checks *checks, const struct guest *guest,
	       uint64_t ra, uint64_t *frame);
int check_windows(struct checks *checks, const struct guest *guest);

/* sight.c: what is seen of entries that change, from outside */

/*
 * One entry that has changed.
 * @op: which, and what it was to become
 * @entry_ra: where it lies
 * @old: what it was
 * @now: what it is
 * @ra: the real page that it refers to
 * @before: that page's real map entry, before
 * @after: and after
 * @table: the real map entry of the page that the entry lies in, after
 * @ledger_before: the VM's ledger, before the act that changed it
 * @ledger_after: and after
 * @record: what a monitor was told of it; @told: whether it was
 */
struct sight {
	struct vmmu_install_op op;
	uint64_t entry_ra;
	uint64_t old;
	uint64_t now;
	uint64_t ra;
	struct real_entry before;
	struct real_entry after;
	struct real_entry table;
	struct vmmu_ledger ledger_before;
	struct vmmu_ledger ledger_after;
	struct vmmu_trap_record record;
	bool told;
};

/*
 * The entries that change for one page fault.
 * @monitor: a trap file that is told of installs; -1: nobody looks now
 * @nr: how many have changed
 * @err: the first error of looking
 */
struct sights {
	int monitor;
	unsigned int nr;
	int err;
	struct sight of[VMMU_TABLE_MAX_LEVELS];
};

void sights_begin(struct sights *sights, const struct program *program);
void sights_before(struct sights *sights, const struct program *program,
		   const struct vmmu_install_op *ops, unsigned int nr);
void sights_after(struct sights *sights, const struct program *program,
		  unsigned int nr);
void sights_end(struct sights *sights);
void check_sights(struct checks *checks, const struct sights *sights,
		  const struct program *program);
uint64_t nr_installs(const struct vmmu_ledger *ledger);

/*
 * Shows each install as it happens.
 * @slow: faults to be shown in slow motion, before the others get a line each
 * @quiet: show nothing, check only
 * @nr: faults so far
 * @err: the first error of looking at the real map table
 * @sights: what was seen of the entries of the fault that is being served
 * @first: the last of them for the first fault, and @first_program whose
 */
struct steps {
	struct watcher watcher;
	struct checks *checks;
	unsigned int slow;
	bool quiet;
	unsigned int nr;
	int err;
	struct sights sights;
	struct sight first;
	const struct program *first_program;
};

void steps_init(struct steps *steps, struct checks *checks, unsigned int slow,
		bool quiet);

/* slow.c: slow motion */

const char *rights_of(const struct region *region);
void show_change(const struct real_entry *before,
		 const struct real_entry *after, int width);
void slow_before(const struct fault *fault);
void slow_after(const struct steps *steps, const struct fault *fault);
void slow_served(const struct fault *fault, const struct end *end);
void slow_goes_on(const struct steps *steps, uint64_t entry);

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
	enum way way;
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

/* compare.c: the four ways to change an entry */

int act_compare(struct demo *demo, int dev);

#endif /* DEMO_H */
