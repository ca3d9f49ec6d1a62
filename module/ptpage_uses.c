// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages, what their entries serve for: see ptpage.h.
 */
#include "ptpage_use.h"

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
		table = vmmu_ptuse_find(vm, &key);
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
