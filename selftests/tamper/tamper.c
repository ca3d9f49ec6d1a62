// SPDX-License-Identifier: GPL-2.0
/*
 * Break what a sound kernel never breaks, so that tests can tell how vmmu takes it.
 * Nothing else uses this module. What is broken, and where, is written to its
 * parameters as two numbers:
 *
 * disown:	a frame's number, 0: its struct page belongs to no mapping then
 * poke:	a frame's number, a value: what its first word becomes
 * expose:	an address of the caller's, 0: its PTE grants writes then
 * hide:	the same, and it does not
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

/* A parameter's two numbers. */
static int parse(const char *text, unsigned long *where, unsigned long *value)
{
	return sscanf(text, "%lu %lu", where, value) == 2 ? 0 : -EINVAL;
}

/* The page of a frame, held; NULL: there is none. */
static struct page *find_page(unsigned long pfn)
{
	struct page *page = pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;

	return page && get_page_unless_zero(page) ? page : NULL;
}

static int disown(const char *text, const struct kernel_param *param)
{
	unsigned long pfn, unused;
	struct page *page;
	int err = parse(text, &pfn, &unused);

	if (err)
		return err;
	page = find_page(pfn);
	if (!page)
		return -ENXIO;
	lock_page(page);
	page->mapping = NULL;
	unlock_page(page);
	put_page(page);
	return 0;
}

static int poke(const char *text, const struct kernel_param *param)
{
	unsigned long pfn, value;
	struct page *page;
	int err = parse(text, &pfn, &value);

	if (err)
		return err;
	page = find_page(pfn);
	if (!page)
		return -ENXIO;
	WRITE_ONCE(*(unsigned long *)page_address(page), value);
	put_page(page);
	return 0;
}

static int set_writable(pte_t *ptep, unsigned long address, void *writable)
{
	pteval_t value = pte_val(*ptep) & ~_PAGE_RW;

	set_pte(ptep, __pte(value | (writable ? _PAGE_RW : 0)));
	return 0;
}

static int change_pte(const char *text, bool writable)
{
	struct mm_struct *mm = current->mm;
	unsigned long address, unused;
	int err = parse(text, &address, &unused);

	if (err)
		return err;
	mmap_write_lock(mm);
	err = apply_to_existing_page_range(mm, address & PAGE_MASK, PAGE_SIZE,
					   set_writable,
					   writable ? mm : NULL);
	mmap_write_unlock(mm);
	return err;
}

static int expose(const char *text, const struct kernel_param *param)
{
	return change_pte(text, true);
}

static int hide(const char *text, const struct kernel_param *param)
{
	return change_pte(text, false);
}

static const struct kernel_param_ops disown_ops = { .set = disown };
static const struct kernel_param_ops poke_ops = { .set = poke };
static const struct kernel_param_ops expose_ops = { .set = expose };
static const struct kernel_param_ops hide_ops = { .set = hide };

module_param_cb(disown, &disown_ops, NULL, 0200);
MODULE_PARM_DESC(disown, "number of the frame whose page loses its mapping, and 0");
module_param_cb(poke, &poke_ops, NULL, 0200);
MODULE_PARM_DESC(poke, "number of the frame whose first word changes, and the value");
module_param_cb(expose, &expose_ops, NULL, 0200);
MODULE_PARM_DESC(expose, "address of the caller's that is to be writable, and 0");
module_param_cb(hide, &hide_ops, NULL, 0200);
MODULE_PARM_DESC(hide, "address of the caller's that is to be read-only, and 0");

static int __init tamper_init(void)
{
	return 0;
}

static void __exit tamper_exit(void)
{
}

module_init(tamper_init);
module_exit(tamper_exit);

MODULE_DESCRIPTION("Damage for tests of vmmu");
MODULE_LICENSE("GPL");
