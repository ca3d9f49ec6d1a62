/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a VM with several spaces should be like after any changes of its tables: a
 * copy of its memory to which the same is done, looked at by the model of a
 * processor, and by a naive search for the pages that are tables.
 */
#ifndef VMMU_PATHS_MODEL_H
#define VMMU_PATHS_MODEL_H

#include "vmmu_trapping.h"
#include "x86_model.h"

#define PAGES		1024		/* of real memory */
#define REAL		(PAGES * PAGE)
#define TABLES		20		/* the first of them are tables, mostly */
#define WILD		40		/* and all up to here may become some */
#define SPACES		4
#define EDITOR		SPACES		/* one more: its window shows tables */
#define EDITOR_ROOT	((PAGES - 8) * PAGE)

/*
 * Where entries are: slot_at() of it. As the slots of level 1 are neighbours, a
 * window shows four pages.
 */
#define SLOTS		6
#define NEIGHBOURS	4

struct world {
	unsigned char *mem;
	struct model spaces[SPACES + 1];
	__u64 random;
	unsigned int density;	/* tables refer to tables more often, or less */
};

static inline unsigned int dice(struct world *w, unsigned int sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 32) % sides;
}

static inline unsigned int slot_at(unsigned int i)
{
	return i < NEIGHBOURS ? i : i == NEIGHBOURS ? 256 : 511;
}

static inline __u64 *model_word(struct world *w, __u64 ra)
{
	return (__u64 *)(w->mem + ra);
}

/*
 * The table that an entry refers to, as if no address bit were reserved; REAL:
 * none.
 */
static inline __u64 child_of(__u64 value, int level)
{
	__u64 ra = value & PTE_ADDRESS;

	if (level == 1 || !(value & PTE_P) || value & PTE_PS || ra >= REAL)
		return REAL;
	return ra;
}

/* Which pages are tables, of this space. */
static inline void find_tables(struct world *w, const struct model *space,
			       bool *is_table)
{
	static bool reached[6][PAGES];

	memset(reached, 0, sizeof(reached));
	if (space->root < REAL)
		reached[space->levels][space->root / PAGE] = true;
	for (int level = space->levels; level; level--) {
		for (int page = 0; page < PAGES; page++) {
			if (!reached[level][page])
				continue;
			is_table[page] = true;
			for (int i = 0; i < 512; i++) {
				__u64 child = child_of(*model_word(w, page *
						       PAGE + i * 8), level);

				if (child < REAL)
					reached[level - 1][child / PAGE] = true;
			}
		}
	}
}

/* How an entry can be named in a space, if it can. */
struct name {
	int space;
	int level;
	__u64 va;
};

static inline __u64 sign_extended(const struct model *space, __u64 va)
{
	int unused = space->levels == 5 ? 7 : 16;

	return (__s64)(va << unused) >> unused;
}

/* Where a search goes on from: the entry that refers to a page, at a level. */
struct link {
	bool reached;
	int page, slot;
};

static inline void follow(struct world *w, const struct model *space, int level,
			  int page, struct link below[PAGES])
{
	for (int i = 0; i < SLOTS; i++) {
		int slot = slot_at(i);
		__u64 e = *model_word(w, page * PAGE + slot * 8);
		__u64 child = child_of(e, level);

		if (child >= REAL || e & model_reserved(space, level, e))
			continue;
		below[child / PAGE] = (struct link){ true, page, slot };
	}
}

/* Name the entry at @ra by some space that gets there, as things are. */
static inline bool find_name(struct world *w, __u64 ra, struct name *name)
{
	static struct link links[6][PAGES];
	int first = dice(w, SPACES), page = ra / PAGE;

	for (int i = 0; i < SPACES; i++) {
		struct model *space = &w->spaces[(first + i) % SPACES];
		int level = space->levels;

		if (space->root >= REAL)
			continue;
		memset(links, 0, sizeof(links));
		links[level][space->root / PAGE].reached = true;
		for (; level > 1; level--)
			for (int p = 0; p < PAGES; p++)
				if (links[level][p].reached)
					follow(w, space, level, p,
					       links[level - 1]);
		for (level = 1; level <= space->levels; level++)
			if (links[level][page].reached)
				break;
		if (level > space->levels)
			continue;
		name->space = space - w->spaces;
		name->level = level;
		name->va = (ra % PAGE / 8) << (12 + 9 * (level - 1));
		for (; level < space->levels; level++) {
			struct link *up = &links[level][page];

			name->va |= (__u64)up->slot << (12 + 9 * level);
			page = up->page;
		}
		name->va = sign_extended(space, name->va);
		return true;
	}
	return false;
}

