// SPDX-License-Identifier: GPL-2.0
/* Numbers of VMs: what the others cost one, and each the machine. */
#include <unistd.h>

#include "guest.h"
#include "scale.h"
#include "usage.h"

#define COUNTS	{ 1, 10, 100, 1000, 10000 }
#define FILLERS	1024
#define MORE	8
#define EACH	64

static struct guest guest;
static struct vmmu_install_op ops[EACH];
static int dev, more[MORE];

/* Idle ones of 1 TiB. */
static int create(unsigned long nr)
{
	while (nr--) {
		int vm = vmmu_vm_create(dev, 1UL << 40, NULL);

		if (vm < 0)
			return vm;
	}
	return 0;
}

static int prepare_device(void)
{
	int ret = allow_files(parameter + FILLERS);

	if (ret)
		return ret;
	dev = vmmu_open(NULL);
	return dev < 0 ? dev : 0;
}

static int begin_idle(void)
{
	for (int i = 0; i < MORE; i++)
		more[i] = -1;
	return prepare_device() ?: create(parameter);
}

/* The one that is measured is in the midst of the others. */
static int begin_guest(void)
{
	const unsigned long before = parameter / 2;

	return prepare_device() ?: create(before) ?:
	       guest_make(&guest, VMMU_SPACE_LAZY) ?:
	       guest_install(&guest, 0, NR_PAGES, DATA, 512) ?:
	       guest_window(&guest) ?: create(parameter - before - 1);
}

static int close_more(void)
{
	for (int i = 0; i < MORE; i++)
		close(more[i]);
	settle();
	return 0;
}

static int create_more(void)
{
	for (int i = 0; i < MORE; i++) {
		more[i] = vmmu_vm_create(dev, 1UL << 40, NULL);
		if (more[i] < 0)
			return more[i];
	}
	return 0;
}

static int wait_settled(void)
{
	settle();
	return 0;
}

static int create_and_close(void)
{
	int ret = create_more();

	for (int i = 0; i < MORE; i++)
		close(more[i]);
	return ret;
}

static int translate_each(void)
{
	struct vmmu_translation result;

	for (unsigned long i = 0; i < EACH; i++) {
		int ret = vmmu_translate(guest.space, page_va(i),
					 VMMU_ACCESS_READ, VMMU_TRANSLATE_USER,
					 &result);

		if (ret || result.ra != DATA + i * PAGE)
			return ret ?: -1;
	}
	return 0;
}

static int uninstall(void)
{
	int ret = guest_install(&guest, 0, EACH, 0, EACH);

	guest_ops(ops, 0, EACH, DATA);
	settle();
	return ret;
}

static int install_each(void)
{
	return guest_issue(&guest, ops, EACH, 1);
}

static int invalidate(void)
{
	settle();
	return vmmu_invalidate_all(guest.space);
}

/* Downwards, where nothing is mapped ahead. */
static int touch_each(void)
{
	for (unsigned long i = EACH; i--;)
		dirty(guest.window + i * PAGE);
	return 0;
}

static int measure_bytes(double *value)
{
	int ret = prepare_device();
	long before, after;

	if (ret)
		return ret;
	/* The first ones fill what gaps there are. */
	ret = create(FILLERS);
	before = usage_settled(usage_all);
	ret = ret ?: create(parameter);
	after = usage_settled(usage_all);
	*value = (after - before) * 1024.0 / parameter;
	return ret ?: before < 0 ? before : after < 0 ? after : 0;
}

const struct sweep scale_vms[] = {
	{ { .name = "vms_create", .what = "create an empty VM beside others",
	    .nr = MORE, .begin = begin_idle, .prepare = close_more,
	    .run = create_more },
	  .parameter = "VMs", .points = COUNTS, .growth = FLAT, .limit = 1.05 },
	{ { .name = "vms_create_close", .what = "create an empty VM beside others, and destroy it",
	    .nr = MORE, .begin = begin_idle, .prepare = wait_settled,
	    .run = create_and_close },
	  .parameter = "VMs", .points = COUNTS, .growth = FLAT, .limit = 1.05 },
	{ { .name = "vms_translate", .what = "translate one va to ra and pfn, in one of the VMs",
	    .nr = EACH, .begin = begin_guest, .run = translate_each },
	  .parameter = "VMs", .points = COUNTS, .growth = FLAT, .limit = 1.05 },
	{ { .name = "vms_install", .what = "a hypercall that installs one entry, in one of the VMs",
	    .nr = EACH, .begin = begin_guest, .prepare = uninstall,
	    .run = install_each },
	  .parameter = "VMs", .points = COUNTS, .growth = FLAT, .limit = 1.05 },
	{ { .name = "vms_fault", .what = "a write fault in a window of one of the VMs",
	    .nr = EACH, .begin = begin_guest, .prepare = invalidate,
	    .run = touch_each },
	  .parameter = "VMs", .points = COUNTS, .growth = FLAT, .limit = 1.05 },
	{ { .name = "vms_bytes", .what = "memory of an idle VM of 1 TiB", .unit = "bytes",
	    .measure = measure_bytes },
	  .parameter = "VMs", .points = { 1000, 3000, 10000 }, .growth = BOUND,
	  .limit = 8192 },
	{ }
};
