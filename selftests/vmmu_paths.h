/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The paths by which a change of a page table reaches the module, each with a VM
 * of its own.
 */
#ifndef VMMU_PATHS_H
#define VMMU_PATHS_H

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "vmmu_debug.h"
#include "vmmu_direct.h"
#include "vmmu_paths_model.h"

#define GROUP		8	/* changes that are made in one go, at most */
#define WINDOWS		12
#define SECTOR		512	/* the least that O_DIRECT reads */
#define HELD_EVERY	30	/* to be held takes the module a while */

/*
 * @ra, @value: the entry, and what it becomes
 * @old: what it was
 * @named: whether some space gets there: by @name
 */
struct change {
	__u64 ra, value, old;
	bool named;
	struct name name;
};

struct vm;

/*
 * @run: make some changes
 * @lazy: by plain stores that nobody notices until they are invalidated
 * @late: the module notices it when it looks
 * @parts: in several stores, between which the entry is not present: what it
 *	served for by referring to its own page, it does not at the last of them
 */
struct path {
	const char *name;
	void (*run)(struct vm *v, const struct change *c, int nr);
	bool lazy, late, parts;
};

/*
 * @self_mem: /proc/self/mem
 * @direct: a file to read from by O_DIRECT; -1: there is none
 * @tracee: a child that has the real memory mapped at the same place
 */
struct vm {
	const struct path *path;
	int fd, spaces[SPACES + 1], pipe[2], self_mem, direct;
	pid_t tracee;
	unsigned char *mem, *editor, *windows[WINDOWS];
	bool settles;		/* after each change, not only when it must */
	__u64 random;		/* for paths that have a choice */
	int broken;		/* what went wrong, if anything did */
};

static inline unsigned int vm_dice(struct vm *v, unsigned int sides)
{
	v->random = v->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (v->random >> 33) % sides;
}

static inline void vm_check(struct vm *v, bool good, int line)
{
	if (!good && !v->broken) {
		v->broken = line;
		printf("# path %s: line %d, errno %d\n", v->path->name, line,
		       errno);
	}
}

#define VM_CHECK(v, good) vm_check(v, good, __LINE__)

static inline __u64 *word_of(struct vm *v, __u64 ra)
{
	return (__u64 *)(v->mem + ra);
}

/* Have the module look at what it noticed late. */
static inline void vm_settle(struct vm *v)
{
	struct vmmu_translation t;

	if (v->settles && v->path->late)
		VM_CHECK(v, !_translate(v->spaces[EDITOR], 0, READ, 0, &t));
}

static inline void mov(__u64 *at, __u64 value)
{
	asm volatile("mov %1, %0" : "=m" (*at) : "r" (value) : "memory");
}

static inline void mov4(__u64 *at, int half, __u32 value)
{
	asm volatile("movl %1, %0" : "=m" (((__u32 *)at)[half]) : "r" (value)
		     : "memory");
}

static inline void mov2(__u64 *at, int part, __u16 value)
{
	asm volatile("movw %1, %0" : "=m" (((__u16 *)at)[part]) : "r" (value)
		     : "memory");
}

static inline void by_mov(struct vm *v, const struct change *c)
{
	mov(word_of(v, c->ra), c->value);
}

/* Never present with one half of it old, as with PAE. */
static inline void by_halves(struct vm *v, const struct change *c)
{
	__u64 *at = word_of(v, c->ra);

	mov4(at, 0, 0);
	mov4(at, 1, c->value >> 32);
	mov4(at, 0, c->value);
}

static inline void by_xchg(struct vm *v, const struct change *c)
{
	__u64 *at = word_of(v, c->ra), old = c->value;

	asm volatile("xchg %0, %1" : "+r" (old), "+m" (*at) : : "memory");
	VM_CHECK(v, old == c->old);
}

