// SPDX-License-Identifier: GPL-2.0
/*
 * Walks of guest page tables. Reads real memory, and changes nothing in it
 * but Accessed and Dirty bits; never allocates, never sleeps, knows no format.
 */
#include "walk.h"
#ifdef __KERNEL__
#include "realmap.h"	/* has vmmu_word_load_near() */
#endif

void vmmu_walk_init(struct vmmu_walk *walk, struct vmmu_realmap *realmap,
		    const struct vmmu_format *format, struct vmmu_ra root,
		    const struct vmmu_mode *mode)
{
	walk->realmap = realmap;
	walk->format = format;
	walk->mode = *mode;
	walk->reserved = format->reserved(mode);
	walk->root = root;
	walk->nr_steps = 0;
}

void vmmu_walk_start(struct vmmu_walk *walk, struct vmmu_va va)
{
	walk->va = va;
	walk->level = walk->format->levels;
	walk->table = walk->root;
	walk->grants = ~0ULL;
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
	walk->table = vmmu_ra_page(walk->steps[kept].ra);
	walk->grants = walk->steps[kept].above;
	walk->nr_steps = kept;
	walk->reason = VMMU_REASON_NONE;
}

/* The last entry was no table that the walk could go on to: tell what it is. */
static void end_walk(struct vmmu_walk *walk)
{
	u64 value = walk->steps[walk->nr_steps - 1].value;

	switch (vmmu_format_decode(walk->format, value, walk->level,
				   walk->reserved, &walk->entry)) {
	case VMMU_ENTRY_PAGE:
		break;
	case VMMU_ENTRY_ABSENT:
		walk->reason = VMMU_REASON_NOT_PRESENT;
		break;
	default:
		walk->reason = VMMU_REASON_RESERVED;
		break;
	}
}

void vmmu_walk_to(struct vmmu_walk *walk, unsigned int level)
{
	struct vmmu_walk_step *step = &walk->steps[walk->nr_steps];
	const struct vmmu_format *format = walk->format;
	const u64 test = format->table_test | walk->reserved;
	const u64 mask = BIT_ULL(format->index_bits) - 1;
	unsigned int shift = vmmu_format_shift(format, walk->level);
	struct vmmu_realmap_near near = VMMU_REALMAP_NEAR_NONE;
	struct vmmu_ra table = walk->table;
	u64 grants = walk->grants;
	unsigned int at = walk->level;
	bool ended = false;

	if (unlikely(walk->reason))
		return;
	while (at > level) {
		u64 index = walk->va.value >> shift & mask;

		step->ra = vmmu_ra_add(table, index * sizeof(u64));
		step->above = grants;
		if (!vmmu_word_load_near(walk->realmap, &near, step->ra,
					 &step->value)) {
			walk->reason = VMMU_REASON_TABLE_BEYOND_REAL;
			break;
		}
		grants &= step->value ^ format->denials;
		ended = at == 1 || (step->value & test) != format->table_is;
		if (ended)
			break;
		/* It is a table, as vmmu_format_decode() would tell. */
		table = vmmu_ra(step->value & format->address);
		shift -= format->index_bits;
		step++;
		at--;
	}
	walk->nr_steps = step - walk->steps + ended;
	walk->table = table;
	walk->level = at;
	walk->grants = grants;
	if (ended)
		end_walk(walk);
}

struct vmmu_run vmmu_walk_run(const struct vmmu_walk *walk)
{
	struct vmmu_run run = { };
	const u64 *words;
	u64 nr, i;

	/* A root of level 1 may have a hole in the middle. */
	if (walk->nr_steps != walk->format->levels ||
	    (walk->nr_steps == 1 && walk->format->sign_extended))
		return run;
	words = vmmu_word_page(walk->realmap, walk->table);
	if (!words)
		return run;
	nr = BIT_ULL(walk->format->index_bits);
	i = walk->va.value >> VMMU_PAGE_SHIFT & (nr - 1);
	words += vmmu_ra_offset(walk->table) / sizeof(u64);
	run.next = words + i + 1;
	run.end = words + nr;
	return run;
}

struct vmmu_ra vmmu_walk_ra(const struct vmmu_walk *walk)
{
	u64 offset = walk->va.value & (BIT_ULL(walk->entry.page_shift) - 1);

	return vmmu_ra_add(walk->entry.ra, offset);
}

u8 vmmu_walk_rights(const struct vmmu_walk *walk)
{
	return walk->format->rights(walk->grants);
}

static u8 rights_of_step(const struct vmmu_walk *walk, unsigned int i)
{
	const struct vmmu_format *format = walk->format;

	return format->rights(walk->steps[i].value ^ format->denials);
}

static unsigned int level_of_step(const struct vmmu_walk *walk, unsigned int i)
{
	return walk->format->levels - i;
}

void vmmu_walk_explain(const struct vmmu_walk *walk, struct vmmu_step *steps)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		bool malformed = walk->reason == VMMU_REASON_NOT_PRESENT ||
				 walk->reason == VMMU_REASON_RESERVED;
		bool last = i == walk->nr_steps - 1;

		steps[i] = (struct vmmu_step){
			.ra = walk->steps[i].ra.value,
			.value = walk->steps[i].value,
			.level = level_of_step(walk, i),
			.rights = last && malformed ? 0 :
						      rights_of_step(walk, i),
		};
	}
}

/* The highest level whose entry withholds @right; the leaf's if none does. */
static u8 level_without(const struct vmmu_walk *walk, u8 right)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++)
		if (!(rights_of_step(walk, i) & right))
			return level_of_step(walk, i);
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
		if (likely(vmmu_walk_allows(walk, access.user) &
			   BIT(access.access)))
			return verdict;
		verdict.reason = format->judge(vmmu_walk_rights(walk),
					       vmmu_walk_leaf(walk),
					       &walk->mode, access, &pkey);
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
	if (likely(vmmu_walk_marked(walk, write)))
		return true;
	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		struct vmmu_walk_step *step = &walk->steps[i];
		bool leaf = i == walk->nr_steps - 1;
		u64 marked = vmmu_format_mark(walk->format, step->value,
					      write && leaf);

		if (marked == step->value)
			continue;
		if (!vmmu_word_cmpxchg(walk->realmap, step->ra, step->value,
				       marked))
			return false;
		step->value = marked;
	}
	return true;
}

bool vmmu_walk_all_marked(const struct vmmu_walk *walk, bool write)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		u64 value = walk->steps[i].value;
		bool leaf = i == walk->nr_steps - 1;

		if (vmmu_format_mark(walk->format, value, write && leaf) !=
		    value)
			return false;
	}
	return true;
}

bool vmmu_walk_holds(const struct vmmu_walk *walk)
{
	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		const struct vmmu_walk_step *step = &walk->steps[i];
		u64 value;

		vmmu_word_load(walk->realmap, step->ra, &value);
		if (value != step->value)
			return false;
	}
	return true;
}
