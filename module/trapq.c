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

static void release(struct kref *ref)
{
	struct vmmu_trapq *queue = container_of(ref, struct vmmu_trapq, ref);

	kfree_rcu(queue, rcu);
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

/* Let the waiters of a list try again: all of them, or those of a space. */
static void release_waiters(struct vmmu_trapq *queue, struct list_head *list,
			    bool all, u64 space)
{
	struct vmmu_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, list, link)
		if (all || waiter->record.space == space)
			settle(queue, waiter, VMMU_VERDICT_RETRY);
}

void vmmu_trapq_bind(struct vmmu_trapq *queue)
{
	spin_lock(&queue->lock);
	queue->nr_spaces++;
	queue->used = true;
	spin_unlock(&queue->lock);
}

void vmmu_trapq_unbind(struct vmmu_trapq *queue, u64 space)
{
	spin_lock(&queue->lock);
	queue->nr_spaces--;
	/* After the space has stopped: see vmmu_trapq_epoch(). */
	smp_store_release(&queue->epoch, queue->epoch + 1);
	release_waiters(queue, &queue->unread, false, space);
	release_waiters(queue, &queue->read, false, space);
	spin_unlock(&queue->lock);
	wake_up_interruptible_poll(&queue->readers, EPOLLHUP);
}

void vmmu_trapq_close(struct vmmu_trapq *queue)
{
	spin_lock(&queue->lock);
	queue->closed = true;
	release_waiters(queue, &queue->unread, true, 0);
	release_waiters(queue, &queue->read, true, 0);
	spin_unlock(&queue->lock);
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

bool vmmu_trapq_take(struct vmmu_trapq *queue, struct vmmu_trap_record *record)
{
	struct vmmu_waiter *waiter;

	spin_lock(&queue->lock);
	waiter = list_first_entry_or_null(&queue->unread, struct vmmu_waiter,
					  link);
	if (waiter) {
		waiter->was_read = true;
		queue->info.read++;
		list_move_tail(&waiter->link, &queue->read);
		*record = waiter->record;
		record->tid = pid_vnr(waiter->pid);
	}
	spin_unlock(&queue->lock);
	return waiter;
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

void vmmu_trapq_untake(struct vmmu_trapq *queue, u64 cookie)
{
	struct vmmu_waiter *waiter;

	spin_lock(&queue->lock);
	queue->info.read--;
	waiter = find_read(queue, cookie);
	if (waiter) {
		waiter->was_read = false;
		list_move(&waiter->link, &queue->unread);
	} else {
		queue->info.withdrawn++;
	}
	spin_unlock(&queue->lock);
	wake_up_interruptible_poll(&queue->readers, EPOLLIN | EPOLLRDNORM);
}

int vmmu_trapq_answer(struct vmmu_trapq *queue,
		      const struct vmmu_trap_answer *answer)
{
	struct vmmu_waiter *waiter;

	spin_lock(&queue->lock);
	waiter = find_read(queue, answer->cookie);
	if (waiter) {
		queue->info.answered++;
		settle(queue, waiter, answer->verdict);
	}
	spin_unlock(&queue->lock);
	return waiter ? 0 : -ENOENT;
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
	if (!list_empty(&queue->unread))
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
