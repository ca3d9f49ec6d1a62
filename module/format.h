/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page-table format: numbers, and a few small functions. Everything that
 * differs between architectures is here; walks, installs and translations
 * know no bit of any entry. Pure code: compiles in userspace, too.
 */
#ifndef VMMU_FORMAT_H
#define VMMU_FORMAT_H

#include <linux/vmmu.h>

#include "addr.h"

#define VMMU_MAX_LEVELS		5

enum vmmu_entry_kind {
	VMMU_ENTRY_ABSENT,	/* not present */
	VMMU_ENTRY_RESERVED,	/* present, with a reserved bit set */
	VMMU_ENTRY_TABLE,	/* refers to a table of the next level */
	VMMU_ENTRY_PAGE,	/* maps a page */
};

/**
 * struct vmmu_entry - what an entry refers to
 * @ra: TABLE and PAGE: the table or the page.
 * @page_shift: PAGE: log2 of the bytes that it maps.
 */
struct vmmu_entry {
	struct vmmu_ra ra;
	u8 page_shift;
};

/**
 * struct vmmu_access_kind - an access that a page table is asked about
 * @access: enum vmmu_access.
 * @user: a user access, not a supervisor's.
 */
struct vmmu_access_kind {
	u32 access;
	bool user;
};

/**
 * struct vmmu_format - a page-table format
 * @name: as users see it.
 * @id: enum vmmu_format_id.
 * @levels: number of levels; the last one is level 1.
 * @va_bits: width of a virtual address.
 * @index_bits: log2 of the entries of a table, the same at each level.
 * @sign_extended: addresses above va_bits repeat the highest bit; otherwise
 *	they are zero.
 * @min_ra_bits: least value of a mode's maxphyaddr.
 * @max_ra_bits: greatest value of a mode's maxphyaddr.
 * @mode_bits: VMMU_MODE_* that it knows.
 * @denials: bits of an entry that take a right away when they are set; all
 *	others give one, if they have to do with rights at all. A walk gathers
 *	the AND of (entry ^ denials) over the levels: the grants.
 * @marks: bits that @mark may change.
 * @table_test: see @table_is.
 * @table_is: an entry above level 1 whose bits under @table_test are these, and
 *	that has no reserved bit, is a TABLE, as @decode would tell.
 * @page_test: see @page_is.
 * @page_is: likewise, an entry of level 1 is a PAGE.
 * @address: of these two, where the table or page is.
 * @marked: an entry that has these bits is what @mark would make of it, by
 *	whether it is to be dirty; all bits: @mark has to be asked.
 * @reserved: bits that must be zero in a present entry of any level.
 * @decode: tell an entry of a level, given the reserved bits of the mode;
 *	*out is set for TABLE and PAGE.
 * @rights: VMMU_RIGHT_* for the grants of a walk, or of one entry.
 * @allows: given grants and the last entry, which accesses may be made by a user,
 *	or a supervisor: a bit each, by enum vmmu_access.
 * @judge: likewise, given rights, say which rule forbids the access
 *	(VMMU_REASON_NONE: none does) and, in *pkey, whether a protection key
 *	does.
 * @error_code: the error code for a fault of this kind: not present,
 *	reserved, or (any other reason) a right that is missing.
 * @mark: the entry with Accessed and, where asked, Dirty set.
 */
struct vmmu_format {
	const char *name;
	u32 id;
	u8 levels;
	u8 va_bits;
	u8 index_bits;
	bool sign_extended;
	u8 min_ra_bits;
	u8 max_ra_bits;
	u64 mode_bits;
	u64 denials;
	u64 marks;
	u64 table_test, table_is;
	u64 page_test, page_is;
	u64 address;
	u64 marked[2];

	u64 (*reserved)(const struct vmmu_mode *mode);
	enum vmmu_entry_kind (*decode)(u64 value, unsigned int level,
				       u64 reserved, struct vmmu_entry *out);
	u8 (*rights)(u64 grants);
	u8 (*allows)(u64 grants, u64 leaf, const struct vmmu_mode *mode,
		     bool user);
	enum vmmu_reason (*judge)(u8 rights, u64 leaf,
				  const struct vmmu_mode *mode,
				  struct vmmu_access_kind access, bool *pkey);
	u32 (*error_code)(enum vmmu_reason reason, bool pkey,
			  const struct vmmu_mode *mode,
			  struct vmmu_access_kind access);
	u64 (*mark)(u64 value, bool dirty);
};

/* The format with this id, or NULL. */
const struct vmmu_format *vmmu_format_find(u32 id);

/* Bit (1 << id) for every format. */
u64 vmmu_format_all(void);

extern const struct vmmu_format vmmu_format_x86_64_4level;
extern const struct vmmu_format vmmu_format_x86_64_5level;

/* log2 of the bytes that one entry of @level covers. */
static inline unsigned int vmmu_format_shift(const struct vmmu_format *format,
					     unsigned int level)
{
	return VMMU_PAGE_SHIFT + format->index_bits * (level - 1);
}

/* Where in a table at @table the entry for @va is, at @level. */
static inline struct vmmu_ra
vmmu_format_entry_ra(const struct vmmu_format *format, struct vmmu_ra table,
		     struct vmmu_va va, unsigned int level)
{
	u64 index = (va.value >> vmmu_format_shift(format, level)) &
		    (BIT_ULL(format->index_bits) - 1);

	return vmmu_ra_add(table, index * sizeof(u64));
}

/*
 * Tell what an entry is: most are tables or pages without reserved bits, which
 * takes no call.
 */
static inline enum vmmu_entry_kind
vmmu_format_decode(const struct vmmu_format *format, u64 value,
		   unsigned int level, u64 reserved, struct vmmu_entry *out)
{
	bool table = level > 1;
	u64 test = table ? format->table_test : format->page_test;
	u64 is = table ? format->table_is : format->page_is;

	if (unlikely((value & (test | reserved)) != is))
		return format->decode(value, level, reserved, out);
	out->ra = vmmu_ra(value & format->address);
	out->page_shift = VMMU_PAGE_SHIFT;
	return table ? VMMU_ENTRY_TABLE : VMMU_ENTRY_PAGE;
}

/* The entry with Accessed and, where asked, Dirty set. */
static inline u64 vmmu_format_mark(const struct vmmu_format *format, u64 value,
				   bool dirty)
{
	u64 marked = format->marked[dirty];

	return (value & marked) == marked ? value : format->mark(value, dirty);
}

static inline bool vmmu_format_canonical(const struct vmmu_format *format,
					 struct vmmu_va va)
{
	unsigned int unused = 64 - format->va_bits;
	u64 extended = va.value << unused;

	if (format->sign_extended)
		extended = (__s64)extended >> unused;
	else
		extended >>= unused;
	return extended == va.value;
}

/*
 * Where a scan upwards that has come to @va goes on: at the next address that
 * is canonical; 0: there is none.
 */
static inline u64 vmmu_format_skip_hole(const struct vmmu_format *format,
					u64 va)
{
	if (vmmu_format_canonical(format, vmmu_va(va)))
		return va;
	return format->sign_extended ? ~0ULL << (format->va_bits - 1) : 0;
}

/* The highest canonical address. */
static inline u64 vmmu_format_last(const struct vmmu_format *format)
{
	return format->sign_extended ? ~0ULL : BIT_ULL(format->va_bits) - 1;
}

#endif /* VMMU_FORMAT_H */
