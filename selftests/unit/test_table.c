// SPDX-License-Identifier: GPL-2.0
/* The library's page tables: entries, walks, maps, plans, texts. */
#include "kselftest_harness.h"

#include <errno.h>
#include <string.h>

#include "vmmu.h"
#include "vmmu_table.h"

#define PAGES		64
#define BYTES		(PAGES * 4096ULL)
#define BASE		0x100000ULL		/* real address of the memory */
#define ROOT		(BASE + 0x1000)
#define TOP_PAGE	(BASE + BYTES - 4096)	/* never allocated */
#define ALL_RIGHTS	(VMMU_RIGHT_READ | VMMU_RIGHT_WRITE | \
			 VMMU_RIGHT_EXEC | VMMU_RIGHT_USER)

static const struct vmmu_table_entry data_page = {
	.ra = 0x5000,
	.rights = VMMU_RIGHT_READ | VMMU_RIGHT_WRITE | VMMU_RIGHT_USER,
	.page_shift = 12,
};

FIXTURE(table)
{
	struct vmmu_table table;
	uint64_t next;
	uint64_t end;
};

FIXTURE_VARIANT(table)
{
	uint32_t format;
	unsigned int levels;
};

FIXTURE_VARIANT_ADD(table, four_levels)
{
	.format = VMMU_FORMAT_X86_64_4LEVEL,
	.levels = 4,
};

FIXTURE_VARIANT_ADD(table, five_levels)
{
	.format = VMMU_FORMAT_X86_64_5LEVEL,
	.levels = 5,
};

FIXTURE_SETUP(table)
{
	self->table = (struct vmmu_table){
		.format = variant->format,
		.root = ROOT,
		.memory = aligned_alloc(4096, BYTES),
		.memory_ra = BASE,
		.memory_bytes = BYTES,
	};
	ASSERT_NE(NULL, self->table.memory);
	/* Pages that are handed out are dirty. */
	memset(self->table.memory, 0xff, BYTES);
	memset((char *)self->table.memory + 0x1000, 0, 4096);
	self->next = ROOT + 4096;
	self->end = TOP_PAGE;
}

FIXTURE_TEARDOWN(table)
{
	free(self->table.memory);
}

/* The fixture's pages, one after the other. */
static int next_page(void *context, unsigned int level, uint64_t *ra)
{
	struct _test_data_table *self = context;

	if (level < 1 || level >= vmmu_table_levels(self->table.format))
		return -EBADMSG;
	if (self->next >= self->end)
		return -ENOMEM;
	*ra = self->next;
	self->next += 4096;
	return 0;
}

TEST_F(table, geometry)
{
	uint32_t f = variant->format;

	EXPECT_EQ(variant->levels, vmmu_table_levels(f));
	EXPECT_EQ(variant->levels * 9 + 12, vmmu_table_va_bits(f));
	EXPECT_EQ(12, vmmu_table_level_shift(f, 1));
	EXPECT_EQ(30, vmmu_table_level_shift(f, 3));
	EXPECT_EQ(vmmu_table_va_bits(f),
		  vmmu_table_level_shift(f, variant->levels + 1));
	EXPECT_EQ(0, vmmu_table_level_shift(f, variant->levels + 2));
	EXPECT_EQ(512, vmmu_table_nr_entries(f, 1));
	EXPECT_EQ(0, vmmu_table_nr_entries(f, 0));
	EXPECT_EQ(0x1ff, vmmu_table_index(f, 0x1ff000, 1));
	EXPECT_EQ(1, vmmu_table_index(f, 0x200000, 2));
	EXPECT_EQ(256, vmmu_table_index(f, UINT64_MAX << (variant->levels * 9 + 11),
					variant->levels));
	EXPECT_EQ(UINT64_MAX, vmmu_table_canonical(f, UINT64_MAX >> 7));
	EXPECT_EQ(0x1000, vmmu_table_canonical(f, 0x1000));
}

TEST_F(table, unknown_format)
{
	struct vmmu_table_entry entry;
	uint64_t value;

	EXPECT_EQ(0, vmmu_table_levels(0));
	EXPECT_EQ(0, vmmu_table_levels(99));
	EXPECT_EQ(-EOPNOTSUPP, vmmu_table_encode(99, 1, &data_page, &value));
	EXPECT_EQ(-EOPNOTSUPP, vmmu_table_decode(99, 1, 0, &entry));
	self->table.format = 99;
	EXPECT_EQ(-EOPNOTSUPP, vmmu_table_map(&self->table, 0, &data_page,
					      next_page, self));
	EXPECT_EQ(-EOPNOTSUPP, vmmu_table_print_tree(&self->table, stdout));
}

