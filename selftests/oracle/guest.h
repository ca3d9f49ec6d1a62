/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest's assembler and C share. Offsets are checked in guest.c. */
#ifndef ORACLE_GUEST_H
#define ORACLE_GUEST_H

#include "layout.h"

#define GUEST_RAM		0xffffffff00000000
#define GUEST_VIRTUAL		0xffffffff80000000

#define SELECTOR_CODE		0x08
#define SELECTOR_DATA		0x10
#define SELECTOR_USER_DATA	0x1b
#define SELECTOR_USER_CODE	0x23
#define SELECTOR_TSS		0x28

#define CR0_BASE		0x80000011	/* PG ET PE */
#define CR0_WP			0x00010000
#define CR4_PAE			0x00000020
#define CR4_PGE			0x00000080
#define CR4_LA57		0x00001000
#define CR4_SMEP		0x00100000
#define CR4_SMAP		0x00200000
#define CR4_PKE			0x00400000
#define MSR_EFER		0xc0000080
#define EFER_LME		0x00000100
#define EFER_NXE		0x00000800
#define RFLAGS_BASE		0x00000002
#define RFLAGS_AC		0x00040000

#define ACCESS_CR0		0
#define ACCESS_CR3		8
#define ACCESS_CR4		16
#define ACCESS_EFER		24
#define ACCESS_RIP		32
#define ACCESS_CS		40
#define ACCESS_RFLAGS		48
#define ACCESS_RSP		56
#define ACCESS_SS		64
#define ACCESS_VA		72
#define ACCESS_WRITTEN		80

#define TRAP_NUMBER		0
#define TRAP_ERROR_CODE		8
#define TRAP_RIP		16
#define TRAP_CR2		24
#define TRAP_RAX		32

#ifndef __ASSEMBLER__

struct guest_access {
	__u64 cr0, cr3, cr4, efer;
	__u64 rip, cs, rflags, rsp, ss;
	__u64 va, written;
};

struct guest_trap {
	__u64 number, error_code, rip, cr2, rax;
};

/* In guest.S: its tables and places in its code. */
extern const char user_page[], exceptions[], exception_stack_end[];
extern const char supervisor_read[], supervisor_write[], supervisor_fetch[];
extern const char user_read[], user_write[], user_fetch[];
extern __u64 gdt[], own_pml5[], own_pml4[], own_pdpt[], own_pt[];

/* In guest.S. What the access ended with is in guest_trap afterwards. */
void guest_access(const struct guest_access *access);

/* In guest.c. */
extern struct guest_trap guest_trap;
void main(void);

#endif /* !__ASSEMBLER__ */

#endif /* ORACLE_GUEST_H */
