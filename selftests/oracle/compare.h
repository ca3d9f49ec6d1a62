/* SPDX-License-Identifier: GPL-2.0 */
/* What vmmu answers for a vector, held against what the processor did. */
#ifndef ORACLE_COMPARE_H
#define ORACLE_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "vectors.h"

/**
 * struct oracle_answer - vmmu's answer for a vector
 * @reason: enum vmmu_reason; NONE: the access is granted.
 * @fault: whether it is a page fault.
 * @error_code: of a page fault.
 * @last_level: level of the entry that the walk ended at.
 * @ra: where the access goes, for NONE and BEYOND_REAL.
 * @after: the vector's entries afterwards.
 * @elsewhere: number of other words that were changed.
 */
struct oracle_answer {
	enum vmmu_reason reason;
	bool fault;
	__u32 error_code;
	__u32 last_level;
	__u64 ra;
	__u64 after[ORACLE_MAX_LEVELS];
	__u32 elsewhere;
};

/**
 * struct oracle_outcome - what is to be seen of an access
 * @exception: as in &struct oracle_vector; 0: vmmu can't tell.
 * @error_code: what it pushes.
 * @cr2: the address that a page fault tells.
 * @any_got: a read from beyond RAM may read anything.
 * @got: what a read reads.
 * @where: as in &struct oracle_vector.
 * @after: the vector's entries afterwards.
 */
struct oracle_outcome {
	__u32 exception;
	__u64 error_code;
	__u64 cr2;
	bool any_got;
	__u64 got;
	__u32 where;
	__u64 after[ORACLE_MAX_LEVELS];
};

/**
 * struct oracle_known - a known difference between the emulator and vmmu
 * @name: one word.
 * @why: who is right, and by what.
 * @shown: whether a vector that was made to show it does. Asks vmmu nothing.
 * @apply: change what vmmu lets expect to what the emulator does. Returns
 *	false, and changes nothing, where the condition does not hold.
 */
struct oracle_known {
	const char *name;
	const char *why;
	bool (*shown)(const struct oracle_vector *vector);
	bool (*apply)(const struct oracle_header *header,
		      const struct oracle_vector *vector,
		      const struct oracle_answer *answer,
		      struct oracle_outcome *expected);
};

extern const struct oracle_known oracle_known[NR_KNOWN];

/* Whether @ra is in the arena, and then its word. */
bool oracle_ra_word(__u64 ra, __u32 *word);

/*
 * Compare; header->known is in force, wherever its conditions hold. Returns
 * whether the answer is right; *@known is the set that came to bear.
 */
bool oracle_compare(const struct oracle_header *header,
		    const struct oracle_vector *vector,
		    const struct oracle_answer *answer, __u32 *known);

/* Print a vector in full, with both answers, each line after @prefix. */
void oracle_print(FILE *file, const char *prefix,
		  const struct oracle_header *header, __u32 index,
		  const struct oracle_vector *vector,
		  const struct oracle_answer *answer);

#endif /* ORACLE_COMPARE_H */
