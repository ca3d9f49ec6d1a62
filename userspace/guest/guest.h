/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A miniature guest OS, made to be read.
 *
 * An operating system in a virtual machine believes that it owns a machine's
 * memory. It hands that memory out page by page, and for each program it runs
 * it keeps a page table that says which page is where. What it takes for
 * physical memory is called real memory here, because it is the hypervisor,
 * the module behind /dev/vmmu, that decides which physical frame of the host
 * stands behind each real page:
 *
 *     virtual page --(page table: tables.c)--> real page
 *                  --(real map table: the module)--> physical frame
 *
 * This guest OS is a Linux process. The VM's real memory is mapped into it, so
 * it can write page tables and load programs there, much as a kernel does
 * through its own linear mapping. What a kernel would keep in memory of its
 * own (lists of pages, regions, programs) is ordinary data of this process.
 *
 * Its programs are machine code, from files, and the host's processor executes
 * them at full speed, each in a process that has nothing but a window onto the
 * program's page table: there the host's own MMU translates through both
 * levels. The guest OS hears of a program only when that traps.
 *
 * Read it in this order:
 *
 *     pages.c	  which real pages are free, and how many use one that is not
 *     tables.c	  page tables
 *     entries.c  the one function that changes their entries, in four ways
 *     enter.c	  how a host process becomes a program's, and nothing else's
 *     cpu.c	  how a program runs until it traps
 *     fault.c	  page faults: memory on demand, and copy-on-write
 *     calls.c	  system calls, among them fork
 *     load.c	  programs come from files
 *     program.c  the life of a program
 *     guest.c	  boot, and whose turn it is
 *     programs/  the programs
 *
 * The rest only looks on: demo.c is the main program, which starts two VMs;
 * acts.c has what the programs do there; steps.c shows each install as it
 * happens, slow.c the first one step by step, from what sight.c has seen of it;
 * draw.c draws the tables, ends.c shows where addresses end, check.c compares
 * what the module says with what the host's kernel says, and compare.c the four
 * ways to change an entry.
 * test.c and its relatives test the parts.
 *
 * Functions return 0 or -errno, unless they say otherwise.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>
#include "programs/calls.h"
#include "vmmu.h"
#include "vmmu_table.h"

#define PAGE_BYTES	4096UL

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct guest;
struct program;

/* Round an address down to its page. */
static inline uint64_t page_of(uint64_t address)
{
	return address & ~(PAGE_BYTES - 1);
}

/* pages.c: which real pages are free */

enum page_use {
	PAGE_FREE = 0,
	PAGE_RESERVED,		/* never handed out */
	PAGE_TABLE,		/* holds page-table entries */
	PAGE_MEMORY,		/* holds a page of a program's memory */
};

/*
 * What the guest OS knows about one real page.
 * @use: what it is for
 * @users: how many page tables refer to it
 * @level: PAGE_TABLE: the level of the entries it holds
 * @owner: PAGE_TABLE: whose
 * @va: PAGE_MEMORY: where its users see it, all at the same address
 * @region: PAGE_MEMORY: the name of the region that it belongs to
 */
struct page {
	enum page_use use;
	unsigned int users;
	unsigned int level;
	const struct program *owner;
	uint64_t va;
	const char *region;
};

/* All real pages of a VM: @map has an element for each, @vm is the VM's fd. */
struct pages {
	int vm;
	uint64_t nr;
	uint64_t nr_free;
	struct page *map;
};

int pages_init(struct pages *pages, int vm, uint64_t nr);
void pages_exit(struct pages *pages);
int pages_alloc(struct pages *pages, const struct page *use, uint64_t *ra);
int pages_share(struct pages *pages, uint64_t ra);
int pages_free(struct pages *pages, uint64_t ra);
const struct page *pages_look(const struct pages *pages, uint64_t ra);

/* tables.c: page tables */

#define MAX_CHANGE	64

/*
 * Entries of a page table that are to change: gathered first, then put in force
 * together.
 * @ops: which, and what they become; upper levels first
 * @nr: how many
 * @done: how many of them, the first ones, are in force
 */
struct table_change {
	struct vmmu_install_op ops[MAX_CHANGE];
	unsigned int nr;
	unsigned int done;
};

int table_create(struct program *program);
int table_destroy(struct program *program);
int table_plan(struct program *program, uint64_t va, uint64_t ra,
	       uint32_t rights, struct table_change *change);
int table_install(struct program *program, struct table_change *change);
void table_forget(struct program *program, const struct table_change *change,
		  unsigned int from);
int table_share(struct program *child, struct program *parent);
int table_look(const struct program *program, uint64_t va, uint64_t *ra);
uint64_t table_entry_ra(const struct program *program,
			const struct vmmu_install_op *op);

/* entries.c: how an entry changes */

/* The way in which a guest OS changes entries; guest->way. */
enum way {
	WAY_STORES,		/* plain stores, which trap */
	WAY_HYPERCALLS,		/* a hypercall for each */
	WAY_BATCHES,		/* a hypercall for all that were gathered */
	WAY_LAZY,		/* plain stores, and invalidations */
};

#define NR_WAYS		4

extern const char * const way_names[NR_WAYS];

uint32_t entries_space(enum way way);
int entries_set(struct program *program, struct table_change *change);
int entry_find(const struct program *program, const struct vmmu_install_op *op,
	       uint64_t *ra);

/* enter.c, enter_code.S: how a host process becomes a program's */

/* The last page of a process's addresses, for the time of the entry. */
#define ENTER_VA	0x7fffffffe000UL

