// SPDX-License-Identifier: GPL-2.0
/* Entries, rights and error codes of the x86-64 formats. */
#include "kselftest_harness.h"

#include "format.h"

#define P	(1ULL << 0)
#define W	(1ULL << 1)
#define U	(1ULL << 2)
#define PS	(1ULL << 7)
#define XD	(1ULL << 63)

static const struct vmmu_format *const four = &vmmu_format_x86_64_4level;
static const struct vmmu_format *const five = &vmmu_format_x86_64_5level;

static enum vmmu_entry_kind decode(u64 value, unsigned int level, u64 bits,
				   u32 maxphyaddr, struct vmmu_entry *entry)
{
	struct vmmu_mode mode = { .bits = bits, .maxphyaddr = maxphyaddr };

	return four->decode(value, level, four->reserved(&mode), entry);
}

static enum vmmu_entry_kind kind(u64 value, unsigned int level, u64 bits,
				 u32 maxphyaddr)
{
	struct vmmu_entry entry;

	return decode(value, level, bits, maxphyaddr, &entry);
}

TEST(list)
{
	EXPECT_EQ(four, vmmu_format_find(VMMU_FORMAT_X86_64_4LEVEL));
	EXPECT_EQ(five, vmmu_format_find(VMMU_FORMAT_X86_64_5LEVEL));
	EXPECT_EQ(NULL, vmmu_format_find(0));
	EXPECT_EQ(NULL, vmmu_format_find(77));
	EXPECT_EQ(6, vmmu_format_all());
}

TEST(canonical)
{
	EXPECT_TRUE(vmmu_format_canonical(four, vmmu_va(0x7fffffffffff)));
	EXPECT_FALSE(vmmu_format_canonical(four, vmmu_va(0x800000000000)));
	EXPECT_FALSE(vmmu_format_canonical(four, vmmu_va(0xffff7fffffffffff)));
	EXPECT_TRUE(vmmu_format_canonical(four, vmmu_va(0xffff800000000000)));
	EXPECT_TRUE(vmmu_format_canonical(five, vmmu_va(0x800000000000)));
	EXPECT_TRUE(vmmu_format_canonical(five, vmmu_va(0xffffffffffffff)));
	EXPECT_FALSE(vmmu_format_canonical(five, vmmu_va(0x100000000000000)));
	EXPECT_TRUE(vmmu_format_canonical(five, vmmu_va(0xff00000000000000)));
}

/* What the data say of an entry is what the function says. */
static void expect_same(struct __test_metadata *_metadata,
			const struct vmmu_format *format, u64 value,
			unsigned int level, u64 reserved)
{
	struct vmmu_entry by_data = { }, by_function = { };
	enum vmmu_entry_kind kind =
		format->decode(value, level, reserved, &by_function);

	ASSERT_EQ(kind, vmmu_format_decode(format, value, level, reserved,
					   &by_data))
		TH_LOG("level %u of %s, entry %#llx", level, format->name,
		       (unsigned long long)value);
	ASSERT_EQ(by_function.ra.value, by_data.ra.value);
	ASSERT_EQ(by_function.page_shift, by_data.page_shift);
	for (int dirty = 0; dirty < 2; dirty++)
		ASSERT_EQ(format->mark(value, dirty),
			  vmmu_format_mark(format, value, dirty));
}

/* What allows() says of all accesses is what judge() says of each. */
TEST(allows)
{
	const u64 grants[] = { 0, W, U, W | U };

	for (unsigned int i = 0; i < 1 << 7; i++) {
		struct vmmu_mode mode = { .bits = i, .maxphyaddr = 46 };

		for (unsigned int k = 0; k < 8 * 4 * 2; k++) {
			u64 grant = grants[k % 4] | (k & 4 ? XD : 0);
			u64 leaf = grant | (k & 8 ? 3ULL << 59 : 0);
			bool user = k & 16;
			u8 may;

			mode.pkru = (k / 16 % 4) << 6;
			may = four->allows(grant, leaf, &mode, user);
			for (u32 access = 0; access < 3; access++) {
				struct vmmu_access_kind kind = { access, user };
				bool pkey;

				EXPECT_EQ(!four->judge(four->rights(grant), leaf,
						       &mode, kind, &pkey),
					  !!(may & BIT(access)));
			}
		}
	}
}

TEST(data)
{
	u64 random = 1;

	for (unsigned int i = 0; i < 1000000; i++) {
		const struct vmmu_format *format = i % 2 ? four : five;
		struct vmmu_mode mode = {
			.bits = i % 4 < 2 ? VMMU_MODE_NXE : 0,
			.maxphyaddr = 32 + i % 21,
		};
		u64 value;

		/* All sorts of low bits, and few of the others. */
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		value = (random >> 8 & 0xfff) | 1ULL << (random >> 32 & 63) |
			(i % 3 ? 0 : 1ULL << (random >> 40 & 63));
		expect_same(_metadata, format, value,
			    1 + (random >> 50) % format->levels,
			    format->reserved(&mode));
	}
}

