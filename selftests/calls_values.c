// SPDX-License-Identifier: GPL-2.0
/*
 * Fields of the calls with values that are out of range, misaligned, wrap, or
 * contradict each other: refused, and nothing has changed.
 */
#include "vmmu_calls.h"

#define REAL	(4 * MIB)		/* the size that the fixture's guest has */
#define MOST	65536			/* info.max_batch */

/*
 * @field: the offset of what gets a bad @value, in @bytes
 * @also: another field, 8 bytes at this offset, 0 for none, that gets @other
 */
struct bad {
	unsigned long cmd;
	size_t field, bytes;
	__u64 value;
	int error;
	size_t also;
	__u64 other;
};

#define BAD(call, type, name, value)					\
	{ VMMU_IOC_##call, offsetof(struct type, name), 8, value, EINVAL }
#define BAD32(call, type, name, value)					\
	{ VMMU_IOC_##call, offsetof(struct type, name), 4, value, EINVAL }
#define NOT32(call, type, name, value)					\
	{ VMMU_IOC_##call, offsetof(struct type, name), 4, value, EOPNOTSUPP }
#define BOTH(call, type, name, value, also, other)			\
	{ VMMU_IOC_##call, offsetof(struct type, name), 8, value, EINVAL,\
	  offsetof(struct type, also), other }
#define BOTH32(call, type, name, value, also, other)			\
	{ VMMU_IOC_##call, offsetof(struct type, name), 4, value, EINVAL,\
	  offsetof(struct type, also), other }

static const struct bad bads[] = {
	BAD(VM_CREATE, vmmu_vm_create, real_bytes, 0),
	BAD(VM_CREATE, vmmu_vm_create, real_bytes, 1),
	BAD(VM_CREATE, vmmu_vm_create, real_bytes, PAGE - 1),
	BAD(VM_CREATE, vmmu_vm_create, real_bytes, 64 * TIB + PAGE),
	BAD(VM_CREATE, vmmu_vm_create, real_bytes, 1ULL << 63),
	BAD(VM_CREATE, vmmu_vm_create, real_bytes, -PAGE),
	BAD(POPULATE, vmmu_range, ra, 1),
	BAD(POPULATE, vmmu_range, ra, 8),
	BAD(POPULATE, vmmu_range, ra, PAGE - 1),
	BAD(POPULATE, vmmu_range, ra, PAGE + 1),
	BAD(POPULATE, vmmu_range, ra, REAL),
	BAD(POPULATE, vmmu_range, ra, REAL + PAGE),
	BAD(POPULATE, vmmu_range, ra, 1ULL << 52),
	BAD(POPULATE, vmmu_range, ra, 1ULL << 63),
	BAD(POPULATE, vmmu_range, ra, -PAGE),
	BAD(POPULATE, vmmu_range, ra, ~0ULL),
	BAD(POPULATE, vmmu_range, bytes, 0),
	BAD(POPULATE, vmmu_range, bytes, 1),
	BAD(POPULATE, vmmu_range, bytes, PAGE - 1),
	BAD(POPULATE, vmmu_range, bytes, PAGE + 1),
	BAD(POPULATE, vmmu_range, bytes, REAL),
	BAD(POPULATE, vmmu_range, bytes, 1ULL << 63),
	BAD(POPULATE, vmmu_range, bytes, -PAGE),
	BAD(POPULATE, vmmu_range, bytes, ~0ULL),
	BOTH(POPULATE, vmmu_range, ra, REAL - PAGE, bytes, 2 * PAGE),
	BOTH(POPULATE, vmmu_range, ra, 2 * MIB, bytes, -2 * MIB),
	BOTH(POPULATE, vmmu_range, ra, 2 * MIB, bytes, -2 * MIB + PAGE),
	BOTH(POPULATE, vmmu_range, ra, -PAGE, bytes, 2 * PAGE),
	BOTH(POPULATE, vmmu_range, ra, 1ULL << 63, bytes, 1ULL << 63),
	BOTH(POPULATE, vmmu_range, ra, 0, bytes, REAL + PAGE),
	BOTH(POPULATE, vmmu_range, ra, 0, bytes, 0),
	BAD(DISCARD, vmmu_range, ra, 1),
	BAD(DISCARD, vmmu_range, ra, 8),
	BAD(DISCARD, vmmu_range, ra, PAGE - 1),
	BAD(DISCARD, vmmu_range, ra, PAGE + 1),
	BAD(DISCARD, vmmu_range, ra, REAL),
	BAD(DISCARD, vmmu_range, ra, REAL + PAGE),
	BAD(DISCARD, vmmu_range, ra, 1ULL << 52),
	BAD(DISCARD, vmmu_range, ra, 1ULL << 63),
	BAD(DISCARD, vmmu_range, ra, -PAGE),
	BAD(DISCARD, vmmu_range, ra, ~0ULL),
	BAD(DISCARD, vmmu_range, bytes, 0),
	BAD(DISCARD, vmmu_range, bytes, 1),
	BAD(DISCARD, vmmu_range, bytes, PAGE - 1),
	BAD(DISCARD, vmmu_range, bytes, PAGE + 1),
	BAD(DISCARD, vmmu_range, bytes, REAL),
	BAD(DISCARD, vmmu_range, bytes, 1ULL << 63),
	BAD(DISCARD, vmmu_range, bytes, -PAGE),
	BAD(DISCARD, vmmu_range, bytes, ~0ULL),
	BOTH(DISCARD, vmmu_range, ra, REAL - PAGE, bytes, 2 * PAGE),
	BOTH(DISCARD, vmmu_range, ra, 2 * MIB, bytes, -2 * MIB),
	BOTH(DISCARD, vmmu_range, ra, 2 * MIB, bytes, -2 * MIB + PAGE),
	BOTH(DISCARD, vmmu_range, ra, -PAGE, bytes, 2 * PAGE),
	BOTH(DISCARD, vmmu_range, ra, 1ULL << 63, bytes, 1ULL << 63),
	BOTH(DISCARD, vmmu_range, ra, 0, bytes, REAL + PAGE),
	BOTH(DISCARD, vmmu_range, ra, 0, bytes, 0),
	BAD(REAL_MAP, vmmu_real_map, ra, 1),
	BAD(REAL_MAP, vmmu_real_map, ra, PAGE - 1),
	BAD(REAL_MAP, vmmu_real_map, ra, REAL),
	BAD(REAL_MAP, vmmu_real_map, ra, -PAGE),
	BAD(REAL_MAP, vmmu_real_map, ra, 1ULL << 63),
	BOTH(REAL_MAP, vmmu_real_map, ra, PAGE, last, PAGE - 1),
	BOTH(REAL_MAP, vmmu_real_map, ra, REAL - PAGE, last, 0),
	BAD32(REAL_MAP, vmmu_real_map, nr, 0),
	BAD32(REAL_MAP, vmmu_real_map, nr, MOST + 1),
	BAD32(REAL_MAP, vmmu_real_map, nr, 1U << 31),
	BAD32(REAL_MAP, vmmu_real_map, nr, ~0U),
	BAD(SPACE_CREATE, vmmu_space_create, root, 1),
	BAD(SPACE_CREATE, vmmu_space_create, root, 8),
	BAD(SPACE_CREATE, vmmu_space_create, root, PAGE - 1),
	BAD(SPACE_CREATE, vmmu_space_create, root, PAGE / 2),
	BAD(SPACE_CREATE, vmmu_space_create, root, 1ULL << 52),
	BAD(SPACE_CREATE, vmmu_space_create, root, 1ULL << 63),
	BAD(SPACE_CREATE, vmmu_space_create, root, -PAGE),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 0),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 31),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 53),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 64),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 256 + 52),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 1U << 31),
	BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, ~0U),
	NOT32(SPACE_CREATE, vmmu_space_create, format, 0),
	NOT32(SPACE_CREATE, vmmu_space_create, format, 3),
	NOT32(SPACE_CREATE, vmmu_space_create, format, 63),
	NOT32(SPACE_CREATE, vmmu_space_create, format, 1U << 31),
	NOT32(SPACE_CREATE, vmmu_space_create, format, ~0U),
	BAD(SET_ROOT, vmmu_set_root, root, 1),
	BAD(SET_ROOT, vmmu_set_root, root, 8),
	BAD(SET_ROOT, vmmu_set_root, root, PAGE - 1),
	BAD(SET_ROOT, vmmu_set_root, root, PAGE / 2),
	BAD(SET_ROOT, vmmu_set_root, root, 1ULL << 52),
	BAD(SET_ROOT, vmmu_set_root, root, 1ULL << 63),
	BAD(SET_ROOT, vmmu_set_root, root, -PAGE),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, 0),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, 31),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, 53),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, 64),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, 256 + 52),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, 1U << 31),
	BAD32(SET_MODE, vmmu_set_mode, mode.maxphyaddr, ~0U),
	BAD32(INSTALL, vmmu_install, nr, 0),
	BAD32(INSTALL, vmmu_install, nr, MOST + 1),
	BAD32(INSTALL, vmmu_install, nr, 1U << 31),
	BAD32(INSTALL, vmmu_install, nr, ~0U),
	BAD32(TRANSLATE, vmmu_translate, nr, 0),
	BAD32(TRANSLATE, vmmu_translate, nr, MOST + 1),
	BAD32(TRANSLATE, vmmu_translate, nr, 1U << 31),
	BAD32(TRANSLATE, vmmu_translate, nr, ~0U),
	BAD32(TRANSLATE, vmmu_translate, nr, 2),	/* without results */
	BAD32(TRANSLATE, vmmu_translate, access, 3),
	BAD32(TRANSLATE, vmmu_translate, access, 1U << 31),
	BAD32(TRANSLATE, vmmu_translate, access, ~0U),
	BOTH32(TRANSLATE, vmmu_translate, nr, 2, va, -PAGE),
	BAD32(EXPLAIN, vmmu_explain, access, 3),
	BAD32(EXPLAIN, vmmu_explain, access, ~0U),
	BAD32(EXPLAIN, vmmu_explain, nr, 0),
	BAD32(EXPLAIN, vmmu_explain, nr, 3),
	BAD32(MAPPINGS, vmmu_mappings, nr, 0),
	BAD32(MAPPINGS, vmmu_mappings, nr, MOST + 1),
	BAD32(MAPPINGS, vmmu_mappings, nr, 1U << 31),
	BAD32(MAPPINGS, vmmu_mappings, nr, ~0U),
	BAD(MAPPINGS, vmmu_mappings, va, 1ULL << 47),
	BAD(MAPPINGS, vmmu_mappings, va, 0xffff7fffffffffff),
	BAD(MAPPINGS, vmmu_mappings, last, 1ULL << 47),
	BAD(MAPPINGS, vmmu_mappings, last, 1ULL << 63),
	BOTH(MAPPINGS, vmmu_mappings, va, PAGE, last, PAGE - 1),
	BOTH(MAPPINGS, vmmu_mappings, va, ~0ULL, last, 0),
	BAD(INVALIDATE, vmmu_invalidate, bytes, 0),
	BAD(INVALIDATE, vmmu_invalidate, bytes, BIT_ULL(47) + 1),
	BAD(INVALIDATE, vmmu_invalidate, bytes, ~0ULL - BIT_ULL(47)),
	BAD(INVALIDATE, vmmu_invalidate, va, BIT_ULL(47)),
	BAD(INVALIDATE, vmmu_invalidate, va, BIT_ULL(47) - PAGE + 1),
	BAD(INVALIDATE, vmmu_invalidate, va, 0xffff7fffffffffff),
	BAD(INVALIDATE, vmmu_invalidate, va, 1ULL << 63),
	BAD(INVALIDATE, vmmu_invalidate, va, -PAGE + 1),	/* wraps */
	BAD(INVALIDATE, vmmu_invalidate, va, ~0ULL),
	BOTH(INVALIDATE, vmmu_invalidate, va, ~0ULL, bytes, 2),
	BOTH(INVALIDATE, vmmu_invalidate, va, PAGE, bytes, ~0ULL),
	BOTH(INVALIDATE, vmmu_invalidate, va, -PAGE, bytes, 0),
	BAD32(FAULT, vmmu_fault, access, 3),
	BAD32(FAULT, vmmu_fault, access, 1U << 31),
	BAD32(FAULT, vmmu_fault, access, ~0U),
	BAD32(SET_DELIVERY, vmmu_set_delivery, delivery, 2),
	BAD32(SET_DELIVERY, vmmu_set_delivery, delivery, 1U << 31),
	BAD32(SET_DELIVERY, vmmu_set_delivery, delivery, ~0U),
	{}
};

