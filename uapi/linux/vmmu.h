/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/vmmu: two-level address translation for userspace guests.
 *
 *     virtual page --(guest OS: page table)--> real page
 *                  --(module: real map table)--> physical frame
 *
 * Four files, each with calls of its own:
 *
 *     /dev/vmmu   VMMU_IOC_VM_CREATE
 *     VM          VMMU_IOC_VM_INFO, _POPULATE, _DISCARD, _REAL_MAP,
 *                 _SPACE_CREATE, _REAL_OF_FRAME, _MAPPERS, _TRAP_CREATE,
 *                 _AUDIT, _LEDGER; mmap() at offset ra maps real memory
 *     space       VMMU_IOC_SPACE_INFO, _SET_ROOT, _SET_MODE, _INSTALL,
 *                 _TRANSLATE, _EXPLAIN, _MAPPINGS, _READ, _WRITE, _CMPXCHG,
 *                 _INVALIDATE, _FAULT, _SET_DELIVERY, _GET_DELIVERY, _LEDGER;
 *                 mmap() at offset va maps a window, see there
 *     trap        VMMU_IOC_TRAP_INFO; read() gives records, write() answers
 *     each        VMMU_IOC_INFO
 *
 * A file works in every process that holds it; the object lives as long as
 * a file, a mapping or a child (the spaces of a VM) refers to it.
 *
 * Every structure starts with its size in bytes, set by the caller. A larger
 * structure whose unknown tail is zero works, so that a newer program runs on
 * an older module; an older, smaller structure works as it always did.
 *
 * Every call returns 0, or -1 with errno set. One errno has one meaning:
 *
 *     E2BIG       the structure has a non-zero tail that this module does
 *                 not know, or is larger than 4096 bytes
 *     EAGAIN      a trap file with O_NONBLOCK has no record
 *     EBADF       a descriptor in the structure is no trap file's
 *     EFAULT      an address of the caller's memory is bad
 *     EHWPOISON   the hardware has lost the contents of a frame
 *     EINTR       a fatal signal ended a long call; or any signal, the wait
 *                 for a record or for an answer
 *     EINVAL      a value is out of range, misaligned, wraps, or the
 *                 structure is too small
 *     EIO         the module found its own state inconsistent and the VM is
 *                 dead; the kernel log says why
 *     EMFILE      the process has no file descriptor left
 *     ENFILE      the system has no open file left
 *     ENOENT      the VM has nothing of this name
 *     ENOMEM      no memory: the machine's, the memory cgroup's, or the
 *                 creator's RLIMIT_MEMLOCK
 *     ENOTTY      this file has no such call
 *     ENXIO       the guest's page table stopped the call; the structure
 *                 says where, and why
 *     EOPNOTSUPP  an unknown flag, format or non-zero reserved field
 *     EPERM       the caller has no right to see frame numbers of this VM; or a
 *                 monitor has denied an install
 *
 * A call that fails changed nothing, or its progress field (done) says how
 * far it got; calls with a progress field write it whenever they ran at all,
 * that is, after every result except E2BIG, ENOTTY, EOPNOTSUPP, EFAULT on the
 * structure itself and EINVAL on its scalar fields. After EIO nothing of a VM
 * is to be relied on. The *_INFO calls, LEDGER and GET_DELIVERY still work then,
 * and so do read(), write() and poll() of trap files.
 *
 * Elements of arrays never change their size: a call that comes to need larger
 * ones takes a flag for them.
 */
#ifndef _UAPI_LINUX_VMMU_H
#define _UAPI_LINUX_VMMU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VMMU_API_VERSION	1

#define VMMU_IOC_TYPE		0xBC

/* on each */
#define VMMU_IOC_INFO		_IO(VMMU_IOC_TYPE, 0x00)

/* on /dev/vmmu */
#define VMMU_IOC_VM_CREATE	_IO(VMMU_IOC_TYPE, 0x01)

/* on a VM */
#define VMMU_IOC_VM_INFO	_IO(VMMU_IOC_TYPE, 0x10)
#define VMMU_IOC_POPULATE	_IO(VMMU_IOC_TYPE, 0x11)
#define VMMU_IOC_DISCARD	_IO(VMMU_IOC_TYPE, 0x12)
#define VMMU_IOC_REAL_MAP	_IO(VMMU_IOC_TYPE, 0x13)
#define VMMU_IOC_SPACE_CREATE	_IO(VMMU_IOC_TYPE, 0x14)
#define VMMU_IOC_REAL_OF_FRAME	_IO(VMMU_IOC_TYPE, 0x15)
#define VMMU_IOC_MAPPERS	_IO(VMMU_IOC_TYPE, 0x16)
#define VMMU_IOC_TRAP_CREATE	_IO(VMMU_IOC_TYPE, 0x17)
#define VMMU_IOC_AUDIT		_IO(VMMU_IOC_TYPE, 0x18)

/* on a space */
#define VMMU_IOC_SPACE_INFO	_IO(VMMU_IOC_TYPE, 0x20)
#define VMMU_IOC_SET_ROOT	_IO(VMMU_IOC_TYPE, 0x21)
#define VMMU_IOC_SET_MODE	_IO(VMMU_IOC_TYPE, 0x22)
#define VMMU_IOC_INSTALL	_IO(VMMU_IOC_TYPE, 0x23)
#define VMMU_IOC_TRANSLATE	_IO(VMMU_IOC_TYPE, 0x24)
#define VMMU_IOC_EXPLAIN	_IO(VMMU_IOC_TYPE, 0x25)
#define VMMU_IOC_MAPPINGS	_IO(VMMU_IOC_TYPE, 0x26)
#define VMMU_IOC_READ		_IO(VMMU_IOC_TYPE, 0x27)
#define VMMU_IOC_WRITE		_IO(VMMU_IOC_TYPE, 0x28)
#define VMMU_IOC_CMPXCHG	_IO(VMMU_IOC_TYPE, 0x29)
#define VMMU_IOC_INVALIDATE	_IO(VMMU_IOC_TYPE, 0x2a)
#define VMMU_IOC_FAULT		_IO(VMMU_IOC_TYPE, 0x2b)
#define VMMU_IOC_SET_DELIVERY	_IO(VMMU_IOC_TYPE, 0x2c)
#define VMMU_IOC_GET_DELIVERY	_IO(VMMU_IOC_TYPE, 0x2d)

/* on a VM and a space */
#define VMMU_IOC_LEDGER		_IO(VMMU_IOC_TYPE, 0x40)

/* on a trap */
#define VMMU_IOC_TRAP_INFO	_IO(VMMU_IOC_TYPE, 0x30)

/**
 * enum vmmu_format_id - format of a guest's page table
 * @VMMU_FORMAT_X86_64_4LEVEL: x86-64 4-level paging, 48-bit virtual addresses
 *	(Intel SDM volume 3, 4.5)
 * @VMMU_FORMAT_X86_64_5LEVEL: x86-64 5-level paging, 57-bit virtual addresses
 *	(the same, with CR4.LA57)
 *
 * Levels count from 1, the one whose entries map 4 KiB pages (PTE), upwards:
 * 2 PDE, 3 PDPTE, 4 PML4E, 5 PML5E.
 */
enum vmmu_format_id {
	VMMU_FORMAT_X86_64_4LEVEL = 1,
	VMMU_FORMAT_X86_64_5LEVEL = 2,
};

