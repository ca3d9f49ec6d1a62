// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder of trapped stores against this machine's processor: random
 * instructions with random registers, flags and memory are executed, and done
 * by the decoder. All of it has to come out the same.
 */
#include <asm/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "sample.h"

#define CASES		20000
#define MEMORY		4096
#define GS_BASE		0x1234560ULL

struct state {
	struct native native;
	struct samples samples;
	u8 *memory, *expected;
};

FIXTURE(store) {
	struct state s;
};

/* Both are where 32 bits suffice for an address. */
FIXTURE_SETUP(store)
{
	const char *seed = getenv("VMMU_SEED");
	struct state *s = &self->s;

	ASSERT_TRUE(native_make(&s->native));
	s->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)s->memory);
	s->expected = malloc(MEMORY);
	s->samples = (struct samples){
		.random = seed ? strtoull(seed, NULL, 0) | 1 :
			  88172645463325252,
		.ip = (uintptr_t)s->native.code,
		.memory = (uintptr_t)s->memory,
		.bytes = MEMORY,
		.gs_base = GS_BASE,
		.strict = true,
	};
	syscall(SYS_arch_prctl, ARCH_GET_FS, &s->samples.fs_base);
	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE));
}

FIXTURE_TEARDOWN(store)
{
	free(self->s.expected);
	munmap(self->s.memory, MEMORY);
	native_drop(&self->s.native);
}

#define compare_forms(only_kind) do {					\
	unsigned int __nr = 0, __done = 0;				\
									\
	for (unsigned int __f = 0; __f < NR_FORMS; __f++) {	\
		if (forms[__f].kind != (only_kind))			\
			continue;					\
		__nr++;							\
		for (int __i = 0; __i < CASES; __i++, __done++)		\
			compare_one(&forms[__f]);			\
	}								\
	printf("# %u forms, %u instructions\n", __nr, __done);		\
} while (0)

#define compare_one(of) do {						\
	const struct form *__form = (of);				\
	struct sample __s;						\
	const char *__wrong = differs(&self->s, __form, &__s);		\
									\
	ASSERT_EQ(NULL, __wrong) {					\
		TH_LOG("%s, %u bytes: %s", __form->name, __s.bytes,	\
		       __wrong);					\
		for (unsigned int __b = 0; __b < __s.length; __b++)	\
			printf("%s%02x", __b ? " " : "# ", __s.code[__b]); \
		printf("\n");						\
	}								\
} while (0)

/* Do it both ways: what differs, or NULL. */
static const char *differs(struct state *s, const struct form *form,
			   struct sample *sample)
{
	struct vmmu_store_effect effect;
	struct vmmu_store store;
	struct vmmu_regs regs, native;
	u64 old = 0;
	u8 *at;

	if (!make_sample(&s->samples, form,
			 form->flags & LOCKABLE && dice(&s->samples, 2), sample))
		return NULL;
	for (int i = 0; i < MEMORY; i += 8) {
		u64 value = random_value(&s->samples);

		memcpy(s->memory + i, &value, 8);
	}
	at = (u8 *)(uintptr_t)sample->target;
	if (form->kind == VMMU_STORE_CMPXCHG && dice(&s->samples, 2))
		memcpy(at, &sample->regs.slot[slot_of(REG_AX)], sample->bytes);
	memcpy(s->expected, s->memory, MEMORY);
	regs = sample->regs;

	if (vmmu_store_decode(&store, sample->code, sample->length - 1, &regs))
		return "decoded though it is cut off";
	if (!vmmu_store_decode(&store, sample->code, 32, &regs))
		return "not decoded";
	if (store.kind != form->kind || store.bytes != sample->bytes ||
	    store.length != sample->length ||
	    store.segment != sample->segment)
		return "taken for another one";
	if (store.segment == VMMU_STORE_FS)
		store.address += s->samples.fs_base;
	if (store.segment == VMMU_STORE_GS)
		store.address += s->samples.gs_base;
	if (store.address != sample->target)
		return "the address";
	memcpy(&old, at, sample->bytes);
	vmmu_store_perform(&store, &regs, old, &effect);
	memcpy(s->expected + (at - s->memory), &effect.value, sample->bytes);
	vmmu_store_finish(&store, &effect, &regs);

