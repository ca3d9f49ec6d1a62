/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvmmu: the calls of /dev/vmmu as C functions, and words for what they say.
 *
 * Each function of the first part is one system call: it fills the structure
 * that <linux/vmmu.h> states, makes the call and gives the answer back. No
 * state is kept between calls, nothing is retried and nothing is allocated, so
 * any thread may call anything at any time.
 *
 * A function that can fail returns 0 or a count, or -errno: the negative of a
 * value of <errno.h>. The variable errno is left alone. What each errno means
 * stands once, at the top of <linux/vmmu.h>, and per call beside the structure
 * of the call.
 *
 * Virtual and real addresses and lengths are in bytes. A frame is a page frame
 * number of the host.
 */
#ifndef VMMU_H
#define VMMU_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vmmu.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMMU_DEVICE	"/dev/vmmu"

/**
 * vmmu_open() - open the device
 * @path: the device node; NULL for VMMU_DEVICE.
 *
 * Return: a file descriptor, close-on-exec; or what open(2) gives: -ENOENT
 * when there is no node (the module is not loaded), -EACCES when the node's
 * mode forbids it, -EMFILE, -ENFILE.
 */
int vmmu_open(const char *path);

/**
 * vmmu_info() - ask what the module can do
 * @fd: file descriptor of the device, a VM, a space or a trap file.
 * @info: receives the answer; nothing in it has to be set.
 *
 * An older module leaves the fields zero that it does not know.
 *
 * Return: 0; -EFAULT, -ENOTTY (@fd is none of these).
 */
int vmmu_info(int fd, struct vmmu_info *info);

/**
 * vmmu_vm_create() - create a VM
 * @dev: file descriptor of the device.
 * @real_bytes: size of its real memory, a positive multiple of 4096, at most
 *	info.max_real_bytes.
 * @id: receives the VM's id, unless NULL.
 *
 * Return: the VM's file descriptor, close-on-exec; -EINVAL (@real_bytes),
 * -EMFILE, -ENFILE, -ENOMEM, -ENOTTY.
 */
int vmmu_vm_create(int dev, uint64_t real_bytes, uint64_t *id);

/**
 * vmmu_vm_info() - read a VM's settings and counters
 * @vm: file descriptor of a VM.
 * @info: receives the answer; nothing in it has to be set.
 *
 * Return: 0; -EFAULT, -ENOTTY (@vm is not a VM). Works on a dead VM.
 */
int vmmu_vm_info(int vm, struct vmmu_vm_info *info);

/**
 * vmmu_populate() - give every real page of a range a frame
 * @vm: file descriptor of a VM.
 * @ra: first real address, a multiple of 4096.
 * @bytes: length, a positive multiple of 4096; the range lies within real
 *	memory.
 * @done: receives the bytes from @ra on that have frames now, unless NULL; 0
 *	when the call did not run.
 *
 * Return: 0; -EINTR, -EINVAL (@ra, @bytes), -EIO, -ENOMEM, -ENOTTY.
 */
int vmmu_populate(int vm, uint64_t ra, uint64_t bytes, uint64_t *done);

/**
 * vmmu_discard() - take the frames of a range away; it reads as zero then
 * @vm: file descriptor of a VM.
 * @ra: first real address, a multiple of 4096.
 * @bytes: length, a positive multiple of 4096; the range lies within real
 *	memory.
 * @done: receives the bytes from @ra on that are discarded, unless NULL; 0
 *	when the call did not run.
 *
 * Return: 0; -EINTR, -EINVAL (@ra, @bytes), -EIO, -ENOTTY.
 */
int vmmu_discard(int vm, uint64_t ra, uint64_t bytes, uint64_t *done);

/**
 * vmmu_real_map() - read present entries of the real map table, in order
 * @vm: file descriptor of a VM.
 * @ra: in: real address to start at, a multiple of 4096; out: where to go on,
 *	the size of real memory when everything was seen. Unchanged on failure.
 * @last: last real address to look at, inclusive; UINT64_MAX: to the end.
 * @entries: receives the entries.
 * @nr: room in @entries, 1 to info.max_batch.
 *
 * Return: the number of entries, 0 when there is none from *@ra to @last;
 * -EFAULT, -EINTR, -EINVAL (@ra, @last, @nr), -EIO, -ENOTTY.
 */
