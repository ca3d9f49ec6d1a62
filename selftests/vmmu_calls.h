/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every call by a table: a row each, with an argument that works, for tests of
 * what holds for all of them. Each test has a process of its own, and with it
 * what is static here: a guest, a file of each kind, and the argument.
 */
#ifndef VMMU_CALLS_H
#define VMMU_CALLS_H

#include <stddef.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"
#include "vmmu_trap_calls.h"
#include "vmmu_trapping.h"

enum { DEV, VM, SPACE, TRAP, NR_FILES };

/* A structure of any call, with room for a tail; filled by arg_fill(). */
union arg {
	__u32 size;
	struct vmmu_info info;
	struct vmmu_vm_create vm_create;
	struct vmmu_vm_info vm_info;
	struct vmmu_range range;
	struct vmmu_real_map real_map;
	struct vmmu_space_create space_create;
	struct vmmu_space_info space_info;
	struct vmmu_set_root set_root;
	struct vmmu_set_mode set_mode;
	struct vmmu_install install;
	struct vmmu_translate translate;
	struct vmmu_explain explain;
	struct vmmu_mappings mappings;
	struct vmmu_memory memory;
	struct vmmu_cmpxchg cmpxchg;
	struct vmmu_real_of_frame real_of_frame;
	struct vmmu_mappers mappers;
	struct vmmu_invalidate invalidate;
	struct vmmu_fault fault;
	struct vmmu_set_delivery set_delivery;
	struct vmmu_trap_create trap_create;
	struct vmmu_trap_info trap_info;
	struct vmmu_audit audit;
	struct vmmu_get_delivery get_delivery;
	struct vmmu_ledger ledger;
	__u8 bytes[PAGE];
};

/*
 * @bytes: what it has now
 * @min_bytes: what it had at first, 0: the same
 * @flags: the flags that it knows
 * @reserved: offset of its reserved field, 0 when it has none
 * @reserved_bytes: length of that, when it is not 4
 * @mode: offset of its struct vmmu_mode, 0 when it has none
 * @out: it writes something into the structure
 * @moves: it moves the invalidation sequence on, though it changes nothing
 */