extern const char enter_code[], enter_code_end[];

void __attribute__((noreturn)) enter(int space);

/* cpu.c: how a program runs until it traps */

/*
 * The CPU, as one program has it.
 * @pid: the host process that executes the program; 0: there is none
 * @regs: the registers, while the program does not run
 * @cookie: names the record that the program sleeps for; 0: none
 */
struct cpu {
	pid_t pid;
	struct user_regs_struct regs;
	uint64_t cookie;
};

enum trap_kind {
	TRAP_FAULT,		/* a page fault: @va, @access, @why */
	TRAP_CALL,		/* a system call: in the registers */
	TRAP_EXCEPTION,		/* another exception: @signal is the host's */
};

struct trap {
	enum trap_kind kind;
	uint64_t va;
	uint32_t access;
	struct vmmu_translation why;
	int signal;
};

int cpu_create(struct program *program, uint64_t entry, uint64_t argument);
int cpu_copy(struct program *child, const struct program *parent);
int cpu_run(struct program *program, struct trap *trap);
void cpu_destroy(struct program *program);

/* load.c: programs come from files */

/*
 * A range of virtual addresses that a program may use.
 * @start: first address
 * @end: first address behind it
 * @floor: how far down @start may grow; @start itself if it may not
 * @rights: VMMU_RIGHT_*
 * @image: what its pages hold at first, from @start on; zeroes behind
 */
struct region {
	const char *name;
	uint64_t start;
	uint64_t end;
	uint64_t floor;
	uint32_t rights;
	const void *image;
	size_t image_bytes;
};

#define MAX_REGIONS	4

/* A file that programs come from; it stays as long as the guest OS runs. */
struct file {
	struct file *next;
	void *bytes;
	size_t size;
	char path[];
};

int load_program(struct program *program, const char *path, uint64_t *entry);
void load_exit(struct guest *guest);

/* program.c: the life of a program */

enum program_state {
	PROGRAM_READY,
	PROGRAM_WAITING,
	PROGRAM_EXITED,
	PROGRAM_KILLED,
};

/*
 * @number: what the guest OS calls it
 * @table: its page table, as libvmmu wants it described
 * @space: the module's handle of that page table; -1 when there is none
 * @said: what it printed last
 * @status: PROGRAM_EXITED: what it said at its end
 * @obituary: PROGRAM_KILLED: why
 */
struct program {
	struct guest *guest;
	unsigned int number;
	enum program_state state;
	struct cpu cpu;
	struct region regions[MAX_REGIONS];
	unsigned int nr_regions;
	struct vmmu_table table;
	int space;
	char said[64];
	int status;
	char obituary[256];
};

int program_create(struct guest *guest, const char *path, uint64_t argument,
		   struct program **program);
int program_fork(struct program *parent, struct program **child);
int program_step(struct program *program);
void program_wake(struct program *program);
int program_exit(struct program *program, int status);
int program_kill(struct program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* fault.c: what happens when an access does not translate */

/*
 * A page fault that is being served.
 * @region: what the access belongs to
 * @ra: the real page that was taken for it
 * @shared_ra: the real page that it is to be a copy of; 0: none
 * @change: the installs that map it
 */
struct fault {
	struct program *program;
	const struct trap *trap;
	const struct region *region;
	uint64_t ra;
	uint64_t shared_ra;
	struct table_change change;
};

enum fault_stage {
	FAULT_PLANNED,		/* just before entries change */
	FAULT_INSTALLED,	/* just after that */
	FAULT_SERVED,		/* the page has its contents */
};

/*
 * Somebody who looks on, like a debugger. The guest OS never depends on it.
 * @fault: a page fault has come so far
 * @entries: this many entries are about to change, or with @done have changed
 */
struct watcher {
	void (*fault)(struct watcher *watcher, enum fault_stage stage,
		      const struct fault *fault);
	void (*entries)(struct watcher *watcher, const struct program *program,
			const struct vmmu_install_op *ops, unsigned int nr,
			bool done);
};

int fault_serve(struct program *program, const struct trap *trap);
int fault_handle(struct program *program, const struct trap *trap);
char *fault_words(uint32_t error_code, char *text, size_t bytes);

/* calls.c: system calls */

int call_handle(struct program *program);

/* guest.c: boot, and whose turn it is */

#define MAX_PROGRAMS	8

/*
 * A VM and the guest OS in it.
 * @vm: the module's handle of the VM
 * @trap: where programs' page faults are told as records; -1: they are signals
 * @children: tells when a host process of ours has stopped or ended
 * @number: what the demo calls it
 * @next_number: the number of the next program
 * @format: enum vmmu_format_id of its page tables
 * @way: how their entries are changed
 * @calls: calls of the module that this took
 * @memory: where this process has mapped all of real memory
 */
struct guest {
	int vm;
	int trap;
	int children;
	unsigned int number;
	unsigned int next_number;
	uint32_t format;
	enum way way;
	unsigned long calls;
	uint64_t real_bytes;
	char *memory;
	struct pages pages;
	struct file *files;
	struct program programs[MAX_PROGRAMS];
	unsigned int nr_programs;
	struct watcher *watcher;
};

/* What a VM shall be like. */
struct guest_plan {
	unsigned int number;
	uint64_t real_bytes;
	uint32_t format;
	enum vmmu_delivery delivery;
	enum way way;
};

int guest_boot(struct guest *guest, int dev, const struct guest_plan *plan);
int guest_run(struct guest *guest);
void guest_wake(struct guest *guest);
void guest_halt(struct guest *guest);

#endif /* GUEST_H */
