/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Twins: two VMs to which the same is done, by batches and element by element;
 * what is done, at random. See install_twins.c.
 */
#ifndef VMMU_TWINS_H
#define VMMU_TWINS_H

#include "vmmu_access.h"
#include "vmmu_trapping.h"

#define PAGES		528		/* a large page lies partly beyond them */
#define REAL		(PAGES * PAGE)
#define LARGE		512		/* the page where that begins */
#define DATA_PAGES	64
#define FIRST_DATA	16
#define MOST		300		/* elements of a batch */
#define TAG		300		/* the word of each page that holds its tag */
#define SPACES		4
#define DIRS		8
#define SLOTS		88		/* entries of a last-level table in use */
#define NR_VAS		(DIRS * SLOTS)

/* Page tables of the spaces, which have the last three in common. */
enum { ROOT = 1, PDPT, PD, PT, OTHER_ROOT = PT + 3, OTHER_PDPT, OTHER_PD, NR_TABLES };

/* MAIN and PEER have one format, WIDE has another, and OTHER another root. */
enum { MAIN, PEER, WIDE, OTHER };

struct twin {
	int vm, trap, spaces[SPACES];
	unsigned char *mem, *windows[SPACES];
};

/*
 * @twins: the one that gets batches, and the one that gets single elements
 * @traps: which spaces are TRAPPING, by bits
 * @tangled: tables may have several addresses
 * @last: what an element last made of an entry of a last-level table
 * @ops, @nr, @space, @flags: the batch
 * @vas: addresses that its entries translate
 * @stale: LAZY spaces may show what was, until INVALIDATE
 * @absent: the last batch found no table
 * @broken: the line where something went wrong, if anything did
 */
struct twins {
	struct twin twins[2];
	__u64 random, bits[SPACES], last[DIRS][SLOTS];
	unsigned int traps;
	bool tangled, stale, absent;
	struct vmmu_install_op ops[MOST];
	__u64 vas[MOST];
	unsigned int nr, space;
	__u32 flags;
	int broken;
	unsigned long batches, failed, elements, uses, refused;
};

static inline void twins_check(struct twins *t, bool good, const char *what, int line)
{
	if (!good && !t->broken) {
		t->broken = line;
		printf("# line %d: %s; errno %d\n", line, what, errno);
		printf("# batch %lu: %u elements, flags %x, space %u%s\n", t->batches,
		       t->nr, t->flags, t->space, t->tangled ? ", tangled" : "");
	}
}

#define CHECK(t, good) twins_check(t, good, #good, __LINE__)

/* Do something to each of them, as @v. */
#define each_twin(t)							\
	for (struct twin *v = (t)->twins, *end = v + 2; v < end; v++)

static inline unsigned int dice(struct twins *t, unsigned int sides)
{
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (t->random >> 33) % sides;
}

static inline __u64 *word_of(struct twin *v, unsigned int page, unsigned int i)
{
	return (__u64 *)(v->mem + page * PAGE) + i;
}

static inline __u64 tag_of(unsigned int page)
{
	return (page + 1ULL) << 20;
}

/* Both ends of a table: the next one's entries follow. */
static inline unsigned int slot_index(unsigned int slot)
{
	return slot < 80 ? slot : slot - 80 + 504;
}

static inline __u64 va_of(unsigned int dir, unsigned int slot)
{
	return dir * 2 * MIB + slot_index(slot) * PAGE;
}

/* What an entry of an upper table is in the tree. */
static inline __u64 tree_entry(const struct twins *t, unsigned int table,
			       unsigned int i)
{
	static const unsigned char tangles[] = { PD, PT, ROOT, PDPT };
	unsigned int to = 0;

	if (table != PD && table != OTHER_PD)
		to = i ? 0 : table + 1;
	else if (table == OTHER_PD)
		to = i == 1 ? PT + 1 : 0;
	else if (i < 3)
		to = PT + i;
	else if (t->tangled && i < 3 + ARRAY_SIZE(tangles))
		to = tangles[i - 3];
	return to ? to * PAGE | PTE_ALL | PTE_A : 0;
}

/* These spaces, by bits, but for TRAPPING ones, which never need it. */
static inline void invalidate_lazy(struct twins *t, unsigned int which)
{
	each_twin(t)
		for (int i = 0; i < SPACES; i++)
			if (which & ~t->traps & 1 << i)
				CHECK(t, !_invalidate(v->spaces[i],
						      VMMU_INVALIDATE_ALL, 0, 0));
}

/* The upper tables as they were, by plain stores. */
static inline void build_tree(struct twins *t)
{
	each_twin(t) {
		for (unsigned int table = ROOT; table < NR_TABLES; table++) {
			for (int i = 0; i < 512; i++) {
				__u64 entry = tree_entry(t, table, i);
				__u64 *word = word_of(v, table, i);

				if (table >= PT && table < PT + 3)
					break;
				if (i == TAG)
					entry = tag_of(table);
				if (load(word) != entry)
					store(word, entry);
			}
		}
	}
	invalidate_lazy(t, ~0U);
}