static inline void by_cmpxchg(struct vm *v, const struct change *c)
{
	__u64 *at = word_of(v, c->ra), old = c->old;
	bool swapped;

	asm volatile("lock cmpxchg %3, %1"
		     : "+a" (old), "+m" (*at), "=@ccz" (swapped)
		     : "r" (c->value) : "memory");
	VM_CHECK(v, swapped && old == c->old);
}

static inline void by_words(struct vm *v, const struct change *c)
{
	__u64 *at = word_of(v, c->ra);

	for (int i = 3; i >= 0; i--)
		mov2(at, i, c->value >> 16 * i);
}

/* Two entries at once, one of which stays as it is. */
static inline void by_movups(struct vm *v, const struct change *c)
{
	__u64 *at = word_of(v, c->ra & ~15ULL), both[2];

	memcpy(both, at, sizeof(both));
	both[c->ra / 8 % 2] = c->value;
	asm volatile("movups %1, %%xmm0\n\tmovups %%xmm0, %0"
		     : "=m" (*(__u64(*)[2])at)
		     : "m" (both) : "xmm0", "memory");
}

static inline void by_pipe(struct vm *v, const struct change *c)
{
	VM_CHECK(v, write(v->pipe[1], &c->value, 8) == 8);
	VM_CHECK(v, read(v->pipe[0], word_of(v, c->ra), 8) == 8);
}

static inline void by_rep(struct vm *v, const struct change *c)
{
	const void *from = &c->value;
	void *to = word_of(v, c->ra);
	unsigned long nr = 8;

	asm volatile("rep movsb" : "+S" (from), "+D" (to), "+c" (nr) : : "memory");
}

/* The entries around it come from the file, too, and stay as they are. */
static inline void by_direct_io(struct vm *v, const struct change *c)
{
	static unsigned char sector[SECTOR] __attribute__((aligned(SECTOR)));
	unsigned char *at = v->mem + (c->ra & ~(SECTOR - 1ULL));

	if (v->direct < 0) {
		by_pipe(v, c);
		return;
	}
	memcpy(sector, at, SECTOR);
	memcpy(sector + c->ra % SECTOR, &c->value, 8);
	VM_CHECK(v, pwrite(v->direct, sector, SECTOR, 0) == SECTOR);
	VM_CHECK(v, pread(v->direct, at, SECTOR, 0) == SECTOR);
}

static inline void by_process_vm(struct vm *v, const struct change *c)
{
	struct iovec local = { (void *)&c->value, 8 };
	struct iovec remote = { word_of(v, c->ra), 8 };

	VM_CHECK(v, process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 8);
}

static inline void by_proc_mem(struct vm *v, const struct change *c)
{
	VM_CHECK(v, pwrite(v->self_mem, &c->value, 8,
			   (uintptr_t)word_of(v, c->ra)) == 8);
}

static inline void by_ptrace(struct vm *v, const struct change *c)
{
	VM_CHECK(v, !ptrace(PTRACE_POKEDATA, v->tracee, word_of(v, c->ra),
			    c->value));
}

/* In a page that a pipe holds, so that it can't be closed, now and then. */
static inline void by_words_held(struct vm *v, const struct change *c)
{
	unsigned char page[PAGE], *at = v->mem + (c->ra & ~(PAGE - 1ULL));
	bool held = !vm_dice(v, HELD_EVERY);
	struct iovec iov = { at, PAGE };
	struct vmmu_translation t;

	mov2(word_of(v, c->ra), 3, c->old >> 48);
	if (held)
		VM_CHECK(v, vmsplice(v->pipe[1], &iov, 1, 0) == PAGE);
	by_words(v, c);
	if (!held)
		return;
	VM_CHECK(v, !_translate(v->spaces[EDITOR], 0, READ, 0, &t));
	VM_CHECK(v, read(v->pipe[0], page, PAGE) == PAGE);
}

static inline void by_window(struct vm *v, const struct change *c)
{
	mov((__u64 *)(v->editor + c->ra), c->value);
}

