// SPDX-License-Identifier: GPL-2.0
/* What vmmu does, an operation a row. */
#include <unistd.h>

#include "guest.h"

static struct guest guest;
static struct vmmu_install_op ops[NR_PAGES];

/* Pages in an order that no read-ahead guesses: each is visited once. */
static unsigned long scattered(unsigned long i)
{
	return (i * 1637 + 1) % NR_PAGES;
}

static int begin_lazy(void)
{
	return guest_make(&guest, VMMU_SPACE_LAZY);
}

static int begin_window(void)
{
	return begin_lazy() ?: guest_window(&guest);
}

static int begin_mapped(void)
{
	return begin_lazy() ?: guest_install(&guest, 0, NR_PAGES, DATA, 512);
}

static int begin_mapped_window(void)
{
	return begin_mapped() ?: guest_window(&guest);
}

#define NR_TRANSLATE	256

static int run_translate(void)
{
	struct vmmu_translation result;

	for (unsigned long i = 0; i < NR_TRANSLATE; i++) {
		int ret = vmmu_translate(guest.space, page_va(i),
					 VMMU_ACCESS_READ, VMMU_TRANSLATE_USER,
					 &result);

		if (ret || result.ra != DATA + i * PAGE)
			return ret ?: -1;
	}
	return 0;
}

static int run_translate_range(void)
{
	static struct vmmu_translation results[512];
	unsigned int done;
	int ret;

	ret = vmmu_translate_range(guest.space, VA, 512, VMMU_ACCESS_READ,
				   VMMU_TRANSLATE_USER, results, &done);
	return ret ?: done == 512 && results[511].ra == DATA + 511 * PAGE ? 0 : -1;
}

/* No page of the window is present. */
static int prepare_cold(void)
{
	settle();
	return vmmu_invalidate_all(guest.space);
}

static int run_fault(void)
{
	for (unsigned long i = 0; i < 256; i++)
		dirty(guest.window + scattered(i) * PAGE);
	return 0;
}

static int run_first_touch(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i++)
		touch(guest.window + i * PAGE);
	return 0;
}

static int prepare_empty(void)
{
	int ret = guest_install(&guest, 0, 512, 0, 512);

	guest_ops(ops, 0, 512, DATA);
	settle();
	return ret;
}

static int run_install_1(void)
{
	return guest_issue(&guest, ops, 64, 1);
}

static int run_install_64(void)
{
	return guest_issue(&guest, ops, 64, 64);
}

static int run_install_512(void)
{
	return guest_issue(&guest, ops, 512, 512);
}

static int prepare_frameless(void)
{
	uint64_t done;
	int ret = vmmu_discard(guest.vm, DATA, 64 * PAGE, &done);

	return ret ?: prepare_empty();
}

static int run_install_and_use(void)
{
	int ret = run_install_64();

	for (unsigned long i = 0; i < 64; i++)
		touch(guest.window + i * PAGE);
	return ret;
}

/* 64 pages are mapped, and used; what is to come maps them elsewhere. */
static int prepare_live(void)
{
	int ret = guest_install(&guest, 0, 64, DATA, 64);

	for (unsigned long i = 0; i < 64; i++)
		dirty(guest.window + i * PAGE);
	guest_ops(ops, 0, 64, OTHER);
	settle();
	return ret;
}

static int run_remap_1(void)
{
	for (unsigned long i = 0; i < 64; i++) {
		int ret = guest_issue(&guest, ops + i, 1, 1);

		if (ret)
			return ret;
		touch(guest.window + i * PAGE);
	}
	return 0;
}

static int run_remap_64(void)
{
	return run_install_and_use();
}

/* Pages in use, and operations that unmap them. */
static int prepare_used(void)
{
	int ret = guest_install(&guest, 0, 512, DATA, 512);

	for (unsigned long i = 0; i < 512; i++)
		dirty(guest.window + i * PAGE);
	guest_ops(ops, 0, 512, 0);
	settle();
	return ret;
}

static int zap(unsigned long nr, unsigned long each)
{
	for (unsigned long i = 0; i < nr; i += each) {
		int ret = vmmu_invalidate(guest.space, page_va(i), each * PAGE);

		if (ret)
			return ret;
	}
	return 0;
}

static int run_zap_1(void)
{
	return zap(64, 1);
}

static int run_zap_64(void)
{
	return zap(64, 64);
}

static int run_zap_512(void)
{
	return zap(512, 512);
}

static int begin_trapping(void)
{
	return guest_make(&guest, VMMU_SPACE_TRAPPING);
}

/* By real addresses, instead of virtual ones. */
static int prepare_by_ra(void)
{
	int ret = prepare_empty();

	for (unsigned long i = 0; i < 64; i++) {
		ops[i].va = entry_ra(i);
		ops[i].level = 0;
	}
	return ret;
}

static int run_by_ra(void)
{
	return vmmu_install(guest.space, ops, 64, VMMU_INSTALL_BY_RA, NULL,
			    NULL);
}

static int run_stores(void)
{
	for (unsigned long i = 0; i < 64; i++)
		*entry_of(&guest, i) = ENTRY(DATA + i * PAGE);
	return 0;
}

static int prepare_discarded(void)
{
	uint64_t done;
	int ret = vmmu_discard(guest.vm, DATA, 512 * PAGE, &done);

	settle();
	return ret;
}

