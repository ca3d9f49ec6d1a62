/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's start, its way into an access and back, its own page tables.
 *
 * Booted by PVH: 32-bit protected mode, no paging. The guest is linked at the
 * top 2 GiB of the address space, which the last entry of every root table
 * maps, the tables under test included. So code, stacks, IDT, GDT and TSS are
 * there at any time, whatever a vector has in the other entries.
 */
#include "guest.h"

#define PHYS(symbol)	(symbol - GUEST_VIRTUAL)
#define TABLE		0x67	/* P W U A D */
#define SUPERVISOR_PAGE	0x63	/* P W A D */
#define GIB_PAGE	0xe3	/* P W A D PS */

	.section .note.pvh, "a", @note
	.long	4, 8, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(start32)

	.section .boot, "ax"
	.code32
	.globl	start32
start32:
	cli
	cld
	movl	$CR4_PAE, %eax
	movl	$PHYS(own_pml4), %ecx
	cmpl	$5, ORACLE_VECTORS + ORACLE_HEADER_LEVELS
	jne	1f
	orl	$CR4_LA57, %eax
	movl	$PHYS(own_pml5), %ecx
1:	movl	%eax, %cr4
	movl	%ecx, %cr3
	movl	$MSR_EFER, %ecx
	movl	$EFER_LME, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_BASE, %eax
	movl	%eax, %cr0
	lgdt	PHYS(gdt_low)
	ljmp	$SELECTOR_CODE, $PHYS(start64)

	.code64
start64:
	movl	$SELECTOR_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movq	$high, %rax
	jmp	*%rax
	.text
high:
	lgdt	gdt_high
	movq	$stack_end, %rsp
	call	main
1:	hlt
	jmp	1b

/*
 * void guest_access(const struct guest_access *access): go to access->rip with
 * the registers of the access, under its control registers, and come back by
 * the exception that follows, whose facts are in guest_trap then.
 *
 * The mode is set before the table, and put back after it. CR4.PGE is set for
 * the access only: clearing it drops global translations, loading CR3 all
 * others and the paging-structure caches.
 *
 * With KEEP_TLB, which is for trying whether such leftovers would be noticed,
 * the guest stays with the table and the mode until another one is needed.
 */
	.globl	guest_access
guest_access:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, saved_rsp
	movq	%cr3, %rax
	movq	%rax, saved_cr3
	movq	%cr4, %rax
	movq	%rax, saved_cr4
	movq	%rdi, %rbx

	movl	$MSR_EFER, %ecx
	movl	ACCESS_EFER(%rbx), %eax
	xorl	%edx, %edx
	wrmsr
	movq	ACCESS_CR4(%rbx), %rax
	movq	%rax, %cr4
	movq	ACCESS_CR0(%rbx), %rax
	movq	%rax, %cr0
	movq	ACCESS_CR3(%rbx), %rax
#ifdef KEEP_TLB
	movq	%cr3, %rcx
	cmpq	%rax, %rcx
	je	1f
#endif
	movq	%rax, %cr3
1:
	pushq	ACCESS_SS(%rbx)
	pushq	ACCESS_RSP(%rbx)
	pushq	ACCESS_RFLAGS(%rbx)
	pushq	ACCESS_CS(%rbx)
	pushq	ACCESS_RIP(%rbx)
	movq	ACCESS_VA(%rbx), %rdi
	movq	ACCESS_WRITTEN(%rbx), %rsi
	xorl	%eax, %eax
	iretq

/* The three accesses, for CPL 0 here and for CPL 3 in a page of their own. */
	.macro	accesses name
	.globl	\name\()_read, \name\()_write, \name\()_fetch
\name\()_read:
	movq	(%rdi), %rax
	int3
\name\()_write:
	movq	%rsi, (%rdi)
	int3
\name\()_fetch:
	jmp	*%rdi
	.endm

	accesses supervisor
	.section .user, "ax"
	.balign	ORACLE_PAGE
	.globl	user_page
user_page:
	accesses user
	.balign	ORACLE_PAGE
	.text

/* Exceptions: all on one stack (IST 1), each entry 16 bytes from the next. */
	.balign	16
	.globl	exceptions
exceptions:
	.set	number, 0
	.rept	32
	.balign	16
	.if	!(0x60227d00 >> number & 1)
	pushq	$0		/* no error code of its own */
	.endif
	pushq	$number
	jmp	exception
	.set	number, number + 1
	.endr

exception:
	movq	%rax, guest_trap + TRAP_RAX
	popq	guest_trap + TRAP_NUMBER
	popq	guest_trap + TRAP_ERROR_CODE
	popq	guest_trap + TRAP_RIP
	movq	%cr2, %rax
	movq	%rax, guest_trap + TRAP_CR2

#ifndef KEEP_TLB
	movq	saved_cr4, %rax
	movq	%rax, %cr4
	movl	$CR0_BASE, %eax
	movq	%rax, %cr0
	movq	saved_cr3, %rax
	movq	%rax, %cr3
#endif
	movl	$SELECTOR_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

	movq	saved_rsp, %rsp
	pushq	$RFLAGS_BASE
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.data
	.balign	8
saved_rsp:
	.quad	0
saved_cr3:
	.quad	0
saved_cr4:
	.quad	0
	.globl	gdt
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* code, CPL 0 */
	.quad	0x00cf93000000ffff	/* data, CPL 0 */
	.quad	0x00cff3000000ffff	/* data, CPL 3 */
	.quad	0x00affb000000ffff	/* code, CPL 3 */
	.quad	0, 0			/* TSS */
gdt_end:
gdt_high:
	.word	gdt_end - gdt - 1
	.quad	gdt
gdt_low:
	.word	gdt_end - gdt - 1
	.long	PHYS(gdt)

/*
 * The guest's own tables. RAM is mapped at GUEST_RAM, and the 2 MiB that the
 * guest is in once more at GUEST_VIRTUAL, by 4 KiB pages. Boot needs the first
 * GiB one to one, too.
 */
	.balign	ORACLE_PAGE
	.globl	own_pml5, own_pml4, own_pdpt, own_pt
own_pml5:
	.quad	PHYS(own_pml4) + TABLE
	.fill	510, 8, 0
	.quad	PHYS(own_pml4) + TABLE
own_pml4:
	.quad	PHYS(own_pdpt_low) + TABLE
	.fill	510, 8, 0
	.quad	PHYS(own_pdpt) + TABLE
own_pdpt_low:
	.quad	GIB_PAGE
	.fill	511, 8, 0
own_pdpt:
	.fill	508, 8, 0
	.quad	GIB_PAGE, (1 << 30) + GIB_PAGE
	.quad	PHYS(own_pd) + TABLE, 0
own_pd:
	.quad	PHYS(own_pt) + TABLE
	.fill	511, 8, 0
own_pt:
	.set	page, 0
	.rept	512
	.quad	page * ORACLE_PAGE + SUPERVISOR_PAGE
	.set	page, page + 1
	.endr

	.bss
	.balign	16
	.skip	16384
stack_end:
	.skip	4096
	.globl	exception_stack_end
exception_stack_end:
	.section .note.GNU-stack, "", @progbits
