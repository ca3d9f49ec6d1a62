// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_READ and VMMU_IOC_WRITE: guest-virtual memory, compared with real
 * memory at the addresses that the test itself mapped.
 */
#include <pthread.h>

#include "vmmu_debug.h"
#include "vmmu_proc.h"

#define REAL	(8 * MIB)
#define PAGES	16
#define VA	0x400000000000ULL

FIXTURE(memory) {
	struct guest g;
	__u64 va;
	unsigned char *buffer;		/* PAGES pages */
};

FIXTURE_VARIANT(memory) {
	__u32 format;
	__u64 va;
};

FIXTURE_VARIANT_ADD(memory, four) {
	.format = FORMAT4, .va = VA,
};

FIXTURE_VARIANT_ADD(memory, five) {
	.format = FORMAT5, .va = -(1ULL << 56),
};

/* Where page @i of the program is: scattered, so that none follows another. */
static __u64 page_at(struct guest *g, unsigned int i)
{
	return g->data + (i * 5 % PAGES * 2) * PAGE;
}

static unsigned char *byte_at(struct guest *g, __u64 offset)
{
	return g->mem + page_at(g, offset / PAGE) + offset % PAGE;
}

FIXTURE_SETUP(memory)
{
	int dev = dev_open();
	unsigned int i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, variant->format,
		   VMMU_MODE_WP | VMMU_MODE_NXE);
	self->va = variant->va;
	for (i = 0; i < PAGES; i++)
		guest_map(&self->g, self->va + i * PAGE, 1,
			  page_at(&self->g, i) | PTE_ALL);
	self->buffer = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->buffer);
}

FIXTURE_TEARDOWN(memory)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % sides;
}

/* Random pieces, of all lengths and alignments, by both calls. */
TEST_F(memory, pieces)
{
	unsigned char *model = calloc(PAGES, PAGE);
	unsigned int seed = 1, n, i;

	ASSERT_NE(NULL, model);
	for (n = 0; n < rounds(20000); n++) {
		unsigned int at = dice(&seed, PAGES * PAGE);
		unsigned int most = dice(&seed, 4) ? 24 : PAGES * PAGE - at;
		unsigned int bytes = 1 + dice(&seed, most);

		if (bytes > PAGES * PAGE - at)
			bytes = PAGES * PAGE - at;
		if (dice(&seed, 2)) {
			for (i = 0; i < bytes; i++)
				self->buffer[i] = dice(&seed, 256);
			memcpy(model + at, self->buffer, bytes);
			mem_write(self->g.space, USER, self->va + at,
				  self->buffer, bytes);
		} else {
			memset(self->buffer, POISON8, bytes + 1);
			mem_read(self->g.space, USER, self->va + at,
				 self->buffer, bytes);
			ASSERT_EQ(0, memcmp(model + at, self->buffer, bytes));
			if (bytes < PAGES * PAGE)
				ASSERT_EQ(POISON8, self->buffer[bytes]);
		}
	}
	for (i = 0; i < PAGES * PAGE; i++)
		ASSERT_EQ(model[i], *byte_at(&self->g, i));
	free(model);
}

/*
 * Whether a call refuses, or grants, what a translation does, and with the
 * same answer.
 */
static bool agrees(const struct vmmu_translation *t, int err,
		   const struct vmmu_translation *result)
{
	struct vmmu_translation none = {};

	if (t->flags & VMMU_TRANSLATED)
		return !err && !memcmp(result, &none, sizeof(none));
	return err == -ENXIO && !memcmp(result, t, sizeof(*t));
}

/* All three calls, for a user or the supervisor. */
static bool all_agree(struct guest *g, __u64 va, __u32 flags, void *buffer)
{
	struct vmmu_translation t;
	struct vmmu_cmpxchg c;
	struct vmmu_memory m;
	int err;

	err = _memory(g->space, VMMU_IOC_READ, flags, va, buffer, 8, &m);
	if (_translate(g->space, flags, READ, va, &t) ||
	    !agrees(&t, err, &m.result) || m.done != (err ? 0 : 8))
		return false;
	err = _memory(g->space, VMMU_IOC_WRITE, flags, va, buffer, 8, &m);
	if (_translate(g->space, flags, WRITE, va, &t) ||
	    !agrees(&t, err, &m.result) || m.done != (err ? 0 : 8))
		return false;
	/* This one tells the translation in any case. */
	err = _cmpxchg(g->space, flags, va, 8, 0, 0, &c);
	return err == (t.flags & VMMU_TRANSLATED ? 0 : -ENXIO) &&
	       !memcmp(&c.result, &t, sizeof(t));
}

