// SPDX-License-Identifier: GPL-2.0
/* A space as an object: create, read back, change root and mode. */
#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL		(4 * MIB)
#define ALL_BITS	(VMMU_MODE_WP | VMMU_MODE_NXE | VMMU_MODE_SMEP | \
			 VMMU_MODE_SMAP | VMMU_MODE_AC | VMMU_MODE_PKE | \
			 VMMU_MODE_CPL3)

FIXTURE(space) {
	int dev, vm;
};

FIXTURE_VARIANT(space) {
	__u32 format;
	int levels, va_bits;
};

FIXTURE_VARIANT_ADD(space, four) {
	.format = FORMAT4, .levels = 4, .va_bits = 48,
};

FIXTURE_VARIANT_ADD(space, five) {
	.format = FORMAT5, .levels = 5, .va_bits = 57,
};

FIXTURE_SETUP(space)
{
	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	self->vm = vm_create(self->dev, REAL);
}

FIXTURE_TEARDOWN(space)
{
	close(self->vm);
	close(self->dev);
}

/* Assert that a creation is refused and leaves nothing behind. */
#define err_space_create(e, format, root, ...) do {			\
	struct vmmu_vm_info __before = vm_info(self->vm);		\
	struct vmmu_mode __mode = { __VA_ARGS__ };			\
	struct vmmu_space_create __c;					\
	int __files = open_files();					\
									\
	ASSERT_EQ(-(e), _space_create(self->vm, format, root, __mode,	\
				      &__c));				\
	ASSERT_EQ(POISON32, (__u32)__c.fd);				\
	ASSERT_EQ(POISON64, __c.id);					\
	ASSERT_EQ(__files, open_files());				\
	vm_unchanged(__before, self->vm);				\
} while (0)

/* Assert that a space still is what space_info() gave as @was. */
#define space_unchanged(was, space) do {				\
	struct vmmu_space_info __was = (was), __now = space_info(space);\
									\
	ASSERT_EQ(__was.root, __now.root);				\
	ASSERT_EQ(__was.mode.bits, __now.mode.bits);			\
	ASSERT_EQ(0, memcmp(&__was, &__now, sizeof(__now)));		\
} while (0)

TEST_F(space, read_back)
{
	struct vmmu_mode mode = { ALL_BITS, 0x12345678, 46 };
	struct vmmu_vm_info v;
	struct vmmu_space_info s;
	struct vmmu_space_create c;

	ASSERT_EQ(0, _space_create(self->vm, variant->format, 7 * PAGE, mode,
				   &c));
	s = space_info(c.fd);
	v = vm_info(self->vm);
	EXPECT_EQ(sizeof(s), s.size);
	EXPECT_EQ(VMMU_SPACE_LAZY, s.space_flags);
	EXPECT_EQ(variant->format, s.format);
	EXPECT_EQ(7 * PAGE, s.root);
	EXPECT_EQ(ALL_BITS, s.mode.bits);
	EXPECT_EQ(0x12345678, s.mode.pkru);
	EXPECT_EQ(46, s.mode.maxphyaddr);
	EXPECT_EQ(c.id, s.id);
	EXPECT_EQ(v.id, s.vm_id);
	EXPECT_EQ(REAL, s.real_bytes);
	EXPECT_EQ(variant->levels, s.levels);
	EXPECT_EQ(variant->va_bits, s.va_bits);
	EXPECT_EQ(1, v.nr_spaces);
	EXPECT_EQ(0, v.frames);		/* the root's comes when it is used */
	close(c.fd);
	EXPECT_EQ(0, vm_info(self->vm).nr_spaces);
}

TEST_F(space, ids_are_unique)
{
	__u64 ids[50];
	int fds[50];
	int i, j;

	for (i = 0; i < 50; i++) {
		struct vmmu_space_create c;

		ASSERT_EQ(0, _space_create(self->vm, variant->format, 0,
					   MODE(0), &c));
		fds[i] = c.fd;
		ids[i] = c.id;
		ASSERT_EQ(i + 1, vm_info(self->vm).nr_spaces);
		for (j = 0; j < i; j++)
			ASSERT_NE(ids[j], ids[i]);
	}
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(ids[i], space_info(fds[i]).id);
		close(fds[i]);
	}
	ASSERT_EQ(0, vm_info(self->vm).nr_spaces);
}

TEST_F(space, refused)
{
	__u32 f = variant->format, bad[] = { 0, 3, 4, 31, 32, 63, ~0U };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		err_space_create(EOPNOTSUPP, bad[i], 0, 0, 0, 52);
	for (i = 7; i < 64; i++)
		err_space_create(EOPNOTSUPP, f, 0, 1ULL << i, 0, 52);
	err_space_create(EINVAL, f, 0, 0, 0, 0);
	err_space_create(EINVAL, f, 0, 0, 0, 31);
	err_space_create(EINVAL, f, 0, 0, 0, 53);
	err_space_create(EINVAL, f, 0, 0, 0, 64);
	err_space_create(EINVAL, f, 0, 0, 0, ~0U);
	for (i = 0; i < 12; i++)
		err_space_create(EINVAL, f, 1ULL << i, 0, 0, 52);
	for (i = 52; i < 64; i++)
		err_space_create(EINVAL, f, 1ULL << i, 0, 0, 52);
	err_space_create(EINVAL, f, 1ULL << 32, 0, 0, 32);
	err_space_create(EINVAL, f, 1ULL << 45, 0, 0, 45);
}

