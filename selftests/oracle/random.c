// SPDX-License-Identifier: GPL-2.0
/*
 * Random vectors. Entries that are random in every bit fault at once, so an
 * entry is good at first, and then is spoilt in one way or another.
 *
 * What the guest could not survive is not made: present entries refer to the
 * arena or to where neither RAM nor a device is, and fetches go to RAM.
 */
#include <stdbool.h>
#include <string.h>

#include "vectors.h"

#define HIGH_ADDRESS	0x000fffff00000000ULL

/**
 * struct maker - a vector in the making
 * @vector: the vector.
 * @own: random numbers of its own.
 * @shared: random numbers that it shares with its neighbours.
 * @levels: number of levels.
 * @phys_bits: MAXPHYADDR.
 * @leaf: level of the entry that is to map the page.
 * @spoilt: level of the entry that is to be spoilt, 0 for none.
 * @user_pages: whether entries are to grant the user something.
 * @page: by level: page of the table that is to be used.
 */
struct maker {
	struct oracle_vector *vector;
	__u64 own;
	__u64 shared;
	__u32 levels;
	__u32 phys_bits;
	__u32 leaf;
	__u32 spoilt;
	bool user_pages;
	__u32 page[ORACLE_MAX_LEVELS + 1];
};

/* splitmix64 */
static __u64 next(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static __u32 below(__u64 *state, __u32 limit)
{
	return next(state) % limit;
}

/* True in @percent of all cases. */
static bool chance(struct maker *maker, __u32 percent)
{
	return below(&maker->own, 100) < percent;
}

static __u32 any_page(__u64 *state)
{
	return oracle_pages[below(state, ORACLE_NR_PAGES)];
}

/* An index of a table; the last one of a root is the guest's. */
static __u32 any_index(__u64 *state, bool root)
{
	static const __u16 edges[] = { 0, 1, 255, 256, 510, 511 };
	__u32 index;

	index = below(state, 4) ? below(state, 512) : edges[below(state, 6)];
	return root && index == 511 ? 510 : index;
}

/* Neighbours share an address, and so would see what a TLB kept. */
static void choose_address(struct maker *maker)
{
	struct oracle_vector *vector = maker->vector;
	__u32 unused = 64 - (12 + 9 * maker->levels);
	__u64 va = any_index(&maker->shared, true);

	for (__u32 level = maker->levels - 1; level; level--)
		va = va << 9 | (level == 2 && below(&maker->shared, 2) ?
				below(&maker->shared, 2) :
				any_index(&maker->shared, false));
	va = va << 12 | below(&maker->shared, 511) * 8;
	vector->va = (__s64)(va << unused) >> unused;
	vector->root = ORACLE_FIRST_ROOT +
		       below(&maker->shared,
			     ORACLE_LAST_ROOT - ORACLE_FIRST_ROOT + 1);
	for (__u32 level = 1; level < maker->levels; level++)
		maker->page[level] = any_page(&maker->shared);
}

static void choose_mode(struct maker *maker)
{
	struct oracle_vector *vector = maker->vector;

	vector->mode = (chance(maker, 50) ? VMMU_MODE_WP : 0) |
		       (chance(maker, 75) ? VMMU_MODE_NXE : 0) |
		       (chance(maker, 40) ? VMMU_MODE_SMEP : 0) |
		       (chance(maker, 50) ? VMMU_MODE_SMAP : 0) |
		       (chance(maker, 40) ? VMMU_MODE_AC : 0) |
		       (chance(maker, 50) ? VMMU_MODE_PKE : 0) |
		       (chance(maker, 50) ? VMMU_MODE_CPL3 : 0);
	vector->pkru = chance(maker, 50) ? next(&maker->own) : 0;
	if (chance(maker, 50))
		vector->pkru &= 0xaaaaaaaa;	/* writes only */
	vector->access = below(&maker->own, 3);
	vector->user = below(&maker->own, 2);
	maker->user_pages = chance(maker, vector->user ? 85 : 55);
	maker->leaf = chance(maker, 50) ? 1 : 2 + below(&maker->own, 2);
	if (chance(maker, 40))
		maker->spoilt = maker->leaf +
				below(&maker->own,
				      maker->levels - maker->leaf + 1);
}

static __u64 good_entry(struct maker *maker, __u32 level)
{
	__u64 ignored = next(&maker->own) & ~(ENTRY_ADDRESS | ENTRY_NX | 0xff);
	__u64 entry = ignored | (next(&maker->own) & 0x78) | ENTRY_P;
	__u32 page = level > 1 ? maker->page[level - 1] :
				 any_page(&maker->own);

	if (chance(maker, 85))
		entry |= ENTRY_W;
	if (chance(maker, maker->user_pages ? 97 : 50))
		entry |= ENTRY_U;
	if (chance(maker, maker->vector->mode & VMMU_MODE_NXE ? 12 : 2))
		entry |= ENTRY_NX;
	if (level == 1 && chance(maker, 50))
		entry |= ENTRY_PS;		/* it is PAT there */
	if (level > 1 && level == maker->leaf) {
		entry |= ENTRY_PS;
		page = level == 2 ? 512 * below(&maker->own, 2) : 0;
		page += below(&maker->own, 2);	/* PAT */
	}
	if (level == maker->leaf && chance(maker, 5))
		entry |= next(&maker->own) & HIGH_ADDRESS;
	return entry | oracle_page_ra(page);
}

/* Take something from an entry, or put something into it. */
static __u64 spoilt_entry(struct maker *maker, __u64 entry, __u32 level)
{
	__u64 noise = next(&maker->own);
	__u64 *own = &maker->own;

	switch (below(own, 11)) {
	case 0:
		return entry & ~ENTRY_P;
	case 1:
		return noise & ~ENTRY_P;
	case 2:
		return noise | ENTRY_P;
	case 3:
		return entry | 1ULL << (32 + below(own, 20));
	case 4:
		return entry | (noise & HIGH_ADDRESS & ~0ULL << maker->phys_bits);
	case 5:
		return entry ^ ENTRY_PS;
	case 6:
		return entry | 1ULL << (12 + below(own, 9 * (level - 1) + 1));
	case 7:
		return entry & ~ENTRY_W;
	case 8:
		return entry ^ ENTRY_U;
	case 9:
		return entry ^ ENTRY_NX;
	default:
		return entry & ~(ENTRY_W | ENTRY_U);
	}
}

/* The arena's page that the low bits of an entry's address tell. */
static __u32 page_of(__u64 entry)
{
	return entry / ORACLE_PAGE % ORACLE_ARENA_PAGES;
}

static __u32 known_page(__u32 page)
{
	for (__u32 i = 0; i < ORACLE_NR_PAGES; i++)
		if (oracle_pages[i] == page)
			return page;
	return oracle_pages[page % ORACLE_NR_PAGES];
}

/*
 * Have a present entry refer to the arena; beyond RAM only where it is the
 * last of the walk, and no fetch goes there. Reserved bits stay.
 */
static __u64 bearable(const struct maker *maker, __u64 entry, __u32 level)
{
	__u64 high = entry & HIGH_ADDRESS;
	bool large = level > 1 && (entry & ENTRY_PS);
	__u64 low;

	if (!(entry & ENTRY_P))
		return entry;
	/* Were there pages of 512 GiB they would be aligned. */
	if (large && level > 3 && (entry & ENTRY_IGNORED))
		return entry & ~(ENTRY_ADDRESS & ~(~0ULL << maker->phys_bits));
	if (large && level > 2)
		low = entry & 0x3ffff000;
	else if (large)
		low = entry & 0x003ff000;
	else
		low = known_page(page_of(entry)) * ORACLE_PAGE;
	if (maker->vector->access == VMMU_ACCESS_FETCH ||
	    !(level == 1 || (large && level <= 3)))
		high &= ~0ULL << maker->phys_bits;
	return (entry & ~ENTRY_ADDRESS) | high | ORACLE_ARENA | low;
}

/* The element of the vector that is stored at @word, or its nr. */
static __u32 find_slot(const struct oracle_vector *vector, __u32 word)
{
	__u32 i;

	for (i = 0; i < vector->nr; i++)
		if (vector->word[i] == word)
			break;
	return i;
}

/*
 * The entries, from the root down. Where the walk comes to a word that is an
 * entry already it goes on from that one.
 */
static void choose_entries(struct maker *maker)
{
	struct oracle_vector *vector = maker->vector;
	__u32 page = vector->root;

	for (__u32 level = maker->levels; level; level--) {
		__u32 word = page * 512 + oracle_index(vector->va, level);
		__u32 slot = find_slot(vector, word);

		vector->slot[level] = slot;
		if (word == vector->root * 512 + 511) {
			/* Not below the root, either. */
			vector->va ^= 1ULL << (12 + 9 * (level - 1));
			word--;
			slot = find_slot(vector, word);
			vector->slot[level] = slot;
		}
		if (slot == vector->nr) {
			__u64 entry = good_entry(maker, level);

			if (level == maker->spoilt)
				entry = spoilt_entry(maker, entry, level);
			vector->word[slot] = word;
			vector->entry[slot] = bearable(maker, entry, level);
			vector->nr++;
		}
		page = known_page(page_of(vector->entry[slot]));
		if (level == 3 && vector->access == VMMU_ACCESS_FETCH &&
		    (vector->entry[slot] & ENTRY_PS))
			vector->va &= ~(0x1feULL << 21);
	}
}

/* Whether the offset in the page may be that of an entry. */
static bool meets_entry(const struct oracle_vector *vector)
{
	if (vector->va / 8 % 512 == 511)
		return true;
	for (__u32 i = 0; i < vector->nr; i++)
		if (vector->word[i] % 512 == vector->va / 8 % 512)
			return true;
	return false;
}

/*
 * A read or write may meet an entry of the walk; a fetch may not, it needs a
 * word that can be executed. The last word of a page may be the guest's.
 */
static void choose_offset(struct maker *maker)
{
	struct oracle_vector *vector = maker->vector;
	__u64 offset = vector->word[below(&maker->own, vector->nr)] % 512;

	if (vector->access == VMMU_ACCESS_FETCH) {
		while (meets_entry(vector))
			vector->va ^= (1 + below(&maker->own, 255)) * 8;
	} else if (chance(maker, 10) && offset != 511) {
		vector->va = (vector->va & ~0xfffULL) | offset * 8;
	}
}

static void spoil_address(struct maker *maker)
{
	__u32 used = 12 + 9 * maker->levels;
	__u64 noise = chance(maker, 25) ? ~0ULL : next(&maker->own);

	if (chance(maker, 50))
		noise = 1ULL << (used + below(&maker->own, 64 - used));
	noise |= 1ULL << (used + below(&maker->own, 64 - used));
	maker->vector->va ^= noise & ~0ULL << used;
}

void oracle_make_random(struct oracle_vector *vector, __u64 seed, __u64 number,
			__u32 levels, __u32 phys_bits)
{
	struct maker maker = {
		.vector = vector,
		.own = seed ^ number << 1,
		.shared = seed ^ (number / 4 << 1 | 1),
		.levels = levels,
		.phys_bits = phys_bits,
	};

	maker.own = next(&maker.own);
	maker.shared = next(&maker.shared);
	memset(vector, 0, sizeof(*vector));
	vector->written = 0x5a000000ULL << 32 | (number & 0x7fffffff) << 1;
	choose_address(&maker);
	choose_mode(&maker);
	choose_entries(&maker);
	choose_offset(&maker);
	if (chance(&maker, 3))
		spoil_address(&maker);
}
