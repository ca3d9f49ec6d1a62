// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what libvmmu has for windows and the guest OS does not use: a window
 * in the process itself, and asking there why an access failed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

static sigjmp_buf refused;
static void * volatile refused_at;

static void on_segv(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	refused_at = info->si_addr;
	siglongjmp(refused, 1);
}

/* Whether a store to @at is possible. */
static bool store_works(volatile char *at)
{
	struct sigaction action = {
		.sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO,
	}, before;
	bool works = false;

	sigaction(SIGSEGV, &action, &before);
	if (!sigsetjmp(refused, 1)) {
		*at = 7;
		works = true;
	}
	sigaction(SIGSEGV, &before, NULL);
	return works;
}

/* A VM with one space; the guest OS's own machinery makes both. */
static struct program *make_space(struct guest *guest)
{
	struct program *program;

	program = run_probe(guest, 64, PROBE_WAIT);
	expect(!vmmu_set_delivery(program->space, VMMU_DELIVER_SIGNAL, -1));
	return program;
}

static void window_in_this_process(void)
{
	const uint64_t va = 0x40000000;
	struct table_change change;
	struct vmmu_fault fault;
	struct program *program;
	struct guest guest;
	void *window, *again;

	program = make_space(&guest);
	expect(!vmmu_window_map(program->space, va, 2 * PAGE_BYTES,
				PROT_READ | PROT_WRITE, NULL, &window));
	expect(vmmu_window_map(program->space, va, PAGE_BYTES, PROT_READ,
			       window, &again) == -EEXIST);
	expect(vmmu_window_map(program->space, 1UL << 62, PAGE_BYTES,
			       PROT_READ, NULL, &again) == -EINVAL);

	expect(!store_works((char *)window + 5));
	expect(refused_at == (char *)window + 5);
	expect(!vmmu_fault(program->space, refused_at, VMMU_ACCESS_WRITE,
			   &fault));
	expect(fault.recorded && fault.va == va + 5);
	expect(fault.result.error_code == (VMMU_PF_W | VMMU_PF_U));
	expect(!vmmu_fault(program->space, refused_at, VMMU_ACCESS_WRITE,
			   &fault));
	expect(!fault.recorded);
	expect(vmmu_fault(program->space, &guest, VMMU_ACCESS_READ, &fault) ==
	       -ENOENT);

	expect(!table_plan(program, va, 0x30000, VMMU_RIGHT_WRITE, &change));
	expect(!table_install(program, &change));
	expect(store_works((char *)window + 5));
	expect(guest.memory[0x30005] == 7);
	munmap(window, 2 * PAGE_BYTES);
	guest_halt(&guest);
}

static void stale_until_invalidated(void)
{
	const uint64_t va = 0x40000000;
	struct table_change change;
	struct program *program;
	struct guest guest;
	uint64_t entry_ra;
	void *window;

	program = make_space(&guest);
	expect(!vmmu_window_map(program->space, va, PAGE_BYTES,
				PROT_READ | PROT_WRITE, NULL, &window));
	expect(!table_plan(program, va, 0x30000, VMMU_RIGHT_WRITE, &change));
	expect(!table_install(program, &change));
	expect(store_works(window));
	expect(!vmmu_table_find(&program->table, va, 1, &entry_ra));
	expect(!vmmu_table_store(&program->table, entry_ra, 0));
	expect(store_works(window));
	expect(nr_wrong(&guest) == 1);
	expect(!vmmu_invalidate(program->space, va, PAGE_BYTES));
	expect(!store_works(window));
	expect(vmmu_invalidate(program->space, va, 0) == -EINVAL);
	expect(!table_install(program, &change));
	expect(store_works(window));
	expect(!vmmu_table_store(&program->table, entry_ra, 0));
	expect(!vmmu_invalidate_all(program->space));
	expect(!store_works(window));
	munmap(window, PAGE_BYTES);
	guest_halt(&guest);
}

static void traps_have_a_ledger(void)
{
	struct vmmu_trap_record record;
	struct vmmu_trap_info info;
	struct program *program;
	struct guest guest;
	int trap;

	program = make_space(&guest);
	trap = vmmu_trap_create(guest.vm);
	expect(trap >= 0);
	expect(!vmmu_set_delivery(program->space, VMMU_DELIVER_RECORD, trap));
	expect(!vmmu_trap_info(trap, &info));
	expect(info.nr_spaces == 1 && !info.made && !info.waiting);
	expect(vmmu_trap_info(guest.vm, &info) == -ENOTTY);
	expect(vmmu_trap_answer(trap, 1, VMMU_VERDICT_RETRY) == -ENOENT);
	expect(vmmu_trap_answer(trap, 1, 99) == -EINVAL);
	expect(vmmu_set_delivery(program->space, VMMU_DELIVER_RECORD,
				 guest.vm) == -EBADF);
	/* No space is left: the end of the file. */
	expect(!vmmu_set_delivery(program->space, VMMU_DELIVER_SIGNAL, -1));
	expect(vmmu_trap_read(trap, &record, 1) == 0);
	close(trap);
	guest_halt(&guest);
}

const struct test library_tests[] = {
	TEST(window_in_this_process),
	TEST(stale_until_invalidated),
	TEST(traps_have_a_ledger),
	{ }
};
