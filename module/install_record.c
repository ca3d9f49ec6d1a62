// SPDX-License-Identifier: GPL-2.0
/*
 * Records of installs: monitors are told of them, or asked before.
 */
#include <linux/mm.h>

#include "install.h"
#include "trapq.h"

static u32 kind_of(enum vmmu_cause cause)
{
	switch (cause) {
	case VMMU_CAUSE_STORE:
		return VMMU_TRAP_STORE;
	case VMMU_CAUSE_REREAD:
		return VMMU_TRAP_REREAD;
	case VMMU_CAUSE_DISCARD:
		return VMMU_TRAP_DISCARD;
	default:
		return VMMU_TRAP_HYPERCALL;
	}
}

/* Whether the entry serves in a space by a use of it, as far as it is known. */
static bool concerns(const struct vmmu_use *use, const struct vmmu_space *space)
{
	if (use->space == space)
		return true;
	if (!vmmu_space_traps(space) || use->format != space->format)
		return false;
	return !use->space || use->space->root == space->root;
}

/* What the entry serves for in a space; NULL: nothing. *@shared: not that alone. */
static const struct vmmu_use *use_in(const struct vmmu_change *change,
				     const struct vmmu_space *space, bool *shared)
{
	const struct vmmu_use *found = NULL;

	*shared = false;
	for (unsigned int i = 0; i < change->nr_uses; i++) {
		const struct vmmu_use *use = &change->uses[i];

		if (!concerns(use, space))
			continue;
		if (!found)
			found = use;
		*shared |= use != found && (use->va.value != found->va.value ||
					    use->level != found->level);
		*shared |= !use->space;
	}
	return found;
}

/* Whether it becomes valid, or changes what it maps or how, or ceases to. */
static bool installs(const struct vmmu_use *use, u64 old, u64 new)
{
	struct vmmu_entry entry;

	return (old ^ new) & ~use->format->marks &&
	       (vmmu_format_decode(use->format, old, use->level, 0, &entry) !=
			VMMU_ENTRY_ABSENT ||
		vmmu_format_decode(use->format, new, use->level, 0, &entry) !=
			VMMU_ENTRY_ABSENT);
}

static void fill(struct vmmu_vm *vm, const struct vmmu_change *change,
		 const struct vmmu_space *space, const struct vmmu_use *use,
		 bool shared, struct vmmu_trap_record *record)
{
	struct vmmu_entry decoded = { };
	struct vmmu_use here = *use;
	u64 frame;

	here.reserved = space->reserved;
	*record = (struct vmmu_trap_record){
		.kind = kind_of(change->cause),
		.flags = (shared ? VMMU_TRAP_SHARED : 0) |
			 (change->cause == VMMU_CAUSE_ROLLBACK ?
				VMMU_TRAP_ROLLBACK : 0),
		.space = space->id,
		.va = use->va.value,
		.level = use->level,
		.outcome = vmmu_use_classify(vm, &here, change->new, &decoded),
		.entry = change->entry.value,
		.old = change->old,
		.new = change->new,
		.ra = decoded.ra.value,
	};
	frame = vmmu_realmap_lookup(&vm->realmap, vmmu_ra_index(decoded.ra));
	if (record->outcome == VMMU_OUTCOME_TABLE ||
	    record->outcome == VMMU_OUTCOME_PAGE)
		record->frame = vmmu_realmap_pfn(frame);
}

/* Where a space's records of a change go, though it may be closed; NULL: nowhere. */
static struct vmmu_trapq *queue_of(const struct vmmu_change *change,
				   struct vmmu_space *space)
{
	struct vmmu_destination *delivery =
		&space->delivery[kind_of(change->cause)];

	return rcu_dereference_protected(delivery->queue,
					 lockdep_is_held(&space->vm->lock));
}

static bool delivers(const struct vmmu_change *change, struct vmmu_space *space,
		     bool asks)
{
	struct vmmu_trapq *queue = queue_of(change, space);

	return queue && !READ_ONCE(queue->closed) &&
	       space->delivery[kind_of(change->cause)].asks == asks;
}