TEST_F(table, entries_survive_coding)
{
	static const uint32_t shifts[] = { 0, 12, 21, 30 };
	unsigned int level, rights, flags;
	uint32_t f = variant->format;

	for (level = 1; level <= 3; level++) {
		for (rights = 0; rights < 8; rights++) {
			for (flags = 0; flags < 8; flags++) {
				struct vmmu_table_entry in = {
					.ra = 3ULL << 40,
					.rights = rights << 1 | VMMU_RIGHT_READ,
					.page_shift = shifts[level],
					.pkey = rights + flags,
					.flags = flags << 2 | VMMU_TABLE_LEAF |
						VMMU_TABLE_PRESENT,
				}, out;
				uint64_t value;

				ASSERT_EQ(0, vmmu_table_encode(f, level, &in, &value));
				ASSERT_EQ(0, vmmu_table_decode(f, level, value, &out));
				ASSERT_EQ(0, memcmp(&in, &out, sizeof(in)));
			}
		}
	}
}

TEST_F(table, entries_are_the_architectures)
{
	struct vmmu_table_entry entry = data_page;
	uint64_t value;

	entry.flags = VMMU_TABLE_PRESENT | VMMU_TABLE_LEAF | VMMU_TABLE_DIRTY;
	entry.pkey = 5;
	ASSERT_EQ(0, vmmu_table_encode(variant->format, 1, &entry, &value));
	EXPECT_EQ(1ULL << 63 | 5ULL << 59 | 0x5000 | 0x47, value);
	entry.flags = VMMU_TABLE_PRESENT;
	entry.rights = ALL_RIGHTS;
	ASSERT_EQ(0, vmmu_table_encode(variant->format, 4, &entry, &value));
	EXPECT_EQ(0x5007, value);
	entry.flags = VMMU_TABLE_LEAF;
	ASSERT_EQ(0, vmmu_table_encode(variant->format, 1, &entry, &value));
	EXPECT_EQ(0, value);
}

TEST_F(table, encode_refuses)
{
	struct vmmu_table_entry good = data_page, bad;
	uint64_t value = 0x1234;
	uint32_t f = variant->format;

	good.flags = VMMU_TABLE_PRESENT | VMMU_TABLE_LEAF;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 0, &good, &value));
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, variant->levels + 1, &good,
					     &value));
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 2, &good, &value));
	bad = good;
	bad.ra = 0x5001;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 1, &bad, &value));
	bad.ra = 1ULL << 52;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 1, &bad, &value));
	bad = good;
	bad.page_shift = 21;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 2, &bad, &value));
	bad.ra = 0;
	bad.page_shift = 39;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 4, &bad, &value));
	bad = good;
	bad.pkey = 16;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 1, &bad, &value));
	bad = good;
	bad.flags = VMMU_TABLE_PRESENT;
	EXPECT_EQ(-EINVAL, vmmu_table_encode(f, 1, &bad, &value));
	EXPECT_EQ(0x1234, value);
}

