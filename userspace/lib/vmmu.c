// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of /dev/vmmu: each function fills a structure, makes one system
 * call and hands the answer out. Nothing here keeps state, retries or judges
 * an argument: that is the module's part.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "call.h"
#include "vmmu.h"

int vmmu_open(const char *path)
{
	int saved = errno;

	return answer(open(path ? path : VMMU_DEVICE, O_RDWR | O_CLOEXEC),
		      saved);
}

int vmmu_info(int fd, struct vmmu_info *info)
{
	*info = (struct vmmu_info){ .size = sizeof(*info) };
	return call(fd, VMMU_IOC_INFO, info);
}

int vmmu_vm_create(int dev, uint64_t real_bytes, uint64_t *id)
{
	struct vmmu_vm_create args = {
		.size = sizeof(args),
		.real_bytes = real_bytes,
	};
	int err = call(dev, VMMU_IOC_VM_CREATE, &args);

	if (err)
		return err;
	if (id)
		*id = args.id;
	return args.fd;
}

int vmmu_vm_info(int vm, struct vmmu_vm_info *info)
{
	*info = (struct vmmu_vm_info){ .size = sizeof(*info) };
	return call(vm, VMMU_IOC_VM_INFO, info);
}

static int range(int vm, unsigned long request, uint64_t ra, uint64_t bytes,
		 uint64_t *done)
{
	struct vmmu_range args = {
		.size = sizeof(args),
		.ra = ra,
		.bytes = bytes,
	};
	int err = call(vm, request, &args);

	if (done)
		*done = args.done;
	return err;
}

int vmmu_populate(int vm, uint64_t ra, uint64_t bytes, uint64_t *done)
{
	return range(vm, VMMU_IOC_POPULATE, ra, bytes, done);
}

int vmmu_discard(int vm, uint64_t ra, uint64_t bytes, uint64_t *done)
{
	return range(vm, VMMU_IOC_DISCARD, ra, bytes, done);
}

int vmmu_real_map(int vm, uint64_t *ra, uint64_t last,
		  struct vmmu_real_map_entry *entries, uint32_t nr)
{
	struct vmmu_real_map args = {
		.size = sizeof(args),
		.ra = *ra,
		.last = last,
		.nr = nr,
		.entries = address(entries),
	};
	int err = call(vm, VMMU_IOC_REAL_MAP, &args);

	if (err)
		return err;
	*ra = args.ra;
	return args.done;
}

int vmmu_real_map_memory(int vm, uint64_t ra, size_t bytes, int prot,
			 void **memory)
{
	int saved = errno;
	void *mapped = mmap(NULL, bytes, prot, MAP_SHARED, vm, ra);

	if (mapped == MAP_FAILED)
		return answer(-1, saved);
	*memory = mapped;
	return 0;
}

int vmmu_space_create(int vm, uint32_t format, uint32_t flags, uint64_t root,
		      const struct vmmu_mode *mode, uint64_t *id)
{
	struct vmmu_space_create args = {
		.size = sizeof(args),
		.flags = flags,
		.format = format,
		.root = root,
		.mode = *mode,
	};
	int err = call(vm, VMMU_IOC_SPACE_CREATE, &args);

	if (err)
		return err;
	if (id)
		*id = args.id;
	return args.fd;
}

int vmmu_space_info(int space, struct vmmu_space_info *info)
{
	*info = (struct vmmu_space_info){ .size = sizeof(*info) };
	return call(space, VMMU_IOC_SPACE_INFO, info);
}

int vmmu_set_root(int space, uint64_t root)
{
	struct vmmu_set_root args = {
		.size = sizeof(args),
		.root = root,
	};

	return call(space, VMMU_IOC_SET_ROOT, &args);
}

int vmmu_set_mode(int space, const struct vmmu_mode *mode)
{
	struct vmmu_set_mode args = {
		.size = sizeof(args),
		.mode = *mode,
	};

	return call(space, VMMU_IOC_SET_MODE, &args);
}

int vmmu_install(int space, const struct vmmu_install_op *ops, uint32_t nr,
		 uint32_t flags, uint8_t *outcomes, struct vmmu_install *out)
{
	struct vmmu_install args = {
		.size = sizeof(args),
		.flags = flags,
		.nr = nr,
		.ops = address(ops),
		.outcomes = address(outcomes),
	};
	int err = call(space, VMMU_IOC_INSTALL, &args);

	if (out)
		*out = args;
	return err;
}

int vmmu_install_at(int space, uint64_t ra, uint64_t value,
		    struct vmmu_install *out)
{
	struct vmmu_install_op op = { .va = ra, .value = value };

	return vmmu_install(space, &op, 1, VMMU_INSTALL_BY_RA, NULL, out);
}