static const struct row {
	const char *name;
	int file;
	unsigned long cmd;
	size_t bytes, min_bytes;
	__u32 flags;
	size_t reserved, reserved_bytes, mode;
	bool out, moves;
} rows[] = {
	{ "INFO", DEV, VMMU_IOC_INFO, sizeof(struct vmmu_info),
	  .out = true },
	{ "VM_CREATE", DEV, VMMU_IOC_VM_CREATE, sizeof(struct vmmu_vm_create),
	  .reserved = offsetof(struct vmmu_vm_create, reserved),
	  .out = true },
	{ "VM_INFO", VM, VMMU_IOC_VM_INFO, sizeof(struct vmmu_vm_info),
	  offsetof(struct vmmu_vm_info, zaps), .out = true },
	{ "POPULATE", VM, VMMU_IOC_POPULATE, sizeof(struct vmmu_range),
	  .out = true },
	{ "DISCARD", VM, VMMU_IOC_DISCARD, sizeof(struct vmmu_range),
	  .out = true },
	{ "REAL_MAP", VM, VMMU_IOC_REAL_MAP, sizeof(struct vmmu_real_map),
	  .out = true },
	{ "SPACE_CREATE", VM, VMMU_IOC_SPACE_CREATE,
	  sizeof(struct vmmu_space_create),
	  .reserved = offsetof(struct vmmu_space_create, mode.reserved),
	  .reserved_bytes = 16, .flags = VMMU_SPACE_TRAPPING,
	  .mode = offsetof(struct vmmu_space_create, mode), .out = true },
	{ "SPACE_INFO", SPACE, VMMU_IOC_SPACE_INFO,
	  sizeof(struct vmmu_space_info),
	  offsetof(struct vmmu_space_info, delivery), .out = true },
	{ "SET_ROOT", SPACE, VMMU_IOC_SET_ROOT, sizeof(struct vmmu_set_root),
	  .moves = true },
	{ "SET_MODE", SPACE, VMMU_IOC_SET_MODE, sizeof(struct vmmu_set_mode),
	  .reserved = offsetof(struct vmmu_set_mode, mode.reserved),
	  .reserved_bytes = 16, .mode = offsetof(struct vmmu_set_mode, mode) },
	{ "INSTALL", SPACE, VMMU_IOC_INSTALL, sizeof(struct vmmu_install),
	  .flags = VMMU_INSTALL_ATOMIC | VMMU_INSTALL_STOP |
		   VMMU_INSTALL_PROVIDE | VMMU_INSTALL_BY_RA,
	  .reserved = offsetof(struct vmmu_install, reserved), .out = true },
	{ "TRANSLATE", SPACE, VMMU_IOC_TRANSLATE,
	  sizeof(struct vmmu_translate), .flags = USER | SET_AD | PROVIDE,
	  .reserved = offsetof(struct vmmu_translate, reserved), .out = true },
	{ "EXPLAIN", SPACE, VMMU_IOC_EXPLAIN, sizeof(struct vmmu_explain),
	  .flags = USER | SET_AD | PROVIDE,
	  .reserved = offsetof(struct vmmu_explain, reserved), .out = true },
	{ "MAPPINGS", SPACE, VMMU_IOC_MAPPINGS, sizeof(struct vmmu_mappings),
	  .reserved = offsetof(struct vmmu_mappings, reserved), .out = true },
	{ "READ", SPACE, VMMU_IOC_READ, sizeof(struct vmmu_memory),
	  .flags = USER | SET_AD, .out = true },
	{ "WRITE", SPACE, VMMU_IOC_WRITE, sizeof(struct vmmu_memory),
	  .flags = USER | SET_AD, .out = true },
	{ "CMPXCHG", SPACE, VMMU_IOC_CMPXCHG, sizeof(struct vmmu_cmpxchg),
	  .flags = USER | SET_AD, .out = true },
	{ "REAL_OF_FRAME", VM, VMMU_IOC_REAL_OF_FRAME,
	  sizeof(struct vmmu_real_of_frame), .out = true },
	{ "MAPPERS", VM, VMMU_IOC_MAPPERS, sizeof(struct vmmu_mappers),
	  .reserved = offsetof(struct vmmu_mappers, reserved), .out = true },
	{ "INVALIDATE", SPACE, VMMU_IOC_INVALIDATE,
	  sizeof(struct vmmu_invalidate), .flags = VMMU_INVALIDATE_ALL,
	  .moves = true },
	{ "FAULT", SPACE, VMMU_IOC_FAULT, sizeof(struct vmmu_fault),
	  .out = true },
	{ "SET_DELIVERY", SPACE, VMMU_IOC_SET_DELIVERY,
	  sizeof(struct vmmu_set_delivery),
	  offsetof(struct vmmu_set_delivery, kind),
	  .reserved = offsetof(struct vmmu_set_delivery, reserved) },
	{ "GET_DELIVERY", SPACE, VMMU_IOC_GET_DELIVERY,
	  sizeof(struct vmmu_get_delivery), .out = true },
	{ "TRAP_CREATE", VM, VMMU_IOC_TRAP_CREATE,
	  sizeof(struct vmmu_trap_create),
	  .reserved = offsetof(struct vmmu_trap_create, reserved),
	  .out = true },
	{ "TRAP_INFO", TRAP, VMMU_IOC_TRAP_INFO, sizeof(struct vmmu_trap_info),
	  .out = true },
	{ "LEDGER", VM, VMMU_IOC_LEDGER, sizeof(struct vmmu_ledger),
	  .out = true },
	{ "LEDGER", SPACE, VMMU_IOC_LEDGER, sizeof(struct vmmu_ledger),
	  .out = true },
	{ "AUDIT", VM, VMMU_IOC_AUDIT, sizeof(struct vmmu_audit),
	  offsetof(struct vmmu_audit, tables),
	  .reserved = offsetof(struct vmmu_audit, reserved), .out = true },
	{}
};

/* Where the program finds its own root table. */
#define ROOT_VA		(3ULL << 39)

static struct guest g;
static __u64 root_frame;
static int file[NR_FILES];
static int tables;		/* a TRAPPING space, whose root is page 0 */
static union arg *arg;		/* a page, and a page without access after it */
static struct vmmu_install_op op;
static struct vmmu_real_map_entry entries[4];
static struct vmmu_mapping mappings[4];
static struct vmmu_step steps[5];
static struct vmmu_mapper mappers[4];
static __u64 word;
static unsigned char *window;	/* a page of the space, at va 0 */
static unsigned int moved;	/* how often a call has moved the sequence */