static inline void random_mode(struct twins *t)
{
	unsigned int space = dice(t, SPACES);
	__u64 bits = dice(t, 3) ? VMMU_MODE_WP | VMMU_MODE_NXE : VMMU_MODE_WP;

	if (!dice(t, 5))
		bits |= VMMU_MODE_CPL3;
	if (!dice(t, 4))
		bits &= ~VMMU_MODE_WP;
	t->bits[space] = bits;
	bits = t->random;
	each_twin(t)
		CHECK(t, !_set_mode(v->spaces[space], t->bits[space], 0,
				    bits >> 60 & 1 ? 40 : 52));
}

static inline void both_range(struct twins *t, unsigned long cmd, __u64 page,
			      __u64 nr)
{
	__u64 done;

	each_twin(t)
		CHECK(t, !_range(v->vm, cmd, page * PAGE, nr * PAGE, &done));
}

/* Frames come and go. */
static inline void random_frames(struct twins *t)
{
	for (int n = dice(t, 8); n; n--)
		both_range(t, VMMU_IOC_DISCARD, FIRST_DATA + dice(t, DATA_PAGES),
			   1 + dice(t, 6));
	if (!dice(t, 8))
		both_range(t, VMMU_IOC_DISCARD, LARGE, PAGES - LARGE);
	if (!dice(t, 8)) {
		unsigned int page = PT + dice(t, 3);

		both_range(t, VMMU_IOC_DISCARD, page, 1);
		if (dice(t, 2))
			both_range(t, VMMU_IOC_POPULATE, page, 1);
	}
	if (!dice(t, 4))
		both_range(t, VMMU_IOC_POPULATE,
			   FIRST_DATA + dice(t, DATA_PAGES), 1);
	invalidate_lazy(t, ~0U);
}

static inline __u64 random_rights(struct twins *t)
{
	__u64 rights = PTE_P;

	rights |= dice(t, 4) ? PTE_W : 0;
	rights |= dice(t, 4) ? PTE_U : 0;
	rights |= dice(t, 4) ? PTE_A : 0;
	rights |= dice(t, 3) ? 0 : PTE_D;
	rights |= dice(t, 8) ? 0 : PTE_G;
	return rights | (dice(t, 12) ? 0 : PTE_NX);
}

/* Only bits of an entry change, or one that is reserved comes to it. */
static inline __u64 change_bit(struct twins *t, __u64 value)
{
	static const __u64 bits[] = {
		PTE_A, PTE_D, PTE_A | PTE_D, PTE_W, PTE_U, PTE_NX, PTE_G,
		BIT_ULL(45), PTE_P, 0,
	};

	return value ^ bits[dice(t, ARRAY_SIZE(bits))];
}

static inline __u64 random_leaf(struct twins *t, unsigned int dir, unsigned int slot)
{
	__u64 page = FIRST_DATA + dice(t, DATA_PAGES);

	/* To the other format these refer to last-level tables. */
	if (!dir && slot < 4 && dice(t, 2))
		return (PT + dice(t, 3)) * PAGE | random_rights(t) | PTE_A | PTE_U;
	switch (dice(t, 40)) {
	case 0:
	case 1:
		return 0;
	case 2:
		return tag_of(page);		/* absent, too */
	case 3:
		return (REAL + page * PAGE) | random_rights(t);
	case 4:
	case 5:
		page = dice(t, NR_TABLES);
		break;
	case 6:
		return page * PAGE | random_rights(t) |
		       (dice(t, 2) ? BIT_ULL(45) : PTE_PS);
	case 7 ... 17:
		return change_bit(t, t->last[dir][slot]);
	}
	return page * PAGE | random_rights(t);
}

/* An entry of an upper table; one that keeps the tree a tree, if it is one. */
static inline __u64 random_upper(struct twins *t, unsigned int level, unsigned int dir)
{
	__u64 rights = random_rights(t) | PTE_A | PTE_U;
	unsigned int depth = (t->space == WIDE ? 5 : 4) - level, child;

	if (depth < 2)
		child = (t->space == OTHER ? OTHER_PDPT : PDPT) + depth;
	else if (depth == 2)
		child = PT + (t->space == WIDE ? 0 : dir % 3);
	else
		child = 1 + dice(t, FIRST_DATA + DATA_PAGES - 1);

	switch (dice(t, 16)) {
	case 0:
		return 0;
	case 1:
		return REAL | rights;
	case 2:
		return level == 2 ? LARGE * PAGE | rights | PTE_PS : 0;
	case 3:
		return level == 2 && !dice(t, 4) ? rights | PTE_PS : 0;
	case 4:
		return child * PAGE | rights | BIT_ULL(45);
	case 5:
	case 6:
		if (t->tangled)
			child = 1 + dice(t, NR_TABLES - 1);
	}
	return child * PAGE | rights;
}

