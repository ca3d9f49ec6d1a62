/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of what protects page tables: a guest whose space is TRAPPING, a
 * window with a page to be seen in, and a look at one way to write the entry.
 */
#ifndef VMMU_PROTECT_H
#define VMMU_PROTECT_H

#include "vmmu_trapping.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define TAG_A	0xaaaaULL
#define TAG_B	0xbbbbULL

/*
 * @g: the guest; its space is TRAPPING once tables_trap() was called
 * @a, @b: two real pages that begin with TAG_A and TAG_B
 * @pte: the entry for VA, in guest.mem
 * @table: the real page that it lies in
 * @w: a window from VA on, of WINDOW bytes; NULL before tables_trap()
 */
struct protect {
	struct guest g;
	__u64 a, b;
	__u64 *pte;
	__u64 table;
	unsigned char *w;
};

#define WINDOW	(64 * PAGE)

#define protect_make(made, device) do {					\
	struct protect *__p = (made);					\
	int __dev = (device);						\
									\
	guest_make(&__p->g, __dev, 4 * MIB, FORMAT4, BITS);		\
	__p->a = __p->g.data;						\
	__p->b = __p->g.data + PAGE;					\
	store(__p->g.mem + __p->a, TAG_A);				\
	store(__p->g.mem + __p->b, TAG_B);				\
	__p->pte = guest_slot(&__p->g, VA, 1);				\
	__p->table = ((unsigned char *)__p->pte - __p->g.mem) &		\
		     ~(PAGE - 1);					\
} while (0)

/* From here on tables trap. The entry is that of page a. */
#define tables_trap(of) do {						\
	struct protect *__p = (of);					\
									\
	store(__p->pte, __p->a | PTE_ALL);				\
	guest_traps(&__p->g, BITS);					\
	__p->w = window(__p->g.space, VA, WINDOW);			\
	ASSERT_EQ(CLOSED, real_flags(__p->g.vm, __p->table));		\
	ASSERT_EQ(TAG_A, load(__p->w));					\
} while (0)

#define protect_drop(of) do {						\
	struct protect *__p = (of);					\
									\
	audit_clean(__p->g.vm);						\
	if (__p->w)							\
		munmap(__p->w, WINDOW);					\
	guest_drop(&__p->g);						\
	close(__p->g.dev);						\
} while (0)

/* A store that traps and is known. */
static inline void set(void *at, __u64 value)
{
	__atomic_store_n((__u64 *)at, value, __ATOMIC_RELAXED);
}

/* Stores of two bytes each, which are not known. */
static inline void set_unknown(void *at, __u64 value)
{
	for (int i = 3; i >= 0; i--)
		((volatile __u16 *)at)[i] = value >> 16 * i;
}

/* A store of the kernel's: out of a pipe. */
static inline int set_by_kernel(void *at, __u64 value)
{
	int p[2], ret;

	if (pipe(p))
		return -1;
	ret = write(p[1], &value, 8) == 8 && read(p[0], at, 8) == 8 ? 0 : -1;
	close(p[0]);
	close(p[1]);
	return ret;
}

/* Marks aside, is that what the entry is? */
static inline bool entry_is(const __u64 *pte, __u64 value)
{
	return (load(pte) & ~(PTE_A | PTE_D)) == value;
}

static inline bool trap_broken(int line, const char *what, __u64 value)
{
	fprintf(stderr, "# line %d: %s: %llx\n", line, what,
		(unsigned long long)value);
	return true;
}

/* Whether it is not so; says what. */
#define broken(what, value)						\
	(!(what) && trap_broken(__LINE__, #what, value))

/* What the window shows, and whether the table is closed: 0, or a line. */
static inline int shows(struct protect *p, __u64 tag)
{
	__u64 seen = load(p->w);

	if (broken(seen == tag, seen))
		return __LINE__;
	if (broken(real_flags(p->g.vm, p->table) == CLOSED,
		   real_flags(p->g.vm, p->table)))
		return __LINE__;
	return 0;
}

/*
 * Write the entry at @at, which is a way to p->pte: known stores leave the table
 * closed, others open it, and it is closed before the window is used. 0, or the
 * line of what went wrong. At the end the entry is that of page a again.
 */
static inline int traps_at(struct protect *p, __u64 *at)
{
	__u64 a = p->a | PTE_ALL, b = p->b | PTE_ALL;
	int i, line = 0;

	for (i = 0; i < 2 && !line; i++) {
		set(at, b);
		if (broken(real_flags(p->g.vm, p->table) == CLOSED, i))
			return __LINE__;
		if (broken(entry_is(p->pte, b), load(p->pte)))
			return __LINE__;
		line = shows(p, TAG_B);
		set(at, a);
		line = line ?: shows(p, TAG_A);
		set_unknown(at, b);
		if (broken(real_flags(p->g.vm, p->table) == OPEN, i))
			return __LINE__;
		if (broken(entry_is(p->pte, b), load(p->pte)))
			return __LINE__;
		line = line ?: shows(p, TAG_B);
		set(at, 0);
		if (broken(access_read(p->w) == SIGSEGV, i))
			return __LINE__;
		set_unknown(at, a);
		line = line ?: shows(p, TAG_A);
		set_unknown(at, 0);
		if (broken(access_read(p->w) == SIGSEGV, i))
			return __LINE__;
		set(at, a);
		line = line ?: shows(p, TAG_A);
		/* By the kernel. */
		if (broken(!set_by_kernel(at, b), errno))
			return __LINE__;
		if (broken(real_flags(p->g.vm, p->table) == OPEN, i))
			return __LINE__;
		line = line ?: shows(p, TAG_B);
		set(at, a);
		line = line ?: shows(p, TAG_A);
	}
	return line;
}

#endif /* VMMU_PROTECT_H */