TEST_F(table, map_then_walk)
{
	struct vmmu_step steps[VMMU_TABLE_MAX_LEVELS];
	struct vmmu_table_entry last;
	uint64_t entry_ra, value;

	ASSERT_EQ(0, vmmu_table_map(&self->table, 0x40201000, &data_page,
				    next_page, self));
	EXPECT_EQ(ROOT + variant->levels * 4096, self->next);
	ASSERT_EQ(variant->levels, vmmu_table_walk(&self->table, 0x40201000,
						   steps, 5, &last));
	EXPECT_EQ(ROOT, steps[0].ra);
	EXPECT_EQ(variant->levels, steps[0].level);
	EXPECT_EQ(ALL_RIGHTS, steps[0].rights);
	EXPECT_EQ(1, steps[variant->levels - 1].level);
	EXPECT_EQ(data_page.rights, steps[variant->levels - 1].rights);
	EXPECT_EQ(0x5000, last.ra);
	EXPECT_EQ(VMMU_TABLE_PRESENT | VMMU_TABLE_LEAF, last.flags);

	/* Its neighbours are not mapped: new tables were cleared. */
	ASSERT_EQ(variant->levels, vmmu_table_walk(&self->table, 0x40202000,
						   steps, 5, &last));
	EXPECT_EQ(0, last.flags);
	EXPECT_EQ(2 + variant->levels - 4,
		  vmmu_table_walk(&self->table, 0, steps, 5, &last));

	ASSERT_EQ(0, vmmu_table_find(&self->table, 0x40201000, 1, &entry_ra));
	EXPECT_EQ(steps[0].ra, ROOT);
	ASSERT_EQ(0, vmmu_table_load(&self->table, entry_ra, &value));
	EXPECT_EQ(1ULL << 63 | 0x5007, value);
	ASSERT_EQ(0, vmmu_table_store(&self->table, entry_ra, 0));
	ASSERT_EQ(0, vmmu_table_load(&self->table, entry_ra, &value));
	EXPECT_EQ(0, value);
	EXPECT_EQ(-ENOENT, vmmu_table_find(&self->table, 0, 1, &entry_ra));
}

TEST_F(table, map_refuses)
{
	struct vmmu_table_entry large = data_page, odd = data_page;

	large.page_shift = 21;
	large.ra = 0x200000;
	EXPECT_EQ(-EINVAL, vmmu_table_map(&self->table, 0x1000, &large,
					  next_page, self));
	EXPECT_EQ(-EINVAL, vmmu_table_map(&self->table, 0x1001, &data_page,
					  next_page, self));
	EXPECT_EQ(-EINVAL, vmmu_table_map(&self->table, 1ULL << 62, &data_page,
					  next_page, self));
	odd.page_shift = 13;
	EXPECT_EQ(-EINVAL, vmmu_table_map(&self->table, 0, &odd, next_page,
					  self));
	EXPECT_EQ(ROOT + 4096, self->next);

	ASSERT_EQ(0, vmmu_table_map(&self->table, 0, &large, next_page, self));
	EXPECT_EQ(-EEXIST, vmmu_table_map(&self->table, 0x1000, &data_page,
					  next_page, self));
	self->end = self->next;
	EXPECT_EQ(-ENOMEM, vmmu_table_map(&self->table, 0x200000, &data_page,
					  next_page, self));
	self->table.root = BASE + BYTES;
	EXPECT_EQ(-ERANGE, vmmu_table_map(&self->table, 0, &data_page,
					  next_page, self));
}

/* Store the list as the hypercall would: level by level, through the tables. */
static int apply(const struct vmmu_table *table,
		 const struct vmmu_install_op *ops, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		uint64_t entry_ra;
		int err = vmmu_table_find(table, ops[i].va, ops[i].level,
					  &entry_ra);

		if (!err)
			err = vmmu_table_store(table, entry_ra, ops[i].value);
		if (err)
			return err;
	}
	return 0;
}

TEST_F(table, plan_makes_what_map_makes)
{
	static const uint64_t vas[] = {
		0, 0x1000, 0x1ff000, 0x200000, 0x40000000, 0x7fffffff000,
	};
	struct vmmu_install_op ops[32];
	char *by_plan, *by_map;
	size_t plan_bytes, map_bytes;
	FILE *plan = open_memstream(&by_plan, &plan_bytes);
	FILE *map = open_memstream(&by_map, &map_bytes);
	unsigned int i, nr = 0;

	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, vmmu_table_plan(&self->table, vas[i], &data_page,
					     next_page, self, ops, &nr, 32));
	/* Nothing is in force yet. */
	ASSERT_EQ(0, vmmu_table_print_tree(&self->table, plan));
	fflush(plan);
	EXPECT_EQ(0, plan_bytes);
	ASSERT_EQ(0, apply(&self->table, ops, nr));
	ASSERT_EQ(0, vmmu_table_print_tree(&self->table, plan));
	fclose(plan);

	memset((char *)self->table.memory + 0x1000, 0, 4096);
	self->next = ROOT + 4096;
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, vmmu_table_map(&self->table, vas[i], &data_page,
					    next_page, self));
	ASSERT_EQ(0, vmmu_table_print_tree(&self->table, map));
	fclose(map);
	EXPECT_STREQ(by_map, by_plan);
	EXPECT_NE(0, map_bytes);
	free(by_plan);
	free(by_map);
}

