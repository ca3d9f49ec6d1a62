// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, what they serve as: see ptpage.h.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ptpage.h"

/* Pages whose structures are charged as one page. */
#define PER_CHARGE	16

/* Tables that are looked at before others may have vm->lock. */
#define STEPS		32

void vmmu_ptpage_init(struct vmmu_vm *vm)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;

	xa_init_flags(&ptpages->pages, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&ptpages->unscanned);
	INIT_LIST_HEAD(&ptpages->dying);
	INIT_LIST_HEAD(&ptpages->open);
	INIT_LIST_HEAD(&ptpages->pinned);
}

static struct vmmu_ptpage **recent(struct vmmu_ptpages *ptpages, u64 index)
{
	return &ptpages->recent[index % VMMU_PTPAGES_RECENT];
}

struct vmmu_ptpage *vmmu_ptpage_find(struct vmmu_vm *vm, u64 index)
{
	struct vmmu_ptpages *ptpages = &vm->ptpages;
	struct vmmu_ptpage *page = READ_ONCE(*recent(ptpages, index));

	lockdep_assert_held(&vm->lock);

	if (page && page->index == index)
		return page;
	page = READ_ONCE(ptpages->nr) ? xa_load(&ptpages->pages, index) : NULL;
	if (page)
		WRITE_ONCE(*recent(ptpages, index), page);
	return page;
}

static struct vmmu_ptuse *find_use(const struct vmmu_ptpage *page,
				   const struct vmmu_ptkey *key)
{
	struct vmmu_ptuse *use;

	list_for_each_entry(use, &page->uses, link)
		if (use->level == key->level && use->format == key->format)
			return use;
	return NULL;
}

static struct vmmu_ptuse *find(struct vmmu_vm *vm, const struct vmmu_ptkey *key)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, key->index);

	return page ? find_use(page, key) : NULL;
}

static struct vmmu_ra entry_at(const struct vmmu_ptpage *page, unsigned int i)
{
	return vmmu_ra_add(vmmu_ra_of_index(page->index), i * sizeof(u64));
}

/* How many entries may refer to tables. */
static unsigned int nr_links(const struct vmmu_ptuse *use)
{
	return use->level == 1 ? 0 : BIT(use->format->index_bits);
}

u64 vmmu_ptpage_established(struct vmmu_vm *vm, struct vmmu_ptpage *page,
			    unsigned int i)
{
	u64 value;

	if (page->snapshot)
		return page->snapshot[i];
	vmmu_word_load(&vm->realmap, entry_at(page, i), &value);
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

static bool referred_to(const struct vmmu_ptuse *use)
{
	return use->parents || use->holds;
}

/* It is referred to again: it is not dying, and all of it is to be scanned. */
static void revive(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	if (use->page->unknown || use->scanned == nr_links(use))
		list_del_init(&use->todo);
	else
		list_move_tail(&use->todo, &vm->ptpages.unscanned);
}

static void add_parent(struct vmmu_vm *vm, struct vmmu_ptuse *use, u64 parent)
{
	if (!referred_to(use))
		revive(vm, use);
	use->parents++;
	use->parent ^= parent;
}

static void drop_parent(struct vmmu_vm *vm, struct vmmu_ptuse *use, u64 parent)
{
	use->parents--;
	use->parent ^= parent;
	if (!referred_to(use))
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
	if (*recent(ptpages, page->index) == page)
		*recent(ptpages, page->index) = NULL;
	WRITE_ONCE(ptpages->nr, ptpages->nr - 1);
	if (charges(ptpages))
		vmmu_account_uncharge(&vm->account);
	kfree(page);
}

/* The use of a table; made if need be. -ENODATA: fill @spare. */
static int provide(struct vmmu_vm *vm, const struct vmmu_ptkey *key,
		   struct vmmu_ptspare *spare, struct vmmu_ptuse **found)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, key->index);
	struct vmmu_ptuse *use = page ? find_use(page, key) : NULL;
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

bool vmmu_ptpage_child(struct vmmu_vm *vm, const struct vmmu_ptuse *use,
		       unsigned int i, struct vmmu_ptuse **child)
{
	struct vmmu_ptkey key;
	u64 value = vmmu_ptpage_established(vm, use->page, i);

	if (!child_of(vm, use, value, &key))
		return false;
	*child = find(vm, &key);
	return true;
}

