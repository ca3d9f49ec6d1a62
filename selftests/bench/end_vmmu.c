// SPDX-License-Identifier: GPL-2.0
/* vmmu's four ways, in which userspace/guest/entries.c changes entries, too. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "end.h"

/* An address space has a table of each level, root first. */
#define LEVELS		4U

/* Behind the tables of the VM's first space, which nobody uses. */
#define PARENT_TABLES	(16 * PAGE)
#define CHILD_TABLES	(32 * PAGE)

static struct guest guest;
static uint32_t space_flags;

static int begin(uint32_t flags)
{
	int ret = guest_make(&guest, VMMU_SPACE_LAZY);

	memory = guest.memory;
	space_flags = flags;
	return ret;
}

static int begin_lazily(void)
{
	return begin(VMMU_SPACE_LAZY);
}

static int begin_trapping(void)
{
	return begin(VMMU_SPACE_TRAPPING);
}

static volatile uint64_t *find(struct as *as, const struct vmmu_install_op *op)
{
	uint64_t table = as->tables + (LEVELS - op->level) * PAGE;
	uint64_t index = op->va >> (12 + 9 * (op->level - 1)) & 511;

	return (volatile uint64_t *)(memory + table + index * sizeof(uint64_t));
}

static int set_by_stores(struct as *as, const struct vmmu_install_op *ops,
			 unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		*find(as, &ops[i]) = ops[i].value;
	return 0;
}

static int set_by_hypercalls(struct as *as, const struct vmmu_install_op *ops,
			     unsigned int nr)
{
	int ret = 0;

	for (unsigned int i = 0; i < nr && !ret; i++)
		ret = vmmu_install(as->fd, ops + i, 1, 0, NULL, NULL);
	return ret;
}

static int set_by_batches(struct as *as, const struct vmmu_install_op *ops,
			  unsigned int nr)
{
	return vmmu_install(as->fd, ops, nr, 0, NULL, NULL);
}

/* Whether a processor may go on to use what the entry was. */
static bool is_remembered(uint64_t old, uint64_t value)
{
	return old & PRESENT &&
	       (!(value & PRESENT) || ADDRESS(old) != ADDRESS(value) ||
		(old & WRITABLE && !(value & WRITABLE)));
}

/* One invalidation for all, from the first stale page to the last. */
static int set_lazily(struct as *as, const struct vmmu_install_op *ops,
		      unsigned int nr)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (unsigned int i = 0; i < nr; i++) {
		volatile uint64_t *entry = find(as, &ops[i]);
		uint64_t old = *entry;

		*entry = ops[i].value;
		if (!is_remembered(old, ops[i].value))
			continue;
		if (ops[i].va < first)
			first = ops[i].va;
		if (ops[i].va > last)
			last = ops[i].va;
	}
	return first > last ? 0 :
	       vmmu_invalidate(as->fd, first, last - first + PAGE);
}

/* Tables that are empty, and nobody knows of them yet. */
static void clear_tables(struct as *as)
{
	as->tables = as == &parent ? PARENT_TABLES : CHILD_TABLES;
	memset(memory + as->tables, 0, LEVELS * PAGE);
	as->entries = (volatile uint64_t *)(memory + as->tables + (LEVELS - 1) * PAGE);
}

/* The tables become the program's. */
static int make_space(struct as *as)
{
	const struct vmmu_mode mode = {
		.bits = VMMU_MODE_WP | VMMU_MODE_NXE | VMMU_MODE_CPL3,
		.maxphyaddr = 46,
	};
	void *window = NULL;
	int ret;

	as->fd = vmmu_space_create(guest.vm, VMMU_FORMAT_X86_64_4LEVEL,
				   space_flags, as->tables, &mode, NULL);
	if (as->fd < 0)
		return as->fd;
	ret = vmmu_window_map(as->fd, VA, SPACE_PAGES * PAGE,
			      PROT_READ | PROT_WRITE, NULL, &window);
	as->window = window;
	return ret;
}

/* The entries that lead to the last table, upper levels first. */
static int set_tables(struct as *as, int (*set)(struct as *as,
						const struct vmmu_install_op *ops,
						unsigned int nr))
{
	struct vmmu_install_op ops[LEVELS - 1];

	for (unsigned int i = 0; i < LEVELS - 1; i++) {
		ops[i] = (struct vmmu_install_op){
			.va = VA, .level = LEVELS - i,
			.value = ENTRY(as->tables + (i + 1) * PAGE),
		};
	}
	return set(as, ops, LEVELS - 1);
}

static int create(struct as *as, const struct vmmu_install_op *ops,
		  unsigned int nr)
{
	int ret;

	clear_tables(as);
	ret = make_space(as) ?: set_tables(as, way->set);
	return ret || !nr ? ret : way->set(as, ops, nr);
}

static int create_prepared(struct as *as, const struct vmmu_install_op *ops,
			   unsigned int nr)
{
	clear_tables(as);
	set_tables(as, set_by_stores);
	set_by_stores(as, ops, nr);
	return make_space(as);
}

static int destroy(struct as *as)
{
	munmap(as->window, SPACE_PAGES * PAGE);
	as->window = NULL;
	return close(as->fd);
}

/* As the processor would tell it. */
static int why(struct as *as, unsigned long page, bool write, uint32_t *code)
{
	struct vmmu_fault fault;
	int ret = vmmu_fault(as->fd, as->window + page * PAGE,
			     write ? VMMU_ACCESS_WRITE : VMMU_ACCESS_READ, &fault);

	*code = fault.result.error_code;
	return ret;
}

const struct way way_stores = {
	.signal = SIGSEGV, .begin = begin_trapping, .create = create,
	.destroy = destroy, .set = set_by_stores, .why = why,
};

const struct way way_prepared = {
	.signal = SIGSEGV, .begin = begin_trapping, .create = create_prepared,
	.destroy = destroy, .set = set_by_stores, .why = why,
};

const struct way way_hypercalls = {
	.signal = SIGSEGV, .begin = begin_lazily, .create = create,
	.destroy = destroy, .set = set_by_hypercalls, .why = why,
};

const struct way way_batches = {
	.signal = SIGSEGV, .begin = begin_lazily, .create = create,
	.destroy = destroy, .set = set_by_batches, .why = why,
};

const struct way way_lazy = {
	.signal = SIGSEGV, .begin = begin_lazily, .create = create,
	.destroy = destroy, .set = set_lazily, .why = why,
};