static inline void by_window_words(struct vm *v, const struct change *c)
{
	for (int i = 3; i >= 0; i--)
		mov2((__u64 *)(v->editor + c->ra), i, c->value >> 16 * i);
}

static inline void by_write(struct vm *v, const struct change *c)
{
	struct vmmu_memory m;
	__u64 value = c->value;

	VM_CHECK(v, !_memory(v->spaces[EDITOR], VMMU_IOC_WRITE, 0, c->ra, &value,
			     8, &m));
}

static inline void by_memory_cmpxchg(struct vm *v, const struct change *c)
{
	struct vmmu_cmpxchg m;

	VM_CHECK(v, !_cmpxchg(v->spaces[EDITOR], 0, c->ra, 8, c->old, c->value,
			      &m) && m.swapped);
}

static inline struct vmmu_install_op op_of(const struct change *c)
{
	return (struct vmmu_install_op){
		.va = c->name.va, .level = c->name.level, .value = c->value,
	};
}

static inline void by_hypercall(struct vm *v, const struct change *c)
{
	struct vmmu_install_op op = op_of(c);
	struct vmmu_install i;

	if (c->named)
		VM_CHECK(v, !_install(v->spaces[c->name.space], 0, &op, 1, NULL,
				      &i));
	else
		by_mov(v, c);
}

/* A page that is no table has no entries: the model says later if that is so. */
static inline void by_real_address(struct vm *v, const struct change *c)
{
	struct vmmu_install_op op = { .va = c->ra, .value = c->value };
	struct vmmu_install i;
	int ret = _install(v->spaces[EDITOR], VMMU_INSTALL_BY_RA, &op, 1, NULL,
			   &i);

	if (!ret)
		return;
	VM_CHECK(v, ret == -ENXIO && i.reason == VMMU_REASON_NOT_A_TABLE);
	by_mov(v, c);
}

/* One after the other. */
#define EACH(path, how)							\
static inline void path(struct vm *v, const struct change *c, int nr)	\
{									\
	for (int i = 0; i < nr; i++) {					\
		how(v, &c[i]);						\
		vm_settle(v);						\
	}								\
}

EACH(movs, by_mov)
EACH(halves, by_halves)
EACH(xchgs, by_xchg)
EACH(cmpxchgs, by_cmpxchg)
EACH(words, by_words)
EACH(movups, by_movups)
EACH(pipes, by_pipe)
EACH(reps, by_rep)
EACH(direct_ios, by_direct_io)
EACH(process_vms, by_process_vm)
EACH(proc_mems, by_proc_mem)
EACH(ptraces, by_ptrace)
EACH(words_held, by_words_held)
EACH(editor, by_window)
EACH(editor_words, by_window_words)
EACH(writes, by_write)
EACH(memory_cmpxchgs, by_memory_cmpxchg)
EACH(singles, by_hypercall)
EACH(real_addresses, by_real_address)

static inline void mix(struct vm *v, const struct change *c, int nr)
{
	static void (*const all[])(struct vm *v, const struct change *c) = {
		by_mov, by_xchg, by_cmpxchg, by_words, by_movups,
		by_pipe, by_rep, by_direct_io, by_process_vm, by_proc_mem,
		by_ptrace, by_words_held, by_window, by_window_words, by_write,
		by_memory_cmpxchg, by_hypercall, by_real_address,
	};

	for (int i = 0; i < nr; i++) {
		all[vm_dice(v, ARRAY_SIZE(all))](v, &c[i]);
		vm_settle(v);
	}
}

/* How many from the first one on can be named in one space. */
static inline int run_of(const struct change *c, int nr)
{
	int n = 0;

	while (n < nr && c[n].named && c[n].name.space == c[0].name.space)
		n++;
	return n;
}

