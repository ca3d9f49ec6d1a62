// SPDX-License-Identifier: GPL-2.0
/*
 * Every rule of x86-64 paging, by comparing the module with an independent
 * model of the processor (x86_model.h): success or the exact error code, the
 * reason and its level, real address, rights, and all of the page tables
 * afterwards, A and D included.
 *
 *	sweep	one entry takes all 256 values of (P W U NX PS RSVD A D) at
 *		each level in turn, the others grant all
 *	cross	every combination of W, U and NX over all levels
 *	bits	one entry has a single bit set or cleared, at each level, for
 *		every width of a real address
 *
 * times read, write, fetch, by user and supervisor, and the mode bits.
 */
#include "x86_model.h"
#include "vmmu_proc.h"

#define REAL	(16 * MIB)
#define MAX_VAS	40000
#define KEY	5

#define MODES	64	/* WP NXE SMEP SMAP AC PKE */

FIXTURE(permissions) {
	struct guest g;
	struct model model;
	unsigned char *template;	/* the tables as they were built */
	__u64 tables;			/* bytes that may differ from it */
	__u64 *vas;
	__u32 nr;
	struct vmmu_translation *results;
	__u32 max_batch;
	unsigned long compared, allowed;
};

FIXTURE_VARIANT(permissions) {
	__u32 format;
	bool short_cross;	/* each other mode only: AC follows from it */
};

FIXTURE_VARIANT_ADD(permissions, four) {
	.format = FORMAT4,
};

FIXTURE_VARIANT_ADD(permissions, five) {
	.format = FORMAT5, .short_cross = true,
};

FIXTURE_SETUP(permissions)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, variant->format, 0);
	self->max_batch = info(dev).max_batch;
	self->vas = malloc(MAX_VAS * sizeof(*self->vas));
	self->results = malloc(MAX_VAS * sizeof(*self->results));
	self->model.mem = calloc(1, REAL);
	self->template = malloc(REAL);
	ASSERT_TRUE(self->vas && self->results && self->model.mem &&
		    self->template);
	self->model.bytes = REAL;
	self->model.root = self->g.root;
	self->model.levels = self->g.levels;
	self->model.maxphyaddr = 46;
}

FIXTURE_TEARDOWN(permissions)
{
	printf("# compared %lu translations, %lu of them allowed\n",
	       self->compared, self->allowed);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Take the tables as built for what each round starts from. */
#define tables_built() do {						\
	self->tables = self->g.next;					\
	memcpy(self->template, self->g.mem, self->tables);		\
	memcpy(self->model.mem, self->g.mem, self->tables);		\
} while (0)

/* Compare one answer with the model's. */
static const char *difference(const struct model_result *r,
			      const struct vmmu_translation *t)
{
	bool ok = t->flags & VMMU_TRANSLATED;
	bool fault = t->flags & VMMU_PAGE_FAULT;

	if (r->end == MODEL_OK ? !ok : ok)
		return "success";
	if (r->end == MODEL_FAULT ? !fault : fault)
		return "page fault";
	if (t->error_code != r->error_code)
		return "error code";
	if (t->reason != r->reason &&
	    !(ok && t->reason == VMMU_REASON_NOT_BACKED))
		return "reason";
	if (t->level != r->level)
		return "level";
	if (!ok)
		return NULL;
	if (t->ra != r->ra)
		return "real address";
	if (t->rights != r->rights)
		return "rights";
	if (t->page_shift != r->page_shift)
		return "page size";
	return NULL;
}

static const char *mode_text(const struct model *m)
{
	static char text[80];

	snprintf(text, sizeof(text), "bits %llx pkru %x width %d", m->bits,
		 m->pkru, m->maxphyaddr);
	return text;
}

/*
 * One mode, one access, over all addresses, and the tables afterwards. An
 * access that the module judges otherwise ends the test with the address.
 */
