// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_MAPPINGS, against page tables built at random and a list of their
 * leaves that the test makes itself.
 */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)
#define MAX	60000
#define END	(~0ULL)

FIXTURE(mappings) {
	struct guest g;
	__u32 most;
	struct vmmu_mapping *want, *got;
	unsigned int nr_want, nr_got;
	__u64 seed, width_bits;
};

FIXTURE_VARIANT(mappings) {
	__u32 format;
};

FIXTURE_VARIANT_ADD(mappings, four) {
	.format = FORMAT4,
};

FIXTURE_VARIANT_ADD(mappings, five) {
	.format = FORMAT5,
};

FIXTURE_SETUP(mappings)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, variant->format, VMMU_MODE_NXE);
	set_mode(self->g.space, VMMU_MODE_NXE, 0, 46);
	self->most = info(dev).max_batch;
	self->want = malloc(MAX * sizeof(*self->want));
	self->got = malloc(MAX * sizeof(*self->got));
	ASSERT_TRUE(self->want && self->got);
	self->seed = 0x9e3779b97f4a7c15ULL;
}

FIXTURE_TEARDOWN(mappings)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

static __u64 rnd(__u64 *seed, __u64 below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

/* An entry at random: mostly good ones, some with a fault of every kind. */
static __u64 random_entry(struct guest *g, __u64 *seed, int level,
			  bool large, __u64 table)
{
	__u64 bits = PTE_P | (rnd(seed, 4) ? PTE_W : 0) |
		     (rnd(seed, 4) ? PTE_U : 0) | (rnd(seed, 8) ? 0 : PTE_NX);
	__u64 page = rnd(seed, 3 * REAL / 2 / PAGE) * PAGE;

	if (!rnd(seed, 12))
		bits |= 1ULL << (46 + rnd(seed, 6));	/* reserved */
	if (!rnd(seed, 12))
		bits &= ~PTE_P;
	if (level > 1 && !large)
		return table | bits;
	bits |= rnd(seed, 3) ? 0 : PTE_D | PTE_A | PTE_G;
	if (level > 1)
		bits |= PTE_PS;
	if (level > 1 && !rnd(seed, 8))
		bits |= 1ULL << (13 + rnd(seed, 6));	/* reserved */
	if (level == 2)
		page = page / (2 * MIB) * (2 * MIB);
	if (level == 3)
		page = rnd(seed, 4) ? 0 : GIB;
	return page | bits;
}

/*
 * A random tree: a few entries of each table, in clusters, at both ends and
 * around the middle, and runs of neighbours.
 */
static void build(struct guest *g, __u64 *seed, __u64 table, int level)
{
	unsigned int n = level == 1 ? 12 : 5, at, run;

	while (n--) {
		static const unsigned int ends[] = { 0, 255, 256, 511 };

		at = rnd(seed, 3) ? rnd(seed, 512) : ends[rnd(seed, 4)];
		run = level == 1 ? 1 + rnd(seed, 9) : 1;
		for (; run && at < 512; run--, at++) {
			bool large = level < 4 && !rnd(seed, 4);
			__u64 *e = guest_entry(g, table, at), next = 0;

			if (*e)
				continue;
			if (level > 1 && !large) {
				if (g->next + PAGE > g->data)
					return;
				next = guest_page(g);
			}
			*e = random_entry(g, seed, level, large, next);
			if (level == 1 && at && rnd(seed, 2))
				*e = *guest_entry(g, table, at - 1) + PAGE;
			if (next)
				build(g, seed, next, level - 1);
		}
	}
}

/* Add a mapping to a list whose neighbours that continue each other merge. */
static void add(struct vmmu_mapping *list, unsigned int *nr,
		const struct vmmu_mapping *m)
{
	struct vmmu_mapping *last = list + *nr - 1;

	if (*nr && last->va + last->bytes == m->va &&
	    last->ra + last->bytes == m->ra &&
	    last->attributes == m->attributes && last->rights == m->rights &&
	    last->page_shift == m->page_shift && last->flags == m->flags)
		last->bytes += m->bytes;
	else if (*nr < MAX)
		list[(*nr)++] = *m;
}

/* List a table's leaves, by the architecture's book. */
static void expect(struct guest *g, __u64 table, int level, __u64 va,
		   __u32 rights, struct vmmu_mapping *list, unsigned int *nr)
{
	int shift = 12 + 9 * (level - 1), up = g->levels == 5 ? 7 : 16, i;
	__u64 bytes = 1ULL << shift;

	for (i = 0; i < 512; i++) {
		__u64 e = *guest_entry(g, table, i), low;
		struct vmmu_mapping m = {};
		__u32 granted = rights;
		bool large = (e & PTE_PS) && level > 1;

		if (!(e & PTE_P) || e & 0x000fc00000000000ULL)
			continue;
		if (large && level > 3)
			continue;
		low = (bytes - 1) & ~0xfffULL & ~PTE_LARGE_PAT;
		if (large && (e & low))
			continue;
		if (!(e & PTE_W))
			granted &= ~VMMU_RIGHT_WRITE;
		if (!(e & PTE_U))
			granted &= ~VMMU_RIGHT_USER;
		if (e & PTE_NX)
			granted &= ~VMMU_RIGHT_EXEC;
		m.va = va + i * bytes;
		if (level > 1 && !large) {
			if ((e & PTE_ADDRESS) < g->bytes)
				expect(g, e & PTE_ADDRESS, level - 1, m.va,
				       granted, list, nr);
			continue;
		}
		m.va = (__u64)((__s64)(m.va << up) >> up);
		m.bytes = bytes;
		m.ra = e & PTE_ADDRESS & -bytes;
		m.attributes = e & ~(PTE_ADDRESS & -bytes);
		m.rights = granted;
		m.page_shift = shift;
		if (m.ra < g->bytes && m.ra + bytes > g->bytes) {
			/* The part of a large page that is there, first. */
			m.bytes = g->bytes - m.ra;
			add(list, nr, &m);
			m.va += m.bytes;
			m.ra += m.bytes;
			m.bytes = bytes - m.bytes;
		}
		if (m.ra >= g->bytes)
			m.flags = VMMU_MAPPING_BEYOND_REAL;
		add(list, nr, &m);
	}
}

#define want_all() do {							\
	self->nr_want = 0;						\
	expect(&self->g, self->g.root, self->g.levels, 0,		\
	       VMMU_RIGHT_READ | VMMU_RIGHT_WRITE | VMMU_RIGHT_EXEC |	\
	       VMMU_RIGHT_USER, self->want, &self->nr_want);		\
	ASSERT_GT(MAX, self->nr_want);					\
} while (0)

