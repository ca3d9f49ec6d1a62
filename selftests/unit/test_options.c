// SPDX-License-Identifier: GPL-2.0
/* vmmuctl's command lines: the object, shared options, and those of write. */
#include "cli.h"
#include "fake_cli.h"
#include "kselftest_harness.h"

#include "write_options.h"

#define MOST_WORDS	16

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_ACCESS, OPTION_USER, OPTION_SUPERVISOR,
	OPTION_SET_AD, OPTION_ALL, OPTION_JSON, OPTION_HELP,
	{ "own", required_argument, NULL, 'o' },
	{ "long", no_argument, NULL, OPTION_FIRST },
	OPTION_END,
};

static int checked;

static int check(void *own)
{
	(void)own;
	checked++;
	return CLI_OK;
}

static bool take(void *own, int option, const char *text)
{
	*(const char **)own = option == 'o' ? text : "long";
	return !text || strcmp(text, "bad");
}

/* Cut @text at its blanks. Return the number of words, the command's first. */
static int words_of(char *text, char **words)
{
	char *word = strtok(text, " ");
	int nr = 0;

	words[nr++] = "vmmuctl test";
	for (; word && nr < MOST_WORDS; word = strtok(NULL, " "))
		words[nr++] = word;
	words[nr] = NULL;
	optind = 0;
	opterr = 0;
	return nr;
}

FIXTURE(line)
{
	char text[256];
	char *words[MOST_WORDS + 1];
	struct common common;
	const char *own;
};

FIXTURE_SETUP(line)
{
	checked = 0;
}

FIXTURE_TEARDOWN(line)
{
}

static int parse(struct __test_metadata *_metadata,
		 struct _test_data_line *self, const char *text)
{
	static const struct command_line line = {
		.name = "test",
		.help = "",
		.options = options,
		.take = take,
		.check = check,
		.most_arguments = 2,
	};
	int nr;

	snprintf(self->text, sizeof(self->text), "%s", text);
	nr = words_of(self->text, self->words);
	ASSERT_GT(MOST_WORDS, nr);
	return command_line_parse(&line, nr, self->words, &self->common,
				  &self->own);
}

#define PARSE(text)	parse(_metadata, self, text)

TEST_F(line, object)
{
	EXPECT_EQ(-1, PARSE("4711:5 a"));
	EXPECT_EQ(4711, self->common.target.pid);
	EXPECT_EQ(5, self->common.target.fd);
	ASSERT_EQ(1, self->common.nr_arguments);
	EXPECT_STREQ("a", self->common.arguments[0]);
	EXPECT_EQ(1, checked);

	EXPECT_EQ(-1, PARSE("a --fd 0 b --pid=0x10"));
	EXPECT_EQ(16, self->common.target.pid);
	EXPECT_EQ(0, self->common.target.fd);
	ASSERT_EQ(2, self->common.nr_arguments);
	EXPECT_STREQ("b", self->common.arguments[1]);
}