/* Each combination of P, W, U, NX in the leaf, a key, times the modes. */
TEST_F(memory, rights)
{
	static const __u64 bits[] = { PTE_P, PTE_W, PTE_U, PTE_NX };
	__u64 *leaf = guest_slot(&self->g, self->va, 1);
	unsigned int combination, mode, i;

	populate(self->g.vm, page_at(&self->g, 0), PAGE);
	for (combination = 0; combination < 16; combination++) {
		*leaf = page_at(&self->g, 0) | PTE_PKEY(3);
		for (i = 0; i < 4; i++)
			*leaf |= combination & (1 << i) ? bits[i] : 0;
		for (mode = 0; mode < 64; mode++) {
			set_mode(self->g.space, mode, 2U << 6, 52);
			ASSERT_TRUE(all_agree(&self->g, self->va, 0,
					      self->buffer));
			ASSERT_TRUE(all_agree(&self->g, self->va, USER,
					      self->buffer));
		}
	}
}

/* A range that runs into a hole is done as far as there. */
TEST_F(memory, stops)
{
	__u64 last = self->va + PAGES * PAGE;
	struct vmmu_memory m;

	memset(self->buffer, 'a', PAGES * PAGE);
	fails_with(ENXIO, _memory(self->g.space, VMMU_IOC_WRITE, 0,
				  last - 1000, self->buffer, 5000, &m));
	ASSERT_EQ(1000, m.done);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT, m.result.reason);
	ASSERT_EQ(1, m.result.level);
	ASSERT_EQ(VMMU_PAGE_FAULT, m.result.flags);
	ASSERT_EQ(VMMU_PF_W, m.result.error_code);
	ASSERT_EQ('a', *byte_at(&self->g, PAGES * PAGE - 1000));
	ASSERT_EQ('a', *byte_at(&self->g, PAGES * PAGE - 1));
	ASSERT_EQ(0, *byte_at(&self->g, PAGES * PAGE - 1001));

	memset(self->buffer, POISON8, PAGES * PAGE);
	fails_with(ENXIO, _memory(self->g.space, VMMU_IOC_READ, 0, last - 1000,
				  self->buffer, 5000, &m));
	ASSERT_EQ(1000, m.done);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT, m.result.reason);
	ASSERT_TRUE(all_bytes(self->buffer, 'a', 1000));
	ASSERT_TRUE(all_bytes(self->buffer + 1000, POISON8, 4000));
}

/* The first byte of another canonical half, and the last byte of all. */
TEST_F(memory, ends)
{
	__u64 top = 1ULL << (self->g.levels == 5 ? 56 : 47);
	struct vmmu_memory m;

	guest_map(&self->g, top - PAGE, 1, page_at(&self->g, 0) | PTE_ALL);
	guest_map(&self->g, -PAGE, 1, page_at(&self->g, 1) | PTE_ALL);
	fails_with(ENXIO, _memory(self->g.space, VMMU_IOC_READ, 0, top - 1,
				  self->buffer, 2, &m));
	ASSERT_EQ(1, m.done);
	ASSERT_EQ(VMMU_REASON_NONCANONICAL, m.result.reason);
	ASSERT_EQ(0, m.result.flags);

	mem_write(self->g.space, 0, -8ULL, "12345678", 8);
	ASSERT_EQ(0, memcmp(byte_at(&self->g, 2 * PAGE - 8), "12345678", 8));
	mem_read(self->g.space, 0, -1ULL, self->buffer, 1);
	ASSERT_EQ('8', self->buffer[0]);
}

/* Through 2 MiB and 1 GiB leaves, the end of real memory in their midst. */
TEST_F(memory, large)
{
	__u64 at = self->va + 512 * GIB;
	struct vmmu_memory m;
	__u64 offset;
	int level;

	for (level = 2; level <= 3; level++) {
		guest_map(&self->g, at, level, PTE_PS | PTE_ALL);
		for (offset = 0; offset < REAL; offset += MIB) {
			if (level == 2 && offset >= 2 * MIB)
				break;
			if (offset + PAGE <= self->g.next)
				continue;
			mem_write(self->g.space, 0, at + offset + 5, "yes", 3);
			ASSERT_EQ(0, memcmp(self->g.mem + offset + 5, "yes", 3));
		}
		at += 512 * GIB;
	}
	at -= 512 * GIB;
	fails_with(ENXIO, _memory(self->g.space, VMMU_IOC_READ, 0,
				  at + REAL - 10, self->buffer, 20, &m));
	ASSERT_EQ(10, m.done);
	ASSERT_EQ(VMMU_REASON_BEYOND_REAL, m.result.reason);
}

