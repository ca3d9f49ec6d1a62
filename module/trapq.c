// SPDX-License-Identifier: GPL-2.0
/*
 * Trap queues: see trapq.h. Everything happens under the queue's lock, a leaf;
 * a waiter takes it once more before it goes, so that it outlives its waking.
 */
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "trapq.h"

struct vmmu_trapq *vmmu_trapq_alloc(void)
{
	struct vmmu_trapq *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT |
					  __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	if (!queue)
		return NULL;
	kref_init(&queue->ref);
	init_waitqueue_head(&queue->readers);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->unread);
	INIT_LIST_HEAD(&queue->read);
	return queue;
}

static struct vmmu_trap_note *note_at(struct vmmu_trapq *queue, unsigned int i)
{
	return &queue->notes[(queue->first_note + i) % VMMU_TRAPQ_NOTES];
}

static void release(struct kref *ref)
{
	struct vmmu_trapq *queue = container_of(ref, struct vmmu_trapq, ref);

	kfree_rcu(queue, rcu);
}

int vmmu_trapq_make_notes(struct vmmu_trapq *queue, bool *made)
{
	struct vmmu_trap_note *notes;

	notes = kvmalloc_array(VMMU_TRAPQ_NOTES, sizeof(*notes),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			       __GFP_RETRY_MAYFAIL);
	if (!notes)
		return -ENOMEM;
	spin_lock(&queue->lock);
	*made = !queue->notes;
	if (*made)
		swap(queue->notes, notes);
	spin_unlock(&queue->lock);
	kvfree(notes);
	return 0;
}

void vmmu_trapq_put(struct vmmu_trapq *queue)
{
	kref_put(&queue->ref, release);
}

/* Give a waiter its verdict. */
static void settle(struct vmmu_trapq *queue, struct vmmu_waiter *waiter,
		   u32 verdict)
{
	lockdep_assert_held(&queue->lock);

	list_del(&waiter->link);
	queue->info.waiting--;
	if (!waiter->was_read)
		queue->info.withdrawn++;
	waiter->verdict = verdict;
	wake_up(&waiter->woken);
}

/* Let the waiters of a list try again: all of them, or a space's of a kind. */
static void release_waiters(struct vmmu_trapq *queue, struct list_head *list,
			    bool all, u64 space, u32 kind)
{
	struct vmmu_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, list, link)
		if (all || (waiter->record.space == space &&
			    waiter->record.kind == kind))
			settle(queue, waiter, VMMU_VERDICT_RETRY);
}

void vmmu_trapq_bind(struct vmmu_trapq *queue)
{
	spin_lock(&queue->lock);
	queue->nr_spaces++;
	queue->used = true;
	spin_unlock(&queue->lock);
}

void vmmu_trapq_unbind(struct vmmu_trapq *queue, u64 space, u32 kind)
{
	spin_lock(&queue->lock);
	queue->nr_spaces--;
	/* After the space has stopped: see vmmu_trapq_epoch(). */
	smp_store_release(&queue->epoch, queue->epoch + 1);
	release_waiters(queue, &queue->unread, false, space, kind);
	release_waiters(queue, &queue->read, false, space, kind);
	spin_unlock(&queue->lock);
	wake_up_interruptible_poll(&queue->readers, EPOLLHUP);
}

void vmmu_trapq_close(struct vmmu_trapq *queue)
{
	spin_lock(&queue->lock);
	queue->closed = true;
	release_waiters(queue, &queue->unread, true, 0, 0);
	release_waiters(queue, &queue->read, true, 0, 0);
	spin_unlock(&queue->lock);
	/* Spaces may know the queue for long yet, but nobody else its notes. */
	while (queue->nr_notes)
		put_pid(note_at(queue, --queue->nr_notes)->pid);
	kvfree(queue->notes);
}

/* False: nobody will read it, or its space may deliver elsewhere by now. */
static bool enqueue(struct vmmu_trapq *queue, struct vmmu_waiter *waiter)
{
	bool open;

	init_waitqueue_head(&waiter->woken);
	waiter->was_read = false;
	waiter->verdict = 0;
	waiter->pid = task_pid(current);
	spin_lock(&queue->lock);
	open = !queue->closed && queue->epoch == waiter->epoch;
	if (open) {
		waiter->record.cookie = ++queue->last_cookie;
		list_add_tail(&waiter->link, &queue->unread);
		queue->info.made++;
		queue->info.waiting++;
	}
	spin_unlock(&queue->lock);
	return open;
}

int vmmu_trapq_wait(struct vmmu_trapq *queue, struct vmmu_waiter *waiter)
{
	int verdict;

	if (!enqueue(queue, waiter))
		return VMMU_VERDICT_RETRY;
	wake_up_interruptible_poll(&queue->readers, EPOLLIN | EPOLLRDNORM);
	wait_event_interruptible(waiter->woken, READ_ONCE(waiter->verdict));
	spin_lock(&queue->lock);
	if (!waiter->verdict)
		settle(queue, waiter, 0);
	verdict = waiter->verdict;
	spin_unlock(&queue->lock);
	return verdict ?: -EINTR;
}

void vmmu_trapq_post(struct vmmu_trapq *queue,
		     const struct vmmu_trap_record *record)
{
	spin_lock(&queue->lock);
	if (!queue->closed) {
		u64 cookie = ++queue->last_cookie;

		queue->info.made++;
		if (queue->nr_notes == VMMU_TRAPQ_NOTES) {
			queue->info.overflowed++;
		} else {
			struct vmmu_trap_note *note =
				note_at(queue, queue->nr_notes++);

			note->pid = get_pid(task_pid(current));
			note->record = *record;
			note->record.cookie = cookie;
		}
	}
	spin_unlock(&queue->lock);
	wake_up_interruptible_poll(&queue->readers, EPOLLIN | EPOLLRDNORM);
}