TEST_F(line, no_object)
{
	static const char lines[][32] = {
		"", "a", "a 1:2", "1:", ":1", ":", "1:2:3", "0:1", "1:x", "x:1",
		"-p 1", "-f 1", "-p 1 1:2", "-p 0 -f 1", "-p 1 -f x",
		"2147483648:1", "1:2147483648", "-p 2147483648 -f 1",
		"0000000000000000000000000001:1",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		EXPECT_EQ(CLI_USAGE, PARSE(lines[i]))
			TH_LOG("%s", lines[i]);
	EXPECT_EQ(0, checked);
	EXPECT_EQ(-1, PARSE("2147483647:2147483647"));
}

TEST_F(line, shared)
{
	const struct vmmu_mode user = { .bits = VMMU_MODE_CPL3 };
	const struct vmmu_mode supervisor = { 0 };

	EXPECT_EQ(-1, PARSE("1:2 -jAa w"));
	EXPECT_TRUE(self->common.json && self->common.all);
	EXPECT_EQ(VMMU_ACCESS_WRITE, self->common.access);
	EXPECT_EQ(VMMU_TRANSLATE_USER, common_flags(&self->common, &user));
	EXPECT_EQ(0, common_flags(&self->common, &supervisor));
	EXPECT_EQ(-1, PARSE("1:2 --set-ad -u"));
	EXPECT_FALSE(self->common.json || self->common.all);
	EXPECT_EQ(VMMU_TRANSLATE_USER | VMMU_TRANSLATE_SET_AD,
		  common_flags(&self->common, &supervisor));
	EXPECT_EQ(-1, PARSE("1:2 -s"));
	EXPECT_EQ(0, common_flags(&self->common, &user));
	EXPECT_EQ(CLI_USAGE, PARSE("1:2 -a q"));
	EXPECT_EQ(CLI_USAGE, PARSE("1:2 -q"));
	EXPECT_EQ(CLI_USAGE, PARSE("1:2 -a"));
	EXPECT_EQ(CLI_USAGE, PARSE("1:2 a b c"));
	EXPECT_EQ(CLI_OK, PARSE("--help"));
}

TEST_F(line, own)
{
	EXPECT_EQ(-1, PARSE("1:2 -o value"));
	EXPECT_STREQ("value", self->own);
	EXPECT_EQ(-1, PARSE("1:2 --long"));
	EXPECT_STREQ("long", self->own);
	EXPECT_EQ(CLI_USAGE, PARSE("1:2 --own bad"));
}

TEST_F(line, addresses)
{
	uint64_t *vas;
	size_t nr;

	EXPECT_EQ(-1, PARSE("1:2 7 0xffffffffffffffff"));
	EXPECT_TRUE(common_addresses(&self->common, 0, "test", &vas, &nr));
	ASSERT_EQ(2, nr);
	EXPECT_EQ(7, vas[0]);
	EXPECT_EQ(UINT64_MAX, vas[1]);
	free(vas);
	EXPECT_TRUE(common_addresses(&self->common, 2, "test", &vas, &nr));
	EXPECT_EQ(0, nr);
	free(vas);
	EXPECT_EQ(-1, PARSE("1:2 7 x"));
	EXPECT_FALSE(common_addresses(&self->common, 0, "test", &vas, &nr));
	free(vas);
}

TEST(seconds)
{
	static const struct {
		const char *text;
		uint64_t nsecs;
	} good[] = {
		{ "1", 1000000000 }, { "0.001", 1000000 }, { "0.5", 500000000 },
		{ "0x10", 16000000000 }, { "1.", 1000000000 },
		{ "1000000", 1000000000000000 }, { "2.000000001", 2000000001 },
	};
	static const char bad[][24] = {
		"", "0", "-1", "0.0009", "1000001", "18446744073709551616", "1e3",
		"1.5s", ".5", "inf", " 1", "0.12345678901", "1..5",
	};
	uint64_t nsecs;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_TRUE(parse_seconds(good[i].text, "test", &nsecs));
		EXPECT_EQ(good[i].nsecs, nsecs);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FALSE(parse_seconds(bad[i], "test", &nsecs))
			TH_LOG("%s", bad[i]);
}

TEST(kinds)
{
	static const char bad[][16] = {
		"", "fault", "stor", "stores", "STORE", "store,", ",store",
		"store,,reread", "store reread",
	};
	uint32_t kinds = 0;
	size_t i;

	EXPECT_TRUE(parse_kinds("store", "test", &kinds));
	EXPECT_EQ(1U << VMMU_TRAP_STORE, kinds);
	EXPECT_TRUE(parse_kinds("discard,store,hypercall", "test", &kinds));
	EXPECT_EQ(1U << VMMU_TRAP_STORE | 1U << VMMU_TRAP_DISCARD |
		  1U << VMMU_TRAP_HYPERCALL, kinds);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FALSE(parse_kinds(bad[i], "test", &kinds))
			TH_LOG("%s", bad[i]);
}

TEST(count)
{
	uint64_t count;

	EXPECT_TRUE(parse_count("18446744073709551615", &count));
	EXPECT_EQ(UINT64_MAX, count);
	EXPECT_FALSE(parse_count("0", &count));
	EXPECT_FALSE(parse_count("x", &count));
}

FIXTURE(write)
{
	char text[256];
	char *words[MOST_WORDS + 1];
	struct write_options o;
};

FIXTURE_SETUP(write)
{
}

FIXTURE_TEARDOWN(write)
{
	write_options_free(&self->o);
}

/* Parse @text, behind an object and an address. */
static int parse_write(struct _test_data_write *self, const char *text)
{
	write_options_free(&self->o);
	snprintf(self->text, sizeof(self->text), "1:2 0x1000 %s", text);
	return write_options_parse(&self->o, words_of(self->text, self->words),
				   self->words);
}

TEST_F(write, sources)
{
	EXPECT_EQ(-1, parse_write(self, ""));
	EXPECT_EQ(NULL, self->o.bytes);
	EXPECT_EQ(0x1000, self->o.va);
	EXPECT_EQ(-1, parse_write(self, "--hex deadbeef"));
	ASSERT_EQ(4, self->o.nr_bytes);
	EXPECT_EQ(0, memcmp(self->o.bytes, "\xde\xad\xbe\xef", 4));
	EXPECT_EQ(-1, parse_write(self, "--text deadbeef"));
	ASSERT_EQ(8, self->o.nr_bytes);
	EXPECT_EQ(0, memcmp(self->o.bytes, "deadbeef", 8));
	EXPECT_EQ(-1, parse_write(self, "--value 0x1234 -w 4"));
	ASSERT_EQ(4, self->o.nr_bytes);
	EXPECT_EQ(0, memcmp(self->o.bytes, "\x34\x12\0\0", 4));
	EXPECT_EQ(-1, parse_write(self, "--value 0xfffffffffffffffe"));
	ASSERT_EQ(8, self->o.nr_bytes);
	EXPECT_EQ(0xfe, self->o.bytes[0]);
	EXPECT_EQ(0xff, self->o.bytes[7]);
	EXPECT_EQ(-1, parse_write(self, "-e 0 --value 255 -w 1"));
	EXPECT_TRUE(self->o.given_expect);
	EXPECT_EQ(255, self->o.value);
}

TEST_F(write, refusals)
{
	static const char lines[][32] = {
		"--hex abc", "--hex ", "--hex 00 --hex 00", "--hex 00 --text a",
		"--value x", "--value 256 -w 1", "--value 0x100000000 -w 4",
		"--value 1 -w 0", "--value 1 -w 3", "--value 1 -w 16", "-w 8",
		"-e 1", "--text a -e 1", "--value 1 -w 2 -e 0x10000", "0x2000",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		EXPECT_EQ(CLI_USAGE, parse_write(self, lines[i]))
			TH_LOG("%s", lines[i]);
}

TEST_HARNESS_MAIN
