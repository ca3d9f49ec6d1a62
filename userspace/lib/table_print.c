// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables as text: an entry, a run of pages, a tree, a list of ranges.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "table_format.h"
#include "vmmu.h"
#include "vmmu_table.h"

static int check(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

char *vmmu_table_entry_text(uint32_t format, unsigned int level, uint64_t value,
			    char *buffer, size_t bytes)
{
	const struct table_format *f = vmmu_table_format(format);
	struct text text = text_in(buffer, bytes);
	struct vmmu_table_entry entry = { 0 };

	if (!f || !table_format_has_level(f, level)) {
		vmmu_text_word(&text, "?");
		return buffer;
	}
	f->decode(level, value, &entry);
	if (entry.flags & VMMU_TABLE_PRESENT)
		f->describe(level, value, &text);
	else
		vmmu_text_word(&text, "not present");
	return buffer;
}

/* "4 KiB": the largest unit that divides @bytes. */
static char *bytes_text(uint64_t bytes, char *buffer, size_t room)
{
	static const char * const units[] = {
		"bytes", "KiB", "MiB", "GiB", "TiB", "PiB",
	};
	unsigned int unit = 0;

	while (unit < 5 && bytes && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	snprintf(buffer, room, "%" PRIu64 " %s", bytes, units[unit]);
	return buffer;
}

int vmmu_table_print_entry(FILE *out, uint32_t format, uint64_t va,
			   const struct vmmu_step *step)
{
	int indent = 2 * ((int)vmmu_table_levels(format) - (int)step->level);
	struct vmmu_table_entry entry = { 0 };
	char text[VMMU_TEXT_BYTES];
	char size[32];

	if (vmmu_table_decode(format, step->level, step->value, &entry))
		return -EINVAL;
	fprintf(out, "%*s%s[%u] va 0x%016" PRIx64 "  at ra 0x%" PRIx64
		"  0x%016" PRIx64 "  %s", indent, "",
		vmmu_level_name(format, step->level),
		vmmu_table_index(format, va, step->level), va,
		(uint64_t)step->ra, (uint64_t)step->value,
		vmmu_table_entry_text(format, step->level, step->value, text,
				      sizeof(text)));
	if (entry.flags & VMMU_TABLE_LEAF)
		fprintf(out, " -> page 0x%" PRIx64 ", %s", entry.ra,
			bytes_text(1ULL << entry.page_shift, size,
				   sizeof(size)));
	else if (entry.flags & VMMU_TABLE_PRESENT)
		fprintf(out, " -> table 0x%" PRIx64, entry.ra);
	fputc('\n', out);
	return check(out);
}

/* A tree being printed. */
struct tree {
	FILE *out;
	uint32_t format;
};

static int tree_visit(void *context, uint64_t va, const struct vmmu_step *step,
		      const struct vmmu_table_entry *entry)
{
	const struct tree *tree = context;

	(void)entry;
	return vmmu_table_print_entry(tree->out, tree->format, va, step);
}

int vmmu_table_print_tree(const struct vmmu_table *table, FILE *out)
{
	struct tree tree = { .out = out, .format = table->format };

	return vmmu_table_visit(table, tree_visit, &tree);
}

/* The level whose entries map pages of 2^@page_shift bytes; 0: none. */
static unsigned int leaf_level(uint32_t format, unsigned int page_shift)
{
	unsigned int level = vmmu_table_levels(format);

	while (level && vmmu_table_level_shift(format, level) != page_shift)
		level--;
	return level;
}

int vmmu_table_print_mapping(FILE *out, uint32_t format,
			     const struct vmmu_mapping *mapping)
{
	unsigned int level = leaf_level(format, mapping->page_shift);
	uint64_t last_va = mapping->va + mapping->bytes - 1;
	char bytes[32], page[32], rights[8], flags[VMMU_TEXT_BYTES];

	fprintf(out, "0x%016" PRIx64 "-0x%016" PRIx64 "  %10s  ra 0x%012" PRIx64
		"  %5s pages  %s  %s%s\n",
		(uint64_t)mapping->va, last_va,
		bytes_text(mapping->bytes, bytes, sizeof(bytes)),
		(uint64_t)mapping->ra,
		bytes_text(1ULL << (mapping->page_shift & 63), page,
			   sizeof(page)),
		vmmu_rights_text(mapping->rights, rights, sizeof(rights)),
		vmmu_table_entry_text(format, level, mapping->attributes, flags,
				      sizeof(flags)),
		mapping->flags & VMMU_MAPPING_BEYOND_REAL ?
			"  beyond real memory" : "");
	return check(out);
}

/* A list of ranges being made: the run that grows, and rights by level. */
struct ranges {
	const struct vmmu_table *table;
	const struct table_format *format;
	FILE *out;
	struct vmmu_mapping run;
	uint32_t rights[VMMU_TABLE_MAX_LEVELS + 2];
};

/* Whether @next goes on where @run ends, alike in all else. */
static bool continues(const struct vmmu_mapping *run,
		      const struct vmmu_mapping *next)
{
	return run->bytes && run->va + run->bytes == next->va &&
		run->ra + run->bytes == next->ra &&
		run->attributes == next->attributes &&
		run->rights == next->rights &&
		run->page_shift == next->page_shift;
}

static int ranges_flush(struct ranges *r)
{
	if (!r->run.bytes)
		return 0;
	return vmmu_table_print_mapping(r->out, r->table->format, &r->run);
}

static int ranges_visit(void *context, uint64_t va,
			const struct vmmu_step *step,
			const struct vmmu_table_entry *entry)
{
	struct ranges *r = context;
	struct vmmu_mapping next;
	int err;

	r->rights[step->level] = r->rights[step->level + 1] & entry->rights;
	if (!(entry->flags & VMMU_TABLE_LEAF))
		return 0;
	next = (struct vmmu_mapping){
		.va = va,
		.bytes = 1ULL << entry->page_shift,
		.ra = entry->ra,
		.attributes = r->format->attributes(step->level, step->value),
		.rights = r->rights[step->level],
		.page_shift = entry->page_shift,
	};
	if (continues(&r->run, &next)) {
		r->run.bytes += next.bytes;
		return 0;
	}
	err = ranges_flush(r);
	r->run = next;
	return err;
}

int vmmu_table_print_ranges(const struct vmmu_table *table, FILE *out)
{
	struct ranges r = {
		.table = table,
		.format = vmmu_table_format(table->format),
		.out = out,
	};
	int err;

	memset(r.rights, 0xff, sizeof(r.rights));
	err = vmmu_table_visit(table, ranges_visit, &r);
	return err ? err : ranges_flush(&r);
}
