// SPDX-License-Identifier: GPL-2.0
/*
 * As killed.c, for the calls about windows that may take long: an audit of many
 * PTEs, and a question about a fault that waits for the address space.
 */
#include <sched.h>
#include <sys/prctl.h>

#include "vmmu_killed.h"

/* All pages of a window that maps one real page again and again. */
#define window_fill(g, bytes) ({					\
	struct guest *__g = (g);					\
	__u64 __bytes = (bytes), __at;					\
	unsigned char *__w;						\
									\
	for (__at = 0; __at < __bytes; __at += PAGE)			\
		guest_map(__g, __at, 1, __g->data | PTE_ALL | PTE_A);	\
	__w = mmap(NULL, __bytes, PROT_READ, MAP_SHARED, __g->space, 0);\
	ASSERT_NE(MAP_FAILED, (void *)__w);				\
	for (__at = 0; __at < __bytes; __at += PAGE)			\
		__atomic_load_n(__w + __at, __ATOMIC_RELAXED);		\
	__w;								\
})

TEST_F(killed, audit)
{
	struct vmmu_audit *a = &self->s->arg.audit;
	struct guest *g = &self->g;
	__u64 bytes = 8 * NR * PAGE;

	window_fill(g, bytes);
	interrupt(g->vm, VMMU_IOC_AUDIT, true, {
		*a = (struct vmmu_audit){ .size = sizeof(*a) };
	});
	/* It tells how far it came. The child has the window, too. */
	ASSERT_GT(2 * bytes / PAGE, a->checked);
	ASSERT_EQ(0, a->wrong);
}

#define WIDE	(64 * MIB)

/* Shares the child's address space, and keeps it busy as long as that lives. */
static int change_rights(void *memory)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		mprotect(memory, WIDE, PROT_READ);
		mprotect(memory, WIDE, PROT_READ | PROT_WRITE);
	}
	return 0;
}

static int asked;	/* the space */

/*
 * Ask again and again, and wait for the address space nearly all the time: the
 * rights of so many small pages take long to change.
 */
static void ask_when_busy(struct shared *s)
{
	static unsigned char stack[16384];
	void *memory = mmap(NULL, WIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, WIDE, MADV_NOHUGEPAGE) ||
	    madvise(memory, WIDE, MADV_POPULATE_WRITE) ||
	    clone(change_rights, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		  memory) < 0)
		_exit(2);
	__atomic_store_n(&s->about, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		s->arg.fault.recorded = POISON32;
		ioctl(asked, VMMU_IOC_FAULT, &s->arg);
	}
}

/* Milliseconds after it began. */
static bool later(unsigned int ms)
{
	sleep_ms(ms);
	return true;
}

TEST_F(killed, fault)
{
	struct vmmu_fault *f = &self->s->arg.fault;
	unsigned char *w;

	w = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->g.space, 0);
	ASSERT_NE(MAP_FAILED, (void *)w);
	asked = self->g.space;
	self->s->before = ask_when_busy;
	interrupt(self->g.space, VMMU_IOC_FAULT, later(20), {
		*f = (struct vmmu_fault){
			.size = sizeof(*f), .address = (uintptr_t)w,
		};
	});
	ASSERT_EQ(POISON32, f->recorded);
}

TEST_HARNESS_MAIN
