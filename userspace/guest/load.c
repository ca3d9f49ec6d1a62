// SPDX-License-Identifier: GPL-2.0
/*
 * Programs come from files.
 *
 * The files are in the ELF format, as a linker writes it: some headers that say
 * which part of the file belongs at which virtual addresses, with what rights,
 * and where the program begins. Each such part becomes a region of the program.
 * To load a program is to take note of its regions; no page is read until the
 * program touches it (fault.c).
 *
 * The host's file stands for a disk here. It is mapped, not copied, so that a
 * program which is loaded again, or forks, costs nothing once more. Nothing in
 * it is taken for granted: a file that is not what it should be is refused.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

/* Map the file that is open as @fd. */
static int map_file(struct guest *guest, int fd, const char *path,
		    struct file **mapped)
{
	struct file *file;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return -ENOEXEC;
	file = malloc(sizeof(*file) + strlen(path) + 1);
	if (!file)
		return -ENOMEM;
	memcpy(file->path, path, strlen(path) + 1);
	file->size = st.st_size;
	file->bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file->bytes == MAP_FAILED) {
		int err = -errno;

		free(file);
		return err;
	}
	file->next = guest->files;
	guest->files = file;
	*mapped = file;
	return 0;
}

/* Find the file among those that were used before, or map it. */
static int find_file(struct guest *guest, const char *path, struct file **found)
{
	struct file *file;
	int fd, err;

	for (file = guest->files; file; file = file->next) {
		if (!strcmp(file->path, path)) {
			*found = file;
			return 0;
		}
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = map_file(guest, fd, path, found);
	close(fd);
	return err;
}

/* The guest OS ends; no region has an image any more. */
void load_exit(struct guest *guest)
{
	while (guest->files) {
		struct file *file = guest->files;

		guest->files = file->next;
		munmap(file->bytes, file->size);
		free(file);
	}
}

/* Whether the range from @start lies within @end bytes. */
static bool fits(uint64_t start, uint64_t bytes, uint64_t end)
{
	return start <= end && bytes <= end - start;
}

/* Make a region of a segment: whole pages, above all that were there before. */
static int add_region(struct program *program, const struct file *file,
		      const Elf64_Phdr *segment)
{
	struct region *region = &program->regions[program->nr_regions];
	uint64_t before = segment->p_vaddr % PAGE_BYTES;
	uint64_t lowest = TEXT_START;

	if (program->nr_regions)
		lowest = region[-1].end;
	if (program->nr_regions == MAX_REGIONS - 1 ||
	    segment->p_vaddr - before < lowest || !segment->p_memsz ||
	    !fits(segment->p_vaddr, segment->p_memsz, STACK_FLOOR) ||
	    segment->p_filesz > segment->p_memsz ||
	    !fits(segment->p_offset, segment->p_filesz, file->size) ||
	    segment->p_offset % PAGE_BYTES != before)
		return -ENOEXEC;
	*region = (struct region){
		.name = "constants",
		.start = segment->p_vaddr - before,
		.end = page_of(segment->p_vaddr + segment->p_memsz +
			       PAGE_BYTES - 1),
		.floor = segment->p_vaddr - before,
		.rights = VMMU_RIGHT_READ,
	};
	if (segment->p_flags & PF_W) {
		region->name = "data";
		region->rights |= VMMU_RIGHT_WRITE;
	}
	if (segment->p_flags & PF_X) {
		region->name = "text";
		region->rights |= VMMU_RIGHT_EXEC;
	}
	if (segment->p_filesz) {
		region->image = (const char *)file->bytes +
				segment->p_offset - before;
		region->image_bytes = before + segment->p_filesz;
	}
	program->nr_regions++;
	return 0;
}

static bool is_program(const struct file *file, const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_type == ET_EXEC && header->e_machine == EM_X86_64 &&
	       header->e_phentsize == sizeof(Elf64_Phdr) &&
	       fits(header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr),
		    file->size);
}

/* The stack is empty, and has not begun to grow. */
static void add_stack(struct program *program)
{
	program->regions[program->nr_regions++] = (struct region){
		.name = "stack",
		.start = STACK_END,
		.end = STACK_END,
		.floor = STACK_FLOOR,
		.rights = VMMU_RIGHT_READ | VMMU_RIGHT_WRITE,
	};
}

/*
 * Give a program the regions of a file, and tell where it begins. -ENOEXEC when
 * the file is no program, or has segments where they can't be.
 */
int load_program(struct program *program, const char *path, uint64_t *entry)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	struct file *file = NULL;
	unsigned int i;
	int err;

	err = find_file(program->guest, path, &file);
	if (err)
		return err;
	memcpy(&header, file->bytes, sizeof(header));
	if (!is_program(file, &header))
		return -ENOEXEC;
	for (i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, (const char *)file->bytes + header.e_phoff +
		       i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD)
			continue;
		err = add_region(program, file, &segment);
		if (err)
			return err;
	}
	add_stack(program);
	*entry = header.e_entry;
	return 0;
}
