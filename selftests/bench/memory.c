// SPDX-License-Identifier: GPL-2.0
/* What objects take of memory: the difference between some and many of them. */
#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tree.h"
#include "usage.h"

/* Two rounds in a row have to agree, as well as this; after how many it fails. */
#define AGREE	0.01
#define ROUNDS	10

/**
 * struct kind - what is counted
 * @first: objects that there are already.
 * @nr: objects that are counted.
 * @make: makes those from @from to @to, exclusive.
 * @drop: ends them all.
 * @usage: KiB in use that count; -errno.
 */
struct kind {
	unsigned long first, nr;
	int (*make)(unsigned long from, unsigned long to);
	void (*drop)(void);
	long (*usage)(void);
};

/* One round: bytes that each of the counted objects takes. */
static int count(const struct kind *kind, double *bytes)
{
	int ret = kind->make(0, kind->first);
	long some, many;

	if (ret)
		return ret;
	some = usage_settled(kind->usage);
	ret = kind->make(kind->first, kind->first + kind->nr);
	if (ret)
		return ret;
	many = usage_settled(kind->usage);
	kind->drop();
	if (some < 0 || many < 0)
		return some < 0 ? some : many;
	*bytes = (many - some) * 1024.0 / kind->nr;
	return 0;
}

static int weigh(const struct kind *kind, double *value)
{
	double last = -1;

	for (int i = 0; i < ROUNDS; i++) {
		int ret = count(kind, value);

		if (ret)
			return ret;
		/* The first round makes what the process itself keeps. */
		if (i > 1 && fabs(*value - last) <= AGREE * *value)
			return 0;
		last = *value;
	}
	return -EAGAIN;
}

#define MOST	8192

static int fds[MOST];
static unsigned int nr_fds;
static int dev;
static struct tree tree;

static void close_all(void)
{
	while (nr_fds)
		close(fds[--nr_fds]);
}

static int make_vms(unsigned long from, unsigned long to)
{
	for (; from < to; from++) {
		int fd = vmmu_vm_create(dev, 1UL << 40, NULL);

		if (fd < 0)
			return fd;
		fds[nr_fds++] = fd;
	}
	return 0;
}

static int measure_vms(double *value)
{
	static const struct kind vms = {
		.first = 1024, .nr = 4096,
		.make = make_vms, .drop = close_all, .usage = usage_all,
	};

	dev = vmmu_open(NULL);
	return dev < 0 ? dev : allow_files(MOST) ?: weigh(&vms, value);
}

static int make_spaces(unsigned long from, unsigned long to)
{
	for (; from < to; from++) {
		int ret = tree_space(&tree, VMMU_SPACE_LAZY);

		if (ret)
			return ret;
		fds[nr_fds++] = tree.space;
	}
	return 0;
}

static int measure_spaces(double *value)
{
	static const struct kind spaces = {
		.first = 1024, .nr = 4096,
		.make = make_spaces, .drop = close_all, .usage = usage_all,
	};

	return allow_files(MOST) ?: tree_make(&tree, 1UL << 40, 1) ?:
	       weigh(&spaces, value);
}

/* As many as a process may well have. */
#define WINDOWS		40960

static void *windows[WINDOWS];
static unsigned int nr_windows;

static int make_windows(unsigned long from, unsigned long to)
{
	for (; from < to; from++) {
		int ret = vmmu_window_map(tree.space, 0, ENTRIES * PAGE,
					  PROT_READ, NULL, &windows[nr_windows]);

		if (ret)
			return ret;
		nr_windows++;
	}
	return 0;
}

static void unmap_all(void)
{
	while (nr_windows)
		munmap(windows[--nr_windows], ENTRIES * PAGE);
}

static int measure_windows(double *value)
{
	static const struct kind kind = {
		.first = 8192, .nr = WINDOWS - 8192,
		.make = make_windows, .drop = unmap_all, .usage = usage_all,
	};

	return tree_make(&tree, 1UL << 40, 1) ?:
	       tree_space(&tree, VMMU_SPACE_LAZY) ?: weigh(&kind, value);
}

