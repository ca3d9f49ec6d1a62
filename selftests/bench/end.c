// SPDX-License-Identifier: GPL-2.0
/* The guest OS, whatever way it takes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "end.h"

const struct way *way;
char *memory;
struct as parent, child;

/* Behind the pages elsewhere(). */
#define FREE	(OTHER + SPACE_PAGES * PAGE)

static uint64_t next_free;
static unsigned long served;

static uint64_t take_page(void)
{
	uint64_t ra = next_free;

	next_free += PAGE;
	return ra;
}

int expect_served(unsigned long faults, unsigned long copies)
{
	unsigned long taken = (next_free - FREE) / PAGE;

	if (served == faults && taken == copies)
		return 0;
	fprintf(stderr, "bench: %lu faults and %lu copies instead of %lu and %lu\n",
		served, taken, faults, copies);
	return -EILSEQ;
}

void end_reset(void)
{
	for (unsigned long page = 0; page < SPACE_PAGES; page++) {
		*words_at(memory + home(page)) =
			(struct words){ .data = data(home(page)) };
		*words_at(memory + elsewhere(page)) =
			(struct words){ .data = data(elsewhere(page)) };
	}
	next_free = FREE;
	served = 0;
}

/* A page that is present can only be a fork's, to be copied on write. */
static int serve_fault(struct as *as, unsigned long page, uint32_t code)
{
	struct vmmu_install_op op = op_of(page, ENTRY(home(page)));

	if (code & VMMU_PF_P) {
		uint64_t to = take_page();

		memcpy(memory + to, memory + ADDRESS(as->entries[page]), PAGE);
		op.value = ENTRY(to);
	}
	return way->set(as, &op, 1);
}

int (*serve)(struct as *as, unsigned long page, uint32_t code) = serve_fault;

static bool is_in(const struct as *as, const char *address)
{
	return as->window && address >= as->window &&
	       address < as->window + SPACE_PAGES * PAGE;
}

/* The access is made again behind it. */
static void handle(int signal_number, siginfo_t *info, void *context)
{
	const ucontext_t *user = context;
	bool write = user->uc_mcontext.gregs[REG_ERR] & VMMU_PF_W;
	char *address = info->si_addr;
	struct as *as = is_in(&parent, address) ? &parent : &child;
	unsigned long page = (address - as->window) / PAGE;
	uint32_t code;
	int ret;

	if (!is_in(as, address)) {
		/* A mistake of this program: die of it. */
		signal(signal_number, SIG_DFL);
		return;
	}
	served++;
	ret = way->why(as, page, write, &code) ?: serve(as, page, code);
	if (ret) {
		fprintf(stderr, "bench: fault at page %lu: %s\n", page,
			strerror(-ret));
		_exit(1);
	}
}

static int probe;

static int begin(const struct way *this_way)
{
	struct sigaction action = {
		.sa_sigaction = handle, .sa_flags = SA_SIGINFO,
	};
	int ret;

	way = this_way;
	probe = memfd_create("probe", 0);
	if (probe < 0 || sigaction(way->signal, &action, NULL))
		return -errno;
	ret = way->begin();
	if (ret)
		return ret;
	/* What the guest OS may copy to has its frames, too. */
	memset(memory + DATA, 0, SPACE_PAGES * PAGE);
	memset(memory + OTHER, 0, 2 * SPACE_PAGES * PAGE);
	end_reset();
	return way->create(&parent, NULL, 0);
}

int begin_stores(void)
{
	return begin(&way_stores);
}

int begin_hypercalls(void)
{
	return begin(&way_hypercalls);
}

int begin_batches(void)
{
	return begin(&way_batches);
}

int begin_lazy(void)
{
	return begin(&way_lazy);
}

int begin_prepared(void)
{
	return begin(&way_prepared);
}

int begin_mmap(void)
{
	return begin(&way_mmap);
}

int begin_uffd(void)
{
	return begin(&way_uffd);
}

int begin_continue(void)
{
	return begin(&way_continue);
}

static int set_range(struct as *as, unsigned long first, unsigned long nr, bool map)
{
	static struct vmmu_install_op ops[SPACE_PAGES];

	for (unsigned long i = 0; i < nr; i++)
		ops[i] = op_of(first + i, map ? ENTRY(home(first + i)) : 0);
	return way->set(as, ops, nr);
}

int map_home(struct as *as, unsigned long first, unsigned long nr)
{
	return set_range(as, first, nr, true);
}

int unmap(struct as *as, unsigned long first, unsigned long nr)
{
	return set_range(as, first, nr, false);
}

/* The kernel reads for the program, and fails where that would fault. */
int look(const void *at, struct words *words)
{
	if (pwrite(probe, at, sizeof(*words), 0) != sizeof(*words))
		return -errno;
	return pread(probe, words, sizeof(*words), 0) == sizeof(*words) ? 0 : -errno;
}

int expect(struct as *as, unsigned long page, uint64_t data, uint64_t written)
{
	struct words found;
	int ret = look(as->window + page * PAGE, &found);

	if (!ret && found.data == data && found.written == written)
		return 0;
	fprintf(stderr, "bench: page %lu: %s\n", page,
		ret ? strerror(-ret) : "other contents");
	return -EILSEQ;
}

int expect_nothing(const char *window, unsigned long page)
{
	struct words found;

	if (look(window + page * PAGE, &found) == -EFAULT)
		return 0;
	fprintf(stderr, "bench: page %lu is still mapped\n", page);
	return -EILSEQ;
}
