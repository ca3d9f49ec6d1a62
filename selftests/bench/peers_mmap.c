// SPDX-License-Identifier: GPL-2.0
/* Mappings of a process: what faults in them, and changes of them, cost. */
#include <errno.h>
#include <sys/mman.h>

#include "pages.h"

#define NR_PAGES	512UL	/* of the memory, and of the file */
#define NR_CALLS	64UL	/* pages that calls map one by one */

static int file;
static char *memory;

static int begin_file(void)
{
	file = memory_file(NR_PAGES);
	return file < 0 ? file : 0;
}

static int unmap(void)
{
	if (memory && munmap(memory, NR_PAGES * PAGE))
		return -errno;
	memory = NULL;
	return 0;
}

static int prepare_unmapped(void)
{
	int ret = unmap();

	settle();
	return ret;
}

/* Nothing of the file is present. */
static int prepare_fresh(void)
{
	int ret = unmap() ?: memory_map(file, &memory, NR_PAGES);

	settle();
	return ret;
}

static int prepare_present(void)
{
	int ret = unmap() ?: memory_map(file, &memory, NR_PAGES);

	if (!ret)
		memory_write(memory, NR_PAGES);
	settle();
	return ret;
}

static int run_write(void)
{
	memory_write(memory, NR_PAGES);
	return 0;
}

static int run_read(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i++)
		touch(memory + i * PAGE);
	return 0;
}

static int populate(int flags)
{
	memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      flags | MAP_POPULATE, file, 0);
	if (memory != MAP_FAILED)
		return 0;
	memory = NULL;
	return -errno;
}

static int run_populate(void)
{
	return populate(MAP_PRIVATE | MAP_ANONYMOUS);
}

static int run_populate_shared(void)
{
	return populate(MAP_SHARED);
}

static int begin_anonymous(void)
{
	file = -1;
	return memory_anonymous(&memory, NR_PAGES);
}

static int prepare_dropped(void)
{
	return memory_drop_settled(memory, NR_PAGES);
}

static int prepare_anonymous(void)
{
	int ret = unmap() ?: memory_anonymous(&memory, NR_PAGES);

	if (!ret)
		memory_write(memory, NR_PAGES);
	settle();
	return ret;
}

static int run_drop(void)
{
	return memory_drop(memory, NR_PAGES);
}

/*
 * From here on pages of the file are mapped one by one, the last one first: as
 * a rule page tables map neighbours to no neighbours, and nor can the kernel
 * merge the mappings.
 */
static unsigned long frame(unsigned long i)
{
	return NR_PAGES - 1 - i;
}

static int map_fixed(unsigned long first)
{
	for (unsigned long i = 0; i < NR_CALLS; i++) {
		void *at = memory + i * PAGE;

		if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 file, frame(first + i) * PAGE) != at)
			return -errno;
	}
	return 0;
}

static int map_fixed_and_read(unsigned long first)
{
	for (unsigned long i = 0; i < NR_CALLS; i++) {
		void *at = memory + i * PAGE;

		if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 file, frame(first + i) * PAGE) != at)
			return -errno;
		if (*(volatile unsigned long *)at != frame(first + i))
			return -EPROTO;
	}
	return 0;
}

/* Addresses that are taken, but without memory. */
static int prepare_reserved(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (memory ? MAP_FIXED : 0);
	void *at = mmap(memory, NR_CALLS * PAGE, PROT_NONE, flags, -1, 0);

	settle();
	if (at == MAP_FAILED)
		return -errno;
	memory = at;
	return 0;
}

static int run_fixed(void)
{
	return map_fixed(0);
}

static int run_fixed_touch(void)
{
	return map_fixed_and_read(0);
}

static int prepare_used(void)
{
	int ret = prepare_reserved() ?: map_fixed_and_read(0);

	settle();
	return ret;
}

static int run_fixed_remap(void)
{
	return map_fixed_and_read(NR_CALLS);
}

static int remap(unsigned long i)
{
	return remap_file_pages(memory + i * PAGE, PAGE, 0, frame(i), 0) ?
	       -errno : 0;
}

/* The file's pages in their order, none of them present. */
static int prepare_remap(void)
{
	int ret = prepare_fresh() ?: remap(0);

	/* It is optional in the kernel. */
	return ret == -ENOSYS ? SKIP : ret ?: prepare_fresh();
}

