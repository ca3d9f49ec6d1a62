// SPDX-License-Identifier: GPL-2.0
/* vmmuctl image: its command line, and the page table that comes of it. */
#include "image_options.h"
#include "fake_cli.h"
#include "kselftest_harness.h"

#define WP_NXE	(VMMU_MODE_WP | VMMU_MODE_NXE)

FIXTURE(options)
{
	struct image_options o;
	struct image_space space;
	struct image image;
	struct image_segment segment;
	struct image_cpu cpus[2];
};

FIXTURE_SETUP(options)
{
	self->segment = (struct image_segment){ .bytes = 0x5001 };
	self->cpus[0] = (struct image_cpu){ 0x80000001, 0x7fff, 0x20 };
	self->cpus[1] = (struct image_cpu){ 0x80010001, 0x9000, 0x701020 };
	self->image = (struct image){
		.path = "file",
		.segments = &self->segment,
		.nr_segments = 1,
		.cpus = self->cpus,
	};
}

FIXTURE_TEARDOWN(options)
{
	image_options_free(&self->o);
}

/* Parse "vmmuctl image" and these arguments. */
static int parse(struct image_options *o, ...)
{
	char *argv[20] = { "vmmuctl image" };
	va_list list;
	int argc = 1;

	va_start(list, o);
	while ((argv[argc] = va_arg(list, char *)))
		argc++;
	va_end(list);
	image_options_free(o);
	optind = 0;
	opterr = 0;
	return image_options_parse(o, argc, argv);
}

#define PARSE(...)	parse(&self->o, ##__VA_ARGS__, NULL)
#define SETTLE()	image_space_settle(&self->space, &self->o, &self->image)

TEST_F(options, good)
{
	ASSERT_EQ(-1, PARSE("file", "--user", "-a", "x", "0x1000", "-j", "4096"));
	EXPECT_STREQ("file", self->o.path);
	EXPECT_EQ(VMMU_ACCESS_FETCH, self->o.common.access);
	EXPECT_EQ('u', self->o.common.privilege);
	EXPECT_TRUE(self->o.common.json);
	ASSERT_EQ(2, self->o.nr_vas);
	EXPECT_EQ(4096, self->o.vas[1]);
	ASSERT_EQ(-1, PARSE("file", "--real-size=64M", "--levels=5", "-A"));
	EXPECT_EQ(64 << 20, self->o.value[IMAGE_REAL_SIZE]);
	EXPECT_TRUE(self->o.given[IMAGE_LEVELS]);
	EXPECT_TRUE(self->o.common.all);
}

TEST_F(options, bad)
{
	EXPECT_EQ(CLI_USAGE, PARSE());
	EXPECT_EQ(CLI_USAGE, PARSE("file", "elif"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--root"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--root", "1"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--root", "-4096"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--root", ""));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--root", "0x"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--cr3", "99999999999999999999"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--levels", "3"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--pkru", "0x100000000"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--maxphyaddr", "31"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--real-size", "1Q"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--real-size", "99999999999P"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--real-size", "0"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--format", "elves"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--mode", "WP", "--efer", "0"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--root", "0", "--cr3", "0"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "--all", "0x1000"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "-Fraw", "0x1000", "0x"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "-Felf", "--base", "0"));
	EXPECT_EQ(CLI_USAGE, PARSE("file", "-a", "rw"));
}

TEST_F(options, without_a_note)
{
	ASSERT_EQ(-1, PARSE("file"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
	ASSERT_EQ(-1, PARSE("file", "--root", "0x2000"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(0x2000, self->space.root);
	EXPECT_EQ(VMMU_FORMAT_X86_64_4LEVEL, self->space.format);
	EXPECT_EQ(WP_NXE, self->space.mode.bits);
	EXPECT_EQ(52, self->space.mode.maxphyaddr);
	EXPECT_EQ(0x6000, self->space.real_bytes);
	ASSERT_EQ(-1, PARSE("file", "--cr3", "0x800000000000201f", "--cpu", "0"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
	ASSERT_EQ(-1, PARSE("file", "--cr3", "0x800000000000201f"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(0x2000, self->space.root);
}

TEST_F(options, notes)
{
	self->image.nr_cpus = 2;
	ASSERT_EQ(-1, PARSE("file"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(0x7000, self->space.root);
	EXPECT_EQ(VMMU_MODE_NXE, self->space.mode.bits);
	EXPECT_EQ(VMMU_FORMAT_X86_64_4LEVEL, self->space.format);
	ASSERT_EQ(-1, PARSE("file", "--cpu", "1", "--pkru", "12"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(0x9000, self->space.root);
	EXPECT_EQ(WP_NXE | VMMU_MODE_SMEP | VMMU_MODE_SMAP | VMMU_MODE_PKE,
		  self->space.mode.bits);
	EXPECT_EQ(12, self->space.mode.pkru);
	EXPECT_EQ(VMMU_FORMAT_X86_64_5LEVEL, self->space.format);
	ASSERT_EQ(-1, PARSE("file", "--cpu", "1", "--levels", "4"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(VMMU_FORMAT_X86_64_4LEVEL, self->space.format);
	ASSERT_EQ(-1, PARSE("file", "--cpu", "2"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
}

TEST_F(options, registers)
{
	ASSERT_EQ(-1, PARSE("file", "--root", "0", "--cr0", "0x80000000",
			    "--efer", "0x400", "--cr4", "0x100020",
			    "--maxphyaddr", "36"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(VMMU_MODE_SMEP, self->space.mode.bits);
	EXPECT_EQ(36, self->space.mode.maxphyaddr);
	ASSERT_EQ(-1, PARSE("file", "--root", "0", "--cr0", "0x10000"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
	ASSERT_EQ(-1, PARSE("file", "--root", "0", "--cr4", "0"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
	self->image.nr_cpus = 1;
	self->cpus[0].cr0 = 0x11;
	ASSERT_EQ(-1, PARSE("file", "--root", "0"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
	ASSERT_EQ(-1, PARSE("file", "--root", "0", "--mode", "AC,MAXPHYADDR=33"));
	ASSERT_EQ(CLI_OK, SETTLE());
	EXPECT_EQ(VMMU_MODE_AC, self->space.mode.bits);
	EXPECT_EQ(33, self->space.mode.maxphyaddr);
}

TEST_F(options, real_memory)
{
	ASSERT_EQ(-1, PARSE("file", "--root", "0", "--real-size", "20K"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
	ASSERT_EQ(-1, PARSE("file", "--root", "0", "--real-size", "24K"));
	EXPECT_EQ(CLI_OK, SETTLE());
	self->segment.ra = -0x5002ULL;
	ASSERT_EQ(-1, PARSE("file", "--root", "0"));
	EXPECT_EQ(CLI_USAGE, SETTLE());
}

TEST_HARNESS_MAIN