/* Ask from @first to @end in pieces of @size, merge what comes. */
#define get_all(first, end, size) do {					\
	__u64 __va = (first), __last = (end);				\
	__u32 __size = (size), __more = 1, __k;				\
	struct vmmu_mapping *__m;					\
	struct vmmu_mappings __a;					\
									\
	__m = malloc(__size * sizeof(*__m));				\
	ASSERT_NE(NULL, __m);						\
	self->nr_got = 0;						\
	while (__more) {						\
		ASSERT_EQ(0, _mappings(self->g.space, __va, __last,	\
				       __size, __m, &__a));		\
		ASSERT_GE(__size, __a.done);				\
		for (__k = 0; __k < __a.done; __k++) {			\
			ASSERT_EQ(0, __m[__k].reserved);		\
			ASSERT_LE(__va, __m[__k].va +			\
				  __m[__k].bytes - 1);			\
			ASSERT_GE(__last, __m[__k].va);			\
			add(self->got, &self->nr_got, &__m[__k]);	\
		}							\
		__more = __a.more;					\
		ASSERT_GE(1, __more);					\
		if (__more)						\
			ASSERT_LT(__va, __a.va);			\
		__va = __a.va;						\
	}								\
	free(__m);							\
} while (0)

#define same() do {							\
	unsigned int __i;						\
									\
	for (__i = 0; __i < self->nr_want && __i < self->nr_got; __i++) {	\
		ASSERT_EQ(0, memcmp(self->want + __i, self->got + __i,	\
				    sizeof(*self->want)))		\
			TH_LOG("mapping %u: %llx+%llx %llx, not %llx+%llx %llx",\
			       __i, self->got[__i].va,			\
			       self->got[__i].bytes, self->got[__i].ra,	\
			       self->want[__i].va,			\
			       self->want[__i].bytes,			\
			       self->want[__i].ra);			\
	}								\
	ASSERT_EQ(self->nr_want, self->nr_got);				\
} while (0)

