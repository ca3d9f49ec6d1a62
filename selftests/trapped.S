/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Code of the tests of trapped stores that a compiler does not make.
 */

/*
 * Call the 32-bit instruction at compat_code: RDI and RAX are its EDI and EAX.
 * Runs in a copy below 4 GiB, whose second page is for its data and stack. The
 * jumps are no returns, since QEMU's emulator pops those as the kernel would.
 */
	.section .rodata
	.globl	compat_begin, compat_code, compat_end
	.balign	4096
compat_begin:
	push	%rbx
	mov	%rsp, compat_begin+4096(%rip)
	lea	compat_begin+8192(%rip), %rsp
	mov	$0x2b, %ecx			/* __USER_DS */
	mov	%ecx, %ds
	mov	%ecx, %es
	lea	compat_code(%rip), %rcx
	mov	%ecx, compat_begin+4104(%rip)
	movw	$0x23, compat_begin+4108(%rip)	/* __USER32_CS */
	ljmpl	*compat_begin+4104(%rip)
	.code32
compat_code:
	.fill	16, 1, 0x90
	call	2f
2:	pop	%ecx
	sub	$2b-compat_begin, %ecx
	lea	3f-compat_begin(%ecx), %edx
	mov	%edx, 4112(%ecx)
	movw	$0x33, 4116(%ecx)		/* __USER_CS */
	ljmpl	*4112(%ecx)
	.code64
3:	mov	compat_begin+4096(%rip), %rsp
	pop	%rbx
	ret
compat_end:

/* Stores to where RDI points, beginning with RSI; a stop before and after. */
	.text
	.globl	stores, store_1, store_2, store_3, store_4, stores_end
stores:
	int3
store_1:
	mov	%rsi, (%rdi)
store_2:
	lock incq (%rdi)
store_3:
	xchg	%rsi, (%rdi)
store_4:
	xor	%rsi, (%rdi)
stores_end:
	int3
	hlt

/* Likewise, with the trap flag set. */
	.globl	flagged, flagged_1, flagged_2, flagged_3, flagged_4
flagged:
	pushfq
	orq	$0x100, (%rsp)
	popfq
	mov	%rsi, (%rdi)
flagged_1:
	lock incq (%rdi)
flagged_2:
	pushfq
flagged_3:
	andq	$~0x100, (%rsp)
flagged_4:
	popfq
	ret
	.section .note.GNU-stack, "", @progbits
