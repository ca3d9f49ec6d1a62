// SPDX-License-Identifier: GPL-2.0
/*
 * Stores to page tables that are not decoded: the page is opened, and the
 * processor executes them as on an ordinary page.
 */
#include "vmmu_trapping.h"
#include "native.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)

#define ARITHMETIC	0x8d5ULL
#define OFFSET		0x100
#define STACK		512

/* Registers as instructions have them, beside those of the decoder. */
#define CX	1
#define DX	2
#define SI	6
#define DI	7

/*
 * @at: where the two pages are that are stored to
 * @first, @last: what they are before and after, on ordinary memory
 */
FIXTURE(others) {
	struct guest g;
	struct native native;
	__u64 table;
	u8 *at;
	int file;
	u8 first[2 * PAGE], last[2 * PAGE];
};

FIXTURE_SETUP(others)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, MIB, FORMAT4, BITS);
	/* Two last-level tables, side by side. */
	guest_slot(&self->g, VA, 1);
	self->table = (u8 *)guest_slot(&self->g, VA + 2 * MIB, 1) -
		      self->g.mem - PAGE;
	guest_traps(&self->g, BITS);
	ASSERT_TRUE(native_make(&self->native));
	self->file = memfd_create("tables", MFD_CLOEXEC);
	ASSERT_LE(0, self->file);
	self->at = mmap(NULL, 2 * PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->at);
	/* Entries that are not present, and some that are. */
	for (unsigned int i = 0; i < sizeof(self->first); i++)
		self->first[i] = i % 8 ? 37 * i + i / 256 : 2 * i | i % 24 / 16;
	ASSERT_EQ(sizeof(self->first),
		  pwrite(self->file, self->first, sizeof(self->first), 0));
}

FIXTURE_TEARDOWN(others)
{
	audit_clean(self->g.vm);
	munmap(self->at, 2 * PAGE);
	native_drop(&self->native);
	close(self->file);
	guest_drop(&self->g);
	close(self->g.dev);
}

/*
 * @at: the offset of what is stored to, which is where RDI points
 * @push: RSP does, so far behind it
 * @compares: RAX is what is there, and RDX what is so far behind it
 * @opens: bit mask of the tables that are opened
 */
struct other {
	const char *name;
	u8 code[24];
	unsigned int length, at, push, opens, compares;
};

static u8 stack[STACK], source[64];

static struct vmmu_regs regs_for(struct _test_data_others *self,
				 const struct other *other)
{
	u64 target = (uintptr_t)self->at + other->at;
	struct vmmu_regs regs;

	for (int i = 0; i < 20; i++)
		regs.slot[i] = 0x0123456789abcdefULL * (2 * i + 1);
	regs.slot[slot_of(DI)] = target;
	regs.slot[slot_of(SI)] = (uintptr_t)source;
	regs.slot[slot_of(CX)] = 2;
	regs.slot[slot_of(REG_SP)] = other->push ? target + other->push :
				     (uintptr_t)stack + STACK / 2;
	if (other->compares) {
		const u8 *is = self->first + other->at;

		memcpy(&regs.slot[slot_of(REG_AX)], is, 8);
		memcpy(&regs.slot[slot_of(DX)], is + other->compares, 8);
	}
	regs.slot[SLOT_FLAGS] = 0x203;
	return regs;
}

/*
 * The same on ordinary pages and on tables. The first store to an ordinary one
 * faults, too: when a locked access that is not aligned does, QEMU's emulator
 * forgets the flags.
 */
static const char *differs(struct _test_data_others *self,
			   const struct other *other)
{
	struct vmmu_regs ordinary = regs_for(self, other), trapped = ordinary;
	struct vmmu_translation unused;

	if (mmap(self->at, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_FIXED, self->file, 0) == MAP_FAILED ||
	    memcmp(self->at, self->first, 2 * PAGE))
		return "no memory";
	native_run(&self->native, other->code, other->length, &ordinary);
	memcpy(self->last, self->at, 2 * PAGE);
	if (!memcmp(self->first, self->last, 2 * PAGE))
		return "it stores nothing";

	if (mmap(self->at, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED |
		 MAP_FIXED, self->g.vm, self->table) == MAP_FAILED ||
	    pread(self->file, self->at, 2 * PAGE, 0) != 2 * PAGE ||
	    _translate(self->g.space, 0, READ, VA, &unused))
		return "the tables could not be made";
	for (int i = 0; i < 2; i++)
		if (real_flags(self->g.vm, self->table + i * PAGE) != CLOSED)
			return "they could not be closed";
	native_run(&self->native, other->code, other->length, &trapped);
	if (memcmp(self->at, self->last, 2 * PAGE))
		return "memory";
	for (int i = 0; i < 20; i++)
		if ((i < 15 || i == 19) && ordinary.slot[i] != trapped.slot[i])
			return "a register";
	if ((ordinary.slot[SLOT_FLAGS] ^ trapped.slot[SLOT_FLAGS]) & ARITHMETIC)
		return "the flags";
	for (int i = 0; i < 2; i++)
		if (real_flags(self->g.vm, self->table + i * PAGE) !=
		    (other->opens & 1 << i ? OPEN : CLOSED))
			return "what was opened";
	if (_translate(self->g.space, 0, READ, VA, &unused) ||
	    memcmp(self->at, self->last, 2 * PAGE))
		return "memory, once it was settled";
	return NULL;
}

