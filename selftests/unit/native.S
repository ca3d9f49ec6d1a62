/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load all registers, execute the instruction at native_code, and store them
 * again, in the order of struct pt_regs. Runs in a copy, with its data, which is
 * a page of its own: an emulator has to look at code again that shares its page
 * with what is written.
 */
	.section .rodata
	.globl	native_begin, native_code, native_regs, native_end
	.balign	4096
native_begin:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, native_stack(%rip)
	push	native_flags(%rip)
	popfq
	mov	native_regs+0*8(%rip), %r15
	mov	native_regs+1*8(%rip), %r14
	mov	native_regs+2*8(%rip), %r13
	mov	native_regs+3*8(%rip), %r12
	mov	native_regs+4*8(%rip), %rbp
	mov	native_regs+5*8(%rip), %rbx
	mov	native_regs+6*8(%rip), %r11
	mov	native_regs+7*8(%rip), %r10
	mov	native_regs+8*8(%rip), %r9
	mov	native_regs+9*8(%rip), %r8
	mov	native_regs+10*8(%rip), %rax
	mov	native_regs+11*8(%rip), %rcx
	mov	native_regs+12*8(%rip), %rdx
	mov	native_regs+13*8(%rip), %rsi
	mov	native_regs+14*8(%rip), %rdi
	mov	native_regs+19*8(%rip), %rsp
native_code:
	.fill	32, 1, 0x90
	mov	%rsp, native_regs+19*8(%rip)
	mov	native_stack(%rip), %rsp
	pushfq
	pop	native_flags(%rip)
	mov	%r15, native_regs+0*8(%rip)
	mov	%r14, native_regs+1*8(%rip)
	mov	%r13, native_regs+2*8(%rip)
	mov	%r12, native_regs+3*8(%rip)
	mov	%rbp, native_regs+4*8(%rip)
	mov	%rbx, native_regs+5*8(%rip)
	mov	%r11, native_regs+6*8(%rip)
	mov	%r10, native_regs+7*8(%rip)
	mov	%r9, native_regs+8*8(%rip)
	mov	%r8, native_regs+9*8(%rip)
	mov	%rax, native_regs+10*8(%rip)
	mov	%rcx, native_regs+11*8(%rip)
	mov	%rdx, native_regs+12*8(%rip)
	mov	%rsi, native_regs+13*8(%rip)
	mov	%rdi, native_regs+14*8(%rip)
	cld
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.balign	4096
native_stack:
	.quad	0
native_regs:
	.fill	18, 8, 0
native_flags:
	.fill	3, 8, 0
native_end:
	.section .note.GNU-stack, "", @progbits
