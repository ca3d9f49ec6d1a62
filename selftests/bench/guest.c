// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>

#include "guest.h"

void guest_build_tables(void *memory)
{
	volatile uint64_t *table = memory;

	table[0] = ENTRY(PAGE);
	table[512 + 1] = ENTRY(2 * PAGE);
	for (unsigned long i = 0; i < NR_PAGES / 512; i++)
		table[2 * 512 + i] = ENTRY((3 + i) * PAGE);
}

int guest_make(struct guest *guest, uint32_t flags)
{
	const struct vmmu_mode mode = {
		.bits = VMMU_MODE_WP | VMMU_MODE_NXE | VMMU_MODE_CPL3,
		.maxphyaddr = 46,
	};
	uint64_t done;
	void *memory;
	int ret, dev;

	dev = vmmu_open(NULL);
	if (dev < 0)
		return dev;
	guest->vm = vmmu_vm_create(dev, REAL_BYTES, NULL);
	if (guest->vm < 0)
		return guest->vm;
	ret = vmmu_real_map_memory(guest->vm, 0, REAL_BYTES,
				   PROT_READ | PROT_WRITE, &memory);
	if (ret)
		return ret;
	guest->memory = memory;
	ret = vmmu_populate(guest->vm, 0, REAL_BYTES, &done);
	if (ret)
		return ret;
	guest_build_tables(memory);
	guest->space = vmmu_space_create(guest->vm, VMMU_FORMAT_X86_64_4LEVEL,
					 flags, 0, &mode, NULL);
	return guest->space < 0 ? guest->space : 0;
}

int guest_window(struct guest *guest)
{
	void *window;
	int ret;

	ret = vmmu_window_map(guest->space, VA, NR_PAGES * PAGE,
			      PROT_READ | PROT_WRITE, NULL, &window);
	guest->window = window;
	return ret;
}

void guest_ops(struct vmmu_install_op *ops, unsigned long first,
	       unsigned long nr, uint64_t ra)
{
	for (unsigned long i = 0; i < nr; i++) {
		ops[i] = (struct vmmu_install_op){
			.va = page_va(first + i),
			.value = ra ? ENTRY(ra + i * PAGE) : 0,
			.level = 1,
		};
	}
}

int guest_issue(struct guest *guest, const struct vmmu_install_op *ops,
		unsigned long nr, unsigned int batch)
{
	for (unsigned long i = 0; i < nr; i += batch) {
		int ret = vmmu_install(guest->space, ops + i, batch, 0, NULL,
				       NULL);

		if (ret)
			return ret;
	}
	return 0;
}

int guest_install(struct guest *guest, unsigned long first, unsigned long nr,
		  uint64_t ra, unsigned int batch)
{
	static struct vmmu_install_op ops[NR_PAGES];

	guest_ops(ops, first, nr, ra);
	return guest_issue(guest, ops, nr, batch);
}
