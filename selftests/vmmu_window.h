/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows for tests: the calls about them, accesses of every kind that may be
 * refused, and the oracle, which compares what a window shows with what
 * translate, the real map and the host's own pagemap say.
 */
#ifndef VMMU_WINDOW_H
#define VMMU_WINDOW_H

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define RWX		(PROT_READ | PROT_WRITE | PROT_EXEC)

static inline void *_window(int space, __u64 va, size_t bytes, int prot)
{
	return mmap(NULL, bytes, prot, MAP_SHARED, space, va);
}

#define window(space, va, bytes) ({					\
	void *__w = _window(space, va, bytes, RWX);			\
									\
	ASSERT_NE(MAP_FAILED, __w);					\
	(unsigned char *)__w;						\
})

static inline int _invalidate(int space, __u32 flags, __u64 va, __u64 bytes)
{
	struct vmmu_invalidate i = {
		.size = sizeof(i), .flags = flags, .va = va, .bytes = bytes,
	};

	return call(space, VMMU_IOC_INVALIDATE, &i);
}

#define invalidate(space, va, bytes)					\
	ASSERT_EQ(0, _invalidate(space, 0, va, bytes))
#define invalidate_all(space)						\
	ASSERT_EQ(0, _invalidate(space, VMMU_INVALIDATE_ALL, 0, 0))

static inline int _fault(int space, const void *address, __u32 access,
			 struct vmmu_fault *f)
{
	memset(f, POISON8, sizeof(*f));
	f->size = sizeof(*f);
	f->flags = 0;
	f->address = (uintptr_t)address;
	f->access = access;
	return call(space, VMMU_IOC_FAULT, f);
}

#define fault(space, address, access) ({				\
	struct vmmu_fault __f;						\
									\
	ASSERT_EQ(0, _fault(space, address, access, &__f));		\
	__f;								\
})

static inline int _audit(int vm, struct vmmu_audit *a)
{
	memset(a, POISON8, sizeof(*a));
	a->size = sizeof(*a);
	a->flags = 0;
	a->reserved = 0;
	return call(vm, VMMU_IOC_AUDIT, a);
}

#define audit(vm) ({							\
	struct vmmu_audit __a;						\
									\
	ASSERT_EQ(0, _audit(vm, &__a));					\
	__a;								\
})

/*
 * Every PTE of every window of the VM is granted by both levels, and page tables are
 * known and protected.
 */
#define audit_clean(vm) do {						\
	struct vmmu_audit __c = audit(vm);				\
									\
	ASSERT_EQ(0, __c.wrong)						\
		TH_LOG("space %llu, va %llx", __c.space, __c.va);	\
	ASSERT_EQ(0, __c.tables_wrong) TH_LOG("table at %llx", __c.ra);	\
} while (0)

/* An access of a kind, at @at: 0, or the signal; a fetch runs a `ret` there. */
static inline int access_kind(void *at, __u32 kind)
{
	struct sigaction act = {
		.sa_sigaction = access_refused,
		.sa_flags = SA_SIGINFO,
	};
	struct sigaction bus, segv;
	int sig;

	if (kind == READ)
		return access_read(at);
	if (kind == WRITE)
		return access_write(at, 0xc3);
	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	sig = sigsetjmp(access_env, 1);
	if (!sig)
		((void (*)(void))at)();
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

static inline __u64 load(const void *at)
{
	return __atomic_load_n((const __u64 *)at, __ATOMIC_SEQ_CST);
}

static inline void store(void *at, __u64 value)
{
	__atomic_store_n((__u64 *)at, value, __ATOMIC_SEQ_CST);
}

/*
 * The oracle, for one page of a window: a tag that is written through it is at
 * the real page that translate names, whose frame in the pagemap of real memory
 * is translate's; and what is written there is seen in the window. The page's
 * first word, which it changes back, must be writable by the guest's table.
 */
#define oracle(g, at, va, flags) do {					\
	struct guest *__o = (g);					\
	void *__at = (at);						\
	__u64 __va = (va), __was = load(__at), __tag = ~__was ^ __va;	\
	struct vmmu_translation __t;					\
									\
	store(__at, __tag);						\
	__t = translate(__o->space, flags, WRITE, __va);		\
	ASSERT_EQ(VMMU_REASON_NONE, __t.reason);			\
	ASSERT_EQ(__tag, load(__o->mem + __t.ra));			\
	ASSERT_EQ(__t.frame, pagemap_frame(__o->mem + __t.ra));		\
	store(__o->mem + __t.ra, ~__tag);				\
	ASSERT_EQ(~__tag, load(__at));					\
	store(__at, __was);						\
} while (0)

#endif /* VMMU_WINDOW_H */
