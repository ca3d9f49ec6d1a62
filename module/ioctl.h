/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way in and out of every call: a table of rows, one a call, by number. Those
 * that a kind of file does not know are empty.
 */
#ifndef VMMU_IOCTL_H
#define VMMU_IOCTL_H

#include <linux/fs.h>
#include <linux/stddef.h>
#include <linux/vmmu.h>

/**
 * struct vmmu_call - a call under way
 * @file: the file it is made on.
 * @arg: the call's structure, the kernel's copy; what the caller left out of
 *	an older, smaller one is zero.
 * @new_file: a file that the call made, to be installed in the caller's table.
 * @new_fd: the number reserved for it.
 */
struct vmmu_call {
	struct file *file;
	void *arg;
	struct file *new_file;
	int new_fd;
};

/**
 * struct vmmu_row - a row of a call table, at the number of its ioctl
 * @bytes: size of its structure.
 * @min_bytes: size up to and with the last field of version 1.
 * @writes: whether the structure is copied back.
 * @asks: whether it only asks, and so works on a dead VM.
 * @handler: does the work.
 */
struct vmmu_row {
	u32 bytes;
	u32 min_bytes;
	bool writes;
	bool asks;
	long (*handler)(struct vmmu_call *call);
};

#define VMMU_ROW(number, function, type, last_field, ...)		\
	[_IOC_NR(number)] = {						\
		.bytes = sizeof(struct type) + BUILD_BUG_ON_ZERO(	\
			sizeof(struct type) > VMMU_MAX_CALL_BYTES),	\
		.min_bytes = offsetofend(struct type, last_field),	\
		.handler = function,					\
		__VA_ARGS__						\
	}

#define VMMU_MAX_CALL_BYTES	128

/*
 * Refuse what a dead VM can't do, copy the structure in, call the row's
 * handler, copy the structure out, and only then let the caller have a file that was made.
 */
long vmmu_ioctl(struct file *file, unsigned int cmd, unsigned long arg,
		const struct vmmu_row *rows, unsigned int nr_rows, bool dead);

/* Reserve a descriptor for the file that the call is going to make. */
int vmmu_call_reserve(struct vmmu_call *call);

#endif /* VMMU_IOCTL_H */
