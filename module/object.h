/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two objects: a VM and a space. Each is as old as its file; a space
 * holds its VM's file.
 *
 * Locks, in the order in which they are taken:
 *
 *	mmap_lock or a VMA's lock (held by the kernel on entry to a fault)
 *	vm->lock	whoever changes what exists or takes rights away
 *	page lock	a frame's state: its page->mapping, and every grant of a
 *			writable PTE
 *	i_mmap and page-table locks, inside the kernel's helpers
 *
 * Queues and rings have spinlocks of their own, which are leaves.
 *
 * Faults and translations take none of ours but the page lock: they read the
 * real map table under RCU. In a VM with TRAPPING spaces they take vm->lock, for
 * writing, where an open page table is settled, and faults where a store to one is
 * emulated, or opens it. A VM's ledger, VM_INFO and fdinfo take it for reading.
 *
 * No lock is held while user memory is touched, and vm->lock not while a frame is
 * allocated, so those who wait for it need not be killable.
 */
#ifndef VMMU_OBJECT_H
#define VMMU_OBJECT_H

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "realmap.h"
#include "walk.h"

struct vmmu_trapq;

/* Real pages are the host's base pages, and offsets fit into pgoff_t. */
static_assert(PAGE_SHIFT == VMMU_PAGE_SHIFT);
static_assert(sizeof(pgoff_t) == sizeof(u64));

#define VMMU_MAX_REAL_BYTES	(64ULL << 40)
#define VMMU_MAX_BATCH		65536U

/* What is counted, in the order of struct vmmu_ledger. */
enum vmmu_count {
	VMMU_BY_HYPERCALL,
	VMMU_BY_ROLLBACK,
	VMMU_BY_STORE,
	VMMU_BY_REREAD,
	VMMU_BY_DISCARD,
	VMMU_TRAPS,
	VMMU_OPENS,
	VMMU_CLOSES,
	VMMU_WALKS,
	VMMU_FAULTS,
	VMMU_PREFILLS,
	VMMU_ZAPS,
	VMMU_FLUSHES,
	VMMU_RECORDS,
	VMMU_REFUSALS,
	VMMU_NR_COUNTS,
};

/**
 * struct vmmu_counts - how often each was
 * @nr: by enum vmmu_count.
 */
struct vmmu_counts {
	atomic64_t nr[VMMU_NR_COUNTS];
};

/* Answers to stores that a VM remembers. */
#define VMMU_STORE_NOTES	16

/**
 * struct vmmu_store_note - what a monitor has said of a store
 * @tid: the thread, by its global id; 0: unused.
 * @denied: it may not be made.
 * @level: the entry's.
 * @address: the host's address of the access.
 * @space: of those that ask, the last that has answered.
 * @entry: the entry's real address.
 * @old: what it was.
 * @new: what the instruction would make of it.
 * @value: what is to be stored.
 */
struct vmmu_store_note {
	pid_t tid;
	bool denied;
	u8 level;
	unsigned long address;
	u64 space;
	u64 entry;
	u64 old;
	u64 new;
	u64 value;
};

/**
 * struct vmmu_store_ring - the last answers to stores
 * @lock: guards the rest; a leaf.
 * @next: which is the oldest, to be overwritten next.
 * @notes: the answers.
 */
struct vmmu_store_ring {
	spinlock_t lock;	/* a leaf */
	unsigned int next;
	struct vmmu_store_note notes[VMMU_STORE_NOTES];
};

/* Page tables that are found without a search: those of a few ways down. */
#define VMMU_PTPAGES_RECENT	16

/**
 * struct vmmu_ptpages - which real pages are page tables of TRAPPING spaces
 * @pages: by index, struct vmmu_ptpage. Under vm->lock, as is all the rest.
 * @nr: number of pages. Read at any time, as are the next two.
 * @nr_open: pages on @open.
 * @nr_pinned: pages on @pinned.
 * @recent: pages that were found lately, by the last bits of their index. Under
 *	vm->lock, for reading, too: whoever takes a page away holds it for writing.
 * @unscanned: uses whose entries were not all looked at yet.
 * @dying: uses that nothing refers to any more.
 * @open: pages that are writable, or were and were not compared since.
 * @pinned: likewise, but they can't be protected: somebody holds them.
 */
