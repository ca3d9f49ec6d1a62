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
 *
 * What the program's window has been granted before, the module takes back
 * where an entry changes, before the call returns: a processor of a machine
 * would need an invlpg after the store, which no window needs after the call.
 */
#include <errno.h>
#include <stdlib.h>
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
	err = space < 0 ? space : 0;
	if (!err && guest->trap >= 0)
		err = vmmu_set_delivery(space, VMMU_DELIVER_RECORD,
					guest->trap);
	if (err) {
		if (space >= 0)
			close(space);
		pages_free(&guest->pages, root);
		return err;
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

/* A list of the real pages that a page table refers to. */
struct list {
	uint64_t *ras;
	size_t nr;
	size_t room;
};

static int add_to_list(void *context, uint64_t va,
		       const struct vmmu_step *step,
		       const struct vmmu_table_entry *entry)
{
	struct list *list = context;

	(void)va;
	(void)step;
	if (list->nr == list->room)
		return -ENOSPC;
	list->ras[list->nr++] = entry->ra;
	return 0;
}

/*
 * End a page table, and give back what it refers to and what it consists of.
 * No window is left. First the module lets go of it, so that nothing translates
 * through it any more; only then its pages become free.
 */
int table_destroy(struct program *program)
{
	struct pages *pages = &program->guest->pages;
	struct list list = { .room = pages->nr };
	int err;
	size_t i;

	list.ras = calloc(list.room, sizeof(*list.ras));
	if (!list.ras)
		return -ENOMEM;
	err = vmmu_table_visit(&program->table, add_to_list, &list);
	close(program->space);
	program->space = -1;
	for (i = 0; i < list.nr && !err; i++)
		err = pages_free(pages, list.ras[i]);
	if (!err)
		err = pages_free(pages, program->table.root);
	free(list.ras);
	return err;
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

/* Where the table says that @va's page is: 0, or -ENOENT. */
int table_look(const struct program *program, uint64_t va, uint64_t *ra)
{
	struct vmmu_step steps[VMMU_TABLE_MAX_LEVELS];
	struct vmmu_table_entry last = { 0 };

	if (vmmu_table_walk(&program->table, va, steps, ARRAY_SIZE(steps),
			    &last) <= 0 || !(last.flags & VMMU_TABLE_LEAF))
		return -ENOENT;
	*ra = last.ra;
	return 0;
}

/* A copy of a page table in the making, see table_share(). */
struct sharing {
	struct program *child;
	struct vmmu_install_op *ops;
	unsigned int nr;
	unsigned int room;
};

/* Add to the list: this page becomes read-only. */
static int add_protection(void *context, uint64_t va,
			  const struct vmmu_step *step,
			  const struct vmmu_table_entry *entry)
{
	struct sharing *sharing = context;
	struct vmmu_table_entry read_only = *entry;
	struct vmmu_install_op *op = &sharing->ops[sharing->nr];

	if (!(entry->flags & VMMU_TABLE_LEAF) ||
	    !(entry->rights & VMMU_RIGHT_WRITE))
		return 0;
	if (sharing->nr++ == sharing->room)
		return -ENOSPC;
	read_only.rights &= ~VMMU_RIGHT_WRITE;
	op->va = va;
	op->level = step->level;
	return vmmu_table_encode(sharing->child->table.format, step->level,
				 &read_only, (uint64_t *)&op->value);
}

/* Map one page in the child's table, too. */
static int share_page(void *context, uint64_t va, const struct vmmu_step *step,
		      const struct vmmu_table_entry *entry)
{
	struct sharing *sharing = context;
	struct program *child = sharing->child;
	struct table_change change;
	int err;

	(void)step;
	if (!(entry->flags & VMMU_TABLE_LEAF))
		return 0;
	err = table_plan(child, va, entry->ra, entry->rights, &change);
	if (err)
		return err;
	err = table_install(child, &change);
	if (err)
		table_forget(child, &change);
	else
		err = pages_share(&child->guest->pages, entry->ra);
	return err;
}

/*
 * Let @child's table, which is empty, map all that @parent's does, and leave
 * neither of them the right to write: whoever tries will get a copy, see
 * fault.c. After an error some pages may be shared; fault.c heals that, too.
 */
int table_share(struct program *child, struct program *parent)
{
	struct sharing sharing = {
		.child = child,
		.room = child->guest->pages.nr,
	};
	int err;

	sharing.ops = calloc(sharing.room, sizeof(*sharing.ops));
	if (!sharing.ops)
		return -ENOMEM;
	err = vmmu_table_visit(&parent->table, add_protection, &sharing);
	/* The parent loses its rights in every window when this returns. */
	if (!err && sharing.nr)
		err = vmmu_install(parent->space, sharing.ops, sharing.nr,
				   VMMU_INSTALL_ATOMIC, NULL, NULL);
	free(sharing.ops);
	return err ? err : vmmu_table_visit(&parent->table, share_page,
					    &sharing);
}

/* The real page, a program's or a table's, that a new entry refers to. */
uint64_t table_entry_ra(const struct program *program,
			const struct vmmu_install_op *op)
{
	struct vmmu_table_entry entry = { 0 };

	vmmu_table_decode(program->table.format, op->level, op->value, &entry);
	return entry.ra;
}
