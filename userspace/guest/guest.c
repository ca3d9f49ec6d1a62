// SPDX-License-Identifier: GPL-2.0
/*
 * Boot, and whose turn it is.
 *
 * A VM is created with an amount of real memory, which costs the host nothing
 * as long as it is not used. The guest OS maps all of it, notes that all of it
 * is free, and is ready to run programs.
 *
 * The scheduler is as fair as it is simple: each program that can go on
 * executes one instruction, then it is the next one's turn. So the programs'
 * page faults take turns, too, and their real pages come to lie between each
 * other's. Nothing in a program depends on where they lie.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

int guest_boot(struct guest *guest, int dev, unsigned int number,
	       uint64_t real_bytes, uint32_t format)
{
	void *memory;
	int vm, err;

	vm = vmmu_vm_create(dev, real_bytes, NULL);
	if (vm < 0)
		return vm;
	err = vmmu_real_map_memory(vm, 0, real_bytes, PROT_READ | PROT_WRITE,
				   &memory);
	if (err)
		goto close_vm;
	memset(guest, 0, sizeof(*guest));
	err = pages_init(&guest->pages, vm, real_bytes / PAGE_BYTES);
	if (err)
		goto unmap;
	guest->vm = vm;
	guest->number = number;
	guest->format = format;
	guest->real_bytes = real_bytes;
	guest->memory = memory;
	return 0;

unmap:
	munmap(memory, real_bytes);
close_vm:
	close(vm);
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

/*
 * Switch the VM off. It lives until nothing refers to it: spaces, mapping and
 * file go, and the module gives all its frames back to the host.
 */
void guest_halt(struct guest *guest)
{
	unsigned int i;

	for (i = 0; i < guest->nr_programs; i++)
		if (guest->programs[i].space >= 0)
			table_destroy(&guest->programs[i]);
	munmap(guest->memory, guest->real_bytes);
	pages_exit(&guest->pages);
	close(guest->vm);
}
