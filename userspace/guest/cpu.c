// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU that programs run on.
 *
 * It is a very small one: a program counter, one register that holds a string,
 * and six instructions. What it does with addresses, though, is what every CPU
 * does. Each instruction is fetched from memory, each operand is loaded from
 * or stored to memory, and each of these accesses goes through the page table
 * first. Here the module walks it (VMMU_IOC_TRANSLATE), by the rules of the
 * architecture: is the entry there, does it allow this access to a user? As a
 * CPU would, it marks the entries it used as accessed and the page it wrote as
 * dirty.
 *
 * An access that does not translate ends the instruction before it has changed
 * anything, and cpu_step() returns CPU_FAULT with all that the guest OS needs
 * to know. Once the reason is removed the same instruction is executed again,
 * from its start; the program never notices.
 *
 * The guest OS sees no more of the CPU than cpu_step() and what it returns. A
 * CPU that runs machine code in a mapping that translates by hardware can take
 * its place: it, too, runs until something traps.
 */
#include <string.h>

#include "guest.h"

/* Find out where @va is, in this process. CPU_DONE, CPU_FAULT or -errno. */
static int translate(struct program *program, uint64_t va, uint32_t access,
		     struct trap *trap, char **memory)
{
	struct vmmu_translation *result = &trap->why;
	int err;

	trap->va = va;
	trap->access = access;
	err = vmmu_translate(program->space, va, access,
			     VMMU_TRANSLATE_USER | VMMU_TRANSLATE_SET_AD,
			     result);
	if (err)
		return err;
	if (!(result->flags & VMMU_TRANSLATED))
		return CPU_FAULT;
	*memory = program->guest->memory + result->ra;
	return CPU_DONE;
}

/*
 * Read or write @bytes at @va. They may lie in two pages, which need not be
 * neighbours in real memory: both must translate before either is used.
 */
static int transfer(struct program *program, uint64_t va, uint32_t access,
		    void *data, size_t bytes, struct trap *trap)
{
	size_t in_first = PAGE_BYTES - va % PAGE_BYTES;
	char *first, *second = NULL;
	int event;

	if (in_first > bytes)
		in_first = bytes;
	event = translate(program, va, access, trap, &first);
	if (event == CPU_DONE && in_first < bytes)
		event = translate(program, va + in_first, access, trap,
				  &second);
	if (event != CPU_DONE)
		return event;
	if (access == VMMU_ACCESS_WRITE) {
		memcpy(first, data, in_first);
		if (second)
			memcpy(second, (char *)data + in_first,
			       bytes - in_first);
	} else {
		memcpy(data, first, in_first);
		if (second)
			memcpy((char *)data + in_first, second,
			       bytes - in_first);
	}
	return CPU_DONE;
}

/* Execute one instruction. Return an enum cpu_event, or -errno. */
int cpu_step(struct program *program, struct trap *trap)
{
	struct cpu *cpu = &program->cpu;
	uint64_t next = cpu->pc + sizeof(struct insn);
	struct insn insn;
	int event;

	event = transfer(program, cpu->pc, VMMU_ACCESS_FETCH, &insn,
			 sizeof(insn), trap);
	if (event != CPU_DONE)
		return event;
	switch (insn.op) {
	case OP_SET:
		memcpy(cpu->word, insn.text, sizeof(cpu->word));
		break;
	case OP_LOAD:
		event = transfer(program, insn.va, VMMU_ACCESS_READ, cpu->word,
				 sizeof(cpu->word), trap);
		break;
	case OP_STORE:
		event = transfer(program, insn.va, VMMU_ACCESS_WRITE,
				 cpu->word, sizeof(cpu->word), trap);
		break;
	case OP_JUMP:
		next = insn.va;
		break;
	case OP_WAIT:
		event = CPU_WAIT;
		break;
	case OP_EXIT:
		event = CPU_EXIT;
		break;
	default:
		event = CPU_BAD_INSN;
	}
	if (event != CPU_FAULT && event >= 0)
		cpu->pc = next;
	return event;
}
