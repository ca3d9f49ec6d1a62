// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a program.
 *
 * A program is a list of instructions, which stands here for a file on disk.
 * To create one costs the guest OS a page table, empty but for its root, and
 * a note of the regions that the program may use. No memory is handed out and
 * nothing is loaded: the program counter is set to the first instruction, and
 * page faults do the rest (fault.c).
 *
 * Every program begins at the same address and has its data at the same
 * address. That they do not meet is the work of their page tables.
 *
 * A program ends by its own wish or because it is killed. Either way the page
 * table goes first, so that nothing can translate through it any more; only
 * then all its real pages become free. The other order would let a dying
 * program look into pages that belong to somebody else already.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "guest.h"

static void set_regions(struct program *program, const struct insn *code,
			size_t bytes)
{
	program->regions[REGION_TEXT] = (struct region){
		.name = "text",
		.start = TEXT_START,
		.end = page_of(TEXT_START + bytes + PAGE_BYTES - 1),
		.floor = TEXT_START,
		.rights = VMMU_RIGHT_READ | VMMU_RIGHT_EXEC,
		.image = code,
		.image_bytes = bytes,
	};
	program->regions[REGION_DATA] = (struct region){
		.name = "data",
		.start = DATA_START,
		.end = DATA_END,
		.floor = DATA_START,
		.rights = VMMU_RIGHT_READ | VMMU_RIGHT_WRITE,
	};
	/* The stack is empty, and has not begun to grow. */
	program->regions[REGION_STACK] = (struct region){
		.name = "stack",
		.start = STACK_END,
		.end = STACK_END,
		.floor = STACK_FLOOR,
		.rights = VMMU_RIGHT_READ | VMMU_RIGHT_WRITE,
	};
}

/*
 * Create a program from @nr instructions, which stay where they are while it
 * lives. -EINVAL when they do not fit below the data, -EMFILE when the guest OS
 * has as many programs as it can keep.
 */
int program_create(struct guest *guest, unsigned int number,
		   const struct insn *code, size_t nr,
		   struct program **created)
{
	struct program *program = &guest->programs[guest->nr_programs];
	int err;

	if (guest->nr_programs == MAX_PROGRAMS)
		return -EMFILE;
	if (!nr || nr > (DATA_START - TEXT_START) / sizeof(*code))
		return -EINVAL;
	*program = (struct program){
		.guest = guest,
		.number = number,
		.state = PROGRAM_READY,
		.cpu = { .pc = TEXT_START },
		.space = -1,
	};
	set_regions(program, code, nr * sizeof(*code));
	err = table_create(program);
	if (err)
		return err;
	guest->nr_programs++;
	if (created)
		*created = program;
	return 0;
}

static int end(struct program *program, enum program_state state)
{
	program->state = state;
	table_destroy(program);
	return pages_free_owned(&program->guest->pages, program);
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

/*
 * Execute one instruction, and as often as it faults serve the fault and try
 * again. Ends, because each fault that is served maps one page more.
 */
int program_step(struct program *program)
{
	struct trap trap;
	int event, err;

	while (program->state == PROGRAM_READY) {
		event = cpu_step(program, &trap);
		switch (event) {
		case CPU_DONE:
			return 0;
		case CPU_FAULT:
			err = fault_handle(program, &trap);
			if (err)
				return err;
			break;
		case CPU_BAD_INSN:
			return program_kill(program, "not an instruction");
		case CPU_WAIT:
			program->state = PROGRAM_WAITING;
			return 0;
		case CPU_EXIT:
			return end(program, PROGRAM_EXITED);
		default:
			return event;
		}
	}
	return 0;
}