/* Mode bits of the x86-64 formats (struct vmmu_mode.bits). */
#define VMMU_MODE_WP		(1ULL << 0)	/* CR0.WP */
#define VMMU_MODE_NXE		(1ULL << 1)	/* EFER.NXE */
#define VMMU_MODE_SMEP		(1ULL << 2)	/* CR4.SMEP */
#define VMMU_MODE_SMAP		(1ULL << 3)	/* CR4.SMAP */
#define VMMU_MODE_AC		(1ULL << 4)	/* EFLAGS.AC: overrides SMAP */
#define VMMU_MODE_PKE		(1ULL << 5)	/* CR4.PKE */
#define VMMU_MODE_CPL3		(1ULL << 6)	/* the program runs at CPL 3 */

/**
 * struct vmmu_mode - processor state that a walk depends on
 * @bits: VMMU_MODE_* of the space's format. Unknown bits: EOPNOTSUPP.
 * @pkru: the PKRU register; used when @bits has VMMU_MODE_PKE.
 * @maxphyaddr: width of a physical (here: real) address in bits, 32 to 52.
 *	Address bits of an entry from here to bit 51 are reserved.
 * @reserved: must be 0: room for the registers of other formats.
 */
struct vmmu_mode {
	__aligned_u64 bits;
	__u32 pkru;
	__u32 maxphyaddr;
	__aligned_u64 reserved[2];
};

/**
 * enum vmmu_reason - the rule that ended a walk, an install or a translation
 * @VMMU_REASON_NONE: nothing went wrong
 * @VMMU_REASON_NONCANONICAL: the virtual address is not canonical. On a CPU
 *	this is a general-protection fault, not a page fault.
 * @VMMU_REASON_TABLE_BEYOND_REAL: the page table of this level lies beyond
 *	real memory
 * @VMMU_REASON_NOT_PRESENT: the entry of this level is not present
 * @VMMU_REASON_RESERVED: the entry of this level has a reserved bit set
 * @VMMU_REASON_LARGE_PAGE: install only: the entry of this level is a large
 *	page, so there is no table below it
 * @VMMU_REASON_USER: a user access, and the entry of this level is
 *	supervisor's
 * @VMMU_REASON_SMEP: a supervisor fetch from a user page
 * @VMMU_REASON_SMAP: a supervisor access to a user page with SMAP and no AC
 * @VMMU_REASON_WRITE: a write, and the entry of this level is read-only
 * @VMMU_REASON_NX: a fetch, and the entry of this level is no-execute
 * @VMMU_REASON_PKEY: the page's protection key forbids the access
 * @VMMU_REASON_BEYOND_REAL: the entry of this level maps a page beyond real
 *	memory
 * @VMMU_REASON_NOT_BACKED: the real page has no frame yet (a result, not a
 *	refusal: ra is valid)
 * @VMMU_REASON_NOFRAME: there was no frame to be had (comes with ENOMEM)
 * @VMMU_REASON_EXECUTE_ONLY: windows only: the page may be fetched from, but
 *	not read (SMAP or a protection key forbids that), which the host's page
 *	tables can't express
 * @VMMU_REASON_NOT_A_TABLE: install by real address only: no TRAPPING space of the
 *	VM has a page table there
 * @VMMU_REASON_DENIED: a monitor has denied the install
 *
 * Where several rules forbid an access the first of USER, SMEP, SMAP, WRITE,
 * NX, PKEY is named, and the highest level at which it does.
 */
enum vmmu_reason {
	VMMU_REASON_NONE = 0,
	VMMU_REASON_NONCANONICAL = 1,
	VMMU_REASON_TABLE_BEYOND_REAL = 2,
	VMMU_REASON_NOT_PRESENT = 3,
	VMMU_REASON_RESERVED = 4,
	VMMU_REASON_LARGE_PAGE = 5,
	VMMU_REASON_USER = 6,
	VMMU_REASON_SMEP = 7,
	VMMU_REASON_SMAP = 8,
	VMMU_REASON_WRITE = 9,
	VMMU_REASON_NX = 10,
	VMMU_REASON_PKEY = 11,
	VMMU_REASON_BEYOND_REAL = 12,
	VMMU_REASON_NOT_BACKED = 13,
	VMMU_REASON_NOFRAME = 14,
	VMMU_REASON_EXECUTE_ONLY = 15,
	VMMU_REASON_NOT_A_TABLE = 16,
	VMMU_REASON_DENIED = 17,
};

/* Architectural page-fault error code of x86 (Intel SDM volume 3, 4.7). */
#define VMMU_PF_P	(1U << 0)	/* 0: not present */
#define VMMU_PF_W	(1U << 1)	/* a write */
#define VMMU_PF_U	(1U << 2)	/* a user access */
#define VMMU_PF_RSVD	(1U << 3)	/* a reserved bit; implies P */
#define VMMU_PF_I	(1U << 4)	/* a fetch, with NXE or SMEP */
#define VMMU_PF_PK	(1U << 5)	/* the protection key */

/* Rights that a page table grants: AND over the levels. */
#define VMMU_RIGHT_READ		(1U << 0)
#define VMMU_RIGHT_WRITE	(1U << 1)
#define VMMU_RIGHT_EXEC		(1U << 2)
#define VMMU_RIGHT_USER		(1U << 3)

/* struct vmmu_info.features */
#define VMMU_FEATURE_POPULATE	(1ULL << 0)	/* POPULATE and DISCARD */
#define VMMU_FEATURE_REAL_MAP	(1ULL << 1)	/* REAL_MAP */
#define VMMU_FEATURE_INSTALL	(1ULL << 2)	/* INSTALL (hypercalls) */
#define VMMU_FEATURE_TRANSLATE	(1ULL << 3)	/* TRANSLATE, EXPLAIN */
#define VMMU_FEATURE_MAPPINGS	(1ULL << 4)	/* MAPPINGS */
#define VMMU_FEATURE_MEMORY	(1ULL << 5)	/* READ, WRITE, CMPXCHG */
#define VMMU_FEATURE_REVERSE	(1ULL << 6)	/* REAL_OF_FRAME, MAPPERS */
#define VMMU_FEATURE_WINDOWS	(1ULL << 7)	/* windows, INVALIDATE, FAULT */
#define VMMU_FEATURE_TRAPS	(1ULL << 8)	/* trap files, SET_DELIVERY */
#define VMMU_FEATURE_AUDIT	(1ULL << 9)	/* AUDIT */
#define VMMU_FEATURE_TRAPPING	(1ULL << 10)	/* TRAPPING spaces, LEDGER */

/**
 * struct vmmu_info - VMMU_IOC_INFO: what this module can do
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @api_version: out: VMMU_API_VERSION of the module.
 * @page_shift: out: log2 of the bytes in a real page (12).
 * @formats: out: bit (1 << f) is set for every supported enum vmmu_format_id f.
 * @features: out: VMMU_FEATURE_*. TRAPPING also stands for VMMU_INSTALL_BY_RA,
 *	VMMU_REAL_TABLE, GET_DELIVERY, the kind of SET_DELIVERY with NOTIFY and ASK,
 *	and for what AUDIT says of page tables.
 * @vm_flags: out: flags that VMMU_IOC_VM_CREATE takes.
 * @space_flags: out: flags that VMMU_IOC_SPACE_CREATE takes.
 * @max_real_bytes: out: largest real memory of a VM.
 * @max_batch: out: most elements of one call, at least 4096.
 * @max_levels: out: most levels of any format: most steps of an EXPLAIN.
 * @memlock_bytes: out: what the caller's user may still charge by a VM
 *	created now; ~0 when it is not bounded (CAP_IPC_LOCK).
 * @module_version: out: version of the module, as a string.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EOPNOTSUPP (@flags).
 */