TEST_F(mappings, random_tables)
{
	struct vmmu_vm_info before;
	unsigned char *was = malloc(REAL / 2);
	unsigned long total = 0;
	unsigned int round;

	if (info(self->g.dev).memlock_bytes < REAL + MIB)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	ASSERT_NE(NULL, was);
	for (round = 0; round < rounds(8); round++) {
		build(&self->g, &self->seed, self->g.root, self->g.levels);
		want_all();
		memcpy(was, self->g.mem, self->g.next);
		before = vm_info(self->g.vm);
		get_all(0, END, self->most);
		same();
		if (round < 2) {
			get_all(0, END, 1);
			same();
		}
		get_all(0, END, 7);
		same();
		/* Nothing was marked as accessed, nothing provided. */
		ASSERT_EQ(0, memcmp(was, self->g.mem, self->g.next));
		vm_unchanged(before, self->g.vm);
		total += self->nr_want;
		memset(self->g.mem + PAGE, 0, self->g.next - PAGE);
		self->g.next = 2 * PAGE;
	}
	printf("# compared %lu mappings\n", total);
	ASSERT_LT(300, total);
}

/* Windows on the list: from a leaf's first byte to another's last byte. */
TEST_F(mappings, parts)
{
	unsigned int a, b, i, step;

	build(&self->g, &self->seed, self->g.root, self->g.levels);
	want_all();
	ASSERT_LT(50, self->nr_want);
	step = self->nr_want / (4 + rounds(16));
	for (a = 0; a < self->nr_want; a += step) {
		for (b = a; b < self->nr_want; b += step + 1) {
			struct vmmu_mapping *to = &self->want[b];

			get_all(self->want[a].va, to->va + to->bytes - 1, 64);
			ASSERT_EQ(b - a + 1, self->nr_got);
			for (i = a; i <= b; i++) {
				ASSERT_EQ(0, memcmp(&self->want[i],
						    &self->got[i - a],
						    sizeof(*self->want)));
			}
		}
	}

	/* The byte before the first leaf belongs to it no more. */
	ASSERT_LT(PAGE, self->want[0].va);
	get_all(0, self->want[0].va - 1, 64);
	ASSERT_EQ(0, self->nr_got);
	get_all(0, self->want[0].va, 64);
	ASSERT_EQ(1, self->nr_got);
	ASSERT_EQ(self->want[0].va, self->got[0].va);
}

TEST_F(mappings, both_halves)
{
	__u64 top = 1ULL << (self->g.levels == 5 ? 56 : 47);
	__u64 at[] = { 0, top - PAGE, -top, -PAGE };
	unsigned int i;

	for (i = 0; i < 4; i++)
		guest_map(&self->g, at[i], 1, i * PAGE | PTE_P);
	get_all(0, END, 64);
	ASSERT_EQ(4, self->nr_got);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(at[i], self->got[i].va);
		ASSERT_EQ(PAGE, self->got[i].bytes);
	}
	get_all(top - PAGE, -top, 1);
	ASSERT_EQ(2, self->nr_got);
	get_all(0, top - 1, 1);
	ASSERT_EQ(2, self->nr_got);
	get_all(-top, END, 1);
	ASSERT_EQ(2, self->nr_got);
	get_all(END, END, 1);
	ASSERT_EQ(1, self->nr_got);
}

/*
 * A scan that has to give way at the very end of the lower half goes on behind
 * the hole. As many pages as one scan steps through, and no gap above them.
 */
