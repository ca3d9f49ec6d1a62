/* SPDX-License-Identifier: GPL-2.0 */
/* A memory cgroup of a test's own, with a limit. */
#ifndef VMMU_MEMCG_H
#define VMMU_MEMCG_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmmu_proc.h"

/*
 * @root: where cgroup2 is mounted
 * @group: folder of the group
 * @mounted: whether we mounted it
 */
struct memcg {
	char root[64];
	char group[96];
	bool mounted;
};

static inline int memcg_put(const char *dir, const char *name,
			    const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return write_text(path, text);
}

/* The number in a file of a group, after @key where it has several. */
static inline long long memcg_number(const char *dir, const char *name,
				     const char *key)
{
	char path[256], line[256];
	long long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		value = strtoll(line + strlen(key), NULL, 10);
		break;
	}
	fclose(f);
	return value;
}

static inline int memcg_limit(const struct memcg *m, unsigned long long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", bytes);
	return memcg_put(m->group, "memory.max", text);
}

/* The file of the limit, for when there is no memory to open it any more. */
static inline int memcg_open(const struct memcg *m)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.max", m->group);
	return open(path, O_WRONLY | O_CLOEXEC);
}

/* Make a group whose tasks may have @bytes, and no swap. NULL, or why not. */
static inline const char *memcg_make(struct memcg *m, unsigned long long bytes)
{
	*m = (struct memcg){ .root = "/sys/fs/cgroup" };
	if (memcg_number(m->root, "cgroup.procs", "") < 0) {
		snprintf(m->root, sizeof(m->root), "/tmp/vmmu-cgroup");
		mkdir(m->root, 0700);
		if (mount("none", m->root, "cgroup2", 0, NULL))
			return "cannot mount cgroup2";
		m->mounted = true;
	}
	if (memcg_put(m->root, "cgroup.subtree_control", "+memory"))
		return "no memory controller in cgroup2";
	snprintf(m->group, sizeof(m->group), "%s/vmmu-test-%d", m->root,
		 getpid());
	if (mkdir(m->group, 0700) || memcg_limit(m, bytes))
		return "cannot make a cgroup";
	memcg_put(m->group, "memory.swap.max", "0");
	return NULL;
}

static inline void memcg_drop(struct memcg *m)
{
	memcg_put(m->root, "cgroup.procs", "0");
	rmdir(m->group);
	if (m->mounted) {
		umount2(m->root, MNT_DETACH);
		rmdir(m->root);
	}
}

#endif /* VMMU_MEMCG_H */
