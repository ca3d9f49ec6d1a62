// SPDX-License-Identifier: GPL-2.0
/*
 * x86-64 page tables, 4-level and 5-level paging, after the Intel Software
 * Developer's Manual, volume 3A, chapter 4: entries in tables 4-14 to 4-19,
 * access rights in 4.6, error codes in 4.7. Pure code: compiles in userspace,
 * too.
 *
 *   63  62..59  58..52   51..12            11..9  8 7  6 5 4   3   2 1 0
 *   XD    key   ignored  address, reserved   -    G PS D A PCD PWT U W P
 *               from MAXPHYADDR up; in a
 *               large page reserved below
 *               its size, but for PAT (12)
 */
#include "format.h"

#define P	BIT_ULL(0)
#define W	BIT_ULL(1)
#define U	BIT_ULL(2)
#define A	BIT_ULL(5)
#define D	BIT_ULL(6)
#define PS	BIT_ULL(7)
#define XD	BIT_ULL(63)

#define ADDRESS		GENMASK_ULL(51, 12)
#define PAT_LARGE	BIT_ULL(12)
#define KEY_SHIFT	59
#define KEY_MASK	0xf

static u64 reserved(const struct vmmu_mode *mode)
{
	u64 bits = (~0ULL << mode->maxphyaddr) & ADDRESS;

	return mode->bits & VMMU_MODE_NXE ? bits : bits | XD;
}

/* A large page: its address is aligned, but for the PAT bit in between. */
static enum vmmu_entry_kind decode_large(u64 value, unsigned int level,
					 u64 reserved, struct vmmu_entry *out)
{
	unsigned int shift = VMMU_PAGE_SHIFT + 9 * (level - 1);
	u64 address = ADDRESS & (~0ULL << shift);

	if (level > 3)
		return VMMU_ENTRY_RESERVED;
	if (value & (reserved | (ADDRESS & ~address & ~PAT_LARGE)))
		return VMMU_ENTRY_RESERVED;
	out->ra = vmmu_ra(value & address);
	out->page_shift = shift;
	return VMMU_ENTRY_PAGE;
}

static enum vmmu_entry_kind decode(u64 value, unsigned int level, u64 reserved,
				   struct vmmu_entry *out)
{
	if (!(value & P))
		return VMMU_ENTRY_ABSENT;
	if (level > 1 && (value & PS))
		return decode_large(value, level, reserved, out);
	if (value & reserved)
		return VMMU_ENTRY_RESERVED;
	out->ra = vmmu_ra(value & ADDRESS);
	out->page_shift = VMMU_PAGE_SHIFT;
	return level > 1 ? VMMU_ENTRY_TABLE : VMMU_ENTRY_PAGE;
}

static u8 rights(u64 grants)
{
	return VMMU_RIGHT_READ |
	       (grants & W ? VMMU_RIGHT_WRITE : 0) |
	       (grants & U ? VMMU_RIGHT_USER : 0) |
	       (grants & XD ? VMMU_RIGHT_EXEC : 0);
}

/*
 * Protection keys (4.6.2) govern data accesses to user pages. CR0.WP decides
 * whether a supervisor's write heeds the write-disable bit.
 */
static bool key_forbids(u8 rights, u64 leaf, const struct vmmu_mode *mode,
			struct vmmu_access_kind access)
{
	u32 bits = mode->pkru >> (2 * ((leaf >> KEY_SHIFT) & KEY_MASK));

	if (!(mode->bits & VMMU_MODE_PKE) || !(rights & VMMU_RIGHT_USER) ||
	    access.access == VMMU_ACCESS_FETCH)
		return false;
	if (bits & 1)
		return true;
	return (bits & 2) && access.access == VMMU_ACCESS_WRITE &&
	       (access.user || (mode->bits & VMMU_MODE_WP));
}

static enum vmmu_reason judge(u8 rights, u64 leaf, const struct vmmu_mode *mode,
			      struct vmmu_access_kind access, bool *pkey)
{
	bool fetch = access.access == VMMU_ACCESS_FETCH;
	bool write = access.access == VMMU_ACCESS_WRITE;
	u64 bits = mode->bits;

	*pkey = key_forbids(rights, leaf, mode, access);