struct vmmu_ptpages {
	struct xarray pages;
	unsigned long nr;
	unsigned int nr_open;
	unsigned int nr_pinned;
	struct vmmu_ptpage *recent[VMMU_PTPAGES_RECENT];
	struct list_head unscanned;
	struct list_head dying;
	struct list_head open;
	struct list_head pinned;
};

/**
 * struct vmmu_vm - a VM
 * @id: unique among all VMs since the module was loaded. Fixed, as are the
 *	next three.
 * @real_bytes: size of real memory.
 * @file: the VM's file; not a reference.
 * @privileged: whether its creator had CAP_SYS_ADMIN.
 * @account: whom its memory is charged to.
 * @realmap: its real map table; changed without locks.
 * @dead: an inconsistency was found; calls fail with -EIO. Never reset.
 * @nr_spaces: spaces that live. Written under @lock, read at any time.
 * @lock: held for writing by whoever installs, discards, makes or ends a space,
 *	or changes its root or mode.
 * @last_space_id: the newest space's id. Under @lock, as is the next one.
 * @spaces: the spaces that live, by id.
 * @ptpages: its TRAPPING spaces' page tables.
 * @stores: what monitors have said of stores.
 * @nr_listeners: kinds of installs, of all spaces, that records are made of. Read
 *	at any time.
 * @counts: what is no single space's, and what spaces counted that are no more.
 */
struct vmmu_vm {
	u64 id;
	u64 real_bytes;
	struct file *file;
	bool privileged;

	struct vmmu_account account;
	struct vmmu_realmap realmap;
	bool dead;
	u32 nr_spaces;

	struct rw_semaphore lock;
	u64 last_space_id;
	struct list_head spaces;
	struct vmmu_ptpages ptpages;
	struct vmmu_store_ring stores;
	unsigned int nr_listeners;
	struct vmmu_counts counts;
};

/* Delivered faults that a space remembers. */
#define VMMU_FAULT_NOTES	32

/**
 * struct vmmu_fault_note - a fault that was delivered
 * @va: its address.
 * @tid: the thread, by its global id; 0: unused.
 * @error_code: as in struct vmmu_translation, like the others.
 * @flags: VMMU_PAGE_FAULT, if @error_code holds.
 * @access: enum vmmu_access.
 * @reason: enum vmmu_reason.
 * @level: where the reason was found.
 */
struct vmmu_fault_note {
	u64 va;
	pid_t tid;
	u32 error_code;
	u8 flags;
	u8 access;
	u8 reason;
	u8 level;
};

/**
 * struct vmmu_fault_ring - the last faults that were delivered
 * @lock: guards the rest; a leaf.
 * @next: which is the oldest, to be overwritten next.
 * @notes: the faults.
 */
struct vmmu_fault_ring {
	spinlock_t lock;	/* a leaf */
	unsigned int next;
	struct vmmu_fault_note notes[VMMU_FAULT_NOTES];
};

/* Kinds of records, and one more, since they are counted from 1. */
#define VMMU_TRAP_KINDS		(VMMU_TRAP_DISCARD + 1)

/**
 * struct vmmu_destination - where records of one kind go
 * @queue: a reference; NULL: nowhere. Written under vm->lock, read under that or
 *	RCU.
 * @asks: whoever installs waits for an answer. Written under vm->lock, read under
 *	that; or at any time by calls that only tell it.
 */
struct vmmu_destination {
	struct vmmu_trapq __rcu *queue;
	bool asks;
};

