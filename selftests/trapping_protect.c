// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables are protected in every mapping of real memory: whoever stores to
 * one, by whichever mapping and in whichever process, has installed an entry.
 */
#include "vmmu_protect.h"

FIXTURE(protect) {
	struct protect p;
};

FIXTURE_SETUP(protect)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	protect_make(&self->p, dev);
}

FIXTURE_TEARDOWN(protect)
{
	protect_drop(&self->p);
}

/* A mapping of the table's page alone, or of all from there on. */
static unsigned char *map_table(struct protect *p, size_t bytes, int flags)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags,
		    p->g.vm, p->table);
}

/* The entry for VA, in a mapping that begins with the table. */
static __u64 *entry_in(struct protect *p, void *mapping)
{
	return (__u64 *)mapping + index_at(VA, 1);
}

#define traps(at) ASSERT_EQ(0, traps_at(&self->p, (__u64 *)(at)))

TEST_F(protect, first_mapping)
{
	tables_trap(&self->p);
	traps(self->p.pte);
}

TEST_F(protect, mapping_from_before)
{
	struct protect *p = &self->p;
	unsigned char *same, *one, *read, *bad = MAP_FAILED;

	same = mmap(NULL, p->g.bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		    p->g.vm, 0);
	one = map_table(p, PAGE, 0);
	read = map_table(p, PAGE, MAP_POPULATE);
	ASSERT_TRUE(same != bad && one != bad && read != bad);
	/* Writable and dirty; only read; */
	store(same + p->table, 0x11);
	store(one + 8, 0x22);
	ASSERT_EQ(0x11, load(read));
	tables_trap(p);
	traps(same + p->table + ((__u64)p->pte & (PAGE - 1)));
	traps(entry_in(p, one));
	traps(entry_in(p, read));
	traps(p->pte);
}

TEST_F(protect, mapping_from_after)
{
	struct protect *p = &self->p;
	int flags[] = { 0, MAP_POPULATE, MAP_LOCKED };

	tables_trap(p);
	for (int i = 0; i < 3; i++) {
		unsigned char *m = map_table(p, (1 + i) * PAGE, flags[i]);

		ASSERT_NE(MAP_FAILED, (void *)m);
		traps(entry_in(p, m));
		traps(p->pte);
		ASSERT_EQ(0, munmap(m, (1 + i) * PAGE));
		traps(p->pte);
	}
}

/* In several mappings an open page is writable, and closed at once in all. */
TEST_F(protect, open_in_several)
{
	struct protect *p = &self->p;
	unsigned char *m[4];

	tables_trap(p);
	for (int i = 0; i < 4; i++) {
		m[i] = map_table(p, PAGE, 0);
		ASSERT_NE(MAP_FAILED, (void *)m[i]);
	}
	for (int round = 0; round < 4; round++) {
		set_unknown(entry_in(p, m[round]), 0);
		for (int i = 0; i < 4; i++)
			set(entry_in(p, m[i]), (i & 1 ? p->b : p->a) | PTE_ALL);
		ASSERT_EQ(OPEN, real_flags(p->g.vm, p->table));
		ASSERT_EQ(0, shows(p, TAG_B));
		for (int i = 0; i < 4; i++)
			traps(entry_in(p, m[i]));
	}
}