int vmmu_real_map(int vm, uint64_t *ra, uint64_t last,
		  struct vmmu_real_map_entry *entries, uint32_t nr);

/**
 * vmmu_real_map_memory() - map real memory into the caller's memory
 * @vm: file descriptor of a VM.
 * @ra: first real address, a multiple of 4096.
 * @bytes: length, a positive multiple of 4096.
 * @prot: PROT_READ, PROT_WRITE, PROT_EXEC as for mmap(2).
 * @memory: receives the address that @ra has in the caller's memory.
 *
 * The mapping is MAP_SHARED; munmap(2) ends it. Frames come when the pages are
 * touched.
 *
 * Return: 0; what mmap(2) gives, among it -EINVAL (@ra, @bytes, beyond real
 * memory) and -ENOMEM.
 */
int vmmu_real_map_memory(int vm, uint64_t ra, size_t bytes, int prot,
			 void **memory);

/**
 * vmmu_space_create() - register a page table
 * @vm: file descriptor of a VM.
 * @format: enum vmmu_format_id.
 * @flags: VMMU_SPACE_LAZY or VMMU_SPACE_TRAPPING.
 * @root: real address of the root table, a multiple of 4096.
 * @mode: processor state that its walks depend on.
 * @id: receives the space's id, unique within the VM, unless NULL.
 *
 * Return: the space's file descriptor, close-on-exec; -EFAULT, -EINTR
 * (VMMU_SPACE_TRAPPING only), -EINVAL (@root, @mode), -EIO, -EMFILE, -ENFILE,
 * -ENOMEM, -ENOTTY, -EOPNOTSUPP (@format, @flags, @mode).
 */
int vmmu_space_create(int vm, uint32_t format, uint32_t flags, uint64_t root,
		      const struct vmmu_mode *mode, uint64_t *id);

/**
 * vmmu_space_info() - read a space back
 * @space: file descriptor of a space.
 * @info: receives the answer; nothing in it has to be set.
 *
 * Return: 0; -EFAULT, -ENOTTY (@space is not a space). Works on a dead VM.
 */
int vmmu_space_info(int space, struct vmmu_space_info *info);

/**
 * vmmu_set_root() - change a space's root table
 * @space: file descriptor of a space.
 * @root: real address of the new root table, a multiple of 4096.
 *
 * Return: 0; -EINTR and -ENOMEM (TRAPPING spaces only), -EINVAL (@root), -EIO,
 * -ENOTTY.
 */
int vmmu_set_root(int space, uint64_t root);

/**
 * vmmu_set_mode() - change a space's mode bits
 * @space: file descriptor of a space.
 * @mode: the new mode, all of it.
 *
 * Return: 0; -EFAULT, -EINVAL (@mode), -EIO, -ENOTTY, -EOPNOTSUPP (@mode).
 */
int vmmu_set_mode(int space, const struct vmmu_mode *mode);

/**
 * vmmu_install() - store page-table entries (the hypercall)
 * @space: file descriptor of a space.
 * @ops: the entries, stored in order.
 * @nr: number of entries, 1 to info.max_batch.
 * @flags: VMMU_INSTALL_*.
 * @outcomes: receives an enum vmmu_outcome for each entry, @nr bytes; NULL
 *	when they are not wanted. Bytes from the index where the batch stopped
 *	are left alone.
 * @out: receives done, index, reason and level, unless NULL. All other fields
 *	are as the call left them. When the call did not run, done and index
 *	are 0.
 *
 * Return: 0 when every entry is in force; -ENXIO when an entry stopped the
 * batch, -EPERM when a monitor denied one: @out says which and why; -EFAULT,
 * -EINTR (also any signal, while a monitor is asked), -EINVAL (@nr, an entry's
 * level or address), -EIO, -ENOMEM, -ENOTTY, -EOPNOTSUPP (@flags).
 */
int vmmu_install(int space, const struct vmmu_install_op *ops, uint32_t nr,
		 uint32_t flags, uint8_t *outcomes, struct vmmu_install *out);

