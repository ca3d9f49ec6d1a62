// SPDX-License-Identifier: GPL-2.0
/*
 * The guest: makes the access of each vector for real, on the tables of that
 * vector, and notes what came of it. It judges nothing.
 */
#include <stddef.h>

#include "guest.h"
#include <linux/vmmu.h>

#define DEBUG_EXIT	0xf4	/* port of QEMU's isa-debug-exit */

struct guest_trap guest_trap;

/* The task-state segment of 64-bit mode: for the exceptions' stack. */
static struct {
	__u32 reserved0;
	__u64 rsp[3];
	__u64 reserved1;
	__u64 ist[7];
	__u64 reserved2;
	__u16 reserved3;
	__u16 io_map;
} __attribute__((packed)) tss;

static __u64 idt[32][2];

#define CHECK_OFFSET(type, member, offset)				\
	_Static_assert(offsetof(struct type, member) == (offset), #member)

CHECK_OFFSET(guest_access, cr3, ACCESS_CR3);
CHECK_OFFSET(guest_access, cr4, ACCESS_CR4);
CHECK_OFFSET(guest_access, efer, ACCESS_EFER);
CHECK_OFFSET(guest_access, rip, ACCESS_RIP);
CHECK_OFFSET(guest_access, ss, ACCESS_SS);
CHECK_OFFSET(guest_access, written, ACCESS_WRITTEN);
CHECK_OFFSET(guest_trap, rip, TRAP_RIP);
CHECK_OFFSET(guest_trap, rax, TRAP_RAX);
CHECK_OFFSET(oracle_header, levels, ORACLE_HEADER_LEVELS);

static struct oracle_header *const header =
	(void *)(GUEST_RAM + ORACLE_VECTORS);
static volatile __u64 *const arena = (void *)(GUEST_RAM + ORACLE_ARENA);

static inline __u64 physical(const void *symbol)
{
	return (__u64)symbol - GUEST_VIRTUAL;
}

static inline __u64 read_cr4(void)
{
	__u64 value;

	asm volatile("mov %%cr4, %0" : "=r" (value));
	return value;
}

static inline void write_cr4(__u64 value)
{
	asm volatile("mov %0, %%cr4" : : "r" (value) : "memory");
}

static void set_pkru(__u32 value)
{
#ifdef KEEP_TLB
	static __u32 present;

	if (value == present)
		return;
	present = value;
	write_cr4(read_cr4() | CR4_PKE);
#endif
	asm volatile("wrpkru" : : "a" (value), "c" (0), "d" (0) : "memory");
}

static void cpuid(__u32 leaf, __u32 *a, __u32 *b, __u32 *c, __u32 *d)
{
	asm volatile("cpuid" : "=a" (*a), "=b" (*b), "=c" (*c), "=d" (*d)
			     : "a" (leaf), "c" (0));
}

static void __attribute__((noreturn)) leave(__u32 panic)
{
	header->panic = panic;
	for (;;)
		asm volatile("outb %0, %1" : : "a" ((char)1),
			     "d" ((__u16)DEBUG_EXIT) : "memory");
}

#define REQUIRE(condition) do {						\
	if (!(condition))						\
		leave(__LINE__);					\
} while (0)

static __u64 background(__u32 word)
{
	if (!oracle_word_is_guests(word))
		return oracle_background(word);
	/* P W U A D: a walk through it changes nothing. */
	return physical(header->levels == 5 ? own_pml4 : own_pdpt) | 0x67;
}

static void set_gate(unsigned int vector)
{
	__u64 address = (__u64)exceptions + 16 * vector;
	__u64 type = vector == 3 ? 0xee : 0x8e;	/* int3 from CPL 3, too */

	idt[vector][0] = (address & 0xffff) | (__u64)SELECTOR_CODE << 16 |
			 1ULL << 32 | type << 40 |
			 (address >> 16 & 0xffff) << 48;
	idt[vector][1] = address >> 32;
}

static void set_up_descriptors(void)
{
	struct {
		__u16 limit;
		__u64 base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (__u64)idt };
	__u64 base = (__u64)&tss;

	for (unsigned int i = 0; i < 32; i++)
		set_gate(i);
	asm volatile("lidt %0" : : "m" (idtr));

	tss.ist[0] = (__u64)exception_stack_end;
	tss.io_map = sizeof(tss);
	gdt[SELECTOR_TSS / 8] = (sizeof(tss) - 1) |
				(base & 0xffffff) << 16 | 0x89ULL << 40 |
				(base >> 24 & 0xff) << 56;
	gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
	asm volatile("ltr %w0" : : "r" (SELECTOR_TSS));
}

/* Everything that the vectors use, or give up. */
static void set_up(void)
{
	__u32 a, b, c, d;
	__u64 page = physical(user_page);

	REQUIRE(header->magic == ORACLE_MAGIC);
	set_up_descriptors();
	cpuid(7, &a, &b, &c, &d);
	REQUIRE((b >> 7 & 1) && (b >> 20 & 1));		/* SMEP, SMAP */
	REQUIRE(c >> 3 & 1);				/* PKU */
	REQUIRE(header->levels == 4 || (c >> 16 & 1));	/* LA57 */
	cpuid(0x80000001, &a, &b, &c, &d);
	REQUIRE((d >> 20 & 1) && (d >> 26 & 1));	/* NX, 1 GiB pages */
	cpuid(0x80000008, &a, &b, &c, &d);
	header->cpu_phys_bits = a & 0xff;

	own_pt[page / ORACLE_PAGE] = page | 0x25;	/* P U A */
	write_cr4(read_cr4() | CR4_PKE);		/* for wrpkru */
	for (__u32 word = 0; word < ORACLE_ARENA_WORDS; word++)
		arena[word] = background(word);
}

