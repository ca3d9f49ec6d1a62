// SPDX-License-Identifier: GPL-2.0
/*
 * Random instructions that store: see sample.h.
 */
#include <string.h>

#include "sample.h"

u64 dice64(struct samples *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random * 0x2545f4914f6cdd1dULL;
}

unsigned int dice(struct samples *s, unsigned int sides)
{
	return (dice64(s) >> 33) % sides;
}

u64 random_value(struct samples *s)
{
	u64 value = dice64(s) >> dice(s, 64);

	switch (dice(s, 8)) {
	case 0:
		return -value;
	case 1:
		return BIT_ULL(dice(s, 64)) - 1 + dice(s, 3);
	default:
		return value;
	}
}

u64 defined_flags(int kind)
{
	return kind >= VMMU_STORE_BTS ? CARRY | ZERO : ARITHMETIC;
}

const struct form forms[NR_FORMS] = {
	{ "mov reg", VMMU_STORE_MOV, 0x89, -1, 0, 0 },
	{ "mov offset", VMMU_STORE_MOV, 0xa3, -1, 0, OFFSET },
	{ "mov imm32", VMMU_STORE_MOV, 0xc7, 0, 4, 0 },
	{ "movnti", VMMU_STORE_MOV, 0x0fc3, -1, 0, PLAIN },
	{ "xchg", VMMU_STORE_XCHG, 0x87, -1, 0, LOCKABLE },
	{ "cmpxchg", VMMU_STORE_CMPXCHG, 0x0fb1, -1, 0, LOCKABLE },
	{ "xadd", VMMU_STORE_XADD, 0x0fc1, -1, 0, LOCKABLE },
	{ "add reg", VMMU_STORE_ADD, 0x01, -1, 0, LOCKABLE },
	{ "or reg", VMMU_STORE_OR, 0x09, -1, 0, LOCKABLE },
	{ "and reg", VMMU_STORE_AND, 0x21, -1, 0, LOCKABLE },
	{ "sub reg", VMMU_STORE_SUB, 0x29, -1, 0, LOCKABLE },
	{ "xor reg", VMMU_STORE_XOR, 0x31, -1, 0, LOCKABLE },
	{ "add imm32", VMMU_STORE_ADD, 0x81, 0, 4, LOCKABLE },
	{ "or imm32", VMMU_STORE_OR, 0x81, 1, 4, LOCKABLE },
	{ "and imm32", VMMU_STORE_AND, 0x81, 4, 4, LOCKABLE },
	{ "sub imm32", VMMU_STORE_SUB, 0x81, 5, 4, LOCKABLE },
	{ "xor imm32", VMMU_STORE_XOR, 0x81, 6, 4, LOCKABLE },
	{ "add imm8", VMMU_STORE_ADD, 0x83, 0, 1, LOCKABLE },
	{ "or imm8", VMMU_STORE_OR, 0x83, 1, 1, LOCKABLE },
	{ "and imm8", VMMU_STORE_AND, 0x83, 4, 1, LOCKABLE },
	{ "sub imm8", VMMU_STORE_SUB, 0x83, 5, 1, LOCKABLE },
	{ "xor imm8", VMMU_STORE_XOR, 0x83, 6, 1, LOCKABLE },
	{ "inc", VMMU_STORE_INC, 0xff, 0, 0, LOCKABLE },
	{ "dec", VMMU_STORE_DEC, 0xff, 1, 0, LOCKABLE },
	{ "bts reg", VMMU_STORE_BTS, 0x0fab, -1, 0, LOCKABLE },
	{ "btr reg", VMMU_STORE_BTR, 0x0fb3, -1, 0, LOCKABLE },
	{ "btc reg", VMMU_STORE_BTC, 0x0fbb, -1, 0, LOCKABLE },
	{ "bts imm8", VMMU_STORE_BTS, 0x0fba, 5, 1, LOCKABLE },
	{ "btr imm8", VMMU_STORE_BTR, 0x0fba, 6, 1, LOCKABLE },
	{ "btc imm8", VMMU_STORE_BTC, 0x0fba, 7, 1, LOCKABLE },
};

static void put(struct sample *sample, u64 value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		sample->code[sample->length++] = value >> 8 * i;
}

static u64 *reg(struct sample *sample, unsigned int number)
{
	return &sample->regs.slot[slot_of(number)];
}

/*
 * How an address is made: [base + (index << scale) + displacement], of which the
 * encoding leaves out what is -1.
 * @disp_bytes: 0, 1 or 4
 * @relative: to the instruction pointer
 */
struct mode {
	int base, index;
	unsigned int scale, disp_bytes;
	u64 disp;
	bool relative;
};

