// SPDX-License-Identifier: GPL-2.0
/* The library's words: names, texts that fit or are cut off, modes. */
#include "kselftest_harness.h"

#include <errno.h>
#include <string.h>

#include "vmmu.h"
#include "vmmu_table.h"

TEST(every_value_has_a_word)
{
	uint32_t i;

	for (i = VMMU_REASON_NONE; i <= VMMU_REASON_DENIED; i++) {
		EXPECT_STRNE("?", vmmu_reason_name(i));
		EXPECT_LT(10, strlen(vmmu_reason_text(i)));
	}
	EXPECT_STREQ("?", vmmu_reason_name(VMMU_REASON_DENIED + 1));
	EXPECT_STREQ("NOT_PRESENT", vmmu_reason_name(VMMU_REASON_NOT_PRESENT));
	for (i = VMMU_OUTCOME_NONE; i <= VMMU_OUTCOME_BEYOND_REAL; i++)
		EXPECT_STRNE("?", vmmu_outcome_name(i));
	EXPECT_STREQ("?", vmmu_outcome_name(UINT32_MAX));
	EXPECT_STREQ("fetch", vmmu_access_name(VMMU_ACCESS_FETCH));
	EXPECT_STREQ("?", vmmu_access_name(3));
	EXPECT_STREQ("signal", vmmu_delivery_name(VMMU_DELIVER_SIGNAL));
	EXPECT_STREQ("record", vmmu_delivery_name(VMMU_DELIVER_RECORD));
	EXPECT_STREQ("ask", vmmu_delivery_name(VMMU_DELIVER_ASK));
	EXPECT_STREQ("?", vmmu_delivery_name(VMMU_DELIVER_ASK + 1));
}

TEST(traps)
{
	uint32_t i;

	for (i = VMMU_DELIVER_SIGNAL; i <= VMMU_DELIVER_ASK; i++)
		EXPECT_STRNE("?", vmmu_delivery_name(i));
	for (i = VMMU_TRAP_FAULT; i <= VMMU_TRAP_DISCARD; i++)
		EXPECT_STRNE("?", vmmu_trap_kind_name(i));
	EXPECT_STREQ("?", vmmu_trap_kind_name(0));
	EXPECT_STREQ("?", vmmu_trap_kind_name(VMMU_TRAP_DISCARD + 1));
	EXPECT_STREQ("store", vmmu_trap_kind_name(VMMU_TRAP_STORE));
	for (i = VMMU_VERDICT_RETRY; i <= VMMU_VERDICT_REWRITE; i++)
		EXPECT_STRNE("?", vmmu_verdict_name(i));
	EXPECT_STREQ("?", vmmu_verdict_name(0));
	EXPECT_STREQ("?", vmmu_verdict_name(VMMU_VERDICT_REWRITE + 1));
	EXPECT_STREQ("deny", vmmu_verdict_name(VMMU_VERDICT_DENY));
}

TEST(formats)
{
	EXPECT_STREQ("x86-64-5level",
		     vmmu_format_name(VMMU_FORMAT_X86_64_5LEVEL));
	EXPECT_EQ(NULL, vmmu_format_name(0));
	EXPECT_EQ(VMMU_FORMAT_X86_64_4LEVEL,
		  vmmu_format_from_name("x86-64-4level"));
	EXPECT_EQ(-EINVAL, vmmu_format_from_name("x86"));
	EXPECT_STREQ("PML4E", vmmu_level_name(VMMU_FORMAT_X86_64_4LEVEL, 4));
	EXPECT_STREQ("?", vmmu_level_name(VMMU_FORMAT_X86_64_4LEVEL, 5));
	EXPECT_STREQ("?", vmmu_level_name(7, 1));
}

TEST(error_codes_and_rights)
{
	char text[VMMU_TEXT_BYTES];

	EXPECT_STREQ("P W U", vmmu_error_code_text(7, text, sizeof(text)));
	EXPECT_STREQ("none", vmmu_error_code_text(0, text, sizeof(text)));
	EXPECT_STREQ("P W U RSVD I PK",
		     vmmu_error_code_text(0x3f, text, sizeof(text)));
	EXPECT_STREQ("r-xu", vmmu_rights_text(VMMU_RIGHT_READ |
			VMMU_RIGHT_EXEC | VMMU_RIGHT_USER, text, sizeof(text)));
	EXPECT_STREQ("----", vmmu_rights_text(0, text, sizeof(text)));
}