static const char *code_of(const struct oracle_vector *vector)
{
	switch (vector->access) {
	case VMMU_ACCESS_READ:
		return vector->user ? user_read : supervisor_read;
	case VMMU_ACCESS_WRITE:
		return vector->user ? user_write : supervisor_write;
	default:
		return vector->user ? user_fetch : supervisor_fetch;
	}
}

static void make_access(const struct oracle_vector *vector)
{
	__u32 mode = vector->mode;
	struct guest_access access = {
		.cr0 = CR0_BASE | (mode & VMMU_MODE_WP ? CR0_WP : 0),
		.cr3 = ORACLE_ARENA + vector->root * ORACLE_PAGE,
		.cr4 = CR4_PAE | CR4_PGE |
		       (header->levels == 5 ? CR4_LA57 : 0) |
		       (mode & VMMU_MODE_SMEP ? CR4_SMEP : 0) |
		       (mode & VMMU_MODE_SMAP ? CR4_SMAP : 0) |
		       (mode & VMMU_MODE_PKE ? CR4_PKE : 0),
		.efer = EFER_LME | (mode & VMMU_MODE_NXE ? EFER_NXE : 0),
		.rip = (__u64)code_of(vector),
		.cs = vector->user ? SELECTOR_USER_CODE : SELECTOR_CODE,
		.ss = vector->user ? SELECTOR_USER_DATA : SELECTOR_DATA,
		.rflags = RFLAGS_BASE | (mode & VMMU_MODE_AC ? RFLAGS_AC : 0),
		.va = vector->va,
		.written = vector->written,
	};

	set_pkru(vector->pkru);
	guest_access(&access);
}

/*
 * The word in which a write is found. Only the low bits of the address tell
 * where to look: in the pages that entries refer to, and where the offset in
 * a large page leads.
 */
static __u32 find_written(const struct oracle_vector *vector)
{
	__u32 in_page = vector->va / 8 % 512;
	__u32 in_large = vector->va / ORACLE_PAGE % 512;
	__u32 word;

	for (unsigned int i = 0; i < ORACLE_NR_PAGES; i++) {
		word = oracle_pages[i] * 512 + in_page;
		if (arena[word] == vector->written)
			return word;
	}
	for (word = in_large * 512 + in_page; word < ORACLE_ARENA_WORDS;
	     word += 512 * 512)
		if (arena[word] == vector->written)
			return word;
	return ORACLE_NOWHERE;
}

/* A root table's last entry is going to change: be on another table. */
static void leave_root(void)
{
#ifdef KEEP_TLB
	__u64 own = physical(header->levels == 5 ? own_pml5 : own_pml4);

	asm volatile("mov %0, %%cr3" : : "r" (own) : "memory");
#endif
}

static void run_vector(struct oracle_vector *vector)
{
	for (__u32 i = 0; i < vector->nr; i++) {
		REQUIRE(vector->word[i] < ORACLE_ARENA_WORDS);
		REQUIRE(vector->word[i] != vector->root * 512 + 511);
		if (oracle_word_is_guests(vector->word[i]))
			leave_root();
		arena[vector->word[i]] = vector->entry[i];
	}
	make_access(vector);

	vector->exception = guest_trap.number;
	vector->error_code = guest_trap.error_code;
	vector->cr2 = guest_trap.number == 14 ? guest_trap.cr2 : 0;
	vector->got = guest_trap.rax;
	vector->where = ORACLE_NOWHERE;
	if (vector->access == VMMU_ACCESS_FETCH && guest_trap.number == 3)
		vector->where = guest_trap.rax;
	if (vector->access == VMMU_ACCESS_WRITE)
		vector->where = find_written(vector);

	for (__u32 i = 0; i < vector->nr; i++)
		vector->after[i] = arena[vector->word[i]];
	for (__u32 i = 0; i < vector->nr; i++)
		arena[vector->word[i]] = background(vector->word[i]);
	if (vector->access == VMMU_ACCESS_WRITE &&
	    vector->where != ORACLE_NOWHERE)
		arena[vector->where] = background(vector->where);
}

/* See that a page has changed nowhere but where vectors said; put it right. */
static void sweep_page(__u32 page)
{
	for (__u32 word = page * 512; word < (page + 1) * 512; word++) {
		if (arena[word] == background(word))
			continue;
		if (!header->spoilt++) {
			header->spoilt_word = word;
			header->spoilt_after = header->done;
		}
		arena[word] = background(word);
	}
}

static void sweep(void)
{
	for (unsigned int i = 0; i < ORACLE_NR_PAGES; i++)
		sweep_page(oracle_pages[i]);
	header->sweeps++;
}

void main(void)
{
	struct oracle_vector *vectors = (void *)(header + 1);

	set_up();
	for (__u32 i = 0; i < header->count; i++) {
		run_vector(&vectors[i]);
		header->done++;
		if (header->done % ORACLE_SWEEP == 0)
			sweep();
	}
	sweep();
	for (__u32 page = 0; page < ORACLE_ARENA_PAGES; page++)
		sweep_page(page);
	leave(0);
}
