// SPDX-License-Identifier: GPL-2.0
/*
 * What holds for every call's structure: its length, unknown flags, reserved
 * fields, and addresses of it that are bad.
 */
#include "vmmu_calls.h"

TEST_F(calls, work)
{
	const struct row *row;

	for (row = rows; row->name; row++) {
		fill(row);
		ASSERT_EQ(0, try_call(row)) TH_LOG("%s", row->name);
		ASSERT_EQ(row->bytes, arg->size);
		unchanged(row);
	}
}

TEST_F(calls, info_on_each_file)
{
	struct vmmu_info i = info(file[DEV]);
	int f;

	for (f = 0; f < NR_FILES; f++) {
		struct vmmu_info same = info(file[f]);

		EXPECT_EQ(0, memcmp(&i, &same, sizeof(i)));
	}
}

TEST_F(calls, too_short)
{
	const struct row *row;

	for (row = rows; row->name; row++) {
		__u32 bytes;

		for (bytes = 0; bytes < (row->min_bytes ?: row->bytes);
		     bytes++) {
			fill(row);
			arg->size = bytes;
			refused(EINVAL, row);
		}
	}
}

/* A structure of before a field was added gets what it has room for. */
TEST_F(calls, older)
{
	static union arg full, was;
	const struct row *row;
	size_t bytes;

	for (row = rows; row->name; row++) {
		fill(row);
		ASSERT_EQ(0, try_call(row));
		full = *arg;
		for (bytes = row->min_bytes ?: row->bytes; bytes < row->bytes;
		     bytes++) {
			fill(row);
			arg->size = bytes;
			was = *arg;
			ASSERT_EQ(0, try_call(row)) TH_LOG("%s", row->name);
			ASSERT_EQ(bytes, arg->size);
			ASSERT_EQ(0, memcmp(full.bytes + 4, arg->bytes + 4,
					    bytes - 4))
				TH_LOG("%s, %zu", row->name, bytes);
			ASSERT_EQ(0, memcmp(was.bytes + bytes, arg->bytes + bytes,
					    row->bytes - bytes))
				TH_LOG("%s, %zu", row->name, bytes);
			unchanged(row);
		}
	}
}

TEST_F(calls, zero_tail)
{
	const struct row *row;

	for (row = rows; row->name; row++) {
		__u32 longer[] = { row->bytes + 1, row->bytes + 8, PAGE };
		int i;

		for (i = 0; i < 3; i++) {
			fill(row);
			arg->size = longer[i];
			ASSERT_EQ(0, try_call(row))
				TH_LOG("%s", row->name);
			ASSERT_EQ(longer[i], arg->size);
			ASSERT_TRUE(all_bytes(arg->bytes + row->bytes, 0,
					      PAGE - row->bytes));
			unchanged(row);
		}
	}
}

/* A bit of the tail, wherever it is and however long the tail. */
TEST_F(calls, unknown_tail)
{
	const struct row *row;
	size_t at;

	for (row = rows; row->name; row++) {
		for (at = row->bytes; at < PAGE; at += at % 61 + 1) {
			fill(row);
			arg->size = at + 1;
			arg->bytes[at] = 1 << at % 8;
			refused(E2BIG, row);
			arg->size = PAGE;
			refused(E2BIG, row);
		}
		/* What lies behind the size does not count. */
		fill(row);
		arg->bytes[row->bytes] = 1;
		ASSERT_EQ(0, try_call(row)) TH_LOG("%s", row->name);
		ASSERT_EQ(1, arg->bytes[row->bytes]);
		unchanged(row);
	}
}

/* Beyond 4096 bytes not even zeroes are looked at. */
TEST_F(calls, too_long)
{
	static const __u32 sizes[] = {
		PAGE + 1, PAGE + 8, 2 * PAGE, 1 << 16, 1U << 31, ~0U,
	};
	const struct row *row;
	unsigned int i;

	for (row = rows; row->name; row++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			fill(row);
			arg->size = sizes[i];
			refused(E2BIG, row);
		}
	}
}

TEST_F(calls, flags)
{
	const struct row *row;
	int bit;

	for (row = rows; row->name; row++) {
		for (bit = 0; bit < 32; bit++) {
			fill_flags(row, 1U << bit);
			if (!(row->flags >> bit & 1)) {
				refused(EOPNOTSUPP, row);
				arg->info.flags |= row->flags;
				refused(EOPNOTSUPP, row);
			} else if (arg->info.flags != SET_AD ||
				   row->cmd == VMMU_IOC_INSTALL) {
				/* The guest maps nothing: so no A is set. */
				ASSERT_EQ(0, try_call(row))
					TH_LOG("%s", row->name);
				unchanged(row);
			}
		}
	}
}