static void set_field(size_t field, size_t bytes, __u64 value)
{
	memcpy(arg->bytes + field, &value, bytes);
}

TEST_F(calls, bad_values)
{
	const struct bad *bad;

	for (bad = bads; bad->cmd; bad++) {
		const struct row *row = row_of(bad->cmd);

		fill(row);
		set_field(bad->field, bad->bytes, bad->value);
		if (bad->also)
			set_field(bad->also, 8, bad->other);
		refused(bad->error, row);
	}
}

/* Each of the values at the edge that are good. */
TEST_F(calls, good_values)
{
	static const struct bad goods[] = {
		BAD(REAL_MAP, vmmu_real_map, ra, REAL - PAGE),
		BAD(REAL_MAP, vmmu_real_map, last, 0),
		BAD(REAL_MAP, vmmu_real_map, last, PAGE + 1),
		BAD(REAL_MAP, vmmu_real_map, last, REAL),
		BAD32(REAL_MAP, vmmu_real_map, nr, 1),
		BAD(VM_CREATE, vmmu_vm_create, real_bytes, PAGE),
		BAD(VM_CREATE, vmmu_vm_create, real_bytes, 64 * TIB),
		BAD(DISCARD, vmmu_range, ra, REAL - PAGE),
		BOTH(DISCARD, vmmu_range, ra, REAL / 2, bytes, REAL / 2),
		BAD(SPACE_CREATE, vmmu_space_create, root, (1ULL << 52) - PAGE),
		BAD32(SPACE_CREATE, vmmu_space_create, mode.maxphyaddr, 32),
		BAD32(SPACE_CREATE, vmmu_space_create, mode.pkru, ~0U),
		BAD32(TRANSLATE, vmmu_translate, access, FETCH),
		BAD(TRANSLATE, vmmu_translate, va, ~0ULL),
		BAD(TRANSLATE, vmmu_translate, va, 1ULL << 63),
		BAD32(EXPLAIN, vmmu_explain, nr, 4),
		BAD32(EXPLAIN, vmmu_explain, nr, ~0U),
		BAD(EXPLAIN, vmmu_explain, va, 1ULL << 47),
		BAD(MAPPINGS, vmmu_mappings, last, 0),
		BAD(MAPPINGS, vmmu_mappings, va, ~0ULL),
		BAD(MAPPINGS, vmmu_mappings, va, 0xffff800000000000),
		BAD(MAPPINGS, vmmu_mappings, last, (1ULL << 47) - 1),
		BAD(INVALIDATE, vmmu_invalidate, va, 123),
		BAD(INVALIDATE, vmmu_invalidate, va, BIT_ULL(47) - PAGE),
		BAD(INVALIDATE, vmmu_invalidate, va, 0xffff800000000000),
		BAD(INVALIDATE, vmmu_invalidate, va, -PAGE),
		BAD(INVALIDATE, vmmu_invalidate, bytes, 1),
		BAD(INVALIDATE, vmmu_invalidate, bytes, BIT_ULL(47)),
		/* From half to half, over the hole. */
		BAD(INVALIDATE, vmmu_invalidate, bytes, ~0ULL),
		BOTH(INVALIDATE, vmmu_invalidate, va, ~0ULL, bytes, 1),
		BAD32(FAULT, vmmu_fault, access, FETCH),
		{}
	};
	const struct bad *good;

	for (good = goods; good->cmd; good++) {
		const struct row *row = row_of(good->cmd);

		fill(row);
		set_field(good->field, good->bytes, good->value);
		if (good->also)
			set_field(good->also, 8, good->other);
		ASSERT_EQ(0, try_call(row))
			TH_LOG("%s %llx", row->name, good->value);
		unchanged(row);
	}
}

