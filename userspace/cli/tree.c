// SPDX-License-Identifier: GPL-2.0
/*
 * Read a page table through its space alone: one TRANSLATE over all entries of
 * a table tells which are present, and an EXPLAIN of each of those gives its
 * value. That sets no A or D bit and provides no frame, and needs no mapping
 * of real memory.
 */
#include "tree.h"

#define MAX_ENTRIES	512

struct tree {
	int space;
	uint32_t format;
	struct json_out *json;
	bool any;
};

static struct json_object *entry_json(const struct tree *tree, uint64_t va,
				      const struct vmmu_step *step,
				      const struct vmmu_table_entry *entry)
{
	struct json_object *o = json_of_step(tree->format, va, step);
	bool leaf = entry->flags & VMMU_TABLE_LEAF;

	json_add_hex(o, "va", va);
	json_add_text(o, "refers_to", leaf ? "page" : "table");
	json_add_hex(o, "target", entry->ra);
	return o;
}

static void print_entry(struct tree *tree, uint64_t va,
			const struct vmmu_step *step,
			const struct vmmu_table_entry *entry)
{
	tree->any = true;
	if (tree->json)
		json_list_add(tree->json, entry_json(tree, va, step, entry));
	else
		vmmu_table_print_entry(stdout, tree->format, va, step);
}

/* The step of @level among the @nr of @steps; NULL if there is none. */
static const struct vmmu_step *step_of(const struct vmmu_step *steps, int nr,
				       unsigned int level)
{
	int i;

	for (i = 0; i < nr; i++)
		if (steps[i].level == level)
			return &steps[i];
	return NULL;
}

static int print_table(struct tree *tree, uint64_t va, unsigned int level);

/* Print the entry of @level for @va, and what is below it. 0 or -errno. */
static int print_below(struct tree *tree, uint64_t va, unsigned int level)
{
	struct vmmu_step steps[VMMU_TABLE_MAX_LEVELS];
	struct vmmu_translation result;
	struct vmmu_table_entry entry;
	const struct vmmu_step *step;
	int nr = vmmu_explain(tree->space, va, VMMU_ACCESS_READ, 0, steps,
			      ARRAY_SIZE(steps), &result);

	if (nr < 0)
		return nr;
	step = step_of(steps, nr, level);
	/* Gone or changed meanwhile: the guest may be running. */
	if (!step || vmmu_table_decode(tree->format, level, step->value,
				       &entry) || !entry.flags)
		return 0;
	print_entry(tree, va, step, &entry);
	if (entry.flags & VMMU_TABLE_LEAF ||
	    (result.reason == VMMU_REASON_RESERVED && result.level == level) ||
	    (result.reason == VMMU_REASON_TABLE_BEYOND_REAL &&
	     result.level == level - 1))
		return 0;
	return print_table(tree, va, level - 1);
}

/* Whether a translation got as far as a present entry of @level. */
static bool present_at(const struct vmmu_translation *result,
		       unsigned int level)
{
	return result->reason != VMMU_REASON_NONCANONICAL &&
		(result->level < level ||
		 (result->reason != VMMU_REASON_NOT_PRESENT &&
		  result->reason != VMMU_REASON_TABLE_BEYOND_REAL));
}

/* Print the table of @level that serves @va. 0 or -errno. */
static int print_table(struct tree *tree, uint64_t va, unsigned int level)
{
	unsigned int nr = vmmu_table_nr_entries(tree->format, level);
	unsigned int shift = vmmu_table_level_shift(tree->format, level);
	struct vmmu_translation results[MAX_ENTRIES];
	uint64_t vas[MAX_ENTRIES];
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		vas[i] = vmmu_table_canonical(tree->format,
					      va + ((uint64_t)i << shift));
	err = vmmu_translate_array(tree->space, vas, nr, VMMU_ACCESS_READ, 0,
				   results, NULL);
	for (i = 0; i < nr && !err && !ferror(stdout); i++)
		if (present_at(&results[i], level))
			err = print_below(tree, vas[i], level);
	return err;
}

int tree_print(int space, uint32_t format, struct json_out *json)
{
	struct tree tree = { .space = space, .format = format, .json = json };
	unsigned int levels = vmmu_table_levels(format);
	int err;

	if (!levels || vmmu_table_nr_entries(format, levels) > MAX_ENTRIES)
		return complain("format %u is unknown to this program", format);
	if (json)
		json_list_begin(json, "tables");
	err = print_table(&tree, 0, levels);
	if (json)
		json_list_end(json);
	if (err)
		return refused(err, "page table");
	return tree.any ? CLI_OK : CLI_NEGATIVE;
}