struct vmmu_info {
	__u32 size;
	__u32 flags;
	__u32 api_version;
	__u32 page_shift;
	__aligned_u64 formats;
	__aligned_u64 features;
	__aligned_u64 vm_flags;
	__aligned_u64 space_flags;
	__aligned_u64 max_real_bytes;
	__u32 max_batch;
	__u32 max_levels;
	__aligned_u64 memlock_bytes;
	__u8 module_version[16];
};

/**
 * struct vmmu_vm_create - VMMU_IOC_VM_CREATE: a VM with real memory
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @real_bytes: in: size of real memory, a multiple of 4096 from 4096 to
 *	info.max_real_bytes. Costs nothing until pages are touched.
 * @fd: out: the VM's file descriptor, close-on-exec.
 * @reserved: must be 0.
 * @id: out: the VM's id, unique among the VMs that live.
 *
 * Frames and tables of the VM count against the RLIMIT_MEMLOCK that the
 * caller has now, for as long as the VM lives, unless the caller has
 * CAP_IPC_LOCK; and against the memory cgroup of whoever causes each.
 *
 * mmap() of the VM at offset ra, MAP_SHARED, maps real memory from the real address
 * ra on. Its frames never leave memory, so mlock() has no effect. Such a mapping is
 * left out of core dumps. mremap() moves it, but makes it neither larger nor two;
 * and parts of it that mprotect() has set apart do not join again.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size, @real_bytes), EMFILE, ENFILE, ENOMEM,
 * EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_vm_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 real_bytes;
	__s32 fd;
	__u32 reserved;
	__aligned_u64 id;
};

/* struct vmmu_vm_info.state */
#define VMMU_VM_DEAD		(1U << 0)	/* calls fail with EIO */
#define VMMU_VM_FRAMES_SHOWN	(1U << 1)	/* the caller sees frame numbers */

/**
 * struct vmmu_vm_info - VMMU_IOC_VM_INFO: a VM's settings and counters
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @id: out: the VM's id.
 * @real_bytes: out: size of its real memory.
 * @state: out: VMMU_VM_*.
 * @nr_spaces: out: spaces that live.
 * @frames: out: real pages that have a frame now.
 * @tables: out: pages of the real map table.
 * @charged_bytes: out: what the VM has charged to its creator's user.
 * @limit_bytes: out: the RLIMIT_MEMLOCK it was created under; ~0: none.
 * @sequence: out: the invalidation sequence. Grows whenever a translation
 *	that was given out may have become wrong: a frame is taken away, an
 *	install changes an entry that was present (more than by setting A or D),
 *	a root or a mode changes, or a guest invalidates.
 * @zaps: out: ranges of windows that were zapped: host PTEs taken away.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EOPNOTSUPP (@flags). Works on a dead
 * VM.
 */
struct vmmu_vm_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__aligned_u64 real_bytes;
	__u32 state;
	__u32 nr_spaces;
	__aligned_u64 frames;
	__aligned_u64 tables;
	__aligned_u64 charged_bytes;
	__aligned_u64 limit_bytes;
	__aligned_u64 sequence;
	__aligned_u64 zaps;
};

/**
 * struct vmmu_range - VMMU_IOC_POPULATE, VMMU_IOC_DISCARD: a range of real
 *	memory
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @ra: in: first real address, a multiple of 4096.
 * @bytes: in: length, a positive multiple of 4096 within real memory.
 * @done: out: bytes from @ra on that are done; less than @bytes only after
 *	ENOMEM or EINTR.
 *
 * POPULATE gives a zeroed frame to every real page of the range that has none.
 *
 * DISCARD takes the frames away: every mapping of those pages is gone when the
 * call returns, and the next access reads zeroes. A frame that something else
 * still holds (a pin, a pipe) lives on, detached and charged, until it is let
 * go. The real map's own tables stay until the VM is closed.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @ra, @bytes), EIO, ENOMEM
 * (POPULATE only), EOPNOTSUPP (@flags).
 */
struct vmmu_range {
	__u32 size;
	__u32 flags;
	__aligned_u64 ra;
	__aligned_u64 bytes;
	__aligned_u64 done;
};

/* struct vmmu_real_map_entry.flags */
#define VMMU_REAL_WRITABLE	(1U << 0)	/* may be written through */
#define VMMU_REAL_ACCESSED	(1U << 1)	/* was mapped or walked */
#define VMMU_REAL_DIRTY		(1U << 2)	/* was writable or changed */
#define VMMU_REAL_FRAME_HIDDEN	(1U << 3)	/* frame reads 0: no right */
#define VMMU_REAL_TABLE		(1U << 4)	/* a TRAPPING space's page table */

/**
 * struct vmmu_real_map_entry - one present entry of a real map table
 * @ra: real address of the page, or of the block, that it maps.
 * @frame: host page frame number; 0 with VMMU_REAL_FRAME_HIDDEN.
 * @flags: VMMU_REAL_*.
 * @page_shift: log2 of the bytes it maps.
 */
struct vmmu_real_map_entry {
	__aligned_u64 ra;
	__aligned_u64 frame;
	__u32 flags;
	__u32 page_shift;
};

/**
 * struct vmmu_real_map - VMMU_IOC_REAL_MAP: read the real map table
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @ra: in: where to start, a multiple of 4096; out: where to go on; the size
 *	of real memory when everything was seen.
 * @last: in: last real address to look at, inclusive (~0: to the end).
 * @nr: in: capacity of @entries, 1 to info.max_batch.
 * @done: out: entries written.
 * @entries: in: address of an array of &struct vmmu_real_map_entry.
 *
 * Gives the present entries from @ra on, in order. A frame number is a
 * snapshot; it is shown to callers that have CAP_SYS_ADMIN, of VMs whose
 * creator had it.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @ra, @last, @nr), EIO,
 * EOPNOTSUPP (@flags).
 */
struct vmmu_real_map {
	__u32 size;
	__u32 flags;
	__aligned_u64 ra;
	__aligned_u64 last;
	__u32 nr;
	__u32 done;
	__aligned_u64 entries;
};

/*
 * Flags of VMMU_IOC_SPACE_CREATE.
 *
 * A LAZY space notices plain stores to its page table when an access or a
 * translation walks them; what was established by INSTALL is coherent at once.
 *
 * A TRAPPING space's page table is write-protected, in every mapping of real memory
 * and every window, in every process. A store to it traps, and is made as an
 * install: the page that the entry maps has its frame, and nothing uses what it
 * said before, when the program goes on. So it is if one instruction of 64-bit user
 * code stores 4 or 8 bytes, aligned: mov, movnti, xchg, cmpxchg, xadd, and, or, xor,
 * add, sub, inc, dec, bts, btr, btc. Tables that are linked into the tree, or leave
 * it, follow. Making such a space, or linking tables, looks at each of their entries
 * once.
 *
 * Any other store (other instructions, 32-bit code, system calls, debuggers, code
 * that is single-stepped or watched, or in a restartable sequence) opens that page,
 * which then is writable; what lies below it is taken from windows. Before anything
 * that depends on it is used or told the page is protected again, and compared with
 * what it was: each entry that has changed is an install, which provides frames and
 * makes records, whatever the call is that it is compared for. As long as something
 * holds the page (direct I/O, vmsplice() into a pipe, KVM or VFIO) it stays writable,
 * and what lies below it follows the contract of a LAZY space.
 *
 * A store fails with SIGBUS, in system calls with EFAULT, if there is no memory for
 * what it takes; a call that finds an open page, with ENOMEM. DISCARD of a page table
 * is as if all of its entries became zero. Bits of addresses that are reserved in
 * some modes only do not count as such where tables are followed.
 */
#define VMMU_SPACE_LAZY		0
#define VMMU_SPACE_TRAPPING	(1U << 0)

