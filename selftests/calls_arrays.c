// SPDX-License-Identifier: GPL-2.0
/*
 * Arrays of the caller's that are bad from the start, or from the middle on:
 * EFAULT, what was done is exactly what the call says was done, and it can be
 * gone on with.
 */
#include <stddef.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(8 * MIB)
#define NR	100
#define TO	GIB			/* where installs go */
#define STAGE	64			/* most elements that a call copies at once */

/*
 * @pointer: offset of the array's address in the structure
 * @bytes: size of an element
 * @out: the call writes it
 * @acts: what is done is done although the array could not be written
 */
static const struct array {
	const char *name;
	unsigned long cmd;
	size_t pointer, bytes;
	bool out, acts;
} arrays[] = {
	{ "REAL_MAP entries", VMMU_IOC_REAL_MAP,
	  offsetof(struct vmmu_real_map, entries),
	  sizeof(struct vmmu_real_map_entry), .out = true },
	{ "INSTALL ops", VMMU_IOC_INSTALL, offsetof(struct vmmu_install, ops),
	  sizeof(struct vmmu_install_op) },
	{ "INSTALL outcomes", VMMU_IOC_INSTALL,
	  offsetof(struct vmmu_install, outcomes), 1, .out = true,
	  .acts = true },
	{ "TRANSLATE vas", VMMU_IOC_TRANSLATE,
	  offsetof(struct vmmu_translate, vas), 8 },
	{ "TRANSLATE results", VMMU_IOC_TRANSLATE,
	  offsetof(struct vmmu_translate, results),
	  sizeof(struct vmmu_translation), .out = true },
	{ "EXPLAIN steps", VMMU_IOC_EXPLAIN,
	  offsetof(struct vmmu_explain, steps), sizeof(struct vmmu_step),
	  .out = true },
	{ "MAPPINGS mappings", VMMU_IOC_MAPPINGS,
	  offsetof(struct vmmu_mappings, mappings),
	  sizeof(struct vmmu_mapping), .out = true },
	{}
};

union arg {
	struct vmmu_real_map real_map;
	struct vmmu_install install;
	struct vmmu_translate translate;
	struct vmmu_explain explain;
	struct vmmu_mappings mappings;
	__u8 bytes[128];
};

#define GOOD_BYTES	(NR * sizeof(struct vmmu_mapping))

/* A test has a process of its own, and with it these. */
static struct guest g;
static union arg arg;
static __u64 *slots;			/* of the entries that installs store */
static struct vmmu_install_op ops[NR];
static __u64 vas[NR];
static unsigned char results[GOOD_BYTES];	/* the other array of a call */
static unsigned char reference[GOOD_BYTES];	/* what a good call gave */
static unsigned char *pages, *end;	/* an array's, and what lies behind */

FIXTURE(arrays) {
	struct vmmu_vm_info before;
};

static __u64 entry_of(int i)
{
	return (g.data + i * PAGE) | PTE_ALL;
}

FIXTURE_SETUP(arrays)
{
	int dev = dev_open(), i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&g, dev, REAL, FORMAT4, 0);
	for (i = 0; i < NR; i++) {
		vas[i] = 2 * i * PAGE;	/* runs that do not merge */
		guest_map(&g, vas[i], 1, entry_of(i));
		ops[i] = (struct vmmu_install_op){
			.va = TO + i * PAGE, .value = entry_of(i), .level = 1,
		};
	}
	slots = guest_slot(&g, TO, 1);
	populate(g.vm, g.data, NR * PAGE);
	pages = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)pages);
	end = pages + 4 * PAGE;
	self->before = vm_info(g.vm);
}

FIXTURE_TEARDOWN(arrays)
{
	guest_drop(&g);
	close(g.dev);
}

/* The array's call for NR elements from the start, all else good. */
static void fill(const struct array *array, const void *at)
{
	__u64 pointer = (uintptr_t)at;

	memset(slots, 0, NR * sizeof(*slots));
	memset(results, POISON8, sizeof(results));
	memset(&arg, 0, sizeof(arg));
	switch (array->cmd) {
	case VMMU_IOC_REAL_MAP:
		arg.real_map.last = ~0ULL;
		arg.real_map.nr = NR;
		arg.real_map.size = sizeof(arg.real_map);
		break;
	case VMMU_IOC_INSTALL:
		arg.install.nr = NR;
		arg.install.ops = (uintptr_t)ops;
		arg.install.outcomes = (uintptr_t)results;
		arg.install.size = sizeof(arg.install);
		break;
	case VMMU_IOC_TRANSLATE:
		arg.translate.nr = NR;
		arg.translate.vas = (uintptr_t)vas;
		arg.translate.results = (uintptr_t)results;
		arg.translate.size = sizeof(arg.translate);
		break;
	case VMMU_IOC_EXPLAIN:
		arg.explain.nr = NR;
		arg.explain.size = sizeof(arg.explain);
		break;
	case VMMU_IOC_MAPPINGS:
		arg.mappings.last = ~0ULL;
		arg.mappings.nr = NR;
		arg.mappings.size = sizeof(arg.mappings);
		break;
	}
	memcpy(arg.bytes + array->pointer, &pointer, sizeof(pointer));
}

