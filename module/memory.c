// SPDX-License-Identifier: GPL-2.0
/*
 * Guest-virtual memory, for debuggers: read, written, compared and exchanged
 * through both levels, by the rights that a translation finds. The frame is
 * held by a reference meanwhile, so no lock is.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "grant.h"
#include "memory.h"
#include "ptpage.h"
#include "settle.h"
#include "translate.h"

/* Bytes that are staged on the stack at a time. */
#define STAGE_BYTES	512

#define FLAGS	(VMMU_TRANSLATE_USER | VMMU_TRANSLATE_SET_AD)

/*
 * The frame behind @va, referenced; NULL, unless the query provides frames: the
 * page reads as zeroes. Returns -ENXIO if the access may not be made, and what
 * vmmu_translate() does; *@result tells why.
 */
static int get_frame(struct vmmu_query *query, struct vmmu_va va,
		     struct vmmu_translation *result, struct page **frame)
{
	struct vmmu_realmap *realmap = &query->space->vm->realmap;

	/* Each further round means that a discard came in between. */
	do {
		int err = vmmu_settle_for(query->space, result);

		if (!err)
			err = vmmu_translate(query, va, result);
		if (err)
			return err;
		if (!(result->flags & VMMU_TRANSLATED))
			return -ENXIO;
		*frame = vmmu_realmap_get(realmap,
					  vmmu_ra_index(vmmu_ra(result->ra)));
		if (*frame && PageHWPoison(*frame)) {
			put_page(*frame);
			return -EHWPOISON;
		}
		if (*frame || !(query->flags & VMMU_TRANSLATE_PROVIDE))
			return 0;
		cond_resched();
	} while (!fatal_signal_pending(current));
	return -EINTR;
}

/*
 * A page table is opened before it is changed here. It can't be closed while we
 * hold its frame: either we see that it is not open, or who closes it sees us.
 */
static int open_table(struct vmmu_vm *vm, u64 index)
{
	u64 entry;

	rcu_read_lock();
	entry = vmmu_realmap_lookup(&vm->realmap, index);
	rcu_read_unlock();
	if (!entry || entry & VMMU_REALMAP_WRITABLE)
		return 0;
	return vmmu_ptpage_open(vm, index);
}

/* Likewise, for a change: the frame is provided, and marked as changed. */
static int get_frame_to_change(struct vmmu_query *query, struct vmmu_va va,
			       struct vmmu_translation *result,
			       struct page **frame)
{
	struct vmmu_vm *vm = query->space->vm;
	int err = get_frame(query, va, result, frame);
	u64 index;

	if (err)
		return err;
	index = vmmu_ra_index(vmmu_ra(result->ra));
	err = open_table(vm, index);
	if (err) {
		put_page(*frame);
		*result = (struct vmmu_translation){
			.reason = VMMU_REASON_NOFRAME,
			.level = 1,
		};
		return err;
	}
	vmmu_realmap_mark(&vm->realmap, index,
			  VMMU_REALMAP_ACCESSED | VMMU_REALMAP_DIRTY);
	return 0;
}

static void *address_in(struct page *frame, struct vmmu_va va)
{
	return page_address(frame) + (va.value & (VMMU_PAGE_BYTES - 1));
}

/* By a single move where one will do: the guest may be using the value. */
static void copy(void *to, const void *from, u32 bytes)
{
	bool aligned = !(((uintptr_t)to | (uintptr_t)from) & (bytes - 1));

	if (aligned && bytes == sizeof(u64))
		WRITE_ONCE(*(u64 *)to, READ_ONCE(*(const u64 *)from));
	else if (aligned && bytes == sizeof(u32))
		WRITE_ONCE(*(u32 *)to, READ_ONCE(*(const u32 *)from));
	else if (aligned && bytes == sizeof(u16))
		WRITE_ONCE(*(u16 *)to, READ_ONCE(*(const u16 *)from));
	else
		memcpy(to, from, bytes);
}

/* Copies up to STAGE_BYTES bytes that lie in one page. */
typedef int chunk_fn(struct vmmu_query *query, struct vmmu_va va,
		     void __user *user, u32 bytes,
		     struct vmmu_translation *result);

static int read_chunk(struct vmmu_query *query, struct vmmu_va va,
		      void __user *user, u32 bytes,
		      struct vmmu_translation *result)
{
	u64 stage[STAGE_BYTES / sizeof(u64)];
	struct page *frame;
	int err = get_frame(query, va, result, &frame);

	if (err)
		return err;
	if (frame) {
		copy(stage, address_in(frame, va), bytes);
		put_page(frame);
	} else {
		memset(stage, 0, bytes);
	}
	return copy_to_user(user, stage, bytes) ? -EFAULT : 0;
}

static int write_chunk(struct vmmu_query *query, struct vmmu_va va,
		       void __user *user, u32 bytes,
		       struct vmmu_translation *result)
{
	u64 stage[STAGE_BYTES / sizeof(u64)];
	struct page *frame;
	int err;

