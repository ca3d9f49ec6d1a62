// SPDX-License-Identifier: GPL-2.0
/*
 * How a host process becomes a program's, and nothing else's.
 *
 * A program is to reach what its page table gives it, and nothing of the host.
 * So it gets a process in which everything else is taken down:
 *
 *     addresses	  the window is all that is mapped: it takes the place
 *			  of everything else, from the lowest address on that
 *			  Linux allows, up to the very end
 *     files		  none is open
 *     system calls	  none is executed: the guest OS traces the process and
 *			  lets it run up to each (PTRACE_SYSEMU), no further;
 *			  and if tracing ended, a seccomp filter would kill it
 *
 * The code that takes the rest down must lie somewhere itself. It has the last
 * page of all, works off a list of Linux's system calls there, and the last one
 * unmaps that very page. The next instruction can't be fetched any more: this
 * fault, from an address that nothing else uses, tells the guest OS that all is
 * done, before the program's first instruction. It then sets the registers.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

/* The least address that may be mapped without a privilege. */
#define WINDOW_START	0x10000UL

struct host_call {
	uint64_t number;
	uint64_t arguments[6];
};

/* What the page holds. */
struct enter_page {
	char code[64];
	struct host_call calls[4];
	struct sock_filter filter[6];
	struct sock_fprog fprog;
};

/* Nothing but munmap(), with which the last page goes. */
static const struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static void fill(struct enter_page *page, int space)
{
	const struct host_call calls[] = {
		{ SYS_mmap, { WINDOW_START, ENTER_VA - WINDOW_START,
			      PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_SHARED | MAP_FIXED, space, WINDOW_START } },
		{ SYS_close_range, { 0, UINT32_MAX, 0 } },
		{ SYS_seccomp, { SECCOMP_SET_MODE_FILTER, 0,
				 (uintptr_t)&page->fprog } },
		{ SYS_munmap, { ENTER_VA, PAGE_BYTES } },
	};

	_Static_assert(sizeof(calls) == sizeof(page->calls), "all of them");
	_Static_assert(sizeof(filter) == sizeof(page->filter), "all of it");
	/* In enter_code.S. */
	memcpy(page->code, enter_code, enter_code_end - enter_code);
	memcpy(page->calls, calls, sizeof(calls));
	memcpy(page->filter, filter, sizeof(filter));
	page->fprog.len = ARRAY_SIZE(filter);
	page->fprog.filter = page->filter;
}

/* The C library told Linux to note things in memory that is about to go. */
static void leave_library(void)
{
	const char *thread = __builtin_thread_pointer();
	const uint32_t signature = 0x53053053;

	if (__rseq_size)
		syscall(SYS_rseq, thread + __rseq_offset, 32, 1, signature);
	syscall(SYS_set_robust_list, NULL, 3 * sizeof(void *));
}

/*
 * In a new process: become a program's. The parent sees the process stop with
 * SIGSEGV in the last page when all is well; with SIGTRAP there if a system call
 * failed, -errno in rax; or end with an errno as its status.
 */
void enter(int space)
{
	struct enter_page *page;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(errno);
	page = mmap((void *)ENTER_VA, PAGE_BYTES,
		    PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (page == MAP_FAILED)
		_exit(errno);
	leave_library();
	fill(page, space);
	asm volatile("jmp *%0" : : "r" (page->code), "b" (page->calls)
		     : "memory");
	__builtin_unreachable();
}
