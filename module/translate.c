// SPDX-License-Identifier: GPL-2.0
/*
 * Translation of virtual addresses, through both levels. Takes no lock: the
 * answers are snapshots. Changes nothing but what a flag asks for: Accessed
 * and Dirty bits, and a frame for a real page that has none.
 */
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "translate.h"

/* Walks that one vmmu_scan_mappings() makes at most. */
#define SCAN_BUDGET	2048

void vmmu_query_init(struct vmmu_query *query, struct vmmu_space *space,
		     u32 access, u32 flags)
{
	query->space = space;
	query->access.access = access;
	query->access.user = flags & VMMU_TRANSLATE_USER;
	query->flags = flags;
	query->frames_shown = false;
	query->sequence = vmmu_realmap_sequence(&space->vm->realmap);
	vmmu_space_walk_init(space, &query->walk);
}

void vmmu_query_init_caller(struct vmmu_query *query, struct vmmu_space *space,
			    u32 access, u32 flags)
{
	vmmu_query_init(query, space, access, flags);
	query->frames_shown = vmmu_vm_frames_shown(space->vm);
}

/*
 * Walk to @va; if nothing was invalidated upper levels are not read again, and nothing
 * at all if the walk is there.
 */
static void walk_to(struct vmmu_query *query, struct vmmu_va va)
{
	u64 sequence = vmmu_realmap_sequence(&query->space->vm->realmap);
	struct vmmu_walk *walk = &query->walk;

	vmmu_count(query->space, VMMU_WALKS);
	if (sequence == query->sequence && vmmu_walk_is_at(walk, va)) {
		walk->va = va;
		return;
	}
	if (sequence == query->sequence)
		vmmu_walk_resume(walk, va);
	else
		vmmu_walk_start(walk, va);
	query->sequence = sequence;
	vmmu_walk_down(walk);
}

/* Whether a fetch that may be made is one from a page that can't be read. */
static bool unreadable(const struct vmmu_query *query)
{
	struct vmmu_access_kind read = {
		.access = VMMU_ACCESS_READ,
		.user = query->access.user,
	};

	return (query->flags & VMMU_QUERY_READABLE) &&
	       query->access.access == VMMU_ACCESS_FETCH &&
	       vmmu_walk_judge(&query->walk, read).reason;
}

/* The part of the answer that the page table alone gives. */
static void fill_walk(const struct vmmu_query *query,
		      struct vmmu_translation *out)
{
	const struct vmmu_walk *walk = &query->walk;
	struct vmmu_verdict verdict = vmmu_walk_judge(walk, query->access);

	*out = (struct vmmu_translation){
		.reason = verdict.reason,
		.level = verdict.level,
		.error_code = verdict.error_code,
		.flags = verdict.fault ? VMMU_PAGE_FAULT : 0,
	};
	if (walk->reason)
		return;
	out->ra = vmmu_walk_ra(walk).value;
	out->page_shift = walk->entry.page_shift;
	out->rights = vmmu_walk_rights(walk);
	if (!verdict.reason)
		out->flags |= VMMU_TRANSLATED;
}

/* The part that the real map table gives. */
static void fill_frame(const struct vmmu_query *query, u64 entry,
		       struct vmmu_translation *out)
{
	if (!entry) {
		out->reason = VMMU_REASON_NOT_BACKED;
		return;
	}
	out->reason = VMMU_REASON_NONE;
	out->flags |= VMMU_TRANSLATED_BACKED;
	if (query->frames_shown) {
		out->flags |= VMMU_TRANSLATED_FRAME;
		out->frame = vmmu_realmap_pfn(entry);
	}
}

/*
 * One attempt. Returns -ENOENT when a frame has to be provided first, and
 * -EAGAIN when an entry changed before its Accessed or Dirty bit was set. Both
 * levels are read in one RCU section, and bits are set when all is well.
 */