/**
 * struct vmmu_space_create - VMMU_IOC_SPACE_CREATE: register a page table
 * @size: in: size of this structure.
 * @flags: in: VMMU_SPACE_LAZY or VMMU_SPACE_TRAPPING; what info.space_flags
 *	does not name is refused with EOPNOTSUPP.
 * @format: in: enum vmmu_format_id. Unknown: EOPNOTSUPP.
 * @fd: out: the space's file descriptor, close-on-exec.
 * @root: in: real address of the root table, a multiple of 4096 below
 *	2^maxphyaddr. It may lie beyond real memory: walks then say so.
 * @mode: in: see &struct vmmu_mode.
 * @id: out: the space's id, unique within the VM.
 *
 * Errors: E2BIG, EFAULT, EINTR (TRAPPING only), EINVAL (@size, @root, @mode), EIO,
 * EMFILE, ENFILE, ENOMEM, EOPNOTSUPP (@flags, @format, @mode).
 */
struct vmmu_space_create {
	__u32 size;
	__u32 flags;
	__u32 format;
	__s32 fd;
	__aligned_u64 root;
	struct vmmu_mode mode;
	__aligned_u64 id;
};

/**
 * struct vmmu_space_info - VMMU_IOC_SPACE_INFO: read a space back
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @space_flags: out: the flags it was created with.
 * @format: out: enum vmmu_format_id.
 * @root: out: real address of the root table.
 * @mode: out: the mode.
 * @id: out: the space's id.
 * @vm_id: out: the id of its VM.
 * @real_bytes: out: size of the VM's real memory.
 * @levels: out: number of levels of the format.
 * @va_bits: out: width of a virtual address.
 * @delivery: out: enum vmmu_delivery of guest page faults; of installs see
 *	&struct vmmu_get_delivery.
 * @reserved: out: 0.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EOPNOTSUPP (@flags). Works on a dead
 * VM.
 */
struct vmmu_space_info {
	__u32 size;
	__u32 flags;
	__u32 space_flags;
	__u32 format;
	__aligned_u64 root;
	struct vmmu_mode mode;
	__aligned_u64 id;
	__aligned_u64 vm_id;
	__aligned_u64 real_bytes;
	__u32 levels;
	__u32 va_bits;
	__u32 delivery;
	__u32 reserved;
};

/**
 * struct vmmu_set_root - VMMU_IOC_SET_ROOT: change the root (as mov to CR3)
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @root: in: as in &struct vmmu_space_create.
 *
 * No window uses what the old root granted when the call returns; the same root
 * again drops everything, too.
 *
 * Errors: E2BIG, EFAULT, EINTR and ENOMEM (of TRAPPING spaces only), EINVAL (@size,
 * @root), EIO, EOPNOTSUPP (@flags).
 */
struct vmmu_set_root {
	__u32 size;
	__u32 flags;
	__aligned_u64 root;
};

/**
 * struct vmmu_set_mode - VMMU_IOC_SET_MODE: change the mode bits
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @mode: in: as in &struct vmmu_space_create. The root must fit under the new
 *	maxphyaddr.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size, @mode), EIO, EOPNOTSUPP (@flags,
 * @mode).
 */
struct vmmu_set_mode {
	__u32 size;
	__u32 flags;
	struct vmmu_mode mode;
};

/**
 * enum vmmu_outcome - what an install did
 * @VMMU_OUTCOME_NONE: nothing: the batch stopped before it
 * @VMMU_OUTCOME_CLEARED: the entry is not present now
 * @VMMU_OUTCOME_TABLE: the entry refers to a table of the next level
 * @VMMU_OUTCOME_PAGE: the entry maps a page; the real page of a 4 KiB page,
 *	or with VMMU_INSTALL_PROVIDE of a larger one, has its frame in the real
 *	map table
 * @VMMU_OUTCOME_RESERVED: the entry was stored but has a reserved bit set, and
 *	establishes nothing
 * @VMMU_OUTCOME_BEYOND_REAL: the entry was stored but refers to a page beyond
 *	real memory, and establishes nothing
 */
enum vmmu_outcome {
	VMMU_OUTCOME_NONE = 0,
	VMMU_OUTCOME_CLEARED = 1,
	VMMU_OUTCOME_TABLE = 2,
	VMMU_OUTCOME_PAGE = 3,
	VMMU_OUTCOME_RESERVED = 4,
	VMMU_OUTCOME_BEYOND_REAL = 5,
};

/**
 * struct vmmu_install_op - one entry to store
 * @va: in: a virtual address that the entry takes part in translating; with
 *	VMMU_INSTALL_BY_RA the entry's real address, a multiple of 8 in real
 *	memory.
 * @value: in: the new entry, in the space's format. Any value is stored, as on
 *	a CPU.
 * @level: in: level of the entry, 1 (last) to the number of levels; with
 *	VMMU_INSTALL_BY_RA 0.
 * @reserved: must be 0.
 */
struct vmmu_install_op {
	__aligned_u64 va;
	__aligned_u64 value;
	__u32 level;
	__u32 reserved;
};

/*
 * Flags of VMMU_IOC_INSTALL.
 * ATOMIC: when an element fails, put back what was done: all or nothing. The
 *	final state, not isolation: others may see the batch half done, an
 *	entry that was stored to meanwhile keeps that value, and frames that
 *	were provided stay.
 * STOP: an entry that would establish nothing (RESERVED, BEYOND_REAL) is not
 *	stored; the batch stops there.
 * PROVIDE: an entry that maps a large page, where the element names it, gets all its
 *	frames at once.
 * BY_RA: elements name their entry by its real address, in a page table of any
 *	TRAPPING space of the VM (as Xen's mmu_update). What it serves for there
 *	follows, however many addresses that are.
 */
#define VMMU_INSTALL_ATOMIC	(1U << 0)
#define VMMU_INSTALL_STOP	(1U << 1)
#define VMMU_INSTALL_PROVIDE	(1U << 2)
#define VMMU_INSTALL_BY_RA	(1U << 3)

/**
 * struct vmmu_install - VMMU_IOC_INSTALL: store page-table entries
 * @size: in: size of this structure.
 * @flags: in: VMMU_INSTALL_*.
 * @nr: in: number of elements, 1 to info.max_batch.
 * @done: out: elements that are in force: those before @index, or 0 when
 *	VMMU_INSTALL_ATOMIC put them back.
 * @index: out: the element that stopped the batch; @nr when none did.
 * @reason: out: enum vmmu_reason: why it stopped there.
 * @level: out: the level at which the reason was found; with
 *	VMMU_INSTALL_BY_RA 0.
 * @reserved: must be 0.
 * @ops: in: address of an array of &struct vmmu_install_op.
 * @outcomes: in: address of an array of @nr bytes, each to receive an enum
 *	vmmu_outcome, or 0. Bytes from @index on are left alone.
 *
 * Stores the elements in order, each by one atomic exchange. A missing
 * table above an entry, or a table beyond real memory, stops the batch
 * (ENXIO); elements may use tables that earlier ones established. The real
 * page of every last-level entry that becomes valid gets its frame in the
 * real map table before the entry is stored.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @nr; an element's level, and with
 * VMMU_INSTALL_BY_RA its address), EIO, ENOMEM, ENXIO, EOPNOTSUPP (@flags,
 * @reserved; an element's reserved), EPERM. @done and @index are written after
 * EFAULT of an array, EINVAL and EOPNOTSUPP of an element, EINTR, ENOMEM, ENXIO and
 * EPERM.
 */
struct vmmu_install {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 done;
	__u32 index;
	__u32 reason;
	__u32 level;
	__u32 reserved;
	__aligned_u64 ops;
	__aligned_u64 outcomes;
};

