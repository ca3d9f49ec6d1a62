/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/vmmu for tests. Each comes in threes:
 *
 *	_x(...)		makes the call with poisoned outputs; 0 or -errno
 *	x(...)		asserts that it works and gives what it answers
 *	err_x(e, ...)	asserts that it fails with errno e and that the
 *			caller's structure is left as it was
 *
 * Calls that report progress are asserted field by field where it matters.
 * The asserting ones work in a test only, where the harness's _metadata is in
 * scope; a child or a thread uses _x() and CHILD_CHECK().
 */
#ifndef VMMU_UTIL_H
#define VMMU_UTIL_H

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/vmmu.h>

#include "vmmu_errno.h"

/* Seconds that a test may take: hosts are busy, and debug kernels slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

#define PAGE		4096ULL
#define KIB		1024ULL
#define MIB		(KIB * KIB)
#define GIB		(KIB * MIB)
#define TIB		(KIB * GIB)

#define BIT_ULL(n)	(1ULL << (n))

#define POISON8		0xa5
#define POISON32	0xa5a5a5a5U
#define POISON64	0xa5a5a5a5a5a5a5a5ULL

/* What a test does @nr times: on the debug kernel a twentieth of it will do. */
static inline unsigned int rounds(unsigned int nr)
{
	struct utsname name;

	if (uname(&name) || !strstr(name.release, "vmmudbg"))
		return nr;
	return nr < 20 ? 1 : nr / 20;
}

/* A file descriptor of /dev/vmmu, or -errno. */
static inline int dev_open(void)
{
	int fd = open("/dev/vmmu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int _info(int dev, struct vmmu_info *i)
{
	memset(i, POISON8, sizeof(*i));
	i->size = sizeof(*i);
	i->flags = 0;
	return call(dev, VMMU_IOC_INFO, i);
}

#define info(dev) ({							\
	struct vmmu_info __i;						\
									\
	ASSERT_EQ(0, _info(dev, &__i));					\
	__i;								\
})

static inline int _vm_create(int dev, __u64 bytes, struct vmmu_vm_create *c)
{
	memset(c, POISON8, sizeof(*c));
	c->size = sizeof(*c);
	c->flags = 0;
	c->real_bytes = bytes;
	c->reserved = 0;
	return call(dev, VMMU_IOC_VM_CREATE, c);
}

#define vm_create(dev, bytes) ({					\
	struct vmmu_vm_create __c;					\
									\
	ASSERT_EQ(0, _vm_create(dev, bytes, &__c));			\
	__c.fd;								\
})

#define err_vm_create(e, dev, bytes) do {				\
	struct vmmu_vm_create __c;					\
									\
	fails_with(e, _vm_create(dev, bytes, &__c));				\
	ASSERT_EQ(POISON32, (__u32)__c.fd);				\
	ASSERT_EQ(POISON64, __c.id);					\
} while (0)

static inline int _vm_info(int vm, struct vmmu_vm_info *i)
{
	memset(i, POISON8, sizeof(*i));
	i->size = sizeof(*i);
	i->flags = 0;
	return call(vm, VMMU_IOC_VM_INFO, i);
}

#define vm_info(vm) ({							\
	struct vmmu_vm_info __i;					\
									\
	ASSERT_EQ(0, _vm_info(vm, &__i));				\
	__i;								\
})

/* Assert that a VM's counters are what they were: vm_info() gave @was. */
#define vm_unchanged(was, vm) do {					\
	struct vmmu_vm_info __was = (was), __now = vm_info(vm);		\
									\
	ASSERT_EQ(__was.frames, __now.frames);				\
	ASSERT_EQ(__was.tables, __now.tables);				\
	ASSERT_EQ(__was.sequence, __now.sequence);			\
	ASSERT_EQ(0, memcmp(&__was, &__now, sizeof(__now)));		\
} while (0)

static inline int _range(int vm, unsigned long cmd, __u64 ra, __u64 bytes,
			 __u64 *done)
{
	struct vmmu_range r = {
		.size = sizeof(r),
		.ra = ra,
		.bytes = bytes,
		.done = POISON64,
	};
	int ret = call(vm, cmd, &r);

	*done = r.done;
	return ret;
}

#define range(vm, cmd, ra, len) do {					\
	__u64 __len = (len), __done;					\
									\
	ASSERT_EQ(0, _range(vm, cmd, ra, __len, &__done));		\
	ASSERT_EQ(__len, __done);					\
} while (0)

