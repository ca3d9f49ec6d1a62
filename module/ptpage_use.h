/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What page-table pages serve as, for the files of ptpage alone. Callers of what is
 * here hold vm->lock, for writing where something changes.
 */
#ifndef VMMU_PTPAGE_USE_H
#define VMMU_PTPAGE_USE_H

#include "ptpage.h"

static inline struct vmmu_ra vmmu_ptpage_entry(const struct vmmu_ptpage *page,
					       unsigned int i)
{
	return vmmu_ra_add(vmmu_ra_of_index(page->index), i * sizeof(u64));
}

/* How many entries may refer to tables. */
static inline unsigned int vmmu_ptuse_links(const struct vmmu_ptuse *use)
{
	return use->level == 1 ? 0 : BIT(use->format->index_bits);
}

static inline bool vmmu_ptuse_referred_to(const struct vmmu_ptuse *use)
{
	return use->parents || use->holds;
}

/* What a page serves as; NULL: not as that. */
static inline struct vmmu_ptuse *vmmu_ptuse_of(const struct vmmu_ptpage *page,
					       const struct vmmu_ptkey *key)
{
	struct vmmu_ptuse *use;

	list_for_each_entry(use, &page->uses, link)
		if (use->level == key->level && use->format == key->format)
			return use;
	return NULL;
}

/* The use of a table; NULL: it is not known. */
static inline struct vmmu_ptuse *vmmu_ptuse_find(struct vmmu_vm *vm,
						 const struct vmmu_ptkey *key)
{
	struct vmmu_ptpage *page = vmmu_ptpage_find(vm, key->index);

	return page ? vmmu_ptuse_of(page, key) : NULL;
}

/* Likewise; it is made if need be. -ENODATA: fill @spare. */
int vmmu_ptuse_provide(struct vmmu_vm *vm, const struct vmmu_ptkey *key,
		       struct vmmu_ptspare *spare, struct vmmu_ptuse **found);

/* It is referred to again: it is not dying, and all of it is to be scanned. */
void vmmu_ptuse_revive(struct vmmu_vm *vm, struct vmmu_ptuse *use);

/* An entry, by its real address, or VMMU_PTPAGE_ROOT refers to it, or no more. */
void vmmu_ptuse_add_parent(struct vmmu_vm *vm, struct vmmu_ptuse *use,
			   u64 parent);
void vmmu_ptuse_drop_parent(struct vmmu_vm *vm, struct vmmu_ptuse *use,
			    u64 parent);

/* Refer to no table any more. */
void vmmu_ptuse_unscan(struct vmmu_vm *vm, struct vmmu_ptuse *use);

#endif /* VMMU_PTPAGE_USE_H */
