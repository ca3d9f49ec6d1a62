// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "usage.h"

/* A line of /proc/meminfo, in KiB; -ENOENT when there is none. */
static long meminfo(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "re");
	long value, found = -ENOENT;
	char line[128], name[64];

	while (file && found < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]: %ld", name, &value) == 2 &&
		    !strcmp(name, key))
			found = value;
	}
	if (file)
		fclose(file);
	return found;
}

/* KiB of free pages that the kernel counts as used: each CPU keeps some. */
static long kept_by_cpus(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	long pages, all = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " count: %ld", &pages) == 1)
			all += pages;
	}
	if (file)
		fclose(file);
	return all * 4;
}

long usage_all(void)
{
	long all = meminfo("MemTotal"), unused = meminfo("MemFree");

	return all < 0 || unused < 0 ? -ENOENT : all - unused - kept_by_cpus();
}

long usage_host_tables(void)
{
	return meminfo("PageTables");
}

/* Have caches dropped, and what each CPU has counted for itself added up. */
static int tidy(void)
{
	int drop = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	int refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (drop < 0 || refresh < 0 || write(drop, "3", 1) != 1)
		ret = -errno;
	for (int i = 0; i < 4; i++)
		settle();
	if (!ret && write(refresh, "1", 1) != 1)
		ret = -errno;
	close(drop);
	close(refresh);
	return ret;
}

long usage_settled(long (*usage)(void))
{
	long last = -1, now = -1;

	for (int i = 0; i < 20; i++) {
		int ret = tidy();

		now = ret ?: usage();
		if (now < 0 || now == last)
			break;
		last = now;
	}
	return now;
}
