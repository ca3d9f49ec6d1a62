// SPDX-License-Identifier: GPL-2.0
/* vmmuctl read and write: bytes as text, in pieces of any length. */
#include "cli.h"
#include "fake_cli.h"
#include "kselftest_harness.h"

#include "hexdump.h"

static char output[8192];

/* What a dump of @nr bytes, which come @piece at a time, prints. */
static const char *dump(const uint8_t *bytes, size_t nr, size_t piece,
			bool verbose)
{
	FILE *saved = stdout;
	struct hexdump dump;
	size_t at, part;

	output[0] = '\0';
	stdout = fmemopen(output, sizeof(output), "w");
	if (!stdout)
		abort();
	hexdump_begin(&dump, 0x1ff8, verbose);
	for (at = 0; at < nr; at += part) {
		part = nr - at < piece ? nr - at : piece;
		hexdump_add(&dump, bytes + at, part);
	}
	hexdump_end(&dump);
	fclose(stdout);
	stdout = saved;
	return output;
}

#define START	"0x0000000000001ff8  "

TEST(one_row)
{
	EXPECT_STREQ(START "41 7e 7f 00 20 ff 30 0a  62                       |A~.. .0.b|\n",
		     dump((const uint8_t *)"A~\x7f\0 \xff\060\nb", 9, 9, false));
	EXPECT_STREQ(START "61                                                |a|\n",
		     dump((const uint8_t *)"a", 1, 1, false));
	EXPECT_STREQ("", dump(NULL, 0, 1, false));
}

#define ZEROES	"00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
#define A_ROW	"61 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |a...............|\n"

TEST(stars)
{
	uint8_t bytes[7 * 16 + 1] = { [4 * 16] = 'a' };
	size_t piece;

	for (piece = 1; piece <= sizeof(bytes); piece++) {
		/* Twice the same run of rows, and the last in full. */
		ASSERT_STREQ(START ZEROES "*\n"
			     "0x0000000000002038  " A_ROW
			     "0x0000000000002048  " ZEROES "*\n"
			     "0x0000000000002068  00                                                |.|\n",
			     dump(bytes, sizeof(bytes), piece, false));
		ASSERT_STREQ(START ZEROES "*\n"
			     "0x0000000000002038\n",
			     dump(bytes, 4 * 16, piece, false));
		ASSERT_STREQ(START ZEROES
			     "0x0000000000002008  " ZEROES,
			     dump(bytes, 2 * 16, piece, true));
	}
}

TEST(hex)
{
	uint8_t bytes[16];
	char text[16];

	EXPECT_EQ(4, hex_bytes("de ad be ef", bytes));
	EXPECT_EQ(0, memcmp(bytes, "\xde\xad\xbe\xef", 4));
	EXPECT_STREQ("deadbeef", hex_text(bytes, 4, text));
	EXPECT_EQ(3, hex_bytes(" 00Ff\t1a ", bytes));
	EXPECT_EQ(0, memcmp(bytes, "\x00\xff\x1a", 3));
	EXPECT_EQ(0, hex_bytes("", bytes));
	EXPECT_EQ(0, hex_bytes("  ", bytes));
	EXPECT_EQ(-1, hex_bytes("abc", bytes));
	EXPECT_EQ(-1, hex_bytes("a b", bytes));
	EXPECT_EQ(-1, hex_bytes("0x12", bytes));
	EXPECT_EQ(-1, hex_bytes("12 3g", bytes));
	EXPECT_EQ(-1, hex_bytes("\xe4\xe4", bytes));
}

TEST_HARNESS_MAIN
