// SPDX-License-Identifier: GPL-2.0
/*
 * Build page tables: map a page by plain stores, or plan the installs that map
 * it. Both are the same descent; they differ in where an entry goes.
 */
#include <errno.h>
#include <string.h>

#include "table_format.h"
#include "vmmu_table.h"

/*
 * A page being mapped. Entries go to memory, or where there is a list, to the
 * list; an entry that is read comes from the list first.
 */
struct mapper {
	const struct vmmu_table *table;
	const struct table_format *format;
	uint64_t va;
	unsigned int leaf_level;
	vmmu_table_alloc_fn alloc;
	void *context;
	struct vmmu_install_op *ops;
	unsigned int nr;
	unsigned int capacity;
};

static bool same_entry(const struct table_format *f, unsigned int level,
		       uint64_t a, uint64_t b)
{
	return a >> f->shift[level] == b >> f->shift[level];
}

static int mapper_load(const struct mapper *m, unsigned int level,
		       uint64_t entry_ra, uint64_t *value)
{
	unsigned int i;

	for (i = m->nr; i--;) {
		const struct vmmu_install_op *op = &m->ops[i];

		if (op->level == level &&
		    same_entry(m->format, level, op->va, m->va)) {
			*value = op->value;
			return 0;
		}
	}
	return vmmu_table_load(m->table, entry_ra, value);
}

static int mapper_store(struct mapper *m, unsigned int level, uint64_t entry_ra,
			uint64_t value)
{
	if (!m->ops)
		return vmmu_table_store(m->table, entry_ra, value);
	m->ops[m->nr++] = (struct vmmu_install_op){
		.va = m->va,
		.value = value,
		.level = level,
	};
	return 0;
}

/* Whether the list takes what is missing from @level down to the leaf. */
static bool mapper_has_room(const struct mapper *m, unsigned int level)
{
	return !m->ops || m->capacity - m->nr > level - m->leaf_level;
}

/* Add the table that the missing entry at @level shall refer to. */
static int mapper_add_table(struct mapper *m, unsigned int level,
			    uint64_t entry_ra, struct vmmu_table_entry *entry)
{
	size_t bytes = table_format_bytes(m->format, level - 1);
	uint64_t value;
	void *memory;
	int err;

	*entry = (struct vmmu_table_entry){
		.rights = VMMU_RIGHT_READ | VMMU_RIGHT_WRITE |
			VMMU_RIGHT_EXEC | VMMU_RIGHT_USER,
		.flags = VMMU_TABLE_PRESENT,
	};
	err = m->alloc(m->context, level - 1, &entry->ra);
	if (err)
		return err;
	memory = vmmu_table_memory(m->table, entry->ra, bytes);
	if (!memory)
		return -ERANGE;
	err = m->format->encode(level, entry, &value);
	if (err)
		return err;
	memset(memory, 0, bytes);
	return mapper_store(m, level, entry_ra, value);
}

static int mapper_descend(struct mapper *m, uint64_t leaf)
{
	const struct table_format *f = m->format;
	uint64_t table_ra = m->table->root;
	unsigned int level;
	uint64_t entry_ra;

	for (level = f->levels; ; level--) {
		struct vmmu_table_entry entry = { 0 };
		uint64_t value;
		int err;

		entry_ra = table_format_entry(f, table_ra, m->va, level);
		if (level == m->leaf_level)
			break;
		err = mapper_load(m, level, entry_ra, &value);
		if (err)
			return err;
		f->decode(level, value, &entry);
		if (entry.flags & VMMU_TABLE_LEAF)
			return -EEXIST;
		if (!(entry.flags & VMMU_TABLE_PRESENT)) {
			if (!mapper_has_room(m, level))
				return -ENOSPC;
			err = mapper_add_table(m, level, entry_ra, &entry);
			if (err)
				return err;
		}
		table_ra = entry.ra;
	}
	if (!mapper_has_room(m, level))
		return -ENOSPC;
	return mapper_store(m, level, entry_ra, leaf);
}

/* Check @leaf and the address, then descend. */
static int mapper_run(struct mapper *m, const struct vmmu_table_entry *leaf)
{
	const struct table_format *f = vmmu_table_format(m->table->format);
	struct vmmu_table_entry entry = *leaf;
	unsigned int level;
	uint64_t value;
	int err;

	if (!f)
		return -EOPNOTSUPP;
	for (level = 1; f->shift[level] != entry.page_shift; level++)
		if (level == f->levels)
			return -EINVAL;
	entry.flags |= VMMU_TABLE_PRESENT | VMMU_TABLE_LEAF;
	err = f->encode(level, &entry, &value);
	if (err)
		return err;
	if (m->va != table_format_canonical(f, m->va) ||
	    m->va & ((1ULL << entry.page_shift) - 1))
		return -EINVAL;
	m->format = f;
	m->leaf_level = level;
	return mapper_descend(m, value);
}

int vmmu_table_map(const struct vmmu_table *table, uint64_t va,
		   const struct vmmu_table_entry *leaf,
		   vmmu_table_alloc_fn alloc, void *context)
{
	struct mapper m = {
		.table = table,
		.va = va,
		.alloc = alloc,
		.context = context,
	};

	return mapper_run(&m, leaf);
}

int vmmu_table_plan(const struct vmmu_table *table, uint64_t va,
		    const struct vmmu_table_entry *leaf,
		    vmmu_table_alloc_fn alloc, void *context,
		    struct vmmu_install_op *ops, unsigned int *nr,
		    unsigned int capacity)
{
	struct mapper m = {
		.table = table,
		.va = va,
		.alloc = alloc,
		.context = context,
		.ops = ops,
		.nr = *nr,
		.capacity = capacity,
	};
	int err = mapper_run(&m, leaf);

	*nr = m.nr;
	return err;
}
