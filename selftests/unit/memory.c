// SPDX-License-Identifier: GPL-2.0
#include "memory.h"

u64 *memory_word(struct vmmu_realmap *realmap, u64 ra)
{
	return &realmap->words[ra / sizeof(u64)];
}

bool vmmu_word_load(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		    u64 *value)
{
	if (vmmu_ra_index(ra) >= MEMORY_PAGES)
		return false;
	realmap->loads++;
	*value = *memory_word(realmap, ra.value);
	return true;
}

bool vmmu_word_load_near(struct vmmu_realmap *realmap,
			 struct vmmu_realmap_near *near, struct vmmu_ra ra,
			 u64 *value)
{
	return vmmu_word_load(realmap, ra, value);
}

const u64 *vmmu_word_page(struct vmmu_realmap *realmap, struct vmmu_ra ra)
{
	if (vmmu_ra_index(ra) >= MEMORY_PAGES)
		return NULL;
	return memory_word(realmap, vmmu_ra_page(ra).value);
}

bool vmmu_word_cmpxchg(struct vmmu_realmap *realmap, struct vmmu_ra ra,
		       u64 old, u64 new)
{
	u64 *word = memory_word(realmap, ra.value);

	if (realmap->intruder)
		realmap->intruder(realmap);
	if (*word != old)
		return false;
	*word = new;
	realmap->changes++;
	return true;
}
