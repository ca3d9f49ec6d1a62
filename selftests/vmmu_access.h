/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses that may be refused, in quick succession: without a system call
 * unless the kernel refuses. The handler goes on behind the instruction, at the
 * address in RDX, instead of jumping out.
 *
 * What is fetched from must be code that tells where it is, see access_code().
 */
#ifndef VMMU_ACCESS_H
#define VMMU_ACCESS_H

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include "vmmu_guest.h"

/*
 * @signal: 0 when the access was made
 * @code, @address: the signal's si_code and si_addr
 * @value: what a read or a fetch found
 */
struct access_result {
	int signal, code;
	void *address;
	__u64 value;
};

static volatile struct access_result *access_under_way;

static inline void access_skipped(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	if (!access_under_way) {	/* the test's own mistake */
		signal(sig, SIG_DFL);
		return;
	}
	access_under_way->signal = sig;
	access_under_way->code = si->si_code;
	access_under_way->address = si->si_addr;
	uc->uc_mcontext.gregs[REG_RIP] = uc->uc_mcontext.gregs[REG_RDX];
}

/* Before the first access of a process. */
static inline void access_prepare(void)
{
	struct sigaction act = {
		.sa_sigaction = access_skipped,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
}

/* Put code at @at: return @value. */
static inline void access_code(void *at, __u32 value)
{
	unsigned char code[6] = { 0xb8 };	/* mov $value, %eax; ret */

	memcpy(code + 1, &value, sizeof(value));
	code[5] = 0xc3;
	memcpy(at, code, sizeof(code));
}

/* Make an access; a write stores @value. */
static inline struct access_result access_made(void *at, __u32 kind,
					       __u64 value)
{
	struct access_result result = {};

	access_under_way = &result;
	switch (kind) {
	case READ:
		asm volatile("lea 1f(%%rip), %%rdx\n\t"
			     "mov (%[at]), %[value]\n"
			     "1:"
			     : [value] "+r" (value) : [at] "r" (at)
			     : "rdx", "memory");
		break;
	case WRITE:
		asm volatile("lea 1f(%%rip), %%rdx\n\t"
			     "mov %[value], (%[at])\n"
			     "1:"
			     : : [value] "r" (value), [at] "r" (at)
			     : "rdx", "memory");
		break;
	default:
		/* Off the red zone; RCX brings the stack pointer back. */
		asm volatile("lea 1f(%%rip), %%rdx\n\t"
			     "mov %%rsp, %%rcx\n\t"
			     "lea -128(%%rsp), %%rsp\n\t"
			     "call *%[at]\n"
			     "1:\n\t"
			     "mov %%rcx, %%rsp"
			     : "+a" (value) : [at] "r" (at)
			     : "rcx", "rdx", "cc", "memory");
		break;
	}
	access_under_way = NULL;
	result.value = value;
	return result;
}

#endif /* VMMU_ACCESS_H */
