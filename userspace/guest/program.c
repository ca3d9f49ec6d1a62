// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a program.
 *
 * To create one costs the guest OS a page table, empty but for its root, a note
 * of the regions that the program may use, and a process of the host's to run
 * in. No memory is handed out and nothing is loaded: the program counter is set
 * to the first instruction, and page faults do the rest (fault.c).
 *
 * Every program begins at the same address and has its data at the same
 * address. That they do not meet is the work of their page tables.
 *
 * A fork makes a second program out of one, with the same registers and the
 * same memory. Nothing is copied but page-table entries: both see the same real
 * pages, which neither may write any more. Most of them are never written
 * again, least of all the text.
 *
 * A program ends by its own wish or because it is killed. Either way its
 * process goes first, and with it the window; then the page table, so that
 * nothing can translate through it any more; only then its real pages become
 * free. Another order would let a dying program look into pages that belong to
 * somebody else already.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

/* A program without regions and without a CPU yet, but with a page table. */
static int conceive(struct guest *guest, struct program **conceived)
{
	struct program *program = &guest->programs[guest->nr_programs];
	int err;

	if (guest->nr_programs == MAX_PROGRAMS)
		return -EMFILE;
	*program = (struct program){
		.guest = guest,
		.number = guest->next_number,
		.state = PROGRAM_READY,
		.space = -1,
	};
	err = table_create(program);
	if (err)
		return err;
	*conceived = program;
	return 0;
}

static void publish(struct program *program, struct program **created)
{
	program->guest->nr_programs++;
	program->guest->next_number++;
	if (created)
		*created = program;
}

/*
 * Create a program from a file; it finds @argument in its first register.
 * -EMFILE when the guest OS has as many programs as it can keep.
 */
int program_create(struct guest *guest, const char *path, uint64_t argument,
		   struct program **created)
{
	struct program *program;
	uint64_t entry;
	int err;

	err = conceive(guest, &program);
	if (err)
		return err;
	err = load_program(program, path, &entry);
	if (!err)
		err = cpu_create(program, entry, argument);
	if (err) {
		table_destroy(program);
		return err;
	}
	publish(program, created);
	return 0;
}

/*
 * Create a program like @parent, which is in a system call; it returns there,
 * too, with 0.
 */
int program_fork(struct program *parent, struct program **created)
{
	struct program *child;
	int err;

	err = conceive(parent->guest, &child);
	if (err)
		return err;
	memcpy(child->regions, parent->regions, sizeof(child->regions));
	child->nr_regions = parent->nr_regions;
	err = table_share(child, parent);
	if (!err)
		err = cpu_copy(child, parent);
	if (err) {
		table_destroy(child);
		return err;
	}
	child->cpu.regs.rax = 0;
	publish(child, created);
	return 0;
}

static int end(struct program *program, enum program_state state)
{
	program->state = state;
	cpu_destroy(program);
	return table_destroy(program);
}

/* End a program as it wished. */
int program_exit(struct program *program, int status)
{
	program->status = status;
	return end(program, PROGRAM_EXITED);
}

/* End a program for a reason, which is kept. */
int program_kill(struct program *program, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(program->obituary, sizeof(program->obituary), format,
		  arguments);
	va_end(arguments);
	return end(program, PROGRAM_KILLED);
}

/* Let a program that waits go on. */
void program_wake(struct program *program)
{
	if (program->state == PROGRAM_WAITING)
		program->state = PROGRAM_READY;
}

/* Let a program run until it traps, and do what the trap asks for. */
int program_step(struct program *program)
{
	struct trap trap;
	int err = cpu_run(program, &trap);

	if (err)
		return err;
	switch (trap.kind) {
	case TRAP_FAULT:
		return fault_handle(program, &trap);
	case TRAP_CALL:
		return call_handle(program);
	default:
		return program_kill(program, "exception: %s",
				    strsignal(trap.signal));
	}
}