/* A root may lie where no real memory is: walks tell. */
TEST_F(space, root_beyond_real)
{
	__u64 roots[] = { REAL, 64 * TIB, (1ULL << 52) - PAGE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		int space = space_create(self->vm, variant->format, roots[i],
					 0);
		struct vmmu_translation t = translate(space, 0, READ, 0);

		EXPECT_EQ(roots[i], space_info(space).root);
		EXPECT_EQ(VMMU_REASON_TABLE_BEYOND_REAL, t.reason);
		EXPECT_EQ(variant->levels, t.level);
		EXPECT_EQ(0, t.flags);
		close(space);
	}
	EXPECT_EQ(0, vm_info(self->vm).frames);
}

/* The maximum width goes exactly to the root that just fits. */
TEST_F(space, widths)
{
	__u32 width;

	for (width = 32; width <= 52; width++) {
		struct vmmu_mode mode = { 0, 0, width };
		struct vmmu_space_create c;

		ASSERT_EQ(0, _space_create(self->vm, variant->format,
					   (1ULL << width) - PAGE, mode, &c));
		ASSERT_EQ(width, space_info(c.fd).mode.maxphyaddr);
		close(c.fd);
	}
}

TEST_F(space, set_root)
{
	struct vmmu_space_info was;
	struct vmmu_translation t;
	struct guest g;
	__u64 other;
	int i;

	guest_make(&g, self->dev, REAL, variant->format, 0);
	guest_map(&g, 0x1000, 1, g.data | PTE_ALL);
	other = guest_page(&g);
	memcpy(g.mem + other, g.mem + g.root, PAGE);
	g.root = other;
	*guest_entry(&g, other, 0) = 0;
	guest_map(&g, 0x1000, 1, (g.data + PAGE) | PTE_ALL);

	EXPECT_EQ(g.data, translate(g.space, 0, READ, 0x1000).ra);
	set_root(g.space, other);
	EXPECT_EQ(other, space_info(g.space).root);
	EXPECT_EQ(g.data + PAGE, translate(g.space, 0, READ, 0x1000).ra);
	set_root(g.space, PAGE);
	EXPECT_EQ(g.data, translate(g.space, 0, READ, 0x1000).ra);

	/* An empty table, and one beyond real memory. */
	set_root(g.space, guest_page(&g));
	t = translate(g.space, 0, READ, 0x1000);
	EXPECT_EQ(VMMU_REASON_NOT_PRESENT, t.reason);
	EXPECT_EQ(variant->levels, t.level);
	set_root(g.space, REAL);
	EXPECT_EQ(VMMU_REASON_TABLE_BEYOND_REAL,
		  translate(g.space, 0, READ, 0x1000).reason);

	set_mode(g.space, 0, 0, 40);
	set_root(g.space, (1ULL << 40) - PAGE);
	set_root(g.space, other);
	was = space_info(g.space);
	for (i = 0; i < 12; i++)
		err_set_root(EINVAL, g.space, PAGE | 1ULL << i);
	for (i = 40; i < 64; i++)
		err_set_root(EINVAL, g.space, 1ULL << i);
	space_unchanged(was, g.space);
	EXPECT_EQ(g.data + PAGE, translate(g.space, 0, READ, 0x1000).ra);
	guest_drop(&g);
}

TEST_F(space, set_mode)
{
	int space = space_create(self->vm, variant->format, 1ULL << 40, 0);
	struct vmmu_space_info was;
	__u64 bits;
	int i;

	for (bits = 0; bits <= ALL_BITS; bits++) {
		set_mode(space, bits, bits * 0x01010101, 52);
		was = space_info(space);
		ASSERT_EQ(bits, was.mode.bits);
		ASSERT_EQ(bits * 0x01010101, was.mode.pkru);
		ASSERT_EQ(52, was.mode.maxphyaddr);
	}
	ASSERT_EQ(1ULL << 40, was.root);

	/* The root must fit under the width, which it does from 41 on. */
	err_set_mode(EINVAL, space, 0, 0, 40);
	err_set_mode(EINVAL, space, 0, 0, 32);
	space_unchanged(was, space);
	set_mode(space, 0, 0, 41);
	was = space_info(space);
	EXPECT_EQ(41, was.mode.maxphyaddr);

	err_set_mode(EINVAL, space, 0, 0, 31);
	err_set_mode(EINVAL, space, 0, 0, 53);
	err_set_mode(EINVAL, space, 0, 0, 0);
	err_set_mode(EINVAL, space, 0, 0, ~0U);
	for (i = 7; i < 64; i++)
		err_set_mode(EOPNOTSUPP, space, 1ULL << i, 0, 52);
	space_unchanged(was, space);
	close(space);
}

/* A mode takes effect with the next walk, and on its own space only. */
TEST_F(space, mode_takes_effect)
{
	struct guest g;
	int other;

	guest_make(&g, self->dev, REAL, variant->format, 0);
	guest_map(&g, 0x1000, 1, g.data | PTE_P | PTE_NX);
	other = space_create(g.vm, variant->format, g.root, 0);
	EXPECT_EQ(VMMU_REASON_RESERVED,
		  translate(g.space, 0, READ, 0x1000).reason);
	set_mode(g.space, VMMU_MODE_NXE, 0, 52);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED,
		  translate(g.space, 0, WRITE, 0x1000).reason);
	EXPECT_EQ(VMMU_REASON_NX,
		  translate(g.space, 0, FETCH, 0x1000).reason);
	set_mode(g.space, VMMU_MODE_NXE | VMMU_MODE_WP, 0, 52);
	EXPECT_EQ(VMMU_REASON_WRITE,
		  translate(g.space, 0, WRITE, 0x1000).reason);
	EXPECT_EQ(VMMU_REASON_RESERVED,
		  translate(other, 0, READ, 0x1000).reason);
	close(other);
	guest_drop(&g);
}

TEST_HARNESS_MAIN