TEST(kinds)
{
	for (unsigned int level = 1; level <= 5; level++) {
		EXPECT_EQ(VMMU_ENTRY_ABSENT, kind(~P, level, 0, 36));
		EXPECT_EQ(level == 1 ? VMMU_ENTRY_PAGE : VMMU_ENTRY_TABLE,
			  kind(0x1000 | P, level, 0, 36));
	}
	EXPECT_EQ(VMMU_ENTRY_PAGE, kind(PS | P, 1, 0, 36));	/* PAT */
	EXPECT_EQ(VMMU_ENTRY_PAGE, kind(PS | P, 2, 0, 36));
	EXPECT_EQ(VMMU_ENTRY_PAGE, kind(PS | P, 3, 0, 36));
	EXPECT_EQ(VMMU_ENTRY_RESERVED, kind(PS | P, 4, 0, 36));
	EXPECT_EQ(VMMU_ENTRY_RESERVED, kind(PS | P, 5, 0, 36));
}

/* Each bit of an entry, alone beside P: reserved or not. */
TEST(reserved_bits)
{
	const u64 nxe = VMMU_MODE_NXE;

	for (u32 width = 32; width <= 52; width++) {
		for (int bit = 1; bit < 64; bit++) {
			const enum vmmu_entry_kind bad = VMMU_ENTRY_RESERVED;
			u64 value = P | 1ULL << bit;
			bool high = bit >= width && bit <= 51;
			bool low2 = bit >= 13 && bit <= 20;
			bool low3 = bit >= 13 && bit <= 29;

			EXPECT_EQ(high || bit == 63,
				  kind(value, 1, 0, width) == bad);
			EXPECT_EQ(high, kind(value, 1, nxe, width) == bad);
			EXPECT_EQ(high || low2,
				  kind(value | PS, 2, nxe, width) == bad);
			EXPECT_EQ(high || low3,
				  kind(value | PS, 3, nxe, width) == bad);
			EXPECT_EQ(high || bit == 7,
				  kind(value, 4, nxe, width) == bad);
		}
	}
}

TEST(fields)
{
	struct vmmu_entry entry;

	EXPECT_EQ(VMMU_ENTRY_PAGE, decode(0xa800000012345000 | XD | P | U, 1,
					  VMMU_MODE_NXE, 52, &entry));
	EXPECT_EQ(0x12345000, entry.ra.value);
	EXPECT_EQ(12, entry.page_shift);

	EXPECT_EQ(VMMU_ENTRY_TABLE, decode(0x12345000 | P, 2, 0, 52, &entry));
	EXPECT_EQ(0x12345000, entry.ra.value);

	EXPECT_EQ(VMMU_ENTRY_PAGE, decode(0x40201000 | PS | W | P, 2, 0, 52,
					  &entry));
	EXPECT_EQ(0x40200000, entry.ra.value);	/* bit 12 is PAT */
	EXPECT_EQ(21, entry.page_shift);

	EXPECT_EQ(VMMU_ENTRY_PAGE, decode(0xfffffc0000000 | PS | P, 3, 0, 52,
					  &entry));
	EXPECT_EQ(0xfffffc0000000, entry.ra.value);
	EXPECT_EQ(30, entry.page_shift);
}

TEST(rights)
{
	u64 xd = four->denials;

	EXPECT_EQ(XD, xd);
	EXPECT_EQ(VMMU_RIGHT_READ, four->rights((P | XD) ^ xd));
	EXPECT_EQ(VMMU_RIGHT_READ | VMMU_RIGHT_EXEC, four->rights(P ^ xd));
	EXPECT_EQ(VMMU_RIGHT_READ | VMMU_RIGHT_WRITE,
		  four->rights((P | W | XD) ^ xd));
	EXPECT_EQ(VMMU_RIGHT_READ | VMMU_RIGHT_USER,
		  four->rights((P | U | XD) ^ xd));
}

/*
 * One row a rule of the manual: what the tables grant, the mode, the access,
 * and what comes of it.
 */
