/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trapped stores: a small decoder of the instructions that compilers and
 * kernels use on page-table entries, and what they do. Pure: no memory is
 * touched but the caller's. Whatever is not known here is no mistake, since the
 * caller has another way to have an instruction executed.
 *
 * Decoded, of 4 and of 8 bytes: mov from a register or an immediate, movnti;
 * xchg, cmpxchg, xadd; and, or, xor, add, sub, inc, dec; bts, btr, btc. With
 * every addressing mode and prefix that does not make another instruction of
 * it (Intel SDM volume 2, chapter 2 and appendix A).
 */
#ifndef VMMU_STORE_H
#define VMMU_STORE_H

#include "types.h"

/* An instruction is no longer than this (SDM volume 2, 2.3.11). */
#define VMMU_STORE_CODE	15

/*
 * Registers in memory, in the order of struct pt_regs, which is the same for the
 * kernel and for its users.
 */
struct vmmu_regs {
	u64 slot[21];
};

enum vmmu_store_kind {
	VMMU_STORE_MOV,
	VMMU_STORE_XCHG,
	VMMU_STORE_CMPXCHG,
	VMMU_STORE_XADD,
	VMMU_STORE_ADD,
	VMMU_STORE_OR,
	VMMU_STORE_AND,
	VMMU_STORE_SUB,
	VMMU_STORE_XOR,
	VMMU_STORE_INC,
	VMMU_STORE_DEC,
	VMMU_STORE_BTS,
	VMMU_STORE_BTR,
	VMMU_STORE_BTC,
};

enum vmmu_store_segment {
	VMMU_STORE_FLAT,	/* a base of zero */
	VMMU_STORE_FS,
	VMMU_STORE_GS,
};

/**
 * struct vmmu_store - an instruction that stores
 * @address: where to, without the segment's base.
 * @operand: its other operand: from a register, or an immediate.
 * @kind: enum vmmu_store_kind.
 * @bytes: 4 or 8.
 * @length: bytes of code.
 * @segment: enum vmmu_store_segment.
 * @reg: the register that gets the old value, by xchg and xadd.
 */
struct vmmu_store {
	u64 address;
	u64 operand;
	u8 kind;
	u8 bytes;
	u8 length;
	u8 segment;
	u8 reg;
};

/**
 * struct vmmu_store_effect - what it does
 * @value: what it stores; of 4 bytes, if that is its size.
 * @result: what the register @reg holds afterwards.
 * @flags: the arithmetic flags afterwards, with all others as they were.
 * @reg: the register that changes; VMMU_STORE_NO_REG: none does.
 */
struct vmmu_store_effect {
	u64 value;
	u64 result;
	u64 flags;
	u8 reg;
};

#define VMMU_STORE_NO_REG	0xff

/*
 * Decode the instruction in the first of @nr bytes of 64-bit code, which @regs
 * is about to execute. False: it is none of those above, or is longer than @nr.
 */
bool vmmu_store_decode(struct vmmu_store *store, const u8 *code, unsigned int nr,
		       const struct vmmu_regs *regs);

/* What it does where @old is. */
void vmmu_store_perform(const struct vmmu_store *store,
			const struct vmmu_regs *regs, u64 old,
			struct vmmu_store_effect *effect);

/* It has done that: registers, flags and the instruction pointer follow. */
void vmmu_store_finish(const struct vmmu_store *store,
		       const struct vmmu_store_effect *effect,
		       struct vmmu_regs *regs);

#endif /* VMMU_STORE_H */