static __u32 done(const struct array *array)
{
	switch (array->cmd) {
	case VMMU_IOC_REAL_MAP:
		return arg.real_map.done;
	case VMMU_IOC_INSTALL:
		return arg.install.done;
	case VMMU_IOC_TRANSLATE:
		return arg.translate.done;
	case VMMU_IOC_EXPLAIN:
		return arg.explain.done;
	default:
		return arg.mappings.done;
	}
}

static int make(const struct array *array)
{
	return call(array->cmd == VMMU_IOC_REAL_MAP ? g.vm : g.space,
		    array->cmd, &arg);
}

/* The elements that a good call writes; fills the reference. */
#define good_call(of) ({						\
	const struct array *__a = (of);					\
	const void *__in = __a->cmd == VMMU_IOC_INSTALL ?		\
			   (const void *)ops : (const void *)vas;	\
									\
	fill(__a, __a->out ? reference : __in);				\
	ASSERT_EQ(0, make(__a)) TH_LOG("%s", __a->name);		\
	if (!__a->out)							\
		memcpy(reference, results, sizeof(reference));		\
	done(__a);							\
})

/* How many installs are in force when outcome @k could not be written. */
static int stage_end(int k)
{
	int n = k / STAGE * STAGE + STAGE;

	return n < NR ? n : NR;
}

/* Assert that installs are in force up to @n, and nothing else happened. */
#define in_force(of, n) do {						\
	const struct array *__a = (of);					\
	int __k, __n = __a->cmd == VMMU_IOC_INSTALL ? (n) : 0;		\
									\
	for (__k = 0; __k < NR; __k++) {				\
		ASSERT_EQ(__k < __n ? entry_of(__k) : 0, slots[__k])	\
			TH_LOG("%s: entry %d", __a->name, __k);		\
	}								\
	ASSERT_EQ(self->before.frames, vm_info(g.vm).frames);		\
} while (0)

/* Bad from the start. */
TEST_F(arrays, bad_address)
{
	const struct array *array;
	unsigned int i;

	ASSERT_EQ(0, mprotect(end, PAGE, PROT_NONE));
	ASSERT_EQ(0, mprotect(end + PAGE, PAGE, PROT_READ));
	for (array = arrays; array->name; array++) {
		void *bad[] = {
			end, end - 1, end + 8, (void *)8, (void *)(1ULL << 47),
			(void *)((1ULL << 47) - 16), (void *)(1ULL << 63),
			(void *)0xffff800000000000, (void *)0xffff888000000000,
			(void *)0xffffffff81000000, (void *)0xffffffffff600000,
			(void *)-PAGE, (void *)-8L, (void *)-1L, end + PAGE,
		};

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			if (bad[i] == end + PAGE && !array->out)
				continue;
			/* One byte before the end is one outcome of many. */
			fill(array, bad[i]);
			fails_with(EFAULT, make(array))
				TH_LOG("%s at %p", array->name, bad[i]);
			if (array->acts) {
				ASSERT_EQ(STAGE, done(array));
				ASSERT_EQ(STAGE, arg.install.index);
			} else {
				ASSERT_EQ(0, done(array));
				ASSERT_TRUE(all_bytes(results, POISON8,
						      sizeof(results)));
			}
			in_force(array, done(array));
		}
	}
}

/*
 * Good for @k elements and a half. Stages of elements are copied as a whole,
 * so less may be done than there was room for, but never more.
 */