FIXTURE(calls) {
	struct vmmu_vm_info before;
	struct vmmu_space_info space;
	int files;
};

/* The row of a call. */
static inline const struct row *row_of(unsigned long cmd)
{
	const struct row *row = rows;

	while (row->name && row->cmd != cmd)
		row++;
	return row;
}

/* Whether a call is one on this kind of file. */
static inline bool is_on(unsigned long cmd, int kind)
{
	const struct row *row = rows;

	while (row->name && (row->cmd != cmd || row->file != kind))
		row++;
	return row->name || cmd == VMMU_IOC_INFO;
}

/*
 * A row's structure as it must be for the call to work and change nothing.
 * What the call only writes is poisoned.
 */
static inline void fill(const struct row *row)
{
	union arg *a = arg;

	memset(a, 0, sizeof(*a));
	memset(a, POISON8, row->bytes);
	a->size = row->bytes;
	a->info.flags = 0;
	if (row->reserved)
		memset(a->bytes + row->reserved, 0, row->reserved_bytes ?: 4);
	switch (row->cmd) {
	case VMMU_IOC_VM_CREATE:
		a->vm_create.real_bytes = MIB;
		break;
	case VMMU_IOC_POPULATE:
		a->range.ra = g.root;	/* has its frame already */
		a->range.bytes = PAGE;
		break;
	case VMMU_IOC_DISCARD:
		a->range.ra = g.data + PAGE;	/* has none */
		a->range.bytes = PAGE;
		break;
	case VMMU_IOC_REAL_MAP:
		a->real_map.ra = 0;
		a->real_map.last = ~0ULL;
		a->real_map.nr = 4;
		a->real_map.entries = (uintptr_t)entries;
		break;
	case VMMU_IOC_SPACE_CREATE:
		a->space_create.format = FORMAT4;
		a->space_create.root = 0;
		a->space_create.mode = MODE(0);
		break;
	case VMMU_IOC_SET_ROOT:
		a->set_root.root = g.root;
		break;
	case VMMU_IOC_SET_MODE:
		a->set_mode.mode = MODE(0);
		break;
	case VMMU_IOC_INSTALL:
		op = (struct vmmu_install_op){ .level = 4 };
		a->install.nr = 1;
		a->install.ops = (uintptr_t)&op;
		a->install.outcomes = 0;
		break;
	case VMMU_IOC_TRANSLATE:
		a->translate.access = READ;
		a->translate.nr = 1;
		a->translate.va = 0;
		a->translate.vas = 0;
		a->translate.results = 0;
		break;
	case VMMU_IOC_EXPLAIN:
		a->explain.access = READ;
		a->explain.nr = 5;
		a->explain.va = 0;
		a->explain.steps = (uintptr_t)steps;
		break;
	case VMMU_IOC_MAPPINGS:
		a->mappings.va = 0;
		a->mappings.last = ~0ULL;
		a->mappings.nr = 4;
		a->mappings.mappings = (uintptr_t)mappings;
		break;
	case VMMU_IOC_READ:
	case VMMU_IOC_WRITE:
		word = 0;		/* as is the entry there */
		a->memory.va = ROOT_VA + 100 * sizeof(word);
		a->memory.bytes = sizeof(word);
		a->memory.buffer = (uintptr_t)&word;
		break;
	case VMMU_IOC_CMPXCHG:
		a->cmpxchg.va = ROOT_VA + 100 * sizeof(word);
		a->cmpxchg.bytes = sizeof(word);
		a->cmpxchg.expected = 0;
		a->cmpxchg.desired = 0;
		break;
	case VMMU_IOC_REAL_OF_FRAME:
		a->real_of_frame.frame = root_frame;
		break;
	case VMMU_IOC_MAPPERS:
		a->mappers.ra = g.root;
		a->mappers.space = 0;
		a->mappers.va = 0;
		a->mappers.nr = 4;
		a->mappers.mappers = (uintptr_t)mappers;
		break;
	case VMMU_IOC_INVALIDATE:
		a->invalidate.va = 0;
		a->invalidate.bytes = PAGE;
		break;
	case VMMU_IOC_FAULT:
		a->fault.address = (uintptr_t)window;
		a->fault.access = READ;
		break;
	case VMMU_IOC_SET_DELIVERY:
		a->set_delivery.delivery = VMMU_DELIVER_SIGNAL;
		a->set_delivery.kind = 0;
		break;
	case VMMU_IOC_GET_DELIVERY:
		a->get_delivery.kind = VMMU_TRAP_FAULT;
		break;
	}
}

