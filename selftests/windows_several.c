// SPDX-License-Identifier: GPL-2.0
/*
 * Several windows of one space at several addresses, several spaces on one
 * root, several VMs; upper halves and five levels.
 */
#include "vmmu_window.h"

#define VA	0x400000ULL

FIXTURE(several) {
	struct guest g;
	__u64 a, b;
};

FIXTURE_VARIANT(several) {
	__u32 format;
	unsigned int bits;	/* of an address */
};

FIXTURE_VARIANT_ADD(several, 4_levels) { FORMAT4, 48 };
FIXTURE_VARIANT_ADD(several, 5_levels) { FORMAT5, 57 };

FIXTURE_SETUP(several)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, 4 * MIB, variant->format,
		   VMMU_MODE_WP | VMMU_MODE_NXE);
	self->a = self->g.data;
	self->b = self->g.data + PAGE;
	store(self->g.mem + self->a, 0xaac3);
	store(self->g.mem + self->b, 0xbbc3);
}

FIXTURE_TEARDOWN(several)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* Where an address has a one in all bits down to @bit. */
static __u64 from_bit(unsigned int bit)
{
	return -BIT_ULL(bit);
}

TEST_F(several, addresses)
{
	unsigned int top = variant->bits - 1;
	const __u64 vas[] = {
		0, VA, BIT_ULL(top) - PAGE, BIT_ULL(top - 1), BIT_ULL(39),
		BIT_ULL(45), from_bit(top), from_bit(top - 1), from_bit(39),
		from_bit(30), -PAGE, from_bit(top) + VA,
	};
	unsigned char *w[ARRAY_SIZE(vas)];
	struct guest *g = &self->g;

	for (unsigned int i = 0; i < ARRAY_SIZE(vas); i++) {
		w[i] = window(g->space, vas[i], PAGE);
		guest_map(g, vas[i], 1, (self->a + i * PAGE) | PTE_ALL);
		store(w[i], vas[i] + 1);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(vas); i++) {
		ASSERT_EQ(vas[i] + 1, load(w[i])) TH_LOG("%llx", vas[i]);
		ASSERT_EQ(vas[i] + 1, load(g->mem + self->a + i * PAGE));
		oracle(g, w[i], vas[i], 0);
		ASSERT_EQ(vas[i] + 77, fault(g->space, w[i] + 77, READ).va);
	}
	audit_clean(g->vm);
	for (unsigned int i = 0; i < ARRAY_SIZE(vas); i++) {
		install_one(g->space, vas[i], 1, self->b | PTE_P);
		ASSERT_EQ(load(g->mem + self->b), load(w[i]));
		ASSERT_EQ(SIGSEGV, access_write(w[i], 1));
		invalidate(g->space, vas[i], PAGE);
		install_one(g->space, vas[i], 1, 0);
		ASSERT_EQ(SIGSEGV, access_read(w[i]));
		ASSERT_EQ((void *)w[i], access_address);
		ASSERT_EQ(vas[i], fault(g->space, w[i], READ).va);
	}
}

/* What is not canonical, or crosses the hole, is no window. */
TEST_F(several, no_addresses)
{
	unsigned int top = variant->bits - 1;
	const struct { __u64 va, bytes; } ranges[] = {
		{ BIT_ULL(top), PAGE }, { BIT_ULL(top) - PAGE, 2 * PAGE },
		{ from_bit(top) - PAGE, PAGE },
		{ from_bit(top) - PAGE, 2 * PAGE },
		{ BIT_ULL(62), PAGE }, { BIT_ULL(63), PAGE },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++) {
		ASSERT_EQ(MAP_FAILED, _window(self->g.space, ranges[i].va,
					      ranges[i].bytes, RWX));
		ASSERT_EQ(EINVAL, errno);
	}
	ASSERT_EQ(MAP_FAILED, _window(self->g.space, VA + 1, PAGE, RWX));
	ASSERT_EQ(EINVAL, errno);
	/* Beyond the last page there is nothing to map. */
	ASSERT_EQ(MAP_FAILED, _window(self->g.space, -PAGE, 2 * PAGE, RWX));
	ASSERT_TRUE(errno == EINVAL || errno == EOVERFLOW);
	ASSERT_EQ(0, audit(self->g.vm).windows);
}

