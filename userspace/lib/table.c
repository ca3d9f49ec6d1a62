// SPDX-License-Identifier: GPL-2.0
/*
 * Read page tables in mapped memory: single entries, walks, whole trees. The
 * memory may be in use by a guest and by the module at the same time: an entry
 * is read once, and what was read is what counts.
 */
#include <errno.h>

#include "table_format.h"
#include "vmmu_table.h"

void *vmmu_table_memory(const struct vmmu_table *table, uint64_t ra,
			uint64_t bytes)
{
	uint64_t offset = ra - table->memory_ra;

	if (ra < table->memory_ra || bytes > table->memory_bytes ||
	    offset > table->memory_bytes - bytes)
		return NULL;
	return (char *)table->memory + offset;
}

int vmmu_table_load(const struct vmmu_table *table, uint64_t entry_ra,
		    uint64_t *value)
{
	const struct table_format *f = vmmu_table_format(table->format);
	void *entry;

	if (!f)
		return -EOPNOTSUPP;
	if (entry_ra % f->entry_bytes)
		return -EINVAL;
	entry = vmmu_table_memory(table, entry_ra, f->entry_bytes);
	if (!entry)
		return -ERANGE;
	if (f->entry_bytes == sizeof(uint32_t))
		*value = __atomic_load_n((uint32_t *)entry, __ATOMIC_RELAXED);
	else
		*value = __atomic_load_n((uint64_t *)entry, __ATOMIC_RELAXED);
	return 0;
}

int vmmu_table_store(const struct vmmu_table *table, uint64_t entry_ra,
		     uint64_t value)
{
	const struct table_format *f = vmmu_table_format(table->format);
	void *entry;

	if (!f)
		return -EOPNOTSUPP;
	if (entry_ra % f->entry_bytes)
		return -EINVAL;
	entry = vmmu_table_memory(table, entry_ra, f->entry_bytes);
	if (!entry)
		return -ERANGE;
	if (f->entry_bytes == sizeof(uint32_t))
		__atomic_store_n((uint32_t *)entry, value, __ATOMIC_RELEASE);
	else
		__atomic_store_n((uint64_t *)entry, value, __ATOMIC_RELEASE);
	return 0;
}

int vmmu_table_walk(const struct vmmu_table *table, uint64_t va,
		    struct vmmu_step *steps, unsigned int nr_steps,
		    struct vmmu_table_entry *last)
{
	const struct table_format *f = vmmu_table_format(table->format);
	struct vmmu_table_entry entry = { 0 };
	uint64_t table_ra = table->root;
	unsigned int level;
	int nr = 0;

	if (!f)
		return -EOPNOTSUPP;
	if (nr_steps < f->levels || va != table_format_canonical(f, va))
		return -EINVAL;
	for (level = f->levels; level; level--) {
		uint64_t ra = table_format_entry(f, table_ra, va, level);
		uint64_t value;

		if (vmmu_table_load(table, ra, &value))
			break;
		entry = (struct vmmu_table_entry){ 0 };
		f->decode(level, value, &entry);
		steps[nr++] = (struct vmmu_step){
			.ra = ra,
			.value = value,
			.level = level,
			.rights = entry.rights,
		};
		if (!(entry.flags & VMMU_TABLE_PRESENT) ||
		    entry.flags & VMMU_TABLE_LEAF)
			break;
		table_ra = entry.ra;
	}
	if (last)
		*last = entry;
	return nr;
}

int vmmu_table_find(const struct vmmu_table *table, uint64_t va,
		    unsigned int level, uint64_t *entry_ra)
{
	struct vmmu_step steps[VMMU_TABLE_MAX_LEVELS];
	struct vmmu_table_entry last;
	int nr = vmmu_table_walk(table, va, steps, VMMU_TABLE_MAX_LEVELS,
				 &last);
	unsigned int levels = vmmu_table_levels(table->format);

	if (nr < 0)
		return nr;
	if (level < 1 || level > levels)
		return -EINVAL;
	if (levels - level < (unsigned int)nr) {
		*entry_ra = steps[levels - level].ra;
		return 0;
	}
	if (!nr || (last.flags & (VMMU_TABLE_PRESENT | VMMU_TABLE_LEAF)) ==
		   VMMU_TABLE_PRESENT)
		return -ERANGE;
	return -ENOENT;
}

/* The visit under way. */
struct visitor {
	const struct vmmu_table *table;
	const struct table_format *format;
	vmmu_table_visit_fn visit;
	void *context;
};

/* Visit the table of @level at @table_ra, which serves @va; if it is mapped. */
static int visit_table(const struct visitor *v, unsigned int level,
		       uint64_t table_ra, uint64_t va)
{
	const struct table_format *f = v->format;
	unsigned int i;

	if (!vmmu_table_memory(v->table, table_ra, table_format_bytes(f, level)))
		return 0;
	for (i = 0; i < table_format_nr(f, level); i++) {
		uint64_t entry_va = table_format_canonical(f,
				va + ((uint64_t)i << f->shift[level]));
		uint64_t ra = table_ra + i * f->entry_bytes;
		struct vmmu_table_entry entry = { 0 };
		struct vmmu_step step;
		uint64_t value;
		int result;

		result = vmmu_table_load(v->table, ra, &value);
		if (result)
			return result;
		f->decode(level, value, &entry);
		if (!(entry.flags & VMMU_TABLE_PRESENT))
			continue;
		step = (struct vmmu_step){
			.ra = ra,
			.value = value,
			.level = level,
			.rights = entry.rights,
		};
		result = v->visit(v->context, entry_va, &step, &entry);
		if (!result && !(entry.flags & VMMU_TABLE_LEAF))
			result = visit_table(v, level - 1, entry.ra, entry_va);
		if (result < 0)
			return result;
	}
	return 0;
}

int vmmu_table_visit(const struct vmmu_table *table, vmmu_table_visit_fn visit,
		     void *context)
{
	struct visitor v = {
		.table = table,
		.format = vmmu_table_format(table->format),
		.visit = visit,
		.context = context,
	};
	uint64_t value;
	int err;

	if (!v.format)
		return -EOPNOTSUPP;
	err = vmmu_table_load(table, table->root, &value);
	if (err)
		return err;
	return visit_table(&v, v.format->levels, table->root, 0);
}
