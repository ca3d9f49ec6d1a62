// SPDX-License-Identifier: GPL-2.0
/*
 * What a plain process has: pages of a file in memory, each mapped by a call of
 * mmap(). Reserve nothing: what is not mapped is a hole, and an access SIGSEGV.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "end.h"

static int file;

static int begin(void)
{
	file = memfd_create("memory", 0);
	if (file < 0 || ftruncate(file, REAL_BYTES))
		return -errno;
	memory = mmap(NULL, REAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	return memory == MAP_FAILED ? -errno : 0;
}

static int set_one(struct as *as, const struct vmmu_install_op *op)
{
	int prot = op->value & WRITABLE ? PROT_READ | PROT_WRITE : PROT_READ;

	if (mmap(as->window + op_page(op) * PAGE, PAGE, prot,
		 MAP_SHARED | MAP_FIXED, file, ADDRESS(op->value)) == MAP_FAILED)
		return -errno;
	return 0;
}

/* How many of the operations that begin here unmap pages side by side. */
static unsigned int unmapping(const struct vmmu_install_op *ops, unsigned int nr)
{
	unsigned int i = 0;

	while (i < nr && !ops[i].value && ops[i].va == ops->va + i * PAGE)
		i++;
	return i;
}

/* One munmap() ends pages side by side; mmap() takes one. */
static int set(struct as *as, const struct vmmu_install_op *ops, unsigned int nr)
{
	for (unsigned int i = 0, end; i < nr; i = end) {
		unsigned int pages = unmapping(ops + i, nr - i);
		int ret;

		if (pages)
			ret = munmap(as->window + op_page(ops + i) * PAGE,
				     pages * PAGE) ? -errno : 0;
		else
			ret = set_one(as, ops + i);
		if (ret)
			return ret;
		end = i + (pages ?: 1);
		for (unsigned int j = i; j < end; j++)
			as->entries[op_page(ops + j)] = ops[j].value;
	}
	return 0;
}

/* Where nothing else is, find room for a window, which begins empty. */
static int create(struct as *as, const struct vmmu_install_op *ops, unsigned int nr)
{
	static uint64_t entries[SPACE_PAGES];

	memset(entries, 0, sizeof(entries));
	as->entries = entries;
	as->window = mmap(NULL, SPACE_PAGES * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (as->window == MAP_FAILED)
		return -errno;
	if (munmap(as->window, SPACE_PAGES * PAGE))
		return -errno;
	return set(as, ops, nr);
}

static int destroy(struct as *as)
{
	int ret = munmap(as->window, SPACE_PAGES * PAGE);

	as->window = NULL;
	return ret ? -errno : 0;
}

static int why(struct as *as, unsigned long page, bool write, uint32_t *code)
{
	(void)write;
	*code = as->entries[page] & PRESENT ? VMMU_PF_P : 0;
	return 0;
}

const struct way way_mmap = {
	.signal = SIGSEGV, .begin = begin, .create = create,
	.destroy = destroy, .set = set, .why = why,
};