static int attempt(struct vmmu_query *query, struct vmmu_va va,
		   struct vmmu_translation *out)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;
	u64 index, entry;

	walk_to(query, va);
	fill_walk(query, out);
	if (!(out->flags & VMMU_TRANSLATED))
		return 0;

	index = vmmu_ra_index(vmmu_ra(out->ra));
	if (index >= realmap->nr_pages) {
		out->flags = 0;
		out->reason = VMMU_REASON_BEYOND_REAL;
		return 0;
	}
	if (unreadable(query)) {
		out->flags = 0;
		out->reason = VMMU_REASON_EXECUTE_ONLY;
		return 0;
	}
	entry = vmmu_realmap_lookup(realmap, index);
	if (!entry && (query->flags & VMMU_TRANSLATE_PROVIDE))
		return -ENOENT;
	if ((query->flags & VMMU_TRANSLATE_SET_AD) &&
	    !vmmu_walk_mark(&query->walk,
			    query->access.access == VMMU_ACCESS_WRITE))
		return -EAGAIN;
	query->real_map_entry = entry;
	fill_frame(query, entry, out);
	return 0;
}

int vmmu_translate_once(struct vmmu_query *query, struct vmmu_va va,
			struct vmmu_translation *out)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;
	u64 index;
	int err;

	rcu_read_lock();
	err = attempt(query, va, out);
	rcu_read_unlock();
	if (!err)
		return 0;
	index = vmmu_ra_index(vmmu_ra(out->ra));
	if (err == -ENOENT)
		err = vmmu_realmap_provide(realmap, index);
	else
		query->walk.nr_steps = 0;	/* from the root */
	if (err == -ENOMEM) {
		*out = (struct vmmu_translation){
			.reason = VMMU_REASON_NOFRAME,
			.level = query->walk.level,
		};
		return err;
	}
	cond_resched();
	if (fatal_signal_pending(current)) {
		*out = (struct vmmu_translation){ };
		return -EINTR;
	}
	return -EAGAIN;
}

int vmmu_translate(struct vmmu_query *query, struct vmmu_va va,
		   struct vmmu_translation *out)
{
	int err;

	do {
		err = vmmu_translate_once(query, va, out);
	} while (err == -EAGAIN);
	/* Nobody caches what is refused: who grants it need not tell anybody. */
	if (err || !(out->flags & VMMU_TRANSLATED))
		vmmu_walk_leave(&query->walk);
	return err;
}

/*
 * Answer for pages behind the one that was translated last, *@out, as long as their
 * entries are in the same table and differ from that one's in the address alone:
 * then only their frames are to be found. Returns for how many.
 */
static unsigned int translate_alike(struct vmmu_query *query,
				    struct vmmu_translation *out,
				    unsigned int nr)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;
	const struct vmmu_walk *walk = &query->walk;
	const u64 address = walk->format->address, leaf = vmmu_walk_leaf(walk);
	const u64 like = vmmu_walk_likeness(walk, walk->format->marks);
	const u64 offset = vmmu_ra_offset(vmmu_ra(walk->va.value));
	const u64 shown = query->frames_shown ? ~0ULL : 0;
	struct vmmu_realmap_near near = VMMU_REALMAP_NEAR_NONE;
	struct vmmu_translation with = *out, without;
	struct vmmu_run run;
	unsigned int i;

	with.flags &= ~(VMMU_TRANSLATED_BACKED | VMMU_TRANSLATED_FRAME);
	without = with;
	fill_frame(query, 0, &without);
	fill_frame(query, VMMU_REALMAP_PRESENT, &with);
	rcu_read_lock();
	run = vmmu_walk_run(walk);
	if (vmmu_realmap_sequence(realmap) != query->sequence)
		nr = 0;
	nr = min_t(u64, nr, run.end - run.next);
	for (i = 0; i < nr; i++) {
		u64 value = READ_ONCE(run.next[i]);
		u64 index = vmmu_ra_index(vmmu_ra(value & address)), entry;

		if (((value ^ leaf) & like) || index >= realmap->nr_pages)
			break;
		entry = vmmu_realmap_lookup_near(realmap, &near, index);
		out++;
		*out = likely(entry) ? with : without;
		out->ra = (value & address) + offset;
		out->frame = vmmu_realmap_pfn(entry) & shown;
	}
	rcu_read_unlock();
	vmmu_count_add(query->space, VMMU_WALKS, i);
	return i;
}

