// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores, what they do: see store.h. The processor does the arithmetic
 * itself, on local variables, so that flags are its own, too.
 */
#include "store_regs.h"

#define FLAG_CF		0x001ULL
#define FLAGS		0x8d5ULL	/* CF PF AF ZF SF OF */

/* Do an instruction by 8 bytes or by 4; give the result, and the flags. */
#define DEFINE_DO(name)							\
static u64 do_##name(const struct vmmu_store *store, u64 value,		\
		     u64 operand, u64 *flags)				\
{									\
	u32 low = value;						\
									\
	if (store->bytes == 8)						\
		asm(#name "q %[by], %[to]\n\tpushf\n\tpop %[is]"	\
		    : [to] "+r" (value), [is] "=&r" (*flags)		\
		    : [by] "r" (operand) : "cc");			\
	else								\
		asm(#name "l %[by], %[to]\n\tpushf\n\tpop %[is]"	\
		    : [to] "+r" (low), [is] "=&r" (*flags)		\
		    : [by] "r" ((u32)operand) : "cc");			\
	return store->bytes == 8 ? value : low;				\
}

DEFINE_DO(add)
DEFINE_DO(sub)
DEFINE_DO(or)
DEFINE_DO(and)
DEFINE_DO(xor)
DEFINE_DO(bts)
DEFINE_DO(btr)
DEFINE_DO(btc)

/*
 * The bit instructions leave other flags undefined than CF: they stay as they
 * are. inc and dec are an addition that leaves CF alone.
 */
static u64 compute(const struct vmmu_store *store, u64 value, u64 *flags)
{
	u64 operand = store->operand, after = *flags, changed = FLAGS;

	switch (store->kind) {
	case VMMU_STORE_INC:
	case VMMU_STORE_DEC:
		changed &= ~FLAG_CF;
		operand = 1;
		break;
	case VMMU_STORE_BTS:
	case VMMU_STORE_BTR:
	case VMMU_STORE_BTC:
		changed = FLAG_CF;
		break;
	default:
		break;
	}
	switch (store->kind) {
	case VMMU_STORE_ADD:
	case VMMU_STORE_XADD:
	case VMMU_STORE_INC:
		value = do_add(store, value, operand, &after);
		break;
	case VMMU_STORE_SUB:
	case VMMU_STORE_CMPXCHG:
	case VMMU_STORE_DEC:
		value = do_sub(store, value, operand, &after);
		break;
	case VMMU_STORE_OR:
		value = do_or(store, value, operand, &after);
		break;
	case VMMU_STORE_AND:
		value = do_and(store, value, operand, &after);
		break;
	case VMMU_STORE_XOR:
		value = do_xor(store, value, operand, &after);
		break;
	case VMMU_STORE_BTS:
		value = do_bts(store, value, operand, &after);
		break;
	case VMMU_STORE_BTR:
		value = do_btr(store, value, operand, &after);
		break;
	case VMMU_STORE_BTC:
		value = do_btc(store, value, operand, &after);
		break;
	default:
		value = operand;
		break;
	}
	*flags = (*flags & ~changed) | (after & changed);
	return value;
}

/* The accumulator is compared, and gets the old value if it is another. */
static void compare_exchange(const struct vmmu_store *store,
			     const struct vmmu_regs *regs, u64 old,
			     struct vmmu_store_effect *effect)
{
	u64 mask = store->bytes == 8 ? ~0ULL : ~0U;
	struct vmmu_store comparison = *store;
	u64 accumulator = reg_value(regs, REG_AX);

	comparison.operand = old;
	if (compute(&comparison, accumulator, &effect->flags) & mask) {
		effect->value = old;
		effect->result = old & mask;
		effect->reg = REG_AX;
	} else {
		effect->value = store->operand & mask;
	}
}

void vmmu_store_perform(const struct vmmu_store *store,
			const struct vmmu_regs *regs, u64 old,
			struct vmmu_store_effect *effect)
{
	u64 mask = store->bytes == 8 ? ~0ULL : ~0U;

	*effect = (struct vmmu_store_effect){
		.flags = regs->slot[SLOT_FLAGS],
		.reg = VMMU_STORE_NO_REG,
	};
	old &= mask;
	if (store->kind == VMMU_STORE_CMPXCHG) {
		compare_exchange(store, regs, old, effect);
		return;
	}
	effect->value = compute(store, old, &effect->flags) & mask;
	if (store->kind == VMMU_STORE_XCHG || store->kind == VMMU_STORE_XADD) {
		effect->result = old;
		effect->reg = store->reg;
	}
}

void vmmu_store_finish(const struct vmmu_store *store,
		       const struct vmmu_store_effect *effect,
		       struct vmmu_regs *regs)
{
	if (effect->reg != VMMU_STORE_NO_REG)
		regs->slot[slot_of(effect->reg)] = effect->result;
	regs->slot[SLOT_FLAGS] = effect->flags;
	regs->slot[SLOT_IP] += store->length;
}