/*
 * The next of the VM's spaces behind @space that is to be told of a change, or
 * asked about it, and the record, unless that is NULL; NULL: there is no other.
 */
static struct vmmu_space *next_space(struct vmmu_vm *vm,
				     const struct vmmu_change *change, bool asks,
				     struct vmmu_space *space,
				     struct vmmu_trap_record *record)
{
	lockdep_assert_held(&vm->lock);

	list_for_each_entry_continue(space, &vm->spaces, link) {
		const struct vmmu_use *use;
		bool shared;

		if (!delivers(change, space, asks))
			continue;
		use = use_in(change, space, &shared);
		if (!use || !installs(use, change->old, change->new))
			continue;
		if (record)
			fill(vm, change, space, use, shared, record);
		return space;
	}
	return NULL;
}

/* What list_for_each_entry_continue() begins behind. */
static struct vmmu_space *no_space(struct vmmu_vm *vm)
{
	return list_entry(&vm->spaces, struct vmmu_space, link);
}

void vmmu_install_notify(struct vmmu_vm *vm, const struct vmmu_change *change)
{
	struct vmmu_space *space = no_space(vm);
	struct vmmu_trap_record record;

	while ((space = next_space(vm, change, false, space, &record))) {
		vmmu_trapq_post(queue_of(change, space), &record);
		vmmu_count(space, VMMU_RECORDS);
	}
}

bool vmmu_install_concerns(struct vmmu_vm *vm, const struct vmmu_change *change)
{
	return next_space(vm, change, true, no_space(vm), NULL);
}

void vmmu_install_recall(struct vmmu_change *change, struct vmmu_ask *ask)
{
	if (ask->entry.value != change->entry.value || ask->old != change->old)
		ask->answered = 0;
	if (ask->answered)
		change->new = ask->new;
}

bool vmmu_install_asks(struct vmmu_vm *vm, const struct vmmu_change *change,
		       struct vmmu_ask *ask)
{
	struct vmmu_trap_record *record = &ask->waiter.record;
	struct vmmu_space *space = no_space(vm);

	lockdep_assert_held(&vm->lock);

	if (likely(!vm->nr_listeners))
		return false;
	/* They are in the order of their ids. */
	do {
		space = next_space(vm, change, true, space, record);
	} while (space && space->id <= ask->answered);
	if (!space)
		return false;
	vmmu_count(space, VMMU_RECORDS);
	ask->queue = queue_of(change, space);
	kref_get(&ask->queue->ref);
	ask->waiter.epoch = vmmu_trapq_epoch(ask->queue);
	record->flags |= VMMU_TRAP_WAITS;
	ask->entry = change->entry;
	ask->old = change->old;
	ask->new = change->new;
	return true;
}

int vmmu_install_ask(struct vmmu_ask *ask)
{
	int verdict = vmmu_trapq_wait(ask->queue, &ask->waiter);

	vmmu_trapq_put(ask->queue);
	ask->queue = NULL;
	if (verdict < 0)
		return verdict;
	if (verdict == VMMU_VERDICT_DENY)
		return -EPERM;
	if (verdict == VMMU_VERDICT_REWRITE)
		ask->new = ask->waiter.value;
	/* RETRY: this one has not answered, but may have ceased to ask. */
	if (verdict != VMMU_VERDICT_RETRY)
		ask->answered = ask->waiter.record.space;
	return 0;
}

void vmmu_install_denied(struct vmmu_vm *vm, const struct vmmu_ask *ask)
{
	const struct vmmu_trap_record *record = &ask->waiter.record;
	bool traps = record->kind == VMMU_TRAP_STORE;
	struct vmmu_space *space;

	lockdep_assert_held(&vm->lock);

	list_for_each_entry(space, &vm->spaces, link) {
		if (space->id == record->space) {
			vmmu_count(space, VMMU_REFUSALS);
			vmmu_count_add(space, VMMU_TRAPS, traps);
			return;
		}
	}
	vmmu_count_vm(vm, VMMU_REFUSALS);
	if (traps)
		vmmu_count_vm(vm, VMMU_TRAPS);
}