/* Windows of different rights, offsets and places, overlapping in the guest. */
TEST_F(several, windows)
{
	static const int prots[] = {
		RWX, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
		PROT_NONE,
	};
	struct guest *g = &self->g;
	unsigned char *w[ARRAY_SIZE(prots)];

	guest_map(g, VA, 1, self->a | PTE_ALL);
	for (unsigned int i = 0; i < ARRAY_SIZE(prots); i++) {
		w[i] = _window(g->space, VA - i * PAGE, 8 * PAGE, prots[i]);
		ASSERT_NE(MAP_FAILED, (void *)w[i]);
		w[i] += i * PAGE;
	}
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(prots); i++) {
			int p = prots[i];

			ASSERT_EQ(p & PROT_READ ? 0 : SIGSEGV,
				  access_kind(w[i], READ));
			ASSERT_EQ(p & PROT_WRITE ? 0 : SIGSEGV,
				  access_kind(w[i], WRITE));
			ASSERT_EQ(p & PROT_EXEC ? 0 : SIGSEGV,
				  access_kind(w[i], FETCH));
		}
		audit_clean(g->vm);
		install_one(g->space, VA, 1, (round ? self->a : self->b) |
			    PTE_P | PTE_W);
	}
	ASSERT_EQ(5, audit(g->vm).windows);
	install_one(g->space, VA, 1, self->b | PTE_P | PTE_NX);
	for (unsigned int i = 0; i < 4; i++) {
		ASSERT_EQ(0xbbc3, load(w[i]));
		ASSERT_EQ(SIGSEGV, access_kind(w[i], WRITE));
		ASSERT_EQ(SIGSEGV, access_kind(w[i], FETCH));
	}
	install_one(g->space, VA, 1, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(prots); i++)
		ASSERT_EQ(SIGSEGV, access_kind(w[i], READ));
}

/* Spaces with one root and modes of their own; an install reaches them all. */
TEST_F(several, spaces)
{
	static const __u64 modes[] = {
		VMMU_MODE_WP | VMMU_MODE_NXE, 0, VMMU_MODE_WP | VMMU_MODE_CPL3,
		VMMU_MODE_WP | VMMU_MODE_SMEP,
	};
	struct guest *g = &self->g;
	int spaces[ARRAY_SIZE(modes)];
	unsigned char *w[ARRAY_SIZE(modes)];
	unsigned int i;

	guest_map(g, VA, 1, self->a | PTE_P | PTE_U);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		spaces[i] = space_create(g->vm, variant->format, g->root,
					 modes[i]);
		w[i] = window(spaces[i], VA, 4 * PAGE);
		ASSERT_EQ(0xaac3, load(w[i]));
		ASSERT_EQ(i == 1 ? 0 : SIGSEGV, access_kind(w[i], WRITE));
		ASSERT_EQ(i == 3 ? SIGSEGV : 0, access_kind(w[i], FETCH));
	}
	install_one(spaces[2], VA, 1, self->b | PTE_ALL);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(0xbbc3, load(w[i]));
		ASSERT_EQ(0, access_kind(w[i], WRITE));
		ASSERT_EQ(i == 3 ? SIGSEGV : 0, access_kind(w[i], FETCH));
	}
	audit_clean(g->vm);
	install_one(spaces[0], VA, 1, self->a | PTE_P);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(i == 2 ? SIGSEGV : 0, access_kind(w[i], READ));
		ASSERT_EQ(i == 1 ? 0 : SIGSEGV, access_kind(w[i], WRITE));
	}
	/* One that leaves the root is left alone. */
	set_root(spaces[3], guest_page(g));
	install_one(g->space, VA, 1, self->b | PTE_P | PTE_W);
	ASSERT_EQ(SIGSEGV, access_kind(w[3], READ));
	ASSERT_EQ(0xbbc3, load(w[0]));
	/* An end of one takes nothing from the others. */
	munmap(w[1], 4 * PAGE);
	close(spaces[1]);
	install_one(g->space, VA, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaac3, load(w[0]));
	ASSERT_EQ(0xaac3, load(w[2]));
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (i != 1)
			close(spaces[i]);
}

