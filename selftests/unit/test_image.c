// SPDX-License-Identifier: GPL-2.0
/* vmmuctl's memory images: what is read, what is refused, what is loaded. */
#include "cli.h"
#include "fake_cli.h"
#include "kselftest_harness.h"

#include <elf.h>
#include <fcntl.h>

#include "image.h"

#define HALF	(1ULL << 20)
#define NOTE_BYTES	(12 + 8 + 440)

/* A core in memory, to be changed and written: headers, a note, two halves. */
struct core {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	Elf64_Nhdr note;
	char name[8];
	uint32_t version, size;
	uint64_t registers[18 + 30];
	uint64_t cr[6];
	uint8_t memory[2 * HALF] __attribute__((aligned(8)));
} __attribute__((packed));

FIXTURE(core_file)
{
	struct core *core;
	struct image image;
	char path[64];
};

FIXTURE_SETUP(core_file)
{
	struct core *core = calloc(1, sizeof(*core));
	int fd;

	ASSERT_NE(NULL, core);
	self->core = core;
	memcpy(core->header.e_ident, ELFMAG, SELFMAG);
	core->header.e_ident[EI_CLASS] = ELFCLASS64;
	core->header.e_ident[EI_DATA] = ELFDATA2LSB;
	core->header.e_type = ET_CORE;
	core->header.e_machine = EM_X86_64;
	core->header.e_phoff = offsetof(struct core, segments);
	core->header.e_phentsize = sizeof(Elf64_Phdr);
	core->header.e_phnum = 3;
	core->segments[0].p_type = PT_NOTE;
	core->segments[0].p_offset = offsetof(struct core, note);
	core->segments[0].p_filesz = NOTE_BYTES;
	/* The halves are swapped. */
	core->segments[1].p_type = PT_LOAD;
	core->segments[1].p_offset = offsetof(struct core, memory) + HALF;
	core->segments[1].p_filesz = HALF;
	core->segments[2].p_type = PT_LOAD;
	core->segments[2].p_offset = offsetof(struct core, memory);
	core->segments[2].p_filesz = HALF;
	core->segments[2].p_paddr = 4 * HALF;
	core->note = (Elf64_Nhdr){ .n_namesz = 5, .n_descsz = 440 };
	memcpy(core->name, "QEMU", 5);
	core->version = 1;
	core->size = 440;
	core->cr[0] = 0x80010001;
	core->cr[3] = 0x1005;
	core->cr[4] = 0x20;
	snprintf(self->path, sizeof(self->path), "/tmp/vmmu-test-image-XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_LE(0, fd);
	close(fd);
}

FIXTURE_TEARDOWN(core_file)
{
	unlink(self->path);
	free(self->core);
}

/* Write @bytes of the core and open it. */
static int open_core(struct _test_data_core_file *self, size_t bytes)
{
	int fd = open(self->path, O_WRONLY | O_TRUNC);

	if (write(fd, self->core, bytes) != (ssize_t)bytes)
		abort();
	close(fd);
	return image_open(&self->image, self->path, IMAGE_AUTO, 0);
}

TEST_F(core_file, elf)
{
	ASSERT_EQ(CLI_OK, open_core(self, sizeof(*self->core)));
	EXPECT_EQ(IMAGE_ELF, self->image.format);
	ASSERT_EQ(2, self->image.nr_segments);
	EXPECT_EQ(4 * HALF, self->image.segments[1].ra);
	EXPECT_EQ(5 * HALF, image_end(&self->image));
	ASSERT_EQ(1, self->image.nr_cpus);
	EXPECT_EQ(0x80010001, self->image.cpus[0].cr0);
	EXPECT_EQ(0x1005, self->image.cpus[0].cr3);
	EXPECT_EQ(0x20, self->image.cpus[0].cr4);
	image_close(&self->image);
}

TEST_F(core_file, raw)
{
	memset(self->core, 0, sizeof(self->core->header));
	ASSERT_EQ(CLI_OK, open_core(self, 12345));
	EXPECT_EQ(IMAGE_RAW, self->image.format);
	EXPECT_EQ(12345, image_end(&self->image));
	image_close(&self->image);
	ASSERT_EQ(CLI_OK, image_open(&self->image, self->path, IMAGE_RAW,
				     0x1000));
	EXPECT_EQ(0x1000 + 12345, image_end(&self->image));
	image_close(&self->image);
	EXPECT_EQ(CLI_USAGE, image_open(&self->image, self->path, IMAGE_ELF, 0));
	EXPECT_EQ(CLI_USAGE, image_open(&self->image, self->path, IMAGE_RAW,
					-4096ULL));
	EXPECT_EQ(CLI_USAGE, image_open(&self->image, "/tmp", IMAGE_RAW, 0));
	EXPECT_EQ(CLI_REFUSED, image_open(&self->image, "/nowhere/at/all",
					  IMAGE_RAW, 0));
}

TEST_F(core_file, bad_headers)
{
	struct core good = *self->core, *core = self->core;
	size_t bytes = sizeof(good);

#define REFUSED(change) do { \
	*core = good; \
	change; \
	EXPECT_EQ(CLI_USAGE, open_core(self, bytes)); \
} while (0)

	REFUSED(core->header.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(core->header.e_machine = EM_AARCH64);
	REFUSED(core->header.e_type = ET_EXEC);
	REFUSED(core->header.e_phentsize = 32);
	REFUSED(core->header.e_phoff = -8ULL);
	REFUSED(core->header.e_phoff = bytes - 8);
	REFUSED(core->header.e_phnum = 0);
	REFUSED(core->header.e_phnum = PN_XNUM);
	REFUSED(core->segments[1].p_offset = -1ULL);
	REFUSED(core->segments[1].p_filesz = -1ULL);
	REFUSED(core->segments[1].p_filesz = 2 * HALF + 1);
	REFUSED(core->segments[1].p_paddr = -4096ULL);
	REFUSED(core->segments[0].p_filesz = -1ULL);
	REFUSED(core->segments[1].p_type = core->segments[2].p_type = PT_NULL);
}

TEST_F(core_file, bad_notes_are_passed_over)
{
	struct core good = *self->core, *core = self->core;

#define NO_CPU(change) do { \
	*core = good; \
	change; \
	ASSERT_EQ(CLI_OK, open_core(self, sizeof(good))); \
	EXPECT_EQ(0, self->image.nr_cpus); \
	image_close(&self->image); \
} while (0)

	NO_CPU(core->note.n_namesz = UINT32_MAX);
	NO_CPU(core->note.n_descsz = UINT32_MAX);
	NO_CPU(core->note.n_descsz = 400);
	NO_CPU(core->version = 2);
	NO_CPU(core->name[0] = 'q');
	NO_CPU(core->segments[0].p_filesz = 11);
	NO_CPU(core->segments[0].p_filesz = 0);
}