static void pick_mode(struct samples *s, struct mode *mode)
{
	static const unsigned int sizes[] = { 0, 1, 4 };

	*mode = (struct mode){ .base = -1, .index = -1, .disp_bytes = 4 };
	if (!dice(s, 10)) {
		mode->relative = true;
		return;
	}
	if (dice(s, 8))
		mode->base = dice(s, 16);
	if (dice(s, 2)) {
		do {
			mode->index = dice(s, 16);
		} while (mode->index == REG_SP);
		mode->scale = dice(s, 4);
	}
	if (mode->base >= 0)
		mode->disp_bytes = sizes[dice(s, 3)];
	if ((mode->base & 7) == REG_BP && !mode->disp_bytes)
		mode->disp_bytes = 1;
	if (mode->disp_bytes == 1)
		mode->disp = (s64)(s8)dice(s, 256);
	else if (mode->disp_bytes == 4 && mode->base >= 0)
		mode->disp = (s64)(s32)dice64(s);
	/* Twice a register is even. */
	if (mode->index == mode->base && !mode->scale)
		mode->disp &= ~1ULL;
}

/* What a register must be to be @sum together with itself, scaled. */
static u64 part_of_sum(u64 sum, unsigned int scale)
{
	/* Of 3, 5 and 9, modulo 2^64. */
	static const u64 inverse[] = {
		0, 0xaaaaaaaaaaaaaaab, 0xcccccccccccccccd, 0x8e38e38e38e38e39,
	};

	return scale ? sum * inverse[scale] : sum >> 1;
}

/* Registers, or the displacement, such that the mode leads to @address. */
static void aim(struct samples *s, struct sample *sample, struct mode *mode,
		u64 address, bool address32)
{
	u64 high = address32 ? dice64(s) << 32 : 0;

	if (mode->base >= 0)
		sample->made_of |= 1U << mode->base;
	if (mode->index >= 0)
		sample->made_of |= 1U << mode->index;
	if (mode->base >= 0 && mode->base == mode->index) {
		*reg(sample, mode->base) =
			part_of_sum(address - mode->disp + high, mode->scale);
	} else if (mode->base >= 0) {
		if (mode->index >= 0)
			address -= *reg(sample, mode->index) << mode->scale;
		*reg(sample, mode->base) = address - mode->disp + high;
	} else if (mode->index >= 0) {
		mode->disp = (dice64(s) & 0x0ffffff8) + (address & 7);
		*reg(sample, mode->index) = (address - mode->disp) >>
					    mode->scale;
	} else {
		mode->disp = address;
	}
}

static bool needs_sib(const struct mode *mode)
{
	return !mode->relative &&
	       (mode->index >= 0 || mode->base < 0 || (mode->base & 7) == REG_SP);
}

static u8 rex_of(const struct mode *mode, int reg, bool wide)
{
	return (wide ? 8 : 0) | (reg & 8 ? 4 : 0) |
	       (mode->index >= 8 ? 2 : 0) | (mode->base >= 8 ? 1 : 0);
}

static void put_address(struct sample *sample, const struct mode *mode, int reg)
{
	unsigned int mod = mode->base < 0 ? 0 : mode->disp_bytes == 4 ? 2 :
			   mode->disp_bytes;
	unsigned int rm = mode->relative ? 5 : needs_sib(mode) ? 4 :
			  mode->base & 7;

	put(sample, mod << 6 | (reg & 7) << 3 | rm, 1);
	if (needs_sib(mode))
		put(sample, mode->scale << 6 |
		    (mode->index < 0 ? 4 : mode->index & 7) << 3 |
		    (mode->base < 0 ? 5 : mode->base & 7), 1);
	put(sample, mode->disp, mode->disp_bytes);
}

/* Prefixes that change nothing, but for lock, which changes nothing here. */
static void put_prefixes(struct samples *s, struct sample *sample)
{
	static const u8 segments[] = { 0, 0x64, 0x65 };
	static const u8 ignored[] = { 0x26, 0x2e, 0x36, 0x3e };
	static const u8 repeats[] = { 0xf2, 0xf3 };
	const struct form *form = sample->form;
	bool first = s->strict && dice(s, 2);

	if (sample->address32)
		put(sample, 0x67, 1);
	if (sample->segment && first)
		put(sample, segments[sample->segment], 1);
	if (!dice(s, 8))
		put(sample, ignored[dice(s, 4)], 1);
	if (sample->lock)
		put(sample, 0xf0, 1);
	if ((form->flags & (PLAIN | LOCKABLE)) == LOCKABLE && !dice(s, 8))
		put(sample, repeats[dice(s, 2)], 1);
	if (!(form->flags & PLAIN) && sample->bytes == 8 && !dice(s, 8))
		put(sample, 0x66, 1);
	/* A REX prefix that does not count, as it is not the last one. */
	if (s->strict && !dice(s, 16)) {
		put(sample, 0x40 | dice(s, 16), 1);
		put(sample, 0x2e, 1);
	}
	if (sample->segment && !first)
		put(sample, segments[sample->segment], 1);
}

