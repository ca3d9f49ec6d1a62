/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program and the guest OS agree on: where programs lie, and their
 * system calls. A program puts a call's number into rax and its arguments into
 * rdi and rsi, and executes the instruction `syscall`; it finds the result in
 * rax. That is how Linux does it, too; but these calls never reach Linux.
 */
#ifndef CALLS_H
#define CALLS_H

/* Every program has the same addresses; that is what page tables are for. */
#define TEXT_START	0x10000
#define DATA_START	0x20000
#define NOTE_VA		0x20123		/* where each program leaves a note */
#define NOTE_BYTES	32
#define STACK_FLOOR	0x1f0000	/* no stack grows below */
#define STACK_END	0x200000

/* Small numbers: an errno is the negative of one of Linux's, for simplicity. */
#define CALL_EXIT	1	/* end; rdi: a status */
#define CALL_PRINT	2	/* show rsi bytes at rdi: 0, or -EFAULT */
#define CALL_WAIT	3	/* sleep until the guest OS wakes the program */
#define CALL_FORK	4	/* the child's number; 0 to the child */
#define CALL_NUMBER	5	/* the program's number */

#endif /* CALLS_H */