TEST_F(memory, refused)
{
	static const struct { __u64 va, bytes; } bad[] = {
		{ VA, 0 }, { -1ULL, 2 }, { VA, -VA + 1 }, { 1, ~0ULL + 0 },
		{ 2, ~0ULL },
	};
	unsigned int i, bit;

	/* From 1 on ~0 bytes do not wrap. */
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmmu_memory m = {
			.size = sizeof(m), .va = bad[i].va,
			.bytes = bad[i].bytes, .done = POISON64,
			.buffer = (uintptr_t)self->buffer,
		};

		if (bad[i].va == 1)
			continue;
		err_call(EINVAL, self->g.space, VMMU_IOC_READ, &m);
		err_call(EINVAL, self->g.space, VMMU_IOC_WRITE, &m);
	}
	for (bit = 0; bit < 32; bit++) {
		struct vmmu_memory m = {
			.size = sizeof(m), .flags = 1U << bit, .va = self->va,
			.bytes = 1, .buffer = (uintptr_t)self->buffer,
		};

		if (m.flags & (USER | SET_AD))
			continue;
		err_call(EOPNOTSUPP, self->g.space, VMMU_IOC_READ, &m);
		err_call(EOPNOTSUPP, self->g.space, VMMU_IOC_WRITE, &m);
	}
}

/* The caller's memory ends in the middle. */
TEST_F(memory, bad_memory)
{
	unsigned char *half = self->buffer + 8 * PAGE;
	unsigned char *start = half - 2 * PAGE - 100;
	struct vmmu_memory m;
	unsigned int i;

	memset(self->buffer, 'b', PAGES * PAGE);
	ASSERT_EQ(0, mprotect(half, PAGE, PROT_NONE));
	fails_with(EFAULT, _memory(self->g.space, VMMU_IOC_WRITE, 0, self->va,
				   start, 3 * PAGE, &m));
	ASSERT_GE(2 * PAGE + 100, m.done);
	ASSERT_LT(PAGE, m.done);
	for (i = 0; i < 3 * PAGE; i++)
		ASSERT_EQ(i < m.done ? 'b' : 0, *byte_at(&self->g, i));

	memset(self->buffer, 0, 8 * PAGE);
	fails_with(EFAULT, _memory(self->g.space, VMMU_IOC_READ, 0, self->va,
				   start, 3 * PAGE, &m));
	ASSERT_GE(2 * PAGE + 100, m.done);
	ASSERT_LT(PAGE, m.done);
	ASSERT_TRUE(all_bytes(start, 'b', m.done));
	fails_with(EFAULT, _memory(self->g.space, VMMU_IOC_READ, 0, self->va,
				   NULL, 1, &m));
	ASSERT_EQ(0, m.done);
	fails_with(EFAULT, _memory(self->g.space, VMMU_IOC_WRITE, 0, self->va,
				   (void *)-PAGE, 1, &m));
	ASSERT_EQ(0, m.done);
}

/* The caller's memory may be the guest's own, without a frame as yet. */
TEST_F(memory, own_memory)
{
	unsigned char *own = self->g.mem + self->g.data + MIB;

	mem_write(self->g.space, 0, self->va, "self", 4);
	mem_read(self->g.space, 0, self->va, own, 4);
	ASSERT_EQ(0, memcmp(own, "self", 4));
	mem_write(self->g.space, 0, self->va + PAGE, own + PAGE, PAGE);
	mem_read(self->g.space, 0, self->va, byte_at(&self->g, 0), PAGE);
	ASSERT_EQ(0, memcmp(byte_at(&self->g, 0), "self", 4));
}

struct tearing {
	int space, stop;
	__u64 va;
};

static void *alternate(void *context)
{
	struct tearing *t = context;
	struct vmmu_memory m;
	__u64 value = 0;

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		value = ~value;
		CHILD_CHECK(!_memory(t->space, VMMU_IOC_WRITE, 0, t->va,
				     &value, sizeof(value), &m));
	}
	return NULL;
}

/* An aligned value is written and read at once. */
TEST_F(memory, at_once)
{
	struct tearing t = { .space = self->g.space, .va = self->va + 8 };
	__u64 *direct = (__u64 *)byte_at(&self->g, 8), value;
	unsigned int n, flips = 0;
	__u64 before = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, alternate, &t));
	for (n = 0; n < rounds(200000); n++) {
		value = __atomic_load_n(direct, __ATOMIC_RELAXED);
		ASSERT_TRUE(!value || !~value);
		mem_read(self->g.space, 0, t.va, &value, sizeof(value));
		ASSERT_TRUE(!value || !~value);
		flips += value != before;
		before = value;
	}
	__atomic_store_n(&t.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %u flips seen\n", flips);
	ASSERT_LT(0, flips);
}

TEST_HARNESS_MAIN