/* Where the tree has a table; but for the main spaces any will do. */
static inline unsigned int dir_of(const struct twins *t, unsigned int dir)
{
	return t->space == OTHER ? 1 : t->space == WIDE ? dir % 4 :
	       t->tangled ? dir % 7 : dir % 3;
}

static inline void random_element(struct twins *t, struct vmmu_install_op *op,
				  unsigned int dir, unsigned int slot,
				  unsigned int uppers)
{
	unsigned int level = dice(t, 100) < uppers ? 2 + dice(t, 3) : 1;

	*op = (struct vmmu_install_op){ .level = level };
	/* The tree's tables hang from the first entry of each. */
	if (level > 2)
		dir = 0;
	if (t->space == WIDE && level == 4 && dice(t, 4))
		op->level = 5;
	op->va = va_of(dir, slot) + dice(t, 2) * dice(t, PAGE);
	if (level > 1) {
		op->value = random_upper(t, op->level, dir);
		return;
	}
	/* The way leads through these, if the table is one of them. */
	if (t->tangled && dir > 2 && dir != 4 && slot < 7 && dice(t, 16))
		op->value = random_upper(t, dir == 3 ? 2 : 3, slot);
	else
		op->value = random_leaf(t, dir, slot);
	t->last[dir][slot] = op->value;
}

/*
 * Name the same entry by its real address, in a tree that traps; where that is no tree,
 * or does not have it, some entry.
 */
static inline void name_by_ra(const struct twins *t, struct vmmu_install_op *op)
{
	bool main = t->traps & BIT_ULL(MAIN);
	unsigned int table = op->level > 1 ? (main ? ROOT : OTHER_ROOT) + 4 - op->level :
			     PT + (main ? op->va / (2 * MIB) % 3 : 1);
	unsigned int index = op->va >> (12 + 9 * (op->level - 1)) & 511;

	op->va = table * PAGE + index * 8;
	op->level = 0;
}

/* What the call refuses, or nothing is there. */
static inline void random_fault(struct twins *t, struct vmmu_install_op *op)
{
	static const __u32 levels[] = { 0, 6, ~0U };

	switch (dice(t, 5)) {
	case 0:
		op->reserved = 1 + dice(t, 2) * 0x10000;
		break;
	case 1:
		op->level = levels[dice(t, ARRAY_SIZE(levels))];
		break;
	case 2:
		op->va ^= BIT_ULL(47 + dice(t, 17));
		break;
	case 3:
		op->va += 100 * GIB;
		break;
	case 4:
		op->va ^= 1 << dice(t, 3);
	}
}

static inline void random_batch(struct twins *t)
{
	static const unsigned int most[] = { 4, 20, 70, MOST }, often[] = { 0, 0, 0, 1, 5 };
	unsigned int uppers = often[dice(t, ARRAY_SIZE(often))];
	unsigned int order = dice(t, 4), dir, slot;
	static const __u32 others[] = { PEER, WIDE, OTHER };

	t->space = dice(t, 3) ? MAIN : others[dice(t, 3)];
	t->nr = 1 + dice(t, most[dice(t, ARRAY_SIZE(most))]);
	t->flags = dice(t, 3) ? 0 : VMMU_INSTALL_ATOMIC;
	t->flags |= dice(t, 8) ? 0 : VMMU_INSTALL_STOP;
	t->flags |= dice(t, 5) ? 0 : VMMU_INSTALL_PROVIDE;
	if (t->traps && !dice(t, 3))
		t->flags |= VMMU_INSTALL_BY_RA;
	dir = dice(t, DIRS);
	slot = dice(t, SLOTS);
	for (unsigned int i = 0; i < t->nr; i++) {
		if (order == 0 && ++slot == SLOTS) {	/* ascending */
			slot = 0;
			dir++;
		} else if (order == 1) {		/* all over one table */
			slot = dice(t, SLOTS);
		} else if (order == 2) {		/* all over */
			dir = dice(t, 6) ? dir : dice(t, DIRS);
			slot = dice(t, SLOTS);
		} else if (order == 3) {		/* a few, many times */
			dir = dice(t, 2);
			slot = dice(t, 9);
		}
		dir %= DIRS;
		random_element(t, &t->ops[i], dir_of(t, dir), slot, uppers);
		t->vas[i] = t->ops[i].va;
		if (t->flags & VMMU_INSTALL_BY_RA)
			name_by_ra(t, &t->ops[i]);
	}
	if (!dice(t, 6) || (t->flags & VMMU_INSTALL_ATOMIC && dice(t, 2)))
		random_fault(t, &t->ops[dice(t, 3) ? dice(t, t->nr) : 0]);
}

#endif /* VMMU_TWINS_H */