/* The flags under which a call works go with other values. */
static inline void fill_flags(const struct row *row, __u32 flags)
{
	fill(row);
	arg->info.flags = flags;
	if (row->cmd == VMMU_IOC_INVALIDATE && flags)
		arg->invalidate.bytes = 0;
	if (row->cmd == VMMU_IOC_INSTALL && flags & VMMU_INSTALL_BY_RA)
		op = (struct vmmu_install_op){ .va = 100 * sizeof(word) };
}

/* The file that a call has given; -1: it gives none. */
static inline int given_file(const struct row *row, const union arg *a)
{
	switch (row->cmd) {
	case VMMU_IOC_VM_CREATE:
		return a->vm_create.fd;
	case VMMU_IOC_SPACE_CREATE:
		return a->space_create.fd;
	case VMMU_IOC_TRAP_CREATE:
		return a->trap_create.fd;
	default:
		return -1;
	}
}

/* After a call that worked: the file that it has given is closed. */
static inline void let_go(const struct row *row, const union arg *a)
{
	int fd = given_file(row, a);

	if (fd >= 0)
		close(fd);
	if (row->moves)
		__atomic_fetch_add(&moved, 1, __ATOMIC_RELAXED);
}

/* Make a call that may work. */
static inline int try_call(const struct row *row)
{
	int ret = call(file[row->file], row->cmd, arg);

	if (!ret)
		let_go(row, arg);
	return ret;
}

/* Assert that nothing changed: VM, space, files of this process. */
#define unchanged(row) do {						\
	struct vmmu_space_info __s = space_info(g.space);		\
	struct vmmu_vm_info __b = self->before;				\
									\
	__b.sequence += moved;						\
	__b.zaps = vm_info(g.vm).zaps;	/* a window may be zapped */	\
	ASSERT_GE(self->before.zaps + moved, __b.zaps);			\
	vm_unchanged(__b, g.vm);					\
	ASSERT_EQ(0, memcmp(&self->space, &__s, sizeof(__s)));		\
	ASSERT_EQ(self->files, open_files()) TH_LOG("%s", (row)->name);	\
} while (0)

/* Assert that a filled-in call fails and leaves all as it was. */
#define refused(e, which) do {						\
	const struct row *__r = (which);				\
	static union arg was;						\
									\
	was = *arg;							\
	fails_with(e, try_call(__r)) TH_LOG("%s", __r->name);		\
	ASSERT_EQ(0, memcmp(&was, arg, PAGE)) TH_LOG("%s", __r->name);	\
	unchanged(__r);							\
} while (0)

FIXTURE_SETUP(calls)
{
	char *pages;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&g, dev, 4 * MIB, FORMAT4, 0);
	*guest_entry(&g, g.root, 7) = 0x1234560;
	guest_map(&g, ROOT_VA, 1, g.root | PTE_ALL | PTE_A | PTE_D);
	root_frame = real_page(g.vm, g.root).frame;
	file[DEV] = dev;
	file[VM] = g.vm;
	file[SPACE] = g.space;
	file[TRAP] = trap_create(g.vm);
	load(g.mem);
	tables = trapping_space(g.vm, FORMAT4, 0, 0);
	window = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, g.space, 0);
	ASSERT_NE(MAP_FAILED, (void *)window);
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_NONE));
	arg = (union arg *)pages;
	self->before = vm_info(g.vm);
	self->space = space_info(g.space);
	self->files = open_files();
}

FIXTURE_TEARDOWN(calls)
{
	munmap(window, PAGE);
	close(tables);
	close(file[TRAP]);
	guest_drop(&g);
	close(file[DEV]);
}

#endif /* VMMU_CALLS_H */
