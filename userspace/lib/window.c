// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about windows. As in vmmu.c, one system call each.
 */
#include <sys/mman.h>

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

int vmmu_audit(int vm, struct vmmu_audit *audit)
{
	*audit = (struct vmmu_audit){ .size = sizeof(*audit) };
	return call(vm, VMMU_IOC_AUDIT, audit);
}
