/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM or a space of another process: a duplicate of its descriptor.
 */
#ifndef VMMUCTL_REMOTE_H
#define VMMUCTL_REMOTE_H

#include "cli.h"

/* Where the object is, as --pid and --fd say; -1: not said. */
struct target {
	int pid;
	int fd;
};

#define TARGET_NONE	((struct target){ .pid = -1, .fd = -1 })

#define TARGET_HELP \
	"  -p, --pid PID      the process that holds the file\n" \
	"  -f, --fd FD        its descriptor there (`vmmuctl list` shows both)\n"

#define TARGET_OPTION_PID	{ "pid", required_argument, NULL, 'p' }
#define TARGET_OPTION_FD	{ "fd", required_argument, NULL, 'f' }

enum remote_kind {
	REMOTE_VM,
	REMOTE_SPACE,
};

/* The object. @vm or @space holds, as @kind says. */
struct remote {
	enum remote_kind kind;
	int fd;
	struct vmmu_vm_info vm;
	struct vmmu_space_info space;
};

/* Take the value of --pid (@option 'p') or --fd ('f'). */
bool target_option(struct target *target, int option, const char *text);

/*
 * Duplicate the descriptor here, and ask what it is. Return CLI_OK, or the
 * exit code after a message. remote_close() after success.
 */
int remote_open(struct remote *remote, const struct target *target);
void remote_close(struct remote *remote);

/* "space": what the object is in one line of text, or as JSON. */
void remote_print(const struct remote *remote);
struct json_object *remote_json(const struct remote *remote);

#endif /* VMMUCTL_REMOTE_H */
