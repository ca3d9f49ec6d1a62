// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to windows as host mappings, behind the module: their rights
 * change, they move, parts of them go. Never do they give more than both
 * levels. Advice, locks and accounts are in windows_advice.c, children in
 * windows_fork.c.
 */
#include "vmmu_window.h"

#define VA		0x400000ULL
#define NR_PAGES	16

FIXTURE(behind) {
	struct guest g;
	unsigned char *w;
	__u64 pages;
};

/* Page i of the window maps the i-th page of data, which has i + 1 in it. */
FIXTURE_SETUP(behind)
{
	struct guest *g = &self->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(g, dev, 4 * MIB, FORMAT4, VMMU_MODE_WP | VMMU_MODE_NXE);
	self->pages = g->data;
	for (int i = 0; i < NR_PAGES; i++) {
		store(g->mem + self->pages + i * PAGE, (i + 1) << 8 | 0xc3);
		guest_map(g, VA + i * PAGE, 1,
			  (self->pages + i * PAGE) | PTE_ALL);
	}
	self->w = window(g->space, VA, NR_PAGES * PAGE);
}

FIXTURE_TEARDOWN(behind)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

#define word_of(i)	(((i) + 1) << 8 | 0xc3)

/* Assert that the accesses are granted that should be. */
#define grants(at, read, write, fetch) do {				\
	unsigned char *__at = (at);					\
									\
	ASSERT_EQ((read) ? 0 : SIGSEGV, access_kind(__at, READ));	\
	ASSERT_EQ((write) ? 0 : SIGSEGV, access_kind(__at, WRITE));	\
	ASSERT_EQ((fetch) ? 0 : SIGSEGV, access_kind(__at, FETCH));	\
	audit_clean(self->g.vm);					\
} while (0)

/* What x86 grants by PROT bits: whoever writes reads; alone, X is only that. */
static bool prot_reads(int prot)
{
	return prot & (PROT_READ | PROT_WRITE);
}

/*
 * Every change of the window's rights, before and after an access, times what
 * the guest grants, with D set and clear.
 */
TEST_F(behind, mprotect)
{
	static const __u64 entries[] = {
		PTE_P, PTE_P | PTE_NX, PTE_P | PTE_W, PTE_P | PTE_W | PTE_NX,
		PTE_P | PTE_W | PTE_A | PTE_D,
		PTE_P | PTE_W | PTE_NX | PTE_A | PTE_D, 0,
	};
	unsigned char *w = self->w;
	unsigned int nr = 0;

	for (unsigned int e = 0; e < ARRAY_SIZE(entries); e++) {
		__u64 p = entries[e];

		for (int both = 0; both < 64; both++, nr++) {
			int from = both & 7, to = both >> 3;

			install_one(self->g.space, VA, 1,
				    p ? self->pages | p : 0);
			ASSERT_EQ(0, mprotect(w, PAGE, from));
			access_kind(w, READ);
			access_kind(w, both & 1 ? FETCH : WRITE);
			ASSERT_EQ(0, mprotect(w, PAGE, to));
			audit_clean(self->g.vm);
			/* The fetch first: reads of X alone need no key here. */
			ASSERT_EQ((p & PTE_P) && !(p & PTE_NX) &&
				  (to & PROT_EXEC) ? 0 : SIGSEGV,
				  access_kind(w, FETCH))
				TH_LOG("entry %llx, %d to %d", p, from, to);
			ASSERT_EQ((p & PTE_P) && prot_reads(to) ? 0 : SIGSEGV,
				  to == PROT_EXEC ? SIGSEGV :
				  access_kind(w, READ))
				TH_LOG("entry %llx, %d to %d", p, from, to);
			ASSERT_EQ((p & PTE_W) && (to & PROT_WRITE) ? 0 : SIGSEGV,
				  access_kind(w, WRITE))
				TH_LOG("entry %llx, %d to %d", p, from, to);
			audit_clean(self->g.vm);
		}
	}
	printf("# %u changes of rights\n", nr);
	ASSERT_EQ(0, mprotect(w, PAGE, RWX));
	ASSERT_EQ(word_of(1), load(w + PAGE));
}

/* A part of it: the neighbours keep their rights, and PTEs. */
TEST_F(behind, mprotect_a_part)
{
	unsigned char *w = self->w;
	int i;

	install_one(self->g.space, VA + 5 * PAGE, 1,
		    (self->pages + 5 * PAGE) | PTE_P | PTE_NX);
	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(word_of(i), load(w + i * PAGE));
	ASSERT_EQ(0, mprotect(w + 4 * PAGE, 3 * PAGE, PROT_READ));
	for (i = 0; i < NR_PAGES; i++) {
		bool in = i >= 4 && i < 7;

		grants(w + i * PAGE, true, !in, !in);
	}
	ASSERT_EQ(0, mprotect(w, NR_PAGES * PAGE, RWX));
	for (i = 0; i < NR_PAGES; i++)
		grants(w + i * PAGE, true, i != 5, i != 5);
	/* Rights that no host mapping has. */
	ASSERT_EQ(-1, mprotect(w, PAGE, PROT_READ | PROT_GROWSDOWN));
	ASSERT_EQ(EINVAL, errno);
}

