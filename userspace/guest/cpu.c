// SPDX-License-Identifier: GPL-2.0
/*
 * How a program runs until it traps.
 *
 * The processor executes the program directly, in its process. What the guest
 * OS sees of it is what a kernel sees of user mode: it lets the program go on,
 * and gets control back with the registers saved and a reason.
 *
 *     a system call	 the process is traced and stops at the instruction;
 *			 Linux does not execute it (PTRACE_SYSEMU)
 *     an exception	 the process is about to get a signal, and stops
 *     a page fault	 in the window the host's MMU found nothing, or not
 *			 the right to this access, and neither did the module
 *			 in the program's page table. What then comes of it is
 *			 the guest OS's choice (guest.c):
 *	   signal	   SIGSEGV, which stops the process like any exception
 *	   record	   the thread sleeps, and the trap file has a record;
 *			   the answer lets it try again
 *
 * A record says what a CPU says: the address, the access, the error code. A
 * signal, seen from another process, says only where. So the guest OS asks the
 * module which access would fail there; if two would, either is good enough,
 * for once the page is there the program tries again, and may fault again.
 */
#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* An x86 instruction is no longer than this. */
#define INSN_BYTES	15

/* What a stop for a system call looks like, see PTRACE_O_TRACESYSGOOD. */
#define SYSCALL_STOP	(SIGTRAP | 0x80)

/* The registers beyond the general ones, in Linux's format. */
#define EXTENDED_BYTES	16384
static unsigned char extended[EXTENDED_BYTES];

static int trace(int request, pid_t pid, uintptr_t address, void *data)
{
	return ptrace(request, pid, (void *)address, data) < 0 ? -errno : 0;
}

/*
 * Copy vector and floating-point registers from one process to another. With
 * @clear, set them as a processor does at reset: its own first state, for the
 * process had some of the guest OS's.
 */
static int copy_extended(pid_t from, pid_t to, bool clear)
{
	struct iovec iov = { extended, sizeof(extended) };
	int err;

	err = trace(PTRACE_GETREGSET, from, NT_X86_XSTATE, &iov);
	if (err)
		return err;
	/* The format's header: none of the parts is in use. */
	if (clear)
		memset(extended + 512, 0, 64);
	return trace(PTRACE_SETREGSET, to, NT_X86_XSTATE, &iov);
}

/* Wait until the new process has gone through enter(). */
static int wait_entered(struct cpu *cpu)
{
	struct user_regs_struct *regs = &cpu->regs;
	pid_t pid = cpu->pid;
	int status, err;

	while (waitpid(pid, &status, __WALL) != pid)
		if (errno != EINTR)
			return -errno;
	if (!WIFSTOPPED(status)) {
		cpu->pid = 0;
		return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
	}
	err = trace(PTRACE_GETREGS, pid, 0, regs);
	if (!err && page_of(regs->rip - 1) == ENTER_VA &&
	    WSTOPSIG(status) == SIGTRAP)
		err = regs->rax;
	else if (!err && (page_of(regs->rip) != ENTER_VA ||
			  WSTOPSIG(status) != SIGSEGV))
		err = -ECHILD;
	if (!err)
		err = trace(PTRACE_SETOPTIONS, pid, 0,
			    (void *)(PTRACE_O_TRACESYSGOOD |
				     PTRACE_O_EXITKILL));
	return err;
}

/* A process in which nothing is but the program's window; it is stopped. */
static int create(struct program *program)
{
	struct cpu *cpu = &program->cpu;
	pid_t pid = fork();
	int err;

	if (pid < 0)
		return -errno;
	if (!pid)
		enter(program->space);
	*cpu = (struct cpu){ .pid = pid };
	err = wait_entered(cpu);
	if (err)
		cpu_destroy(program);
	return err;
}

/* Get a program ready to run from @entry, with @argument in rdi. */
int cpu_create(struct program *program, uint64_t entry, uint64_t argument)
{
	struct cpu *cpu = &program->cpu;
	int err = create(program);

	if (err)
		return err;
	cpu->regs = (struct user_regs_struct){
		.rip = entry,
		/* As if os_start() had been called. */
		.rsp = STACK_END - sizeof(uint64_t),
		.rdi = argument,
		.cs = cpu->regs.cs,
		.ss = cpu->regs.ss,
		.eflags = 0x200,	/* interrupts, the host's, are on */
		.orig_rax = -1,		/* not in a system call */
	};
	err = copy_extended(cpu->pid, cpu->pid, true);
	if (err)
		cpu_destroy(program);
	return err;
}

/* Get a program ready to run with another one's registers. */
int cpu_copy(struct program *child, const struct program *parent)
{
	int err = create(child);

	if (err)
		return err;
	child->cpu.regs = parent->cpu.regs;
	child->cpu.regs.orig_rax = -1;
	err = copy_extended(parent->cpu.pid, child->cpu.pid, false);
	if (err)
		cpu_destroy(child);
	return err;
}