TEST(texts_are_cut_off)
{
	struct vmmu_mode mode = { .bits = 0x7f, .maxphyaddr = 52 };
	char text[8];
	size_t bytes;

	for (bytes = 1; bytes <= sizeof(text); bytes++) {
		memset(text, 0x55, sizeof(text));
		vmmu_mode_text(&mode, text, bytes);
		EXPECT_EQ(bytes - 1, strlen(text));
		if (bytes < sizeof(text))
			EXPECT_EQ(0x55, text[bytes]);
	}
	text[0] = 0x55;
	vmmu_error_code_text(7, text, 0);
	EXPECT_EQ(0x55, text[0]);
}

TEST(modes_survive)
{
	char text[VMMU_TEXT_BYTES];
	uint64_t bits;

	for (bits = 0; bits < 1 << 7; bits++) {
		struct vmmu_mode in = {
			.bits = bits,
			.pkru = bits & 1 ? 0xfffffffc : 0,
			.maxphyaddr = 40,
		}, out;

		vmmu_mode_text(&in, text, sizeof(text));
		ASSERT_EQ(0, vmmu_mode_from_text(text, &out));
		ASSERT_EQ(0, memcmp(&in, &out, sizeof(in)));
		ASSERT_GT(sizeof(text) - 1, strlen(text));
	}
	EXPECT_STREQ("WP NXE SMEP SMAP AC PKE CPL3 PKRU=0xfffffffc MAXPHYADDR=40",
		     text);
}

TEST(modes_that_are_none)
{
	static const char * const bad[] = {
		"FOO", "WPX", "PKRU", "PKRU=", "PKRU=0x100000000", "PKRU=-1",
		"MAXPHYADDR=4x", "WP NXE,,BAR",
		"AVERYLONGWORDTHATNOMODEEVERHASINIT=1",
	};
	struct vmmu_mode mode = { .bits = 0x1234, .pkru = 5, .maxphyaddr = 6 };
	size_t i;

	errno = EDOM;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, vmmu_mode_from_text(bad[i], &mode));
	EXPECT_EQ(EDOM, errno);
	EXPECT_EQ(0x1234, mode.bits);
	EXPECT_EQ(0, vmmu_mode_from_text("  wp,\tnxe ", &mode));
	EXPECT_EQ(VMMU_MODE_WP | VMMU_MODE_NXE, mode.bits);
	EXPECT_EQ(0, mode.pkru);
	EXPECT_EQ(52, mode.maxphyaddr);
	EXPECT_EQ(0, vmmu_mode_from_text("", &mode));
	EXPECT_EQ(0, mode.bits);
}

TEST(entries)
{
	char text[VMMU_TEXT_BYTES];
	uint32_t f = VMMU_FORMAT_X86_64_4LEVEL;

	EXPECT_STREQ("P W U A D PS PAT G key=5 NX",
		     vmmu_table_entry_text(f, 2, 1ULL << 63 | 5ULL << 59 |
					   0x11e7, text, sizeof(text)));
	EXPECT_STREQ("P PWT PCD PAT", vmmu_table_entry_text(f, 1, 0x99, text,
							    sizeof(text)));
	EXPECT_STREQ("P PS(reserved)", vmmu_table_entry_text(f, 4, 0x81, text,
							     sizeof(text)));
	EXPECT_STREQ("not present", vmmu_table_entry_text(f, 1, ~1ULL, text,
							  sizeof(text)));
	EXPECT_STREQ("?", vmmu_table_entry_text(f, 5, 1, text, sizeof(text)));
	vmmu_table_entry_text(f, 2, ~0ULL, text, sizeof(text));
	EXPECT_GT(sizeof(text) - 1, strlen(text));
}

TEST_HARNESS_MAIN