/* Half of the smallest VM's memory: 480 MiB of pages, and some before. */
#define FIRST_TABLES	8
#define TABLES		240
#define FIRST_PAGES	(FIRST_TABLES * ENTRIES)
#define PAGES		(TABLES * ENTRIES)
#define DATA		(64UL << 20)

/* Empty tables of another VM, which fill what gaps slabs have. */
#define FILLERS		1024

static struct tree filler;
static uint32_t space_flags;
static char *window;

static int make_guests(void)
{
	const unsigned long all = FIRST_TABLES + TABLES;
	void *memory;
	int ret;

	ret = tree_make(&filler, 1UL << 40, FILLERS) ?:
	      tree_space(&filler, space_flags) ?:
	      tree_make(&tree, 1UL << 40, all) ?:
	      tree_space(&tree, space_flags) ?:
	      vmmu_window_map(tree.space, 0, all * ENTRIES * PAGE, PROT_READ,
			      NULL, &memory);
	tree_link(&filler, 0, FILLERS);
	window = memory;
	return ret;
}

/* Both are multiples of ENTRIES. */
static int make_pages(unsigned long from, unsigned long to)
{
	uint64_t done, ra = DATA + from * PAGE;
	int ret = from ? 0 : make_guests();

	if (ret)
		return ret;
	tree_link(&tree, from / ENTRIES, to / ENTRIES);
	ret = vmmu_populate(tree.vm, ra, (to - from) * PAGE, &done) ?:
	      tree_map(&tree, from, to - from, ra);
	for (; !ret && from < to; from++)
		touch(window + from * PAGE);
	return ret;
}

static void drop_pages(void)
{
	munmap(window, (FIRST_PAGES + PAGES) * PAGE);
	tree_drop(&tree);
	tree_drop(&filler);
}

/* Neither the guests' own memory, their tables among it, nor the host's tables. */
static long beside_pages(void)
{
	long all = usage_all(), host = usage_host_tables();
	struct vmmu_vm_info info, other;
	int ret = vmmu_vm_info(tree.vm, &info) ?:
		  vmmu_vm_info(filler.vm, &other);

	if (ret || all < 0 || host < 0)
		return ret ?: -ENOENT;
	return all - host - (long)(info.frames + other.frames) * 4;
}

static int measure_pages(long (*usage)(void), uint32_t flags, double *value)
{
	const struct kind pages = {
		.first = FIRST_PAGES, .nr = PAGES,
		.make = make_pages, .drop = drop_pages, .usage = usage,
	};

	/* What the row before used may still be on its way back. */
	usage_settled(usage_all);
	space_flags = flags;
	return weigh(&pages, value);
}

static int measure_lazy(double *value)
{
	return measure_pages(beside_pages, VMMU_SPACE_LAZY, value);
}

static int measure_trapping(double *value)
{
	return measure_pages(beside_pages, VMMU_SPACE_TRAPPING, value);
}

static int measure_host(double *value)
{
	return measure_pages(usage_host_tables, VMMU_SPACE_LAZY, value);
}

const struct row memory_rows[] = {
	{ .name = "memory_page", .unit = "bytes", .measure = measure_lazy,
	  .what = "what vmmu keeps of a page that is mapped and in use",
	  .note = "beside frames, the guest's own page table, and the host's (memory_page_host)" },
	{ .name = "memory_page_trapping", .unit = "bytes", .measure = measure_trapping,
	  .what = "the same where stores to the page table trap",
	  .note = "beside frames, the guest's own page table, and the host's (memory_page_host)" },
	{ .name = "memory_page_host", .unit = "bytes", .measure = measure_host,
	  .what = "the host's page tables of a page in use in one window" },
	{ .name = "memory_vm", .unit = "bytes", .measure = measure_vms,
	  .what = "an empty VM of 1 TiB, all of it: its file and its inode, too" },
	{ .name = "memory_space", .unit = "bytes", .measure = measure_spaces,
	  .what = "a lazy space, all of it: its file and its inode, too" },
	{ .name = "memory_window", .unit = "bytes", .measure = measure_windows,
	  .what = "a window that was never touched, the host's own structures" },
	{ }
};