TEST_F(table, plan_without_room)
{
	struct vmmu_install_op ops[8];
	unsigned int nr = 1;

	ops[0] = (struct vmmu_install_op){ .va = 1ULL << 30, .level = 1 };
	EXPECT_EQ(-ENOSPC, vmmu_table_plan(&self->table, 0, &data_page,
					   next_page, self, ops, &nr,
					   variant->levels));
	EXPECT_EQ(1, nr);
	EXPECT_EQ(ROOT + 4096, self->next);
	EXPECT_EQ(0, vmmu_table_plan(&self->table, 0, &data_page, next_page,
				     self, ops, &nr, variant->levels + 1));
	EXPECT_EQ(variant->levels + 1, nr);
	EXPECT_EQ(variant->levels, ops[1].level);
	EXPECT_EQ(1, ops[nr - 1].level);
	EXPECT_EQ(-ENOSPC, vmmu_table_plan(&self->table, 0, &data_page,
					   next_page, self, ops, &nr, nr));

	/* What was allocated before a failure stays in the list. */
	nr = 0;
	self->next = ROOT + 4096;
	self->end = self->next + 4096;
	EXPECT_EQ(-ENOMEM, vmmu_table_plan(&self->table, 0, &data_page,
					   next_page, self, ops, &nr, 8));
	EXPECT_EQ(1, nr);
}

TEST_F(table, outside_of_memory)
{
	struct vmmu_step steps[VMMU_TABLE_MAX_LEVELS];
	struct vmmu_table_entry last;
	uint64_t value;

	EXPECT_EQ(-ERANGE, vmmu_table_load(&self->table, BASE - 8, &value));
	EXPECT_EQ(-ERANGE, vmmu_table_load(&self->table, BASE + BYTES, &value));
	EXPECT_EQ(-ERANGE, vmmu_table_load(&self->table, -8ULL, &value));
	EXPECT_EQ(-EINVAL, vmmu_table_load(&self->table, BASE + 4, &value));
	EXPECT_EQ(0, vmmu_table_load(&self->table, BASE + BYTES - 8, &value));

	ASSERT_EQ(0, vmmu_table_store(&self->table, ROOT, 0x7777007));
	EXPECT_EQ(1, vmmu_table_walk(&self->table, 0, steps, 5, &last));
	EXPECT_EQ(VMMU_TABLE_PRESENT, last.flags);
	EXPECT_EQ(-ERANGE, vmmu_table_find(&self->table, 0, 1, &value));
	EXPECT_EQ(0, vmmu_table_find(&self->table, 0, variant->levels, &value));
	EXPECT_EQ(0, vmmu_table_print_ranges(&self->table, stdout));
	self->table.root = 0;
	EXPECT_EQ(0, vmmu_table_walk(&self->table, 0, steps, 5, &last));
	EXPECT_EQ(-ERANGE, vmmu_table_print_tree(&self->table, stdout));
	EXPECT_EQ(-EINVAL, vmmu_table_walk(&self->table, 0, steps, 3, &last));
}

TEST_F(table, prints)
{
	struct vmmu_table_entry leaf = data_page;
	size_t bytes;
	char *text;
	FILE *out = open_memstream(&text, &bytes);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		leaf.ra = 0x5000 + i * 4096;
		ASSERT_EQ(0, vmmu_table_map(&self->table, 0x400000 + i * 4096,
					    &leaf, next_page, self));
	}
	leaf.rights = ALL_RIGHTS;
	ASSERT_EQ(0, vmmu_table_map(&self->table, -4096ULL, &leaf, next_page,
				    self));
	ASSERT_EQ(0, vmmu_table_print_ranges(&self->table, out));
	fclose(out);
	EXPECT_NE(NULL, strstr(text, "0x0000000000400000-0x0000000000402fff"));
	EXPECT_NE(NULL, strstr(text, "      12 KiB  ra 0x000000005000  "));
	EXPECT_NE(NULL, strstr(text, "4 KiB pages  rw-u  P W U NX\n"));
	EXPECT_NE(NULL, strstr(text, "0xfffffffffffff000-0xffffffffffffffff"));
	EXPECT_NE(NULL, strstr(text, "       4 KiB  ra 0x000000007000  "));
	EXPECT_NE(NULL, strstr(text, "4 KiB pages  rwxu  P W U\n"));
	free(text);
}

TEST_HARNESS_MAIN
