// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores: see emulate.h. A fault does not tell whose access it is. It is
 * taken for the interrupted instruction's if that is one of a user, stores, and
 * does so exactly there; what the kernel writes of its own accord, as a signal
 * frame, fails this comparison.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/ptrace.h>

#include "emulate.h"
#include "emulate_ask.h"
#include "store.h"

static_assert(sizeof(struct pt_regs) == sizeof(struct vmmu_regs));
static_assert(offsetof(struct pt_regs, di) == 14 * sizeof(u64));
static_assert(offsetof(struct pt_regs, ip) == 16 * sizeof(u64));
static_assert(offsetof(struct pt_regs, sp) == 19 * sizeof(u64));

#ifdef PF_USER_WORKER
#define NO_USER		(PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING)
#else
#define NO_USER		(PF_KTHREAD | PF_IO_WORKER | PF_EXITING)
#endif

/* Whether the processor watches for accesses of this thread. */
static bool watched(void)
{
	bool active;

	preempt_disable();
	active = hw_breakpoint_active();
	preempt_enable();
	return active;
}

/*
 * Whether a restartable sequence may be under way. It is to be aborted if the
 * thread loses the CPU before its last store, as it may here, and a processor
 * would then not have stepped over that.
 */
static bool restartable(void)
{
#ifdef CONFIG_RSEQ
	u64 sequence;

	if (!current->rseq)
		return false;
	return copy_from_user_nofault(&sequence, &current->rseq->rseq_cs,
				      sizeof(sequence)) || sequence;
#else
	return false;
#endif
}

/* The registers of 64-bit code that may be what faulted; NULL: it is not. */
static struct pt_regs *interrupted(const struct vm_fault *vmf)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (current->flags & NO_USER || current->mm != vmf->vma->vm_mm)
		return NULL;
	/* In a system call; under a debugger that steps or watches; 32-bit code. */
	if (regs->orig_ax != -1 || regs->flags & X86_EFLAGS_TF || watched() ||
	    !user_64bit_mode(regs) || restartable())
		return NULL;
	return regs;
}

/* Fetch code, as much as there is without waiting for it. */
static unsigned int fetch(unsigned long ip, u8 *code)
{
	unsigned int here = PAGE_SIZE - offset_in_page(ip);
	const void __user *from = (const void __user *)ip;

	if (!copy_from_user_nofault(code, from, VMMU_STORE_CODE))
		return VMMU_STORE_CODE;
	if (here >= VMMU_STORE_CODE || copy_from_user_nofault(code, from, here))
		return 0;
	return here;
}

static u64 segment_base(const struct vmmu_store *store)
{
	switch (store->segment) {
	case VMMU_STORE_FS:
		return __rdmsr(MSR_FS_BASE);
	case VMMU_STORE_GS:
		return __rdmsr(MSR_KERNEL_GS_BASE);
	default:
		return 0;
	}
}

/* Whether it is known what the access is. */
static bool decode(const struct vm_fault *vmf, const struct pt_regs *regs,
		   struct vmmu_store *store)
{
	u8 code[VMMU_STORE_CODE];
	unsigned int nr = fetch(regs->ip, code);

	if (!vmmu_store_decode(store, code, nr, (const struct vmmu_regs *)regs))
		return false;
	if (store->address + segment_base(store) != vmf->real_address)
		return false;
	/* A locked access across cache lines would trap in the kernel. */
	return IS_ALIGNED(vmf->real_address, store->bytes);
}

/* The entry's part that the store goes to, and the entry with it changed. */
static u64 part_of(u64 value, struct vmmu_ra ra, unsigned int bytes)
{
	return bytes == sizeof(u64) ? value : (u32)(value >> 8 * (ra.value & 4));
}

static u64 with_part(u64 value, struct vmmu_ra ra, unsigned int bytes, u64 part)
{
	unsigned int shift = 8 * (ra.value & 4);

	if (bytes == sizeof(u64))
		return part;
	return (value & ~((u64)U32_MAX << shift)) | part << shift;
}

/**
 * struct emulation - a store that is emulated
 * @vm: whose page table it goes to.
 * @ra: where.
 * @query: if a walk has found that, the one that did; or NULL.
 * @address: the host's address.
 * @regs: the registers.
 * @store: the instruction.
 * @change: the change that it is.
 * @zap: what is to be zapped for it.
 * @asker: the monitor is to be asked by this; NULL until there is one.
 */
