// SPDX-License-Identifier: GPL-2.0
/*
 * Long calls and kill -9: each ends at once with EINTR, and what was done is
 * what the structure says. A process that was killed tells nobody what its
 * call gave, but a tracer that waits for its exit finds it in the registers;
 * and the structure is in memory that both share.
 */
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
	} arg;
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

static void *shared_memory(size_t bytes)
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
static void be_traced(struct shared *s, int fd, unsigned long cmd)
{
	__u64 done;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	if (s->vm)
		_range(s->vm, VMMU_IOC_DISCARD, s->ra, PAGE, &done);
	__atomic_store_n(&s->about, 1, __ATOMIC_SEQ_CST);
	_exit(ioctl(fd, cmd, &s->arg) ? 1 : 0);
}

static bool stopped_at_exit(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
	       status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

/* What the killed child's call gave; 1 if it was not in a call then. */
static int result_of(pid_t pid, unsigned long cmd)
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
static bool begun(const void *first)
{
	return __atomic_load_n((const __u8 *)first, __ATOMIC_RELAXED) !=
	       POISON8;
}

/* Set up by a statement, and try again until a call was interrupted. */
#define interrupt(fd, command, started, ...) do {				\
	int __tries, __got = 0;						\
									\
	for (__tries = 0; __tries < TRIES && __got != -EINTR; __tries++) {\
		__VA_ARGS__;						\
		self->frames = frames();				\
		__got = call_and_kill(fd, command, started);		\
	}								\
	fails_with(EINTR, __got);					\
} while (0)

static void prepare_range(struct shared *s, __u64 ra)
{
	s->arg.range = (struct vmmu_range){
		.size = sizeof(s->arg.range), .ra = ra, .bytes = NR * PAGE,
	};
}

TEST_F(killed, populate)
{
	struct guest *g = &self->g;
	__u64 done;

	interrupt(g->vm, VMMU_IOC_POPULATE, frames() > self->frames + 64, {
		discard(g->vm, g->data, NR * PAGE);
		prepare_range(self->s, g->data);
	});
	done = self->s->arg.range.done;
	ASSERT_LE(64 * PAGE, done);
	ASSERT_GT(NR * PAGE, done);
	ASSERT_EQ(self->frames + done / PAGE, vm_info(g->vm).frames);
	ASSERT_EQ(12, real_page(g->vm, g->data + done - PAGE).page_shift);
	ASSERT_EQ(0, real_page(g->vm, g->data + done).page_shift);
}

TEST_F(killed, discard)
{
	struct guest *g = &self->g;
	__u64 done;

	interrupt(g->vm, VMMU_IOC_DISCARD, frames() < self->frames, {
		populate(g->vm, g->data, NR * PAGE);
		prepare_range(self->s, g->data);
	});
	done = self->s->arg.range.done;
	ASSERT_LT(0, done);
	ASSERT_GT(NR * PAGE, done);
	ASSERT_EQ(self->frames - done / PAGE, vm_info(g->vm).frames);
	ASSERT_EQ(0, real_page(g->vm, g->data + done - PAGE).page_shift);
	ASSERT_EQ(12, real_page(g->vm, g->data + done).page_shift);
}

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

TEST_F(killed, real_map)
{
	struct guest *g = &self->g;
	struct vmmu_real_map *m = &self->s->arg.real_map;
	struct vmmu_real_map_entry *e = (void *)self->out;

	populate(g->vm, g->data, NR * PAGE);
	interrupt(g->vm, VMMU_IOC_REAL_MAP, begun(&e->page_shift), {
		*m = (struct vmmu_real_map){
			.size = sizeof(*m), .ra = g->data, .last = ~0ULL,
			.nr = NR, .entries = (uintptr_t)e,
		};
	});
	written(sizeof(*e), m->done);
	ASSERT_EQ(g->data + m->done * PAGE, m->ra);
	ASSERT_EQ(m->ra - PAGE, e[m->done - 1].ra);
}

static void prepare_install(struct shared *s, struct guest *g, __u32 flags,
			    const void *ops, void *outcomes)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, 2 * i * PAGE, 1, 0);
	s->arg.install = (struct vmmu_install){
		.size = sizeof(s->arg.install), .flags = flags, .nr = NR,
		.ops = (uintptr_t)ops, .outcomes = (uintptr_t)outcomes,
	};
}

/* Assert that the installs up to @n are in force, and no more. */
#define in_force(n) do {						\
	unsigned int __n = (n), __k;					\
									\
	for (__k = 0; __k < NR; __k++) {				\
		ASSERT_EQ(__k < __n ? self->ops[__k].value : 0,		\
			  *guest_slot(&self->g, 2 * __k * PAGE, 1))	\
			TH_LOG("element %u of %u", __k, __n);		\
	}								\
} while (0)

