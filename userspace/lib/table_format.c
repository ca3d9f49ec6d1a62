// SPDX-License-Identifier: GPL-2.0
/*
 * The formats that the library knows, and what follows from their numbers
 * alone.
 */
#include <errno.h>
#include <string.h>

#include "table_format.h"
#include "vmmu.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct table_format * const formats[] = {
	[VMMU_FORMAT_X86_64_4LEVEL] = &vmmu_table_x86_64_4level,
	[VMMU_FORMAT_X86_64_5LEVEL] = &vmmu_table_x86_64_5level,
};

const struct table_format *vmmu_table_format(uint32_t format)
{
	return format < ARRAY_SIZE(formats) ? formats[format] : NULL;
}

const char *vmmu_format_name(uint32_t format)
{
	const struct table_format *f = vmmu_table_format(format);

	return f ? f->name : NULL;
}

int vmmu_format_from_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i] && !strcmp(formats[i]->name, name))
			return i;
	return -EINVAL;
}

const char *vmmu_level_name(uint32_t format, uint32_t level)
{
	const struct table_format *f = vmmu_table_format(format);

	if (!f || !table_format_has_level(f, level))
		return "?";
	return f->level_names[level];
}

unsigned int vmmu_table_levels(uint32_t format)
{
	const struct table_format *f = vmmu_table_format(format);

	return f ? f->levels : 0;
}

unsigned int vmmu_table_va_bits(uint32_t format)
{
	const struct table_format *f = vmmu_table_format(format);

	return f ? f->shift[f->levels + 1] : 0;
}

unsigned int vmmu_table_level_shift(uint32_t format, unsigned int level)
{
	const struct table_format *f = vmmu_table_format(format);

	return f && level >= 1 && level <= f->levels + 1 ? f->shift[level] : 0;
}

unsigned int vmmu_table_nr_entries(uint32_t format, unsigned int level)
{
	const struct table_format *f = vmmu_table_format(format);

	return f && table_format_has_level(f, level) ?
		table_format_nr(f, level) : 0;
}

unsigned int vmmu_table_index(uint32_t format, uint64_t va, unsigned int level)
{
	const struct table_format *f = vmmu_table_format(format);

	return f && table_format_has_level(f, level) ?
		table_format_index(f, va, level) : 0;
}

uint64_t vmmu_table_canonical(uint32_t format, uint64_t va)
{
	const struct table_format *f = vmmu_table_format(format);

	return f ? table_format_canonical(f, va) : va;
}

int vmmu_table_encode(uint32_t format, unsigned int level,
		      const struct vmmu_table_entry *entry, uint64_t *value)
{
	const struct table_format *f = vmmu_table_format(format);

	if (!f)
		return -EOPNOTSUPP;
	if (!table_format_has_level(f, level))
		return -EINVAL;
	if (!(entry->flags & VMMU_TABLE_PRESENT)) {
		*value = 0;
		return 0;
	}
	return f->encode(level, entry, value);
}

int vmmu_table_decode(uint32_t format, unsigned int level, uint64_t value,
		      struct vmmu_table_entry *entry)
{
	const struct table_format *f = vmmu_table_format(format);

	if (!f)
		return -EOPNOTSUPP;
	if (!table_format_has_level(f, level))
		return -EINVAL;
	*entry = (struct vmmu_table_entry){ 0 };
	f->decode(level, value, entry);
	return 0;
}