#define populate(vm, ra, bytes) range(vm, VMMU_IOC_POPULATE, ra, bytes)
#define discard(vm, ra, bytes) range(vm, VMMU_IOC_DISCARD, ra, bytes)

/* Both calls refuse a bad range alike, before they do anything. */
#define err_range(e, vm, first, len) do {				\
	int __e = (e), __vm = (vm);					\
	struct vmmu_range __r = {					\
		.size = sizeof(__r),					\
		.ra = (first),						\
		.bytes = (len),						\
		.done = POISON64,					\
	};								\
									\
	err_call(__e, __vm, VMMU_IOC_POPULATE, &__r);			\
	err_call(__e, __vm, VMMU_IOC_DISCARD, &__r);			\
} while (0)

static inline int _real_map(int vm, __u64 ra, __u64 last, __u32 nr,
			    struct vmmu_real_map_entry *entries,
			    struct vmmu_real_map *m)
{
	memset(m, POISON8, sizeof(*m));
	m->size = sizeof(*m);
	m->flags = 0;
	m->ra = ra;
	m->last = last;
	m->nr = nr;
	m->entries = (uintptr_t)entries;
	return call(vm, VMMU_IOC_REAL_MAP, m);
}

/* The real map entry of one real page; page_shift is 0 when it has no frame. */
#define real_page(vm, at) ({						\
	struct vmmu_real_map_entry __e = {};				\
	struct vmmu_real_map __m;					\
	__u64 __ra = (at);						\
									\
	ASSERT_EQ(0, _real_map(vm, __ra, __ra + PAGE - 1, 1, &__e, &__m));\
	__e;								\
})

static inline int _space_create(int vm, __u32 format, __u64 root,
				struct vmmu_mode mode,
				struct vmmu_space_create *c)
{
	memset(c, POISON8, sizeof(*c));
	c->size = sizeof(*c);
	c->flags = VMMU_SPACE_LAZY;
	c->format = format;
	c->root = root;
	c->mode = mode;
	return call(vm, VMMU_IOC_SPACE_CREATE, c);
}

#define MODE(bits) ((struct vmmu_mode){ (bits), 0, 52 })

#define space_create(vm, format, root, bits) ({				\
	struct vmmu_space_create __c;					\
									\
	ASSERT_EQ(0, _space_create(vm, format, root, MODE(bits), &__c));\
	__c.fd;								\
})

static inline int _space_info(int space, struct vmmu_space_info *i)
{
	memset(i, POISON8, sizeof(*i));
	i->size = sizeof(*i);
	i->flags = 0;
	return call(space, VMMU_IOC_SPACE_INFO, i);
}

#define space_info(space) ({						\
	struct vmmu_space_info __i;					\
									\
	ASSERT_EQ(0, _space_info(space, &__i));				\
	__i;								\
})

static inline int _set_root(int space, __u64 root)
{
	struct vmmu_set_root r = { .size = sizeof(r), .root = root };

	return call(space, VMMU_IOC_SET_ROOT, &r);
}

#define set_root(space, root) ASSERT_EQ(0, _set_root(space, root))
#define err_set_root(e, space, root) fails_with(e, _set_root(space, root))

static inline int _set_mode(int space, __u64 bits, __u32 pkru, __u32 width)
{
	struct vmmu_set_mode m = {
		.size = sizeof(m),
		.mode = { .bits = bits, .pkru = pkru, .maxphyaddr = width },
	};

	return call(space, VMMU_IOC_SET_MODE, &m);
}

#define set_mode(space, bits, pkru, width)				\
	ASSERT_EQ(0, _set_mode(space, bits, pkru, width))
#define err_set_mode(e, space, bits, pkru, width)			\
	fails_with(e, _set_mode(space, bits, pkru, width))

static inline int _install(int space, __u32 flags, struct vmmu_install_op *ops,
			   __u32 nr, __u8 *outcomes, struct vmmu_install *i)
{
	memset(i, POISON8, sizeof(*i));
	i->size = sizeof(*i);
	i->flags = flags;
	i->nr = nr;
	i->reserved = 0;
	i->ops = (uintptr_t)ops;
	i->outcomes = (uintptr_t)outcomes;
	return call(space, VMMU_IOC_INSTALL, i);
}