/* The bit's number is in a register, and may lie beyond the operand. */
static bool finds_bit(const struct form *form)
{
	return form->kind >= VMMU_STORE_BTS && form->extension < 0;
}

/* How far a bit instruction goes from its address. */
static u64 bit_offset(const struct sample *sample, u64 operand)
{
	return sample->bytes == 8 ? (u64)((s64)operand >> 6) * 8 :
	       (u64)(s64)((s32)operand >> 5) * 4;
}

/* How the address is made: @mode, and the segment. */
static void pick_address(struct samples *s, struct sample *sample,
			 struct mode *mode)
{
	bool far = false;

	sample->address32 = !dice(s, 8);
	if (s->fs_base && !dice(s, 8))
		sample->segment = VMMU_STORE_FS;
	else if (s->gs_base && !dice(s, 8))
		sample->segment = VMMU_STORE_GS;
	/* Too far for 32 bits, that is. */
	if (sample->segment == VMMU_STORE_FS && !(sample->form->flags & OFFSET))
		far = true;
	if (sample->segment == VMMU_STORE_FS)
		sample->address32 = false;
	if (sample->form->flags & OFFSET) {
		*mode = (struct mode){ .base = -1, .index = -1 };
		return;
	}
	do {
		pick_mode(s, mode);
	} while (far && mode->base < 0);
}

/* Have the mode lead to the target. */
static void take_aim(struct samples *s, struct sample *sample,
		     struct mode *mode, int reg_number)
{
	u64 address = sample->target;

	if (sample->segment == VMMU_STORE_FS)
		address -= s->fs_base;
	else if (sample->segment == VMMU_STORE_GS)
		address -= s->gs_base;
	if (finds_bit(sample->form)) {
		/* Without a base the offset must fit the displacement. */
		if (mode->base < 0)
			*reg(sample, reg_number) = dice(s, 4096);
		if (mode->base < 0 && mode->index >= 0)
			*reg(sample, reg_number) &= 63;
		address -= bit_offset(sample, *reg(sample, reg_number));
	}
	aim(s, sample, mode, address, sample->address32);
}

static void put_operands(struct samples *s, struct sample *sample,
			 const struct mode *mode, int reg_number)
{
	unsigned int disp_at = sample->length + 1;

	if (sample->form->flags & OFFSET) {
		put(sample, mode->disp, sample->address32 ? 4 : 8);
		return;
	}
	put_address(sample, mode, reg_number);
	put(sample, dice64(s), sample->form->immediate);
	if (mode->relative) {
		u64 disp = mode->disp - s->ip - sample->length;

		memcpy(sample->code + disp_at, &disp, 4);
	}
}

bool make_sample(struct samples *s, const struct form *form, bool lock,
		 struct sample *sample)
{
	int number = form->flags & OFFSET ? 0 :
		     form->extension >= 0 ? form->extension : (int)dice(s, 16);
	struct mode mode;
	u8 rex;

	*sample = (struct sample){
		.form = form,
		.bytes = dice(s, 2) ? 8 : 4,
		.lock = lock,
	};
	for (int i = 0; i < 15; i++)
		sample->regs.slot[i] = random_value(s);
	sample->regs.slot[19] = s->stack ?: random_value(s);
	sample->regs.slot[SLOT_IP] = s->ip;
	sample->regs.slot[SLOT_FLAGS] = 0x202 | (dice64(s) & ARITHMETIC);
	sample->target = s->memory +
			 dice(s, s->bytes / sample->bytes) * sample->bytes;

	pick_address(s, sample, &mode);
	/* The bit's number can't be where the address is, too. */
	while (finds_bit(form) && (number == mode.base || number == mode.index))
		number = dice(s, 16);
	take_aim(s, sample, &mode, number);

	put_prefixes(s, sample);
	rex = rex_of(&mode, form->extension >= 0 ? 0 : number,
		     sample->bytes == 8);
	if (rex || !dice(s, 4))
		put(sample, 0x40 | rex, 1);
	if (form->opcode >> 8)
		put(sample, form->opcode >> 8, 1);
	put(sample, form->opcode & 0xff, 1);
	put_operands(s, sample, &mode, number);
	return sample->length <= VMMU_STORE_CODE;
}
