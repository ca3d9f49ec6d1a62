/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvmmu: the calls about traps: guest page faults and installs, as records on
 * trap files, with their answers, and what a VM and a space count. Included by
 * vmmu.h; its rules are those of the functions there.
 */
#ifndef VMMU_TRAP_H
#define VMMU_TRAP_H

#include <stdint.h>
#include <linux/vmmu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vmmu_set_delivery() - choose what guest page faults in windows become
 * @space: file descriptor of a space.
 * @delivery: VMMU_DELIVER_SIGNAL or VMMU_DELIVER_RECORD.
 * @trap: VMMU_DELIVER_RECORD: file descriptor of a trap file of the same VM.
 *
 * Return: 0; -EBADF (@trap), -EINVAL (@delivery; @trap is another VM's), -EIO,
 * -ENOMEM, -ENOTTY.
 */
int vmmu_set_delivery(int space, uint32_t delivery, int trap);

/**
 * vmmu_set_delivery_of() - choose what traps of one kind become
 * @space: file descriptor of a space.
 * @kind: enum vmmu_trap_kind.
 * @delivery: enum vmmu_delivery: SIGNAL or RECORD for VMMU_TRAP_FAULT; NONE or
 *	NOTIFY for installs, and ASK for those by HYPERCALL and STORE.
 * @trap: VMMU_DELIVER_RECORD, _NOTIFY, _ASK: file descriptor of a trap file of
 *	the same VM; otherwise it is not looked at.
 *
 * Who waits for an answer that the old delivery asked for goes on.
 *
 * Return: 0; -EBADF (@trap), -EINVAL (@kind, @delivery; @trap is another VM's),
 * -EIO, -ENOMEM, -ENOTTY; -E2BIG from a module that knows faults only.
 */
int vmmu_set_delivery_of(int space, uint32_t kind, uint32_t delivery, int trap);

/**
 * vmmu_get_delivery() - read back what traps of one kind become
 * @space: file descriptor of a space.
 * @kind: enum vmmu_trap_kind.
 *
 * Return: enum vmmu_delivery; -EINVAL (@kind), -ENOTTY (also from a module that
 * knows faults only). Works on a dead VM.
 */
int vmmu_get_delivery(int space, uint32_t kind);

/**
 * vmmu_trap_create() - create a trap file
 * @vm: file descriptor of a VM.
 *
 * Its last descriptor's end lets those go who wait for an answer: faults become
 * signals from then on, and installs are made without a record.
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
 * @verdict: enum vmmu_trap_verdict, one that goes with the record's kind;
 *	VMMU_VERDICT_REWRITE stores 0, see vmmu_trap_rewrite().
 *
 * Return: 0; -EINVAL (@verdict), -ENOENT (nobody waits for it any more: no
 * reason to worry, a signal may have come first).
 */
int vmmu_trap_answer(int trap, uint64_t cookie, uint32_t verdict);

/**
 * vmmu_trap_rewrite() - have another entry stored than the one asked about
 * @trap: file descriptor of the trap file.
 * @cookie: the record's: of an install that waits.
 * @value: the entry, in the space's format.
 *
 * Return: 0; -EINVAL (the record is a fault's), -ENOENT as for
 * vmmu_trap_answer().
 */
int vmmu_trap_rewrite(int trap, uint64_t cookie, uint64_t value);

/**
 * vmmu_ledger() - read what a VM or a space has been through
 * @fd: file descriptor of a VM or a space.
 * @ledger: receives the counters, from the VM's or the space's birth on; nothing
 *	in it has to be set.
 *
 * The counters are read one after the other, while they grow.
 *
 * Return: 0; -EFAULT, -ENOTTY (@fd is neither). Works on a dead VM.
 */
int vmmu_ledger(int fd, struct vmmu_ledger *ledger);

#ifdef __cplusplus
}
#endif

#endif /* VMMU_TRAP_H */
