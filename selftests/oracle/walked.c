// SPDX-License-Identifier: GPL-2.0
/*
 * vmmu's answer by its walk, built in userspace. Real memory is no more than
 * the words of one vector, and what the others hold.
 */
#include <string.h>

#include "walk.h"
#include "walked.h"

/**
 * struct vmmu_realmap - real memory as a vector leaves it
 * @vector: the vector.
 * @value: its words.
 * @elsewhere: attempts to change another word.
 */
struct vmmu_realmap {
	const struct oracle_vector *vector;
	__u64 value[ORACLE_MAX_LEVELS];
	__u32 elsewhere;
};

static __u64 *find(struct vmmu_realmap *realmap, struct vmmu_ra ra)
{
	for (__u32 i = 0; i < realmap->vector->nr; i++)
		if (oracle_word_ra(realmap->vector->word[i]) == ra.value)
			return &realmap->value[i];
	return NULL;
}

bool vmmu_word_load(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		    u64 *value)
{
	__u64 *found = find(realmap, ra);
	__u32 word;

	if (ra.value >= ORACLE_RAM)
		return false;
	*value = 0;
	if (found)
		*value = *found;
	else if (oracle_ra_word(ra.value, &word))
		*value = oracle_background(word);
	return true;
}

bool vmmu_word_load_near(struct vmmu_realmap *realmap,
			 struct vmmu_realmap_near *near, struct vmmu_ra ra,
			 u64 *value)
{
	return vmmu_word_load(realmap, ra, value);
}

/* Each word is found by itself: no walk of a vector goes on to its neighbours. */
const u64 *vmmu_word_page(struct vmmu_realmap *realmap, struct vmmu_ra ra)
{
	return NULL;
}

bool vmmu_word_cmpxchg(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		       u64 old, u64 new)
{
	__u64 *found = find(realmap, ra);

	if (!found) {
		realmap->elsewhere++;
		return true;
	}
	if (*found != old)
		return false;
	*found = new;
	return true;
}

void oracle_walk(const struct oracle_header *header,
		 const struct oracle_vector *vector,
		 struct oracle_answer *answer)
{
	struct vmmu_access_kind access = { vector->access, vector->user };
	struct vmmu_mode mode = {
		.bits = vector->mode,
		.pkru = vector->pkru,
		.maxphyaddr = header->phys_bits,
	};
	struct vmmu_realmap realmap = { .vector = vector };
	bool write = vector->access == VMMU_ACCESS_WRITE;
	struct vmmu_verdict verdict;
	struct vmmu_walk walk;

	memcpy(realmap.value, vector->entry, sizeof(realmap.value));
	vmmu_walk_init(&walk, &realmap,
		       header->levels == 5 ? &vmmu_format_x86_64_5level :
					     &vmmu_format_x86_64_4level,
		       vmmu_ra(oracle_page_ra(vector->root)), &mode);
	/* An entry that serves at several levels is marked in several tries. */
	for (unsigned int try = 0; try < 2 * ORACLE_MAX_LEVELS; try++) {
		vmmu_walk_start(&walk, vmmu_va(vector->va));
		vmmu_walk_down(&walk);
		verdict = vmmu_walk_judge(&walk, access);
		if (verdict.reason || vmmu_walk_mark(&walk, write))
			break;
	}

	*answer = (struct oracle_answer){
		.reason = verdict.reason,
		.fault = verdict.fault,
		.error_code = verdict.error_code,
		.last_level = walk.level,
		.ra = verdict.reason ? 0 : vmmu_walk_ra(&walk).value,
		.elsewhere = realmap.elsewhere,
	};
	memcpy(answer->after, realmap.value, sizeof(answer->after));
}