#define compare(of) do {						\
	const struct other *__o = (of);					\
	const char *__wrong = differs(self, __o);			\
									\
	EXPECT_EQ(NULL, __wrong)					\
		TH_LOG("%s: %s", __o->name, __wrong);			\
} while (0)

/* Of forms that are known, but not of this size. */
static const struct other sizes[] = {
	{ "movb", { 0x88, 0x07 }, 2 },
	{ "movb imm", { 0xc6, 0x07, 0x5a }, 3 },
	{ "movw", { 0x66, 0x89, 0x07 }, 3 },
	{ "movw imm", { 0x66, 0xc7, 0x07, 0x34, 0x12 }, 5 },
	{ "xchgb", { 0x86, 0x07 }, 2 },
	{ "xchgw", { 0x66, 0x87, 0x1f }, 3 },
	{ "cmpxchgb", { 0x0f, 0xb0, 0x1f }, 3, .compares = 8 },
	{ "lock cmpxchgw", { 0xf0, 0x66, 0x0f, 0xb1, 0x1f }, 5, .compares = 8 },
	{ "xaddb", { 0x0f, 0xc0, 0x1f }, 3 },
	{ "lock xaddw", { 0xf0, 0x66, 0x0f, 0xc1, 0x1f }, 5 },
	{ "addb", { 0x00, 0x1f }, 2 },
	{ "lock orb imm", { 0xf0, 0x80, 0x0f, 0x42 }, 4 },
	{ "addw", { 0x66, 0x01, 0x1f }, 3 },
	{ "incb", { 0xfe, 0x07 }, 2 },
	{ "incw", { 0x66, 0xff, 0x07 }, 3 },
	{ "btcw", { 0x66, 0x0f, 0xba, 0x3f, 0x03 }, 5 },
	{ "cmpxchg8b", { 0x0f, 0xc7, 0x0f }, 3, .compares = 4 },
	{ "cmpxchg16b", { 0x48, 0x0f, 0xc7, 0x0f }, 4, .compares = 8 },
	{ "lock cmpxchg16b", { 0xf0, 0x48, 0x0f, 0xc7, 0x0f }, 5, .compares = 8 },
	{ }
};

/* Of no known form. */
static const struct other unknown[] = {
	{ "adc", { 0x48, 0x11, 0x1f }, 3 },
	{ "lock sbb", { 0xf0, 0x48, 0x19, 0x1f }, 4 },
	{ "adc imm", { 0x48, 0x83, 0x17, 0x01 }, 4 },
	{ "not", { 0x48, 0xf7, 0x17 }, 3 },
	{ "lock neg", { 0xf0, 0x48, 0xf7, 0x1f }, 4 },
	{ "shl", { 0x48, 0xd1, 0x27 }, 3 },
	{ "rol imm", { 0x48, 0xc1, 0x07, 0x05 }, 4 },
	{ "shld", { 0x48, 0x0f, 0xa4, 0x1f, 0x07 }, 5 },
	{ "setae", { 0x0f, 0x93, 0x07 }, 3 },
	{ "movbe", { 0x48, 0x0f, 0x38, 0xf1, 0x1f }, 5 },
	{ "mov %ds", { 0x8c, 0x1f }, 2 },
	{ "stosb", { 0xaa }, 1 },
	{ "stosq", { 0x48, 0xab }, 2 },
	{ "rep stosq", { 0xf3, 0x48, 0xab }, 3 },
	{ "movsl", { 0xa5 }, 1 },
	{ "rep movsq", { 0xf3, 0x48, 0xa5 }, 3 },
	{ "fnstcw", { 0xd9, 0x3f }, 2 },
	{ "stmxcsr", { 0x0f, 0xae, 0x1f }, 3 },
	{ "push", { 0x53 }, 1, .push = 8 },
	{ "push imm", { 0x6a, 0x05 }, 2, .push = 8 },
	{ "pushf", { 0x9c }, 1, .push = 8 },
	{ "call", { 0xe8, 0, 0, 0, 0 }, 5, .push = 8 },
	{ "enter", { 0xc8, 0, 0, 0 }, 4, .push = 8 },
	{ "push of memory", { 0xff, 0x36 }, 2, .push = 8 },
	{ "pop", { 0x8f, 0x07 }, 2 },
	/* Each after movq %rbx, %xmm0. */
	{ "movaps", { 0x66, 0x48, 0x0f, 0x6e, 0xc3, 0x0f, 0x29, 0x07 }, 8 },
	{ "movups", { 0x66, 0x48, 0x0f, 0x6e, 0xc3, 0x0f, 0x11, 0x07 }, 8 },
	{ "movntdq", { 0x66, 0x48, 0x0f, 0x6e, 0xc3,
		       0x66, 0x0f, 0xe7, 0x07 }, 9 },
	{ "movq xmm", { 0x66, 0x48, 0x0f, 0x6e, 0xc3,
			0x66, 0x0f, 0xd6, 0x07 }, 9 },
	{ "movd xmm", { 0x66, 0x48, 0x0f, 0x6e, 0xc3,
			0x66, 0x0f, 0x7e, 0x07 }, 9 },
	{ }
};