/* A root and a width that do not fit each other, whichever changes. */
TEST_F(calls, root_beyond_the_width)
{
	const struct row *create = row_of(VMMU_IOC_SPACE_CREATE),
			 *root = row_of(VMMU_IOC_SET_ROOT),
			 *mode = row_of(VMMU_IOC_SET_MODE);
	int bit;

	for (bit = 32; bit < 52; bit++) {
		self->space = space_info(g.space);
		self->before = vm_info(g.vm);
		fill(create);
		arg->space_create.root = 1ULL << bit;
		arg->space_create.mode.maxphyaddr = bit;
		refused(EINVAL, create);
		arg->space_create.mode.maxphyaddr = bit + 1;
		ASSERT_EQ(0, try_call(create));

		set_mode(g.space, 0, 0, bit);
		self->space = space_info(g.space);
		self->before = vm_info(g.vm);
		fill(root);
		arg->set_root.root = 1ULL << bit;
		refused(EINVAL, root);

		set_mode(g.space, 0, 0, bit + 1);
		set_root(g.space, 1ULL << bit);
		self->space = space_info(g.space);
		self->before = vm_info(g.vm);
		fill(mode);
		arg->set_mode.mode.maxphyaddr = bit;
		refused(EINVAL, mode);
		set_root(g.space, g.root);
	}
}

