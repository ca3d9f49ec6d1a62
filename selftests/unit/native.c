// SPDX-License-Identifier: GPL-2.0
/*
 * One instruction with given registers: see native.h.
 */
#include <string.h>
#include <sys/mman.h>

#include "native.h"

extern const unsigned char native_begin[], native_code[], native_regs[],
			   native_end[];

#define COPY_BYTES	8192

bool native_make(struct native *native)
{
	u8 *run = mmap(NULL, COPY_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (run == MAP_FAILED)
		return false;
	memcpy(run, native_begin, native_end - native_begin);
	native->run = run;
	native->code = run + (native_code - native_begin);
	native->regs = (void *)(run + (native_regs - native_begin));
	return true;
}

void native_drop(struct native *native)
{
	munmap(native->run, COPY_BYTES);
}

void native_run(struct native *native, const u8 *code, unsigned int length,
		struct vmmu_regs *regs)
{
	/* jmp over bytes of which each is a trap or no instruction. */
	static const u8 after[] = {
		0xeb, 0x06, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
	};
	u8 *end = native->code + length;

	memset(native->code, 0x90, NATIVE_CODE);
	memcpy(native->code, code, length);
	memcpy(end, after, sizeof(after));
	*native->regs = *regs;
	((void (*)(void))native->run)();
	*regs = *native->regs;
}
