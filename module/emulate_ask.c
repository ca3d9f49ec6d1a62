// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores that a monitor is asked about: see emulate_ask.h.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "emulate_ask.h"
#include "fault.h"

/**
 * struct vmmu_asker - a thread that is about to ask, or does
 * @work: its task work.
 * @vm: the VM, whose file it holds.
 * @address: the host's address of the store.
 * @new: what the instruction would make of the entry.
 * @ask: how it asks.
 */
struct vmmu_asker {
	struct callback_head work;
	struct vmmu_vm *vm;
	unsigned long address;
	u64 new;
	struct vmmu_ask ask;
};

/* A thread's note; NULL: there is none. */
static struct vmmu_store_note *find_note(struct vmmu_store_ring *ring,
					 pid_t tid, bool denied)
{
	lockdep_assert_held(&ring->lock);

	for (unsigned int i = 0; i < VMMU_STORE_NOTES; i++) {
		struct vmmu_store_note *note = &ring->notes[i];

		if (note->tid == tid && note->denied == denied)
			return note;
	}
	return NULL;
}

static void put_note(const struct vmmu_asker *asker, bool denied)
{
	struct vmmu_store_ring *ring = &asker->vm->stores;
	const struct vmmu_ask *ask = &asker->ask;
	struct vmmu_store_note *note;

	spin_lock(&ring->lock);
	note = find_note(ring, current->pid, denied) ?:
	       find_note(ring, 0, false) ?:
	       &ring->notes[ring->next++ % VMMU_STORE_NOTES];
	*note = (struct vmmu_store_note){
		.tid = current->pid,
		.denied = denied,
		.level = ask->waiter.record.level,
		.address = asker->address,
		.space = ask->answered,
		.entry = ask->entry.value,
		.old = ask->old,
		.new = asker->new,
		.value = ask->new,
	};
	spin_unlock(&ring->lock);
}

/*
 * Take over the answers to just this change, from before the store was made again.
 * Whatever else the thread was allowed it has not done, nor may any more.
 */
static void take_note(struct vmmu_vm *vm, unsigned long address,
		      const struct vmmu_change *change, struct vmmu_ask *ask)
{
	struct vmmu_store_ring *ring = &vm->stores;
	struct vmmu_store_note *note;

	spin_lock(&ring->lock);
	note = find_note(ring, current->pid, false);
	if (note) {
		if (note->address == address &&
		    note->entry == change->entry.value &&
		    note->old == change->old && note->new == change->new) {
			ask->answered = note->space;
			ask->entry = change->entry;
			ask->old = change->old;
			ask->new = note->value;
		}
		*note = (struct vmmu_store_note){ };
	}
	spin_unlock(&ring->lock);
}

void vmmu_asker_forget(struct vmmu_vm *vm)
{
	struct vmmu_store_ring *ring = &vm->stores;

	spin_lock(&ring->lock);
	for (unsigned int i = 0; i < VMMU_STORE_NOTES; i++)
		if (!ring->notes[i].denied)
			ring->notes[i].tid = 0;
	spin_unlock(&ring->lock);
}

int vmmu_asker_consult(struct vmmu_asker **asker, struct vmmu_vm *vm,
		       unsigned long address, struct vmmu_change *change)
{
	struct vmmu_asker *with = *asker;

	if (!with)
		return vmmu_install_concerns(vm, change) ? -ENODATA : 0;
	/* What was answered may be known, if the entry had to be looked at again. */
	if (with->new != change->new)
		with->ask.answered = 0;
	with->new = change->new;
	if (!with->ask.answered)
		take_note(vm, address, change, &with->ask);
	vmmu_install_recall(change, &with->ask);
	return vmmu_install_asks(vm, change, &with->ask) ? -EINPROGRESS : 0;
}

int vmmu_asker_alloc(struct vmmu_asker **asker)
{
	*asker = kzalloc(sizeof(**asker), GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			 __GFP_RETRY_MAYFAIL);
	return *asker ? 0 : -ENOMEM;
}

void vmmu_asker_free(struct vmmu_asker *asker)
{
	kfree(asker);
}

/* On the way back to user mode, or in exit. */
static void ask_work(struct callback_head *work)
{
	struct vmmu_asker *asker = container_of(work, struct vmmu_asker, work);
	int err = -EINTR;

	/* Work that was queued earlier comes behind ours, and goes first. */
	if (!work->next && !signal_pending(current) &&
	    !(current->flags & PF_EXITING))
		err = vmmu_install_ask(&asker->ask);
	else
		vmmu_trapq_put(asker->ask.queue);
	if (!err && asker->ask.answered)
		put_note(asker, false);
	if (err == -EPERM) {
		down_read(&asker->vm->lock);
		vmmu_install_denied(asker->vm, &asker->ask);
		up_read(&asker->vm->lock);
		put_note(asker, true);
		vmmu_fault_signal(asker->address, SEGV_ACCERR,
				  VMMU_PF_P | VMMU_PF_W | VMMU_PF_U);
	}
	fput(asker->vm->file);
	kfree(asker);
	module_put(THIS_MODULE);
}

void vmmu_asker_start(struct vmmu_asker *asker, struct vmmu_vm *vm,
		      unsigned long address)
{
	asker->vm = vm;
	asker->address = address;
	init_task_work(&asker->work, ask_work);
	/* The mapping holds the file, and that the module, until this does. */
	get_file(vm->file);
	__module_get(THIS_MODULE);
	if (!task_work_add(current, &asker->work, TWA_RESUME))
		return;
	/* The thread is past all of its work: it is on its way out. */
	vmmu_trapq_put(asker->ask.queue);
	fput(vm->file);
	module_put(THIS_MODULE);
	vmmu_asker_free(asker);
}

bool vmmu_asker_pending(void)
{
	struct callback_head *work;
	bool found = false;

	if (!task_work_pending(current))
		return false;
	/* Others may cancel work, by this lock; only we execute it. */
	raw_spin_lock_irq(&current->pi_lock);
	for (work = READ_ONCE(current->task_works); work && !found;
	     work = READ_ONCE(work->next))
		found = work->func == ask_work;
	raw_spin_unlock_irq(&current->pi_lock);
	return found;
}

bool vmmu_asker_recall(struct vmmu_vm *vm, unsigned long address, u64 *entry,
		       u8 *level)
{
	struct vmmu_store_ring *ring = &vm->stores;
	struct vmmu_store_note *note;
	bool found;

	spin_lock(&ring->lock);
	note = find_note(ring, current->pid, true);
	found = note && note->address == address;
	if (found) {
		*entry = note->entry;
		*level = note->level;
		*note = (struct vmmu_store_note){ };
	}
	spin_unlock(&ring->lock);
	return found;
}
