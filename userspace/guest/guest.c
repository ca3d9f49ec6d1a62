// SPDX-License-Identifier: GPL-2.0
/*
 * Boot, and whose turn it is.
 *
 * A VM is created with an amount of real memory, which costs the host nothing
 * as long as it is not used. The guest OS maps all of it, notes that all of it
 * is free, and is ready to run programs.
 *
 * It also chooses how it wants to hear of page faults: by signals, or by records
 * on a trap file; and how it changes page tables (entries.c). What it does about
 * page faults, and what its page tables say, is the same.
 *
 * The VM has one CPU, and the scheduler is as fair as it is simple: each program
 * that can go on runs until it traps, then it is the next one's turn. So the
 * programs' page faults take turns, too, and their real pages come to lie
 * between each other's. Nothing in a program depends on where they lie. A
 * program that never traps would keep the CPU: there is no clock in this VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "guest.h"

/* Hear of host processes that stop or end, by a file instead of a handler. */
static int open_children(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* A trap file from which nobody waits to read: cpu.c polls. */
static int open_trap(int vm)
{
	int trap = vmmu_trap_create(vm);

	if (trap >= 0 && fcntl(trap, F_SETFL, O_NONBLOCK)) {
		int err = -errno;

		close(trap);
		return err;
	}
	return trap;
}

/* Switch the VM off, as far as it was switched on. */
static void switch_off(struct guest *guest)
{
	if (guest->pages.map)
		pages_exit(&guest->pages);
	if (guest->memory)
		munmap(guest->memory, guest->real_bytes);
	if (guest->trap >= 0)
		close(guest->trap);
	if (guest->children >= 0)
		close(guest->children);
	close(guest->vm);
}

int guest_boot(struct guest *guest, int dev, const struct guest_plan *plan)
{
	int err;

	memset(guest, 0, sizeof(*guest));
	guest->number = plan->number;
	guest->next_number = 1;
	guest->format = plan->format;
	guest->way = plan->way;
	guest->real_bytes = plan->real_bytes;
	guest->trap = -1;
	guest->vm = vmmu_vm_create(dev, plan->real_bytes, NULL);
	if (guest->vm < 0)
		return guest->vm;
	guest->children = open_children();
	err = guest->children < 0 ? guest->children : 0;
	if (!err && plan->delivery == VMMU_DELIVER_RECORD) {
		guest->trap = open_trap(guest->vm);
		err = guest->trap < 0 ? guest->trap : 0;
	}
	if (!err)
		err = vmmu_real_map_memory(guest->vm, 0, guest->real_bytes,
					   PROT_READ | PROT_WRITE,
					   (void **)&guest->memory);
	if (!err)
		err = pages_init(&guest->pages, guest->vm,
				 guest->real_bytes / PAGE_BYTES);
	if (err)
		switch_off(guest);
	return err;
}

/* Run until every program waits or has ended. */
int guest_run(struct guest *guest)
{
	bool busy = true;
	unsigned int i;
	int err;

	while (busy) {
		busy = false;
		for (i = 0; i < guest->nr_programs; i++) {
			if (guest->programs[i].state != PROGRAM_READY)
				continue;
			busy = true;
			err = program_step(&guest->programs[i]);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Let every program that waits go on, when the guest runs again. */
void guest_wake(struct guest *guest)
{
	unsigned int i;

	for (i = 0; i < guest->nr_programs; i++)
		program_wake(&guest->programs[i]);
}

/*
 * Switch the VM off. It lives until nothing refers to it: programs with their
 * windows, spaces, mapping and files go, and the module gives all its frames
 * back to the host.
 */
void guest_halt(struct guest *guest)
{
	unsigned int i;

	for (i = 0; i < guest->nr_programs; i++) {
		struct program *program = &guest->programs[i];

		cpu_destroy(program);
		if (program->space >= 0)
			close(program->space);
	}
	load_exit(guest);
	switch_off(guest);
}