	if (access.user && !(rights & VMMU_RIGHT_USER))
		return VMMU_REASON_USER;
	if (!access.user && (rights & VMMU_RIGHT_USER)) {
		if (fetch && (bits & VMMU_MODE_SMEP))
			return VMMU_REASON_SMEP;
		if (!fetch && (bits & VMMU_MODE_SMAP) && !(bits & VMMU_MODE_AC))
			return VMMU_REASON_SMAP;
	}
	if (write && !(rights & VMMU_RIGHT_WRITE) &&
	    (access.user || (bits & VMMU_MODE_WP)))
		return VMMU_REASON_WRITE;
	if (fetch && !(rights & VMMU_RIGHT_EXEC))
		return VMMU_REASON_NX;
	return *pkey ? VMMU_REASON_PKEY : VMMU_REASON_NONE;
}

/* What judge() says of each access, at once; see there for the rules. */
static u8 allows(u64 grants, u64 leaf, const struct vmmu_mode *mode, bool user)
{
	const u8 read = BIT(VMMU_ACCESS_READ), write = BIT(VMMU_ACCESS_WRITE);
	const u8 fetch = BIT(VMMU_ACCESS_FETCH);
	u64 bits = mode->bits;
	u8 may = read | write | fetch;

	if (!(grants & U)) {
		if (user)
			return 0;
	} else {
		u32 key = mode->pkru >> (2 * ((leaf >> KEY_SHIFT) & KEY_MASK));

		if (!user && (bits & VMMU_MODE_SMEP))
			may &= ~fetch;
		if (!user && (bits & (VMMU_MODE_SMAP | VMMU_MODE_AC)) ==
			     VMMU_MODE_SMAP)
			may &= fetch;
		if ((bits & VMMU_MODE_PKE) && (key & 1))
			may &= fetch;
		if ((bits & VMMU_MODE_PKE) && (key & 2) &&
		    (user || (bits & VMMU_MODE_WP)))
			may &= ~write;
	}
	if (!(grants & W) && (user || (bits & VMMU_MODE_WP)))
		may &= ~write;
	if (!(grants & XD))
		may &= ~fetch;
	return may;
}

/* Error codes (4.7). The I bit exists only under NXE or SMEP. */
static u32 error_code(enum vmmu_reason reason, bool pkey,
		      const struct vmmu_mode *mode,
		      struct vmmu_access_kind access)
{
	u32 code = 0;

	if (access.access == VMMU_ACCESS_WRITE)
		code |= VMMU_PF_W;
	if (access.user)
		code |= VMMU_PF_U;
	if (access.access == VMMU_ACCESS_FETCH &&
	    (mode->bits & (VMMU_MODE_NXE | VMMU_MODE_SMEP)))
		code |= VMMU_PF_I;
	if (reason == VMMU_REASON_NOT_PRESENT)
		return code;
	if (reason == VMMU_REASON_RESERVED)
		return code | VMMU_PF_P | VMMU_PF_RSVD;
	return code | VMMU_PF_P | (pkey ? VMMU_PF_PK : 0);
}

static u64 mark(u64 value, bool dirty)
{
	return value | A | (dirty ? D : 0);
}

#define X86_64(nr_levels, address_bits)					\
	.levels = nr_levels,						\
	.va_bits = address_bits,					\
	.index_bits = 9,						\
	.sign_extended = true,						\
	.min_ra_bits = 32,						\
	.max_ra_bits = 52,						\
	.mode_bits = VMMU_MODE_WP | VMMU_MODE_NXE | VMMU_MODE_SMEP |	\
		     VMMU_MODE_SMAP | VMMU_MODE_AC | VMMU_MODE_PKE |	\
		     VMMU_MODE_CPL3,					\
	.denials = XD,							\
	.marks = A | D,							\
	.table_test = P | PS,						\
	.table_is = P,							\
	.page_test = P,							\
	.page_is = P,							\
	.address = ADDRESS,						\
	.marked = { A, A | D },						\
	.reserved = reserved,						\
	.decode = decode,						\
	.rights = rights,						\
	.allows = allows,						\
	.judge = judge,							\
	.error_code = error_code,					\
	.mark = mark

const struct vmmu_format vmmu_format_x86_64_4level = {
	.name = "x86-64-4level",
	.id = VMMU_FORMAT_X86_64_4LEVEL,
	X86_64(4, 48),
};

const struct vmmu_format vmmu_format_x86_64_5level = {
	.name = "x86-64-5level",
	.id = VMMU_FORMAT_X86_64_5LEVEL,
	X86_64(5, 57),
};