/* Each after vmovq %rbx, %xmm0. */
static const struct other vectors[] = {
	{ "vmovdqu xmm", { 0xc4, 0xe1, 0xf9, 0x6e, 0xc3,
			   0xc5, 0xfa, 0x7f, 0x07 }, 9 },
	{ "vmovdqu ymm", { 0xc4, 0xe1, 0xf9, 0x6e, 0xc3,
			   0xc5, 0xfe, 0x7f, 0x07 }, 9 },
	{ "vmovntdq ymm", { 0xc4, 0xe1, 0xf9, 0x6e, 0xc3,
			    0xc5, 0xfd, 0xe7, 0x07 }, 9 },
	{ "vmovq", { 0xc4, 0xe1, 0xf9, 0x6e, 0xc3,
		     0xc5, 0xf9, 0xd6, 0x07 }, 9 },
	{ "vmovdqu ymm across pages", { 0xc4, 0xe1, 0xf9, 0x6e, 0xc3,
					0xc5, 0xfe, 0x7f, 0x07 }, 9,
	  PAGE - OFFSET - 4, 0, 3 },
	{ }
};

/* Known, and not aligned, or over two pages. */
static const struct other unaligned[] = {
	{ "mov", { 0x48, 0x89, 0x1f }, 3, 4 },
	{ "movl", { 0x89, 0x1f }, 2, 2 },
	{ "lock add", { 0xf0, 0x48, 0x01, 0x1f }, 4, 1 },
	{ "lock xadd across lines", { 0xf0, 0x48, 0x0f, 0xc1, 0x1f }, 5, 60 },
	{ "xchg across lines", { 0x48, 0x87, 0x1f }, 3, 57 },
	{ "lock incl across lines", { 0xf0, 0xff, 0x07 }, 3, 62 },
	{ "lock cmpxchg across lines", { 0xf0, 0x48, 0x0f, 0xb1, 0x1f }, 5, 61,
	  .compares = 8 },
	{ "lock btsl", { 0xf0, 0x0f, 0xba, 0x2f, 0x03 }, 5, 61 },
	{ "mov across pages", { 0x48, 0x89, 0x1f }, 3, PAGE - OFFSET - 4, 0, 3 },
	{ "lock add across pages", { 0xf0, 0x48, 0x01, 0x1f }, 4,
	  PAGE - OFFSET - 1, 0, 3 },
	{ "movups across pages", { 0x66, 0x48, 0x0f, 0x6e, 0xc3,
				   0x0f, 0x11, 0x07 }, 8,
	  PAGE - OFFSET - 8, 0, 3 },
	{ "rep stosq across pages", { 0xf3, 0x48, 0xab }, 3,
	  PAGE - OFFSET - 8, 0, 3 },
	{ }
};

#define compare_all(of) do {						\
	const struct other *__all = (of);				\
									\
	for (int __i = 0; __all[__i].name; __i++) {			\
		struct other __x = __all[__i];				\
									\
		__x.at += OFFSET;					\
		__x.opens = __x.opens ?: 1;				\
		compare(&__x);						\
	}								\
} while (0)

TEST_F(others, sizes)
{
	compare_all(sizes);
}

TEST_F(others, unknown)
{
	compare_all(unknown);
}

TEST_F(others, vectors)
{
	if (!__builtin_cpu_supports("avx"))
		SKIP(return, "the processor has no AVX");
	compare_all(vectors);
}

TEST_F(others, unaligned)
{
	compare_all(unaligned);
}

TEST_HARNESS_MAIN
