/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line of `vmmuctl image`.
 */
#ifndef VMMUCTL_IMAGE_OPTIONS_H
#define VMMUCTL_IMAGE_OPTIONS_H

#include "image.h"
#include "options.h"

/* Options that are numbers. */
enum image_number {
	IMAGE_ROOT,
	IMAGE_CR3,
	IMAGE_LEVELS,
	IMAGE_CR0,
	IMAGE_CR4,
	IMAGE_EFER,
	IMAGE_PKRU,
	IMAGE_MAXPHYADDR,
	IMAGE_BASE,
	IMAGE_REAL_SIZE,
	IMAGE_CPU,
	IMAGE_NR_NUMBERS,
};

struct image_options {
	struct common common;
	const char *path;
	enum image_format format;
	bool given[IMAGE_NR_NUMBERS];
	uint64_t value[IMAGE_NR_NUMBERS];	/* 0 unless given */
	bool mode_given;
	struct vmmu_mode mode;
	bool explain;
	uint64_t *vas;
	size_t nr_vas;
};

/*
 * Parse the command line, and check what can be checked by itself. Return -1
 * to go on, or the exit code. image_options_free() in both cases.
 */
int image_options_parse(struct image_options *o, int argc, char **argv);
void image_options_free(struct image_options *o);

/* The page table to register, as the options and the image say. */
struct image_space {
	uint32_t format;	/* enum vmmu_format_id */
	uint64_t root;
	struct vmmu_mode mode;
	uint64_t real_bytes;
};

/* Settle it. Return an exit code. */
int image_space_settle(struct image_space *space, const struct image_options *o,
		       const struct image *image);

#endif /* VMMUCTL_IMAGE_OPTIONS_H */