TEST_F(core_file, many_program_headers)
{
	Elf64_Shdr *section = (void *)self->core->memory;

	self->core->header.e_phnum = PN_XNUM;
	self->core->header.e_shoff = offsetof(struct core, memory);
	section->sh_info = 3;
	ASSERT_EQ(CLI_OK, open_core(self, sizeof(*self->core)));
	EXPECT_EQ(2, self->image.nr_segments);
	image_close(&self->image);
	section->sh_info = UINT32_MAX;
	EXPECT_EQ(CLI_USAGE, open_core(self, sizeof(*self->core)));
}

TEST_F(core_file, truncated_anywhere)
{
	size_t bytes;

	for (bytes = 4; bytes < offsetof(struct core, memory); bytes++)
		ASSERT_EQ(CLI_USAGE, open_core(self, bytes));
	EXPECT_EQ(CLI_USAGE, open_core(self, sizeof(*self->core) - 1));
	EXPECT_EQ(CLI_USAGE, open_core(self, 0));
}

/* Any byte of the headers and notes may be anything: no more than a refusal. */
TEST_F(core_file, any_bytes)
{
	uint8_t *bytes = (uint8_t *)self->core;
	unsigned int i, seed = 1;
	int fd;

	ASSERT_EQ(CLI_OK, open_core(self, sizeof(*self->core)));
	image_close(&self->image);
	fd = open(self->path, O_WRONLY);
	for (i = 0; i < 4000; i++) {
		size_t at = rand_r(&seed) % offsetof(struct core, registers);
		uint8_t new = rand_r(&seed) >> 8;
		int code;

		ASSERT_EQ(1, pwrite(fd, &new, 1, at));
		code = image_open(&self->image, self->path, IMAGE_AUTO, 0);
		if (code == CLI_OK)
			image_close(&self->image);
		else
			ASSERT_EQ(CLI_USAGE, code);
		ASSERT_EQ(1, pwrite(fd, bytes + at, 1, at));
	}
	close(fd);
}