TEST_F(mappings, up_to_the_hole)
{
	__u64 top = 1ULL << (self->g.levels == 5 ? 56 : 47);
	unsigned int nr, i;

	for (nr = 64; nr <= 4096; nr *= 2) {
		for (i = 0; i < nr; i++)
			guest_map(&self->g, top - (i + 1) * PAGE, 1,
				  (nr - i - 1) * PAGE | PTE_P);
		guest_map(&self->g, -PAGE, 1, PTE_P);
		get_all(top - nr * PAGE, END, 1);
		ASSERT_EQ(2, self->nr_got);
		ASSERT_EQ(nr * PAGE, self->got[0].bytes);
		ASSERT_EQ(-PAGE, self->got[1].va);
	}
}

/*
 * A hostile table: every entry of every upper level leads to one and the same
 * last level, which maps nothing. A call must give way, one way or another.
 */
TEST_F(mappings, endless)
{
	__u64 table = self->g.root, va = 0;
	struct vmmu_mappings a;
	struct vmmu_mapping m;
	unsigned int calls;
	int level, i;

	for (level = self->g.levels; level > 1; level--) {
		__u64 next = guest_page(&self->g);

		for (i = 0; i < 512; i++)
			*guest_entry(&self->g, table, i) = next | PTE_ALL;
		table = next;
	}
	for (calls = 0; calls < rounds(100); calls++) {
		__u64 start = now_ms();

		ASSERT_EQ(0, _mappings(self->g.space, va, END, 1, &m, &a));
		ASSERT_GT(1000, now_ms() - start);
		ASSERT_EQ(0, a.done);
		ASSERT_EQ(1, a.more);
		ASSERT_LT(va, a.va);
		va = a.va;
	}
}

TEST_F(mappings, empty)
{
	struct vmmu_mappings a;
	struct vmmu_mapping m;

	memset(&m, POISON8, sizeof(m));
	ASSERT_EQ(0, _mappings(self->g.space, 0, END, 1, &m, &a));
	EXPECT_EQ(0, a.done);
	EXPECT_EQ(0, a.more);
	set_root(self->g.space, REAL);
	ASSERT_EQ(0, _mappings(self->g.space, 0, END, 1, &m, &a));
	EXPECT_EQ(0, a.done);
	EXPECT_EQ(0, a.more);
	EXPECT_TRUE(all_bytes(&m, POISON8, sizeof(m)));
	EXPECT_EQ(0, vm_info(self->g.vm).frames);
}

TEST_F(mappings, refused)
{
	__u64 top = 1ULL << (self->g.levels == 5 ? 56 : 47);
	struct { __u64 va, last; __u32 nr; } bad[] = {
		{ 0, END, 0 }, { 0, END, self->most + 1 }, { 0, END, ~0U },
		{ PAGE, 0, 1 }, { -PAGE, PAGE, 1 }, { top, END, 1 },
		{ 0, top, 1 }, { 0, -top - 1, 1 }, { 1ULL << 63, END, 1 },
	};
	struct vmmu_mapping m;
	unsigned int i;

	memset(&m, POISON8, sizeof(m));
	guest_map(&self->g, 0, 1, PTE_P);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmmu_mappings a = {
			.size = sizeof(a),
			.va = bad[i].va,
			.last = bad[i].last,
			.nr = bad[i].nr,
			.done = POISON32,
			.more = POISON32,
			.mappings = (uintptr_t)&m,
		};

		err_call(EINVAL, self->g.space, VMMU_IOC_MAPPINGS, &a);
		ASSERT_TRUE(all_bytes(&m, POISON8, sizeof(m)));
	}
}

TEST_F(mappings, bad_memory)
{
	struct vmmu_mappings a;

	guest_map(&self->g, 0x1000, 1, PTE_P);
	fails_with(EFAULT, _mappings(self->g.space, 0, END, 1, NULL, &a));
	EXPECT_EQ(0, a.done);
	EXPECT_GE(0x1000, a.va);
}

TEST_HARNESS_MAIN