/**
 * enum vmmu_access - what a translation is for
 * @VMMU_ACCESS_READ: a data read
 * @VMMU_ACCESS_WRITE: a data write
 * @VMMU_ACCESS_FETCH: an instruction fetch
 */
enum vmmu_access {
	VMMU_ACCESS_READ = 0,
	VMMU_ACCESS_WRITE = 1,
	VMMU_ACCESS_FETCH = 2,
};

/* struct vmmu_translation.flags */
#define VMMU_TRANSLATED		(1U << 0)	/* ra, page_shift, rights hold */
#define VMMU_TRANSLATED_BACKED	(1U << 1)	/* the real page has a frame */
#define VMMU_TRANSLATED_FRAME	(1U << 2)	/* frame holds: it may be seen */
#define VMMU_PAGE_FAULT		(1U << 3)	/* error_code holds */

/**
 * struct vmmu_translation - the answer for one virtual address
 * @ra: real address, the offset within the page included. Holds, as do
 *	@page_shift and @rights, also with VMMU_REASON_BEYOND_REAL, though
 *	nothing is there.
 * @frame: host page frame number of the 4 KiB page at @ra, a snapshot; 0
 *	without VMMU_TRANSLATED_FRAME.
 * @error_code: what a CPU would push (VMMU_PF_*).
 * @flags: VMMU_TRANSLATED*, VMMU_PAGE_FAULT.
 * @reason: enum vmmu_reason. NONE or NOT_BACKED where VMMU_TRANSLATED is set.
 * @level: the level at which the reason was found, the leaf's where the
 *	translation succeeded, 0 for an address that is not canonical.
 * @page_shift: log2 of the bytes that the leaf maps.
 * @rights: VMMU_RIGHT_* that all levels together grant (protection keys,
 *	SMEP, SMAP and WP aside).
 * @reserved: 0.
 */
struct vmmu_translation {
	__aligned_u64 ra;
	__aligned_u64 frame;
	__u32 error_code;
	__u32 flags;
	__u8 reason;
	__u8 level;
	__u8 page_shift;
	__u8 rights;
	__u32 reserved;
};

/*
 * Flags of VMMU_IOC_TRANSLATE and VMMU_IOC_EXPLAIN.
 * USER: a user access; without it a supervisor's, and an explicit one (so that
 *	AC overrides SMAP), whatever CPL3 says.
 * SET_AD: set Accessed and, for a write, Dirty, as a CPU would, once the
 *	access is known to succeed.
 * PROVIDE: give the real page a frame when it has none. Without it, only entries
 *	that are found changed in an open page get frames, see
 *	VMMU_SPACE_TRAPPING.
 */
#define VMMU_TRANSLATE_USER	(1U << 0)
#define VMMU_TRANSLATE_SET_AD	(1U << 1)
#define VMMU_TRANSLATE_PROVIDE	(1U << 2)

/**
 * struct vmmu_translate - VMMU_IOC_TRANSLATE: virtual to real to frame
 * @size: in: size of this structure.
 * @flags: in: VMMU_TRANSLATE_*.
 * @access: in: enum vmmu_access.
 * @nr: in: number of addresses, 1 to info.max_batch.
 * @done: out: number of answers written.
 * @reserved: must be 0.
 * @va: in: when @vas is 0: the first address; the others follow at steps of
 *	4096. The range must not wrap. Ignored when @vas is given.
 * @vas: in: address of an array of @nr 64-bit virtual addresses, or 0.
 * @results: in: address of an array of @nr &struct vmmu_translation. With 0,
 *	which needs @nr 1, the answer is in @result.
 * @result: out: the answer, when @results is 0.
 *
 * An address that does not translate is an answer, not an error. After ENOMEM
 * the answer behind the last good one, at @done, says NOFRAME.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @access, @nr, @va, @results),
 * EIO, ENOMEM (VMMU_TRANSLATE_PROVIDE, TRAPPING spaces), EOPNOTSUPP (@flags,
 * @reserved).
 */
struct vmmu_translate {
	__u32 size;
	__u32 flags;
	__u32 access;
	__u32 nr;
	__u32 done;
	__u32 reserved;
	__aligned_u64 va;
	__aligned_u64 vas;
	__aligned_u64 results;
	struct vmmu_translation result;
};

/**
 * struct vmmu_step - an entry that a walk read
 * @ra: real address of the entry.
 * @value: the entry, with A and D as the walk left them.
 * @level: its level.
 * @rights: VMMU_RIGHT_* that this entry alone grants; 0 when it is not
 *	present or malformed.
 */
struct vmmu_step {
	__aligned_u64 ra;
	__aligned_u64 value;
	__u32 level;
	__u32 rights;
};

/**
 * struct vmmu_explain - VMMU_IOC_EXPLAIN: one translation, with every entry
 * @size: in: size of this structure.
 * @flags: in: VMMU_TRANSLATE_*.
 * @access: in: enum vmmu_access.
 * @nr: in: capacity of @steps, at least the format's number of levels.
 * @done: out: steps written: the entries that were read.
 * @reserved: must be 0.
 * @va: in: the virtual address.
 * @steps: in: address of an array of &struct vmmu_step, root first.
 * @result: out: as from VMMU_IOC_TRANSLATE.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @access, @nr), EIO, ENOMEM
 * (VMMU_TRANSLATE_PROVIDE, TRAPPING spaces), EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_explain {
	__u32 size;
	__u32 flags;
	__u32 access;
	__u32 nr;
	__u32 done;
	__u32 reserved;
	__aligned_u64 va;
	__aligned_u64 steps;
	struct vmmu_translation result;
};

/* struct vmmu_mapping.flags */
#define VMMU_MAPPING_BEYOND_REAL	(1U << 0)	/* ra is beyond real memory */

/**
 * struct vmmu_mapping - a run of pages that a page table maps alike
 * @va: first virtual address, sign-extended.
 * @bytes: length.
 * @ra: real address of the first page; the others follow.
 * @attributes: the last-level entry without its address: the same for each
 *	page of the run.
 * @rights: VMMU_RIGHT_* that all levels together grant.
 * @page_shift: log2 of the page size.
 * @flags: VMMU_MAPPING_*.
 * @reserved: 0.
 */
struct vmmu_mapping {
	__aligned_u64 va;
	__aligned_u64 bytes;
	__aligned_u64 ra;
	__aligned_u64 attributes;
	__u32 rights;
	__u32 page_shift;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct vmmu_mappings - VMMU_IOC_MAPPINGS: list what a page table maps
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @va: in: canonical address to start at; out: where to go on.
 * @last: in: last canonical address to look at, inclusive, not below @va.
 * @nr: in: capacity of @mappings, 1 to info.max_batch.
 * @done: out: mappings written.
 * @more: out: 1 when there may be more from @va on, 0 when @last was reached.
 * @reserved: must be 0.
 * @mappings: in: address of an array of &struct vmmu_mapping.
 *
 * Addresses count as unsigned; the hole between the canonical halves is
 * stepped over. A run may be reported in several pieces. Sets no A or D, and
 * provides no frame but for what is found in open pages of TRAPPING spaces.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @va, @last, @nr), EIO, ENOMEM
 * (TRAPPING spaces only), EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_mappings {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 last;
	__u32 nr;
	__u32 done;
	__u32 more;
	__u32 reserved;
	__aligned_u64 mappings;
};

