/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest and the programs on the host agree on: where things are in
 * the guest's RAM, and the form of a vector.
 *
 *	1 MiB		the guest: code, stack, tables of its own
 *	16 MiB		a struct oracle_header, then its vectors
 *	1 GiB		the arena: 4 MiB, all that tables under test refer to
 *
 * An arena that starts at a multiple of 1 GiB has pages of each size at its
 * first address. Above it there is no RAM, and no device below 2 GiB. RAM is
 * a sparse file, so the gap costs nothing.
 *
 * Each word of the arena that is no entry of the present vector tells its own
 * place, to a read as to a fetch: it is the instructions
 *
 *	b8 <number of the word, 32 bits>	mov $number, %eax
 *	cc					int3
 *
 * and as an entry it is not present.
 */
#ifndef ORACLE_LAYOUT_H
#define ORACLE_LAYOUT_H

#ifdef __ASSEMBLER__
#define ORACLE_U64(n)		n
#else
#include <linux/types.h>
#define ORACLE_U64(n)		n##ULL
#endif

#define ORACLE_PAGE		4096
#define ORACLE_GUEST		ORACLE_U64(0x00100000)
#define ORACLE_VECTORS		ORACLE_U64(0x01000000)
#define ORACLE_ARENA		ORACLE_U64(0x40000000)
#define ORACLE_ARENA_PAGES	1024
#define ORACLE_ARENA_WORDS	(ORACLE_ARENA_PAGES * 512)
#define ORACLE_RAM		(ORACLE_ARENA + ORACLE_ARENA_PAGES * ORACLE_PAGE)

/* Offset of struct oracle_header.levels, for the assembler. */
#define ORACLE_HEADER_LEVELS	8

#define ORACLE_MAGIC		ORACLE_U64(0x31656c6361726f76)

/*
 * Root tables are among these pages of the arena. The last entry of each
 * refers to the guest's own code and stack, and is never a vector's.
 */
#define ORACLE_FIRST_ROOT	8
#define ORACLE_LAST_ROOT	15

/* Vectors between two looks at the words that no vector's entry is in. */
#define ORACLE_SWEEP		64

#ifndef __ASSEMBLER__

#define ORACLE_MAX_LEVELS	5
#define ORACLE_NOWHERE		(~0U)

/**
 * struct oracle_header - what one run of the guest is about
 * @magic: ORACLE_MAGIC.
 * @levels: 4 or 5.
 * @phys_bits: MAXPHYADDR.
 * @count: number of vectors behind this structure.
 * @first: number of the first vector, in the order of the seed.
 * @seed: what they were made from.
 * @directed: 1: made by hand, to show known differences.
 * @done: out: vectors that were run.
 * @cpu_phys_bits: out: what CPUID tells.
 * @panic: out: line of guest.c where the guest gave up, 0 if it did not.
 * @sweeps: out: looks at the words that no vector's entry is in.
 * @spoilt: out: words that such a look found changed.
 * @spoilt_word: out: the first of them, a number in the arena.
 * @spoilt_after: out: vectors that had been run when it was found.
 * @known: known differences that this emulator shows, a bit each.
 */
struct oracle_header {
	__u64 magic;
	__u32 levels;
	__u32 phys_bits;
	__u32 count;
	__u32 directed;
	__u64 first;
	__u64 seed;
	__u32 done;
	__u32 cpu_phys_bits;
	__u32 panic;
	__u32 sweeps;
	__u32 spoilt;
	__u32 spoilt_word;
	__u32 spoilt_after;
	__u32 known;
};

/**
 * struct oracle_vector - an access, and what came of it
 * @va: the address, a multiple of 8.
 * @entry: entries to store, the root's first.
 * @word: where, as numbers of words in the arena.
 * @nr: how many. Fewer than levels where tables are shared between levels.
 * @slot: by level: the element of @entry that the level's word is.
 * @root: page of the root table, a number in the arena.
 * @pkru: the PKRU register.
 * @mode: VMMU_MODE_*.
 * @access: enum vmmu_access.
 * @user: 1: at CPL 3.
 * @shows: known differences that it was made to show, a bit each.
 * @written: what a write writes.
 * @after: out: the words at @word after the access.
 * @cr2: out: CR2 after a page fault.
 * @got: out: what a read gave.
 * @where: out: the word, a number in the arena, that was executed or written;
 *	ORACLE_NOWHERE: none.
 * @exception: out: 3: the access was made, 14: page fault, 13: general
 *	protection.
 * @error_code: out: what the exception pushed.
 */
struct oracle_vector {
	__u64 va;
	__u64 entry[ORACLE_MAX_LEVELS];
	__u32 word[ORACLE_MAX_LEVELS];
	__u32 nr;
	__u8 slot[8];
	__u32 root;
	__u32 pkru;
	__u32 mode;
	__u8 access;
	__u8 user;
	__u16 shows;
	__u64 written;

	__u64 after[ORACLE_MAX_LEVELS];
	__u64 cr2;
	__u64 got;
	__u32 where;
	__u32 exception;
	__u64 error_code;
};

#define ORACLE_NR_PAGES		20

/* Pages of the arena that tables and 4 KiB pages are taken from. */
static const __u16 oracle_pages[ORACLE_NR_PAGES] = {
	0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 255, 256, 510, 511,
	512, 513, 1022, 1023,
};

static inline __u64 oracle_word_ra(__u32 word)
{
	return ORACLE_ARENA + word * 8ULL;
}

/* What a word holds that is no entry. */
static inline __u64 oracle_background(__u32 word)
{
	return 0xb8 | (__u64)word << 8 | 0xccULL << 40;
}

/* Whether a word is the guest's own entry in a root table. */
static inline int oracle_word_is_guests(__u32 word)
{
	return word % 512 == 511 && word / 512 >= ORACLE_FIRST_ROOT &&
	       word / 512 <= ORACLE_LAST_ROOT;
}

#endif /* !__ASSEMBLER__ */

#endif /* ORACLE_LAYOUT_H */