TEST_F(killed, install)
{
	struct guest *g = &self->g;
	struct vmmu_install *i = &self->s->arg.install;

	populate(g->vm, g->data, NR * PAGE);
	interrupt(g->space, VMMU_IOC_INSTALL, begun(self->out), {
		prepare_install(self->s, g, 0, self->ops, self->out);
	});
	ASSERT_EQ(i->done, i->index);
	ASSERT_EQ(VMMU_REASON_NONE, i->reason);
	written(1, i->done);
	in_force(i->done);
}

TEST_F(killed, install_all_or_nothing)
{
	struct guest *g = &self->g;
	struct vmmu_install *i = &self->s->arg.install;

	populate(g->vm, g->data, NR * PAGE);
	interrupt(g->space, VMMU_IOC_INSTALL, begun(self->out), {
		prepare_install(self->s, g, VMMU_INSTALL_ATOMIC, self->ops,
				self->out);
	});
	ASSERT_EQ(0, i->done);
	written(1, i->index);
	in_force(0);
}

/* One element that brings a gibibyte of frames ends in the middle, too. */
TEST_F(killed, install_of_a_large_page)
{
	struct guest *g = &self->g;
	struct vmmu_install *i = &self->s->arg.install;
	struct vmmu_install_op *op = self->ops;

	*op = (struct vmmu_install_op){
		.va = 0, .level = 3, .value = PTE_ALL | PTE_PS,
	};
	guest_slot(g, 0, 3);
	interrupt(g->space, VMMU_IOC_INSTALL, frames() > self->frames + 64, {
		discard(g->vm, g->data, g->bytes - g->data);
		*i = (struct vmmu_install){
			.size = sizeof(*i), .nr = 1,
			.flags = VMMU_INSTALL_PROVIDE, .ops = (uintptr_t)op,
		};
	});
	ASSERT_EQ(0, i->done);
	ASSERT_EQ(0, i->index);
	ASSERT_EQ(0, *guest_slot(g, 0, 3));
}

TEST_F(killed, translate)
{
	struct guest *g = &self->g;
	struct vmmu_translate *t = &self->s->arg.translate;
	struct vmmu_translation *r = (void *)self->out;
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, i * PAGE, 1, self->ops[i].value);
	interrupt(g->space, VMMU_IOC_TRANSLATE, begun(&r->page_shift), {
		*t = (struct vmmu_translate){
			.size = sizeof(*t), .nr = NR,
			.results = (uintptr_t)r,
		};
	});
	written(sizeof(*r), t->done);
	ASSERT_EQ(self->ops[t->done - 1].value & PTE_ADDRESS,
		  r[t->done - 1].ra);
}

TEST_F(killed, mappings)
{
	struct guest *g = &self->g;
	struct vmmu_mappings *m = &self->s->arg.mappings;
	struct vmmu_mapping *r = (void *)self->out;
	unsigned int i;

	for (i = 0; i < NR; i++)
		guest_map(g, self->ops[i].va, 1, self->ops[i].value);
	interrupt(g->space, VMMU_IOC_MAPPINGS, begun(&r->page_shift), {
		*m = (struct vmmu_mappings){
			.size = sizeof(*m), .last = ~0ULL, .nr = NR,
			.mappings = (uintptr_t)r,
		};
	});
	written(sizeof(*r), m->done);
	ASSERT_EQ(1, m->more);
	ASSERT_GE(self->ops[m->done].va, m->va);
	ASSERT_LT(r[m->done - 1].va, m->va);
}

/*
 * EXPLAIN is short, but for one thing: the user's limit is reached, and what
 * was discarded a moment ago is on its way back.
 */
TEST_F(killed, explain)
{
	struct vmmu_explain *e = &self->s->arg.explain;
	struct guest g;
	__u64 done;

	if (geteuid())
		SKIP(return, "needs root, to become another user");
	ASSERT_EQ(0, limit_memlock(MIB));
	ASSERT_EQ(0, become_nobody());
	guest_make(&g, self->g.dev, 4 * MIB, FORMAT4, 0);
	guest_map(&g, 0x1000, 1, (g.data + PAGE) | PTE_ALL);
	populate(g.vm, g.data, PAGE);	/* for the real map's table */
	discard(g.vm, g.data, PAGE);
	fails_with(ENOMEM, _range(g.vm, VMMU_IOC_POPULATE, 0, g.data, &done));
	ASSERT_EQ(0, become_root());
	self->s->vm = g.vm;
	self->s->ra = done - PAGE;
	interrupt(g.space, VMMU_IOC_EXPLAIN, true, {
		discard(g.vm, g.data, 2 * PAGE);
		populate(g.vm, 0, done);
		*e = (struct vmmu_explain){
			.size = sizeof(*e), .flags = PROVIDE, .access = READ,
			.nr = 5, .va = 0x1000,
			.steps = (uintptr_t)self->s->steps,
		};
	});
	ASSERT_EQ(0, e->done);
	ASSERT_TRUE(all_bytes(&e->result, 0, sizeof(e->result)));
	guest_drop(&g);
}

TEST_HARNESS_MAIN