/* The host's protection keys come on top, and hold for its PTEs. */
TEST_F(behind, pkeys)
{
	unsigned char *w = self->w;
	int key = pkey_alloc(0, 0);

	if (key < 0)
		SKIP(return, "needs a CPU with protection keys");
	install_one(self->g.space, VA + PAGE, 1,
		    (self->pages + PAGE) | PTE_P | PTE_NX);
	ASSERT_EQ(word_of(0), load(w));
	ASSERT_EQ(0, pkey_mprotect(w, 2 * PAGE, RWX, key));
	grants(w, true, true, true);
	grants(w + PAGE, true, false, false);
	/* In a handler's PKRU no key but 0 gives anything. */
	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_WRITE));
	ASSERT_EQ(SIGSEGV, access_kind(w, WRITE));
	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_WRITE));
	ASSERT_EQ(0, access_kind(w, READ));
	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_ACCESS));
	ASSERT_EQ(SIGSEGV, access_kind(w, READ));
	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_ACCESS));
	/* Pages that come now have the key, too. */
	ASSERT_EQ(SIGSEGV, access_kind(w + PAGE, READ));
	install_one(self->g.space, VA, 1, (self->pages + PAGE) | PTE_ALL);
	ASSERT_EQ(0, pkey_set(key, PKEY_DISABLE_ACCESS));
	ASSERT_EQ(SIGSEGV, access_kind(w, READ));
	ASSERT_EQ(0, pkey_set(key, 0));
	ASSERT_EQ(word_of(1), load(w));
	ASSERT_EQ(0, pkey_mprotect(w, 2 * PAGE, RWX, 0));
	grants(w + PAGE, true, false, false);
	pkey_free(key);
}

