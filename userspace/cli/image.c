// SPDX-License-Identifier: GPL-2.0
/*
 * Open a memory image and copy it into the real memory of a VM.
 */
#include <errno.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "image.h"

#define PAGE		((uint64_t)VMMU_TABLE_PAGE_BYTES)
#define CHUNK		(2UL << 20)
#define PROGRESS_BYTES	(64UL << 20)	/* smaller files need no progress */

int image_read(const struct image *image, uint64_t offset, void *buffer,
	       size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t nr = pread(image->fd, (char *)buffer + done,
				   bytes - done, offset + done);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return refused(errno, "%s", image->path);
		if (!nr)
			return complain("%s: the file ends before byte %" PRIu64,
					image->path, offset + bytes);
		done += nr;
	}
	return CLI_OK;
}

static int open_raw(struct image *image, uint64_t base)
{
	if (image->file_bytes > UINT64_MAX - base)
		return complain("%s: --base 0x%" PRIx64 " is too high for its size",
				image->path, base);
	image->segments = grow(NULL, 1, sizeof(*image->segments));
	image->segments[0] = (struct image_segment){
		.bytes = image->file_bytes,
		.ra = base,
	};
	image->nr_segments = 1;
	return CLI_OK;
}

static int detect(struct image *image)
{
	char magic[SELFMAG];
	int code;

	if (image->format != IMAGE_AUTO)
		return CLI_OK;
	image->format = IMAGE_RAW;
	if (image->file_bytes < SELFMAG)
		return CLI_OK;
	code = image_read(image, 0, magic, SELFMAG);
	if (!code && !memcmp(magic, ELFMAG, SELFMAG))
		image->format = IMAGE_ELF;
	return code;
}

/* Check the kind and find the size of the open file. */
static int measure(struct image *image)
{
	struct stat status;
	off_t end;

	if (fstat(image->fd, &status))
		return refused(errno, "%s", image->path);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return complain("%s: neither a regular file nor a block device",
				image->path);
	end = lseek(image->fd, 0, SEEK_END);
	if (end < 0)
		return refused(errno, "%s", image->path);
	if (!end)
		return complain("%s: the file is empty", image->path);
	image->file_bytes = end;
	return CLI_OK;
}

int image_open(struct image *image, const char *path, enum image_format format,
	       uint64_t base)
{
	int code;

	*image = (struct image){ .path = path, .format = format };
	image->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (image->fd < 0)
		return refused(errno, "%s", path);
	code = measure(image);
	if (!code)
		code = detect(image);
	if (!code && image->format == IMAGE_ELF && base)
		code = complain("%s: --base is for raw files; this one is ELF",
				path);
	if (!code)
		code = image->format == IMAGE_ELF ? image_parse_elf(image) :
			open_raw(image, base);
	if (code)
		image_close(image);
	return code;
}

void image_close(struct image *image)
{
	free(image->segments);
	free(image->cpus);
	close(image->fd);
}

uint64_t image_end(const struct image *image)
{
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < image->nr_segments; i++) {
		const struct image_segment *s = &image->segments[i];

		if (s->ra + s->bytes > end)
			end = s->ra + s->bytes;
	}
	return end;
}

/* Loading under way. */
struct loader {
	const struct image *image;
	int vm;
	uint8_t *buffer;	/* CHUNK bytes */
	uint64_t total;
	uint64_t done;
	unsigned int percent;	/* as last shown */
};

static void progress(struct loader *l, uint64_t bytes)
{
	unsigned int percent;

	l->done += bytes;
	percent = l->total ? l->done * 100.0 / l->total : 100;
	if (l->total < PROGRESS_BYTES || percent == l->percent ||
	    !isatty(STDERR_FILENO))
		return;
	l->percent = percent;
	fprintf(stderr, "vmmuctl: loading %s: %u%%%c", l->image->path,
		percent, percent == 100 ? '\n' : '\r');
}

static bool is_zero(const uint8_t *data, size_t bytes)
{
	return !data[0] && !memcmp(data, data + 1, bytes - 1);
}

/* Bytes from @ra to the end of its page, at most @bytes. */
static size_t to_page_end(uint64_t ra, size_t bytes)
{
	size_t rest = PAGE - ra % PAGE;

	return rest < bytes ? rest : bytes;
}

/* Give the pages of a run their frames, and copy @data there. */
static int store_run(struct loader *l, uint64_t ra, const uint8_t *data,
		     size_t bytes)
{
	uint64_t start = ra & ~(PAGE - 1);
	uint64_t length = (ra + bytes - start + PAGE - 1) & ~(PAGE - 1);
	void *memory;
	int err = vmmu_populate(l->vm, start, length, NULL);

	if (!err)
		err = vmmu_real_map_memory(l->vm, start, length,
					   PROT_READ | PROT_WRITE, &memory);
	if (err)
		return refused(err, "%s: real memory at 0x%" PRIx64,
			       l->image->path, start);
	memcpy((char *)memory + (ra - start), data, bytes);
	munmap(memory, length);
	return CLI_OK;
}

/* Store those pages of the buffer that are not all zero. */
static int store(struct loader *l, uint64_t ra, size_t bytes)
{
	size_t at = 0, run = 0, piece;
	int code = CLI_OK;

	/* A run lies between the offsets run and at. */
	for (; at < bytes && !code; at += piece) {
		piece = to_page_end(ra + at, bytes - at);
		if (!is_zero(l->buffer + at, piece))
			continue;
		if (run < at)
			code = store_run(l, ra + run, l->buffer + run,
					 at - run);
		run = at + piece;
	}
	if (run < bytes && !code)
		code = store_run(l, ra + run, l->buffer + run, bytes - run);
	return code;
}

/* Offset in the file of the first data at or after @offset, at most @end. */
static uint64_t skip_hole(const struct image *image, uint64_t offset,
			  uint64_t end)
{
	off_t data = lseek(image->fd, offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : offset;
	return (uint64_t)data < end ? (uint64_t)data : end;
}

static int load_segment(struct loader *l, const struct image_segment *s)
{
	uint64_t at = 0;
	int code = CLI_OK;

	while (at < s->bytes && !code) {
		uint64_t next = skip_hole(l->image, s->offset + at,
					  s->offset + s->bytes) - s->offset;
		uint64_t bytes = s->bytes - next;

		progress(l, next - at);
		at = next;
		/* All chunks but the last end with a page. */
		if (bytes > CHUNK)
			bytes = CHUNK - (s->ra + at) % PAGE;
		if (!bytes)
			break;
		code = image_read(l->image, s->offset + at, l->buffer, bytes);
		if (!code)
			code = store(l, s->ra + at, bytes);
		progress(l, bytes);
		at += bytes;
	}
	return code;
}

int image_load(const struct image *image, int vm)
{
	struct loader l = {
		.image = image,
		.vm = vm,
		.buffer = grow(NULL, CHUNK, 1),
		.percent = 100,
	};
	int code = CLI_OK;
	size_t i;

	for (i = 0; i < image->nr_segments; i++)
		l.total += image->segments[i].bytes;
	for (i = 0; i < image->nr_segments && !code; i++)
		code = load_segment(&l, &image->segments[i]);
	free(l.buffer);
	return code;
}
