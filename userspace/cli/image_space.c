// SPDX-License-Identifier: GPL-2.0
/*
 * Which page table of an image to register, and how it is to be walked: what
 * the options say, else what the image says, else a plain kernel's mode.
 */
#include <inttypes.h>

#include "image_options.h"

#define PAGE		((uint64_t)VMMU_TABLE_PAGE_BYTES)

#define CR0_WP		(1UL << 16)
#define CR0_PG		(1UL << 31)
#define CR3_ROOT	(((1UL << 52) - 1) & ~(PAGE - 1))
#define CR4_PAE		(1UL << 5)
#define CR4_LA57	(1UL << 12)
#define CR4_SMEP	(1UL << 20)
#define CR4_SMAP	(1UL << 21)
#define CR4_PKE		(1UL << 22)
#define EFER_LMA	(1UL << 10)
#define EFER_NXE	(1UL << 11)

/* The registers that decide. */
struct registers {
	uint64_t cr0;
	uint64_t cr4;
	uint64_t efer;
};

/* The note of the processor that the options name; NULL if there is none. */
static const struct image_cpu *cpu_of(const struct image_options *o,
				      const struct image *image)
{
	uint64_t n = o->value[IMAGE_CPU];

	return n < image->nr_cpus ? &image->cpus[n] : NULL;
}

static int settle_root(struct image_space *space, const struct image_options *o,
		       const struct image_cpu *cpu, const char *path)
{
	if (o->given[IMAGE_ROOT])
		space->root = o->value[IMAGE_ROOT];
	else if (o->given[IMAGE_CR3])
		space->root = o->value[IMAGE_CR3] & CR3_ROOT;
	else if (cpu)
		space->root = cpu->cr3 & CR3_ROOT;
	else
		return complain("%s: does not say where its page table is; give --root or --cr3",
				path);
	return CLI_OK;
}

static struct registers registers_of(const struct image_options *o,
				     const struct image_cpu *cpu)
{
	struct registers r = {
		.cr0 = cpu ? cpu->cr0 : CR0_PG | CR0_WP,
		.cr4 = cpu ? cpu->cr4 : CR4_PAE,
		.efer = EFER_LMA | EFER_NXE,
	};

	if (o->given[IMAGE_CR0])
		r.cr0 = o->value[IMAGE_CR0];
	if (o->given[IMAGE_CR4])
		r.cr4 = o->value[IMAGE_CR4];
	if (o->given[IMAGE_EFER])
		r.efer = o->value[IMAGE_EFER];
	return r;
}

static void settle_mode(struct image_space *space,
			const struct image_options *o,
			const struct registers *r)
{
	if (o->mode_given) {
		space->mode = o->mode;
		return;
	}
	space->mode = (struct vmmu_mode){
		.bits = (r->cr0 & CR0_WP ? VMMU_MODE_WP : 0) |
			(r->efer & EFER_NXE ? VMMU_MODE_NXE : 0) |
			(r->cr4 & CR4_SMEP ? VMMU_MODE_SMEP : 0) |
			(r->cr4 & CR4_SMAP ? VMMU_MODE_SMAP : 0) |
			(r->cr4 & CR4_PKE ? VMMU_MODE_PKE : 0),
		.pkru = o->value[IMAGE_PKRU],
		.maxphyaddr = o->given[IMAGE_MAXPHYADDR] ?
			o->value[IMAGE_MAXPHYADDR] : 52,
	};
}

static int settle_real_bytes(struct image_space *space,
			     const struct image_options *o,
			     const struct image *image)
{
	uint64_t end = image_end(image);

	if (!o->given[IMAGE_REAL_SIZE]) {
		if (end > UINT64_MAX - PAGE)
			return complain("%s: its memory ends too high",
					image->path);
		space->real_bytes = (end + PAGE - 1) & ~(PAGE - 1);
		return CLI_OK;
	}
	space->real_bytes = o->value[IMAGE_REAL_SIZE];
	if (space->real_bytes < end)
		return complain("--real-size: %s has memory up to 0x%" PRIx64
				", which is more", image->path, end);
	return CLI_OK;
}

int image_space_settle(struct image_space *space, const struct image_options *o,
		       const struct image *image)
{
	const struct image_cpu *cpu = cpu_of(o, image);
	struct registers r = registers_of(o, cpu);
	bool la57 = r.cr4 & CR4_LA57;
	int code;

	if (o->given[IMAGE_CPU] && !cpu)
		return complain("--cpu: %s has %zu processors' notes",
				image->path, image->nr_cpus);
	if (!o->mode_given && (!(r.cr0 & CR0_PG) || !(r.cr4 & CR4_PAE)))
		return complain("%s: no 64-bit paging with CR0 0x%" PRIx64
				" and CR4 0x%" PRIx64 "; give --mode",
				image->path, r.cr0, r.cr4);
	code = settle_root(space, o, cpu, image->path);
	if (code)
		return code;
	settle_mode(space, o, &r);
	if (o->given[IMAGE_LEVELS])
		la57 = o->value[IMAGE_LEVELS] == 5;
	space->format = la57 ? VMMU_FORMAT_X86_64_5LEVEL :
		VMMU_FORMAT_X86_64_4LEVEL;
	return settle_real_bytes(space, o, image);
}
