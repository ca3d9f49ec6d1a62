/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trap queues: records, and answers to those that a thread waits for. Such a
 * record lives in its waiter, so it needs no room and can't be lost: it is read,
 * or withdrawn by the end of the wait. The others have a ring of notes, and are
 * dropped where that is full. Knows nothing of spaces but their ids.
 */
#ifndef VMMU_TRAPQ_H
#define VMMU_TRAPQ_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/vmmu.h>
#include <linux/wait.h>

/* Records that nobody waits for, and nobody has read. */
#define VMMU_TRAPQ_NOTES	1024U

/**
 * struct vmmu_trap_note - a record that nobody waits for
 * @pid: of the thread that it tells of, a reference.
 * @record: the record.
 */
struct vmmu_trap_note {
	struct pid *pid;
	struct vmmu_trap_record record;
};

/**
 * struct vmmu_trapq - a trap queue
 * @ref: references: the trap file's, the spaces' and the waiters'.
 * @rcu: frees it.
 * @readers: who waits for a record.
 * @lock: guards all the rest.
 * @unread: waiters whose record was not read yet, oldest first.
 * @read: waiters whose record was read.
 * @notes: a ring; NULL until somebody notifies. Set once, freed when @closed.
 * @first_note: number of the oldest one, whose place is that modulo the ring's size.
 * @nr_notes: how many there are.
 * @last_cookie: the newest record's.
 * @nr_spaces: spaces that deliver here, one for each kind.
 * @epoch: changes when one stops.
 * @used: whether a space ever did.
 * @closed: the trap file is closed; nobody will answer.
 * @info: the ledger.
 */
struct vmmu_trapq {
	struct kref ref;
	struct rcu_head rcu;
	wait_queue_head_t readers;

	spinlock_t lock;	/* a leaf */
	struct list_head unread;
	struct list_head read;
	struct vmmu_trap_note *notes;
	unsigned int first_note;
	unsigned int nr_notes;
	u64 last_cookie;
	u32 nr_spaces;
	u32 epoch;
	bool used;
	bool closed;
	struct vmmu_trap_info info;
};

/**
 * struct vmmu_waiter - a thread that waits for an answer
 * @link: in the queue's unread or read; under its lock, as are @was_read,
 *	@pid and @verdict.
 * @epoch: the queue's, before the space was seen to deliver there.
 * @was_read: the record has been read.
 * @pid: whose it is.
 * @verdict: enum vmmu_trap_verdict; 0: none yet.
 * @value: what comes with it.
 * @woken: who sleeps.
 * @record: what it waits for.
 */
struct vmmu_waiter {
	struct list_head link;
	u32 epoch;
	bool was_read;
	struct pid *pid;
	u32 verdict;
	u64 value;
	wait_queue_head_t woken;
	struct vmmu_trap_record record;
};

struct vmmu_trapq *vmmu_trapq_alloc(void);
void vmmu_trapq_put(struct vmmu_trapq *queue);

/* A reference, if there is still one; under the RCU read lock. */
static inline bool vmmu_trapq_get(struct vmmu_trapq *queue)
{
	return kref_get_unless_zero(&queue->ref);
}

/* Make room for notes, unless somebody did: *@made. -ENOMEM. */
int vmmu_trapq_make_notes(struct vmmu_trapq *queue, bool *made);

/*
 * A space delivers records of a kind here from now on, or no more: then its
 * waiters try again.
 */
void vmmu_trapq_bind(struct vmmu_trapq *queue);
void vmmu_trapq_unbind(struct vmmu_trapq *queue, u64 space, u32 kind);

/* Queue a record of what the calling thread does, and does not wait for. */
void vmmu_trapq_post(struct vmmu_trapq *queue,
		     const struct vmmu_trap_record *record);

/* Read it, then look whether the space does deliver here: it did until then. */
static inline u32 vmmu_trapq_epoch(struct vmmu_trapq *queue)
{
	/* Pairs with the release in vmmu_trapq_unbind(). */
	return smp_load_acquire(&queue->epoch);
}

/*
 * Queue the waiter's record and sleep until it is answered. Returns the
 * verdict: RETRY, too, when nobody will answer; -EINTR, and the record is
 * withdrawn, if a signal came first. A verdict's value is in waiter->value.
 */
int vmmu_trapq_wait(struct vmmu_trapq *queue, struct vmmu_waiter *waiter);

/**
 * struct vmmu_taken - a record that was taken
 * @record: the record.
 * @pid: of a note, its reference; NULL: somebody waits.
 */
struct vmmu_taken {
	struct vmmu_trap_record record;
	struct pid *pid;
};

/*
 * Take the oldest unread record. False: there is none. The thread's id is told
 * as the caller's PID namespace has it; 0: it has none there.
 */
bool vmmu_trapq_take(struct vmmu_trapq *queue, struct vmmu_taken *taken);

/*
 * A record that was taken has arrived, or has not: make it unread, and the
 * oldest.
 */
void vmmu_trapq_taken(struct vmmu_taken *taken);
void vmmu_trapq_untake(struct vmmu_trapq *queue, struct vmmu_taken *taken);

/*
 * Answer a record that was read. -ENOENT: nobody waits for this any more. -EINVAL:
 * it can't be answered so.
 */
int vmmu_trapq_answer(struct vmmu_trapq *queue,
		      const struct vmmu_trap_answer *answer);

/* Wait for a record, or for the last space to go. -ERESTARTSYS: a signal. */
int vmmu_trapq_wait_readable(struct vmmu_trapq *queue);

/* EPOLLIN: a record is unread; EPOLLHUP: no space delivers here any more. */
__poll_t vmmu_trapq_poll(struct vmmu_trapq *queue);

/* The trap file is closed: everybody tries again, and notes are dropped. */
void vmmu_trapq_close(struct vmmu_trapq *queue);

/* The ledger. */
void vmmu_trapq_info(struct vmmu_trapq *queue, struct vmmu_trap_info *info);

#endif /* VMMU_TRAPQ_H */
