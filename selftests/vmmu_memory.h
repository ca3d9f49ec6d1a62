/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What memory is in use, by the kernel's accounts: the user's locked memory,
 * and all of the machine's. What is freed is back a grace period later, or,
 * where somebody else held it, a second or two: so these wait for it.
 */
#ifndef VMMU_MEMORY_H
#define VMMU_MEMORY_H

#include "vmmu_guest.h"
#include "vmmu_proc.h"

/* Bytes that the caller's user may still lock; ~0 also when nobody tells. */
static inline __u64 room(int dev)
{
	struct vmmu_info i;

	return _info(dev, &i) ? ~0ULL : i.memlock_bytes;
}

/* Wait until there is @want of room, ten seconds at most; what there is. */
static inline __u64 wait_for_room(int dev, __u64 want)
{
	int tries;

	for (tries = 0; tries < 1000 && room(dev) != want; tries++)
		sleep_ms(10);
	return room(dev);
}

/* A line of /proc/meminfo, in KiB; -1 when there is none. */
static inline long meminfo(const char *key)
{
	size_t len = strlen(key);
	long value = -1;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len) && line[len] == ':')
			value = strtol(line + len + 1, NULL, 10);
	if (f)
		fclose(f);
	return value;
}

/*
 * KiB of free pages that the kernel counts as used, because CPUs keep them to
 * themselves: since 6.7 that may be tens of MiB after many were freed at once.
 */
static inline long kept_by_cpus(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long pages, all = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &pages) == 1)
			all += pages;
	if (f)
		fclose(f);
	return all * 4;
}

/* Drop the kernel's caches, so that what is in use is what is needed. */
static inline void drop_caches(void)
{
	sync();
	write_text("/proc/sys/vm/drop_caches", "3");
}

#endif /* VMMU_MEMORY_H */