static int run_populate(void)
{
	uint64_t done;

	return vmmu_populate(guest.vm, DATA, 512 * PAGE, &done);
}

static int dev;

static int begin_dev(void)
{
	dev = vmmu_open(NULL);
	return dev < 0 ? dev : 0;
}

static int prepare_settled(void)
{
	settle();
	return 0;
}

static int run_vms(void)
{
	for (int i = 0; i < 8; i++) {
		int vm = vmmu_vm_create(dev, 1UL << 40, NULL);

		if (vm < 0)
			return vm;
		close(vm);
	}
	return 0;
}

static int begin_access(void)
{
	int ret = begin_mapped_window();

	if (!ret)
		dirty(guest.window);
	return ret;
}

static int run_access(void)
{
	load_words(guest.window);
	return 0;
}

const struct row ours[] = {
	{ .name = "translate", .what = "translate one va to ra and pfn",
	  .nr = NR_TRANSLATE, .begin = begin_mapped, .run = run_translate },
	{ .name = "translate_range",
	  .what = "translate a range of 512 pages, a page",
	  .nr = 512, .begin = begin_mapped, .run = run_translate_range },
	{ .name = "window_fault",
	  .what = "a write fault in a window, pages in no order, with both walks",
	  .nr = 256, .begin = begin_mapped_window, .prepare = prepare_cold,
	  .run = run_fault },
	{ .name = "first_touch",
	  .what = "a read of each page of a window, in order, a page",
	  .nr = NR_PAGES, .begin = begin_mapped_window, .prepare = prepare_cold,
	  .run = run_first_touch },
	{ .name = "install_1",
	  .what = "a hypercall that installs one entry, its real page backed",
	  .nr = 64, .begin = begin_lazy, .prepare = prepare_empty,
	  .run = run_install_1 },
	{ .name = "install_64",
	  .what = "a hypercall that installs 64 such entries, an entry",
	  .nr = 64, .begin = begin_lazy, .prepare = prepare_empty,
	  .run = run_install_64 },
	{ .name = "install_512",
	  .what = "a hypercall that installs 512 such entries, an entry",
	  .nr = 512, .begin = begin_lazy, .prepare = prepare_empty,
	  .run = run_install_512 },
	{ .name = "install_64_trapping",
	  .what = "a hypercall that installs 64 such entries of a trapping space, an entry",
	  .nr = 64, .begin = begin_trapping, .prepare = prepare_empty,
	  .run = run_install_64 },
	{ .name = "install_64_by_ra",
	  .what = "a hypercall that installs 64 such entries, by real addresses, an entry",
	  .nr = 64, .begin = begin_trapping, .prepare = prepare_by_ra,
	  .run = run_by_ra },
	{ .name = "install_new_64",
	  .what = "a hypercall that installs 64 entries and allocates their frames, an entry",
	  .nr = 64, .begin = begin_lazy, .prepare = prepare_frameless,
	  .run = run_install_64 },
	{ .name = "install_and_use_64",
	  .what = "a hypercall that installs 64 backed entries, and a read of each page, a page",
	  .nr = 64, .begin = begin_window, .prepare = prepare_empty,
	  .run = run_install_and_use },
	{ .name = "remap_1",
	  .what = "a hypercall that maps a page in use elsewhere, and a read of it",
	  .nr = 64, .begin = begin_window, .prepare = prepare_live,
	  .run = run_remap_1 },
	{ .name = "remap_64",
	  .what = "a hypercall that maps 64 pages in use elsewhere, and a read of each, a page",
	  .nr = 64, .begin = begin_window, .prepare = prepare_live,
	  .run = run_remap_64 },
	{ .name = "trapped_store",
	  .what = "a store to a page table that traps and is installed, its real page backed",
	  .nr = 64, .begin = begin_trapping, .prepare = prepare_empty,
	  .run = run_stores },
	{ .name = "unmap_512",
	  .what = "a hypercall that unmaps 512 pages in use, a page",
	  .nr = 512, .begin = begin_window, .prepare = prepare_used,
	  .run = run_install_512 },
	{ .name = "zap_1",
	  .what = "an INVALIDATE of a page in use",
	  .nr = 64, .begin = begin_window, .prepare = prepare_used,
	  .run = run_zap_1 },
	{ .name = "zap_64",
	  .what = "an INVALIDATE of 64 pages in use, a page",
	  .nr = 64, .begin = begin_window, .prepare = prepare_used,
	  .run = run_zap_64 },
	{ .name = "zap_512",
	  .what = "an INVALIDATE of 512 pages in use, a page",
	  .nr = 512, .begin = begin_window, .prepare = prepare_used,
	  .run = run_zap_512 },
	{ .name = "populate", .what = "frames for 512 real pages, a page",
	  .nr = 512, .begin = begin_lazy, .prepare = prepare_discarded,
	  .run = run_populate },
	{ .name = "vm", .what = "create a VM of 1 TiB, and destroy it",
	  .nr = 8, .begin = begin_dev, .prepare = prepare_settled,
	  .run = run_vms },
	{ .name = "window_access",
	  .what = "a load from a page of a window that is present",
	  .note = "the loop around eight loads is counted, too, as it is in plain_access",
	  .nr = LOADS, .begin = begin_access, .run = run_access },
	{ }
};