#define compare(acc, usr) do {						\
	struct model_access __a = {					\
		.access = (acc), .user = (usr), .set_ad = true,		\
	};								\
	__u32 __at, __n, __k;						\
									\
	for (__at = 0; __at < self->nr; __at += __n) {			\
		__n = self->nr - __at;					\
		if (__n > self->max_batch)				\
			__n = self->max_batch;				\
		translate_many(self->g.space,				\
			       SET_AD | (__a.user ? USER : 0),		\
			       __a.access, self->vas + __at, 0, __n,	\
			       self->results + __at);			\
	}								\
	for (__k = 0; __k < self->nr; __k++) {				\
		struct vmmu_translation *__t = self->results + __k;	\
		struct model_result __r;				\
		const char *__what;					\
									\
		__a.va = self->vas[__k];				\
		model_translate(&self->model, &__a, &__r);		\
		__what = difference(&__r, __t);				\
		ASSERT_EQ(NULL, __what)					\
			TH_LOG("%s: va %llx access %d user %d %s: "	\
			       "error code %x instead of %x", __what,	\
			       __a.va, __a.access, __a.user,		\
			       mode_text(&self->model), __t->error_code,\
			       __r.error_code);				\
		self->allowed += __r.end == MODEL_OK;			\
	}								\
	self->compared += self->nr;					\
	ASSERT_EQ(0, memcmp(self->g.mem, self->model.mem,		\
			    self->tables))				\
		TH_LOG("A or D: access %d user %d %s", __a.access,	\
		       __a.user, mode_text(&self->model));		\
	memcpy(self->g.mem, self->template, self->tables);		\
	memcpy(self->model.mem, self->template, self->tables);		\
} while (0)

/* All six accesses in one mode, with A and D put back after each. */
#define compare_mode(mode_bits, mode_pkru) do {				\
	int __access;							\
									\
	self->model.bits = (mode_bits);					\
	self->model.pkru = (mode_pkru);					\
	set_mode(self->g.space, self->model.bits, self->model.pkru,	\
		 self->model.maxphyaddr);				\
	for (__access = READ; __access <= FETCH; __access++) {		\
		compare(__access, false);				\
		compare(__access, true);				\
	}								\
} while (0)

/*
 * PKRU for our key by two bits of @low; the other keys all forbidden or all
 * allowed, which must not matter, and neither must CPL.
 */
#define compare_keys(mode_bits, low) do {				\
	__u64 __mode = (mode_bits);					\
	__u32 __low = (low), __pkru = __low << (2 * KEY);		\
									\
	if (__low & 1)							\
		__pkru |= ~(3U << (2 * KEY));				\
	else								\
		__mode |= VMMU_MODE_CPL3;				\
	compare_mode(__mode, __pkru);					\
} while (0)

/* An entry of the attributes in @value; large pages map from 0 on. */
static __u64 spread(int value, __u64 address, int level)
{
	__u64 e = model_attributes(value);

	if (level == 1)
		return e | address | PTE_PKEY(KEY);
	return e | (e & PTE_PS ? PTE_PKEY(KEY) : address);
}

#define va_part(i, level) ((__u64)(i) << (12 + 9 * ((level) - 1)))

/* The address with @va's low 57 or 48 bits, sign-extended. */
static __u64 canonical(__u64 va, int levels)
{
	int up = levels == 5 ? 7 : 16;

	return (__u64)((__s64)(va << up) >> up);
}

/*
 * For each level a table of the 256 values at index 0 to 255, reached by a
 * path of its own (root index 256 + level) that grants all.
 */
static void build_sweep(struct guest *g, __u64 *vas, __u32 *nr)
{
	int level, i;

	*nr = 0;
	for (level = g->levels; level >= 1; level--) {
		__u64 path = 0, to = g->data;

		if (level < g->levels)
			path = canonical(va_part(256 + level, g->levels),
					 g->levels);
		/* The leaf that the swept entries share, and the way to it. */
		guest_map(g, path | va_part(5, 1), 1,
			  g->data | PTE_ALL | PTE_PKEY(KEY));
		if (level > 1)
			to = *guest_slot(g, path, level) & PTE_ADDRESS;
		for (i = 0; i < 256; i++) {
			__u64 va = path | va_part(i, level);

			guest_map(g, va, level, spread(i, to, level));
			vas[(*nr)++] = (level > 1 ? va | va_part(5, 1) : va) |
				       0x123;
		}
	}
}

