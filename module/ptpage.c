// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, and what they serve as: see ptpage.h.
 */
#include <linux/slab.h>

#include "ptpage_use.h"

/* Pages whose structures are charged as one page. */
#define PER_CHARGE	16

/* Tables that are buried before others may have vm->lock. */
#define BURY_AT_ONCE	32

void vmmu_ptpage_init(struct vmmu_vm *vm)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;

	xa_init_flags(&ptpages->pages, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&ptpages->unscanned);
	INIT_LIST_HEAD(&ptpages->dying);
	INIT_LIST_HEAD(&ptpages->open);
	INIT_LIST_HEAD(&ptpages->pinned);
}

struct vmmu_ptpage *vmmu_ptpage_look_up(struct vmmu_vm *vm, u64 index)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;
	struct vmmu_ptpage *page =
		READ_ONCE(ptpages->nr) ? xa_load(&ptpages->pages, index) : NULL;

	if (page)
		WRITE_ONCE(*vmmu_ptpage_recent(vm, index), page);
	return page;
}

void vmmu_ptuse_revive(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	if (use->page->unknown || use->scanned == vmmu_ptuse_links(use))
		list_del_init(&use->todo);
	else
		list_move_tail(&use->todo, &vm->ptpages.unscanned);
}

void vmmu_ptuse_add_parent(struct vmmu_vm *vm, struct vmmu_ptuse *use,
			   u64 parent)
{
	if (!vmmu_ptuse_referred_to(use))
		vmmu_ptuse_revive(vm, use);
	use->parents++;
	use->parent ^= parent;
}

void vmmu_ptuse_drop_parent(struct vmmu_vm *vm, struct vmmu_ptuse *use,
			    u64 parent)
{
	use->parents--;
	use->parent ^= parent;
	if (!vmmu_ptuse_referred_to(use))
		list_move_tail(&use->todo, &vm->ptpages.dying);
}

/* Whether one more page is to be charged, or one less was. */
static bool charges(const struct vmmu_ptpages *ptpages)
{
	return !(READ_ONCE(ptpages->nr) % PER_CHARGE);
}

/* A page that has become a table. -ENODATA: memory is missing. */
static int add_page(struct vmmu_vm *vm, struct vmmu_ptspare *spare)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;
	struct vmmu_ptpage *page = spare->page;

	if (!page || !vmmu_realmap_reserved(&vm->realmap, spare->index) ||
	    (charges(ptpages) && !spare->charged))
		return -ENODATA;
	page->index = spare->index;
	if (xa_err(xa_store(&ptpages->pages, page->index, page,
			    GFP_NOWAIT | __GFP_NOWARN)))
		return -ENODATA;
	if (charges(ptpages))
		spare->charged = false;
	spare->page = NULL;
	WRITE_ONCE(ptpages->nr, ptpages->nr + 1);
	page->unknown = !vmmu_ptpage_protect(vm, page);
	return 0;
}

/* A page that is no table any more may be written by everybody again. */
static void drop_page(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;

	if (!list_empty(&page->link))
		vmmu_ptpage_close(vm, page);
	vmmu_realmap_set_state(&vm->realmap, page->index,
			       VMMU_REALMAP_WRITABLE);
	xa_erase(&ptpages->pages, page->index);
	if (*vmmu_ptpage_recent(vm, page->index) == page)
		*vmmu_ptpage_recent(vm, page->index) = NULL;
	WRITE_ONCE(ptpages->nr, ptpages->nr - 1);
	if (charges(ptpages))
		vmmu_account_uncharge(&vm->account);
	kfree(page);
}

int vmmu_ptuse_provide(struct vmmu_vm *vm, const struct vmmu_ptkey *key,
		       struct vmmu_ptspare *spare, struct vmmu_ptuse **found)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, key->index);
	struct vmmu_ptuse *use = page ? vmmu_ptuse_of(page, key) : NULL;
	int err;

	lockdep_assert_held_write(&vm->lock);

	*found = use;
	if (use)
		return 0;
	spare->index = key->index;
	if (!spare->use)
		return -ENODATA;
	if (!page) {
		page = spare->page;
		err = add_page(vm, spare);
		if (err)
			return err;
	}
	use = spare->use;
	spare->use = NULL;
	use->page = page;
	use->format = key->format;
	use->level = key->level;
	list_add_tail(&use->link, &page->uses);
	*found = use;
	return 0;
}

int vmmu_ptspare_fill(struct vmmu_vm *vm, struct vmmu_ptspare *spare)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL;
	struct vmmu_ptpages *ptpages = &vm->ptpages;
	int err;

	might_sleep();
	err = vmmu_realmap_reserve(&vm->realmap, spare->index);
	if (!err)
		err = xa_reserve(&ptpages->pages, spare->index,
				 GFP_KERNEL | __GFP_NOWARN |
				 __GFP_RETRY_MAYFAIL);
	if (err)
		return -ENOMEM;
	if (charges(ptpages) && !spare->charged) {
		spare->charged = vmmu_account_charge(&vm->account);
		if (!spare->charged)
			return -ENOMEM;
	}
	if (!spare->page) {
		spare->page = kzalloc(sizeof(*spare->page), gfp);
		if (!spare->page)
			return -ENOMEM;
		INIT_LIST_HEAD(&spare->page->uses);
		INIT_LIST_HEAD(&spare->page->link);
	}
	if (!spare->use) {
		spare->use = kzalloc(sizeof(*spare->use), gfp);
		if (!spare->use)
			return -ENOMEM;
		INIT_LIST_HEAD(&spare->use->todo);
	}
	return 0;
}

void vmmu_ptspare_free(struct vmmu_vm *vm, struct vmmu_ptspare *spare)
{
	if (spare->charged)
		vmmu_account_uncharge(&vm->account);
	kfree(spare->page);
	kfree(spare->use);
	*spare = (struct vmmu_ptspare){ };
}

/* One table that nothing refers to. */
static void bury(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	struct vmmu_ptpage *page = use->page;

	vmmu_ptuse_unscan(vm, use);
	list_del(&use->todo);
	list_del(&use->link);
	kfree(use);
	if (list_empty(&page->uses))
		drop_page(vm, page);
}

/* Bury some. Returns whether there are more. */
static bool bury_some(struct vmmu_vm *vm)
{
	struct list_head *dying = &vm->ptpages.dying;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < BURY_AT_ONCE && !list_empty(dying); i++)
		bury(vm, list_first_entry(dying, struct vmmu_ptuse, todo));
	return !list_empty(dying);
}

void vmmu_ptpage_reap(struct vmmu_vm *vm)
{
	bool more = !list_empty_careful(&vm->ptpages.dying);

	while (more) {
		down_write(&vm->lock);
		more = bury_some(vm);
		up_write(&vm->lock);
		cond_resched();
	}
}

void vmmu_ptpage_exit(struct vmmu_vm *vm)
{
	down_write(&vm->lock);
	while (bury_some(vm))
		cond_resched();
	up_write(&vm->lock);
	xa_destroy(&vm->ptpages.pages);
}
