// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about windows, and about what the guest has not mapped there. As
 * in vmmu.c, one system call each.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "call.h"
#include "vmmu.h"

int vmmu_window_map(int space, uint64_t va, size_t bytes, int prot, void *at,
		    void **memory)
{
	int flags = MAP_SHARED | (at ? MAP_FIXED_NOREPLACE : 0);
	int saved = errno;
	void *mapped = mmap(at, bytes, prot, flags, space, va);

	if (mapped == MAP_FAILED)
		return answer(-1, saved);
	*memory = mapped;
	return 0;
}

static int invalidate(int space, uint32_t flags, uint64_t va, uint64_t bytes)
{
	struct vmmu_invalidate args = {
		.size = sizeof(args),
		.flags = flags,
		.va = va,
		.bytes = bytes,
	};

	return call(space, VMMU_IOC_INVALIDATE, &args);
}

int vmmu_invalidate(int space, uint64_t va, uint64_t bytes)
{
	return invalidate(space, 0, va, bytes);
}

int vmmu_invalidate_all(int space)
{
	return invalidate(space, VMMU_INVALIDATE_ALL, 0, 0);
}

int vmmu_fault(int space, const void *at, uint32_t access,
	       struct vmmu_fault *fault)
{
	*fault = (struct vmmu_fault){
		.size = sizeof(*fault),
		.address = address(at),
		.access = access,
	};
	return call(space, VMMU_IOC_FAULT, fault);
}

int vmmu_set_delivery(int space, uint32_t delivery, int trap)
{
	struct vmmu_set_delivery args = {
		.size = sizeof(args),
		.delivery = delivery,
		.trap = trap,
	};

	return call(space, VMMU_IOC_SET_DELIVERY, &args);
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

int vmmu_trap_answer(int trap, uint64_t cookie, uint32_t verdict)
{
	struct vmmu_trap_answer args = {
		.cookie = cookie,
		.verdict = verdict,
	};
	int saved = errno;

	return write(trap, &args, sizeof(args)) < 0 ? answer(-1, saved) : 0;
}
