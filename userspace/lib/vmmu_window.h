/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvmmu: the calls about windows, and about guest page faults in them.
 * Included by vmmu.h; its rules are those of the functions there.
 */
#ifndef VMMU_WINDOW_H
#define VMMU_WINDOW_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vmmu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vmmu_window_map() - map a window: guest-virtual memory, in the caller's memory
 * @space: file descriptor of a space.
 * @va: first virtual address, a multiple of 4096.
 * @bytes: length, a positive multiple of 4096; the range is canonical and does
 *	not cross the hole between the halves.
 * @prot: PROT_READ, PROT_WRITE, PROT_EXEC as for mmap(2): the most that the
 *	window grants, whatever the page table says.
 * @at: address for it in the caller's memory, where nothing is mapped yet; NULL
 *	for any.
 * @memory: receives the address that @va has in the caller's memory.
 *
 * The host's MMU translates accesses to it as the space's page table says; what
 * that does not grant is a guest page fault, see vmmu_set_delivery(). munmap(2)
 * ends it.
 *
 * Return: 0; what mmap(2) gives, among it -EINVAL (@va, @bytes), -EEXIST
 * (something is mapped @at there), -EIO and -ENOMEM.
 */
int vmmu_window_map(int space, uint64_t va, size_t bytes, int prot, void *at,
		    void **memory);

/**
 * vmmu_invalidate() - forget what windows were granted, as invlpg
 * @space: file descriptor of a space.
 * @va: canonical address.
 * @bytes: length of the range, positive; its last address is canonical, too.
 *
 * For a guest that changed entries of a LAZY space by plain stores. Covers
 * every page that the range touches, large ones as a whole.
 *
 * Return: 0; -EINVAL (@va, @bytes), -EIO, -ENOTTY.
 */
int vmmu_invalidate(int space, uint64_t va, uint64_t bytes);

/**
 * vmmu_invalidate_all() - forget all that windows were granted, as a new CR3
 * @space: file descriptor of a space.
 *
 * Return: 0; -EIO, -ENOTTY.
 */
int vmmu_invalidate_all(int space);

/**
 * vmmu_fault() - ask why an access of this thread failed
 * @space: file descriptor of a space.
 * @address: where in one of the caller's windows of this space: si_addr.
 * @access: enum vmmu_access.
 * @fault: receives the answer; nothing in it has to be set. @recorded says
 *	whether it tells that fault, or how things are now.
 *
 * For the handler of SIGSEGV: no variable is touched but @fault.
 *
 * Return: 0; -EFAULT, -EINTR, -EINVAL (@access), -EIO, -ENOENT (no window of
 * this space is there), -ENOTTY.
 */
int vmmu_fault(int space, const void *address, uint32_t access,
	       struct vmmu_fault *fault);

/**
 * vmmu_set_delivery() - choose what guest page faults in windows become
 * @space: file descriptor of a space.
 * @delivery: enum vmmu_delivery.
 * @trap: VMMU_DELIVER_RECORD: file descriptor of a trap file of the same VM.
 *
 * Return: 0; -EBADF (@trap), -EINVAL (@delivery; @trap is another VM's), -EIO,
 * -ENOTTY.
 */
int vmmu_set_delivery(int space, uint32_t delivery, int trap);

/**
 * vmmu_trap_create() - create a trap file
 * @vm: file descriptor of a VM.
 *
 * Its last descriptor's end refuses those who wait for an answer: their spaces
 * deliver signals from then on.
 *
 * Return: the trap file's descriptor, close-on-exec; -EIO, -EMFILE, -ENFILE,
 * -ENOMEM, -ENOTTY.
 */
int vmmu_trap_create(int vm);

/**
 * vmmu_trap_info() - read a trap file's ledger
 * @trap: file descriptor of a trap file.
 * @info: receives the answer; nothing in it has to be set.
 *
 * Return: 0; -EFAULT, -ENOTTY (@trap is no trap file). Works on a dead VM.
 */
int vmmu_trap_info(int trap, struct vmmu_trap_info *info);

/**
 * vmmu_trap_read() - read records, and wait for the first one
 * @trap: file descriptor of a trap file.
 * @records: receives them.
 * @nr: room in @records, positive.
 *
 * Return: the number of records, 0 when spaces did deliver here but none does
 * any more; -EAGAIN (O_NONBLOCK, and there is none), -EFAULT, -EINTR (a
 * signal), -EINVAL (@nr).
 */
int vmmu_trap_read(int trap, struct vmmu_trap_record *records, uint32_t nr);

/**
 * vmmu_trap_answer() - answer a record that was read
 * @trap: file descriptor of the trap file.
 * @cookie: the record's.
 * @verdict: enum vmmu_trap_verdict.
 *
 * Return: 0; -EINVAL (@verdict), -ENOENT (nobody waits for it any more: no
 * reason to worry, a signal may have come first).
 */
int vmmu_trap_answer(int trap, uint64_t cookie, uint32_t verdict);

/**
 * vmmu_audit() - have every host page-table entry of every window checked
 * @vm: file descriptor of a VM.
 * @audit: receives the answer; nothing in it has to be set.
 *
 * Return: 0, also where some are wrong: @audit says how many; -EFAULT, -EINTR,
 * -EIO, -ENOTTY.
 */
int vmmu_audit(int vm, struct vmmu_audit *audit);

#ifdef __cplusplus
}
#endif

#endif /* VMMU_WINDOW_H */
