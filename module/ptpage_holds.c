// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, who keeps them: roots, and those who are about to make an entry.
 * See ptpage.h.
 */
#include <linux/sched/signal.h>

#include "ptpage_use.h"

/* Hold a table, and scan what is below it; -EAGAIN: there is more to do. */
static int try_hold(struct vmmu_vm *vm, const struct vmmu_ptkey *key, bool *held,
		    struct vmmu_ptspare *spare)
{
	struct vmmu_ptuse *use;
	int err = 0;

	if (!*held) {
		err = vmmu_ptuse_provide(vm, key, spare, &use);
		if (!err) {
			if (!vmmu_ptuse_referred_to(use))
				vmmu_ptuse_revive(vm, use);
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
	use = vmmu_ptuse_find(vm, key);
	use->holds--;
	if (!vmmu_ptuse_referred_to(use))
		list_move_tail(&use->todo, &vm->ptpages.dying);
	up_write(&vm->lock);
	vmmu_ptpage_reap(vm);
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
	use = vmmu_ptuse_find(vm, &key);
	if (!use->roots++)
		vmmu_ptuse_add_parent(vm, use, VMMU_PTPAGE_ROOT);
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
	use = vmmu_ptuse_find(vm, &key);
	if (use->space == space)
		use->space = find_peer(space);
	if (!--use->roots)
		vmmu_ptuse_drop_parent(vm, use, VMMU_PTPAGE_ROOT);
}
