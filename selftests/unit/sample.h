/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random instructions that store, of each form that the decoder of trapped
 * stores knows, with registers by which they store where they are to.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "native.h"

#define ARITHMETIC	0x8d5ULL
#define CARRY		0x001ULL
#define ZERO		0x040ULL

#define LOCKABLE	0x1	/* a lock prefix may be there */
#define PLAIN		0x2	/* prefixes 0x66, 0xf2 and 0xf3 may not */
#define OFFSET		0x4	/* there is no ModRM, but the address */

/**
 * struct form - a form of an instruction
 * @name: as an assembler has it
 * @kind: what it is to be decoded as
 * @opcode: one byte, or two that begin with 0x0f
 * @extension: in ModRM; -1: a register is there
 * @immediate: bytes of it
 * @flags: LOCKABLE, PLAIN, OFFSET
 */
struct form {
	const char *name;
	int kind;
	unsigned int opcode;
	int extension;
	unsigned int immediate;
	unsigned int flags;
};

#define NR_FORMS	30

extern const struct form forms[NR_FORMS];

/**
 * struct samples - how samples are made
 * @random: the state of the dice, not zero
 * @ip: where they are to be executed
 * @memory: where they store to, @bytes from there on
 * @fs_base, @gs_base: of segments; zero: it is not used
 * @stack: rsp points there, unless the address is made of it; zero: anywhere
 * @strict: prefixes that do not count are ignored, as the manual has it
 */
struct samples {
	u64 random, ip, memory;
	unsigned int bytes;
	u64 fs_base, gs_base, stack;
	bool strict;
};

/**
 * struct sample - an instruction that was made up
 * @form: its form
 * @code: its code, of @length bytes
 * @bytes: it stores so many
 * @segment: enum vmmu_store_segment
 * @lock, @address32: it has these prefixes
 * @made_of: the registers that the address is made of, by bits
 * @regs: registers, with which it stores to @target
 */
struct sample {
	const struct form *form;
	u8 code[NATIVE_CODE];
	unsigned int length, bytes, segment, made_of;
	bool lock, address32;
	struct vmmu_regs regs;
	u64 target;
};

u64 dice64(struct samples *s);
unsigned int dice(struct samples *s, unsigned int sides);

/* Of all magnitudes, and now and then at the edge of one. */
u64 random_value(struct samples *s);

/* Make one up, with a lock prefix or without; false: it came out too long. */
bool make_sample(struct samples *s, const struct form *form, bool lock,
		 struct sample *sample);

/* The flags that the manual defines after an instruction of this kind. */
u64 defined_flags(int kind);

#endif /* SAMPLE_H */
