// SPDX-License-Identifier: GPL-2.0
/*
 * userfaultfd: a fault is SIGBUS to the thread (UFFD_FEATURE_SIGBUS), the cheapest
 * way it has to tell. The window is anonymous memory, and a page of it can't be a
 * given page of memory: UFFDIO_COPY makes a copy, which goes back to memory when the
 * page is unmapped. With UFFDIO_CONTINUE the window is memory itself, the pages from
 * DATA on: nothing is copied, but no page can be anywhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "end.h"
#include "end_uffd.h"

static int begin(void)
{
	memory = mmap(NULL, REAL_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? -errno : 0;
}

int uffd_copy(struct as *as, unsigned long page, const void *from, bool writable)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)as->window + page * PAGE,
		.src = (uintptr_t)from,
		.len = PAGE,
		.mode = writable ? 0 : UFFDIO_COPY_MODE_WP,
	};

	return ioctl(as->fd, UFFDIO_COPY, &copy) ? -errno : 0;
}

int uffd_protect(struct as *as, unsigned long first, unsigned long nr)
{
	struct uffdio_writeprotect protect = {
		.range = { (uintptr_t)as->window + first * PAGE, nr * PAGE },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(as->fd, UFFDIO_WRITEPROTECT, &protect) ? -errno : 0;
}

/* What was written to the pages belongs to memory. */
static int drop(struct as *as, unsigned long first, unsigned long nr)
{
	char *at = as->window + first * PAGE;
	bool any = false;

	for (unsigned long i = 0; i < nr; i++) {
		uint64_t entry = as->entries[first + i];

		if (entry & WRITABLE)
			memcpy(memory + ADDRESS(entry), at + i * PAGE, PAGE);
		any |= entry & PRESENT;
		as->entries[first + i] = 0;
	}
	return any && madvise(at, nr * PAGE, MADV_DONTNEED) ? -errno : 0;
}

static int fill(struct as *as, const struct vmmu_install_op *op)
{
	if (!op->value)
		return 0;
	as->entries[op_page(op)] = op->value;
	return uffd_copy(as, op_page(op), memory + ADDRESS(op->value),
			 op->value & WRITABLE);
}

static unsigned int side_by_side(const struct vmmu_install_op *ops, unsigned int nr)
{
	unsigned int i = 1;

	while (i < nr && ops[i].va == ops->va + i * PAGE)
		i++;
	return i;
}

/* One madvise() ends what pages side by side were; each is copied by itself. */
static int set(struct as *as, const struct vmmu_install_op *ops, unsigned int nr)
{
	for (unsigned int i = 0, end; i < nr; i = end) {
		unsigned int pages = side_by_side(ops + i, nr - i);
		int ret = drop(as, op_page(ops + i), pages);

		end = i + pages;
		for (unsigned int j = i; j < end && !ret; j++)
			ret = fill(as, ops + j);
		if (ret)
			return ret;
	}
	return 0;
}

static int make_uffd(struct as *as, uint64_t features, uint64_t modes)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS | features,
	};
	struct uffdio_register range = {
		.range = { (uintptr_t)as->window, SPACE_PAGES * PAGE },
		.mode = modes,
	};

	as->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (as->fd < 0)
		return -errno;
	if (ioctl(as->fd, UFFDIO_API, &api) ||
	    ioctl(as->fd, UFFDIO_REGISTER, &range))
		return -errno;
	return 0;
}

static void clear_entries(struct as *as)
{
	static uint64_t entries[2][SPACE_PAGES];

	as->entries = entries[as == &child];
	memset(entries[as == &child], 0, sizeof(entries[0]));
}

static int create(struct as *as, const struct vmmu_install_op *ops, unsigned int nr)
{
	int ret;

	clear_entries(as);
	as->window = mmap(NULL, SPACE_PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (as->window == MAP_FAILED)
		return -errno;
	ret = make_uffd(as, 0, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	return ret ?: set(as, ops, nr);
}

static int destroy(struct as *as)
{
	int ret = munmap(as->window, SPACE_PAGES * PAGE);

	as->window = NULL;
	return ret || close(as->fd) ? -errno : 0;
}

static int why(struct as *as, unsigned long page, bool write, uint32_t *code)
{
	(void)write;
	*code = as->entries[page] & PRESENT ? VMMU_PF_P : 0;
	return 0;
}

const struct way way_uffd = {
	.signal = SIGBUS, .begin = begin, .create = create,
	.destroy = destroy, .set = set, .why = why,
};

static int file;

static int make_file(void)
{
	file = memfd_create("memory", 0);
	if (file < 0 || ftruncate(file, REAL_BYTES))
		return -errno;
	memory = mmap(NULL, REAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	return memory == MAP_FAILED ? -errno : 0;
}

static int create_continue(struct as *as, const struct vmmu_install_op *ops,
			   unsigned int nr)
{
	int ret;

	clear_entries(as);
	as->window = mmap(NULL, SPACE_PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED, file, DATA);
	if (as->window == MAP_FAILED)
		return -errno;
	ret = make_uffd(as, UFFD_FEATURE_MINOR_SHMEM, UFFDIO_REGISTER_MODE_MINOR);
	return ret ?: way->set(as, ops, nr);
}

/* Only whether an operation maps or unmaps counts, not what. */
static int set_continue(struct as *as, const struct vmmu_install_op *ops,
			unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		char *at = as->window + op_page(ops + i) * PAGE;
		struct uffdio_continue map = { .range = { (uintptr_t)at, PAGE } };

		if (ops[i].value ? ioctl(as->fd, UFFDIO_CONTINUE, &map) :
				   madvise(at, PAGE, MADV_DONTNEED))
			return -errno;
		as->entries[op_page(ops + i)] = ops[i].value;
	}
	return 0;
}

const struct way way_continue = {
	.signal = SIGBUS, .begin = make_file, .create = create_continue,
	.destroy = destroy, .set = set_continue, .why = why,
};