TEST_F(arrays, bad_from_the_middle)
{
	static const int rooms[] = { 0, 1, 3, 15, 16, 17, 31, 32, 33, 48, 63,
				     64, 65, 95, 96, 98 };
	const struct array *array;
	unsigned int i;

	ASSERT_EQ(0, mprotect(end, 4 * PAGE, PROT_NONE));
	for (array = arrays; array->name; array++) {
		int all = good_call(array);

		for (i = 0; i < ARRAY_SIZE(rooms); i++) {
			int k = rooms[i], n;
			size_t room = k * array->bytes + array->bytes / 2;
			unsigned char *at = end - room;

			if (k >= all)
				break;
			if (array->out)
				memset(pages, POISON8, 4 * PAGE);
			else if (array->cmd == VMMU_IOC_INSTALL)
				memcpy(at, ops, room);
			else
				memcpy(at, vas, room);
			fill(array, at);
			fails_with(EFAULT, make(array))
				TH_LOG("%s, %d", array->name, k);
			n = done(array);
			if (array->acts) {
				ASSERT_EQ(stage_end(k), n);
				ASSERT_EQ(0, memcmp(at, reference, k));
			} else {
				ASSERT_GE(k, n) TH_LOG("%s", array->name);
				ASSERT_LT(k - STAGE, n);
				ASSERT_EQ(0, memcmp(array->out ? at : results,
						    reference,
						    n * (array->out ?
							 array->bytes : 1)))
					TH_LOG("%s, %d", array->name, k);
			}
			in_force(array, n);
		}
	}
}

/* All or nothing: the arrays make no difference. */
TEST_F(arrays, atomic)
{
	const struct array *array;
	int k;

	ASSERT_EQ(0, mprotect(end, 4 * PAGE, PROT_NONE));
	for (array = arrays; array->name; array++) {
		if (array->cmd != VMMU_IOC_INSTALL)
			continue;
		for (k = 0; k < NR; k += 9) {
			size_t room = k * array->bytes;

			if (!array->out)
				memcpy(end - room, ops, room);
			fill(array, end - room);
			arg.install.flags = VMMU_INSTALL_ATOMIC;
			fails_with(EFAULT, make(array));
			ASSERT_EQ(0, done(array));
			ASSERT_EQ(array->acts ? stage_end(k) :
						k / STAGE * STAGE,
				  arg.install.index);
			in_force(array, 0);
		}
	}
}

/* What was done in part goes on where the structure says. */
TEST_F(arrays, go_on)
{
	const struct array *array;
	int k;

	ASSERT_EQ(0, mprotect(end, 4 * PAGE, PROT_NONE));
	for (array = arrays; array->name; array++) {
		int all = good_call(array);

		if (array->cmd != VMMU_IOC_REAL_MAP &&
		    array->cmd != VMMU_IOC_MAPPINGS)
			continue;
		for (k = 0; k < all; k += 7) {
			unsigned char *at = end - k * array->bytes;
			__u64 pointer;
			int n;

			fill(array, at);
			fails_with(EFAULT, make(array));
			n = done(array);
			memmove(pages, at, n * array->bytes);
			pointer = (uintptr_t)pages + n * array->bytes;
			memcpy(arg.bytes + array->pointer, &pointer, 8);
			ASSERT_EQ(0, make(array));
			ASSERT_LE(all - n, done(array));
			ASSERT_EQ(0, memcmp(pages, reference,
					    all * array->bytes))
				TH_LOG("%s after %d", array->name, n);
		}
	}
}

/*
 * Arrays and structure inside real memory, even in the page tables that the
 * call is about, are memory like any other.
 */
TEST_F(arrays, inside_real_memory)
{
	struct vmmu_translate *t = (void *)(g.mem + g.data);
	struct vmmu_range *r = (void *)(g.mem + g.data);
	struct vmmu_install_op *own = (void *)(g.mem + g.data + PAGE);
	struct vmmu_install i;
	__u64 first = entry_of(0);

	memcpy(own, ops, sizeof(ops));
	slots[0] = 0;
	ASSERT_EQ(0, _install(g.space, 0, own, NR, (void *)(slots + NR), &i));
	ASSERT_EQ(NR, i.done);
	ASSERT_TRUE(all_bytes(slots + NR, VMMU_OUTCOME_PAGE, NR));

	/* The answers overwrite the table that gave them. */
	*t = (struct vmmu_translate){
		.size = sizeof(*t), .nr = NR, .va = TO,
		.results = (uintptr_t)slots,
	};
	ASSERT_EQ(0, call(g.space, VMMU_IOC_TRANSLATE, t));
	ASSERT_EQ(NR, t->done);
	ASSERT_EQ(first & PTE_ADDRESS, slots[0]);

	/* A structure that is discarded by its own call. */
	*r = (struct vmmu_range){
		.size = sizeof(*r), .ra = g.data, .bytes = PAGE,
	};
	ASSERT_EQ(0, call(g.vm, VMMU_IOC_DISCARD, r));
	ASSERT_EQ(PAGE, r->done);
	ASSERT_EQ(PAGE, r->bytes);
	ASSERT_TRUE(all_bytes(r + 1, 0, PAGE - sizeof(*r)));
}

TEST_HARNESS_MAIN
