// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>
#include <unistd.h>

#include "tree.h"

/* The root, one table of level 3, those of level 2; behind them level 1. */
static void build(struct tree *tree)
{
	volatile uint64_t *table = (volatile uint64_t *)tree->memory;

	table[0] = ENTRY(PAGE);
	for (unsigned long i = 0; i < tree->first - 2; i++)
		table[ENTRIES + i] = ENTRY((2 + i) * PAGE);
}

void tree_link(struct tree *tree, unsigned long from, unsigned long to)
{
	volatile uint64_t *table = (volatile uint64_t *)tree->memory;

	for (; from < to; from++)
		table[2 * ENTRIES + from] = ENTRY((tree->first + from) * PAGE);
}

int tree_make(struct tree *tree, uint64_t real_bytes, unsigned long nr_tables)
{
	int ret, dev = vmmu_open(NULL);
	void *memory;

	if (dev < 0)
		return dev;
	tree->nr_tables = nr_tables;
	tree->first = 2 + (nr_tables + ENTRIES - 1) / ENTRIES;
	tree->bytes = (tree->first + nr_tables) * PAGE;
	tree->vm = vmmu_vm_create(dev, real_bytes, NULL);
	close(dev);
	if (tree->vm < 0)
		return tree->vm;
	ret = vmmu_real_map_memory(tree->vm, 0, tree->bytes,
				   PROT_READ | PROT_WRITE, &memory);
	if (ret)
		return ret;
	tree->memory = memory;
	build(tree);
	return 0;
}

int tree_space(struct tree *tree, uint32_t flags)
{
	const struct vmmu_mode mode = {
		.bits = VMMU_MODE_WP | VMMU_MODE_NXE | VMMU_MODE_CPL3,
		.maxphyaddr = 46,
	};

	tree->space = vmmu_space_create(tree->vm, VMMU_FORMAT_X86_64_4LEVEL,
					flags, 0, &mode, NULL);
	return tree->space < 0 ? tree->space : 0;
}

void tree_drop(struct tree *tree)
{
	munmap(tree->memory, tree->bytes);
	close(tree->space);
	close(tree->vm);
}

void tree_ops(struct vmmu_install_op *ops, unsigned long page, unsigned long nr,
	      uint64_t ra)
{
	for (unsigned long i = 0; i < nr; i++) {
		ops[i] = (struct vmmu_install_op){
			.va = (page + i) * PAGE,
			.value = ENTRY(ra + i * PAGE),
			.level = 1,
		};
	}
}

int tree_map(struct tree *tree, unsigned long page, unsigned long nr, uint64_t ra)
{
	static struct vmmu_install_op ops[ENTRIES];

	while (nr) {
		unsigned long some = nr < ENTRIES ? nr : ENTRIES;
		int ret;

		tree_ops(ops, page, some, ra);
		ret = vmmu_install(tree->space, ops, some, 0, NULL, NULL);
		if (ret)
			return ret;
		page += some;
		ra += some * PAGE;
		nr -= some;
	}
	return 0;
}