/* All addresses, and some. */
TEST_F(calls, invalidate_all_and_some)
{
	const struct row *row = row_of(VMMU_IOC_INVALIDATE);

	fill_flags(row, VMMU_INVALIDATE_ALL);
	arg->invalidate.va = PAGE;
	refused(EINVAL, row);
	arg->invalidate.va = 0;
	arg->invalidate.bytes = 1;
	refused(EINVAL, row);
	arg->invalidate.va = 1ULL << 63;
	arg->invalidate.bytes = ~0ULL;
	refused(EINVAL, row);
}

/* Addresses that are in no window of this space. */
TEST_F(calls, fault_outside)
{
	const struct row *row = row_of(VMMU_IOC_FAULT);
	unsigned char *other, *mem = g.mem;
	__u64 addresses[] = {
		0, (uintptr_t)window - 1, (uintptr_t)window + PAGE,
		(uintptr_t)mem, (uintptr_t)arg, BIT_ULL(47) - 1,
		BIT_ULL(47), 1ULL << 63, ~0ULL, 0,
	};
	int space = space_create(g.vm, FORMAT4, 0, 0), i;

	other = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, space, 0);
	ASSERT_NE(MAP_FAILED, (void *)other);
	addresses[ARRAY_SIZE(addresses) - 1] = (uintptr_t)other;
	self->before = vm_info(g.vm);
	self->files = open_files();
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		fill(row);
		arg->fault.address = addresses[i];
		refused(ENOENT, row);
	}
	fill(row);
	arg->fault.address = (uintptr_t)window + PAGE - 1;
	ASSERT_EQ(0, try_call(row));
	ASSERT_EQ(PAGE - 1, arg->fault.va);
	ASSERT_EQ(0, munmap(window, PAGE));
	refused(ENOENT, row);
	munmap(other, PAGE);
	close(space);
}

