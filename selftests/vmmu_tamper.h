/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module that breaks what a sound kernel never breaks, for tests of how vmmu
 * takes it.
 */
#ifndef VMMU_TAMPER_H
#define VMMU_TAMPER_H

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vmmu_util.h"

/*
 * Load build/tamper-RELEASE/tamper.ko; the folder is beside this program's.
 * NULL, or why it can't be.
 */
static inline const char *tamper_load(void)
{
	char path[512] = {}, *slash;
	struct utsname name;
	int i, fd, ret;

	if (readlink("/proc/self/exe", path, 256) < 0 || uname(&name))
		return "cannot tell where the module is";
	for (i = 0; i < 2; i++) {
		slash = strrchr(path, '/');
		*slash = 0;
	}
	snprintf(path + strlen(path), 200, "/tamper-%s/tamper.ko",
		 name.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return "tamper.ko is not built: selftests/vm/module --from selftests/tamper";
	ret = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret ? "this kernel does not load tamper.ko for us" : NULL;
}

/* Have something broken: a parameter of the module, and what it takes. */
static inline int tamper(const char *what, __u64 where, __u64 value)
{
	char path[64], text[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/tamper/parameters/%s", what);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%llu %llu", where, value);
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static inline void tamper_unload(void)
{
	syscall(SYS_delete_module, "tamper", O_NONBLOCK);
}

#endif /* VMMU_TAMPER_H */
