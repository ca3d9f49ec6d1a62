// SPDX-License-Identifier: GPL-2.0
/*
 * Frames: allocation, charging, and the way back.
 *
 * While a frame is in the real map table its page->private tells who owns it
 * among the windows; from then on a pointer is there, which no owner looks like.
 *
 * Walks read frames under RCU, without a reference. So a frame that leaves
 * the real map table is freed after a grace period: a batch of frames is
 * chained through page->private, the first one's rcu_head carries it, and its
 * index the user who is charged until then.
 *
 * A frame that a pin or a pipe still holds is detached: it waits on a list,
 * charged to its user, until the last foreign reference is gone. Nothing tells
 * us when that is, so the list is looked through now and then.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "frame.h"

/* Fails, rather than invoking the OOM killer, at the memory cgroup's limit. */
#define GFP_CHARGED	(__GFP_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | \
			 __GFP_RETRY_MAYFAIL)

#define REAP_INTERVAL	HZ
#define REAP_BATCH	1024UL	/* under the lock at a time */

/* page->private of a chain's last frame. */
#define LAST_OF_CHAIN	(~0UL)

/* Frames that wait for a grace period to end. */
static atomic_long_t pending;

static DEFINE_SPINLOCK(detached_lock);
static LIST_HEAD(detached);	/* by page->lru; page->private is the user */
static unsigned long nr_detached;

static void reap_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(reap, reap_work);

static unsigned long limit_of_current(void)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK);

	if (limit == RLIM_INFINITY || capable(CAP_IPC_LOCK))
		return ULONG_MAX;
	return limit >> PAGE_SHIFT;
}

void vmmu_account_init(struct vmmu_account *account)
{
	account->user = get_uid(current_user());
	account->limit = limit_of_current();
	atomic_long_set(&account->pages, 0);
}

void vmmu_account_destroy(struct vmmu_account *account)
{
	free_uid(account->user);
}

struct vmmu_payer vmmu_payer_begin(struct mm_struct *mm)
{
	struct vmmu_payer payer = { };

	if (unlikely(current->flags & PF_KTHREAD)) {
		payer.memcg = get_mem_cgroup_from_mm(mm);
		payer.before = set_active_memcg(payer.memcg);
	}
	return payer;
}

void vmmu_payer_end(struct vmmu_payer payer)
{
	if (unlikely(payer.memcg)) {
		set_active_memcg(payer.before);
		mem_cgroup_put(payer.memcg);
	}
}

/* Free what waits for a grace period. Returns whether there was any. */
static bool flush_pending(void)
{
	if (!atomic_long_read(&pending))
		return false;
	rcu_barrier();
	return true;
}

unsigned long vmmu_account_room(void)
{
	unsigned long limit = limit_of_current();
	unsigned long used;

	if (limit == ULONG_MAX)
		return ULONG_MAX;
	flush_pending();
	used = atomic_long_read(&current_user()->locked_vm);
	return limit > used ? limit - used : 0;
}

static bool charge(struct vmmu_account *account)
{
	long used = atomic_long_read(&account->user->locked_vm);

	do {
		if ((unsigned long)used >= account->limit)
			return false;
	} while (!atomic_long_try_cmpxchg(&account->user->locked_vm, &used,
					  used + 1));
	atomic_long_inc(&account->pages);
	return true;
}

void vmmu_account_uncharge(struct vmmu_account *account)
{
	atomic_long_dec(&account->pages);
	atomic_long_dec(&account->user->locked_vm);
}

bool vmmu_account_charge(struct vmmu_account *account)
{
	return charge(account) || (flush_pending() && charge(account));
}

static struct page *alloc_charged(struct vmmu_account *account, gfp_t gfp)
{
	struct page *page;

	if (!charge(account))
		return NULL;
	page = alloc_page(gfp | GFP_CHARGED);
	if (!page)
		vmmu_account_uncharge(account);
	return page;
}

/* What was discarded a moment ago is the caller's to use again. */
static struct page *alloc_patiently(struct vmmu_account *account, gfp_t gfp)
{
	struct page *page = alloc_charged(account, gfp);

	if (unlikely(!page) && flush_pending())
		page = alloc_charged(account, gfp);
	return page;
}

struct page *vmmu_frame_alloc(struct vmmu_account *account)
{
	return alloc_patiently(account, GFP_HIGHUSER);
}

void vmmu_frame_free(struct vmmu_account *account, struct page *page)
{
	__free_page(page);
	vmmu_account_uncharge(account);
}

