// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pages.h"

static int map(int file, int flags, char **memory, unsigned long nr)
{
	void *at = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);

	if (at == MAP_FAILED)
		return -errno;
	*memory = at;
	return 0;
}

int memory_anonymous(char **memory, unsigned long nr)
{
	/* Of the whole process: it measures nothing else. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return -errno;
	return map(-1, MAP_PRIVATE | MAP_ANONYMOUS, memory, nr);
}

int memory_file(unsigned long nr)
{
	int file = memfd_create("bench", MFD_CLOEXEC);

	if (file < 0 || ftruncate(file, nr * PAGE))
		return -errno;
	for (unsigned long i = 0; i < nr; i++) {
		if (pwrite(file, &i, sizeof(i), i * PAGE) != sizeof(i))
			return -EIO;
	}
	return file;
}

int memory_map(int file, char **memory, unsigned long nr)
{
	return map(file, MAP_SHARED, memory, nr);
}

void memory_write(char *memory, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		dirty(memory + i * PAGE);
}

int memory_drop(char *memory, unsigned long nr)
{
	return madvise(memory, nr * PAGE, MADV_DONTNEED) ? -errno : 0;
}

int memory_drop_settled(char *memory, unsigned long nr)
{
	int ret = memory_drop(memory, nr);

	settle();
	return ret;
}
