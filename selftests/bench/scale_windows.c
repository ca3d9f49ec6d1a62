// SPDX-License-Identifier: GPL-2.0
/* Numbers of windows that show the same page, and entries of one hypercall. */
#include <sys/mman.h>

#include "guest.h"
#include "scale.h"

#define COUNTS	{ 1, 10, 100, 500, 1000 }
#define MOST	1000
#define SHOWN	8	/* pages, each in all the windows */

static struct tree tree;
static struct vmmu_install_op ops[NR_PAGES];
static char *windows[MOST];
static unsigned int turn;
static struct guest guest;

/* Real pages that take turns to be shown. */
static uint64_t shown(unsigned int turn)
{
	return (16UL << 20) + turn % 2 * SHOWN * PAGE;
}

static int make_windows(void)
{
	uint64_t done;
	int ret;

	ret = tree_make(&tree, 64UL << 20, 1);
	tree_link(&tree, 0, 1);
	ret = ret ?: tree_space(&tree, VMMU_SPACE_LAZY) ?:
	      vmmu_populate(tree.vm, shown(0), 2 * SHOWN * PAGE, &done) ?:
	      tree_map(&tree, 0, SHOWN, shown(0));
	for (unsigned int i = 0; !ret && i < parameter; i++) {
		void *window;

		ret = vmmu_window_map(tree.space, 0, SHOWN * PAGE,
				      PROT_READ | PROT_WRITE, NULL, &window);
		windows[i] = window;
	}
	return ret;
}

/* All is present in all windows; what is to come maps it elsewhere. */
static int show_everywhere(void)
{
	for (unsigned int i = 0; i < parameter; i++) {
		for (unsigned int page = SHOWN; page--;)
			dirty(windows[i] + page * PAGE);
	}
	tree_ops(ops, 0, SHOWN, shown(++turn));
	settle();
	return 0;
}

static int remap(void)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < SHOWN; i++)
		ret = vmmu_install(tree.space, ops + i, 1, 0, NULL, NULL);
	return ret;
}

static int show_nowhere(void)
{
	settle();
	return vmmu_invalidate_all(tree.space);
}

/* Downwards, where nothing is mapped ahead. */
static int touch_one(void)
{
	for (unsigned int page = SHOWN; page--;)
		dirty(windows[parameter / 2] + page * PAGE);
	return 0;
}

static int make_guest(void)
{
	return guest_make(&guest, VMMU_SPACE_LAZY);
}

static int uninstall(void)
{
	int ret = guest_install(&guest, 0, NR_PAGES, 0, 512);

	guest_ops(ops, 0, parameter, DATA);
	settle();
	return ret;
}

static int install(void)
{
	return guest_issue(&guest, ops, parameter, parameter);
}

const struct sweep scale_windows[] = {
	{ { .name = "windows_remap",
	    .what = "a hypercall that maps a page elsewhere that is in use in all windows",
	    .nr = SHOWN, .begin = make_windows, .prepare = show_everywhere,
	    .run = remap },
	  .parameter = "windows", .points = COUNTS, .growth = LINEAR, .limit = 1.10 },
	{ { .name = "windows_fault", .what = "a write fault in one of the windows",
	    .nr = SHOWN, .begin = make_windows, .prepare = show_nowhere,
	    .run = touch_one },
	  .parameter = "windows", .points = COUNTS, .growth = FLAT, .limit = 1.10 },
	{ { .name = "batch_install",
	    .what = "a hypercall that installs entries, their real pages backed",
	    .begin = make_guest, .prepare = uninstall, .run = install },
	  .parameter = "entries", .points = { 1, 4, 16, 64, 256, 1024, 2048, 4096 },
	  .growth = LINEAR, .limit = 1.10 },
	{ }
};
