// SPDX-License-Identifier: GPL-2.0
/*
 * Known differences between vmmu and QEMU's emulation (7.2), after the Intel
 * Software Developer's Manual, volume 3A, chapter 4. Each is a change of what
 * vmmu's answer lets expect, in force under its condition only, and there
 * always. directed.c has vectors that show each; one that a newer QEMU no
 * longer shows is not in force.
 */
#include "compare.h"

static bool is_page_fault(const struct oracle_vector *vector)
{
	return vector->exception == 14;
}

/* Set A in the entries of the levels down to @last; whether any lacked it. */
static bool mark(const struct oracle_vector *vector, __u32 level, __u32 last,
		 struct oracle_outcome *expected)
{
	bool changed = false;

	for (; level >= last; level--) {
		__u64 *entry = &expected->after[vector->slot[level]];

		changed |= !(*entry & ENTRY_A);
		*entry |= ENTRY_A;
	}
	return changed;
}

static bool reserved_without_p(const struct oracle_header *header,
			       const struct oracle_vector *vector,
			       const struct oracle_answer *answer,
			       struct oracle_outcome *expected)
{
	if (!answer->fault || answer->reason != VMMU_REASON_RESERVED)
		return false;
	/* Exchanged, so that vmmu is wrong if it does the same. */
	expected->error_code ^= VMMU_PF_P;
	return true;
}

static bool shows_reserved_without_p(const struct oracle_vector *vector)
{
	return is_page_fault(vector) && (vector->error_code & VMMU_PF_RSVD) &&
	       !(vector->error_code & VMMU_PF_P);
}

static bool accessed_above_fault(const struct oracle_header *header,
				 const struct oracle_vector *vector,
				 const struct oracle_answer *answer,
				 struct oracle_outcome *expected)
{
	return answer->fault && mark(vector, header->levels,
				     answer->last_level + 1, expected);
}

/* Every entry was without A; the root's has it now. */
static bool shows_accessed_above_fault(const struct oracle_vector *vector)
{
	return is_page_fault(vector) && (vector->after[0] & ENTRY_A);
}

/*
 * A 1 GiB page that is refused: for a right, or for address bits below its
 * size. QEMU checks other reserved bits before it sets A.
 */
static bool accessed_gib_page(const struct oracle_header *header,
			      const struct oracle_vector *vector,
			      const struct oracle_answer *answer,
			      struct oracle_outcome *expected)
{
	__u64 entry = vector->entry[vector->slot[3]];
	__u64 reserved = ENTRY_ADDRESS & ~0ULL << header->phys_bits;

	if (!(vector->mode & VMMU_MODE_NXE))
		reserved |= ENTRY_NX;
	if (!answer->fault || answer->last_level != 3 ||
	    answer->reason == VMMU_REASON_NOT_PRESENT ||
	    !(entry & ENTRY_PS) || (entry & reserved))
		return false;
	return mark(vector, 3, 3, expected);
}

static bool shows_accessed_gib_page(const struct oracle_vector *vector)
{
	return is_page_fault(vector) &&
	       (vector->after[vector->slot[3]] & ENTRY_A);
}

static bool table_beyond_ram(const struct oracle_header *header,
			     const struct oracle_vector *vector,
			     const struct oracle_answer *answer,
			     struct oracle_outcome *expected)
{
	__u32 fetch_bits = vector->mode & (VMMU_MODE_NXE | VMMU_MODE_SMEP);

	if (answer->reason != VMMU_REASON_TABLE_BEYOND_REAL)
		return false;
	expected->exception = 14;
	expected->cr2 = vector->va;
	expected->error_code = vector->user ? VMMU_PF_U : 0;
	if (vector->access == VMMU_ACCESS_WRITE)
		expected->error_code |= VMMU_PF_W;
	if (vector->access == VMMU_ACCESS_FETCH && fetch_bits)
		expected->error_code |= VMMU_PF_I;
	mark(vector, header->levels, answer->last_level + 1, expected);
	return true;
}

static bool shows_table_beyond_ram(const struct oracle_vector *vector)
{
	return is_page_fault(vector) &&
	       !(vector->error_code & (VMMU_PF_P | VMMU_PF_RSVD));
}

/* The walk alone has no end of real memory; the call has. */
static bool page_beyond_ram(const struct oracle_header *header,
			    const struct oracle_vector *vector,
			    const struct oracle_answer *answer,
			    struct oracle_outcome *expected)
{
	if (answer->reason != VMMU_REASON_BEYOND_REAL)
		return false;
	mark(vector, header->levels, answer->last_level, expected);
	if (vector->access == VMMU_ACCESS_WRITE)
		expected->after[vector->slot[answer->last_level]] |= ENTRY_D;
	return true;
}

static bool shows_page_beyond_ram(const struct oracle_vector *vector)
{
	return vector->exception == 3;
}

const struct oracle_known oracle_known[NR_KNOWN] = {
	[KNOWN_RESERVED_WITHOUT_P] = {
		"reserved-without-P",
		"QEMU clears P in the error code of a reserved-bit fault; 4.7: P is 0 only for an entry that is not present",
		shows_reserved_without_p, reserved_without_p,
	},
	[KNOWN_ACCESSED_ABOVE_FAULT] = {
		"accessed-above-fault",
		"QEMU sets A on its way down, also if the access then faults, as 4.8 has it; vmmu marks granted accesses only",
		shows_accessed_above_fault, accessed_above_fault,
	},
	[KNOWN_ACCESSED_GIB_PAGE] = {
		"accessed-1GiB-page",
		"QEMU sets A in a 1 GiB page's entry before it refuses the access; as above",
		shows_accessed_gib_page, accessed_gib_page,
	},
	[KNOWN_TABLE_BEYOND_RAM] = {
		"table-beyond-RAM",
		"QEMU reads a table beyond RAM as zeroes; vmmu has an answer of its own for it, TABLE_BEYOND_REAL",
		shows_table_beyond_ram, table_beyond_ram,
	},
	[KNOWN_PAGE_BEYOND_RAM] = {
		"page-beyond-RAM",
		"a processor makes the access, to nothing, and marks it; vmmu's call answers BEYOND_REAL and marks nothing",
		shows_page_beyond_ram, page_beyond_ram,
	},
};
