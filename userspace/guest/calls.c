// SPDX-License-Identifier: GPL-2.0
/*
 * System calls.
 *
 * The program has executed the instruction `syscall`: the number is in rax
 * (Linux keeps it as orig_rax), arguments are in rdi and rsi, and the result
 * goes to rax. What a number means is said in programs/calls.h, and nothing of
 * it is Linux's: a program that tries a call of Linux gets -ENOSYS.
 *
 * An address among the arguments is the program's, and may be a bad one. The
 * guest OS reads there as the program itself would, through its page table
 * and by a user's rights (VMMU_IOC_READ), and what is missing comes by a page
 * fault as well.
 */
#include <errno.h>
#include <string.h>

#include "guest.h"

/* Read the program's memory; -EFAULT where it could not. */
static int copy_from_program(struct program *program, uint64_t va, char *text,
			     size_t bytes)
{
	struct vmmu_memory memory;
	int err = 0;

	while (bytes && !err) {
		struct trap trap = {
			.kind = TRAP_FAULT,
			.access = VMMU_ACCESS_READ,
		};

		err = vmmu_read(program->space, va, text, bytes,
				VMMU_TRANSLATE_USER | VMMU_TRANSLATE_SET_AD,
				&memory);
		va += memory.done;
		text += memory.done;
		bytes -= memory.done;
		if (err != -ENXIO)
			continue;
		trap.va = va;
		trap.why = memory.result;
		err = fault_serve(program, &trap);
	}
	return err;
}

/* Show a text; what is too long is cut off. */
static long call_print(struct program *program, uint64_t va, uint64_t bytes)
{
	char text[sizeof(program->said)] = "";
	int err;

	if (bytes > sizeof(text) - 1)
		bytes = sizeof(text) - 1;
	err = copy_from_program(program, va, text, bytes);
	if (!err)
		memcpy(program->said, text, sizeof(text));
	return err;
}

static long call_fork(struct program *program)
{
	struct program *child;
	int err = program_fork(program, &child);

	return err ? err : (long)child->number;
}

/* An error means that the guest OS itself cannot go on. */
int call_handle(struct program *program)
{
	struct user_regs_struct *regs = &program->cpu.regs;
	long result = 0;

	switch (regs->orig_rax) {
	case CALL_EXIT:
		return program_exit(program, regs->rdi);
	case CALL_PRINT:
		result = call_print(program, regs->rdi, regs->rsi);
		break;
	case CALL_WAIT:
		program->state = PROGRAM_WAITING;
		break;
	case CALL_FORK:
		result = call_fork(program);
		break;
	case CALL_NUMBER:
		result = program->number;
		break;
	default:
		/* Linux has put -ENOSYS there before it asked. */
		return 0;
	}
	regs->rax = result;
	return 0;
}