static int run_remap(void)
{
	for (unsigned long i = 0; i < NR_CALLS; i++) {
		int ret = remap(i);

		if (ret)
			return ret;
	}
	return 0;
}

static int run_remap_touch(void)
{
	for (unsigned long i = 0; i < NR_CALLS; i++) {
		int ret = remap(i);

		if (ret)
			return ret;
		if (*(volatile unsigned long *)(memory + i * PAGE) != frame(i))
			return -EPROTO;
	}
	return 0;
}

#define DEAR \
	"instruction counts overstate it against the clock"

const struct row peers_mmap[] = {
	{ .name = "memfd_fault", .what = "a write fault on a resident page of a memfd",
	  .nr = NR_PAGES, .begin = begin_file, .prepare = prepare_fresh,
	  .run = run_write },
	{ .name = "memfd_around",
	  .what = "a read of each resident page of a memfd, in order, a page",
	  .note = "a fault maps 16 pages",
	  .nr = NR_PAGES, .begin = begin_file, .prepare = prepare_fresh,
	  .run = run_read },
	{ .name = "map_populate", .what = "MAP_POPULATE of 512 new anonymous pages, a page",
	  .nr = NR_PAGES, .begin = begin_anonymous, .prepare = prepare_unmapped,
	  .run = run_populate },
	{ .name = "map_populate_shared",
	  .what = "MAP_POPULATE of 512 resident pages of a memfd, a page",
	  .nr = NR_PAGES, .begin = begin_file, .prepare = prepare_unmapped,
	  .run = run_populate_shared },
	{ .name = "anon_fault", .what = "the first write to an anonymous page",
	  .nr = NR_PAGES, .begin = begin_anonymous, .prepare = prepare_dropped,
	  .run = run_write },
	{ .name = "mmap_fixed", .what = "mmap(MAP_FIXED) of one page of a memfd",
	  .note = DEAR,
	  .nr = NR_CALLS, .begin = begin_file, .prepare = prepare_reserved,
	  .run = run_fixed },
	{ .name = "mmap_fixed_touch",
	  .what = "mmap(MAP_FIXED) of one page of a memfd, and a read of it",
	  .note = DEAR,
	  .nr = NR_CALLS, .begin = begin_file, .prepare = prepare_reserved,
	  .run = run_fixed_touch },
	{ .name = "mmap_fixed_remap",
	  .what = "mmap(MAP_FIXED) that maps a page in use elsewhere, and a read of it",
	  .note = DEAR,
	  .nr = NR_CALLS, .begin = begin_file, .prepare = prepare_used,
	  .run = run_fixed_remap },
	{ .name = "remap_file_pages", .what = "remap_file_pages() of one page of a memfd",
	  .note = DEAR "; the call makes the page present, too",
	  .nr = NR_CALLS, .begin = begin_file, .prepare = prepare_remap,
	  .run = run_remap },
	{ .name = "remap_file_pages_touch",
	  .what = "remap_file_pages() of one page of a memfd, and a read of it",
	  .note = DEAR "; the call makes the page present, too",
	  .nr = NR_CALLS, .begin = begin_file, .prepare = prepare_remap,
	  .run = run_remap_touch },
	{ .name = "dontneed_bulk", .what = "MADV_DONTNEED of 512 anonymous pages, a page",
	  .note = "frees the frames",
	  .nr = NR_PAGES, .begin = begin_anonymous, .prepare = prepare_anonymous,
	  .run = run_drop },
	{ .name = "dontneed_shared_bulk",
	  .what = "MADV_DONTNEED of 512 present pages of a memfd, a page",
	  .note = "keeps the frames",
	  .nr = NR_PAGES, .begin = begin_file, .prepare = prepare_present,
	  .run = run_drop },
	{ .name = "munmap_bulk", .what = "munmap() of 512 anonymous pages, a page",
	  .note = "frees the frames",
	  .nr = NR_PAGES, .begin = begin_anonymous, .prepare = prepare_anonymous,
	  .run = unmap },
	{ .name = "munmap_shared_bulk", .what = "munmap() of 512 present pages of a memfd, a page",
	  .note = "keeps the frames",
	  .nr = NR_PAGES, .begin = begin_file, .prepare = prepare_present,
	  .run = unmap },
	{ }
};
