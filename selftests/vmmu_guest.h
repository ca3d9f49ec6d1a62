/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest for tests: a VM whose real memory is mapped as a whole, and a space
 * whose page table the test writes by plain stores. Nothing here asks the
 * module what a page table means.
 */
#ifndef VMMU_GUEST_H
#define VMMU_GUEST_H

#include "vmmu_util.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_PWT		BIT_ULL(3)
#define PTE_PCD		BIT_ULL(4)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)	/* a large page at level 2 and 3 */
#define PTE_G		BIT_ULL(8)
#define PTE_LARGE_PAT	BIT_ULL(12)
#define PTE_PKEY(k)	((__u64)(k) << 59)
#define PTE_NX		BIT_ULL(63)
#define PTE_ALL		(PTE_P | PTE_W | PTE_U)
#define PTE_ADDRESS	0x000ffffffffff000ULL

#define FORMAT4		VMMU_FORMAT_X86_64_4LEVEL
#define FORMAT5		VMMU_FORMAT_X86_64_5LEVEL

#define READ		VMMU_ACCESS_READ
#define WRITE		VMMU_ACCESS_WRITE
#define FETCH		VMMU_ACCESS_FETCH
#define USER		VMMU_TRANSLATE_USER
#define SET_AD		VMMU_TRANSLATE_SET_AD
#define PROVIDE		VMMU_TRANSLATE_PROVIDE

/*
 * @mem: all of real memory, mapped
 * @data: real address of the upper half, which is for the test's pages
 * @next: the next page of the lower half that is free for a table
 */
struct guest {
	int dev, vm, space;
	int levels;
	__u64 bytes, root, data, next;
	unsigned char *mem;
};

static inline unsigned int index_at(__u64 va, int level)
{
	return va >> (12 + 9 * (level - 1)) & 511;
}

static inline __u64 *guest_entry(struct guest *g, __u64 table, unsigned int i)
{
	return (__u64 *)(g->mem + table) + i;
}

static inline __u64 guest_page(struct guest *g)
{
	__u64 ra = g->next;

	g->next += PAGE;
	return ra;
}

/*
 * The entry for @va at @level, in a page that has its frame. Tables above it
 * are made, granting all.
 */
static inline __u64 *guest_slot(struct guest *g, __u64 va, int level)
{
	__u64 *slot, table = g->root;
	int l;

	for (l = g->levels; l > level; l--) {
		__u64 *entry = guest_entry(g, table, index_at(va, l));

		if (!(*entry & PTE_P))
			*entry = guest_page(g) | PTE_ALL;
		table = *entry & PTE_ADDRESS;
	}
	slot = guest_entry(g, table, index_at(va, level));
	__atomic_load_n(slot, __ATOMIC_RELAXED);	/* touched */
	return slot;
}

/* Have the entry for @va at @level map as @value says, by a plain store. */
static inline void guest_map(struct guest *g, __u64 va, int level, __u64 value)
{
	__atomic_store_n(guest_slot(g, va, level), value, __ATOMIC_RELAXED);
}

/*
 * Make a guest with a space of a format, mode bits as given. Real page 0 stays
 * unused, the root is page 1.
 */
#define guest_make(new, device, real_bytes, format, bits) do {	\
	struct guest *__g = (new);					\
									\
	__g->dev = (device);						\
	__g->bytes = (real_bytes);					\
	__g->data = __g->bytes / 2;					\
	__g->next = PAGE;						\
	__g->vm = vm_create(__g->dev, __g->bytes);			\
	__g->mem = mmap(NULL, __g->bytes, PROT_READ | PROT_WRITE,	\
			MAP_SHARED, __g->vm, 0);			\
	ASSERT_NE(MAP_FAILED, (void *)__g->mem);			\
	__g->space = -1;						\
	guest_format(__g, format, bits);				\
} while (0)

/* Go on with a new space, of another format or other mode bits. */
#define guest_format(old, format, bits) do {				\
	struct guest *__h = (old);					\
	__u32 __format = (format);					\
									\
	if (__h->space >= 0)						\
		close(__h->space);					\
	__h->levels = __format == FORMAT5 ? 5 : 4;			\
	__h->root = guest_page(__h);					\
	__h->space = space_create(__h->vm, __format, __h->root, bits);	\
} while (0)

/* What windows show, and the page tables of TRAPPING spaces, are as they should be. */
static inline void guest_audit(struct guest *g)
{
	struct vmmu_audit a = { .size = sizeof(a) };

	if (ioctl(g->vm, VMMU_IOC_AUDIT, &a)) {
		/* It is dead, or closed. */
		if (errno == EIO || errno == EBADF)
			return;
		printf("# audit: errno %d\n", errno);
		abort();
	}
	if (!a.wrong && !a.tables_wrong)
		return;
	printf("# audit: %llu wrong, the first at va %llx of space %llu\n",
	       a.wrong, a.va, a.space);
	printf("# audit: %llu tables wrong, the first at ra %llx\n",
	       a.tables_wrong, a.ra);
	abort();
}

static inline void guest_drop(struct guest *g)
{
	guest_audit(g);
	munmap(g->mem, g->bytes);
	close(g->space);
	close(g->vm);
}

#endif /* VMMU_GUEST_H */
