// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables.
 *
 * A page table says, for each virtual page of a program, which real page it
 * is, and what the program may do there. A table with an entry for every page
 * of a 48-bit address space would be larger than the machine, so x86-64 makes
 * it a tree. Each table fills one real page with 512 entries of 8 bytes; nine
 * bits of the virtual address pick the entry, and the entry names the table of
 * the next level, or at last the page:
 *
 *     va   | 9 bits | 9 bits | 9 bits | 9 bits | 12 bits |
 *              |        |        |        |         `- offset in the page
 *     root -> PML4E -> PDPTE -> PDE  ->  PTE -> real page
 *
 * With 5 levels there is one more on top, and nine more bits of address.
 *
 * Tables live in real memory, where a CPU would look for them, and the entries
 * hold real addresses. But the guest OS does not write entries of a table that
 * is in use. It plans them as a list, and hands the list to the module by a
 * hypercall, VMMU_IOC_INSTALL. The module stores each entry in the guest's
 * table; where the entry makes a page valid, the module also gives that real
 * page its physical frame, in the VM's real map table. This is the place where
 * the two levels of translation meet.
 */
#include <string.h>
#include <unistd.h>

#include "guest.h"

/*
 * The processor state that a walk depends on: read-only pages bind the kernel
 * too, no-execute bits count, and programs run at privilege level 3.
 */
static const struct vmmu_mode mode = {
	.bits = VMMU_MODE_WP | VMMU_MODE_NXE | VMMU_MODE_CPL3,
	.maxphyaddr = 52,
};

/* Give a new program an empty page table, and tell the module about it. */
int table_create(struct program *program)
{
	struct guest *guest = program->guest;
	struct page use = {
		.use = PAGE_TABLE,
		.level = vmmu_table_levels(guest->format),
		.owner = program,
	};
	uint64_t root;
	int space, err;

	err = pages_alloc(&guest->pages, &use, &root);
	if (err)
		return err;
	space = vmmu_space_create(guest->vm, guest->format, VMMU_SPACE_LAZY,
				  root, &mode, NULL);
	if (space < 0) {
		pages_free(&guest->pages, root);
		return space;
	}
	program->space = space;
	program->table = (struct vmmu_table){
		.format = guest->format,
		.root = root,
		.memory = guest->memory,
		.memory_bytes = guest->real_bytes,
	};
	return 0;
}

/* Nothing walks the table after this; its pages may be freed. */
void table_destroy(struct program *program)
{
	close(program->space);
	program->space = -1;
}

/* libvmmu asks for a page: a table is missing. */
static int add_table(void *context, unsigned int level, uint64_t *ra)
{
	struct program *program = context;
	struct page use = {
		.use = PAGE_TABLE,
		.level = level,
		.owner = program,
	};

	return pages_alloc(&program->guest->pages, &use, ra);
}

/*
 * Plan how to map the real page @ra at @va: one install if all tables on the
 * way are there, else one more for each that is missing. A new table is filled
 * with zeroes, which is the only time that the guest OS writes to it.
 */
int table_plan(struct program *program, uint64_t va, uint64_t ra,
	       uint32_t rights, struct table_change *change)
{
	struct vmmu_table_entry leaf = {
		.ra = ra,
		.rights = rights | VMMU_RIGHT_USER,
		.page_shift = 12,
	};
	int err;

	memset(change, 0, sizeof(*change));
	err = vmmu_table_plan(&program->table, va, &leaf, add_table, program,
			      change->ops, &change->nr,
			      ARRAY_SIZE(change->ops));
	if (err)
		table_forget(program, change);
	return err;
}

/* The hypercall: all of the change, or nothing. */
int table_install(struct program *program, struct table_change *change)
{
	return vmmu_install(program->space, change->ops, change->nr,
			    VMMU_INSTALL_ATOMIC | VMMU_INSTALL_STOP,
			    change->outcomes, NULL);
}

/* Give up a change that is not installed: its tables are not needed. */
void table_forget(struct program *program, const struct table_change *change)
{
	unsigned int i;

	for (i = 0; i < change->nr; i++)
		if (change->ops[i].level > 1)
			pages_free(&program->guest->pages,
				   table_entry_ra(program, &change->ops[i]));
}

/* The real page, a program's or a table's, that a new entry refers to. */
uint64_t table_entry_ra(const struct program *program,
			const struct vmmu_install_op *op)
{
	struct vmmu_table_entry entry = { 0 };

	vmmu_table_decode(program->table.format, op->level, op->value, &entry);
	return entry.ra;
}