/* The first ones and one that fails: all are as they were, by memory. */
static inline void batch_that_fails(struct vm *v, const struct change *c, int nr)
{
	struct vmmu_install_op ops[GROUP + 1];
	static const int errors[] = { ENXIO, EINVAL, EOPNOTSUPP };
	int kind = vm_dice(v, 3), n;
	struct vmmu_install i;

	for (n = 0; n < nr; n++)
		ops[n] = op_of(&c[n]);
	ops[n] = (struct vmmu_install_op){
		.va = kind == 0 ? BIT_ULL(60) : 0,
		.level = kind == 1 ? 9 : 1,
		.reserved = kind == 2,
	};
	VM_CHECK(v, gives(errors[kind], _install(v->spaces[c->name.space],
						 VMMU_INSTALL_ATOMIC, ops,
						 n + 1, NULL, &i)));
	VM_CHECK(v, !i.done && i.index == n);
	/* Of several changes of one entry the first one knows what it was. */
	for (n = nr - 1; n >= 0; n--) {
		bool first = true;

		for (int k = 0; k < n; k++)
			first &= c[k].ra != c[n].ra;
		VM_CHECK(v, !first || *word_of(v, c[n].ra) == c[n].old);
	}
}

static inline void in_batches(struct vm *v, const struct change *c, int nr,
			      __u32 flags)
{
	struct vmmu_install_op ops[GROUP];
	struct vmmu_install i;

	while (nr) {
		int n = run_of(c, nr), k;

		if (!n) {
			by_mov(v, c);
			n = 1;
		} else {
			if (flags & VMMU_INSTALL_ATOMIC && vm_dice(v, 2))
				batch_that_fails(v, c, n);
			for (k = 0; k < n; k++)
				ops[k] = op_of(&c[k]);
			VM_CHECK(v, !_install(v->spaces[c->name.space], flags,
					      ops, n, NULL, &i));
		}
		c += n;
		nr -= n;
	}
}

static inline void batches(struct vm *v, const struct change *c, int nr)
{
	in_batches(v, c, nr, 0);
}

static inline void atomic_batches(struct vm *v, const struct change *c, int nr)
{
	in_batches(v, c, nr, VMMU_INSTALL_ATOMIC);
}

static inline void invalidate_spaces(struct vm *v)
{
	for (int i = 0; i <= SPACES; i++)
		VM_CHECK(v, !_invalidate(v->spaces[i], VMMU_INVALIDATE_ALL, 0,
					 0));
}

static inline void lazy(struct vm *v, const struct change *c, int nr)
{
	for (int i = 0; i < nr; i++)
		by_mov(v, &c[i]);
	invalidate_spaces(v);
}

/* The first one is what the others are compared with. */
static const struct path paths[] = {
	{ "mov", movs },
	{ "halves", halves, .parts = true },
	{ "xchg", xchgs },
	{ "cmpxchg", cmpxchgs },
	{ "words", words, .late = true },
	{ "movups", movups, .late = true },
	{ "read(2)", pipes, .late = true },
	{ "rep movs", reps, .late = true },
	{ "O_DIRECT", direct_ios, .late = true },
	{ "process_vm_writev(2)", process_vms, .late = true },
	{ "/proc/self/mem", proc_mems, .late = true },
	{ "ptrace(2)", ptraces, .late = true },
	{ "words, held", words_held, .late = true },
	{ "window", editor },
	{ "window by words", editor_words, .late = true },
	{ "WRITE", writes, .late = true },
	{ "CMPXCHG", memory_cmpxchgs, .late = true },
	{ "hypercall", singles },
	{ "by real address", real_addresses },
	{ "batch", batches },
	{ "atomic", atomic_batches },
	{ "mix", mix, .late = true },
	{ "lazy", lazy, .lazy = true },
};

#define NR_PATHS	ARRAY_SIZE(paths)

/* @windows: addresses that they show */
struct test {
	int dev;
	struct world w;
	struct vm vms[NR_PATHS];
	pid_t tracee;
	__u64 windows[WINDOWS];
	unsigned long changes, named, uses, refused;
};

#endif /* VMMU_PATHS_H */