/**
 * vmmu_install_at() - store one entry, named by its real address
 * @space: file descriptor of a space.
 * @ra: real address of the entry, a multiple of 8, in a page table of any
 *	TRAPPING space of the VM.
 * @value: the entry, in the format of the spaces that it serves.
 * @out: as for vmmu_install().
 *
 * For several entries in one call pass VMMU_INSTALL_BY_RA to vmmu_install().
 *
 * Return: as vmmu_install(); -ENXIO also where no page table is at @ra.
 */
int vmmu_install_at(int space, uint64_t ra, uint64_t value,
		    struct vmmu_install *out);

/**
 * vmmu_translate() - translate one virtual address
 * @space: file descriptor of a space.
 * @va: the address.
 * @access: enum vmmu_access.
 * @flags: VMMU_TRANSLATE_*.
 * @result: receives the answer.
 *
 * An address that does not translate is an answer, not a failure.
 *
 * Return: 0; -EFAULT, -EINTR, -EINVAL (@access), -EIO, -ENOMEM
 * (VMMU_TRANSLATE_PROVIDE, TRAPPING spaces), -ENOTTY, -EOPNOTSUPP (@flags).
 */
int vmmu_translate(int space, uint64_t va, uint32_t access, uint32_t flags,
		   struct vmmu_translation *result);

/**
 * vmmu_translate_array() - translate many virtual addresses
 * @space: file descriptor of a space.
 * @vas: the addresses.
 * @nr: number of addresses, 1 to info.max_batch.
 * @access: enum vmmu_access.
 * @flags: VMMU_TRANSLATE_*.
 * @results: receives @nr answers.
 * @done: receives the number of answers written, unless NULL; 0 when the call
 *	did not run.
 *
 * Return: 0; -errno as vmmu_translate(), -EINVAL also for @nr.
 */
int vmmu_translate_array(int space, const uint64_t *vas, uint32_t nr,
			 uint32_t access, uint32_t flags,
			 struct vmmu_translation *results, uint32_t *done);

/**
 * vmmu_translate_range() - translate virtual addresses at steps of 4096
 * @space: file descriptor of a space.
 * @va: the first address; the range does not wrap.
 * @nr: number of addresses, 1 to info.max_batch.
 * @access: enum vmmu_access.
 * @flags: VMMU_TRANSLATE_*.
 * @results: receives @nr answers.
 * @done: receives the number of answers written, unless NULL; 0 when the call
 *	did not run.
 *
 * Return: 0; -errno as vmmu_translate(), -EINVAL also for @nr and @va.
 */
int vmmu_translate_range(int space, uint64_t va, uint32_t nr, uint32_t access,
			 uint32_t flags, struct vmmu_translation *results,
			 uint32_t *done);

/**
 * vmmu_explain() - translate one address and give each entry on the way
 * @space: file descriptor of a space.
 * @va: the address.
 * @access: enum vmmu_access.
 * @flags: VMMU_TRANSLATE_*.
 * @steps: receives the entries that were read, the root table's first.
 * @nr_steps: room in @steps, at least the number of levels of the format.
 * @result: receives the answer.
 *
 * Return: the number of entries; -errno as vmmu_translate(), -EINVAL also for
 * @nr_steps.
 */
int vmmu_explain(int space, uint64_t va, uint32_t access, uint32_t flags,
		 struct vmmu_step *steps, uint32_t nr_steps,
		 struct vmmu_translation *result);

/**
 * vmmu_mappings() - list what a page table maps, as runs of pages
 * @space: file descriptor of a space.
 * @va: in: canonical address to start at; out: where to go on. Unchanged on
 *	failure.
 * @last: last canonical address to look at, inclusive.
 * @mappings: receives the runs. One run may come in several pieces.
 * @nr: room in @mappings, 1 to info.max_batch.
 * @more: receives 1 when there may be more from *@va on, 0 when @last was
 *	reached. Unchanged on failure.
 *
 * Return: the number of runs, which may be 0 while *@more is 1; -EFAULT,
 * -EINTR, -EINVAL (@va, @last, @nr), -EIO, -ENOMEM (TRAPPING spaces only),
 * -ENOTTY.
 */
int vmmu_mappings(int space, uint64_t *va, uint64_t last,
		  struct vmmu_mapping *mappings, uint32_t nr, uint32_t *more);

