/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvmmu, for writers of guest OSes: build, walk and print page tables.
 *
 * Everything here works on memory that the caller has mapped (with
 * vmmu_real_map_memory(), or any copy of real memory) and makes no system
 * call. It knows how a format lays out entries; which accesses a table
 * permits is the module's to judge: ask vmmu_translate().
 *
 * Levels count from 1, the one whose entries map the smallest pages, upwards.
 *
 * A page table that nothing uses yet, or that is a TRAPPING space's, may be built by
 * plain stores: vmmu_table_map(). For one that a LAZY space has registered,
 * vmmu_table_plan() makes the list of entries for vmmu_install() instead, upper
 * levels first.
 *
 * Functions return 0, a count, or -errno, and leave the variable errno alone.
 */
#ifndef VMMU_TABLE_H
#define VMMU_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/vmmu.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMMU_TABLE_MAX_LEVELS	5
#define VMMU_TABLE_PAGE_BYTES	4096

/* struct vmmu_table_entry.flags */
#define VMMU_TABLE_PRESENT	(1U << 0)	/* the entry takes part in walks */
#define VMMU_TABLE_LEAF		(1U << 1)	/* it maps a page */
#define VMMU_TABLE_ACCESSED	(1U << 2)
#define VMMU_TABLE_DIRTY	(1U << 3)	/* leaves only */
#define VMMU_TABLE_GLOBAL	(1U << 4)	/* leaves only */

/**
 * struct vmmu_table_entry - what an entry says, in no format
 * @ra: real address of the page or of the table of the next level.
 * @rights: VMMU_RIGHT_* that this entry grants. VMMU_RIGHT_READ always comes
 *	with VMMU_TABLE_PRESENT in the x86-64 formats.
 * @page_shift: log2 of the bytes that it maps: 12, 21, 30. Of a table entry,
 *	0.
 * @pkey: protection key, leaves only.
 * @flags: VMMU_TABLE_*.
 */
struct vmmu_table_entry {
	uint64_t ra;
	uint32_t rights;
	uint32_t page_shift;
	uint32_t pkey;
	uint32_t flags;
};

/**
 * struct vmmu_table - a page table in the caller's memory
 * @format: enum vmmu_format_id.
 * @root: real address of the root table, a multiple of 4096.
 * @memory: where the caller has mapped the real address @memory_ra.
 * @memory_ra: first real address that is mapped there, a multiple of 4096.
 * @memory_bytes: length of the mapping. Tables outside of it cannot be read:
 *	calls that meet one stop with -ERANGE or say so.
 *
 * The caller fills it in; the functions below only read it.
 */
struct vmmu_table {
	uint32_t format;
	uint64_t root;
	void *memory;
	uint64_t memory_ra;
	uint64_t memory_bytes;
};

/**
 * vmmu_table_levels() - number of levels of a format
 * @format: enum vmmu_format_id.
 *
 * Return: 4, 5; 0 for a format that the library does not know.
 */
unsigned int vmmu_table_levels(uint32_t format);

/**
 * vmmu_table_va_bits() - width of a virtual address
 * @format: enum vmmu_format_id.
 *
 * Return: 48, 57; 0 for a format that the library does not know.
 */
unsigned int vmmu_table_va_bits(uint32_t format);

/**
 * vmmu_table_level_shift() - how much one entry of a level covers
 * @format: enum vmmu_format_id.
 * @level: 1 to the number of levels; one more gives the whole table's.
 *
 * Return: log2 of the bytes: 12 at level 1, 21 at level 2; 0 for a level that
 * the format does not have.
 */
unsigned int vmmu_table_level_shift(uint32_t format, unsigned int level);

/**
 * vmmu_table_nr_entries() - number of entries of one table
 * @format: enum vmmu_format_id.
 * @level: 1 to the number of levels.
 *
 * Return: 512; 0 for a level that the format does not have.
 */
unsigned int vmmu_table_nr_entries(uint32_t format, unsigned int level);

/**
 * vmmu_table_index() - which entry of a table an address uses
 * @format: enum vmmu_format_id.
 * @va: virtual address.
 * @level: 1 to the number of levels.
 *
 * Return: 0 to vmmu_table_nr_entries() - 1; 0 for a level that the format does
 * not have.
 */
unsigned int vmmu_table_index(uint32_t format, uint64_t va, unsigned int level);

/**
 * vmmu_table_canonical() - sign-extend an address
 * @format: enum vmmu_format_id.
 * @va: virtual address; bits above the format's width are ignored.
 *
 * Return: the canonical address with the same lower bits.
 */
uint64_t vmmu_table_canonical(uint32_t format, uint64_t va);