/* A page of a space that entries can be made for. */
static inline __u64 random_va(struct world *w, const struct model *space)
{
	__u64 va = dice(w, NEIGHBOURS);

	for (int level = 2; level <= space->levels; level++)
		va |= (__u64)slot_at(dice(w, SLOTS)) << 9 * (level - 1);
	return sign_extended(space, va << 12);
}

/* A slot of a table that leads to another one, or one that may be anything. */
static inline unsigned int likely_slot(struct world *w, const struct model *space,
				       __u64 table, int level)
{
	unsigned int first = dice(w, SLOTS);

	for (unsigned int i = 0; i < SLOTS; i++) {
		unsigned int slot = slot_at((first + i) % SLOTS);
		__u64 e = *model_word(w, table + slot * 8);

		if (child_of(e, level) < TABLES * PAGE &&
		    !(e & model_reserved(space, level, e)))
			return slot;
	}
	return slot_at(first);
}

/* A page of a space that is mapped, as far as such are to be found. */
static inline __u64 likely_va(struct world *w, const struct model *space)
{
	__u64 va = random_va(w, space), table = space->root;

	for (int level = space->levels; level > 1 && table < REAL; level--) {
		__u64 slot = likely_slot(w, space, table, level);
		int shift = 12 + 9 * (level - 1);

		va = (va & ~(511ULL << shift)) | slot << shift;
		table = child_of(*model_word(w, table + slot * 8), level);
	}
	return sign_extended(space, va);
}

static inline __u64 random_entry_ra(struct world *w)
{
	unsigned int page = dice(w, 8) ? dice(w, TABLES) : dice(w, WILD);

	return page * PAGE + slot_at(dice(w, SLOTS)) * 8;
}

static inline __u64 random_rights(struct world *w)
{
	static const __u64 bits[] = { PTE_W, PTE_U, PTE_A, PTE_D };
	__u64 entry = dice(w, 12) ? PTE_P : 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		if (dice(w, 6))
			entry |= bits[i];
	return entry | (dice(w, 6) ? 0 : PTE_NX);
}

/* What becomes of an entry that is @old: all that a guest may do, and more. */
static inline __u64 random_value(struct world *w, __u64 old)
{
	static const __u64 flips[] = { PTE_P, PTE_W, PTE_U, PTE_A, PTE_D, PTE_NX,
				       PTE_PS, PTE_PKEY(1) };
	__u64 rights = random_rights(w);

	if (!dice(w, 4))
		return old ^ flips[dice(w, ARRAY_SIZE(flips))];
	if (dice(w, 100) < w->density)
		return rights | dice(w, TABLES) * PAGE;
	switch (dice(w, 10)) {
	case 0:		/* a large page, or malformed at level 4 and 5 */
		return rights | PTE_PS | dice(w, 2) * 2 * MIB;
	case 1:
		return rights | PTE_PS | dice(w, 16) * PAGE;
	case 2:
		return rights | (dice(w, 2) ? REAL : BIT_ULL(40));
	case 3:
		return rights | BIT_ULL(51) | dice(w, TABLES) * PAGE;
	case 4:
		return rights | dice(w, 512 + WILD) * PAGE;
	case 5:
		return 0;
	default:
		return rights | dice(w, WILD) * PAGE;
	}
}

static inline struct model_access random_access(struct world *w, struct model *space)
{
	return (struct model_access){
		.va = (dice(w, 4) ? likely_va(w, space) : random_va(w, space)) +
		      dice(w, 512) * 8,
		.access = dice(w, 3), .user = dice(w, 2),
	};
}

/* The page table of the editor, whose window shows the first pages. */
static inline void model_editor(struct world *w)
{
	for (int i = 0; i < 3; i++)
		*model_word(w, EDITOR_ROOT + i * PAGE) =
			(EDITOR_ROOT + (i + 1) * PAGE) | PTE_ALL | PTE_A;
	for (int i = 0; i < WILD; i++)
		*model_word(w, EDITOR_ROOT + 3 * PAGE + i * 8) =
			i * PAGE | PTE_ALL | PTE_A | PTE_D;
	w->spaces[EDITOR] = (struct model){
		.mem = w->mem, .bytes = REAL, .root = EDITOR_ROOT, .levels = 4,
		.maxphyaddr = 52,
	};
}

#endif /* VMMU_PATHS_MODEL_H */