/**
 * vmmu_read() - read guest-virtual memory
 * @space: file descriptor of a space.
 * @va: first virtual address.
 * @buffer: receives the bytes.
 * @bytes: length, positive; the range does not wrap.
 * @flags: VMMU_TRANSLATE_USER, VMMU_TRANSLATE_SET_AD.
 * @out: receives done and result, unless NULL; when the call did not run, done
 *	is 0.
 *
 * Return: 0 when all is read; -ENXIO when the page table stopped it: @out says
 * where and why; -EFAULT, -EHWPOISON, -EINTR, -EINVAL (@bytes), -EIO, -ENOMEM
 * (TRAPPING spaces only), -ENOTTY, -EOPNOTSUPP (@flags).
 */
int vmmu_read(int space, uint64_t va, void *buffer, uint64_t bytes,
	      uint32_t flags, struct vmmu_memory *out);

/**
 * vmmu_write() - write guest-virtual memory
 * @space: file descriptor of a space.
 * @va: first virtual address.
 * @buffer: the bytes.
 * @bytes: length, positive; the range does not wrap.
 * @flags: VMMU_TRANSLATE_USER, VMMU_TRANSLATE_SET_AD.
 * @out: receives done and result, unless NULL; when the call did not run, done
 *	is 0.
 *
 * Return: as vmmu_read(), -ENOMEM of all spaces.
 */
int vmmu_write(int space, uint64_t va, const void *buffer, uint64_t bytes,
	       uint32_t flags, struct vmmu_memory *out);

/**
 * vmmu_cmpxchg() - compare and exchange a value in guest-virtual memory
 * @space: file descriptor of a space.
 * @va: virtual address, a multiple of @bytes.
 * @bytes: width of the value: 1, 2, 4 or 8.
 * @expected: in: what the value has to be; out: what it was. Unchanged on
 *	failure.
 * @desired: what it is to become.
 * @flags: VMMU_TRANSLATE_USER, VMMU_TRANSLATE_SET_AD.
 * @result: receives the translation, unless NULL: after -ENXIO it says why.
 *
 * Return: 1 when the value was exchanged, 0 when it was another one; -errno as
 * vmmu_write(), -EINVAL also for @va, @expected and @desired.
 */
int vmmu_cmpxchg(int space, uint64_t va, uint32_t bytes, uint64_t *expected,
		 uint64_t desired, uint32_t flags,
		 struct vmmu_translation *result);

/**
 * vmmu_real_of_frame() - ask which real page a frame backs
 * @vm: file descriptor of a VM.
 * @frame: host page frame number.
 * @ra: receives the real address of the page.
 *
 * Return: 0; -EIO, -ENOENT (none of this VM), -ENOTTY, -EPERM (no right to see
 * frame numbers of this VM).
 */
int vmmu_real_of_frame(int vm, uint64_t frame, uint64_t *ra);

/**
 * struct vmmu_mappers_from - where vmmu_mappers() goes on; starts out as 0, 0
 * @space: id of a space.
 * @va: an address of it.
 */
struct vmmu_mappers_from {
	uint64_t space;
	uint64_t va;
};

/**
 * vmmu_mappers() - find the virtual addresses that map a real page
 * @vm: file descriptor of a VM.
 * @ra: real address of the page, a multiple of 4096.
 * @from: in: where to start; out: where to go on. Unchanged on failure.
 * @mappers: receives what was found.
 * @nr: room in @mappers, 1 to info.max_batch.
 * @more: receives 1 when there may be more, 0 when every space of the VM has
 *	been looked at. Unchanged on failure.
 *
 * Return: the number of mappers, which may be 0 while *@more is 1; -EFAULT,
 * -EINTR, -EINVAL (@ra, @from, @nr), -EIO, -ENOMEM (TRAPPING spaces only),
 * -ENOTTY.
 */
int vmmu_mappers(int vm, uint64_t ra, struct vmmu_mappers_from *from,
		 struct vmmu_mapper *mappers, uint32_t nr, uint32_t *more);

#ifdef __cplusplus
}
#endif

#include "vmmu_trap.h"
#include "vmmu_window.h"
#include "vmmu_words.h"

#endif /* VMMU_H */
