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
 * Read it in this order:
 *
 *     pages.c	  which real pages are free
 *     tables.c	  page tables, and the hypercall that changes them
 *     cpu.c	  one instruction of a program, as a CPU executes it
 *     fault.c	  what happens when an access does not translate
 *     program.c  the life of a program
 *     guest.c	  boot, and whose turn it is
 *
 * The rest only looks on: demo.c is the main program, which starts two VMs;
 * steps.c shows each install as it happens, draw.c draws the tables, ends.c
 * shows where addresses end, and check.c compares what the module says with
 * what the host's kernel says. test.c tests the parts.
 *
 * Functions return 0 or -errno, unless they say otherwise.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
 * @level: PAGE_TABLE: the level of the entries it holds
 * @va: PAGE_MEMORY: where its owner sees it
 * @region: PAGE_MEMORY: the name of the region that it belongs to
 * @owner: the program that it goes back from
 */
struct page {
	enum page_use use;
	unsigned int level;
	uint64_t va;
	const char *region;
	const struct program *owner;
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
int pages_free(struct pages *pages, uint64_t ra);
int pages_free_owned(struct pages *pages, const struct program *owner);
const struct page *pages_look(const struct pages *pages, uint64_t ra);

/* tables.c: page tables */

/*
 * The installs that map one page: the tables that are missing on the way,
 * upper levels first, then the page itself.
 */
struct table_change {
	struct vmmu_install_op ops[VMMU_TABLE_MAX_LEVELS];
	uint8_t outcomes[VMMU_TABLE_MAX_LEVELS];
	unsigned int nr;
};

int table_create(struct program *program);
void table_destroy(struct program *program);
int table_plan(struct program *program, uint64_t va, uint64_t ra,
	       uint32_t rights, struct table_change *change);
int table_install(struct program *program, struct table_change *change);
void table_forget(struct program *program, const struct table_change *change);
uint64_t table_entry_ra(const struct program *program,
			const struct vmmu_install_op *op);

/* cpu.c: the CPU that programs run on */

#define WORD_BYTES	48	/* width of the accumulator */

enum op {
	OP_ILLEGAL = 0,		/* so that a page of zeroes is no program */
	OP_SET,			/* accumulator = text */
	OP_LOAD,		/* accumulator = memory at va */
	OP_STORE,		/* memory at va = accumulator */
	OP_JUMP,		/* go on at va */
	OP_WAIT,		/* sleep until woken */
	OP_EXIT,
};

/* An instruction, as it lies in a program's text. */
struct insn {
	uint64_t op;
	uint64_t va;
	char text[WORD_BYTES];
};

/* The registers: the program counter and the accumulator. */
struct cpu {
	uint64_t pc;
	char word[WORD_BYTES];
};

/* Why cpu_step() came back. */
enum cpu_event {
	CPU_DONE,		/* the instruction is done */
	CPU_FAULT,		/* it is not, and changed nothing */
	CPU_BAD_INSN,		/* it is none */
	CPU_WAIT,
	CPU_EXIT,
};

/* An access that did not translate: where, what for, and the CPU's answer. */
struct trap {
	uint64_t va;
	uint32_t access;
	struct vmmu_translation why;
};

int cpu_step(struct program *program, struct trap *trap);

/* program.c: the life of a program */

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

enum program_state {
	PROGRAM_READY,
	PROGRAM_WAITING,
	PROGRAM_EXITED,
	PROGRAM_KILLED,
};

enum { REGION_TEXT, REGION_DATA, REGION_STACK, NR_REGIONS };

/* Every program has the same addresses; that is what page tables are for. */
#define TEXT_START	0x1000UL
#define DATA_START	0x5000UL
#define DATA_END	0x9000UL
#define STACK_FLOOR	0x1f8000UL
#define STACK_END	0x200000UL

/*
 * @table: its page table, as libvmmu wants it described
 * @space: the module's handle of that page table; -1 when there is none
 * @obituary: PROGRAM_KILLED: why
 */
struct program {
	struct guest *guest;
	unsigned int number;
	enum program_state state;
	struct cpu cpu;
	struct region regions[NR_REGIONS];
	struct vmmu_table table;
	int space;
	char obituary[256];
};

int program_create(struct guest *guest, unsigned int number,
		   const struct insn *code, size_t nr,
		   struct program **program);
int program_step(struct program *program);
void program_wake(struct program *program);
int program_kill(struct program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* fault.c: what happens when an access does not translate */

/*
 * A page fault that is being served.
 * @region: what the access belongs to
 * @ra: the real page that was taken for it
 * @change: the installs that map it
 */
struct fault {
	struct program *program;
	const struct trap *trap;
	const struct region *region;
	uint64_t ra;
	struct table_change change;
};

enum fault_stage {
	FAULT_PLANNED,		/* just before the hypercall */
	FAULT_INSTALLED,	/* just after it */
	FAULT_SERVED,		/* the page has its contents */
};

/* Somebody who looks on, like a debugger. The guest OS never depends on it. */
struct watcher {
	void (*fault)(struct watcher *watcher, enum fault_stage stage,
		      const struct fault *fault);
};

int fault_handle(struct program *program, const struct trap *trap);
char *fault_words(uint32_t error_code, char *text, size_t bytes);

/* guest.c: boot, and whose turn it is */

#define MAX_PROGRAMS	4

/*
 * A VM and the guest OS in it.
 * @vm: the module's handle of the VM
 * @number: what the demo calls it
 * @format: enum vmmu_format_id of its page tables
 * @memory: where this process has mapped all of real memory
 */
struct guest {
	int vm;
	unsigned int number;
	uint32_t format;
	uint64_t real_bytes;
	char *memory;
	struct pages pages;
	struct program programs[MAX_PROGRAMS];
	unsigned int nr_programs;
	struct watcher *watcher;
};

int guest_boot(struct guest *guest, int dev, unsigned int number,
	       uint64_t real_bytes, uint32_t format);
int guest_run(struct guest *guest);
void guest_halt(struct guest *guest);

#endif /* GUEST_H */
