// SPDX-License-Identifier: GPL-2.0
/*
 * Guest page faults. Nobody may sleep in a fault, with mmap_lock or a VMA's
 * lock held; so a thread whose monitor is to be asked only gets task work there,
 * and sleeps in it on its way back to user mode. Then it makes its access again,
 * whatever the answer was, and what it meets decides.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <asm/trapnr.h>

#include "fault.h"
#include "trace.h"
#include "trapq.h"

/**
 * struct sleeper - a thread that is about to sleep, or does
 * @work: its task work.
 * @queue: where it waits, a reference.
 * @address: the host's address of the access.
 * @waiter: how it waits.
 */
struct sleeper {
	struct callback_head work;
	struct vmmu_trapq *queue;
	unsigned long address;
	struct vmmu_waiter waiter;
};

bool vmmu_fault_recall(struct vmmu_space *space, struct vmmu_va va, u32 access,
		       struct vmmu_translation *answer)
{
	struct vmmu_fault_ring *ring = &space->faults;
	struct vmmu_fault_note *note;
	bool found = false;

	spin_lock(&ring->lock);
	for (unsigned int i = 1; i <= VMMU_FAULT_NOTES; i++) {
		note = &ring->notes[(ring->next - i) % VMMU_FAULT_NOTES];
		if (note->tid != current->pid || note->va != va.value ||
		    note->access != access)
			continue;
		note->tid = 0;
		/* Older ones are forgotten with the last. */
		if (found)
			continue;
		*answer = (struct vmmu_translation){
			.error_code = note->error_code,
			.flags = note->flags,
			.reason = note->reason,
			.level = note->level,
		};
		found = true;
	}
	spin_unlock(&ring->lock);
	return found;
}

static void remember(struct vmmu_fault_ring *ring,
		     const struct vmmu_query *query,
		     const struct vmmu_translation *answer)
{
	spin_lock(&ring->lock);
	ring->notes[ring->next++ % VMMU_FAULT_NOTES] = (struct vmmu_fault_note){
		.va = query->walk.va.value,
		.tid = current->pid,
		.error_code = answer->error_code,
		.access = query->access.access,
		.flags = answer->flags,
		.reason = answer->reason,
		.level = answer->level,
	};
	spin_unlock(&ring->lock);
}

/*
 * Whether the thread would make its access again, SIGSEGV or not: it is for
 * force_sig() then to end it. The first process of a PID namespace is safe from
 * the default action.
 */
static bool needs_force(void)
{
	struct sighand_struct *sighand =
		rcu_dereference_protected(current->sighand, true);
	__sighandler_t handler = sighand->action[SIGSEGV - 1].sa.sa_handler;

	if (sigismember(&current->blocked, SIGSEGV) || handler == SIG_IGN)
		return true;
	return handler == SIG_DFL &&
	       current->signal->flags & SIGNAL_UNKILLABLE;
}

void vmmu_fault_signal(unsigned long address, int code, u32 error_code)
{
	struct kernel_siginfo info;

	current->thread.cr2 = address;
	current->thread.trap_nr = X86_TRAP_PF;
	current->thread.error_code = error_code;
	if (needs_force()) {
		force_sig(SIGSEGV);
		return;
	}
	clear_siginfo(&info);
	info.si_signo = SIGSEGV;
	info.si_code = code;
	info.si_addr = (void __user *)address;
	send_sig_info(SIGSEGV, &info, current);
}

/* On the way back to user mode, or in exit. */
static void sleep_work(struct callback_head *work)
{
	struct sleeper *sleeper = container_of(work, struct sleeper, work);

	/*
	 * Work that was queued earlier comes behind ours. The monitor may wait
	 * for what it does: then the access is made again instead, after it.
	 */
	if (!work->next && !signal_pending(current) &&
	    !(current->flags & PF_EXITING) &&
	    vmmu_trapq_wait(sleeper->queue, &sleeper->waiter) ==
	    VMMU_VERDICT_SIGNAL)
		vmmu_fault_signal(sleeper->address, SEGV_MAPERR,
				  sleeper->waiter.record.error_code);
	vmmu_trapq_put(sleeper->queue);
	kfree(sleeper);
	module_put(THIS_MODULE);
}

/* The queue that a space's faults go to, a reference; NULL: a signal. */
static struct vmmu_trapq *queue_of(struct vmmu_space *space, u32 *epoch)
{
	struct vmmu_destination *delivery = &space->delivery[VMMU_TRAP_FAULT];
	struct vmmu_trapq *queue;

	rcu_read_lock();
	do {
		queue = rcu_dereference(delivery->queue);
		*epoch = queue ? vmmu_trapq_epoch(queue) : 0;
	} while (rcu_access_pointer(delivery->queue) != queue);
	if (queue && (READ_ONCE(queue->closed) || !vmmu_trapq_get(queue)))
		queue = NULL;
	rcu_read_unlock();
	return queue;
}

/* Have the thread sleep later. False: it gets a signal. */
static bool put_to_sleep(const struct vm_fault *vmf,
			 const struct vmmu_query *query,
			 const struct vmmu_translation *answer)
{
	struct vmmu_space *space = query->space;
	struct sleeper *sleeper;
	struct vmmu_trapq *queue;
	u32 epoch;

	queue = queue_of(space, &epoch);
	if (!queue)
		return false;
	sleeper = kzalloc(sizeof(*sleeper), GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL);
	if (!sleeper)
		goto put_queue;
	sleeper->queue = queue;
	sleeper->address = vmf->real_address;
	sleeper->waiter.epoch = epoch;
	sleeper->waiter.record = (struct vmmu_trap_record){
		.kind = VMMU_TRAP_FAULT,
		.flags = answer->flags & VMMU_PAGE_FAULT,
		.space = space->id,
		.va = query->walk.va.value,
		.access = query->access.access,
		.error_code = answer->error_code,
		.reason = answer->reason,
		.level = answer->level,
	};
	init_task_work(&sleeper->work, sleep_work);
	/* The window's file holds the module, until the work holds it. */
	__module_get(THIS_MODULE);
	if (!task_work_add(current, &sleeper->work, TWA_RESUME)) {
		vmmu_count(space, VMMU_RECORDS);
		return true;
	}
	module_put(THIS_MODULE);
	kfree(sleeper);
put_queue:
	vmmu_trapq_put(queue);
	return false;
}

vm_fault_t vmmu_fault_deliver(struct vm_fault *vmf,
			      const struct vmmu_query *query,
			      const struct vmmu_translation *answer)
{
	struct vmmu_space *space = query->space;

	trace_vmmu_window_fault(space->vm->id, space->id,
				query->walk.va.value, query->access.access,
				answer->reason, 0);
	vmmu_count(space, VMMU_REFUSALS);
	if (!(vmf->flags & FAULT_FLAG_USER) || current->mm != vmf->vma->vm_mm)
		return VM_FAULT_SIGSEGV;
	remember(&space->faults, query, answer);
	return put_to_sleep(vmf, query, answer) ? VM_FAULT_NOPAGE :
						  VM_FAULT_SIGSEGV;
}

void vmmu_fault_exit(void)
{
	synchronize_rcu_tasks();
}