/* All modes, each once; by an odd step come those first that matter most. */
static int mode_nr(int i)
{
	return (i * 37 + 3) % MODES;
}

TEST_F(permissions, sweep)
{
	int i, low;

	build_sweep(&self->g, self->vas, &self->nr);
	tables_built();
	ASSERT_EQ(256 * self->g.levels, self->nr);
	for (i = 0; i < (int)rounds(MODES); i++)
		for (low = 0; low < 4; low++)
			compare_keys(mode_nr(i), low);
	ASSERT_LT(self->compared / 100, self->allowed);
}

/* 8 entries at each level, whose index is their W, U and NX. */
static void build_cross(struct guest *g, __u64 *vas, __u32 *nr)
{
	__u64 tables[6] = {};
	int level, i;

	for (level = g->levels; level >= 1; level--)
		tables[level] = level == g->levels ? g->root : guest_page(g);
	for (level = g->levels; level >= 1; level--) {
		__u64 to = level > 1 ? tables[level - 1] :
			   g->data | PTE_PKEY(KEY);

		for (i = 0; i < 8; i++)
			*guest_entry(g, tables[level], i) = to | PTE_P |
				(i & 1 ? PTE_W : 0) | (i & 2 ? PTE_U : 0) |
				(i & 4 ? PTE_NX : 0);
	}
	*nr = 1 << (3 * g->levels);
	for (i = 0; i < *nr; i++) {
		vas[i] = i & 0xfff;
		for (level = 1; level <= g->levels; level++)
			vas[i] |= va_part(i >> (3 * (level - 1)) & 7, level);
	}
}

/*
 * With five levels AC is not tried both ways, but set where it makes the number
 * of mode bits even.
 */
TEST_F(permissions, cross)
{
	int i, k;

	build_cross(&self->g, self->vas, &self->nr);
	tables_built();
	for (i = 0; i < (int)rounds(MODES); i++) {
		int mode = mode_nr(i);
		int keys = mode & VMMU_MODE_PKE ? rounds(4) : 1;

		if (variant->short_cross && __builtin_parity(mode))
			continue;
		for (k = 0; k < keys; k++)
			compare_keys(mode, (i + k) & 3);
	}
	ASSERT_LT(self->compared / 100, self->allowed);
}

/* Flip each bit of an entry that maps (a table, a 4K, 2M, 1G page). */
TEST_F(permissions, bits)
{
	struct guest *g = &self->g;
	int level, large, bit, width;

	self->nr = 0;
	for (level = g->levels; level >= 1; level--) {
		for (large = 0; large <= (level == 2 || level == 3); large++) {
			__u64 path = canonical(va_part(256 + 2 * level + large,
						       g->levels), g->levels);

			__u64 e = PTE_ALL | PTE_PS;

			if (level == g->levels)
				path = 0;
			if (!large) {
				guest_map(g, path, 1, g->data | PTE_ALL);
				e = *guest_slot(g, path, level);
			}
			for (bit = 0; bit < 64; bit++) {
				__u64 va = path | va_part(bit, level);

				guest_map(g, va, level, e ^ 1ULL << bit);
				self->vas[self->nr++] = va;
			}
		}
	}
	tables_built();
	for (width = 32; width <= 52; width++) {
		self->model.maxphyaddr = width;
		compare_mode(0, 0);
		compare_mode(VMMU_MODE_NXE | VMMU_MODE_WP, 0);
		compare_mode(VMMU_MODE_PKE | VMMU_MODE_SMAP, 0x55555554);
	}
	ASSERT_LT(self->compared / 100, self->allowed);
}

TEST_HARNESS_MAIN