static const struct {
	u8 rights;
	u8 key;
	u32 pkru;
	u64 mode;
	u32 access;
	bool user;
	enum vmmu_reason reason;
	u32 code;
} rules[] = {
#define RX	(VMMU_RIGHT_READ | VMMU_RIGHT_EXEC)
#define RWX	(RX | VMMU_RIGHT_WRITE)
#define RXU	(RX | VMMU_RIGHT_USER)
#define RU	(VMMU_RIGHT_READ | VMMU_RIGHT_USER)
#define RWXU	(RWX | VMMU_RIGHT_USER)
#define R	VMMU_ACCESS_READ
#define ST	VMMU_ACCESS_WRITE
#define X	VMMU_ACCESS_FETCH
	{ RWXU, 0, 0, 0, ST, true, VMMU_REASON_NONE, 0 },
	{ RWX, 0, 0, 0, R, true, VMMU_REASON_USER, 5 },
	{ RWX, 0, 0, 0, ST, true, VMMU_REASON_USER, 7 },
	{ RWX, 0, 0, 0, X, true, VMMU_REASON_USER, 5 },
	{ RWX, 0, 0, VMMU_MODE_NXE, X, true, VMMU_REASON_USER, 0x15 },
	{ RWX, 0, 0, VMMU_MODE_SMEP, X, true, VMMU_REASON_USER, 0x15 },
	{ RXU, 0, 0, 0, ST, true, VMMU_REASON_WRITE, 7 },
	{ RXU, 0, 0, 0, ST, false, VMMU_REASON_NONE, 0 },
	{ RXU, 0, 0, VMMU_MODE_WP, ST, false, VMMU_REASON_WRITE, 3 },
	{ RU, 0, 0, VMMU_MODE_NXE, X, true, VMMU_REASON_NX, 0x15 },
	{ RWXU, 0, 0, VMMU_MODE_SMEP, X, false, VMMU_REASON_SMEP, 0x11 },
	{ RWXU, 0, 0, VMMU_MODE_SMEP, R, false, VMMU_REASON_NONE, 0 },
	{ RWXU, 0, 0, VMMU_MODE_SMAP, R, false, VMMU_REASON_SMAP, 1 },
	{ RWXU, 0, 0, VMMU_MODE_SMAP, X, false, VMMU_REASON_NONE, 0 },
	{ RWXU, 0, 0, VMMU_MODE_SMAP | VMMU_MODE_AC, R, false,
	  VMMU_REASON_NONE, 0 },
	{ RWXU, 5, 1 << 10, VMMU_MODE_PKE, R, true, VMMU_REASON_PKEY, 0x25 },
	{ RWXU, 5, 1 << 10, 0, R, true, VMMU_REASON_NONE, 0 },
	{ RWXU, 5, 1 << 10, VMMU_MODE_PKE, X, true, VMMU_REASON_NONE, 0 },
	{ RWX, 5, 1 << 10, VMMU_MODE_PKE, R, false, VMMU_REASON_NONE, 0 },
	{ RWXU, 5, 1 << 11, VMMU_MODE_PKE, R, true, VMMU_REASON_NONE, 0 },
	{ RWXU, 5, 1 << 11, VMMU_MODE_PKE, ST, true, VMMU_REASON_PKEY, 0x27 },
	{ RWXU, 5, 1 << 11, VMMU_MODE_PKE, ST, false, VMMU_REASON_NONE, 0 },
	{ RWXU, 5, 1 << 11, VMMU_MODE_PKE | VMMU_MODE_WP, ST, false,
	  VMMU_REASON_PKEY, 0x23 },
	/* The key adds its bit where another rule forbids as well. */
	{ RXU, 5, 1 << 10, VMMU_MODE_PKE, ST, true, VMMU_REASON_WRITE, 0x27 },
};

TEST(judge)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct vmmu_mode mode = { .bits = rules[i].mode,
					  .pkru = rules[i].pkru,
					  .maxphyaddr = 52 };
		struct vmmu_access_kind access = { .access = rules[i].access,
						   .user = rules[i].user };
		bool pkey;
		enum vmmu_reason reason = four->judge(rules[i].rights,
						      (u64)rules[i].key << 59, &mode,
						      access, &pkey);

		EXPECT_EQ(rules[i].reason, reason)
			TH_LOG("rule %zu", i);
		if (reason)
			EXPECT_EQ(rules[i].code,
				  four->error_code(reason, pkey, &mode, access))
				TH_LOG("rule %zu", i);
	}
}

TEST(error_codes_of_absent_and_reserved)
{
	struct vmmu_mode mode = { .maxphyaddr = 52 };
	struct vmmu_access_kind access = { VMMU_ACCESS_WRITE, true };

	EXPECT_EQ(6, four->error_code(VMMU_REASON_NOT_PRESENT, false, &mode,
				      access));
	EXPECT_EQ(15, four->error_code(VMMU_REASON_RESERVED, false, &mode,
				       access));
}

TEST(mark)
{
	EXPECT_EQ(0x21, four->mark(0x01, false));
	EXPECT_EQ(0x61, four->mark(0x01, true));
	EXPECT_EQ(0x61, four->mark(0x61, false));
}

TEST_HARNESS_MAIN