/**
 * struct vmmu_memory - VMMU_IOC_READ, VMMU_IOC_WRITE: guest-virtual memory
 * @size: in: size of this structure.
 * @flags: in: VMMU_TRANSLATE_USER, VMMU_TRANSLATE_SET_AD.
 * @va: in: first virtual address.
 * @bytes: in: length; positive, and the range must not wrap.
 * @buffer: in: address of @bytes bytes of the caller's memory.
 * @done: out: bytes from @va on that are done.
 * @result: out: after ENXIO, ENOMEM and EHWPOISON the translation of the
 *	address at which the call stopped; otherwise 0.
 *
 * READ copies from the guest's memory to the caller's, WRITE the other way, by
 * the rights that the page table grants to a read or a write: where TRANSLATE
 * names a reason, so does this call, and stops (ENXIO). Other memory than the
 * guest program may touch is reached through real memory.
 *
 * A real page without a frame reads as zeroes; WRITE gives it one. An aligned
 * value of 1, 2, 4 or 8 bytes alone is read or written at once; longer ranges
 * are not, and another write may come in between. WRITE changes a page only
 * after the bytes for it have been read, so EFAULT leaves no half of a value.
 *
 * Errors: E2BIG, EFAULT, EHWPOISON, EINTR, EINVAL (@size, @va, @bytes), EIO,
 * ENOMEM (READ: of TRAPPING spaces only), ENXIO, EOPNOTSUPP (@flags).
 */
struct vmmu_memory {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 bytes;
	__aligned_u64 buffer;
	__aligned_u64 done;
	struct vmmu_translation result;
};

/**
 * struct vmmu_cmpxchg - VMMU_IOC_CMPXCHG: compare-and-exchange of
 *	guest-virtual memory
 * @size: in: size of this structure.
 * @flags: in: VMMU_TRANSLATE_USER, VMMU_TRANSLATE_SET_AD.
 * @va: in: virtual address, a multiple of @bytes.
 * @bytes: in: width of the value: 1, 2, 4 or 8.
 * @swapped: out: 1 when the value was @expected and is @desired now; 0 when it
 *	was something else and still is.
 * @expected: in: what the value has to be, zero-extended.
 * @desired: in: what it is to become, zero-extended.
 * @seen: out: what it was.
 * @result: out: the translation, also after ENXIO, ENOMEM and EHWPOISON.
 *
 * Atomic with regard to everything that changes the guest's memory. Needs the
 * right to write, whether values compare equal or not, as on a CPU, and gives
 * the real page a frame if it has none.
 *
 * Errors: E2BIG, EFAULT, EHWPOISON, EINTR, EINVAL (@size, @va, @bytes,
 * @expected, @desired), EIO, ENOMEM, ENXIO, EOPNOTSUPP (@flags).
 */
struct vmmu_cmpxchg {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__u32 bytes;
	__u32 swapped;
	__aligned_u64 expected;
	__aligned_u64 desired;
	__aligned_u64 seen;
	struct vmmu_translation result;
};

/**
 * struct vmmu_real_of_frame - VMMU_IOC_REAL_OF_FRAME: the real page that has a
 *	frame
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @frame: in: host page frame number.
 * @ra: out: real address of the page that the frame backs in this VM.
 *
 * A snapshot, for those who see frame numbers (VMMU_VM_FRAMES_SHOWN). ENOENT:
 * the frame backs no real page of this VM.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EIO, ENOENT, EOPNOTSUPP (@flags),
 * EPERM.
 */
struct vmmu_real_of_frame {
	__u32 size;
	__u32 flags;
	__aligned_u64 frame;
	__aligned_u64 ra;
};

/**
 * struct vmmu_mapper - a virtual address that maps a real page
 * @space: id of the space.
 * @va: first virtual address of the 4 KiB page, sign-extended.
 * @attributes: the last-level entry without its address.
 * @rights: VMMU_RIGHT_* that all levels together grant.
 * @page_shift: log2 of the bytes that the last-level entry maps.
 */
struct vmmu_mapper {
	__aligned_u64 space;
	__aligned_u64 va;
	__aligned_u64 attributes;
	__u32 rights;
	__u32 page_shift;
};

/**
 * struct vmmu_mappers - VMMU_IOC_MAPPERS: who maps a real page
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @ra: in: real address of the page, a multiple of 4096 within real memory.
 * @space: in: least id of a space to look at, 0 at first; out: where to go on.
 * @va: in: canonical address of that space to start at, 0 at first; out: where
 *	to go on.
 * @nr: in: capacity of @mappers, 1 to info.max_batch.
 * @done: out: mappers written.
 * @more: out: 1 when there may be more from @space and @va on, 0 when every
 *	space has been looked at.
 * @reserved: must be 0.
 * @mappers: in: address of an array of &struct vmmu_mapper.
 *
 * Scans the page tables of the VM's spaces in the order of their ids, each
 * upwards from its lowest address as unsigned numbers: nothing has to be kept
 * for it while guests change their tables. One call scans a bounded part, so
 * it may find nothing and yet say @more. Sets no A or D, and provides no frame but
 * for what is found in open pages of TRAPPING spaces.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @ra, @va, @nr), EIO, ENOMEM
 * (TRAPPING spaces only), EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_mappers {
	__u32 size;
	__u32 flags;
	__aligned_u64 ra;
	__aligned_u64 space;
	__aligned_u64 va;
	__u32 nr;
	__u32 done;
	__u32 more;
	__u32 reserved;
	__aligned_u64 mappers;
};

/*
 * Windows. mmap() of a space at offset va, MAP_SHARED, makes pages whose virtual
 * addresses in the guest begin at va (sign-extended: offsets count as unsigned).
 * A private mapping, or a range that is not canonical or crosses the hole between
 * the halves, gets EINVAL; a dead VM's, EIO. The kernel prefers
 * addresses (before one that the caller hints at) by which aligned 2 MiB of the
 * guest's are aligned 2 MiB of the host's, if it knows transparent huge pages: one
 * page-table page holds either, and one fault may map them all.
 *
 * The host's own MMU translates accesses: it grants what the guest's page
 * table, the real map table and the mapping's PROT bits grant together, to a
 * user's access under VMMU_MODE_CPL3, else to a supervisor's. An access sets
 * Accessed, and a write Dirty, before it is made. It provides the real page's
 * frame.
 *
 * When an INSTALL that changes an entry, a DISCARD, SET_ROOT, SET_MODE or
 * INVALIDATE returns, no window uses what was granted before. A plain store to a
 * page table of a LAZY space is noticed where a page is not shadowed yet, and
 * otherwise after the next INVALIDATE that covers it.
 *
 * INSTALL takes back what its entry says when it comes, in TRAPPING spaces wherever
 * it serves, in LAZY ones with this root below the address that it is named by. In
 * LAZY spaces lives on, until an INVALIDATE, what a plain store had replaced before,
 * and what the same entry grants at other addresses, by tables that refer to
 * themselves or have several above them.
 *
 * An access that is not granted is a guest page fault: SIGSEGV to the thread, with
 * si_addr in the window, or a record, see &struct vmmu_set_delivery. SIGBUS:
 * there is no memory for a frame, the hardware has lost its contents, or the VM is
 * dead. The kernel's own accesses (read() into a window) fail with EFAULT instead;
 * get_user_pages() always does (O_DIRECT, process_vm_readv() from a window,
 * vmsplice() into a pipe, shared futexes, registered buffers of io_uring);
 * ptrace() and /proc/PID/mem work by the guest's rights. Windows are shared by
 * fork() and left out of core dumps.
 *
 * A descriptor of a space is always one to read and write by, and there is no way
 * to a lesser one, so no PROT bits are refused.
 */

#define VMMU_INVALIDATE_ALL	(1U << 0)	/* all addresses: @va, @bytes 0 */

