/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Code that stores to a page of a page table, for tests; or to an ordinary one,
 * where the same has to come out.
 */
#ifndef VMMU_TRAPPED_H
#define VMMU_TRAPPED_H

#include <ucontext.h>

#include "vmmu_trapping.h"

#define TRAPPED_VA	0x400000ULL
#define TRAPPED_BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define TRAPPED_PAGES	4

/*
 * @traps: the pages are those of a page table
 * @pages: so many, of which the first has the real address @ra
 * @entry: in the first one
 */
struct trapped {
	struct guest g;
	bool traps;
	__u64 ra;
	unsigned char *pages;
	__u64 *entry;
};

/* Last-level tables, one behind the other, and what belongs above them. */
#define trapped_make(new, device, tables) do {				\
	struct trapped *__p = (new);					\
	struct guest *__r = &__p->g;					\
									\
	guest_make(__r, device, 4 * MIB, FORMAT4, TRAPPED_BITS);	\
	__p->traps = (tables);						\
	for (int __l = 0; __l < TRAPPED_PAGES; __l++)			\
		guest_slot(__r, TRAPPED_VA + __l * 2 * MIB, 1);		\
	__p->ra = __r->next - TRAPPED_PAGES * PAGE;			\
	if (!__p->traps)						\
		__p->ra = __r->data;					\
	guest_traps(__r, TRAPPED_BITS);					\
	__p->pages = __r->mem + __p->ra;				\
	__p->entry = (__u64 *)__p->pages + 5;				\
	for (int __l = 0; __l < TRAPPED_PAGES; __l++)			\
		load(__p->pages + __l * PAGE);				\
} while (0)

#define trapped_drop(old) do {						\
	struct trapped *__p = (old);					\
									\
	audit_clean(__p->g.vm);						\
	guest_drop(&__p->g);						\
	close(__p->g.dev);						\
} while (0)

/* The page that is so many behind the first one is CLOSED, or OPEN. */
#define expect_state(of, page, state) do {				\
	struct trapped *__e = (of);					\
									\
	ASSERT_EQ(__e->traps ? (state) : DATA,				\
		  real_flags(__e->g.vm, __e->ra + (page) * PAGE));	\
} while (0)

/* Have the tables closed. */
#define settle(of) do {							\
	struct trapped *__x = (of);					\
									\
	translate(__x->g.space, 0, READ, TRAPPED_VA);			\
	for (int __l = 0; __l < TRAPPED_PAGES; __l++)			\
		expect_state(__x, __l, CLOSED);				\
} while (0)

/*
 * What became of code: the signal that it got, if any, and the instruction
 * that got it.
 */
struct outcome {
	int signal, code;
	void *address, *ip;
};

static volatile struct outcome *outcome_of;

static inline void outcome_note(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	if (!outcome_of) {	/* the test's own mistake */
		signal(sig, SIG_DFL);
		return;
	}
	outcome_of->signal = sig;
	outcome_of->code = si->si_code;
	outcome_of->address = si->si_addr;
	outcome_of->ip = (void *)uc->uc_mcontext.gregs[REG_RIP];
	uc->uc_mcontext.gregs[REG_RIP] = uc->uc_mcontext.gregs[REG_RDX];
}

static inline void outcome_prepare(void)
{
	struct sigaction act = {
		.sa_sigaction = outcome_note,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
}

/* Code ends by these two bytes, unless it gets a signal: jmp *%rdx. */
#define CODE_END	"\xff\xe2"

/* Go to code that stores RAX, which is @value, say, to where RDI points. */
static inline struct outcome run_at(void *code, void *target, __u64 value)
{
	struct outcome outcome = { };

	outcome_of = &outcome;
	asm volatile("lea 1f(%%rip), %%rdx\n\t"
		     "jmp *%[code]\n"
		     "1:"
		     : "+a" (value)
		     : "D" (target), [code] "r" (code)
		     : "rcx", "rdx", "cc", "memory");
	outcome_of = NULL;
	return outcome;
}

#endif /* VMMU_TRAPPED_H */