/*
 * One root for both formats. What the one takes for a table's entry maps pages
 * for the other, or refers to a table of it.
 */
TEST_F(several, formats)
{
	bool four = variant->format == FORMAT4;
	struct guest *g = &self->g;
	__u64 ours = four ? VA : VA << 9, theirs = four ? VA << 9 : VA;
	int level = four ? 1 : 2;
	int other = space_create(g->vm, four ? FORMAT5 : FORMAT4, g->root,
				 VMMU_MODE_WP);
	unsigned char *w = window(other, theirs, PAGE);

	guest_map(g, ours, level, self->a | PTE_ALL);
	if (four)
		*guest_entry(g, self->a, 0) = self->b | PTE_ALL;
	ASSERT_EQ(four ? 0xbbc3 : 0xaac3, load(w));
	install_one(g->space, ours, level, 0);
	ASSERT_EQ(SIGSEGV, access_read(w));
	install_one(g->space, ours, level, self->a | PTE_ALL);
	ASSERT_EQ(four ? 0xbbc3 : 0xaac3, load(w));
	munmap(w, PAGE);
	close(other);
}

/* What is reserved for the space that installs is none for its peer. */
TEST_F(several, reserved_for_one)
{
	struct guest *g = &self->g;
	int other = space_create(g->vm, variant->format, g->root, VMMU_MODE_WP);
	unsigned char *w = window(g->space, VA, PAGE);

	for (int level = 1; level <= 2; level++) {
		guest_map(g, VA, 1, self->a | PTE_P);
		*guest_slot(g, VA, level) |= PTE_NX;
		ASSERT_EQ(0xaac3, load(w));
		ASSERT_EQ(VMMU_REASON_RESERVED,
			  translate(other, 0, READ, VA).reason);
		install_one(other, VA, level, 0);
		ASSERT_EQ(SIGSEGV, access_read(w));
	}
	close(other);
}

/* One table for two ranges: an install is about the one that it names. */
TEST_F(several, shared_table)
{
	const __u64 there = VA + 2 * MIB;
	struct guest *g = &self->g;
	unsigned char *w;

	guest_map(g, VA, 1, self->a | PTE_ALL);
	guest_map(g, there, 2, *guest_slot(g, VA, 2));
	w = window(g->space, VA, 4 * MIB);
	ASSERT_EQ(0xaac3, load(w));
	ASSERT_EQ(0xaac3, load(w + 2 * MIB));
	install_one(g->space, VA, 1, self->b | PTE_ALL);
	ASSERT_EQ(0xbbc3, load(w));
	ASSERT_EQ(0xaac3, load(w + 2 * MIB));
	ASSERT_EQ(1, audit(g->vm).wrong);
	invalidate(g->space, there, 1);
	ASSERT_EQ(0xbbc3, load(w + 2 * MIB));
}

/* VMs that have nothing in common but their addresses. */
TEST_F(several, vms)
{
	struct guest *g = &self->g, other;
	unsigned char *w, *theirs;

	guest_make(&other, g->dev, 4 * MIB, variant->format, 0);
	guest_map(g, VA, 1, self->a | PTE_ALL);
	guest_map(&other, VA, 1, self->a | PTE_ALL);
	w = window(g->space, VA, PAGE);
	theirs = window(other.space, VA, PAGE);
	ASSERT_EQ(0xaac3, load(w));
	ASSERT_EQ(0, load(theirs));
	store(theirs, 0x1234);
	discard(g->vm, self->a, PAGE);
	ASSERT_EQ(0, load(w));
	ASSERT_EQ(0x1234, load(theirs));
	install_one(other.space, VA, 1, 0);
	ASSERT_EQ(SIGSEGV, access_read(theirs));
	ASSERT_EQ(0, load(w));
	/* A window belongs to its space. */
	fails_with(ENOENT, _fault(g->space, theirs, READ,
				  &(struct vmmu_fault){}));
	munmap(theirs, PAGE);
	guest_drop(&other);
	store(w, 1);
	oracle(g, w, VA, 0);
}

TEST_HARNESS_MAIN