TEST_F(calls, mode_bits)
{
	const struct row *row;
	int bit;

	for (row = rows; row->name; row++) {
		struct vmmu_mode *mode = (void *)(arg->bytes + row->mode);

		for (bit = 0; row->mode && bit < 64; bit++) {
			fill(row);
			mode->bits = 1ULL << bit;
			if (bit > 6) {
				refused(EOPNOTSUPP, row);
				mode->bits |= 0x7f;
				refused(EOPNOTSUPP, row);
				continue;
			}
			ASSERT_EQ(0, try_call(row)) TH_LOG("%s", row->name);
			if (row->cmd == VMMU_IOC_SET_MODE) {
				ASSERT_EQ(1ULL << bit,
					  space_info(g.space).mode.bits);
			}
			fill(row);
			ASSERT_EQ(0, try_call(row));
			if (row->cmd == VMMU_IOC_SET_MODE)
				moved += 2;	/* there and back */
			unchanged(row);
		}
	}
}

TEST_F(calls, reserved_fields)
{
	const struct row *row;
	size_t bit, bits;

	for (row = rows; row->name; row++) {
		bits = row->reserved ? 8 * (row->reserved_bytes ?: 4) : 0;
		for (bit = 0; bit < bits; bit++) {
			fill(row);
			arg->bytes[row->reserved + bit / 8] = 1 << bit % 8;
			refused(EOPNOTSUPP, row);
		}
	}
}

TEST_F(calls, bad_address)
{
	char *end = (char *)arg + PAGE;
	void *bad[] = {
		NULL, end, end - 3, end + PAGE - 8, (char *)8,
		(char *)(1ULL << 47), (char *)(1ULL << 47) - 4,
		(char *)(1ULL << 63), (char *)0xffff800000000000,
		(char *)0xffff888000000000, (char *)0xffffffff81000000,
		(char *)0xffffffffff600000, (char *)-PAGE, (char *)-8L,
		(char *)-1L,
	};
	const struct row *row;
	unsigned int i;

	for (row = rows; row->name; row++) {
		int fd = file[row->file];

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			fails_with(EFAULT, call(fd, row->cmd, bad[i]))
				TH_LOG("%s at %p", row->name, bad[i]);
		}

		/* The last bytes are missing. */
		for (i = 1; i < row->bytes - 4; i++) {
			fill(row);
			memmove(end - row->bytes + i, arg, row->bytes - i);
			fails_with(EFAULT, call(fd, row->cmd,
						end - row->bytes + i))
				TH_LOG("%s", row->name);
		}
		unchanged(row);
	}
}

/* A structure needs no alignment. */
TEST_F(calls, misaligned_structure)
{
	char *end = (char *)arg + PAGE;
	const struct row *row;
	char *at;

	for (row = rows; row->name; row++) {
		for (at = end - row->bytes; at > end - row->bytes - 9; at--) {
			fill(row);
			memmove(at, arg, row->bytes);
			ASSERT_EQ(0, call(file[row->file], row->cmd, at))
				TH_LOG("%s", row->name);
			memcpy(arg, at, row->bytes);
			let_go(row, arg);
			unchanged(row);
		}
	}
}

/* A result that can not be handed over must leave nothing behind. */
TEST_F(calls, read_only_structure)
{
	const struct row *row;

	for (row = rows; row->name; row++) {
		if (!row->out)
			continue;
		fill(row);
		ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
		fails_with(EFAULT, call(file[row->file], row->cmd, arg))
			TH_LOG("%s", row->name);
		ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ | PROT_WRITE));
		unchanged(row);
	}
}

/* Not even where it ends between two pages, of which one is read-only. */
TEST_F(calls, structure_half_read_only)
{
	char *end = (char *)arg + PAGE;
	const struct row *row;
	size_t half;

	for (row = rows; row->name; row++) {
		half = row->bytes / 2;
		if (!row->out)
			continue;
		fill(row);
		ASSERT_EQ(0, mprotect(end, PAGE, PROT_READ | PROT_WRITE));
		memmove(end - half, arg, row->bytes);
		ASSERT_EQ(0, mprotect(end, PAGE, PROT_READ));
		fails_with(EFAULT, call(file[row->file], row->cmd, end - half))
			TH_LOG("%s", row->name);
		unchanged(row);
	}
}

TEST_HARNESS_MAIN
