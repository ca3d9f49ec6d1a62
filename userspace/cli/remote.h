/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM, space or trap file of another process: a duplicate of its descriptor.
 * It keeps the object alive, and a space its VM, until it is closed.
 */
#ifndef VMMUCTL_REMOTE_H
#define VMMUCTL_REMOTE_H

#include <sys/types.h>

#include "options.h"

struct found_space;

enum remote_kind {
	REMOTE_VM,
	REMOTE_SPACE,
	REMOTE_TRAP,
};

/* The object. @vm, @space or @trap holds, as @kind says. */
struct remote {
	enum remote_kind kind;
	int fd;
	dev_t device;	/* of its inode */
	ino_t inode;
	struct vmmu_vm_info vm;
	struct vmmu_space_info space;
	struct vmmu_trap_info trap;
};

/*
 * Duplicate the descriptor here, and ask what it is. Return CLI_OK, or the
 * exit code after a message. remote_close() after success.
 */
int remote_open(struct remote *remote, const struct target *target);

/* The same without the message: 0 or -errno; and the message, for that error. */
int remote_try(struct remote *remote, const struct target *target);
int remote_refuse(const struct target *target, int err);

void remote_close(struct remote *remote);

/*
 * Open a space that was found, through the first of its holders that still has it;
 * or the VM of @space, through a process that holds it. As remote_open().
 */
int remote_open_found(const struct found_space *space, struct remote *remote);
int remote_open_vm_of(const struct remote *space, struct remote *vm);

/* Whether @target still is that object, which may be closed by now. */
bool remote_is_at(const struct remote *remote, const struct target *target);

/* Whether both are one object. */
bool remote_is_same(const struct remote *one, const struct remote *other);

/* What a command does with the object. Returns an exit code. */
typedef int remote_act_fn(const struct remote *remote, void *context);

/*
 * Open, act, close, and return an exit code; but only where the object is a VM
 * or a space, of any kind, or of that one kind.
 */
int remote_run(const struct target *target, remote_act_fn *act, void *context);
int remote_run_any(const struct target *target, remote_act_fn *act,
		   void *context);
int remote_run_vm(const struct target *target, remote_act_fn *act,
		  void *context);
int remote_run_space(const struct target *target, remote_act_fn *act,
		     void *context);

/* Words for it: "live", "lazy", "x86-64-4level". */
const char *remote_state_name(const struct vmmu_vm_info *vm);
const char *remote_kind_name(const struct vmmu_space_info *space);
const char *remote_format_name(const struct vmmu_space_info *space);

/* What the object is, in one line of text, or as JSON. */
void remote_print(const struct remote *remote);
struct json_object *remote_json(const struct remote *remote);

#endif /* VMMUCTL_REMOTE_H */
