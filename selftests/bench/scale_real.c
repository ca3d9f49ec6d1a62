// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes of real memory, all but empty: they cost nothing, but that the real map
 * table has as many levels as the size needs: one for 1 MiB, four for 1 TiB.
 */
#include <unistd.h>

#include "scale.h"

#define NR_VMS	8
#define TOUCHED	128

#define SIZES	{ 1UL << 20, 1UL << 24, 1UL << 28, 1UL << 32, 1UL << 36, 1UL << 40 }
#define EACH	64

static struct tree tree;
static int dev, vms[NR_VMS];

static int open_device(void)
{
	dev = vmmu_open(NULL);
	return dev < 0 ? dev : 0;
}

static int wait_settled(void)
{
	settle();
	return 0;
}

static int create_and_close(void)
{
	for (int i = 0; i < NR_VMS; i++) {
		int vm = vmmu_vm_create(dev, parameter, NULL);

		if (vm < 0)
			return vm;
		close(vm);
	}
	return 0;
}

/* The last pages of real memory are the farthest from the root. */
static uint64_t data(void)
{
	return parameter - TOUCHED * PAGE;
}

static int make_guest(void)
{
	uint64_t done;
	int ret;

	ret = tree_make(&tree, parameter, 1);
	tree_link(&tree, 0, 1);
	return ret ?: tree_space(&tree, VMMU_SPACE_LAZY) ?:
	       vmmu_populate(tree.vm, data(), TOUCHED * PAGE, &done) ?:
	       tree_map(&tree, 0, TOUCHED, data());
}

static int discard_data(void)
{
	uint64_t done;
	int ret = vmmu_discard(tree.vm, data(), TOUCHED * PAGE, &done);

	settle();
	return ret;
}

static int populate_each(void)
{
	int ret = 0;

	for (unsigned long i = 0; !ret && i < EACH; i++) {
		uint64_t done;

		ret = vmmu_populate(tree.vm, data() + i * PAGE, PAGE, &done);
	}
	return ret;
}

static int translate_each(void)
{
	struct vmmu_translation result;

	for (unsigned long i = 0; i < EACH; i++) {
		int ret = vmmu_translate(tree.space, i * PAGE, VMMU_ACCESS_READ,
					 VMMU_TRANSLATE_USER, &result);

		if (ret || result.ra != data() + i * PAGE)
			return ret ?: -1;
	}
	return 0;
}

static int make_empty(void)
{
	int ret = open_device();

	for (int i = 0; !ret && i < NR_VMS; i++) {
		close(vms[i]);
		vms[i] = vmmu_vm_create(dev, parameter, NULL);
		ret = vms[i] < 0 ? vms[i] : 0;
	}
	close(dev);
	settle();
	return ret;
}

static int begin_empty(void)
{
	for (int i = 0; i < NR_VMS; i++)
		vms[i] = -1;
	return 0;
}

static int populate_first(void)
{
	int ret = 0;

	for (int i = 0; !ret && i < NR_VMS; i++) {
		uint64_t done;

		ret = vmmu_populate(vms[i], data(), PAGE, &done);
	}
	return ret;
}

static int make_touched(void)
{
	int ret = make_empty();

	for (int i = 0; !ret && i < NR_VMS; i++) {
		uint64_t done;

		ret = vmmu_populate(vms[i], data(), TOUCHED * PAGE, &done);
	}
	settle();
	return ret;
}

static int close_all(void)
{
	for (int i = 0; i < NR_VMS; i++) {
		close(vms[i]);
		vms[i] = -1;
	}
	return 0;
}

static int make_large(void)
{
	uint64_t done;
	int ret = open_device();

	if (ret)
		return ret;
	vms[0] = vmmu_vm_create(dev, 1UL << 40, NULL);
	close(dev);
	ret = vms[0] < 0 ? vms[0] :
	      vmmu_populate(vms[0], 0, parameter * PAGE, &done);
	settle();
	return ret;
}

static int close_large(void)
{
	close(vms[0]);
	return 0;
}

const struct sweep scale_real[] = {
	{ { .name = "real_vm", .what = "create an empty VM, and destroy it",
	    .nr = NR_VMS, .begin = open_device, .prepare = wait_settled,
	    .run = create_and_close },
	  .parameter = "real bytes", .points = SIZES, .growth = FLAT, .limit = 1.10 },
	{ { .name = "real_first", .what = "populate the first page of an empty VM",
	    .note = "it brings a table for each level of the real map table",
	    .nr = NR_VMS, .begin = begin_empty, .prepare = make_empty,
	    .run = populate_first },
	  .parameter = "real bytes", .points = SIZES, .growth = FLAT, .limit = 1.10 },
	{ { .name = "real_populate", .what = "populate a page beside others that were",
	    .nr = EACH, .begin = make_guest, .prepare = discard_data,
	    .run = populate_each },
	  .parameter = "real bytes", .points = SIZES, .growth = FLAT, .limit = 1.10 },
	{ { .name = "real_translate", .what = "translate one va to ra and pfn",
	    .note = "four tables and the page are each looked up in the real map table",
	    .nr = EACH, .begin = make_guest, .run = translate_each },
	  .parameter = "real bytes", .points = SIZES, .growth = FLAT, .limit = 1.10 },
	{ { .name = "real_destroy", .what = "destroy a VM of which 128 pages were touched",
	    .note = "looks at all of a table of each level; the frames are freed later, uncounted",
	    .nr = NR_VMS, .begin = begin_empty, .prepare = make_touched,
	    .run = close_all },
	  .parameter = "real bytes", .points = SIZES, .growth = FLAT, .limit = 1.10 },
	{ { .name = "touched_destroy", .what = "destroy a VM of 1 TiB",
	    .note = "the frames are freed later, uncounted",
	    .prepare = make_large, .run = close_large },
	  .parameter = "touched pages", .points = { 512, 2048, 8192, 32768, 65536 },
	  .growth = LINEAR, .limit = 1.10 },
	{ }
};
