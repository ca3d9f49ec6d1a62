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
 * hold real addresses. Changes of a table that is in use are planned as a list,
 * upper levels first; then the list is put in force, and how that is done is a
 * matter of its own: entries.c. Where an entry makes a page valid, the module
 * gives that real page its physical frame, in the VM's real map table. This is
 * the place where the two levels of translation meet.
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
	space = vmmu_space_create(guest->vm, guest->format,
				  entries_space(guest->way), root, &mode, NULL);
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
 * Plan how to map the real page @ra at @va, after what is planned already: one
 * entry if all tables on the way are there, else one more for each that is
 * missing. A new table is filled with zeroes, while nothing refers to it yet.
 * -ENOSPC: the list is full, and to be put in force first.
 */
int table_plan(struct program *program, uint64_t va, uint64_t ra,
	       uint32_t rights, struct table_change *change)
{
	struct vmmu_table_entry leaf = {
		.ra = ra,
		.rights = rights | VMMU_RIGHT_USER,
		.page_shift = 12,
	};
	unsigned int before = change->nr;
	int err;

	err = vmmu_table_plan(&program->table, va, &leaf, add_table, program,
			      change->ops, &change->nr,
			      ARRAY_SIZE(change->ops));
	if (err) {
		table_forget(program, change, before);
		change->nr = before;
	}
	return err;
}

/* Put a change in force; what an error leaves of it is given up. */
int table_install(struct program *program, struct table_change *change)
{
	int err = entries_set(program, change);

	if (err)
		table_forget(program, change, change->done);
	return err;
}

/* Give up the end of a change: tables that were made for it are not needed. */
void table_forget(struct program *program, const struct table_change *change,
		  unsigned int from)
{
	unsigned int i;

	for (i = from; i < change->nr; i++)
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
	struct program *parent;
	struct program *child;
	struct table_change change;
};

/* The list is empty again. */
static void begin_again(struct table_change *change)
{
	change->nr = 0;
	change->done = 0;
}

/* The parent's pages that were gathered become read-only, in every window. */
static int install_protections(struct sharing *sharing)
{
	int err = table_install(sharing->parent, &sharing->change);

	begin_again(&sharing->change);
	return err;
}

/* Gather: this page becomes read-only. */
static int protect_page(void *context, uint64_t va,
			const struct vmmu_step *step,
			const struct vmmu_table_entry *entry)
{
	struct sharing *sharing = context;
	struct table_change *change = &sharing->change;
	struct vmmu_table_entry read_only = *entry;
	struct vmmu_install_op *op;
	int err;

	if (!(entry->flags & VMMU_TABLE_LEAF) ||
	    !(entry->rights & VMMU_RIGHT_WRITE))
		return 0;
	if (change->nr == MAX_CHANGE) {
		err = install_protections(sharing);
		if (err)
			return err;
	}
	read_only.rights &= ~VMMU_RIGHT_WRITE;
	op = &change->ops[change->nr++];
	*op = (struct vmmu_install_op){ .va = va, .level = step->level };
	return vmmu_table_encode(sharing->parent->table.format, step->level,
				 &read_only, (uint64_t *)&op->value);
}

/* The child maps the pages that were gathered: each has one more user. */
static int install_pages(struct sharing *sharing)
{
	struct table_change *change = &sharing->change;
	struct program *child = sharing->child;
	int err = table_install(child, change);
	unsigned int i;

	for (i = 0; i < change->done; i++)
		if (change->ops[i].level == 1)
			pages_share(&child->guest->pages,
				    table_entry_ra(child, &change->ops[i]));
	begin_again(change);
	return err;
}

/* Gather: the child's table maps this page, too. */
static int share_page(void *context, uint64_t va, const struct vmmu_step *step,
		      const struct vmmu_table_entry *entry)
{
	struct sharing *sharing = context;
	struct table_change *change = &sharing->change;
	struct program *child = sharing->child;
	int err;

	(void)step;
	if (!(entry->flags & VMMU_TABLE_LEAF))
		return 0;
	err = table_plan(child, va, entry->ra, entry->rights, change);
	if (err == -ENOSPC) {
		err = install_pages(sharing);
		if (!err)
			err = table_plan(child, va, entry->ra, entry->rights,
					 change);
	}
	return err;
}

/*
 * Let @child's table, which is empty, map all that @parent's does, and leave
 * neither of them the right to write: whoever tries will get a copy, see
 * fault.c. After an error some pages may be shared; fault.c heals that, too.
 */
int table_share(struct program *child, struct program *parent)
{
	struct sharing sharing = { .parent = parent, .child = child };
	int err;

	err = vmmu_table_visit(&parent->table, protect_page, &sharing);
	if (!err)
		err = install_protections(&sharing);
	if (!err)
		err = vmmu_table_visit(&parent->table, share_page, &sharing);
	if (!err)
		return install_pages(&sharing);
	table_forget(child, &sharing.change, 0);
	return err;
}

/* The real page, a program's or a table's, that a new entry refers to. */
uint64_t table_entry_ra(const struct program *program,
			const struct vmmu_install_op *op)
{
	struct vmmu_table_entry entry = { 0 };

	vmmu_table_decode(program->table.format, op->level, op->value, &entry);
	return entry.ra;
}
