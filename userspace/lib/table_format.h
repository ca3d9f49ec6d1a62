/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the library knows about a page-table format: numbers and a few small
 * functions. A new format is one file that defines a struct table_format, and
 * one row in table_format.c. Internal to the library.
 */
#ifndef VMMU_TABLE_FORMAT_H
#define VMMU_TABLE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"
#include "vmmu_table.h"

/**
 * struct table_format - a page-table format
 * @name: for people and for command lines.
 * @level_names: what an entry of level l is called, at [l].
 * @levels: number of levels.
 * @entry_bytes: size of an entry, 4 or 8.
 * @sign_extended: an address above the table's width repeats its highest bit;
 *	otherwise it does not exist.
 * @shift: log2 of the bytes that an entry of level l covers, at [l]; the
 *	whole table's at [levels + 1].
 * @encode: as vmmu_table_encode(), for a present entry of an existing level.
 * @decode: as vmmu_table_decode(), into a cleared entry.
 * @attributes: a leaf without its address.
 * @describe: append the names of a present entry's flags.
 */
struct table_format {
	const char *name;
	const char *level_names[VMMU_TABLE_MAX_LEVELS + 1];
	unsigned int levels;
	unsigned int entry_bytes;
	bool sign_extended;
	uint8_t shift[VMMU_TABLE_MAX_LEVELS + 2];
	int (*encode)(unsigned int level, const struct vmmu_table_entry *entry,
		      uint64_t *value);
	void (*decode)(unsigned int level, uint64_t value,
		       struct vmmu_table_entry *entry);
	uint64_t (*attributes)(unsigned int level, uint64_t value);
	void (*describe)(unsigned int level, uint64_t value, struct text *text);
};

#define HIDDEN	__attribute__((visibility("hidden")))

/* The format of a number of enum vmmu_format_id; NULL when it is unknown. */
const struct table_format *vmmu_table_format(uint32_t format) HIDDEN;

/* Where @bytes at @ra are in the caller's memory; NULL when outside. */
void *vmmu_table_memory(const struct vmmu_table *table, uint64_t ra,
			uint64_t bytes) HIDDEN;

/* Whether @level exists in @format. */
static inline bool table_format_has_level(const struct table_format *format,
					  unsigned int level)
{
	return level >= 1 && level <= format->levels;
}

/* Index of @va's entry in its table of @level, which exists. */
static inline unsigned int table_format_index(const struct table_format *format,
					      uint64_t va, unsigned int level)
{
	unsigned int bits = format->shift[level + 1] - format->shift[level];

	return (va >> format->shift[level]) & ((1U << bits) - 1);
}

/* Number of entries in a table of @level, which exists. */
static inline unsigned int table_format_nr(const struct table_format *format,
					   unsigned int level)
{
	return 1U << (format->shift[level + 1] - format->shift[level]);
}

/* Bytes of a table of @level, which exists. */
static inline uint64_t table_format_bytes(const struct table_format *format,
					  unsigned int level)
{
	return table_format_nr(format, level) * format->entry_bytes;
}

/* Real address of @va's entry in the table of @level at @table_ra. */
static inline uint64_t table_format_entry(const struct table_format *format,
					  uint64_t table_ra, uint64_t va,
					  unsigned int level)
{
	return table_ra +
		table_format_index(format, va, level) * format->entry_bytes;
}

/* @va with the bits above the table's width as the format wants them. */
static inline uint64_t
table_format_canonical(const struct table_format *format, uint64_t va)
{
	unsigned int unused = 64 - format->shift[format->levels + 1];

	if (format->sign_extended)
		return (uint64_t)((int64_t)(va << unused) >> unused);
	return va << unused >> unused;
}

extern const struct table_format vmmu_table_x86_64_4level HIDDEN;
extern const struct table_format vmmu_table_x86_64_5level HIDDEN;

#endif /* VMMU_TABLE_FORMAT_H */