static void take_waiter(struct vmmu_trapq *queue, struct vmmu_waiter *waiter,
			struct vmmu_trap_record *record)
{
	waiter->was_read = true;
	list_move_tail(&waiter->link, &queue->read);
	*record = waiter->record;
	record->tid = pid_vnr(waiter->pid);
}

static struct pid *take_note(struct vmmu_trapq *queue,
			     struct vmmu_trap_record *record)
{
	struct vmmu_trap_note *note = note_at(queue, 0);

	queue->first_note++;
	queue->nr_notes--;
	*record = note->record;
	record->tid = pid_vnr(note->pid);
	return note->pid;
}

bool vmmu_trapq_take(struct vmmu_trapq *queue, struct vmmu_taken *taken)
{
	struct vmmu_waiter *waiter;
	bool note;

	taken->pid = NULL;
	spin_lock(&queue->lock);
	waiter = list_first_entry_or_null(&queue->unread, struct vmmu_waiter,
					  link);
	note = queue->nr_notes &&
	       (!waiter || note_at(queue, 0)->record.cookie <
				   waiter->record.cookie);
	if (note)
		taken->pid = take_note(queue, &taken->record);
	else if (waiter)
		take_waiter(queue, waiter, &taken->record);
	if (note || waiter)
		queue->info.read++;
	spin_unlock(&queue->lock);
	return note || waiter;
}

void vmmu_trapq_taken(struct vmmu_taken *taken)
{
	put_pid(taken->pid);
}

static struct vmmu_waiter *find_read(struct vmmu_trapq *queue, u64 cookie)
{
	struct vmmu_waiter *waiter;

	lockdep_assert_held(&queue->lock);

	list_for_each_entry(waiter, &queue->read, link)
		if (waiter->record.cookie == cookie)
			return waiter;
	return NULL;
}

/* Make a note the oldest one again. False: its place was taken. */
static bool untake_note(struct vmmu_trapq *queue, struct vmmu_taken *taken)
{
	struct vmmu_trap_note *note;

	if (queue->nr_notes == VMMU_TRAPQ_NOTES)
		return false;
	queue->first_note--;
	queue->nr_notes++;
	note = note_at(queue, 0);
	note->record = taken->record;
	note->pid = taken->pid;
	taken->pid = NULL;
	return true;
}

void vmmu_trapq_untake(struct vmmu_trapq *queue, struct vmmu_taken *taken)
{
	struct vmmu_waiter *waiter;

	spin_lock(&queue->lock);
	queue->info.read--;
	waiter = find_read(queue, taken->record.cookie);
	if (waiter) {
		waiter->was_read = false;
		list_move(&waiter->link, &queue->unread);
	} else if (!taken->pid) {
		queue->info.withdrawn++;
	} else if (!untake_note(queue, taken)) {
		queue->info.overflowed++;
	}
	spin_unlock(&queue->lock);
	put_pid(taken->pid);
	wake_up_interruptible_poll(&queue->readers, EPOLLIN | EPOLLRDNORM);
}

/* Whether a verdict is one on records of a kind. */
static bool answers(u32 verdict, u32 kind)
{
	if (verdict == VMMU_VERDICT_RETRY || verdict == VMMU_VERDICT_SIGNAL)
		return kind == VMMU_TRAP_FAULT;
	return kind != VMMU_TRAP_FAULT;
}

int vmmu_trapq_answer(struct vmmu_trapq *queue,
		      const struct vmmu_trap_answer *answer)
{
	struct vmmu_waiter *waiter;
	int err = -ENOENT;

	spin_lock(&queue->lock);
	waiter = find_read(queue, answer->cookie);
	if (waiter) {
		err = answers(answer->verdict, waiter->record.kind) ? 0 :
								      -EINVAL;
		if (!err) {
			queue->info.answered++;
			waiter->value = answer->value;
			settle(queue, waiter, answer->verdict);
		}
	}
	spin_unlock(&queue->lock);
	return err;
}

static bool readable(struct vmmu_trapq *queue)
{
	return vmmu_trapq_poll(queue) & (EPOLLIN | EPOLLHUP);
}

int vmmu_trapq_wait_readable(struct vmmu_trapq *queue)
{
	return wait_event_interruptible(queue->readers, readable(queue));
}

__poll_t vmmu_trapq_poll(struct vmmu_trapq *queue)
{
	__poll_t events = 0;

	spin_lock(&queue->lock);
	if (!list_empty(&queue->unread) || queue->nr_notes)
		events |= EPOLLIN | EPOLLRDNORM;
	if (queue->used && !queue->nr_spaces)
		events |= EPOLLHUP;
	spin_unlock(&queue->lock);
	return events;
}

void vmmu_trapq_info(struct vmmu_trapq *queue, struct vmmu_trap_info *info)
{
	spin_lock(&queue->lock);
	info->made = queue->info.made;
	info->read = queue->info.read;
	info->withdrawn = queue->info.withdrawn;
	info->overflowed = queue->info.overflowed;
	info->answered = queue->info.answered;
	info->waiting = queue->info.waiting;
	info->nr_spaces = queue->nr_spaces;
	spin_unlock(&queue->lock);
}
