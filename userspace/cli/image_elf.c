// SPDX-License-Identifier: GPL-2.0
/*
 * ELF cores as QEMU's dump-guest-memory and other hypervisors write them: a
 * PT_LOAD for each range of memory, placed by its physical address, and notes.
 * Every number in the file is checked before it is used.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "image.h"

#define MAX_NOTE_BYTES	(64UL << 20)

/*
 * The descriptor of QEMU's note: version and size, 18 registers of 8 bytes,
 * 10 segment registers of 24, then CR0 to CR4.
 */
#define QEMU_VERSION	1
#define QEMU_CR(n)	(8 + 18 * 8 + 10 * 24 + 8 * (n))

static bool within(uint64_t offset, uint64_t bytes, uint64_t limit)
{
	return bytes <= limit && offset <= limit - bytes;
}

static int check_header(const struct image *image, const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG))
		return complain("%s: not an ELF file", image->path);
	if (header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return complain("%s: not an ELF file of x86-64", image->path);
	if (header->e_type != ET_CORE)
		return complain("%s: not an ELF core, but of type %u",
				image->path, header->e_type);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return complain("%s: program headers of %u bytes, not of %zu",
				image->path, header->e_phentsize,
				sizeof(Elf64_Phdr));
	return CLI_OK;
}

/* The number of program headers; with 65535 or more it stands elsewhere. */
static int count_headers(const struct image *image, const Elf64_Ehdr *header,
			 uint64_t *nr)
{
	Elf64_Shdr section;
	int code;

	*nr = header->e_phnum;
	if (header->e_phnum == PN_XNUM) {
		if (!header->e_shoff ||
		    !within(header->e_shoff, sizeof(section),
			    image->file_bytes))
			return complain("%s: the number of program headers is missing",
					image->path);
		code = image_read(image, header->e_shoff, &section,
				  sizeof(section));
		if (code)
			return code;
		*nr = section.sh_info;
	}
	if (!within(header->e_phoff, *nr * sizeof(Elf64_Phdr),
		    image->file_bytes))
		return complain("%s: the program headers lie beyond the end of the file",
				image->path);
	return CLI_OK;
}

static int add_segment(struct image *image, const Elf64_Phdr *ph)
{
	uint64_t bytes = ph->p_filesz;

	if (!within(ph->p_offset, bytes, image->file_bytes))
		return complain("%s: the segment at physical address 0x%" PRIx64
				" lies beyond the end of the file: truncated?",
				image->path, (uint64_t)ph->p_paddr);
	if (bytes > UINT64_MAX - ph->p_paddr)
		return complain("%s: the segment at physical address 0x%" PRIx64
				" wraps", image->path, (uint64_t)ph->p_paddr);
	if (!bytes)
		return CLI_OK;
	image->segments = grow(image->segments, image->nr_segments + 1,
			       sizeof(*image->segments));
	image->segments[image->nr_segments++] = (struct image_segment){
		.offset = ph->p_offset,
		.bytes = bytes,
		.ra = ph->p_paddr,
	};
	return CLI_OK;
}

static uint64_t load64(const uint8_t *data)
{
	uint64_t value;

	memcpy(&value, data, sizeof(value));
	return value;
}

static void add_cpu(struct image *image, const uint8_t *state, size_t bytes)
{
	uint32_t version;

	if (bytes < QEMU_CR(5))
		return;
	memcpy(&version, state, sizeof(version));
	if (version != QEMU_VERSION)
		return;
	image->cpus = grow(image->cpus, image->nr_cpus + 1,
			   sizeof(*image->cpus));
	image->cpus[image->nr_cpus++] = (struct image_cpu){
		.cr0 = load64(state + QEMU_CR(0)),
		.cr3 = load64(state + QEMU_CR(3)),
		.cr4 = load64(state + QEMU_CR(4)),
	};
}

/* Look through the notes in @data; one that does not fit ends them. */
static void parse_notes(struct image *image, const uint8_t *data, size_t bytes)
{
	size_t at = 0;

	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name, descriptor;

		memcpy(&note, data + at, sizeof(note));
		name = at + sizeof(note);
		if (note.n_namesz > bytes - name)
			return;
		descriptor = name + (((size_t)note.n_namesz + 3) & ~3UL);
		if (descriptor > bytes || note.n_descsz > bytes - descriptor)
			return;
		if (note.n_namesz == 5 && !memcmp(data + name, "QEMU", 5))
			add_cpu(image, data + descriptor, note.n_descsz);
		at = descriptor + (((size_t)note.n_descsz + 3) & ~3UL);
		if (at > bytes)
			return;
	}
}

static int read_notes(struct image *image, const Elf64_Phdr *ph)
{
	uint8_t *data;
	int code;

	if (!within(ph->p_offset, ph->p_filesz, image->file_bytes) ||
	    ph->p_filesz > MAX_NOTE_BYTES)
		return complain("%s: the notes are too long or lie beyond the end of the file",
				image->path);
	if (!ph->p_filesz)
		return CLI_OK;
	data = grow(NULL, ph->p_filesz, 1);
	code = image_read(image, ph->p_offset, data, ph->p_filesz);
	if (!code)
		parse_notes(image, data, ph->p_filesz);
	free(data);
	return code;
}

int image_parse_elf(struct image *image)
{
	Elf64_Ehdr header;
	uint64_t i, nr;
	int code;

	if (image->file_bytes < sizeof(header))
		return complain("%s: too short for an ELF file", image->path);
	code = image_read(image, 0, &header, sizeof(header));
	if (!code)
		code = check_header(image, &header);
	if (!code)
		code = count_headers(image, &header, &nr);
	for (i = 0; !code && i < nr; i++) {
		Elf64_Phdr ph;

		code = image_read(image, header.e_phoff + i * sizeof(ph), &ph,
				  sizeof(ph));
		if (!code && ph.p_type == PT_LOAD)
			code = add_segment(image, &ph);
		else if (!code && ph.p_type == PT_NOTE)
			code = read_notes(image, &ph);
	}
	if (!code && !image->nr_segments)
		code = complain("%s: an ELF core without memory (no PT_LOAD)",
				image->path);
	return code;
}
