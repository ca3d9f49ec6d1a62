/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the registers are, for the two halves of the decoder.
 */
#ifndef VMMU_STORE_REGS_H
#define VMMU_STORE_REGS_H

#include "store.h"

#define SLOT_IP		16
#define SLOT_FLAGS	18

/* Numbers as instructions have them. */
#define REG_AX		0
#define REG_SP		4
#define REG_BP		5

static inline unsigned int slot_of(unsigned int reg)
{
	/* ax cx dx bx sp bp si di r8 to r15 */
	static const u8 slots[16] = {
		10, 11, 12, 5, 19, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0,
	};

	return slots[reg];
}

static inline u64 reg_value(const struct vmmu_regs *regs, unsigned int reg)
{
	return regs->slot[slot_of(reg)];
}

#endif /* VMMU_STORE_REGS_H */
