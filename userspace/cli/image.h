/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that holds the memory of a guest: raw, or an ELF core whose segments
 * say by their physical addresses where they belong.
 */
#ifndef VMMUCTL_IMAGE_H
#define VMMUCTL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_format {
	IMAGE_AUTO,
	IMAGE_RAW,
	IMAGE_ELF,
};

/* Bytes of the file, at @offset, that belong at real address @ra. */
struct image_segment {
	uint64_t offset;
	uint64_t bytes;
	uint64_t ra;
};

/* Registers of one processor, from a "QEMU" note. */
struct image_cpu {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
};

struct image {
	const char *path;
	int fd;
	uint64_t file_bytes;
	enum image_format format;	/* never IMAGE_AUTO once open */
	struct image_segment *segments;
	size_t nr_segments;
	struct image_cpu *cpus;		/* ELF with such notes only */
	size_t nr_cpus;
};

/*
 * Open @path, find out what is in it and check all of it that is not plain
 * memory. @base: real address of a raw file's first byte. Return an exit code.
 * image_close() after success.
 */
int image_open(struct image *image, const char *path, enum image_format format,
	       uint64_t base);
void image_close(struct image *image);

/* The end of the highest segment: what real memory must at least have. */
uint64_t image_end(const struct image *image);

/*
 * Copy the image into the real memory of @vm, which has image_end() bytes or
 * more. Pages of zeroes are left untouched. Return an exit code.
 */
int image_load(const struct image *image, int vm);

/* Read @bytes at @offset, all of them. Return an exit code. */
int image_read(const struct image *image, uint64_t offset, void *buffer,
	       size_t bytes);

/* Fill in what an ELF core says (image_elf.c). Return an exit code. */
int image_parse_elf(struct image *image);

#endif /* VMMUCTL_IMAGE_H */
