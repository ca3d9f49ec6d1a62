/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vmmuctl's code needs around it in a test without the module: a VM whose
 * real memory is a file, and messages that nobody hears. To be included once
 * in a program.
 */
#ifndef FAKE_CLI_H
#define FAKE_CLI_H

#include "cli.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAKE_BYTES	(8ULL << 20)

static struct {
	int memory;			/* a memfd */
	bool backed[FAKE_BYTES / 4096];
	bool no_memory;
} fake;

static inline void fake_start(void)
{
	fake.memory = memfd_create("real memory", MFD_CLOEXEC);
	if (ftruncate(fake.memory, FAKE_BYTES))
		abort();
}

static inline bool fake_range(uint64_t ra, uint64_t bytes)
{
	return !(ra % 4096) && !(bytes % 4096) && bytes && ra < FAKE_BYTES &&
		bytes <= FAKE_BYTES - ra;
}

static inline unsigned int fake_frames(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < FAKE_BYTES / 4096; i++)
		nr += fake.backed[i];
	return nr;
}

/* Messages: what is refused says why, but only that it is matters here. */

int complain(const char *format, ...)
{
	(void)format;
	return CLI_USAGE;
}

int refused(int err, const char *format, ...)
{
	(void)err;
	(void)format;
	return CLI_REFUSED;
}

int usage(const char *command)
{
	(void)command;
	return CLI_USAGE;
}

void *grow(void *memory, size_t nr, size_t bytes)
{
	return reallocarray(memory, nr ? nr : 1, bytes);
}

int vmmu_populate(int vm, uint64_t ra, uint64_t bytes, uint64_t *done)
{
	(void)vm;
	(void)done;
	if (!fake_range(ra, bytes))
		return -EINVAL;
	if (fake.no_memory)
		return -ENOMEM;
	memset(fake.backed + ra / 4096, true, bytes / 4096);
	return 0;
}

int vmmu_real_map_memory(int vm, uint64_t ra, size_t bytes, int prot,
			 void **memory)
{
	(void)vm;
	if (!fake_range(ra, bytes))
		return -EINVAL;
	*memory = mmap(NULL, bytes, prot, MAP_SHARED, fake.memory, ra);
	return *memory == MAP_FAILED ? -errno : 0;
}

#endif /* FAKE_CLI_H */