TEST_F(behind, mremap)
{
	unsigned char *w = self->w, *to, *other;
	struct guest *g = &self->g;

	ASSERT_EQ(word_of(3), load(w + 3 * PAGE));
	to = mmap(NULL, NR_PAGES * PAGE, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)to);
	ASSERT_EQ(to, mremap(w, NR_PAGES * PAGE, NR_PAGES * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	ASSERT_EQ(SIGSEGV, access_read(w + 3 * PAGE));
	ASSERT_EQ(word_of(3), load(to + 3 * PAGE));
	ASSERT_EQ(word_of(4), load(to + 4 * PAGE));
	/* Installs find it where it is. */
	install_one(g->space, VA + 3 * PAGE, 1, self->pages | PTE_P);
	ASSERT_EQ(word_of(0), load(to + 3 * PAGE));
	grants(to + 3 * PAGE, true, false, true);
	oracle(g, to + 4 * PAGE, VA + 4 * PAGE, 0);

	/* A part of it, over a part of another. */
	other = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(word_of(2), load(other + 2 * PAGE));
	ASSERT_EQ(other + 2 * PAGE,
		  mremap(to + 7 * PAGE, PAGE, PAGE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, other + 2 * PAGE));
	ASSERT_EQ(word_of(7), load(other + 2 * PAGE));
	ASSERT_EQ(word_of(0), load(other + 3 * PAGE));
	ASSERT_EQ(SIGSEGV, access_read(to + 7 * PAGE));
	oracle(g, other + 2 * PAGE, VA + 7 * PAGE, 0);
	ASSERT_EQ(VA + 7 * PAGE,
		  fault(g->space, other + 2 * PAGE, READ).va);

	/* It shrinks, and does not grow again, nor double. */
	ASSERT_EQ(to, mremap(to, 7 * PAGE, 5 * PAGE, 0));
	ASSERT_EQ(SIGSEGV, access_read(to + 5 * PAGE));
	ASSERT_EQ(word_of(4), load(to + 4 * PAGE));
	ASSERT_EQ(MAP_FAILED, mremap(to, 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(MAP_FAILED, mremap(to, 0, 5 * PAGE, MREMAP_MAYMOVE));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(MAP_FAILED, mremap(to, 5 * PAGE, 5 * PAGE, MREMAP_MAYMOVE |
				     MREMAP_DONTUNMAP, NULL));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(word_of(4), load(to + 4 * PAGE));
}

/* By 2 MiB and more, where whole page-table pages move. */
TEST_F(behind, mremap_large)
{
	struct guest *g = &self->g;
	unsigned char *area, *from, *to;

	for (int i = 0; i < 3; i++)
		guest_map(g, VA + i * 2 * MIB, 1, (self->pages + i * PAGE) |
			  PTE_ALL);
	area = mmap(NULL, 24 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, (void *)area);
	from = (void *)(((uintptr_t)area + 2 * MIB) & ~(2 * MIB - 1));
	to = from + 10 * MIB;
	ASSERT_EQ(from, mmap(from, 6 * MIB, RWX, MAP_SHARED | MAP_FIXED,
			     g->space, VA));
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(word_of(i), load(from + i * 2 * MIB));
		ASSERT_EQ(to, mremap(from, 6 * MIB, 6 * MIB, MREMAP_MAYMOVE |
				     MREMAP_FIXED, to));
		ASSERT_EQ(SIGSEGV, access_read(from));
		audit_clean(g->vm);
		install_one(g->space, VA + 2 * MIB, 1, self->pages | PTE_ALL);
		ASSERT_EQ(word_of(0), load(to + 2 * MIB));
		install_one(g->space, VA + 2 * MIB, 1,
			    (self->pages + PAGE) | PTE_ALL);
		from = to;
		to += round % 2 ? 10 * MIB : -10 * MIB;
	}
}

/* Holes, something else in the holes, and a window again. */
TEST_F(behind, munmap)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;
	int i;

	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(word_of(i), load(w + i * PAGE));
	for (i = 1; i < NR_PAGES; i += 2)
		ASSERT_EQ(0, munmap(w + i * PAGE, PAGE));
	for (i = 0; i < NR_PAGES; i++) {
		ASSERT_EQ(i % 2 ? SIGSEGV : 0, access_read(w + i * PAGE));
		install_one(g->space, VA + i * PAGE, 1,
			    (self->pages + (NR_PAGES - 1 - i) * PAGE) |
			    PTE_P | PTE_W);
		if (i % 2 == 0) {
			ASSERT_EQ(word_of(NR_PAGES - 1 - i), load(w + i * PAGE));
			oracle(g, w + i * PAGE, VA + i * PAGE, 0);
		}
	}
	audit_clean(g->vm);
	ASSERT_EQ(NR_PAGES / 2, audit(g->vm).windows);
	/* Memory in a hole is left alone; and the window of another page. */
	ASSERT_EQ(w + PAGE, mmap(w + PAGE, PAGE, RWX, MAP_FIXED | MAP_PRIVATE |
				 MAP_ANONYMOUS, -1, 0));
	store(w + PAGE, 0x1234);
	ASSERT_EQ(w + 3 * PAGE, mmap(w + 3 * PAGE, PAGE, RWX, MAP_FIXED |
				     MAP_SHARED, g->space, VA + 9 * PAGE));
	install_one(g->space, VA + PAGE, 1, 0);
	install_one(g->space, VA + 3 * PAGE, 1, 0);
	invalidate_all(g->space);
	ASSERT_EQ(0x1234, load(w + PAGE));
	ASSERT_EQ(word_of(NR_PAGES - 1 - 9), load(w + 3 * PAGE));
}

/* Something else over a window, and a window over something else. */
TEST_F(behind, map_fixed)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;

	ASSERT_EQ(word_of(0), load(w));
	ASSERT_EQ(w, mmap(w, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED |
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_EQ(0, load(w));
	store(w, 0x1111);
	install_one(g->space, VA, 1, 0);
	ASSERT_EQ(0x1111, load(w));
	ASSERT_EQ(word_of(0), load(g->mem + self->pages));
	ASSERT_EQ(w, mmap(w, 2 * PAGE, PROT_READ, MAP_FIXED | MAP_SHARED,
			  g->space, VA + PAGE));
	ASSERT_EQ(word_of(1), load(w));
	grants(w, true, false, false);
	grants(w + PAGE, true, false, false);
	grants(w + 2 * PAGE, true, true, true);
	/* Real memory over it, and back: neither is taken for the other. */
	ASSERT_EQ(w, mmap(w, PAGE, PROT_READ, MAP_FIXED | MAP_SHARED, g->vm,
			  self->pages + 5 * PAGE));
	ASSERT_EQ(word_of(5), load(w));
	fails_with(ENOENT, _fault(g->space, w, READ, &(struct vmmu_fault){}));
}

/* This old call is a mmap() of another part of the file. */
TEST_F(behind, remap_file_pages)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;

	ASSERT_EQ(word_of(0), load(w));
	install_one(g->space, VA + 9 * PAGE, 1,
		    (self->pages + 9 * PAGE) | PTE_P | PTE_NX);
	ASSERT_EQ(0, remap_file_pages(w, PAGE, 0, VA / PAGE + 9, 0));
	ASSERT_EQ(word_of(9), load(w));
	grants(w, true, false, false);
	ASSERT_EQ(VA + 9 * PAGE, fault(g->space, w, READ).va);
	/* An offset that no window may have. */
	ASSERT_EQ(-1, remap_file_pages(w, PAGE, 0, BIT_ULL(47) / PAGE, 0));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(word_of(1), load(w + PAGE));
}

TEST_HARNESS_MAIN