TEST_F(protect, moved)
{
	struct protect *p = &self->p;
	unsigned char *m = map_table(p, 2 * PAGE, 0), *to;

	store(m + 8, 1);
	tables_trap(p);
	for (int i = 0; i < 3; i++) {
		to = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE |
			  MAP_ANONYMOUS, -1, 0);
		/* What is closed, open, and in use through a window. */
		if (i == 1)
			set_unknown(entry_in(p, m), p->a | PTE_ALL);
		ASSERT_EQ(to, mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE |
				     MREMAP_FIXED, to));
		if (i != 1)
			traps(entry_in(p, to));
		set(entry_in(p, to), p->b | PTE_ALL);
		ASSERT_EQ(0, shows(p, TAG_B));
		traps(entry_in(p, to));
		m = to;
	}
	/* Neither larger, nor a duplicate, nor one whose old place stays. */
	ASSERT_EQ(MAP_FAILED, mremap(m, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
	ASSERT_EQ(MAP_FAILED, mremap(m, 0, 2 * PAGE, MREMAP_MAYMOVE));
	ASSERT_EQ(MAP_FAILED, mremap(m, 2 * PAGE, 2 * PAGE,
				     MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
	traps(entry_in(p, m));
}

/* Pages that are locked into memory would be held for a while. */
TEST_F(protect, locked)
{
	struct protect *p = &self->p;
	unsigned char *m;

	if (geteuid())
		SKIP(return, "needs root, to lock memory");
	ASSERT_EQ(0, mlockall(MCL_FUTURE | MCL_ONFAULT));
	for (int i = 0; i < 3; i++) {
		m = map_table(p, 2 * PAGE, 0);
		store(m + 8, 1);
		if (!i)
			tables_trap(p);
		ASSERT_EQ(CLOSED, real_flags(p->g.vm, p->table));
		traps(entry_in(p, m));
		discard(p->g.vm, p->table, PAGE);
		ASSERT_EQ(0, munmap(m, 2 * PAGE));
	}
	ASSERT_EQ(0, munlockall());
}

/* A dirty PTE becomes writable again without a fault, where it may. */
TEST_F(protect, mprotect)
{
	struct protect *p = &self->p;
	int rw = PROT_READ | PROT_WRITE;
	int between[] = { PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC };
	unsigned char *m = map_table(p, 2 * PAGE, 0);

	for (int i = 0; i < 3; i++) {
		/* Dirty before, and writable only afterwards. */
		store(m + 8, 1);
		ASSERT_EQ(0, mprotect(m, PAGE, between[i]));
		if (!i)
			tables_trap(p);
		ASSERT_EQ(0, mprotect(m, PAGE, rw));
		traps(entry_in(p, m));
		/* Made dirty while it was open. */
		set_unknown(entry_in(p, m), p->b | PTE_ALL);
		ASSERT_EQ(0, mprotect(m, PAGE, between[i]));
		ASSERT_EQ(0, shows(p, TAG_B));
		ASSERT_EQ(0, mprotect(m, PAGE, rw));
		set(entry_in(p, m), p->a | PTE_ALL);
		ASSERT_EQ(0, shows(p, TAG_A));
		/* Open again, but closed only when the right is there again. */
		set_unknown(entry_in(p, m), p->b | PTE_ALL);
		ASSERT_EQ(0, mprotect(m, PAGE, between[i]));
		ASSERT_EQ(0, mprotect(m, PAGE, rw));
		ASSERT_EQ(0, shows(p, TAG_B));
		traps(entry_in(p, m));
	}
	traps(p->pte);
}

/* Unmapped in the middle, and mapped there again, with another offset. */
TEST_F(protect, split)
{
	struct protect *p = &self->p;
	unsigned char *m = mmap(NULL, p->g.bytes, PROT_READ | PROT_WRITE,
				MAP_SHARED, p->g.vm, 0);
	unsigned char *other = m + p->table + 8 * PAGE;

	store(m + p->table + 8, 1);
	store(m + p->table - PAGE + 8, load(m + p->table - PAGE + 8));
	tables_trap(p);
	ASSERT_EQ(0, munmap(m + p->table + PAGE, PAGE));
	traps(entry_in(p, m + p->table));
	ASSERT_EQ(0, munmap(m + p->table - PAGE, PAGE));
	traps(entry_in(p, m + p->table));
	ASSERT_EQ(0, mprotect(m + p->table, PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(m + p->table, PAGE, PROT_READ | PROT_WRITE));
	traps(entry_in(p, m + p->table));
	ASSERT_EQ(other, mmap(other, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED |
			      MAP_FIXED, p->g.vm, p->table));
	traps(entry_in(p, other));
	ASSERT_EQ(0, munmap(m + p->table, PAGE));
	traps(entry_in(p, other));
	traps(p->pte);
}

TEST_F(protect, madvise)
{
	struct protect *p = &self->p;
	int advice[] = { MADV_DONTNEED, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT,
			 MADV_FREE, MADV_REMOVE, MADV_SEQUENTIAL, MADV_DODUMP,
			 MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE,
			 MADV_POPULATE_READ, MADV_POPULATE_WRITE,
			 25 /* MADV_COLLAPSE */ };
	unsigned char *m = map_table(p, PAGE, 0);

	store(m + 8, 1);
	tables_trap(p);
	for (unsigned int i = 0; i < ARRAY_SIZE(advice); i++) {
		set(entry_in(p, m), p->a | PTE_ALL);
		madvise(m, PAGE, advice[i]);
		ASSERT_EQ(0, shows(p, TAG_A)) TH_LOG("advice %d", advice[i]);
		traps(entry_in(p, m));
		set_unknown(entry_in(p, m), p->b | PTE_ALL);
		madvise(m, PAGE, advice[i]);
		ASSERT_EQ(0, shows(p, TAG_B)) TH_LOG("advice %d", advice[i]);
		traps(entry_in(p, m));
		traps(p->pte);
	}
}

TEST_F(protect, memory_management)
{
	static const char * const refs[] = { "1", "3", "4", "5" };
	struct protect *p = &self->p;
	unsigned char *m = map_table(p, PAGE, 0);

	store(m + 8, 1);
	ASSERT_EQ(0, mlock(m, PAGE));
	tables_trap(p);
	traps(entry_in(p, m));
	ASSERT_EQ(0, munlock(m, PAGE));
	traps(entry_in(p, m));
	ASSERT_EQ(0, mlock(m, PAGE));
	traps(entry_in(p, m));
	for (unsigned int i = 0; i < ARRAY_SIZE(refs); i++) {
		set_unknown(entry_in(p, m), p->b | PTE_ALL);
		write_text("/proc/self/clear_refs", refs[i]);
		set_unknown(entry_in(p, m) + 1, p->b | PTE_ALL);
		ASSERT_EQ(0, shows(p, TAG_B));
		write_text("/proc/self/clear_refs", refs[i]);
		traps(entry_in(p, m));
	}
	if (geteuid())
		SKIP(return, "needs root, to compact memory");
	write_text("/proc/sys/vm/compact_memory", "1");
	write_text("/proc/sys/vm/drop_caches", "3");
	traps(entry_in(p, m));
	traps(p->pte);
}

TEST_HARNESS_MAIN
