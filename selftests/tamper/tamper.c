// SPDX-License-Identifier: GPL-2.0
/*
 * Break what a sound kernel never breaks, so that selftests/dead.c can tell how
 * vmmu takes it: the frame number written to the parameter `disown` gets a
 * struct page that belongs to no mapping. Nothing else uses this module.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

static int disown(const char *text, const struct kernel_param *param)
{
	struct page *page;
	unsigned long pfn;
	int err = kstrtoul(text, 0, &pfn);

	if (err)
		return err;
	page = pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
	if (!page || !get_page_unless_zero(page))
		return -ENXIO;
	lock_page(page);
	page->mapping = NULL;
	unlock_page(page);
	put_page(page);
	return 0;
}

static const struct kernel_param_ops disown_ops = { .set = disown };

module_param_cb(disown, &disown_ops, NULL, 0200);
MODULE_PARM_DESC(disown, "number of the frame whose page loses its mapping");

static int __init tamper_init(void)
{
	return 0;
}

static void __exit tamper_exit(void)
{
}

module_init(tamper_init);
module_exit(tamper_exit);

MODULE_DESCRIPTION("Damage for the test of vmmu's dead VMs");
MODULE_LICENSE("GPL");
