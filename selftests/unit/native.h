/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One instruction, executed by the processor with given registers and flags:
 * see native.S.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include "store_regs.h"

/* Room for code, of which what makes the end known needs a part. */
#define NATIVE_CODE	32

/**
 * struct native - where it is executed
 * @run: the copy, where 32 bits suffice for an address
 * @code: where the instruction goes
 * @regs: in the copy
 */
struct native {
	u8 *run;
	u8 *code;
	struct vmmu_regs *regs;
};

/* False: there is no memory. */
bool native_make(struct native *native);
void native_drop(struct native *native);

/*
 * Execute code of @length bytes with these registers, of which the instruction
 * pointer is none; @regs are those afterwards. The process gets SIGILL or SIGTRAP
 * if it goes on anywhere but behind the code.
 */
void native_run(struct native *native, const u8 *code, unsigned int length,
		struct vmmu_regs *regs);

#endif /* NATIVE_H */