/**
 * vmmu_table_encode() - make an entry
 * @format: enum vmmu_format_id.
 * @level: level that the entry is for.
 * @entry: what it shall say. Without VMMU_TABLE_PRESENT, the value is 0.
 *	Without VMMU_TABLE_LEAF, it refers to a table, and page_shift, pkey
 *	and the flags for leaves are ignored.
 * @value: receives the entry in the format. Unchanged on failure.
 *
 * Return: 0; -EINVAL for a level that the format does not have, an address
 * that is not a multiple of what it maps (4096 for a table) or does not fit,
 * a leaf whose page_shift is not the level's or that cannot be at this level,
 * a table at level 1, a key that does not fit; -EOPNOTSUPP for an unknown
 * format.
 */
int vmmu_table_encode(uint32_t format, unsigned int level,
		      const struct vmmu_table_entry *entry, uint64_t *value);

/**
 * vmmu_table_decode() - read an entry
 * @format: enum vmmu_format_id.
 * @level: level of the entry.
 * @value: the entry.
 * @entry: receives what it says; all zero when it is not present.
 *
 * Reserved bits are not looked at: whether one is set depends on the mode.
 *
 * Return: 0; -EINVAL for a level that the format does not have, -EOPNOTSUPP
 * for an unknown format.
 */
int vmmu_table_decode(uint32_t format, unsigned int level, uint64_t value,
		      struct vmmu_table_entry *entry);

/**
 * vmmu_table_walk() - read the entries that translate an address
 * @table: the page table.
 * @va: virtual address.
 * @steps: receives the entries that were read, the root table's first, each
 *	with its real address and the rights that it alone grants.
 * @nr_steps: room in @steps, at least the number of levels.
 * @last: receives what the last of them says, unless NULL: a page (LEAF), a
 *	table that lies outside of the mapped memory (PRESENT alone), or
 *	nothing (all zero).
 *
 * Return: the number of entries read; 0 when the root table lies outside of
 * the mapped memory; -EINVAL (@va is not canonical, @nr_steps), -EOPNOTSUPP
 * (unknown format).
 */
int vmmu_table_walk(const struct vmmu_table *table, uint64_t va,
		    struct vmmu_step *steps, unsigned int nr_steps,
		    struct vmmu_table_entry *last);

/**
 * vmmu_table_find() - find an entry
 * @table: the page table.
 * @va: virtual address that the entry takes part in translating.
 * @level: level of the entry.
 * @entry_ra: receives the entry's real address.
 *
 * Return: 0; -ENOENT when an upper level is not present or is a large page,
 * -ERANGE when a table on the way lies outside of the mapped memory, -EINVAL
 * (@va is not canonical, @level), -EOPNOTSUPP (unknown format).
 */
int vmmu_table_find(const struct vmmu_table *table, uint64_t va,
		    unsigned int level, uint64_t *entry_ra);

/**
 * vmmu_table_load() - read an entry from memory, once
 * @table: the page table.
 * @entry_ra: the entry's real address.
 * @value: receives the entry.
 *
 * Return: 0; -ERANGE outside of the mapped memory, -EINVAL for an address that
 * is not a multiple of an entry's size, -EOPNOTSUPP (unknown format).
 */
int vmmu_table_load(const struct vmmu_table *table, uint64_t entry_ra,
		    uint64_t *value);

/**
 * vmmu_table_store() - write an entry to memory by one plain store
 * @table: the page table.
 * @entry_ra: the entry's real address.
 * @value: the entry.
 *
 * Return: as vmmu_table_load().
 */
int vmmu_table_store(const struct vmmu_table *table, uint64_t entry_ra,
		     uint64_t value);

/**
 * typedef vmmu_table_alloc_fn - give a page for a new table
 * @context: as it was passed along.
 * @level: level of the entries that the table will hold.
 * @ra: to receive the real address of the page, a multiple of 4096, inside the
 *	mapped memory. The library fills the page with zeroes.
 *
 * Return: 0; -errno to end the call that asked, which returns it.
 */
typedef int (*vmmu_table_alloc_fn)(void *context, unsigned int level,
				   uint64_t *ra);

/**
 * vmmu_table_map() - map a page by plain stores
 * @table: the page table.
 * @va: virtual address of the page, a multiple of its size.
 * @leaf: the entry to store; page_shift says at which level. The flags PRESENT
 *	and LEAF are implied.
 * @alloc: called for each table that is missing on the way.
 * @context: passed to @alloc.
 *
 * A table that had to be added grants all rights, so that leaves alone decide.
 * An entry that is there already is replaced. For page tables that are not in
 * use yet, or are a TRAPPING space's: see vmmu_table_plan() for others.
 *
 * Return: 0; -EEXIST when an upper level is a large page, -ERANGE when a table
 * lies outside of the mapped memory, -EINVAL (@va, @leaf), -EOPNOTSUPP, or
 * what @alloc returned. Tables that were added on the way stay; they map
 * nothing.
 */