/**
 * struct vmmu_invalidate - VMMU_IOC_INVALIDATE: forget cached translations (as
 *	invlpg, or a reload of CR3)
 * @size: in: size of this structure.
 * @flags: in: VMMU_INVALIDATE_ALL or 0.
 * @va: in: a canonical address.
 * @bytes: in: length of the range that begins there; its last address must be
 *	canonical, too.
 *
 * Covers every page that the range touches, large pages as a whole, global ones
 * as well (Intel SDM volume 3, 4.10.4). Of this space only.
 *
 * Errors: E2BIG, EFAULT, EINTR and ENOMEM (of TRAPPING spaces only), EINVAL (@size,
 * @va, @bytes), EIO, EOPNOTSUPP (@flags).
 */
struct vmmu_invalidate {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 bytes;
};

/**
 * struct vmmu_fault - VMMU_IOC_FAULT: why an access of this thread failed
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @address: in: an address in one of the caller's windows of this space, or where
 *	a store to a page table was denied, as in si_addr.
 * @access: in: enum vmmu_access.
 * @recorded: out: 1: @result tells the calling thread's last fault there, and
 *	it is forgotten now, as are those before it. 0: there is none, and
 *	@result is a translation as things are now.
 * @va: out: the virtual address; for VMMU_REASON_DENIED the entry's real address.
 * @result: out: the reason, the level and the error code; when @recorded is 1
 *	the other fields are 0.
 *
 * A fetch from a page that is mapped but no-execute, and an access that the
 * mapping's own PROT bits forbid, are the host's to refuse: there is no record.
 * If @result tells of no reason then, a plain store may have allowed the fetch in
 * the meantime, or the PROT bits forbid the access: INVALIDATE helps the former.
 * A bounded number of faults is remembered for each space. Of answers to stores to
 * page tables 16 are remembered for each VM, those included that the store has not
 * come back for yet, and of a thread's denied ones the last; that is found through
 * any space of the VM, by VMMU_ACCESS_WRITE.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size, @access), EIO, ENOENT (no window
 * of this space is there), ENOMEM (TRAPPING spaces only), EOPNOTSUPP (@flags).
 */
struct vmmu_fault {
	__u32 size;
	__u32 flags;
	__aligned_u64 address;
	__u32 access;
	__u32 recorded;
	__aligned_u64 va;
	struct vmmu_translation result;
};

/**
 * enum vmmu_trap_kind - what a record is about, and how it came
 * @VMMU_TRAP_FAULT: a guest page fault
 * @VMMU_TRAP_HYPERCALL: an install by INSTALL
 * @VMMU_TRAP_STORE: an install by a store to a page table of a TRAPPING space
 * @VMMU_TRAP_REREAD: likewise, by a store that was not seen, but found when the
 *	page was compared with what it had been
 * @VMMU_TRAP_DISCARD: an entry of such a table became zero by DISCARD
 */
enum vmmu_trap_kind {
	VMMU_TRAP_FAULT = 1,
	VMMU_TRAP_HYPERCALL = 2,
	VMMU_TRAP_STORE = 3,
	VMMU_TRAP_REREAD = 4,
	VMMU_TRAP_DISCARD = 5,
};

/**
 * enum vmmu_delivery - what becomes of a guest page fault, or of an install
 * @VMMU_DELIVER_SIGNAL: faults: SIGSEGV to the thread
 * @VMMU_DELIVER_RECORD: faults: a record on a trap file; the thread sleeps until
 *	it is answered
 * @VMMU_DELIVER_NONE: installs: nothing
 * @VMMU_DELIVER_NOTIFY: installs: a record on a trap file; nobody waits, and the
 *	record is dropped where there is no room
 * @VMMU_DELIVER_ASK: installs by HYPERCALL and STORE: a record on a trap file,
 *	before; the thread waits for the answer
 */
enum vmmu_delivery {
	VMMU_DELIVER_SIGNAL = 0,
	VMMU_DELIVER_RECORD = 1,
	VMMU_DELIVER_NONE = 2,
	VMMU_DELIVER_NOTIFY = 3,
	VMMU_DELIVER_ASK = 4,
};

/**
 * struct vmmu_set_delivery - VMMU_IOC_SET_DELIVERY: where guest page faults, or
 *	installs, of a space go
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @delivery: in: enum vmmu_delivery, one that goes with @kind.
 * @trap: in: RECORD, NOTIFY, ASK: descriptor of a trap file of this VM.
 * @kind: in: enum vmmu_trap_kind; 0: VMMU_TRAP_FAULT.
 * @reserved: must be 0.
 *
 * A thread that sleeps because of this goes on: it makes its access again, or its
 * install is made. When the last descriptor of the trap file is closed its spaces
 * deliver signals, and no records of installs. One that a child has inherited
 * counts: who sleeps with the only one sleeps on.
 *
 * Errors: E2BIG, EBADF (@trap), EFAULT, EINVAL (@size, @delivery, @kind; @trap
 * is another VM's), EIO, ENOMEM, EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_set_delivery {
	__u32 size;
	__u32 flags;
	__u32 delivery;
	__s32 trap;
	__u32 kind;
	__u32 reserved;
};

/**
 * struct vmmu_get_delivery - VMMU_IOC_GET_DELIVERY: read that back
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @kind: in: enum vmmu_trap_kind; 0, which SET_DELIVERY takes for faults, is not.
 * @delivery: out: enum vmmu_delivery, as it is now.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size, @kind), EOPNOTSUPP (@flags). Works on a
 * dead VM.
 */
struct vmmu_get_delivery {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 delivery;
};

/**
 * struct vmmu_trap_create - VMMU_IOC_TRAP_CREATE: a trap file
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @fd: out: its descriptor, close-on-exec.
 * @reserved: must be 0.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EIO, EMFILE, ENFILE, ENOMEM,
 * EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_trap_create {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

/* struct vmmu_trap_record.flags, beside VMMU_PAGE_FAULT. */
#define VMMU_TRAP_WAITS		(1U << 8)	/* somebody waits for an answer */
#define VMMU_TRAP_ROLLBACK	(1U << 9)	/* ATOMIC: an entry is put back */
#define VMMU_TRAP_SHARED	(1U << 10)	/* va is one of several, or 0 */
#define VMMU_TRAP_FRAME_HIDDEN	(1U << 11)	/* frame reads 0: no right */

/**
 * struct vmmu_trap_record - what read() of a trap file gives
 * @kind: enum vmmu_trap_kind.
 * @flags: VMMU_TRAP_*; VMMU_PAGE_FAULT, if @error_code holds.
 * @cookie: names the record in its answer; never used twice in a trap file.
 * @space: id of the space.
 * @va: the virtual address; of an install the first one that the entry takes part
 *	in translating, as far as it is known.
 * @access: enum vmmu_access; of an install 0.
 * @error_code: what a CPU would push (VMMU_PF_*); of an install 0.
 * @tid: the thread, in the reader's PID namespace; 0: not there. Of a REREAD it is
 *	the one that had the page compared, not the one that stored.
 * @reason: enum vmmu_reason.
 * @level: of a fault the level at which the reason was found, of an install the
 *	entry's.
 * @outcome: of an install, enum vmmu_outcome; of a fault 0, as what follows.
 * @reserved: 0.
 * @entry: real address of the entry.
 * @old: what it was.
 * @new: what it is, or becomes.
 * @ra: the real address that @new refers to: a page, or a table.
 * @frame: host page frame number of that; 0: it has none, or with
 *	VMMU_TRAP_FRAME_HIDDEN. A snapshot.
 *
 * read() gives whole records, as many as there are and fit, in the order in which
 * they were made. It waits for the first one, or fails with EINTR if a signal
 * comes, and under O_NONBLOCK with EAGAIN; it returns 0, and poll() says EPOLLHUP,
 * when spaces did deliver here but none does any more. A buffer for less than a
 * record: EINVAL. A record that can't be copied (EFAULT) stays unread.
 *
 * A signal ends a thread's sleep and withdraws its record: a handler runs, and
 * the access is made again, or the call fails with EINTR.
 *
 * An install is told of to each TRAPPING space that its entry may serve, and to the
 * one that a hypercall names. Where only Accessed or Dirty changes, it is none.
 * Spaces that ask about one entry are asked one after the other, in the order of
 * their ids, each about what those before it have made of it; the first DENY ends
 * that.
 */
