/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest of kvm_guest.c runs. RDI points to the first of RCX pages, RSI
 * to its entry, RDX is the entry to install there, R8 how much the next page's
 * is more. RAX sums up what is loaded. Each routine ends in hlt, which KVM
 * passes on. The code is copied, and may refer to nothing but itself.
 */

/* Apply each operation to a page, then to the next. */
	.macro each operations:vararg
	mov	%rdi, %rbx
	mov	%rcx, %rbp
.Leach\@:
	.irp	operation, \operations
	\operation
	.endr
	add	$4096, %rbx
	dec	%rbp
	jnz	.Leach\@
	.endm

	.macro install
	mov	%rdx, (%rsi)
	add	$8, %rsi
	add	%r8, %rdx
	.endm

	.macro flush
	invlpg	(%rbx)
	.endm

/* Also brings shadow tables in step. */
	.macro flush_all
	mov	%cr3, %rbx
	mov	%rbx, %cr3
	.endm

	.macro load
	add	(%rbx), %rax
	.endm

	.macro write
	mov	%rbx, (%rbx)
	.endm

	.section .rodata
	.globl	kvm_code, kvm_code_end
kvm_code:

	.globl	kvm_nothing
kvm_nothing:
	hlt

	.globl	kvm_install_use
kvm_install_use:
	each	install, load
	hlt

	.globl	kvm_install_use_batch
kvm_install_use_batch:
	each	install
	each	load
	hlt

	.globl	kvm_remap
kvm_remap:
	each	install, flush, load
	hlt

	.globl	kvm_remap_batch
kvm_remap_batch:
	each	install
	flush_all
	each	load
	hlt

	.globl	kvm_unmap
kvm_unmap:
	each	install, flush
	hlt

	.globl	kvm_write
kvm_write:
	each	write
	hlt

	.globl	kvm_switch
kvm_switch:
	flush_all
	hlt
kvm_code_end:

	.section .note.GNU-stack, "", @progbits