u64 *vmmu_table_alloc(struct vmmu_account *account)
{
	struct page *page = alloc_patiently(account, GFP_KERNEL);

	return page ? page_address(page) : NULL;
}

void vmmu_table_free(struct vmmu_account *account, u64 *table)
{
	free_page((unsigned long)table);
	vmmu_account_uncharge(account);
}

bool vmmu_frame_add_owner(struct page *page, u64 owner)
{
	unsigned long old = READ_ONCE(page->private);

	while (old != owner && old != VMMU_OWNER_MANY) {
		unsigned long seen;

		if ((long)old < 0)
			return false;
		seen = cmpxchg(&page->private, old,
			       old ? VMMU_OWNER_MANY : owner);
		if (seen == old)
			break;
		old = seen;
	}
	return true;
}

static void detach(struct vmmu_account *account, struct page *page)
{
	struct user_struct *user = get_uid(account->user);

	/* The user stays charged; the VM, which may be gone soon, does not. */
	atomic_long_dec(&account->pages);
	WRITE_ONCE(page->private, (unsigned long)user);
	spin_lock(&detached_lock);
	list_add_tail(&page->lru, &detached);
	nr_detached++;
	spin_unlock(&detached_lock);
	schedule_delayed_work(&reap, REAP_INTERVAL);
}

static void release_detached(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		struct user_struct *user;

		list_del(&page->lru);
		user = (struct user_struct *)page_private(page);
		set_page_private(page, 0);
		put_page(page);
		atomic_long_dec(&user->locked_vm);
		free_uid(user);
	}
}

/*
 * Look at the first @nr detached frames: move those that only the list still
 * refers to onto @pages, and the others to the list's end. A poisoned page is
 * the kernel's for good.
 */
static void pick_released(unsigned long nr, struct list_head *pages)
{
	struct page *page, *next;
	LIST_HEAD(held);

	spin_lock(&detached_lock);
	list_for_each_entry_safe(page, next, &detached, lru) {
		if (!nr--)
			break;
		if (page_count(page) == 1 || PageHWPoison(page)) {
			list_move(&page->lru, pages);
			nr_detached--;
		} else {
			list_move(&page->lru, &held);
		}
	}
	list_splice_tail(&held, &detached);
	spin_unlock(&detached_lock);
}

/* However many somebody holds, the others are free a second after the fact. */
static void reap_work(struct work_struct *work)
{
	unsigned long left = READ_ONCE(nr_detached);
	LIST_HEAD(pages);

	while (left) {
		unsigned long nr = min(left, REAP_BATCH);

		pick_released(nr, &pages);
		left -= nr;
		cond_resched();
	}
	if (READ_ONCE(nr_detached))
		schedule_delayed_work(&reap, REAP_INTERVAL);
	if (!list_empty(&pages)) {
		synchronize_rcu();
		release_detached(&pages);
	}
}

void vmmu_frame_batch_add(struct vmmu_account *account,
			  struct vmmu_frame_batch *batch, struct page *page)
{
	if (page_count(page) > 1) {
		detach(account, page);
		return;
	}
	atomic_long_dec(&account->pages);
	WRITE_ONCE(page->private, batch->first ? (unsigned long)batch->first :
						 LAST_OF_CHAIN);
	batch->first = page;
	batch->nr++;
}

static void free_batch_rcu(struct rcu_head *head)
{
	struct page *page = container_of(head, struct page, rcu_head);
	struct user_struct *user = (struct user_struct *)page->index;
	long nr = 0;

	while (page) {
		unsigned long next = page_private(page);

		set_page_private(page, 0);
		page->index = 0;
		put_page(page);
		page = next == LAST_OF_CHAIN ? NULL : (struct page *)next;
		nr++;
	}
	atomic_long_sub(nr, &user->locked_vm);
	free_uid(user);
	atomic_long_sub(nr, &pending);
}

void vmmu_frame_batch_free(struct vmmu_account *account,
			   struct vmmu_frame_batch *batch)
{
	if (batch->first) {
		atomic_long_add(batch->nr, &pending);
		batch->first->index = (unsigned long)get_uid(account->user);
		call_rcu(&batch->first->rcu_head, free_batch_rcu);
	}
	*batch = (struct vmmu_frame_batch){ };
}

void vmmu_frame_exit(void)
{
	cancel_delayed_work_sync(&reap);
	rcu_barrier();
	release_detached(&detached);
}
