/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listen to the installs in spaces of a VM: have notes of them delivered to a trap
 * file of one's own, without disturbing other monitors.
 */
#ifndef VMMUCTL_LISTEN_H
#define VMMUCTL_LISTEN_H

#include "remote.h"

/* What to listen to. */
struct wanted {
	uint32_t kinds;		/* bits (1 << enum vmmu_trap_kind) */
	uint64_t *spaces;	/* ids; none: every space that can be found */
	size_t nr_spaces;
	bool replace;		/* take away what others get */
};

struct listened {
	uint64_t id;
	uint32_t format;
};

/* The trap file, and whose installs come there. It is all that is held. */
struct listener {
	int trap;
	uint64_t vm;
	struct listened *spaces;
	size_t nr_spaces;
};

/*
 * Begin, in spaces of the VM @object, or in the space that it is. Return an exit
 * code, after a message if it is not CLI_OK: then nothing has changed, but that
 * with @replace some of the others' records may be taken away already.
 * listen_end() in both cases, which puts deliveries back to none; so does the end
 * of the program, however it comes.
 */
int listen_begin(struct listener *listener, const struct remote *object,
		 const struct wanted *wanted);
void listen_end(struct listener *listener);

/* The format of a space's page table. */
uint32_t listen_format(const struct listener *listener, uint64_t space);

#endif /* VMMUCTL_LISTEN_H */