int vmmu_table_map(const struct vmmu_table *table, uint64_t va,
		   const struct vmmu_table_entry *leaf,
		   vmmu_table_alloc_fn alloc, void *context);

/**
 * vmmu_table_plan() - list the installs that map a page, upper levels first
 * @table: the page table. It is read, not written; only pages that @alloc
 *	gives are filled with zeroes.
 * @va: virtual address of the page, a multiple of its size.
 * @leaf: the entry to install, as for vmmu_table_map().
 * @alloc: called for each table that is missing on the way.
 * @context: passed to @alloc.
 * @ops: the list. Calls may add to the same list: tables that it holds already
 *	count as present.
 * @nr: in: elements in the list; out: with the new ones.
 * @capacity: room in @ops.
 *
 * The list goes to vmmu_install() as it is.
 *
 * Return: 0; -ENOSPC when the list is too short: nothing was added or
 * allocated; other -errno as vmmu_table_map(). When @alloc fails, elements for
 * the tables that it gave before stay in the list; they map nothing.
 */
int vmmu_table_plan(const struct vmmu_table *table, uint64_t va,
		    const struct vmmu_table_entry *leaf,
		    vmmu_table_alloc_fn alloc, void *context,
		    struct vmmu_install_op *ops, unsigned int *nr,
		    unsigned int capacity);

/**
 * typedef vmmu_table_visit_fn - look at one entry of a tree
 * @context: as it was passed along.
 * @va: first virtual address that the entry translates, sign-extended.
 * @step: the entry.
 * @entry: what it says.
 *
 * Return: 0 to go on, to the table below if it refers to one; 1 to leave out
 * what is below; -errno to end.
 */
typedef int (*vmmu_table_visit_fn)(void *context, uint64_t va,
				   const struct vmmu_step *step,
				   const struct vmmu_table_entry *entry);

/**
 * vmmu_table_visit() - look at every present entry, in order of addresses
 * @table: the page table.
 * @visit: called for each, an upper level before what is below it.
 * @context: passed to @visit.
 *
 * A table that refers to itself is followed as a CPU would; the number of
 * levels bounds the depth.
 *
 * Return: 0; what @visit returned below 0; -ERANGE when the root table lies
 * outside of the mapped memory, -EOPNOTSUPP. A lower table outside is
 * skipped.
 */
int vmmu_table_visit(const struct vmmu_table *table, vmmu_table_visit_fn visit,
		     void *context);

/**
 * vmmu_table_entry_text() - spell out an entry
 * @format: enum vmmu_format_id.
 * @level: level of the entry.
 * @value: the entry.
 * @text: receives the flags by their architectural names, "P W U A D NX
 *	key=3"; "not present".
 * @bytes: room in @text, VMMU_TEXT_BYTES suffices; what does not fit is cut
 *	off.
 *
 * Return: @text.
 */
char *vmmu_table_entry_text(uint32_t format, unsigned int level, uint64_t value,
			    char *text, size_t bytes);

/**
 * vmmu_table_print_entry() - print one entry on a line, as a tree does
 * @out: where to.
 * @format: enum vmmu_format_id.
 * @va: virtual address that the entry is for.
 * @step: the entry.
 *
 * Return: 0; -EIO when @out has an error.
 */
int vmmu_table_print_entry(FILE *out, uint32_t format, uint64_t va,
			   const struct vmmu_step *step);

/**
 * vmmu_table_print_tree() - print every present entry, indented by level
 * @table: the page table.
 * @out: where to.
 *
 * Return: 0; -errno as vmmu_table_visit(); -EIO when @out has an error.
 */
int vmmu_table_print_tree(const struct vmmu_table *table, FILE *out);

/**
 * vmmu_table_print_mapping() - print one run of pages on a line
 * @out: where to.
 * @format: enum vmmu_format_id.
 * @mapping: the run, as vmmu_mappings() gives it.
 *
 * Return: 0; -EIO when @out has an error.
 */
int vmmu_table_print_mapping(FILE *out, uint32_t format,
			     const struct vmmu_mapping *mapping);

/**
 * vmmu_table_print_ranges() - print what a page table maps, as runs of pages
 * @table: the page table.
 * @out: where to.
 *
 * Pages that follow each other in both kinds of address, with the same size,
 * rights and leaf flags, make one line.
 *
 * Return: 0; -errno as vmmu_table_visit(); -EIO when @out has an error.
 */
int vmmu_table_print_ranges(const struct vmmu_table *table, FILE *out);

#ifdef __cplusplus
}
#endif

#endif /* VMMU_TABLE_H */
