// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about traps: where guest page faults and installs go, the records of
 * them, the answers, and what is counted. As in vmmu.c, one system call each.
 */
#include <unistd.h>

#include "call.h"
#include "vmmu.h"

int vmmu_set_delivery(int space, uint32_t delivery, int trap)
{
	return vmmu_set_delivery_of(space, VMMU_TRAP_FAULT, delivery, trap);
}

int vmmu_set_delivery_of(int space, uint32_t kind, uint32_t delivery, int trap)
{
	struct vmmu_set_delivery args = {
		.size = sizeof(args),
		.delivery = delivery,
		.trap = trap,
		/* An older module knows faults only, and no such field. */
		.kind = kind == VMMU_TRAP_FAULT ? 0 : kind,
	};

	return call(space, VMMU_IOC_SET_DELIVERY, &args);
}

int vmmu_get_delivery(int space, uint32_t kind)
{
	struct vmmu_get_delivery args = {
		.size = sizeof(args),
		.kind = kind,
	};
	int err = call(space, VMMU_IOC_GET_DELIVERY, &args);

	return err ? err : (int)args.delivery;
}

int vmmu_trap_create(int vm)
{
	struct vmmu_trap_create args = { .size = sizeof(args) };
	int err = call(vm, VMMU_IOC_TRAP_CREATE, &args);

	return err ? err : args.fd;
}

int vmmu_trap_info(int trap, struct vmmu_trap_info *info)
{
	*info = (struct vmmu_trap_info){ .size = sizeof(*info) };
	return call(trap, VMMU_IOC_TRAP_INFO, info);
}

int vmmu_trap_read(int trap, struct vmmu_trap_record *records, uint32_t nr)
{
	int saved = errno;
	ssize_t bytes = read(trap, records, nr * sizeof(*records));

	return bytes < 0 ? answer(-1, saved) :
			   (int)(bytes / sizeof(*records));
}

static int verdict_on(int trap, uint64_t cookie, uint32_t verdict,
		      uint64_t value)
{
	struct vmmu_trap_answer args = {
		.cookie = cookie,
		.verdict = verdict,
		.value = value,
	};
	int saved = errno;

	return write(trap, &args, sizeof(args)) < 0 ? answer(-1, saved) : 0;
}

int vmmu_trap_answer(int trap, uint64_t cookie, uint32_t verdict)
{
	return verdict_on(trap, cookie, verdict, 0);
}

int vmmu_trap_rewrite(int trap, uint64_t cookie, uint64_t value)
{
	return verdict_on(trap, cookie, VMMU_VERDICT_REWRITE, value);
}

int vmmu_ledger(int fd, struct vmmu_ledger *ledger)
{
	*ledger = (struct vmmu_ledger){ .size = sizeof(*ledger) };
	return call(fd, VMMU_IOC_LEDGER, ledger);
}