/**
 * struct vmmu_space - a registered page table
 * @vm: its VM, held by a reference to the VM's file. Fixed, as are the next
 *	three.
 * @id: unique within the VM.
 * @flags: VMMU_SPACE_*.
 * @format: format of the table.
 * @root: the root's real address. Written under vm->lock, read at any time.
 * @mode: the mode in one word, see vmmu_mode_pack(); likewise.
 * @reserved: the format's reserved bits under this mode. Under vm->lock, as is
 *	the next one.
 * @link: in vm->spaces.
 * @peers: a ring of the VM's spaces with the same root.
 * @delivery: by enum vmmu_trap_kind, where records of that kind go.
 * @counts: what it has been through.
 * @mapping: the inode's, whose mappings are the space's windows. Fixed.
 * @shadowed: by level, from 2: bit (n mod 64) is set when a window ever had a
 *	PTE below the n-th entry of that level. Set without a lock.
 * @large: likewise, where the guest's entry mapped a large page.
 * @next: the page behind the last fault's; a guess, see window.c.
 * @around: how many pages a fault may map.
 * @faults: what was delivered as signals.
 */
struct vmmu_space {
	struct vmmu_vm *vm;
	u64 id;
	u32 flags;
	const struct vmmu_format *format;

	u64 root;
	u64 mode;
	u64 reserved;
	struct list_head link;
	struct list_head peers;
	struct vmmu_destination delivery[VMMU_TRAP_KINDS];
	struct vmmu_counts counts;

	struct address_space *mapping;
	unsigned long shadowed[VMMU_MAX_LEVELS + 1];
	unsigned long large[VMMU_MAX_LEVELS + 1];
	u64 next;
	u32 around;
	struct vmmu_fault_ring faults;
};

/* One word holds a mode, so that a reader never sees half of a change. */
static inline u64 vmmu_mode_pack(const struct vmmu_mode *mode)
{
	return (u64)mode->pkru << 32 | (u64)mode->maxphyaddr << 16 | mode->bits;
}

static inline bool vmmu_space_traps(const struct vmmu_space *space)
{
	return space->flags & VMMU_SPACE_TRAPPING;
}

static inline struct vmmu_mode vmmu_mode_unpack(u64 word)
{
	return (struct vmmu_mode){
		.bits = word & 0xffff,
		.maxphyaddr = word >> 16 & 0xff,
		.pkru = word >> 32,
	};
}

/* Set up a walk of the space's table as it is registered now. */
static inline void vmmu_space_walk_init(struct vmmu_space *space,
					struct vmmu_walk *walk)
{
	struct vmmu_mode mode = vmmu_mode_unpack(READ_ONCE(space->mode));

	vmmu_walk_init(walk, &space->vm->realmap, space->format,
		       vmmu_ra(READ_ONCE(space->root)), &mode);
}

/*
 * Whether the caller may see frame numbers: it has CAP_SYS_ADMIN, and so had
 * whoever created the VM.
 */
static inline bool vmmu_vm_frames_shown(struct vmmu_vm *vm)
{
	/* Credentials do not change: who has the creator's has what it had. */
	return vm->privileged && (current_cred() == vm->file->f_cred ||
				  capable(CAP_SYS_ADMIN));
}

static inline void vmmu_count_add(struct vmmu_space *space,
				  enum vmmu_count what, unsigned int nr)
{
	atomic64_add(nr, &space->counts.nr[what]);
}

static inline void vmmu_count(struct vmmu_space *space, enum vmmu_count what)
{
	atomic64_inc(&space->counts.nr[what]);
}

/* Likewise, of the VM alone. */
static inline void vmmu_count_vm(struct vmmu_vm *vm, enum vmmu_count what)
{
	atomic64_inc(&vm->counts.nr[what]);
}

/* Our own state is inconsistent: refuse all further calls, and say why once. */
static inline void vmmu_vm_kill(struct vmmu_vm *vm, const char *why)
{
	if (!xchg(&vm->dead, true))
		pr_err("vmmu: VM %llu is dead: %s\n", vm->id, why);
}

#endif /* VMMU_OBJECT_H */