/* Refer to the tables that the entries of a use refer to. */
static int scan_use(struct vmmu_vm *vm, struct vmmu_ptuse *use,
		    struct vmmu_ptspare *spare)
{
	for (; use->scanned < nr_links(use); use->scanned++) {
		struct vmmu_ptuse *child;
		struct vmmu_ptkey key;
		u64 value;
		int err;

		value = vmmu_ptpage_established(vm, use->page, use->scanned);
		if (!child_of(vm, use, value, &key))
			continue;
		err = provide(vm, &key, spare, &child);
		if (err)
			return err;
		add_parent(vm, child,
			   entry_at(use->page, use->scanned).value);
	}
	list_del_init(&use->todo);
	return 0;
}

int vmmu_ptpage_scan(struct vmmu_vm *vm, struct vmmu_ptspare *spare)
{
	struct list_head *unscanned = &vm->ptpages.unscanned;

	lockdep_assert_held_write(&vm->lock);

	for (unsigned int i = 0; i < STEPS; i++) {
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

/* Refer to no table any more. */
static void unscan_use(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	while (use->scanned) {
		struct vmmu_ptkey key;
		u64 value;

		use->scanned--;
		value = vmmu_ptpage_established(vm, use->page, use->scanned);
		if (child_of(vm, use, value, &key))
			drop_parent(vm, find(vm, &key),
				    entry_at(use->page, use->scanned).value);
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
		unscan_use(vm, use);
		if (referred_to(use))
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
		if (referred_to(use))
			revive(vm, use);
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
		vmmu_ptpage_establish(vm, entry_at(page, i), 0, 0);
	/* There is nothing left to look at, not even if that was under way. */
	list_for_each_entry(use, &page->uses, link)
		use->scanned = nr_links(use);
	vmmu_ptpage_close(vm, page);
}

/* One table that nothing refers to. */
static void bury(struct vmmu_vm *vm, struct vmmu_ptuse *use)
{
	struct vmmu_ptpage *page = use->page;

	unscan_use(vm, use);
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

	for (unsigned int i = 0; i < STEPS && !list_empty(dying); i++)
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

/* Hold a table, and scan what is below it; -EAGAIN: there is more to do. */
static int try_hold(struct vmmu_vm *vm, const struct vmmu_ptkey *key, bool *held,
		    struct vmmu_ptspare *spare)
{
	struct vmmu_ptuse *use;
	int err = 0;

	if (!*held) {
		err = provide(vm, key, spare, &use);
		if (!err) {
			if (!referred_to(use))
				revive(vm, use);
			use->holds++;
			*held = true;
		}
	}
	return err ?: vmmu_ptpage_scan(vm, spare);
}

int vmmu_ptpage_hold(struct vmmu_vm *vm, const struct vmmu_ptkey *key)
{
	struct vmmu_ptspare spare = { };
	bool held = false;
	int err;

	might_sleep();
	do {
		down_write(&vm->lock);
		err = try_hold(vm, key, &held, &spare);
		up_write(&vm->lock);
		if (err == -ENODATA)
			err = vmmu_ptspare_fill(vm, &spare) ?: -EAGAIN;
		cond_resched();
		if (err == -EAGAIN && fatal_signal_pending(current))
			err = -EINTR;
	} while (err == -EAGAIN);
	vmmu_ptspare_free(vm, &spare);
	if (err && held)
		vmmu_ptpage_release(vm, key);
	return err;
}

void vmmu_ptpage_release(struct vmmu_vm *vm, const struct vmmu_ptkey *key)
{
	struct vmmu_ptuse *use;

	down_write(&vm->lock);
	use = find(vm, key);
	use->holds--;
	if (!referred_to(use))
		list_move_tail(&use->todo, &vm->ptpages.dying);
	up_write(&vm->lock);
	vmmu_ptpage_reap(vm);
}

/* The table that is at @root for a space. False: there is none to be tracked. */
static bool root_key(const struct vmmu_space *space, u64 root,
		     struct vmmu_ptkey *key)
{
	*key = (struct vmmu_ptkey){
		.index = vmmu_ra_index(vmmu_ra(root)),
		.format = space->format,
		.level = space->format->levels,
	};
	return vmmu_space_traps(space) &&
	       key->index < space->vm->realmap.nr_pages;
}

int vmmu_ptpage_hold_root(struct vmmu_space *space, u64 root)
{
	struct vmmu_ptkey key;

	return root_key(space, root, &key) ? vmmu_ptpage_hold(space->vm, &key) :
					     0;
}

void vmmu_ptpage_release_root(struct vmmu_space *space, u64 root)
{
	struct vmmu_ptkey key;

	if (root_key(space, root, &key))
		vmmu_ptpage_release(space->vm, &key);
}

void vmmu_ptpage_add_root(struct vmmu_space *space)
{
	struct vmmu_vm *vm = space->vm;
	struct vmmu_ptuse *use;
	struct vmmu_ptkey key;

	lockdep_assert_held_write(&vm->lock);

	if (!root_key(space, space->root, &key))
		return;
	use = find(vm, &key);
	if (!use->roots++)
		add_parent(vm, use, VMMU_PTPAGE_ROOT);
	use->space = space;
}

/* Another TRAPPING space with the same root and format; NULL: there is none. */
static struct vmmu_space *find_peer(struct vmmu_space *space)
{
	struct vmmu_space *peer;

	list_for_each_entry(peer, &space->peers, peers)
		if (vmmu_space_traps(peer) && peer->format == space->format)
			return peer;
	return NULL;
}

void vmmu_ptpage_drop_root(struct vmmu_space *space)
{
	struct vmmu_vm *vm = space->vm;
	struct vmmu_ptuse *use;
	struct vmmu_ptkey key;

	lockdep_assert_held_write(&vm->lock);

	if (!root_key(space, space->root, &key))
		return;
	use = find(vm, &key);
	if (use->space == space)
		use->space = find_peer(space);
	if (!--use->roots)
		drop_parent(vm, use, VMMU_PTPAGE_ROOT);
}

/* What this space reserves, and all others do whose root this is. */
static u64 reserved_bits(struct vmmu_space *space)
{
	u64 reserved = space->reserved;
	struct vmmu_space *peer;

	list_for_each_entry(peer, &space->peers, peers)
		if (vmmu_space_traps(peer) && peer->format == space->format)
			reserved &= peer->reserved;
	return reserved;
}

/*
 * Where a table is: climb to the root while there is one way. False: no space
 * gets there. use->space stays NULL if there may be several ways.
 */
static bool locate(struct vmmu_vm *vm, const struct vmmu_ptuse *table, u64 va,
		   struct vmmu_use *use)
{
	while (table->parents == 1) {
		struct vmmu_ptkey key;

		if (table->parent == VMMU_PTPAGE_ROOT) {
			unsigned int unused = 64 - table->format->va_bits;

			if (table->format->sign_extended)
				va = sign_extend64(va, 63 - unused);
			use->space = table->space;
			use->va = vmmu_va(va);
			use->reserved = reserved_bits(use->space);
			return true;
		}
		key = (struct vmmu_ptkey){
			.index = vmmu_ra_index(vmmu_ra(table->parent)),
			.format = table->format,
			.level = table->level + 1,
		};
		va |= vmmu_ra_offset(vmmu_ra(table->parent)) / sizeof(u64)
		      << vmmu_format_shift(table->format, key.level);
		table = find(vm, &key);
	}
	return table->parents;
}

unsigned int vmmu_ptpage_uses(struct vmmu_vm *vm, struct vmmu_ra entry,
			      struct vmmu_use *uses)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, vmmu_ra_index(entry));
	u64 i = vmmu_ra_offset(entry) / sizeof(u64);
	struct vmmu_ptuse *table;
	unsigned int nr = 0;

	if (!page)
		return 0;
	list_for_each_entry(table, &page->uses, link) {
		struct vmmu_use *use = &uses[nr];
		u64 va = i << vmmu_format_shift(table->format, table->level);

		*use = (struct vmmu_use){
			.format = table->format,
			.level = table->level,
		};
		if (locate(vm, table, va, use))
			nr++;
	}
	return nr;
}

void vmmu_ptpage_count(struct vmmu_vm *vm, u64 index, enum vmmu_count what)
{
	struct vmmu_use uses[VMMU_MAX_USES];

	if (vmmu_ptpage_uses(vm, vmmu_ra_of_index(index), uses) == 1 &&
	    uses[0].space)
		vmmu_count(uses[0].space, what);
	else
		vmmu_count_vm(vm, what);
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

int vmmu_ptpage_hold_all(struct vmmu_vm *vm, struct vmmu_holds *holds)
{
	unsigned int nr = holds->nr;
	int err;

	for (holds->nr = 0; holds->nr < nr; holds->nr++) {
		err = vmmu_ptpage_hold(vm, &holds->keys[holds->nr]);
		if (err) {
			vmmu_ptpage_release_all(vm, holds);
			return err;
		}
	}
	return 0;
}

void vmmu_ptpage_release_all(struct vmmu_vm *vm, struct vmmu_holds *holds)
{
	while (holds->nr)
		vmmu_ptpage_release(vm, &holds->keys[--holds->nr]);
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
			add_parent(vm, find(vm, &has), entry.value);
		if (drops)
			drop_parent(vm, find(vm, &had), entry.value);
	}
}
