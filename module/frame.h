/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames and table pages: the only caller of the page allocator, and the one
 * place where memory is charged.
 */
#ifndef VMMU_FRAME_H
#define VMMU_FRAME_H

#include <linux/atomic.h>
#include <linux/mm_types.h>

struct mem_cgroup;
struct user_struct;

/**
 * struct vmmu_account - whom a VM's memory is charged to
 * @user: the creator's user; its locked_vm counts the pages.
 * @limit: most pages that the user may have locked; ULONG_MAX: any number.
 * @pages: what this VM has charged.
 *
 * The memory cgroup is charged besides, by the allocations themselves.
 */
struct vmmu_account {
	struct user_struct *user;
	unsigned long limit;
	atomic_long_t pages;
};

/* Charge to the caller's user from now on, within its present limit. */
void vmmu_account_init(struct vmmu_account *account);

/* Everything that was allocated under @account has been freed. */
void vmmu_account_destroy(struct vmmu_account *account);

/* Pages that the caller's user may still charge; ULONG_MAX: any number. */
unsigned long vmmu_account_room(void);

/*
 * Charge a page's worth of other memory. May sleep: what was discarded a moment
 * ago is the caller's to use again. False: it would be too much.
 */
bool vmmu_account_charge(struct vmmu_account *account);
void vmmu_account_uncharge(struct vmmu_account *account);

/**
 * struct vmmu_payer - whose memory cgroup is charged in between
 * @memcg: the one that is; NULL: the caller's.
 * @before: what was set before.
 */
struct vmmu_payer {
	struct mem_cgroup *memcg;
	struct mem_cgroup *before;
};

/* A kernel thread that uses a process's memory (vhost) charges the process. */
struct vmmu_payer vmmu_payer_begin(struct mm_struct *mm);
void vmmu_payer_end(struct vmmu_payer payer);

/* A zeroed frame for a real page, or NULL. */
struct page *vmmu_frame_alloc(struct vmmu_account *account);

/* Free a frame that nobody else has ever seen. */
void vmmu_frame_free(struct vmmu_account *account, struct page *page);

/* A zeroed page of a real map table, or NULL. */
u64 *vmmu_table_alloc(struct vmmu_account *account);
void vmmu_table_free(struct vmmu_account *account, u64 *table);

/* Frames on their way back to the kernel; starts out as { }. */
struct vmmu_frame_batch {
	struct page *first;
	unsigned int nr;
};

/*
 * Give up the real map table's reference to a frame that no table and no host
 * PTE refers to any more. A frame that somebody still holds stays charged
 * until it is let go.
 */
void vmmu_frame_batch_add(struct vmmu_account *account,
			  struct vmmu_frame_batch *batch, struct page *page);

/*
 * Free the batch's frames once no walk can still be reading them. The user
 * stays charged until then; an allocation that fails meanwhile waits for it.
 */
void vmmu_frame_batch_free(struct vmmu_account *account,
			   struct vmmu_frame_batch *batch);

/*
 * Which window maps a frame: 0 none, one window's page, or MANY; never less
 * than the truth while the frame is in the real map table. One owner is the
 * space's id in bits 61..45, and the number of the virtual page, of which 45
 * bits tell everything.
 */
#define VMMU_OWNER_PAGE_BITS	45
#define VMMU_OWNER_MAX_SPACE	(BIT_ULL(62 - VMMU_OWNER_PAGE_BITS) - 1)
#define VMMU_OWNER_MANY		BIT_ULL(62)

static inline u64 vmmu_frame_make_owner(u64 space_id, u64 page)
{
	return space_id > VMMU_OWNER_MAX_SPACE ? VMMU_OWNER_MANY :
	       space_id << VMMU_OWNER_PAGE_BITS |
	       (page & (BIT_ULL(VMMU_OWNER_PAGE_BITS) - 1));
}

/* From one owner to that of the page behind it in the same table. */
static inline u64 vmmu_frame_owner_step(u64 owner)
{
	return owner != VMMU_OWNER_MANY;
}

static inline u64 vmmu_frame_owner(struct page *page)
{
	return READ_ONCE(page->private);
}

/* Part of the following. */
bool vmmu_frame_add_owner(struct page *page, u64 owner);

/*
 * Note one more owner, under the RCU read lock under which the frame was found.
 * False: the frame has left the table.
 */
static inline bool vmmu_frame_note_owner(struct page *page, u64 owner)
{
	return likely(vmmu_frame_owner(page) == owner) ||
	       vmmu_frame_add_owner(page, owner);
}

/* At module exit: forget the frames that somebody still holds. */
void vmmu_frame_exit(void);

#endif /* VMMU_FRAME_H */
