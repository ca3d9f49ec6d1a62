/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The code of the last page, see enter.c: make the system calls of the list to
 * which rbx points, each a number and six arguments, until one fails, or unmaps
 * this code.
 */
	.section .rodata
	.globl	enter_code, enter_code_end
enter_code:
	mov	0(%rbx), %rax
	mov	8(%rbx), %rdi
	mov	16(%rbx), %rsi
	mov	24(%rbx), %rdx
	mov	32(%rbx), %r10
	mov	40(%rbx), %r8
	mov	48(%rbx), %r9
	add	$56, %rbx
	syscall
	cmp	$-4095, %rax		/* Above are the negative errnos. */
	jb	enter_code
	int3
enter_code_end:

	.section .note.GNU-stack, "", @progbits
