// SPDX-License-Identifier: GPL-2.0
/*
 * Walks of guest page tables. Reads real memory, and changes nothing in it
 * but Accessed and Dirty bits; never allocates, never sleeps, knows no format.
 */
#include "walk.h"

#define ALL_RIGHTS	(VMMU_RIGHT_READ | VMMU_RIGHT_WRITE | \
			 VMMU_RIGHT_EXEC | VMMU_RIGHT_USER)

void vmmu_walk_init(struct vmmu_walk *walk, struct vmmu_realmap *realmap,
		    const struct vmmu_format *format, struct vmmu_ra root,
		    const struct vmmu_mode *mode)
{
	walk->realmap = realmap;
	walk->format = format;
	walk->mode = *mode;
	walk->root = root;
	walk->nr_steps = 0;
}

void vmmu_walk_start(struct vmmu_walk *walk, struct vmmu_va va)
{
	walk->va = va;
	walk->level = walk->format->levels;
	walk->table = walk->root;
	walk->rights = ALL_RIGHTS;
	walk->nr_steps = 0;
	walk->reason = VMMU_REASON_NONE;
	if (!vmmu_format_canonical(walk->format, va)) {
		walk->level = 0;
		walk->reason = VMMU_REASON_NONCANONICAL;
	}
}

/*
 * Whether two addresses use the same table at @level, and are equally
 * canonical: for the root that takes the sign bit, too.
 */
static bool same_table(const struct vmmu_walk *walk, struct vmmu_va va,
		       unsigned int level)
{
	unsigned int covered = vmmu_format_shift(walk->format, level) +
			       walk->format->index_bits;

	if (level == walk->format->levels)
		covered--;
	return !((va.value ^ walk->va.value) >> covered);
}

bool vmmu_walk_move(struct vmmu_walk *walk, struct vmmu_va va,
		    unsigned int level)
{
	if (walk->reason || walk->level != level ||
	    !same_table(walk, va, level))
		return false;
	walk->va = va;
	return true;
}

void vmmu_walk_resume(struct vmmu_walk *walk, struct vmmu_va va)
{
	unsigned int kept = walk->nr_steps;

	while (kept && !same_table(walk, va, walk->format->levels - kept + 1))
		kept--;
	if (!kept) {
		vmmu_walk_start(walk, va);
		return;
	}
	kept--;
	walk->va = va;
	walk->level = walk->format->levels - kept;
	walk->table = vmmu_ra(walk->steps[kept].ra & ~(VMMU_PAGE_BYTES - 1));
	walk->rights = walk->above[kept];
	walk->nr_steps = kept;
	walk->reason = VMMU_REASON_NONE;
}

static bool end(struct vmmu_walk *walk, enum vmmu_reason reason)
{
	walk->reason = reason;
	return false;
}

bool vmmu_walk_step(struct vmmu_walk *walk)
{
	struct vmmu_entry *entry = &walk->entry;
	struct vmmu_step *step = &walk->steps[walk->nr_steps];
	struct vmmu_ra ra;
	u64 value;

	if (unlikely(walk->reason))
		return false;
	ra = vmmu_format_entry_ra(walk->format, walk->table, walk->va,
				  walk->level);
	if (!vmmu_word_load(walk->realmap, ra, &value))
		return end(walk, VMMU_REASON_TABLE_BEYOND_REAL);

	walk->format->decode(value, walk->level, &walk->mode, entry);
	step->ra = ra.value;
	step->value = value;
	step->level = walk->level;
	step->rights = 0;
	walk->above[walk->nr_steps++] = walk->rights;

	if (entry->kind == VMMU_ENTRY_ABSENT)
		return end(walk, VMMU_REASON_NOT_PRESENT);
	if (entry->kind == VMMU_ENTRY_RESERVED)
		return end(walk, VMMU_REASON_RESERVED);

	step->rights = entry->rights;
	walk->rights &= entry->rights;
	if (entry->kind == VMMU_ENTRY_PAGE)
		return false;
	walk->table = entry->ra;
	walk->level--;
	return true;
}

enum vmmu_reason vmmu_walk_down(struct vmmu_walk *walk)
{
	while (vmmu_walk_step(walk))
		;
	return walk->reason;
}

struct vmmu_ra vmmu_walk_ra(const struct vmmu_walk *walk)
{
	u64 offset = walk->va.value & (BIT_ULL(walk->entry.page_shift) - 1);

	return vmmu_ra_add(walk->entry.ra, offset);
}

/* The highest level whose entry withholds @right; the leaf's if none does. */
static u8 level_without(const struct vmmu_walk *walk, u8 right)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++)
		if (!(walk->steps[i].rights & right))
			return walk->steps[i].level;
	return walk->level;
}

static u8 level_of(const struct vmmu_walk *walk, enum vmmu_reason reason)
{
	switch (reason) {
	case VMMU_REASON_USER:
		return level_without(walk, VMMU_RIGHT_USER);
	case VMMU_REASON_WRITE:
		return level_without(walk, VMMU_RIGHT_WRITE);
	case VMMU_REASON_NX:
		return level_without(walk, VMMU_RIGHT_EXEC);
	default:
		return walk->level;
	}
}

struct vmmu_verdict vmmu_walk_judge(const struct vmmu_walk *walk,
				    struct vmmu_access_kind access)
{
	const struct vmmu_format *format = walk->format;
	struct vmmu_verdict verdict = {
		.reason = walk->reason,
		.level = walk->level,
	};
	bool pkey = false;

	if (!walk->reason) {
		verdict.reason = format->judge(walk->rights, walk->entry.key,
					       &walk->mode, access, &pkey);
		if (!verdict.reason)
			return verdict;
		verdict.level = level_of(walk, verdict.reason);
	}
	if (verdict.reason == VMMU_REASON_NONCANONICAL ||
	    verdict.reason == VMMU_REASON_TABLE_BEYOND_REAL)
		return verdict;
	verdict.fault = true;
	verdict.error_code = format->error_code(verdict.reason, pkey,
						&walk->mode, access);
	return verdict;
}

bool vmmu_walk_mark(struct vmmu_walk *walk, bool write)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		struct vmmu_step *step = &walk->steps[i];
		bool leaf = i == walk->nr_steps - 1;
		u64 marked = walk->format->mark(step->value, write && leaf);

		if (marked == step->value)
			continue;
		if (!vmmu_word_cmpxchg(walk->realmap, vmmu_ra(step->ra),
				       step->value, marked))
			return false;
		step->value = marked;
	}
	return true;
}
