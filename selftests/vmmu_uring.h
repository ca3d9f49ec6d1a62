/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An io_uring for tests, with one request at a time.
 */
#ifndef VMMU_URING_H
#define VMMU_URING_H

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define URING_BYTES	4096

struct uring {
	int fd;
	struct io_uring_params p;
	unsigned char *rings;
	struct io_uring_sqe *sqes;
};

static inline void uring_drop(struct uring *u)
{
	if (u->rings != MAP_FAILED)
		munmap(u->rings, 4 * URING_BYTES);
	if (u->sqes != MAP_FAILED)
		munmap(u->sqes, URING_BYTES);
	close(u->fd);
}

/* -errno where there is none to be had, or not with these IORING_SETUP_*. */
static inline int uring_make(struct uring *u, unsigned int flags)
{
	memset(&u->p, 0, sizeof(u->p));
	u->p.flags = flags;
	u->fd = syscall(SYS_io_uring_setup, 4, &u->p);
	if (u->fd < 0)
		return -errno;
	u->rings = mmap(NULL, 4 * URING_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED, u->fd, IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, URING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       u->fd, IORING_OFF_SQES);
	if (u->rings == MAP_FAILED || u->sqes == MAP_FAILED) {
		uring_drop(u);
		return -ENOMEM;
	}
	return 0;
}

static inline unsigned int *uring_word(struct uring *u, unsigned int offset)
{
	return (unsigned int *)(u->rings + offset);
}

/* Submit a request, and wait for @wait results. 0 or -errno. */
static inline int uring_submit(struct uring *u, struct io_uring_sqe sqe,
			       unsigned int wait)
{
	unsigned int *tail = uring_word(u, u->p.sq_off.tail);
	unsigned int mask = *uring_word(u, u->p.sq_off.ring_mask);

	u->sqes[0] = sqe;
	uring_word(u, u->p.sq_off.array)[*tail & mask] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, u->fd, 1, wait,
		       wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0) == 1 ?
	       0 : -errno;
}

static inline int uring_has_result(struct uring *u)
{
	return __atomic_load_n(uring_word(u, u->p.cq_off.tail),
			       __ATOMIC_ACQUIRE) !=
	       *uring_word(u, u->p.cq_off.head);
}

/* Take a result that is there. */
static inline int uring_result(struct uring *u)
{
	struct io_uring_cqe *cqes = (void *)(u->rings + u->p.cq_off.cqes);
	unsigned int *head = uring_word(u, u->p.cq_off.head);
	unsigned int mask = *uring_word(u, u->p.cq_off.ring_mask);
	int result = cqes[*head & mask].res;

	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

#endif /* VMMU_URING_H */
