/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Long calls and kill -9: a process that was killed tells nobody what its call
 * gave, but a tracer that waits for its exit finds it in the registers; and the
 * structure is in memory that both share.
 */
#ifndef VMMU_KILLED_H
#define VMMU_KILLED_H

#include <sys/ptrace.h>
#include <sys/user.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define NR	rounds(32768)
#define TRIES	200
#define PROMPT	2000		/* ms, and only a busy host takes more than 100 */

/* What a child and its killer share. */
struct shared {
	int about;		/* the call is about to be made */
	int vm;			/* whose page at @ra is discarded before it */
	__u64 ra;
	union {
		__u32 size;
		struct vmmu_range range;
		struct vmmu_real_map real_map;
		struct vmmu_install install;
		struct vmmu_translate translate;
		struct vmmu_explain explain;
		struct vmmu_mappings mappings;
		struct vmmu_memory memory;
		struct vmmu_cmpxchg cmpxchg;
		struct vmmu_mappers mappers;
		struct vmmu_fault fault;
		struct vmmu_audit audit;
		struct vmmu_space_create space_create;
		struct vmmu_set_root set_root;
		struct vmmu_invalidate invalidate;
	} arg;
	void (*before)(struct shared *s);	/* in the child; NULL: nothing */
	struct vmmu_step steps[5];
};

FIXTURE(killed) {
	struct guest g;
	struct shared *s;
	struct vmmu_install_op *ops;
	unsigned char *out;		/* the array that the call fills */
	size_t out_bytes;
	__u64 frames;			/* of the VM before the call */
	__u64 slowest;
};

static inline void *shared_memory(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
}

FIXTURE_SETUP(killed)
{
	int dev = dev_open();
	unsigned int i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	if (info(dev).memlock_bytes < 2 * NR * PAGE)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	guest_make(&self->g, dev, 4 * NR * PAGE, FORMAT4, 0);
	self->s = shared_memory(sizeof(*self->s));
	ASSERT_NE(MAP_FAILED, (void *)self->s);
	self->ops = shared_memory(NR * sizeof(*self->ops));
	ASSERT_NE(MAP_FAILED, (void *)self->ops);
	self->out_bytes = NR * sizeof(struct vmmu_mapping);
	self->out = shared_memory(self->out_bytes);
	ASSERT_NE(MAP_FAILED, (void *)self->out);
	/* Every other page, so that no two mappings are one. */
	for (i = 0; i < NR; i++)
		self->ops[i] = (struct vmmu_install_op){
			.va = 2 * i * PAGE, .level = 1,
			.value = (self->g.data + i * PAGE) | PTE_ALL,
		};
}

FIXTURE_TEARDOWN(killed)
{
	if (self->slowest)
		printf("# the end took %llu ms at most\n", self->slowest);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* In the child: make the call under the eyes of its parent. */
static inline void be_traced(struct shared *s, int fd, unsigned long cmd)
{
	__u64 done;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	if (s->vm)
		_range(s->vm, VMMU_IOC_DISCARD, s->ra, PAGE, &done);
	if (s->before)
		s->before(s);
	__atomic_store_n(&s->about, 1, __ATOMIC_SEQ_CST);
	_exit(ioctl(fd, cmd, &s->arg) ? 1 : 0);
}

static inline bool stopped_at_exit(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
	       status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

/* What the killed child's call gave; 1 if it was not in a call then. */
static inline int result_of(pid_t pid, unsigned long cmd)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) ||
	    regs.orig_rax != SYS_ioctl || regs.rsi != cmd)
		return 1;
	return seen(cmd, regs.rax);
}

/*
 * Have a child make the call of self->s->arg, and kill it when @started, an
 * expression that is asked again and again, says so. Gives what the call gave;
 * it may have been over, or not begun.
 */
#define call_and_kill(fd, command, started) ({				\
	unsigned long __cmd = (command);				\
	int __fd = (fd), __ret;						\
	__u64 __at;							\
	pid_t __pid;							\
									\
	self->s->about = 0;						\
	memset(self->out, POISON8, self->out_bytes);			\
	__pid = fork();							\
	ASSERT_LE(0, __pid);						\
	if (!__pid)							\
		be_traced(self->s, __fd, __cmd);			\
	ASSERT_EQ(__pid, waitpid(__pid, NULL, 0));			\
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, __pid, 0,		\
			    PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL));	\
	ASSERT_EQ(0, ptrace(PTRACE_CONT, __pid, 0, 0));			\
	while (!__atomic_load_n(&self->s->about, __ATOMIC_SEQ_CST) ||	\
	       !(started))						\
		;							\
	__at = now_ms();						\
	kill(__pid, SIGKILL);						\
	ASSERT_TRUE(stopped_at_exit(__pid));				\
	__at = now_ms() - __at;						\
	__ret = result_of(__pid, __cmd);				\
	if (__ret == -EINTR && __at > self->slowest)			\
		self->slowest = __at;					\
	ASSERT_GT(PROMPT, __at);					\
	ptrace(PTRACE_CONT, __pid, 0, 0);				\
	child_wait(__pid);						\
	__ret;								\
})

#define frames() (vm_info(self->g.vm).frames)

/* Whether the call has written to its array. */
static inline bool begun(const void *first)
{
	return __atomic_load_n((const __u8 *)first, __ATOMIC_RELAXED) !=
	       POISON8;
}

/*
 * Set up by a statement, and try again until a call was interrupted: soon after
 * it has started, and ever later.
 */
#define interrupt(fd, command, started, ...) do {				\
	int __tries, __got = 0;						\
									\
	for (__tries = 0; __tries < TRIES && __got != -EINTR; __tries++) {\
		__VA_ARGS__;						\
		self->frames = frames();				\
		__got = call_and_kill(fd, command, ({			\
			usleep(__tries % 2 ? 10 * __tries : 0);		\
			(started);					\
		}));							\
	}								\
	fails_with(EINTR, __got);					\
} while (0)

/* Assert that the elements before @nr were written, and none from there on. */
#define written(bytes, nr) do {						\
	size_t __size = (bytes), __nr = (nr);				\
									\
	ASSERT_LT(0, __nr);						\
	ASSERT_GT(NR, __nr);						\
	ASSERT_FALSE(all_bytes(self->out + (__nr - 1) * __size, POISON8,\
			       __size));				\
	ASSERT_TRUE(all_bytes(self->out + __nr * __size, POISON8,	\
			      self->out_bytes - __nr * __size));	\
} while (0)

#endif /* VMMU_KILLED_H */