int vmmu_translate_pages(struct vmmu_query *query, struct vmmu_va va,
			 struct vmmu_translation *out, unsigned int nr,
			 unsigned int *done)
{
	bool changes = query->flags &
		       (VMMU_TRANSLATE_SET_AD | VMMU_TRANSLATE_PROVIDE);
	unsigned int i = 0;
	int err = 0;

	while (i < nr) {
		err = vmmu_translate(query, vmmu_va(va.value + i * VMMU_PAGE_BYTES),
				     &out[i]);
		if (err)
			break;
		i++;
		if (!changes && (out[i - 1].flags & VMMU_TRANSLATED))
			i += translate_alike(query, &out[i - 1], nr - i);
	}
	*done = i;
	return err;
}

bool vmmu_query_holds(const struct vmmu_query *query)
{
	const struct vmmu_space *space = query->space;
	const struct vmmu_walk *walk = &query->walk;

	lockdep_assert_held_write(&space->vm->lock);

	return walk->root.value == space->root &&
	       vmmu_mode_pack(&walk->mode) == space->mode &&
	       vmmu_walk_holds(walk);
}

/*
 * The mapping at the end of a walk that reached a page, from the walk's page
 * on: to the end of what the entry maps, of what was asked, or of real memory.
 */
static struct vmmu_mapping mapping_of(const struct vmmu_scan *scan)
{
	const struct vmmu_walk *walk = &scan->walk;
	u64 page = walk->va.value & ~(VMMU_PAGE_BYTES - 1);
	u64 offset = page & (BIT_ULL(walk->entry.page_shift) - 1);
	struct vmmu_ra ra = vmmu_ra_add(walk->entry.ra, offset);
	u64 index = vmmu_ra_index(ra);
	u64 nr_real = scan->realmap->nr_pages;
	u64 nr = (BIT_ULL(walk->entry.page_shift) - offset) >> VMMU_PAGE_SHIFT;

	nr = min(nr, ((scan->last - page) >> VMMU_PAGE_SHIFT) + 1);
	if (index < nr_real)
		nr = min(nr, nr_real - index);
	return (struct vmmu_mapping){
		.va = page,
		.bytes = nr << VMMU_PAGE_SHIFT,
		.ra = ra.value,
		.attributes = vmmu_walk_leaf(walk) & ~walk->entry.ra.value,
		.rights = vmmu_walk_rights(walk),
		.page_shift = walk->entry.page_shift,
		.flags = index < nr_real ? 0 : VMMU_MAPPING_BEYOND_REAL,
	};
}

/* Whether @next continues @run; if so, make @run longer. */
static bool merge(struct vmmu_mapping *run, const struct vmmu_mapping *next)
{
	if (run->va + run->bytes != next->va ||
	    run->ra + run->bytes != next->ra ||
	    run->attributes != next->attributes ||
	    run->rights != next->rights ||
	    run->page_shift != next->page_shift || run->flags != next->flags)
		return false;
	run->bytes += next->bytes;
	return true;
}

/* What the entry that ended the walk at no page covers; go on behind it. */
static u64 end_of_gap(const struct vmmu_walk *walk)
{
	unsigned int shift = vmmu_format_shift(walk->format, walk->level);

	if (walk->reason == VMMU_REASON_TABLE_BEYOND_REAL)
		shift += walk->format->index_bits;
	return ((walk->va.value >> shift) + 1) << shift;
}

unsigned int vmmu_scan_mappings(struct vmmu_scan *scan,
				struct vmmu_mapping *mappings, unsigned int nr)
{
	u64 sequence = vmmu_realmap_sequence(scan->realmap);
	struct vmmu_walk *walk = &scan->walk;
	unsigned int found = 0;

	if (sequence != scan->sequence)
		walk->nr_steps = 0;	/* from the root */
	scan->sequence = sequence;
	rcu_read_lock();
	for (unsigned int i = 0; i < SCAN_BUDGET; i++) {
		struct vmmu_mapping mapping;
		u64 next;

		vmmu_walk_resume(walk, vmmu_va(scan->va));
		if (vmmu_walk_down(walk)) {
			next = end_of_gap(walk);
		} else {
			mapping = mapping_of(scan);
			next = mapping.va + mapping.bytes;
			if (!found || !merge(&mappings[found - 1], &mapping)) {
				if (found == nr)
					break;
				mappings[found++] = mapping;
			}
		}
		/* At the very end of the address space next wraps to 0. */
		next = vmmu_format_skip_hole(walk->format, next);
		if (next <= scan->va || next > scan->last) {
			scan->ended = true;
			break;
		}
		scan->va = next;
	}
	rcu_read_unlock();
	return found;
}
