// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores, the decoder: see store.h. Names of fields and tables are those
 * of the Intel SDM, volume 2, chapter 2.
 */
#include "store_regs.h"

#define REX_B		0x1
#define REX_X		0x2
#define REX_R		0x4
#define REX_W		0x8

/**
 * struct decoder - an instruction that is being decoded
 * @next: the next byte of code.
 * @end: behind the last one there is.
 * @start: the first one.
 * @regs: the registers.
 * @rex: the REX prefix's low bits; 0: there is none.
 * @reg: of the ModRM byte, the register or the opcode's extension.
 * @failed: more bytes were wanted than there are.
 * @lock: there is a prefix of this kind, as the following tell.
 * @repeat: 0xf2 or 0xf3.
 * @size16: 0x66.
 * @address32: 0x67.
 */
struct decoder {
	const u8 *next;
	const u8 *end;
	const u8 *start;
	const struct vmmu_regs *regs;
	u8 rex;
	u8 reg;
	bool failed;
	bool lock;
	bool repeat;
	bool size16;
	bool address32;
};

/* A little-endian number of so many bytes, sign-extended. */
static u64 fetch(struct decoder *decoder, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;
	u64 value = 0;

	if (decoder->end - decoder->next < bytes) {
		decoder->failed = true;
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		value |= (u64)*decoder->next++ << 8 * i;
	return (s64)(value << shift) >> shift;
}

/* The prefixes, and the first byte of the opcode, which is returned. */
static u8 fetch_opcode(struct decoder *decoder, struct vmmu_store *store)
{
	while (!decoder->failed) {
		u8 byte = fetch(decoder, 1);

		if ((byte & 0xf0) == 0x40) {
			decoder->rex = byte;
			/* It counts right before the opcode only. */
			byte = fetch(decoder, 1);
			if (byte >> 4 == 0x4) {
				decoder->next--;
				continue;
			}
		}
		switch (byte) {
		case 0xf0:
			decoder->lock = true;
			break;
		case 0xf2:
		case 0xf3:
			decoder->repeat = true;
			break;
		case 0x66:
			decoder->size16 = true;
			break;
		case 0x67:
			decoder->address32 = true;
			break;
		case 0x64:
			store->segment = VMMU_STORE_FS;
			break;
		case 0x65:
			store->segment = VMMU_STORE_GS;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			break;
		default:
			return byte;
		}
		decoder->rex = 0;
	}
	return 0;
}

/* The address that a SIB byte describes, but for the displacement. */
static u64 decode_sib(struct decoder *decoder, unsigned int mod, bool *disp32)
{
	u8 sib = fetch(decoder, 1);
	unsigned int index = (sib >> 3 & 7) | (decoder->rex & REX_X ? 8 : 0);
	unsigned int base = (sib & 7) | (decoder->rex & REX_B ? 8 : 0);
	u64 address = 0;

	if (index != REG_SP)
		address = reg_value(decoder->regs, index) << (sib >> 6);
	*disp32 = !mod && (sib & 7) == REG_BP;
	if (!*disp32)
		address += reg_value(decoder->regs, base);
	return address;
}

/*
 * ModRM, SIB and displacement. An address relative to the instruction pointer
 * is one to its end, which is not known yet: *@relative. False: no memory.
 */
static bool decode_address(struct decoder *decoder, struct vmmu_store *store,
			   bool *relative)
{
	u8 modrm = fetch(decoder, 1);
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	bool disp32 = false;

	decoder->reg = (modrm >> 3 & 7) | (decoder->rex & REX_R ? 8 : 0);
	*relative = false;
	if (mod == 3)
		return false;
	if (rm == REG_SP) {
		store->address = decode_sib(decoder, mod, &disp32);
	} else if (!mod && rm == REG_BP) {
		*relative = disp32 = true;
		store->address = 0;
	} else {
		store->address = reg_value(decoder->regs, rm |
					   (decoder->rex & REX_B ? 8 : 0));
	}
	if (mod == 1)
		store->address += fetch(decoder, 1);
	else if (mod == 2 || disp32)
		store->address += fetch(decoder, 4);
	return true;
}

/* Kinds by the opcode's extension in ModRM; -1: it is something else. */
static int kind_of_immediate(unsigned int reg)
{
	static const s8 kinds[8] = {
		VMMU_STORE_ADD, VMMU_STORE_OR, -1, -1,
		VMMU_STORE_AND, VMMU_STORE_SUB, VMMU_STORE_XOR, -1,
	};

	return kinds[reg & 7];
}

static int kind_of_unary(unsigned int reg)
{
	return (reg & 7) == 0 ? VMMU_STORE_INC :
	       (reg & 7) == 1 ? VMMU_STORE_DEC : -1;
}

static int kind_of_bit(unsigned int reg)
{
	return (reg & 7) == 5 ? VMMU_STORE_BTS :
	       (reg & 7) == 6 ? VMMU_STORE_BTR :
	       (reg & 7) == 7 ? VMMU_STORE_BTC : -1;
}

/* Kinds whose second operand is the register in ModRM. */
static int kind_of_register(u8 opcode, bool two_bytes)
{
	switch (opcode | (two_bytes ? 0xf00 : 0)) {
	case 0x01:
		return VMMU_STORE_ADD;
	case 0x09:
		return VMMU_STORE_OR;
	case 0x21:
		return VMMU_STORE_AND;
	case 0x29:
		return VMMU_STORE_SUB;
	case 0x31:
		return VMMU_STORE_XOR;
	case 0x87:
		return VMMU_STORE_XCHG;
	case 0x89:
	case 0xfc3:
		return VMMU_STORE_MOV;
	case 0xfab:
		return VMMU_STORE_BTS;
	case 0xfb1:
		return VMMU_STORE_CMPXCHG;
	case 0xfb3:
		return VMMU_STORE_BTR;
	case 0xfbb:
		return VMMU_STORE_BTC;
	case 0xfc1:
		return VMMU_STORE_XADD;
	default:
		return -1;
	}
}

/* mov with the address in the instruction, of the accumulator. */
static int decode_moffs(struct decoder *decoder, struct vmmu_store *store)
{
	store->address = fetch(decoder, decoder->address32 ? 4 : 8);
	store->operand = reg_value(decoder->regs, REG_AX);
	return VMMU_STORE_MOV;
}

/*
 * The bit may lie beyond the operand: it is then another word of the bit string
 * that begins there.
 */
static void find_bit(struct vmmu_store *store)
{
	if (store->bytes == 8)
		store->address += (u64)((s64)store->operand >> 6) * 8;
	else
		store->address += (u64)(s64)((s32)store->operand >> 5) * 4;
}

/* What follows the opcode. Returns the kind, or -1. */
static int decode_operands(struct decoder *decoder, struct vmmu_store *store,
			   u8 opcode, bool two_bytes)
{
	bool relative;
	int kind;

	if (opcode == 0xa3 && !two_bytes)
		return decode_moffs(decoder, store);
	if (!decode_address(decoder, store, &relative))
		return -1;
	kind = kind_of_register(opcode, two_bytes);
	if (kind >= 0) {
		store->reg = decoder->reg;
		store->operand = reg_value(decoder->regs, decoder->reg);
		if (kind >= VMMU_STORE_BTS)
			find_bit(store);
	} else if (!two_bytes && (opcode == 0x81 || opcode == 0x83)) {
		kind = kind_of_immediate(decoder->reg);
		store->operand = fetch(decoder, opcode == 0x81 ? 4 : 1);
	} else if (!two_bytes && opcode == 0xc7) {
		kind = decoder->reg & 7 ? -1 : VMMU_STORE_MOV;
		store->operand = fetch(decoder, 4);
	} else if (!two_bytes && opcode == 0xff) {
		kind = kind_of_unary(decoder->reg);
	} else if (two_bytes && opcode == 0xba) {
		kind = kind_of_bit(decoder->reg);
		store->operand = fetch(decoder, 1);
	}
	if (relative)
		store->address += decoder->regs->slot[SLOT_IP] +
				  (decoder->next - decoder->start);
	return kind;
}

bool vmmu_store_decode(struct vmmu_store *store, const u8 *code, unsigned int nr,
		       const struct vmmu_regs *regs)
{
	struct decoder decoder = {
		.next = code,
		.end = code + (nr < VMMU_STORE_CODE ? nr : VMMU_STORE_CODE),
		.start = code,
		.regs = regs,
	};
	bool two_bytes;
	u8 opcode;
	int kind;

	*store = (struct vmmu_store){ };
	opcode = fetch_opcode(&decoder, store);
	two_bytes = opcode == 0x0f;
	if (two_bytes)
		opcode = fetch(&decoder, 1);
	store->bytes = decoder.rex & REX_W ? 8 : 4;
	if (decoder.size16 && store->bytes == 4)
		return false;
	/* With one of these it is no movnti. */
	if (two_bytes && opcode == 0xc3 && (decoder.size16 || decoder.repeat))
		return false;
	kind = decode_operands(&decoder, store, opcode, two_bytes);
	if (kind < 0 || decoder.failed)
		return false;
	/* It would be an invalid opcode. */
	if (decoder.lock && kind == VMMU_STORE_MOV)
		return false;
	if (decoder.address32)
		store->address &= ~0U;
	store->kind = kind;
	store->length = decoder.next - code;
	return true;
}