TEST_F(core_file, load)
{
	uint8_t *memory = self->core->memory;
	uint8_t *real;
	void *mapped;

	fake_start();
	memory[HALF] = 1;			/* real address 0 */
	memory[HALF + 5 * 4096 + 7] = 2;	/* 0x5007 */
	memory[HALF + 6 * 4096] = 3;
	memory[2 * HALF - 1] = 4;
	memory[0] = 5;				/* 4 MiB */
	ASSERT_EQ(CLI_OK, open_core(self, sizeof(*self->core)));
	ASSERT_EQ(CLI_OK, image_load(&self->image, 0));
	ASSERT_EQ(0, vmmu_real_map_memory(0, 0, FAKE_BYTES, PROT_READ, &mapped));
	real = mapped;
	EXPECT_EQ(0, memcmp(real, memory + HALF, HALF));
	EXPECT_EQ(0, memcmp(real + 4 * HALF, memory, HALF));
	EXPECT_EQ(5, fake_frames());
	EXPECT_TRUE(fake.backed[0] && fake.backed[5] && fake.backed[6] &&
		    fake.backed[255] && fake.backed[1024]);
	image_close(&self->image);
}

/* A segment that starts and ends within pages, and is larger than a chunk. */
TEST_F(core_file, load_askew)
{
	uint8_t *data = malloc(5 * HALF);
	void *mapped;
	size_t i;
	int fd;

	fake_start();
	for (i = 0; i < 5 * HALF; i++)
		data[i] = i % 251 + 1;
	fd = open(self->path, O_WRONLY | O_TRUNC);
	ASSERT_EQ(5 * HALF - 100, write(fd, data, 5 * HALF - 100));
	close(fd);
	ASSERT_EQ(CLI_OK, image_open(&self->image, self->path, IMAGE_RAW, 0));
	self->image.segments[0].ra = 0x1234;
	ASSERT_EQ(CLI_OK, image_load(&self->image, 0));
	ASSERT_EQ(0, vmmu_real_map_memory(0, 0, FAKE_BYTES, PROT_READ, &mapped));
	EXPECT_EQ(0, memcmp((char *)mapped + 0x1234, data, 5 * HALF - 100));
	EXPECT_EQ(0, ((char *)mapped)[0x1233]);
	EXPECT_FALSE(fake.backed[0]);
	image_close(&self->image);
	free(data);
}

TEST_F(core_file, load_without_memory)
{
	fake_start();
	self->core->memory[0] = 1;
	ASSERT_EQ(CLI_OK, open_core(self, sizeof(*self->core)));
	fake.no_memory = true;
	EXPECT_EQ(CLI_REFUSED, image_load(&self->image, 0));
	image_close(&self->image);
}

TEST_HARNESS_MAIN