#define install(space, flags, ops, nr_ops) do {				\
	__u32 __nr = (nr_ops);						\
	struct vmmu_install __i;					\
									\
	ASSERT_EQ(0, _install(space, flags, ops, __nr, NULL, &__i));	\
	ASSERT_EQ(__nr, __i.done);					\
	ASSERT_EQ(__nr, __i.index);					\
	ASSERT_EQ(VMMU_REASON_NONE, __i.reason);			\
} while (0)

/* Install one entry, give its outcome. */
#define install_one(space, at, lvl, entry) ({				\
	struct vmmu_install_op __op = {					\
		.va = (at), .value = (entry), .level = (lvl),		\
	};								\
	struct vmmu_install __i;					\
	__u8 __outcome = POISON8;					\
									\
	ASSERT_EQ(0, _install(space, 0, &__op, 1, &__outcome, &__i));	\
	ASSERT_EQ(1, __i.done);						\
	ASSERT_EQ(1, __i.index);					\
	__outcome;							\
})

/* Assert that installing one entry stops with ENXIO, why, and at what level. */
#define err_install_one(why, where, space, at, lvl, entry) do {		\
	struct vmmu_install_op __op = {					\
		.va = (at), .value = (entry), .level = (lvl),		\
	};								\
	struct vmmu_install __i;					\
	__u8 __outcome = POISON8;					\
									\
	fails_with(ENXIO, _install(space, 0, &__op, 1, &__outcome, &__i));	\
	ASSERT_EQ(0, __i.done);						\
	ASSERT_EQ(0, __i.index);					\
	ASSERT_EQ((why), __i.reason);					\
	ASSERT_EQ((where), __i.level);					\
	ASSERT_EQ(POISON8, __outcome);					\
} while (0)

static inline int _translate(int space, __u32 flags, __u32 access, __u64 va,
			     struct vmmu_translation *result)
{
	struct vmmu_translate t;
	int ret;

	memset(&t, POISON8, sizeof(t));
	t.size = sizeof(t);
	t.flags = flags;
	t.access = access;
	t.nr = 1;
	t.reserved = 0;
	t.va = va;
	t.vas = 0;
	t.results = 0;
	ret = call(space, VMMU_IOC_TRANSLATE, &t);
	if (!ret && t.done != 1)
		ret = -EPROTO;
	*result = t.result;
	return ret;
}

#define translate(space, flags, access, va) ({				\
	struct vmmu_translation __t;					\
									\
	ASSERT_EQ(0, _translate(space, flags, access, va, &__t));	\
	ASSERT_EQ(0, __t.reserved);					\
	__t;								\
})

/* Translate @vas, or with NULL the @nr pages from @va on. */
static inline int _translate_many(int space, __u32 flags, __u32 access,
				  const __u64 *vas, __u64 va, __u32 nr,
				  struct vmmu_translation *results,
				  __u32 *done)
{
	struct vmmu_translate t = {
		.size = sizeof(t),
		.flags = flags,
		.access = access,
		.nr = nr,
		.done = POISON32,
		.va = va,
		.vas = (uintptr_t)vas,
		.results = (uintptr_t)results,
	};
	int ret = call(space, VMMU_IOC_TRANSLATE, &t);

	*done = t.done;
	return ret;
}

#define translate_many(space, flags, access, vas, va, nr, results) do {	\
	__u32 __nr = (nr), __done;					\
									\
	ASSERT_EQ(0, _translate_many(space, flags, access, vas, va, __nr,\
				     results, &__done));		\
	ASSERT_EQ(__nr, __done);					\
} while (0)

static inline int _explain(int space, __u32 flags, __u32 access, __u64 va,
			   struct vmmu_step *steps, __u32 nr,
			   struct vmmu_explain *e)
{
	memset(e, POISON8, sizeof(*e));
	e->size = sizeof(*e);
	e->flags = flags;
	e->access = access;
	e->nr = nr;
	e->reserved = 0;
	e->va = va;
	e->steps = (uintptr_t)steps;
	return call(space, VMMU_IOC_EXPLAIN, e);
}

static inline int _mappings(int space, __u64 va, __u64 last, __u32 nr,
			    struct vmmu_mapping *out, struct vmmu_mappings *m)
{
	memset(m, POISON8, sizeof(*m));
	m->size = sizeof(*m);
	m->flags = 0;
	m->va = va;
	m->last = last;
	m->nr = nr;
	m->reserved = 0;
	m->mappings = (uintptr_t)out;
	return call(space, VMMU_IOC_MAPPINGS, m);
}

#endif /* VMMU_UTIL_H */
