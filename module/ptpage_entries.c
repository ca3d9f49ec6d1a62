// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, the tables that their entries refer to: see ptpage.h.
 */
#include "ptpage_use.h"

/* Tables that are looked at before others may have vm->lock. */
#define SCAN_AT_ONCE	32

u64 vmmu_ptpage_established(struct vmmu_vm *vm, struct vmmu_ptpage *page,
			    unsigned int i)
{
	u64 value;

	if (page->snapshot)
		return page->snapshot[i];
	vmmu_word_load(&vm->realmap, vmmu_ptpage_entry(page, i), &value);
	return value;
}

/* The table that @value in an entry of the use refers to. False: none. */
static bool child_of(struct vmmu_vm *vm, const struct vmmu_ptuse *use, u64 value,
		     struct vmmu_ptkey *key)
{
	struct vmmu_entry entry;

	if (use->level == 1 ||
	    vmmu_format_decode(use->format, value, use->level, 0, &entry) !=
	    VMMU_ENTRY_TABLE ||
	    vmmu_ra_index(entry.ra) >= vm->realmap.nr_pages)
		return false;
	*key = (struct vmmu_ptkey){
		.index = vmmu_ra_index(entry.ra),
		.format = use->format,
		.level = use->level - 1,
	};
	return true;
}

static bool same_key(const struct vmmu_ptkey *one, const struct vmmu_ptkey *other)
{
	return one->index == other->index && one->format == other->format &&
	       one->level == other->level;
}

bool vmmu_ptpage_child(struct vmmu_vm *vm, const struct vmmu_ptuse *use,
		       unsigned int i, struct vmmu_ptuse **child)
{
	struct vmmu_ptkey key;
	u64 value = vmmu_ptpage_established(vm, use->page, i);

	if (!child_of(vm, use, value, &key))
		return false;
	*child = vmmu_ptuse_find(vm, &key);
	return true;
}

/* Refer to the tables that the entries of a use refer to. */
static int scan_use(struct vmmu_vm *vm, struct vmmu_ptuse *use,
		    struct vmmu_ptspare *spare)
{
	for (; use->scanned < vmmu_ptuse_links(use); use->scanned++) {
		struct vmmu_ra entry = vmmu_ptpage_entry(use->page, use->scanned);
		struct vmmu_ptuse *child;
		struct vmmu_ptkey key;
		u64 value;
		int err;

		value = vmmu_ptpage_established(vm, use->page, use->scanned);
		if (!child_of(vm, use, value, &key))
			continue;
		err = vmmu_ptuse_provide(vm, &key, spare, &child);
		if (err)
			return err;
		vmmu_ptuse_add_parent(vm, child, entry.value);
	}
	list_del_init(&use->todo);
	return 0;
}

int vmmu_ptpage_scan(struct vmmu_vm *vm, struct vmmu_ptspare *spare)
{
	struct list_head *unscanned = &vm->ptpages.unscanned;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < SCAN_AT_ONCE; i++) {
		struct vmmu_ptuse *use =
			list_first_entry_or_null(unscanned, struct vmmu_ptuse,
						 todo);
		int err = use ? scan_use(vm, use, spare) : 0;

		if (!use || err)
			return err;
		if (need_resched())
			break;
	}
	return list_empty(unscanned) ? 0 : -EAGAIN;
}

void vmmu_ptuse_unscan(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	while (use->scanned) {
		unsigned int i = --use->scanned;
		struct vmmu_ra entry = vmmu_ptpage_entry(use->page, i);
		u64 value = vmmu_ptpage_established(vm, use->page, i);
		struct vmmu_ptkey key;

		if (child_of(vm, use, value, &key))
			vmmu_ptuse_drop_parent(vm, vmmu_ptuse_find(vm, &key),
					       entry.value);
	}
}

void vmmu_ptpage_forget(struct vmmu_vm *vm, u64 index)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, index);
	struct vmmu_ptuse *use;

	lockdep_assert_held_write(&vm->lock);

	if (!page || page->unknown)
		return;
	list_for_each_entry(use, &page->uses, link) {
		vmmu_ptuse_unscan(vm, use);
		if (vmmu_ptuse_referred_to(use))
			list_del_init(&use->todo);
	}
	vmmu_ptpage_lose(vm, page);
}

void vmmu_ptpage_rescan(struct vmmu_vm *vm, struct vmmu_ptpage *page)
{
	struct vmmu_ptuse *use;

	lockdep_assert_held_write(&vm->lock);

	page->unknown = false;
	list_for_each_entry(use, &page->uses, link)
		if (vmmu_ptuse_referred_to(use))
			vmmu_ptuse_revive(vm, use);
}

void vmmu_ptpage_wanted(struct vmmu_vm *vm, struct vmmu_ra entry, u64 new,
			struct vmmu_holds *wanted)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, vmmu_ra_index(entry));
	unsigned int i = vmmu_ra_offset(entry) / sizeof(u64);
	struct vmmu_ptuse *use;
	u64 old;

	wanted->nr = 0;
	if (!page)
		return;
	old = vmmu_ptpage_established(vm, page, i);
	list_for_each_entry(use, &page->uses, link) {
		struct vmmu_ptkey had, key;

		if (i >= use->scanned || !child_of(vm, use, new, &key))
			continue;
		if (child_of(vm, use, old, &had) && same_key(&had, &key))
			continue;
		wanted->keys[wanted->nr++] = key;
	}
}

bool vmmu_ptpage_held(const struct vmmu_holds *holds,
		      const struct vmmu_holds *wanted)
{
	for (unsigned int i = 0; i < wanted->nr; i++) {
		bool found = false;

		for (unsigned int j = 0; j < holds->nr && !found; j++)
			found = same_key(&holds->keys[j], &wanted->keys[i]);
		if (!found)
			return false;
	}
	return true;
}

void vmmu_ptpage_establish(struct vmmu_vm *vm, struct vmmu_ra entry, u64 old,
			   u64 new)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, vmmu_ra_index(entry));
	unsigned int i = vmmu_ra_offset(entry) / sizeof(u64);
	struct vmmu_ptuse *use;

	lockdep_assert_held_write(&vm->lock);

	if (!page)
		return;
	if (page->snapshot) {
		old = page->snapshot[i];
		page->snapshot[i] = new;
	}
	list_for_each_entry(use, &page->uses, link) {
		struct vmmu_ptkey had, has;
		bool drops, adds;

		if (i >= use->scanned)
			continue;
		drops = child_of(vm, use, old, &had);
		adds = child_of(vm, use, new, &has);
		if (drops && adds && same_key(&had, &has))
			continue;
		if (adds)
			vmmu_ptuse_add_parent(vm, vmmu_ptuse_find(vm, &has),
					      entry.value);
		if (drops)
			vmmu_ptuse_drop_parent(vm, vmmu_ptuse_find(vm, &had),
					       entry.value);
	}
}

void vmmu_ptpage_wipe(struct vmmu_vm *vm, u64 index)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, index);
	struct vmmu_ptuse *use;

	lockdep_assert_held_write(&vm->lock);

	if (!page || list_empty(&page->link))
		return;
	for (unsigned int i = 0; page->snapshot && i < PAGE_SIZE / sizeof(u64);
	     i++)
		vmmu_ptpage_establish(vm, vmmu_ptpage_entry(page, i), 0, 0);
	/* There is nothing left to look at, not even if that was under way. */
	list_for_each_entry(use, &page->uses, link)
		use->scanned = vmmu_ptuse_links(use);
	vmmu_ptpage_close(vm, page);
}