/* What is no trap file, is none any more, or is another VM's. */
TEST_F(calls, delivery_to_no_trap)
{
	const struct row *row = row_of(VMMU_IOC_SET_DELIVERY);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int bad[] = { -1, -100, 1 << 20, file[DEV], g.vm, g.space, null, 999 };
	int vm = vm_create(file[DEV], MIB), trap = trap_create(vm), i;

	self->files = open_files();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fill(row);
		arg->set_delivery.delivery = VMMU_DELIVER_RECORD;
		arg->set_delivery.trap = bad[i];
		refused(EBADF, row);
		/* To a signal it does not matter. */
		arg->set_delivery.delivery = VMMU_DELIVER_SIGNAL;
		ASSERT_EQ(0, try_call(row));
	}
	arg->set_delivery.delivery = VMMU_DELIVER_RECORD;
	arg->set_delivery.trap = trap;
	refused(EINVAL, row);
	ASSERT_EQ(0, trap_info(trap).nr_spaces);
	arg->set_delivery.trap = file[TRAP];
	ASSERT_EQ(0, try_call(row));
	ASSERT_EQ(1, trap_info(file[TRAP]).nr_spaces);
	self->space.delivery = VMMU_DELIVER_RECORD;
	/* A failure changes nothing of this, either. */
	arg->set_delivery.trap = trap;
	refused(EINVAL, row);
	ASSERT_EQ(1, trap_info(file[TRAP]).nr_spaces);
	close(trap);
	close(vm);
	close(null);
}

/* Elements of a batch are checked one by one: what was before them is done. */
TEST_F(calls, bad_elements)
{
	static const __u32 levels[] = { 0, 5, 6, 63, 1U << 31, ~0U };
	struct vmmu_install_op ops[2] = { { .level = 4 } };
	struct vmmu_install i;
	unsigned int n;
	__u8 outcomes[2];

	for (n = 0; n < ARRAY_SIZE(levels) + 32; n++) {
		int e = n < ARRAY_SIZE(levels) ? EINVAL : EOPNOTSUPP;
		__u32 flags;

		ops[1].level = e == EINVAL ? levels[n] : 4;
		ops[1].reserved = e == EINVAL ? 0 :
				  1U << (n - ARRAY_SIZE(levels));
		for (flags = 0; flags < 8; flags++) {
			memset(outcomes, POISON8, 2);
			fails_with(e, _install(g.space, flags, ops, 2,
					       outcomes, &i));
			ASSERT_EQ(1, i.index);
			ASSERT_EQ(!(flags & VMMU_INSTALL_ATOMIC), i.done);
			ASSERT_EQ(VMMU_REASON_NONE, i.reason);
			ASSERT_EQ(0, i.level);
			ASSERT_EQ(VMMU_OUTCOME_CLEARED, outcomes[0]);
			ASSERT_EQ(POISON8, outcomes[1]);
			unchanged(rows);
		}
	}
}

TEST_HARNESS_MAIN