	native = sample->regs;
	native_run(&s->native, sample->code, sample->length, &native);
	if (memcmp(s->memory, s->expected, MEMORY))
		return "memory";
	for (int i = 0; i < 20; i++)
		if ((i < 15 || i == 19) &&
		    regs.slot[i] != native.slot[i])
			return "a register";
	if ((regs.slot[SLOT_FLAGS] ^ native.slot[SLOT_FLAGS]) &
	    defined_flags(form->kind))
		return "the flags";
	if ((regs.slot[SLOT_FLAGS] ^ sample->regs.slot[SLOT_FLAGS]) &
	    ~ARITHMETIC)
		return "flags that are not its own";
	if (regs.slot[SLOT_IP] != sample->regs.slot[SLOT_IP] + sample->length)
		return "the instruction pointer";
	return NULL;
}

TEST_F(store, mov)
{
	compare_forms(VMMU_STORE_MOV);
}

TEST_F(store, xchg)
{
	compare_forms(VMMU_STORE_XCHG);
}

TEST_F(store, cmpxchg)
{
	compare_forms(VMMU_STORE_CMPXCHG);
}

TEST_F(store, xadd)
{
	compare_forms(VMMU_STORE_XADD);
}

TEST_F(store, arithmetic)
{
	for (int kind = VMMU_STORE_ADD; kind <= VMMU_STORE_DEC; kind++)
		compare_forms(kind);
}

TEST_F(store, bits)
{
	for (int kind = VMMU_STORE_BTS; kind <= VMMU_STORE_BTC; kind++)
		compare_forms(kind);
}