/* Take the process away; it need not agree. */
void cpu_destroy(struct program *program)
{
	struct cpu *cpu = &program->cpu;

	if (!cpu->pid)
		return;
	kill(cpu->pid, SIGKILL);
	while (waitpid(cpu->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	cpu->pid = 0;
	cpu->cookie = 0;
}

/* Let the program go on: from where it stopped, or from its sleep. */
static int resume(struct program *program)
{
	struct cpu *cpu = &program->cpu;
	int err;

	if (cpu->cookie) {
		err = vmmu_trap_answer(program->guest->trap, cpu->cookie,
				       VMMU_VERDICT_RETRY);
		cpu->cookie = 0;
		/* Nobody waits: a signal from outside came first. */
		return err == -ENOENT ? 0 : err;
	}
	err = trace(PTRACE_SETREGS, cpu->pid, 0, &cpu->regs);
	if (!err)
		err = trace(PTRACE_SYSEMU, cpu->pid, 0, NULL);
	/* It has gone meanwhile: that is heard of by waiting for it. */
	return err == -ESRCH ? 0 : err;
}

static bool would_fail(struct program *program, struct trap *trap,
		       uint32_t access)
{
	trap->access = access;
	return !vmmu_translate(program->space, trap->va, access,
			       VMMU_TRANSLATE_USER, &trap->why) &&
	       !(trap->why.flags & VMMU_TRANSLATED);
}

/* A page fault came as a signal, from @va: find out what it was about. */
static void fault_by_signal(struct program *program, uint64_t va,
			    struct trap *trap)
{
	trap->kind = TRAP_FAULT;
	trap->va = va;
	if (va - program->cpu.regs.rip < INSN_BYTES &&
	    would_fail(program, trap, VMMU_ACCESS_FETCH))
		return;
	if (would_fail(program, trap, VMMU_ACCESS_READ) ||
	    would_fail(program, trap, VMMU_ACCESS_WRITE))
		return;
	/* It was allowed: the host has a reason of its own. */
	trap->kind = TRAP_EXCEPTION;
	trap->signal = SIGSEGV;
}

/* A page fault came as a record. The thread that made it sleeps. */
static void fault_by_record(struct program *program,
			    const struct vmmu_trap_record *record,
			    struct trap *trap)
{
	program->cpu.cookie = record->cookie;
	*trap = (struct trap){
		.kind = TRAP_FAULT,
		.va = record->va,
		.access = record->access,
		.why = {
			.error_code = record->error_code,
			.flags = record->flags,
			.reason = record->reason,
			.level = record->level,
		},
	};
}

/*
 * The process has stopped: why? 1: a trap; 0: for nothing that concerns the
 * program, but a signal that somebody sent. It does not get that.
 */
static int stopped(struct program *program, int status, struct trap *trap)
{
	struct cpu *cpu = &program->cpu;
	siginfo_t info;
	int err;

	*trap = (struct trap){ .kind = TRAP_EXCEPTION };
	if (!WIFSTOPPED(status)) {
		/* It is gone, say for the host's want of memory. */
		trap->signal = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
		cpu->pid = 0;
		return 1;
	}
	err = trace(PTRACE_GETREGS, cpu->pid, 0, &cpu->regs);
	if (err)
		return err;
	trap->signal = WSTOPSIG(status);
	if (trap->signal == SYSCALL_STOP) {
		trap->kind = TRAP_CALL;
		return 1;
	}
	/* Not in a system call, whose restart Linux would think about. */
	cpu->regs.orig_rax = -1;
	err = trace(PTRACE_GETSIGINFO, cpu->pid, 0, &info);
	if (err)
		return err;
	if (info.si_code <= 0)
		return 0;
	/* From si_code SI_KERNEL comes no address: not a page fault. */
	if (trap->signal == SIGSEGV && info.si_code != SI_KERNEL)
		fault_by_signal(program, (uintptr_t)info.si_addr, trap);
	return 1;
}

/* Wait for either way in which a program can trap. Return as stopped(). */
static int wait_trap(struct program *program, struct trap *trap)
{
	struct guest *guest = program->guest;
	struct pollfd fds[] = {
		{ .fd = guest->children, .events = POLLIN },
		{ .fd = guest->trap, .events = POLLIN },
	};
	struct signalfd_siginfo drain;
	struct vmmu_trap_record record;
	int status;

	for (;;) {
		if (waitpid(program->cpu.pid, &status, __WALL | WNOHANG) > 0)
			return stopped(program, status, trap);
		if (guest->trap >= 0 &&
		    vmmu_trap_read(guest->trap, &record, 1) == 1) {
			fault_by_record(program, &record, trap);
			return 1;
		}
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents &&
		    read(guest->children, &drain, sizeof(drain)) < 0 &&
		    errno != EAGAIN)
			return -errno;
	}
}

/* Run a program until it traps. */
int cpu_run(struct program *program, struct trap *trap)
{
	int trapped;

	do {
		int err = resume(program);

		if (err)
			return err;
		trapped = wait_trap(program, trap);
	} while (!trapped);
	return trapped < 0 ? trapped : 0;
}