	if (copy_from_user(stage, user, bytes))
		return -EFAULT;
	err = get_frame_to_change(query, va, result, &frame);
	if (err)
		return err;
	copy(address_in(frame, va), stage, bytes);
	put_page(frame);
	return 0;
}

/* Chunk by chunk, none of which crosses a page. */
static int copy_chunks(struct vmmu_query *query, struct vmmu_memory *args,
		       chunk_fn *chunk)
{
	while (args->done < args->bytes) {
		struct vmmu_va va = vmmu_va(args->va + args->done);
		u64 left = args->bytes - args->done;
		u32 bytes = min3(left, (u64)STAGE_BYTES,
				 PAGE_SIZE - offset_in_page(va.value));
		int err = chunk(query, va,
				u64_to_user_ptr(args->buffer + args->done),
				bytes, &args->result);

		if (err)
			return err;
		args->done += bytes;
		cond_resched();
		if (args->done < args->bytes && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static bool result_holds(int err)
{
	return err == -ENXIO || err == -ENOMEM || err == -EHWPOISON;
}

static long read_or_write(struct vmmu_call *call, u32 access, u32 more_flags,
			  chunk_fn *chunk)
{
	struct vmmu_memory *args = call->arg;
	struct vmmu_query query;
	int err;

	if (args->flags & ~FLAGS)
		return -EOPNOTSUPP;
	if (!args->bytes || args->bytes - 1 > ~args->va)
		return -EINVAL;
	args->done = 0;
	vmmu_query_init_caller(&query, call->file->private_data, access,
			       args->flags | more_flags);
	err = copy_chunks(&query, args, chunk);
	if (!result_holds(err))
		args->result = (struct vmmu_translation){ };
	return err;
}

long vmmu_memory_read(struct vmmu_call *call)
{
	return read_or_write(call, VMMU_ACCESS_READ, 0, read_chunk);
}

long vmmu_memory_write(struct vmmu_call *call)
{
	return read_or_write(call, VMMU_ACCESS_WRITE, VMMU_TRANSLATE_PROVIDE,
			     write_chunk);
}

static bool fits(u64 value, u32 bytes)
{
	return bytes == sizeof(u64) || !(value >> (8 * bytes));
}

static u64 exchange(void *at, u32 bytes, u64 expected, u64 desired)
{
	switch (bytes) {
	case sizeof(u8):
		return cmpxchg((u8 *)at, expected, desired);
	case sizeof(u16):
		return cmpxchg((u16 *)at, expected, desired);
	case sizeof(u32):
		return cmpxchg((u32 *)at, expected, desired);
	default:
		return cmpxchg((u64 *)at, expected, desired);
	}
}

long vmmu_memory_cmpxchg(struct vmmu_call *call)
{
	struct vmmu_cmpxchg *args = call->arg;
	struct vmmu_va va = vmmu_va(args->va);
	struct vmmu_query query;
	struct page *frame;
	int err;

	if (args->flags & ~FLAGS)
		return -EOPNOTSUPP;
	if (!is_power_of_2(args->bytes) || args->bytes > sizeof(u64) ||
	    (args->va & (args->bytes - 1)) ||
	    !fits(args->expected, args->bytes) ||
	    !fits(args->desired, args->bytes))
		return -EINVAL;
	args->swapped = 0;
	args->seen = 0;
	vmmu_query_init_caller(&query, call->file->private_data,
			       VMMU_ACCESS_WRITE,
			       args->flags | VMMU_TRANSLATE_PROVIDE);
	err = get_frame_to_change(&query, va, &args->result, &frame);
	if (err)
		return err;
	args->seen = exchange(address_in(frame, va), args->bytes,
			      args->expected, args->desired);
	args->swapped = args->seen == args->expected;
	put_page(frame);
	return 0;
}

/* Copy what lies in one page. */
static int copy_part(struct vmmu_query *query, struct vmmu_va va, void *buffer,
		     u32 bytes)
{
	bool write = query->access.access == VMMU_ACCESS_WRITE;
	struct vmmu_translation result;
	struct page *frame;
	int err = write ? get_frame_to_change(query, va, &result, &frame) :
			  get_frame(query, va, &result, &frame);

	if (err)
		return err;
	if (write)
		copy(address_in(frame, va), buffer, bytes);
	else if (frame)
		copy(buffer, address_in(frame, va), bytes);
	else
		memset(buffer, 0, bytes);
	if (frame)
		put_page(frame);
	return 0;
}

int vmmu_memory_copy(struct vmmu_space *space, struct vmmu_va va, void *buffer,
		     int bytes, bool write)
{
	struct vmmu_query query;
	int done = 0;

	vmmu_grant_query_init(&query, space,
			      write ? VMMU_ACCESS_WRITE : VMMU_ACCESS_READ,
			      write ? VMMU_TRANSLATE_PROVIDE |
				      VMMU_TRANSLATE_SET_AD : 0);
	while (done < bytes) {
		struct vmmu_va at = vmmu_va(va.value + done);
		u32 part = min_t(u64, bytes - done,
				 PAGE_SIZE - offset_in_page(at.value));

		if (copy_part(&query, at, buffer + done, part))
			break;
		done += part;
	}
	return done ?: -EFAULT;
}