struct emulation {
	struct vmmu_vm *vm;
	struct vmmu_ra ra;
	const struct vmmu_query *query;
	unsigned long address;
	struct pt_regs *regs;
	struct vmmu_store store;
	struct vmmu_change change;
	struct vmmu_zap zap;
	struct vmmu_asker *asker;
};

/*
 * Whether the page is a protected one yet, and what was walked still holds. The
 * sequence does not tell: it moves when tables are protected that the store is
 * going to refer to, each time anew.
 */
static bool still_traps(const struct emulation *e)
{
	struct vmmu_realmap *realmap = &e->vm->realmap;
	u64 entry = vmmu_realmap_lookup(realmap, vmmu_ra_index(e->ra));

	return entry && !(entry & VMMU_REALMAP_WRITABLE) &&
	       (!e->query || vmmu_query_holds(e->query));
}

/*
 * Store as of now. Errors as of vmmu_install(); -ESTALE: nothing to emulate;
 * -EINPROGRESS: a monitor is to be asked, by e->asker.
 */
static int try_store(struct emulation *e)
{
	struct vmmu_regs *regs = (struct vmmu_regs *)e->regs;
	struct vmmu_change *change = &e->change;
	unsigned int bytes = e->store.bytes;
	struct vmmu_store_effect effect;
	enum vmmu_outcome outcome;
	int err;

	lockdep_assert_held_write(&e->vm->lock);

	if (!still_traps(e))
		return -ESTALE;
	vmmu_change_init(change, e->vm, vmmu_ra(e->ra.value & ~7ULL),
			 VMMU_CAUSE_STORE, NULL);
	vmmu_word_load(&e->vm->realmap, change->entry, &change->old);
	vmmu_store_perform(&e->store, regs, part_of(change->old, e->ra, bytes),
			   &effect);
	change->new = with_part(change->old, e->ra, bytes, effect.value);
	if (unlikely(e->vm->nr_listeners)) {
		err = vmmu_asker_consult(&e->asker, e->vm, e->address, change);
		if (err)
			return err;
	}
	err = vmmu_install(e->vm, change, &e->zap, &outcome);
	if (err)
		return err;
	vmmu_change_count(e->vm, change, VMMU_TRAPS);
	vmmu_store_finish(&e->store, &effect, regs);
	e->regs->flags &= ~X86_EFLAGS_RF;
	return 0;
}

static vm_fault_t emulate(struct emulation *e)
{
	struct vmmu_vm *vm = e->vm;
	int err;

	do {
		down_write(&vm->lock);
		err = try_store(e);
		vmmu_zap_flush(&e->zap);
		up_write(&vm->lock);
		if (err == -ENOENT)
			err = vmmu_change_provide(vm, &e->change, false) ?:
			      -EAGAIN;
		else if (err == -ENODATA)
			err = vmmu_asker_alloc(&e->asker) ?: -EAGAIN;
	} while (err == -EAGAIN && !fatal_signal_pending(current));
	vmmu_change_end(vm, &e->change);
	if (err == -EINPROGRESS)
		vmmu_asker_start(e->asker, vm, e->address);
	else
		vmmu_asker_free(e->asker);
	return err == -ENOMEM ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

vm_fault_t vmmu_emulate_store(struct vm_fault *vmf, struct vmmu_vm *vm,
			      struct vmmu_ra ra, const struct vmmu_query *query)
{
	struct emulation e __uninitialized;

	/* Most of it is not looked at before it is set. */
	e.vm = vm;
	e.ra = ra;
	e.query = query;
	e.address = vmf->real_address;
	e.regs = interrupted(vmf);
	e.asker = NULL;
	vmmu_change_start(&e.change);
	vmmu_zap_start(&e.zap);

	/* The kernel's own access would come again at once, killed or not. */
	if (fatal_signal_pending(current))
		return VM_FAULT_SIGBUS;
	/* In a window, but not in page_mkwrite(), it can be told from a user's. */
	if (query && !(vmf->flags & FAULT_FLAG_USER))
		e.regs = NULL;
	if (e.regs && decode(vmf, e.regs, &e.store) && !vmmu_asker_pending())
		return emulate(&e);
	down_read(&vm->lock);
	vmmu_ptpage_count(vm, vmmu_ra_index(ra), VMMU_TRAPS);
	up_read(&vm->lock);
	if (vmmu_ptpage_open(vm, vmmu_ra_index(ra)))
		return VM_FAULT_SIGBUS;
	return 0;
}