struct vmmu_trap_record {
	__u32 kind;
	__u32 flags;
	__aligned_u64 cookie;
	__aligned_u64 space;
	__aligned_u64 va;
	__u32 access;
	__u32 error_code;
	__s32 tid;
	__u8 reason;
	__u8 level;
	__u8 outcome;
	__u8 reserved;
	__aligned_u64 entry;
	__aligned_u64 old;
	__aligned_u64 new;
	__aligned_u64 ra;
	__aligned_u64 frame;
};

/**
 * enum vmmu_trap_verdict - an answer to a record
 * @VMMU_VERDICT_RETRY: faults: the thread makes its access again
 * @VMMU_VERDICT_SIGNAL: faults: the thread gets SIGSEGV
 * @VMMU_VERDICT_ALLOW: installs: the entry is stored
 * @VMMU_VERDICT_DENY: installs: a hypercall fails with EPERM and
 *	VMMU_REASON_DENIED, a store gets SIGSEGV
 * @VMMU_VERDICT_REWRITE: installs: another value is stored; VMMU_INSTALL_STOP and
 *	_PROVIDE treat it as if the element had named it
 */
enum vmmu_trap_verdict {
	VMMU_VERDICT_RETRY = 1,
	VMMU_VERDICT_SIGNAL = 2,
	VMMU_VERDICT_ALLOW = 3,
	VMMU_VERDICT_DENY = 4,
	VMMU_VERDICT_REWRITE = 5,
};

/**
 * struct vmmu_trap_answer - what write() to a trap file takes
 * @cookie: the record's.
 * @verdict: enum vmmu_trap_verdict, one that goes with the record's kind.
 * @reserved: must be 0.
 * @value: REWRITE: the entry that is stored; otherwise 0.
 *
 * write() takes whole answers, to records that were read, in order. It returns the
 * bytes of those that were given, or if the first one is in error: EFAULT,
 * EINVAL (no whole answer, or no verdict for it), ENOENT (nobody waits for
 * this answer any more), EOPNOTSUPP (@reserved, @value).
 */
struct vmmu_trap_answer {
	__aligned_u64 cookie;
	__u32 verdict;
	__u32 reserved;
	__aligned_u64 value;
};

/**
 * struct vmmu_trap_info - VMMU_IOC_TRAP_INFO: a trap file's ledger
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @made: out: records made: @read + @withdrawn + @overflowed, and those that
 *	are unread now.
 * @read: out: records read.
 * @withdrawn: out: records whose wait ended before they were read.
 * @overflowed: out: records that nobody waited for, and were dropped unread.
 * @answered: out: records that were answered.
 * @waiting: out: threads that sleep now.
 * @nr_spaces: out: spaces that deliver here, one for each kind.
 * @vm_id: out: the id of the VM.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EOPNOTSUPP (@flags). Works on a dead
 * VM.
 */
struct vmmu_trap_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 made;
	__aligned_u64 read;
	__aligned_u64 withdrawn;
	__aligned_u64 overflowed;
	__aligned_u64 answered;
	__u32 waiting;
	__u32 nr_spaces;
	__aligned_u64 vm_id;
};

/**
 * struct vmmu_audit - VMMU_IOC_AUDIT: check every host PTE of every window, and
 *	every page table of TRAPPING spaces
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @windows: out: mappings looked at, of all processes.
 * @reserved: must be 0.
 * @checked: out: host PTEs looked at.
 * @wrong: out: those that grant more than both levels do now, or lead to
 *	another frame.
 * @space: out: id of the space of the first wrong one; 0: there is none.
 * @va: out: its virtual address.
 * @tables: out: real pages that are page tables of TRAPPING spaces.
 * @tables_wrong: out: how often one is not known as what it is, or not protected
 *	from stores through a mapping of real memory: a page that is mapped twice
 *	may count twice.
 * @ra: out: real address of the first wrong one, if there is any.
 *
 * What is known of page tables is counted again, from the roots. Faults and
 * installs of this VM may wait meanwhile.
 *
 * Where a guest changed the table of a LAZY space by plain stores, and has not
 * invalidated what they cover, a PTE may rightly be wrong.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL (@size), EIO, ENOMEM (TRAPPING spaces only),
 * EOPNOTSUPP (@flags, @reserved).
 */
struct vmmu_audit {
	__u32 size;
	__u32 flags;
	__u32 windows;
	__u32 reserved;
	__aligned_u64 checked;
	__aligned_u64 wrong;
	__aligned_u64 space;
	__aligned_u64 va;
	__aligned_u64 tables;
	__aligned_u64 tables_wrong;
	__aligned_u64 ra;
};

/**
 * struct vmmu_ledger - VMMU_IOC_LEDGER: what a VM or a space has been through
 * @size: in: size of this structure.
 * @flags: in: must be 0.
 * @by_hypercall: out: entries stored by INSTALL.
 * @by_rollback: out: those that an ATOMIC batch put back.
 * @by_store: out: entries stored by trapped stores.
 * @by_reread: out: entries found changed in pages that were open.
 * @by_discard: out: entries of page tables that DISCARD made zero.
 * @traps: out: writes to protected page tables.
 * @opens: out: page tables that were opened for one; also, without a trap, by
 *	WRITE, CMPXCHG and ptrace() through windows.
 * @closes: out: page tables that were closed again, and compared; also those that
 *	somebody held when they became tables, or whose entries could not be
 *	followed when a batch was put back, which count no @opens.
 * @walks: out: walks of page tables, by translations, accesses, faults and
 *	INSTALL.
 * @faults: out: faults in windows.
 * @prefills: out: pages of windows that were mapped after an INSTALL.
 * @zaps: out: ranges of windows that were zapped.
 * @flushes: out: times that some were.
 * @records: out: records for trap files, counted just before they are made: a
 *	signal or the end of the delivery may come first.
 * @refusals: out: accesses to windows that were not granted, and installs that
 *	were denied.
 *
 * Since it was made; a VM's are of all spaces it ever had. What happens to a page
 * table that serves in several ways, in one space or in several, or in none any
 * more, counts for the VM alone; of TRAPPING spaces with one root it counts for one
 * of them. An INSTALL that names its entry by va counts for its own space in any
 * case, and what was denied for the space whose monitor has denied it.
 *
 * Errors: E2BIG, EFAULT, EINVAL (@size), EOPNOTSUPP (@flags). Works on a dead
 * VM.
 */
struct vmmu_ledger {
	__u32 size;
	__u32 flags;
	__aligned_u64 by_hypercall;
	__aligned_u64 by_rollback;
	__aligned_u64 by_store;
	__aligned_u64 by_reread;
	__aligned_u64 by_discard;
	__aligned_u64 traps;
	__aligned_u64 opens;
	__aligned_u64 closes;
	__aligned_u64 walks;
	__aligned_u64 faults;
	__aligned_u64 prefills;
	__aligned_u64 zaps;
	__aligned_u64 flushes;
	__aligned_u64 records;
	__aligned_u64 refusals;
};

#endif /* _UAPI_LINUX_VMMU_H */
