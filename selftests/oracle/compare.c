// SPDX-License-Identifier: GPL-2.0
/* From vmmu's answer follows what is to be seen; it is, or it is not. */
#include <string.h>

#include "compare.h"

bool oracle_ra_word(__u64 ra, __u32 *word)
{
	if (ra < ORACLE_ARENA || ra >= ORACLE_RAM)
		return false;
	*word = (ra - ORACLE_ARENA) / 8;
	return true;
}

/* An access that is made, once A and D are as vmmu says. */
static void expect_access(const struct oracle_vector *vector,
			  const struct oracle_answer *answer,
			  struct oracle_outcome *expected)
{
	__u32 word, i;

	expected->exception = 3;
	if (!oracle_ra_word(answer->ra, &word)) {
		expected->any_got = true;
		return;
	}
	if (vector->access != VMMU_ACCESS_READ)
		expected->where = word;
	expected->got = oracle_background(word);
	for (i = 0; i < vector->nr; i++) {
		if (vector->word[i] != word)
			continue;
		expected->got = answer->after[i];
		if (vector->access == VMMU_ACCESS_WRITE)
			expected->after[i] = vector->written;
	}
}

static void expect(const struct oracle_vector *vector,
		   const struct oracle_answer *answer,
		   struct oracle_outcome *expected)
{
	memset(expected, 0, sizeof(*expected));
	expected->where = ORACLE_NOWHERE;
	memcpy(expected->after, answer->after, sizeof(expected->after));
	if (answer->fault) {
		expected->exception = 14;
		expected->error_code = answer->error_code;
		expected->cr2 = vector->va;
	} else if (answer->reason == VMMU_REASON_NONCANONICAL) {
		expected->exception = 13;
	} else if (answer->reason == VMMU_REASON_NONE ||
		   answer->reason == VMMU_REASON_BEYOND_REAL) {
		expect_access(vector, answer, expected);
	}
}

static bool is_seen(const struct oracle_vector *vector,
		    const struct oracle_outcome *expected)
{
	if (vector->exception != expected->exception ||
	    vector->error_code != expected->error_code ||
	    vector->cr2 != expected->cr2 ||
	    vector->where != expected->where)
		return false;
	if (vector->exception == 3 && vector->access == VMMU_ACCESS_READ &&
	    !expected->any_got && vector->got != expected->got)
		return false;
	return !memcmp(vector->after, expected->after,
		       vector->nr * sizeof(vector->after[0]));
}

/* vmmu's own rule: what it does not grant it does not mark. */
static bool marks_what_it_refuses(const struct oracle_vector *vector,
				  const struct oracle_answer *answer)
{
	return answer->reason != VMMU_REASON_NONE &&
	       memcmp(vector->entry, answer->after,
		      vector->nr * sizeof(answer->after[0]));
}

bool oracle_compare(const struct oracle_header *header,
		    const struct oracle_vector *vector,
		    const struct oracle_answer *answer, __u32 *known)
{
	struct oracle_outcome expected;

	*known = 0;
	if (answer->elsewhere || marks_what_it_refuses(vector, answer))
		return false;
	expect(vector, answer, &expected);
	for (__u32 i = 0; i < NR_KNOWN; i++)
		if ((header->known >> i & 1) &&
		    oracle_known[i].apply(header, vector, answer, &expected))
			*known |= 1U << i;
	return is_seen(vector, &expected);
}
