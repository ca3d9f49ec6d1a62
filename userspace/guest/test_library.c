// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what libvmmu has and the guest OS does not use: a window in the process
 * itself, asking there why an access failed, and monitors of installs.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
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
	struct table_change change = { 0 };
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
	struct table_change change = { 0 };
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
	/* A store that traps is noticed at once. */
	expect(store_works(window) == (way != WAY_STORES));
	expect(nr_wrong(&guest) == (way != WAY_STORES));
	expect(!vmmu_invalidate(program->space, va, PAGE_BYTES));
	expect(!store_works(window));
	expect(vmmu_invalidate(program->space, va, 0) == -EINVAL);
	change.done = 0;
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

/* A space whose root table, at 0x1000, is all that it has. */
static int make_trapping(int *vm)
{
	const struct vmmu_mode mode = {
		.bits = VMMU_MODE_WP | VMMU_MODE_NXE,
		.maxphyaddr = 40,
	};
	int device = vmmu_open(NULL), space;

	*vm = vmmu_vm_create(device, 16 * PAGE_BYTES, NULL);
	space = vmmu_space_create(*vm, VMMU_FORMAT_X86_64_4LEVEL,
				  VMMU_SPACE_TRAPPING, 0x1000, &mode, NULL);
	close(device);
	expect(space >= 0);
	return space;
}

static void installs_have_records(void)
{
	struct vmmu_trap_record record = { 0 };
	struct vmmu_ledger ledger;
	struct vmmu_install out;
	int vm, space = make_trapping(&vm), trap = vmmu_trap_create(vm);

	expect(!vmmu_set_delivery_of(space, VMMU_TRAP_HYPERCALL,
				     VMMU_DELIVER_NOTIFY, trap));
	expect(vmmu_set_delivery_of(space, VMMU_TRAP_REREAD, VMMU_DELIVER_ASK,
				    trap) == -EINVAL);
	expect(vmmu_get_delivery(space, VMMU_TRAP_HYPERCALL) ==
	       VMMU_DELIVER_NOTIFY);
	expect(vmmu_get_delivery(space, VMMU_TRAP_STORE) == VMMU_DELIVER_NONE);
	expect(vmmu_get_delivery(space, VMMU_TRAP_FAULT) ==
	       VMMU_DELIVER_SIGNAL);
	expect(vmmu_get_delivery(space, 99) == -EINVAL);
	expect(vmmu_get_delivery(vm, VMMU_TRAP_STORE) == -ENOTTY);

	expect(!vmmu_install_at(space, 0x1008, 0x2007, NULL));
	expect(vmmu_trap_read(trap, &record, 1) == 1);
	expect(record.kind == VMMU_TRAP_HYPERCALL && record.entry == 0x1008 &&
	       record.new == 0x2007 && record.level == 4);
	expect(vmmu_install_at(space, 0x3000, 1, &out) == -ENXIO);
	expect(out.reason == VMMU_REASON_NOT_A_TABLE);
	expect(vmmu_install_at(space, 0x1004, 1, NULL) == -EINVAL);

	expect(!vmmu_ledger(space, &ledger));
	expect(ledger.by_hypercall == 1 && ledger.records == 1);
	expect(!vmmu_ledger(vm, &ledger) && ledger.by_hypercall == 1);
	expect(vmmu_ledger(trap, &ledger) == -ENOTTY);
	close(trap);
	close(space);
	close(vm);
}

/* Have a child install @value at the root, and return its exit status. */
static int asked_install(int space, int trap, uint32_t verdict, uint64_t value)
{
	struct vmmu_trap_record record = { 0 };
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(-vmmu_install_at(space, 0x1000, 0x3007, NULL));
	expect(vmmu_trap_read(trap, &record, 1) == 1);
	expect(record.flags & VMMU_TRAP_WAITS && record.new == 0x3007);
	if (verdict == VMMU_VERDICT_REWRITE)
		expect(!vmmu_trap_rewrite(trap, record.cookie, value));
	else
		expect(!vmmu_trap_answer(trap, record.cookie, verdict));
	expect(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void installs_are_answered(void)
{
	int vm, space = make_trapping(&vm), trap = vmmu_trap_create(vm);
	uint64_t *root;
	void *memory;

	expect(!vmmu_real_map_memory(vm, 0x1000, PAGE_BYTES, PROT_READ,
				     &memory));
	root = memory;
	expect(!vmmu_set_delivery_of(space, VMMU_TRAP_HYPERCALL,
				     VMMU_DELIVER_ASK, trap));
	expect(asked_install(space, trap, VMMU_VERDICT_DENY, 0) == EPERM);
	expect(!*root);
	expect(!asked_install(space, trap, VMMU_VERDICT_REWRITE, 0x4007));
	expect(*root == 0x4007);
	expect(!asked_install(space, trap, VMMU_VERDICT_ALLOW, 0));
	expect(*root == 0x3007);
	expect(vmmu_trap_rewrite(trap, 99, 0) == -ENOENT);
	munmap(memory, PAGE_BYTES);
	close(trap);
	close(space);
	close(vm);
}

const struct test library_tests[] = {
	TEST(window_in_this_process),
	TEST(stale_until_invalidated),
	TEST(traps_have_a_ledger),
	TEST(installs_have_records),
	TEST(installs_are_answered),
	{ }
};
