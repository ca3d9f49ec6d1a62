/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What /proc/PID/fdinfo tells about the VMs, spaces and trap files of this host.
 */
#ifndef VMMUCTL_FDINFO_H
#define VMMUCTL_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A process that holds an object, by these descriptors. */
struct holder {
	pid_t pid;
	char comm[32];
	int *fds;
	size_t nr_fds;
};

struct holders {
	struct holder *list;
	size_t nr;
};

/* A space. @vm is the id of its VM. */
struct found_space {
	uint64_t id;
	uint64_t vm;
	uint64_t root;
	char format[32];
	char mode[128];
	char kind[16];
	char delivery[16];
	char installs[96];	/* "hypercall none, store notify, ..." */
	struct holders holders;
};

/* A trap file. It has no id, but the number of its inode. */
struct found_trap {
	uint64_t inode;
	uint64_t vm;
	uint64_t waiting;
	char records[160];	/* "4 made, 4 read, ..." */
	struct holders holders;
};

/*
 * A VM. The numbers are known only if some process holds the VM itself, not
 * just a space of it: @known.
 */
struct found_vm {
	uint64_t id;
	bool known;
	uint64_t real_bytes;
	uint64_t frames;
	uint64_t tables;
	uint64_t nr_spaces;
	uint64_t charged_bytes;
	uint64_t sequence;
	uint64_t zaps;
	char state[16];
	struct holders holders;
};

/* Everything that was found, in order of ids. */
struct found {
	struct found_vm *vms;
	size_t nr_vms;
	struct found_space *spaces;
	size_t nr_spaces;
	struct found_trap *traps;
	size_t nr_traps;
	size_t unreadable;	/* processes that may not be looked at */
};

/*
 * Look at every process under @proc ("/proc"). Return 0; -errno if @proc
 * itself can't be read. found_free() in both cases.
 */
int found_scan(const char *proc, struct found *found);
void found_free(struct found *found);

/* The VM, or the space of the VM @vm, with this id; NULL if none was found. */
struct found_vm *found_vm(const struct found *found, uint64_t id);
struct found_space *found_space(const struct found *found, uint64_t vm,
				uint64_t id);

#endif /* VMMUCTL_FDINFO_H */
