/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvmmu: the calls about windows. Included by vmmu.h; its rules are those of
 * the functions there.
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
 * Return: 0; -EINTR and -ENOMEM (TRAPPING spaces only), -EINVAL (@va, @bytes), -EIO,
 * -ENOTTY.
 */
int vmmu_invalidate(int space, uint64_t va, uint64_t bytes);

/**
 * vmmu_invalidate_all() - forget all that windows were granted, as a new CR3
 * @space: file descriptor of a space.
 *
 * Return: 0; -EINTR and -ENOMEM (TRAPPING spaces only), -EIO, -ENOTTY.
 */
int vmmu_invalidate_all(int space);

/**
 * vmmu_fault() - ask why an access of this thread failed
 * @space: file descriptor of a space.
 * @address: where, as in si_addr: in one of the caller's windows of this space; or
 *	anywhere, where a store to a page table of the VM was denied.
 * @access: enum vmmu_access; of such a store VMMU_ACCESS_WRITE.
 * @fault: receives the answer; nothing in it has to be set. @recorded says
 *	whether it tells that fault, or how things are now. Of a denied store the
 *	reason is VMMU_REASON_DENIED, and va the entry's real address.
 *
 * For the handler of SIGSEGV: no variable is touched but @fault.
 *
 * Return: 0; -EFAULT, -EINTR, -EINVAL (@access), -EIO, -ENOENT (no window of
 * this space is there), -ENOMEM (TRAPPING spaces only), -ENOTTY.
 */
int vmmu_fault(int space, const void *address, uint32_t access,
	       struct vmmu_fault *fault);

/**
 * vmmu_audit() - have every host page-table entry of every window checked, and
 *	every page table of TRAPPING spaces
 * @vm: file descriptor of a VM.
 * @audit: receives the answer; nothing in it has to be set.
 *
 * Return: 0, also where some are wrong: @audit says how many; -EFAULT, -EINTR,
 * -EIO, -ENOMEM (TRAPPING spaces only), -ENOTTY.
 */
int vmmu_audit(int vm, struct vmmu_audit *audit);

#ifdef __cplusplus
}
#endif

#endif /* VMMU_WINDOW_H */