/* mov with the address in the instruction, which assemblers call moffs. */
TEST_F(store, offsets)
{
	static const struct {
		u8 code[12];
		unsigned int length, bytes;
		u64 address;
	} samples[] = {
		{ { 0xa3, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 4, 0x0807060504030201 },
		{ { 0x48, 0xa3, 8, 0, 0, 0, 0, 0, 0, 0x80 }, 10, 8,
		  0x8000000000000008 },
		{ { 0x67, 0xa3, 1, 2, 3, 0x84 }, 6, 4, 0x84030201 },
	};
	struct vmmu_regs regs = { };

	regs.slot[slot_of(REG_AX)] = 0x1122334455667788;
	for (unsigned int i = 0; i < ARRAY_SIZE(samples); i++) {
		struct vmmu_store store;

		ASSERT_FALSE(vmmu_store_decode(&store, samples[i].code,
					       samples[i].length - 1, &regs));
		ASSERT_TRUE(vmmu_store_decode(&store, samples[i].code,
					      samples[i].length, &regs));
		ASSERT_EQ(VMMU_STORE_MOV, store.kind);
		ASSERT_EQ(samples[i].length, store.length);
		ASSERT_EQ(samples[i].bytes, store.bytes);
		ASSERT_EQ(samples[i].address, store.address);
		ASSERT_EQ(0x1122334455667788, store.operand);
	}
}

TEST_F(store, segments)
{
	static const u8 code[][4] = {
		{ 0x89, 0x00 }, { 0x64, 0x89, 0x00 }, { 0x65, 0x89, 0x00 },
		{ 0x64, 0x2e, 0x89, 0x00 }, { 0x64, 0x65, 0x89, 0x00 },
	};
	static const u8 segments[] = {
		VMMU_STORE_FLAT, VMMU_STORE_FS, VMMU_STORE_GS, VMMU_STORE_FS,
		VMMU_STORE_GS,
	};
	struct vmmu_regs regs = { };
	struct vmmu_store store;

	for (unsigned int i = 0; i < ARRAY_SIZE(code); i++) {
		ASSERT_TRUE(vmmu_store_decode(&store, code[i], 4, &regs));
		ASSERT_EQ(segments[i], store.segment);
	}
}

/* What is left to the processor. */
static const struct {
	const char *name;
	u8 code[16];
} refused[] = {
	{ "mov of a byte", { 0x88, 0x00 } },
	{ "mov of an immediate byte", { 0xc6, 0x00, 1 } },
	{ "mov of 2 bytes", { 0x66, 0x89, 0x00 } },
	{ "mov between registers", { 0x89, 0xc0 } },
	{ "mov from memory", { 0x8b, 0x00 } },
	{ "lock mov", { 0xf0, 0x89, 0x00 } },
	{ "mov C7 /1", { 0xc7, 0x08, 1, 2, 3, 4 } },
	{ "movnti with 66", { 0x66, 0x48, 0x0f, 0xc3, 0x00 } },
	{ "movnti with F3", { 0xf3, 0x0f, 0xc3, 0x00 } },
	{ "adc", { 0x11, 0x00 } },
	{ "sbb", { 0x19, 0x00 } },
	{ "adc of an immediate", { 0x83, 0x10, 1 } },
	{ "cmp of an immediate", { 0x83, 0x38, 1 } },
	{ "not", { 0xf7, 0x10 } },
	{ "neg", { 0xf7, 0x18 } },
	{ "shl", { 0xd1, 0x20 } },
	{ "call", { 0xff, 0x10 } },
	{ "push", { 0xff, 0x30 } },
	{ "bt", { 0x0f, 0xba, 0x20, 1 } },
	{ "cmpxchg of a byte", { 0x0f, 0xb0, 0x00 } },
	{ "cmpxchg16b", { 0x48, 0x0f, 0xc7, 0x08 } },
	{ "movaps", { 0x0f, 0x29, 0x00 } },
	{ "vmovaps", { 0xc5, 0xf8, 0x29, 0x00 } },
	{ "movbe", { 0x0f, 0x38, 0xf1, 0x00 } },
	{ "stosq", { 0x48, 0xab } },
	{ "rep movsq", { 0xf3, 0x48, 0xa5 } },
	{ "nothing but prefixes", { 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
				    0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
				    0x2e, 0x2e } },
	{ "16 bytes", { 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e,
			0x2e, 0xc7, 0x00, 1, 2, 3, 4 } },
};

TEST_F(store, refused)
{
	struct vmmu_regs regs = { };
	struct vmmu_store store;

	for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++) {
		EXPECT_FALSE(vmmu_store_decode(&store, refused[i].code, 16,
					       &regs)) {
			TH_LOG("%s", refused[i].name);
		}
	}
}

/* Any code of any length: the decoder keeps to it. */
TEST_F(store, any_code)
{
	unsigned int decoded = 0;

	for (int i = 0; i < 1000000; i++) {
		unsigned int nr = dice(&self->s.samples, 18);
		u8 *code = malloc(nr);
		struct vmmu_store store;
		struct vmmu_regs regs;

		for (unsigned int n = 0; n < nr; n++)
			code[n] = dice(&self->s.samples, 3) ? dice64(&self->s.samples) :
				  forms[dice(&self->s.samples, NR_FORMS)].opcode;
		for (unsigned int n = 0; n < ARRAY_SIZE(regs.slot); n++)
			regs.slot[n] = random_value(&self->s.samples);
		if (vmmu_store_decode(&store, code, nr, &regs)) {
			decoded++;
			ASSERT_LE(2, store.length);
			ASSERT_LE(store.length, nr);
			ASSERT_TRUE(store.bytes == 4 || store.bytes == 8);
			ASSERT_LE(store.kind, VMMU_STORE_BTC);
		}
		free(code);
	}
	printf("# %u decoded\n", decoded);
	ASSERT_LT(10000, decoded);
}

TEST_HARNESS_MAIN