int vmmu_translate(int space, uint64_t va, uint32_t access, uint32_t flags,
		   struct vmmu_translation *result)
{
	struct vmmu_translate args = {
		.size = sizeof(args),
		.flags = flags,
		.access = access,
		.nr = 1,
		.va = va,
	};
	int err = call(space, VMMU_IOC_TRANSLATE, &args);

	if (!err)
		*result = args.result;
	return err;
}

static int translate_many(int space, struct vmmu_translate *args,
			  struct vmmu_translation *results, uint32_t *done)
{
	int err;

	args->size = sizeof(*args);
	args->results = address(results);
	err = call(space, VMMU_IOC_TRANSLATE, args);
	if (done)
		*done = args->done;
	return err;
}

int vmmu_translate_array(int space, const uint64_t *vas, uint32_t nr,
			 uint32_t access, uint32_t flags,
			 struct vmmu_translation *results, uint32_t *done)
{
	struct vmmu_translate args = {
		.flags = flags,
		.access = access,
		.nr = nr,
		.vas = address(vas),
	};

	return translate_many(space, &args, results, done);
}

int vmmu_translate_range(int space, uint64_t va, uint32_t nr, uint32_t access,
			 uint32_t flags, struct vmmu_translation *results,
			 uint32_t *done)
{
	struct vmmu_translate args = {
		.flags = flags,
		.access = access,
		.nr = nr,
		.va = va,
	};

	return translate_many(space, &args, results, done);
}

int vmmu_explain(int space, uint64_t va, uint32_t access, uint32_t flags,
		 struct vmmu_step *steps, uint32_t nr_steps,
		 struct vmmu_translation *result)
{
	struct vmmu_explain args = {
		.size = sizeof(args),
		.flags = flags,
		.access = access,
		.nr = nr_steps,
		.va = va,
		.steps = address(steps),
	};
	int err = call(space, VMMU_IOC_EXPLAIN, &args);

	if (err)
		return err;
	*result = args.result;
	return args.done;
}

int vmmu_mappings(int space, uint64_t *va, uint64_t last,
		  struct vmmu_mapping *mappings, uint32_t nr, uint32_t *more)
{
	struct vmmu_mappings args = {
		.size = sizeof(args),
		.va = *va,
		.last = last,
		.nr = nr,
		.mappings = address(mappings),
	};
	int err = call(space, VMMU_IOC_MAPPINGS, &args);

	if (err)
		return err;
	*va = args.va;
	*more = args.more;
	return args.done;
}

static int memory(int space, unsigned long request, struct vmmu_memory *args,
		  struct vmmu_memory *out)
{
	int err;

	args->size = sizeof(*args);
	err = call(space, request, args);
	if (out)
		*out = *args;
	return err;
}

int vmmu_read(int space, uint64_t va, void *buffer, uint64_t bytes,
	      uint32_t flags, struct vmmu_memory *out)
{
	struct vmmu_memory args = {
		.flags = flags,
		.va = va,
		.bytes = bytes,
		.buffer = address(buffer),
	};

	return memory(space, VMMU_IOC_READ, &args, out);
}

int vmmu_write(int space, uint64_t va, const void *buffer, uint64_t bytes,
	       uint32_t flags, struct vmmu_memory *out)
{
	struct vmmu_memory args = {
		.flags = flags,
		.va = va,
		.bytes = bytes,
		.buffer = address(buffer),
	};

	return memory(space, VMMU_IOC_WRITE, &args, out);
}

int vmmu_cmpxchg(int space, uint64_t va, uint32_t bytes, uint64_t *expected,
		 uint64_t desired, uint32_t flags,
		 struct vmmu_translation *result)
{
	struct vmmu_cmpxchg args = {
		.size = sizeof(args),
		.flags = flags,
		.va = va,
		.bytes = bytes,
		.expected = *expected,
		.desired = desired,
	};
	int err = call(space, VMMU_IOC_CMPXCHG, &args);

	if (result)
		*result = args.result;
	if (err)
		return err;
	*expected = args.seen;
	return args.swapped;
}

int vmmu_real_of_frame(int vm, uint64_t frame, uint64_t *ra)
{
	struct vmmu_real_of_frame args = {
		.size = sizeof(args),
		.frame = frame,
	};
	int err = call(vm, VMMU_IOC_REAL_OF_FRAME, &args);

	if (!err)
		*ra = args.ra;
	return err;
}

int vmmu_mappers(int vm, uint64_t ra, struct vmmu_mappers_from *from,
		 struct vmmu_mapper *mappers, uint32_t nr, uint32_t *more)
{
	struct vmmu_mappers args = {
		.size = sizeof(args),
		.ra = ra,
		.space = from->space,
		.va = from->va,
		.nr = nr,
		.mappers = address(mappers),
	};
	int err = call(vm, VMMU_IOC_MAPPERS, &args);

	if (err)
		return err;
	from->space = args.space;
	from->va = args.va;
	*more = args.more;
	return args.done;
}
