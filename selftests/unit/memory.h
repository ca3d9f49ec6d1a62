/* SPDX-License-Identifier: GPL-2.0 */
/* Real memory for the pure code: an array, with a spy on what happens to it. */
#ifndef MEMORY_H
#define MEMORY_H

#include "word.h"

#define MEMORY_PAGES	64

/**
 * struct vmmu_realmap - what stands for a VM's real memory here
 * @words: its contents.
 * @loads: how many words were read.
 * @changes: how many words were changed.
 * @intruder: called before each compare-and-exchange, as another CPU might be.
 */
struct vmmu_realmap {
	u64 words[MEMORY_PAGES * VMMU_PAGE_BYTES / sizeof(u64)];
	unsigned int loads;
	unsigned int changes;
	void (*intruder)(struct vmmu_realmap *realmap);
};

/* The word at real address @ra, which is within real memory. */
u64 *memory_word(struct vmmu_realmap *realmap, u64 ra);

#endif /* MEMORY_H */
